/* This file is the byte format of one operation's item of 160 bytes: it reads and writes it, and
 * computes its id and the hash that binds its private part. */
#include "contract/item.h"

#include "crypto/hashsig.h"

#include "bytes.h"
#include "contract_private.h"

bool emr_item_has_magic(const uint8_t bytes[EMR_ITEM_BYTES])
{
	return memcmp(bytes, "EMTX\1", 5) == 0;
}

void emr_item_read(const uint8_t bytes[EMR_ITEM_BYTES], emr_item *out_item)
{
	const uint8_t *p = bytes;

	out_item->op = p[5];
	out_item->flags = get_u16(p + 6);
	memcpy(out_item->domain_id, p + 8, 16);
	memcpy(out_item->object_id, p + 24, 16);
	out_item->version = get_u64(p + 40);
	memcpy(out_item->prev, p + 48, 32);
	memcpy(out_item->signer_id, p + 80, 32);
	out_item->time_unix_s = get_u64(p + 112);
	out_item->epoch = get_u32(p + 120);
	out_item->priv_len = get_u32(p + 124);
	memcpy(out_item->priv_hash, p + 128, 32);
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
	memcpy(out, "EMTX\1", 5);
	out[5] = item->op;
	put_u16(out + 6, item->flags);
	memcpy(out + 8, item->domain_id, 16);
	memcpy(out + 24, item->object_id, 16);
	put_u64(out + 40, item->version);
	memcpy(out + 48, item->prev, 32);
	memcpy(out + 80, item->signer_id, 32);
	put_u64(out + 112, item->time_unix_s);
	put_u32(out + 120, item->epoch);
	put_u32(out + 124, item->priv_len);
	memcpy(out + 128, item->priv_hash, 32);
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
