/* These tests show how access ends: what a person who had it can still do, at every stage, and
 * which people notice nothing. */
#include "story_kit.h"

#include "contract/codes.h"

#include "agency.h"
#include "shared_private.h"

AUTO_OF(emr_ask_free, emr_ask *)
AUTO_OF(emr_shared_free, emr_shared *)

static void expect_bytes(const emr_buf *bytes, const char *text)
{
	assert_int_equal(bytes->len, strlen(text));
	assert_memory_equal(bytes->data, text, bytes->len);
}

/* Lima's share is open, and she is about to ask for a file. */
#define LIMA_READS                                                                                 \
	STORY_READ;                                                                                \
	emr_grant_made made = story_share(&s, &s.lima, 0, true);                                   \
	AUTO(auto_emr_shared_free)                                                                 \
	emr_shared *shared = story_opened(&s, &s.lima, made.grant, all_agents);                    \
	story_found mri = story_find(shared, "MRI.pdf")

/* The share ends in a hundred seconds. */
static emr_shared *open_for_100_s(story *s)
{
	emr_grant_order order = {
		.rights = 3, .purposes = 1, .not_after_unix_s = story_now(s) + 100};
	emr_grant_made made;

	assert_ok(story_try_share(s, &s->lima, &order, true, &made));
	return story_opened(s, &s->lima, made.grant, all_agents);
}

/* ---- every stage refuses ---- */

TEST(the_ledger_refuses_who_has_not_seen_the_end)
{
	LIMA_READS;
	emr_ask *ask = NULL;

	assert_ok(emr_share_revoke(begins(s.ana), s.imaging, made.grant));
	/* Lima's own copy does not know yet, so her program asks; */
	assert_status(EMR_DENIED, emr_shared_ask_records(shared, &mri.object, 1, &ask, &trouble));
	assert_null(ask);
	assert_int_equal(trouble.why, EMR_WHY_LEDGER);
	assert_int_equal(trouble.code, EMR_RESULT_GRANT_DEAD);
	/* and now it does: the keys are gone. */
	assert_status(EMR_DENIED, emr_shared_check(shared, &trouble));
	assert_int_equal(trouble.why, EMR_WHY_REVOKED);
	assert_int_equal(emr_shared_names_held(shared), 0);
}

TEST(agents_and_owner_refuse_what_ended_after_the_question)
{
	LIMA_READS;
	AUTO(auto_emr_ask_free) emr_ask *ask = NULL;

	(void)story_owner(&s); /* the question about names */
	assert_ok(emr_shared_ask_records(shared, &mri.object, 1, &ask, &trouble));
	assert_ok(emr_share_revoke(begins(s.ana), s.imaging, made.grant));
	assert_int_equal(story_owner(&s).refused, 1);
	for (int i = 0; i < AGENTS; i++)
		assert_int_equal(story_agent(&s, i).answered, 0);
	assert_status(EMR_DENIED, ask_wait(s.lima.replica, ask, 0, &trouble));
	assert_int_equal(trouble.why, EMR_WHY_REVOKED);
}

/* The ledger's time was right when the question was asked; the agents' clocks go on. */
TEST(agents_look_at_their_own_clock)
{
	STORY_READ;
	AUTO(auto_emr_shared_free) emr_shared *shared = open_for_100_s(&s);
	story_found mri = story_find(shared, "MRI.pdf");
	AUTO(auto_emr_ask_free) emr_ask *ask = NULL;

	assert_ok(emr_shared_ask_records(shared, &mri.object, 1, &ask, &trouble));
	story_pass(&s, 100);
	for (int i = 0; i < AGENTS; i++)
		assert_int_equal(story_agent(&s, i).answered, 0);
	assert_status(EMR_DENIED, ask_wait(s.lima.replica, ask, 0, &trouble));
	assert_int_equal(trouble.why, EMR_WHY_EXPIRED);
}

/* The grant is over, and the reader's computer says that it is not: the embedded ledger takes its
 * word for the time (one wrong clock must not age everybody's grants), so the question stands
 * there; agents and owner look at their own clocks and refuse. */
