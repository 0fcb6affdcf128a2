/* The directories that tie an exported file together: parts, each with a page of the catalogue and
 * the contents that it names, and nodes above them.  It refuses more links than one block has.
 *
 * Format: FORMAT.md. */
#pragma once

#include "store/unixfs.h"

#define EMR_CARRY_HEADER_BYTES 59 /* of a CAR with one root */

/* Appends the block of a directory of LINKS, called 000, 001 and so on, and of PAGE, called
 * catalogue (NULL: it has none).  EMR_LIMIT. */
emr_status carry_dir_encode(const emr_unixfs_link *links, size_t n, const emr_unixfs_link *page,
	emr_buf *out_block, emr_unixfs_link *out_dir);

typedef emr_status (*carry_emit)(void *arg, const emr_cid *cid, emr_bytes block);
/* Gives EMIT the nodes above PARTS (emr_unixfs_link), children first, until one is above all; a
 * part that is alone is the root.  PARTS is used up, and stays the caller's to free. */
emr_status carry_tree_finish(emr_buf *parts, carry_emit emit, void *arg, emr_cid *out_root);
