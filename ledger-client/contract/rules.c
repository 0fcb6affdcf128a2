/* This file finds the rules of one operation by its number, and says by them which row it moves and
 * what follows in that row. */
#include "judge.h"

#include <string.h>

#include "bytes.h"

#define NUMBER_AT 52 /* in row N, whatever else later rules put there */

static const op_rule *rule_of(const op_rule *rules, size_t count, uint8_t op)
{
	for (size_t i = 0; i < count; i++)
		if (rules[i].op == op)
			return &rules[i];
	return NULL;
}

const op_rule *emr_rule_of(uint8_t op)
{
	static const struct {
		const op_rule *rules;
		size_t count;
	} parts[] = {{emr_rules_key, 2}, {emr_rules_key_change, 6}, {emr_rules_org, 2},
		{emr_rules_domain, 4}, {emr_rules_writer, 2}, {emr_rules_object, 4},
		{emr_rules_part, 2}, {emr_rules_grant, 5}, {emr_rules_request, 4},
		{emr_rules_access, 3}, {emr_rules_dataset, 4}, {emr_rules_join, 3},
		{emr_rules_points, 2}, {emr_rules_trustees, 4}, {emr_rules_emergency, 1}};
	const op_rule *rule = NULL;

	for (size_t i = 0; rule == NULL && i < sizeof parts / sizeof parts[0]; i++)
		rule = rule_of(parts[i].rules, parts[i].count, op);
	return rule;
}

emr_contract_status emr_contract_rules(emr_span value, uint32_t *out_rules)
{
	emr_row_network row = {.contract = EMR_CONTRACT_FIRST};

	if (value.len >= NUMBER_AT + 4)
		*out_rules = get_u32(value.data + NUMBER_AT);
	if (value.len >= NUMBER_AT + 4 && *out_rules > EMR_CONTRACT_VERSION)
		return EMR_CONTRACT_NEWER;
	if (value.data != NULL && emr_row_network_parse(value, &row) != EMR_CONTRACT_OK)
		return EMR_CONTRACT_STATE;
	*out_rules = row.contract;
	return EMR_CONTRACT_OK;
}

bool emr_contract_row_key(const emr_item *item, emr_span pub, emr_key_text *out_key)
{
	const op_rule *rule = emr_rule_of(item->op);

	return rule != NULL && (int)pub.len == emr_op_pub_len(item->op) &&
	       emr_rule_row_key(rule, item, pub, out_key);
}

emr_contract_status emr_contract_follow(
	uint8_t op, emr_span row, uint64_t *out_version, uint8_t out_prev[32])
{
	struct judge judge = {
		.rule = emr_rule_of(op), .row = row, .is_row_present = row.data != NULL};

	if (judge.is_row_present && emr_row_head_parse(row, &judge.head) != EMR_CONTRACT_OK)
		return EMR_CONTRACT_STATE;
	if (judge.is_row_present && judge.rule != NULL && judge.rule->chain != NULL)
		judge.rule->chain(&judge);
	if (judge.failed != EMR_CONTRACT_OK)
		return judge.failed;
	if (judge.rule != NULL && judge.rule->makes_new)
		judge.head = (emr_row_head){0};
	*out_version = judge.head.version + 1;
	memcpy(out_prev, judge.head.item, 32);
	return EMR_CONTRACT_OK;
}
