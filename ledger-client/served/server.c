/* This file runs the server of a served ledger with libmicrohttpd: it takes requests and their
 * bodies, bounds them, keeps those apart that wait for more entries, and sends answers. */
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/secret.h"
#include "ledger/backend.h"
#include "ledger/network.h"
#include "served_private.h"

#define THREADS 8u
#define CONNECTIONS_MAX 512u
#define CONNECTIONS_OF_ONE 64u
#define CONNECTION_BYTES ((size_t)32 << 10) /* of headers */
#define SILENT_S 60u			    /* a connection that says nothing */
#define BUSY_MS 10000u
#define LOOK_MS 1000 /* the watcher looks at least so often who has waited long enough */

/* ---- waiting ---- */

static void wait_begin(emr_served *served, served_call *call)
{
	(void)pthread_mutex_lock(&served->lock);
	MHD_suspend_connection(call->connection);
	if (served->is_ending) {
		MHD_resume_connection(call->connection);
	} else {
		call->next = served->waiting;
		served->waiting = call;
	}
	(void)pthread_mutex_unlock(&served->lock);
}

/* Wakes who waits for fewer than SIZE entries, has waited long enough, or everybody: their
 * requests are answered again, and then for good. */
static void wake_those(emr_served *served, uint64_t size, bool is_all)
{
	int64_t now_ns = emr_clock_boot_ns(emr_clock_system());
	served_call **at = &served->waiting;

	(void)pthread_mutex_lock(&served->lock);
	while (*at != NULL) {
		served_call *call = *at;

		if (!is_all && size <= call->wait_since && now_ns < call->wait_until_ns) {
			at = &call->next;
			continue;
		}
		*at = call->next;
		MHD_resume_connection(call->connection);
	}
	(void)pthread_mutex_unlock(&served->lock);
}

static bool is_ending(emr_served *served)
{
	bool ending;

	(void)pthread_mutex_lock(&served->lock);
	ending = served->is_ending;
	(void)pthread_mutex_unlock(&served->lock);
	return ending;
}

static void *watch(void *arg)
{
	emr_served *served = arg;
	uint64_t size = 0;

	while (!is_ending(served)) {
		emr_status status = emr_ledger_wait(served->ledger, size, LOOK_MS, &size);

		if (status != EMR_OK && status != EMR_TIMEOUT && status != EMR_INTERRUPTED)
			(void)poll(NULL, 0,
				LOOK_MS); /* a ledger that fails at once is not asked at once */
		wake_those(served, size, false);
	}
	return NULL;
}

/* ---- requests ---- */

static enum MHD_Result send_answer(emr_served *served, const served_call *call, emr_status status)
{
	const char *word = wire_word_of(status);
	unsigned code = wire_http_of(status);
	const bool is_fine = status == EMR_OK;
	struct MHD_Response *response = MHD_create_response_from_buffer(
		is_fine ? call->out.len : strlen(word),
		is_fine ? (void *)call->out.data : (void *)(uintptr_t)word, MHD_RESPMEM_MUST_COPY);
	enum MHD_Result sent = MHD_NO;

	if (code >= 400 && code < 500)
		atomic_fetch_add(&served->refused, 1);
	if (response == NULL)
		return MHD_NO;
	if (MHD_add_response_header(response, WIRE_VERSION_HEADER, WIRE_VERSION) == MHD_YES &&
		MHD_add_response_header(response, WIRE_STATUS_HEADER, word) == MHD_YES &&
		MHD_add_response_header(response, "Content-Type",
			is_fine ? "application/octet-stream" : "text/plain") == MHD_YES &&
		MHD_add_response_header(response, "Cache-Control", "no-store") == MHD_YES)
		sent = MHD_queue_response(call->connection, code, response);
	MHD_destroy_response(response);
	return sent;
}

static void take_body(served_call *call, const char *data, size_t len)
{
	if (call->is_too_long || len > WIRE_BODY_MAX - call->body.len ||
		emr_buf_append(&call->body, data, len) != EMR_OK) {
		call->is_too_long = true;
		emr_buf_free(&call->body);
	}
}

/* MHD calls it with the headers, with each piece of the body, at the end of it, and again when a
 * client has waited. */
static enum MHD_Result take_request(void *arg, struct MHD_Connection *connection, const char *url,
	const char *method, const char *version, const char *data, size_t *data_len, void **memory)
{
	emr_served *served = arg;
	served_call *call = *memory;
	emr_status status;

	(void)version;
	if (call == NULL) {
		call = calloc(1, sizeof *call);
		if (call == NULL)
			return MHD_NO;
		*memory = call;
		call->connection = connection;
		atomic_fetch_add(&served->requests, 1);
		return MHD_YES;
	}
	if (*data_len > 0) {
		take_body(call, data, *data_len);
		*data_len = 0;
		return MHD_YES;
	}
	call->path = strncmp(url, WIRE_ROOT, strlen(WIRE_ROOT)) == 0 ? url + strlen(WIRE_ROOT) : "";
	status = served_answer(served, method, call);
	if (status == EMR_AWAITED) {
		wait_begin(served, call);
		return MHD_YES;
	}
	return send_answer(served, call, status);
}

