/* This file makes one call of gRPC over HTTP/2: with a deadline, ended at once when the caller
 * gives up, and whole or an error.  When a line fails, it asks the next gateway. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway_private.h"

#define CONNECT_TIMEOUT_MS 10000L
#define GRPC_TIMEOUT_MAX_MS 99999999 /* eight digits */

/* One request while it runs. */
typedef struct exchange {
	gateway_run *run;
	const gateway_request *request;
	const gateway_endpoint *endpoint;
	CURL *easy;
	emr_buf body;
	grpc_frames frames;
	grpc_said said;
	emr_status take_status; /* of the caller's function, or of the frames */
	bool is_frame_bad;
	bool is_reused; /* the connection was there before */
} exchange;

/* ---- The run ---- */

gateway_run gateway_run_begin(emr_gateway *gateway, emr_gateway_call *call, emr_gateway_stage stage)
{
	call->fault = EMR_GATEWAY_FINE;
	call->stage = stage;
	call->tx_id[0] = '\0';
	call->is_open = false;
	call->grpc_status = -1;
	call->chaincode_status = 0;
	call->validation = -1;
	call->endpoint = 0;
	call->said[0] = '\0';
	return (gateway_run){.gateway = gateway,
		.call = call,
		.has_end = call->timeout_ms > 0,
		.deadline_ns =
			emr_clock_boot_ns(gateway->clock) + (int64_t)call->timeout_ms * 1000000};
}

uint32_t gateway_run_left_ms(const gateway_run *run)
{
	int64_t left = (run->deadline_ns - emr_clock_boot_ns(run->gateway->clock)) / 1000000;

	if (!run->has_end)
		return UINT32_MAX;
	return left <= 0 ? 0 : (uint32_t)left;
}

emr_status gateway_run_fail(gateway_run *run, emr_gateway_fault fault, const char *said)
{
	run->call->fault = fault;
	if (said != NULL && said != run->call->said)
		grpc_clean(
			run->call->said, sizeof run->call->said, emr_bytes_of(said, strlen(said)));
	return emr_gateway_fault_status(fault);
}

emr_status gateway_run_fail_here(gateway_run *run, emr_status status)
{
	(void)gateway_run_fail(run, EMR_GATEWAY_HERE, emr_status_text(status));
	return status;
}

/* ---- What libcurl calls ---- */

static size_t exchange_header(char *line, size_t size, size_t n, void *arg)
{
	exchange *x = arg;

	grpc_said_line(&x->said, emr_bytes_of(line, size * n));
	return size * n;
}

static size_t exchange_take(char *data, size_t size, size_t n, void *arg)
{
	exchange *x = arg;
	size_t len = size * n;

	if (!x->said.is_grpc)
		return len; /* somebody else's page, which nobody reads */
	x->take_status = grpc_frames_take(
		&x->frames, emr_bytes_of(data, len), x->request->take, x->request->arg);
	x->is_frame_bad = x->take_status != EMR_OK && x->frames.head_len > 0;
	/* More than one answer to one question: what comes is not read to its end. */
	if (x->take_status == EMR_OK && !x->request->is_stream && x->frames.count > 1) {
		x->take_status = EMR_UNSUPPORTED;
		x->is_frame_bad = true;
	}
	return x->take_status == EMR_OK ? len : CURL_WRITEFUNC_ERROR;
}

/* ---- The request ---- */

/* A connection in clear text is not used twice: libcurl 7.88 takes its second call for HTTP/1. */
static bool exchange_tls(const gateway_endpoint *endpoint, CURL *easy)
{
	if (endpoint->ca_file == NULL)
		return curl_easy_setopt(easy, CURLOPT_HTTP_VERSION,
			       CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE) == CURLE_OK &&
		       curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L) == CURLE_OK;
	return emr_curl->tell_certificates(easy) &&
	       curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_2TLS) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) ==
		       CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_CAINFO, endpoint->ca_file) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_CAPATH, NULL) == CURLE_OK &&
	       (endpoint->cert_file == NULL ||
		       (curl_easy_setopt(easy, CURLOPT_SSLCERT, endpoint->cert_file) == CURLE_OK &&
			       curl_easy_setopt(easy, CURLOPT_SSLKEY, endpoint->key_file) ==
				       CURLE_OK));
}

