/* In which rows of one's own domains a record has lain that was moved: of 10,000 records looked
 * through once, and not at every opening. */
#pragma once

#include <pthread.h>

#include "replica/replica.h"

typedef struct moved_row {
	emr_id16 record_id, domain, object;
} moved_row;

/* Zeroed memory and moved_init; any thread. */
typedef struct moved_rows {
	pthread_mutex_t lock;
	moved_row *rows; /* by record_id; owned */
	size_t n, cap;
	uint64_t size; /* entries of the ledger when they were looked through; 0: never */
} moved_rows;

void moved_init(moved_rows *moved);
void moved_free(moved_rows *moved);
/* Calls FN for each row with RECORD_ID; any other status of it than EMR_OK ends that and is
 * returned.  Looks through every head of REPLICA when that was never done, or, IS_AGAIN, when the
 * ledger has grown since. */
typedef emr_status (*moved_fn)(void *arg, emr_id16 domain, emr_id16 object);
emr_status moved_each(moved_rows *moved, emr_replica *replica, emr_id16 record_id, bool is_again,
	moved_fn fn, void *arg);
