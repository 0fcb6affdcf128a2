/* This file is what a ledger in a channel of Fabric has beside its file: the backend through which
 * batches are handed in, and what is known of it. A batch is entered by the channel alone; its
 * answer is what then stands in the file. Nothing is handed in at a backend whose channel is
 * another one. */
#include "embedded_private.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/codec.h"
#include "base/file.h"
#include "base/log.h"
#include "ledger/hash.h"
#include "ledger/network.h"

#define LOOK_NS INT64_C(1000000000)
/* Batches that wait for peers: so one member leaves workers of a host to the others. */
#define OF_ONE_SUBMITTER 4

/* ---- opening ---- */

static emr_status open_files(embedded_channel *c, const emr_ledger_options *options)
{
	c->end_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	c->is_stop_lent = options->stop_fd > 0;
	c->stop_fd = c->is_stop_lent ? options->stop_fd : eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	return c->end_fd >= 0 && c->stop_fd >= 0 ? EMR_OK : emr_status_from_errno(errno);
}

emr_status embedded_channel_open(
	embedded *e, const emr_ledger_options *options, embedded_channel **out_channel)
{
	embedded_channel *c;
	char *dir = NULL;
	emr_status status = emr_network_channel(e->dirfd, &dir);

	if (status != EMR_OK)
		return status == EMR_NOT_FOUND ? EMR_OK : status;
	c = calloc(1, sizeof *c);
	if (c == NULL) {
		free(dir);
		return EMR_NO_MEMORY;
	}
	c->dir = dir;
	c->lock_fd = c->end_fd = c->stop_fd = -1;
	(void)pthread_mutex_init(&c->known_lock, NULL);
	emr_cond_init(&c->has_grown);
	status = emr_fabric_open(dir, &c->fabric);
	*out_channel = c;			/* also what was begun, to be freed */
	(void)!embedded_open_lock(c, e->dirfd); /* the follower says why it has none */
	if (status == EMR_OK)
		status = open_files(c, options);
	return status == EMR_OK ? embedded_make_file(c, e->dirfd) : status;
}

emr_status embedded_channel_start(embedded *e)
{
	e->channel->has_follower =
		pthread_create(&e->channel->follower, NULL, embedded_follow_on, e) == 0;
	return e->channel->has_follower ? EMR_OK : EMR_NO_MEMORY;
}

void embedded_channel_stop(embedded *e)
{
	if (e->channel == NULL || !e->channel->has_follower)
		return;
	(void)eventfd_write(e->channel->end_fd, 1);
	(void)pthread_join(e->channel->follower, NULL);
}

void embedded_channel_free(embedded_channel *c)
{
	if (c == NULL)
		return;
	emr_fabric_close(c->fabric);
	if (c->lock_fd >= 0)
		(void)close(c->lock_fd);
	if (c->end_fd >= 0)
		(void)close(c->end_fd);
	if (c->stop_fd >= 0 && !c->is_stop_lent)
		(void)close(c->stop_fd);
	(void)pthread_mutex_destroy(&c->known_lock);
	(void)pthread_cond_destroy(&c->has_grown);
	free(c->dir);
	free(c);
}

void embedded_stop(void *self)
{
	const embedded_channel *c = ((const embedded *)self)->channel;

	if (c != NULL)
		(void)eventfd_write(c->stop_fd, 1);
}

/* ---- what is known ---- */

/* Once a second it is asked, whoever follows. */
static bool is_worth_asking(embedded_channel *c)
{
	const int64_t now = emr_clock_boot_ns(emr_clock_system());
	EMR_LOCKED(&c->known_lock);

	if (c->asked_ns != 0 && now - c->asked_ns < LOOK_NS)
		return false;
	c->asked_ns = now;
	return true;
}

void embedded_look(void *self, emr_ledger_absence *out_absence)
{
	embedded *e = self;
	const int64_t until_ns = embedded_end_ns(e);
	uint64_t size;
	const emr_status here = embedded_size(e, &size);

	if (here != EMR_BUSY && here != EMR_OK)
		embedded_note_channel(e, here, "");
	else if (is_worth_asking(e->channel) && embedded_meet(e, until_ns) == EMR_OK)
		/* which hides nothing that the follower found */
		(void)!embedded_look_at_reader(e, until_ns);
	EMR_LOCKED(&e->channel->known_lock);
	*out_absence = e->channel->absence;
}

/* ---- handing in ---- */

typedef struct handing {
	embedded *e;
	const emr_id32 *submitter;
	const uint8_t *sig;
	emr_bytes bytes; /* of the batch */
	const emr_batch *batch;
	emr_id32 batch_id;
	char id[2 * 32 + 1 + 16 + 1]; /* by which the backend knows it */
	int64_t until_ns;
	emr_fabric_end end;
	struct handing *next;
} handing;

