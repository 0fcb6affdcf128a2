/* This header declares the handle of a ledger on Fabric, for host*.c only. */
#pragma once

#include "gateway/host.h"
#include "gateway/observer.h"
#include "gateway_private.h"
#include "base/worker.h"
#include "ledger/backend.h"

/* A certificate of which nobody knows whether the ledger names it; keyring NULL: there is none. */
typedef struct host_renewal {
	emr_keyring *keyring; /* has it */
	emr_buf former;	      /* which is its again when the ledger says no */
	emr_buf batch;	      /* that tells the ledger */
	bool is_entered;      /* a block has it; what was decided is not read yet */
} host_renewal;

typedef struct fabric_host {
	/* set when it is opened */
	emr_gateway *gateway;
	emr_status (*line)(void *line_arg, emr_gateway **out_gateway);
	void (*line_free)(void *line_arg);
	void *line_arg;
	const emr_keyring *submitter;
	emr_id32 submitter_id;
	emr_buf descriptor;
	int dirfd;
	int wake_fd; /* ends a wait */
	bool is_wake_lent;
	int stop_fd; /* readable from emr_ledger_stop on: nothing is asked any more */
	bool is_stop_lent;
	uint32_t timeout_ms;
	pthread_mutex_t submit_lock; /* one batch on its way at a time; before lock */
	host_renewal renewal;	     /* with submit_lock */
	pthread_mutex_t lock;	     /* what follows */
	emr_chain *chain;
	emr_gateway_position position;
	uint64_t kept_block; /* of the position that stands in the file */
	emr_ledger_genesis genesis;
	bool has_genesis; /* blocks were read from the first one on, to verify them */
	/* what follows, which is changed by who holds both (is_hurried: this one alone); never held
	 * while somebody is asked */
	pthread_mutex_t known_lock;
	emr_status last;	  /* of the last time that blocks were asked for */
	emr_gateway_fault fault;  /* the same */
	const char *sent_refusal; /* see emr_ledger_absence; also the next */
	emr_ledger_unsent unsent;
	bool is_hurried;   /* who opened it has a copy, and nobody has asked for as long as that may
			    * take */
	int64_t asked_ns;  /* when that was, by the clock since the start */
	int64_t asking_ns; /* somebody asks, and has heard nothing since then; 0: nobody does */
	uint64_t away_unix_s;	  /* since when it fails; 0: it does not */
	int64_t lacking_due_ns;	  /* when what no peer had is looked for; 0: never yet */
	int64_t lacking_pause_ns; /* to the next time */
	int64_t in_vain_ns;	  /* when parts were waited for last, and did not come; 0: never */
} fabric_host;

/* host_follow.c: the status that ledger.h knows for a call that failed; what failed goes to the
 * log. EMR_OFFLINE is also what no contract has judged. */
emr_status host_status(const emr_gateway_call *call, emr_status status);
/* Whom to ask now. */
emr_status host_line(fabric_host *h, emr_gateway **out_gateway);
/* All blocks that there are now, or those that come in time (EMR_TIMEOUT); lock held.  CANCEL_FD:
 * readable, it ends with EMR_INTERRUPTED; -1: nobody ends it. */
emr_status host_follow(fabric_host *h, int cancel_fd);
/* In so much time. */
emr_status host_follow_for(fabric_host *h, uint32_t timeout_ms, int cancel_fd);
/* That a folder waits for who says nothing, when it can be opened without him. */
#define HOST_MOMENT_MS 3000
/* The place in the blocks, in its file. */
void host_keep_position(fabric_host *h);
void host_find_position(fabric_host *h);
/* host_parts.c; an emr_ledger_backend's fetch. */
emr_status host_fetch(
	void *self, const emr_part_key *keys, size_t n, emr_ledger_part_fn fn, void *arg);
/* Adds the parts of BATCH that the log lacks, and whose entry it has, and those of TRUTH; lock
 * held. */
emr_status host_keep_parts(fabric_host *h, emr_bytes batch);
emr_status host_fill_from(fabric_host *h, emr_chain *truth);
/* Parts of BATCH, of which ANSWER tells, that the log lacks are looked after from now on; lock
 * held, before host_keep_parts. */
void host_note_lacking(fabric_host *h, emr_bytes batch, const emr_ledger_answer *answer);
/* Whether a part that no peer has is brought to the ledger again NOW, which was SIGNED then and
 * noted, or brought the last time, at BEFORE: EMR_OK, EMR_TIMEOUT (later), EMR_NOT_FOUND (never
 * again).  Unix seconds. */
emr_status host_bring_when(uint64_t signed_s, uint64_t before_s, uint64_t now_s);
/* Looks after them when it is time, no lock held; when the next time is (INT64_MAX: none). */
int64_t host_tend_lacking(fabric_host *h);
/* host_submit.c; an emr_ledger_backend's submit and renew. */
emr_status host_submit(void *self, emr_bytes batch, emr_ledger_answer *out_answer);
emr_status host_renew(void *self, emr_keyring *keyring, emr_bytes certificate, emr_bytes batch,
	emr_ledger_answer *out_answer);
void host_renewal_free(host_renewal *renewal);
