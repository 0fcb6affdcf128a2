/* This file speaks Kubo's RPC: reading, asking what is kept, and letting go.  push.c is the way in.
 */
#include "node_private.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

/* A node gives up a little before we do, so that it can still say why. */
static uint32_t kubo_timeout_ms(const node_run *run)
{
	uint32_t left = node_run_left_ms(run);

	return left > 2000 ? left - left / 10 : left;
}

/* "/api/v0/COMMAND...&timeout=...": whoever asks a node without a timeout may wait for ever. */
static bool kubo_path(const node_run *run, const char *command, char *out, size_t size)
{
	int n = snprintf(out, size, "/api/v0/%s%stimeout=%ums", command,
		strchr(command, '?') != NULL ? "&" : "?", kubo_timeout_ms(run));

	return n > 0 && (size_t)n < size;
}

static emr_status kubo_nothing(void *arg, emr_bytes piece)
{
	(void)arg;
	(void)piece;
	return EMR_OK;
}

/* Both meanings of 403 have the same sentence: who may ask the version has the right token. */
static emr_status kubo_tell_403(node_run *run)
{
	const node_request version = {
		.path = "/api/v0/version", .most = ANSWER_LINE_MAX, .take = kubo_nothing};
	char said[EMR_IPFS_SAID_BYTES];
	long http_status = run->call->http_status;
	emr_status status;

	memcpy(said, run->call->said, sizeof said);
	status = node_http(run, &version);
	run->call->http_status = http_status;
	if (status == EMR_OK)
		return node_run_fail(run, EMR_IPFS_NOT_ALLOWED, said);
	if (run->call->fault == EMR_IPFS_TOKEN)
		return node_run_fail(run, EMR_IPFS_TOKEN, said);
	return status;
}

/* HOW says body and what takes the answer.  COMMAND: "pin/ls?arg=..."; the timeout is added. */
static emr_status kubo_ask(node_run *run, const char *command, const node_request *how)
{
	node_request request = *how;
	char path[512];
	emr_status status;

	if (!kubo_path(run, command, path, sizeof path))
		return node_run_fail_here(run, EMR_RANGE);
	request.path = path;
	status = node_http(run, &request);
	if (status != EMR_OK && run->call->fault == EMR_IPFS_TOKEN && run->call->http_status == 403)
		return kubo_tell_403(run);
	return status;
}

/* ---- Lines of JSON ---- */

typedef struct kubo_lines {
	answer_lines lines;
	answer_line_fn take;
	void *arg;
} kubo_lines;

static emr_status kubo_take_lines(void *arg, emr_bytes piece)
{
	kubo_lines *k = arg;

	return answer_lines_take(&k->lines, piece, k->take, k->arg);
}

emr_status kubo_ask_lines(
	node_run *run, const char *command, const node_request *how, answer_line_fn take, void *arg)
{
	kubo_lines k = {.take = take, .arg = arg};
	node_request request = {.read = how != NULL ? how->read : NULL,
		.read_arg = how != NULL ? how->read_arg : NULL,
		.sent = how != NULL ? how->sent : NULL,
		.take = kubo_take_lines,
		.arg = &k};
	emr_status status = kubo_ask(run, command, &request);
	bool is_cut;

	is_cut = status == EMR_OK && k.lines.rest.len > 0 && k.lines.rest.data[0] == '{';
	if (status == EMR_OK)
		status = answer_lines_end(&k.lines, take, arg);
	if (status == EMR_OK && k.lines.count == 0 && (how == NULL || !how->is_list))
		status = node_run_fail(run, EMR_IPFS_BROKEN_OFF, "an empty answer");
	/* The lines know no call: what they refuse is said here. */
	if (status == EMR_UNSUPPORTED &&
		(run->call->fault == EMR_IPFS_FINE || run->call->fault == EMR_IPFS_HERE))
		status = is_cut ? node_run_fail(run, EMR_IPFS_BROKEN_OFF, "half a line")
				: node_run_fail(run, EMR_IPFS_STRANGE, "no JSON");
	emr_buf_free(&k.lines.rest);
	return status;
}

/* One object and no more; the caller frees it. */
static emr_status kubo_take_one(void *arg, json_t *line)
{
	json_t **out = arg;

	if (*out != NULL)
		return EMR_UNSUPPORTED;
	*out = json_incref(line);
	return EMR_OK;
}

/* The answer of one JSON object, which the caller frees whatever is returned; *OUT_JSON is NULL
 * before.  An error that comes as a line with status 200 is one all the same. */
static emr_status kubo_ask_one(node_run *run, const char *command, json_t **out_json)
{
	const char *message;

	EMR_TRY(kubo_ask_lines(run, command, NULL, kubo_take_one, out_json));
	message = json_string_value(json_object_get(*out_json, "Message"));
	if (message == NULL)
		message = json_string_value(json_object_get(*out_json, "Err"));
	return message == NULL || message[0] == '\0'
		       ? EMR_OK
		       : node_run_fail(run, answer_error_fault(message, strlen(message)), message);
}

