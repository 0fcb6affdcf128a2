/* These tests send every operation between people on every state of the row that it is about. */
#include "test_contract_people.h"

enum {
	OK = EMR_RESULT_APPLIED,
	NO = EMR_RESULT_NOT_AUTHORISED,
	GONE = EMR_RESULT_GONE,
	HAS = EMR_RESULT_EXISTS,
	FORM = EMR_RESULT_FORMAT,
	NONE = EMR_RESULT_NO_GRANT,
	OVER = EMR_RESULT_GRANT_DEAD,
	DEAD = EMR_RESULT_KEY_DEAD,
	LIMIT = EMR_RESULT_LIMIT,
	MOVED = EMR_RESULT_CONFLICT,
};

/* ---- grants ---- */

TEST(a_grant_in_every_state)
{
	/* clang-format off */
	static const struct { enum what what; enum who who; } columns[] = {
		{ GRANT, OWNER }, { REVOKE, OWNER }, { KFRAGS, OWNER }, { APPROVE, OWNER },
		{ ACCESS_REQ, GRANTEE }, { SERVED_AGENT, AGENT }, { SERVED_OWNER, OWNER },
		{ SERVED_REFUSAL, AGENT }, { READ_REPORT, GRANTEE } };
	static const struct {
		const char *name;
		uint8_t state;	/* 0 = absent */
		int from, until; /* seconds from now */
		int expected[9];
	} rows[] = {
		/*                        GRANT REVOKE KFRAGS APPROVE REQ  AGENT OWNER REFUSED REPORT */
		{ "absent", 0, 0, 0,       { OK,   NONE, NONE, NONE, NONE, NONE, NONE, OK, NONE } },
		{ "in force", 1, -9, 9,    { OK,   OK,   OK,   OK,   OK,   OK,   OK,   OK, OK } },
		{ "just begun", 1, 0, 9,   { OK,   OK,   OK,   OK,   OK,   OK,   OK,   OK, OK } },
		{ "not begun", 1, 1, 9,    { OK,   OK,   OK,   OK,   OVER, OVER, OVER, OK, OK } },
		{ "last second", 1, -9, 1, { OK,   OK,   OK,   OK,   OK,   OK,   OK,   OK, OK } },
		{ "over", 1, -9, 0,        { OK,   OK,   OVER, OVER, OVER, OVER, OVER, OK, OK } },
		{ "revoked", 2, -9, 9,     { OVER, OVER, OVER, OVER, OVER, OVER, OVER, OK, OK } },
	};
	/* clang-format on */
	char name[128];
	people p;

	for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
		emr_row_grant row;

		people_make(&p);
		row = people_grant(&p);
		row.head.state = rows[r].state;
		row.not_before_unix_s = KIT_NOW + (uint64_t)(int64_t)rows[r].from;
		row.not_after_unix_s = KIT_NOW + (uint64_t)(int64_t)rows[r].until;
		if (rows[r].state == 0)
			people_forget(&p, "G", p.grant);
		else
			people_put_grant(&p, &row);
		for (size_t c = 0; c < sizeof columns / sizeof columns[0]; c++) {
			snprintf(name, sizeof name, "%s on a grant that is %s",
				what_names[columns[c].what], rows[r].name);
			people_expect_try(
				rows[r].expected[c], &p, name, columns[c].what, columns[c].who);
		}
		people_free(&p);
	}
}

TEST(a_revoked_grant_stays_revoked)
{
	static const enum what all[] = {GRANT, REVOKE, KFRAGS};
	people_item item;

	SCENE(people, p, people_make, people_free);
	item = people_item_of(&p, REVOKE, OWNER);
	kit_expect(OK, people_do(&p, REVOKE, OWNER, &item), "REVOKE");
	assert_int_equal(people_grant(&p).head.state, EMR_GRANT_REVOKED);
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		item = people_item_of(&p, all[i], OWNER);
		kit_expect(OVER, people_do(&p, all[i], OWNER, &item), what_names[all[i]]);
	}
}

