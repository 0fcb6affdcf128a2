/* This file gathers what the report page shows of the folder: sums by kind and year, groups of
 * alike records, growth and versions. */
#include "page_parts.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/day.h"
#include "kit/json.h"
#include "kit/language.h"
#include "kit/out.h"
#include "people/origin.h"
#include "special_private.h"
#include "view/walk.h"

#define SUMS_MAX 1000	  /* names, of which the page shows the largest */
#define RECORDS_MAX 20000 /* files that are grouped into lines; then the older half goes */
#define LINES_MAX 400
#define PLAIN_MAX 6 /* lines of their own */
#define REVISED_MAX 8
#define NOTES_MAX 8
#define POINTS_MAX 160

/* Of the examination, else of the file: DATE is YYYY[-MM[-DD]]. */
typedef struct record {
	char date[16];
	bool is_plain;	/* says nothing of itself: LABEL is its name */
	size_t dir_len; /* of PATH, with the slash behind it */
	char *path, *label, *organisation;
	uint64_t bytes;
} record;

typedef struct walking {
	emr_session *session;
	record *records;
	size_t n, cap;
	json_t *kinds, *folders, *years; /* {NAME: [files, bytes]} */
	json_t *revised, *notes;
	uint64_t files, bytes, versions, more_notes;
	bool has_older; /* records that went; of those before OLDEST none is kept */
	char oldest[16];
} walking;

static void forget_records(walking *w, size_t kept)
{
	for (; w->n > kept; w->n--) {
		free(w->records[w->n - 1].path);
		free(w->records[w->n - 1].label);
		free(w->records[w->n - 1].organisation);
	}
}

static void walking_end(walking *w)
{
	forget_records(w, 0);
	free(w->records);
	json_decref(w->kinds);
	json_decref(w->folders);
	json_decref(w->years);
	json_decref(w->revised);
	json_decref(w->notes);
}

static emr_status added(int failed)
{
	return failed == 0 ? EMR_OK : EMR_NO_MEMORY;
}

/* ---- sums ---- */

static json_int_t sum_at(const json_t *sum, size_t index)
{
	return json_integer_value(json_array_get(sum, index));
}

/* NAME, owned here, becomes a part of SUMS; beyond so many names it is one of the others. */
static emr_status add_to(json_t *sums, json_t *name, uint64_t bytes)
{
	json_auto_t *key = name;
	const char *text = json_string_value(key);
	json_t *sum = json_object_get(sums, text);

	if (sum == NULL && json_object_size(sums) >= SUMS_MAX) {
		text = _("others");
		sum = json_object_get(sums, text);
	}
	sum = json_pack("[I, I]", sum_at(sum, 0) + 1, sum_at(sum, 1) + (json_int_t)bytes);
	return added(json_object_set_new(sums, text, sum));
}

/* ---- records ---- */

static int compare_directories(const record *x, const record *y)
{
	size_t len = x->dir_len < y->dir_len ? x->dir_len : y->dir_len;
	int order = memcmp(x->path, y->path, len);

	return order != 0 ? order : (x->dir_len > y->dir_len) - (x->dir_len < y->dir_len);
}

/* Slices of one series are one line, and so are files of one day in one directory that say nothing
 * of themselves. */
static int compare_lines(const record *x, const record *y)
{
	int order = strcmp(y->date, x->date);

	if (order == 0)
		order = compare_directories(x, y);
	if (order == 0)
		order = x->is_plain - y->is_plain;
	if (order == 0)
		order = strcmp(x->organisation, y->organisation);
	return order != 0 || x->is_plain ? order : strcmp(x->label, y->label);
}

static int newest_first(const void *a, const void *b)
{
	const record *x = a, *y = b;
	int order = compare_lines(x, y);

	return order != 0 ? order : strcmp(x->path, y->path);
}

static emr_status add_record(
	walking *w, const char *path, const char *date, uint64_t bytes, const emr_headers *h)
{
	const char *slash = strrchr(path, '/');
	record *r;

	if (strcmp(date, w->oldest) < 0)
		return EMR_OK;
	if (w->n == RECORDS_MAX) {
		qsort(w->records, w->n, sizeof *w->records, newest_first);
		forget_records(w, RECORDS_MAX / 2);
		memcpy(w->oldest, w->records[w->n - 1].date, sizeof w->oldest);
		w->has_older = true;
	}
	EMR_TRY(emr_array_room(&w->records, w->n, &w->cap, sizeof *w->records));
	r = &w->records[w->n++];
	*r = (record){.bytes = bytes,
		.dir_len = slash != NULL ? (size_t)(slash + 1 - path) : 0,
		.is_plain = h->modality[0] == '\0' && h->description[0] == '\0',
		.path = strdup(path),
		.organisation = strdup(h->organisation)};
	snprintf(r->date, sizeof r->date, "%s", date);
	/* "CT · Head", or the file's name. */
	if (asprintf(&r->label, "%s%s%s", h->modality,
		    h->modality[0] != '\0' && h->description[0] != '\0' ? " · " : "",
		    r->is_plain ? path + r->dir_len : h->description) < 0)
		r->label = NULL;
	return added(r->path == NULL || r->organisation == NULL || r->label == NULL);
}

