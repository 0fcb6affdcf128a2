/* This file reads and writes the rows of the ledger's state about keys, organisations, folders,
 * records and grants. A row that cannot be is refused, so that damage does not become a
 * decision. */
#include "contract/rows.h"

#include "contract_private.h"
#include "fields.h"

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

FIELDS(head, emr_row_head, F(0, family), F(1, state), F(2, flags), F(4, epoch), F(8, version),
	F(16, item))

const emr_field *emr_row_head_fields(void)
{
	return head_fields();
}

emr_contract_status emr_row_head_parse(emr_span value, emr_row_head *out)
{
	const uint8_t *p = value.data;

	if (value.len < EMR_ROW_HEAD_BYTES || p[1] == 0 || p[1] > last_state(p[0]))
		return EMR_CONTRACT_STATE;
	fields_read(head_fields(), p, out);
	return EMR_CONTRACT_OK;
}

void emr_row_put_head(const emr_row_head *head, uint8_t *out)
{
	fields_write(head_fields(), head, out, EMR_ROW_HEAD_BYTES);
}

bool emr_row_head_is(emr_span value, size_t len, uint8_t family, emr_row_head *out)
{
	return value.len == len && emr_row_head_parse(value, out) == EMR_CONTRACT_OK &&
	       out->family == family;
}

ROW(key, EMR_ROW_KEY_BYTES, EMR_FAMILY_KEY, F(48, pk), F(80, roles), F(82, how), F(88, org),
	F(104, x25519), F(136, B), F(168, log_pk), F(200, ref), F(232, not_after_unix_s),
	F(240, invalid_since_unix_s), F(248, next), F(280, root), F(312, account))

ROW(org, EMR_ROW_ORG_BYTES, EMR_FAMILY_ORG, F(48, admin_id), F(80, ca_hash))

ROW(network, EMR_ROW_NETWORK_BYTES, EMR_FAMILY_ORG, F(48, quorum), F(49, norg), F(52, contract),
	F(56, rules))

ROW(domain, EMR_ROW_DOMAIN_BYTES, EMR_FAMILY_DOMAIN, F(48, owner_pk), F(80, box), F(112, A))

ROW(epoch, EMR_ROW_EPOCH_BYTES, EMR_FAMILY_EPOCH, F(48, A))

ROW(writer, EMR_ROW_WRITER_BYTES, EMR_FAMILY_WRITER, F(48, writer), F(80, rights),
	F(88, not_after_unix_s))

ROW(listkey, EMR_ROW_LISTKEY_BYTES, EMR_FAMILY_LISTKEY, F(48, signer))

ROW(object, EMR_ROW_OBJECT_BYTES, EMR_FAMILY_OBJECT, F(48, creator), F(80, pversion), F(88, pitem))

ROW(grant, EMR_ROW_GRANT_BYTES, EMR_FAMILY_GRANT, F(48, grantee), F(80, not_before_unix_s),
	F(88, not_after_unix_s), F(96, from_time_unix_s), F(104, purposes), F(108, rights),
	F(110, t), F(111, n), F(112, kver), F(120, kitem))

FIELDS(place, emr_row_place, F(0, batch_id), F(32, index))

emr_contract_status emr_row_place_parse(emr_span value, emr_row_place *out)
{
	if (value.len != EMR_ROW_PLACE_BYTES)
		return EMR_CONTRACT_STATE;
	fields_read(place_fields(), value.data, out);
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
