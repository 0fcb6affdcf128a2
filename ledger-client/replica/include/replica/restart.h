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
	EMR_RESTART_MADE,     /* they are; the next opening takes the new copy */
	EMR_RESTART_PASSED,   /* it has */
} emr_restart_state;

typedef struct emr_known_restart {
	emr_id16 recovery;
	uint64_t size; /* entries with which the ledger went on */
	uint8_t root[32];
	uint64_t unix_s;      /* by the host's clock */
	uint32_t heard;	      /* administrators that were heard before */
	uint32_t again, lost; /* own operations: signed again, and gone for good */
	uint8_t state;	      /* emr_restart_state */
	bool is_told;	      /* to the person */
	bool is_said;	      /* to the others: that nothing is left to sign again (done) */
} emr_known_restart;

/* Of the newest restarts at most MAX, oldest first; how many. */
size_t emr_replica_restarts(emr_replica *replica, emr_known_restart *out, size_t max);
/* Entries of this copy are gone, so it neither follows nor hands in (EMR_OFFLINE) until a new one
 * was made. */
bool emr_replica_must_go_on(emr_replica *replica);

/* A new copy beside the old one, of REPLICA's ledger, which goes on where the newest restart says;
 * what an earlier try made of it is used.  OUT_NEXT is to be closed before REPLICA.  EMR_NOT_FOUND:
 * none is due; else as emr_replica_catch_up. */
emr_status emr_replica_next_open(emr_replica *replica, emr_replica **out_next);

typedef struct emr_signing_again {
	const emr_keyring *keyring;
	/* Of an own operation that is gone; may be NULL. */
	emr_replica_since_fn lost;
	void *arg;
	uint32_t again, lost_n; /* out */
} emr_signing_again;
/* Hands in what KEYRING's identity had handed in and is gone, with the same items: revocations,
 * ends of keys and rights, and removals first, then all in their order.  It may be interrupted
 * anywhere and run again.  Answers and questions of the moment are left out: they are asked again.
 * Errors of the ledger as emr_ledger_submit, and of following. */
emr_status emr_replica_sign_again(
	emr_replica *replica, emr_replica *next, emr_signing_again *io_signing);
/* The next opening takes NEXT, which this closes, in the place of REPLICA's copy. */
emr_status emr_replica_next_keep(
	emr_replica *replica, emr_replica *next, const emr_signing_again *signing);

/* The newest restart was told to the person, or `done` was said of it. */
emr_status emr_replica_restart_note(emr_replica *replica, bool is_told, bool is_said);
