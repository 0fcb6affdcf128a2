/* This file is the working copy of a file that a program writes: made, ended, written and cut; its
 * bytes are not a saved version yet. When memory is full and the disk takes nothing, a
 * write is refused, so that the process is not killed. */
#include "staging_impl.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "reader.h"
#include "spill_log.h"

/* ---- Making and ending ---- */

emr_status staging_alloc(emr_record_ctx *ctx, emr_id16 id, emr_staging **out)
{
	emr_staging *st = calloc(1, sizeof *st);

	if (st == NULL)
		return EMR_NO_MEMORY;
	st->ctx = ctx;
	st->id = id;
	st->spill.fd = -1;
	st->cut_unlogged = UINT64_MAX;
	gate_init(&st->gate);
	pthread_mutex_lock(&ctx->stagings_lock);
	st->next = ctx->stagings;
	if (st->next != NULL)
		st->next->previous = st;
	ctx->stagings = st;
	pthread_mutex_unlock(&ctx->stagings_lock);
	*out = st;
	return EMR_OK;
}

emr_status emr_staging_new(emr_record_ctx *ctx, emr_id16 id, emr_content_reader *base,
	uint64_t base_size, emr_staging **out_staging)
{
	emr_staging *st;

	EMR_TRY(staging_alloc(ctx, id, &st));
	if (base != NULL) {
		uint64_t n = emr_content_reader_content(base)->n;

		st->base = emr_content_reader_share(base);
		st->base_limit = base_size < n ? base_size : n;
		st->size = st->base_limit;
		staging_note_base(st);
	}
	st->base_unlogged = true;
	st->seal_early = true;
	*out_staging = st;
	return EMR_OK;
}

emr_content_reader *emr_staging_base(emr_staging *st)
{
	emr_content_reader *base;

	gate_read(&st->gate);
	base = emr_content_reader_share(st->base);
	gate_read_end(&st->gate);
	return base;
}

void staging_clear(emr_staging *st)
{
	for (size_t page = 0; page < st->page_count; page++) {
		for (size_t i = 0; st->pages[page] != NULL && i < PAGE_LEAVES; i++)
			bucket_clear(st, &st->pages[page]->buckets[i]);
		free(st->pages[page]);
	}
	free(st->pages);
	st->pages = NULL;
	st->page_count = 0;
}

/* Out of the list, and nobody from record_balance is inside any more. */
static void leave_ctx(emr_staging *st)
{
	emr_record_ctx *ctx = st->ctx;
	EMR_LOCKED(&ctx->stagings_lock);

	while (st->visitors > 0)
		pthread_cond_wait(&ctx->visitor_left, &ctx->stagings_lock);
	if (st->previous != NULL)
		st->previous->next = st->next;
	else
		ctx->stagings = st->next;
	if (st->next != NULL)
		st->next->previous = st->previous;
}

void emr_staging_free(emr_staging *st)
{
	if (st == NULL)
		return;
	leave_ctx(st);
	gate_write(&st->gate);
	staging_wait_jobs(st);
	staging_clear(st);
	if (st->retired.len > 0)
		staging_forget_retired(st, st->retired.len / sizeof(emr_cid));
	staging_end_life(st);
	life_drop_unused(st);
	gate_write_end(&st->gate);
	spill_close(&st->spill);
	emr_content_reader_free(st->base);
	emr_buf_free(&st->retired);
	gate_destroy(&st->gate);
	free(st);
}

void emr_staging_discard(emr_staging *st)
{
	emr_record_ctx *ctx;
	emr_id16 id;
	bool had_file;

	if (st == NULL)
		return;
	ctx = st->ctx;
	id = st->id;
	had_file = st->spill.fd >= 0;
	emr_staging_free(st);
	if (had_file && emr_staging_remove(ctx, id) != EMR_OK)
		emr_log(EMR_LOG_WARN, "a spill could not be removed");
}

/* ---- Facts ---- */

uint64_t emr_staging_size(emr_staging *st)
{
	uint64_t size;

	gate_read(&st->gate);
	size = st->size;
	gate_read_end(&st->gate);
	return size;
}

