/* This file writes the report page `.emrfs/report.html`: what is here, whether it is safe, who
 * can see it, and what happened. The page needs nothing from the Internet. */
#include "special_private.h"

#include <stdlib.h>
#include <string.h>

#include "kit/json.h"
#include "kit/language.h"
#include "kit/message.h"
#include "kit/text.h"
#include "report/html.h"
#include "report/report.h"
#include "base/day.h"

#include "page_facts.h"
#include "page_parts.h"

#define SUMS_MAX 10
#define LINES_MAX 400

/* ---- head ---- */

static void put_owner(FILE *to, const json_t *report)
{
	bool is_named = emr_json_text_at(report, "owner")[0] != '\0';
	const emr_html_piece pieces[] = {
		{.name = "who",
			.put_text = emr_html_text,
			.text = emr_json_text_at(report, is_named ? "owner" : "code")},
		{0}};

	emr_html_say(to, is_named ? _("Health of {who}") : _("Health folder {who}"), pieces);
}

static void put_head(FILE *to, const page_facts *p)
{
	const emr_html_piece pieces[] = {
		{.name = "time", .put_number = emr_html_time, .number = p->now_unix_s}, {0}};

	fprintf(to, "<!DOCTYPE html>\n<html lang=\"%s\">\n", emr_language_now());
	fputs("<head>\n<meta charset=\"utf-8\">\n"
	      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
	      "style-src 'unsafe-inline'; "
	      "base-uri 'none'; form-action 'none'\">\n"
	      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
	      "<meta name=\"referrer\" content=\"no-referrer\">\n<meta name=\"color-scheme\" "
	      "content=\"light dark\">\n<title>",
		to);
	put_owner(to, p->report);
	fputs("</title>\n<style>\n", to);
	fputs(page_style, to);
	fputs("</style>\n</head>\n<body>\n<main>\n<header>\n<h1>", to);
	put_owner(to, p->report);
	fputs("</h1>\n<p class=\"soft\">", to);
	emr_html_say(to,
		_("As of {time}. Made on your own computer; this page asks no network for "
		  "anything."),
		pieces);
	fputs("</p>\n</header>\n", to);
}

static void open_tile(FILE *to, const char *level)
{
	fprintf(to, "<div class=\"tile\"><b class=\"%s\">", level);
}

static void close_tile(FILE *to, const char *what)
{
	fprintf(to, "</b><span class=\"what\">%s</span></div>\n", what);
}

static void put_tiles(FILE *to, const page_facts *p)
{
	const json_t *r = p->report;
	uint64_t pending = emr_json_number_at(r, "pending"),
		 failed = emr_json_number_at(r, "failed");
	bool has_copy = emr_json_flag_at(r, "second_copy");
	const char *tested = emr_json_text_at(r, "words_tested_at");
	const emr_html_piece size[] = {
		{.name = "size", .put_number = emr_html_size, .number = p->bytes}, {0}};

	fputs("<div class=\"tiles\">\n", to);
	open_tile(to, "");
	emr_html_number(to, p->files);
	fputs("</b><span class=\"what\">", to);
	emr_html_say(to, emr_text_of(p->files, "record, {size}", "records, {size}"), size);
	fputs("</span></div>\n", to);
	open_tile(to, failed > 0 ? "bad" : pending > 0 ? "warn" : "good");
	if (pending + failed == 0)
		fputs(emr_text_as("all records", "All"), to);
	else
		emr_html_number(to, emr_json_number_at(r, "confirmed"));
	close_tile(to, _("signed and on the ledger"));
	open_tile(to, has_copy ? "good" : emr_report_needs_copy(r) ? "warn" : "");
	if (has_copy)
		emr_html_day(to, emr_json_number_at(r, "backup_unix"));
	else
		fputs(emr_text_as("copy", "None yet"), to);
	close_tile(to, _("second copy"));
	open_tile(to, tested[0] != '\0' ? "good" : "warn");
	fputs(tested[0] != '\0' ? emr_text_as("words", "Tested")
				: emr_text_as("words", "Not tested"),
		to);
	close_tile(to, _("the 24 recovery words"));
	fputs("</div>\n", to);
}

