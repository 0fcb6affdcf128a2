/* This file is `emrfs unmount`: it sends what waits, closes the folder and waits until its
 * process has ended. It refuses to close while something is in memory only, and while programs
 * use the folder. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file.h"
#include "desktop/traces.h"
#include "kit/json.h"
#include "kit/language.h"
#include "kit/terminal.h"
#include "kit/text.h"
#include "mount/client.h"
#include "mount/closed.h"
#include "mount/mountpoint.h"
#include "people/who.h"
#include "report/report.h"
#include "session/absence.h"
#include "session/fetching.h"
#include "verbs/cmd.h"
#include "view/names.h"
#include "verbs_private.h"

#define ANSWER_MS 60000
#define SLICE_MS 500
#define PUBLISH_NS INT64_C(60000000000) /* without progress: the rest stays for the next time */
#define END_MS 30000
#define BY_ITSELF_MS 3000 /* a mount that nobody holds ends long before */
#define LEFT_SAID 5
#define TRACES_SAID 5
#define RUN_NAMES "thumbnails" /* in the runtime directory */
#define NAMES_MAX ((size_t)64 << 20)
#define WORD_NS INT64_C(3000000000)   /* without progress: then it is said what is waited for */
#define DISK_NS INT64_C(3000000000)   /* a disk that takes nothing is not waited for any longer */
#define COPIES_NS INT64_C(5000000000) /* nor is a node that is to have a copy before the ledger */

typedef struct closing {
	emr_places places;
	emr_client client;
	char *wanted;  /* DIR as a path; NULL = whatever is open; owned */
	char *folder;  /* where it is open; owned */
	json_t *names; /* of thumbnails, as emr_traces_name finds them; owned */
	int pidfd;     /* of the mount; -1 = closed */
	bool now, purge, is_read_only;
	bool has_empty_cache; /* of what nodes gave: what is there by the end may go */
	uint64_t unsent, not_safe;
	const char *cause; /* why they are not safe */
} closing;

static void closing_end(closing *c)
{
	emr_client_close(&c->client);
	emr_places_free(&c->places);
	free(c->wanted);
	free(c->folder);
	json_decref(c->names);
	emr_auto_close(&c->pidfd);
}

static emr_status end_viewers_in(const emr_places *places)
{
	if (access(places->run, F_OK) != 0)
		return errno == ENOENT ? EMR_OK : emr_status_from_errno(errno);
	return emr_viewer_cache_end(places);
}

/* A mount that was killed could not remove what viewers kept: in the runtime directory of whoever
 * asks, and in that of whoever held the state last.  One that holds it now does it by itself. */
