/* The holder of the disk puts back an older ledger together with everything that watches it, but
 * for the sealed journal. */

#include "emr_stack.h"
#include "emr_test.h"
#include "ledger/checkpoint.h"
#include "ledger/restart.h"
#include "replica/restart.h"

static char home[64];
static char notices[256];

static void note(void *arg, const char *id, const char *path)
{
	(void)arg;
	(void)path;
	strncat(notices, id, sizeof notices - strlen(notices) - 2);
	strcat(notices, " ");
}

/* WORDS with every % replaced by the home. */
static void run(const char *words)
{
	char command[512];
	size_t at = 0;

	for (; *words != 0; words++)
		at += (size_t)snprintf(command + at, sizeof command - at,
			*words == '%' ? "%s" : "%.1s", *words == '%' ? home : words);
	assert_int_equal(system(command), 0);
}

static void save(emr_stack *stack, const char *name)
{
	emr_handle *handle;
	emr_attr attr;

	assert_ok(emr_view_create(stack->view, EMR_ROOT_NODE, name, 0600, O_RDWR, &attr, &handle));
	assert_ok(emr_view_write(handle, 0, emr_bytes_of(name, strlen(name))));
	assert_ok(emr_view_flush(handle));
	emr_view_release(handle);
	assert_ok(emr_view_publish_now(stack->view));
}

static void open_stack_in(const char *directory, emr_stack *out_stack)
{
	emr_stack_options options = {.notice = note};

	notices[0] = 0;
	assert_ok(emr_stack_open(directory, &options, out_stack));
}

static void open_stack(emr_stack *out_stack)
{
	open_stack_in(home, out_stack);
}

AROUND(make_home)
{
	strcpy(home, "/tmp/emr-seen-XXXXXX");
	assert_non_null(mkdtemp(home));
	assert_ok(emr_stack_create(home));
}

AROUND_BY(drop_home, run("rm -rf % %.old"))

/* One file in the home and in its copy, and another in the home alone. */
static void save_with_an_older_copy(void)
{
	emr_stack stack;

	open_stack(&stack);
	save(&stack, "one");
	emr_stack_close(&stack);
	run("cp -a % %.old");
	open_stack(&stack);
	save(&stack, "two");
	emr_stack_close(&stack);
}

/* The ledger and all that watches it are those of the copy: NOTICE says what that is, and so is
 * whoever asks told, WHY; what was saved before can be read. */
static void expect_read_only(const char *notice, emr_status why)
{
	AUTO(emr_stack_close) emr_stack stack;
	emr_attr attr;
	uint64_t seen = 0;

	run("rm -rf %/network");
	run("cp -a %.old/network %/");
	run("cp -a %.old/replica.* %/");
	open_stack(&stack);
	assert_status(EMR_READ_ONLY, emr_view_mkdir(stack.view, EMR_ROOT_NODE, "new", 0700, &attr));
	assert_non_null(strstr(notices, notice));
	for (int i = 0; i < 2; i++) /* not only whoever is first */
		assert_status(why, emr_settle_compare_seen(stack.settle, &seen));
	assert_true(seen > 0);
	assert_ok(emr_view_find(stack.view, "one", &attr));
}

TEST_IN(make_home, drop_home, a_ledger_put_back_with_all_its_watchers_makes_the_folder_read_only)
{
	save_with_an_older_copy();
	expect_read_only("rollback", EMR_ROLLBACK);
}

/* It is no shorter: what was written to a copy of the folder went on from the same beginning. */
TEST_IN(make_home, drop_home, another_history_with_all_its_watchers_makes_the_folder_read_only)
{
	emr_stack stack;
	char other[80];

	save_with_an_older_copy();
	snprintf(other, sizeof other, "%s.old", home);
	open_stack_in(other, &stack);
	save(&stack, "other");
	save(&stack, "more");
	emr_stack_close(&stack);
	expect_read_only("ledger-damaged", EMR_FORK);
}

TEST_IN(make_home, drop_home, an_untouched_ledger_is_followed)
{
	emr_stack stack;
	emr_attr attr;
	uint64_t seen;

	for (int i = 0; i < 3; i++) {
		char name[8];

		snprintf(name, sizeof name, "f%d", i);
		open_stack(&stack);
		save(&stack, name);
		assert_string_equal(notices, "");
		assert_ok(emr_settle_compare_seen(stack.settle, &seen));
		assert_true(seen > 0);
		assert_ok(emr_view_find(stack.view, name, &attr));
		emr_stack_close(&stack);
	}
}

