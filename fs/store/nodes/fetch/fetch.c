/* This file looks for a block in this computer's store and among those that were brought, notes
 * for each thread which one it missed, and has missing ones brought by the threads of the copies.
 * What no place could give is not asked for again for two seconds. */
#include "fetch/fetch.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "base/worker.h"
#include "ipfs/copies.h"
#include "store/car_store.h"

#include "held.h"

#define PLACE_MS 10000
#define FAILURES 64
#define FAILURE_NS INT64_C(2000000000)
#define AWAY_NS INT64_C(10000000000)
#define AHEAD 128
#define SLOW_NS INT64_C(1000000000)
#define TOGETHER 16 /* fewer than are held where no cache takes it */
#define AGE_NS INT64_C(3600000000000)

typedef struct failure {
	emr_cid cid;
	int64_t until_boot_ns;
	emr_status status;
} failure;

typedef struct bringing {
	struct bringing *next;
	emr_fetcher *fetcher;
	emr_cid cid;
	emr_fetched_fn done; /* NULL: nobody is told */
	void *arg;
	int64_t asked_boot_ns;
	bool is_wanted; /* somebody waits for it */
} bringing;

struct emr_fetcher {
	emr_block_store face;
	emr_fetcher_options options;
	char *places;
	_Atomic uint64_t blocks, bytes;
	held_blocks held;
	pthread_mutex_t lock; /* of what follows; the copies' own is taken under it */
	emr_copies *copies;   /* NULL: there is nobody to ask, or it was stopped */
	failure failures[FAILURES];
	size_t failure_next;
	emr_cid ahead[AHEAD]; /* asked for before anybody wanted them, the last ones */
	size_t ahead_next;
	bringing *all;
	int64_t aged_boot_ns;
	int64_t away_until_boot_ns; /* whoever may wait does not until then */
	bool is_slow;		    /* what somebody wanted last took longer than SLOW_NS */
};

/* What this thread missed, and whether it waits. */
static _Thread_local struct {
	const emr_fetcher *fetcher;
	emr_cid cid;
	bool has_missed;
	bool is_waiting, is_home;
	emr_fetch_count came;
} mine;

static int64_t boot_ns(const emr_fetcher *fetcher)
{
	return emr_clock_boot_ns(fetcher->options.clock);
}

/* ---- What was brought ---- */

static bool is_brought(emr_fetcher *fetcher, const emr_cid *cid)
{
	return (fetcher->options.cache != NULL &&
		       emr_block_cache_has(fetcher->options.cache, cid, NULL)) ||
	       held_size(&fetcher->held, cid) > 0;
}

static bool is_here(void *fetcher, const emr_cid *cid)
{
	return is_brought(fetcher, cid);
}

static void age(emr_fetcher *fetcher)
{
	bool is_due;

	pthread_mutex_lock(&fetcher->lock);
	is_due = boot_ns(fetcher) - fetcher->aged_boot_ns >= AGE_NS;
	if (is_due)
		fetcher->aged_boot_ns = boot_ns(fetcher);
	pthread_mutex_unlock(&fetcher->lock);
	if (is_due)
		emr_block_cache_age(fetcher->options.cache);
}

static emr_status keep(emr_fetcher *fetcher, const emr_cid *cid, emr_bytes block)
{
	emr_block_cache *cache = fetcher->options.cache;
	bool is_cached = false;

	if (is_brought(fetcher, cid) || block.len == 0) /* or it came for somebody else */
		return EMR_OK;
	atomic_fetch_add(&fetcher->blocks, 1);
	atomic_fetch_add(&fetcher->bytes, block.len);
	if (cache != NULL) {
		age(fetcher);
		is_cached = emr_block_cache_put(cache, cid, block) == EMR_OK;
	}
	return held_add(&fetcher->held, cid, block, is_cached) == EMR_OK || is_cached
		       ? EMR_OK
		       : EMR_NO_MEMORY;
}

