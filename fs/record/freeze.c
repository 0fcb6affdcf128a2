/* This file turns a working copy into finished content: it encrypts the remaining pieces with
 * several threads, writes them to the store and builds the tree of hashes. If somebody writes
 * meanwhile, the freeze is refused, so that a version is always one state of the file. */
#include "staging_impl.h"

#include <stdlib.h>

#include "crypto/merkle.h"
#include "format_checks.h"
#include "reader.h"
#include "store/unixfs.h"

#define FREEZE_HELPERS_MAX 4

/* A leaf that is stored; all others are holes. */
typedef struct freeze_leaf {
	uint64_t leaf;
	bool is_sealed; /* under this key already */
	record_sealed_leaf sealed;
} freeze_leaf;

/* One freeze, shared by the caller and the workers that help. */
typedef struct freeze_run {
	emr_staging *st;
	key_life *life;
	uint64_t seq; /* dirty_seq of what is frozen */
	uint64_t n, padded, leaves;
	emr_buf list;	       /* of freeze_leaf, in order */
	_Atomic uint64_t next; /* index in it */
	record_fresh fresh;    /* what was put so far */

	pthread_mutex_t lock; /* the three below */
	pthread_cond_t helper_left;
	unsigned helpers;
	emr_status status; /* first failure */
} freeze_run;

typedef struct freeze_helper {
	record_job job;
	freeze_run *run;
} freeze_helper;

static freeze_leaf *leaves_of(const freeze_run *run)
{
	return (void *)run->list.data;
}

static uint64_t stored_leaves(const freeze_run *run)
{
	return run->list.len / sizeof(freeze_leaf);
}

static bool has_holes(const freeze_run *run)
{
	return stored_leaves(run) < run->leaves;
}

/* ---- Leaves ---- */

static size_t file_part(const freeze_run *run, uint64_t leaf)
{
	uint64_t start = leaf << EMR_LEAF_LOG2;

	if (run->n <= start)
		return 0;
	return run->n - start < EMR_LEAF_BYTES ? (size_t)(run->n - start) : EMR_LEAF_BYTES;
}

static size_t stream_part(const freeze_run *run, uint64_t leaf)
{
	uint64_t left = run->padded - (leaf << EMR_LEAF_LOG2);

	return left < EMR_LEAF_BYTES ? (size_t)left : EMR_LEAF_BYTES;
}

/* The leaf's plaintext, as long as nobody wrote since the freeze began. */
static emr_status gather_leaf(freeze_run *run, uint64_t leaf, uint8_t *plain)
{
	size_t len = file_part(run, leaf);
	emr_status status;

	gate_read(&run->st->gate);
	if (atomic_load(&run->st->dirty_seq) != run->seq)
		status = EMR_CONFLICT;
	else
		status = staging_read_leaf(run->st, leaf, 0, (uint32_t)len, plain);
	gate_read_end(&run->st->gate);
	if (status == EMR_OK)
		memset(plain + len, 0, stream_part(run, leaf) - len);
	return status;
}

static emr_status seal_one(freeze_run *run, freeze_leaf *at, record_scratch *scratch)
{
	record_sealer sealer = {.cipher = run->life->cipher,
		.hk = run->life->hk,
		.ctx = run->st->ctx,
		.fresh = &run->fresh};

	EMR_TRY(gather_leaf(run, at->leaf, scratch->plain));
	return record_leaf_seal(&sealer, at->leaf, scratch->plain, file_part(run, at->leaf),
		stream_part(run, at->leaf), scratch->sealed, &at->sealed);
}

static void note_failure(freeze_run *run, emr_status status)
{
	pthread_mutex_lock(&run->lock);
	if (run->status == EMR_OK)
		run->status = status;
	pthread_mutex_unlock(&run->lock);
	atomic_store(&run->next, stored_leaves(run));
}

