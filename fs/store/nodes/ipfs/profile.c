/* This file holds a Kubo's configuration against what a node that keeps health records must be.
 * A setting that is not in the configuration is the one that Kubo 0.43.1 has by itself. */
#include "node_private.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The value below CONFIG that these names lead to, ended by NULL. */
static json_t *config_at(json_t *config, ...)
{
	va_list names;

	va_start(names, config);
	for (const char *name = va_arg(names, const char *); name != NULL && config != NULL;
		name = va_arg(names, const char *))
		config = json_object_get(config, name);
	va_end(names);
	return config;
}

static emr_ipfs_verdict verdict_of(bool is_kept)
{
	return is_kept ? EMR_IPFS_KEPT : EMR_IPFS_BROKEN;
}

static bool text_is(json_t *value, const char *text)
{
	const char *is = json_string_value(value);

	return is != NULL && strcmp(is, text) == 0;
}

/* "dht" is the private one when no bootstrap and no AutoConf bring public peers. */
static bool routing_is_own(json_t *config)
{
	json_t *type = config_at(config, "Routing", "Type", NULL);
	json_t *routers = config_at(config, "Routing", "DelegatedRouters", NULL);

	return (text_is(type, "none") || text_is(type, "dht") || text_is(type, "dhtserver") ||
		       text_is(type, "dhtclient")) &&
	       json_array_size(routers) == 0;
}

static bool transports_are_tcp(json_t *config)
{
	static const char *const others[] = {"QUIC", "WebTransport", "WebRTCDirect", "Websocket"};

	for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
		if (!json_is_false(
			    config_at(config, "Swarm", "Transports", "Network", others[i], NULL)))
			return false;
	}
	return true;
}

static json_t *block_store(json_t *config)
{
	json_t *mounts = config_at(config, "Datastore", "Spec", "mounts", NULL), *mount;
	size_t i;

	json_array_foreach(mounts, i, mount)
	{
		if (text_is(json_object_get(mount, "mountpoint"), "/blocks"))
			return mount;
	}
	return NULL;
}

/* flatfs syncs when it is told to; another store is not known to. */
static emr_ipfs_verdict sync_verdict(json_t *config)
{
	json_t *blocks = block_store(config), *below = json_object_get(blocks, "child");

	blocks = below != NULL ? below : blocks; /* measured ones have it below */
	if (!text_is(json_object_get(blocks, "type"), "flatfs"))
		return EMR_IPFS_UNKNOWN;
	return verdict_of(json_is_true(json_object_get(blocks, "sync")));
}

static emr_ipfs_verdict shards_verdict(json_t *config)
{
	json_t *blocks = block_store(config), *below = json_object_get(blocks, "child");
	const char *shards;

	blocks = below != NULL ? below : blocks;
	shards = json_string_value(json_object_get(blocks, "shardFunc"));
	if (shards == NULL)
		return EMR_IPFS_UNKNOWN;
	return verdict_of(strstr(shards, "next-to-last/3") != NULL);
}

static bool address_is_socket(json_t *address)
{
	const char *text = json_string_value(address);

	return text != NULL && strncmp(text, "/unix/", 6) == 0;
}

static bool api_is_socket(json_t *config)
{
	json_t *addresses = config_at(config, "Addresses", "API", NULL), *address;
	size_t i;

	if (json_is_string(addresses))
		return address_is_socket(addresses);
	json_array_foreach(addresses, i, address)
	{
		if (!address_is_socket(address))
			return false;
	}
	return true;
}

/* Whether somebody without a token is refused.  The configuration that Kubo shows has no tokens in
 * it, so the node is asked as such a one would. */
static emr_status api_is_guarded(node_run *run, bool *out_is_guarded)
{
	const node_request version = {.is_bare = true,
		.path = "/api/v0/version",
		.most = ANSWER_LINE_MAX,
		.take = kubo_nothing};
	emr_status status = node_http(run, &version);

	*out_is_guarded = status != EMR_OK && run->call->fault == EMR_IPFS_TOKEN;
	if (!*out_is_guarded)
		return status;
	run->call->fault = EMR_IPFS_FINE;
	return EMR_OK;
}

