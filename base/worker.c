/* This file starts, wakes and ends the threads that work in the background, and waits on conditions
 * until a time of the boot clock. */
#include "base/worker.h"

#include <time.h>

#include "base/clock.h"

#define SECOND_NS INT64_C(1000000000)
/* While the computer sleeps its boot clock goes on, and the clock that a condition waits on does
 * not. */
#define WAIT_MAX_NS (3600 * SECOND_NS)

void emr_cond_init(pthread_cond_t *cond)
{
	pthread_condattr_t attributes;

	(void)pthread_condattr_init(&attributes);
	(void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	(void)pthread_cond_init(cond, &attributes);
	(void)pthread_condattr_destroy(&attributes);
}

void emr_cond_wait_until(pthread_cond_t *cond, pthread_mutex_t *lock, int64_t until_boot_ns)
{
	struct timespec until;
	int64_t left;

	if (until_boot_ns == EMR_NEVER_NS) {
		(void)pthread_cond_wait(cond, lock);
		return;
	}
	left = until_boot_ns - emr_clock_boot_ns(emr_clock_system());
	if (left <= 0)
		return;
	left = left > WAIT_MAX_NS ? WAIT_MAX_NS : left;
	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	left += until.tv_nsec;
	until.tv_sec += (time_t)(left / SECOND_NS);
	until.tv_nsec = (long)(left % SECOND_NS);
	(void)pthread_cond_timedwait(cond, lock, &until);
}

void emr_worker_init(emr_worker *worker)
{
	*worker = (emr_worker){.has_thread = false};
	(void)pthread_mutex_init(&worker->lock, NULL);
	emr_cond_init(&worker->wake);
}

void emr_worker_free(emr_worker *worker)
{
	(void)pthread_cond_destroy(&worker->wake);
	(void)pthread_mutex_destroy(&worker->lock);
}

emr_status emr_worker_start(emr_worker *worker, const char *name, void *(*run)(void *), void *arg)
{
	(void)pthread_mutex_lock(&worker->lock);
	worker->is_stopping = false;
	(void)pthread_mutex_unlock(&worker->lock);
	if (pthread_create(&worker->thread, NULL, run, arg) != 0)
		return EMR_NO_MEMORY;
	worker->has_thread = true;
	(void)pthread_setname_np(worker->thread, name);
	return EMR_OK;
}

void emr_worker_stop(emr_worker *worker)
{
	if (!worker->has_thread)
		return;
	(void)pthread_mutex_lock(&worker->lock);
	worker->is_stopping = true;
	(void)pthread_cond_signal(&worker->wake);
	(void)pthread_mutex_unlock(&worker->lock);
	(void)pthread_join(worker->thread, NULL);
	worker->has_thread = false;
}

void emr_worker_wake(emr_worker *worker)
{
	EMR_LOCKED(&worker->lock);

	worker->is_woken = true;
	(void)pthread_cond_signal(&worker->wake);
}

bool emr_worker_wait(emr_worker *worker, int64_t until_boot_ns)
{
	bool goes_on;
	EMR_LOCKED(&worker->lock);

	while (!worker->is_stopping && !worker->is_woken &&
		emr_clock_boot_ns(emr_clock_system()) < until_boot_ns)
		emr_cond_wait_until(&worker->wake, &worker->lock, until_boot_ns);
	goes_on = !worker->is_stopping;
	worker->is_woken = false;
	return goes_on;
}

bool emr_worker_is_stopping(emr_worker *worker)
{
	bool is_stopping;
	EMR_LOCKED(&worker->lock);

	is_stopping = worker->is_stopping;
	return is_stopping;
}
