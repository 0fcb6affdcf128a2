/* This file tells of datasets what the ledger says: their terms, their readers, how many take part.
 * Whoever has a copy of the ledger is told the same. */
#include "org/datasets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/codec.h"
#include "contract/codes.h"
#include "keyring/card.h"
#include "kit/text.h"
#include "share/counts.h"

/* ---- which ---- */

static emr_status call_name(emr_crowd *crowd, const emr_team *dataset, char *out, size_t size,
	char organisation[EMR_ORGANISATION_NAME_MAX + 1])
{
	char folded[160];
	emr_status status = emr_organisation_name(
		crowd->replica, crowd->descriptor, dataset->org.b, organisation);

	if (status != EMR_OK)
		return status;
	emr_who_fold(organisation, folded, sizeof folded);
	snprintf(out, size, "%s@%s", dataset->name, folded);
	return EMR_OK;
}

/* FN for each that is open and whose place no other has taken. */
typedef struct walk {
	emr_crowd *crowd;
	emr_status (*fn)(struct walk *w, const emr_team *dataset);
	const char *name; /* sought */
	size_t name_len;
	char org[160]; /* folded; "": any */
	emr_team found;
	unsigned n;
	char *names;
	size_t names_size;
	emr_id32 me;
	json_t *list;
} walk;

static emr_status visit_dataset(void *arg, const emr_team *team)
{
	walk *w = arg;
	emr_team present;
	emr_status status;

	if (team->kind != EMR_TEAM_DATASET)
		return EMR_OK;
	status = emr_team_present(w->crowd->replica, team, &present);
	if (status != EMR_OK || !emr_id16_equal(present.id, team->id))
		return status;
	return w->fn(w, team);
}

static emr_status consider_dataset(walk *w, const emr_team *dataset)
{
	char organisation[EMR_ORGANISATION_NAME_MAX + 1], called[256];
	size_t at = strlen(w->names);
	emr_status status;

	if (strlen(dataset->name) != w->name_len ||
		strncasecmp(dataset->name, w->name, w->name_len) != 0)
		return EMR_OK;
	status = call_name(w->crowd, dataset, called, sizeof called, organisation);
	if (status != EMR_OK ||
		(w->org[0] != '\0' && strcmp(strrchr(called, '@') + 1, w->org) != 0))
		return status;
	w->found = *dataset;
	w->n++;
	if (at + strlen(called) + 3 < w->names_size)
		snprintf(w->names + at, w->names_size - at, "%s%s", at > 0 ? ", " : "", called);
	return EMR_OK;
}

