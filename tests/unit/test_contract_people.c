/* Tests of the contract about people use this file: it makes members, grants, requests, teams
 * and proposals, and one right operation of each kind, which a test then changes. */
#include "test_contract_people.h"

#include "crypto/hashsig.h"

#include <sodium.h>

const char *const who_names[WHO_COUNT] = {"owner", "manager", "writer", "grantee", "patient",
	"agent", "gateway", "administrator", "administrator of the clinic", "steward", "stranger"};

const char *const what_names[WHAT_COUNT] = {"KEY_ROTATE", "KEY_REVOKE", "KEY_KX", "ORG_PROPOSE",
	"ORG_APPROVE", "DOMAIN_ROTATE", "WRITER_ADD", "WRITER_DEL", "GRANT", "REVOKE", "KFRAGS",
	"LETTER", "AGENT_ACK", "REQUEST", "APPROVE", "DENY", "WITHDRAW", "ACCESS_REQ",
	"ACCESS_SERVED by an agent", "ACCESS_SERVED by the owner", "ACCESS_SERVED, refused",
	"READ_REPORT", "DATASET_NEW", "DATASET_CLOSE", "DATASET_ADMIT", "DATASET_DROP",
	"DATASET_SNAPSHOT", "DATASET_JOIN", "DATASET_LEAVE", "MINT", "TRANSFER", "TRUSTEE_SET",
	"CERT_REVOKE", "ENROL_REVOKE", "HOST_KEY"};

/* ---- rows ---- */

static emr_row_head head_of(uint8_t family, uint8_t state, const char *key)
{
	emr_row_head head = {.family = family, .state = state, .version = 1};

	emr_sha256(key, strlen(key), head.item);
	return head;
}

static void put(people *p, const emr_key_text *key, const uint8_t *value, size_t len)
{
	kit_put(&p->world.state, key->text, value, len);
}

emr_row_grant people_grant(const people *p)
{
	emr_row_grant row;
	emr_key_text key;
	const kit_row *value;

	emr_key_grant(p->world.domain, p->grant, &key);
	value = kit_get(&p->world.state, key.text);
	assert_non_null(value);
	assert_int_equal(
		emr_row_grant_parse(kit_span(value->value, value->len), &row), EMR_CONTRACT_OK);
	return row;
}

void people_put_grant(people *p, const emr_row_grant *row)
{
	uint8_t value[EMR_ROW_GRANT_BYTES];
	emr_key_text key;

	emr_key_grant(p->world.domain, p->grant, &key);
	emr_row_grant_encode(row, value);
	put(p, &key, value, sizeof value);
}

static void put_grant(people *p)
{
	emr_row_grant row = {.head = head_of(EMR_FAMILY_GRANT, EMR_GRANT_ACTIVE, "grant"),
		.not_before_unix_s = KIT_NOW - 100,
		.not_after_unix_s = KIT_NOW + KIT_DAY,
		.purposes = 1,
		.rights = EMR_GRANT_LIST | EMR_GRANT_READ,
		.t = 2,
		.n = 3,
		.kver = 1};

	row.head.epoch = 1;
	memcpy(row.grantee, p->who[GRANTEE].id, 32);
	memset(row.kitem, 0x55, 32);
	people_put_grant(p, &row);
}

void people_put_dataset_grant(people *p, const uint8_t grant[16], const uint8_t dataset[16],
	uint8_t state, uint64_t not_after)
{
	emr_row_grant row = {.head = head_of(EMR_FAMILY_GRANT, state, "dataset grant"),
		.not_before_unix_s = KIT_NOW - 100,
		.not_after_unix_s = not_after,
		.purposes = 1,
		.rights = EMR_GRANT_LIST | EMR_GRANT_READ,
		.t = 1,
		.n = 1,
		.kver = 2};
	uint8_t value[EMR_ROW_GRANT_BYTES];
	emr_key_text key;

	row.head.epoch = 1;
	emr_grantee_dataset(dataset, row.grantee);
	emr_key_grant(p->world.domain, grant, &key);
	emr_row_grant_encode(&row, value);
	put(p, &key, value, sizeof value);
}

