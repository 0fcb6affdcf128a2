/* These tests are about a ledger that takes only small batches, and some changes never: a change
 * that fits goes there, one that does not is told by name, and nothing waits for it. */
#include "share/give.h"
#include "view_kit.h"

#define FILES 24

/* The limit of the ledger, and the batches that it was asked for. */
static struct {
	size_t most_items; /* 0: any number */
	size_t most_bytes; /* 0: any size */
	bool is_away;
	bool is_spent; /* it takes no more today */
	unsigned refused;
	size_t last_bytes; /* of the last batch that it was asked to take */
} narrow;

WRAPPED(emr_status, emr_ledger_submit, emr_ledger *ledger, emr_bytes batch,
	emr_ledger_answer *out_answer)
{
	bool is_large = (narrow.most_items > 0 && kit_batch_count(batch) > narrow.most_items) ||
			(narrow.most_bytes > 0 && batch.len > narrow.most_bytes);

	if (narrow.is_away)
		return EMR_TIMEOUT;
	if (narrow.is_spent)
		return EMR_BYTES_SPENT;
	narrow.last_bytes = batch.len;
	if (!is_large)
		return __real_emr_ledger_submit(ledger, batch, out_answer);
	narrow.refused++;
	return EMR_LIMIT;
}

static const char *name_of(int i)
{
	static char path[32];

	snprintf(path, sizeof path, "Imaging/%02d", i);
	return path;
}

static void write_files(kit *k)
{
	narrow.most_items = narrow.most_bytes = narrow.refused = 0;
	narrow.is_away = false;
	kit_open(k);
	kit_mkdir(k, "Imaging");
	kit_publish_all(k);
	for (int i = 0; i < FILES; i++)
		kit_text(k, name_of(i), "a slice");
}

static const char *state_of(kit *k, int i)
{
	return kit_attribute(k, name_of(i), "user.emrfs.state");
}

static void expect_confirmed(kit *k)
{
	for (int i = 0; i < FILES; i++)
		assert_string_equal(state_of(k, i), "confirmed 1/1");
}

/* ---- a key that the ledger does not take ---- */

static emr_status renewal;
static unsigned renewals;

WRAPPED(emr_status, emr_share_renew, emr_share *share, emr_id16 domain)
{
	(void)share;
	(void)domain;
	renewals++;
	return renewal;
}

static unsigned told_of_former_key;

static void hear(void *arg, const char *id, const char *path)
{
	(void)arg;
	if (strcmp(id, "former-key") != 0)
		return;
	assert_string_equal(path, "Imaging");
	told_of_former_key++;
}

static void save(kit *k, const char *text)
{
	kit_save(k, "Imaging/note", text);
	assert_int_equal(
		strncmp(kit_attribute(k, "Imaging/note", "user.emrfs.state"), "confirmed", 9), 0);
}

TEST(who_saves_under_a_former_key_hears_of_it_once)
{
	SCENE(kit, k, kit_open, kit_close);
	k.options.notice = hear;
	kit_restart(&k);
	kit_mkdir(&k, "Imaging");
	save(&k, "one");
	assert_int_equal(told_of_former_key, 0);
	renewal = EMR_REFUSED;
	renewals = 0;
	save(&k, "two");
	assert_int_equal(told_of_former_key, 1);
	save(&k, "three");
	assert_int_equal(told_of_former_key, 1);
	assert_true(renewals >= 2); /* tried with each */
	renewal = EMR_OK;
	save(&k, "four");
	renewal = EMR_REFUSED;
	save(&k, "five");
	assert_int_equal(told_of_former_key, 2);
	renewal = EMR_OK;
}

/* Somebody is quicker each time: nothing is saved meanwhile for whom the former key opens. */
TEST(who_is_outrun_saves_later_and_not_under_the_former_key)
{
	SCENE(kit, k, kit_open, kit_close);
	k.options.notice = hear;
	kit_restart(&k);
	kit_mkdir(&k, "Imaging");
	save(&k, "one");
	told_of_former_key = 0;
	renewal = EMR_CONFLICT;
	renewals = 0;
	kit_text(&k, "Imaging/note", "two");
	assert_status(EMR_BUSY, emr_view_publish_now(k.view));
	assert_true(renewals > 1);
	assert_string_equal(kit_attribute(&k, "Imaging/note", "user.emrfs.state"), "pending");
	assert_int_equal(told_of_former_key, 0);
	renewal = EMR_OK;
	kit_wait_ms(&k, 600000);
	save(&k, "three");
}

static unsigned told_of_spent;

static void hear_spent(void *arg, const char *id, const char *path)
{
	(void)arg;
	(void)path;
	told_of_spent += strcmp(id, "bytes-spent") == 0;
}

TEST(what_is_more_than_a_day_takes_waits_and_is_told_once)
{
	AUTO(kit_close) kit k;

	write_files(&k);
	kit_publish_all(&k);
	k.options.notice = hear_spent;
	kit_restart(&k);
	told_of_spent = 0;
	kit_text(&k, name_of(0), "another");
	narrow.is_spent = true;
	for (int i = 0; i < 3; i++) {
		kit_wait_ms(&k, 60000);
		assert_status(EMR_BYTES_SPENT, emr_view_publish_now(k.view));
		assert_string_equal(state_of(&k, 0), "pending");
	}
	kit_text(&k, name_of(1), "another, too");
	kit_wait_ms(&k, 60000);
	assert_status(EMR_BYTES_SPENT, emr_view_publish_now(k.view));
	assert_int_equal(told_of_spent, 1);
	narrow.is_spent = false;
	kit_publish_all(&k);
	expect_confirmed(&k);
	kit_expect_text(&k, name_of(0), "another");
	kit_expect_text(&k, name_of(1), "another, too");
	kit_restart_and_compare(&k);
}

TEST(a_ledger_that_calls_everything_too_large_for_a_while_gets_large_batches_again)
{
	AUTO(kit_close) kit k;
	unsigned refused;

	write_files(&k);
	narrow.most_items = 1;
	narrow.most_bytes = 100;
	(void)emr_view_publish_now(k.view);
	for (int i = 0; i < FILES; i++)
		assert_string_equal(state_of(&k, i), "failed limit");
	narrow.most_items = narrow.most_bytes = 0;
	refused = narrow.refused;
	(void)kit_items(&k);
	kit_publish_all(&k);
	expect_confirmed(&k);
	assert_int_equal(narrow.refused, refused);
	kit_restart_and_compare(&k);
}

TESTS(NULL, NULL)
