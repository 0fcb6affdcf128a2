/* This file keeps those requests of a server that wait: for something to happen, or for a worker
 * beside the threads that speak with clients. */

#include "base/clock.h"
#include "base/worker.h"
#include "serve_private.h"

/* ---- waiting ---- */

void emr_serve_wait(emr_serve_call *call, uint64_t for_more_than, uint64_t ms)
{
	call->waits_for = for_more_than;
	call->waits_until_ns = emr_clock_boot_ns(emr_clock_system()) + (int64_t)ms * 1000000;
}

void serve_suspend(emr_serve *serve, emr_serve_call *call)
{
	EMR_LOCKED(&serve->lock);

	MHD_suspend_connection(call->connection);
	if (serve->is_ending || serve->number > call->waits_for) {
		MHD_resume_connection(call->connection);
	} else {
		call->next_waiting = serve->waiting;
		serve->waiting = call;
	}
}

void serve_wake_those(emr_serve *serve, uint64_t number, bool is_all)
{
	int64_t now_ns = emr_clock_boot_ns(emr_clock_system());
	emr_serve_call **at = &serve->waiting;

	while (*at != NULL) {
		emr_serve_call *call = *at;

		if (!is_all && number <= call->waits_for && now_ns < call->waits_until_ns) {
			at = &call->next_waiting;
			continue;
		}
		*at = call->next_waiting;
		MHD_resume_connection(call->connection);
	}
}

void emr_serve_wake(emr_serve *serve, uint64_t number)
{
	EMR_LOCKED(&serve->lock);

	serve->number = number;
	serve_wake_those(serve, number, false);
}

/* ---- what waits for a disk ---- */

bool serve_give_work(emr_serve *serve, emr_serve_call *call)
{
	bool is_given;

	(void)pthread_mutex_lock(&serve->lock);
	is_given = !serve->is_ending && serve->n_workers > 0;
	if (is_given) {
		MHD_suspend_connection(call->connection);
		*serve->work_end = call;
		serve->work_end = &call->next_waiting;
		(void)pthread_cond_signal(&serve->has_work);
	}
	(void)pthread_mutex_unlock(&serve->lock);
	return is_given;
}

/* Lock held. */
static emr_serve_call *next_work(emr_serve *serve)
{
	emr_serve_call *call = serve->work;

	serve->work = call->next_waiting;
	if (serve->work == NULL)
		serve->work_end = &serve->work;
	call->next_waiting = NULL;
	return call;
}

static void *work(void *arg)
{
	emr_serve *serve = arg;

	(void)pthread_mutex_lock(&serve->lock);
	while (serve->work != NULL || !serve->is_ending) {
		emr_serve_call *call;

		if (serve->work == NULL) {
			(void)pthread_cond_wait(&serve->has_work, &serve->lock);
			continue;
		}
		call = next_work(serve);
		(void)pthread_mutex_unlock(&serve->lock);
		call->is_answered = call->route->answer(call->arg, call);
		MHD_resume_connection(call->connection);
		(void)pthread_mutex_lock(&serve->lock);
	}
	(void)pthread_mutex_unlock(&serve->lock);
	return NULL;
}

void serve_start_workers(emr_serve *serve)
{
	serve->work_end = &serve->work;
	(void)pthread_cond_init(&serve->has_work, NULL);
	while (serve->n_workers < SERVE_WORKERS &&
		pthread_create(&serve->workers[serve->n_workers], NULL, work, serve) == 0)
		serve->n_workers++;
}

void serve_end_workers(emr_serve *serve)
{
	(void)pthread_cond_broadcast(&serve->has_work);
	for (unsigned i = 0; i < serve->n_workers; i++)
		(void)pthread_join(serve->workers[i], NULL);
	(void)pthread_cond_destroy(&serve->has_work);
}
