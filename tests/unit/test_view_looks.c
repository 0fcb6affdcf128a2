/* These tests show when the store is searched for bytes that nobody needs any more: not while
 * somebody saves, unless there may be many. */
#include "view_kit.h"

#include <sched.h>

#include "node.h"
#include "reclaim.h"

#define STEP_BYTES ((size_t)512 << 10)

/* Under view->lock, which waiting lets go. */
static void await_look(emr_view *view, uint64_t seen_before)
{
	while (view->space.is_looking || view->space.seen_appended == seen_before)
		pthread_cond_wait(&view->settled, &view->lock);
}

/* Until the thread that looks has brought all to the disk, before which it looks for space. */
static void await_sync(kit *k)
{
	emr_view *view = k->view;

	kit_wait_ms(k, view->options.sync_ns / 1000000);
	pthread_mutex_lock(&view->lock);
	pthread_cond_broadcast(&view->wake);
	pthread_mutex_unlock(&view->lock);
	for (bool is_over = false; !is_over; sched_yield()) {
		pthread_mutex_lock(&view->lock);
		is_over = !is_unsynced(view);
		pthread_mutex_unlock(&view->lock);
	}
}

/* It closes the segment into which he saves. */
TEST(space_is_looked_for_when_nobody_saves_unless_much_is_of_no_use)
{
	EMR_AUTO_FREE uint8_t *bytes = kit_bytes(3 * STEP_BYTES, 10);
	emr_view *view;
	uint64_t seen;

	SCENE(kit, k, kit_open, kit_close);
	k.options.space_step_bytes = STEP_BYTES;
	kit_restart(&k);
	kit_mkdir(&k, "d");
	view = k.view;
	view->options.sync_ns = view->options.quiet_ns / 8;
	assert_ok(emr_view_start(view));
	kit_write(&k, "d/f", bytes, STEP_BYTES * 5 / 4);
	await_sync(&k);
	pthread_mutex_lock(&view->lock);
	assert_true(view->space.wants_look && !view->space.is_looking);
	assert_true(space_look_due(view) > view_boot_ns(view));
	seen = view->space.seen_appended;
	pthread_mutex_unlock(&view->lock);
	kit_wait_ms(&k, view->options.quiet_ns / 1000000);
	pthread_mutex_lock(&view->lock);
	await_look(view, seen);
	seen = view->space.seen_appended;
	pthread_mutex_unlock(&view->lock);
	kit_write(&k, "d/g", bytes, STEP_BYTES * 3); /* and the clock stands */
	pthread_mutex_lock(&view->lock);
	await_look(view, seen);
	assert_true(view_next_lull(view) > view_boot_ns(view));
	pthread_mutex_unlock(&view->lock);
}

/* Each look walks all that lives: by each eighth that a folder grows they would cost more than
 * saving. */
TEST(a_folder_that_only_grows_is_searched_as_it_doubles)
{
	enum { FILE_BYTES = STEP_BYTES / 4, FILES = 512, BEFORE = 128 };
	EMR_AUTO_FREE uint8_t *bytes = kit_bytes(FILE_BYTES, 11);
	unsigned looks = 0;
	uint64_t seen = 0;
	char name[16];
	AUTO(kit_close) kit k;

	kit_open(&k);
	k.options.space_step_bytes = STEP_BYTES;
	kit_restart(&k);
	kit_mkdir(&k, "d");
	for (unsigned i = 0; i < FILES; i++) {
		snprintf(name, sizeof name, "d/%u", i);
		bytes[i % FILE_BYTES]++;
		kit_write(&k, name, bytes, FILE_BYTES);
		looks += i >= BEFORE && k.view->space.seen_appended != seen;
		seen = k.view->space.seen_appended;
	}
	assert_in_range(looks, 1, 4);
}

TESTS(NULL, NULL)
