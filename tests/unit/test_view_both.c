/* These tests are about two computers of one person on one ledger: the changes of both are kept,
 * whichever was quicker, away, or stopped by a full disk, and they end with the same folder. */
#include "two_kit.h"

TEST_IN(two_open, two_close, what_was_changed_while_away_meets_what_others_changed)
{
	two *t = *state;
	two_conflicts c;

	kit_text(&t->b, "Imaging/1", "written on the train");
	kit_rename(&t->b, "Imaging/2", "Letters/renamed on the train");
	emr_stack_close(&t->b.stack);
	kit_text(&t->a, "Imaging/1", "written at home");
	kit_text(&t->a, "Imaging/2", "two, at home");
	kit_wait_ms(&t->a, 2000);
	kit_publish_all(&t->a);
	kit_start(&t->b);
	two_meet(t);
	kit_expect_text(&t->b, "Imaging/1", "written at home");
	c = two_conflicts_in(&t->b, "Imaging");
	assert_int_equal(c.n, 1);
	kit_expect_text(&t->b, "Letters/renamed on the train", "two, at home");
	two_expect_equal(t);
}

TEST_IN(two_open, two_close, new_bytes_beat_a_removal_on_either_side)
{
	two *t = *state;

	kit_unlink(&t->a, "Imaging/1");
	kit_text(&t->b, "Imaging/1", "still needed");
	kit_save(&t->a, "Imaging/2", "needed here");
	kit_unlink(&t->b, "Imaging/2");
	two_meet(t);
	kit_expect_text(&t->a, "Imaging/1", "still needed");
	kit_expect_text(&t->b, "Imaging/1", "still needed");
	kit_expect_text(&t->a, "Imaging/2", "needed here");
	kit_expect_text(&t->b, "Imaging/2", "needed here");
	two_expect_equal(t);
}

TEST_IN(two_open, two_close, a_new_name_here_and_new_bytes_there_come_together)
{
	two *t = *state;
	emr_attr saved;

	kit_rename(&t->b, "Imaging/1", "Imaging/better name");
	kit_wait_ms(&t->a, 5000);
	kit_text(&t->a, "Imaging/1", "better bytes");
	saved = kit_attr(&t->a, "Imaging/1");
	two_meet(t);
	assert_int_equal(kit_attr(&t->a, "Imaging/better name").mtime_ns, saved.mtime_ns);
	assert_int_equal(kit_attr(&t->b, "Imaging/better name").mtime_ns, saved.mtime_ns);
	kit_expect_text(&t->a, "Imaging/better name", "better bytes");
	kit_expect_text(&t->b, "Imaging/better name", "better bytes");
	assert_false(kit_exists(&t->b, "Imaging/1"));
	two_expect_equal(t);
}

TEST_IN(two_open, two_close, a_file_that_is_open_for_writing_waits_until_it_is_closed)
{
	two *t = *state;
	emr_handle *h = kit_open_file(&t->b, "Imaging/1", O_RDWR);

	kit_text(&t->a, "Imaging/1", "from a");
	two_meet(t);
	assert_ok(emr_view_write(h, 0, emr_bytes_of("ONE", 3)));
	two_meet(t);
	kit_expect_text(&t->b, "Imaging/1", "ONE");
	kit_close_file(h);
	two_meet(t);
	kit_expect_text(&t->b, "Imaging/1", "from a");
	assert_int_equal(two_conflicts_in(&t->b, "Imaging").n, 1);
	two_expect_equal(t);
}

TEST_IN(two_open, two_close, a_directory_that_was_removed_elsewhere_lives_with_what_was_put_into_it)
{
	two *t = *state;

	kit_mkdir(&t->a, "Imaging/CT");
	two_meet(t);
	kit_rmdir(&t->a, "Imaging/CT");
	kit_text(&t->b, "Imaging/CT/late", "late");
	two_meet(t);
	kit_expect_text(&t->b, "Imaging/CT/late", "late");
	two_expect_equal_again(t, "Imaging/CT/late");
	two_meet(t);
	kit_expect_text(&t->a, "Imaging/CT/late", "late");
	two_expect_equal(t);
}

