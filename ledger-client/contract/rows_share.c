/* This file reads and writes the rows of the ledger's state about proposals, requests, releases,
 * teams and trustees. A row that cannot be is refused. */
#include "contract/rows_share.h"

#include "bytes.h"
#include "contract_private.h"

#define PROPOSER_AT 144

static void read_voice(const uint8_t *p, emr_voice *out)
{
	memcpy(out->org, p, 16);
	out->member_version = get_u64(p + 16);
	memcpy(out->signer, p + 24, 32);
}

static void put_voice(const emr_voice *voice, uint8_t *out)
{
	memcpy(out, voice->org, 16);
	put_u64(out + 16, voice->member_version);
	memcpy(out + 24, voice->signer, 32);
}

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
	out->kind = p[48];
	out->quorum = p[49];
	out->count = p[50];
	out->not_after_unix_s = get_u64(p + 56);
	memcpy(out->org, p + 64, 16);
	memcpy(out->subject, p + 80, 32);
	memcpy(out->aux, p + 112, 32);
	read_voice(p + PROPOSER_AT, &out->by);
	return EMR_CONTRACT_OK;
}

void emr_row_proposal_voice(emr_span value, size_t i, emr_voice *out)
{
	read_voice(value.data + EMR_ROW_PROPOSAL_BYTES + i * EMR_VOICE_BYTES, out);
}

size_t emr_row_proposal_encode(
	const emr_row_proposal *row, const emr_voice *voices, uint8_t out[EMR_ROW_PROPOSAL_MAX])
{
	memset(out, 0, EMR_ROW_PROPOSAL_BYTES);
	emr_row_put_head(&row->head, out);
	out[48] = row->kind;
	out[49] = row->quorum;
	out[50] = row->count;
	put_u64(out + 56, row->not_after_unix_s);
	memcpy(out + 64, row->org, 16);
	memcpy(out + 80, row->subject, 32);
	memcpy(out + 112, row->aux, 32);
	put_voice(&row->by, out + PROPOSER_AT);
	for (size_t i = 0; i < row->count; i++)
		put_voice(&voices[i], out + EMR_ROW_PROPOSAL_BYTES + i * EMR_VOICE_BYTES);
	return proposal_len(row->count);
}

bool emr_voice_stands(const emr_voice *voice, const emr_row_org *org, const emr_row_key *key)
{
	return org->head.state == EMR_ORG_MEMBER && org->head.version == voice->member_version &&
	       key->head.state != EMR_KEY_REVOKED;
}

void emr_row_signed_encode(const emr_row_signed *row, uint8_t out[EMR_ROW_SIGNED_BYTES])
{
	emr_row_put_head(&row->head, out);
	memcpy(out + 48, row->signer, 32);
}

emr_contract_status emr_row_enrolment_parse(emr_span value, emr_row_enrolment *out)
{
	if (!emr_row_head_is(value, EMR_ROW_ENROLMENT_BYTES, EMR_FAMILY_ENROLMENT, &out->head))
		return EMR_CONTRACT_STATE;
	memcpy(out->signer, value.data + 48, 32);
	out->through_unix_s = get_u64(value.data + 80);
	return EMR_CONTRACT_OK;
}

void emr_row_enrolment_encode(const emr_row_enrolment *row, uint8_t out[EMR_ROW_ENROLMENT_BYTES])
{
	emr_row_put_head(&row->head, out);
	memcpy(out + 48, row->signer, 32);
	put_u64(out + 80, row->through_unix_s);
}

emr_contract_status emr_row_request_parse(emr_span value, emr_row_request *out)
{
	if (!emr_row_head_is(value, EMR_ROW_REQUEST_BYTES, EMR_FAMILY_REQUEST, &out->head))
		return EMR_CONTRACT_STATE;
	memcpy(out->signer, value.data + 48, 32);
	memcpy(out->to, value.data + 80, 32);
	memcpy(out->grant, value.data + 112, 16);
	return EMR_CONTRACT_OK;
}

void emr_row_request_encode(const emr_row_request *row, uint8_t out[EMR_ROW_REQUEST_BYTES])
{
	emr_row_put_head(&row->head, out);
	memcpy(out + 48, row->signer, 32);
	memcpy(out + 80, row->to, 32);
	memcpy(out + 112, row->grant, 16);
}

emr_contract_status emr_row_access_parse(emr_span value, emr_row_access *out)
{
	if (!emr_row_head_is(value, EMR_ROW_ACCESS_BYTES, EMR_FAMILY_ACCESS, &out->head))
		return EMR_CONTRACT_STATE;
	memcpy(out->signer, value.data + 48, 32);
	memcpy(out->grant, value.data + 80, 16);
	out->time_unix_s = get_u64(value.data + 96);
	return EMR_CONTRACT_OK;
}

