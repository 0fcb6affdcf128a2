/* This file has one thread at a time bring the copy up to date for all who wait for that, and one
 * thread at a time wait at the ledger, which can wake one only; it tells those who subscribed. */
#include "replica/follower.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "base/worker.h"
#include "replica/ask.h"
#include "follow_private.h"

#define SHOWN_MS 10000 /* how long a ledger may take to show what it has answered */

struct emr_subscription {
	emr_replica *replica;
	struct emr_subscription *next;
	emr_follow_fn fn;
	void *arg;
	emr_id16 domain;
	bool has_domain;
	bool is_touched; /* the run under way brought something of the domain */
};

void follower_init(follower *f)
{
	(void)pthread_mutex_init(&f->lock, NULL);
	(void)pthread_mutex_init(&f->told_lock, NULL);
	emr_cond_init(&f->turned);
	f->late_due_ns = INT64_MAX;
}

void follower_destroy(follower *f)
{
	(void)pthread_cond_destroy(&f->turned);
	(void)pthread_mutex_destroy(&f->told_lock);
	(void)pthread_mutex_destroy(&f->lock);
}

/* ---- who is told ---- */

/* Marks those whose domain has changed. */
static emr_status touch_domains(emr_replica *r)
{
	emr_replica_change change;
	EMR_ASK(asked, r, SINCE, .at = r->follower.told);

	while (emr_next(&asked, &change))
		for (emr_subscription *s = r->follower.subscriptions; s != NULL; s = s->next)
			s->is_touched = s->is_touched ||
					(s->has_domain && emr_id16_equal(s->domain, change.domain));
	return asked.status;
}

/* By the run under way, without f->lock. */
static void tell_subscribers(emr_replica *r)
{
	follower *f = &r->follower;
	uint64_t size = atomic_load(&r->reached);
	bool by_domain = false;
	emr_status status = EMR_OK;

	(void)pthread_mutex_lock(&f->told_lock);
	for (emr_subscription *s = f->subscriptions; s != NULL; s = s->next) {
		s->is_touched = !s->has_domain;
		by_domain = by_domain || s->has_domain;
	}
	/* Another process may have taken in what is new: it is read from the copy, not noted. */
	if (size > f->told && by_domain)
		status = touch_domains(r);
	if (status != EMR_OK)
		emr_log(EMR_LOG_WARN, "replica: what is new was not read: %s",
			emr_status_text(status));
	for (emr_subscription *s = f->subscriptions; s != NULL && size > f->told; s = s->next)
		if (s->is_touched || status != EMR_OK)
			s->fn(s->arg, size);
	f->told = size > f->told ? size : f->told;
	(void)pthread_mutex_unlock(&f->told_lock);
}

emr_status emr_follow_subscribe(emr_replica *replica, const emr_id16 *domain, emr_follow_fn fn,
	void *arg, emr_subscription **out_subscription)
{
	follower *f = &replica->follower;
	emr_subscription *s = calloc(1, sizeof *s);

	if (s == NULL)
		return EMR_NO_MEMORY;
	*s = (emr_subscription){
		.replica = replica, .fn = fn, .arg = arg, .has_domain = domain != NULL};
	if (domain != NULL)
		s->domain = *domain;
	(void)pthread_mutex_lock(&f->told_lock);
	s->next = f->subscriptions;
	f->subscriptions = s;
	(void)pthread_mutex_unlock(&f->told_lock);
	*out_subscription = s;
	return EMR_OK;
}

void emr_follow_unsubscribe(emr_subscription *subscription)
{
	follower *f;

	if (subscription == NULL)
		return;
	f = &subscription->replica->follower;
	(void)pthread_mutex_lock(&f->told_lock);
	for (emr_subscription **at = &f->subscriptions; *at != NULL; at = &(*at)->next)
		if (*at == subscription) {
			*at = subscription->next;
			break;
		}
	(void)pthread_mutex_unlock(&f->told_lock);
	free(subscription);
}

