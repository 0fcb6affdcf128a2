/* This file keeps those requests of a server that wait: for something to happen, or for a worker
 * beside the threads that speak with clients. */

#include "base/clock.h"
#include "base/worker.h"
#include "serve_private.h"

#define AGAIN_NS INT64_C(1000000000)

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
	serve_lane *lane = &serve->lanes[call->route->whose != NULL || call->route->by_address];
	const emr_id32 asks = call->asks;
	emr_serve_call **end = &lane->first;
	bool is_given, is_spent;

	(void)pthread_mutex_lock(&serve->lock);
	is_given = !serve->is_ending && lane->n_workers > 0;
	is_spent = is_given && serve_is_spent(serve, call);
	if (is_given) {
		MHD_suspend_connection(call->connection);
		while (*end != NULL)
			end = &(*end)->next_waiting;
		*end = call;
		(void)pthread_cond_signal(&lane->has_work);
	}
	(void)pthread_mutex_unlock(&serve->lock);
	if (is_spent)
		serve_tell_over(serve, asks);
	return is_given;
}

/* Lock held: its key has not so many workers already that it waits.  At the end nobody does. */
static bool may_begin(const serve_lane *lane, const emr_serve_call *call)
{
	unsigned n = 0;

	if (emr_id32_is_zero(call->asks) || lane->serve->is_ending)
		return true;
	for (unsigned i = 0; i < SERVE_WORKERS; i++)
		n += emr_id32_equal(lane->at_work[i], call->asks);
	return n < SERVE_OF_ONE_KEY && !serve_is_spent(lane->serve, call);
}

/* Lock held.  NULL: each that is there waits. */
static emr_serve_call *next_work(serve_lane *lane)
{
	emr_serve_call **at = &lane->first, *call;

	while (*at != NULL && !may_begin(lane, *at))
		at = &(*at)->next_waiting;
	call = *at;
	if (call != NULL) {
		*at = call->next_waiting;
		call->next_waiting = NULL;
	}
	return call;
}

static void *work(void *arg)
{
	serve_lane *lane = arg;
	emr_serve *serve = lane->serve;
	unsigned own = 0;

	(void)pthread_mutex_lock(&serve->lock);
	while (!pthread_equal(lane->workers[own], pthread_self()))
		own++;
	while (lane->first != NULL || !serve->is_ending) {
		emr_serve_call *call = next_work(lane);

		if (call == NULL) {
			/* One that waits for its key's share is looked at again after a while. */
			emr_cond_wait_until(&lane->has_work, &serve->lock,
				lane->first == NULL
					? EMR_NEVER_NS
					: emr_clock_boot_ns(emr_clock_system()) + AGAIN_NS);
			continue;
		}
		lane->at_work[own] = call->asks;
		(void)pthread_mutex_unlock(&serve->lock);
		call->is_answered = call->route->answer(call->arg, call);
		(void)pthread_mutex_lock(&serve->lock);
		lane->at_work[own] = (emr_id32){{0}};
		MHD_resume_connection(call->connection);
	}
	(void)pthread_mutex_unlock(&serve->lock);
	return NULL;
}

void serve_start_workers(emr_serve *serve)
{
	EMR_LOCKED(&serve->lock);

	for (size_t i = 0; i < 2; i++) {
		serve_lane *lane = &serve->lanes[i];

		lane->serve = serve;
		emr_cond_init(&lane->has_work);
		while (lane->n_workers < SERVE_WORKERS &&
			pthread_create(&lane->workers[lane->n_workers], NULL, work, lane) == 0)
			lane->n_workers++;
	}
}

void serve_end_workers(emr_serve *serve)
{
	for (size_t i = 0; i < 2; i++) {
		serve_lane *lane = &serve->lanes[i];

		(void)pthread_cond_broadcast(&lane->has_work);
		for (unsigned n = 0; n < lane->n_workers; n++)
			(void)pthread_join(lane->workers[n], NULL);
		(void)pthread_cond_destroy(&lane->has_work);
	}
}