TEST(new_terms_keep_the_grantee_and_the_count_of_fragments)
{
	people_item item;
	emr_row_grant before, after;

	SCENE(people, p, people_make, people_free);
	before = people_grant(&p);
	item = people_item_of(&p, GRANT, OWNER);
	kit_expect(OK, people_do(&p, GRANT, OWNER, &item), "new terms");
	after = people_grant(&p);
	assert_int_equal(after.head.version, before.head.version + 1);
	assert_int_equal(after.kver, before.kver);
	assert_memory_equal(after.kitem, before.kitem, 32);
	assert_int_equal(after.not_after_unix_s, KIT_NOW + 9 * KIT_DAY);
	item = people_item_of(&p, GRANT, OWNER);
	memcpy(item.pub, p.who[STEWARD].id, 32);
	people_expect(HAS, &p, "GRANT over a grant of another", OWNER, &item);
}

TEST(fragments_count_on_their_own)
{
	people_item item, old;
	emr_row_grant row, next;

	SCENE(people, p, people_make, people_free);
	row = people_grant(&p);
	old = item = people_item_of(&p, KFRAGS, OWNER);
	kit_expect(OK, people_do(&p, KFRAGS, OWNER, &item), "KFRAGS");
	next = people_grant(&p);
	assert_int_equal(next.kver, row.kver + 1);
	assert_int_equal(next.head.version, row.head.version);
	assert_memory_equal(next.head.item, row.head.item, 32);
	kit_expect(EMR_RESULT_ALREADY, people_again(&p, "the same again", OWNER, &old), "again");
	old.item.time_unix_s = KIT_NOW - 11;
	people_expect(MOVED, &p, "KFRAGS over newer ones", OWNER, &old);
	item = people_item_of(&p, KFRAGS, OWNER);
	kit_put_domain(&p.world.state, p.world.domain, &p.who[OWNER], 0, 2);
	item.item.epoch = 1; /* nobody is given what an earlier epoch hides */
	people_expect(EMR_RESULT_EPOCH, &p, "KFRAGS of an earlier epoch", OWNER, &item);
	next.kver = 256;
	people_put_grant(&p, &next);
	item = people_item_of(&p, KFRAGS, OWNER);
	item.item.epoch = 2;
	people_expect(LIMIT, &p, "the 257th fragments", OWNER, &item);
}

/* ---- requests and releases ---- */

TEST(a_request_ends_once)
{
	/* clang-format off */
	static const struct { const char *name; uint8_t state; int expected[4]; } rows[] = {
		/*                REQUEST APPROVE DENY WITHDRAW */
		{ "absent", 0,    { OK,  GONE, GONE, GONE } },
		{ "open", 1,      { HAS, OK,   OK,   OK } },
		{ "approved", 2,  { HAS, GONE, GONE, GONE } },
		{ "denied", 3,    { HAS, GONE, GONE, GONE } },
		{ "withdrawn", 4, { HAS, GONE, GONE, GONE } },
	};
	/* clang-format on */
	static const enum what whats[] = {REQUEST, APPROVE, DENY, WITHDRAW};
	people p;
	char name[128];

	for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
		people_make(&p);
		people_forget(&p, "Q", p.request);
		if (rows[r].state != 0)
			people_put_request(&p, rows[r].state);
		for (size_t w = 0; w < 4; w++) {
			enum who who =
				whats[w] == REQUEST || whats[w] == WITHDRAW ? GRANTEE : OWNER;
			people_item item = people_item_of(&p, whats[w], who);
			emr_key_text key;

			memcpy(item.item.object_id, p.request, 16);
			if (whats[w] == REQUEST)
				memset(item.pub, PEOPLE_ASKED, 32);
			emr_key_in_domain("Q", p.world.domain, p.request, &key);
			kit_follow(&p.world.state, key.text, &item.item);
			snprintf(name, sizeof name, "%s on a request that is %s",
				what_names[whats[w]], rows[r].name);
			people_expect(rows[r].expected[w], &p, name, who, &item);
		}
		people_free(&p);
	}
}

