/* This file changes the index: rows of segments, blocks and pins, in one transaction with the sum
 * over them. The first failure stays, so that no commit succeeds after it. */
#include "index_private.h"

#include <stdlib.h>

/* Holds the change connection's lock until commit or rollback. */
emr_status emr_index_begin(emr_index *index)
{
	emr_status status;

	if (index == NULL)
		return EMR_NO_SPACE;
	pthread_mutex_lock(&index->write.lock);
	status = index_run_plain(&index->write, BEGIN);
	if (status == EMR_OK) {
		index->failed = EMR_OK;
		index->sum = 0;
		status = index_each_row(&index->write, GET_SUM, index_row_numbers, &index->sum);
		if (status != EMR_OK)
			(void)index_run_plain(&index->write, ROLLBACK);
	}
	if (status != EMR_OK)
		pthread_mutex_unlock(&index->write.lock);
	return status;
}

void emr_index_rollback(emr_index *index)
{
	/* A failed ROLLBACK means that SQLite has rolled back by itself. */
	(void)index_run_plain(&index->write, ROLLBACK);
	pthread_mutex_unlock(&index->write.lock);
}

emr_status emr_index_commit(emr_index *index)
{
	sqlite3_stmt *s = NULL;
	emr_status status = index->failed;

	if (status == EMR_OK)
		status = index_prepare(&index->write, SET_SUM, &s);
	if (status == EMR_OK) {
		sqlite3_bind_int64(s, 1, (int64_t)index->sum);
		status = index_run(s);
	}
	if (status == EMR_OK)
		status = index_run_plain(&index->write, COMMIT);
	if (status != EMR_OK) {
		emr_index_rollback(index);
		return status;
	}
	pthread_mutex_unlock(&index->write.lock);
	return EMR_OK;
}

/* Keeps the first failure, so that commit cannot succeed after it. */
static emr_status index_keep_failure(emr_index *index, emr_status status)
{
	if (index->failed == EMR_OK)
		index->failed = status;
	return index->failed;
}

/* 0: there is no row. */
static int64_t segment_row(
	sqlite3_stmt *get, emr_id16 writer, uint64_t number, uint64_t *out_indexed)
{
	int64_t id = 0;

	sqlite3_bind_blob(get, 1, writer.b, 16, SQLITE_STATIC);
	sqlite3_bind_int64(get, 2, (int64_t)number);
	if (sqlite3_step(get) == SQLITE_ROW) {
		id = sqlite3_column_int64(get, 0);
		*out_indexed = (uint64_t)sqlite3_column_int64(get, 1);
	}
	sqlite3_reset(get);
	return id;
}

/* A row that stands there already is not written: a commit of nothing has no flush. */
emr_status emr_index_put_segment(
	emr_index *index, const emr_index_segment *segment, int64_t *out_id)
{
	sqlite3_stmt *put = NULL, *get = NULL;
	emr_status status = index_prepare(&index->write, GET_SEGMENT, &get);
	uint64_t stands = 0;

	if (status != EMR_OK)
		return index_keep_failure(index, status);
	*out_id = segment_row(get, segment->writer, segment->number, &stands);
	if (*out_id != 0 && stands == segment->indexed)
		return index->failed;
	status = index_prepare(&index->write, PUT_SEGMENT, &put);
	if (status != EMR_OK)
		return index_keep_failure(index, status);
	sqlite3_bind_blob(put, 1, segment->writer.b, 16, SQLITE_STATIC);
	sqlite3_bind_int64(put, 2, (int64_t)segment->number);
	sqlite3_bind_int64(put, 3, (int64_t)segment->indexed);
	sqlite3_bind_int64(put, 4, (int64_t)segment->file);
	status = index_run(put);
	if (status == EMR_OK && *out_id == 0)
		*out_id = segment_row(get, segment->writer, segment->number, &stands);
	if (status == EMR_OK && *out_id == 0)
		status = EMR_DAMAGED;
	return index_keep_failure(index, status);
}

