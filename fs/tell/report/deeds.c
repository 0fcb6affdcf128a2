/* This file puts the log together in the order of the ledger: saves and renames, shares, and
 * accesses of others, chosen by path, time, person and purpose. */
#include "report/deeds.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/clock.h"
#include "kit/json.h"
#include "kit/language.h"
#include "kit/out.h"
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
	const emr_who *who; /* NULL: everybody */
	const char *path;   /* NULL: all */
	uint64_t since;
	uint8_t *subjects; /* by number: 1 its last event was at or below PATH, 2 it is there now, 4
			      PATH lies in it now */
	size_t n;
	emr_deeds *out;
	bool has_any;
} choice;

static void choice_end(choice *c)
{
	free(c->subjects);
}

static uint8_t *subject_of(choice *c, uint32_t number)
{
	if (number >= c->n) {
		size_t n = ((size_t)number + 1) * 2;
		uint8_t *grown = realloc(c->subjects, n);

		if (grown == NULL)
			return NULL;
		memset(grown + c->n, 0, n - c->n);
		c->subjects = grown;
		c->n = n;
	}
	return &c->subjects[number];
}

static bool is_marked(const choice *c, uint32_t number, uint8_t marks)
{
	return number < c->n && (c->subjects[number] & marks) != 0;
}

static emr_status mark_living(choice *c, const emr_attr *attr)
{
	emr_record_facts facts;
	emr_story story;
	uint8_t *mark;

	if (emr_view_record(c->session->view, attr->node, &facts) != EMR_OK)
		return EMR_OK;
	c->has_any = true;
	if (emr_chronicle_story(c->session->chronicle, facts.object, &story) != EMR_OK)
		return EMR_OK;
	mark = subject_of(c, story.subject);
	EMR_TRY(mark != NULL ? EMR_OK : EMR_NO_MEMORY);
	*mark |= 2;
	return EMR_OK;
}

