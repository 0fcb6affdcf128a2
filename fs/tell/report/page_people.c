/* This file gathers the part of the report page about who can see what, until when, and who
 * opened what. */
#include "page_parts.h"

#include <stdlib.h>
#include <string.h>

#include "kit/json.h"
#include "kit/out.h"
#include "kit/text.h"
#include "org/datasets.h"
#include "sharing/opening.h"

#define DAY_S UINT64_C(86400)
#define STRIP_DAYS 90
#define SHARES_MAX 40
#define PEOPLE_MAX 30
#define LATEST_MAX 12

/* ---- who can see what ---- */

static json_t *share_json(const emr_session *session, emr_crowd *crowd, const emr_share_row *row)
{
	json_auto_t *whole = emr_share_json(crowd, row);
	char text[EMR_OPENING_TEXT_BYTES];
	const char *state;
	json_t *share;

	if (whole == NULL || !emr_share_json_ids(session, row, whole))
		return NULL;
	state = emr_json_text_at(whole, "state");
	emr_opening_text(row->why_not, state, row->who.called, text);
	share = page_pick(whole, "path who name organisation says kind rights purpose since_unix "
				 "until_unix state");
	if (share != NULL &&
		json_object_update_new(
			share, json_pack("{s:o, s:b}", "opening", emr_json_text(text), "is_plain",
				       emr_opening_is_plain(row->why_not, state))) == 0)
		return share;
	json_decref(share);
	return NULL;
}

/* Each whom the steward of a dataset let in, also who reads it no more. */
static emr_status put_datasets(emr_session *session, emr_crowd *crowd, json_t *page)
{
	json_auto_t *datasets = json_array();
	json_t *list = json_array(), *one, *reader;
	size_t i, j;

	if (json_object_set_new(page, "datasets", list) != 0)
		return EMR_NO_MEMORY;
	EMR_TRY(emr_datasets_json(crowd, emr_session_root(session), true, datasets));
	json_array_foreach(datasets, i, one)
	{
		json_array_foreach(json_object_get(one, "readers"), j, reader)(void)
			json_object_del(reader, "id");
		json_array_foreach(json_object_get(one, "former"), j, reader)(void)
			json_object_del(reader, "id");
		if (json_array_append_new(list, page_pick(one, "called readers former")) != 0)
			return EMR_NO_MEMORY;
	}
	return EMR_OK;
}

static emr_status put_shares(emr_session *session, json_t *page)
{
	EMR_AUTO_CROWD crowd = {0};
	EMR_AUTO_SHARES rows = {0};
	json_t *list = json_array();
	bool takes_part = false;

	if (json_object_set_new(page, "shares", list) != 0)
		return EMR_NO_MEMORY;
	EMR_TRY(emr_crowd_open(session, &crowd));
	EMR_TRY(emr_shares_collect(session, &crowd, NULL, false, &rows));
	for (size_t i = 0; i < rows.n; i++) {
		takes_part |= rows.list[i].who.is_dataset;
		if (i < SHARES_MAX && json_array_append_new(list,
					      share_json(session, &crowd, &rows.list[i])) != 0)
			return EMR_NO_MEMORY;
	}
	if (json_object_set_new(page, "more_shares",
		    json_integer((json_int_t)(rows.n - json_array_size(list)))) != 0)
		return EMR_NO_MEMORY;
	return takes_part ? put_datasets(session, &crowd, page) : EMR_OK;
}

/* ---- who opened what ---- */

/* One person's openings, in his own name or in that of one team; LAST is the newest. */
typedef struct tally {
	size_t who, team;
	const emr_told *last;
	uint64_t opens, keys;
	bool has_names, is_refused;
	char days[STRIP_DAYS + 1]; /* '1': with openings; the oldest first */
} tally;

/* NULL: no room. */
static tally *tally_of(tally *all, size_t *n, const emr_told *o)
{
	for (size_t i = 0; i < *n; i++) {
		if (all[i].who == o->who && all[i].team == o->team)
			return &all[i];
	}
	if (*n == PEOPLE_MAX)
		return NULL;
	all[*n] = (tally){.who = o->who, .team = o->team, .last = o};
	memset(all[*n].days, '0', STRIP_DAYS);
	return &all[(*n)++];
}

static bool is_opened(const emr_told *o)
{
	return o->opening->kind == EMR_AUDIT_OPENED && !o->opening->opened.refused;
}

static void count(tally *t, uint64_t now_unix_s, const emr_told *o)
{
	uint64_t ago = now_unix_s > o->at ? (now_unix_s - o->at) / DAY_S : 0;
	bool is_names = o->opening->slot.kind == EMR_CAPSULE_LISTING,
	     is_released = o->opening->kind == EMR_AUDIT_RELEASED;

	t->opens += is_opened(o) ? o->opening->opened.opens : 0;
	if (is_opened(o) && ago < STRIP_DAYS)
		t->days[STRIP_DAYS - 1 - ago] = '1';
	t->is_refused |= o->opening->kind == EMR_AUDIT_OPENED && o->opening->opened.refused;
	t->keys += is_released && !is_names;
	t->has_names |= is_released && is_names;
}

static emr_status put_openings(
	const emr_session *session, const emr_deeds *deeds, uint64_t now_unix_s, json_t *page)
{
	const emr_openings *o = &deeds->openings;
	EMR_AUTO_FREE tally *all = calloc(PEOPLE_MAX, sizeof *all);
	json_t *readers = json_array(), *lately = json_array();
	int failed = json_object_set_new(page, "readers", readers);
	size_t n = 0;

	failed |= json_object_set_new(page, "lately", lately);
	if (failed != 0 || all == NULL)
		return EMR_NO_MEMORY;
	for (size_t i = o->n; i-- > 0;) { /* whoever came last comes first */
		const emr_told *one = &o->list[i];
		tally *t;

		if (one->opening == NULL)
			continue;
		t = tally_of(all, &n, one);
		if (t != NULL)
			count(t, now_unix_s, one);
		if (is_opened(one) && json_array_size(lately) < LATEST_MAX &&
			page_entry(session, deeds, NULL, one, lately) == NULL)
			return EMR_NO_MEMORY;
	}
	for (const tally *t = all; t < all + n && failed == 0; t++)
		failed = json_object_update_new(page_entry(session, deeds, NULL, t->last, readers),
			json_pack("{s:I, s:I, s:b, s:b, s:s}", "opened", (json_int_t)t->opens,
				"keys", (json_int_t)t->keys, "has_names", t->has_names,
				"is_refused", t->is_refused, "days", t->days));
	return failed == 0 ? EMR_OK : EMR_NO_MEMORY;
}

emr_status page_people(
	emr_session *session, const emr_deeds *deeds, uint64_t now_unix_s, json_t *page)
{
	EMR_TRY(put_shares(session, page));
	return put_openings(session, deeds, now_unix_s, page);
}
