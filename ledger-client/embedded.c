#include "ledger/backend.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/codec.h"
#include "base/file.h"
#include "base/log.h"
#include "ledger/chain.h"
#include "ledger/network.h"
#include "place.h"

#define BUSY_MS 10000u
#define WALK_ENTRIES 64u
#define LOOK_MS 1000		/* how often a waiter looks although nothing told it to */
#define SOON_MS 2		/* after a write to the log was seen: its commit follows */

typedef struct embedded {
	int dirfd;
	int inotify_fd;
	int wake_fd;
	const emr_clock *clock;
	const emr_keyring *submitter;
	emr_id32 submitter_id;
	emr_buf descriptor;
	pthread_mutex_t write_lock;	/* writer, batch */
	emr_chain *writer;
	emr_batch *batch;
	pthread_mutex_t read_lock;	/* reader */
	emr_chain *reader;
} embedded;

static emr_span span_of(emr_bytes bytes)
{
	return (emr_span){ .data = bytes.data, .len = bytes.len };
}

static void unlock(pthread_mutex_t **lock)
{
	(void)pthread_mutex_unlock(*lock);
}
#define HOLD(lock) \
	__attribute__((cleanup(unlock), unused)) pthread_mutex_t *held = (lock); \
	(void)pthread_mutex_lock(held)

/* ---- submit ---- */

static emr_status sign_entry(const embedded *e, uint8_t *entry, size_t len)
{
	uint8_t message[EMR_SUBMIT_MESSAGE_BYTES];
	const size_t label = sizeof message - 32;	/* emr_keyring_sign puts it there itself */

	if (emr_entry_submit_message((emr_span){ entry, len }, message) != EMR_CONTRACT_OK)
		return EMR_INVALID;
	return emr_keyring_sign(e->submitter, emr_signer_identity(), EMR_SIGN_SUBMIT,
				emr_bytes_of(message + label, 32), entry + 312);
}

/* The leaf of the newest entry, from its bytes and from the tree: a new entry must not be chained to a damaged one. */
static emr_status newest_leaf(embedded *e, uint64_t size, uint8_t out_leaf[32])
{
	EMR_AUTO_BUF entry = { 0 };
	uint8_t leaf[32];
	emr_status status = emr_chain_entry(e->writer, size - 1, &entry, NULL);

	if (status == EMR_OK)
		status = emr_chain_leaf(e->writer, size - 1, leaf);
	if (status != EMR_OK)
		return status == EMR_NOT_FOUND ? EMR_DAMAGED : status;
	emr_entry_leaf(span_of(emr_buf_view(&entry)), out_leaf);
	return memcmp(leaf, out_leaf, 32) == 0 ? EMR_OK : EMR_DAMAGED;
}

static emr_status append(embedded *e, const emr_outcome *outcome, uint64_t now, emr_ledger_answer *answer)
{
	uint8_t bytes[EMR_ENTRY_BYTES_MAX];
	size_t len = 0;
	emr_entry entry = { .host = EMR_HOST_EMBEDDED, .count = e->batch->count, .ledger_time_unix_s = now,
			    .results = outcome->results };
	emr_status status = emr_chain_size(e->writer, &entry.seq);

	if (status == EMR_OK)
		status = newest_leaf(e, entry.seq, entry.prev_entry);
	if (status != EMR_OK)
		return status;
	memcpy(entry.submitter_id, e->submitter_id.b, 32);
	memcpy(entry.header, e->batch->header.data, EMR_HEADER_BYTES);
	if (emr_entry_encode(&entry, bytes, sizeof bytes, &len) != EMR_CONTRACT_OK)
		return EMR_INVALID;
	status = sign_entry(e, bytes, len);
	if (status == EMR_OK)
		status = emr_chain_append(e->writer, emr_bytes_of(bytes, len), e->batch, outcome, NULL, NULL);
	if (status != EMR_OK)
		return status;
	answer->seq = entry.seq;
	answer->ledger_time = now;
	return EMR_OK;
}

