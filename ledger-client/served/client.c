/* This file is a ledger that a host serves, as every part of emrfs sees one: each call is one
 * request, with a token that is fetched when it is missing or no longer taken. */
#include "served/client.h"

#include <errno.h>
#include <stdarg.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/file.h"
#include "base/secret.h"
#include "http/request.h"
#include "ledger/backend.h"
#include "ledger/chain.h"
#include "ledger/hash.h"
#include "ledger/network.h"
#include "wire.h"

#define TIMEOUT_MS 60000u
#define LOOK_MS 5000u /* that a look may take */
#define LOOK_NS INT64_C(1000000000)
#define DESCRIPTOR_MAX ((size_t)60000)
#define SETTINGS_MAX ((size_t)4096)
#define BEARER "Authorization: Bearer "

typedef struct client {
	/* set when it is opened */
	emr_http *http;
	emr_buf descriptor;
	emr_id16 net_id;
	const emr_keyring *submitter; /* NULL: none, or the one that is there later */
	emr_keyring *const *submitter_at;
	emr_id32 submitter_id;
	const emr_clock *clock;
	int wake_fd, stop_fd;
	bool is_wake_lent, is_stop_lent;

	pthread_mutex_t lock; /* of what follows */
	char token[sizeof BEARER + WIRE_TOKEN_CHARS];
	uint64_t token_unix_s; /* since when it is there */
	emr_status last;       /* how the host was when it was asked last */
	uint64_t away_unix_s;
	int64_t looked_ns;  /* of system boot */
	bool is_other_host; /* it showed another key */
} client;

/* One request; what is not said here is as for any. */
typedef struct question {
	const char *path; /* behind WIRE_ROOT */
	bool is_post;
	emr_bytes body;
	uint32_t timeout_ms; /* 0 = TIMEOUT_MS */
	bool is_wait;	     /* emr_ledger_wake ends it */
	bool is_open;	     /* needs no token */
} question;

static void note(client *c, emr_status status, const emr_http_answer *answer)
{
	(void)pthread_mutex_lock(&c->lock);
	c->last = answer->fault == EMR_HTTP_FINE ? EMR_OK : status;
	c->is_other_host = answer->fault == EMR_HTTP_CERTIFICATE;
	c->looked_ns = emr_clock_boot_ns(emr_clock_system());
	if (c->last == EMR_OK)
		c->away_unix_s = 0;
	else if (c->away_unix_s == 0)
		c->away_unix_s = emr_clock_unix_s(c->clock);
	(void)pthread_mutex_unlock(&c->lock);
}

/* An answer of HTTP that is no answer of ours: something else stands at that address. */
static emr_status status_of(const emr_http_answer *answer, const emr_buf *body)
{
	char word[32];

	if (answer->status == 200)
		return EMR_OK;
	if (body->len >= sizeof word)
		return EMR_DAMAGED;
	memcpy(word, body->data, body->len);
	word[body->len] = '\0';
	return wire_status_of(word);
}

static emr_status ask_once(client *c, const question *q, const char *bearer, emr_buf *out)
{
	EMR_AUTO_FREE char *path = NULL;
	const char *headers[] = {"Content-Type: application/octet-stream", bearer, NULL};
	emr_http_request request = {.method = q->is_post ? "POST" : "GET",
		.body = q->body,
		.headers = headers,
		.timeout_ms = q->timeout_ms != 0 ? q->timeout_ms : TIMEOUT_MS,
		.answer_max = WIRE_ANSWER_MAX,
		.cancel_fds = {c->stop_fd, q->is_wait ? c->wake_fd : 0}};
	emr_http_answer answer;
	emr_status status;

	emr_buf_clear(out);
	if (asprintf(&path, WIRE_ROOT "%s", q->path) < 0) {
		path = NULL;
		return EMR_NO_MEMORY;
	}
	request.path = path;
	status = emr_http_ask(c->http, &request, out, &answer);
	if (answer.fault != EMR_HTTP_CANCELLED && answer.fault != EMR_HTTP_HERE)
		note(c, status, &answer);
	return status == EMR_OK ? status_of(&answer, out) : status;
}