static emr_status end_dead_viewers(const closing *c)
{
	EMR_AUTO_FD state_fd = open(c->places.state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	EMR_AUTO_FREE char *run = NULL;
	emr_places last = c->places; /* borrowed */
	char folder[4096];
	int pid = 0;
	emr_status status = state_fd >= 0
				    ? emr_session_holder(state_fd, folder, sizeof folder, &pid)
				    : emr_status_from_errno(errno);

	if (status != EMR_NOT_FOUND)
		return status;
	EMR_TRY(end_viewers_in(&c->places));
	if (state_fd < 0)
		return EMR_OK;
	status = emr_session_run_place(state_fd, &run);
	if (status != EMR_OK)
		return status == EMR_NOT_FOUND ? EMR_OK : status;
	last.run = run;
	return end_viewers_in(&last);
}

/* A mount whose process was killed: the kernel still has it. */
static bool clean_up_dead(const closing *c, emr_out *out)
{
	EMR_AUTO_FREE char *usual = NULL;
	const char *path = c->wanted;
	emr_problem problem = {0};
	char shown[4200];
	emr_status status;

	if (path == NULL && emr_mountpoint_find(&c->places, NULL, &usual, &problem) == EMR_OK)
		path = usual;
	if (path == NULL || emr_mountpoint_look(path) != EMR_MOUNT_DEAD ||
		emr_mountpoint_end(path, true, &problem) != EMR_OK)
		return false;
	emr_show(path, shown, sizeof shown);
	emr_say(out, "%s was left by a program that ended; it is cleaned up.\n", shown);
	emr_out_text(out, "folder", path);
	emr_out_put(out, "unsent", json_array());
	emr_out_put(out, "left_outside", json_array());
	status = c->purge ? EMR_OK : end_dead_viewers(c); /* purge_closed does it */
	if (status != EMR_OK) {
		emr_problem_set_status(&problem, status, _("Looking for traces"));
		emr_remark(out, &problem);
	}
	return true;
}

static const char *cause_of(const json_t *answer)
{
	const char *error = json_string_value(json_object_get(answer, "disk_error"));

	return error == NULL ? _("they are in memory only") : emr_report_why_not_safe(answer);
}

/* Waiting changes are in memory only, or on a disk that has no room for the ledger. */
static bool is_for_want_of_disk(const json_t *answer)
{
	return json_is_string(json_object_get(answer, "disk_error")) ||
	       (emr_json_flag_at(answer, "no_room") &&
		       json_integer_value(json_object_get(answer, "pending")) > 0);
}

/* Says why it waits: nobody knows otherwise that room on the disk would end that. */
static void say_disk(const json_t *answer, emr_out *out, bool *is_said)
{
	if (*is_said || !is_for_want_of_disk(answer))
		return;
	*is_said = true;
	if (json_is_string(json_object_get(answer, "disk_error")))
		emr_say(out, "Not everything can be saved: %s.\n", cause_of(answer));
	else
		emr_say(out, "This disk is full: the ledger takes nothing until there is room.\n");
}

static void say_waiting(emr_out *out, bool *is_said)
{
	if (!*is_said)
		emr_say(out,
			"Waiting up to a minute for the ledger to take the rest; emrfs unmount "
			"--now does not wait.\n");
	*is_said = true;
}

/* Without anything that moves. */
static int64_t patience_with(const json_t *answer, json_int_t pending)
{
	if (is_for_want_of_disk(answer))
		return DISK_NS;
	return json_integer_value(json_object_get(answer, "awaiting_copies")) == pending
		       ? COPIES_NS
		       : PUBLISH_NS;
}

/* Publishing goes on by itself; shows how far it is, until all is sent or nothing moves any more.
 */
static emr_status await_publishing(closing *c, emr_out *out, emr_problem *out_problem)
{
	/* The first answer is for the eyes: it comes at once, and does not end the waiting. */
	emr_request request = {.ask = EMR_ASK_WAIT, .now = true};
	emr_sending sending = {0};
	int64_t moved = emr_clock_boot_ns(emr_clock_system());
	json_int_t pending = -1, before;
	bool is_stuck, is_first, is_disk_said = false, is_wait_said = false;
	int64_t patience, still;

	do {
		json_t *answer = NULL;
		emr_status status =
			emr_client_ask(&c->client, &request, ANSWER_MS, &answer, out_problem);

		if (status != EMR_OK)
			return status;
		before = pending;
		pending = json_integer_value(json_object_get(answer, "pending"));
		is_stuck = emr_json_flag_at(answer, "read_only") ||
			   emr_json_flag_at(answer, "ledger_away");
		patience = patience_with(answer, pending);
		emr_sending_show(&sending, answer, out);
		say_disk(answer, out, &is_disk_said);
		json_decref(answer);
		is_first = request.timeout_ms == 0;
		request.timeout_ms = SLICE_MS;
		if (pending != before)
			moved = emr_clock_boot_ns(emr_clock_system());
		still = emr_clock_boot_ns(emr_clock_system()) - moved;
		if (pending > 0 && still >= WORD_NS && still < patience)
			say_waiting(out, &is_wait_said);
		fflush(stdout); /* a program that reads it waits, too */
	} while ((is_first || pending > 0) && !is_stuck && still < patience);
	emr_progress_end(out);
	return EMR_OK;
}

static emr_status ask_unmount(closing *c, emr_out *out, emr_problem *out_problem)
{
	static const char *const given[] = {"folder", "copies_short", "not_safe", "unsent",
		"left_outside", "stops_opening", "stops_opening_shares", "agents_silent"};
	const emr_request request = {.ask = EMR_ASK_UNMOUNT, .now = c->now, .purge = c->purge};
	json_t *answer = NULL;
	const char *folder;

	EMR_TRY(emr_client_ask(&c->client, &request, ANSWER_MS, &answer, out_problem));
	c->unsent = emr_json_number_at(answer, "pending") + emr_json_number_at(answer, "failed");
	folder = json_string_value(json_object_get(answer, "folder"));
	c->folder = folder != NULL ? strdup(folder) : NULL;
	c->not_safe = emr_json_number_at(answer, "not_safe_files");
	c->is_read_only = emr_json_flag_at(answer, "read_only");
	c->cause = cause_of(answer);
	c->has_empty_cache = emr_json_flag_at(answer, "cache_is_empty");
	for (size_t i = 0; i < sizeof given / sizeof *given; i++)
		emr_out_put(out, given[i], json_incref(json_object_get(answer, given[i])));
	json_decref(answer);
	return c->folder != NULL ? EMR_OK : EMR_NO_MEMORY;
}

static void say_list(const json_t *list, emr_out *out)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		char shown[4200];

		emr_show(json_string_value(json_array_get(list, i)), shown, sizeof shown);
		emr_say(out, "  %s\n", shown);
	}
}