static emr_status old_answer(embedded *e, emr_ledger_answer *answer)
{
	EMR_AUTO_BUF bytes = { 0 };
	emr_entry entry;
	emr_status status = emr_chain_find_batch(e->writer, answer->batch_id.b, &answer->seq);

	if (status == EMR_OK)
		status = emr_chain_entry(e->writer, answer->seq, &bytes, NULL);
	if (status != EMR_OK)
		return status == EMR_NOT_FOUND ? EMR_DAMAGED : status;
	if (emr_entry_parse(span_of(emr_buf_view(&bytes)), &entry) != EMR_CONTRACT_OK)
		return EMR_DAMAGED;
	answer->ledger_time = entry.ledger_time_unix_s;
	answer->is_repeat = 1;
	return EMR_OK;
}

static void take_results(const emr_outcome *outcome, emr_ledger_answer *answer)
{
	answer->n_results = (uint16_t)outcome->results.len;
	memcpy(answer->results, outcome->results.data, outcome->results.len);
}

static bool purges(const emr_outcome *outcome)
{
	for (size_t i = 0; i < outcome->writes_count; i++)
		if (outcome->writes[i].kind == EMR_WRITE_PURGE_PARTS)
			return true;
	return false;
}

/* Inside BEGIN IMMEDIATE; what it leaves in *answer counts only once the commit stands. */
static emr_status judge_and_append(embedded *e, uint64_t now, emr_ledger_answer *answer, bool *out_has_purged)
{
	EMR_AUTO_VERDICT verdict = { 0 };
	emr_caller caller;
	emr_status status = emr_chain_caller(e->writer, emr_buf_view(&e->descriptor), e->batch, e->submitter_id, now,
					     &caller);

	if (status == EMR_OK)
		status = emr_chain_judge(e->writer, e->batch, &caller, now, &verdict);
	if (status != EMR_OK)
		return status;
	switch (verdict.outcome.kind) {
	case EMR_OUTCOME_REFUSED:
		answer->refusal = (uint8_t)verdict.outcome.refusal;
		return EMR_OK;
	case EMR_OUTCOME_KNOWN:
		take_results(&verdict.outcome, answer);
		return old_answer(e, answer);
	case EMR_OUTCOME_APPLIED:
		take_results(&verdict.outcome, answer);
		*out_has_purged = purges(&verdict.outcome);
		return append(e, &verdict.outcome, now, answer);
	}
	return EMR_INVALID;
}

static emr_status embedded_submit(void *self, emr_bytes batch, emr_ledger_answer *out_answer)
{
	embedded *e = self;
	emr_ledger_answer answer = { 0 };
	bool has_purged = false;
	emr_result refusal;
	emr_status status;
	HOLD(&e->write_lock);

	if (e->submitter == NULL)
		return EMR_DENIED;
	refusal = emr_batch_parse(span_of(batch), e->batch);
	if (refusal != EMR_RESULT_APPLIED) {
		answer.refusal = (uint8_t)refusal;
		*out_answer = answer;
		return EMR_OK;
	}
	emr_batch_id(e->batch->header.data, answer.batch_id.b);
	status = emr_chain_begin(e->writer);
	if (status != EMR_OK)
		return status;
	status = judge_and_append(e, emr_clock_unix_s(e->clock), &answer, &has_purged);
	if (status == EMR_OK && answer.refusal == 0 && !answer.is_repeat)
		status = emr_chain_commit(e->writer);
	else
		emr_chain_rollback(e->writer);
	if (status != EMR_OK)
		return status;
	if (has_purged)
		emr_chain_forget_log(e->writer);
	*out_answer = answer;
	return EMR_OK;
}

/* ---- reading ---- */

static emr_status embedded_size(void *self, uint64_t *out_size)
{
	embedded *e = self;
	HOLD(&e->read_lock);

	return emr_chain_size(e->reader, out_size);
}

static emr_status embedded_changes(void *self, const emr_id16 *domain, uint64_t since, emr_ledger_change *out_change)
{
	embedded *e = self;
	EMR_AUTO_BUF bytes = { 0 };
	emr_ledger_change change = { 0 };
	emr_entry entry;
	emr_status status;
	HOLD(&e->read_lock);

	status = emr_chain_changes(e->reader, domain ? domain->b : NULL, since, &change.count, &change.last_seq);
	if (status == EMR_OK)
		status = emr_chain_size(e->reader, &change.size);
	if (status == EMR_OK && change.last_seq > 0) {
		status = emr_chain_entry(e->reader, change.last_seq, &bytes, NULL);
		if (status == EMR_OK && emr_entry_parse(span_of(emr_buf_view(&bytes)), &entry) != EMR_CONTRACT_OK)
			status = EMR_DAMAGED;
		if (status == EMR_OK)
			emr_batch_id(entry.header, change.batch_id.b);
	}
	if (status != EMR_OK)
		return status == EMR_NOT_FOUND ? EMR_DAMAGED : status;
	*out_change = change;
	return EMR_OK;
}

