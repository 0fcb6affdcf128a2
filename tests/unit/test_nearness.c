/* An agent takes no part in a share that somebody of its own organisation could read, however that
 * person was let in. The code that chooses agents, that cuts fragments, that takes them in and that
 * answers each looks by itself. */
#include "agents_kit.h"
#include "datasets_kit.h"

#include "contract/codes.h"

#include "agency.h"
#include "judge.h"
#include "share/read.h"
#include "teams_private.h"

#define TERMS                                                                                      \
	"{\"purpose\":\"To count pixels\",\"who\":\"Researchers\",\"until\":\"2090-01-01\","       \
	"\"data\":\"identified\"}"

static story s;
static person nina;	       /* of the organisation of the first agent */
static called d;	       /* of the clinic */
static const emr_share *blind; /* this one's program does not look who reads */

WRAPPED(emr_status, share_near, emr_share *share, emr_id32 grantee, emr_buf *out_orgs)
{
	return share == blind ? EMR_OK : __real_share_near(share, grantee, out_orgs);
}

AROUND(begin)
{
	story_begin(&s);
	story_newcomer(&s, &nina, &s.bosses[1], EMR_ROLE_CLINICIAN, "nina");
	dataset_call_on(&d, &s, TERMS, (emr_id16){{0}}, 0);
	assert_memory_equal(s.agents[0].org.b, nina.org.b, sizeof nina.org.b);
}

AROUND(end)
{
	blind = NULL;
	emr_grantee_key_free(d.key);
	story_part(&nina);
	story_end(&s);
}

static void catch_up(void)
{
	assert_ok(emr_replica_catch_up(s.k.stack.replica, NULL, NULL, NULL));
}

static bool is_named(const emr_grant_made *made, int agent)
{
	for (unsigned i = 0; i < made->n; i++)
		if (emr_id32_equal(made->agents[i], s.agents[agent].public.signer_id))
			return true;
	return false;
}

/* By the agents [FIRST, FIRST + N), whoever reads. */
static emr_grant_made given_by(int first, unsigned n, unsigned threshold)
{
	emr_id32 ids[AGENTS];
	emr_grant_order order = {.domain = s.imaging,
		.grantee = d.grantee,
		.rights = EMR_GRANT_LIST | EMR_GRANT_READ,
		.purposes = 1u << RESEARCH | 1u << CONSULT,
		.not_after_unix_s = story_now(&s) + 7 * DAY,
		.label = "Imaging",
		.agents = ids,
		.agents_count = n,
		.threshold = threshold};
	emr_grant_made made;

	for (unsigned i = 0; i < n; i++)
		ids[i] = s.agents[first + (int)i].public.signer_id;
	catch_up();
	assert_ok(emr_share_grant(begins(s.ana), &order, &made));
	return made;
}

static bool has_fragment(int agent, emr_id16 grant)
{
	char name[FRAGMENT_NAME_BYTES];
	emr_row_domain row;

	assert_ok(share_domain(s.ana, s.imaging, &row));
	agency_fragment_name(s.imaging, grant, row.head.epoch, name);
	(void)story_agent(&s, agent);
	return agency_has(s.agencies[agent], name);
}

TEST_IN(begin, end, no_agent_of_a_readers_organisation_is_chosen)
{
	emr_grant_made made;
	called other;

	dataset_admit(&d, &s.lima);
	catch_up();
	made = dataset_join(&d);
	assert_true(is_named(&made, 0));
	assert_int_equal(made.n, 3);
	/* Another, which somebody of the first agent's reads, and its boss calls. */
	dataset_call_on(&other, &s, TERMS, (emr_id16){{0}}, 0);
	dataset_admit(&other, &nina);
	catch_up();
	made = dataset_join(&other);
	assert_false(is_named(&made, 0));
	assert_int_equal(made.n, 2);
	emr_grantee_key_free(other.key);
	dataset_call_by(&other, &s, &s.bosses[2], TERMS, (emr_id16){{0}}, 0);
	catch_up();
	made = dataset_join(&other);
	assert_true(is_named(&made, 0));
	assert_false(is_named(&made, 1));
	emr_grantee_key_free(other.key);
}

/* He knows its key. */
TEST_IN(begin, end, who_is_out_of_a_team_counts_as_one_who_reads)
{
	emr_grant_made made;

	dataset_admit(&d, &nina);
	story_does(&s, &s.bosses[0], emr_act_drop(d.id, nina.public.signer_id));
	catch_up();
	made = dataset_join(&d);
	assert_false(is_named(&made, 0));
}

