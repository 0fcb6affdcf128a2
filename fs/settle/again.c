/* The host of a ledger may have lost entries that were on it.  This file signs what was this
 * computer's own among them once more, makes the journal fit the ledger that goes on, and notes by
 * name what is gone for good: nothing stays registered in silence that is not. */
#include "settle_private.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "contract/codes.h"
#include "replica/restart.h"
#include "settle/history.h"

#include "side_batch.h"

#define NAMED_MAX 1000 /* of what is lost */

typedef struct going_on {
	emr_settle *settle;
	emr_known_restart restart;
	emr_replica_position at; /* of the new copy */
	emr_buf lost;		 /* emr_replica_change, ... */
	uint32_t named;
} going_on;

/* ---- what is gone ---- */

static emr_status note_lost(going_on *g, emr_journal_txn *txn, const emr_replica_change *change)
{
	EMR_AUTO_BUF bytes = {0};
	emr_place place;
	emr_meta meta;
	char id[33], deed[80];

	emr_hex(change->object.b, sizeof change->object.b, id);
	(void)snprintf(deed, sizeof deed, "%s %s", emr_op_text(change->op), id);
	emr_log(EMR_LOG_ERROR, "gone with the ledger's end: %s", deed);
	if (change->op == EMR_OP_ERASE ||
		(change->family != EMR_FAMILY_OBJECT && !emr_replica_is_urgent(change->op)) ||
		g->named++ >= NAMED_MAX)
		return EMR_OK;
	if (emr_facts_version(g->settle->options.facts, change->domain, change->object,
		    change->version, change->op == EMR_OP_META ? 0 : change->version, &place,
		    &bytes,
		    &meta) != EMR_OK) /* no record has that name, or it cannot be read any more */
		meta.name = emr_bytes_of(deed, strlen(deed));
	return emr_journal_put(txn, EMR_ROW_LOST, change->object, meta.name);
}

static emr_status note_all_lost(going_on *g)
{
	emr_journal_txn *txn;
	emr_status status = EMR_OK;

	EMR_TRY(emr_journal_begin(g->settle->options.journal, &txn));
	EMR_EACH (const emr_replica_change, change, &g->lost)
		if (status == EMR_OK)
			status = note_lost(g, txn, change);
	if (status == EMR_OK)
		return emr_journal_commit(txn, NULL);
	emr_journal_rollback(txn);
	return status;
}

/* An object that was erased stays so, whatever of it the ledger still has. */
static emr_status erase_again(const going_on *g, emr_replica *next)
{
	const emr_settle_options *o = &g->settle->options;
	const emr_side side = {.ledger = o->ledger, .replica = next};
	emr_replica_head head;

	EMR_EACH (const emr_replica_change, one, &g->lost)
		if (one->op == EMR_OP_ERASE &&
			emr_replica_head_get(o->replica, one->domain, one->object, &head) ==
				EMR_OK &&
			head.state == EMR_OBJECT_ERASED)
			EMR_TRY(emr_side_erase(
				&side, o->keyring, o->clock, one->domain, one->object));
	return EMR_OK;
}

/* ---- the journal ---- */

/* A batch that nobody has answered may name an entry that is gone, as the newest that its signer
 * had seen: the ledger would call that another history.  It is made again. */
static emr_status forget_newer(const going_on *g)
{
	AUTO_BATCHES all = {0};
	emr_header header;

	EMR_TRY(settle_batches(g->settle, EMR_ROW_OUTBOX, &all));
	EMR_EACH (const kept_batch, one, &all) {
		const emr_buf *batch = &one->box.batch;

		EMR_TRY(one->status == EMR_DAMAGED ? EMR_OK : one->status);
		if (one->status == EMR_OK && batch->len >= EMR_HEADER_BYTES &&
			emr_header_parse((emr_span){batch->data, EMR_HEADER_BYTES}, &header) ==
				EMR_CONTRACT_OK &&
			header.seen_seq >= g->restart.size)
			EMR_TRY(settle_forget_batch(
				g->settle, EMR_ROW_OUTBOX, one->key, &one->box));
	} /* what cannot be read is made again when it is sent */
	return EMR_OK;
}

/* Of emr_signing_again.  The journal remembers no more than where both copies are the same: either
 * may be opened next. */
static emr_status fit_journal(void *arg, emr_replica *next)
{
	going_on *g = arg;
	emr_settle *settle = g->settle;
	emr_replica_position at = {.size = 0};
	uint64_t seen = 0;

	/* The newest: another may have been taken on the way. */
	(void)emr_replica_restarts(settle->options.replica, &g->restart, 1);
	at.size = g->restart.size;
	EMR_TRY(note_all_lost(g));
	EMR_TRY(erase_again(g, next));
	memcpy(at.root, g->restart.root, sizeof at.root);
	EMR_TRY(forget_newer(g));
	EMR_TRY(emr_settle_take_back(settle));
	EMR_TRY(emr_settle_compare_seen(settle, &seen));
	if (seen > at.size)
		EMR_TRY(emr_settle_expect(settle->options.journal, settle->seen_key, &at));
	return emr_replica_at(next, &g->at);
}

emr_status emr_settle_go_on(emr_settle *settle)
{
	going_on g = {.settle = settle};
	const emr_signing_again signing = {.keyring = settle->options.keyring,
		.lost = &g.lost,
		.then = fit_journal,
		.arg = &g};
	emr_status status;

	status = emr_replica_go_on(settle->options.replica, &signing);
	emr_buf_free(&g.lost);
	/* From here on it is the new copy that is opened: what was signed again is nothing new. */
	return status == EMR_OK
		       ? emr_settle_expect(settle->options.journal, settle->seen_key, &g.at)
		       : status;
}

emr_status emr_settle_each_lost(emr_settle *settle, emr_journal_visit fn, void *arg)
{
	return emr_journal_each(settle->options.journal, EMR_ROW_LOST, fn, arg);
}
