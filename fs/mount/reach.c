/* Some verbs work with the folder open and closed. This file asks the open folder, or opens the
 * keyring itself when no folder is open. */
#include "mount/reach.h"

#include <stdlib.h>
#include <string.h>

#include "kit/language.h"
#include "kit/paths.h"
#include "people/answers.h"
#include "report/report.h"
#include "session/keys.h"

#include "answers.h"

#define WORK_MS 600000 /* between two objects of a long answer */

void emr_reach_close(emr_reach *reach)
{
	emr_client_close(&reach->client);
	emr_session_close(&reach->session);
	emr_places_free(&reach->places);
	free(reach->folder);
	*reach = EMR_REACH_CLOSED;
}

static emr_status learn_folder(emr_reach *reach, emr_problem *out_problem)
{
	const emr_request request = {.ask = EMR_ASK_STATUS};
	json_t *report = NULL;
	const char *folder;

	EMR_TRY(emr_client_ask(
		&reach->client, &request, EMR_CLIENT_REPORT_MS, &report, out_problem));
	folder = json_string_value(json_object_get(report, "folder"));
	reach->folder = folder != NULL ? strdup(folder) : NULL;
	reach->is_study = json_integer_value(json_object_get(report, "participants")) > 0;
	json_decref(report);
	return EMR_OK;
}

static emr_status open_here(emr_reach *reach, const emr_args *args, emr_problem *out_problem)
{
	EMR_AUTO_SETTINGS settings = {0};
	const emr_session_options options = {.places = &reach->places,
		.settings = &settings,
		.read_only = true,
		.may_be_still = true,
		.passphrase_file = args->values[EMR_OPT_PASSPHRASE_FILE]};

	EMR_TRY(emr_settings_read(&reach->places, &settings, out_problem));
	EMR_TRY(emr_keys_protect(out_problem));
	EMR_TRY(emr_session_lock(&reach->session, &options, out_problem));
	return emr_session_open(&reach->session, &options, out_problem);
}

emr_status emr_reach_find(const emr_args *args, emr_reach *out_reach, emr_problem *out_problem)
{
	EMR_TRY(emr_places_find(args->values[EMR_OPT_AS], &out_reach->places, out_problem));
	EMR_TRY(emr_client_open(&out_reach->places, &out_reach->client, out_problem));
	return learn_folder(out_reach, out_problem);
}

emr_status emr_reach_open(const emr_args *args, emr_reach *out_reach, emr_problem *out_problem)
{
	emr_status status = emr_reach_find(args, out_reach, out_problem);

	if (status != EMR_NOT_FOUND)
		return status;
	*out_problem = (emr_problem){0};
	return open_here(out_reach, args, out_problem);
}

emr_status emr_reach_path(const emr_reach *reach, const emr_args *args, emr_request *request,
	emr_problem *out_problem)
{
	if (args->n_operands == 0)
		return EMR_OK;
	request->has_path = true;
	if (emr_path_in_folder(reach->folder, args->operands[0], request->path,
		    sizeof request->path) == EMR_OK)
		return EMR_OK;
	emr_problem_set(out_problem, EMR_SAY_NO_SUCH_PATH, "path", args->operands[0], NULL);
	return EMR_NOT_FOUND;
}

static emr_status ask_mount(emr_reach *reach, const emr_request *request, const emr_sink *sink,
	emr_problem *out_problem)
{
	bool is_done = false;

	EMR_TRY(emr_client_send(&reach->client, request, out_problem));
	while (!is_done) {
		json_t *object = NULL;

		EMR_TRY(emr_client_receive(&reach->client, WORK_MS, &object, out_problem));
		is_done = json_is_true(json_object_get(object, "done"));
		EMR_TRY(emr_emit(sink, object));
	}
	return EMR_OK;
}

emr_status emr_reach_ask(emr_reach *reach, const emr_request *request, const emr_sink *sink,
	emr_problem *out_problem)
{
	emr_status status;

	if (reach->client.fd >= 0)
		status = ask_mount(reach, request, sink, out_problem);
	else if (request->ask == EMR_ASK_VERIFY)
		status = emr_answer_verify(&reach->session, request, sink, out_problem);
	else if (request->ask == EMR_ASK_PEOPLE)
		status = emr_answer_people(&reach->session, request, sink, out_problem);
	else if (request->ask == EMR_ASK_LOG)
		status = emr_answer_log(&reach->session, request, sink, out_problem);
	else
		status = emr_answer_ledger(&reach->session, request, sink, out_problem);
	if (status != EMR_OK && !out_problem->is_set)
		emr_problem_set_status(out_problem, status, _("The answer"));
	return status;
}
