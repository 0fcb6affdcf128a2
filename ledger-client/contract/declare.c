/* The contract does no input or output: this file tells its caller beforehand which rows of the
 * state a batch will need, so that the same answer comes out on every computer. */
#include "contract/contract.h"
#include "contract/pubs_share.h"
#include "contract/rows_share.h"

#include "declare.h"
#include "judge.h"

#include "bytes.h"

#define KEYS_PER_ITEM 10
#define KEYS_PER_APPROVAL (2 * (EMR_VOICES_MAX + 1)) /* of all who spoke, and who proposed */

/* Rows of the domain that the item names. */
static void add_domain_keys(
	struct key_set *set, const op_rule *rule, const emr_item *item, const uint8_t signer_id[32])
{
	uint8_t object[16];
	emr_key_text key;

	emr_key_domain(item->domain_id, &key);
	if ((rule->needs & NEED_DOMAIN) != 0)
		emr_declare(set, &key);
	if ((rule->needs & NEED_SIGNER) != 0) {
		emr_key_writer(item->domain_id, signer_id, &key);
		emr_declare(set, &key);
	}
	if ((rule->needs & NEED_LISTKEY) != 0) {
		emr_object_listkey(signer_id, item->epoch, object);
		emr_key_listkey(item->domain_id, object, &key);
		emr_declare(set, &key);
	}
}

/* Rows that the public part names. */
static void add_pub_keys(
	struct key_set *set, const op_rule *rule, const emr_item *item, emr_span pub)
{
	emr_pub_key_reg reg;
	emr_pub_key_cert cert;
	emr_pub_restore restore;
	emr_key_text key;

	if (emr_pub_key_reg_parse(pub, &reg) && (rule->needs & NEED_ORG) != 0) {
		emr_key_org(reg.org, &key);
		emr_declare(set, &key);
	}
	if ((rule->needs & NEED_REF) != 0 && emr_pub_key_reg_parse(pub, &reg))
		emr_declare_signer(set, reg.ref);
	if ((rule->needs & NEED_REF) != 0 && emr_pub_key_cert_parse(pub, &cert))
		emr_declare_signer(set, cert.ref);
	if ((rule->needs & NEED_PART_HASH) != 0 && emr_pub_restore_parse(pub, &restore)) {
		emr_key_part(
			restore.family, item->domain_id, item->object_id, restore.version, &key);
		emr_declare(set, &key);
	}
}

/* Whether the certificate that may vouch for a key was revoked, or its name. */
static void add_certificate_key(struct key_set *set, const op_rule *rule, const emr_caller *caller)
{
	emr_key_text key;

	if ((rule->needs & NEED_REF) == 0 || !caller->cert.is_present)
		return;
	emr_key_certificate(caller->cert.org, caller->cert.ref, &key);
	emr_declare(set, &key);
	emr_key_enrolment(caller->cert.org, caller->cert.enrolment, &key);
	emr_declare(set, &key);
}

/* The rule of item I; NULL when no row of it will be read: an unknown operation, or an item of
 * another signer, which is refused before. */
static const op_rule *rule_of(const emr_batch *batch, size_t i, const uint8_t signer_id[32],
	emr_item *item, emr_span *pub)
{
	const op_rule *rule;

	emr_batch_item_at(batch, i, item, pub);
	rule = emr_rule_of(item->op);
	return rule == NULL || memcmp(item->signer_id, signer_id, 32) != 0 ? NULL : rule;
}

static void add_item_keys(struct key_set *set, const emr_batch *batch, size_t i,
	const emr_caller *caller, const uint8_t signer_id[32])
{
	emr_key_text key;
	emr_item item;
	emr_span pub;
	const op_rule *rule = rule_of(batch, i, signer_id, &item, &pub);

	if (rule == NULL)
		return;
	if (emr_rule_row_key(rule, &item, pub, &key))
		emr_declare(set, &key);
	if (!is_zero(item.domain_id, 16))
		add_domain_keys(set, rule, &item, signer_id);
	add_pub_keys(set, rule, &item, pub);
	add_certificate_key(set, rule, caller);
	if (rule->names != NULL)
		rule->names(set, &item, pub);
}

static void signer_of(const emr_batch *batch, uint8_t out_id[32])
{
	emr_signer_id(batch->header.data + 8, out_id);
}

static void add_first_pass(struct key_set *set, const emr_batch *batch, const emr_caller *caller)
{
	uint8_t batch_id[32], signer_id[32];
	emr_key_text key;

	emr_batch_id(batch->header.data, batch_id);
	emr_key_batch(batch_id, &key);
	emr_declare(set, &key);
	emr_declare_signer(set, caller->submitter_id);
	emr_key_network(&key);
	emr_declare(set, &key);
	signer_of(batch, signer_id);
	emr_declare_signer(set, signer_id);
	for (size_t i = 0; i < batch->count; i++)
		add_item_keys(set, batch, i, caller, signer_id);
}