EMR_AUTO_CALL(json_free, json_t *, json_decref);
#define AUTO_JSON __attribute__((cleanup(json_free))) json_t

/* ---- What it is ---- */

/* Whether VERSION ("0.44.0-dev") is at least LEAST. */
static bool version_reaches(const char *version, const char *least)
{
	unsigned has[3] = {0}, wanted[3] = {0};

	if (sscanf(version, "%9u.%9u.%9u", &has[0], &has[1], &has[2]) != 3 ||
		sscanf(least, "%9u.%9u.%9u", &wanted[0], &wanted[1], &wanted[2]) != 3)
		return false;
	for (size_t i = 0; i < 3; i++) {
		if (has[i] != wanted[i])
			return has[i] > wanted[i];
	}
	return true;
}

emr_status kubo_version(node_run *run, char out[EMR_IPFS_VERSION_BYTES])
{
	AUTO_JSON *json = NULL;
	char text[EMR_IPFS_SAID_BYTES];
	const size_t n = sizeof run->node->store - 1;
	const char *version, *id;

	EMR_TRY(kubo_ask_one(run, "version", &json));
	version = json_string_value(json_object_get(json, "Version"));
	if (version == NULL)
		return node_run_fail(run, EMR_IPFS_STRANGE, "an answer without a version");
	id = json_string_value(json_object_get(json, "Store"));
	if (id == NULL || strlen(id) != n || strspn(id, "0123456789abcdef") != n)
		id = ""; /* it becomes a word of the file in which it is remembered */
	pthread_mutex_lock(&run->node->lock);
	memcpy(run->node->store, id, strlen(id) + 1);
	pthread_mutex_unlock(&run->node->lock);
	answer_say(text, version, strlen(version));
	snprintf(out, EMR_IPFS_VERSION_BYTES, "%.31s", text);
	return version_reaches(text, EMR_IPFS_KUBO_LEAST) ? EMR_OK
							  : node_run_fail(run, EMR_IPFS_OLD, text);
}

/* ---- Reading ---- */

emr_status kubo_block(node_run *run, const emr_cid *cid, bool is_online, emr_buf *out)
{
	char text[EMR_CID_TEXT_CHARS + 1], command[160];
	node_block block = {.run = run, .cid = cid};
	node_request request = {.take = node_block_take, .arg = &block};
	emr_status status;

	emr_cid_text(cid, text);
	snprintf(command, sizeof command, "block/get?arg=%s%s", text,
		is_online ? "" : "&offline=true");
	status = kubo_ask(run, command, &request);
	return node_block_end(&block, status, out);
}

emr_status kubo_window(node_run *run, const emr_ipfs_window *window)
{
	const emr_unixfs_run *leaves = window->run;
	const uint64_t length =
		(leaves->count - 1) * (uint64_t)leaves->leaf_bytes + leaves->last_bytes;
	char text[EMR_CID_TEXT_CHARS + 1], command[200];
	node_window taking = {.run = run, .window = window};
	const node_request request = {
		.take = node_window_take, .arg = &taking, .still_ms = window->still_ms};
	emr_status status;

	emr_cid_text(&leaves->root, text);
	snprintf(command, sizeof command,
		"cat?arg=%s&offset=%llu&length=%llu&progress=false&offline=true", text,
		(unsigned long long)leaves->at, (unsigned long long)length);
	status = kubo_ask(run, command, &request);
	return node_window_end(&taking, status);
}

/* ---- Copies ---- */

static emr_status kubo_is_pinned(node_run *run, const char *root, bool *out_is_pinned)
{
	AUTO_JSON *json = NULL;
	char command[160];
	emr_status status;

	snprintf(command, sizeof command, "pin/ls?arg=%s&type=recursive", root);
	status = kubo_ask_one(run, command, &json);
	if (status != EMR_OK && run->call->fault == EMR_IPFS_ERROR &&
		strstr(run->call->said, "is not pinned") != NULL) {
		*out_is_pinned = false;
		return EMR_OK;
	}
	if (status != EMR_OK)
		return status;
	if (!json_is_object(json_object_get(json_object_get(json, "Keys"), root)))
		return node_run_fail(run, EMR_IPFS_OTHER_ANSWER, "");
	*out_is_pinned = true;
	return EMR_OK;
}

/* Reads every block below: pin/verify believes that raw leaves are there, and pin/ls looks at none.
 */
