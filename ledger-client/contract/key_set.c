/* This file keeps the set of rows that a batch will need, as the rules add to it: each key once,
 * with the values that were fetched for the first pass. */
#include "declare.h"

#include "contract/pubs_share.h"

void emr_declare(struct key_set *set, const emr_key_text *key)
{
	const char *own;

	if (emr_table_find(&set->table, key->text) != NULL)
		return;
	own = emr_arena_text(set->arena, key->text);
	if (own == NULL || emr_table_add(&set->table, own) == NULL)
		set->is_full = true;
}

void emr_declare_signer(struct key_set *set, const uint8_t signer[32])
{
	emr_key_text key;

	emr_key_signer(signer, &key);
	emr_declare(set, &key);
}

bool emr_declares_approvals(const struct key_set *set)
{
	return set->approvals <= EMR_BATCH_APPROVALS_MAX;
}

bool emr_declared_value(const struct key_set *set, const emr_key_text *key, emr_span *out_value)
{
	const table_row *row = emr_table_find(&set->table, key->text);

	if (row == NULL || !row->is_present)
		return false;
	*out_value = row->value;
	return true;
}