TEST(an_answer_fits_its_request_and_comes_within_a_day)
{
	people_item item;

	SCENE(people, p, people_make, people_free);
	item = people_item_of(&p, SERVED_AGENT, AGENT);
	people_forget(&p, "R", p.access);
	people_expect(GONE, &p, "SERVED without a request", AGENT, &item);
	people_put_access(&p, KIT_NOW - 86400);
	people_expect(OK, &p, "SERVED after a day", AGENT, &item);
	people_put_access(&p, KIT_NOW - 86401);
	people_expect(GONE, &p, "SERVED after more than a day", AGENT, &item);
	people_put_access(&p, KIT_NOW);
	item.pub[0] ^= 1; /* another request's id: the object must follow it */
	people_expect(FORM, &p, "SERVED, another request's id", AGENT, &item);
	emr_object_served(item.pub, p.who[AGENT].id, item.item.object_id);
	people_expect(GONE, &p, "SERVED of another request", AGENT, &item);
	item = people_item_of(&p, SERVED_AGENT, AGENT);
	kit_expect(OK, people_do(&p, SERVED_AGENT, AGENT, &item), "once");
	kit_expect(EMR_RESULT_ALREADY, people_again(&p, "the same answer", AGENT, &item), "same");
	item = people_item_of(&p, SERVED_REFUSAL, AGENT);
	people_expect(HAS, &p, "a second answer", AGENT, &item);
}

/* Operations whose row is made once. */
TEST(what_is_there_is_not_made_again)
{
	static const struct {
		enum what what;
		enum who who;
	} once[] = {{ORG_PROPOSE, ADMIN}, {LETTER, OWNER}, {AGENT_ACK, AGENT},
		{ACCESS_REQ, GRANTEE}, {READ_REPORT, GRANTEE}, {DATASET_NEW, STEWARD},
		{TRUSTEE_SET, GRANTEE}, {CERT_REVOKE, ADMIN2}};
	people p;
	people_item item, other;

	for (size_t i = 0; i < sizeof once / sizeof once[0]; i++) {
		people_make(&p);
		item = people_item_of(&p, once[i].what, once[i].who);
		kit_expect(OK, people_do(&p, once[i].what, once[i].who, &item),
			what_names[once[i].what]);
		kit_expect(EMR_RESULT_ALREADY,
			people_again(&p, what_names[once[i].what], once[i].who, &item),
			what_names[once[i].what]);
		other = item;
		other.item.time_unix_s = KIT_NOW - 12;
		kit_expect(MOVED, people_do(&p, once[i].what, once[i].who, &other),
			what_names[once[i].what]);
		other = people_item_of(&p, once[i].what, once[i].who);
		kit_expect(HAS, people_do(&p, once[i].what, once[i].who, &other),
			what_names[once[i].what]);
		people_free(&p);
	}
}

/* ---- writers, keys, teams ---- */

TEST(a_writer_in_every_state)
{
	static const struct {
		const char *name;
		uint8_t state;
		int days;
		int add, del;
	} rows[] = {{"absent", 0, 0, OK, GONE}, {"active", 1, 3, OK, OK},
		{"out of time", 1, 0, OK, OK}, {"ended", 2, 3, OK, GONE}};
	people p;
	people_item item;
	emr_key_text key;
	kit_signer twin;

	for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
		people_make(&p);
		if (rows[r].state != 0)
			kit_put_writer(&p.world.state, p.world.domain, &p.who[STEWARD], 1,
				rows[r].state, KIT_NOW + (uint64_t)rows[r].days * KIT_DAY);
		people_expect_try(rows[r].add, &p, rows[r].name, WRITER_ADD, OWNER);
		item = people_item_of(&p, WRITER_DEL, OWNER);
		memcpy(item.item.object_id, p.who[STEWARD].id, 16);
		emr_key_writer(p.world.domain, p.who[STEWARD].id, &key);
		kit_follow(&p.world.state, key.text, &item.item);
		people_expect(rows[r].del, &p, rows[r].name, OWNER, &item);
		people_free(&p);
	}
	people_make(&p);
	twin = p.who[STEWARD];
	twin.id[31] ^= 1;
	kit_put_writer(&p.world.state, p.world.domain, &twin, 1, 1, KIT_NOW + KIT_DAY);
	people_expect_try(HAS, &p, "WRITER_ADD over half an id", WRITER_ADD, OWNER);
	people_free(&p);
}

