/* This file makes one request to a Fabric CA: over TLS that the named roots vouch for, with a
 * deadline, and with an answer that is whole, or an error. */
#include "http/request.h"

#include <stdio.h>
#include <stdlib.h>

#include "enrol_private.h"

static emr_ca_fault fault_of(emr_http_fault fault)
{
	switch (fault) {
	case EMR_HTTP_FINE:
		return EMR_CA_FINE;
	case EMR_HTTP_NO_HOST:
		return EMR_CA_NO_HOST;
	case EMR_HTTP_NO_ANSWER:
		return EMR_CA_NO_ANSWER;
	case EMR_HTTP_SLOW:
		return EMR_CA_SLOW;
	case EMR_HTTP_CERTIFICATE:
		return EMR_CA_CERTIFICATE;
	case EMR_HTTP_STRANGE:
		return EMR_CA_STRANGE;
	case EMR_HTTP_HERE:
	case EMR_HTTP_CANCELLED:
		break;
	}
	return EMR_CA_HERE;
}

emr_status ca_http(
	const emr_ca *ca, const ca_request *request, emr_buf *out_answer, emr_ca_call *call)
{
	EMR_AUTO_HTTP http = NULL;
	EMR_AUTO_FREE char *token = NULL;
	const char *headers[] = {"Content-Type: application/json", NULL, NULL};
	const emr_http_server server = {.url = ca->url, .root_file = ca->root_file};
	emr_http_request asked = {.method = request->body.data != NULL ? "POST" : "GET",
		.path = request->path,
		.body = request->body,
		.headers = headers,
		.login = request->login,
		.secret = request->secret,
		.timeout_ms = ca->timeout_ms,
		.answer_max = CA_ANSWER_MAX};
	emr_http_answer answer;
	emr_status status;

	*call = (emr_ca_call){.fault = EMR_CA_FINE};
	if (request->token != NULL && asprintf(&token, "Authorization: %s", request->token) < 0) {
		token = NULL;
		return ca_fail(call, EMR_CA_HERE, NULL);
	}
	headers[1] = token;
	status = emr_http_open(&server, &http);
	if (status == EMR_INVALID)
		return ca_fail(call, EMR_CA_HERE, "no address of https");
	if (status != EMR_OK)
		return ca_fail(call, EMR_CA_HERE, NULL);
	status = emr_http_ask(http, &asked, out_answer, &answer);
	call->http_status = answer.status;
	if (status == EMR_LIMIT)
		return ca_fail(call, EMR_CA_STRANGE, "it is too long");
	return status == EMR_OK ? EMR_OK : ca_fail(call, fault_of(answer.fault), answer.said);
}
