/* This file finds where a record lay before it was moved between shared folders, so that its
 * history and its first signature are found again. */
#include "moved.h"

#include <stdlib.h>
#include <string.h>

#include "contract/codes.h"
#include "record/format.h"

#include "facts_private.h"

void moved_init(moved_rows *moved)
{
	*moved = (moved_rows){.size = 0};
	pthread_mutex_init(&moved->lock, NULL);
}

void moved_free(moved_rows *moved)
{
	free(moved->rows);
	pthread_mutex_destroy(&moved->lock);
}

/* ---- looking through ---- */

typedef struct gathering {
	emr_replica *replica;
	moved_rows found;
	emr_id16 domain; /* heads come domain by domain; zero: none yet */
	bool is_mine;
} gathering;

static emr_status add(moved_rows *moved, const moved_row *row)
{
	if (moved->n == moved->cap) {
		size_t cap = moved->cap == 0 ? 64 : moved->cap * 2;
		moved_row *more = reallocarray(moved->rows, cap, sizeof *more);

		if (more == NULL)
			return EMR_NO_MEMORY;
		moved->rows = more;
		moved->cap = cap;
	}
	moved->rows[moved->n++] = *row;
	return EMR_OK;
}

/* By the last content of the row. */
static emr_status look_at_head(void *arg, const emr_replica_head *head)
{
	gathering *g = arg;
	emr_part_key at = {.domain = head->domain,
		.object = head->object,
		.version = head->pversion,
		.family = EMR_FAMILY_OBJECT};
	EMR_AUTO_BUF bytes = {0};
	emr_put_part part;
	emr_status status = EMR_OK;

	if (head->pversion == 0 || head->state == EMR_OBJECT_ERASED)
		return EMR_OK;
	if (!emr_id16_equal(g->domain, head->domain))
		status = emr_replica_is_mine(g->replica, head->domain, &g->is_mine);
	g->domain = head->domain;
	if (status != EMR_OK || !g->is_mine)
		return status;
	status = emr_replica_part(g->replica, &at, &bytes);
	if (status == EMR_OK)
		status = emr_put_part_decode(emr_buf_view(&bytes), &part);
	if (status != EMR_OK)
		return facts_is_damage(status) || status == EMR_NOT_FOUND ? EMR_OK : status;
	if (emr_id16_equal(part.record_id, head->object))
		return EMR_OK; /* where it was born */
	return add(&g->found, &(moved_row){.record_id = part.record_id,
				      .domain = head->domain,
				      .object = head->object});
}

static int by_record(const void *a, const void *b)
{
	return memcmp(((const moved_row *)a)->record_id.b, ((const moved_row *)b)->record_id.b,
		sizeof(emr_id16));
}

static emr_status look_through(moved_rows *moved, emr_replica *replica, bool is_again)
{
	gathering g = {.replica = replica};
	emr_replica_position at;
	emr_status status = emr_replica_at(replica, &at);

	if (status != EMR_OK || (moved->size > 0 && !is_again) || moved->size == at.size)
		return status;
	status = emr_replica_each_head(replica, NULL, look_at_head, &g);
	if (status != EMR_OK) {
		free(g.found.rows);
		return status;
	}
	if (g.found.n > 1)
		qsort(g.found.rows, g.found.n, sizeof *g.found.rows, by_record);
	free(moved->rows);
	moved->rows = g.found.rows;
	moved->n = g.found.n;
	moved->cap = g.found.cap;
	moved->size = at.size;
	return EMR_OK;
}

/* ---- asking ---- */

/* Where RECORD_ID's rows begin. */
static size_t first_of(const moved_rows *moved, emr_id16 record_id)
{
	size_t from = 0, until = moved->n;

	while (from < until) {
		size_t middle = from + (until - from) / 2;

		if (memcmp(moved->rows[middle].record_id.b, record_id.b, sizeof record_id.b) < 0)
			from = middle + 1;
		else
			until = middle;
	}
	return from;
}

emr_status moved_each(moved_rows *moved, emr_replica *replica, emr_id16 record_id, bool is_again,
	moved_fn fn, void *arg)
{
	emr_status status;

	pthread_mutex_lock(&moved->lock);
	status = look_through(moved, replica, is_again);
	for (size_t i = first_of(moved, record_id); status == EMR_OK && i < moved->n; i++) {
		if (!emr_id16_equal(moved->rows[i].record_id, record_id))
			break;
		status = fn(arg, moved->rows[i].domain, moved->rows[i].object);
	}
	pthread_mutex_unlock(&moved->lock);
	return status;
}
