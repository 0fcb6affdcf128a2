/* This file tells, for the log, who asked for keys of records, who released them, and what was
 * reported as opened, with the names and versions of that time. */
#include "report/openings.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/clock.h"
#include "contract/codes.h"
#include "kit/json.h"
#include "kit/language.h"
#include "kit/out.h"
#include "kit/purposes.h"
#include "kit/text.h"
#include "sharing/sharing.h"

#include "deeds_private.h"

/* ---- entries ---- */

/* The row's version is the item's; which entry it came with tells the version of the content. */
static uint64_t seq_of_item(const gathering *g, const emr_audit_entry *entry)
{
	EMR_AUTO_BUF bytes = {0};
	emr_part_key key = {.family = EMR_FAMILY_OBJECT,
		.domain = g->domain,
		.object = entry->slot.object_id,
		.version = entry->slot.version};
	emr_replica_item item;

	if (emr_replica_item_get(g->session->replica, &key, &bytes, &item) != EMR_OK)
		return entry->seq; /* not of ours: as it was then */
	return item.seq;
}

static emr_status note_audit_entry(gathering *g, const emr_audit_entry *entry)
{
	emr_opening *one;
	emr_story story;
	size_t who = 0;

	if (entry->ledger_time < g->since ||
		(entry->kind == EMR_AUDIT_ASKED && g->now < entry->ledger_time + UNANSWERED_S))
		return EMR_OK;
	EMR_TRY(gathering_person(g, entry->who, entry->seq, &who));
	EMR_TRY(gathering_add(g, entry, &one));
	one->who = who;
	if (entry->is_readable) {
		emr_id16 object = one->is_names ? g->domain : one->object;

		one->cver = one->is_names
				    ? 0
				    : seq_of_item(g, entry); /* until name_all has the version */
		one->has_subject =
			emr_chronicle_story(g->session->chronicle, object, &story) == EMR_OK;
		one->subject = one->has_subject ? story.subject : 0;
	}
	g->out->n++;
	return EMR_OK;
}

static emr_status note_domain(gathering *g, emr_id16 domain)
{
	EMR_AUTO_BUF entries = {0};
	uint64_t damaged = 0;
	emr_status status;

	g->domain = domain;
	status = emr_share_audit(g->share, domain, &entries, &damaged);
	if (status != EMR_OK) /* kept here, and another's */
		return status == EMR_DENIED || status == EMR_NOT_FOUND ? EMR_OK : status;
	EMR_EACH (const emr_audit_entry, entry, &entries)
		EMR_TRY(note_audit_entry(g, entry));
	g->out->damaged += damaged;
	return EMR_OK;
}

/* ---- names and versions at the time ---- */

typedef struct naming {
	emr_opening **by_subject;
	size_t n;
	emr_status status;
} naming;

static int compare_subjects(const void *a, const void *b)
{
	const emr_opening *const *one = a, *const *other = b;

	return (*one)->subject < (*other)->subject ? -1 : (*one)->subject > (*other)->subject;
}

