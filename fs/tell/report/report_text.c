/* This file says the report of `emrfs status` in sentences for people. It looks nothing up. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kit/json.h"
#include "kit/text.h"
#include "kit/language.h"
#include "people/origin.h"
#include "report/report.h"
#include "sharing/opening.h"

static void put_shown(FILE *to, const char *text)
{
	char shown[4200];

	emr_show(text, shown, sizeof shown);
	fputs(shown, to);
}

static void put_names(FILE *to, const json_t *names, uint64_t of)
{
	size_t n = json_array_size(names), shown = n > 5 ? 5 : n;

	for (size_t i = 0; i < shown; i++) {
		fputs(i == 0 ? " (" : ", ", to);
		put_shown(to, json_string_value(json_array_get(names, i)));
	}
	if (shown > 0 && of > shown)
		fprintf(to, _(" and %llu more"), (unsigned long long)(of - shown));
	fputs(shown > 0 ? ")" : "", to);
}

static void put_head(FILE *to, const json_t *report)
{
	char owner[4200], folder[4200];

	emr_show(emr_json_text_at(report, "owner"), owner, sizeof owner);
	if (owner[0] != '\0')
		fprintf(to, _("Health of %s"), owner);
	else
		fprintf(to, _("Health folder %.4s"), emr_json_text_at(report, "code"));
	emr_show(emr_json_text_at(report, "folder"), folder, sizeof folder);
	if (json_is_string(json_object_get(report, "folder")))
		fprintf(to, _(", open at %s"), folder);
	fputs(emr_json_flag_at(report, "read_only") ? _(", for reading only") : "", to);
	fputc('\n', to);
}

/* Also one on the same disk: "DIR" when there is none. */
static const char *some_backup(const json_t *report)
{
	const char *dir = emr_json_text_at(report, "backup_dir");
	const json_t *backup;
	size_t i;

	json_array_foreach(json_object_get(report, "backups"), i, backup)
	{
		if (dir[0] == '\0' && !emr_json_flag_at(backup, "gone"))
			dir = emr_json_text_at(backup, "dir");
	}
	return dir[0] != '\0' ? dir : "DIR";
}

/* Says which blocks are missing, where else to look, and who is asked for what others left. */
static void put_not_whole(FILE *to, const json_t *report)
{
	const json_t *place = json_array_get(json_object_get(report, "places"), 0);
	bool has_nodes = place != NULL;
	char n[EMR_COUNT_BYTES];
	emr_problem problem = {0};

	emr_count_text(emr_json_number_at(report, "coming"), "file", "files", n);
	if (emr_json_number_at(report, "coming") > 0)
		fprintf(to,
			_("  Left for you, and not here yet: %s.\n"
			  "    While this folder is open, %s is asked for them.\n"),
			n, has_nodes ? emr_json_text_at(place, "name") : _("your gateway"));
	if (emr_json_number_at(report, "not_whole") == 0)
		return;
	emr_count_text(emr_json_number_at(report, "not_whole"), "version", "versions", n);
	emr_problem_set(&problem, has_nodes ? EMR_SAY_NOT_WHOLE : EMR_SAY_NOT_WHOLE_ALONE, "n", n,
		"state", emr_json_text_at(report, "state_dir"), "dir", some_backup(report), NULL);
	fprintf(to, "  %s\n    %s\n", problem.text, problem.hint);
}

static void put_spared(FILE *to, const json_t *report)
{
	char size[EMR_TEXT_BYTES];

	if (emr_json_number_at(report, "spared_bytes") == 0)
		return;
	emr_size_text(emr_json_number_at(report, "spared_bytes"), size);
	fprintf(to,
		_("  %s are not given back: they may belong to a file a part of which is not here. "
		  " They are looked at again when it is.\n"),
		size);
}

const char *emr_report_why_not_safe(const json_t *report)
{
	const char *error = emr_json_text_at(report, "disk_error");

	return strcmp(error, "disk-refuses") == 0 ? _("this disk answers with errors")
	       : strcmp(error, "disk-full") == 0  ? _("this disk is full")
						  : _("not written yet");
}