/* ---- is it safe ---- */

static void open_check(FILE *to, const char *level, const char *mark)
{
	fprintf(to, "<li><span class=\"mark %s\" aria-hidden=\"true\">%s</span><span>", level,
		mark);
}

#define GOOD "good", "&#10003;"
#define WARN "warn", "!"
#define BAD "bad", "&#10007;"

static void put_copies(FILE *to, const json_t *r)
{
	const emr_html_piece pieces[] = {{.name = "time",
						 .put_number = emr_html_time,
						 .number = emr_json_number_at(r, "backup_unix")},
		{.name = "dir",
			.put_text = emr_html_name,
			.text = emr_json_text_at(r, "backup_dir")},
		{0}};
	emr_problem problem;

	if (emr_json_flag_at(r, "second_copy")) {
		open_check(to, GOOD);
		emr_html_say(to,
			_("Second copy: {time}, in {dir}. What was saved since is only here: "
			  "repeat it with <code>emrfs backup</code>."),
			pieces);
		fputs("</span></li>\n", to);
		return;
	}
	if (!emr_report_needs_copy(r))
		return;
	emr_problem_set(&problem, EMR_SAY_ONE_COPY, NULL);
	open_check(to, WARN);
	emr_html_text(to, problem.text);
	emr_hint_print(to, "<br>To another disk: <code>emrfs backup DIR</code></span></li>\n");
}

static void put_words(FILE *to, const json_t *r)
{
	const char *tested = emr_json_text_at(r, "words_tested_at");
	char day[EMR_TEXT_BYTES];

	if (tested[0] != '\0') {
		open_check(to, GOOD);
		emr_day_text(tested, day);
		fprintf(to, _("Your 24 recovery words were tested on %s."), day);
		fputs("</span></li>\n", to);
		return;
	}
	open_check(to, WARN);
	emr_hint_print(to,
		"Nobody has tested your 24 recovery words on this computer. Are they on paper, and "
		"right? <code>emrfs recover "
		"--test</code></span></li>\n");
}

static void put_unsent(FILE *to, const json_t *r)
{
	uint64_t pending = emr_json_number_at(r, "pending"),
		 failed = emr_json_number_at(r, "failed"),
		 not_whole = emr_json_number_at(r, "not_whole") + emr_json_number_at(r, "coming");

	if (emr_json_number_at(r, "not_safe_files") > 0 ||
		json_is_string(json_object_get(r, "disk_error"))) {
		open_check(to, BAD);
		emr_html_counted(to, emr_json_number_at(r, "not_safe_files"),
			"%s change is not safe on this disk, which is full or answers with errors: "
			"<code>emrfs status</code>",
			"%s changes are not safe on this disk, which is full or answers with "
			"errors: <code>emrfs status</code>");
		fputs("</span></li>\n", to);
		return;
	}
	if (not_whole > 0) {
		open_check(to, BAD);
		emr_html_counted(to, not_whole,
			"%s version is not whole on this computer: <code>emrfs status</code>",
			"%s versions are not whole on this computer: <code>emrfs status</code>");
		fputs("</span></li>\n", to);
		return;
	}
	if (pending + failed == 0) {
		open_check(to, GOOD);
		fputs(_("Everything is safe on this disk, encrypted, signed and on the ledger."),
			to);
		fputs("</span></li>\n", to);
		return;
	}
	open_check(to, failed > 0 ? "bad" : "warn", failed > 0 ? "&#10007;" : "!");
	emr_html_counted(to, pending, "%s change is safe on this disk and on the way to the ledger",
		"%s changes are safe on this disk and on the way to the ledger");
	if (failed > 0) {
		fputs("; ", to);
		emr_html_counted(to, failed, "%s was not taken by it and is kept here.",
			"%s were not taken by it and are kept here.");
		emr_hint_print(to, " Why: <code>emrfs status PATH</code>");
	}
	fputs(".</span></li>\n", to);
}

