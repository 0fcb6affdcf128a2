/* Wrapping the keys of many new versions takes time. This file does it in several threads before
 * the batch is put together; a batch that has to be made again uses the same results. */
#include "base/worker.h"

#include "build.h"

#include <stdlib.h>
#include <string.h>

#define WORTH_A_THREAD 8 /* keys: a quarter of a millisecond each */

typedef struct slot {
	bool is_done;
	emr_status status;
	wrapped_key key;
} slot;

struct ahead {
	build_ctx ctx;
	const emr_change *changes;
	size_t n;
	pthread_mutex_t lock;
	pthread_cond_t one_is_done;
	size_t next; /* the first that nobody has begun; protected by lock, as all below */
	bool is_over;
	pthread_t thread;
	bool has_thread;
	slot slots[];
};

/* Under the lock: the next one that is to be wrapped is the caller's, or N. */
static size_t take_next(ahead *a)
{
	while (a->next < a->n && a->changes[a->next].kind != EMR_CHANGE_REWRAP)
		a->next++;
	return a->next < a->n ? a->next++ : a->n;
}

/* Under the lock, which it lets go meanwhile. */
static void wrap(ahead *a, size_t i)
{
	slot s = {.is_done = true};

	pthread_mutex_unlock(&a->lock);
	s.status = build_wrap(&a->ctx, &a->changes[i], &s.key);
	pthread_mutex_lock(&a->lock);
	a->slots[i] = s;
	pthread_cond_broadcast(&a->one_is_done);
}

static void *wrap_ahead(void *arg)
{
	ahead *a = arg;
	EMR_LOCKED(&a->lock);

	while (!a->is_over) {
		size_t i = take_next(a);

		if (i == a->n)
			break;
		wrap(a, i);
	}
	return NULL;
}

static size_t count(const emr_change *changes, size_t n)
{
	size_t keys = 0;

	for (size_t i = 0; i < n; i++)
		keys += changes[i].kind == EMR_CHANGE_REWRAP;
	return keys;
}

ahead *ahead_begin(const build_ctx *ctx, const emr_change *changes, size_t n)
{
	ahead *a;

	if (count(changes, n) < WORTH_A_THREAD)
		return NULL;
	a = calloc(1, sizeof *a + n * sizeof a->slots[0]);
	if (a == NULL)
		return NULL;
	a->ctx = *ctx;
	a->ctx.ahead = NULL;
	a->changes = changes;
	a->n = n;
	pthread_mutex_init(&a->lock, NULL);
	pthread_cond_init(&a->one_is_done, NULL);
	a->has_thread = pthread_create(&a->thread, NULL, wrap_ahead, a) == 0;
	return a;
}

bool ahead_fits(const ahead *a, const build_ctx *ctx)
{
	return a->ctx.epoch == ctx->epoch && memcmp(a->ctx.A, ctx->A, sizeof ctx->A) == 0;
}

emr_status ahead_get(ahead *a, const emr_change *change, wrapped_key *out)
{
	slot *s = &a->slots[change - a->changes];
	emr_status status;
	EMR_LOCKED(&a->lock);

	while (!s->is_done) {
		size_t i = take_next(a);

		if (i < a->n)
			wrap(a, i);
		else if (!s->is_done)
			pthread_cond_wait(&a->one_is_done, &a->lock);
	}
	status = s->status;
	*out = s->key;
	return status;
}

void ahead_end(ahead *a)
{
	if (a == NULL)
		return;
	pthread_mutex_lock(&a->lock);
	a->is_over = true;
	pthread_mutex_unlock(&a->lock);
	if (a->has_thread)
		pthread_join(a->thread, NULL);
	pthread_cond_destroy(&a->one_is_done);
	pthread_mutex_destroy(&a->lock);
	free(a);
}
