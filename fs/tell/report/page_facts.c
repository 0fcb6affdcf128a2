/* This file gathers what the report page shows: sums by kind and year, groups of alike records,
 * growth, shares and versions. */
#include "page_facts.h"

#include <stdlib.h>
#include <string.h>

#include "base/day.h"
#include "base/array.h"
#include "base/clock.h"
#include "kit/language.h"
#include "report/report.h"
#include "org/datasets.h"
#include "special_private.h"
#include "view/walk.h"

/* ---- sums ---- */

static void free_sums(page_sums *sums)
{
	for (size_t i = 0; i < sums->n; i++)
		free(sums->all[i].name);
	free(sums->all);
}

void page_facts_free(page_facts *facts)
{
	json_decref(facts->report);
	emr_deeds_free(&facts->deeds);
	emr_shares_free(&facts->shares);
	json_decref(facts->datasets);
	free_sums(&facts->kinds);
	free_sums(&facts->folders);
	free_sums(&facts->years);
	for (size_t i = 0; i < facts->n_records; i++) {
		free(facts->records[i].directory);
		free(facts->records[i].label);
		free(facts->records[i].organisation);
		free(facts->records[i].path);
	}
	free(facts->records);
	for (size_t i = 0; i < facts->n_revised; i++)
		free(facts->revised[i].path);
	page_notes_free(&facts->notes);
	*facts = (page_facts){0};
}

/* The walk gives files of one folder one after the other: the last sum is looked at first. */
static emr_status add_to(page_sums *sums, const char *name, size_t len, uint64_t bytes)
{
	page_sum *found = NULL;

	for (size_t i = sums->n; i-- > 0 && found == NULL;)
		if (strncmp(sums->all[i].name, name, len) == 0 && sums->all[i].name[len] == '\0')
			found = &sums->all[i];
	if (found == NULL) {
		if (emr_array_room(&sums->all, sums->n, &sums->cap, sizeof *sums->all) != EMR_OK)
			return EMR_NO_MEMORY;
		found = &sums->all[sums->n];
		*found = (page_sum){.name = strndup(name, len)};
		if (found->name == NULL)
			return EMR_NO_MEMORY;
		sums->n++;
	}
	found->files++;
	found->bytes += bytes;
	return EMR_OK;
}

static int by_size(const void *a, const void *b)
{
	const page_sum *x = a, *y = b;

	if (x->bytes != y->bytes)
		return x->bytes < y->bytes ? 1 : -1;
	return strcmp(x->name, y->name);
}

static int by_name_down(const void *a, const void *b)
{
	return strcmp(((const page_sum *)b)->name, ((const page_sum *)a)->name);
}

static void sort(page_sums *sums, int (*order)(const void *, const void *))
{
	if (sums->n > 1)
		qsort(sums->all, sums->n, sizeof *sums->all, order);
}

/* ---- records ---- */

#define PLAIN_MAX 6 /* lines of their own */

static const char *name_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

static void date_of(const emr_headers *headers, int64_t mtime_ns, page_record *out)
{
	if (headers->study_date[0] != '\0')
		snprintf(out->date, sizeof out->date, "%.10s", headers->study_date);
	else
		emr_day_of((uint64_t)(mtime_ns / 1000000000), out->date);
}

/* "CT Head", the description, or the file's name. */
static char *label_of(const emr_headers *h, const char *path)
{
	char *label = NULL;

	if (h->modality[0] == '\0' && h->description[0] == '\0')
		return strdup(name_of(path));
	if (asprintf(&label, "%s%s%s", h->modality,
		    h->modality[0] != '\0' && h->description[0] != '\0' ? " · " : "",
		    h->description) < 0)
		return NULL;
	return label;
}

static bool is_same_line(const page_record *a, const page_record *b)
{
	return strcmp(a->date, b->date) == 0 && strcmp(a->label, b->label) == 0 &&
	       strcmp(a->organisation, b->organisation) == 0 &&
	       strcmp(a->directory, b->directory) == 0;
}

static emr_status add_record(page_facts *p, const char *path, const emr_attr *attr,
	const emr_headers *headers, const page_record *dated)
{
	page_record *r;

	if (p->n_records == PAGE_RECORDS_MAX) {
		p->uncounted++;
		return EMR_OK;
	}
	if (emr_array_room(&p->records, p->n_records, &p->cap_records, sizeof *p->records) !=
		EMR_OK)
		return EMR_NO_MEMORY;
	r = &p->records[p->n_records++];
	*r = *dated;
	r->files = 1;
	r->bytes = attr->size_bytes;
	r->is_plain = headers->modality[0] == '\0' && headers->description[0] == '\0';
	r->label = label_of(headers, path);
	r->organisation = strdup(headers->organisation);
	r->path = strdup(path);
	r->directory = strndup(path, (size_t)(name_of(path) - path));
	return r->label != NULL && r->organisation != NULL && r->path != NULL &&
			       r->directory != NULL
		       ? EMR_OK
		       : EMR_NO_MEMORY;
}

