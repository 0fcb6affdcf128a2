/* The mount dies at any step of publishing: afterwards there is one version of everything, and
 * nothing is lost. */
#include "view_kit.h"

#include <sys/wait.h>

enum { DIED = 77 };

static long countdown; /* steps until the end; 0: never */

static void step(void)
{
	if (countdown > 0 && --countdown == 0)
		_exit(DIED);
}

static emr_id16 unreadable; /* the part of this record is damaged */

WRAPPED(emr_status, emr_replica_part, emr_replica *replica, const emr_part_key *key,
	emr_buf *out_part)
{
	return emr_id16_equal(key->object, unreadable)
		       ? EMR_DAMAGED
		       : __real_emr_replica_part(replica, key, out_part);
}

WRAPPED(emr_status, emr_journal_commit, emr_journal_txn *txn, uint64_t *out_seq)
{
	emr_status status;

	step();
	status = __real_emr_journal_commit(txn, out_seq);
	step();
	return status;
}

WRAPPED(emr_status, emr_journal_sync, emr_journal *journal, uint64_t seq)
{
	step();
	return __real_emr_journal_sync(journal, seq);
}

WRAPPED(emr_status, emr_ledger_submit, emr_ledger *ledger, emr_bytes batch,
	emr_ledger_answer *out_answer)
{
	emr_status status;

	step();
	status = __real_emr_ledger_submit(ledger, batch, out_answer);
	step();
	return status;
}

WRAPPED(emr_status, emr_replica_catch_up, emr_replica *replica, emr_replica_change_fn change,
	void *arg, uint64_t *out_n)
{
	step();
	return __real_emr_replica_catch_up(replica, change, arg, out_n);
}

static void the_work(kit *k);
static void the_inner_work(kit *k);

/* The child's whole life: arguments are path, clocks, step, whether opening counts, which work
 * there is. */
static int child_main(char **argv)
{
	long n = strtol(argv[4], NULL, 10);
	kit c;

	kit_adopt(&c, argv[1], strtoll(argv[2], NULL, 10), strtoll(argv[3], NULL, 10));
	countdown = argv[5][0] == 'y' ? n : 0;
	if (emr_stack_open(c.path, &c.options, &c.stack) != EMR_OK)
		return 3;
	c.view = c.stack.view;
	if (argv[6][0] == 'y')
		the_work(&c);
	if (argv[6][0] == 'i')
		the_inner_work(&c);
	countdown = n;
	for (int i = 0; i < 3; i++) {
		if (emr_view_publish_now(c.view) != EMR_OK)
			return 4;
		kit_wait_ms(&c, 10000);
	}
	_exit(0); /* nothing is closed: what was promised must not need it */
}

/* In another process: opens the folder of K, works, publishes, and dies at the N-th step of it.
 * False: it ended. */
static bool dies_at(kit *k, long n, bool while_opening, const char *work)
{
	char unix_ns[24], boot_ns[24], number[24];
	char *argv[] = {"child", k->path, unix_ns, boot_ns, number, while_opening ? "y" : "n",
		(char *)(uintptr_t)work, NULL};
	int how;
	pid_t child;

	snprintf(unix_ns, sizeof unix_ns, "%lld", (long long)k->clock.unix_ns);
	snprintf(boot_ns, sizeof boot_ns, "%lld", (long long)k->clock.boot_ns);
	snprintf(number, sizeof number, "%ld", n);
	kit_wait_ms(k, 60000);
	child = fork();
	if (child == 0) {
		execv("/proc/self/exe", argv);
		_exit(5);
	}
	assert_int_equal(waitpid(child, &how, 0), child);
	assert_true(WIFEXITED(how));
	if (WEXITSTATUS(how) != 0)
		assert_int_equal(WEXITSTATUS(how), DIED);
	return WEXITSTATUS(how) == DIED;
}

static char base_path[200];
static kit base;

AROUND(make_base)
{
	kit *k = &base;

	kit_open(k);
	kit_mkdir(k, "Imaging");
	kit_mkdir(k, "Letters");
	kit_mkdir(k, "Imaging/ct");
	kit_text(k, "Imaging/x", "one");
	kit_text(k, "Imaging/z", "to be deleted");
	kit_text(k, "Imaging/moved", "content");
	kit_save(k, "Imaging/ct/1", "slice");
	(void)kit_items(k);
	emr_stack_close(&k->stack);
	snprintf(base_path, sizeof base_path, "%.199s", k->path);
}

AROUND_BY(remove_base, kit_remove_state(base_path))

/* A copy of the base, not opened. */
static void copy_base(kit *k)
{
	char path[256];

	snprintf(path, sizeof path, "%s-copy", base_path);
	kit_copy_tree(base_path, path);
	kit_adopt(k, path, base.clock.unix_ns, base.clock.boot_ns);
	k->ledger_size = base.ledger_size;
}

static void the_work(kit *k)
{
	kit_text(k, "Imaging/x", "two");
	kit_text(k, "Imaging/new", "first");
	kit_rename(k, "Imaging/moved", "Letters/moved");
	kit_unlink(k, "Imaging/z");
	kit_rename(k, "Imaging/ct", "Letters/ct");
}

/* A directory and a single file become domains of their own, with something new in the directory.
 */
static void the_inner_work(kit *k)
{
	emr_id16 domain;

	kit_text(k, "Imaging/ct/new", "new");
	kit_mkdir(k, "Imaging/ct/deep");
	assert_ok(emr_view_make_domain(k->view, "Imaging/ct", &domain));
	assert_ok(emr_view_make_domain(k->view, "Imaging/x", &domain));
}

static int count_of(const char *items, const char *what)
{
	int n = 0;

	for (const char *at = strstr(items, what); at != NULL; at = strstr(at + 1, what))
		n++;
	return n;
}

