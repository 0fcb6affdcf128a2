/* This file reads the command line by the table of verbs. A word that it does not know is
 * refused with the nearest one that it knows, and nothing is guessed. */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "kit/language.h"
#include "kit/paths.h"
#include "kit/verbs.h"

/* Where parsing stands.  The verb may come after common options. */
typedef struct parser {
	char *const *argv;
	int argc, at;
	bool has_verb, options_ended;
	emr_args *args;
	emr_problem *problem;
} parser;

static const char *verb_name(const parser *p)
{
	return p->has_verb ? emr_verb_get(p->args->verb)->name : "";
}

static emr_status wrong(parser *p, const char *format, ...) __attribute__((format(printf, 2, 3)));

static emr_status wrong(parser *p, const char *format, ...)
{
	char text[512];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof text, emr_text(format), arguments);
	va_end(arguments);
	return emr_wrong_use(verb_name(p), text, p->problem);
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* How many letters to change, leave out, add, or exchange with the next, for short words ("optimal
 * string alignment"); longer ones are far from everything.  Capitals are no difference. */
static size_t distance(const char *a, const char *b)
{
	size_t rows[3][32] = {{0}}, n = strlen(b), m = strlen(a);

	if (m >= 32 || n >= 32)
		return 99;
	for (size_t j = 0; j <= n; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= m; i++) {
		size_t *row = rows[i % 3];
		const size_t *last = rows[(i + 2) % 3], *one_before = rows[(i + 1) % 3];

		row[0] = i;
		for (size_t j = 1; j <= n; j++) {
			row[j] = least(least(row[j - 1], last[j]) + 1,
				last[j - 1] + (tolower((unsigned char)a[i - 1]) !=
						      tolower((unsigned char)b[j - 1])));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				row[j] = least(row[j], one_before[j - 2] + 1);
		}
	}
	return rows[m % 3][n];
}

size_t emr_args_far(const char *typed, const char *known)
{
	size_t d = distance(typed, known), a = strlen(typed), b = strlen(known);

	return 3 * d <= (a > b ? a : b) ? d : EMR_ARGS_FAR;
}

/* Words of other programs, and what does that here. */
static const char *const elsewhere[][2] = {{"open", "mount"}, {"start", "mount"},
	{"close", "unmount"}, {"stop", "unmount"}, {"unshare", "revoke"}, {"version", "--version"}};

emr_status emr_args_unknown_verb(const char *name, emr_problem *out_problem)
{
	parser unread = {.problem = out_problem}, *p = &unread;
	const char *near = NULL;
	size_t best = EMR_ARGS_FAR;

	for (size_t i = 0; i < sizeof elsewhere / sizeof *elsewhere; i++) {
		if (strcmp(name, elsewhere[i][0]) == 0)
			return wrong(p, "There is no verb \"%.100s\". Did you mean \"%.100s\"?",
				name, elsewhere[i][1]);
	}
	for (int i = 0; i < EMR_VERB_COUNT; i++) {
		size_t d = emr_args_far(name, emr_verb_get((emr_verb)i)->name);

		if (d < best) {
			best = d;
			near = emr_verb_get((emr_verb)i)->name;
		}
	}
	if (near != NULL)
		return wrong(
			p, "There is no verb \"%.100s\". Did you mean \"%.100s\"?", name, near);
	return wrong(p, "There is no verb \"%.100s\".", name);
}

/* An option of this verb, or (before the verb is known) one that every verb takes. */
static bool is_taken(const parser *p, emr_option option)
{
	return p->has_verb ? emr_verb_takes(p->args->verb, option) : emr_option_is_common(option);
}

static bool find_long(const parser *p, const char *name, size_t len, emr_option *out_option)
{
	for (int i = 0; i < EMR_OPTION_COUNT; i++) {
		const char *known = emr_option_get((emr_option)i)->name;

		if (known != NULL && strlen(known) == len && memcmp(known, name, len) == 0 &&
			is_taken(p, (emr_option)i)) {
			*out_option = (emr_option)i;
			return true;
		}
	}
	return false;
}

static bool find_letter(const parser *p, char letter, emr_option *out_option)
{
	for (int i = 0; i < EMR_OPTION_COUNT; i++) {
		if (emr_option_get((emr_option)i)->letter == letter && is_taken(p, (emr_option)i)) {
			*out_option = (emr_option)i;
			return true;
		}
	}
	return false;
}

static emr_status unknown_option(parser *p, const char *word)
{
	const char *near = NULL;
	size_t best = EMR_ARGS_FAR, len = strcspn(word, "=");
	char name[64];

	snprintf(name, sizeof name, "%.*s", (int)len, word);
	for (int i = 0; i < EMR_OPTION_COUNT; i++) {
		const char *known = emr_option_get((emr_option)i)->name;
		size_t d = known != NULL && is_taken(p, (emr_option)i)
				   ? emr_args_far(name + 2, known)
				   : EMR_ARGS_FAR;

		if (d < best) {
			best = d;
			near = known;
		}
	}
	if (near != NULL && strncmp(name, "--", 2) == 0)
		return wrong(
			p, "There is no option \"%.100s\" here. Did you mean --%s?", name, near);
	return wrong(p, "There is no option \"%.100s\" here.", name);
}

static emr_status give_option(parser *p, emr_option option, const char *word, const char *value)
{
	emr_argument_kind kind = emr_option_get(option)->kind;

	if (value != NULL && kind == EMR_NO_ARGUMENT)
		return wrong(p, "%.100s takes no argument.", word);
	if (value == NULL && kind == EMR_HAS_ARGUMENT) {
		if (p->at >= p->argc)
			return wrong(p, "%.100s needs an argument: %s.", word,
				emr_option_get(option)->argument);
		value = p->argv[p->at++];
	}
	p->args->given[option] = true;
	p->args->values[option] = value;
	return EMR_OK;
}

static emr_status take_long(parser *p, const char *word)
{
	const char *value = strchr(word, '=');
	size_t len = value != NULL ? (size_t)(value - word) - 2 : strlen(word) - 2;
	emr_option option;

	if (!find_long(p, word + 2, len, &option))
		return unknown_option(p, word);
	return give_option(p, option, word, value != NULL ? value + 1 : NULL);
}

/* `-f`, `-qy`, `-o OPTS`, `-oOPTS` */
static emr_status take_letters(parser *p, const char *word)
{
	for (const char *letter = word + 1; *letter != '\0'; letter++) {
		emr_option option;

		if (!find_letter(p, *letter, &option))
			return unknown_option(p, word);
		if (emr_option_get(option)->kind == EMR_HAS_ARGUMENT)
			return give_option(p, option, word, letter[1] != '\0' ? letter + 1 : NULL);
		EMR_TRY(give_option(p, option, word, NULL));
	}
	return EMR_OK;
}

static emr_status take_operand(parser *p, const char *word)
{
	if (!p->has_verb) {
		if (!emr_verb_find(word, &p->args->verb))
			return emr_args_unknown_verb(word, p->problem);
		p->has_verb = true;
		return EMR_OK;
	}
	if (p->args->n_operands >= emr_verb_get(p->args->verb)->operands_max ||
		p->args->n_operands >= EMR_OPERANDS_MAX)
		return wrong(p, "\"%.100s\" is one argument too many.", word);
	p->args->operands[p->args->n_operands++] = word;
	return EMR_OK;
}

static emr_status take_word(parser *p)
{
	const char *word = p->argv[p->at++];

	if (p->options_ended || word[0] != '-' || word[1] == '\0')
		return take_operand(p, word);
	if (strcmp(word, "--") == 0) {
		p->options_ended = true;
		return EMR_OK;
	}
	return word[1] == '-' ? take_long(p, word) : take_letters(p, word);
}

emr_status emr_args_from_input(int fd, char *program, emr_args_input *out)
{
	emr_status status = emr_read_all(fd, EMR_ARGS_ON_INPUT_BYTES, &out->bytes);

	if (status == EMR_OK &&
		(out->bytes.len == 0 || out->bytes.data[out->bytes.len - 1] != '\0'))
		status = EMR_INVALID;
	out->argv[out->argc++] = program;
	for (size_t at = 0; status == EMR_OK && at < out->bytes.len;) {
		if (out->argc > EMR_ARGS_ON_INPUT_MAX)
			return EMR_LIMIT;
		out->argv[out->argc++] = (char *)out->bytes.data + at;
		at += strlen((char *)out->bytes.data + at) + 1;
	}
	return status;
}

emr_status emr_args_parse(int argc, char *const *argv, emr_args *out_args, emr_problem *out_problem)
{
	parser p = {.argv = argv, .argc = argc, .at = 1, .args = out_args, .problem = out_problem};
	emr_status status = EMR_OK;

	*out_args = (emr_args){.verb = EMR_VERB_HELP};
	while (p.at < argc && status == EMR_OK)
		status = take_word(&p);
	/* A script that asked for JSON gets its failure as JSON, wherever the option stood. */
	for (int i = p.at; i < argc && status != EMR_OK; i++) {
		if (strcmp(argv[i], "--json") == 0)
			out_args->given[EMR_OPT_JSON] = true;
	}
	return status;
}