/* A copied run of entries, so that no lock is held while they are given away. */
typedef struct run {
	size_t n;
	uint64_t seqs[WALK_ENTRIES];
	emr_buf entries[WALK_ENTRIES];
	emr_buf items[WALK_ENTRIES];
} run;

static void run_free(run **r)
{
	if (*r == NULL)
		return;
	for (size_t i = 0; i < WALK_ENTRIES; i++) {
		emr_buf_free(&(*r)->entries[i]);
		emr_buf_free(&(*r)->items[i]);
	}
	free(*r);
}

static emr_status plan_run(embedded *e, const emr_id16 *domain, uint64_t from, size_t max, run *r)
{
	uint64_t size;
	emr_status status;

	if (max > WALK_ENTRIES)
		max = WALK_ENTRIES;
	r->n = 0;
	if (domain)
		return emr_chain_domain_seqs(e->reader, domain->b, from, max, r->seqs, &r->n);
	status = emr_chain_size(e->reader, &size);
	for (; status == EMR_OK && r->n < max && from + r->n < size; r->n++)
		r->seqs[r->n] = from + r->n;
	return status;
}

/* Fills r->n with what could be read; the status says why there is no more. */
static emr_status read_run(embedded *e, const emr_id16 *domain, uint64_t from, size_t max, run *r)
{
	emr_status status;
	size_t planned;
	HOLD(&e->read_lock);

	status = plan_run(e, domain, from, max, r);
	if (status != EMR_OK) {
		r->n = 0;
		return status;
	}
	planned = r->n;
	for (r->n = 0; r->n < planned; r->n++) {
		status = emr_chain_entry(e->reader, r->seqs[r->n], &r->entries[r->n], &r->items[r->n]);
		if (status != EMR_OK)
			return status == EMR_NOT_FOUND ? EMR_DAMAGED : status;
	}
	return EMR_OK;
}

static emr_status embedded_entries(void *self, const emr_id16 *domain, uint64_t from, size_t max,
				   emr_ledger_entry_fn fn, void *arg, size_t *out_n)
{
	embedded *e = self;
	__attribute__((cleanup(run_free))) run *r = calloc(1, sizeof *r);
	emr_status status = EMR_OK;

	if (r == NULL)
		return EMR_NO_MEMORY;
	*out_n = 0;
	while (status == EMR_OK && *out_n < max) {
		emr_status given = EMR_OK;
		status = read_run(e, domain, from, max - *out_n, r);
		if (r->n == 0)
			break;
		for (size_t i = 0; given == EMR_OK && i < r->n; i++) {
			emr_ledger_entry entry = { .seq = r->seqs[i], .entry = emr_buf_view(&r->entries[i]),
						   .items = emr_buf_view(&r->items[i]) };
			given = fn(arg, &entry);
			*out_n += given == EMR_OK;
			from = r->seqs[i] + 1;
		}
		if (given != EMR_OK)
			return given;
	}
	return status;
}

static emr_status embedded_fetch(void *self, const emr_part_key *keys, size_t n, emr_ledger_part_fn fn, void *arg)
{
	embedded *e = self;
	EMR_AUTO_BUF part = { 0 };
	emr_status status = EMR_OK;

	for (size_t i = 0; status == EMR_OK && i < n; i++) {
		bool is_there;
		{
			HOLD(&e->read_lock);
			status = emr_chain_part(e->reader, &keys[i], &part);
		}
		/* Damaged bytes are given, too: the caller has the item that names their hash, and a message for it. */
		is_there = status == EMR_OK || status == EMR_DAMAGED;
		if (is_there || status == EMR_NOT_FOUND || status == EMR_MISSING_DATA)
			status = fn(arg, i, is_there ? emr_buf_view(&part) : (emr_bytes){ 0 });
	}
	return status;
}

