/* This file takes a batch apart into its signed header and its operations, and computes its id
 * and the root over them. It refuses anything that is too long, too short or left over. */
#include "contract/item.h"
#include "contract/pubs_share.h"
#include "contract/rows.h"

#include "crypto/hashsig.h"
#include "crypto/merkle.h"

#include "contract_private.h"
#include "fields.h"

FIELDS(header, emr_header, F(6, count), F(8, signer_pk), F(40, net_id), F(56, time_unix_s),
	F(64, valid_until_unix_s), F(72, seen_seq), F(80, seen_leaf), F(112, root), F(144, sig))

emr_contract_status emr_header_parse(emr_span bytes, emr_header *out_header)
{
	const uint8_t *p = bytes.data;
	uint16_t count;

	if (bytes.len != EMR_HEADER_BYTES || memcmp(p, "EMTB\1\0", 6) != 0)
		return EMR_CONTRACT_FORMAT;
	count = get_u16(p + 6);
	if (count == 0 || count > EMR_BATCH_COUNT_MAX)
		return EMR_CONTRACT_FORMAT;
	if (get_u64(p + 72) == 0 && !is_zero(p + 80, 32))
		return EMR_CONTRACT_FORMAT;
	fields_read(header_fields(), p, out_header);
	return EMR_CONTRACT_OK;
}

void emr_header_encode(const emr_header *header, uint8_t out[EMR_HEADER_BYTES])
{
	fields_write(header_fields(), header, out, EMR_HEADER_BYTES);
	memcpy(out, "EMTB\1\0", 6);
}

void emr_header_message(
	const uint8_t header[EMR_HEADER_BYTES], uint8_t out[EMR_HEADER_MESSAGE_BYTES])
{
	static const char label[15] = "emrfs/v1/batch"; /* with its NUL */

	memcpy(out, label, sizeof label);
	memcpy(out + sizeof label, header, EMR_HEADER_SIGNED_BYTES);
}

bool emr_header_is_signed(const uint8_t header[EMR_HEADER_BYTES])
{
	uint8_t message[EMR_HEADER_MESSAGE_BYTES];

	emr_header_message(header, message);
	return emr_ed25519_verify(
		header + 8, message, sizeof message, header + EMR_HEADER_SIGNED_BYTES);
}

void emr_batch_id(const uint8_t header[EMR_HEADER_BYTES], uint8_t out_id[32])
{
	emr_sha256(header, EMR_HEADER_SIGNED_BYTES, out_id);
}

/* Cuts the next item off BYTES.  APPLIED, FORMAT or UNKNOWN_OP. */
static emr_result next_item(emr_span *bytes, emr_span *out_item)
{
	int pub_len;

	if (bytes->len < EMR_ITEM_BYTES)
		return EMR_RESULT_FORMAT;
	pub_len = emr_op_pub_len(bytes->data[5]);
	if (pub_len < 0)
		return EMR_RESULT_UNKNOWN_OP;
	if (bytes->len - EMR_ITEM_BYTES < (size_t)pub_len)
		return EMR_RESULT_FORMAT;
	*out_item = (emr_span){bytes->data, EMR_ITEM_BYTES + (size_t)pub_len};
	bytes->data += out_item->len;
	bytes->len -= out_item->len;
	return EMR_RESULT_APPLIED;
}

emr_contract_status emr_items_root(emr_span items, uint16_t count, uint8_t out_root[32])
{
	emr_merkle_frontier frontier = {0};
	uint8_t leaf[32];
	emr_span item;

	for (uint16_t i = 0; i < count; i++) {
		if (next_item(&items, &item) != EMR_RESULT_APPLIED)
			return EMR_CONTRACT_FORMAT;
		emr_merkle_leaf(item.data, item.len, leaf);
		emr_merkle_append(&frontier, leaf);
	}
	if (items.len != 0 || count == 0)
		return EMR_CONTRACT_FORMAT;
	emr_merkle_frontier_root(&frontier, out_root);
	return EMR_CONTRACT_OK;
}

bool emr_batch_has_root(const emr_batch *batch)
{
	emr_header header;
	uint8_t root[32];

	return emr_header_parse(batch->header, &header) == EMR_CONTRACT_OK &&
	       emr_items_root(batch->items_bytes, batch->count, root) == EMR_CONTRACT_OK &&
	       memcmp(root, header.root, sizeof root) == 0;
}