void emr_row_access_encode(const emr_row_access *row, uint8_t out[EMR_ROW_ACCESS_BYTES])
{
	emr_row_put_head(&row->head, out);
	memcpy(out + 48, row->signer, 32);
	memcpy(out + 80, row->grant, 16);
	put_u64(out + 96, row->time_unix_s);
}

emr_contract_status emr_row_dataset_parse(emr_span value, emr_row_dataset *out)
{
	const uint8_t *p = value.data;

	if (!emr_row_head_is(value, EMR_ROW_DATASET_BYTES, EMR_FAMILY_DATASET, &out->head))
		return EMR_CONTRACT_STATE;
	memcpy(out->steward, p + 48, 32);
	memcpy(out->B, p + 80, 32);
	out->price = get_u64(p + 112);
	out->not_after_unix_s = get_u64(p + 120);
	out->purposes = get_u32(p + 128);
	memcpy(out->terms, p + 136, 32);
	return EMR_CONTRACT_OK;
}

void emr_row_dataset_encode(const emr_row_dataset *row, uint8_t out[EMR_ROW_DATASET_BYTES])
{
	memset(out, 0, EMR_ROW_DATASET_BYTES);
	emr_row_put_head(&row->head, out);
	memcpy(out + 48, row->steward, 32);
	memcpy(out + 80, row->B, 32);
	put_u64(out + 112, row->price);
	put_u64(out + 120, row->not_after_unix_s);
	put_u32(out + 128, row->purposes);
	memcpy(out + 136, row->terms, 32);
}

emr_contract_status emr_row_member_parse(emr_span value, emr_row_member *out)
{
	if (!emr_row_head_is(value, EMR_ROW_MEMBER_BYTES, EMR_FAMILY_MEMBER, &out->head))
		return EMR_CONTRACT_STATE;
	memcpy(out->dataset, value.data + 48, 16);
	memcpy(out->member, value.data + 64, 32);
	out->not_after_unix_s = get_u64(value.data + 96);
	return EMR_CONTRACT_OK;
}

void emr_row_member_encode(const emr_row_member *row, uint8_t out[EMR_ROW_MEMBER_BYTES])
{
	emr_row_put_head(&row->head, out);
	memcpy(out + 48, row->dataset, 16);
	memcpy(out + 64, row->member, 32);
	put_u64(out + 96, row->not_after_unix_s);
}

emr_contract_status emr_row_join_parse(emr_span value, emr_row_join *out)
{
	if (!emr_row_head_is(value, EMR_ROW_JOIN_BYTES, EMR_FAMILY_JOIN, &out->head))
		return EMR_CONTRACT_STATE;
	memcpy(out->grant, value.data + 48, 16);
	return EMR_CONTRACT_OK;
}

void emr_row_join_encode(const emr_row_join *row, uint8_t out[EMR_ROW_JOIN_BYTES])
{
	emr_row_put_head(&row->head, out);
	memcpy(out + 48, row->grant, 16);
}

void emr_row_snapshot_encode(const emr_row_snapshot *row, uint8_t out[EMR_ROW_SNAPSHOT_BYTES])
{
	emr_row_put_head(&row->head, out);
	memcpy(out + 48, row->root, 32);
}

emr_contract_status emr_row_voucher_parse(emr_span value, emr_row_voucher *out)
{
	if (!emr_row_head_is(value, EMR_ROW_VOUCHER_BYTES, EMR_FAMILY_FUND, &out->head))
		return EMR_CONTRACT_STATE;
	memcpy(out->dataset, value.data + 48, 16);
	out->price = get_u64(value.data + 64);
	memcpy(out->funder, value.data + 72, 32);
	return EMR_CONTRACT_OK;
}

void emr_row_voucher_encode(const emr_row_voucher *row, uint8_t out[EMR_ROW_VOUCHER_BYTES])
{
	emr_row_put_head(&row->head, out);
	memcpy(out + 48, row->dataset, 16);
	put_u64(out + 64, row->price);
	memcpy(out + 72, row->funder, 32);
}

emr_contract_status emr_row_token_parse(emr_span value, emr_row_token *out)
{
	if (!emr_row_head_is(value, EMR_ROW_TOKEN_BYTES, EMR_FAMILY_TOKEN, &out->head))
		return EMR_CONTRACT_STATE;
	out->amount = get_u64(value.data + 48);
	return EMR_CONTRACT_OK;
}

void emr_row_token_encode(const emr_row_token *row, uint8_t out[EMR_ROW_TOKEN_BYTES])
{
	emr_row_put_head(&row->head, out);
	put_u64(out + 48, row->amount);
}

void emr_row_trustees_encode(const emr_row_trustees *row, uint8_t out[EMR_ROW_TRUSTEES_BYTES])
{
	memset(out, 0, EMR_ROW_TRUSTEES_BYTES);
	emr_row_put_head(&row->head, out);
	memcpy(out + 48, row->identity, 32);
	out[80] = row->t;
	out[81] = row->n;
	put_u32(out + 84, row->delay_s);
}