/* ---- one is quicker than the other ---- */

static two *racing; /* whose a saves while b looks */

/* A node that b tells the kernel of, it has looked at: now a is quicker with something else. */
static void a_is_quicker(void *arg, uint64_t number, const char *name)
{
	two *t = racing;

	(void)arg;
	(void)number;
	(void)name;
	if (t == NULL)
		return;
	racing = NULL;
	kit_text(&t->a, "Imaging/1", "a was quicker");
	kit_wait_ms(&t->a, 2000);
	assert_ok(emr_view_publish_now(t->a.view));
}

static void prepare_race(two *t)
{
	t->b.options.changed = a_is_quicker;
	kit_restart(&t->b);
	kit_text(&t->a, "Letters/x", "something for b to look at");
	kit_wait_ms(&t->a, 2000);
	assert_ok(emr_view_publish_now(t->a.view));
}

static void race(two *t)
{
	kit_wait_ms(&t->b, 2000);
	racing = t;
	assert_ok(emr_view_publish_now(t->b.view));
	assert_null(racing);
	two_meet(t);
}

TEST_IN(two_open, two_close, who_saves_over_what_he_has_not_seen_makes_a_conflict)
{
	two *t = *state;

	prepare_race(t);
	kit_text(&t->b, "Imaging/1", "b was slower");
	race(t);
	kit_expect_text(&t->a, "Imaging/1", "a was quicker");
	assert_int_equal(two_conflicts_in(&t->a, "Imaging").n, 1);
	assert_string_equal(kit_attribute(&t->b, "Imaging/1", "user.emrfs.version"), "2");
	two_expect_equal(t);
}

TEST_IN(two_open, two_close, who_removes_what_he_has_not_seen_does_not_remove_it)
{
	two *t = *state;

	prepare_race(t);
	kit_unlink(&t->b, "Imaging/1");
	race(t);
	kit_expect_text(&t->a, "Imaging/1", "a was quicker");
	two_expect_equal(t);
}

/* ---- away, and what others removed meanwhile ---- */

TEST_IN(two_open, two_close, what_was_renamed_away_and_removed_there_is_gone)
{
	two *t = *state;

	kit_rename(&t->b, "Imaging/1", "Imaging/uno");
	kit_rename(&t->b, "Imaging/2", "Letters/two");
	emr_stack_close(&t->b.stack);
	kit_unlink(&t->a, "Imaging/1");
	kit_unlink(&t->a, "Imaging/2");
	kit_wait_ms(&t->a, 2000);
	kit_publish_all(&t->a);
	kit_start(&t->b);
	two_meet(t);
	assert_false(kit_exists(&t->b, "Imaging/uno"));
	assert_false(kit_exists(&t->b, "Letters/two"));
	two_expect_equal(t);
}

TEST_IN(two_open, two_close, what_was_written_away_and_erased_there_is_a_record_of_its_own)
{
	two *t = *state;
	emr_erase what = {.path = "Imaging/1"};
	emr_view_counts counts;
	emr_erased erased;

	kit_text(&t->b, "Imaging/1", "written on the train");
	emr_stack_close(&t->b.stack);
	assert_ok(emr_view_erase(t->a.view, &what, &erased));
	kit_wait_ms(&t->a, 2000);
	kit_publish_all(&t->a);
	kit_start(&t->b);
	two_meet(t);
	emr_view_count(t->b.view, &counts);
	assert_int_equal(counts.failed + counts.pending, 0);
	kit_expect_text(&t->a, "Imaging/1", "written on the train");
	two_expect_equal(t);
}

/* ---- a journal that refuses ---- */

static long commits_left = -1; /* until one is refused; negative: none */