int64_t emr_staging_mtime_ns(emr_staging *st)
{
	int64_t mtime_ns;

	gate_read(&st->gate);
	mtime_ns = st->mtime_ns;
	gate_read_end(&st->gate);
	return mtime_ns;
}

uint64_t emr_staging_dirty_seq(emr_staging *st)
{
	return atomic_load(&st->dirty_seq);
}

bool emr_staging_is_simple(emr_staging *st)
{
	bool simple;

	gate_read(&st->gate);
	simple = st->base == NULL && st->spill.fd < 0 &&
		 (st->lives == NULL || (st->life != NULL && !st->life->ended));
	gate_read_end(&st->gate);
	return simple;
}

/* ---- Blocks that nothing else may name ---- */

/* Of one working copy, gate held. */
static emr_status list_blocks(emr_staging *st, emr_buf *cids)
{
	EMR_TRY(emr_buf_append(cids, st->retired.data, st->retired.len));
	if (st->base_is_own)
		EMR_TRY(emr_buf_append(
			cids, &emr_content_reader_content(st->base)->c, sizeof(emr_cid)));
	for (uint64_t leaf = staging_next_used(st, 0); leaf != STAGING_NO_LEAF;
		leaf = staging_next_used(st, leaf + 1)) {
		const bucket *b = staging_bucket(st, leaf);

		if (b->under != NULL) {
			emr_cid cid = emr_cid_of_digest(EMR_CODEC_RAW, b->under_digest);

			EMR_TRY(emr_buf_append(cids, &cid, sizeof cid));
		}
	}
	return EMR_OK;
}

/* Blocks that are being sealed, and bundles. */
static emr_status list_fresh(emr_record_ctx *ctx, emr_buf *cids)
{
	EMR_LOCKED(&ctx->fresh_lock);

	EMR_TRY(emr_buf_append(cids, ctx->bundles.cids.data, ctx->bundles.cids.len));
	for (const record_fresh *f = ctx->fresh; f != NULL; f = f->next)
		EMR_TRY(emr_buf_append(cids, f->cids.data, f->cids.len));
	return EMR_OK;
}

static emr_status list_stagings(emr_record_ctx *ctx, emr_buf *cids)
{
	emr_status status = EMR_OK;
	emr_staging *st;

	pthread_mutex_lock(&ctx->stagings_lock);
	for (st = ctx->stagings; st != NULL && status == EMR_OK; st = st->next) {
		st->visitors++;
		pthread_mutex_unlock(&ctx->stagings_lock);
		gate_read(&st->gate);
		status = list_blocks(st, cids);
		gate_read_end(&st->gate);
		pthread_mutex_lock(&ctx->stagings_lock);
		st->visitors--;
		pthread_cond_broadcast(&ctx->visitor_left);
	}
	pthread_mutex_unlock(&ctx->stagings_lock);
	return status;
}

/* In this order: what was sealed meanwhile has become a working copy's. */
emr_status emr_record_each_block(emr_record_ctx *ctx, emr_record_block_visit visit, void *context)
{
	EMR_AUTO_BUF cids = {0};
	emr_status status = list_fresh(ctx, &cids);
	size_t fresh = cids.len / sizeof(emr_cid);
	const emr_cid *all;

	if (status == EMR_OK)
		status = list_stagings(ctx, &cids);
	all = (const void *)cids.data;
	for (size_t i = 0; i < cids.len / sizeof *all && status == EMR_OK; i++)
		if (i >= fresh || emr_cid_codec(&all[i]) == EMR_CODEC_RAW ||
			emr_block_store_has(ctx->options.store, &all[i])) /* else not put yet */
			status = visit(context, &all[i]);
	return status;
}

/* ---- Writing ---- */

/* The bucket may be changed now; a write below the sealed end ends the key. */
static void make_writable(emr_staging *st, uint64_t leaf)
{
	bucket *b = staging_bucket(st, leaf);

	while (b != NULL && b->sealing) {
		gate_wait(&st->gate);
		b = staging_bucket(st, leaf);
	}
	if (leaf < st->seal_next)
		staging_end_life(st);
}

/* A leaf in very many pieces becomes one piece; it stays as it is when what lies below cannot be
 * read now. */