void people_put_join(people *p, const uint8_t dataset[16], const uint8_t grant[16], uint8_t state)
{
	emr_row_join row = {.head = head_of(EMR_FAMILY_JOIN, state, "join")};
	uint8_t value[EMR_ROW_JOIN_BYTES];
	emr_key_text key;

	memcpy(row.grant, grant, 16);
	emr_key_in_domain("J", p->world.domain, dataset, &key);
	emr_row_join_encode(&row, value);
	put(p, &key, value, sizeof value);
}

void people_put_account(people *p, const uint8_t account[32], uint64_t points)
{
	emr_row_account row = {.head = head_of(EMR_FAMILY_ACCOUNT, 1, "account"), .points = points};
	uint8_t value[EMR_ROW_ACCOUNT_BYTES];
	emr_key_text key;

	emr_key_account(account, &key);
	emr_row_account_encode(&row, value);
	put(p, &key, value, sizeof value);
}

emr_voice people_voice(const people *p, enum who who)
{
	emr_voice voice = {0};
	emr_row_org org;
	emr_key_text key;
	const kit_row *value;

	memcpy(voice.org, who == ADMIN2 ? p->clinic : p->world.org, 16);
	memcpy(voice.signer, p->who[who].id, 32);
	emr_key_org(voice.org, &key);
	value = kit_get(&p->world.state, key.text);
	assert_non_null(value);
	assert_int_equal(
		emr_row_org_parse(kit_span(value->value, value->len), &org), EMR_CONTRACT_OK);
	voice.member_version = org.head.version;
	return voice;
}

void people_put_points_proposal(
	people *p, uint8_t state, const uint8_t account[32], uint64_t amount)
{
	emr_row_proposal row = {.head = head_of(EMR_FAMILY_ORG, state, "points"),
		.kind = EMR_PROPOSAL_MINT,
		.not_after_unix_s = KIT_NOW - 1};
	uint8_t value[EMR_ROW_PROPOSAL_MAX];
	emr_key_text key;

	row.by = people_voice(p, ADMIN);
	emr_mint_subject(account, amount, row.subject);
	emr_key_proposal(p->points_proposal, &key);
	put(p, &key, value, emr_row_proposal_encode(&row, NULL, value));
}

uint64_t people_points(const kit_state *state)
{
	emr_row_account account;
	uint64_t sum = 0;

	for (size_t i = 0; i < state->count; i++) {
		emr_span value = kit_span(state->rows[i].value, state->rows[i].len);

		if (strncmp(state->rows[i].key, "A/", 2) != 0)
			continue;
		assert_int_equal(emr_row_account_parse(value, &account), EMR_CONTRACT_OK);
		sum += account.points;
	}
	return sum;
}

void people_put_request(people *p, uint8_t state)
{
	emr_row_request row = {.head = head_of(EMR_FAMILY_REQUEST, state, "request")};
	uint8_t value[EMR_ROW_REQUEST_BYTES];
	emr_key_text key;

	memcpy(row.signer, p->who[GRANTEE].id, 32);
	emr_key_in_domain("Q", p->world.domain, p->request, &key);
	emr_row_request_encode(&row, value);
	put(p, &key, value, sizeof value);
}

void people_put_access(people *p, uint64_t time)
{
	emr_row_access row = {.head = head_of(EMR_FAMILY_ACCESS, 1, "access"), .time_unix_s = time};
	uint8_t value[EMR_ROW_ACCESS_BYTES];
	emr_key_text key;

	memcpy(row.signer, p->who[GRANTEE].id, 32);
	memcpy(row.grant, p->grant, 16);
	emr_key_in_domain("R", p->world.domain, p->access, &key);
	emr_row_access_encode(&row, value);
	put(p, &key, value, sizeof value);
}

void people_put_proposal(people *p, uint8_t kind, uint8_t state, uint8_t count, uint64_t not_after)
{
	emr_row_proposal row = {.head = head_of(EMR_FAMILY_ORG, state, "proposal"),
		.kind = kind,
		.count = count,
		.not_after_unix_s = not_after};
	const emr_voice voices[] = {people_voice(p, ADMIN2), people_voice(p, ADMIN)};
	uint8_t value[EMR_ROW_PROPOSAL_MAX];
	emr_key_text key;

	row.by = people_voice(p, ADMIN);
	if (kind == EMR_PROPOSAL_ADMIT)
		kit_id16("laboratory", row.org);
	if (kind == EMR_PROPOSAL_REMOVE)
		memcpy(row.org, p->clinic, 16);
	memset(row.subject, kind == EMR_PROPOSAL_REMOVE ? 0 : 0x77, 32);
	if (kind == EMR_PROPOSAL_CONTRACT)
		memcpy(memset(row.subject, 0, 32), "\0\0\0\3", 4);
	memset(row.aux, kind == EMR_PROPOSAL_ADMIT ? 0x99 : 0, 32);
	emr_key_proposal(p->proposal, &key);
	put(p, &key, value, emr_row_proposal_encode(&row, voices, value));
}

