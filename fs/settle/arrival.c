/* This file finds the entry of the ledger with which the bytes of a version came for the first
 * time. Sealing them again or bringing them back is no new arrival, so nobody can make an old
 * signature look new. */
#include "contract/codes.h"
#include "keyring/content.h"
#include "keyring/coowned.h"

#include "whose_private.h"

/* ---- the PUT with which it came ---- */

static bool is_same_part(const emr_put_part *a, const emr_put_part *b)
{
	return a->cver == b->cver && emr_id16_equal(a->record_id, b->record_id) &&
	       emr_cid_equal(&a->root, &b->root);
}

/* Sealing it again under a new epoch, or bringing it back, makes no new arrival: else whoever put
 * another's old statement there would have it made good by the owner's own hand. */
emr_status arrival_in_row(const asking *a, arrival *out)
{
	const emr_place *place = a->place;
	const emr_put_part wanted = {
		.cver = place->cver, .record_id = place->record_id, .root = place->root};
	AUTO_FACTS_ASKED chain = facts_chain(a->facts, place->domain, place->object);
	arrival now = {.is_here = false}, first = now; /* as the row holds it, and the first time */
	content_before before = {.is_known = false};
	emr_put_part part, last = {.cver = 0}; /* all zeros: none that could be read */
	emr_replica_item item = {.version = 0};
	bool is_read, last_fits = false;

	while (item.version != place->pversion &&
		facts_next_content(&chain, &item, &part, &is_read)) {
		const bool fits = is_read && is_same_part(&part, &wanted);
		/* Sealed again where it lies. */
		const bool is_again = item.op == EMR_OP_REWRAP && is_same_part(&last, &part);
		bool is_owner = false;

		if (item.op == EMR_OP_PUT && (item.version & EMR_VERSION_ANNEX) == 0 &&
			!facts_is_carried(a->facts, item.version, item.seq)) {
			now = (arrival){.put = item, .before = before, .is_here = fits};
			now.put.bytes = (emr_bytes){0};
			if (fits && !first.is_here)
				first = now;
		} else if (!fits || !last_fits) { /* brought back */
			now = fits ? first : (arrival){.is_here = false};
		}
		last_fits = fits;
		if (!is_read)
			continue;
		last = part;
		if (is_again)
			continue;
		EMR_TRY(whose_is_owners(a, item.signer_id, &is_owner));
		/* Something lower that a writer puts in between does not make an older version the
		 * next one. */
		if (is_owner ||
			(part.cver > before.cver && part.cver - before.cver <= EMR_CVER_JUMP))
			before = (content_before){.is_known = true, .cver = part.cver};
	}
	*out = now;
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
		status = emr_signed_is_owner(a->facts->replica, put.domain, row.owner_pk,
			a->patient_pk, put.item.signer_id, &was_owner);
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

emr_status arrival_judge(const asking *a, const arrival *came, emr_signed *is)
{
	const emr_place *place = a->place;
	emr_id16 number = place->record_id;
	bool is_owner = false, is_itself;
	emr_statement_verdict fault = EMR_STATEMENT_WRONG_RECORD;

	if ((is->standing != EMR_SIGNED_VALID && is->standing != EMR_SIGNED_STALE) ||
		(!came->is_here && a->item.op != EMR_OP_PUT))
		return EMR_OK;
	EMR_TRY(whose_is_owners(
		a, came->is_here ? came->put.signer_id : a->item.signer_id, &is_owner));
	/* A record has the number of its first object, or, where the owner moved it, that which she
	 * gave it there.  Anybody who may write could otherwise pass for a new version of something
	 * else. */
	EMR_TRY(facts_number(a->facts, place->domain, place->object, place->record_id, &number));
	is_itself = emr_id16_equal(number, place->record_id);
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
