/* This file writes the part of the report page about what happened, the newest first, with alike
 * events as one line. */
#include "page_parts.h"

#include <stdlib.h>
#include <string.h>

#include "kit/language.h"
#include "kit/text.h"
#include "report/html.h"
#include "base/day.h"

#define LOG_MAX 40

/* Where PATH's name begins. */
static size_t directory_len(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? (size_t)(slash - path) : 0;
}

static bool is_plain(const emr_event *e)
{
	return e->type == EMR_META_FILE && e->path != NULL && e->from == NULL;
}

/* The same was done within the same minute to files of the same directory. */
static bool goes_with(const emr_event *a, const emr_event *b)
{
	size_t len;

	if (!is_plain(a) || !is_plain(b) || a->deed != b->deed ||
		a->time_unix_s / 60 != b->time_unix_s / 60 ||
		!emr_id32_equal(a->signer_id, b->signer_id))
		return false;
	len = directory_len(a->path);
	return len == directory_len(b->path) && strncmp(a->path, b->path, len) == 0;
}

static void put_group(FILE *to, const emr_event *e, size_t n)
{
	char directory[4200];

	fprintf(to, "%s ", emr_text_word(emr_deed_text((emr_deed)e->deed)));
	emr_html_count(to, n, "file", "files");
	snprintf(directory, sizeof directory, "%.*s", (int)directory_len(e->path), e->path);
	if (directory[0] != '\0')
		emr_html_say(to, _(" in {folder}"),
			(emr_html_piece[]){
				{.name = "folder", .put_text = emr_html_name, .text = directory},
				{0}});
}

static void put_one(FILE *to, const emr_event *e)
{
	fprintf(to, "%s %s", emr_text_word(emr_deed_text((emr_deed)e->deed)),
		e->type == EMR_META_DIR ? _("folder ") : "");
	if (e->from != NULL) {
		emr_html_name(to, e->from);
		fputs(" &#8594; ", to);
	}
	if (e->path != NULL)
		emr_html_name(to, e->path);
	else
		fputs(_("a record that was erased"), to);
	if (e->type == EMR_META_FILE && e->path != NULL && e->deed != EMR_DEED_DELETED)
		fprintf(to, " <span class=\"soft\">v%llu</span>", (unsigned long long)e->cver);
}

static void put_event_at(FILE *to, uint64_t time_unix_s)
{
	char time[EMR_TEXT_BYTES];
	const char *space;

	emr_time_text((int64_t)time_unix_s, time);
	space = strrchr(time, ' ');
	fprintf(to, "<li><span class=\"when\">%s</span><span>", space != NULL ? space + 1 : time);
}

static void put_event(FILE *to, const emr_deeds *d, const emr_event *e, size_t n)
{
	const emr_author *author = emr_deeds_author(d, e);

	put_event_at(to, e->time_unix_s);
	if (author != NULL) {
		page_who(to, &author->who);
		fputc(' ', to);
	}
	if (n > 1)
		put_group(to, e, n);
	else
		put_one(to, e);
	fputs("</span></li>\n", to);
}

static void put_answer(FILE *to, const emr_deeds *d, const emr_dealing *one)
{
	bool is_yes = one->said.kind == EMR_DEALING_APPROVED;
	const emr_html_piece pieces[] = {
		{.name = "who", .put = page_who_piece, .what = &d->openings.people[one->who]},
		{.name = "what", .put_text = emr_html_name, .text = one->path}, {0}};

	if (one->path == NULL)
		emr_html_say(to,
			is_yes ? _("said yes to a request of {who}")
			       : _("said no to a request of {who}"),
			pieces);
	else /* no: in his words */
		emr_html_say(to,
			is_yes ? _("said yes to a request of {who}, for {what}")
			       : _("said no to a request of {who}, for &#8220;{what}&#8221;"),
			pieces);
}

/* A path, or that it has none any more. */
static void put_path_piece(FILE *to, const char *path)
{
	if (path != NULL)
		emr_html_name(to, path);
	else
		fputs(_("a record that was erased"), to);
}

/* "shared Imaging with Paula Lima, São Lucas, until 20 Dec 2026 14:05" */
static void put_share(FILE *to, const emr_deeds *d, const emr_dealing *one)
{
	bool has_end = one->said.until_unix_s < EMR_FOREVER_UNIX_S;
	const emr_html_piece pieces[] = {
		{.name = "what", .put_text = put_path_piece, .text = one->path},
		{.name = "who", .put = page_who_piece, .what = &d->openings.people[one->who]},
		{.name = "time", .put_number = emr_html_time, .number = one->said.until_unix_s},
		{0}};

	if (one->said.goes_on)
		emr_html_say(to, _("ended an earlier share of {what} with {who}; another goes on"),
			pieces);
	else if (one->said.kind == EMR_DEALING_EXPIRED)
		emr_html_say(
			to, _("the share of {what} with {who} ended (its time was over)"), pieces);
	else if (one->said.kind == EMR_DEALING_ENDED)
		emr_html_say(to, _("ended the share of {what} with {who}"), pieces);
	else
		emr_html_say(to,
			has_end ? _("shared {what} with {who}, until {time}")
				: _("shared {what} with {who}"),
			pieces);
}

