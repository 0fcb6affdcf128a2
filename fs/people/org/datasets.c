/* This file tells of datasets what the ledger says: their terms, their readers, how many take part.
 * Every holder of a copy of the ledger is told the same. */
#include "org/datasets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/array.h"
#include "base/codec.h"
#include "contract/codes.h"
#include "kit/text.h"

#include "org_private.h"

/* ---- which ---- */

static emr_status call_name(emr_crowd *crowd, const emr_team *dataset, char *out, size_t size,
	char organisation[EMR_ORGANISATION_NAME_MAX + 1])
{
	char folded[160];

	EMR_TRY(emr_organisation_name(
		crowd->replica, crowd->descriptor, dataset->org.b, organisation));
	emr_who_fold(organisation, folded, sizeof folded);
	snprintf(out, size, "%s@%s", dataset->name, folded);
	return EMR_OK;
}

/* FN for each that is open and whose place no other has taken. */
typedef struct walk {
	emr_crowd *crowd;
	emr_status (*fn)(struct walk *w, const emr_team *dataset);
	const char *name; /* sought; NULL: any */
	size_t name_len;
	char org[160];	/* folded; "": any */
	emr_team found; /* of all that fit, or of those that fit letter by letter: the last */
	unsigned n, n_exact;
	char *names;
	size_t names_size;
	emr_id32 me;
	json_t *list;
} walk;

static emr_status visit_dataset(void *arg, const emr_team *team)
{
	walk *w = arg;
	emr_team present;

	if (team->kind != EMR_TEAM_DATASET)
		return EMR_OK;
	EMR_TRY(emr_team_present(w->crowd->replica, team, &present));
	if (!emr_id16_equal(present.id, team->id))
		return EMR_OK;
	return w->fn(w, team);
}

/* TEXT: NAME, or NAME@ORGANISATION. */
static void seek(walk *w, const char *text)
{
	const char *at = strrchr(text, '@');

	w->name = text;
	w->name_len = at != NULL ? (size_t)(at - text) : strlen(text);
	if (at != NULL)
		emr_who_fold(at + 1, w->org, sizeof w->org);
}

/* *OUT_CALLED, of 256 bytes, is what it is called, where it is the one that is sought. */
static emr_status consider_name(
	const walk *w, const emr_team *dataset, char called[256], bool *out_is)
{
	char organisation[EMR_ORGANISATION_NAME_MAX + 1];
	emr_status status;

	*out_is = false;
	if (w->name != NULL && (strlen(dataset->name) != w->name_len ||
				       strncasecmp(dataset->name, w->name, w->name_len) != 0))
		return EMR_OK;
	status = call_name(w->crowd, dataset, called, 256, organisation);
	*out_is = status == EMR_OK &&
		  (w->org[0] == '\0' || strcmp(strrchr(called, '@') + 1, w->org) == 0);
	return status;
}

static emr_status consider_dataset(walk *w, const emr_team *dataset)
{
	size_t at = strlen(w->names);
	char called[256];
	bool is_sought, is_exact;

	EMR_TRY(consider_name(w, dataset, called, &is_sought));
	if (!is_sought)
		return EMR_OK;
	is_exact = memcmp(dataset->name, w->name, w->name_len) == 0;
	if (is_exact || w->n_exact == 0)
		w->found = *dataset;
	w->n_exact += is_exact;
	w->n++;
	if (at + strlen(called) + 3 < w->names_size)
		snprintf(w->names + at, w->names_size - at, "%s%s", at > 0 ? ", " : "", called);
	return EMR_OK;
}

emr_status emr_dataset_find(
	emr_crowd *crowd, const char *text, emr_team *out, char *out_names, size_t names_size)
{
	walk w = {.crowd = crowd,
		.fn = consider_dataset,
		.names = out_names,
		.names_size = names_size};
	emr_status status;

	out_names[0] = '\0';
	seek(&w, text);
	status = emr_teams_open(crowd->replica, visit_dataset, &w);
	if (status == EMR_OK && w.n != 1 && w.n_exact != 1)
		return w.n == 0 ? EMR_NOT_FOUND : EMR_CONFLICT;
	if (status == EMR_OK)
		*out = w.found;
	return status;
}

