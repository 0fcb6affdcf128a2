/* This is what building and reading a UnixFS file node share. Nothing outside fs/store includes
 * it. */
#pragma once

#include "store/unixfs.h"

/* Appends `08 02 18 total`, the data of a file node before its block sizes. */
emr_status emr_unixfs_write_file_data(emr_buf *out, uint64_t file_bytes);
/* Appends `20 bytes`, one child's block size. */
emr_status emr_unixfs_write_block_size(emr_buf *out, uint64_t file_bytes);

/* A subtree of LEAVES leaves, LEVEL levels of nodes high, whose last leaf has LAST bytes and all
 * others LEAF. */
typedef struct emr_unixfs_sizes {
	uint64_t file_bytes;
	uint64_t tsize;
} emr_unixfs_sizes;
emr_unixfs_sizes emr_unixfs_sizes_of(unsigned level, uint64_t leaves, uint32_t leaf, uint32_t last);
/* 1024 to the power LEVEL: the leaves of a full subtree. */
uint64_t emr_unixfs_capacity(unsigned level);