static void put_owner_piece(FILE *to, const void *what)
{
	const emr_who *owner = what;

	if (owner->called[0] != '\0')
		page_who(to, owner);
	else
		fputs(_("somebody whose card is not here"), to);
}

static void put_left_path(FILE *to, const char *path)
{
	if (path != NULL)
		emr_html_name(to, path);
	else
		fputs(_("a file (its name cannot be read)"), to);
}

static void put_left(FILE *to, const emr_deeds *d, const emr_dealing *one)
{
	const emr_html_piece pieces[] = {
		{.name = "what", .put_text = put_left_path, .text = one->path},
		{.name = "folder", .put_text = emr_html_name, .text = one->into},
		{.name = "who", .put = put_owner_piece, .what = &d->openings.people[one->who]},
		{0}};

	emr_html_say(to,
		strcmp(one->into, "Inbox") == 0 ? _("left {what} in the {folder} of {who}")
						: _("left {what} in {folder} of {who}"),
		pieces);
}

static void put_dealing(FILE *to, const emr_deeds *d, const emr_dealing *one)
{
	put_event_at(to, one->said.at);
	if (one->said.kind == EMR_DEALING_APPROVED || one->said.kind == EMR_DEALING_DENIED)
		put_answer(to, d, one);
	else if (one->said.kind == EMR_DEALING_LEFT)
		put_left(to, d, one);
	else
		put_share(to, d, one);
	fputs("</span></li>\n", to);
}

/* ---- the newest first ---- */

static void put_day(FILE *to, uint64_t time_unix_s, char before[EMR_DAY_BYTES])
{
	char today[EMR_DAY_BYTES];

	emr_day_of(time_unix_s, today);
	if (strcmp(today, before) == 0)
		return;
	fputs(before[0] != '\0' ? "</ul>\n<h3>" : "<h3>", to);
	emr_html_day(to, time_unix_s);
	fputs("</h3>\n<ul class=\"rows log\">\n", to);
	memcpy(before, today, sizeof today);
}

/* NULL: all are told. */
static const emr_dealing *newest(const emr_deeds *d, bool *is_told)
{
	const emr_dealing *found = NULL;

	for (size_t i = 0; i < d->openings.n_dealings; i++) {
		const emr_dealing *one = &d->openings.dealings[i];

		if (!is_told[i] && (found == NULL || one->said.at >= found->said.at))
			found = one;
	}
	return found;
}

static void put_log(FILE *to, const emr_deeds *d, bool *is_told)
{
	char before[EMR_DAY_BYTES] = "";
	size_t i = d->n, n = 1, shown = 0;

	for (; shown < LOG_MAX; shown++) {
		const emr_dealing *dealing = newest(d, is_told);
		const emr_event *e;

		while (i > 0 && d->events[i - 1].deed == EMR_DEED_CHANGED)
			i--;
		e = i > 0 ? &d->events[i - 1] : NULL;
		if (e == NULL && dealing == NULL)
			break;
		if (dealing != NULL && (e == NULL || dealing->said.at >= e->time_unix_s)) {
			put_day(to, dealing->said.at, before);
			put_dealing(to, d, dealing);
			is_told[dealing - d->openings.dealings] = true;
			continue;
		}
		for (n = 1; n < i && goes_with(e, &d->events[i - 1 - n]);)
			n++;
		put_day(to, e->time_unix_s, before);
		put_event(to, d, e, n);
		i -= n;
	}
	if (shown > 0)
		fputs("</ul>\n", to);
	else
		fprintf(to, "<p>%s</p>\n", _("Nothing yet."));
}

emr_status page_log(FILE *to, const page_facts *p)
{
	EMR_AUTO_FREE bool *is_told = calloc(p->deeds.openings.n_dealings + 1, sizeof *is_told);

	if (is_told == NULL)
		return EMR_NO_MEMORY;
	fprintf(to, "<section>\n<h2>%s</h2>\n", _("What happened lately"));
	put_log(to, &p->deeds, is_told);
	emr_hint_print(to, "<p class=\"soft\">All of it, with the ledger's entries: <code>emrfs "
			   "log</code>, or "
			   "<a href=\"log\">.emrfs/log</a>."
			   "</p>\n</section>\n");
	return EMR_OK;
}
