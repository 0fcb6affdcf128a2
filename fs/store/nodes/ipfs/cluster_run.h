/* These functions ask a cluster for node.c and say how its answers are read. They refuse an
 * answer that is about something else than was asked. */
#pragma once

#include "ipfs/cluster.h"
#include "node_private.h"

emr_status cluster_version(node_run *run, char out[EMR_IPFS_VERSION_BYTES]);
emr_status cluster_let_go(node_run *run, const emr_cid *root);

/* Each reads all of an answer; SAID (EMR_IPFS_SAID_BYTES) is why it does not count, of the first
 * also the version.  (cluster_answers.c) */
emr_ipfs_fault answer_cluster_version(emr_bytes text, char *said);
emr_ipfs_fault answer_cluster_pin(emr_bytes text, const emr_cid *root, char *said);
emr_ipfs_fault answer_cluster_pinning(
	emr_bytes text, const emr_cid *root, emr_ipfs_pinning *out_pinning);
