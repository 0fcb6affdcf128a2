/* These tests are about two computers of one person on one ledger: what one saves, renames,
 * removes and erases, the other shows, without a moment in which something is lacking. */
#include "two_kit.h"

#include <pthread.h>
#include <stdatomic.h>

#include "follow.h"
#include "tree.h"

/* ---- what others see whenever the lock of the tree is free ---- */

static _Thread_local emr_view *watched;	 /* NULL: none */
static const char *const *never_lacking; /* paths, NULL at the end */
static unsigned times_seen;

WRAPPED(int, pthread_mutex_unlock, pthread_mutex_t *mutex)
{
	int result = __real_pthread_mutex_unlock(mutex);
	emr_view *view = watched;
	emr_attr attr;

	if (view == NULL || mutex != &view->lock)
		return result;
	watched = NULL;
	for (size_t i = 0; never_lacking[i] != NULL; i++)
		if (emr_view_find(view, never_lacking[i], &attr) != EMR_OK)
			fail_msg("%s is lacking for a moment", never_lacking[i]);
	times_seen++;
	watched = view;
	return result;
}

/* B looks at what is new, and PATHS are there all the time. */
static void look_and_watch(kit *b, const char *const *paths)
{
	never_lacking = paths;
	times_seen = 0;
	watched = b->view;
	assert_ok(emr_view_publish_now(b->view));
	watched = NULL;
	assert_true(times_seen > 3);
}

/* ---- how often the ledger is asked for what is new ---- */

static _Atomic unsigned looks;

WRAPPED(emr_status, emr_ledger_size, emr_ledger *ledger, uint64_t *out_size)
{
	atomic_fetch_add(&looks, 1);
	return __real_emr_ledger_size(ledger, out_size);
}

/* ---- sentences ---- */

TEST_IN(two_open, two_close, what_one_saves_the_other_shows)
{
	two *t = *state;

	kit_mkdir(&t->a, "Imaging/CT");
	kit_mkdir(&t->a, "Imaging/CT/inner");
	kit_text(&t->a, "Imaging/CT/inner/deep", "deep");
	kit_mkdir(&t->a, "New");
	kit_text(&t->a, "New/first", "first");
	kit_text(&t->a, "top.txt", "at the top");
	kit_text(&t->b, "Letters/from b", "b");
	two_meet(t);
	kit_expect_text(&t->b, "Imaging/CT/inner/deep", "deep");
	kit_expect_text(&t->b, "New/first", "first");
	kit_expect_text(&t->b, "top.txt", "at the top");
	kit_expect_text(&t->a, "Letters/from b", "b");
	assert_string_equal(kit_items(&t->b), kit_items(&t->a)); /* nothing is sent twice */
	two_expect_equal(t);
}

TEST_IN(two_open, two_close, a_new_version_replaces_the_file_and_open_readers_keep_theirs)
{
	two *t = *state;
	emr_attr before = kit_attr(&t->b, "Imaging/1"), after;
	emr_handle *h = kit_open_file(&t->b, "Imaging/1", O_RDONLY);

	kit_text(&t->a, "Imaging/1", "one, mended");
	two_meet(t);
	after = kit_attr(&t->b, "Imaging/1");
	assert_int_not_equal(after.node, before.node);
	assert_int_not_equal(after.ino, before.ino);
	kit_expect_text(&t->b, "Imaging/1", "one, mended");
	kit_expect_handle(h, "one", 3);
	emr_view_release(h);
	assert_string_equal(kit_attribute(&t->b, "Imaging/1", "user.emrfs.version"), "2");
	before = after;
	kit_restart(&t->b);
	assert_int_equal(kit_attr(&t->b, "Imaging/1").ino, before.ino);
	two_expect_equal(t);
	assert_int_equal(two_conflicts_in(&t->b, "Imaging").n, 0);
}

