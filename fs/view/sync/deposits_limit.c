/* A depositor must not be able to flood an Inbox: this file counts from the ledger how many files
 * each signer left on each day, and tells once that what is beyond the limit is not shown. */
#include "deposits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "contract/codes.h"
#include "record/format.h"
#include "replica/rules.h"

#define DAY_S 86400
#define LATE_S 3600 /* older entries may have a later time than newer ones, by some minutes */
#define BUCKETS 256
#define ENOUGH EMR_INTERRUPTED /* ends a walk of our own */

/* Where an item stands on the ledger. */
typedef struct position {
	uint64_t seq, index;
} position;

/* One signer and day. */
typedef struct daily {
	struct daily *next;
	emr_id32 signer;
	uint64_t day, n;
	position last; /* the last one that is within the limit, once there are so many */
	bool is_told;
} daily;

/* Of one Inbox: each deposit on the ledger is counted once in a mount.  Only the
 * publisher's thread comes here. */
struct deposit_tally {
	struct deposit_tally *next;
	emr_id16 domain;
	uint64_t limit; /* a day, when it was counted */
	uint64_t since; /* every deposit from this time on is counted */
	uint64_t seen;	/* up to and with this entry */
	daily *days[BUCKETS];
};

/* ---- counting ---- */

typedef struct counted {
	position at;
	emr_id32 signer;
	uint64_t day;
} counted;

typedef struct walk {
	uint64_t since, seen, newest;
	emr_buf found; /* counted */
} walk;

static emr_status visit(void *arg, const emr_replica_listing *line)
{
	walk *w = arg;
	const emr_replica_item *item = &line->item;
	counted c = {.at = {.seq = item->seq, .index = item->index},
		.signer = item->signer_id,
		.day = item->ledger_time / DAY_S};

	if (item->seq <= w->seen || item->ledger_time + LATE_S < w->since)
		return ENOUGH;
	if (item->seq > w->newest)
		w->newest = item->seq;
	if (line->result != EMR_RESULT_APPLIED || line->family != EMR_FAMILY_OBJECT ||
		item->op != EMR_OP_PUT || item->version != 1 || item->ledger_time < w->since)
		return EMR_OK;
	return emr_buf_append(&w->found, &c, sizeof c);
}

static int compare(const position *a, const position *b)
{
	if (a->seq != b->seq)
		return a->seq < b->seq ? -1 : 1;
	return a->index < b->index ? -1 : a->index > b->index;
}

static int by_position(const void *a, const void *b)
{
	const counted *x = a, *y = b;

	return compare(&x->at, &y->at);
}

/* *OUT: that of SIGNER and DAY, made if there is none. */
static emr_status find(struct deposit_tally *t, emr_id32 signer, uint64_t day, daily **out)
{
	daily **bucket = &t->days[(signer.b[0] ^ day) % BUCKETS], *d = *bucket;

	while (d != NULL && (d->day != day || !emr_id32_equal(d->signer, signer)))
		d = d->next;
	if (d == NULL) {
		d = calloc(1, sizeof *d);
		if (d == NULL)
			return EMR_NO_MEMORY;
		*d = (daily){.next = *bucket, .signer = signer, .day = day};
		*bucket = d;
	}
	*out = d;
	return EMR_OK;
}

static emr_status enter(struct deposit_tally *t, const walk *w)
{
	counted *all = (counted *)(void *)w->found.data;
	size_t n = w->found.len / sizeof *all;

	if (n > 1)
		qsort(all, n, sizeof *all, by_position);
	for (size_t i = 0; i < n; i++) {
		daily *d;

		EMR_TRY(find(t, all[i].signer, all[i].day, &d));
		if (++d->n <= t->limit)
			d->last = all[i].at;
	}
	return EMR_OK;
}

static void forget_days(struct deposit_tally *t)
{
	for (size_t i = 0; i < BUCKETS; i++)
		while (t->days[i] != NULL) {
			daily *d = t->days[i];

			t->days[i] = d->next;
			free(d);
		}
}

static void start_again(struct deposit_tally *t, uint64_t since, uint64_t limit)
{
	forget_days(t);
	t->since = since;
	t->limit = limit;
	t->seen = 0;
}

/* Counts the deposits that came since the last time, or all from SINCE on. */
static emr_status go_on(emr_view *view, struct deposit_tally *t)
{
	walk w = {.since = t->since, .seen = t->seen, .newest = t->seen};
	emr_status status =
		emr_replica_recent(view->options.replica, &t->domain, NULL, SIZE_MAX, visit, &w);

	if (status == EMR_OK || status == ENOUGH)
		status = enter(t, &w);
	if (status == EMR_OK)
		t->seen = w.newest;
	else
		start_again(t, t->since, t->limit);
	emr_buf_free(&w.found);
	return status;
}

static struct deposit_tally *tally_of(emr_view *view, emr_id16 domain)
{
	struct deposit_tally *t = view->tallies;

	while (t != NULL && !emr_id16_equal(t->domain, domain))
		t = t->next;
	if (t != NULL)
		return t;
	t = calloc(1, sizeof *t);
	if (t != NULL) {
		*t = (struct deposit_tally){
			.next = view->tallies, .domain = domain, .since = UINT64_MAX};
		view->tallies = t;
	}
	return t;
}

/* The day of ITEM is counted: at first that day and what came later; once somebody asks for an
 * earlier one, everything. */
static emr_status need_day(
	emr_view *view, struct deposit_tally *t, const emr_replica_item *item, uint64_t limit)
{
	uint64_t since = item->ledger_time / DAY_S * DAY_S;

	if (t->since == UINT64_MAX || limit != t->limit)
		start_again(t, t->since == 0 ? 0 : since, limit);
	else if (since < t->since)
		start_again(t, 0, limit);
	return item->seq > t->seen ? go_on(view, t) : EMR_OK;
}

/* ---- asking ---- */

static void tell(emr_view *view, daily *d, const char *organisation)
{
	char path[EMR_NAME_MAX + 16];

	if (d->is_told || view->options.notice == NULL)
		return;
	d->is_told = true;
	snprintf(path, sizeof path, "Inbox/%s", organisation);
	view->options.notice(view->options.notice_arg, "inbox-limit", path);
}

emr_status deposits_is_beyond(emr_view *view, const emr_place *place, const emr_replica_item *item,
	const char *organisation, bool *out_is)
{
	const position at = {.seq = item->seq, .index = item->index};
	struct deposit_tally *t = tally_of(view, place->domain);
	daily *d = NULL;
	emr_rules rules;

	EMR_TRY(t != NULL ? emr_rules_in_force(view->options.replica, &rules, NULL, NULL)
			  : EMR_NO_MEMORY);
	EMR_TRY(need_day(view, t, item, rules.deposits_a_day));
	EMR_TRY(find(t, item->signer_id, item->ledger_time / DAY_S, &d));
	*out_is = place->padded > emr_padded_len(rules.deposit_bytes, false);
	if (!*out_is &&
		item->version == 1) /* a new version of what is here already counts as none */
		*out_is = d->n >= t->limit && (t->limit == 0 || compare(&d->last, &at) < 0);
	if (*out_is)
		tell(view, d, organisation);
	return EMR_OK;
}

void deposits_limit_free(emr_view *view)
{
	while (view->tallies != NULL) {
		struct deposit_tally *t = view->tallies;

		view->tallies = t->next;
		forget_days(t);
		free(t);
	}
}
