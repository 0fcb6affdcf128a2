/* These tests show how long programs may take before what they do becomes a version. */
#include "view_kit.h"

#include "publish.h"

/* A program does this after the publisher has chosen its files, and before it seals the first. */
static void (*at_the_next_file)(void);

struct emr_fetcher;
void __real_emr_fetcher_begin(struct emr_fetcher *fetcher);
void __wrap_emr_fetcher_begin(struct emr_fetcher *fetcher);

void __wrap_emr_fetcher_begin(struct emr_fetcher *fetcher)
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
	AUTO(kit_close) kit k;

	with_x(&k);
	kit_wait_ms(&k, 1000);
	kit_text(&k, "Imaging/y", "new");
	wait_and_run(&k, 199);
	assert_string_equal(kit_items(&k), "");
	wait_and_run(&k, 1);
	assert_string_equal(kit_items(&k), "PUT");
	kit_wait_ms(&k, 1000);
	kit_text(&k, "Imaging/x", "two");
	wait_and_run(&k, 200);
	assert_string_equal(kit_items(&k), "PUT");
}

TEST(what_follows_within_a_second_waits_for_a_second_of_quiet)
{
	AUTO(kit_close) kit k;

	with_x(&k);
	kit_wait_ms(&k, 1000);
	kit_text(&k, "Imaging/y", "new");
	wait_and_run(&k, 200);
	assert_string_equal(kit_items(&k), "PUT");
	kit_wait_ms(&k, 700);
	kit_text(&k, "Imaging/z", "new");
	wait_and_run(&k, 900);
	assert_string_equal(kit_items(&k), "");
	wait_and_run(&k, 100);
	assert_string_equal(kit_items(&k), "PUT");
}

/* It writes twice a second for five seconds. */
TEST(a_program_that_saves_ten_times_makes_two_versions)
{
	AUTO(kit_close) kit k;
	char text[16];

	with_x(&k);
	kit_wait_ms(&k, 1000);
	for (int i = 0; i < 10; i++) {
		(void)snprintf(text, sizeof text, "take %d", i);
		kit_text(&k, "Imaging/x", text);
		wait_and_run(&k, 250);
		wait_and_run(&k, 250);
	}
	wait_and_run(&k, 500);
	assert_string_equal(kit_items(&k), "PUT PUT");
	assert_string_equal(kit_attribute(&k, "Imaging/x", "user.emrfs.version"), "3");
	kit_expect_text(&k, "Imaging/x", "take 9");
}

/* Its disk is slow: it keeps the former file for half a second. */
TEST(an_editor_that_saves_after_a_pause_makes_one_version)
{
	AUTO(kit_close) kit k;

	with_x(&k);
	kit_wait_ms(&k, 1000);
	kit_text(&k, "Imaging/new", "two");
	wait_and_run(&k, 100);
	kit_rename(&k, "Imaging/x", "Imaging/x.before");
	kit_rename(&k, "Imaging/new", "Imaging/x");
	wait_and_run(&k, 500);
	kit_unlink(&k, "Imaging/x.before");
	wait_and_run(&k, 1000);
	assert_string_equal(kit_items(&k), "PUT");
	assert_string_equal(kit_attribute(&k, "Imaging/x", "user.emrfs.version"), "2");
	kit_expect_text(&k, "Imaging/x", "two");
}

TEST(what_is_removed_or_renamed_after_a_pause_waits_for_a_second)
{
	AUTO(kit_close) kit k;

	with_x(&k);
	kit_text(&k, "Imaging/y", "new");
	wait_and_run(&k, 1000);
	assert_string_equal(kit_items(&k), "PUT");
	kit_wait_ms(&k, 1000);
	kit_rename(&k, "Imaging/x", "Imaging/z");
	kit_unlink(&k, "Imaging/y");
	wait_and_run(&k, 900);
	assert_string_equal(kit_items(&k), "");
	wait_and_run(&k, 100);
	assert_string_equal(kit_items(&k), "META UNLINK");
}

