/* This file makes the entries of the log: what was done, by whom, with which path, as JSON has
 * them. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "keyring/card.h"
#include "kit/json.h"
#include "kit/out.h"
#include "kit/purposes.h"
#include "kit/text.h"
#include "share/write.h"

#include "deeds_private.h"

/* The words that every entry has; zeros stand for nothing, and so does NULL. */
typedef struct entry_words {
	uint64_t seq, at;
	emr_id32 batch_id;
	bool in_annex;
	const emr_who *who;  /* NULL: the owner */
	const char *own;     /* what the owner is called */
	const char *team;    /* NULL: no member */
	const char *purpose; /* NULL: of an event, which has no software either */
	const char *action, *path, *from;
	uint8_t type;	  /* emr_meta_type */
	uint64_t version; /* 0: none */
	bool has_bytes, has_whole, is_whole, is_software, is_proven, is_guardian;
	uint64_t bytes;
	json_t *released_by; /* taken; NULL: no memory */
} entry_words;

static json_t *text_or_null(const char *text)
{
	return text != NULL ? emr_json_text(text) : json_null();
}

static json_t *entry_json(const entry_words *w)
{
	const emr_who *who = w->who;
	char at[EMR_TEXT_BYTES], tx[96], id[65];

	emr_time_json((int64_t)w->at, at);
	emr_hex(w->batch_id.b, sizeof w->batch_id.b, id);
	/* Of the ledger before a join: its numbers begin again on the other. */
	snprintf(tx, sizeof tx, "%s%" PRIu64 ":%s", w->in_annex ? "annex/" : "", w->seq, id);
	return json_pack("{s:s, s:o, s:o, s:o, s:o, s:s*, s:s?, s:s, s:s, s:o, s:o, s:o, s:o, s:o, "
			 "s:o, s:b, s:o, s:s, s:I, s:b}",
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
		w->is_proven, "released_by", w->released_by, "tx", tx, "at_unix", (json_int_t)w->at,
		"guardian", w->is_guardian);
}

static bool is_guardian(const emr_openings *openings, const emr_who *who)
{
	return emr_buf_has(&openings->guardians, emr_bytes_of(&who->root, sizeof who->root));
}

/* ---- openings ---- */

