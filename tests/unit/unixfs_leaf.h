/* Tests ask by this for one leaf of a tree, without keeping anything. */
#pragma once

#include "store/unixfs.h"

static inline emr_status emr_unixfs_leaf_at(emr_block_store *store, const emr_cid *root,
	uint64_t padded_length, uint64_t leaf, emr_cid *out_leaf)
{
	emr_unixfs_tree *tree;
	emr_status status;

	EMR_TRY(emr_unixfs_tree_open(store, root, padded_length, EMR_UNIXFS_LEAF_LOG2, &tree));
	status = emr_unixfs_tree_leaf(tree, leaf, out_leaf, NULL);
	emr_unixfs_tree_close(tree);
	return status;
}