static emr_status embedded_find_batch(void *self, emr_id32 batch_id, uint64_t *out_seq)
{
	embedded *e = self;
	HOLD(&e->read_lock);

	return emr_chain_find_batch(e->reader, batch_id.b, out_seq);
}

static emr_status embedded_find_item(void *self, emr_id32 item_id, uint64_t *out_seq, uint16_t *out_index)
{
	embedded *e = self;
	HOLD(&e->read_lock);

	return emr_chain_find_item(e->reader, item_id.b, out_seq, out_index);
}

static emr_status embedded_subtree(void *self, uint32_t level, uint64_t index, uint8_t out_hash[32])
{
	embedded *e = self;
	HOLD(&e->read_lock);

	return emr_chain_subtree(e->reader, level, index, out_hash);
}

static emr_status embedded_note(void *self, emr_buf *out_note)
{
	embedded *e = self;
	HOLD(&e->read_lock);

	return emr_chain_note(e->reader, out_note);
}

static emr_status embedded_replace_note(void *self, emr_bytes old_note, emr_bytes note)
{
	embedded *e = self;
	EMR_AUTO_BUF now = { 0 };
	emr_status status;
	HOLD(&e->write_lock);

	status = emr_chain_begin(e->writer);
	if (status != EMR_OK)
		return status;
	status = emr_chain_note(e->writer, &now);
	if (status == EMR_NOT_FOUND)
		status = EMR_OK;
	if (status == EMR_OK && !emr_bytes_equal(emr_buf_view(&now), old_note))
		status = EMR_CONFLICT;
	if (status == EMR_OK)
		status = emr_chain_put_note(e->writer, note);
	if (status == EMR_OK)
		return emr_chain_commit(e->writer);
	emr_chain_rollback(e->writer);
	return status;
}

/* ---- waiting ---- */

static void drain(int fd)
{
	char bytes[4096];

	while (read(fd, bytes, sizeof bytes) > 0)
		;
}

static int64_t now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_BOOTTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static emr_status embedded_wait(void *self, uint64_t since, int timeout_ms, uint64_t *out_size)
{
	embedded *e = self;
	int64_t deadline = now_ms() + timeout_ms;
	int next_look = LOOK_MS;

	for (;;) {
		struct pollfd fds[2] = { { .fd = e->wake_fd, .events = POLLIN }, { .fd = e->inotify_fd, .events = POLLIN } };
		uint64_t size;
		int64_t left;
		emr_status status;
		drain(e->inotify_fd);	/* before looking: what comes later wakes the poll below */
		status = embedded_size(e, &size);
		if (status != EMR_OK && status != EMR_BUSY)
			return status;
		if (status == EMR_OK && size > since) {
			*out_size = size;
			return EMR_OK;
		}
		left = deadline - now_ms();
		if (left <= 0)
			return EMR_TIMEOUT;
		if (poll(fds, 2, left < next_look ? (int)left : next_look) < 0 && errno != EINTR)
			return EMR_IO;
		if (fds[0].revents & POLLIN) {
			drain(e->wake_fd);
			return EMR_INTERRUPTED;
		}
		/* The log's bytes are seen before the commit counts: look again soon, then less and less often. */
		next_look = fds[1].revents & POLLIN ? SOON_MS : (next_look * 2 < LOOK_MS ? next_look * 2 : LOOK_MS);
	}
}

static void embedded_wake(void *self)
{
	embedded *e = self;
	uint64_t one = 1;
	ssize_t n = write(e->wake_fd, &one, sizeof one);

	(void)n;	/* it fails only when a wake is pending already */
}

/* ---- verify ---- */

static emr_status fetch_from(void *arg, const emr_part_key *keys, size_t n, emr_ledger_part_fn fn, void *fn_arg)
{
	emr_chain *chain = arg;
	EMR_AUTO_BUF part = { 0 };
	emr_status status = EMR_OK;

	for (size_t i = 0; status == EMR_OK && i < n; i++) {
		status = emr_chain_part(chain, &keys[i], &part);
		if (status == EMR_OK)
			status = fn(fn_arg, i, emr_buf_view(&part));
		else if (status == EMR_NOT_FOUND || status == EMR_MISSING_DATA || status == EMR_DAMAGED)
			status = EMR_OK;	/* the comparison at the end says so */
	}
	return status;
}

