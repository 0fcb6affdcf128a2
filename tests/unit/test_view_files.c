/* These tests are about bytes of files while others do something: the reclaimer, publication, a
 * death at any moment, allocation. A mount is asked for the bytes themselves (sizes.sh, fsx.sh,
 * sparse.sh, tools/posix_suite). */
#include "view_kit.h"

#include "node.h"

AUTO_OF(emr_view_release, emr_handle *)

TEST(a_reader_of_an_unlinked_file_survives_the_reclaimer)
{
	EMR_AUTO_FREE uint8_t *bytes = kit_bytes(200000, 6);
	emr_reclaim_report report;
	emr_handle *h;

	SCENE(kit, k, kit_open, kit_close);
	k.options.segment_bytes = 300000;
	kit_restart(&k);
	kit_mkdir(&k, "d");
	kit_write(&k, "d/f", bytes, 200000);
	h = kit_open_file(&k, "d/f", O_RDONLY);
	kit_expect_handle(h, bytes, 200000);
	kit_unlink(&k, "d/f");
	for (int i = 0; i < 6; i++)
		kit_write(&k, "d/g", bytes, 200000);
	assert_ok(emr_view_sync(k.view));
	assert_ok(emr_stack_reclaim(k.view, 100, &report));
	kit_expect_handle(h, bytes, 200000);
	emr_view_release(h);
	kit_expect(&k, "d/g", bytes, 200000);
}

TEST(a_published_file_reads_the_same_after_the_reclaimer)
{
	EMR_AUTO_FREE uint8_t *bytes = kit_bytes(200000, 6);
	emr_reclaim_report report;

	SCENE(kit, k, kit_open, kit_close);
	k.options.segment_bytes = 300000;
	kit_restart(&k);
	kit_mkdir(&k, "d");
	for (int i = 0; i < 8; i++) {
		kit_write(&k, printed("d/%d", i), bytes + i, 150000);
		if (i % 2 == 0)
			kit_publish(&k);
	}
	kit_unlink(&k, "d/0");
	kit_unlink(&k, "d/1");
	kit_unlink(&k, "d/3");
	kit_publish_all(&k);
	assert_ok(emr_stack_reclaim(k.view, 100, &report));
	kit_restart(&k);
	for (int i = 2; i < 8; i += i == 2 ? 2 : 1) {
		kit_expect(&k, printed("d/%d", i), bytes + i, 150000);
	}
}

TEST(a_file_written_on_during_its_publication_loses_nothing)
{
	emr_handle *h;

	SCENE(kit, k, kit_open, kit_close);
	kit_mkdir(&k, "d");
	kit_text(&k, "d/f", "one");
	h = kit_open_file(&k, "d/f", O_RDWR);
	assert_ok(emr_view_write(h, 3, emr_bytes_of(" two", 4)));
	kit_publish(&k); /* not the open file */
	assert_ok(emr_view_write(h, 7, emr_bytes_of(" three", 6)));
	emr_view_release(h);
	kit_publish(&k);
	kit_expect_text(&k, "d/f", "one two three");
	assert_string_equal(kit_attribute(&k, "d/f", "user.emrfs.version"), "1");
}

/* Expects what the folder would hold if its process were killed now. */
static void expect_after_a_kill(kit *k, const char *path, const void *data, size_t len)
{
	char copy[300];
	AUTO(kit_close) kit after;

	snprintf(copy, sizeof copy, "%s-killed", k->path);
	kit_copy_tree(k->path, copy);
	kit_adopt(&after, copy, k->clock.unix_ns, k->clock.boot_ns);
	assert_ok(emr_stack_open(after.path, &after.options, &after.stack));
	after.view = after.stack.view;
	kit_expect(&after, path, data, len);
}

