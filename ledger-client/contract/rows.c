/* This file reads and writes the rows of the ledger's state about keys, organisations, folders,
 * records and grants. A row that cannot be is refused, so that damage does not become a
 * decision. */
#include "contract/rows.h"

#include "bytes.h"
#include "contract_private.h"

/* Families whose states go beyond 1, and how far. */
static uint8_t last_state(uint8_t family)
{
	switch (family) {
	case EMR_FAMILY_KEY:
	case EMR_FAMILY_OBJECT:
	case EMR_FAMILY_ORG:
	case EMR_FAMILY_RECOVERY:
		return 3;
	case EMR_FAMILY_WRITER:
	case EMR_FAMILY_GRANT:
	case EMR_FAMILY_DATASET:
	case EMR_FAMILY_MEMBER:
	case EMR_FAMILY_JOIN:
		return 2;
	case EMR_FAMILY_REQUEST:
		return 4;
	default: /* a number of the wire, not one of our enums */
		return 1;
	}
}

emr_contract_status emr_row_head_parse(emr_span value, emr_row_head *out)
{
	const uint8_t *p = value.data;

	if (value.len < EMR_ROW_HEAD_BYTES || p[1] == 0 || p[1] > last_state(p[0]))
		return EMR_CONTRACT_STATE;
	out->family = p[0];
	out->state = p[1];
	out->flags = get_u16(p + 2);
	out->epoch = get_u32(p + 4);
	out->version = get_u64(p + 8);
	memcpy(out->item, p + 16, 32);
	return EMR_CONTRACT_OK;
}

void emr_row_put_head(const emr_row_head *head, uint8_t *out)
{
	out[0] = head->family;
	out[1] = head->state;
	put_u16(out + 2, head->flags);
	put_u32(out + 4, head->epoch);
	put_u64(out + 8, head->version);
	memcpy(out + 16, head->item, 32);
}

bool emr_row_head_is(emr_span value, size_t len, uint8_t family, emr_row_head *out)
{
	return value.len == len && emr_row_head_parse(value, out) == EMR_CONTRACT_OK &&
	       out->family == family;
}

emr_contract_status emr_row_key_parse(emr_span value, emr_row_key *out)
{
	const uint8_t *p = value.data;

	if (!emr_row_head_is(value, EMR_ROW_KEY_BYTES, EMR_FAMILY_KEY, &out->head))
		return EMR_CONTRACT_STATE;
	memcpy(out->pk, p + 48, 32);
	out->roles = get_u16(p + 80);
	out->how = p[82];
	memcpy(out->org, p + 88, 16);
	memcpy(out->x25519, p + 104, 32);
	memcpy(out->B, p + 136, 32);
	memcpy(out->log_pk, p + 168, 32);
	memcpy(out->ref, p + 200, 32);
	out->not_after_unix_s = get_u64(p + 232);
	out->invalid_since_unix_s = get_u64(p + 240);
	memcpy(out->next, p + 248, 32);
	memcpy(out->root, p + 280, 32);
	memcpy(out->account, p + 312, 32);
	return EMR_CONTRACT_OK;
}

void emr_row_key_encode(const emr_row_key *row, uint8_t out[EMR_ROW_KEY_BYTES])
{
	memset(out, 0, EMR_ROW_KEY_BYTES);
	emr_row_put_head(&row->head, out);
	memcpy(out + 48, row->pk, 32);
	put_u16(out + 80, row->roles);
	out[82] = row->how;
	memcpy(out + 88, row->org, 16);
	memcpy(out + 104, row->x25519, 32);
	memcpy(out + 136, row->B, 32);
	memcpy(out + 168, row->log_pk, 32);
	memcpy(out + 200, row->ref, 32);
	put_u64(out + 232, row->not_after_unix_s);
	put_u64(out + 240, row->invalid_since_unix_s);
	memcpy(out + 248, row->next, 32);
	memcpy(out + 280, row->root, 32);
	memcpy(out + 312, row->account, 32);
}

emr_contract_status emr_row_org_parse(emr_span value, emr_row_org *out)
{
	if (!emr_row_head_is(value, EMR_ROW_ORG_BYTES, EMR_FAMILY_ORG, &out->head))
		return EMR_CONTRACT_STATE;
	memcpy(out->admin_id, value.data + 48, 32);
	memcpy(out->ca_hash, value.data + 80, 32);
	return EMR_CONTRACT_OK;
}

