/* This file opens a node by its address, and sends each call to the kind that the node is. It
 * refuses clear text to another computer. */
#include "node_private.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define UNIX_PREFIX "unix:"
#define ADDRESS_MAX 1024
#define TOKEN_MAX 4096

/* ---- The address ---- */

static bool is_this_computer(const char *host)
{
	struct in_addr v4;

	if (strcasecmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0)
		return true;
	return inet_pton(AF_INET, host, &v4) == 1 && ntohl(v4.s_addr) >> 24 == 127;
}

EMR_AUTO_CALL(curl_text_free, char *, curl_free);
#define AUTO_CURL_TEXT __attribute__((cleanup(curl_text_free))) char

EMR_AUTO_CALL(curl_url_free, CURLU *, curl_url_cleanup);
#define AUTO_CURL_URL __attribute__((cleanup(curl_url_free))) CURLU

static emr_ipfs_fault address_of_url(const char *address, char **out_base)
{
	AUTO_CURL_URL *url = curl_url();
	AUTO_CURL_TEXT *scheme = NULL, *host = NULL, *user = NULL, *query = NULL, *fragment = NULL;
	AUTO_CURL_TEXT *whole = NULL;
	size_t len;

	if (url == NULL)
		return EMR_IPFS_HERE;
	if (curl_url_set(url, CURLUPART_URL, address, 0) != CURLUE_OK ||
		curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
		curl_url_get(url, CURLUPART_HOST, &host, 0) != CURLUE_OK || host[0] == '\0' ||
		curl_url_get(url, CURLUPART_USER, &user, 0) == CURLUE_OK ||
		curl_url_get(url, CURLUPART_QUERY, &query, 0) == CURLUE_OK ||
		curl_url_get(url, CURLUPART_FRAGMENT, &fragment, 0) == CURLUE_OK ||
		curl_url_get(url, CURLUPART_URL, &whole, 0) != CURLUE_OK)
		return EMR_IPFS_ADDRESS;
	if (strcmp(scheme, "http") == 0 && !is_this_computer(host))
		return EMR_IPFS_CLEAR_TEXT;
	if (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0)
		return EMR_IPFS_ADDRESS;
	len = strlen(whole);
	while (len > 0 && whole[len - 1] == '/')
		len--;
	*out_base = strndup(whole, len);
	return *out_base != NULL ? EMR_IPFS_FINE : EMR_IPFS_HERE;
}

static emr_ipfs_fault address_read(const char *address, char **out_base, char **out_socket)
{
	/* A struct sockaddr_un holds 108 bytes, its NUL included. */
	const char *path = address + strlen(UNIX_PREFIX);

	for (const char *at = address; *at != '\0'; at++) {
		if ((unsigned char)*at <= 0x20 || *at == 0x7f || at - address > ADDRESS_MAX)
			return EMR_IPFS_ADDRESS;
	}
	if (strncmp(address, UNIX_PREFIX, strlen(UNIX_PREFIX)) != 0)
		return strstr(address, "://") != NULL ? address_of_url(address, out_base)
						      : EMR_IPFS_ADDRESS;
	if (path[0] != '/' || strlen(path) >= 108)
		return EMR_IPFS_ADDRESS;
	*out_socket = strdup(path);
	*out_base = strdup("http://node");
	return *out_socket != NULL && *out_base != NULL ? EMR_IPFS_FINE : EMR_IPFS_HERE;
}

/* ---- Opening ---- */

/* A line end in a token would begin another header. */
static bool token_is_fine(const char *token)
{
	size_t len = strlen(token);

	for (size_t i = 0; i < len; i++) {
		if (token[i] <= 0x20 || token[i] == 0x7f)
			return false;
	}
	return len > 0 && len <= TOKEN_MAX;
}

static bool headers_add(struct curl_slist **headers, const char *line)
{
	struct curl_slist *longer = curl_slist_append(*headers, line);

	if (longer != NULL)
		*headers = longer;
	return longer != NULL;
}

/* No "Expect": a node that does not answer it costs a second.  No Origin and no Referer, which a
 * node would take for a page in a browser. */
static emr_status node_headers(emr_ipfs *node, const char *token)
{
	EMR_AUTO_FREE char *line = NULL;
	bool is_fine = headers_add(&node->headers, "Expect:");

	if (is_fine && token != NULL && node->kind == EMR_IPFS_CLUSTER &&
		strchr(token, ':') != NULL) {
		node->login = strdup(token);
		is_fine = node->login != NULL;
	} else if (is_fine && token != NULL) {
		if (asprintf(&line, "Authorization: Bearer %s", token) < 0)
			line = NULL;
		is_fine = line != NULL && headers_add(&node->headers, line);
	}
	return is_fine ? EMR_OK : EMR_NO_MEMORY;
}