/* ---- The face of a block store ---- */

static emr_fetcher *of(emr_block_store *face)
{
	return (emr_fetcher *)face;
}

static void note_missed(const emr_fetcher *fetcher, const emr_cid *cid)
{
	mine.fetcher = fetcher;
	mine.cid = *cid;
	mine.has_missed = true;
}

static emr_status get_brought(emr_fetcher *fetcher, const emr_cid *cid, emr_buf *out)
{
	emr_block_cache *cache = fetcher->options.cache;
	emr_status status = held_get(&fetcher->held, cid, out);

	return status == EMR_NOT_FOUND && cache != NULL ? emr_block_cache_get(cache, cid, out)
							: status;
}

static emr_status get_here(emr_fetcher *fetcher, const emr_cid *cid, emr_buf *out)
{
	emr_status status = get_brought(fetcher, cid, out);

	if (status == EMR_NOT_FOUND)
		status = emr_block_store_get_verified(fetcher->options.store, cid, out);
	if (status == EMR_NOT_FOUND || status == EMR_DAMAGED)
		note_missed(fetcher, cid);
	return status;
}

static emr_status size_here(emr_fetcher *fetcher, const emr_cid *cid, uint64_t *out_bytes)
{
	size_t held;
	emr_status status;

	if (fetcher->options.cache != NULL &&
		emr_block_cache_has(fetcher->options.cache, cid, out_bytes))
		return EMR_OK;
	held = held_size(&fetcher->held, cid);
	if (held > 0) {
		*out_bytes = held;
		return EMR_OK;
	}
	status = emr_block_store_size(fetcher->options.store, cid, out_bytes);
	if (status == EMR_NOT_FOUND)
		note_missed(fetcher, cid);
	return status;
}

typedef struct waiting {
	pthread_mutex_t lock;
	pthread_cond_t told;
	bool is_over;
	emr_status status;
} waiting;

static void end_wait(void *arg, emr_status status)
{
	waiting *w = arg;

	pthread_mutex_lock(&w->lock);
	w->is_over = true;
	w->status = status;
	pthread_cond_signal(&w->told);
	pthread_mutex_unlock(&w->lock);
}

/* Of a thousand records not each waits for a place that does not answer. */
static bool is_away(emr_fetcher *fetcher)
{
	bool is;

	pthread_mutex_lock(&fetcher->lock);
	is = boot_ns(fetcher) < fetcher->away_until_boot_ns;
	pthread_mutex_unlock(&fetcher->lock);
	return is;
}

static emr_status wait_for(emr_fetcher *fetcher, const emr_cid *cid)
{
	waiting w = {.lock = PTHREAD_MUTEX_INITIALIZER, .told = PTHREAD_COND_INITIALIZER};
	emr_status status = EMR_OFFLINE;
	uint64_t bytes = 0;

	if (!is_away(fetcher))
		status = emr_fetcher_bring(fetcher, cid, end_wait, &w);
	if (status != EMR_OK)
		return status;
	pthread_mutex_lock(&w.lock);
	while (!w.is_over)
		pthread_cond_wait(&w.told, &w.lock);
	pthread_mutex_unlock(&w.lock);
	if (w.status == EMR_OK && size_here(fetcher, cid, &bytes) == EMR_OK) {
		mine.came.blocks++;
		mine.came.bytes += bytes;
	}
	return w.status;
}

/* Into the local store, if it is not there; without room it stays where it is. */
static emr_status bring_home(emr_fetcher *fetcher, const emr_cid *cid)
{
	EMR_AUTO_BUF block = {0};
	emr_status status = emr_block_store_get_verified(fetcher->options.store, cid, &block);
	bool is_lacking = status == EMR_NOT_FOUND || status == EMR_DAMAGED;

	if (is_lacking)
		status = get_brought(fetcher, cid, &block);
	if (is_lacking && status == EMR_OK) {
		const emr_block one = {.cid = *cid, .data = emr_buf_view(&block)};

		status = emr_block_store_put(&fetcher->face, &one, 1); /* the cache gives way */
	}
	if (status != EMR_OK)
		emr_log(EMR_LOG_WARN, "fetch: a block was brought and not kept: %s",
			emr_status_text(status));
	else if (fetcher->options.cache != NULL) /* or whoever asks again reads it again */
		emr_block_cache_drop(fetcher->options.cache, cid);
	return status;
}

