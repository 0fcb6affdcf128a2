/* This file finds the entry of the ledger with which the bytes of a version came for the first
 * time. Sealing them again or bringing them back is no new arrival, so nobody can make an old
 * signature look new. */
#include "contract/codes.h"
#include "keyring/content.h"
#include "keyring/coowned.h"

#include "whose_private.h"

/* ---- the PUT with which it came ---- */

typedef struct row_walk {
	const asking *a;
	arrival now, first; /* of the place's content: as the row holds it, and the first time */
	content_before before;
	emr_put_part last; /* the row's content, without its slices; all zeros: none that could be
			      read */
	bool last_fits;
} row_walk;

static void note_content(row_walk *w, const emr_replica_item *item, bool is_put, bool fits)
{
	if (is_put) {
		w->now = (arrival){.put = *item, .before = w->before, .is_here = fits};
		w->now.put.bytes = (emr_bytes){0};
		if (fits && !w->first.is_here)
			w->first = w->now;
	} else if (!fits || !w->last_fits) { /* not sealed again where it lay: brought back */
		w->now = fits ? w->first : (arrival){.is_here = false};
	}
	w->last_fits = fits;
}

/* Sealed again where it lies. */
static bool is_same_part(const emr_put_part *a, const emr_put_part *b)
{
	return a->cver == b->cver && emr_id16_equal(a->record_id, b->record_id) &&
	       emr_cid_equal(&a->root, &b->root);
}

/* Something lower that a writer puts in between does not make an older version the next one. */
static emr_status note_before(row_walk *w, const emr_replica_item *item, const emr_put_part *part)
{
	bool is_owner = false, is_again = item->op == EMR_OP_REWRAP && is_same_part(&w->last, part);
	emr_status status = is_again ? EMR_OK : whose_is_owners(w->a, item->signer_id, &is_owner);
	uint64_t before = w->before.cver;

	w->last = (emr_put_part){
		.cver = part->cver, .record_id = part->record_id, .root = part->root};
	if (is_again ||
		(!is_owner && (part->cver <= before || part->cver - before > EMR_CVER_JUMP)))
		return status;
	w->before = (content_before){.is_known = true, .cver = part->cver};
	return status;
}

static emr_status look_at_row(row_walk *w, const emr_replica_item *item)
{
	const emr_place *place = w->a->place;
	emr_part_key at = emr_part_of_object(place->domain, place->object, item->version);
	EMR_AUTO_BUF bytes = {0};
	emr_put_part part = {.cver = 0};
	emr_status status = facts_part(w->a->facts, &at, &bytes);

	if (status == EMR_OK)
		status = emr_put_part_decode(emr_buf_view(&bytes), &part);
	if (status != EMR_OK && !facts_is_damage(status))
		return status;
	note_content(w, item,
		item->op == EMR_OP_PUT && (item->version & EMR_VERSION_ANNEX) == 0 &&
			!facts_is_carried(w->a->facts, item->version, item->seq),
		status == EMR_OK && part.cver == place->cver &&
			emr_id16_equal(part.record_id, place->record_id) &&
			emr_cid_equal(&part.root, &place->root));
	return status == EMR_OK ? note_before(w, item, &part) : EMR_OK;
}

/* Sealing it again under a new epoch, or bringing it back, makes no new arrival: else whoever put
 * another's old statement there would have it made good by the owner's own hand. */
emr_status arrival_in_row(const asking *a, arrival *out)
{
	AUTO_FACTS_ASKED chain = facts_chain(a->facts, a->place->domain, a->place->object);
	row_walk w = {.a = a};
	emr_replica_item item;

	while (facts_next_item(&chain, &item)) {
		EMR_TRY(facts_is_content(&item) ? look_at_row(&w, &item) : EMR_OK);
		if (facts_is_content(&item) && item.version == a->place->pversion)
			break;
	}
	*out = w.now;
	return chain.of.status;
}

static void take_put(emr_signed_place *at, const emr_replica_item *put)
{
	at->put_signer = put->signer_id;
	at->seq = put->seq;
	at->time_unix_s = put->ledger_time;
	at->is_put = put->op == EMR_OP_PUT;
}

/* A record that was moved to another domain came with a PUT there, which the owner's copy has. */
static emr_status find_elsewhere(const asking *a, emr_signed_place *at)
{
	put_place put;
	bool was_owner = false;
	emr_row_domain row;
	emr_status status = origin_elsewhere(a, &put);

	if (status != EMR_OK)
		return status == EMR_NOT_FOUND ? EMR_OK : status;
	take_put(at, &put.item);
	at->put_signer = a->item.signer_id;
	status = emr_domain_row(facts_at(a->facts, a->place->pversion)->replica, put.domain, &row);
	if (status == EMR_OK)
		status = emr_signed_is_owner(a->facts->replica, row.owner_pk, a->patient_pk,
			put.item.signer_id, &was_owner);
	if (status == EMR_OK && !was_owner) /* else hers as well as the present one */
		at->put_signer = put.item.signer_id;
	return status;
}

emr_status arrival_find(const asking *a, emr_signed_place *at, arrival *out_came)
{
	bool is_owner = false;

	take_put(at, &a->item);
	if (at->is_put)
		EMR_TRY(whose_is_owners(a, a->item.signer_id, &is_owner));
	if (is_owner)
		return EMR_OK;
	EMR_TRY(arrival_in_row(a, out_came));
	if (out_came->is_here)
		take_put(at, &out_came->put);
	return at->is_put ? EMR_OK : find_elsewhere(a, at);
}

/* ---- the record's number ---- */

/* A record has the number of its first object, or, where the owner moved it, that which she gave it
 * there.  Anybody who may write could otherwise pass for a new version of something else. */
static emr_status has_own_number(const asking *a, bool *out_has)
{
	emr_id16 number = a->place->record_id;
	emr_status status = facts_number(
		a->facts, a->place->domain, a->place->object, a->place->record_id, &number);

	*out_has = emr_id16_equal(number, a->place->record_id);
	return status;
}

emr_status arrival_judge(const asking *a, const arrival *came, emr_signed *is)
{
	bool is_owner = false, is_itself = true;
	emr_statement_verdict fault = EMR_STATEMENT_WRONG_RECORD;

	if ((is->standing != EMR_SIGNED_VALID && is->standing != EMR_SIGNED_STALE) ||
		(!came->is_here && a->item.op != EMR_OP_PUT))
		return EMR_OK;
	EMR_TRY(whose_is_owners(
		a, came->is_here ? came->put.signer_id : a->item.signer_id, &is_owner));
	EMR_TRY(has_own_number(a, &is_itself));
	if (is_itself && !is_owner && came->before.is_known &&
		came->before.cver >= a->place->cver) {
		is_itself = false;
		fault = EMR_STATEMENT_WRONG_VERSION;
	}
	if (!is_itself) {
		is->standing = EMR_SIGNED_MISMATCH;
		is->fault = EMR_SIGNED_STATEMENT;
		is->verdict = fault;
	}
	return EMR_OK;
}
