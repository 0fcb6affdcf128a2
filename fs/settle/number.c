/* This file decides which record the content of an object belongs to. A writer of content says a
 * number with it, and could name that of another record: then to erase the one would take the
 * other, and a version of the one would pass for one of the other. */
#include "facts_private.h"

#include "contract/rows.h"
#include "keyring/coowned.h"
#include "share/domain.h"
#include "share/signed.h"

#define ENOUGH EMR_INTERRUPTED /* ends a walk of our own */

typedef struct first_content {
	emr_facts *facts;
	emr_id16 domain, object, number;
	bool is_found;
} first_content;

static emr_status look_at_item(void *arg, const emr_replica_item *item, bool is_carried)
{
	first_content *f = arg;
	const emr_part_key at = emr_part_of_object(f->domain, f->object, item->version);
	EMR_AUTO_BUF bytes = {0};
	emr_put_part part;
	emr_status status;

	(void)is_carried;
	if (item->op != EMR_OP_PUT && item->op != EMR_OP_REWRAP)
		return EMR_OK;
	status = facts_part(f->facts, &at, &bytes);
	if (status == EMR_OK)
		status = emr_put_part_decode(emr_buf_view(&bytes), &part);
	if (status != EMR_OK)
		return facts_is_damage(status) ? EMR_OK : status;
	f->number = part.record_id;
	f->is_found = true;
	return ENOUGH;
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
	EMR_TRY(facts_signed_by_owner(facts, facts->replica, domain, head.creator, out_is));
	*out_is_only = *out_is && head.pversion == 1;
	return EMR_OK;
}

emr_status facts_number(
	emr_facts *facts, emr_id16 domain, emr_id16 object, emr_id16 said, emr_id16 *out)
{
	first_content first = {.facts = facts, .domain = domain, .object = object};
	bool is_owners = false, is_only = false;
	emr_status status;

	*out = said;
	if (emr_id16_equal(said, object))
		return EMR_OK;
	status = is_owners_row(facts, domain, object, &is_owners, &is_only);
	if (status == EMR_NOT_FOUND) /* not one's own domain */
		return EMR_OK;
	if (status != EMR_OK || is_only)
		return status;
	if (is_owners)
		status = facts_chain(facts, domain, object, look_at_item, &first);
	if (status == EMR_OK || status == ENOUGH)
		*out = first.is_found ? first.number : object;
	return status == ENOUGH ? EMR_OK : status;
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
