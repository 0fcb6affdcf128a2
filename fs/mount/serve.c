/* This file is the open folder's end of the socket: it answers `status`, `share`, `verify` and
 * the other verbs, several at a time. It answers only processes of the same user. */
#include "mount/service.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "kit/language.h"
#include "kit/out.h"
#include "mount/attendant.h"
#include "mount/devices.h"
#include "mount/points.h"
#include "org/invitations.h"
#include "people/answers.h"
#include "publisher/publisher.h"
#include "report/report.h"
#include "research/research.h"
#include "session/fetching.h"
#include "sharing/answers.h"
#include "sharing/shares.h"

#include "answers.h"

#define CONVERSATIONS_MAX 8
#define LOOK_HERE_NS INT64_C(500000000) /* a status waits so long to hear what is whole here */
#define IDLE_MS 30000			/* between two questions of one conversation */
#define SEND_MS 10000

typedef struct conversation {
	emr_server *server;
	pthread_t thread;
	int fd; /* -1 = free slot; of the listening thread, and of the conversation's own while it
		   runs */
	bool is_over; /* the thread has ended and wants to be joined; protected by server->lock */
	bool is_cut;  /* the last frame may have gone in part */
} conversation;

struct emr_server {
	emr_session *session;
	emr_notices *notices;
	emr_attendant *agent;		/* NULL: SESSION is a folder's */
	int run_fd, listen_fd, stop_fd; /* do not change while the thread runs */
	pthread_t thread;
	bool has_thread; /* of whoever starts and stops */
	atomic_bool stop;
	pthread_mutex_t lock; /* the slots' is_over */
	conversation slots[CONVERSATIONS_MAX];
};

/* ---- answering one request ---- */

static emr_status send_stolen(void *arg, json_t *object)
{
	conversation *c = arg;
	emr_status status;

	if (object == NULL)
		return EMR_NO_MEMORY;
	status = atomic_load(&c->server->stop) ? EMR_INTERRUPTED
					       : emr_frame_send(c->fd, object, SEND_MS);
	json_decref(object);
	/* Before its first byte a frame is refused for its size, or for memory. */
	c->is_cut |= status != EMR_OK && status != EMR_LIMIT && status != EMR_NO_MEMORY;
	return status;
}

/* An object with "ok" in front. */
static emr_status send_ok(conversation *c, json_t *fields)
{
	if (fields == NULL || json_object_set_new(fields, "ok", json_true()) != 0) {
		json_decref(fields);
		return EMR_NO_MEMORY;
	}
	return send_stolen(c, fields);
}

/* Ledger, disk or journal may refuse, however the folder was opened: then they are the reason. */
static emr_status send_problem(conversation *c, emr_problem *problem)
{
	emr_problem still = {0};
	const emr_message_row *row;

	if (problem->message == EMR_SAY_READ_ONLY &&
		emr_session_takes_nothing(c->server->session, &still) && still.is_set)
		problem = &still;
	row = emr_message_get(problem->message);
	return send_stolen(c, json_pack("{s:b, s:i, s:s, s:s, s:s, s:s}", "ok", 0, "exit",
				      (int)row->exit, "error", row->id, "message", problem->text,
				      "hint", problem->hint, "path", problem->path));
}

static emr_status answer_status(conversation *c, const emr_request *request)
{
	emr_problem problem = {0};
	json_t *report = NULL;

	/* Every verb asks where the folder is; only who wants to know what is whole waits for it.
	 */
	if (request->look && c->server->session->publisher != NULL)
		emr_publisher_look_here(c->server->session->publisher, LOOK_HERE_NS);
	if (!request->has_path)
		return send_ok(c, emr_report_folder(c->server->session, c->server->notices));
	if (emr_report_path(c->server->session, c->server->notices, request->path, &report,
		    &problem) != EMR_OK)
		return send_problem(c, &problem);
	return send_ok(c, report);
}

/* How much is not on the ledger; WAIT has given it time. */
static json_t *pending_now(conversation *c, const emr_view_counts *counts)
{
	emr_ledger_absence absence;
	emr_problem why = {0};
	uint64_t copies_short;
	const bool is_counted =
		emr_publisher_short(c->server->session->publisher, LOOK_HERE_NS, &copies_short);

	emr_ledger_look(c->server->session->ledger, &absence);
	return json_pack("{s:b, s:o, s:b, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o}",
		"no_room", counts->has_no_room, "copies_short",
		is_counted ? json_integer((json_int_t)copies_short) : json_null(), "read_only",
		emr_session_is_read_only(c->server->session, &why), "ledger_away",
		absence.status != EMR_OK && !absence.is_asked, "pending",
		(json_int_t)counts->pending, "awaiting_copies", (json_int_t)counts->awaiting,
		"failed", (json_int_t)counts->failed, "confirmed", (json_int_t)counts->confirmed,
		"pending_bytes", (json_int_t)counts->pending_bytes, "writing_files",
		(json_int_t)counts->writing, "writing_bytes", (json_int_t)counts->writing_bytes,
		"not_safe_files", (json_int_t)counts->not_safe, "not_safe",
		emr_report_not_safe(c->server->session, counts->not_safe), "disk_error",
		emr_report_disk(c->server->session, counts->not_safe));
}

