/* This file shows two ledgers as one past: entries before a join come first. Versions of the ledger
 * that was left carry a mark, so that a place says by itself where it is. */
#include "facts_private.h"

#include <string.h>

#include "contract/codes.h"

void emr_facts_set_annex(emr_facts *facts, const emr_annex *annex)
{
	facts->annex = *annex;
}

const emr_annex *emr_facts_annex(const emr_facts *facts)
{
	return facts->annex.replica != NULL ? &facts->annex : NULL;
}

emr_replica *facts_replica_of(const emr_facts *facts, uint64_t version)
{
	return (version & EMR_VERSION_ANNEX) != 0 && facts->annex.replica != NULL
		       ? facts->annex.replica
		       : facts->replica;
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
	return facts->annex.replica != NULL && (version & EMR_VERSION_ANNEX) == 0 &&
	       seq < facts->annex.joined_size;
}

/* ---- heads ---- */

static void mark_head(emr_replica_head *head)
{
	head->version |= EMR_VERSION_ANNEX;
	if (head->pversion != 0)
		head->pversion |= EMR_VERSION_ANNEX;
}

emr_status emr_facts_head(
	emr_facts *facts, emr_id16 domain, emr_id16 object, emr_replica_head *out_head)
{
	emr_status status = emr_replica_head_get(facts->replica, domain, object, out_head);

	if (status != EMR_NOT_FOUND || facts->annex.replica == NULL)
		return status;
	EMR_TRY(emr_replica_head_get(facts->annex.replica, domain, object, out_head));
	mark_head(out_head);
	return EMR_OK;
}

typedef struct annex_heads {
	emr_facts *facts;
	emr_replica_head_fn fn;
	void *arg;
} annex_heads;

static emr_status give_annexed(void *arg, const emr_replica_head *head)
{
	const annex_heads *a = arg;
	emr_replica_head marked = *head, present;
	emr_status status =
		emr_replica_head_get(a->facts->replica, head->domain, head->object, &present);

	if (status != EMR_NOT_FOUND)
		return status; /* it went on there */
	mark_head(&marked);
	return a->fn(a->arg, &marked);
}

emr_status facts_each_head(emr_facts *facts, emr_replica_head_fn fn, void *arg)
{
	annex_heads a = {.facts = facts, .fn = fn, .arg = arg};

	EMR_TRY(emr_replica_each_head(facts->replica, NULL, fn, arg));
	if (facts->annex.replica == NULL)
		return EMR_OK;
	return emr_replica_each_head(facts->annex.replica, NULL, give_annexed, &a);
}

/* ---- chains ---- */

typedef struct chain_walk {
	emr_facts *facts;
	facts_item_fn fn;
	void *arg;
	bool in_annex;
} chain_walk;

static emr_status give_item(void *arg, const emr_replica_item *item)
{
	const chain_walk *w = arg;
	emr_replica_item marked = *item;

	if (w->in_annex)
		marked.version |= EMR_VERSION_ANNEX;
	return w->fn(w->arg, &marked, facts_is_carried(w->facts, marked.version, item->seq));
}

emr_status facts_chain(
	emr_facts *facts, emr_id16 domain, emr_id16 object, facts_item_fn fn, void *arg)
{
	chain_walk w = {.facts = facts, .fn = fn, .arg = arg, .in_annex = true};
	emr_status status = EMR_OK;

	if (facts->annex.replica != NULL)
		status = emr_replica_history(
			facts->annex.replica, EMR_FAMILY_OBJECT, domain, object, give_item, &w);
	w.in_annex = false;
	return status == EMR_OK ? emr_replica_history(facts->replica, EMR_FAMILY_OBJECT, domain,
					  object, give_item, &w)
				: status;
}