void people_put_team(people *p, uint8_t state)
{
	people_put_dataset(p, p->team, state, 0);
}

void people_put_dataset(people *p, const uint8_t dataset[16], uint8_t state, uint64_t price)
{
	emr_row_dataset row = {.head = head_of(EMR_FAMILY_DATASET, state, "team"),
		.price = price,
		.not_after_unix_s = KIT_NOW + KIT_DAY,
		.purposes = 1};
	uint8_t value[EMR_ROW_DATASET_BYTES];
	emr_key_text key;

	memcpy(row.steward, p->who[STEWARD].id, 32);
	emr_key_by_object("DS", dataset, &key);
	emr_row_dataset_encode(&row, value);
	put(p, &key, value, sizeof value);
}

void people_put_member(people *p, enum who member, uint8_t state, uint64_t not_after)
{
	emr_row_member row = {
		.head = head_of(EMR_FAMILY_MEMBER, state, "member"), .not_after_unix_s = not_after};
	uint8_t value[EMR_ROW_MEMBER_BYTES], object[16];
	emr_key_text key;

	memcpy(row.dataset, p->team, 16);
	memcpy(row.member, p->who[member].id, 32);
	emr_object_member(p->team, p->who[member].id, object);
	emr_key_by_object("DM", object, &key);
	emr_row_member_encode(&row, value);
	put(p, &key, value, sizeof value);
}

void people_put_network(people *p, uint8_t quorum, uint8_t norg)
{
	emr_row_network row = {.head = {.family = EMR_FAMILY_ORG, .state = 1},
		.quorum = quorum,
		.norg = norg,
		.contract = EMR_CONTRACT_VERSION};
	uint8_t value[EMR_ROW_NETWORK_BYTES];
	emr_key_text key;

	emr_key_network(&key);
	emr_row_network_encode(&row, value);
	put(p, &key, value, sizeof value);
}

emr_row_network people_network(const people *p)
{
	const kit_row *value = kit_get(&p->world.state, "N");
	emr_row_network row;

	assert_non_null(value);
	assert_int_equal(
		emr_row_network_parse(kit_span(value->value, value->len), &row), EMR_CONTRACT_OK);
	return row;
}

void people_forget(people *p, const char *letters, const uint8_t object[16])
{
	emr_key_text key;

	emr_key_in_domain(letters, p->world.domain, object, &key);
	kit_delete(&p->world.state, key.text);
}

static void put_epoch(people *p)
{
	emr_row_epoch row = {.head = head_of(EMR_FAMILY_EPOCH, 1, "epoch")};
	uint8_t value[EMR_ROW_EPOCH_BYTES];
	emr_key_text key;

	row.head.epoch = 1;
	emr_key_epoch(p->world.domain, 1, &key);
	emr_row_epoch_encode(&row, value);
	put(p, &key, value, sizeof value);
}

static void put_keys(people *p)
{
	static const struct {
		enum who who;
		const char *name;
		uint16_t roles;
		bool is_clinic;
	} keys[] = {{MANAGER, "ana's telephone", EMR_ROLE_DEVICE, false},
		{WRITER, "general hospital", EMR_ROLE_HOSPITAL, false},
		{GRANTEE, "dr lima", EMR_ROLE_CLINICIAN, true},
		{AGENT, "agent of the clinic", EMR_ROLE_AGENT, true},
		{GATEWAY, "gateway", EMR_ROLE_GATEWAY, false},
		{ADMIN, "administrator", EMR_ROLE_ORG_ADMIN, false},
		{ADMIN2, "administrator of the clinic", EMR_ROLE_ORG_ADMIN, true},
		{STEWARD, "dr weber", EMR_ROLE_RESEARCHER, true}};

	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
		p->who[keys[i].who] = kit_signer_of(keys[i].name);
		kit_put_key(&p->world.state, &p->who[keys[i].who],
			keys[i].is_clinic ? p->clinic : p->world.org, keys[i].roles,
			keys[i].who == MANAGER ? EMR_HOW_DEVICE : EMR_HOW_CERTIFICATE,
			EMR_KEY_ACTIVE, KIT_NOW + 30 * KIT_DAY);
	}
	p->who[OWNER] = p->world.owner;
	p->who[PATIENT] = p->world.identity;
	p->who[STRANGER] = kit_signer_of("nobody");
}

