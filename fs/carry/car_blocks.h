/* This shows the blocks of a CAR file through the common face of a store, for reading. It
 * refuses to be written. */
#pragma once

#include "store/block_store.h"

typedef struct car_blocks car_blocks;

#define CAR_BLOCKS_MAX ((size_t)4 << 20)

/* Reads FD from its beginning, checking every hash.  ROOTS: room for EMR_CAR_ROOTS_MAX.
 * EMR_DAMAGED, EMR_LIMIT, EMR_NEWER_FORMAT. */
emr_status car_blocks_open(int fd, emr_cid *out_roots, size_t *out_count, car_blocks **out_blocks);
emr_block_store *car_blocks_face(car_blocks *blocks);
void car_blocks_close(car_blocks *blocks); /* NULL is fine */