TEST(nobody_becomes_a_writer_or_member_with_a_dead_key)
{
	emr_key_text key;

	SCENE(people, p, people_make, people_free);
	kit_put_key(&p.world.state, &p.who[STEWARD], p.clinic, EMR_ROLE_RESEARCHER, 1,
		EMR_KEY_REVOKED, KIT_NOW + KIT_DAY);
	people_expect_try(DEAD, &p, "a revoked writer", WRITER_ADD, OWNER);
	kit_put_key(&p.world.state, &p.who[STEWARD], p.clinic, EMR_ROLE_RESEARCHER, 1, 1,
		KIT_NOW + KIT_DAY);
	kit_put_key(&p.world.state, &p.who[GRANTEE], p.clinic, EMR_ROLE_CLINICIAN, 1,
		EMR_KEY_REVOKED, KIT_NOW + KIT_DAY);
	people_expect_try(DEAD, &p, "a revoked member", DATASET_ADMIT, STEWARD);
	kit_put_key(&p.world.state, &p.who[GRANTEE], p.clinic, EMR_ROLE_CLINICIAN, 1,
		EMR_KEY_ROTATED, KIT_NOW + KIT_DAY);
	people_expect_try(OK, &p, "a member under his first key", DATASET_ADMIT, STEWARD);
	emr_key_signer(p.who[GRANTEE].id, &key);
	kit_delete(&p.world.state, key.text);
	people_expect_try(DEAD, &p, "an unknown member", DATASET_ADMIT, STEWARD);
}

TEST(a_team_in_every_state)
{
	static const struct {
		const char *name;
		uint8_t team, member;
		int close, admit, drop;
	} rows[] = {{"no team", 0, 0, GONE, GONE, GONE}, {"open, no member", 1, 0, OK, OK, GONE},
		{"open, a member", 1, 1, OK, OK, OK}, {"open, dropped", 1, 2, OK, OK, GONE},
		{"closed, a member", 2, 1, GONE, GONE, OK},
		{"closed, dropped", 2, 2, GONE, GONE, GONE}};
	emr_key_text key;
	uint8_t object[16];
	people p;

	for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
		people_make(&p);
		emr_object_member(p.team, p.who[GRANTEE].id, object);
		emr_key_by_object("DM", object, &key);
		kit_delete(&p.world.state, key.text);
		if (rows[r].member != 0)
			people_put_member(&p, GRANTEE, rows[r].member, KIT_NOW + KIT_DAY);
		emr_key_by_object("DS", p.team, &key);
		kit_delete(&p.world.state, key.text);
		if (rows[r].team != 0)
			people_put_team(&p, rows[r].team);
		people_expect_try(rows[r].close, &p, rows[r].name, DATASET_CLOSE, STEWARD);
		people_expect_try(rows[r].admit, &p, rows[r].name, DATASET_ADMIT, STEWARD);
		people_expect_try(rows[r].drop, &p, rows[r].name, DATASET_DROP, STEWARD);
		people_free(&p);
	}
}

static emr_row_grant grant_named(const people *p, const uint8_t grant[16])
{
	emr_key_text key;
	const kit_row *value;
	emr_row_grant row;

	emr_key_grant(p->world.domain, grant, &key);
	value = kit_get(&p->world.state, key.text);
	assert_non_null(value);
	assert_int_equal(
		emr_row_grant_parse(kit_span(value->value, value->len), &row), EMR_CONTRACT_OK);
	return row;
}

