/* This is the ledger as an SQLite file on this machine: this file opens it, and keeps its note. */
#include "embedded_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "ledger/network.h"
#include "place.h"

static emr_status embedded_replace_note(void *self, emr_bytes old_note, emr_bytes note)
{
	embedded *e = self;
	EMR_LOCKED(&e->write_lock);

	return emr_chain_replace_note(e->writer, old_note, note);
}

/* ---- opening ---- */

static void embedded_close(void *self)
{
	embedded *e = self;

	embedded_channel_stop(e);
	emr_chain_close(e->writer);
	emr_chain_close(e->reader);
	emr_buf_free(&e->descriptor);
	if (e->inotify_fd >= 0)
		(void)close(e->inotify_fd);
	if (e->wake_fd >= 0 && !e->is_wake_lent)
		(void)close(e->wake_fd);
	if (e->dirfd >= 0)
		(void)close(e->dirfd);
	(void)pthread_mutex_destroy(&e->write_lock);
	(void)pthread_mutex_destroy(&e->read_lock);
	(void)pthread_mutex_destroy(&e->queue_lock);
	(void)pthread_cond_destroy(&e->turn);
	embedded_channel_free(e->channel);
	free(e);
}

#define OF_A_FILE                                                                                  \
	.close = embedded_close, .submit = embedded_submit, .take = embedded_take,                 \
	.size = embedded_size, .entries = embedded_entries, .fetch = embedded_fetch,               \
	.lacks = embedded_lacks, .give = embedded_give, .find_item = embedded_find_item,           \
	.subtree = embedded_subtree, .note = embedded_note, .replace_note = embedded_replace_note, \
	.wait = embedded_wait, .wake = embedded_wake, .verify = embedded_verify,                   \
	.mend = embedded_mend, .ask = embedded_ask, .stop = embedded_stop

static const emr_ledger_backend backend = {OF_A_FILE};
static const emr_ledger_backend on_channel = {OF_A_FILE, .look = embedded_look};

