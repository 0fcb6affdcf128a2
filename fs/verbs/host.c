/* This file is `emrfs host`: it serves a network's directory to members who have computers of their
 * own, ledger and blocks, until it is ended. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/secret.h"
#include "kit/language.h"
#include "kit/places.h"
#include "kit/text.h"
#include "mount/service.h"
#include "node/host.h"
#include "served/client.h"
#include "served/server.h"
#include "session/network_dir.h"
#include "store/car_store.h"
#include "verbs/cmd.h"
#include "verbs_private.h"

#define FILE_KEY "key.pem"
#define FILE_CERTIFICATE "certificate.pem"
#define FILE_WRITER "writer"
#define PEM_MAX ((size_t)16 << 10)
#define RECLAIM_EVERY_S 3600
#define RECLAIM_BATCH_BYTES ((uint64_t)256 << 20)

typedef struct host {
	const emr_args *args;
	emr_out *out;
	char *dir;
	int own_fd, mail_fd, lock_fd; /* DIR/host, DIR/host/mail, DIR/host/lock */
	emr_buf key, certificate;
	emr_served_at at;
	emr_served_options options;
	emr_store *store;
	emr_node *node;
	emr_served *served;
	int report_fd; /* to the waiting parent; -1 in the foreground */
} host;

static void host_end(host *h)
{
	emr_served_stop(h->served);
	emr_node_free(h->node);
	emr_store_close(h->store);
	if (h->key.len > 0)
		emr_wipe(h->key.data, h->key.len);
	emr_wipe(h->options.secret, sizeof h->options.secret);
	emr_buf_free(&h->key);
	emr_buf_free(&h->certificate);
	if (h->own_fd >= 0)
		(void)close(h->own_fd);
	if (h->mail_fd >= 0)
		(void)close(h->mail_fd);
	if (h->lock_fd >= 0)
		(void)close(h->lock_fd);
	free(h->dir);
}

static emr_status say_place(const host *h, emr_status status, const char *cause, emr_problem *out)
{
	return EMR_PROBLEM(status, out, EMR_SAY_NETWORK_DIR, "dir", h->args->operands[0], "cause",
		cause != NULL ? cause : emr_text(emr_status_text(status)), NULL);
}

/* ---- what it keeps ---- */

static emr_status open_below(const host *h, const char *name, bool may_make, int *out_fd)
{
	EMR_AUTO_FREE char *path = NULL;

	if (asprintf(&path, "%s/%s", h->dir, name) < 0) {
		path = NULL;
		return EMR_NO_MEMORY;
	}
	if (may_make)
		EMR_TRY(emr_dir_make(AT_FDCWD, path));
	*out_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	return *out_fd >= 0 ? EMR_OK : emr_status_from_errno(errno);
}

/* LEN random bytes in the file NAME, made once. */
static emr_status own_random(const host *h, const char *name, uint8_t *out, size_t len)
{
	EMR_AUTO_BUF bytes = {0};
	emr_status status = emr_file_read_private(h->own_fd, name, len, &bytes);

	if (status == EMR_NOT_FOUND) {
		randombytes_buf(out, len);
		return emr_file_replace(h->own_fd, name, emr_bytes_of(out, len), 0600);
	}
	if (status == EMR_OK && bytes.len != len)
		status = EMR_DAMAGED;
	if (status == EMR_OK)
		memcpy(out, bytes.data, len);
	if (bytes.len > 0)
		emr_wipe(bytes.data, bytes.len);
	return status;
}

static emr_status own_key(host *h)
{
	emr_id32 pin;
	emr_status status = emr_file_read_private(h->own_fd, FILE_KEY, PEM_MAX, &h->key);

	if (status == EMR_NOT_FOUND) {
		status = emr_served_make_key(&h->key, &h->certificate, &pin);
		if (status == EMR_OK)
			status = emr_file_replace(
				h->own_fd, FILE_CERTIFICATE, emr_buf_view(&h->certificate), 0600);
		if (status == EMR_OK)
			status = emr_file_replace(h->own_fd, FILE_KEY, emr_buf_view(&h->key), 0600);
	} else if (status == EMR_OK) {
		status = emr_file_read(h->own_fd, FILE_CERTIFICATE, PEM_MAX, &h->certificate);
	}
	if (status == EMR_OK)
		status = emr_buf_append(&h->key, "", 1);
	if (status == EMR_OK)
		status = emr_buf_append(&h->certificate, "", 1);
	if (status == EMR_OK)
		status = emr_served_pin((const char *)h->certificate.data, &pin);
	if (status == EMR_OK)
		emr_served_pin_text(pin, h->at.pin);
	return status;
}

/* ---- where it listens ---- */

