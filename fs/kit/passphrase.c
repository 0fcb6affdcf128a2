/* This file gets a passphrase from a file, a program, systemd or the terminal, and leaves it
 * nowhere. A new one has to resist guessing. It refuses a file that others can read. */
#include "kit/passphrase.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sodium.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "base/file.h"
#include "keyring/keyring.h"
#include "kit/language.h"
#include "kit/terminal.h"
#include "kit_private.h"

#define TRIES 5
#define BUFFER_BYTES (EMR_PASSPHRASE_MAX + 2) /* a newline and one byte too many */

extern char **environ;

void emr_passphrase_free(emr_passphrase *passphrase)
{
	if (passphrase->data != NULL)
		sodium_free(passphrase->data); /* wipes */
	*passphrase = (emr_passphrase){0};
}

/* sodium_malloc: guard pages, mlock, MADV_DONTDUMP.  A refused mlock shows in `emrfs check`. */
emr_status emr_passphrase_new(emr_passphrase *out)
{
	if (sodium_init() < 0)
		return EMR_NO_MEMORY;
	*out = (emr_passphrase){.data = sodium_malloc(BUFFER_BYTES)};
	return out->data != NULL ? EMR_OK : EMR_NO_MEMORY;
}

/* Up to the end or, with ONE_LINE, the first newline.  EMR_LIMIT when it does not fit. */
static emr_status read_into(int fd, bool one_line, emr_passphrase *out)
{
	for (;;) {
		size_t room = BUFFER_BYTES - out->len;
		ssize_t n;

		if (room == 0)
			return EMR_LIMIT;
		n = read(fd, out->data + out->len, one_line ? 1 : room);
		if (n < 0 && errno == EINTR)
			return EMR_INTERRUPTED;
		if (n < 0)
			return emr_status_from_errno(errno);
		if (n == 0)
			return EMR_OK;
		out->len += (size_t)n;
		if (one_line && out->data[out->len - 1] == '\n')
			return EMR_OK;
	}
}

static emr_status check_length(emr_passphrase *passphrase, emr_problem *out_problem)
{
	if (passphrase->len > 0 && passphrase->data[passphrase->len - 1] == '\n')
		passphrase->len--;
	if (passphrase->len >= 1 && passphrase->len <= EMR_PASSPHRASE_MAX)
		return EMR_OK;
	return EMR_PROBLEM(EMR_INVALID, out_problem, EMR_SAY_PASSPHRASE_EMPTY, NULL);
}

static void give(emr_passphrase *from, emr_passphrase *out)
{
	*out = *from;
	*from = (emr_passphrase){0};
}

emr_status emr_passphrase_read_file(
	const char *file, emr_passphrase *out_passphrase, emr_problem *out_problem)
{
	EMR_AUTO_FD fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	EMR_AUTO_PASSPHRASE found = {0};
	struct stat st;
	emr_status status;

	if (fd < 0 || fstat(fd, &st) != 0) {
		int error = errno;

		emr_problem_set(out_problem, EMR_SAY_PASSPHRASE_FILE, "file", file, "cause",
			emr_text_errno(error), NULL);
		return emr_status_from_errno(error);
	}
	/* A pipe (process substitution) has no rights worth looking at: only this user's processes
	 * hold it. */
	if (!S_ISFIFO(st.st_mode) &&
		(st.st_uid != geteuid() || (st.st_mode & (S_IRWXG | S_IRWXO)) != 0))
		return EMR_PROBLEM(EMR_EXPOSED, out_problem, EMR_SAY_EXPOSED, "file", file, NULL);
	status = emr_passphrase_new(&found);
	if (status == EMR_OK)
		status = read_into(fd, false, &found);
	if (status != EMR_OK && status != EMR_LIMIT) {
		emr_problem_set(out_problem, EMR_SAY_PASSPHRASE_FILE, "file", file, "cause",
			emr_text(emr_status_text(status)), NULL);
		return status;
	}
	EMR_TRY(check_length(&found, out_problem));
	give(&found, out_passphrase);
	return EMR_OK;
}