void emr_follow_parts(emr_replica *replica, emr_follow_part_fn fn, void *arg)
{
	follower *f = &replica->follower;

	(void)pthread_mutex_lock(&f->told_lock);
	f->part_came = fn;
	f->part_arg = arg;
	(void)pthread_mutex_unlock(&f->told_lock);
}

/* ---- one run for all ---- */

/* Under f->lock, which it gives away meanwhile. */
static void make_run(emr_replica *r)
{
	follower *f = &r->follower;
	uint64_t run = ++f->begun;
	int64_t late_due_ns, lost_due_ns;
	emr_status status;

	f->is_running = true;
	(void)pthread_mutex_unlock(&f->lock);
	status = emr_replica_catch_up(r, NULL, NULL, NULL);
	late_due_ns = replica_late_turn(r, status == EMR_OK);
	lost_due_ns = replica_lost_turn(r, status == EMR_OK);
	tell_subscribers(r);
	(void)pthread_mutex_lock(&f->lock);
	f->late_due_ns = late_due_ns < lost_due_ns ? late_due_ns : lost_due_ns;
	f->is_running = false;
	f->ended = run;
	f->status = status;
	(void)pthread_cond_broadcast(&f->turned);
}

/* Under f->lock.  A run that is under way may have asked the ledger already: it is the next one
 * that knows what there is now. */
static emr_status follow_locked(emr_replica *r)
{
	follower *f = &r->follower;
	uint64_t wanted = f->begun + 1;

	while (f->ended < wanted)
		if (f->is_running)
			(void)pthread_cond_wait(&f->turned, &f->lock);
		else
			make_run(r);
	return f->status;
}

/* Under f->lock.  A run that is under way may bring it. */
static emr_status reach_locked(emr_replica *r, uint64_t size)
{
	follower *f = &r->follower;

	while (f->is_running && atomic_load(&r->reached) < size)
		(void)pthread_cond_wait(&f->turned, &f->lock);
	return atomic_load(&r->reached) >= size ? EMR_OK : follow_locked(r);
}

emr_status emr_follow_now(emr_replica *replica)
{
	EMR_LOCKED(&replica->follower.lock);

	return follow_locked(replica);
}

/* ---- waiting for more ---- */

emr_follow_place emr_follow_here(emr_replica *replica)
{
	return (emr_follow_place){.size = atomic_load(&replica->reached),
		.wakes = atomic_load(&replica->follower.wakes)};
}

void emr_follow_wake(emr_replica *replica)
{
	atomic_fetch_add(&replica->follower.wakes, 1);
	emr_ledger_wake(replica->ledger);
}

static int64_t now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Under f->lock: MOST, or what is left until parts that are late are to be asked for. */
static int until_late(const emr_replica *r, int most_ms)
{
	int64_t now = emr_clock_boot_ns(r->clock);
	int64_t due = r->follower.late_due_ns;

	if (due <= now)
		return 0;
	return (due - now) / 1000000 < most_ms ? (int)((due - now) / 1000000) + 1 : most_ms;
}

/* Under f->lock, which it gives away meanwhile: this thread waits at the ledger for all. */
static emr_status wait_at_ledger(emr_replica *r, int timeout_ms)
{
	follower *f = &r->follower;
	uint64_t since = r->is_still ? f->shown : atomic_load(&r->reached);
	uint64_t size = 0;
	int wait_ms = until_late(r, timeout_ms);
	emr_status status;

	f->is_waiting = true;
	(void)pthread_mutex_unlock(&f->lock);
	status = emr_ledger_wait(r->ledger, since, wait_ms, &size);
	(void)pthread_mutex_lock(&f->lock);
	f->is_waiting = false;
	f->shown = size > f->shown ? size : f->shown;
	if (status == EMR_OK)
		status = reach_locked(r, size);
	else if (status == EMR_ROLLBACK)
		status = follow_locked(r); /* which says what that is */
	else if (status == EMR_TIMEOUT || status == EMR_INTERRUPTED)
		status = EMR_OK; /* of the wait; whoever waits sees for himself */
	if (status == EMR_OK && until_late(r, 1) == 0)
		(void)follow_locked(r); /* whether it could ask is nobody's here */
	/* Somebody else goes on waiting; who is woken up is not known before he looks. */
	(void)pthread_cond_broadcast(&f->turned);
	return status;
}