/* Takes leaf after leaf until none is left. */
static void seal_leaves(freeze_run *run)
{
	record_scratch *scratch = record_scratch_take(run->st->ctx);
	uint64_t i;

	if (scratch == NULL) {
		note_failure(run, EMR_NO_MEMORY);
		return;
	}
	while ((i = atomic_fetch_add(&run->next, 1)) < stored_leaves(run)) {
		freeze_leaf *at = &leaves_of(run)[i];
		emr_status status = at->is_sealed ? EMR_OK : seal_one(run, at, scratch);

		if (status != EMR_OK)
			note_failure(run, status);
	}
	record_scratch_give(run->st->ctx, scratch);
}

static void help(record_job *job)
{
	freeze_run *run = ((freeze_helper *)job)->run; /* its first member */

	seal_leaves(run);
	pthread_mutex_lock(&run->lock);
	run->helpers--;
	pthread_cond_signal(&run->helper_left);
	pthread_mutex_unlock(&run->lock);
}

static emr_status seal_all(freeze_run *run, uint64_t unsealed)
{
	freeze_helper helpers[FREEZE_HELPERS_MAX];
	unsigned wanted = run->st->ctx->thread_count;

	if (wanted > FREEZE_HELPERS_MAX)
		wanted = FREEZE_HELPERS_MAX;
	if (unsealed < 2 * wanted)
		wanted = (unsigned)(unsealed / 2); /* not worth waking anybody for one leaf */
	pthread_mutex_init(&run->lock, NULL);
	pthread_cond_init(&run->helper_left, NULL);
	run->helpers = wanted;
	for (unsigned i = 0; i < wanted; i++) {
		helpers[i] = (freeze_helper){.job.run = help, .run = run};
		(void)record_submit(run->st->ctx, &helpers[i].job); /* there are workers */
	}
	seal_leaves(run);
	pthread_mutex_lock(&run->lock);
	while (run->helpers > 0)
		pthread_cond_wait(&run->helper_left, &run->lock);
	pthread_mutex_unlock(&run->lock);
	pthread_cond_destroy(&run->helper_left);
	pthread_mutex_destroy(&run->lock);
	return run->status;
}

/* ---- Tree ---- */

static emr_status put_node(void *context, const emr_cid *cid, emr_bytes block)
{
	freeze_run *run = context;
	emr_record_ctx *ctx = run->st->ctx;
	emr_block made = {.cid = *cid, .data = block};

	EMR_TRY(record_fresh_note(ctx, &run->fresh, cid));
	return emr_block_store_put(ctx->options.store, &made, 1);
}

/* The block that holes are, so that the tree is whole for everybody who walks it. */
static emr_status put_hole(freeze_run *run)
{
	EMR_AUTO_FREE uint8_t *zeros = calloc(1, EMR_UNIXFS_HOLE_BYTES);
	emr_cid cid = emr_unixfs_hole(0);

	if (zeros == NULL)
		return EMR_NO_MEMORY;
	return put_node(run, &cid, emr_bytes_of(zeros, EMR_UNIXFS_HOLE_BYTES));
}

static emr_status add_leaves(freeze_run *run, emr_unixfs_builder *builder)
{
	const emr_unixfs_link hole = {.cid = emr_unixfs_hole(0),
		.file_bytes = EMR_UNIXFS_HOLE_BYTES,
		.tsize = EMR_UNIXFS_HOLE_BYTES};
	uint64_t next = 0;
	emr_status status = EMR_OK;

	for (uint64_t i = 0; i < stored_leaves(run) && status == EMR_OK; i++) {
		const freeze_leaf *at = &leaves_of(run)[i];
		size_t bytes = emr_leaf_sealed_len(run->padded, at->leaf);
		emr_unixfs_link link = {.cid = emr_cid_of_digest(EMR_CODEC_RAW, at->sealed.digest),
			.file_bytes = bytes,
			.tsize = bytes};

		status = emr_unixfs_builder_add_run(builder, &hole, at->leaf - next);
		if (status == EMR_OK)
			status = emr_unixfs_builder_add(builder, &link);
		next = at->leaf + 1;
	}
	return status;
}