static void end_request(void *arg, struct MHD_Connection *connection, void **memory,
	enum MHD_RequestTerminationCode code)
{
	served_call *call = *memory;

	(void)arg;
	(void)connection;
	(void)code;
	if (call == NULL)
		return;
	emr_buf_free(&call->body);
	emr_buf_free(&call->out);
	free(call);
	*memory = NULL;
}

/* ---- the server ---- */

static emr_status open_all(emr_served *served, const emr_served_options *options)
{
	const emr_ledger_options ledger = {.path = options->path, .clock = options->clock};
	emr_status status = emr_embedded_open(&ledger, &served->ledger);

	if (status != EMR_OK)
		return status;
	served->net_id = emr_ledger_net_id(served->ledger);
	served->dirfd = open(options->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (served->dirfd < 0)
		return EMR_IO;
	return emr_chain_open(
		served->dirfd, EMR_NETWORK_LEDGER, EMR_CHAIN_SHARED, false, BUSY_MS, &served->rows);
}

static emr_status listen_there(emr_served *served, const emr_served_options *options)
{
	const unsigned most =
		options->connections_max != 0 ? options->connections_max : CONNECTIONS_MAX;
	struct MHD_OptionItem tls[] = {
		{MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(uintptr_t)options->key},
		{MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)(uintptr_t)options->certificate},
		{MHD_OPTION_END, 0, NULL}};
	struct sockaddr_storage at;
	socklen_t len = sizeof at;
	bool is_unix = getsockname(options->listen_fd, (struct sockaddr *)&at, &len) == 0 &&
		       at.ss_family == AF_UNIX;

	if (options->key == NULL)
		tls[0] = tls[2];
	served->daemon = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_AUTO |
						  MHD_ALLOW_SUSPEND_RESUME |
						  (options->key != NULL ? MHD_USE_TLS : 0),
		0, NULL, NULL, take_request, served, MHD_OPTION_LISTEN_SOCKET, options->listen_fd,
		MHD_OPTION_THREAD_POOL_SIZE, THREADS, MHD_OPTION_CONNECTION_LIMIT, most,
		MHD_OPTION_PER_IP_CONNECTION_LIMIT,
		/* A Unix socket's clients have no address. */
		is_unix || most < CONNECTIONS_OF_ONE ? 0u : CONNECTIONS_OF_ONE,
		MHD_OPTION_CONNECTION_TIMEOUT, SILENT_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		CONNECTION_BYTES, MHD_OPTION_NOTIFY_COMPLETED, end_request, NULL, MHD_OPTION_ARRAY,
		tls, MHD_OPTION_END);
	return served->daemon != NULL ? EMR_OK : EMR_IO;
}

emr_status emr_served_start(const emr_served_options *options, emr_served **out_served)
{
	emr_served *served = calloc(1, sizeof *served);
	emr_status status;

	if (served == NULL) {
		(void)close(options->listen_fd);
		return EMR_NO_MEMORY;
	}
	served->dirfd = -1;
	served->clock = options->clock != NULL ? options->clock : emr_clock_system();
	memcpy(served->secret, options->token_secret, sizeof served->secret);
	(void)pthread_mutex_init(&served->rows_lock, NULL);
	(void)pthread_mutex_init(&served->lock, NULL);
	status = open_all(served, options);
	if (status == EMR_OK)
		status = listen_there(served, options);
	if (served->daemon == NULL)
		(void)close(options->listen_fd); /* else the library does */
	if (status == EMR_OK) {
		served->has_watcher = pthread_create(&served->watcher, NULL, watch, served) == 0;
		status = served->has_watcher ? EMR_OK : EMR_NO_MEMORY;
	}
	if (status != EMR_OK) {
		emr_served_stop(served);
		return status;
	}
	*out_served = served;
	return EMR_OK;
}

void emr_served_stop(emr_served *served)
{
	if (served == NULL)
		return;
	(void)pthread_mutex_lock(&served->lock);
	served->is_ending = true;
	(void)pthread_mutex_unlock(&served->lock);
	if (served->has_watcher) {
		emr_ledger_wake(served->ledger);
		(void)pthread_join(served->watcher, NULL);
	}
	wake_those(served, 0, true);
	if (served->daemon != NULL)
		MHD_stop_daemon(served->daemon);
	emr_chain_close(served->rows);
	emr_ledger_close(served->ledger);
	if (served->dirfd >= 0)
		(void)close(served->dirfd);
	(void)pthread_mutex_destroy(&served->rows_lock);
	(void)pthread_mutex_destroy(&served->lock);
	emr_wipe(served->secret, sizeof served->secret);
	free(served);
}

emr_served_counts emr_served_count(emr_served *served)
{
	emr_served_counts counts = {.requests = atomic_load(&served->requests),
		.refused = atomic_load(&served->refused),
		.batches = atomic_load(&served->batches)};

	(void)pthread_mutex_lock(&served->lock);
	for (const served_call *call = served->waiting; call != NULL; call = call->next)
		counts.waiting++;
	(void)pthread_mutex_unlock(&served->lock);
	return counts;
}
