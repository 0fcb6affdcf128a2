/* These tests are about every operation between people: which signer may send it, and under which
 * state of the sender's key. */
#include "test_contract_people.h"

/* Short names, so that the tables below can be read. */
enum {
	OK = EMR_RESULT_APPLIED,
	NO = EMR_RESULT_NOT_AUTHORISED,
	DEAD = EMR_RESULT_KEY_DEAD,
	OTHER = EMR_RESULT_NOT_GRANTEE,
	POOR = EMR_RESULT_FUNDS,
};

/* clang-format off */
static const int may[WHAT_COUNT][WHO_COUNT] = {
	/*                 OWNER MANAG WRITE GRANT PATIE AGENT GATEW ADMIN ADMI2 STEWA STRANGER */
	[KEY_ROTATE]     = { DEAD, NO,   OK,   OK,   OK,   OK,   OK,   OK,   OK,   OK,   DEAD },
	[KEY_REVOKE]     = { NO,   NO,   NO,   OK,   NO,   NO,   NO,   NO,   OK,   NO,   NO },
	[KEY_KX]         = { DEAD, OK,   OK,   OK,   OK,   OK,   OK,   OK,   OK,   OK,   DEAD },
	[ORG_PROPOSE]    = { NO,   NO,   NO,   NO,   NO,   NO,   NO,   OK,   OK,   NO,   NO },
	[ORG_APPROVE]    = { NO,   NO,   NO,   NO,   NO,   NO,   NO,   OK,   OK,   NO,   NO },
	[DOMAIN_ROTATE]  = { OK,   NO,   NO,   NO,   NO,   NO,   NO,   NO,   NO,   NO,   NO },
	[WRITER_ADD]     = { OK,   OK,   NO,   NO,   NO,   NO,   NO,   NO,   NO,   NO,   NO },
	[WRITER_DEL]     = { OK,   OK,   OK,   NO,   NO,   NO,   NO,   NO,   NO,   NO,   NO },
	[GRANT]          = { OK,   OK,   NO,   NO,   NO,   NO,   NO,   NO,   NO,   NO,   NO },
	[REVOKE]         = { OK,   OK,   NO,   NO,   NO,   NO,   NO,   NO,   NO,   NO,   NO },
	[KFRAGS]         = { OK,   NO,   NO,   NO,   NO,   NO,   NO,   NO,   NO,   NO,   NO },
	[LETTER]         = { OK,   OK,   NO,   NO,   NO,   NO,   NO,   NO,   NO,   NO,   NO },
	[AGENT_ACK]      = { NO,   NO,   NO,   NO,   NO,   OK,   OK,   NO,   NO,   NO,   NO },
	[REQUEST]        = { NO,   OK,   OK,   OK,   OK,   OK,   OK,   OK,   OK,   OK,   NO },
	[APPROVE]        = { OK,   OK,   NO,   NO,   NO,   NO,   NO,   NO,   NO,   NO,   NO },
	[DENY]           = { OK,   OK,   NO,   NO,   NO,   NO,   NO,   NO,   NO,   NO,   NO },
	[WITHDRAW]       = { NO,   NO,   NO,   OK,   NO,   NO,   NO,   NO,   NO,   NO,   NO },
	[ACCESS_REQ]     = { NO,   OTHER, OTHER, OK, OTHER, OTHER, OTHER, OTHER, OTHER, OTHER, NO },
	[SERVED_AGENT]   = { NO,   NO,   NO,   NO,   NO,   OK,   NO,   NO,   NO,   NO,   NO },
	[SERVED_OWNER]   = { OK,   OK,   NO,   NO,   NO,   NO,   NO,   NO,   NO,   NO,   NO },
	[SERVED_REFUSAL] = { OK,   OK,   NO,   NO,   NO,   OK,   NO,   NO,   NO,   NO,   NO },
	[READ_REPORT]    = { NO,   OTHER, OTHER, OK, OTHER, OTHER, OTHER, OTHER, OTHER, OTHER, NO },
	[DATASET_NEW]    = { NO,   NO,   OK,   NO,   NO,   NO,   NO,   OK,   OK,   OK,   NO },
	[DATASET_CLOSE]  = { NO,   NO,   NO,   NO,   NO,   NO,   NO,   NO,   NO,   OK,   NO },
	[DATASET_ADMIT]  = { NO,   NO,   NO,   NO,   NO,   NO,   NO,   NO,   NO,   OK,   NO },
	[DATASET_DROP]   = { NO,   NO,   NO,   OK,   NO,   NO,   NO,   NO,   NO,   OK,   NO },
	[DATASET_SNAPSHOT] = { NO, NO,   NO,   NO,   NO,   NO,   NO,   NO,   NO,   OK,   NO },
	[DATASET_JOIN]   = { OK,   OK,   NO,   NO,   NO,   NO,   NO,   NO,   NO,   NO,   NO },
	[DATASET_LEAVE]  = { OK,   OK,   NO,   NO,   NO,   NO,   NO,   NO,   NO,   NO,   NO },
	[MINT]           = { NO,   NO,   NO,   NO,   NO,   NO,   NO,   OK,   OK,   NO,   NO },
	[TRANSFER]       = { NO,   POOR, POOR, POOR, POOR, POOR, POOR, POOR, POOR, OK,   NO },
	[TRUSTEE_SET]    = { NO,   NO,   OK,   OK,   OK,   OK,   OK,   OK,   OK,   OK,   NO },
	[CERT_REVOKE]    = { NO,   NO,   NO,   NO,   NO,   NO,   NO,   NO,   OK,   NO,   NO },
	[ENROL_REVOKE]   = { NO,   NO,   NO,   NO,   NO,   NO,   NO,   NO,   OK,   NO,   NO },
	[HOST_KEY]       = { NO,   NO,   NO,   NO,   NO,   NO,   NO,   NO,   OK,   NO,   NO },
};

