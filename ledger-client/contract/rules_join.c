/* These are the rules for a domain in a research dataset: joining it, which is paid where the
 * dataset has a price, leaving it, and the fixed state of a dataset that a paper can name (54
 * DATASET_JOIN, 55 DATASET_LEAVE, 56 DATASET_SNAPSHOT). Nobody but a manager of the domain takes it
 * in or out, and a join without a grant to the dataset, or one that was not paid, is refused. */
#include "judge.h"

#include "contract/pubs_share.h"
#include "contract/rows_share.h"

#include "bytes.h"
#include "declare.h"
#include "rules.h"

static void declare_dataset(struct key_set *set, const uint8_t dataset[16])
{
	emr_key_text key;

	emr_key_by_object("DS", dataset, &key);
	emr_declare(set, &key);
}

static void declare_grant(struct key_set *set, const uint8_t domain[16], const uint8_t grant[16])
{
	emr_key_text key;

	emr_key_grant(domain, grant, &key);
	emr_declare(set, &key);
}

/* ---- J rows ---- */

static void put_join(struct judge *judge, const uint8_t grant[16], uint8_t state)
{
	emr_row_join row = {.head = emr_judge_head(judge, EMR_FAMILY_JOIN, state, 0, 0)};
	uint8_t value[EMR_ROW_JOIN_BYTES];

	memcpy(row.grant, grant, 16);
	emr_row_join_encode(&row, value);
	emr_judge_put_own(judge, value, sizeof value);
}

/* ---- 54 DATASET_JOIN ---- */

static void join_names(struct key_set *set, const emr_item *item, emr_span pub)
{
	emr_pub_dataset_join join = emr_pub_dataset_join_of(pub);
	uint8_t fund[32];

	declare_dataset(set, item->object_id);
	declare_grant(set, item->domain_id, join.grant);
	if (is_zero(join.account, 32))
		return;
	emr_account_of_dataset(item->object_id, fund);
	emr_declare_account(set, fund);
	emr_declare_account(set, join.account);
}

/* Where points go the owner says, and no other manager. */
static emr_result join_authority(struct judge *judge)
{
	return judge->is_owner || is_zero(emr_pub_dataset_join_of(judge->pub).account, 32)
		       ? emr_judge_manager(judge)
		       : EMR_RESULT_NOT_AUTHORISED;
}

/* Once at a time, and as long as the dataset takes anybody. */
static emr_result join_state(struct judge *judge)
{
	emr_row_dataset row;

	if (judge->head.state == EMR_JOIN_ACTIVE)
		return EMR_RESULT_EXISTS;
	return emr_judge_dataset(judge, judge->item.object_id, &row) &&
			       row.head.state == EMR_DATASET_OPEN &&
			       judge->now < row.not_after_unix_s
		       ? EMR_RESULT_APPLIED
		       : EMR_RESULT_GONE;
}

/* The grant that lets the dataset's members read: there, not over, and to this dataset. */
static emr_result check_grant(struct judge *judge)
{
	emr_row_grant grant;
	uint8_t dataset[32];

	if (!emr_judge_grant(judge, judge->item.domain_id,
		    emr_pub_dataset_join_of(judge->pub).grant, &grant))
		return EMR_RESULT_NO_GRANT;
	if (grant.head.state != EMR_GRANT_ACTIVE || judge->now >= grant.not_after_unix_s)
		return EMR_RESULT_GRANT_DEAD;
	emr_grantee_dataset(judge->item.object_id, dataset);
	return memcmp(grant.grantee, dataset, 32) == 0 ? EMR_RESULT_APPLIED
						       : EMR_RESULT_NOT_GRANTEE;
}

/* A domain is paid once for a dataset: who left and comes back was paid already, and cannot empty
 * a fund by coming and going. */
static uint64_t price_of(struct judge *judge)
{
	emr_row_dataset row;

	return !judge->is_row_present && emr_judge_dataset(judge, judge->item.object_id, &row)
		       ? row.price
		       : 0;
}

/* Where nothing is paid nobody is named. */
static emr_result check_funds(struct judge *judge)
{
	emr_pub_dataset_join pub = emr_pub_dataset_join_of(judge->pub);
	uint64_t price = price_of(judge);
	uint8_t fund[32];

	if (is_zero(pub.account, 32) != (price == 0))
		return EMR_RESULT_FUNDS;
	emr_account_of_dataset(judge->item.object_id, fund);
	return price == 0 || emr_judge_can_pay(judge, fund, pub.account, price) ? EMR_RESULT_APPLIED
										: EMR_RESULT_FUNDS;
}

static emr_result join_last(struct judge *judge)
{
	emr_pub_dataset_join pub = emr_pub_dataset_join_of(judge->pub);

	EMR_JUDGE_TRY(check_grant(judge));
	if (!is_zero(pub.account, 32) && !emr_judge_is_account(judge, pub.account))
		return EMR_RESULT_NOT_GRANTEE;
	EMR_JUDGE_TRY(emr_judge_signer_in_force(judge));
	return check_funds(judge);
}

