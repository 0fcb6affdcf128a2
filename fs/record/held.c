/* This file keeps the encrypted pieces that were read last, and lets one thread read what several
 * ask for at the same time. It holds only bytes that were checked. */
#include "held.h"

#include "ctx.h"

void record_holder_init(record_holder *holder)
{
	pthread_mutex_init(&holder->lock, NULL);
	pthread_cond_init(&holder->changed, NULL);
}

void record_holder_end(record_holder *holder)
{
	for (size_t i = 0; i < RECORD_HELD_LEAVES; i++)
		emr_buf_free(&holder->leaves[i].block);
	pthread_cond_destroy(&holder->changed);
	pthread_mutex_destroy(&holder->lock);
}

emr_status record_sealed_fetch(emr_record_ctx *ctx, const emr_cid *cid, size_t len, emr_buf *sealed)
{
	emr_status status;

	emr_buf_clear(sealed);
	status = emr_block_store_get_verified(ctx->options.store, cid, sealed);
	if (status == EMR_NOT_FOUND)
		return EMR_MISSING_DATA;
	return status == EMR_OK && sealed->len != len ? EMR_DAMAGED : status;
}

static record_held *held_record_of(record_holder *holder, const emr_cid *cid)
{
	for (size_t i = 0; i < RECORD_HELD_LEAVES; i++) {
		record_held *held = &holder->leaves[i];

		if (held->state != HELD_EMPTY && emr_cid_equal(&held->cid, cid))
			return held;
	}
	return NULL;
}

/* An empty place, or that of the leaf unused for longest; NULL: all are in use. */
static record_held *place_for_one(record_holder *holder)
{
	record_held *best = NULL;

	for (size_t i = 0; i < RECORD_HELD_LEAVES; i++) {
		record_held *held = &holder->leaves[i];

		if (held->state == HELD_EMPTY)
			return held;
		if (held->users == 0 && (best == NULL || held->last_use < best->last_use))
			best = held;
	}
	return best;
}

/* The leaf, with the caller as one more user; or a place where he has to bring it, LOADING.  Waits
 * while somebody else brings it, or all places are in use.  Those who are waited for wait for
 * nobody here. */
static record_held *join(record_holder *holder, const emr_cid *cid, bool *out_must_load)
{
	record_held *held;
	EMR_LOCKED(&holder->lock);

	for (;;) {
		held = held_record_of(holder, cid);
		*out_must_load = held == NULL;
		if (held == NULL)
			held = place_for_one(holder);
		if (held != NULL && (*out_must_load || held->state == HELD_READY))
			break;
		pthread_cond_wait(&holder->changed, &holder->lock);
	}
	if (*out_must_load) {
		held->state = HELD_LOADING;
		held->cid = *cid;
	}
	held->users++;
	held->last_use = ++holder->uses;
	return held;
}

static void end_loading(record_holder *holder, record_held *held, bool is_good)
{
	if (!is_good)
		emr_buf_free(&held->block);
	pthread_mutex_lock(&holder->lock);
	held->state = is_good ? HELD_READY : HELD_EMPTY;
	held->users -= !is_good;
	pthread_cond_broadcast(&holder->changed);
	pthread_mutex_unlock(&holder->lock);
}

emr_status record_held_take(emr_record_ctx *ctx, const emr_cid *cid, size_t len,
	record_held **out_held, const uint8_t **out_sealed)
{
	bool must_load;
	record_held *held = join(&ctx->holder, cid, &must_load);
	emr_status status = EMR_OK;

	if (must_load) {
		status = record_sealed_fetch(ctx, cid, len, &held->block);
		end_loading(&ctx->holder, held, status == EMR_OK);
	} else if (held->block.len != len) {
		record_held_give(ctx, held);
		status = EMR_DAMAGED;
	}
	if (status != EMR_OK)
		return status;
	*out_held = held;
	*out_sealed = held->block.data;
	return EMR_OK;
}

void record_held_give(emr_record_ctx *ctx, record_held *held)
{
	record_holder *holder = &ctx->holder;
	EMR_LOCKED(&holder->lock);

	if (--held->users == 0)
		pthread_cond_broadcast(&holder->changed);
}
