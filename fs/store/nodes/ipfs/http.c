/* This file makes one HTTP request to a node: with a deadline, ended at once when the caller gives
 * up, and whole or an error.  This file and answers.c, and no other, decide what an error is. */
#include "node_private.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/secret.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define CONNECT_TIMEOUT_MS 10000L
#define ERROR_BODY_MAX 4096
#define LOOK_MS 1000
#define TRAILER "x-stream-error:"

/* One request while it runs. */
typedef struct exchange {
	node_run *run;
	const node_request *request;
	CURL *easy;
	emr_status read_status, take_status;
	emr_buf error_body;
	size_t taken; /* bytes of an answer with status 200 */
	bool has_trailer;
	emr_ipfs_fault trailer_fault;
	char trailer[EMR_IPFS_SAID_BYTES];
} exchange;

node_run node_run_begin(emr_ipfs *node, emr_ipfs_call *call)
{
	call->fault = EMR_IPFS_FINE;
	call->http_status = 0;
	call->said[0] = '\0';
	return (node_run){.node = node,
		.call = call,
		.deadline_ns = emr_clock_boot_ns(emr_clock_system()) +
			       (int64_t)call->timeout_ms * 1000000};
}

uint32_t node_run_left_ms(const node_run *run)
{
	int64_t left = (run->deadline_ns - emr_clock_boot_ns(emr_clock_system())) / 1000000;

	return left < 1 ? 1 : (uint32_t)left;
}

void node_run_moved(node_run *run)
{
	run->moved_ns = emr_clock_boot_ns(emr_clock_system());
}

emr_status node_run_fail(node_run *run, emr_ipfs_fault fault, const char *said)
{
	run->call->fault = fault;
	if (said != NULL && said != run->call->said)
		answer_say(run->call->said, said, strlen(said));
	return emr_ipfs_fault_status(fault);
}

emr_status node_run_fail_here(node_run *run, emr_status status)
{
	run->call->fault = EMR_IPFS_HERE;
	answer_say(run->call->said, emr_status_text(status), strlen(emr_status_text(status)));
	return status;
}

/* ---- Lines ---- */

static bool line_take(emr_ipfs *node, node_line *out_line)
{
	bool is_there = false;

	pthread_mutex_lock(&node->lock);
	if (node->idle_count > 0) {
		*out_line = node->idle[--node->idle_count];
		is_there = true;
	}
	pthread_mutex_unlock(&node->lock);
	if (is_there)
		return true;
	*out_line = (node_line){.multi = curl_multi_init(), .easy = curl_easy_init()};
	if (out_line->multi != NULL && out_line->easy != NULL)
		return true;
	curl_multi_cleanup(out_line->multi);
	curl_easy_cleanup(out_line->easy);
	return false;
}

static void line_end(node_line *line)
{
	curl_easy_cleanup(line->easy);
	curl_multi_cleanup(line->multi);
}

static void line_give_back(emr_ipfs *node, node_line *line)
{
	bool is_kept = false;

	curl_easy_reset(line->easy);
	pthread_mutex_lock(&node->lock);
	if (node->idle_count < NODE_IDLE_MAX) {
		node->idle[node->idle_count++] = *line;
		is_kept = true;
	}
	pthread_mutex_unlock(&node->lock);
	if (!is_kept)
		line_end(line);
}

/* ---- What libcurl calls ---- */

static size_t exchange_read(char *buffer, size_t size, size_t n, void *arg)
{
	exchange *x = arg;
	size_t got = 0;

	x->read_status = x->request->read(x->request->read_arg, buffer, size * n, &got);
	return x->read_status == EMR_OK ? got : CURL_READFUNC_ABORT;
}

/* A trailer comes the same way as a header, behind the body. */
static size_t exchange_header(char *line, size_t size, size_t n, void *arg)
{
	exchange *x = arg;
	size_t len = size * n, skip = strlen(TRAILER);

	if (len > skip && strncasecmp(line, TRAILER, skip) == 0) {
		x->has_trailer = true;
		while (skip < len && line[skip] == ' ')
			skip++;
		answer_say(x->trailer, line + skip, len - skip);
		x->trailer_fault = answer_error_fault(line + skip, len - skip);
	}
	return len;
}

