/* This file is `emrfs host`: it serves a network's directory to members who have computers of their
 * own, ledger and blocks, until it is ended. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/file.h"
#include "base/log.h"
#include "base/secret.h"
#include "kit/language.h"
#include "kit/places.h"
#include "kit/text.h"
#include "ledger/backend.h"
#include "ledger/network.h"
#include "mount/service.h"
#include "network/founding.h"
#include "network/enrolling.h"
#include "node/host.h"
#include "served/client.h"
#include "served/server.h"
#include "session/network_dir.h"
#include "store/car_store.h"
#include "verbs/cmd.h"
#include "verbs_private.h"

#define NEXT EMR_NETWORK_DIR_HOST "/next" /* key and secret that administrators sign for */
#define NAMES_MAX 600			  /* bytes: of the members of a network */
#define RECLAIM_EVERY_S 3600
#define RECLAIM_BATCH_BYTES ((uint64_t)256 << 20)

typedef struct host {
	const emr_args *args;
	emr_out *out;
	char *dir;
	int own_fd, mail_fd, lock_fd; /* DIR/host, DIR/host/mail, DIR/host/lock */
	host_keeps keeps;
	emr_served_at at;
	emr_served_options options;
	emr_served_at witnesses[EMR_LEDGER_HOSTS_MAX];
	emr_store *store;
	emr_node *node;
	emr_served *served;
	struct host_metrics *metrics; /* NULL: nobody reads them */
	_Atomic uint64_t over;	      /* of the key that asked for too much most often */
	bool has_moved;		      /* others know it elsewhere */
	int report_fd;		      /* to the waiting parent; -1 in the foreground */
	const sigset_t *ending;	      /* signals that end it, blocked */
} host;

static void host_end(host *h)
{
	host_metrics_stop(h->metrics);
	emr_served_stop(h->served);
	emr_node_free(h->node);
	emr_store_close(h->store);
	host_keeps_close(&h->keeps);
	emr_wipe(h->options.secret, sizeof h->options.secret);
	emr_auto_close(&h->own_fd);
	emr_auto_close(&h->mail_fd);
	emr_auto_close(&h->lock_fd);
	free(h->dir);
}

static emr_status say_place(const host *h, emr_status status, const char *cause, emr_problem *out)
{
	return EMR_PROBLEM(status, out, EMR_SAY_NETWORK_DIR, "dir", h->args->operands[0], "cause",
		cause != NULL ? cause : emr_text(emr_status_text(status)), NULL);
}

/* ---- what it keeps ---- */

static emr_status open_below(const host *h, const char *name, int *out_fd)
{
	EMR_AUTO_FD dir = open(h->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0)
		return emr_status_from_errno(errno);
	EMR_TRY(emr_dir_make(dir, name));
	*out_fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	return *out_fd >= 0 ? EMR_OK : emr_status_from_errno(errno);
}

/* ---- where it listens ---- */

static emr_status choose_place(host *h, emr_problem *out_problem)
{
	const char *where = h->args->operands[1], *path = host_socket_path(where);
	const char *url = h->args->n_operands > 2 ? h->args->operands[2] : NULL;
	int n = url != NULL    ? snprintf(h->at.url, sizeof h->at.url, "%s", url)
		: path == NULL ? snprintf(h->at.url, sizeof h->at.url, "https://%s", where)
			       : snprintf(h->at.socket, sizeof h->at.socket, "%s", path);

	if (n < 0 || (size_t)n >= sizeof h->at.url)
		return emr_wrong_use("host", _("its address is too long"), out_problem);
	/* A proxy that speaks TLS in front of a socket has a certificate of its own. */
	if (path != NULL)
		h->at.pin[0] = '\0';
	return EMR_OK;
}

static emr_status choose_address(host *h, emr_problem *out_problem)
{
	const char *where = h->args->operands[1], *cause = NULL;
	const char *path = host_socket_path(where);

	EMR_TRY(choose_place(h, out_problem));
	h->options.listen_fd = host_listen(where, &cause);
	h->options.key = path == NULL ? (const char *)h->keeps.key.data : NULL;
	h->options.certificate = path == NULL ? (const char *)h->keeps.certificate.data : NULL;
	if (h->options.listen_fd >= 0)
		return EMR_OK;
	emr_problem_set(out_problem, EMR_SAY_HOST_ADDRESS, "node", where, "cause", cause, NULL);
	return EMR_INVALID;
}

