/* This header declares what the files that give space back share: the segments that they look at,
 * and the steps in their order. */
#pragma once

#include <time.h>

#include "store_private.h"

#define REST_STEP_NS INT64_C(20000000)

typedef struct victim {
	emr_segment *segment;
	uint64_t bytes;
	uint64_t live;
	bool skip;
	size_t batch;  /* copied and removed together */
	bool is_left;  /* there is no room for what lives in it */
	bool has_dead; /* looked for when scrubbing */
} victim;

typedef struct reclaim_run {
	emr_store *store;
	const emr_reclaim_options *options;
	emr_reclaim_report report;
	emr_walk_missing missing;
	emr_pending live;     /* a set */
	emr_pending forsaken; /* what was seen below forsaken pins; with allow_missing only */
	victim *victims;      /* by slot of the segment; segment NULL: not considered */
	size_t slots;
	size_t batches, batch; /* how many; the one at work */
	emr_buf moves;	       /* of emr_store_position, live blocks in victims */
	emr_log_place floor;
} reclaim_run;

/* It is copied and removed in this batch. */
static inline bool reclaim_is_at_work(const reclaim_run *run, const victim *v)
{
	return v->segment != NULL && !v->skip && !v->is_left && v->batch == run->batch;
}

/* Nobody waits for the end of RUN: EMR_INTERRUPTED. */
static inline emr_status reclaim_goes_on(const reclaim_run *run)
{
	const bool *stop = run->options->stop;

	return stop != NULL && __atomic_load_n(stop, __ATOMIC_RELAXED) ? EMR_INTERRUPTED : EMR_OK;
}
/* The same, and it rests while others want the processor and the disk.  Under no lock but
 * reclaim_lock: what it asks takes locks of those who write. */
static inline emr_status reclaim_gives_way(const reclaim_run *run)
{
	const emr_reclaim_options *options = run->options;
	int64_t ns;

	while (reclaim_goes_on(run) == EMR_OK && options->rest_ns != NULL &&
		__atomic_load_n(&run->store->reclaim_waiters, __ATOMIC_RELAXED) == 0 &&
		(ns = options->rest_ns(options->roots_context)) > 0)
		nanosleep(
			&(struct timespec){.tv_nsec = ns < REST_STEP_NS ? ns : REST_STEP_NS}, NULL);
	return reclaim_goes_on(run);
}

/* ---- reclaim_choose.c ---- */

/* Which segments there are to give back. */
emr_status reclaim_consider(reclaim_run *run);
/* Marks everything that pins and other roots need. */
emr_status reclaim_mark(reclaim_run *run);
/* Roots pinned since the mark began; *out_some: there were any. */
emr_status reclaim_mark_new(reclaim_run *run, bool *out_some);
/* Nodes are missing: what may lie below them is spared. */
emr_status reclaim_spare(reclaim_run *run);
/* Which of the segments go, in which batches. */
emr_status reclaim_choose(reclaim_run *run);

bool reclaim_is_forsaken(const reclaim_run *run, const emr_pin *pin);
typedef emr_status (*live_row)(reclaim_run *run, victim *v, const emr_store_position *at);
emr_status reclaim_each_live(reclaim_run *run, live_row row);
typedef struct dead_call {
	reclaim_run *run;
	victim *v;
} dead_call;

/* Frames with pins name blocks and owners, no more. A block below a root is dead only where the
 * index leads to another copy of it; a disk that does not answer says nothing about that. */
emr_status reclaim_is_dead(const dead_call *call, const emr_scan_item *item, bool *out_dead);

/* ---- reclaim_copy.c ---- */

/* Pins whose frames stand in victims are written again. */
emr_status reclaim_pins_again(reclaim_run *run);
/* Copies everything alive in the victims of this batch. */
emr_status reclaim_copy(reclaim_run *run);

/* ---- reclaim_blank.c ---- */

/* Only for a scrub: zeros cost sections of their own, and nobody asked for less. */
emr_status reclaim_blank(reclaim_run *run);
