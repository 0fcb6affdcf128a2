/* This file builds each cell of the contract's matrix: every operation, by every kind of signer,
 * in every state of the row that it is about, and says what the contract answers. */
#include "matrix_world.h"

#include <sodium.h>

#include "crypto/hashsig.h"

#define BIT(state) (UINT32_C(1) << (state))

const char *const column_names[COLUMNS] = {"owner", "manager", "put", "meta", "mkdir", "any",
	"writer", "guardian", "depositor", "grantee", "member", "patient", "agent", "gateway",
	"admin", "admin2", "steward", "registered", "over", "ended", "stranger", "expired",
	"rotated", "revoked", "removed"};
const char *const state_names[STATES] = {"absent", "there", "again", "others", "coming", "over",
	"ended", "done", "denied", "erased", "no-domain", "no-grant", "grant-over", "grant-ended",
	"no-team", "team-ended", "directory", "old"};

typedef struct facts {
	const char *name;
	uint8_t op;
	enum who rightful; /* who has a K row, so that it can end */
	uint32_t states;
} facts;

#define ON_GRANT                                                                                   \
	(BIT(ST_ABSENT) | BIT(ST_COMING) | BIT(ST_THERE) | BIT(ST_OVER) | BIT(ST_ENDED) |          \
		BIT(ST_OTHERS))
#define ON_REQUEST                                                                                 \
	(BIT(ST_ABSENT) | BIT(ST_THERE) | BIT(ST_DONE) | BIT(ST_DENIED) | BIT(ST_ENDED) |          \
		BIT(ST_OTHERS))
#define BY_GRANT                                                                                   \
	(BIT(ST_ABSENT) | BIT(ST_AGAIN) | BIT(ST_NO_GRANT) | BIT(ST_COMING) | BIT(ST_GRANT_OVER) | \
		BIT(ST_GRANT_ENDED) | BIT(ST_OTHERS))
#define SERVING                                                                                    \
	(BIT(ST_ABSENT) | BIT(ST_THERE) | BIT(ST_AGAIN) | BIT(ST_OLD) | BIT(ST_NO_GRANT) |         \
		BIT(ST_GRANT_OVER) | BIT(ST_GRANT_ENDED))
#define ON_OBJECT                                                                                  \
	(BIT(ST_ABSENT) | BIT(ST_THERE) | BIT(ST_OTHERS) | BIT(ST_ENDED) | BIT(ST_ERASED) |        \
		BIT(ST_DIRECTORY) | BIT(ST_NO_DOMAIN))
#define ON_WRITER                                                                                  \
	(BIT(ST_ABSENT) | BIT(ST_THERE) | BIT(ST_OVER) | BIT(ST_ENDED) | BIT(ST_OTHERS) |          \
		BIT(ST_NO_DOMAIN))
#define ON_MEMBER                                                                                  \
	(BIT(ST_ABSENT) | BIT(ST_THERE) | BIT(ST_OVER) | BIT(ST_ENDED) | BIT(ST_OTHERS) |          \
		BIT(ST_NO_TEAM) | BIT(ST_TEAM_ENDED))

