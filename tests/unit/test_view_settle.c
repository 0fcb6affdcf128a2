/* These tests show what a save means on the ledger: which saves keep the record, what is a version,
 * what is never told. */
#include "view_kit.h"

/* "Imaging" exists and is confirmed, and so is Imaging/x with the text "one". */
static void with_x(kit *k)
{
	kit_open(k);
	kit_mkdir(k, "Imaging");
	kit_text(k, "Imaging/x", "one");
	kit_publish(k);
	(void)kit_items(k);
	assert_string_equal(kit_attribute(k, "Imaging/x", "user.emrfs.state"), "confirmed 1/1");
}

static char *id_of(kit *k, const char *path)
{
	char *copy = strdup(kit_attribute(k, path, "user.emrfs.id"));

	assert_non_null(copy);
	return copy;
}

static void expect_same_record(kit *k, const char *path, char *id, const char *version)
{
	assert_string_equal(kit_attribute(k, path, "user.emrfs.id"), id);
	assert_string_equal(kit_attribute(k, path, "user.emrfs.version"), version);
	free(id);
}

static void finish(kit *k)
{
	kit_publish_all(k);
	kit_restart_and_compare(k);
	(void)kit_items(k);
	kit_publishes_all(k, "");
	kit_close(k);
}

TEST(a_save_is_one_version)
{
	char *id;

	SCENE(kit, k, with_x, finish);
	id = id_of(&k, "Imaging/x");
	kit_text(&k, "Imaging/x", "two");
	assert_string_equal(kit_attribute(&k, "Imaging/x", "user.emrfs.state"), "pending");
	kit_publishes(&k, "PUT");
	kit_expect_text(&k, "Imaging/x", "two");
	expect_same_record(&k, "Imaging/x", id, "2");
}

TEST(many_writes_before_it_is_quiet_are_one_version)
{
	SCENE(kit, k, with_x, finish);
	for (int i = 0; i < 5; i++) {
		kit_text(&k, "Imaging/x", printed("take %d", i));
	}
	kit_publishes(&k, "PUT");
	assert_string_equal(kit_attribute(&k, "Imaging/x", "user.emrfs.version"), "2");
	kit_expect_text(&k, "Imaging/x", "take 4");
}

TEST(a_rename_over_is_a_new_version_of_the_record_below)
{
	char *id;

	SCENE(kit, k, with_x, finish);
	id = id_of(&k, "Imaging/x");
	kit_text(&k, "Imaging/new", "two");
	kit_rename(&k, "Imaging/new", "Imaging/x");
	kit_restart_and_compare(&k);
	kit_publishes(&k, "PUT");
	kit_expect_text(&k, "Imaging/x", "two");
	expect_same_record(&k, "Imaging/x", id, "2");
}

TEST(a_gio_save_is_one_version)
{
	char *id;

	SCENE(kit, k, with_x, finish);
	id = id_of(&k, "Imaging/x");
	kit_text(&k, "Imaging/.goutputstream-AB12CD", "two");
	kit_publishes(&k, "");
	kit_rename(&k, "Imaging/.goutputstream-AB12CD", "Imaging/x");
	kit_publishes(&k, "PUT");
	expect_same_record(&k, "Imaging/x", id, "2");
	kit_expect_text(&k, "Imaging/x", "two");
}

/* :w with 'backup' off, 'writebackup' on, 'backupcopy' no: move away, write again, remove the old.
 */
TEST(a_vim_save_is_one_version_whenever_it_is_published)
{
	for (int stop = 0; stop < 4; stop++) {
		kit k;
		char *id;
		const char *items;

		with_x(&k);
		id = id_of(&k, "Imaging/x");
		kit_rename(&k, "Imaging/x", "Imaging/x~");
		if (stop == 1)
			kit_restart_and_compare(&k);
		kit_text(&k, "Imaging/x", "two");
		if (stop == 2)
			kit_restart_and_compare(&k);
		if (stop == 3)
			kit_publish(&k);
		kit_unlink(&k, "Imaging/x~");
		kit_publish(&k);
		items = kit_items(&k);
		assert_string_equal(items, "PUT");
		kit_expect_text(&k, "Imaging/x", "two");
		expect_same_record(&k, "Imaging/x", id, "2");
		finish(&k);
	}
}

