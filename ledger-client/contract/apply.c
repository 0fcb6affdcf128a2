#include "contract/contract.h"

#include "crypto/hashsig.h"
#include "crypto/merkle.h"

#include "bytes.h"
#include "item_read.h"
#include "judge.h"
#include "op.h"

#define TIME_AHEAD_S 600	/* how far a signer's clock may run before the ledger's */
#define WRITES_PER_ITEM 5	/* own row, a side row, i, c, parts */

/* ---- the whole batch, in this order; the first refusal stands and no entry is written ---- */

static emr_result check_network(struct judge *judge)
{
	return memcmp(judge->header.net_id, judge->caller->net_id, 16) == 0 ? EMR_RESULT_APPLIED
									    : EMR_RESULT_NETWORK;
}

static emr_result check_signature(struct judge *judge)
{
	uint8_t message[EMR_HEADER_MESSAGE_BYTES];

	emr_header_message(judge->batch->header.data, message);
	return emr_ed25519_verify(judge->header.signer_pk, message, sizeof message, judge->header.sig)
		? EMR_RESULT_APPLIED
		: EMR_RESULT_SIGNATURE;
}

/* A newcomer has no K row yet, and one whose certificate ran out no active one: they may bring exactly their own
 * registration or renewal, when the host itself verified the certificate it names. */
static bool brings_own_certificate(const struct judge *judge)
{
	const emr_caller_cert *cert = &judge->caller->cert;
	emr_pub_key_reg reg;
	emr_pub_key_cert renewal;
	emr_item item;
	emr_span pub;

	if (judge->batch->count != 1 || !cert->is_present ||
		memcmp(judge->caller->submitter_id, judge->signer_id, 32) != 0)
		return false;
	emr_batch_item_at(judge->batch, 0, &item, &pub);
	if (item.op == EMR_OP_KEY_REG)
		return emr_pub_key_reg_parse(pub, &reg) && reg.how == EMR_HOW_CERTIFICATE &&
			memcmp(reg.ref, cert->ref, 32) == 0;
	return item.op == EMR_OP_KEY_CERT && emr_pub_key_cert_parse(pub, &renewal) &&
		memcmp(renewal.ref, cert->ref, 32) == 0;
}

static emr_result check_submitter(struct judge *judge)
{
	const emr_caller *caller = judge->caller;
	emr_row_key key;

	if (brings_own_certificate(judge))
		return EMR_RESULT_APPLIED;
	if (!emr_judge_key(judge, caller->submitter_id, &key) || !emr_judge_key_is_active(judge, &key))
		return EMR_RESULT_SUBMITTER;
	if (caller->host == EMR_HOST_FABRIC &&
		(!caller->cert.is_present || memcmp(key.ref, caller->cert.ref, 32) != 0))
		return EMR_RESULT_SUBMITTER;
	return EMR_RESULT_APPLIED;
}

static bool is_older_than(uint64_t time, uint64_t now, uint64_t limit)
{
	return now > time && now - time > limit;
}

static emr_result check_item_times(const struct judge *judge, size_t i, uint64_t *limit)
{
	emr_item item;
	emr_span pub;
	uint64_t own;

	emr_batch_item_at(judge->batch, i, &item, &pub);
	own = emr_op_validity_s(item.op, judge->caller->host);
	if (own < *limit)
		*limit = own;
	if (item.time_unix_s > judge->header.time_unix_s)
		return EMR_RESULT_TIME_AHEAD;
	if (emr_op_is_prompt(item.op) && (is_older_than(item.time_unix_s, judge->now, own) ||
		is_older_than(judge->header.time_unix_s, judge->now, own)))
		return EMR_RESULT_EXPIRED_BATCH;
	return EMR_RESULT_APPLIED;
}

static emr_result check_times(struct judge *judge)
{
	uint64_t time = judge->header.time_unix_s, until = judge->header.valid_until_unix_s;
	uint64_t limit = UINT64_MAX;
	emr_result result;

	if (is_older_than(judge->now, time, TIME_AHEAD_S))
		return EMR_RESULT_TIME_AHEAD;
	for (size_t i = 0; i < judge->batch->count; i++) {
		result = check_item_times(judge, i, &limit);
		if (result != EMR_RESULT_APPLIED)
			return result;
	}
	if (judge->now > until || until < time || until - time > limit)
		return EMR_RESULT_EXPIRED_BATCH;
	if (judge->header.seen_seq != 0 && judge->caller->seen == EMR_SEEN_NOT_IN_LOG)
		return EMR_RESULT_FORK;
	return EMR_RESULT_APPLIED;
}

