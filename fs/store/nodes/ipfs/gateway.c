/* This file reads from a trustless gateway, which is any IPFS node that speaks HTTP: one block a
 * request, verified here. */
#include "node_private.h"

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
		.most = ANSWER_LINE_MAX,
		.take = probe_take,
		.arg = &taken};
	emr_status status = node_http(run, &request);

	if (status != EMR_OK && run->call->fault == EMR_IPFS_MISSING)
		return node_run_fail(run, EMR_IPFS_STRANGE, NULL);
	return status == EMR_OK && taken > 0 ? node_run_fail(run, EMR_IPFS_STRANGE, "no gateway")
					     : status;
}
