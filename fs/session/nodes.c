/* This file opens the IPFS nodes that the settings name, and says what is wrong with one in words
 * for people. */
#include "session/fetching.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "ipfs/cluster.h"
#include "kit/language.h"
#include "served/client.h"
#include "session/network_dir.h"
#include "settle/settle.h"

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

/* Opens one node; *OUT_IS_TOKEN: what is wrong is the file of its token. */
static emr_status open_client(emr_ipfs_options options, const char *token_file, emr_ipfs **out_node,
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
	if (status == EMR_NO_MODULE)
		emr_problem_set_status(out_problem, status, options.address);
	else if (status != EMR_OK)
		emr_node_say(options.address, fault, "", out_problem);
	return status;
}

/* Records of people of other organisations lie at the hosts of these, and are read there. */
static emr_status add_others(const char *host_dir, emr_settings *settings)
{
	EMR_AUTO_FREE emr_served_at *others = calloc(EMR_LEDGER_HOSTS_MAX, sizeof *others);
	EMR_AUTO_BUF text = {0};
	EMR_AUTO_FD fd = -1;
	size_t n = 0;

	EMR_TRY(others != NULL ? emr_dir_open(host_dir, &fd) : EMR_NO_MEMORY);
	if (emr_file_read(fd, EMR_SERVED_HOSTS, EMR_SERVED_HOSTS_BYTES, &text) != EMR_OK)
		return EMR_OK;
	EMR_TRY(emr_buf_append_zeros(&text, 1));
	if (emr_served_hosts_read((const char *)text.data, others, &n) != EMR_OK)
		return EMR_OK; /* it is written again */
	for (size_t i = 0; i < n && settings->node_count < EMR_NODES_MAX; i++) {
		emr_node_setting *node = &settings->nodes[settings->node_count++];

		*node = (emr_node_setting){.is_gateway = true,
			.address = strdup(others[i].url),
			.host_dir = strdup(host_dir),
			.host_number = i + 1,
			.pin = others[i].pin[0] != '\0' ? strdup(others[i].pin) : NULL};
		if (node->address == NULL || node->host_dir == NULL)
			return EMR_NO_MEMORY;
	}
	return EMR_OK;
}

emr_status emr_nodes_add_host(int state_fd, emr_settings *settings)
{
	EMR_AUTO_FREE char *dir = NULL;
	EMR_AUTO_BUF bytes = {0};
	emr_served_at at;
	emr_node_setting host = {.is_gateway = false};
	emr_status status = emr_network_dir_of(state_fd, &dir);

	if (status == EMR_OK && !emr_network_dir_is_served(dir))
		status = EMR_NOT_FOUND;
	if (status == EMR_OK)
		status = emr_network_dir_host(dir, &bytes);
	if (status == EMR_OK)
		status = emr_served_at_read(emr_buf_view(&bytes), &at);
	if (status != EMR_OK)
		return status == EMR_NOT_FOUND ? EMR_OK : status;
	if (settings->node_count == EMR_NODES_MAX)
		return EMR_LIMIT;
	if (asprintf(&host.address, "%s%s", at.socket[0] != '\0' ? "unix:" : "",
		    at.socket[0] != '\0' ? at.socket : at.url) < 0)
		host.address = NULL;
	if (asprintf(&host.host_dir, "%s/" EMR_NETWORK_DIR_LEDGER, dir) < 0)
		host.host_dir = NULL;
	host.pin = at.pin[0] != '\0' ? strdup(at.pin) : NULL;
	memmove(settings->nodes + 1, settings->nodes,
		settings->node_count * sizeof *settings->nodes);
	settings->nodes[0] = host;
	settings->node_count++;
	/* Others look at the host for records on the ledger. */
	if (settings->copies_first < 2)
		settings->copies_first = EMR_COPIES_HOST;
	EMR_TRY(host.address != NULL && host.host_dir != NULL ? EMR_OK : EMR_NO_MEMORY);
	return add_others(host.host_dir, settings);
}

/* The host wants a token of a member, which the keyring signs for. */
static emr_status take_tokens(
	const emr_node_setting *setting, emr_keyring *const *keyring, emr_ipfs_options *options)
{
	emr_served_tokens *tokens = NULL;

	EMR_TRY(emr_served_tokens_open(setting->host_dir, setting->host_number, keyring, &tokens));
	options->token_of = emr_served_token;
	options->token_free = emr_served_tokens_close;
	options->token_arg = tokens;
	options->place_of = emr_served_place;
	return EMR_OK;
}

emr_status emr_node_open(const emr_node_setting *setting, emr_keyring *const *keyring,
	emr_ipfs **out_node, bool *out_is_token, emr_problem *out_problem)
{
	emr_ipfs_options options = {.kind = setting->is_gateway ? EMR_IPFS_GATEWAY : EMR_IPFS_KUBO,
		.address = setting->address,
		.pin = setting->pin,
		.ca_file = setting->ca};
	const emr_ipfs_options around = {.kind = EMR_IPFS_CLUSTER,
		.address = setting->cluster,
		.ca_file = setting->cluster_ca};
	emr_ipfs *node = NULL, *cluster = NULL;
	bool ignored;
	emr_status status;

	out_is_token = out_is_token != NULL ? out_is_token : &ignored;
	status = setting->host_dir != NULL && keyring != NULL
			 ? take_tokens(setting, keyring, &options)
			 : EMR_OK;
	if (status != EMR_OK) {
		emr_problem_set_status(out_problem, status, setting->address);
		return status;
	}
	status = open_client(options, setting->token, &node, out_is_token, out_problem);
	if (status == EMR_OK && setting->cluster != NULL)
		status = open_client(
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