TEST(dcmodify_keeps_its_backup_here_and_makes_one_version)
{
	char *id;

	SCENE(kit, k, with_x, finish);
	id = id_of(&k, "Imaging/x");
	kit_rename(&k, "Imaging/x", "Imaging/x.bak");
	kit_text(&k, "Imaging/x", "two");
	kit_publishes(&k, "PUT");
	expect_same_record(&k, "Imaging/x", id, "2");
	assert_string_equal(kit_attribute(&k, "Imaging/x.bak", "user.emrfs.state"), "local");
	kit_expect_text(&k, "Imaging/x.bak", "one");
	kit_restart_and_compare(&k);
	kit_expect_text(&k, "Imaging/x.bak", "one");
}

TEST(a_backup_moved_back_over_its_file_brings_the_old_bytes_back)
{
	char *id;

	SCENE(kit, k, with_x, finish);
	id = id_of(&k, "Imaging/x");
	kit_rename(&k, "Imaging/x", "Imaging/x.bak");
	kit_text(&k, "Imaging/x", "two, and longer");
	kit_publish(&k);
	kit_rename(&k, "Imaging/x.bak", "Imaging/x");
	kit_expect_text(&k, "Imaging/x", "one");
	kit_publish_all(&k);
	kit_expect_text(&k, "Imaging/x", "one");
	expect_same_record(&k, "Imaging/x", id, "3");
	kit_restart(&k);
	kit_expect_text(&k, "Imaging/x", "one");
}

TEST(an_empty_file_in_the_place_of_a_deleted_one_is_empty)
{
	SCENE(kit, k, with_x, finish);
	kit_unlink(&k, "Imaging/x");
	kit_write(&k, "Imaging/x", "", 0);
	kit_publish_all(&k);
	kit_expect_text(&k, "Imaging/x", "");
	assert_string_equal(kit_attribute(&k, "Imaging/x", "user.emrfs.version"), "2");
	kit_restart(&k);
	kit_expect_text(&k, "Imaging/x", "");
}

TEST(what_desktops_leave_and_empty_scratch_never_reach_the_ledger)
{
	static const char *const scratch[] = {"Imaging/.~lock.report.odt#", "Imaging/.DS_Store",
		"Imaging/._report.pdf", "Imaging/.Trash-1000", "Imaging/Thumbs.db",
		"Imaging/.#report", "Imaging/~$report.docx"};

	SCENE(kit, k, with_x, finish);
	for (size_t i = 0; i < sizeof scratch / sizeof scratch[0]; i++)
		kit_text(&k, scratch[i], "mine");
	kit_text(&k, "Imaging/4913", "");
	kit_text(&k, "Imaging/plan.db-shm", "");
	kit_mkdir(&k, "Imaging/.Trash");
	kit_text(&k, "Imaging/.Trash/thrown away", "old");
	kit_mkdir(&k, ".thumbnails");
	kit_text(&k, ".thumbnails/small.png", "png");
	kit_publish(&k);
	kit_wait_ms(&k, 60000);
	kit_publishes(&k, "");
	for (size_t i = 0; i < sizeof scratch / sizeof scratch[0]; i++)
		assert_string_equal(kit_attribute(&k, scratch[i], "user.emrfs.state"), "local");
	assert_string_equal(
		kit_attribute(&k, "Imaging/.Trash/thrown away", "user.emrfs.state"), "local");
	kit_restart_and_compare(&k);
	assert_string_equal(
		kit_attribute(&k, "Imaging/.Trash/thrown away", "user.emrfs.state"), "local");
}

TEST(a_scratch_file_that_gets_a_real_name_is_published)
{
	SCENE(kit, k, with_x, finish);
	kit_text(&k, "Imaging/scan.pdf.part", "whole");
	kit_publishes(&k, "");
	kit_rename(&k, "Imaging/scan.pdf.part", "Imaging/scan.pdf");
	kit_publishes(&k, "PUT");
}

