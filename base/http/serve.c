/* This file runs a server of HTTP with libmicrohttpd: it takes requests and their bodies, bounds
 * them, keeps those apart that wait, and sends answers. It judges no request: the routes do. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/secret.h"
#include "base/worker.h"
#include "serve_private.h"

#define THREADS 4u /* that speak with clients */
#define CONNECTIONS_MAX 512u
#define LARGE_PARTS 128u /* of all bytes: what holds a smaller part is not large */
/* Of headers.  Above 32 KiB the library asks the system for whole pages, which come back empty:
 * what a connection said that ended before its request was whole stays nowhere. */
#define CONNECTION_BYTES ((size_t)36 << 10)
#define FORM_BYTES ((size_t)64 << 10)	  /* of a body that are looked through at once */
#define STREAM_BYTES ((size_t)256 << 10)  /* of an answer that are asked for at once */
#define SILENT_S 60u			  /* a connection that says nothing */
#define BYTES_MAX ((uint64_t)256 << 20)	  /* of bodies and answers of all requests */
#define PASSED_BYTES ((uint64_t)64 << 10) /* of a refused body: its sender hears why */
#define TLS "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"
#define RETRY_S "1"

const char *emr_serve_query(const emr_serve_call *call, const char *name)
{
	return MHD_lookup_connection_value(call->connection, MHD_GET_ARGUMENT_KIND, name);
}

const char *emr_serve_header(const emr_serve_call *call, const char *name)
{
	return MHD_lookup_connection_value(call->connection, MHD_HEADER_KIND, name);
}

emr_status emr_serve_number(
	const emr_serve_call *call, const char *name, uint64_t absent, uint64_t *out)
{
	const char *text = emr_serve_query(call, name);
	char *end;

	*out = absent;
	if (text == NULL)
		return EMR_OK;
	if (*text < '0' || *text > '9')
		return EMR_INVALID;
	errno = 0;
	*out = strtoull(text, &end, 10);
	return errno == 0 && *end == '\0' ? EMR_OK : EMR_INVALID;
}

/* ---- what requests hold ---- */

static void drop(const emr_serve_call *call, emr_buf *bytes)
{
	if (call->route != NULL && call->route->secret != NULL && bytes->cap > 0)
		emr_wipe(bytes->data, bytes->cap);
	emr_buf_free(bytes);
}

/* The answer is CODE and nothing else. */
static void refuse(emr_serve_call *call, unsigned code)
{
	drop(call, &call->body);
	drop(call, &call->out);
	call->code = code;
	call->type = "text/plain";
	call->is_streamed = false;
	call->header[0] = code == MHD_HTTP_SERVICE_UNAVAILABLE || code == MHD_HTTP_TOO_MANY_REQUESTS
				  ? MHD_HTTP_HEADER_RETRY_AFTER
				  : NULL;
	call->header[1] = RETRY_S;
	call->is_answered = true;
}

/* Counts what CALL holds now, until its end. False: all requests together would hold too much.
 * Those that hold much leave half of it to the others, of which nobody has so many connections
 * that they could fill that half. */
static bool hold(emr_serve *serve, emr_serve_call *call)
{
	const uint64_t before = call->held;
	uint64_t all, most = serve->bytes_max;

	call->held = call->body.cap + call->out.cap + call->memory_bytes +
		     (call->is_streamed ? STREAM_BYTES : 0);
	all = atomic_fetch_add(&serve->bytes, call->held - before) + call->held - before;
	if (call->held > most / LARGE_PARTS)
		most /= 2;
	return call->held <= before || all <= most;
}

/* ---- requests ---- */

static ssize_t stream(void *arg, uint64_t at, char *buffer, size_t size)
{
	emr_serve_call *call = arg;
	emr_status status = EMR_OK;

	(void)at;
	while (status == EMR_OK && call->sent == call->out.len) {
		call->sent = 0;
		emr_buf_clear(&call->out);
		status = call->route->more(call->arg, call);
		if (status == EMR_OK && !hold(call->serve, call))
			status = EMR_BUSY;
	}
	if (status != EMR_OK)
		return status == EMR_NOT_FOUND ? MHD_CONTENT_READER_END_OF_STREAM
					       : MHD_CONTENT_READER_END_WITH_ERROR;
	if (size > call->out.len - call->sent)
		size = call->out.len - call->sent;
	memcpy(buffer, call->out.data + call->sent, size);
	call->sent += size;
	return (ssize_t)size;
}

