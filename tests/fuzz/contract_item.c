/* This file makes items out of the choices of a fuzzer, so that many of them fit the rows that
 * there are. */
#include "contract_item.h"

#include <string.h>

#include "contract/codes.h"
#include "contract/contract.h"
#include "contract/pubs_share.h"
#include "contract/rows_share.h"

emr_item chosen_item(const uint8_t *choice, uint8_t op, const uint8_t signer_id[32])
{
	emr_item item = {.op = op,
		.flags = choice[1] % 16 == 0 ? choice[1] >> 4 : choice[1] & 1,
		.version = choice[2] % 6,
		.epoch = choice[3] % 4,
		.time_unix_s = NOW - choice[4] % 2};

	memcpy(item.signer_id, signer_id, 32);
	memset(item.domain_id, choice[5] % 3, 16);
	memset(item.object_id, choice[6] % 5, 16);
	if (op == EMR_OP_LISTKEY && choice[7] != 0)
		emr_object_listkey(signer_id, item.epoch, item.object_id);
	if (op < EMR_OP_DOMAIN_NEW && choice[7] != 0)
		memcpy(item.object_id, signer_id, 16);
	if ((op == EMR_OP_EPOCH || op == EMR_OP_DOMAIN_NEW) && choice[7] != 0)
		memcpy(item.object_id, item.domain_id, 16);
	return item;
}

void chosen_pub(const uint8_t *choice, const uint8_t signer_id[32], emr_item *item,
	uint8_t pub[EMR_PUB_MAX])
{
	for (size_t i = 0; i < EMR_PUB_MAX; i++)
		pub[i] = choice[8 + i % (CHOICES - 8)];
	if (choice[7] % 4 == 0)
		return;
	switch (item->op) {
	case EMR_OP_WRITER_ADD:
	case EMR_OP_HOST_KEY:
	case EMR_OP_KEY_REVOKE:
		memcpy(item->object_id, pub, 16);
		memset(pub + 34, 0, item->op == EMR_OP_WRITER_ADD ? 6 : 0);
		if (item->op == EMR_OP_KEY_REVOKE) {
			pub[41] &= 1;
			memset(pub + 42, 0, 6);
		}
		break;
	case EMR_OP_GRANT:
		memset(pub + 32, 0, 8);
		memset(pub + 56, 0, 7);
		pub[59] = 1;
		pub[61] = 3;
		pub[62] = pub[63] = choice[7] % 4;
		break;
	case EMR_OP_REVOKE:
		memset(pub + 1, 0, 7);
		break;
	case EMR_OP_AGENT_ACK:
		memset(pub + 32, 0, 8);
		pub[32] = choice[7] % 4 + 1;
		emr_object_ack(pub, pub[32], signer_id, item->object_id);
		break;
	case EMR_OP_ACCESS_REQ:
		memset(pub + 16, choice[7] % 3, 24);
		memset(pub + 32, 0, 8);
		pub[33] = choice[7] % 3;
		break;
	case EMR_OP_ACCESS_SERVED:
		memset(pub, 0, 32); /* the item of a made-up row */
		memset(pub + 48, 0, 8);
		pub[48] = choice[7] % 4;
		pub[51] = pub[48] != EMR_SERVED_REFUSED;
		pub[49] = pub[48] == EMR_SERVED_REFUSED;
		emr_object_served(pub, signer_id, item->object_id);
		break;
	case EMR_OP_DATASET_ADMIT:
		memset(pub + 56, 0, 8);
		emr_object_member(pub, pub + 16, item->object_id);
		break;
	case EMR_OP_DATASET_JOIN:
		memset(pub, choice[7] % 3, 16);
		memset(pub + 16, choice[8] % 2, 32);
		break;
	case EMR_OP_EMERGENCY:
		pub[48] %= EMR_EMERGENCY_HOURS_MAX + 2;
		emr_object_emergency(pub + 32, pub + 16, item->domain_id, pub[48], pub);
		__attribute__((fallthrough));
	case EMR_OP_MINT:
		memcpy(item->object_id, pub, 16);
		break;
	case EMR_OP_RECOVER_REQ:
		memset(pub, choice[7] % 3, 16);
		break;
	case EMR_OP_RECOVER_CANCEL:
		memcpy(pub, signer_id, 32);
		break;
	case EMR_OP_RECOVER_SHARE:
		memset(pub, choice[6] % 5, 16);
		emr_object_recovery(pub, signer_id, item->object_id);
		break;
	case EMR_OP_TRANSFER:
		if (choice[7] % 4 == 0)
			memset(pub, 0, 16);
		else
			memcpy(pub, signer_id, 32);
		memset(pub + 32, choice[8] % 3, choice[9] % 2 == 0 ? 16 : 32);
		memset(pub + 64, 0, 7);
		break;
	case EMR_OP_DATASET_SNAPSHOT:
		memset(pub, choice[7] % 3, 16);
		memset(pub + 28, 0, 4);
		break;
	case EMR_OP_ORG_PROPOSE:
		memset(pub + 1, 0, 7);
		pub[0] = choice[7] % 7;
		if (pub[0] != EMR_PROPOSAL_ADMIT)
			memset(pub + 64, 0, 32);
		if (pub[0] > EMR_PROPOSAL_REMOVE)
			memset(pub + 16, 0, 16);
		break;
	case EMR_OP_REQUEST:
		emr_object_request(pub, signer_id, item->object_id);
		break;
	default: /* the others have no field that follows from another */
		break;
	}
}
