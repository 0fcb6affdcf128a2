/* This file holds what a working copy has that is new: for each piece of 256 KiB the byte ranges
 * that were written, in memory or in the temporary file on the disk. Later bytes replace earlier
 * ones, and the memory is counted so that it stays within its limit. */
#include "staging_impl.h"

#include <stdlib.h>

#include "spill_log.h"

/* ---- The table of buckets ---- */

bucket *staging_bucket(const emr_staging *st, uint64_t leaf)
{
	size_t page = (size_t)(leaf / PAGE_LEAVES);

	if (page >= st->page_count || st->pages[page] == NULL)
		return NULL;
	return &st->pages[page]->buckets[leaf % PAGE_LEAVES];
}

uint64_t staging_next_used(const emr_staging *st, uint64_t leaf)
{
	for (; leaf < (uint64_t)st->page_count * PAGE_LEAVES; leaf++) {
		const bucket *b = staging_bucket(st, leaf);

		if (b == NULL)
			leaf |= PAGE_LEAVES - 1; /* the page is empty */
		else if (b->used)
			return leaf;
	}
	return STAGING_NO_LEAF;
}

static emr_status grow_pages(emr_staging *st, size_t wanted)
{
	size_t count = st->page_count * 2 > wanted ? st->page_count * 2 : wanted;
	bucket_page **pages = realloc(st->pages, count * sizeof *pages);

	if (pages == NULL)
		return EMR_NO_MEMORY;
	memset(pages + st->page_count, 0, (count - st->page_count) * sizeof *pages);
	st->pages = pages;
	st->page_count = count;
	return EMR_OK;
}

emr_status staging_bucket_make(emr_staging *st, uint64_t leaf, bucket **out)
{
	size_t page = (size_t)(leaf / PAGE_LEAVES);
	bucket_page *made;

	if (page >= st->page_count && grow_pages(st, page + 1) != EMR_OK)
		return EMR_NO_MEMORY;
	if (st->pages[page] == NULL) {
		made = calloc(1, sizeof *made);
		if (made == NULL)
			return EMR_NO_MEMORY;
		for (size_t i = 0; i < PAGE_LEAVES; i++)
			made->buckets[i].leaf = (uint64_t)page * PAGE_LEAVES + i;
		st->pages[page] = made;
	}
	*out = &st->pages[page]->buckets[leaf % PAGE_LEAVES];
	return EMR_OK;
}

/* ---- The list of buckets that the spill does not have whole, oldest first ---- */

void bucket_list(emr_staging *st, bucket *b)
{
	if (b->listed)
		return;
	b->listed = true;
	b->older = st->newest;
	b->newer = NULL;
	if (st->newest != NULL)
		st->newest->newer = b;
	else
		st->oldest = b;
	st->newest = b;
}

static void unlist(emr_staging *st, bucket *b)
{
	if (!b->listed)
		return;
	b->listed = false;
	if (b->older != NULL)
		b->older->newer = b->newer;
	else
		st->oldest = b->newer;
	if (b->newer != NULL)
		b->newer->older = b->older;
	else
		st->newest = b->older;
	b->older = b->newer = NULL;
}

static bool bucket_has_memory(const bucket *b)
{
	for (uint32_t i = 0; i < b->count; i++) {
		if (b->extents[i].bytes != NULL)
			return true;
	}
	return false;
}

void bucket_unlist_if_clean(emr_staging *st, bucket *b)
{
	if (!b->under_unlogged && !bucket_has_memory(b))
		unlist(st, b);
}

/* ---- Accounts ---- */

static void account_memory(emr_staging *st, int64_t change)
{
	atomic_fetch_add(&st->memory, (uint64_t)change);
	atomic_fetch_add(&st->ctx->memory, (uint64_t)change);
}

static uint64_t file_room(const extent *e)
{
	return e->bytes == NULL ? spill_record_room(e->len) : 0;
}

static void account_spilled(emr_staging *st, bucket *b, uint64_t was, uint64_t is)
{
	b->spilled_bytes += is - was;
	st->spilled_bytes += is - was;
}

static void set_used(emr_staging *st, bucket *b, bool used)
{
	if (b->used == used)
		return;
	b->used = used;
	atomic_fetch_add(&st->used_leaves, used ? 1 : (uint64_t)-1);
}

/* ---- Extents ---- */

emr_status bucket_reserve(bucket *b, uint32_t extra)
{
	uint32_t cap = b->cap;
	extent *extents;

	if (b->count + extra <= cap)
		return EMR_OK;
	while (cap < b->count + extra)
		cap = cap == 0 ? 2 : cap * 2;
	extents = realloc(b->extents, cap * sizeof *extents);
	if (extents == NULL)
		return EMR_NO_MEMORY;
	b->extents = extents;
	b->cap = cap;
	return EMR_OK;
}

