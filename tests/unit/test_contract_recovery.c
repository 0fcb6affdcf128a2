/* These tests are about somebody who lost all keys, and for whom a member asks the trustees: agents
 * answer when the delay is over and not before, and the person or one of her computers stops it. */
#include "test_contract_people.h"

enum {
	OK = EMR_RESULT_APPLIED,
	NO = EMR_RESULT_NOT_AUTHORISED,
	GONE = EMR_RESULT_GONE,
	HAS = EMR_RESULT_EXISTS,
	FORM = EMR_RESULT_FORMAT,
	PART = EMR_RESULT_PRIVATE_PART,
	DEAD = EMR_RESULT_KEY_DEAD,
	LIMIT = EMR_RESULT_LIMIT,
	UNKNOWN = 1000 + EMR_RESULT_UNKNOWN_OP,
	SHARE_PART = 113,
};

#define DELAY (3 * KIT_DAY) /* as people_item_of() names trustees */

/* GRANTEE has trustees, and MANAGER is a computer of GRANTEE's. */
static void begin(people *p)
{
	people_item item;
	emr_row_key row;
	emr_key_text key;
	const kit_row *value;
	uint8_t bytes[EMR_ROW_KEY_BYTES];

	people_make(p);
	people_put_rules(p, 2);
	item = people_item_of(p, TRUSTEE_SET, GRANTEE);
	kit_expect(OK, people_do(p, TRUSTEE_SET, GRANTEE, &item), "trustees");
	emr_key_signer(p->who[MANAGER].id, &key);
	value = kit_get(&p->world.state, key.text);
	assert_int_equal(
		emr_row_key_parse(kit_span(value->value, value->len), &row), EMR_CONTRACT_OK);
	memcpy(row.ref, p->who[GRANTEE].id, 32);
	emr_row_key_encode(&row, bytes);
	kit_put(&p->world.state, key.text, bytes, sizeof bytes);
}

/* An operation that is sent, changed by a test before it is. */
typedef struct step {
	uint8_t op, object[16], pub[48];
	uint32_t part_len;
	uint64_t now;
} step;

static step ask(void)
{
	step s = {.op = EMR_OP_RECOVER_REQ, .now = KIT_NOW};

	kit_id16("recovery", s.object);
	kit_id16("trustees", s.pub);
	memset(s.pub + 16, 0x66, 32);
	return s;
}

static step stop(const people *p, enum who person)
{
	step s = {.op = EMR_OP_RECOVER_CANCEL, .now = KIT_NOW};

	kit_id16("recovery", s.object);
	memcpy(s.pub, p->who[person].id, 32);
	return s;
}

static step give(const people *p, enum who agent)
{
	step s = {.op = EMR_OP_RECOVER_SHARE, .part_len = SHARE_PART, .now = KIT_NOW + DELAY};

	kit_id16("recovery", s.pub);
	emr_object_recovery(s.pub, p->who[agent].id, s.object);
	return s;
}

static void expect(int expected, people *p, const char *name, enum who who, const step *s)
{
	static kit_run run;
	emr_item item = {.op = s->op};
	kit_state parts = {0};
	emr_key_text key;
	kit_batch batch;
	emr_span bytes;
	int got;

	memcpy(item.object_id, s->object, 16);
	emr_key_by_object(s->op == EMR_OP_RECOVER_SHARE ? "RS" : "RQ", s->object, &key);
	kit_follow(&p->world.state, key.text, &item);
	kit_begin(&batch, &p->who[who], p->world.net_id);
	batch.header.time_unix_s = s->now - 10;
	batch.header.valid_until_unix_s = s->now + 300;
	kit_add(&batch, item, kit_span(s->pub, (size_t)emr_op_pub_len(s->op)),
		s->part_len > 0 ? kit_part(3, s->part_len) : (emr_span){0});
	bytes = kit_end(&batch);
	kit_judge(&run, name, bytes, &p->world.caller, s->now, &p->world.state, NULL);
	got = kit_answer(&run);
	if (got == OK)
		kit_commit(&run, &p->world.state, &parts);
	kit_run_free(&run);
	kit_state_free(&parts);
	kit_drop(bytes);
	kit_expect(expected, got, name);
}

static emr_row_recovery recovery_of(const people *p)
{
	emr_row_recovery row;
	const kit_row *value;
	emr_key_text key;
	uint8_t id[16];

	kit_id16("recovery", id);
	emr_key_by_object("RQ", id, &key);
	value = kit_get(&p->world.state, key.text);
	assert_non_null(value);
	assert_int_equal(
		emr_row_recovery_parse(kit_span(value->value, value->len), &row), EMR_CONTRACT_OK);
	return row;
}

