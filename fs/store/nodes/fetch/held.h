/* The last blocks that came, in memory: all there is where no cache takes them, and otherwise for
 * the caller that had them brought, which then needs neither the cache's file nor another hash of
 * what was hashed a moment ago. It holds at most HELD_BLOCKS. */
#pragma once

#include <pthread.h>

#include "base/bytes.h"
#include "store/cid.h"

#define HELD_BLOCKS 64 /* of leaves 16 MiB: as many as are asked for ahead of a reader */

typedef struct held_block {
	emr_cid cid;
	emr_buf block; /* of no bytes: a free place */
	bool is_cached;
} held_block;

typedef struct held_blocks {
	pthread_mutex_t lock;
	held_block all[HELD_BLOCKS];
	size_t next;
} held_blocks; /* all zero, and the lock made */

/* The oldest gives way.  IS_CACHED: a cache has it, too. */
emr_status held_add(held_blocks *held, const emr_cid *cid, emr_bytes block, bool is_cached);
/* EMR_NOT_FOUND: it is not among them. A cached block is given away, with no copy made, when OUT is
 * empty. */
emr_status held_get(held_blocks *held, const emr_cid *cid, emr_buf *out);
/* Of how many bytes it is; 0: it is not among them. */
size_t held_size(held_blocks *held, const emr_cid *cid);
void held_drop(held_blocks *held); /* all of them */
