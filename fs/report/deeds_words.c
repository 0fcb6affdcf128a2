/* This file writes an entry about a record (saved, renamed, removed ...) as JSON, and any entry
 * of the log as a line for people. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kit/json.h"
#include "kit/language.h"
#include "kit/out.h"
#include "kit/text.h"
#include "report/deeds.h"

#include "deeds_private.h"

const char *emr_deed_text(emr_deed deed)
{
	switch (deed) {
	case EMR_DEED_MADE:
		return "made";
	case EMR_DEED_SAVED:
		return "saved";
	case EMR_DEED_RENAMED:
		return "renamed";
	case EMR_DEED_CHANGED:
		return "changed";
	case EMR_DEED_DELETED:
		return "deleted";
	case EMR_DEED_RESTORED:
		return "restored";
	case EMR_DEED_ERASED:
		return "erased";
	}
	return "?";
}

static json_t *path_json(const char *path)
{
	return path != NULL ? emr_json_text(path) : json_null();
}

static json_t *number_json(uint64_t number, bool has_it)
{
	return has_it ? json_integer((json_int_t)number) : json_null();
}

const char *deeds_own_name(const emr_session *session)
{
	return session->profile.name[0] != '\0' ? session->profile.name : "you";
}

const char *deeds_called(const char *name)
{
	if (strcmp(name, "you") == 0)
		return _("you");
	return strcmp(name, "the owner") == 0 ? _("the owner") : name;
}

/* Only for the owner's own deeds a word of ours is in the place of a name. */
void deeds_who(const json_t *entry, char *out, size_t size)
{
	const char *who = emr_json_text_at(entry, "who");

	if (strcmp(who, "you") == 0 || strcmp(who, "the owner") == 0)
		emr_show(deeds_called(emr_json_text_at(entry,
				 emr_json_text_at(entry, "name")[0] != '\0' ? "name" : "who")),
			out, size);
	else
		emr_who_json_text(entry, "", out, size);
}

/* What says whole, software and purpose is for openings. */
json_t *deeds_event_json(const emr_session *session, const emr_deeds *deeds, const emr_event *e)
{
	const emr_author *author = emr_deeds_author(deeds, e);
	const char *name = author == NULL ? deeds_own_name(session) : author->who.name;
	bool is_file = e->type == EMR_META_FILE && e->path != NULL;
	char at[EMR_TEXT_BYTES], tx[96], id[65];

	emr_time_json((int64_t)e->time_unix_s, at);
	emr_hex(e->batch_id.b, sizeof e->batch_id.b, id);
	/* Of the ledger before a join: its numbers begin anew on the other. */
	snprintf(tx, sizeof tx, "%s%" PRIu64 ":%s", e->in_annex ? "annex/" : "", e->seq, id);
	return json_pack("{s:s, s:o, s:o, s:o, s:o, s:s, s:n, s:s, s:s, s:o, s:o, s:o, s:o, s:n, "
			 "s:n, s:b, s:[], s:s, s:I}",
		"at", at, "who", emr_json_text(author == NULL ? "you" : author->who.called), "name",
		emr_json_text(name), "organisation",
		author == NULL ? json_null() : emr_json_text(author->who.organisation), "says",
		emr_json_text(author == NULL ? "" : author->who.says), "team", "", "purpose",
		"action", emr_deed_text((emr_deed)e->deed), "type",
		e->type == EMR_META_FILE      ? "file"
		: e->type == EMR_META_DIR     ? "directory"
		: e->type == EMR_META_SYMLINK ? "link"
					      : "unknown",
		"path", path_json(e->path), "from", path_json(e->from), "version",
		number_json(e->cver, is_file && e->cver > 0), "bytes",
		number_json(e->bytes, is_file), "whole", "software", "proven", 1, "released_by",
		"tx", tx, "at_unix", (json_int_t)e->time_unix_s);
}

void emr_deed_strip(json_t *entry)
{
	(void)json_object_del(entry, "at_unix");
	(void)json_object_del(entry, "until_unix");
}

void deeds_put_path(FILE *to, const json_t *entry, const char *otherwise)
{
	const json_t *files = json_object_get(entry, "files");
	const char *path = emr_json_text_at(entry, "path");
	char shown[4200], number[EMR_TEXT_BYTES];

	emr_show(path, shown, sizeof shown);
	if (!json_is_integer(files)) {
		fputs(shown[0] != '\0' ? shown : otherwise, to);
		return;
	}
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
		emr_dealing_line(to, entry);
	} else if (json_is_null(json_object_get(entry, "purpose"))) {
		fprintf(to, "%-18s %s  ", when, who);
		put_deed(to, entry);
		fprintf(to, _("   proven, entry %.*s"),
			(int)strcspn(emr_json_text_at(entry, "tx"), ":"),
			emr_json_text_at(entry, "tx"));
	} else {
		fprintf(to, "%-18s %s%s%s%s  ", when, who,
			json_is_true(json_object_get(entry, "software")) ? _(" (software)") : "",
			emr_json_text_at(entry, "purpose")[0] != '\0' ? ", " : "",
			emr_text_word(emr_json_text_at(entry, "purpose")));
		emr_opening_line(to, entry);
	}
	return fclose(to) == 0 ? text : (free(text), NULL);
}
