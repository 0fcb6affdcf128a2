/* This is the helper program `notify`: it reads one notice as JSON from standard input and shows
 * it on the desktop. emrfs starts it for each notice unless the setting `notify` names another
 * program. A notice about a request has a button, which opens the window that asks for the
 * answer; for that a process stays behind. */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kit/language.h"

#include "tell.h"

typedef struct shown {
	const char *title;
	char text[4096];
	tell_urgency urgency;
	const char *request; /* its id; NULL: nothing is to be answered */
	int done_fd;	     /* hears that it is shown; -1 */
	int ends_fd;	     /* ends when it is answered, wherever, or the folder is closed; -1 */
} shown;

static tell_urgency urgency_of(const char *level)
{
	return strcmp(level, "info") == 0    ? TELL_LOW
	       : strcmp(level, "error") == 0 ? TELL_CRITICAL
					     : TELL_NORMAL;
}

/* Digits and letters: it becomes an argument. */
static int is_id(const char *text)
{
	return text != NULL && strncmp(text, "r-", 2) == 0 && strlen(text) < 64 &&
	       text[strspn(text, "-0123456789abcdefghijklmnopqrstuvwxyz"
				 "ABCDEFGHIJKLMNOPQRSTUVWXYZ")] == '\0';
}

/* The program that asks lies beside this program. It shows what a yes would open before it takes
 * one. */
static int open_answer(const char *request)
{
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof path - sizeof "/action");
	char *slash;

	if (n <= 0)
		return EXIT_FAILURE;
	path[n] = '\0';
	slash = strrchr(path, '/');
	strcpy(slash, "/action");
	execl(path, path, "requests", request, (char *)NULL);
	fprintf(stderr, "notify: %s: %s\n", path, strerror(errno));
	return EXIT_FAILURE;
}

static void say_shown(void *arg)
{
	const shown *s = arg;

	if (s->done_fd >= 0)
		(void)!write(s->done_fd, "s", 1);
}

static int show(const shown *s)
{
	sd_bus *bus = NULL;
	int r = sd_bus_open_user(&bus), is_pressed = 0;

	if (r >= 0 && s->request == NULL)
		r = tell_show(bus, s->title, s->text, s->urgency);
	else if (r >= 0)
		r = tell_ask(bus,
			&(tell_question){.title = s->title,
				.text = s->text,
				.urgency = s->urgency,
				.button = _("Answer ..."),
				.ends_fd = s->ends_fd,
				.is_shown = say_shown,
				.arg = (void *)(uintptr_t)s},
			&is_pressed);
	sd_bus_flush_close_unref(bus);
	if (r < 0)
		fprintf(stderr, "notify: %s\n", strerror(-r));
	if (r >= 0 && is_pressed)
		return open_answer(s->request);
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* The mount waits for this process only until the notice is shown. */
static int show_and_stay(shown *s)
{
	int ends[2];
	char letter;
	pid_t pid;
	ssize_t n;

	if (pipe(ends) != 0 || (pid = fork()) < 0)
		return EXIT_FAILURE;
	if (pid == 0) {
		close(ends[0]);
		setsid();
		s->done_fd = ends[1];
		_exit(show(s));
	}
	close(ends[1]);
	while ((n = read(ends[0], &letter, 1)) < 0 && errno == EINTR)
		;
	return n == 1 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* Returns the pipe that ends with the request; -1: the caller that started this has none. The
 * program behind the button has no use of it. */
static int ends_fd_of(const json_t *notice)
{
	const json_t *number = json_object_get(notice, "ends_fd");
	json_int_t fd = json_integer_value(number);
	struct stat st;

	if (!json_is_integer(number) || fd <= STDERR_FILENO || fd > INT_MAX ||
		fstat((int)fd, &st) != 0 || !S_ISFIFO(st.st_mode) ||
		fcntl((int)fd, F_SETFD, FD_CLOEXEC) != 0)
		return -1;
	return (int)fd;
}

static int show_notice(json_t *notice)
{
	const char *message, *hint, *level;
	shown s = {.title = _("Medical records"), .done_fd = -1, .ends_fd = ends_fd_of(notice)};

	if (json_unpack(notice, "{s:s, s:s, s:s}", "message", &message, "hint", &hint, "level",
		    &level) != 0) {
		fputs("notify: this is no notice\n", stderr);
		return EXIT_FAILURE;
	}
	s.request = json_string_value(json_object_get(notice, "request"));
	s.request = is_id(s.request) ? s.request : NULL;
	s.urgency = urgency_of(level);
	/* Where there is a button, it says what to do. */
	if (s.request != NULL)
		hint = "";
	snprintf(s.text, sizeof s.text, "%s%s%s", message, hint[0] != '\0' ? "\n" : "", hint);
	return s.request != NULL ? show_and_stay(&s) : show(&s);
}

int main(void)
{
	json_t *notice = json_loadf(stdin, 0, NULL);
	int code;

	emr_language_begin();
	signal(SIGPIPE, SIG_IGN);
	code = show_notice(notice);
	json_decref(notice);
	return code;
}
