/* This file keeps the newest notices for the person (`.emrfs/notices`), hands each of them as
 * JSON to the program that shows it on the desktop, and ends that program when it takes too
 * long. Paths go to the person only, never into the log. */
#include "sharing/notices.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/worker.h"
#include "kit/language.h"
#include "kit/message.h"
#include "kit/out.h"
#include "kit/quota.h"
#include "kit/text.h"

#define NOTICES_MAX 1000
#define PROGRAM_TIMEOUT_MS 10000
#define REPEAT_S 10	   /* the same sentence comes once in this time */
#define WAITING_MAX 20	   /* requests whose program has a pipe: each is a descriptor here */
#define ENDS_FD_THERE 3	   /* what the program of a request calls the pipe that ends with it */
#define ERRORS_BYTES 20000 /* of one list of errors: it is part of a frame of the socket */

extern char **environ;

typedef struct notice {
	uint64_t number; /* from 1 */
	int64_t unix_s;
	emr_message message;
	char *path;	   /* as it is, owned */
	char *detail;	   /* the reason, or who it was; owned, or NULL */
	emr_problem *said; /* its words, when they are filled in already; owned, or NULL */
	char *request; /* what the request is called that it asks an answer to; owned, or NULL */
	emr_id16 request_id;
	bool is_answered;
	int waits_fd; /* with request, once its program has the other end of this pipe; else -1 */
} notice;

struct emr_notices {
	emr_worker worker; /* tells the program */
	pthread_mutex_t lock;
	notice ring[NOTICES_MAX]; /* protected by lock, as all below */
	uint64_t last;		  /* number of the newest; it stands at (last - 1) % NOTICES_MAX */
	uint64_t told;		  /* the program knows all up to here */
	char *program;		  /* does not change, nor do the others once there is who may add */
	char *folder;
	char *place; /* where the encrypted blocks lie */
};

static notice *at_number(emr_notices *notices, uint64_t number)
{
	return &notices->ring[(number - 1) % NOTICES_MAX];
}

static uint64_t oldest(const emr_notices *notices)
{
	return notices->last > NOTICES_MAX ? notices->last - NOTICES_MAX + 1 : 1;
}

/* The folder speaks English (fs/view); a detail that is none of its words is what somebody is
 * called, which nobody translates. */
static const char *words_of(const char *detail)
{
	static const char *const said[] = {N_("another computer of yours"), N_("somebody else"),
		N_("your key is not in force there"), N_("you may not do this there"),
		N_("the clock of this computer does not fit the ledger's"), N_("it was erased"),
		N_("it is over a limit of the network"),
		N_("the rules of the network do not allow it")};

	for (size_t i = 0; i < sizeof said / sizeof *said; i++)
		if (strcmp(detail, said[i]) == 0)
			return emr_text(said[i]);
	return detail;
}

/* A notice about no file in particular is about the folder. */
static void fill_problem(const notice *n, const char *place, emr_problem *out_problem)
{
	const char *path = n->path[0] != '\0' ? n->path : _("Your folder");
	char until[EMR_TEXT_BYTES];

	if (n->said != NULL) {
		*out_problem = *n->said;
		return;
	}
	if (n->message == EMR_SAY_BAD_DATA && n->path[0] == '\0') {
		emr_problem_set(out_problem, EMR_SAY_BAD_RECORD, NULL);
		return;
	}
	if (n->detail != NULL || n->message == EMR_SAY_BAD_DATA || n->message == EMR_SAY_REFUSED) {
		const char *detail = n->detail != NULL ? words_of(n->detail) : "?";

		/* A reason is never a name. */
		emr_problem_set(out_problem, n->message, "path", path, "reason",
			n->detail != NULL ? emr_text(n->detail) : _("it did not say why"), "who",
			detail, "places", detail, "place", place, NULL);
		return;
	}
	emr_day_end_text((uint64_t)n->unix_s, until);
	emr_problem_set(out_problem, n->message, "path", path, "what", path, "time", until, NULL);
}

static bool is_waiting(const notice *n)
{
	return n->request != NULL && n->waits_fd >= 0;
}

/* Its program hears that it ends. */
static void end_waiting(notice *n)
{
	if (is_waiting(n))
		close(n->waits_fd);
	n->waits_fd = -1;
}

static void empty(notice *n)
{
	free(n->path);
	free(n->detail);
	free(n->said);
	end_waiting(n);
	free(n->request);
}

static const char *place_of(const emr_notices *notices)
{
	return notices->place != NULL ? notices->place : "on this computer";
}

