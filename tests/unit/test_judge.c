/* These tests show what a releaser of keys checks before a release: each question was taken by the
 * ledger, and has one fault. The ledger refuses most of these first; here it has not, because its
 * rules, its time or its host were others. */
#include "crew_kit.h"

#include "share/request.h"

#include "agency.h"
#include "judge.h"
#include "letters_private.h"
#include "shared_private.h"

#define EMERGENCY 4u /* purpose bit */

static story s;
static emr_shared *shared; /* lima's */
static emr_ask *asked;
static question q;
static desk owners;
static emr_id16 mri;

static void load(const emr_ask *ask)
{
	emr_box_key *box = NULL;

	assert_ok(emr_replica_catch_up(s.k.stack.replica, NULL, NULL, NULL));
	question_free(&q);
	assert_ok(question_load(s.ana, s.imaging, ask->release.access, &q));
	assert_ok(emr_box_key_domain(s.k.stack.keyring, s.imaging, &box));
	assert_ok(question_open(&q, box, emr_owner_rid(s.imaging)));
	emr_box_key_free(box);
}

/* Lima asks for MRI.pdf of a folder that is shared with her for a week; it is the owner's turn. */
AROUND(begin)
{
	emr_share_trouble trouble;
	emr_grant_made made;

	story_begin(&s);
	kit_save(&s.k, "Imaging/MRI.pdf", "%PDF the other knee");
	made = story_share(&s, &s.lima, 0, true);
	kit_save(&s.k, "Imaging/MRI.pdf", "%PDF both knees");
	shared = story_opened(&s, &s.lima, made.grant, all_agents);
	mri = story_find(shared, "MRI.pdf").object;
	assert_ok(emr_shared_ask_records(shared, &mri, 1, &asked, &trouble));
	owners = (desk){.share = s.ana};
	load(asked);
}

AROUND(end)
{
	question_free(&q);
	desk_end(&owners);
	emr_ask_free(asked);
	asked = NULL;
	emr_shared_free(shared);
	story_end(&s);
}

static void is_judged(uint8_t code)
{
	uint8_t is = 255;

	assert_ok(desk_judge(&owners, &q, &is));
	assert_int_equal(is, code);
}

static uint8_t slot_code(const emr_access_slot *slot)
{
	capsule_facts capsule;
	uint8_t code = 255;

	assert_ok(desk_judge_slot(&owners, &q, slot, &capsule, &code));
	return code;
}

TEST_IN(begin, end, a_question_in_order_is_answered)
{
	is_judged(EMR_RESULT_APPLIED);
	assert_int_equal(slot_code(&q.body.slots[0]), EMR_RESULT_APPLIED);
}

TEST_IN(begin, end, a_question_from_before_the_grant_is_not)
{
	q.ledger_time = q.grant.terms.not_before - 1;
	is_judged(EMR_RESULT_GRANT_DEAD);
}

TEST_IN(begin, end, a_question_from_after_its_end_is_not)
{
	q.ledger_time = q.grant.terms.not_after;
	is_judged(EMR_RESULT_GRANT_DEAD);
}

TEST_IN(begin, end, a_question_from_the_future_is_not)
{
	q.is_time_suspect = true;
	is_judged(EMR_RESULT_GRANT_DEAD);
}

TEST_IN(begin, end, who_releases_looks_at_his_own_clock)
{
	q.grant.terms.not_after = story_now(&s);
	q.ledger_time = story_now(&s) - 1;
	is_judged(EMR_RESULT_GRANT_DEAD);
	q.grant.terms.not_after++;
	is_judged(EMR_RESULT_APPLIED);
	q.grant.terms.not_before = story_now(&s) + 1;
	is_judged(EMR_RESULT_GRANT_DEAD);
}

TEST_IN(begin, end, a_question_of_yesterday_is_not)
{
	q.grant.terms.not_before = q.ledger_time - 2 * QUESTION_S;
	q.ledger_time -= QUESTION_S;
	is_judged(EMR_RESULT_APPLIED);
	q.ledger_time--;
	is_judged(EMR_RESULT_GONE);
}

TEST_IN(begin, end, a_question_of_somebody_else_is_not)
{
	q.signer = s.eve.public.signer_id;
	is_judged(EMR_RESULT_NOT_GRANTEE);
}

TEST_IN(begin, end, a_question_by_a_key_that_ended_is_not)
{
	emr_act act = emr_act_key_revoke(s.lima.public.signer_id, story_now(&s), 0);

	story_does(&s, &s.lima, act);
	assert_ok(emr_replica_catch_up(s.k.stack.replica, NULL, NULL, NULL));
	is_judged(EMR_RESULT_KEY_DEAD);
}

