/* The follower of a replica: all modules that need new entries ask here, and none asks the ledger
 * itself.  While
 * anybody listens or waits, one thread waits at the ledger for all of them; where there is nobody,
 * there is no thread.  A caller that must know what is new now makes a run itself, one at a time
 * for everybody in this process.  Any thread, any number at once. */
#pragma once

#include "replica/replica.h"

/* Verifies and takes in everything that the ledger had when this was called; callers that come
 * while a run is under way share the next one.  As emr_replica_catch_up, whose status it gives.
 * It is for the beginning of a deed: what the deed is made of reads the copy as it stands. */
emr_status emr_follow_now(emr_replica *replica);

/* As emr_follow_now, but nobody is asked while the thread below hears of the ledger: it takes in
 * what is new when it comes. */
emr_status emr_follow_lately(emr_replica *replica);

/* The copy has SIZE entries or more.  Nobody is asked when it has them already.  EMR_TIMEOUT: the
 * ledger does not show so many within some seconds; else as emr_follow_now. */
emr_status emr_follow_to(emr_replica *replica, uint64_t size);

/* From now on nobody waits for what the ledger does not show at once: those who wait have
 * EMR_TIMEOUT.  It is for closing, which no host holds up. */
void emr_follow_hurry(emr_replica *replica);

/* As far as ANSWER, which the ledger gave to one's own BATCH: the verified copy has the batch,
 * there and with these results, and all of its private parts that belong here: whatever the ledger
 * has of them no more is taken from BATCH, as it was sent.  BATCH may be empty when no item of it
 * has a part.  EMR_FORK: the copy has it not, although the ledger is believed; EMR_MISSING_DATA: it
 * lacks a part of it all the same.  Where the whole batch was refused, as emr_follow_now, because
 * what is new may say why. */
emr_status emr_follow_answer(
	emr_replica *replica, emr_bytes batch, const emr_ledger_answer *answer);

/* Until the copy has more than *IO_SIZE entries, and how many.  EMR_TIMEOUT; and what the thread
 * came to meanwhile, when it could not follow. */
emr_status emr_follow_wait(emr_replica *replica, uint64_t *io_size, int timeout_ms);

/* How things stood after a turn of the thread: it waited at the ledger, for a minute at most, and
 * took in what came. */
typedef struct emr_follow_turn {
	uint64_t size;	/* entries of the copy */
	bool has_grown; /* there are some that this listener has not heard of */
	emr_status
		status; /* EMR_OK, also when nothing came; else why the ledger was not followed */
} emr_follow_turn;

/* A line in the follower's table.  It is called one at a time, after each turn, and at first soon
 * after it was listed: it returns at once, and neither follows nor lists and unlists. */
typedef struct emr_listener {
	void (*heard)(const struct emr_listener *self, const emr_follow_turn *turn);
	/* A private part came later than its entry: by the thread that brought it.  May be NULL. */
	void (*part_came)(const struct emr_listener *self, const emr_part_key *key);
	void *arg;
	emr_replica *replica; /* of the follower, as all that follows; NULL: it is not listed */
	uint64_t told;
	struct emr_listener *next;
} emr_listener;

/* LISTENER is the caller's, and stays where it is.  EMR_NO_MEMORY: there is no thread. */
emr_status emr_follow_listen(emr_replica *replica, emr_listener *listener);
/* Waits for a call that is under way: no lock that it takes is held here.  One that is not listed
 * is allowed. */
void emr_follow_leave(emr_listener *listener);
