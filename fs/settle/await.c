/* This file keeps a signed batch from the ledger until so many places have everything that it
 * names.  The batch stands in the journal meanwhile, in a row of its own, and nothing of it was
 * sent: it may be taken back and made again. */
#include <string.h>

#include "base/log.h"
#include "keyring/coowned.h"
#include "replica/rules.h"

#include "settle_private.h"

unsigned emr_settle_copies_first(emr_settle *settle)
{
	const emr_settle_options *o = &settle->options;
	emr_rules rules = EMR_RULES_DEFAULT;
	unsigned wanted = o->copies_first > 1 ? o->copies_first : 1;
	emr_ledger_standing standing = {.keys = NULL};

	if (wanted == EMR_COPIES_HOST)
		wanted = emr_ledger_stand_in(o->ledger, &standing) == EMR_OK ? 1 : 2;
	if (emr_rules_in_force(o->replica, &rules, NULL, NULL) != EMR_OK)
		emr_log(EMR_LOG_WARN, "settle: the rules of the network cannot be read");
	return rules.copies_before_register > wanted ? rules.copies_before_register : wanted;
}

/* The others name content that was on the ledger before. */
static bool root_of(const emr_change_outcome *o, emr_cid *out_root)
{
	return (o->kind == EMR_CHANGE_PUT || o->kind == EMR_CHANGE_REWRAP) &&
	       emr_cid_parse(emr_bytes_of(o->place.root.b, EMR_CID_BYTES), out_root) == EMR_OK;
}

bool await_brings_new(const emr_change_outcome *o)
{
	emr_cid root;

	return o->kind == EMR_CHANGE_PUT && root_of(o, &root);
}

/* Whether ALL of BOX is in as many places as is wanted before. */
static bool has_copies(emr_settle *settle, const outbox *box, unsigned wanted)
{
	const emr_settle_options *o = &settle->options;
	emr_cid root;

	for (size_t i = 0; i < box->count; i++) {
		unsigned held = 1, of = 1;

		if (!root_of(&box->outcomes[i], &root))
			continue;
		if (o->copies != NULL)
			o->copies(o->copies_arg, &root, &held, &of);
		if (held < wanted)
			return false;
	}
	return true;
}

bool await_must(emr_settle *settle, const outbox *box)
{
	const unsigned wanted = emr_settle_copies_first(settle);

	return wanted > 1 && !has_copies(settle, box, wanted);
}

/* ---- rows ---- */

static emr_status note_row(void *arg, emr_id16 key, emr_bytes value)
{
	kept_batch one = {.key = key};
	emr_status status;

	one.status = outbox_decode(value, &one.box);
	status = emr_buf_append(arg, &one, sizeof one);
	if (status != EMR_OK)
		outbox_free(&one.box);
	return status;
}

emr_status settle_batches(emr_settle *settle, uint8_t kind, emr_buf *out_batches)
{
	return emr_journal_each(settle->options.journal, kind, note_row, out_batches);
}

void settle_batches_free(emr_buf *batches)
{
	EMR_EACH (kept_batch, one, batches)
		outbox_free(&one->box);
	emr_buf_free(batches);
}

/* EMR_OK also of a damaged one, which is passed over. */
static emr_status readable(const kept_batch *one)
{
	return one->status == EMR_DAMAGED ? EMR_OK : one->status;
}

/* From here on it may be on the ledger. */
static emr_status move_row(emr_settle *settle, emr_id16 key, const outbox *box)
{
	EMR_AUTO_BUF row = {0};
	emr_journal_txn *txn;
	uint64_t seq;
	emr_status status;

	EMR_TRY(outbox_encode(box, &row));
	EMR_TRY(emr_journal_begin(settle->options.journal, &txn));
	status = emr_journal_delete(txn, EMR_ROW_AWAITING, key);
	if (status == EMR_OK)
		status = emr_journal_put(txn, EMR_ROW_OUTBOX, key, emr_buf_view(&row));
	if (status != EMR_OK) {
		emr_journal_rollback(txn);
		return status;
	}
	EMR_TRY(emr_journal_commit(txn, &seq));
	return emr_journal_sync(settle->options.journal, seq);
}

/* ---- what becomes of them ---- */

