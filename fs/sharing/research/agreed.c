/* This file reads and writes the state file `agreed`, which has what somebody agreed to give to
 * datasets: format 1 in fs/FORMAT.md. It refuses bytes of another format. */
#include "agreed.h"

#include <stdlib.h>
#include <string.h>

#include "base/codec.h"
#include "keyring/sealed.h"

#define PAGE_BYTES 4096
#define PATH_MAX_BYTES 4096
#define ROW_MAX_BYTES (32 + 16 + 2 + PATH_MAX_BYTES)
#define FILE_MAX_BYTES (2 + AGREED_MAX * (size_t)ROW_MAX_BYTES + PAGE_BYTES)

static const uint8_t head[EMR_SEALED_HEAD_BYTES] = {'E', 'M', 'P', 'W', 1, 0, 0, 0};

/* ---- the file ---- */

static emr_status parse_row(emr_reader *r, agreed *out)
{
	agreed_row *row = &out->rows[out->n];
	emr_bytes path;

	emr_read_copy(r, row->dataset.b, sizeof row->dataset.b);
	emr_read_copy(r, row->object.b, sizeof row->object.b);
	path = emr_read_bytes(r, emr_read_u16(r));
	if (r->bad || path.len > PATH_MAX_BYTES ||
		(path.len > 0 && memchr(path.data, '\0', path.len) != NULL))
		return EMR_DAMAGED;
	row->path = strndup(path.len > 0 ? (const char *)path.data : "", path.len);
	out->n += row->path != NULL ? 1 : 0;
	return row->path != NULL ? EMR_OK : EMR_NO_MEMORY;
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
	return EMR_OK;
}

emr_status agreed_load(const emr_session *session, agreed *out)
{
	EMR_AUTO_BUF plain = {0};
	agreed a = {.n = 0};
	emr_status status = emr_sealed_load(session->keyring, session->state_fd, EMR_STATE_AGREED,
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
	EMR_AUTO_BUF plain = {0};
	emr_writer w = emr_writer_of(&plain);

	emr_write_u16(&w, (uint16_t)a->n);
	for (size_t i = 0; i < a->n; i++) {
		const agreed_row *row = &a->rows[i];

		emr_write_bytes(&w, row->dataset.b, sizeof row->dataset.b);
		emr_write_bytes(&w, row->object.b, sizeof row->object.b);
		emr_write_u16(&w, (uint16_t)strlen(row->path));
		emr_write_bytes(&w, row->path, strlen(row->path));
	}
	emr_write_zeros(&w, PAGE_BYTES - plain.len % PAGE_BYTES);
	return w.status == EMR_OK ? emr_sealed_save(session->keyring, session->state_fd,
					    EMR_STATE_AGREED, head, emr_buf_view(&plain))
				  : w.status;
}

void agreed_free(agreed *a)
{
	for (size_t i = 0; i < a->n; i++)
		free(a->rows[i].path);
	free(a->rows);
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

emr_status agreed_add(agreed *a, emr_id32 dataset, emr_id16 object, const char *path)
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
	*row = (agreed_row){.dataset = dataset, .object = object, .path = strdup(path)};
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