WRAPPED(emr_status, emr_journal_commit, emr_journal_txn *txn, uint64_t *out_seq)
{
	if (commits_left >= 0 && commits_left-- == 0) {
		emr_journal_rollback(txn);
		return EMR_NO_SPACE;
	}
	return __real_emr_journal_commit(txn, out_seq);
}

/* An object of which the look was put off lies before what is read again: only a note remembers it.
 */
TEST_IN(two_open, two_close, a_look_that_the_journal_refuses_is_not_forgotten)
{
	two *t = *state;

	for (long refused = 0; refused < 6; refused++) {
		unsigned before = two_conflicts_in(&t->a, "Imaging").n;
		char text[32];
		emr_handle *h = kit_open_file(&t->b, "Imaging/1", O_RDWR);

		snprintf(text, sizeof text, "from a, %ld", refused);
		kit_text(&t->a, "Imaging/1", text);
		two_meet(t);
		assert_ok(emr_view_write(h, 0, emr_bytes_of("ONE", 3)));
		kit_close_file(h);
		kit_wait_ms(&t->b, 3000);
		commits_left = refused;
		(void)emr_view_publish_now(t->b.view);
		commits_left = -1;
		for (int i = 0; i < 3; i++)
			two_meet(t);
		kit_expect_text(&t->b, "Imaging/1", text);
		assert_int_equal(two_conflicts_in(&t->a, "Imaging").n, before + 1);
		two_expect_equal(t);
		kit_wait_ms(&t->a, 60000); /* the next copy has another name */
		kit_wait_ms(&t->b, 60000);
	}
}

TEST_IN(two_open, two_close, an_erasure_that_the_journal_refuses_in_the_middle_goes_on)
{
	two *t = *state;
	emr_erase what = {.path = "Imaging"};
	emr_erased erased = {0};

	commits_left = 2; /* the rows, and the first name, are in */
	assert_ok(emr_view_erase(t->a.view, &what, &erased));
	commits_left = -1;
	for (int i = 0; i < 4; i++) {
		kit_wait_ms(&t->a, 40000);
		(void)emr_view_publish_now(t->a.view);
	}
	assert_false(kit_exists(&t->a, "Imaging"));
	two_meet(t);
	two_expect_equal(t);
}

/* ---- domains ---- */

static emr_domain_state domain_state(kit *k, const char *path)
{
	emr_path_domain d;
	emr_domain_state state;

	assert_ok(emr_view_domain_of(k->view, path, &d));
	assert_true(d.is_root);
	assert_ok(emr_view_domain_state(k->view, d.domain, &state));
	return state;
}

/* One makes a directory a domain while the other changes what lies in it: no copies, no second
 * directory. */
TEST_IN(two_open, two_close, a_domain_made_here_is_the_same_directory_there)
{
	two *t = *state;
	emr_attr before;
	emr_handle *h;
	emr_id16 domain;

	kit_mkdir(&t->a, "Imaging/sub");
	kit_text(&t->a, "Imaging/sub/1", "one");
	kit_text(&t->a, "Imaging/sub/2", "two");
	kit_text(&t->a, "Imaging/sub/3", "three");
	two_meet(t);
	before = kit_attr(&t->b, "Imaging/sub/2");
	h = kit_open_file(&t->b, "Imaging/sub/2", O_RDONLY);
	kit_text(&t->b, "Imaging/sub/1", "one, by b");
	kit_text(&t->b, "Imaging/sub/new", "new, by b");
	kit_rename(&t->b, "Imaging/sub/3", "Imaging/sub/three");
	assert_ok(emr_view_make_domain(t->a.view, "Imaging/sub", &domain));
	kit_text(&t->a, "Imaging/sub/mine", "new, by a");
	two_meet(t);
	assert_int_equal(kit_attr(&t->b, "Imaging/sub/2").node, before.node);
	kit_expect_handle(h, "two", 3);
	emr_view_release(h);
	assert_int_equal(two_conflicts_in(&t->a, "Imaging/sub").n, 0);
	assert_int_equal(two_entries_in(&t->a, "Imaging/sub"), 5);
	kit_expect_text(&t->a, "Imaging/sub/1", "one, by b");
	kit_expect_text(&t->a, "Imaging/sub/three", "three");
	kit_expect_text(&t->a, "Imaging/sub/new", "new, by b");
	assert_true(domain_state(&t->a, "Imaging/sub").is_whole);
	assert_true(domain_state(&t->b, "Imaging/sub").is_whole);
	two_expect_equal(t);
}