TEST(a_reader_who_sets_his_clock_back_is_refused_by_the_clocks_of_others)
{
	STORY_READ;
	AUTO(auto_emr_shared_free) emr_shared *shared = open_for_100_s(&s);
	story_found mri = story_find(shared, "MRI.pdf");
	AUTO(auto_emr_ask_free) emr_ask *ask = NULL;

	story_pass(&s, 200);
	s.k.clock.unix_ns -= INT64_C(150000000000);
	assert_ok(emr_shared_ask_records(shared, &mri.object, 1, &ask, &trouble));
	s.k.clock.unix_ns += INT64_C(150000000000);
	for (int i = 0; i < AGENTS; i++)
		assert_int_equal(story_agent(&s, i).answered, 0);
	assert_int_equal(story_owner(&s).answered, 0);
	assert_status(EMR_DENIED, ask_wait(s.lima.replica, ask, 0, &trouble));
	assert_int_equal(trouble.why, EMR_WHY_EXPIRED);
	assert_false(emr_shared_has_key(shared, mri.object, mri.pversion));
}

/* A program that lies to itself about the purpose gets no further than the agents. */
TEST(a_purpose_that_was_not_granted_is_refused_by_whoever_releases)
{
	LIMA_READS;
	AUTO(auto_emr_ask_free) emr_ask *ask = NULL;

	(void)story_owner(&s);
	shared->purpose = RESEARCH;
	assert_ok(emr_shared_ask_records(shared, &mri.object, 1, &ask, &trouble));
	assert_int_equal(story_owner(&s).refused, 1);
	story_agents(&s, 7);
	assert_status(EMR_DENIED, ask_wait(s.lima.replica, ask, 0, &trouble));
	assert_int_equal(trouble.why, EMR_WHY_REFUSED);
	assert_int_equal(trouble.code, EMR_RESULT_RULES);
}

TEST(another_persons_question_is_not_accepted)
{
	LIMA_READS;
	emr_ask *ask = NULL;

	story_see(&s.eve);
	shared->share = s.eve.share; /* everything lima knows, under eve's key */
	assert_status(EMR_DENIED, emr_shared_ask_records(shared, &mri.object, 1, &ask, &trouble));
	assert_int_equal(trouble.code, EMR_RESULT_NOT_GRANTEE);
	assert_null(ask);
}

TEST(too_much_in_a_day_is_refused)
{
	STORY_READ;
	emr_grant_made made = story_share(&s, &s.lima, 0, false);
	emr_status status = EMR_OK;

	story_rules(&s, "slots-a-day = 3\n");
	for (int i = 0; i < 2 && status == EMR_OK; i++) /* two slots each: names, and one record */
		status = story_read(
			&s, &s.lima, made.grant, "CT.pdf", owner_answers, &bytes, &trouble);
	assert_status(EMR_DENIED, status);
	assert_int_equal(trouble.code, EMR_RESULT_LIMIT);
	story_pass(&s, DAY);
	assert_ok(story_read(&s, &s.lima, made.grant, "CT.pdf", owner_answers, &bytes, &trouble));
}

TEST(what_the_members_agree_on_limits_what_is_released_in_a_day)
{
	STORY_READ;
	emr_grant_made made = story_share(&s, &s.lima, 0, false);
	emr_status status = EMR_OK;

	story_rules(&s, "# for a trial\nslots-a-day = 3\n");
	for (int i = 0; i < 2 && status == EMR_OK; i++)
		status = story_read(
			&s, &s.lima, made.grant, "CT.pdf", owner_answers, &bytes, &trouble);
	assert_status(EMR_DENIED, status);
	assert_int_equal(trouble.code, EMR_RESULT_LIMIT);
	story_rules(&s, "slots-a-day = 300\n");
	assert_ok(story_read(&s, &s.lima, made.grant, "CT.pdf", owner_answers, &bytes, &trouble));
}

TEST(what_the_members_agree_on_keeps_a_record_from_the_ledger_until_it_has_its_copies)
{
	SCENE(story, s, story_begin, story_end);
	story_rules(&s, "copies-before-register = 2\n");
	kit_publish(&s.k); /* what the members agreed on comes with the ledger */
	(void)kit_items(&s.k);
	kit_text(&s.k, "Imaging/new.txt", "of which there is one copy");
	kit_publish(&s.k);
	assert_string_equal(
		kit_attribute(&s.k, "Imaging/new.txt", "user.emrfs.state"), "pending 1/2");
	assert_string_equal(kit_items(&s.k), "");
	kit_restart(&s.k);
	kit_publish(&s.k);
	assert_string_equal(
		kit_attribute(&s.k, "Imaging/new.txt", "user.emrfs.state"), "pending 1/2");
	assert_string_equal(kit_items(&s.k), "");
	story_rules(&s, "copies-before-register = 1\n");
	kit_publish(&s.k); /* hears of it, and sends what waited */
	assert_string_equal(
		kit_attribute(&s.k, "Imaging/new.txt", "user.emrfs.state"), "confirmed 1/1");
	kit_expect_text(&s.k, "Imaging/new.txt", "of which there is one copy");
}

