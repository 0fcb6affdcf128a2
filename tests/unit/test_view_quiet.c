/* These tests show how long programs may take before what they do becomes a version. */
#include "view_kit.h"

#include "view/leaving.h"

#include "publish.h"

/* A program does this after the publisher has chosen its files, and before it seals the first. */
static void (*at_the_next_file)(void);

struct emr_fetcher;

WRAPPED(void, emr_fetcher_begin, struct emr_fetcher *fetcher)
{
	void (*now)(void) = at_the_next_file;

	at_the_next_file = NULL;
	__real_emr_fetcher_begin(fetcher);
	if (now != NULL)
		now();
}

static void run(kit *k)
{
	assert_ok(publish_run(k->view, false));
}

static void wait_and_run(kit *k, int64_t ms)
{
	kit_wait_ms(k, ms);
	run(k);
}

static void kit_makes(kit *k, int64_t ms, const char *items)
{
	wait_and_run(k, ms);
	assert_string_equal(kit_items(k), items);
}

/* "Imaging/x" is on the ledger, and the clock stands still. */
static void with_x(kit *k)
{
	kit_open(k);
	kit_mkdir(k, "Imaging");
	kit_text(k, "Imaging/x", "one");
	wait_and_run(k, 1000);
	assert_string_equal(kit_attribute(k, "Imaging/x", "user.emrfs.state"), "confirmed 1/1");
	(void)kit_items(k);
}

TEST(what_is_saved_after_a_pause_is_published_after_a_moment)
{
	SCENE(kit, k, with_x, kit_close);
	kit_wait_ms(&k, 1000);
	kit_text(&k, "Imaging/y", "new");
	kit_makes(&k, 199, "");
	kit_makes(&k, 1, "PUT");
	kit_wait_ms(&k, 1000);
	kit_text(&k, "Imaging/x", "two");
	kit_makes(&k, 200, "PUT");
}

TEST(what_follows_within_a_second_waits_for_a_second_of_quiet)
{
	SCENE(kit, k, with_x, kit_close);
	kit_wait_ms(&k, 1000);
	kit_text(&k, "Imaging/y", "new");
	kit_makes(&k, 200, "PUT");
	kit_wait_ms(&k, 700);
	kit_text(&k, "Imaging/z", "new");
	kit_makes(&k, 900, "");
	kit_makes(&k, 100, "PUT");
}

/* It writes twice a second for five seconds. */
TEST(a_program_that_saves_ten_times_makes_two_versions)
{
	SCENE(kit, k, with_x, kit_close);
	kit_wait_ms(&k, 1000);
	for (int i = 0; i < 10; i++) {
		kit_text(&k, "Imaging/x", printed("take %d", i));
		wait_and_run(&k, 250);
		wait_and_run(&k, 250);
	}
	kit_makes(&k, 500, "PUT PUT");
	assert_string_equal(kit_attribute(&k, "Imaging/x", "user.emrfs.version"), "3");
	kit_expect_text(&k, "Imaging/x", "take 9");
}

/* Its disk is slow: it keeps the former file for half a second. */
TEST(an_editor_that_saves_after_a_pause_makes_one_version)
{
	SCENE(kit, k, with_x, kit_close);
	kit_wait_ms(&k, 1000);
	kit_text(&k, "Imaging/new", "two");
	wait_and_run(&k, 100);
	kit_rename(&k, "Imaging/x", "Imaging/x.before");
	kit_rename(&k, "Imaging/new", "Imaging/x");
	wait_and_run(&k, 500);
	kit_unlink(&k, "Imaging/x.before");
	kit_makes(&k, 1000, "PUT");
	assert_string_equal(kit_attribute(&k, "Imaging/x", "user.emrfs.version"), "2");
	kit_expect_text(&k, "Imaging/x", "two");
}

TEST(what_is_removed_or_renamed_after_a_pause_waits_for_a_second)
{
	SCENE(kit, k, with_x, kit_close);
	kit_text(&k, "Imaging/y", "new");
	kit_makes(&k, 1000, "PUT");
	kit_wait_ms(&k, 1000);
	kit_rename(&k, "Imaging/x", "Imaging/z");
	kit_unlink(&k, "Imaging/y");
	kit_makes(&k, 900, "");
	kit_makes(&k, 100, "META UNLINK");
}