/* STATUS of a look at what is here; true: look again. */
static bool may_look_again(emr_fetcher *fetcher, const emr_cid *cid, emr_status status)
{
	bool is_missing = status == EMR_NOT_FOUND || status == EMR_DAMAGED;

	if (!mine.is_waiting || (is_missing && wait_for(fetcher, cid) != EMR_OK))
		return false;
	if (is_missing)
		mine.has_missed = false;
	if (mine.is_home && is_brought(fetcher, cid))
		(void)bring_home(fetcher, cid); /* it stays where it is, and has been logged */
	return is_missing;
}

static emr_status get_verified(emr_block_store *face, const emr_cid *cid, emr_buf *out)
{
	emr_fetcher *fetcher = of(face);
	emr_status status = get_here(fetcher, cid, out);

	return may_look_again(fetcher, cid, status) ? get_here(fetcher, cid, out) : status;
}

static emr_status get_units(
	emr_block_store *face, const emr_cid *cid, emr_units units, uint8_t *out)
{
	return emr_block_store_get_units(of(face)->options.store, cid, units, out);
}

static void note_units(
	emr_block_store *face, const emr_cid *cid, emr_units units, const uint8_t *bytes)
{
	emr_block_store_note_units(of(face)->options.store, cid, units, bytes);
}

static emr_status size(emr_block_store *face, const emr_cid *cid, uint64_t *out_bytes)
{
	emr_fetcher *fetcher = of(face);
	emr_status status = size_here(fetcher, cid, out_bytes);

	return may_look_again(fetcher, cid, status) ? size_here(fetcher, cid, out_bytes) : status;
}

/* What was brought can be brought again; what a person saves cannot. */
static emr_status put(emr_block_store *face, const emr_block *blocks, size_t count)
{
	emr_fetcher *fetcher = of(face);
	emr_status status = emr_block_store_put(fetcher->options.store, blocks, count);
	uint64_t bytes = 0;

	if (!emr_status_is_full(status))
		return status;
	for (size_t i = 0; i < count; i++)
		bytes += blocks[i].data.len;
	return emr_fetcher_give_way(fetcher, bytes)
		       ? emr_block_store_put(fetcher->options.store, blocks, count)
		       : status;
}

static emr_status pin(emr_block_store *face, const emr_pin *pins, size_t count)
{
	return emr_block_store_pin(of(face)->options.store, pins, count);
}

static emr_status unpin(emr_block_store *face, const emr_pin *pins, size_t count)
{
	return emr_block_store_unpin(of(face)->options.store, pins, count);
}

static emr_status each_pin(emr_block_store *face, emr_pin_visit visit, void *context)
{
	return emr_block_store_each_pin(of(face)->options.store, visit, context);
}

static emr_status sync_store(emr_block_store *face)
{
	return emr_block_store_sync(of(face)->options.store);
}

/* Of what is kept; a cache is nobody's second copy. */
static emr_status stats(emr_block_store *face, emr_store_stats *out_stats)
{
	return emr_block_store_stats(of(face)->options.store, out_stats);
}

static const emr_block_store_ops ops = {.put = put,
	.get_verified = get_verified,
	.get_units = get_units,
	.note_units = note_units,
	.size = size,
	.pin = pin,
	.unpin = unpin,
	.each_pin = each_pin,
	.sync = sync_store,
	.stats = stats};

emr_block_store *emr_fetcher_blocks(emr_fetcher *fetcher)
{
	return &fetcher->face;
}

