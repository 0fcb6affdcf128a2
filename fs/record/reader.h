/* The reader as the staging uses it.  Private to the module; refuses nothing that content.h does
 * not. */
#pragma once

#include "ctx.h"
#include "store/unixfs.h"

#define READER_SLOTS 3
#define READER_RUN_BEFORE_PREFETCH                                                                 \
	2 /* reads that follow each other before leaves are opened ahead */

/* QUEUED: nobody works on it yet, so nobody waits for it. */
typedef enum reader_slot_state {
	SLOT_EMPTY,
	SLOT_QUEUED,
	SLOT_LOADING,
	SLOT_READY
} reader_slot_state;

/* A leaf opened ahead. */
typedef struct reader_slot {
	record_job job;
	struct emr_content_reader *reader;
	reader_slot_state state;
	uint64_t leaf;
	uint64_t last_use; /* for choosing whom to replace */
	unsigned readers;  /* copying from it now: not replaced */
	uint8_t *plain;	   /* EMR_LEAF_BYTES; kept while not empty */
	size_t len;
} reader_slot;

struct emr_content_reader {
	emr_record_ctx *ctx;
	_Atomic unsigned owners;
	emr_content content;
	emr_chunk_cipher *cipher;
	emr_unixfs_tree *tree;

	pthread_mutex_t lock; /* all below; nothing is read or opened under it */
	pthread_cond_t loaded;
	uint64_t next_offset;
	uint64_t uses;
	unsigned run;
	reader_slot slots[READER_SLOTS];
};

/* As emr_content_reader_read, but opens nothing ahead and waits for no worker: for callers that may
 * be one. */
emr_status record_reader_read_direct(
	emr_content_reader *reader, uint64_t offset, uint8_t *out, size_t len, size_t *out_got);

/* A reader on what was sealed a moment ago with CIPHER, which it takes: nothing needs to be checked
 * again. */
emr_status record_reader_of_sealed(emr_record_ctx *ctx, const emr_content *content,
	emr_chunk_cipher *cipher, emr_content_reader **out_reader);