static emr_status answer_wait(conversation *c, const emr_request *request)
{
	emr_view_counts counts;
	int64_t deadline =
		emr_clock_boot_ns(emr_clock_system()) + (int64_t)request->timeout_ms * 1000000;
	emr_status status;

	if (request->now)
		emr_research_rest(c->server->session->research);
	status = emr_view_wait_published(c->server->session->view, deadline);
	/* Timed out or not: the numbers say it. */
	if (status != EMR_OK && status != EMR_TIMEOUT)
		emr_log(EMR_LOG_WARN, "wait: %s", emr_status_text(status));
	emr_view_count(c->server->session->view, &counts);
	return send_ok(c, pending_now(c, &counts));
}

/* Everything that can reach the disk is there before it is said what is not safe. */
static void secure(conversation *c, bool now)
{
	emr_problem why = {0};
	emr_status status;

	if (emr_session_is_read_only(c->server->session, &why))
		return;
	status = emr_view_secure(c->server->session->view, now);
	if (status != EMR_OK)
		emr_log(EMR_LOG_ERROR, "before the end: the disk: %s", emr_status_text(status));
}

/* True: nothing of what was brought is left that somebody could miss. Each last copy among it is in
 * the local store now, or stays where it is, and so does all of it where nobody can tell. */
static bool empty_cache(const emr_session *session)
{
	uint64_t brought;

	if (emr_publisher_save(session->publisher) != EMR_OK)
		return false;
	emr_fetching_purge(session, &brought);
	return emr_fetching_is_empty(session);
}

/* Shares of which nothing new opens then.  That they cannot be listed hinders no closing. */
static bool put_stopping(emr_session *session, json_t *answer)
{
	json_t *list = NULL;
	size_t n = 0;
	emr_status status = emr_shares_closed_json(session, &list, &n);

	if (status != EMR_OK) {
		emr_log(EMR_LOG_WARN, "listing shares that stop opening: %s",
			emr_status_text(status));
		list = json_array();
	}
	return json_object_set_new(answer, "agents_silent", emr_agents_silent_json(session)) == 0 &&
	       json_object_set_new(answer, "stops_opening", list) == 0 &&
	       json_object_set_new(answer, "stops_opening_shares", json_integer((json_int_t)n)) ==
		       0;
}

/* Answers with the files that would be left behind. With `now` the mount ends by itself. */
static emr_status answer_unmount(conversation *c, const emr_request *request)
{
	emr_session *session = c->server->session;
	json_t *answer, *unsent = json_array(), *local = json_array();
	emr_view_counts counts;
	emr_problem why = {0};
	emr_status status = EMR_OK;

	if (!emr_session_is_read_only(session, &why) && !request->now)
		status = emr_view_publish_now(session->view);
	if (status != EMR_OK)
		emr_log(EMR_LOG_WARN, "publishing before the end: %s", emr_status_text(status));
	secure(c, request->now);
	emr_view_count(session->view, &counts);
	answer = pending_now(c, &counts);
	if (answer == NULL || unsent == NULL || local == NULL)
		status = EMR_NO_MEMORY;
	else
		status = emr_report_unsent(session, &counts, unsent, local);
	if (status != EMR_OK)
		emr_log(EMR_LOG_WARN, "listing what is unsent: %s", emr_status_text(status));
	if (json_object_set_new(answer, "unsent", unsent) != 0 ||
		json_object_set_new(answer, "left_outside", local) != 0 ||
		json_object_set_new(answer, "folder", emr_json_text(session->folder)) != 0 ||
		json_object_set_new(answer, "cache_is_empty",
			json_boolean(request->purge && !request->now && empty_cache(session))) !=
			0 ||
		!put_stopping(session, answer)) {
		json_decref(answer);
		return EMR_NO_MEMORY;
	}
	status = send_ok(c, answer);
	if (request->now)
		session->front->stop();
	return status;
}

/* An agent has no folder, and a folder no agent. */
static emr_status answer_agent(conversation *c, const emr_request *request)
{
	emr_attendant *agent = c->server->agent;
	emr_problem problem = {0};

	if (agent != NULL && request->ask == EMR_ASK_AGENT)
		return send_ok(c, emr_attendant_report(agent));
	emr_problem_set(&problem, agent != NULL ? EMR_SAY_IS_AGENT : EMR_SAY_NO_AGENT, NULL);
	return send_problem(c, &problem);
}

