/* These tests show what a releaser of keys checks before a release: each question was taken by the
 * ledger, and has one fault. The ledger refuses most of these first; here it has not, because its
 * rules, its time or its host were others. */
#include "story_kit.h"

#include "contract/codes.h"

#include "agency.h"
#include "judge.h"
#include "shared_private.h"

static story s;
static emr_shared *shared; /* lima's */
static emr_ask *asked;
static question q;
static desk owners;
static emr_id16 mri;
static emr_status find(void *arg, const emr_shared_record *record);

static emr_status find(void *arg, const emr_shared_record *record)
{
	(void)arg;
	if (record->meta->name.len == 7 && memcmp(record->meta->name.data, "MRI.pdf", 7) == 0)
		mri = record->object;
	return EMR_OK;
}

/* Lima asks for MRI.pdf of a folder that is shared with her for a week; it is the owner's turn. */
AROUND(begin)
{
	emr_share_trouble trouble;
	emr_box_key *box = NULL;
	emr_ask *names = NULL;
	emr_grant_made made;

	story_begin(&s);
	kit_save(&s.k, "Imaging/MRI.pdf", "%PDF the other knee");
	made = story_share(&s, &s.lima, 0, true);
	kit_save(&s.k, "Imaging/MRI.pdf", "%PDF both knees");
	story_see(&s.lima);
	assert_ok(emr_shared_open(s.lima.share, s.imaging, made.grant, CONSULT, EMR_READER_PERSON,
		&shared, &trouble));
	assert_ok(emr_shared_ask_names(shared, &names, &trouble));
	all_agents(&s);
	assert_ok(ask_wait(s.lima.replica, names, 0, &trouble));
	emr_ask_free(names);
	assert_ok(emr_shared_each(shared, NULL, find, NULL, NULL));
	assert_ok(emr_shared_ask_records(shared, &mri, 1, &asked, &trouble));
	assert_ok(emr_replica_catch_up(s.k.stack.replica, NULL, NULL, NULL));
	owners = (desk){.share = s.ana};
	assert_ok(question_load(s.ana, s.imaging, asked->release.access, &q));
	assert_ok(emr_box_key_domain(s.k.stack.keyring, s.imaging, &box));
	assert_ok(question_open(&q, box, emr_owner_rid(s.imaging)));
	emr_box_key_free(box);
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

/* Whatever the ledger took: on this copy nobody said anything. */
TEST_IN(begin, end, what_two_must_open_is_not_given_without_their_words)
{
	q.grant.known.row.rights |= EMR_GRANT_TWO;
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
