/* This file reports to an owner which shared files were opened here: it gathers them when they
 * close, and the worker sends the report a moment later. A program's reading is never told as a
 * person's. */
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/log.h"

#include "edit.h"
#include "node.h"
#include "shared.h"

#define GATHER_NS INT64_C(5000000000) /* a series that is looked through is one report */
#define AGAIN_NS INT64_C(30000000000)

/* ---- which bytes ---- */

/* *PLACE, which may move, with room for one more piece.  When too many lie apart, or there is no
 * memory, the oldest is forgotten: then it was not "whole".  NULL: there is room for none. */
static shared_at *need_span(shared_at **place)
{
	shared_at *at = *place, *grown = NULL;
	uint8_t room = at->spans_room == 0 ? 1 : SHARED_SPANS_MAX;

	if (at->nspans < at->spans_room)
		return at;
	if (at->nspans < SHARED_SPANS_MAX)
		grown = realloc(at, sizeof *at + room * sizeof at->spans[0]);
	if (grown != NULL) {
		grown->spans_room = room;
		*place = grown;
		return grown;
	}
	if (at->nspans == 0)
		return NULL;
	at->nspans--;
	memmove(at->spans, at->spans + 1, at->nspans * sizeof at->spans[0]);
	return at;
}

/* [FROM, TO) joins what was read before. */
static void add_span(shared_at **place, uint64_t from, uint64_t to)
{
	shared_at *at = *place;
	uint8_t kept = 0;

	for (uint8_t i = 0; i < at->nspans; i++) {
		shared_span s = at->spans[i];

		if (s.to < from || s.from > to) {
			at->spans[kept++] = s;
			continue;
		}
		from = s.from < from ? s.from : from;
		to = s.to > to ? s.to : to;
	}
	at->nspans = kept;
	at = need_span(place);
	if (at != NULL)
		at->spans[at->nspans++] = (shared_span){from, to};
}

/* Where N is kept as the share showed it, also when it has become one's own since; NULL: it never
 * was shown. */
static shared_at **shown_place(node *n)
{
	if (shared_has(n))
		return &n->shared;
	return node_file(n) != NULL && node_file(n)->shown != NULL ? &node_file(n)->shown : NULL;
}

static shared_at *shown_of(node *n)
{
	shared_at **place = shown_place(n);

	return place != NULL ? *place : NULL;
}

static void report_note_read(emr_view *view, emr_handle *handle, uint64_t at, size_t len)
{
	shared_at **shown;
	EMR_LOCKED(&view->lock);

	shown = shown_place(handle->node);
	if (shown != NULL)
		add_span(shown, at, at + len);
}

static bool is_whole(node *n)
{
	const shared_at *at = shown_of(n);

	return n->size == 0 ||
	       (at->nspans == 1 && at->spans[0].from == 0 && at->spans[0].to >= n->size);
}

/* ---- rows ---- */

static bool is_same(const emr_report_row *a, const emr_report_row *b)
{
	return emr_id16_equal(a->object_id, b->object_id) && a->version == b->version &&
	       a->reader == b->reader && a->refused == b->refused &&
	       emr_id16_equal(a->program, b->program);
}

/* Under view->lock: ROW joins the others of S. */
static void add_row(emr_view *view, shared_share *s, const emr_report_row *row)
{
	emr_report_row *grown;

	for (size_t i = 0; i < s->nrows; i++) {
		emr_report_row *r = &s->rows[i];

		if (!is_same(r, row))
			continue;
		r->last = row->last;
		r->opens += row->opens;
		r->bytes += row->bytes;
		r->whole = r->whole || row->whole;
		return;
	}
	grown = s->nrows < EMR_REPORT_ROWS_MAX ? realloc(s->rows, (s->nrows + 1) * sizeof *grown)
					       : NULL;
	if (grown == NULL) {
		emr_log(EMR_LOG_WARN, "shares: an opening is not reported: too many wait");
		return;
	}
	s->rows = grown;
	if (s->nrows == 0)
		s->report_due_boot_ns = view_boot_ns(view) + GATHER_NS;
	grown[s->nrows++] = *row;
	shared_stir(view, s);
}