/* ---- where its host says that it lost entries ---- */

static bool host_says_nothing;
WRAPPED(emr_status, emr_ledger_submit, emr_ledger *ledger, emr_bytes batch,
	emr_ledger_answer *out_answer)
{
	return host_says_nothing ? EMR_TIMEOUT
				 : __real_emr_ledger_submit(ledger, batch, out_answer);
}

static uint64_t entries(const emr_stack *stack)
{
	uint64_t size = 0;

	assert_ok(emr_ledger_size(stack->ledger, &size));
	return size;
}

/* The network's directory is that of the copy, and its host goes on with that. */
static uint64_t put_back_with_a_restart(void)
{
	static const uint8_t seed[32] = {7};
	const uint64_t now = emr_clock_unix_s(emr_clock_system());
	EMR_AUTO_BUF bytes = {0};
	static emr_restart restart;
	emr_stack old;
	char path[80];
	FILE *file;

	run("rm -rf %/network");
	run("cp -a %.old/network %/");
	snprintf(path, sizeof path, "%s.old", home);
	open_stack_in(path, &old);
	restart.said = (emr_checkpoint){.net_id = emr_ledger_net_id(old.ledger),
		.recovery = emr_id16_random(),
		.size = entries(&old)};
	assert_ok(emr_ledger_root(old.ledger, restart.said.size, restart.said.root));
	restart.heard[0] = restart.said;
	restart.n_heard = 1;
	assert_ok(emr_checkpoint_sign(&restart.said, seed, now));
	assert_ok(emr_checkpoint_cosign(&restart.heard[0], old.keyring, now));
	emr_stack_close(&old);
	assert_ok(emr_restart_write(&restart, &bytes));
	run("mkdir -m 700 %/host");
	snprintf(path, sizeof path, "%s/host/" EMR_RESTARTS, home);
	file = fopen(path, "we");
	assert_int_equal(fwrite(bytes.data, 1, bytes.len, file), bytes.len);
	assert_int_equal(fclose(file), 0);
	return restart.said.size;
}

static void expect_registered(const emr_stack *stack, uint64_t files, uint64_t ledger_size)
{
	emr_view_counts counts;
	uint64_t seen;

	emr_view_count(stack->view, &counts);
	assert_int_equal(counts.pending + counts.failed, 0);
	assert_int_equal(counts.confirmed, files);
	assert_int_equal(entries(stack), ledger_size);
	assert_ok(emr_settle_compare_seen(stack->settle, &seen));
}

/* "two" was on the ledger, the answer to "three" never came; nothing is read only, and nothing is
 * accused. */
TEST_IN(make_home, drop_home,
	after_a_restart_what_is_gone_is_signed_again_and_what_waits_is_there_once)
{
	emr_known_restart known;
	emr_stack stack;
	emr_handle *handle;
	emr_attr attr;
	uint64_t size;

	save_with_an_older_copy();
	open_stack(&stack);
	assert_ok(
		emr_view_create(stack.view, EMR_ROOT_NODE, "three", 0600, O_RDWR, &attr, &handle));
	assert_ok(emr_view_write(handle, 0, emr_bytes_of("three", 5)));
	assert_ok(emr_view_flush(handle));
	emr_view_release(handle);
	host_says_nothing = true;
	assert_status(EMR_TIMEOUT, emr_view_publish_now(stack.view));
	emr_stack_close(&stack);
	host_says_nothing = false;
	size = put_back_with_a_restart();
	open_stack(&stack);
	assert_true(emr_replica_must_go_on(stack.replica));
	assert_string_equal(notices, "host-restart ");
	assert_ok(emr_view_find(stack.view, "two", &attr)); /* by the old copy */
	emr_view_free(stack.view);
	stack.view = NULL;
	assert_ok(emr_settle_go_on(stack.settle));
	emr_stack_close(&stack);
	open_stack(&stack);
	assert_string_equal(notices, "host-restart ");
	assert_ok(emr_view_publish_now(stack.view));
	expect_registered(&stack, 3, size + 2);
	assert_int_equal(emr_replica_restarts(stack.replica, &known, 1), 1);
	assert_int_equal(known.state, EMR_RESTART_FITS);
	emr_stack_close(&stack);
	open_stack(&stack);
	assert_string_equal(notices, "");
	expect_registered(&stack, 3, size + 2);
	emr_stack_close(&stack);
}

TESTS(NULL, NULL)