/* Somebody's access has ended since it was sealed: made again, it is under a key that he never had.
 * Of another's folder, and on a device, that key is not for this computer to begin. */
static emr_status is_sealed_for_too_many(emr_settle *settle, const outbox *box, bool *out_is)
{
	emr_status status;

	*out_is = false;
	if (!emr_id16_is_zero(box->issued_to) ||
		emr_keyring_coowns(settle->options.keyring, box->domain))
		return EMR_OK;
	status = emr_share_epoch_is_due(settle->share, box->domain, out_is);
	return status == EMR_NOT_FOUND ? EMR_OK : status; /* this batch makes the domain */
}

static emr_status release_one(emr_settle *settle, const kept_batch *one, unsigned wanted)
{
	bool is_again;

	if (one->status == EMR_DAMAGED) { /* what it was to publish is still marked as changed */
		emr_log(EMR_LOG_ERROR, "a batch that waits cannot be read, and is made again");
		return settle_forget_batch(settle, EMR_ROW_AWAITING, one->key, NULL);
	}
	if (one->status != EMR_OK || !has_copies(settle, &one->box, wanted))
		return one->status;
	EMR_TRY(is_sealed_for_too_many(settle, &one->box, &is_again));
	return is_again ? settle_forget_batch(settle, EMR_ROW_AWAITING, one->key, &one->box)
			: move_row(settle, one->key, &one->box);
}

emr_status await_release(emr_settle *settle)
{
	const unsigned wanted = emr_settle_copies_first(settle);
	AUTO_BATCHES all = {0};

	EMR_TRY(settle_batches(settle, EMR_ROW_AWAITING, &all));
	EMR_EACH (const kept_batch, one, &all)
		EMR_TRY(release_one(settle, one, wanted));
	return EMR_OK;
}

emr_status emr_settle_take_back(emr_settle *settle)
{
	AUTO_BATCHES all = {0};

	EMR_TRY(settle_batches(settle, EMR_ROW_AWAITING, &all));
	EMR_EACH (const kept_batch, one, &all) {
		EMR_TRY(readable(one));
		EMR_TRY(settle_forget_batch(settle, EMR_ROW_AWAITING, one->key,
			one->status == EMR_OK ? &one->box : NULL));
	}
	return EMR_OK;
}

emr_status await_look(emr_settle *settle, const emr_change *changes, size_t n)
{
	bool has_one = false, makes_keys = false, brings = false;
	AUTO_BATCHES all = {0};

	EMR_TRY(settle_batches(settle, EMR_ROW_AWAITING, &all));
	EMR_EACH (const kept_batch, one, &all) {
		EMR_TRY(readable(one));
		if (one->status != EMR_OK || !emr_id16_equal(one->box.domain, changes[0].domain))
			continue;
		has_one = true;
		makes_keys |= one->box.first > 0;
	}
	for (size_t i = 0; i < n; i++)
		brings |= changes[i].kind == EMR_CHANGE_PUT || changes[i].kind == EMR_CHANGE_REWRAP;
	return makes_keys || (has_one && brings) ? EMR_AWAITED : EMR_OK;
}

static emr_status add_awaiting(emr_settle *settle, uint8_t kind, emr_buf *out)
{
	AUTO_BATCHES all = {0};

	EMR_TRY(settle_batches(settle, kind, &all));
	EMR_EACH (const kept_batch, row, &all) {
		EMR_TRY(readable(row));
		for (size_t i = 0; i < row->box.count; i++) {
			const emr_change_outcome *o = &row->box.outcomes[i];
			emr_awaiting one = {.domain = row->box.domain,
				.node = o->node,
				.object = o->place.object,
				.version = o->place.version,
				.is_new = await_brings_new(o)};

			one.has_root = root_of(o, &one.root);
			EMR_TRY(emr_buf_append(out, &one, sizeof one));
		}
	}
	return EMR_OK;
}

emr_status emr_settle_awaiting(emr_settle *settle, bool with_sent, emr_buf *out)
{
	EMR_TRY(add_awaiting(settle, EMR_ROW_AWAITING, out));
	return with_sent ? add_awaiting(settle, EMR_ROW_OUTBOX, out) : EMR_OK;
}