static const facts all[FORMS] = {
	[KEY_ROTATE] = {"KEY_ROTATE", EMR_OP_KEY_ROTATE, GRANTEE,
		BIT(ST_ABSENT) | BIT(ST_THERE) | BIT(ST_OTHERS)},
	[KEY_REVOKE] = {"KEY_REVOKE", EMR_OP_KEY_REVOKE, ADMIN2,
		BIT(ST_ABSENT) | BIT(ST_THERE) | BIT(ST_OVER) | BIT(ST_DONE) | BIT(ST_ENDED)},
	[KEY_KX] = {"KEY_KX", EMR_OP_KEY_KX, GRANTEE, BIT(ST_ABSENT) | BIT(ST_THERE)},
	[ORG_PROPOSE] = {"ORG_PROPOSE", EMR_OP_ORG_PROPOSE, ADMIN2,
		BIT(ST_ABSENT) | BIT(ST_AGAIN) | BIT(ST_OTHERS)},
	[ORG_APPROVE] = {"ORG_APPROVE", EMR_OP_ORG_APPROVE, ADMIN2,
		BIT(ST_ABSENT) | BIT(ST_THERE) | BIT(ST_AGAIN) | BIT(ST_OVER) | BIT(ST_DONE)},
	[DOMAIN_ROTATE] = {"DOMAIN_ROTATE", EMR_OP_DOMAIN_ROTATE, MANAGER,
		BIT(ST_ABSENT) | BIT(ST_THERE) | BIT(ST_OTHERS)},
	[WRITER_ADD] = {"WRITER_ADD", EMR_OP_WRITER_ADD, MANAGER, ON_WRITER},
	[WRITER_DEL] = {"WRITER_DEL", EMR_OP_WRITER_DEL, MANAGER, ON_WRITER},
	[GRANT] = {"GRANT", EMR_OP_GRANT, MANAGER, ON_GRANT | BIT(ST_NO_DOMAIN)},
	[REVOKE] = {"REVOKE", EMR_OP_REVOKE, MANAGER, ON_GRANT | BIT(ST_NO_DOMAIN)},
	[KFRAGS] = {"KFRAGS", EMR_OP_KFRAGS, MANAGER, ON_GRANT | BIT(ST_NO_DOMAIN)},
	[LETTER] = {"LETTER", EMR_OP_LETTER, MANAGER,
		BIT(ST_ABSENT) | BIT(ST_AGAIN) | BIT(ST_NO_DOMAIN)},
	[AGENT_ACK] = {"AGENT_ACK", EMR_OP_AGENT_ACK, AGENT, BIT(ST_ABSENT) | BIT(ST_AGAIN)},
	[REQUEST] = {"REQUEST", EMR_OP_REQUEST, GRANTEE, BIT(ST_ABSENT) | BIT(ST_AGAIN)},
	[APPROVE] = {"APPROVE", EMR_OP_APPROVE, MANAGER,
		ON_REQUEST | BIT(ST_NO_GRANT) | BIT(ST_GRANT_OVER) | BIT(ST_GRANT_ENDED)},
	[DENY] = {"DENY", EMR_OP_DENY, MANAGER, ON_REQUEST},
	[WITHDRAW] = {"WITHDRAW", EMR_OP_WITHDRAW, GRANTEE, ON_REQUEST},
	[ACCESS_REQ] = {"ACCESS_REQ", EMR_OP_ACCESS_REQ, GRANTEE, BY_GRANT},
	[SERVED_AGENT] = {"ACCESS_SERVED-agent", EMR_OP_ACCESS_SERVED, AGENT, SERVING},
	[SERVED_OWNER] = {"ACCESS_SERVED-owner", EMR_OP_ACCESS_SERVED, MANAGER, SERVING},
	[SERVED_REFUSAL] = {"ACCESS_SERVED-refusal", EMR_OP_ACCESS_SERVED, AGENT, SERVING},
	[READ_REPORT] = {"READ_REPORT", EMR_OP_READ_REPORT, GRANTEE, BY_GRANT},
	[DATASET_NEW] = {"DATASET_NEW", EMR_OP_DATASET_NEW, STEWARD,
		BIT(ST_ABSENT) | BIT(ST_AGAIN) | BIT(ST_OTHERS)},
	[DATASET_CLOSE] = {"DATASET_CLOSE", EMR_OP_DATASET_CLOSE, STEWARD,
		BIT(ST_ABSENT) | BIT(ST_THERE) | BIT(ST_ENDED) | BIT(ST_OTHERS)},
	[DATASET_ADMIT] = {"DATASET_ADMIT", EMR_OP_DATASET_ADMIT, STEWARD, ON_MEMBER},
	[DATASET_DROP] = {"DATASET_DROP", EMR_OP_DATASET_DROP, STEWARD, ON_MEMBER},
	[DATASET_SNAPSHOT] = {"DATASET_SNAPSHOT", EMR_OP_DATASET_SNAPSHOT, STEWARD,
		BIT(ST_ABSENT) | BIT(ST_AGAIN) | BIT(ST_OTHERS) | BIT(ST_NO_TEAM) |
			BIT(ST_TEAM_ENDED)},
	[DATASET_JOIN] = {"DATASET_JOIN", EMR_OP_DATASET_JOIN, MANAGER,
		BIT(ST_ABSENT) | BIT(ST_THERE) | BIT(ST_ENDED) | BIT(ST_OTHERS) | BIT(ST_NO_TEAM) |
			BIT(ST_TEAM_ENDED) | BIT(ST_NO_GRANT) | BIT(ST_GRANT_OVER) |
			BIT(ST_GRANT_ENDED) | BIT(ST_NO_DOMAIN)},
	[DATASET_LEAVE] = {"DATASET_LEAVE", EMR_OP_DATASET_LEAVE, MANAGER,
		BIT(ST_ABSENT) | BIT(ST_THERE) | BIT(ST_ENDED) | BIT(ST_TEAM_ENDED) |
			BIT(ST_NO_GRANT) | BIT(ST_GRANT_OVER) | BIT(ST_GRANT_ENDED) |
			BIT(ST_NO_DOMAIN)},
	[MINT] = {"MINT", EMR_OP_MINT, ADMIN2,
		BIT(ST_THERE) | BIT(ST_ABSENT) | BIT(ST_AGAIN) | BIT(ST_OTHERS) | BIT(ST_COMING) |
			BIT(ST_DONE)},
	[TRANSFER] = {"TRANSFER", EMR_OP_TRANSFER, STEWARD,
		BIT(ST_THERE) | BIT(ST_ABSENT) | BIT(ST_AGAIN)},
	[TRUSTEE_SET] = {"TRUSTEE_SET", EMR_OP_TRUSTEE_SET, GRANTEE,
		BIT(ST_ABSENT) | BIT(ST_AGAIN) | BIT(ST_OTHERS)},
	[CERT_REVOKE] = {"CERT_REVOKE", EMR_OP_CERT_REVOKE, ADMIN2, BIT(ST_ABSENT) | BIT(ST_AGAIN)},
	[ENROL_REVOKE] = {"ENROL_REVOKE", EMR_OP_ENROL_REVOKE, ADMIN2,
		BIT(ST_ABSENT) | BIT(ST_AGAIN)},
	[HOST_KEY] = {"HOST_KEY", EMR_OP_HOST_KEY, ADMIN2, BIT(ST_ABSENT) | BIT(ST_AGAIN)},
	[FORM_KEY_REG] = {"KEY_REG", EMR_OP_KEY_REG, GRANTEE, BIT(ST_ABSENT) | BIT(ST_THERE)},
	[FORM_KEY_CERT] = {"KEY_CERT", EMR_OP_KEY_CERT, GRANTEE, BIT(ST_ABSENT) | BIT(ST_THERE)},
	[FORM_DOMAIN_NEW] = {"DOMAIN_NEW", EMR_OP_DOMAIN_NEW, MANAGER,
		BIT(ST_ABSENT) | BIT(ST_THERE) | BIT(ST_OTHERS)},
	[FORM_EPOCH] = {"EPOCH", EMR_OP_EPOCH, MANAGER,
		BIT(ST_ABSENT) | BIT(ST_THERE) | BIT(ST_OTHERS)},
	[FORM_LISTKEY] = {"LISTKEY", EMR_OP_LISTKEY, MANAGER,
		BIT(ST_ABSENT) | BIT(ST_AGAIN) | BIT(ST_NO_DOMAIN)},
	[FORM_PUT] = {"PUT", EMR_OP_PUT, MANAGER, ON_OBJECT},
	[FORM_META] = {"META", EMR_OP_META, MANAGER, ON_OBJECT},
	[FORM_META_DIR] = {"META-dir", EMR_OP_META, MANAGER, ON_OBJECT},
	[FORM_REWRAP] = {"REWRAP", EMR_OP_REWRAP, MANAGER, ON_OBJECT},
	[FORM_UNLINK] = {"UNLINK", EMR_OP_UNLINK, MANAGER, ON_OBJECT},
	[FORM_ERASE] = {"ERASE", EMR_OP_ERASE, MANAGER, ON_OBJECT},
	[FORM_ROOT_PUT] = {"PUT-root", EMR_OP_PUT, MANAGER, ON_OBJECT},
	[FORM_ROOT_META] = {"META-root", EMR_OP_META, MANAGER, ON_OBJECT},
	[FORM_ROOT_META_DIR] = {"META-dir-root", EMR_OP_META, MANAGER, ON_OBJECT},
	[FORM_ROOT_UNLINK] = {"UNLINK-root", EMR_OP_UNLINK, MANAGER, ON_OBJECT},
	[FORM_RESTORE_PART] = {"RESTORE_PART", EMR_OP_RESTORE_PART, AGENT,
		BIT(ST_ABSENT) | BIT(ST_THERE) | BIT(ST_OTHERS)},
	[FORM_RECOVER_REQ] = {"RECOVER_REQ", EMR_OP_RECOVER_REQ, STEWARD,
		BIT(ST_ABSENT) | BIT(ST_AGAIN) | BIT(ST_ENDED)},
	[FORM_RECOVER_CANCEL] = {"RECOVER_CANCEL", EMR_OP_RECOVER_CANCEL, GRANTEE,
		BIT(ST_ABSENT) | BIT(ST_THERE) | BIT(ST_DONE)},
	[FORM_RECOVER_SHARE] = {"RECOVER_SHARE", EMR_OP_RECOVER_SHARE, AGENT,
		BIT(ST_ABSENT) | BIT(ST_THERE) | BIT(ST_AGAIN) | BIT(ST_COMING) | BIT(ST_DONE) |
			BIT(ST_ENDED)},
	[FORM_EMERGENCY] = {"EMERGENCY", EMR_OP_EMERGENCY, GRANTEE,
		BY_GRANT | BIT(ST_THERE) | BIT(ST_DONE) | BIT(ST_OVER) | BIT(ST_NO_DOMAIN)},
};
const uint8_t matrix_word[16] = {'c', 'a', 'r', 'd'};

