/* This file puts the log together in the order of the ledger: saves and renames, shares, and
 * accesses of others, chosen by path, time, person and purpose. */
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/clock.h"
#include "kit/language.h"
#include "kit/paths.h"
#include "kit/text.h"
#include "view/walk.h"

#include "deeds_private.h"

#define CLOCKS_DIFFER_S 120 /* this computer's and the ledger's */

/* ---- which events ---- */

void emr_deeds_free(emr_deeds *deeds)
{
	for (size_t i = 0; i < deeds->n; i++) {
		free((char *)(uintptr_t)deeds->events[i].path);
		free((char *)(uintptr_t)deeds->events[i].from);
	}
	free(deeds->events);
	emr_openings_free(&deeds->openings);
	emr_authors_free(&deeds->authors);
	*deeds = (emr_deeds){0};
}

typedef struct choice {
	emr_session *session;
	const emr_deeds_wish *wish;
	const emr_who *who; /* NULL: everybody */
	const char *path;   /* NULL: all */
	emr_buf *marks; /* by number of a subject: 1 its last event was at or below PATH, 2 it is
			  there now, 4 PATH lies in it now */
	emr_deeds *out;
	bool has_any;
} choice;

static emr_status mark(choice *c, uint32_t subject, uint8_t kept, uint8_t marks)
{
	if (subject >= c->marks->len)
		EMR_TRY(emr_buf_append_zeros(c->marks, subject + (size_t)1 - c->marks->len));
	c->marks->data[subject] = (uint8_t)((c->marks->data[subject] & kept) | marks);
	return EMR_OK;
}

static bool is_marked(const choice *c, size_t subject, uint8_t marks)
{
	return subject < c->marks->len && (c->marks->data[subject] & marks) != 0;
}

/* 2 or 4, as CHOICE has them. */
static emr_status mark_node(choice *c, uint64_t node, uint8_t marks)
{
	emr_record_facts facts;
	emr_story story;

	if (emr_view_record(c->session->view, node, &facts) != EMR_OK)
		return EMR_OK;
	c->has_any |= marks == 2;
	if (emr_chronicle_story(c->session->chronicle, facts.object, &story) != EMR_OK)
		return EMR_OK;
	return mark(c, story.subject, UINT8_MAX, marks);
}

static emr_status mark_last(choice *c)
{
	EMR_AUTO_EVENTS events = emr_chronicle_events(c->session->chronicle);
	emr_event event;

	while (emr_events_next(&events, &event)) {
		bool is_there = emr_path_below(c->path, event.path) != NULL;

		EMR_TRY(mark(c, event.subject, UINT8_MAX - 1, is_there));
		c->has_any |= is_there || emr_path_below(c->path, event.from) != NULL;
	}
	return EMR_OK;
}

static char *copy_text(const char *text, emr_status *status)
{
	char *copy = text != NULL ? strdup(text) : NULL;

	if (text != NULL && copy == NULL)
		*status = EMR_NO_MEMORY;
	return copy;
}

static bool is_party(const choice *c, const emr_who *who)
{
	return emr_who_is_same(c->who, who) ||
	       (c->who->kind == EMR_WHO_ORGANISATION && emr_id16_equal(c->who->org, who->org));
}

/* NULL: the owner. */
static bool is_by(const choice *c, const emr_who *who)
{
	return c->who == NULL ||
	       (who != NULL ? is_party(c, who)
			    : emr_id32_equal(c->who->id, c->session->identity.signer_id));
}

static emr_status note_events(choice *c)
{
	EMR_AUTO_EVENTS events = emr_chronicle_events(c->session->chronicle);
	emr_deeds *out = c->out;
	const emr_author *author;
	emr_status status = EMR_OK;
	emr_event event;

	while (status == EMR_OK && emr_events_next(&events, &event)) {
		if (event.time_unix_s < c->wish->since_unix_s)
			continue;
		EMR_TRY(emr_authors_find(
			&out->authors, c->session, event.signer_id, event_seq(&event), &author));
		/* Events that came in since the marks were made count by their path alone. */
		if (!is_by(c, author->is_me ? NULL : &author->who) ||
			(c->path != NULL && !is_marked(c, event.subject, 1 | 2) &&
				emr_path_below(c->path, event.path) == NULL &&
				emr_path_below(c->path, event.from) == NULL))
			continue;
		EMR_TRY(emr_array_room(&out->events, out->n, &out->cap, sizeof *out->events));
		event.path = copy_text(event.path, &status);
		event.from = copy_text(event.from, &status);
		out->events[out->n++] = event;
	}
	return status;
}

