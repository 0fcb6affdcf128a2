/* These tests are about the number of the rules: what came before the members agreed on another one
 * is judged by the former, what comes behind it by the new one, and a program that does not know it
 * decides nothing. The first thing that only the second rules have is the key of a host. */
#include "test_contract_people.h"

enum {
	OK = EMR_RESULT_APPLIED,
	REFUSED = 1000, /* the whole batch */
	UNKNOWN = REFUSED + EMR_RESULT_UNKNOWN_OP,
};

static emr_span batch_of(
	const people *p, enum who who, const people_item *items, size_t n, uint64_t until)
{
	kit_batch batch;

	kit_begin(&batch, &p->who[who], p->world.net_id);
	batch.header.valid_until_unix_s += until;
	for (size_t i = 0; i < n; i++)
		kit_add(&batch, items[i].item, kit_span(items[i].pub, items[i].pub_len),
			items[i].part);
	return kit_end(&batch);
}

/* How judging ends, and with EMR_CONTRACT_OK the answer; what was applied goes into the state. */
static emr_contract_status judge(people *p, const char *name, enum who who,
	const people_item *items, size_t n, int *out_answer)
{
	static kit_run run;
	kit_state parts = {0};
	emr_span bytes = batch_of(p, who, items, n, 0);
	emr_contract_status status =
		kit_try(&run, name, bytes, &p->world.caller, KIT_NOW, &p->world.state, NULL);

	if (status == EMR_CONTRACT_OK) {
		*out_answer = kit_answer(&run);
		kit_commit(&run, &p->world.state, &parts);
	}
	kit_run_free(&run);
	kit_state_free(&parts);
	kit_drop(bytes);
	return status;
}

static int answer(people *p, const char *name, enum who who, const people_item *items, size_t n)
{
	int got = -1;

	assert_int_equal(judge(p, name, who, items, n, &got), EMR_CONTRACT_OK);
	return got;
}

static bool has_host_key(const people *p, emr_row_host_key *out)
{
	const kit_row *value;
	emr_key_text key;

	emr_key_host(p->clinic, &key);
	value = kit_get(&p->world.state, key.text);
	if (value != NULL)
		assert_int_equal(emr_row_host_key_parse(kit_span(value->value, value->len), out),
			EMR_CONTRACT_OK);
	return value != NULL;
}

TEST(the_first_rules_have_no_key_of_a_host)
{
	emr_row_host_key row;

	SCENE(people, p, people_make, people_free);
	people_item items[] = {
		people_item_of(&p, CERT_REVOKE, ADMIN2), people_item_of(&p, HOST_KEY, ADMIN2)};

	people_put_rules(&p, 1);
	kit_expect(UNKNOWN, answer(&p, "HOST_KEY under rules 1", ADMIN2, items + 1, 1), "alone");
	/* A program that knows no other rules cannot split the batch, and refuses all of it. */
	kit_expect(UNKNOWN, answer(&p, "HOST_KEY behind another, rules 1", ADMIN2, items, 2),
		"behind another item");
	kit_delete(&p.world.state, "N");
	kit_expect(UNKNOWN, answer(&p, "HOST_KEY, no N", ADMIN2, items + 1, 1), "without N");
	assert_false(has_host_key(&p, &row));
}

TEST(the_second_rules_let_an_administrator_name_the_key_of_the_host)
{
	emr_row_host_key row;
	people_item item, again;

	SCENE(people, p, people_make, people_free);
	people_put_rules(&p, 2);
	item = people_item_of(&p, HOST_KEY, ADMIN2);
	kit_expect(OK, answer(&p, "HOST_KEY under rules 2", ADMIN2, &item, 1), "the first key");
	assert_true(has_host_key(&p, &row));
	assert_memory_equal(row.signer, p.who[ADMIN2].id, 32);
	assert_memory_equal(row.key, item.pub + 16, 32);
	assert_int_equal(row.head.version, 1);
	/* Another one follows in its row, and nothing else does. */
	again = item;
	again.pub[40] ^= 1;
	kit_expect(EMR_RESULT_CONFLICT,
		answer(&p, "HOST_KEY that follows nothing", ADMIN2, &again, 1), "not the next");
	again = people_item_of(&p, HOST_KEY, ADMIN2);
	again.pub[40] ^= 1;
	kit_expect(OK, answer(&p, "HOST_KEY again", ADMIN2, &again, 1), "the next key");
	assert_true(has_host_key(&p, &row));
	assert_memory_equal(row.key, again.pub + 16, 32);
	assert_int_equal(row.head.version, 2);
}

