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

/* Whether TEXT means DATASET: NAME, or NAME@ORGANISATION; NULL: any. */
static emr_status is_meant(
	emr_crowd *crowd, const char *text, const emr_team *dataset, bool *out_is)
{
	char organisation[EMR_ORGANISATION_NAME_MAX + 1], called[256], org[160] = "";
	const char *at = text != NULL ? strrchr(text, '@') : NULL;
	size_t len = at != NULL ? (size_t)(at - text) : strlen(text != NULL ? text : "");

	*out_is = false;
	if (dataset->kind != EMR_TEAM_DATASET ||
		(text != NULL && (strlen(dataset->name) != len ||
					 strncasecmp(dataset->name, text, len) != 0)))
		return EMR_OK;
	EMR_TRY(call_name(crowd, dataset, called, sizeof called, organisation));
	if (at != NULL)
		emr_who_fold(at + 1, org, sizeof org);
	*out_is = org[0] == '\0' || strcmp(strrchr(called, '@') + 1, org) == 0;
	return EMR_OK;
}

/* Whether ONE of ALL stands for its line: it is open and no other has taken its place, or it is the
 * last that was closed of a line of which nothing is open any more. */
static emr_status is_of_its_line(
	emr_crowd *crowd, const emr_buf *all, const emr_team *one, bool *out_is)
{
	uint64_t mine = 0, theirs = 0;
	emr_team present;

	*out_is = false;
	EMR_TRY(dataset_closed(crowd, one, &mine));
	if (mine == 0) {
		EMR_TRY(emr_team_present(crowd->replica, one, &present));
		*out_is = emr_id16_equal(present.id, one->id);
		return EMR_OK;
	}
	EMR_EACH (const emr_team, other, all) {
		if (other == one || !emr_dataset_is_same(one, other))
			continue;
		EMR_TRY(dataset_closed(crowd, other, &theirs));
		if (theirs == 0 || theirs > mine || (theirs == mine && other < one))
			return EMR_OK;
	}
	*out_is = true;
	return EMR_OK;
}

/* Those that TEXT means, one of each line (emr_team): the open ones, or those of which nothing is
 * open any more. */
static emr_status gather_meant(emr_crowd *crowd, const char *text, bool is_open, emr_buf *out)
{
	EMR_ASK(asked, crowd->replica, TEAMS);
	EMR_AUTO_BUF all = {0};
	emr_team team;
	bool is = false;

	while (emr_team_next(&asked, &team)) {
		EMR_TRY(is_meant(crowd, text, &team, &is));
		if (is)
			EMR_TRY(emr_buf_append(&all, &team, sizeof team));
	}
	EMR_TRY(asked.status);
	EMR_EACH (const emr_team, one, &all) {
		if ((one->row.head.state == EMR_DATASET_OPEN) != is_open)
			continue;
		EMR_TRY(is_of_its_line(crowd, &all, one, &is));
		if (is)
			EMR_TRY(emr_buf_append(out, one, sizeof *one));
	}
	return EMR_OK;
}

