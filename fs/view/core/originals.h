/* These functions remember what somebody else has signed and a program has read since the folder
 * was opened: whoever makes a copy has read what he copies. Kept in memory only, and no bytes of
 * it: how long it is, and a hash of how it begins. */
#pragma once

#include "node.h"

#define ORIGINALS_MAX 4096	 /* the latest read */
#define ORIGINAL_HEAD_BYTES 4096 /* enough to tell the slices of a series apart */

typedef struct original {
	emr_cid root;
	uint64_t node, size;
	emr_id32 head;
} original;

/* Without view->lock: READER, new, opens the content of N at ROOT, which another has signed. */
void originals_note(emr_view *view, const node *n, const emr_cid *root, emr_content_reader *reader);
/* The hash of how READER's content begins. */
emr_status originals_head(emr_content_reader *reader, emr_id32 *out_head);
/* Under view->lock: appends those that are SIZE bytes long. */
emr_status originals_of_size(const emr_view *view, uint64_t size, emr_buf *out);
