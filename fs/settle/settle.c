/* This file brings changes of the folder onto the ledger: it makes signed batches of one shared
 * folder each, writes them to the journal first, sends them, and tells what became of each
 * change. Before that it begins new keys where somebody's access has ended. */
#include "settle_private.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/log.h"
#include "contract/codes.h"
#include "contract/pubs.h"
#include "contract/rows.h"
#include "keyring/coowned.h"
#include "share/domain.h"
#include "share/strangers.h"

#include "amend.h"
#include "build.h"
#include "foreign_domain.h"

#define WEEK_S (7 * 86400) /* how long the ledger takes a batch of these operations */
#define EPOCH_TRIES                                                                                \
	3 /* epochs that may begin while one batch is made, before somebody else has to look */

/* The changes that go into one batch. */
typedef struct run {
	emr_settle *settle;
	const foreign_domain *foreign;
	emr_id32 signer_id;
	build_ctx build;
	emr_batch_builder *batch;
	bool makes_domain, makes_list_key;
	bool is_inbox;
	emr_list_key *own_list_key; /* of a listing key that this batch publishes */
	outbox box;
	size_t cap;
} run;

emr_status emr_settle_new(const emr_settle_options *options, emr_settle **out_settle)
{
	const emr_share_options share = {.keyring = options->keyring,
		.ledger = options->ledger,
		.replica = options->replica,
		.records = options->records,
		.clock = options->clock,
		.owner_name = options->owner_name,
		.owner_born = options->owner_born};
	emr_settle *settle;
	uint8_t person_pk[32];
	emr_status status;

	EMR_TRY(emr_keyring_person_pk(options->keyring, person_pk));
	settle = calloc(1, sizeof *settle);
	if (settle == NULL)
		return EMR_NO_MEMORY;
	settle->statements = known_statements_new();
	status = settle->statements != NULL ? emr_share_new(&share, &settle->share) : EMR_NO_MEMORY;
	if (status != EMR_OK) {
		known_statements_free(settle->statements);
		free(settle);
		return status;
	}
	settle->options = *options;
	settle->most_changes = EMR_BATCH_SEND_ITEMS;
	memcpy(settle->person_pk, person_pk, sizeof settle->person_pk);
	settle->net_id = emr_ledger_net_id(options->ledger);
	settle->seen_key = settle_seen_key(options->journal, settle->net_id);
	*out_settle = settle;
	return EMR_OK;
}

void emr_settle_free(emr_settle *settle)
{
	if (settle == NULL)
		return;
	emr_share_free(settle->share);
	known_statements_free(settle->statements);
	emr_buf_free(&settle->former_keys);
	free(settle);
}

void emr_settle_know_statement(emr_settle *settle, const emr_cid *root, const uint8_t id[32])
{
	known_statements_note(settle->statements, root, id);
}

/* ---- the domain and its listing key ---- */

/* The ledger takes an epoch from whoever may manage the domain, and what is sealed for it opens for
 * whoever made its key: a key that was not made by the domain's owner gets nothing.  In one's own
 * domain it is the one that this keyring has; in another's the owner's key began the epoch. */
static emr_status check_epoch(run *r)
{
	const emr_settle_options *o = &r->settle->options;
	emr_domain_public own;
	bool is_owners = false;
	emr_status status;

	if (r->foreign->is_foreign) {
		status = emr_epoch_is_owners(
			o->replica, r->build.domain, r->build.epoch, &is_owners);
	} else {
		status = emr_keyring_domain_public(
			o->keyring, r->build.domain, 1, r->build.epoch, &own);
		is_owners = status == EMR_OK && memcmp(own.A, r->build.A, sizeof own.A) == 0;
	}
	if (status != EMR_OK || is_owners)
		return status;
	emr_log(EMR_LOG_ERROR,
		"nothing is saved under the ledger's present key of a folder: its owner did not "
		"make it");
	return EMR_AWAITED; /* until she begins another epoch */
}

static emr_status domain_facts(run *r)
{
	const emr_settle_options *o = &r->settle->options;
	emr_domain_public domain;
	emr_row_domain row;
	emr_status status = emr_domain_row(o->replica, r->build.domain, &row);

	if (status == EMR_NOT_FOUND) {
		r->makes_domain = true;
		r->build.epoch = 1;
		EMR_TRY(emr_keyring_domain_public(o->keyring, r->build.domain, 1, 1, &domain));
		memcpy(r->build.A, domain.A, sizeof r->build.A);
		return EMR_OK;
	}
	if (status != EMR_OK)
		return status;
	r->build.epoch = row.head.epoch;
	memcpy(r->build.A, row.A, sizeof r->build.A);
	return check_epoch(r);
}