static bool exchange_address(const exchange *x, CURL *easy)
{
	EMR_AUTO_FREE char *url = NULL;

	if (asprintf(&url, "%s%s", x->endpoint->address, x->request->path) < 0) {
		url = NULL;
		return false;
	}
	return curl_easy_setopt(easy, CURLOPT_URL, url) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_PROXY, "") == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_USERAGENT, x->run->gateway->agent) == CURLE_OK &&
	       exchange_tls(x->endpoint, easy);
}

/* The deadline is kept by exchange_drive.  A stream that says nothing is found dead by TCP: pings
 * of HTTP/2 more often than once a minute would be taken for an attack. */
static bool exchange_options(exchange *x, CURL *easy)
{
	long left = (long)gateway_run_left_ms(x->run);

	return exchange_address(x, easy) &&
	       curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
		       left < CONNECT_TIMEOUT_MS ? left : CONNECT_TIMEOUT_MS) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_POST, 1L) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)x->body.len) ==
		       CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_POSTFIELDS, (const char *)x->body.data) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, exchange_header) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_HEADERDATA, x) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, exchange_take) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_WRITEDATA, x) == CURLE_OK;
}

static bool add_header(struct curl_slist **list, const char *line)
{
	struct curl_slist *longer = curl_slist_append(*list, line);

	if (longer == NULL)
		return false;
	*list = longer;
	return true;
}

/* The peer is given a tenth less, so that it still says why. */
static struct curl_slist *exchange_headers(const gateway_run *run)
{
	struct curl_slist *list = NULL;
	uint32_t left = gateway_run_left_ms(run);
	char timeout[40];
	bool is_fine;

	left -= left / 10;
	(void)snprintf(timeout, sizeof timeout, "grpc-timeout: %um",
		left > GRPC_TIMEOUT_MAX_MS ? GRPC_TIMEOUT_MAX_MS
		: left < 1		   ? 1
					   : left);
	is_fine = add_header(&list, "content-type: application/grpc") &&
		  add_header(&list, "te: trailers") && add_header(&list, "Expect:") &&
		  add_header(&list, "Accept:") && (!run->has_end || add_header(&list, timeout));
	if (is_fine)
		return list;
	curl_slist_free_all(list);
	return NULL;
}

/* Until it is done, its time is over, or the caller gives up. */
static emr_status exchange_drive(exchange *x, const gateway_line *line, CURLcode *out_code)
{
	struct curl_waitfd cancel = {.fd = x->run->call->cancel_fd, .events = CURL_WAIT_POLLIN};
	struct pollfd look = {.fd = cancel.fd, .events = POLLIN};
	unsigned extra = cancel.fd >= 0 ? 1 : 0;
	int running = 1, left_count;
	CURLMsg *message;

	*out_code = CURLE_OK;
	while (running > 0) {
		uint32_t left = gateway_run_left_ms(x->run);

		if (extra > 0 && poll(&look, 1, 0) > 0)
			return EMR_INTERRUPTED;
		if (left == 0)
			return EMR_TIMEOUT;
		if (curl_multi_perform(line->multi, &running) != CURLM_OK)
			return EMR_NO_MEMORY;
		if (running > 0 && curl_multi_poll(line->multi, &cancel, extra,
					   left < 1000 ? (int)left : 1000, NULL) != CURLM_OK)
			return EMR_NO_MEMORY;
	}
	while ((message = curl_multi_info_read(line->multi, &left_count)) != NULL) {
		if (message->msg == CURLMSG_DONE)
			*out_code = message->data.result;
	}
	return EMR_OK;
}

/* ---- What became of it ---- */

/* The peer ends a call whose time is over by a reset, which may come before our own end. */
static emr_gateway_fault curl_fault(const gateway_run *run, CURLcode code)
{
	if (code == CURLE_COULDNT_RESOLVE_HOST)
		return EMR_GATEWAY_NO_HOST;
	if (code == CURLE_COULDNT_CONNECT)
		return EMR_GATEWAY_NO_ANSWER;
	if (code == CURLE_OPERATION_TIMEDOUT)
		return gateway_run_left_ms(run) == 0 ? EMR_GATEWAY_SLOW : EMR_GATEWAY_NO_ANSWER;
	if (code == CURLE_HTTP2_STREAM && run->has_end &&
		gateway_run_left_ms(run) <= run->call->timeout_ms / 10)
		return EMR_GATEWAY_SLOW;
	if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE ||
		code == CURLE_SSL_ISSUER_ERROR || code == CURLE_SSL_INVALIDCERTSTATUS)
		return EMR_GATEWAY_TLS;
	if (code == CURLE_SSL_CERTPROBLEM)
		return EMR_GATEWAY_CERTIFICATE_FILE;
	if (code == CURLE_OUT_OF_MEMORY)
		return EMR_GATEWAY_HERE;
	if (code == CURLE_GOT_NOTHING || code == CURLE_PARTIAL_FILE || code == CURLE_RECV_ERROR ||
		code == CURLE_SEND_ERROR || code == CURLE_HTTP2_STREAM || code == CURLE_HTTP2 ||
		code == CURLE_SSL_CONNECT_ERROR) /* also who hangs up before he says who he is */
		return EMR_GATEWAY_BROKEN_OFF;
	return EMR_GATEWAY_STRANGE;
}

