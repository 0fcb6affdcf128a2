/* A guardian acts for somebody. On the guardian's computer this file asks that others may read, and
 * ends what they read; on the owner's it tells what a guardian has ended. */
#include "sharing/requests.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "kit/json.h"
#include "kit/language.h"
#include "kit/out.h"
#include "kit/paths.h"
#include "kit/text.h"
#include "share/write.h"
#include "sharing/answers.h"
#include "sharing/received.h"
#include "sharing/shown.h"

#include "sharing_private.h"

/* ---- the guardian's ---- */

typedef struct ward {
	emr_id16 domain;    /* of the share in which the path lies */
	const char *name;   /* the share's, in the path */
	const char *inside; /* what lies behind it */
} ward;

/* The share of which this person is the guardian. */
static emr_status find_ward(emr_session *session, const char *path, const char *verb, ward *out,
	emr_problem *out_problem)
{
	json_auto_t *list = NULL;
	const char *found = NULL;
	json_t *one;
	size_t i;

	EMR_TRY(emr_shared_with_me_json(session, &list));
	json_array_foreach(list, i, one)
	{
		if (emr_path_below(emr_json_text_at(one, "path"), path) == NULL ||
			strcmp(emr_json_text_at(one, "rights"), "guardian") != 0 ||
			emr_unhex(emr_json_text_at(one, "folder_id"), out->domain.b,
				sizeof out->domain.b) != EMR_OK)
			continue;
		found = emr_json_text_at(one, "path");
	}
	if (found == NULL)
		return emr_shared_refuse(path, EMR_SAY_NOT_YOURS, verb, out_problem);
	out->inside = path + strlen(found);
	out->name = path + (strrchr(found, '/') + 1 - found);
	return EMR_OK;
}

emr_status emr_guardian_asks(
	emr_session *session, const emr_request *request, emr_order *row, emr_problem *out_problem)
{
	EMR_AUTO_CROWD crowd = {0};
	EMR_AUTO_SHARE share = NULL;
	emr_writing writing;
	emr_who reader;
	ward w;

	EMR_TRY(find_ward(session, request->path, "share", &w, out_problem));
	EMR_TRY(emr_crowd_open(session, &crowd));
	EMR_TRY(emr_who_find_or_say(&crowd, request->who, &reader, out_problem));
	if (reader.kind != EMR_WHO_PERSON)
		return EMR_PROBLEM(EMR_DENIED, out_problem, EMR_SAY_GUARDIAN_PERSON, "who",
			reader.called, NULL);
	EMR_TRY(emr_sharing_may_have(&reader, out_problem));
	EMR_TRY(emr_sharing_handle(session, &share));
	EMR_TRY(emr_share_writing(share, w.domain, &writing));
	row->grantee = writing.card.signer_id;
	row->domain = w.domain;
	row->root = reader.root;
	snprintf(row->who, sizeof row->who, "%s", reader.called);
	snprintf(row->path, sizeof row->path, "%s", w.name);
	return EMR_OK;
}

const char *emr_guardian_inside(const char *path)
{
	return strchr(path, '/') != NULL ? strchr(path, '/') + 1 : "";
}

emr_status emr_guardian_revoke(emr_session *session, const emr_request *request,
	const emr_sink *sink, emr_problem *out_problem)
{
	EMR_AUTO_CROWD crowd = {0};
	EMR_AUTO_SHARE share = NULL;
	char text[EMR_WHO_TEXT_BYTES], folder[sizeof request->path];
	size_t n = 0;
	emr_who who;
	ward w;
	emr_status status = emr_sharing_may_act(session, out_problem);

	if (status == EMR_OK)
		status = find_ward(session, request->path, "revoke", &w, out_problem);
	if (status == EMR_OK)
		status = emr_crowd_open(session, &crowd);
	if (status == EMR_OK)
		status = emr_who_find_or_say(&crowd, request->who, &who, out_problem);
	if (status == EMR_OK && !request->look)
		status = emr_sharing_begin(session, &share);
	if (status == EMR_OK)
		snprintf(folder, sizeof folder, "%.*s", (int)(w.inside - request->path),
			request->path);
	if (status == EMR_OK && w.inside[0] != '\0')
		return EMR_PROBLEM(EMR_DENIED, out_problem, EMR_SAY_GUARDIAN_WHOLE, "path", folder,
			"who", request->who, NULL);
	if (status == EMR_OK && !request->look)
		status = emr_guardian_end(share, w.domain, who.root, &n);
	if (status == EMR_OK)
		emr_who_text(&who, text, sizeof text);
	if (status == EMR_OK && n == 0 && !request->look)
		return EMR_PROBLEM(EMR_NOT_FOUND, out_problem, EMR_SAY_NOT_SHARED, "path",
			request->path, "who", text, NULL);
	if (status == EMR_DENIED && !out_problem->is_set)
		return emr_shared_refuse(request->path, EMR_SAY_NOT_YOURS, "revoke", out_problem);
	if (status == EMR_REFUSED)
		emr_problem_set(out_problem, EMR_SAY_LEDGER_REFUSED, "cause",
			emr_result_text(emr_share_refusal(share)), NULL);
	if (!out_problem->is_set && (emr_status_is_unanswered(status) || status == EMR_FORK))
		emr_problem_set(out_problem, EMR_SAY_UNSURE, "cause",
			emr_text(emr_status_text(status)), NULL);
	if (status != EMR_OK)
		return out_problem->is_set ? status
					   : EMR_PROBLEM_STATUS(out_problem, status, request->path);
	return emr_emit(
		sink, json_pack("{s:b, s:[{s:s, s:o}], s:[], s:[], s:[], s:[], s:b, s:b, s:o, s:s}",
			      "done", 1, "ended", "id", "", "path", emr_json_text(request->path),
			      "orders", "openings", "released", "still", "names_seen", 0, "reached",
			      1, "text", emr_json_text(text), "shown", ""));
}

/* ---- what a guardian ended ---- */

emr_status emr_guardian_tell(const emr_visit *visit, const emr_guardian_mark *mark)
{
	EMR_AUTO_FREE char *path = emr_sharing_path(visit->session, mark->domain, "?");
	char guardian[EMR_WHO_TEXT_BYTES], person[EMR_WHO_TEXT_BYTES];

	EMR_TRY_MEMORY(path);
	EMR_TRY(emr_who_called(visit->session, mark->guardian, guardian));
	EMR_TRY(emr_who_called(visit->session, mark->person, person));
	emr_notices_add_that(visit->notices, path, EMR_SAY_GUARDIAN_ENDED, "who", guardian,
		"called", person, "path", path, NULL);
	return EMR_OK;
}
