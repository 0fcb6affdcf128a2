/* This file turns the answers of several agents into the key of a record. An agent that answers
 * wrongly is found by the proof in its answer and left out, so it can neither give a false key
 * nor stop the others. */
#include <string.h>

#include "replica/people.h"
#include "shared_private.h"

/* K is believed when it opens what it should: the key that results is kept. */
static emr_status use(emr_ask *ask, asked_slot *slot, const emr_kem_key *kem)
{
	emr_shared *shared = ask->shared;
	const capsule_facts *c = &slot->capsule;
	emr_status status;

	if (slot->slot.kind == EMR_CAPSULE_LISTING) {
		emr_list_key *key = NULL;

		status = emr_list_key_open_kem(
			kem, ask->release.domain, c->epoch, c->writer, c->kcheck, &key);
		if (status == EMR_OK)
			status = shared_keep_name_key(shared, c->item_id, key, false);
	} else {
		emr_content_key *key = NULL;

		status = emr_content_key_open_kem(kem, c->ctx, c->wdek, &key);
		if (status == EMR_OK)
			status = shared_keep_content_key(
				shared, slot->slot.object_id, slot->slot.version, key, false);
	}
	slot->is_there = status == EMR_OK;
	return status;
}

/* The owner's own answer, if he gave one.  He proves nothing by it, and has nothing to gain by a
 * key that does not fit, as what he shares is his: then it is the writer's work. */
static emr_status try_owner(emr_ask *ask, responder *who, size_t i)
{
	asked_slot *slot = &ask->slots[i];
	size_t n = emr_answer_count(who->answer);

	for (size_t e = 0; e < n; e++) {
		emr_kem_key *kem = NULL;
		uint16_t of;
		uint8_t code;
		emr_status status = EMR_OK;

		EMR_TRY(emr_answer_key_get(who->answer, e, &of, &code, &kem));
		if (of == i && kem == NULL) {
			slot->refusal = slot->refusal == 0 ? code : slot->refusal;
			slot->is_closed = slot->is_closed || code == EMR_RESULT_PRIVATE_PART;
		}
		if (of == i && kem != NULL)
			status = use(ask, slot, kem);
		emr_kem_key_free(kem);
		if (status == EMR_DAMAGED) {
			slot->refusal = EMR_RESULT_PRIVATE_PART;
			slot->is_closed = true;
		} else if (status != EMR_OK) {
			return status;
		}
	}
	return EMR_OK;
}

typedef struct heap {
	emr_answer_entry entries[EMR_AGENTS_MAX];
	responder *from[EMR_AGENTS_MAX];
	unsigned n;
	unsigned refused; /* agents that say that the writer's capsule is none */
} heap;

static emr_status gather_from(emr_ask *ask, responder *who, size_t i, heap *h)
{
	size_t n = emr_answer_count(who->answer);

	for (size_t e = 0; e < n; e++) {
		emr_answer_entry entry;

		EMR_TRY(emr_answer_entry_get(who->answer, e, &entry));
		if (entry.slot != i)
			continue;
		if (entry.status != EMR_ANSWER_GIVEN) {
			if (ask->slots[i].refusal == 0)
				ask->slots[i].refusal = entry.status;
			h->refused += entry.status == EMR_RESULT_PRIVATE_PART;
		} else if (entry.epoch == ask->slots[i].capsule.epoch) {
			h->entries[h->n] = entry;
			h->from[h->n++] = who;
		}
		return EMR_OK;
	}
	return EMR_OK;
}

static emr_status gather_fragments(emr_ask *ask, size_t i, heap *h)
{
	h->n = h->refused = 0;
	for (unsigned w = 0; w < ask->who_n; w++) {
		responder *who = &ask->who[w];

		if (!who->is_owner && !who->is_liar && who->answer != NULL &&
			emr_answer_mode(who->answer) == EMR_ANSWER_CFRAGS)
			EMR_TRY(gather_from(ask, who, i, h));
	}
	return EMR_OK;
}

