/* This program prints everything that the tables of emrfs say to people, as C that xgettext
 * reads: po/update makes the list of what is to be translated from it. */
#include <string.h>

#include "enrol/ca.h"
#include "kit/language.h"

#include "pages.h"

/* TEXT as one literal. */
static void literal(FILE *to, const char *text)
{
	fputc('"', to);
	for (; *text != '\0'; text++) {
		if (*text == '\n')
			fputs("\\n", to);
		else if (*text == '"' || *text == '\\')
			fprintf(to, "\\%c", *text);
		else
			fputc(*text, to);
	}
	fputc('"', to);
}

static void text_line(FILE *to, const char *what, const char *name, const char *text)
{
	if (text == NULL || text[0] == '\0')
		return;
	fprintf(to, "/* TRANSLATORS: %s %s */\nN_(", what, name);
	literal(to, text);
	fputs(");\n", to);
}

bool pages_texts(FILE *to)
{
	for (int i = 0; i < EMR_MESSAGE_COUNT; i++) {
		const emr_message_row *row = emr_message_get((emr_message)i);

		text_line(to, "message", row->id, row->sentence);
		text_line(to, "hint of", row->id, row->hint);
	}
	for (int i = 0; i < EMR_VERB_COUNT; i++) {
		const emr_verb_row *row = emr_verb_get((emr_verb)i);

		text_line(to, "verb", row->name, row->help);
		text_line(to, "help of", row->name, row->manual);
	}
	for (int i = 0; i < EMR_OPTION_COUNT; i++) {
		const emr_option_row *row = emr_option_get((emr_option)i);

		text_line(to, "option", row->name != NULL ? row->name : "", row->help);
	}
	for (int i = 0; i < 256; i++) {
		char code[8];

		snprintf(code, sizeof code, "%d", i);
		text_line(to, "exit code", code, emr_exit_text(i));
	}
	for (int i = 0; i < EMR_STATUS_COUNT; i++)
		text_line(to, "cause", "", emr_status_text((emr_status)i));
	for (int i = 0; i < EMR_CA_FAULTS; i++)
		text_line(to, "cause", "", emr_ca_fault_text((emr_ca_fault)i));
	for (int i = 0; emr_text_word_known((size_t)i) != NULL; i++)
		fprintf(to, "pgettext(\"a word that scripts read\", \"%s\");\n",
			emr_text_word_known((size_t)i));
	return ferror(to) == 0;
}
