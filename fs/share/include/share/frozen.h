/* The frozen state of a dataset: the versions that it had at one entry of the ledger, under a hash
 * that its steward signed, so that a paper can name them.  It keeps nothing readable: who has left
 * since is lacking, and who looks is told how many. */
#pragma once

#include "share/teams.h"

#define EMR_FROZEN_ID_CHARS 9 /* with its NUL: the first 32 bits of the id */

typedef struct emr_frozen {
	emr_id16 id;
	uint64_t seq;	   /* of the entry that says so */
	uint64_t log_size; /* entries of the ledger that it is of */
	uint32_t n;	   /* versions */
	emr_id32 root;	   /* RFC 6962 over the item ids of their contents, in order */
	uint64_t time_unix_s;
} emr_frozen;

/* The part of a state that is there now. */
typedef struct emr_frozen_look {
	emr_buf domains;    /* emr_id16: folders that were in it then, and are now; owned */
	uint32_t n;	    /* their versions in it that are still the present ones */
	emr_id32 root;	    /* of those */
	unsigned withdrawn; /* folders that were in it, and were taken back since */
} emr_frozen_look;

void emr_frozen_look_free(emr_frozen_look *look);
#define EMR_AUTO_FROZEN_LOOK __attribute__((cleanup(emr_frozen_look_free))) emr_frozen_look

/* Whether A and B are the same dataset, before and after it got another key. */
bool emr_dataset_is_same(const emr_team *a, const emr_team *b);
/* The state of DATASET, an open one, as of LOG_SIZE entries. */
emr_status emr_frozen_look_at(emr_replica *replica, const emr_team *dataset, uint64_t log_size,
	uint64_t now_unix_s, emr_frozen_look *out);
/* Adds how many versions DOMAIN has of what came before LOG_SIZE, or (0) in all. */
emr_status emr_frozen_files(
	emr_replica *replica, emr_id16 domain, uint64_t log_size, uint64_t *io_n);
/* The state of DATASET whose id begins with TEXT, 8 to 32 hex digits.  EMR_NOT_FOUND, EMR_INVALID
 * (no such text), EMR_CONFLICT: several. */
emr_status emr_frozen_find(
	emr_replica *replica, const emr_team *dataset, const char *text, emr_frozen *out);
/* Every state of DATASET, in the order of their ids: emr_frozen, ... appended. */
emr_status emr_frozen_each(emr_replica *replica, const emr_team *dataset, emr_buf *out);
