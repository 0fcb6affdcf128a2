/* These tests show what many clients at once, and members that die or stop answering meanwhile, may
 * do to batches on real peers and orderers: each is entered once, and what a client was told stays
 * true. The script that starts it makes the faults while NETWORK/storm is there
 * (tests/integration/fabric_storm.sh). */
#include "live_kit.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#define HOT_CLIENTS 20
#define HOT_ROUNDS 3
#define CALLS 600
#define CALL_STACK ((size_t)1 << 18)
#define STORM_CLIENTS 8
#define STORM_TOLD_MAX 65536
#define PAUSE_NS 50000000
#define PAUSES_MAX 64

static unsigned storm_s;
static atomic_bool is_over;

static void pause_for_a_moment(void)
{
	(void)nanosleep(&(struct timespec){.tv_nsec = PAUSE_NS}, NULL);
}

/* The same bytes until there is an answer.  After every third failure as somebody whose computer
 * was switched off in between. */
static void submit_until_told(live_client *c)
{
	for (;;) {
		c->status = emr_ledger_submit(c->ledger, emr_buf_view(&c->batch), &c->answer);
		if (c->status == EMR_OK || !emr_status_may_pass(c->status))
			return;
		pause_for_a_moment();
		if (++c->tries % 3 != 0)
			continue;
		emr_ledger_close(c->ledger);
		c->ledger = NULL;
		live_client_open(c);
		if (c->status != EMR_OK)
			return;
	}
}

static void *submit_one(void *arg)
{
	submit_until_told(arg);
	return NULL;
}

/* ---- one record, many writers ---- */

static size_t winner_of(const live_client *all)
{
	size_t winner = HOT_CLIENTS;

	for (size_t i = 0; i < HOT_CLIENTS; i++) {
		assert_int_equal(all[i].answer.refusal, 0);
		assert_int_equal(all[i].answer.n_results, 1 + i);
		for (size_t j = 1; j <= i; j++) /* whoever is overtaken loses that record alone */
			assert_int_equal(all[i].answer.results[j], EMR_RESULT_APPLIED);
		if (all[i].answer.results[0] == EMR_RESULT_CONFLICT)
			continue;
		assert_int_equal(all[i].answer.results[0], EMR_RESULT_APPLIED);
		assert_int_equal(winner, HOT_CLIENTS);
		winner = i;
	}
	assert_true(winner < HOT_CLIENTS);
	return winner;
}

TEST(a_record_that_twenty_write_at_once_has_one_next_version)
{
	live_client *all = live_clients_new(HOT_CLIENTS);
	emr_id16 object = emr_id16_random();
	emr_id32 items[HOT_CLIENTS], last = {{0}};

	for (uint64_t version = 1; version <= HOT_ROUNDS; version++) {
		for (size_t i = 0; i < HOT_CLIENTS; i++) {
			emr_batch_builder *b = kit_batch(&live.k, live.domain.id);

			kit_clock_set(&live.k.clock, (uint64_t)time(NULL));
			items[i] = kit_put(b, &live.domain, object, version, last);
			for (size_t j = 0; j < i; j++)
				(void)kit_put(
					b, &live.domain, emr_id16_random(), 1, (emr_id32){{0}});
			emr_buf_clear(&all[i].batch);
			kit_finish(&live.k, b, &all[i].batch);
		}
		live_clients_run(all, HOT_CLIENTS, submit_one);
		last = items[winner_of(all)];
	}
	live_clients_free(all, HOT_CLIENTS);
}

/* ---- which batches are there ---- */

typedef struct tally {
	emr_id32 *ids;
	size_t count, max;
} tally;

static emr_status count_entry(void *arg, const emr_gateway_entry *entry)
{
	tally *t = arg;

	if (t->count == t->max)
		return EMR_LIMIT;
	emr_batch_id(entry->batch.data, t->ids[t->count++].b);
	return EMR_OK;
}

static int by_bytes(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(emr_id32));
}

/* Every batch in the blocks of organisation NUMBER's peer, sorted; none stands there twice. */
static tally tally_of(int number, uint64_t least_blocks)
{
	emr_gateway *gateway = live_gateway(live.owner, number, 1);
	emr_gateway_call call = emr_gateway_call_of(LIVE_PATIENCE_MS, -1);
	emr_gateway_position position = {0};
	tally t = {.max = STORM_TOLD_MAX, .ids = calloc(STORM_TOLD_MAX, sizeof *t.ids)};
	uint64_t height = 0;
	emr_status status;

	assert_non_null(t.ids);
	do {
		status = emr_gateway_entries(
			gateway, &call, &position, 50, count_entry, &t, &height);
		if (emr_status_may_pass(status))
			pause_for_a_moment();
		else
			live_fine(status, &call);
	} while (status != EMR_OK || position.next_block < height ||
		 position.next_block < least_blocks);
	emr_gateway_close(gateway);
	qsort(t.ids, t.count, sizeof *t.ids, by_bytes);
	for (size_t i = 1; i < t.count; i++)
		assert_memory_not_equal(t.ids[i - 1].b, t.ids[i].b, sizeof t.ids[i].b);
	return t;
}

