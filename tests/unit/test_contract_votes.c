/* These tests show whose approvals of a proposal count, and who may make which proposal about an
 * organisation: members come, go, change their authority and end keys of administrators between two
 * approvals. */
#include "test_contract_kit.h"

#include "contract/pubs_share.h"
#include "contract/rows_share.h"

enum {
	OK = EMR_RESULT_APPLIED,
	MAY = EMR_RESULT_NOT_AUTHORISED,
	GONE = EMR_RESULT_GONE,
	LIMIT = EMR_RESULT_LIMIT,
	HAS = EMR_RESULT_EXISTS,
	RULES = EMR_RESULT_RULES,
	MEMBERS = 5, /* three approvals */
};

/* An administrator's first key, and a second one of the same organisation. */
typedef struct member {
	uint8_t org[16];
	kit_signer admin, second;
} member;

typedef struct vote {
	kit_world world;
	member of[MEMBERS]; /* it is proposed by 0; 1 and 2 approve, then 3 */
	uint8_t proposal[16], newcomer[16];
} vote;

/* ---- rows ---- */

static void put_member(vote *v, const uint8_t org[16], uint8_t state, uint64_t version)
{
	emr_row_org row = {.head = {.family = EMR_FAMILY_ORG, .state = state, .version = version}};
	uint8_t value[EMR_ROW_ORG_BYTES];
	emr_key_text key;

	emr_key_org(org, &key);
	emr_row_org_encode(&row, value);
	kit_put(&v->world.state, key.text, value, sizeof value);
}

static void put_network(vote *v, uint8_t quorum, uint8_t norg)
{
	emr_row_network row = {.head = {.family = EMR_FAMILY_ORG, .state = 1},
		.quorum = quorum,
		.norg = norg,
		.contract = EMR_CONTRACT_FIRST};
	uint8_t value[EMR_ROW_NETWORK_BYTES];
	emr_key_text key;

	emr_key_network(&key);
	emr_row_network_encode(&row, value);
	kit_put(&v->world.state, key.text, value, sizeof value);
}

static void put_admin(
	vote *v, const kit_signer *signer, const uint8_t org[16], uint8_t state, uint64_t not_after)
{
	kit_put_key(&v->world.state, signer, org, EMR_ROLE_ORG_ADMIN, EMR_HOW_CERTIFICATE, state,
		not_after);
}

static void vote_make(vote *v)
{
	char name[40];

	memset(v, 0, sizeof *v);
	kit_world_make(&v->world);
	kit_id16("the proposal", v->proposal);
	kit_id16("the newcomer", v->newcomer);
	for (int i = 0; i < MEMBERS; i++) {
		member *m = &v->of[i];

		snprintf(name, sizeof name, "member %d", i);
		kit_id16(name, m->org);
		m->admin = kit_signer_of(name);
		m->second = kit_signer_of(printed("second administrator of %d", i));
		put_member(v, m->org, EMR_ORG_MEMBER, 4);
		put_admin(v, &m->admin, m->org, EMR_KEY_ACTIVE, KIT_NOW + KIT_DAY);
		put_admin(v, &m->second, m->org, EMR_KEY_ACTIVE, KIT_NOW + KIT_DAY);
	}
	put_network(v, 0, MEMBERS);
}

static void vote_free(vote *v)
{
	kit_world_free(&v->world);
}

static emr_row_proposal proposal_of(const vote *v)
{
	emr_row_proposal row;
	emr_key_text key;
	const kit_row *value;

	emr_key_proposal(v->proposal, &key);
	value = kit_get(&v->world.state, key.text);
	assert_non_null(value);
	assert_int_equal(
		emr_row_proposal_parse(kit_span(value->value, value->len), &row), EMR_CONTRACT_OK);
	return row;
}

/* ---- operations ---- */

static int say(vote *v, const char *name, const kit_signer *signer, emr_item item, emr_span pub,
	emr_span part)
{
	static kit_run run;
	kit_state parts = {0};
	kit_batch batch;
	emr_span bytes;
	int answer;

	kit_begin(&batch, signer, v->world.net_id);
	kit_add(&batch, item, pub, part);
	bytes = kit_end(&batch);
	kit_judge(&run, name, bytes, &v->world.caller, KIT_NOW, &v->world.state, NULL);
	answer = kit_answer(&run);
	if (answer == OK)
		kit_commit(&run, &v->world.state, &parts);
	kit_run_free(&run);
	kit_state_free(&parts);
	kit_drop(bytes);
	return answer;
}