TEST_IN(two_open, two_close, a_domain_made_on_both_sides_is_one)
{
	two *t = *state;
	emr_id16 a, b;

	kit_mkdir(&t->a, "Imaging/sub");
	kit_text(&t->a, "Imaging/sub/x", "x");
	two_meet(t);
	assert_ok(emr_view_make_domain(t->a.view, "Imaging/sub", &a));
	assert_ok(emr_view_make_domain(t->b.view, "Imaging/sub", &b));
	assert_memory_equal(a.b, b.b, 16);
	assert_ok(emr_view_make_domain(t->b.view, "Imaging/1", &b));
	assert_ok(emr_view_make_domain(t->a.view, "Imaging/1", &a));
	assert_memory_equal(a.b, b.b, 16);
	two_meet(t);
	assert_int_equal(two_entries_in(&t->a, "Imaging"), 3);
	assert_true(domain_state(&t->a, "Imaging/1").is_whole);
	two_expect_equal(t);
}

TEST_IN(two_open, two_close, what_one_moves_elsewhere_and_the_other_removes_stays_removed)
{
	two *t = *state;

	kit_rename(&t->a, "Imaging/1", "Letters/1");
	kit_unlink(&t->b, "Imaging/1");
	kit_rename(&t->a, "Imaging/2", "Letters/2");
	kit_text(&t->b, "Imaging/2", "two, by b");
	two_meet(t);
	assert_false(kit_exists(&t->a, "Letters/1"));
	kit_expect_text(&t->a, "Letters/2", "two, by b");
	assert_int_equal(two_entries_in(&t->a, "Imaging"), 0);
	two_expect_equal(t);
}

static bool note_lent(void *arg, const char *name, const emr_attr *attr, uint64_t next)
{
	(void)attr;
	(void)next;
	if (strncmp(name, "new~", 4) == 0)
		snprintf(arg, 64, "Imaging/%s", name);
	return true;
}

TEST_IN(two_open, two_close, what_came_while_its_name_was_anothers_gets_it_when_that_goes)
{
	two *t = *state;
	char lent[64] = "";

	kit_text(&t->a, "Imaging/new", "by a");
	kit_text(&t->b, "Imaging/new", "by b");
	two_meet(t);
	assert_ok(emr_view_each_entry(
		t->b.view, kit_attr(&t->b, "Imaging").node, 0, false, note_lent, lent));
	kit_expect_text(&t->b, lent, "by a");
	kit_unlink(&t->b, lent);
	two_meet(t);
	kit_expect_text(&t->a, "Imaging/new", "by b");
	two_expect_equal(t);
}

/* ---- at random ---- */

static const char *some_path(uint64_t *seed, char who, char out[64])
{
	static const char *const directories[] = {"Imaging", "Letters", "Imaging/sub"};

	snprintf(out, 64, "%s/%c%u", directories[kit_random(seed) % 3],
		kit_random(seed) % 3 == 0 ? 's' : who, (unsigned)(kit_random(seed) % 6));
	return out;
}

