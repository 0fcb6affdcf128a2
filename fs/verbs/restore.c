/* This file is `emrfs restore`: it lists the earlier versions of a file and brings one back,
 * also a deleted file or folder. Bringing back makes a new version; nothing is lost by it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "kit/json.h"
#include "kit/language.h"
#include "kit/paths.h"
#include "kit/text.h"
#include "mount/client.h"
#include "verbs/cmd.h"

#define WORK_MS 600000

/* ---- the command line ---- */

/* "v2", "2026-11-20", "2026-11-20T14:05", "2d" (ago). */
static bool take_when(const char *text, emr_request *request)
{
	emr_day_span span;
	char *end;

	if (text[0] == 'v' && text[1] >= '1' && text[1] <= '9' && strlen(text) < 12) {
		request->version = strtoull(text + 1, &end, 10);
		return *end == '\0';
	}
	if (emr_past_read(text, emr_clock_unix_s(emr_clock_system()), &span) != EMR_OK)
		return false;
	request->until_unix_s = span.last_unix_s;
	return true;
}

/* A time behind the last @ is no part of the name. */
static void split_time(char *path, emr_request *request)
{
	char *at = strrchr(path, '@');

	if (at == NULL || at == path)
		return;
	if (take_when(at + 1, request))
		*at = '\0';
	else
		request->version = 0;
}

static emr_status read_paths(
	const emr_args *args, const char *folder, emr_request *request, emr_problem *out_problem)
{
	EMR_AUTO_FREE char *path = strdup(args->operands[0]);
	const char *to = args->values[EMR_OPT_TO];

	if (path == NULL)
		return EMR_PROBLEM_STATUS(out_problem, EMR_NO_MEMORY, "restore");
	if (!args->given[EMR_OPT_LIST])
		split_time(path, request);
	request->has_path = true;
	request->has_to = to != NULL;
	if (emr_path_in_folder(folder, path, request->path, sizeof request->path) != EMR_OK)
		return EMR_PROBLEM(
			EMR_NOT_FOUND, out_problem, EMR_SAY_NO_SUCH_PATH, "path", path, NULL);
	if (to != NULL && emr_path_in_folder(folder, to, request->to, sizeof request->to) != EMR_OK)
		return EMR_PROBLEM(
			EMR_NOT_FOUND, out_problem, EMR_SAY_NO_SUCH_PATH, "path", to, NULL);
	return EMR_OK;
}

static emr_status check_arguments(const emr_args *args, emr_problem *out_problem)
{
	const char *what = NULL;

	if (args->n_operands == 0)
		what = _("restore needs the path of a file, or of a folder that was deleted.");
	else if (args->given[EMR_OPT_LIST] && args->given[EMR_OPT_TO])
		what = _("--list shows versions and brings nothing back: --to does not fit.");
	if (what == NULL)
		return EMR_OK;
	return emr_wrong_use("restore", what, out_problem);
}

/* ---- answers ---- */

static void say_version(emr_out *out, const json_t *v)
{
	char when[EMR_TEXT_BYTES], bytes[EMR_TEXT_BYTES], who[600];

	emr_show(json_string_value(json_object_get(v, "who")), who, sizeof who);
	emr_time_text((int64_t)emr_json_number_at(v, "at_unix"), when);
	emr_number_text(emr_json_number_at(v, "bytes"), bytes);
	if (emr_json_flag_at(v, "deleted"))
		emr_say(out, "deleted  %s\n", when);
	else
		emr_say(out, "v%-7llu %s  %12s  %s%s\n",
			(unsigned long long)emr_json_number_at(v, "version"), when, bytes,
			emr_json_flag_at(v, "own") ? _("you") : who,
			emr_json_flag_at(v, "current") ? _("  (now)") : "");
}

