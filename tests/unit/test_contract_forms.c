/* These tests are about operations between people: dates, public and private parts, domains,
 * epochs and versions that are not as they should be. */
#include "crypto/hashsig.h"
#include "test_contract_people.h"

enum {
	OK = EMR_RESULT_APPLIED,
	NO = EMR_RESULT_NOT_AUTHORISED,
	GONE = EMR_RESULT_GONE,
	FORM = EMR_RESULT_FORMAT,
	NONE = EMR_RESULT_NO_GRANT,
	OVER = EMR_RESULT_GRANT_DEAD,
	OTHER = EMR_RESULT_NOT_GRANTEE,
	LIMIT = EMR_RESULT_LIMIT,
	PART = EMR_RESULT_PRIVATE_PART,
	MOVED = EMR_RESULT_CONFLICT,
	FUNDS = EMR_RESULT_FUNDS,
};

/* Where an operation's public part has the date of its end, and what the ledger says when that has
 * come. */
TEST(nothing_is_made_that_is_over_already)
{
	static const struct {
		enum what what;
		enum who who;
		size_t at;
		int expected;
	} rows[] = {{ORG_PROPOSE, ADMIN, 8, LIMIT}, {WRITER_ADD, OWNER, 40, LIMIT},
		{GRANT, OWNER, 40, OVER}, {DATASET_NEW, STEWARD, 104, LIMIT},
		{DATASET_ADMIT, STEWARD, 48, LIMIT}};
	AUTO(people_free) people p;

	people_make(&p);
	for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++)
		for (uint32_t late = 0; late < 2; late++) {
			people_item item = people_item_of(&p, rows[r].what, rows[r].who);
			uint32_t end = KIT_NOW + late;

			for (int i = 0; i < 8; i++)
				item.pub[rows[r].at + (size_t)i] =
					i < 4 ? 0 : (uint8_t)(end >> (8 * (7 - i)));
			kit_expect(late ? OK : rows[r].expected,
				people_answer(&p, "an end that has come", rows[r].who, &item),
				what_names[rows[r].what]);
		}
}

/* A release of a key is of this moment: it cannot be kept, or made ahead. */
TEST(a_request_for_a_key_and_its_answer_are_of_now)
{
	static const struct {
		const char *name;
		enum emr_host host;
		int age;      /* of header and item */
		int item_age; /* of the item beside that */
		int valid;    /* seconds after the header's time */
		int expected; /* 1000 more: the whole batch */
	} rows[] = {
		{"of now", EMR_HOST_EMBEDDED, 0, 0, 600, OK},
		{"ten minutes old", EMR_HOST_EMBEDDED, 600, 0, 600, OK},
		{"older", EMR_HOST_EMBEDDED, 601, 0, 600, 1000 + EMR_RESULT_EXPIRED_BATCH},
		{"an old item in a new batch", EMR_HOST_EMBEDDED, 0, 601, 600,
			1000 + EMR_RESULT_EXPIRED_BATCH},
		{"made to last", EMR_HOST_EMBEDDED, 0, 0, 601, 1000 + EMR_RESULT_EXPIRED_BATCH},
		{"from a clock that is ahead", EMR_HOST_EMBEDDED, -601, 0, 600,
			1000 + EMR_RESULT_TIME_AHEAD},
		{"from a clock a little ahead", EMR_HOST_EMBEDDED, -600, 0, 600, OK},
		{"fifteen minutes old, Fabric", EMR_HOST_FABRIC, 900, 0, 900, OK},
		{"older, Fabric", EMR_HOST_FABRIC, 901, 0, 900, 1000 + EMR_RESULT_EXPIRED_BATCH},
	};
	static const struct {
		enum what what;
		enum who who;
	} prompt[] = {{ACCESS_REQ, GRANTEE}, {SERVED_AGENT, AGENT}};
	static kit_run run;
	AUTO(people_free) people p;

	people_make(&p);
	p.world.caller.cert.is_present = true; /* of whom the K rows here say: no hash */
	for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++)
		for (size_t i = 0; i < 2; i++) {
			people_item item = people_item_of(&p, prompt[i].what, prompt[i].who);
			kit_batch batch;
			emr_span bytes;

			p.world.caller.host = rows[r].host;
			kit_begin(&batch, &p.who[prompt[i].who], p.world.net_id);
			batch.header.time_unix_s = (uint64_t)((int64_t)KIT_NOW - rows[r].age);
			batch.header.valid_until_unix_s =
				batch.header.time_unix_s + (uint64_t)rows[r].valid;
			item.item.time_unix_s =
				batch.header.time_unix_s - (uint64_t)rows[r].item_age;
			kit_add(&batch, item.item, kit_span(item.pub, item.pub_len), item.part);
			bytes = kit_end(&batch);
			kit_judge(&run, rows[r].name, bytes, &p.world.caller, KIT_NOW,
				&p.world.state, NULL);
			assert_int_equal(rows[r].expected, kit_answer(&run));
			kit_run_free(&run);
			kit_drop(bytes);
		}
}