static int newest_first(const void *a, const void *b)
{
	const page_record *x = a, *y = b;
	int order = strcmp(y->date, x->date);

	if (order == 0)
		order = strcmp(x->directory, y->directory);
	if (order == 0)
		order = x->is_plain - y->is_plain;
	if (order == 0)
		order = strcmp(x->label, y->label);
	if (order == 0)
		order = strcmp(x->organisation, y->organisation);
	return order != 0 ? order : strcmp(x->path, y->path);
}

/* Many files of one day in one directory that say nothing of themselves are one line, too. */
static void gather_plain(page_facts *p)
{
	for (size_t i = 0, n; i < p->n_records; i += n) {
		const page_record *first = &p->records[i];
		char *label;

		for (n = 1; i + n < p->n_records && first->is_plain && p->records[i + n].is_plain &&
			    strcmp(first->date, p->records[i + n].date) == 0 &&
			    strcmp(first->directory, p->records[i + n].directory) == 0;)
			n++;
		for (size_t j = i; n > PLAIN_MAX && j < i + n; j++) {
			label = strdup(
				first->directory[0] != '\0' ? _("Files") : _("Files at the top"));
			if (label == NULL)
				return; /* then they stay apart */
			free(p->records[j].label);
			p->records[j].label = label;
		}
	}
}

/* Slices of one series are one line. */
static void group_records(page_facts *p)
{
	size_t kept = 0;

	if (p->n_records > 1)
		qsort(p->records, p->n_records, sizeof *p->records, newest_first);
	gather_plain(p);
	for (size_t i = 0; i < p->n_records; i++) {
		page_record *r = &p->records[i], *last = kept > 0 ? &p->records[kept - 1] : NULL;

		if (last == NULL || !is_same_line(last, r)) {
			p->records[kept++] = *r;
			continue;
		}
		last->files++;
		last->bytes += r->bytes;
		free(r->directory);
		free(r->label);
		free(r->organisation);
		free(r->path);
	}
	p->n_records = kept;
}

/* ---- versions ---- */

static emr_status note_versions(page_facts *p, const char *path, const emr_story *story)
{
	size_t at = p->n_revised;

	p->versions += story->versions;
	if (story->versions < 2)
		return EMR_OK;
	while (at > 0 && p->revised[at - 1].versions < story->versions)
		at--;
	if (at == PAGE_REVISED_MAX)
		return EMR_OK;
	if (p->n_revised == PAGE_REVISED_MAX)
		free(p->revised[--p->n_revised].path);
	memmove(&p->revised[at + 1], &p->revised[at], (p->n_revised - at) * sizeof *p->revised);
	p->n_revised++;
	p->revised[at] = (page_revised){.path = strdup(path),
		.versions = story->versions,
		.changed_unix_s = story->changed_unix_s};
	return p->revised[at].path != NULL ? EMR_OK : EMR_NO_MEMORY;
}

/* ---- the tree ---- */

typedef struct walking {
	emr_session *session;
	page_facts *page;
	emr_status status;
} walking;

static emr_status add_file(
	walking *w, const char *path, const emr_attr *attr, const emr_record_facts *facts)
{
	const char *top = _("Top of the folder");
	page_facts *p = w->page;
	const char *slash = strchr(path, '/'),
		   *kind = emr_kind_title(emr_kind_of(&facts->headers, path));
	page_record dated = {.files = 1};
	emr_story story;

	date_of(&facts->headers, attr->mtime_ns, &dated);
	p->files++;
	p->bytes += attr->size_bytes;
	EMR_TRY(add_to(&p->kinds, kind, strlen(kind), attr->size_bytes));
	EMR_TRY(slash != NULL ? add_to(&p->folders, path, (size_t)(slash - path), attr->size_bytes)
			      : add_to(&p->folders, top, strlen(top), attr->size_bytes));
	EMR_TRY(add_to(&p->years, dated.date, strlen(dated.date) < 4 ? 1 : 4, attr->size_bytes));
	EMR_TRY(add_record(p, path, attr, &facts->headers, &dated));
	if (emr_chronicle_story(w->session->chronicle, facts->object, &story) == EMR_OK)
		EMR_TRY(note_versions(p, path, &story));
	return EMR_OK;
}

