/* This file fills the sentences of the messages (kit/messages.def) with what they are about. It
 * also shows names of others safely, so that a file's name can neither forge a line nor control
 * the terminal, nor break out of a command that a person copies. */
#include "kit/message.h"

#include "base/clock.h"
#include "keyring/card.h"
#include "kit/language.h"
#include "kit/terminal.h"
#include "kit/text.h"
#include "kit/verbs.h"
#include "kit_private.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static const emr_message_row rows[EMR_MESSAGE_COUNT] = {
#define EMR_MESSAGE(constant, ...) [constant] = {__VA_ARGS__},
#include "kit/messages.def"
#undef EMR_MESSAGE
};

const char *emr_exit_text(int code)
{
	static const struct {
		emr_exit code;
		const char *text;
	} texts[] = {
		{EMR_EXIT_DONE, "done"},
		{EMR_EXIT_FAILED, "failed"},
		{EMR_EXIT_USE, "wrong use"},
		{EMR_EXIT_PART, "done in part, each failure listed"},
		{EMR_EXIT_UNSENT, "done here, not yet on the ledger"},
		{EMR_EXIT_NO_SUCH, "no such path"},
		{EMR_EXIT_DENIED, "not allowed"},
		{EMR_EXIT_UNREACHABLE, "not reachable in time"},
		{EMR_EXIT_BAD_DATA, "failed verification"},
		{EMR_EXIT_NOT_OPEN, "no keyring, or the folder is not open"},
		{EMR_EXIT_IN_USE, "in use by another process"},
		{EMR_EXIT_PASSPHRASE, "wrong passphrase or words"},
		{EMR_EXIT_NEEDS_YES, "needs an answer: no terminal"},
		{EMR_EXIT_INTERRUPTED, "interrupted"},
	};

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		if ((int)texts[i].code == code)
			return emr_text(texts[i].text);
	return NULL;
}

const emr_message_row *emr_message_get(emr_message message)
{
	return &rows[message];
}

bool emr_message_find(const char *id, emr_message *out_message)
{
	for (int i = 0; i < EMR_MESSAGE_COUNT; i++) {
		if (strcmp(rows[i].id, id) == 0) {
			*out_message = (emr_message)i;
			return true;
		}
	}
	return false;
}

#define CHARACTER_MAX 4 /* bytes of UTF-8; all texts here end with NUL */

void emr_show_json(const char *json, FILE *to)
{
	while (*json != '\0') {
		const unsigned char *u = (const unsigned char *)json;
		size_t n = emr_utf8_len(u, CHARACTER_MAX);
		uint32_t code = 0;

		if (n == 0 || !emr_utf8_misleads(u, n, &code))
			fwrite(json, 1, n > 0 ? n : 1, to);
		else if (code >= 0x10000)
			fprintf(to, "\\u%04x\\u%04x", 0xd800 + (unsigned)((code - 0x10000) >> 10),
				0xdc00 + (unsigned)(code & 0x3ff));
		else
			fprintf(to, "\\u%04x", (unsigned)code);
		json += n > 0 ? n : 1;
	}
}

void emr_show(const char *text, char *out, size_t size)
{
	size_t at = 0;

	while (*text != '\0') {
		const unsigned char *u = (const unsigned char *)text;
		size_t n = emr_utf8_len(u, CHARACTER_MAX);
		uint32_t code;
		bool is_shown = n > 0 && !emr_utf8_misleads(u, n, &code);
		size_t takes = is_shown ? n : 1;

		if (at + takes >= size)
			break;
		if (is_shown)
			memcpy(out + at, text, n);
		else
			out[at] = '?';
		at += takes;
		text += n > 0 ? n : 1;
	}
	out[at] = '\0';
}

#define PAIRS_MAX 8

typedef struct pairs {
	size_t n;
	const char *names[PAIRS_MAX], *values[PAIRS_MAX];
} pairs;

static const char *value_of(const pairs *known, const char *name, size_t len)
{
	for (size_t i = 0; i < known->n; i++) {
		if (strlen(known->names[i]) == len && memcmp(known->names[i], name, len) == 0)
			return known->values[i];
	}
	return "?";
}

/* TEXT as a part of one word of a shell: IS_QUOTED, between single quotes, where ' ends them, is
 * said, and begins them again; else as it is if the shell gives no character of it a meaning, or in
 * quotes of its own. */
