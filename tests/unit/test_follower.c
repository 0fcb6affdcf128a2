/* These tests let several threads wait for news of one ledger, and listeners hear of it: one thread
 * asks it for all, and nobody is asked for news that is here already. */
#include <pthread.h>
#include <stdatomic.h>

#include "ledger_kit.h"
#include "replica/follower.h"

#define THREADS 6
#define LONG_MS 120000

static kit k;
static kit_domain domain;
static emr_replica *replica;
static emr_buf sent; /* the batch of the last save */

/* ---- the ledger, watched ---- */

static _Atomic int looks;	/* runs have asked for the ledger's size */
static _Atomic int sleepers;	/* threads that wait for another one's run or wait */
static _Thread_local int slept; /* of those, by this thread */
static _Atomic int at_ledger;	/* threads that wait at the ledger now */
static _Atomic int at_most;	/* ... at the same time */
static _Atomic int turns;	/* waits at the ledger that have begun */
static _Atomic bool is_lagging; /* the newest entry is not shown until somebody waits for it */
static _Atomic int answer;	/* emr_status of the next looks */
static _Atomic bool is_quiet;	/* who waits hears at once that nothing came */

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER; /* held: looks stop here */

WRAPPED(emr_status, emr_ledger_size, emr_ledger *ledger, uint64_t *out_size)
{
	emr_status status;

	atomic_fetch_add(&looks, 1);
	pthread_mutex_lock(&gate);
	pthread_mutex_unlock(&gate);
	EMR_TRY((emr_status)atomic_load(&answer));
	status = __real_emr_ledger_size(ledger, out_size);
	if (status == EMR_OK && atomic_load(&is_lagging))
		--*out_size;
	return status;
}

WRAPPED(emr_status, emr_ledger_wait, emr_ledger *ledger, uint64_t since, int timeout_ms,
	uint64_t *out_size)
{
	int now = atomic_fetch_add(&at_ledger, 1) + 1;
	int most = atomic_load(&at_most);
	emr_status status;

	atomic_fetch_add(&turns, 1);
	while (now > most && !atomic_compare_exchange_weak(&at_most, &most, now))
		;
	atomic_store(&is_lagging, false);
	status = atomic_load(&is_quiet)
			 ? EMR_TIMEOUT
			 : __real_emr_ledger_wait(ledger, since, timeout_ms, out_size);
	atomic_fetch_sub(&at_ledger, 1);
	return status == EMR_OK ? (emr_status)atomic_load(&answer) : status;
}

WRAPPED(int, pthread_cond_wait, pthread_cond_t *cond, pthread_mutex_t *mutex)
{
	atomic_fetch_add(&sleepers, 1);
	return __real_pthread_cond_wait(cond, mutex);
}

WRAPPED(int, pthread_cond_timedwait, pthread_cond_t *cond, pthread_mutex_t *mutex,
	const struct timespec *until)
{
	slept++;
	atomic_fetch_add(&sleepers, 1);
	return __real_pthread_cond_timedwait(cond, mutex, until);
}