static void put_points(people *p)
{
	kit_id16("the trial", p->trial);
	kit_id16("the grant to the trial", p->trial_grant);
	kit_id16("the past trial", p->past);
	kit_id16("the proposal of points", p->points_proposal);
	emr_account_of_dataset(p->trial, p->trial_fund);
	emr_account_of_dataset(p->past, p->past_fund);
	people_put_account(p, p->who[STEWARD].id, PEOPLE_COIN);
	people_put_dataset(p, p->trial, EMR_DATASET_OPEN, PEOPLE_PRICE);
	people_put_dataset(p, p->past, EMR_DATASET_CLOSED, PEOPLE_PRICE);
	people_put_dataset_grant(
		p, p->trial_grant, p->trial, EMR_GRANT_ACTIVE, KIT_NOW + 9 * KIT_DAY);
	people_put_account(p, p->trial_fund, PEOPLE_PRICE);
	people_put_account(p, p->past_fund, PEOPLE_PRICE);
	people_put_points_proposal(p, EMR_PROPOSAL_DONE, p->who[GRANTEE].id, PEOPLE_MINT);
}

void people_make(people *p)
{
	uint8_t asked[32];

	memset(p, 0, sizeof *p);
	kit_world_make(&p->world);
	kit_id16("clinic", p->clinic);
	kit_id16("the grant", p->grant);
	kit_id16("the access", p->access);
	kit_id16("the proposal", p->proposal);
	kit_id16("the team", p->team);
	kit_id16("the grant to the team", p->team_grant);
	kit_id16("the study", p->study);
	kit_id16("the grant to the study", p->study_grant);
	kit_put_org(&p->world.state, p->clinic, EMR_ORG_MEMBER);
	people_put_network(p, 0, 2);
	put_keys(p);
	memset(asked, PEOPLE_ASKED, sizeof asked);
	emr_object_request(asked, p->who[GRANTEE].id, p->request);
	put_epoch(p);
	kit_put_writer(&p->world.state, p->world.domain, &p->who[MANAGER], EMR_RIGHT_MANAGE, 1,
		KIT_NOW + 20 * KIT_DAY);
	kit_put_writer(
		&p->world.state, p->world.domain, &p->who[WRITER], 23, 1, KIT_NOW + 20 * KIT_DAY);
	put_grant(p);
	people_put_request(p, EMR_REQUEST_OPEN);
	people_put_access(p, KIT_NOW - 20);
	people_put_proposal(p, EMR_PROPOSAL_ADMIT, EMR_PROPOSAL_OPEN, 0, KIT_NOW + KIT_DAY);
	people_put_team(p, EMR_DATASET_OPEN);
	people_put_member(p, GRANTEE, EMR_MEMBER_ACTIVE, KIT_NOW + KIT_DAY);
	people_put_dataset(p, p->study, EMR_DATASET_OPEN, 0);
	people_put_dataset_grant(
		p, p->team_grant, p->team, EMR_GRANT_ACTIVE, KIT_NOW + 9 * KIT_DAY);
	people_put_dataset_grant(
		p, p->study_grant, p->study, EMR_GRANT_ACTIVE, KIT_NOW + 9 * KIT_DAY);
	people_put_join(p, p->study, p->study_grant, EMR_JOIN_ACTIVE);
	put_points(p);
}

void people_free(people *p)
{
	kit_world_free(&p->world);
}

/* ---- items ---- */