const char *form_name(int form)
{
	return all[form].name;
}

uint8_t form_op(int form)
{
	return all[form].op;
}

uint32_t form_states(int form)
{
	return all[form].states;
}

/* ---- who signs ---- */

#define EVERY_RIGHT                                                                                \
	(EMR_RIGHT_PUT | EMR_RIGHT_META | EMR_RIGHT_MKDIR | EMR_RIGHT_ANY | EMR_RIGHT_MANAGE |     \
		EMR_RIGHT_GUARDIAN)

static const uint16_t rights[COLUMNS] = {[COL_PUT] = EMR_RIGHT_PUT,
	[COL_META] = EMR_RIGHT_META,
	[COL_MKDIR] = EMR_RIGHT_MKDIR,
	[COL_ANY] = EMR_RIGHT_PUT | EMR_RIGHT_ANY,
	[COL_GUARDIAN] = EMR_RIGHT_GUARDIAN,
	[COL_OVER] = EVERY_RIGHT,
	[COL_ENDED] = EVERY_RIGHT};

enum who matrix_signer(int form, enum column column)
{
	static const enum who known[COLUMNS] = {[COL_OWNER] = OWNER,
		[COL_MANAGER] = MANAGER,
		[COL_PUT] = STRANGER,
		[COL_META] = STRANGER,
		[COL_MKDIR] = STRANGER,
		[COL_ANY] = STRANGER,
		[COL_WRITER] = WRITER,
		[COL_GUARDIAN] = STRANGER,
		[COL_DEPOSITOR] = STRANGER,
		[COL_GRANTEE] = GRANTEE,
		[COL_MEMBER] = STRANGER,
		[COL_PATIENT] = PATIENT,
		[COL_AGENT] = AGENT,
		[COL_GATEWAY] = GATEWAY,
		[COL_ADMIN] = ADMIN,
		[COL_ADMIN2] = ADMIN2,
		[COL_STEWARD] = STEWARD,
		[COL_REGISTERED] = STRANGER,
		[COL_OVER] = STRANGER,
		[COL_ENDED] = STRANGER,
		[COL_STRANGER] = STRANGER};

