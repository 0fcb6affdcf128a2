/* These tests are about two people and one folder, from the grant to its end, with real files on
 * a real ledger. */
#include "story_kit.h"

#include "contract/codes.h"

static void two_agents(story *s)
{
	story_agents(s, 6);
}

static void one_agent(story *s)
{
	story_agents(s, 1);
}

static void expect_bytes(const emr_buf *bytes, const char *text)
{
	assert_int_equal(bytes->len, strlen(text));
	assert_memory_equal(bytes->data, text, bytes->len);
}

/* ---- lists ---- */

typedef struct lists {
	size_t n;
	emr_given given;
	emr_received received;
} lists;

static emr_status note_given(void *arg, const emr_given *given)
{
	lists *l = arg;

	l->n++;
	l->given = *given;
	return EMR_OK;
}

static emr_status note_received(void *arg, const emr_received *received)
{
	lists *l = arg;

	l->n++;
	l->received = *received;
	return EMR_OK;
}

TEST(a_grant_is_listed_by_both_and_ends_when_taken_back)
{
	STORY_READ;
	emr_grant_made made = story_share(&s, &s.lima, 0, true);
	lists l = {0};
	emr_unopened unopened = {0};
	size_t n = 0;

	assert_int_equal(made.t, 2);
	assert_int_equal(made.n, 3);
	assert_ok(emr_share_given(s.ana, s.imaging, note_given, &l));
	assert_int_equal(l.n, 1);
	assert_int_equal(l.given.phase, EMR_GRANT_IN_FORCE);
	assert_string_equal(l.given.label, "Imaging");
	assert_int_equal(l.given.agents_count, 3);
	l.n = 0;
	story_see(&s.lima);
	assert_ok(emr_share_received(s.lima.share, note_received, &l, &unopened));
	assert_int_equal(l.n, 1);
	assert_int_equal(unopened.damaged, 0);
	assert_string_equal(l.received.letter.label, "Imaging");
	assert_string_equal(l.received.card.name, "Silva, Ana");
	assert_string_equal(l.received.card.born, "1984-03-12");
	assert_memory_equal(l.received.grant.domain.b, s.imaging.b, 16);
	l.n = 0;
	story_see(&s.eve);
	assert_ok(emr_share_received(s.eve.share, note_received, &l, &unopened));
	assert_int_equal(l.n, 0);
	assert_ok(emr_share_revoke_person(s.ana, s.imaging, s.lima.public.signer_id, &n));
	assert_int_equal(n, 1);
	assert_status(EMR_DENIED, emr_share_revoke(s.ana, s.imaging, made.grant));
	assert_ok(emr_share_given(s.ana, s.imaging, note_given, &l));
	assert_int_equal(l.given.phase, EMR_GRANT_IS_REVOKED);
	assert_string_equal(l.given.label, "Imaging");
	assert_status(EMR_DENIED,
		story_read(&s, &s.lima, made.grant, "MRI.pdf", owner_answers, &bytes, &trouble));
	assert_int_equal(trouble.why, EMR_WHY_REVOKED);
}

TEST(what_cannot_be_granted_is_refused)
{
	STORY_READ;
	emr_grant_order order = {.rights = 3, .purposes = 1};
	emr_share_options nobody = {0};
	emr_grant_made made;

	(void)nobody;
	order.not_after_unix_s = story_now(&s);
	assert_status(EMR_INVALID, story_try_share(&s, &s.lima, &order, true, &made));
	order.not_after_unix_s = story_now(&s) + DAY;
	order.rights = 8;
	assert_status(EMR_INVALID, story_try_share(&s, &s.lima, &order, true, &made));
	order.rights = 3;
	order.purposes = 0;
	assert_status(EMR_INVALID, story_try_share(&s, &s.lima, &order, true, &made));
	order.purposes = 1;
	order.domain = s.imaging;
	order.grantee = s.eve.public.signer_id;
	order.label = "hers";
	story_see(&s.lima); /* not lima's to give */
	assert_status(EMR_DENIED, emr_share_grant(s.lima.share, &order, &made));
	order.grantee.b[0] ^= 1;
	assert_status(EMR_NOT_FOUND, emr_share_grant(s.ana, &order, &made));
	order.grantee = s.eve.public.signer_id;
	order.domain.b[0] ^= 1;
	assert_status(EMR_NOT_FOUND, emr_share_grant(s.ana, &order, &made));
	assert_status(EMR_NOT_FOUND, emr_share_revoke(s.ana, s.imaging, emr_id16_random()));
	(void)trouble;
}

