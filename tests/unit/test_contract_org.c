/* These tests are about proposals of the organisations of a network, and what their approvals
 * do. */
#include "test_contract_people.h"

enum {
	OK = EMR_RESULT_APPLIED,
	GONE = EMR_RESULT_GONE,
	HAS = EMR_RESULT_EXISTS,
	DEAD = EMR_RESULT_KEY_DEAD,
	RULES = EMR_RESULT_RULES,
};

static int approve(people *p, enum who who)
{
	people_item item = people_item_of(p, ORG_APPROVE, who);

	return people_do(p, ORG_APPROVE, who, &item);
}

TEST(an_approval_in_every_state_of_its_proposal)
{
	static const struct {
		const char *name;
		uint8_t state;
		int days;
		int expected;
	} rows[] = {{"open", 1, 1, OK}, {"out of time", 1, 0, GONE}, {"done", 2, 1, GONE},
		{"used", 3, 1, GONE}};
	emr_key_text key;
	AUTO(people_free) people p;

	people_make(&p);
	for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
		people_put_proposal(&p, EMR_PROPOSAL_ADMIT, rows[r].state, 0,
			KIT_NOW + (uint64_t)rows[r].days * KIT_DAY);
		people_expect_try(rows[r].expected, &p, rows[r].name, ORG_APPROVE, ADMIN);
	}
	emr_key_proposal(p.proposal, &key);
	kit_delete(&p.world.state, key.text);
	people_expect_try(GONE, &p, "no proposal", ORG_APPROVE, ADMIN);
}

TEST(a_proposal_takes_effect_with_the_last_approval_it_needs)
{
	static const struct {
		uint8_t quorum, norg, needed;
	} rows[] = {{0, 1, 1}, {0, 2, 2}, {0, 3, 2}, {0, 4, 3}, {1, 3, 1}, {2, 9, 2}, {3, 2, 2}};
	uint8_t laboratory[16];
	emr_key_text key;
	people p;

	kit_id16("laboratory", laboratory);
	emr_key_org(laboratory, &key);
	for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
		people_make(&p);
		people_put_network(&p, rows[r].quorum, rows[r].norg);
		assert_int_equal(approve(&p, ADMIN), OK);
		assert_int_equal(kit_get(&p.world.state, key.text) != NULL, rows[r].needed == 1);
		assert_int_equal(approve(&p, ADMIN), HAS);
		assert_int_equal(approve(&p, ADMIN2), rows[r].needed == 1 ? GONE : OK);
		assert_int_equal(kit_get(&p.world.state, key.text) != NULL, rows[r].needed <= 2);
		assert_int_equal(
			people_network(&p).norg, rows[r].norg + (rows[r].needed <= 2 ? 1 : 0));
		people_free(&p);
	}
}

TEST(each_kind_of_proposal_has_its_effect)
{
	emr_row_network network;
	const kit_row *value;
	emr_key_text key;
	emr_row_org org;
	people p;

	for (uint8_t kind = EMR_PROPOSAL_ADMIT; kind <= EMR_PROPOSAL_MINT; kind++) {
		people_make(&p);
		people_put_proposal(&p, kind, EMR_PROPOSAL_OPEN, 1, KIT_NOW + KIT_DAY);
		assert_int_equal(approve(&p, ADMIN), OK);
		network = people_network(&p);
		assert_int_equal(network.norg, kind == EMR_PROPOSAL_ADMIT    ? 3
					       : kind == EMR_PROPOSAL_REMOVE ? 1
									     : 2);
		assert_int_equal(network.contract, kind == EMR_PROPOSAL_CONTRACT ? 3 : 2);
		assert_int_equal(network.rules[0], kind == EMR_PROPOSAL_RULES ? 0x77 : 0);
		emr_key_org(p.clinic, &key);
		value = kit_get(&p.world.state, key.text);
		assert_int_equal(emr_row_org_parse(kit_span(value->value, value->len), &org),
			EMR_CONTRACT_OK);
		assert_int_equal(org.head.state,
			kind == EMR_PROPOSAL_REMOVE ? EMR_ORG_REMOVED : EMR_ORG_MEMBER);
		if (kind == EMR_PROPOSAL_REMOVE) { /* its people stop at once */
			people_expect_try(DEAD, &p, "removed", ACCESS_REQ, GRANTEE);
			people_expect_try(DEAD, &p, "removed", SERVED_AGENT, AGENT);
		}
		people_free(&p);
	}
}

