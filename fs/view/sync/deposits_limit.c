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
		EMR_TRY_MEMORY(d);
		*d = (daily){.next = *bucket, .signer = signer, .day = day};
		*bucket = d;
	}
	*out = d;
	return EMR_OK;
}

/* FOUND: counted, ... */
static emr_status enter(struct deposit_tally *t, const emr_buf *found)
{
	emr_buf_sort(found, sizeof(counted), by_position);
	EMR_EACH (const counted, c, found) {
		daily *d;

		EMR_TRY(find(t, c->signer, c->day, &d));
		if (++d->n <= t->limit)
			d->last = c->at;
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

static emr_status find_new(
	emr_view *view, const struct deposit_tally *t, emr_buf *found, uint64_t *newest)
{
	emr_replica_listing line;

	EMR_ASK(asked, view->options.replica, RECENT_IN, .domain = t->domain);
	while (emr_next(&asked, &line)) {
		const emr_replica_item *item = &line.item;
		const counted c = {.at = {.seq = item->seq, .index = item->index},
			.signer = item->signer_id,
			.day = item->ledger_time / DAY_S};

		if (item->seq <= t->seen || item->ledger_time + LATE_S < t->since)
			break;
		if (item->seq > *newest)
			*newest = item->seq;
		if (line.result == EMR_RESULT_APPLIED && line.family == EMR_FAMILY_OBJECT &&
			item->op == EMR_OP_PUT && item->version == 1 &&
			item->ledger_time >= t->since)
			EMR_TRY(emr_buf_append(found, &c, sizeof c));
	}
	return asked.status;
}

/* Counts the deposits that came since the last time, or all from SINCE on. */
static emr_status go_on(emr_view *view, struct deposit_tally *t)
{
	EMR_AUTO_BUF found = {0};
	uint64_t newest = t->seen;
	emr_status status = find_new(view, t, &found, &newest);

	if (status == EMR_OK)
		status = enter(t, &found);
	if (status == EMR_OK)
		t->seen = newest;
	else
		start_again(t, t->since, t->limit);
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