/* The only place where it is looked at for everybody: neither the ledger nor the keys know. */
TEST_IN(begin, end, only_the_version_of_now_is_given)
{
	emr_access_slot earlier = q.body.slots[0];

	/* Both versions lie in the epoch of the grant. */
	assert_ok(share_grant_facts(s.ana, s.imaging, q.grant.known.grant, &q.grant));
	kit_save(&s.k, "Imaging/MRI.pdf", "%PDF three knees");
	assert_int_equal(slot_code(&earlier), EMR_RESULT_GONE);
	earlier.version++;
	assert_int_equal(slot_code(&earlier), EMR_RESULT_APPLIED);
}

TEST_IN(begin, end, nothing_of_an_epoch_before_the_grant_is_given)
{
	q.grant.known.row.head.epoch++;
	assert_int_equal(slot_code(&q.body.slots[0]), EMR_RESULT_EPOCH);
	q.grant.known.row.head.epoch--;
	assert_int_equal(slot_code(&q.body.slots[0]), EMR_RESULT_APPLIED);
}

/* ---- what two must open ---- */

/* Whatever the ledger took: on this copy nobody said anything. */
TEST_IN(begin, end, what_two_must_open_is_not_given_without_their_words)
{
	q.grant.known.row.rights |= EMR_GRANT_TWO;
	is_judged(EMR_RESULT_GRANT_DEAD);
}

/* For an hour, with the word WORD, by a team of lima and eve. */
static emr_id16 prepare(crew *team, emr_id16 word)
{
	emr_grant_order order;
	emr_grant_made made;

	story_contract(&s, 2);
	crew_begin(team, &s, NULL);
	admit(team, &s.lima);
	admit(team, &s.eve);
	order = order_for(team);
	order.rights |= EMR_GRANT_TWO;
	order.purposes = EMR_PURPOSE_EMERGENCY;
	order.share_id = word;
	order.hours = 1;
	assert_ok(emr_share_grant(begins(s.ana), &order, &made));
	all_agents(&s); /* they take their fragments */
	return made.grant;
}

static void says_why(person *m, emr_id16 word)
{
	EMR_AUTO_BUF found = {0};

	story_see(m);
	assert_ok(emr_emergency_find(m->share, &word, &found));
	assert_int_equal(found.len, sizeof(emr_emergency));
	assert_ok(emr_emergency_say(m->share, (const void *)found.data, 1, "unconscious"));
	story_see(m);
}

/* A host can date a question back to when it was open. */
TEST_IN(begin, end, what_two_opened_is_over_by_the_clock_of_who_releases)
{
	AUTO(crew_end) crew team;
	const emr_id16 word = emr_id16_random(), grant = prepare(&team, word);
	emr_share_trouble trouble;
	emr_shared *open = NULL;
	emr_ask *names = NULL;

	says_why(&s.eve, word);
	says_why(&s.lima, word);
	assert_ok(emr_shared_open(
		s.lima.share, s.imaging, grant, EMERGENCY, EMR_READER_PERSON, &open, &trouble));
	assert_ok(emr_shared_ask_names(open, &names, &trouble));
	load(names);
	story_pass(&s, 3600 + CLOCKS_S - 1);
	is_judged(EMR_RESULT_APPLIED);
	story_pass(&s, 1);
	is_judged(EMR_RESULT_GRANT_DEAD);
	emr_ask_free(names);
	emr_shared_free(open);
}

static bool opens_anything; /* a reader's program does not look whether two have said why */

WRAPPED(emr_grant_phase, share_phase, emr_share *share, const standing *of, emr_known_grant *known)
{
	return opens_anything ? EMR_GRANT_IN_FORCE : __real_share_phase(share, of, known);
}

/* Opens MRI.pdf by what the first N agents convert for the reader of OPEN; no ledger hears of it.
 */
static emr_status convert_early(const emr_shared *open, emr_id16 grant, unsigned n)
{
	const emr_place at = story_place_called(&s, "MRI.pdf");
	const emr_access_slot slot = {
		.kind = EMR_CAPSULE_CONTENT, .object_id = at.object, .version = at.version};
	emr_pre_share shares[AGENTS];
	char name[FRAGMENT_NAME_BYTES];
	capsule_facts c;
	emr_kem_key *kem = NULL;
	emr_content_key *key = NULL;
	uint8_t X[32];
	emr_status status;

	assert_ok(share_capsule(s.lima.share, s.imaging, &slot, &c));
	agency_fragment_name(s.imaging, grant, c.epoch, name);
	for (unsigned i = 0; i < n; i++) {
		emr_fragment *fragment = NULL;

		assert_ok(agency_fetch(s.agencies[i], name, open->owner_pk, &open->terms, c.A,
			open->my_B, &fragment));
		assert_ok(emr_fragment_convert(
			fragment, c.ctx, c.capsule, (emr_id32){{1}}, shares[i].cfrag));
		memcpy(shares[i].agent_id, s.agents[i].public.signer_id.b, 32);
		memcpy(X, fragment->bond.X, sizeof X);
		emr_fragment_free(fragment);
	}
	status = emr_kem_key_combine(open->me, c.A, X, c.ctx, c.capsule, shares, n, &kem);
	if (status == EMR_OK)
		status = emr_content_key_open_kem(kem, c.ctx, c.wdek, &key);
	emr_kem_key_free(kem);
	emr_content_key_free(key);
	return status;
}