/* The status for an answer of a proxy in between, without gRPC (grpc/grpc
 * doc/http-grpc-status-mapping.md). */
static emr_gateway_fault http_fault(long status)
{
	if (status == 401 || status == 403)
		return EMR_GATEWAY_PERMISSION;
	if (status == 429)
		return EMR_GATEWAY_BUSY;
	return status == 502 || status == 503 || status == 504 ? EMR_GATEWAY_UNAVAILABLE
							       : EMR_GATEWAY_STRANGE;
}

static emr_status exchange_said(exchange *x, emr_gateway_fault fault)
{
	emr_gateway_call *call = x->run->call;
	char text[2 * GRPC_TEXT_BYTES + 4];
	const char *words = "chaincode response ", *found;

	(void)snprintf(text, sizeof text, "%s%s%s", x->said.detail,
		x->said.detail[0] != '\0' ? " - " : "", x->said.message);
	found = strstr(text, words);
	if (found != NULL)
		call->chaincode_status = (int)strtol(found + strlen(words), NULL, 10);
	return gateway_run_fail(x->run, fault, text);
}

static emr_status exchange_judge(exchange *x, CURLcode code)
{
	long http_status = 0, version = 0, connects = 0;

	curl_easy_getinfo(x->easy, CURLINFO_NUM_CONNECTS, &connects);
	x->is_reused = connects == 0;
	curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &http_status);
	curl_easy_getinfo(x->easy, CURLINFO_HTTP_VERSION, &version);
	x->run->call->grpc_status = x->said.code;
	if (x->is_frame_bad)
		return gateway_run_fail(x->run,
			x->take_status == EMR_LIMIT ? EMR_GATEWAY_TOO_LARGE : EMR_GATEWAY_STRANGE,
			"the frames of the answer");
	if (x->take_status != EMR_OK)
		return x->run->call->fault != EMR_GATEWAY_FINE
			       ? x->take_status
			       : gateway_run_fail_here(x->run, x->take_status);
	/* A peer that refuses early resets the rest of what is sent: its answer counts, not that.
	 */
	if (x->said.is_grpc && x->said.code > GRPC_OK)
		return exchange_said(x, grpc_fault(&x->said));
	if (code != CURLE_OK)
		return gateway_run_fail(x->run, curl_fault(x->run, code), curl_easy_strerror(code));
	if (http_status != 200)
		return gateway_run_fail(x->run, http_fault(http_status), "no answer of gRPC");
	if (version != CURL_HTTP_VERSION_2_0 || !x->said.is_grpc)
		return gateway_run_fail(x->run, EMR_GATEWAY_STRANGE, "no gRPC over HTTP/2");
	if (x->said.code == GRPC_MISSING)
		return gateway_run_fail(x->run, EMR_GATEWAY_NO_STATUS, NULL);
	if (!grpc_frames_is_whole(&x->frames) || (!x->request->is_stream && x->frames.count != 1))
		return gateway_run_fail(x->run, EMR_GATEWAY_BROKEN_OFF, "the answer is not whole");
	return EMR_OK;
}