static emr_status choose_address(host *h, emr_problem *out_problem)
{
	const char *where = h->args->operands[1], *cause = NULL;
	const char *url = h->args->n_operands > 2 ? h->args->operands[2] : NULL;
	const char *path = host_socket_path(where);
	int n = url != NULL    ? snprintf(h->at.url, sizeof h->at.url, "%s", url)
		: path == NULL ? snprintf(h->at.url, sizeof h->at.url, "https://%s", where)
			       : snprintf(h->at.socket, sizeof h->at.socket, "%s", path);

	if (n < 0 || (size_t)n >= sizeof h->at.url)
		return emr_wrong_use("host", _("its address is too long"), out_problem);
	h->options.listen_fd = host_listen(where, &cause);
	/* A proxy that speaks TLS in front of a socket has a certificate of its own. */
	if (path != NULL)
		h->at.pin[0] = '\0';
	h->options.key = path == NULL ? (const char *)h->key.data : NULL;
	h->options.certificate = path == NULL ? (const char *)h->certificate.data : NULL;
	if (h->options.listen_fd >= 0)
		return EMR_OK;
	emr_problem_set(out_problem, EMR_SAY_HOST_ADDRESS, "node", where, "cause", cause, NULL);
	return EMR_INVALID;
}

/* ---- blocks ---- */

static emr_status check_member(void *arg, emr_serve_call *call, emr_bytes root)
{
	const host *h = arg;

	return emr_served_check(h->served, call, root);
}

static emr_status open_blocks(host *h)
{
	EMR_AUTO_FREE char *path = NULL;
	EMR_AUTO_FREE char *index = NULL;
	EMR_AUTO_FREE char *writers = emr_places_writers();
	emr_store_options options = {.lock_path = writers};
	emr_node_options node = {.spool_dirfd = h->own_fd, .may = check_member, .may_arg = h};
	emr_status status = own_random(h, FILE_WRITER, options.writer.b, sizeof options.writer.b);

	if (asprintf(&path, "%s/blocks", h->dir) < 0)
		path = NULL;
	if (asprintf(&index, "%s/" EMR_NETWORK_DIR_HOST "/index", h->dir) < 0)
		index = NULL;
	if (path == NULL || index == NULL || writers == NULL)
		return EMR_NO_MEMORY;
	options.path = path;
	options.index_path = index;
	if (status == EMR_OK)
		status = emr_store_open(&options, &h->store);
	if (status != EMR_OK)
		return status;
	node.store = emr_store_blocks(h->store);
	return emr_node_new(&node, &h->node);
}

/* As long as it runs, so that --status knows.  Another host of this directory cannot write to the
 * blocks, so this waits at most for somebody who looks. */