static emr_result check_root(struct judge *judge)
{
	uint8_t root[32];

	if (emr_items_root(judge->batch->items_bytes, judge->batch->count, root) != EMR_CONTRACT_OK)
		return EMR_RESULT_FORMAT;
	return memcmp(root, judge->header.root, 32) == 0 ? EMR_RESULT_APPLIED : EMR_RESULT_FORMAT;
}

/* ---- one item ---- */

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

static emr_result check_part(const struct judge *judge)
{
	const op_rule *rule = judge->rule;
	uint32_t len = judge->item.priv_len;
	emr_span recorded = judge->caller->recorded;
	uint8_t hash[32];

	if (len < rule->part_min || len > rule->part_max ||
		(len > rule->part_min && (len - rule->part_min) % rule->part_step != 0))
		return EMR_RESULT_PRIVATE_PART;
	if (len == 0)
		return judge->part.len == 0 ? EMR_RESULT_APPLIED : EMR_RESULT_PRIVATE_PART;
	if (judge->part.data == NULL && recorded.len > 0)
		return recorded.data[judge->index] == EMR_RESULT_PRIVATE_PART ? EMR_RESULT_PRIVATE_PART
									      : EMR_RESULT_APPLIED;
	if (judge->part.data == NULL || judge->part.len != len)
		return EMR_RESULT_PRIVATE_PART;
	emr_item_priv_hash(judge->part, hash);
	return memcmp(hash, judge->item.priv_hash, 32) == 0 ? EMR_RESULT_APPLIED : EMR_RESULT_PRIVATE_PART;
}

static emr_result check_domain(const struct judge *judge)
{
	bool is_named = !is_zero(judge->item.domain_id, 16);

	if (judge->rule->domain == DOMAIN_LIVES || (judge->rule->domain == DOMAIN_EITHER && is_named))
		return judge->has_domain ? EMR_RESULT_APPLIED : EMR_RESULT_NO_DOMAIN;
	return EMR_RESULT_APPLIED;
}

static emr_result check_epoch(const struct judge *judge)
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

/* Is the version the next one of the row, and prev its last item?  An operation that moves no row, or only purges
 * parts of one, has neither. */
static emr_result check_chain(const struct judge *judge)
{
	bool is_chained = judge->has_row && (judge->item.op != EMR_OP_ERASE ||
		judge->pub.data[0] == EMR_FAMILY_OBJECT);

	if (!is_chained)
		return judge->item.version == 0 && is_zero(judge->item.prev, 32) ? EMR_RESULT_APPLIED
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
	uint8_t family = emr_op_family(judge->item.op), place[EMR_ROW_PLACE_BYTES];
	uint64_t version = judge->item.version;
	emr_key_text key;

	judge->rule->write(judge);
	if (judge->rule->place == NULL)
		emr_judge_put_part(judge, family, version);
	if (judge->rule->place == NULL || judge->rule->place(judge, &family, &version)) {
		memcpy(place, judge->batch_id, 32);
		put_u16(place + 32, (uint16_t)judge->index);
		emr_key_place(family, judge->item.domain_id, judge->item.object_id, version, &key);
		emr_judge_put(judge, key.text, place, sizeof place);
	}
	emr_key_head(judge->item.domain_id, &key);
	emr_judge_put(judge, key.text, judge->batch_id, 32);
}

static emr_result judge_item(struct judge *judge, size_t i)
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

/* ---- the run ---- */

/* header, results, items and public parts: how anyone finds the whole batch by its id. */
static void write_batch(struct judge *judge, emr_span results)
{
	const emr_batch *batch = judge->batch;
	size_t len = EMR_HEADER_BYTES + results.len + batch->items_bytes.len;
	uint8_t *value = emr_arena_alloc(judge->arena, len);
	emr_key_text key;

	if (value == NULL) {
		judge->failed = EMR_CONTRACT_NO_ROOM;
		return;
	}
	memcpy(value, batch->header.data, EMR_HEADER_BYTES);
	memcpy(value + EMR_HEADER_BYTES, results.data, results.len);
	memcpy(value + EMR_HEADER_BYTES + results.len, batch->items_bytes.data, batch->items_bytes.len);
	emr_key_batch(judge->batch_id, &key);
	emr_judge_put_owned(judge, key.text, (emr_span){ value, len });
}