/* A million records may arrive one after the other. */
TEST_IN(two_open, two_close, what_another_replaced_needs_nothing_that_only_a_changed_node_needs)
{
	two *t = *state;
	const node *n;

	kit_text(&t->a, "Imaging/1", "one, mended");
	two_meet(t);
	kit_expect_text(&t->b, "Imaging/1", "one, mended");
	n = tree_by_number(t->b.view, kit_attr(&t->b, "Imaging/1").node);
	assert_false(n->is_queued);
	assert_null(n->pending);
}

TEST_IN(two_open, two_close, names_and_attributes_follow)
{
	two *t = *state;
	emr_attr wanted = {.mode = 0600};

	kit_rename(&t->a, "Imaging/1", "Imaging/uno");
	kit_rename(&t->a, "Imaging/2", "Letters/two");
	assert_ok(emr_view_set_attr(
		t->a.view, kit_attr(&t->a, "Letters/two").node, EMR_SET_MODE, &wanted, &wanted));
	two_meet(t);
	assert_false(kit_exists(&t->b, "Imaging/1"));
	assert_false(kit_exists(&t->b, "Imaging/2"));
	kit_expect_text(&t->b, "Imaging/uno", "one");
	kit_expect_text(&t->b, "Letters/two", "two");
	assert_int_equal(kit_attr(&t->b, "Letters/two").mode, 0600);
	kit_rename(&t->b, "Imaging", "Pictures");
	two_meet(t);
	kit_expect_text(&t->a, "Pictures/uno", "one");
	assert_false(kit_exists(&t->a, "Imaging"));
	two_expect_equal(t);
}

static void rename_and_publish(kit *k, const char *from, const char *to, unsigned flags)
{
	const char *a, *b;
	uint64_t from_dir = kit_parent(k, from, &a), to_dir = kit_parent(k, to, &b);

	assert_ok(emr_view_rename(k->view, from_dir, a, to_dir, b, flags));
	kit_publish_all(k);
}

TEST_IN(two_open, two_close, a_file_that_is_replaced_by_another_there_is_never_lacking_here)
{
	static const char *const paths[] = {"Imaging/2", NULL};
	two *t = *state;

	rename_and_publish(&t->a, "Imaging/1", "Imaging/2", 0);
	kit_wait_ms(&t->b, 2000);
	look_and_watch(&t->b, paths);
	kit_expect_text(&t->b, "Imaging/2", "one");
	assert_false(kit_exists(&t->b, "Imaging/1"));
	two_meet(t);
	two_expect_equal(t);
}

TEST_IN(two_open, two_close, files_that_change_names_with_each_other_there_do_so_here)
{
	static const char *const paths[] = {"Imaging/1", "Imaging/2", NULL};
	two *t = *state;

	rename_and_publish(&t->a, "Imaging/1", "Imaging/2", EMR_RENAME_EXCHANGE);
	kit_wait_ms(&t->b, 2000);
	look_and_watch(&t->b, paths);
	kit_expect_text(&t->b, "Imaging/2", "one");
	kit_expect_text(&t->b, "Imaging/1", "two");
	two_meet(t);
	two_expect_equal(t);
}

TEST_IN(two_open, two_close, what_one_removes_is_gone_for_the_other)
{
	two *t = *state;
	emr_handle *h = kit_open_file(&t->b, "Imaging/1", O_RDONLY);

	kit_mkdir(&t->a, "Imaging/old");
	kit_text(&t->a, "Imaging/old/x", "x");
	two_meet(t);
	assert_true(kit_exists(&t->b, "Imaging/old/x"));
	kit_unlink(&t->a, "Imaging/old/x");
	kit_rmdir(&t->a, "Imaging/old");
	kit_unlink(&t->a, "Imaging/1");
	two_meet(t);
	assert_false(kit_exists(&t->b, "Imaging/1"));
	assert_false(kit_exists(&t->b, "Imaging/old"));
	kit_expect_handle(h, "one", 3);
	emr_view_release(h);
	two_expect_equal(t);
}

