/* An attendant is an agent at work: it takes in fragments, answers readers whom it may answer,
 * destroys fragments of grants that have ended, renews its receiving key once a week and signs the
 * head of the ledger that it has reached, until it is told to end. It refuses to keep records, and
 * to work for a key that the ledger does not know as an agent's in force. */
#pragma once

#include <jansson.h>

#include "kit/message.h"
#include "session/session.h"

typedef struct emr_attendant emr_attendant;

/* SESSION (borrowed): locked as an agent's, keyring open, ledger and copy open
 * (emr_session_open_copy, which FOLLOWED).  Works off what is there. EMR_OFFLINE, EMR_DENIED (not
 * in force), and what a ledger that is not believed gives; always with a problem.
 */
emr_status emr_attendant_new(emr_session *session, emr_status followed,
	emr_attendant **out_attendant, emr_problem *out_problem);
void emr_attendant_free(emr_attendant *attendant); /* NULL is fine */
/* Works until emr_attendant_stop. A step that fails meanwhile is tried again, and the report names
 * it. */
void emr_attendant_run(emr_attendant *attendant);
/* Any thread, and a signal handler. */
void emr_attendant_stop(emr_attendant *attendant);
/* Any thread: the fields of `agent --status`; NULL without memory. */
json_t *emr_attendant_report(emr_attendant *attendant);
