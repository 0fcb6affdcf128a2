/* This file finds the block of a given piece in a UnixFS tree, through inner nodes that it
 * checks and keeps for a while. It refuses a node that is not the only possible one at its
 * place. */
#include "unixfs_private.h"

#include <pthread.h>
#include <stdlib.h>

#include "store/dag_pb.h"

/* The author of a tree can claim terabytes of data in a few blocks. A hole behind so many leaves
 * (32 GiB) of data is not looked for: "no hole" is a true answer to SEEK_HOLE, and costs no more
 * than zeros that are read. */
#define DATA_RUN_MAX ((uint64_t)1 << 17)
#define CACHED_NODES 8

/* An inner node as its children's CIDs; LEVEL 1 is just above the leaves, INDEX counts from the
 * left. */
typedef struct node {
	emr_cid *children; /* EMR_UNIXFS_LINKS_MAX of them; NULL = free slot */
	unsigned level;
	uint64_t index;
	size_t count;
	uint64_t used; /* for the least recently used one */
} node;

struct emr_unixfs_tree {
	emr_block_store *store;
	emr_cid root;
	emr_unixfs_shape shape;
	pthread_mutex_t lock; /* protects all below */
	node root_node;
	node nodes[CACHED_NODES];
	uint64_t tick;
};

/* Leaves below node (LEVEL, INDEX). */
static uint64_t leaves_below(const emr_unixfs_shape *shape, unsigned level, uint64_t index)
{
	uint64_t capacity = emr_unixfs_capacity(level);
	uint64_t first = index * capacity;

	return shape->leaves - first < capacity ? shape->leaves - first : capacity;
}

static emr_unixfs_sizes sizes_at(const emr_unixfs_shape *shape, unsigned level, uint64_t index)
{
	uint64_t leaves = leaves_below(shape, level, index);
	bool at_end = index * emr_unixfs_capacity(level) + leaves == shape->leaves;

	return emr_unixfs_sizes_of(level, leaves, shape->leaf_bytes,
		at_end ? shape->last_leaf_bytes : shape->leaf_bytes);
}

/* The one UnixFS data field possible for this node. */
static emr_status expected_data(const emr_unixfs_shape *shape, const node *at, emr_buf *out)
{
	emr_status status =
		emr_unixfs_write_file_data(out, sizes_at(shape, at->level, at->index).file_bytes);

	for (size_t i = 0; status == EMR_OK && i < at->count; i++) {
		uint64_t child = at->index * EMR_UNIXFS_LINKS_MAX + i;

		status = emr_unixfs_write_block_size(
			out, sizes_at(shape, at->level - 1, child).file_bytes);
	}
	return status;
}

static bool link_fits(
	const emr_unixfs_shape *shape, const node *at, size_t i, const emr_dag_pb_link *link)
{
	emr_codec codec = at->level == 1 ? EMR_CODEC_RAW : EMR_CODEC_DAG_PB;
	uint64_t child = at->index * EMR_UNIXFS_LINKS_MAX + i;

	return i < at->count && link->name.len == 0 && emr_cid_codec(&link->cid) == codec &&
	       link->tsize == sizes_at(shape, at->level - 1, child).tsize;
}

/* Fills AT->children from BLOCK; level and index are set. */
static emr_status decode_node(const emr_unixfs_shape *shape, node *at, emr_bytes block)
{
	emr_dag_pb_cursor cursor = emr_dag_pb_begin(block);
	uint64_t below = emr_unixfs_capacity(at->level - 1);
	EMR_AUTO_BUF expected = {0};
	emr_bytes data = {0};

	at->count = (size_t)((leaves_below(shape, at->level, at->index) + below - 1) / below);
	for (size_t i = 0;; i++) {
		emr_dag_pb_link link;
		bool more;

		EMR_TRY(emr_dag_pb_next(&cursor, &more, &link, &data));
		if (!more && i == at->count)
			break;
		if (!more || !link_fits(shape, at, i, &link))
			return EMR_DAMAGED;
		at->children[i] = link.cid;
	}
	EMR_TRY(expected_data(shape, at, &expected));
	return emr_bytes_equal(data, emr_buf_view(&expected)) ? EMR_OK : EMR_DAMAGED;
}

static emr_status fetch_node(
	emr_unixfs_tree *tree, const emr_cid *cid, node *into, emr_cid *out_missing)
{
	EMR_AUTO_BUF block = {0};
	emr_status status;
	uint64_t bytes;

	status = emr_block_store_size(tree->store, cid, &bytes);
	if (status == EMR_OK && bytes > EMR_UNIXFS_NODE_MAX)
		return EMR_DAMAGED;
	if (status == EMR_OK)
		status = emr_block_store_get_verified(tree->store, cid, &block);
	if (status == EMR_NOT_FOUND && out_missing != NULL)
		*out_missing = *cid;
	if (status != EMR_OK)
		return status;
	if (into->children == NULL)
		into->children = malloc(EMR_UNIXFS_LINKS_MAX * sizeof(emr_cid));
	if (into->children == NULL)
		return EMR_NO_MEMORY;
	return decode_node(&tree->shape, into, emr_buf_view(&block));
}