static emr_status build_tree(freeze_run *run, emr_cid *out_root)
{
	EMR_AUTO_UNIXFS_BUILDER builder = NULL;
	emr_unixfs_link link;

	if (run->leaves == 1) {
		*out_root = emr_cid_of_digest(EMR_CODEC_RAW, leaves_of(run)[0].sealed.digest);
		return EMR_OK;
	}
	EMR_TRY(emr_unixfs_builder_new(put_node, run, &builder));
	if (has_holes(run))
		EMR_TRY(put_hole(run));
	EMR_TRY(add_leaves(run, builder));
	EMR_TRY(emr_unixfs_builder_finish(builder, &link));
	*out_root = link.cid;
	return EMR_OK;
}

static void plain_root(const freeze_run *run, uint8_t out[32])
{
	const uint8_t *hk = run->life->hk;
	emr_merkle_frontier tree = {0};
	uint64_t end = (run->n + EMR_LEAF_BYTES - 1) >> EMR_LEAF_LOG2;

	for (uint64_t i = 0; i < stored_leaves(run); i++) {
		const freeze_leaf *at = &leaves_of(run)[i];

		if (!at->sealed.has_segment)
			break;
		record_append_holes(&tree, hk, at->leaf - tree.size);
		if (has_holes(run) && at->sealed.is_zeros)
			record_append_holes(&tree, hk, 1);
		else
			emr_merkle_append(&tree, at->sealed.segment);
	}
	record_append_holes(&tree, hk, end - tree.size);
	emr_merkle_frontier_root(&tree, out);
}

static emr_status describe_frozen(freeze_run *run, emr_content *out)
{
	const key_life *life = run->life;
	emr_content content = {.n = run->n,
		.padded = run->padded,
		.suite = life->suite,
		.leaf_log2 = EMR_LEAF_LOG2,
		.has_dek = true};

	content.holes = (uint32_t)(run->leaves - stored_leaves(run));
	content.flags = (uint8_t)((run->st->ctx->options.pow2 ? EMR_M_FLAG_POW2 : 0) |
				  (has_holes(run) ? EMR_M_FLAG_HOLES : 0));
	memcpy(content.salt, life->salt, sizeof content.salt);
	memcpy(content.com, life->com, sizeof content.com);
	memcpy(content.hk, life->hk, sizeof content.hk);
	plain_root(run, content.root);
	EMR_TRY(build_tree(run, &content.c));
	EMR_TRY(emr_content_key_seal_local(run->st->ctx->options.keyring, life->key,
		EMR_ID16_AT(life->salt), content.sealed_dek));
	*out = content;
	return EMR_OK;
}

/* ---- Beginning: gate held for writing ---- */

static emr_status freeze_begin(emr_staging *st, freeze_run *run)
{
	if (st->life == NULL)
		EMR_TRY(life_new(st, &st->life));
	run->st = st;
	run->life = st->life;
	run->seq = atomic_load(&st->dirty_seq);
	run->n = st->size;
	run->padded = emr_padded_len(run->n, st->ctx->options.pow2);
	run->leaves = emr_leaf_count(run->padded);
	return EMR_OK;
}

/* ---- Which leaves are stored: no gate held ---- */

static emr_status add_to_list(freeze_run *run, uint64_t leaf)
{
	const bucket *b = staging_bucket(run->st, leaf);
	freeze_leaf at = {.leaf = leaf};

	if (b != NULL && b->under == run->life) {
		at.is_sealed = true;
		at.sealed.has_segment = true;
		at.sealed.is_zeros = b->under_is_zeros;
		memcpy(at.sealed.digest, b->under_digest, 32);
		memcpy(at.sealed.segment, b->under_segment, 32);
	}
	return emr_buf_append(&run->list, &at, sizeof at);
}

/* The next run of leaves at or after *LEAF that hold something, as long as nobody wrote since the
 * freeze began. */
static emr_status list_run(freeze_run *run, uint64_t end, uint64_t *leaf)
{
	uint64_t from, to = end;
	emr_status status;

	gate_read(&run->st->gate);
	status = atomic_load(&run->st->dirty_seq) == run->seq
			 ? staging_next(run->st, *leaf, end, false, &from)
			 : EMR_CONFLICT;
	if (status == EMR_OK && from < end)
		status = staging_next(run->st, from, end, true, &to);
	for (; status == EMR_OK && from < to; from++)
		status = add_to_list(run, from);
	gate_read_end(&run->st->gate);
	*leaf = to;
	return status;
}

