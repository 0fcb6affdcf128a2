/* This file shows the present ledger and those that were left as one past: entries before a move
 * come first. Versions of a ledger that was left carry a mark, so that a place says by itself where
 * it is. */
#include "facts_private.h"

#include <string.h>

#include "contract/codes.h"

void emr_facts_set_annex(emr_facts *facts, const emr_annex *annex)
{
	facts->annex = *annex;
}

const emr_annex *emr_facts_annex(const emr_facts *facts)
{
	return facts->annex.facts != NULL ? &facts->annex : NULL;
}

const emr_facts *facts_at(const emr_facts *facts, uint64_t version)
{
	for (; (version & EMR_VERSION_ANNEX) != 0 && facts->annex.facts != NULL;
		version -= EMR_VERSION_MOVE)
		facts = facts->annex.facts;
	return facts;
}

emr_replica *facts_replica_of(const emr_facts *facts, uint64_t version)
{
	return facts_at(facts, version)->replica;
}

static emr_part_key plain_key(const emr_part_key *at)
{
	emr_part_key key = *at;

	key.version &= ~EMR_VERSION_ANNEX;
	return key;
}

emr_status emr_facts_item(
	emr_facts *facts, const emr_part_key *at, emr_buf *out_bytes, emr_replica_item *out_item)
{
	const emr_part_key key = plain_key(at);

	return emr_replica_item_get(
		facts_replica_of(facts, at->version), &key, out_bytes, out_item);
}

emr_status facts_part(emr_facts *facts, const emr_part_key *at, emr_buf *out_part)
{
	const emr_part_key key = plain_key(at);

	return emr_replica_part(facts_replica_of(facts, at->version), &key, out_part);
}

bool facts_is_carried(const emr_facts *facts, uint64_t version, uint64_t seq)
{
	const emr_annex *annex = &facts_at(facts, version)->annex;

	return annex->facts != NULL && seq < annex->joined_size;
}

/* ---- heads ---- */

static void mark_head(emr_replica_head *head)
{
	head->version += EMR_VERSION_MOVE;
	if (head->pversion != 0)
		head->pversion += EMR_VERSION_MOVE;
}

emr_status emr_facts_head(
	emr_facts *facts, emr_id16 domain, emr_id16 object, emr_replica_head *out_head)
{
	emr_status status = emr_replica_head_get(facts->replica, domain, object, out_head);

	if (status != EMR_NOT_FOUND || facts->annex.facts == NULL)
		return status;
	EMR_TRY(emr_facts_head(facts->annex.facts, domain, object, out_head));
	mark_head(out_head);
	return EMR_OK;
}

typedef struct annex_heads {
	emr_facts *facts;
	emr_replica_head_fn fn;
	void *arg;
} annex_heads;

/* Shares of others stay behind with the network that was left. */
static emr_status give_annexed(void *arg, const emr_replica_head *head)
{
	const annex_heads *a = arg;
	emr_replica_head marked = *head, present;
	bool is_mine = false;
	emr_status status =
		emr_replica_head_get(a->facts->replica, head->domain, head->object, &present);

	if (status != EMR_NOT_FOUND)
		return status; /* it went on there */
	EMR_TRY(emr_replica_is_mine(
		facts_replica_of(a->facts->annex.facts, head->version), head->domain, &is_mine));
	if (!is_mine)
		return EMR_OK;
	mark_head(&marked);
	return a->fn(a->arg, &marked);
}

emr_status facts_each_head(emr_facts *facts, emr_replica_head_fn fn, void *arg)
{
	annex_heads a = {.facts = facts, .fn = fn, .arg = arg};

	EMR_TRY(emr_replica_each_head(facts->replica, NULL, fn, arg));
	return facts->annex.facts != NULL ? facts_each_head(facts->annex.facts, give_annexed, &a)
					  : EMR_OK;
}

/* ---- chains ---- */

typedef struct chain_walk {
	emr_facts *facts;
	facts_item_fn fn;
	void *arg;
	uint64_t mark; /* of the versions of the ledger in hand */
} chain_walk;

static emr_status give_item(void *arg, const emr_replica_item *item)
{
	const chain_walk *w = arg;
	emr_replica_item marked = *item;

	marked.version += w->mark;
	return w->fn(w->arg, &marked, facts_is_carried(w->facts, marked.version, item->seq));
}

emr_status facts_chain(
	emr_facts *facts, emr_id16 domain, emr_id16 object, facts_item_fn fn, void *arg)
{
	chain_walk w = {.facts = facts, .fn = fn, .arg = arg};
	emr_status status = EMR_OK;

	for (uint64_t ago = EMR_MOVES_MAX + 1; ago-- > 0 && status == EMR_OK;) {
		w.mark = ago * EMR_VERSION_MOVE;
		if (ago == 0 ||
			facts_at(facts, w.mark) != facts_at(facts, w.mark - EMR_VERSION_MOVE))
			status = emr_replica_history(facts_replica_of(facts, w.mark),
				EMR_FAMILY_OBJECT, domain, object, give_item, &w);
	}
	return status;
}
