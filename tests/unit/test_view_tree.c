/* These tests are about the namespace where it is emrfs's own: its names, numbers, counts and
 * attributes. A mount is asked for what POSIX says of it (tools/posix_suite). */
#include "view_kit.h"

#define KIT SCENE(kit, k, kit_open, kit_close)

static emr_status try_rename(kit *k, const char *from, const char *to, unsigned flags)
{
	const char *a, *b;
	uint64_t from_dir = kit_parent(k, from, &a), to_dir = kit_parent(k, to, &b);

	return emr_view_rename(k->view, from_dir, a, to_dir, b, flags);
}

static emr_status try_rmdir(kit *k, const char *path)
{
	const char *name;
	uint64_t parent = kit_parent(k, path, &name);

	return emr_view_rmdir(k->view, parent, name);
}

static emr_status try_mkdir(kit *k, const char *path)
{
	const char *name;
	uint64_t parent = kit_parent(k, path, &name);
	emr_attr attr;
	emr_status status = emr_view_mkdir(k->view, parent, name, 0755, &attr);

	if (status == EMR_OK)
		emr_view_forget(k->view, attr.node, 1);
	return status;
}

TEST(an_empty_folder_has_only_the_inbox)
{
	KIT;
	assert_true(kit_exists(&k, "Inbox"));
	assert_int_equal(kit_attr(&k, "").node, EMR_ROOT_NODE);
	assert_int_equal(kit_attr(&k, "").nlink, 3);
	assert_status(EMR_DENIED, try_rmdir(&k, "Inbox"));
	assert_status(EMR_DENIED, try_rename(&k, "Inbox", "Outbox", 0));
}

TEST(emrfs_own_names_cannot_be_made)
{
	emr_attr attr;

	KIT;
	assert_status(EMR_RESERVED_NAME, try_mkdir(&k, "shared-with-me"));
	assert_status(
		EMR_RESERVED_NAME, emr_view_make(k.view, EMR_ROOT_NODE, ".emrfs", 0600, &attr));
	kit_mkdir(&k, "d");
	assert_ok(try_mkdir(&k, "d/datasets"));
	assert_status(EMR_RESERVED_NAME, try_rename(&k, "d", "datasets", 0));
	assert_ok(emr_view_lookup(k.view, EMR_ROOT_NODE, ".emrfs", &attr));
	assert_true(attr.is_virtual);
	assert_status(EMR_DENIED, emr_view_make(k.view, attr.node, "x", 0600, &attr));
	emr_view_forget(k.view, attr.node, 1);
}

TEST(names_change_places_in_a_listing_that_is_just_full)
{
	char path[20];

	KIT;
	kit_mkdir(&k, "d");
	for (int i = 0; i < 8; i++) { /* as many as the first listing has room for */
		snprintf(path, sizeof path, "d/%d", i);
		kit_text(&k, path, path);
	}
	for (int i = 0; i < 200; i++)
		assert_ok(try_rename(&k, "d/0", "d/1", EMR_RENAME_EXCHANGE));
	kit_expect_text(&k, "d/0", "d/0");
	assert_ok(try_rename(&k, "d/0", "d/1", EMR_RENAME_EXCHANGE));
	kit_expect_text(&k, "d/0", "d/1");
	kit_expect_text(&k, "d/1", "d/0");
	kit_restart_and_compare(&k);
}

/* ---- attributes, times ---- */