void emr_fetcher_begin(emr_fetcher *fetcher)
{
	if (mine.fetcher == fetcher)
		mine.has_missed = false;
}

bool emr_fetcher_missed(emr_fetcher *fetcher, emr_cid *out_cid)
{
	if (fetcher == NULL || mine.fetcher != fetcher || !mine.has_missed ||
		fetcher->options.place_count == 0)
		return false;
	*out_cid = mine.cid;
	return true;
}

void emr_fetcher_wait_begin(emr_fetcher *fetcher, bool is_home)
{
	mine.is_waiting = fetcher != NULL;
	mine.is_home = is_home;
	mine.came = (emr_fetch_count){0};
}

emr_fetch_count emr_fetcher_wait_end(emr_fetcher *fetcher)
{
	mine.is_waiting = false;
	return fetcher != NULL ? mine.came : (emr_fetch_count){0};
}

emr_status emr_fetcher_await(
	emr_fetcher *fetcher, const emr_cid *cid, bool is_home, emr_fetch_count *count)
{
	emr_status status;

	mine.came = (emr_fetch_count){0};
	status = wait_for(fetcher, cid);
	if (status == EMR_OK && is_home)
		(void)bring_home(fetcher, cid); /* as above */
	count->blocks += mine.came.blocks;
	count->bytes += mine.came.bytes;
	return status;
}

emr_status emr_fetcher_take_home(emr_fetcher *fetcher, const emr_cid *cid)
{
	uint64_t bytes;

	if (is_brought(fetcher, cid))
		return bring_home(fetcher, cid);
	if (emr_block_store_size(fetcher->options.store, cid, &bytes) == EMR_OK)
		return EMR_OK;
	note_missed(fetcher, cid);
	return EMR_NOT_FOUND;
}

static emr_status keep_block(void *cache, const emr_cid *cid)
{
	emr_block_cache_keep(cache, cid);
	return EMR_OK;
}

static emr_status save_block(void *arg, const emr_cid *cid)
{
	emr_fetcher *fetcher = arg;

	if (is_brought(fetcher, cid))
		(void)bring_home(fetcher, cid); /* without room it stays, and is logged */
	return EMR_OK;
}

/* All of it is kept first: for what goes home the cache gives way, and not with the rest of it. */
emr_status emr_fetcher_save(emr_fetcher *fetcher, const emr_cid *root)
{
	emr_status status;

	if (fetcher == NULL || fetcher->options.cache == NULL ||
		emr_block_cache_bytes(fetcher->options.cache) == 0)
		return EMR_OK;
	status = emr_store_walk_here(&fetcher->face, root, keep_block, fetcher->options.cache);
	return status == EMR_OK ? emr_store_walk_here(&fetcher->face, root, save_block, fetcher)
				: status;
}

void emr_fetcher_looked(emr_fetcher *fetcher)
{
	if (fetcher != NULL && fetcher->options.cache != NULL)
		emr_block_cache_looked(fetcher->options.cache);
}

/* ---- Bringing ---- */

/* Only an answer that says so tells that there is none.  After one that broke off, an error of the
 * node, or what is no node, nobody knows what is there: it is asked again. */
static emr_status status_of(emr_status status)
{
	switch ((int)status) {
	case EMR_OK:
	case EMR_TIMEOUT:
	case EMR_INTERRUPTED:
	case EMR_NO_MEMORY:
		return status;
	case EMR_NOT_FOUND:
	case EMR_DAMAGED: /* it gave what cannot be the block */
	case EMR_LIMIT:
		return EMR_MISSING_DATA;
	}
	return EMR_OFFLINE;
}

/* With the lock. */
static void note_failure(emr_fetcher *fetcher, const emr_cid *cid, emr_status status)
{
	fetcher->failures[fetcher->failure_next++ % FAILURES] = (failure){
		.cid = *cid, .until_boot_ns = boot_ns(fetcher) + FAILURE_NS, .status = status};
}

