/* These tests are about files that rest in the kept facts: whatever meets them, a program here,
 * another computer, an erasure or a damaged file, finds them as if they had nodes. */
#include "two_kit.h"

#include <dirent.h>

#include "rest.h"

static bool is_alike;

/* Ids of new records begin alike as long as IS_ALIKE, as those that a writer chooses. */
WRAPPED(emr_id16, emr_id16_random, void)
{
	emr_id16 id = __real_emr_id16_random();

	if (is_alike)
		memset(id.b, 7, 8);
	return id;
}

static uint64_t resting_in(const kit *k)
{
	return k->view->index.resting != NULL ? k->view->index.resting->files : 0;
}

/* Both computers are opened again, and nobody has looked at Imaging. */
static void both_rest(two *t)
{
	kit_text(&t->a, "Letters/3", "three");
	kit_text(&t->a, "Letters/4", "four");
	kit_publish_all(&t->a);
	two_meet(t);
	kit_restart(&t->a);
	kit_restart(&t->b);
	assert_int_equal(resting_in(&t->a), 4);
	assert_int_equal(resting_in(&t->b), 4);
}

TEST_IN(two_open, two_close, a_program_that_looks_into_a_directory_wakes_that_one)
{
	two *t = *state;
	emr_view_counts before, after;
	emr_attr attr;

	both_rest(t);
	(void)kit_items(&t->a);
	emr_view_count(t->a.view, &before);
	assert_false(kit_exists(&t->a, "Imaging/none"));
	assert_int_equal(resting_in(&t->a), 2);
	emr_view_count(t->a.view, &after);
	assert_memory_equal(&before, &after, sizeof before);
	kit_expect_text(&t->a, "Imaging/1", "one");
	assert_int_equal(
		emr_view_mkdir(t->a.view, kit_attr(&t->a, "Letters").node, "3", 0700, &attr),
		EMR_EXISTS);
	assert_int_equal(resting_in(&t->a), 0);
	kit_publishes_all(&t->a, "");
}

TEST_IN(two_open, two_close, a_directory_of_which_nobody_has_seen_the_files_is_not_empty)
{
	two *t = *state;

	both_rest(t);
	assert_int_equal(
		emr_view_rmdir(t->a.view, kit_attr(&t->a, "").node, "Letters"), EMR_NOT_EMPTY);
	kit_rename(&t->a, "Letters", "Imaging/Letters"); /* into another domain */
	two_meet(t);
	kit_expect_text(&t->b, "Imaging/Letters/4", "four");
	two_expect_equal(t);
}

TEST_IN(two_open, two_close, deeds_of_another_computer_reach_what_rests)
{
	two *t = *state;

	both_rest(t);
	kit_unlink(&t->a, "Imaging/1");
	kit_rename(&t->a, "Imaging/2", "Letters/two"); /* another record of another domain */
	kit_save(&t->a, "Letters/3", "three, anew");
	kit_rename(&t->a, "Letters/4", "Letters/vier");
	two_meet(t);
	assert_false(kit_exists(&t->b, "Imaging/1"));
	kit_expect_text(&t->b, "Letters/two", "two");
	kit_expect_text(&t->b, "Letters/3", "three, anew");
	kit_expect_text(&t->b, "Letters/vier", "four");
	two_expect_equal(t);
}

static bool has_open(const char *name)
{
	DIR *fds = opendir("/proc/self/fd");
	char target[600];
	bool has = false;

	for (struct dirent *one; (one = readdir(fds)) != NULL;) {
		ssize_t len = readlinkat(dirfd(fds), one->d_name, target, sizeof target - 1);

		target[len > 0 ? len : 0] = '\0';
		has = has || strstr(target, name) != NULL;
	}
	closedir(fds);
	return has;
}

TEST_IN(two_open, two_close, an_erasure_closes_the_file_in_which_names_rest)
{
	two *t = *state;
	emr_erased erased;
	const emr_erase what = {.path = "Imaging/1"};

	both_rest(t);
	assert_true(has_open("facts.cache"));
	assert_ok(emr_view_erase(t->a.view, &what, &erased));
	emr_stack_close(&t->b.stack);
	kit_publish_all(&t->a);
	assert_false(has_open("facts.cache"));
	kit_expect_text(&t->a, "Letters/3", "three");
	kit_start(&t->b);
	two_meet(t);
	assert_false(kit_exists(&t->b, "Imaging/1"));
}

static bool pass(void *arg, const char *name, const emr_attr *attr, uint64_t next)
{
	(void)arg, (void)name, (void)attr, (void)next;
	return true;
}

TEST_IN(two_open, two_close, a_file_that_rots_while_it_is_open_costs_no_record)
{
	two *t = *state;
	EMR_AUTO_FREE char *path = NULL;
	emr_path_domain domain;
	emr_domain_state is;
	uint64_t imaging;
	emr_attr attr;

	both_rest(t);
	assert_true(asprintf(&path, "%s/facts.cache", t->a.path) > 0);
	assert_int_equal(truncate(path, 0), 0);
	imaging = kit_attr(&t->a, "Imaging").node;
	assert_int_equal(emr_view_lookup(t->a.view, imaging, "1", &attr), EMR_IO);
	assert_int_equal(emr_view_each_entry(t->a.view, imaging, 0, false, pass, NULL), EMR_IO);
	/* Nobody takes the name that is not seen, and nothing is said of it to the ledger. */
	assert_int_equal(emr_view_mkdir(t->a.view, imaging, "1", 0700, &attr), EMR_READ_ONLY);
	assert_int_equal(emr_view_domain_of(t->a.view, "Imaging", &domain), EMR_OK);
	assert_int_equal(emr_view_domain_state(t->a.view, domain.domain, &is), EMR_IO);
	kit_restart(&t->a);
	kit_expect_text(&t->a, "Imaging/1", "one");
	two_expect_equal(t);
}

