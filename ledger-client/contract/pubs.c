/* This file reads and writes the public parts of operations about keys, folders and erasing. It
 * refuses lengths and values that are not possible. */
#include "contract/pubs.h"

#include "crypto/hashsig.h"

#include "fields.h"

#define KEY_REG_BIND_AT 216 /* where bind_sig stands in a KEY_REG */
#define KEY_CERT_BIND_AT 32

PUB(key_reg, 288, F(0, roles), F(2, how), F(8, org), F(24, x25519), F(56, B), F(88, pop),
	F(152, log_pk), F(184, ref), F(KEY_REG_BIND_AT, bind_sig), F(280, not_after_unix_s))

PUB(key_cert, 104, F(0, ref), F(KEY_CERT_BIND_AT, bind_sig), F(96, not_after_unix_s))

PUB(domain_new, 64, F(0, box), F(32, A))

PUB(erase, 24, F(0, family), F(8, from_version), F(16, to_version))

PUB(restore, 16, F(0, family), F(8, version))

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