static void put_safety(FILE *to, const json_t *report)
{
	char size[EMR_TEXT_BYTES], count[3 * EMR_COUNT_BYTES], people[EMR_COUNT_BYTES],
		done[EMR_COUNT_BYTES], left[EMR_COUNT_BYTES];
	uint64_t files = emr_json_number_at(report, "files"),
		 pending = emr_json_number_at(report, "pending"),
		 unsafe = emr_json_number_at(report, "memory_only_files"),
		 lacking = emr_json_number_at(report, "not_safe_files");

	emr_size_text(emr_json_number_at(report, "bytes"), size);
	emr_entries_text(files, emr_json_number_at(report, "directories"), 0, count);
	if (emr_json_number_at(report, "participants") > 0) {
		emr_count_text(
			emr_json_number_at(report, "participants"), "person", "people", people);
		fprintf(to, _("  A dataset, for reading only: %s of %s.\n"), count, people);
		return;
	}
	if (emr_json_number_at(report, "not_whole") + emr_json_number_at(report, "coming") > 0)
		fprintf(to, _("  %s, %s.  Not all of it is on this disk"), count, size);
	else
		fprintf(to, _("  %s, %s.  Safe on this disk: all"), count, size);
	emr_count_text(lacking > 0 ? lacking : unsafe, "file", "files", done);
	if (lacking > 0) {
		fprintf(to, _(" but %s, %s"), done, emr_report_why_not_safe(report));
		put_names(to, json_object_get(report, "not_safe"), lacking);
	} else if (unsafe > 0) {
		fprintf(to, _(" but %s, written at this moment"), done);
	}
	emr_count_text(emr_json_number_at(report, "confirmed"), "file", "files", done);
	emr_count_text(pending, "change", "changes", left);
	if (pending > 0 &&
		json_is_string(json_object_get(json_object_get(report, "ledger"), "error")))
		fprintf(to, _(".  On the ledger: %s; %s waiting for the ledger.\n"), done, left);
	else if (pending > 0)
		fprintf(to, _(".  On the ledger: %s, %s to go.\n"), done, left);
	else
		fprintf(to, _(".  On the ledger: %s.\n"), done);
}

static uint64_t most_copies(const json_t *report)
{
	const json_t *place;
	uint64_t copies = 1;
	size_t i;

	json_array_foreach(json_object_get(report, "places"), i, place) copies +=
		emr_json_number_at(place, "counts");
	return copies;
}

/* "  Waiting for 2 copies before the ledger: 3 files; there are no nodes for so many." */
static void put_awaiting(FILE *to, const json_t *report)
{
	uint64_t files = emr_json_number_at(report, "awaiting_copies"),
		 wanted = emr_json_number_at(report, "copies_first");
	char count[EMR_COUNT_BYTES];

	if (files == 0)
		return;
	emr_count_text(files, "file", "files", count);
	fprintf(to,
		_("  Waiting for %llu copies, this computer's included, before the ledger: %s.\n"),
		(unsigned long long)wanted, count);
	if (most_copies(report) < wanted)
		fputs(_("    The settings name too few nodes for that: each is a line `node = "
			"ADDRESS`.\n"),
			to);
}

/* "  Being copied: 2 files, 1.2 GB so far (a, b); 34 to go to the ledger, 3.4 GB." */
static void put_writing(FILE *to, const json_t *report)
{
	uint64_t files = emr_json_number_at(report, "writing_files"),
		 pending = emr_json_number_at(report, "pending");
	const json_t *writing = json_object_get(report, "writing");
	size_t n = json_array_size(writing), shown = n > 5 ? 5 : n;
	char size[EMR_TEXT_BYTES], count[EMR_COUNT_BYTES];

	if (files == 0)
		return;
	emr_size_fine_text(emr_json_number_at(report, "writing_bytes"), size);
	emr_count_text(files, "file", "files", count);
	fprintf(to, _("  Being copied: %s, %s so far"), count, size);
	for (size_t i = 0; i < shown; i++) {
		fputs(i == 0 ? " (" : ", ", to);
		put_shown(to, emr_json_text_at(json_array_get(writing, i), "path"));
	}
	if (shown > 0 && files > shown)
		fprintf(to, _(" and %llu more"), (unsigned long long)(files - shown));
	fputs(shown > 0 ? ")" : "", to);
	if (pending > 0) {
		emr_size_fine_text(emr_json_number_at(report, "pending_bytes"), size);
		emr_number_text(pending, count);
		fprintf(to, _("; %s to go to the ledger, %s"), count, size);
	}
	fputs(".\n", to);
}

