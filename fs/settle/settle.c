#include "settle/settle.h"

#include <stdlib.h>
#include <string.h>

#include "base/codec.h"
#include "base/log.h"
#include "contract/codes.h"
#include "contract/pubs.h"
#include "contract/rows.h"

#include "share/give.h"

#include "build.h"
#include "outbox.h"

#define WEEK_S (7 * 86400)	/* how long the ledger takes a batch of these operations */

struct emr_settle {
	emr_settle_options options;
	emr_id16 net_id;
	uint8_t person_pk[32];
	bool has_compared;	/* the ledger with what the journal has seen of it */
	emr_share *share;	/* begins epochs that are due before anything is written */
};

/* What goes into one batch. */
typedef struct run {
	emr_settle *settle;
	build_ctx build;
	emr_batch_builder *batch;
	bool makes_domain, makes_list_key;
	bool is_inbox;
	emr_list_key *own_list_key;	/* of a listing key that this batch publishes */
	outbox box;
	size_t cap;
} run;

emr_status emr_settle_new(const emr_settle_options *options, emr_settle **out_settle)
{
	const emr_share_options share = { .keyring = options->keyring, .ledger = options->ledger,
		.replica = options->replica, .records = options->records, .clock = options->clock };
	emr_settle *settle;
	emr_public person;
	emr_status status = emr_keyring_public(options->keyring, &person);

	if (status != EMR_OK)
		return status;
	settle = calloc(1, sizeof *settle);
	if (settle == NULL)
		return EMR_NO_MEMORY;
	status = emr_share_new(&share, &settle->share);
	if (status != EMR_OK) {
		free(settle);
		return status;
	}
	settle->options = *options;
	memcpy(settle->person_pk, person.pk, sizeof settle->person_pk);
	settle->net_id = emr_ledger_net_id(options->ledger);
	*out_settle = settle;
	return EMR_OK;
}

void emr_settle_free(emr_settle *settle)
{
	if (settle == NULL)
		return;
	emr_share_free(settle->share);
	free(settle);
}

/* ---- how far the ledger has been seen ----
 *
 * Replica and high-water mark lie in the clear: whoever holds the disk can put all of them back together with the ledger.
 * The journal is sealed, so it remembers too: size and root with every answer. */

#define SEEN_VERSION 1
#define SEEN_BYTES 41

static const emr_id16 seen_key;

static emr_status remember_seen(emr_settle *settle, emr_journal_txn *txn)
{
	uint8_t bytes[SEEN_BYTES] = { SEEN_VERSION };
	emr_replica_position at;
	emr_status status = emr_replica_at(settle->options.replica, &at);

	if (status != EMR_OK)
		return status;
	emr_put_u64(bytes + 1, at.size);
	memcpy(bytes + 9, at.root, sizeof at.root);
	return emr_journal_put(txn, EMR_ROW_SEEN, seen_key, emr_bytes_of(bytes, sizeof bytes));
}

static emr_status compare_seen(emr_settle *settle)
{
	EMR_AUTO_BUF row = { 0 };
	emr_replica_position at;
	uint8_t root[32];
	uint64_t size;
	emr_status status;

	status = emr_journal_get(settle->options.journal, EMR_ROW_SEEN, seen_key, &row);
	if (status != EMR_OK)
		return status == EMR_NOT_FOUND ? EMR_OK : status;
	if (row.len != SEEN_BYTES || row.data[0] != SEEN_VERSION)
		return row.len > 0 && row.data[0] > SEEN_VERSION ? EMR_NEWER_FORMAT : EMR_DAMAGED;
	size = emr_get_u64(row.data + 1);
	status = emr_replica_at(settle->options.replica, &at);
	if (status != EMR_OK)
		return status;
	if (at.size < size)
		return EMR_ROLLBACK;
	/* Of what this computer has verified itself: what the folder shows rests on that. */
	status = emr_replica_root_at(settle->options.replica, size, root);
	if (status != EMR_OK)
		return status;
	return memcmp(root, row.data + 9, sizeof root) == 0 ? EMR_OK : EMR_FORK;
}

emr_status emr_settle_catch_up(emr_settle *settle, emr_replica_change_fn fn, void *arg)
{
	emr_status status = emr_replica_catch_up(settle->options.replica, fn, arg, NULL);
	emr_status seen;

	if ((status != EMR_OK && status != EMR_OFFLINE) || settle->has_compared)
		return status;
	/* Once: from then on the replica itself does not go back.  Also while the ledger is away:
	 * then the copy is all there is. */
	seen = compare_seen(settle);
	settle->has_compared = seen == EMR_OK;
	return seen != EMR_OK ? seen : status;
}