	return column >= COL_EXPIRED ? all[form].rightful : known[column];
}

static void end_key(people *p, enum who who, enum column column)
{
	static const uint16_t roles[WHO_COUNT] = {[MANAGER] = EMR_ROLE_DEVICE,
		[GRANTEE] = EMR_ROLE_CLINICIAN,
		[AGENT] = EMR_ROLE_AGENT,
		[ADMIN2] = EMR_ROLE_ORG_ADMIN,
		[STEWARD] = EMR_ROLE_RESEARCHER};
	uint8_t state = column == COL_ROTATED	? EMR_KEY_ROTATED
			: column == COL_REVOKED ? EMR_KEY_REVOKED
						: EMR_KEY_ACTIVE;

	memcpy(p->world.caller.submitter_id, p->who[GATEWAY].id, 32);
	kit_put_org(&p->world.state, p->clinic,
		column == COL_REMOVED ? EMR_ORG_REMOVED : EMR_ORG_MEMBER);
	kit_put_key(&p->world.state, &p->who[who], p->clinic, roles[who], EMR_HOW_CERTIFICATE,
		state, KIT_NOW + (column == COL_EXPIRED ? 0 : 9 * KIT_DAY));
}

static void join_team(people *p)
{
	emr_row_grant grant = people_grant(p);

	people_put_member(p, STRANGER, EMR_MEMBER_ACTIVE, KIT_NOW + KIT_DAY);
	emr_grantee_dataset(p->team, grant.grantee);
	people_put_grant(p, &grant);
}