/* The requests to the folder; those to this process itself are answered above. */
static emr_answer_fn *const answers[EMR_ASK_COUNT] = {
	[EMR_ASK_EXPORT] = emr_answer_export,
	[EMR_ASK_VERIFY] = emr_answer_verify,
	[EMR_ASK_LEDGER] = emr_answer_ledger,
	[EMR_ASK_VERSIONS] = emr_answer_versions,
	[EMR_ASK_RESTORE] = emr_answer_restore,
	[EMR_ASK_MOVE] = emr_answer_move,
	[EMR_ASK_KEEP] = emr_answer_keep,
	[EMR_ASK_COPIES] = emr_answer_copies,
	[EMR_ASK_BRING] = emr_answer_bring,
	[EMR_ASK_ERASE] = emr_answer_erase,
	[EMR_ASK_PEOPLE] = emr_answer_people,
	[EMR_ASK_SHARE] = emr_answer_share,
	[EMR_ASK_DATASET] = emr_answer_dataset,
	[EMR_ASK_REVOKE] = emr_answer_revoke,
	[EMR_ASK_REQUEST] = emr_answer_request,
	[EMR_ASK_EMERGENCY] = emr_answer_emergency,
	[EMR_ASK_DENY] = emr_answer_deny,
	[EMR_ASK_LOG] = emr_answer_log,
	[EMR_ASK_DEVICES] = emr_answer_devices,
	[EMR_ASK_WALLET] = emr_answer_wallet,
	[EMR_ASK_INVITE] = emr_answer_invite,
	[EMR_ASK_ORG] = emr_answer_org,
};

static emr_status answer(conversation *c, const emr_request *request, emr_problem *out_problem)
{
	if (request->ask == EMR_ASK_AGENT ||
		(c->server->agent != NULL && request->ask != EMR_ASK_WALLET))
		return answer_agent(c, request);
	if (request->ask == EMR_ASK_STATUS)
		return answer_status(c, request);
	if (request->ask == EMR_ASK_WAIT)
		return answer_wait(c, request);
	if (request->ask == EMR_ASK_UNMOUNT)
		return answer_unmount(c, request);
	if (request->ask >= EMR_ASK_COUNT || answers[request->ask] == NULL)
		return EMR_INVALID;
	return answers[request->ask](
		c->server->session, request, &(emr_sink){send_stolen, c}, out_problem);
}

/* ---- conversations ---- */

static emr_status converse_once(conversation *c)
{
	emr_problem problem = {0};
	const char *what = _("This request");
	emr_request *request;
	json_t *object = NULL;
	emr_status status;

	EMR_TRY(emr_frame_receive(c->fd, IDLE_MS, &object));
	request = malloc(sizeof *request);
	status = request != NULL ? emr_request_parse(object, request) : EMR_NO_MEMORY;
	json_decref(object);
	if (status == EMR_OK) {
		emr_language_answer_in(request->language);
		what = _("The answer");
		status = answer(c, request, &problem);
	}
	free(request);
	if (status == EMR_OK || c->is_cut)
		return status;
	if (!problem.is_set) { /* silence would look like a folder that hangs */
		emr_log(EMR_LOG_WARN, "socket: %s", emr_status_text(status));
		emr_problem_set_status(&problem, status, what);
	}
	return send_problem(c, &problem);
}

static void *converse(void *arg)
{
	conversation *c = arg;
	emr_status status;

	do
		status = converse_once(c);
	while (status == EMR_OK && !atomic_load(&c->server->stop));
	if (status != EMR_NOT_FOUND && status != EMR_OK)
		emr_log(EMR_LOG_INFO, "socket: a conversation ended: %s", emr_status_text(status));
	/* The other end learns it now, not when the thread is joined. */
	shutdown(c->fd, SHUT_RDWR);
	pthread_mutex_lock(&c->server->lock);
	c->is_over = true;
	pthread_mutex_unlock(&c->server->lock);
	return NULL;
}

/* Joins the threads that have ended; their slots are free again.  Holds no lock while joining. */
static void reap(emr_server *server, bool all)
{
	for (size_t i = 0; i < CONVERSATIONS_MAX; i++) {
		conversation *c = &server->slots[i];
		bool take;

		pthread_mutex_lock(&server->lock);
		take = c->fd >= 0 && (all || c->is_over);
		if (take && !c->is_over)
			shutdown(c->fd, SHUT_RDWR);
		pthread_mutex_unlock(&server->lock);
		if (!take)
			continue;
		pthread_join(c->thread, NULL);
		close(c->fd);
		pthread_mutex_lock(&server->lock);
		c->fd = -1;
		c->is_over = false;
		pthread_mutex_unlock(&server->lock);
	}
}