static emr_status open_dir(embedded *e, const emr_ledger_options *options)
{
	struct stat st;

	e->dirfd = open(options->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (e->dirfd < 0)
		return errno == ENOENT || errno == ENOTDIR ? EMR_NOT_FOUND
							   : emr_status_from_errno(errno);
	EMR_TRY(embedded_channel_open(e, options, &e->channel));
	if (fstatat(e->dirfd, EMR_NETWORK_LEDGER, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return emr_status_from_errno(errno);
	/* SQLite takes an empty file for a new one, and deletes the log beside it. */
	if (st.st_size == 0)
		return EMR_DAMAGED;
	EMR_TRY(emr_network_check_place(e->dirfd));
	return place_check_rights(e->dirfd);
}

static emr_status watch(embedded *e, const char *path)
{
	if (!e->is_wake_lent)
		e->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	e->inotify_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (e->wake_fd < 0)
		return emr_status_from_errno(errno);
	/* Without inotify (too many instances) the look once a second remains. */
	if (e->inotify_fd < 0 || inotify_add_watch(e->inotify_fd, path, IN_MODIFY) < 0)
		emr_log(EMR_LOG_WARN, "ledger: no inotify (%d), looking once a second", errno);
	return EMR_OK;
}

/* Entry 0 and the copy beside it must be the same bytes, of a network whose ledger is such a file,
 * or one that is read from the channel that is named beside it. */
static emr_status read_descriptor(embedded *e)
{
	EMR_AUTO_BUF file = {0};
	emr_status status = emr_chain_entry(e->reader, 0, &e->descriptor, NULL);

	if (status == EMR_OK)
		status = emr_file_read(
			e->dirfd, EMR_NETWORK_DESCRIPTOR, EMR_LEDGER_BATCH_MAX, &file);
	if (status == EMR_NOT_FOUND || status == EMR_LIMIT)
		return EMR_DAMAGED;
	if (status != EMR_OK)
		return status;
	return emr_bytes_equal(emr_buf_view(&file), emr_buf_view(&e->descriptor)) &&
			       (e->channel != NULL) ==
				       (emr_descriptor_host(emr_span_of(emr_buf_view(&file))) ==
					       EMR_HOST_FABRIC)
		       ? EMR_OK
		       : EMR_DAMAGED;
}

static emr_status open_all(embedded *e, const emr_ledger_options *options)
{
	uint32_t busy_ms = options->busy_timeout_ms ? options->busy_timeout_ms : EMBEDDED_BUSY_MS;
	emr_public public;

	EMR_TRY(open_dir(e, options));
	EMR_TRY(emr_chain_open(
		e->dirfd, EMR_NETWORK_LEDGER, EMR_CHAIN_SHARED, false, busy_ms, &e->reader));
	EMR_TRY(emr_chain_open(
		e->dirfd, EMR_NETWORK_LEDGER, EMR_CHAIN_SHARED, false, busy_ms, &e->writer));
	EMR_TRY(emr_chain_seen(e->reader, read_descriptor(e)));
	emr_descriptor_net_id(emr_span_of(emr_buf_view(&e->descriptor)), e->net_id);
	EMR_TRY(watch(e, options->path));
	if (options->submitter) {
		EMR_TRY(emr_keyring_public(options->submitter, &public));
		e->submitter_id = public.signer_id;
	}
	return e->channel != NULL ? embedded_channel_start(e) : EMR_OK;
}

emr_status emr_embedded_open(const emr_ledger_options *options, emr_ledger **out_ledger)
{
	return emr_embedded_open_woken(options, -1, out_ledger);
}

emr_status emr_embedded_open_woken(
	const emr_ledger_options *options, int wake_fd, emr_ledger **out_ledger)
{
	embedded *e = calloc(1, sizeof *e);
	emr_status status;

	if (e == NULL)
		return EMR_NO_MEMORY;
	e->dirfd = e->inotify_fd = -1;
	e->wake_fd = wake_fd;
	e->is_wake_lent = wake_fd >= 0;
	e->clock = options->clock ? options->clock : emr_clock_system();
	e->submitter = options->submitter;
	(void)pthread_mutex_init(&e->write_lock, NULL);
	(void)pthread_mutex_init(&e->read_lock, NULL);
	(void)pthread_mutex_init(&e->queue_lock, NULL);
	(void)pthread_cond_init(&e->turn, NULL);
	status = open_all(e, options);
	if (status != EMR_OK) {
		embedded_close(e);
		return status;
	}
	return emr_ledger_over(e->channel != NULL ? &on_channel : &backend, e,
		emr_buf_view(&e->descriptor), out_ledger);
}

/* ---- a channel that is read before anything is served ---- */

/* It has read all, or another process has; or it cannot be read. */
static emr_status catch_up(embedded *e, char *said, size_t said_size)
{
	embedded_channel *c = e->channel;
	EMR_LOCKED(&c->known_lock);

	while (!c->is_read && c->absence.status == EMR_OK && !embedded_is_stopped(c))
		embedded_wait_a_moment(c);
	if (embedded_is_stopped(c))
		return EMR_INTERRUPTED;
	if (c->is_read || (c->absence.status == EMR_OFFLINE && c->own == EMR_OK &&
				  faccessat(e->dirfd, EMR_NETWORK_CHANNEL_BEHIND, F_OK, 0) != 0))
		return EMR_OK;
	(void)snprintf(said, said_size, "%s", c->said);
	return c->own != EMR_OK ? c->own : c->absence.status;
}

emr_status emr_embedded_catch_up(const char *path, int stop_fd, char *said, size_t said_size)
{
	const emr_ledger_options options = {.path = path, .stop_fd = stop_fd};
	EMR_AUTO_LEDGER ledger = NULL;
	void *self;

	EMR_TRY(emr_embedded_open(&options, &ledger));
	(void)emr_ledger_below(ledger, &self);
	return ((embedded *)self)->channel != NULL ? catch_up(self, said, said_size) : EMR_OK;
}
