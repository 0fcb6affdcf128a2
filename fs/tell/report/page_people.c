/* This file writes the part of the report page about who can see what, until when, and who
 * opened what. */
#include "page_parts.h"

#include <stdlib.h>
#include <string.h>

#include "kit/json.h"
#include "kit/language.h"
#include "kit/text.h"
#include "report/html.h"
#include "kit/purposes.h"
#include "share/write.h"
#include "sharing/opening.h"

#define DAY_S UINT64_C(86400)
#define STRIP_DAYS 90
#define SHARES_MAX 40
#define PEOPLE_MAX 30
#define LATEST_MAX 12

void page_who(FILE *to, const emr_who *who)
{
	const emr_html_piece pieces[] = {
		{.name = "name",
			.put_text = emr_html_name,
			.text = who->name[0] != '\0' ? who->name : who->called},
		{0}};
	const emr_html_piece says[] = {
		{.name = "name", .put_text = emr_html_name, .text = who->says}, {0}};

	emr_html_say(to,
		who->kind == EMR_WHO_TEAM	    ? _("the team {name}")
		: who->kind == EMR_WHO_ORGANISATION ? _("everybody of {name}")
						    : "{name}",
		pieces);
	if (who->organisation[0] != '\0') {
		fputs(", ", to);
		emr_html_name(to, who->organisation);
	}
	if (who->says[0] != '\0')
		emr_html_say(to, _(" (own word: {name})"), says);
}

void page_who_piece(FILE *to, const void *who)
{
	page_who(to, who);
}

/* ---- who can see what ---- */

static void put_left(FILE *to, const page_facts *p, uint64_t until)
{
	uint64_t left = until > p->now_unix_s ? until - p->now_unix_s : 0;
	uint64_t days = (left + DAY_S / 2) / DAY_S;
	const emr_html_piece pieces[] = {
		{.name = "time", .put_number = emr_html_time, .number = until}, {0}};

	if (until >= EMR_FOREVER_UNIX_S) {
		fprintf(to, "<span class=\"warn\">%s</span>", _("for ever"));
		return;
	}
	fprintf(to, "%s", left <= 3 * DAY_S ? "<span class=\"warn\">" : "<span>");
	if (days > 1)
		emr_html_counted(to, days, "%s day left", "%s days left");
	else
		fputs(_("less than two days left"), to);
	fputs("</span>, ", to);
	emr_html_say(to, _("until {time}"), pieces);
}

/* How much of its time is over, as a bar. */
static void put_bar(FILE *to, const page_facts *p, const emr_share_row *row)
{
	uint64_t span =
		row->until_unix_s > row->since_unix_s ? row->until_unix_s - row->since_unix_s : 1;
	uint64_t over = p->now_unix_s > row->since_unix_s ? p->now_unix_s - row->since_unix_s : 0;
	unsigned percent = over >= span ? 100 : (unsigned)(over * 100 / span);

	if (row->until_unix_s >= EMR_FOREVER_UNIX_S || row->state != EMR_SHARE_CONFIRMED)
		return;
	fprintf(to,
		"<div class=\"bar\"><svg viewBox=\"0 0 100 4\" preserveAspectRatio=\"none\" "
		"aria-hidden=\"true\"><rect class=\"rest\" "
		"width=\"100\" height=\"4\"/><rect x=\"%u\" width=\"%u\" "
		"height=\"4\"/></svg></div>",
		percent, 100 - percent);
}

/* Each whom the steward of a dataset let in, also who reads it no more. */
static void put_readers(FILE *to, const page_facts *p, const emr_share_row *row)
{
	const char *colon = strchr(row->who.called, ':');

	for (size_t i = 0; colon != NULL && i < json_array_size(p->datasets); i++) {
		const json_t *one = json_array_get(p->datasets, i);

		for (int former = 0;
			former < 2 && strcmp(emr_json_text_at(one, "called"), colon + 1) == 0;
			former++) {
			const json_t *list = json_object_get(one, former ? "former" : "readers");

			for (size_t j = 0; j < json_array_size(list); j++) {
				const json_t *reader = json_array_get(list, j);

				fputs("<br><span class=\"soft\">", to);
				emr_html_name(to, emr_json_text_at(reader, "name"));
				fputs(", ", to);
				emr_html_name(to, emr_json_text_at(reader, "organisation"));
				fprintf(to, " (%s) %s ", emr_json_text_at(reader, "code"),
					former ? _("read it, since") : _("reads it, since"));
				emr_html_text(to, emr_json_text_at(reader, "since"));
				fputs("</span>", to);
			}
		}
	}
}