static void do_something(kit *k, uint64_t *seed, char who)
{
	char path[64], other[64];

	some_path(seed, who, path);
	switch (kit_random(seed) % 11) {
	case 10: /* what lies there becomes a domain of its own */
		if (kit_random(seed) % 4 == 0)
			snprintf(path, sizeof path, "Imaging/sub");
		if (kit_exists(k, path)) {
			emr_id16 domain;

			assert_ok(emr_view_make_domain(k->view, path, &domain));
		}
		return;
	case 0:
	case 1:
	case 2:
	case 3:
		if (path[strlen(path) - 2] == 's' && !kit_exists(k, path))
			return; /* new names are each one's own */
		kit_text(k, path, printed("%c %llu", who, (unsigned long long)kit_random(seed)));
		return;
	case 4:
		if (kit_exists(k, path))
			kit_unlink(k, path);
		return;
	case 5:
	case 6:
		some_path(seed, who, other);
		if (kit_exists(k, path) && !kit_exists(k, other) && other[strlen(other) - 2] == who)
			kit_rename(k, path, other);
		return;
	case 7:
		kit_restart(k);
		return;
	default:
		kit_wait_ms(k, 2000);
		kit_publish_all(k);
	}
}

TEST_IN(two_open, two_close, whatever_two_computers_do_they_end_with_the_same_folder)
{
	two *t = *state;
	char path[64];

	kit_mkdir(&t->a, "Imaging/sub");
	for (int i = 0; i < 6; i++) {
		snprintf(path, sizeof path, "%s/s%d", i % 2 == 0 ? "Imaging" : "Imaging/sub", i);
		kit_text(&t->a, path, path);
	}
	two_meet(t);
	for (uint64_t round = 0; round < 12; round++) {
		uint64_t seed = 1000 + round;

		for (int step = 0; step < 40; step++) {
			bool is_a = kit_random(&seed) % 2 == 0;

			do_something(is_a ? &t->a : &t->b, &seed, is_a ? 'a' : 'b');
		}
		two_meet(t);
		two_expect_equal(t);
	}
}

static void set_mtime(kit *k, const char *path, int64_t ns)
{
	emr_attr wanted = {.mtime_ns = ns}, attr;

	assert_ok(
		emr_view_set_attr(k->view, kit_attr(k, path).node, EMR_SET_MTIME, &wanted, &attr));
}

static void expect_times(kit *k, const char *path, const emr_attr *wanted)
{
	const emr_attr found = kit_attr(k, path);

	assert_int_equal(found.mtime_ns, wanted->mtime_ns);
	assert_int_equal(found.ctime_ns, wanted->ctime_ns);
}

/* Backups, git and find go by it: what came from elsewhere meanwhile is new here, however old it
 * calls itself, and nothing else is. */
TEST_IN(two_open, two_close, what_came_while_closed_is_as_new_as_the_opening)
{
	two *t = *state;
	emr_attr kept, letters, top;
	int64_t opened;

	for (int round = 0; round < 4; round++) {
		char from[64], to[64];

		snprintf(from, sizeof from, "Imaging/sub/%d", round);
		snprintf(to, sizeof to, "Imaging/sub/renamed %d", round);
		if (round == 0)
			kit_mkdir(&t->a, "Imaging/sub");
		kit_text(&t->a, from, "in it");
		kit_text(&t->a, "Letters/kept", "as it was");
		two_meet(t);
		kit_wait_ms(&t->b, 1000);
		kept = kit_attr(&t->b, "Letters/kept");
		letters = kit_attr(&t->b, "Letters");
		top = kit_attr(&t->b, "Imaging");
		emr_stack_close(&t->b.stack);
		if (round == 0)
			kit_text(&t->a, "Imaging/1", "eno");	   /* as long as before */
		set_mtime(&t->a, "Imaging/1", 1000000000 + round); /* also alone */
		if (round == 1)
			kit_unlink(&t->a, from);
		else if (round == 2)
			kit_rename(&t->a, from, "Letters/came");
		else
			kit_rename(&t->a, from, to);
		kit_wait_ms(&t->a, 1000);
		kit_publish_all(&t->a);
		kit_wait_ms(&t->b, 5000);
		opened = t->b.clock.unix_ns;
		kit_start(&t->b);
		assert_true(kit_attr(&t->b, "Imaging/1").ctime_ns >= opened);
		assert_int_equal(kit_attr(&t->b, "Imaging/1").mtime_ns, 1000000000 + round);
		assert_true(kit_attr(&t->b, "Imaging/sub").mtime_ns >= opened);
		assert_true(kit_attr(&t->b, "Imaging/sub").ctime_ns >= opened);
		expect_times(&t->b, "Letters/kept", &kept);
		if (round != 2)
			expect_times(&t->b, "Letters", &letters);
		else
			assert_true(kit_attr(&t->b, "Letters").mtime_ns >= opened);
		assert_true(kit_attr(&t->b, "Imaging").mtime_ns >= top.mtime_ns);
		/* and is not newer at each opening */
		kept = kit_attr(&t->b, "Imaging/1");
		letters = kit_attr(&t->b, "Imaging/sub");
		kit_wait_ms(&t->b, 5000);
		kit_restart(&t->b);
		expect_times(&t->b, "Imaging/1", &kept);
		expect_times(&t->b, "Imaging/sub", &letters);
	}
}

