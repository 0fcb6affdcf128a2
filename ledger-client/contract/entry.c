/* This file is the byte format of an entry of the ledger. It computes the hash of an entry in the
 * chain, and what the submitter of a batch signs. It refuses bytes left over. */
#include "contract/item.h"

#include "crypto/hashsig.h"
#include "crypto/merkle.h"

#include "fields.h"

FIELDS(entry, emr_entry, F(5, host), F(6, count), F(8, seq), F(16, ledger_time_unix_s),
	F(24, submitter_id), F(56, block), F(64, tx), F(72, prev_entry), F(104, header),
	F(312, submit_sig))

emr_contract_status emr_entry_parse(emr_span bytes, emr_entry *out_entry)
{
	const uint8_t *p = bytes.data;
	emr_header header;
	uint16_t count;

	if (bytes.len < EMR_ENTRY_BYTES || memcmp(p, "EMTE\2", 5) != 0 || p[5] > EMR_HOST_FABRIC)
		return EMR_CONTRACT_FORMAT;
	count = get_u16(p + 6);
	if (bytes.len != EMR_ENTRY_BYTES + (size_t)count || get_u32(p + 68) != 0)
		return EMR_CONTRACT_FORMAT;
	if (emr_header_parse((emr_span){p + 104, EMR_HEADER_BYTES}, &header) != EMR_CONTRACT_OK ||
		header.count != count)
		return EMR_CONTRACT_FORMAT;
	fields_read(entry_fields(), p, out_entry);
	out_entry->results = (emr_span){p + EMR_ENTRY_BYTES, count};
	return EMR_CONTRACT_OK;
}

emr_contract_status emr_entry_encode(
	const emr_entry *entry, uint8_t *out, size_t cap, size_t *out_len)
{
	if (entry->results.len != entry->count || get_u16(entry->header + 6) != entry->count)
		return EMR_CONTRACT_ARGUMENT;
	if (cap < EMR_ENTRY_BYTES + (size_t)entry->count)
		return EMR_CONTRACT_NO_ROOM;
	fields_write(entry_fields(), entry, out, EMR_ENTRY_BYTES);
	memcpy(out, "EMTE\2", 5);
	memcpy(out + EMR_ENTRY_BYTES, entry->results.data, entry->count);
	*out_len = EMR_ENTRY_BYTES + (size_t)entry->count;
	return EMR_CONTRACT_OK;
}

void emr_submit_message(const uint8_t net_id[16], const uint8_t header[EMR_HEADER_BYTES],
	uint8_t out[EMR_SUBMIT_MESSAGE_BYTES])
{
	static const char label[16] = "emrfs/v1/submit"; /* with its NUL */
	emr_sha256_ctx ctx;

	memcpy(out, label, sizeof label);
	emr_sha256_init(&ctx);
	emr_sha256_update(&ctx, net_id, 16);
	emr_sha256_update(&ctx, header, EMR_HEADER_BYTES);
	emr_sha256_final(&ctx, out + sizeof label);
}

void emr_entry_leaf(emr_span bytes, uint8_t out_leaf[32])
{
	emr_merkle_leaf(bytes.data, bytes.len, out_leaf);
}
