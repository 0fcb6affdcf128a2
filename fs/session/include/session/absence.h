/* This says whether the ledger is there, since when not, and what to say of it: for mount, status
 * and every other place that tells people. It refuses to guess why: a file that is not there may be
 * on a disk that is not plugged in. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "session/session.h"

typedef struct emr_absence {
	emr_status status;     /* as emr_ledger_look; EMR_OK = the ledger is there */
	uint64_t since_unix_s; /* 0 = it is there */
	bool is_asked;	       /* as emr_ledger_look, also the next */
	const char *refusal;
	int64_t ahead_s;
} emr_absence;

/* SINCE reaches back over earlier openings: the state keeps a note of the first that found it away.
 */
void emr_absence_look(emr_session *session, emr_absence *out_absence);
/* Writes that note, or removes it.  A note that cannot be written costs a time on the screen. */
void emr_absence_remember(emr_session *session);
/* The note itself; 0 when there is none. */
uint64_t emr_absence_read(int state_fd);

/* Sets the sentence for people: none when the ledger is there.  FAULT, when not NULL, is why this
 * computer's own copy is not enough to take changes. */
void emr_absence_say(const emr_session *session, const emr_absence *absence, const char *fault,
	emr_problem *out_problem);
/* That the host's clock, or that of the ledger's entries, is AHEAD_S ahead of this computer's. */
void emr_absence_say_clock(const char *state_path, int64_t ahead_s, emr_problem *out_problem);
/* The same before anything is open. */
void emr_absence_say_status(
	emr_status status, uint64_t since_unix_s, const char *state_path, emr_problem *out_problem);
/* That the members have agreed on rules that this program does not know: saving goes on into the
 * journal.  False, so that the folder is not for reading only by that. */
bool emr_absence_say_rules(const emr_session *session, emr_problem *out_problem);
/* The same as emr_absence_say_status, by the note of the state at STATE_PATH, whose folder is
 * closed.  False: there is none.
 */
bool emr_absence_say_noted(const char *state_path, emr_problem *out_problem);
/* Sets the objection of the host of LEDGER, which answers and is away all the same, to this
 * computer, or, when it gives entries, to what was sent there last.  False: nothing, or there is
 * none (NULL). */
bool emr_absence_say_refusal(
	const emr_session *session, emr_ledger *ledger, emr_problem *out_problem);
/* Why what was sent last is not there, in a few words, within a sentence;
 * NULL: nothing, or nobody knows. */
const char *emr_absence_refusal(emr_ledger *ledger);