static json_t *notice_json(const emr_notices *notices, const notice *n)
{
	emr_problem problem;
	char at[EMR_TEXT_BYTES];
	json_t *path = emr_json_text(n->path);

	fill_problem(n, place_of(notices), &problem);
	emr_time_json(n->unix_s, at);
	return json_pack("{s:s, s:o, s:s, s:s, s:s, s:s}", "at", at, "path", path, "error",
		emr_message_get(n->message)->id, "message", problem.text, "hint", problem.hint,
		"level", emr_message_get(n->message)->level);
}

/* ---- telling a program ---- */

/* Waits for PID; kills it when it takes too long or the mount ends. */
static void await_program(emr_notices *notices, pid_t pid)
{
	int left_ms = PROGRAM_TIMEOUT_MS;

	for (;; left_ms -= 50) {
		const struct timespec pause = {.tv_nsec = 50000000};

		if (waitpid(pid, NULL, WNOHANG) != 0)
			return;
		if (emr_worker_is_stopping(&notices->worker) || left_ms <= 0)
			break;
		nanosleep(&pause, NULL);
	}
	emr_log(EMR_LOG_WARN, "notify: the program was ended");
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* TEXT in memory that the program reads as its standard input; ENDS_FD (-1: none) is its
 * descriptor ENDS_FD_THERE. */
static void run_program(emr_notices *notices, const char *text, int ends_fd)
{
	char *argv[] = {notices->program, NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none;
	pid_t pid;
	int input = memfd_create("notice", MFD_CLOEXEC);

	if (input < 0)
		return;
	sigemptyset(&none);
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
	posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
	if (ends_fd >= 0)
		posix_spawn_file_actions_adddup2(&actions, ends_fd, ENDS_FD_THERE);
	if (write(input, text, strlen(text)) == (ssize_t)strlen(text) &&
		lseek(input, 0, SEEK_SET) == 0 &&
		posix_spawn(&pid, notices->program, &actions, &attributes, argv, environ) == 0)
		await_program(notices, pid);
	else
		emr_log(EMR_LOG_WARN, "notify: the program could not be started");
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	close(input);
}

/* Under the lock: the oldest gives way to one more.  The menu has them all. */
static void keep_few_waiting(emr_notices *notices)
{
	notice *first = NULL;
	size_t waiting = 0;

	for (uint64_t i = notices->last; i >= oldest(notices); i--) {
		if (!is_waiting(at_number(notices, i)))
			continue;
		first = at_number(notices, i);
		waiting++;
	}
	if (waiting >= WAITING_MAX)
		end_waiting(first);
}

/* For the button that answers it, and to take the notice away when another has answered. */
static void put_request(emr_notices *notices, json_t *object, notice *n, int *out_ends_fd)
{
	int ends[2];

	if (object == NULL || n->request == NULL)
		return;
	(void)json_object_set_new(object, "request", json_string(n->request));
	keep_few_waiting(notices);
	if (pipe2(ends, O_CLOEXEC) != 0) {
		emr_log(EMR_LOG_WARN, "notify: a notice will not hear that it was answered");
		return;
	}
	(void)json_object_set_new(object, "ends_fd", json_integer(ENDS_FD_THERE));
	*out_ends_fd = ends[0];
	n->waits_fd = ends[1];
}

/* Whether there is one that the program was not told of: the next, or NULL when it cannot be said,
 * which keeps no other back, and when it was answered meanwhile. */
static bool next_untold(emr_notices *notices, json_t **out_object, int *out_ends_fd)
{
	notice *n;
	EMR_LOCKED(&notices->lock);

	*out_object = NULL;
	*out_ends_fd = -1;
	if (notices->told >= notices->last)
		return false;
	if (notices->told + 1 < oldest(notices))
		notices->told = oldest(notices) - 1;
	n = at_number(notices, ++notices->told);
	if (!n->is_answered)
		*out_object = notice_json(notices, n);
	put_request(notices, *out_object, n, out_ends_fd);
	return true;
}

static void tell_all(emr_notices *notices)
{
	json_t *object;
	int ends_fd;

	while (!emr_worker_is_stopping(&notices->worker) &&
		next_untold(notices, &object, &ends_fd)) {
		char *text = object != NULL ? json_dumps(object, JSON_COMPACT) : NULL;

		json_decref(object);
		if (text != NULL)
			run_program(notices, text, ends_fd);
		if (ends_fd >= 0)
			close(ends_fd);
		free(text);
	}
}

static void *tell_program(void *arg)
{
	emr_notices *notices = arg;

	while (emr_worker_wait(&notices->worker, EMR_NEVER_NS))
		tell_all(notices);
	return NULL;
}

emr_status emr_notices_new(const char *program, emr_notices **out_notices)
{
	emr_notices *notices = calloc(1, sizeof *notices);
	emr_status status;

	if (notices == NULL)
		return EMR_NO_MEMORY;
	pthread_mutex_init(&notices->lock, NULL);
	emr_worker_init(&notices->worker);
	if (program != NULL) {
		sigset_t all, before;

		notices->program = strdup(program);
		sigfillset(&all); /* signals are for whoever waits for them */
		pthread_sigmask(SIG_SETMASK, &all, &before);
		status = notices->program != NULL ? emr_worker_start(&notices->worker, "notices",
							    tell_program, notices)
						  : EMR_NO_MEMORY;
		pthread_sigmask(SIG_SETMASK, &before, NULL);
		if (status != EMR_OK) {
			emr_notices_free(notices);
			return status;
		}
	}
	*out_notices = notices;
	return EMR_OK;
}

void emr_notices_free(emr_notices *notices)
{
	if (notices == NULL)
		return;
	emr_worker_stop(&notices->worker);
	for (size_t i = 0; i < NOTICES_MAX; i++)
		empty(&notices->ring[i]);
	emr_worker_free(&notices->worker);
	pthread_mutex_destroy(&notices->lock);
	free(notices->program);
	free(notices->folder);
	free(notices->place);
	free(notices);
}

emr_status emr_notices_set_folder(emr_notices *notices, const char *folder)
{
	free(notices->folder);
	notices->folder = strdup(folder);
	return notices->folder != NULL ? EMR_OK : EMR_NO_MEMORY;
}

emr_status emr_notices_set_place(emr_notices *notices, const char *place)
{
	free(notices->place);
	notices->place = strdup(place);
	return notices->place != NULL ? EMR_OK : EMR_NO_MEMORY;
}

static bool is_same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool is_same_sentence(const notice *a, const notice *b)
{
	bool is_said = a->said != NULL && b->said != NULL;

	return a->message == b->message && is_same_text(a->path, b->path) &&
	       is_same_text(a->detail, b->detail) && is_same_text(a->request, b->request) &&
	       (is_said ? strcmp(a->said->text, b->said->text) == 0 : a->said == b->said);
}

/* One program's save that is refused is refused by several calls, each of which says so. */
static bool was_just_said(emr_notices *notices, const notice *n, int64_t now_unix_s)
{
	for (uint64_t number = notices->last; number >= oldest(notices); number--) {
		const notice *at = at_number(notices, number);
		int64_t age_s = now_unix_s - at->unix_s;

		if (age_s < 0 || age_s >= REPEAT_S)
			return false;
		if (is_same_sentence(at, n))
			return true;
	}
	return false;
}

/* Takes what N owns. */
static void add_notice(emr_notices *notices, notice n)
{
	const char *id = emr_message_get(n.message)->id;
	notice *at;

	n.unix_s = (int64_t)emr_clock_unix_s(emr_clock_system());
	pthread_mutex_lock(&notices->lock);
	if (was_just_said(notices, &n, n.unix_s)) {
		pthread_mutex_unlock(&notices->lock);
		empty(&n);
		return;
	}
	notices->last++;
	at = at_number(notices, notices->last);
	empty(at);
	*at = n;
	at->number = notices->last;
	pthread_mutex_unlock(&notices->lock);
	emr_worker_wake(&notices->worker);
	emr_log(EMR_LOG_WARN, "notice %s", id); /* without the path: it is a name */
}

static void set_quota(const emr_notices *notices, const char *path, emr_problem *out_problem)
{
	char used[EMR_COUNT_BYTES], limit[EMR_COUNT_BYTES];
	emr_quota q;

	if (notices->place == NULL || emr_quota_of(notices->place, &q) != EMR_OK) {
		emr_problem_set(out_problem, EMR_SAY_QUOTA_UNKNOWN, "path", path, NULL);
		return;
	}
	if (q.is_files) {
		emr_number_text(q.used, used);
		emr_count_text(q.limit, "file", "files", limit);
	} else {
		emr_size_text(q.used, used);
		emr_size_text(q.limit, limit);
	}
	emr_problem_set(
		out_problem, EMR_SAY_QUOTA, "path", path, "used", used, "limit", limit, NULL);
}

/* Says a fact that only this thread knows at this moment; false: N is of no such kind. */
static bool set_now(const emr_notices *notices, const notice *n, emr_problem *out_problem)
{
	if (n->message == EMR_SAY_QUOTA)
		set_quota(notices, n->path, out_problem);
	else if (n->message == EMR_SAY_NEWER_FORMAT) /* by how much */
		emr_problem_set(out_problem, n->message, "what", n->path, "path", n->path, NULL);
	else
		return false;
	return true;
}

void emr_notices_add(void *arg, const char *error_id, const char *path)
{
	notice n = {.path = strdup(path != NULL ? path : "")};
	emr_problem now = {0};

	if (n.path == NULL || !emr_message_find(error_id, &n.message)) {
		emr_log(EMR_LOG_WARN, "notice %s was lost", error_id);
	} else if (set_now(arg, &n, &now)) {
		emr_notices_add_problem(arg, &now, n.path);
	} else {
		add_notice(arg, n);
		return;
	}
	free(n.path);
}

void emr_notices_add_with(void *arg, const char *error_id, const char *path, const char *detail)
{
	notice n = {.path = strdup(path), .detail = strdup(detail)};

	if (n.path == NULL || n.detail == NULL || !emr_message_find(error_id, &n.message)) {
		emr_log(EMR_LOG_WARN, "notice %s was lost", error_id);
		empty(&n);
		return;
	}
	add_notice(arg, n);
}

/* Takes what N owns. */
static void add_said(emr_notices *notices, notice n, const emr_problem *problem, const char *path)
{
	n.message = problem->message;
	n.path = strdup(path);
	n.said = malloc(sizeof *n.said);
	if (n.path == NULL || n.said == NULL) {
		emr_log(EMR_LOG_WARN, "notice %s was lost", emr_message_get(problem->message)->id);
		empty(&n);
		return;
	}
	*n.said = *problem;
	add_notice(notices, n);
}

void emr_notices_add_problem(emr_notices *notices, const emr_problem *problem, const char *path)
{
	if (notices != NULL)
		add_said(notices, (notice){.waits_fd = -1}, problem, path);
}

void emr_notices_add_that(emr_notices *notices, const char *path, emr_message message, ...)
{
	emr_problem problem = {0};
	va_list arguments;

	va_start(arguments, message);
	emr_problem_set_list(&problem, message, arguments);
	va_end(arguments);
	emr_notices_add_problem(notices, &problem, path);
}

void emr_notices_add_request(emr_notices *notices, const emr_problem *problem, const char *path,
	emr_id16 id, const char *shown)
{
	const notice n = {.request = strdup(shown), .request_id = id, .waits_fd = -1};

	if (n.request == NULL)
		emr_log(EMR_LOG_WARN, "notice %s was lost", emr_message_get(problem->message)->id);
	else
		add_said(notices, n, problem, path);
}

static bool is_among(emr_id16 id, const emr_id16 *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (emr_id16_equal(list[i], id))
			return true;
	return false;
}

void emr_notices_answered(emr_notices *notices, const emr_id16 *open, size_t n)
{
	if (notices == NULL)
		return;
	pthread_mutex_lock(&notices->lock);
	for (uint64_t i = oldest(notices); i <= notices->last; i++) {
		notice *at = at_number(notices, i);

		if (at->request == NULL || at->is_answered || is_among(at->request_id, open, n))
			continue;
		at->is_answered = true;
		end_waiting(at);
	}
	pthread_mutex_unlock(&notices->lock);
}

const char *emr_notices_folder(const emr_notices *notices)
{
	return notices->folder != NULL ? notices->folder : "";
}

static emr_status append_line(const emr_notices *notices, const notice *n, emr_buf *out)
{
	emr_problem problem;
	char at[EMR_TEXT_BYTES], shown[EMR_PROBLEM_TEXT_BYTES];
	EMR_AUTO_FREE char *line = NULL;
	int len;

	fill_problem(n, place_of(notices), &problem);
	emr_time_json(n->unix_s, at);
	emr_show(n->path, shown, sizeof shown);
	len = asprintf(&line, "%s n-%llu %s %s %s: %s%s%s\n", at, (unsigned long long)n->number,
		emr_message_get(n->message)->level, emr_message_get(n->message)->id, shown,
		problem.text, problem.hint[0] != '\0' ? " " : "", problem.hint);
	if (len < 0) {
		line = NULL;
		return EMR_NO_MEMORY;
	}
	return emr_buf_append(out, line, (size_t)len);
}

emr_status emr_notices_text(emr_notices *notices, emr_buf *out)
{
	EMR_LOCKED(&notices->lock);

	for (uint64_t i = oldest(notices); i <= notices->last; i++)
		EMR_TRY(append_line(notices, at_number(notices, i), out));
	return EMR_OK;
}

json_t *emr_notices_errors(emr_notices *notices, const char *path, size_t max)
{
	json_auto_t *errors = json_array();
	size_t n = 0, room = ERRORS_BYTES;
	EMR_LOCKED(&notices->lock);

	for (uint64_t i = notices->last; errors != NULL && i >= oldest(notices) && n < max; i--) {
		size_t len = 3 * strlen(at_number(notices, i)->path) +
			     500; /* in path, message and hint */

		if (strcmp(emr_message_get(at_number(notices, i)->message)->level, "info") == 0 ||
			(path != NULL && strcmp(at_number(notices, i)->path, path) != 0))
			continue;
		if (len > room)
			break;
		room -= len;
		n++;
		if (json_array_insert_new(errors, 0, notice_json(notices, at_number(notices, i))) !=
			0)
			return NULL;
	}
	return json_incref(errors);
}
