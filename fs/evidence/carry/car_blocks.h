/* These functions read a CAR file that any tool wrote, section by section or as a block store
 * that can only be read. They refuse a torn end, bytes that are not what their SHA-256 name
 * says, blocks over 2 MiB, and CARv2. */
#pragma once

#include "store/block_store.h"

typedef struct car_blocks car_blocks;

#define CAR_BLOCKS_MAX ((size_t)4 << 20)

/* The kind that a block looks like. Anybody can make one that looks so. */
typedef enum car_kind { CAR_OTHER, CAR_PAGE, CAR_BUNDLE } car_kind;

/* Reads FD, a regular file, from its beginning, checking every hash.  EMR_DAMAGED, EMR_LIMIT,
 * EMR_NEWER_FORMAT; EMR_INVALID: no regular file. */
emr_status car_blocks_open(int fd, car_blocks **out_blocks);
emr_block_store *car_blocks_face(car_blocks *blocks);
void car_blocks_close(car_blocks *blocks); /* NULL is fine */

/* Each block of that kind once, by CID.  Any other status than EMR_OK ends the walk and is
 * returned.
 */
typedef emr_status (*car_blocks_visit)(void *arg, const emr_cid *cid);
emr_status car_blocks_each(
	const car_blocks *blocks, car_kind kind, car_blocks_visit visit, void *arg);