/* ---- the domain and its listing key ---- */

static emr_status domain_facts(run *r)
{
	const emr_settle_options *o = &r->settle->options;
	EMR_AUTO_BUF row_bytes = { 0 };
	emr_domain_public domain;
	emr_row_domain row;
	emr_key_text key;
	emr_status status;

	emr_key_domain(r->build.domain.b, &key);
	status = emr_replica_state_get(o->replica, key.text, &row_bytes);
	if (status == EMR_NOT_FOUND) {
		r->makes_domain = true;
		r->build.epoch = 1;
		status = emr_keyring_domain_public(o->keyring, r->build.domain, 1, 1, &domain);
		if (status == EMR_OK)
			memcpy(r->build.A, domain.A, sizeof r->build.A);
		return status;
	}
	if (status != EMR_OK)
		return status;
	if (emr_row_domain_parse((emr_span){ row_bytes.data, row_bytes.len }, &row) != EMR_CONTRACT_OK)
		return EMR_DAMAGED;
	r->build.epoch = row.head.epoch;
	memcpy(r->build.A, row.A, sizeof r->build.A);
	return EMR_OK;
}

static emr_status list_key_facts(run *r)
{
	const emr_settle_options *o = &r->settle->options;
	EMR_AUTO_BUF row_bytes = { 0 };
	emr_row_listkey row;
	emr_domain_public domain;
	emr_id16 object;
	emr_key_text key;
	emr_status status;

	status = emr_keyring_domain_public(o->keyring, r->build.domain, 1, r->build.epoch, &domain);
	if (status != EMR_OK)
		return status;
	emr_object_listkey(domain.signer_id.b, r->build.epoch, object.b);
	emr_key_listkey(r->build.domain.b, object.b, &key);
	status = emr_replica_state_get(o->replica, key.text, &row_bytes);
	if (status == EMR_NOT_FOUND) {
		r->makes_list_key = true;
		return EMR_OK;
	}
	if (status != EMR_OK)
		return status;
	if (emr_row_listkey_parse((emr_span){ row_bytes.data, row_bytes.len }, &row) !=
		EMR_CONTRACT_OK)
		return EMR_DAMAGED;
	memcpy(r->build.listkey_id.b, row.head.item, sizeof r->build.listkey_id.b);
	return emr_facts_list_key(o->facts, r->build.domain, r->build.listkey_id, &r->build.list_key);
}

static emr_status add_domain(run *r)
{
	emr_operation op = { .op = EMR_OP_DOMAIN_NEW, .domain = r->build.domain,
		.object = r->build.domain, .version = 1, .epoch = 1, .time = r->build.now_unix_s,
		.flags = r->is_inbox ? EMR_ITEM_INBOX : 0 };
	emr_pub_domain_new pub;
	emr_domain_public domain;
	uint8_t bytes[64];
	emr_id32 id;
	emr_status status;

	status = emr_keyring_domain_public(r->settle->options.keyring, r->build.domain, 1, 1, &domain);
	if (status != EMR_OK)
		return status;
	memcpy(pub.box, domain.box, sizeof pub.box);
	memcpy(pub.A, domain.A, sizeof pub.A);
	emr_pub_domain_new_encode(&pub, bytes);
	op.pub = emr_bytes_of(bytes, sizeof bytes);
	return emr_batch_add(r->batch, &op, &id);
}

static emr_status add_list_key(run *r)
{
	const emr_keyring *keyring = r->settle->options.keyring;
	emr_operation op = { .op = EMR_OP_LISTKEY, .domain = r->build.domain, .version = 1,
		.epoch = r->build.epoch, .time = r->build.now_unix_s };
	uint8_t bytes[EMR_LISTKEY_PART_BYTES];
	emr_listkey_part part;
	emr_domain_public domain;
	emr_status status;

	status = emr_keyring_domain_public(keyring, r->build.domain, 1, r->build.epoch, &domain);
	if (status != EMR_OK)
		return status;
	memcpy(part.salt, emr_id32_random().b, sizeof part.salt);
	status = emr_list_key_publish(keyring, r->build.domain, r->build.epoch, r->build.A,
		domain.signer_id, part.capsule, part.kcheck, &r->own_list_key);
	if (status != EMR_OK)
		return status;
	emr_listkey_part_encode(&part, bytes);
	emr_object_listkey(domain.signer_id.b, r->build.epoch, op.object.b);
	op.priv = emr_bytes_of(bytes, sizeof bytes);
	r->build.list_key = r->own_list_key;
	return emr_batch_add(r->batch, &op, &r->build.listkey_id);
}

