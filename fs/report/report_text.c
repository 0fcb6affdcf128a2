/* This file says the report of `emrfs status` in sentences for people. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kit/text.h"
#include "people/origin.h"
#include "report/report.h"

static const char *text_of(const json_t *report, const char *name)
{
	const char *text = json_string_value(json_object_get(report, name));

	return text != NULL ? text : "";
}

static uint64_t number_of(const json_t *report, const char *name)
{
	json_int_t number = json_integer_value(json_object_get(report, name));

	return number > 0 ? (uint64_t)number : 0;
}

static void put_shown(FILE *to, const char *text)
{
	char shown[4200];

	emr_show(text, shown, sizeof shown);
	fputs(shown, to);
}

static void put_number(FILE *to, uint64_t number)
{
	char text[EMR_TEXT_BYTES];

	emr_number_text(number, text);
	fputs(text, to);
}

/* "  (a, b and 3 more)" */
static void put_names(FILE *to, const json_t *names, uint64_t of)
{
	size_t n = json_array_size(names), shown = n > 5 ? 5 : n;

	for (size_t i = 0; i < shown; i++) {
		fputs(i == 0 ? " (" : ", ", to);
		put_shown(to, json_string_value(json_array_get(names, i)));
	}
	if (shown > 0 && of > shown)
		fprintf(to, " and %llu more", (unsigned long long)(of - shown));
	fputs(shown > 0 ? ")" : "", to);
}

static void put_head(FILE *to, const json_t *report)
{
	fputs("Health", to);
	if (text_of(report, "owner")[0] != '\0') {
		fputs(" of ", to);
		put_shown(to, text_of(report, "owner"));
	} else {
		fprintf(to, " folder %.4s", text_of(report, "code"));
	}
	if (json_is_string(json_object_get(report, "folder"))) {
		fputs(", open at ", to);
		put_shown(to, text_of(report, "folder"));
	}
	fputs(json_is_true(json_object_get(report, "read_only")) ? ", for reading only\n" : "\n",
		to);
}

static const char *why_not_safe(const json_t *report)
{
	const char *error = text_of(report, "disk_error");

	return strcmp(error, "disk-refuses") == 0 ? "this disk answers with errors"
	       : strcmp(error, "disk-full") == 0  ? "this disk is full"
						  : "not written yet";
}

static void put_safety(FILE *to, const json_t *report)
{
	char size[EMR_TEXT_BYTES];
	uint64_t files = number_of(report, "files"), pending = number_of(report, "pending"),
		 unsafe = number_of(report, "memory_only_files"),
		 lacking = number_of(report, "not_safe_files");

	emr_size_text(number_of(report, "bytes"), size);
	fputs("  ", to);
	put_number(to, files);
	fprintf(to, " file%s, %s.  Safe on this disk: all", files == 1 ? "" : "s", size);
	if (lacking > 0) {
		fprintf(to, " but %llu, %s", (unsigned long long)lacking, why_not_safe(report));
		put_names(to, json_object_get(report, "not_safe"), lacking);
	} else if (unsafe > 0) {
		fprintf(to, " but %llu, written at this moment", (unsigned long long)unsafe);
	}
	fputs(".  On the ledger: ", to);
	put_number(to, number_of(report, "confirmed"));
	if (pending > 0) {
		fputs(", ", to);
		put_number(to, pending);
		fputs(" to go", to);
	}
	fputs(".\n", to);
}

/* "  Being copied: 2 files, 1.2 GB so far (a, b); 34 to go to the ledger, 3.4 GB." */
static void put_writing(FILE *to, const json_t *report)
{
	uint64_t files = number_of(report, "writing_files"), pending = number_of(report, "pending");
	const json_t *writing = json_object_get(report, "writing");
	size_t n = json_array_size(writing), shown = n > 5 ? 5 : n;
	char size[EMR_TEXT_BYTES];

	if (files == 0)
		return;
	emr_size_fine_text(number_of(report, "writing_bytes"), size);
	fputs("  Being copied: ", to);
	put_number(to, files);
	fprintf(to, " file%s, %s so far", files == 1 ? "" : "s", size);
	for (size_t i = 0; i < shown; i++) {
		fputs(i == 0 ? " (" : ", ", to);
		put_shown(to, text_of(json_array_get(writing, i), "path"));
	}
	if (shown > 0 && files > shown)
		fprintf(to, " and %llu more", (unsigned long long)(files - shown));
	fputs(shown > 0 ? ")" : "", to);
	if (pending > 0) {
		emr_size_fine_text(number_of(report, "pending_bytes"), size);
		fputs("; ", to);
		put_number(to, pending);
		fprintf(to, " to go to the ledger, %s", size);
	}
	fputs(".\n", to);
}