static void join_write(struct judge *judge)
{
	emr_pub_dataset_join pub = emr_pub_dataset_join_of(judge->pub);
	uint64_t price = price_of(judge);
	uint8_t fund[32];

	put_join(judge, pub.grant, EMR_JOIN_ACTIVE);
	emr_account_of_dataset(judge->item.object_id, fund);
	if (price > 0)
		emr_judge_pay(judge, fund, pub.account, price);
}

/* ---- 55 DATASET_LEAVE ---- */

static void leave_follows(struct key_set *set, const emr_item *item, emr_span pub)
{
	emr_row_join row;
	emr_key_text key;
	emr_span value;

	(void)pub;
	emr_key_in_domain("J", item->domain_id, item->object_id, &key);
	if (emr_declared_value(set, &key, &value) &&
		emr_row_join_parse(value, &row) == EMR_CONTRACT_OK)
		declare_grant(set, item->domain_id, row.grant);
}

static emr_result leave_state(struct judge *judge)
{
	return judge->head.state == EMR_JOIN_ACTIVE ? EMR_RESULT_APPLIED : EMR_RESULT_GONE;
}

/* The grant ends with it, unless its own REVOKE came before. A reader that looks for the end of the
 * grant finds this item at the place of the version that it gave it. */
static void leave_write(struct judge *judge)
{
	emr_row_grant grant;
	emr_row_join row;

	if (!emr_judge_parsed(judge, emr_row_join_parse(judge->row, &row)))
		return;
	put_join(judge, row.grant, EMR_JOIN_ENDED);
	if (!emr_judge_grant(judge, judge->item.domain_id, row.grant, &grant) ||
		grant.head.state != EMR_GRANT_ACTIVE)
		return;
	grant.head.state = EMR_GRANT_REVOKED;
	grant.head.version++;
	memcpy(grant.head.item, judge->id, 32);
	emr_judge_revoke(judge, row.grant, &grant);
	emr_judge_put_place(judge, EMR_FAMILY_GRANT, row.grant, grant.head.version);
}

/* ---- 56 DATASET_SNAPSHOT ---- */

static void snapshot_names(struct key_set *set, const emr_item *item, emr_span pub)
{
	(void)item;
	declare_dataset(set, emr_pub_dataset_snapshot_of(pub).dataset);
}

static emr_result snapshot_form(struct judge *judge)
{
	emr_pub_dataset_snapshot pub = emr_pub_dataset_snapshot_of(judge->pub);

	return pub.n > 0 && pub.log_size > 0 ? EMR_RESULT_APPLIED : EMR_RESULT_FORMAT;
}

static emr_result snapshot_authority(struct judge *judge)
{
	emr_row_dataset row;

	if (!emr_judge_dataset(judge, emr_pub_dataset_snapshot_of(judge->pub).dataset,
		    &row)) /* the state says GONE */
		return EMR_RESULT_APPLIED;
	return emr_judge_is_of_chain(judge, row.steward) ? EMR_RESULT_APPLIED
							 : EMR_RESULT_NOT_AUTHORISED;
}

/* Of a closed dataset, too: papers are written afterwards. */
static emr_result snapshot_state(struct judge *judge)
{
	emr_row_dataset row;

	if (judge->is_row_present)
		return EMR_RESULT_EXISTS;
	return emr_judge_dataset(judge, emr_pub_dataset_snapshot_of(judge->pub).dataset, &row)
		       ? EMR_RESULT_APPLIED
		       : EMR_RESULT_GONE;
}

static void snapshot_write(struct judge *judge)
{
	emr_pub_dataset_snapshot pub = emr_pub_dataset_snapshot_of(judge->pub);
	emr_row_snapshot row = {
		.head = emr_judge_head(judge, EMR_FAMILY_SNAPSHOT, EMR_STATE_PRESENT, 0, 0)};
	uint8_t value[EMR_ROW_SNAPSHOT_BYTES];

	memcpy(row.root, pub.root, 32);
	emr_row_snapshot_encode(&row, value);
	emr_judge_put_own(judge, value, sizeof value);
}

const op_rule emr_rules_join[3] = {
	{
		.op = EMR_OP_DATASET_JOIN,
		.domain = DOMAIN_LIVES,
		.needs = NEED_DOMAIN | NEED_SIGNER,
		.row = {"J", KEYED_IN_DOMAIN},
		.names = join_names,
		.authority = join_authority,
		.state = join_state,
		.last = join_last,
		.write = join_write,
	},
	{
		.op = EMR_OP_DATASET_LEAVE,
		.domain = DOMAIN_LIVES,
		.needs = NEED_DOMAIN | NEED_SIGNER,
		.row = {"J", KEYED_IN_DOMAIN},
		.follows = leave_follows,
		.authority = emr_judge_manager,
		.state = leave_state,
		.last = emr_judge_signer_in_force,
		.write = leave_write,
	},
	{
		.op = EMR_OP_DATASET_SNAPSHOT,
		.reserved_at = 28,
		.reserved_len = 4,
		.needs = NEED_SIGNER,
		.row = {"SN", KEYED_BY_OBJECT},
		.names = snapshot_names,
		.form = snapshot_form,
		.authority = snapshot_authority,
		.state = snapshot_state,
		.last = emr_judge_key_in_force,
		.write = snapshot_write,
	},
};