static void put_share(FILE *to, const page_facts *p, const emr_share_row *row)
{
	char purposes[EMR_PURPOSES_TEXT_BYTES], words[2 * EMR_PURPOSES_TEXT_BYTES], state[200],
		opening[EMR_OPENING_TEXT_BYTES];

	emr_share_state_text(row, state, sizeof state);
	emr_opening_text(row->why_not, state, row->who.called, opening);
	emr_purposes_text(row->purposes, purposes);
	emr_text_words(purposes, words, sizeof words);
	fputs("<li><span>", to);
	emr_html_name(to, row->path);
	fputs("</span><span>", to);
	page_who(to, &row->who);
	fprintf(to, ", %s%s, ",
		(row->rights & EMR_RIGHTS_WRITE) == EMR_RIGHTS_WRITE ? _("<b>may change it</b>, ")
		: row->rights == EMR_RIGHTS_DEPOSIT ? _("may leave files there and sees nothing, ")
						    : "",
		words);
	put_left(to, p, row->until_unix_s);
	fprintf(to, ".<br><span class=\"%s\">",
		emr_opening_is_plain(row->why_not, state) ? "soft"
		: row->state == EMR_SHARE_FAILED	  ? "bad"
							  : "warn");
	emr_html_text(to, opening);
	fputs("</span>", to);
	if (row->who.is_dataset)
		put_readers(to, p, row);
	put_bar(to, p, row);
	fputs("</span></li>\n", to);
}

static void put_shares(FILE *to, const page_facts *p)
{
	const emr_share_rows *rows = &p->shares;

	fprintf(to, "<section>\n<h2>%s</h2>\n", _("Who can see what"));
	if (rows->n == 0)
		fprintf(to, "<p>%s</p>\n", _("Nobody but you."));
	else
		fputs("<ul class=\"rows\">\n", to);
	for (size_t i = 0; i < rows->n && i < SHARES_MAX; i++)
		put_share(to, p, &rows->list[i]);
	if (rows->n > 0)
		fputs("</ul>\n", to);
	if (rows->n > SHARES_MAX)
		emr_hint_print(to,
			"<p class=\"soft\">And %zu more: <code>emrfs share</code>.</p>\n",
			rows->n - SHARES_MAX);
	if (p->waiting > 0) {
		fputs("<p><span class=\"warn\">", to);
		emr_html_counted(to, p->waiting, "%s request for access waits for you",
			"%s requests for access wait for you");
		emr_hint_print(to, "</span>: <code>emrfs request</code>.</p>\n");
	}
	fputs("</section>\n", to);
}

/* ---- who opened what ---- */

/* One person's openings, in his own name or in that of one team. */
typedef struct tally {
	size_t who, team;
	uint64_t opens, keys, last;
	bool has_names, is_refused;
	bool days[STRIP_DAYS]; /* 0 is the oldest */
} tally;

static tally *tally_of(tally *all, size_t *n, const emr_opening *o)
{
	for (size_t i = 0; i < *n; i++) {
		if (all[i].who == o->who && all[i].team == o->team)
			return &all[i];
	}
	if (*n == PEOPLE_MAX)
		return NULL;
	all[*n] = (tally){.who = o->who, .team = o->team};
	return &all[(*n)++];
}

static bool is_opened(const emr_opening *o)
{
	return o->kind == EMR_AUDIT_OPENED && !o->report.refused;
}

static void count(tally *t, const page_facts *p, const emr_opening *o)
{
	uint64_t ago = p->now_unix_s > o->at ? (p->now_unix_s - o->at) / DAY_S : 0;

	t->last = o->at > t->last ? o->at : t->last;
	if (is_opened(o)) {
		t->opens += o->report.opens;
		if (ago < STRIP_DAYS)
			t->days[STRIP_DAYS - 1 - ago] = true;
	} else if (o->kind == EMR_AUDIT_OPENED) {
		t->is_refused = true;
	} else if (o->kind == EMR_AUDIT_RELEASED) {
		t->keys += !o->is_names;
		t->has_names |= o->is_names;
	}
}