static int64_t left_ms(const handing *h)
{
	return (h->until_ns - emr_clock_boot_ns(emr_clock_system())) / 1000000;
}

/* EMR_NOT_FOUND: it has no entry here. */
static emr_status answer_of_entry(handing *h, emr_ledger_answer *out)
{
	EMR_AUTO_BUF bytes = {0};
	emr_entry entry;
	EMR_LOCKED(&h->e->read_lock);

	EMR_TRY(emr_chain_find_batch(h->e->reader, h->batch_id.b, &out->seq));
	EMR_TRY(emr_chain_parsed(h->e->reader, out->seq, &bytes, &entry));
	out->batch_id = h->batch_id;
	out->ledger_time = entry.ledger_time_unix_s;
	out->n_results = entry.count;
	memcpy(out->results, entry.results.data, entry.count);
	return EMR_OK;
}

/* Peers bring private parts to each other by and by; who handed them in lets go of them. */
static emr_status keep_parts(const handing *h)
{
	embedded *e = h->e;
	EMR_LOCKED(&e->write_lock);

	EMR_TRY(emr_chain_begin(e->writer));
	return emr_chain_end(e->writer, emr_chain_fill_batch(e->writer, h->bytes));
}

/* This process reads it, or another one. */
static emr_status await_entry(handing *h, emr_ledger_answer *out)
{
	embedded_channel *c = h->e->channel;
	emr_status status;

	while ((status = answer_of_entry(h, out)) == EMR_NOT_FOUND) {
		if (left_ms(h) <= 0)
			return EMR_OFFLINE;
		if (embedded_is_stopped(c))
			return EMR_INTERRUPTED;
		EMR_LOCKED(&c->known_lock);
		EMR_TRY(c->own);
		embedded_wait_a_moment(c);
	}
	return status == EMR_OK ? keep_parts(h) : status;
}

static emr_status hand_in(handing *h, emr_bytes authority)
{
	const size_t public_len = EMR_HEADER_BYTES + h->batch->items_bytes.len;
	const emr_bytes args[4] = {emr_bytes_of(h->submitter->b, sizeof h->submitter->b),
		emr_bytes_of(h->sig, 64), emr_bytes_of(h->bytes.data, public_len), authority};
	char line[2 * 32 + 1];
	const emr_fabric_transaction t = {.id = h->id,
		.line = line,
		.function = "register",
		.args = args,
		.n_args = authority.len > 0 ? 4 : 3,
		.transient_name = public_len < h->bytes.len ? "parts" : NULL,
		.transient = emr_bytes_of(h->bytes.data + public_len, h->bytes.len - public_len)};
	emr_fabric_call call = embedded_call(h->e, 0, h->until_ns);
	emr_status status;

	emr_hex(h->submitter->b, sizeof h->submitter->b, line);
	status = emr_fabric_hand_in(h->e->channel->fabric, &call, &t, &h->end);
	/* By that id it is there with another CA or other parts, or by another submitter: each is
	 * judged for itself. */
	if (status == EMR_CONFLICT && strlen(h->id) == 64) {
		const emr_bytes said[5] = {args[0], args[1], args[2], authority, t.transient};
		const emr_id32 all = emr_sha256_of(said, 5);

		h->id[64] = '-';
		emr_hex(all.b, 8, h->id + 65);
		status = emr_fabric_hand_in(h->e->channel->fabric, &call, &t, &h->end);
	}
	if (status != EMR_OK && status != EMR_INTERRUPTED)
		emr_log(EMR_LOG_WARN, "channel: a batch was not handed in: %s: %s",
			emr_status_text(status), call.said);
	return status;
}

static emr_status await_end(handing *h)
{
	while (h->end.state == EMR_FABRIC_WAITING) {
		const int64_t left = left_ms(h);
		emr_fabric_call call =
			embedded_call(h->e, left > 1000 ? (unsigned)(left / 1000) : 1, h->until_ns);

		if (left <= 0) {
			emr_log(EMR_LOG_INFO, "channel: a batch waits: %s", h->end.said);
			return EMR_TIMEOUT;
		}
		EMR_TRY(emr_fabric_ended(h->e->channel->fabric, &call, h->id, &h->end));
	}
	return EMR_OK;
}

/* "refused 23: the certificate ..." is what the contract decided; all else was no decision. */
static emr_status read_refusal(const handing *h, emr_ledger_answer *out)
{
	static const char words[] = "refused ";
	const unsigned long code = strncmp(h->end.said, words, sizeof words - 1) == 0
					   ? strtoul(h->end.said + sizeof words - 1, NULL, 10)
					   : 0;

	if (h->end.status < 400 || h->end.status >= 500 || code == 0 || code > UINT8_MAX) {
		emr_log(EMR_LOG_WARN, "channel: a batch was not judged: %llu %s",
			(unsigned long long)h->end.status, h->end.said);
		return EMR_OFFLINE;
	}
	*out = (emr_ledger_answer){.batch_id = h->batch_id, .refusal = (uint8_t)code};
	return EMR_OK;
}

