/* This file asks the person at the terminal, and shows pages (the 24 words) that leave nothing
 * on the screen behind. */
#include "kit/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "base/file.h"
#include "kit/language.h"

#define ANSWERS_MAX 5
#define COLUMNS_USUAL 80
#define DIALOG_TEXT_MAX 60000 /* a pipe holds 64 KiB */
/* ECMA-48 and xterm: second screen, home, erase; and back.  Terminals that do not know the second
 * screen still erase what they show, and their lines above it (3J). */
#define PAGE_BEGIN "\033[?1049h\033[H\033[2J"
#define PAGE_END "\033[H\033[2J\033[3J\033[?1049l"

extern char **environ;

static bool has_asked;

/* Sentences that were said and stand in no window yet are kept here, and shown while somebody has
 * to wait. */
static char *said_text;
static size_t said_len;
static FILE *said;
static int busy_fd = -1;
static pid_t busy_pid;

static int terminal_open(void)
{
	return open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
}

/* ---- windows instead ---- */

static const char *dialog_program(void)
{
	const char *program = getenv("EMRFS_DIALOG");

	return program != NULL && program[0] != '\0' ? program : NULL;
}

/* TEXT is in the pipe before anybody reads it: it never fills one.  Neither a file nor an argument
 * has it.  The writing end goes to *OUT_FD, and is closed where that is NULL. */
static emr_status start_dialog(
	const char *kind, const char *text, int answer_fd, pid_t *out_pid, int *out_fd)
{
	EMR_AUTO_FREE char *program = strdup(dialog_program()), *what = strdup(kind);
	char *argv[] = {program, what, NULL};
	posix_spawn_file_actions_t actions;
	size_t len = strlen(text);
	emr_status status = EMR_IO;
	int ends[2];

	if (program == NULL || what == NULL || pipe2(ends, O_CLOEXEC) != 0)
		return EMR_NO_MEMORY;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, ends[0], STDIN_FILENO);
	if (answer_fd >= 0)
		posix_spawn_file_actions_adddup2(&actions, answer_fd, STDOUT_FILENO);
	if (len <= DIALOG_TEXT_MAX && write(ends[1], text, len) == (ssize_t)len &&
		posix_spawnp(out_pid, program, &actions, NULL, argv, environ) == 0)
		status = EMR_OK;
	posix_spawn_file_actions_destroy(&actions);
	close(ends[0]);
	if (status == EMR_OK && out_fd != NULL)
		*out_fd = ends[1];
	else
		close(ends[1]);
	return status;
}

static emr_status read_line(int fd, char *out, size_t size);

/* The first line that the program prints goes to OUT.  EMR_INTERRUPTED: its window was closed. */
static emr_status ask_dialog(const char *kind, const char *text, char *out, size_t size)
{
	int ends[2], ended = -1;
	pid_t pid = 0;
	emr_status status;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return EMR_IO;
	status = start_dialog(kind, text, ends[1], &pid, NULL);
	close(ends[1]);
	if (status == EMR_OK && read_line(ends[0], out, size) != EMR_OK)
		out[0] = '\0'; /* an empty answer is one, if the program says so */
	close(ends[0]);
	while (status == EMR_OK && waitpid(pid, &ended, 0) < 0 && errno == EINTR)
		;
	if (status == EMR_OK && (!WIFEXITED(ended) || WEXITSTATUS(ended) != 0))
		status = EMR_INTERRUPTED;
	return status;
}

bool emr_terminal_there(void)
{
	EMR_AUTO_FD fd = dialog_program() == NULL ? terminal_open() : -1;

	return fd >= 0 || dialog_program() != NULL;
}

bool emr_terminal_asks(bool none)
{
	return !none && emr_terminal_there();
}

bool emr_terminal_is_dialog(void)
{
	return dialog_program() != NULL;
}

FILE *emr_terminal_gather(void)
{
	if (said == NULL && dialog_program() != NULL)
		said = open_memstream(&said_text, &said_len);
	return said != NULL ? said : stdout;
}

/* Owned by the caller; NULL: nothing was said. */
static char *take_said(void)
{
	char *text = NULL;

	if (said == NULL)
		return NULL;
	(void)fclose(said);
	said = NULL;
	if (said_len > 0)
		text = said_text;
	else
		free(said_text);
	said_text = NULL;
	return text;
}

