/* After its host's disk was lost, a ledger may go on with fewer entries than this computer has
 * verified, where the host says so by a restart (ledger/restart.h). These functions tell what
 * restarts this copy knows, make the copy again where entries of it are gone, and sign what was
 * this computer's own among them once more. They refuse a restart that would take an entry away
 * that is not older than it. */
#pragma once

#include "replica/replica.h"

#define EMR_REPLICA_RESTARTS_MAX 64

typedef enum emr_restart_state {
	EMR_RESTART_FITS = 1, /* nothing that this copy has is gone */
	EMR_RESTART_WAITS,    /* entries of it are gone, and own ones are not signed again yet */
	EMR_RESTART_MADE,     /* they are; the next opening takes the new copy, and it fits */
} emr_restart_state;

typedef struct emr_known_restart {
	emr_id16 recovery;
	uint64_t size; /* entries with which the ledger went on */
	uint8_t root[32];
	uint64_t unix_s; /* by the host's clock */
	uint8_t state;	 /* emr_restart_state; of the newest alone it says something */
} emr_known_restart;

/* Of the newest restarts at most MAX, oldest first; how many. */
size_t emr_replica_restarts(emr_replica *replica, emr_known_restart *out, size_t max);
/* Asks the host: false, where it did not answer, or those that were seen cannot be read. */
bool emr_replica_knows_restarts(emr_replica *replica);
/* Once in each opening that took a restart, or the new copy after it. */
bool emr_replica_restart_is_new(emr_replica *replica);
/* Entries of this copy are gone, so it neither follows nor hands in (EMR_OFFLINE) until a new one
 * was made. */
bool emr_replica_must_go_on(emr_replica *replica);

typedef struct emr_signing_again {
	const emr_keyring *keyring;
	/* Both may be NULL.  LOST gets this computer's own operations that are gone for good, each
	 * an emr_replica_change; THEN is called behind that, with the new copy, before that is what
	 * the next opening takes. */
	emr_buf *lost;
	emr_status (*then)(void *arg, emr_replica *next);
	void *arg;
} emr_signing_again;
/* Makes a copy beside the old one, of the ledger, which goes on where the newest restart says;
 * hands in what SIGNING's identity had handed in and is gone, with the same items: revocations,
 * ends of keys and rights, and removals first, then all in their order; and has the next opening
 * take the new copy.  It may be interrupted anywhere and run again, also where the host has lost
 * entries once more by then: the old copy stays.  Answers and questions of the moment are left out:
 * they are asked again.  EMR_NOT_FOUND: nothing is gone; errors of following, and of the ledger as
 * emr_ledger_submit. */
emr_status emr_replica_go_on(emr_replica *replica, const emr_signing_again *signing);

/* Whether by OP somebody loses what he could. */
bool emr_replica_is_urgent(uint8_t op);

/* Says to the host, once a recovery and once behind its end, signed by KEYRING, that it lacks
 * nothing of this copy, when that is so: behind its end not while something is in force that an
 * urgent operation of this computer's, which is gone for good, had ended.  Not EMR_OK: it can be
 * tried again. */
emr_status emr_replica_say(emr_replica *replica, const emr_keyring *keyring);
