/* This file writes an entry of the log as a line for people. It asks nobody. Words of others are
 * quoted so that they cannot look like emrfs's own. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "keyring/card.h"
#include "kit/json.h"
#include "kit/language.h"
#include "kit/out.h"
#include "kit/text.h"
#include "report/deeds.h"

/* NAME, as people read it: "you" and "the owner", which stand in JSON, are words. */
static const char *called(const char *name)
{
	if (strcmp(name, "you") == 0)
		return _("you");
	return strcmp(name, "the owner") == 0 ? _("the owner") : name;
}

/* Only for the owner's own deeds a word of ours is in the place of a name. */
static void put_author(const json_t *entry, char *out, size_t size)
{
	const char *who = emr_json_text_at(entry, "who");

	if (strcmp(who, "you") == 0 || strcmp(who, "the owner") == 0)
		emr_show(called(emr_json_text_at(entry,
				 emr_json_text_at(entry, "name")[0] != '\0' ? "name" : "who")),
			out, size);
	else
		emr_who_json_text(entry, "", out, size);
}

static void put_shown(FILE *to, const char *text, const char *otherwise)
{
	char shown[4200];

	emr_show(text, shown, sizeof shown);
	fputs(shown[0] != '\0' ? shown : otherwise, to);
}

/* The path of ENTRY, or how many files in which folder when it stands for several (folding.c);
 * OTHERWISE when nobody knows it. */
static void put_path(FILE *to, const json_t *entry, const char *otherwise)
{
	const json_t *files = json_object_get(entry, "files");
	const char *path = emr_json_text_at(entry, "path");
	char shown[4200], number[EMR_TEXT_BYTES];

	if (!json_is_integer(files)) {
		put_shown(to, path, otherwise);
		return;
	}
	emr_show(path, shown, sizeof shown);
	emr_number_text((uint64_t)json_integer_value(files), number);
	fprintf(to, emr_text_of((uint64_t)json_integer_value(files), "%s file", "%s files"),
		number);
	if (strcmp(emr_json_text_at(entry, "action"), "left") == 0)
		return;
	if (shown[0] != '\0')
		fprintf(to, _(" in %s"), shown);
	else
		fputs(_(" at the top"), to);
}

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
	put_path(to, entry, _("(a record that was erased)"));
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

/* ---- openings ---- */

#define LATER_S 60 /* between an opening and its report: then both times are told */

static void put_names(FILE *to, const json_t *names)
{
	for (size_t i = 0; i < json_array_size(names); i++) {
		char shown[300];

		emr_show(called(json_string_value(json_array_get(names, i))), shown, sizeof shown);
		fprintf(to, "%s%s", i > 0 ? ", " : "", shown);
	}
}

static void put_what(FILE *to, const json_t *entry)
{
	const json_t *version = json_object_get(entry, "version");
	const char *action = emr_json_text_at(entry, "action");
	const uint64_t opened = emr_json_number_at(entry, "opened_at_unix");
	char number[EMR_TEXT_BYTES];

	fputs(strcmp(action, "listed") == 0 ? _("the names in ") : "", to);
	put_path(to, entry,
		strcmp(emr_json_text_at(entry, "type"), "unknown") == 0
			? _("something (the question cannot be read)")
			: _("a record that was erased"));
	if (json_is_integer(version))
		fprintf(to, " v%lld", (long long)json_integer_value(version));
	if (strcmp(action, "opened") != 0)
		return;
	emr_number_text(emr_json_number_at(entry, "bytes"), number);
	if (emr_json_flag_at(entry, "whole"))
		fputs(_(" (whole)"), to);
	else
		fprintf(to, _(" (%s bytes)"), number);
	/* The line stands where the report came, which may be behind the end of the share. */
	if (opened > 0 && opened + LATER_S <= emr_json_number_at(entry, "at_unix")) {
		emr_time_text((int64_t)opened, number);
		fprintf(to, _(", last on %s"), number);
	}
}