/* The same while the folder is open: it is now that it changes here.  Where nothing is seen to
 * change, as when a folder is shared, no time does. */
TEST_IN(two_open, two_close, what_comes_while_open_is_new_now)
{
	two *t = *state;
	emr_attr before, after;

	two_meet(t);
	before = kit_attr(&t->b, "Imaging/1");
	set_mtime(&t->a, "Imaging/1", 1000000000);
	kit_wait_ms(&t->b, 5000);
	two_meet(t);
	after = kit_attr(&t->b, "Imaging/1");
	assert_int_equal(after.mtime_ns, 1000000000);
	assert_true(after.ctime_ns > before.ctime_ns);
	expect_times(&t->a, "Imaging/1",
		&(emr_attr){
			.mtime_ns = 1000000000, .ctime_ns = kit_attr(&t->a, "Imaging/1").ctime_ns});
	kit_wait_ms(&t->b, 5000);
	kit_restart(&t->b);
	expect_times(&t->b, "Imaging/1", &after);
}

static emr_status add_row(void *arg, emr_id16 key, emr_bytes value)
{
	size_t *bytes = arg;

	(void)key;
	*bytes += value.len;
	return EMR_OK;
}

/* Bytes of the rows that keep times. */
static size_t kept_times(const kit *k)
{
	size_t bytes = 0;

	assert_ok(emr_journal_each(k->stack.journal, EMR_ROW_TIMES, add_row, &bytes));
	assert_ok(emr_journal_each(k->stack.journal, EMR_ROW_DIRECTORY_TIMES, add_row, &bytes));
	return bytes;
}

TEST_IN(two_open, two_close, times_of_what_was_removed_elsewhere_go_at_the_next_opening)
{
	two *t = *state;
	emr_attr before;
	size_t kept;

	two_meet(t);
	kept = kept_times(&t->b);
	kit_mkdir(&t->b, "Imaging/Knee");
	kit_text(&t->b, "Imaging/Knee/x", "removed elsewhere");
	two_meet(t);
	assert_true(kept_times(&t->b) > kept);
	before = kit_attr(&t->b, "Imaging/1");
	emr_stack_close(&t->b.stack);
	kit_unlink(&t->a, "Imaging/Knee/x");
	kit_rmdir(&t->a, "Imaging/Knee");
	kit_publish_all(&t->a);
	kit_start(&t->b);
	two_meet(t);
	assert_false(kit_exists(&t->b, "Imaging/Knee"));
	assert_int_equal(kept_times(&t->b), kept);
	assert_int_equal(kit_attr(&t->b, "Imaging/1").ctime_ns, before.ctime_ns);
}

TESTS(NULL, NULL)