/* ---- its channel ---- */

/* Makes DIR of what has begun there. */
static emr_status settle_in_channel(const host *h, emr_problem *out_problem)
{
	EMR_AUTO_IN_CHANNEL found = {.msp = ""};
	EMR_AUTO_FREE char *channel = NULL;
	const char *named = h->args->values[EMR_OPT_CHANNEL];
	emr_founding founding = {.dir = h->dir, .problem = out_problem};
	bool is_made;

	if (named == NULL)
		return EMR_OK;
	channel = emr_path_real(named);
	founding.channel = channel;
	EMR_TRY(channel != NULL ? emr_founding_look(channel, &found, out_problem) : EMR_NO_MEMORY);
	if (found.descriptor.len == 0)
		return EMR_PROBLEM(EMR_NOT_FOUND, out_problem, EMR_SAY_NETWORK_DIR, "dir", channel,
			"cause", _("no network has begun in its channel"), NULL);
	return emr_founding_settle(&founding, emr_buf_view(&found.descriptor), &is_made);
}

/* Members know how far this host was: what the channel has by now is read before it says less. */
static emr_status catch_up(const host *h, const char *ledger, emr_problem *out_problem)
{
	char said[EMR_NETWORK_SAID_BYTES] = "";
	EMR_AUTO_FD stop_fd = signalfd(-1, h->ending, SFD_CLOEXEC);
	emr_status status;

	if (!emr_network_is_on_channel(ledger))
		return EMR_OK;
	emr_progress(h->out, "Reading what the channel has ...");
	status = emr_embedded_catch_up(ledger, stop_fd, said, sizeof said);
	emr_progress_end(h->out);
	if (status == EMR_INTERRUPTED)
		return EMR_PROBLEM(status, out_problem, EMR_SAY_INTERRUPTED, NULL);
	if (emr_status_is_full(status))
		(void)snprintf(said, sizeof said, "%s", _("no space left on the disk"));
	return status == EMR_OK ? EMR_OK : say_place(h, status, said, out_problem);
}

/* ---- who signs beside it ---- */

/* Addresses with blanks between them. */
static emr_status read_witnesses(host *h, emr_problem *out_problem)
{
	h->options.others = h->witnesses;
	if (emr_served_hosts_read(
		    h->args->values[EMR_OPT_WITNESS], h->witnesses, &h->options.n_others) == EMR_OK)
		return EMR_OK;
	return emr_wrong_use("host",
		_("--witness takes at most 16 addresses of hosts, as emrfs host "
		  "prints them (https://NAME:PORT#KEY,PIN), with blanks between."),
		out_problem);
}

/* ---- another key ---- */

static void note_keeps(host *h)
{
	memcpy(h->options.secret, h->keeps.secret, sizeof h->options.secret);
	h->at.key = emr_served_key(h->options.secret);
	emr_served_pin_text(h->keeps.pin, h->at.pin);
}

/* Of NEXT, which is closed by host_end: secret and key are made for each request. */
static emr_status open_next(const host *h, host *next, bool is_asked, emr_problem *out_problem)
{
	emr_status status;

	next->dir = strdup(h->dir);
	status = next->dir != NULL ? open_below(h, NEXT, &next->own_fd) : EMR_NO_MEMORY;
	if (status != EMR_OK)
		return say_place(h, status, NULL, out_problem);
	EMR_TRY(host_keeps_next(next->dir, next->own_fd, is_asked, &next->keeps, out_problem));
	note_keeps(next);
	return choose_place(next, out_problem);
}

#define HOST_OF(args_, out_)                                                                       \
	{                                                                                          \
		.args = (args_), .out = (out_), .own_fd = -1, .mail_fd = -1, .lock_fd = -1,        \
		.report_fd = -1                                                                    \
	}

