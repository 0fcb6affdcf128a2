#include "log/deeds.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "kit/out.h"
#include "kit/text.h"
#include "log/answers.h"
#include "session/walk.h"
#include "sharing/shared_paths.h"

#define PORTION 100

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

/* PATH is TOP or lies below it; everything lies below "". */
static bool is_below(const char *path, const char *top)
{
	size_t len = strlen(top);

	return path != NULL && strncmp(path, top, len) == 0 &&
		(len == 0 || path[len] == '\0' || path[len] == '/');
}

typedef struct choice {
	emr_session *session;
	const emr_who *who; /* NULL: everybody */
	const char *path; /* NULL: all */
	uint64_t since;
	uint8_t *subjects; /* by number: 1 its last event was at or below PATH, 2 it is there now */
	size_t n;
	emr_deeds *out;
	bool has_any;
	emr_status status;
} choice;

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

static bool mark_living(void *arg, const char *path, const emr_attr *attr)
{
	choice *c = arg;
	emr_record_facts facts;
	emr_story story;
	uint8_t *mark;

	(void)path;
	if (emr_view_record(c->session->view, attr->node, &facts) != EMR_OK)
		return true;
	c->has_any = true;
	if (emr_chronicle_story(c->session->chronicle, facts.object, &story) != EMR_OK)
		return true;
	mark = subject_of(c, story.subject);
	if (mark == NULL)
		c->status = EMR_NO_MEMORY;
	else
		*mark |= 2;
	return mark != NULL;
}

static emr_status mark_last(void *arg, const emr_event *event)
{
	choice *c = arg;
	uint8_t *mark = subject_of(c, event->subject);

	if (mark == NULL)
		return EMR_NO_MEMORY;
	*mark = (uint8_t)((*mark & 2) | is_below(event->path, c->path));
	c->has_any |= is_below(event->path, c->path) || is_below(event->from, c->path);
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
	       (c->who->kind == EMR_WHO_ORGANISATION && emr_id16_equal(c->who->org, author->who.org));
}

/* Under the chronicle's lock: copies and returns. */
static emr_status take(void *arg, const emr_event *event)
{
	choice *c = arg;
	emr_deeds *out = c->out;
	const emr_author *author;
	emr_status status;
	emr_event *copy;

	if (event->time_unix_s < c->since)
		return EMR_OK;
	status = emr_authors_find(&out->authors, c->session, event->signer_id, &author);
	if (status != EMR_OK || !is_of(c, author))
		return status;
	/* What came in since the marks were made counts by its path alone. */
	if (c->path != NULL && (event->subject >= c->n || c->subjects[event->subject] == 0) && !is_below(event->path, c->path) &&
		!is_below(event->from, c->path))
		return EMR_OK;
	if (out->n == out->cap) {
		size_t cap = out->cap == 0 ? 64 : out->cap * 2;
		emr_event *grown = realloc(out->events, cap * sizeof *grown);

		if (grown == NULL)
			return EMR_NO_MEMORY;
		out->events = grown;
		out->cap = cap;
	}
	copy = &out->events[out->n++];
	*copy = *event;
	copy->path = copy_text(event->path, &status);
	copy->from = copy_text(event->from, &status);
	return status;
}

/* PATH itself and, if it is a directory, what lies below it. */
static emr_status mark_path(choice *c)
{
	emr_attr attr;
	emr_status status = emr_view_find(c->session->view, c->path, &attr);

	if (status == EMR_OK && attr.type == EMR_META_DIR) {
		(void)mark_living(c, c->path, &attr);
		status = emr_walk(c->session->view, c->path, mark_living, c);
	} else if (status == EMR_OK) {
		(void)mark_living(c, c->path, &attr);
	}
	if (status != EMR_OK && status != EMR_NOT_FOUND && status != EMR_NOT_DIRECTORY)
		return status;
	if (c->status != EMR_OK)
		return c->status;
	return emr_chronicle_each(c->session->chronicle, mark_last, c);
}

/* What is done to records is of no purpose. */
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
	if (wish->who != NULL && wish->who->kind != EMR_WHO_TEAM && !emr_id32_equal(wish->who->root, who->root) &&
		!(wish->who->kind == EMR_WHO_ORGANISATION && emr_id16_equal(wish->who->org, who->org)))
		return false;
	if ((wish->purposes != 0 && (!o->is_readable || (wish->purposes >> (o->purpose & 31) & 1) == 0)) ||
		(wish->only_software && !o->is_software))
		return false;
	if (c->path == NULL || is_below(o->path, c->path))
		return true;
	/* Names of a folder are what somebody saw of all that lies in it. */
	if (o->is_names && o->path != NULL && is_below(c->path, o->path))
		return true;
	return o->has_subject && o->subject < c->n && c->subjects[o->subject] != 0;
}

