/* The public parts of the operations that this contract serves: encoding for clients, parsing for
 * followers, and the messages their inner signatures cover.  It refuses nothing but wrong lengths;
 * the contract judges the rest. All functions are pure and thread-safe. */
#pragma once

#include "contract/item.h"

#define EMR_LISTKEYS_MAX 64u /* of a writer who is no manager, in one domain and epoch */

/* KEY_REG 01, 288 bytes */
typedef struct emr_pub_key_reg {
	uint16_t roles;
	uint8_t how; /* enum emr_key_how */
	uint8_t org[16];
	uint8_t x25519[32];
	uint8_t B[32];	 /* key for re-encryption, ristretto255 */
	uint8_t pop[64]; /* its proof of possession, for net_id and signer_id */
	uint8_t log_pk[32];
	uint8_t ref[32]; /* SHA-256(certificate DER), or the endorser's signer_id */
	uint8_t bind_sig[64];
	uint64_t not_after_unix_s;
} emr_pub_key_reg;

/* KEY_CERT 07, 104 bytes */
typedef struct emr_pub_key_cert {
	uint8_t ref[32];
	uint8_t bind_sig[64];
	uint64_t not_after_unix_s;
} emr_pub_key_cert;

/* DOMAIN_NEW 10, 64 bytes */
typedef struct emr_pub_domain_new {
	uint8_t box[32];
	uint8_t A[32];
} emr_pub_domain_new;

/* ERASE 24, 24 bytes: purges the parts from..to (both included) of FAMILY */
typedef struct emr_pub_erase {
	uint8_t family;
	uint64_t from_version;
	uint64_t to_version;
} emr_pub_erase;

/* RESTORE_PART 7F, 16 bytes */
typedef struct emr_pub_restore {
	uint8_t family;
	uint64_t version;
} emr_pub_restore;

/* emr_pub_NAME_encode() writes a public part. emr_pub_NAME_parse() reads it: false when the length
 * is not that of the operation; *out_pub is then untouched.  emr_pub_NAME_of() reads one whose
 * length is known to be right; zeros where it is not. */
#define EMR_PUB(name, len)                                                                         \
	void emr_pub_##name##_encode(const emr_pub_##name *pub, uint8_t out[len]);                 \
	bool emr_pub_##name##_parse(emr_span bytes, emr_pub_##name *out_pub);                      \
	static inline emr_pub_##name emr_pub_##name##_of(emr_span bytes)                           \
	{                                                                                          \
		emr_pub_##name pub = {0};                                                          \
                                                                                                   \
		(void)emr_pub_##name##_parse(bytes, &pub);                                         \
		return pub;                                                                        \
	}                                                                                          \
	_Static_assert(len <= EMR_PUB_MAX, "a public part")

EMR_PUB(key_reg, 288);
EMR_PUB(key_cert, 104);
EMR_PUB(domain_new, 64);
EMR_PUB(erase, 24);
EMR_PUB(restore, 16);

#define EMR_BIND_MESSAGE_BYTES 94 /* "emrfs/v1/bind\0", net_id, signer_id, SHA-256 */

/* The bytes that bind_sig covers: "emrfs/v1/bind\0" || net_id || signer_id || SHA-256(pub without
 * its bind_sig). PUB is the encoded public part of a KEY_REG (288 bytes) or KEY_CERT (104);
 * bind_sig inside may be anything. EMR_CONTRACT_ARGUMENT for another length. */
EMR_CONTRACT_MUST_CHECK
emr_contract_status emr_bind_message(const uint8_t net_id[16], const uint8_t signer_id[32],
	emr_span pub, uint8_t out[EMR_BIND_MESSAGE_BYTES]);

/* object_id of the LISTKEY of SIGNER in EPOCH: SHA-256("emrfs/v1/listkey\0" || signer || u32
 * epoch)[0..15]. */
void emr_object_listkey(const uint8_t signer_id[32], uint32_t epoch, uint8_t out_object[16]);
