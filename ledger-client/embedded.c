/* This is the ledger as an SQLite file on this machine: it opens the file, judges each batch
 * that is handed in, and appends it as an entry in one transaction. It refuses a batch that its
 * submitter has not signed for this network, and does not go on from an entry that is damaged. */
#include "embedded_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "ledger/network.h"
#include "place.h"

/* ---- submit ---- */

/* A batch on its way into the ledger. */
typedef struct taking {
	const emr_id32 *submitter;
	const uint8_t *sig;
	uint64_t now;
	emr_ledger_answer answer; /* counts only once the commit stands */
	bool has_purged;
} taking;

/* The leaf of the newest entry, from its bytes and from the tree: a new entry must not be chained
 * to a damaged one. */
static emr_status newest_leaf(embedded *e, uint64_t size, uint8_t out_leaf[32])
{
	EMR_AUTO_BUF entry = {0};
	uint8_t leaf[32];
	emr_status status = emr_chain_entry(e->writer, size - 1, &entry, NULL);

	if (status == EMR_OK)
		status = emr_chain_leaf(e->writer, size - 1, leaf);
	if (status != EMR_OK)
		return status == EMR_NOT_FOUND ? EMR_DAMAGED : status;
	emr_entry_leaf(span_of(emr_buf_view(&entry)), out_leaf);
	return memcmp(leaf, out_leaf, 32) == 0 ? EMR_OK : EMR_DAMAGED;
}

static emr_status append(embedded *e, const emr_outcome *outcome, taking *t)
{
	uint8_t bytes[EMR_ENTRY_BYTES_MAX];
	size_t len = 0;
	emr_entry entry = {.host = EMR_HOST_EMBEDDED,
		.count = e->batch->count,
		.ledger_time_unix_s = t->now,
		.results = outcome->results};

	EMR_TRY(emr_chain_size(e->writer, &entry.seq));
	EMR_TRY(newest_leaf(e, entry.seq, entry.prev_entry));
	memcpy(entry.submitter_id, t->submitter->b, 32);
	memcpy(entry.header, e->batch->header.data, EMR_HEADER_BYTES);
	memcpy(entry.submit_sig, t->sig, sizeof entry.submit_sig);
	if (emr_entry_encode(&entry, bytes, sizeof bytes, &len) != EMR_CONTRACT_OK)
		return EMR_INVALID;
	EMR_TRY(emr_chain_append(
		e->writer, emr_bytes_of(bytes, len), e->batch, outcome, NULL, NULL));
	t->answer.seq = entry.seq;
	t->answer.ledger_time = t->now;
	return EMR_OK;
}