static size_t exchange_take(char *data, size_t size, size_t n, void *arg)
{
	exchange *x = arg;
	size_t len = size * n;
	long status = 0;

	curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status != 200) { /* its beginning is enough to say what it is */
		size_t room = ERROR_BODY_MAX - x->error_body.len;

		if (room == 0) /* the status says that it failed; no more is read */
			return CURL_WRITEFUNC_ERROR;
		x->take_status = emr_buf_append(&x->error_body, data, len < room ? len : room);
		return x->take_status == EMR_OK ? len : CURL_WRITEFUNC_ERROR;
	}
	x->taken += len;
	x->take_status = x->request->most != 0 && x->taken > x->request->most
				 ? node_run_fail(x->run, EMR_IPFS_STRANGE, "an answer too long")
				 : x->request->take(x->request->arg, emr_bytes_of(data, len));
	return x->take_status == EMR_OK ? len : CURL_WRITEFUNC_ERROR;
}

/* ---- The request ---- */

/* Without one the node says that it wants one. */
static bool exchange_token(const node_run *run, CURL *easy)
{
	const emr_ipfs *node = run->node;
	char token[EMR_IPFS_TOKEN_MAX];
	bool is_fine = true;

	if (node->token_of(node->token_arg, run->root, token, sizeof token) == EMR_OK)
		is_fine = curl_easy_setopt(easy, CURLOPT_HTTPAUTH, CURLAUTH_BEARER) == CURLE_OK &&
			  curl_easy_setopt(easy, CURLOPT_XOAUTH2_BEARER, token) == CURLE_OK;
	emr_wipe(token, sizeof token);
	return is_fine;
}

static bool exchange_address(const exchange *x, CURL *easy)
{
	const emr_ipfs *node = x->run->node;
	EMR_AUTO_FREE char *url = NULL;
	char base[256], path[256] = "", key[64] = ""; /* libcurl keeps copies */
	const char *socket = node->socket, *pin = node->pin;
	bool is_fine;

	if (node->place_of != NULL) {
		node->place_of(node->token_arg, base, path, key);
		socket = path[0] != '\0' ? path : NULL;
		pin = key[0] != '\0' ? key : NULL;
	}
	if (asprintf(&url, "%s%s", node->place_of != NULL ? base : node->base, x->request->path) <
		0) {
		url = NULL;
		return false;
	}
	is_fine = curl_easy_setopt(easy, CURLOPT_URL, url) == CURLE_OK &&
		  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
		  curl_easy_setopt(easy, CURLOPT_PROXY, "") == CURLE_OK;
	if (is_fine && socket != NULL)
		is_fine = curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, socket) == CURLE_OK;
	if (is_fine && node->login != NULL)
		is_fine = curl_easy_setopt(easy, CURLOPT_HTTPAUTH, CURLAUTH_BASIC) == CURLE_OK &&
			  curl_easy_setopt(easy, CURLOPT_USERPWD, node->login) == CURLE_OK;
	if (is_fine && node->token_of != NULL)
		is_fine = exchange_token(x->run, easy);
	if (is_fine && pin != NULL)
		is_fine = curl_easy_setopt(easy, CURLOPT_PINNEDPUBLICKEY, pin) == CURLE_OK &&
			  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L) == CURLE_OK &&
			  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L) == CURLE_OK;
	if (is_fine && node->ca_file != NULL)
		is_fine = emr_curl->tell_certificates(easy) &&
			  curl_easy_setopt(easy, CURLOPT_CAINFO, node->ca_file) == CURLE_OK &&
			  curl_easy_setopt(easy, CURLOPT_CAPATH, NULL) == CURLE_OK;
	return is_fine;
}

/* Everything that must be so for every request. A caller that gives up does not wait for a name
 * that is still being looked up: its thread is left to end by itself. */
static bool exchange_options(exchange *x, CURL *easy)
{
	const emr_ipfs *node = x->run->node;
	long left = (long)node_run_left_ms(x->run);

	return exchange_address(x, easy) &&
	       curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_USERAGENT, node->agent) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, left) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
		       left < CONNECT_TIMEOUT_MS ? left : CONNECT_TIMEOUT_MS) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 262144L) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, exchange_header) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_HEADERDATA, x) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, exchange_take) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_WRITEDATA, x) == CURLE_OK;
}