void emr_row_org_encode(const emr_row_org *row, uint8_t out[EMR_ROW_ORG_BYTES])
{
	emr_row_put_head(&row->head, out);
	memcpy(out + 48, row->admin_id, 32);
	memcpy(out + 80, row->ca_hash, 32);
}

emr_contract_status emr_row_network_parse(emr_span value, emr_row_network *out)
{
	if (!emr_row_head_is(value, EMR_ROW_NETWORK_BYTES, EMR_FAMILY_ORG, &out->head))
		return EMR_CONTRACT_STATE;
	out->quorum = value.data[48];
	out->norg = value.data[49];
	out->contract = get_u32(value.data + 52);
	memcpy(out->rules, value.data + 56, 32);
	return EMR_CONTRACT_OK;
}

void emr_row_network_encode(const emr_row_network *row, uint8_t out[EMR_ROW_NETWORK_BYTES])
{
	memset(out, 0, EMR_ROW_NETWORK_BYTES);
	emr_row_put_head(&row->head, out);
	out[48] = row->quorum;
	out[49] = row->norg;
	put_u32(out + 52, row->contract);
	memcpy(out + 56, row->rules, 32);
}

emr_contract_status emr_row_channel_parse(emr_span value, emr_row_channel *out)
{
	if (!emr_row_head_is(value, EMR_ROW_CHANNEL_BYTES, EMR_FAMILY_ORG, &out->head))
		return EMR_CONTRACT_STATE;
	memcpy(out->genesis, value.data + 48, 32);
	return EMR_CONTRACT_OK;
}

void emr_row_channel_encode(const emr_row_channel *row, uint8_t out[EMR_ROW_CHANNEL_BYTES])
{
	emr_row_put_head(&row->head, out);
	memcpy(out + 48, row->genesis, 32);
}

emr_contract_status emr_row_domain_parse(emr_span value, emr_row_domain *out)
{
	if (!emr_row_head_is(value, EMR_ROW_DOMAIN_BYTES, EMR_FAMILY_DOMAIN, &out->head))
		return EMR_CONTRACT_STATE;
	memcpy(out->owner_pk, value.data + 48, 32);
	memcpy(out->box, value.data + 80, 32);
	memcpy(out->A, value.data + 112, 32);
	return EMR_CONTRACT_OK;
}

void emr_row_domain_encode(const emr_row_domain *row, uint8_t out[EMR_ROW_DOMAIN_BYTES])
{
	emr_row_put_head(&row->head, out);
	memcpy(out + 48, row->owner_pk, 32);
	memcpy(out + 80, row->box, 32);
	memcpy(out + 112, row->A, 32);
}

emr_contract_status emr_row_epoch_parse(emr_span value, emr_row_epoch *out)
{
	if (!emr_row_head_is(value, EMR_ROW_EPOCH_BYTES, EMR_FAMILY_EPOCH, &out->head))
		return EMR_CONTRACT_STATE;
	memcpy(out->A, value.data + 48, 32);
	return EMR_CONTRACT_OK;
}

void emr_row_epoch_encode(const emr_row_epoch *row, uint8_t out[EMR_ROW_EPOCH_BYTES])
{
	emr_row_put_head(&row->head, out);
	memcpy(out + 48, row->A, 32);
}

emr_contract_status emr_row_writer_parse(emr_span value, emr_row_writer *out)
{
	if (!emr_row_head_is(value, EMR_ROW_WRITER_BYTES, EMR_FAMILY_WRITER, &out->head))
		return EMR_CONTRACT_STATE;
	memcpy(out->writer, value.data + 48, 32);
	out->rights = get_u16(value.data + 80);
	out->not_after_unix_s = get_u64(value.data + 88);
	return EMR_CONTRACT_OK;
}

void emr_row_writer_encode(const emr_row_writer *row, uint8_t out[EMR_ROW_WRITER_BYTES])
{
	memset(out, 0, EMR_ROW_WRITER_BYTES);
	emr_row_put_head(&row->head, out);
	memcpy(out + 48, row->writer, 32);
	put_u16(out + 80, row->rights);
	put_u64(out + 88, row->not_after_unix_s);
}

