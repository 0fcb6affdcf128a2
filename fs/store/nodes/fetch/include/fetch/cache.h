/* The cache keeps blocks that came from IPFS nodes, as files in a directory that may be lost: the
 * blocks are sealed and can be fetched again. It refuses to take the room that a disk needs, and
 * to give out a block that is not what its name says. */
#pragma once

#include "base/clock.h"
#include "store/block_store.h"

typedef struct emr_block_cache emr_block_cache; /* thread-safe; one process a directory */

typedef struct emr_block_cache_options {
	const char *path;   /* made (0700) with its parents */
	uint64_t max_bytes; /* of blocks; what was not used for longest goes first */
	uint32_t max_days;  /* what nobody used for so long goes */
	const emr_clock *clock;
	bool is_held; /* nothing is dropped before emr_block_cache_looked */
} emr_block_cache_options;

/* Finds what an earlier process left there, and removes what is too old or too much of it. */
emr_status emr_block_cache_open(
	const emr_block_cache_options *options, emr_block_cache **out_cache);
void emr_block_cache_close(emr_block_cache *cache); /* NULL is fine; the files stay */

bool emr_block_cache_has(emr_block_cache *cache, const emr_cid *cid, uint64_t *out_bytes);
/* Appends the block to OUT, hashed there.  EMR_NOT_FOUND also when other bytes stood in its place:
 * they are removed; and when it cannot be read: it stays, and counts as not there until it can, or
 * is put again.  Or EMR_NO_MEMORY. */
emr_status emr_block_cache_get(emr_block_cache *cache, const emr_cid *cid, emr_buf *out);
/* EMR_NO_SPACE: it is larger than all of the cache may be, or the disk is nearly full; then the
 * cache has given way already. */
emr_status emr_block_cache_put(emr_block_cache *cache, const emr_cid *cid, emr_bytes block);
/* The disk is needed for other things: drops blocks of BYTES at least, for a person may have a
 * quota on it, and until it has BYTES to spare, or none is left. False: there was none to drop. */
bool emr_block_cache_give_way(emr_block_cache *cache, uint64_t bytes);
/* It is kept elsewhere now. */
void emr_block_cache_drop(emr_block_cache *cache, const emr_cid *cid);
/* Drops what is too old by now. */
void emr_block_cache_age(emr_block_cache *cache);
/* Drops what nobody used after UNTIL_S (Unix time). */
void emr_block_cache_drop_until(emr_block_cache *cache, int64_t until_s);
/* No other copy of CID is known: it stays, whatever the limits are, until emr_block_cache_drop or
 * the end of a look that did not say so again. */
void emr_block_cache_keep(emr_block_cache *cache, const emr_cid *cid);
/* A look at what has no other copy is over: what may go and should have gone does now. */
void emr_block_cache_looked(emr_block_cache *cache);
uint64_t emr_block_cache_bytes(emr_block_cache *cache);
