/* The journal is the sealed log of everything that is not on the ledger yet. This file opens it,
 * keeps its rows in memory, and brings it to the disk on demand. */
#include "journal_private.h"

#include <stdlib.h>

#include "base/log.h"

static emr_status init_locks(emr_journal *journal)
{
	pthread_mutex_t *mutexes[] = {
		&journal->snapshot_lock, &journal->commit_lock, &journal->sync_lock};
	int failed = 0;

	for (size_t i = 0; i < sizeof mutexes / sizeof mutexes[0]; i++)
		failed |= pthread_mutex_init(mutexes[i], NULL);
	failed |= pthread_rwlock_init(&journal->rows_lock, NULL);
	emr_worker_init(&journal->worker);
	return failed ? EMR_NO_MEMORY : EMR_OK;
}

/* Many commits may have asked for the snapshot that is there by now. */
static emr_status write_snapshot(emr_journal *journal)
{
	bool is_wanted;

	pthread_mutex_lock(&journal->commit_lock);
	is_wanted = emr_journal_wants_snapshot(journal);
	pthread_mutex_unlock(&journal->commit_lock);
	return is_wanted ? emr_journal_snapshot(journal) : EMR_OK;
}

static void *write_snapshots(void *argument)
{
	emr_journal *journal = argument;

	while (emr_worker_wait(&journal->worker, EMR_NEVER_NS)) {
		emr_status status = write_snapshot(journal);

		if (status != EMR_OK)
			emr_log(EMR_LOG_WARN,
				"journal: no snapshot (%s); the next commit asks again",
				emr_status_text(status));
	}
	return NULL;
}

static emr_status start(emr_journal *journal, const emr_keyring *keyring)
{
	EMR_TRY(emr_local_key_get(keyring, EMR_LOCAL_JOURNAL, NULL, &journal->key));
	EMR_TRY(emr_journal_replay(journal));
	return emr_worker_start(&journal->worker, "snapshots", write_snapshots, journal);
}

emr_status emr_journal_open(emr_store *store, const emr_keyring *keyring, emr_journal **out_journal)
{
	emr_journal *journal = calloc(1, sizeof *journal);
	emr_status status;

	if (journal == NULL)
		return EMR_NO_MEMORY;
	journal->store = store;
	status = init_locks(journal);
	if (status == EMR_OK)
		status = start(journal, keyring);
	if (status != EMR_OK) {
		emr_journal_close(journal);
		return status;
	}
	*out_journal = journal;
	return EMR_OK;
}

void emr_journal_close(emr_journal *journal)
{
	if (journal == NULL)
		return;
	emr_worker_stop(&journal->worker);
	emr_worker_free(&journal->worker);
	emr_rows_free(&journal->rows);
	emr_local_key_free(journal->key);
	free(journal);
}

emr_journal_state emr_journal_state_get(emr_journal *journal)
{
	emr_journal_state state;
	EMR_LOCKED(&journal->commit_lock);

	pthread_rwlock_rdlock(&journal->rows_lock);
	state = journal->state;
	state.last_seq = journal->seq;
	state.rows = journal->rows.count;
	pthread_rwlock_unlock(&journal->rows_lock);
	return state;
}

uint64_t emr_journal_last_seq(emr_journal *journal)
{
	EMR_LOCKED(&journal->commit_lock);

	return journal->seq;
}

uint64_t emr_journal_synced_seq(emr_journal *journal)
{
	EMR_LOCKED(&journal->sync_lock);

	return journal->synced_seq;
}

emr_status emr_journal_sync(emr_journal *journal, uint64_t seq)
{
	uint64_t covers;

	if (emr_journal_synced_seq(journal) >= seq)
		return EMR_OK;
	covers = emr_journal_last_seq(journal);
	if (seq > covers)
		return EMR_INVALID;
	EMR_TRY(emr_store_flush(journal->store));
	pthread_mutex_lock(&journal->sync_lock);
	if (journal->synced_seq < covers)
		journal->synced_seq = covers;
	pthread_mutex_unlock(&journal->sync_lock);
	return EMR_OK;
}

emr_status emr_journal_get(emr_journal *journal, uint8_t kind, emr_id16 key, emr_buf *out)
{
	const emr_row *row;
	emr_status status = EMR_NOT_FOUND;

	pthread_rwlock_rdlock(&journal->rows_lock);
	row = emr_rows_find(&journal->rows, kind, key);
	if (row != NULL)
		status = emr_buf_append(out, row->value, row->len);
	pthread_rwlock_unlock(&journal->rows_lock);
	return status;
}

emr_status emr_journal_each(
	emr_journal *journal, uint8_t kind, emr_journal_visit visit, void *context)
{
	emr_status status = EMR_OK;

	pthread_rwlock_rdlock(&journal->rows_lock);
	for (size_t i = 0; status == EMR_OK && i < journal->rows.bucket_count; i++)
		for (const emr_row *row = journal->rows.buckets[i]; status == EMR_OK && row != NULL;
			row = row->next)
			if (row->kind == kind)
				status = visit(
					context, row->key, emr_bytes_of(row->value, row->len));
	pthread_rwlock_unlock(&journal->rows_lock);
	return status;
}