/* The organisation that a K row points to. */
static emr_contract_status add_org_of(struct key_set *set, const emr_value *value)
{
	emr_row_key row;
	emr_key_text key;

	if (!value->is_present || strncmp(value->key, "K/", 2) != 0)
		return EMR_CONTRACT_OK;
	if (emr_row_key_parse(value->value, &row) != EMR_CONTRACT_OK)
		return EMR_CONTRACT_STATE;
	emr_key_org(row.org, &key);
	emr_declare(set, &key);
	return EMR_CONTRACT_OK;
}

/* Puts VALUES to the keys of the first pass; false unless each of them is answered. */
static bool take_answers(struct key_set *set, const emr_value *values, size_t values_count)
{
	size_t answered = 0;

	for (size_t i = 0; i < values_count; i++) {
		table_row *row = emr_table_find(&set->table, values[i].key);

		if (row == NULL)
			continue;
		row->is_present = values[i].is_present;
		row->value = values[i].value;
		answered++;
	}
	return answered >= set->first_new;
}

static void add_followed(struct key_set *set, const emr_batch *batch)
{
	uint8_t signer_id[32];
	emr_item item;
	emr_span pub;

	signer_of(batch, signer_id);
	for (size_t i = 0; i < batch->count; i++) {
		const op_rule *rule = rule_of(batch, i, signer_id, &item, &pub);

		if (rule != NULL && rule->follows != NULL)
			rule->follows(set, &item, pub);
	}
}

/* VALUES must answer every key of the first pass. */
static emr_contract_status add_second_pass(struct key_set *set, const emr_batch *batch,
	const emr_caller *caller, const emr_value *values, size_t values_count)
{
	emr_contract_status status;
	emr_key_text key;
	emr_span value = {0};
	uint32_t rules;

	add_first_pass(set, batch, caller);
	if (set->is_full)
		return EMR_CONTRACT_NO_ROOM;
	set->first_new = set->table.count;
	if (!take_answers(set, values, values_count))
		return EMR_CONTRACT_UNDECLARED;
	/* By rules that are not known here, other rows may have another form. */
	emr_key_network(&key);
	(void)emr_declared_value(set, &key, &value);
	status = emr_contract_rules(value, &rules);
	for (size_t i = 0; status == EMR_CONTRACT_OK && i < values_count; i++)
		status = add_org_of(set, &values[i]);
	if (status == EMR_CONTRACT_OK)
		status = emr_declare_quota(set, batch, caller);
	add_followed(set, batch);
	return status;
}

static emr_contract_status list_of(struct key_set *set, emr_key_list *out_keys)
{
	size_t count = set->table.count - set->first_new;
	const char **keys = emr_arena_alloc(set->arena, (count + 1) * sizeof *keys);

	if (keys == NULL || set->is_full)
		return EMR_CONTRACT_NO_ROOM;
	for (size_t i = 0; i < count; i++)
		keys[i] = set->table.rows[set->first_new + i].key;
	*out_keys = (emr_key_list){keys, count};
	return EMR_CONTRACT_OK;
}

emr_contract_status emr_contract_keys(int pass, const emr_batch *batch, const emr_caller *caller,
	const emr_value *values, size_t values_count, emr_contract_arena *arena,
	emr_key_list *out_keys)
{
	struct key_set set = {.arena = arena, .approvals = emr_batch_approvals(batch)};
	size_t followed = pass == 2 && emr_declares_approvals(&set) ? set.approvals : 0;
	emr_contract_status status;

	if (pass != 1 && pass != 2)
		return EMR_CONTRACT_ARGUMENT;
	if (!emr_table_new(arena,
		    (size_t)batch->count * KEYS_PER_ITEM + followed * KEYS_PER_APPROVAL + 8,
		    &set.table))
		return EMR_CONTRACT_NO_ROOM;
	if (pass == 1) {
		add_first_pass(&set, batch, caller);
	} else {
		status = add_second_pass(&set, batch, caller, values, values_count);
		if (status != EMR_CONTRACT_OK)
			return status;
	}
	return list_of(&set, out_keys);
}

bool emr_batch_certified_by(const emr_batch *batch, emr_span signer, uint8_t out_org[16])
{
	emr_pub_key_reg reg;
	emr_row_key row;
	emr_item item;
	emr_span pub;

	if (emr_batch_certificate(batch).len == 0)
		return false;
	emr_batch_item_at(batch, 0, &item, &pub);
	if (item.op == EMR_OP_KEY_REG && emr_pub_key_reg_parse(pub, &reg))
		memcpy(out_org, reg.org, 16);
	else if (emr_row_key_parse(signer, &row) == EMR_CONTRACT_OK)
		memcpy(out_org, row.org, 16);
	else
		return false;
	return true;
}