/* ---- epochs ---- */

/* Returns the fragment that two agents have kept although they should not. */
static emr_fragment *kept_fragment(story *s, int i, emr_id16 grant)
{
	char name[FRAGMENT_NAME_BYTES];
	AUTO_GRANT_FACTS facts = {0};
	emr_fragment *fragment = NULL;
	emr_row_domain row;

	agency_fragment_name(s->imaging, grant, 1, name);
	assert_ok(share_grant_facts(s->agents[i].share, s->imaging, grant, &facts));
	assert_ok(share_domain(s->agents[i].share, s->imaging, &row));
	assert_ok(agency_fetch(
		s->agencies[i], name, row.owner_pk, &facts.terms, row.A, facts.read.B, &fragment));
	return fragment;
}

static emr_status convert(story *s, const emr_fragment *fragment, emr_id16 object, uint64_t version)
{
	emr_access_slot slot = {
		.object_id = object, .version = version, .kind = EMR_CAPSULE_CONTENT};
	uint8_t cfrag[EMR_PRE_CFRAG_BYTES];
	capsule_facts capsule;

	assert_ok(share_capsule(s->ana, s->imaging, &slot, &capsule));
	return emr_fragment_convert(
		fragment, capsule.ctx, capsule.capsule, emr_id32_random(), cfrag);
}

TEST(a_new_epoch_ends_what_kept_fragments_can_do)
{
	STORY_READ;
	emr_grant_made made = story_share(&s, &s.lima, 0, true);
	emr_grant_made eves = story_share(&s, &s.eve, 0, true);
	emr_fragment *kept[2];
	emr_shared *shared;
	story_found mri, later;
	size_t held;

	story_agents(&s, 7);
	for (int i = 0; i < 2; i++)
		kept[i] = kept_fragment(&s, i, made.grant);
	assert_false(story_is_due(&s, s.imaging));
	assert_ok(emr_share_revoke(begins(s.ana), s.imaging, made.grant));
	story_agents(&s, 7);
	assert_ok(emr_agency_count(s.agencies[0], &held));
	assert_int_equal(held, 1); /* eve's */
	assert_true(story_is_due(&s, s.imaging));
	/* Nobody has to ask for it: ana's next save does it. */
	kit_save(&s.k, "Imaging/later.txt", "after the end");
	assert_false(story_is_due(&s, s.imaging));
	/* Eve notices nothing, */
	assert_ok(story_read(&s, &s.eve, eves.grant, "later.txt", all_agents, &bytes, &trouble));
	expect_bytes(&bytes, "after the end");
	assert_ok(story_read(&s, &s.eve, eves.grant, "MRI.pdf", all_agents, &bytes, &trouble));
	expect_bytes(&bytes, "%PDF a knee");
	shared = story_opened(&s, &s.eve, eves.grant, all_agents);
	mri = story_find(shared, "MRI.pdf");
	later = story_find(shared, "later.txt");
	emr_shared_free(shared);
	/* lima gets nothing from honest agents, and with those who kept theirs only what was there.
	 */
	assert_status(EMR_DENIED,
		story_read(&s, &s.lima, made.grant, "later.txt", all_agents, &bytes, &trouble));
	for (int i = 0; i < 2; i++) {
		assert_ok(convert(&s, kept[i], mri.object, mri.pversion));
		assert_status(EMR_DAMAGED, convert(&s, kept[i], later.object, later.pversion));
		emr_fragment_free(kept[i]);
	}
}

/* A batch that waits was sealed before the end, and comes onto the ledger after it. */
TEST(what_waits_for_copies_when_an_access_ends_is_saved_under_the_new_key)
{
	STORY_READ;
	emr_grant_made made = story_share(&s, &s.lima, 0, true);
	emr_grant_made eves = story_share(&s, &s.eve, 0, true);
	emr_fragment *kept;
	emr_shared *shared;
	story_found later;

	story_agents(&s, 7);
	kept = kept_fragment(&s, 0, made.grant);
	story_rules(&s, "copies-before-register = 2\n");
	kit_publish(&s.k);
	kit_text(&s.k, "Imaging/later.txt", "while she could read");
	kit_publish(&s.k);
	assert_string_equal(
		kit_attribute(&s.k, "Imaging/later.txt", "user.emrfs.state"), "pending 1/2");
	assert_ok(emr_share_revoke(begins(s.ana), s.imaging, made.grant));
	story_agents(&s, 7);
	story_rules(&s, "copies-before-register = 1\n");
	kit_publish_all(&s.k);
	story_agents(&s, 7);
	shared = story_opened(&s, &s.eve, eves.grant, all_agents);
	later = story_find(shared, "later.txt");
	emr_shared_free(shared);
	assert_status(EMR_DAMAGED, convert(&s, kept, later.object, later.pversion));
	emr_fragment_free(kept);
}