/* The sender in the tables of keys; where an operation is the owner's, the device that manages for
 * the owner, because the owner's key has no K row that could end. */
static const enum who rightful[WHAT_COUNT] = {
	[KEY_ROTATE] = GRANTEE, [KEY_REVOKE] = ADMIN2, [KEY_KX] = GRANTEE, [ORG_PROPOSE] = ADMIN2,
	[ORG_APPROVE] = ADMIN2, [DOMAIN_ROTATE] = OWNER, [WRITER_ADD] = MANAGER, [WRITER_DEL] = WRITER,
	[GRANT] = MANAGER, [REVOKE] = MANAGER, [KFRAGS] = OWNER, [LETTER] = MANAGER,
	[AGENT_ACK] = AGENT, [REQUEST] = GRANTEE, [APPROVE] = MANAGER, [DENY] = MANAGER,
	[WITHDRAW] = GRANTEE, [ACCESS_REQ] = GRANTEE, [SERVED_AGENT] = AGENT, [SERVED_OWNER] = MANAGER,
	[SERVED_REFUSAL] = AGENT, [READ_REPORT] = GRANTEE, [DATASET_NEW] = STEWARD,
	[DATASET_CLOSE] = STEWARD, [DATASET_ADMIT] = STEWARD, [DATASET_DROP] = STEWARD,
	[DATASET_SNAPSHOT] = STEWARD, [DATASET_JOIN] = MANAGER, [DATASET_LEAVE] = MANAGER,
	[MINT] = ADMIN2, [TRANSFER] = STEWARD,
	[TRUSTEE_SET] = GRANTEE, [CERT_REVOKE] = ADMIN2, [ENROL_REVOKE] = ADMIN2, [HOST_KEY] = ADMIN2,
};
/* clang-format on */

TEST(every_operation_by_everybody)
{
	char name[128];

	SCENE(people, p, people_make, people_free);
	for (int what = 0; what < WHAT_COUNT; what++)
		for (int who = 0; who < WHO_COUNT; who++) {
			snprintf(name, sizeof name, "%s by: %s", what_names[what], who_names[who]);
			people_expect_try(may[what][who], &p, name, (enum what)what, (enum who)who);
		}
}

static const struct key_end {
	const char *name;
	uint8_t state;
	int days;
	uint8_t org_state;
} key_ends[] = {
	{"expired", EMR_KEY_ACTIVE, 0, EMR_ORG_MEMBER},
	{"rotated", EMR_KEY_ROTATED, 9, EMR_ORG_MEMBER},
	{"revoked", EMR_KEY_REVOKED, 9, EMR_ORG_MEMBER},
	{"of a removed organisation", EMR_KEY_ACTIVE, 9, EMR_ORG_REMOVED},
};

/* The K row of WHO, as END has it, in the clinic; the submitter is of the other organisation. */
static void end_key(people *p, enum who who, const struct key_end *end)
{
	static const uint16_t roles[WHO_COUNT] = {[MANAGER] = EMR_ROLE_DEVICE,
		[WRITER] = EMR_ROLE_HOSPITAL,
		[GRANTEE] = EMR_ROLE_CLINICIAN,
		[AGENT] = EMR_ROLE_AGENT,
		[ADMIN2] = EMR_ROLE_ORG_ADMIN,
		[STEWARD] = EMR_ROLE_RESEARCHER};

	memcpy(p->world.caller.submitter_id, p->who[GATEWAY].id, 32);
	kit_put_org(&p->world.state, p->clinic, end->org_state);
	kit_put_key(&p->world.state, &p->who[who], p->clinic, roles[who], EMR_HOW_CERTIFICATE,
		end->state, KIT_NOW + (uint64_t)end->days * KIT_DAY);
}

