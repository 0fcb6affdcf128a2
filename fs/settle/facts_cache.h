/* This cache keeps what facts_each decrypted in one sealed file (FORMAT.md) with the position of
 * the ledger it belongs to, so that opening a large folder decrypts pages and not records.
 * Refuses nothing: a file that does not fit is as good as none. */
#pragma once

#include "facts_private.h"

/* A kept file that opened as a whole and belongs to the beginning of the ledger that the replica
 * has verified. */
typedef struct facts_cache facts_cache;

/* So much changed after the file was made that a new one pays, or something was erased. */
bool facts_cache_is_behind(const facts_cache *cache);
/* One record of a walk. */
typedef struct facts_row {
	emr_place
		place; /* of one that could not be read only domain, object and version are said */
	emr_bytes plain; /* its own bytes, padded */
	bool is_lost;	 /* it could not be read */
	bool is_junk;	 /* that, because somebody else left it, and it never opens */
} facts_row;
/* The next record that did not change since, and does not rest.  EMR_NOT_FOUND: that was the last.
 */
emr_status facts_cache_next(facts_cache *cache, facts_row *out);
/* The first one of RUN; the next one of it (RUN NULL). */
emr_status facts_cache_next_in(facts_cache *cache, const emr_kept_run *run, facts_row *out);
/* By the first two ids, of 16 bytes each: for qsort and bsearch. */
int facts_by_ids(const void *a, const void *b);
/* Every object that did, emr_named_object; some of them live no longer. */
const emr_buf *facts_cache_changed(const facts_cache *cache);

/* A new file, written beside the old one and renamed over it by facts_cache_finish. */
typedef struct facts_cache_writer facts_cache_writer;
emr_status facts_cache_begin(
	emr_facts *facts, const emr_replica_position *at, facts_cache_writer **out_writer);
emr_status facts_cache_add(facts_cache_writer *writer, const facts_row *row);
emr_status facts_cache_finish(facts_cache_writer *writer);
void facts_cache_abandon(facts_cache_writer *writer); /* also after finish; NULL is fine */
