/* This file makes whole requests to one server of HTTP with libcurl. A request takes one of the
 * kept connections, or makes one, and gives it back when the answer is whole. It believes no
 * answer that broke off or grew beyond its limit. */
#include "http/request.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/secret.h"
#include "http/curl.h"

#define CONNECT_TIMEOUT_MS 10000L
#define IDLE_MAX 16
#define LONG_BODY ((size_t)64 << 10) /* not sent before the server wants it */

/* One connection, and what drives it. */
typedef struct line {
	CURLM *multi;
	CURL *easy;
} line;

struct emr_http {
	emr_http_server server; /* its texts are owned */
	pthread_mutex_t lock;	/* of what follows */
	line idle[IDLE_MAX];
	size_t idle_n;
};

typedef struct exchange {
	emr_http *http;
	const emr_http_request *request;
	emr_buf *body;
	emr_http_answer *answer;
	emr_status status; /* why it was given up here */
	struct curl_slist *headers;
} exchange;

bool emr_http_url_ok(const char *url)
{
	size_t len = strlen(url);

	if (len <= 8 || len > 255 || strncmp(url, "https://", 8) != 0)
		return false;
	for (const char *at = url + 8; *at != '\0'; at++)
		if (*at <= ' ' || *at >= 0x7f || strchr("/@?#\\", *at) != NULL)
			return false;
	return true;
}

static bool copy_text(const char *from, const char **to)
{
	*to = from != NULL ? strdup(from) : NULL;
	return from == NULL || *to != NULL;
}

emr_status emr_http_open(const emr_http_server *server, emr_http **out_http)
{
	emr_http *http;

	if (server->socket == NULL && !emr_http_url_ok(server->url))
		return EMR_INVALID;
	if (!emr_curl_begin())
		return EMR_NO_MODULE;
	http = calloc(1, sizeof *http);
	EMR_TRY_MEMORY(http);
	(void)pthread_mutex_init(&http->lock, NULL);
	if (!copy_text(server->url, &http->server.url) ||
		!copy_text(server->root_file, &http->server.root_file) ||
		!copy_text(server->pin, &http->server.pin) ||
		!copy_text(server->socket, &http->server.socket)) {
		emr_http_close(http);
		return EMR_NO_MEMORY;
	}
	*out_http = http;
	return EMR_OK;
}

static void line_end(const line *l)
{
	if (l->easy != NULL)
		curl_easy_cleanup(l->easy);
	if (l->multi != NULL)
		(void)curl_multi_cleanup(l->multi);
}

void emr_http_close(emr_http *http)
{
	if (http == NULL)
		return;
	while (http->idle_n > 0)
		line_end(&http->idle[--http->idle_n]);
	(void)pthread_mutex_destroy(&http->lock);
	free((void *)(uintptr_t)http->server.url);
	free((void *)(uintptr_t)http->server.root_file);
	free((void *)(uintptr_t)http->server.pin);
	free((void *)(uintptr_t)http->server.socket);
	free(http);
}

static bool line_take(emr_http *http, line *out)
{
	bool is_there;

	(void)pthread_mutex_lock(&http->lock);
	is_there = http->idle_n > 0;
	if (is_there)
		*out = http->idle[--http->idle_n];
	(void)pthread_mutex_unlock(&http->lock);
	if (!is_there)
		*out = (line){.multi = curl_multi_init(), .easy = curl_easy_init()};
	return out->multi != NULL && out->easy != NULL;
}

static void line_give_back(emr_http *http, const line *l)
{
	bool is_kept = false;

	if (l->multi != NULL && l->easy != NULL) {
		curl_easy_reset(l->easy);
		(void)pthread_mutex_lock(&http->lock);
		is_kept = http->idle_n < IDLE_MAX;
		if (is_kept)
			http->idle[http->idle_n++] = *l;
		(void)pthread_mutex_unlock(&http->lock);
	}
	if (!is_kept)
		line_end(l);
}

static size_t take_body(char *data, size_t size, size_t n, void *arg)
{
	exchange *x = arg;
	size_t len = size * n;

	x->status = len > x->request->answer_max - x->body->len
			    ? EMR_LIMIT
			    : emr_buf_append(x->body, data, len);
	return x->status == EMR_OK ? len : CURL_WRITEFUNC_ERROR;
}