static emr_report_row row_of(const emr_view *view, node *n)
{
	uint64_t now = (uint64_t)(view_now_ns(view) / 1000000000);
	emr_report_row row = {.object_id = shown_of(n)->object,
		.version = shown_of(n)->version,
		.first = now,
		.last = now,
		.opens = 1,
		.reader = EMR_READER_PERSON,
		.purpose = shown_of(n)->share != NULL ? shared_purpose(view, shown_of(n)->share)
						      : view->options.purpose};

	return row;
}

/* ---- handles ---- */

/* Under view->lock, once for each. */
static void add_opening(emr_view *view, emr_handle *handle)
{
	node *n = handle->node;
	emr_report_row row;

	if (handle->is_told || shown_of(n) == NULL || shown_of(n)->level != SHARED_RECORD)
		return;
	row = row_of(view, n);
	row.bytes = __atomic_load_n(&handle->bytes_read, __ATOMIC_RELAXED);
	row.whole = is_whole(n);
	add_row(view, shown_of(n)->share, &row);
}

static void report_note_closed(emr_view *view, emr_handle *handle)
{
	shares *all = view->shares;
	EMR_LOCKED(&view->lock);

	for (size_t i = 0; i < all->nopen; i++)
		if (all->open[i] == handle)
			all->open[i] = all->open[--all->nopen];
	add_opening(view, handle);
}

void shared_note_opened(emr_view *view, emr_handle *handle)
{
	shares *all = view->shares;
	EMR_LOCKED(&view->lock);

	if (emr_array_room(&all->open, all->nopen, &all->open_cap, sizeof(emr_handle *)) == EMR_OK)
		all->open[all->nopen++] = handle;
}

/* Later there is no key any more to report it with, and nothing more is read of it. */
void shared_note_over(emr_view *view, shared_share *s)
{
	for (size_t i = 0; i < view->shares->nopen; i++) {
		emr_handle *handle = view->shares->open[i];
		const shared_at *at = shown_of(handle->node);

		if (at == NULL || at->share != s)
			continue;
		add_opening(view, handle);
		handle->is_told = true;
	}
}

const handle_report shared_report = {
	.note_read = report_note_read, .note_closed = report_note_closed};

void shared_note_refused(emr_view *view, node *n, const char *program)
{
	const shared_at *at = shown_of(n);
	emr_report_row row;

	if (at == NULL || at->level != SHARED_RECORD || !shared_reads_theirs(n))
		return;
	row = row_of(view, n);
	row.reader = EMR_READER_SOFTWARE;
	memcpy(row.program.b, program, strnlen(program, sizeof row.program.b));
	row.refused = true;
	row.opens = 0;
	add_row(view, at->share, &row);
}

/* ---- sending ---- */

void shared_send_report(emr_view *view, shared_share *s)
{
	emr_report_row *rows;
	emr_status status;
	size_t n;

	if (s->opened == NULL)
		return; /* nothing was opened since, and what was is told */
	pthread_mutex_lock(&view->lock);
	rows = s->rows;
	n = s->nrows;
	s->rows = NULL;
	s->nrows = 0;
	pthread_mutex_unlock(&view->lock);
	if (n == 0)
		return;
	status = emr_shared_report(s->opened, rows, n);
	if (status == EMR_OK) {
		free(rows);
		return;
	}
	emr_log(EMR_LOG_WARN, "shares: a report was not sent: %s", emr_status_text(status));
	pthread_mutex_lock(&view->lock);
	for (size_t i = 0; i < n; i++)
		add_row(view, s, &rows[i]);
	s->report_due_boot_ns = view_boot_ns(view) + AGAIN_NS;
	pthread_mutex_unlock(&view->lock);
	free(rows);
}

void shared_report_due(emr_view *view, shared_share *s)
{
	bool is_due;

	pthread_mutex_lock(&view->lock);
	is_due = s->nrows > 0 && view_boot_ns(view) >= s->report_due_boot_ns;
	pthread_mutex_unlock(&view->lock);
	if (is_due)
		shared_send_report(view, s);
}