/* "2 changes are". */
static void count_unsafe(const closing *c, char out[EMR_COUNT_BYTES])
{
	emr_count_text(c->not_safe, "change is", "changes are", out);
}

/* A folder with what only its process has stays open: closing it would throw that away. */
static emr_status check_safe(const closing *c, emr_out *out, emr_problem *out_problem)
{
	char n[EMR_COUNT_BYTES];

	if (c->now || c->not_safe == 0)
		return EMR_OK;
	say_list(json_object_get(out->fields, "not_safe"), out);
	count_unsafe(c, n);
	return EMR_PROBLEM(
		EMR_NO_SPACE, out_problem, EMR_SAY_NOT_SAFE, "n", n, "cause", c->cause, NULL);
}

static emr_status check_wanted(closing *c, emr_problem *out_problem)
{
	const emr_request request = {.ask = EMR_ASK_STATUS};
	json_t *answer = NULL;
	const char *folder;
	emr_status status = EMR_OK;

	if (c->wanted == NULL)
		return EMR_OK;
	EMR_TRY(emr_client_ask(&c->client, &request, ANSWER_MS, &answer, out_problem));
	folder = json_string_value(json_object_get(answer, "folder"));
	if (folder == NULL || strcmp(folder, c->wanted) != 0) {
		emr_problem_set(out_problem, EMR_SAY_OPEN_ELSEWHERE, "folder",
			folder != NULL ? folder : "?", "dir", c->wanted, NULL);
		status = EMR_NOT_FOUND;
	}
	json_decref(answer);
	return status;
}

/* Unmounted here, and still served: a mount name space of its own (a container, another service)
 * has a copy of the mount, of which the kernel tells nobody.  Closed means that the keys are gone:
 * the mount hands over and ends by itself.  One that ends and does not answer is as good. */
static void ask_to_stop(closing *c)
{
	const emr_request request = {.ask = EMR_ASK_UNMOUNT, .now = true};
	emr_problem ignored = {0};
	json_t *answer = NULL;

	if (emr_client_ask(&c->client, &request, END_MS, &answer, &ignored) == EMR_OK)
		json_decref(answer);
}

/* Until the process has handed everything to the disk and ended. */
static emr_status await_end(closing *c, emr_problem *out_problem)
{
	struct pollfd polled = {.fd = c->pidfd, .events = POLLIN};

	if (c->pidfd < 0 || (!c->now && poll(&polled, 1, BY_ITSELF_MS) == 1))
		return EMR_OK;
	if (!c->now)
		ask_to_stop(c);
	if (poll(&polled, 1, END_MS) == 1)
		return EMR_OK;
	return EMR_PROBLEM(EMR_TIMEOUT, out_problem, EMR_SAY_NO_ANSWER, NULL);
}

/* While the folder answers. The names that stay are remembered beside the socket for a later
 * --purge; a failure of that hinders no closing. */
