/* These tests use the ledger and the replica when the n-th SQL step, write, flush or truncation
 * fails: each time the ledger is that before or that after the batch, and the same bytes sent
 * again get their answer. */
#include <pthread.h>
#include <sched.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <sys/types.h>

#include "ledger_kit.h"

/* ---- faults ---- */

static long calls_left = -1; /* until the failing call; -1 = none fails */
static int fault;	     /* SQLite code of a failing step, or errno of a failing system call */
static bool has_failed;

static bool fails(void)
{
	if (calls_left < 0)
		return false;
	if (calls_left-- > 0)
		return false;
	has_failed = true;
	return true;
}

static enum { NOTHING, STEPS, WRITES, FLUSHES } failing;

/* Of many that hand in at once: the one whose entry cannot be written, as its statement has it, and
 * how many transactions they took. */
#define CROWD 8
static char poison[65];
#define HAS_ENDED -1
static atomic_int crowd[CROWD]; /* their threads; 0: it has not begun */
static atomic_int commits;

static bool is_poisoned(sqlite3_stmt *statement)
{
	char *text = sqlite3_expanded_sql(statement);
	bool is_it = text != NULL && strcasestr(text, poison) != NULL;

	sqlite3_free(text);
	return is_it;
}

static bool writes_an_entry(sqlite3_stmt *statement)
{
	return strncmp(sqlite3_sql(statement), "INSERT INTO entries", 19) == 0;
}

static bool sleeps(int thread)
{
	char line[256] = "";
	FILE *file;

	file = fopen(printed("/proc/self/task/%d/stat", thread), "r");
	if (file != NULL && fgets(line, sizeof line, file) == NULL)
		line[0] = '\0';
	if (file != NULL)
		(void)fclose(file);
	return strstr(line, ") S") != NULL;
}

/* The one who writes goes on when all the others have come to wait for it. */
static void await_company(void)
{
	for (int i = 0; i < CROWD; i++)
		while (crowd[i] != HAS_ENDED && crowd[i] != gettid() && !sleeps(crowd[i]))
			(void)sched_yield();
	atomic_fetch_add(&commits, 1);
}

WRAPPED(int, sqlite3_step, sqlite3_stmt *statement)
{
	if (poison[0] != '\0' && strcmp(sqlite3_sql(statement), "COMMIT") == 0)
		await_company();
	if (poison[0] != '\0' && writes_an_entry(statement) && is_poisoned(statement))
		return SQLITE_IOERR;
	if (failing == STEPS && fails())
		return fault;
	return __real_sqlite3_step(statement);
}

static ssize_t faulty_pwrite(int fd, const void *data, size_t len, off_t at)
{
	/* From the first failure on the disk stays full. */
	if (failing == WRITES && (has_failed || fails())) {
		errno = fault;
		return -1;
	}
	return pwrite(fd, data, len, at);
}

static void install(void)
{
	sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);

	assert_int_equal(
		vfs->xSetSystemCall(vfs, "pwrite", (sqlite3_syscall_ptr)faulty_pwrite), SQLITE_OK);
	assert_int_equal(vfs->xSetSystemCall(vfs, "pwrite64", (sqlite3_syscall_ptr)faulty_pwrite),
		SQLITE_OK);
}

/* Flushes are no system call that SQLite lets be replaced, so the library's own is: the dynamic
 * linker finds this one first. */
__attribute__((visibility("default"))) int fdatasync(int fd)
{
	if (failing == FLUSHES && fails()) {
		errno = fault;
		return -1;
	}
	return (int)syscall(SYS_fdatasync, fd);
}

__attribute__((visibility("default"))) int fsync(int fd)
{
	if (failing == FLUSHES && fails()) {
		errno = fault;
		return -1;
	}
	return (int)syscall(SYS_fsync, fd);
}

/* ---- the loop ---- */

static kit k;
static kit_domain domain;