emr_status emr_dataset_find_or_say(
	emr_crowd *crowd, const char *text, emr_team *out, emr_problem *out_problem)
{
	char names[600];
	emr_status status = emr_dataset_find(crowd, text, out, names, sizeof names);

	if (status == EMR_NOT_FOUND)
		emr_problem_set(out_problem, EMR_SAY_UNKNOWN_DATASET, "what", text, NULL);
	if (status == EMR_CONFLICT)
		emr_problem_set(
			out_problem, EMR_SAY_WHICH_DATASET, "what", text, "names", names, NULL);
	return status;
}

/* ---- how many take part ---- */

typedef struct counting {
	emr_crowd *crowd;
	const emr_team *dataset;
	const emr_team *one; /* of the same line: in hand */
	emr_buf domains;     /* emr_id16, each once: folders that are in */
} counting;

static emr_status note_grant(void *arg, const emr_known_grant *grant)
{
	counting *c = arg;
	bool is_in = false;

	if (emr_grant_phase_at(grant, c->crowd->now_unix_s) == EMR_GRANT_IN_FORCE)
		EMR_TRY(emr_dataset_has(c->crowd->replica, c->one, grant, &is_in));
	if (!is_in)
		return EMR_OK;
	for (size_t at = 0; at < c->domains.len; at += sizeof grant->domain)
		if (memcmp(c->domains.data + at, grant->domain.b, sizeof grant->domain) == 0)
			return EMR_OK;
	return emr_buf_append(&c->domains, grant->domain.b, sizeof grant->domain);
}

/* One of the line that was closed has nobody's folder in it any more. */
static emr_status count_one(void *arg, const emr_team *team)
{
	counting *c = arg;

	if (!emr_dataset_is_same(team, c->dataset))
		return EMR_OK;
	c->one = team;
	return emr_replica_grants_to(c->crowd->replica, team->grantee, note_grant, c);
}

/* "|F|M|" as a list. */
static json_t *words_json(const char *words)
{
	json_t *list = json_array();
	const char *at = words;

	while (list != NULL && *at == '|' && at[1] != '\0') {
		size_t len = strcspn(at + 1, "|");

		if (json_array_append_new(list, json_stringn(at + 1, len)) != 0) {
			json_decref(list);
			return NULL;
		}
		at += 1 + len;
	}
	return list;
}

/* As the terms' file says it. */
static json_t *columns_json(const emr_terms *terms)
{
	static const char *const kinds[] = {[EMR_TERMS_NUMBER] = "number",
		[EMR_TERMS_DATE] = "date",
		[EMR_TERMS_CODE] = "code"};
	json_t *object = json_object();

	for (size_t i = 0; i < terms->n_columns && object != NULL; i++) {
		const emr_terms_column *column = &terms->columns[i];
		const char *words = terms->column_text + column->words;

		if (json_object_set_new(object, terms->column_text + column->name,
			    words[0] != '\0' ? words_json(words)
					     : json_string(kinds[column->kind])) != 0) {
			json_decref(object);
			object = NULL;
		}
	}
	return object;
}

static emr_status add_rules(const emr_terms *terms, json_t *one)
{
	if (!terms->is_deidentified)
		return EMR_OK;
	if (terms->n_columns > 0 && json_object_set_new(one, "columns", columns_json(terms)) != 0)
		return EMR_NO_MEMORY;
	return json_object_update_new(
		       one, json_pack("{s:b, s:s, s:s, s:s, s:s, s:s}", "characteristics",
				    terms->with_characteristics, "dates",
				    terms->without_dates ? "removed" : "moved", "faces",
				    terms->with_faces ? "kept" : "withheld", "derived",
				    terms->with_derived ? "kept" : "withheld", "mosaic_tiles",
				    terms->with_tiles ? "kept" : "removed", "safe_private",
				    terms->with_private ? "kept" : "removed")) == 0
		       ? EMR_OK
		       : EMR_NO_MEMORY;
}