void emr_terminal_print_gathered(void)
{
	EMR_AUTO_FREE char *text = take_said();

	if (text != NULL)
		fputs(text, stdout);
}

/* Bytes of QUESTION before its "(yes or no)?", which a window has buttons for; all, where no
 * bracket is before the last character, or it is of one word and says what a no means. */
static size_t without_answers(const char *question)
{
	const char *bracket = strrchr(question, '('), *end = strrchr(question, ')');

	return bracket > question && end > bracket && strlen(end) == 2 &&
			       memchr(bracket, ' ', (size_t)(end - bracket)) != NULL
		       ? (size_t)(bracket - 1 - question)
		       : strlen(question);
}

/* The sentences that were said stand in the same window, above the question, so that nobody agrees
 * to something unseen. */
static emr_status ask_yes_in_window(const char *question, bool *out_is_yes)
{
	EMR_AUTO_FREE char *above = take_said();
	EMR_AUTO_FREE char *text = NULL;
	char answer[16];
	emr_status status = EMR_NO_MEMORY;

	size_t len = without_answers(question);
	bool is_asked = memchr(question, '?', len) != NULL; /* and a sentence followed */
	const char *end = is_asked ? "." : question + strlen(question) - 1;

	if (asprintf(&text, "%s%s%.*s%s\n", above != NULL ? above : "", above != NULL ? "\n" : "",
		    (int)len, question, question[len] == '\0' ? "" : end) < 0)
		text = NULL;
	if (text != NULL)
		status = ask_dialog("yes", text, answer, sizeof answer);
	*out_is_yes = status == EMR_OK && strcmp(answer, "yes") == 0;
	return status != EMR_OK || *out_is_yes || strcmp(answer, "no") == 0 ? status
									    : EMR_INTERRUPTED;
}

static emr_status ask_in_window(const char *kind, const char *question, char *out, size_t size)
{
	EMR_AUTO_FREE char *above = take_said();
	char line[8];

	if (above != NULL)
		(void)!ask_dialog("say", above, line, sizeof line);
	return ask_dialog(kind, question, out, size);
}

/* A line of zenity --progress: what follows "# " is shown. */
void emr_terminal_busy(const char *text)
{
	char line[1100];
	int len = snprintf(line, sizeof line, "# %.1000s\n", text);

	if (busy_fd >= 0)
		(void)!write(busy_fd, line, (size_t)len);
	else
		(void)!start_dialog("busy", line, -1, &busy_pid, &busy_fd);
}

void emr_terminal_busy_end(void)
{
	if (busy_fd < 0)
		return;
	close(busy_fd);
	busy_fd = -1;
	while (waitpid(busy_pid, NULL, 0) < 0 && errno == EINTR)
		;
}

static emr_status read_line(int fd, char *out, size_t size)
{
	size_t len = 0;

	for (;;) {
		char letter;
		ssize_t n = read(fd, &letter, 1);

		if (n < 0)
			return errno == EINTR ? EMR_INTERRUPTED : EMR_IO;
		if (n == 0 && len == 0)
			return EMR_INTERRUPTED;
		if (n == 0 || letter == '\n')
			break;
		if (len + 1 < size)
			out[len++] = letter;
	}
	out[len] = '\0';
	return EMR_OK;
}

emr_status emr_terminal_ask(const char *question, char *out, size_t size)
{
	EMR_AUTO_FD fd = -1;

	if (dialog_program() != NULL)
		return ask_in_window("ask", emr_text(question), out, size);
	fd = terminal_open();
	if (fd < 0)
		return EMR_NOT_FOUND;
	has_asked = true;
	dprintf(fd, "%s ", emr_text(question));
	return read_line(fd, out, size);
}

/* Whether ANSWER is one of WORDS, which have a blank in front of each and behind the last. */
static bool is_one_of(const char *answer, const char *words)
{
	char word[32];
	int n = snprintf(word, sizeof word, " %s ", answer);

	return answer[0] != '\0' && strchr(answer, ' ') == NULL && n < (int)sizeof word &&
	       strcasestr(words, word) != NULL;
}

/* In English and in the language of the question: the fingers know one of them. */
bool emr_terminal_is_yes(const char *answer)
{
	/* TRANSLATORS: every answer that means yes, each between blanks. */
	return is_one_of(answer, " yes y ") ||
	       is_one_of(answer, emr_text_as("answers that mean yes", " yes y "));
}