static emr_status hold_lock(host *h)
{
	char text[32];
	int n = snprintf(text, sizeof text, "pid %d\n", (int)getpid());

	h->lock_fd =
		openat(h->own_fd, EMR_STATE_LOCK, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (h->lock_fd < 0 || flock(h->lock_fd, LOCK_EX) != 0 || ftruncate(h->lock_fd, 0) != 0)
		return emr_status_from_errno(errno);
	return emr_pwrite_all(h->lock_fd, text, (size_t)n, 0);
}

static emr_status open_all(host *h, emr_problem *out_problem)
{
	EMR_AUTO_FREE char *ledger = NULL;
	EMR_AUTO_BUF settings = {0};
	emr_status status;

	EMR_TRY(emr_network_dir_check(h->dir, out_problem));
	if (emr_network_dir_is_on_fabric(h->dir) || emr_network_dir_is_served(h->dir))
		return say_place(h, EMR_INVALID, _("its ledger is elsewhere"), out_problem);
	status = open_below(h, EMR_NETWORK_DIR_HOST, true, &h->own_fd);
	if (status == EMR_OK)
		status = open_below(h, EMR_NETWORK_DIR_HOST "/mail", true, &h->mail_fd);
	if (status == EMR_OK)
		status =
			own_random(h, EMR_HOST_SECRET, h->options.secret, sizeof h->options.secret);
	h->at.key = emr_served_key(h->options.secret);
	if (status == EMR_OK)
		status = own_key(h);
	if (status == EMR_OK)
		status = open_blocks(h);
	if (status == EMR_OK)
		status = hold_lock(h);
	if (status == EMR_OK && asprintf(&ledger, "%s/" EMR_NETWORK_DIR_LEDGER, h->dir) < 0) {
		ledger = NULL;
		status = EMR_NO_MEMORY;
	}
	if (status != EMR_OK)
		return say_place(h, status, NULL, out_problem);
	EMR_TRY(choose_address(h, out_problem));
	h->options.path = ledger;
	h->options.mail_dirfd = h->mail_fd;
	h->options.host_dirfd = h->own_fd;
	h->options.beside = (emr_serve_set){emr_node_routes, h->node};
	status = emr_served_start(&h->options, &h->served);
	if (status == EMR_OK)
		status = emr_served_at_write(&h->at, &settings);
	if (status == EMR_OK)
		status = emr_file_replace(h->own_fd, EMR_HOST_AT, emr_buf_view(&settings), 0600);
	return status == EMR_OK ? EMR_OK : say_place(h, status, NULL, out_problem);
}

/* ---- space ---- */

/* Blocks that no member keeps any more go.  Blocks that imports send from here on are left for
 * the next time: they may not be pinned yet. */
static void reclaim(host *h)
{
	emr_reclaim_options options = {.allow_missing = true, .batch_bytes = RECLAIM_BATCH_BYTES};
	emr_status status;

	emr_node_still(h->node);
	status = emr_store_close_segment(h->store);
	options.before = emr_store_log_end(h->store).number;
	emr_node_go_on(h->node);
	if (status == EMR_OK)
		status = emr_store_reclaim(h->store, &options, NULL);
	if (status != EMR_OK)
		emr_log(EMR_LOG_WARN, "host: reclaim: %s", emr_status_text(status));
}

/* Until one of ENDING arrives. */
static void serve_on(host *h, const sigset_t *ending)
{
	const struct timespec pause = {.tv_sec = RECLAIM_EVERY_S};
	uint64_t dropped = 0;
	int number;

	reclaim(h);
	do {
		number = sigtimedwait(ending, NULL, &pause);
		if (number < 0 && emr_node_dropped(h->node) != dropped) {
			dropped = emr_node_dropped(h->node);
			reclaim(h);
		}
	} while (number < 0);
}

/* ---- the service ---- */

static int serve(host *h, const sigset_t *ending)
{
	char address[EMR_SERVED_ADDRESS_CHARS];
	emr_problem problem = {0};
	int code;
	emr_status status = open_all(h, &problem);
	const char *place = h->at.url[0] != '\0' ? h->at.url : h->args->operands[1];

	if (status != EMR_OK)
		return emr_out_fail(h->out, &problem);
	if (h->report_fd >= 0)
		(void)setsid();
	if (chdir("/") != 0)
		emr_log(EMR_LOG_WARN, "chdir to / failed");
	emr_out_number(h->out, "pid", (uint64_t)getpid());
	emr_out_text(h->out, "url", place);
	emr_served_address_text(&h->at, address);
	emr_out_text(h->out, "address", address);
	emr_say(h->out,
		"The host serves %s at %s (process %d).\nMembers reach it at that address: it is a "
		"public one, one of the same local network, or one of a VPN.\n"
		"Invite with emrfs org invite. An organisation elsewhere joins with: emrfs org "
		"create NAME --network '%s'\n",
		h->dir, place, (int)getpid(), address);
	emr_out_flag(h->out, "recovering", emr_served_count(h->served).is_recovering);
	if (emr_served_count(h->served).is_recovering)
		emr_remark_that(h->out, EMR_SAY_HOST_RECOVERS, "dir", h->dir, NULL);
	host_say_agent(h->out);
	code = emr_out_end(h->out, EMR_EXIT_DONE);
	emr_ready_tell("The host runs.");
	emr_behind_let_go(&h->report_fd, code, true);
	serve_on(h, ending);
	return EMR_EXIT_DONE;
}

static int run_here(void *arg, int report_fd)
{
	host *h = arg;
	sigset_t ending;
	int code;

	/* Before there are threads, which inherit it. */
	(void)sigemptyset(&ending);
	(void)sigaddset(&ending, SIGTERM);
	(void)sigaddset(&ending, SIGINT);
	(void)sigaddset(&ending, SIGHUP);
	(void)pthread_sigmask(SIG_BLOCK, &ending, NULL);
	h->report_fd = report_fd;
	code = emr_out_end(h->out, serve(h, &ending));
	emr_behind_let_go(&h->report_fd, code, false);
	return code;
}

int emr_cmd_host(const emr_args *args, emr_out *out)
{
	host h = {.args = args,
		.out = out,
		.own_fd = -1,
		.mail_fd = -1,
		.lock_fd = -1,
		.report_fd = -1};
	emr_problem problem = {0};
	int code;

	if (args->given[EMR_OPT_AGENT_STATUS] && args->n_operands == 1)
		return emr_host_status(args, out);
	if (args->given[EMR_OPT_HOST_BACKUP] && args->n_operands == 1)
		return emr_host_backup(args, out);
	if (args->given[EMR_OPT_AGENT_STATUS] || args->given[EMR_OPT_HOST_BACKUP] ||
		args->n_operands < 2) {
		(void)!emr_wrong_use("host", _("Which directory, and at which address?"), &problem);
		return emr_out_fail(out, &problem);
	}
	h.dir = emr_path_real(args->operands[0]);
	if (h.dir == NULL) {
		(void)!say_place(&h, EMR_NOT_FOUND, NULL, &problem);
		code = emr_out_fail(out, &problem);
	} else {
		code = args->given[EMR_OPT_FOREGROUND]
			       ? run_here(&h, -1)
			       : emr_behind_run(out, _("Starting the host"), run_here, &h);
	}
	host_end(&h);
	return code;
}