static void take_place(people *p, int form, enum column column)
{
	kit_signer *somebody = &p->who[STRANGER];
	uint16_t role = column == COL_DEPOSITOR ? EMR_ROLE_HOSPITAL : EMR_ROLE_CLINICIAN;

	if (column >= COL_EXPIRED) {
		end_key(p, all[form].rightful, column);
		return;
	}
	if (matrix_signer(form, column) != STRANGER || column == COL_STRANGER)
		return;
	*somebody = kit_signer_of(column_names[column]);
	kit_put_key(&p->world.state, somebody, p->clinic, role, EMR_HOW_CERTIFICATE, EMR_KEY_ACTIVE,
		KIT_NOW + 9 * KIT_DAY);
	if (rights[column] != 0)
		kit_put_writer(&p->world.state, p->world.domain, somebody, rights[column],
			column == COL_ENDED ? EMR_WRITER_ENDED : EMR_WRITER_ACTIVE,
			KIT_NOW + (column == COL_OVER ? 0 : 9 * KIT_DAY));
	if (column == COL_DEPOSITOR)
		kit_put_domain(
			&p->world.state, p->world.domain, &p->world.owner, EMR_ITEM_INBOX, 1);
	if (column == COL_MEMBER)
		join_team(p);
}

/* ---- what is sent ---- */