static emr_status foreign_key_facts(run *r)
{
	static const emr_id32 none;

	EMR_TRY(foreign_domain_list_key(r->settle->share, r->build.domain, r->build.epoch,
		&r->own_list_key, &r->build.listkey_id));
	r->makes_list_key = emr_id32_equal(r->build.listkey_id, none);
	r->build.list_key = r->own_list_key;
	return EMR_OK;
}

static emr_status list_key_facts(run *r)
{
	const emr_settle_options *o = &r->settle->options;
	EMR_AUTO_BUF row_bytes = {0};
	emr_row_listkey row;
	emr_domain_public domain;
	emr_id16 object;
	emr_key_text key;
	emr_status status;

	if (r->foreign->is_foreign) {
		r->signer_id = r->foreign->signer_id;
		return foreign_key_facts(r);
	}
	EMR_TRY(emr_keyring_domain_public(o->keyring, r->build.domain, 1, r->build.epoch, &domain));
	r->signer_id = domain.signer_id;
	emr_object_listkey(domain.signer_id.b, r->build.epoch, object.b);
	emr_key_listkey(r->build.domain.b, object.b, &key);
	status = emr_replica_state_get(o->replica, key.text, &row_bytes);
	if (status == EMR_NOT_FOUND) {
		r->makes_list_key = true;
		return EMR_OK;
	}
	if (status != EMR_OK)
		return status;
	if (emr_row_listkey_parse((emr_span){row_bytes.data, row_bytes.len}, &row) !=
		EMR_CONTRACT_OK)
		return EMR_DAMAGED;
	memcpy(r->build.listkey_id.b, row.head.item, sizeof r->build.listkey_id.b);
	return emr_facts_list_key(
		o->facts, r->build.domain, r->build.listkey_id, &r->build.list_key);
}

static emr_status add_domain(run *r)
{
	emr_operation op = {.op = EMR_OP_DOMAIN_NEW,
		.domain = r->build.domain,
		.object = r->build.domain,
		.version = 1,
		.epoch = 1,
		.time = r->build.now_unix_s,
		.flags = r->is_inbox ? EMR_ITEM_INBOX : 0};
	emr_pub_domain_new pub;
	emr_domain_public domain;
	uint8_t bytes[64];
	emr_id32 id;

	EMR_TRY(emr_keyring_domain_public(
		r->settle->options.keyring, r->build.domain, 1, 1, &domain));
	memcpy(pub.box, domain.box, sizeof pub.box);
	memcpy(pub.A, domain.A, sizeof pub.A);
	emr_pub_domain_new_encode(&pub, bytes);
	op.pub = emr_bytes_of(bytes, sizeof bytes);
	return emr_batch_add(r->batch, &op, &id);
}

static emr_status add_list_key(run *r)
{
	const emr_keyring *keyring = r->settle->options.keyring;
	emr_operation op = {.op = EMR_OP_LISTKEY,
		.domain = r->build.domain,
		.version = 1,
		.epoch = r->build.epoch,
		.time = r->build.now_unix_s};
	uint8_t bytes[EMR_LISTKEY_PART_BYTES];
	emr_listkey_part part;
	emr_list_key *published = NULL;

	memcpy(part.salt, emr_id32_random().b, sizeof part.salt);
	EMR_TRY(emr_list_key_publish(keyring, r->build.domain, r->build.epoch, r->build.A,
		r->signer_id, part.capsule, part.kcheck, &published));
	emr_list_key_free(r->own_list_key);
	r->own_list_key = published;
	emr_listkey_part_encode(&part, bytes);
	emr_object_listkey(r->signer_id.b, r->build.epoch, op.object.b);
	op.priv = emr_bytes_of(bytes, sizeof bytes);
	r->build.list_key = r->own_list_key;
	return emr_batch_add(r->batch, &op, &r->build.listkey_id);
}

