/* This file is the table of all operations: how long their public parts are, to which kind of
 * row they belong, and how long after signing the ledger takes them. It also has the names of
 * operations and results. */
#include "contract/codes.h"

#include <string.h>

#include "contract_private.h"

#define DAY 86400u

/* The facts that the wire format fixes for every operation, served or not. */
struct op_facts {
	uint8_t op;
	uint8_t family;
	uint16_t pub_len;
	uint8_t since; /* the rules of this number and later ones serve it; 0: none yet */
	const char *name;
};

static const struct op_facts op_facts[] = {
	{EMR_OP_KEY_REG, EMR_FAMILY_KEY, 288, 1, "KEY_REG"},
	{EMR_OP_KEY_ROTATE, EMR_FAMILY_KEY, 256, 1, "KEY_ROTATE"},
	{EMR_OP_KEY_REVOKE, EMR_FAMILY_KEY, 48, 1, "KEY_REVOKE"},
	{EMR_OP_ORG_PROPOSE, EMR_FAMILY_ORG, 96, 1, "ORG_PROPOSE"},
	{EMR_OP_ORG_APPROVE, EMR_FAMILY_APPROVAL, 16, 1, "ORG_APPROVE"},
	{EMR_OP_KEY_KX, EMR_FAMILY_KEY, 32, 1, "KEY_KX"},
	{EMR_OP_KEY_CERT, EMR_FAMILY_KEY, 104, 1, "KEY_CERT"},
	{EMR_OP_CERT_REVOKE, EMR_FAMILY_CERTIFICATE, 48, 1, "CERT_REVOKE"},
	{EMR_OP_ENROL_REVOKE, EMR_FAMILY_ENROLMENT, 56, 1, "ENROL_REVOKE"},
	{EMR_OP_HOST_KEY, EMR_FAMILY_HOST_KEY, 48, 2, "HOST_KEY"},
	{EMR_OP_DOMAIN_NEW, EMR_FAMILY_DOMAIN, 64, 1, "DOMAIN_NEW"},
	{EMR_OP_EPOCH, EMR_FAMILY_DOMAIN, 32, 1, "EPOCH"},
	{EMR_OP_DOMAIN_ROTATE, EMR_FAMILY_DOMAIN, 224, 1, "DOMAIN_ROTATE"},
	{EMR_OP_WRITER_ADD, EMR_FAMILY_WRITER, 48, 1, "WRITER_ADD"},
	{EMR_OP_WRITER_DEL, EMR_FAMILY_WRITER, 0, 1, "WRITER_DEL"},
	{EMR_OP_LISTKEY, EMR_FAMILY_LISTKEY, 0, 1, "LISTKEY"},
	{EMR_OP_PUT, EMR_FAMILY_OBJECT, 0, 1, "PUT"},
	{EMR_OP_META, EMR_FAMILY_OBJECT, 0, 1, "META"},
	{EMR_OP_REWRAP, EMR_FAMILY_OBJECT, 0, 1, "REWRAP"},
	{EMR_OP_UNLINK, EMR_FAMILY_OBJECT, 0, 1, "UNLINK"},
	{EMR_OP_ERASE, 0, 24, 1, "ERASE"},
	{EMR_OP_GRANT, EMR_FAMILY_GRANT, 64, 1, "GRANT"},
	{EMR_OP_REVOKE, EMR_FAMILY_GRANT, 8, 1, "REVOKE"},
	{EMR_OP_KFRAGS, EMR_FAMILY_KFRAGS, 0, 1, "KFRAGS"},
	{EMR_OP_LETTER, EMR_FAMILY_LETTER, 0, 1, "LETTER"},
	{EMR_OP_AGENT_ACK, EMR_FAMILY_ACK, 40, 1, "AGENT_ACK"},
	{EMR_OP_REQUEST, EMR_FAMILY_REQUEST, 32, 1, "REQUEST"},
	{EMR_OP_APPROVE, EMR_FAMILY_REQUEST, 32, 1, "APPROVE"},
	{EMR_OP_DENY, EMR_FAMILY_REQUEST, 32, 1, "DENY"},
	{EMR_OP_WITHDRAW, EMR_FAMILY_REQUEST, 0, 1, "WITHDRAW"},
	{EMR_OP_ACCESS_REQ, EMR_FAMILY_ACCESS, 40, 1, "ACCESS_REQ"},
	{EMR_OP_ACCESS_SERVED, EMR_FAMILY_SERVED, 56, 1, "ACCESS_SERVED"},
	{EMR_OP_READ_REPORT, EMR_FAMILY_REPORT, 32, 1, "READ_REPORT"},
	{EMR_OP_EMERGENCY, EMR_FAMILY_EMERGENCY, 49, 2, "EMERGENCY"},
	{EMR_OP_DATASET_NEW, EMR_FAMILY_DATASET, 152, 1, "DATASET_NEW"},
	{EMR_OP_DATASET_ADMIT, EMR_FAMILY_MEMBER, 64, 1, "DATASET_ADMIT"},
	{EMR_OP_DATASET_DROP, EMR_FAMILY_MEMBER, 0, 1, "DATASET_DROP"},
	{EMR_OP_DATASET_JOIN, EMR_FAMILY_JOIN, 48, 1, "DATASET_JOIN"},
	{EMR_OP_DATASET_LEAVE, EMR_FAMILY_JOIN, 0, 1, "DATASET_LEAVE"},
	{EMR_OP_DATASET_SNAPSHOT, EMR_FAMILY_SNAPSHOT, 64, 1, "DATASET_SNAPSHOT"},
	{EMR_OP_DATASET_CLOSE, EMR_FAMILY_DATASET, 0, 1, "DATASET_CLOSE"},
	{EMR_OP_MINT, EMR_FAMILY_ACCOUNT, 56, 1, "MINT"},
	{EMR_OP_TRANSFER, EMR_FAMILY_ACCOUNT, 72, 1, "TRANSFER"},
	{EMR_OP_TRUSTEE_SET, EMR_FAMILY_TRUSTEES, 8, 1, "TRUSTEE_SET"},
	{EMR_OP_RECOVER_REQ, EMR_FAMILY_RECOVERY, 48, 2, "RECOVER_REQ"},
	{EMR_OP_RECOVER_CANCEL, EMR_FAMILY_RECOVERY, 32, 2, "RECOVER_CANCEL"},
	{EMR_OP_RECOVER_SHARE, EMR_FAMILY_SHARE, 16, 2, "RECOVER_SHARE"},
	{EMR_OP_RESTORE_PART, 0, 16, 1, "RESTORE_PART"},
};

