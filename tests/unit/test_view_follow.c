/* These tests are about two computers of one person on one ledger: what one saves, renames,
 * removes and erases, the other shows, without a moment in which something is lacking. */
#include "two_kit.h"

#include <pthread.h>

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

static void rename_and_publish(kit *k, const char *from, const char *to, unsigned flags)
{
	const char *a, *b;
	uint64_t from_dir = kit_parent(k, from, &a), to_dir = kit_parent(k, to, &b);

	assert_ok(emr_view_rename(k->view, from_dir, a, to_dir, b, flags));
	kit_publish_all(k);
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

/* ---- what is erased ---- */

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

TESTS(NULL, NULL)
