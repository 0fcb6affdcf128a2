/* This file reads and writes the public parts of operations about keys, folders and erasing. It
 * refuses lengths and values that are not possible. */
#include "contract/pubs.h"

#include "crypto/hashsig.h"

#include "bytes.h"

#define KEY_REG_BIND_AT 216 /* where bind_sig stands in a KEY_REG */
#define KEY_CERT_BIND_AT 32

void emr_pub_key_reg_encode(const emr_pub_key_reg *pub, uint8_t out[288])
{
	memset(out, 0, 8);
	put_u16(out, pub->roles);
	out[2] = pub->how;
	memcpy(out + 8, pub->org, 16);
	memcpy(out + 24, pub->x25519, 32);
	memcpy(out + 56, pub->B, 32);
	memcpy(out + 88, pub->pop, 64);
	memcpy(out + 152, pub->log_pk, 32);
	memcpy(out + 184, pub->ref, 32);
	memcpy(out + KEY_REG_BIND_AT, pub->bind_sig, 64);
	put_u64(out + 280, pub->not_after_unix_s);
}

bool emr_pub_key_reg_parse(emr_span bytes, emr_pub_key_reg *out_pub)
{
	const uint8_t *p = bytes.data;

	if (bytes.len != 288)
		return false;
	out_pub->roles = get_u16(p);
	out_pub->how = p[2];
	memcpy(out_pub->org, p + 8, 16);
	memcpy(out_pub->x25519, p + 24, 32);
	memcpy(out_pub->B, p + 56, 32);
	memcpy(out_pub->pop, p + 88, 64);
	memcpy(out_pub->log_pk, p + 152, 32);
	memcpy(out_pub->ref, p + 184, 32);
	memcpy(out_pub->bind_sig, p + KEY_REG_BIND_AT, 64);
	out_pub->not_after_unix_s = get_u64(p + 280);
	return true;
}

void emr_pub_key_cert_encode(const emr_pub_key_cert *pub, uint8_t out[104])
{
	memcpy(out, pub->ref, 32);
	memcpy(out + KEY_CERT_BIND_AT, pub->bind_sig, 64);
	put_u64(out + 96, pub->not_after_unix_s);
}

bool emr_pub_key_cert_parse(emr_span bytes, emr_pub_key_cert *out_pub)
{
	if (bytes.len != 104)
		return false;
	memcpy(out_pub->ref, bytes.data, 32);
	memcpy(out_pub->bind_sig, bytes.data + KEY_CERT_BIND_AT, 64);
	out_pub->not_after_unix_s = get_u64(bytes.data + 96);
	return true;
}

void emr_pub_domain_new_encode(const emr_pub_domain_new *pub, uint8_t out[64])
{
	memcpy(out, pub->box, 32);
	memcpy(out + 32, pub->A, 32);
}

bool emr_pub_domain_new_parse(emr_span bytes, emr_pub_domain_new *out_pub)
{
	if (bytes.len != 64)
		return false;
	memcpy(out_pub->box, bytes.data, 32);
	memcpy(out_pub->A, bytes.data + 32, 32);
	return true;
}

void emr_pub_erase_encode(const emr_pub_erase *pub, uint8_t out[24])
{
	memset(out, 0, 8);
	out[0] = pub->family;
	put_u64(out + 8, pub->from_version);
	put_u64(out + 16, pub->to_version);
}

bool emr_pub_erase_parse(emr_span bytes, emr_pub_erase *out_pub)
{
	if (bytes.len != 24)
		return false;
	out_pub->family = bytes.data[0];
	out_pub->from_version = get_u64(bytes.data + 8);
	out_pub->to_version = get_u64(bytes.data + 16);
	return true;
}

void emr_pub_restore_encode(const emr_pub_restore *pub, uint8_t out[16])
{
	memset(out, 0, 8);
	out[0] = pub->family;
	put_u64(out + 8, pub->version);
}

bool emr_pub_restore_parse(emr_span bytes, emr_pub_restore *out_pub)
{
	if (bytes.len != 16)
		return false;
	out_pub->family = bytes.data[0];
	out_pub->version = get_u64(bytes.data + 8);
	return true;
}

emr_contract_status emr_bind_message(const uint8_t net_id[16], const uint8_t signer_id[32],
	emr_span pub, uint8_t out[EMR_BIND_MESSAGE_BYTES])
{
	static const char label[14] = "emrfs/v1/bind"; /* with its NUL */
	size_t sig_at = pub.len == 288 ? KEY_REG_BIND_AT : KEY_CERT_BIND_AT;
	emr_sha256_ctx ctx;

	if (pub.len != 288 && pub.len != 104)
		return EMR_CONTRACT_ARGUMENT;
	memcpy(out, label, sizeof label);
	memcpy(out + 14, net_id, 16);
	memcpy(out + 30, signer_id, 32);
	emr_sha256_init(&ctx);
	emr_sha256_update(&ctx, pub.data, sig_at);
	emr_sha256_update(&ctx, pub.data + sig_at + 64, pub.len - sig_at - 64);
	emr_sha256_final(&ctx, out + 62);
	return EMR_CONTRACT_OK;
}

void emr_object_listkey(const uint8_t signer_id[32], uint32_t epoch, uint8_t out_object[16])
{
	emr_sha256_ctx ctx;
	uint8_t number[4], hash[32];

	put_u32(number, epoch);
	emr_sha256_init(&ctx);
	emr_sha256_update(&ctx, "emrfs/v1/listkey", 17); /* with its NUL */
	emr_sha256_update(&ctx, signer_id, 32);
	emr_sha256_update(&ctx, number, 4);
	emr_sha256_final(&ctx, hash);
	memcpy(out_object, hash, 16);
}
