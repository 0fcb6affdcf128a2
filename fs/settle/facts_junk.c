/* This file deals with what others left in one's own domains and what does not open. It tells
 * this apart from damage, remembers it so that it is not tried again, and names it for a person
 * who wants it erased. A statement that the owner signed is never taken for junk: that would hide
 * damage. */
#include "facts_private.h"

#include "contract/rows.h"
#include "keyring/coowned.h"
#include "share/domain.h"
#include "share/signed.h"

emr_status facts_note_junk(emr_facts *facts, emr_id16 domain, emr_id16 object, uint64_t version)
{
	EMR_LOCKED(&facts->lock);

	return unreadable_note(&facts->unreadable, domain, object, version);
}

/* A part that is erased, damaged or not here yet may come; a newer program may read what is newer.
 */
static bool is_lasting(emr_status status)
{
	return emr_status_is_unreadable(status) && status != EMR_MISSING_DATA &&
	       status != EMR_NEWER_FORMAT && status != EMR_UNSUPPORTED;
}

emr_status facts_signed_by_owner(
	const emr_facts *facts, emr_id16 domain, emr_id32 signer, bool *out_is)
{
	uint8_t patient_pk[32];
	emr_row_domain row;

	EMR_TRY(emr_keyring_person_pk(facts->keyring, patient_pk));
	EMR_TRY(emr_domain_row(facts->replica, domain, &row));
	return emr_signed_is_owner(
		facts->replica, domain, row.owner_pk, patient_pk, signer, out_is);
}

/* The item and the part at VERSION are here, as the ledger has them; *IS_OTHERS stays when the
 * owner signed it. */
static emr_status look_at_version(
	emr_facts *facts, const emr_replica_head *head, uint64_t version, bool *is_others)
{
	emr_part_key at = emr_part_of_object(head->domain, head->object, version);
	EMR_AUTO_BUF item_bytes = {0};
	EMR_AUTO_BUF part = {0};
	emr_replica_item item;
	bool is_owner = true;
	emr_status status = emr_facts_item(facts, &at, &item_bytes, &item);

	if (status == EMR_OK)
		status = facts_part(facts, &at, &part);
	if (status == EMR_OK)
		status = facts_signed_by_owner(facts, head->domain, item.signer_id, &is_owner);
	*is_others |= !is_owner;
	return status;
}

/* A record of which the owner signed any version is hers, whatever somebody who may write there put
 * on top of it: it is damage, and its earlier versions are never offered to be erased. */
static emr_status has_owners_version(emr_facts *facts, const emr_replica_head *head, bool *out_has)
{
	emr_replica_item item;

	EMR_ASK(items, facts->replica, HISTORY, .family = EMR_FAMILY_OBJECT, .domain = head->domain,
		.object = head->object);
	while (!*out_has && emr_next(&items, &item))
		EMR_TRY(facts_signed_by_owner(facts, head->domain, item.signer_id, out_has));
	return items.status;
}

static emr_status judge_head(
	emr_facts *facts, const emr_replica_head *head, emr_status reading, bool *out_is_junk)
{
	bool is_others = false;
	bool is_hers = false;
	emr_status status;

	*out_is_junk = false;
	if (!is_lasting(reading))
		return EMR_OK;
	status = look_at_version(facts, head, head->version, &is_others);
	if (status == EMR_OK && head->pversion != 0 && head->pversion != head->version)
		status = look_at_version(facts, head, head->pversion, &is_others);
	if (status == EMR_OK && is_others)
		status = has_owners_version(facts, head, &is_hers);
	*out_is_junk = status == EMR_OK && is_others && !is_hers;
	return facts_is_damage(status) ? EMR_OK : status;
}

emr_status facts_note_reading(
	emr_facts *facts, const emr_replica_head *head, emr_status reading, bool *out_is_junk)
{
	EMR_TRY(judge_head(facts, head, reading, out_is_junk));
	if (reading != EMR_OK && !*out_is_junk)
		return EMR_OK;
	return facts_note_junk(facts, head->domain, head->object, *out_is_junk ? head->version : 0);
}

uint64_t emr_facts_unreadable(emr_facts *facts)
{
	EMR_LOCKED(&facts->lock);

	return facts->unreadable.count;
}

emr_status emr_facts_unreadable_objects(emr_facts *facts, emr_buf *out)
{
	EMR_LOCKED(&facts->lock);

	for (size_t i = 0; i < facts->unreadable.n; i++) {
		const unreadable_object *one = &facts->unreadable.all[i];
		const emr_named_object object = {one->domain, one->object};
		emr_replica_head head;
		emr_status status = one->version == 0 ? EMR_NOT_FOUND
						      : emr_replica_head_get(facts->replica,
								one->domain, one->object, &head);

		if (status != EMR_OK && status != EMR_NOT_FOUND)
			return status;
		if (status == EMR_OK && head.state == EMR_OBJECT_LIVE &&
			head.version == one->version)
			EMR_TRY(emr_buf_append(out, &object, sizeof object));
	}
	return EMR_OK;
}
