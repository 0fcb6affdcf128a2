/* These tests show which thread answers a request that had to wait: exactly one of the thread that
 * did the work and the deadline. */
#include <pthread.h>
#include <time.h>

#include "emr_test.h"
#include "park.h"

#define LONG_NS INT64_C(3600000000000)

static int answers[WAIT_MAX + 2]; /* by request; the pointers are never looked into */
static int last_error;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t answered = PTHREAD_COND_INITIALIZER;

WRAPPED(int, fuse_reply_err, fuse_req_t req, int error)
{
	pthread_mutex_lock(&lock);
	answers[(uintptr_t)req]++;
	last_error = error;
	pthread_cond_broadcast(&answered);
	pthread_mutex_unlock(&lock);
	return 0;
}

/* As libfuse keeps it. */
static fuse_interrupt_func_t interrupt;
static void *interrupt_data;

WRAPPED(void, fuse_req_interrupt_func, fuse_req_t req, fuse_interrupt_func_t func, void *data)
{
	(void)req;
	interrupt = func;
	interrupt_data = data;
}

static fuse_req_t request(size_t number)
{
	return (fuse_req_t)(uintptr_t)number;
}

static void wait_for_answer(size_t number)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 600;
	pthread_mutex_lock(&lock);
	while (answers[number] == 0)
		assert_int_equal(pthread_cond_timedwait(&answered, &lock, &until), 0);
	pthread_mutex_unlock(&lock);
}

static int begin(void **state)
{
	(void)state;
	memset(answers, 0, sizeof answers);
	last_error = 0;
	return wait_start() == EMR_OK ? 0 : -1;
}

AROUND_BY(end, wait_stop())

TEST_IN(begin, end, who_is_in_time_answers_himself)
{
	uint64_t id;

	id = wait_begin(request(1), LONG_NS);
	assert_true(wait_take(id));
	assert_false(wait_take(id));
	assert_int_equal(answers[1], 0);
}

TEST_IN(begin, end, a_deadline_answers_once_and_the_late_thread_does_not)
{
	uint64_t id;

	id = wait_begin(request(1), 1000000);
	wait_for_answer(1);
	assert_int_equal(last_error, ETIMEDOUT);
	assert_false(wait_take(id));
	assert_int_equal(answers[1], 1);
}

TEST_IN(begin, end, an_interrupt_answers_at_once)
{
	uint64_t id;

	id = wait_begin(request(1), LONG_NS);
	interrupt(request(1), interrupt_data);
	wait_for_answer(1);
	assert_int_equal(last_error, EINTR);
	assert_false(wait_take(id));
	interrupt(request(1), interrupt_data);
	assert_int_equal(answers[1], 1);
}

TEST_IN(begin, end, a_later_deadline_is_kept_when_an_earlier_one_is_taken)
{
	uint64_t first, second;

	first = wait_begin(request(1), 2000000);
	second = wait_begin(request(2), 4000000);
	(void)wait_take(first);
	wait_for_answer(2);
	assert_false(wait_take(second));
}

TEST_IN(begin, end, too_many_answer_the_oldest_at_once)
{
	uint64_t ids[WAIT_MAX + 1];

	for (size_t i = 0; i <= WAIT_MAX; i++)
		ids[i] = wait_begin(request(i + 1), LONG_NS + (int64_t)i);
	assert_int_equal(answers[1], 1);
	assert_false(wait_take(ids[0]));
	for (size_t i = 1; i <= WAIT_MAX; i++)
		assert_true(wait_take(ids[i]));
}

TESTS(NULL, NULL)