static void arm(long n)
{
	has_failed = false;
	calls_left = n;
}

static void disarm(void)
{
	failing = NOTHING;
	calls_left = -1;
}

static void reopen(void)
{
	emr_ledger_close(k.ledger);
	k.ledger = kit_open(&k);
}

static void make_batch(emr_buf *out)
{
	emr_batch_builder *b = kit_batch(&k, domain.id);

	for (int i = 0; i < 3; i++)
		(void)kit_put(b, &domain, emr_id16_random(), 1, (emr_id32){{0}});
	kit_finish(&k, b, out);
}

/* One batch with the N-th call failing; false when no call was the N-th. */
static bool survives(long n, int kind, int code, emr_status expected)
{
	EMR_AUTO_BUF bytes = {0};
	emr_ledger_answer answer;
	uint64_t before = kit_size(&k);
	uint64_t after;
	emr_status status;

	make_batch(&bytes);
	fault = code;
	failing = kind == STEPS ? STEPS : (kind == WRITES ? WRITES : FLUSHES);
	arm(n);
	status = emr_ledger_submit(k.ledger, emr_buf_view(&bytes), &answer);
	disarm();
	if (has_failed && status != EMR_OK && expected != EMR_OK)
		assert_status(expected, status);
	if (!has_failed)
		assert_ok(status);
	reopen();
	after = kit_size(&k);
	assert_in_range(after, status == EMR_OK ? before + 1 : before, before + 1);
	kit_sound(&k);
	assert_ok(emr_ledger_submit(k.ledger, emr_buf_view(&bytes), &answer));
	assert_int_equal(answer.refusal, 0);
	assert_int_equal(answer.is_repeat, after == before + 1);
	assert_int_equal(answer.seq, before);
	assert_int_equal(answer.results[2], EMR_RESULT_APPLIED);
	assert_int_equal(kit_size(&k), before + 1);
	return has_failed;
}

static int begin(void **state), end(void **state);

TEST_IN(begin, end, a_failing_step_leaves_the_ledger_before_or_after_the_batch)
{
	long n = 0;

	while (survives(n, STEPS, SQLITE_IOERR, EMR_IO))
		n++;
	assert_true(n > 30); /* the loop saw the whole transaction */
	assert_true(survives(3, STEPS, SQLITE_NOMEM, EMR_NO_MEMORY));
	assert_true(survives(3, STEPS, SQLITE_BUSY, EMR_BUSY));
	/* SQLite says this after a hundred tries at a log that others are busy with. */
	assert_true(survives(3, STEPS, SQLITE_PROTOCOL, EMR_BUSY));
}

TEST_IN(begin, end, a_full_disk_refuses_the_batch_and_takes_it_when_space_returns)
{
	long n = 0;

	while (survives(n, WRITES, ENOSPC, EMR_NO_SPACE))
		n++;
	assert_true(n > 3);
}

TEST_IN(begin, end, a_disk_error_leaves_the_ledger_before_or_after_the_batch)
{
	long n = 0;

	while (survives(n, WRITES, EIO, EMR_IO))
		n++;
	assert_true(n > 3);
}

TEST_IN(begin, end, a_failing_flush_is_never_called_a_success)
{
	long n = 0;

	while (survives(n, FLUSHES, EIO, EMR_IO))
		n++;
	assert_true(n >= 1);
}

#define CROWD_ROUNDS 12

typedef struct saver {
	int number;
	pthread_t thread;
	emr_buf batches[CROWD_ROUNDS];
	emr_status statuses[CROWD_ROUNDS];
	uint64_t seqs[CROWD_ROUNDS];
} saver;

static void *save_rounds(void *arg)
{
	saver *s = arg;
	emr_ledger_answer answer;

	crowd[s->number] = gettid();
	for (int i = 0; i < CROWD_ROUNDS; i++) {
		s->statuses[i] = emr_ledger_submit(k.ledger, emr_buf_view(&s->batches[i]), &answer);
		s->seqs[i] = s->statuses[i] == EMR_OK ? answer.seq : 0;
	}
	crowd[s->number] = HAS_ENDED;
	return NULL;
}

