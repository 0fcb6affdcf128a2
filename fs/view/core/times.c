/* This file keeps times in the journal that neither the ledger nor a record has. Times of files are
 * kept together, by the first two bytes of their ids, so that a million of them need 18 bytes each
 * and not a row each; of one row it keeps a limited number, because a writer in a shared folder
 * chooses the ids of new files there. */
#include "times.h"

#include <stdlib.h>
#include <string.h>

#include "base/codec.h"
#include "base/log.h"

#include "kind.h"

#define TIMES_VERSION 1
#define ENTRY_BYTES 18	/* six bytes of the id, four of the version, the time */
#define ENTRIES_MAX 256 /* of one row; a million files have 15 */
#define DIRECTORY_BYTES 33

/* ---- rows of files ---- */

static emr_id16 bucket_of(emr_id16 id)
{
	return (emr_id16){{id.b[0], id.b[1]}};
}

/* The row that has the time of ID, if any: a whole number of entries behind its version. */
static emr_status get_bucket(emr_view *view, emr_id16 id, emr_buf *buf)
{
	emr_buf_clear(buf);
	EMR_TRY(emr_journal_get(view->options.journal, EMR_ROW_TIMES, bucket_of(id), buf));
	if (buf->len == 0 || (buf->len - 1) % ENTRY_BYTES != 0)
		return EMR_DAMAGED;
	return buf->data[0] <= TIMES_VERSION ? EMR_OK
					     : emr_newer_format(buf->data[0], TIMES_VERSION);
}

/* NULL: BUF, a row, has none of ID. */
static uint8_t *entry_of(const emr_buf *buf, emr_id16 id)
{
	for (size_t at = 1; at < buf->len; at += ENTRY_BYTES)
		if (memcmp(buf->data + at, id.b + 2, 6) == 0)
			return buf->data + at;
	return NULL;
}

emr_status times_find(
	emr_view *view, emr_id16 id, uint64_t version, emr_buf *buf, int64_t *out_ctime_ns)
{
	emr_status status = get_bucket(view, id, buf);
	const uint8_t *p = status == EMR_OK ? entry_of(buf, id) : NULL;

	if (status != EMR_OK)
		return status;
	if (p == NULL || emr_get_u32(p + 6) != (uint32_t)version)
		return EMR_NOT_FOUND;
	*out_ctime_ns = (int64_t)emr_get_u64(p + 10);
	return EMR_OK;
}

/* True: BUF is another row now. */
static bool change_entry(emr_buf *buf, const file_time *t, emr_status *status)
{
	uint8_t bytes[ENTRY_BYTES], *p = entry_of(buf, t->id);

	memcpy(bytes, t->id.b + 2, 6);
	emr_put_u32(bytes + 6, (uint32_t)t->version);
	emr_put_u64(bytes + 10, (uint64_t)t->ctime_ns);
	if (t->is_gone && p == NULL)
		return false;
	if (t->is_gone) {
		memmove(p, buf->data + buf->len - ENTRY_BYTES, ENTRY_BYTES);
		buf->len -= ENTRY_BYTES;
	} else if (p != NULL) {
		memcpy(p, bytes, sizeof bytes);
	} else if (buf->len < ENTRIES_MAX * ENTRY_BYTES) {
		*status = emr_buf_append(buf, bytes, sizeof bytes);
	} else {
		return false;
	}
	return true;
}

static int compare_times(const void *a, const void *b)
{
	const file_time *x = a, *y = b;
	int by_id = memcmp(x->id.b, y->id.b, sizeof x->id.b);

	return by_id != 0 ? by_id : (x->order > y->order) - (x->order < y->order);
}

void times_sort(file_time *all, size_t n)
{
	EMR_SORT(all, n, compare_times);
}

emr_status times_put(emr_view *view, emr_journal_txn *txn, file_time *all, size_t n)
{
	EMR_AUTO_BUF buf = {0};
	emr_status status = EMR_OK;

	times_sort(all, n);
	for (size_t i = 0; i < n && status == EMR_OK;) {
		const emr_id16 bucket = bucket_of(all[i].id);
		bool has_changed = false;

		status = get_bucket(view, bucket, &buf);
		if (status == EMR_NOT_FOUND || status == EMR_DAMAGED) {
			emr_buf_clear(&buf);
			status = emr_buf_append(&buf, &(uint8_t){TIMES_VERSION}, 1);
		}
		for (; i < n && status == EMR_OK && emr_id16_equal(bucket_of(all[i].id), bucket);
			i++)
			has_changed = change_entry(&buf, &all[i], &status) || has_changed;
		if (status == EMR_OK && has_changed && buf.len > 1)
			status = emr_journal_put(txn, EMR_ROW_TIMES, bucket, emr_buf_view(&buf));
		else if (status == EMR_OK && has_changed)
			status = emr_journal_delete(txn, EMR_ROW_TIMES, bucket);
	}
	return status;
}

/* ---- rows of directories ---- */