static int propose(
	vote *v, const char *name, const kit_signer *signer, uint8_t kind, const uint8_t org[16])
{
	emr_pub_org_propose pub = {.kind = kind, .not_after_unix_s = KIT_NOW + KIT_DAY};
	emr_item item = {.op = EMR_OP_ORG_PROPOSE, .version = 1};
	uint8_t bytes[96];

	memcpy(pub.org, org, 16);
	if (kind == EMR_PROPOSAL_ADMIT) {
		memset(pub.subject, 0x77, 32);
		memset(pub.aux, 0x99, 32);
	}
	emr_pub_org_propose_encode(&pub, bytes);
	memcpy(item.object_id, v->proposal, 16);
	return say(v, name, signer, item, kit_span(bytes, sizeof bytes),
		kind == EMR_PROPOSAL_ADMIT ? kit_part(3, 90) : kit_span(NULL, 0));
}

static int approve(vote *v, const char *name, const kit_signer *signer, const uint8_t org[16])
{
	emr_item item = {.op = EMR_OP_ORG_APPROVE};
	emr_key_text key;

	memcpy(item.object_id, v->proposal, 16);
	emr_key_approval(v->proposal, org, &key);
	kit_follow(&v->world.state, key.text, &item);
	return say(v, name, signer, item, kit_span(org, 16), kit_span(NULL, 0));
}

/* ---- whose approvals count ---- */

static void nothing(vote *v, int who)
{
	(void)v;
	(void)who;
}

static void expelled(vote *v, int who)
{
	put_member(v, v->of[who].org, EMR_ORG_REMOVED, 5);
	put_network(v, 3, MEMBERS - 1);
}

/* No proposal does that today: the rule is one about what was changed, not about how. */
static void expelled_and_back(vote *v, int who)
{
	put_member(v, v->of[who].org, EMR_ORG_MEMBER, 6);
}

static void another_authority(vote *v, int who)
{
	put_member(v, v->of[who].org, EMR_ORG_MEMBER, 5);
}

static void revoked(vote *v, int who)
{
	put_admin(v, &v->of[who].admin, v->of[who].org, EMR_KEY_REVOKED, KIT_NOW + KIT_DAY);
}

static void ran_out(vote *v, int who)
{
	put_admin(v, &v->of[who].admin, v->of[who].org, EMR_KEY_ACTIVE, KIT_NOW - KIT_DAY);
}

static void rotated(vote *v, int who)
{
	put_admin(v, &v->of[who].admin, v->of[who].org, EMR_KEY_ROTATED, KIT_NOW + KIT_DAY);
}

static void one_more_member(vote *v, int who)
{
	(void)who;
	put_member(v, v->newcomer, EMR_ORG_MEMBER, 1);
	put_network(v, 0, MEMBERS + 1); /* four of six */
}

static void two_are_enough(vote *v, int who)
{
	(void)who;
	put_network(v, 2, MEMBERS);
}

static void four_are_needed(vote *v, int who)
{
	(void)who;
	put_network(v, 4, MEMBERS);
}

static void two_are_expelled(vote *v, int who)
{
	expelled(v, who);
	put_member(v, v->of[who + 1].org, EMR_ORG_REMOVED, 5);
	put_network(v, 0, MEMBERS - 2); /* two of three */
}

TEST(an_approval_counts_while_it_is_a_members)
{
	static const struct {
		const char *name;
		void (*happens)(vote *v, int who);
		int to;	     /* 1 has approved, 0 has proposed, 4 did nothing */
		int answer;  /* to the approval of 3, after 1 and 2 have approved */
		int counted; /* in the row then */
		bool is_done;
	} rows[] = {
		{"nothing happened", nothing, 1, OK, 3, true},
		{"it was expelled", expelled, 1, OK, 2, false},
		{"it was expelled and came back", expelled_and_back, 1, OK, 2, false},
		{"it has another authority", another_authority, 1, OK, 2, false},
		{"its administrator was revoked", revoked, 1, OK, 2, false},
		{"its administrator's certificate ran out", ran_out, 1, OK, 3, true},
		{"its administrator has another key", rotated, 1, OK, 3, true},
		{"both were expelled", two_are_expelled, 1, OK, 1, false},
		{"who did not approve was expelled", expelled, 4, OK, 3, true},
		{"who proposed was expelled", expelled, 0, GONE, 2, false},
		{"who proposed has another authority", another_authority, 0, GONE, 2, false},
		{"who proposed was revoked", revoked, 0, GONE, 2, false},
		{"the proposer's certificate ran out", ran_out, 0, OK, 3, true},
		{"the proposer has another key", rotated, 0, OK, 3, true},
		{"a member came", one_more_member, 4, OK, 3, false},
		{"fewer are needed", two_are_enough, 4, OK, 3, true},
		{"more are needed", four_are_needed, 4, OK, 3, false},
	};
	emr_key_text key;
	vote v;

	for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
		emr_row_proposal row;

		vote_make(&v);
		assert_int_equal(
			propose(&v, NULL, &v.of[0].admin, EMR_PROPOSAL_ADMIT, v.newcomer), OK);
		assert_int_equal(approve(&v, NULL, &v.of[1].admin, v.of[1].org), OK);
		assert_int_equal(approve(&v, NULL, &v.of[2].admin, v.of[2].org), OK);
		rows[r].happens(&v, rows[r].to);
		kit_expect(rows[r].answer, approve(&v, rows[r].name, &v.of[3].admin, v.of[3].org),
			rows[r].name);
		row = proposal_of(&v);
		kit_expect(rows[r].counted, row.count, rows[r].name);
		kit_expect(rows[r].is_done ? EMR_PROPOSAL_DONE : EMR_PROPOSAL_OPEN, row.head.state,
			rows[r].name);
		emr_key_org(v.newcomer, &key);
		if (rows[r].happens != one_more_member)
			kit_expect(rows[r].is_done, kit_get(&v.world.state, key.text) != NULL,
				rows[r].name);
		vote_free(&v);
	}
}