emr_status emr_dataset_find(
	emr_crowd *crowd, const char *text, emr_team *out, char *out_names, size_t names_size)
{
	const char *at = strrchr(text, '@');
	walk w = {.crowd = crowd,
		.fn = consider_dataset,
		.name = text,
		.name_len = at != NULL ? (size_t)(at - text) : strlen(text),
		.names = out_names,
		.names_size = names_size};
	emr_status status;

	out_names[0] = '\0';
	if (at != NULL)
		emr_who_fold(at + 1, w.org, sizeof w.org);
	status = emr_teams_open(crowd->replica, visit_dataset, &w);
	if (status == EMR_OK && w.n != 1)
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

/* ---- who reads, and who takes part ---- */

typedef struct counting {
	emr_crowd *crowd;
	const emr_team *dataset;
	const emr_team *one; /* of the same line: in hand */
	json_t *readers, *former;
	emr_id32 me;
	bool is_reader;
	emr_buf domains; /* emr_id16, each once: folders that are in */
} counting;

static emr_status note_grant(void *arg, const emr_known_grant *grant)
{
	counting *c = arg;
	bool is_in = false;
	emr_status status = EMR_OK;

	if (emr_grant_phase_at(grant, c->crowd->now_unix_s) == EMR_GRANT_IN_FORCE)
		status = emr_dataset_has(c->crowd->replica, c->one, grant, &is_in);
	if (status != EMR_OK || !is_in)
		return status;
	for (size_t at = 0; at < c->domains.len; at += sizeof grant->domain)
		if (memcmp(c->domains.data + at, grant->domain.b, sizeof grant->domain) == 0)
			return EMR_OK;
	return emr_buf_append(&c->domains, grant->domain.b, sizeof grant->domain);
}

static bool is_listed(const json_t *readers, const char *code)
{
	for (size_t i = 0; i < json_array_size(readers); i++)
		if (strcmp(json_string_value(json_object_get(json_array_get(readers, i), "code")),
			    code) == 0)
			return true;
	return false;
}

/* When VERSION of him in the dataset came, as the ledger has it. */
static emr_status moment_of(const counting *c, emr_id32 root, uint64_t version,
	char out[EMR_TEXT_BYTES], json_int_t *out_entry)
{
	emr_part_key key = {.family = EMR_FAMILY_MEMBER, .version = version};
	EMR_AUTO_BUF item = {0};
	emr_replica_item facts = {.seq = 0};
	emr_status status;

	emr_object_member(c->one->id.b, root.b, key.object.b);
	status = emr_replica_item_get(c->crowd->replica, &key, &item, &facts);
	out[0] = '\0';
	if (status == EMR_OK)
		emr_time_json((int64_t)facts.ledger_time, out);
	*out_entry = (json_int_t)facts.seq;
	return status == EMR_NOT_FOUND ? EMR_OK : status;
}

/* The steward is in what he makes, and goes out again: its key was his before anybody took part.
 * Had he come back later, this would be another version. */
static bool is_its_maker(const counting *c, const emr_row_member *row)
{
	return row->head.version == 2 &&
	       memcmp(row->member, c->one->row.steward, sizeof row->member) == 0;
}

static emr_status note_reader(void *arg, const emr_row_member *row)
{
	counting *c = arg;
	bool is_ended = row->head.state != EMR_MEMBER_ACTIVE,
	     is_over = is_ended || c->crowd->now_unix_s >= row->not_after_unix_s;
	json_t *list = is_over ? c->former : c->readers, *one;
	char code[EMR_PERSON_CODE_CHARS], id[65], since[EMR_TEXT_BYTES], until[EMR_TEXT_BYTES];
	json_int_t entry = 0, ending = 0;
	emr_id32 root;
	emr_who who;
	emr_status status;

	memcpy(root.b, row->member, sizeof root.b);
	c->is_reader = c->is_reader || (!is_over && emr_id32_equal(root, c->me));
	emr_person_code(root, code);
	emr_hex(root.b, sizeof root.b, id);
	if (is_listed(list, code) || (is_ended && is_its_maker(c, row)))
		return EMR_OK;
	emr_time_json((int64_t)row->not_after_unix_s, until);
	status = emr_who_of(c->crowd, root, &who);
	if (status == EMR_OK) /* what ended it is a version of its own */
		status = moment_of(c, root, row->head.version - is_ended, since, &entry);
	if (status == EMR_OK && is_ended)
		status = moment_of(c, root, row->head.version, until, &ending);
	if (status != EMR_OK)
		return status;
	one = json_pack("{s:o, s:o, s:o, s:s, s:s, s:s, s:I}", "who", emr_json_text(who.called),
		"name", emr_json_text(who.name), "organisation", emr_json_text(who.organisation),
		"code", code, "id", id, "since", since, "entry", entry);
	if (is_over && json_object_set_new(one, "until", json_string(until)) != 0)
		status = EMR_NO_MEMORY;
	if (json_array_append_new(list, one) != 0)
		status = EMR_NO_MEMORY;
	return status;
}

/* Who reads by another key of the same dataset is no former reader. */
static void drop_present(const counting *c)
{
	for (size_t i = json_array_size(c->former); i > 0; i--)
		if (is_listed(c->readers, json_string_value(json_object_get(
						  json_array_get(c->former, i - 1), "code"))))
			json_array_remove(c->former, i - 1);
}

/* Whoever is let into what the dataset was before reads as well, as long as owners' computers have
 * not followed: so every one of the line counts. */
static emr_status count_one(void *arg, const emr_team *team)
{
	counting *c = arg;
	emr_status status;

	if (!emr_dataset_is_same(team, c->dataset))
		return EMR_OK;
	c->one = team;
	status = emr_replica_members(c->crowd->replica, team->id, note_reader, c);
	return status == EMR_OK
		       ? emr_replica_grants_to(c->crowd->replica, team->grantee, note_grant, c)
		       : status;
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
	return json_object_set_new(one, "dates",
		       json_string(terms->without_dates ? "removed" : "moved")) == 0 &&
			       json_object_set_new(one, "characteristics",
				       json_boolean(terms->with_characteristics)) == 0 &&
			       json_object_set_new(one, "faces",
				       json_string(terms->with_faces ? "kept" : "withheld")) == 0
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

/* ---- what is in it ---- */

static bool add_cells(json_t *counts, const char *list_name, const char *name,
	const emr_counts_cell *cells, size_t n, const char *(*text)(size_t i))
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		if (cells[i].people > 0 &&
			json_array_append_new(list, json_pack("{s:s, s:I, s:I}", name, text(i),
							    "people", (json_int_t)cells[i].people,
							    "files", (json_int_t)cells[i].files)) !=
				0) {
			json_decref(list);
			return false;
		}
	return json_object_set_new(counts, list_name, list) == 0;
}

static bool add_bands(json_t *counts, const emr_counts_table *table)
{
	json_t *list = json_array();

	for (size_t i = 1; i < EMR_COUNTS_BANDS; i++)
		if (table->bands[i] > 0 &&
			json_array_append_new(
				list, json_pack("{s:s, s:I}", "age", emr_counts_band_text(i),
					      "people", (json_int_t)table->bands[i])) != 0) {
			json_decref(list);
			return false;
		}
	return json_object_set_new(counts, "ages", list) == 0;
}

/* As its steward has signed it; while so few take part that it would be about one of them, none. */
static emr_status add_counts(
	emr_replica *replica, const emr_team *dataset, size_t participants, json_t *one)
{
	char as_of[EMR_TEXT_BYTES];
	emr_counts_table table;
	emr_frozen state;
	json_t *counts;
	emr_status status = participants >= EMR_COUNTS_FLOOR
				    ? emr_counts_newest(replica, dataset, &table, &state)
				    : EMR_NOT_FOUND;

	if (status != EMR_OK)
		return status == EMR_NOT_FOUND || status == EMR_MISSING_DATA ? EMR_OK : status;
	emr_time_json((int64_t)state.time_unix_s, as_of);
	counts = json_pack("{s:s, s:I, s:I}", "as_of", as_of, "fewest",
		(json_int_t)EMR_COUNTS_FLOOR, "people", (json_int_t)table.people);
	if (!add_bands(counts, &table) ||
		!add_cells(counts, "kinds", "kind", table.kinds, EMR_COUNTS_KINDS,
			emr_counts_kind_text) ||
		!add_cells(counts, "modalities", "modality", table.modalities,
			EMR_COUNTS_MODALITIES, emr_counts_modality_text)) {
		json_decref(counts);
		return EMR_NO_MEMORY;
	}
	return json_object_set_new(one, "counts", counts) == 0 ? EMR_OK : EMR_NO_MEMORY;
}

emr_status emr_dataset_json(
	emr_crowd *crowd, const emr_team *dataset, emr_id32 me, json_t **out_json)
{
	char organisation[EMR_ORGANISATION_NAME_MAX + 1], called[256];
	counting c = {.crowd = crowd,
		.dataset = dataset,
		.me = me,
		.readers = json_array(),
		.former = json_array()};
	json_t *one = NULL;
	bool leads = memcmp(dataset->row.steward, me.b, sizeof me.b) == 0;
	emr_status status = c.readers != NULL && c.former != NULL
				    ? call_name(crowd, dataset, called, sizeof called, organisation)
				    : EMR_NO_MEMORY;

	if (status == EMR_OK)
		status = emr_teams_open(crowd->replica, count_one, &c);
	drop_present(&c);
	if (status == EMR_OK)
		one = terms_json(dataset, called, organisation);
	if (status == EMR_OK &&
		(one == NULL || add_rules(&dataset->terms, one) != EMR_OK ||
			json_object_set_new(one, "participants",
				json_integer((json_int_t)(c.domains.len / sizeof(emr_id16)))) !=
				0 ||
			json_object_set_new(one, "steward", json_boolean(leads)) != 0 ||
			json_object_set_new(one, "reader", json_boolean(c.is_reader)) != 0 ||
			json_object_set(one, "readers", c.readers) != 0 ||
			json_object_set(one, "former", c.former) != 0))
		status = EMR_NO_MEMORY;
	if (status == EMR_OK)
		status = add_counts(crowd->replica, dataset, c.domains.len / sizeof(emr_id16), one);
	json_decref(c.readers);
	json_decref(c.former);
	emr_buf_free(&c.domains);
	if (status == EMR_OK)
		*out_json = one;
	else
		json_decref(one);
	return status;
}

static emr_status list_one(walk *w, const emr_team *dataset)
{
	json_t *one = NULL;
	emr_status status = emr_dataset_json(w->crowd, dataset, w->me, &one);

	if (status == EMR_OK && json_array_append_new(w->list, one) != 0)
		status = EMR_NO_MEMORY;
	return status;
}

emr_status emr_datasets_json(emr_crowd *crowd, emr_id32 me, json_t **out_list)
{
	walk w = {.crowd = crowd, .fn = list_one, .me = me, .list = json_array()};
	emr_status status =
		w.list != NULL ? emr_teams_open(crowd->replica, visit_dataset, &w) : EMR_NO_MEMORY;

	if (status == EMR_OK)
		*out_list = w.list;
	else
		json_decref(w.list);
	return status;
}