emr_status emr_ipfs_open(
	const emr_ipfs_options *options, emr_ipfs **out_node, emr_ipfs_fault *out_fault)
{
	emr_ipfs *node = emr_curl_begin() ? calloc(1, sizeof *node) : NULL;
	emr_ipfs_fault fault = EMR_IPFS_FINE, ignored;
	emr_status status = EMR_OK;

	out_fault = out_fault != NULL ? out_fault : &ignored;
	if (node == NULL || pthread_mutex_init(&node->lock, NULL) != 0) {
		free(node);
		*out_fault = EMR_IPFS_HERE;
		return emr_curl != NULL ? EMR_NO_MEMORY : EMR_NO_MODULE;
	}
	node->kind = options->kind;
	node->token_of = options->token_of;
	node->token_free = options->token_free;
	node->token_arg = options->token_arg;
	node->place_of = options->place_of;
	if (options->kind != EMR_IPFS_KUBO && options->kind != EMR_IPFS_GATEWAY &&
		options->kind != EMR_IPFS_CLUSTER)
		fault = EMR_IPFS_ADDRESS;
	if (fault == EMR_IPFS_FINE)
		fault = address_read(options->address, &node->base, &node->socket);
	if (fault == EMR_IPFS_FINE && options->token != NULL && !token_is_fine(options->token))
		fault = EMR_IPFS_TOKEN;
	if (fault != EMR_IPFS_FINE)
		status = fault == EMR_IPFS_HERE ? EMR_NO_MEMORY : emr_ipfs_fault_status(fault);
	if (status == EMR_OK)
		status = node_headers(node, options->token);
	node->address = strdup(options->address);
	if (options->ca_file != NULL)
		node->ca_file = strdup(options->ca_file);
	if (options->pin != NULL)
		node->pin = strdup(options->pin);
	if (asprintf(&node->agent, "emrfs/%s", options->version) < 0)
		node->agent = NULL;
	if (status == EMR_OK && (node->address == NULL || node->agent == NULL ||
					(options->ca_file != NULL && node->ca_file == NULL) ||
					(options->pin != NULL && node->pin == NULL)))
		status = EMR_NO_MEMORY;
	*out_fault = status == EMR_OK || fault != EMR_IPFS_FINE ? fault : EMR_IPFS_HERE;
	if (status != EMR_OK) {
		emr_ipfs_close(node);
		return status;
	}
	*out_node = node;
	return EMR_OK;
}

void emr_ipfs_close(emr_ipfs *node)
{
	if (node == NULL)
		return;
	for (size_t i = 0; i < node->idle_count; i++) {
		curl_easy_cleanup(node->idle[i].easy);
		curl_multi_cleanup(node->idle[i].multi);
	}
	curl_slist_free_all(node->headers);
	pthread_mutex_destroy(&node->lock);
	emr_ipfs_close(node->cluster);
	free(node->login);
	free(node->address);
	free(node->base);
	free(node->socket);
	free(node->ca_file);
	free(node->pin);
	if (node->token_free != NULL)
		node->token_free(node->token_arg);
	free(node->agent);
	free(node);
}

const char *emr_ipfs_address(const emr_ipfs *node)
{
	return node->address;
}

bool emr_ipfs_is_near(const emr_ipfs *node)
{
	return strncmp(node->address, "https:", strlen("https:")) != 0;
}

void emr_ipfs_store(emr_ipfs *node, char out[33])
{
	pthread_mutex_lock(&node->lock);
	memcpy(out, node->store, sizeof node->store);
	pthread_mutex_unlock(&node->lock);
}

/* ---- The calls ---- */

static emr_status only_kubo(node_run *run)
{
	return run->node->kind == EMR_IPFS_KUBO ? EMR_OK : node_run_fail_here(run, EMR_UNSUPPORTED);
}

emr_status emr_ipfs_version(emr_ipfs *node, emr_ipfs_call *call, char out[EMR_IPFS_VERSION_BYTES])
{
	node_run run = node_run_begin(node, call);

	out[0] = '\0';
	if (node->kind == EMR_IPFS_CLUSTER)
		return cluster_version(&run, out);
	return node->kind == EMR_IPFS_KUBO ? kubo_version(&run, out) : gateway_probe(&run);
}

emr_status emr_ipfs_block(
	emr_ipfs *node, emr_ipfs_call *call, const emr_cid *cid, bool is_online, emr_buf *out)
{
	node_run run = node_run_begin(node, call);

	if (node->kind == EMR_IPFS_CLUSTER)
		return node_run_fail_here(&run, EMR_UNSUPPORTED);
	return node->kind == EMR_IPFS_KUBO ? kubo_block(&run, cid, is_online, out)
					   : gateway_block(&run, cid, out);
}

emr_status emr_ipfs_read_window(emr_ipfs *node, emr_ipfs_call *call, const emr_ipfs_window *window)
{
	node_run run = node_run_begin(node, call);

	EMR_TRY(only_kubo(&run));
	return kubo_window(&run, window);
}

emr_status emr_ipfs_push(emr_ipfs *node, emr_ipfs_call *call, const emr_ipfs_parcel *parcel)
{
	node_run run = node_run_begin(node, call);

	EMR_TRY(only_kubo(&run));
	return kubo_push(&run, parcel);
}

emr_status emr_ipfs_holds(
	emr_ipfs *node, emr_ipfs_call *call, const emr_cid *root, emr_ipfs_holding *out_holding)
{
	node_run run = node_run_begin(node, call);

	EMR_TRY(only_kubo(&run));
	return kubo_holds(&run, root, out_holding);
}

emr_status emr_ipfs_let_go(emr_ipfs *node, emr_ipfs_call *call, const emr_cid *root)
{
	node_run run = node_run_begin(node, call);

	if (node->kind == EMR_IPFS_CLUSTER)
		return cluster_let_go(&run, root);
	EMR_TRY(only_kubo(&run));
	return kubo_let_go(&run, root);
}

emr_status emr_ipfs_each_pin(
	emr_ipfs *node, emr_ipfs_call *call, emr_ipfs_pin_visit visit, void *arg)
{
	node_run run = node_run_begin(node, call);

	EMR_TRY(only_kubo(&run));
	return kubo_each_pin(&run, visit, arg);
}

emr_status emr_ipfs_syncs(emr_ipfs *node, emr_ipfs_call *call, emr_ipfs_verdict *out)
{
	node_run run = node_run_begin(node, call);

	EMR_TRY(only_kubo(&run));
	return kubo_syncs(&run, out);
}