static void name_traces(closing *c)
{
	EMR_AUTO_FD run_fd = -1;
	EMR_AUTO_FREE char *text = NULL;
	emr_problem ignored = {0};

	json_t *hidden, *name;
	const char *key;

	c->names = json_object();
	(void)emr_traces_name(c->folder, c->names); /* tell_traces meets the same */
	if (c->purge || json_object_size(c->names) == 0 ||
		emr_places_open_run(&c->places, &run_fd, &ignored) != EMR_OK)
		return;
	/* The pictures are there anyhow; what the files are called is not. */
	hidden = json_object();
	json_object_foreach(c->names, key, name)(void)
		json_object_set_new(hidden, key, json_string("?"));
	text = json_dumps(hidden, JSON_COMPACT);
	json_decref(hidden);
	if (text != NULL)
		(void)!emr_file_replace(run_fd, RUN_NAMES, emr_bytes_of(text, strlen(text)), 0600);
}

/* Reads the names that the closing before this one found. */
static void recall_names(closing *c)
{
	EMR_AUTO_FD run_fd = -1;
	EMR_AUTO_BUF text = {0};
	emr_problem ignored = {0};

	if (emr_places_open_run(&c->places, &run_fd, &ignored) == EMR_OK &&
		emr_file_read(run_fd, RUN_NAMES, NAMES_MAX, &text) == EMR_OK)
		c->names = json_loadb((const char *)text.data, text.len, 0, NULL);
}

/* Another program may have unmounted the folder while files of it were open: its process goes on
 * until they are closed. */
static emr_status end_mount(closing *c, emr_problem *out_problem)
{
	struct pollfd polled = {.fd = c->pidfd, .events = POLLIN};

	if (emr_mountpoint_look(c->folder) != EMR_MOUNT_NONE)
		return emr_mountpoint_end(c->folder, false, out_problem);
	if (c->pidfd < 0 || poll(&polled, 1, BY_ITSELF_MS) == 1)
		return EMR_OK;
	return EMR_PROBLEM(EMR_BUSY, out_problem, EMR_SAY_FOLDER_DETACHED, "dir", c->folder, NULL);
}

static emr_status close_folder(closing *c, emr_out *out, emr_problem *out_problem)
{
	c->pidfd = (int)syscall(SYS_pidfd_open, c->client.pid, 0);
	EMR_TRY(check_wanted(c, out_problem));
	if (!c->now)
		EMR_TRY(await_publishing(c, out, out_problem));
	EMR_TRY(ask_unmount(c, out, out_problem));
	EMR_TRY(check_safe(c, out, out_problem));
	if (!c->now)
		name_traces(c);
	if (!c->now)
		EMR_TRY(end_mount(c, out_problem));
	return await_end(c, out_problem);
}

/* Its owner threw it away, and knows. */
static bool is_in_trash(const char *path)
{
	char top[256];

	snprintf(top, sizeof top, "%.*s", (int)strcspn(path, "/"), path);
	return emr_name_is_trash(top);
}

/* Said once more when the folder closes, and for a few: status lists them all. */
static void say_left(emr_out *out)
{
	const json_t *left = json_object_get(out->fields, "left_outside");

	for (size_t i = 0, said = 0; i < json_array_size(left) && said < LEFT_SAID; i++) {
		const char *path = json_string_value(json_array_get(left, i));

		if (is_in_trash(path))
			continue;
		emr_remark_that(out, EMR_SAY_LEFT_LOCAL, "path", path, NULL);
		said++;
	}
}

/* Whom it keeps from what: so that somebody who waits for a reader leaves the folder open. */
static void say_stopping(emr_out *out)
{
	const json_t *stopping = json_object_get(out->fields, "stops_opening");
	size_t of = emr_json_number_at(out->fields, "stops_opening_shares");
	size_t n = json_array_size(stopping) < LEFT_SAID ? json_array_size(stopping) : LEFT_SAID;

	if (n > 0)
		emr_say(out, "While it is closed, nothing new opens of what only your folder can "
			     "release:\n");
	for (size_t i = 0; i < n; i++) {
		const json_t *one = json_array_get(stopping, i);
		char path[600], who[EMR_WHO_TEXT_BYTES];

		emr_show(emr_json_text_at(one, "path"), path, sizeof path);
		emr_who_json_text(one, "", who, sizeof who);
		emr_say(out, "  %s, for %s\n", path, who);
	}
	if (of > n)
		emr_say(out, "  and %zu more\n", of - n);
	emr_say_silent(out, out->fields);
}