TEST(what_cannot_be_is_not_approved)
{
	SCENE(people, p, people_make, people_free);
	people_put_network(&p, 1, 1); /* the last one cannot go */
	people_put_proposal(&p, EMR_PROPOSAL_REMOVE, EMR_PROPOSAL_OPEN, 0, KIT_NOW + KIT_DAY);
	people_expect_try(RULES, &p, "the last organisation", ORG_APPROVE, ADMIN);
	people_put_network(&p, 1, 255);
	people_put_proposal(&p, EMR_PROPOSAL_ADMIT, EMR_PROPOSAL_OPEN, 0, KIT_NOW + KIT_DAY);
	people_expect_try(RULES, &p, "the 256th organisation", ORG_APPROVE, ADMIN);
	people_put_network(&p, 1, 2);
	kit_put_org(&p.world.state, p.clinic, EMR_ORG_REMOVED);
	people_put_proposal(&p, EMR_PROPOSAL_REMOVE, EMR_PROPOSAL_OPEN, 0, KIT_NOW + KIT_DAY);
	people_expect_try(RULES, &p, "gone already", ORG_APPROVE, ADMIN);
}

static void put_end(people_item *item, uint64_t end)
{
	for (size_t i = 0; i < 8; i++)
		item->pub[8 + i] = (uint8_t)(end >> (8 * (7 - i)));
}

/* The proposer chooses the day; with a clock that is ahead it is chosen for the ledger, too, and
 * nobody approves it before that day is near. */
TEST(a_proposal_is_open_for_a_year_at_most)
{
	static const struct {
		const char *name;
		uint64_t end;
		int proposed, approved;
	} rows[] = {{"a year", KIT_NOW + EMR_PROPOSAL_MAX_S, OK, OK},
		{"more than a year", KIT_NOW + EMR_PROPOSAL_MAX_S + 1, EMR_RESULT_LIMIT, GONE},
		{"for ever", UINT64_MAX, EMR_RESULT_LIMIT, GONE}};
	people p;

	for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
		people_item item;

		people_make(&p);
		item = people_item_of(&p, ORG_PROPOSE, ADMIN);
		put_end(&item, rows[r].end);
		people_expect(rows[r].proposed, &p, rows[r].name, ADMIN, &item);
		people_put_proposal(&p, EMR_PROPOSAL_MINT, EMR_PROPOSAL_OPEN, 0, rows[r].end);
		people_expect_try(rows[r].approved, &p, rows[r].name, ORG_APPROVE, ADMIN);
		people_free(&p);
	}
}

/* All its fields are as other kinds have them. */
TEST(a_kind_that_there_is_none_of_is_not_proposed)
{
	people_item item;

	SCENE(people, p, people_make, people_free);
	item = people_item_of(&p, ORG_PROPOSE, ADMIN);
	memset(item.pub + 16, 0, 16);
	memset(item.pub + 64, 0, 32);
	item.part = kit_span(NULL, 0);
	item.pub[0] = EMR_PROPOSAL_MINT;
	people_expect(OK, &p, "the last kind", ADMIN, &item);
	item.pub[0] = EMR_PROPOSAL_MINT + 1;
	people_expect(EMR_RESULT_FORMAT, &p, "behind the last kind", ADMIN, &item);
}

TESTS(NULL, NULL)