TEST(a_directory_thrown_into_the_trash_leaves_the_ledger_and_comes_back)
{
	SCENE(kit, k, with_x, finish);
	kit_mkdir(&k, "Imaging/.Trash");
	kit_mkdir(&k, "Imaging/series");
	kit_text(&k, "Imaging/series/1", "slice");
	kit_publish(&k);
	(void)kit_items(&k);
	kit_rename(&k, "Imaging/series", "Imaging/.Trash/series");
	kit_publishes_all(&k, "UNLINK UNLINK");
	kit_restart_and_compare(&k);
	kit_expect_text(&k, "Imaging/.Trash/series/1", "slice");
	kit_rename(&k, "Imaging/.Trash/series", "Imaging/series");
	kit_publishes_all(&k, "META REWRAP");
	kit_expect_text(&k, "Imaging/series/1", "slice");
	assert_string_equal(kit_attribute(&k, "Imaging/series/1", "user.emrfs.version"), "1");
}

/* x has two versions and lies in the trash; the ledger knows that it is gone. */
static void with_x_in_the_trash(kit *k)
{
	with_x(k);
	kit_text(k, "Imaging/x", "two");
	kit_publish(k);
	kit_mkdir(k, ".Trash-1000");
	kit_mkdir(k, ".Trash-1000/files");
	kit_rename(k, "Imaging/x", ".Trash-1000/files/x");
	kit_publishes_all(k, "PUT UNLINK");
}

TEST(a_file_out_of_the_trash_is_the_record_it_was)
{
	SCENE(kit, k, with_x_in_the_trash, finish);
	kit_restart_and_compare(&k);
	kit_rename(&k, ".Trash-1000/files/x", "Imaging/x");
	kit_publishes_all(&k, "REWRAP");
	kit_expect_text(&k, "Imaging/x", "two");
	assert_string_equal(kit_attribute(&k, "Imaging/x", "user.emrfs.version"), "2");
	kit_text(&k, "Imaging/x", "three");
	kit_publish(&k);
	assert_string_equal(kit_attribute(&k, "Imaging/x", "user.emrfs.version"), "3");
}

TEST(what_was_written_in_the_trash_is_a_record_of_its_own)
{
	SCENE(kit, k, with_x_in_the_trash, finish);
	kit_text(&k, ".Trash-1000/files/x", "other");
	kit_rename(&k, ".Trash-1000/files/x", "Imaging/x");
	kit_publishes_all(&k, "PUT");
	assert_string_equal(kit_attribute(&k, "Imaging/x", "user.emrfs.version"), "1");
}

TEST(a_record_with_an_heir_does_not_come_out_of_the_trash_as_well)
{
	SCENE(kit, k, with_x, finish);
	kit_mkdir(&k, ".Trash-1000");
	kit_rename(&k, "Imaging/x", ".Trash-1000/x");
	kit_save(&k, "Imaging/x", "two");
	assert_string_equal(kit_items(&k), "PUT");
	assert_string_equal(kit_attribute(&k, "Imaging/x", "user.emrfs.version"), "2");
	kit_rename(&k, ".Trash-1000/x", "Imaging/y");
	kit_publishes_all(&k, "PUT");
	assert_string_equal(kit_attribute(&k, "Imaging/y", "user.emrfs.version"), "1");
	kit_expect_text(&k, "Imaging/x", "two");
	kit_expect_text(&k, "Imaging/y", "one");
}

TEST(a_renamed_file_keeps_record_and_version)
{
	char *id;

	SCENE(kit, k, with_x, finish);
	id = id_of(&k, "Imaging/x");
	kit_rename(&k, "Imaging/x", "Imaging/y");
	kit_restart_and_compare(&k);
	kit_publishes(&k, "META");
	expect_same_record(&k, "Imaging/y", id, "1");
}

TEST(a_published_file_moved_over_another_keeps_its_own_record)
{
	char *id;

	SCENE(kit, k, with_x, finish);
	kit_text(&k, "Imaging/y", "other");
	kit_publish(&k);
	(void)kit_items(&k);
	id = id_of(&k, "Imaging/y");
	kit_rename(&k, "Imaging/y", "Imaging/x");
	kit_restart_and_compare(&k);
	kit_publishes(&k, "META UNLINK");
	expect_same_record(&k, "Imaging/x", id, "1");
	kit_expect_text(&k, "Imaging/x", "other");
}