/* ---- forms ---- */

TEST(a_public_part_out_of_form_is_refused)
{
	/* clang-format off */
	static const struct { enum what what; enum who who; size_t at; uint8_t value; int expected; } rows[] = {
		{ KEY_REVOKE, ADMIN2, 41, 2, FORM }, { KEY_REVOKE, ADMIN2, 41, 1, NO }, { KEY_REVOKE, ADMIN2, 42, 1, FORM },
		{ KEY_REVOKE, ADMIN2, 47, 1, FORM },
		{ ORG_PROPOSE, ADMIN, 0, 0, FORM }, { ORG_PROPOSE, ADMIN, 0, 2, FORM }, { ORG_PROPOSE, ADMIN, 0, 6, FORM },
		{ ORG_PROPOSE, ADMIN, 1, 1, FORM }, { ORG_PROPOSE, ADMIN, 2, 1, FORM }, { ORG_PROPOSE, ADMIN, 7, 1, FORM },
		{ WRITER_ADD, OWNER, 33, 0, NO }, { WRITER_ADD, OWNER, 33, 64, FORM }, { WRITER_ADD, OWNER, 34, 1, FORM },
		{ WRITER_ADD, OWNER, 39, 1, FORM }, { WRITER_ADD, OWNER, 0, 0x5a, FORM },
		{ GRANT, OWNER, 61, 0, FORM }, { GRANT, OWNER, 61, 8, FORM }, { GRANT, OWNER, 60, 1, FORM },
		{ GRANT, OWNER, 61, 9, OK }, { GRANT, OWNER, 61, 17, FORM },
		{ GRANT, OWNER, 59, 0, FORM }, { GRANT, OWNER, 58, 2, FORM }, { GRANT, OWNER, 56, 1, FORM },
		{ GRANT, OWNER, 62, 0, FORM }, { GRANT, OWNER, 62, 4, FORM }, { GRANT, OWNER, 63, 0, FORM },
		{ GRANT, OWNER, 63, 4, PART }, { GRANT, OWNER, 63, 2, PART }, { GRANT, OWNER, 32, 1, FORM },
		{ REVOKE, OWNER, 1, 1, FORM }, { REVOKE, OWNER, 7, 1, FORM }, { REVOKE, OWNER, 0, 200, OK },
		{ AGENT_ACK, AGENT, 32, 0, FORM }, { AGENT_ACK, AGENT, 32, 5, FORM }, { AGENT_ACK, AGENT, 33, 1, FORM },
		{ AGENT_ACK, AGENT, 0, 1, FORM }, { REQUEST, GRANTEE, 0, 1, FORM },
		{ ACCESS_REQ, GRANTEE, 33, 0, FORM }, { ACCESS_REQ, GRANTEE, 34, 1, FORM }, { ACCESS_REQ, GRANTEE, 39, 1, FORM },
		{ ACCESS_REQ, GRANTEE, 33, 4, OK }, { ACCESS_REQ, GRANTEE, 33, 5, PART }, { ACCESS_REQ, GRANTEE, 33, 2, PART },
		{ ACCESS_REQ, GRANTEE, 0, 0, NONE },
		{ SERVED_AGENT, AGENT, 48, 0, FORM }, { SERVED_AGENT, AGENT, 48, 4, FORM }, { SERVED_AGENT, AGENT, 49, 29, FORM },
		{ SERVED_AGENT, AGENT, 51, 0, OK }, { SERVED_AGENT, AGENT, 52, 1, FORM }, { SERVED_AGENT, AGENT, 55, 1, FORM },
		{ SERVED_AGENT, AGENT, 50, 4, LIMIT }, { SERVED_AGENT, AGENT, 32, 0, GONE }, { SERVED_REFUSAL, AGENT, 49, 0, FORM },
		{ SERVED_REFUSAL, AGENT, 51, 1, FORM },
		{ DATASET_NEW, STEWARD, 115, 0, FORM }, { DATASET_NEW, STEWARD, 112, 1, FORM }, { DATASET_NEW, STEWARD, 116, 1, FORM },
		{ DATASET_NEW, STEWARD, 40, 1, NO }, { DATASET_ADMIT, STEWARD, 0, 1, FORM }, { DATASET_ADMIT, STEWARD, 20, 1, FORM },
		{ DATASET_ADMIT, STEWARD, 56, 1, FORM }, { DATASET_ADMIT, STEWARD, 63, 1, FORM },
		{ DATASET_SNAPSHOT, STEWARD, 23, 0, FORM }, { DATASET_SNAPSHOT, STEWARD, 27, 0, FORM }, { DATASET_SNAPSHOT, STEWARD, 28, 1, FORM },
		{ DATASET_SNAPSHOT, STEWARD, 31, 1, FORM }, { DATASET_SNAPSHOT, STEWARD, 0, 0, GONE }, { DATASET_SNAPSHOT, STEWARD, 32, 0, OK },
		{ DATASET_JOIN, OWNER, 0, 0, NONE }, { DATASET_JOIN, OWNER, 16, 1, OTHER }, { DATASET_JOIN, OWNER, 47, 1, OTHER },
		{ MINT, ADMIN, 0, 0, FORM }, { MINT, ADMIN, 16, 0, OTHER }, { MINT, ADMIN, 55, 0, FUNDS }, { MINT, ADMIN, 48, 1, FUNDS },
		{ TRANSFER, STEWARD, 0, 0, NO }, { TRANSFER, STEWARD, 31, 1, NO },
		{ TRANSFER, STEWARD, 32, 0, OTHER }, { TRANSFER, STEWARD, 64, 1, FUNDS }, { TRANSFER, STEWARD, 71, 0, OK },
		{ TRANSFER, STEWARD, 70, 255, FUNDS },
		{ TRUSTEE_SET, GRANTEE, 0, 0, FORM }, { TRUSTEE_SET, GRANTEE, 0, 4, FORM }, { TRUSTEE_SET, GRANTEE, 1, 17, FORM },
		{ TRUSTEE_SET, GRANTEE, 1, 4, PART }, { TRUSTEE_SET, GRANTEE, 2, 1, FORM }, { TRUSTEE_SET, GRANTEE, 5, 0, FORM },
	};
	/* clang-format on */
	char name[128];

	SCENE(people, p, people_make, people_free);
	for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
		people_item item = people_item_of(&p, rows[r].what, rows[r].who);

		item.pub[rows[r].at] = rows[r].value;
		snprintf(name, sizeof name, "%s with %d at %zu", what_names[rows[r].what],
			rows[r].value, rows[r].at);
		people_expect(rows[r].expected, &p, name, rows[r].who, &item);
	}
}