/* With the lock: EMR_OK, or why it did not come just now. */
static emr_status last_failure(const emr_fetcher *fetcher, const emr_cid *cid)
{
	int64_t now = boot_ns(fetcher);

	for (size_t i = 0; i < FAILURES; i++) {
		const failure *f = &fetcher->failures[i];

		if (f->until_boot_ns > now && emr_cid_equal(&f->cid, cid))
			return f->status;
	}
	return EMR_OK;
}

static void take_out(emr_fetcher *fetcher, const bringing *b)
{
	bringing **at = &fetcher->all;

	while (*at != b)
		at = &(*at)->next;
	*at = b->next;
}

static void block_came(void *arg, const emr_copies_answer *answer)
{
	bringing *b = arg;
	emr_fetcher *fetcher = b->fetcher;
	emr_status status = status_of(answer->status);
	emr_fetched_fn done;

	if (status == EMR_OK)
		status = keep(fetcher, &b->cid, answer->block);
	else if (status != EMR_INTERRUPTED)
		emr_log(EMR_LOG_WARN, "fetch: a block did not come: %s, node: %s",
			emr_status_text(answer->status), emr_ipfs_fault_name(answer->fault));
	pthread_mutex_lock(&fetcher->lock);
	/* What nobody wanted yet may be late because it stood behind what somebody did. */
	if (status != EMR_OK && status != EMR_INTERRUPTED &&
		(b->is_wanted || status != EMR_TIMEOUT))
		note_failure(fetcher, &b->cid, status);
	/* A node that looks for it at others is there: only this block is late.  Nor does one
	 * answer that went wrong say anything of the next. */
	if (!answer->has_answered && answer->status != EMR_IO && emr_status_is_away(status))
		fetcher->away_until_boot_ns = boot_ns(fetcher) + AWAY_NS;
	if (b->is_wanted)
		fetcher->is_slow = boot_ns(fetcher) - b->asked_boot_ns > SLOW_NS;
	take_out(fetcher, b);
	done = b->done; /* who forgets does so before, or is told */
	pthread_mutex_unlock(&fetcher->lock);
	if (done != NULL)
		done(b->arg, status);
	free(b);
}

/* With the lock. */
static bool is_brought_for(
	const emr_fetcher *fetcher, const emr_cid *cid, emr_fetched_fn done, const void *arg)
{
	const bringing *b = fetcher->all;

	while (b != NULL && (b->done != done || b->arg != arg || !emr_cid_equal(&b->cid, cid)))
		b = b->next;
	return b != NULL;
}

/* With the lock; NULL: no memory. */
static bringing *new_bringing(
	emr_fetcher *fetcher, const emr_cid *cid, emr_fetched_fn done, void *arg, bool is_wanted)
{
	bringing *b = calloc(1, sizeof *b);

	if (b == NULL)
		return NULL;
	*b = (bringing){.next = fetcher->all,
		.fetcher = fetcher,
		.cid = *cid,
		.done = done,
		.arg = arg,
		.asked_boot_ns = boot_ns(fetcher),
		.is_wanted = is_wanted};
	fetcher->all = b;
	return b;
}

/* With the lock. */
static emr_status begin_bringing(
	emr_fetcher *fetcher, const emr_cid *cid, emr_fetched_fn done, void *arg, bool is_wanted)
{
	bringing *b = new_bringing(fetcher, cid, done, arg, is_wanted);
	emr_status status;

	if (b == NULL)
		return EMR_NO_MEMORY;
	status = emr_copies_fetch(fetcher->copies, cid, block_came, b);
	if (status != EMR_OK) {
		take_out(fetcher, b);
		free(b);
	}
	return status;
}

