/* This file has several blocks brought at a time and waits for all of them, as long as some still
 * come. It gives up when none has come for a while. */
#include "fetch_private.h"

#include <time.h>

#include "base/worker.h"

#define TOGETHER 16 /* fewer than are held where no cache takes it */

struct together;

/* One block of them; two may be the same. */
typedef struct together_one {
	struct together *all;
} together_one;

typedef struct together {
	together_one ones[TOGETHER];
	pthread_mutex_t lock;
	pthread_cond_t told;
	size_t open, came;
	int64_t until_ns; /* of CLOCK_MONOTONIC; later with each that comes */
	int64_t quiet_ns, end_ns;
} together;

static int64_t monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void one_came(void *arg, emr_status status)
{
	together *t = ((together_one *)arg)->all;

	pthread_mutex_lock(&t->lock);
	t->open--;
	t->came += status == EMR_OK;
	if (status == EMR_OK)
		t->until_ns = monotonic_ns() + t->quiet_ns;
	pthread_cond_signal(&t->told);
	pthread_mutex_unlock(&t->lock);
}

/* None of those that asked with T is told from now on, but whom a thread is telling; how many. */
static size_t forget_all(emr_fetcher *fetcher, const together *t)
{
	size_t forgotten = 0;

	pthread_mutex_lock(&fetcher->lock);
	for (bringing *b = fetcher->all; b != NULL; b = b->next) {
		if (b->done != one_came || ((together_one *)b->arg)->all != t)
			continue;
		b->done = NULL;
		forgotten++;
	}
	pthread_mutex_unlock(&fetcher->lock);
	return forgotten;
}

/* False: the time is over, and some are still to be told. */
static bool wait_together(together *t)
{
	int64_t until_ns = 0;
	bool are_all_told;

	pthread_mutex_lock(&t->lock);
	do {
		until_ns = t->until_ns < t->end_ns ? t->until_ns : t->end_ns;
		const struct timespec until = {
			.tv_sec = until_ns / 1000000000, .tv_nsec = until_ns % 1000000000};

		if (t->open > 0)
			(void)pthread_cond_timedwait(&t->told, &t->lock, &until);
	} while (t->open > 0 && monotonic_ns() < until_ns);
	are_all_told = t->open == 0;
	pthread_mutex_unlock(&t->lock);
	return are_all_told;
}

/* Asks for each, some at a time; what came goes home at once, for a cache may forget it. */
static void ask_together(emr_fetcher *fetcher, together *t, const emr_cid *cids, size_t count)
{
	bool goes_on = true;

	for (size_t at = 0; goes_on && at < count; at += TOGETHER) {
		size_t n = count - at < TOGETHER ? count - at : TOGETHER;

		for (size_t i = 0; i < n; i++) {
			t->ones[i].all = t;
			pthread_mutex_lock(&t->lock);
			t->open++;
			pthread_mutex_unlock(&t->lock);
			if (emr_fetcher_bring(fetcher, &cids[at + i], one_came, &t->ones[i]) ==
				EMR_OK)
				continue;
			pthread_mutex_lock(&t->lock); /* it did not come just now */
			t->open--;
			pthread_mutex_unlock(&t->lock);
		}
		goes_on = wait_together(t);
		for (size_t i = 0; i < n; i++) {
			if (fetch_is_brought(fetcher, &cids[at + i]))
				(void)fetch_bring_home(
					fetcher, &cids[at + i]); /* has been logged */
		}
	}
}

bool emr_fetcher_bring_together(emr_fetcher *fetcher, const emr_cid *cids, size_t count,
	const emr_fetch_patience *patience, size_t *out_came)
{
	int64_t now_ns = monotonic_ns();
	together t = {.lock = PTHREAD_MUTEX_INITIALIZER,
		.until_ns = now_ns + patience->quiet_ns,
		.quiet_ns = patience->quiet_ns,
		.end_ns = now_ns + patience->all_ns};
	size_t forgotten;
	bool is_whole;

	emr_cond_init(&t.told);
	ask_together(fetcher, &t, cids, count);
	forgotten = forget_all(fetcher, &t);
	is_whole = forgotten == 0;
	pthread_mutex_lock(&t.lock);
	while (t.open > forgotten) /* is being told */
		pthread_cond_wait(&t.told, &t.lock);
	*out_came = t.came;
	pthread_mutex_unlock(&t.lock);
	pthread_cond_destroy(&t.told);
	return is_whole;
}