/* The members cannot ask any more for what they could read; and a reader that looks for the end of
 * the grant finds the item. */
TEST(leaving_a_dataset_ends_the_grant_by_which_it_was_joined)
{
	people_item item;
	emr_row_grant before, after;
	emr_key_text key;

	SCENE(people, p, people_make, people_free);
	before = grant_named(&p, p.study_grant);
	item = people_item_of(&p, DATASET_LEAVE, OWNER);
	kit_expect(OK, people_do(&p, DATASET_LEAVE, OWNER, &item), "leave");
	after = grant_named(&p, p.study_grant);
	assert_int_equal(after.head.state, EMR_GRANT_REVOKED);
	assert_int_equal(after.head.version, before.head.version + 1);
	emr_key_place(EMR_FAMILY_GRANT, p.world.domain, p.study_grant, after.head.version, &key);
	assert_non_null(kit_get(&p.world.state, key.text));
	kit_expect(EMR_RESULT_ALREADY,
		people_again(&p, "the same DATASET_LEAVE again", OWNER, &item), "again");
	people_expect_try(GONE, &p, "leaving twice", DATASET_LEAVE, OWNER);
}

/* One batch of the owner: the grant to the dataset, the joining, and the leaving. */
TEST(a_grant_a_join_and_a_leave_fit_in_one_batch)
{
	static const struct {
		uint8_t grantee_of; /* 0 the team, 1 the study */
		int grant, join, leave;
	} rows[] = {{0, OK, OK, OK}, {1, OK, EMR_RESULT_NOT_GRANTEE, GONE}};
	static kit_run run;
	people p;

	for (size_t r = 0; r < 2; r++) {
		people_item grant, join, leave;
		kit_batch batch;
		emr_span bytes;
		uint8_t id[32];

		people_make(&p);
		people_forget(&p, "G", p.team_grant);
		grant = people_item_of(&p, GRANT, OWNER);
		memcpy(grant.item.object_id, p.team_grant, 16);
		kit_follow(&p.world.state, "none", &grant.item);
		emr_grantee_dataset(rows[r].grantee_of == 0 ? p.team : p.study, grant.pub);
		join = people_item_of(&p, DATASET_JOIN, OWNER);
		leave = people_item_of(&p, DATASET_LEAVE, OWNER);
		memcpy(leave.item.object_id, p.team, 16);
		kit_begin(&batch, &p.who[OWNER], p.world.net_id);
		kit_add(&batch, grant.item, kit_span(grant.pub, grant.pub_len), grant.part);
		kit_add(&batch, join.item, kit_span(join.pub, join.pub_len), join.part);
		emr_item_id(kit_span(batch.items + batch.items_len - EMR_ITEM_BYTES - join.pub_len,
				    EMR_ITEM_BYTES + join.pub_len),
			id);
		leave.item.version = rows[r].join == OK ? 2 : 1;
		memset(leave.item.prev, 0, 32);
		if (rows[r].join == OK)
			memcpy(leave.item.prev, id, 32);
		kit_add(&batch, leave.item, kit_span(leave.pub, leave.pub_len), leave.part);
		bytes = kit_end(&batch);
		kit_judge(&run, "GRANT, DATASET_JOIN and DATASET_LEAVE in one batch", bytes,
			&p.world.caller, KIT_NOW, &p.world.state, NULL);
		assert_int_equal(run.outcome.results.data[0], rows[r].grant);
		assert_int_equal(run.outcome.results.data[1], rows[r].join);
		assert_int_equal(run.outcome.results.data[2], rows[r].leave);
		kit_run_free(&run);
		kit_drop(bytes);
		people_free(&p);
	}
}