static void put_remarks(FILE *to, const json_t *report)
{
	emr_problem problem;
	const json_t *conflicts = json_object_get(report, "conflicts"),
		     *strangers = json_object_get(report, "strangers");
	uint64_t local = number_of(report, "local_files"), failed = number_of(report, "failed"),
		 unreadable = number_of(report, "unreadable");

	if (failed > 0) {
		fprintf(to, "  Not taken by the ledger, kept here: %llu",
			(unsigned long long)failed);
		put_names(to, json_object_get(report, "unsent"), failed);
		fputs(".\n", to);
	}
	if (json_array_size(conflicts) > 0) {
		fprintf(to,
			"  Changed in two places at the same time, both kept: %zu cop%s for you to "
			"choose",
			json_array_size(conflicts), json_array_size(conflicts) == 1 ? "y" : "ies");
		put_names(to, conflicts, json_array_size(conflicts));
		fputs(".\n", to);
	}
	if (json_array_size(strangers) > 0) {
		fprintf(to,
			"  %zu key%s may share, write or read here and %s not added by you: emrfs "
			"device lists them; to end them: emrfs recover --lost\n",
			json_array_size(strangers), json_array_size(strangers) == 1 ? "" : "s",
			json_array_size(strangers) == 1 ? "was" : "were");
	}
	if (unreadable > 0)
		fprintf(to,
			"  Left by others and not to be opened: %llu. To be rid of it: emrfs erase "
			"--unreadable\n",
			(unsigned long long)unreadable);
	if (local > 0) {
		fprintf(to, "  Not part of your records: %llu file%s left by other programs",
			(unsigned long long)local, local == 1 ? "" : "s");
		put_names(to, json_object_get(report, "local"), local);
		fputs(".\n", to);
	}
	if (emr_report_needs_copy(report)) {
		emr_problem_set(&problem, EMR_SAY_ONE_COPY, NULL);
		fprintf(to, "  %s\n    %s\n", problem.text, problem.hint);
	}
}

/* "  Shared with you: 3, the first until 20 Dec 2026 14:05 (emrfs share)." */
static void put_received(FILE *to, const json_t *report)
{
	uint64_t n = number_of(report, "shares_received"),
		 until = number_of(report, "shares_received_until_unix");
	char when[EMR_TEXT_BYTES];

	if (n == 0)
		return;
	fputs("  Shared with you: ", to);
	put_number(to, n);
	if (until > 0) {
		emr_time_text((int64_t)until, when);
		fprintf(to, ", %suntil %s", n > 1 ? "the first " : "", when);
	}
	emr_hint_print(to, " (emrfs share).\n");
}

static void put_second_copy(FILE *to, const json_t *report)
{
	char when[EMR_TEXT_BYTES];
	const json_t *backup;
	size_t i;

	if (json_is_true(json_object_get(report, "second_copy"))) {
		emr_time_text((int64_t)number_of(report, "backup_unix"), when);
		fprintf(to, "  Second copy: %s, in ", when);
		put_shown(to, text_of(report, "backup_dir"));
		fputs(".\n", to);
	}
	json_array_foreach(json_object_get(report, "backups"), i, backup)
	{
		if (!json_is_true(json_object_get(backup, "gone")) &&
			strcmp(text_of(backup, "dir"), text_of(report, "backup_dir")) == 0 &&
			number_of(backup, "made_unix") == number_of(report, "backup_unix"))
			continue;
		emr_time_text((int64_t)number_of(backup, "made_unix"), when);
		fprintf(to, "  %s %s, in ",
			json_is_true(json_object_get(backup, "gone")) ? "A backup was deleted:"
			: json_is_true(json_object_get(backup, "same_disk"))
				? "On the same disk, so no second copy:"
				: "Another:",
			when);
		put_shown(to, text_of(backup, "dir"));
		fputs(".\n", to);
	}
}