/* A slow disk: Excel's new file lies there for three seconds before it gets its name. */
TEST(excel_may_take_its_time_and_makes_one_version)
{
	SCENE(kit, k, with_x, kit_close);
	kit_text(&k, "Imaging/1D24AB00", "two");
	kit_makes(&k, 3000, "");
	kit_rename(&k, "Imaging/x", "Imaging/9F1C2A10.tmp");
	kit_rename(&k, "Imaging/1D24AB00", "Imaging/x");
	wait_and_run(&k, 500);
	kit_unlink(&k, "Imaging/9F1C2A10.tmp");
	kit_makes(&k, 500, "PUT");
	assert_string_equal(kit_attribute(&k, "Imaging/x", "user.emrfs.version"), "2");
	kit_expect_text(&k, "Imaging/x", "two");
}

TEST(a_scanners_file_with_such_a_name_is_published_later)
{
	SCENE(kit, k, with_x, kit_close);
	kit_text(&k, "Imaging/1D24AB00", "slice");
	kit_makes(&k, 9900, "");
	kit_makes(&k, 100, "PUT");
}

/* An export gives such names to its slices, and folders. */
TEST(what_is_called_as_scratch_and_stays_is_a_record)
{
	static const char *const slices[] = {"Imaging/4913", "Imaging/IM1.bak", "Imaging/IM2.part",
		"Imaging/.CT..0003.0001.2022.03.08.17.15.11.796871", "Imaging/letter.tmp",
		"Imaging/#7#", "Imaging/results~", "Imaging/X.download/slice",
		"Imaging/.T2_TSE.000002/.Trashed.lines/slice", "Imaging/plain.part/lu1.tmp"};

	SCENE(kit, k, with_x, kit_close);
	kit_mkdir(&k, "Imaging/X.download");
	kit_mkdir(&k, "Imaging/.T2_TSE.000002");
	kit_mkdir(&k, "Imaging/.T2_TSE.000002/.Trashed.lines");
	kit_mkdir(&k, "Imaging/plain.part");
	for (size_t i = 0; i < sizeof slices / sizeof slices[0]; i++)
		kit_text(&k, slices[i], "slice");
	kit_publish(&k); /* nobody in a hurry takes a moment's file for a record */
	kit_makes(&k, 9900, "");
	wait_and_run(&k, 100);
	wait_and_run(&k, 1000);
	for (size_t i = 0; i < sizeof slices / sizeof slices[0]; i++)
		assert_string_equal(
			kit_attribute(&k, slices[i], "user.emrfs.state"), "confirmed 1/1");
	(void)kit_items(&k);
	kit_restart_and_compare(&k);
	kit_text(&k, slices[0], "another");
	kit_makes(&k, 1000, "PUT");
	assert_string_equal(kit_attribute(&k, slices[0], "user.emrfs.version"), "2");
	kit_unlink(&k, slices[1]);
	kit_makes(&k, 1000, "UNLINK");
}

TEST(a_record_that_a_person_renames_to_such_a_name_is_the_same_record)
{
	SCENE(kit, k, with_x, kit_close);
	kit_rename(&k, "Imaging/x", "Imaging/x.bak");
	kit_makes(&k, 9900, "");
	kit_makes(&k, 100, "META");
	assert_string_equal(
		kit_attribute(&k, "Imaging/x.bak", "user.emrfs.state"), "confirmed 1/1");
	kit_restart_and_compare(&k);
	kit_rename(&k, "Imaging/x.bak", "Imaging/x");
	kit_makes(&k, 1000, "META");
}

TEST(a_backup_of_a_record_that_goes_on_is_none_however_long_it_stays)
{
	SCENE(kit, k, with_x, kit_close);
	kit_rename(&k, "Imaging/x", "Imaging/x~");
	kit_text(&k, "Imaging/x", "two");
	kit_makes(&k, 1000, "PUT");
	kit_makes(&k, 60000, "");
	kit_restart_and_compare(&k);
	kit_makes(&k, 60000, "");
	assert_string_equal(kit_attribute(&k, "Imaging/x~", "user.emrfs.state"), "local");
	kit_expect_text(&k, "Imaging/x~", "one");
	kit_text(&k, "Imaging/x~", "a person's words"); /* which are nobody's backup */
	kit_makes(&k, 10000, "PUT");
}

