/* This file has the signatures of entries checked on other cores, before it is their turn to be
 * judged. The thread that judges does not wait for the others: it checks a signature itself which
 * no other thread has begun when its turn comes. */
#include "ledger/ahead.h"

#include <sched.h>
#include <stdlib.h>

#include "base/worker.h"

#define BYTES_MAX ((size_t)4 << 20) /* of a window, unless one entry has more */
/* Two signatures take about as long as all the rest of an entry with one item: more threads would
 * wait for the one that judges. */
#define THREADS_MAX 2

typedef struct slot {
	uint64_t seq;
	size_t at, entry_len, items_len; /* in the gathered bytes, one behind the other */
	bool has_pk;			 /* the submitter's */
	uint8_t pk[32];
	emr_chain_checked checked;
	bool is_done;
} slot;

struct emr_ahead {
	emr_chain *chain;
	emr_buf bytes;
	slot slots[EMR_AHEAD_ENTRIES];
	size_t n;
	bool is_full;

	pthread_t threads[THREADS_MAX];
	size_t n_threads;
	bool has_started; /* or found that it cannot */

	pthread_mutex_t lock; /* what is below, and is_done */
	pthread_cond_t work;  /* next < end, or stops */
	pthread_cond_t done;  /* a slot is done */
	size_t next, end;     /* slots that nobody has begun with */
	size_t n_busy;	      /* slots that a thread has begun with */
	bool stops;
};

emr_ahead *emr_ahead_new(emr_chain *chain)
{
	emr_ahead *a = calloc(1, sizeof *a);

	if (a == NULL || emr_buf_reserve(&a->bytes, 1) != EMR_OK) {
		free(a);
		return NULL;
	}
	a->chain = chain;
	(void)pthread_mutex_init(&a->lock, NULL);
	(void)pthread_cond_init(&a->work, NULL);
	(void)pthread_cond_init(&a->done, NULL);
	return a;
}

void emr_ahead_free(emr_ahead *a)
{
	if (a == NULL)
		return;
	(void)pthread_mutex_lock(&a->lock);
	a->stops = true;
	(void)pthread_cond_broadcast(&a->work);
	(void)pthread_mutex_unlock(&a->lock);
	for (size_t i = 0; i < a->n_threads; i++)
		(void)pthread_join(a->threads[i], NULL);
	(void)pthread_cond_destroy(&a->done);
	(void)pthread_cond_destroy(&a->work);
	(void)pthread_mutex_destroy(&a->lock);
	emr_buf_free(&a->bytes);
	free(a);
}

emr_status emr_ahead_take(void *ahead, const emr_ledger_entry *entry)
{
	emr_ahead *a = ahead;
	slot s = {.seq = entry->seq,
		.at = a->bytes.len,
		.entry_len = entry->entry.len,
		.items_len = entry->items.len};

	if (a->n == EMR_AHEAD_ENTRIES ||
		(a->n > 0 && a->bytes.len + s.entry_len + s.items_len > BYTES_MAX))
		a->is_full = true;
	if (a->is_full)
		return EMR_OK;
	EMR_TRY(emr_buf_append(&a->bytes, entry->entry.data, s.entry_len));
	EMR_TRY(emr_buf_append(&a->bytes, entry->items.data, s.items_len));
	/* A key that is registered within this window is looked for when the turn comes. */
	s.has_pk = emr_chain_submitter(a->chain, entry, s.pk) == EMR_OK;
	a->slots[a->n++] = s;
	return EMR_OK;
}

bool emr_ahead_is_full(const emr_ahead *a)
{
	return a->is_full || a->n == EMR_AHEAD_ENTRIES;
}

emr_status emr_ahead_read(emr_ahead *a, emr_chain *source, uint64_t from, uint64_t end)
{
	EMR_AUTO_BUF bytes = {0};
	EMR_AUTO_BUF items = {0};
	emr_status status = EMR_OK;

	for (uint64_t seq = from; status == EMR_OK && seq < end && !emr_ahead_is_full(a); seq++) {
		emr_ledger_entry entry = {.seq = seq};

		status = emr_chain_entry_in_tree(source, seq, &bytes, &items);
		entry.entry = emr_buf_view(&bytes);
		entry.items = emr_buf_view(&items);
		if (status == EMR_OK)
			status = emr_ahead_take(a, &entry);
	}
	return status;
}