TEST(an_organisation_speaks_again_when_what_it_said_counts_no_more)
{
	static const struct {
		const char *name;
		void (*happens)(vote *v, int who);
		int answer;
	} rows[] = {{"twice", nothing, HAS}, {"twice, another key", rotated, HAS},
		{"twice, the first ran out", ran_out, HAS}, {"the first was revoked", revoked, OK},
		{"under another authority", another_authority, OK}};
	vote v;

	for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
		vote_make(&v);
		assert_int_equal(
			propose(&v, NULL, &v.of[0].admin, EMR_PROPOSAL_ADMIT, v.newcomer), OK);
		assert_int_equal(approve(&v, NULL, &v.of[1].admin, v.of[1].org), OK);
		rows[r].happens(&v, 1);
		kit_expect(rows[r].answer, approve(&v, rows[r].name, &v.of[1].second, v.of[1].org),
			rows[r].name);
		kit_expect(1, proposal_of(&v).count, rows[r].name);
		kit_expect(
			HAS, approve(&v, rows[r].name, &v.of[1].second, v.of[1].org), rows[r].name);
		vote_free(&v);
	}
}

TEST(a_member_that_came_later_approves)
{
	kit_signer admin = kit_signer_of("administrator of the newcomer");

	SCENE(vote, v, vote_make, vote_free);
	assert_int_equal(propose(&v, NULL, &v.of[0].admin, EMR_PROPOSAL_REMOVE, v.of[4].org), OK);
	put_admin(&v, &admin, v.newcomer, EMR_KEY_ACTIVE, KIT_NOW + KIT_DAY);
	kit_expect(EMR_RESULT_KEY_DEAD, approve(&v, "no member yet", &admin, v.newcomer), "no");
	one_more_member(&v, 0);
	kit_expect(OK, approve(&v, "a new member", &admin, v.newcomer), "new");
	assert_int_equal(proposal_of(&v).count, 1);
}

/* ---- who proposes what ---- */

TEST(an_authority_is_proposed_by_its_own_organisation)
{
	SCENE(vote, v, vote_make, vote_free);
	kit_expect(MAY,
		propose(&v, "another's authority", &v.of[0].admin, EMR_PROPOSAL_ADMIT, v.of[1].org),
		"another's");
	kit_expect(OK,
		propose(&v, "its own authority", &v.of[1].second, EMR_PROPOSAL_ADMIT, v.of[1].org),
		"own");
	for (int i = 2; i <= 4; i++)
		kit_expect(
			OK, approve(&v, "its own authority", &v.of[i].admin, v.of[i].org), "own");
	assert_int_equal(proposal_of(&v).head.state, EMR_PROPOSAL_DONE);
}

/* Proposed while it was a newcomer's id, approved when it is a member's. */
TEST(who_came_in_meanwhile_is_not_replaced)
{
	SCENE(vote, v, vote_make, vote_free);
	assert_int_equal(propose(&v, NULL, &v.of[0].admin, EMR_PROPOSAL_ADMIT, v.newcomer), OK);
	assert_int_equal(approve(&v, NULL, &v.of[1].admin, v.of[1].org), OK);
	put_network(&v, 2, MEMBERS);
	put_member(&v, v.newcomer, EMR_ORG_MEMBER, 1);
	kit_expect(RULES, approve(&v, "a member by now", &v.of[2].admin, v.of[2].org), "member");
	put_member(&v, v.newcomer, EMR_ORG_REMOVED, 2);
	kit_expect(RULES, approve(&v, "expelled by now", &v.of[2].admin, v.of[2].org), "expelled");
}

