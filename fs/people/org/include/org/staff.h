/* These functions say whom an organisation has registered: its people and agents, and what its
 * administrator does about them. They refuse to take a key out of use before somebody said yes. */
#pragma once

#include "keyring/cert.h"
#include "org/bureau.h"

typedef struct emr_staff_member {
	emr_known_person person;
	char handle[EMR_CERT_HANDLE_MAX +
		    1]; /* of the certificate; "" when the ledger has none (any more) */
	char says[256]; /* what the bearer wrote beside it; "" when it is the same, or cannot be
			   shown */
	bool is_active;
} emr_staff_member;

/* Fills in what the ledger says of M's person; the rest of M is zeros before. */
emr_status emr_staff_read(emr_replica *replica, emr_staff_member *m);
/* The next of ASKED, which asks for PEOPLE (replica/ask.h), of the administrator's organisation, in
 * every state.  False: there is none, or asked->status says why. */
bool emr_staff_next(emr_asking *asked, const emr_bureau *bureau, emr_staff_member *out);
/* By the certificate's handle (letters a to z in either case), or by EMR_KEY_CODE_NAMES letters or
 * more of the code; never by a person's own words, nor by fewer letters, for which anybody can make
 * a key. Keys in force first. EMR_NOT_FOUND; EMR_CONFLICT: several (OUT_NAMES, with codes of that
 * length; may be NULL). */
emr_status emr_staff_find(const emr_bureau *bureau, const char *what, emr_staff_member *out,
	char *out_names, size_t size);
/* The same, with a problem. */
emr_status emr_staff_find_or_say(const emr_bureau *bureau, const char *what, emr_staff_member *out,
	emr_problem *out_problem);

/* The organisation took those certificates of HANDLE out of use that end at *out_unix_s or before.
 * EMR_NOT_FOUND: it said nothing of that handle. */
emr_status emr_staff_ended_through(
	const emr_bureau *bureau, const char *handle, uint64_t *out_unix_s);
/* org show; org revoke HANDLE. */
emr_bureau_work emr_org_show;
emr_bureau_work emr_org_revoke;