/* Its record is gone by the time the new one has stayed. */
TEST(a_record_under_such_a_name_that_is_replaced_stays_one_record)
{
	SCENE(kit, k, with_x, kit_close);
	kit_text(&k, "Imaging/y.bak", "one");
	kit_makes(&k, 10000, "PUT");
	kit_unlink(&k, "Imaging/y.bak");
	kit_text(&k, "Imaging/y.bak", "two");
	kit_makes(&k, 9900, "");
	kit_makes(&k, 100, "PUT");
	assert_string_equal(kit_attribute(&k, "Imaging/y.bak", "user.emrfs.version"), "2");
}

/* Firefox makes the file empty, fetches beside it for a minute, and renames over it. */
TEST(a_download_is_one_version_and_never_an_empty_one)
{
	emr_handle *fetching;

	SCENE(kit, k, with_x, kit_close);
	kit_text(&k, "Imaging/scan.pdf", "");
	kit_text(&k, "Imaging/scan.kJ2d.pdf.part", "half");
	fetching = kit_open_file(&k, "Imaging/scan.kJ2d.pdf.part", O_WRONLY);
	kit_makes(&k, 60000, "");
	assert_ok(emr_view_write(fetching, 4, emr_bytes_of(" and the rest", 13)));
	emr_view_release(fetching);
	kit_rename(&k, "Imaging/scan.kJ2d.pdf.part", "Imaging/scan.pdf");
	kit_makes(&k, 1000, "PUT");
	assert_string_equal(kit_attribute(&k, "Imaging/scan.pdf", "user.emrfs.version"), "1");
	kit_expect_text(&k, "Imaging/scan.pdf", "half and the rest");
}

TEST(an_empty_file_is_a_record_when_no_download_is_beside_it)
{
	SCENE(kit, k, with_x, kit_close);
	kit_text(&k, "Imaging/empty", "");
	kit_text(&k, "Imaging/y.part", "half");
	kit_makes(&k, 2000, "");
	kit_unlink(&k, "Imaging/y.part");
	run(&k);
	assert_string_equal(kit_items(&k), "PUT");
}

TEST(a_file_cut_to_nothing_waits_for_what_comes)
{
	SCENE(kit, k, with_x, kit_close);
	kit_text(&k, "Imaging/x", "");
	kit_makes(&k, 5000, "");
	kit_text(&k, "Imaging/x", "two");
	kit_makes(&k, 1000, "PUT");
	assert_string_equal(kit_attribute(&k, "Imaging/x", "user.emrfs.version"), "2");
	kit_text(&k, "Imaging/x", "");
	kit_makes(&k, 10000, "PUT");
}

/* Else the publisher would ask again and again. */
TEST(a_name_that_waits_longer_is_not_due_before)
{
	int64_t due;

	SCENE(kit, k, with_x, kit_close);
	kit_rename(&k, "Imaging/x", "Imaging/x.tmp");
	kit_text(&k, "Imaging/x", "");
	kit_text(&k, "Imaging/y.part", "half");
	wait_and_run(&k, 2000);
	wait_and_run(&k, 2000);
	erase_look_back(
		k.view); /* what the publishing thread does once, two seconds after opening */
	pthread_mutex_lock(&k.view->lock);
	due = publish_due(k.view);
	pthread_mutex_unlock(&k.view->lock);
	assert_true(due > k.clock.boot_ns + INT64_C(1000000000));
}

TEST(whoever_waits_for_the_ledger_does_not_wait_for_that)
{
	SCENE(kit, k, with_x, kit_close);
	kit_text(&k, "Imaging/1D24AB00", "slice");
	kit_publishes(&k, "PUT");
}

/* Milliseconds until the publisher would begin. */
static int64_t due_in_ms(kit *k)
{
	int64_t due;

	pthread_mutex_lock(&k->view->lock);
	due = publish_due(k->view);
	pthread_mutex_unlock(&k->view->lock);
	return due == INT64_MAX ? -1 : (due - k->clock.boot_ns) / 1000000;
}