TEST(an_end_by_time_calls_for_a_new_epoch_too)
{
	STORY_READ;
	emr_row_domain before, after;

	(void)story_share(&s, &s.lima, 0, true);
	assert_ok(share_domain(s.ana, s.imaging, &before));
	assert_ok(emr_share_renew(begins(s.ana), s.imaging));
	assert_ok(share_domain(s.ana, s.imaging, &after));
	assert_int_equal(after.head.epoch, before.head.epoch);
	story_pass(&s, 7 * DAY);
	assert_true(story_is_due(&s, s.imaging));
	assert_ok(emr_share_renew(begins(s.ana), s.imaging));
	assert_ok(emr_share_renew(begins(s.ana), s.imaging));
	assert_ok(share_domain(s.ana, s.imaging, &after));
	assert_int_equal(after.head.epoch, before.head.epoch + 1);
	assert_ok(emr_share_renew(
		begins(s.ana), emr_id16_random())); /* not there yet: nothing to do */
}

/* ---- the past ---- */

static void have_a_past(story *s)
{
	kit_text(&s->k, "Imaging/MRI.pdf", "%PDF the other knee");
	kit_save(&s->k, "Imaging/gone.txt", "thrown away");
	kit_unlink(&s->k, "Imaging/gone.txt");
	kit_rename(&s->k, "Imaging/Old/CT.pdf", "Imaging/Old/head.pdf");
	kit_publish_all(&s->k);
}

TEST(what_was_before_stays_hidden)
{
	STORY_READ;
	emr_grant_made made;
	emr_shared *shared;
	story_found mri;
	size_t held = 0;

	have_a_past(&s);
	made = story_share(&s, &s.lima, 0, true);
	assert_int_equal(made.epoch, 2);
	assert_int_equal(made.wrapped_again, 4); /* two files, two directories */
	assert_ok(story_read(&s, &s.lima, made.grant, "MRI.pdf", all_agents, &bytes, &trouble));
	expect_bytes(&bytes, "%PDF the other knee");
	assert_ok(story_read(&s, &s.lima, made.grant, "head.pdf", all_agents, &bytes, &trouble));
	assert_status(EMR_NOT_FOUND,
		story_read(&s, &s.lima, made.grant, "CT.pdf", all_agents, &bytes, &trouble));
	assert_status(EMR_NOT_FOUND,
		story_read(&s, &s.lima, made.grant, "gone.txt", all_agents, &bytes, &trouble));
	/* There are fragments of the new epoch only, and no listing key of the old one is asked
	 * for. */
	assert_ok(emr_agency_count(s.agencies[0], &held));
	assert_int_equal(held, 1);
	shared = story_opened(&s, &s.lima, made.grant, all_agents);
	assert_int_equal(emr_shared_names_held(shared), 1);
	mri = story_find(shared, "MRI.pdf");
	assert_int_equal(mri.pversion, 3);
	emr_shared_free(shared);
	/* The next grant finds nothing to hide. */
	made = story_share(&s, &s.eve, 0, true);
	assert_int_equal(made.epoch, 2);
	assert_int_equal(made.wrapped_again, 0);
}

TEST(the_owner_goes_on_writing_after_the_past_was_hidden)
{
	STORY_READ;
	emr_grant_made made;

	have_a_past(&s);
	made = story_share(&s, &s.lima, 0, false);
	kit_text(&s.k, "Imaging/MRI.pdf", "%PDF a third time");
	kit_save(&s.k, "Imaging/Old/more.txt", "more");
	kit_publish_all(&s.k);
	kit_expect_text(&s.k, "Imaging/MRI.pdf", "%PDF a third time");
	assert_string_equal(
		kit_attribute(&s.k, "Imaging/MRI.pdf", "user.emrfs.state"), "confirmed 1/1");
	assert_ok(story_read(&s, &s.lima, made.grant, "MRI.pdf", owner_answers, &bytes, &trouble));
	expect_bytes(&bytes, "%PDF a third time");
	assert_ok(story_read(&s, &s.lima, made.grant, "more.txt", owner_answers, &bytes, &trouble));
	expect_bytes(&bytes, "more");
}

TESTS(NULL, NULL)