static emr_status bring(
	emr_fetcher *fetcher, const emr_cid *cid, emr_fetched_fn done, void *arg, bool is_wanted)
{
	emr_status status;

	pthread_mutex_lock(&fetcher->lock);
	status = last_failure(fetcher, cid);
	if (status == EMR_OK && fetcher->copies == NULL)
		status = fetcher->options.place_count > 0 ? EMR_INTERRUPTED : EMR_MISSING_DATA;
	if (status == EMR_OK && !is_brought_for(fetcher, cid, done, arg))
		status = begin_bringing(fetcher, cid, done, arg, is_wanted);
	pthread_mutex_unlock(&fetcher->lock);
	return status;
}

emr_status emr_fetcher_bring(
	emr_fetcher *fetcher, const emr_cid *cid, emr_fetched_fn done, void *arg)
{
	return bring(fetcher, cid, done, arg, done != NULL);
}

emr_status emr_fetcher_bring_beside(
	emr_fetcher *fetcher, const emr_cid *cid, emr_fetched_fn done, void *arg)
{
	return bring(fetcher, cid, done, arg, false);
}

/* ---- Several at a time ---- */

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
			if (is_brought(fetcher, &cids[at + i]))
				(void)bring_home(fetcher, &cids[at + i]); /* has been logged */
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

/* ---- Ahead ---- */

/* With the lock: notes it, too. */
static bool is_ahead(emr_fetcher *fetcher, const emr_cid *cid)
{
	for (size_t i = 0; i < AHEAD; i++) {
		if (emr_cid_equal(&fetcher->ahead[i], cid))
			return true;
	}
	fetcher->ahead[fetcher->ahead_next++ % AHEAD] = *cid;
	return false;
}

static bool lacks_ahead(emr_fetcher *fetcher, const emr_cid *cid)
{
	bool is_useless;
	uint64_t bytes;

	pthread_mutex_lock(&fetcher->lock);
	is_useless = fetcher->copies == NULL || is_ahead(fetcher, cid) ||
		     last_failure(fetcher, cid) != EMR_OK;
	pthread_mutex_unlock(&fetcher->lock);
	return !is_useless && !is_brought(fetcher, cid) &&
	       emr_block_store_size(fetcher->options.store, cid, &bytes) != EMR_OK;
}

/* Whoever wants one of them will hear why it did not come. */
static void begin_run(emr_fetcher *fetcher, const emr_unixfs_run *run)
{
	void *args[EMR_UNIXFS_RUN_MAX];
	size_t made = 0, taken = 0;

	pthread_mutex_lock(&fetcher->lock);
	while (made < run->count) {
		args[made] = new_bringing(fetcher, &run->leaves[made], NULL, NULL, false);
		if (args[made] == NULL)
			break;
		made++;
	}
	if (made == run->count && fetcher->copies != NULL)
		taken = emr_copies_fetch_run(fetcher->copies, run, block_came, args);
	for (size_t i = taken; i < made; i++) {
		take_out(fetcher, args[i]);
		free(args[i]);
	}
	pthread_mutex_unlock(&fetcher->lock);
}

/* Several at a time over a slow line would all be late. */
static bool is_slow(emr_fetcher *fetcher)
{
	bool is;

	pthread_mutex_lock(&fetcher->lock);
	is = fetcher->is_slow;
	pthread_mutex_unlock(&fetcher->lock);
	return is;
}

bool emr_fetcher_bring_ahead(emr_fetcher *fetcher, const emr_unixfs_run *run, size_t from)
{
	size_t n = 0;

	if (is_slow(fetcher))
		return false;
	for (size_t at = from; at <= run->count; at++) {
		emr_unixfs_run part;

		if (at < run->count && lacks_ahead(fetcher, &run->leaves[at])) {
			n++;
			continue;
		}
		if (n == 0)
			continue;
		emr_unixfs_run_part(run, at - n, n, &part);
		begin_run(fetcher, &part);
		n = 0;
	}
	return true;
}

/* ---- All of it ---- */