/* The folders that PATH lies in. */
static emr_status mark_around(choice *c)
{
	EMR_AUTO_FREE char *path = strdup(c->path);
	emr_attr attr;
	char *slash;

	if (path == NULL)
		return EMR_NO_MEMORY;
	while ((slash = strrchr(path, '/')) != NULL) {
		*slash = '\0';
		if (emr_view_find(c->session->view, path, &attr) == EMR_OK)
			EMR_TRY(mark_node(c, attr.node, 4));
	}
	return EMR_OK;
}

/* PATH itself and, if it is a directory, what lies below it. */
static emr_status mark_path(choice *c)
{
	EMR_WALK(walk, c->session->view, c->path);

	if (walk.status == EMR_OK && walk.attr.type == EMR_META_DIR)
		EMR_TRY(mark_node(c, walk.attr.node, 2));
	while (emr_walk_next(&walk))
		EMR_TRY(mark_node(c, walk.attr.node, 2));
	if (walk.status != EMR_OK && walk.status != EMR_NOT_FOUND &&
		walk.status != EMR_NOT_DIRECTORY)
		return walk.status;
	EMR_TRY(mark_around(c));
	return mark_last(c);
}

/* A dealing is its owner's, and of the one whom it was about. */
static bool is_of_party(const choice *c, const emr_told *told)
{
	const emr_who *people = c->out->openings.people;

	if (told->opening == NULL && is_by(c, NULL))
		return true;
	if (told->opening != NULL && c->who != NULL && c->who->kind == EMR_WHO_TEAM)
		return told->team != EMR_NO_TEAM &&
		       strcmp(people[told->team].called, c->who->called) == 0;
	return is_by(c, &people[told->who]);
}

static bool is_wanted(const choice *c, const emr_told *told)
{
	const emr_deeds_wish *wish = c->wish;
	const emr_audit_entry *o = told->opening;
	const uint32_t purposes = o == NULL	   ? told->dealing.purposes
				  : o->is_readable ? (uint32_t)1 << (o->purpose & 31)
						   : 0;
	/* A share of a folder concerns all that lies in it, and its names are what somebody saw of
	 * that. */
	const bool is_of_all =
		o != NULL ? told_is_names(told) : told->dealing.kind != EMR_DEALING_DENIED;

	if ((o == NULL && wish->only_staff) ||
		(wish->only_software && (o == NULL || o->reader != EMR_READER_SOFTWARE)) ||
		(wish->purposes != 0 && (wish->purposes & purposes) == 0) || !is_of_party(c, told))
		return false;
	if (c->path == NULL || told->dealing.kind == EMR_DEALING_LEFT) /* no path of one's own */
		return c->path == NULL;
	if (emr_path_below(c->path, told->path) != NULL ||
		(is_of_all && told->path != NULL && emr_path_below(told->path, c->path) != NULL))
		return true;
	return told->subject > 0 && is_marked(c, told->subject - 1, o != NULL ? 1 | 2 : 1 | 2 | 4);
}

static emr_status take_openings(choice *c, const emr_deeds_wish *wish)
{
	emr_openings *o = &c->out->openings;
	size_t kept = 0;
	uint64_t now =
		wish->now_unix_s != 0 ? wish->now_unix_s : emr_clock_unix_s(emr_clock_system());
	emr_replica_position at;

	EMR_TRY(emr_openings_collect(c->session, wish->only_staff, wish->since_unix_s, now, o));
	EMR_TRY(emr_replica_at(c->session->replica, &at));
	for (size_t i = 0; i < o->n; i++) {
		emr_told *one = &o->list[i];
		bool is_expired = one->dealing.kind == EMR_DEALING_EXPIRED;

		/* An end is told when nothing more can come onto the ledger that was before it. */
		if ((is_expired && one->at > at.last_time &&
			    (now < CLOCKS_DIFFER_S || one->at > now - CLOCKS_DIFFER_S)) ||
			!is_wanted(c, one)) {
			emr_told_free(one);
			continue;
		}
		o->list[kept++] = *one;
		c->out->at_expired += !is_expired;
	}
	o->n = kept;
	return EMR_OK;
}