static bool visit(void *arg, const char *path, const emr_attr *attr)
{
	walking *w = arg;
	emr_record_facts facts;

	if (attr->type == EMR_META_FILE &&
		emr_view_record(w->session->view, attr->node, &facts) == EMR_OK && !facts.is_local)
		w->status = add_file(w, path, attr, &facts);
	if (w->status == EMR_OK && attr->type == EMR_META_FILE)
		w->status = page_notes_look(&w->page->notes, w->session, attr->node, path);
	return w->status == EMR_OK;
}

/* ---- growth ---- */

typedef struct holding {
	uint64_t bytes;
	bool is_there;
} holding;

/* Sums up the history's files after each event; one point for each slice of time. */
static emr_status grow(page_facts *p)
{
	const emr_deeds *d = &p->deeds;
	uint64_t files = 0, bytes = 0, first, span;
	EMR_AUTO_FREE holding *all = NULL;
	size_t n = 0;

	for (size_t i = 0; i < d->n; i++)
		n = d->events[i].subject >= n ? (size_t)d->events[i].subject + 1 : n;
	all = calloc(n > 0 ? n : 1, sizeof *all);
	if (all == NULL)
		return EMR_NO_MEMORY;
	if (d->n == 0)
		return EMR_OK;
	first = d->events[0].time_unix_s;
	span = p->now_unix_s > first ? p->now_unix_s - first : 1;
	p->points[p->n_points++] = (page_point){.time_unix_s = first};
	for (size_t i = 0; i < d->n; i++) {
		const emr_event *e = &d->events[i];
		holding *h = &all[e->subject];
		bool is_there = e->deed != EMR_DEED_DELETED && e->deed != EMR_DEED_ERASED;
		uint64_t slice = e->time_unix_s > first
					 ? (e->time_unix_s - first) * PAGE_POINTS_MAX / span
					 : 0,
			 time;
		page_point *last = &p->points[p->n_points - 1];

		if (e->type != EMR_META_FILE)
			continue;
		files += is_there && !h->is_there;
		files -= !is_there && h->is_there;
		bytes += (is_there ? e->bytes : 0) - (h->is_there ? h->bytes : 0);
		*h = (holding){.bytes = e->bytes, .is_there = is_there};
		slice = slice < PAGE_POINTS_MAX ? slice : PAGE_POINTS_MAX;
		/* Rounded up: two seconds of a young folder are two points. */
		time = first + (slice * span + PAGE_POINTS_MAX - 1) / PAGE_POINTS_MAX;
		if (last->time_unix_s != time && p->n_points < PAGE_POINTS_MAX + 2)
			last = &p->points[p->n_points++];
		*last = (page_point){.time_unix_s = time, .files = files, .bytes = bytes};
	}
	return EMR_OK;
}

/* ---- others ---- */

static emr_status know_shares(emr_session *session, page_facts *p)
{
	EMR_AUTO_CROWD crowd = {0};
	emr_status status = emr_crowd_open(session, &crowd);

	bool takes_part = false;

	p->waiting = atomic_load(&session->waiting_requests);
	if (status == EMR_OK)
		status = emr_shares_collect(session, &crowd, NULL, 0, &p->shares);
	for (size_t i = 0; i < p->shares.n; i++)
		takes_part |= p->shares.list[i].who.is_dataset;
	return status == EMR_OK && takes_part
		       ? emr_datasets_json(&crowd, session->identity.signer_id, true, &p->datasets)
		       : status;
}

/* ---- all of it ---- */

emr_status page_facts_gather(emr_session *session, emr_notices *notices, page_facts *out)
{
	AUTO_PAGE_FACTS p = {.now_unix_s = (uint64_t)emr_clock_unix_s(emr_clock_system())};
	walking w = {.session = session, .page = &p};

	EMR_TRY(emr_deeds_collect(session, &(emr_deeds_wish){0}, &p.deeds));
	EMR_TRY(emr_walk(session->view, "", visit, &w));
	EMR_TRY(w.status);
	EMR_TRY(grow(&p));
	EMR_TRY(know_shares(session, &p));
	p.report = emr_report_folder(session, notices);
	if (p.report == NULL)
		return EMR_NO_MEMORY;
	group_records(&p);
	sort(&p.kinds, by_size);
	sort(&p.folders, by_size);
	sort(&p.years, by_name_down);
	*out = p;
	p = (page_facts){0};
	return EMR_OK;
}