static const uint8_t codes[WHAT_COUNT] = {EMR_OP_KEY_ROTATE, EMR_OP_KEY_REVOKE, EMR_OP_KEY_KX,
	EMR_OP_ORG_PROPOSE, EMR_OP_ORG_APPROVE, EMR_OP_DOMAIN_ROTATE, EMR_OP_WRITER_ADD,
	EMR_OP_WRITER_DEL, EMR_OP_GRANT, EMR_OP_REVOKE, EMR_OP_KFRAGS, EMR_OP_LETTER,
	EMR_OP_AGENT_ACK, EMR_OP_REQUEST, EMR_OP_APPROVE, EMR_OP_DENY, EMR_OP_WITHDRAW,
	EMR_OP_ACCESS_REQ, EMR_OP_ACCESS_SERVED, EMR_OP_ACCESS_SERVED, EMR_OP_ACCESS_SERVED,
	EMR_OP_READ_REPORT, EMR_OP_DATASET_NEW, EMR_OP_DATASET_CLOSE, EMR_OP_DATASET_ADMIT,
	EMR_OP_DATASET_DROP, EMR_OP_DATASET_SNAPSHOT, EMR_OP_DATASET_JOIN, EMR_OP_DATASET_LEAVE,
	EMR_OP_MINT, EMR_OP_TRANSFER, EMR_OP_TRUSTEE_SET, EMR_OP_CERT_REVOKE, EMR_OP_ENROL_REVOKE,
	EMR_OP_HOST_KEY};

static void object(people_item *out, const uint8_t id[16])
{
	memcpy(out->item.object_id, id, 16);
}

static void rotate_pub(const people *p, enum who who, people_item *out)
{
	kit_signer next = kit_signer_of("the next key");
	uint8_t message[EMR_ROTATE_MESSAGE_BYTES];

	memcpy(out->pub, next.pk, 32);
	kit_pop("next", p->world.net_id, next.id, out->pub + 128, out->pub + 160);
	assert_int_equal(emr_rotate_message(p->world.net_id, p->who[who].id,
				 kit_span(out->pub, out->pub_len), message),
		EMR_CONTRACT_OK);
	crypto_sign_detached(out->pub + 32, NULL, message, sizeof message, next.sk);
}

static void served_pub(const people *p, enum what what, enum who who, people_item *out)
{
	emr_pub_access_served pub = {.mode = (uint8_t)(what - SERVED_AGENT + 1), .count = 2};
	uint8_t id[16];

	if (what == SERVED_REFUSAL) {
		pub.count = 0;
		pub.reason = EMR_RESULT_GRANT_DEAD;
	}
	emr_sha256("access", 6, pub.req);
	memcpy(pub.req_object, p->access, 16);
	emr_pub_access_served_encode(&pub, out->pub);
	emr_object_served(pub.req, p->who[who].id, id);
	object(out, id);
	if (what != SERVED_REFUSAL)
		out->part = kit_part(9, 32 + 80 + 48 + 512);
}

static void org_pub(const people *p, enum what what, enum who who, people_item *out)
{
	emr_pub_org_propose pub = {
		.kind = EMR_PROPOSAL_ADMIT, .not_after_unix_s = KIT_NOW + KIT_DAY};

	if (what == ORG_APPROVE) {
		bool is_clinic = who == ADMIN2 || who == STEWARD || who == GRANTEE || who == AGENT;

		memcpy(out->pub, is_clinic ? p->clinic : p->world.org, 16);
		object(out, p->proposal);
		return;
	}
	kit_id16("laboratory", pub.org);
	memset(pub.subject, 0x77, 32);
	memset(pub.aux, 0x99, 32);
	emr_pub_org_propose_encode(&pub, out->pub);
	kit_id16("another proposal", out->item.object_id);
	out->part = kit_part(4, 200);
}

static void team_pub(const people *p, enum what what, enum who who, people_item *out)
{
	emr_pub_dataset_new new = {.not_after_unix_s = KIT_NOW + KIT_DAY, .purposes = 1};
	emr_pub_dataset_admit admit = {.not_after_unix_s = KIT_NOW + KIT_DAY};
	uint8_t member[16];

	emr_object_member(p->team, p->who[GRANTEE].id, member);
	object(out, what == DATASET_CLOSE ? p->team : member);
	if (what == DATASET_NEW) {
		kit_pop("team", p->world.net_id, p->who[who].id, new.B, new.pop);
		emr_pub_dataset_new_encode(&new, out->pub);
		kit_id16("another team", out->item.object_id);
		out->part = kit_part(5, 90);
	}
	if (what == DATASET_ADMIT) {
		memcpy(admit.dataset, p->team, 16);
		memcpy(admit.member, p->who[GRANTEE].id, 32);
		emr_pub_dataset_admit_encode(&admit, out->pub);
		out->part = kit_part(6, 112);
	}
}

