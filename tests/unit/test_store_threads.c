/* These tests are about the CAR store under several threads: one writes, others look, list,
 * check and reclaim, and somebody else replaces the index. Some moments are too short to be met
 * by chance: there the test starts the other thread from inside a call that the store makes. */
#include "store_kit.h"

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>

#include "store_private.h"

#define BLOCK_BYTES 1500
#define SEGMENT_BYTES 4096 /* every second block begins another */
#define KEPT 8		   /* blocks that are pinned, and always there */
#define ROUNDS 60

/* ---- What another thread does in the middle of a call ---- */

typedef emr_status (*work)(kit *k);

static struct {
	kit *k;
	work at_new_segment, now;
	unsigned wait_us; /* so long at most, for it may be waiting for what this thread has locked
			   */
	unsigned unlocks; /* of the thread that was interrupted */
	bool is_started;
	pthread_t thread;
	emr_status status; /* of what was done */
	_Atomic bool is_done;
} between;
static _Thread_local unsigned
	unlocks_left; /* of this thread, until the other begins; 0: it never does */

static void *do_now(void *argument)
{
	(void)argument;
	between.status = between.now(between.k);
	atomic_store_explicit(&between.is_done, true, memory_order_relaxed);
	return NULL;
}

/* The waiting orders nothing between the two threads, so that ThreadSanitizer sees what only the
 * store's locks do. */
static void begin_other(void)
{
	between.is_started = pthread_create(&between.thread, NULL, do_now, NULL) == 0;
	for (unsigned us = 0; us < between.wait_us &&
			      !atomic_load_explicit(&between.is_done, memory_order_relaxed);
		us += 100)
		usleep(100);
}

static void end_other(void)
{
	if (between.is_started)
		pthread_join(between.thread, NULL);
	between.is_started = false;
}

WRAPPED(int, pthread_mutex_unlock, pthread_mutex_t *mutex)
{
	int failed = __real_pthread_mutex_unlock(mutex);

	if (unlocks_left > 0 && --unlocks_left == 0)
		begin_other();
	return failed;
}

/* The first bytes of a segment are written when its file is there. */
WRAPPED(ssize_t, pwrite64, int fd, const void *bytes, size_t len, off_t offset)
{
	if (between.at_new_segment != NULL && offset == 0) {
		between.now = between.at_new_segment;
		between.at_new_segment = NULL;
		begin_other();
	}
	return __real_pwrite64(fd, bytes, len, offset);
}

/* Does OTHER at the Nth unlocking in ONE. */
static emr_status do_between(kit *k, work one, unsigned n, work other, unsigned wait_us)
{
	emr_status status;

	memset(&between, 0, sizeof between);
	between.k = k;
	between.now = other;
	between.wait_us = wait_us;
	unlocks_left = n;
	status = one(k);
	between.unlocks = n - unlocks_left;
	unlocks_left = 0;
	return status;
}

#define SURELY_US 60000000 /* where the other waits for nothing */
#define PERHAPS_US 1000
#define PLACES_MAX 20

static emr_status roll_and_reclaim(kit *k)
{
	emr_reclaim_report report;
	emr_status status = emr_store_close_segment(k->store);

	if (status == EMR_OK)
		status = emr_store_reclaim(k->store, &(emr_reclaim_options){0}, &report);
	return status == EMR_OK && report.segments_removed != 1 ? EMR_NOT_FOUND : status;
}

static emr_status flush(kit *k)
{
	return emr_store_flush(k->store);
}

static int setup(void **state);

TEST_IN(setup, kit_teardown, a_flush_goes_on_when_its_segment_was_closed_and_reclaimed)
{
	kit *k = *state;

	kit_put(k, 1, BLOCK_BYTES);
	assert_ok(do_between(k, flush, 1, roll_and_reclaim, SURELY_US));
	end_other();
	assert_true(between.is_done);
	assert_ok(between.status);
	kit_put(k, 2, BLOCK_BYTES);
	assert_ok(emr_store_flush(k->store));
	kit_has(k, 2, BLOCK_BYTES);
}