static void assert_kept(const saver *s, int round)
{
	emr_ledger_answer again;

	assert_ok(s->statuses[round]);
	assert_ok(emr_ledger_submit(k.ledger, emr_buf_view(&s->batches[round]), &again));
	assert_true(again.is_repeat);
	assert_int_equal(again.seq, s->seqs[round]);
}

TEST_IN(begin, end, a_batch_that_cannot_be_written_harms_no_neighbour)
{
	saver savers[CROWD] = {{0}};
	uint8_t id[32];
	emr_ledger_answer answer;
	uint64_t before = kit_size(&k);

	for (int i = 0; i < CROWD; i++) {
		savers[i].number = i;
		for (int j = 0; j < CROWD_ROUNDS; j++)
			make_batch(&savers[i].batches[j]);
	}
	emr_batch_id(savers[3].batches[5].data, id);
	emr_hex(id, sizeof id, poison);
	for (int i = 0; i < CROWD; i++)
		assert_int_equal(
			pthread_create(&savers[i].thread, NULL, save_rounds, &savers[i]), 0);
	for (int i = 0; i < CROWD; i++)
		assert_int_equal(pthread_join(savers[i].thread, NULL), 0);
	poison[0] = '\0';
	assert_int_equal(kit_size(&k), before + CROWD * CROWD_ROUNDS - 1);
	assert_true(commits < CROWD * CROWD_ROUNDS / 2); /* most went together */
	for (int i = 0; i < CROWD; i++)
		for (int j = 0; j < CROWD_ROUNDS; j++)
			if (i != 3 || j != 5)
				assert_kept(&savers[i], j);
	assert_status(EMR_IO, savers[3].statuses[5]);
	assert_ok(emr_ledger_submit(k.ledger, emr_buf_view(&savers[3].batches[5]), &answer));
	assert_int_equal(answer.seq, before + CROWD * CROWD_ROUNDS - 1);
	kit_sound(&k);
	for (int i = 0; i < CROWD; i++)
		for (int j = 0; j < CROWD_ROUNDS; j++)
			emr_buf_free(&savers[i].batches[j]);
}

TEST_IN(begin, end, catching_up_survives_every_failing_step)
{
	long n = 0;
	bool has_more = true;

	while (has_more) {
		emr_replica *replica = kit_replica(&k);
		emr_replica_position position;
		uint64_t taken = 0;
		emr_status status;
		kit_fill(&k, &domain, 2);
		fault = SQLITE_IOERR;
		failing = STEPS;
		arm(n++);
		status = emr_replica_catch_up(replica, NULL, NULL, &taken);
		disarm();
		has_more = has_failed;
		if (!has_failed)
			assert_ok(status);
		if (n % 2) /* half of them go on in the same process, half after a start */
			assert_ok(emr_replica_catch_up(replica, NULL, NULL, NULL));
		emr_replica_close(replica);
		replica = kit_replica(&k);
		assert_ok(emr_replica_catch_up(replica, NULL, NULL, NULL));
		assert_ok(emr_replica_at(replica, &position));
		assert_int_equal(position.size, kit_size(&k));
		emr_replica_close(replica);
	}
	assert_true(n > 30);
	{
		EMR_AUTO_REPLICA replica = kit_replica(&k);
		emr_replica_trouble trouble;
		uint64_t checked = 0;
		assert_ok(emr_replica_verify_chain(replica, &trouble, &checked));
		assert_int_equal(checked, kit_size(&k));
	}
}

AROUND(begin)
{
	kit_new(&k);
	domain = kit_domain_new(&k);
}

AROUND(end)
{
	disarm();
	kit_end(&k);
}

int main(void)
{
	install();
	return emr_tests_run(NULL, NULL);
}