static void end_run(run *r)
{
	emr_batch_free(r->batch);
	emr_list_key_free(r->own_list_key);
	outbox_free(&r->box);
}

static emr_status begin_run(emr_settle *settle, emr_id16 domain, bool is_inbox, run *r)
{
	emr_batch_options batch = { .keyring = settle->options.keyring,
		.signer = emr_signer_domain(domain, 1), .net_id = settle->net_id };
	emr_replica_position at;
	emr_status status;

	*r = (run){ .settle = settle, .is_inbox = is_inbox };
	r->build = (build_ctx){ .keyring = settle->options.keyring,
		.records = settle->options.records, .facts = settle->options.facts,
		.domain = domain, .now_unix_s = emr_clock_unix_s(settle->options.clock) };
	memcpy(r->build.person_pk, settle->person_pk, sizeof r->build.person_pk);
	r->box.domain = domain;
	status = emr_replica_at(settle->options.replica, &at);
	if (status != EMR_OK)
		return status;
	if (at.size > 0) {
		batch.seen_seq = at.size - 1;
		batch.seen_leaf = at.last_leaf;
	}
	status = domain_facts(r);
	if (status == EMR_OK)
		status = list_key_facts(r);
	if (status == EMR_OK)
		status = emr_batch_new(&batch, &r->batch);
	if (status == EMR_OK && r->makes_domain)
		status = add_domain(r);
	if (status == EMR_OK && r->makes_list_key)
		status = add_list_key(r);
	if (status == EMR_OK)
		r->box.first = (uint16_t)emr_batch_count(r->batch);
	return status;
}

/* ---- items ---- */

static emr_status current_head(const emr_settle *settle, const emr_change *change,
	emr_replica_head *out_head)
{
	emr_status status = emr_replica_head_get(settle->options.replica, change->domain,
		change->object, out_head);

	if (status != EMR_NOT_FOUND)
		return status;
	*out_head = (emr_replica_head){ .domain = change->domain, .object = change->object };
	return EMR_OK;
}

static emr_status note_outcome(run *r, const emr_change *change, const emr_place *place)
{
	if (r->box.count == r->cap) {
		size_t cap = r->cap == 0 ? 16 : r->cap * 2;
		emr_outcome *grown = realloc(r->box.outcomes, cap * sizeof *grown);

		if (grown == NULL)
			return EMR_NO_MEMORY;
		r->box.outcomes = grown;
		r->cap = cap;
	}
	r->box.outcomes[r->box.count++] = (emr_outcome){ .kind = change->kind, .node = change->node,
		.change = change->change, .place = *place };
	return EMR_OK;
}

/* EMR_LIMIT: the batch is full and CHANGE belongs to the next one. */
static emr_status add_change(run *r, const emr_change *change)
{
	EMR_AUTO_BUF priv = { 0 };
	emr_replica_head head;
	emr_operation op;
	emr_place place;
	emr_id32 id;
	emr_status status;

	if (emr_batch_count(r->batch) >= EMR_BATCH_SEND_ITEMS ||
		emr_batch_size(r->batch) > EMR_BATCH_SEND_BYTES - EMR_META_BYTES_MAX - 1024)
		return EMR_LIMIT;
	status = current_head(r->settle, change, &head);
	/* Others went on meanwhile: who asked must see that first. */
	if (status == EMR_OK && change->base_version != 0 && head.state == EMR_OBJECT_LIVE && head.version > change->base_version)
		return EMR_CONFLICT;
	if (status == EMR_OK)
		status = build_operation(&r->build, change, &head, &priv, &op, &place);
	if (status == EMR_OK)
		status = emr_batch_add(r->batch, &op, &id);
	if (status == EMR_OK)
		status = note_outcome(r, change, &place);
	return status;
}

/* ---- sending ---- */

static emr_id16 outbox_key(emr_id32 batch_id)
{
	emr_id16 key;

	memcpy(key.b, batch_id.b, sizeof key.b);
	return key;
}

