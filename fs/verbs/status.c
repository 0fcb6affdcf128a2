/* This file is `emrfs status`: it tells whether the folder is open, what is not on the ledger
 * yet, and what needs attention; with --wait it waits until all is on the ledger, with
 * --wait=copies until it has as many copies as wanted. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "kit/json.h"
#include "kit/language.h"
#include "kit/paths.h"
#include "kit/text.h"
#include "mount/client.h"
#include "mount/mountpoint.h"
#include "report/report.h"
#include "session/absence.h"
#include "session/second_copy.h"
#include "session/session.h"
#include "verbs/cmd.h"
#include "verbs_private.h"

#define SLICE_MS 500
#define WAIT_DEFAULT_NS INT64_C(60000000000)

/* ---- closed: what can be said without a passphrase ---- */

/* The newest copy that is lost with the records. */
static void say_same_disk(emr_out *out, int state_fd)
{
	emr_second_copy copy;
	char when[EMR_TEXT_BYTES];

	if (state_fd < 0 || emr_second_copies_read(state_fd, &copy, 1) == 0 || copy.is_gone)
		return;
	emr_time_text((int64_t)copy.made_unix_s, when);
	emr_say(out, "  On the same disk, so no second copy: %s, in %s.\n", when, copy.dir);
}

static void say_second_copy(emr_out *out, const emr_places *places)
{
	EMR_AUTO_FD state_fd = open(places->state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	emr_second_copy copy = {.is_known = false};
	emr_problem remark = {0};
	char when[EMR_TEXT_BYTES];

	if (state_fd >= 0)
		emr_second_copy_read(state_fd, &copy);
	emr_out_flag(out, "second_copy", copy.is_known);
	if (!copy.is_known) {
		say_same_disk(out, state_fd);
		emr_say_one_copy(out, places, &remark);
		if (remark.is_set)
			emr_say(out, "  %s\n    %s\n", remark.text, remark.hint);
		return;
	}
	emr_time_text((int64_t)copy.made_unix_s, when);
	emr_say(out, "  Second copy: %s, in %s.\n", when, copy.dir);
	emr_time_json((int64_t)copy.made_unix_s, when);
	emr_out_text(out, "backup_at", when);
	emr_out_text(out, "backup_dir", copy.dir);
}

static void say_closed(emr_out *out, const emr_places *places)
{
	EMR_AUTO_LEDGER ledger = NULL;
	EMR_AUTO_FD state_fd = open(places->state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	emr_problem why = {0};
	uint64_t size = 0, since;
	emr_status status, host;

	if (state_fd < 0 ||
		faccessat(state_fd, EMR_STATE_KEYFILE, F_OK, AT_SYMLINK_NOFOLLOW) != 0 ||
		emr_base_init() != EMR_OK)
		return;
	status = emr_check_open_ledger(places, &ledger);
	host = emr_check_meet_host(state_fd);
	/* Hosts tell nothing of the ledger without the keyring. */
	if (status == EMR_OK && host != EMR_NOT_FOUND)
		status = host;
	else if (status == EMR_OK)
		status = emr_ledger_size(ledger, &size);
	since = emr_absence_read(state_fd);
	if (host == EMR_TIMEOUT && since == 0)
		emr_problem_set(&why, EMR_SAY_LEDGER_ASKED, NULL);
	else
		emr_absence_say_status(status,
			since > 0 ? since : emr_clock_unix_s(emr_clock_system()), places->state,
			&why);
	emr_say(out, "Keyring and records: %s\n", places->state);
	if (why.is_set)
		emr_say(out, "  %s\n    %s\n", why.text, why.hint);
	say_second_copy(out, places);
	emr_out_text(out, "state_dir", places->state);
	emr_out_put(out, "folder", json_null());
	emr_out_put(out, "ledger",
		json_pack("{s:s, s:I, s:o}", "kind",
			ledger != NULL ? emr_ledger_kind(ledger) : "embedded", "size",
			(json_int_t)size, "error",
			why.is_set ? json_string(emr_message_get(why.message)->id) : json_null()));
}

/* ---- open ---- */

typedef struct waiting {
	emr_client *client;
	emr_out *out;
	emr_sending sending;
	bool is_for_copies, is_counted; /* false: it could not be looked in time */
	uint64_t pending, failed, copies_short;
} waiting;

static emr_status ask_pending(waiting *w, uint32_t timeout_ms, emr_problem *out_problem)
{
	const emr_request request = {.ask = EMR_ASK_WAIT, .timeout_ms = timeout_ms};
	json_t *answer = NULL;

	EMR_TRY(emr_client_ask(w->client, &request, EMR_CLIENT_REPORT_MS, &answer, out_problem));
	w->pending = emr_json_number_at(answer, "pending");
	w->failed = emr_json_number_at(answer, "failed");
	if (w->is_for_copies) {
		w->is_counted = json_is_integer(json_object_get(answer, "copies_short"));
		if (w->is_counted)
			w->copies_short = emr_json_number_at(answer, "copies_short");
	}
	/* Nothing is sent from a folder that is open for reading only: no use in waiting. */
	if (emr_json_flag_at(answer, "read_only")) {
		w->failed += w->pending;
		w->pending = 0;
	} else {
		emr_sending_show(&w->sending, answer, w->out);
	}
	json_decref(answer);
	return EMR_OK;
}

/* Sending goes on as long as something moves: WAIT_NS begins again then. */
static emr_status wait_until_sent(waiting *w, int64_t wait_ns, emr_problem *out_problem)
{
	int64_t deadline = emr_clock_boot_ns(emr_clock_system()) + wait_ns;
	uint64_t copies_before = UINT64_MAX;

	/* The first answer is for the eyes: it comes at once, and does not end the waiting. */
	EMR_TRY(ask_pending(w, 0, out_problem));
	do {
		EMR_TRY(ask_pending(w, SLICE_MS, out_problem));
		if (w->is_for_copies && w->pending == 0 && w->copies_short > 0) {
			const struct timespec slice = {.tv_nsec = SLICE_MS * 1000000L};

			nanosleep(&slice, NULL); /* the ledger has all: nothing made it wait */
		}
		if (w->copies_short < copies_before)
			deadline = emr_clock_boot_ns(emr_clock_system()) + wait_ns;
		copies_before = w->copies_short;
	} while ((!w->is_counted || w->pending + w->copies_short > 0) &&
		 emr_clock_boot_ns(emr_clock_system()) < deadline);
	emr_progress_end(w->out);
	return EMR_OK;
}

/* EMR_TIMEOUT with a problem when something is still not on the ledger, or has too few copies. */
static emr_status wait_for_all(emr_client *client, bool is_for_copies, int64_t wait_ns,
	emr_out *out, emr_problem *out_problem)
{
	waiting w = {.client = client,
		.out = out,
		.is_for_copies = is_for_copies,
		.is_counted = !is_for_copies};
	char n[EMR_COUNT_BYTES];

	EMR_TRY(wait_until_sent(&w, wait_ns, out_problem));
	if (w.is_counted && w.pending + w.failed + w.copies_short == 0)
		return EMR_OK;
	if (w.pending + w.failed > 0)
		emr_number_text(w.pending + w.failed, n);
	else if (w.is_counted)
		emr_count_text(w.copies_short, "version", "versions", n);
	else
		snprintf(n, sizeof n, "%s", _("not counted in time"));
	return EMR_PROBLEM(EMR_TIMEOUT, out_problem,
		w.pending + w.failed == 0 ? EMR_SAY_COPIES_SHORT : EMR_SAY_UNSENT, "n", n, NULL);
}

static emr_status ask_report(emr_client *client, const emr_request *request, json_t **out_report,
	emr_problem *out_problem)
{
	EMR_TRY(emr_client_ask(client, request, EMR_CLIENT_REPORT_MS, out_report, out_problem));

	json_object_del(*out_report, "ok");
	return EMR_OK;
}

/* A script learns it by the exit code. */
static void say_disk(const json_t *report, emr_problem *out_problem)
{
	const char *error = json_string_value(json_object_get(report, "disk_error"));
	json_int_t lacking = json_integer_value(json_object_get(report, "not_safe_files"));
	char n[EMR_COUNT_BYTES];

	if (error == NULL)
		return;
	if (lacking <= 0) {
		emr_problem_set(out_problem, EMR_SAY_DISK_REFUSES, NULL);
		return;
	}
	emr_count_text((uint64_t)lacking, "change is", "changes are", n);
	emr_problem_set(out_problem, EMR_SAY_NOT_SAFE, "n", n, "cause",
		emr_report_why_not_safe(report), NULL);
}

static emr_status say_report(emr_client *client, const emr_args *args, emr_out *out,
	emr_problem *out_late, emr_problem *out_problem)
{
	EMR_AUTO_FREE char *text = NULL;
	EMR_AUTO_FREE char *details = NULL;
	emr_request request = {.ask = EMR_ASK_STATUS, .look = args->n_operands == 0};
	const char *folder;
	json_t *report = NULL;
	emr_status status = ask_report(client, &request, &report, out_problem);

	if (status == EMR_OK)
		say_disk(report, out_late);
	if (status == EMR_OK && args->n_operands > 0) {
		folder = json_string_value(json_object_get(report, "folder"));
		request.has_path = true;
		status = emr_path_in_folder(
			folder, args->operands[0], request.path, sizeof request.path);
		json_decref(report);
		report = NULL;
		if (status != EMR_OK)
			emr_problem_set(
				out_problem, EMR_SAY_NO_SUCH_PATH, "path", args->operands[0], NULL);
		else
			status = ask_report(client, &request, &report, out_problem);
	}
	if (status != EMR_OK)
		return status;
	folder = json_string_value(json_object_get(report, "folder"));
	if (folder != NULL && emr_mountpoint_listed(folder) == EMR_MOUNT_NONE)
		emr_remark_that(out, EMR_SAY_FOLDER_DETACHED, "dir", folder, NULL);
	text = emr_report_text(report);
	emr_say(out, "%s", text != NULL ? text : "");
	emr_say_silent(out, report);
	if (args->given[EMR_OPT_DETAILS])
		details = emr_report_details(report);
	emr_say(out, "%s", details != NULL ? details : "");
	if (out->fields == NULL || json_object_update(out->fields, report) != 0)
		status = EMR_NO_MEMORY;
	json_decref(report);
	if (status != EMR_OK)
		emr_problem_set_status(out_problem, status, "status");
	return status;
}

emr_status emr_cmd_status(const emr_args *args, emr_out *out, emr_problem *out_problem)
{
	EMR_AUTO_PLACES places = {0};
	EMR_AUTO_CLIENT client = EMR_CLIENT_CLOSED;
	EMR_AUTO_FREE char *cache = NULL;
	emr_problem late = {0};
	int64_t wait_ns = WAIT_DEFAULT_NS;
	const char *wait = args->values[EMR_OPT_WAIT];
	bool is_for_copies = wait != NULL && strcmp(wait, "copies") == 0;
	emr_status status;

	EMR_TRY(emr_places_find(args->values[EMR_OPT_AS], &places, out_problem));
	/* "--wait 5min" is no path of that name. */
	if (args->given[EMR_OPT_WAIT] && !is_for_copies &&
		(wait != NULL ? emr_duration_parse(wait, &wait_ns) != EMR_OK
			      : args->n_operands > 0 &&
					emr_duration_parse(args->operands[0], &wait_ns) == EMR_OK))
		return emr_wrong_use("status",
			_("--wait=TIME takes a time such as 90s or 5min, or the word copies."),
			out_problem);
	status = emr_client_open(&places, &client, out_problem);
	if (out_problem->is_set && out_problem->message == EMR_SAY_NOT_OPEN)
		say_closed(out, &places);
	if (status == EMR_OK && args->given[EMR_OPT_WAIT]) {
		status = wait_for_all(&client, is_for_copies, wait_ns, out, &late);
		if (status == EMR_TIMEOUT)
			status = EMR_OK;
		else
			*out_problem = late;
	}
	if (status == EMR_OK)
		status = say_report(&client, args, out, &late, out_problem);
	if (status != EMR_OK)
		return status;
	/* For the menus of the desktop, which start viewers with it. */
	cache = emr_viewer_cache_path(&places);
	if (cache != NULL && access(cache, W_OK | X_OK) == 0)
		emr_out_text(out, "viewer_cache", cache);
	*out_problem = late;
	return late.is_set ? EMR_TIMEOUT : EMR_OK;
}
