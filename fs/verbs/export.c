/* This file is `emrfs export`: the mount writes, the verb says where and what became of
 * it. It refuses a file inside the folder itself. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kit/json.h"
#include "kit/paths.h"
#include "kit/text.h"
#include "kit/language.h"
#include "mount/client.h"
#include "verbs/cmd.h"

#define WORK_MS 600000 /* between two objects of a long answer */

typedef struct asking {
	emr_out *out;
	emr_places places;
	emr_client client;
	char *folder; /* owned */
	json_t *last;
} asking;

static void asking_end(asking *a)
{
	emr_client_close(&a->client);
	emr_places_free(&a->places);
	free(a->folder);
	json_decref(a->last);
}

static emr_status asking_begin(const emr_args *args, asking *a, emr_problem *out_problem)
{
	const emr_request where = {.ask = EMR_ASK_STATUS};
	json_t *report = NULL;
	const char *folder;

	EMR_TRY(emr_places_find(args->values[EMR_OPT_AS], &a->places, out_problem));
	EMR_TRY(emr_client_open(&a->places, &a->client, out_problem));
	EMR_TRY(emr_client_ask(&a->client, &where, EMR_CLIENT_REPORT_MS, &report, out_problem));
	folder = json_string_value(json_object_get(report, "folder"));
	a->folder = folder != NULL ? strdup(folder) : NULL;
	json_decref(report);
	return EMR_OK;
}

/* Absolute and without links; neither in the folder, which the mount would have to ask itself for,
 * nor in our own directories. */
static emr_status outside(
	const asking *a, const char *path, emr_request *request, emr_problem *out_problem)
{
	EMR_AUTO_FREE char *real = emr_path_real(path);
	EMR_AUTO_FREE char *folder = a->folder != NULL ? emr_path_real(a->folder) : NULL;

	if (real == NULL)
		return EMR_NO_MEMORY;
	if (strlen(real) > EMR_ASK_PATH_MAX || emr_places_contain(&a->places, real) ||
		(folder != NULL && emr_path_below(folder, real) != NULL))
		return EMR_PROBLEM(
			EMR_INVALID, out_problem, EMR_SAY_OUT_INSIDE, "file", path, NULL);
	request->has_file = true;
	memcpy(request->file, real, strlen(real) + 1);
	return EMR_OK;
}

static emr_status inside(
	const asking *a, const char *path, emr_request *request, emr_problem *out_problem)
{
	request->has_path = true;
	if (emr_path_in_folder(a->folder, path, request->path, sizeof request->path) == EMR_OK)
		return EMR_OK;
	return EMR_PROBLEM(EMR_NOT_FOUND, out_problem, EMR_SAY_NO_SUCH_PATH, "path", path, NULL);
}

static void take_answer(asking *a, json_t *object)
{
	const json_t *progress = json_object_get(object, "progress");

	if (progress != NULL)
		emr_progress_of(a->out, N_("Written"), EMR_PROGRESS_RECORDS,
			emr_json_number_at(progress, "so_far"), emr_json_number_at(progress, "of"));
	if (emr_json_flag_at(object, "done"))
		a->last = json_incref(object);
	json_decref(object);
}

static emr_status ask_export(asking *a, const emr_request *request, emr_problem *out_problem)
{
	EMR_TRY(emr_client_send(&a->client, request, out_problem));
	while (a->last == NULL) {
		json_t *object = NULL;

		EMR_TRY(emr_client_receive(&a->client, WORK_MS, &object, out_problem));
		take_answer(a, object);
	}
	emr_progress_end(a->out);
	return EMR_OK;
}

static uint64_t number_of(const asking *a, const char *name)
{
	return (uint64_t)json_integer_value(json_object_get(a->last, name));
}

emr_status emr_cmd_export(const emr_args *args, emr_out *out, emr_problem *out_problem)
{
	__attribute__((cleanup(asking_end))) asking a = {.out = out, .client = EMR_CLIENT_CLOSED};
	emr_request request = {.ask = EMR_ASK_EXPORT, .proof = args->given[EMR_OPT_AS_PROOF]};
	char records[EMR_COUNT_BYTES], bytes[EMR_TEXT_BYTES], brought[EMR_TEXT_BYTES], shown[4200];

	if (args->n_operands < 2)
		return emr_wrong_use("export",
			_("export needs a file or directory, and the file to write."), out_problem);
	EMR_TRY(asking_begin(args, &a, out_problem));
	EMR_TRY(inside(&a, args->operands[0], &request, out_problem));
	EMR_TRY(outside(&a, args->operands[1], &request, out_problem));
	EMR_TRY(ask_export(&a, &request, out_problem));
	emr_out_text(out, "out", request.file);
	emr_out_text(out, "root", emr_json_text_at(a.last, "root"));
	emr_out_number(out, "records", number_of(&a, "records"));
	emr_out_number(out, "bytes", number_of(&a, "bytes"));
	emr_count_text(number_of(&a, "records"), "record", "records", records);
	emr_size_text(number_of(&a, "bytes"), bytes);
	emr_show(request.file, shown, sizeof shown);
	if (request.proof) {
		emr_say(out, "%s: evidence for others, %s.\n", shown, bytes);
		return EMR_OK;
	}
	emr_say(out, "%s: %s, %s, encrypted.\n", shown, records, bytes);
	emr_out_number(out, "brought_bytes", number_of(&a, "brought_bytes")); /* not on this disk */
	emr_size_text(number_of(&a, "brought_bytes"), brought);
	if (number_of(&a, "brought_bytes") > 0)
		emr_say(out, "%s of it came from your IPFS node.\n", brought);
	emr_say(out, "Its root, for tools of IPFS: %s\n", emr_json_text_at(a.last, "root"));
	return EMR_OK;
}