static emr_status number_statements(run *r)
{
	const uint8_t *patient = r->foreign->writing.card.id_pk;

	r->build.is_foreign = true;
	r->build.statements = r->settle->statements;
	r->box.issued_to = issued_key(patient);
	return issued_last(
		&r->settle->options, r->build.domain, r->signer_id, patient, &r->build.issued);
}

static emr_status begin_run(
	emr_settle *settle, const foreign_domain *g, emr_id16 domain, bool is_inbox, run *r)
{
	emr_batch_options batch = {.keyring = settle->options.keyring,
		.signer = g->is_foreign ? emr_signer_identity()
					: emr_keyring_signer_of(settle->options.keyring, domain),
		.net_id = settle->net_id};
	emr_replica_position at;
	emr_status status;

	*r = (run){.settle = settle, .foreign = g, .is_inbox = is_inbox};
	r->build = (build_ctx){.keyring = settle->options.keyring,
		.records = settle->options.records,
		.facts = settle->options.facts,
		.domain = domain,
		.descriptor = emr_ledger_descriptor(settle->options.ledger),
		.now_unix_s = emr_clock_unix_s(settle->options.clock)};
	r->build.signer = batch.signer;
	memcpy(r->build.person_pk, g->is_foreign ? g->writing.card.id_pk : settle->person_pk,
		sizeof r->build.person_pk);
	memcpy(r->build.cert_ref, g->cert_ref, sizeof r->build.cert_ref);
	r->box.domain = domain;
	EMR_TRY(emr_replica_at(settle->options.replica, &at));
	if (at.size > 0) {
		batch.seen_seq = at.size - 1;
		batch.seen_leaf = at.last_leaf;
	}
	status = domain_facts(r);
	if (status == EMR_OK)
		status = list_key_facts(r);
	if (status == EMR_OK && g->is_foreign)
		status = number_statements(r);
	if (status == EMR_OK)
		status = emr_batch_new(&batch, &r->batch);
	if (status == EMR_OK && r->makes_domain)
		status = add_domain(r);
	if (status == EMR_OK && r->makes_list_key)
		status = add_list_key(r);
	r->box.issued_before = r->build.issued;
	if (status == EMR_OK)
		r->box.first = (uint16_t)emr_batch_count(r->batch);
	return status;
}

/* ---- items ---- */

static emr_status current_head(
	const emr_settle *settle, const emr_change *change, emr_replica_head *out_head)
{
	emr_status status = emr_replica_head_get(
		settle->options.replica, change->domain, change->object, out_head);

	if (status != EMR_NOT_FOUND)
		return status;
	*out_head = (emr_replica_head){.domain = change->domain, .object = change->object};
	return EMR_OK;
}

static emr_status note_outcome(run *r, const emr_change *change, const emr_place *place)
{
	if (emr_array_room(&r->box.outcomes, r->box.count, &r->cap, sizeof *r->box.outcomes) !=
		EMR_OK)
		return EMR_NO_MEMORY;
	r->box.outcomes[r->box.count++] = (emr_change_outcome){.kind = change->kind,
		.node = change->node,
		.change = change->change,
		.place = *place};
	return EMR_OK;
}

/* EMR_LIMIT: the batch is full and CHANGE belongs to the next one. */
static emr_status add_change(run *r, const emr_change *change)
{
	EMR_AUTO_BUF priv = {0};
	emr_replica_head head;
	emr_operation op;
	emr_place place;
	emr_id32 id;

	if (emr_batch_count(r->batch) >= EMR_BATCH_SEND_ITEMS ||
		r->box.count >= r->settle->most_changes ||
		emr_batch_size(r->batch) > EMR_BATCH_SEND_BYTES - EMR_META_BYTES_MAX - 1024)
		return EMR_LIMIT;
	EMR_TRY(current_head(r->settle, change, &head));
	if (r->foreign->is_foreign)
		EMR_TRY(foreign_domain_may(r->foreign, change, &head));
	/* Others went on meanwhile: who asked must see that first. */
	if (change->base_version != 0 && head.state == EMR_OBJECT_LIVE &&
		head.version > change->base_version)
		return EMR_CONFLICT;
	EMR_TRY(build_operation(&r->build, change, &head, &priv, &op, &place));
	EMR_TRY(emr_batch_add(r->batch, &op, &id));
	if (change->kind == EMR_CHANGE_PUT)
		r->build.issued++;
	return note_outcome(r, change, &place);
}

/* ---- sending ---- */

