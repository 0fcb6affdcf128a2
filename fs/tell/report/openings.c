/* This file writes, for the log, who asked for keys of records, who released them, and what was
 * reported as opened, as JSON and for people. */
#include <stdio.h>
#include <string.h>

#include "kit/json.h"
#include "kit/language.h"
#include "kit/out.h"
#include "kit/purposes.h"
#include "kit/text.h"

#include "deeds_private.h"

static const char *action_of(const emr_told *told)
{
	switch (told->opening->kind) {
	case EMR_AUDIT_ASKED:
		return "asked";
	case EMR_AUDIT_RELEASED:
		return told_is_names(told) ? "listed" : "released";
	case EMR_AUDIT_OPENED:
		return told->opening->opened.refused ? "refused" : "opened";
	}
	return "?";
}

static const emr_who *person_of(const emr_openings *openings, emr_id32 id)
{
	for (size_t i = 0; i < openings->n_people; i++) {
		if (emr_id32_equal(openings->people[i].id, id) ||
			emr_id32_equal(openings->people[i].root, id))
			return &openings->people[i];
	}
	return NULL;
}

static json_t *released_by(const emr_openings *openings, const emr_told *told)
{
	const emr_audit_entry *o = told->opening;
	json_t *list = json_array();
	int failed = list == NULL;

	if (o->is_by_owner)
		failed |= json_array_append_new(
			list, json_string(told->is_staff ? "the owner" : "you"));
	for (unsigned i = 0; i < o->given_count; i++) {
		const emr_who *agent = person_of(openings, o->given[i]);

		failed |= json_array_append_new(
			list, emr_json_text(agent == NULL		     ? "?"
					    : agent->organisation[0] != '\0' ? agent->organisation
									     : agent->called));
	}
	if (failed) {
		json_decref(list);
		return NULL;
	}
	return list;
}

json_t *deeds_opening_json(const emr_openings *openings, const emr_told *told)
{
	const emr_audit_entry *o = told->opening;
	bool is_opened = o->kind == EMR_AUDIT_OPENED;
	char purpose[EMR_PURPOSES_TEXT_BYTES] = "";
	json_t *entry;
	int failed;

	if (o->is_readable)
		emr_purposes_text((uint32_t)1 << (o->purpose & 31), purpose);
	entry = deeds_json(&(entry_words){.seq = told->seq,
		.at = told->at,
		.batch_id = o->batch_id,
		.who = &openings->people[told->who],
		.purpose = purpose,
		.action = action_of(told),
		.type = told_is_names(told) ? EMR_META_DIR
			: o->is_readable    ? EMR_META_FILE
					    : 0,
		.path = told->path,
		.version = told->cver,
		.has_bytes = is_opened,
		.bytes = o->opened.bytes,
		.has_whole = is_opened,
		.is_whole = o->opened.whole,
		.is_software = o->reader == EMR_READER_SOFTWARE,
		.is_proven = !is_opened,
		.released_by = released_by(openings, told)});
	failed = json_object_set_new(entry, "team",
		emr_json_text(
			told->team != EMR_NO_TEAM ? openings->people[told->team].called : ""));
	if (is_opened)
		failed |= json_object_set_new(entry, "opened", json_integer(o->opened.opens));
	if (told->records > 0) {
		failed |= json_object_set_new(entry, "records", json_integer(told->records));
		failed |= json_object_set_new(entry, "folder", json_string(told->folder));
	}
	return failed == 0 ? entry : (json_decref(entry), NULL);
}

static void put_names(FILE *to, const json_t *names)
{
	for (size_t i = 0; i < json_array_size(names); i++) {
		char shown[300];

		emr_show(deeds_called(json_string_value(json_array_get(names, i))), shown,
			sizeof shown);
		fprintf(to, "%s%s", i > 0 ? ", " : "", shown);
	}
}

static void put_what(FILE *to, const json_t *entry)
{
	const json_t *version = json_object_get(entry, "version");
	const char *action = emr_json_text_at(entry, "action");
	char number[EMR_TEXT_BYTES];

	fputs(strcmp(action, "listed") == 0 ? _("the names in ") : "", to);
	deeds_put_path(to, entry,
		strcmp(emr_json_text_at(entry, "type"), "unknown") == 0
			? _("something (the question cannot be read)")
			: _("a record that was erased"));
	if (json_is_integer(version))
		fprintf(to, " v%lld", (long long)json_integer_value(version));
	if (strcmp(action, "opened") != 0)
		return;
	if (emr_json_flag_at(entry, "whole")) {
		fputs(_(" (whole)"), to);
		return;
	}
	emr_number_text(emr_json_number_at(entry, "bytes"), number);
	fprintf(to, _(" (%s bytes)"), number);
}

void deeds_opening_line(FILE *to, const json_t *entry)
{
	const json_t *names = json_object_get(entry, "released_by");
	const char *action = emr_json_text_at(entry, "action");
	bool is_proven = emr_json_flag_at(entry, "proven");
	char team[300];

	emr_show(emr_json_text_at(entry, "team"), team, sizeof team);
	if (team[0] != '\0')
		fprintf(to, _("for %s "), team);
	if (strcmp(action, "released") == 0)
		fputs(_("got the key of "), to);
	else if (strcmp(action, "listed") == 0)
		fputs(_("got "), to);
	else if (strcmp(action, "asked") == 0)
		fputs(_("asked for "), to);
	else if (strcmp(action, "refused") == 0)
		fputs(_("was refused: "), to);
	else
		fputs(_("opened "), to);
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
