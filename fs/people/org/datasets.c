/* This file tells of datasets what the ledger says: their terms, their readers, how many take part.
 * Every holder of a copy of the ledger is told the same. */
#include "org/datasets.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

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

/* Which one is meant. */
typedef struct sought {
	emr_crowd *crowd;
	const char *name; /* NULL: any */
	size_t name_len;
	char org[160]; /* folded; "": any */
} sought;

/* TEXT: NAME, or NAME@ORGANISATION; NULL: any. */
static sought seek(emr_crowd *crowd, const char *text)
{
	const char *at = text != NULL ? strrchr(text, '@') : NULL;
	sought s = {.crowd = crowd, .name = text};

	if (text != NULL)
		s.name_len = at != NULL ? (size_t)(at - text) : strlen(text);
	if (at != NULL)
		emr_who_fold(at + 1, s.org, sizeof s.org);
	return s;
}

/* *OUT_CALLED, of 256 bytes, is what it is called, where it is the one that is sought. */
static emr_status consider_name(
	const sought *s, const emr_team *dataset, char called[256], bool *out_is)
{
	char organisation[EMR_ORGANISATION_NAME_MAX + 1];
	emr_status status;

	*out_is = false;
	if (s->name != NULL && (strlen(dataset->name) != s->name_len ||
				       strncasecmp(dataset->name, s->name, s->name_len) != 0))
		return EMR_OK;
	status = call_name(s->crowd, dataset, called, 256, organisation);
	*out_is = status == EMR_OK &&
		  (s->org[0] == '\0' || strcmp(strrchr(called, '@') + 1, s->org) == 0);
	return status;
}

/* The next one of ASKED (TEAMS_OPEN) that is sought, and whose place no other has taken. */
static bool next_sought(emr_asking *asked, const sought *s, emr_team *out, char called[256])
{
	bool is = false;

	while (!is && emr_team_next_present(asked, EMR_TEAM_DATASET, out))
		asked->status = consider_name(s, out, called, &is);
	return is;
}