static emr_status end_of(handing *h, emr_ledger_answer *out)
{
	EMR_TRY(await_end(h));
	if (h->end.state == EMR_FABRIC_REFUSED)
		return read_refusal(h, out);
	if (h->end.state == EMR_FABRIC_ENTERED && h->end.validity != 0) {
		emr_log(EMR_LOG_WARN, "channel: a block has a batch without effect (%llu)",
			(unsigned long long)h->end.validity);
		return EMR_OFFLINE;
	}
	out->is_repeat = h->end.state == EMR_FABRIC_ANSWERED;
	return await_entry(h, out);
}

/* Anybody may bring a batch of a key of one's own: before such a one costs peers anything, it is
 * judged here. EMR_NOT_FOUND: the submitter is registered, or the contract would take it. */
static emr_status judge_stranger(const handing *h, emr_ledger_answer *out)
{
	embedded *e = h->e;
	EMR_AUTO_VERDICT verdict = {0};
	const uint64_t now = emr_clock_unix_s(e->clock);
	emr_row_key row;
	emr_caller caller;
	emr_status status;
	EMR_LOCKED(&e->read_lock);

	EMR_TRY(emr_chain_begin_read(e->reader));
	status = emr_chain_key_row(e->reader, h->submitter->b, &row, NULL);
	if (status == EMR_NOT_FOUND) {
		status = emr_chain_caller(e->reader, EMR_HOST_FABRIC, emr_buf_view(&e->descriptor),
			h->batch, *h->submitter, now, &caller);
		if (status == EMR_OK)
			status = emr_chain_judge(e->reader, h->batch, &caller, now, &verdict);
	}
	emr_chain_rollback(e->reader);
	EMR_TRY(status);
	if (verdict.outcome.kind != EMR_OUTCOME_REFUSED || verdict.outcome.refusal == 0)
		return EMR_NOT_FOUND;
	*out = (emr_ledger_answer){
		.batch_id = h->batch_id, .refusal = (uint8_t)verdict.outcome.refusal};
	return EMR_OK;
}

/* Of who hands in here himself nobody else has to wait. */
static emr_status enter(handing *h)
{
	embedded_channel *c = h->e->channel;
	size_t n = 0;
	EMR_LOCKED(&c->known_lock);

	EMR_TRY(c->own);
	for (const handing *at = c->in_hand; at != NULL; at = at->next)
		n += emr_id32_equal(*at->submitter, *h->submitter);
	if (h->e->submitter == NULL && n >= OF_ONE_SUBMITTER)
		return EMR_BUSY;
	h->next = c->in_hand;
	c->in_hand = h;
	return EMR_OK;
}

static void leave(handing *h)
{
	handing **at = &h->e->channel->in_hand;
	EMR_LOCKED(&h->e->channel->known_lock);

	while (*at != h)
		at = &(*at)->next;
	*at = h->next;
}

static emr_status wait_for_peers(handing *h, emr_ledger_answer *out)
{
	EMR_AUTO_BUF authority = {0};
	embedded *e = h->e;
	emr_status status;
	emr_id16 org;

	EMR_TRY(embedded_meet(e, h->until_ns));
	{
		EMR_LOCKED(&e->read_lock);
		/* A registration by an organisation that came later brings its CA along. */
		status = emr_chain_certified_by(e->reader, h->batch, &org);
		if (status == EMR_OK)
			status = emr_chain_authority(e->reader, org, &authority);
	}
	if (status != EMR_OK && status != EMR_NOT_FOUND)
		return status;
	EMR_TRY(hand_in(h, emr_buf_view(&authority)));
	return end_of(h, out);
}

emr_status embedded_hand_in(embedded *e, const emr_id32 *submitter, const uint8_t sig[64],
	emr_bytes bytes, const emr_batch *batch, int64_t until_ns, emr_ledger_answer *out_answer)
{
	handing h = {.e = e,
		.submitter = submitter,
		.sig = sig,
		.bytes = bytes,
		.batch = batch,
		.until_ns = until_ns};
	EMR_AUTO_FREE emr_ledger_answer *answer = calloc(1, sizeof *answer);
	emr_status status;

	if (answer == NULL)
		return EMR_NO_MEMORY;
	emr_batch_id(batch->header.data, h.batch_id.b);
	emr_hex(h.batch_id.b, sizeof h.batch_id.b, h.id);
	answer->is_repeat = 1;
	status = answer_of_entry(&h, answer);
	if (status == EMR_NOT_FOUND)
		status = judge_stranger(&h, answer);
	if (status == EMR_NOT_FOUND) {
		EMR_TRY(enter(&h));
		status = wait_for_peers(&h, answer);
		leave(&h);
	}
	if (status == EMR_OK)
		*out_answer = *answer;
	return status;
}