TEST(nobody_acts_with_a_key_that_is_not_in_force)
{
	char name[128];
	people p;

	for (int what = 0; what < WHAT_COUNT; what++) {
		enum who who = rightful[what];

		if (who == OWNER)
			continue;
		for (size_t i = 0; i < sizeof key_ends / sizeof key_ends[0]; i++) {
			people_make(&p);
			end_key(&p, who, &key_ends[i]);
			snprintf(name, sizeof name, "%s by a key that is %s", what_names[what],
				key_ends[i].name);
			people_expect_try(DEAD, &p, name, (enum what)what, who);
			people_free(&p);
		}
	}
}

TEST(a_key_can_take_itself_out_of_use_but_not_twice_nor_when_another_has_followed_it)
{
	static const int expected[] = {OK, DEAD, DEAD, OK};
	char name[128];
	people p;

	for (size_t i = 0; i < sizeof key_ends / sizeof key_ends[0]; i++) {
		people_make(&p);
		end_key(&p, GRANTEE, &key_ends[i]);
		snprintf(name, sizeof name, "KEY_REVOKE of one's own key that is %s",
			key_ends[i].name);
		people_expect_try(expected[i], &p, name, KEY_REVOKE, GRANTEE);
		people_free(&p);
	}
}

TEST(an_endorser_revokes_his_device_and_no_other_device)
{
	people_item item;
	emr_row_key row;
	emr_key_text key;
	const kit_row *value;
	uint8_t bytes[EMR_ROW_KEY_BYTES];

	SCENE(people, p, people_make, people_free);
	emr_key_signer(p.who[MANAGER].id, &key);
	value = kit_get(&p.world.state, key.text);
	assert_int_equal(
		emr_row_key_parse(kit_span(value->value, value->len), &row), EMR_CONTRACT_OK);
	memcpy(row.ref, p.who[PATIENT].id, 32);
	emr_row_key_encode(&row, bytes);
	kit_put(&p.world.state, key.text, bytes, sizeof bytes);
	item = people_item_of(&p, KEY_REVOKE, PATIENT);
	memcpy(item.pub, p.who[MANAGER].id, 32);
	memcpy(item.item.object_id, p.who[MANAGER].id, 16);
	kit_follow(&p.world.state, key.text, &item.item);
	people_expect(OK, &p, "a lost telephone", PATIENT, &item);
	people_expect(NO, &p, "another's telephone", GRANTEE, &item);
}

TEST(a_manager_prolongs_nobodys_management_beyond_his_own)
{
	people_item item;
	emr_pub_writer_add pub = {.rights = EMR_RIGHT_MANAGE};

	SCENE(people, p, people_make, people_free);
	memcpy(pub.writer, p.who[STEWARD].id, 32);
	for (int beyond = 0; beyond < 2; beyond++) {
		item = people_item_of(&p, WRITER_ADD, MANAGER);
		pub.not_after_unix_s = KIT_NOW + 20 * KIT_DAY + (uint64_t)beyond;
		emr_pub_writer_add_encode(&pub, item.pub);
		people_expect(beyond ? NO : OK, &p, "a manager made by a manager", MANAGER, &item);
		people_expect(OK, &p, "a manager made by the owner", OWNER, &item);
	}
}

TEST(a_grant_on_a_foreign_domain_answers_no_request)
{
	uint8_t other[16];
	people_item item;
	emr_key_text key;
	emr_row_grant grant;
	uint8_t value[EMR_ROW_GRANT_BYTES];

	SCENE(people, p, people_make, people_free);
	kit_id16("another domain", other);
	kit_put_domain(&p.world.state, other, &p.who[STEWARD], 0, 1);
	grant = people_grant(&p);
	emr_key_grant(other, p.grant, &key);
	emr_row_grant_encode(&grant, value);
	kit_put(&p.world.state, key.text, value, sizeof value);
	item = people_item_of(&p, APPROVE, STEWARD);
	memcpy(item.pub, other, 16);
	people_expect(NO, &p, "APPROVE by the owner of another domain", STEWARD, &item);
	people_expect(NO, &p, "APPROVE with another's grant", OWNER, &item);
}

