/* This file writes `emrfs help` and `emrfs help VERB` from the table of verbs, so that the help
 * never speaks of something that does not exist. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kit/language.h"
#include "kit/verbs.h"

void emr_option_spell(FILE *to, const emr_option_row *option)
{
	if (option->name != NULL)
		fprintf(to, "--%s", option->name);
	else
		fprintf(to, "-%c", option->letter);
	if (option->kind == EMR_HAS_ARGUMENT)
		fprintf(to, " %s", option->argument);
	else if (option->kind == EMR_MAY_HAVE_ARGUMENT)
		fprintf(to, "[=%s]", option->argument);
}

/* Without the options that every verb takes. */
static void usage(FILE *to, emr_verb verb)
{
	const emr_verb_row *row = emr_verb_get(verb);

	fprintf(to, "emrfs %s%s%s", row->name, row->operands[0] != '\0' ? " " : "", row->operands);
	for (int i = 0; i < EMR_OPTION_COUNT; i++) {
		const emr_option_row *option = emr_option_get((emr_option)i);

		if (!emr_verb_takes(verb, (emr_option)i) || emr_option_is_common((emr_option)i))
			continue;
		fputs(" [", to);
		emr_option_spell(to, option);
		fputc(']', to);
	}
	fputc('\n', to);
}

static void option_line(FILE *to, emr_option which)
{
	const emr_option_row *option = emr_option_get(which);
	char spelled[64];
	int at = 0;

	if (option->letter != 0)
		at = snprintf(spelled, sizeof spelled, "-%c%s", option->letter,
			option->name != NULL ? ", " : "");
	if (option->name != NULL)
		at += snprintf(spelled + at, sizeof spelled - (size_t)at, "--%s", option->name);
	if (option->kind != EMR_NO_ARGUMENT)
		snprintf(spelled + at, sizeof spelled - (size_t)at,
			option->kind == EMR_HAS_ARGUMENT ? " %s" : "[=%s]", option->argument);
	fprintf(to, "  %-24s %s\n", spelled, emr_text(option->help));
}

char *emr_help_overview(bool all)
{
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	if (to == NULL)
		return NULL;
	fputs(_("emrfs keeps a person's medical records in an ordinary folder: encrypted, signed, "
		"registered.\n"),
		to);
	fputs("\n  emrfs [--as NAME] VERB [ARGUMENTS]\n\n", to);
	for (int i = 0; i < EMR_VERB_COUNT; i++) {
		const emr_verb_row *row = emr_verb_get((emr_verb)i);

		fputs("  ", to);
		if (all) {
			usage(to, (emr_verb)i);
			fputs("      ", to);
		} else {
			fprintf(to, "%-10s ", row->name);
		}
		fputs(emr_text(row->help), to);
		if (row->alias != NULL)
			fprintf(to, _("; also: %s"), row->alias);
		fputc('\n', to);
	}
	fputs(_("\nEvery verb takes:\n"), to);
	for (int i = 0; i < EMR_OPTION_COUNT; i++) {
		if (emr_option_is_common((emr_option)i))
			option_line(to, (emr_option)i);
	}
	if (all)
		fputs(_("\nTIME is 90s, 5min, 12h, 30d, 2w.\n"
			"EMRFS_HOME moves state, settings and socket below one directory; "
			"EMRFS_ASKPASS names a program\n"
			"that prints the passphrase, EMRFS_DIALOG one that asks and shows instead "
			"of the terminal.\n"),
			to);
	else
		fputs(_("\nemrfs help VERB tells more about one, emrfs help --all everything.\n"),
			to);
	return fclose(to) == 0 ? text : (free(text), NULL);
}

char *emr_help_verb(emr_verb verb)
{
	const emr_verb_row *row = emr_verb_get(verb);
	const char *help = emr_text(row->help);
	char end = help[strlen(help) - 1]; /* a question has its own */
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	if (to == NULL)
		return NULL;
	usage(to, verb);
	fprintf(to, "\n%s%s\n%s\n", help, end == '?' ? "" : ".", emr_text(row->manual));
	for (int i = 0; i < EMR_OPTION_COUNT; i++) {
		if (emr_verb_takes(verb, (emr_option)i) && !emr_option_is_common((emr_option)i))
			option_line(to, (emr_option)i);
	}
	fprintf(to, _("\nOptions of every verb, exit codes and JSON fields: man emrfs-%s\n"),
		row->name);
	return fclose(to) == 0 ? text : (free(text), NULL);
}
