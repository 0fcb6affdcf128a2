/* This file finds the ledger item with which the content of a version came: its PUT. A move and
 * a new epoch wrap the same content again (REWRAP), and so does bringing a version back; nobody
 * signed anything then. */
#include "contract/codes.h"
#include "ledger/chain.h"
#include "record/format.h"

#include "whose_private.h"

typedef struct put_search {
	emr_facts *facts;
	const emr_place *place;
	emr_replica *replica; /* of the ledger that PLACE is on */
	uint64_t until_seq;   /* entry of PLACE's own item: what came later did not bring it */
	put_place found;
	bool is_found;
	bool takes_rewraps; /* of a ledger that the content came to by one */
} put_search;

static emr_status look_in_row(put_search *s, emr_id16 domain, emr_id16 object)
{
	emr_replica_item item;

	EMR_ASK(items, s->replica, HISTORY, .family = EMR_FAMILY_OBJECT, .domain = domain,
		.object = object);
	while (emr_next(&items, &item)) {
		emr_part_key at = emr_part_of_object(domain, object, item.version);
		EMR_AUTO_BUF bytes = {0};
		emr_put_part part;
		emr_status status;

		if (item.seq > s->until_seq || (s->is_found && s->found.item.seq <= item.seq))
			return EMR_OK;
		if (item.op != EMR_OP_PUT && !(s->takes_rewraps && item.op == EMR_OP_REWRAP))
			continue;
		status = emr_replica_part(s->replica, &at, &bytes);
		if (status == EMR_OK)
			status = emr_put_part_decode(emr_buf_view(&bytes), &part);
		if (status != EMR_OK && !facts_is_damage(status))
			return status;
		if (status != EMR_OK || part.cver != s->place->cver ||
			!emr_id16_equal(part.record_id, s->place->record_id) ||
			!emr_cid_equal(&part.root, &s->place->root))
			continue;
		s->found = (put_place){.item = item, .domain = domain, .object = object};
		s->found.item.bytes = (emr_bytes){0};
		s->is_found = true;
		return EMR_OK;
	}
	return items.status;
}

_Static_assert(EMR_PUT_NUMBER_AT == EMR_CHAIN_NUMBER_AT, "where the ledger's copy looks for it");

static put_search search_for(emr_facts *facts, const emr_place *place, uint64_t until_seq)
{
	return (put_search){.facts = facts,
		.place = place,
		.replica = facts_at(facts, place->pversion)->replica,
		.until_seq = until_seq};
}

/* Most were saved where they were born; what was saved after a first move lies in one of the rows
 * it was moved to, and the oldest one counts: whoever learned of the content and put it somewhere
 * else did so later. */
static emr_status search_elsewhere(put_search *s)
{
	EMR_AUTO_BUF own = {0};
	emr_named_object moved;

	/* An item that came by a carried file counts, too. */
	EMR_TRY(look_in_row(s, s->place->domain, s->place->object));
	if (!s->is_found)
		EMR_TRY(emr_replica_own_domains(s->replica, &own));
	/* A record is born under its own number; where, is one of few. */
	EMR_EACH (const emr_id16, domain, &own)
		if (!s->is_found)
			EMR_TRY(look_in_row(s, *domain, s->place->record_id));
	if (!s->is_found) {
		EMR_ASK(asked, s->replica, NAMING, .object = s->place->record_id);
		while (emr_next(&asked, &moved))
			if (emr_buf_has(&own, emr_bytes_of(&moved.domain, sizeof moved.domain)))
				EMR_TRY(look_in_row(s, moved.domain, moved.object));
		EMR_TRY(asked.status);
	}
	return s->is_found ? EMR_OK : EMR_NOT_FOUND;
}

emr_status origin_elsewhere(const asking *a, put_place *out)
{
	put_search s = search_for(a->facts, a->place, a->item.seq);

	EMR_TRY(search_elsewhere(&s));
	*out = s.found;
	return EMR_OK;
}

static emr_status item_at(emr_facts *facts, const emr_place *place, emr_replica_item *out)
{
	emr_part_key at = emr_part_of_object(place->domain, place->object, place->pversion);
	EMR_AUTO_BUF bytes = {0};
	emr_status status = emr_facts_item(facts, &at, &bytes, out);

	out->bytes = (emr_bytes){0};
	return status;
}

static emr_status find_put(emr_facts *facts, const emr_place *place, put_place *out)
{
	asking a = {.facts = facts, .place = place};
	arrival came = {.is_here = false};
	put_search s;
	emr_status status = item_at(facts, place, &a.item);

	*out = (put_place){.item = a.item, .domain = place->domain, .object = place->object};
	if (status != EMR_OK || a.item.op == EMR_OP_PUT)
		return status;
	EMR_TRY(arrival_in_row(&a, &came));
	if (came.is_here)
		out->item = came.put;
	if (came.is_here)
		return EMR_OK;
	s = search_for(facts, place, a.item.seq);
	status = search_elsewhere(&s);
	if (status == EMR_OK)
		*out = s.found;
	return status == EMR_NOT_FOUND ? EMR_OK : status;
}

/* Content that was carried over lies on the ledger before as well. */
static emr_status find_carried(emr_facts *facts, emr_place *place)
{
	emr_place there = *place;
	put_search s = search_for(facts->annex.facts, &there, UINT64_MAX);
	put_place put;
	emr_status status = find_put(facts, place, &put);

	if (status == EMR_OK && !facts_is_carried(facts, place->pversion, put.item.seq))
		return EMR_NOT_FOUND;
	there.domain = put.domain;
	there.object = put.object;
	s.takes_rewraps = true;
	if (status == EMR_OK)
		status = search_elsewhere(&s);
	if (status != EMR_OK)
		return facts_is_damage(status) ? EMR_NOT_FOUND : status;
	place->domain = s.found.domain;
	place->object = s.found.object;
	place->version = place->pversion = s.found.item.version;
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
