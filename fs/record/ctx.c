/* This file holds what all working copies share: the worker threads that encrypt, reused memory,
 * the limit of memory, and a list of new blocks that must not be cleaned up before something
 * names them. */
#include "ctx.h"

#include <stdlib.h>

#include "base/disk.h"

#define MEMORY_DEFAULT ((uint64_t)64 << 20)
#define WORKERS_DEFAULT 2

static void *worker(void *arg)
{
	emr_record_ctx *ctx = arg;

	pthread_mutex_lock(&ctx->lock);
	for (;;) {
		record_job *job = ctx->first;

		if (job == NULL && ctx->stopping)
			break;
		if (job == NULL) {
			pthread_cond_wait(&ctx->work, &ctx->lock);
			continue;
		}
		ctx->first = job->next;
		if (ctx->first == NULL)
			ctx->last = NULL;
		pthread_mutex_unlock(&ctx->lock);
		job->run(job);
		pthread_mutex_lock(&ctx->lock);
	}
	pthread_mutex_unlock(&ctx->lock);
	return NULL;
}

bool record_submit(emr_record_ctx *ctx, record_job *job)
{
	if (ctx->thread_count == 0)
		return false;
	job->next = NULL;
	pthread_mutex_lock(&ctx->lock);
	if (ctx->last != NULL)
		ctx->last->next = job;
	else
		ctx->first = job;
	ctx->last = job;
	pthread_cond_signal(&ctx->work);
	pthread_mutex_unlock(&ctx->lock);
	return true;
}

void record_fresh_begin(emr_record_ctx *ctx, record_fresh *fresh)
{
	*fresh = (record_fresh){0};
	pthread_mutex_lock(&ctx->fresh_lock);
	fresh->next = ctx->fresh;
	fresh->at = &ctx->fresh;
	if (fresh->next != NULL)
		fresh->next->at = &fresh->next;
	ctx->fresh = fresh;
	pthread_mutex_unlock(&ctx->fresh_lock);
}

emr_status record_fresh_note(emr_record_ctx *ctx, record_fresh *fresh, const emr_cid *cid)
{
	EMR_LOCKED(&ctx->fresh_lock);

	return emr_buf_append(&fresh->cids, cid, sizeof *cid);
}

void record_fresh_end(emr_record_ctx *ctx, record_fresh *fresh)
{
	pthread_mutex_lock(&ctx->fresh_lock);
	*fresh->at = fresh->next;
	if (fresh->next != NULL)
		fresh->next->at = fresh->at;
	pthread_mutex_unlock(&ctx->fresh_lock);
	emr_buf_free(&fresh->cids);
}

void emr_record_hold_begin(emr_record_ctx *ctx)
{
	EMR_LOCKED(&ctx->fresh_lock);

	ctx->holders++;
}

void emr_record_hold_end(emr_record_ctx *ctx)
{
	EMR_LOCKED(&ctx->fresh_lock);

	if (--ctx->holders == 0)
		emr_buf_free(&ctx->bundles.cids);
}

uint64_t emr_record_ctx_left(const emr_record_ctx *ctx)
{
	return atomic_load(&((emr_record_ctx *)(uintptr_t)ctx)->left);
}

record_scratch *record_scratch_take(emr_record_ctx *ctx)
{
	record_scratch *scratch;

	pthread_mutex_lock(&ctx->scratch_lock);
	scratch = ctx->scratch;
	if (scratch != NULL) {
		ctx->scratch = scratch->next;
		ctx->scratch_count--;
	}
	pthread_mutex_unlock(&ctx->scratch_lock);
	if (scratch == NULL)
		scratch = malloc(sizeof *scratch);
	return scratch;
}

void record_scratch_give(emr_record_ctx *ctx, record_scratch *scratch)
{
	if (scratch == NULL)
		return;
	pthread_mutex_lock(&ctx->scratch_lock);
	if (ctx->scratch_count < RECORD_SCRATCH_KEPT) {
		scratch->next = ctx->scratch;
		ctx->scratch = scratch;
		ctx->scratch_count++;
		scratch = NULL;
	}
	pthread_mutex_unlock(&ctx->scratch_lock);
	free(scratch);
}

static void set_defaults(emr_record_options *options)
{
	if (options->memory_bytes == 0)
		options->memory_bytes = MEMORY_DEFAULT;
	if (options->workers == 0)
		options->workers = WORKERS_DEFAULT;
	if (options->workers == EMR_RECORD_NO_WORKERS)
		options->workers = 0;
	if (options->workers > RECORD_WORKERS_MAX)
		options->workers = RECORD_WORKERS_MAX;
	if (options->suite == 0)
		options->suite = EMR_SUITE_AES_256_GCM;
}

emr_status emr_record_ctx_new(const emr_record_options *options, emr_record_ctx **out_ctx)
{
	emr_record_ctx *ctx = calloc(1, sizeof *ctx);

	if (ctx == NULL)
		return EMR_NO_MEMORY;
	ctx->options = *options;
	set_defaults(&ctx->options);
	ctx->is_still = options->spill_dirfd >= 0 && emr_disk_takes_nothing(options->spill_dirfd);
	pthread_mutex_init(&ctx->lock, NULL);
	pthread_mutex_init(&ctx->scratch_lock, NULL);
	pthread_mutex_init(&ctx->fresh_lock, NULL);
	pthread_mutex_init(&ctx->stagings_lock, NULL);
	pthread_cond_init(&ctx->work, NULL);
	pthread_cond_init(&ctx->visitor_left, NULL);
	record_holder_init(&ctx->holder);
	for (unsigned i = 0; i < ctx->options.workers; i++) {
		if (pthread_create(&ctx->threads[i], NULL, worker, ctx) != 0) {
			emr_record_ctx_free(ctx);
			return EMR_NO_MEMORY;
		}
		ctx->thread_count++;
	}
	*out_ctx = ctx;
	return EMR_OK;
}

void emr_record_ctx_free(emr_record_ctx *ctx)
{
	if (ctx == NULL)
		return;
	pthread_mutex_lock(&ctx->lock);
	ctx->stopping = true;
	pthread_cond_broadcast(&ctx->work);
	pthread_mutex_unlock(&ctx->lock);
	for (unsigned i = 0; i < ctx->thread_count; i++)
		pthread_join(ctx->threads[i], NULL);
	while (ctx->scratch != NULL) {
		record_scratch *next = ctx->scratch->next;

		emr_wipe(ctx->scratch, sizeof *ctx->scratch);
		free(ctx->scratch);
		ctx->scratch = next;
	}
	record_holder_end(&ctx->holder);
	pthread_cond_destroy(&ctx->visitor_left);
	pthread_cond_destroy(&ctx->work);
	pthread_mutex_destroy(&ctx->stagings_lock);
	emr_buf_free(&ctx->bundles.cids);
	pthread_mutex_destroy(&ctx->fresh_lock);
	pthread_mutex_destroy(&ctx->scratch_lock);
	pthread_mutex_destroy(&ctx->lock);
	free(ctx);
}

uint64_t emr_record_ctx_chunks_opened(const emr_record_ctx *ctx)
{
	return ctx->chunks_opened;
}
