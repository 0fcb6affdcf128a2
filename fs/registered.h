/* What the ledger says of a person's key: role, organisation, until when.
 * It refuses to say more than this computer has verified itself. */
#pragma once

#include "keyring/cert.h"
#include "replica/replica.h"

typedef struct emr_registered {
	bool is_active; /* at the time that was asked about */
	char roles[EMR_ROLES_TEXT_MAX];
	char organisation[256]; /* "" for one that came later: its name is in a private part */
	uint64_t not_after_unix_s;
} emr_registered;

/* DESCRIPTOR is the network's.  EMR_NOT_FOUND: the key is not registered. */
emr_status emr_registered_find(emr_replica *replica, emr_bytes descriptor, emr_id32 signer_id, uint64_t now_unix_s,
	emr_registered *out);