/* Makes the text that administrators have to sign, while the host goes on as it is. */
static emr_status ask_for_key(const host *h, const char *file, emr_problem *out_problem)
{
	__attribute__((cleanup(host_end))) host next = HOST_OF(h->args, h->out);
	emr_address address = {
		.is_successor = true, .unix_s = emr_clock_unix_s(emr_clock_system())};

	EMR_TRY(emr_network_dir_check(h->dir, out_problem));
	EMR_TRY(open_next(h, &next, true, out_problem));
	address.at = next.at;
	EMR_TRY(network_write(file, O_CREAT | O_EXCL, &address, out_problem));
	emr_say(h->out,
		"%s says which key comes next. Administrators of most members sign it, one after "
		"the other: emrfs network sign FILE\n"
		"Then stop the host, and give this line again. Each member takes the file with: "
		"emrfs network address FILE\n",
		file);
	return EMR_OK;
}

/* The next one takes the place of the present one, if enough have signed for that.  Its secret
 * comes last, so that after a crash the same line does what is left. */
static emr_status take_next_key(host *h, const char *file, emr_problem *out_problem)
{
	__attribute__((cleanup(host_end))) host next = HOST_OF(h->args, h->out);
	EMR_AUTO_BUF text = {0};
	emr_address address = {.n_voices = 0};
	const emr_id32 old = emr_served_key(h->keeps.secret);
	unsigned have = 0, need = 0;

	EMR_TRY(emr_file_read(AT_FDCWD, file, EMR_ADDRESS_TEXT_MAX, &text));
	EMR_TRY(emr_address_read(emr_buf_view(&text), &address));
	if (emr_id32_equal(address.at.key, old))
		return EMR_OK; /* done before */
	EMR_TRY(network_votes(&address, h->dir, NULL, old, &have, &need, out_problem));
	EMR_TRY(open_next(h, &next, false, out_problem));
	if (have < need || !emr_id32_equal(address.at.key, next.at.key))
		return network_too_few(have, need, out_problem);
	EMR_TRY(host_write_place(h->own_fd, EMR_HOST_AT, &address.at));
	EMR_TRY(host_keeps_replace(h->own_fd, next.own_fd, &next.keeps));
	host_keeps_close(&h->keeps);
	h->keeps = (host_keeps){.secret = {0}};
	return host_keeps_open(h->dir, h->own_fd, false, &h->keeps, out_problem);
}

/* ---- blocks ---- */

static emr_status check_member(void *arg, emr_serve_call *call, emr_bytes root)
{
	const host *h = arg;

	EMR_TRY(emr_served_check(h->served, call, root));
	return emr_node_stores(call) ? emr_served_at_home(h->served, call->asks) : EMR_OK;
}

static void note_over(void *arg, emr_id32 key, uint64_t times)
{
	host *h = arg;
	char text[2 * sizeof key.b + 32];

	if (times < atomic_load(&h->over))
		return;
	atomic_store(&h->over, times);
	emr_hex(key.b, sizeof key.b, text);
	emr_log(EMR_LOG_WARN, "host: over: %s: %llu", text, (unsigned long long)times);
	(void)snprintf(text + 2 * sizeof key.b, 32, " %llu", (unsigned long long)times);
	(void)!host_keeps_write(h->own_fd, HOST_OVER, emr_bytes_of(text, strlen(text)));
}