TEST(a_deleted_file_is_unlinked_once)
{
	SCENE(kit, k, with_x, finish);
	kit_unlink(&k, "Imaging/x");
	kit_restart_and_compare(&k);
	assert_false(kit_exists(&k, "Imaging/x"));
	kit_publishes(&k, "UNLINK");
}

TEST(a_file_that_never_was_published_leaves_no_trace)
{
	SCENE(kit, k, with_x, finish);
	kit_text(&k, "Imaging/y", "short life");
	kit_unlink(&k, "Imaging/y");
	kit_publishes_all(&k, "");
}

TEST(deleted_and_made_again_at_once_is_a_new_version)
{
	char *id;

	SCENE(kit, k, with_x, finish);
	id = id_of(&k, "Imaging/x");
	kit_unlink(&k, "Imaging/x");
	kit_text(&k, "Imaging/x", "two");
	kit_publishes(&k, "PUT");
	expect_same_record(&k, "Imaging/x", id, "2");
}

TEST(deleted_while_open_and_made_again_is_a_new_version)
{
	emr_handle *h;
	char *id;

	SCENE(kit, k, with_x, finish);
	id = id_of(&k, "Imaging/x");
	h = kit_open_file(&k, "Imaging/x", O_RDONLY);
	kit_unlink(&k, "Imaging/x");
	kit_text(&k, "Imaging/x", "two");
	kit_publishes(&k, "PUT");
	kit_expect_handle(h, "one", 3);
	expect_same_record(&k, "Imaging/x", id, "2");
	assert_string_equal(kit_attribute(&k, "Imaging/x", "user.emrfs.state"), "confirmed 1/1");
	kit_text(&k, "Imaging/x", "three");
	kit_publish(&k);
	kit_expect_handle(h, "one", 3);
	assert_string_equal(kit_items(&k), "PUT");
	emr_view_release(h);
	kit_expect_text(&k, "Imaging/x", "three");
}

TEST(a_file_moved_to_another_top_directory_is_wrapped_again_with_the_same_content)
{
	char cid[200];

	SCENE(kit, k, with_x, finish);
	kit_mkdir(&k, "Letters");
	kit_publish(&k);
	(void)kit_items(&k);
	snprintf(cid, sizeof cid, "%s", kit_attribute(&k, "Imaging/x", "user.emrfs.cid"));
	assert_true(cid[0] != 0);
	kit_rename(&k, "Imaging/x", "Letters/x");
	kit_restart_and_compare(&k);
	kit_publishes_all(&k, "REWRAP UNLINK");
	assert_string_equal(kit_attribute(&k, "Letters/x", "user.emrfs.cid"), cid);
	assert_string_equal(kit_attribute(&k, "Letters/x", "user.emrfs.version"), "1");
	kit_expect_text(&k, "Letters/x", "one");
	kit_text(&k, "Letters/x", "two");
	kit_publish(&k);
	assert_string_equal(kit_attribute(&k, "Letters/x", "user.emrfs.version"), "2");
	assert_string_equal(kit_items(&k), "PUT");
}

static void make_series(kit *k)
{
	kit_open(k);
	kit_mkdir(k, "Imaging");
	kit_mkdir(k, "Letters");
	kit_mkdir(k, "Imaging/ct");
	kit_mkdir(k, "Imaging/ct/inner");
	kit_text(k, "Imaging/ct/1", "first");
	kit_save(k, "Imaging/ct/inner/2", "second");
	(void)kit_items(k);
}

static void expect_series(kit *k, const char *at)
{
	kit_expect_text(k, printed("%s/1", at), "first");
	kit_expect_text(k, printed("%s/inner/2", at), "second");
}

/* In whatever order. */
static void expect_items(kit *k, int metas, int rewraps, int unlinks)
{
	const char *items = kit_items(k);

	for (const char *at = items; *at != 0; at += strcspn(at, " "), at += *at != 0) {
		metas -= strncmp(at, "META", 4) == 0;
		rewraps -= strncmp(at, "REWRAP", 6) == 0;
		unlinks -= strncmp(at, "UNLINK", 6) == 0;
	}
	assert_int_equal(metas, 0);
	assert_int_equal(rewraps, 0);
	assert_int_equal(unlinks, 0);
}

