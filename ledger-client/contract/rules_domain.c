/* These are the rules for the unit that is shared: making it, beginning an epoch with new keys,
 * handing it to a new key of its owner, and publishing listing keys (10 DOMAIN_NEW, 11 EPOCH, 12
 * DOMAIN_ROTATE, 15 LISTKEY). */
#include "judge.h"

#include "contract/pubs.h"
#include "contract/pubs_share.h"
#include "crypto/hashsig.h"

#include "bytes.h"
#include "declare.h"

static emr_result object_is_the_domain(struct judge *judge)
{
	return memcmp(judge->item.object_id, judge->item.domain_id, 16) == 0 ? EMR_RESULT_APPLIED
									     : EMR_RESULT_FORMAT;
}

static void put_domain(struct judge *judge, const emr_row_domain *row)
{
	emr_row_epoch epoch = {.head = emr_judge_head(judge, EMR_FAMILY_EPOCH, EMR_STATE_PRESENT, 0,
				       row->head.epoch)};
	uint8_t domain_value[EMR_ROW_DOMAIN_BYTES], epoch_value[EMR_ROW_EPOCH_BYTES];
	emr_key_text key;

	emr_row_domain_encode(row, domain_value);
	emr_judge_put_own(judge, domain_value, sizeof domain_value);
	memcpy(epoch.A, row->A, 32);
	emr_key_epoch(judge->item.domain_id, row->head.epoch, &key);
	emr_row_epoch_encode(&epoch, epoch_value);
	emr_judge_put(judge, key.text, epoch_value, sizeof epoch_value);
}

static void new_write(struct judge *judge)
{
	emr_row_domain row = {.head = emr_judge_head(judge, EMR_FAMILY_DOMAIN, EMR_DOMAIN_LIVE,
				      judge->item.flags, judge->item.epoch)};
	emr_pub_domain_new pub;

	if (!emr_pub_domain_new_parse(judge->pub, &pub))
		return;
	memcpy(row.owner_pk, judge->header.signer_pk, 32);
	memcpy(row.box, pub.box, 32);
	memcpy(row.A, pub.A, 32);
	put_domain(judge, &row);
}

static void epoch_write(struct judge *judge)
{
	emr_row_domain row = judge->domain;

	row.head = emr_judge_head(
		judge, EMR_FAMILY_DOMAIN, row.head.state, row.head.flags, judge->item.epoch);
	memcpy(row.A, judge->pub.data, 32);
	put_domain(judge, &row);
}

/* Only the owner hands it over, and only to a key that agrees.  The batch may be of another key
 * that is registered, which the owner's signature names: so many domains go in one. */
static emr_result rotate_authority(struct judge *judge)
{
	uint8_t message[EMR_HANDOVER_MESSAGE_BYTES];
	emr_pub_domain_rotate pub = emr_pub_domain_rotate_of(judge->pub);

	if (!judge->is_owner)
		EMR_JUDGE_TRY(emr_judge_registered(judge, 0));
	if (emr_handover_message(judge->caller->net_id, &judge->item, judge->pub, message) !=
			EMR_CONTRACT_OK ||
		!emr_ed25519_verify(
			judge->domain.owner_pk, message, sizeof message, pub.owner_sig) ||
		!emr_ed25519_verify(pub.new_pk, message, sizeof message, pub.new_sig))
		return EMR_RESULT_NOT_AUTHORISED;
	return EMR_RESULT_APPLIED;
}

/* With the new key an epoch begins: the former owner has the keys of those before. */
static void rotate_write(struct judge *judge)
{
	emr_pub_domain_rotate pub = emr_pub_domain_rotate_of(judge->pub);
	emr_row_domain row = judge->domain;

	row.head = emr_judge_head(
		judge, EMR_FAMILY_DOMAIN, row.head.state, row.head.flags, judge->item.epoch);
	memcpy(row.owner_pk, pub.new_pk, 32);
	memcpy(row.box, pub.box, 32);
	memcpy(row.A, pub.A, 32);
	put_domain(judge, &row);
}

static emr_result listkey_form(struct judge *judge)
{
	uint8_t object[16];

	emr_object_listkey(judge->signer_id, judge->item.epoch, object);
	return memcmp(object, judge->item.object_id, 16) == 0 ? EMR_RESULT_APPLIED
							      : EMR_RESULT_FORMAT;
}

static emr_result listkey_authority(struct judge *judge)
{
	if (judge->is_manager || (judge->rights & EMR_RIGHT_PUT) != 0 || judge->is_depositor)
		return EMR_RESULT_APPLIED;
	return EMR_RESULT_NOT_AUTHORISED;
}

/* One is all that a writer needs in an epoch; every one is a capsule that the owner may have to
 * open.  Her own computers may begin again as often as they have to. */
static emr_result listkey_last(struct judge *judge)
{
	emr_result result = emr_judge_signer_in_force(judge);

	if (result != EMR_RESULT_APPLIED || judge->is_manager)
		return result;
	return judge->item.version <= EMR_LISTKEYS_MAX ? EMR_RESULT_APPLIED : EMR_RESULT_LIMIT;
}

static void listkey_write(struct judge *judge)
{
	emr_row_listkey row = {.head = emr_judge_head(judge, EMR_FAMILY_LISTKEY, EMR_STATE_PRESENT,
				       0, judge->item.epoch)};
	uint8_t value[EMR_ROW_LISTKEY_BYTES];

	memcpy(row.signer, judge->signer_id, 32);
	emr_row_listkey_encode(&row, value);
	emr_judge_put_own(judge, value, sizeof value);
}

const op_rule emr_rules_domain[4] = {
	{
		.op = EMR_OP_DOMAIN_NEW,
		.flags = EMR_ITEM_INBOX,
		.domain = DOMAIN_FREE,
		.epoch = EPOCH_FIRST,
		.needs = NEED_DOMAIN,
		.row = {"D", KEYED_BY_DOMAIN},
		.form = object_is_the_domain,
		.state = emr_judge_is_new,
		.write = new_write,
	},
	{
		.op = EMR_OP_EPOCH,
		.domain = DOMAIN_LIVES,
		.epoch = EPOCH_NEXT,
		.part_min = 32 + 1,	 /* salt, flag 0 */
		.part_max = 32 + 1 + 80, /* salt, flag 1, HPKE of the secret */
		.part_step = 80,
		.needs = NEED_DOMAIN | NEED_SIGNER,
		.row = {"D", KEYED_BY_DOMAIN},
		.form = object_is_the_domain,
		.authority = emr_judge_manager,
		.last = emr_judge_signer_in_force,
		.write = epoch_write,
	},
	{
		.op = EMR_OP_DOMAIN_ROTATE,
		.domain = DOMAIN_LIVES,
		.epoch = EPOCH_NEXT,
		.needs = NEED_DOMAIN | NEED_SIGNER,
		.row = {"D", KEYED_BY_DOMAIN},
		.form = object_is_the_domain,
		.authority = rotate_authority,
		.last = emr_judge_signer_in_force,
		.write = rotate_write,
	},
	{
		.op = EMR_OP_LISTKEY,
		.domain = DOMAIN_LIVES,
		.epoch = EPOCH_CURRENT,
		.part_min = 32 + 96 + 32, /* salt, capsule, kcheck */
		.part_max = 32 + 96 + 32,
		.part_step = 1,
		.needs = NEED_DOMAIN | NEED_SIGNER,
		.row = {"L", KEYED_IN_DOMAIN},
		.form = listkey_form,
		.authority = listkey_authority,
		.last = listkey_last,
		.write = listkey_write,
	},
};
