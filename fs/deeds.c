#include "deeds.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "answers.h"
#include "cmd/out.h"
#include "cmd/text.h"
#include "walk.h"

#define PORTION 100

/* ---- which events ---- */

void emr_deeds_free(emr_deeds *deeds)
{
	for (size_t i = 0; i < deeds->n; i++) {
		free((char *)(uintptr_t)deeds->events[i].path);
		free((char *)(uintptr_t)deeds->events[i].from);
	}
	free(deeds->events);
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

/* Under the chronicle's lock: copies and returns. */
static emr_status take(void *arg, const emr_event *event)
{
	choice *c = arg;
	emr_deeds *out = c->out;
	emr_status status = EMR_OK;
	emr_event *copy;

	if (event->time_unix_s < c->since)
		return EMR_OK;
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

emr_status emr_deeds_collect(emr_session *session, const char *path, uint64_t since_unix_s, emr_deeds *out)
{
	EMR_AUTO_DEEDS deeds = {0};
	choice c = {.session = session, .path = path != NULL && *path != '\0' ? path : NULL,
		.since = since_unix_s, .out = &deeds};
	emr_status status = emr_chronicle_catch_up(session->chronicle, NULL);

	if (status == EMR_OK && c.path != NULL)
		status = mark_path(&c);
	if (status == EMR_OK && c.path != NULL && !c.has_any)
		status = EMR_NOT_FOUND;
	if (status == EMR_OK)
		status = emr_chronicle_each(session->chronicle, take, &c);
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

/* One owner does everything here; what says whole, software, organisation and purpose is for openings by others. */
json_t *emr_deed_json(const emr_session *session, const emr_event *e)
{
	const char *name = session->profile.name[0] != '\0' ? session->profile.name : "you";
	bool is_file = e->type == EMR_META_FILE && e->path != NULL;
	char at[EMR_TEXT_BYTES], tx[96], id[65];

	emr_time_json((int64_t)e->time_unix_s, at);
	emr_hex(e->batch_id.b, sizeof e->batch_id.b, id);
	snprintf(tx, sizeof tx, "%" PRIu64 ":%s", e->seq, id);
	return json_pack("{s:s, s:s, s:o, s:n, s:n, s:s, s:s, s:o, s:o, s:o, s:o, s:n, s:n, s:b, s:[], s:s, s:I}",
		"at", at, "who", "you", "name", emr_json_text(name), "organisation", "purpose", "action",
		emr_deed_text((emr_deed)e->deed), "type",
		e->type == EMR_META_FILE ? "file" : e->type == EMR_META_DIR ? "directory"
			: e->type == EMR_META_SYMLINK ? "link" : "unknown",
		"path", path_json(e->path), "from", path_json(e->from), "version",
		number_json(e->cver, is_file && e->cver > 0), "bytes", number_json(e->bytes, is_file), "whole",
		"software", "proven", 1, "released_by", "tx", tx, "at_unix", (json_int_t)e->time_unix_s);
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
	char when[EMR_TEXT_BYTES], who[600];
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	if (to == NULL)
		return NULL;
	emr_time_text((int64_t)json_integer_value(json_object_get(entry, "at_unix")), when);
	emr_show(text_of(entry, "name"), who, sizeof who);
	fprintf(to, "%-18s %s  ", when, who);
	put_deed(to, entry);
	fprintf(to, "   proven, entry %.*s", (int)strcspn(text_of(entry, "tx"), ":"), text_of(entry, "tx"));
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
	emr_status status = emr_deeds_collect(session, NULL, 0, &deeds);

	if (status == EMR_OK)
		status = append_text(out, "What happened to your records, newest last.  " EMR_DEEDS_LEGEND "\n");
	for (size_t i = 0; i < deeds.n && status == EMR_OK; i++) {
		json_t *entry = emr_deed_json(session, &deeds.events[i]);
		EMR_AUTO_FREE char *line = entry != NULL ? emr_deed_line(entry) : NULL;

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
	emr_status status = emr_deeds_collect(session, NULL, 0, &deeds);

	if (status == EMR_OK)
		status = append_text(out, "{\"emrfs\": 1, \"verb\": \"log\", \"ok\": true, \"entries\": [");
	for (size_t i = 0; i < deeds.n && status == EMR_OK; i++) {
		json_t *entry = emr_deed_json(session, &deeds.events[i]);
		EMR_AUTO_FREE char *text = NULL;

		if (entry != NULL && json_object_del(entry, "at_unix") == 0)
			text = json_dumps(entry, JSON_COMPACT);
		json_decref(entry);
		status = append_text(out, i > 0 ? ",\n" : "\n");
		if (status == EMR_OK)
			status = append_text(out, text);
	}
	return status == EMR_OK ? append_text(out, "\n]}\n") : status;
}

/* ---- the answer on the socket ---- */

emr_status emr_answer_log(emr_session *session, const emr_request *request, emr_emit_fn emit, void *arg,
	emr_problem *out_problem)
{
	EMR_AUTO_DEEDS deeds = {0};
	emr_status status = emr_deeds_collect(session, request->has_path ? request->path : NULL,
		request->since_unix_s, &deeds);
	json_t *done;

	if (status == EMR_NOT_FOUND)
		emr_problem_set(out_problem, EMR_SAY_NO_SUCH_PATH, "path", request->path, NULL);
	else if (status != EMR_OK)
		emr_problem_set_status(out_problem, status, "The log");
	for (size_t i = 0; i < deeds.n && status == EMR_OK;) {
		json_t *portion = json_array(), *object = NULL;

		/* Paths are long and a frame is not. */
		for (size_t bytes = 0; i < deeds.n && bytes < 16384 && json_array_size(portion) < PORTION; i++) {
			if (json_array_append_new(portion, emr_deed_json(session, &deeds.events[i])) != 0)
				status = EMR_NO_MEMORY;
			bytes += deeds.events[i].path != NULL ? strlen(deeds.events[i].path) : 0;
			bytes += deeds.events[i].from != NULL ? strlen(deeds.events[i].from) : 0;
		}
		object = json_pack("{s:o}", "entries", portion);
		if (object == NULL)
			status = EMR_NO_MEMORY;
		else if (status == EMR_OK)
			status = emit(arg, object);
		else
			json_decref(object);
	}
	if (status != EMR_OK)
		return status;
	done = json_pack("{s:b}", "done", 1);
	return done != NULL ? emit(arg, done) : EMR_NO_MEMORY;
}
