/* These tests are about the guardian of an adult, who acts for a patient with a keyring of her own:
 * he ends what others read or write, until a date. He ends no emergency, no manager, no computer
 * that only reads and no other guardian, and does nothing else; contract_matrix.txt has him in
 * every state of every operation.
 */
#include "test_contract_people.h"

enum {
	OK = EMR_RESULT_APPLIED,
	NO = EMR_RESULT_NOT_AUTHORISED,
	FORM = EMR_RESULT_FORMAT,
	GONE = EMR_RESULT_GONE,
	NONE = EMR_RESULT_NO_GRANT,
	OVER = EMR_RESULT_GRANT_DEAD,
	DEAD = EMR_RESULT_KEY_DEAD,
};

#define GUARDIAN STRANGER /* the kit's people have none */

static void put_writer(people *p, enum who who, uint16_t rights, uint8_t state, uint64_t not_after)
{
	kit_put_writer(&p->world.state, p->world.domain, &p->who[who], rights, state, not_after);
}

static void put_key(people *p, uint8_t state, uint64_t not_after)
{
	kit_put_key(&p->world.state, &p->who[GUARDIAN], p->clinic, EMR_ROLE_CLINICIAN,
		EMR_HOW_CERTIFICATE, state, not_after);
}

static void put_grant(people *p, uint16_t rights, uint8_t state)
{
	emr_row_grant row = people_grant(p);

	row.rights = rights;
	row.head.state = state;
	people_put_grant(p, &row);
}

static void begin(people *p)
{
	people_make(p);
	people_put_rules(p, 2);
	put_key(p, EMR_KEY_ACTIVE, KIT_NOW + 30 * KIT_DAY);
	put_writer(p, GUARDIAN, EMR_RIGHT_GUARDIAN, EMR_WRITER_ACTIVE, KIT_NOW + KIT_DAY);
}

/* The owner gives RIGHTS, of a writer or of a grant. */
static void gives(int expected, people *p, enum what what, uint16_t rights)
{
	people_item item = people_item_of(p, what, OWNER);
	char name[64];

	item.pub[what == GRANT ? 61 : 33] = (uint8_t)rights;
	if (what == GRANT && (rights & EMR_GRANT_TWO) != 0)
		item.pub[59] = EMR_PURPOSE_EMERGENCY;
	(void)snprintf(name, sizeof name, "%s with the rights %d, rules %d", what_names[what],
		rights, people_network(p).contract);
	people_expect(expected, p, name, OWNER, &item);
}

TEST(from_the_second_rules_on_a_guardian_is_made_who_is_no_manager)
{
	const uint16_t all = EMR_GRANT_LIST | EMR_GRANT_READ | EMR_GRANT_GUARDIAN;

	SCENE(people, p, begin, people_free);
	gives(OK, &p, WRITER_ADD, EMR_RIGHT_GUARDIAN);
	gives(OK, &p, WRITER_ADD, EMR_RIGHT_GUARDIAN | 23);
	gives(FORM, &p, WRITER_ADD, EMR_RIGHT_GUARDIAN | EMR_RIGHT_MANAGE);
	gives(OK, &p, GRANT, all);
	gives(OK, &p, GRANT, all | EMR_GRANT_OWN_AGENTS);
	gives(FORM, &p, GRANT, all & ~EMR_GRANT_LIST);
	gives(FORM, &p, GRANT, all & ~EMR_GRANT_READ);
	gives(OK, &p, GRANT, EMR_GRANT_LIST | EMR_GRANT_READ | EMR_GRANT_TWO);
	gives(FORM, &p, GRANT, all | EMR_GRANT_TWO);
	people_put_rules(&p, 1);
	gives(FORM, &p, WRITER_ADD, EMR_RIGHT_GUARDIAN);
	gives(FORM, &p, GRANT, all);
}