static json_t *terms_json(const emr_team *d, const char *called, const char *organisation)
{
	char until[EMR_TEXT_BYTES], terms[65];

	emr_time_json((int64_t)d->terms.until_unix_s, until);
	emr_hex(d->terms_id.b, sizeof d->terms_id.b, terms);
	return json_pack("{s:s, s:o, s:o, s:s, s:o, s:o, s:s, s:I, s:I, s:I, s:s}", "name", d->name,
		"organisation", emr_json_text(organisation), "called", emr_json_text(called),
		"data", d->terms.is_deidentified ? "de-identified" : "identified", "purpose",
		emr_json_text(d->terms.purpose), "who", emr_json_text(d->terms.who), "until", until,
		"until_unix", (json_int_t)d->terms.until_unix_s, "price",
		(json_int_t)d->terms.price, "daily_limit", (json_int_t)d->terms.daily_limit,
		"terms", terms);
}

/* Of the whole line, and when it was closed. */
static emr_status add_readers(emr_crowd *crowd, const emr_team *dataset, emr_id32 me, json_t *one)
{
	json_t *readers = json_array(), *former = json_array();
	char closed[EMR_TEXT_BYTES];
	uint64_t closed_unix_s = 0;
	bool is_reader = false;
	emr_status status =
		readers != NULL && former != NULL
			? emr_dataset_readers(crowd, dataset, me, readers, former, &is_reader)
			: EMR_NO_MEMORY;

	if (status == EMR_OK)
		status = dataset_closed(crowd, dataset, &closed_unix_s);
	if (status == EMR_OK && (json_object_set_new(one, "reader", json_boolean(is_reader)) != 0 ||
					json_object_set(one, "readers", readers) != 0 ||
					json_object_set(one, "former", former) != 0))
		status = EMR_NO_MEMORY;
	emr_time_json((int64_t)closed_unix_s, closed);
	if (status == EMR_OK && closed_unix_s != 0 &&
		json_object_set_new(one, "closed", json_string(closed)) != 0)
		status = EMR_NO_MEMORY;
	json_decref(readers);
	json_decref(former);
	return status;
}

emr_status emr_dataset_json(
	emr_crowd *crowd, const emr_team *dataset, emr_id32 me, json_t **out_json)
{
	char organisation[EMR_ORGANISATION_NAME_MAX + 1], called[256];
	counting c = {.crowd = crowd, .dataset = dataset};
	json_t *one = NULL;
	size_t n;
	bool leads = memcmp(dataset->row.steward, me.b, sizeof me.b) == 0;
	emr_status status = call_name(crowd, dataset, called, sizeof called, organisation);

	if (status == EMR_OK)
		status = emr_teams_open(crowd->replica, count_one, &c);
	n = c.domains.len / sizeof(emr_id16);
	emr_buf_free(&c.domains);
	if (status == EMR_OK)
		one = terms_json(dataset, called, organisation);
	if (status == EMR_OK &&
		(one == NULL || add_rules(&dataset->terms, one) != EMR_OK ||
			json_object_set_new(one, "participants", json_integer((json_int_t)n)) !=
				0 ||
			json_object_set_new(one, "steward", json_boolean(leads)) != 0))
		status = EMR_NO_MEMORY;
	if (status == EMR_OK)
		status = add_readers(crowd, dataset, me, one);
	if (status == EMR_OK)
		status = dataset_add_frozen(crowd->replica, dataset, one);
	if (status == EMR_OK)
		*out_json = one;
	else
		json_decref(one);
	return status;
}

/* ---- lists ---- */

static emr_status list_one(walk *w, const emr_team *dataset)
{
	json_t *one = NULL;

	EMR_TRY(emr_dataset_json(w->crowd, dataset, w->me, &one));
	if (json_array_append_new(w->list, one) != 0)
		return EMR_NO_MEMORY;
	return EMR_OK;
}

/* Datasets of which nothing is open any more, one of each line: the last that was closed. */
typedef struct closing {
	walk *w;
	emr_team *list; /* owned */
	size_t n, cap;
} closing;

static emr_status note_closed(void *arg, const emr_team *team)
{
	closing *c = arg;
	char called[256];
	bool is_sought = false;

	if (team->kind == EMR_TEAM_DATASET && team->row.head.state != EMR_DATASET_OPEN)
		EMR_TRY(consider_name(c->w, team, called, &is_sought));
	if (!is_sought)
		return EMR_OK;
	if (emr_array_room(&c->list, c->n, &c->cap, sizeof *c->list) != EMR_OK)
		return EMR_NO_MEMORY;
	c->list[c->n++] = *team;
	return EMR_OK;
}

