/* This file holds the last blocks that came from nodes, in a ring in memory. It holds no more than
 * its ring has room for. */
#include "held.h"

/* With the lock; NULL: there is none. */
static held_block *held_find(held_blocks *held, const emr_cid *cid)
{
	for (size_t i = 0; i < HELD_BLOCKS; i++) {
		held_block *one = &held->all[i];

		if (one->block.len > 0 && emr_cid_equal(&one->cid, cid))
			return one;
	}
	return NULL;
}

emr_status held_add(held_blocks *held, const emr_cid *cid, emr_bytes block, bool is_cached)
{
	held_block *one;
	emr_status status;

	pthread_mutex_lock(&held->lock);
	one = &held->all[held->next++ % HELD_BLOCKS];
	emr_buf_clear(&one->block);
	status = emr_buf_append(&one->block, block.data, block.len);
	if (status == EMR_OK) {
		one->cid = *cid;
		one->is_cached = is_cached;
	} else {
		emr_buf_free(&one->block);
	}
	pthread_mutex_unlock(&held->lock);
	return status;
}

emr_status held_get(held_blocks *held, const emr_cid *cid, emr_buf *out)
{
	held_block *one;
	emr_status status = EMR_NOT_FOUND;

	pthread_mutex_lock(&held->lock);
	one = held_find(held, cid);
	if (one != NULL && one->is_cached && out->len == 0) {
		emr_buf_free(out);
		*out = one->block;
		one->block = (emr_buf){0};
		status = EMR_OK;
	} else if (one != NULL) {
		status = emr_buf_append(out, one->block.data, one->block.len);
	}
	pthread_mutex_unlock(&held->lock);
	return status;
}

size_t held_size(held_blocks *held, const emr_cid *cid)
{
	const held_block *one;
	size_t bytes;

	pthread_mutex_lock(&held->lock);
	one = held_find(held, cid);
	bytes = one != NULL ? one->block.len : 0;
	pthread_mutex_unlock(&held->lock);
	return bytes;
}

void held_drop(held_blocks *held)
{
	pthread_mutex_lock(&held->lock);
	for (size_t i = 0; i < HELD_BLOCKS; i++)
		emr_buf_free(&held->all[i].block);
	pthread_mutex_unlock(&held->lock);
}