/* Of one organisation, the first by id would be taken: so there are several of them. */
TEST(who_could_read_is_no_agent)
{
	STORY_READ;
	person doctors[3] = {{0}};
	emr_grant_made made;
	bool is_there = false;

	for (int i = 0; i < 3; i++) {
		story_newcomer(&s, &doctors[i], &s.bosses[1], EMR_ROLE_AGENT | EMR_ROLE_CLINICIAN,
			printed("doctor%d", i));
	}
	assert_ok(emr_replica_catch_up(s.k.stack.replica, NULL, NULL, NULL));
	made = story_share(&s, &s.lima, 0, true);
	assert_int_equal(made.n, 3);
	for (int i = 0; i < 3; i++)
		is_there = is_there || emr_id32_equal(made.agents[i], s.agents[0].public.signer_id);
	assert_true(is_there);
	for (int i = 0; i < 3; i++)
		story_part(&doctors[i]);
	(void)trouble;
}

TEST(an_agent_says_what_it_holds_and_leaves_to_others)
{
	STORY_READ;
	size_t grants = 9, fragments = 9, n = 0;
	emr_grant_made made;
	emr_id16 left[2];
	uint64_t made_at = 0;

	assert_ok(emr_agency_key_time(s.agencies[0], &made_at));
	assert_true(made_at > 0);
	made = story_share(&s, &s.lima, 0, true);
	(void)story_share(&s, &s.eve, 0, true);
	assert_ok(emr_share_begin_epoch(s.ana, s.imaging));
	story_agents(&s, 7);
	assert_ok(emr_agency_grants(s.agencies[0], &grants));
	assert_ok(emr_agency_count(s.agencies[0], &fragments));
	assert_int_equal(grants, 2);
	assert_int_equal(fragments, 4); /* of two epochs */
	/* Whose turn is last is another one for each question, and he waits unless two have
	 * answered before he looks. */
	for (int tries = 0; n == 0 && tries < 40; tries++) {
		assert_status(EMR_TIMEOUT,
			story_read(&s, &s.lima, made.grant, "MRI.pdf", NULL, &bytes, &trouble));
		for (int i = 0; i < AGENTS; i++)
			n += story_agent(&s, i).next_ms >= 0
				     ? emr_agency_waiting(s.agencies[i], left, 2)
				     : 0;
	}
	assert_int_equal(n, 1);
	assert_int_equal(emr_agency_waiting(s.agencies[0], left, 0),
		emr_agency_waiting(s.agencies[0], left, 2));
}

/* ---- reading ---- */

TEST(the_owners_computer_lets_the_doctor_read)
{
	STORY_READ;
	emr_grant_made made = story_share(&s, &s.lima, 0, false);

	assert_int_equal(made.n, 0);
	assert_ok(story_read(&s, &s.lima, made.grant, "MRI.pdf", owner_answers, &bytes, &trouble));
	expect_bytes(&bytes, "%PDF a knee");
	assert_ok(story_read(&s, &s.lima, made.grant, "CT.pdf", owner_answers, &bytes, &trouble));
	expect_bytes(&bytes, "%PDF a head");
	/* and what comes later, under a name of its own */
	kit_save(&s.k, "Imaging/new.txt", "later");
	assert_ok(story_read(&s, &s.lima, made.grant, "new.txt", owner_answers, &bytes, &trouble));
	expect_bytes(&bytes, "later");
	/* nobody answers: a clear word about who is missing */
	assert_status(EMR_TIMEOUT,
		story_read(&s, &s.lima, made.grant, "MRI.pdf", NULL, &bytes, &trouble));
	assert_int_equal(trouble.why, EMR_WHY_NO_RELEASE);
	assert_int_equal(trouble.missing_count, 0);
	assert_true(trouble.is_owner_missing);
}

