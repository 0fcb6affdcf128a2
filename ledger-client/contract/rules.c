/* This file finds the rules of one operation by its number. */
#include "rules.h"

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
	} parts[] = {{emr_rules_key, 2}, {emr_rules_key_change, 5}, {emr_rules_org, 2},
		{emr_rules_domain, 4}, {emr_rules_writer, 2}, {emr_rules_object, 4},
		{emr_rules_part, 2}, {emr_rules_grant, 5}, {emr_rules_request, 4},
		{emr_rules_access, 3}, {emr_rules_dataset, 4}, {emr_rules_join, 3},
		{emr_rules_points, 4}, {emr_rules_trustees, 1}};
	const op_rule *rule = NULL;

	for (size_t i = 0; rule == NULL && i < sizeof parts / sizeof parts[0]; i++)
		rule = rule_of(parts[i].rules, parts[i].count, op);
	return rule;
}
