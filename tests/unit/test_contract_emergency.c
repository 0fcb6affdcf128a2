/* These tests are about an emergency: a grant that its patient prepared opens when two clinicians
 * with the patient's card have each said why, for the hours in its name, and not for one alone. */
#include "test_contract_people.h"

enum {
	OK = EMR_RESULT_APPLIED,
	NO = EMR_RESULT_NOT_AUTHORISED,
	FORM = EMR_RESULT_FORMAT,
	NONE = EMR_RESULT_NO_GRANT,
	OVER = EMR_RESULT_GRANT_DEAD,
	OTHER = EMR_RESULT_NOT_GRANTEE,
	HAS = EMR_RESULT_EXISTS,
	UNKNOWN = 1000 + EMR_RESULT_UNKNOWN_OP,
	REASON_PART = 592,
};

static const uint8_t word[16] = {'c', 'a', 'r', 'd'};
static uint8_t hours; /* of the grant that is prepared */

/* The grant to the team opens for two; GRANTEE and STEWARD are clinicians of it. */
static void put_prepared(people *p, uint16_t rights)
{
	emr_row_grant row = people_grant(p);

	row.rights = rights;
	row.purposes = EMR_PURPOSE_EMERGENCY;
	row.not_after_unix_s = KIT_NOW + 30 * KIT_DAY;
	emr_grantee_dataset(p->team, row.grantee);
	emr_object_emergency(word, p->team, p->world.domain, hours, p->grant);
	people_put_grant(p, &row);
}

/* The key of WHO follows that of ROOT, and certificates of AS vouch for it. */
static void belong(people *p, enum who who, enum who root, enum who as)
{
	uint8_t value[EMR_ROW_KEY_BYTES];
	emr_key_text key;
	emr_row_key row;
	const kit_row *there;

	emr_key_signer(p->who[who].id, &key);
	there = kit_get(&p->world.state, key.text);
	assert_int_equal(
		emr_row_key_parse(kit_span(there->value, there->len), &row), EMR_CONTRACT_OK);
	memcpy(row.root, p->who[root].id, 32);
	memcpy(row.account, p->who[as].id, 32);
	emr_row_key_encode(&row, value);
	kit_put(&p->world.state, key.text, value, sizeof value);
}

static void begin(people *p)
{
	people_make(p);
	people_put_rules(p, 2);
	hours = 24;
	put_prepared(p, EMR_GRANT_LIST | EMR_GRANT_READ | EMR_GRANT_TWO);
	for (int i = 0; i < 2; i++) {
		enum who who = i == 0 ? GRANTEE : STEWARD;

		kit_put_key(&p->world.state, &p->who[who], p->clinic, EMR_ROLE_CLINICIAN,
			EMR_HOW_CERTIFICATE, EMR_KEY_ACTIVE, KIT_NOW + 30 * KIT_DAY);
		belong(p, who, who, who);
		people_put_member(p, who, EMR_MEMBER_ACTIVE, KIT_NOW + 30 * KIT_DAY);
	}
}

/* WHO sends OP about the grant at NOW; what is taken stays in the world. */
static int send(people *p, const char *name, enum who who, uint8_t op, const uint8_t *pub,
	size_t pub_len, const uint8_t object[16], emr_span part, uint64_t now)
{
	static kit_run run;
	emr_item item = {.op = op};
	kit_state parts = {0};
	emr_key_text key;
	kit_batch batch;
	emr_span bytes;
	int got;

	memcpy(item.domain_id, p->world.domain, 16);
	memcpy(item.object_id, object, 16);
	emr_key_in_domain(op == EMR_OP_EMERGENCY ? "EM" : "R", p->world.domain, object, &key);
	kit_follow(&p->world.state, key.text, &item);
	kit_begin(&batch, &p->who[who], p->world.net_id);
	batch.header.time_unix_s = now - 10;
	batch.header.valid_until_unix_s = now + 300;
	kit_add(&batch, item, kit_span(pub, pub_len), part);
	bytes = kit_end(&batch);
	kit_judge(&run, name, bytes, &p->world.caller, now, &p->world.state, NULL);
	got = kit_answer(&run);
	if (got == OK)
		kit_commit(&run, &p->world.state, &parts);
	kit_run_free(&run);
	kit_state_free(&parts);
	kit_drop(bytes);
	return got;
}

