/* These tests are about folders in a folder that takes files alone: dr lima sees them, and Ana gets
 * their files. */
#include "share/write.h"

#include "deposit_kit.h"
#include "deposits.h"
#include "foreign_kit.h"
#include "tree.h"

static story s;
static viewer v;
static emr_id16 grant;

/* FOLDER_OF_HERS: Imaging, as any folder may be; else her Inbox. */
static void begin(bool is_inbox)
{
	emr_grant_order order = {.writes = EMR_WRITES_DEPOSIT};
	emr_grant_made made;

	story_begin(&s);
	kit_wait_for_noon(&s.k);
	assert_ok(emr_store_index_now(s.k.stack.store));
	viewer_open(&v, &s, &s.lima, "lima-folder", CONSULT);
	if (is_inbox)
		assert_ok(domains_inbox(s.k.view, &s.imaging));
	order.not_after_unix_s = story_now(&s) + 7 * DAY;
	assert_ok(story_try_share(&s, &s.lima, &order, false, &made));
	grant = made.grant;
	viewer_run(&v, NULL, 0);
	viewer_learn_owner(&v);
}

static void end(void)
{
	viewer_close(&v);
	story_end(&s);
}

static void leave(void)
{
	for (int i = 0; i < 3; i++)
		writer_exchange(&v);
	assert_int_equal(writer_pending(&v), 0);
}

/* Lima's own, below the folder that he may leave things in. */
static void make(const char *inside)
{
	assert_ok(writer_try_mkdir(&v, inside));
}

TEST(a_name_that_would_be_too_long_keeps_its_end)
{
	char outer[200], inner[400], scan[700];

	begin(false);
	(void)snprintf(outer, sizeof outer, "Imaging/%0100d", 1);
	(void)snprintf(inner, sizeof inner, "%s/%0100d", outer, 2);
	(void)snprintf(scan, sizeof scan, "%s/%0100d.dcm", inner, 3);
	make(outer);
	make(inner);
	writer_put(&v, scan, "DICM");
	leave();
	kit_expect_text(&s.k, printed("Imaging/%0100d - %0100d.dcm", 2, 3), "DICM");
	end();
}

TEST(a_folder_outlives_a_restart_and_goes_when_nobody_needs_it)
{
	begin(false);
	make("Imaging/Series");
	writer_put(&v, "Imaging/Series/IM1.dcm", "DICM one");
	writer_reopen(&v);
	viewer_run(&v, owner_answers, 2);
	assert_string_equal(writer_list(&v, "Imaging"), "Series");
	assert_int_equal(writer_pending(&v), 1);
	leave();
	kit_expect_text(&s.k, "Imaging/Series - IM1.dcm", "DICM one");
	assert_string_equal(writer_list(&v, "Imaging"), "Series");
	writer_reopen(&v);
	kit_wait_ms(&s.k, 600 * 1000);
	viewer_run(&v, owner_answers, 2);
	assert_string_equal(writer_list(&v, "Imaging"), "");
	writer_reopen(&v);
	viewer_run(&v, owner_answers, 2);
	assert_string_equal(writer_list(&v, "Imaging"), "");
	end();
}

TEST(what_is_moved_before_it_is_sent_has_the_name_of_where_it_lies_then)
{
	begin(false);
	make("Imaging/New folder");
	writer_put(&v, "Imaging/New folder/IM1.dcm", "DICM one");
	writer_put(&v, "Imaging/New folder/IM2.dcm", "DICM two");
	assert_ok(writer_try_rename(&v, "Imaging/New folder", "Imaging/Knee"));
	assert_ok(writer_try_rename(&v, "Imaging/Knee/IM2.dcm", "Imaging/IM2.dcm"));
	leave();
	kit_expect_text(&s.k, "Imaging/Knee - IM1.dcm", "DICM one");
	kit_expect_text(&s.k, "Imaging/IM2.dcm", "DICM two");
	assert_ok(writer_try_rmdir(&v, "Imaging/Knee"));
	assert_string_equal(writer_list(&v, "Imaging"), "");
	writer_reopen(&v);
	viewer_run(&v, owner_answers, 2);
	assert_string_equal(writer_list(&v, "Imaging"), "");
	end();
}

TEST(what_was_not_sent_when_the_right_ends_is_kept_and_the_folder_goes)
{
	const char *folder;
	char path[300];

	begin(false);
	make("Imaging/Series");
	writer_put(&v, "Imaging/Series/IM1.dcm", "DICM one");
	assert_ok(emr_share_revoke(begins(s.ana), s.imaging, grant));
	viewer_run(&v, NULL, 3);
	folder = strstr(viewer_list(&v, "", NULL), "Imaging (not sent to ");
	assert_non_null(folder);
	(void)snprintf(
		path, sizeof path, "%.*s/IM1.dcm", (int)(strchr(folder, ')') + 1 - folder), folder);
	assert_string_equal(viewer_text(&v, path, NULL), "DICM one");
	kit_publish_all(&s.k);
	assert_false(kit_exists(&s.k, "Imaging/Series - IM1.dcm"));
	end();
}

TESTS(NULL, NULL)