static emr_status kubo_is_whole(node_run *run, const char *root, emr_ipfs_holding *holding)
{
	AUTO_JSON *json = NULL;
	json_t *tree;
	const char *cid;
	char command[160];
	emr_status status;

	snprintf(command, sizeof command, "dag/stat?arg=%s&offline=true&progress=false", root);
	status = kubo_ask_one(run, command, &json);
	if (status != EMR_OK)
		return run->call->fault == EMR_IPFS_MISSING ? EMR_OK : status;
	tree = json_array_get(json_object_get(json, "DagStats"), 0);
	cid = json_string_value(json_object_get(tree, "Cid"));
	if (cid == NULL || json_integer_value(json_object_get(tree, "NumBlocks")) < 1)
		return node_run_fail(run, EMR_IPFS_STRANGE, "no statistics of a tree");
	if (strcmp(cid, root) != 0)
		return node_run_fail(run, EMR_IPFS_OTHER_ANSWER, cid);
	holding->is_whole = true;
	holding->blocks = (uint64_t)json_integer_value(json_object_get(tree, "NumBlocks"));
	return EMR_OK;
}

emr_status kubo_holds(node_run *run, const emr_cid *root, emr_ipfs_holding *out_holding)
{
	emr_ipfs_holding holding = {0};
	char text[EMR_CID_TEXT_CHARS + 1];
	emr_status status;

	emr_cid_text(root, text);
	status = kubo_is_pinned(run, text, &holding.is_pinned);
	if (status == EMR_OK && holding.is_pinned)
		status = kubo_is_whole(run, text, &holding);
	if (status != EMR_OK)
		return status;
	run->call->fault = EMR_IPFS_FINE;
	*out_holding = holding;
	return EMR_OK;
}

emr_status kubo_let_go(node_run *run, const emr_cid *root)
{
	AUTO_JSON *json = NULL;
	char text[EMR_CID_TEXT_CHARS + 1], command[160];
	const char *said;
	emr_status status;

	emr_cid_text(root, text);
	snprintf(command, sizeof command, "pin/rm?arg=%s", text);
	run->root = emr_bytes_of(root->b, sizeof root->b);
	status = kubo_ask_one(run, command, &json);
	if (status != EMR_OK && run->call->fault == EMR_IPFS_ERROR &&
		strstr(run->call->said, "not pinned") != NULL) {
		run->call->fault = EMR_IPFS_FINE;
		return EMR_OK;
	}
	if (status != EMR_OK)
		return status;
	said = json_string_value(json_array_get(json_object_get(json, "Pins"), 0));
	return said != NULL && strcmp(said, text) == 0
		       ? EMR_OK
		       : node_run_fail(run, EMR_IPFS_OTHER_ANSWER, said);
}

static bool text_is(const json_t *object, const char *name, const char *text)
{
	const char *is = json_string_value(json_object_get(object, name));

	return is != NULL && strcmp(is, text) == 0;
}

/* flatfs syncs when it is told to, which it is not by itself; another store is not known to. */
static emr_ipfs_verdict sync_verdict(json_t *mounts)
{
	json_t *mount, *blocks = NULL, *below;
	size_t i;

	json_array_foreach(mounts, i, mount)
	{
		if (blocks == NULL && text_is(mount, "mountpoint", "/blocks"))
			blocks = mount;
	}
	below = json_object_get(blocks, "child");
	blocks = below != NULL ? below : blocks; /* measured ones have it below */
	if (!text_is(blocks, "type", "flatfs"))
		return EMR_IPFS_UNKNOWN;
	return json_is_true(json_object_get(blocks, "sync")) ? EMR_IPFS_KEPT : EMR_IPFS_BROKEN;
}

emr_status kubo_syncs(node_run *run, emr_ipfs_verdict *out)
{
	AUTO_JSON *config = NULL;
	json_t *store;

	EMR_TRY(kubo_ask_one(run, "config/show", &config));
	store = json_object_get(config, "Datastore");
	if (!json_is_object(store))
		return node_run_fail(run, EMR_IPFS_STRANGE, "no configuration");
	*out = sync_verdict(json_object_get(json_object_get(store, "Spec"), "mounts"));
	return EMR_OK;
}

typedef struct pin_walk {
	node_run *run;
	emr_ipfs_pin_visit visit;
	void *arg;
} pin_walk;

static emr_status pin_walk_line(void *arg, json_t *line)
{
	pin_walk *walk = arg;
	const char *text = json_string_value(json_object_get(line, "Cid"));
	const char *message = json_string_value(json_object_get(line, "Message"));
	emr_cid cid;

	if (message != NULL)
		return node_run_fail(
			walk->run, answer_error_fault(message, strlen(message)), message);
	if (text == NULL)
		return node_run_fail(walk->run, EMR_IPFS_STRANGE, "a pin without its CID");
	return emr_cid_parse_text(text, &cid) == EMR_OK ? walk->visit(walk->arg, &cid) : EMR_OK;
}

emr_status kubo_each_pin(node_run *run, emr_ipfs_pin_visit visit, void *arg)
{
	const node_request list = {.is_list = true};
	pin_walk walk = {.run = run, .visit = visit, .arg = arg};

	return kubo_ask_lines(
		run, "pin/ls?type=recursive&stream=true", &list, pin_walk_line, &walk);
}
