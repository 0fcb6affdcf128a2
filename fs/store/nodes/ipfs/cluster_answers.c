/* This file reads what an IPFS Cluster answers: one JSON object, from somebody else. A peer counts
 * by the word "pinned" and by the node that it stands before. */
#include <jansson.h>
#include <string.h>

#include "node_private.h"

EMR_AUTO_CALL(json_free, json_t *, json_decref);
#define AUTO_JSON __attribute__((cleanup(json_free))) json_t

static emr_ipfs_fault strange(char *said, const char *why)
{
	answer_say(said, why, strlen(why));
	return EMR_IPFS_STRANGE;
}

static json_t *object_of(emr_bytes text)
{
	json_t *json = json_loadb((const char *)text.data, text.len, JSON_REJECT_DUPLICATES, NULL);

	if (json_is_object(json))
		return json;
	json_decref(json);
	return NULL;
}

emr_ipfs_fault answer_cluster_version(emr_bytes text, char *said)
{
	AUTO_JSON *json = object_of(text);
	const char *version = json_string_value(json_object_get(json, "version"));

	if (version == NULL)
		return strange(said, "no version of an IPFS Cluster");
	answer_say(said, version, strlen(version));
	return EMR_IPFS_FINE;
}

static emr_ipfs_fault about(json_t *json, const emr_cid *root, char *said)
{
	const char *text = json_string_value(json_object_get(json, "cid"));
	emr_cid cid;

	said[0] = '\0';
	if (text == NULL)
		return strange(said, "no answer of an IPFS Cluster");
	if (emr_cid_parse_text(text, &cid) == EMR_OK && emr_cid_equal(&cid, root))
		return EMR_IPFS_FINE;
	answer_say(said, text, strlen(text));
	return EMR_IPFS_OTHER_ANSWER;
}

emr_ipfs_fault answer_cluster_pin(emr_bytes text, const emr_cid *root, char *said)
{
	AUTO_JSON *json = object_of(text);

	return about(json, root, said);
}

static bool is_one_of(const char *word, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(word, words[i]) == 0)
			return true;
	}
	return false;
}

/* One peer of the map.  "remote" and "unpinned" are peers that are not to have it. */
static emr_ipfs_fault count_peer(
	const char *name, json_t *peer, json_t *nodes, emr_ipfs_pinning *pinning)
{
	static const char *const begun[] = {"pinning", "pin_queued", "queued"};
	static const char *const failed[] = {
		"pin_error", "error", "cluster_error", "unexpectedly_unpinned"};
	const char *status = json_string_value(json_object_get(peer, "status"));
	const char *error = json_string_value(json_object_get(peer, "error"));
	const char *node = json_string_value(json_object_get(peer, "ipfs_peer_id"));

	if (status == NULL)
		return strange(pinning->said, "a peer without its status");
	if (strcmp(status, "pinned") == 0) {
		if (json_object_set_new(
			    nodes, node != NULL && node[0] != '\0' ? node : name, json_true()) != 0)
			return EMR_IPFS_HERE;
	} else if (is_one_of(status, begun, sizeof begun / sizeof *begun)) {
		pinning->underway++;
	} else if (is_one_of(status, failed, sizeof failed / sizeof *failed)) {
		if (pinning->failed++ == 0)
			answer_say(pinning->said,
				error != NULL && error[0] != '\0' ? error : status,
				strlen(error != NULL && error[0] != '\0' ? error : status));
	}
	return EMR_IPFS_FINE;
}

emr_ipfs_fault answer_cluster_pinning(
	emr_bytes text, const emr_cid *root, emr_ipfs_pinning *out_pinning)
{
	AUTO_JSON *json = object_of(text);
	AUTO_JSON *nodes = json_object();
	json_t *peers = json_object_get(json, "peer_map"), *peer;
	const char *name;
	emr_ipfs_fault fault;

	*out_pinning = (emr_ipfs_pinning){0};
	fault = about(json, root, out_pinning->said);
	if (fault != EMR_IPFS_FINE)
		return fault;
	if (!json_is_object(peers) || json_object_size(peers) > EMR_IPFS_PEERS_MAX)
		return strange(out_pinning->said, "no peers of an IPFS Cluster");
	if (nodes == NULL)
		return EMR_IPFS_HERE;
	json_object_foreach(peers, name, peer)
	{
		fault = count_peer(name, peer, nodes, out_pinning);
		if (fault != EMR_IPFS_FINE)
			return fault;
	}
	out_pinning->pinned = (unsigned)json_object_size(nodes);
	return EMR_IPFS_FINE;
}