TEST(a_guardian_ends_what_others_read)
{
	people_item silent;

	SCENE(people, p, begin, people_free);
	put_grant(&p, EMR_GRANT_LIST | EMR_GRANT_READ | EMR_GRANT_TWO, EMR_GRANT_ACTIVE);
	people_expect_try(NO, &p, "what was prepared for an emergency", REVOKE, GUARDIAN);
	put_grant(&p, EMR_GRANT_LIST | EMR_GRANT_READ | EMR_GRANT_GUARDIAN, EMR_GRANT_ACTIVE);
	people_expect_try(NO, &p, "what a guardian reads", REVOKE, GUARDIAN);
	people_expect_try(OK, &p, "the patient ends it", REVOKE, OWNER);
	put_grant(&p, EMR_GRANT_LIST | EMR_GRANT_READ | EMR_GRANT_OWN_AGENTS, EMR_GRANT_ACTIVE);
	people_expect_try(OK, &p, "what another reads", REVOKE, GUARDIAN);
	silent = people_item_of(&p, REVOKE, GUARDIAN);
	silent.pub[0] = 1; /* as the owner's computer does by itself, which no log tells */
	people_expect(NO, &p, "what another reads, unseen", GUARDIAN, &silent);
	put_grant(&p, EMR_GRANT_LIST, EMR_GRANT_REVOKED);
	people_expect_try(OVER, &p, "what has ended", REVOKE, GUARDIAN);
	people_forget(&p, "G", p.grant);
	people_expect_try(NONE, &p, "no grant", REVOKE, GUARDIAN);
}

TEST(a_guardian_ends_what_others_write)
{
	SCENE(people, p, begin, people_free);
	people_expect_try(OK, &p, "a writer", WRITER_DEL, GUARDIAN);
	put_writer(&p, WRITER, 23, EMR_WRITER_ACTIVE, KIT_NOW);
	people_expect_try(OK, &p, "a writer whose time is over", WRITER_DEL, GUARDIAN);
	put_writer(&p, WRITER, 23, EMR_WRITER_ENDED, KIT_NOW + KIT_DAY);
	people_expect_try(GONE, &p, "a writer who has ended", WRITER_DEL, GUARDIAN);
	put_writer(&p, WRITER, EMR_RIGHT_MANAGE, EMR_WRITER_ACTIVE, KIT_NOW + KIT_DAY);
	people_expect_try(NO, &p, "a manager", WRITER_DEL, GUARDIAN);
	put_writer(&p, WRITER, EMR_RIGHT_GUARDIAN | EMR_RIGHT_PUT, EMR_WRITER_ACTIVE,
		KIT_NOW + KIT_DAY);
	people_expect_try(NO, &p, "another guardian", WRITER_DEL, GUARDIAN);
	people_expect_try(OK, &p, "a guardian, by himself", WRITER_DEL, WRITER);
	people_expect_try(OK, &p, "a guardian, by the patient", WRITER_DEL, OWNER);
}

/* It keeps what opens when the patient has died: an executor's. */
TEST(a_guardian_ends_no_computer_that_only_reads)
{
	SCENE(people, p, begin, people_free);
	kit_put_key(&p.world.state, &p.who[WRITER], p.clinic, EMR_ROLE_DEVICE | EMR_ROLE_READER,
		EMR_HOW_DEVICE, EMR_KEY_ACTIVE, KIT_NOW + KIT_DAY);
	put_writer(&p, WRITER, 0, EMR_WRITER_ACTIVE, KIT_NOW + KIT_DAY);
	people_expect_try(NO, &p, "a computer that only reads", WRITER_DEL, GUARDIAN);
	put_writer(&p, WRITER, 0, EMR_WRITER_ACTIVE, KIT_NOW);
	people_expect_try(NO, &p, "one whose time is over", WRITER_DEL, GUARDIAN);
	people_expect_try(OK, &p, "a computer that only reads, by the patient", WRITER_DEL, OWNER);
}

/* With the rights that the ledger wrote itself. */
TEST(a_guardian_that_the_patient_made_ends_a_grant_once)
{
	people_item item;

	SCENE(people, p, begin, people_free);
	people_expect_try(NO, &p, "before", REVOKE, STEWARD);
	item = people_item_of(&p, WRITER_ADD, OWNER);
	item.pub[33] = EMR_RIGHT_GUARDIAN;
	assert_int_equal(people_do(&p, WRITER_ADD, OWNER, &item), OK);
	item = people_item_of(&p, REVOKE, STEWARD);
	assert_int_equal(people_do(&p, REVOKE, STEWARD, &item), OK);
	assert_int_equal(people_grant(&p).head.state, EMR_GRANT_REVOKED);
	people_expect_try(OVER, &p, "once more", REVOKE, STEWARD);
}

static void nothing(int expected, people *p, const char *name)
{
	people_expect_try(expected, p, name, REVOKE, GUARDIAN);
	people_expect_try(expected, p, name, WRITER_DEL, GUARDIAN);
}

