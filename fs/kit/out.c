/* This file prints what a verb says: text for people, or with --json exactly one object, and the
 * line of progress on a terminal. */
#include "kit/out.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "kit/language.h"
#include "kit/terminal.h"

/* It says something and goes on, so that what it says cannot wait for its end. */
static bool stays(emr_verb verb)
{
	return verb == EMR_VERB_MOUNT || verb == EMR_VERB_AGENT || verb == EMR_VERB_HOST;
}

emr_status emr_out_begin(const emr_args *args, emr_out *out)
{
	*out = (emr_out){.verb = args->verb,
		.is_json = args->given[EMR_OPT_JSON],
		.is_quiet = args->given[EMR_OPT_QUIET],
		.is_in_windows = emr_terminal_is_dialog() && !stays(args->verb),
		.fields = json_object()};
	return out->fields != NULL ? EMR_OK : EMR_NO_MEMORY;
}

void emr_say(emr_out *out, const char *format, ...)
{
	va_list arguments;

	if (out->is_json || out->is_quiet)
		return;
	emr_progress_end(out);
	va_start(arguments, format);
	emr_hint_vprint(out->to != NULL	     ? out->to
			: out->is_in_windows ? emr_terminal_gather()
					     : stdout,
		format, arguments);
	va_end(arguments);
}

void emr_say_to_open(emr_out *out)
{
	if (!out->is_in_windows)
		emr_say(out, "Open your folder: emrfs mount\n");
}

static void print_problem(const emr_out *out, const emr_problem *problem)
{
	FILE *to = out->is_in_windows ? emr_terminal_gather() : stderr;
	const bool is_no = emr_message_get(problem->message)->exit == EMR_EXIT_NEEDS_YES &&
			   emr_terminal_said_no();
	const char *hint = is_no ? "" : problem->hint; /* how to say yes: a no was an answer */

	fflush(stdout);
	if (out->is_in_windows)
		fprintf(to, "%s%s%s\n", problem->text, hint[0] != '\0' ? "\n" : "", hint);
	else
		fprintf(to, "emrfs: %s%s%s\n", problem->text, hint[0] != '\0' ? "  " : "", hint);
}

void emr_remark(emr_out *out, const emr_problem *problem)
{
	if (out->is_json || out->is_quiet || out->remarks_left == 1)
		return;
	out->remarks_left -= out->remarks_left > 0;
	emr_progress_end(out);
	print_problem(out, problem);
}

void emr_remark_that(emr_out *out, emr_message message, ...)
{
	emr_problem problem = {0};
	va_list arguments;

	va_start(arguments, message);
	emr_problem_set_list(&problem, message, arguments);
	va_end(arguments);
	emr_remark(out, &problem);
}

/* ---- progress ---- */

#define DRAW_EVERY_NS INT64_C(100000000)
#define COLUMNS_USUAL 80
#define LINE_BYTES 1024

static const char erase_line[] = "\r\033[K";
static const int ending_signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
#define ENDING_SIGNALS (sizeof ending_signals / sizeof *ending_signals)

/* Only what is safe in a handler. */
static void erase_and_die(int number)
{
	ssize_t n = write(STDERR_FILENO, erase_line, sizeof erase_line - 1);

	(void)n; /* the program ends in any case */
	signal(number, SIG_DFL);
	raise(number);
}

/* FROM as it is now, if it is that, becomes TO: what others have set stays. */
static void swap_handlers(void (*from)(int), void (*to)(int))
{
	struct sigaction now, wanted = {.sa_handler = to};

	for (size_t i = 0; i < ENDING_SIGNALS; i++) {
		if (sigaction(ending_signals[i], NULL, &now) == 0 && now.sa_handler == from)
			sigaction(ending_signals[i], &wanted, NULL);
	}
}

static bool may_draw(const emr_out *out)
{
	const char *terminal = getenv("TERM");

	if (out->is_json || out->is_quiet || out->is_in_windows)
		return out->is_in_windows && !out->is_json && !out->is_quiet;
	return isatty(STDERR_FILENO) && (terminal == NULL || strcmp(terminal, "dumb") != 0);
}

/* The last column stays free: some terminals wrap when it is filled. */
static void draw(emr_out *out, const char *text)
{
	struct winsize terminal = {.ws_col = 0};
	char line[LINE_BYTES];
	size_t columns = COLUMNS_USUAL;

	if (out->is_in_windows) {
		emr_terminal_busy(text);
		out->progress_shown = true;
		return;
	}
	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &terminal) == 0 && terminal.ws_col > 0)
		columns = terminal.ws_col;
	emr_progress_fit(text, columns - 1, line, sizeof line);
	if (!out->progress_shown)
		swap_handlers(SIG_DFL, erase_and_die);
	fflush(stdout);
	fprintf(stderr, "\r%s\033[K", line);
	fflush(stderr);
	out->progress_shown = true;
}

