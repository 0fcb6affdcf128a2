/* These tests see a long ledger for the first time: what it costs the disk, and what is left when
 * the process is killed meanwhile. */
#include <sys/statvfs.h>
#include <sys/wait.h>

#include "replica_kit.h"

#define LONG 400 /* entries, of which a transaction has less than 130 as a rule: 4,096 items */

static bool is_nearly_full;

WRAPPED(int, statvfs64, const char *path, struct statvfs *out)
{
	int result = __real_statvfs64(path, out);

	if (result == 0)
		out->f_bavail = (is_nearly_full ? (1 << 30) - 1 : 1 << 30) / out->f_frsize;
	return result;
}

static size_t asked; /* entries whose domain nobody_owns was asked for */
static size_t dies_at;

static bool nobody_owns(void *arg, emr_id16 id, emr_bytes tail)
{
	(void)arg;
	(void)id;
	(void)tail;
	if (++asked == dies_at)
		_exit(0);
	return false;
}

static void save_long(void)
{
	for (int i = 0; i < LONG; i++)
		kit_fill(&k, &domain, 50);
}

static void open_for_nobody(void)
{
	const emr_replica_options options = {.state_dirfd = k.state_fd,
		.ledger = k.ledger,
		.clock = &k.clock.clock,
		.is_mine = nobody_owns};

	assert_ok(emr_replica_open(&options, &replica));
}

/* Returns how many bytes this process handed to write(2) and its like so far. */
static uint64_t written(void)
{
	FILE *io = fopen("/proc/self/io", "r");
	unsigned long long bytes = 0;
	char line[128];

	assert_non_null(io);
	while (fgets(line, sizeof line, io))
		(void)sscanf(line, "wchar: %llu", &bytes);
	(void)fclose(io);
	return bytes;
}

static uint64_t length_of(const char *name)
{
	struct stat st;

	assert_int_equal(fstatat(k.state_fd, name, &st, 0), 0);
	return (uint64_t)st.st_size;
}

TEST_IN(begin, end, who_is_far_behind_writes_what_is_new_a_few_times_and_keeps_no_long_log)
{
	uint64_t before, whole;

	save_long();
	stop();
	before = written();
	open_for_nobody();
	(void)catch_up();
	whole = length_of("replica.sqlite");
	assert_in_range(written() - before, whole, 3 * whole);
	/* The next writer begins the log again, and gives back what it was. */
	assert_true(length_of("replica.sqlite-wal") > whole / 2);
	(void)save(emr_id16_random(), 1);
	assert_int_equal(catch_up(), 1);
	assert_in_range(length_of("replica.sqlite-wal"), 1, 9 << 20);
}

TEST_IN(begin, end, where_there_is_little_room_the_log_stays_short)
{
	uint64_t whole;

	save_long();
	stop();
	is_nearly_full = true;
	open_for_nobody();
	(void)catch_up();
	is_nearly_full = false;
	whole = length_of("replica.sqlite");
	/* One transaction of few changes each page once at the most. */
	assert_in_range(length_of("replica.sqlite-wal"), 1, whole + whole / 10);
}

/* In a process that has no keys: the memory where they are is not given to it.  It closes nothing.
 */
static void look_and_die(size_t before)
{
	const emr_ledger_options options = {.path = k.network, .clock = &k.clock.clock};

	dies_at = asked + before;
	if (emr_ledger_open(&options, &k.ledger) != EMR_OK)
		_exit(1);
	open_for_nobody();
	_exit(emr_replica_catch_up(replica, NULL, NULL, NULL) == EMR_OK ? 0 : 1);
}

/* The result is asked when this process has opened all again, which the end of a test needs. */
static int look_dies(size_t before)
{
	int ended = -1;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0)
		look_and_die(before);
	assert_int_equal(waitpid(child, &ended, 0), child);
	return ended;
}

TEST_IN(begin, end, a_first_look_that_is_killed_is_gone_on_with)
{
	emr_replica_trouble trouble;
	uint64_t ledger, checked = 0;
	int ended;

	save_long();
	assert_ok(emr_ledger_size(k.ledger, &ledger));
	stop();
	ended = look_dies(LONG - 50); /* in the long transaction */
	open_for_nobody();
	assert_true(WIFEXITED(ended) && WEXITSTATUS(ended) == 0);
	assert_in_range(catch_up(), LONG / 2, LONG);
	assert_ok(emr_replica_verify_chain(replica, &trouble, &checked));
	assert_int_equal(checked, ledger);
}

/* The process that has the folder open after it may have it open for months. */
TEST_IN(begin, end, the_long_log_of_who_was_killed_is_given_back)
{
	int ended;

	save_long();
	stop();
	ended = look_dies(SIZE_MAX / 2);
	open_for_nobody();
	assert_true(WIFEXITED(ended) && WEXITSTATUS(ended) == 0);
	assert_true(length_of("replica.sqlite-wal") > length_of("replica.sqlite") / 2);
	/* The first brings the log into the file, and the second begins it again. */
	for (int i = 0; i < 2; i++) {
		(void)save(emr_id16_random(), 1);
		assert_int_equal(catch_up(), 1);
	}
	assert_in_range(length_of("replica.sqlite-wal"), 1, 9 << 20);
}

TESTS(NULL, NULL)
