/* This file says what the terms of a dataset have of what a committee asks, and who reads it,
 * until when, and who agreed to what. */
#include <stdio.h>
#include <string.h>

#include "kit/json.h"
#include "kit/language.h"
#include "kit/text.h"
#include "people/who.h"
#include "share/terms.h"
#include "verbs/cmd.h"

#include "verbs_private.h"

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