/* PATH from the page on: every byte but letters, digits and -._~/ as %XX. */
static json_t *href_of(const char *path, size_t len)
{
	EMR_AUTO_FREE char *href = malloc(3 * len + 1);
	size_t at = 0;

	for (size_t i = 0; href != NULL && i < len; i++) {
		unsigned char c = (unsigned char)path[i];
		bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
				(c >= '0' && c <= '9') || strchr("-._~/", c) != NULL;

		at += (size_t)sprintf(href + at, is_plain ? "%c" : "%%%02X", c);
	}
	return href != NULL ? json_stringn(href, at) : NULL;
}

static json_t *line_json(const record *r, uint64_t files, uint64_t bytes)
{
	EMR_AUTO_FREE char *where =
		files > 1 ? strndup(r->path, r->dir_len > 0 ? r->dir_len - 1 : 0) : strdup(r->path);
	const char *label = files == 1 || !r->is_plain ? r->label
			    : r->dir_len > 0	       ? _("Files")
						       : _("Files at the top");

	if (where == NULL)
		return NULL;
	return json_pack("{s:s, s:o, s:o, s:o, s:o, s:I, s:I}", "date", r->date, "label",
		emr_json_text(label), "organisation", emr_json_text(r->organisation), "path",
		emr_json_text(where), "href",
		href_of(r->path, files > 1 ? r->dir_len : strlen(r->path)), "files",
		(json_int_t)files, "bytes", (json_int_t)bytes);
}

static emr_status put_records(walking *w, json_t *page)
{
	json_t *list = json_array();
	size_t i = 0;
	int failed = json_object_set_new(page, "records", list);

	EMR_SORT(w->records, w->n, newest_first);
	for (size_t n; i < w->n && json_array_size(list) < LINES_MAX && failed == 0; i += n) {
		const record *r = &w->records[i];
		uint64_t bytes = r->bytes;

		for (n = 1; i + n < w->n && compare_lines(r, &w->records[i + n]) == 0; n++)
			bytes += w->records[i + n].bytes;
		if (r->is_plain && n <= PLAIN_MAX) {
			n = 1;
			bytes = r->bytes;
		}
		failed |= json_array_append_new(list, line_json(r, n, bytes));
	}
	return added(failed | json_object_set_new(
				      page, "has_older", json_boolean(i < w->n || w->has_older)));
}

/* ---- versions, and what needs a look ---- */

static emr_status note_versions(walking *w, const char *path, const emr_story *story)
{
	size_t at = json_array_size(w->revised);

	w->versions += story->versions;
	while (at > 0 && emr_json_number_at(json_array_get(w->revised, at - 1), "versions") <
				 story->versions)
		at--;
	if (story->versions < 2 || at == REVISED_MAX)
		return EMR_OK;
	EMR_TRY(added(json_array_insert_new(w->revised, at,
		json_pack("{s:o, s:o, s:I, s:I}", "path", emr_json_text(path), "href",
			href_of(path, strlen(path)), "versions", (json_int_t)story->versions,
			"changed_unix", (json_int_t)story->changed_unix_s))));
	(void)json_array_remove(w->revised, REVISED_MAX); /* where there is one more */
	return EMR_OK;
}

static emr_status note_signature(walking *w, uint64_t node, const char *path)
{
	EMR_AUTO_FREE char *signature = NULL;
	const char *note = "";

	if (emr_attribute_text(w->session->view, node, "signature", &signature) == EMR_OK)
		note = emr_origin_note(signature);
	if (strcmp(note, "amendment gap") != 0 && strcmp(note, "superseded") != 0)
		return EMR_OK;
	if (json_array_size(w->notes) == NOTES_MAX) {
		w->more_notes++;
		return EMR_OK;
	}
	return added(json_array_append_new(
		w->notes, json_pack("{s:o, s:s}", "path", emr_json_text(path), "note", note)));
}

/* ---- the tree ---- */