TEST(a_member_asks_for_somebody_who_has_no_key)
{
	emr_row_recovery row;
	step s = ask();

	SCENE(people, p, begin, people_free);
	people_put_rules(&p, 1);
	expect(UNKNOWN, &p, "asked under rules 1", STEWARD, &s);
	people_put_rules(&p, 2);
	expect(NO, &p, "asked by nobody", STRANGER, &s);
	memset(s.pub + 16, 0, 32);
	expect(FORM, &p, "asked without a key to answer to", STEWARD, &s);
	s = ask();
	s.pub[0] ^= 1;
	expect(GONE, &p, "asked of no trustees", STEWARD, &s);
	s = ask();
	s.part_len = 33;
	expect(PART, &p, "asked with a letter", STEWARD, &s);
	s = ask();
	expect(OK, &p, "asked", STEWARD, &s);
	row = recovery_of(&p);
	assert_int_equal(row.head.state, EMR_RECOVERY_WAITS);
	assert_memory_equal(row.signer, p.who[STEWARD].id, 32);
	assert_memory_equal(row.trustees, s.pub, 16);
	assert_memory_equal(row.identity, p.who[GRANTEE].id, 32);
	assert_memory_equal(row.box, s.pub + 16, 32);
	assert_int_equal(row.earliest_unix_s, KIT_NOW + DELAY);
	memset(s.pub + 16, 0x67, 32);
	expect(HAS, &p, "asked under the same id", STEWARD, &s);
}

TEST(agents_answer_when_the_delay_is_over_and_once)
{
	step s;

	SCENE(people, p, begin, people_free);
	s = give(&p, AGENT);
	expect(GONE, &p, "an answer to nothing", AGENT, &s);
	s = ask();
	expect(OK, &p, "asked", STEWARD, &s);
	s = give(&p, AGENT);
	for (uint64_t early = 1; early <= DELAY; early *= 3) {
		s.now = KIT_NOW + DELAY - early;
		expect(LIMIT, &p, "an answer before its time", AGENT, &s);
	}
	s = give(&p, AGENT);
	s.part_len++;
	expect(PART, &p, "an answer of another length", AGENT, &s);
	s = give(&p, GRANTEE);
	expect(FORM, &p, "an answer under another's id", AGENT, &s);
	expect(NO, &p, "an answer by no agent", GRANTEE, &s);
	s = give(&p, AGENT);
	expect(OK, &p, "an answer", AGENT, &s);
	s.now++;
	expect(HAS, &p, "a second answer", AGENT, &s);
}

TEST(the_person_and_each_of_her_computers_stops_it)
{
	static const struct {
		enum who by, person;
		int expected;
	} cases[] = {{STRANGER, GRANTEE, NO}, {STEWARD, STEWARD, NO}, {STEWARD, GRANTEE, NO},
		{MANAGER, STEWARD, NO}, {AGENT, GRANTEE, NO}, {GRANTEE, GRANTEE, OK},
		{MANAGER, GRANTEE, OK}};
	step s;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		SCENE(people, p, begin, people_free);
		s = stop(&p, cases[i].person);
		expect(GONE, &p, "nothing is stopped", GRANTEE, &s);
		s = ask();
		expect(OK, &p, "asked", STEWARD, &s);
		s = stop(&p, cases[i].person);
		expect(cases[i].expected, &p, "stopped", cases[i].by, &s);
		assert_int_equal(recovery_of(&p).head.state,
			cases[i].expected == OK ? EMR_RECOVERY_STOPPED : EMR_RECOVERY_WAITS);
		s = give(&p, AGENT);
		expect(cases[i].expected == OK ? GONE : OK, &p, "an answer behind it", AGENT, &s);
		s = stop(&p, GRANTEE);
		s.now++;
		expect(cases[i].expected == OK ? GONE : OK, &p, "stopped again", GRANTEE, &s);
	}
}

TEST(after_new_words_the_former_trustees_and_agents_give_nothing_and_the_new_key_stops)
{
	people_item item;
	step s = ask();

	SCENE(people, p, begin, people_free);
	expect(OK, &p, "asked", STEWARD, &s);
	item = people_item_of(&p, KEY_ROTATE, GRANTEE);
	kit_expect(OK, people_do(&p, KEY_ROTATE, GRANTEE, &item), "rotate");
	s.object[0] ^= 1;
	expect(DEAD, &p, "asked of a former key's trustees", STEWARD, &s);
	s = give(&p, AGENT);
	expect(DEAD, &p, "an answer for a former key", AGENT, &s);
	s = stop(&p, GRANTEE);
	expect(DEAD, &p, "stopped by the former key", GRANTEE, &s);
	p.who[GRANTEE] = kit_signer_of("the next key");
	s = stop(&p, GRANTEE);
	expect(OK, &p, "stopped by the new key", GRANTEE, &s);
}

TESTS(NULL, NULL)
