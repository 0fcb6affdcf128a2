/* The module's shared half as its own files see it: workers, scratch memory, the count of unsealed
 * bytes, the list of stagings. Refuses nothing by itself; who takes scratch gives it back. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

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
#define RECORD_CACHED_LEAVES_MAX 32 /* decrypted ahead, over all readers: 8 MiB */
#define RECORD_WORKERS_MAX 16

struct emr_record_ctx {
	emr_record_options options;
	pthread_t threads[RECORD_WORKERS_MAX];
	unsigned thread_count;

	pthread_mutex_t lock; /* the four below */
	pthread_cond_t work;
	record_job *first, *last;
	bool stopping;

	pthread_mutex_t scratch_lock;
	record_scratch *scratch;
	unsigned scratch_count;

	_Atomic uint64_t memory; /* bytes of extents in memory */
	_Atomic unsigned cached_leaves;
	_Atomic uint64_t chunks_opened;

	pthread_mutex_t stagings_lock; /* below every staging's own lock */
	pthread_cond_t visitor_left;
	struct emr_staging *stagings;
};

/* False without workers: the caller does the work itself. */
bool record_submit(emr_record_ctx *ctx, record_job *job);
/* NULL when there is no memory. */
record_scratch *record_scratch_take(emr_record_ctx *ctx);
void record_scratch_give(emr_record_ctx *ctx, record_scratch *scratch); /* NULL is fine */