TEST(a_private_part_of_another_length_is_refused)
{
	static const struct {
		enum what what;
		enum who who;
		int shorter, longer, step,
			none; /* one byte less, one more, one step more, no part */
	} rows[] = {{KEY_REVOKE, ADMIN2, OK, PART, PART, OK},
		{CERT_REVOKE, ADMIN2, OK, PART, PART, OK},
		{ENROL_REVOKE, ADMIN2, OK, PART, PART, OK}, {HOST_KEY, ADMIN2, OK, PART, PART, OK},
		{KEY_KX, GRANTEE, OK, PART, PART, OK}, {ORG_PROPOSE, ADMIN, OK, OK, OK, PART},
		{ORG_APPROVE, ADMIN, OK, PART, PART, OK}, {WRITER_ADD, OWNER, PART, PART, OK, PART},
		{WRITER_DEL, OWNER, OK, PART, PART, OK}, {GRANT, OWNER, PART, PART, OK, PART},
		{REVOKE, OWNER, OK, PART, PART, OK}, {KFRAGS, OWNER, PART, PART, PART, PART},
		{LETTER, OWNER, OK, OK, OK, PART}, {AGENT_ACK, AGENT, OK, PART, PART, OK},
		{REQUEST, GRANTEE, PART, PART, OK, PART}, {APPROVE, OWNER, OK, PART, PART, OK},
		{DENY, OWNER, OK, OK, OK, PART}, {WITHDRAW, GRANTEE, OK, PART, PART, OK},
		{ACCESS_REQ, GRANTEE, PART, PART, PART, PART},
		{SERVED_AGENT, AGENT, PART, PART, OK, PART},
		{SERVED_OWNER, OWNER, PART, PART, OK, PART},
		{SERVED_REFUSAL, AGENT, OK, PART, PART, OK},
		{READ_REPORT, GRANTEE, PART, PART, PART, PART},
		{DATASET_NEW, STEWARD, OK, OK, OK, PART},
		{DATASET_CLOSE, STEWARD, OK, PART, PART, OK},
		{DATASET_ADMIT, STEWARD, PART, PART, PART, PART},
		{DATASET_DROP, STEWARD, OK, PART, PART, OK},
		{DATASET_SNAPSHOT, STEWARD, OK, PART, PART, OK},
		{DATASET_JOIN, OWNER, OK, PART, PART, OK},
		{DATASET_LEAVE, OWNER, OK, PART, PART, OK}, {MINT, ADMIN, OK, PART, PART, OK},
		{TRANSFER, STEWARD, OK, PART, PART, OK},
		{TRUSTEE_SET, GRANTEE, PART, PART, PART, PART}};
	char name[128];
	AUTO(people_free) people p;

	people_make(&p);
	for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++)
		for (int change = 0; change < 4; change++) {
			static const char *const words[] = {
				"a shorter", "a longer", "a larger", "no"};
			people_item item = people_item_of(&p, rows[r].what, rows[r].who);
			int expected[] = {
				rows[r].shorter, rows[r].longer, rows[r].step, rows[r].none};
			size_t len = item.part.len;

			len = change == 0   ? (len == 0 ? 0 : len - 1)
			      : change == 1 ? len + 1
			      : change == 2 ? len + 512
					    : 0;
			item.part = kit_part(3, len);
			snprintf(name, sizeof name, "%s with %s part", what_names[rows[r].what],
				words[change]);
			people_expect(expected[change], &p, name, rows[r].who, &item);
		}
}

