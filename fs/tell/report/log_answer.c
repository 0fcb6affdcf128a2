/* The open folder answers `emrfs log` here, in portions that fit its socket. It changes nothing. */
#include "report/report.h"

#include <string.h>

#include "kit/language.h"
#include "kit/out.h"
#include "report/deeds.h"
#include "sharing/received.h"

#define PORTION 100
#define PORTION_BYTES 16384 /* and the entry that goes beyond it */

/* Paths are long and a frame is not. */
static emr_status send_portion(
	emr_session *session, emr_deeds *deeds, const emr_sink *sink, bool *out_is_end)
{
	json_t *portion = json_array(), *entry = NULL;
	emr_status status = portion != NULL ? EMR_OK : EMR_NO_MEMORY;

	for (size_t bytes = 0;
		status == EMR_OK && bytes < PORTION_BYTES && json_array_size(portion) < PORTION;) {
		status = emr_deeds_next(session, deeds, &entry);
		if (status != EMR_OK || entry == NULL)
			break;
		bytes += json_dumpb(entry, NULL, 0, JSON_COMPACT);
		if (json_array_append_new(portion, entry) != 0)
			status = EMR_NO_MEMORY;
	}
	*out_is_end = entry == NULL;
	if (status != EMR_OK) {
		json_decref(portion);
		return status;
	}
	return emr_emit(sink, json_pack("{s:o}", "entries", portion));
}

/* Resolves the person in REQUEST's `who`; leaves OUT empty when none is named. */
static emr_status find_who(
	emr_session *session, const emr_request *request, emr_who *out, emr_problem *out_problem)
{
	EMR_AUTO_CROWD crowd = {0};

	EMR_TRY(emr_crowd_open(session, &crowd));
	if (strcmp(request->who, "you") == 0)
		return emr_who_of(&crowd, session->identity.signer_id, out);
	return emr_who_find_or_say(&crowd, request->who, out, out_problem);
}

emr_status emr_answer_log(emr_session *session, const emr_request *request, const emr_sink *sink,
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
	emr_status status = EMR_OK;

	if (request->who[0] != '\0') {
		status = find_who(session, request, &who, out_problem);
		wish.who = &who;
	}
	if (status == EMR_OK && request->has_path && emr_path_is_shared(request->path))
		status = emr_shared_refuse(request->path, EMR_SAY_OWNERS_LOG, "log", out_problem);
	if (status == EMR_OK)
		status = emr_deeds_collect(session, &wish, &deeds);
	if (status == EMR_NOT_FOUND && !out_problem->is_set)
		emr_problem_set(out_problem, EMR_SAY_NO_SUCH_PATH, "path", request->path, NULL);
	else if (status == EMR_DENIED && request->staff && !out_problem->is_set)
		emr_problem_set(out_problem, EMR_SAY_NOT_AUDITOR, NULL);
	else if (status != EMR_OK && !out_problem->is_set)
		emr_problem_set_status(out_problem, status, _("The log"));
	while (status == EMR_OK && !is_end)
		status = send_portion(session, &deeds, sink, &is_end);
	if (status != EMR_OK)
		return status;
	return emr_emit(sink,
		json_pack("{s:b, s:o}", "done", 1, "owner", emr_json_text(session->profile.name)));
}