/* ---- what the desktop keeps outside of the folder ---- */

static uint64_t count_traces(const json_t *traces, const char *kind, bool removed)
{
	uint64_t n = 0;

	for (size_t i = 0; i < json_array_size(traces); i++) {
		const json_t *trace = json_array_get(traces, i);

		n += emr_json_flag_at(trace, "cleared") == removed &&
		     strcmp(json_string_value(json_object_get(trace, "kind")), kind) == 0;
	}
	return n;
}

/* "2 thumbnails and 1 recent file"; false when there are none. */
static bool traces_text(const json_t *traces, bool removed, char *out, size_t size)
{
	uint64_t pictures = count_traces(traces, "thumbnail", removed);
	uint64_t entries = count_traces(traces, "recent", removed);
	char first[EMR_COUNT_BYTES], second[EMR_COUNT_BYTES];

	emr_count_text(pictures, "thumbnail", "thumbnails", first);
	emr_count_text(entries, "entry in the list of recent files",
		"entries in the list of recent files", second);
	snprintf(out, size, "%s%s%s", pictures > 0 ? first : "",
		pictures > 0 && entries > 0 ? " and " : "", entries > 0 ? second : "");
	return pictures + entries > 0;
}

static void say_traces(const json_t *traces, emr_out *out)
{
	size_t n = json_array_size(traces);

	for (size_t i = 0; i < n && i < TRACES_SAID; i++) {
		const char *about =
			json_string_value(json_object_get(json_array_get(traces, i), "about"));

		emr_say(out, "  %s\n", about[0] != '\0' ? about : _("(the folder itself)"));
	}
	if (n > TRACES_SAID)
		emr_say(out, "  and %zu more\n", n - TRACES_SAID);
}

/* Only who asked for an empty desktop fails without one: the folder is closed. */
static int tell_problem(const closing *c, const emr_problem *problem, emr_out *out)
{
	if (c->purge)
		return emr_out_fail(out, problem);
	emr_remark(out, problem);
	return EMR_EXIT_DONE;
}

/* Behind everything else, because a mount that still ran could be looked at again. */
static int tell_traces(closing *c, const char *folder, emr_out *out)
{
	json_t *traces = json_array();
	char n[2 * EMR_COUNT_BYTES + 8], shown[4200];
	emr_problem problem = {0};
	emr_status status = traces != NULL ? emr_traces_look(folder, c->names, c->purge, traces)
					   : EMR_NO_MEMORY;
	int code = EMR_EXIT_DONE;

	if (c->purge && c->has_empty_cache && status == EMR_OK)
		status = emr_fetching_remove(&c->places);
	emr_show(folder, shown, sizeof shown);
	if (c->purge && traces_text(traces, true, n, sizeof n))
		emr_say(out, "Removed: %s.\n", n);
	else if (c->purge && status == EMR_OK && json_array_size(traces) == 0)
		emr_say(out, "The desktop keeps nothing of %s.\n", shown);
	if (c->purge && emr_fetching_has_left(&c->places))
		emr_say(out, "What IPFS nodes gave stays in this computer's cache, encrypted: it "
			     "may be the last "
			     "copy, and only an open folder can tell.\n");
	if (traces_text(traces, false, n, sizeof n)) {
		say_traces(traces, out);
		emr_problem_set(&problem, c->purge ? EMR_SAY_TRACES_LEFT : EMR_SAY_TRACES, "folder",
			folder, "n", n, NULL);
	}
	emr_out_put(out, "traces", traces);
	if (problem.is_set)
		code = tell_problem(c, &problem, out);
	if (status != EMR_OK) {
		emr_problem_set_status(&problem, status, _("Looking for traces"));
		code = tell_problem(c, &problem, out);
	}
	/* A person who reads windows types no command for it. */
	if (problem.is_set && status == EMR_OK && !c->purge && out->is_in_windows &&
		emr_terminal_says_yes(N_("Remove this, too (yes or no)?"))) {
		c->purge = true;
		return tell_traces(c, folder, out);
	}
	return code;
}

/* The folder is closed already, and only what tells of it is asked about.  Of a directory that was
 * not the folder the desktop may keep what it likes. */
