/* These functions write the records of a working copy into its spill, one function for each kind
 * of record. The caller decides their order. */
#pragma once

#include "spill_log.h"

emr_status spill_write_base(emr_staging *st, spill_file *spill);
emr_status spill_write_cut(spill_file *spill, uint64_t size);
emr_status spill_write_mark(emr_staging *st, spill_file *spill, int64_t mtime_ns);

/* Sealed leaves of one key life on their way into a LEAVES record.  Zeroed is empty; its owner
 * frees the buffer. */
typedef struct spill_leaf_list {
	const key_life *life;
	emr_buf leaves;
	uint32_t count;
} spill_leaf_list;

/* Adds the leaf below B; writes the list out first when it is full or of another run. */
emr_status spill_list_leaf(
	emr_staging *st, spill_file *spill, spill_leaf_list *list, const bucket *b);
/* Writes and empties the list; nothing for an empty one. */
emr_status spill_write_leaves(emr_staging *st, spill_file *spill, spill_leaf_list *list);

#define SPILL_PIECES_MAX (EMR_LEAF_BYTES / SPILL_PAYLOAD_MAX + 1)

/* Appends LEN bytes from FROM of the leaf as records; *out_count pieces. */
emr_status spill_write_bytes(spill_file *spill, const bucket *b, uint32_t from,
	const uint8_t *bytes, uint32_t len, extent pieces[SPILL_PIECES_MAX], uint32_t *out_count);

/* A new file with the present state and its mark takes the place of the old one, on the disk when
 * it returns. */
emr_status spill_rewrite(emr_staging *st, int64_t mtime_ns);