static void put_remarks(FILE *to, const json_t *report)
{
	emr_problem problem;
	const json_t *conflicts = json_object_get(report, "conflicts"),
		     *strangers = json_object_get(report, "strangers");
	uint64_t local = emr_json_number_at(report, "local_files"),
		 failed = emr_json_number_at(report, "failed"),
		 unreadable = emr_json_number_at(report, "unreadable");
	char count[EMR_COUNT_BYTES];

	if (failed > 0) {
		emr_count_text(failed, "file or folder", "files and folders", count);
		fprintf(to, _("  Not taken by the ledger, kept here: %s"), count);
		put_names(to, json_object_get(report, "unsent"), failed);
		fputs(".\n", to);
	}
	if (json_array_size(conflicts) > 0) {
		fprintf(to,
			emr_text_of(json_array_size(conflicts),
				"  Changed in two places at the same time, both kept: %zu copy for "
				"you to choose",
				"  Changed in two places at the same time, both kept: %zu copies "
				"for you to choose"),
			json_array_size(conflicts));
		put_names(to, conflicts, json_array_size(conflicts));
		fputs(".\n", to);
	}
	if (json_array_size(strangers) > 0) {
		fprintf(to,
			emr_text_of(json_array_size(strangers),
				"  %zu key may share, write or read here and was not added by you: "
				"emrfs device lists it; to end it: emrfs device remove KEY\n",
				"  %zu keys may share, write or read here and were not added by "
				"you: emrfs device lists them; to end them: emrfs device remove "
				"KEY\n"),
			json_array_size(strangers));
	}
	emr_count_text(unreadable, "record", "records", count);
	if (unreadable > 0)
		fprintf(to,
			_("  Left by others and not to be opened: %s. To be rid of it: "
			  "emrfs erase --unreadable\n"),
			count);
	if (local > 0) {
		fprintf(to,
			emr_text_of(local,
				"  Not part of the records: %llu file that a program keeps for "
				"itself",
				"  Not part of the records: %llu files that programs keep for "
				"themselves"),
			(unsigned long long)local);
		put_names(to, json_object_get(report, "local"), local);
		fputs(".\n", to);
	}
	if (emr_report_needs_copy(report)) {
		emr_problem_set(&problem, EMR_SAY_ONE_COPY, NULL);
		fprintf(to, "  %s\n    %s\n", problem.text, problem.hint);
	}
}

/* "  Shared with you: 3 shares, the first until 20 Dec 2026 14:05 (emrfs share)." */
static void put_received(FILE *to, const json_t *report)
{
	uint64_t n = emr_json_number_at(report, "shares_received"),
		 until = emr_json_number_at(report, "shares_received_until_unix"),
		 closed = emr_json_number_at(report, "shares_received_while_open");
	char when[EMR_TEXT_BYTES], count[EMR_COUNT_BYTES];

	if (n == 0)
		return;
	emr_count_text(n, "share", "shares", count);
	fprintf(to, _("  Shared with you: %s"), count);
	if (until > 0) {
		emr_time_text((int64_t)until, when);
		fprintf(to, n > 1 ? _(", the first until %s") : _(", until %s"), when);
	}
	emr_hint_print(to, " (emrfs share).\n");
	if (closed > 0)
		fprintf(to, _("    Of them open only while their owner's folder is open: %llu.\n"),
			(unsigned long long)closed);
}

static void put_second_copy(FILE *to, const json_t *report)
{
	char when[EMR_TEXT_BYTES], dir[4200];
	const json_t *backup;
	size_t i;

	if (emr_json_flag_at(report, "second_copy")) {
		emr_time_text((int64_t)emr_json_number_at(report, "backup_unix"), when);
		emr_show(emr_json_text_at(report, "backup_dir"), dir, sizeof dir);
		fprintf(to, _("  Second copy: %s, in %s.\n"), when, dir);
	}
	json_array_foreach(json_object_get(report, "backups"), i, backup)
	{
		if (!emr_json_flag_at(backup, "gone") &&
			strcmp(emr_json_text_at(backup, "dir"),
				emr_json_text_at(report, "backup_dir")) == 0 &&
			emr_json_number_at(backup, "made_unix") ==
				emr_json_number_at(report, "backup_unix"))
			continue;
		emr_time_text((int64_t)emr_json_number_at(backup, "made_unix"), when);
		emr_show(emr_json_text_at(backup, "dir"), dir, sizeof dir);
		fprintf(to,
			emr_json_flag_at(backup, "gone") ? _("  A backup was deleted: %s, in %s.\n")
			: emr_json_flag_at(backup, "same_disk")
				? _("  On the same disk, so no second copy: %s, in %s.\n")
				: _("  Another: %s, in %s.\n"),
			when, dir);
	}
}