static emr_status mark_last(choice *c)
{
	EMR_AUTO_EVENTS events = emr_chronicle_events(c->session->chronicle);
	emr_event event;

	while (emr_events_next(&events, &event)) {
		uint8_t *mark = subject_of(c, event.subject);
		bool is_there = emr_path_below(c->path, event.path) != NULL;

		EMR_TRY(mark != NULL ? EMR_OK : EMR_NO_MEMORY);
		*mark = (uint8_t)((*mark & ~1) | is_there);
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

static bool is_of(const choice *c, const emr_author *author)
{
	if (c->who == NULL)
		return true;
	if (author->is_me)
		return emr_id32_equal(c->who->id, c->session->identity.signer_id);
	return emr_id32_equal(c->who->root, author->who.root) ||
	       (c->who->kind == EMR_WHO_ORGANISATION &&
		       emr_id16_equal(c->who->org, author->who.org));
}

/* Events before a join have entries of another ledger: none of this one is as early. */
static uint64_t seq_of(const emr_event *event)
{
	return event->in_annex ? 0 : event->seq;
}

static emr_status note_events(choice *c)
{
	EMR_AUTO_EVENTS events = emr_chronicle_events(c->session->chronicle);
	emr_deeds *out = c->out;
	const emr_author *author;
	emr_status status = EMR_OK;
	emr_event event;

	while (status == EMR_OK && emr_events_next(&events, &event)) {
		if (event.time_unix_s < c->since)
			continue;
		EMR_TRY(emr_authors_find(
			&out->authors, c->session, event.signer_id, seq_of(&event), &author));
		/* Events that came in since the marks were made count by their path alone. */
		if (!is_of(c, author) || (c->path != NULL && !is_marked(c, event.subject, 1 | 2) &&
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
	char *slash;

	if (path == NULL)
		return EMR_NO_MEMORY;
	while ((slash = strrchr(path, '/')) != NULL) {
		emr_record_facts facts;
		emr_story story;
		emr_attr attr;
		uint8_t *mark;

		*slash = '\0';
		if (emr_view_find(c->session->view, path, &attr) != EMR_OK ||
			emr_view_record(c->session->view, attr.node, &facts) != EMR_OK ||
			emr_chronicle_story(c->session->chronicle, facts.object, &story) != EMR_OK)
			continue;
		mark = subject_of(c, story.subject);
		EMR_TRY(mark != NULL ? EMR_OK : EMR_NO_MEMORY);
		*mark |= 4;
	}
	return EMR_OK;
}

/* PATH itself and, if it is a directory, what lies below it. */
static emr_status mark_path(choice *c)
{
	EMR_WALK(walk, c->session->view, c->path);

	if (walk.status == EMR_OK && walk.attr.type == EMR_META_DIR)
		EMR_TRY(mark_living(c, &walk.attr));
	while (emr_walk_next(&walk))
		EMR_TRY(mark_living(c, &walk.attr));
	if (walk.status != EMR_OK && walk.status != EMR_NOT_FOUND &&
		walk.status != EMR_NOT_DIRECTORY)
		return walk.status;
	EMR_TRY(mark_around(c));
	return mark_last(c);
}

/* Deeds on records have no purpose. */
static bool wants_deeds(const emr_deeds_wish *wish)
{
	return wish->purposes == 0 && !wish->only_software && !wish->only_staff;
}

static bool is_wanted(const choice *c, const emr_deeds_wish *wish, const emr_opening *o)
{
	const emr_who *people = c->out->openings.people, *who = &people[o->who];

	if (wish->who != NULL && wish->who->kind == EMR_WHO_TEAM &&
		(o->team == EMR_NO_TEAM || strcmp(people[o->team].called, wish->who->called) != 0))
		return false;
	if (wish->who != NULL && wish->who->kind != EMR_WHO_TEAM &&
		!emr_id32_equal(wish->who->root, who->root) &&
		!(wish->who->kind == EMR_WHO_ORGANISATION &&
			emr_id16_equal(wish->who->org, who->org)))
		return false;
	if ((wish->purposes != 0 &&
		    (!o->is_readable || (wish->purposes >> (o->purpose & 31) & 1) == 0)) ||
		(wish->only_software && !o->is_software))
		return false;
	if (c->path == NULL || emr_path_below(c->path, o->path) != NULL)
		return true;
	/* Names of a folder are what somebody saw of all that lies in it. */
	if (o->is_names && o->path != NULL && emr_path_below(o->path, c->path) != NULL)
		return true;
	return o->has_subject && is_marked(c, o->subject, 1 | 2);
}

static bool is_of_party(const emr_session *session, const emr_who *wanted, const emr_who *party)
{
	return wanted == NULL || emr_id32_equal(wanted->id, session->identity.signer_id) ||
	       emr_who_is_same(wanted, party) ||
	       (wanted->kind == EMR_WHO_ORGANISATION && emr_id16_equal(wanted->org, party->org));
}

/* By who did it, and by who it was about. */
static bool is_wanted_dealing(const choice *c, const emr_deeds_wish *wish, const emr_dealing *d)
{
	if (wish->only_software || wish->only_staff ||
		(wish->purposes != 0 && (wish->purposes & d->said.purposes) == 0) ||
		!is_of_party(c->session, wish->who, &c->out->openings.people[d->who]))
		return false;
	if (d->said.kind == EMR_DEALING_LEFT) /* no path of one's own */
		return c->path == NULL;
	if (c->path == NULL || emr_path_below(c->path, d->path) != NULL)
		return true;
	/* A share of a folder concerns all that lies in it. */
	if (d->said.kind != EMR_DEALING_DENIED && d->path != NULL &&
		emr_path_below(d->path, c->path) != NULL)
		return true;
	return d->has_subject && is_marked(c, d->subject, 1 | 2 | 4);
}

/* An end is told when nothing more can come onto the ledger that was before it. */
static bool is_over(const emr_dealing *d, uint64_t now, uint64_t ledger_time)
{
	return d->said.kind != EMR_DEALING_EXPIRED || d->said.at <= ledger_time ||
	       (now >= CLOCKS_DIFFER_S && d->said.at <= now - CLOCKS_DIFFER_S);
}

static emr_status choose_dealings(choice *c, const emr_deeds_wish *wish, uint64_t now)
{
	emr_openings *o = &c->out->openings;
	emr_replica_position at;
	size_t kept = 0;
	emr_status status = emr_replica_at(c->session->replica, &at);

	for (size_t i = 0; i < o->n_dealings && status == EMR_OK; i++) {
		emr_dealing one = o->dealings[i];

		if (!is_over(&one, now, at.last_time) || !is_wanted_dealing(c, wish, &one))
			continue;
		o->dealings[i] = o->dealings[kept];
		o->dealings[kept++] = one;
	}
	for (size_t i = kept; i < o->n_dealings; i++)
		emr_dealing_free(&o->dealings[i]);
	o->n_dealings = kept;
	return status;
}

static emr_status take_openings(choice *c, const emr_deeds_wish *wish)
{
	emr_openings *o = &c->out->openings;
	size_t kept = 0;
	uint64_t now =
		wish->now_unix_s != 0 ? wish->now_unix_s : emr_clock_unix_s(emr_clock_system());

	EMR_TRY(wish->only_staff ? emr_openings_staff(c->session, wish->since_unix_s, now, o)
				 : emr_openings_collect(c->session, wish->since_unix_s, now, o));
	for (size_t i = 0; i < o->n; i++)
		if (is_wanted(c, wish, &o->list[i])) {
			emr_opening one = o->list[i];

			o->list[i] = o->list[kept];
			o->list[kept++] = one;
		}
	for (size_t i = kept; i < o->n; i++)
		free(o->list[i].path);
	o->n = kept;
	return choose_dealings(c, wish, now);
}

emr_status emr_deeds_collect(emr_session *session, const emr_deeds_wish *wish, emr_deeds *out)
{
	EMR_AUTO_DEEDS deeds = {0};
	__attribute__((cleanup(choice_end))) choice c = {.session = session,
		.path = wish->path != NULL && *wish->path != '\0' ? wish->path : NULL,
		.who = wish->who,
		.since = wish->since_unix_s,
		.out = &deeds};

	EMR_TRY(emr_chronicle_catch_up(session->chronicle, NULL));
	if (c.path != NULL)
		EMR_TRY(mark_path(&c));
	if (c.path != NULL && !c.has_any)
		return EMR_NOT_FOUND;
	if (wants_deeds(wish))
		EMR_TRY(note_events(&c));
	EMR_TRY(take_openings(&c, wish));
	*out = deeds;
	deeds = (emr_deeds){0};
	return EMR_OK;
}

/* By the name of then; NULL: the owner. */
static const emr_author *author_of(const emr_deeds *deeds, const emr_event *event)
{
	const emr_author *one = emr_authors_known(&deeds->authors, event->signer_id, seq_of(event));

	return one == NULL || one->is_me ? NULL : one;
}

/* ---- one, as JSON ---- */

static json_t *path_json(const char *path)
{
	return path != NULL ? emr_json_text(path) : json_null();
}

static json_t *number_json(uint64_t number, bool has_it)
{
	return has_it ? json_integer((json_int_t)number) : json_null();
}

/* The fields whole, software and purpose are for openings. */
static json_t *event_json(const emr_session *session, const emr_deeds *deeds, const emr_event *e)
{
	const emr_author *author = author_of(deeds, e);
	const char *name = author == NULL ? deeds_own_name(session) : author->who.name;
	bool is_file = e->type == EMR_META_FILE && e->path != NULL;
	char at[EMR_TEXT_BYTES], tx[96], id[65];

	emr_time_json((int64_t)e->time_unix_s, at);
	emr_hex(e->batch_id.b, sizeof e->batch_id.b, id);
	/* Of the ledger before a join: its numbers begin again on the other. */
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

/* ---- one after the other ---- */

/* The next one of each kind; NULL: no more. */
typedef struct heads {
	const emr_event *event;
	const emr_opening *opening;
	const emr_dealing *dealing, *expired;
} heads;

static const emr_dealing *dealing_at(const emr_openings *o, size_t *at, bool expired)
{
	while (*at < o->n_dealings &&
		(o->dealings[*at].said.kind == EMR_DEALING_EXPIRED) != expired)
		++*at;
	return *at < o->n_dealings ? &o->dealings[*at] : NULL;
}

/* The one with the lowest entry stays, besides what expired. */
static heads heads_of(emr_deeds *deeds)
{
	const emr_openings *o = &deeds->openings;
	heads h = {.event = deeds->at_event < deeds->n ? &deeds->events[deeds->at_event] : NULL,
		.opening = deeds->at_opening < o->n ? &o->list[deeds->at_opening] : NULL,
		.dealing = dealing_at(o, &deeds->at_dealing, false),
		.expired = dealing_at(o, &deeds->at_expired, true)};
	/* Events before a join have the numbers of another ledger. */
	uint64_t event = h.event == NULL ? UINT64_MAX : h.event->in_annex ? 0 : h.event->seq;
	uint64_t opening = h.opening != NULL ? h.opening->seq : UINT64_MAX;
	uint64_t dealing = h.dealing != NULL ? h.dealing->said.seq : UINT64_MAX;

	if (event > opening || event > dealing)
		h.event = NULL;
	if (h.event != NULL || dealing > opening)
		h.dealing = NULL;
	if (h.event != NULL || h.dealing != NULL)
		h.opening = NULL;
	return h;
}

/* When the next entry was made, which is none of those that expired. */
static uint64_t time_of(const heads *h)
{
	if (h->event != NULL)
		return h->event->time_unix_s;
	if (h->dealing != NULL)
		return h->dealing->said.at;
	return h->opening != NULL ? h->opening->at : UINT64_MAX;
}

emr_status emr_deeds_next(const emr_session *session, emr_deeds *deeds, json_t **out_entry)
{
	const emr_openings *o = &deeds->openings;
	heads h = heads_of(deeds);
	const emr_dealing *dealing = h.dealing;

	*out_entry = NULL;
	if (h.expired != NULL && h.expired->said.at <= time_of(&h)) {
		deeds->at_expired++;
		dealing = h.expired;
	} else if (h.event != NULL) {
		deeds->at_event++;
		*out_entry = event_json(session, deeds, h.event);
		return *out_entry != NULL ? EMR_OK : EMR_NO_MEMORY;
	} else if (h.dealing != NULL) {
		deeds->at_dealing++;
	} else if (h.opening != NULL) {
		deeds->at_opening++;
		*out_entry = emr_opening_json(o, h.opening);
		return *out_entry != NULL ? EMR_OK : EMR_NO_MEMORY;
	} else {
		return EMR_OK;
	}
	*out_entry = emr_dealing_json(dealing, &o->people[dealing->who], deeds_own_name(session));
	return *out_entry != NULL ? EMR_OK : EMR_NO_MEMORY;
}

/* ---- the files ---- */

static emr_status append_text(emr_buf *out, const char *text)
{
	return text != NULL ? emr_buf_append(out, text, strlen(text)) : EMR_NO_MEMORY;
}

emr_status emr_deeds_text(emr_session *session, emr_buf *out)
{
	EMR_AUTO_DEEDS deeds = {0};
	const emr_deeds_wish all = {0};
	json_t *entry = NULL;

	EMR_TRY(emr_deeds_collect(session, &all, &deeds));
	EMR_TRY(append_text(out, _("What happened to your records, newest last.  ")));
	EMR_TRY(append_text(out, emr_text(EMR_DEEDS_LEGEND)));
	EMR_TRY(append_text(out, "\n"));
	for (;;) {
		EMR_AUTO_FREE char *line = NULL;

		EMR_TRY(emr_deeds_next(session, &deeds, &entry));
		if (entry == NULL)
			return EMR_OK;
		line = emr_deed_line(entry);
		json_decref(entry);
		EMR_TRY(append_text(out, line));
		EMR_TRY(append_text(out, "\n"));
	}
}

emr_status emr_deeds_json(emr_session *session, emr_buf *out)
{
	EMR_AUTO_DEEDS deeds = {0};
	const emr_deeds_wish all = {0};
	json_t *entry = NULL;
	bool is_first = true;
	emr_status status = emr_deeds_collect(session, &all, &deeds);

	if (status == EMR_OK)
		status = append_text(
			out, "{\"emrfs\": 1, \"verb\": \"log\", \"ok\": true, \"entries\": [");
	while (status == EMR_OK && (status = emr_deeds_next(session, &deeds, &entry)) == EMR_OK &&
		entry != NULL) {
		EMR_AUTO_FREE char *text = NULL;

		emr_deed_strip(entry);
		text = json_dumps(entry, JSON_COMPACT);
		json_decref(entry);
		status = append_text(out, is_first ? "\n" : ",\n");
		is_first = false;
		if (status == EMR_OK)
			status = append_text(out, text);
	}
	return status == EMR_OK ? append_text(out, "\n]}\n") : status;
}
