/* These functions say of a share whether it opens for a person at this moment, and if not, why: in
 * a word for scripts and in a sentence for people, which is the same on every screen. They refuse
 * to promise more than this computer knows. */
#pragma once

#include "sharing/shares.h"

/* Sets WHY_NOT of each row: "" where it opens. */
void emr_opening_look(emr_session *session, uint64_t now_unix_s, emr_share_rows *rows);
/* Whether keys can be given at all now: over the ledger, which is there. */
bool emr_opening_ledger_is_away(emr_session *session);
/* "Opens for lima now.", "Does not open for lima yet: ...". WHY_NOT and STATE are those of the JSON
 * row; STATE may be "". */
#define EMR_OPENING_TEXT_BYTES 1400
void emr_opening_text(
	const char *why_not, const char *state, const char *who, char out[EMR_OPENING_TEXT_BYTES]);
/* Whether that is the plain sentence, for a share that opens and goes on. */
bool emr_opening_is_plain(const char *why_not, const char *state);