/* RELEASE comes some time after close(2) has returned: by then the next program may have begun. */
TEST(a_late_release_leaves_the_next_writers_beginnings_alone)
{
	EMR_AUTO_FREE uint8_t *old = kit_bytes(200000, 7), *new = kit_bytes(200000, 8);
	emr_handle *first, *next;

	SCENE(kit, k, kit_open, kit_close);
	first = kit_open_file(&k, "f", O_RDWR | O_CREAT | O_TRUNC);
	assert_ok(emr_view_write(first, 0, emr_bytes_of(old, 200000)));
	assert_ok(emr_view_flush(first));
	next = kit_open_file(&k, "f", O_WRONLY | O_TRUNC);
	emr_view_release(first);
	expect_after_a_kill(&k, "f", old, 200000);
	assert_ok(emr_view_write(next, 0, emr_bytes_of(new, 90000)));
	expect_after_a_kill(&k, "f", old, 200000);
	assert_ok(emr_view_write(next, 90000, emr_bytes_of(new + 90000, 110000)));
	assert_ok(emr_view_flush(next));
	expect_after_a_kill(&k, "f", new, 200000);
	emr_view_release(next);
}

TEST(a_sync_of_all_leaves_what_a_writer_has_begun_alone)
{
	EMR_AUTO_FREE uint8_t *bytes = kit_bytes(600000, 9), *new = kit_bytes(600000, 10);
	emr_handle *h;

	SCENE(kit, k, kit_open, kit_close);
	kit_write(&k, "f", bytes, 600000);
	kit_publish(&k);
	h = kit_open_file(&k, "f", O_RDWR); /* into the spill: the old bytes stay below it */
	assert_ok(emr_view_write(h, 300000, emr_bytes_of("new", 3)));
	memcpy(bytes + 300000, "new", 3);
	emr_view_release(h);
	h = kit_open_file(&k, "f", O_WRONLY | O_TRUNC);
	assert_ok(emr_view_write(h, 0, emr_bytes_of(new, 1000)));
	assert_ok(emr_view_sync(k.view));
	expect_after_a_kill(&k, "f", bytes, 600000);
	assert_ok(emr_view_write(h, 1000, emr_bytes_of(new + 1000, 599000)));
	kit_close_file(h);
	expect_after_a_kill(&k, "f", new, 600000);
}

TEST(allocation_grows_or_only_reserves)
{
	SCENE(kit, k, kit_open, kit_close);
	AUTO(auto_emr_view_release) emr_handle *h;

	kit_text(&k, "f.part", "abc");
	h = kit_open_file(&k, "f.part", O_RDWR);
	assert_ok(emr_view_allocate(h, 0, 100, true));
	assert_int_equal(kit_attr(&k, "f.part").size_bytes, 3);
	assert_ok(emr_view_allocate(h, 0, 5, false));
	kit_expect_handle(h, "abc\0\0", 5);
	assert_ok(emr_view_allocate(h, 0, 2, false));
	kit_expect_handle(h, "abc\0\0", 5);
	assert_status(EMR_INVALID, emr_view_allocate(h, 0, 0, false));
}

TEST(allocation_says_at_once_that_there_is_no_room)
{
	emr_attr none = {0}, attr;
	emr_space space;
	uint64_t part;

	SCENE(kit, k, kit_open, kit_close);
	AUTO(auto_emr_view_release) emr_handle *a, *b;

	kit_text(&k, "a", "abc");
	kit_text(&k, "b", "abc");
	a = kit_open_file(&k, "a", O_RDWR);
	b = kit_open_file(&k, "b", O_RDWR);
	assert_ok(emr_view_space(k.view, &space));
	part = space.free_bytes / 10 * 6;
	assert_status(EMR_NO_SPACE, emr_view_allocate(a, 0, part * 2, false));
	assert_status(EMR_NO_SPACE, emr_view_allocate(a, 0, part * 2, true));
	assert_int_equal(kit_attr(&k, "a").size_bytes, 3);
	assert_ok(emr_view_allocate(a, 0, part, false));
	/* Room that was promised to one is not promised to another. */
	assert_status(EMR_NO_SPACE, emr_view_allocate(b, 0, part, false));
	assert_int_equal(kit_attr(&k, "b").size_bytes, 3);
	assert_ok(emr_view_set_attr(k.view, a->node->number, EMR_SET_SIZE, &none, &attr));
	assert_ok(emr_view_allocate(b, 0, part, false));
	assert_ok(emr_view_set_attr(k.view, b->node->number, EMR_SET_SIZE, &none, &attr));
}

TESTS(NULL, NULL)
