/* These tests show that a database and the logs that a program keeps beside it reach the ledger
 * together, so that nobody reads older rows or half a change. */
#include "view_kit.h"

#include "publish.h"

static uint64_t entries(kit *k)
{
	uint64_t n;

	assert_ok(emr_ledger_size(k->stack.ledger, &n));
	return n;
}

/* One run that sends ITEMS, in so many batches. */
static void sends(kit *k, int64_t ms, const char *items, unsigned batches)
{
	uint64_t before = entries(k);

	kit_wait_ms(k, ms);
	assert_ok(publish_run(k->view, false));
	assert_string_equal(kit_items(k), items);
	assert_int_equal(entries(k) - before, batches);
}

/* "Meds/plan.db" is on the ledger, and the clock stands still. */
static void with_plan(kit *k)
{
	kit_open(k);
	kit_mkdir(k, "Meds");
	kit_text(k, "Meds/plan.db", "warfarin 5 mg");
	kit_wait_ms(k, 1000);
	assert_ok(publish_run(k->view, false));
	(void)kit_items(k);
	kit_wait_ms(k, 1000);
}

TEST(a_log_goes_with_its_database_in_one_batch_and_after_a_moment)
{
	SCENE(kit, k, with_plan, kit_close);
	kit_text(&k, "Meds/plan.db-wal", "STOP warfarin");
	kit_text(&k, "Meds/plan.db", "half of it");
	kit_text(&k, "Meds/letter.txt", "and others beside");
	sends(&k, 200, "PUT PUT PUT", 2);
	assert_string_equal(
		kit_attribute(&k, "Meds/plan.db-wal", "user.emrfs.state"), "confirmed 1/1");
	kit_restart_and_compare(&k);
}

TEST(a_log_alone_goes_as_soon_when_its_database_is_there)
{
	SCENE(kit, k, with_plan, kit_close);
	kit_text(&k, "Meds/plan.db-journal", "5 mg");
	sends(&k, 200, "PUT", 1);
	kit_text(&k, "Meds/of nothing.db-journal", "a diary");
	sends(&k, 9900, "", 0);
	sends(&k, 100, "PUT", 1);
}

TEST(an_empty_log_that_nobody_has_seen_stays_here)
{
	SCENE(kit, k, with_plan, kit_close);
	kit_text(&k, "Meds/plan.db-wal", "");
	kit_text(&k, "Meds/plan.db", "two");
	sends(&k, 200, "PUT", 1);
	sends(&k, 60000, "", 0);
	assert_string_equal(kit_attribute(&k, "Meds/plan.db-wal", "user.emrfs.state"), "local");
}

/* A checkpoint: the rows are in the database now, and nobody may have it without that. */
TEST(the_end_of_a_log_goes_with_what_came_from_it)
{
	SCENE(kit, k, with_plan, kit_close);
	kit_text(&k, "Meds/plan.db-wal", "STOP warfarin");
	sends(&k, 200, "PUT", 1);
	kit_wait_ms(&k, 1000);
	kit_text(&k, "Meds/plan.db", "STOP warfarin");
	kit_unlink(&k, "Meds/plan.db-wal");
	sends(&k, 200, "PUT UNLINK", 1);
	kit_text(&k, "Meds/plan.db-wal", "metformin");
	kit_wait_ms(&k, 1000);
	sends(&k, 200, "PUT", 1);
	kit_text(&k, "Meds/plan.db", "STOP warfarin, metformin");
	kit_text(&k, "Meds/plan.db-wal", "");
	kit_wait_ms(&k, 1000);
	sends(&k, 200, "PUT PUT", 1);
}

TEST(a_program_that_has_the_log_open_holds_the_database_back_and_nothing_else)
{
	emr_handle *log;

	SCENE(kit, k, with_plan, kit_close);
	kit_text(&k, "Meds/plan.db-wal", "STOP");
	log = kit_open_file(&k, "Meds/plan.db-wal", O_RDWR);
	kit_text(&k, "Meds/plan.db", "half of it");
	kit_text(&k, "Meds/letter.txt", "a letter");
	sends(&k, 2000, "PUT", 1);
	assert_string_equal(kit_attribute(&k, "Meds/plan.db", "user.emrfs.state"), "pending");
	erase_look_back(k.view); /* as the publishing thread does once */
	pthread_mutex_lock(&k.view->lock);
	assert_true(publish_due(k.view) > k.clock.boot_ns + INT64_C(1000000000));
	pthread_mutex_unlock(&k.view->lock);
	assert_ok(emr_view_write(log, 4, emr_bytes_of(" warfarin", 9)));
	emr_view_release(log);
	sends(&k, 1000, "PUT PUT", 1);
}

/* More changes than one batch takes. */
TEST(a_database_is_in_one_batch_among_a_thousand_files)
{
	uint64_t before;

	SCENE(kit, k, with_plan, kit_close);
	for (int i = 0; i < 1000; i++)
		kit_text(&k, printed("Meds/%d", i), "one");
	for (int i = 0; i < 3; i++) {
		kit_text(&k, printed("Meds/%d.db", i), "rows");
		kit_text(&k, printed("Meds/%d.db-wal", i), "newer rows");
	}
	kit_wait_ms(&k, 1000);
	before = entries(&k);
	assert_ok(publish_run(k.view, false));
	assert_true(entries(&k) - before >= 5);
	for (int i = 0; i < 3; i++) {
		char *of_log =
			strdup(kit_attribute(&k, printed("Meds/%d.db-wal", i), "user.emrfs.tx"));

		assert_string_equal(
			of_log, kit_attribute(&k, printed("Meds/%d.db", i), "user.emrfs.tx"));
		free(of_log);
	}
}

TEST(a_database_that_is_renamed_with_its_log_stays_with_it)
{
	SCENE(kit, k, with_plan, kit_close);
	kit_text(&k, "Meds/plan.db-wal", "STOP warfarin");
	sends(&k, 200, "PUT", 1);
	kit_wait_ms(&k, 1000);
	kit_rename(&k, "Meds/plan.db", "Meds/old.db");
	kit_rename(&k, "Meds/plan.db-wal", "Meds/old.db-wal");
	sends(&k, 1000, "META META", 1);
}

TESTS(NULL, NULL)