static void wait_for_turn(follower *f, int64_t end_ms)
{
	struct timespec until = {
		.tv_sec = (time_t)(end_ms / 1000), .tv_nsec = (long)(end_ms % 1000 * 1000000)};

	(void)pthread_cond_timedwait(&f->turned, &f->lock, &until);
}

/* Under f->lock. */
static emr_status wait_locked(emr_replica *r, emr_follow_place *place, int64_t end_ms)
{
	follower *f = &r->follower;

	while (true) {
		int64_t left = end_ms - now_ms();
		uint64_t wakes = atomic_load(&f->wakes);

		if (wakes != place->wakes) {
			place->wakes = wakes;
			return EMR_INTERRUPTED;
		}
		if (atomic_load(&r->reached) > place->size) {
			place->size = atomic_load(&r->reached);
			return EMR_OK;
		}
		if (left <= 0)
			return EMR_TIMEOUT;
		if (f->is_waiting || f->is_running)
			wait_for_turn(f, end_ms);
		else
			EMR_TRY(wait_at_ledger(r, (int)left));
	}
	return EMR_OK;
}

emr_status emr_follow_wait(emr_replica *replica, emr_follow_place *io_place, int timeout_ms)
{
	EMR_LOCKED(&replica->follower.lock);

	return wait_locked(replica, io_place, now_ms() + timeout_ms);
}

emr_status emr_follow_to(emr_replica *replica, uint64_t size)
{
	int64_t end_ms = now_ms() + SHOWN_MS;
	emr_follow_place place = emr_follow_here(replica);
	emr_status status = EMR_OK;

	if (atomic_load(&replica->reached) >= size)
		return EMR_OK;
	(void)pthread_mutex_lock(&replica->follower.lock);
	status = reach_locked(replica, size);
	while (status == EMR_OK && atomic_load(&replica->reached) < size) {
		place.size = atomic_load(&replica->reached);
		status = wait_locked(replica, &place, end_ms);
	}
	(void)pthread_mutex_unlock(&replica->follower.lock);
	return status;
}

/* EMR_NOT_FOUND: the verified copy does not have what the ledger answered. */
static emr_status find_answer(emr_replica *r, const emr_ledger_answer *answer)
{
	emr_ledger_answer own;

	EMR_TRY(emr_replica_find_batch(r, answer->batch_id, &own));
	return own.seq == answer->seq && own.n_results == answer->n_results &&
			       memcmp(own.results, answer->results, own.n_results) == 0
		       ? EMR_OK
		       : EMR_NOT_FOUND;
}

/* The answer's entry is in the verified copy, as it was answered. */
static emr_status reach_answer(emr_replica *replica, const emr_ledger_answer *answer)
{
	emr_status status = emr_follow_to(replica, answer->seq + 1);

	if (status == EMR_OK)
		status = find_answer(replica, answer);
	if (status != EMR_NOT_FOUND)
		return status;
	/* It went back, or is another: a look says which, and where. */
	status = emr_follow_now(replica);
	if (status == EMR_OK)
		status = find_answer(replica, answer);
	return status == EMR_NOT_FOUND ? EMR_FORK : status;
}

emr_status emr_follow_answer(emr_replica *replica, emr_bytes batch, const emr_ledger_answer *answer)
{
	emr_status status;

	if (answer->refusal != 0)
		return emr_follow_now(replica);
	status = reach_answer(replica, answer);
	if (status == EMR_OK && batch.len > 0)
		status = replica_take_sent(replica, batch, answer->seq);
	return status == EMR_OK ? replica_ask_for_entry(replica, answer->seq) : status;
}