TEST(a_directory_moved_to_another_domain_takes_everything_along)
{
	SCENE(kit, k, make_series, finish);
	kit_rename(&k, "Imaging/ct", "Letters/ct");
	kit_restart_and_compare(&k);
	kit_publish_all(&k);
	expect_items(&k, 2, 2, 4);
	expect_series(&k, "Letters/ct");
	assert_string_equal(
		kit_attribute(&k, "Letters/ct/inner/2", "user.emrfs.state"), "confirmed 1/1");
}

TEST(a_top_directory_is_a_domain_of_its_own)
{
	SCENE(kit, k, kit_open, finish);
	kit_mkdir(&k, "Imaging");
	kit_publishes(&k, "DOMAIN LISTKEY META");
}

TEST(an_inner_directory_moved_to_the_top_and_back_keeps_its_files)
{
	SCENE(kit, k, make_series, finish);
	kit_rename(&k, "Imaging/ct", "ct");
	kit_publish_all(&k);
	expect_series(&k, "ct");
	kit_restart_and_compare(&k);
	kit_rename(&k, "ct", "Imaging/ct");
	kit_publish_all(&k);
	expect_series(&k, "Imaging/ct");
}

TEST(a_top_directory_renamed_stays_the_domain_it_is)
{
	SCENE(kit, k, make_series, finish);
	kit_rename(&k, "Imaging", "Scans");
	kit_publishes_all(&k, "META");
	expect_series(&k, "Scans/ct");
}

TEST(a_directory_moved_and_changed_below_at_once)
{
	SCENE(kit, k, make_series, finish);
	kit_rename(&k, "Imaging/ct", "Letters/ct");
	kit_text(&k, "Letters/ct/1", "first, changed");
	kit_rename(&k, "Letters/ct/inner/2", "Letters/ct/two");
	kit_rmdir(&k, "Letters/ct/inner");
	kit_text(&k, "Letters/ct/3", "third");
	kit_restart_and_compare(&k);
	kit_publish_all(&k);
	kit_expect_text(&k, "Letters/ct/1", "first, changed");
	kit_expect_text(&k, "Letters/ct/two", "second");
	kit_expect_text(&k, "Letters/ct/3", "third");
	assert_string_equal(kit_attribute(&k, "Letters/ct/1", "user.emrfs.version"), "2");
}

TEST(a_file_moved_away_and_back_before_it_was_published_changes_nothing_much)
{
	char *id;

	SCENE(kit, k, make_series, finish);
	id = id_of(&k, "Imaging/ct/1");
	kit_rename(&k, "Imaging/ct/1", "Letters/1");
	kit_rename(&k, "Letters/1", "Imaging/ct/1");
	kit_publish_all(&k);
	expect_same_record(&k, "Imaging/ct/1", id, "1");
	expect_series(&k, "Imaging/ct");
}

TEST(mode_time_and_attributes_are_one_meta)
{
	emr_attr want = {.mode = 0600, .mtime_ns = 1234567890123456789}, got;

	SCENE(kit, k, with_x, finish);
	assert_ok(emr_view_set_attr(
		k.view, kit_attr(&k, "Imaging/x").node, EMR_SET_MODE | EMR_SET_MTIME, &want, &got));
	assert_ok(emr_view_set_attribute(k.view, got.node, "user.note", emr_bytes_of("hi", 2), 0));
	kit_restart_and_compare(&k);
	kit_publishes(&k, "META");
	assert_int_equal(kit_attr(&k, "Imaging/x").mode, 0600);
	assert_int_equal(kit_attr(&k, "Imaging/x").mtime_ns, 1234567890123456789);
	assert_string_equal(kit_attribute(&k, "Imaging/x", "user.note"), "hi");
}

TEST(the_folder_itself_has_a_mode_and_attributes)
{
	emr_attr attr = {.mode = 0750};

	SCENE(kit, k, with_x, finish);
	assert_ok(emr_view_set_attr(k.view, EMR_ROOT_NODE, EMR_SET_MODE, &attr, &attr));
	assert_ok(emr_view_set_attribute(
		k.view, EMR_ROOT_NODE, "user.note", emr_bytes_of("mine", 4), 0));
	kit_publishes_all(&k, "META");
	kit_restart_and_compare(&k);
	assert_int_equal(kit_attr(&k, "").mode, 0750);
	assert_string_equal(kit_attribute(&k, "", "user.note"), "mine");
}