static void put_strip(FILE *to, const tally *t)
{
	fprintf(to,
		"<div class=\"bar\"><svg viewBox=\"0 0 %d 8\" preserveAspectRatio=\"none\" "
		"role=\"img\" aria-label=\"",
		STRIP_DAYS);
	fprintf(to, _("days with openings in the last %d days"), STRIP_DAYS);
	fprintf(to, "\"><rect class=\"rest\" y=\"3\" width=\"%d\" height=\"2\"/>", STRIP_DAYS);
	for (int i = 0; i < STRIP_DAYS; i++) {
		if (t->days[i])
			fprintf(to, "<rect x=\"%d\" width=\"1\" height=\"8\"/>", i);
	}
	fputs("</svg></div>", to);
}

/* Writes the reader, and the team in whose name it was. */
static void put_reader(FILE *to, const page_facts *p, size_t who, size_t team)
{
	page_who(to, &p->deeds.openings.people[who]);
	if (team == EMR_NO_TEAM)
		return;
	emr_html_say(to, _(", for {team}"),
		(emr_html_piece[]){{.name = "team",
					   .put_text = emr_html_name,
					   .text = p->deeds.openings.people[team].called},
			{0}});
}

/* Writes the counts that are not nought. */
static void put_tally(FILE *to, const tally *t)
{
	const char *before = "";

	if (t->opens > 0) {
		emr_html_counted(to, t->opens, "opened %s time", "opened %s times");
		before = ", ";
	}
	if (t->keys > 0) {
		fputs(before, to);
		emr_html_counted(
			to, t->keys, "got the keys of %s record", "got the keys of %s records");
	}
	if (t->has_names && t->opens == 0 && t->keys == 0)
		fputs(_("saw the names and opened nothing"), to);
	else if (t->opens == 0 && t->keys == 0)
		fputs(t->is_refused ? _("was refused") : _("asked and got nothing"), to);
	else if (t->opens == 0)
		fputs(_(", no opening reported"), to);
}

static void put_person(FILE *to, const page_facts *p, const tally *t)
{
	fputs("<li><span>", to);
	put_reader(to, p, t->who, t->team);
	fputs("</span><span>", to);
	put_tally(to, t);
	emr_html_say(to, _(", last {time}"),
		(emr_html_piece[]){
			{.name = "time", .put_number = emr_html_time, .number = t->last}, {0}});
	put_strip(to, t);
	fputs("</span></li>\n", to);
}

static void put_latest(FILE *to, const page_facts *p)
{
	const emr_openings *o = &p->deeds.openings;
	size_t shown = 0;

	for (size_t i = o->n; i > 0 && shown < LATEST_MAX; i--) {
		const emr_opening *one = &o->list[i - 1];

		if (!is_opened(one))
			continue;
		if (shown++ == 0)
			fprintf(to, "<h3>%s</h3>\n<ul class=\"rows\">\n", _("Lately"));
		fputs("<li><span class=\"when\">", to);
		emr_html_day(to, one->at);
		fputs("</span><span>", to);
		put_reader(to, p, one->who, one->team);
		fputs(_(" opened "), to);
		if (one->path != NULL)
			emr_html_name(to, one->path);
		else
			fputs(_("a record that was erased"), to);
		if (one->cver > 0)
			fprintf(to, " <span class=\"soft\">v%llu%s</span>",
				(unsigned long long)one->cver,
				one->report.whole ? _(", whole") : "");
		fputs("</span></li>\n", to);
	}
	if (shown > 0)
		fputs("</ul>\n", to);
}

static void put_openings(FILE *to, const page_facts *p)
{
	const emr_openings *o = &p->deeds.openings;
	tally *all = calloc(PEOPLE_MAX, sizeof *all);
	size_t n = 0;

	if (all == NULL || o->n == 0) {
		free(all);
		return;
	}
	for (size_t i = o->n; i > 0; i--) { /* whoever came last comes first */
		tally *t = tally_of(all, &n, &o->list[i - 1]);

		if (t != NULL)
			count(t, p, &o->list[i - 1]);
	}
	fprintf(to, "<section>\n<h2>%s</h2>\n<p class=\"soft\">%s</p>\n<ul class=\"rows\">\n",
		_("Who opened what"),
		_("Keys: proven, on the ledger before they were given. Openings: told by the "
		  "readers' own computers. The strip is the last 90 days, today at its end."));
	for (size_t i = 0; i < n; i++)
		put_person(to, p, &all[i]);
	fputs("</ul>\n", to);
	put_latest(to, p);
	fputs("</section>\n", to);
	free(all);
}

void page_people(FILE *to, const page_facts *facts)
{
	put_shares(to, facts);
	put_openings(to, facts);
}
