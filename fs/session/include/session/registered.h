/* These functions say what the ledger knows of a person's key: role, organisation, until when,
 * and whether what the keyring's owner signs still counts. They say no more than this computer
 * has verified itself, and refuse to guess where a certificate cannot be read. */
#pragma once

#include <stdbool.h>

#include "keyring/cert.h"
#include "kit/message.h"
#include "replica/people.h"
#include "session/session.h"

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

/* ---- own_cert.c ---- */
/* Whether what its owner signs still counts: certificate and key.  It refuses to guess where there
 * is none or it cannot be read. */

/* Its last second; UINT64_MAX: there is none that could end. */
uint64_t emr_own_cert_end(const emr_session *session);
/* True: what is saved from now on is not taken by the ledger; *OUT_PROBLEM says since when, and of
 * a member whom to ask for a new one. */
bool emr_own_cert_has_ended(
	const emr_session *session, uint64_t now_unix_s, emr_problem *out_problem);
/* True: the organisation has ended the key for good, as this computer's copy of the ledger has it;
 * *OUT_PROBLEM says who and when. */
bool emr_own_key_is_revoked(const emr_session *session, emr_problem *out_problem);
