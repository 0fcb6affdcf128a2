/* These tests are about a ledger that takes only small batches: a share is said again in smaller
 * ones, and all of it. */
#include "story_kit.h"

#include "contract/item.h"
#include "share_private.h"

#define FILES 24

static story s;
static size_t most_items; /* that the ledger takes in one batch; 0: any number */
static unsigned too_large, sent;

WRAPPED(emr_status, emr_ledger_submit, emr_ledger *ledger, emr_bytes batch,
	emr_ledger_answer *out_answer)
{
	bool is_large = most_items > 0 && kit_batch_count(batch) > most_items;

	too_large += is_large;
	sent += !is_large;
	return is_large ? EMR_LIMIT : __real_emr_ledger_submit(ledger, batch, out_answer);
}

static void fill(void)
{
	char path[40];

	story_begin(&s);
	for (int i = 0; i < FILES; i++) {
		snprintf(path, sizeof path, "Imaging/%d.txt", i);
		kit_text(&s.k, path, path);
	}
	kit_settle(&s.k);
}

TEST(what_is_said_again_goes_in_smaller_batches)
{
	uint64_t n = 0, left_out = 0, again = 1;

	fill();
	assert_ok(emr_share_begin_epoch(begins(s.ana), s.imaging));
	most_items = 5;
	too_large = sent = 0;
	assert_ok(share_hide_past(s.ana, s.imaging, &n, &left_out));
	assert_true(n >= FILES);
	assert_int_equal(left_out, 0);
	assert_true(too_large > 0 && too_large < 8); /* halves: what was found out is kept */
	assert_true(sent >= FILES / 5);
	assert_ok(share_hide_past(s.ana, s.imaging, &again, &left_out));
	assert_int_equal(again, 0);
	most_items = 0;
	kit_settle(&s.k);
	kit_expect_text(&s.k, "Imaging/7.txt", "Imaging/7.txt");
	story_end(&s);
}

TESTS(NULL, NULL)
