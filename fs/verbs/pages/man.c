/* This file writes the manual pages, in man(7), from the tables of verbs, settings and messages. */
#include <stdlib.h>
#include <string.h>

#include "kit/places.h"

#include "pages.h"

#define LINE_BYTES 4096

/* TEXT as roff: nothing in it is a request.  `code` becomes bold; a newline stays a blank. */
static void say_roff(FILE *to, const char *text)
{
	bool is_bold = false, is_start = true;

	for (; *text != '\0'; text++) {
		if (is_start && (*text == '.' || *text == '\''))
			fputs("\\&", to);
		is_start = false;
		if (*text == '`') {
			fputs(is_bold ? "\\fR" : "\\fB", to);
			is_bold = !is_bold;
		} else if (*text == '\\') {
			fputs("\\e", to);
		} else if (*text == '-') {
			fputs("\\-", to);
		} else if (*text == '~') {
			fputs("\\(ti", to);
		} else if (*text == '^') {
			fputs("\\(ha", to);
		} else {
			fputc(*text == '\n' ? ' ' : *text, to);
		}
	}
}

static void say_line(FILE *to, const char *text)
{
	say_roff(to, text);
	fputc('\n', to);
}

static void option_entry(FILE *to, const emr_option_row *option)
{
	fputs(".TP\n", to);
	if (option->letter != 0)
		fprintf(to, "\\fB\\-%c\\fR", option->letter);
	if (option->letter != 0 && option->name != NULL)
		fputs(", ", to);
	if (option->name != NULL) {
		fputs("\\fB\\-\\-", to);
		say_roff(to, option->name);
		fputs("\\fR", to);
	}
	if (option->kind == EMR_HAS_ARGUMENT)
		fprintf(to, " \\fI%s\\fR", option->argument);
	else if (option->kind == EMR_MAY_HAVE_ARGUMENT)
		fprintf(to, "[=\\fI%s\\fR]", option->argument);
	fputc('\n', to);
	say_line(to, option->help);
}

static void exit_entry(FILE *to, int code)
{
	fprintf(to, ".TP\n\\fB%d\\fR\n", code);
	say_line(to, emr_exit_text(code));
}

static void title(FILE *to, const char *name, int section)
{
	fputs(".\\\" Made from the tables of the program by emrfs_pages.\n.TH ", to);
	for (; *name != '\0'; name++) {
		if (*name == '-')
			fputs("\\-", to);
		else
			fputc(*name >= 'a' && *name <= 'z' ? *name - 'a' + 'A' : *name, to);
	}
	fprintf(to, " %d \"\" \"emrfs %s\" \"emrfs\"\n", section, EMRFS_VERSION);
}

/* The cells of one row of a table; false for a line that is none.  LINE is cut in place. */
static bool cells_of(char *line, char *cells[], size_t *out_n)
{
	size_t n = 0;

	if (strncmp(line, "| ", 2) != 0)
		return false;
	for (char *at = line + 2; n < 8;) {
		char *end = strstr(at, " |");

		if (end == NULL)
			break;
		*end = '\0';
		cells[n++] = at;
		at = end + (end[2] == ' ' ? 3 : 2);
	}
	*out_n = n;
	return n > 0;
}

/* The rows under `## HEADING`: first cell, then the others as a sentence each. */
static bool table(FILE *to, const char *contract, const char *heading)
{
	FILE *from = fopen(contract, "re");
	char line[LINE_BYTES];
	bool is_here = false;
	size_t rows = 0;

	if (from == NULL) {
		perror(contract);
		return false;
	}
	while (fgets(line, sizeof line, from) != NULL) {
		char *cells[8];
		size_t n;

		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, "## ", 3) == 0)
			is_here = strcmp(line + 3, heading) == 0;
		if (!is_here || !cells_of(line, cells, &n) || cells[0][0] != '`')
			continue;
		rows++;
		fputs(".TP\n", to);
		say_line(to, cells[0]);
		for (size_t i = 1; i < n; i++)
			say_line(to, cells[i]);
	}
	fclose(from);
	if (rows == 0)
		fprintf(stderr, "%s has no table under \"%s\"\n", contract, heading);
	return rows > 0;
}

