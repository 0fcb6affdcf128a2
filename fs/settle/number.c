/* This file decides which record the content of an object belongs to. A writer of content says a
 * number with it, and could name that of another record: then to erase the one would take the
 * other, and a version of the one would pass for one of the other. */
#include "facts_private.h"

/* The number that the first content which can be read names; *OUT stays where there is none. */
static emr_status first_number(emr_facts *facts, emr_id16 domain, emr_id16 object, emr_id16 *out)
{
	AUTO_FACTS_ASKED chain = facts_chain(facts, domain, object);
	emr_replica_item item;
	emr_put_part part;
	bool is_read = false;

	while (!is_read && facts_next_content(&chain, &item, &part, &is_read))
		if (is_read)
			*out = part.record_id;
	return chain.of.status;
}

/* Where the row began, on whichever ledger that was; *OUT_IS_ONLY: the owner's content there is all
 * that it ever had. */
static emr_status is_owners_row(
	emr_facts *facts, emr_id16 domain, emr_id16 object, bool *out_is, bool *out_is_only)
{
	emr_replica_head head;
	emr_status status = EMR_NOT_FOUND;

	if (facts->annex.facts != NULL)
		status = is_owners_row(facts->annex.facts, domain, object, out_is, out_is_only);
	*out_is_only = false;
	if (status != EMR_NOT_FOUND)
		return status;
	EMR_TRY(emr_replica_head_get(facts->replica, domain, object, &head));
	EMR_TRY(facts_signed_by_owner(facts, domain, head.creator, out_is));
	*out_is_only = *out_is && head.pversion == 1;
	return EMR_OK;
}

emr_status facts_number(
	emr_facts *facts, emr_id16 domain, emr_id16 object, emr_id16 said, emr_id16 *out)
{
	bool is_owners = false, is_only = false;
	emr_status status;

	*out = said;
	if (emr_id16_equal(said, object))
		return EMR_OK;
	status = is_owners_row(facts, domain, object, &is_owners, &is_only);
	if (status != EMR_OK || is_only) /* EMR_NOT_FOUND: not one's own domain */
		return status == EMR_NOT_FOUND ? EMR_OK : status;
	*out = object;
	return is_owners ? first_number(facts, domain, object, out) : EMR_OK;
}

emr_status emr_facts_names_another(emr_facts *facts, const emr_place *place, bool *out_does)
{
	const emr_replica_head head = {
		.domain = place->domain, .object = place->object, .pversion = place->pversion};
	EMR_AUTO_BUF bytes = {0};
	emr_put_part put = {.cver = 0};
	emr_status status = facts_read_put(facts, &head, &bytes, &put);

	*out_does = status == EMR_OK && !emr_id16_equal(put.record_id, place->record_id);
	return status;
}
