/* This file is `emrfs copies`: it tells where the encrypted copies of the files are, which place
 * lacks some, and why. It changes nothing but with --repair. */
#include <string.h>

#include "kit/json.h"
#include "kit/language.h"
#include "kit/text.h"
#include "mount/client.h"
#include "verbs/cmd.h"

#define WORK_MS 3600000 /* every name of a large folder is looked at */
#define SHOWN_MAX 5

/* "unix:/PATH/api.sock   12 of 312   It does not answer." */
static void say_place(emr_out *out, const json_t *place, bool is_here)
{
	char name[4200], copies[EMR_TEXT_BYTES], of[EMR_COUNT_BYTES];
	const char *message = json_string_value(json_object_get(place, "message")),
		   *hint = json_string_value(json_object_get(place, "hint"));

	emr_show(json_string_value(json_object_get(place, "name")), name, sizeof name);
	emr_number_text(emr_json_number_at(place, "copies"), copies);
	emr_number_text(emr_json_number_at(place, "of"), of);
	emr_say(out, "%-40s  %s of %s\n", is_here ? _("this computer") : name, copies, of);
	if (message != NULL)
		emr_say(out, "    %s  %s\n", message, hint != NULL ? hint : "");
	if (emr_json_number_at(place, "sending_of") > 0) {
		emr_size_text(emr_json_number_at(place, "sending"), copies);
		emr_size_text(emr_json_number_at(place, "sending_of"), of);
		emr_say(out, _("    Being sent: %s of %s.\n"), copies, of);
	}
	emr_count_text(emr_json_number_at(place, "leaving"), "version", "versions", of);
	if (emr_json_number_at(place, "leaving") > 0)
		emr_say(out, "    erased and not let go there yet: %s\n", of);
}

static void say_short(emr_out *out, const json_t *answer)
{
	const json_t *paths = json_object_get(answer, "short");
	size_t n = json_array_size(paths), shown = n > SHOWN_MAX ? SHOWN_MAX : n;

	for (size_t i = 0; i < shown; i++) {
		char path[4200];

		emr_show(json_string_value(json_array_get(paths, i)), path, sizeof path);
		emr_say(out, "  %s\n", path);
	}
}

static emr_status copies(
	emr_client *client, const emr_args *args, emr_out *out, emr_problem *out_problem)
{
	static const char *const fields[] = {
		"wanted", "versions", "files", "waiting", "places", "short", "short_files"};
	emr_request request = {.ask = EMR_ASK_COPIES, .repair = args->given[EMR_OPT_REPAIR]};
	char count[EMR_COUNT_BYTES];
	json_auto_t *answer = NULL;
	const json_t *places;

	EMR_TRY(emr_client_path(client, args->operands[0], &request, out_problem));
	EMR_TRY(emr_client_ask(client, &request, WORK_MS, &answer, out_problem));
	places = json_object_get(answer, "places");
	for (size_t i = 0; i < json_array_size(places); i++) {
		const json_t *place = json_array_get(places, i);

		say_place(out, place, i == 0);
		if (request.repair && json_is_string(json_object_get(place, "error")))
			emr_client_take_problem(place, out_problem);
	}
	emr_say(out, "Copies wanted of each file: %llu\n",
		(unsigned long long)emr_json_number_at(answer, "wanted"));
	if (emr_json_number_at(answer, "waiting") > 0) {
		emr_count_text(emr_json_number_at(answer, "waiting"), "file", "files", count);
		emr_say(out, "Not on the ledger yet as they are, and so not counted: %s\n", count);
	}
	if (emr_json_number_at(answer, "short_files") > 0) {
		emr_count_text(emr_json_number_at(answer, "short_files"), "file", "files", count);
		emr_problem_set(out_problem, EMR_SAY_COPIES_SHORT, "n", count, NULL);
		say_short(out, answer);
	}
	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
		emr_out_put(out, fields[i], json_incref(json_object_get(answer, fields[i])));
	return out_problem->is_set ? EMR_MISSING_DATA : EMR_OK;
}

emr_status emr_cmd_copies(const emr_args *args, emr_out *out, emr_problem *out_problem)
{
	EMR_AUTO_CLIENT client = EMR_CLIENT_CLOSED;

	EMR_TRY(emr_client_find(args->values[EMR_OPT_AS], &client, out_problem));
	return copies(&client, args, out, out_problem);
}
