/* This module writes the contents of records into a CAR file for IPFS nodes, encrypted as they
 * are. It refuses to write a block that does not fit its name. */
#pragma once

#include "settle/facts.h"
#include "store/car_store.h"

/* All borrowed. */
typedef struct emr_carry_sources {
	emr_block_store *store;
	emr_facts *facts;
	/* NULL = nobody; not EMR_OK ends the work, which returns it */
	emr_status (*tell)(void *arg, uint64_t done, uint64_t of);
	void *tell_arg;
} emr_carry_sources;

typedef struct emr_carry_tally {
	uint64_t records; /* files */
	uint64_t bytes;	  /* of the CAR */
	emr_cid root;	  /* above all of it */
} emr_carry_tally;

/* Writes the live records at and below ROOT (a directory, a file or a link; NULL = all) to FD, an
 * empty regular file: one directory above all of them; of one file its content alone.
 * EMR_NOT_FOUND: there is no such record; EMR_MISSING_DATA, EMR_DAMAGED: a block or part is not
 * there or not what it was, and FD is of no use; EMR_LIMIT: more than a million records. */
emr_status emr_carry_write(
	const emr_carry_sources *from, const emr_id16 *root, int fd, emr_carry_tally *out_tally);
