/* These tests wake, leave alone and end a thread that works in the background: nothing that it is
 * told is lost, and it goes when it is told to. */
#include <pthread.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "base/worker.h"
#include "emr_test.h"

#define MANY 1000
#define DUE_NS INT64_C(1000000)

typedef struct counter {
	emr_worker worker;
	int64_t due_ns;	   /* after each turn; EMR_NEVER_NS: only when woken */
	atomic_int wanted; /* written by the test, then it wakes */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	int seen, turns; /* lock */
} counter;

static int64_t now_boot_ns(void)
{
	return emr_clock_boot_ns(emr_clock_system());
}

static void *count(void *arg)
{
	counter *c = arg;
	int64_t due_ns = c->due_ns;

	while (emr_worker_wait(&c->worker, due_ns)) {
		pthread_mutex_lock(&c->lock);
		c->seen = atomic_load(&c->wanted);
		c->turns++;
		pthread_cond_broadcast(&c->changed);
		pthread_mutex_unlock(&c->lock);
		due_ns = c->due_ns == EMR_NEVER_NS ? EMR_NEVER_NS : now_boot_ns() + c->due_ns;
	}
	return NULL;
}

static void begin(counter *c, int64_t due_ns)
{
	*c = (counter){.due_ns = due_ns};
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->changed, NULL);
	emr_worker_init(&c->worker);
}

static void end(counter *c)
{
	emr_worker_stop(&c->worker);
	emr_worker_free(&c->worker);
	pthread_cond_destroy(&c->changed);
	pthread_mutex_destroy(&c->lock);
}

static void await_seen(counter *c, int wanted)
{
	pthread_mutex_lock(&c->lock);
	while (c->seen != wanted)
		pthread_cond_wait(&c->changed, &c->lock);
	pthread_mutex_unlock(&c->lock);
}

static void await_turns(counter *c, int turns)
{
	pthread_mutex_lock(&c->lock);
	while (c->turns < turns)
		pthread_cond_wait(&c->changed, &c->lock);
	pthread_mutex_unlock(&c->lock);
}

static void ask(counter *c, int wanted)
{
	atomic_store(&c->wanted, wanted);
	emr_worker_wake(&c->worker);
}

TEST(what_is_asked_while_it_works_is_seen_afterwards)
{
	SCENE_OF(counter, c, end, begin, EMR_NEVER_NS);
	assert_ok(emr_worker_start(&c.worker, "counter", count, &c));
	for (int i = 1; i <= MANY; i++)
		ask(&c, i);
	await_seen(&c, MANY);
	assert_true(c.turns <= MANY);
}

TEST(what_was_asked_before_it_began_is_seen)
{
	SCENE_OF(counter, c, end, begin, EMR_NEVER_NS);
	ask(&c, 7);
	assert_ok(emr_worker_start(&c.worker, "counter", count, &c));
	await_seen(&c, 7);
}

TEST(what_is_due_is_done_without_being_asked)
{
	SCENE_OF(counter, c, end, begin, DUE_NS);
	assert_ok(emr_worker_start(&c.worker, "counter", count, &c));
	await_turns(&c, 3);
}

TEST(who_is_told_to_end_does_no_other_turn)
{
	int turns;

	SCENE_OF(counter, c, end, begin, EMR_NEVER_NS);
	assert_ok(emr_worker_start(&c.worker, "counter", count, &c));
	ask(&c, 1);
	await_seen(&c, 1);
	assert_false(emr_worker_is_stopping(&c.worker));
	emr_worker_stop(&c.worker);
	assert_true(emr_worker_is_stopping(&c.worker));
	turns = c.turns;
	ask(&c, 2);
	emr_worker_stop(&c.worker); /* again does no harm */
	assert_int_equal(c.turns, turns);

	/* And begins again where it is wanted, with what was asked meanwhile. */
	assert_ok(emr_worker_start(&c.worker, "counter", count, &c));
	await_seen(&c, 2);
}

TEST(one_that_never_began_is_ended)
{
	AUTO(emr_worker_free) emr_worker worker = {.has_thread = false};

	emr_worker_stop(&worker);
}

TEST(a_thread_has_its_name)
{
	char name[16];

	SCENE_OF(counter, c, end, begin, EMR_NEVER_NS);
	assert_ok(emr_worker_start(&c.worker, "counter", count, &c));
	assert_int_equal(pthread_getname_np(c.worker.thread, name, sizeof name), 0);
	assert_string_equal(name, "counter");
}

TEST(a_condition_is_waited_on_until_its_time)
{
	pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	int64_t until_ns = now_boot_ns() + 20 * DUE_NS;
	AUTO(pthread_cond_destroy) pthread_cond_t cond;

	emr_cond_init(&cond);
	pthread_mutex_lock(&lock);
	while (now_boot_ns() < until_ns)
		emr_cond_wait_until(&cond, &lock, until_ns);
	emr_cond_wait_until(&cond, &lock, until_ns); /* what is over is not waited for */
	pthread_mutex_unlock(&lock);
}

TESTS(NULL, NULL)
