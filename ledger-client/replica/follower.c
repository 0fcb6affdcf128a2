/* This file has one thread at a time bring the copy up to date for all who wait for that, and a
 * thread of its own wait at the ledger, as long as anybody listens; it tells those who listen. */
#include "replica/follower.h"

#include <string.h>

#include "base/log.h"
#include "base/worker.h"
#include "replica/ask.h"
#include "follow_private.h"

#define SHOWN_MS 10000 /* how long a ledger may take to show what it has answered */
#define TURN_MS 60000
#define AGAIN_MS 2000 /* after a turn that could not follow */

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

static int64_t in_ms(int ms)
{
	return emr_clock_boot_ns(emr_clock_system()) + (int64_t)ms * 1000000;
}

/* ---- one run for all ---- */

/* Under f->lock, which it gives away meanwhile.  KNOWN: so many entries the ledger has just shown,
 * 0: it is asked; a run that does not ask is none for those who wait for what there is now. */
static emr_status make_run(emr_replica *r, uint64_t known)
{
	follower *f = &r->follower;
	uint64_t run = known == 0 ? ++f->begun : f->ended;
	int64_t late_due_ns, lost_due_ns;
	emr_status status;

	f->is_running = true;
	(void)pthread_mutex_unlock(&f->lock);
	status = replica_catch_up(r, known, NULL, NULL, NULL);
	late_due_ns = replica_late_turn(r, status == EMR_OK);
	lost_due_ns = replica_lost_turn(r, status == EMR_OK);
	(void)pthread_mutex_lock(&f->lock);
	f->late_due_ns = late_due_ns < lost_due_ns ? late_due_ns : lost_due_ns;
	f->is_running = false;
	if (f->has_thread)
		f->heard_ns = status == EMR_OK ? in_ms(0) : 0;
	f->ended = run;
	f->status = status;
	(void)pthread_cond_broadcast(&f->turned);
	return status;
}

emr_status emr_replica_catch_up(
	emr_replica *replica, emr_replica_change_fn change, void *arg, uint64_t *out_n)
{
	return replica_catch_up(replica, 0, change, arg, out_n);
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
			(void)!make_run(r, 0);
	return f->status;
}

/* Under f->lock.  A run that is under way may bring it.  IS_SHOWN: the ledger has just shown SIZE.
 */
static emr_status reach_locked(emr_replica *r, uint64_t size, bool is_shown)
{
	follower *f = &r->follower;

	while (f->is_running && atomic_load(&r->reached) < size)
		(void)pthread_cond_wait(&f->turned, &f->lock);
	if (atomic_load(&r->reached) >= size)
		return EMR_OK;
	return is_shown ? make_run(r, size) : follow_locked(r);
}

emr_status emr_follow_now(emr_replica *replica)
{
	EMR_LOCKED(&replica->follower.lock);

	return follow_locked(replica);
}

/* A turn that waits at a host for a minute says nothing meanwhile: half of that is lately.  A run
 * that did not believe the ledger is made again, however the thread hears of it. */
emr_status emr_follow_lately(emr_replica *replica)
{
	follower *f = &replica->follower;
	EMR_LOCKED(&f->lock);

	return f->status == EMR_OK && f->heard_ns > 0 && in_ms(-TURN_MS / 2) < f->heard_ns
		       ? EMR_OK
		       : follow_locked(replica);
}

/* ---- waiting for more ---- */

/* Under f->lock: what is left of a turn until parts that are late are to be asked for. */
static int until_late(const emr_replica *r)
{
	int64_t now = emr_clock_boot_ns(r->clock);
	int64_t due = r->follower.late_due_ns;

	if (due <= now)
		return 0;
	return (due - now) / 1000000 < TURN_MS ? (int)((due - now) / 1000000) + 1 : TURN_MS;
}

/* Its host said so last. */
static bool is_recovering(emr_replica *r)
{
	EMR_AUTO_BUF host = {0};

	return emr_ledger_ask(r->ledger, EMR_ASK_RECOVERY, (emr_bytes){0}, &host) == EMR_OK;
}

/* By the thread, under f->lock, which it gives away meanwhile. */
static emr_status take_turn(emr_replica *r)
{
	follower *f = &r->follower;
	uint64_t since = r->is_still ? f->shown : atomic_load(&r->reached);
	uint64_t size = 0;
	int wait_ms = until_late(r);
	emr_status status;

	(void)pthread_mutex_unlock(&f->lock);
	status = emr_ledger_wait(r->ledger, since, wait_ms, &size);
	(void)pthread_mutex_lock(&f->lock);
	f->shown = size > f->shown ? size : f->shown;
	if (status == EMR_OK)
		status = reach_locked(r, size, true);
	else if (status == EMR_ROLLBACK || (status == EMR_OFFLINE && is_recovering(r)))
		status = follow_locked(r); /* which says what that is, and brings what is lost */
	else if (status == EMR_INTERRUPTED)
		return EMR_OK; /* before anything was heard */
	else if (status == EMR_TIMEOUT)
		status = EMR_OK; /* of the wait */
	else			 /* away: it may come back after a restart */
		atomic_store(&r->heads.restarts.is_asked, false);
	if (status == EMR_OK && !f->is_ending &&
		(until_late(r) == 0 || !atomic_load(&r->heads.restarts.is_asked)))
		(void)follow_locked(r); /* whether it could ask is nobody's here */
	f->heard_ns = status == EMR_OK ? in_ms(0) : 0;
	return status;
}