TEST_IN(begin, end, the_owner_is_told_whose_agent_is_left_out)
{
	const emr_id32 agent = s.agents[0].public.signer_id;

	dataset_admit(&d, &s.lima);
	catch_up();
	assert_int_not_equal(story_why_left_out(&s, d.grantee, 0, agent), EMR_LEFT_OUT_THEIRS);
	dataset_admit(&d, &nina);
	catch_up();
	assert_int_equal(story_why_left_out(&s, d.grantee, 0, agent), EMR_LEFT_OUT_THEIRS);
}

/* As what follows a team does, and what is carried to a folder inside. */
TEST_IN(begin, end, agents_of_an_earlier_share_are_chosen_anew)
{
	emr_grant_made made;

	dataset_admit(&d, &nina);
	made = given_by(0, 2, 2);
	assert_false(is_named(&made, 0));
	assert_int_equal(made.n, 2);
	assert_int_equal(made.t, 2);
}

/* With fewer than the three who must agree nothing is given again: what is cut for it opens for
 * nobody. */
TEST_IN(begin, end, an_agent_that_does_not_look_gets_no_fragment)
{
	emr_grant_made made;

	dataset_admit(&d, &nina);
	made = given_by(0, 3, 3);
	assert_true(is_named(&made, 0));
	blind = s.agents[0].share;
	assert_false(has_fragment(0, made.grant));
	assert_true(has_fragment(1, made.grant));
}

TEST_IN(begin, end, an_agent_takes_no_fragment_of_an_owner_who_does_not_look)
{
	emr_grant_made made;

	dataset_admit(&d, &nina);
	blind = s.ana;
	made = given_by(0, 3, 2);
	blind = NULL;
	assert_true(is_named(&made, 0));
	assert_false(has_fragment(0, made.grant));
	assert_true(has_fragment(1, made.grant));
}

/* Let in when the agents have their fragments. */
static emr_grant_made read_by_nina_too(int first, unsigned n)
{
	emr_grant_made made;

	dataset_admit(&d, &s.lima);
	made = given_by(first, n, 2);
	for (int i = 0; i < AGENTS; i++)
		(void)story_agent(&s, i);
	dataset_admit(&d, &nina);
	catch_up();
	story_see(&nina);
	assert_ok(emr_share_keep_received(nina.share, true));
	return made;
}

TEST_IN(begin, end, the_next_epoch_has_nothing_for_an_agent_whose_colleague_reads)
{
	emr_grant_made made;

	made = read_by_nina_too(0, 3);
	assert_true(has_fragment(0, made.grant));
	assert_ok(emr_share_begin_epoch(begins(s.ana), s.imaging));
	blind = s.agents[0].share;
	assert_false(has_fragment(0, made.grant));
	assert_true(has_fragment(1, made.grant));
	assert_true(has_fragment(2, made.grant));
}

static size_t answered, refused;

static void first_answers(story *the)
{
	emr_release_tally tally = story_agent(the, 0);

	answered += tally.answered;
	refused += tally.refused;
	the->k.clock.boot_ns += 400000000;
	tally = story_agent(the, 0);
	answered += tally.answered;
	refused += tally.refused;
}

static void all_answer(story *the)
{
	first_answers(the);
	story_agents(the, 6);
}

TEST_IN(begin, end, an_agent_answers_nobody_of_its_own_organisation)
{
	EMR_AUTO_BUF bytes = {0};
	emr_share_trouble trouble;
	emr_grant_made made;

	made = read_by_nina_too(0, 3);
	answered = refused = 0;
	blind = nina.share;
	assert_int_not_equal(
		story_read(&s, &nina, made.grant, "MRI.pdf", first_answers, &bytes, &trouble),
		EMR_OK);
	blind = NULL;
	assert_int_equal(answered, 0);
	assert_true(refused > 0);
	/* A reader that looks does not ask it, and it says no on the ledger no more. */
	refused = 0;
	/* The others are enough, and who is of another organisation has all three. */
	answered = 0;
	assert_ok(story_read(&s, &nina, made.grant, "MRI.pdf", all_answer, &bytes, &trouble));
	assert_int_equal(answered, 0);
	assert_int_equal(refused, 0);
	story_see(&s.lima);
	assert_ok(emr_share_keep_received(s.lima.share, true));
	emr_buf_clear(&bytes);
	assert_ok(story_read(&s, &s.lima, made.grant, "MRI.pdf", all_answer, &bytes, &trouble));
	assert_true(answered > 0);
}

TEST_IN(begin, end, a_share_of_which_too_few_agents_are_left_goes_on_through_others)
{
	emr_handover told;

	(void)read_by_nina_too(0, 2);
	assert_int_equal(story_replaces_agents(&s, NULL, 0, EMR_OK, &told), 1);
	assert_int_equal(told.gone_n, 1);
	assert_memory_equal(told.gone[0].b, s.agents[0].public.signer_id.b, 32);
	assert_int_equal(told.made.n, 2);
	assert_false(is_named(&told.made, 0));
}

TESTS(NULL, NULL)