static void put_word(const char *text, bool is_quoted, char *out, size_t size)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				    "._/@:+,%-",
			  apostrophe[] = "'\\''";
	bool is_plain = text[0] != '\0' && text[strspn(text, plain)] == '\0';
	const char *own = is_quoted || is_plain ? "" : "'";
	size_t at = (size_t)snprintf(out, size, "%s", own);

	for (; *text != '\0' && at + sizeof apostrophe + 1 < size; text++) {
		if (*text != '\'') {
			out[at++] = *text;
			continue;
		}
		memcpy(out + at, apostrophe, sizeof apostrophe - 1);
		at += sizeof apostrophe - 1;
	}
	snprintf(out + at, size - at, "%s", own);
}

void emr_shell_word(const char *text, char *out, size_t size)
{
	char shown[EMR_PROBLEM_TEXT_BYTES * 4] = "./";

	emr_show(text, shown + 2, sizeof shown - 2);
	put_word(text[0] == '-' ? shown : shown + 2, false, out, size);
}

void emr_shell_name(const char *text, char *out, size_t size)
{
	char shown[EMR_PROBLEM_TEXT_BYTES * 4];
	size_t at = text[0] == '-' ? 3 : 0;

	emr_show(text, shown, sizeof shown);
	snprintf(out, size, "%s", at > 0 ? "-- " : "");
	put_word(shown, false, out + at, size - at);
}

/* SHOWN is "./" and the value of NAME; OUT has *AT bytes of a hint.  Where the value would be taken
 * for an option, a path has the "./", and before another name emrfs is told that options end. */
static const char *keep_operand(const char *name, const char *shown, char *out, size_t *at)
{
	static const char *const paths[] = {
		"path}", "file}", "dir}", "state}", "place}", "folder}", "src}", "dest}"};
	const size_t quote = *at > 0 && out[*at - 1] == '\'';

	if (shown[2] != '-' || (*at > quote && out[*at - quote - 1] != ' '))
		return shown + 2;
	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
		if (strncmp(name, paths[i], strlen(paths[i])) == 0)
			return shown;
	out[*at] = '\0';
	if (strstr(out, "emrfs ") != NULL) {
		memcpy(out + *at - quote, "-- '", 3 + quote);
		*at += 3;
	}
	return shown + 2;
}

/* ---- commands in what is said ---- */

#define AS_MAX 80

static char as_option[AS_MAX]; /* " --as NAME", set before there are threads; "" mostly */

void emr_hints_as(const char *name)
{
	if (name != NULL && strlen(name) + sizeof " --as " <= sizeof as_option)
		snprintf(as_option, sizeof as_option, " --as %s", name);
}

/* Whether AT, behind "emrfs", goes on with a blank and a verb. */
static bool is_command(const char *at)
{
	char word[16];
	size_t len = at[0] == ' ' ? strspn(at + 1, "abcdefghijklmnopqrstuvwxyz") : 0;
	emr_verb verb;

	if (len == 0 || len >= sizeof word)
		return false;
	memcpy(word, at + 1, len);
	word[len] = '\0';
	return emr_verb_find(word, &verb) && verb != EMR_VERB_JOIN; /* it is somebody else's */
}

/* TEXT, which is a template or a format and no name of anybody's, with the keyring in each command:
 * without it the command would lead to another one. */
static void name_keyring(const char *text, char *out, size_t size)
{
	static const char program[] = "emrfs";
	size_t at = 0, option = strlen(as_option);

	while (*text != '\0' && at + 1 < size) {
		bool is = strncmp(text, program, sizeof program - 1) == 0 &&
			  is_command(text + sizeof program - 1) &&
			  at + sizeof program + option < size;

		if (!is) {
			out[at++] = *text++;
			continue;
		}
		memcpy(out + at, program, sizeof program - 1);
		memcpy(out + at + sizeof program - 1, as_option, option);
		at += sizeof program - 1 + option;
		text += sizeof program - 1;
	}
	out[at] = '\0';
}

/* Menus have no entries for a keyring that --as picks. */
static void name_commands(const char *text, char *out, size_t size)
{
	if (as_option[0] == '\0' && emr_terminal_is_dialog())
		emr_menu_words(text, out, size);
	else
		name_keyring(text, out, size);
}

