/* This is the map in memory of blocks that are written and not in the index yet, by hash. */
#include "pending.h"

#include <stdlib.h>

/* SHA-256 bytes are as good as any hash of them. */
static size_t slot_of(const emr_pending *map, const uint8_t *digest)
{
	uint64_t h;

	memcpy(&h, digest, sizeof h);
	return (size_t)h & (map->capacity - 1);
}

static emr_pending_row *probe(const emr_pending *map, const uint8_t *digest)
{
	size_t i = slot_of(map, digest);

	while (map->slots[i].at.segment != 0 &&
		memcmp(map->slots[i].digest, digest, EMR_DIGEST_PREFIX) != 0)
		i = (i + 1) & (map->capacity - 1);
	return &map->slots[i];
}

static emr_status rehash(emr_pending *map, size_t capacity)
{
	emr_pending bigger = {.capacity = capacity};

	bigger.slots = calloc(capacity, sizeof *bigger.slots);
	if (bigger.slots == NULL)
		return EMR_NO_MEMORY;
	for (size_t i = 0; i < map->capacity; i++)
		if (map->slots[i].at.segment != 0)
			emr_pending_put(&bigger, map->slots[i].digest, map->slots[i].at);
	free(map->slots);
	*map = bigger;
	return EMR_OK;
}

emr_status emr_pending_reserve(emr_pending *map, size_t extra)
{
	size_t capacity = map->capacity == 0 ? 64 : map->capacity;

	while ((map->count + extra) * 3 > capacity * 2)
		capacity *= 2;
	return capacity == map->capacity ? EMR_OK : rehash(map, capacity);
}

void emr_pending_put(emr_pending *map, const uint8_t *digest, emr_store_position at)
{
	emr_pending_row *row = probe(map, digest);

	if (row->at.segment == 0) {
		memcpy(row->digest, digest, EMR_DIGEST_PREFIX);
		map->count++;
	}
	row->at = at;
}

const emr_store_position *emr_pending_find(const emr_pending *map, const uint8_t *digest)
{
	const emr_pending_row *row;

	if (map->count == 0)
		return NULL;
	row = probe(map, digest);
	return row->at.segment == 0 ? NULL : &row->at;
}

static int compare_rows(const void *x, const void *y)
{
	return memcmp(((const emr_pending_row *)x)->digest, ((const emr_pending_row *)y)->digest,
		EMR_DIGEST_PREFIX);
}

emr_pending_row *emr_pending_sorted(const emr_pending *map)
{
	emr_pending_row *rows = malloc((map->count + 1) * sizeof *rows);
	size_t n = 0;

	if (rows == NULL)
		return NULL;
	for (size_t i = 0; i < map->capacity; i++)
		if (map->slots[i].at.segment != 0)
			rows[n++] = map->slots[i];
	qsort(rows, n, sizeof *rows, compare_rows);
	return rows;
}

void emr_pending_free(emr_pending *map)
{
	free(map->slots);
	*map = (emr_pending){0};
}