static emr_status check(kit *k)
{
	return emr_store_mend(k->store, NULL);
}

TEST_IN(setup, kit_teardown, a_segment_that_is_being_made_is_not_taken_for_damaged)
{
	kit *k = *state;

	kit_put(k, 1, BLOCK_BYTES);
	between.k = k;
	between.wait_us = SURELY_US;
	between.at_new_segment = check;
	assert_ok(emr_store_close_segment(k->store));
	end_other();
	assert_true(between.is_done);
	assert_ok(between.status);
	kit_put(k, 2, BLOCK_BYTES);
	assert_ok(check(k));
	kit_has(k, 2, BLOCK_BYTES);
}

/* As when a disk is pulled out and put in again. */
TEST_IN(setup, kit_teardown, a_store_whose_directory_was_away_goes_on_when_it_is_back)
{
	kit *k = *state;
	char away[512];

	kit_put(k, 1, BLOCK_BYTES);
	snprintf(away, sizeof away, "%s-away", k->path);
	assert_int_equal(rename(k->path, away), 0);
	assert_int_not_equal(emr_store_index_now(k->store), EMR_OK);
	assert_int_not_equal(kit_try(k, 99, BLOCK_BYTES), EMR_OK);
	assert_int_equal(rename(away, k->path), 0);
	kit_has(k, 1, BLOCK_BYTES);
	assert_status(EMR_NOT_FOUND, kit_try(k, 99, BLOCK_BYTES));
	assert_ok(check(k));
}

/* ---- At one unlocking after the other ---- */

static emr_status look(kit *k)
{
	emr_status status = kit_try(k, 900000, BLOCK_BYTES);

	return status == EMR_NOT_FOUND ? EMR_OK : status;
}

static emr_status count(kit *k)
{
	emr_store_stats stats;

	return emr_store_stats_get(k->store, &stats);
}

static emr_status reclaim_dead(kit *k)
{
	emr_status status = emr_store_reclaim(k->store, &(emr_reclaim_options){0}, NULL);

	return status == EMR_BUSY
		       ? EMR_OK
		       : status; /* the index is new, and whose pins there are is not said yet */
}

static emr_status append(kit *k)
{
	static _Atomic uint32_t seed = 1000;
	emr_block block = kit_block(seed++, BLOCK_BYTES);
	emr_status status = emr_store_append(k->store, &block, 1, NULL);

	kit_block_free(&block);
	return status == EMR_OK ? emr_store_flush(k->store) : status;
}

static emr_status roll(kit *k)
{
	emr_status status = append(k);

	return status == EMR_OK ? emr_store_close_segment(k->store) : status;
}

static emr_status remove_index(kit *k)
{
	char path[512];

	kit_file(k, "index.sqlite", path);
	(void)unlink(path);
	return EMR_OK;
}

static emr_status replace_index(kit *k)
{
	emr_status status = remove_index(k);

	return status == EMR_OK ? emr_store_index_now(k->store) : status;
}

static void open_other(const kit *k, kit *other)
{
	*other = *k;
	other->options.writer.b[15] ^= 1;
	kit_open(other);
}

/* Small segments of two writers in one directory; what is kept stands in both. */
static void keep_some(kit *k, kit *other)
{
	for (uint32_t i = 0; i < KEPT; i++) {
		kit *writer = i % 2 == 0 ? k : other;
		emr_cid cid = kit_put(writer, i, BLOCK_BYTES);

		kit_pin_one(writer, &cid, false);
	}
}

static void has_kept(kit *k)
{
	for (uint32_t i = 0; i < KEPT; i++)
		kit_has(k, i, BLOCK_BYTES);
}

static unsigned unlocks_in(kit *k, work one)
{
	assert_ok(append(k));
	assert_ok(do_between(k, one, UINT_MAX, NULL, 0));
	return between.unlocks;
}

/* OTHER comes between at the places of ONE where a lock is let go, one after the other; where there
 * are many, at some. */