/* ---- what is erased ---- */

typedef struct pins {
	emr_id16 owner;
	unsigned n;
} pins;

static emr_status count_pin(void *arg, const emr_pin *pin)
{
	pins *p = arg;

	p->n += emr_id16_equal(pin->owner, p->owner);
	return EMR_OK;
}

static unsigned pins_of(kit *k, emr_id16 owner)
{
	pins p = {.owner = owner};

	assert_ok(emr_store_each_pin(k->stack.store, count_pin, &p));
	return p.n;
}

static void id_of(kit *k, const char *path, emr_id16 *out_id)
{
	assert_ok(emr_unhex(kit_attribute(k, path, "user.emrfs.id"), out_id->b, sizeof out_id->b));
}

TEST_IN(two_open, two_close, what_another_computer_erases_is_erased_here)
{
	two *t = *state;
	emr_erase what = {.path = "Imaging/1"};
	emr_erased erased;
	emr_handle *h;
	emr_id16 id;
	char bytes[8];
	size_t got;

	kit_text(&t->b, "Imaging/1", "written on b");
	two_meet(t);
	h = kit_open_file(&t->b, "Imaging/1", O_RDONLY);
	assert_ok(emr_unhex(kit_attribute(&t->b, "Imaging/1", "user.emrfs.id"), id.b, sizeof id.b));
	assert_true(pins_of(&t->b, id) > 0);
	assert_ok(emr_view_read(h, 0, bytes, sizeof bytes, &got));
	assert_ok(emr_view_erase(t->a.view, &what, &erased));
	two_meet(t);
	assert_false(kit_exists(&t->b, "Imaging/1"));
	assert_status(EMR_MISSING_DATA, emr_view_read(h, 0, bytes, sizeof bytes, &got));
	emr_view_release(h);
	kit_wait_ms(&t->b, 40000);
	two_meet(t);
	two_expect_equal(t); /* opens both again: each sees what the other has let go of */
	assert_int_equal(pins_of(&t->b, id), 0);
	assert_int_equal(pins_of(&t->a, id), 0);
}

/* One file that B had, and one that it had deleted. */
TEST_IN(two_open, two_close, what_was_erased_while_a_computer_was_away_leaves_its_segments)
{
	two *t = *state;
	emr_erase shown = {.path = "Imaging/1"}, all = {0};
	emr_erased erased;
	emr_id16 shown_id, gone_id, kept_id;

	kit_text(&t->b, "Imaging/1", "written on b");
	kit_text(&t->b, "Imaging/gone", "deleted before");
	kit_text(&t->b, "Imaging/kept", "which stays");
	two_meet(t);
	id_of(&t->b, "Imaging/1", &shown_id);
	id_of(&t->b, "Imaging/gone", &gone_id);
	id_of(&t->b, "Imaging/kept", &kept_id);
	kit_unlink(&t->b, "Imaging/gone");
	two_meet(t);
	emr_stack_close(&t->b.stack);
	assert_ok(emr_view_erase(t->a.view, &shown, &erased));
	assert_ok(emr_view_erase(t->a.view, &all, &erased));
	assert_int_equal(erased.deleted, 1);
	kit_wait_ms(&t->a, 40000);
	assert_ok(emr_view_publish_now(t->a.view));
	kit_start(&t->b);
	assert_false(kit_exists(&t->b, "Imaging/1"));
	assert_true(pins_of(&t->b, shown_id) > 0 && pins_of(&t->b, gone_id) > 0);
	kit_wait_ms(&t->b, 40000);
	two_meet(t);
	kit_expect_text(&t->b, "Imaging/kept", "which stays");
	two_expect_equal(t); /* opens both again: each sees what the other has let go of */
	assert_int_equal(pins_of(&t->b, shown_id), 0);
	assert_int_equal(pins_of(&t->b, gone_id), 0);
	assert_true(pins_of(&t->b, kept_id) > 0);
}