/* The RPC does not say it; on this computer the repository does. */
static emr_ipfs_verdict private_verdict(json_t *system)
{
	const char *repository =
		json_string_value(config_at(system, "environment", "IPFS_PATH", NULL));
	char path[4096];

	if (repository == NULL || repository[0] != '/')
		return EMR_IPFS_UNKNOWN;
	snprintf(path, sizeof path, "%.4000s/config", repository);
	if (access(path, F_OK) != 0)
		return EMR_IPFS_UNKNOWN;
	snprintf(path, sizeof path, "%.4000s/swarm.key", repository);
	return verdict_of(access(path, F_OK) == 0);
}

static void judge(json_t *config, emr_ipfs_verdict out[EMR_IPFS_RULE_COUNT])
{
	json_t *gateway = config_at(config, "Gateway", NULL);

	out[EMR_IPFS_RULE_QUIET] =
		verdict_of(json_is_false(config_at(config, "Provide", "Enabled", NULL)));
	out[EMR_IPFS_RULE_BOOTSTRAP] =
		verdict_of(json_array_size(config_at(config, "Bootstrap", NULL)) == 0 &&
			   json_is_false(config_at(config, "AutoConf", "Enabled", NULL)));
	out[EMR_IPFS_RULE_ROUTING] = verdict_of(routing_is_own(config));
	out[EMR_IPFS_RULE_TRANSPORTS] = verdict_of(transports_are_tcp(config));
	out[EMR_IPFS_RULE_PEERING] =
		verdict_of(json_array_size(config_at(config, "Peering", "Peers", NULL)) > 0);
	out[EMR_IPFS_RULE_GATEWAY] =
		verdict_of(json_is_true(json_object_get(gateway, "NoFetch")) &&
			   json_is_false(json_object_get(gateway, "DeserializedResponses")));
	out[EMR_IPFS_RULE_SYNC] = sync_verdict(config);
	out[EMR_IPFS_RULE_SHARDS] = shards_verdict(config);
	out[EMR_IPFS_RULE_CLOSED] = verdict_of(api_is_socket(config));
}

/* The caller frees it. */
static emr_status config_show(node_run *run, json_t **out_config)
{
	EMR_TRY(kubo_ask_one(run, "config/show", out_config));
	if (!json_is_object(config_at(*out_config, "Datastore", NULL)))
		EMR_TRY(node_run_fail(run, EMR_IPFS_STRANGE, "no configuration"));
	return EMR_OK;
}

emr_status kubo_syncs(node_run *run, emr_ipfs_verdict *out)
{
	json_t *config = NULL;
	emr_status status = config_show(run, &config);

	if (status == EMR_OK)
		*out = sync_verdict(config);
	json_decref(config);
	return status;
}

emr_status kubo_examine(node_run *run, emr_ipfs_verdict out[EMR_IPFS_RULE_COUNT])
{
	json_t *config = NULL, *system = NULL;
	emr_ipfs_verdict verdicts[EMR_IPFS_RULE_COUNT];
	bool is_guarded = false;
	emr_status status = config_show(run, &config);

	if (status == EMR_OK) {
		judge(config, verdicts);
		verdicts[EMR_IPFS_RULE_PRIVATE] = EMR_IPFS_UNKNOWN;
		if (run->node->socket != NULL)
			status = kubo_ask_one(run, "diag/sys", &system);
		if (status == EMR_OK && verdicts[EMR_IPFS_RULE_CLOSED] == EMR_IPFS_BROKEN) {
			status = api_is_guarded(run, &is_guarded);
			verdicts[EMR_IPFS_RULE_CLOSED] = verdict_of(is_guarded);
		}
		if (status == EMR_OK && system != NULL)
			verdicts[EMR_IPFS_RULE_PRIVATE] = private_verdict(system);
	}
	if (status == EMR_OK)
		memcpy(out, verdicts, sizeof verdicts);
	json_decref(config);
	json_decref(system);
	return status;
}