TEST(nobody_else_names_the_key_of_a_host)
{
	static const enum who others[] = {ADMIN, STEWARD, WRITER, GATEWAY};
	emr_row_host_key row;
	people_item item;

	SCENE(people, p, people_make, people_free);
	for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
		item = people_item_of(&p, HOST_KEY, others[i]);
		kit_expect(EMR_RESULT_NOT_AUTHORISED,
			answer(&p, "HOST_KEY by another", others[i], &item, 1),
			who_names[others[i]]);
	}
	item = people_item_of(&p, HOST_KEY, ADMIN2);
	memset(item.pub + 16, 0, 32);
	kit_expect(EMR_RESULT_FORMAT, answer(&p, "HOST_KEY of zeros", ADMIN2, &item, 1), "zeros");
	item = people_item_of(&p, HOST_KEY, ADMIN2);
	memcpy(item.item.object_id, p.world.org, 16);
	kit_expect(EMR_RESULT_FORMAT,
		answer(&p, "HOST_KEY under another organisation", ADMIN2, &item, 1), "object");
	kit_put_org(&p.world.state, p.clinic, EMR_ORG_REMOVED);
	item = people_item_of(&p, HOST_KEY, ADMIN2);
	kit_expect(EMR_RESULT_KEY_DEAD, answer(&p, "HOST_KEY of no member", ADMIN2, &item, 1),
		"no member");
	assert_false(has_host_key(&p, &row));
}

TEST(behind_the_agreement_the_second_rules_hold)
{
	emr_row_host_key row;
	people_item both[2];

	SCENE(people, p, people_make, people_free);
	people_put_rules(&p, 1);
	people_put_proposal(&p, EMR_PROPOSAL_CONTRACT, EMR_PROPOSAL_OPEN, 0, KIT_NOW + KIT_DAY);
	{
		emr_row_proposal proposal;
		emr_key_text key;
		const kit_row *value;
		uint8_t bytes[EMR_ROW_PROPOSAL_MAX];

		emr_key_proposal(p.proposal, &key);
		value = kit_get(&p.world.state, key.text);
		assert_int_equal(
			emr_row_proposal_parse(kit_span(value->value, value->len), &proposal),
			EMR_CONTRACT_OK);
		proposal.subject[3] = 2;
		kit_put(&p.world.state, key.text, bytes,
			emr_row_proposal_encode(&proposal, NULL, bytes));
	}
	both[0] = people_item_of(&p, ORG_APPROVE, ADMIN);
	kit_expect(OK, answer(&p, "the first approval of rules 2", ADMIN, both, 1), "one of two");
	both[0] = people_item_of(&p, ORG_APPROVE, ADMIN2);
	both[1] = people_item_of(&p, HOST_KEY, ADMIN2);
	/* The batch that completes it is one of those before. */
	kit_expect(UNKNOWN, answer(&p, "HOST_KEY with the last approval", ADMIN2, both, 2),
		"in the same batch");
	assert_int_equal(people_network(&p).contract, 1);
	kit_expect(OK, answer(&p, "the last approval of rules 2", ADMIN2, both, 1), "two of two");
	assert_int_equal(people_network(&p).contract, 2);
	kit_expect(OK, answer(&p, "HOST_KEY behind the agreement", ADMIN2, both + 1, 1), "behind");
	assert_true(has_host_key(&p, &row));
}

