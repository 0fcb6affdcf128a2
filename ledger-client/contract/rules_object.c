/* These are the rules for records: saving, renaming, wrapping again and removing (20 PUT, 21 META,
 * 22 REWRAP, 23 UNLINK). A writer may touch what the right allows, and of the root of a shared
 * folder nothing, unless it is a single shared file: then its bytes. */
#include "judge.h"

#include "contract/pubs.h"

#include "bytes.h"

#define PUT_PART(k) (300 + 512 * (k) + 16)
#define META_PART(k) (88 + 512 * (k) + 16)

/* May a writer with RIGHT touch this object: his own, or anyone's with ANY? */
static bool writer_may(struct judge *judge, uint16_t right)
{
	emr_row_object row = emr_judge_object(judge);

	if ((judge->rights & right) == 0)
		return false;
	return !judge->is_row_present || (judge->rights & EMR_RIGHT_ANY) != 0 ||
	       memcmp(row.creator, judge->signer_id, 32) == 0;
}

/* The domain's own root: who writes in a folder does not say what it is called, where it lies or
 * what rules it carries. */
static bool is_root(const struct judge *judge)
{
	return memcmp(judge->item.object_id, judge->item.domain_id, 16) == 0;
}

/* A root with content is a file that is shared by itself: its bytes are a writer's as those of any
 * other file, once a manager has made it.  Nothing else of it is. */
static emr_result root_put_authority(struct judge *judge)
{
	bool is_file = judge->is_row_present && (judge->head.flags & EMR_ITEM_NOCONTENT) == 0;

	return is_file && writer_may(judge, EMR_RIGHT_PUT) ? EMR_RESULT_APPLIED
							   : emr_judge_manager(judge);
}

static emr_result put_authority(struct judge *judge)
{
	if (is_root(judge))
		return root_put_authority(judge);
	if (judge->is_manager || writer_may(judge, EMR_RIGHT_PUT) ||
		(judge->is_depositor && !judge->is_row_present))
		return EMR_RESULT_APPLIED;
	return EMR_RESULT_NOT_AUTHORISED;
}

static emr_result meta_authority(struct judge *judge)
{
	bool is_new = !judge->is_row_present;

	if (is_root(judge))
		return emr_judge_manager(judge);
	if (judge->is_manager || writer_may(judge, is_new ? EMR_RIGHT_MKDIR : EMR_RIGHT_META))
		return EMR_RESULT_APPLIED;
	return EMR_RESULT_NOT_AUTHORISED;
}

static emr_result rewrap_authority(struct judge *judge)
{
	return judge->is_manager ? EMR_RESULT_APPLIED : EMR_RESULT_NOT_AUTHORISED;
}

static emr_result unlink_authority(struct judge *judge)
{
	if (is_root(judge))
		return emr_judge_manager(judge);
	if (judge->is_manager || writer_may(judge, EMR_RIGHT_META))
		return EMR_RESULT_APPLIED;
	return EMR_RESULT_NOT_AUTHORISED;
}

static emr_result put_state(struct judge *judge)
{
	if (judge->head.state == EMR_OBJECT_ERASED)
		return EMR_RESULT_GONE;
	if ((judge->head.flags & EMR_ITEM_NOCONTENT) != 0) /* a directory or link has the id */
		return EMR_RESULT_EXISTS;
	/* A writer does not share again what the owner has removed. */
	if (judge->head.state == EMR_OBJECT_UNLINKED && is_root(judge) && !judge->is_manager)
		return EMR_RESULT_GONE;
	return EMR_RESULT_APPLIED;
}

static emr_result meta_state(struct judge *judge)
{
	bool makes_nocontent = (judge->item.flags & EMR_ITEM_NOCONTENT) != 0;

	if (!judge->is_row_present)
		return makes_nocontent ? EMR_RESULT_APPLIED : EMR_RESULT_GONE;
	if (judge->head.state == EMR_OBJECT_ERASED ||
		(judge->head.state == EMR_OBJECT_UNLINKED && !judge->is_manager))
		return EMR_RESULT_GONE;
	if (makes_nocontent && (judge->head.flags & EMR_ITEM_NOCONTENT) == 0)
		return EMR_RESULT_EXISTS;
	return EMR_RESULT_APPLIED;
}

static emr_result unlink_state(struct judge *judge)
{
	return judge->head.state == EMR_OBJECT_LIVE ? EMR_RESULT_APPLIED : EMR_RESULT_GONE;
}

