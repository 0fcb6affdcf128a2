/* This header declares what all files of the module share: workers, scratch memory, the count of
 * unsealed bytes, and the list of working copies. A caller that takes scratch memory must give it
 * back. */
#pragma once

#include <stdatomic.h>

#include "held.h"
#include "base/worker.h"
#include "record/content.h"

/* One piece of work; embedded in what it works on, which must stay until run has returned. */
typedef struct record_job {
	void (*run)(struct record_job *job);
	struct record_job *next;
} record_job;

/* Room for one leaf in both forms, not cleared. */
typedef struct record_scratch {
	struct record_scratch *next;
	uint8_t plain[EMR_LEAF_BYTES];
	uint8_t sealed[EMR_LEAF_SEALED_BYTES];
} record_scratch;

#define RECORD_SCRATCH_KEPT 6
#define RECORD_WORKERS_MAX 16

/* Blocks that somebody has handed to the store and that nothing names yet: no pin, no working copy.
 * The sealing thread notes each before it is put, so that a reclaim never finds one unnamed. */
typedef struct record_fresh {
	struct record_fresh *next, **at;
	emr_buf cids; /* of emr_cid */
} record_fresh;

struct emr_record_ctx {
	emr_record_options options;
	bool is_still; /* where spills live nothing is taken, from the beginning on */
	pthread_t threads[RECORD_WORKERS_MAX];
	unsigned thread_count;

	pthread_mutex_t lock; /* the four below */
	pthread_cond_t work;
	record_job *first, *last;
	bool stopping;

	pthread_mutex_t scratch_lock;
	record_scratch *scratch;
	unsigned scratch_count;

	record_holder holder; /* has its own lock */

	_Atomic uint64_t memory; /* bytes of extents in memory */
	_Atomic uint64_t chunks_opened;
	_Atomic uint64_t left; /* bytes of sealed leaves that working copies need no more */

	pthread_mutex_t fresh_lock; /* innermost: the three below */
	record_fresh *fresh;
	record_fresh bundles; /* built while somebody holds them */
	unsigned holders;     /* of bundles */

	pthread_mutex_t stagings_lock; /* below every staging's own lock */
	pthread_cond_t visitor_left;
	struct emr_staging *stagings;
};

/* False without workers: the caller does the work itself. */
bool record_submit(emr_record_ctx *ctx, record_job *job);
void record_fresh_begin(emr_record_ctx *ctx, record_fresh *fresh);
/* Before CID is put.  EMR_NO_MEMORY. */
emr_status record_fresh_note(emr_record_ctx *ctx, record_fresh *fresh, const emr_cid *cid);
/* Something else names them by now, or nobody wants them. */
void record_fresh_end(emr_record_ctx *ctx, record_fresh *fresh);
/* NULL when there is no memory. */
record_scratch *record_scratch_take(emr_record_ctx *ctx);
void record_scratch_give(emr_record_ctx *ctx, record_scratch *scratch); /* NULL is fine */