/* Every one is a capsule that the owner may have to open; she herself has as many as she likes. */
static void a_writer_has_64_listing_keys(people *p)
{
	static const struct {
		enum who who;
		uint64_t before;
		int expected;
	} rows[] = {{WRITER, 63, OK}, {WRITER, 64, LIMIT}, {OWNER, 64, OK}};

	for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
		const kit_signer *who = &p->who[rows[r].who];
		emr_item item = {.op = EMR_OP_LISTKEY, .version = rows[r].before + 1, .epoch = 1};
		emr_key_text key;

		kit_put_listkeys(&p->world.state, p->world.domain, who, 1, rows[r].before);
		memcpy(item.domain_id, p->world.domain, 16);
		emr_object_listkey(who->id, 1, item.object_id);
		emr_key_listkey(p->world.domain, item.object_id, &key);
		emr_sha256(key.text, strlen(key.text), item.prev);
		kit_expect_item(rows[r].expected, &p->world, "one listing key more", who, item,
			kit_span(NULL, 0), kit_part(1, 160), NULL);
	}
}

/* The item must be about the object that its public part names; and one's own organisation, one's
 * own team. */
TEST(an_item_is_about_what_its_public_part_names)
{
	static const struct {
		enum what what;
		enum who who;
		int expected;
	} rows[] = {{KEY_ROTATE, GRANTEE, FORM}, {KEY_KX, GRANTEE, FORM},
		{KEY_REVOKE, ADMIN2, FORM}, {CERT_REVOKE, ADMIN2, FORM},
		{ENROL_REVOKE, ADMIN2, FORM}, {HOST_KEY, ADMIN2, FORM},
		{DOMAIN_ROTATE, OWNER, FORM}, {WRITER_ADD, OWNER, FORM}, {AGENT_ACK, AGENT, FORM},
		{SERVED_AGENT, AGENT, FORM}, {DATASET_ADMIT, STEWARD, FORM}};
	emr_item listkey = {.op = EMR_OP_LISTKEY, .version = 1, .epoch = 1};
	emr_item restore = {.op = EMR_OP_RESTORE_PART};
	uint8_t no_family[16] = {EMR_FAMILY_EPOCH};
	people_item item;
	emr_row_grant grant;
	AUTO(people_free) people p;

	people_make(&p);
	for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
		item = people_item_of(&p, rows[r].what, rows[r].who);
		item.item.object_id[15] ^= 1;
		kit_expect(rows[r].expected,
			people_answer(&p, "an object that does not follow", rows[r].who, &item),
			what_names[rows[r].what]);
	}
	memcpy(listkey.domain_id, p.world.domain, 16);
	kit_expect_item(FORM, &p.world, "a listing key under another id", &p.who[WRITER], listkey,
		kit_span(NULL, 0), kit_part(1, 160), NULL);
	a_writer_has_64_listing_keys(&p);
	memcpy(restore.domain_id, p.world.domain, 16);
	kit_expect_item(FORM, &p.world, "RESTORE_PART of a family without parts", &p.who[WRITER],
		restore, kit_span(no_family, 16), kit_part(1, 60), NULL);
	item = people_item_of(&p, ORG_APPROVE, ADMIN);
	memcpy(item.pub, p.clinic, 16);
	people_expect(NO, &p, "ORG_APPROVE for another organisation", ADMIN, &item);
	item = people_item_of(&p, GRANT, OWNER);
	item.pub[63] = 17;
	item.part = kit_part(7, 210 + 32 * 17 + 512);
	people_expect(LIMIT, &p, "GRANT through 17 agents", OWNER, &item);
	item = people_item_of(&p, GRANT, OWNER);
	item.pub[61] |= 4;
	people_expect(FORM, &p, "GRANT of a right without a name", OWNER, &item);
	item = people_item_of(&p, GRANT, OWNER);
	item.pub[61] |= EMR_GRANT_OWN_AGENTS;
	item.pub[62] = item.pub[63] = 0;
	item.part = kit_part(7, 210 + 512);
	people_expect(FORM, &p, "GRANT of whose agents, and none", OWNER, &item);
	item = people_item_of(&p, KEY_REVOKE, ADMIN2);
	memcpy(item.pub, p.who[STRANGER].id, 32);
	memcpy(item.item.object_id, p.who[STRANGER].id, 16);
	item.item.version = 1;
	memset(item.item.prev, 0, 32);
	people_expect(EMR_RESULT_GONE, &p, "KEY_REVOKE of nobody", ADMIN2, &item);
	item = people_item_of(&p, ACCESS_REQ, GRANTEE); /* the grant is his own, not his team's */
	memcpy(item.pub + 16, p.team, 16);
	people_expect(EMR_RESULT_NOT_GRANTEE, &p, "one's own grant in the name of a team", GRANTEE,
		&item);
	grant = people_grant(&p);
	emr_grantee_dataset(p.team, grant.grantee);
	people_put_grant(&p, &grant);
	people_expect(OK, &p, "the team's grant", GRANTEE, &item);
}