/* "opened MRI.pdf v3 (whole)   reported; ...": what follows who it was. */
static void put_opening(FILE *to, const json_t *entry)
{
	const json_t *names = json_object_get(entry, "released_by");
	const char *action = emr_json_text_at(entry, "action");
	bool is_proven = emr_json_flag_at(entry, "proven");
	char team[300];

	emr_show(emr_json_text_at(entry, "team"), team, sizeof team);
	if (team[0] != '\0')
		fprintf(to, _("for %s "), team);
	fputs(strcmp(action, "released") == 0	 ? _("got the key of ")
		: strcmp(action, "listed") == 0	 ? _("got ")
		: strcmp(action, "asked") == 0	 ? _("asked for ")
		: strcmp(action, "refused") == 0 ? _("was refused: ")
						 : _("opened "),
		to);
	put_what(to, entry);
	fputs(is_proven ? _("   proven") : _("   reported"), to);
	if (json_array_size(names) > 0) {
		fputs(is_proven ? _(", keys by ") : _("; key proven, by "), to);
		put_names(to, names);
	} else if (strcmp(action, "asked") == 0) {
		fputs(_(", nobody gave the key"), to);
	}
	if (is_proven)
		fprintf(to, _(", entry %.*s"), (int)strcspn(emr_json_text_at(entry, "tx"), ":"),
			emr_json_text_at(entry, "tx"));
}

/* ---- dealings ---- */

static void put_with(FILE *to, const json_t *entry)
{
	char with[EMR_WHO_TEXT_BYTES];

	emr_who_json_text(json_object_get(entry, "with"), _("somebody"), with, sizeof with);
	fputs(with, to);
}

static void put_share(FILE *to, const json_t *entry)
{
	put_shown(to, emr_json_text_at(entry, "path"), _("a record that was erased"));
	fputs(_(" with "), to);
	put_with(to, entry);
}

/* ", to read until 20 Dec 2026, for treatment" */
static void put_terms(FILE *to, const json_t *entry)
{
	const char *rights = emr_json_text_at(entry, "rights"),
		   *purpose = emr_json_text_at(entry, "purpose");
	json_int_t until = json_integer_value(json_object_get(entry, "until_unix"));
	char when[EMR_TEXT_BYTES];

	fputs(strcmp(rights, "guardian") == 0	 ? _(", as a guardian")
		: strcmp(rights, "write") == 0	 ? _(", to read and change")
		: strcmp(rights, "deposit") == 0 ? _(", to leave files there")
						 : _(", to read"),
		to);
	emr_time_text(until, when);
	if (until >= (json_int_t)EMR_FOREVER_UNIX_S)
		fputs(_(" for ever"), to);
	else
		fprintf(to, _(" until %s"), when);
	if (purpose[0] != '\0')
		fprintf(to, _(", for %s"), emr_text_word(purpose));
	if (strcmp(emr_json_text_at(entry, "away"), "own") == 0)
		fputs(_(", keys also by your own organisation"), to);
}

/* Whose words they are must be seen: nothing in them ends the quotes. */
static void put_quoted(FILE *to, const char *text)
{
	char shown[4200];

	emr_show(text, shown, sizeof shown);
	for (char *at = shown; *at != '\0'; at++)
		*at = *at == '"' ? '\'' : *at;
	fprintf(to, "\"%s\"", shown);
}

static void put_answer(FILE *to, const json_t *entry, bool is_yes)
{
	const char *path = emr_json_text_at(entry, "path");

	fputs(is_yes ? _("said yes to a request of ") : _("said no to a request of "), to);
	put_with(to, entry);
	if (path[0] == '\0')
		return;
	fputs(_(", for "), to);
	if (is_yes)
		put_shown(to, path, "");
	else
		put_quoted(to, path);
}