static emr_status take_openings(choice *c, const emr_deeds_wish *wish)
{
	emr_openings *o = &c->out->openings;
	size_t kept = 0;
	uint64_t now = wish->now_unix_s != 0 ? wish->now_unix_s : emr_clock_unix_s(emr_clock_system());
	emr_status status = wish->only_staff ? emr_openings_staff(c->session, wish->since_unix_s, now, o)
					     : emr_openings_collect(c->session, wish->since_unix_s, now, o);

	if (status != EMR_OK)
		return status;
	for (size_t i = 0; i < o->n; i++) {
		if (is_wanted(c, wish, &o->list[i])) {
			emr_opening one = o->list[i];

			o->list[i] = o->list[kept];
			o->list[kept++] = one;
		}
	}
	for (size_t i = kept; i < o->n; i++)
		free(o->list[i].path);
	o->n = kept;
	return EMR_OK;
}

emr_status emr_deeds_collect(emr_session *session, const emr_deeds_wish *wish, emr_deeds *out)
{
	EMR_AUTO_DEEDS deeds = {0};
	choice c = {.session = session, .path = wish->path != NULL && *wish->path != '\0' ? wish->path : NULL,
		.who = wish->who, .since = wish->since_unix_s, .out = &deeds};
	emr_status status = emr_chronicle_catch_up(session->chronicle, NULL);

	if (status == EMR_OK && c.path != NULL)
		status = mark_path(&c);
	if (status == EMR_OK && c.path != NULL && !c.has_any)
		status = EMR_NOT_FOUND;
	if (status == EMR_OK && wants_deeds(wish))
		status = emr_chronicle_each(session->chronicle, take, &c);
	if (status == EMR_OK)
		status = take_openings(&c, wish);
	free(c.subjects);
	if (status != EMR_OK)
		return status;
	*out = deeds;
	deeds = (emr_deeds){0};
	return EMR_OK;
}

/* ---- one event ---- */

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

const emr_author *emr_deeds_author(const emr_deeds *deeds, emr_id32 signer)
{
	for (size_t i = 0; i < deeds->authors.n; i++)
		if (emr_id32_equal(deeds->authors.list[i].signer_id, signer))
			return deeds->authors.list[i].is_me ? NULL : &deeds->authors.list[i];
	return NULL;
}

/* What says whole, software and purpose is for openings. */
static json_t *deed_json(const emr_session *session, const emr_deeds *deeds, const emr_event *e)
{
	const emr_author *author = emr_deeds_author(deeds, e->signer_id);
	const char *own = session->profile.name[0] != '\0' ? session->profile.name : "you";
	const char *name = author == NULL ? own : author->who.name;
	bool is_file = e->type == EMR_META_FILE && e->path != NULL;
	char at[EMR_TEXT_BYTES], tx[96], id[65];

	emr_time_json((int64_t)e->time_unix_s, at);
	emr_hex(e->batch_id.b, sizeof e->batch_id.b, id);
	/* Of the ledger before a join: its numbers begin anew on the other. */
	snprintf(tx, sizeof tx, "%s%" PRIu64 ":%s", e->in_annex ? "annex/" : "", e->seq, id);
	return json_pack("{s:s, s:o, s:o, s:o, s:s, s:n, s:s, s:s, s:o, s:o, s:o, s:o, s:n, s:n, s:b, s:[], s:s, s:I}",
		"at", at, "who", emr_json_text(author == NULL ? "you" : author->who.called), "name", emr_json_text(name),
		"organisation", author == NULL ? json_null() : emr_json_text(author->who.organisation), "team", "", "purpose",
		"action",
		emr_deed_text((emr_deed)e->deed), "type",
		e->type == EMR_META_FILE ? "file" : e->type == EMR_META_DIR ? "directory"
			: e->type == EMR_META_SYMLINK ? "link" : "unknown",
		"path", path_json(e->path), "from", path_json(e->from), "version",
		number_json(e->cver, is_file && e->cver > 0), "bytes", number_json(e->bytes, is_file), "whole",
		"software", "proven", 1, "released_by", "tx", tx, "at_unix", (json_int_t)e->time_unix_s);
}

