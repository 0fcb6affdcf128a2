/* These tests are about names that go away while their folder is shared: what was removed, replaced
 * or renamed away stays so, whoever reads is given nothing of it, and a name shows what was saved
 * last under it. Undoing a deletion shows nothing to anybody new. */
#include "story_kit.h"

#include "node.h"
#include "view/giving.h"

/* A share that was, and is no more: the next one begins an epoch and wraps all records again. */
static void share_and_take_back(story *s)
{
	emr_grant_made made = story_share(s, &s->lima, 0, true);

	assert_ok(emr_share_revoke(begins(s->ana), s->imaging, made.grant));
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
	made = story_share(&s, &s.lima, 0, true);
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

/* Somebody removes MRI.pdf while a batch is on its way. */
WRAPPED(emr_status, emr_ledger_submit, emr_ledger *ledger, emr_bytes batch, emr_ledger_answer *out)
{
	story *s = at_work;

	if (s != NULL && batches_left-- == 0) {
		at_work = NULL;
		kit_unlink(&s->k, "Imaging/MRI.pdf");
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
		made = story_share(&s, &s.lima, 0, true);
		assert_null(at_work);
		is_the_grants = strstr(kit_items(&s.k), "UNLINK") == NULL;
		if (is_the_grants) /* it was on its way already, and is overtaken */
			kit_publish(&s.k);
		assert_status(EMR_NOT_FOUND, read_by_lima(&s, made.grant, "MRI.pdf"));
		kit_settle(&s.k);
		assert_false(kit_exists(&s.k, "Imaging/MRI.pdf"));
		assert_ok(read_by_lima(&s, made.grant, "CT.pdf"));
	}
	assert_true(n > 2);
}

/* ---- undo ---- */

static size_t would_see; /* how many people a refused rename named last */

static void count_people(void *arg, const char *from, const char *to, emr_bytes ids)
{
	(void)arg, (void)from, (void)to;
	would_see = ids.len / sizeof(emr_id32);
}

/* Imaging is shared, a rename that would share is refused, and there is a trash. */
static void begin_undo(story *s)
{
	static const emr_giving giving = {.would_share = count_people};

	(void)story_share(s, &s->lima, 0, true);
	s->k.view->options.giving = &giving;
	kit_mkdir(&s->k, ".Trash-0");
	kit_mkdir(&s->k, ".Trash-0/files");
	story_pass(s, 60);
	would_see = 0;
}

static emr_status try_rename(kit *k, const char *from, const char *to)
{
	const char *a, *b;
	const uint64_t from_dir = kit_parent(k, from, &a), to_dir = kit_parent(k, to, &b);

	return emr_view_rename(k->view, from_dir, a, to_dir, b, 0);
}

/* At once, when the ledger has the removal, and when the folder was closed in between. */
TEST(what_was_thrown_away_comes_back_to_a_shared_folder)
{
	for (int how = 0; how < 3; how++) {
		STORY;

		begin_undo(&s);
		kit_rename(&s.k, "Imaging/MRI.pdf", ".Trash-0/files/MRI.pdf");
		kit_rename(&s.k, "Imaging/Old", ".Trash-0/files/Old");
		if (how > 0)
			kit_settle(&s.k);
		if (how > 1) {
			const emr_giving *giving = s.k.view->options.giving;

			story_restart(&s);
			s.k.view->options.giving = giving;
		}
		assert_ok(try_rename(&s.k, ".Trash-0/files/MRI.pdf", "Imaging/MRI.pdf"));
		assert_ok(try_rename(&s.k, ".Trash-0/files/Old", "Imaging/Old"));
		kit_settle(&s.k);
		kit_expect_text(&s.k, "Imaging/MRI.pdf", "%PDF a knee");
		kit_expect_text(&s.k, "Imaging/Old/CT.pdf", "%PDF a head");
		assert_int_equal(would_see, 0);
	}
}

TEST(what_was_changed_in_the_trash_or_came_from_elsewhere_is_refused_as_before)
{
	STORY;

	begin_undo(&s);
	kit_mkdir(&s.k, "Letters");
	kit_text(&s.k, "Letters/MRI.pdf", "of another folder");
	kit_save(&s.k, "Letters/new", "of no shared folder");
	kit_rename(&s.k, "Imaging/MRI.pdf", ".Trash-0/files/MRI.pdf");
	kit_rename(&s.k, "Imaging/Old", ".Trash-0/files/Old");
	kit_rename(&s.k, "Letters/MRI.pdf", ".Trash-0/files/theirs");
	kit_settle(&s.k);
	kit_text(&s.k, ".Trash-0/files/MRI.pdf", "other bytes");
	kit_text(&s.k, ".Trash-0/files/Old/note", "put into it");
	for (int again = 0; again < 2; again++) {
		assert_status(EMR_WOULD_SHARE,
			try_rename(&s.k, ".Trash-0/files/MRI.pdf", "Imaging/MRI.pdf"));
		assert_status(
			EMR_WOULD_SHARE, try_rename(&s.k, ".Trash-0/files/Old", "Imaging/Old"));
		assert_status(
			EMR_WOULD_SHARE, try_rename(&s.k, ".Trash-0/files/theirs", "Imaging/x"));
		assert_status(EMR_WOULD_SHARE, try_rename(&s.k, "Letters/new", "Imaging/new"));
		assert_int_equal(would_see, 1);
		kit_settle(&s.k);
	}
}

/* Eve was let in while it lay in the trash: she never saw it. */
TEST(what_was_thrown_away_before_somebody_was_let_in_is_not_shown_by_undoing)
{
	STORY;

	begin_undo(&s);
	kit_rename(&s.k, "Imaging/MRI.pdf", ".Trash-0/files/MRI.pdf");
	kit_settle(&s.k);
	(void)story_share(&s, &s.eve, 0, true);
	assert_status(
		EMR_WOULD_SHARE, try_rename(&s.k, ".Trash-0/files/MRI.pdf", "Imaging/MRI.pdf"));
	assert_int_equal(would_see, 1); /* and Lima is none of them */
}

TESTS(NULL, NULL)