TEST(what_is_due_waits_until_the_folder_is_quiet_for_a_moment)
{
	SCENE(kit, k, with_x, kit_close);
	erase_look_back(k.view); /* due by itself after each opening */
	kit_text(&k, "Imaging/first", "1");
	assert_int_equal(due_in_ms(&k), 200);
	kit_wait_ms(&k, 150);
	kit_text(&k, "Imaging/second", "2");
	assert_int_equal(due_in_ms(&k), 200);
	kit_wait_ms(&k, 150);
	kit_unlink(&k, "Imaging/x");
	assert_int_equal(due_in_ms(&k), 200);
	wait_and_run(&k, 150);
	assert_string_equal(kit_items(&k), ""); /* also when there was another reason for a run */
	kit_wait_ms(&k, 50);
	assert_int_equal(due_in_ms(&k), 0);
	run(&k);
	assert_string_equal(kit_items(&k), "PUT PUT");
}

TEST(a_folder_that_is_never_quiet_is_published_within_fifteen_seconds)
{
	int64_t waited = 0;

	SCENE(kit, k, with_x, kit_close);
	erase_look_back(k.view); /* due by itself after each opening */
	kit_text(&k, "Imaging/first", "1");
	for (; due_in_ms(&k) > 0 && waited < 60000; waited += 100) {
		kit_wait_ms(&k, 100);
		kit_text(&k, "Imaging/busy", "again");
	}
	assert_int_equal(waited, 14200);
	run(&k);
	assert_string_equal(kit_items(&k), "PUT");
	assert_string_equal(
		kit_attribute(&k, "Imaging/first", "user.emrfs.state"), "confirmed 1/1");
}

static kit *writing_in;
static emr_handle *writing;

static void write_half(void)
{
	writing = kit_open_file(writing_in, "Imaging/x", O_RDWR);
	assert_ok(emr_view_write(writing, 0, emr_bytes_of("HALF", 4)));
}

/* Its program opened it when it had been chosen already, and has written half of what it will. */
TEST(what_a_program_has_just_begun_to_write_is_no_version)
{
	char copy[256];
	kit k, killed;

	with_x(&k);
	kit_wait_ms(&k, 1000);
	kit_text(&k, "Imaging/x", "the second version");
	writing_in = &k;
	writing = NULL;
	at_the_next_file = write_half;
	wait_and_run(&k, 1000);
	assert_non_null(writing);
	assert_string_equal(kit_items(&k), "");
	kit_copy_to_new(k.path, copy); /* as kill -9 leaves it */
	kit_adopt(&killed, copy, k.clock.unix_ns, k.clock.boot_ns);
	kit_start(&killed);
	kit_expect_text(&killed, "Imaging/x", "the second version");
	kit_close(&killed);
	assert_ok(emr_view_write(writing, 4, emr_bytes_of(" AND HALF", 9)));
	kit_close_file(writing);
	kit_makes(&k, 1000, "PUT");
	assert_string_equal(kit_attribute(&k, "Imaging/x", "user.emrfs.version"), "2");
	kit_expect_text(&k, "Imaging/x", "HALF AND HALFrsion");
	kit_close(&k);
}

/* ---- what others take along ---- */

typedef struct taking {
	kit *k;
	emr_id16 later; /* a record that goes while the first one is asked about */
	bool has_taken, was_asked;
} taking;

static emr_status take_copy(void *arg, const emr_leaving *all, size_t n, bool *out_has)
{
	taking *t = arg;
	const char *name;

	for (size_t i = 0; i < n; i++)
		t->was_asked = t->was_asked || emr_id16_equal(all[i].object, t->later);
	if (t->has_taken)
		return EMR_OK;
	t->has_taken = *out_has = true;
	kit_unlink(t->k, "Imaging/later");
	kit_wait_ms(t->k, 1000);
	return emr_view_unlink_first(t->k->view, kit_parent(t->k, "Imaging/copy", &name), "copy");
}

TEST(nothing_goes_from_the_ledger_that_nobody_was_asked_about)
{
	taking t = {.has_taken = false};

	SCENE(kit, k, with_x, kit_close);
	kit_text(&k, "Imaging/copy", "of x");
	kit_text(&k, "Imaging/later", "another");
	kit_makes(&k, 1000, "PUT PUT");
	t.k = &k;
	t.later = kit_object_id(&k, "Imaging/later");
	emr_view_ask_leaving(k.view, (emr_leaving_asked){take_copy, &t});
	kit_unlink(&k, "Imaging/x");
	wait_and_run(&k, 1000);
	wait_and_run(&k, 1000);
	assert_string_equal(kit_items(&k), "UNLINK UNLINK UNLINK");
	assert_true(t.was_asked);
}

TESTS(NULL, NULL)