static emr_status subtract_block(void *context, const uint8_t *digest, const emr_index_place *place)
{
	((emr_index *)context)->sum ^= index_block_hash(digest, place);
	return EMR_OK;
}

static emr_status subtract_pin(void *context, emr_id16 writer, const emr_pin *pin)
{
	((emr_index *)context)->sum ^= index_pin_hash(writer, pin);
	return EMR_OK;
}

emr_status emr_index_put_block(
	emr_index *index, const uint8_t *digest, const emr_index_place *place)
{
	visit_call old = {.block = subtract_block, .context = index};
	sqlite3_stmt *s = NULL;
	emr_status status = index_prepare(&index->write, OLD_BLOCK, &s);

	if (status != EMR_OK)
		return index_keep_failure(index, status);
	sqlite3_bind_blob(s, 1, digest, EMR_DIGEST_PREFIX, SQLITE_STATIC);
	status = index_each_row(&index->write, OLD_BLOCK, index_row_block, &old);
	if (status == EMR_OK)
		status = index_prepare(&index->write, PUT_BLOCK, &s);
	if (status != EMR_OK)
		return index_keep_failure(index, status);
	sqlite3_bind_blob(s, 1, digest, EMR_DIGEST_PREFIX, SQLITE_STATIC);
	sqlite3_bind_int64(s, 2, place->segment);
	sqlite3_bind_int64(s, 3, (int64_t)place->offset);
	sqlite3_bind_int64(s, 4, place->len);
	status = index_run(s);
	if (status == EMR_OK)
		index->sum ^= index_block_hash(digest, place);
	return index_keep_failure(index, status);
}

static bool leads_to(const emr_index_place *found, const emr_index_place *place)
{
	return found->segment == place->segment && found->offset == place->offset &&
	       found->len == place->len;
}

emr_status emr_index_drop_block(
	emr_index *index, const uint8_t *digest, const emr_index_place *place)
{
	emr_index_place found = {0};
	sqlite3_stmt *s = NULL;
	emr_status status = index_find_locked(&index->write, digest, &found);

	if (status == EMR_NOT_FOUND || (status == EMR_OK && !leads_to(&found, place)))
		return EMR_OK;
	if (status == EMR_OK)
		status = index_prepare(&index->write, DROP_BLOCK, &s);
	if (status != EMR_OK)
		return index_keep_failure(index, status);
	sqlite3_bind_blob(s, 1, digest, EMR_DIGEST_PREFIX, SQLITE_STATIC);
	status = index_run(s);
	if (status == EMR_OK)
		index->sum ^= index_block_hash(digest, place);
	return index_keep_failure(index, status);
}

typedef struct drop_run {
	const int64_t *ids; /* sorted */
	size_t count;
	emr_buf digests;
	uint64_t *sum;
} drop_run;

static int compare_ids(const void *x, const void *y)
{
	int64_t a = *(const int64_t *)x;
	int64_t b = *(const int64_t *)y;

	return a < b ? -1 : a > b;
}

static emr_status list_dropped(void *context, const uint8_t *digest, const emr_index_place *place)
{
	drop_run *run = context;

	if (bsearch(&place->segment, run->ids, run->count, sizeof *run->ids, compare_ids) == NULL)
		return EMR_OK;
	*run->sum ^= index_block_hash(digest, place);
	return emr_buf_append(&run->digests, digest, EMR_DIGEST_PREFIX);
}

