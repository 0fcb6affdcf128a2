/* This file says under which key the row of a transaction's subject stands: most rules name its
 * letters and one of four ways to key it, and a rule with another key has a function. */
#include "judge.h"

bool emr_row_place_key(const row_place *place, const emr_item *item, emr_key_text *out)
{
	if (place->letters == NULL)
		return false;
	switch (place->keyed) {
	case KEYED_BY_DOMAIN:
		emr_key_by_object(place->letters, item->domain_id, out);
		break;
	case KEYED_BY_SIGNER:
		emr_key_signer(item->signer_id, out);
		break;
	case KEYED_IN_DOMAIN:
		emr_key_in_domain(place->letters, item->domain_id, item->object_id, out);
		break;
	case KEYED_BY_OBJECT:
		emr_key_by_object(place->letters, item->object_id, out);
		break;
	}
	return true;
}

bool emr_rule_row_key(
	const op_rule *rule, const emr_item *item, emr_span pub, emr_key_text *out_key)
{
	return rule->row_key != NULL ? rule->row_key(item, pub, out_key)
				     : emr_row_place_key(&rule->row, item, out_key);
}
