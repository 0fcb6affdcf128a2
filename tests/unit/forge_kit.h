/* A person who has the key of a content, and may write in the directory of blocks, changes a word
 * of it where it lies: this kit opens a chunk with a reader's knowledge, seals it again under the
 * same key and nonce, so that its tag fits, and writes it over the old one. A failed step fails the
 * test. */
#pragma once

#include "emr_test.h"

#include <sys/types.h>

#include "record/content.h"

/* WORD at OFFSET of the content that HIS reader opens, in the segments in BLOCKS; all of it in one
 * chunk. */
void forge(const emr_content_reader *his, const char *blocks, uint64_t offset, const char *word);

/* The same again and again: finds the place while the block still is what it was. */
typedef struct forger {
	const emr_content_reader *his;
	uint64_t offset;
	int fd;	  /* of the segment */
	off_t at; /* of the sealed chunk */
} forger;

void forger_begin(forger *f, const emr_content_reader *his, const char *blocks, uint64_t offset);
void forger_write(forger *f, const char *word);
void forger_end(forger *f);
