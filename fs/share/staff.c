/* This file finds the auditors of a reader's organisation, to whom questions for keys are sealed
 * besides. It names none of another organisation. */
#include <string.h>

#include "crypto/hpke.h"
#include "replica/ask.h"

#include "judge.h"

/* Whether an entry from SEQ on says that a key came, went or changed. */
static emr_status have_keys_changed(emr_replica *replica, uint64_t seq, bool *out_have)
{
	emr_replica_change change;
	EMR_ASK(changes, replica, SINCE, .at = seq);

	while (!*out_have && emr_next(&changes, &change))
		*out_have = change.op < EMR_OP_DOMAIN_NEW;
	return changes.status;
}

static emr_status find_auditors(emr_share *share, const uint8_t org[16], auditors *out)
{
	emr_known_person person;
	EMR_ASK(people, share->o.replica, PEOPLE);

	while (out->n < AUDITORS_MAX && emr_next(&people, &person)) {
		bool is_active = false;

		if ((person.row.roles & EMR_ROLE_AUDITOR) == 0 ||
			memcmp(person.row.org, org, 16) != 0 ||
			emr_id32_equal(person.signer_id, share->me.signer_id) ||
			!emr_hpke_takes(person.row.x25519)) /* he would stop every question */
			continue;
		EMR_TRY(emr_replica_person_is_active(
			share->o.replica, &person, share_now(share), &is_active));
		if (!is_active)
			continue;
		out->list[out->n].rid = person.signer_id;
		memcpy(out->list[out->n++].x25519, person.row.x25519, 32);
	}
	return people.status;
}

/* Looks again only when the ledger says something about keys. */
emr_status staff_auditors(emr_share *share, const auditors **out)
{
	auditors found = {0};
	emr_replica_position at;
	emr_known_person me;
	bool is_new = share->auditors.size == 0;

	EMR_TRY(emr_replica_at(share->o.replica, &at));
	EMR_TRY(is_new ? EMR_OK
		       : have_keys_changed(share->o.replica, share->auditors.size, &is_new));
	if (is_new) {
		EMR_TRY(emr_replica_person(share->o.replica, share->me.signer_id, &me));
		EMR_TRY(find_auditors(share, me.row.org, &found));
		share->auditors = found;
	}
	share->auditors.size = at.size;
	*out = &share->auditors;
	return EMR_OK;
}
