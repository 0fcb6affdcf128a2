/* This file is `emrfs erase`: it erases records for good, also their earlier versions. It shows
 * what would go, asks, and wants the passphrase, because there is no way back. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "kit/json.h"
#include "kit/language.h"
#include "kit/passphrase.h"
#include "kit/terminal.h"
#include "kit/text.h"
#include "mount/client.h"
#include "session/keys.h"
#include "verbs/cmd.h"

#define LOOK_MS 120000
#define WORK_MS 3600000 /* a large store is written again where something dead is in it */

typedef struct wanted {
	const emr_args *args;
	emr_out *out;
	emr_places places;
	emr_client client;
	emr_request request;
	uint64_t files, directories;
} wanted;

/* ---- the command line ---- */

static bool take_before(const char *text, uint64_t *out_until)
{
	emr_day_span span = {0};
	bool is = emr_past_read(text, emr_clock_unix_s(emr_clock_system()), &span) == EMR_OK;

	*out_until = span.last_unix_s;
	return is;
}

static emr_status check_arguments(wanted *w, emr_problem *out_problem)
{
	const emr_args *args = w->args;
	const char *before = args->values[EMR_OPT_BEFORE], *what = NULL;

	w->request.deleted = args->given[EMR_OPT_DELETED];
	w->request.unreadable = args->given[EMR_OPT_UNREADABLE];
	if ((args->n_operands == 1) + w->request.deleted + w->request.unreadable != 1)
		what = _("erase needs either a path, --deleted or --unreadable.");
	else if (before != NULL && !w->request.deleted)
		what = _("--before goes with --deleted.");
	else if (before != NULL && !take_before(before, &w->request.until_unix_s))
		what = _("--before needs a time: 30d, 2026-12-31 or 2026-12-31T18:00.");
	if (what == NULL)
		return EMR_OK;
	return emr_wrong_use("erase", what, out_problem);
}

/* ---- is it meant ---- */

static void count_text(const wanted *w, char out[2 * EMR_COUNT_BYTES])
{
	char files[EMR_COUNT_BYTES], directories[EMR_COUNT_BYTES];

	emr_count_text(w->files, "file", "files", files);
	emr_count_text(w->directories, "directory", "directories", directories);
	if (w->directories == 0)
		snprintf(out, 2 * EMR_COUNT_BYTES, "%s", files);
	else
		snprintf(out, 2 * EMR_COUNT_BYTES, _("%s and %s"), files, directories);
}

static emr_status look_what_goes(wanted *w, emr_problem *out_problem)
{
	char count[EMR_COUNT_BYTES];
	json_auto_t *answer = NULL;

	w->request.look = true;
	EMR_TRY(emr_client_ask(&w->client, &w->request, LOOK_MS, &answer, out_problem));
	w->request.look = false;
	w->files = emr_json_number_at(answer, "live") + emr_json_number_at(answer, "deleted_files");
	w->directories = emr_json_number_at(answer, "directories");
	/* The records that were counted are erased, whatever has their name by then. */
	snprintf(w->request.id, sizeof w->request.id, "%s", emr_json_text_at(answer, "objects"));
	if (emr_json_number_at(answer, "copies") > 0) {
		emr_count_text(emr_json_number_at(answer, "copies"), "copy", "copies", count);
		emr_say(w->out, "With it goes what was made of it for datasets: %s.\n", count);
	}
	if (emr_json_number_at(answer, "scratch") > 0) {
		emr_count_text(emr_json_number_at(answer, "scratch"), "file", "files", count);
		emr_say(w->out,
			"With it goes what has its bytes in the trash, or an editor kept: %s.\n",
			count);
	}
	return EMR_OK;
}

static emr_status ask_yes(const wanted *w, emr_problem *out_problem)
{
	char counted[2 * EMR_COUNT_BYTES], question[256], shown[4200];

	if (w->args->given[EMR_OPT_YES])
		return EMR_OK;
	count_text(w, counted);
	/* At a terminal the person has just typed it. */
	if (w->out->is_in_windows && w->request.has_path) {
		emr_show(w->request.path, shown, sizeof shown);
		emr_say(w->out, "%s\n", shown);
	}
	snprintf(question, sizeof question,
		_("Nobody will ever read %s again, every version. Erase (yes or no)?"), counted);
	if (!w->args->given[EMR_OPT_JSON] && emr_terminal_says_yes(question))
		return EMR_OK;
	return EMR_PROBLEM(EMR_DENIED, out_problem, EMR_SAY_NEEDS_YES, "n", counted, NULL);
}