/* "  Copies: unix:/PATH/api.sock has 12 of 312 ..." and why it has no more. */
static void put_places(FILE *to, const json_t *report)
{
	const json_t *place;
	size_t i;

	json_array_foreach(json_object_get(report, "places"), i, place)
	{
		char name[4200], held[EMR_COUNT_BYTES], of[EMR_COUNT_BYTES];
		emr_show(emr_json_text_at(place, "name"), name, sizeof name);
		emr_number_text(emr_json_number_at(place, "copies"), held);
		emr_number_text(emr_json_number_at(place, "of"), of);
		fprintf(to, _("  Copies: %s has %s of %s versions from this computer.\n"), name,
			held, of);
		if (json_is_string(json_object_get(place, "message"))) {
			fputs("    ", to);
			put_shown(to, emr_json_text_at(place, "message"));
			fputs("  ", to);
			put_shown(to, emr_json_text_at(place, "hint"));
			fputc('\n', to);
		}
		if (emr_json_number_at(place, "sending_of") > 0) {
			emr_size_text(emr_json_number_at(place, "sending"), held);
			emr_size_text(emr_json_number_at(place, "sending_of"), of);
			fprintf(to, _("    Being sent: %s of %s.\n"), held, of);
		}
		emr_count_text(emr_json_number_at(place, "stuck"), "version", "versions", held);
		emr_count_text(emr_json_number_at(place, "leaving"), "version", "versions", of);
		if (emr_json_number_at(place, "stuck") > 0)
			fprintf(to, _("    Not taken there, tried again now and then: %s.\n"),
				held);
		if (emr_json_number_at(place, "leaving") > 0)
			fprintf(to, _("    Erased, and not let go there yet: %s.\n"), of);
	}
}

static void put_ledger(FILE *to, const json_t *report)
{
	const json_t *ledger = json_object_get(report, "ledger");
	uint64_t waiting = emr_json_number_at(report, "waiting_requests");
	char day[EMR_TEXT_BYTES], members[EMR_TEXT_BYTES], network[4200];
	EMR_AUTO_FREE char *restarts = emr_restarts_text(json_object_get(report, "restarts"));

	if (waiting > 0)
		emr_hint_print(to,
			emr_text_of(waiting, "  Waiting for you: %llu request (emrfs request).\n",
				"  Waiting for you: %llu requests (emrfs request).\n"),
			(unsigned long long)waiting);
	emr_day_text(emr_json_text_at(report, "words_tested_at"), day);
	if (day[0] != '\0')
		fprintf(to, _("  Recovery words tested %s."), day);
	else
		emr_hint_print(to, "  Recovery words: not tested (emrfs recover --test).");
	emr_day_text(emr_json_text_at(report, "trustees_tested_at"), day);
	fprintf(to, day[0] != '\0' ? _("  Trustees tested %s.") : "%s", day);
	if (emr_json_flag_at(report, "of_age"))
		emr_hint_print(to, "  Of age: the 24 words take it over (emrfs recover --lost).\n");
	if (json_is_string(json_object_get(report, "network_name"))) {
		emr_show(emr_json_text_at(report, "network_name"), network, sizeof network);
		emr_number_text(emr_json_number_at(report, "member_count"), members);
		fprintf(to, _("  Ledger: that of %s, with %s members.\n"), network, members);
	} else {
		fputs(_("  Ledger: on this computer.\n"), to);
	}
	fputs(restarts != NULL ? restarts : "", to);
	emr_unwitnessed_print(to, report);
	if (json_is_string(json_object_get(ledger, "error"))) {
		fputs("  ", to);
		put_shown(to, emr_json_text_at(ledger, "message"));
		fputs("\n    ", to);
		put_shown(to, emr_json_text_at(ledger, "hint"));
		fputc('\n', to);
	}
}

static void put_errors(FILE *to, const json_t *report)
{
	const json_t *errors = json_object_get(report, "errors");
	size_t n = json_array_size(errors);

	for (size_t i = n > 5 ? n - 5 : 0; i < n; i++) {
		const json_t *error = json_array_get(errors, i);
		char when[EMR_TEXT_BYTES];

		emr_moment_text(emr_json_text_at(error, "at"), when);
		fprintf(to, "  %s  ", when);
		put_shown(to, emr_json_text_at(error, "message"));
		fputs("  ", to);
		put_shown(to, emr_json_text_at(error, "hint"));
		fputc('\n', to);
	}
}