static void until(_Atomic int *what, int n)
{
	while (atomic_load(what) < n)
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

AROUND(begin)
{
	kit_new(&k);
	domain = kit_domain_new(&k);
	replica = kit_replica(&k);
	assert_ok(emr_follow_now(replica));
	looks = sleepers = at_ledger = at_most = turns = 0;
}

AROUND(end)
{
	emr_buf_free(&sent);
	emr_replica_close(replica);
	kit_end(&k);
}

static emr_ledger_answer save(const kit_domain *d, uint8_t object)
{
	emr_batch_builder *b = kit_batch(&k, d->id);
	emr_ledger_answer said;

	(void)kit_put(b, d, (emr_id16){{object}}, 1, (emr_id32){{0}});
	emr_buf_clear(&sent);
	kit_finish(&k, b, &sent);
	assert_ok(emr_ledger_submit(k.ledger, emr_buf_view(&sent), &said));
	assert_int_equal(said.results[0], EMR_RESULT_APPLIED);
	return said;
}

static uint64_t reached(void)
{
	emr_replica_position at;

	assert_ok(emr_replica_at(replica, &at));
	return at.size;
}

/* ---- one asks for all ---- */

static void *follow_in_a_thread(void *arg)
{
	*(emr_status *)arg = emr_follow_now(replica);
	return NULL;
}

/* The first has asked already when the others come; what is new since is in the second run. */
static void run_together(emr_status wanted)
{
	emr_status status[THREADS];
	pthread_t threads[THREADS];

	pthread_mutex_lock(&gate);
	for (int i = 0; i < THREADS; i++) {
		assert_int_equal(
			pthread_create(&threads[i], NULL, follow_in_a_thread, &status[i]), 0);
		if (i == 0)
			until(&looks, 1);
	}
	until(&sleepers, THREADS - 1);
	pthread_mutex_unlock(&gate);
	for (int i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_status(wanted, status[i]);
	}
	assert_int_equal(looks, 2);
}

TEST_IN(begin, end, all_who_ask_while_one_asks_share_one_look)
{
	(void)save(&domain, 1);
	run_together(EMR_OK);
	assert_int_equal(reached(), 4);
}

TEST_IN(begin, end, all_who_ask_hear_that_the_ledger_is_away)
{
	answer = EMR_OFFLINE;
	run_together(EMR_OFFLINE);
	answer = EMR_OK;
	assert_ok(emr_follow_now(replica));
}

TEST_IN(begin, end, what_is_here_already_is_asked_of_nobody)
{
	emr_ledger_answer said = save(&domain, 1);

	assert_ok(emr_follow_answer(replica, emr_buf_view(&sent), &said));
	assert_int_equal(looks, 1);
	assert_int_equal(reached(), said.seq + 1);
	assert_ok(emr_follow_answer(replica, emr_buf_view(&sent), &said));
	assert_ok(emr_follow_to(replica, 2));
	assert_int_equal(looks, 1);
	/* Why a whole batch was refused stands in what is new. */
	said.refusal = EMR_RESULT_EXPIRED_BATCH;
	assert_ok(emr_follow_answer(replica, emr_buf_view(&sent), &said));
	assert_int_equal(looks, 2);
}

/* A ledger that was put back to an older state gives new entries numbers that are here already. */
TEST_IN(begin, end, an_answer_that_is_not_in_the_verified_copy_is_not_believed)
{
	emr_ledger_answer said = save(&domain, 1), other, wrong;

	other = save(&domain, 2);
	assert_ok(emr_follow_answer(replica, emr_buf_view(&sent), &other));
	wrong = said;
	wrong.batch_id = emr_id32_random();
	assert_status(EMR_FORK, emr_follow_answer(replica, emr_buf_view(&sent), &wrong));
	wrong = said;
	wrong.seq = other.seq;
	assert_status(EMR_FORK, emr_follow_answer(replica, emr_buf_view(&sent), &wrong));
	wrong = said;
	wrong.results[0] = EMR_RESULT_CONFLICT;
	assert_status(EMR_FORK, emr_follow_answer(replica, emr_buf_view(&sent), &wrong));
	wrong = said;
	wrong.n_results++;
	assert_status(EMR_FORK, emr_follow_answer(replica, emr_buf_view(&sent), &wrong));
	/* Why is the ledger's to say first. */
	answer = EMR_OFFLINE;
	assert_status(EMR_OFFLINE, emr_follow_answer(replica, emr_buf_view(&sent), &wrong));
	answer = EMR_OK;
	assert_ok(emr_follow_answer(replica, emr_buf_view(&sent), &said));
}

TEST_IN(begin, end, an_answer_is_waited_for_until_the_ledger_shows_its_entry)
{
	emr_ledger_answer said = save(&domain, 1);

	is_lagging = true;
	assert_ok(emr_follow_now(replica));
	assert_int_equal(reached(), said.seq);
	is_lagging = true;
	assert_ok(emr_follow_answer(replica, emr_buf_view(&sent), &said));
	assert_int_equal(reached(), said.seq + 1);
}

TEST_IN(begin, end, a_folder_that_closes_waits_for_nothing_that_the_ledger_does_not_show)
{
	emr_ledger_answer said = save(&domain, 1);
	const int before = slept;

	assert_ok(emr_follow_now(replica));
	emr_follow_hurry(replica);
	assert_status(EMR_TIMEOUT, emr_follow_to(replica, said.seq + 100));
	assert_int_equal(slept, before);
	assert_ok(emr_follow_answer(replica, emr_buf_view(&sent), &said));
}

/* ---- what was sent from here ---- */

static emr_status read_part(uint8_t object)
{
	const emr_part_key at = {.domain = domain.id,
		.object = {{object}},
		.version = 1,
		.family = EMR_FAMILY_OBJECT};
	EMR_AUTO_BUF part = {0};

	return emr_replica_part(replica, &at, &part);
}

/* A writer in the ledger's directory is quicker than the next look. */
static void ledger_loses(const char *what)
{
	kit_sql(k.network, EMR_NETWORK_LEDGER, what);
}

TEST_IN(begin, end, what_was_sent_from_here_is_kept_whatever_the_ledger_loses)
{
	static const char *const ways[] = {
		"UPDATE parts SET part=x'' WHERE seq=(SELECT max(seq) FROM parts)",
		"DELETE FROM parts WHERE seq=(SELECT max(seq) FROM parts)"};

	for (uint8_t i = 0; i < 2; i++) {
		emr_ledger_answer said = save(&domain, i + 1);

		ledger_loses(ways[i]);
		assert_ok(emr_follow_answer(replica, emr_buf_view(&sent), &said));
		assert_ok(read_part(i + 1));
	}
	/* Also when somebody else of this computer was quicker to look. */
	emr_ledger_answer said = save(&domain, 3);

	ledger_loses(ways[0]);
	assert_ok(emr_follow_now(replica));
	assert_status(EMR_MISSING_DATA, read_part(3));
	assert_ok(emr_follow_answer(replica, emr_buf_view(&sent), &said));
	assert_ok(read_part(3));
}

/* Nobody says of a part that is neither there nor here that it is. */
TEST_IN(begin, end, what_is_not_here_is_not_confirmed)
{
	EMR_AUTO_BUF other = {0};
	emr_ledger_answer first, said;

	first = save(&domain, 1);
	assert_ok(emr_follow_answer(replica, emr_buf_view(&sent), &first));
	assert_ok(emr_buf_append(&other, sent.data, sent.len));
	said = save(&domain, 2);
	ledger_loses("UPDATE parts SET part=x'' WHERE seq=(SELECT max(seq) FROM parts)");
	assert_status(EMR_MISSING_DATA, emr_follow_answer(replica, emr_buf_view(&other), &said));
	/* Parts that others lack are nothing to a member who has all of his own. */
	assert_ok(emr_follow_answer(replica, emr_buf_view(&other), &first));
	assert_ok(emr_follow_answer(replica, emr_buf_view(&sent), &said));
	assert_ok(read_part(2));
}

/* ---- waiting ---- */

typedef struct waiter {
	pthread_t thread;
	uint64_t size;
	emr_status status;
} waiter;

static void *wait_in_a_thread(void *arg)
{
	waiter *w = arg;

	w->status = emr_follow_wait(replica, &w->size, LONG_MS);
	return NULL;
}

static void start_waiters(waiter *all)
{
	for (int i = 0; i < THREADS; i++) {
		all[i] = (waiter){.size = reached()};
		assert_int_equal(
			pthread_create(&all[i].thread, NULL, wait_in_a_thread, &all[i]), 0);
	}
	until(&at_ledger, 1);
	until(&sleepers, THREADS);
}

static void end_waiters(waiter *all, emr_status wanted)
{
	for (int i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(all[i].thread, NULL), 0);
		assert_status(wanted, all[i].status);
	}
	assert_int_equal(at_most, 1);
}