static emr_status keep_in_journal(emr_settle *settle, emr_id16 key, const outbox *box)
{
	EMR_AUTO_BUF row = { 0 };
	emr_journal_txn *txn;
	uint64_t seq;
	emr_status status;

	status = outbox_encode(box, &row);
	if (status == EMR_OK)
		status = emr_journal_begin(settle->options.journal, &txn);
	if (status != EMR_OK)
		return status;
	status = emr_journal_put(txn, EMR_ROW_OUTBOX, key, emr_buf_view(&row));
	if (status != EMR_OK) {
		emr_journal_rollback(txn);
		return status;
	}
	status = emr_journal_commit(txn, &seq);
	if (status != EMR_OK)
		return status;
	/* Blocks, bundles and this row reach the disk before the ledger can name them. */
	return emr_journal_sync(settle->options.journal, seq);
}

static emr_status hand_out(emr_settle *settle, emr_id16 key, const outbox *box, emr_outcome_fn fn,
	void *arg)
{
	emr_journal_txn *txn;
	emr_status status;

	status = emr_journal_begin(settle->options.journal, &txn);
	if (status != EMR_OK)
		return status;
	status = emr_journal_delete(txn, EMR_ROW_OUTBOX, key);
	if (status == EMR_OK)
		status = remember_seen(settle, txn);
	if (status != EMR_OK) {
		emr_journal_rollback(txn);
		return status;
	}
	return fn(arg, txn, box->outcomes, box->count);
}

/* CHANGE cannot become an operation: say so at once, so that the others of its batch go on. */
static emr_status give_up_on(emr_settle *settle, const emr_change *change, emr_status error,
	emr_outcome_fn fn, void *arg)
{
	emr_outcome outcome = { .kind = change->kind, .node = change->node, .change = change->change,
		.error = error == EMR_CONFLICT ? EMR_OK : error,
		.result = error == EMR_CONFLICT ? EMR_RESULT_CONFLICT : 0,
		.place = { .domain = change->domain, .object = change->object } };
	emr_journal_txn *txn;
	emr_status status;

	status = emr_journal_begin(settle->options.journal, &txn);
	if (status != EMR_OK)
		return status;
	return fn(arg, txn, &outcome, 1);
}

/* Errors of this computer's moment, not of the change: worth trying again. */
static bool is_passing(emr_status status)
{
	return status == EMR_NO_MEMORY || status == EMR_NO_SPACE || status == EMR_IO ||
		status == EMR_BUSY || status == EMR_TIMEOUT || status == EMR_INTERRUPTED ||
		status == EMR_OFFLINE;
}

/* The batch is in the journal: send it and deal with the answer. */
static emr_status send(emr_settle *settle, emr_id16 key, outbox *box, emr_outcome_fn fn, void *arg)
{
	emr_ledger_answer *answer = malloc(sizeof *answer);
	emr_status status;

	if (answer == NULL)
		return EMR_NO_MEMORY;
	status = emr_ledger_submit(settle->options.ledger, emr_buf_view(&box->batch), answer);
	if (status == EMR_OK)
		status = emr_settle_catch_up(settle, NULL, NULL);
	if (status != EMR_OK) {
		free(answer);
		return status;
	}
	if (answer->refusal != 0)
		emr_log(EMR_LOG_ERROR, "the ledger refused a batch of %u: %s", box->count,
			emr_result_text(answer->refusal));
	for (size_t i = 0; i < box->count; i++) {
		size_t at = box->first + i;

		box->outcomes[i].result = answer->refusal != 0 ? answer->refusal
			: at < answer->n_results ? answer->results[at] : EMR_RESULT_FORMAT;
	}
	free(answer);
	return hand_out(settle, key, box, fn, arg);
}

static emr_status finish_and_send(run *r, emr_outcome_fn fn, void *arg)
{
	emr_id32 batch_id;
	emr_status status;

	status = emr_batch_finish(r->batch, r->build.now_unix_s, WEEK_S, &r->box.batch, &batch_id);
	if (status == EMR_OK)
		status = keep_in_journal(r->settle, outbox_key(batch_id), &r->box);
	if (status == EMR_OK)
		status = send(r->settle, outbox_key(batch_id), &r->box, fn, arg);
	return status;
}

