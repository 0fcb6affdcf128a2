/* This file writes an entry of the log as a line for people. It asks nobody. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kit/json.h"
#include "kit/language.h"
#include "kit/out.h"
#include "kit/text.h"
#include "report/deeds.h"

#include "deeds_private.h"

/* "saved Imaging/MRI.pdf v3, 63,884 bytes" */
static void put_deed(FILE *to, const json_t *entry)
{
	const json_t *version = json_object_get(entry, "version"),
		     *bytes = json_object_get(entry, "bytes");
	const char *action = emr_json_text_at(entry, "action"),
		   *type = emr_json_text_at(entry, "type");
	char shown[4200], number[EMR_TEXT_BYTES];

	fprintf(to, "%-8s ", emr_text_word(action));
	if (strcmp(type, "directory") == 0)
		fputs(_("folder "), to);
	if (strcmp(type, "link") == 0)
		fputs(_("link "), to);
	if (emr_json_text_at(entry, "from")[0] != '\0') {
		emr_show(emr_json_text_at(entry, "from"), shown, sizeof shown);
		fprintf(to, "%s -> ", shown);
	}
	deeds_put_path(to, entry, _("(a record that was erased)"));
	if (json_is_integer(version) && strcmp(action, "deleted") != 0)
		fprintf(to, " v%lld", (long long)json_integer_value(version));
	if (json_is_integer(bytes) &&
		(strcmp(action, "saved") == 0 || strcmp(action, "restored") == 0)) {
		emr_number_text((uint64_t)json_integer_value(bytes), number);
		fprintf(to,
			emr_text_of((uint64_t)json_integer_value(bytes), ", %s byte", ", %s bytes"),
			number);
	}
}

char *emr_deed_line(const json_t *entry)
{
	char when[EMR_TEXT_BYTES], who[EMR_WHO_TEXT_BYTES];
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	if (to == NULL)
		return NULL;
	emr_time_text((int64_t)json_integer_value(json_object_get(entry, "at_unix")), when);
	deeds_who(entry, who, sizeof who);
	if (emr_dealing_is(entry)) {
		fprintf(to, "%-18s ", when);
		deeds_dealing_line(to, entry);
	} else if (json_is_null(json_object_get(entry, "purpose"))) {
		fprintf(to, "%-18s %s  ", when, who);
		put_deed(to, entry);
		fputs(_("   proven"), to);
	} else {
		fprintf(to, "%-18s %s%s%s%s  ", when, who,
			emr_json_flag_at(entry, "software") ? _(" (software)") : "",
			emr_json_text_at(entry, "purpose")[0] != '\0' ? ", " : "",
			emr_text_word(emr_json_text_at(entry, "purpose")));
		deeds_opening_line(to, entry);
	}
	return fclose(to) == 0 ? text : (free(text), NULL);
}