static emr_contract_status load_values(struct judge *judge, const emr_value *values, size_t values_count)
{
	size_t cap = values_count + (size_t)judge->batch->count * WRITES_PER_ITEM + 8;

	judge->writes_cap = (size_t)judge->batch->count * WRITES_PER_ITEM + 1;
	judge->writes = emr_arena_alloc(judge->arena, judge->writes_cap * sizeof *judge->writes);
	if (judge->writes == NULL || !emr_table_new(judge->arena, cap, &judge->rows))
		return EMR_CONTRACT_NO_ROOM;
	for (size_t i = 0; i < values_count; i++) {
		table_row *row = emr_table_add(&judge->rows, values[i].key);

		if (row == NULL)
			return EMR_CONTRACT_NO_ROOM;
		row->is_present = values[i].is_present;
		row->value = values[i].value;
	}
	return EMR_CONTRACT_OK;
}

/* True when the batch stands in the log already; RESULTS are those of then. */
static bool is_known(struct judge *judge, emr_span *results)
{
	emr_row_batch row;
	emr_key_text key;
	emr_span value;

	emr_key_batch(judge->batch_id, &key);
	if (!emr_judge_get(judge, key.text, &value) || !emr_judge_parsed(judge, emr_row_batch_parse(value, &row)))
		return false;
	*results = row.results;
	return true;
}

static emr_result check_batch(struct judge *judge)
{
	static emr_result (*const checks[])(struct judge *) = { check_signature, check_submitter,
		check_times, check_root };
	emr_result result = EMR_RESULT_APPLIED;

	for (size_t i = 0; result == EMR_RESULT_APPLIED && i < sizeof checks / sizeof checks[0]; i++)
		result = checks[i](judge);
	return result;
}

static void refuse(emr_outcome *outcome, emr_result refusal)
{
	outcome->kind = EMR_OUTCOME_REFUSED;
	outcome->refusal = refusal;
}

static void judge_items(struct judge *judge, emr_outcome *outcome)
{
	size_t count = judge->batch->count;
	uint8_t *results = emr_arena_alloc(judge->arena, count);

	if (results == NULL) {
		judge->failed = EMR_CONTRACT_NO_ROOM;
		return;
	}
	for (size_t i = 0; i < count && judge->failed == EMR_CONTRACT_OK; i++)
		results[i] = (uint8_t)judge_item(judge, i);
	if (judge->failed != EMR_CONTRACT_OK)
		return;
	outcome->kind = EMR_OUTCOME_APPLIED;
	outcome->results = (emr_span){ results, count };
	write_batch(judge, outcome->results);
	outcome->writes = judge->writes;
	outcome->writes_count = judge->writes_count;
}

static void judge_batch(struct judge *judge, emr_outcome *outcome)
{
	emr_result result = check_network(judge);

	memcpy(outcome->batch_id, judge->batch_id, 32);
	if (result != EMR_RESULT_APPLIED) {
		refuse(outcome, result);
		return;
	}
	if (is_known(judge, &outcome->results)) {
		outcome->kind = EMR_OUTCOME_KNOWN;
		return;
	}
	result = check_batch(judge);
	if (result != EMR_RESULT_APPLIED)
		refuse(outcome, result);
	else
		judge_items(judge, outcome);
}

emr_contract_status emr_contract_apply(const emr_batch *batch, const emr_caller *caller,
	uint64_t now_unix_s, const emr_value *values, size_t values_count,
	emr_contract_arena *arena, emr_outcome *out_outcome)
{
	struct judge judge = { .batch = batch, .caller = caller, .now = now_unix_s, .arena = arena };
	emr_outcome outcome = { 0 };
	emr_contract_status status;

	if (caller->recorded.len != 0 && caller->recorded.len != batch->count)
		return EMR_CONTRACT_ARGUMENT;
	if (emr_header_parse(batch->header, &judge.header) != EMR_CONTRACT_OK)
		return EMR_CONTRACT_ARGUMENT;
	emr_batch_id(batch->header.data, judge.batch_id);
	emr_signer_id(judge.header.signer_pk, judge.signer_id);
	status = load_values(&judge, values, values_count);
	if (status != EMR_CONTRACT_OK)
		return status;
	judge_batch(&judge, &outcome);
	if (judge.failed != EMR_CONTRACT_OK)
		return judge.failed;
	*out_outcome = outcome;
	return EMR_CONTRACT_OK;
}
