/* This file makes the five calls of a backend, over its socket. */
#include "channel/backend.h"

#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "base/clock.h"
#include "channel_private.h"
#include "http/request.h"

#define CALL_MS 70000u /* that a call without a wait may take there, and a little more */
#define ANSWER_MAX ((size_t)192 << 20) /* one transaction: what a channel may take of one */
#define PATH_CHARS 300

struct emr_fabric {
	emr_http *http;
};

emr_status emr_fabric_open(const char *dir, emr_fabric **out_fabric)
{
	char path[sizeof((struct sockaddr_un *)NULL)->sun_path];
	const emr_http_server server = {.url = "http://backend", .socket = path};
	emr_fabric *fabric;
	emr_status status;
	int n = snprintf(path, sizeof path, "%s/backend", dir);

	if (dir[0] != '/' || n < 0 || (size_t)n >= sizeof path)
		return EMR_INVALID;
	fabric = calloc(1, sizeof *fabric);
	if (fabric == NULL)
		return EMR_NO_MEMORY;
	status = emr_http_open(&server, &fabric->http);
	if (status != EMR_OK) {
		free(fabric);
		return status;
	}
	*out_fabric = fabric;
	return EMR_OK;
}

void emr_fabric_close(emr_fabric *fabric)
{
	if (fabric == NULL)
		return;
	emr_http_close(fabric->http);
	free(fabric);
}

/* ---- one call ---- */

static emr_status ask(emr_fabric *fabric, emr_fabric_call *call, const char *path,
	const emr_buf *body, emr_buf *out)
{
	emr_http_request request = {.method = body != NULL ? "POST" : "GET",
		.path = path,
		.body = body != NULL ? emr_buf_view(body) : (emr_bytes){0},
		.timeout_ms = CALL_MS + call->wait_s * 1000,
		.answer_max = ANSWER_MAX,
		.cancel_fds = {call->cancel_fds[0], call->cancel_fds[1]}};
	const int64_t left_ms = (call->until_ns - emr_clock_boot_ns(emr_clock_system())) / 1000000;
	emr_http_answer answer;
	emr_status status;

	call->said[0] = '\0';
	if (call->until_ns != 0 && left_ms <= 0)
		return EMR_TIMEOUT;
	if (call->until_ns != 0 && left_ms < request.timeout_ms)
		request.timeout_ms = (uint32_t)left_ms;
	status = emr_http_ask(fabric->http, &request, out, &answer);
	if (status != EMR_OK) {
		(void)snprintf(call->said, sizeof call->said, "%s", answer.said);
		return status == EMR_LIMIT ? EMR_DAMAGED : status;
	}
	return channel_read_error(answer.status, emr_buf_view(out), call);
}

static json_t *bytes_json(emr_bytes bytes)
{
	const size_t size = sodium_base64_encoded_len(bytes.len, sodium_base64_VARIANT_ORIGINAL);
	char *text = malloc(size);
	json_t *json = NULL;

	if (text != NULL) {
		sodium_bin2base64(
			text, size, bytes.data, bytes.len, sodium_base64_VARIANT_ORIGINAL);
		json = json_stringn_nocheck(text, size - 1);
	}
	free(text);
	return json;
}

static json_t *args_json(const emr_bytes *args, size_t n)
{
	json_t *all = json_array();

	for (size_t i = 0; i < n; i++)
		if (json_array_append_new(all, bytes_json(args[i])) != 0) {
			json_decref(all);
			return NULL;
		}
	return all;
}

static int append(const char *text, size_t len, void *out)
{
	return emr_buf_append(out, text, len) == EMR_OK ? 0 : -1;
}

/* JSON, which this takes, NULL: there was no memory for it. */
static emr_status post(
	emr_fabric *fabric, emr_fabric_call *call, const char *path, json_t *json, emr_buf *out)
{
	EMR_AUTO_BUF body = {0};
	const bool is_whole =
		json != NULL && json_dump_callback(json, append, &body, JSON_COMPACT) == 0;

	json_decref(json);
	return is_whole ? ask(fabric, call, path, &body, out) : EMR_NO_MEMORY;
}

/* ---- the calls ---- */

emr_status emr_fabric_hand_in(emr_fabric *fabric, emr_fabric_call *call,
	const emr_fabric_transaction *t, emr_fabric_end *out_end)
{
	EMR_AUTO_BUF body = {0};
	json_t *json = json_pack("{s:s, s:s, s:s, s:o}", "id", t->id, "line", t->line, "function",
		t->function, "args", args_json(t->args, t->n_args));

	if (json != NULL && t->transient_name != NULL &&
		json_object_set_new(json, "transient",
			json_pack("{s:o}", t->transient_name, bytes_json(t->transient))) != 0) {
		json_decref(json);
		json = NULL;
	}
	EMR_TRY(post(fabric, call, "/v1/transactions", json, &body));
	return channel_read_end(emr_buf_view(&body), out_end);
}

emr_status emr_fabric_ended(
	emr_fabric *fabric, emr_fabric_call *call, const char *id, emr_fabric_end *out_end)
{
	EMR_AUTO_BUF body = {0};
	char path[PATH_CHARS];

	(void)snprintf(path, sizeof path, "/v1/transactions/%.128s?wait=%u", id, call->wait_s);
	EMR_TRY(ask(fabric, call, path, NULL, &body));
	return channel_read_end(emr_buf_view(&body), out_end);
}

emr_status emr_fabric_log(emr_fabric *fabric, emr_fabric_call *call, emr_fabric_place *place,
	emr_fabric_logged_fn fn, void *arg)
{
	EMR_AUTO_BUF body = {0};
	char path[PATH_CHARS];

	(void)snprintf(path, sizeof path, "/v1/log?block=%llu&index=%llu&wait=%u",
		(unsigned long long)place->block, (unsigned long long)place->index, call->wait_s);
	EMR_TRY(ask(fabric, call, path, NULL, &body));
	return channel_read_log(emr_buf_view(&body), place, fn, arg);
}

emr_status emr_fabric_parts(emr_fabric *fabric, emr_fabric_call *call, const char *collection,
	const char *const *keys, size_t n, emr_fabric_part_fn fn, void *arg, bool *out_is_complete)
{
	EMR_AUTO_BUF body = {0};
	json_t *names = json_array();

	for (size_t i = 0; i < n && names != NULL; i++)
		if (json_array_append_new(names, json_string(keys[i])) != 0) {
			json_decref(names);
			names = NULL;
		}
	EMR_TRY(post(fabric, call, "/v1/parts",
		json_pack("{s:s, s:o}", "collection", collection, "keys", names), &body));
	return channel_read_parts(emr_buf_view(&body), n, fn, arg, out_is_complete);
}

emr_status emr_fabric_ask(emr_fabric *fabric, emr_fabric_call *call, const char *function,
	const emr_bytes *args, size_t n, emr_buf *out)
{
	EMR_AUTO_BUF body = {0};

	EMR_TRY(post(fabric, call, "/v1/ask",
		json_pack("{s:s, s:o}", "function", function, "args", args_json(args, n)), &body));
	return channel_read_answer(emr_buf_view(&body), out);
}

emr_status emr_fabric_ask_state(
	emr_fabric *fabric, emr_fabric_call *call, emr_fabric_state *out_state)
{
	EMR_AUTO_BUF body = {0};

	EMR_TRY(ask(fabric, call, "/v1/state", NULL, &body));
	return channel_read_state(emr_buf_view(&body), out_state);
}