/* Slots are taken by the listening thread only. */
static bool begin_conversation(emr_server *server, int fd)
{
	for (size_t i = 0; i < CONVERSATIONS_MAX; i++) {
		conversation *c = &server->slots[i];

		if (c->fd >= 0)
			continue;
		*c = (conversation){.server = server, .fd = fd};
		if (pthread_create(&c->thread, NULL, converse, c) == 0)
			return true;
		c->fd = -1;
		return false;
	}
	return false;
}

static void accept_one(emr_server *server)
{
	int fd = accept4(server->listen_fd, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		return;
	reap(server, false);
	if (emr_peer_check(fd) != EMR_OK) {
		emr_log(EMR_LOG_WARN, "socket: another user was refused");
		close(fd);
	} else if (!begin_conversation(server, fd)) {
		emr_log(EMR_LOG_WARN, "socket: too many conversations");
		close(fd);
	}
}

static void *listen_and_accept(void *arg)
{
	emr_server *server = arg;

	while (!atomic_load(&server->stop)) {
		struct pollfd polled[2] = {{.fd = server->listen_fd, .events = POLLIN},
			{.fd = server->stop_fd, .events = POLLIN}};

		if (poll(polled, 2, -1) > 0 && (polled[0].revents & POLLIN) != 0)
			accept_one(server);
	}
	return NULL;
}

/* ---- the socket ---- */

/* Through the directory's descriptor: a socket address has room for 107 bytes, a home directory may
 * be longer. */
static emr_status bind_socket(emr_server *server)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/%s", server->run_fd,
		EMR_RUN_SOCKET);
	/* We hold the lock of the state: a socket that is there belongs to nobody any more. */
	if (unlinkat(server->run_fd, EMR_RUN_SOCKET, 0) != 0 && errno != ENOENT)
		return emr_status_from_errno(errno);
	if (server->listen_fd >= 0)
		close(server->listen_fd);
	server->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (server->listen_fd < 0 ||
		bind(server->listen_fd, (const struct sockaddr *)&address, sizeof address) != 0 ||
		fchmodat(server->run_fd, EMR_RUN_SOCKET, 0600, 0) != 0 ||
		listen(server->listen_fd, 8) != 0)
		return emr_status_from_errno(errno);
	server->stop_fd = eventfd(0, EFD_CLOEXEC);
	return server->stop_fd >= 0 ? EMR_OK : emr_status_from_errno(errno);
}

emr_status emr_server_start(const emr_places *places, emr_session *session, emr_notices *notices,
	emr_attendant *agent, emr_server **out_server, emr_problem *out_problem)
{
	emr_server *server = calloc(1, sizeof *server);
	emr_status status;

	if (server == NULL)
		return EMR_PROBLEM_STATUS(out_problem, EMR_NO_MEMORY, _("The socket"));
	*server = (emr_server){.session = session,
		.notices = notices,
		.agent = agent,
		.run_fd = -1,
		.listen_fd = -1,
		.stop_fd = -1};
	pthread_mutex_init(&server->lock, NULL);
	for (size_t i = 0; i < CONVERSATIONS_MAX; i++)
		server->slots[i].fd = -1;
	status = emr_places_open_run(places, &server->run_fd, out_problem);
	if (status == EMR_OK) {
		status = bind_socket(server);
		while (emr_status_is_full(status) && emr_reserve_release(session->reserve))
			status = bind_socket(server);
		if (status == EMR_OK &&
			pthread_create(&server->thread, NULL, listen_and_accept, server) != 0)
			status = EMR_NO_MEMORY;
		server->has_thread = status == EMR_OK;
		if (status != EMR_OK)
			emr_problem_set_status(out_problem, status, _("The socket"));
	}
	if (status != EMR_OK) {
		emr_server_stop(server);
		return status;
	}
	*out_server = server;
	return EMR_OK;
}

void emr_server_stop(emr_server *server)
{
	uint64_t one = 1;

	if (server == NULL)
		return;
	atomic_store(&server->stop, true);
	if (server->has_thread) {
		if (write(server->stop_fd, &one, sizeof one) < 0)
			emr_log(EMR_LOG_ERROR, "socket: the listener could not be woken");
		pthread_join(server->thread, NULL);
		reap(server, true);
		if (unlinkat(server->run_fd, EMR_RUN_SOCKET, 0) != 0)
			emr_log(EMR_LOG_WARN, "socket: it could not be removed");
	}
	emr_auto_close(&server->listen_fd);
	emr_auto_close(&server->stop_fd);
	emr_auto_close(&server->run_fd);
	pthread_mutex_destroy(&server->lock);
	free(server);
}
