/* This file makes the operations that say on the ledger that a person goes on under another key,
 * with her folders: each is signed by the key before and by the one that follows. */
#include "ledger/act.h"

#include <string.h>

/* emr_keyring_sign puts it there itself. */
#define LABEL_BYTES 16

emr_status emr_act_key_rotate(
	const emr_keyring *next, emr_id16 net_id, emr_id32 old, emr_act *out_act, emr_buf *out_part)
{
	emr_act act = {.op = EMR_OP_KEY_ROTATE, .version = 1};
	uint8_t message[EMR_ROTATE_MESSAGE_BYTES];
	emr_pub_key_rotate pub = {0};
	emr_public public;

	memcpy(act.object.b, old.b, sizeof act.object.b);
	EMR_TRY(emr_keyring_public(next, &public));
	EMR_TRY(emr_keyring_pop(next, net_id, pub.pop));
	EMR_TRY(emr_keyring_log_public(next, net_id, pub.log_pk));
	memcpy(pub.new_pk, public.pk, sizeof pub.new_pk);
	memcpy(pub.x25519, public.x25519, sizeof pub.x25519);
	memcpy(pub.B, public.B, sizeof pub.B);
	emr_pub_key_rotate_encode(&pub, act.pub);
	if (emr_rotate_message(net_id.b, old.b, (emr_span){act.pub, (size_t)emr_op_pub_len(act.op)},
		    message) != EMR_CONTRACT_OK)
		return EMR_INVALID;
	EMR_TRY(emr_keyring_sign(next, emr_signer_identity(), EMR_SIGN_ROTATE,
		emr_bytes_of(message + LABEL_BYTES, sizeof message - LABEL_BYTES), pub.new_sig));
	emr_pub_key_rotate_encode(&pub, act.pub);
	if (emr_keyring_former_count(next) > 0)
		EMR_TRY(emr_former_part_seal(next, out_part));
	*out_act = act;
	return EMR_OK;
}

emr_act emr_act_trustee_set(emr_id16 object, const emr_pub_trustee_set *what)
{
	emr_act act = {.op = EMR_OP_TRUSTEE_SET, .object = object, .version = 1};

	emr_pub_trustee_set_encode(what, act.pub);
	return act;
}

emr_act emr_act_recover_ask(emr_id16 request, emr_id16 trustees, const uint8_t box[32])
{
	emr_act act = {.op = EMR_OP_RECOVER_REQ, .object = request, .version = 1};

	memcpy(act.pub, trustees.b, sizeof trustees.b);
	memcpy(act.pub + sizeof trustees.b, box, 32);
	return act;
}

emr_act emr_act_recover_stop(emr_id16 request, emr_id32 person)
{
	emr_act act = {.op = EMR_OP_RECOVER_CANCEL, .object = request, .version = 1};

	memcpy(act.pub, person.b, sizeof person.b);
	return act;
}

emr_act emr_act_recover_give(emr_id16 request, emr_id32 agent)
{
	emr_act act = {.op = EMR_OP_RECOVER_SHARE, .version = 1};

	memcpy(act.pub, request.b, sizeof request.b);
	emr_object_recovery(request.b, agent.b, act.object.b);
	return act;
}

emr_status emr_act_hand_over(const emr_keyring *next, emr_id16 net_id, emr_id32 carrier,
	emr_id16 domain, emr_bytes d_row, emr_act *out_act)
{
	emr_act act = {.op = EMR_OP_DOMAIN_ROTATE, .domain = domain, .object = domain};
	emr_item item = {.op = EMR_OP_DOMAIN_ROTATE};
	uint8_t message[EMR_HANDOVER_MESSAGE_BYTES];
	emr_pub_domain_rotate pub = {0};
	emr_domain_public heir;
	emr_row_domain row;

	if (emr_row_domain_parse((emr_span){d_row.data, d_row.len}, &row) != EMR_CONTRACT_OK)
		return EMR_DAMAGED;
	act.epoch = row.head.epoch + 1;
	EMR_TRY(emr_act_follow(&act, d_row));
	EMR_TRY(emr_keyring_domain_heir(next, domain, act.epoch, &heir));
	memcpy(pub.new_pk, heir.owner_pk, sizeof pub.new_pk);
	memcpy(pub.box, heir.box, sizeof pub.box);
	memcpy(pub.A, heir.A, sizeof pub.A);
	emr_pub_domain_rotate_encode(&pub, act.pub);
	memcpy(item.domain_id, domain.b, sizeof item.domain_id);
	memcpy(item.signer_id, carrier.b, sizeof item.signer_id);
	memcpy(item.prev, act.prev.b, sizeof item.prev);
	if (emr_handover_message(net_id.b, &item,
		    (emr_span){act.pub, (size_t)emr_op_pub_len(act.op)},
		    message) != EMR_CONTRACT_OK)
		return EMR_INVALID;
	EMR_TRY(emr_keyring_sign_handover(next, domain,
		emr_bytes_of(message + LABEL_BYTES, sizeof message - LABEL_BYTES), pub.owner_sig,
		pub.new_sig));
	emr_pub_domain_rotate_encode(&pub, act.pub);
	*out_act = act;
	return EMR_OK;
}
