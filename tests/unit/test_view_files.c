/* These tests are about bytes of files: every size at a boundary, through close, publication and
 * restart; readers that outlive their name. */
#include "view_kit.h"

AUTO_OF(emr_view_release, emr_handle *)

TEST(every_size_comes_back_the_same)
{
	static const size_t sizes[] = {0, 1, 16383, 16384, 16385, 262143, 262144, 262145, 1048577};
	char path[40];

	SCENE(kit, k, kit_open, kit_close);
	kit_mkdir(&k, "d");
	for (int round = 0; round < 4; round++) { /* after close, restart, publication, restart */
		for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
			uint8_t *bytes = kit_bytes(sizes[i], sizes[i]);

			snprintf(path, sizeof path, "d/%zu", sizes[i]);
			if (round == 0)
				kit_write(&k, path, bytes, sizes[i]);
			kit_expect(&k, path, bytes, sizes[i]);
			free(bytes);
		}
		if (round == 1)
			kit_publish(&k);
		else
			kit_restart(&k);
	}
}

TEST(writes_in_any_order_are_one_file)
{
	enum { SIZE = 900000 };
	EMR_AUTO_FREE uint8_t *want = calloc(1, SIZE), *noise = kit_bytes(SIZE, 3);
	uint64_t seed = 9;
	size_t size = 0;
	emr_handle *h;
	AUTO(kit_close) kit k;

	kit_open(&k);
	kit_mkdir(&k, "d");
	h = kit_open_file(&k, "d/f", O_RDWR | O_CREAT);
	for (int i = 0; i < 300; i++) {
		size_t len = 1 + kit_random(&seed) % 9000, at = kit_random(&seed) % (SIZE - len);

		assert_ok(emr_view_write(h, at, emr_bytes_of(noise + at, len)));
		memcpy(want + at, noise + at, len);
		if (at + len > size)
			size = at + len;
		if (i % 60 == 59)
			assert_ok(emr_view_fsync(h));
		if (i % 100 == 50)
			kit_expect_handle(h, want, size);
	}
	emr_view_release(h);
	kit_expect(&k, "d/f", want, size);
	kit_restart(&k);
	kit_expect(&k, "d/f", want, size);
	kit_publish(&k);
	kit_restart(&k);
	kit_expect(&k, "d/f", want, size);
}

static void set_size(kit *k, const char *path, uint64_t size)
{
	emr_attr want = {.size_bytes = size}, got;

	assert_ok(emr_view_set_attr(k->view, kit_attr(k, path).node, EMR_SET_SIZE, &want, &got));
	assert_int_equal(got.size_bytes, size);
}

TEST(shorter_and_longer_by_truncate)
{
	EMR_AUTO_FREE uint8_t *want = kit_bytes(300000, 4);

	SCENE(kit, k, kit_open, kit_close);
	kit_mkdir(&k, "d");
	kit_write(&k, "d/f", want, 300000);
	kit_publish(&k);
	set_size(&k, "d/f", 1000);
	kit_expect(&k, "d/f", want, 1000);
	set_size(&k, "d/f", 270000);
	memset(want + 1000, 0, 269000);
	kit_expect(&k, "d/f", want, 270000);
	kit_restart(&k);
	kit_expect(&k, "d/f", want, 270000);
	kit_publish(&k);
	kit_restart(&k);
	kit_expect(&k, "d/f", want, 270000);
	set_size(&k, "d/f", 0);
	kit_publish(&k);
	kit_expect(&k, "d/f", want, 0);
}

TEST(a_hole_of_over_4_gib_is_zeros)
{
	const uint64_t far = (UINT64_C(4) << 30) + 12345;
	uint8_t got[100], zeros[100] = {0};
	size_t n;

	SCENE(kit, k, kit_open, kit_close);
	AUTO(auto_emr_view_release) emr_handle *h;

	kit_mkdir(&k, "d");
	h = kit_open_file(&k, "d/f.part", O_RDWR | O_CREAT);
	assert_ok(emr_view_write(h, far, emr_bytes_of("the end", 7)));
	assert_ok(emr_view_write(h, 5, emr_bytes_of("begin", 5)));
	assert_ok(emr_view_read(h, far - 10, got, sizeof got, &n));
	assert_int_equal(n, 17);
	assert_memory_equal(got, zeros, 10);
	assert_memory_equal(got + 10, "the end", 7);
	assert_ok(emr_view_read(h, far / 2, got, sizeof got, &n));
	assert_int_equal(n, sizeof got);
	assert_memory_equal(got, zeros, sizeof got);
	assert_status(EMR_TOO_BIG, emr_view_write(h, UINT64_C(4) << 40, emr_bytes_of("x", 1)));
	assert_status(EMR_TOO_BIG, emr_view_allocate(h, UINT64_C(1) << 42, 1, false));
	assert_ok(emr_view_read(h, far + 7, got, sizeof got, &n));
	assert_int_equal(n, 0);
	assert_int_equal(kit_attr(&k, "d/f.part").size_bytes, far + 7);
	kit_unlink(&k, "d/f.part"); /* never frozen: 4 GiB of zeros are not wanted here */
}