static emr_status replay_one(emr_chain *chain, emr_chain *copy, uint64_t seq, emr_ledger_trouble *out)
{
	EMR_AUTO_BUF bytes = { 0 };
	EMR_AUTO_BUF items = { 0 };
	emr_ledger_entry entry = { .seq = seq };
	EMR_AUTO_FREE emr_chain_parts *parts = calloc(1, sizeof *parts);
	emr_status status = parts ? emr_chain_entry(chain, seq, &bytes, &items) : EMR_NO_MEMORY;

	if (status == EMR_NOT_FOUND || status == EMR_DAMAGED) {
		*out = (emr_ledger_trouble){ .status = EMR_DAMAGED, .seq = seq };
		(void)snprintf(out->cause, sizeof out->cause, "the entry cannot be read");
		return EMR_DAMAGED;
	}
	entry.entry = emr_buf_view(&bytes);
	entry.items = emr_buf_view(&items);
	if (status == EMR_OK)
		status = emr_chain_parts_of(&entry, fetch_from, chain, NULL, NULL, parts);
	if (status == EMR_OK)
		status = emr_chain_follow(copy, &entry, parts->spans, NULL, NULL, out);
	if (parts)
		emr_chain_parts_free(parts);
	return status;
}

static emr_status verify_chain(embedded *e, emr_chain *chain, emr_ledger_trouble *out)
{
	EMR_AUTO_CHAIN copy = NULL;
	EMR_AUTO_BUF first = { 0 };
	uint64_t size = 0;
	emr_status status = emr_chain_open_temporary(&copy);

	if (status == EMR_OK)
		status = emr_chain_size(chain, &size);
	if (status == EMR_OK)
		status = emr_chain_entry(chain, 0, &first, NULL);
	if (status == EMR_OK && !emr_bytes_equal(emr_buf_view(&first), emr_buf_view(&e->descriptor)))
		status = EMR_DAMAGED;
	if (status == EMR_OK)
		status = emr_chain_begin(copy);
	for (uint64_t seq = 0; status == EMR_OK && seq < size; seq++)
		status = replay_one(chain, copy, seq, out);
	if (status == EMR_OK)
		status = emr_chain_compare(copy, chain, NULL, NULL, out);
	if (status == EMR_OK)
		status = emr_chain_check_file(chain);
	if (status == EMR_DAMAGED && out->status == EMR_OK) {
		*out = (emr_ledger_trouble){ .status = EMR_DAMAGED };
		(void)snprintf(out->cause, sizeof out->cause, "the ledger file itself is damaged");
	}
	return status;
}

/* On a connection of its own: a long snapshot must not stop readers of this process. */
static emr_status embedded_verify(void *self, emr_ledger_trouble *out_trouble)
{
	embedded *e = self;
	EMR_AUTO_CHAIN chain = NULL;
	emr_ledger_trouble trouble = { 0 };
	emr_status status = emr_chain_open(e->dirfd, EMR_NETWORK_LEDGER, EMR_CHAIN_SHARED, false, BUSY_MS, &chain);

	if (status == EMR_OK)
		status = emr_chain_begin_read(chain);
	if (status == EMR_OK)
		status = verify_chain(e, chain, &trouble);
	*out_trouble = trouble;
	return status;
}

/* ---- opening ---- */

static void embedded_close(void *self)
{
	embedded *e = self;

	emr_chain_close(e->writer);
	emr_chain_close(e->reader);
	emr_buf_free(&e->descriptor);
	if (e->inotify_fd >= 0)
		(void)close(e->inotify_fd);
	if (e->wake_fd >= 0)
		(void)close(e->wake_fd);
	if (e->dirfd >= 0)
		(void)close(e->dirfd);
	(void)pthread_mutex_destroy(&e->write_lock);
	(void)pthread_mutex_destroy(&e->read_lock);
	free(e->batch);
	free(e);
}

