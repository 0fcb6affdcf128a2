/* This file finds the ledger item with which the content of a version came: its PUT. A move and
 * a new epoch wrap the same content again (REWRAP), and so does bringing a version back; nobody
 * signed anything then. */
#include "contract/codes.h"
#include "ledger/chain.h"
#include "record/format.h"

#include "whose_private.h"

_Static_assert(EMR_PUT_NUMBER_AT == EMR_CHAIN_NUMBER_AT, "where the ledger's copy looks for it");

static emr_status is_content_of(
	emr_replica *replica, const emr_replica_listing *at, const emr_place *place, bool *out_is)
{
	emr_part_key key = emr_part_of_object(at->domain, at->object, at->item.version);
	EMR_AUTO_BUF bytes = {0};
	emr_put_part part;
	emr_status status = emr_replica_part(replica, &key, &bytes);

	if (status == EMR_OK)
		status = emr_put_part_decode(emr_buf_view(&bytes), &part);
	*out_is = status == EMR_OK && part.cver == place->cver &&
		  emr_id16_equal(part.record_id, place->record_id) &&
		  emr_cid_equal(&part.root, &place->root);
	return facts_is_damage(status) ? EMR_OK : status;
}

/* The PUT (TAKES_REWRAPS: or REWRAP, of a ledger that the content came to by one) of entries up to
 * UNTIL_SEQ, that of PLACE's own item, which brought its content. One of its own row counts before
 * all others, also when it came by a carried file; then one where the record was born; then one of
 * the rows it was moved to.  Of these the oldest one counts: a later one put somewhere else content
 * that its signer had learned of. */
static emr_status search(emr_facts *facts, const emr_place *place, uint64_t until_seq,
	bool takes_rewraps, put_place *out)
{
	emr_replica *replica = facts_at(facts, place->pversion)->replica;
	emr_replica_listing at;
	int best = 3; /* 0, 1, 2: as above; 3: none */

	EMR_ASK(asked, replica, NAMING, .object = place->record_id);
	while (emr_next(&asked, &at)) {
		const int rank = emr_id16_equal(at.object, place->object) &&
						 emr_id16_equal(at.domain, place->domain)
					 ? 0
					 : 2 - emr_id16_equal(at.object, place->record_id);
		bool is_mine = rank == 0, is;

		if (at.item.seq > until_seq || rank > best ||
			(rank == best && out->item.seq <= at.item.seq) ||
			(at.item.op != EMR_OP_PUT &&
				!(takes_rewraps && at.item.op == EMR_OP_REWRAP)))
			continue;
		if (!is_mine)
			EMR_TRY(emr_replica_is_mine(replica, at.domain, &is_mine));
		EMR_TRY(is_content_of(replica, &at, place, &is));
		if (!is || !is_mine)
			continue;
		best = rank;
		*out = (put_place){.item = at.item, .domain = at.domain, .object = at.object};
		out->item.bytes = (emr_bytes){0};
	}
	EMR_TRY(asked.status);
	return best < 3 ? EMR_OK : EMR_NOT_FOUND;
}

emr_status origin_elsewhere(const asking *a, put_place *out)
{
	return search(a->facts, a->place, a->item.seq, false, out);
}

static emr_status find_put(emr_facts *facts, const emr_place *place, put_place *out)
{
	emr_part_key at = emr_part_of_object(place->domain, place->object, place->pversion);
	EMR_AUTO_BUF bytes = {0};
	asking a = {.facts = facts, .place = place};
	arrival came = {.is_here = false};
	emr_status status = emr_facts_item(facts, &at, &bytes, &a.item);

	a.item.bytes = (emr_bytes){0};
	*out = (put_place){.item = a.item, .domain = place->domain, .object = place->object};
	if (status != EMR_OK || a.item.op == EMR_OP_PUT)
		return status;
	EMR_TRY(arrival_in_row(&a, &came));
	if (came.is_here)
		out->item = came.put;
	else
		status = origin_elsewhere(&a, out);
	return status == EMR_NOT_FOUND ? EMR_OK : status;
}

/* Content that was carried over lies on the ledger before as well. */
static emr_status find_carried(emr_facts *facts, emr_place *place)
{
	emr_place there = *place;
	put_place put;
	emr_status status = find_put(facts, place, &put);

	if (status == EMR_OK && !facts_is_carried(facts, place->pversion, put.item.seq))
		return EMR_NOT_FOUND;
	there.domain = put.domain;
	there.object = put.object;
	if (status == EMR_OK)
		status = search(facts->annex.facts, &there, UINT64_MAX, true, &put);
	if (status != EMR_OK)
		return facts_is_damage(status) ? EMR_NOT_FOUND : status;
	place->domain = put.domain;
	place->object = put.object;
	place->version = place->pversion = put.item.version;
	return EMR_OK;
}

emr_status emr_facts_first(
	emr_facts **facts, emr_place *place, emr_bytes *descriptor, const emr_annex **out_annex)
{
	while ((*facts)->annex.facts != NULL && place->pversion != 0) {
		if ((place->pversion & EMR_VERSION_ANNEX) != 0) {
			if ((place->version & EMR_VERSION_ANNEX) != 0)
				place->version -= EMR_VERSION_MOVE;
			place->pversion -= EMR_VERSION_MOVE;
		} else {
			emr_status status = find_carried(*facts, place);

			if (status != EMR_OK) /* it came to this one */
				return status == EMR_NOT_FOUND ? EMR_OK : status;
		}
		if (out_annex != NULL)
			*out_annex = &(*facts)->annex;
		if (descriptor != NULL)
			*descriptor = emr_ledger_descriptor((*facts)->annex.ledger);
		*facts = (*facts)->annex.facts;
	}
	return EMR_OK;
}

emr_status emr_facts_registered(
	emr_facts *facts, const emr_place *place, emr_replica_item *out_item)
{
	put_place put;

	EMR_TRY(find_put(facts, place, &put));
	*out_item = put.item;
	return EMR_OK;
}

emr_status emr_facts_origin(emr_facts *facts, const emr_place *place, emr_replica_item *out_item)
{
	emr_place was = *place;

	EMR_TRY(emr_facts_first(&facts, &was, NULL, NULL));
	return emr_facts_registered(facts, &was, out_item);
}
