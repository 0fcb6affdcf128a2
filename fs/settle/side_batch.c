/* Joining a network works with two ledgers at the same time. This file sends a signed batch to
 * one of them, and erases what was erased before. It keeps no note of its own: after a crash the
 * ledger itself says what it has. */
#include "side_batch.h"

#include <stdlib.h>

#include "base/log.h"
#include "contract/codes.h"
#include "contract/pubs.h"
#include "replica/follower.h"

#define VALID_S 500u

emr_status side_batch_begin(const emr_side *side, emr_keyring *keyring, const emr_clock *clock,
	emr_id16 domain, side_batch *out)
{
	emr_batch_options options = {.keyring = keyring,
		.signer = emr_signer_domain(domain, 1),
		.net_id = emr_ledger_net_id(side->ledger)};
	emr_replica_position at;
	emr_status status = emr_replica_at(side->replica, &at);

	*out = (side_batch){
		.side = side, .keyring = keyring, .now_unix_s = emr_clock_unix_s(clock)};
	if (status != EMR_OK)
		return status;
	if (at.size > 0) {
		options.seen_seq = at.size - 1;
		options.seen_leaf = at.last_leaf;
	}
	return emr_batch_new(&options, &out->batch);
}

void side_batch_end(side_batch *batch)
{
	emr_batch_free(batch->batch);
	batch->batch = NULL;
}

static emr_status status_of(uint8_t code)
{
	if (code == EMR_RESULT_APPLIED || code == EMR_RESULT_ALREADY)
		return EMR_OK;
	emr_log(EMR_LOG_ERROR, "another network's ledger refused an item: %s",
		emr_result_text(code));
	return code == EMR_RESULT_CONFLICT ? EMR_CONFLICT
	       : code == EMR_RESULT_EPOCH  ? EMR_EPOCH
					   : EMR_REFUSED;
}

static emr_status judge_answer(const emr_ledger_answer *answer)
{
	EMR_TRY(answer->refusal != 0 ? status_of(answer->refusal) : EMR_OK);
	for (size_t i = 0; i < answer->n_results; i++)
		EMR_TRY(status_of(answer->results[i]));
	return EMR_OK;
}

emr_status side_batch_send(side_batch *batch)
{
	EMR_AUTO_BUF bytes = {0};
	emr_ledger_answer *answer;
	emr_status status;

	if (emr_batch_count(batch->batch) == 0) {
		side_batch_end(batch);
		return EMR_OK;
	}
	answer = malloc(sizeof *answer);
	status = answer != NULL ? EMR_OK : EMR_NO_MEMORY;
	if (status == EMR_OK)
		status = emr_batch_finish(batch->batch, batch->now_unix_s, VALID_S, &bytes, NULL);
	if (status == EMR_OK)
		status = emr_ledger_submit(batch->side->ledger, emr_buf_view(&bytes), answer);
	if (status == EMR_OK)
		status = emr_follow_answer(batch->side->replica, emr_buf_view(&bytes), answer);
	if (status == EMR_OK)
		status = judge_answer(answer);
	free(answer);
	side_batch_end(batch);
	return status;
}

/* ---- erasing ---- */

static emr_status erase_some(const emr_side *side, emr_keyring *keyring, const emr_clock *clock,
	const emr_replica_head *head)
{
	emr_operation op = {.op = EMR_OP_ERASE,
		.domain = head->domain,
		.object = head->object,
		.version = head->version + 1,
		.prev = head->item_id};
	emr_pub_erase pub = {.family = EMR_FAMILY_OBJECT};
	AUTO_SIDE_BATCH batch = {0};
	uint8_t bytes[24];
	emr_id32 id;
	emr_status status;

	EMR_TRY(emr_replica_oldest_part(side->replica, head, &pub.from_version));
	pub.to_version = head->version;
	if (pub.to_version - pub.from_version >= 256)
		pub.to_version = pub.from_version + 255;
	emr_pub_erase_encode(&pub, bytes);
	op.pub = emr_bytes_of(bytes, sizeof bytes);
	status = side_batch_begin(side, keyring, clock, head->domain, &batch);
	op.time = batch.now_unix_s;
	if (status == EMR_OK)
		status = emr_batch_add(batch.batch, &op, &id);
	return status == EMR_OK ? side_batch_send(&batch) : status;
}

emr_status emr_side_erase(const emr_side *side, emr_keyring *keyring, const emr_clock *clock,
	emr_id16 domain, emr_id16 object)
{
	emr_replica_head head;
	emr_status status = emr_replica_head_get(side->replica, domain, object, &head);

	while (status == EMR_OK && head.state != EMR_OBJECT_ERASED) {
		status = erase_some(side, keyring, clock, &head);
		if (status == EMR_OK)
			status = emr_replica_head_get(side->replica, domain, object, &head);
	}
	return status == EMR_NOT_FOUND ? EMR_OK : status;
}