static struct MHD_Response *make_response(emr_serve_call *call)
{
	struct MHD_Response *response;
	off_t size = call->file > 0 ? lseek(call->file, 0, SEEK_END) : 0;

	if (call->is_streamed)
		return MHD_create_response_from_callback(
			MHD_SIZE_UNKNOWN, STREAM_BYTES, stream, call, NULL);
	if (call->file <= 0) {
		response = MHD_create_response_from_buffer(call->out.len, call->out.data,
			call->route != NULL && call->route->secret != NULL ? MHD_RESPMEM_PERSISTENT
									   : MHD_RESPMEM_MUST_FREE);
		if (response != NULL && (call->route == NULL || call->route->secret == NULL))
			call->out = (emr_buf){0}; /* the library frees it */
		return response;
	}
	response = size >= 0 ? MHD_create_response_from_fd64((uint64_t)size, call->file) : NULL;
	if (response != NULL)
		call->file = 0; /* the library closes it */
	return response;
}

static enum MHD_Result send_answer(emr_serve *serve, emr_serve_call *call)
{
	struct MHD_Response *response;
	enum MHD_Result sent = MHD_NO;

	drop(call, &call->body);
	if (!hold(serve, call)) {
		refuse(call, MHD_HTTP_SERVICE_UNAVAILABLE);
		(void)hold(serve, call);
	}
	response = make_response(call);
	if (call->code >= 400 && call->code < 500)
		atomic_fetch_add(&serve->refused, 1);
	if (response == NULL)
		return MHD_NO;
	if (MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, call->type) ==
			MHD_YES &&
		MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store") ==
			MHD_YES &&
		(call->header[0] == NULL || MHD_add_response_header(response, call->header[0],
						    call->header[1]) == MHD_YES))
		sent = MHD_queue_response(call->connection, call->code, response);
	MHD_destroy_response(response);
	return sent;
}

static bool is_route(const emr_serve_route *route, const char *method, const char *url)
{
	size_t len = strlen(route->path);

	return strcmp(route->method, method) == 0 &&
	       (route->path[len - 1] == '/' ? strncmp(route->path, url, len) == 0
					    : strcmp(route->path, url) == 0);
}

static void find_route(
	const emr_serve *serve, emr_serve_call *call, const char *method, const char *url)
{
	for (size_t i = 0; i < EMR_SERVE_SETS && serve->sets[i].routes != NULL; i++)
		for (const emr_serve_route *at = serve->sets[i].routes; at->method != NULL; at++)
			if (is_route(at, method, url)) {
				call->route = at;
				call->arg = serve->sets[i].arg;
			}
}

static enum MHD_Result take_form(void *arg, enum MHD_ValueKind kind, const char *key,
	const char *file, const char *type, const char *coding, const char *data, uint64_t at,
	size_t len)
{
	emr_serve_call *call = arg;

	(void)kind;
	(void)key;
	(void)type;
	(void)coding;
	(void)at;
	if (file != NULL && len > 0 && call->taken == EMR_OK)
		call->taken = call->route->take(call->arg, call, emr_bytes_of(data, len));
	return call->taken == EMR_OK ? MHD_YES : MHD_NO;
}

static emr_serve_call *begin(
	emr_serve *serve, struct MHD_Connection *connection, const char *method, const char *url)
{
	emr_serve_call *call = calloc(1, sizeof *call);

	atomic_fetch_add(&serve->requests, 1);
	if (call == NULL)
		return NULL;
	call->serve = serve;
	call->connection = connection;
	call->code = MHD_HTTP_OK;
	call->type = "application/octet-stream";
	find_route(serve, call, method, url);
	return call;
}

/* UINT64_MAX: it does not say. */
static uint64_t body_length(const emr_serve_call *call)
{
	const char *said = emr_serve_header(call, MHD_HTTP_HEADER_CONTENT_LENGTH);

	if (emr_serve_header(call, MHD_HTTP_HEADER_TRANSFER_ENCODING) != NULL)
		return UINT64_MAX;
	return said != NULL ? strtoull(said, NULL, 10) : 0;
}