void emr_progress(emr_out *out, const char *format, ...)
{
	char text[LINE_BYTES];
	va_list arguments;

	if (!may_draw(out))
		return;
	va_start(arguments, format);
	vsnprintf(text, sizeof text, emr_text(format), arguments);
	va_end(arguments);
	draw(out, text);
}

void emr_progress_of(
	emr_out *out, const char *doing, emr_progress_unit unit, uint64_t done, uint64_t total)
{
	emr_progress_at at = {.doing = doing, .unit = unit, .done = done, .total = total};
	int64_t now_ns = emr_clock_boot_ns(emr_clock_system());
	char text[LINE_BYTES];

	if (!may_draw(out))
		return;
	if (out->doing != doing) {
		out->doing = doing;
		out->pace = (emr_pace){0};
	} else if (out->drawn_ns != 0 && now_ns - out->drawn_ns < DRAW_EVERY_NS) {
		return;
	}
	out->drawn_ns = now_ns;
	at.per_second = emr_pace_note(&out->pace, now_ns, done);
	emr_progress_text(&at, text, sizeof text);
	draw(out, text);
}

void emr_progress_end(emr_out *out)
{
	if (!out->progress_shown)
		return;
	if (out->is_in_windows) {
		emr_terminal_busy_end();
		out->progress_shown = false;
		return;
	}
	fputs(erase_line, stderr);
	fflush(stderr);
	swap_handlers(erase_and_die, SIG_DFL);
	out->progress_shown = false;
}

/* ---- fields ---- */

void emr_out_put(emr_out *out, const char *name, json_t *value)
{
	/* A field that could not be put shows as a missing object at the end. */
	if (out->fields == NULL || json_object_set_new(out->fields, name, value) == 0)
		return;
	json_decref(out->fields);
	out->fields = NULL;
}

json_t *emr_json_text(const char *text)
{
	char shown[4096];
	json_t *value = json_string(text);

	if (value != NULL)
		return value;
	emr_show(text, shown, sizeof shown);
	return json_string(shown);
}

void emr_out_text(emr_out *out, const char *name, const char *text)
{
	emr_out_put(out, name, emr_json_text(text));
}

void emr_out_number(emr_out *out, const char *name, uint64_t number)
{
	emr_out_put(out, name, json_integer((json_int_t)number));
}

void emr_out_flag(emr_out *out, const char *name, bool flag)
{
	emr_out_put(out, name, json_boolean(flag));
}

int emr_out_fail(emr_out *out, const emr_problem *problem)
{
	emr_progress_end(out);
	emr_terminal_drop_typed(); /* the answers to questions that do not come any more */
	out->problem = *problem;
	if (!out->is_json)
		print_problem(out, problem);
	return (int)emr_message_get(problem->message)->exit;
}

int emr_out_done(emr_out *out, emr_status status, emr_problem *problem, const char *what)
{
	if (status == EMR_OK)
		return EMR_EXIT_DONE;
	if (!problem->is_set)
		emr_problem_set_status(problem, status, what);
	return emr_out_fail(out, problem);
}

/* The fixed part first, then the verb's own fields. */
static json_t *whole_object(const emr_out *out, int code)
{
	const emr_problem *problem = &out->problem;
	json_t *object = json_pack("{s:i, s:s, s:b}", "emrfs", 1, "verb",
		emr_verb_get(out->verb)->name, "ok", code == EMR_EXIT_DONE);
	json_t *more = NULL;

	if (code != EMR_EXIT_DONE && problem->is_set)
		more = json_pack("{s:i, s:s, s:s, s:s, s:s}", "exit", code, "error",
			emr_message_get(problem->message)->id, "message", problem->text, "hint",
			problem->hint, "path", problem->path);
	else if (code != EMR_EXIT_DONE)
		more = json_pack("{s:i}", "exit", code);
	if (object == NULL ||
		(code != EMR_EXIT_DONE &&
			(more == NULL || json_object_update(object, more) != 0)) ||
		json_object_update(object, out->fields) != 0) {
		json_decref(object);
		object = NULL;
	}
	json_decref(more);
	return object;
}

int emr_out_end(emr_out *out, int code)
{
	emr_progress_end(out);
	emr_terminal_print_gathered();
	if (out->is_json && !out->is_spoken) {
		json_t *object = out->fields != NULL ? whole_object(out, code) : NULL;

		EMR_AUTO_FREE char *text = object != NULL ? json_dumps(object, JSON_COMPACT) : NULL;

		if (text != NULL)
			emr_show_json(text, stdout);
		if (text == NULL || putchar('\n') == EOF)
			code = EMR_EXIT_FAILED;
		json_decref(object);
	}
	json_decref(out->fields);
	out->fields = NULL;
	out->is_spoken = true;
	if (fflush(stdout) != 0 || ferror(stdout))
		return code != EMR_EXIT_DONE ? code : EMR_EXIT_FAILED;
	return code;
}
