/* This file prints what the program promises to scripts, row by row, so that a test can compare
 * it with doc/manual/contract.md. */
#include <string.h>

#include "kit/places.h"
#include "view/view.h"

#include "report/special.h"
#include "pages.h"

/* A cell: one line, `|` escaped. */
static void cell(FILE *to, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '|')
			fputs("\\|", to);
		else
			fputc(*text == '\n' ? ' ' : *text, to);
	}
}

/* In backquotes, or an empty cell. */
static void code_cell(FILE *to, const char *text)
{
	if (text[0] != '\0') {
		fputc('`', to);
		cell(to, text);
		fputc('`', to);
	}
	fputs(" | ", to);
}

void pages_usage(FILE *to, emr_verb verb)
{
	const emr_verb_row *row = emr_verb_get(verb);
	const char *blank = row->operands[0] != '\0' ? " " : "";

	fputs(row->operands, to);
	for (int i = 0; i < EMR_OPTION_COUNT; i++) {
		if (!emr_verb_takes(verb, (emr_option)i) || emr_option_is_common((emr_option)i))
			continue;
		fprintf(to, "%s[", blank);
		emr_option_spell(to, emr_option_get((emr_option)i));
		fputc(']', to);
		blank = " ";
	}
}

static void verb_row(FILE *to, emr_verb verb)
{
	const emr_verb_row *row = emr_verb_get(verb);
	char *usage = NULL;
	size_t size;
	FILE *memory = open_memstream(&usage, &size);

	if (memory == NULL)
		return;
	pages_usage(memory, verb);
	fclose(memory);
	fprintf(to, "| `%s`%s%s%s | ", row->name, row->alias != NULL ? ", `" : "",
		row->alias != NULL ? row->alias : "", row->alias != NULL ? "`" : "");
	code_cell(to, usage);
	cell(to, row->help);
	fputs(" | ", to);
	for (const unsigned char *code = row->exits; *code != 0; code++)
		fprintf(to, "%s%d", code == row->exits ? "" : " ", *code);
	fputs(" | ", to);
	cell(to, row->fields);
	fputs(" |\n", to);
	free(usage);
}

static void option_row(FILE *to, emr_option which)
{
	const emr_option_row *option = emr_option_get(which);

	fputs("| `", to);
	if (option->name != NULL && option->letter != 0)
		fprintf(to, "-%c`, `", option->letter);
	emr_option_spell(to, option);
	fputs("` | ", to);
	cell(to, option->help);
	fputs(" |\n", to);
}

static void message_row(FILE *to, const emr_message_row *row)
{
	fprintf(to, "| `%s` | %s | %d | ", row->id, row->errno_name, (int)row->exit);
	cell(to, row->sentence);
	fputs(" | ", to);
	cell(to, row->hint);
	fputs(" |\n", to);
}

bool pages_contract(FILE *to)
{
	fputs("## Verbs\n", to);
	for (int i = 0; i < EMR_VERB_COUNT; i++)
		verb_row(to, (emr_verb)i);
	fputs("## Options\n", to);
	for (int i = 0; i < EMR_OPTION_COUNT; i++)
		option_row(to, (emr_option)i);
	fputs("## Exit codes\n", to);
	for (int code = 0; code < 256; code++) {
		if (emr_exit_text(code) != NULL)
			fprintf(to, "| %d | %s |\n", code, emr_exit_text(code));
	}
	fputs("## Settings\n", to);
	for (size_t i = 0; emr_setting_get(i) != NULL; i++) {
		const emr_setting_row *row = emr_setting_get(i);

		fprintf(to, "| `%s = %s` | ", row->name, row->argument);
		cell(to, row->help);
		fputs(" |\n", to);
	}
	fputs("## Attributes\n", to);
	for (size_t i = 0; emr_view_attribute_name(i) != NULL; i++)
		fprintf(to, "| `%s` |\n", emr_view_attribute_name(i));
	fputs("## Files in .emrfs\n", to);
	for (size_t i = 0; i < emr_special_count; i++)
		if (strchr(emr_special_names[i], '/') == NULL)
			fprintf(to, "| `%s` |\n", emr_special_names[i]);
	fputs("## Beside the participants of a dataset\n", to);
	for (size_t i = 0; i < emr_special_count; i++)
		if (strchr(emr_special_names[i], '/') != NULL)
			fprintf(to, "| `%s` |\n", strchr(emr_special_names[i], '/') + 1);
	fputs("## Messages\n", to);
	for (int i = 0; i < EMR_MESSAGE_COUNT; i++)
		message_row(to, emr_message_get((emr_message)i));
	return ferror(to) == 0;
}