/* CHANGE cannot become an operation: say so at once, so that the others of its batch go on. */
static emr_status give_up_on(emr_settle *settle, const emr_change *change, emr_status error,
	emr_outcome_fn fn, void *arg)
{
	emr_change_outcome outcome = {.kind = change->kind,
		.node = change->node,
		.change = change->change,
		.error = error == EMR_CONFLICT ? EMR_OK : error,
		.result = error == EMR_CONFLICT ? EMR_RESULT_CONFLICT : 0,
		.place = {.domain = change->domain, .object = change->object}};
	emr_journal_txn *txn;

	EMR_TRY(emr_journal_begin(settle->options.journal, &txn));
	return fn(arg, txn, &outcome, 1);
}

static bool is_of_past_epoch(const outbox *box)
{
	for (size_t i = 0; i < box->count; i++)
		if (box->outcomes[i].result != EMR_RESULT_EPOCH)
			return false;
	return true;
}

/* Nothing was handed out, and it is to be made again: EMR_EPOCH, another epoch has begun meanwhile;
 * EMR_LIMIT, the ledger takes fewer changes at once.  *OUT_AWAITS: nothing was sent, because copies
 * are wanted first. */
static emr_status finish_and_send(
	run *r, bool is_last_try, bool *out_awaits, emr_outcome_fn fn, void *arg)
{
	emr_id32 batch_id;
	bool awaits = await_must(r->settle, &r->box);
	emr_status status;

	status = emr_batch_finish(r->batch, r->build.now_unix_s, WEEK_S, &r->box.batch, &batch_id);
	if (status == EMR_OK)
		status = settle_keep_batch(r->settle, awaits ? EMR_ROW_AWAITING : EMR_ROW_OUTBOX,
			EMR_ID16_AT(batch_id.b), &r->box);
	if (status == EMR_OK && awaits) {
		*out_awaits = true;
		return EMR_OK;
	}
	if (status == EMR_OK)
		status = settle_ask_ledger(r->settle, &r->box);
	if (status == EMR_OK && (is_last_try || !is_of_past_epoch(&r->box)))
		return settle_hand_out(r->settle, EMR_ID16_AT(batch_id.b), &r->box, fn, arg);
	if (status == EMR_OK || status == EMR_LIMIT)
		EMR_TRY(settle_forget_batch(
			r->settle, EMR_ROW_OUTBOX, EMR_ID16_AT(batch_id.b), &r->box));
	return status == EMR_OK ? EMR_EPOCH : status;
}

/* KEYS are those of an earlier batch of the same changes, or NULL. */
static void begin_ahead(run *r, const emr_change *changes, size_t n, ahead **keys)
{
	if (*keys != NULL && !ahead_fits(*keys, &r->build)) {
		ahead_end(*keys);
		*keys = NULL;
	}
	if (*keys == NULL)
		*keys = ahead_begin(&r->build, changes, n);
	r->build.ahead = *keys;
}

/* One batch of as many of CHANGES as fit. */
static emr_status publish_some(emr_settle *settle, const foreign_domain *g,
	const emr_change *changes, size_t n, bool is_last_try, ahead **keys, size_t *out_done,
	bool *out_awaits, emr_outcome_fn fn, void *arg)
{
	emr_status status, lacking = EMR_OK;
	size_t done = 0;
	bool is_spoilt = false;
	run r;

	status = begin_run(settle, g, changes[0].domain, changes[0].is_inbox, &r);
	if (status == EMR_OK)
		begin_ahead(&r, changes, n, keys);
	while (status == EMR_OK && done < n) {
		status = add_change(&r, &changes[done]);
		/* Waits for room; what needs none, as a removal, goes on. */
		if (emr_status_is_full(status)) {
			lacking = status;
			is_spoilt |= changes[done].is_bound;
			status = EMR_OK;
		}
		if (status != EMR_OK && status != EMR_LIMIT && !emr_status_may_pass(status)) {
			is_spoilt |= changes[done].is_bound;
			status = give_up_on(settle, &changes[done], status, fn, arg);
		}
		if (status == EMR_OK)
			done++;
	}
	if (status == EMR_LIMIT && done > 0)
		status = EMR_OK;
	if (status == EMR_OK && r.box.count > 0 && !is_spoilt)
		status = finish_and_send(&r, is_last_try, out_awaits, fn, arg);
	emr_batch_free(r.batch);
	emr_list_key_free(r.own_list_key);
	outbox_free(&r.box);
	if (status == EMR_OK)
		*out_done = done;
	return status == EMR_OK ? lacking : status;
}