static emr_ledger_entry entry_in(const emr_ahead *a, const slot *s)
{
	const uint8_t *at = a->bytes.data + s->at;

	return (emr_ledger_entry){.seq = s->seq,
		.entry = emr_bytes_of(at, s->entry_len),
		.items = emr_bytes_of(at + s->entry_len, s->items_len)};
}

/* ---- the other threads ---- */

static void check_next(emr_ahead *a)
{
	slot *s = &a->slots[a->next++];
	emr_ledger_entry entry = entry_in(a, s);
	emr_chain_checked checked;

	a->n_busy++;
	(void)pthread_mutex_unlock(&a->lock);
	emr_chain_check(&entry, s->has_pk ? s->pk : NULL, &checked);
	(void)pthread_mutex_lock(&a->lock);
	s->checked = checked;
	s->is_done = true;
	a->n_busy--;
	(void)pthread_cond_signal(&a->done);
}

static void *run(void *arg)
{
	emr_ahead *a = arg;
	EMR_LOCKED(&a->lock);

	while (!a->stops) {
		if (a->next < a->end)
			check_next(a);
		else
			(void)pthread_cond_wait(&a->work, &a->lock);
	}
	return NULL;
}

static size_t other_cores(void)
{
	cpu_set_t set;
	int n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;

	return n > 1 ? (size_t)n - 1 : 0;
}

/* Without threads everything is checked when its turn comes. */
static void start_threads(emr_ahead *a)
{
	size_t max = other_cores();

	a->has_started = true;
	while (a->n_threads < max && a->n_threads < THREADS_MAX &&
		pthread_create(&a->threads[a->n_threads], NULL, run, a) == 0) {
		(void)pthread_setname_np(a->threads[a->n_threads], "ledger ahead");
		a->n_threads++;
	}
}

/* ---- in order ---- */

static void open_window(emr_ahead *a)
{
	if (!a->has_started && a->n == EMR_AHEAD_ENTRIES)
		start_threads(a);
	if (a->n_threads == 0)
		return;
	(void)pthread_mutex_lock(&a->lock);
	a->next = 0;
	a->end = a->n;
	(void)pthread_cond_broadcast(&a->work);
	(void)pthread_mutex_unlock(&a->lock);
}

/* No thread looks at it any more. */
static void close_window(emr_ahead *a)
{
	(void)pthread_mutex_lock(&a->lock);
	a->end = 0;
	while (a->n_busy > 0)
		(void)pthread_cond_wait(&a->done, &a->lock);
	(void)pthread_mutex_unlock(&a->lock);
	a->n = 0;
	a->is_full = false;
	emr_buf_clear(&a->bytes);
}

/* Returns the findings of slot I, whose turn it is: nothing, when no thread has begun with it. */
static emr_chain_checked known_of(emr_ahead *a, size_t i)
{
	emr_chain_checked known = {false};

	if (a->n_threads == 0)
		return known;
	(void)pthread_mutex_lock(&a->lock);
	if (i >= a->next) {
		a->next = i + 1;
	} else {
		while (!a->slots[i].is_done)
			(void)pthread_cond_wait(&a->done, &a->lock);
		known = a->slots[i].checked;
	}
	(void)pthread_mutex_unlock(&a->lock);
	return known;
}

emr_status emr_ahead_each(emr_ahead *a, emr_ahead_fn fn, void *arg, size_t *out_n)
{
	emr_status status = EMR_OK;

	*out_n = 0;
	open_window(a);
	for (size_t i = 0; status == EMR_OK && i < a->n; i++) {
		emr_chain_checked known = known_of(a, i);
		emr_ledger_entry entry = entry_in(a, &a->slots[i]);

		status = fn(arg, &entry, &known);
		*out_n += status == EMR_OK;
	}
	close_window(a);
	return status;
}