emr_status emr_deeds_next(const emr_session *session, emr_deeds *deeds, json_t **out_entry)
{
	const emr_event *e = deeds->at_event < deeds->n ? &deeds->events[deeds->at_event] : NULL;
	const emr_openings *o = &deeds->openings;
	const emr_opening *opening = deeds->at_opening < o->n ? &o->list[deeds->at_opening] : NULL;

	*out_entry = NULL;
	if (e == NULL && opening == NULL)
		return EMR_OK;
	if (opening == NULL || (e != NULL && e->seq <= opening->seq)) {
		deeds->at_event++;
		*out_entry = deed_json(session, deeds, e);
	} else {
		deeds->at_opening++;
		*out_entry = emr_opening_json(o, opening);
	}
	return *out_entry != NULL ? EMR_OK : EMR_NO_MEMORY;
}

static const char *text_of(const json_t *entry, const char *name)
{
	const char *text = json_string_value(json_object_get(entry, name));

	return text != NULL ? text : "";
}

/* "saved Imaging/MRI.pdf v3, 63,884 bytes" */
static void put_deed(FILE *to, const json_t *entry)
{
	const json_t *version = json_object_get(entry, "version"), *bytes = json_object_get(entry, "bytes");
	const char *action = text_of(entry, "action"), *type = text_of(entry, "type");
	char shown[4200], number[EMR_TEXT_BYTES];

	fprintf(to, "%-8s ", action);
	if (strcmp(type, "directory") == 0)
		fputs("folder ", to);
	if (strcmp(type, "link") == 0)
		fputs("link ", to);
	if (text_of(entry, "from")[0] != '\0') {
		emr_show(text_of(entry, "from"), shown, sizeof shown);
		fprintf(to, "%s -> ", shown);
	}
	emr_show(text_of(entry, "path"), shown, sizeof shown);
	fputs(shown[0] != '\0' ? shown : "(a record that was erased)", to);
	if (json_is_integer(version) && strcmp(action, "deleted") != 0)
		fprintf(to, " v%lld", (long long)json_integer_value(version));
	if (json_is_integer(bytes) && (strcmp(action, "saved") == 0 || strcmp(action, "restored") == 0)) {
		emr_number_text((uint64_t)json_integer_value(bytes), number);
		fprintf(to, ", %s byte%s", number, json_integer_value(bytes) == 1 ? "" : "s");
	}
}

char *emr_deed_line(const json_t *entry)
{
	char when[EMR_TEXT_BYTES], who[600], organisation[300];
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	if (to == NULL)
		return NULL;
	emr_time_text((int64_t)json_integer_value(json_object_get(entry, "at_unix")), when);
	emr_show(text_of(entry, text_of(entry, "name")[0] != '\0' ? "name" : "who"), who, sizeof who);
	if (json_is_null(json_object_get(entry, "purpose"))) {
		emr_show(text_of(entry, "organisation"), organisation, sizeof organisation);
		fprintf(to, "%-18s %s%s%s  ", when, who, organisation[0] != '\0' ? ", " : "", organisation);
		put_deed(to, entry);
		fprintf(to, "   proven, entry %.*s", (int)strcspn(text_of(entry, "tx"), ":"), text_of(entry, "tx"));
	} else {
		emr_show(text_of(entry, "organisation"), organisation, sizeof organisation);
		fprintf(to, "%-18s %s%s%s%s%s%s  ", when, who, json_is_true(json_object_get(entry, "software")) ? " (software)" : "",
			organisation[0] != '\0' ? ", " : "", organisation, text_of(entry, "purpose")[0] != '\0' ? ", " : "",
			text_of(entry, "purpose"));
		emr_opening_line(to, entry);
	}
	return fclose(to) == 0 ? text : (free(text), NULL);
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
	emr_status status = emr_deeds_collect(session, &all, &deeds);

	if (status == EMR_OK)
		status = append_text(out, "What happened to your records, newest last.  " EMR_DEEDS_LEGEND "\n");
	while (status == EMR_OK && (status = emr_deeds_next(session, &deeds, &entry)) == EMR_OK && entry != NULL) {
		EMR_AUTO_FREE char *line = emr_deed_line(entry);

		json_decref(entry);
		status = append_text(out, line);
		if (status == EMR_OK)
			status = append_text(out, "\n");
	}
	return status;
}

