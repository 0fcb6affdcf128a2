/* This file is `emrfs keep`: it lists what is to be kept on this computer and whether all of it
 * is here, notes a new wish, and gives the space of superseded data back at once. The only copy
 * of a record is never dropped. */
#include <stdio.h>
#include <string.h>

#include "kit/json.h"
#include "kit/language.h"
#include "kit/text.h"
#include "mount/client.h"
#include "sharing/received.h"
#include "verbs/cmd.h"

#define WORK_MS 3600000 /* --purge may write a large store again */

/* PLACE: of the blocks; NULL: with the keyring. */
static void say_kept(emr_out *out, const json_t *one, const char *place)
{
	char path[4200], bytes[EMR_TEXT_BYTES], where[4200], here[4400];

	emr_show(place != NULL ? place : "", where, sizeof where);
	snprintf(here, sizeof here, place != NULL ? _("all in %s") : _("all here"), where);

	emr_show(json_string_value(json_object_get(one, "path")), path, sizeof path);
	emr_size_text(emr_json_number_at(one, "bytes"), bytes);
	emr_say(out, "%-40s  %14s  %s%s\n", strcmp(path, ".") == 0 ? _("the whole folder") : path,
		bytes, emr_json_flag_at(one, "complete") ? here : _("not all here: emrfs verify"),
		emr_json_flag_at(one, "keep") ? "" : _(", not asked to be kept"));
}

static emr_status keep_folder(
	emr_client *client, const emr_args *args, emr_out *out, emr_problem *out_problem)
{
	emr_request request = {.ask = EMR_ASK_KEEP,
		.drop = args->given[EMR_OPT_NOT],
		.purge = args->given[EMR_OPT_PURGE]};
	char bytes[EMR_TEXT_BYTES];
	json_t *answer = NULL;
	const json_t *kept;

	EMR_TRY(emr_client_path(client, args->operands[0], &request, out_problem));
	EMR_TRY(emr_client_ask(client, &request, WORK_MS, &answer, out_problem));
	kept = json_object_get(answer, "kept");
	for (size_t i = 0; i < json_array_size(kept); i++)
		say_kept(out, json_array_get(kept, i),
			json_string_value(json_object_get(answer, "place")));
	emr_size_text(emr_json_number_at(answer, "cache_bytes"), bytes);
	if (request.purge)
		emr_say(out, "%s given back to the disk.\n", bytes);
	if (emr_json_flag_at(answer, "last_copy"))
		emr_remark_that(out, EMR_SAY_LAST_COPY, "path", request.path, NULL);
	if (emr_path_is_shared(request.path))
		emr_remark_that(out, EMR_SAY_KEEP_NEEDS_NETWORK, "path", request.path, NULL);
	emr_out_put(out, "kept", json_incref((json_t *)(uintptr_t)kept));
	emr_out_put(out, "place", json_incref(json_object_get(answer, "place")));
	emr_out_put(out, "cache_bytes", json_incref(json_object_get(answer, "cache_bytes")));
	emr_out_put(out, "last_copy", json_incref(json_object_get(answer, "last_copy")));
	json_decref(answer);
	return EMR_OK;
}

emr_status emr_cmd_keep(const emr_args *args, emr_out *out, emr_problem *out_problem)
{
	EMR_AUTO_CLIENT client = EMR_CLIENT_CLOSED;

	if (args->given[EMR_OPT_NOT] && args->n_operands != 1)
		return emr_wrong_use("keep", _("--not needs a path."), out_problem);
	EMR_TRY(emr_client_find(args->values[EMR_OPT_AS], &client, out_problem));
	return keep_folder(&client, args, out, out_problem);
}
