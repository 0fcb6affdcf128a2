/* This file lists and counts what others share with this person, those first that end first, for
 * `emrfs status` and `emrfs share`. */
#include "sharing/received.h"

#include <stdlib.h>
#include <string.h>

#include "kit/out.h"
#include "kit/purposes.h"
#include "kit/text.h"
#include "sharing/opening.h"
#include "view/received.h"

/* ---- order ---- */

typedef struct row {
	bool has_ended;
	uint64_t until_unix_s;
	json_t *one; /* owned */
} row;

typedef struct collecting {
	row *rows;
	size_t n;
	emr_heard heard;
	bool is_ledger_away;
	emr_status status;
} collecting;

static int by_end(const void *a, const void *b)
{
	const row *x = a, *y = b;
	int order;

	if (x->has_ended != y->has_ended)
		return x->has_ended ? 1 : -1;
	order = x->until_unix_s < y->until_unix_s ? -1 : x->until_unix_s > y->until_unix_s;
	if (order != 0)
		return x->has_ended ? -order : order;
	return strcmp(json_string_value(json_object_get(x->one, "path")),
		json_string_value(json_object_get(y->one, "path")));
}

/* ---- rows ---- */

static const char *state_of(const emr_shared_with_me *share)
{
	switch (share->phase) {
	case EMR_SHARE_OPEN:
		return "open";
	case EMR_SHARE_EXPIRED:
		return "expired";
	case EMR_SHARE_REVOKED:
		return "revoked";
	}
	return "";
}

static uint64_t end_of(const emr_shared_with_me *share)
{
	return share->until_unix_s < EMR_FOREVER_UNIX_S ? share->until_unix_s : EMR_FOREVER_UNIX_S;
}

/* Of an Inbox, and of what has ended, nobody opens anything. */
static bool is_to_open(const emr_shared_with_me *share)
{
	return share->phase == EMR_SHARE_OPEN && strcmp(share->right, "deposit") != 0;
}

static bool opens_away(const emr_shared_with_me *share, const emr_heard *heard)
{
	return share->opens_away &&
	       share->agents_count - emr_heard_silent(heard, share->agents, share->agents_count) >=
		       share->needed;
}

static const char *why_not(
	const emr_shared_with_me *share, const emr_heard *heard, bool is_ledger_away)
{
	if (share->phase != EMR_SHARE_OPEN)
		return state_of(share);
	if (!is_to_open(share))
		return "deposit";
	return is_ledger_away				       ? "ledger-away"
	       : share->opens_away != opens_away(share, heard) ? "agents-silent"
	       : share->is_unanswered	 ? share->opens_away ? "agents-away" : "owner-away"
	       : share->is_owner_unasked ? "owner-unasked"
					 : "";
}

static json_t *row_json(
	const emr_shared_with_me *share, const emr_heard *heard, bool is_ledger_away)
{
	char until[EMR_TEXT_BYTES], purposes[EMR_PURPOSES_TEXT_BYTES], folder[33];
	const char *why = why_not(share, heard, is_ledger_away);

	emr_time_json((int64_t)end_of(share), until);
	emr_purposes_text(share->purposes, purposes);
	emr_hex(share->domain.b, sizeof share->domain.b, folder);
	return json_pack("{s:o, s:o, s:s, s:s, s:s, s:I, s:s, s:s, s:b, s:s, s:s}", "path",
		emr_json_text(share->path), "owner", emr_json_text(share->owner), "rights",
		share->right, "purpose", purposes, "until", until, "until_unix",
		(json_int_t)end_of(share), "opens",
		is_to_open(share) ? emr_opens_word(opens_away(share, heard)) : "", "state",
		state_of(share), "opens_now", why[0] == '\0', "why_not", why, "folder_id", folder);
}

static bool note_share(void *arg, const emr_shared_with_me *share)
{
	collecting *c = arg;
	row one = {.has_ended = share->phase != EMR_SHARE_OPEN,
		.until_unix_s = end_of(share),
		.one = row_json(share, &c->heard, c->is_ledger_away)};
	row *grown = one.one != NULL ? realloc(c->rows, (c->n + 1) * sizeof *grown) : NULL;

	if (grown == NULL) {
		json_decref(one.one);
		c->status = EMR_NO_MEMORY;
		return false;
	}
	c->rows = grown;
	c->rows[c->n++] = one;
	return true;
}

emr_status emr_shared_with_me_json(emr_session *session, json_t **out_list)
{
	collecting c = {.status = EMR_OK, .is_ledger_away = emr_opening_ledger_is_away(session)};
	json_t *list = json_array();
	emr_status status;

	emr_sharing_heard(session->sharing, &c.heard);
	status = list != NULL ? emr_view_each_shared_with_me(session->view, note_share, &c)
			      : EMR_NO_MEMORY;

	if (status == EMR_OK)
		status = c.status;
	EMR_SORT(c.rows, c.n, by_end);
	for (size_t i = 0; i < c.n; i++)
		if (json_array_append_new(list, c.rows[i].one) != 0)
			status = EMR_NO_MEMORY;
	free(c.rows);
	if (status != EMR_OK) {
		json_decref(list);
		return status;
	}
	*out_list = list;
	return EMR_OK;
}

/* ---- how many ---- */

typedef struct counting {
	emr_shared_with_me_counts *counts;
	emr_heard heard;
} counting;

static bool count(void *arg, const emr_shared_with_me *share)
{
	const counting *all = arg;
	emr_shared_with_me_counts *c = all->counts;

	if (!is_to_open(share))
		return true;
	c->open++;
	c->while_open += !opens_away(share, &all->heard);
	if (end_of(share) < EMR_FOREVER_UNIX_S &&
		(c->until_unix_s == 0 || share->until_unix_s < c->until_unix_s))
		c->until_unix_s = share->until_unix_s;
	return true;
}

emr_status emr_shared_with_me_count(emr_session *session, emr_shared_with_me_counts *out)
{
	counting c = {.counts = out};

	*out = (emr_shared_with_me_counts){0};
	emr_sharing_heard(session->sharing, &c.heard);
	return emr_view_each_shared_with_me(session->view, count, &c);
}