bool emr_terminal_is_no(const char *answer)
{
	/* TRANSLATORS: every answer that means no, each between blanks. */
	return is_one_of(answer, " no n ") ||
	       is_one_of(answer, emr_text_as("answers that mean no", " no n "));
}

emr_status emr_terminal_ask_yes(const char *question, bool *out_is_yes)
{
	char answer[16];

	*out_is_yes = false;
	if (dialog_program() != NULL)
		return ask_yes_in_window(emr_text(question), out_is_yes);
	for (int i = 0; i < ANSWERS_MAX; i++) {
		EMR_TRY(emr_terminal_ask(question, answer, sizeof answer));
		*out_is_yes = emr_terminal_is_yes(answer);
		if (*out_is_yes || emr_terminal_is_no(answer))
			return EMR_OK;
		question = N_("Please type yes or no:");
	}
	return EMR_INTERRUPTED;
}

static bool was_refused;

bool emr_terminal_says_yes(const char *question)
{
	bool is_yes;
	const emr_status status = emr_terminal_ask_yes(question, &is_yes);

	was_refused = status == EMR_OK && !is_yes;
	return status == EMR_OK && is_yes;
}

bool emr_terminal_said_no(void)
{
	return was_refused;
}

/* ---- pages ---- */

static volatile sig_atomic_t page_fd = -1;

static void take_page_away(int fd)
{
	ssize_t ignored = write(fd, PAGE_END, sizeof PAGE_END - 1);

	(void)ignored; /* there is nobody left to tell */
}

static void take_page_away_and_die(int number)
{
	if (page_fd >= 0)
		take_page_away((int)page_fd);
	signal(number, SIG_DFL);
	raise(number);
}

static const int ending_signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
#define ENDING_SIGNALS (sizeof ending_signals / sizeof *ending_signals)

emr_status emr_terminal_show_page(const char *text)
{
	EMR_AUTO_FD fd = -1;
	struct sigaction old[ENDING_SIGNALS];
	struct sigaction clear = {.sa_handler = take_page_away_and_die};
	struct sigaction stay = {
		.sa_handler = SIG_IGN}; /* stopped, it would leave the page there */
	struct sigaction stop;
	char line[8];
	emr_status status;

	if (dialog_program() != NULL)
		return ask_dialog("page", text, line, sizeof line);
	fd = terminal_open();
	if (fd < 0)
		return EMR_NOT_FOUND;
	has_asked = true;
	page_fd = fd;
	for (size_t i = 0; i < ENDING_SIGNALS; i++)
		sigaction(ending_signals[i], &clear, &old[i]);
	sigaction(SIGTSTP, &stay, &stop);
	/* Not by dprintf: the text stays in the memory that its owner locks and wipes. */
	status = write(fd, PAGE_BEGIN, sizeof PAGE_BEGIN - 1) > 0 &&
				 write(fd, text, strlen(text)) == (ssize_t)strlen(text)
			 ? EMR_OK
			 : EMR_IO;
	if (status == EMR_OK)
		status = read_line(fd, line, sizeof line);
	take_page_away(fd);
	for (size_t i = 0; i < ENDING_SIGNALS; i++)
		sigaction(ending_signals[i], &old[i], NULL);
	sigaction(SIGTSTP, &stop, NULL);
	page_fd = -1;
	return status;
}

void emr_terminal_say(const emr_problem *problem)
{
	EMR_AUTO_FD fd = -1;
	char text[sizeof problem->text + sizeof problem->hint + 4], line[8];

	if (dialog_program() != NULL) {
		snprintf(text, sizeof text, "%s%s%s\n", problem->text,
			problem->hint[0] != '\0' ? "\n" : "", problem->hint);
		(void)!ask_dialog("say", text, line, sizeof line);
		return;
	}
	fd = terminal_open();

	if (fd >= 0)
		dprintf(fd, "%s%s%s\n", problem->text, problem->hint[0] != '\0' ? "  " : "",
			problem->hint);
}

void emr_terminal_drop_typed(void)
{
	EMR_AUTO_FD fd = has_asked ? terminal_open() : -1;

	if (fd >= 0)
		(void)tcflush(fd, TCIFLUSH);
}

unsigned emr_terminal_columns(void)
{
	struct winsize size;

	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col
									       : COLUMNS_USUAL;
}
