/* A server of HTTP, and whole requests to it: the request, a deadline, and an answer that is whole,
 * or the reason why there is none. Connections are kept for the next request. It refuses proxies,
 * redirections, TLS below 1.2, an answer beyond its limit, and a server whose certificate is not
 * the one that was asked for. */
#pragma once

#include "base/bytes.h"

typedef struct emr_http emr_http; /* thread-safe */

typedef struct emr_http_server {
	const char *url; /* "https://HOST[:PORT]", or "http://HOST" with SOCKET; copied */
	/* One of them, copied; all NULL: the authorities that this computer trusts. */
	const char *root_file; /* PEM: the server's authority */
	const char *pin;       /* "sha256//BASE64" of the server's own public key, RFC 7469 */
	const char *socket;    /* a path: HTTP over this Unix socket, without TLS */
} emr_http_server;

/* EMR_INVALID: the address is none.  EMR_UNSUPPORTED: libcurl cannot be loaded. */
emr_status emr_http_open(const emr_http_server *server, emr_http **out_http);
void emr_http_close(emr_http *http); /* NULL is fine; no other thread may be inside */
EMR_AUTO_CALL(emr_http_auto, emr_http *, emr_http_close);
#define EMR_AUTO_HTTP __attribute__((cleanup(emr_http_auto))) emr_http *

/* Whether URL is "https://HOST[:PORT]" and nothing else, at most 255 bytes. */
bool emr_http_url_ok(const char *url);

typedef enum emr_http_fault {
	EMR_HTTP_FINE,
	EMR_HTTP_HERE,	      /* this computer lacks something */
	EMR_HTTP_NO_HOST,     /* its name is not known */
	EMR_HTTP_NO_ANSWER,   /* nobody answers, or not to the end */
	EMR_HTTP_SLOW,	      /* not in time */
	EMR_HTTP_CERTIFICATE, /* it is not the server that was asked for */
	EMR_HTTP_STRANGE,     /* it does not speak HTTP, or says too much */
	EMR_HTTP_CANCELLED,
} emr_http_fault;

#define EMR_HTTP_SAID_BYTES 256

typedef struct emr_http_request {
	const emr_http_server *server; /* by now; NULL: the one that it was opened for */
	const char *method;	       /* "GET" or "POST" */
	const char *path;	       /* begins with "/" */
	emr_bytes body;		       /* of a POST */
	const char *const *headers; /* whole lines, ended by NULL; may be NULL; copies are wiped */
	uint32_t timeout_ms;
	uint32_t silence_ms; /* as long as nothing comes or goes; 0 = timeout_ms alone counts */
	size_t answer_max;   /* bytes */
	int cancel_fds[2];   /* readable: the request is given up; 0 = none; borrowed */
} emr_http_request;

typedef struct emr_http_answer {
	emr_http_fault fault;
	long status;			/* of HTTP; 0: there is none */
	char said[EMR_HTTP_SAID_BYTES]; /* about a fault, in libcurl's words */
} emr_http_answer;

/* EMR_OK: an answer of any status of HTTP has come, and its body is appended to OUT_BODY.
 * EMR_OFFLINE (no host, no answer, another certificate), EMR_TIMEOUT, EMR_INTERRUPTED (cancelled),
 * EMR_LIMIT (beyond answer_max, or a header beyond 100 KB), EMR_DAMAGED (strange), EMR_NO_MEMORY.
 */
emr_status emr_http_ask(emr_http *http, const emr_http_request *request, emr_buf *out_body,
	emr_http_answer *out_answer);
