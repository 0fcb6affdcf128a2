/* This file runs the server of a served ledger: it opens the directory, serves its requests, and
 * wakes those who wait for more entries. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/file.h"
#include "base/secret.h"
#include "base/worker.h"
#include "ledger/backend.h"
#include "ledger/network.h"
#include "served_private.h"

#define BUSY_MS 10000u
#define LOOK_MS 1000 /* the watcher looks at least so often who has waited long enough */

static void *watch(void *arg)
{
	emr_served *served = arg;
	uint64_t size = 0;

	while (!atomic_load(&served->is_ending)) {
		emr_status status = served_is_open(served);

		if (status == EMR_OK)
			status = emr_ledger_wait(served->ledger, size, LOOK_MS, &size);
		else
			served_turn_recovery(served);
		/* A ledger that fails at once is not asked at once. */
		if (status != EMR_OK && status != EMR_TIMEOUT && status != EMR_INTERRUPTED)
			(void)poll(NULL, 0, LOOK_MS);
		emr_serve_wake(served->serve, size);
	}
	return NULL;
}

static emr_status open_all(emr_served *served, const emr_served_options *options)
{
	const emr_ledger_options ledger = {.path = options->path, .clock = options->clock};
	const bool is_on_channel = emr_network_is_on_channel(options->path);
	uint64_t size = 1;

	served->path = strdup(options->path);
	if (served->path == NULL)
		return EMR_NO_MEMORY;
	served->dirfd = open(options->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (served->dirfd < 0)
		return emr_status_from_errno(errno);
	if (is_on_channel) /* what is lost comes from there */
		EMR_TRY(emr_embedded_open(&ledger, &served->ledger));
	EMR_TRY(emr_chain_open(served->dirfd, EMR_NETWORK_LEDGER, EMR_CHAIN_SHARED,
		served->host_dirfd >= 0 &&
			faccessat(served->dirfd, EMR_NETWORK_LEDGER, F_OK, 0) != 0,
		BUSY_MS, &served->rows));
	EMR_TRY(emr_chain_size(served->rows, &size));
	if (served->host_dirfd >= 0 && !is_on_channel)
		EMR_TRY(served_open_recovery(served, size));
	if (served->ledger == NULL && size > 0)
		EMR_TRY(emr_embedded_open(&ledger, &served->ledger));
	if (served->ledger != NULL)
		served->net_id = emr_ledger_net_id(served->ledger);
	return EMR_OK;
}

emr_status emr_served_start(const emr_served_options *options, emr_served **out_served)
{
	emr_served *served = calloc(1, sizeof *served);
	const emr_serve_options serve = {.listen_fd = options->listen_fd,
		.key = options->key,
		.certificate = options->certificate,
		.connections_max = options->connections_max,
		.bytes_max = options->bytes_max,
		.sets = {{served_routes, served}, options->beside},
		.over = options->over,
		.over_arg = options->over_arg};
	emr_status status = served != NULL ? EMR_OK : EMR_NO_MEMORY;

	if (status == EMR_OK) {
		served->dirfd = -1;
		served->others.list = options->others;
		served->others.n = options->n_others;
		served->others.stop_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
		served->mail_dirfd = options->mail_dirfd;
		served->host_dirfd = options->host_dirfd > 0 ? options->host_dirfd : -1;
		served->clock = options->clock != NULL ? options->clock : emr_clock_system();
		memcpy(served->secret, options->secret, sizeof served->secret);
		served->key = served_open_key(served->secret, served->sk);
		randombytes_buf(served->seal, sizeof served->seal);
		(void)pthread_mutex_init(&served->rows_lock, NULL);
		(void)pthread_mutex_init(&served->head_lock, NULL);
		status = open_all(served, options);
	}
	if (status != EMR_OK)
		(void)close(options->listen_fd);
	else
		status = emr_serve_start(&serve, &served->serve);
	if (status == EMR_OK) {
		served->has_watcher = pthread_create(&served->watcher, NULL, watch, served) == 0;
		status = served->has_watcher ? EMR_OK : EMR_NO_MEMORY;
	}
	if (status == EMR_OK && served->others.n > 0) {
		served->others.has_asker =
			pthread_create(&served->others.asker, NULL, served_ask_others, served) == 0;
		status = served->others.has_asker ? EMR_OK : EMR_NO_MEMORY;
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
	atomic_store(&served->is_ending, true);
	(void)eventfd_write(served->others.stop_fd, 1);
	if (served->others.has_asker)
		(void)pthread_join(served->others.asker, NULL);
	if (served->has_watcher) {
		if (!atomic_load(&served->is_recovering))
			emr_ledger_wake(served->ledger);
		(void)pthread_join(served->watcher, NULL);
	}
	if (served->ledger != NULL)
		emr_ledger_stop(served->ledger); /* nobody waits for a channel any more */
	emr_serve_stop(served->serve);
	emr_auto_close(&served->others.stop_fd);
	emr_chain_close(served->rows);
	emr_ledger_close(served->ledger);
	if (served->dirfd >= 0)
		(void)close(served->dirfd);
	(void)pthread_mutex_destroy(&served->rows_lock);
	(void)pthread_mutex_destroy(&served->head_lock);
	emr_buf_free(&served->head);
	emr_buf_free(&served->restarts);
	free((void *)(uintptr_t)served->path);
	emr_wipe(served->secret, sizeof served->secret);
	emr_wipe(served->sk, sizeof served->sk);
	emr_wipe(served->seal, sizeof served->seal);
	free(served);
}

emr_served_counts emr_served_count(emr_served *served)
{
	emr_serve_counts counts = emr_serve_count(served->serve);
	emr_served_counts out = {.requests = counts.requests,
		.refused = counts.refused,
		.batches = atomic_load(&served->batches),
		.waiting = counts.waiting,
		.bytes = counts.bytes,
		.is_recovering = atomic_load(&served->is_recovering)};
	EMR_LOCKED(&served->rows_lock);

	if (emr_chain_size(served->rows, &out.entries) == EMR_OK && out.entries > 1)
		(void)!emr_chain_time(served->rows, out.entries - 1, &out.newest_unix_s);
	for (size_t i = 0; wire_word_at(i + 1) != NULL; i++) { /* the first one is no failure */
		out.failures[i].word = wire_word_at(i + 1);
		out.failures[i].n = atomic_load(&served->failures[i + 1]);
	}
	return out;
}