static void dataset_pub(const people *p, enum what what, people_item *out)
{
	emr_pub_dataset_snapshot snapshot = {.log_size = 77, .n = 3};
	emr_pub_dataset_join join = {.account = {0}};

	if (what == DATASET_SNAPSHOT) {
		memcpy(snapshot.dataset, p->team, 16);
		memset(snapshot.root, 0x66, 32);
		emr_pub_dataset_snapshot_encode(&snapshot, out->pub);
		kit_id16("a snapshot", out->item.object_id);
		return;
	}
	object(out, what == DATASET_JOIN ? p->team : p->study);
	memcpy(join.grant, p->team_grant, 16);
	if (what == DATASET_JOIN)
		emr_pub_dataset_join_encode(&join, out->pub);
}

static void points_pub(const people *p, enum what what, enum who who, people_item *out)
{
	emr_pub_mint mint = {.amount = PEOPLE_MINT};
	emr_pub_transfer transfer = {.amount = 300};
	emr_key_text key;

	memcpy(mint.proposal, p->points_proposal, 16);
	memcpy(mint.account, p->who[GRANTEE].id, 32);
	memcpy(transfer.from, p->who[who].id, 32);
	memcpy(transfer.to, p->who[who == PATIENT ? GRANTEE : PATIENT].id, 32);
	if (what == MINT) {
		object(out, p->points_proposal);
		emr_pub_mint_encode(&mint, out->pub);
		out->item.version = 1;
		return;
	}
	kit_id16("a payment", out->item.object_id);
	emr_pub_transfer_encode(&transfer, out->pub);
	emr_key_account(transfer.from, &key);
	kit_follow(&p->world.state, key.text, &out->item);
}

static void grant_pub(const people *p, enum what what, people_item *out)
{
	emr_pub_grant pub = {.not_before_unix_s = KIT_NOW - 1,
		.not_after_unix_s = KIT_NOW + 9 * KIT_DAY,
		.purposes = 1,
		.rights = 3,
		.t = 2,
		.n = 3};

	object(out, p->grant);
	if (what == GRANT) {
		memcpy(pub.grantee, p->who[GRANTEE].id, 32);
		emr_pub_grant_encode(&pub, out->pub);
		out->part = kit_part(7, 32 + 32 + 3 * 32 + 96 + 2 + 48 + 512);
	}
	if (what == KFRAGS)
		out->part = kit_part(8, 72 + 3 * 208);
	if (what != REVOKE)
		out->item.epoch = 1;
}

static void ack_pub(const people *p, enum who who, people_item *out)
{
	emr_pub_agent_ack pub = {.what = EMR_ACK_DESTROYED};

	memset(pub.subject, 0x33, 32);
	emr_pub_agent_ack_encode(&pub, out->pub);
	emr_object_ack(pub.subject, pub.what, p->who[who].id, out->item.object_id);
}

static void request_pub(const people *p, enum what what, enum who who, people_item *out)
{
	emr_pub_approve pub;

	object(out, p->request);
	if (what == REQUEST) {
		memset(out->pub, 0x52, 32);
		emr_object_request(out->pub, p->who[who].id, out->item.object_id);
		out->part = kit_part(10, 32 + 48 + 512);
	}
	if (what == APPROVE) {
		memcpy(pub.grant_domain, p->world.domain, 16);
		memcpy(pub.grant, p->grant, 16);
		emr_pub_approve_encode(&pub, out->pub);
	}
	if (what == DENY)
		out->part = kit_part(11, 32 + 48 + 20);
}

static void access_pub(const people *p, enum what what, people_item *out)
{
	emr_pub_access_req pub = {.count = 3};

	memcpy(pub.grant, p->grant, 16);
	if (what == ACCESS_REQ)
		emr_pub_access_req_encode(&pub, out->pub);
	else
		memcpy(out->pub, p->grant, 16);
	kit_id16(what == ACCESS_REQ ? "another access" : "report", out->item.object_id);
	/* three slots are four, to three readers; two entries */
	out->part = what == ACCESS_REQ ? kit_part(12, 128 + 3 * 112 + 8 + 4 * 32 + 16)
				       : kit_part(13, 82 + 2 * 72);
}

