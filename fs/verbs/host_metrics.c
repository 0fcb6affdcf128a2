/* This file is `emrfs host --metrics`: it gives numbers of a running host, as Prometheus reads
 * them. They name no member, no person and no file; a host in a channel also tells how that is. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "base/clock.h"
#include "base/file.h"
#include "channel/backend.h"
#include "http/serve.h"
#include "kit/language.h"
#include "ledger/network.h"
#include "served/server.h"
#include "verbs_private.h"

struct host_metrics {
	emr_serve *serve;
	emr_served *served;
	emr_fabric *fabric; /* NULL: the host is in no channel */
	int stop_fd;	    /* readable when it ends */
};

static void put(emr_buf *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void put(emr_buf *out, const char *format, ...)
{
	char line[EMR_FABRIC_SAID_BYTES + 200];
	va_list arguments;
	int n;

	va_start(arguments, format);
	n = vsnprintf(line, sizeof line, format, arguments);
	va_end(arguments);
	if (n > 0 && (size_t)n < sizeof line)
		(void)!emr_buf_append(out, line, (size_t)n);
}

static void put_type(emr_buf *out, const char *name, const char *type)
{
	put(out, "# %s emrfs_%s %s\n", "TYPE", name, type);
}

static void put_one(emr_buf *out, const char *name, const char *type, uint64_t n)
{
	put_type(out, name, type);
	put(out, "emrfs_%s %" PRIu64 "\n", name, n);
}

/* Requests that were answered otherwise than with what was asked for, by the word of the answer. */
static void put_failures(const emr_served_counts *counts, emr_buf *out)
{
	put_type(out, "failures_total", "counter");
	for (size_t i = 0; i < EMR_SERVED_FAILURES && counts->failures[i].word != NULL; i++)
		put(out, "emrfs_failures_total{kind=\"%s\"} %" PRIu64 "\n",
			counts->failures[i].word, counts->failures[i].n);
}

static void put_host(const struct host_metrics *m, emr_buf *out)
{
	const emr_served_counts counts = emr_served_count(m->served);

	put_one(out, "entries", "gauge", counts.entries);
	put_one(out, "newest_entry_timestamp_seconds", "gauge", counts.newest_unix_s);
	put_one(out, "members_reading", "gauge", counts.waiting);
	put_one(out, "requests_total", "counter", counts.requests);
	put_one(out, "batches_total", "counter", counts.batches);
	put_one(out, "held_bytes", "gauge", counts.bytes);
	put_one(out, "recovering", "gauge", counts.is_recovering);
	put_failures(&counts, out);
}

/* The kind of a certificate, without its subject, which may name a person. */
static void kind_of(const char *of, char out[EMR_FABRIC_SAID_BYTES])
{
	size_t n = strcspn(of, "=(");

	if (of[n] == '=')
		while (n > 0 && of[n - 1] != ' ')
			n--;
	while (n > 0 && of[n - 1] == ' ')
		n--;
	for (size_t i = 0; i < n; i++)
		out[i] = of[i];
	for (size_t i = 0; i < n; i++)
		if (out[i] == '"' || out[i] == '\\')
			out[i] = '_';
	out[n] = '\0';
}

/* They stand by their days: of each kind the first alone. */
static bool is_first(const emr_fabric_state *state, size_t i)
{
	char kind[EMR_FABRIC_SAID_BYTES], other[EMR_FABRIC_SAID_BYTES];

	kind_of(state->certificates[i].of, kind);
	for (size_t k = 0; k < i; k++) {
		kind_of(state->certificates[k].of, other);
		if (strcmp(kind, other) == 0)
			return false;
	}
	return true;
}

static void put_channel(const struct host_metrics *m, emr_buf *out)
{
	EMR_AUTO_FREE emr_fabric_state *state = calloc(1, sizeof *state);
	emr_fabric_call call = {.cancel_fds = {m->stop_fd}};
	const bool is_there =
		state != NULL && emr_fabric_ask_state(m->fabric, &call, state) == EMR_OK;

	put_one(out, "channel_backend_up", "gauge", is_there);
	if (!is_there)
		return;
	put_one(out, "channel_height", "gauge", state->height);
	put_one(out, "channel_newest_block_timestamp_seconds", "gauge", state->time);
	put_one(out, "channel_reading_stopped", "gauge", state->is_stopped);
	put_one(out, "channel_transactions_waiting", "gauge", state->waiting);
	put_one(out, "channel_peers", "gauge", state->n_peers);
	put_one(out, "channel_peers_away", "gauge", state->n_away);
	put_type(out, "channel_certificate_days", "gauge");
	for (size_t i = 0; i < state->n_certificates; i++) {
		char kind[EMR_FABRIC_SAID_BYTES];

		kind_of(state->certificates[i].of, kind);
		if (is_first(state, i))
			put(out, "emrfs_channel_certificate_days{of=\"%s\"} %" PRId64 "\n", kind,
				state->certificates[i].days);
	}
}

static bool give_metrics(void *arg, emr_serve_call *call)
{
	const struct host_metrics *m = arg;

	call->type = "text/plain; version=0.0.4";
	put_host(m, &call->out);
	if (m->fabric != NULL)
		put_channel(m, &call->out);
	return true;
}

/* The backend may take its time, so the answer is made beside the threads that serve others. */
static const emr_serve_route routes[] = {
	{"GET", "/metrics", .waits_for_disk = true, .answer = give_metrics},
	{.method = NULL},
};

emr_status host_metrics_start(const char *where, const char *ledger, emr_served *served,
	struct host_metrics **out_metrics, emr_problem *out_problem)
{
	struct host_metrics *m = calloc(1, sizeof *m);
	EMR_AUTO_FREE char *channel = NULL;
	const char *cause = NULL;
	emr_serve_options options = {.connections_max = 16, .bytes_max = 1 << 20};
	emr_status status = EMR_OK;

	if (m == NULL)
		return EMR_NO_MEMORY;
	m->stop_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	*out_metrics = m; /* also what was begun, to be freed */
	m->served = served;
	options.sets[0] = (emr_serve_set){routes, m};
	if (emr_network_channel_of(ledger, &channel) == EMR_OK)
		status = emr_fabric_open(channel, &m->fabric);
	if (status != EMR_OK)
		return status;
	options.listen_fd = host_listen(where, &cause);
	if (options.listen_fd >= 0)
		return emr_serve_start(&options, &m->serve);
	emr_problem_set(out_problem, EMR_SAY_HOST_ADDRESS, "node", where, "cause", cause, NULL);
	return EMR_INVALID;
}

void host_metrics_stop(struct host_metrics *m)
{
	if (m == NULL)
		return;
	(void)eventfd_write(m->stop_fd, 1);
	emr_serve_stop(m->serve);
	emr_auto_close(&m->stop_fd);
	emr_fabric_close(m->fabric);
	free(m);
}
