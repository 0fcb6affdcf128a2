/* This file holds the present rows of the journal in memory and finds them by kind and id. It
 * writes nothing itself. */
#include "journal_private.h"

#include <stdlib.h>

#define ROW_HEAD 17 /* kind and key count as memory of a row */

static size_t bucket_of(const emr_rows *rows, uint8_t kind, emr_id16 key)
{
	uint64_t h = 0xcbf29ce484222325u ^ kind;

	for (size_t i = 0; i < sizeof key.b; i++)
		h = (h ^ key.b[i]) * 0x100000001b3u;
	return (size_t)(h ^ h >> 32) & (rows->bucket_count - 1);
}

emr_row *emr_row_new(uint8_t kind, emr_id16 key, emr_bytes value)
{
	emr_row *row = malloc(sizeof *row + value.len);

	if (row == NULL)
		return NULL;
	row->next = NULL;
	row->kind = kind;
	row->key = key;
	row->len = (uint32_t)value.len;
	if (value.len > 0)
		memcpy(row->value, value.data, value.len);
	return row;
}

emr_status emr_rows_reserve(emr_rows *rows, size_t extra)
{
	emr_rows bigger = {.bucket_count = rows->bucket_count == 0 ? 64 : rows->bucket_count};

	while (rows->count + extra > bigger.bucket_count)
		bigger.bucket_count *= 2;
	if (bigger.bucket_count == rows->bucket_count)
		return EMR_OK;
	bigger.buckets = calloc(bigger.bucket_count, sizeof(emr_row *));
	if (bigger.buckets == NULL)
		return EMR_NO_MEMORY;
	for (size_t i = 0; i < rows->bucket_count; i++) {
		emr_row *row = rows->buckets[i];

		while (row != NULL) {
			emr_row *next = row->next;
			size_t bucket = bucket_of(&bigger, row->kind, row->key);

			row->next = bigger.buckets[bucket];
			bigger.buckets[bucket] = row;
			row = next;
		}
	}
	free(rows->buckets);
	rows->buckets = bigger.buckets;
	rows->bucket_count = bigger.bucket_count;
	return EMR_OK;
}

static emr_row **find_link(const emr_rows *rows, uint8_t kind, emr_id16 key)
{
	emr_row **link;

	if (rows->bucket_count == 0)
		return NULL;
	link = &rows->buckets[bucket_of(rows, kind, key)];
	while (*link != NULL && ((*link)->kind != kind || !emr_id16_equal((*link)->key, key)))
		link = &(*link)->next;
	return *link == NULL ? NULL : link;
}

void emr_rows_delete(emr_rows *rows, uint8_t kind, emr_id16 key)
{
	emr_row **link = find_link(rows, kind, key);
	emr_row *row;

	if (link == NULL)
		return;
	row = *link;
	*link = row->next;
	rows->count--;
	rows->bytes -= ROW_HEAD + row->len;
	free(row);
}

void emr_rows_put(emr_rows *rows, emr_row *row)
{
	emr_row **bucket;

	emr_rows_delete(rows, row->kind, row->key);
	bucket = &rows->buckets[bucket_of(rows, row->kind, row->key)];
	row->next = *bucket;
	*bucket = row;
	rows->count++;
	rows->bytes += ROW_HEAD + row->len;
}

const emr_row *emr_rows_find(const emr_rows *rows, uint8_t kind, emr_id16 key)
{
	emr_row **link = find_link(rows, kind, key);

	return link == NULL ? NULL : *link;
}

void emr_rows_free(emr_rows *rows)
{
	for (size_t i = 0; i < rows->bucket_count; i++) {
		emr_row *row = rows->buckets[i];

		while (row != NULL) {
			emr_row *next = row->next;

			free(row);
			row = next;
		}
	}
	free(rows->buckets);
	*rows = (emr_rows){0};
}
