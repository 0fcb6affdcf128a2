/* These are the checks of one operation, always in the same order: form, private part, folder,
 * epoch, version, and then the rules of that operation. The first that fails is the answer. */
#include "judge.h"

#include "bytes.h"
#include "contract_private.h"

static emr_result check_form(struct judge *judge)
{
	const op_rule *rule = judge->rule;
	bool has_domain_id = !is_zero(judge->item.domain_id, 16);

	if ((judge->item.flags & ~rule->flags) != 0 ||
		!is_zero(judge->pub.data + rule->reserved_at, rule->reserved_len))
		return EMR_RESULT_FORMAT;
	if (judge->item.priv_len == 0 && !is_zero(judge->item.priv_hash, 32))
		return EMR_RESULT_FORMAT;
	if ((rule->domain == DOMAIN_NONE && has_domain_id) ||
		((rule->domain == DOMAIN_FREE || rule->domain == DOMAIN_LIVES) && !has_domain_id))
		return EMR_RESULT_FORMAT;
	if (memcmp(judge->item.signer_id, judge->signer_id, 32) != 0)
		return EMR_RESULT_NOT_AUTHORISED;
	return rule->form == NULL ? EMR_RESULT_APPLIED : rule->form(judge);
}

static emr_result check_part(struct judge *judge)
{
	const op_rule *rule = judge->rule;
	uint32_t len = judge->item.priv_len;
	emr_span recorded = judge->caller->recorded;

	if (len < rule->part_min || len > rule->part_max ||
		(len > rule->part_min && (len - rule->part_min) % rule->part_step != 0))
		return EMR_RESULT_PRIVATE_PART;
	if (rule->part_fits != NULL && !rule->part_fits(judge))
		return EMR_RESULT_PRIVATE_PART;
	if (len == 0)
		return judge->part.len == 0 ? EMR_RESULT_APPLIED : EMR_RESULT_PRIVATE_PART;
	if (judge->part.data == NULL && recorded.len > 0)
		return recorded.data[judge->index] == EMR_RESULT_PRIVATE_PART
			       ? EMR_RESULT_PRIVATE_PART
			       : EMR_RESULT_APPLIED;
	return emr_item_has_part(&judge->item, judge->part) ? EMR_RESULT_APPLIED
							    : EMR_RESULT_PRIVATE_PART;
}

static emr_result check_domain(const struct judge *judge)
{
	bool is_named = !is_zero(judge->item.domain_id, 16);

	if (judge->rule->domain == DOMAIN_LIVES ||
		(judge->rule->domain == DOMAIN_EITHER && is_named))
		return judge->has_domain ? EMR_RESULT_APPLIED : EMR_RESULT_NO_DOMAIN;
	return EMR_RESULT_APPLIED;
}

static emr_result check_epoch(struct judge *judge)
{
	uint64_t current = judge->domain.head.epoch, expected = 0;

	switch (judge->rule->epoch) {
	case EPOCH_ZERO:
		expected = 0;
		break;
	case EPOCH_FIRST:
		expected = 1;
		break;
	case EPOCH_NEXT:
		expected = current + 1;
		break;
	case EPOCH_CURRENT:
		expected = current;
		break;
	}
	return judge->item.epoch == expected ? EMR_RESULT_APPLIED : EMR_RESULT_EPOCH;
}

/* Is the version the next one of the row, and prev its last item?  An operation that moves no row,
 * or only purges parts of one, has neither. */
static emr_result check_chain(const struct judge *judge)
{
	bool is_chained = judge->has_row && (judge->item.op != EMR_OP_ERASE ||
						    judge->pub.data[0] == EMR_FAMILY_OBJECT);

	if (judge->rule->makes_new)
		return judge->item.version == 1 && is_zero(judge->item.prev, 32)
			       ? EMR_RESULT_APPLIED
			       : EMR_RESULT_CONFLICT;
	if (!is_chained)
		return judge->item.version == 0 && is_zero(judge->item.prev, 32)
			       ? EMR_RESULT_APPLIED
			       : EMR_RESULT_CONFLICT;
	if (judge->item.version == 0 || judge->item.version - 1 != judge->head.version ||
		memcmp(judge->item.prev, judge->head.item, 32) != 0)
		return EMR_RESULT_CONFLICT;
	return EMR_RESULT_APPLIED;
}

static emr_result run(struct judge *judge, emr_result (*check)(struct judge *))
{
	return check == NULL ? EMR_RESULT_APPLIED : check(judge);
}

static emr_result check_rules(struct judge *judge)
{
	emr_result result = check_domain(judge);

	if (result == EMR_RESULT_APPLIED)
		result = run(judge, judge->rule->authority);
	if (result == EMR_RESULT_APPLIED)
		result = check_epoch(judge);
	if (result == EMR_RESULT_APPLIED)
		result = check_chain(judge);
	if (result == EMR_RESULT_APPLIED)
		result = run(judge, judge->rule->state);
	if (result == EMR_RESULT_APPLIED)
		result = run(judge, judge->rule->last);
	return result;
}

static void write_item(struct judge *judge)
{
	uint8_t family = emr_op_family(judge->item.op);
	uint64_t version = judge->item.version;
	emr_key_text key;

	judge->rule->write(judge);
	if (judge->rule->place == NULL)
		emr_judge_put_part(judge, family, version);
	if (judge->rule->place == NULL || judge->rule->place(judge, &family, &version))
		emr_judge_put_place(judge, family, judge->item.object_id, version);
	emr_key_head(judge->item.domain_id, &key);
	emr_judge_put(judge, key.text, judge->batch_id, 32);
}

emr_result emr_check_item(struct judge *judge, size_t i)
{
	emr_span bytes = judge->batch->items[i].bytes;
	emr_result result;

	judge->index = i;
	emr_batch_item_at(judge->batch, i, &judge->item, &judge->pub);
	judge->part = judge->batch->items[i].part;
	judge->rule = emr_rule_of(judge->item.op);
	emr_item_id(bytes, judge->id);
	if (!emr_item_has_magic(bytes.data))
		return EMR_RESULT_FORMAT;
	if (judge->rule == NULL)
		return EMR_RESULT_UNKNOWN_OP;
	result = check_form(judge);
	if (result != EMR_RESULT_APPLIED)
		return result;
	emr_judge_load(judge);
	if (judge->is_row_present && memcmp(judge->head.item, judge->id, 32) == 0)
		return EMR_RESULT_ALREADY;
	result = check_part(judge);
	if (result == EMR_RESULT_APPLIED)
		result = check_rules(judge);
	if (result == EMR_RESULT_APPLIED && judge->failed == EMR_CONTRACT_OK)
		write_item(judge);
	return result;
}
