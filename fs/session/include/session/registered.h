/* What the ledger says of a person's key: role, organisation, until when. It says no more than
 * this computer has verified itself. */
#pragma once

#include "keyring/cert.h"
#include "replica/people.h"

#define EMR_ORGANISATION_NAME_MAX EMR_ORG_NAME_MAX

typedef struct emr_registered {
	bool is_active; /* at the time that was asked about */
	char roles[EMR_ROLES_TEXT_MAX];
	char organisation[EMR_ORGANISATION_NAME_MAX + 1]; /* "" when nobody says how it is called */
	uint64_t not_after_unix_s;
} emr_registered;

/* How many keys are in force. */
emr_status emr_registered_count(emr_replica *replica, uint64_t now_unix_s, uint64_t *out_n);
/* DESCRIPTOR is the network's.  EMR_NOT_FOUND: the key is not registered. */
emr_status emr_registered_find(emr_replica *replica, emr_bytes descriptor, emr_id32 signer_id,
	uint64_t now_unix_s, emr_registered *out);
/* How organisation ORG is called: by the network's descriptor, or, for one that came later, by what
 * it was admitted with.  "" when neither says it, or the part is gone.  EMR_IO, EMR_DAMAGED. */
emr_status emr_organisation_name(emr_replica *replica, emr_bytes descriptor, const uint8_t org[16],
	char out[EMR_ORGANISATION_NAME_MAX + 1]);