static node *find_cached(emr_unixfs_tree *tree, unsigned level, uint64_t index)
{
	for (size_t i = 0; i < CACHED_NODES; i++) {
		node *at = &tree->nodes[i];

		if (at->count > 0 && at->level == level && at->index == index)
			return at;
	}
	return NULL;
}

static node *oldest(emr_unixfs_tree *tree)
{
	node *best = &tree->nodes[0];

	for (size_t i = 1; i < CACHED_NODES; i++)
		if (tree->nodes[i].used < best->used)
			best = &tree->nodes[i];
	return best;
}

/* The decoded node (LEVEL, INDEX) named CID; call with the lock held. */
static emr_status node_at(emr_unixfs_tree *tree, unsigned level, uint64_t index, const emr_cid *cid,
	node **out_node, emr_cid *out_missing)
{
	bool is_root = level == tree->shape.height;
	node *at = is_root ? &tree->root_node : find_cached(tree, level, index);
	emr_status status;

	if (at == NULL || at->count == 0) {
		at = is_root ? at : oldest(tree);
		at->count = 0;
		at->level = level;
		at->index = index;
		status = fetch_node(tree, cid, at, out_missing);
		if (status != EMR_OK) {
			at->count = 0;
			return status;
		}
	}
	at->used = ++tree->tick;
	*out_node = at;
	return EMR_OK;
}

/* The facts about LEAF once its way down is known: its CID, and with IS_HOLE that all before NEXT
 * are holes, too. */
typedef struct found {
	emr_cid cid;
	bool is_hole;
	uint64_t next;
} found;

/* Call with the lock held.  A subtree of holes is not read: only the last leaf is shorter than
 * others, so whatever ends before it is full. */
static emr_status descend(emr_unixfs_tree *tree, uint64_t leaf, found *out, emr_cid *out_missing)
{
	emr_cid cid = tree->root;

	for (unsigned level = tree->shape.height; level > 0; level--) {
		uint64_t below = emr_unixfs_capacity(level - 1), child = leaf / below;
		node *at;

		EMR_TRY(node_at(
			tree, level, leaf / emr_unixfs_capacity(level), &cid, &at, out_missing));
		cid = at->children[child % EMR_UNIXFS_LINKS_MAX];
		if (!emr_unixfs_is_hole(&cid, level - 1))
			continue;
		if ((child + 1) * below >= tree->shape.leaves)
			return EMR_DAMAGED;
		*out = (found){emr_unixfs_hole(0), true, (child + 1) * below};
		return EMR_OK;
	}
	*out = (found){cid, false, leaf + 1};
	return EMR_OK;
}

emr_status emr_unixfs_tree_open(emr_block_store *store, const emr_cid *root, uint64_t padded_length,
	uint8_t leaf_log2, emr_unixfs_tree **out_tree)
{
	emr_unixfs_shape shape;
	emr_unixfs_tree *tree;

	EMR_TRY(emr_unixfs_shape_of(padded_length, leaf_log2, &shape));
	if (emr_cid_codec(root) != (shape.height == 0 ? EMR_CODEC_RAW : EMR_CODEC_DAG_PB))
		return EMR_DAMAGED;
	tree = calloc(1, sizeof *tree);
	if (tree == NULL)
		return EMR_NO_MEMORY;
	if (pthread_mutex_init(&tree->lock, NULL) != 0) {
		free(tree);
		return EMR_NO_MEMORY;
	}
	tree->store = store;
	tree->root = *root;
	tree->shape = shape;
	*out_tree = tree;
	return EMR_OK;
}

const emr_unixfs_shape *emr_unixfs_tree_shape(const emr_unixfs_tree *tree)
{
	return &tree->shape;
}

emr_status emr_unixfs_tree_leaf(
	emr_unixfs_tree *tree, uint64_t leaf, emr_cid *out_leaf, emr_cid *out_missing)
{
	emr_status status;
	found at;

	if (leaf >= tree->shape.leaves)
		return EMR_LIMIT;
	pthread_mutex_lock(&tree->lock);
	status = descend(tree, leaf, &at, out_missing);
	pthread_mutex_unlock(&tree->lock);
	if (status == EMR_OK)
		*out_leaf = at.cid;
	return status;
}

emr_status emr_unixfs_tree_seek(emr_unixfs_tree *tree, uint64_t leaf, bool wants_hole,
	uint64_t *out_leaf, emr_cid *out_missing)
{
	emr_status status = EMR_OK;
	uint64_t leaves_of_data = 0;
	found at;

	pthread_mutex_lock(&tree->lock);
	while (leaf < tree->shape.leaves) {
		if (wants_hole && leaves_of_data++ == DATA_RUN_MAX) {
			leaf = tree->shape.leaves;
			break;
		}
		status = descend(tree, leaf, &at, out_missing);
		if (status != EMR_OK || at.is_hole == wants_hole)
			break;
		leaf = at.next;
	}
	pthread_mutex_unlock(&tree->lock);
	if (status == EMR_OK)
		*out_leaf = leaf < tree->shape.leaves ? leaf : tree->shape.leaves;
	return status;
}

void emr_unixfs_tree_close(emr_unixfs_tree *tree)
{
	if (tree == NULL)
		return;
	for (size_t i = 0; i < CACHED_NODES; i++)
		free(tree->nodes[i].children);
	free(tree->root_node.children);
	pthread_mutex_destroy(&tree->lock);
	free(tree);
}
