/* This file is a ledger that a host serves, as every part of emrfs sees one: each call is one
 * request. */
#include "client_private.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/file.h"
#include "base/worker.h"
#include "contract/codes.h"
#include "ledger/backend.h"
#include "ledger/batch.h"
#include "ledger/chain.h"
#include "ledger/checkpoint.h"
#include "ledger/network.h"

#define LOOK_MS 5000u /* that a look may take where nobody has answered yet */
#define BRIEF_MS 900u /* and where somebody has: people wait for it */

static emr_status ask_get(client *c, emr_buf *out, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
static emr_status ask_get(client *c, emr_buf *out, const char *format, ...)
{
	char path[256];
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(path, sizeof path, format, arguments);
	va_end(arguments);
	return client_ask(c, &(question){.path = path}, out);
}

/* How many entries there are says the host by a checkpoint that it signs: two that differ prove
 * that it shows two histories. */
static emr_status take_head(client *c, const emr_buf *note, emr_checkpoint *out)
{
	emr_checkpoint head;
	emr_status status = emr_checkpoint_parse(emr_buf_view(note), &head);

	if (status == EMR_OK)
		status = client_signed(c, &head, true);
	if (status != EMR_OK)
		return status == EMR_NO_MEMORY ? status : client_refuse(c, EMR_DAMAGED);
	(void)pthread_mutex_lock(&c->lock);
	emr_buf_clear(&c->head);
	status = emr_buf_append(&c->head, note->data, note->len);
	c->head_size = head.size;
	c->hosts.has_lagged = c->hosts.has_lagged && c->hosts.by == 0;
	(void)pthread_mutex_unlock(&c->lock);
	*out = head;
	return status;
}

/* ---- the ledger's calls ---- */

static emr_status client_submit(void *self, emr_bytes batch, emr_ledger_answer *out_answer)
{
	client *c = self;
	EMR_AUTO_BUF body = {0};
	EMR_AUTO_BUF text = {0};
	uint8_t head[WIRE_SUBMIT_HEAD];
	emr_ledger_answer answer;
	const char *fault;
	emr_status status;

	if (c->submitter == NULL)
		return EMR_DENIED;
	if (batch.len < EMR_HEADER_BYTES) { /* the host refuses it, too */
		*out_answer = (emr_ledger_answer){.refusal = EMR_RESULT_FORMAT};
		return EMR_OK;
	}
	memcpy(head, c->submitter_id.b, 32);
	EMR_TRY(emr_batch_sign_submit(c->submitter, c->net_id, batch, head + 32));
	EMR_TRY(emr_buf_append(&body, head, sizeof head));
	EMR_TRY(emr_buf_append(&body, batch.data, batch.len));
	status = client_ask(c,
		&(question){.path = "batches",
			.is_post = true,
			.body = emr_buf_view(&body),
			.timeout_ms = TIMEOUT_MS,
			.is_open = body.len <= WIRE_OPEN_MAX},
		&text);
	/* It is the host that has to be updated, or has no room: this computer is well. */
	fault = emr_ledger_fault_of(status);
	(void)pthread_mutex_lock(&c->lock);
	c->untaken_unix_s = fault == NULL	    ? 0
			    : c->untaken_unix_s > 0 ? c->untaken_unix_s
						    : emr_clock_unix_s(c->clock);
	c->untaken = fault;
	(void)pthread_mutex_unlock(&c->lock);
	EMR_TRY(fault != NULL ? EMR_OFFLINE : status);
	EMR_TRY(wire_read_answer(emr_buf_view(&text), &answer));
	/* Somebody has set a clock since the last token: the next question asks for another. */
	(void)pthread_mutex_lock(&c->lock);
	if (answer.refusal == EMR_RESULT_TIME_AHEAD || answer.refusal == EMR_RESULT_EXPIRED_BATCH)
		c->token[0] = '\0';
	(void)pthread_mutex_unlock(&c->lock);
	*out_answer = answer;
	return EMR_OK;
}

static emr_status ask_head(client *c, emr_checkpoint *out)
{
	EMR_AUTO_BUF note = {0};

	EMR_TRY(ask_get(c, &note, "size"));
	return take_head(c, &note, out);
}

static emr_status client_size(void *self, uint64_t *out_size)
{
	emr_checkpoint head;

	EMR_TRY(ask_head(self, &head));
	*out_size = head.size;
	return EMR_OK;
}

static emr_status client_head(void *self, emr_buf *out_note)
{
	client *c = self;
	EMR_LOCKED(&c->lock);

	return c->head.len > 0 ? emr_buf_append(out_note, c->head.data, c->head.len)
			       : EMR_NOT_FOUND;
}

/* With entries below FROM the client has all that the host has signed. */
static bool has_all(client *c, uint64_t from)
{
	EMR_LOCKED(&c->lock);

	return from == c->head_size;
}

static emr_status client_entries(
	void *self, uint64_t from, size_t max, emr_ledger_entry_fn fn, void *arg, size_t *out_n)
{
	EMR_AUTO_BUF bytes = {0};
	emr_ledger_entry entry;
	emr_status status = EMR_OK;

	for (*out_n = 0; status == EMR_OK && *out_n < max;) {
		emr_reader reader;
		size_t before = *out_n;

		status = ask_get(self, &bytes, "entries?from=%llu&max=%zu",
			(unsigned long long)from, max - *out_n);
		reader = emr_reader_of(emr_buf_view(&bytes));
		while (status == EMR_OK && *out_n < max && wire_read_entry(&reader, &entry)) {
			if (entry.seq != from)
				return EMR_DAMAGED;
			status = fn(arg, &entry);
			*out_n += status == EMR_OK;
			from = entry.seq + 1;
		}
		if (status == EMR_OK && reader.bad)
			return EMR_DAMAGED;
		if (*out_n == before || has_all(self, from))
			break;
	}
	return status;
}

static emr_status client_fetch(
	void *self, const emr_part_key *keys, size_t n, emr_ledger_part_fn fn, void *arg)
{
	EMR_AUTO_BUF body = {0};
	EMR_AUTO_BUF bytes = {0};
	emr_status status = EMR_OK;

	for (size_t done = 0; status == EMR_OK && done < n;) {
		const size_t before = done;
		emr_reader reader;
		emr_bytes part;

		emr_buf_clear(&body);
		status = wire_put_keys(
			keys + done, n - done < WIRE_KEYS_MAX ? n - done : WIRE_KEYS_MAX, &body);
		if (status == EMR_OK)
			status = client_ask(self,
				&(question){.path = "parts",
					.is_post = true,
					.body = emr_buf_view(&body)},
				&bytes);
		reader = emr_reader_of(emr_buf_view(&bytes));
		while (status == EMR_OK && done < n && wire_read_part(&reader, &part))
			status = fn(arg, done++, part);
		if (status == EMR_OK && (reader.bad || done == before))
			status = EMR_DAMAGED;
	}
	return status;
}

static emr_status client_lacks(void *self, uint64_t from, emr_chain_lacking *out)
{
	EMR_AUTO_BUF bytes = {0};

	_Static_assert(EMR_CHAIN_LACKING_MAX == WIRE_KEYS_MAX, "an answer has room");
	EMR_TRY(ask_get(self, &bytes, "lacking?from=%llu", (unsigned long long)from));
	if (bytes.len < 8)
		return EMR_DAMAGED;
	out->next = emr_get_u64(bytes.data);
	out->n = 0;
	return bytes.len == 8 ? EMR_OK
			      : wire_read_keys(emr_bytes_of(bytes.data + 8, bytes.len - 8),
					out->keys, &out->n);
}

static emr_status client_give(
	void *self, const emr_part_key *keys, const emr_bytes *parts, size_t n, size_t *out_n)
{
	EMR_AUTO_BUF body = {0};
	EMR_AUTO_BUF answer = {0};

	for (size_t i = 0; i < n; i++) {
		EMR_TRY(wire_put_keys(&keys[i], 1, &body));
		EMR_TRY(wire_put_part(parts[i], &body));
	}
	EMR_TRY(client_ask(self,
		&(question){.path = "given", .is_post = true, .body = emr_buf_view(&body)},
		&answer));
	if (answer.len != 4)
		return EMR_DAMAGED;
	*out_n = emr_get_u32(answer.data);
	return EMR_OK;
}

static emr_status client_find_item(
	void *self, emr_id32 item_id, uint64_t *out_seq, uint16_t *out_index)
{
	EMR_AUTO_BUF bytes = {0};
	char hex[65];

	emr_hex(item_id.b, 32, hex);
	EMR_TRY(ask_get(self, &bytes, "items/%s", hex));
	if (bytes.len != 10)
		return EMR_DAMAGED;
	*out_seq = emr_get_u64(bytes.data);
	*out_index = emr_get_u16(bytes.data + 8);
	return EMR_OK;
}

static emr_status client_subtree(void *self, uint32_t level, uint64_t index, uint8_t out_hash[32])
{
	EMR_AUTO_BUF bytes = {0};

	EMR_TRY(ask_get(
		self, &bytes, "subtree?level=%u&index=%llu", level, (unsigned long long)index));
	if (bytes.len != 32)
		return EMR_DAMAGED;
	memcpy(out_hash, bytes.data, 32);
	return EMR_OK;
}

static emr_status client_note(void *self, emr_buf *out_note)
{
	return ask_get(self, out_note, "note");
}

/* The host unites what it is left with what it has by itself. */
static emr_status client_replace_note(void *self, emr_bytes old_note, emr_bytes text)
{
	EMR_AUTO_BUF ignored = {0};

	(void)old_note;
	return client_ask(
		self, &(question){.path = "note", .is_post = true, .body = text}, &ignored);
}

static bool take_wake(const client *c)
{
	eventfd_t ignored;

	return eventfd_read(c->wake_fd, &ignored) == 0;
}

static emr_status client_wait(void *self, uint64_t since, int timeout_ms, uint64_t *out_size)
{
	client *c = self;
	EMR_AUTO_BUF text = {0};
	char path[96];
	const int most_ms = (int)WIRE_WAIT_MAX_MS;
	int wait_ms = timeout_ms < most_ms ? timeout_ms : most_ms;
	emr_checkpoint head;
	emr_status status;

	client_try_own(c);
	(void)pthread_mutex_lock(&c->lock);
	if (c->away_unix_s != 0)
		wait_ms = 0; /* that it is back is heard at once */
	if (c->hosts.by > 0 && wait_ms > HOSTS_MS)
		wait_ms = HOSTS_MS;
	(void)pthread_mutex_unlock(&c->lock);
	(void)snprintf(path, sizeof path, "size?since=%llu&wait-ms=%d", (unsigned long long)since,
		wait_ms > 0 ? wait_ms : 0);
	status = client_ask(c,
		&(question){.path = path,
			.is_wait = true,
			.timeout_ms = SILENCE_MS + (uint32_t)wait_ms},
		&text);
	if (take_wake(c))
		return EMR_INTERRUPTED;
	if (status == EMR_OK)
		status = take_head(c, &text, &head);
	if (status != EMR_OK)
		return status;
	if (head.size <= since)
		return head.size < since ? client_refuse(c, EMR_ROLLBACK) : EMR_TIMEOUT;
	*out_size = head.size;
	return EMR_OK;
}

/* These two fail only when what they tell is pending already. */
static void client_wake(void *self)
{
	(void)eventfd_write(((const client *)self)->wake_fd, 1);
}

static void client_stop(void *self)
{
	(void)eventfd_write(((const client *)self)->stop_fd, 1);
}

/* Asked again when the last answer is a second old.  No answer to a brief look says that it is
 * asked, and not that nobody is there: that is found by who needs the answer. */
static void client_look(void *self, emr_ledger_absence *out_absence)
{
	client *c = self;
	EMR_AUTO_BUF text = {0};
	const int64_t began_ns = emr_clock_boot_ns(emr_clock_system());
	question q = {.path = "descriptor", .timeout_ms = LOOK_MS, .is_open = true};
	bool is_due, is_barred;

	(void)client_at(c);
	(void)pthread_mutex_lock(&c->lock);
	is_due = c->looked_ns == 0 || began_ns - c->looked_ns >= LOOK_NS;
	if (c->looked_ns != 0) {
		q.timeout_ms = BRIEF_MS;
		q.is_brief = true;
	}
	(void)pthread_mutex_unlock(&c->lock);
	if (is_due)
		(void)!client_ask(c, &q, &text);
	(void)pthread_mutex_lock(&c->lock);
	if (is_due && q.is_brief && c->looked_ns < began_ns) {
		c->is_asked = c->last == EMR_OK;
		c->looked_ns = emr_clock_boot_ns(emr_clock_system());
	}
	is_barred = c->last == EMR_OK && (c->is_asked || c->hosts.is_shut || CLIENT_IS_BARRED(c));
	*out_absence = (emr_ledger_absence){.status = is_barred ? EMR_OFFLINE : c->last,
		.since_unix_s = is_barred ? emr_clock_unix_s(c->clock) : c->away_unix_s,
		.is_asked = is_barred && c->is_asked,
		.refusal = c->is_other_host	 ? "another host"
			   : c->is_recovering	 ? EMR_SERVED_RECOVERY
			   : c->last != EMR_OK	 ? NULL
			   : CLIENT_IS_BARRED(c) ? "clock"
			   : c->hosts.is_shut	 ? EMR_SERVED_UNKNOWN
						 : NULL,
		.ahead_s = c->last == EMR_OK ? c->ahead_s : 0};
	if (c->untaken_unix_s > 0) {
		out_absence->sent_refusal = out_absence->unsent.fault = c->untaken;
		out_absence->unsent.since_unix_s = c->untaken_unix_s;
		out_absence->unsent.stage = "submit";
	}
	if (out_absence->status != EMR_OK)
		out_absence->status = emr_ledger_absence_of(out_absence->status);
	(void)pthread_mutex_unlock(&c->lock);
}

/* ---- a replay of all that the host gives ---- */

typedef struct replay {
	client *c;
	emr_chain *truth;
	emr_ledger_trouble *trouble;
} replay;

static emr_status replay_entry(void *arg, const emr_ledger_entry *entry)
{
	replay *r = arg;
	emr_chain_parts *parts = calloc(1, sizeof *parts);
	emr_status status;

	if (parts == NULL)
		return EMR_NO_MEMORY;
	status = emr_chain_parts_of(entry, client_fetch, r->c, NULL, NULL, parts);
	if (status == EMR_OK)
		status = emr_chain_follow(
			r->truth, entry, NULL, parts->spans, NULL, NULL, r->trouble);
	emr_chain_parts_free(parts);
	free(parts);
	return status;
}

/* The host has signed the entries that were replayed. */
static emr_status compare_root(replay *r, const emr_checkpoint *head)
{
	uint8_t root[32];

	EMR_TRY(emr_chain_root(r->truth, head->size, root));
	if (memcmp(root, head->root, 32) == 0)
		return EMR_OK;
	*r->trouble = (emr_ledger_trouble){.status = EMR_FORK, .seq = head->size - 1};
	(void)snprintf(r->trouble->cause, sizeof r->trouble->cause,
		"the host has signed other entries than it gives");
	return EMR_FORK;
}

static emr_status client_verify(void *self, emr_ledger_trouble *out_trouble)
{
	EMR_AUTO_CHAIN truth = NULL;
	EMR_AUTO_BUF first = {0};
	replay r = {.c = self, .trouble = out_trouble};
	emr_checkpoint head = {.size = 0};
	size_t n = 0;
	emr_status status = ask_head(self, &head);

	*out_trouble = (emr_ledger_trouble){.status = EMR_OK};
	if (status == EMR_OK)
		status = emr_chain_open_temporary(&truth);
	r.truth = truth;
	if (status == EMR_OK)
		status = emr_chain_begin(truth);
	if (status == EMR_OK)
		status = client_entries(self, 0, head.size, replay_entry, &r, &n);
	if (status == EMR_OK && n < head.size)
		status = EMR_DAMAGED;
	if (status == EMR_OK)
		status = emr_chain_entry(truth, 0, &first, NULL);
	if (status == EMR_OK &&
		!emr_bytes_equal(emr_buf_view(&first), emr_buf_view(&r.c->descriptor)))
		status = EMR_FORK;
	if (status == EMR_OK)
		status = compare_root(&r, &head);
	if (status != EMR_OK && out_trouble->status == EMR_OK)
		*out_trouble = (emr_ledger_trouble){.status = status, .seq = n};
	return status;
}

/* Where the host is in recovery nothing else can be asked, and no token is given. */
static emr_status client_ask_host(void *self, const char *what, emr_bytes body, emr_buf *out)
{
	client *c = self;
	const bool is_recovery = strcmp(what, EMR_ASK_RECOVERY) == 0;

	if (is_recovery && body.len == 0 && !atomic_load(&c->is_recovering))
		return EMR_NOT_FOUND;
	return client_ask(c,
		&(question){.path = what,
			.is_post = body.len > 0,
			.is_open = is_recovery || body.len > 0,
			.is_beside = is_recovery || body.len > 0,
			.body = body},
		out);
}

static const emr_ledger_backend backend = {
	.close = client_close,
	.submit = client_submit,
	.size = client_size,
	.entries = client_entries,
	.fetch = client_fetch,
	.lacks = client_lacks,
	.give = client_give,
	.find_item = client_find_item,
	.subtree = client_subtree,
	.note = client_note,
	.replace_note = client_replace_note,
	.wait = client_wait,
	.wake = client_wake,
	.stop = client_stop,
	.verify = client_verify,
	.look = client_look,
	.head = client_head,
	.knows = client_knows,
	.ask = client_ask_host,
	.stand_in = client_stand_in,
};

emr_status emr_served_open(const emr_ledger_options *options, int wake_fd, emr_ledger **out_ledger)
{
	client *c = NULL;

	EMR_TRY(client_open(options, wake_fd, &c));
	return emr_ledger_over(&backend, c, emr_buf_view(&c->descriptor), out_ledger);
}