/* t of the heap with one X; false when there are not so many. */
static bool pick(const heap *h, unsigned t, unsigned out[EMR_AGENTS_MAX])
{
	for (unsigned base = 0; base < h->n; base++) {
		unsigned n = 0;

		for (unsigned e = 0; e < h->n && n < t; e++)
			if (memcmp(h->entries[e].X, h->entries[base].X, 32) == 0)
				out[n++] = e;
		if (n == t)
			return true;
	}
	return false;
}

/* An agent has its fragment from the key by which the domain was owned when that was cut, which was
 * not before the epoch began. */
static bool is_proven(const emr_ask *ask, const asked_slot *slot, const emr_answer_entry *entry,
	const emr_buf *owners)
{
	const emr_shared *shared = ask->shared;
	const emr_known_owner *all = (const void *)owners->data;
	const size_t n = owners->len / sizeof *all;

	for (size_t i = 0; i < n; i++)
		if ((i + 1 == n || all[i + 1].owned.from > slot->capsule.epoch) &&
			emr_answer_entry_check(entry, all[i].owned.owner_pk, &shared->terms,
				slot->capsule.A, shared->my_B, slot->capsule.capsule,
				ask->release.req) == EMR_OK)
			return true;
	return false;
}

static emr_status name_liars(const emr_ask *ask, const asked_slot *slot, heap *h,
	const unsigned *picked, unsigned t, bool *out_is_any)
{
	EMR_AUTO_BUF owners = {0};

	*out_is_any = false;
	EMR_TRY(emr_replica_owners_of(ask->shared->share->o.replica, ask->release.domain, &owners));
	for (unsigned e = 0; e < t; e++) {
		if (is_proven(ask, slot, &h->entries[picked[e]], &owners))
			continue;
		h->from[picked[e]]->is_liar = true;
		*out_is_any = true;
	}
	return EMR_OK;
}

static emr_status combine(
	emr_ask *ask, asked_slot *slot, const heap *h, const unsigned *picked, unsigned t)
{
	emr_pre_share shares[EMR_AGENTS_MAX];
	emr_kem_key *kem = NULL;
	emr_status status;

	for (unsigned e = 0; e < t; e++)
		shares[e] = h->entries[picked[e]].share;
	status = emr_kem_key_combine(ask->shared->me, slot->capsule.A, h->entries[picked[0]].X,
		slot->capsule.ctx, slot->capsule.capsule, shares, t, &kem);
	if (status == EMR_OK)
		status = use(ask, slot, kem);
	emr_kem_key_free(kem);
	return status;
}

emr_status ask_combine(emr_ask *ask, size_t i)
{
	asked_slot *slot = &ask->slots[i];
	unsigned t = ask->shared->terms.t, picked[EMR_AGENTS_MAX];
	emr_status status = EMR_OK;
	bool has_liars;
	heap h;

	for (unsigned w = 0; w < ask->who_n && !slot->is_there && status == EMR_OK; w++) {
		responder *who = &ask->who[w];

		if (who->answer != NULL && !who->is_liar &&
			emr_answer_mode(who->answer) == EMR_ANSWER_KEYS && who->is_owner)
			status = try_owner(ask, who, i);
	}
	/* First without a look at the proofs; when it does not fit, they name who lied. */
	while (status == EMR_OK && !slot->is_there && t > 0) {
		status = gather_fragments(ask, i, &h);
		slot->is_closed = slot->is_closed || (status == EMR_OK && h.refused >= t);
		if (status != EMR_OK || !pick(&h, t, picked))
			break;
		status = combine(ask, slot, &h, picked, t);
		if (status != EMR_DAMAGED)
			break;
		status = name_liars(ask, slot, &h, picked, t, &has_liars);
		if (status == EMR_OK && !has_liars) {
			slot->refusal = EMR_RESULT_PRIVATE_PART; /* the writer's capsule itself */
			slot->is_closed = true;
			break;
		}
	}
	return status;
}