/* They come oldest first; people look for the newest. */
static emr_status say_versions(emr_out *out, const json_t *all)
{
	json_t *newest_first = json_array();

	if (newest_first == NULL)
		return EMR_NO_MEMORY;
	for (size_t i = json_array_size(all); i-- > 0;) {
		json_t *v = json_array_get(all, i);

		say_version(out, v);
		json_object_del(v, "at_unix");
		json_object_del(v, "own");
		if (json_array_append(newest_first, v) != 0) {
			json_decref(newest_first);
			return EMR_NO_MEMORY;
		}
	}
	emr_out_put(out, "version_list", newest_first);
	emr_out_put(out, "restored", json_null());
	return EMR_OK;
}

static emr_status list_versions(
	emr_client *client, const emr_request *request, emr_out *out, emr_problem *out_problem)
{
	json_auto_t *answer = NULL;

	EMR_TRY(emr_client_gather(client, request, WORK_MS, out, NULL, &answer, out_problem));
	return say_versions(out, json_object_get(answer, "version_list"));
}

static emr_status bring_back(
	emr_client *client, const emr_request *request, emr_out *out, emr_problem *out_problem)
{
	char shown[4200], bytes[EMR_TEXT_BYTES], files[EMR_COUNT_BYTES];
	json_auto_t *answer = NULL;
	uint64_t version;

	EMR_TRY(emr_client_gather(client, request, WORK_MS, out, NULL, &answer, out_problem));
	emr_show(emr_json_text_at(answer, "restored"), shown, sizeof shown);
	emr_number_text(emr_json_number_at(answer, "bytes"), bytes);
	emr_count_text(emr_json_number_at(answer, "files"), "file", "files", files);
	version = emr_json_number_at(answer, "version");
	if (emr_json_flag_at(answer, "unchanged"))
		emr_say(out, "%s is version %llu already.\n", shown, (unsigned long long)version);
	else if (emr_json_number_at(answer, "files") > 0)
		emr_say(out, "%s is back, with %s, %s bytes.\n", shown, files, bytes);
	else if (version == 0)
		emr_say(out, "%s is back.\n", shown);
	else
		emr_say(out, "%s: version %llu is back, %s bytes.\n", shown,
			(unsigned long long)version, bytes);
	emr_out_put(out, "version_list", json_array());
	emr_out_text(out, "restored", emr_json_text_at(answer, "restored"));
	emr_out_number(out, "version", version);
	emr_out_number(out, "files", emr_json_number_at(answer, "files"));
	emr_out_number(out, "folders", emr_json_number_at(answer, "folders"));
	emr_out_number(out, "bytes", emr_json_number_at(answer, "bytes"));
	emr_out_flag(out, "unchanged", emr_json_flag_at(answer, "unchanged"));
	return EMR_OK;
}

/* ---- the verb ---- */

static emr_status ask_restore(
	emr_client *client, const emr_args *args, emr_out *out, emr_problem *out_problem)
{
	const emr_request where = {.ask = EMR_ASK_STATUS};
	emr_request request = {
		.ask = args->given[EMR_OPT_LIST] ? EMR_ASK_VERSIONS : EMR_ASK_RESTORE};
	json_auto_t *report = NULL;

	EMR_TRY(emr_client_ask(client, &where, EMR_CLIENT_REPORT_MS, &report, out_problem));
	EMR_TRY(read_paths(
		args, json_string_value(json_object_get(report, "folder")), &request, out_problem));
	return args->given[EMR_OPT_LIST] ? list_versions(client, &request, out, out_problem)
					 : bring_back(client, &request, out, out_problem);
}

emr_status emr_cmd_restore(const emr_args *args, emr_out *out, emr_problem *out_problem)
{
	EMR_AUTO_CLIENT client = EMR_CLIENT_CLOSED;

	EMR_TRY(check_arguments(args, out_problem));
	EMR_TRY(emr_client_find(args->values[EMR_OPT_AS], &client, out_problem));
	return ask_restore(&client, args, out, out_problem);
}
