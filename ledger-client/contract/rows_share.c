/* This file reads and writes the rows of the ledger's state about proposals, requests, releases,
 * teams and trustees. A row that cannot be is refused. */
#include "contract/rows_share.h"

#include "contract_private.h"
#include "fields.h"

#define PROPOSER_AT 144

FIELDS(voice, emr_voice, F(0, org), F(16, member_version), F(24, signer))
FIELDS(proposal, emr_row_proposal, F(48, kind), F(49, quorum), F(50, count),
	F(56, not_after_unix_s), F(64, org), F(80, subject), F(112, aux))

static size_t proposal_len(uint8_t count)
{
	return EMR_ROW_PROPOSAL_BYTES + (size_t)count * EMR_VOICE_BYTES;
}

emr_contract_status emr_row_proposal_parse(emr_span value, emr_row_proposal *out)
{
	const uint8_t *p = value.data;

	if (value.len < EMR_ROW_PROPOSAL_BYTES ||
		!emr_row_head_is(value, proposal_len(p[50]), EMR_FAMILY_ORG, &out->head))
		return EMR_CONTRACT_STATE;
	fields_read(proposal_fields(), p, out);
	fields_read(voice_fields(), p + PROPOSER_AT, &out->by);
	return EMR_CONTRACT_OK;
}

void emr_row_proposal_voice(emr_span value, size_t i, emr_voice *out)
{
	fields_read(voice_fields(), value.data + EMR_ROW_PROPOSAL_BYTES + i * EMR_VOICE_BYTES, out);
}

size_t emr_row_proposal_encode(
	const emr_row_proposal *row, const emr_voice *voices, uint8_t out[EMR_ROW_PROPOSAL_MAX])
{
	fields_write(proposal_fields(), row, out, EMR_ROW_PROPOSAL_BYTES);
	emr_row_put_head(&row->head, out);
	fields_write(voice_fields(), &row->by, out + PROPOSER_AT, EMR_VOICE_BYTES);
	for (size_t i = 0; i < row->count; i++)
		fields_write(voice_fields(), &voices[i],
			out + EMR_ROW_PROPOSAL_BYTES + i * EMR_VOICE_BYTES, EMR_VOICE_BYTES);
	return proposal_len(row->count);
}

bool emr_voice_stands(const emr_voice *voice, const emr_row_org *org, const emr_row_key *key)
{
	return org->head.state == EMR_ORG_MEMBER && org->head.version == voice->member_version &&
	       key->head.state != EMR_KEY_REVOKED;
}

ROW_WRITTEN(signed, EMR_ROW_SIGNED_BYTES, F(48, signer))

ROW(enrolment, EMR_ROW_ENROLMENT_BYTES, EMR_FAMILY_ENROLMENT, F(48, signer), F(80, through_unix_s))

ROW(host_key, EMR_ROW_HOST_KEY_BYTES, EMR_FAMILY_HOST_KEY, F(48, signer), F(80, key))

ROW(request, EMR_ROW_REQUEST_BYTES, EMR_FAMILY_REQUEST, F(48, signer), F(80, to), F(112, grant))

ROW(access, EMR_ROW_ACCESS_BYTES, EMR_FAMILY_ACCESS, F(48, signer), F(80, grant),
	F(96, time_unix_s))

ROW(dataset, EMR_ROW_DATASET_BYTES, EMR_FAMILY_DATASET, F(48, steward), F(80, B), F(112, price),
	F(120, not_after_unix_s), F(128, purposes), F(136, terms))

ROW(member, EMR_ROW_MEMBER_BYTES, EMR_FAMILY_MEMBER, F(48, dataset), F(64, member),
	F(96, not_after_unix_s))

ROW(join, EMR_ROW_JOIN_BYTES, EMR_FAMILY_JOIN, F(48, grant))

ROW_WRITTEN(snapshot, EMR_ROW_SNAPSHOT_BYTES, F(48, root))

ROW(account, EMR_ROW_ACCOUNT_BYTES, EMR_FAMILY_ACCOUNT, F(48, points))

ROW(trustees, EMR_ROW_TRUSTEES_BYTES, EMR_FAMILY_TRUSTEES, F(48, identity), F(80, t), F(81, n),
	F(82, agents_t), F(83, agents), F(84, delay_s))

ROW(emergency, EMR_ROW_EMERGENCY_BYTES, EMR_FAMILY_EMERGENCY, F(48, first), F(80, second),
	F(112, first_unix_s), F(120, until_unix_s), F(128, account))

ROW(recovery, EMR_ROW_RECOVERY_BYTES, EMR_FAMILY_RECOVERY, F(48, signer), F(80, trustees),
	F(96, identity), F(128, box), F(160, earliest_unix_s))

ROW_WRITTEN(share, EMR_ROW_SHARE_BYTES, F(48, request))