static void puts_a_file(int expected, people *p, const char *name)
{
	kit_expect_item(expected, &p->world, name, &p->who[GUARDIAN],
		kit_item_of(&p->world, EMR_OP_PUT, "record"), kit_span(NULL, 0), kit_part(2, 828),
		NULL);
}

TEST(a_guardian_whose_time_or_key_is_over_ends_nothing)
{
	SCENE(people, p, begin, people_free);
	nothing(OK, &p, "in time");
	/* Another brings what a key that is over has signed. */
	memcpy(p.world.caller.submitter_id, p.who[GATEWAY].id, 32);
	put_key(&p, EMR_KEY_REVOKED, KIT_NOW + KIT_DAY);
	nothing(DEAD, &p, "a guardian's revoked key");
	put_key(&p, EMR_KEY_ACTIVE, KIT_NOW);
	nothing(DEAD, &p, "a guardian's key that is over");
	put_key(&p, EMR_KEY_ACTIVE, KIT_NOW + KIT_DAY);
	kit_put_listkey(&p.world.state, p.world.domain, &p.who[GUARDIAN], 1);
	put_writer(
		&p, GUARDIAN, EMR_RIGHT_GUARDIAN | EMR_RIGHT_PUT, EMR_WRITER_ACTIVE, KIT_NOW + 1);
	nothing(OK, &p, "in the last second");
	puts_a_file(OK, &p, "in the last second a file");
	put_writer(&p, GUARDIAN, EMR_RIGHT_GUARDIAN | EMR_RIGHT_PUT, EMR_WRITER_ACTIVE, KIT_NOW);
	nothing(NO, &p, "after the date");
	puts_a_file(NO, &p, "after the date a file");
	put_writer(&p, GUARDIAN, EMR_RIGHT_GUARDIAN, EMR_WRITER_ENDED, KIT_NOW + KIT_DAY);
	nothing(NO, &p, "a guardian who has ended");
	put_writer(
		&p, GUARDIAN, EMR_RIGHT_PUT | EMR_RIGHT_ANY, EMR_WRITER_ACTIVE, KIT_NOW + KIT_DAY);
	nothing(NO, &p, "a writer who is no guardian");
}

/* The same grant and the same writer, in another folder of hers. */
TEST(a_guardian_ends_nothing_in_another_folder_of_the_patient)
{
	emr_row_grant grant;

	SCENE(people, p, begin, people_free);
	grant = people_grant(&p);
	kit_id16("imaging", p.world.domain);
	kit_put_domain(&p.world.state, p.world.domain, &p.world.owner, 0, 1);
	people_put_grant(&p, &grant);
	put_writer(&p, WRITER, 23, EMR_WRITER_ACTIVE, KIT_NOW + KIT_DAY);
	nothing(NO, &p, "in another folder");
	people_expect_try(OK, &p, "there, by the patient", REVOKE, OWNER);
	people_expect_try(OK, &p, "there, by the patient", WRITER_DEL, OWNER);
	put_writer(&p, GUARDIAN, EMR_RIGHT_GUARDIAN, EMR_WRITER_ACTIVE, KIT_NOW + KIT_DAY);
	nothing(OK, &p, "a guardian there, too");
}

TEST(a_guardian_does_nothing_else)
{
	static const enum what others[] = {DOMAIN_ROTATE, WRITER_ADD, GRANT, KFRAGS, LETTER,
		APPROVE, DENY, WITHDRAW, SERVED_OWNER, DATASET_JOIN, DATASET_LEAVE, KEY_REVOKE};
	emr_row_trustees row;
	people_item item;
	emr_key_text key;
	const kit_row *there;

	SCENE(people, p, begin, people_free);
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		people_expect_try(NO, &p, what_names[others[i]], others[i], GUARDIAN);
	/* Trustees are always those of the signer. */
	item = people_item_of(&p, TRUSTEE_SET, GUARDIAN);
	assert_int_equal(people_do(&p, TRUSTEE_SET, GUARDIAN, &item), OK);
	emr_key_by_object("TR", item.item.object_id, &key);
	there = kit_get(&p.world.state, key.text);
	assert_non_null(there);
	assert_int_equal(
		emr_row_trustees_parse(kit_span(there->value, there->len), &row), EMR_CONTRACT_OK);
	assert_memory_equal(row.identity, p.who[GUARDIAN].id, 32);
}

TESTS(NULL, NULL)