/* Header and items of BATCH; REST is left behind the last item. */
static emr_result split_items(emr_span header, emr_span *rest, emr_batch *batch)
{
	emr_header parsed;
	emr_result result;

	if (emr_header_parse(header, &parsed) != EMR_CONTRACT_OK)
		return EMR_RESULT_FORMAT;
	batch->header = header;
	batch->count = parsed.count;
	batch->items_bytes = *rest;
	for (size_t i = 0; i < batch->count; i++) {
		result = next_item(rest, &batch->items[i].bytes);
		if (result != EMR_RESULT_APPLIED)
			return result;
	}
	batch->items_bytes.len -= rest->len;
	return EMR_RESULT_APPLIED;
}

size_t emr_batch_public_len(emr_span bytes)
{
	emr_span rest, item;
	emr_header parsed;

	if (bytes.len < EMR_HEADER_BYTES ||
		emr_header_parse((emr_span){bytes.data, EMR_HEADER_BYTES}, &parsed) !=
			EMR_CONTRACT_OK)
		return 0;
	rest = (emr_span){bytes.data + EMR_HEADER_BYTES, bytes.len - EMR_HEADER_BYTES};
	for (size_t i = 0; i < parsed.count; i++)
		if (next_item(&rest, &item) != EMR_RESULT_APPLIED)
			return 0;
	return bytes.len - rest.len;
}

emr_result emr_batch_parse(emr_span bytes, emr_batch *out_batch)
{
	emr_span header = {bytes.data, EMR_HEADER_BYTES};
	emr_span rest;
	emr_result result;

	if (bytes.len < EMR_HEADER_BYTES || bytes.len > EMR_BATCH_BYTES_MAX)
		return EMR_RESULT_FORMAT;
	rest = (emr_span){bytes.data + EMR_HEADER_BYTES, bytes.len - EMR_HEADER_BYTES};
	result = split_items(header, &rest, out_batch);
	if (result != EMR_RESULT_APPLIED)
		return result;
	for (size_t i = 0; i < out_batch->count; i++) {
		uint32_t priv_len = get_u32(out_batch->items[i].bytes.data + 124);

		if (priv_len > rest.len)
			return EMR_RESULT_FORMAT;
		out_batch->items[i].part = (emr_span){rest.data, priv_len};
		rest.data += priv_len;
		rest.len -= priv_len;
	}
	return rest.len == 0 ? EMR_RESULT_APPLIED : EMR_RESULT_FORMAT;
}

emr_result emr_batch_parse_items(emr_span header, emr_span items, const emr_span *parts,
	size_t parts_count, emr_batch *out_batch)
{
	size_t total = header.len + items.len;
	emr_result result;

	if (total > EMR_BATCH_BYTES_MAX)
		return EMR_RESULT_FORMAT;
	result = split_items(header, &items, out_batch);
	if (result != EMR_RESULT_APPLIED)
		return result;
	if (items.len != 0 || (parts != NULL && parts_count != out_batch->count))
		return EMR_RESULT_FORMAT;
	for (size_t i = 0; i < out_batch->count; i++) {
		out_batch->items[i].part = parts != NULL ? parts[i] : (emr_span){NULL, 0};
		if (out_batch->items[i].part.len > EMR_BATCH_BYTES_MAX - total)
			return EMR_RESULT_FORMAT;
		total += out_batch->items[i].part.len;
	}
	return EMR_RESULT_APPLIED;
}

void emr_batch_item_at(const emr_batch *batch, size_t i, emr_item *out_item, emr_span *out_pub)
{
	emr_span bytes = batch->items[i].bytes;

	/* Magic and version are judged item by item in emr_contract_apply(); the fields are read
	 * here anyway. */
	emr_item_read(bytes.data, out_item);
	*out_pub = (emr_span){bytes.data + EMR_ITEM_BYTES, bytes.len - EMR_ITEM_BYTES};
}

/* salt, length u16, DER */
emr_span emr_batch_certificate(const emr_batch *batch)
{
	emr_span part = batch->items[0].part;
	emr_item item;
	emr_span pub;
	size_t len;

	if (batch->count != 1 || part.data == NULL || part.len < 34)
		return (emr_span){NULL, 0};
	emr_batch_item_at(batch, 0, &item, &pub);
	if (item.op != EMR_OP_KEY_REG && item.op != EMR_OP_KEY_CERT)
		return (emr_span){NULL, 0};
	len = get_u16(part.data + 32);
	return len == 0 || len > part.len - 34 ? (emr_span){NULL, 0}
					       : (emr_span){part.data + 34, len};
}
