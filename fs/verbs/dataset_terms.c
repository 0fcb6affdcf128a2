/* This file says what the terms of a dataset have of tables, and of what a committee asks: who
 * reads it, until when, and who agreed to what. */
#include <stdio.h>
#include <string.h>

#include "kit/json.h"
#include "kit/language.h"
#include "kit/text.h"
#include "people/who.h"
#include "share/terms.h"
#include "verbs/cmd.h"

#include "verbs_private.h"

/* One column of tables: what it may hold, and what of that could still name somebody. */
static void say_column(emr_out *out, const char *name, const json_t *kind, bool without_dates)
{
	char column[300], codes[EMR_TERMS_COLUMN_WORDS_MAX + 100] = "";
	const char *word = json_string_value(kind);

	emr_show(name, column, sizeof column);
	for (size_t i = 0; i < json_array_size(kind); i++)
		snprintf(codes + strlen(codes), sizeof codes - strlen(codes), "%s%s",
			i > 0 ? ", " : "", json_string_value(json_array_get(kind, i)));
	if (word == NULL)
		emr_say(out, "    %s: %s, and nothing else\n", column, codes);
	else if (strcmp(word, "number") == 0)
		emr_say(out,
			"    %s: numbers of up to seven digits, six of them before the point, "
			"further "
			"decimals cut; a year, a postcode or a short number of yours would stay\n",
			column);
	else if (strcmp(word, "date") == 0)
		emr_say(out, "    %s: %s\n", column,
			without_dates ? _("dates, of which none stays")
				      : _("dates, moved as all others"));
	else
		emr_say(out,
			"    %s: single letters, and codes with digits and at most three letters "
			"in a row; initials or a month with a year, or a postcode, would stay\n",
			column);
}

void dataset_say_columns(emr_out *out, const json_t *one)
{
	json_t *columns = json_object_get(one, "columns"), *kind;
	bool without_dates = strcmp(emr_json_text_at(one, "dates"), "removed") == 0;
	const char *name;

	if (json_object_size(columns) > 0)
		emr_say(out, "  Of tables (CSV) these columns stay, and of each cell only what "
			     "is said here:\n");
	json_object_foreach(columns, name, kind) say_column(out, name, kind, without_dates);
}

void dataset_say_readers(emr_out *out, const json_t *list)
{
	const json_t *reader;
	size_t i;

	json_array_foreach(list, i, reader)
	{
		char who[EMR_WHO_TEXT_BYTES], since[EMR_TEXT_BYTES], until[EMR_TEXT_BYTES],
			end[EMR_TEXT_BYTES], agreed[EMR_TEXT_BYTES];
		const char *code = emr_json_text_at(reader, "code");

		emr_who_json_text(reader, "", who, sizeof who);
		emr_moment_text(emr_json_text_at(reader, "since"), since);
		emr_moment_text(emr_json_text_at(reader, "until"), until);
		emr_moment_text(emr_json_text_at(reader, "admitted_until"), end);
		emr_moment_text(emr_json_text_at(reader, "agreed"), agreed);
		if (until[0] != '\0')
			emr_say(out, "  %s (%s) read it, from %s to %s\n", who, code, since, until);
		else
			emr_say(out, "  %s (%s) reads it, since %s, admitted until %s\n", who, code,
				since, end);
		if (agreed[0] != '\0')
			emr_say(out, "    signed the agreement, %s\n", agreed);
	}
}

void dataset_say_words(emr_out *out, const json_t *one)
{
	static const char *const labels[EMR_TERMS_WORDS] = {N_("Contact"), N_("Ethics approval"),
		N_("Licence"), N_("Funder"), N_("DOI"), N_("Data use (DUO)"),
		N_("Agreement that each reader signs (SHA-256)")};
	char text[EMR_TERMS_LINE_MAX + 100];

	for (size_t i = 0; i < EMR_TERMS_WORDS; i++) {
		emr_show(emr_json_text_at(one, emr_terms_word(i)), text, sizeof text);
		if (text[0] != '\0')
			emr_say(out, "  %s: %s\n", _(labels[i]), text);
	}
}