static emr_status exchange_body(exchange *x, CURL *easy, curl_mime **out_mime)
{
	curl_mimepart *part;
	bool is_fine;

	if (x->request->is_delete &&
		curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, "DELETE") != CURLE_OK)
		return EMR_NO_MEMORY;
	if (x->request->is_get)
		return EMR_OK;
	if (x->request->read == NULL) {
		is_fine = curl_easy_setopt(easy, CURLOPT_POST, 1L) == CURLE_OK &&
			  curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, 0L) == CURLE_OK &&
			  curl_easy_setopt(easy, CURLOPT_POSTFIELDS, "") == CURLE_OK;
		return is_fine ? EMR_OK : EMR_NO_MEMORY;
	}
	*out_mime = curl_mime_init(easy);
	part = *out_mime != NULL ? curl_mime_addpart(*out_mime) : NULL;
	is_fine = part != NULL && curl_mime_name(part, "file") == CURLE_OK &&
		  curl_mime_filename(part, "car") == CURLE_OK &&
		  curl_mime_type(part, "application/octet-stream") == CURLE_OK &&
		  curl_mime_data_cb(part, -1, exchange_read, NULL, NULL, x) == CURLE_OK &&
		  curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, 262144L) == CURLE_OK &&
		  curl_easy_setopt(easy, CURLOPT_MIMEPOST, *out_mime) == CURLE_OK;
	return is_fine ? EMR_OK : EMR_NO_MEMORY;
}

/* How long an answer may go on standing still; 0: no longer. */
static int exchange_patience_ms(const exchange *x)
{
	int64_t left;

	if (x->request->still_ms == 0)
		return LOOK_MS;
	left = x->request->still_ms -
	       (emr_clock_boot_ns(emr_clock_system()) - x->run->moved_ns) / 1000000;
	return left <= 0 ? 0 : left < LOOK_MS ? (int)left : LOOK_MS;
}

/* Until it is done, stands still for too long or the caller gives up: then nothing more is sent,
 * and the line is not used again. */
static emr_status exchange_drive(exchange *x, const node_line *line, CURLcode *out_code)
{
	struct curl_waitfd cancel = {.fd = x->run->call->cancel_fd, .events = CURL_WAIT_POLLIN};
	struct pollfd look = {.fd = cancel.fd, .events = POLLIN};
	unsigned extra = cancel.fd >= 0 ? 1 : 0;
	int running = 1, left, patience_ms;
	curl_off_t sent;
	CURLMsg *message;

	*out_code = CURLE_OK;
	node_run_moved(x->run);
	while (running > 0) {
		if (extra > 0 && poll(&look, 1, 0) > 0)
			return EMR_INTERRUPTED;
		if (curl_multi_perform(line->multi, &running) != CURLM_OK)
			return EMR_NO_MEMORY;
		if (x->request->sent != NULL &&
			curl_easy_getinfo(line->easy, CURLINFO_SIZE_UPLOAD_T, &sent) == CURLE_OK)
			atomic_store(x->request->sent, (uint64_t)sent);
		patience_ms = exchange_patience_ms(x);
		if (running > 0 && patience_ms == 0) {
			*out_code = CURLE_OPERATION_TIMEDOUT;
			return EMR_OK;
		}
		if (running > 0 &&
			curl_multi_poll(line->multi, &cancel, extra, patience_ms, NULL) != CURLM_OK)
			return EMR_NO_MEMORY;
	}
	while ((message = curl_multi_info_read(line->multi, &left)) != NULL) {
		if (message->msg == CURLMSG_DONE)
			*out_code = message->data.result;
	}
	return EMR_OK;
}

/* ---- What became of it ---- */

/* Codes that are not here mean that what answers does not speak HTTP, or no TLS where it should. */
static emr_ipfs_fault curl_fault(CURLcode code)
{
	if (code == CURLE_COULDNT_RESOLVE_HOST)
		return EMR_IPFS_NO_HOST;
	if (code == CURLE_COULDNT_CONNECT)
		return EMR_IPFS_NO_ANSWER;
	if (code == CURLE_OPERATION_TIMEDOUT)
		return EMR_IPFS_SLOW;
	if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE ||
		code == CURLE_SSL_ISSUER_ERROR || code == CURLE_SSL_INVALIDCERTSTATUS ||
		code == CURLE_SSL_PINNEDPUBKEYNOTMATCH)
		return EMR_IPFS_CERTIFICATE;
	if (code == CURLE_GOT_NOTHING || code == CURLE_PARTIAL_FILE || code == CURLE_RECV_ERROR ||
		code == CURLE_SEND_ERROR || code == CURLE_SEND_FAIL_REWIND)
		return EMR_IPFS_BROKEN_OFF;
	if (code == CURLE_OUT_OF_MEMORY)
		return EMR_IPFS_HERE;
	return EMR_IPFS_STRANGE;
}

