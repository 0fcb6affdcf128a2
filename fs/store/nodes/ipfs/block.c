/* This file takes one block out of an answer: not longer than a block may be, and believed only
 * when it has the hash that was asked for. */
#include "node_private.h"

emr_status node_block_take(void *arg, emr_bytes piece)
{
	node_block *block = arg;

	if (block->bytes.len + piece.len > EMR_BLOCK_MAX)
		return node_run_fail(block->run, EMR_IPFS_TOO_LARGE, "a block over 2 MiB");
	return emr_buf_append(&block->bytes, piece.data, piece.len);
}

emr_status node_block_end(node_block *block, emr_status status, emr_buf *out)
{
	emr_bytes bytes = emr_buf_view(&block->bytes);

	if (status == EMR_OK && emr_cid_verify(block->cid, bytes) != EMR_OK)
		status = bytes.len == 0
				 ? node_run_fail(block->run, EMR_IPFS_BROKEN_OFF, "an empty answer")
				 : node_run_fail(block->run, EMR_IPFS_BAD_BLOCK, "");
	if (status == EMR_OK) {
		status = emr_buf_append(out, bytes.data, bytes.len);
		if (status != EMR_OK)
			status = node_run_fail_here(block->run, status);
	}
	emr_buf_free(&block->bytes);
	return status;
}