static void assert_has(const tally *t, const emr_id32 *id)
{
	if (bsearch(id, t->ids, t->count, sizeof *t->ids, by_bytes) == NULL)
		fail_msg("a batch that was acknowledged is in no block");
}

/* ---- more calls than a peer takes ---- */

typedef struct one_call {
	emr_buf batch;
	emr_status status;
	emr_gateway_fault fault;
	unsigned busy;
} one_call;

static emr_status call_once(one_call *one)
{
	emr_gateway_call call = emr_gateway_call_of(LIVE_PATIENCE_MS, -1);
	EMR_AUTO_BUF envelope = {0};
	emr_gateway_answer answer;
	emr_gateway_commit commit;
	emr_status status =
		live_register(live.by_owner, &call, emr_buf_view(&one->batch), &envelope, &answer);

	one->fault = call.fault;
	if (status != EMR_OK)
		return status;
	if (answer.kind == EMR_OUTCOME_KNOWN)
		return EMR_OK;
	do {
		status = emr_gateway_settle(
			live.by_owner, &call, emr_buf_view(&envelope), call.is_open, &commit);
		one->fault = call.fault;
	} while (status != EMR_OK && call.is_open && emr_status_may_pass(status));
	return status;
}

/* Each of those that met in a row waits as often as chance says, of ever more. */
static void *call_until_done(void *arg)
{
	one_call *one = arg;

	for (uint32_t most = 1;; most = most < PAUSES_MAX ? 2 * most : most) {
		one->status = call_once(one);
		/* Two of one certificate's batches may be counted in one row. */
		if (!emr_status_may_pass(one->status) && !emr_status_is_moved(one->status))
			return NULL;
		one->busy += one->fault == EMR_GATEWAY_BUSY;
		for (uint32_t left = emr_id16_random().b[0] % most + 1; left > 0; left--)
			pause_for_a_moment();
	}
}

TEST(six_hundred_calls_in_flight_all_come_to_their_end)
{
	EMR_AUTO_FREE one_call *all = calloc(CALLS, sizeof *all);
	EMR_AUTO_FREE pthread_t *threads = calloc(CALLS, sizeof *threads);
	pthread_attr_t attributes;
	emr_id16 object;
	emr_id32 id;
	size_t busy = 0;
	tally t;

	assert_true(all != NULL && threads != NULL);
	(void)pthread_attr_init(&attributes);
	(void)pthread_attr_setstacksize(&attributes, CALL_STACK);
	for (size_t i = 0; i < CALLS; i++)
		all[i].batch = live_batch(1, &object);
	for (size_t i = 0; i < CALLS; i++)
		assert_int_equal(
			pthread_create(&threads[i], &attributes, call_until_done, &all[i]), 0);
	for (size_t i = 0; i < CALLS; i++)
		(void)pthread_join(threads[i], NULL);
	(void)pthread_attr_destroy(&attributes);
	t = tally_of(1, 0);
	for (size_t i = 0; i < CALLS; i++) {
		if (all[i].status != EMR_OK)
			fail_msg("call %zu: %s (%s)", i, emr_status_text(all[i].status),
				emr_gateway_fault_name(all[i].fault));
		emr_batch_id(all[i].batch.data, id.b);
		assert_has(&t, &id);
		busy += all[i].busy;
		emr_buf_free(&all[i].batch);
	}
	printf("%d calls at once, %zu of them asked again because all peers had too many\n", CALLS,
		busy);
	free(t.ids);
}

/* ---- a storm ---- */

static bool is_all_applied(const emr_ledger_answer *answer)
{
	bool is_fine = answer->refusal == 0;

	for (size_t i = 0; i < answer->n_results; i++)
		is_fine = is_fine && answer->results[i] == EMR_RESULT_APPLIED;
	return is_fine;
}

static void *write_until_over(void *arg)
{
	static pthread_mutex_t building = PTHREAD_MUTEX_INITIALIZER;
	live_client *c = arg;
	emr_id16 object;

	for (size_t i = 0; !is_over && c->told_count < STORM_TOLD_MAX / STORM_CLIENTS; i++) {
		emr_buf_free(&c->batch);
		(void)pthread_mutex_lock(&building);
		c->batch = live_batch(1 + i % 4, &object);
		(void)pthread_mutex_unlock(&building);
		submit_until_told(c);
		if (c->status == EMR_OK && !is_all_applied(&c->answer))
			c->status = EMR_REFUSED;
		if (c->status != EMR_OK)
			return NULL;
		c->told[c->told_count++] = c->answer.batch_id;
	}
	return NULL;
}