static emr_status exchange_run(exchange *x, size_t index)
{
	struct curl_slist *headers = exchange_headers(x->run);
	CURLcode code = CURLE_OK;
	gateway_line line;
	emr_status status;

	if (headers == NULL || line_take(x->run->gateway, index, &line) != EMR_OK) {
		curl_slist_free_all(headers);
		return gateway_run_fail_here(x->run, EMR_NO_MEMORY);
	}
	x->easy = line.easy;
	status = exchange_options(x, line.easy) &&
				 curl_easy_setopt(line.easy, CURLOPT_HTTPHEADER, headers) ==
					 CURLE_OK &&
				 curl_multi_add_handle(line.multi, line.easy) == CURLM_OK
			 ? exchange_drive(x, &line, &code)
			 : EMR_NO_MEMORY;
	if (status == EMR_OK)
		status = exchange_judge(x, code);
	else if (status == EMR_INTERRUPTED)
		status = gateway_run_fail(x->run, EMR_GATEWAY_CANCELLED, NULL);
	else if (status == EMR_TIMEOUT)
		status = gateway_run_fail(x->run, EMR_GATEWAY_SLOW, NULL);
	else
		status = gateway_run_fail_here(x->run, status);
	curl_multi_remove_handle(line.multi, line.easy);
	line_give_back(x->run->gateway, index, &line, code == CURLE_OK && status == EMR_OK);
	curl_slist_free_all(headers);
	return status;
}

static emr_status body_of(emr_bytes message, emr_buf *out)
{
	uint8_t head[GRPC_FRAME_HEAD];

	grpc_frame_head((uint32_t)message.len, head);
	EMR_TRY(emr_buf_append(out, head, sizeof head));
	return message.len > 0 ? emr_buf_append(out, message.data, message.len) : EMR_OK;
}

/* A gateway asks a peer of its own organisation before all others, and gives up with it: another
 * organisation's chaincode may run where this one's is dead, and its peer may not be behind, also
 * with the CAs that the channel knows.  A clock that all find wrong is one's own. */
static bool is_of_its_peer(emr_gateway_fault fault)
{
	return fault == EMR_GATEWAY_ENDORSEMENT || fault == EMR_GATEWAY_MISMATCH ||
	       fault == EMR_GATEWAY_NOT_SPREAD || fault == EMR_GATEWAY_IDENTITY ||
	       fault == EMR_GATEWAY_CLOCK;
}

/* Another gateway may reach whom this one does not. */
static bool asks_next(emr_gateway_fault fault)
{
	return endpoint_is_failure(fault) || is_of_its_peer(fault) ||
	       fault == EMR_GATEWAY_UNAVAILABLE || fault == EMR_GATEWAY_BUSY ||
	       fault == EMR_GATEWAY_NO_PEERS || fault == EMR_GATEWAY_UNIMPLEMENTED;
}

/* A commit and an event may be long in coming; any other answer is not. */
static bool is_behind_others(const gateway_run *run, const gateway_request *request)
{
	if (is_of_its_peer(run->call->fault))
		return true;
	return run->call->fault == EMR_GATEWAY_SLOW && run->call->stage != EMR_GATEWAY_COMMIT &&
	       !request->is_stream;
}

/* A stream that has told something is not begun again by itself: its caller knows from where. */
emr_status gateway_ask(gateway_run *run, const gateway_request *request)
{
	exchange x = {.run = run, .request = request};
	unsigned tried = 0;
	bool is_again = false;
	emr_status status = body_of(request->message, &x.body);

	if (status != EMR_OK) {
		emr_buf_free(&x.body);
		return gateway_run_fail_here(run, status);
	}
	for (;;) {
		int index = endpoint_choose(run->gateway, tried);

		if (index < 0 && tried == 0)
			status = gateway_run_fail(run, EMR_GATEWAY_RESTING, NULL);
		if (index < 0)
			break;
		tried |= 1u << index;
		run->call->endpoint = (size_t)index;
		run->call->fault = EMR_GATEWAY_FINE;
		run->call->said[0] = '\0';
		x.endpoint = &run->gateway->endpoints[index];
		x.frames = (grpc_frames){.max_bytes = EMR_GATEWAY_ANSWER_MAX};
		x.take_status = EMR_OK;
		x.is_frame_bad = false;
		x.is_reused = false;
		grpc_said_begin(&x.said);
		status = exchange_run(&x, (size_t)index);
		grpc_frames_free(&x.frames);
		endpoint_judge(run->gateway, (size_t)index, run->call->fault);
		if (is_behind_others(run, request))
			endpoint_defer(run->gateway, (size_t)index);
		if (!asks_next(run->call->fault) || x.frames.count > 0)
			break;
		/* A peer that was restarted has closed what lay idle: a new line decides. */
		if (run->call->fault == EMR_GATEWAY_BROKEN_OFF && x.is_reused && !is_again) {
			is_again = true;
			tried &= ~(1u << index);
		}
	}
	emr_buf_free(&x.body);
	return status;
}
