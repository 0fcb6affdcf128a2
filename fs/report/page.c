/* This file writes the report page `.emrfs/report.html`: what is here, whether it is safe, who
 * can see it, and what happened. The page needs nothing from the Internet. */
#include "report/page.h"

#include <stdlib.h>
#include <string.h>

#include "kit/message.h"
#include "kit/text.h"
#include "report/html.h"
#include "report/report.h"
#include "view/when.h"

#include "page_chart.h"
#include "page_facts.h"
#include "page_log.h"
#include "page_people.h"

#define SUMS_MAX 10
#define LINES_MAX 400

static const char *text_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text != NULL ? text : "";
}

static uint64_t number_of(const json_t *object, const char *name)
{
	json_int_t number = json_integer_value(json_object_get(object, name));

	return number > 0 ? (uint64_t)number : 0;
}

static bool flag_of(const json_t *object, const char *name)
{
	return json_is_true(json_object_get(object, name));
}

/* ---- head ---- */

static void put_owner(FILE *to, const json_t *report)
{
	if (text_of(report, "owner")[0] != '\0') {
		fputs("Health of ", to);
		emr_html_text(to, text_of(report, "owner"));
	} else {
		fputs("Health folder ", to);
		emr_html_text(to, text_of(report, "code"));
	}
}