TEST_IN(begin, end, each_who_waits_hears_what_one_thread_has_seen)
{
	waiter all[THREADS];
	uint64_t size = 2;

	start_waiters(all);
	(void)save(&domain, 1);
	end_waiters(all, EMR_OK);
	assert_int_equal(looks, 0); /* the wait itself has said how many there are */
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(all[i].size, 4);
	assert_ok(emr_follow_wait(replica, &size, 0));
	assert_int_equal(size, 4);
	assert_status(EMR_TIMEOUT, emr_follow_wait(replica, &size, 20));
}

TEST_IN(begin, end, each_who_waits_hears_that_the_ledger_is_away)
{
	waiter all[THREADS];
	uint64_t size = reached();

	start_waiters(all);
	answer = EMR_OFFLINE;
	(void)save(&domain, 1);
	end_waiters(all, EMR_OFFLINE);
	answer = EMR_OK;
	while (size < 4) /* a turn may be under way */
		(void)!emr_follow_wait(replica, &size, LONG_MS);
}

/* ---- listeners ---- */

typedef struct heard {
	_Atomic int grew, failed;
	_Atomic uint64_t size;
} heard;

static void hear(const emr_listener *self, const emr_follow_turn *turn)
{
	heard *h = self->arg;

	atomic_store(&h->size, turn->size);
	atomic_fetch_add(&h->failed, turn->status != EMR_OK);
	atomic_fetch_add(&h->grew, turn->has_grown);
}