static void expect_the_work(kit *k)
{
	const char *items = kit_items(k);

	kit_expect_text(k, "Imaging/x", "two");
	kit_expect_text(k, "Imaging/new", "first");
	kit_expect_text(k, "Letters/moved", "content");
	kit_expect_text(k, "Letters/ct/1", "slice");
	assert_false(kit_exists(k, "Imaging/z"));
	assert_false(kit_exists(k, "Imaging/ct"));
	assert_false(kit_exists(k, "Imaging/moved"));
	assert_string_equal(kit_attribute(k, "Imaging/x", "user.emrfs.version"), "2");
	assert_string_equal(kit_attribute(k, "Imaging/new", "user.emrfs.version"), "1");
	assert_string_equal(kit_attribute(k, "Letters/moved", "user.emrfs.version"), "1");
	if (count_of(items, "PUT") != 2 || count_of(items, "REWRAP") != 2 ||
		count_of(items, "UNLINK") != 4 || count_of(items, "META") != 1 ||
		count_of(items, "!") != 0)
		fail_msg("not once each: %s", items);
}

static void recover_and_look(kit *k)
{
	EMR_AUTO_FREE char *before, *after;

	kit_start(k);
	before = kit_picture(k);
	kit_publish_all(k);
	after = kit_picture(k);
	assert_string_equal(after, before);
	expect_the_work(k);
	kit_restart_and_compare(k);
	kit_close(k);
}

TEST(a_mount_that_dies_while_it_publishes_publishes_everything_once)
{
	long n = 1;
	bool died;

	do {
		kit k;

		copy_base(&k);
		died = dies_at(&k, n, false, "y");
		recover_and_look(&k);
		n++;
	} while (died);
	assert_true(n > 20);
}

static void expect_whole(kit *k, const char *path, uint64_t records)
{
	emr_domain_state state;
	emr_path_domain d;

	assert_ok(emr_view_domain_of(k->view, path, &d));
	assert_true(d.is_root);
	assert_ok(emr_view_domain_state(k->view, d.domain, &state));
	assert_true(state.is_whole);
	assert_int_equal(state.records, records);
}

static void expect_the_inner_work(kit *k)
{
	const char *items;

	expect_whole(k, "Imaging/ct", 4);
	expect_whole(k, "Imaging/x", 1);
	items = kit_items(k);
	kit_expect_text(k, "Imaging/ct/1", "slice");
	kit_expect_text(k, "Imaging/ct/new", "new");
	kit_expect_text(k, "Imaging/x", "one");
	assert_string_equal(kit_attribute(k, "Imaging/x", "user.emrfs.version"), "1");
	if (count_of(items, "PUT") != 1 || count_of(items, "REWRAP") != 2 ||
		count_of(items, "UNLINK") != 3 || count_of(items, "META") != 2 ||
		count_of(items, "DOMAIN") != 2 || count_of(items, "!") != 0)
		fail_msg("not once each: %s", items);
}

TEST(a_mount_that_dies_while_domains_are_made_makes_them_whole)
{
	long n = 1;
	bool died;

	do {
		char *before, *after;
		kit k;

		copy_base(&k);
		died = dies_at(&k, n, false, "i");
		if (died && n % 3 == 0)
			(void)dies_at(&k, 1 + n % 8, true, "n");
		kit_start(&k);
		before = kit_picture(&k);
		kit_publish_all(&k);
		kit_publish_all(&k);
		after = kit_picture(&k);
		assert_string_equal(after, before);
		free(before);
		free(after);
		expect_the_inner_work(&k);
		kit_restart_and_compare(&k);
		kit_close(&k);
		n++;
	} while (died);
	assert_true(n > 20);
}

/* The first death comes with the batch on the ledger and its answer unread; the second while that
 * is sorted out. */
TEST(a_mount_that_dies_again_while_it_recovers_publishes_everything_once)
{
	for (long first = 8; first < 26; first += 6) {
		for (long second = 1;; second++) {
			bool died;
			kit k;

			copy_base(&k);
			(void)dies_at(&k, first, false, "y");
			died = dies_at(&k, second, true, "n");
			recover_and_look(&k);
			if (!died || second > 12)
				break;
		}
	}
}

TEST(what_lies_in_an_unreadable_directory_stays_what_it_is)
{
	AUTO(kit_close) kit k;
	EMR_AUTO_FREE char *before, *after;

	copy_base(&k);
	kit_start(&k);
	kit_mkdir(&k, "Imaging/ct/inner");
	kit_save(&k, "Imaging/ct/inner/2", "deeper");
	(void)kit_items(&k);
	before = kit_picture(&k);
	assert_ok(emr_unhex(kit_attribute(&k, "Imaging/ct", "user.emrfs.id"), unreadable.b,
		sizeof unreadable.b));
	kit_restart(&k);
	assert_ok(emr_facts_forget_kept(k.stack.facts)); /* which may still have its name */
	kit_restart(&k);
	assert_false(kit_exists(&k, "Imaging/ct"));
	kit_expect_text(&k, "1", "slice");
	kit_expect_text(&k, "inner/2", "deeper");
	kit_publishes_all(&k, "");
	kit_text(&k, "1", "slice, changed");
	kit_publishes_all(&k, "PUT");
	kit_save(&k, "1", "slice");
	unreadable = (emr_id16){{0}};
	kit_restart(&k);
	kit_expect_text(&k, "Imaging/ct/1", "slice");
	kit_expect_text(&k, "Imaging/ct/inner/2", "deeper");
	after = kit_picture(&k);
	assert_int_equal(strlen(after), strlen(before)); /* but for a time */
}

int main(int argc, char **argv)
{
	if (argc == 7)
		return child_main(argv);
	return emr_tests_run(make_base, remove_base);
}