/* A team's member is named by the first key of his chain, which his grants name, too. */
TEST(a_member_is_admitted_under_his_first_key)
{
	people_item item;
	emr_pub_dataset_admit pub = {.not_after_unix_s = KIT_NOW + KIT_DAY};
	kit_signer next;

	SCENE(people, p, people_make, people_free);
	item = people_item_of(&p, KEY_ROTATE, GRANTEE);
	kit_expect(OK, people_do(&p, KEY_ROTATE, GRANTEE, &item), "rotate");
	next = kit_signer_of("the next key");
	item = people_item_of(&p, DATASET_ADMIT, STEWARD);
	memcpy(pub.dataset, p.team, 16);
	memcpy(pub.member, next.id, 32);
	emr_pub_dataset_admit_encode(&pub, item.pub);
	emr_object_member(p.team, next.id, item.item.object_id);
	item.item.version = 1;
	memset(item.item.prev, 0, 32);
	people_expect(
		EMR_RESULT_NOT_GRANTEE, &p, "DATASET_ADMIT under a later key", STEWARD, &item);
	people_expect_try(OK, &p, "DATASET_ADMIT under the first", DATASET_ADMIT, STEWARD);
}

/* A domain where one is needed, none where not, the epoch that the operation has, no flags. */
TEST(domain_epoch_and_flags_are_those_of_the_operation)
{
	uint8_t elsewhere[16];
	char name[128];
	AUTO(people_free) people p;

	kit_id16("nowhere", elsewhere);
	people_make(&p);
	for (int what = 0; what < WHAT_COUNT; what++) {
		enum who who =
			what == ORG_PROPOSE || what == ORG_APPROVE || what == MINT	  ? ADMIN
			: what == CERT_REVOKE || what == ENROL_REVOKE || what == HOST_KEY ? ADMIN2
			: what == AGENT_ACK || what == SERVED_AGENT || what == SERVED_REFUSAL
				? AGENT
			: (what >= DATASET_NEW && what <= DATASET_SNAPSHOT) || what == TRANSFER
				? STEWARD
			: what == REQUEST || what == WITHDRAW || what == ACCESS_REQ ||
					what == READ_REPORT || what == TRUSTEE_SET || what <= KEY_KX
				? GRANTEE
				: OWNER;
		people_item item = people_item_of(&p, (enum what)what, who);
		bool has_domain = item.item.domain_id[0] != 0 || item.item.domain_id[1] != 0;

		snprintf(name, sizeof name, "%s with a flag", what_names[what]);
		item.item.flags = 1;
		people_expect(FORM, &p, name, who, &item);
		item.item.flags = 0;
		item.item.epoch += 5;
		snprintf(name, sizeof name, "%s of another epoch", what_names[what]);
		people_expect(EMR_RESULT_EPOCH, &p, name, who, &item);
		item.item.epoch -= 5;
		item.item.version += 1;
		snprintf(name, sizeof name, "%s of a later version", what_names[what]);
		people_expect(MOVED, &p, name, who, &item);
		item.item.version -= 1;
		memcpy(item.item.domain_id, elsewhere, 16);
		if (what == DOMAIN_ROTATE)
			memcpy(item.item.object_id, elsewhere, 16);
		snprintf(name, sizeof name, "%s elsewhere", what_names[what]);
		people_expect(has_domain ? EMR_RESULT_NO_DOMAIN : FORM, &p, name, who, &item);
	}
}

TESTS(NULL, NULL)
