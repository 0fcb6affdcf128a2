/* This file looks up what the ledger says of a key: under which name, of which organisation, and
 * whether it is still in force. */
#include "session/registered.h"

#include <string.h>

#include "replica/ask.h"

emr_status emr_organisation_name(emr_replica *replica, emr_bytes descriptor, const uint8_t org[16],
	char out[EMR_ORGANISATION_NAME_MAX + 1])
{
	EMR_AUTO_ORGANISATION known = {.name = ""};
	emr_status status = emr_replica_organisation(replica, descriptor, org, &known);

	memcpy(out, known.name, sizeof known.name);
	return status == EMR_NOT_FOUND ? EMR_OK : status;
}

emr_status emr_registered_find(emr_replica *replica, emr_bytes descriptor, emr_id32 signer_id,
	uint64_t now_unix_s, emr_registered *out)
{
	emr_registered found = {0};
	emr_known_person person;

	EMR_TRY(emr_replica_person(replica, signer_id, &person));
	EMR_TRY(emr_replica_person_is_active(replica, &person, now_unix_s, &found.is_active));
	emr_roles_text(person.row.roles, found.roles);
	EMR_TRY(emr_organisation_name(replica, descriptor, person.row.org, found.organisation));
	found.not_after_unix_s = person.row.not_after_unix_s;
	*out = found;
	return EMR_OK;
}

emr_status emr_registered_count(emr_replica *replica, uint64_t now_unix_s, uint64_t *out_n)
{
	EMR_ASK(asked, replica, PEOPLE);
	emr_known_person person;
	bool is_active = false;

	*out_n = 0;
	while (emr_next(&asked, &person)) {
		EMR_TRY(emr_replica_person_is_active(replica, &person, now_unix_s, &is_active));
		*out_n += is_active;
	}
	return asked.status;
}
