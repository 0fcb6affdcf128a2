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

/* A reader on what was sealed a moment ago with CIPHER, which it takes: nothing needs to be checked
 * again. */
emr_status record_reader_of_sealed(emr_record_ctx *ctx, const emr_content *content,
	emr_chunk_cipher *cipher, emr_content_reader **out_reader);
