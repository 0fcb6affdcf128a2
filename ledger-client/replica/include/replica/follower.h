/* The follower of a replica: all modules that need new entries ask here, and none asks the
 * ledger itself.  One run at a time brings the copy up to date for everybody in this process who
 * waits, and one of them at a time waits at the ledger.  It has no thread of its own: the thread
 * that waits does the work, for the others as well.  Any thread, any number at once. */
#pragma once

#include "replica/replica.h"

/* Verifies and takes in everything that the ledger had when this was called; callers that come
 * while a run is under way share the next one.  As emr_replica_catch_up, whose status it gives. */
emr_status emr_follow_now(emr_replica *replica);

/* The copy has SIZE entries or more.  Nobody is asked when it has them already.  EMR_TIMEOUT: the
 * ledger does not show so many within some seconds; else as emr_follow_now. */
emr_status emr_follow_to(emr_replica *replica, uint64_t size);

/* As far as ANSWER, which the ledger gave to one's own BATCH: the verified copy has the batch,
 * there and with these results, and all of its private parts that belong here: whatever the ledger
 * has of them no more is taken from BATCH, as it was sent.  BATCH may be empty when no item of it
 * has a part.  EMR_FORK: the copy has it not, although the ledger is believed; EMR_MISSING_DATA: it
 * lacks a part of it all the same.  Where the whole batch was refused, as emr_follow_now, because
 * what is new may say why. */
emr_status emr_follow_answer(
	emr_replica *replica, emr_bytes batch, const emr_ledger_answer *answer);

/* How far a waiting caller has seen the ledger, and which calls to wake up it has heard. */
typedef struct emr_follow_place {
	uint64_t size;
	uint64_t wakes;
} emr_follow_place;

/* All that is in the copy now is seen; a wake from here on is for this caller, even before it
 * waits. */
emr_follow_place emr_follow_here(emr_replica *replica);

/* Until the copy has more than IO_PLACE->size entries, which is then what it has.  EMR_TIMEOUT;
 * EMR_INTERRUPTED: emr_follow_wake, once for each place; and what emr_follow_now gives, when the
 * ledger grew and what is new was not taken in. */
emr_status emr_follow_wait(emr_replica *replica, emr_follow_place *io_place, int timeout_ms);
/* Ends every wait, and the next one with a place from before this.  Also from a signal handler. */
void emr_follow_wake(emr_replica *replica);

/* Calls FN for each private part that came later than its entry, while somebody follows; one caller
 * for each replica, NULL ends it.  FN is called as below, by the thread that brought the part. */
typedef void (*emr_follow_part_fn)(void *arg, const emr_part_key *key);
void emr_follow_parts(emr_replica *replica, emr_follow_part_fn fn, void *arg);

/* Calls FN after a run which brought something new: in DOMAIN, or anything when NULL; once a run,
 * with the number of entries.  FN is called by the thread that made the run, one at a time: it
 * returns at once, and neither follows nor (un)subscribes. */
typedef void (*emr_follow_fn)(void *arg, uint64_t size);
typedef struct emr_subscription emr_subscription;
emr_status emr_follow_subscribe(emr_replica *replica, const emr_id16 *domain, emr_follow_fn fn,
	void *arg, emr_subscription **out_subscription);
/* Waits for a call that is under way: no lock that FN takes is held here.  NULL is allowed. */
void emr_follow_unsubscribe(emr_subscription *subscription);
