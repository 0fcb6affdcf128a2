/* The contract lets a person, and a domain, go on under another key. No verb does that yet: these
 * make the operations, for tests of what others have to make of them. */
#pragma once

#include "contract/codes.h"
#include "contract/pubs.h"
#include "emr_test.h"
#include "ledger/act.h"

/* The new key signs what both rotations say. */
static inline void rotated_sign(const emr_keyring *next, emr_signer who, emr_id16 net_id,
	emr_bytes old, emr_bytes pub, uint8_t out_sig[64])
{
	uint8_t message[EMR_ROTATE_MESSAGE_MAX];
	const size_t label = 16; /* emr_keyring_sign puts it there itself */
	size_t len;

	assert_int_equal(emr_rotate_message(net_id.b, (emr_span){old.data, old.len},
				 (emr_span){pub.data, pub.len}, message, &len),
		EMR_CONTRACT_OK);
	assert_ok(emr_keyring_sign(
		next, who, EMR_SIGN_ROTATE, emr_bytes_of(message + label, len - label), out_sig));
}

/* From OLD to the keys of NEXT, the same person's new keyring. */
static inline emr_act rotated_key(emr_id32 old, const emr_keyring *next, emr_id16 net_id)
{
	emr_act act = {.op = EMR_OP_KEY_ROTATE, .version = 1};
	emr_pub_key_rotate pub = {0};
	emr_public public;

	memcpy(act.object.b, old.b, 16);
	assert_ok(emr_keyring_public(next, &public));
	assert_ok(emr_keyring_pop(next, net_id, pub.pop));
	assert_ok(emr_keyring_log_public(next, net_id, pub.log_pk));
	memcpy(pub.new_pk, public.pk, 32);
	memcpy(pub.x25519, public.x25519, 32);
	memcpy(pub.B, public.B, 32);
	emr_pub_key_rotate_encode(&pub, act.pub);
	rotated_sign(next, emr_signer_identity(), net_id, emr_bytes_of(old.b, 32),
		emr_bytes_of(act.pub, (size_t)emr_op_pub_len(act.op)), pub.new_sig);
	emr_pub_key_rotate_encode(&pub, act.pub);
	return act;
}

/* From KEYRING's key before to that of NEXT_GEN. */
static inline emr_act rotated_domain(
	const emr_keyring *keyring, emr_id16 domain, uint32_t next_gen, emr_id16 net_id)
{
	emr_act act = {
		.op = EMR_OP_DOMAIN_ROTATE, .domain = domain, .object = domain, .version = 1};
	emr_pub_domain_rotate pub = {0};
	emr_domain_public public;

	assert_ok(emr_keyring_domain_public(keyring, domain, next_gen, 1, &public));
	memcpy(pub.new_pk, public.owner_pk, 32);
	emr_pub_domain_rotate_encode(&pub, act.pub);
	rotated_sign(keyring, emr_signer_domain(domain, next_gen), net_id,
		emr_bytes_of(domain.b, 16), emr_bytes_of(act.pub, (size_t)emr_op_pub_len(act.op)),
		pub.new_sig);
	emr_pub_domain_rotate_encode(&pub, act.pub);
	return act;
}