static int purge_closed(closing *c, emr_out *out)
{
	EMR_AUTO_FREE char *usual = NULL;
	const char *folder;
	emr_problem problem = {0};
	emr_status status = EMR_OK;

	if (c->wanted == NULL)
		status = emr_mountpoint_find(&c->places, NULL, &usual, &problem);
	folder = c->wanted != NULL ? c->wanted : usual;
	if (status == EMR_OK && !emr_closed_was_ours(&c->places, folder)) {
		emr_problem_set(&problem, EMR_SAY_NOT_OPEN, NULL);
		status = EMR_NOT_FOUND;
	}
	if (status == EMR_OK) {
		status = end_dead_viewers(c);
		if (status != EMR_OK)
			emr_problem_set_status(&problem, status, _("Looking for traces"));
	}
	if (status != EMR_OK)
		return emr_out_fail(out, &problem);
	recall_names(c);
	return tell_traces(c, folder, out);
}

static int say_closed(closing *c, emr_out *out)
{
	uint64_t copies_short = emr_json_number_at(out->fields, "copies_short");
	emr_problem problem = {0};
	char n[EMR_COUNT_BYTES];

	emr_count_text(copies_short, "version", "versions", n);
	say_left(out);
	if (c->not_safe > 0) {
		emr_say(out, "Your folder is closed.\n");
		say_list(json_object_get(out->fields, "not_safe"), out);
		count_unsafe(c, n);
		emr_problem_set(&problem, EMR_SAY_NOT_SAFE_CLOSED, "n", n, "cause", c->cause, NULL);
		return emr_out_fail(out, &problem);
	}
	if (c->unsent == 0) {
		emr_say(out,
			c->is_read_only
				? N_("Your folder is closed.\n")
				: N_("Your folder is closed.  Everything is on the ledger.\n"));
		if (!json_is_integer(json_object_get(out->fields, "copies_short")))
			emr_say(out, "The copies were not counted in time: see emrfs copies.\n");
		else if (copies_short > 0)
			emr_say(out,
				"Fewer copies than wanted: %s.  The rest is sent when your folder "
				"is open again.\n",
				n);
		say_stopping(out);
		return EMR_EXIT_DONE;
	}
	say_list(json_object_get(out->fields, "unsent"), out);
	say_stopping(out);
	if (emr_absence_say_noted(c->places.state, &problem))
		emr_remark(out, &problem);
	emr_number_text(c->unsent, n);
	emr_problem_set(&problem, EMR_SAY_UNSENT, "n", n, NULL);
	return emr_out_fail(out, &problem);
}

int emr_cmd_unmount(const emr_args *args, emr_out *out)
{
	__attribute__((cleanup(closing_end))) closing c = {.client = EMR_CLIENT_CLOSED,
		.pidfd = -1,
		.now = args->given[EMR_OPT_NOW],
		.purge = args->given[EMR_OPT_PURGE]};
	emr_problem problem = {0};
	int code, traces;
	emr_status status = emr_places_find(args->values[EMR_OPT_AS], &c.places, &problem);

	if (status == EMR_OK && args->n_operands > 0)
		status = emr_mountpoint_find(&c.places, args->operands[0], &c.wanted, &problem);
	if (status == EMR_OK) {
		status = emr_client_open(&c.places, &c.client, &problem);
		if (status == EMR_NOT_FOUND && clean_up_dead(&c, out))
			return c.purge ? purge_closed(&c, out) : EMR_EXIT_DONE;
		if (status == EMR_NOT_FOUND && c.purge && problem.message == EMR_SAY_NOT_OPEN)
			return purge_closed(&c, out);
	}
	if (status == EMR_OK)
		status = close_folder(&c, out, &problem);
	if (status != EMR_OK && !problem.is_set)
		emr_problem_set_status(&problem, status, _("Closing the folder"));
	if (status != EMR_OK)
		return emr_out_fail(out, &problem);
	code = say_closed(&c, out);
	emr_practice_say_left(out, args->values[EMR_OPT_AS]);
	problem = out->problem;
	traces = tell_traces(&c, c.folder, out);
	if (code == EMR_EXIT_DONE)
		return traces;
	out->problem = problem; /* what is lost or not sent is the greater news */
	return code;
}
