/* A file that is written again and again makes its temporary file grow. This file writes a new,
 * short one with the present state and puts it in the old one's place; a crash leaves one of the
 * two, whole. */
#include "spill_write.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

/* Copies one extent into the new file.  Positions are noted, not yet taken. */
static emr_status copy_extent(
	emr_staging *st, spill_file *fresh, const bucket *b, const extent *e, emr_buf *pieces)
{
	record_scratch *scratch = record_scratch_take(st->ctx);
	extent made[SPILL_PIECES_MAX];
	uint32_t count;
	emr_status status;

	if (scratch == NULL)
		return EMR_NO_MEMORY;
	status = staging_read_leaf(st, b->leaf, e->from, e->len, scratch->plain);
	if (status == EMR_OK)
		status = spill_write_bytes(fresh, b, e->from, scratch->plain, e->len, made, &count);
	record_scratch_give(st->ctx, scratch);
	if (status == EMR_OK)
		status = emr_buf_append(pieces, &count, sizeof count);
	if (status == EMR_OK)
		status = emr_buf_append(pieces, made, count * sizeof *made);
	return status;
}

/* The whole state but its mark, in the same order as take_positions. */
static emr_status copy_all(emr_staging *st, spill_file *fresh, emr_buf *pieces)
{
	spill_leaf_list list = {0};
	emr_status status = spill_write_base(st, fresh);

	for (uint64_t leaf = staging_next_used(st, 0); leaf != STAGING_NO_LEAF && status == EMR_OK;
		leaf = staging_next_used(st, leaf + 1)) {
		const bucket *b = staging_bucket(st, leaf);

		if (b->under != NULL)
			status = spill_list_leaf(st, fresh, &list, b);
	}
	if (status == EMR_OK)
		status = spill_write_leaves(st, fresh, &list);
	emr_buf_free(&list.leaves);
	for (uint64_t leaf = staging_next_used(st, 0); leaf != STAGING_NO_LEAF && status == EMR_OK;
		leaf = staging_next_used(st, leaf + 1)) {
		const bucket *b = staging_bucket(st, leaf);

		for (uint32_t i = 0; i < b->count && status == EMR_OK; i++)
			status = copy_extent(st, fresh, b, &b->extents[i], pieces);
	}
	return status;
}

/* Room for what take_positions inserts, so that it cannot fail half way. */
static emr_status reserve_positions(emr_staging *st)
{
	for (uint64_t leaf = staging_next_used(st, 0); leaf != STAGING_NO_LEAF;
		leaf = staging_next_used(st, leaf + 1)) {
		bucket *b = staging_bucket(st, leaf);

		if (b->count > 0 && bucket_reserve(b, b->count * (SPILL_PIECES_MAX - 1)) != EMR_OK)
			return EMR_NO_MEMORY;
	}
	return EMR_OK;
}

static void take_positions(emr_staging *st, const emr_buf *pieces)
{
	const uint8_t *at = pieces->data;

	for (uint64_t leaf = staging_next_used(st, 0); leaf != STAGING_NO_LEAF;
		leaf = staging_next_used(st, leaf + 1)) {
		bucket *b = staging_bucket(st, leaf);

		for (uint32_t i = 0; i < b->count;) {
			extent made[SPILL_PIECES_MAX];
			uint32_t count;

			memcpy(&count, at, sizeof count);
			memcpy(made, at + sizeof count, count * sizeof *made);
			at += sizeof count + count * sizeof *made;
			bucket_replace(st, b, i, made, count);
			i += count;
		}
		b->under_unlogged = false;
		bucket_unlist_if_clean(st, b);
	}
}

static emr_status publish_file(emr_staging *st, spill_file *fresh)
{
	int dirfd = st->ctx->options.spill_dirfd;
	char from[SPILL_NAME_MAX], to[SPILL_NAME_MAX];

	spill_name(st->id, true, from);
	spill_name(st->id, false, to);
	if (fdatasync(fresh->fd) != 0 || renameat(dirfd, from, dirfd, to) != 0)
		return emr_status_from_errno(errno);
	fresh->dir_unsynced = fsync(dirfd) != 0; /* then sync tries again */
	return EMR_OK;
}

emr_status spill_rewrite(emr_staging *st, int64_t mtime_ns)
{
	EMR_AUTO_BUF pieces = {0};
	spill_file fresh = {.fd = -1};
	uint64_t refs = st->refs_logged;
	char name[SPILL_NAME_MAX];
	emr_status status;

	EMR_TRY(reserve_positions(st));
	EMR_TRY(spill_create(st->ctx, st->id, true, &fresh));
	status = copy_all(st, &fresh, &pieces);
	if (status == EMR_OK)
		status = spill_write_mark(st, &fresh, mtime_ns);
	/* The old file goes: what the new one refers to must be on the disk first. */
	if (status == EMR_OK && st->refs_logged != refs)
		status = emr_block_store_sync(st->ctx->options.store);
	if (status == EMR_OK)
		status = publish_file(st, &fresh);
	if (status != EMR_OK) {
		spill_name(st->id, true, name);
		unlinkat(st->ctx->options.spill_dirfd, name, 0);
		spill_close(&fresh);
		return status;
	}
	take_positions(st, &pieces);
	spill_close(&st->spill);
	st->spill = fresh;
	st->refs_flushed = st->refs_logged;
	st->base_unlogged = false;
	st->cut_unlogged = UINT64_MAX;
	return EMR_OK;
}
