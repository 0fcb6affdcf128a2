/* A load is what one import carries: every block below some roots, each once, from the local
 * store. It holds no bytes: a block is read only when it is sent, and judged again by this
 * computer's tags or its hash. */
#pragma once

#include "ipfs/node.h"
#include "store/car_store.h"

#define LOAD_BYTES ((uint64_t)63 << 20)	 /* of what any node is given */
#define LOAD_BYTES_NEAR (4 * LOAD_BYTES) /* of what one of this computer is given at once */
#define LOAD_BYTES_MAX                                                                             \
	(EMR_IPFS_CAR_MAX - ((uint64_t)1 << 20)) /* of a fast one; the header has room beside it   \
						  */

typedef struct load {
	emr_store *store;
	emr_buf roots; /* of emr_cid */
	emr_buf cids;  /* of emr_cid, in the order of the trees; each once after load_seal */
	uint64_t bytes, room;
	emr_buf made; /* a block that is no record's and goes first; empty: none */
	emr_cid made_cid;
	size_t at;		  /* how many were given */
	emr_buf block;		  /* the last one */
	void (*await)(void *arg); /* before each block; NULL: nobody is waited for */
	void *await_arg;
	_Atomic uint64_t *given; /* counts the bytes of blocks that were given; NULL: nobody does */
	uint64_t gave;		 /* of these by this load */
} load;

void load_free(load *l);
/* With everything below ROOT.  *OUT_FITS false: it would be too much; then it is as before, and
 * *OUT_BYTES is how large ROOT alone is.  EMR_MISSING_DATA, EMR_DAMAGED: of ROOT. */
emr_status load_add(load *l, const emr_cid *root, bool *out_fits, uint64_t *out_bytes);
void load_gives(load *l, uint64_t bytes);
/* The parcel lives as long as L. */
emr_status load_seal(load *l, emr_ipfs_parcel *out_parcel);

/* ---- A record that is too large for one import goes in pieces: raw leaves below a node that is
 * made for them, and in the end all other blocks, as soon as they have room, below the record's own
 * root. ---- */

typedef struct pieces {
	emr_cid root;
	emr_buf leaves, nodes; /* of emr_cid */
	size_t at;	       /* the first leaf that is in no piece yet */
	uint64_t left;	       /* bytes of what is in no piece yet */
} pieces;

void pieces_free(pieces *p);
emr_status pieces_of(emr_store *store, const emr_cid *root, pieces *out);
/* L gets the next piece: LOAD_BYTES of leaves, whatever room there is, so that its root is the same
 * each time. *OUT_MORE false: L is the last, of the record's own root. */
emr_status pieces_next(pieces *p, load *l, bool *out_more);
