/* This file speaks the REST API of an IPFS Cluster: which root is to be pinned, by how many of its
 * peers, and which of them have it. It sends no blocks: a cluster carries none. */
#include "ipfs/cluster.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "node_private.h"

#define ANSWER_MAX ((size_t)1 << 20)

void emr_ipfs_join(emr_ipfs *node, emr_ipfs *cluster, unsigned copies)
{
	node->cluster = cluster;
	node->copies = copies;
}

emr_ipfs *emr_ipfs_cluster(const emr_ipfs *node)
{
	return node->cluster;
}

unsigned emr_ipfs_copies(const emr_ipfs *node)
{
	return node->cluster != NULL ? node->copies : 1;
}

/* ---- One request ---- */

typedef struct answer {
	node_run *run;
	emr_buf text;
} answer;

static emr_status take(void *arg, emr_bytes piece)
{
	answer *a = arg;

	if (piece.len > ANSWER_MAX - a->text.len)
		return node_run_fail(a->run, EMR_IPFS_STRANGE, "an answer without end");
	return emr_buf_append(&a->text, piece.data, piece.len);
}

static emr_status ask(node_run *run, const node_request *how, const char *path, emr_buf *out)
{
	answer a = {.run = run};
	node_request request = *how;
	emr_status status;

	request.path = path;
	request.accept = "application/json";
	request.take = take;
	request.arg = &a;
	status = node_http(run, &request);
	*out = a.text;
	return status;
}

static emr_status judge(node_run *run, emr_ipfs_fault fault, const char *said)
{
	return fault == EMR_IPFS_FINE ? EMR_OK : node_run_fail(run, fault, said);
}

/* ---- What it is asked ---- */

emr_status cluster_version(node_run *run, char out[EMR_IPFS_VERSION_BYTES])
{
	const node_request request = {.is_get = true};
	EMR_AUTO_BUF text = {0};
	char said[EMR_IPFS_SAID_BYTES];

	EMR_TRY(ask(run, &request, "/version", &text));
	EMR_TRY(judge(run, answer_cluster_version(emr_buf_view(&text), said), said));
	snprintf(out, EMR_IPFS_VERSION_BYTES, "%.31s", said);
	return EMR_OK;
}

/* Which root a pin or its end is about. */
static emr_status change(
	node_run *run, const node_request *how, const char *path, const emr_cid *root)
{
	EMR_AUTO_BUF text = {0};
	char said[EMR_IPFS_SAID_BYTES];

	EMR_TRY(ask(run, how, path, &text));
	return judge(run, answer_cluster_pin(emr_buf_view(&text), root, said), said);
}

/* A root that is pinned with fewer stays so as long as its peers are there: so all are asked for
 * first. */
static emr_status pin(node_run *run, const emr_cid *root, unsigned least, unsigned most)
{
	const node_request request = {0};
	char text[EMR_CID_TEXT_CHARS + 1], path[256];

	emr_cid_text(root, text);
	snprintf(path, sizeof path, "/pins/%s?mode=recursive&replication-min=%u&replication-max=%u",
		text, least, most);
	return change(run, &request, path, root);
}

emr_status emr_ipfs_cluster_pin(
	emr_ipfs *cluster, emr_ipfs_call *call, const emr_cid *root, unsigned copies)
{
	node_run run = node_run_begin(cluster, call);
	emr_status status = pin(&run, root, copies, copies);

	if (status == EMR_OK || copies == 1 || call->fault != EMR_IPFS_ERROR ||
		strstr(call->said, "not enough peers") == NULL)
		return status;
	call->fault = EMR_IPFS_FINE;
	return pin(&run, root, 1, copies);
}

emr_status cluster_let_go(node_run *run, const emr_cid *root)
{
	const node_request request = {.is_get = true, .is_delete = true};
	char text[EMR_CID_TEXT_CHARS + 1], path[160];
	emr_status status;

	emr_cid_text(root, text);
	snprintf(path, sizeof path, "/pins/%s", text);
	status = change(run, &request, path, root);
	if (status == EMR_OK || run->call->fault != EMR_IPFS_MISSING)
		return status;
	run->call->fault = EMR_IPFS_FINE; /* it does not know it */
	return EMR_OK;
}

emr_status emr_ipfs_cluster_look(
	emr_ipfs *cluster, emr_ipfs_call *call, const emr_cid *root, emr_ipfs_pinning *out_pinning)
{
	const node_request request = {.is_get = true};
	node_run run = node_run_begin(cluster, call);
	emr_ipfs_pinning pinning = {0};
	EMR_AUTO_BUF answered = {0};
	char text[EMR_CID_TEXT_CHARS + 1], path[160];
	emr_status status;

	emr_cid_text(root, text);
	snprintf(path, sizeof path, "/pins/%s", text);
	status = ask(&run, &request, path, &answered);
	if (status == EMR_OK)
		status =
			judge(&run, answer_cluster_pinning(emr_buf_view(&answered), root, &pinning),
				pinning.said);
	if (status == EMR_OK)
		*out_pinning = pinning;
	return status;
}
