/* This file makes one request to a Fabric CA at an address that may be one: over TLS that the named
 * roots vouch for, with a deadline, and with an answer that is whole, or an error. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "enrol_private.h"
#include "http/curl.h"

#define CONNECT_TIMEOUT_MS 10000L

bool emr_ca_url_ok(const char *url)
{
	size_t len = strlen(url);
	const char *host = url + 8;

	if (len <= 8 || len > 255 || strncmp(url, "https://", 8) != 0)
		return false;
	for (const char *at = host; *at != '\0'; at++)
		if (*at <= ' ' || *at >= 0x7f || strchr("/@?#\\", *at) != NULL)
			return false;
	return true;
}

typedef struct exchange {
	const emr_ca *ca;
	const ca_request *request;
	emr_buf *answer;
	emr_status status; /* why it was given up here */
	struct curl_slist *headers;
} exchange;

static size_t take(char *data, size_t size, size_t n, void *arg)
{
	exchange *x = arg;
	size_t len = size * n;

	if (len > CA_ANSWER_MAX - x->answer->len) {
		x->status = EMR_LIMIT;
		return CURL_WRITEFUNC_ERROR;
	}
	x->status = emr_buf_append(x->answer, data, len);
	return x->status == EMR_OK ? len : CURL_WRITEFUNC_ERROR;
}

static bool add_header(exchange *x, const char *line)
{
	struct curl_slist *longer = curl_slist_append(x->headers, line);

	if (longer == NULL)
		return false;
	x->headers = longer;
	return true;
}

static bool set_who(exchange *x, CURL *easy)
{
	const ca_request *request = x->request;
	char secret[CA_SECRET_MAX + 1];
	char *line = NULL;
	bool is_fine = true;

	if (request->login != NULL) {
		memcpy(secret, request->secret.data, request->secret.len);
		secret[request->secret.len] = '\0';
		is_fine = curl_easy_setopt(easy, CURLOPT_HTTPAUTH, CURLAUTH_BASIC) == CURLE_OK &&
			  curl_easy_setopt(easy, CURLOPT_USERNAME, request->login) == CURLE_OK &&
			  curl_easy_setopt(easy, CURLOPT_PASSWORD, secret) == CURLE_OK;
		emr_wipe(secret, sizeof secret);
	}
	if (is_fine && request->token != NULL) {
		is_fine = asprintf(&line, "Authorization: %s", request->token) >= 0 &&
			  add_header(x, line);
		free(line);
	}
	return is_fine;
}

/* No redirection is followed: a secret goes to whom it was meant for. */
static bool set_all(exchange *x, CURL *easy, const char *url)
{
	const long left = (long)x->ca->timeout_ms;
	const ca_request *request = x->request;
	bool is_fine =
		emr_curl->tell_certificates(easy) &&
		curl_easy_setopt(easy, CURLOPT_URL, url) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "https") == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_PROXY, "") == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_CAINFO, x->ca->root_file) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_CAPATH, NULL) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) ==
			CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, left) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
			left < CONNECT_TIMEOUT_MS ? left : CONNECT_TIMEOUT_MS) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_WRITEDATA, x) == CURLE_OK && set_who(x, easy);

	if (is_fine && request->body.data != NULL)
		is_fine = curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
				  (curl_off_t)request->body.len) == CURLE_OK &&
			  curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body.data) ==
				  CURLE_OK &&
			  add_header(x, "Content-Type: application/json") &&
			  add_header(x, "Expect:");
	return is_fine && curl_easy_setopt(easy, CURLOPT_HTTPHEADER, x->headers) == CURLE_OK;
}

static emr_ca_fault fault_of(CURLcode code)
{
	switch ((unsigned)code) {
	case CURLE_COULDNT_RESOLVE_HOST:
		return EMR_CA_NO_HOST;
	case CURLE_COULDNT_CONNECT:
	case CURLE_GOT_NOTHING:
	case CURLE_PARTIAL_FILE:
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
		return EMR_CA_NO_ANSWER;
	case CURLE_OPERATION_TIMEDOUT:
		return EMR_CA_SLOW;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_INVALIDCERTSTATUS:
		return EMR_CA_CERTIFICATE;
	case CURLE_OUT_OF_MEMORY:
	case CURLE_FAILED_INIT:
		return EMR_CA_HERE;
	}
	return EMR_CA_STRANGE;
}

emr_status ca_http(
	const emr_ca *ca, const ca_request *request, emr_buf *out_answer, emr_ca_call *call)
{
	exchange x = {.ca = ca, .request = request, .answer = out_answer};
	CURL *easy;
	char *url = NULL;
	CURLcode code = CURLE_OUT_OF_MEMORY;

	*call = (emr_ca_call){.fault = EMR_CA_FINE};
	if (!emr_ca_url_ok(ca->url) || request->secret.len > CA_SECRET_MAX)
		return ca_fail(call, EMR_CA_HERE, "no address of https");
	easy = emr_curl_begin() ? curl_easy_init() : NULL;
	if (easy == NULL)
		return ca_fail(call, EMR_CA_HERE, NULL);
	if (asprintf(&url, "%s%s", ca->url, request->path) < 0)
		url = NULL;
	if (url != NULL && set_all(&x, easy, url))
		code = curl_easy_perform(easy);
	(void)curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &call->http_status);
	curl_easy_cleanup(easy);
	curl_slist_free_all(x.headers);
	free(url);
	if (x.status == EMR_LIMIT)
		return ca_fail(call, EMR_CA_STRANGE, "it is too long");
	if (x.status != EMR_OK)
		return ca_fail(call, EMR_CA_HERE, emr_status_text(x.status));
	return code == CURLE_OK ? EMR_OK : ca_fail(call, fault_of(code), curl_easy_strerror(code));
}
