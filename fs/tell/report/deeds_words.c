/* This file has the words of the log: what was done, by whom, with which path, as JSON has them
 * and as people read them. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "kit/json.h"
#include "kit/language.h"
#include "kit/out.h"
#include "kit/text.h"

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

static json_t *text_or_null(const char *text)
{
	return text != NULL ? emr_json_text(text) : json_null();
}

json_t *deeds_json(const entry_words *w)
{
	const emr_who *who = w->who;
	char at[EMR_TEXT_BYTES], tx[96], id[65];

	emr_time_json((int64_t)w->at, at);
	emr_hex(w->batch_id.b, sizeof w->batch_id.b, id);
	/* Of the ledger before a join: its numbers begin again on the other. */
	snprintf(tx, sizeof tx, "%s%" PRIu64 ":%s", w->in_annex ? "annex/" : "", w->seq, id);
	return json_pack("{s:s, s:o, s:o, s:o, s:o, s:s*, s:s?, s:s, s:s, s:o, s:o, s:o, s:o, s:o, "
			 "s:o, s:b, s:o, s:s, s:I}",
		"at", at, "who", emr_json_text(who != NULL ? who->called : "you"), "name",
		emr_json_text(who != NULL ? who->name : w->own), "organisation",
		text_or_null(who != NULL ? who->organisation : NULL), "says",
		emr_json_text(who != NULL ? who->says : ""), "team", w->team, "purpose", w->purpose,
		"action", w->action, "type",
		w->type == EMR_META_FILE      ? "file"
		: w->type == EMR_META_DIR     ? "directory"
		: w->type == EMR_META_SYMLINK ? "link"
					      : "unknown",
		"path", text_or_null(w->path), "from", text_or_null(w->from), "version",
		w->version > 0 ? json_integer((json_int_t)w->version) : json_null(), "bytes",
		w->has_bytes ? json_integer((json_int_t)w->bytes) : json_null(), "whole",
		w->has_whole ? json_boolean(w->is_whole) : json_null(), "software",
		w->purpose != NULL ? json_boolean(w->is_software) : json_null(), "proven",
		w->is_proven, "released_by", w->released_by, "tx", tx, "at_unix",
		(json_int_t)w->at);
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