static void release_extent(emr_staging *st, bucket *b, extent *e)
{
	account_spilled(st, b, file_room(e), 0);
	if (e->bytes == NULL)
		return;
	account_memory(st, -(int64_t)e->cap);
	free(e->bytes);
	e->bytes = NULL;
}

static void remove_extents(emr_staging *st, bucket *b, uint32_t first, uint32_t end)
{
	if (first == end)
		return;
	for (uint32_t i = first; i < end; i++)
		release_extent(st, b, &b->extents[i]);
	memmove(b->extents + first, b->extents + end, (b->count - end) * sizeof *b->extents);
	b->count -= end - first;
}

/* The first extent that ends after FROM. */
static uint32_t find_extent(const bucket *b, uint32_t from)
{
	uint32_t low = 0, high = b->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (b->extents[middle].from + b->extents[middle].len > from)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

static void cut_head(emr_staging *st, bucket *b, extent *e, uint32_t from)
{
	uint32_t gone = from - e->from;
	uint64_t was = file_room(e);

	if (e->bytes != NULL)
		memmove(e->bytes, e->bytes + gone, e->len - gone);
	else
		e->skip += gone;
	e->from = from;
	e->len -= gone;
	account_spilled(st, b, was, file_room(e));
}

static void cut_tail(emr_staging *st, bucket *b, extent *e, uint32_t end)
{
	uint64_t was = file_room(e);

	e->len = end - e->from;
	account_spilled(st, b, was, file_room(e));
}

/* Makes [from, end) free of extents; returns the index at which one may be inserted.  Only a
 * spilled extent can reach over both sides (memory is written in place then), so one spare slot is
 * all it takes. */
static uint32_t clear_range(emr_staging *st, bucket *b, uint32_t from, uint32_t end)
{
	uint32_t i = find_extent(b, from);
	uint32_t last;

	if (i < b->count && b->extents[i].from < from) {
		extent *e = &b->extents[i];

		if (e->from + e->len > end) {
			memmove(e + 2, e + 1, (b->count - i - 1) * sizeof *e);
			e[1] = e[0];
			b->count++;
			account_spilled(st, b, 0, file_room(&e[1]));
			cut_head(st, b, &e[1], end);
		}
		cut_tail(st, b, e, from);
		i++;
	}
	for (last = i; last < b->count && b->extents[last].from + b->extents[last].len <= end;
		last++)
		;
	remove_extents(st, b, i, last);
	if (i < b->count && b->extents[i].from < end)
		cut_head(st, b, &b->extents[i], end);
	return i;
}

static uint32_t round_capacity(uint32_t wanted, uint32_t now)
{
	uint32_t cap = now * 2 > wanted ? now * 2 : wanted;

	cap = (cap + 255) & ~(uint32_t)255;
	return cap > EMR_LEAF_BYTES ? (uint32_t)EMR_LEAF_BYTES : cap;
}

static emr_status grow_extent(emr_staging *st, extent *e, uint32_t wanted)
{
	uint32_t cap = round_capacity(wanted, e->cap);
	uint8_t *bytes;

	if (wanted <= e->cap)
		return EMR_OK;
	bytes = realloc(e->bytes, cap);
	if (bytes == NULL)
		return EMR_NO_MEMORY;
	account_memory(st, (int64_t)cap - (int64_t)e->cap);
	e->bytes = bytes;
	e->cap = cap;
	return EMR_OK;
}

/* Joins extent I and the next one when both are in memory and touch.  Failing to is no loss. */
static void join_next(emr_staging *st, bucket *b, uint32_t i)
{
	extent *e = &b->extents[i];
	extent *next = e + 1;

	if (i + 1 >= b->count || next->bytes == NULL || e->bytes == NULL ||
		e->from + e->len != next->from)
		return;
	if (grow_extent(st, e, e->len + next->len) != EMR_OK)
		return;
	memcpy(e->bytes + e->len, next->bytes, next->len);
	e->len += next->len;
	remove_extents(st, b, i + 1, i + 2);
}

static emr_status insert_memory(
	emr_staging *st, bucket *b, uint32_t from, const uint8_t *data, uint32_t len)
{
	extent made = {.from = from};
	uint32_t i;

	if (grow_extent(st, &made, len) != EMR_OK)
		return EMR_NO_MEMORY;
	memcpy(made.bytes, data, len);
	made.len = len;
	i = clear_range(st, b, from, from + len);
	memmove(b->extents + i + 1, b->extents + i, (b->count - i) * sizeof made);
	b->extents[i] = made;
	b->count++;
	join_next(st, b, i);
	return EMR_OK;
}

/* The extent in memory that holds or touches FROM. */
static uint32_t find_memory_at(const bucket *b, uint32_t from)
{
	uint32_t i = find_extent(b, from);

	if (i < b->count && b->extents[i].bytes != NULL && b->extents[i].from <= from)
		return i;
	if (i > 0 && b->extents[i - 1].bytes != NULL &&
		b->extents[i - 1].from + b->extents[i - 1].len == from)
		return i - 1;
	return b->count;
}

emr_status bucket_write(
	emr_staging *st, bucket *b, uint32_t from, const uint8_t *data, uint32_t len)
{
	uint32_t end = from + len;
	uint32_t i;
	extent *e;

	if (bucket_reserve(b, 2) != EMR_OK)
		return EMR_NO_MEMORY;
	set_used(st, b, true);
	i = find_memory_at(b, from);
	if (i == b->count)
		return insert_memory(st, b, from, data, len);
	e = &b->extents[i];
	if (grow_extent(st, e, end - e->from) != EMR_OK)
		return EMR_NO_MEMORY;
	if (end > e->from + e->len) {
		clear_range(st, b, e->from + e->len, end);
		e->len = end - e->from;
	}
	memcpy(e->bytes + (from - e->from), data, len);
	join_next(st, b, i);
	return EMR_OK;
}

emr_status bucket_put_spilled(emr_staging *st, bucket *b, const extent *spilled)
{
	uint32_t i;

	if (bucket_reserve(b, 2) != EMR_OK)
		return EMR_NO_MEMORY;
	set_used(st, b, true);
	i = clear_range(st, b, spilled->from, spilled->from + spilled->len);
	memmove(b->extents + i + 1, b->extents + i, (b->count - i) * sizeof *spilled);
	b->extents[i] = *spilled;
	b->count++;
	account_spilled(st, b, 0, file_room(spilled));
	return EMR_OK;
}

void bucket_replace(emr_staging *st, bucket *b, uint32_t i, const extent *pieces, uint32_t count)
{
	release_extent(st, b, &b->extents[i]);
	memmove(b->extents + i + count, b->extents + i + 1, (b->count - i - 1) * sizeof *pieces);
	memcpy(b->extents + i, pieces, count * sizeof *pieces);
	b->count += count - 1;
	for (uint32_t k = 0; k < count; k++)
		account_spilled(st, b, 0, file_room(&pieces[k]));
}

static void leave_under(emr_staging *st, bucket *b)
{
	if (b->under == NULL)
		return;
	if (!b->under_unlogged) {
		emr_cid cid = emr_cid_of_digest(EMR_CODEC_RAW, b->under_digest);

		staging_retire(st, &cid);
		st->retired_kept += b->under->is_content;
	} else if (!b->under->is_content) {
		atomic_fetch_add(&st->ctx->left, EMR_LEAF_SEALED_BYTES);
	}
	st->lies_on--;
	b->under->leaves--;
	b->under = NULL;
	b->under_len = 0;
	b->under_unlogged = false;
}

void bucket_cut(emr_staging *st, bucket *b, uint32_t from)
{
	uint32_t i = find_extent(b, from);

	if (i < b->count && b->extents[i].from < from) {
		cut_tail(st, b, &b->extents[i], from);
		i++;
	}
	remove_extents(st, b, i, b->count);
	if (b->under_len > from)
		b->under_len = from;
	if (b->count == 0 && b->under == NULL)
		set_used(st, b, false);
	bucket_unlist_if_clean(st, b);
}

void bucket_clear(emr_staging *st, bucket *b)
{
	remove_extents(st, b, 0, b->count);
	free(b->extents);
	b->extents = NULL;
	b->cap = 0;
	leave_under(st, b);
	set_used(st, b, false);
	unlist(st, b);
}

void bucket_settle(
	emr_staging *st, bucket *b, key_life *life, const record_sealed_leaf *leaf, uint32_t len)
{
	bucket_clear(st, b);
	set_used(st, b, true);
	b->under = life;
	st->lies_on++;
	life->leaves++;
	b->under_len = len;
	memcpy(b->under_digest, leaf->digest, 32);
	memcpy(b->under_segment, leaf->segment, 32);
	b->under_is_zeros = leaf->is_zeros;
}

bool bucket_is_covered(const bucket *b, uint32_t len)
{
	uint32_t at = 0;

	for (uint32_t i = 0; i < b->count && b->extents[i].from <= at; i++)
		at = b->extents[i].from + b->extents[i].len;
	return at >= len;
}
