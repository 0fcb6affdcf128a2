/* Every sentence that emrfs says when something is wrong or must be known: one table for verbs,
 * notices and status. It refuses to pass on control characters of a name, so that a name can
 * neither forge a line nor drive a terminal. */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/status.h"

/* The exit codes of verbs. */
typedef enum emr_exit {
	EMR_EXIT_DONE = 0,
	EMR_EXIT_FAILED = 1,
	EMR_EXIT_USE = 2,
	EMR_EXIT_PART = 3,
	EMR_EXIT_UNSENT = 4,
	EMR_EXIT_NO_SUCH = 5,
	EMR_EXIT_DENIED = 6,
	EMR_EXIT_UNREACHABLE = 7,
	EMR_EXIT_BAD_DATA = 8,
	EMR_EXIT_NOT_OPEN = 10,
	EMR_EXIT_IN_USE = 11,
	EMR_EXIT_PASSPHRASE = 12,
	EMR_EXIT_NEEDS_YES = 13,
	EMR_EXIT_INTERRUPTED = 130,
} emr_exit;

/* A short meaning, or NULL for a number that is no exit code of ours. */
const char *emr_exit_text(int code);

/* Rows with several sentences for one id have one constant each. */
typedef enum emr_message {
#define EMR_MESSAGE(constant, ...) constant,
#include "kit/messages.def"
#undef EMR_MESSAGE
	EMR_MESSAGE_COUNT
} emr_message;

typedef struct emr_message_row {
	const char *id;		/* what scripts see: "in-use" */
	const char *errno_name; /* what programs in the folder see: "EROFS"; "" when nothing in the
				   folder fails by it */
	const char *level;	/* of a notice: "info", "warn", "error" */
	emr_exit exit;		/* of a verb that fails by it */
	const char *sentence;	/* with {names} to fill in */
	const char *hint;	/* "" when there is nothing to do */
} emr_message_row;

const emr_message_row *emr_message_get(emr_message message);
/* The first row with that id; false when there is none. */
bool emr_message_find(const char *id, emr_message *out_message);

#define EMR_PROBLEM_TEXT_BYTES 1024

/* A message with its names filled in; by value.  Zero-initialised it says nothing. */
typedef struct emr_problem {
	bool is_set;
	emr_message message;
	char text[EMR_PROBLEM_TEXT_BYTES];
	char hint[EMR_PROBLEM_TEXT_BYTES];
	char path[EMR_PROBLEM_TEXT_BYTES]; /* the value of {path}, "" if there was none */
} emr_problem;

/* From here on every command in sentences, hints and emr_hint_print names the keyring that --as
 * picked; NULL: none was.  Before the first thread, once. */
void emr_hints_as(const char *name);
/* As fprintf; commands in FORMAT (not in the arguments) get the keyring's name. */
void emr_hint_print(FILE *to, const char *format, ...) __attribute__((format(printf, 2, 3)));
void emr_hint_vprint(FILE *to, const char *format, va_list arguments)
	__attribute__((format(printf, 2, 0)));

/* Pairs of name and value, ended by NULL: emr_problem_set(&p, EMR_SAY_IN_USE, "dir", dir, "pid",
 * pid, NULL).  A name without a value becomes "?"; what does not fit is cut.  In the hint each
 * value is one word of a shell. */
void emr_problem_set(emr_problem *problem, emr_message message, ...) __attribute__((sentinel));
/* The same, for functions that take such pairs, too. */
void emr_problem_set_list(emr_problem *problem, emr_message message, va_list arguments);
/* The same, with a status in front, which is its value: return EMR_PROBLEM(EMR_DENIED, &p, ...). */
#define EMR_PROBLEM(status, ...) (emr_problem_set(__VA_ARGS__), (status))
/* The version that this thread met last, for the end of "a format that this emrfs does not know":
 * ": version 9, and it reads up to 2"; "" when nobody knows.  `newer-format` has it by itself. */
void emr_newer_numbers(char *out, size_t size);
/* The message that says STATUS best, about WHAT ("the ledger", a path): for failures that have no
 * sentence of their own. */
void emr_problem_set_status(emr_problem *problem, emr_status status, const char *what);
#define EMR_PROBLEM_STATUS(problem, status, what)                                                  \
	(emr_problem_set_status(problem, status, what), (status))
/* The message that VERB was called wrongly; WHAT, translated, says what it takes.  Always
 * EMR_INVALID, so that a check of arguments returns it. */
emr_status emr_wrong_use(const char *verb, const char *what, emr_problem *out_problem);

/* TEXT with '?' for broken UTF-8 and for each character that no card may have (keyring/card.h),
 * into OUT of SIZE bytes (cut at a whole character). */
void emr_show(const char *text, char *out, size_t size);
/* The same as one word of a shell: as it is, or in single quotes if the shell gives a character of
 * it a meaning, and behind "./" where it would be an option.  For commands that a person is told
 * and may paste. */
void emr_shell_word(const char *text, char *out, size_t size);
/* The same of a name, which is no file's: behind "-- " where it would be an option, so that a
 * command's options come before it. */
void emr_shell_name(const char *text, char *out, size_t size);
/* JSON (of one line) to TO with the same characters as \u escapes, which mean the same: programs
 * get every name as it is, and a terminal obeys none. */
void emr_show_json(const char *json, FILE *to);
