/* These functions read and write one dag-pb node: its links, then its data. They refuse any
 * encoding but the canonical one, and fields it does not know.
 *
 * Wire form (ipld/specs dag-pb, as boxo writes it): each link `12 len { 0a 24 cid | 12 len name |
 * 18 tsize }`, the name always there even when empty; then `0a len data`.  Varints are shortest
 * form. */
#pragma once

#include "store/cid.h"

#define EMR_DAG_PB_LINKS_MAX 1024

typedef struct emr_dag_pb_link {
	emr_cid cid;
	emr_bytes name; /* inside the block */
	uint64_t tsize;
} emr_dag_pb_link;

typedef struct emr_dag_pb_cursor {
	emr_bytes rest;
	size_t links;
} emr_dag_pb_cursor;

/* Walks a block: *out_more says whether *out_link was filled; at the end *out_data (inside the
 * block) is set. EMR_DAMAGED for anything not canonical, links over the maximum included.
 * Iterative, no allocation. */
emr_dag_pb_cursor emr_dag_pb_begin(emr_bytes block);
emr_status emr_dag_pb_next(
	emr_dag_pb_cursor *cursor, bool *out_more, emr_dag_pb_link *out_link, emr_bytes *out_data);

emr_status emr_dag_pb_write_link(emr_buf *out, const emr_cid *cid, emr_bytes name, uint64_t tsize);
emr_status emr_dag_pb_write_data(emr_buf *out, emr_bytes data);