emr_status emr_dataset_find(
	emr_crowd *crowd, const char *text, emr_team *out, char *out_names, size_t names_size)
{
	const emr_team *found = NULL; /* of all that fit, or of those that fit letter by letter */
	char called[256], organisation[EMR_ORGANISATION_NAME_MAX + 1];
	EMR_AUTO_BUF all = {0};
	unsigned n_exact = 0;

	out_names[0] = '\0';
	EMR_TRY(gather_meant(crowd, text, true, &all));
	EMR_EACH (const emr_team, one, &all) {
		bool is_exact = memcmp(one->name, text, strlen(one->name)) == 0;

		if (is_exact || n_exact == 0)
			found = one;
		n_exact += is_exact;
		EMR_TRY(call_name(crowd, one, called, sizeof called, organisation));
		emr_names_add(called, ", ", out_names, names_size);
	}
	if (all.len != sizeof *found && n_exact != 1)
		return found == NULL ? EMR_NOT_FOUND : EMR_CONFLICT;
	*out = *found;
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

/* One of the line that was closed has nobody's folder in it any more. */
static emr_status count_folders(emr_crowd *crowd, const emr_team *dataset, json_int_t *out_n)
{
	EMR_ASK(teams, crowd->replica, TEAMS_OPEN);
	EMR_AUTO_BUF domains = {0}; /* emr_id16, each once */
	emr_known_grant grant;
	emr_team team;

	while (emr_team_next(&teams, &team)) {
		if (!emr_dataset_is_same(&team, dataset))
			continue;
		EMR_ASK(grants, crowd->replica, GRANTS_TO, .who = team.grantee);
		while (emr_next(&grants, &grant)) {
			const emr_bytes domain = emr_bytes_of(grant.domain.b, sizeof grant.domain);
			bool is_in = false;

			if (emr_grant_phase_at(&grant, crowd->now_unix_s) == EMR_GRANT_IN_FORCE)
				EMR_TRY(emr_dataset_has(crowd->replica, &team, &grant, &is_in));
			if (is_in && !emr_buf_has(&domains, domain))
				EMR_TRY(emr_buf_append(&domains, domain.data, domain.len));
		}
		EMR_TRY(grants.status);
	}
	*out_n = (json_int_t)(domains.len / sizeof(emr_id16));
	return teams.status;
}

static emr_status add_rules(const emr_terms *terms, json_t *one)
{
	for (size_t i = 0; i < EMR_TERMS_WORDS; i++)
		if (terms->words[i][0] != '\0' && json_object_set_new(one, emr_terms_word(i),
							  emr_json_text(terms->words[i])) != 0)
			return EMR_NO_MEMORY;
	if (!terms->is_deidentified)
		return EMR_OK;
	return json_object_update_new(
		       one, json_pack("{s:b, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}",
				    "characteristics", terms->with_characteristics, "dates",
				    terms->without_dates ? "removed" : "moved", "faces",
				    terms->with_faces ? "kept" : "withheld", "derived",
				    terms->with_derived ? "kept" : "withheld", "mosaic_tiles",
				    terms->with_tiles ? "kept" : "removed", "safe_private",
				    terms->with_private ? "kept" : "removed", "nifti",
				    terms->with_nifti ? "kept" : "withheld", "edf",
				    terms->with_edf ? "kept" : "withheld", "genomes",
				    terms->with_genomes ? "kept" : "withheld")) == 0
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
	json_auto_t *readers = json_array(), *former = json_array();
	char closed[EMR_TEXT_BYTES];
	uint64_t closed_unix_s = 0;
	bool is_reader = false;

	EMR_TRY(emr_dataset_readers(crowd, dataset, me, readers, former, &is_reader));
	EMR_TRY(dataset_closed(crowd, dataset, &closed_unix_s));
	emr_time_json((int64_t)closed_unix_s, closed);
	return json_object_update_new(
		       one, json_pack("{s:b, s:O, s:O, s:s*}", "reader", (int)is_reader, "readers",
				    readers, "former", former, "closed",
				    closed_unix_s != 0 ? closed : NULL)) == 0
		       ? EMR_OK
		       : EMR_NO_MEMORY;
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

/* Nobody hides what is there by calling another the same.  TEXT NULL: whatever they are called. */
static emr_status list_meant(
	emr_crowd *crowd, const char *text, bool is_open, emr_id32 me, json_t *io_list)
{
	EMR_AUTO_BUF all = {0};

	EMR_TRY(gather_meant(crowd, text, is_open, &all));
	EMR_EACH (const emr_team, one, &all)
		EMR_TRY(list_one(crowd, one, me, io_list));
	return EMR_OK;
}

emr_status emr_datasets_json(emr_crowd *crowd, emr_id32 me, bool with_closed, json_t *io_list)
{
	EMR_TRY(list_meant(crowd, NULL, true, me, io_list));
	return with_closed ? list_meant(crowd, NULL, false, me, io_list) : EMR_OK;
}

emr_status emr_dataset_open_json(emr_crowd *crowd, const char *text, emr_id32 me, emr_team *out,
	json_t *io_list, emr_problem *out_problem)
{
	EMR_TRY(emr_dataset_find_or_say(crowd, text, out, out_problem));
	return list_one(crowd, out, me, io_list);
}

emr_status emr_dataset_called_json(emr_crowd *crowd, const char *text, emr_id32 me, emr_team *out,
	json_t *io_list, emr_problem *out_problem)
{
	emr_problem problem = {0};
	emr_status found = emr_dataset_open_json(crowd, text, me, out, io_list, &problem);

	if (found == EMR_CONFLICT)
		found = list_meant(crowd, text, true, me, io_list);
	if (found == EMR_OK || found == EMR_NOT_FOUND)
		EMR_TRY(list_meant(crowd, text, false, me, io_list));
	if (found == EMR_NOT_FOUND && json_array_size(io_list) > 0)
		return EMR_OK;
	if (found != EMR_OK)
		*out_problem = problem;
	return found;
}