/* Runs PROGRAM with QUESTION as its argument; its first line is the answer. */
static emr_status ask_program(const char *program, const char *question, emr_passphrase *out)
{
	/* The question as it always was, which a program may look for, and as people read it. */
	EMR_AUTO_FREE char *name = strdup(program), *look = strdup(question),
			   *text = strdup(emr_text(question));
	char *argv[] = {name, look, text, NULL};
	posix_spawn_file_actions_t actions;
	emr_status status = EMR_IO;
	int ends[2], exit_status = 0;
	pid_t pid = 0;

	if (name == NULL || look == NULL || text == NULL || pipe2(ends, O_CLOEXEC) != 0)
		return EMR_NO_MEMORY;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
	if (posix_spawnp(&pid, program, &actions, NULL, argv, environ) != 0)
		pid = 0;
	close(ends[1]);
	if (pid != 0) {
		status = read_into(ends[0], true, out);
		close(ends[0]);
		while (waitpid(pid, &exit_status, 0) < 0 && errno == EINTR)
			;
		if (status == EMR_OK && (!WIFEXITED(exit_status) || WEXITSTATUS(exit_status) != 0))
			status = EMR_IO;
	} else {
		close(ends[0]);
	}
	posix_spawn_file_actions_destroy(&actions);
	return status;
}

/* The terminal as it was, should a signal end the program while echo is off. */
static struct termios saved_terminal;
static volatile sig_atomic_t saved_fd = -1;

static void restore_and_die(int number)
{
	if (saved_fd >= 0)
		tcsetattr((int)saved_fd, TCSANOW, &saved_terminal);
	signal(number, SIG_DFL);
	raise(number);
}

static const int ending_signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
#define ENDING_SIGNALS (sizeof ending_signals / sizeof *ending_signals)

static emr_status ask_terminal(const char *question, emr_passphrase *out)
{
	EMR_AUTO_FD fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	struct sigaction old[ENDING_SIGNALS];
	struct sigaction restore = {.sa_handler = restore_and_die};
	struct termios silent;
	emr_status status;

	if (fd < 0 || tcgetattr(fd, &saved_terminal) != 0)
		return EMR_NOT_FOUND;
	saved_fd = fd;
	for (size_t i = 0; i < ENDING_SIGNALS; i++)
		sigaction(ending_signals[i], &restore, &old[i]);
	silent = saved_terminal;
	silent.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK);
	silent.c_lflag |= ICANON | ECHONL | ISIG;
	/* First silent, then the question: whoever types at once is not echoed. */
	status = tcsetattr(fd, TCSAFLUSH, &silent) == 0 ? EMR_OK : EMR_IO;
	dprintf(fd, "%s: ", emr_text(question));
	if (status == EMR_OK)
		status = read_into(fd, true, out);
	tcsetattr(fd, TCSAFLUSH, &saved_terminal);
	for (size_t i = 0; i < ENDING_SIGNALS; i++)
		sigaction(ending_signals[i], &old[i], NULL);
	saved_fd = -1;
	return status;
}

static emr_status ask(
	const char *program, const char *question, emr_passphrase *out, emr_problem *out_problem)
{
	emr_status status = emr_passphrase_new(out);

	if (status == EMR_OK)
		status = program != NULL ? ask_program(program, question, out)
					 : ask_terminal(question, out);
	if (status == EMR_OK || status == EMR_LIMIT)
		return check_length(out, out_problem);
	if (status == EMR_NOT_FOUND && program == NULL) {
		emr_problem_set(out_problem, EMR_SAY_NO_PASSPHRASE, NULL);
	} else if (program != NULL && emr_terminal_is_dialog()) { /* its window was closed */
		status = EMR_INTERRUPTED;
		emr_problem_set_status(out_problem, status, NULL);
	} else if (program != NULL)
		emr_problem_set(out_problem, EMR_SAY_PASSPHRASE_FILE, "file", program, "cause",
			_("the program failed"), NULL);
	else
		emr_problem_set_status(out_problem, status, _("the passphrase"));
	return status;
}

static void say_weak(double bits, emr_problem *out_problem)
{
	static const char *const thousands[] = {
		"", N_(" thousand"), N_(" million"), N_(" billion")};
	size_t power = 0;
	/* BITS are fewer than EMR_PASSPHRASE_BITS_MIN; of very few the number says nothing. */
	double guesses = (double)(UINT64_C(1) << (unsigned)(bits < 4 ? 4 : bits));
	char n[40];

	while (guesses >= 1000 && power + 1 < sizeof thousands / sizeof *thousands) {
		guesses /= 1000;
		power++;
	}
	snprintf(n, sizeof n, "%.0f%s", guesses, emr_text(thousands[power]));
	emr_problem_set(out_problem, EMR_SAY_PASSPHRASE_WEAK, "n", n, NULL);
}

/* A new one has to resist, wherever it comes from. */
static emr_status check_strength(const emr_passphrase *passphrase, emr_problem *out_problem)
{
	double bits = 0;
	emr_status status = emr_passphrase_bits(emr_passphrase_view(passphrase), &bits);

	if (status != EMR_OK)
		return EMR_PROBLEM_STATUS(out_problem, status, _("The new passphrase"));
	if (bits >= EMR_PASSPHRASE_BITS_MIN)
		return EMR_OK;
	say_weak(bits, out_problem);
	return EMR_INVALID;
}