static void put_ledger(FILE *to, const json_t *report)
{
	const json_t *ledger = json_object_get(report, "ledger");
	uint64_t witnessed = number_of(ledger, "witnessed"),
		 waiting = number_of(report, "waiting_requests");
	const char *tested = text_of(report, "words_tested_at");
	char day[EMR_TEXT_BYTES];

	if (waiting > 0)
		emr_hint_print(to, "  Waiting for you: %llu request%s (emrfs request).\n",
			(unsigned long long)waiting, waiting == 1 ? "" : "s");
	emr_day_text(tested, day);
	if (tested[0] != '\0')
		fprintf(to, "  Recovery words tested %s.", day);
	else
		emr_hint_print(to, "  Recovery words: not tested (emrfs recover --test).");
	fprintf(to, "  Ledger: %s, ", text_of(ledger, "kind"));
	if (json_is_string(json_object_get(report, "network_name"))) {
		put_shown(to, text_of(report, "network_name"));
		fputs(" with ", to);
		put_number(to, number_of(report, "members"));
		fputs(" members, ", to);
	}
	put_number(to, number_of(ledger, "size"));
	fputs(" entries, ", to);
	if (json_is_string(json_object_get(ledger, "error"))) {
		fputs("as this computer has verified it.\n  ", to);
		put_shown(to, text_of(ledger, "message"));
		fputs("\n    ", to);
		put_shown(to, text_of(ledger, "hint"));
		fputc('\n', to);
	} else if (witnessed > 0)
		fprintf(to, "witnessed by %llu.\n", (unsigned long long)witnessed);
	else if (json_is_string(json_object_get(report, "network_name")))
		fprintf(to, "not witnessed.\n    %s\n",
			emr_message_get(EMR_SAY_NOT_WITNESSED)->sentence);
	else /* whoever runs it is who reads this */
		fputs("not witnessed.\n", to);
}

static void put_errors(FILE *to, const json_t *report)
{
	const json_t *errors = json_object_get(report, "errors");
	size_t n = json_array_size(errors);

	for (size_t i = n > 5 ? n - 5 : 0; i < n; i++) {
		const json_t *error = json_array_get(errors, i);
		char when[EMR_TEXT_BYTES];

		emr_moment_text(text_of(error, "at"), when);
		fprintf(to, "  %s  ", when);
		put_shown(to, text_of(error, "message"));
		fputs("  ", to);
		put_shown(to, text_of(error, "hint"));
		fputc('\n', to);
	}
}

/* "confirmed 1/1" -> ", on the ledger, 1 copy" */
static void put_state(FILE *to, const char *state)
{
	unsigned copies;

	if (sscanf(state, "confirmed %u", &copies) == 1)
		fprintf(to, ", on the ledger, %u %s", copies, copies == 1 ? "copy" : "copies");
	else if (strcmp(state, "pending") == 0)
		fputs(", safe on this disk, not on the ledger yet", to);
	else if (strcmp(state, "local") == 0)
		fputs(", left by another program, not part of your records", to);
	else if (state[0] != '\0')
		fprintf(to, ", %s", state);
}

/* "Can be opened by: Dr Paula Lima until 20 Dec 2026 14:05." */
static void put_readers(FILE *to, const json_t *report)
{
	const json_t *readers = json_object_get(report, "readers");
	size_t n = json_array_size(readers);
	char when[EMR_TEXT_BYTES];

	if (!json_is_array(readers))
		return;
	fputs("Can be opened by: ", to);
	for (size_t i = 0; i < n; i++) {
		const json_t *one = json_array_get(readers, i);

		fputs(i > 0 ? "; " : "", to);
		put_shown(to, text_of(one, "name"));
		if (json_is_null(json_object_get(one, "until"))) {
			fputs(" for ever", to);
			continue;
		}
		emr_moment_text(text_of(one, "until"), when);
		fprintf(to, " until %s", when);
	}
	fputs(n > 0 ? ".\n" : "nobody but you.\n", to);
}

static void put_path(FILE *to, const json_t *report)
{
	char when[EMR_TEXT_BYTES], size[EMR_TEXT_BYTES];
	const char *type = text_of(report, "type");
	EMR_AUTO_FREE char *origin = NULL;

	emr_time_text((int64_t)number_of(report, "modified_unix"), when);
	if (strcmp(type, "file") != 0)
		fprintf(to, "%s", strcmp(type, "link") == 0 ? "Symbolic link" : "Folder");
	else if (text_of(report, "version")[0] != '\0')
		fprintf(to, "Version %s", text_of(report, "version"));
	else
		fputs("New", to);
	fprintf(to, ", %s", when);
	if (strcmp(type, "file") == 0) {
		emr_number_text(number_of(report, "bytes"), size);
		fprintf(to, ", %s byte%s", size, number_of(report, "bytes") == 1 ? "" : "s");
	}
	put_state(to, text_of(report, "state"));
	origin = json_object_get(report, "signed") != NULL
			 ? emr_origin_text(json_object_get(report, "signed"))
			 : NULL;
	fprintf(to, ".%s%s", origin != NULL ? "  " : "\n", origin != NULL ? origin : "");
	put_readers(to, report);
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
		put_writing(to, report);
		put_remarks(to, report);
		put_received(to, report);
		put_second_copy(to, report);
		put_ledger(to, report);
	}
	put_errors(to, report);
	return fclose(to) == 0 ? text : (free(text), NULL);
}