static void writer_pub(const people *p, enum what what, people_item *out)
{
	emr_pub_writer_add pub = {
		.rights = EMR_RIGHT_PUT, .not_after_unix_s = KIT_NOW + 5 * KIT_DAY};

	object(out, p->who[what == WRITER_ADD ? STEWARD : WRITER].id);
	if (what != WRITER_ADD)
		return;
	memcpy(pub.writer, p->who[STEWARD].id, 32);
	emr_pub_writer_add_encode(&pub, out->pub);
	out->part = kit_part(14, 32 + 48 + 1024);
}

static void key_pub(const people *p, enum what what, enum who who, people_item *out)
{
	emr_pub_key_revoke pub = {.invalid_since_unix_s = KIT_NOW - 5, .reason = 1};

	object(out, p->who[what == KEY_REVOKE ? GRANTEE : who].id);
	memcpy(pub.target, p->who[GRANTEE].id, 32);
	if (what == KEY_REVOKE)
		emr_pub_key_revoke_encode(&pub, out->pub);
	if (what == KEY_KX)
		memset(out->pub, 0x44, 32);
	if (what == KEY_ROTATE)
		rotate_pub(p, who, out);
}

static void cert_pub(const people *p, enum what what, people_item *out)
{
	emr_pub_cert_revoke pub;

	memcpy(pub.org, p->clinic, 16);
	memset(pub.ref, 0xc3, 32);
	object(out, what == HOST_KEY ? pub.org : pub.ref);
	emr_pub_cert_revoke_encode(&pub, out->pub);
}

static void enrol_pub(const people *p, people_item *out)
{
	emr_pub_enrol_revoke pub = {.through_unix_s = UINT64_MAX};

	memcpy(pub.org, p->clinic, 16);
	emr_enrolment_id(p->clinic, "lima", pub.enrolment);
	object(out, pub.enrolment);
	emr_pub_enrol_revoke_encode(&pub, out->pub);
}

/* The key of the row whose chain the item continues; KFRAGS has its own. */
static void follow(const people *p, enum what what, people_item *out)
{
	static const char *const in_domain[WHAT_COUNT] = {[WRITER_ADD] = "W",
		[WRITER_DEL] = "W",
		[GRANT] = "G",
		[REVOKE] = "G",
		[LETTER] = "H",
		[AGENT_ACK] = "Y",
		[REQUEST] = "Q",
		[APPROVE] = "Q",
		[DENY] = "Q",
		[WITHDRAW] = "Q",
		[ACCESS_REQ] = "R",
		[SERVED_AGENT] = "S",
		[SERVED_OWNER] = "S",
		[SERVED_REFUSAL] = "S",
		[READ_REPORT] = "X",
		[DATASET_JOIN] = "J",
		[DATASET_LEAVE] = "J"};
	static const char *const by_object[WHAT_COUNT] = {[ORG_PROPOSE] = "P",
		[DATASET_NEW] = "DS",
		[DATASET_CLOSE] = "DS",
		[DATASET_ADMIT] = "DM",
		[DATASET_DROP] = "DM",
		[DATASET_SNAPSHOT] = "SN",
		[TRUSTEE_SET] = "TR",
		[HOST_KEY] = "MH"};
	emr_key_text key = {0};

	if (in_domain[what] != NULL) {
		memcpy(out->item.domain_id, p->world.domain, 16);
		emr_key_in_domain(in_domain[what], p->world.domain, out->item.object_id, &key);
	} else if (by_object[what] != NULL) {
		emr_key_by_object(by_object[what], out->item.object_id, &key);
	} else if (what == ORG_APPROVE) {
		emr_key_approval(out->item.object_id, out->pub, &key);
	} else if (what == DOMAIN_ROTATE) {
		memcpy(out->item.domain_id, p->world.domain, 16);
		emr_key_domain(p->world.domain, &key);
	} else if (what == CERT_REVOKE) {
		emr_key_certificate(out->pub, out->pub + 16, &key);
	} else if (what == ENROL_REVOKE) {
		emr_key_enrolment(out->pub, out->pub + 16, &key);
	}
	kit_follow(&p->world.state, key.text, &out->item);
}

static void follow_key(const people *p, enum what what, enum who who, people_item *out)
{
	emr_key_text key;

	emr_key_signer(what == KEY_REVOKE ? p->who[GRANTEE].id : p->who[who].id, &key);
	kit_follow(&p->world.state, key.text, &out->item);
}

