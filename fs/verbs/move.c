/* This file is `emrfs move`: it moves a file or folder, and says and asks first who would see it
 * in its new place and who would not see it any more. */
#include <stdio.h>
#include <string.h>

#include "kit/json.h"
#include "kit/passphrase.h"
#include "kit/language.h"
#include "kit/paths.h"
#include "kit/terminal.h"
#include "mount/client.h"
#include "people/who.h"
#include "verbs/cmd.h"

#define WORK_MS 60000

static emr_status take_path(const char *folder, const char *typed, char *out, size_t size,
	bool *out_has, emr_problem *out_problem)
{
	if (emr_path_in_folder(folder, typed, out, size) != EMR_OK)
		return EMR_PROBLEM(
			EMR_NOT_FOUND, out_problem, EMR_SAY_NO_SUCH_PATH, "path", typed, NULL);
	*out_has = true;
	return EMR_OK;
}

/* "Letters/" is a folder and never a new name: what is moved keeps its own. */
static emr_status into_folder(const char *typed, emr_request *request, emr_problem *out_problem)
{
	const char *slash = strrchr(request->path, '/');
	const char *name = slash != NULL ? slash + 1 : request->path;
	size_t at = strlen(request->to), len = strlen(typed);

	if (len == 0 || typed[len - 1] != '/' || at == 0)
		return EMR_OK;
	if (at + strlen(name) + 2 > sizeof request->to)
		return EMR_PROBLEM(
			EMR_NOT_FOUND, out_problem, EMR_SAY_NO_SUCH_PATH, "path", typed, NULL);
	request->to[at] = '/';
	memcpy(request->to + at + 1, name, strlen(name) + 1);
	return EMR_OK;
}

static emr_status read_paths(
	const emr_args *args, const char *folder, emr_request *request, emr_problem *out_problem)
{
	EMR_TRY(take_path(folder, args->operands[0], request->path, sizeof request->path,
		&request->has_path, out_problem));
	EMR_TRY(take_path(folder, args->operands[1], request->to, sizeof request->to,
		&request->has_to, out_problem));
	return into_folder(args->operands[1], request, out_problem);
}

/* Whether whoever is asked says yes to NAMES seeing it. */
static bool says_yes(const emr_args *args, const char *names)
{
	char question[EMR_WHO_TEXT_BYTES + 100];

	if (args->given[EMR_OPT_YES])
		return true;
	if (args->given[EMR_OPT_JSON] || !emr_terminal_there())
		return false;
	snprintf(question, sizeof question, _("%s will see it. Move it (yes or no)?"), names);
	return emr_terminal_says_yes(question);
}

static void say_seers(emr_out *out, const char *what, const json_t *list)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		char shown[300];

		emr_show(json_string_value(json_array_get(list, i)), shown, sizeof shown);
		emr_say(out, "%s %s.\n", what, shown);
	}
}

static emr_status move(
	emr_client *client, const emr_args *args, emr_out *out, emr_problem *out_problem)
{
	const emr_request where = {.ask = EMR_ASK_STATUS};
	emr_request request = {.ask = EMR_ASK_MOVE, .look = true};
	json_t *answer = NULL;
	char shown[4200], names[EMR_WHO_TEXT_BYTES];
	size_t gains;
	emr_status status;

	EMR_TRY(emr_client_ask(client, &where, EMR_CLIENT_REPORT_MS, &answer, out_problem));
	status = read_paths(args, emr_json_text_at(answer, "folder"), &request, out_problem);
	json_decref(answer);
	if (status == EMR_OK)
		status = emr_client_ask(client, &request, WORK_MS, &answer, out_problem);
	if (status != EMR_OK)
		return status;
	gains = json_array_size(json_object_get(answer, "gains"));
	snprintf(names, sizeof names, "%s", emr_json_text_at(answer, "names"));
	snprintf(request.shown, sizeof request.shown, "%s", emr_json_text_at(answer, "shown"));
	say_seers(out, _("It will be seen by"), json_object_get(answer, "gains"));
	say_seers(out, _("It will not be seen any more by"), json_object_get(answer, "loses"));
	json_decref(answer);
	if (gains > 0 && !says_yes(args, names))
		return EMR_PROBLEM(EMR_DENIED, out_problem, EMR_SAY_WOULD_SHARE, "names", names,
			"path", request.path, NULL);
	request.look = false;
	EMR_TRY(emr_client_ask(client, &request, WORK_MS, &answer, out_problem));
	emr_show(emr_json_text_at(answer, "path"), shown, sizeof shown);
	emr_say(out, "It is %s now.\n", shown);
	emr_out_text(out, "path", emr_json_text_at(answer, "path"));
	emr_out_put(out, "gains", json_incref(json_object_get(answer, "gains")));
	emr_out_put(out, "loses", json_incref(json_object_get(answer, "loses")));
	json_decref(answer);
	return EMR_OK;
}

emr_status emr_cmd_move(const emr_args *args, emr_out *out, emr_problem *out_problem)
{
	EMR_AUTO_CLIENT client = EMR_CLIENT_CLOSED;

	if (args->n_operands != 2)
		return emr_wrong_use(
			"move", _("move needs what is moved, and where to."), out_problem);
	EMR_TRY(emr_client_find(args->values[EMR_OPT_AS], &client, out_problem));
	return move(&client, args, out, out_problem);
}
