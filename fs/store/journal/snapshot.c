/* A long journal takes long to read. This file writes all present rows as a snapshot, so that
 * earlier entries are not needed any more and their space can be given back. */
#include "journal_private.h"

#include <stdlib.h>

#include "base/log.h"

#define LOG_BYTES_MIN ((uint64_t)16 << 20)
#define LOG_PER_ROWS 4
#define TIDY_BYTES_MIN                                                                             \
	((uint64_t)16 << 10) /* some fifty frames, each at another place of the disk */
#define TIDY_ROWS_PER_LOG 8
#define TIDY_WALK_BYTES                                                                            \
	((uint64_t)1 << 20)	     /* of anything: its heads are read, its end is hashed         \
				      */
#define PART_BYTES ((size_t)1 << 20) /* a part ends with the row that passes this */

/* All rows as bodies, taken in one moment. */
typedef struct shot {
	emr_buf *parts;
	size_t count;
	uint64_t seq;
	uint8_t covered[32];
	emr_log_place start;
	uint64_t log_bytes;
} shot;

static void shot_free(shot *s)
{
	for (size_t i = 0; i < s->count; i++)
		emr_buf_free(&s->parts[i]);
	free(s->parts);
}
#define AUTO_SHOT __attribute__((cleanup(shot_free))) shot

static emr_status next_part(shot *s)
{
	emr_buf *grown = realloc(s->parts, (s->count + 1) * sizeof *grown);

	if (grown == NULL)
		return EMR_NO_MEMORY;
	s->parts = grown;
	s->parts[s->count++] = (emr_buf){0};
	return EMR_OK;
}

/* Rows_lock held. */
static emr_status take_rows(const emr_rows *rows, shot *s)
{
	emr_status status = next_part(s);

	for (size_t i = 0; i < rows->bucket_count; i++) {
		for (const emr_row *row = rows->buckets[i]; status == EMR_OK && row != NULL;
			row = row->next) {
			emr_buf *part = &s->parts[s->count - 1];

			/* Never over EMR_JOURNAL_TXN_MAX: a row alone has at most 1.5 MiB. */
			if (part->len > 0 &&
				part->len + EMR_FRAME_OP_HEAD + row->len > PART_BYTES) {
				status = next_part(s);
				part = &s->parts[s->count - 1];
			}
			if (status == EMR_OK)
				status = emr_frame_put_op(part, EMR_OP_PUT, row->kind, row->key,
					emr_bytes_of(row->value, row->len));
		}
	}
	return status;
}

static emr_status take_shot(emr_journal *journal, shot *s)
{
	emr_status status;
	EMR_LOCKED(&journal->commit_lock);

	s->seq = journal->seq;
	memcpy(s->covered, journal->chain, sizeof s->covered);
	s->start = emr_store_log_end(journal->store);
	s->log_bytes = journal->log_bytes;
	pthread_rwlock_rdlock(&journal->rows_lock);
	status = take_rows(&journal->rows, s);
	pthread_rwlock_unlock(&journal->rows_lock);
	return status;
}

static emr_status write_shot(emr_journal *journal, const shot *s)
{
	emr_frame frame = {.type = EMR_FRAME_SNAPSHOT, .seq = s->seq, .parts = (uint32_t)s->count};
	emr_status status = EMR_OK;

	memcpy(frame.covered, s->covered, sizeof frame.covered);
	for (size_t i = 0; status == EMR_OK && i < s->count; i++) {
		EMR_AUTO_BUF bytes = {0};
		emr_block block;

		frame.part = (uint32_t)i;
		status = emr_frame_seal(journal->key, &frame, emr_buf_view(&s->parts[i]), &bytes);
		if (status != EMR_OK)
			break;
		block.data = emr_buf_view(&bytes);
		block.cid = emr_cid_of_block(EMR_CODEC_RAW, block.data);
		status = emr_store_append_group(
			journal->store, &(emr_store_group){.tail = &block, .tail_count = 1}, NULL);
		memcpy(frame.chain, emr_cid_digest(&block.cid), sizeof frame.chain);
	}
	return status == EMR_OK ? emr_store_flush(journal->store) : status;
}

static emr_status snapshot_locked(emr_journal *journal)
{
	AUTO_SHOT s = {0};
	emr_journal_head head;

	EMR_TRY(take_shot(journal, &s));
	EMR_TRY(write_shot(journal, &s));
	head = (emr_journal_head){.start = s.start, .seq = s.seq};
	EMR_TRY(emr_journal_head_write(journal->store, &head));
	emr_store_frames_live_from(journal->store, s.start);
	pthread_mutex_lock(&journal->commit_lock);
	journal->log_bytes -= s.log_bytes;
	journal->start = s.start;
	pthread_mutex_unlock(&journal->commit_lock);
	return EMR_OK;
}

emr_status emr_journal_snapshot(emr_journal *journal)
{
	emr_status status;

	if (journal->state.read_only)
		return EMR_READ_ONLY;
	pthread_mutex_lock(&journal->snapshot_lock);
	status = snapshot_locked(journal);
	pthread_mutex_unlock(&journal->snapshot_lock);
	return status;
}

/* Measures the bytes that the next start has to walk through behind the last snapshot, which is as
 * long as the rows: also what reclaim has moved there, of which no frame speaks. Commit_lock
 * held. */
static bool is_long_walk(const emr_journal *journal, uint64_t limit)
{
	emr_log_place end = emr_store_log_end(journal->store);

	if (end.number != journal->start.number)
		return end.number > journal->start.number;
	return end.offset > journal->start.offset + journal->rows.bytes + limit;
}

emr_status emr_journal_tidy(emr_journal *journal)
{
	uint64_t limit;
	bool is_long;

	if (journal->state.read_only)
		return EMR_OK;
	pthread_mutex_lock(&journal->commit_lock);
	limit = (uint64_t)journal->rows.bytes / TIDY_ROWS_PER_LOG;
	is_long = journal->log_bytes > (limit > TIDY_BYTES_MIN ? limit : TIDY_BYTES_MIN) ||
		  is_long_walk(journal, limit > TIDY_WALK_BYTES ? limit : TIDY_WALK_BYTES);
	pthread_mutex_unlock(&journal->commit_lock);
	return is_long ? emr_journal_snapshot(journal) : EMR_OK;
}

emr_status emr_journal_reclaim(
	emr_journal *journal, const emr_reclaim_options *options, emr_reclaim_report *out_report)
{
	/* The snapshot then stands in a segment of its own time, and no frame before it keeps one
	 * alive. */
	if (options->scrub ||
		(options->close_from > 0 &&
			emr_store_log_end(journal->store).offset >= options->close_from))
		EMR_TRY(emr_store_close_segment(journal->store));
	EMR_TRY(emr_journal_snapshot(journal));
	return emr_store_reclaim(journal->store, options, out_report);
}

bool emr_journal_wants_snapshot(emr_journal *journal)
{
	uint64_t limit = (uint64_t)journal->rows.bytes * LOG_PER_ROWS;

	return journal->log_bytes > (limit > LOG_BYTES_MIN ? limit : LOG_BYTES_MIN);
}