static void follow_fragments(const people *p, people_item *out)
{
	emr_key_text key;
	emr_row_grant row = {0};

	emr_key_grant(p->world.domain, p->grant, &key);
	if (kit_get(&p->world.state, key.text) != NULL)
		row = people_grant(p);
	memcpy(out->item.domain_id, p->world.domain, 16);
	out->item.version = row.kver + 1;
	memcpy(out->item.prev, row.kitem, 32);
}

people_item people_item_of(const people *p, enum what what, enum who who)
{
	people_item out = {.item = {.op = codes[what]}};

	out.pub_len = (size_t)emr_op_pub_len(codes[what]);
	if (what <= KEY_KX) {
		key_pub(p, what, who, &out);
		follow_key(p, what, who, &out);
		return out;
	}
	if (what <= ORG_APPROVE)
		org_pub(p, what, who, &out);
	else if (what == DOMAIN_ROTATE) {
		object(&out, p->world.domain);
	} else if (what <= WRITER_DEL)
		writer_pub(p, what, &out);
	else if (what <= KFRAGS)
		grant_pub(p, what, &out);
	else if (what == LETTER) {
		kit_id16("letter", out.item.object_id);
		out.part = kit_part(15, 900);
	} else if (what == AGENT_ACK)
		ack_pub(p, who, &out);
	else if (what <= WITHDRAW)
		request_pub(p, what, who, &out);
	else if (what == ACCESS_REQ || what == READ_REPORT)
		access_pub(p, what, &out);
	else if (what <= SERVED_REFUSAL)
		served_pub(p, what, who, &out);
	else if (what <= DATASET_DROP)
		team_pub(p, what, who, &out);
	else if (what <= DATASET_LEAVE)
		dataset_pub(p, what, &out);
	else if (what <= TRANSFER)
		points_pub(p, what, who, &out);
	else if (what == CERT_REVOKE || what == HOST_KEY)
		cert_pub(p, what, &out);
	else if (what == ENROL_REVOKE)
		enrol_pub(p, &out);
	else {
		emr_pub_trustee_set_encode(
			&(emr_pub_trustee_set){2, 3, 0, 0, 3 * KIT_DAY}, out.pub);
		kit_id16("trustees", out.item.object_id);
		out.part = kit_part(16, 32 + 2 * 32 + 3 * 113 + 72);
	}
	if (what == KFRAGS)
		follow_fragments(p, &out);
	else if (what != MINT && what != TRANSFER)
		follow(p, what, &out);
	if (what == DOMAIN_ROTATE)
		people_domain_rotate(p, who, &out);
	return out;
}

int people_answer(const people *p, const char *name, enum who who, const people_item *item)
{
	return kit_answer_item(&p->world, name, &p->who[who], item->item,
		kit_span(item->pub, item->pub_len), item->part, NULL);
}

int people_again(const people *p, const char *name, enum who who, const people_item *item)
{
	static kit_run run;
	kit_batch batch;
	emr_span bytes;
	int answer;

	kit_begin(&batch, &p->who[who], p->world.net_id);
	batch.header.valid_until_unix_s++;
	kit_add(&batch, item->item, kit_span(item->pub, item->pub_len), item->part);
	bytes = kit_end(&batch);
	kit_judge(&run, name, bytes, &p->world.caller, KIT_NOW, &p->world.state, NULL);
	answer = kit_answer(&run);
	kit_run_free(&run);
	kit_drop(bytes);
	return answer;
}

int people_do(people *p, enum what what, enum who who, const people_item *item)
{
	static kit_run run;
	kit_state parts = {0};
	kit_batch batch;
	emr_span bytes;
	int answer;

	kit_begin(&batch, &p->who[who], p->world.net_id);
	kit_add(&batch, item->item, kit_span(item->pub, item->pub_len), item->part);
	bytes = kit_end(&batch);
	kit_judge(&run, what_names[what], bytes, &p->world.caller, KIT_NOW, &p->world.state, NULL);
	answer = kit_answer(&run);
	if (answer == EMR_RESULT_APPLIED)
		kit_commit(&run, &p->world.state, &parts);
	kit_run_free(&run);
	kit_state_free(&parts);
	kit_drop(bytes);
	return answer;
}