static void tell(emr_replica *r, emr_status status)
{
	emr_follow_turn turn = {.size = atomic_load(&r->reached), .status = status};
	EMR_LOCKED(&r->follower.told_lock);

	for (emr_listener *of = r->follower.listeners; of != NULL; of = of->next) {
		turn.has_grown = turn.size > of->told;
		of->told = turn.size;
		of->heard(of, &turn);
	}
}

static void *follow(void *arg)
{
	emr_replica *r = arg;
	follower *f = &r->follower;
	EMR_LOCKED(&f->lock);

	while (!f->is_ending) {
		const emr_status status = take_turn(r);
		const int64_t again_ns = in_ms(AGAIN_MS);
		emr_ledger_trouble other = {.status = EMR_OK};

		if (status != EMR_OK) {
			f->trouble = status;
			f->failed++;
		}
		(void)pthread_cond_broadcast(&f->turned);
		(void)pthread_mutex_unlock(&f->lock);
		tell(r, status);
		if (status == EMR_OK)
			replica_look_for_witness(r, &other);
		if (other.status != EMR_OK)
			replica_keep_trouble(r, &other, false);
		(void)pthread_mutex_lock(&f->lock);
		/* The runs of others end no pause: a listener may make one of each failure. */
		while (status != EMR_OK && !f->is_ending && in_ms(0) < again_ns)
			emr_cond_wait_until(&f->turned, &f->lock, again_ns);
	}
	return NULL;
}

/* Under f->lock. */
static emr_status begin(emr_replica *r)
{
	follower *f = &r->follower;

	if (f->has_thread)
		return EMR_OK;
	if (pthread_create(&f->thread, NULL, follow, r) != 0)
		return EMR_NO_MEMORY;
	(void)pthread_setname_np(f->thread, "follower");
	f->has_thread = true;
	return EMR_OK;
}

void follower_stop(emr_replica *r)
{
	follower *f = &r->follower;

	(void)pthread_mutex_lock(&f->lock);
	f->is_ending = true;
	(void)pthread_cond_broadcast(&f->turned);
	(void)pthread_mutex_unlock(&f->lock);
	if (!f->has_thread)
		return;
	emr_ledger_wake(r->ledger);
	(void)pthread_join(f->thread, NULL);
}

void emr_follow_hurry(emr_replica *replica)
{
	EMR_LOCKED(&replica->follower.lock);

	replica->follower.is_hurried = true;
	(void)pthread_cond_broadcast(&replica->follower.turned);
}

/* Under f->lock. */
static emr_status wait_locked(emr_replica *r, uint64_t *io_size, int64_t end_ns)
{
	follower *f = &r->follower;
	const uint64_t failed = f->failed;

	EMR_TRY(begin(r));
	while (atomic_load(&r->reached) <= *io_size) {
		if (f->failed != failed)
			return f->trouble;
		if (f->is_hurried || in_ms(0) >= end_ns)
			return EMR_TIMEOUT;
		emr_cond_wait_until(&f->turned, &f->lock, end_ns);
	}
	*io_size = atomic_load(&r->reached);
	return EMR_OK;
}

emr_status emr_follow_wait(emr_replica *replica, uint64_t *io_size, int timeout_ms)
{
	EMR_LOCKED(&replica->follower.lock);

	return wait_locked(replica, io_size, in_ms(timeout_ms));
}

emr_status emr_follow_to(emr_replica *replica, uint64_t size)
{
	const int64_t end_ns = in_ms(SHOWN_MS);
	uint64_t reached = atomic_load(&replica->reached);
	emr_status status = EMR_OK;

	if (reached >= size)
		return EMR_OK;
	EMR_LOCKED(&replica->follower.lock);
	status = reach_locked(replica, size, false);
	while (status == EMR_OK && (reached = atomic_load(&replica->reached)) < size)
		status = wait_locked(replica, &reached, end_ns);
	return status;
}

/* ---- the table ---- */

emr_status emr_follow_listen(emr_replica *replica, emr_listener *listener)
{
	follower *f = &replica->follower;
	emr_status status;

	(void)pthread_mutex_lock(&f->told_lock);
	listener->replica = replica;
	listener->told = 0;
	listener->next = f->listeners;
	f->listeners = listener;
	(void)pthread_mutex_unlock(&f->told_lock);
	(void)pthread_mutex_lock(&f->lock);
	status = begin(replica);
	(void)pthread_mutex_unlock(&f->lock);
	emr_ledger_wake(replica->ledger); /* another turn, by which it is told how things stand */
	return status;
}

void emr_follow_leave(emr_listener *listener)
{
	emr_listener **at;

	if (listener->replica == NULL)
		return;
	EMR_LOCKED(&listener->replica->follower.told_lock);
	for (at = &listener->replica->follower.listeners; *at != listener; at = &(*at)->next)
		;
	*at = listener->next;
	listener->replica = NULL;
}

/* ---- one's own batch ---- */

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
