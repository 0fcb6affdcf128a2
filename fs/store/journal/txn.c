/* This file collects the changes of one transaction and commits them as one entry: after a crash
 * all of them are there, or none. */
#include "journal_private.h"

#include <stdlib.h>

#define BODY_MAX (EMR_JOURNAL_TXN_MAX - 4096)

/* One change of the map; ROW NULL deletes. */
typedef struct change {
	emr_row *row;
	uint8_t kind;
	emr_id16 key;
} change;

struct emr_journal_txn {
	emr_journal *journal;
	emr_buf body;
	emr_buf changes; /* of change */
	emr_buf pins;	 /* of emr_pin_change */
};

emr_status emr_journal_begin(emr_journal *journal, emr_journal_txn **out_txn)
{
	emr_journal_txn *txn = calloc(1, sizeof *txn);

	if (txn == NULL)
		return EMR_NO_MEMORY;
	txn->journal = journal;
	*out_txn = txn;
	return EMR_OK;
}

static change *changes(const emr_journal_txn *txn, size_t *out_count)
{
	*out_count = txn->changes.len / sizeof(change);
	return (void *)txn->changes.data;
}

void emr_journal_rollback(emr_journal_txn *txn)
{
	size_t count;
	change *all;

	if (txn == NULL)
		return;
	all = changes(txn, &count);
	for (size_t i = 0; i < count; i++)
		free(all[i].row);
	/* Values were secret enough to be sealed on disk. */
	if (txn->body.data != NULL)
		emr_wipe(txn->body.data, txn->body.len);
	emr_buf_free(&txn->body);
	emr_buf_free(&txn->changes);
	emr_buf_free(&txn->pins);
	free(txn);
}

static emr_status txn_add(
	emr_journal_txn *txn, emr_frame_op op, const change *what, emr_bytes value)
{
	size_t body_len = txn->body.len;
	emr_status status;

	if (body_len + EMR_FRAME_OP_HEAD + value.len > BODY_MAX)
		return EMR_LIMIT;
	status = emr_frame_put_op(&txn->body, op, what->kind, what->key, value);
	if (status == EMR_OK)
		status = emr_buf_append(&txn->changes, what, sizeof *what);
	if (status != EMR_OK)
		txn->body.len = body_len;
	return status;
}

emr_status emr_journal_put(emr_journal_txn *txn, uint8_t kind, emr_id16 key, emr_bytes value)
{
	change what = {.kind = kind, .key = key};
	emr_status status;

	if (value.len > EMR_JOURNAL_VALUE_MAX)
		return EMR_LIMIT;
	what.row = emr_row_new(kind, key, value);
	if (what.row == NULL)
		return EMR_NO_MEMORY;
	status = txn_add(txn, EMR_OP_PUT, &what, value);
	if (status != EMR_OK)
		free(what.row);
	return status;
}

emr_status emr_journal_delete(emr_journal_txn *txn, uint8_t kind, emr_id16 key)
{
	const change what = {.kind = kind, .key = key};

	return txn_add(txn, EMR_OP_DELETE, &what, emr_bytes_of("", 0));
}

static emr_status add_pin(emr_journal_txn *txn, const emr_pin *pin, bool unpin)
{
	emr_pin_change pin_change = {.pin = *pin, .unpin = unpin};

	if (txn->pins.len / sizeof pin_change == EMR_STORE_GROUP_PINS_MAX)
		return EMR_LIMIT;
	return emr_buf_append(&txn->pins, &pin_change, sizeof pin_change);
}

emr_status emr_journal_pin(emr_journal_txn *txn, const emr_pin *pin)
{
	return add_pin(txn, pin, false);
}

emr_status emr_journal_unpin(emr_journal_txn *txn, const emr_pin *pin)
{
	return add_pin(txn, pin, true);
}

/* The rows change hands; nothing here can fail, room was reserved. */
static void show_rows(emr_journal *journal, emr_journal_txn *txn)
{
	size_t count;
	change *all = changes(txn, &count);

	pthread_rwlock_wrlock(&journal->rows_lock);
	for (size_t i = 0; i < count; i++) {
		if (all[i].row != NULL)
			emr_rows_put(&journal->rows, all[i].row);
		else
			emr_rows_delete(&journal->rows, all[i].kind, all[i].key);
		all[i].row = NULL;
	}
	pthread_rwlock_unlock(&journal->rows_lock);
}

static emr_status reserve_rows(emr_journal *journal, const emr_journal_txn *txn)
{
	emr_status status;
	size_t count;

	changes(txn, &count);
	pthread_rwlock_wrlock(&journal->rows_lock);
	status = emr_rows_reserve(&journal->rows, count);
	pthread_rwlock_unlock(&journal->rows_lock);
	return status;
}

/* commit_lock held. */
static emr_status commit_locked(emr_journal *journal, emr_journal_txn *txn, const emr_block *blocks,
	size_t count, uint64_t *out_seq)
{
	emr_frame frame = {.type = EMR_FRAME_LOG, .seq = journal->seq + 1, .parts = 1};
	EMR_AUTO_BUF bytes = {0};
	emr_store_group group = {.blocks = blocks, .block_count = count, .tail_count = 1};
	emr_block block;
	emr_status status = reserve_rows(journal, txn);

	memcpy(frame.chain, journal->chain, sizeof frame.chain);
	if (status == EMR_OK)
		status = emr_frame_seal(journal->key, &frame, emr_buf_view(&txn->body), &bytes);
	if (status != EMR_OK)
		return status;
	block.data = emr_buf_view(&bytes);
	block.cid = emr_cid_of_block(EMR_CODEC_RAW, block.data);
	group.pins = (const void *)txn->pins.data;
	group.pin_count = txn->pins.len / sizeof(emr_pin_change);
	group.tail = &block;
	EMR_TRY(emr_store_append_group(journal->store, &group, NULL));
	journal->seq++;
	memcpy(journal->chain, emr_cid_digest(&block.cid), sizeof journal->chain);
	journal->log_bytes += bytes.len;
	show_rows(journal, txn);
	*out_seq = journal->seq;
	return EMR_OK;
}

emr_status emr_journal_commit_with_blocks(
	emr_journal_txn *txn, const emr_block *blocks, size_t count, uint64_t *out_seq)
{
	emr_journal *journal = txn->journal;
	bool snapshot = false;
	uint64_t seq = 0;
	emr_status status = EMR_READ_ONLY;

	pthread_mutex_lock(&journal->commit_lock);
	if (!journal->state.read_only)
		status = commit_locked(journal, txn, blocks, count, &seq);
	if (status == EMR_OK)
		snapshot = emr_journal_wants_snapshot(journal);
	pthread_mutex_unlock(&journal->commit_lock);
	emr_journal_rollback(txn);
	if (snapshot)
		emr_worker_wake(&journal->worker);
	if (status == EMR_OK && out_seq != NULL)
		*out_seq = seq;
	return status;
}

emr_status emr_journal_commit(emr_journal_txn *txn, uint64_t *out_seq)
{
	return emr_journal_commit_with_blocks(txn, NULL, 0, out_seq);
}