static bool add_header(exchange *x, const char *text)
{
	struct curl_slist *longer = curl_slist_append(x->headers, text);

	if (longer == NULL)
		return false;
	x->headers = longer;
	return true;
}

#define IS_SET(option, value) (curl_easy_setopt(easy, option, value) == CURLE_OK)

/* A server that is known by its key has any name, and no authority has to vouch for it. */
static bool set_server(const emr_http_server *server, CURL *easy)
{
	if (server->socket != NULL)
		return IS_SET(CURLOPT_UNIX_SOCKET_PATH, server->socket) &&
		       IS_SET(CURLOPT_PROTOCOLS_STR, "http");
	if (!IS_SET(CURLOPT_PROTOCOLS_STR, "https") ||
		!IS_SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2))
		return false;
	if (server->pin != NULL)
		return IS_SET(CURLOPT_PINNEDPUBLICKEY, server->pin) &&
		       IS_SET(CURLOPT_SSL_VERIFYPEER, 0L) && IS_SET(CURLOPT_SSL_VERIFYHOST, 0L);
	if (server->root_file != NULL)
		return emr_curl->tell_certificates(easy) &&
		       IS_SET(CURLOPT_CAINFO, server->root_file) && IS_SET(CURLOPT_CAPATH, NULL);
	return emr_curl->tell_certificates(easy);
}

static const emr_http_server *server_of(const exchange *x)
{
	return x->request->server != NULL ? x->request->server : &x->http->server;
}

static bool set_body(exchange *x, CURL *easy)
{
	const emr_http_request *request = x->request;

	if (strcmp(request->method, "GET") == 0)
		return true;
	return IS_SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.len) &&
	       IS_SET(CURLOPT_POSTFIELDS,
		       request->body.data != NULL ? (const char *)request->body.data : "") &&
	       add_header(x, request->body.len > LONG_BODY ? "Expect: 100-continue" : "Expect:");
}

static bool set_all(exchange *x, CURL *easy, const char *url)
{
	const long left_ms = (long)x->request->timeout_ms;
	bool is_fine = IS_SET(CURLOPT_URL, url) && IS_SET(CURLOPT_PROXY, "") &&
		       IS_SET(CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1) &&
		       IS_SET(CURLOPT_NOSIGNAL, 1L) && IS_SET(CURLOPT_QUICK_EXIT, 1L) &&
		       IS_SET(CURLOPT_TIMEOUT_MS, left_ms) &&
		       IS_SET(CURLOPT_CONNECTTIMEOUT_MS,
			       left_ms < CONNECT_TIMEOUT_MS ? left_ms : CONNECT_TIMEOUT_MS) &&
		       IS_SET(CURLOPT_LOW_SPEED_LIMIT, 1L) &&
		       IS_SET(CURLOPT_LOW_SPEED_TIME, (long)x->request->silence_ms / 1000) &&
		       IS_SET(CURLOPT_WRITEFUNCTION, take_body) && IS_SET(CURLOPT_WRITEDATA, x) &&
		       set_server(server_of(x), easy) && set_body(x, easy);

	for (size_t i = 0; is_fine && x->request->headers != NULL && x->request->headers[i] != NULL;
		i++)
		is_fine = add_header(x, x->request->headers[i]);
	return is_fine && IS_SET(CURLOPT_HTTPHEADER, x->headers);
}

static emr_http_fault fault_of(CURLcode code)
{
	switch ((unsigned)code) {
	case CURLE_OK:
		return EMR_HTTP_FINE;
	case CURLE_COULDNT_RESOLVE_HOST:
		return EMR_HTTP_NO_HOST;
	case CURLE_COULDNT_CONNECT:
	case CURLE_GOT_NOTHING:
	case CURLE_PARTIAL_FILE:
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
		return EMR_HTTP_NO_ANSWER;
	case CURLE_OPERATION_TIMEDOUT:
		return EMR_HTTP_SLOW;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_INVALIDCERTSTATUS:
	case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
		return EMR_HTTP_CERTIFICATE;
	case CURLE_OUT_OF_MEMORY:
	case CURLE_FAILED_INIT:
		return EMR_HTTP_HERE;
	}
	return EMR_HTTP_STRANGE;
}

