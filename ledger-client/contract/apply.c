/* This file judges one batch: it refuses it as a whole, or judges each operation in order, and
 * lists what is to be written. A batch that is on the ledger already gets its old answer. */
#include "contract/contract.h"

#include <string.h>

#include "judge.h"

#define WRITES_PER_ITEM 8 /* rows, purges and parts, and i, c */

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
	memcpy(value + EMR_HEADER_BYTES + results.len, batch->items_bytes.data,
		batch->items_bytes.len);
	emr_key_batch(judge->batch_id, &key);
	emr_judge_put_owned(judge, key.text, (emr_span){value, len});
}

static emr_contract_status load_values(
	struct judge *judge, const emr_value *values, size_t values_count)
{
	size_t writes = (size_t)judge->batch->count * WRITES_PER_ITEM;
	size_t cap = values_count + writes + 8;
	emr_key_text key;
	emr_span network;

	judge->writes_cap = writes + 3; /* its quota's rows and its own */
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
	emr_key_network(&key);
	if (!emr_judge_get(judge, key.text, &network))
		network = (emr_span){0};
	return judge->failed != EMR_CONTRACT_OK ? judge->failed
						: emr_contract_rules(network, &judge->rules);
}

/* True when the batch stands in the log already; RESULTS are those that it got. */
static bool is_known(struct judge *judge, emr_span *results)
{
	emr_row_batch row;
	emr_key_text key;
	emr_span value;

	emr_key_batch(judge->batch_id, &key);
	if (!emr_judge_get(judge, key.text, &value) ||
		!emr_judge_parsed(judge, emr_row_batch_parse(value, &row)))
		return false;
	*results = row.results;
	return true;
}

static void refuse(emr_outcome *outcome, emr_result refusal)
{
	outcome->kind = EMR_OUTCOME_REFUSED;
	outcome->refusal = refusal;
}

/* One registration or renewal with a certificate.  A refusal that hangs on it could not be judged
 * again, because the part with the certificate is not kept: so it gets no entry.  Of an entry that
 * is there the answer is what it says. */
static bool gets_no_entry(const struct judge *judge, uint8_t result)
{
	emr_item item;
	emr_span pub;

	if (judge->batch->count != 1 || !judge->caller->cert.is_present ||
		judge->caller->recorded.len > 0 || result <= EMR_RESULT_ALREADY)
		return false;
	emr_batch_item_at(judge->batch, 0, &item, &pub);
	return item.op == EMR_OP_KEY_REG || item.op == EMR_OP_KEY_CERT;
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
		results[i] = (uint8_t)emr_check_item(judge, i);
	if (judge->failed != EMR_CONTRACT_OK)
		return;
	if (gets_no_entry(judge, results[0])) {
		refuse(outcome, (emr_result)results[0]);
		return;
	}
	outcome->kind = EMR_OUTCOME_APPLIED;
	outcome->results = (emr_span){results, count};
	write_batch(judge, outcome->results);
	outcome->writes = judge->writes;
	outcome->writes_count = judge->writes_count;
}

static void judge_batch(struct judge *judge, emr_outcome *outcome)
{
	emr_result result = emr_check_operations(judge);

	if (result == EMR_RESULT_APPLIED)
		result = emr_check_network(judge);
	memcpy(outcome->batch_id, judge->batch_id, 32);
	if (result != EMR_RESULT_APPLIED) {
		refuse(outcome, result);
		return;
	}
	if (is_known(judge, &outcome->results)) {
		outcome->kind = EMR_OUTCOME_KNOWN;
		return;
	}
	result = emr_check_batch(judge);
	if (result == EMR_RESULT_APPLIED)
		result = emr_check_quota(judge);
	if (result != EMR_RESULT_APPLIED)
		refuse(outcome, result);
	else
		judge_items(judge, outcome);
}

emr_contract_status emr_contract_apply(const emr_batch *batch, const emr_caller *caller,
	uint64_t now_unix_s, const emr_value *values, size_t values_count,
	emr_contract_arena *arena, emr_outcome *out_outcome)
{
	struct judge judge = {.batch = batch, .caller = caller, .now = now_unix_s, .arena = arena};
	emr_outcome outcome = {0};
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