/* A slow disk: Excel's new file lies there for three seconds before it gets its name. */
TEST(excel_may_take_its_time_and_makes_one_version)
{
	AUTO(kit_close) kit k;

	with_x(&k);
	kit_text(&k, "Imaging/1D24AB00", "two");
	wait_and_run(&k, 3000);
	assert_string_equal(kit_items(&k), "");
	kit_rename(&k, "Imaging/x", "Imaging/9F1C2A10.tmp");
	kit_rename(&k, "Imaging/1D24AB00", "Imaging/x");
	wait_and_run(&k, 500);
	kit_unlink(&k, "Imaging/9F1C2A10.tmp");
	wait_and_run(&k, 500);
	assert_string_equal(kit_items(&k), "PUT");
	assert_string_equal(kit_attribute(&k, "Imaging/x", "user.emrfs.version"), "2");
	kit_expect_text(&k, "Imaging/x", "two");
}

TEST(a_scanners_file_with_such_a_name_is_published_later)
{
	AUTO(kit_close) kit k;

	with_x(&k);
	kit_text(&k, "Imaging/1D24AB00", "slice");
	wait_and_run(&k, 9900);
	assert_string_equal(kit_items(&k), "");
	wait_and_run(&k, 100);
	assert_string_equal(kit_items(&k), "PUT");
}

/* Firefox makes the file empty, fetches beside it for a minute, and renames over it. */
TEST(a_download_is_one_version_and_never_an_empty_one)
{
	AUTO(kit_close) kit k;

	with_x(&k);
	kit_text(&k, "Imaging/scan.pdf", "");
	kit_text(&k, "Imaging/scan.kJ2d.pdf.part", "half");
	wait_and_run(&k, 60000);
	assert_string_equal(kit_items(&k), "");
	kit_text(&k, "Imaging/scan.kJ2d.pdf.part", "half and the rest");
	kit_rename(&k, "Imaging/scan.kJ2d.pdf.part", "Imaging/scan.pdf");
	wait_and_run(&k, 1000);
	assert_string_equal(kit_items(&k), "PUT");
	assert_string_equal(kit_attribute(&k, "Imaging/scan.pdf", "user.emrfs.version"), "1");
	kit_expect_text(&k, "Imaging/scan.pdf", "half and the rest");
}

TEST(an_empty_file_is_a_record_when_no_download_is_beside_it)
{
	AUTO(kit_close) kit k;

	with_x(&k);
	kit_text(&k, "Imaging/empty", "");
	kit_text(&k, "Imaging/y.part", "half");
	wait_and_run(&k, 2000);
	assert_string_equal(kit_items(&k), "");
	kit_unlink(&k, "Imaging/y.part");
	run(&k);
	assert_string_equal(kit_items(&k), "PUT");
}

TEST(a_file_cut_to_nothing_waits_for_what_comes)
{
	AUTO(kit_close) kit k;

	with_x(&k);
	kit_text(&k, "Imaging/x", "");
	wait_and_run(&k, 5000);
	assert_string_equal(kit_items(&k), "");
	kit_text(&k, "Imaging/x", "two");
	wait_and_run(&k, 1000);
	assert_string_equal(kit_items(&k), "PUT");
	assert_string_equal(kit_attribute(&k, "Imaging/x", "user.emrfs.version"), "2");
	kit_text(&k, "Imaging/x", "");
	wait_and_run(&k, 10000);
	assert_string_equal(kit_items(&k), "PUT");
}

/* Else the publisher would ask again and again. */
TEST(a_name_that_waits_longer_is_not_due_before)
{
	AUTO(kit_close) kit k;
	int64_t due;

	with_x(&k);
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
	AUTO(kit_close) kit k;

	with_x(&k);
	kit_text(&k, "Imaging/1D24AB00", "slice");
	kit_publish(&k);
	assert_string_equal(kit_items(&k), "PUT");
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
	AUTO(kit_close) kit k;

	with_x(&k);
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
	AUTO(kit_close) kit k;
	int64_t waited = 0;

	with_x(&k);
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
	assert_ok(emr_view_flush(writing));
	emr_view_release(writing);
	wait_and_run(&k, 1000);
	assert_string_equal(kit_items(&k), "PUT");
	assert_string_equal(kit_attribute(&k, "Imaging/x", "user.emrfs.version"), "2");
	kit_expect_text(&k, "Imaging/x", "HALF AND HALFrsion");
	kit_close(&k);
}

TESTS(NULL, NULL)