/* Once it has its headers. A body that nobody will take is not waited for: a long one ends with
 * the answer, and its connection with it. */
static enum MHD_Result judge_headers(emr_serve *serve, emr_serve_call *call)
{
	const emr_serve_route *route = call->route;
	const uint64_t bytes = body_length(call);

	if (route == NULL)
		refuse(call, MHD_HTTP_NOT_FOUND);
	else if (bytes > route->open_max && route->may != NULL && !route->may(call->arg, call))
		call->is_answered = true;
	else if (bytes != UINT64_MAX && bytes > route->body_max && route->take == NULL)
		refuse(call, MHD_HTTP_CONTENT_TOO_LARGE);
	else if (route->is_form) {
		call->form =
			MHD_create_post_processor(call->connection, FORM_BYTES, take_form, call);
		call->taken = call->form != NULL ? EMR_OK : EMR_INVALID;
	}
	return call->is_answered && bytes > PASSED_BYTES ? send_answer(serve, call) : MHD_YES;
}

static void take_body(emr_serve *serve, emr_serve_call *call, emr_bytes piece)
{
	const emr_serve_route *route = call->route;

	if (call->is_answered || call->taken != EMR_OK)
		return;
	if (call->form != NULL) {
		if (MHD_post_process(call->form, (const char *)piece.data, piece.len) != MHD_YES &&
			call->taken == EMR_OK)
			call->taken = EMR_INVALID;
	} else if (route->take != NULL) {
		call->taken = route->take(call->arg, call, piece);
	} else if (piece.len > route->body_max - call->body.len) {
		refuse(call, MHD_HTTP_CONTENT_TOO_LARGE);
	} else if ((route->secret != NULL && emr_buf_reserve(&call->body,
						     route->body_max - call->body.len) != EMR_OK) ||
		   emr_buf_append(&call->body, piece.data, piece.len) != EMR_OK ||
		   !hold(serve, call)) {
		refuse(call, MHD_HTTP_SERVICE_UNAVAILABLE);
		(void)hold(serve, call);
	}
}

static void end_form(emr_serve_call *call)
{
	struct MHD_PostProcessor *form = call->form;

	call->form = NULL;
	if (form != NULL && MHD_destroy_post_processor(form) != MHD_YES && call->taken == EMR_OK)
		call->taken = EMR_INVALID;
}

static enum MHD_Result answer(emr_serve *serve, emr_serve_call *call)
{
	const emr_serve_route *route = call->route;
	bool is_answered = true, is_within;

	if (route->by_address)
		serve_ask_by_address(call);
	if (route->whose != NULL && !route->whose(call->arg, call))
		return send_answer(serve, call);
	is_within = serve_is_within(serve, call);
	if (is_within && route->waits_for_disk && serve_give_work(serve, call))
		return MHD_YES;
	if (is_within) {
		is_answered = route->answer(call->arg, call);
		is_within = serve_is_within(serve, call); /* once it is known who asks */
	}
	if (!is_within)
		refuse(call, MHD_HTTP_TOO_MANY_REQUESTS);
	if (is_answered || !is_within)
		return send_answer(serve, call);
	serve_suspend(serve, call);
	return MHD_YES;
}

/* Libmicrohttpd calls it with the headers, with each piece of the body, at the end of it, and again
 * when a client has waited or a worker has answered. */
static enum MHD_Result take_request(void *arg, struct MHD_Connection *connection, const char *url,
	const char *method, const char *version, const char *data, size_t *data_len, void **memory)
{
	emr_serve *serve = arg;
	emr_serve_call *call = *memory;

	(void)version;
	if (call == NULL) {
		*memory = call = begin(serve, connection, method, url);
		return call != NULL ? judge_headers(serve, call) : MHD_NO;
	}
	if (*data_len > 0) {
		take_body(serve, call, emr_bytes_of(data, *data_len));
		if (call->route != NULL && call->route->secret != NULL)
			emr_wipe((void *)(uintptr_t)data, *data_len);
		*data_len = 0;
		return MHD_YES;
	}
	end_form(call);
	if (call->is_answered)
		return send_answer(serve, call);
	call->path = url + strlen(call->route->path);
	return answer(serve, call);
}