static void put_head(FILE *to, const page_facts *p)
{
	fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
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
	fputs("</h1>\n<p class=\"soft\">As of ", to);
	emr_html_time(to, p->now_unix_s);
	fputs(". Made on your own computer; this page asks no network for "
	      "anything.</p>\n</header>\n",
		to);
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
	uint64_t pending = number_of(r, "pending"), failed = number_of(r, "failed");
	bool has_copy = flag_of(r, "second_copy");
	const char *tested = text_of(r, "words_tested_at");

	fputs("<div class=\"tiles\">\n", to);
	open_tile(to, "");
	emr_html_number(to, p->files);
	fputs("</b><span class=\"what\">", to);
	fprintf(to, "record%s, ", p->files == 1 ? "" : "s");
	emr_html_size(to, p->bytes);
	fputs("</span></div>\n", to);
	open_tile(to, failed > 0 ? "bad" : pending > 0 ? "warn" : "good");
	if (pending + failed == 0)
		fputs("All", to);
	else
		emr_html_number(to, number_of(r, "confirmed"));
	close_tile(to, "signed and on the ledger");
	open_tile(to, has_copy ? "good" : emr_report_needs_copy(r) ? "warn" : "");
	if (has_copy)
		emr_html_day(to, number_of(r, "backup_unix"));
	else
		fputs("None yet", to);
	close_tile(to, "second copy");
	open_tile(to, tested[0] != '\0' ? "good" : "warn");
	fputs(tested[0] != '\0' ? "Tested" : "Not tested", to);
	close_tile(to, "the 24 recovery words");
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
	emr_problem problem;

	if (flag_of(r, "second_copy")) {
		open_check(to, GOOD);
		fputs("Second copy: ", to);
		emr_html_time(to, number_of(r, "backup_unix"));
		fputs(", in ", to);
		emr_html_name(to, text_of(r, "backup_dir"));
		fputs(". What was saved since is only here: repeat it with <code>emrfs "
		      "backup</code>.</span></li>\n",
			to);
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
	const char *tested = text_of(r, "words_tested_at");
	char day[EMR_TEXT_BYTES];

	if (tested[0] != '\0') {
		open_check(to, GOOD);
		emr_day_text(tested, day);
		fprintf(to, "Your 24 recovery words were tested on %s.</span></li>\n", day);
		return;
	}
	open_check(to, WARN);
	emr_hint_print(to,
		"Nobody has tested your 24 recovery words on this computer. Are they on paper, and "
		"right? <code>emrfs recover "
		"--test</code></span></li>\n");
}

static void put_ledger(FILE *to, const json_t *r)
{
	const json_t *ledger = json_object_get(r, "ledger");
	uint64_t witnessed = number_of(ledger, "witnessed");

	open_check(to, witnessed > 0 ? "good" : "soft", witnessed > 0 ? "&#10003;" : "i");
	fputs("The ledger has ", to);
	emr_html_count(to, number_of(ledger, "size"), "entry", "entries");
	if (witnessed > 0)
		fprintf(to, ", witnessed by %llu.</span></li>\n", (unsigned long long)witnessed);
	else
		fputs("; it is on this computer and nobody else keeps a signed copy of its "
		      "head.</span></li>\n",
			to);
}

static void put_unsent(FILE *to, const json_t *r)
{
	uint64_t pending = number_of(r, "pending"), failed = number_of(r, "failed");

	if (number_of(r, "not_safe_files") > 0 ||
		json_is_string(json_object_get(r, "disk_error"))) {
		open_check(to, BAD);
		emr_html_count(to, number_of(r, "not_safe_files"), "change is", "changes are");
		fputs(" not safe on this disk, which is full or answers with errors: <code>emrfs "
		      "status</code></span></li>\n",
			to);
		return;
	}
	if (pending + failed == 0) {
		open_check(to, GOOD);
		fputs("Everything is safe on this disk, encrypted, signed and on the "
		      "ledger.</span></li>\n",
			to);
		return;
	}
	open_check(to, failed > 0 ? "bad" : "warn", failed > 0 ? "&#10007;" : "!");
	emr_html_count(to, pending, "change is", "changes are");
	fputs(" safe on this disk and on the way to the ledger", to);
	if (failed > 0) {
		fputs("; ", to);
		emr_html_count(to, failed, "was", "were");
		emr_hint_print(to,
			" not taken by it and is kept here. Why: <code>emrfs status PATH</code>");
	}
	fputs(".</span></li>\n", to);
}

static void put_safety(FILE *to, const page_facts *p)
{
	const json_t *r = p->report, *errors = json_object_get(r, "errors");
	size_t n = json_array_size(errors);

	fputs("<section>\n<h2>Is it safe?</h2>\n<ul class=\"checks\">\n", to);
	if (flag_of(r, "read_only")) {
		open_check(to, BAD);
		emr_hint_print(to,
			"The folder is open for reading only: <code>emrfs status</code> says "
			"why.</span></li>\n");
	}
	put_unsent(to, r);
	put_copies(to, r);
	put_words(to, r);
	put_ledger(to, r);
	page_notes_put(to, &p->notes);
	for (size_t i = n > 5 ? n - 5 : 0; i < n; i++) {
		const json_t *error = json_array_get(errors, i);

		open_check(to, WARN);
		emr_html_text(to, text_of(error, "message"));
		fputc(' ', to);
		emr_html_text(to, text_of(error, "hint"));
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
	char others[] = "others";
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
	if (rest.files > 0)
		put_sum(to, &rest, whole);
	fputs("</table></div>\n", to);
}

static void put_content(FILE *to, const page_facts *p)
{
	fputs("<section>\n<h2>What is here</h2>\n", to);
	if (p->files == 0) {
		fputs("<p>Nothing yet. Copy what hospitals gave you into the "
		      "folder.</p>\n</section>\n",
			to);
		return;
	}
	fputs("<div class=\"three\">\n", to);
	put_sums(to, "By kind", &p->kinds, p->bytes);
	put_sums(to, "By folder", &p->folders, p->bytes);
	put_sums(to, "By year of the examination or letter", &p->years, p->bytes);
	fputs("</div>\n</section>\n", to);
	if (p->n_points < 3) /* nothing has grown yet */
		return;
	fputs("<section>\n<h2>How it grew</h2>\n<div class=\"two\">\n", to);
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
		emr_html_count(to, r->files, "file", "files");
		fputs(" in ", to);
		emr_html_name(to, r->directory[0] != '\0' ? r->directory : "the top of the folder");
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
	fputs("<section>\n<h2>Records</h2>\n", to);
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
		fputs("These are the newest. ", to);
	fputs("Every file with its facts: <a href=\"index.csv\">index.csv</a>. Dates are those of "
	      "the examination where the file "
	      "tells it, else the file's own.</p>\n</section>\n",
		to);
}

/* ---- versions ---- */

static void put_versions(FILE *to, const page_facts *p)
{
	fputs("<section>\n<h2>Versions</h2>\n<p>", to);
	emr_html_count(to, p->versions, "saved version", "saved versions");
	fputs(" of ", to);
	emr_html_count(to, p->files, "record", "records");
	fputs("; every one of them can come back.</p>\n", to);
	if (p->n_revised > 0)
		fputs("<ul class=\"rows\">\n", to);
	for (size_t i = 0; i < p->n_revised; i++) {
		fputs("<li><span class=\"when\">", to);
		emr_html_count(to, p->revised[i].versions, "version", "versions");
		fputs("</span><span>", to);
		put_link(to, p->revised[i].path, p->revised[i].path);
		fputs("</span><span class=\"more\">last saved ", to);
		emr_html_time(to, p->revised[i].changed_unix_s);
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
	emr_status status = page_facts_gather(session, notices, &p);

	if (status != EMR_OK)
		return status;
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
