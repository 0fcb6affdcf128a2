/* The open folder answers `emrfs dataset` here: which datasets there are, on what terms, who reads
 * them, and what of this folder is in them. */
#include <stdio.h>
#include <string.h>

#include "base/codec.h"
#include "kit/json.h"
#include "kit/out.h"
#include "org/datasets.h"
#include "sharing/shares.h"
#include "view/received.h"

#include "private.h"

/* A dataset that was closed, or that another steward called for, may have had the same name; its
 * terms are others. */
static emr_status is_in(
	emr_replica *replica, const emr_share_row *row, const json_t *one, bool *out_is)
{
	char who[300], terms[65];
	emr_team dataset;
	emr_status status;

	snprintf(who, sizeof who, "dataset:%s", emr_json_text_at(one, "called"));
	*out_is = false;
	if (strcmp(row->who.called, who) != 0 || row->state == EMR_SHARE_FAILED)
		return EMR_OK;
	status = emr_team_of_grantee(replica, row->who.root, &dataset);
	if (status == EMR_OK) {
		emr_hex(dataset.terms_id.b, sizeof dataset.terms_id.b, terms);
		*out_is = strcmp(terms, emr_json_text_at(one, "terms")) == 0;
	}
	return status == EMR_NOT_FOUND ? EMR_OK : status;
}

/* Paths of what this person has in it. */
static emr_status add_joined(emr_replica *replica, const emr_share_rows *rows, json_t *one)
{
	json_auto_t *joined = json_array();
	bool is = false;

	for (size_t i = 0; i < rows->n; i++) {
		EMR_TRY(is_in(replica, &rows->list[i], one, &is));
		if (is && json_array_append_new(joined, emr_json_text(rows->list[i].path)) != 0)
			return EMR_NO_MEMORY;
	}
	return json_object_set(one, "joined", joined) == 0 ? EMR_OK : EMR_NO_MEMORY;
}

/* How much of it was withheld from this reader, as far as he opened it. */
static emr_status add_withheld(emr_session *session, json_t *one)
{
	const char *terms = json_string_value(json_object_get(one, "terms"));
	emr_id32 id;

	if (!emr_json_flag_at(one, "reader") || session->view == NULL ||
		emr_unhex(terms, id.b, sizeof id.b) != EMR_OK)
		return EMR_OK;
	return json_object_set_new(one, "withheld",
		       json_integer((json_int_t)emr_view_withheld(session->view, id))) == 0
		       ? EMR_OK
		       : EMR_NO_MEMORY;
}

/* Where the copies lie, and what they call this person. */
static emr_status add_copies(emr_session *session, const emr_team *dataset, json_t *one)
{
	emr_copies copies = {0};
	json_t *object;

	if (!dataset->terms.is_deidentified)
		return EMR_OK;
	EMR_TRY(emr_copies_of(session, dataset, &copies));
	emr_secret_free(&copies.secret);
	object = json_pack("{s:s, s:s}", "pseudonym", copies.pseudonym, "path", copies.path);
	return json_object_set_new(one, "copies", object) == 0 ? EMR_OK : EMR_NO_MEMORY;
}

/* Adds the folders that copies are made of, and how far that is. */
static emr_status add_sources(emr_session *session, emr_crowd *crowd, json_t *one)
{
	json_t *sources = NULL;
	emr_team dataset;
	char names[600];
	emr_status status = EMR_NOT_FOUND;

	if (json_array_size(json_object_get(one, "joined")) > 0)
		status = emr_dataset_find(crowd, json_string_value(json_object_get(one, "called")),
			&dataset, names, sizeof names);
	if (status == EMR_OK && dataset.terms.is_deidentified && session->research != NULL)
		status = research_sources(session->research, &dataset, &sources);
	if (status != EMR_NOT_FOUND && status != EMR_CONFLICT)
		EMR_TRY(status);
	if (sources == NULL)
		sources = json_array();
	return json_object_set_new(one, "sources", sources) == 0 ? EMR_OK : EMR_NO_MEMORY;
}

/* Each in frames of its own: terms are long, readers are as many as its steward likes, and a frame
 * is short. */
static emr_status emit_each(
	emr_session *session, emr_crowd *crowd, json_t *list, const emr_sink *sink)
{
	EMR_AUTO_SHARES rows = {0};

	EMR_TRY(emr_shares_collect(session, crowd, NULL, EMR_SHARES_OPENED, &rows));
	for (size_t i = 0; i < json_array_size(list); i++) {
		json_t *one = json_array_get(list, i), *frame;
		json_auto_t *frames = NULL;
		size_t k;

		EMR_TRY(add_joined(session->replica, &rows, one));
		EMR_TRY(add_withheld(session, one));
		EMR_TRY(add_sources(session, crowd, one));
		EMR_TRY(emr_dataset_frames(one, &frames));
		json_array_foreach(frames, k, frame) EMR_TRY(emr_emit(sink, json_incref(frame)));
	}
	return EMR_OK;
}

static emr_status answer(emr_session *session, const emr_request *request, const emr_sink *sink,
	emr_problem *out_problem)
{
	EMR_AUTO_CROWD crowd = {0};
	json_auto_t *list = json_array();
	const emr_id32 root = emr_session_root(session);
	emr_team dataset;

	if (request->update)
		return research_update(session->research, sink, out_problem);
	EMR_TRY(emr_crowd_open(session, &crowd));
	if (request->who[0] == '\0') {
		EMR_TRY(emr_datasets_json(&crowd, root, false, list));
	} else {
		EMR_TRY((request->join ? emr_dataset_open_json : emr_dataset_called_json)(
			&crowd, request->who, root, &dataset, list, out_problem));
		if (request->join && request->has_path)
			return research_join(
				session->research, request, &dataset, sink, out_problem);
		if (request->join)
			EMR_TRY(add_copies(session, &dataset, json_array_get(list, 0)));
	}
	EMR_TRY(emit_each(session, &crowd, list, sink));
	return emr_emit(sink, json_pack("{s:b}", "done", 1));
}

emr_status emr_answer_dataset(emr_session *session, const emr_request *request,
	const emr_sink *sink, emr_problem *out_problem)
{
	emr_status status = answer(session, request, sink, out_problem);

	if (status != EMR_OK && !out_problem->is_set)
		emr_problem_set_status(out_problem, status, "dataset");
	return status;
}