static void end_request(void *arg, struct MHD_Connection *connection, void **memory,
	enum MHD_RequestTerminationCode code)
{
	emr_serve *serve = arg;
	emr_serve_call *call = *memory;
	const char *secret;

	(void)connection;
	(void)code;
	if (call == NULL)
		return;
	end_form(call);
	secret = call->route != NULL && call->route->secret != NULL
			 ? emr_serve_header(call, call->route->secret)
			 : NULL;
	if (secret != NULL) /* also where nobody has read it */
		emr_wipe((void *)(uintptr_t)secret, strlen(secret));
	if (call->route != NULL && call->route->drop != NULL)
		call->route->drop(call->arg, call);
	if (call->file > 0)
		(void)close(call->file);
	drop(call, &call->body);
	drop(call, &call->out);
	(void)atomic_fetch_sub(&serve->bytes, call->held);
	free(call);
	*memory = NULL;
}

/* ---- the server ---- */

emr_status emr_serve_start(const emr_serve_options *options, emr_serve **out_serve)
{
	const unsigned most =
		options->connections_max != 0 ? options->connections_max : CONNECTIONS_MAX;
	struct MHD_OptionItem tls[] = {
		{MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(uintptr_t)options->key},
		{MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)(uintptr_t)options->certificate},
		{MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)TLS},
		{MHD_OPTION_END, 0, NULL}};
	emr_serve *serve = NULL;

	if (!emr_microhttpd_begin() || (serve = calloc(1, sizeof *serve)) == NULL) {
		(void)close(options->listen_fd);
		return emr_microhttpd != NULL ? EMR_NO_MEMORY : EMR_NO_MODULE;
	}
	memcpy(serve->sets, options->sets, sizeof serve->sets);
	serve->over = options->over;
	serve->over_arg = options->over_arg;
	serve->bytes_max = options->bytes_max != 0 ? options->bytes_max : BYTES_MAX;
	(void)pthread_mutex_init(&serve->lock, NULL);
	serve_start_workers(serve);
	serve->daemon = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_AUTO |
						 MHD_ALLOW_SUSPEND_RESUME |
						 (options->key != NULL ? MHD_USE_TLS : 0),
		0, serve_admits, serve, take_request, serve, MHD_OPTION_LISTEN_SOCKET,
		options->listen_fd, MHD_OPTION_THREAD_POOL_SIZE, THREADS,
		MHD_OPTION_CONNECTION_LIMIT, most, MHD_OPTION_NOTIFY_CONNECTION, serve_note_line,
		serve, MHD_OPTION_CONNECTION_TIMEOUT, SILENT_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		CONNECTION_BYTES, MHD_OPTION_NOTIFY_COMPLETED, end_request, serve, MHD_OPTION_ARRAY,
		options->key != NULL ? tls : tls + 3, MHD_OPTION_END);
	if (serve->daemon == NULL) {
		(void)close(options->listen_fd); /* else the library does */
		emr_serve_stop(serve);
		return EMR_IO;
	}
	*out_serve = serve;
	return EMR_OK;
}

void emr_serve_stop(emr_serve *serve)
{
	if (serve == NULL)
		return;
	(void)pthread_mutex_lock(&serve->lock);
	serve->is_ending = true;
	serve_wake_those(serve, 0, true);
	(void)pthread_mutex_unlock(&serve->lock);
	serve_end_workers(serve);
	if (serve->daemon != NULL)
		MHD_stop_daemon(serve->daemon);
	(void)pthread_mutex_destroy(&serve->lock);
	free(serve);
}

emr_serve_counts emr_serve_count(emr_serve *serve)
{
	emr_serve_counts counts = {.requests = atomic_load(&serve->requests),
		.refused = atomic_load(&serve->refused),
		.bytes = atomic_load(&serve->bytes)};
	EMR_LOCKED(&serve->lock);

	for (const emr_serve_call *call = serve->waiting; call != NULL; call = call->next_waiting)
		counts.waiting++;
	return counts;
}