emr_status times_find_directory(
	emr_view *view, emr_id16 id, emr_buf *buf, directory_times *out_times)
{
	emr_reader r;
	uint8_t version;

	emr_buf_clear(buf);
	EMR_TRY(emr_journal_get(view->options.journal, EMR_ROW_DIRECTORY_TIMES, id, buf));
	r = emr_reader_of(emr_buf_view(buf));
	version = emr_read_u8(&r);
	if (version > TIMES_VERSION)
		return emr_newer_format(version, TIMES_VERSION);
	out_times->version = emr_read_u64(&r);
	out_times->kids = emr_read_u64(&r);
	out_times->mtime_ns = (int64_t)emr_read_u64(&r);
	out_times->ctime_ns = (int64_t)emr_read_u64(&r);
	return emr_reader_done(&r) ? EMR_OK : EMR_DAMAGED;
}

void edit_directory_times(edit *e, emr_id16 id, const directory_times *times)
{
	uint8_t bytes[DIRECTORY_BYTES] = {TIMES_VERSION};

	emr_put_u64(bytes + 1, times->version);
	emr_put_u64(bytes + 9, times->kids);
	emr_put_u64(bytes + 17, (uint64_t)times->mtime_ns);
	emr_put_u64(bytes + 25, (uint64_t)times->ctime_ns);
	if (e->status == EMR_OK)
		e->status = emr_journal_put(
			e->txn, EMR_ROW_DIRECTORY_TIMES, id, emr_bytes_of(bytes, sizeof bytes));
}

/* ---- what is kept of nothing that is there ---- */

typedef struct strange {
	const uint64_t *prefixes;
	size_t n;
	emr_buf *files, *directories;
} strange;

static int by_prefix(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static bool is_known(const strange *s, emr_id16 id)
{
	const uint64_t prefix = emr_kept_prefix(id);

	return s->n > 0 && bsearch(&prefix, s->prefixes, s->n, sizeof prefix, by_prefix) != NULL;
}

static emr_status note_files(void *arg, emr_id16 key, emr_bytes row)
{
	const strange *s = arg;

	if (row.len == 0 || row.data[0] != TIMES_VERSION || (row.len - 1) % ENTRY_BYTES != 0)
		return EMR_OK;
	for (size_t at = 1; at < row.len; at += ENTRY_BYTES) {
		file_time t = {.id = key, .is_gone = true};

		memcpy(t.id.b + 2, row.data + at, 6);
		if (!is_known(s, t.id))
			EMR_TRY(emr_buf_append(s->files, &t, sizeof t));
	}
	return EMR_OK;
}

static emr_status note_directory(void *arg, emr_id16 key, emr_bytes row)
{
	const strange *s = arg;

	(void)row;
	return is_known(s, key) ? EMR_OK : emr_buf_append(s->directories, &key, sizeof key);
}

emr_status times_strange(
	emr_view *view, emr_buf *prefixes, emr_buf *out_files, emr_buf *out_directories)
{
	emr_journal *journal = view->options.journal;
	strange s = {.prefixes = (const uint64_t *)(const void *)prefixes->data,
		.n = prefixes->len / sizeof(uint64_t),
		.files = out_files,
		.directories = out_directories};

	if (s.n > 1)
		qsort(prefixes->data, s.n, sizeof(uint64_t), by_prefix);
	EMR_TRY(emr_journal_each(journal, EMR_ROW_TIMES, note_files, &s));
	return emr_journal_each(journal, EMR_ROW_DIRECTORY_TIMES, note_directory, &s);
}

/* ---- what an edit says ---- */

static void add_time(edit *e, const file_time *one)
{
	file_time t = *one;

	t.order = (uint32_t)(e->times.len / sizeof t);
	if (e->status == EMR_OK)
		e->status = emr_buf_append(&e->times, &t, sizeof t);
}

void edit_file_time(edit *e, emr_id16 id, uint64_t version, int64_t ctime_ns)
{
	add_time(e, &(file_time){.id = id, .version = version, .ctime_ns = ctime_ns});
}

void edit_times(edit *e, const node *n, emr_id16 id, uint64_t version)
{
	if (kind_top(n) != NULL)
		return;
	if (n->type == EMR_META_DIR)
		edit_directory_times(e, id,
			&(directory_times){
				version, n->listing->live_kids, n->mtime_ns, n->ctime_ns});
	else
		edit_file_time(e, id, version, n->ctime_ns);
}

void edit_forget_times(edit *e, const node *n, emr_id16 id)
{
	if (n->type != EMR_META_DIR)
		add_time(e, &(file_time){.id = id, .is_gone = true});
	else if (e->status == EMR_OK)
		e->status = emr_journal_delete(e->txn, EMR_ROW_DIRECTORY_TIMES, id);
}

void times_keep(emr_view *view, const node *n)
{
	edit e = edit_begin(view);
	emr_status status;

	edit_times(&e, n, n->id, node_version(n));
	status = edit_commit(&e, NULL);
	if (status != EMR_OK && status != EMR_READ_ONLY)
		emr_log(EMR_LOG_INFO, "times are not kept: %s", emr_status_text(status));
}