/* "letter.txt in the Inbox of ana (I7Z4KQ2M) (gives the name Silva, Ana 1984-03-12)" */
static void put_left(FILE *to, const json_t *entry)
{
	const json_t *with = json_object_get(entry, "with");
	char shown[256], own[512];
	const char *born = emr_json_text_at(with, "born"), *into = emr_json_text_at(entry, "into"),
		   *says = emr_json_text_at(with, "says"),
		   *name = emr_json_text_at(
			   with, emr_json_text_at(with, "name")[0] != '\0' ? "name" : "who");

	put_path(to, entry, _("a file (its name cannot be read)"));
	fputs(strcmp(into, "Inbox") == 0 ? _(" in the ") : _(" in "), to);
	put_shown(to, into, _("a folder"));
	fputs(_(" of "), to);
	put_shown(to, name, _("somebody whose card is not here"));
	if (strstr(name, emr_json_text_at(with, "code")) == NULL)
		fprintf(to, " (%s)", emr_json_text_at(with, "code"));
	emr_name_says(emr_bytes_of(says, strlen(says)), name, shown, sizeof shown);
	snprintf(own, sizeof own, "%s%s%s", shown, shown[0] != '\0' && born[0] != '\0' ? " " : "",
		born);
	if (own[0] != '\0')
		fprintf(to, _(" (gives the name %s)"), own);
}

/* "Ana Silva  shared   Imaging with Paula Lima, São Lucas, to read until 20 Dec 2026, for treatment
 * proven, entry 41": what follows the time. */
static void put_dealing(FILE *to, const json_t *entry, const char *who)
{
	const char *action = emr_json_text_at(entry, "action");

	if (strcmp(action, "emergency") == 0) {
		put_with(to, entry);
		fputs(_("  said of an emergency, to read "), to);
		put_shown(to, emr_json_text_at(entry, "path"), _("a record that was erased"));
		fputs(": ", to);
		put_quoted(to, emr_json_text_at(entry, "reason"));
		fputs(_("   proven"), to);
		return;
	}
	if (strcmp(action, "expired") != 0)
		fprintf(to, "%s  ", who);
	if (strcmp(action, "expired") == 0) {
		fputs(_("the share of "), to);
		put_share(to, entry);
		fputs(_(" ended (its time was over)"), to);
	} else if (strcmp(action, "shared") == 0) {
		fputs(_("shared   "), to);
		put_share(to, entry);
		put_terms(to, entry);
	} else if (strcmp(action, "ended") == 0) {
		bool goes_on = emr_json_flag_at(entry, "goes_on");

		fputs(goes_on ? _("ended    an earlier share of ") : _("ended    the share of "),
			to);
		put_share(to, entry);
		fputs(goes_on ? _("; another goes on") : "", to);
	} else if (strcmp(action, "left") == 0) {
		fputs(_("left     "), to);
		put_left(to, entry);
	} else {
		put_answer(to, entry, strcmp(action, "approved") == 0);
	}
	fputs(_("   proven"), to);
}

/* ---- all ---- */

char *emr_deed_line(const json_t *entry)
{
	char when[EMR_TEXT_BYTES], who[EMR_WHO_TEXT_BYTES];
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	if (to == NULL)
		return NULL;
	emr_time_text((int64_t)json_integer_value(json_object_get(entry, "at_unix")), when);
	put_author(entry, who, sizeof who);
	if (emr_dealing_is(entry)) {
		fprintf(to, "%-18s ", when);
		put_dealing(to, entry, who);
	} else if (json_is_null(json_object_get(entry, "purpose"))) {
		fprintf(to, "%-18s %s  ", when, who);
		put_deed(to, entry);
		fputs(_("   proven"), to);
	} else {
		fprintf(to, "%-18s %s%s%s%s  ", when, who,
			emr_json_flag_at(entry, "software") ? _(" (software)") : "",
			emr_json_text_at(entry, "purpose")[0] != '\0' ? ", " : "",
			emr_text_word(emr_json_text_at(entry, "purpose")));
		put_opening(to, entry);
	}
	return fclose(to) == 0 ? text : (free(text), NULL);
}
