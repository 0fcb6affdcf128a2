/* This program measures how fast batches of one owner are registered through real peers, each
 * endorsed by two organisations, beside a chaincode that writes the same without a look at it
 * (tests/conformance/chaincode/plain, with which the network was started): what
 * tests/bench/fabric.py says in rows. Prints "NAME NUMBER" a line. */
#include "live_kit.h"

#include <ftw.h>
#include <pthread.h>
#include <time.h>

#include "base/codec.h"
#include "contract/rows.h"
#include "gateway/batch.h"

#define AT_ONCE_MAX 32
#define EVENTS 9
#define LOOKS 3
#define ROUNDS 3u /* of each of the two that are compared */

static double now_s(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* ---- registrations ---- */

/* By the contract, or by the chaincode that writes the same and looks at nothing. */
typedef void (*send_fn)(emr_bytes batch, emr_gateway_commit *out_commit);

static void send_judged(emr_bytes batch, emr_gateway_commit *out_commit)
{
	live_send(live.by_owner, batch, out_commit);
}

/* Of saves, which have no public part. */
static void send_plain(emr_bytes batch, emr_gateway_commit *out_commit)
{
	const size_t public_len =
		EMR_HEADER_BYTES + EMR_ITEM_BYTES * (size_t)emr_get_u16(batch.data + 6);
	emr_bytes args[3] = {emr_bytes_of("write", 5),
		emr_bytes_of(live.k.owner.signer_id.b, sizeof live.k.owner.signer_id.b),
		emr_bytes_of(batch.data, public_len)};
	emr_gateway_invocation invocation = {.args = args,
		.arg_count = 3,
		.transient_name = "parts",
		.transient = emr_bytes_of(batch.data + public_len, batch.len - public_len)};
	emr_gateway_call call = emr_gateway_call_of(LIVE_PATIENCE_MS, -1);
	EMR_AUTO_BUF envelope = {0};

	live_fine(emr_gateway_endorse(live.by_owner, &call, &invocation, &envelope, NULL), &call);
	live_fine(emr_gateway_settle(
			  live.by_owner, &call, emr_buf_view(&envelope), false, out_commit),
		&call);
}

typedef struct worker {
	send_fn send;
	emr_buf *batches;
	size_t count;
} worker;

static void *work(void *arg)
{
	const worker *w = arg;
	emr_gateway_commit commit;

	for (size_t i = 0; i < w->count; i++)
		w->send(emr_buf_view(&w->batches[i]), &commit);
	return NULL;
}

static size_t registered; /* by the contract */
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

/* The seconds that it takes. */
static double round_of(send_fn send, size_t items, size_t at_once, size_t each)
{
	pthread_t threads[AT_ONCE_MAX];
	worker workers[AT_ONCE_MAX];
	double began, took;
	emr_id16 object;

	for (size_t i = 0; i < at_once; i++) {
		workers[i] = (worker){
			.send = send, .count = each, .batches = calloc(each, sizeof(emr_buf))};
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
	for (size_t i = 0; i < at_once; i++) {
		for (size_t j = 0; j < each; j++)
			emr_buf_free(&workers[i].batches[j]);
		free(workers[i].batches);
	}
	return took;
}

/* By turns, another one first each time, so that both have the machine as it is. */
static void measure(const char *name, size_t items, size_t at_once, size_t each)
{
	static const send_fn sends[] = {send_judged, send_plain};
	const double registrations = (double)(at_once * each * items) * ROUNDS;
	double took[2] = {0}, bytes = 0;

	for (unsigned i = 0; i < 2 * ROUNDS; i++) {
		const unsigned who = (i + i / 2) % 2;
		const double before = bytes_of_blocks();

		took[who] += round_of(sends[who], items, at_once, each);
		bytes += who == 0 ? bytes_of_blocks() - before : 0;
	}
	registered += (size_t)registrations;
	printf("fabric_reg_%s %.2f\nfabric_plain_%s %.2f\nfabric_bytes_%s %.0f\n", name,
		registrations / took[0], name, registrations / took[1], name,
		bytes / registrations);
	(void)fflush(stdout);
}

static int by_size(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* All blocks from the first on, as a computer that comes to the channel: the median of the seconds
 * that it takes. */
static double follow_all(uint64_t *out_blocks)
{
	double took[LOOKS];

	for (int i = 0; i < LOOKS; i++) {
		emr_gateway_position position = {0};
		emr_chain *chain = NULL;
		const double began = now_s();

		assert_ok(emr_chain_open_temporary(&chain));
		live_observe(live.by_owner, chain, &position);
		took[i] = now_s() - began;
		*out_blocks = position.next_block;
		emr_chain_close(chain);
	}
	qsort(took, LOOKS, sizeof *took, by_size);
	return took[LOOKS / 2];
}

static void batches_of_each_size(void **state)
{
	uint64_t blocks = 0;
	double took;

	(void)state;
	measure("1", 1, 1, 4);
	took = follow_all(&blocks);
	printf("fabric_follow_block %.5f\n", took / (double)blocks);
	measure("1_many", 1, 32, 3);
	measure("100", 100, 1, 3);
	measure("100_many", 100, 16, 2);
	measure("500", 500, 1, 3);
	measure("500_many", 500, 8, 2);
	printf("fabric_follow_records %.0f\n", (double)registered / follow_all(&blocks));
}

/* ---- what is compared does the same ---- */

#define ROWS 4

static emr_status keep_row(void *arg, size_t index, emr_bytes value)
{
	emr_buf *rows = arg;

	assert_true(index < ROWS);
	assert_non_null(value.data);
	return emr_buf_append(&rows[index], value.data, value.len);
}

/* Those of a batch of one new record; its part in the last. */
static void read_rows(emr_bytes batch, emr_id16 object, emr_buf *out)
{
	emr_gateway_call call = emr_gateway_call_of(LIVE_PATIENCE_MS, -1);
	const uint8_t *domain = live.domain.id.b;
	const char *names[ROWS];
	emr_key_text keys[ROWS];
	uint8_t id[32];

	emr_batch_id(batch.data, id);
	emr_key_batch(id, &keys[0]);
	emr_key_object(domain, object.b, &keys[1]);
	emr_key_place(EMR_FAMILY_OBJECT, domain, object.b, 1, &keys[2]);
	emr_key_head(domain, &keys[3]);
	for (size_t i = 0; i < ROWS; i++)
		names[i] = keys[i].text;
	live_fine(emr_gateway_rows(live.by_owner, &call, names, ROWS, keep_row, out), &call);
}

static emr_status keep_part(void *arg, size_t index, emr_gateway_part_state state, emr_bytes part)
{
	(void)index;
	assert_int_equal(state, EMR_GATEWAY_PART_HERE);
	return emr_buf_append(arg, part.data, part.len);
}

static void read_part(emr_id16 object, emr_buf *out)
{
	emr_gateway_call call = emr_gateway_call_of(LIVE_PATIENCE_MS, -1);
	emr_key_text key;
	const char *name = key.text;

	emr_key_part(EMR_FAMILY_OBJECT, live.domain.id.b, object.b, 1, &key);
	live_fine(emr_gateway_parts(live.by_owner, &call, &name, 1, keep_part, out), &call);
}

/* Written by the plain one once more, the rows that the contract made do not change; and of a batch
 * that it alone wrote all are there. */
static void the_plain_chaincode_writes_what_the_contract_writes(void **state)
{
	emr_buf judged[ROWS] = {0}, plain[ROWS] = {0}, part = {0};
	emr_gateway_commit commit;
	emr_id16 object;
	EMR_AUTO_BUF other = live_batch(1, &object);
	emr_id16 own;
	EMR_AUTO_BUF fresh = live_batch(1, &own);

	(void)state;
	send_judged(emr_buf_view(&other), &commit);
	read_rows(emr_buf_view(&other), object, judged);
	send_plain(emr_buf_view(&other), &commit);
	read_rows(emr_buf_view(&other), object, plain);
	for (size_t i = 0; i < ROWS; i++) {
		assert_true(emr_bytes_equal(emr_buf_view(&judged[i]), emr_buf_view(&plain[i])));
		emr_buf_clear(&plain[i]);
	}
	send_plain(emr_buf_view(&fresh), &commit);
	read_rows(emr_buf_view(&fresh), own, plain);
	for (size_t i = 0; i < ROWS; i++)
		assert_int_equal(judged[i].len, plain[i].len);
	read_part(own, &part);
	assert_true(part.len > 0 && part.len < fresh.len);
	assert_memory_equal(part.data, fresh.data + fresh.len - part.len, part.len);
	for (size_t i = 0; i < ROWS; i++) {
		emr_buf_free(&judged[i]);
		emr_buf_free(&plain[i]);
	}
	emr_buf_free(&part);
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
		cmocka_unit_test(the_plain_chaincode_writes_what_the_contract_writes),
		cmocka_unit_test(batches_of_each_size),
		cmocka_unit_test(events_come_behind_commits),
	};

	if (argc != 2) {
		fprintf(stderr, "usage: bench_gateway NETWORK\n");
		return 2;
	}
	live.net = argv[1];
	return cmocka_run_group_tests(tests, live_begin, live_end);
}
