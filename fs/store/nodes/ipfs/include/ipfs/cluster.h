/* These functions ask an IPFS Cluster to have so many of its peers pin a root, which of them say
 * that they have, and to let go. They refuse to count anything but peers that say "pinned" of
 * this very root, and two peers that stand before one node count once. It carries no blocks:
 * those go to a node that belongs to the cluster.
 *
 * A cluster is opened by emr_ipfs_open as EMR_IPFS_CLUSTER; emr_ipfs_version and emr_ipfs_let_go
 * speak to it, too, and everything else of node.h is EMR_UNSUPPORTED.
 *
 * Source: ipfs-cluster api/rest, api/types (1.1.6). */
#pragma once

#include "ipfs/node.h"

#define EMR_IPFS_PEERS_MAX 1000 /* of one cluster */

/* CLUSTER, with whatever it answers, is what NODE belongs to, and becomes NODE's: it is closed with
 * it.  COPIES: how many of its peers are to pin each root, at least 1.  Before
 * the first call of NODE. */
void emr_ipfs_join(emr_ipfs *node, emr_ipfs *cluster, unsigned copies);
emr_ipfs *emr_ipfs_cluster(const emr_ipfs *node); /* NULL: it belongs to none */
unsigned emr_ipfs_copies(const emr_ipfs *node);	  /* as above; 1: it belongs to none */

/* Has COPIES peers pin ROOT, or as many as there are.  EMR_OK: it is written down there; nobody has
 * pinned it yet.  For what is pinned already it asks those who failed again. */
emr_status emr_ipfs_cluster_pin(
	emr_ipfs *cluster, emr_ipfs_call *call, const emr_cid *root, unsigned copies);

typedef struct emr_ipfs_pinning {
	unsigned pinned;		/* nodes that have it, by the word of their peers */
	unsigned underway;		/* peers that are to pin it or do */
	unsigned failed;		/* peers that could not, or do not answer the cluster */
	char said[EMR_IPFS_SAID_BYTES]; /* why, by the first of those */
} emr_ipfs_pinning;

/* The answer of its peers about ROOT.  All zero: the cluster does not know it. */
emr_status emr_ipfs_cluster_look(
	emr_ipfs *cluster, emr_ipfs_call *call, const emr_cid *root, emr_ipfs_pinning *out_pinning);
