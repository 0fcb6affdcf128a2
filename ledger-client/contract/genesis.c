/* This file computes the first rows of a ledger's state from its descriptor. It refuses a
 * descriptor that does not parse. */
#include "contract/contract.h"

#include <string.h>

#include "crypto/hashsig.h"

#include "table.h"

static bool put_write(emr_contract_arena *arena, emr_write *write, const emr_key_text *key,
	const uint8_t *value, size_t len)
{
	write->kind = EMR_WRITE_PUT;
	write->key = emr_arena_text(arena, key->text);
	write->value = (emr_span){emr_arena_copy(arena, value, len), len};
	return write->key != NULL && write->value.data != NULL;
}

static bool put_network(
	emr_contract_arena *arena, const emr_descriptor *descriptor, emr_write *write)
{
	emr_row_network row = {.head = {.family = EMR_FAMILY_ORG, .state = EMR_STATE_PRESENT},
		.quorum = descriptor->quorum,
		.norg = descriptor->norg,
		.contract = EMR_CONTRACT_FIRST};
	uint8_t value[EMR_ROW_NETWORK_BYTES];
	emr_key_text key;

	emr_key_network(&key);
	emr_row_network_encode(&row, value);
	return put_write(arena, write, &key, value, sizeof value);
}

static bool put_org(emr_contract_arena *arena, const emr_descriptor_org *org, emr_write *write)
{
	emr_row_org row = {.head = {.family = EMR_FAMILY_ORG, .state = EMR_ORG_MEMBER}};
	uint8_t value[EMR_ROW_ORG_BYTES];
	emr_key_text key;

	emr_signer_id(org->admin_pk, row.admin_id);
	emr_sha256(org->ca_der.data, org->ca_der.len, row.ca_hash);
	emr_key_org(org->org, &key);
	emr_row_org_encode(&row, value);
	return put_write(arena, write, &key, value, sizeof value);
}

emr_contract_status emr_contract_genesis(emr_span descriptor, emr_contract_arena *arena,
	const emr_write **out_writes, size_t *out_count)
{
	emr_descriptor parsed;
	emr_descriptor_org org;
	emr_write *writes;

	if (emr_descriptor_parse(descriptor, &parsed) != EMR_CONTRACT_OK)
		return EMR_CONTRACT_FORMAT;
	writes = emr_arena_alloc(arena, ((size_t)parsed.norg + 1) * sizeof *writes);
	if (writes == NULL || !put_network(arena, &parsed, &writes[0]))
		return EMR_CONTRACT_NO_ROOM;
	for (size_t i = 0; i < parsed.norg; i++) {
		if (emr_descriptor_org_at(&parsed, i, &org) != EMR_CONTRACT_OK)
			return EMR_CONTRACT_FORMAT;
		if (!put_org(arena, &org, &writes[i + 1]))
			return EMR_CONTRACT_NO_ROOM;
	}
	*out_writes = writes;
	*out_count = (size_t)parsed.norg + 1;
	return EMR_CONTRACT_OK;
}
