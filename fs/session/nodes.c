/* This file opens the IPFS nodes that the settings name, and says what is wrong with one in words
 * for people. */
#include "session/fetching.h"

#include <fcntl.h>
#include <stdio.h>

#include "base/file.h"
#include "ipfs/cluster.h"
#include "kit/language.h"

#define TOKEN_FILE_MAX 4096

/* The words of a fault stand in the table of messages. */
void emr_node_say(
	const char *node, emr_ipfs_fault fault, const char *said, emr_problem *out_problem)
{
	emr_message message;
	char id[64];

	snprintf(id, sizeof id, "node-%s", emr_ipfs_fault_name(fault));
	if (emr_message_find(id, &message))
		emr_problem_set(out_problem, message, "node", node, "said", said, NULL);
	else
		emr_problem_set_status(out_problem, emr_ipfs_fault_status(fault), node);
}

/* The token without the end of its line; EMR_EXPOSED when others may read it. */
static emr_status read_token(const char *file, emr_buf *out)
{
	EMR_TRY(emr_file_read_private(AT_FDCWD, file, TOKEN_FILE_MAX, out));
	while (out->len > 0 && (out->data[out->len - 1] == '\n' || out->data[out->len - 1] == '\r'))
		out->len--;
	return emr_buf_append_zeros(out, 1);
}

/* One place; *OUT_IS_TOKEN: what is wrong is the file of its token. */
static emr_status open_place(emr_ipfs_options options, const char *token_file, emr_ipfs **out_node,
	bool *out_is_token, emr_problem *out_problem)
{
	emr_ipfs_fault fault = EMR_IPFS_FINE;
	EMR_AUTO_BUF token = {0};
	emr_status status = EMR_OK;

	*out_is_token = false;
	if (token_file != NULL) {
		status = read_token(token_file, &token);
		options.token = (const char *)token.data;
	}
	if (status != EMR_OK) {
		*out_is_token = true;
		emr_problem_set_status(out_problem, status, token_file);
		return status;
	}
	options.version = EMRFS_VERSION;
	status = emr_ipfs_open(&options, out_node, &fault);
	if (status != EMR_OK)
		emr_node_say(options.address, fault, "", out_problem);
	return status;
}

emr_status emr_node_open(const emr_node_setting *setting, emr_ipfs **out_node, bool *out_is_token,
	emr_problem *out_problem)
{
	const emr_ipfs_options place = {
		.kind = setting->is_gateway ? EMR_IPFS_GATEWAY : EMR_IPFS_KUBO,
		.address = setting->address,
		.ca_file = setting->ca};
	const emr_ipfs_options around = {.kind = EMR_IPFS_CLUSTER,
		.address = setting->cluster,
		.ca_file = setting->cluster_ca};
	emr_ipfs *node = NULL, *cluster = NULL;
	bool ignored;
	emr_status status;

	out_is_token = out_is_token != NULL ? out_is_token : &ignored;
	status = open_place(place, setting->token, &node, out_is_token, out_problem);
	if (status == EMR_OK && setting->cluster != NULL)
		status = open_place(
			around, setting->cluster_token, &cluster, out_is_token, out_problem);
	if (status != EMR_OK) {
		emr_ipfs_close(node);
		return status;
	}
	if (cluster != NULL)
		emr_ipfs_join(node, cluster, setting->cluster_copies);
	*out_node = node;
	return EMR_OK;
}
