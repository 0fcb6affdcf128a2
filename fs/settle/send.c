/* This file sends a signed batch: it writes it into the journal first, hands it to the ledger,
 * and brings the answers back. After a restart it sends what was not answered once more, with
 * the same bytes. */
#include "amend.h"
#include "settle_private.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "contract/codes.h"
#include "contract/item.h"

/* The versions that BOX brings: the ledger may have them before its answer is known here, whatever
 * becomes of the files meanwhile.  The others are on the ledger, and pinned, already. */
static emr_status pin_brought(emr_journal_txn *txn, const outbox *box, bool is_over)
{
	emr_status status = EMR_OK;

	for (size_t i = 0; i < box->count && status == EMR_OK; i++) {
		const emr_place *place = &box->outcomes[i].place;
		const emr_pin pin = {
			.root = place->root, .owner = place->object, .state = EMR_PIN_SENT};

		if (await_brings_new(&box->outcomes[i]))
			status =
				is_over ? emr_journal_unpin(txn, &pin) : emr_journal_pin(txn, &pin);
	}
	return status;
}

emr_status settle_keep_batch(emr_settle *settle, uint8_t kind, emr_id16 key, const outbox *box)
{
	EMR_AUTO_BUF row = {0};
	emr_journal_txn *txn;
	uint64_t seq;
	emr_status status;

	EMR_TRY(outbox_encode(box, &row));
	EMR_TRY(emr_journal_begin(settle->options.journal, &txn));
	status = emr_journal_put(txn, kind, key, emr_buf_view(&row));
	if (status == EMR_OK)
		status = pin_brought(txn, box, false);
	if (status != EMR_OK) {
		emr_journal_rollback(txn);
		return status;
	}
	EMR_TRY(emr_journal_commit(txn, &seq));
	/* Blocks, bundles and this row reach the disk before the ledger can name them. */
	return emr_journal_sync(settle->options.journal, seq);
}

emr_status settle_hand_out(
	emr_settle *settle, emr_id16 key, const outbox *box, emr_outcome_fn fn, void *arg)
{
	emr_journal_txn *txn;
	emr_status status;

	EMR_TRY(emr_journal_begin(settle->options.journal, &txn));
	status = emr_journal_delete(txn, EMR_ROW_OUTBOX, key);
	if (status == EMR_OK)
		status = pin_brought(txn, box, true);
	if (status == EMR_OK)
		status = issued_note(txn, box);
	if (status == EMR_OK)
		status = settle_remember_seen(settle, txn);
	if (status != EMR_OK) {
		emr_journal_rollback(txn);
		return status;
	}
	return fn(arg, txn, box->outcomes, box->count);
}

/* The size that the ledger takes in one piece depends on its channel, which does not tell: halving
 * finds it. EMR_OK: BOX has a single change, which the ledger never takes. That one is refused, so
 * that nothing waits for it, and the others may be as many as before. */
static emr_status send_smaller(emr_settle *settle, const outbox *box)
{
	if (box->count <= 1) {
		settle->most_changes = EMR_BATCH_SEND_ITEMS;
		box->outcomes[0].result = EMR_RESULT_LIMIT;
		emr_log(EMR_LOG_ERROR, "the ledger takes no batch of a change as large as this");
		return EMR_OK;
	}
	settle->most_changes = box->count / 2u;
	emr_log(EMR_LOG_WARN, "the ledger takes no batch of %u changes: the next have %zu",
		box->count, settle->most_changes);
	return EMR_LIMIT;
}

emr_status settle_ask_ledger(emr_settle *settle, outbox *box)
{
	emr_ledger_answer *answer = malloc(sizeof *answer);
	emr_status status;

	if (answer == NULL)
		return EMR_NO_MEMORY;
	status = emr_ledger_submit(settle->options.ledger, emr_buf_view(&box->batch), answer);
	if (status == EMR_LIMIT) {
		free(answer);
		return send_smaller(settle, box);
	}
	if (status == EMR_OK)
		status = settle_reach(settle, emr_buf_view(&box->batch), answer);
	if (status != EMR_OK) {
		free(answer);
		return status;
	}
	if (answer->refusal != 0)
		emr_log(EMR_LOG_ERROR, "the ledger refused a batch of %u: %s", box->count,
			emr_result_text(answer->refusal));
	for (size_t i = 0; i < box->count; i++) {
		size_t at = box->first + i;

		box->outcomes[i].result = answer->refusal != 0	   ? answer->refusal
					  : at < answer->n_results ? answer->results[at]
								   : EMR_RESULT_FORMAT;
	}
	free(answer);
	return EMR_OK;
}

emr_status settle_forget_batch(emr_settle *settle, uint8_t kind, emr_id16 key, const outbox *box)
{
	emr_journal_txn *txn;
	emr_status status;

	EMR_TRY(emr_journal_begin(settle->options.journal, &txn));
	status = emr_journal_delete(txn, kind, key);
	if (status == EMR_OK && box != NULL)
		status = pin_brought(txn, box, true);
	if (status == EMR_OK)
		return emr_journal_commit(txn, NULL);
	emr_journal_rollback(txn);
	return status;
}

static emr_status send(emr_settle *settle, emr_id16 key, outbox *box, emr_outcome_fn fn, void *arg)
{
	emr_status status = EMR_LIMIT;
	emr_header header;

	/* One that waited for the ledger of a network that was left is not sent any more. */
	if (box->batch.len < EMR_HEADER_BYTES ||
		emr_header_parse((emr_span){box->batch.data, EMR_HEADER_BYTES}, &header) !=
			EMR_CONTRACT_OK ||
		memcmp(header.net_id, settle->net_id.b, sizeof header.net_id) == 0)
		status = settle_ask_ledger(settle, box);
	/* Its changes are still marked as such, and come in smaller ones, or for this ledger. */
	if (status == EMR_LIMIT)
		return settle_forget_batch(settle, EMR_ROW_OUTBOX, key, box);
	return status == EMR_OK ? settle_hand_out(settle, key, box, fn, arg) : status;
}

/* ---- what was sent before ---- */

/* A batch that cannot be read can never be sent. Its changes are still marked as changed, so that
 * they are published again; had the ledger taken them, this is one version more. */
static emr_status forget_unreadable(emr_settle *settle, emr_id16 key)
{
	char id[33];

	emr_hex(key.b, sizeof key.b, id);
	emr_log(EMR_LOG_ERROR, "batch %s in the journal cannot be read and is made again", id);
	return settle_forget_batch(settle, EMR_ROW_OUTBOX, key, NULL);
}

emr_status emr_settle_resend(emr_settle *settle, emr_outcome_fn fn, void *arg)
{
	bool has_any = true;

	EMR_TRY(await_release(settle));
	while (has_any) {
		AUTO_BATCHES all = {0};

		EMR_TRY(settle_batches(settle, EMR_ROW_OUTBOX, &all));
		has_any = all.len > 0;
		if (has_any)
			EMR_TRY(settle->followed);
		EMR_EACH (kept_batch, one, &all) {
			if (one->status == EMR_DAMAGED)
				EMR_TRY(forget_unreadable(settle, one->key));
			else
				EMR_TRY(one->status);
			if (one->status == EMR_OK)
				EMR_TRY(send(settle, one->key, &one->box, fn, arg));
		}
	}
	return EMR_OK;
}
