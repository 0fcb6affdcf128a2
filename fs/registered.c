#include "registered.h"

#include <string.h>

#include "contract/item.h"
#include "replica/people.h"

static void organisation_name(emr_bytes bytes, const uint8_t org[16], char *out, size_t size)
{
	emr_descriptor descriptor;
	emr_descriptor_org one;

	if (emr_descriptor_parse((emr_span){bytes.data, bytes.len}, &descriptor) != EMR_CONTRACT_OK)
		return;
	for (size_t i = 0; i < descriptor.norg; i++) {
		if (emr_descriptor_org_at(&descriptor, i, &one) != EMR_CONTRACT_OK || memcmp(one.org, org, 16) != 0 ||
			one.name.len >= size)
			continue;
		memcpy(out, one.name.data, one.name.len);
		out[one.name.len] = '\0';
	}
}

emr_status emr_registered_find(emr_replica *replica, emr_bytes descriptor, emr_id32 signer_id, uint64_t now_unix_s,
	emr_registered *out)
{
	emr_registered found = {0};
	emr_known_person person;
	emr_status status = emr_replica_person(replica, signer_id, &person);

	if (status == EMR_OK)
		status = emr_replica_person_is_active(replica, &person, now_unix_s, &found.is_active);
	if (status != EMR_OK)
		return status;
	emr_roles_text(person.row.roles, found.roles);
	organisation_name(descriptor, person.row.org, found.organisation, sizeof found.organisation);
	found.not_after_unix_s = person.row.not_after_unix_s;
	*out = found;
	return EMR_OK;
}