TEST(an_id_is_used_once)
{
	static const uint8_t kinds[] = {EMR_PROPOSAL_ADMIT, EMR_PROPOSAL_REMOVE};

	SCENE(vote, v, vote_make, vote_free);
	put_member(&v, v.of[1].org, EMR_ORG_REMOVED, 5);
	for (size_t k = 0; k < 2; k++)
		kit_expect(RULES,
			propose(&v, "of one that was expelled", &v.of[0].admin, kinds[k],
				v.of[1].org),
			"expelled");
	kit_expect(RULES,
		propose(&v, "nobody is removed", &v.of[0].admin, EMR_PROPOSAL_REMOVE, v.newcomer),
		"nobody");
	kit_expect(OK, propose(&v, "another id", &v.of[0].admin, EMR_PROPOSAL_ADMIT, v.newcomer),
		"another id");
}

/* ---- how much one batch may ask for ---- */

static void answers_to(vote *v, const char *name, size_t n, int expected)
{
	static kit_run run;
	kit_batch batch;
	emr_span bytes;

	kit_begin(&batch, &v->of[1].admin, v->world.net_id);
	for (size_t i = 0; i < n; i++) {
		emr_item item = {.op = EMR_OP_ORG_APPROVE, .version = 1};

		memcpy(item.object_id, v->proposal, 16);
		item.object_id[15] = (uint8_t)i;
		kit_add(&batch, item, kit_span(v->of[1].org, 16), kit_span(NULL, 0));
	}
	bytes = kit_end(&batch);
	kit_judge(&run, name, bytes, &v->world.caller, KIT_NOW, &v->world.state, NULL);
	for (size_t i = 0; i < n; i++)
		kit_expect(expected, run.outcome.results.data[i], "one of many");
	assert_true(run.memory_used <= emr_contract_arena_bytes(&run.batch));
	kit_run_free(&run);
	kit_drop(bytes);
}

TEST(a_batch_approves_sixteen_proposals)
{
	SCENE(vote, v, vote_make, vote_free);
	for (size_t i = 0; i <= EMR_BATCH_APPROVALS_MAX; i++) {
		v.proposal[15] = (uint8_t)i;
		assert_int_equal(
			propose(&v, NULL, &v.of[0].admin, EMR_PROPOSAL_ADMIT, v.newcomer), OK);
	}
	answers_to(&v, "sixteen approvals", EMR_BATCH_APPROVALS_MAX, OK);
	answers_to(&v, "seventeen approvals", EMR_BATCH_APPROVALS_MAX + 1, LIMIT);
}

/* Proposals that all of 255 members but one have approved, as many as a batch can have: the memory
 * that was computed for it is enough. */
TEST(as_many_members_as_can_be)
{
	static emr_voice voices[EMR_VOICES_MAX];
	static uint8_t value[EMR_ROW_PROPOSAL_MAX];
	emr_row_proposal row = {
		.head = {.family = EMR_FAMILY_ORG, .state = EMR_PROPOSAL_OPEN, .version = 1},
		.kind = EMR_PROPOSAL_RULES,
		.count = EMR_VOICES_MAX - 1,
		.not_after_unix_s = KIT_NOW + KIT_DAY};
	emr_key_text key;

	SCENE(vote, v, vote_make, vote_free);
	put_network(&v, EMR_VOICES_MAX, EMR_VOICES_MAX);
	memcpy(row.by.org, v.of[0].org, 16);
	memcpy(row.by.signer, v.of[0].admin.id, 32);
	row.by.member_version = 4;
	for (size_t p = 0; p < EMR_BATCH_APPROVALS_MAX; p++) {
		for (size_t i = 0; i < EMR_VOICES_MAX - 1; i++) {
			kit_signer signer;

			signer = kit_signer_of(printed("administrator %zu of %zu", p, i));
			kit_id16(printed("organisation %zu", i), voices[i].org);
			voices[i].member_version = 7;
			memcpy(voices[i].signer, signer.id, 32);
			put_member(&v, voices[i].org, EMR_ORG_MEMBER, 7);
			put_admin(&v, &signer, voices[i].org, EMR_KEY_ACTIVE, KIT_NOW);
		}
		v.proposal[15] = (uint8_t)p;
		emr_key_proposal(v.proposal, &key);
		kit_put(&v.world.state, key.text, value,
			emr_row_proposal_encode(&row, voices, value));
	}
	v.proposal[15] = 0;
	answers_to(&v, NULL, EMR_BATCH_APPROVALS_MAX, OK);
	assert_int_equal(approve(&v, NULL, &v.of[1].admin, v.of[1].org), OK);
	assert_int_equal(proposal_of(&v).head.state, EMR_PROPOSAL_DONE);
	assert_int_equal(proposal_of(&v).count, EMR_VOICES_MAX);
}

TESTS(NULL, NULL)
