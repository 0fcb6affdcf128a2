/* A block store, served as an IPFS node: what `fs/store/nodes/ipfs` asks of Kubo by its RPC, and
 * what anybody asks of a trustless gateway. It asks no other node: a block that it has not got is
 * missing.
 *
 * It refuses every client that MAY refuses, blocks that are not what their names say, and trees
 * that are not whole; and it lets go of a root only for a client that has pinned it. A sent block
 * that is below no pin is removed by the next reclaim.
 *
 * Sources: kubo core/commands (RPC v0), ipfs/specs http-gateways/trustless-gateway. */
#pragma once

#include "http/serve.h"
#include "store/block_store.h"

typedef struct emr_node emr_node; /* thread-safe */

typedef struct emr_node_options {
	emr_block_store *store; /* borrowed */
	emr_id16 id;		/* of this store: clients that see another one ask again */
	int spool_dirfd;	/* where a CAR is kept until it is read; borrowed */
	uint64_t car_max;	/* bytes of one; 0 = 513 MiB */
	/* Finds out who asks, into call->asks, and lets go of ROOT, a CID, unless that is empty;
	 * NULL: everybody may, and is one. */
	emr_status (*may)(void *arg, emr_serve_call *call, emr_bytes root);
	void *may_arg;
} emr_node_options;

emr_status emr_node_new(const emr_node_options *options, emr_node **out_node);
void emr_node_free(emr_node *node); /* NULL is fine; the server has been stopped */
/* To be served, with the node. */
extern const emr_serve_route emr_node_routes[];

/* CALL, one of these, leaves blocks here. */
bool emr_node_stores(const emr_serve_call *call);

/* Between the two no import is under way and none begins, so that a reclaim can say
 * before which place of the store everything that is kept is pinned.  They wait meanwhile: for a
 * moment. */
void emr_node_still(emr_node *node);
void emr_node_go_on(emr_node *node);
/* How many pins members have let go since the node was made. */
uint64_t emr_node_dropped(const emr_node *node);