/* The format is the caller's, which the compiler has checked there; a keyring's name has no percent
 * sign. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
void emr_hint_vprint(FILE *to, const char *format, va_list arguments)
{
	char named[EMR_PROBLEM_TEXT_BYTES];

	format = emr_text(format);
	if ((as_option[0] == '\0' && !emr_terminal_is_dialog()) ||
		strlen(format) + 4 * AS_MAX >= sizeof named) {
		vfprintf(to, format, arguments);
		return;
	}
	name_commands(format, named, sizeof named);
	vfprintf(to, named, arguments);
}
#pragma GCC diagnostic pop

void emr_hint_print(FILE *to, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	emr_hint_vprint(to, format, arguments);
	va_end(arguments);
}

/* TEMPLATE with its {names} replaced; what does not fit is cut. A hint (IS_HINT) is pasted into a
 * shell, and the names in it are others' to choose: each stays one word of it, whatever it is, but
 * {step}, which is a sentence of emrfs. */
static void fill_names(
	const char *template, const pairs *known, bool is_hint, char *out, size_t size)
{
	char shown[2 + EMR_PROBLEM_TEXT_BYTES] = "./";
	bool is_quoted = false;
	size_t at = 0;

	while (*template != '\0' && at + 1 < size) {
		const char *end = *template == '{' ? strchr(template, '}') : NULL;
		size_t n = emr_utf8_len((const uint8_t *)template, CHARACTER_MAX);

		if (end == NULL && at + n >= size)
			break; /* half a letter is no text */
		if (end == NULL) {
			is_quoted ^= *template == '\'';
			n = n > 0 ? n : 1;
			memcpy(out + at, template, n);
			at += n;
			template += n;
			continue;
		}
		emr_show(value_of(known, template + 1, (size_t)(end - template - 1)), shown + 2,
			sizeof shown - 2);
		if (is_hint && at + 5 < size && shown[2] != '\0' &&
			strncmp(template, "{step}", 6) != 0) {
			const char *word = keep_operand(template + 1, shown, out, &at);

			put_word(word, is_quoted, out + at, size - at);
		} else {
			emr_show(shown + 2, out + at, size - at);
		}
		at += strlen(out + at);
		template = end + 1;
	}
	out[at] = '\0';
}

/* Where a name at the end was empty. */
static void cut_blanks(char *text)
{
	size_t len = strlen(text);

	while (len > 0 && text[len - 1] == ' ')
		text[--len] = '\0';
}

void emr_newer_numbers(char *out, size_t size)
{
	uint64_t met, known;

	out[0] = 0;
	if (emr_newer_format_take(&met, &known))
		snprintf(out, size, _(": version %llu, and it reads up to %llu"),
			(unsigned long long)met, (unsigned long long)known);
}

void emr_problem_set_list(emr_problem *problem, emr_message message, va_list arguments)
{
	char template[EMR_PROBLEM_TEXT_BYTES], numbers[120];
	pairs known = {0};
	const char *name;

	while (known.n < PAIRS_MAX && (name = va_arg(arguments, const char *)) != NULL) {
		known.names[known.n] = name;
		known.values[known.n] = va_arg(arguments, const char *);
		known.n++;
	}
	if ((message == EMR_SAY_NEWER_FORMAT || message == EMR_SAY_NEWER_RULES) &&
		known.n < PAIRS_MAX) {
		emr_newer_numbers(numbers, sizeof numbers);
		known.names[known.n] = "numbers";
		known.values[known.n++] = numbers;
	}
	problem->is_set = true;
	problem->message = message;
	name_commands(emr_text(rows[message].sentence), template, sizeof template);
	fill_names(template, &known, false, problem->text, sizeof problem->text);
	name_commands(emr_text(rows[message].hint), template, sizeof template);
	fill_names(template, &known, true, problem->hint, sizeof problem->hint);
	cut_blanks(problem->hint);
	problem->path[0] = '\0';
	if (strcmp(value_of(&known, "path", 4), "?") != 0)
		emr_show(value_of(&known, "path", 4), problem->path, sizeof problem->path);
}