TEST(a_file_still_open_for_writing_waits)
{
	emr_handle *h;

	SCENE(kit, k, with_x, finish);
	h = kit_open_file(&k, "Imaging/x", O_RDWR);
	assert_ok(emr_view_write(h, 0, emr_bytes_of("ONE", 3)));
	assert_ok(emr_view_fsync(h));
	kit_publishes(&k, "");
	assert_string_equal(kit_attribute(&k, "Imaging/x", "user.emrfs.state"), "pending");
	emr_view_release(h);
	kit_publishes(&k, "PUT");
	kit_expect_text(&k, "Imaging/x", "ONE");
}

TEST(what_emrfs_says_about_a_record_is_right)
{
	emr_attr a;

	SCENE(kit, k, with_x, finish);
	assert_string_equal(kit_attribute(&k, "Imaging/x", "user.emrfs.version"), "1");
	assert_int_equal(strlen(kit_attribute(&k, "Imaging/x", "user.emrfs.id")), 32);
	assert_int_equal(strncmp(kit_attribute(&k, "Imaging/x", "user.emrfs.cid"), "bafy", 4), 0);
	assert_string_equal(kit_attribute(&k, "Imaging/x", "user.emrfs.access"), "owner");
	assert_int_equal(
		strncmp(kit_attribute(&k, "Imaging/x", "user.emrfs.signature"), "self at=20", 10),
		0);
	assert_string_equal(kit_attribute(&k, "Imaging/x", "user.emrfs.stored-bytes"),
		printed("%d", 16383 + 16));
	assert_string_equal(kit_attribute(&k, "Imaging/x", "user.emrfs.freshness"), "0");
	a = kit_attr(&k, "Imaging/x");
	assert_ok(emr_view_set_attribute(
		k.view, a.node, "user.emrfs.version", emr_bytes_of("9", 1), 0));
	assert_ok(emr_view_remove_attribute(k.view, a.node, "user.emrfs.id"));
	assert_string_equal(kit_attribute(&k, "Imaging/x", "user.emrfs.version"), "1");
	kit_text(&k, "Imaging/y", "new");
	assert_string_equal(kit_attribute(&k, "Imaging/y", "user.emrfs.version"), "");
	assert_string_equal(kit_attribute(&k, "Imaging/y", "user.emrfs.cid"), "");
}

TEST(a_file_in_a_new_top_directory_comes_with_its_domain)
{
	SCENE(kit, k, kit_open, finish);
	kit_mkdir(&k, "a");
	kit_text(&k, "a/f", "1");
	kit_publishes(&k, "DOMAIN LISTKEY META PUT");
}

/* More files than one batch takes, and more than one run takes. */
TEST(a_big_directory_moves_between_domains_whole)
{
#ifdef __SANITIZE_THREAD__
	enum { FILES = 230 }; /* what is asked here is asked of one thread */
#else
	enum { FILES = 2300 };
#endif
	AUTO(kit_close) kit k;

	kit_open(&k);
	kit_mkdir(&k, "A");
	kit_mkdir(&k, "B");
	kit_mkdir(&k, "A/d");
	for (int i = 0; i < FILES; i++) {
		kit_text(&k, printed("A/d/f%d", i), printed("bytes of %d", i));
	}
	kit_publish_all(&k);
	kit_rename(&k, "A/d", "B/d");
	kit_publish(&k);
	kit_restart(&k); /* half way */
	assert_int_equal(kit_attr(&k, "B/d").type, EMR_META_DIR);
	for (int i = 0; i < FILES; i += 7) {
		kit_expect_text(&k, printed("B/d/f%d", i), printed("bytes of %d", i));
	}
	assert_false(kit_exists(&k, "f1"));
	kit_publish_all(&k);
	kit_restart_and_compare(&k);
	for (int i = 0; i < FILES; i++) {
		assert_string_equal(kit_attribute(&k, printed("B/d/f%d", i), "user.emrfs.state"),
			"confirmed 1/1");
	}
}

TESTS(NULL, NULL)