uint32_t emr_contract_newest(void)
{
	return EMR_CONTRACT_VERSION;
}

static const struct op_facts *facts_of(uint8_t op)
{
	for (size_t i = 0; i < sizeof op_facts / sizeof op_facts[0]; i++)
		if (op_facts[i].op == op && op_facts[i].since <= EMR_CONTRACT_VERSION)
			return &op_facts[i];
	return NULL;
}

int emr_op_pub_len(uint8_t op)
{
	const struct op_facts *facts = facts_of(op);

	return facts == NULL ? -1 : facts->pub_len;
}

const char *emr_op_text(uint8_t op)
{
	const struct op_facts *facts = facts_of(op);

	return facts == NULL ? "UNKNOWN" : facts->name;
}

uint32_t emr_op_since(uint8_t op)
{
	const struct op_facts *facts = facts_of(op);

	return facts == NULL ? 0 : facts->since;
}

uint8_t emr_op_family(uint8_t op)
{
	const struct op_facts *facts = facts_of(op);

	return facts == NULL ? 0 : facts->family;
}

bool emr_op_is_prompt(uint8_t op)
{
	return op == EMR_OP_ACCESS_REQ || op == EMR_OP_ACCESS_SERVED || op == EMR_OP_RECOVER_REQ ||
	       op == EMR_OP_EMERGENCY;
}

bool emr_op_is_letter(uint8_t op)
{
	static const uint8_t letters[] = {EMR_OP_KEY_REG, EMR_OP_KEY_ROTATE, EMR_OP_KEY_CERT,
		EMR_OP_ORG_PROPOSE, EMR_OP_WRITER_ADD, EMR_OP_GRANT, EMR_OP_LETTER, EMR_OP_REQUEST,
		EMR_OP_DATASET_NEW, EMR_OP_DATASET_ADMIT, EMR_OP_RECOVER_REQ, EMR_OP_EMERGENCY};

	return memchr(letters, op, sizeof letters) != NULL;
}

/* A save must survive a long time away from the ledger; a request for a key must not. */
uint32_t emr_op_validity_s(uint8_t op, enum emr_host host)
{
	if (emr_op_is_prompt(op))
		return host == EMR_HOST_FABRIC ? 900 : 600;
	if (op == EMR_OP_LISTKEY || (op >= EMR_OP_PUT && op <= EMR_OP_ERASE) ||
		op == EMR_OP_READ_REPORT)
		return 400 * DAY;
	return 7 * DAY;
}

const char *emr_contract_status_text(emr_contract_status status)
{
	switch (status) {
	case EMR_CONTRACT_OK:
		return "ok";
	case EMR_CONTRACT_NO_ROOM:
		return "buffer too small";
	case EMR_CONTRACT_FORMAT:
		return "malformed bytes";
	case EMR_CONTRACT_ARGUMENT:
		return "impossible argument";
	case EMR_CONTRACT_UNDECLARED:
		return "undeclared row";
	case EMR_CONTRACT_STATE:
		return "impossible row";
	case EMR_CONTRACT_NEWER:
		return "newer rules than this program knows";
	}
	return "unknown status";
}

const char *emr_result_text(uint8_t result)
{
	static const char *const refusals[] = {
		"format",
		"network",
		"signature",
		"submitter",
		"time ahead",
		"expired batch",
		"unknown operation",
		"not authorised",
		"conflict",
		"epoch",
		"gone",
		"no domain",
		"no grant",
		"grant dead",
		"not the grantee",
		"private part",
		"limit",
		"exists",
		"funds",
		"rules",
		"key dead",
		"fork",
		"unknown", /* no result has the number 38 */
		"letters of the day are spent",
		"bytes of the day are spent",
	};

	if (result == EMR_RESULT_APPLIED)
		return "applied";
	if (result == EMR_RESULT_ALREADY)
		return "already";
	if (result < EMR_RESULT_FORMAT || result > EMR_RESULT_BYTES_SPENT)
		return "unknown";
	return refusals[result - EMR_RESULT_FORMAT];
}