emr_status emr_dataset_find(
	emr_crowd *crowd, const char *text, emr_team *out, char *out_names, size_t names_size)
{
	const sought s = seek(crowd, text);
	emr_team team, found; /* of all that fit, or of those that fit letter by letter: the last */
	unsigned n = 0, n_exact = 0;
	char called[256];

	out_names[0] = '\0';
	EMR_ASK(asked, crowd->replica, TEAMS_OPEN);
	while (next_sought(&asked, &s, &team, called)) {
		bool is_exact = memcmp(team.name, s.name, s.name_len) == 0;
		size_t at = strlen(out_names);

		if (is_exact || n_exact == 0)
			found = team;
		n_exact += is_exact;
		n++;
		if (at + strlen(called) + 3 < names_size)
			snprintf(out_names + at, names_size - at, "%s%s", at > 0 ? ", " : "",
				called);
	}
	EMR_TRY(asked.status);
	if (n != 1 && n_exact != 1)
		return n == 0 ? EMR_NOT_FOUND : EMR_CONFLICT;
	*out = found;
	return EMR_OK;
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

/* Appends the folders that are in ONE, each once. */
static emr_status gather_folders(emr_crowd *crowd, const emr_team *one, emr_buf *domains)
{
	EMR_ASK(asked, crowd->replica, GRANTS_TO, .who = one->grantee);
	emr_known_grant grant;

	while (emr_next(&asked, &grant)) {
		const emr_bytes domain = emr_bytes_of(grant.domain.b, sizeof grant.domain);
		bool is_in = false;

		if (emr_grant_phase_at(&grant, crowd->now_unix_s) == EMR_GRANT_IN_FORCE)
			EMR_TRY(emr_dataset_has(crowd->replica, one, &grant, &is_in));
		if (is_in && !emr_buf_has(domains, domain))
			EMR_TRY(emr_buf_append(domains, domain.data, domain.len));
	}
	return asked.status;
}

/* One of the line that was closed has nobody's folder in it any more. */
static emr_status count_folders(emr_crowd *crowd, const emr_team *dataset, json_int_t *out_n)
{
	EMR_ASK(asked, crowd->replica, TEAMS_OPEN);
	EMR_AUTO_BUF domains = {0}; /* emr_id16 */
	emr_team team;

	while (emr_team_next(&asked, &team))
		if (emr_dataset_is_same(&team, dataset))
			EMR_TRY(gather_folders(crowd, &team, &domains));
	*out_n = (json_int_t)(domains.len / sizeof(emr_id16));
	return asked.status;
}

/* "|F|M|" as a list. */
static json_t *words_json(const char *words)
{
	json_auto_t *list = json_array();

	for (const char *at = words; *at == '|' && at[1] != '\0';) {
		size_t len = strcspn(at + 1, "|");

		if (json_array_append_new(list, json_stringn(at + 1, len)) != 0)
			return NULL;
		at += 1 + len;
	}
	return json_incref(list);
}

/* As the terms' file says it. */
static json_t *columns_json(const emr_terms *terms)
{
	static const char *const kinds[] = {[EMR_TERMS_NUMBER] = "number",
		[EMR_TERMS_DATE] = "date",
		[EMR_TERMS_CODE] = "code"};
	json_auto_t *object = json_object();

	for (size_t i = 0; i < terms->n_columns; i++) {
		const emr_terms_column *column = &terms->columns[i];
		const char *words = terms->column_text + column->words;

		if (json_object_set_new(object, terms->column_text + column->name,
			    words[0] != '\0' ? words_json(words)
					     : json_string(kinds[column->kind])) != 0)
			return NULL;
	}
	return json_incref(object);
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

	if (json_object_set_new(one, "reader", json_false()) != 0 || /* its place */
		json_object_set_new(one, "readers", readers) != 0 ||
		json_object_set_new(one, "former", former) != 0)
		return EMR_NO_MEMORY;
	EMR_TRY(emr_dataset_readers(crowd, dataset, me, readers, former, &is_reader));
	EMR_TRY(dataset_closed(crowd, dataset, &closed_unix_s));
	emr_time_json((int64_t)closed_unix_s, closed);
	if (json_object_set_new(one, "reader", json_boolean(is_reader)) != 0 ||
		(closed_unix_s != 0 &&
			json_object_set_new(one, "closed", json_string(closed)) != 0))
		return EMR_NO_MEMORY;
	return EMR_OK;
}

emr_status emr_dataset_json(
	emr_crowd *crowd, const emr_team *dataset, emr_id32 me, json_t **out_json)
{
	char organisation[EMR_ORGANISATION_NAME_MAX + 1], called[256];
	json_auto_t *one = NULL;
	json_int_t n = 0;
	bool leads = memcmp(dataset->row.steward, me.b, sizeof me.b) == 0;

	EMR_TRY(call_name(crowd, dataset, called, sizeof called, organisation));
	EMR_TRY(count_folders(crowd, dataset, &n));
	one = terms_json(dataset, called, organisation);
	EMR_TRY(one != NULL ? add_rules(&dataset->terms, one) : EMR_NO_MEMORY);
	if (json_object_set_new(one, "participants", json_integer(n)) != 0 ||
		json_object_set_new(one, "steward", json_boolean(leads)) != 0)
		return EMR_NO_MEMORY;
	EMR_TRY(add_readers(crowd, dataset, me, one));
	EMR_TRY(dataset_add_frozen(crowd->replica, dataset, one));
	*out_json = json_incref(one);
	return EMR_OK;
}

/* ---- lists ---- */

static emr_status list_one(emr_crowd *crowd, const emr_team *dataset, emr_id32 me, json_t *io_list)
{
	json_t *one = NULL;

	EMR_TRY(emr_dataset_json(crowd, dataset, me, &one));
	return json_array_append_new(io_list, one) == 0 ? EMR_OK : EMR_NO_MEMORY;
}

/* Those that are open, and of those that are closed the ones that are sought (emr_team). */
static emr_status sort_datasets(const sought *s, emr_buf *out_open, emr_buf *out_closed)
{
	char called[256];
	emr_team team;

	EMR_ASK(asked, s->crowd->replica, TEAMS);
	while (emr_team_next(&asked, &team)) {
		bool is_open = team.row.head.state == EMR_DATASET_OPEN, is = is_open;

		if (team.kind != EMR_TEAM_DATASET)
			continue;
		if (!is_open)
			EMR_TRY(consider_name(s, &team, called, &is));
		if (is)
			EMR_TRY(emr_buf_append(
				is_open ? out_open : out_closed, &team, sizeof team));
	}
	return asked.status;
}

/* Of a line of which nothing is open any more, the last that was closed. */
static emr_status is_last_closed(emr_crowd *crowd, const emr_buf *open, const emr_buf *closed,
	const emr_team *one, bool *out_is)
{
	uint64_t mine = 0, theirs = 0;

	*out_is = false;
	EMR_EACH (const emr_team, other, open)
		if (emr_dataset_is_same(one, other))
			return EMR_OK;
	EMR_TRY(dataset_closed(crowd, one, &mine));
	EMR_EACH (const emr_team, other, closed) {
		if (other == one || !emr_dataset_is_same(one, other))
			continue;
		EMR_TRY(dataset_closed(crowd, other, &theirs));
		if (theirs > mine || (theirs == mine && other < one))
			return EMR_OK;
	}
	*out_is = true;
	return EMR_OK;
}

/* TEXT NULL: whatever they are called. */
static emr_status add_closed(emr_crowd *crowd, const char *text, emr_id32 me, json_t *io_list)
{
	const sought s = seek(crowd, text);
	EMR_AUTO_BUF open = {0};
	EMR_AUTO_BUF closed = {0};
	bool is_last = false;

	EMR_TRY(sort_datasets(&s, &open, &closed));
	EMR_EACH (const emr_team, one, &closed) {
		EMR_TRY(is_last_closed(crowd, &open, &closed, one, &is_last));
		if (is_last)
			EMR_TRY(list_one(crowd, one, me, io_list));
	}
	return EMR_OK;
}

/* Nobody hides what is there by calling another the same.  TEXT NULL: whatever they are called. */
static emr_status list_all_called(emr_crowd *crowd, const char *text, emr_id32 me, json_t *io_list)
{
	const sought s = seek(crowd, text);
	char called[256];
	emr_team team;

	EMR_ASK(asked, crowd->replica, TEAMS_OPEN);
	while (next_sought(&asked, &s, &team, called))
		EMR_TRY(list_one(crowd, &team, me, io_list));
	return asked.status;
}

emr_status emr_datasets_json(emr_crowd *crowd, emr_id32 me, bool with_closed, json_t **out_list)
{
	json_auto_t *list = json_array();

	EMR_TRY(list != NULL ? list_all_called(crowd, NULL, me, list) : EMR_NO_MEMORY);
	if (with_closed)
		EMR_TRY(add_closed(crowd, NULL, me, list));
	*out_list = json_incref(list);
	return EMR_OK;
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
