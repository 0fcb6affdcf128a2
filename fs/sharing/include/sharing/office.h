/* The office: one thread of an open folder that does what others on the network wait for, or what
 * time brings. It delays nothing: closing waits for at most one look, and a network of one person
 * costs nothing. */
#pragma once

#include "session/session.h"
#include "share/share.h"
#include "sharing/notices.h"

typedef struct emr_office emr_office;

/* The arguments of one look. Its own handle for sharing, which says the owner's name on cards, is
 * made for it, and freed after END. */
typedef struct emr_visit {
	emr_session *session;
	emr_notices *notices;
	emr_share *share;
	uint64_t from; /* entries of the ledger from here on are new to this look; 0 the first time
			*/
	uint64_t size; /* entries that this computer has verified */
	void *memory;  /* the look's own, NULL the first time; kept from visit to visit */
	/* When it wants to be called although nothing is new (boot clock, ns); INT64_MAX (as it is
	 * given): never. */
	int64_t due_boot_ns;
} emr_visit;

/* One line of the table in office.c.  LOOK is called first when the folder has just been opened,
 * then whenever the ledger has grown or its own time has come, never by two threads.  A status
 * other than EMR_OK: again, after a second, then two, ... a minute. */
typedef struct emr_look {
	const char *name; /* for the log */
	emr_status (*look)(emr_visit *visit);
	void (*end)(void *memory); /* NULL: nothing to free */
	bool is_for_first;	   /* also as long as nobody else is in the network */
} emr_look;

/* Starts nothing: so that a folder that is being opened may wake it.  EMR_NO_MEMORY. */
emr_status emr_office_new(emr_office **out_office);
/* After the folder answers.  Does nothing for a folder that is open for reading only.  SESSION and
 * NOTICES are borrowed until end.
 */
emr_status emr_office_start(emr_office *office, emr_session *session, emr_notices *notices);
/* The ledger has grown, or a look is wanted now.  Any thread. */
void emr_office_wake(emr_office *office);
/* Ends the thread; before the session is closed.  NULL and one that was not started are fine. */
void emr_office_end(emr_office *office);
/* After the session is closed: until then it may be woken. */
void emr_office_free(emr_office *office);
/* How often a look was called since the start. */
uint64_t emr_office_count(emr_office *office);

/* ---- consents.c ---- */
/* FHIR Consents that lie in the folder's directory of them: each becomes a request to its owner,
 * once. They refuse to grant anything, and what they refuse stays where it is. */

#define EMR_CONSENTS_MAX 100 /* that wait, or were answered and hold still */

/* Those that are not in SEEN, the files that were looked at, are noted (orders.h), or refused with
 * a notice. */
emr_status emr_consents_take(emr_visit *visit, emr_buf *seen);
/* EMR_DENIED, and says that the file at PATH is no request, because of WHY. */
emr_status emr_consents_refuse(const char *path, const char *why, emr_problem *out_problem);
