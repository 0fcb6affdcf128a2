/* This file reads and writes the state file `follows`, which has what somebody agreed to give to
 * datasets: format 1 in fs/FORMAT.md. It refuses bytes of another format. */
#include "agreed.h"

#include <stdlib.h>
#include <string.h>

#include "base/codec.h"
#include "deidentify/deidentify.h"
#include "keyring/sealed.h"

#define PAGE_BYTES 4096
#define PATH_MAX_BYTES 4096
#define ROW_MAX_BYTES (32 + 16 + 8 + 1 + 2 + PATH_MAX_BYTES)
#define TOLD_BYTES 17
#define FILE_MAX_BYTES                                                                             \
	(2 + AGREED_MAX * (size_t)ROW_MAX_BYTES + 64 + 4 + WITHHELD_MAX * (size_t)TOLD_BYTES +     \
		PAGE_BYTES)

static const uint8_t head[EMR_SEALED_HEAD_BYTES] = {'E', 'M', 'P', 'W', 1, 0, 0, 0};

/* ---- the file ---- */

static emr_status parse_row(emr_reader *r, agreed *out)
{
	agreed_row *row = &out->rows[out->n];
	emr_bytes path;
	uint8_t flags;

	emr_read_copy(r, row->dataset.b, sizeof row->dataset.b);
	emr_read_copy(r, row->object.b, sizeof row->object.b);
	row->at_unix_s = emr_read_u64(r);
	flags = emr_read_u8(r);
	row->was_in = flags == 1;
	path = emr_read_bytes(r, emr_read_u16(r));
	if (r->bad || flags > 1 || path.len > PATH_MAX_BYTES ||
		(path.len > 0 && memchr(path.data, '\0', path.len) != NULL))
		return EMR_DAMAGED;
	row->path = strndup(path.len > 0 ? (const char *)path.data : "", path.len);
	out->n += row->path != NULL ? 1 : 0;
	return row->path != NULL ? EMR_OK : EMR_NO_MEMORY;
}

static int compare(const void *a, const void *b)
{
	return memcmp(((const told *)a)->source, ((const told *)b)->source, 16);
}

static emr_status parse_told(emr_reader *r, agreed *out)
{
	static const char table[] = EMR_DEIDENTIFY_TABLE;
	emr_bytes rules;
	bool is_of_today;
	size_t n;

	rules = emr_read_bytes(r, emr_read_u8(r));
	n = emr_read_u32(r);
	if (r->bad || n > WITHHELD_MAX || r->left < n * TOLD_BYTES)
		return EMR_DAMAGED;
	/* By other rules the same file may be given. */
	is_of_today = rules.len == strlen(table) && memcmp(rules.data, table, rules.len) == 0;
	out->told = calloc(n + 1, sizeof *out->told);
	if (out->told == NULL)
		return EMR_NO_MEMORY;
	for (size_t i = 0; i < n; i++) {
		told *one = &out->told[out->n_told];

		emr_read_copy(r, one->source, sizeof one->source);
		one->why = emr_read_u8(r);
		out->n_told += is_of_today ? 1 : 0;
	}
	qsort(out->told, out->n_told, sizeof *out->told, compare);
	return EMR_OK;
}

emr_status agreed_parse(emr_bytes plain, agreed *out)
{
	emr_reader r = emr_reader_of(plain);
	size_t n = emr_read_u16(&r);

	if (r.bad || n > AGREED_MAX)
		return EMR_DAMAGED;
	out->rows = calloc(n + 1, sizeof *out->rows);
	if (out->rows == NULL)
		return EMR_NO_MEMORY;
	for (size_t i = 0; i < n; i++)
		EMR_TRY(parse_row(&r, out));
	return parse_told(&r, out);
}

emr_status agreed_load(const emr_session *session, agreed *out)
{
	EMR_AUTO_BUF plain = {0};
	agreed a = {.n = 0};
	emr_status status = emr_sealed_load(session->keyring, session->state_fd, EMR_STATE_FOLLOWS,
		head, FILE_MAX_BYTES, &plain);

	if (status == EMR_NOT_FOUND)
		status = EMR_OK;
	else if (status == EMR_OK)
		status = agreed_parse(emr_buf_view(&plain), &a);
	if (status == EMR_OK)
		*out = a;
	else
		agreed_free(&a);
	return status;
}