/* The signer's listing key of this epoch must stand there, or nobody could read the name. */
static emr_result sealed_last(struct judge *judge)
{
	uint8_t object[16];
	emr_key_text key;
	emr_span value;

	EMR_JUDGE_TRY(emr_judge_signer_in_force(judge));
	emr_object_listkey(judge->signer_id, judge->item.epoch, object);
	emr_key_listkey(judge->item.domain_id, object, &key);
	return emr_judge_get(judge, key.text, &value) ? EMR_RESULT_APPLIED : EMR_RESULT_KEY_DEAD;
}

static void put_object(
	struct judge *judge, emr_row_object *row, uint8_t state, uint16_t flags, uint32_t epoch)
{
	uint8_t value[EMR_ROW_OBJECT_BYTES];

	row->head = emr_judge_head(judge, EMR_FAMILY_OBJECT, state, flags, epoch);
	if (!judge->is_row_present)
		memcpy(row->creator, judge->signer_id, 32);
	emr_row_object_encode(row, value);
	emr_judge_put_own(judge, value, sizeof value);
}

static void put_write(struct judge *judge)
{
	emr_row_object row = emr_judge_object(judge);

	row.pversion = judge->item.version;
	memcpy(row.pitem, judge->id, 32);
	put_object(judge, &row, EMR_OBJECT_LIVE, 0, judge->item.epoch);
}

/* The row's epoch stays that of the content; without content it is that of the names. */
static void meta_write(struct judge *judge)
{
	emr_row_object row = emr_judge_object(judge);
	uint16_t flags = judge->is_row_present ? row.head.flags : EMR_ITEM_NOCONTENT;
	bool has_content = (flags & EMR_ITEM_NOCONTENT) == 0;

	put_object(judge, &row, EMR_OBJECT_LIVE, flags,
		has_content ? row.head.epoch : judge->item.epoch);
}

static void unlink_write(struct judge *judge)
{
	emr_row_object row = emr_judge_object(judge);

	put_object(judge, &row, EMR_OBJECT_UNLINKED, row.head.flags, row.head.epoch);
}

#define OBJECT_NEEDS (NEED_DOMAIN | NEED_SIGNER)

const op_rule emr_rules_object[4] = {
	{
		.op = EMR_OP_PUT,
		.flags = EMR_ITEM_REENC | EMR_ITEM_CONFLICT,
		.domain = DOMAIN_LIVES,
		.epoch = EPOCH_CURRENT,
		.part_min = PUT_PART(1),
		.part_max = PUT_PART(32),
		.part_step = 512,
		.needs = OBJECT_NEEDS | NEED_LISTKEY,
		.row = {"O", KEYED_IN_DOMAIN},
		.authority = put_authority,
		.state = put_state,
		.last = sealed_last,
		.write = put_write,
	},
	{
		.op = EMR_OP_META,
		.flags = EMR_ITEM_NOCONTENT | EMR_ITEM_CONFLICT,
		.domain = DOMAIN_LIVES,
		.epoch = EPOCH_CURRENT,
		.part_min = META_PART(1),
		.part_max = META_PART(32),
		.part_step = 512,
		.needs = OBJECT_NEEDS | NEED_LISTKEY,
		.row = {"O", KEYED_IN_DOMAIN},
		.authority = meta_authority,
		.state = meta_state,
		.last = sealed_last,
		.write = meta_write,
	},
	{
		.op = EMR_OP_REWRAP,
		.flags = EMR_ITEM_REENC | EMR_ITEM_CONFLICT,
		.domain = DOMAIN_LIVES,
		.epoch = EPOCH_CURRENT,
		.part_min = PUT_PART(1),
		.part_max = PUT_PART(32),
		.part_step = 512,
		.needs = OBJECT_NEEDS | NEED_LISTKEY,
		.row = {"O", KEYED_IN_DOMAIN},
		.authority = rewrap_authority,
		.state = put_state,
		.last = sealed_last,
		.write = put_write,
	},
	{
		.op = EMR_OP_UNLINK,
		.domain = DOMAIN_LIVES,
		.epoch = EPOCH_CURRENT,
		.needs = OBJECT_NEEDS,
		.row = {"O", KEYED_IN_DOMAIN},
		.authority = unlink_authority,
		.state = unlink_state,
		.last = emr_judge_signer_in_force,
		.write = unlink_write,
	},
};