/* So that the storm is not over before a client has read what was written before. */
static void *catch_up(void *arg)
{
	live_client *c = arg;
	uint64_t size;

	do
		c->status = emr_ledger_size(c->ledger, &size);
	while (emr_status_may_pass(c->status));
	return NULL;
}

static void *end_later(void *arg)
{
	(void)nanosleep(&(struct timespec){.tv_sec = storm_s}, NULL);
	is_over = true;
	(void)unlink(arg);
	return NULL;
}

TEST(nothing_that_was_acknowledged_is_lost_and_nothing_is_there_twice)
{
	live_client *all = live_clients_new(STORM_CLIENTS);
	char *marker = live_file(0, "storm");
	EMR_AUTO_CHAIN judged = NULL;
	emr_gateway_position position = {0};
	size_t told = 0, tries = 0;
	pthread_t ending;
	int fd;

	for (size_t i = 0; i < STORM_CLIENTS; i++) {
		all[i].told = calloc(STORM_TOLD_MAX / STORM_CLIENTS, sizeof *all[i].told);
		assert_non_null(all[i].told);
	}
	live_clients_run(all, STORM_CLIENTS, catch_up);
	fd = open(marker, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	(void)close(fd);
	assert_int_equal(pthread_create(&ending, NULL, end_later, marker), 0);
	live_clients_run(all, STORM_CLIENTS, write_until_over);
	(void)pthread_join(ending, NULL);
	assert_ok(emr_chain_open_temporary(&judged));
	live_observe(live.by_owner, judged, &position);
	for (int peer = 1; peer <= 3; peer++) {
		tally t = tally_of(peer, position.next_block);

		for (size_t i = 0; i < STORM_CLIENTS; i++)
			for (size_t j = 0; j < all[i].told_count; j++)
				assert_has(&t, &all[i].told[j]);
		free(t.ids);
	}
	for (size_t i = 0; i < STORM_CLIENTS; i++) {
		told += all[i].told_count;
		tries += all[i].tries;
	}
	printf("%u s: %zu batches acknowledged, %zu answers came only after a failure\n", storm_s,
		told, tries);
	assert_true(told >= STORM_CLIENTS);
	live_clients_free(all, STORM_CLIENTS);
}

/* ---- where private parts lie ---- */

/* Everything that organisation NUMBER's peer gives when nobody else is asked. */
static emr_chain *log_of(int number)
{
	emr_gateway *gateway = live_gateway(live.owner, number, 1);
	emr_gateway_position position = {0};
	emr_chain *log = NULL;
	uint64_t size = 0;

	assert_ok(emr_chain_open_temporary(&log));
	live_observe(gateway, log, &position);
	assert_ok(emr_chain_size(log, &size));
	assert_true(size > HOT_CLIENTS * HOT_ROUNDS);
	emr_gateway_close(gateway);
	return log;
}

typedef struct lacking {
	emr_chain *other;
	size_t here, at_both;
} lacking;

static emr_status look_at_other(void *arg, const emr_part_key *key, uint64_t seq)
{
	lacking *l = arg;
	EMR_AUTO_BUF part = {0};

	(void)seq;
	l->here++;
	l->at_both += emr_chain_part(l->other, key, &part) != EMR_OK;
	return EMR_OK;
}

/* Of three organisations each part lies at two when no two of them lack the same one. A part that a
 * peer had not got when its block came, it fetches from the others in the background. */
TEST(the_part_of_every_accepted_item_lies_at_two_organisations)
{
	const time_t end = time(NULL) + LIVE_PATIENCE_MS / 1000;
	size_t here, at_both;

	do {
		emr_chain *logs[3] = {log_of(1), log_of(2), log_of(3)};

		here = at_both = 0;
		for (int i = 0; i < 3; i++) {
			lacking l = {.other = logs[(i + 1) % 3]};

			assert_ok(emr_chain_each_missing(logs[i], look_at_other, &l));
			here += l.here;
			at_both += l.at_both;
		}
		for (int i = 0; i < 3; i++)
			emr_chain_close(logs[i]);
	} while (at_both > 0 && time(NULL) < end);
	printf("%zu parts lie at two organisations and not at the third\n", here);
	assert_int_equal(at_both, 0);
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: gateway_storm NETWORK SECONDS\n");
		return 2;
	}
	live.net = argv[1];
	storm_s = (unsigned)strtoul(argv[2], NULL, 10);
	return emr_tests_run(live_begin, live_end);
}
