/* The journal keeps a row of each node that differs from the ledger, and of each published name
 * that went away. This is what such a row holds, and its bytes. */
#pragma once

#include "node.h"

enum {
	ROW_IS_DOMAIN = 1,
	ROW_HAS_PLACE = 2,
	ROW_HAS_CONTENT = 4, /* frozen, not published */
	ROW_HAS_STAGING = 8, /* a working copy in the spill */
	ROW_META_DIRTY = 16,
	ROW_CONTENT_DIRTY = 32,
	ROW_IS_INBOX = 64,
	ROW_IS_RESTORED = 128, /* the content is an earlier version's */
	ROW_IS_FOREIGN = 256,  /* it lies in another's domain */
	ROW_IS_PROMISED = 512, /* a flush has covered the working copy up to a mark */
	ROW_IS_FORMER = 1024,  /* a backup: its record went on under the former name */
};

typedef struct node_row {
	uint8_t type;
	uint16_t flags;
	uint64_t change;
	emr_id16 parent;  /* zero: the top itself */
	emr_id16 next_id; /* zero, or the object id it gets in the domain it was moved to */
	uint16_t mode;
	uint64_t ino;
	uint64_t size;
	int64_t mtime_ns, ctime_ns;
	emr_bytes name, target, attributes; /* borrowed */
	emr_place place;
	emr_content content;
	emr_id16 staging;
	uint64_t promised; /* the number of that mark */
	emr_place restored;
	emr_id16 domain; /* with ROW_IS_FOREIGN: PARENT is a directory of that domain */
} node_row;

emr_status row_encode(const node_row *row, emr_buf *out);
/* Borrows from BYTES. */
emr_status row_decode(emr_bytes bytes, node_row *out_row);
/* The name of DIRECTORY in rows: its object id. */
emr_id16 row_directory(const node *directory);
/* The row that describes N as it is now. */
node_row row_of_node(const node *n);

typedef struct vacated_row {
	emr_place place;
	emr_id16 directory;
	uint8_t type;
	bool may_be_adopted;
	emr_bytes name;
} vacated_row;

emr_status vacated_encode(const vacated_row *row, emr_buf *out);
emr_status vacated_decode(emr_bytes bytes, vacated_row *out_row);
