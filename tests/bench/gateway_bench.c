/* How fast batches of one owner are registered through real peers, each endorsed by two
 * organisations: what tests/bench/fabric.py says in rows.  Prints "NAME NUMBER" a line. */
#include "live_kit.h"

#include <ftw.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define AT_ONCE_MAX 32
#define EVENTS 9

static double now_s(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* ---- registrations ---- */

typedef struct worker {
	emr_buf *batches;
	size_t count;
} worker;

static void *work(void *arg)
{
	const worker *w = arg;
	emr_gateway_commit commit;

	for (size_t i = 0; i < w->count; i++)
		live_send(live.by_owner, emr_buf_view(&w->batches[i]), &commit);
	return NULL;
}

static double blocks_bytes;

static int add_size(const char *path, const struct stat *facts, int type, struct FTW *place)
{
	(void)path;
	(void)place;
	if (type == FTW_F)
		blocks_bytes += (double)facts->st_size;
	return 0;
}

/* Of the files of blocks alone: LevelDB's shrink when it likes. */
static double bytes_of_blocks(void)
{
	blocks_bytes = 0;
	assert_int_equal(
		nftw(live_file(1, "peer/ledger/ledgersData/chains/chains"), add_size, 8, FTW_PHYS),
		0);
	return blocks_bytes;
}

static void measure(const char *name, size_t items, size_t at_once, size_t each)
{
	pthread_t threads[AT_ONCE_MAX];
	worker workers[AT_ONCE_MAX];
	const double registrations = (double)(at_once * each * items);
	double began, took, before = bytes_of_blocks();
	emr_id16 object;

	for (size_t i = 0; i < at_once; i++) {
		workers[i] = (worker){.count = each, .batches = calloc(each, sizeof(emr_buf))};
		assert_non_null(workers[i].batches);
		for (size_t j = 0; j < each; j++)
			workers[i].batches[j] = live_batch(items, &object);
	}
	began = now_s();
	for (size_t i = 0; i < at_once; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
	for (size_t i = 0; i < at_once; i++)
		(void)pthread_join(threads[i], NULL);
	took = now_s() - began;
	printf("fabric_reg_%s %.2f\nfabric_bytes_%s %.0f\n", name, registrations / took, name,
		(bytes_of_blocks() - before) / registrations);
	for (size_t i = 0; i < at_once; i++) {
		for (size_t j = 0; j < each; j++)
			emr_buf_free(&workers[i].batches[j]);
		free(workers[i].batches);
	}
}

static void batches_of_each_size(void **state)
{
	(void)state;
	measure("1", 1, 1, 10);
	measure("1_many", 1, 32, 4);
	measure("100", 100, 1, 6);
	measure("100_many", 100, 16, 3);
	measure("500", 500, 1, 6);
	measure("500_many", 500, 8, 3);
}

/* ---- events ---- */

typedef struct waiting {
	pthread_mutex_t lock;
	pthread_cond_t came;
	uint64_t block; /* told last */
	double at_s;
} waiting;

static emr_status note(void *arg, const emr_gateway_event *event)
{
	waiting *w = arg;

	if (!event->is_block_end)
		return EMR_OK;
	(void)pthread_mutex_lock(&w->lock);
	w->block = event->block;
	w->at_s = now_s();
	(void)pthread_cond_signal(&w->came);
	(void)pthread_mutex_unlock(&w->lock);
	return EMR_OK;
}

static waiting heard = {.lock = PTHREAD_MUTEX_INITIALIZER, .came = PTHREAD_COND_INITIALIZER};
static int ending[2];

static void *listen_on(void *arg)
{
	emr_gateway_call call = emr_gateway_call_of(0, ending[0]);

	(void)emr_gateway_events(live.by_client, &call, *(uint64_t *)arg, note, &heard);
	return NULL;
}

static int by_size(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* From the gateway's answer that the batch is in a block, to the event by another line. */
static void events_come_behind_commits(void **state)
{
	double lags[EVENTS];
	emr_gateway_commit commit;
	emr_id16 object;
	uint64_t start;
	pthread_t thread;

	(void)state;
	for (int i = -1; i < EVENTS; i++) {
		EMR_AUTO_BUF batch = live_batch(1, &object);
		double known_s;

		live_send(live.by_owner, emr_buf_view(&batch), &commit);
		known_s = now_s();
		if (i < 0) {
			start = commit.block;
			assert_int_equal(pipe(ending), 0);
			assert_int_equal(pthread_create(&thread, NULL, listen_on, &start), 0);
		}
		(void)pthread_mutex_lock(&heard.lock);
		while (heard.block < commit.block)
			(void)pthread_cond_wait(&heard.came, &heard.lock);
		if (i >= 0)
			lags[i] = heard.at_s - known_s;
		(void)pthread_mutex_unlock(&heard.lock);
	}
	qsort(lags, EVENTS, sizeof *lags, by_size);
	printf("fabric_event_lag %.4f\n", lags[EVENTS / 2] > 0 ? lags[EVENTS / 2] : 0);
	assert_int_equal(write(ending[1], "", 1), 1);
	(void)pthread_join(thread, NULL);
	(void)close(ending[0]);
	(void)close(ending[1]);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(batches_of_each_size),
		cmocka_unit_test(events_come_behind_commits),
	};

	if (argc != 2) {
		fprintf(stderr, "usage: bench_gateway NETWORK\n");
		return 2;
	}
	live.net = argv[1];
	return cmocka_run_group_tests(tests, live_begin_domain, live_end);
}