static bool ends_with(const freeze_run *run, uint64_t leaf)
{
	uint64_t count = stored_leaves(run);

	return count > 0 && leaves_of(run)[count - 1].leaf == leaf;
}

/* Those that hold something, and the last one, in which the stream ends.  The padding between them
 * is stored if the file has no hole: else it would cost more than what was written. */
static emr_status list_leaves(freeze_run *run)
{
	uint64_t file_leaves = (run->n + EMR_LEAF_BYTES - 1) >> EMR_LEAF_LOG2;
	uint64_t last = run->leaves - 1;
	uint64_t next = 0;
	emr_status status = EMR_OK;

	while (next < file_leaves && status == EMR_OK)
		status = list_run(run, file_leaves, &next);
	if (status != EMR_OK)
		return status;
	if (stored_leaves(run) < file_leaves)
		next = ends_with(run, last) ? run->leaves : last;
	gate_read(&run->st->gate);
	for (; next <= last && status == EMR_OK; next++)
		status = add_to_list(run, next);
	gate_read_end(&run->st->gate);
	return status;
}

static uint64_t count_unsealed(const freeze_run *run)
{
	uint64_t unsealed = 0;

	for (uint64_t i = 0; i < stored_leaves(run); i++)
		unsealed += !leaves_of(run)[i].is_sealed;
	return unsealed;
}

/* ---- End: gate held for writing but where it is let go ---- */

/* From now on the staging lies on the content; nothing of the old overlay is needed. */
static void settle_on(emr_staging *st, key_life *life, emr_content_reader *reader, uint64_t n)
{
	life->is_content = true;
	staging_clear(st);
	if (st->base_is_own && !st->base_unlogged)
		staging_retire(st, &emr_content_reader_content(st->base)->c);
	emr_content_reader_free(st->base);
	st->base = reader;
	st->base_limit = n;
	staging_note_base(st);
	st->base_is_own = true;
	st->base_unlogged = true;
	st->cut_unlogged = UINT64_MAX;
	st->has_mark = false;
	st->seal_early = true;
	st->seal_next = 0;
}

static emr_status freeze_held(emr_staging *st, freeze_run *run, emr_content *out_content)
{
	emr_content_reader *reader = NULL;
	emr_content content;
	emr_status status;

	EMR_TRY(freeze_begin(st, run));
	gate_write_end(&st->gate);
	status = list_leaves(run);
	if (status == EMR_OK)
		status = seal_all(run, count_unsealed(run));
	if (status == EMR_OK)
		status = describe_frozen(run, &content);
	gate_write(&st->gate);
	if (status == EMR_OK && atomic_load(&st->dirty_seq) != run->seq)
		status = EMR_CONFLICT;
	if (status == EMR_OK)
		status = staging_may_lie_on_one_more(st);
	if (status == EMR_OK)
		status = record_reader_of_sealed(st->ctx, &content, run->life->cipher, &reader);
	if (status != EMR_OK)
		return status;
	run->life->cipher = NULL;
	settle_on(st, run->life, reader, run->n);
	*out_content = content;
	return EMR_OK;
}

emr_status emr_staging_freeze(emr_staging *st, emr_content *out_content, emr_content_key **out_key)
{
	freeze_run run = {0};
	emr_status status;

	gate_write(&st->gate);
	if (st->freezing) {
		gate_write_end(&st->gate);
		return EMR_BUSY;
	}
	st->freezing = true;
	record_fresh_begin(st->ctx, &run.fresh);
	staging_wait_jobs(st);
	status = freeze_held(st, &run, out_content);
	st->freezing = false;
	if (status == EMR_OK) {
		*out_key = run.life->key;
		run.life->key = NULL;
		st->life = NULL;
	} else {
		staging_end_life(
			st); /* what was sealed under it may not be sealed under it again */
	}
	life_drop_unused(st);
	gate_write_end(&st->gate);
	record_fresh_end(st->ctx, &run.fresh);
	emr_buf_free(&run.list);
	return status;
}
