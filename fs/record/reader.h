/* This is the reader of contents as working copies use it. It is private to the module and
 * refuses nothing that content.h does not. */
#pragma once

#include "ctx.h"
#include "store/unixfs.h"

struct emr_content_reader {
	emr_record_ctx *ctx;
	_Atomic unsigned owners;
	emr_content content;
	emr_chunk_cipher *cipher;
	emr_unixfs_tree *tree;
};

/* The first leaf at or after LEAF that is stored, or with WANTS_HOLE a hole; the number of leaves
 * when there is none. EMR_MISSING_DATA names the inner block in *out_missing (may be NULL). */
emr_status record_reader_next(emr_content_reader *reader, uint64_t leaf, bool wants_hole,
	uint64_t *out_leaf, emr_cid *out_missing);
/* The answer of lseek(2) for a file of SIZE bytes in which LEAF was found by a look from OFFSET on.
 */
emr_status record_seek_to(
	uint64_t size, uint64_t offset, uint64_t leaf, bool wants_hole, uint64_t *out_offset);
/* A reader on what was sealed a moment ago with CIPHER, which it takes: nothing needs to be checked
 * again. */
emr_status record_reader_of_sealed(emr_record_ctx *ctx, const emr_content *content,
	emr_chunk_cipher *cipher, emr_content_reader **out_reader);
