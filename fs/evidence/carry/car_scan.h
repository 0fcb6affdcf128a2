/* The sections of a CAR that any tool wrote: whatever its roots, whatever else is in it.  It
 * refuses a torn end, bytes that are not what their SHA-256 name says, blocks over 2 MiB, and
 * CARv2. */
#pragma once

#include "store/block_store.h"

/* OFFSET: of the block's first byte in the file. */
typedef emr_status (*car_section_fn)(void *arg, const emr_block *block, uint64_t offset);

/* Reads FD, a regular file, from its beginning to its end; FN gets the raw and dag-pb blocks, in
 * order, what has another kind of name is passed over.  *OUT_END: bytes of the file.  EMR_DAMAGED,
 * EMR_LIMIT, EMR_NEWER_FORMAT, or what FN says. */
emr_status car_scan(int fd, car_section_fn fn, void *arg, uint64_t *out_end);