TEST(attributes_round_trip_and_end_where_the_record_is_full)
{
	static const char *const nameless[] = {"user.", "user.emrfs."};
	static uint8_t value[16384];
	EMR_AUTO_BUF got = {0};
	uint64_t node;
	emr_status status = EMR_OK;
	int n = 0;

	KIT;
	kit_mkdir(&k, "d");
	kit_text(&k, "d/f", "x");
	node = kit_attr(&k, "d/f").node;
	for (size_t i = 0; i < sizeof value; i++)
		value[i] = (uint8_t)i;
	assert_ok(emr_view_set_attribute(k.view, node, "user.empty", emr_bytes_of("", 0), 0));
	assert_ok(
		emr_view_set_attribute(k.view, node, "user.15000", emr_bytes_of(value, 15000), 0));
	assert_status(EMR_ATTRIBUTE_SPACE,
		emr_view_set_attribute(k.view, node, "user.15000", emr_bytes_of(value, 16200), 0));
	assert_status(EMR_ATTRIBUTE_SPACE,
		emr_view_set_attribute(k.view, node, "user.2", emr_bytes_of(value, 1200), 0));
	assert_status(EMR_EXISTS, emr_view_set_attribute(k.view, node, "user.empty",
					  emr_bytes_of("1", 1), EMR_ATTRIBUTE_CREATE));
	assert_status(EMR_NO_ATTRIBUTE, emr_view_set_attribute(k.view, node, "user.none",
						emr_bytes_of("1", 1), EMR_ATTRIBUTE_REPLACE));
	assert_status(EMR_UNSUPPORTED,
		emr_view_set_attribute(k.view, node, "security.x", emr_bytes_of("1", 1), 0));
	assert_status(EMR_UNSUPPORTED, emr_view_get_attribute(k.view, node, "trusted.x", &got));
	for (size_t i = 0; i < sizeof nameless / sizeof nameless[0]; i++) {
		assert_status(EMR_INVALID,
			emr_view_set_attribute(k.view, node, nameless[i], emr_bytes_of("1", 1), 0));
		assert_status(EMR_INVALID, emr_view_get_attribute(k.view, node, nameless[i], &got));
		assert_status(EMR_INVALID, emr_view_remove_attribute(k.view, node, nameless[i]));
	}
	assert_ok(emr_view_set_attribute(
		k.view, node, "user.emrfs.copied", emr_bytes_of("1", 1), 0)); /* as rsync -X does */
	kit_publish(&k);
	kit_restart_and_compare(&k);
	node = kit_attr(&k, "d/f").node;
	assert_ok(emr_view_get_attribute(k.view, node, "user.15000", &got));
	assert_int_equal(got.len, 15000);
	assert_memory_equal(got.data, value, 15000);
	assert_ok(emr_view_remove_attribute(k.view, node, "user.15000"));
	assert_status(EMR_NO_ATTRIBUTE, emr_view_remove_attribute(k.view, node, "user.15000"));
	for (; status == EMR_OK; n++) {
		status = emr_view_set_attribute(
			k.view, node, printed("user.many.%d", n), emr_bytes_of(value, 20), 0);
	}
	assert_status(EMR_ATTRIBUTE_SPACE, status);
	assert_true(n > 300);
	kit_publish(&k);
	assert_string_equal(kit_attribute(&k, "d/f", "user.emrfs.state"), "confirmed 1/1");
	kit_restart_and_compare(&k);
}

/* The names are for people who ask: a copy with all attributes takes nothing of them along. */
TEST(the_names_that_can_be_asked_are_answered_and_in_no_list)
{
	EMR_AUTO_BUF got = {0}, listed = {0};
	uint64_t node;

	KIT;
	kit_mkdir(&k, "d");
	node = kit_attr(&k, "d").node;
	assert_ok(emr_view_set_attribute(k.view, node, "user.emrfs", emr_bytes_of("1", 1), 0));
	assert_ok(emr_view_remove_attribute(k.view, node, "user.emrfs"));
	assert_ok(emr_view_get_attribute(k.view, node, "user.emrfs", &got));
	assert_ok(emr_buf_append(&got, "\n", 2));
	for (size_t i = 0; emr_view_attribute_name(i) != NULL; i++)
		assert_non_null(strstr((const char *)got.data,
			printed("user.emrfs.%s\n", emr_view_attribute_name(i))));
	assert_ok(emr_view_list_attributes(k.view, node, &listed));
	assert_int_equal(listed.len, 0);
}

TEST(mode_and_time_are_kept_to_the_nanosecond)
{
	static const int64_t times[] = {
		0, 1, -1, 1234567890123456789, -86400000000001, INT64_C(4102444800999999999)};
	emr_attr attr;
	uint64_t node;

	KIT;
	kit_mkdir(&k, "d");
	kit_text(&k, "d/f", "x");
	node = kit_attr(&k, "d/f").node;
	for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
		emr_attr want = {.mtime_ns = times[i], .mode = (uint16_t)(0400 + i)};

		assert_ok(emr_view_set_attr(
			k.view, node, EMR_SET_MTIME | EMR_SET_MODE, &want, &attr));
		assert_int_equal(attr.mtime_ns, times[i]);
		kit_restart(&k);
		node = kit_attr(&k, "d/f").node;
		assert_int_equal(kit_attr(&k, "d/f").mtime_ns, times[i]);
		kit_publish(&k);
		kit_restart(&k);
		node = kit_attr(&k, "d/f").node;
		assert_int_equal(kit_attr(&k, "d/f").mtime_ns, times[i]);
		assert_int_equal(kit_attr(&k, "d/f").mode, 0400 + i);
	}
}

TEST(a_time_set_while_the_file_is_written_survives_with_it)
{
	emr_attr want = {.mtime_ns = 1000000000}, attr;
	emr_handle *h;

	KIT;
	kit_mkdir(&k, "d");
	kit_text(&k, "d/f", "something to stand on");
	kit_publish(&k);
	h = kit_open_file(&k, "d/f", O_RDWR);
	assert_ok(emr_view_write(h, 3, emr_bytes_of("xyz", 3)));
	assert_ok(emr_view_fsync(h));
	kit_wait_ms(&k, 5);
	assert_ok(emr_view_set_attr(k.view, kit_attr(&k, "d/f").node, EMR_SET_MTIME, &want, &attr));
	assert_ok(emr_view_fsync(h));
	emr_view_release(h);
	kit_restart(&k);
	assert_int_equal(kit_attr(&k, "d/f").mtime_ns, 1000000000);
	kit_publish(&k);
	kit_restart(&k);
	assert_int_equal(kit_attr(&k, "d/f").mtime_ns, 1000000000);
}

