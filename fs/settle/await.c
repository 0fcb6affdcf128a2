/* This file keeps a signed batch from the ledger until so many places have everything that it
 * names.  The batch stands in the journal meanwhile, in a row of its own, and nothing of it was
 * sent: it may be taken back and made again. */
#include <stdlib.h>
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

	if (emr_rules_in_force(o->replica, &rules, NULL, NULL) != EMR_OK)
		emr_log(EMR_LOG_WARN, "settle: the rules of the network cannot be read");
	return rules.copies_before_register > wanted ? rules.copies_before_register : wanted;
}

/* The others name content that was on the ledger before. */
static bool brings_content(const emr_change_outcome *o)
{
	return o->kind == EMR_CHANGE_PUT || o->kind == EMR_CHANGE_REWRAP;
}

static bool root_of(const emr_change_outcome *o, emr_cid *out_root)
{
	return brings_content(o) &&
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

typedef struct rows {
	emr_buf keys;  /* of emr_id16 */
	emr_buf bytes; /* each behind its length */
} rows;

static emr_status note_row(void *arg, emr_id16 key, emr_bytes value)
{
	rows *all = arg;
	size_t len = value.len;

	EMR_TRY(emr_buf_append(&all->keys, &key, sizeof key));
	EMR_TRY(emr_buf_append(&all->bytes, &len, sizeof len));
	return emr_buf_append(&all->bytes, value.data, value.len);
}

emr_status settle_each_row(emr_settle *settle, uint8_t kind, settle_row_fn fn, void *arg)
{
	rows all = {{0}, {0}};
	emr_status status = emr_journal_each(settle->options.journal, kind, note_row, &all);

	for (size_t i = 0, at = 0; status == EMR_OK && i < all.keys.len / sizeof(emr_id16); i++) {
		outbox box = {0};
		emr_id16 key;
		size_t len;

		memcpy(&key, all.keys.data + i * sizeof key, sizeof key);
		memcpy(&len, all.bytes.data + at, sizeof len);
		at += sizeof len;
		status = outbox_decode(emr_bytes_of(all.bytes.data + at, len), &box);
		at += len;
		if (status == EMR_OK || status == EMR_DAMAGED)
			status = fn(arg, key, status == EMR_OK ? &box : NULL);
		outbox_free(&box);
	}
	emr_buf_free(&all.keys);
	emr_buf_free(&all.bytes);
	return status;
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

typedef struct releasing {
	emr_settle *settle;
	unsigned wanted;
} releasing;

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

static emr_status release_one(void *arg, emr_id16 key, const outbox *box)
{
	const releasing *r = arg;
	bool is_again;

	if (box == NULL) { /* what it was to publish is still marked as changed */
		emr_log(EMR_LOG_ERROR, "a batch that waits cannot be read, and is made again");
		return settle_forget_batch(r->settle, EMR_ROW_AWAITING, key, NULL);
	}
	if (!has_copies(r->settle, box, r->wanted))
		return EMR_OK;
	EMR_TRY(is_sealed_for_too_many(r->settle, box, &is_again));
	return is_again ? settle_forget_batch(r->settle, EMR_ROW_AWAITING, key, box)
			: move_row(r->settle, key, box);
}

emr_status await_release(emr_settle *settle)
{
	releasing r = {.settle = settle, .wanted = emr_settle_copies_first(settle)};

	return settle_each_row(settle, EMR_ROW_AWAITING, release_one, &r);
}

static emr_status take_back_one(void *arg, emr_id16 key, const outbox *box)
{
	return settle_forget_batch(arg, EMR_ROW_AWAITING, key, box);
}

emr_status emr_settle_take_back(emr_settle *settle)
{
	return settle_each_row(settle, EMR_ROW_AWAITING, take_back_one, settle);
}

typedef struct looking {
	emr_id16 domain;
	bool has_one, makes_keys;
} looking;

static emr_status look_at_row(void *arg, emr_id16 key, const outbox *box)
{
	looking *l = arg;

	(void)key;
	if (box == NULL || !emr_id16_equal(box->domain, l->domain))
		return EMR_OK;
	l->has_one = true;
	l->makes_keys |= box->first > 0;
	return EMR_OK;
}

emr_status await_look(emr_settle *settle, const emr_change *changes, size_t n)
{
	looking l = {.domain = changes[0].domain};
	bool brings = false;
	emr_status status = settle_each_row(settle, EMR_ROW_AWAITING, look_at_row, &l);

	for (size_t i = 0; i < n; i++)
		brings |= changes[i].kind == EMR_CHANGE_PUT || changes[i].kind == EMR_CHANGE_REWRAP;
	if (status != EMR_OK)
		return status;
	return l.makes_keys || (l.has_one && brings) ? EMR_AWAITED : EMR_OK;
}

typedef struct visiting {
	emr_awaiting_fn fn;
	void *arg;
} visiting;

static emr_status visit_row(void *arg, emr_id16 key, const outbox *box)
{
	const visiting *v = arg;
	emr_status status = EMR_OK;

	(void)key;
	for (size_t i = 0; box != NULL && status == EMR_OK && i < box->count; i++) {
		const emr_change_outcome *o = &box->outcomes[i];
		emr_awaiting one = {.domain = box->domain,
			.node = o->node,
			.object = o->place.object,
			.version = o->place.version,
			.is_new = await_brings_new(o)};

		one.has_root = root_of(o, &one.root);
		status = v->fn(v->arg, &one);
	}
	return status;
}

emr_status emr_settle_each_awaiting(
	emr_settle *settle, bool with_sent, emr_awaiting_fn fn, void *arg)
{
	visiting v = {.fn = fn, .arg = arg};

	EMR_TRY(settle_each_row(settle, EMR_ROW_AWAITING, visit_row, &v));
	if (with_sent)
		EMR_TRY(settle_each_row(settle, EMR_ROW_OUTBOX, visit_row, &v));
	return EMR_OK;
}
