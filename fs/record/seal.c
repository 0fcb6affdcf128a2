/* While a program writes a large file from front to back, this file already encrypts what lies
 * behind it, so that closing the file is fast. A piece that is written again is never encrypted
 * a second time with the same key. */
#include "staging_impl.h"

#include <sodium.h>
#include <stdlib.h>

#include "format_checks.h"

#define SEAL_LAG_BYTES                                                                             \
	((uint64_t)4 << 20) /* writers deliver out of order, but not further than this */
#define SEAL_JOBS_MAX 8	    /* leaves at the workers; beyond, the writer seals */

/* ---- Keys ---- */

static void life_free(key_life *life)
{
	emr_chunk_cipher_free(life->cipher);
	emr_content_key_free(life->key);
	free(life);
}

emr_status life_new(emr_staging *st, key_life **out)
{
	key_life *life = calloc(1, sizeof *life);
	emr_status status;

	if (life == NULL)
		return EMR_NO_MEMORY;
	life->suite = st->ctx->options.suite;
	randombytes_buf(life->salt, sizeof life->salt);
	randombytes_buf(life->hk, sizeof life->hk);
	status = emr_content_key_new(&life->key);
	if (status == EMR_OK)
		status = emr_content_key_cipher(
			life->key, life->suite, life->salt, &life->cipher, life->com);
	if (status != EMR_OK) {
		life_free(life);
		return status;
	}
	life->next = st->lives;
	st->lives = life;
	*out = life;
	return EMR_OK;
}

void life_drop_unused(emr_staging *st)
{
	key_life **at = &st->lives;

	while (*at != NULL) {
		key_life *life = *at;

		if (life->leaves > 0 || life == st->life) {
			at = &life->next;
			continue;
		}
		*at = life->next;
		life_free(life);
	}
}

void staging_end_life(emr_staging *st)
{
	if (st->life == NULL)
		return;
	st->life->ended =
		true; /* a worker may still be sealing with it a leaf that nobody sealed before */
	st->seal_next = 0;
	st->seal_early = false;
	st->life = NULL;
}

/* ---- Leaves of a sequential writer ---- */

typedef struct seal_job {
	record_job job;
	emr_staging *st;
	bucket *b;
	key_life *life;
	record_fresh fresh;
} seal_job;

/* The extents do not change while sealing is set.  *out_plain is one of them, or SCRATCH filled
 * from all. */
static emr_status gather(
	emr_staging *st, const bucket *b, record_scratch *scratch, const uint8_t **out_plain)
{
	if (b->count == 1 && b->extents[0].bytes != NULL && b->extents[0].len == EMR_LEAF_BYTES) {
		*out_plain = b->extents[0].bytes;
		return EMR_OK;
	}
	*out_plain = scratch->plain;
	return staging_read_leaf(st, b->leaf, 0, EMR_LEAF_BYTES, scratch->plain);
}

/* Gate not held. */
static emr_status seal_bucket(seal_job *work, record_sealed_leaf *out)
{
	emr_staging *st = work->st;
	record_sealer sealer = {.cipher = work->life->cipher,
		.hk = work->life->hk,
		.ctx = st->ctx,
		.fresh = &work->fresh};
	record_scratch *scratch = record_scratch_take(st->ctx);
	const uint8_t *plain;
	emr_status status;

	if (scratch == NULL)
		return EMR_NO_MEMORY;
	gate_read(&st->gate); /* the table of buckets may grow meanwhile */
	status = gather(st, work->b, scratch, &plain);
	gate_read_end(&st->gate);
	if (status == EMR_OK)
		status = record_leaf_seal(&sealer, work->b->leaf, plain, EMR_LEAF_BYTES,
			EMR_LEAF_BYTES, scratch->sealed, out);
	record_scratch_give(st->ctx, scratch);
	return status;
}

static void run_seal(record_job *job)
{
	seal_job *work = (seal_job *)job; /* its first member */
	emr_staging *st = work->st;
	emr_record_ctx *ctx = st->ctx; /* once the gate is let go, ST may be freed */
	record_sealed_leaf sealed;
	emr_status status;

	record_fresh_begin(ctx, &work->fresh);
	status = seal_bucket(work, &sealed);
	gate_write(&st->gate);
	if (status == EMR_OK)
		status = staging_may_lie_on_one_more(st);
	work->b->sealing = false;
	st->jobs--;
	if (status == EMR_OK) {
		bucket_settle(st, work->b, work->life, &sealed, EMR_LEAF_BYTES);
		work->b->under_unlogged = true;
		bucket_list(st, work->b);
	} else {
		staging_end_life(st); /* the bytes are still where they were */
	}
	gate_write_end(&st->gate);
	record_fresh_end(ctx, &work->fresh);
	free(work);
}

/* The next leaf in order, when it is whole and far enough behind the end of the file. */
static bucket *next_to_seal(emr_staging *st)
{
	uint64_t used = staging_next_used(st, st->seal_next);
	bucket *b;

	/* A leaf that nobody wrote to is not waited for: it may stay a hole. */
	if (used == STAGING_NO_LEAF || ((used + 1) << EMR_LEAF_LOG2) + SEAL_LAG_BYTES > st->size ||
		(used > st->seal_next && st->seal_next << EMR_LEAF_LOG2 < st->base_limit))
		return NULL;
	b = staging_bucket(st, used);
	if (!bucket_is_covered(b, EMR_LEAF_BYTES))
		return NULL;
	st->seal_next = used;
	return b;
}

/* False when no key could be drawn: the writer goes on, and the freeze will say why. */
static bool have_life(emr_staging *st)
{
	return st->life != NULL || life_new(st, &st->life) == EMR_OK;
}

void staging_seal_early(emr_staging *st)
{
	bucket *b;

	while (st->seal_early && !st->freezing && (b = next_to_seal(st)) != NULL && have_life(st)) {
		seal_job *work = malloc(sizeof *work);

		if (work == NULL)
			return;
		*work = (seal_job){.job.run = run_seal, .st = st, .b = b, .life = st->life};
		b->sealing = true;
		st->jobs++;
		st->seal_next++;
		if (st->jobs <= SEAL_JOBS_MAX && record_submit(st->ctx, &work->job))
			continue;
		gate_write_end(&st->gate);
		run_seal(&work->job);
		gate_write(&st->gate);
	}
}