/* "confirmed 1/1" -> ", on the ledger, 1 copy"; "confirmed 1/3" -> ", on the ledger, 1 of 3" */
static void put_state(FILE *to, const char *state)
{
	unsigned copies, wanted;

	if (sscanf(state, "confirmed %u/%u", &copies, &wanted) == 2 && copies < wanted)
		fprintf(to, _(", on the ledger, %u of %u copies"), copies, wanted);
	else if (sscanf(state, "confirmed %u", &copies) == 1)
		fprintf(to,
			emr_text_of(
				copies, ", on the ledger, %u copy", ", on the ledger, %u copies"),
			copies);
	else if (sscanf(state, "pending %u/%u", &copies, &wanted) == 2)
		fprintf(to, _(", safe on this disk, waiting for copies: %u of %u"), copies, wanted);
	else if (strcmp(state, "pending") == 0)
		fputs(_(", safe on this disk, not on the ledger yet"), to);
	else if (strcmp(state, "local") == 0)
		fputs(_(", left by another program, not part of your records"), to);
	else if (state[0] != '\0')
		fprintf(to, ", %s", state);
}

/* "Can be opened by: Dr Paula Lima until 20 Dec 2026 14:05.", and why not by others. */
static void put_readers(FILE *to, const json_t *report)
{
	const json_t *readers = json_object_get(report, "readers"), *one;
	char when[EMR_TEXT_BYTES], opening[EMR_OPENING_TEXT_BYTES];
	size_t i, open = 0;

	if (!json_is_array(readers))
		return;
	json_array_foreach(readers, i, one)
	{
		if (!emr_json_flag_at(one, "opens_now"))
			continue;
		fputs(open++ > 0 ? "; " : _("Can be opened by: "), to);
		put_shown(to, emr_json_text_at(one, "name"));
		if (json_is_null(json_object_get(one, "until"))) {
			fputs(_(" for ever"), to);
			continue;
		}
		emr_moment_text(emr_json_text_at(one, "until"), when);
		fprintf(to, _(" until %s"), when);
	}
	fputs(open > 0 ? ".\n" : _("Can be opened by: nobody but you.\n"), to);
	json_array_foreach(readers, i, one)
	{
		const char *why_not = emr_json_text_at(one, "why_not"),
			   *state = emr_json_text_at(one, "state");

		emr_opening_text(why_not, state, emr_json_text_at(one, "name"), opening);
		if (!emr_opening_is_plain(why_not, state))
			fprintf(to, "%s\n", opening);
	}
}

/* Says when a file that another person shares opens. */
static void put_opens(FILE *to, const json_t *report)
{
	const char *opens = emr_json_text_at(report, "opens");
	char owner[300];

	if (opens[0] == '\0')
		return;
	emr_show(emr_json_text_at(report, "owner"), owner, sizeof owner);
	if (strcmp(opens, "any-time") == 0)
		fputs(_("Opens any time that agents run.\n"), to);
	else
		fprintf(to, _("Opens only while the folder of %s is open.\n"), owner);
}

static void put_path(FILE *to, const json_t *report)
{
	char when[EMR_TEXT_BYTES], size[EMR_TEXT_BYTES];
	const char *type = emr_json_text_at(report, "type");
	EMR_AUTO_FREE char *origin = NULL;

	/* It may lie before 1970. */
	emr_time_text(json_integer_value(json_object_get(report, "modified_unix")), when);
	if (strcmp(type, "file") != 0)
		fputs(strcmp(type, "link") == 0 ? _("Symbolic link") : _("Folder"), to);
	else if (emr_json_number_at(report, "version") > 0)
		fprintf(to, _("Version %llu"),
			(unsigned long long)emr_json_number_at(report, "version"));
	else
		fputs(_("New"), to);
	fprintf(to, ", %s", when);
	if (strcmp(type, "file") == 0) {
		emr_number_text(emr_json_number_at(report, "bytes"), size);
		fprintf(to,
			emr_text_of(emr_json_number_at(report, "bytes"), ", %s byte", ", %s bytes"),
			size);
	}
	put_state(to, emr_json_text_at(report, "state"));
	origin = json_object_get(report, "signed") != NULL
			 ? emr_origin_text(json_object_get(report, "signed"))
			 : NULL;
	fprintf(to, ".%s%s", origin != NULL ? "  " : "\n", origin != NULL ? origin : "");
	put_readers(to, report);
	put_opens(to, report);
}

char *emr_report_text(const json_t *report)
{
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	if (to == NULL)
		return NULL;
	if (json_object_get(report, "path") != NULL) {
		put_path(to, report);
	} else {
		put_head(to, report);
		put_safety(to, report);
		emr_unsent_print(to, report);
		put_not_whole(to, report);
		put_spared(to, report);
		put_writing(to, report);
		put_awaiting(to, report);
		put_remarks(to, report);
		put_received(to, report);
		put_second_copy(to, report);
		put_places(to, report);
		put_ledger(to, report);
	}
	put_errors(to, report);
	return fclose(to) == 0 ? text : (free(text), NULL);
}
