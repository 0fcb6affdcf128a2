/* The host of a ledger may have lost entries that were on it.  This file signs what was this
 * computer's own among them once more, makes the journal fit the ledger that goes on, and notes by
 * name what is gone for good: nothing stays registered in silence that is not. */
#include "settle_private.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "contract/codes.h"
#include "replica/restart.h"
#include "settle/history.h"

#include "side_batch.h"

#define NAMED_MAX 1000 /* of what is lost */

typedef struct going_on {
	emr_settle *settle;
	emr_journal_txn *txn; /* notes what is lost */
	emr_known_restart restart;
	emr_buf erased; /* emr_replica_change, ... */
	uint32_t named;
} going_on;

/* ---- what is gone ---- */

static emr_status note_lost(void *arg, const emr_replica_change *change)
{
	going_on *g = arg;
	EMR_AUTO_BUF bytes = {0};
	emr_place place;
	emr_meta meta;
	emr_status status;
	char id[33];

	emr_hex(change->object.b, sizeof change->object.b, id);
	emr_log(EMR_LOG_ERROR, "gone with the ledger's end: %s of %s", emr_op_text(change->op), id);
	if (change->op == EMR_OP_ERASE)
		return emr_buf_append(&g->erased, change, sizeof *change);
	if (change->family != EMR_FAMILY_OBJECT || g->named++ >= NAMED_MAX)
		return EMR_OK;
	status = emr_facts_version(g->settle->options.facts, change->domain, change->object,
		change->version, change->op == EMR_OP_META ? 0 : change->version, &place, &bytes,
		&meta);
	if (status != EMR_OK) /* a removal has no name, or it cannot be read any more */
		meta.name = emr_bytes_of(id, 0);
	return emr_journal_put(g->txn, EMR_ROW_LOST, change->object, meta.name);
}

/* An object that was erased stays so, whatever of it the ledger still has. */
static emr_status erase_again(const going_on *g, emr_replica *next)
{
	const emr_settle_options *o = &g->settle->options;
	const emr_side side = {.ledger = o->ledger, .replica = next};
	const emr_replica_change *all = (const void *)g->erased.data;

	for (size_t i = 0; i < g->erased.len / sizeof *all; i++) {
		emr_replica_head head;

		if (emr_replica_head_get(o->replica, all[i].domain, all[i].object, &head) ==
				EMR_OK &&
			head.state == EMR_OBJECT_ERASED)
			EMR_TRY(emr_side_erase(
				&side, o->keyring, o->clock, all[i].domain, all[i].object));
	}
	return EMR_OK;
}

/* ---- the journal ---- */

/* A batch that nobody has answered names an entry that is gone, as the newest that its signer had
 * seen: the ledger would call that another history. */
static emr_status fit_batch(going_on *g, const outbox *box, emr_buf *out)
{
	const emr_batch_options options = {
		.keyring = g->settle->options.keyring, .net_id = g->settle->net_id};
	EMR_AUTO_FREE emr_batch *batch = malloc(sizeof *batch);

	if (batch == NULL)
		return EMR_NO_MEMORY;
	if (emr_batch_parse((emr_span){box->batch.data, box->batch.len}, batch) !=
		EMR_RESULT_APPLIED)
		return EMR_DAMAGED;
	return emr_batch_again(
		&options, batch, NULL, NULL, emr_clock_unix_s(g->settle->options.clock), out);
}

static emr_status put_instead(
	const going_on *g, uint8_t kind, emr_id16 key, const outbox *box, emr_bytes batch)
{
	EMR_AUTO_BUF row = {0};
	outbox other = *box;
	emr_journal_txn *txn;
	emr_id32 id;
	emr_status status;

	other.batch = (emr_buf){.data = (uint8_t *)(uintptr_t)batch.data, .len = batch.len};
	emr_batch_id(batch.data, id.b);
	EMR_TRY(outbox_encode(&other, &row));
	EMR_TRY(emr_journal_begin(g->settle->options.journal, &txn));
	status = emr_journal_delete(txn, kind, key);
	if (status == EMR_OK)
		status = emr_journal_put(txn, kind, EMR_ID16_AT(id.b), emr_buf_view(&row));
	if (status == EMR_OK)
		return emr_journal_commit(txn, NULL);
	emr_journal_rollback(txn);
	return status;
}