static void newcomer_item(people *p, int form, const kit_signer *me, people_item *out)
{
	kit_signer cert_key = kit_signer_of("certificate");
	emr_pub_key_reg reg = {.roles = EMR_ROLE_CLINICIAN,
		.how = EMR_HOW_CERTIFICATE,
		.not_after_unix_s = KIT_NOW + 9 * KIT_DAY};
	emr_pub_key_cert renewal = {.not_after_unix_s = KIT_NOW + 9 * KIT_DAY};
	uint8_t message[EMR_BIND_MESSAGE_BYTES];
	size_t at = form == FORM_KEY_REG ? 216 : 32;

	memset(reg.ref, 0xce, 32);
	memcpy(renewal.ref, reg.ref, 32);
	memcpy(reg.org, p->clinic, 16);
	kit_pop("newcomer", p->world.net_id, me->id, reg.B, reg.pop);
	if (form == FORM_KEY_REG)
		emr_pub_key_reg_encode(&reg, out->pub);
	else
		emr_pub_key_cert_encode(&renewal, out->pub);
	assert_int_equal(emr_bind_message(p->world.net_id, me->id, kit_span(out->pub, out->pub_len),
				 message),
		EMR_CONTRACT_OK);
	crypto_sign_detached(out->pub + at, NULL, message, sizeof message, cert_key.sk);
	memcpy(out->item.object_id, me->id, 16);
	out->part = kit_part(1, 400);
	p->world.caller.cert = (emr_caller_cert){.is_present = true,
		.roles = EMR_ROLE_ALL & ~EMR_ROLE_DEVICE,
		.not_after_unix_s = KIT_NOW + 9 * KIT_DAY,
		.key_alg = 1};
	memcpy(p->world.caller.cert.ref, reg.ref, 32);
	memcpy(p->world.caller.cert.org, p->clinic, 16);
	static uint8_t key[32]; /* the caller borrows it */
	memcpy(key, cert_key.pk, sizeof key);
	p->world.caller.cert.key = kit_span(key, sizeof key);
	memcpy(p->world.caller.submitter_id, me->id, 32);
}

static void domain_item(people *p, int form, const kit_signer *me, people_item *out)
{
	out->item = kit_domain_item(&p->world, all[form].op, form == FORM_EPOCH ? 2 : 1);
	memset(out->pub, 7, out->pub_len);
	if (form == FORM_DOMAIN_NEW)
		memset(out->pub, 0, out->pub_len), out->pub[0] = 1;
	if (form == FORM_EPOCH)
		out->part = kit_part(1, 113);
	if (form == FORM_LISTKEY) {
		emr_object_listkey(me->id, 1, out->item.object_id);
		out->part = kit_part(2, 160);
	}
}

static emr_item root_item(people *p, uint8_t op)
{
	emr_item item = {.op = op, .epoch = 1};
	emr_key_text key;

	memcpy(item.domain_id, p->world.domain, sizeof item.domain_id);
	memcpy(item.object_id, p->world.domain, sizeof item.object_id);
	emr_key_object(p->world.domain, p->world.domain, &key);
	kit_follow(&p->world.state, key.text, &item);
	return item;
}

static void object_item(people *p, int form, people_item *out)
{
	emr_pub_erase erase = {.family = EMR_FAMILY_OBJECT, .from_version = 1};

	out->item = form < FORM_ROOT_PUT ? kit_item_of(&p->world, all[form].op, "record")
					 : root_item(p, all[form].op);
	out->item.flags =
		form == FORM_META_DIR || form == FORM_ROOT_META_DIR ? EMR_ITEM_NOCONTENT : 0;
	if (all[form].op == EMR_OP_PUT || form == FORM_REWRAP)
		out->part = kit_part((uint8_t)form, 828);
	if (all[form].op == EMR_OP_META)
		out->part = kit_part((uint8_t)form, 616);
	if (form != FORM_ERASE)
		return;
	out->item.epoch = 0;
	erase.to_version = out->item.version > 1 ? out->item.version - 1 : 1;
	emr_pub_erase_encode(&erase, out->pub);
}

static void restore_item(people *p, people_item *out)
{
	emr_pub_restore restore = {.family = EMR_FAMILY_OBJECT, .version = 2};

	memcpy(out->item.domain_id, p->world.domain, 16);
	kit_id16("record", out->item.object_id);
	emr_pub_restore_encode(&restore, out->pub);
	out->part = kit_part(9, 828);
}