static void meet_everywhere(kit *k, work one, work other)
{
	unsigned count = unlocks_in(k, one);

	assert_true(count > 0);
	for (unsigned n = 1; n <= count; n += 1 + count / PLACES_MAX) {
		assert_ok(reclaim_dead(k));
		assert_ok(append(k));
		assert_ok(do_between(k, one, n, other, PERHAPS_US));
		end_other();
		assert_ok(between.status);
	}
	has_kept(k);
}

TEST_IN(setup, kit_teardown, whatever_is_done_another_comes_between)
{
	const work all[] = {look, check, count, reclaim_dead, roll};
	const work others[] = {roll, replace_index, reclaim_dead};
	kit *k = *state;
	AUTO(kit_close) kit other;

	open_other(k, &other);
	keep_some(k, &other);
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		for (size_t j = 0; j < sizeof others / sizeof others[0]; j++) {
			meet_everywhere(k, all[i], others[j]);
			kit_close(k);
			kit_open(k);
		}
	}
	has_kept(k);
}

/* ---- A reclaim that rests ---- */

typedef struct resting {
	_Atomic unsigned asked;
	unsigned rests; /* so many times */
	bool stop, has_lock;
	kit *k;
	emr_status status;
} resting;

static int64_t rest_ns(void *context)
{
	resting *r = context;
	pthread_rwlock_t *swap = &r->k->store->index_swap;
	/* Those wait for it whose locks an answer may need. */
	r->has_lock |= pthread_rwlock_trywrlock(swap) != 0 || pthread_rwlock_unlock(swap) != 0;
	return atomic_fetch_add(&r->asked, 1) < r->rests ? 1 : 0;
}

static void *reclaim_resting(void *argument)
{
	resting *r = argument;
	const emr_reclaim_options options = {
		.rest_ns = rest_ns, .stop = &r->stop, .roots_context = r};

	r->status = emr_store_reclaim(r->k->store, &options, NULL);
	return NULL;
}

TEST_IN(setup, kit_teardown, a_reclaim_rests_for_others_and_for_none_that_waits_for_it)
{
	resting ends = {.stop = true}, goes_on = {.rests = 5}, others = {.rests = UINT_MAX};
	resting *all[] = {&ends, &goes_on, &others};
	kit *k = *state;
	pthread_t thread;

	keep_some(k, k);
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		all[i]->k = k;
		assert_ok(append(k));
		assert_int_equal(pthread_create(&thread, NULL, reclaim_resting, all[i]), 0);
		while (all[i] == &others && atomic_load(&others.asked) == 0)
			usleep(100);
		assert_ok(all[i] == &others ? reclaim_dead(k) : EMR_OK);
		assert_int_equal(pthread_join(thread, NULL), 0);
		assert_false(all[i]->has_lock);
	}
	assert_status(EMR_INTERRUPTED, ends.status);
	assert_ok(goes_on.status);
	assert_true(goes_on.asked > goes_on.rests);
	assert_ok(others.status);
	has_kept(k);
}

#define SAVED_FROM 5000
#define SAVED_BYTES(i) (BLOCK_BYTES + (i) % 7)

static uint32_t saved; /* blocks that were appended and pinned between */

/* Saves as beside somebody else who closes the segment. */
static emr_status save_and_roll(kit *k)
{
	emr_block block = kit_block(SAVED_FROM + saved, SAVED_BYTES(saved));
	emr_pin_change pin = {.pin = {.root = block.cid, .state = EMR_PIN_WRITTEN}};
	emr_status status = emr_store_append_group(k->store,
		&(emr_store_group){
			.blocks = &block, .block_count = 1, .pins = &pin, .pin_count = 1},
		NULL);

	kit_block_free(&block);
	saved += status == EMR_OK;
	return status == EMR_OK ? emr_store_close_segment(k->store) : status;
}

static void has_saved(kit *k)
{
	for (uint32_t i = 0; i < saved; i++)
		kit_has(k, SAVED_FROM + i, SAVED_BYTES(i));
}

