/* These tests are about names that go away while their folder is shared: what was removed, replaced
 * or renamed away stays so, whoever reads is given nothing of it, and a name shows what was saved
 * last under it. */
#include "story_kit.h"

/* A share that was, and is no more: the next one begins an epoch and wraps all records again. */
static void share_and_take_back(story *s)
{
	emr_grant_made made = story_share(s, &s->lima, 0, true);

	assert_ok(emr_share_revoke(s->ana, s->imaging, made.grant));
}

static emr_status read_by_lima(story *s, emr_id16 grant, const char *name)
{
	EMR_AUTO_BUF bytes = {0};
	emr_share_trouble trouble;

	return story_read(s, &s->lima, grant, name, all_agents, &bytes, &trouble);
}

TEST(what_is_removed_while_its_folder_is_shared_again_stays_removed)
{
	STORY;
	emr_grant_made made;

	share_and_take_back(&s);
	kit_unlink(&s.k, "Imaging/MRI.pdf");
	made = story_share(&s, &s.lima, 0, true);
	kit_settle(&s.k);
	assert_false(kit_exists(&s.k, "Imaging/MRI.pdf"));
	assert_status(EMR_NOT_FOUND, read_by_lima(&s, made.grant, "MRI.pdf"));
	assert_ok(read_by_lima(&s, made.grant, "CT.pdf"));
	kit_restart(&s.k);
	assert_false(kit_exists(&s.k, "Imaging/MRI.pdf"));
}

/* ---- what was removed is given to nobody ---- */

/* Nothing was published since it was removed. */
TEST(what_was_removed_is_in_no_share_that_follows_at_once)
{
	STORY;
	emr_grant_made made;

	kit_unlink(&s.k, "Imaging/MRI.pdf");
	made = story_share(&s, &s.lima, 0, true);
	assert_status(EMR_NOT_FOUND, read_by_lima(&s, made.grant, "MRI.pdf"));
	assert_ok(read_by_lima(&s, made.grant, "CT.pdf"));
}

TEST(what_was_moved_out_is_in_no_share_that_follows_at_once)
{
	STORY;
	emr_grant_made made;

	kit_mkdir(&s.k, "Letters");
	kit_rename(&s.k, "Imaging/Old", "Letters/Old");
	made = story_share(&s, &s.lima, EMR_GRANT_HISTORY, true);
	assert_status(EMR_NOT_FOUND, read_by_lima(&s, made.grant, "CT.pdf"));
	assert_ok(read_by_lima(&s, made.grant, "MRI.pdf"));
	kit_expect_text(&s.k, "Letters/Old/CT.pdf", "%PDF a head");
}

/* Her own computer releases the key, and knows more than the ledger. */
TEST(who_asks_for_what_was_removed_a_moment_ago_gets_no_key)
{
	STORY_READ;
	emr_grant_made made = story_share(&s, &s.lima, 0, false);

	assert_ok(story_read(&s, &s.lima, made.grant, "CT.pdf", owner_answers, &bytes, &trouble));
	kit_unlink(&s.k, "Imaging/MRI.pdf");
	assert_true(story_read(&s, &s.lima, made.grant, "MRI.pdf", owner_answers, &bytes,
			    &trouble) != EMR_OK);
	assert_int_equal(bytes.len, 0);
}

/* ---- while a share is being made ---- */

static story *at_work; /* NULL: nobody */
static int batches_left;
static const char *doomed;

/* Somebody removes DOOMED while a batch is on its way. */
WRAPPED(emr_status, emr_ledger_submit, emr_ledger *ledger, emr_bytes batch, emr_ledger_answer *out)
{
	story *s = at_work;

	if (s != NULL && batches_left-- == 0) {
		at_work = NULL;
		kit_unlink(&s->k, doomed);
	}
	return __real_emr_ledger_submit(ledger, batch, out);
}

/* An epoch and its listing key, the records, the grant. */
TEST(what_is_removed_while_its_folder_is_being_shared_is_not_given)
{
	int n = 0;
	bool is_the_grants = false;

	for (; !is_the_grants; n++) {
		STORY;
		emr_grant_made made;

		share_and_take_back(&s);
		(void)kit_items(&s.k);
		at_work = &s;
		batches_left = n;
		doomed = "Imaging/MRI.pdf";
		made = story_share(&s, &s.lima, 0, true);
		assert_null(at_work);
		is_the_grants = strstr(kit_items(&s.k), "UNLINK") == NULL;
		if (is_the_grants) /* it was on its way already, and is overtaken */
			kit_publish(&s.k);
		assert_status(EMR_NOT_FOUND, read_by_lima(&s, made.grant, "MRI.pdf"));
		kit_settle(&s.k);
		assert_false(kit_exists(&s.k, doomed));
		assert_ok(read_by_lima(&s, made.grant, "CT.pdf"));
	}
	assert_true(n > 2);
}

TESTS(NULL, NULL)