static emr_status fetch_token(client *c, char out_bearer[sizeof BEARER + WIRE_TOKEN_CHARS])
{
	uint8_t message[WIRE_TOKEN_MESSAGE_BYTES], body[WIRE_TOKEN_REQUEST_BYTES];
	const question q = {.path = "token",
		.is_post = true,
		.body = emr_bytes_of(body, sizeof body),
		.is_open = true};
	uint64_t now = emr_clock_unix_s(c->clock);
	const emr_keyring *keyring = c->submitter_at != NULL ? *c->submitter_at : c->submitter;
	EMR_AUTO_BUF text = {0};
	emr_public public;
	emr_status status = keyring != NULL ? emr_keyring_public(keyring, &public) : EMR_DENIED;

	if (status != EMR_OK)
		return status;
	wire_token_message(c->net_id, public.signer_id, now, message);
	memcpy(body, public.signer_id.b, 32);
	emr_put_u64(body + 32, now);
	status = emr_keyring_sign(keyring, emr_signer_identity(), EMR_SIGN_TOKEN,
		emr_bytes_of(message, sizeof message), body + 40);
	if (status == EMR_OK)
		status = ask_once(c, &q, NULL, &text);
	if (status == EMR_OK && text.len != WIRE_TOKEN_CHARS)
		status = EMR_DAMAGED;
	if (status != EMR_OK)
		return status;
	(void)snprintf(out_bearer, sizeof BEARER + WIRE_TOKEN_CHARS, BEARER "%.*s",
		WIRE_TOKEN_CHARS, (const char *)text.data);
	(void)pthread_mutex_lock(&c->lock);
	memcpy(c->token, out_bearer, sizeof c->token);
	c->token_unix_s = now;
	(void)pthread_mutex_unlock(&c->lock);
	return EMR_OK;
}

/* With the token that is kept, and once more with a new one where that is not taken. */
static emr_status ask(client *c, const question *q, emr_buf *out)
{
	char bearer[sizeof BEARER + WIRE_TOKEN_CHARS];
	emr_status status = EMR_BAD_SIGNATURE;

	if (q->is_open)
		return ask_once(c, q, NULL, out);
	(void)pthread_mutex_lock(&c->lock);
	memcpy(bearer, c->token, sizeof bearer);
	(void)pthread_mutex_unlock(&c->lock);
	if (bearer[0] != '\0')
		status = ask_once(c, q, bearer, out);
	if (status != EMR_BAD_SIGNATURE)
		return status;
	status = fetch_token(c, bearer);
	if (status == EMR_OK)
		status = ask_once(c, q, bearer, out);
	emr_wipe(bearer, sizeof bearer);
	return status == EMR_BAD_SIGNATURE ? EMR_DENIED : status;
}