TEST(a_dataset_that_is_over_or_costs_something_takes_nobody_for_nothing)
{
	emr_key_text key;
	emr_row_dataset row;
	const kit_row *value;

	SCENE(people, p, people_make, people_free);
	people_put_dataset(&p, p.team, EMR_DATASET_OPEN, 1);
	people_expect_try(EMR_RESULT_FUNDS, &p, "a join that nobody paid", DATASET_JOIN, OWNER);
	people_put_dataset(&p, p.team, EMR_DATASET_OPEN, 0);
	emr_key_by_object("DS", p.team, &key);
	value = kit_get(&p.world.state, key.text);
	assert_int_equal(
		emr_row_dataset_parse(kit_span(value->value, value->len), &row), EMR_CONTRACT_OK);
	for (uint64_t late = 0; late < 2; late++) {
		row.not_after_unix_s = KIT_NOW + 1 - late;
		emr_row_dataset_encode(&row, value->value);
		people_expect_try(
			late ? GONE : OK, &p, "a dataset at its end", DATASET_JOIN, OWNER);
	}
}

TEST(a_rotated_key_leaves_its_successor_in_its_place)
{
	kit_signer next = kit_signer_of("the next key");
	people_item item;
	emr_key_text key;
	const kit_row *value;
	emr_row_key old, new;

	SCENE(people, p, people_make, people_free);
	item = people_item_of(&p, KEY_ROTATE, GRANTEE);
	item.pub[200] ^= 1; /* in the proof of possession */
	people_expect(NO, &p, "KEY_ROTATE with a bad proof", GRANTEE, &item);
	item = people_item_of(&p, KEY_ROTATE, GRANTEE);
	item.pub[40] ^= 1;
	people_expect(NO, &p, "KEY_ROTATE nobody agreed to", GRANTEE, &item);
	item = people_item_of(&p, KEY_ROTATE, GRANTEE);
	kit_expect(OK, people_do(&p, KEY_ROTATE, GRANTEE, &item), "rotate");
	emr_key_signer(p.who[GRANTEE].id, &key);
	value = kit_get(&p.world.state, key.text);
	assert_int_equal(
		emr_row_key_parse(kit_span(value->value, value->len), &old), EMR_CONTRACT_OK);
	emr_key_signer(next.id, &key);
	value = kit_get(&p.world.state, key.text);
	assert_int_equal(
		emr_row_key_parse(kit_span(value->value, value->len), &new), EMR_CONTRACT_OK);
	assert_int_equal(old.head.state, EMR_KEY_ROTATED);
	assert_memory_equal(old.next, next.id, 32);
	assert_int_equal(new.head.state, EMR_KEY_ACTIVE);
	assert_memory_equal(new.root, p.who[GRANTEE].id, 32);
	assert_int_equal(new.roles, old.roles);
	people_expect_try(DEAD, &p, "the old key asks", ACCESS_REQ, GRANTEE);
	p.who[GRANTEE] = next; /* the grant names the root, which is the same */
	people_expect_try(OK, &p, "the new key asks", ACCESS_REQ, GRANTEE);
}

TEST(a_domain_goes_only_to_a_key_that_agrees)
{
	people_item item;

	SCENE(people, p, people_make, people_free);
	item = people_item_of(&p, DOMAIN_ROTATE, OWNER);
	item.pub[50] ^= 1;
	people_expect(NO, &p, "DOMAIN_ROTATE nobody agreed to", OWNER, &item);
	item = people_item_of(&p, DOMAIN_ROTATE, OWNER);
	kit_expect(OK, people_do(&p, DOMAIN_ROTATE, OWNER, &item), "rotate");
	item = people_item_of(&p, GRANT, OWNER);
	item.item.epoch++; /* which began with the new key */
	people_expect(NO, &p, "the old owner grants", OWNER, &item);
	p.who[OWNER] = kit_signer_of("the next owner");
	people_expect(OK, &p, "the new owner grants", OWNER, &item);
}

TESTS(NULL, NULL)
