/* These functions say who signed a version, when, and where that stands on the ledger: one answer
 * for status, verify and all that shows it, for own files and for those that others share. They
 * refuse to name anybody for a file that is not on the ledger yet. */
#pragma once

#include <jansson.h>

#include "people/who.h"

/* The words of the attribute `signature` for a version's place among others: "amendment",
 * "amendment gap", "superseded", or "". */
const char *emr_origin_note(const char *signature);
/* Of whom somebody else who signed NODE is, by that key on the ledger: a name may have a comma.
 * EMR_NO_ATTRIBUTE: nobody else signed it, or it was not opened here.  OUT is untouched then. */
emr_status emr_origin_organisation(
	emr_crowd *crowd, emr_view *view, uint64_t node, char out[EMR_ORGANISATION_NAME_MAX + 1]);
/* {own by organisation signature note at placed entry tx witnesses[]}, owned by the caller. NOTE is
 * emr_origin_note's. SIGNATURE is "unopened" for what others share or write until it has been
 * opened once here, and nobody is named before. AT, ENTRY and TX are those with which the version
 * came to the ledger; PLACED: that entry is not seen here: AT is the signer's own word for the time
 * ("" while unopened), ENTRY and TX those with which the owner put it where it is. Witnesses are
 * organisations that have signed a head with that entry in it. EMR_NOT_FOUND: not on the ledger. */
emr_status emr_origin_json(const emr_session *session, uint64_t node, json_t **out_signed);
/* "Signed by ..., ... .  Superseded: ... .  Entry N of the ledger, transaction ..., witnessed by
 * ...": owned by the caller; NULL without memory. */
char *emr_origin_text(const json_t *signed_by);