bool pages_man_verb(FILE *to, const char *name, const char *limits)
{
	char page[64];
	const emr_verb_row *row;
	emr_verb verb;

	if (!emr_verb_find(name, &verb)) {
		fprintf(stderr, "there is no verb %s\n", name);
		return false;
	}
	row = emr_verb_get(verb);
	snprintf(page, sizeof page, "emrfs-%s", row->name);
	title(to, page, 1);
	fprintf(to, ".SH NAME\nemrfs\\-%s \\- ", row->name);
	say_line(to, row->help);
	fprintf(to, ".SH SYNOPSIS\n.B emrfs %s\n", row->name);
	pages_usage(to, verb);
	fputs("\n.SH DESCRIPTION\n", to);
	say_line(to, row->manual[0] != '\0' ? row->manual : row->help);
	if (row->alias != NULL)
		fprintf(to, ".PP\n\\fB%s\\fR is another name for it.\n", row->alias);
	fputs(".SH OPTIONS\n", to);
	for (int i = 0; i < EMR_OPTION_COUNT; i++) {
		if (emr_verb_takes(verb, (emr_option)i))
			option_entry(to, emr_option_get((emr_option)i));
	}
	fputs(".SH EXIT STATUS\n", to);
	for (int code = EMR_EXIT_DONE; code <= EMR_EXIT_USE; code++)
		exit_entry(to, code);
	for (const unsigned char *code = row->exits; *code != 0; code++)
		exit_entry(to, *code);
	if (row->fields[0] != '\0') {
		fputs(".SH JSON\nWith \\fB\\-\\-json\\fR the answer has the fields\n", to);
		say_line(to, row->fields);
	}
	if (fputs(".SH LIMITS\n", to) < 0 || !table(to, limits, row->name))
		return false;
	fputs(".SH SEE ALSO\n.BR emrfs (1),\n.BR emrfs\\-folder (7),\n", to);
	fputs(".BR emrfs\\-messages (7)\n", to);
	return ferror(to) == 0;
}

/* ---- templates ---- */

static void verbs(FILE *to)
{
	for (int i = 0; i < EMR_VERB_COUNT; i++) {
		const emr_verb_row *row = emr_verb_get((emr_verb)i);

		fprintf(to, ".TP\n\\fBemrfs\\-%s\\fR(1)\n", row->name);
		say_roff(to, row->help);
		fputs(".\n", to);
	}
}

static void common_options(FILE *to)
{
	for (int i = 0; i < EMR_OPTION_COUNT; i++) {
		if (emr_option_is_common((emr_option)i))
			option_entry(to, emr_option_get((emr_option)i));
	}
}

static void exits(FILE *to)
{
	for (int code = 0; code < 256; code++) {
		if (emr_exit_text(code) != NULL)
			exit_entry(to, code);
	}
}

static void settings(FILE *to)
{
	for (size_t i = 0; emr_setting_get(i) != NULL; i++) {
		const emr_setting_row *row = emr_setting_get(i);

		fprintf(to, ".TP\n\\fB%s\\fR = \\fI", row->name);
		say_roff(to, row->argument);
		fputs("\\fR\n", to);
		say_line(to, row->help);
	}
}

static void messages(FILE *to)
{
	for (int i = 0; i < EMR_MESSAGE_COUNT; i++) {
		const emr_message_row *row = emr_message_get((emr_message)i);

		fputs(".TP\n\\fB", to);
		say_roff(to, row->id);
		fputs("\\fR", to);
		if (row->errno_name[0] != '\0')
			fprintf(to, " (%s)", row->errno_name);
		fputc('\n', to);
		say_line(to, row->sentence);
		if (row->hint[0] != '\0')
			say_line(to, row->hint);
	}
}

static bool fill_table(FILE *to, const char *name, const char *contract)
{
	static const struct {
		const char *name;
		void (*make)(FILE *to);
	} made[] = {{"VERBS", verbs}, {"OPTIONS", common_options}, {"EXITS", exits},
		{"SETTINGS", settings}, {"MESSAGES", messages}};

	for (size_t i = 0; i < sizeof made / sizeof *made; i++) {
		if (strcmp(made[i].name, name) == 0) {
			made[i].make(to);
			return true;
		}
	}
	if (strcmp(name, "ATTRIBUTES") == 0)
		return table(to, contract, "Attributes");
	if (strcmp(name, "FILES") == 0)
		return table(to, contract, "Files in .emrfs");
	fprintf(stderr, "nothing fills @%s@\n", name);
	return false;
}

bool pages_man_fill(FILE *to, const char *template, const char *contract)
{
	FILE *from = fopen(template, "re");
	char line[LINE_BYTES], name[32];
	bool is_fine = from != NULL;

	if (from == NULL)
		perror(template);
	while (is_fine && fgets(line, sizeof line, from) != NULL) {
		const char *version = strstr(line, "@VERSION@");

		if (sscanf(line, ".\\\" @%31[A-Z]@", name) == 1)
			is_fine = fill_table(to, name, contract);
		else if (version != NULL)
			fprintf(to, "%.*s%s%s", (int)(version - line), line, EMRFS_VERSION,
				version + strlen("@VERSION@"));
		else
			fputs(line, to);
	}
	if (from != NULL)
		fclose(from);
	return is_fine && ferror(to) == 0;
}