emr_status agreed_save(const emr_session *session, const agreed *a)
{
	static const char table[] = EMR_DEIDENTIFY_TABLE;
	size_t n_told = a->n_told < WITHHELD_MAX ? a->n_told : WITHHELD_MAX;
	EMR_AUTO_BUF plain = {0};
	emr_writer w = emr_writer_of(&plain);

	emr_write_u16(&w, (uint16_t)a->n);
	for (size_t i = 0; i < a->n; i++) {
		const agreed_row *row = &a->rows[i];

		emr_write_bytes(&w, row->dataset.b, sizeof row->dataset.b);
		emr_write_bytes(&w, row->object.b, sizeof row->object.b);
		emr_write_u64(&w, row->at_unix_s);
		emr_write_u8(&w, row->was_in ? 1 : 0);
		emr_write_u16(&w, (uint16_t)strlen(row->path));
		emr_write_bytes(&w, row->path, strlen(row->path));
	}
	emr_write_u8(&w, (uint8_t)strlen(table));
	emr_write_bytes(&w, table, strlen(table));
	emr_write_u32(&w, (uint32_t)n_told);
	for (size_t i = 0; i < n_told; i++) {
		emr_write_bytes(&w, a->told[i].source, sizeof a->told[i].source);
		emr_write_u8(&w, a->told[i].why);
	}
	emr_write_zeros(&w, PAGE_BYTES - plain.len % PAGE_BYTES);
	return w.status == EMR_OK ? emr_sealed_save(session->keyring, session->state_fd,
					    EMR_STATE_FOLLOWS, head, emr_buf_view(&plain))
				  : w.status;
}

void agreed_free(agreed *a)
{
	for (size_t i = 0; i < a->n; i++)
		free(a->rows[i].path);
	free(a->rows);
	free(a->told);
	*a = (agreed){.n = 0};
}

/* ---- rows ---- */

agreed_row *agreed_find(const agreed *a, emr_id32 dataset, const char *path)
{
	for (size_t i = 0; i < a->n; i++)
		if (emr_id32_equal(a->rows[i].dataset, dataset) &&
			strcmp(a->rows[i].path, path) == 0)
			return &a->rows[i];
	return NULL;
}

emr_status agreed_add(agreed *a, emr_id32 dataset, emr_id16 object, const char *path, uint64_t now)
{
	agreed_row *row = agreed_find(a, dataset, path);
	agreed_row *grown;

	if (row != NULL) {
		row->object = object;
		return EMR_OK;
	}
	if (a->n == AGREED_MAX || strlen(path) > PATH_MAX_BYTES)
		return EMR_LIMIT;
	grown = realloc(a->rows, (a->n + 1) * sizeof *grown);
	if (grown == NULL)
		return EMR_NO_MEMORY;
	a->rows = grown;
	row = &a->rows[a->n];
	*row = (agreed_row){
		.dataset = dataset, .object = object, .at_unix_s = now, .path = strdup(path)};
	a->n += row->path != NULL ? 1 : 0;
	return row->path != NULL ? EMR_OK : EMR_NO_MEMORY;
}

void agreed_drop(agreed *a, agreed_row *row)
{
	size_t at = (size_t)(row - a->rows);

	free(row->path);
	memmove(row, row + 1, (a->n - at - 1) * sizeof *row);
	a->n--;
}

bool agreed_drop_all(agreed *a, emr_id32 dataset)
{
	size_t before = a->n;

	for (size_t i = a->n; i > 0; i--)
		if (emr_id32_equal(a->rows[i - 1].dataset, dataset))
			agreed_drop(a, &a->rows[i - 1]);
	return a->n < before;
}

/* ---- what is withheld ---- */

told *agreed_told(const agreed *a, const uint8_t source[32])
{
	told key;

	memcpy(key.source, source, sizeof key.source);
	return a->n_told > 0 ? bsearch(&key, a->told, a->n_told, sizeof key, compare) : NULL;
}

emr_status agreed_tell(agreed *a, const uint8_t source[32], uint8_t why)
{
	told *one = agreed_told(a, source), *grown;
	size_t at = 0;

	if (one != NULL) {
		one->why = why;
		one->was_retried = true;
		return EMR_OK;
	}
	if (a->n_told == WITHHELD_KNOWN_MAX)
		return EMR_LIMIT;
	grown = realloc(a->told, (a->n_told + 2) * sizeof *grown);
	if (grown == NULL)
		return EMR_NO_MEMORY;
	a->told = grown;
	for (size_t high = a->n_told; at < high;) {
		size_t mid = at + (high - at) / 2;

		if (memcmp(a->told[mid].source, source, 16) < 0)
			at = mid + 1;
		else
			high = mid;
	}
	memmove(&a->told[at + 1], &a->told[at], (a->n_told - at) * sizeof *a->told);
	a->told[at] = (told){.why = why, .was_retried = true};
	memcpy(a->told[at].source, source, 16);
	a->n_told++;
	return EMR_OK;
}
