/* The client asks a Kubo node with these functions, one for each call of node.h. It refuses to
 * ask anything without a timeout of the node's own. */
#pragma once

#include "node_private.h"

/* The same for an answer of JSON objects; HOW gives the body, or is NULL. */
emr_status kubo_ask_lines(node_run *run, const char *command, const node_request *how,
	answer_line_fn take, void *arg);
/* The same for one JSON object, which the caller frees whatever is returned; *OUT_JSON is NULL
 * before. */
emr_status kubo_ask_one(node_run *run, const char *command, struct json_t **out_json);
emr_status kubo_nothing(void *arg, emr_bytes piece); /* takes an answer that is not looked at */

emr_status kubo_version(node_run *run, char out[EMR_IPFS_VERSION_BYTES]);
emr_status kubo_block(node_run *run, const emr_cid *cid, bool is_online, emr_buf *out);
emr_status kubo_window(node_run *run, const emr_ipfs_window *window);
emr_status kubo_push(node_run *run, const emr_ipfs_parcel *parcel);
emr_status kubo_holds(node_run *run, const emr_cid *root, emr_ipfs_holding *out_holding);
emr_status kubo_let_go(node_run *run, const emr_cid *root);
emr_status kubo_syncs(node_run *run, emr_ipfs_verdict *out);
emr_status kubo_examine(node_run *run, emr_ipfs_verdict out[EMR_IPFS_RULE_COUNT]);
emr_status kubo_each_pin(node_run *run, emr_ipfs_pin_visit visit, void *arg);