/* Only the addressee of a request that names no domain can show that it is his. */
TEST(a_request_to_a_person_is_denied_by_that_person_alone)
{
	uint8_t rsalt[32] = {1, 2, 3}, object[16];
	people_item ask, deny;
	emr_key_text key;

	SCENE(people, p, people_make, people_free);
	ask = people_item_of(&p, REQUEST, GRANTEE);
	memset(ask.item.domain_id, 0, 16);
	memset(ask.pub, 0, 32);
	emr_object_request(ask.pub, p.who[GRANTEE].id, ask.item.object_id);
	people_expect(EMR_RESULT_FORMAT, &p, "REQUEST to nobody", GRANTEE, &ask);
	emr_request_to(rsalt, p.who[PATIENT].id, ask.pub);
	emr_object_request(ask.pub, p.who[GRANTEE].id, ask.item.object_id);
	kit_expect(OK, people_do(&p, REQUEST, GRANTEE, &ask), "to a person");
	memcpy(object, ask.item.object_id, 16);
	deny = people_item_of(&p, DENY, PATIENT);
	memset(deny.item.domain_id, 0, 16);
	memcpy(deny.item.object_id, object, 16);
	memcpy(deny.pub, rsalt, 32);
	emr_key_in_domain("Q", deny.item.domain_id, object, &key);
	kit_follow(&p.world.state, key.text, &deny.item);
	people_expect(NO, &p, "DENY by another", STEWARD, &deny);
	deny.pub[0] ^= 1;
	people_expect(NO, &p, "DENY with another salt", PATIENT, &deny);
	deny.pub[0] ^= 1;
	people_expect(OK, &p, "DENY by the person", PATIENT, &deny);
}

/* A grant is called as the request that it answers. A request under the id of somebody else's grant
 * had that grant ended when it was taken back. */
TEST(nobody_chooses_what_a_request_is_called)
{
	people_item ask;
	uint8_t own[16];

	SCENE(people, p, people_make, people_free);
	for (int in_domain = 0; in_domain < 2; in_domain++) {
		ask = people_item_of(&p, REQUEST, GRANTEE);
		if (!in_domain)
			memset(ask.item.domain_id, 0, 16);
		memcpy(own, ask.item.object_id, 16);
		memcpy(ask.item.object_id, p.grant, 16);
		people_expect(
			EMR_RESULT_FORMAT, &p, "REQUEST under the id of a grant", GRANTEE, &ask);
		memcpy(ask.item.object_id, p.world.domain, 16);
		people_expect(
			EMR_RESULT_FORMAT, &p, "REQUEST under the id of a folder", GRANTEE, &ask);
		emr_object_request(ask.pub, p.who[STEWARD].id, ask.item.object_id);
		people_expect(
			EMR_RESULT_FORMAT, &p, "REQUEST under the id of another's", GRANTEE, &ask);
		memcpy(ask.item.object_id, own, 16);
		people_expect(OK, &p, "REQUEST under its own id", GRANTEE, &ask);
	}
}

/* The grant is the team's; a member signs with his own name and says for which team. */
TEST(a_member_reads_through_his_team_while_he_is_one)
{
	static const struct {
		const char *name;
		uint8_t state;
		int days;
		int request, report;
	} rows[] = {{"a member", EMR_MEMBER_ACTIVE, 1, OK, OK},
		{"a dropped member", EMR_MEMBER_ENDED, 1, OTHER, OK},
		{"a member out of time", EMR_MEMBER_ACTIVE, 0, OTHER, OK}};
	AUTO(people_free) people p;
	people_item ask, tell;
	emr_row_grant grant;

	people_make(&p);
	grant = people_grant(&p);
	emr_grantee_dataset(p.team, grant.grantee);
	people_put_grant(&p, &grant);
	ask = people_item_of(&p, ACCESS_REQ, GRANTEE);
	tell = people_item_of(&p, READ_REPORT, GRANTEE);
	people_expect(OTHER, &p, "the team's grant in one's own name", GRANTEE, &ask);
	memcpy(ask.pub + 16, p.team, 16);
	memcpy(tell.pub + 16, p.team, 16);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		people_put_member(
			&p, GRANTEE, rows[i].state, KIT_NOW + (uint64_t)rows[i].days * KIT_DAY);
		people_expect(rows[i].request, &p, rows[i].name, GRANTEE, &ask);
		people_expect(rows[i].report, &p, rows[i].name, GRANTEE, &tell);
	}
	people_expect(OTHER, &p, "no member", STEWARD, &ask);
	kit_id16("another team", ask.pub + 16);
	people_expect(OTHER, &p, "another team", GRANTEE, &ask);
}

TESTS(NULL, NULL)