/* A letter of no right is for a computer that only reads, and that has no other. */
static people_item letter_to(const people *p, enum who who, uint16_t rights)
{
	emr_pub_writer_add pub = {.rights = rights, .not_after_unix_s = KIT_NOW + 9 * KIT_DAY};
	people_item item = people_item_of(p, WRITER_ADD, OWNER);

	memcpy(pub.writer, p->who[who].id, 32);
	memcpy(item.item.object_id, p->who[who].id, 16);
	emr_pub_writer_add_encode(&pub, item.pub);
	return item;
}

TEST(a_computer_that_only_reads_has_letters_and_signs_nothing)
{
	people_item item;

	SCENE(people, p, people_make, people_free);
	people_put_rules(&p, 2);
	kit_put_key(&p.world.state, &p.who[STEWARD], p.clinic, EMR_ROLE_DEVICE | EMR_ROLE_READER,
		EMR_HOW_DEVICE, EMR_KEY_ACTIVE, KIT_NOW + 9 * KIT_DAY);
	item = letter_to(&p, GRANTEE, 0);
	people_expect(EMR_RESULT_NOT_AUTHORISED, &p, "no right for a person", OWNER, &item);
	item = letter_to(&p, STEWARD, EMR_RIGHT_MANAGE);
	people_expect(EMR_RESULT_NOT_AUTHORISED, &p, "a right for a reader", OWNER, &item);
	item = letter_to(&p, STEWARD, 0);
	people_put_rules(&p, 1);
	people_expect(EMR_RESULT_FORMAT, &p, "a reader's letter, rules 1", OWNER, &item);
	people_put_rules(&p, 2);
	people_expect(OK, &p, "a reader's letter", OWNER, &item);
	item = people_item_of(&p, KEY_KX, STEWARD);
	people_expect(REFUSED + EMR_RESULT_SUBMITTER, &p, "a reader's batch that another brings",
		STEWARD, &item);
	memcpy(p.world.caller.submitter_id, p.who[STEWARD].id, 32);
	item = people_item_of(&p, REVOKE, OWNER);
	people_expect(REFUSED + EMR_RESULT_SUBMITTER, &p, "another's batch that a reader brings",
		OWNER, &item);
}

TEST(by_rules_that_are_not_known_nothing_is_decided)
{
	uint8_t long_row[EMR_ROW_NETWORK_BYTES + 40] = {0};
	people_item item;
	emr_key_text key;
	uint32_t rules = 0;
	int got = -1;

	SCENE(people, p, people_make, people_free);
	item = people_item_of(&p, GRANT, OWNER);
	people_put_rules(&p, EMR_CONTRACT_VERSION + 1);
	assert_int_equal(judge(&p, NULL, OWNER, &item, 1, &got), EMR_CONTRACT_NEWER);
	people_put_rules(&p, UINT32_MAX);
	assert_int_equal(judge(&p, NULL, OWNER, &item, 1, &got), EMR_CONTRACT_NEWER);
	/* Rows have another form then, perhaps. */
	emr_key_signer(p.world.caller.submitter_id, &key);
	kit_put(&p.world.state, key.text, "other", 5);
	assert_int_equal(judge(&p, NULL, OWNER, &item, 1, &got), EMR_CONTRACT_NEWER);
	memcpy(long_row, kit_get(&p.world.state, "N")->value, EMR_ROW_NETWORK_BYTES);
	kit_put(&p.world.state, "N", long_row, sizeof long_row);
	assert_int_equal(judge(&p, NULL, OWNER, &item, 1, &got), EMR_CONTRACT_NEWER);
	assert_int_equal(got, -1);
	assert_int_equal(emr_contract_rules(kit_span(long_row, 55), &rules), EMR_CONTRACT_STATE);
	assert_int_equal(rules, 0);
	assert_int_equal(emr_contract_rules(kit_span(NULL, 0), &rules), EMR_CONTRACT_OK);
	assert_int_equal(rules, EMR_CONTRACT_FIRST);
}

TESTS(NULL, NULL)
