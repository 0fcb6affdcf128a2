/* These functions build and read files and directories as IPFS sees them: UnixFS over dag-pb,
 * balanced, raw leaves, at most 1,024 links a node. They refuse every tree but the one that `ipfs
 * add` would build for the same bytes: a decoder here accepts no second spelling, no unknown
 * field, no size it did not compute itself.
 *
 * Sources: ipld/specs dag-pb, ipfs/specs UnixFS, boxo ipld/unixfs/importer/balanced. */
#pragma once

#include "store/block_store.h"

#define EMR_UNIXFS_LINKS_MAX 1024
#define EMR_UNIXFS_NODE_MAX                                                                        \
	65536 /* bytes of one inner node of ours: 1,024 links need 60 KiB at most */
#define EMR_UNIXFS_HEIGHT_MAX 3 /* levels of inner nodes; with the directory above, depth 4 */
#define EMR_UNIXFS_LEAF_LOG2                                                                       \
	18 /* the one plaintext leaf size of format 1: 262,144 bytes, 262,400 sealed */

/* ---- The sizes that follow from a padded length ---- */

/* The stored (sealed) form of a content of PADDED_LENGTH plaintext bytes: 16 more bytes for each
 * chunk of 16,384. */
typedef struct emr_unixfs_shape {
	uint64_t padded_length;
	uint64_t sealed_bytes; /* of all leaves together */
	uint64_t leaves;       /* at least 1 */
	uint32_t leaf_bytes;   /* of every leaf but the last: 262,400 */
	uint32_t last_leaf_bytes;
	uint8_t height; /* 0: the content is one raw leaf; else levels of inner nodes */
} emr_unixfs_shape;

/* EMR_INVALID: a length no padding gives (0, or a multiple of 16,384); EMR_TOO_BIG: over 2^43 - 1;
 * EMR_NEWER_FORMAT: a leaf size other than EMR_UNIXFS_LEAF_LOG2. */
emr_status emr_unixfs_shape_of(
	uint64_t padded_length, uint8_t leaf_log2, emr_unixfs_shape *out_shape);
static inline uint32_t emr_unixfs_leaf_bytes(const emr_unixfs_shape *shape, uint64_t leaf)
{
	return leaf + 1 < shape->leaves ? shape->leaf_bytes : shape->last_leaf_bytes;
}

/* ---- Holes ---- */

/* A full leaf of zero bytes, EMR_UNIXFS_HOLE_BYTES of them, stands for plaintext that nobody ever
 * wrote.  No sealed leaf is that block: it would need sixteen tags of zeros.  Subtrees of it alone
 * are known by their CIDs, so a reader passes over them and a builder makes each of them once. */
#define EMR_UNIXFS_HOLE_BYTES 262400
#define EMR_UNIXFS_HOLE_LEVELS 3 /* a leaf, 1,024 of them, 1,024 of those */

/* The CID of the full subtree of nothing but holes that is LEVEL levels of nodes high, 0 for a
 * leaf. LEVEL is below EMR_UNIXFS_HOLE_LEVELS. */
emr_cid emr_unixfs_hole(unsigned level);
bool emr_unixfs_is_hole(const emr_cid *cid, unsigned level);

/* ---- Building ---- */

/* A child as its parent links it. */
typedef struct emr_unixfs_link {
	emr_cid cid;
	uint64_t file_bytes; /* file bytes below it */
	uint64_t tsize;	     /* its block and all blocks below, as serialized */
} emr_unixfs_link;

/* Receives each finished inner node, children before parents; BLOCK is valid during the call.  Not
 * EMR_OK: the builder stops and returns it. */
typedef emr_status (*emr_unixfs_emit)(void *context, const emr_cid *cid, emr_bytes block);

typedef struct emr_unixfs_builder emr_unixfs_builder;

/* Holds one open node per level: about 60 KiB each.  Not thread-safe. */
emr_status emr_unixfs_builder_new(
	emr_unixfs_emit emit, void *context, emr_unixfs_builder **out_builder);
/* The next leaf in file order: a raw block has file_bytes = tsize = its length. */
emr_status emr_unixfs_builder_add(emr_unixfs_builder *builder, const emr_unixfs_link *leaf);
/* The same COUNT times.  A repeated block of a run is emitted once, and a long run costs its
 * logarithm. */
emr_status emr_unixfs_builder_add_run(
	emr_unixfs_builder *builder, const emr_unixfs_link *leaf, uint64_t count);
/* Closes all levels; one leaf is its own root.  EMR_INVALID without leaves.  Only free may follow.
 */
emr_status emr_unixfs_builder_finish(emr_unixfs_builder *builder, emr_unixfs_link *out_root);
void emr_unixfs_builder_free(emr_unixfs_builder *builder); /* NULL is fine */