static size_t first_of(const naming *n, uint32_t subject)
{
	size_t low = 0, high = n->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (n->by_subject[middle]->subject < subject)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* While this runs, item_version is the entry that the content came with, and cver what is known so
 * far. */
static emr_status name_by(const naming *n, const emr_event *event)
{
	for (size_t i = first_of(n, event->subject);
		i < n->n && n->by_subject[i]->subject == event->subject; i++) {
		emr_opening *one = n->by_subject[i];

		if (event->cver > 0 && event->seq <= one->item_version)
			one->cver = event->cver;
		if (event->seq > one->seq || event->path == NULL)
			continue;
		if (!openings_name(&one->path, event->path))
			return EMR_NO_MEMORY;
	}
	return EMR_OK;
}

static emr_status name_all(const emr_session *session, emr_openings *o)
{
	naming n = {.by_subject = calloc(o->n + 1, sizeof *n.by_subject)};
	uint64_t *versions = calloc(o->n + 1, sizeof *versions);
	emr_status status = n.by_subject != NULL && versions != NULL ? EMR_OK : EMR_NO_MEMORY;

	for (size_t i = 0; i < o->n && status == EMR_OK; i++) {
		emr_opening *one = &o->list[i];

		versions[i] = one->item_version;
		one->item_version = one->cver;
		one->cver = 0;
		if (one->has_subject)
			n.by_subject[n.n++] = one;
	}
	if (status == EMR_OK && n.n > 0) {
		qsort(n.by_subject, n.n, sizeof *n.by_subject, compare_subjects);
		EMR_AUTO_EVENTS events = emr_chronicle_events(session->chronicle);
		emr_event event;

		while (status == EMR_OK && emr_events_next(&events, &event))
			status = name_by(&n, &event);
	}
	for (size_t i = 0; i < o->n && versions != NULL; i++)
		o->list[i].item_version = versions[i];
	free(n.by_subject);
	free(versions);
	return status;
}

/* ---- an opening and its release ---- */

static int compare_asked(const emr_opening *a, const emr_opening *b)
{
	int order = memcmp(a->signer.b, b->signer.b, sizeof a->signer.b);

	if (order == 0)
		order = memcmp(a->object.b, b->object.b, sizeof a->object.b);
	if (order == 0)
		order = a->item_version < b->item_version ? -1 : a->item_version > b->item_version;
	return order;
}

static int compare_releases(const void *a, const void *b)
{
	const emr_opening *const *one = a, *const *other = b;
	int order = compare_asked(*one, *other);

	return order != 0 ? order : (*one)->seq < (*other)->seq ? -1 : (*one)->seq > (*other)->seq;
}

/* The first release of that version to him. */
static const emr_opening *release_of(
	emr_opening *const *releases, size_t n, const emr_opening *opened)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare_asked(releases[middle], opened) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < n && compare_asked(releases[low], opened) == 0 &&
		releases[low]->seq < opened->seq)
		return releases[low];
	return NULL;
}

/* Finds the releases that gave the keys of what is reported as opened. */
static emr_status match(emr_openings *o)
{
	emr_opening **releases = calloc(o->n + 1, sizeof *releases);
	size_t n = 0;

	if (releases == NULL)
		return EMR_NO_MEMORY;
	for (size_t i = 0; i < o->n; i++) {
		if (o->list[i].kind == EMR_AUDIT_RELEASED && !o->list[i].is_names)
			releases[n++] = &o->list[i];
	}
	qsort(releases, n, sizeof *releases, compare_releases);
	for (size_t i = 0; i < o->n; i++) {
		const emr_opening *by = o->list[i].kind == EMR_AUDIT_OPENED
						? release_of(releases, n, &o->list[i])
						: NULL;

		if (by == NULL)
			continue;
		o->list[i].is_by_owner = by->is_by_owner;
		o->list[i].given_count = by->given_count;
		memcpy(o->list[i].given, by->given, sizeof by->given);
	}
	free(releases);
	return EMR_OK;
}

static emr_status gather(gathering *g)
{
	EMR_AUTO_BUF entries = {0};
	EMR_AUTO_BUF own = {0};
	uint64_t damaged = 0;
	emr_status status;

	EMR_TRY(emr_crowd_open(g->session, &g->crowd));
	EMR_TRY(emr_sharing_handle(g->session, &g->share));
	EMR_TRY(emr_replica_own_domains(g->session->replica, &own));
	EMR_EACH (const emr_id16, domain, &own)
		EMR_TRY(note_domain(g, *domain));
	status = emr_share_staff(g->share, &entries, &damaged);
	/* No auditor; on no ledger of several. */
	EMR_TRY(status == EMR_DENIED || status == EMR_NOT_FOUND ? EMR_OK : status);
	EMR_EACH (const emr_audit_entry, entry, &entries)
		EMR_TRY(gathering_staff_record(g, entry));
	g->out->damaged += damaged;
	if (g->out->n > 0)
		qsort(g->out->list, g->out->n, sizeof *g->out->list, openings_by_entry);
	EMR_TRY(name_all(g->session, g->out));
	EMR_TRY(match(g->out));
	EMR_TRY(gathering_dealings(g));
	EMR_TRY(gathering_left(g));
	return gathering_agents(g);
}

