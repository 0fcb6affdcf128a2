/* The inside of the fetcher for its three files: blocks that were brought and are being brought
 * (fetch.c), the face of a block store in front of both (face.c), and several blocks that are
 * waited for together (together.c). */
#pragma once

#include <pthread.h>

#include "fetch/fetch.h"
#include "ipfs/copies.h"

#include "held.h"

#define FAILURES 64
#define AHEAD 128

typedef struct failure {
	emr_cid cid;
	int64_t until_boot_ns;
	emr_status status;
} failure;

typedef struct bringing {
	struct bringing *next;
	emr_fetcher *fetcher;
	emr_cid cid;
	emr_fetched_fn done; /* NULL: nobody is told */
	void *arg;
	int64_t asked_boot_ns;
	bool is_wanted; /* somebody waits for it */
} bringing;

struct emr_fetcher {
	emr_block_store face;
	emr_fetcher_options options;
	char *nodes;
	held_blocks held;
	pthread_mutex_t lock; /* of what follows; the copies' own is taken under it */
	emr_copies *copies;   /* NULL: there is nobody to ask, or it was stopped */
	failure failures[FAILURES];
	size_t failure_next;
	emr_cid ahead[AHEAD]; /* asked for before anybody wanted them, the last ones */
	size_t ahead_next;
	bringing *all;
	int64_t aged_boot_ns;
	int64_t away_until_boot_ns; /* whoever may wait does not until then */
	bool is_slow;		    /* what somebody wanted last took longer than SLOW_NS */
};

int64_t fetch_boot_ns(const emr_fetcher *fetcher);
/* By a cache or in memory; what the local store has is none of it. */
bool fetch_is_brought(emr_fetcher *fetcher, const emr_cid *cid);

/* face.c */
extern const emr_block_store_ops fetch_face_ops;
/* Into the local store, if it is not there; without room it stays where it is.  Logged. */
emr_status fetch_bring_home(emr_fetcher *fetcher, const emr_cid *cid);