#define EMR_AUTO_UNIXFS_BUILDER                                                                    \
	__attribute__((cleanup(emr_unixfs_builder_auto_free))) emr_unixfs_builder *
EMR_AUTO_CALL(emr_unixfs_builder_auto_free, emr_unixfs_builder *, emr_unixfs_builder_free);

typedef struct emr_unixfs_entry {
	const char *name; /* 1..255 bytes */
	emr_cid cid;
	uint64_t tsize;
} emr_unixfs_entry;

/* Appends the dag-pb block of a directory of exactly these names, sorted by this function; at most
 * 1,024. EMR_EXISTS for two equal names; EMR_BAD_NAME.  out_dir->file_bytes is 0. */
emr_status emr_unixfs_dir_encode(const emr_unixfs_entry *entries, size_t count, emr_buf *out_block,
	emr_unixfs_link *out_dir);

/* ---- The bundle: a directory with exactly `c` (content) and `m` (header and manifest, one raw
 * block) ---- */

typedef struct emr_unixfs_bundle {
	emr_cid content;
	uint64_t content_tsize;
	emr_cid manifest;
	uint64_t manifest_bytes; /* 100 + tag .. EMR_BLOCK_MAX */
} emr_unixfs_bundle;

emr_status emr_unixfs_bundle_encode(
	const emr_unixfs_bundle *bundle, emr_buf *out_block, emr_unixfs_link *out_dir);
/* EMR_DAMAGED unless BLOCK is byte for byte what encode makes.  The caller has checked BLOCK
 * against its CID, and compares content_tsize with emr_unixfs_tsize_of once it knows the padded
 * length. */
emr_status emr_unixfs_bundle_decode(emr_bytes block, emr_unixfs_bundle *out_bundle);
/* The only Tsize that the content of this shape can have. */
uint64_t emr_unixfs_tsize_of(const emr_unixfs_shape *shape);

/* ---- Reading: leaf number -> CID ---- */

typedef struct emr_unixfs_tree emr_unixfs_tree;

/* Checks that ROOT can be the content of that shape (raw if and only if it is one leaf); reads
 * nothing yet. */
emr_status emr_unixfs_tree_open(emr_block_store *store, const emr_cid *root, uint64_t padded_length,
	uint8_t leaf_log2, emr_unixfs_tree **out_tree);
const emr_unixfs_shape *emr_unixfs_tree_shape(const emr_unixfs_tree *tree);
/* Fetches (hash-checked) and keeps the inner nodes on the way; the root and the last 8 others stay
 * decoded, about 36 KiB each.  EMR_LIMIT: no such leaf; EMR_DAMAGED: a node that is not the one
 * node possible here; EMR_NOT_FOUND: a node the store lacks, named in *out_missing (may be NULL).
 * Thread-safe. */
emr_status emr_unixfs_tree_leaf(
	emr_unixfs_tree *tree, uint64_t leaf, emr_cid *out_leaf, emr_cid *out_missing);
/* The first leaf at or after LEAF that is no hole, or with WANTS_HOLE the first that is one; the
 * number of leaves when none is.  Passes over subtrees of holes without reading them.  Statuses as
 * emr_unixfs_tree_leaf's. */
emr_status emr_unixfs_tree_seek(emr_unixfs_tree *tree, uint64_t leaf, bool wants_hole,
	uint64_t *out_leaf, emr_cid *out_missing);
void emr_unixfs_tree_close(emr_unixfs_tree *tree); /* NULL is fine */

/* ---- Runs: leaves that follow each other in one file ---- */

#define EMR_UNIXFS_RUN_MAX 24

/* Which blocks these are follows from the tree; so a reader who gets their bytes, one behind the
 * other, knows where each ends and what its hash is. */
typedef struct emr_unixfs_run {
	emr_cid root; /* the file */
	uint64_t at;  /* where the first of them begins in it */
	emr_cid leaves[EMR_UNIXFS_RUN_MAX];
	size_t count;
	uint32_t leaf_bytes, last_bytes; /* of each but the last, which may end the file */
} emr_unixfs_run;

static inline uint32_t emr_unixfs_run_bytes(const emr_unixfs_run *run, size_t i)
{
	return i + 1 < run->count ? run->leaf_bytes : run->last_bytes;
}
/* *OUT: COUNT leaves of RUN from number FROM on, COUNT not 0. */
static inline void emr_unixfs_run_part(
	const emr_unixfs_run *run, size_t from, size_t count, emr_unixfs_run *out)
{
	out->root = run->root;
	out->at = run->at + from * (uint64_t)run->leaf_bytes;
	memcpy(out->leaves, run->leaves + from, count * sizeof *out->leaves);
	out->count = count;
	out->leaf_bytes = run->leaf_bytes;
	out->last_bytes = emr_unixfs_run_bytes(run, from + count - 1);
}