emr_status emr_deeds_json(emr_session *session, emr_buf *out)
{
	EMR_AUTO_DEEDS deeds = {0};
	const emr_deeds_wish all = {0};
	json_t *entry = NULL;
	bool is_first = true;
	emr_status status = emr_deeds_collect(session, &all, &deeds);

	if (status == EMR_OK)
		status = append_text(out, "{\"emrfs\": 1, \"verb\": \"log\", \"ok\": true, \"entries\": [");
	while (status == EMR_OK && (status = emr_deeds_next(session, &deeds, &entry)) == EMR_OK && entry != NULL) {
		EMR_AUTO_FREE char *text = NULL;

		if (json_object_del(entry, "at_unix") == 0)
			text = json_dumps(entry, JSON_COMPACT);
		json_decref(entry);
		status = append_text(out, is_first ? "\n" : ",\n");
		is_first = false;
		if (status == EMR_OK)
			status = append_text(out, text);
	}
	return status == EMR_OK ? append_text(out, "\n]}\n") : status;
}

/* ---- the answer on the socket ---- */

/* Paths are long and a frame is not. */
static emr_status send_portion(emr_session *session, emr_deeds *deeds, emr_emit_fn emit, void *arg, bool *out_is_end)
{
	json_t *portion = json_array(), *entry = NULL, *object;
	emr_status status = portion != NULL ? EMR_OK : EMR_NO_MEMORY;

	for (size_t bytes = 0; status == EMR_OK && bytes < 16384 && json_array_size(portion) < PORTION;) {
		status = emr_deeds_next(session, deeds, &entry);
		if (status != EMR_OK || entry == NULL)
			break;
		bytes += json_string_length(json_object_get(entry, "path"));
		bytes += json_string_length(json_object_get(entry, "from"));
		if (json_array_append_new(portion, entry) != 0)
			status = EMR_NO_MEMORY;
	}
	*out_is_end = entry == NULL;
	if (status != EMR_OK) {
		json_decref(portion);
		return status;
	}
	object = json_pack("{s:o}", "entries", portion);
	return object != NULL ? emit(arg, object) : EMR_NO_MEMORY;
}

/* Who REQUEST's `who` is; nothing without one. */
static emr_status find_who(emr_session *session, const emr_request *request, emr_who *out, emr_problem *out_problem)
{
	EMR_AUTO_CROWD crowd = {0};
	emr_status status = emr_crowd_open(session, &crowd);

	if (status == EMR_OK && strcmp(request->who, "you") == 0)
		return emr_who_of(&crowd, session->identity.signer_id, out);
	return status == EMR_OK ? emr_who_find_or_say(&crowd, request->who, out, out_problem) : status;
}

emr_status emr_answer_log(emr_session *session, const emr_request *request, emr_emit_fn emit, void *arg,
	emr_problem *out_problem)
{
	EMR_AUTO_DEEDS deeds = {0};
	emr_who who = {0};
	emr_deeds_wish wish = {.path = request->has_path ? request->path : NULL,
		.since_unix_s = request->since_unix_s,
		.purposes = request->purposes,
		.only_software = request->software,
		.only_staff = request->staff};
	bool is_end = false;
	json_t *done;
	emr_status status = EMR_OK;

	if (request->who[0] != '\0') {
		status = find_who(session, request, &who, out_problem);
		wish.who = &who;
	}
	if (status == EMR_OK && request->has_path && emr_path_is_shared(request->path))
		status = emr_shared_log(request->path, out_problem);
	if (status == EMR_OK)
		status = emr_deeds_collect(session, &wish, &deeds);
	if (status == EMR_NOT_FOUND && !out_problem->is_set)
		emr_problem_set(out_problem, EMR_SAY_NO_SUCH_PATH, "path", request->path, NULL);
	else if (status == EMR_DENIED && request->staff && !out_problem->is_set)
		emr_problem_set(out_problem, EMR_SAY_NOT_AUDITOR, NULL);
	else if (status != EMR_OK && !out_problem->is_set)
		emr_problem_set_status(out_problem, status, "The log");
	while (status == EMR_OK && !is_end)
		status = send_portion(session, &deeds, emit, arg, &is_end);
	if (status != EMR_OK)
		return status;
	done = json_pack("{s:b}", "done", 1);
	return done != NULL ? emit(arg, done) : EMR_NO_MEMORY;
}
