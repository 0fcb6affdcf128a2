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

emr_facts *facts_older(const emr_facts *facts, uint64_t version)
{
	return (version & EMR_VERSION_ANNEX) != 0 ? facts->annex.facts : NULL;
}

emr_replica *facts_replica_of(const emr_facts *facts, uint64_t version)
{
	const emr_facts *older = facts_older(facts, version);

	return older != NULL ? facts_replica_of(older, facts_version_there(version))
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
	const emr_facts *older = facts_older(facts, version);

	return older != NULL ? facts_is_carried(older, facts_version_there(version), seq)
			     : facts->annex.facts != NULL && seq < facts->annex.joined_size;
}

/* ---- heads ---- */

static void mark_head(emr_replica_head *head)
{
	head->version = facts_version_here(head->version);
	head->pversion = facts_version_here(head->pversion);
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
} chain_walk;

static emr_status give_item(void *arg, const emr_replica_item *item)
{
	const chain_walk *w = arg;

	return w->fn(w->arg, item, facts_is_carried(w->facts, item->version, item->seq));
}

static emr_status give_older(void *arg, const emr_replica_item *item, bool is_carried)
{
	const chain_walk *w = arg;
	emr_replica_item marked = *item;

	marked.version = facts_version_here(item->version);
	return w->fn(w->arg, &marked, is_carried);
}

emr_status facts_chain(
	emr_facts *facts, emr_id16 domain, emr_id16 object, facts_item_fn fn, void *arg)
{
	chain_walk w = {.facts = facts, .fn = fn, .arg = arg};

	if (facts->annex.facts != NULL)
		EMR_TRY(facts_chain(facts->annex.facts, domain, object, give_older, &w));
	return emr_replica_history(
		facts->replica, EMR_FAMILY_OBJECT, domain, object, give_item, &w);
}