TEST_IN(begin, end, a_listener_hears_each_turn_with_what_has_come)
{
	heard all = {0}, late = {0};
	emr_listener of_all = {.heard = hear, .arg = &all};
	emr_listener of_late = {.heard = hear, .arg = &late};
	AUTO(emr_replica_auto) emr_replica *beside = kit_replica(&k);

	assert_ok(emr_follow_listen(replica, &of_all));
	until(&all.grew, 1);
	assert_int_equal(all.size, reached());
	(void)save(&domain, 1);
	until(&all.grew, 2);
	assert_int_equal(all.size, reached());
	/* Another process with the same files has taken it in: it is new here all the same. */
	(void)save(&domain, 2);
	assert_ok(emr_follow_now(beside));
	until(&all.grew, 3);
	/* A deed's own run is heard of, too, and a line that comes later hears how things stand. */
	(void)save(&domain, 3);
	assert_ok(emr_follow_now(replica));
	until(&all.grew, 4);
	assert_ok(emr_follow_listen(replica, &of_late));
	until(&late.grew, 1);
	assert_int_equal(late.size, reached());
	answer = EMR_OFFLINE;
	(void)save(&domain, 4);
	until(&all.failed, 1);
	until(&late.failed, 1);
	emr_follow_leave(&of_all);
	answer = EMR_OK;
	until(&late.grew, 2);
	assert_int_equal(all.grew, 4);
	emr_follow_leave(&of_late);
}

/* A listener may make a run of its own for each failure. */
TEST_IN(begin, end, runs_of_others_do_not_hurry_a_thread_that_could_not_follow)
{
	heard all = {0};
	emr_listener of_all = {.heard = hear, .arg = &all};
	int before;

	assert_ok(emr_follow_listen(replica, &of_all));
	until(&all.grew, 1);
	answer = EMR_ROLLBACK;
	(void)save(&domain, 1);
	until(&all.failed, 1);
	before = turns;
	for (int i = 0; i < 10; i++) {
		const int asleep = sleepers;

		assert_status(EMR_ROLLBACK, emr_follow_now(replica));
		until(&sleepers, asleep + 1);
	}
	emr_follow_leave(&of_all);
	answer = EMR_OK;
	assert_true(turns - before < 5);
}

TEST_IN(begin, end, a_turn_that_was_interrupted_has_heard_nothing)
{
	heard all = {0};
	emr_listener of_all = {.heard = hear, .arg = &all};

	assert_ok(emr_follow_listen(replica, &of_all)); /* which ends the first turn */
	until(&all.grew, 1);
	answer = EMR_OFFLINE;
	assert_status(EMR_OFFLINE, emr_follow_lately(replica));
	answer = EMR_OK;
	assert_ok(emr_follow_lately(replica));
	assert_int_equal(looks, 2);
	/* From here on the thread waits at a ledger that was heard. */
	assert_ok(emr_follow_lately(replica));
	assert_int_equal(looks, 2);
	emr_follow_leave(&of_all);
}

TEST_IN(begin, end, a_ledger_that_was_not_believed_is_asked_again_although_it_is_heard)
{
	heard all = {0}, more = {0};
	emr_listener of_all = {.heard = hear, .arg = &all};
	emr_listener of_more = {.heard = hear, .arg = &more};
	int before;

	assert_ok(emr_follow_listen(replica, &of_all));
	until(&all.grew, 1);
	answer = EMR_FORK;
	assert_status(EMR_FORK, emr_follow_now(replica));
	before = turns;
	is_quiet = true;
	assert_ok(emr_follow_listen(replica, &of_more)); /* ends the turn */
	until(&turns, before + 3);
	assert_status(EMR_FORK, emr_follow_lately(replica));
	is_quiet = false;
	emr_follow_leave(&of_all);
	emr_follow_leave(&of_more);
	answer = EMR_OK;
}

TESTS(NULL, NULL)