/* One batch of as many of CHANGES as fit. */
static emr_status publish_some(emr_settle *settle, const emr_change *changes, size_t n, size_t *out_done,
	emr_outcome_fn fn, void *arg)
{
	emr_status status, lacking = EMR_OK;
	size_t done = 0;
	run r;

	status = begin_run(settle, changes[0].domain, changes[0].is_inbox, &r);
	while (status == EMR_OK && done < n) {
		status = add_change(&r, &changes[done]);
		if (status == EMR_NO_SPACE) {	/* waits for room; what needs none, as a removal, goes on */
			lacking = status;
			status = EMR_OK;
		}
		if (status != EMR_OK && status != EMR_LIMIT && !is_passing(status))
			status = give_up_on(settle, &changes[done], status, fn, arg);
		if (status == EMR_OK)
			done++;
	}
	if (status == EMR_LIMIT && done > 0)
		status = EMR_OK;
	if (status == EMR_OK && r.box.count > 0)
		status = finish_and_send(&r, fn, arg);
	end_run(&r);
	if (status == EMR_OK)
		*out_done = done;
	return status == EMR_OK ? lacking : status;
}

/* What is written from here on must not be for somebody whose access has ended.  A fault of the moment puts the writing off;
 * a ledger that refuses an epoch is told in the log, and does not keep records from being saved. */
static emr_status renew_epoch(emr_settle *settle, emr_id16 domain)
{
	emr_status status = emr_share_renew(settle->share, domain);

	if (status == EMR_OK || is_passing(status))
		return status;
	emr_log(EMR_LOG_ERROR, "a new epoch could not begin: %s", emr_status_text(status));
	return EMR_OK;
}

emr_status emr_settle_publish(emr_settle *settle, const emr_change *changes, size_t n, emr_outcome_fn fn,
	void *arg)
{
	/* Nothing is built and signed for a ledger that is away, and nothing is given to one that was put back in
	 * its place before it is known to be what it was. */
	emr_status status = emr_settle_catch_up(settle, NULL, NULL), lacking = EMR_OK;
	size_t at = 0;

	if (status == EMR_OK && n > 0)
		status = renew_epoch(settle, changes[0].domain);
	if (status != EMR_OK)
		return status;
	while (at < n) {
		size_t done = 0;

		status = publish_some(settle, changes + at, n - at, &done, fn, arg);

		if (status == EMR_NO_SPACE && done > 0)
			lacking = status;
		else if (status != EMR_OK)
			return status;
		at += done;
	}
	return lacking;
}

/* ---- what was sent before ---- */

typedef struct pending {
	emr_id16 keys[64];
	size_t count;
} pending;

static emr_status note_pending(void *arg, emr_id16 key, emr_bytes value)
{
	pending *p = arg;

	(void)value;
	if (p->count < sizeof p->keys / sizeof p->keys[0])
		p->keys[p->count++] = key;
	return EMR_OK;
}

/* A batch that cannot be read can never be sent.  What it was to publish is still marked as changed, so that it is
 * published again; had the ledger taken it, this is one version more. */
static emr_status forget_unreadable(emr_settle *settle, emr_id16 key)
{
	emr_journal_txn *txn;
	char id[33];
	emr_status status;

	emr_hex(key.b, sizeof key.b, id);
	emr_log(EMR_LOG_ERROR, "batch %s in the journal cannot be read and is made again", id);
	status = emr_journal_begin(settle->options.journal, &txn);
	if (status != EMR_OK)
		return status;
	status = emr_journal_delete(txn, EMR_ROW_OUTBOX, key);
	if (status == EMR_OK)
		return emr_journal_commit(txn, NULL);
	emr_journal_rollback(txn);
	return status;
}

static emr_status resend_one(emr_settle *settle, emr_id16 key, emr_outcome_fn fn, void *arg)
{
	EMR_AUTO_BUF row = { 0 };
	outbox box = { 0 };
	emr_status status;

	status = emr_journal_get(settle->options.journal, EMR_ROW_OUTBOX, key, &row);
	if (status != EMR_OK)
		return status;
	status = outbox_decode(emr_buf_view(&row), &box);
	if (status == EMR_DAMAGED)
		return forget_unreadable(settle, key);
	if (status == EMR_OK)
		status = send(settle, key, &box, fn, arg);
	outbox_free(&box);
	return status;
}

emr_status emr_settle_resend(emr_settle *settle, emr_outcome_fn fn, void *arg)
{
	pending p;

	do {
		p.count = 0;
		emr_status status =
			emr_journal_each(settle->options.journal, EMR_ROW_OUTBOX, note_pending, &p);

		if (status == EMR_OK && p.count > 0)
			status = emr_settle_catch_up(settle, NULL, NULL);
		for (size_t i = 0; i < p.count && status == EMR_OK; i++)
			status = resend_one(settle, p.keys[i], fn, arg);
		if (status != EMR_OK)
			return status;
	} while (p.count > 0);
	return EMR_OK;
}