static emr_status name_places(emr_fetcher *fetcher)
{
	EMR_AUTO_BUF text = {0};
	emr_status status = EMR_OK;

	for (size_t i = 0; status == EMR_OK && i < fetcher->options.place_count; i++) {
		const char *address = emr_ipfs_address(fetcher->options.places[i]);

		if (i > 0)
			status = emr_buf_append(&text, ", ", 2);
		if (status == EMR_OK)
			status = emr_buf_append(&text, address, strlen(address));
	}
	if (status == EMR_OK)
		status = emr_buf_append_zeros(&text, 1);
	fetcher->places = status == EMR_OK ? strdup((const char *)text.data) : NULL;
	return fetcher->places != NULL ? EMR_OK : EMR_NO_MEMORY;
}

emr_status emr_fetcher_open(const emr_fetcher_options *options, emr_fetcher **out_fetcher)
{
	emr_fetcher *fetcher = calloc(1, sizeof *fetcher);
	const emr_copies_options copies = {.places = options->places,
		.place_count = options->place_count,
		.is_here = is_here,
		.here_arg = fetcher,
		.fetch_ms = options->fetch_ms != 0 ? options->fetch_ms : PLACE_MS};
	emr_status status;

	if (fetcher == NULL)
		return EMR_NO_MEMORY;
	fetcher->face.ops = &ops;
	fetcher->options = *options;
	pthread_mutex_init(&fetcher->lock, NULL);
	pthread_mutex_init(&fetcher->held.lock, NULL);
	status = name_places(fetcher);
	if (status == EMR_OK && options->place_count > 0)
		status = emr_copies_open(&copies, &fetcher->copies);
	if (status != EMR_OK) {
		emr_fetcher_close(fetcher);
		return status;
	}
	*out_fetcher = fetcher;
	return EMR_OK;
}

void emr_fetcher_stop(emr_fetcher *fetcher)
{
	emr_copies *copies;

	if (fetcher == NULL)
		return;
	pthread_mutex_lock(&fetcher->lock);
	copies = fetcher->copies;
	fetcher->copies = NULL;
	pthread_mutex_unlock(&fetcher->lock);
	emr_copies_close(copies);
}

bool emr_fetcher_is_stopped(emr_fetcher *fetcher)
{
	bool is;

	pthread_mutex_lock(&fetcher->lock);
	is = fetcher->copies == NULL && fetcher->options.place_count > 0;
	pthread_mutex_unlock(&fetcher->lock);
	return is;
}

void emr_fetcher_close(emr_fetcher *fetcher)
{
	if (fetcher == NULL)
		return;
	emr_fetcher_stop(fetcher);
	held_drop(&fetcher->held);
	pthread_mutex_destroy(&fetcher->held.lock);
	pthread_mutex_destroy(&fetcher->lock);
	free(fetcher->places);
	free(fetcher);
}

bool emr_fetcher_give_way(emr_fetcher *fetcher, uint64_t bytes)
{
	return fetcher != NULL && fetcher->options.cache != NULL &&
	       emr_block_cache_give_way(fetcher->options.cache, bytes);
}

void emr_fetcher_forget(emr_fetcher *fetcher, int64_t until_s)
{
	if (fetcher == NULL)
		return;
	held_drop(&fetcher->held);
	if (fetcher->options.cache != NULL)
		emr_block_cache_drop_until(fetcher->options.cache, until_s);
}

const char *emr_fetcher_places(const emr_fetcher *fetcher)
{
	return fetcher != NULL ? fetcher->places : "";
}

emr_fetch_count emr_fetcher_count(const emr_fetcher *fetcher)
{
	if (fetcher == NULL)
		return (emr_fetch_count){0};
	return (emr_fetch_count){
		.blocks = atomic_load(&((emr_fetcher *)(uintptr_t)fetcher)->blocks),
		.bytes = atomic_load(&((emr_fetcher *)(uintptr_t)fetcher)->bytes)};
}