TEST_IN(begin, end, one_agent_that_gives_early_opens_nothing)
{
	AUTO(crew_end) crew team;
	const emr_id16 word = emr_id16_random(), grant = prepare(&team, word);
	emr_share_trouble trouble;
	emr_shared *open = NULL;
	emr_ask *names = NULL;

	says_why(&s.lima, word);
	opens_anything = true;
	assert_ok(emr_shared_open(
		s.lima.share, s.imaging, grant, EMERGENCY, EMR_READER_PERSON, &open, &trouble));
	assert_status(EMR_DENIED, emr_shared_ask_names(open, &names, &trouble));
	assert_int_equal(trouble.why, EMR_WHY_LEDGER);
	opens_anything = false;
	assert_int_not_equal(convert_early(open, grant, 1), EMR_OK);
	assert_ok(convert_early(open, grant, 2)); /* as many as release by its rule */
	emr_shared_free(open);
}

/* ---- an agent of the reader's own organisation ---- */

static bool forces_agents; /* the owner's program does not look whose they are */

WRAPPED(emr_status, share_choose_agents, emr_share *share, const emr_known_person *grantee,
	uint16_t rule, emr_id32 out_agents[EMR_AGENTS_MAX], unsigned *out_n, bool *out_are_own)
{
	if (!forces_agents)
		return __real_share_choose_agents(
			share, grantee, rule, out_agents, out_n, out_are_own);
	*out_n = AGENTS;
	*out_are_own = false;
	for (unsigned i = 0; i < AGENTS; i++)
		out_agents[i] = s.agents[i].public.signer_id;
	return EMR_OK;
}

static bool has_fragment(int agent, emr_id16 grant)
{
	char name[FRAGMENT_NAME_BYTES];
	emr_row_domain row;

	assert_ok(share_domain(s.ana, s.imaging, &row));
	agency_fragment_name(s.imaging, grant, row.head.epoch, name);
	return agency_has(s.agencies[agent], name);
}

TEST_IN(begin, end, an_agent_of_the_readers_organisation_takes_no_fragment)
{
	emr_grant_made made;
	AUTO(story_part) person nina = {.keyring = NULL};

	story_newcomer(&s, &nina, &s.bosses[1], EMR_ROLE_CLINICIAN, "nina");
	assert_ok(emr_replica_catch_up(s.k.stack.replica, NULL, NULL, NULL));
	forces_agents = true;
	made = story_share(&s, &nina, 0, true);
	forces_agents = false;
	assert_memory_equal(s.agents[0].org.b, nina.org.b, sizeof nina.org.b);
	for (int i = 0; i < AGENTS; i++)
		(void)story_agent(&s, i);
	assert_false(has_fragment(0, made.grant));
	assert_true(has_fragment(1, made.grant));
	assert_true(has_fragment(2, made.grant));
}

/* ---- refusals ---- */

static uint64_t ledger_size(void)
{
	uint64_t size;

	assert_ok(emr_ledger_size(s.k.stack.ledger, &size));
	return size;
}

/* Each refusal is an entry for ever; who asks wrongly again and again gets no more of them. */
TEST_IN(begin, end, refusals_of_a_day_have_an_end)
{
	enum { QUESTIONS = REFUSALS_A_DAY + 10 };
	emr_share_trouble trouble;
	uint64_t written = 0;

	(void)story_owner(&s);
	shared->purpose = RESEARCH; /* which is not granted */
	for (int i = 0; i < QUESTIONS; i++) {
		emr_ask *ask = NULL;
		uint64_t before;

		assert_ok(emr_shared_ask_records(shared, &mri, 1, &ask, &trouble));
		before = ledger_size();
		(void)story_owner(&s);
		written += ledger_size() - before;
		emr_ask_free(ask);
		story_pass(&s, 1);
	}
	assert_int_equal(written, REFUSALS_A_DAY);
	/* A right question is answered all the same. */
	shared->purpose = CONSULT;
	emr_ask_free(asked);
	asked = NULL;
	assert_ok(emr_shared_ask_records(shared, &mri, 1, &asked, &trouble));
	assert_int_equal(story_owner(&s).answered, 1);
	assert_ok(ask_wait(s.lima.replica, asked, 0, &trouble));
}

TESTS(NULL, NULL)
