/* This file reads from a trustless gateway, which is any IPFS node that speaks HTTP: one block a
 * request, verified here. */
#include "gateway.h"

#include <stdio.h>

emr_status gateway_block(node_run *run, const emr_cid *cid, emr_buf *out)
{
	char text[EMR_CID_TEXT_CHARS + 1], path[128];
	node_block block = {.run = run, .cid = cid};
	node_request request = {.is_get = true,
		.path = path,
		.accept = "application/vnd.ipld.raw",
		.take = node_block_take,
		.arg = &block};

	emr_cid_text(cid, text);
	snprintf(path, sizeof path, "/ipfs/%s?format=raw", text);
	return node_block_end(&block, node_http(run, &request), out);
}

emr_status gateway_window(
	node_run *run, const emr_ipfs_window *window, emr_ipfs_leaf_visit visit, void *arg)
{
	emr_status status = EMR_OK;

	for (size_t i = 0; status == EMR_OK && i < window->count; i++) {
		EMR_AUTO_BUF block = {0};

		status = gateway_block(run, &window->leaves[i].cid, &block);
		if (status == EMR_OK && block.len != window->leaves[i].bytes)
			status = node_run_fail_here(run, EMR_INVALID);
		if (status == EMR_OK)
			status = visit(arg, i, emr_buf_view(&block));
	}
	return status;
}

static emr_status probe_take(void *arg, emr_bytes piece)
{
	uint64_t *taken = arg;

	*taken += piece.len;
	return EMR_OK;
}

/* The block that its own name holds: every gateway has it, and it is empty. */
emr_status gateway_probe(node_run *run)
{
	uint64_t taken = 0;
	node_request request = {.is_get = true,
		.path = "/ipfs/bafkqaaa?format=raw",
		.accept = "application/vnd.ipld.raw",
		.take = probe_take,
		.arg = &taken};
	emr_status status = node_http(run, &request);

	if (status != EMR_OK && run->call->fault == EMR_IPFS_MISSING)
		return node_run_fail(run, EMR_IPFS_STRANGE, NULL);
	return status == EMR_OK && taken > 0 ? node_run_fail(run, EMR_IPFS_STRANGE, "no gateway")
					     : status;
}
