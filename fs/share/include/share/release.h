/* These functions serve the two that release keys: the owner's own process, and an agent with
 * fragments. Both look at the ledger as they have verified it, at their own clock, at purpose,
 * person, record and rate, and then answer on the ledger. They refuse questions that the ledger did
 * not accept, and everything that is over by either clock. */
#pragma once

#include "share/share.h"

/* The deeds of one run. */
typedef struct emr_release_tally {
	size_t answered; /* keys or fragments were given, to some slots at least */
	size_t refused;
	size_t enrolled;  /* agent: fragments taken in */
	size_t destroyed; /* agent: grants whose fragments are gone */
	int next_ms; /* run again after so long; 0: entries came while this run answered, and no
			growth of the ledger will tell of them; more: an agent's, for a question
			left to others first; -1 = when the ledger grows */
} emr_release_tally;

/* ---- the owner's computer ---- */

typedef struct emr_release emr_release;

/* SHARE is borrowed. */
emr_status emr_release_new(emr_share *share, emr_release **out_release);
void emr_release_free(emr_release *release);
/* Follows the ledger and answers what is new about one's own domains.  Errors of the moment
 * (ledger, memory) leave the rest for the next call. */
emr_status emr_release_run(emr_release *release, emr_release_tally *out_tally);

/* ---- an agent ---- */

typedef struct emr_agency emr_agency;

/* DIRFD: a private directory (0700) for fragments and receiving keys; stays the caller's.  The
 * keyring is registered with role agent, and its replica keeps the parts of the domains it serves.
 */
emr_status emr_agency_open(emr_share *share, int dirfd, emr_agency **out_agency);
void emr_agency_close(emr_agency *agency);
/* Follows the ledger: takes in fragments, answers, destroys what has ended by the ledger or by its
 * own clock and says so (AGENT_ACK).  Never fragments
 * for what somebody of its own organisation could read, nor an answer to one of them. The
 * first t agents, in an order that each question gives, answer at once; the others one by one, 150
 * ms apart, while fewer than t answers stand there. */
emr_status emr_agency_run(emr_agency *agency, emr_release_tally *out_tally);
/* Another receiving key (KEY_KX), once a week: what was sealed to the one before the last can then
 * be opened by nobody. */
emr_status emr_agency_renew_key(emr_agency *agency);
/* When the present receiving key was made, by the computer's clock.  EMR_NOT_FOUND: none yet. */
emr_status emr_agency_key_time(const emr_agency *agency, uint64_t *out_unix_s);
/* Fragments held, one for each epoch of a grant; and grants they belong to. */
emr_status emr_agency_count(emr_agency *agency, size_t *out_n);
emr_status emr_agency_grants(emr_agency *agency, size_t *out_n);
/* Questions that were left to other agents first: how many, and the ids of the first CAP. */
size_t emr_agency_waiting(const emr_agency *agency, emr_id16 *out_questions, size_t cap);
