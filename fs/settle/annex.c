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
		facts_at(facts, at->version)->replica, &key, out_bytes, out_item);
}

emr_status facts_part(emr_facts *facts, const emr_part_key *at, emr_buf *out_part)
{
	const emr_part_key key = plain_key(at);

	return emr_replica_part(facts_at(facts, at->version)->replica, &key, out_part);
}

bool facts_is_carried(const emr_facts *facts, uint64_t version, uint64_t seq)
{
	const emr_annex *annex = &facts_at(facts, version)->annex;

	return annex->facts != NULL && seq < annex->joined_size;
}

/* ---- heads ---- */

emr_status emr_facts_head(
	emr_facts *facts, emr_id16 domain, emr_id16 object, emr_replica_head *out_head)
{
	emr_status status = emr_replica_head_get(facts->replica, domain, object, out_head);

	if (status != EMR_NOT_FOUND || facts->annex.facts == NULL)
		return status;
	EMR_TRY(emr_facts_head(facts->annex.facts, domain, object, out_head));
	out_head->version += EMR_VERSION_MOVE;
	out_head->pversion += out_head->pversion != 0 ? EMR_VERSION_MOVE : 0;
	return EMR_OK;
}

/* The same question to the ledger whose versions have MARK. */
static void go_to(facts_asked *asked, uint64_t mark)
{
	emr_asked_end(&asked->of);
	asked->of.about.replica = facts_at(asked->facts, mark)->replica;
	asked->of = emr_asking_of(asked->of.question, asked->of.about);
	asked->mark = mark;
}

static facts_asked ask(emr_facts *facts, bool is_oldest_first, emr_asking of)
{
	facts_asked asked = {.facts = facts, .of = of};
	uint64_t oldest = 0;

	for (; facts->annex.facts != NULL; facts = facts->annex.facts)
		oldest += EMR_VERSION_MOVE;
	asked.last = is_oldest_first ? 0 : oldest;
	go_to(&asked, oldest - asked.last);
	return asked;
}

/* False: that was the last one, or it could not be read. */
static bool go_on(facts_asked *asked)
{
	if (asked->of.status != EMR_OK || asked->mark == asked->last)
		return false;
	go_to(asked,
		asked->last != 0 ? asked->mark + EMR_VERSION_MOVE : asked->mark - EMR_VERSION_MOVE);
	return true;
}

facts_asked facts_heads(emr_facts *facts)
{
	return ask(facts, false, (emr_asking){.question = EMR_QUESTION_ALL_HEADS});
}

bool facts_next_head(facts_asked *asked, emr_replica_head *out)
{
	emr_status *status = &asked->of.status;
	emr_replica_head newest;
	bool is_given = false;

	while (!is_given) {
		while (!emr_next(&asked->of, out))
			if (!go_on(asked))
				return false;
		if (asked->mark == 0)
			return true;
		*status = emr_facts_head(asked->facts, out->domain, out->object, &newest);
		if (*status != EMR_OK || (newest.version & EMR_VERSION_ANNEX) != asked->mark)
			continue; /* it went on there */
		*status = emr_replica_is_mine(asked->of.about.replica, out->domain, &is_given);
		*out = newest;
	}
	return true;
}

/* ---- chains ---- */

facts_asked facts_chain(emr_facts *facts, emr_id16 domain, emr_id16 object)
{
	return ask(facts, true,
		(emr_asking){.question = EMR_QUESTION_HISTORY,
			.about = {
				.domain = domain, .object = object, .family = EMR_FAMILY_OBJECT}});
}

bool facts_next_item(facts_asked *asked, emr_replica_item *out)
{
	while (!emr_next(&asked->of, out))
		if (!go_on(asked))
			return false;
	out->version += asked->mark;
	return true;
}

int facts_by_order(const void *a, const void *b)
{
	const facts_order *x = a, *y = b;
	const uint64_t x_ago = x->version & EMR_VERSION_ANNEX;
	const uint64_t y_ago = y->version & EMR_VERSION_ANNEX;

	if (x_ago != y_ago)
		return x_ago > y_ago ? -1 : 1;
	if (x->seq != y->seq)
		return x->seq < y->seq ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}