static void put_safety(FILE *to, const page_facts *p)
{
	const json_t *r = p->report, *errors = json_object_get(r, "errors");
	size_t n = json_array_size(errors);

	fprintf(to, "<section>\n<h2>%s</h2>\n<ul class=\"checks\">\n", _("Is it safe?"));
	if (emr_json_flag_at(r, "read_only")) {
		open_check(to, BAD);
		emr_hint_print(to,
			"The folder is open for reading only: <code>emrfs status</code> says "
			"why.</span></li>\n");
	}
	put_unsent(to, r);
	put_copies(to, r);
	put_words(to, r);
	page_notes_put(to, &p->notes);
	for (size_t i = n > 5 ? n - 5 : 0; i < n; i++) {
		const json_t *error = json_array_get(errors, i);

		open_check(to, WARN);
		emr_html_text(to, emr_json_text_at(error, "message"));
		fputc(' ', to);
		emr_html_text(to, emr_json_text_at(error, "hint"));
		fputs("</span></li>\n", to);
	}
	fputs("</ul>\n</section>\n", to);
}

/* ---- what is here ---- */

static void put_bar(FILE *to, uint64_t part, uint64_t whole)
{
	double width = whole > 0 ? 100.0 * (double)part / (double)whole : 0;

	fprintf(to,
		"<tr class=\"bar\" aria-hidden=\"true\"><td colspan=\"3\"><svg viewBox=\"0 0 100 "
		"8\" preserveAspectRatio=\"none\">"
		"<rect class=\"rest\" width=\"100\" height=\"8\"/><rect width=\"%.2f\" "
		"height=\"8\"/></svg></td></tr>\n",
		width < 0.4 && part > 0 ? 0.4 : width);
}

static void put_sum(FILE *to, const page_sum *sum, uint64_t whole)
{
	fputs("<tr><th scope=\"row\">", to);
	emr_html_name(to, sum->name);
	fputs("</th><td>", to);
	emr_html_count(to, sum->files, "file", "files");
	fputs("</td><td>", to);
	emr_html_size(to, sum->bytes);
	fputs("</td></tr>\n", to);
	put_bar(to, sum->bytes, whole);
}

static void put_sums(FILE *to, const char *title, const page_sums *sums, uint64_t whole)
{
	EMR_AUTO_FREE char *others = strdup(_("others"));
	page_sum rest = {.name = others};

	fprintf(to, "<div><h3>%s</h3>\n<table class=\"sums\">\n", title);
	for (size_t i = 0; i < sums->n; i++) {
		if (i < SUMS_MAX) {
			put_sum(to, &sums->all[i], whole);
			continue;
		}
		rest.files += sums->all[i].files;
		rest.bytes += sums->all[i].bytes;
	}
	if (rest.files > 0 && others != NULL)
		put_sum(to, &rest, whole);
	fputs("</table></div>\n", to);
}

static void put_content(FILE *to, const page_facts *p)
{
	fprintf(to, "<section>\n<h2>%s</h2>\n", _("What is here"));
	if (p->files == 0) {
		fprintf(to, "<p>%s</p>\n</section>\n",
			_("Nothing yet. Copy what hospitals gave you into the folder."));
		return;
	}
	fputs("<div class=\"three\">\n", to);
	put_sums(to, _("By kind"), &p->kinds, p->bytes);
	put_sums(to, _("By folder"), &p->folders, p->bytes);
	put_sums(to, _("By year of the examination or letter"), &p->years, p->bytes);
	fputs("</div>\n</section>\n", to);
	if (p->n_points < 3) /* nothing has grown yet */
		return;
	fprintf(to, "<section>\n<h2>%s</h2>\n<div class=\"two\">\n", _("How it grew"));
	page_chart(to, p, false);
	page_chart(to, p, true);
	fputs("</div>\n</section>\n", to);
}

/* ---- the records ---- */

static void put_link(FILE *to, const char *path, const char *label)
{
	fputs("<a href=\"../", to);
	emr_html_href(to, path);
	fputs("\">", to);
	emr_html_name(to, label);
	fputs("</a>", to);
}

