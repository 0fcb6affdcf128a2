/* The frozen state of a dataset: the versions that it had at one entry of the ledger, under a hash
 * that its steward signed, so that a paper can name them.  They stay readable for its readers when
 * something else is saved there, or they are removed.  Folders that were taken back since are
 * lacking, and what was erased, and how many that are is told. */
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
	emr_buf domains;    /* emr_id16: folders that were in it ever since; owned */
	uint32_t n;	    /* their versions in it that can be read */
	emr_id32 root;	    /* of those */
	unsigned withdrawn; /* folders that were taken back since, also those given again */
	/* Versions that cannot be read: of those folders; erased; and of a key of the dataset that
	 * nobody has any more, because a reader was let out. */
	uint64_t left, erased, dropped;
} emr_frozen_look;

void emr_frozen_look_free(emr_frozen_look *look);
#define EMR_AUTO_FROZEN_LOOK __attribute__((cleanup(emr_frozen_look_free))) emr_frozen_look

/* Whether A and B are the same dataset, before and after it got another key. */
bool emr_dataset_is_same(const emr_team *a, const emr_team *b);
/* The state of DATASET, an open one, as of LOG_SIZE entries. */
emr_status emr_frozen_look_at(emr_replica *replica, const emr_team *dataset, uint64_t log_size,
	uint64_t now_unix_s, emr_frozen_look *out);
/* Adds how many versions can be read by GRANT of what came before LOG_SIZE, or (0) in all. */
emr_status emr_frozen_files(
	emr_replica *replica, const emr_known_grant *grant, uint64_t log_size, uint64_t *io_n);
/* IO, a row of today, becomes what it was in a state of LOG_SIZE entries: with the content of then,
 * and the last words and the last key that the ledger has of that content.  *OUT_ITEM (may be
 * NULL): what brought that content then.  LOG_SIZE 0: as it is now.  EMR_NOT_FOUND: it was not
 * there. */
emr_status emr_frozen_head(
	emr_replica *replica, uint64_t log_size, emr_replica_head *io, emr_id32 *out_item);
/* Whether a state of DATASET was made while VERSION of what HEAD is today was the present one: a
 * state that names an earlier entry than its own brings nothing back. */
emr_status emr_frozen_keeps(emr_replica *replica, const emr_team *dataset,
	const emr_replica_head *head, uint64_t version, bool *out_keeps);
/* The state of DATASET whose id begins with TEXT, 8 to 32 hex digits.  EMR_NOT_FOUND, EMR_INVALID
 * (no such text), EMR_CONFLICT: several. */
emr_status emr_frozen_find(
	emr_replica *replica, const emr_team *dataset, const char *text, emr_frozen *out);
/* Every state of DATASET, in the order of their ids: emr_frozen, ... appended. */
emr_status emr_frozen_each(emr_replica *replica, const emr_team *dataset, emr_buf *out);