static emr_status old_answer(embedded *e, emr_ledger_answer *answer)
{
	EMR_AUTO_BUF bytes = {0};
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

static emr_status judge(embedded *e, taking *t)
{
	EMR_AUTO_VERDICT verdict = {0};
	emr_caller caller;

	EMR_TRY(emr_chain_caller(e->writer, EMR_HOST_EMBEDDED, emr_buf_view(&e->descriptor),
		e->batch, *t->submitter, t->now, &caller));
	EMR_TRY(emr_chain_judge(e->writer, e->batch, &caller, t->now, &verdict));
	switch (verdict.outcome.kind) {
	case EMR_OUTCOME_REFUSED:
		/* It is not here that it is refused: the same batch goes to where the ledger is. */
		if (verdict.outcome.refusal == EMR_RESULT_MOVED)
			return EMR_OFFLINE;
		t->answer.refusal = (uint8_t)verdict.outcome.refusal;
		return EMR_OK;
	case EMR_OUTCOME_KNOWN:
		take_results(&verdict.outcome, &t->answer);
		return old_answer(e, &t->answer);
	case EMR_OUTCOME_APPLIED:
		take_results(&verdict.outcome, &t->answer);
		t->has_purged = purges(&verdict.outcome);
		return append(e, &verdict.outcome, t);
	}
	return EMR_INVALID;
}

/* Inside BEGIN IMMEDIATE. */
static emr_status judge_and_append(embedded *e, taking *t)
{
	uint8_t net_id[16];
	emr_status status;

	/* An entry in a file that has lost its name is lost when the last process closes it. */
	status = emr_chain_in_place(e->writer);
	if (status != EMR_OK)
		return status;
	emr_descriptor_net_id(span_of(emr_buf_view(&e->descriptor)), net_id);
	status = emr_chain_check_submitter(
		e->writer, net_id, e->batch->header.data, t->submitter->b, t->sig, NULL);
	if (status == EMR_NOT_FOUND) {
		t->answer.refusal = EMR_RESULT_SUBMITTER;
		return EMR_OK;
	}
	return status == EMR_OK ? judge(e, t) : status;
}

static emr_status embedded_take(void *self, emr_id32 submitter, const uint8_t submit_sig[64],
	emr_bytes batch, emr_ledger_answer *out_answer)
{
	embedded *e = self;
	taking t = {.submitter = &submitter, .sig = submit_sig};
	emr_result refusal;
	emr_status status;
	HOLD(&e->write_lock);

	refusal = emr_batch_parse(span_of(batch), e->batch);
	if (refusal != EMR_RESULT_APPLIED) {
		t.answer.refusal = (uint8_t)refusal;
		*out_answer = t.answer;
		return EMR_OK;
	}
	emr_batch_id(e->batch->header.data, t.answer.batch_id.b);
	EMR_TRY(emr_chain_begin(e->writer));
	t.now = emr_clock_unix_s(e->clock);
	status = judge_and_append(e, &t);
	if (status == EMR_OK && t.answer.refusal == 0 && !t.answer.is_repeat)
		status = emr_chain_commit(e->writer);
	else
		emr_chain_rollback(e->writer);
	if (status != EMR_OK)
		return status;
	if (t.has_purged)
		emr_chain_forget_log(e->writer);
	*out_answer = t.answer;
	return EMR_OK;
}

static emr_status embedded_submit(void *self, emr_bytes batch, emr_ledger_answer *out_answer)
{
	embedded *e = self;
	uint8_t net_id[16], message[EMR_SUBMIT_MESSAGE_BYTES], sig[64] = {0};
	const size_t label = sizeof message - 32;

	/* emr_keyring_sign puts it there itself */
	if (e->submitter == NULL)
		return EMR_DENIED;
	if (batch.len >= EMR_HEADER_BYTES) {
		emr_descriptor_net_id(span_of(emr_buf_view(&e->descriptor)), net_id);
		emr_submit_message(net_id, batch.data, message);
		EMR_TRY(emr_keyring_sign(e->submitter, emr_signer_identity(), EMR_SIGN_SUBMIT,
			emr_bytes_of(message + label, 32), sig));
	}
	return embedded_take(e, e->submitter_id, sig, batch, out_answer);
}

static emr_status embedded_replace_note(void *self, emr_bytes old_note, emr_bytes note)
{
	embedded *e = self;
	EMR_AUTO_BUF now = {0};
	emr_status status;
	HOLD(&e->write_lock);

	EMR_TRY(emr_chain_begin(e->writer));
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

/* ---- opening ---- */

static void embedded_close(void *self)
{
	embedded *e = self;

	emr_chain_close(e->writer);
	emr_chain_close(e->reader);
	emr_buf_free(&e->descriptor);
	if (e->inotify_fd >= 0)
		(void)close(e->inotify_fd);
	if (e->wake_fd >= 0 && !e->is_wake_lent)
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
	.take = embedded_take,
	.size = embedded_size,
	.changes = embedded_changes,
	.entries = embedded_entries,
	.fetch = embedded_fetch,
	.find_item = embedded_find_item,
	.subtree = embedded_subtree,
	.note = embedded_note,
	.replace_note = embedded_replace_note,
	.wait = embedded_wait,
	.wake = embedded_wake,
	.verify = embedded_verify,
	.unite = embedded_unite,
	.mend = embedded_mend,
};

static emr_status open_dir(embedded *e, const char *path, emr_chain_use *out_use)
{
	bool is_group = false;
	struct stat st;
	emr_status status;

	e->dirfd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (e->dirfd < 0)
		return errno == ENOENT || errno == ENOTDIR ? EMR_NOT_FOUND
							   : emr_status_from_errno(errno);
	if (fstatat(e->dirfd, EMR_NETWORK_LEDGER, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return emr_status_from_errno(errno);
	/* SQLite takes an empty file for a new one, and deletes the log beside it. */
	if (st.st_size == 0)
		return EMR_DAMAGED;
	status = emr_network_check_place(e->dirfd);
	if (status == EMR_OK)
		status = place_check_rights(e->dirfd, &is_group);
	*out_use = is_group ? EMR_CHAIN_SHARED_GROUP : EMR_CHAIN_SHARED;
	return status;
}

static emr_status watch(embedded *e, const char *path)
{
	if (!e->is_wake_lent)
		e->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	e->inotify_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (e->wake_fd < 0)
		return emr_status_from_errno(errno);
	/* Without inotify (too many instances) the look once a second remains. */
	if (e->inotify_fd < 0 || inotify_add_watch(e->inotify_fd, path, IN_MODIFY) < 0)
		emr_log(EMR_LOG_WARN, "ledger: no inotify (%d), looking once a second", errno);
	return EMR_OK;
}

/* Entry 0 and the copy beside it must be the same bytes, of a network whose ledger is such a file:
 * one of Fabric has entries that nobody has signed, which are taken from blocks only. */
static emr_status read_descriptor(embedded *e)
{
	EMR_AUTO_BUF file = {0};
	emr_status status = emr_chain_entry(e->reader, 0, &e->descriptor, NULL);

	if (status == EMR_OK)
		status = emr_file_read(
			e->dirfd, EMR_NETWORK_DESCRIPTOR, EMR_LEDGER_BATCH_MAX, &file);
	if (status == EMR_NOT_FOUND || status == EMR_LIMIT)
		return EMR_DAMAGED;
	if (status != EMR_OK)
		return status;
	return emr_bytes_equal(emr_buf_view(&file), emr_buf_view(&e->descriptor)) &&
			       emr_descriptor_host(span_of(emr_buf_view(&file))) ==
				       EMR_HOST_EMBEDDED
		       ? EMR_OK
		       : EMR_DAMAGED;
}

static emr_status open_all(embedded *e, const emr_ledger_options *options)
{
	uint32_t busy_ms = options->busy_timeout_ms ? options->busy_timeout_ms : EMBEDDED_BUSY_MS;
	emr_chain_use use = EMR_CHAIN_SHARED;
	emr_public public;

	EMR_TRY(open_dir(e, options->path, &use));
	EMR_TRY(emr_chain_open(e->dirfd, EMR_NETWORK_LEDGER, use, false, busy_ms, &e->reader));
	EMR_TRY(emr_chain_open(e->dirfd, EMR_NETWORK_LEDGER, use, false, busy_ms, &e->writer));
	EMR_TRY(emr_chain_seen(e->reader, read_descriptor(e)));
	EMR_TRY(watch(e, options->path));
	if (options->submitter) {
		EMR_TRY(emr_keyring_public(options->submitter, &public));
		e->submitter_id = public.signer_id;
	}
	return EMR_OK;
}

emr_status emr_embedded_open(const emr_ledger_options *options, emr_ledger **out_ledger)
{
	return emr_embedded_open_woken(options, -1, out_ledger);
}

emr_status emr_embedded_open_woken(
	const emr_ledger_options *options, int wake_fd, emr_ledger **out_ledger)
{
	embedded *e = calloc(1, sizeof *e);
	emr_status status;

	if (e == NULL)
		return EMR_NO_MEMORY;
	e->dirfd = e->inotify_fd = -1;
	e->wake_fd = wake_fd;
	e->is_wake_lent = wake_fd >= 0;
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