static emr_status add_file(
	walking *w, const char *path, const emr_attr *attr, const emr_record_facts *facts)
{
	const emr_headers *h = &facts->headers;
	const char *slash = strchr(path, '/');
	char date[16], top[256];
	emr_story story;

	if (h->study_date[0] != '\0')
		snprintf(date, sizeof date, "%.10s", h->study_date);
	else
		emr_day_of((uint64_t)(attr->mtime_ns / 1000000000), date);
	w->files++;
	w->bytes += attr->size_bytes;
	snprintf(top, sizeof top, "%.*s", (int)(slash != NULL ? slash - path : 0), path);
	EMR_TRY(add_to(
		w->kinds, json_string(emr_kind_title(emr_kind_of(h, path))), attr->size_bytes));
	EMR_TRY(add_to(w->folders, emr_json_text(slash != NULL ? top : _("Top of the folder")),
		attr->size_bytes));
	EMR_TRY(add_to(w->years, json_stringn(date, strlen(date) < 4 ? 1 : 4), attr->size_bytes));
	EMR_TRY(add_record(w, path, date, attr->size_bytes, h));
	if (emr_chronicle_story(w->session->chronicle, facts->object, &story) == EMR_OK)
		EMR_TRY(note_versions(w, path, &story));
	return EMR_OK;
}

static emr_status add_tree(walking *w)
{
	EMR_WALK(walk, w->session->view, "");
	emr_record_facts facts;

	while (emr_walk_next(&walk)) {
		if (walk.attr.type != EMR_META_FILE)
			continue;
		if (emr_view_record(w->session->view, walk.attr.node, &facts) == EMR_OK &&
			!facts.is_local)
			EMR_TRY(add_file(w, walk.path, &walk.attr, &facts));
		EMR_TRY(note_signature(w, walk.attr.node, walk.path));
	}
	return walk.status;
}

/* ---- growth ---- */

typedef struct holding {
	uint64_t bytes;
	bool is_there;
} holding;

/* Sums up the history's files after each event: [[time, files, bytes] ...], rising in time, one for
 * each slice of it. */
static emr_status grow(const emr_deeds *d, uint64_t now_unix_s, json_t *points)
{
	uint64_t files = 0, bytes = 0, first = d->n > 0 ? d->events[0].time_unix_s : 0,
		 span = now_unix_s > first ? now_unix_s - first : 1, last = first;
	EMR_AUTO_FREE holding *all = NULL;
	size_t n = 1;
	int failed = d->n == 0 ? 0
			       : json_array_append_new(
					 points, json_pack("[I, i, i]", (json_int_t)first, 0, 0));

	for (size_t i = 0; i < d->n; i++)
		n = d->events[i].subject >= n ? (size_t)d->events[i].subject + 1 : n;
	all = calloc(n, sizeof *all);
	if (all == NULL)
		return EMR_NO_MEMORY;
	for (size_t i = 0; i < d->n && failed == 0; i++) {
		const emr_event *e = &d->events[i];
		holding *h = &all[e->subject];
		bool is_there = e->deed != EMR_DEED_DELETED && e->deed != EMR_DEED_ERASED;
		uint64_t slice =
			e->time_unix_s > first ? (e->time_unix_s - first) * POINTS_MAX / span : 0;
		json_t *point;

		if (e->type != EMR_META_FILE)
			continue;
		files += is_there && !h->is_there;
		files -= !is_there && h->is_there;
		bytes += (is_there ? e->bytes : 0) - (h->is_there ? h->bytes : 0);
		*h = (holding){.bytes = e->bytes, .is_there = is_there};
		slice = slice < POINTS_MAX ? slice : POINTS_MAX;
		/* Rounded up: two seconds of a young folder are two points. */
		slice = first + (slice * span + POINTS_MAX - 1) / POINTS_MAX;
		point = json_pack(
			"[I, I, I]", (json_int_t)slice, (json_int_t)files, (json_int_t)bytes);
		failed |= slice != last
				  ? json_array_append_new(points, point)
				  : json_array_set_new(points, json_array_size(points) - 1, point);
		last = slice;
	}
	return added(failed);
}

emr_status page_facts(
	emr_session *session, const emr_deeds *deeds, uint64_t now_unix_s, json_t *page)
{
	__attribute__((cleanup(walking_end))) walking w = {.session = session,
		.kinds = json_object(),
		.folders = json_object(),
		.years = json_object(),
		.revised = json_array(),
		.notes = json_array()};
	json_t *points = json_array();

	EMR_TRY(added(json_object_set_new(page, "growth", points)));
	EMR_TRY(add_tree(&w));
	EMR_TRY(grow(deeds, now_unix_s, points));
	EMR_TRY(put_records(&w, page));
	return added(json_object_update_new(
		page, json_pack("{s:I, s:I, s:I, s:O, s:O, s:O, s:O, s:O, s:I}", "files",
			      (json_int_t)w.files, "bytes", (json_int_t)w.bytes, "versions",
			      (json_int_t)w.versions, "kinds", w.kinds, "folders", w.folders,
			      "years", w.years, "revised", w.revised, "notes", w.notes,
			      "more_notes", (json_int_t)w.more_notes)));
}