/* A domain whose ledger refuses another key. */
typedef struct former_key {
	emr_id16 domain;
	emr_status why;
	uint8_t code;
	bool is_told;
} former_key;

static former_key *former_key_of(const emr_settle *settle, emr_id16 domain)
{
	former_key *all = (former_key *)settle->former_keys.data;

	for (size_t i = 0; i < settle->former_keys.len / sizeof *all; i++)
		if (emr_id16_equal(all[i].domain, domain))
			return &all[i];
	return NULL;
}

static emr_status note_former_key(emr_settle *settle, emr_id16 domain, emr_status why)
{
	former_key *is = former_key_of(settle, domain),
		   now = {.domain = domain, .why = why, .code = emr_share_refusal(settle->share)};

	if (is == NULL)
		return why == EMR_OK ? EMR_OK
				     : emr_buf_append(&settle->former_keys, &now, sizeof now);
	now.is_told = why != EMR_OK && is->is_told && is->why != EMR_OK;
	*is = now;
	return EMR_OK;
}

bool emr_settle_kept_former_key(
	emr_settle *settle, emr_id16 domain, emr_status *out_why, uint8_t *out_code)
{
	former_key *is = former_key_of(settle, domain);

	if (is == NULL || is->why == EMR_OK || is->is_told)
		return false;
	is->is_told = true;
	*out_why = is->why;
	*out_code = is->code;
	return true;
}

/* Bytes that are written from here on must not be for a reader whose access has ended. A fault of
 * the moment puts the writing off; a ledger that refuses an epoch is told, and does not keep
 * records from being saved. */
static emr_status renew_epoch(emr_settle *settle, emr_id16 domain)
{
	emr_status status = emr_share_renew(settle->share, domain);

	for (unsigned tries = 1; tries < EPOCH_TRIES && emr_status_is_moved(status); tries++)
		status = emr_share_renew(settle->share, domain);
	if (emr_status_is_moved(status)) /* it goes on later, as what is in use does */
		return EMR_BUSY;
	if (emr_status_may_pass(status))
		return status;
	if (status != EMR_OK)
		emr_log(EMR_LOG_ERROR, "a new epoch could not begin: %s", emr_status_text(status));
	return note_former_key(settle, domain, status);
}

emr_status emr_settle_tie(emr_settle *settle, const emr_nested *tree, size_t n)
{
	emr_status status = emr_share_tie(settle->share, tree, n, NULL);

	if (status == EMR_OK || emr_status_may_pass(status))
		return status;
	emr_log(EMR_LOG_ERROR, "shares of folders inside shared ones are as they were: %s",
		emr_status_text(status));
	return EMR_OK;
}

emr_status emr_settle_publish(
	emr_settle *settle, const emr_change *changes, size_t n, emr_outcome_fn fn, void *arg)
{
	/* Nothing is built and signed for a ledger that is away, and nothing is given to one that
	 * was put back in its place before it is known to be what it was. */
	emr_status status = settle->followed, lacking = EMR_OK;
	ahead *keys = NULL;
	unsigned tries = 1;
	bool awaits = false;
	size_t at = 0;
	foreign_domain g;

	if (status == EMR_OK && n > 0)
		status = await_look(settle, changes, n);
	while (status == EMR_OK && at < n && !awaits) {
		const size_t most = settle->most_changes;
		size_t done = 0;

		status = foreign_domain_look(settle->share, &settle->options, changes, &g);
		if (status == EMR_OK && at == 0 && !g.is_foreign)
			status = renew_epoch(settle, changes[0].domain);
		if (status != EMR_OK)
			break;
		status = publish_some(settle, &g, changes + at, n - at, tries == EPOCH_TRIES, &keys,
			&done, &awaits, fn, arg);
		if ((status == EMR_EPOCH && tries++ < EPOCH_TRIES) ||
			(status == EMR_LIMIT && settle->most_changes < most)) {
			status = EMR_OK;
			continue;
		}
		if (emr_status_is_full(status) && done > 0) {
			lacking = status;
			status = EMR_OK;
		}
		at += done;
	}
	ahead_end(keys);
	return status == EMR_OK ? lacking : status;
}