TEST(an_open_reader_goes_on_after_unlink_and_rename_over)
{
	for (int published = 0; published < 2; published++) {
		emr_handle *a, *b;
		emr_attr attr;
		kit k;

		kit_open(&k);
		kit_mkdir(&k, "d");
		kit_text(&k, "d/a", "first");
		kit_text(&k, "d/b", "second");
		if (published)
			kit_publish(&k);
		a = kit_open_file(&k, "d/a", O_RDONLY);
		b = kit_open_file(&k, "d/b", O_RDWR);
		kit_unlink(&k, "d/a");
		kit_text(&k, "d/new", "third");
		kit_rename(&k, "d/new", "d/b");
		kit_expect_handle(a, "first", 5);
		kit_expect_handle(b, "second", 6);
		kit_publish_all(&k);
		kit_expect_handle(a, "first", 5);
		assert_ok(emr_view_write(b, 0, emr_bytes_of("S", 1)));
		assert_ok(emr_view_fsync(b));
		assert_ok(emr_view_flush(b));
		kit_expect_handle(b, "Second", 6);
		assert_ok(emr_view_attr(k.view, emr_handle_node(b), &attr));
		assert_int_equal(attr.nlink, 0);
		emr_view_release(a);
		emr_view_release(b);
		kit_expect_text(&k, "d/b", "third");
		assert_false(kit_exists(&k, "d/a"));
		kit_restart_and_compare(&k);
		kit_close(&k);
	}
}

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
	assert_ok(emr_view_reclaim(k.view, 100, &report));
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
	assert_ok(emr_view_reclaim(k.view, 100, &report));
	kit_restart(&k);
	for (int i = 2; i < 8; i += i == 2 ? 2 : 1) {
		kit_expect(&k, printed("d/%d", i), bytes + i, 150000);
	}
}

TEST(opening_with_truncation_shows_nothing_of_the_old_bytes)
{
	EMR_AUTO_FREE uint8_t *bytes = kit_bytes(500000, 6);
	emr_handle *h, *reader;

	SCENE(kit, k, kit_open, kit_close);
	kit_mkdir(&k, "d");
	kit_write(&k, "d/f", bytes, 500000);
	kit_publish(&k);
	reader = kit_open_file(&k, "d/f", O_RDONLY);
	h = kit_open_file(&k, "d/f", O_RDWR | O_TRUNC);
	kit_expect_handle(reader, "", 0);
	assert_ok(emr_view_write(h, 100, emr_bytes_of("x", 1)));
	memset(bytes, 0, 100);
	bytes[100] = 'x';
	assert_ok(emr_view_fsync(h));
	assert_ok(emr_view_write(h, 50, emr_bytes_of("y", 1)));
	bytes[50] = 'y';
	assert_ok(emr_view_fsync(h));
	kit_expect_handle(reader, bytes, 101);
	emr_view_release(h);
	emr_view_release(reader);
	kit_restart(&k);
	kit_expect(&k, "d/f", bytes, 101);
	kit_publish(&k);
	kit_expect(&k, "d/f", bytes, 101);
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
	assert_ok(emr_view_set_attr(k.view, emr_handle_node(a), EMR_SET_SIZE, &none, &attr));
	assert_ok(emr_view_allocate(b, 0, part, false));
	assert_ok(emr_view_set_attr(k.view, emr_handle_node(b), EMR_SET_SIZE, &none, &attr));
}

/* How long it takes is printed; what it must do is asserted. */
TEST(ten_thousand_files_in_one_directory)
{
	enum { FILES = 10000 };
	int64_t at[5];
	char path[40];
	AUTO(kit_close) kit k;

	kit_open(&k);
	kit_mkdir(&k, "d");
	at[0] = emr_clock_boot_ns(emr_clock_system());
	for (int i = 0; i < FILES; i++) {
		snprintf(path, sizeof path, "d/file-%05d.dcm", i);
		kit_write(&k, path, path, (size_t)(i % 40));
	}
	at[1] = emr_clock_boot_ns(emr_clock_system());
	kit_publish_all(&k);
	at[2] = emr_clock_boot_ns(emr_clock_system());
	kit_restart(&k);
	at[3] = emr_clock_boot_ns(emr_clock_system());
	for (int i = 0; i < FILES; i += 97) {
		snprintf(path, sizeof path, "d/file-%05d.dcm", i);
		kit_expect(&k, path, path, (size_t)(i % 40));
		assert_string_equal(kit_attribute(&k, path, "user.emrfs.state"), "confirmed 1/1");
	}
	at[4] = emr_clock_boot_ns(emr_clock_system());
	print_message(
		"10,000 files: created in %.2f s, published in %.2f s, opened again in %.2f s\n",
		(double)(at[1] - at[0]) / 1e9, (double)(at[2] - at[1]) / 1e9,
		(double)(at[3] - at[2]) / 1e9);
}

TESTS(NULL, NULL)