static emr_status exchange_judge(exchange *x, CURLcode code)
{
	char barrier[EMR_IPFS_SAID_BYTES];
	node_run *run = x->run;
	emr_ipfs_call *call = run->call;

	curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &call->http_status);
	if (x->take_status != EMR_OK || x->read_status != EMR_OK) {
		emr_status status = x->take_status != EMR_OK ? x->take_status : x->read_status;

		return call->fault != EMR_IPFS_FINE ? status : node_run_fail_here(run, status);
	}
	/* A node that refuses early closes the line under the rest of what is sent: its answer
	 * counts, not that. */
	if (call->http_status != 0 && call->http_status != 200) {
		call->fault = answer_fault(run->node->kind, call->http_status,
			emr_buf_view(&x->error_body), call->said);
		return emr_ipfs_fault_status(call->fault);
	}
	/* libcurl says so of a header above its limit, too. */
	if (code == CURLE_OUT_OF_MEMORY && call->http_status != 0)
		return node_run_fail(run, EMR_IPFS_STRANGE, "a header too long");
	if (code == CURLE_OUT_OF_MEMORY)
		return node_run_fail_here(run, EMR_NO_MEMORY);
	if (code == CURLE_COULDNT_CONNECT && run->node->socket != NULL &&
		emr_file_is_barred(run->node->socket, barrier, sizeof barrier))
		return node_run_fail(run, EMR_IPFS_NO_ACCESS, barrier);
	if (code != CURLE_OK)
		return node_run_fail(run, curl_fault(code), curl_easy_strerror(code));
	if (x->has_trailer)
		return node_run_fail(run,
			x->trailer_fault == EMR_IPFS_ERROR ? EMR_IPFS_BROKEN_OFF : x->trailer_fault,
			x->trailer);
	return EMR_OK;
}

static emr_status ask_once(node_run *run, const node_request *request)
{
	exchange x = {.run = run, .request = request};
	struct curl_slist *headers = run->node->headers;
	struct curl_slist accept = {.next = headers};
	EMR_AUTO_FREE char *accept_line = NULL;
	curl_mime *mime = NULL;
	CURLcode code = CURLE_OK;
	node_line line;
	emr_status status;

	if (!line_take(run->node, &line))
		return node_run_fail_here(run, EMR_NO_MEMORY);
	x.easy = line.easy;
	if (request->accept != NULL) {
		if (asprintf(&accept_line, "Accept: %s", request->accept) < 0)
			accept_line = NULL;
		accept.data = accept_line;
		headers = &accept;
	}
	status = exchange_options(&x, line.easy) ? exchange_body(&x, line.easy, &mime)
						 : EMR_NO_MEMORY;
	if (status == EMR_OK &&
		((request->accept != NULL && accept_line == NULL) ||
			curl_easy_setopt(line.easy, CURLOPT_HTTPHEADER, headers) != CURLE_OK ||
			curl_multi_add_handle(line.multi, line.easy) != CURLM_OK))
		status = EMR_NO_MEMORY;
	if (status != EMR_OK) {
		curl_mime_free(mime);
		line_end(&line);
		return node_run_fail_here(run, status);
	}
	status = exchange_drive(&x, &line, &code);
	if (status == EMR_OK)
		status = exchange_judge(&x, code);
	else if (status == EMR_INTERRUPTED)
		status = node_run_fail(run, EMR_IPFS_CANCELLED, "");
	else
		status = node_run_fail_here(run, status);
	curl_multi_remove_handle(line.multi, line.easy);
	curl_mime_free(mime);
	line_give_back(run->node, &line);
	emr_buf_free(&x.error_body);
	return status;
}

/* A token may end before its time: its node was restored, or has another clock. A new one is asked
 * for at once, but what was sent is gone, and is sent again by the next call. */
emr_status node_http(node_run *run, const node_request *request)
{
	const emr_ipfs *node = run->node;
	emr_status status = ask_once(run, request);

	if (status == EMR_OK || run->call->http_status != 401 || node->token_of == NULL)
		return status;
	(void)!node->token_of(node->token_arg, (emr_bytes){0}, NULL, 0);
	if (request->read != NULL)
		return status;
	run->call->fault = EMR_IPFS_FINE;
	run->call->said[0] = '\0';
	return ask_once(run, request);
}