static emr_status ask_get(client *c, emr_buf *out, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
static emr_status ask_get(client *c, emr_buf *out, const char *format, ...)
{
	char path[256];
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(path, sizeof path, format, arguments);
	va_end(arguments);
	return ask(c, &(question){.path = path}, out);
}

static emr_status read_number(const emr_buf *text, uint64_t *out)
{
	char line[24], *end;

	if (text->len == 0 || text->len >= sizeof line || text->data[0] < '0' ||
		text->data[0] > '9')
		return EMR_DAMAGED;
	memcpy(line, text->data, text->len);
	line[text->len] = '\0';
	errno = 0;
	*out = strtoull(line, &end, 10);
	return errno == 0 && strcmp(end, "\n") == 0 ? EMR_OK : EMR_DAMAGED;
}

/* ---- the ledger's calls ---- */

static emr_status client_submit(void *self, emr_bytes batch, emr_ledger_answer *out_answer)
{
	client *c = self;
	EMR_AUTO_BUF body = {0};
	EMR_AUTO_BUF text = {0};
	uint8_t message[EMR_SUBMIT_MESSAGE_BYTES], head[WIRE_SUBMIT_HEAD];
	const size_t label = sizeof message - 32; /* emr_keyring_sign puts it there itself */
	emr_ledger_answer answer;
	emr_status status;

	if (c->submitter == NULL)
		return EMR_DENIED;
	if (batch.len < EMR_HEADER_BYTES) { /* the host refuses it, too */
		*out_answer = (emr_ledger_answer){.refusal = EMR_RESULT_FORMAT};
		return EMR_OK;
	}
	emr_submit_message(c->net_id.b, batch.data, message);
	memcpy(head, c->submitter_id.b, 32);
	status = emr_keyring_sign(c->submitter, emr_signer_identity(), EMR_SIGN_SUBMIT,
		emr_bytes_of(message + label, 32), head + 32);
	if (status == EMR_OK)
		status = emr_buf_append(&body, head, sizeof head);
	if (status == EMR_OK)
		status = emr_buf_append(&body, batch.data, batch.len);
	if (status == EMR_OK)
		status = ask(c,
			&(question){.path = "batches",
				.is_post = true,
				.body = emr_buf_view(&body),
				.is_open = true},
			&text);
	if (status == EMR_OK)
		status = wire_read_answer(emr_buf_view(&text), &answer);
	if (status == EMR_OK)
		*out_answer = answer;
	return status;
}

static emr_status client_size(void *self, uint64_t *out_size)
{
	EMR_AUTO_BUF text = {0};
	emr_status status = ask_get(self, &text, "size");

	return status == EMR_OK ? read_number(&text, out_size) : status;
}

static void domain_text(const emr_id16 *domain, char out[48])
{
	char hex[33];

	out[0] = '\0';
	if (domain == NULL)
		return;
	emr_hex(domain->b, 16, hex);
	(void)snprintf(out, 48, "&domain=%s", hex);
}

static emr_status client_changes(
	void *self, const emr_id16 *domain, uint64_t since, emr_ledger_change *out_change)
{
	EMR_AUTO_BUF bytes = {0};
	char asked[48];
	emr_status status;

	domain_text(domain, asked);
	status = ask_get(self, &bytes, "changes?since=%llu%s", (unsigned long long)since, asked);
	return status == EMR_OK ? wire_read_change(emr_buf_view(&bytes), out_change) : status;
}

static emr_status client_entries(void *self, const emr_id16 *domain, uint64_t from, size_t max,
	emr_ledger_entry_fn fn, void *arg, size_t *out_n)
{
	EMR_AUTO_BUF bytes = {0};
	emr_ledger_entry entry;
	char asked[48];
	emr_status status = EMR_OK;

	domain_text(domain, asked);
	for (*out_n = 0; status == EMR_OK && *out_n < max;) {
		emr_reader reader;
		size_t before = *out_n;

		status = ask_get(self, &bytes, "entries?from=%llu&max=%zu%s",
			(unsigned long long)from, max - *out_n, asked);
		reader = emr_reader_of(emr_buf_view(&bytes));
		while (status == EMR_OK && *out_n < max && wire_read_entry(&reader, &entry)) {
			if (domain == NULL ? entry.seq != from : entry.seq < from)
				return EMR_DAMAGED;
			status = fn(arg, &entry);
			*out_n += status == EMR_OK;
			from = entry.seq + 1;
		}
		if (status == EMR_OK && reader.bad)
			return EMR_DAMAGED;
		if (*out_n == before)
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
			status = ask(self,
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

static emr_status client_find_item(
	void *self, emr_id32 item_id, uint64_t *out_seq, uint16_t *out_index)
{
	EMR_AUTO_BUF bytes = {0};
	char hex[65];
	emr_status status;

	emr_hex(item_id.b, 32, hex);
	status = ask_get(self, &bytes, "items/%s", hex);
	if (status == EMR_OK && bytes.len != 10)
		status = EMR_DAMAGED;
	if (status != EMR_OK)
		return status;
	*out_seq = emr_get_u64(bytes.data);
	*out_index = emr_get_u16(bytes.data + 8);
	return EMR_OK;
}

static emr_status client_subtree(void *self, uint32_t level, uint64_t index, uint8_t out_hash[32])
{
	EMR_AUTO_BUF bytes = {0};
	emr_status status = ask_get(
		self, &bytes, "subtree?level=%u&index=%llu", level, (unsigned long long)index);

	if (status == EMR_OK && bytes.len != 32)
		status = EMR_DAMAGED;
	if (status == EMR_OK)
		memcpy(out_hash, bytes.data, 32);
	return status;
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
	return ask(self, &(question){.path = "note", .is_post = true, .body = text}, &ignored);
}

static bool take_wake(const client *c)
{
	uint64_t ignored;

	return read(c->wake_fd, &ignored, sizeof ignored) > 0;
}

static emr_status client_wait(void *self, uint64_t since, int timeout_ms, uint64_t *out_size)
{
	client *c = self;
	EMR_AUTO_BUF text = {0};
	char path[96];
	const int most_ms = (int)WIRE_WAIT_MAX_MS;
	const int wait_ms = timeout_ms < most_ms ? timeout_ms : most_ms;
	uint64_t size;
	emr_status status;

	(void)snprintf(path, sizeof path, "size?since=%llu&wait-ms=%d", (unsigned long long)since,
		wait_ms > 0 ? wait_ms : 0);
	status = ask(c,
		&(question){.path = path,
			.is_wait = true,
			.timeout_ms = TIMEOUT_MS + (uint32_t)wait_ms},
		&text);
	if (take_wake(c))
		return EMR_INTERRUPTED;
	if (status == EMR_OK)
		status = read_number(&text, &size);
	if (status != EMR_OK)
		return status;
	if (size <= since)
		return EMR_TIMEOUT;
	*out_size = size;
	return EMR_OK;
}

static void raise_fd(int fd)
{
	uint64_t one = 1;
	ssize_t n = write(fd, &one, sizeof one);

	(void)n; /* it fails only when it was raised already */
}

static void client_wake(void *self)
{
	raise_fd(((client *)self)->wake_fd);
}

static void client_stop(void *self)
{
	raise_fd(((client *)self)->stop_fd);
}

/* Asked again when the last answer is a second old. */
static void client_look(void *self, emr_ledger_absence *out_absence)
{
	client *c = self;
	EMR_AUTO_BUF text = {0};
	int64_t looked_ns;

	(void)pthread_mutex_lock(&c->lock);
	looked_ns = c->looked_ns;
	(void)pthread_mutex_unlock(&c->lock);
	if (looked_ns == 0 || emr_clock_boot_ns(emr_clock_system()) - looked_ns >= LOOK_NS)
		(void)!ask_once(c,
			&(question){.path = "descriptor", .timeout_ms = LOOK_MS, .is_open = true},
			NULL, &text);
	(void)pthread_mutex_lock(&c->lock);
	*out_absence = (emr_ledger_absence){
		.status = c->last == EMR_OK ? EMR_OK : emr_ledger_absence_of(c->last),
		.since_unix_s = c->away_unix_s,
		.refusal = c->is_other_host ? "another host" : NULL};
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

/* The host's tree over SIZE entries, subtree by subtree, is that of what was replayed. */
static emr_status compare_trees(replay *r, uint64_t size)
{
	uint8_t here[32], there[32];
	emr_status status = EMR_OK;

	for (uint32_t level = 0; status == EMR_OK && level < 64 && size >> level != 0; level++) {
		uint64_t index = (size >> level) - 1;

		if ((size >> level & 1) == 0)
			continue;
		status = emr_chain_subtree(r->truth, level, index, here);
		if (status == EMR_OK)
			status = client_subtree(r->c, level, index, there);
		if (status != EMR_OK || memcmp(here, there, 32) == 0)
			continue;
		*r->trouble = (emr_ledger_trouble){.status = EMR_DAMAGED, .seq = index << level};
		(void)snprintf(r->trouble->cause, sizeof r->trouble->cause,
			"the host's tree is not that of its entries");
		status = EMR_DAMAGED;
	}
	return status;
}

static emr_status client_verify(void *self, emr_ledger_trouble *out_trouble)
{
	EMR_AUTO_CHAIN truth = NULL;
	EMR_AUTO_BUF first = {0};
	replay r = {.c = self, .trouble = out_trouble};
	uint64_t size = 0;
	size_t n = 0;
	emr_status status = client_size(self, &size);

	*out_trouble = (emr_ledger_trouble){.status = EMR_OK};
	if (status == EMR_OK)
		status = emr_chain_open_temporary(&truth);
	r.truth = truth;
	if (status == EMR_OK)
		status = emr_chain_begin(truth);
	if (status == EMR_OK)
		status = client_entries(self, NULL, 0, size, replay_entry, &r, &n);
	if (status == EMR_OK && n < size)
		status = EMR_DAMAGED;
	if (status == EMR_OK)
		status = emr_chain_entry(truth, 0, &first, NULL);
	if (status == EMR_OK &&
		!emr_bytes_equal(emr_buf_view(&first), emr_buf_view(&r.c->descriptor)))
		status = EMR_FORK;
	if (status == EMR_OK)
		status = compare_trees(&r, size);
	if (status != EMR_OK && out_trouble->status == EMR_OK)
		*out_trouble = (emr_ledger_trouble){.status = status, .seq = n};
	return status;
}

static void client_close(void *self)
{
	client *c = self;

	emr_http_close(c->http);
	emr_buf_free(&c->descriptor);
	if (c->wake_fd >= 0 && !c->is_wake_lent)
		(void)close(c->wake_fd);
	if (c->stop_fd >= 0 && !c->is_stop_lent)
		(void)close(c->stop_fd);
	(void)pthread_mutex_destroy(&c->lock);
	emr_wipe(c->token, sizeof c->token);
	free(c);
}

static const emr_ledger_backend backend = {
	.close = client_close,
	.submit = client_submit,
	.size = client_size,
	.changes = client_changes,
	.entries = client_entries,
	.fetch = client_fetch,
	.find_item = client_find_item,
	.subtree = client_subtree,
	.note = client_note,
	.replace_note = client_replace_note,
	.wait = client_wait,
	.wake = client_wake,
	.stop = client_stop,
	.verify = client_verify,
	.look = client_look,
};

/* ---- opening ---- */

static emr_status read_settings(int dirfd, emr_http **out_http)
{
	EMR_AUTO_BUF bytes = {0};
	emr_served_at at;
	emr_http_server server = {.url = at.url};
	emr_status status = emr_file_read(dirfd, EMR_SERVED_SETTINGS, SETTINGS_MAX, &bytes);

	if (status == EMR_OK)
		status = emr_served_at_read(emr_buf_view(&bytes), &at);
	if (status != EMR_OK)
		return status == EMR_INVALID ? EMR_DAMAGED : status;
	if (at.socket[0] != '\0') {
		server.socket = at.socket;
		server.url = "http://host";
	}
	if (at.pin[0] != '\0')
		server.pin = at.pin;
	return emr_http_open(&server, out_http);
}

static emr_status open_all(client *c, const emr_ledger_options *options)
{
	EMR_AUTO_FD dirfd = -1;
	emr_public public;
	emr_status status = emr_dir_open(options->path, &dirfd);

	if (status == EMR_OK)
		status = read_settings(dirfd, &c->http);
	if (status == EMR_OK)
		status = emr_file_read(
			dirfd, EMR_NETWORK_DESCRIPTOR, DESCRIPTOR_MAX, &c->descriptor);
	if (status != EMR_OK)
		return status;
	if (options->known_hash != NULL) {
		emr_bytes descriptor = emr_buf_view(&c->descriptor);

		if (!emr_id32_equal(emr_sha256_of(&descriptor, 1), *options->known_hash))
			return EMR_FORK;
	}
	emr_descriptor_net_id((emr_span){c->descriptor.data, c->descriptor.len}, c->net_id.b);
	if (!c->is_wake_lent)
		c->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (!c->is_stop_lent)
		c->stop_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (c->wake_fd < 0 || c->stop_fd < 0)
		return emr_status_from_errno(errno);
	if (options->submitter == NULL)
		return EMR_OK;
	status = emr_keyring_public(options->submitter, &public);
	if (status == EMR_OK)
		c->submitter_id = public.signer_id;
	return status;
}

static client *client_new(const emr_ledger_options *options, int wake_fd)
{
	client *c = calloc(1, sizeof *c);

	if (c == NULL)
		return NULL;
	c->is_wake_lent = wake_fd > 0;
	c->wake_fd = c->is_wake_lent ? wake_fd : -1;
	c->is_stop_lent = options->stop_fd > 0;
	c->stop_fd = c->is_stop_lent ? options->stop_fd : -1;
	c->clock = options->clock != NULL ? options->clock : emr_clock_system();
	c->submitter = options->submitter;
	(void)pthread_mutex_init(&c->lock, NULL);
	return c;
}

emr_status emr_served_open(const emr_ledger_options *options, int wake_fd, emr_ledger **out_ledger)
{
	client *c = client_new(options, wake_fd);
	emr_status status = c != NULL ? open_all(c, options) : EMR_NO_MEMORY;

	if (status != EMR_OK) {
		if (c != NULL)
			client_close(c);
		return status;
	}
	return emr_ledger_over(&backend, c, emr_buf_view(&c->descriptor), out_ledger);
}

bool emr_served_is_at(const char *path)
{
	EMR_AUTO_FREE char *file = NULL;

	if (asprintf(&file, "%s/" EMR_SERVED_SETTINGS, path) < 0) {
		file = NULL;
		return false;
	}
	return access(file, F_OK) == 0;
}

/* ---- letters ---- */

static emr_status ask_letter(
	const char *dir, emr_id16 id, const char *step, const emr_bytes *letter, emr_buf *out)
{
	EMR_AUTO_FREE char *path = NULL;
	EMR_AUTO_HTTP http = NULL;
	EMR_AUTO_FD dirfd = -1;
	char hex[33];
	emr_http_request request = {.method = letter != NULL ? "POST" : "GET",
		.timeout_ms = TIMEOUT_MS,
		.answer_max = WIRE_LETTER_MAX};
	emr_http_answer answer;
	emr_status status;

	emr_hex(id.b, sizeof id.b, hex);
	if (asprintf(&path, "%s/ledger", dir) < 0) {
		path = NULL;
		return EMR_NO_MEMORY;
	}
	status = emr_dir_open(path, &dirfd);
	if (status == EMR_OK)
		status = read_settings(dirfd, &http);
	free(path);
	path = NULL;
	if (status == EMR_OK && asprintf(&path, WIRE_ROOT "letters/%s.%s", hex, step) < 0) {
		path = NULL;
		status = EMR_NO_MEMORY;
	}
	if (status != EMR_OK)
		return status;
	request.path = path;
	if (letter != NULL)
		request.body = *letter;
	status = emr_http_ask(http, &request, out, &answer);
	return status == EMR_OK ? status_of(&answer, out) : status;
}

emr_status emr_served_leave(const char *dir, emr_id16 id, const char *step, emr_bytes letter)
{
	EMR_AUTO_BUF ignored = {0};

	return ask_letter(dir, id, step, &letter, &ignored);
}

emr_status emr_served_find(const char *dir, emr_id16 id, const char *step, emr_buf *out)
{
	EMR_AUTO_BUF letter = {0};
	emr_status status = ask_letter(dir, id, step, NULL, &letter);

	return status == EMR_OK ? emr_buf_append(out, letter.data, letter.len) : status;
}

/* ---- tokens ---- */

emr_status emr_served_tokens_open(
	const char *path, emr_keyring *const *keyring, emr_served_tokens **out_tokens)
{
	const emr_ledger_options options = {.path = path};
	client *c = client_new(&options, -1);
	emr_status status = c != NULL ? open_all(c, &options) : EMR_NO_MEMORY;

	if (status != EMR_OK) {
		if (c != NULL)
			client_close(c);
		return status;
	}
	c->submitter_at = keyring;
	*out_tokens = (emr_served_tokens *)c;
	return EMR_OK;
}

void emr_served_tokens_close(void *tokens)
{
	if (tokens != NULL)
		client_close(tokens);
}

emr_status emr_served_token(void *tokens, char *out, size_t size)
{
	client *c = tokens;
	char bearer[sizeof BEARER + WIRE_TOKEN_CHARS];
	uint64_t now = emr_clock_unix_s(c->clock);
	bool is_good;
	emr_status status = EMR_OK;

	(void)pthread_mutex_lock(&c->lock);
	memcpy(bearer, c->token, sizeof bearer);
	is_good = bearer[0] != '\0' && now - c->token_unix_s < WIRE_TOKEN_S / 2;
	(void)pthread_mutex_unlock(&c->lock);
	if (!is_good)
		status = fetch_token(c, bearer);
	if (status == EMR_OK && size <= WIRE_TOKEN_CHARS)
		status = EMR_RANGE;
	if (status == EMR_OK)
		memcpy(out, bearer + sizeof BEARER - 1, WIRE_TOKEN_CHARS + 1);
	emr_wipe(bearer, sizeof bearer);
	return status;
}