/* For GRANTEE. */
static void recovery_item(people *p, int form, const kit_signer *me, people_item *out)
{
	kit_id16("recovery", out->item.object_id);
	kit_id16("trustees", out->pub);
	memset(out->pub + 16, 0x66, 32);
	if (form == FORM_RECOVER_CANCEL)
		memcpy(out->pub, p->who[GRANTEE].id, 32);
	if (form == FORM_RECOVER_SHARE) {
		memcpy(out->pub, out->item.object_id, 16);
		emr_object_recovery(out->pub, me->id, out->item.object_id);
		out->part = kit_part(3, 113);
	}
}

static void emergency_item(people *p, people_item *out)
{
	memcpy(out->item.domain_id, p->world.domain, 16);
	emr_object_emergency(matrix_word, p->team, p->world.domain, 6, out->item.object_id);
	memcpy(out->pub, out->item.object_id, 16);
	memcpy(out->pub + 16, p->team, 16);
	memcpy(out->pub + 32, matrix_word, 16);
	out->pub[48] = 6;
	out->part = kit_part(3, 592);
}

people_item matrix_item(people *p, int form, enum column column)
{
	enum who who = matrix_signer(form, column);
	people_item out = {.item = {.op = all[form].op}};

	if (form < WHAT_COUNT) {
		out = people_item_of(p, (enum what)form, who);
		if (column == COL_MEMBER && (form == ACCESS_REQ || form == READ_REPORT))
			memcpy(out.pub + 16, p->team, 16);
		return out;
	}
	out.pub_len = (size_t)emr_op_pub_len(all[form].op);
	if (form <= FORM_KEY_CERT)
		newcomer_item(p, form, &p->who[who], &out);
	else if (form <= FORM_LISTKEY)
		domain_item(p, form, &p->who[who], &out);
	else if (form < FORM_RESTORE_PART)
		object_item(p, form, &out);
	else if (form == FORM_RESTORE_PART)
		restore_item(p, &out);
	else if (form == FORM_EMERGENCY)
		emergency_item(p, &out);
	else
		recovery_item(p, form, &p->who[who], &out);
	if (form <= FORM_KEY_CERT || form == FORM_LISTKEY || form > FORM_RESTORE_PART) {
		emr_key_text key;

		assert_true(emr_contract_row_key(&out.item, kit_span(out.pub, out.pub_len), &key));
		if (form <= FORM_KEY_CERT)
			emr_key_signer(p->who[who].id, &key);
		kit_follow(&p->world.state, key.text, &out.item);
	}
	return out;
}

/* Puts the hash that was agreed on for the lost part: the one that its version had, that of other
 * bytes, or none. */
static void put_hash(const people *p, enum state state, kit_state *hashes)
{
	emr_span part = state == ST_OTHERS ? kit_part(10, 828) : kit_part(9, 828);
	uint8_t object[16], hash[32];
	emr_key_text key;

	kit_id16("record", object);
	emr_key_part(EMR_FAMILY_OBJECT, p->world.domain, object, 2, &key);
	emr_item_priv_hash(part, hash);
	if (state != ST_ABSENT)
		kit_put(hashes, key.text, hash, 32);
}

int matrix_answer(int form, enum state state, enum column column)
{
	enum who who = matrix_signer(form, column);
	kit_state hashes = {0};
	people_item item;
	int answer;
	people p;

	people_make(&p);
	take_place(&p, form, column);
	matrix_set_state(&p, form, state, column);
	item = matrix_item(&p, form, column);
	if (form == FORM_RESTORE_PART)
		put_hash(&p, state, &hashes);
	answer = kit_answer_item(&p.world,
		printed("%s, %s, by: %s", form_name(form), state_names[state],
			column_names[column]),
		&p.who[who], item.item, kit_span(item.pub, item.pub_len), item.part,
		form == FORM_RESTORE_PART ? &hashes : NULL);
	kit_state_free(&hashes);
	people_free(&p);
	return answer;
}