emr_status emr_deeds_collect(emr_session *session, const emr_deeds_wish *wish, emr_deeds *out)
{
	EMR_AUTO_DEEDS deeds = {0};
	EMR_AUTO_BUF marks = {0};
	choice c = {.session = session,
		.path = wish->path != NULL && *wish->path != '\0' ? wish->path : NULL,
		.who = wish->who,
		.wish = wish,
		.marks = &marks,
		.out = &deeds};

	EMR_TRY(emr_chronicle_catch_up(session->chronicle, NULL));
	if (c.path != NULL)
		EMR_TRY(mark_path(&c));
	if (c.path != NULL && !c.has_any)
		return EMR_NOT_FOUND;
	/* Deeds on records have no purpose. */
	if (wish->purposes == 0 && !wish->only_software && !wish->only_staff)
		EMR_TRY(note_events(&c));
	EMR_TRY(take_openings(&c, wish));
	*out = deeds;
	deeds = (emr_deeds){0};
	return EMR_OK;
}

/* ---- one after the other ---- */

/* The one with the lowest entry, before which comes what expired until then. */
emr_status emr_deeds_next(const emr_session *session, emr_deeds *d, json_t **out_entry)
{
	const emr_openings *o = &d->openings;
	const emr_event *event = d->at_event < d->n ? &d->events[d->at_event] : NULL;
	const emr_told *told = d->at_told < o->n ? &o->list[d->at_told] : NULL,
		       *expired = d->at_expired < o->n ? &o->list[d->at_expired] : NULL;
	uint64_t at;

	if (told != NULL && told->dealing.kind == EMR_DEALING_EXPIRED)
		told = NULL;
	if (event != NULL && told != NULL && event_seq(event) > told->seq)
		event = NULL;
	at = event != NULL ? event->time_unix_s : told != NULL ? told->at : UINT64_MAX;
	*out_entry = NULL;
	if (expired != NULL && expired->at <= at) {
		event = NULL;
		told = expired;
		d->at_expired++;
	} else if (event != NULL) {
		d->at_event++;
	} else if (told != NULL) {
		d->at_told++;
	} else {
		return EMR_OK;
	}
	*out_entry = emr_deeds_entry(session, d, event, told);
	return *out_entry != NULL ? EMR_OK : EMR_NO_MEMORY;
}

/* ---- the files ---- */

static emr_status append_text(emr_buf *out, const char *text)
{
	return text != NULL ? emr_buf_append(out, text, strlen(text)) : EMR_NO_MEMORY;
}

emr_status emr_deeds_file(emr_session *session, bool as_json, emr_buf *out)
{
	EMR_AUTO_DEEDS deeds = {0};
	const emr_deeds_wish all = {0};
	const char *before = as_json ? "\n" : "";

	EMR_TRY(emr_deeds_collect(session, &all, &deeds));
	if (as_json) {
		EMR_TRY(append_text(
			out, "{\"emrfs\": 1, \"verb\": \"log\", \"ok\": true, \"entries\": ["));
	} else {
		EMR_TRY(append_text(out, _("What happened to your records, newest last.  ")));
		EMR_TRY(append_text(out, emr_text(EMR_DEEDS_LEGEND)));
		EMR_TRY(append_text(out, "\n"));
	}
	for (;;) {
		json_auto_t *entry = NULL;
		EMR_AUTO_FREE char *line = NULL;

		EMR_TRY(emr_deeds_next(session, &deeds, &entry));
		if (entry == NULL)
			return as_json ? append_text(out, "\n]}\n") : EMR_OK;
		if (as_json)
			emr_deed_strip(entry);
		line = as_json ? json_dumps(entry, JSON_COMPACT) : emr_deed_line(entry);
		EMR_TRY(append_text(out, before));
		EMR_TRY(append_text(out, line));
		EMR_TRY(as_json ? EMR_OK : append_text(out, "\n"));
		before = as_json ? ",\n" : "";
	}
}
