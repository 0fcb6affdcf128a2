/* This file asks a host of which nothing is kept on this computer: what its network began with,
 * whether it answers, and for its signature under another host's head. It signs nothing, and
 * refuses a host with another key than it was told. */
#include "client_private.h"

#include <sodium.h>
#include <stdio.h>

#include "ledger/backend.h"
#include "ledger/checkpoint.h"
#include "ledger/network.h"

/* A host of which nothing is kept here.  EMR_FORK: it has another key. */
static emr_status ask_at(const emr_served_at *at, const emr_http_request *request, emr_buf *out)
{
	EMR_AUTO_HTTP http = NULL;
	emr_http_answer answer;
	emr_status status;

	EMR_TRY(client_open_line(at, &http));
	status = emr_http_ask(http, request, out, &answer);
	if (answer.fault == EMR_HTTP_CERTIFICATE)
		return EMR_FORK;
	return status == EMR_OK ? client_status_of(&answer, out) : status;
}

emr_status emr_served_meet(const emr_served_at *at, const emr_id16 *id, emr_buf *out)
{
	char hex[33], path[96] = WIRE_ROOT "descriptor";
	const emr_http_request request = {.method = "GET",
		.path = path,
		.timeout_ms = TIMEOUT_MS,
		.answer_max = EMR_NETWORK_DESCRIPTOR_MAX};
	EMR_AUTO_BUF body = {0};

	if (id != NULL) {
		emr_hex(id->b, sizeof id->b, hex);
		(void)snprintf(path, sizeof path, WIRE_ROOT "letters/%s.invitation", hex);
	}
	EMR_TRY(ask_at(at, &request, &body));
	return emr_buf_append(out, body.data, body.len);
}

/* Nobody signed the request: the refusal says the time. */
emr_status emr_served_look(const emr_served_at *at, uint32_t timeout_ms, int64_t *out_ahead_s)
{
	const uint64_t sent = emr_clock_unix_s(emr_clock_system());
	uint8_t body[WIRE_TOKEN_REQUEST_BYTES];
	const emr_http_request request = {.method = "POST",
		.path = WIRE_ROOT "token",
		.body = emr_bytes_of(body, sizeof body),
		.timeout_ms = timeout_ms,
		.answer_max = EMR_NETWORK_DESCRIPTOR_MAX};
	EMR_AUTO_BUF time = {0};
	emr_status status;

	randombytes_buf(body, sizeof body);
	status = ask_at(at, &request, &time);
	*out_ahead_s = 0;
	if (status != EMR_DENIED)
		return status == EMR_OK ? EMR_OFFLINE : status;
	if (client_is_given(at->key, body, &time, 8))
		*out_ahead_s = client_ahead_of(
			emr_get_u64(time.data), sent, emr_clock_unix_s(emr_clock_system()));
	return EMR_OK;
}

emr_status emr_served_cosign(const emr_served_at *at, emr_bytes head, int cancel_fd, emr_buf *out)
{
	const emr_http_request request = {.method = "POST",
		.path = WIRE_ROOT "cosign",
		.body = head,
		.timeout_ms = TIMEOUT_MS,
		.answer_max = EMR_CHECKPOINT_MAX,
		.cancel_fds = {cancel_fd}};

	return ask_at(at, &request, out);
}

static emr_status open_there(
	const emr_ledger_options *options, int wake_fd, emr_ledger **out_ledger)
{
	return emr_served_is_at(options->path) || emr_served_is_recovering(options->path)
		       ? emr_served_open(options, wake_fd, out_ledger)
		       : emr_embedded_open_woken(options, wake_fd, out_ledger);
}

emr_status emr_served_open_place(const emr_ledger_options *options, emr_ledger **out_ledger)
{
	emr_ledger_options own = *options;

	own.host = open_there;
	return emr_ledger_open(&own, out_ledger);
}