#define EXTENTS_BEFORE_JOINING 256
static void join_pieces(emr_staging *st, bucket *b)
{
	record_scratch *scratch;

	if (b->count < EXTENTS_BEFORE_JOINING || b->count % EXTENTS_BEFORE_JOINING != 0)
		return;
	scratch = record_scratch_take(st->ctx);
	if (scratch != NULL) {
		uint64_t start = b->leaf << EMR_LEAF_LOG2;
		uint32_t len = st->size - start < EMR_LEAF_BYTES ? (uint32_t)(st->size - start)
								 : EMR_LEAF_BYTES;

		if (staging_read_leaf(st, b->leaf, 0, len, scratch->plain) == EMR_OK &&
			bucket_write(st, b, 0, scratch->plain, len) != EMR_OK)
			emr_log(EMR_LOG_DEBUG, "no memory to join the pieces of a leaf");
	}
	record_scratch_give(st->ctx, scratch);
}

static emr_status write_leaf(emr_staging *st, uint64_t offset, const uint8_t *data, uint32_t len)
{
	uint64_t leaf = offset >> EMR_LEAF_LOG2;
	bucket *b;

	make_writable(st, leaf);
	EMR_TRY(staging_bucket_make(st, leaf, &b));
	EMR_TRY(bucket_write(st, b, (uint32_t)(offset & (EMR_LEAF_BYTES - 1)), data, len));
	bucket_list(st, b);
	if (offset + len > st->size)
		st->size = offset + len;
	atomic_fetch_add(&st->dirty_seq, 1);
	join_pieces(st, b);
	return EMR_OK;
}

/* Memory is full and could not be written out: better to say so than to be killed. */
static bool memory_is_exhausted(const emr_record_ctx *ctx)
{
	return ctx->options.spill_dirfd >= 0 &&
	       atomic_load(&((emr_record_ctx *)(uintptr_t)ctx)->memory) >
		       2 * ctx->options.memory_bytes;
}

emr_status emr_staging_write(emr_staging *st, uint64_t offset, const void *data, size_t len)
{
	const uint8_t *at = data;
	emr_status status = EMR_OK;

	if (len > EMR_RECORD_MAX_BYTES || offset > EMR_RECORD_MAX_BYTES - len)
		return EMR_TOO_BIG;
	if (memory_is_exhausted(st->ctx))
		return EMR_NO_SPACE;
	gate_write(&st->gate);
	while (len > 0 && status == EMR_OK) {
		size_t room = EMR_LEAF_BYTES - (size_t)(offset & (EMR_LEAF_BYTES - 1));
		size_t take = room < len ? room : len;

		status = write_leaf(st, offset, at, (uint32_t)take);
		offset += take;
		at += take;
		len -= take;
	}
	staging_seal_early(st);
	gate_write_end(&st->gate);
	record_balance(st->ctx);
	return status;
}

void staging_cut(emr_staging *st, uint64_t size)
{
	uint64_t leaf = size >> EMR_LEAF_LOG2;
	uint32_t rest = (uint32_t)(size & (EMR_LEAF_BYTES - 1));

	if (rest > 0) {
		bucket *b = staging_bucket(st, leaf);

		if (b != NULL)
			bucket_cut(st, b, rest);
		leaf++;
	}
	for (leaf = staging_next_used(st, leaf); leaf != STAGING_NO_LEAF;
		leaf = staging_next_used(st, leaf + 1))
		bucket_clear(st, staging_bucket(st, leaf));
	if (size < st->base_limit) {
		st->base_limit = size;
		staging_note_base(st);
	}
	if (size < st->cut_unlogged)
		st->cut_unlogged = size;
}

emr_status emr_staging_truncate(emr_staging *st, uint64_t size)
{
	if (size > EMR_RECORD_MAX_BYTES)
		return EMR_TOO_BIG;
	gate_write(&st->gate);
	if (size < st->size) {
		staging_wait_jobs(st);
		if (size < st->seal_next << EMR_LEAF_LOG2)
			staging_end_life(st);
		staging_cut(st, size);
	}
	if (size != st->size)
		atomic_fetch_add(&st->dirty_seq, 1);
	st->size = size;
	if (st->jobs == 0 && !st->freezing)
		life_drop_unused(st);
	gate_write_end(&st->gate);
	return EMR_OK;
}