TEST_IN(setup, kit_teardown, what_is_saved_while_space_is_looked_for_is_not_taken_away)
{
	kit *k = *state;
	unsigned count = unlocks_in(k, reclaim_dead);

	saved = 0;
	for (unsigned n = 1; n <= count; n++) {
		assert_ok(append(k));
		assert_ok(roll(k));
		assert_ok(do_between(k, reclaim_dead, n, save_and_roll, PERHAPS_US));
		end_other();
		assert_ok(between.status);
		has_saved(k);
	}
	assert_true(saved > 0);
	kit_close(k);
	kit_open(k);
	has_saved(k);
}

/* ---- Threads ---- */

typedef struct worker {
	kit *k;
	_Atomic bool *is_over;
	work work;
	emr_status status; /* the first that was not EMR_OK */
	const char *what;
} worker;

static void *run_worker(void *argument)
{
	worker *w = argument;

	do
		w->status = w->work(w->k);
	while (w->status == EMR_OK && !*w->is_over);
	return NULL;
}

static emr_status read_kept(kit *k)
{
	emr_status status = EMR_OK;

	for (uint32_t i = 0; status == EMR_OK && i < KEPT; i++)
		status = kit_try(k, i, BLOCK_BYTES);
	return status;
}

static void prepare(kit *k, kit *other)
{
	kit_close(k);
	k->options.segment_bytes = SEGMENT_BYTES;
	k->options.no_background = false;
	k->options.index_delay_ms = 1;
	kit_open(k);
	open_other(k, other);
	keep_some(k, other);
}

/* Appends beside WORKERS; with NEW_INDEX somebody takes the index away now and then. */
static void append_beside(kit *k, worker *workers, size_t count, bool new_index)
{
	_Atomic bool is_over = false;
	pthread_t threads[8];
	emr_status status = EMR_OK;
	AUTO(kit_close) kit other;

	prepare(k, &other);
	for (size_t i = 0; i < count; i++) {
		workers[i].k = k;
		workers[i].is_over = &is_over;
		assert_int_equal(pthread_create(&threads[i], NULL, run_worker, &workers[i]), 0);
	}
	for (uint32_t i = 0; status == EMR_OK && i < ROUNDS; i++) {
		status = append(k);
		if (status == EMR_OK && new_index && i % 10 == 9)
			status = remove_index(k);
	}
	is_over = true;
	for (size_t i = 0; i < count; i++)
		pthread_join(threads[i], NULL);
	assert_ok(status);
	for (size_t i = 0; i < count; i++)
		if (workers[i].status != EMR_OK)
			fail_msg("%s: %s", workers[i].what, emr_status_text(workers[i].status));
	has_kept(k);
}

#define WORKER(does)                                                                               \
	{                                                                                          \
		.work = (does), .what = #does                                                      \
	}

TEST_IN(setup, kit_teardown, segments_roll_while_others_look_and_check)
{
	worker workers[] = {WORKER(look), WORKER(read_kept), WORKER(check), WORKER(count)};

	append_beside(*state, workers, sizeof workers / sizeof workers[0], false);
}

TEST_IN(setup, kit_teardown, segments_are_reclaimed_while_others_look_and_check)
{
	worker workers[] = {WORKER(look), WORKER(read_kept), WORKER(check), WORKER(count),
		WORKER(reclaim_dead)};

	append_beside(*state, workers, sizeof workers / sizeof workers[0], false);
}

TEST_IN(setup, kit_teardown, the_index_is_replaced_while_others_look_and_check)
{
	worker workers[] = {WORKER(look), WORKER(read_kept), WORKER(check), WORKER(count),
		WORKER(reclaim_dead)};

	append_beside(*state, workers, sizeof workers / sizeof workers[0], true);
}

static int setup(void **state)
{
	memset(&between, 0, sizeof between);
	unlocks_left = 0;
	return kit_setup(state);
}

TESTS(NULL, NULL)
