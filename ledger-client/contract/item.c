/* This file is the byte format of one operation's item of 160 bytes: it reads and writes it, and
 * computes its id and the hash that binds its private part. */
#include "contract/item.h"

#include "crypto/hashsig.h"

#include "contract_private.h"
#include "fields.h"

FIELDS(item, emr_item, F(5, op), F(6, flags), F(8, domain_id), F(24, object_id), F(40, version),
	F(48, prev), F(80, signer_id), F(112, time_unix_s), F(120, epoch), F(124, priv_len),
	F(128, priv_hash))

bool emr_item_has_magic(const uint8_t bytes[EMR_ITEM_BYTES])
{
	return memcmp(bytes, "EMTX\1", 5) == 0;
}

void emr_item_read(const uint8_t bytes[EMR_ITEM_BYTES], emr_item *out_item)
{
	fields_read(item_fields(), bytes, out_item);
}

emr_contract_status emr_item_parse(emr_span bytes, emr_item *out_item)
{
	if (bytes.len < EMR_ITEM_BYTES || !emr_item_has_magic(bytes.data))
		return EMR_CONTRACT_FORMAT;
	emr_item_read(bytes.data, out_item);
	return EMR_CONTRACT_OK;
}

emr_contract_status emr_item_encode(
	const emr_item *item, emr_span pub, uint8_t *out, size_t cap, size_t *out_len)
{
	int pub_len = emr_op_pub_len(item->op);

	if (pub_len < 0 || pub.len != (size_t)pub_len)
		return EMR_CONTRACT_ARGUMENT;
	if (cap < EMR_ITEM_BYTES + pub.len)
		return EMR_CONTRACT_NO_ROOM;
	fields_write(item_fields(), item, out, EMR_ITEM_BYTES);
	memcpy(out, "EMTX\1", 5);
	if (pub.len > 0)
		memcpy(out + EMR_ITEM_BYTES, pub.data, pub.len);
	*out_len = EMR_ITEM_BYTES + pub.len;
	return EMR_CONTRACT_OK;
}

void emr_item_id(emr_span item_and_pub, uint8_t out_id[32])
{
	emr_sha256(item_and_pub.data, item_and_pub.len, out_id);
}

void emr_item_priv_hash(emr_span part, uint8_t out_hash[32])
{
	emr_sha256_ctx ctx;

	emr_sha256_init(&ctx);
	emr_sha256_update(&ctx, "emrfs/v1/priv", 13);
	emr_sha256_update(&ctx, part.data, part.len);
	emr_sha256_final(&ctx, out_hash);
}

bool emr_item_has_part(const emr_item *item, emr_span part)
{
	uint8_t hash[32];

	if (part.data == NULL || part.len == 0 || part.len != item->priv_len)
		return false;
	emr_item_priv_hash(part, hash);
	return memcmp(hash, item->priv_hash, 32) == 0;
}

void emr_item_set_part(emr_item *item, emr_span part)
{
	item->priv_len = (uint32_t)part.len;
	memset(item->priv_hash, 0, 32);
	if (part.len > 0)
		emr_item_priv_hash(part, item->priv_hash);
}

void emr_signer_id(const uint8_t pk[32], uint8_t out_id[32])
{
	emr_sha256(pk, 32, out_id);
}