static void put_record(FILE *to, const page_record *r)
{
	fputs("<li><span class=\"when\">", to);
	emr_html_date(to, r->date);
	fputs("</span><span>", to);
	put_link(to, r->files > 1 ? r->directory : r->path, r->label);
	fputs("</span><span class=\"more\">", to);
	if (r->organisation[0] != '\0') {
		emr_html_name(to, r->organisation);
		fputs(" &#183; ", to);
	}
	if (r->files > 1) {
		const emr_html_piece pieces[] = {
			{.name = "folder", .put_text = emr_html_name, .text = r->directory}, {0}};

		emr_html_count(to, r->files, "file", "files");
		emr_html_say(to,
			r->directory[0] != '\0' ? _(" in {folder}")
						: _(" in the top of the folder"),
			pieces);
	} else {
		emr_html_name(to, r->path);
	}
	fputs(" &#183; ", to);
	emr_html_size(to, r->bytes);
	fputs("</span></li>\n", to);
}

static void put_records(FILE *to, const page_facts *p)
{
	size_t shown = p->n_records < LINES_MAX ? p->n_records : LINES_MAX;
	const char *year = "";

	if (shown == 0)
		return;
	fprintf(to, "<section>\n<h2>%s</h2>\n", _("Records"));
	for (size_t i = 0; i < shown; i++) {
		const page_record *r = &p->records[i];

		if (strncmp(year, r->date, 4) != 0 || i == 0) {
			fputs(i > 0 ? "</ul></details>\n" : "", to);
			fprintf(to, "<details%s><summary>%.4s</summary><ul class=\"rows\">\n",
				i == 0 ? " open" : "", r->date);
			year = r->date;
		}
		put_record(to, r);
	}
	fputs("</ul></details>\n<p class=\"soft\">", to);
	if (shown < p->n_records || p->uncounted > 0)
		fputs(_("These are the newest. "), to);
	fputs(_("Every file with its facts: <a href=\"index.csv\">index.csv</a>. Dates are those "
		"of "
		"the examination where the file tells it, else the file's own."),
		to);
	fputs("</p>\n</section>\n", to);
}

/* ---- versions ---- */

static void put_versions(FILE *to, const page_facts *p)
{
	fprintf(to, "<section>\n<h2>%s</h2>\n<p>", _("Versions"));
	emr_html_counted(to, p->versions, "%s saved version of ", "%s saved versions of ");
	emr_html_counted(to, p->files, "%s record; every one of them can come back.",
		"%s records; every one of them can come back.");
	fputs("</p>\n", to);
	if (p->n_revised > 0)
		fputs("<ul class=\"rows\">\n", to);
	for (size_t i = 0; i < p->n_revised; i++) {
		fputs("<li><span class=\"when\">", to);
		emr_html_count(to, p->revised[i].versions, "version", "versions");
		fputs("</span><span>", to);
		put_link(to, p->revised[i].path, p->revised[i].path);
		fputs("</span><span class=\"more\">", to);
		emr_html_say(to, _("last saved {time}"),
			(emr_html_piece[]){{.name = "time",
						   .put_number = emr_html_time,
						   .number = p->revised[i].changed_unix_s},
				{0}});
		fputs("</span></li>\n", to);
	}
	if (p->n_revised > 0)
		fputs("</ul>\n", to);
	emr_hint_print(to, "<p class=\"soft\">Earlier versions: <code>emrfs restore --list "
			   "PATH</code>, or the "
			   "folder as it was on a day: "
			   "<code>.emrfs/at</code>.</p>\n</section>\n");
}

emr_status emr_page_html(emr_session *session, emr_notices *notices, emr_buf *out)
{
	AUTO_PAGE_FACTS p = {0};
	EMR_AUTO_FREE char *text = NULL;
	size_t size = 0;
	FILE *to;
	emr_status status;

	EMR_TRY(page_facts_gather(session, notices, &p));
	to = open_memstream(&text, &size);
	if (to == NULL)
		return EMR_NO_MEMORY;
	put_head(to, &p);
	put_tiles(to, &p);
	put_safety(to, &p);
	page_people(to, &p);
	put_content(to, &p);
	put_records(to, &p);
	put_versions(to, &p);
	status = page_log(to, &p);
	fputs("</main>\n</body>\n</html>\n", to);
	if (fclose(to) != 0)
		return EMR_NO_MEMORY;
	return status == EMR_OK ? emr_buf_append(out, text, size) : status;
}
