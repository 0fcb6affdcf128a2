/* These are the rules for giving and ending the right to write in a folder (13 WRITER_ADD, 14
 * WRITER_DEL). A manager who is not the owner cannot make anybody a manager for longer than the
 * right of that manager lasts. */
#include "judge.h"

#include "contract/pubs_share.h"
#include "contract/rows_share.h"

#include "bytes.h"
#include "declare.h"

#define RIGHTS_ALL                                                                                 \
	(EMR_RIGHT_PUT | EMR_RIGHT_META | EMR_RIGHT_MKDIR | EMR_RIGHT_MANAGE | EMR_RIGHT_ANY)

static void put_writer(struct judge *judge, const emr_row_writer *row)
{
	uint8_t value[EMR_ROW_WRITER_BYTES];

	emr_row_writer_encode(row, value);
	emr_judge_put_own(judge, value, sizeof value);
}

static emr_row_writer row_of(struct judge *judge)
{
	emr_row_writer row = {0};

	if (judge->is_row_present)
		(void)emr_judge_parsed(judge, emr_row_writer_parse(judge->row, &row));
	return row;
}

/* ---- 13 WRITER_ADD ---- */

static void add_names(struct key_set *set, const emr_item *item, emr_span pub)
{
	(void)item;
	emr_declare_signer(set, emr_pub_writer_add_of(pub).writer);
}

static emr_result add_form(struct judge *judge)
{
	emr_pub_writer_add pub = emr_pub_writer_add_of(judge->pub);
	/* From rules 2 on there is a computer that only reads: its letter has keys, and no right.
	 */
	uint16_t guardian = /* adds nobody */
		judge->rules >= 2 && (pub.rights & EMR_RIGHT_MANAGE) == 0 ? EMR_RIGHT_GUARDIAN : 0;
	bool is_good = (pub.rights != 0 || judge->rules >= 2) &&
		       (pub.rights & ~(RIGHTS_ALL | guardian)) == 0 &&
		       memcmp(judge->item.object_id, pub.writer, 16) == 0;

	return is_good ? EMR_RESULT_APPLIED : EMR_RESULT_FORMAT;
}

/* A manager who is not the owner (a device) makes no manager, himself included, for longer than he
 * is one. */
static emr_result add_authority(struct judge *judge)
{
	emr_pub_writer_add pub = emr_pub_writer_add_of(judge->pub);
	emr_row_writer own;

	if (!judge->is_manager)
		return EMR_RESULT_NOT_AUTHORISED;
	if (judge->is_owner || (pub.rights & EMR_RIGHT_MANAGE) == 0)
		return EMR_RESULT_APPLIED;
	return emr_judge_writer(judge, judge->item.domain_id, &own) &&
			       pub.not_after_unix_s <= own.not_after_unix_s
		       ? EMR_RESULT_APPLIED
		       : EMR_RESULT_NOT_AUTHORISED;
}

/* Half an id is the row's key: the other half must be the same. */
static emr_result add_state(struct judge *judge)
{
	emr_row_writer row = row_of(judge);

	return judge->is_row_present && memcmp(row.writer, judge->pub.data, 32) != 0
		       ? EMR_RESULT_EXISTS
		       : EMR_RESULT_APPLIED;
}

static emr_result add_last(struct judge *judge)
{
	emr_pub_writer_add pub = emr_pub_writer_add_of(judge->pub);
	emr_row_key writer;

	EMR_JUDGE_TRY(emr_judge_signer_in_force(judge));
	if (!emr_judge_key(judge, pub.writer, &writer) || !emr_judge_key_is_active(judge, &writer))
		return EMR_RESULT_KEY_DEAD;
	if (((writer.roles & EMR_ROLE_READER) != 0) != (pub.rights == 0))
		return EMR_RESULT_NOT_AUTHORISED;
	return judge->now < pub.not_after_unix_s ? EMR_RESULT_APPLIED : EMR_RESULT_LIMIT;
}

static void add_write(struct judge *judge)
{
	emr_pub_writer_add pub = emr_pub_writer_add_of(judge->pub);
	emr_row_writer row = {
		.head = emr_judge_head(judge, EMR_FAMILY_WRITER, EMR_WRITER_ACTIVE, 0, 0),
		.rights = pub.rights,
		.not_after_unix_s = pub.not_after_unix_s};
	emr_key_text key;

	memcpy(row.writer, pub.writer, 32);
	put_writer(judge, &row);
	emr_key_index(pub.writer, judge->item.domain_id, judge->item.object_id, &key);
	emr_judge_put(judge, key.text, pub.writer, 0);
}

/* ---- 14 WRITER_DEL ---- */

/* The manager, the writer himself, or a guardian, who ends no computer of the owner or of an
 * executor, and no guardian. */
static emr_result del_authority(struct judge *judge)
{
	emr_row_writer row = row_of(judge);
	bool is_himself = judge->is_row_present && memcmp(row.writer, judge->signer_id, 32) == 0;
	bool may_guardian = judge->is_row_present && row.rights != 0 &&
			    (judge->rights & EMR_RIGHT_GUARDIAN) != 0 &&
			    (row.rights & (EMR_RIGHT_MANAGE | EMR_RIGHT_GUARDIAN)) == 0;

	return judge->is_manager || is_himself || may_guardian ? EMR_RESULT_APPLIED
							       : EMR_RESULT_NOT_AUTHORISED;
}

static emr_result del_state(struct judge *judge)
{
	return judge->head.state == EMR_WRITER_ACTIVE ? EMR_RESULT_APPLIED : EMR_RESULT_GONE;
}

static void del_write(struct judge *judge)
{
	emr_row_writer row = row_of(judge);

	row.head = emr_judge_head(judge, EMR_FAMILY_WRITER, EMR_WRITER_ENDED, row.head.flags, 0);
	put_writer(judge, &row);
}

const op_rule emr_rules_writer[2] = {
	{
		.op = EMR_OP_WRITER_ADD,
		.domain = DOMAIN_LIVES,
		.part_min = EMR_SEALED_PART(1),
		.part_max = EMR_SEALED_PART(32),
		.part_step = 512,
		.reserved_at = 34,
		.reserved_len = 6,
		.needs = NEED_DOMAIN | NEED_SIGNER,
		.row = {"W", KEYED_IN_DOMAIN},
		.names = add_names,
		.form = add_form,
		.authority = add_authority,
		.state = add_state,
		.last = add_last,
		.write = add_write,
	},
	{
		.op = EMR_OP_WRITER_DEL,
		.domain = DOMAIN_LIVES,
		.needs = NEED_DOMAIN | NEED_SIGNER,
		.row = {"W", KEYED_IN_DOMAIN},
		.authority = del_authority,
		.state = del_state,
		.last = emr_judge_signer_in_force,
		.write = del_write,
	},
};