static emr_status status_of(emr_http_fault fault)
{
	switch (fault) {
	case EMR_HTTP_FINE:
		return EMR_OK;
	case EMR_HTTP_HERE:
		return EMR_NO_MEMORY;
	case EMR_HTTP_NO_HOST:
	case EMR_HTTP_NO_ANSWER:
	case EMR_HTTP_CERTIFICATE:
		return EMR_OFFLINE;
	case EMR_HTTP_SLOW:
		return EMR_TIMEOUT;
	case EMR_HTTP_CANCELLED:
		return EMR_INTERRUPTED;
	case EMR_HTTP_STRANGE:
		break;
	}
	return EMR_DAMAGED;
}

static bool is_cancelled(const emr_http_request *request, struct curl_waitfd fds[2], unsigned *n)
{
	*n = 0;
	for (size_t i = 0; i < 2; i++) {
		struct pollfd look = {.fd = request->cancel_fds[i], .events = POLLIN};

		if (look.fd <= 0)
			continue;
		if (poll(&look, 1, 0) > 0)
			return true;
		fds[(*n)++] = (struct curl_waitfd){.fd = look.fd, .events = CURL_WAIT_POLLIN};
	}
	return false;
}

static CURLcode code_of(CURLM *multi)
{
	int left;
	const CURLMsg *message = curl_multi_info_read(multi, &left);

	return message != NULL && message->msg == CURLMSG_DONE ? message->data.result
							       : CURLE_RECV_ERROR;
}

/* A header beyond libcurl's own limit: 7.88 calls it lack of memory, once an answer has begun. */
static bool is_header_too_long(CURLcode code, long answer_status)
{
	const unsigned too_large = 100; /* CURLE_TOO_LARGE of libcurl 8.6 */

	return (code == CURLE_OUT_OF_MEMORY && answer_status != 0) || (unsigned)code == too_large;
}

/* libcurl's own time limit ends it. */
static emr_http_fault drive(exchange *x, const line *l)
{
	struct curl_waitfd fds[2];
	unsigned n;
	int running = 1;
	emr_http_fault fault = EMR_HTTP_HERE;
	CURLcode code = CURLE_OK;

	if (curl_multi_add_handle(l->multi, l->easy) != CURLM_OK)
		return EMR_HTTP_HERE;
	for (;;) {
		if (is_cancelled(x->request, fds, &n)) {
			fault = EMR_HTTP_CANCELLED;
			break;
		}
		if (curl_multi_perform(l->multi, &running) != CURLM_OK)
			break;
		if (running == 0) {
			code = code_of(l->multi);
			fault = fault_of(code);
			if (code != CURLE_OK)
				(void)snprintf(x->answer->said, sizeof x->answer->said, "%s",
					curl_easy_strerror(code));
			break;
		}
		if (curl_multi_poll(l->multi, fds, n, 1000, NULL) != CURLM_OK)
			break;
	}
	(void)curl_easy_getinfo(l->easy, CURLINFO_RESPONSE_CODE, &x->answer->status);
	if (is_header_too_long(code, x->answer->status))
		x->status = EMR_LIMIT;
	(void)curl_multi_remove_handle(l->multi, l->easy);
	return fault;
}

emr_status emr_http_ask(emr_http *http, const emr_http_request *request, emr_buf *out_body,
	emr_http_answer *out_answer)
{
	exchange x = {.http = http, .request = request, .body = out_body, .answer = out_answer};
	line l = {NULL, NULL};
	char *url = NULL;

	*out_answer = (emr_http_answer){.fault = EMR_HTTP_HERE};
	if (asprintf(&url, "%s%s", server_of(&x)->url, request->path) < 0)
		url = NULL;
	if (url != NULL && line_take(http, &l) && set_all(&x, l.easy, url))
		out_answer->fault = drive(&x, &l);
	line_give_back(http, &l);
	for (const struct curl_slist *at = x.headers; at != NULL; at = at->next)
		emr_wipe(at->data, strlen(at->data)); /* one may prove who asks */
	curl_slist_free_all(x.headers);
	free(url);
	if (x.status != EMR_OK) {
		out_answer->fault = x.status == EMR_LIMIT ? EMR_HTTP_STRANGE : EMR_HTTP_HERE;
		return x.status;
	}
	return status_of(out_answer->fault);
}