TEST(two_of_three_agents_serve_while_the_owner_is_away)
{
	STORY_READ;
	emr_grant_made made = story_share(&s, &s.lima, 0, true);

	assert_ok(story_read(&s, &s.lima, made.grant, "MRI.pdf", all_agents, &bytes, &trouble));
	expect_bytes(&bytes, "%PDF a knee");
	assert_ok(story_read(&s, &s.lima, made.grant, "CT.pdf", two_agents, &bytes, &trouble));
	expect_bytes(&bytes, "%PDF a head");
	assert_status(EMR_TIMEOUT,
		story_read(&s, &s.lima, made.grant, "CT.pdf", one_agent, &bytes, &trouble));
	assert_int_equal(trouble.why, EMR_WHY_NO_RELEASE);
	assert_int_equal(trouble.missing_count, 2);
	for (unsigned i = 0; i < 2; i++)
		assert_memory_not_equal(trouble.missing[i].b, s.agents[0].public.signer_id.b, 32);
	assert_int_equal(bytes.len, 0);
}

TEST(nobody_else_reads)
{
	STORY_READ;
	emr_grant_made made = story_share(&s, &s.lima, 0, true);
	emr_shared *shared = NULL;

	assert_status(EMR_DENIED,
		story_read(&s, &s.eve, made.grant, "MRI.pdf", all_agents, &bytes, &trouble));
	assert_int_equal(trouble.why, EMR_WHY_NO_GRANT);
	assert_status(EMR_DENIED, story_read(&s, &s.lima, emr_id16_random(), "MRI.pdf", all_agents,
					  &bytes, &trouble));
	assert_int_equal(trouble.why, EMR_WHY_NO_GRANT);
	story_see(&s.lima);
	assert_status(EMR_DENIED, emr_shared_open(s.lima.share, s.imaging, made.grant, RESEARCH,
					  EMR_READER_PERSON, &shared, &trouble));
	assert_int_equal(trouble.why, EMR_WHY_PURPOSE);
	assert_null(shared);
}

TEST(a_grant_ends_for_everybody_at_its_time)
{
	STORY_READ;
	emr_grant_made made = story_share(&s, &s.lima, 0, true);
	emr_shared *shared = NULL;
	size_t held = 0;

	assert_ok(story_read(&s, &s.lima, made.grant, "MRI.pdf", all_agents, &bytes, &trouble));
	assert_ok(emr_agency_count(s.agencies[0], &held));
	assert_int_equal(held, 1);
	assert_ok(emr_shared_open(s.lima.share, s.imaging, made.grant, CONSULT, EMR_READER_PERSON,
		&shared, &trouble));
	story_pass(&s, 7 * DAY);
	assert_status(EMR_DENIED, emr_shared_check(shared, &trouble));
	assert_int_equal(trouble.why, EMR_WHY_EXPIRED);
	emr_shared_free(shared);
	assert_status(EMR_DENIED,
		story_read(&s, &s.lima, made.grant, "MRI.pdf", all_agents, &bytes, &trouble));
	for (int i = 0; i < AGENTS; i++) {
		assert_int_equal(story_agent(&s, i).destroyed, 1);
		assert_ok(emr_agency_count(s.agencies[i], &held));
		assert_int_equal(held, 0);
		assert_int_equal(story_agent(&s, i).destroyed, 0);
	}
}

TESTS(NULL, NULL)