static emr_status fit_row(going_on *g, uint8_t kind, emr_id16 key, const outbox *box)
{
	EMR_AUTO_BUF batch = {0};
	emr_header header;

	if (box == NULL || box->batch.len < EMR_HEADER_BYTES ||
		emr_header_parse((emr_span){box->batch.data, EMR_HEADER_BYTES}, &header) !=
			EMR_CONTRACT_OK ||
		header.seen_seq < g->restart.size)
		return EMR_OK; /* what cannot be read is made again when it is sent */
	EMR_TRY(fit_batch(g, box, &batch));
	return put_instead(g, kind, key, box, emr_buf_view(&batch));
}

static emr_status fit_sent(void *arg, emr_id16 key, const outbox *box)
{
	return fit_row(arg, EMR_ROW_OUTBOX, key, box);
}

static emr_status fit_awaiting(void *arg, emr_id16 key, const outbox *box)
{
	return fit_row(arg, EMR_ROW_AWAITING, key, box);
}

/* It remembers no more than where both copies are the same: either may be opened next. */
static emr_status fit_journal(going_on *g)
{
	emr_settle *settle = g->settle;
	emr_replica_position at = {.size = g->restart.size};
	uint64_t seen = 0;

	memcpy(at.root, g->restart.root, sizeof at.root);
	EMR_TRY(settle_each_row(settle, EMR_ROW_OUTBOX, fit_sent, g));
	EMR_TRY(settle_each_row(settle, EMR_ROW_AWAITING, fit_awaiting, g));
	EMR_TRY(emr_settle_compare_seen(settle, &seen));
	return seen > at.size ? emr_settle_expect(settle->options.journal, settle->seen_key, &at)
			      : EMR_OK;
}

/* ---- the whole ---- */

static emr_status sign_again(going_on *g, emr_replica *next, emr_signing_again *signing)
{
	emr_status status;

	EMR_TRY(emr_journal_begin(g->settle->options.journal, &g->txn));
	status = emr_replica_sign_again(g->settle->options.replica, next, signing);
	if (status != EMR_OK) {
		emr_journal_rollback(g->txn);
		return status;
	}
	EMR_TRY(emr_journal_commit(g->txn, NULL));
	EMR_TRY(erase_again(g, next));
	return fit_journal(g);
}

emr_status emr_settle_go_on(emr_settle *settle)
{
	emr_replica *replica = settle->options.replica, *next = NULL;
	going_on g = {.settle = settle};
	emr_signing_again signing = {
		.keyring = settle->options.keyring, .lost = note_lost, .arg = &g};
	emr_replica_position at = {.size = 0};
	emr_status status = emr_replica_next_open(replica, &next);

	if (status != EMR_OK)
		return status;
	(void)emr_replica_restarts(replica, &g.restart, 1);
	status = sign_again(&g, next, &signing);
	emr_buf_free(&g.erased);
	if (status == EMR_OK)
		status = emr_replica_at(next, &at);
	if (status != EMR_OK) {
		emr_replica_close(next);
		return status;
	}
	EMR_TRY(emr_replica_next_keep(replica, next, &signing));
	/* From here on it is the new copy that is opened: what was signed again is nothing new. */
	return emr_settle_expect(settle->options.journal, settle->seen_key, &at);
}

typedef struct telling {
	emr_settle_lost_fn fn;
	void *arg;
} telling;

static emr_status tell_lost(void *arg, emr_id16 key, emr_bytes value)
{
	const telling *t = arg;

	return t->fn(t->arg, key, value);
}

emr_status emr_settle_each_lost(emr_settle *settle, emr_settle_lost_fn fn, void *arg)
{
	telling t = {.fn = fn, .arg = arg};

	return emr_journal_each(settle->options.journal, EMR_ROW_LOST, tell_lost, &t);
}