static emr_status read_new_file(
	const char *file, emr_passphrase *out_passphrase, emr_problem *out_problem)
{
	EMR_AUTO_PASSPHRASE found = {0};

	EMR_TRY(emr_passphrase_read_file(file, &found, out_problem));
	EMR_TRY(check_strength(&found, out_problem));
	give(&found, out_passphrase);
	return EMR_OK;
}

static emr_status ask_once_or_twice(
	const char *program, bool is_new, emr_passphrase *out_passphrase, emr_problem *out_problem)
{
	EMR_AUTO_PASSPHRASE first = {0};
	EMR_AUTO_PASSPHRASE second = {0};

	EMR_TRY(ask(
		program, is_new ? N_("New passphrase") : N_("Passphrase"), &first, out_problem));
	if (is_new)
		EMR_TRY(check_strength(&first, out_problem));
	if (is_new) {
		EMR_TRY(ask(program, N_("The same again"), &second, out_problem));
		if ((first.len != second.len ||
			    sodium_memcmp(first.data, second.data, first.len) != 0))
			return EMR_PROBLEM(
				EMR_INVALID, out_problem, EMR_SAY_PASSPHRASE_DIFFERS, NULL);
	}
	give(&first, out_passphrase);
	return EMR_OK;
}

/* A person who slips at the terminal or in a window is told, and asked again. */
static emr_status ask_until_good(
	const char *program, bool is_new, emr_passphrase *out_passphrase, emr_problem *out_problem)
{
	emr_status status = EMR_INVALID;

	for (int i = 0; i < TRIES && status == EMR_INVALID; i++) {
		if (i > 0)
			emr_terminal_say(out_problem);
		*out_problem = (emr_problem){0};
		status = ask_once_or_twice(program, is_new, out_passphrase, out_problem);
	}
	return status;
}

/* Where systemd put it for this unit; NULL: it did not.  The caller frees it. */
static char *find_credential(void)
{
	const char *credentials = getenv("CREDENTIALS_DIRECTORY");
	char *credential = NULL;

	if (credentials == NULL || asprintf(&credential, "%s/emrfs.passphrase", credentials) < 0)
		return NULL;
	if (access(credential, F_OK) == 0)
		return credential;
	free(credential);
	return NULL;
}

bool emr_passphrase_is_asked(const char *file)
{
	const char *program = getenv("EMRFS_ASKPASS");
	EMR_AUTO_FREE char *credential = find_credential();

	if (file != NULL || credential != NULL)
		return false;
	return program == NULL || program[0] == '\0' || emr_terminal_is_dialog();
}

emr_status emr_passphrase_get(
	const char *file, bool is_new, emr_passphrase *out_passphrase, emr_problem *out_problem)
{
	const char *program = getenv("EMRFS_ASKPASS");
	EMR_AUTO_FREE char *credential = find_credential();

	if (file != NULL)
		return is_new ? read_new_file(file, out_passphrase, out_problem)
			      : emr_passphrase_read_file(file, out_passphrase, out_problem);
	if (program != NULL && program[0] != '\0')
		return emr_terminal_is_dialog()
			       ? ask_until_good(program, is_new, out_passphrase, out_problem)
			       : ask_once_or_twice(program, is_new, out_passphrase, out_problem);
	if (credential != NULL)
		return is_new ? read_new_file(credential, out_passphrase, out_problem)
			      : emr_passphrase_read_file(credential, out_passphrase, out_problem);
	return ask_until_good(NULL, is_new, out_passphrase, out_problem);
}

emr_status emr_passphrase_get_replacement(
	const char *file, emr_passphrase *out_passphrase, emr_problem *out_problem)
{
	const char *program = getenv("EMRFS_ASKPASS");

	if (file != NULL)
		return read_new_file(file, out_passphrase, out_problem);
	if (program != NULL && program[0] != '\0')
		return ask_once_or_twice(program, true, out_passphrase, out_problem);
	return ask_until_good(NULL, true, out_passphrase, out_problem);
}

emr_status emr_passphrase_get_secret(const char *file, const char *question,
	emr_passphrase *out_passphrase, emr_problem *out_problem)
{
	const char *program = getenv("EMRFS_ASKPASS");

	return file != NULL ? emr_passphrase_read_file(file, out_passphrase, out_problem)
			    : ask(program != NULL && program[0] != '\0' ? program : NULL, question,
				      out_passphrase, out_problem);
}