static emr_pub_emergency said(const people *p)
{
	emr_pub_emergency pub = {.hours = hours};

	memcpy(pub.grant, p->grant, 16);
	memcpy(pub.via, p->team, 16);
	memcpy(pub.word, word, 16);
	return pub;
}

static void says_that(int expected, people *p, const char *name, enum who who,
	const emr_pub_emergency *what, uint64_t now)
{
	uint8_t pub[49];

	emr_pub_emergency_encode(what, pub);
	kit_expect(expected,
		send(p, name, who, EMR_OP_EMERGENCY, pub, sizeof pub, what->grant,
			kit_part(3, REASON_PART), now),
		name);
}

static void says(int expected, people *p, const char *name, enum who who, uint64_t now)
{
	emr_pub_emergency what = said(p);

	says_that(expected, p, name, who, &what, now);
}

/* WHO asks for the keys of a record. */
static void asks(int expected, people *p, const char *name, enum who who, uint64_t now)
{
	static uint8_t turn;
	people_item item = people_item_of(p, ACCESS_REQ, who);

	memcpy(item.pub, p->grant, 16);
	memcpy(item.pub + 16, p->team, 16);
	item.item.object_id[0] = ++turn;
	kit_expect(expected,
		send(p, name, who, EMR_OP_ACCESS_REQ, item.pub, item.pub_len, item.item.object_id,
			item.part, now),
		name);
}

TEST(two_clinicians_open_it_for_a_day)
{
	SCENE(people, p, begin, people_free);
	asks(OVER, &p, "before anybody has said why", GRANTEE, KIT_NOW);
	says(OK, &p, "the first", GRANTEE, KIT_NOW);
	says(OK, &p, "the first again", GRANTEE, KIT_NOW + 100);
	asks(OVER, &p, "by the word of one", GRANTEE, KIT_NOW + 100);
	says(OK, &p, "the second", STEWARD, KIT_NOW + 200);
	asks(OK, &p, "by the word of two", GRANTEE, KIT_NOW + 300);
	asks(OK, &p, "the second asks, too", STEWARD, KIT_NOW + 300);
	asks(OVER, &p, "a third of the team", ADMIN2, KIT_NOW + 300);
	says(HAS, &p, "what is open", GRANTEE, KIT_NOW + 300);
	asks(OK, &p, "at the end of the day", GRANTEE, KIT_NOW + 200 + KIT_DAY - 1);
	asks(OVER, &p, "after it", GRANTEE, KIT_NOW + 200 + KIT_DAY);
	says(OK, &p, "another time", STEWARD, KIT_NOW + 2 * KIT_DAY);
	asks(OVER, &p, "another time, by one", STEWARD, KIT_NOW + 2 * KIT_DAY);
}

TEST(it_is_open_for_the_hours_that_the_patient_chose)
{
	static const uint8_t refused[] = {0, 25};
	emr_pub_emergency what;

	SCENE(people, p, begin, people_free);
	what = said(&p);
	what.hours = 6;
	says_that(FORM, &p, "other hours than the grant's", GRANTEE, &what, KIT_NOW);
	for (size_t i = 0; i < sizeof refused; i++) {
		hours = refused[i];
		put_prepared(&p, EMR_GRANT_LIST | EMR_GRANT_READ | EMR_GRANT_TWO);
		says(FORM, &p, "hours that there are not", GRANTEE, KIT_NOW);
	}
	hours = 6;
	put_prepared(&p, EMR_GRANT_LIST | EMR_GRANT_READ | EMR_GRANT_TWO);
	says(OK, &p, "the first", GRANTEE, KIT_NOW);
	says(OK, &p, "the second, after more than they are", STEWARD, KIT_NOW + 7 * 3600);
	asks(OK, &p, "at their end", GRANTEE, KIT_NOW + 13 * 3600 - 1);
	asks(OVER, &p, "after it", GRANTEE, KIT_NOW + 13 * 3600);
}

