/* The contract lets a person, and a domain, go on under another key. These
 * make the operations, for tests of what others have to make of them. */
#pragma once

#include "contract/codes.h"
#include "contract/pubs.h"
#include "emr_test.h"
#include "ledger/act.h"

/* From OLD to the keys of NEXT, the same person's new keyring. */
static inline emr_act rotated_key(emr_id32 old, const emr_keyring *next, emr_id16 net_id)
{
	EMR_AUTO_BUF part = {0};
	emr_act act;

	assert_ok(emr_act_key_rotate(next, net_id, old, &act, &part));
	return act;
}

/* From KEYRING's key of the domain, whose row is of the item PREV, to its key of NEXT_GEN; it is in
 * a batch of the former. */
static inline emr_act rotated_domain(const emr_keyring *keyring, emr_id16 domain, uint32_t epoch,
	emr_id32 prev, uint32_t next_gen, emr_id16 net_id)
{
	emr_act act = {.op = EMR_OP_DOMAIN_ROTATE,
		.domain = domain,
		.object = domain,
		.version = 1,
		.epoch = epoch};
	uint8_t message[EMR_HANDOVER_MESSAGE_BYTES];
	emr_item item = {.op = EMR_OP_DOMAIN_ROTATE};
	emr_pub_domain_rotate pub = {0};
	emr_domain_public owner, next;

	assert_ok(emr_keyring_domain_public(keyring, domain, 1, epoch, &owner));
	assert_ok(emr_keyring_domain_public(keyring, domain, next_gen, epoch, &next));
	memcpy(pub.new_pk, next.owner_pk, 32);
	memcpy(pub.box, next.box, 32);
	memcpy(pub.A, next.A, 32);
	emr_pub_domain_rotate_encode(&pub, act.pub);
	memcpy(item.domain_id, domain.b, 16);
	memcpy(item.signer_id, owner.signer_id.b, 32);
	memcpy(item.prev, prev.b, 32);
	assert_int_equal(emr_handover_message(net_id.b, &item,
				 (emr_span){act.pub, (size_t)emr_op_pub_len(act.op)}, message),
		EMR_CONTRACT_OK);
	assert_ok(emr_keyring_sign(keyring, emr_signer_domain(domain, 1), EMR_SIGN_ROTATE,
		emr_bytes_of(message + 16, sizeof message - 16), pub.owner_sig));
	assert_ok(emr_keyring_sign(keyring, emr_signer_domain(domain, next_gen), EMR_SIGN_ROTATE,
		emr_bytes_of(message + 16, sizeof message - 16), pub.new_sig));
	emr_pub_domain_rotate_encode(&pub, act.pub);
	return act;
}