static const emr_ledger_backend backend = {
	.close = embedded_close,
	.submit = embedded_submit,
	.size = embedded_size,
	.changes = embedded_changes,
	.entries = embedded_entries,
	.fetch = embedded_fetch,
	.find_batch = embedded_find_batch,
	.find_item = embedded_find_item,
	.subtree = embedded_subtree,
	.note = embedded_note,
	.replace_note = embedded_replace_note,
	.wait = embedded_wait,
	.wake = embedded_wake,
	.verify = embedded_verify,
};

static emr_status open_dir(embedded *e, const char *path, emr_chain_use *out_use)
{
	bool is_group = false;
	emr_status status;

	e->dirfd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (e->dirfd < 0)
		return errno == ENOENT || errno == ENOTDIR ? EMR_NOT_FOUND : emr_status_from_errno(errno);
	if (faccessat(e->dirfd, EMR_NETWORK_LEDGER, F_OK, AT_SYMLINK_NOFOLLOW) != 0)
		return emr_status_from_errno(errno);
	status = emr_network_check_place(e->dirfd);
	if (status == EMR_OK)
		status = place_check_rights(e->dirfd, &is_group);
	*out_use = is_group ? EMR_CHAIN_SHARED_GROUP : EMR_CHAIN_SHARED;
	return status;
}

static emr_status watch(embedded *e, const char *path)
{
	e->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	e->inotify_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (e->wake_fd < 0)
		return emr_status_from_errno(errno);
	/* Without inotify (too many instances) the look once a second remains. */
	if (e->inotify_fd < 0 || inotify_add_watch(e->inotify_fd, path, IN_MODIFY) < 0)
		emr_log(EMR_LOG_WARN, "ledger: no inotify (%d), looking once a second", errno);
	return EMR_OK;
}

/* Entry 0 and the copy beside it must be the same bytes. */
static emr_status read_descriptor(embedded *e)
{
	EMR_AUTO_BUF file = { 0 };
	emr_status status = emr_chain_entry(e->reader, 0, &e->descriptor, NULL);

	if (status == EMR_OK)
		status = emr_file_read(e->dirfd, EMR_NETWORK_DESCRIPTOR, EMR_LEDGER_BATCH_MAX, &file);
	if (status == EMR_NOT_FOUND || status == EMR_LIMIT)
		return EMR_DAMAGED;
	if (status != EMR_OK)
		return status;
	return emr_bytes_equal(emr_buf_view(&file), emr_buf_view(&e->descriptor)) ? EMR_OK : EMR_DAMAGED;
}

static emr_status open_all(embedded *e, const emr_ledger_options *options)
{
	uint32_t busy_ms = options->busy_timeout_ms ? options->busy_timeout_ms : BUSY_MS;
	emr_chain_use use = EMR_CHAIN_SHARED;
	emr_public public;
	emr_status status = open_dir(e, options->path, &use);

	if (status == EMR_OK)
		status = emr_chain_open(e->dirfd, EMR_NETWORK_LEDGER, use, false, busy_ms, &e->reader);
	if (status == EMR_OK)
		status = emr_chain_open(e->dirfd, EMR_NETWORK_LEDGER, use, false, busy_ms, &e->writer);
	if (status == EMR_OK)
		status = read_descriptor(e);
	if (status == EMR_OK)
		status = watch(e, options->path);
	if (status == EMR_OK && options->submitter) {
		status = emr_keyring_public(options->submitter, &public);
		if (status == EMR_OK)
			e->submitter_id = public.signer_id;
	}
	return status;
}

emr_status emr_embedded_open(const emr_ledger_options *options, emr_ledger **out_ledger)
{
	embedded *e = calloc(1, sizeof *e);
	emr_status status;

	if (e == NULL)
		return EMR_NO_MEMORY;
	e->dirfd = e->inotify_fd = e->wake_fd = -1;
	e->clock = options->clock ? options->clock : emr_clock_system();
	e->submitter = options->submitter;
	(void)pthread_mutex_init(&e->write_lock, NULL);
	(void)pthread_mutex_init(&e->read_lock, NULL);
	e->batch = malloc(sizeof *e->batch);
	status = e->batch ? open_all(e, options) : EMR_NO_MEMORY;
	if (status != EMR_OK) {
		embedded_close(e);
		return status;
	}
	return emr_ledger_over(&backend, e, emr_buf_view(&e->descriptor), out_ledger);
}