void emr_problem_set(emr_problem *problem, emr_message message, ...)
{
	va_list arguments;

	va_start(arguments, message);
	emr_problem_set_list(problem, message, arguments);
	va_end(arguments);
}

emr_status emr_wrong_use(const char *verb, const char *what, emr_problem *out_problem)
{
	emr_problem_set(out_problem, EMR_SAY_WRONG_USE, "what", what, "verb", verb, NULL);
	return EMR_INVALID;
}

void emr_problem_set_status(emr_problem *problem, emr_status status, const char *what)
{
	char until[EMR_TEXT_BYTES];

	switch (status) {
	case EMR_NO_SPACE:
	case EMR_QUOTA:
		emr_problem_set(problem, EMR_SAY_FAILED, "what", what, "cause",
			_("no space left on the disk"), NULL);
		return;
	case EMR_LETTERS_SPENT:
	case EMR_BYTES_SPENT:
		emr_day_end_text(emr_clock_unix_s(emr_clock_system()), until);
		emr_problem_set(problem,
			status == EMR_BYTES_SPENT ? EMR_SAY_BYTES_SPENT : EMR_SAY_LETTERS_SPENT,
			"time", until, NULL);
		return;
	case EMR_NEWER_FORMAT:
		emr_problem_set(problem, EMR_SAY_NEWER_FORMAT, "what", what, NULL);
		return;
	case EMR_NEWER_RULES:
		emr_problem_set(problem, EMR_SAY_NEWER_RULES, NULL);
		return;
	case EMR_EXPOSED:
		emr_problem_set(problem, EMR_SAY_EXPOSED, "file", what, NULL);
		return;
	case EMR_WRONG_PASSPHRASE:
		emr_problem_set(problem, EMR_SAY_WRONG_PASSPHRASE, NULL);
		return;
	case EMR_ROLLBACK:
		emr_problem_set(problem, EMR_SAY_ROLLBACK, NULL);
		return;
	case EMR_DAMAGED:
	case EMR_BAD_SIGNATURE:
		emr_problem_set(problem, EMR_SAY_PART_DAMAGED, "what", what, "state",
			_("your emrfs directory"), NULL);
		return;
	case EMR_MISSING_DATA:
		emr_problem_set(problem, EMR_SAY_PART_MISSING, "what", what, "state",
			_("your emrfs directory"), NULL);
		return;
	case EMR_INTERRUPTED:
		emr_problem_set(problem, EMR_SAY_INTERRUPTED, NULL);
		return;
	case EMR_NO_MEMORY:
		emr_problem_set(problem, EMR_SAY_FAILED, "what", what, "cause",
			_("not enough memory"), NULL);
		return;
	case EMR_IO:
		emr_problem_set(problem, EMR_SAY_FAILED, "what", what, "cause",
			_("the disk answers with an error"), NULL);
		return;
	case EMR_OK:
	case EMR_INVALID:
	case EMR_LIMIT:
	case EMR_NOT_FOUND:
	case EMR_EXISTS:
	case EMR_NOT_EMPTY:
	case EMR_NOT_DIRECTORY:
	case EMR_IS_DIRECTORY:
	case EMR_BAD_NAME:
	case EMR_RESERVED_NAME:
	case EMR_NO_HARD_LINKS:
	case EMR_FORBIDDEN:
	case EMR_WOULD_SHARE:
	case EMR_APART:
	case EMR_READ_ONLY:
	case EMR_NO_ATTRIBUTE:
	case EMR_ATTRIBUTE_SPACE:
	case EMR_RANGE:
	case EMR_UNSUPPORTED:
	case EMR_NO_MODULE:
	case EMR_CROSS:
	case EMR_TOO_BIG:
	case EMR_DENIED:
	case EMR_FORK:
	case EMR_WRONG_WORDS:
	case EMR_BUSY:
	case EMR_OFFLINE:
	case EMR_TIMEOUT:
	case EMR_AWAITED:
	case EMR_CONFLICT:
	case EMR_EPOCH:
	case EMR_REFUSED:
	case EMR_ACCESS_ENDED:
	case EMR_ACCESS_REVOKED:
	case EMR_STATUS_COUNT:
		break;
	}
	emr_problem_set(problem, EMR_SAY_FAILED, "what", what, "cause",
		emr_text(emr_status_text(status)), NULL);
}