/* The first deed is the one that finds it. */
static void expect_refused(two *t, emr_status (*deed)(two *t))
{
	both_rest(t);
	assert_int_equal(truncate(printed("%s/facts.cache", t->a.path), 0), 0);
	assert_int_equal(deed(t), EMR_IO);
	kit_restart(&t->a);
	kit_expect_text(&t->a, "Letters/3", "three");
	two_expect_equal(t);
}

static emr_status move_all(two *t)
{
	const uint64_t top = kit_attr(&t->a, "").node;

	return emr_view_rename(t->a.view, top, "Letters", top, "Post", 0);
}

static emr_status swap_all(two *t)
{
	const uint64_t top = kit_attr(&t->a, "").node;

	return emr_view_rename(t->a.view, top, "Letters", top, "Imaging", EMR_RENAME_EXCHANGE);
}

static emr_status make_one(two *t)
{
	emr_attr attr;

	return emr_view_mkdir(t->a.view, kit_attr(&t->a, "Letters").node, "3", 0700, &attr);
}

TEST_IN(two_open, two_close, a_directory_that_is_not_whole_is_not_moved)
{
	expect_refused(*state, move_all);
}

TEST_IN(two_open, two_close, a_directory_that_is_not_whole_changes_places_with_none)
{
	expect_refused(*state, swap_all);
}

TEST_IN(two_open, two_close, nothing_is_made_in_a_directory_that_is_not_whole)
{
	expect_refused(*state, make_one);
}

TEST_IN(two_open, two_close, a_directory_that_is_not_whole_does_not_become_a_domain)
{
	two *t = *state;
	emr_id16 domain;

	kit_mkdir(&t->a, "Outer");
	kit_mkdir(&t->a, "Outer/inner");
	kit_text(&t->a, "Outer/inner/5", "five");
	kit_publish_all(&t->a);
	two_meet(t);
	kit_restart(&t->a);
	assert_int_equal(truncate(printed("%s/facts.cache", t->a.path), 0), 0);
	assert_int_equal(emr_view_make_domain(t->a.view, "Outer/inner", &domain), EMR_IO);
	kit_restart(&t->a);
	kit_expect_text(&t->a, "Outer/inner/5", "five");
	two_expect_equal(t);
}

/* The one of two files of one name that has it. */
static const char *first_of_same(kit *k)
{
	return kit_attribute(k, "Letters/same", "user.emrfs.id");
}

TEST_IN(two_open, two_close, files_that_are_called_the_same_keep_their_names)
{
	two *t = *state;
	char first[40];

	kit_text(&t->a, "Letters/same", "of a");
	kit_text(&t->b, "Letters/same", "of b");
	kit_publish(&t->a);
	kit_publish(&t->b);
	two_meet(t);
	kit_restart(&t->a);
	assert_int_equal(two_entries_in(&t->a, "Letters"), 2);
	snprintf(first, sizeof first, "%s", first_of_same(&t->a));
	for (int i = 0; i < 4; i++) {
		kit_save(&t->b, "Letters/same", i % 2 == 0 ? "again" : "and again");
		two_meet(t);
		kit_restart(&t->a);
		assert_string_equal(first_of_same(&t->a), first);
		kit_restart(&t->b);
		assert_string_equal(first_of_same(&t->b), first);
	}
}

TEST_IN(two_open, two_close, files_whose_ids_begin_alike_do_not_rest)
{
	two *t = *state;

	is_alike = true;
	kit_text(&t->a, "Imaging/alike", "in Imaging");
	kit_text(&t->a, "Letters/alike", "in Letters");
	is_alike = false;
	kit_publish_all(&t->a);
	two_meet(t);
	kit_restart(&t->a);
	kit_restart(&t->b);
	assert_int_equal(resting_in(&t->a), 0);
	assert_int_equal(resting_in(&t->b), 0);
	kit_unlink(&t->a, "Letters/alike");
	kit_save(&t->a, "Imaging/alike", "anew");
	two_meet(t);
	kit_expect_text(&t->b, "Imaging/alike", "anew");
	assert_false(kit_exists(&t->b, "Letters/alike"));
	two_expect_equal(t);
}

static void put_kept(const kit *k, emr_bytes bytes)
{
	EMR_AUTO_FD dir = open(k->path, O_RDONLY | O_DIRECTORY);

	assert_ok(emr_file_replace(dir, "facts.cache", bytes, 0600));
}

/* The newer of two records of one name has changed since the facts were kept, and is awake. */
TEST_IN(two_open, two_close, a_name_that_two_have_goes_by_id_when_one_of_them_rests)
{
	two *t = *state;
	char first[40];
	emr_facts *facts;

	kit_text(&t->a, "Letters/same", "of a");
	kit_text(&t->b, "Letters/same", "of b");
	kit_publish(&t->a);
	kit_publish(&t->b);
	two_meet(t);
	for (int i = 0; i < 4; i++) {
		EMR_AUTO_BUF kept = {0};

		kit_restart(&t->a);
		snprintf(first, sizeof first, "%s", first_of_same(&t->a));
		facts = t->a.stack.facts;
		assert_ok(emr_facts_forget_kept(facts));
		assert_ok(emr_facts_keep(facts, UINT64_MAX));
		assert_ok(emr_file_read(t->a.stack.state_dirfd, "facts.cache", 1 << 20, &kept));
		kit_save(&t->a, "Letters/same", printed("%d", i));
		emr_stack_close(&t->a.stack);
		put_kept(&t->a, emr_buf_view(&kept));
		kit_start(&t->a);
		assert_string_equal(first_of_same(&t->a), first);
	}
}

TESTS(NULL, NULL)
