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

/* The same question to the ledger of the annex, or to the present one. */
static void go_to(facts_asked *asked, bool is_annex)
{
	const emr_facts *facts = asked->facts;

	emr_asked_end(&asked->of);
	asked->of.about.replica = is_annex ? facts->annex.replica : facts->replica;
	asked->of = emr_asking_of(asked->of.question, asked->of.about);
	asked->is_annex = is_annex;
}

facts_asked facts_heads(emr_facts *facts)
{
	facts_asked asked = {.facts = facts, .of.question = EMR_QUESTION_ALL_HEADS};

	go_to(&asked, false);
	return asked;
}

bool facts_next_head(facts_asked *asked, emr_replica_head *out)
{
	const emr_facts *facts = asked->facts;
	emr_replica_head present;
	emr_status status = EMR_OK;

	while (status == EMR_OK) {
		if (!emr_next(&asked->of, out)) {
			if (asked->is_annex || asked->of.status != EMR_OK ||
				facts->annex.replica == NULL)
				return false;
			go_to(asked, true);
			continue;
		}
		if (!asked->is_annex)
			return true;
		/* Where there is one, it went on there. */
		status = emr_replica_head_get(facts->replica, out->domain, out->object, &present);
	}
	if (status == EMR_NOT_FOUND)
		mark_head(out);
	else
		asked->of.status = status;
	return status == EMR_NOT_FOUND;
}

/* ---- chains ---- */

facts_asked facts_chain(emr_facts *facts, emr_id16 domain, emr_id16 object)
{
	facts_asked asked = {.facts = facts,
		.of = {.question = EMR_QUESTION_HISTORY,
			.about = {
				.domain = domain, .object = object, .family = EMR_FAMILY_OBJECT}}};

	go_to(&asked, facts->annex.replica != NULL);
	return asked;
}

bool facts_next_item(facts_asked *asked, emr_replica_item *out)
{
	bool has_one = emr_next(&asked->of, out);

	if (!has_one && asked->is_annex && asked->of.status == EMR_OK) {
		go_to(asked, false);
		has_one = emr_next(&asked->of, out);
	}
	if (has_one && asked->is_annex)
		out->version |= EMR_VERSION_ANNEX;
	return has_one;
}