emr_contract_status emr_row_listkey_parse(emr_span value, emr_row_listkey *out)
{
	if (!emr_row_head_is(value, EMR_ROW_LISTKEY_BYTES, EMR_FAMILY_LISTKEY, &out->head))
		return EMR_CONTRACT_STATE;
	memcpy(out->signer, value.data + 48, 32);
	return EMR_CONTRACT_OK;
}

void emr_row_listkey_encode(const emr_row_listkey *row, uint8_t out[EMR_ROW_LISTKEY_BYTES])
{
	emr_row_put_head(&row->head, out);
	memcpy(out + 48, row->signer, 32);
}

emr_contract_status emr_row_object_parse(emr_span value, emr_row_object *out)
{
	if (!emr_row_head_is(value, EMR_ROW_OBJECT_BYTES, EMR_FAMILY_OBJECT, &out->head))
		return EMR_CONTRACT_STATE;
	memcpy(out->creator, value.data + 48, 32);
	out->pversion = get_u64(value.data + 80);
	memcpy(out->pitem, value.data + 88, 32);
	return EMR_CONTRACT_OK;
}

void emr_row_object_encode(const emr_row_object *row, uint8_t out[EMR_ROW_OBJECT_BYTES])
{
	emr_row_put_head(&row->head, out);
	memcpy(out + 48, row->creator, 32);
	put_u64(out + 80, row->pversion);
	memcpy(out + 88, row->pitem, 32);
}

emr_contract_status emr_row_grant_parse(emr_span value, emr_row_grant *out)
{
	const uint8_t *p = value.data;

	if (!emr_row_head_is(value, EMR_ROW_GRANT_BYTES, EMR_FAMILY_GRANT, &out->head))
		return EMR_CONTRACT_STATE;
	memcpy(out->grantee, p + 48, 32);
	out->not_before_unix_s = get_u64(p + 80);
	out->not_after_unix_s = get_u64(p + 88);
	out->from_time_unix_s = get_u64(p + 96);
	out->purposes = get_u32(p + 104);
	out->rights = get_u16(p + 108);
	out->t = p[110];
	out->n = p[111];
	out->kver = get_u64(p + 112);
	memcpy(out->kitem, p + 120, 32);
	return EMR_CONTRACT_OK;
}

void emr_row_grant_encode(const emr_row_grant *row, uint8_t out[EMR_ROW_GRANT_BYTES])
{
	emr_row_put_head(&row->head, out);
	memcpy(out + 48, row->grantee, 32);
	put_u64(out + 80, row->not_before_unix_s);
	put_u64(out + 88, row->not_after_unix_s);
	put_u64(out + 96, row->from_time_unix_s);
	put_u32(out + 104, row->purposes);
	put_u16(out + 108, row->rights);
	out[110] = row->t;
	out[111] = row->n;
	put_u64(out + 112, row->kver);
	memcpy(out + 120, row->kitem, 32);
}

emr_contract_status emr_row_place_parse(emr_span value, emr_row_place *out)
{
	if (value.len != EMR_ROW_PLACE_BYTES)
		return EMR_CONTRACT_STATE;
	memcpy(out->batch_id, value.data, 32);
	out->index = get_u16(value.data + 32);
	return EMR_CONTRACT_OK;
}

emr_contract_status emr_row_batch_parse(emr_span value, emr_row_batch *out)
{
	emr_header header;
	size_t at;

	if (value.len < EMR_HEADER_BYTES)
		return EMR_CONTRACT_STATE;
	out->header = (emr_span){value.data, EMR_HEADER_BYTES};
	if (emr_header_parse(out->header, &header) != EMR_CONTRACT_OK)
		return EMR_CONTRACT_STATE;
	at = EMR_HEADER_BYTES + (size_t)header.count;
	if (value.len < at)
		return EMR_CONTRACT_STATE;
	out->results = (emr_span){value.data + EMR_HEADER_BYTES, header.count};
	out->items = (emr_span){value.data + at, value.len - at};
	return EMR_CONTRACT_OK;
}