static emr_status open_blocks(host *h)
{
	EMR_AUTO_FREE char *path = NULL;
	EMR_AUTO_FREE char *index = NULL;
	EMR_AUTO_FREE char *writers = emr_places_writers();
	emr_store_options options = {.lock_path = writers, .writer = h->keeps.writer};
	emr_node_options node = {.spool_dirfd = h->own_fd, .may = check_member, .may_arg = h};

	if (asprintf(&path, "%s/blocks", h->dir) < 0)
		path = NULL;
	if (asprintf(&index, "%s/" EMR_NETWORK_DIR_HOST "/index", h->dir) < 0)
		index = NULL;
	if (path == NULL || index == NULL || writers == NULL)
		return EMR_NO_MEMORY;
	options.path = path;
	options.index_path = index;
	EMR_TRY(emr_store_open(&options, &h->store));
	EMR_TRY(host_keeps_store(h->dir, h->keeps.writer, &node.id));
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

	EMR_TRY(settle_in_channel(h, out_problem));
	EMR_TRY(emr_network_dir_check(h->dir, out_problem));
	if (emr_network_dir_is_served(h->dir))
		return say_place(h, EMR_INVALID, _("its ledger is elsewhere"), out_problem);
	EMR_TRY(open_below(h, EMR_NETWORK_DIR_HOST, &h->own_fd));
	EMR_TRY(open_below(h, EMR_NETWORK_DIR_HOST "/mail", &h->mail_fd));
	EMR_TRY(emr_login_keep(h->dir, h->args->values[EMR_OPT_LOGIN_CA], "host", out_problem));
	h->at.has_login = emr_login_is_there(h->dir);
	EMR_TRY(host_keeps_open(h->dir, h->own_fd, false, &h->keeps, out_problem));
	EMR_TRY(open_blocks(h));
	EMR_TRY(hold_lock(h));
	if (h->args->given[EMR_OPT_NEW_KEY])
		EMR_TRY(take_next_key(h, h->args->values[EMR_OPT_NEW_KEY], out_problem));
	note_keeps(h);
	if (asprintf(&ledger, "%s/" EMR_NETWORK_DIR_LEDGER, h->dir) < 0) {
		ledger = NULL;
		return EMR_NO_MEMORY;
	}
	EMR_TRY(catch_up(h, ledger, out_problem));
	EMR_TRY(choose_address(h, out_problem));
	if (h->args->given[EMR_OPT_WITNESS])
		EMR_TRY(read_witnesses(h, out_problem));
	h->options.path = ledger;
	h->options.mail_dirfd = h->mail_fd;
	h->options.host_dirfd = h->own_fd;
	h->options.over = note_over;
	h->options.over_arg = h;
	h->options.beside = (emr_serve_set){emr_node_routes, h->node};
	EMR_TRY(host_note_place(h->dir, h->own_fd, h->options.secret, &h->at, &h->has_moved));
	EMR_TRY(emr_served_start(&h->options, &h->served));
	if (h->args->given[EMR_OPT_METRICS])
		EMR_TRY(host_metrics_start(h->args->values[EMR_OPT_METRICS], ledger, h->served,
			&h->metrics, out_problem));
	/* Not where it could not be signed. */
	return h->has_moved && h->at.word[0] == '\0'
		       ? EMR_OK
		       : host_write_place(h->own_fd, EMR_HOST_AT, &h->at);
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
	char address[EMR_SERVED_ADDRESS_CHARS], names[NAMES_MAX], shown[NAMES_MAX];
	char members[EMR_COUNT_BYTES];
	emr_problem problem = {0};
	uint64_t n = 0;
	int code;
	emr_status status = open_all(h, &problem);
	const char *place = h->at.url[0] != '\0' ? h->at.url : h->args->operands[1];

	if (status != EMR_OK && !problem.is_set)
		(void)!say_place(h, status, NULL, &problem);
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
		"Invite with emrfs invite. An organisation elsewhere joins with: emrfs org "
		"create NAME --network '%s'\n",
		h->dir, place, (int)getpid(), address);
	emr_out_flag(h->out, "recovering", emr_served_count(h->served).is_recovering);
	if (emr_served_count(h->served).is_recovering)
		emr_remark_that(h->out, EMR_SAY_HOST_RECOVERS, "dir", h->dir, NULL);
	if (h->has_moved && host_members(h->dir, &n, names, sizeof names) == EMR_OK) {
		emr_count_text(n, "member", "members", members);
		emr_show(names, shown, sizeof shown);
		emr_say(h->out,
			"This is another address than before: %s of %s have to hear of it.\n",
			members, shown);
	}
	if (h->has_moved)
		host_say_moved(h->out, &h->at);
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
	h->ending = &ending;
	code = emr_out_end(h->out, serve(h, &ending));
	emr_behind_let_go(&h->report_fd, code, false);
	return code;
}

int emr_cmd_host(const emr_args *args, emr_out *out)
{
	host h = HOST_OF(args, out);
	const char *file = args->values[EMR_OPT_NEW_KEY];
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
	} else if (file != NULL && access(file, F_OK) != 0) {
		code = emr_out_done(out, ask_for_key(&h, file, &problem), &problem, file);
	} else {
		code = args->given[EMR_OPT_FOREGROUND]
			       ? run_here(&h, -1)
			       : emr_behind_run(out, _("Starting the host"), run_here, &h);
	}
	host_end(&h);
	return code;
}