static emr_status note_open(void *arg, const emr_team *team)
{
	closing *c = arg;
	size_t n = 0;

	for (size_t i = 0; i < c->n; i++)
		if (!emr_dataset_is_same(&c->list[i], team))
			c->list[n++] = c->list[i];
	c->n = n;
	return EMR_OK;
}

static emr_status keep_last(const closing *c, size_t i, bool *out_is_last)
{
	uint64_t mine = 0, other = 0;
	emr_status status = dataset_closed(c->w->crowd, &c->list[i], &mine);

	*out_is_last = true;
	for (size_t k = 0; k < c->n && status == EMR_OK; k++) {
		if (k == i || !emr_dataset_is_same(&c->list[i], &c->list[k]))
			continue;
		status = dataset_closed(c->w->crowd, &c->list[k], &other);
		*out_is_last = *out_is_last && (other < mine || (other == mine && i < k));
	}
	return status;
}

/* TEXT NULL: whatever they are called. */
static emr_status add_closed(emr_crowd *crowd, const char *text, emr_id32 me, json_t *io_list)
{
	walk w = {.crowd = crowd, .me = me, .list = io_list};
	closing c = {.w = &w};
	emr_status status;

	if (text != NULL)
		seek(&w, text);
	status = emr_teams_ever(crowd->replica, note_closed, &c);
	if (status == EMR_OK && c.n > 0)
		status = emr_teams_open(crowd->replica, note_open, &c);
	for (size_t i = 0; i < c.n && status == EMR_OK; i++) {
		bool is_last = false;

		status = keep_last(&c, i, &is_last);
		if (status == EMR_OK && is_last)
			status = list_one(&w, &c.list[i]);
	}
	free(c.list);
	return status;
}

emr_status emr_datasets_json(emr_crowd *crowd, emr_id32 me, bool with_closed, json_t **out_list)
{
	walk w = {.crowd = crowd, .fn = list_one, .me = me, .list = json_array()};
	emr_status status =
		w.list != NULL ? emr_teams_open(crowd->replica, visit_dataset, &w) : EMR_NO_MEMORY;

	if (status == EMR_OK && with_closed)
		status = add_closed(crowd, NULL, me, w.list);
	if (status == EMR_OK)
		*out_list = w.list;
	else
		json_decref(w.list);
	return status;
}

static emr_status list_sought(walk *w, const emr_team *dataset)
{
	char called[256];
	bool is_sought;

	EMR_TRY(consider_name(w, dataset, called, &is_sought));
	return is_sought ? list_one(w, dataset) : EMR_OK;
}

/* Nobody hides what is there by calling another the same. */
static emr_status list_all_called(emr_crowd *crowd, const char *text, emr_id32 me, json_t *io_list)
{
	walk w = {.crowd = crowd, .fn = list_sought, .me = me, .list = io_list};

	seek(&w, text);
	return emr_teams_open(crowd->replica, visit_dataset, &w);
}

emr_status emr_dataset_open_json(emr_crowd *crowd, const char *text, emr_id32 me, emr_team *out,
	json_t *io_list, emr_problem *out_problem)
{
	json_t *one = NULL;

	EMR_TRY(emr_dataset_find_or_say(crowd, text, out, out_problem));
	EMR_TRY(emr_dataset_json(crowd, out, me, &one));
	if (json_array_append_new(io_list, one) != 0)
		return EMR_NO_MEMORY;
	return EMR_OK;
}

emr_status emr_dataset_called_json(emr_crowd *crowd, const char *text, emr_id32 me, emr_team *out,
	json_t *io_list, emr_problem *out_problem)
{
	emr_problem problem = {0};
	emr_status found = emr_dataset_open_json(crowd, text, me, out, io_list, &problem), status;

	if (found == EMR_CONFLICT)
		found = list_all_called(crowd, text, me, io_list);
	if (found != EMR_OK && found != EMR_NOT_FOUND) {
		*out_problem = problem;
		return found;
	}
	status = add_closed(crowd, text, me, io_list);
	if (status == EMR_OK && json_array_size(io_list) == 0)
		*out_problem = problem;
	return status == EMR_OK && json_array_size(io_list) == 0 ? found : status;
}