TEST_IN(two_open, two_close, what_another_computer_erases_goes_from_the_trash_here)
{
	two *t = *state;
	emr_erase all = {0};
	emr_erased erased;

	kit_text(&t->b, "Imaging/gone", "thrown away on b");
	two_meet(t);
	kit_mkdir(&t->b, ".Trash-1000");
	kit_rename(&t->b, "Imaging/gone", ".Trash-1000/gone");
	kit_text(&t->b, ".Trash-1000/other", "of no record");
	two_meet(t);
	kit_expect_text(&t->b, ".Trash-1000/gone", "thrown away on b");
	assert_ok(emr_view_erase(t->a.view, &all, &erased));
	assert_int_equal(erased.deleted, 1);
	two_meet(t);
	kit_wait_ms(&t->b, 40000);
	two_meet(t);
	assert_false(kit_exists(&t->b, ".Trash-1000/gone"));
	kit_expect_text(&t->b, ".Trash-1000/other", "of no record");
}

/* ---- with the threads of a mount ---- */

typedef struct told {
	pthread_mutex_t lock;
	unsigned entries;
} told;

static void note_told(void *arg, uint64_t number, const char *name)
{
	told *t = arg;

	(void)number;
	pthread_mutex_lock(&t->lock);
	t->entries += name != NULL;
	pthread_mutex_unlock(&t->lock);
}

static unsigned entries_told(told *t)
{
	unsigned entries;

	pthread_mutex_lock(&t->lock);
	entries = t->entries;
	pthread_mutex_unlock(&t->lock);
	return entries;
}

/* Looks every few milliseconds, for at most a minute. */
static void await_file(kit *k, const char *path)
{
	for (int i = 0; i < 6000 && !kit_exists(k, path); i++)
		usleep(10000);
	assert_true(kit_exists(k, path));
}

TEST_IN(two_open, two_close, with_threads_nobody_has_to_ask)
{
	two *t = *state;
	emr_stack_options options = {.threads = true, .quiet_ns = 20000000};
	static told seen = {
		.lock = PTHREAD_MUTEX_INITIALIZER}; /* the threads end after this test */
	char path[64];

	emr_stack_close(&t->a.stack);
	emr_stack_close(&t->b.stack);
	assert_ok(emr_stack_open(t->a.path, &options, &t->a.stack));
	options.changed = note_told;
	options.changed_arg = &seen;
	assert_ok(emr_stack_open(t->b.path, &options, &t->b.stack));
	t->a.view = t->a.stack.view;
	t->b.view = t->b.stack.view;
	for (int i = 0; i < 20; i++) {
		snprintf(path, sizeof path, "Letters/%d", i);
		kit_text(i % 2 == 0 ? &t->a : &t->b, path, path);
		await_file(i % 2 == 0 ? &t->b : &t->a, path);
		kit_expect_text(i % 2 == 0 ? &t->b : &t->a, path, path);
	}
	for (int i = 0; i < 6000 && entries_told(&seen) < 10; i++) /* told after it can be seen */
		usleep(10000);
	assert_true(entries_told(&seen) >= 10);
}

/* Before it, for the folder and for what is sent, and once for the entry that it became. */
TEST_IN(two_open, two_close, a_save_asks_the_ledger_three_times_and_nothing_else_asks)
{
	two *t = *state;

	kit_text(&t->a, "Imaging/3", "three");
	kit_wait_ms(&t->a, 2000);
	looks = 0;
	assert_ok(emr_view_publish_now(t->a.view));
	assert_int_equal(looks, 3);
	assert_string_equal(kit_attribute(&t->a, "Imaging/3", "user.emrfs.state"), "confirmed 1/1");
	looks = 0;
	kit_wait_ms(&t->a, 100);
	assert_ok(emr_view_publish_now(t->a.view));
	assert_int_equal(looks, 1);
}

TESTS(NULL, NULL)
