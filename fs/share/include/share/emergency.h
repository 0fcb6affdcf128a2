/* A patient prepares, with a card, what two clinicians of an organisation may read in an emergency
 * while the patient can say nothing. These functions find what a card prepared, say why it must be
 * opened, and tell the patient who said so. They refuse to open anything by the word of one.
 *
 * What is prepared is a grant with EMR_GRANT_TWO to the staff of the organisation, or to a team,
 * called after the word on the card; the ledger opens it (EMERGENCY). */
#pragma once

#include "keyring/access.h"
#include "keyring/grant.h"
#include "share/share.h"

#define EMR_EMERGENCY_S 86400u /* how long the second may come after the first, and it is open */

/* One grant that a card opens. */
typedef struct emr_emergency {
	emr_known_grant grant;
	emr_id16 via;			    /* the team that it is to */
	emr_id16 word;			    /* of the card */
	emr_id32 first, second;		    /* first keys of the clinicians; zero: nobody yet */
	uint64_t first_unix_s;		    /* when FIRST said why; 0: nobody, or that is over */
	uint64_t until_unix_s;		    /* open; 0: not yet */
	uint64_t version;		    /* of what was said last */
	char label[EMR_NOTE_LABEL_MAX + 1]; /* of one's own: what the folder is called */
} emr_emergency;
typedef enum emr_emergency_state {
	EMR_EMERGENCY_PREPARED,
	EMR_EMERGENCY_BEGUN, /* one has said why */
	EMR_EMERGENCY_OPEN,
	EMR_EMERGENCY_OVER, /* it was open */
} emr_emergency_state;
emr_emergency_state emr_emergency_state_at(const emr_emergency *e, uint64_t now_unix_s);

/* Every grant to this person's teams that the card with WORD opens; with NULL those that another
 * clinician has begun and nobody has opened: emr_emergency, ... appended. */
emr_status emr_emergency_find(emr_share *share, const emr_id16 *word, emr_buf *out);
/* Says REASON of all N, in one batch.  What is open already, or was said by the same person before,
 * is no error.  EMR_INVALID: the reason; EMR_DENIED: this person is no clinician, or none of the
 * team any more; EMR_CONFLICT: somebody else spoke at the same moment; EMR_REFUSED:
 * emr_share_refusal says. */
emr_status emr_emergency_say(
	emr_share *share, const emr_emergency *all, size_t n, const char *reason);
/* What stands of all that this person has prepared, with the word of each: emr_emergency, ...
 * appended. */
emr_status emr_emergency_own(emr_share *share, emr_buf *out);
/* What one clinician said of a grant. */
typedef struct emr_emergency_word {
	emr_id32 who, first; /* keys of the one who said it; and of the first, whom WHO seconded */
	uint64_t version;
	uint64_t until_unix_s; /* it opened until then; 0: it did not */
} emr_emergency_word;
/* Everything that was said of E, one's own, in order: emr_emergency_word, ... appended. */
emr_status emr_emergency_words(emr_share *share, const emr_emergency *e, emr_buf *out);
/* The reason in VERSION of what was said of E.  EMR_MISSING_DATA: it is not here (yet). */
emr_status emr_emergency_reason(emr_share *share, const emr_emergency *e, uint64_t version,
	char out[EMR_EMERGENCY_REASON_MAX + 1]);