TEST(a_second_who_comes_late_is_a_first)
{
	SCENE(people, p, begin, people_free);
	says(OK, &p, "the first", GRANTEE, KIT_NOW);
	says(OK, &p, "who repeats it gains no time", GRANTEE, KIT_NOW + KIT_DAY - 1);
	says(OK, &p, "a day later", STEWARD, KIT_NOW + KIT_DAY + 1);
	asks(OVER, &p, "by two who did not meet", STEWARD, KIT_NOW + KIT_DAY + 2);
}

/* A person is one, under however many keys. */
TEST(one_clinician_with_two_keys_is_one)
{
	SCENE(people, p, begin, people_free);
	belong(&p, STEWARD, GRANTEE, STEWARD);
	says(OK, &p, "the first key", GRANTEE, KIT_NOW);
	says(OK, &p, "the next key", STEWARD, KIT_NOW);
	asks(OVER, &p, "by one person", GRANTEE, KIT_NOW + 1);
}

/* A certificate registers any number of keys, none of which follows another. */
TEST(one_clinician_who_registered_twice_is_one)
{
	SCENE(people, p, begin, people_free);
	belong(&p, STEWARD, STEWARD, GRANTEE);
	says(OK, &p, "the first key", GRANTEE, KIT_NOW);
	says(OK, &p, "the other key", STEWARD, KIT_NOW);
	asks(OVER, &p, "by one person twice", GRANTEE, KIT_NOW + 1);
	belong(&p, STEWARD, STEWARD, STRANGER);
	says(OK, &p, "somebody else", STEWARD, KIT_NOW + 2);
	asks(OK, &p, "by two", STEWARD, KIT_NOW + 3);
}

TEST(only_who_has_the_card_and_is_a_clinician_there_says_why)
{
	emr_pub_emergency what;

	SCENE(people, p, begin, people_free);
	what = said(&p);
	what.word[0] ^= 1;
	says_that(FORM, &p, "without the card", GRANTEE, &what, KIT_NOW);
	says(NO, &p, "no clinician", ADMIN2, KIT_NOW);
	people_put_member(&p, STEWARD, EMR_MEMBER_ENDED, KIT_NOW + KIT_DAY);
	says(OTHER, &p, "no member any more", STEWARD, KIT_NOW);
	put_prepared(&p, EMR_GRANT_LIST | EMR_GRANT_READ);
	says(NONE, &p, "a grant that was not prepared for it", GRANTEE, KIT_NOW);
	people_put_rules(&p, 1);
	says(UNKNOWN, &p, "by the first rules", GRANTEE, KIT_NOW);
}

TEST(only_an_emergency_with_agents_is_prepared)
{
	people_item item;
	emr_pub_grant pub;

	SCENE(people, p, begin, people_free);
	item = people_item_of(&p, GRANT, OWNER);
	pub = emr_pub_grant_of(kit_span(item.pub, item.pub_len));
	kit_id16("a new grant", item.item.object_id);
	item.item.version = 1;
	memset(item.item.prev, 0, 32);
	pub.rights = EMR_GRANT_LIST | EMR_GRANT_READ | EMR_GRANT_TWO;
	pub.purposes = EMR_PURPOSE_EMERGENCY;
	emr_pub_grant_encode(&pub, item.pub);
	people_expect(OK, &p, "prepared", OWNER, &item);
	pub.purposes |= 1;
	emr_pub_grant_encode(&pub, item.pub);
	people_expect(FORM, &p, "for treatment, too", OWNER, &item);
	pub.purposes = EMR_PURPOSE_EMERGENCY;
	emr_pub_grant_encode(&pub, item.pub);
	people_put_rules(&p, 1);
	people_expect(FORM, &p, "by the first rules", OWNER, &item);
}

TESTS(NULL, NULL)