emr_status emr_openings_collect(
	const emr_session *session, uint64_t since_unix_s, uint64_t now_unix_s, emr_openings *out)
{
	emr_openings found = {0};
	gathering g = {.session = session, .out = &found, .since = since_unix_s, .now = now_unix_s};
	emr_status status = gather(&g);

	emr_share_free(g.share);
	emr_crowd_close(&g.crowd);
	if (status != EMR_OK) {
		emr_openings_free(&found);
		return status;
	}
	*out = found;
	return EMR_OK;
}

/* ---- words ---- */

static const char *action_of(const emr_opening *o)
{
	switch (o->kind) {
	case EMR_AUDIT_ASKED:
		return "asked";
	case EMR_AUDIT_RELEASED:
		return o->is_names ? "listed" : "released";
	case EMR_AUDIT_OPENED:
		return o->report.refused ? "refused" : "opened";
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

static json_t *released_by(const emr_openings *openings, const emr_opening *o)
{
	json_t *list = json_array();
	int failed = list == NULL;

	if (o->is_by_owner)
		failed |=
			json_array_append_new(list, json_string(o->is_staff ? "the owner" : "you"));
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

static json_t *number_or_null(uint64_t number, bool has_it)
{
	return has_it ? json_integer((json_int_t)number) : json_null();
}

json_t *emr_opening_json(const emr_openings *openings, const emr_opening *o)
{
	const emr_who *who = &openings->people[o->who];
	bool is_opened = o->kind == EMR_AUDIT_OPENED;
	char at[EMR_TEXT_BYTES], tx[96], id[65], purpose[EMR_PURPOSES_TEXT_BYTES] = "";
	json_t *entry;

	emr_time_json((int64_t)o->at, at);
	emr_hex(o->batch_id.b, sizeof o->batch_id.b, id);
	snprintf(tx, sizeof tx, "%" PRIu64 ":%s", o->seq, id);
	if (o->is_readable)
		emr_purposes_text((uint32_t)1 << (o->purpose & 31), purpose);
	entry = json_pack("{s:s, s:o, s:o, s:o, s:o, s:s, s:s, s:s}", "at", at, "who",
		emr_json_text(who->called), "name", emr_json_text(who->name), "organisation",
		emr_json_text(who->organisation), "says", emr_json_text(who->says), "purpose",
		purpose, "action", action_of(o), "type",
		o->is_names	 ? "directory"
		: o->is_readable ? "file"
				 : "unknown");
	if (entry == NULL ||
		json_object_update_new(entry,
			json_pack("{s:o, s:n, s:o, s:o, s:o, s:b, s:b, s:o, s:s, s:I}", "path",
				o->path != NULL ? emr_json_text(o->path) : json_null(), "from",
				"version", number_or_null(o->cver, o->cver > 0), "bytes",
				number_or_null(o->report.bytes, is_opened), "whole",
				is_opened ? json_boolean(o->report.whole) : json_null(), "software",
				o->is_software, "proven",
				o->kind == EMR_AUDIT_RELEASED || o->kind == EMR_AUDIT_ASKED,
				"released_by", released_by(openings, o), "tx", tx, "at_unix",
				(json_int_t)o->at)) != 0 ||
		json_object_set_new(entry, "team",
			emr_json_text(o->team != EMR_NO_TEAM ? openings->people[o->team].called
							     : "")) != 0 ||
		(is_opened &&
			json_object_set_new(entry, "opened", json_integer(o->report.opens)) != 0) ||
		(o->records > 0 &&
			(json_object_set_new(entry, "records", json_integer(o->records)) != 0 ||
				json_object_set_new(entry, "folder", json_string(o->folder)) !=
					0))) {
		json_decref(entry);
		return NULL;
	}
	return entry;
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

void emr_opening_line(FILE *to, const json_t *entry)
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