static json_t *released_by(const emr_openings *openings, const emr_told *told)
{
	const emr_audit_entry *o = told->opening;
	json_t *list = json_array();
	int failed = list == NULL;

	if (o->is_by_owner)
		failed |= json_array_append_new(
			list, json_string(told->is_staff ? "the owner" : "you"));
	for (unsigned i = 0; i < o->given_count; i++) {
		size_t who = 0;
		const emr_who *agent = openings_person(openings, o->given[i], told->seq, &who)
					       ? &openings->people[who]
					       : NULL;

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

static json_t *opening_json(const emr_openings *openings, const emr_told *told)
{
	/* The second: names alone, or refused. */
	static const char *const actions[][2] = {[EMR_AUDIT_ASKED] = {"asked", "asked"},
		[EMR_AUDIT_RELEASED] = {"released", "listed"},
		[EMR_AUDIT_OPENED] = {"opened", "refused"}};
	const emr_audit_entry *o = told->opening;
	bool is_opened = o->kind == EMR_AUDIT_OPENED;
	char purpose[EMR_PURPOSES_TEXT_BYTES] = "";
	json_t *entry;
	int failed;

	if (o->is_readable)
		emr_purposes_text((uint32_t)1 << (o->purpose & 31), purpose);
	entry = entry_json(&(entry_words){.seq = told->seq,
		.at = told->at,
		.batch_id = o->batch_id,
		.who = &openings->people[told->who],
		.purpose = purpose,
		.action = actions[o->kind][told_is_names(told) || (is_opened && o->opened.refused)],
		.type = told_is_names(told) ? EMR_META_DIR
			: o->is_readable    ? EMR_META_FILE
					    : 0,
		.path = told->path,
		.version = told->cver,
		.has_bytes = is_opened,
		.bytes = o->opened.bytes,
		.has_whole = is_opened,
		.is_whole = o->opened.whole,
		.is_guardian = is_guardian(openings, &openings->people[told->who]),
		.is_software = o->reader == EMR_READER_SOFTWARE,
		.is_proven = !is_opened,
		.released_by = released_by(openings, told)});
	failed = json_object_set_new(entry, "team",
		emr_json_text(
			told->team != EMR_NO_TEAM ? openings->people[told->team].called : ""));
	if (is_opened) {
		char at[EMR_TEXT_BYTES] = "";

		if (o->opened.last <= told->at) /* else its clock is wrong, or it lies */
			emr_time_json((int64_t)o->opened.last, at);
		failed |= json_object_set_new(entry, "opened", json_integer(o->opened.opens));
		failed |= json_object_set_new(entry, "opened_at", json_string(at));
		failed |= json_object_set_new(
			entry, "opened_at_unix", json_integer((json_int_t)o->opened.last));
	}
	if (told->records > 0) {
		failed |= json_object_set_new(entry, "records", json_integer(told->records));
		failed |= json_object_set_new(entry, "folder", json_string(told->folder));
	}
	return failed == 0 ? entry : (json_decref(entry), NULL);
}

/* ---- dealings ---- */

/* Which of two patients of one name it was. */
static int add_left(json_t *entry, const emr_told *dealing, const emr_who *who)
{
	json_t *with = json_object_get(entry, "with");
	char code[EMR_KEY_CODE_MAX + 1] = "", id[65] = "";
	int failed = json_object_set_new(entry, "into", emr_json_text(dealing->into));

	if (who->called[0] != '\0') {
		emr_key_code(who->id, EMR_KEY_CODE_SHOWN, code);
		emr_hex(who->id.b, sizeof who->id.b, id);
	}
	failed |= json_object_set_new(with, "born", emr_json_text(who->born));
	failed |= json_object_set_new(with, "code", json_string(code));
	failed |= json_object_set_new(with, "id", json_string(id));
	if (dealing->path != NULL)
		failed |= json_object_set_new(
			entry, "bytes", json_integer((json_int_t)dealing->bytes));
	return failed;
}

/* Of a share alone, and of none that only takes files. */
static const char *away_of(const emr_share_dealing *said)
{
	bool is_read = said->kind == EMR_DEALING_SHARED && emr_rights_shown(said->rights) != 0;

	return is_read ? emr_away_word(emr_away_asked(said->rights)) : "";
}

static uint64_t shown_until(const emr_share_dealing *said)
{
	return said->until_unix_s < EMR_FOREVER_UNIX_S ? said->until_unix_s : EMR_FOREVER_UNIX_S;
}

json_t *emr_dealing_json(
	const emr_told *dealing, const emr_who *who, const emr_who *by, const char *own)
{
	static const char *const actions[] = {[EMR_DEALING_SHARED] = "shared",
		[EMR_DEALING_ENDED] = "ended",
		[EMR_DEALING_EXPIRED] = "expired",
		[EMR_DEALING_APPROVED] = "approved",
		[EMR_DEALING_DENIED] = "denied",
		[EMR_DEALING_EMERGENCY] = "emergency",
		[EMR_DEALING_LEFT] = "left"};
	static const char *const kinds[] = {[EMR_WHO_PERSON] = "person",
		[EMR_WHO_TEAM] = "team",
		[EMR_WHO_ORGANISATION] = "organisation"};
	const emr_share_dealing *said = &dealing->dealing;
	char until[EMR_TEXT_BYTES] = "", purposes[EMR_PURPOSES_TEXT_BYTES] = "";
	json_t *entry, *with;

	if (said->until_unix_s > 0)
		emr_time_json((int64_t)shown_until(said), until);
	if (said->purposes != 0)
		emr_purposes_text(said->purposes, purposes);
	entry = entry_json(&(entry_words){.seq = said->seq,
		.at = said->at,
		.batch_id = said->batch_id,
		.who = by,
		.is_guardian = by != NULL,
		.own = own,
		.team = "",
		.purpose = purposes,
		.action = actions[said->kind],
		.type = dealing->type == EMR_META_SYMLINK ? 0 : dealing->type,
		.path = dealing->path,
		.is_proven = true,
		.released_by = json_array()});
	with = json_pack("{s:o, s:o, s:o, s:o, s:s}", "who", emr_json_text(who->called), "name",
		emr_json_text(who->name), "organisation", emr_json_text(who->organisation), "says",
		emr_json_text(who->says), "kind", kinds[who->kind]);
	if (json_object_update_new(entry,
		    json_pack("{s:o, s:s, s:s, s:s, s:I, s:b}", "with", with, "away", away_of(said),
			    "rights", said->rights != 0 ? emr_rights_word(said->rights) : "",
			    "until", until, "until_unix",
			    (json_int_t)(said->until_unix_s > 0 ? shown_until(said) : 0), "goes_on",
			    said->goes_on)) == 0 &&
		(said->kind != EMR_DEALING_LEFT || add_left(entry, dealing, who) == 0) &&
		(said->kind != EMR_DEALING_EMERGENCY ||
			json_object_set_new(entry, "reason", emr_json_text(dealing->into)) == 0))
		return entry;
	json_decref(entry);
	return NULL;
}

bool emr_dealing_is(const json_t *entry)
{
	return json_is_object(json_object_get(entry, "with"));
}

/* ---- all ---- */

json_t *emr_deeds_entry(const emr_session *session, const emr_deeds *deeds, const emr_event *event,
	const emr_told *told)
{
	static const char *const actions[] = {[EMR_DEED_MADE] = "made",
		[EMR_DEED_SAVED] = "saved",
		[EMR_DEED_RENAMED] = "renamed",
		[EMR_DEED_CHANGED] = "changed",
		[EMR_DEED_DELETED] = "deleted",
		[EMR_DEED_RESTORED] = "restored",
		[EMR_DEED_ERASED] = "erased"};
	const char *own = session->profile.name[0] != '\0' ? session->profile.name : "you";
	const emr_author *author;
	bool is_file, is_others;

	if (event == NULL && told->opening != NULL)
		return opening_json(&deeds->openings, told);
	if (event == NULL)
		return emr_dealing_json(told, &deeds->openings.people[told->who],
			told->by != EMR_NO_TEAM ? &deeds->openings.people[told->by] : NULL, own);
	/* By the name of then. */
	author = emr_authors_known(&deeds->authors, event->signer_id, event_seq(event));
	is_file = event->type == EMR_META_FILE && event->path != NULL;
	is_others = author != NULL && !author->is_me;
	return entry_json(&(entry_words){.seq = event->seq,
		.at = event->time_unix_s,
		.batch_id = event->batch_id,
		.in_annex = event->in_annex,
		.who = is_others ? &author->who : NULL,
		.is_guardian = is_others && is_guardian(&deeds->openings, &author->who),
		.own = own,
		.team = "",
		.action = actions[event->deed],
		.type = event->type,
		.path = event->path,
		.from = event->from,
		.version = is_file ? event->cver : 0,
		.has_bytes = is_file,
		.bytes = event->bytes,
		.is_proven = true,
		.released_by = json_array()});
}

void emr_deed_strip(json_t *entry)
{
	(void)json_object_del(entry, "at_unix");
	(void)json_object_del(entry, "opened_at_unix");
	(void)json_object_del(entry, "until_unix");
}