/* Everybody at an open folder may read; destroying asks for the passphrase. */
static emr_status check_passphrase(const wanted *w, emr_problem *out_problem)
{
	EMR_AUTO_FD state_fd = -1;
	EMR_AUTO_KEYRING keyring = NULL;

	EMR_TRY(emr_keys_protect(out_problem));
	EMR_TRY(emr_places_open_state(&w->places, false, &state_fd, out_problem));
	return emr_keys_open(state_fd, w->places.state, w->args->values[EMR_OPT_PASSPHRASE_FILE],
		&keyring, out_problem);
}

/* ---- doing it ---- */

static void say_erased(wanted *w, const json_t *answer)
{
	const json_t *left = json_object_get(answer, "not_reached");
	char counted[2 * EMR_COUNT_BYTES], who[4200];

	w->files = emr_json_number_at(answer, "live") + emr_json_number_at(answer, "deleted_files");
	w->directories = emr_json_number_at(answer, "directories");
	count_text(w, counted);
	if (w->files + w->directories == 0)
		emr_say(w->out, "Nothing was there to be erased.\n");
	else
		emr_say(w->out, "Erased for good: %s.\n", counted);
	for (size_t i = 0; i < json_array_size(left); i++) {
		const json_t *one = json_array_get(left, i);

		emr_show(json_string_value(json_object_get(one, "who")), who, sizeof who);
		emr_say(w->out, "Not reached: %s: %s.\n", who,
			json_string_value(json_object_get(one, "why")));
	}
	emr_out_number(w->out, "erased", w->files + w->directories);
	emr_out_number(w->out, "live", emr_json_number_at(answer, "live"));
	emr_out_number(w->out, "deleted_files", emr_json_number_at(answer, "deleted_files"));
	emr_out_number(w->out, "directories", w->directories);
	emr_out_number(w->out, "copies", emr_json_number_at(answer, "copies"));
	emr_out_number(w->out, "scratch", emr_json_number_at(answer, "scratch"));
	emr_out_flag(w->out, "finished", emr_json_flag_at(answer, "finished"));
	emr_out_put(w->out, "not_reached", json_incref((json_t *)(uintptr_t)left));
}

static emr_status erase(wanted *w, emr_problem *out_problem)
{
	json_auto_t *answer = NULL;

	EMR_TRY(emr_client_path(&w->client, w->args->operands[0], &w->request, out_problem));
	EMR_TRY(look_what_goes(w, out_problem));
	if (w->files + w->directories > 0) {
		EMR_TRY(ask_yes(w, out_problem));
		EMR_TRY(check_passphrase(w, out_problem));
	}
	/* The mount ends a conversation that says nothing for long: a person was asked. */
	emr_client_close(&w->client);
	w->client = EMR_CLIENT_CLOSED;
	EMR_TRY(emr_client_open(&w->places, &w->client, out_problem));
	EMR_TRY(emr_client_ask(&w->client, &w->request, WORK_MS, &answer, out_problem));
	say_erased(w, answer);
	if (emr_json_flag_at(answer, "finished"))
		return EMR_OK;
	/* A part that waits is no failure of the erasing, but no success either. */
	return EMR_PROBLEM(EMR_TIMEOUT, out_problem, EMR_SAY_ERASE_UNFINISHED, "cause",
		json_string_value(json_object_get(
			json_array_get(json_object_get(answer, "not_reached"), 0), "why")),
		NULL);
}

static void wanted_end(wanted *w)
{
	emr_client_close(&w->client);
	emr_places_free(&w->places);
}

emr_status emr_cmd_erase(const emr_args *args, emr_out *out, emr_problem *out_problem)
{
	__attribute__((cleanup(wanted_end))) wanted w = {.args = args,
		.out = out,
		.client = EMR_CLIENT_CLOSED,
		.request = {.ask = EMR_ASK_ERASE}};

	EMR_TRY(check_arguments(&w, out_problem));
	EMR_TRY(emr_places_find(args->values[EMR_OPT_AS], &w.places, out_problem));
	EMR_TRY(emr_client_open(&w.places, &w.client, out_problem));
	return erase(&w, out_problem);
}