static emr_status delete_listed(emr_index *index, const drop_run *run)
{
	sqlite3_stmt *s = NULL;

	EMR_TRY(index_prepare(&index->write, DROP_BLOCK, &s));
	for (size_t at = 0; at < run->digests.len; at += EMR_DIGEST_PREFIX) {
		sqlite3_bind_blob(s, 1, run->digests.data + at, EMR_DIGEST_PREFIX, SQLITE_STATIC);
		EMR_TRY(index_run(s));
	}
	EMR_TRY(index_prepare(&index->write, DROP_SEGMENT, &s));
	for (size_t i = 0; i < run->count; i++) {
		sqlite3_bind_int64(s, 1, run->ids[i]);
		EMR_TRY(index_run(s));
	}
	return EMR_OK;
}

/* One pass over all rows, however many segments go: rows are ordered by digest only. */
static emr_status drop_segments(emr_index *index, int64_t *ids, size_t count)
{
	drop_run run = {.ids = ids, .count = count, .sum = &index->sum};
	visit_call call = {.block = list_dropped, .context = &run};
	emr_status status;

	if (count == 0)
		return EMR_OK;
	qsort(ids, count, sizeof *ids, compare_ids);
	status = index_each_row(&index->write, BLOCKS, index_row_block, &call);
	if (status == EMR_OK)
		status = delete_listed(index, &run);
	emr_buf_free(&run.digests);
	return status;
}

/* A flush of the log flushes all that was committed before, too. */
emr_status emr_index_drop_segments(emr_index *index, int64_t *ids, size_t count)
{
	bool is_set = index != NULL && sqlite3_exec(index->write.db, "PRAGMA synchronous = FULL",
					       NULL, NULL, NULL) == SQLITE_OK;
	emr_status status;

	EMR_TRY(emr_index_begin(index));
	(void)index_keep_failure(index, is_set ? drop_segments(index, ids, count) : EMR_IO);
	status = emr_index_commit(index);
	(void)sqlite3_exec(index->write.db, "PRAGMA synchronous = NORMAL", NULL, NULL, NULL);
	return status;
}

static emr_status bind_pin(emr_index *index, statement which, const emr_id16 *writer,
	const emr_pin *pin, sqlite3_stmt **out)
{
	EMR_TRY(index_prepare(&index->write, which, out));
	sqlite3_bind_blob(*out, 1, writer->b, 16, SQLITE_STATIC);
	sqlite3_bind_blob(*out, 2, pin->owner.b, 16, SQLITE_STATIC);
	sqlite3_bind_blob(*out, 3, pin->root.b, EMR_CID_BYTES, SQLITE_STATIC);
	if (which == PUT_PIN)
		sqlite3_bind_int(*out, 4, (int)pin->state);
	return EMR_OK;
}

emr_status emr_index_put_pin(emr_index *index, emr_id16 writer, const emr_pin_change *change)
{
	visit_call old = {.pin = subtract_pin, .context = index};
	sqlite3_stmt *s = NULL;
	emr_status status = bind_pin(index, OLD_PIN, &writer, &change->pin, &s);

	if (status == EMR_OK)
		status = index_each_row(&index->write, OLD_PIN, index_row_pin, &old);
	if (status == EMR_OK)
		status = bind_pin(
			index, change->unpin ? DROP_PIN : PUT_PIN, &writer, &change->pin, &s);
	if (status == EMR_OK)
		status = index_run(s);
	if (status == EMR_OK && !change->unpin)
		index->sum ^= index_pin_hash(writer, &change->pin);
	return index_keep_failure(index, status);
}

static emr_status set_stated(emr_index *index, statement which, emr_id16 writer)
{
	sqlite3_stmt *s = NULL;
	emr_status status = index_prepare(&index->write, which, &s);

	if (status == EMR_OK) {
		sqlite3_bind_blob(s, 1, writer.b, 16, SQLITE_STATIC);
		status = index_run(s);
	}
	return index_keep_failure(index, status);
}

emr_status emr_index_state_pins(emr_index *index, emr_id16 writer)
{
	return set_stated(index, STATE_PINS, writer);
}

emr_status emr_index_doubt_pins(emr_index *index, emr_id16 writer)
{
	return set_stated(index, DOUBT_PINS, writer);
}