TEST(numbers_programs_see_stay_over_edits_moves_and_restarts)
{
	uint64_t ino;

	KIT;
	kit_mkdir(&k, "d");
	kit_mkdir(&k, "e");
	kit_text(&k, "d/f", "x");
	ino = kit_attr(&k, "d/f").ino;
	kit_publish(&k);
	assert_int_equal(kit_attr(&k, "d/f").ino, ino);
	kit_text(&k, "d/f", "y");
	kit_rename(&k, "d/f", "e/f");
	assert_int_equal(kit_attr(&k, "e/f").ino, ino);
	kit_publish_all(&k);
	assert_int_equal(kit_attr(&k, "e/f").ino, ino);
	kit_restart(&k);
	assert_int_equal(kit_attr(&k, "e/f").ino, ino);
	kit_text(&k, "e/g", "z");
	assert_int_not_equal(kit_attr(&k, "e/g").ino, ino);
	kit_rename(&k, "e/g", "e/f"); /* another file, the same record */
	assert_int_not_equal(kit_attr(&k, "e/f").ino, ino);
	ino = kit_attr(&k, "e/f").ino;
	kit_publish_all(&k);
	kit_restart(&k);
	assert_int_equal(kit_attr(&k, "e/f").ino, ino);
}

TEST(paths_are_told_and_found)
{
	char *path;

	KIT;
	kit_mkdir(&k, "d");
	kit_mkdir(&k, "d/e");
	kit_text(&k, "d/e/f", "x");
	assert_ok(emr_view_path(k.view, kit_attr(&k, "d//e/./f").node, &path));
	assert_string_equal(path, "d/e/f");
	free(path);
	assert_ok(emr_view_path(k.view, EMR_ROOT_NODE, &path));
	assert_string_equal(path, "");
	free(path);
	assert_false(kit_exists(&k, "d/e/f/g"));
}

TEST(counts_tell_what_is_where)
{
	emr_view_counts counts;
	emr_space space;

	KIT;
	kit_mkdir(&k, "d");
	kit_text(&k, "d/f", "12345");
	kit_text(&k, "d/f.part", "");
	emr_view_count(k.view, &counts);
	assert_int_equal(counts.files, 1);
	assert_int_equal(counts.directories, 2); /* "d" and Inbox; the folder itself is none */
	assert_int_equal(counts.local, 1);
	assert_int_equal(counts.bytes, 5);
	assert_int_equal(counts.pending, 2);
	assert_status(EMR_TIMEOUT, emr_view_wait_published(k.view, k.clock.boot_ns));
	kit_publish(&k);
	emr_view_count(k.view, &counts);
	assert_int_equal(counts.pending, 0);
	assert_int_equal(counts.confirmed, 1);
	assert_ok(emr_view_wait_published(k.view, k.clock.boot_ns));
	assert_ok(emr_view_space(k.view, &space));
	assert_true(space.total_bytes >= space.free_bytes && space.total_bytes > 0);
}

TEST(a_copy_under_way_is_counted_until_its_program_closes)
{
	emr_view_counts counts;
	emr_view_written written[2];
	emr_handle *copy, *scratch, *idle;

	KIT;
	kit_text(&k, "idle", "published");
	kit_publish(&k);
	idle = kit_open_file(&k, "idle", O_RDWR); /* open, and not written to */
	kit_text(&k, "scan", "");
	kit_text(&k, "other.part", ""); /* many programs copy under a name of scratch */
	copy = kit_open_file(&k, "scan", O_WRONLY);
	scratch = kit_open_file(&k, "other.part", O_WRONLY);
	assert_ok(emr_view_write(copy, 0, emr_bytes_of("12345", 5)));
	assert_ok(emr_view_write(scratch, 0, emr_bytes_of("123", 3)));
	emr_view_count(k.view, &counts);
	assert_int_equal(counts.writing, 2);
	assert_int_equal(counts.writing_bytes, 8);
	assert_int_equal(counts.unhanded, 2);
	assert_int_equal(emr_view_writing(k.view, written, 1), 1);
	assert_int_equal(emr_view_writing(k.view, written, 2), 2);
	for (size_t i = 0; i < 2; i++)
		assert_true(
			written[i].bytes == (written[i].node == kit_attr(&k, "scan").node ? 5 : 3));
	emr_view_release(copy);
	emr_view_release(scratch);
	emr_view_count(k.view, &counts);
	assert_int_equal(counts.writing, 0);
	assert_int_equal(counts.unhanded, 0);
	assert_int_equal(counts.pending_bytes, 5);
	kit_publish(&k);
	emr_view_count(k.view, &counts);
	assert_int_equal(counts.pending_bytes, 0);
	emr_view_release(idle);
}

TESTS(NULL, NULL)
