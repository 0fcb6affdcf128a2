/* This file lists what is shared with whom: grants on the ledger together with orders that still
 * wait, each once, with the names of people and with who opened what. */
#include "sharing/shares.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "contract/codes.h"
#include "kit/out.h"
#include "kit/purposes.h"
#include "kit/text.h"
#include "share/audit.h"
#include "share/write.h"
#include "sharing/opening.h"

#include "sharing_private.h"

#define ID_LETTERS_MIN 4
#define ID_LETTERS_MAX 26

void emr_shares_free(emr_share_rows *rows)
{
	for (size_t i = 0; i < rows->n; i++)
		free(rows->list[i].path);
	free(rows->list);
	*rows = (emr_share_rows){0};
}

typedef struct collecting {
	emr_session *session;
	emr_crowd *crowd;
	emr_share *share;
	emr_share_rows rows;
	emr_buf domains; /* emr_id16, ... */
	emr_buf inner;	 /* emr_id16, ...: grants that are listed with the share they belong to */
	emr_heard heard;
	bool with_inner; /* and by themselves */
	bool with_past;	 /* and what is over */
} collecting;

static void collecting_end(collecting *c)
{
	emr_share_free(c->share);
	emr_buf_free(&c->domains);
	emr_buf_free(&c->inner);
	emr_shares_free(&c->rows);
}

static emr_status add_share(collecting *c, const emr_share_row *row)
{
	emr_share_row *grown = realloc(c->rows.list, (c->rows.n + 1) * sizeof *grown);

	if (grown == NULL)
		return EMR_NO_MEMORY;
	c->rows.list = grown;
	c->rows.list[c->rows.n++] = *row;
	return EMR_OK;
}

/* ---- what the ledger has ---- */

/* Whether what DOMAIN begins with was removed. */
static bool is_deleted(const emr_session *session, emr_id16 domain)
{
	emr_replica_head head;

	return emr_replica_head_get(session->replica, domain, domain, &head) == EMR_OK &&
	       head.state != EMR_OBJECT_LIVE;
}

static emr_status note_given(void *arg, const emr_given *given)
{
	collecting *c = arg;
	const emr_row_grant *g = &given->grant.row;
	emr_share_row row = {.domain = given->grant.domain,
		.grant = given->grant.grant,
		.rights = (uint16_t)(g->rights | given->writes << 8),
		.purposes = g->purposes,
		.since_unix_s = g->not_before_unix_s,
		.until_unix_s = g->not_after_unix_s,
		.state = EMR_SHARE_CONFIRMED,
		.t = g->t,
		.n = (uint8_t)given->agents_count};
	emr_id32 root;
	emr_status status;

	if (given->phase != EMR_GRANT_IN_FORCE && given->phase != EMR_GRANT_COMING) {
		if (!c->with_past)
			return EMR_OK;
		row.state = EMR_SHARE_OVER;
		row.why_not = given->phase == EMR_GRANT_IS_REVOKED ? "revoked" : "expired";
	}
	for (size_t at = 0; at < c->inner.len; at += sizeof(emr_id16))
		if (memcmp(c->inner.data + at, given->grant.grant.b, sizeof(emr_id16)) == 0)
			row.is_inner = true;
	if (row.is_inner && !c->with_inner)
		return EMR_OK;
	row.is_deleted = is_deleted(c->session, row.domain);
	memcpy(root.b, g->grantee, sizeof root.b);
	memcpy(row.agents, given->agents, given->agents_count * sizeof *row.agents);
	status = emr_share_opens_away(
		c->share, &given->grant, given->agents, given->agents_count, &row.opens_away);
	row.opens_away =
		row.opens_away && given->agents_count - emr_heard_silent(&c->heard, given->agents,
								given->agents_count) >=
					  g->t;
	if (status == EMR_OK)
		status = emr_who_of(c->crowd, root, &row.who);
	if (status == EMR_OK) {
		row.path = emr_sharing_path(c->session, row.domain, given->label);
		status = row.path != NULL ? add_share(c, &row) : EMR_NO_MEMORY;
	}
	if (status != EMR_OK)
		free(row.path);
	return status;
}

/* One share is listed once, where it begins. */
static emr_status find_inner(collecting *c)
{
	EMR_AUTO_FREE emr_nested *tree = NULL;
	size_t n = 0;

	EMR_TRY(emr_view_inner_tree(c->session->view, &tree, &n));
	return emr_share_inner_grants(c->share, tree, n, &c->inner);
}

static emr_status collect_given(collecting *c)
{
	emr_status status = EMR_OK;

	for (size_t at = 0; at < c->domains.len && status == EMR_OK; at += sizeof(emr_id16)) {
		emr_id16 domain;

		memcpy(domain.b, c->domains.data + at, sizeof domain.b);
		status = emr_share_given(c->share, domain, note_given, c);
		if (status == EMR_NOT_FOUND || status == EMR_DENIED)
			status = EMR_OK; /* not there yet, or of a key that is not mine any more */
	}
	return status;
}

/* ---- what waits ---- */

static emr_status add_order(collecting *c, const emr_order *o)
{
	emr_share_row row = {.domain = o->domain,
		.order = *o,
		.rights = o->rights,
		.purposes = o->purposes,
		.until_unix_s = o->until_unix_s,
		.state = o->has_failed ? EMR_SHARE_FAILED : EMR_SHARE_QUEUED};
	emr_status status;

	EMR_TRY(emr_who_of(c->crowd, o->grantee, &row.who));
	row.path = emr_sharing_path(c->session, o->domain, o->label);
	status = row.path != NULL ? add_share(c, &row) : EMR_NO_MEMORY;
	if (status != EMR_OK)
		free(row.path);
	return status;
}

static void mark_ending(collecting *c, const emr_order *o)
{
	for (size_t i = 0; i < c->rows.n; i++) {
		emr_share_row *row = &c->rows.list[i];

		if (row->order.number != 0 || row->state == EMR_SHARE_OVER ||
			!emr_id16_equal(row->domain, o->domain) ||
			!emr_id32_equal(row->who.root, o->root))
			continue;
		row->order = *o;
		row->state = o->has_failed ? EMR_SHARE_FAILED : EMR_SHARE_ENDING;
	}
}

static emr_status collect_orders(collecting *c, const emr_id16 *domain)
{
	EMR_AUTO_ORDERS orders = {0};

	if (c->session->sharing == NULL)
		return EMR_OK;
	EMR_TRY(emr_sharing_orders(c->session->sharing, &orders));
	for (size_t i = 0; i < orders.n; i++) {
		const emr_order *o = &orders.list[i];

		if (domain != NULL && !emr_id16_equal(*domain, o->domain))
			continue;
		if (o->kind == EMR_ORDER_GRANT)
			EMR_TRY(add_order(c, o));
		else if (o->kind == EMR_ORDER_REVOKE)
			mark_ending(c, o);
	}
	return EMR_OK;
}

/* ---- who opened what ---- */

static emr_status note_opened(void *arg, const emr_audit_entry *entry)
{
	emr_share_rows *rows = arg;

	if (entry->kind != EMR_AUDIT_OPENED)
		return EMR_OK;
	for (size_t i = 0; i < rows->n; i++) {
		emr_share_row *row = &rows->list[i];

		if (!emr_id16_equal(row->grant, entry->grant))
			continue;
		row->opened++;
		if (entry->ledger_time > row->opened_last_unix_s)
			row->opened_last_unix_s = entry->ledger_time;
	}
	return EMR_OK;
}

static emr_status count_opened(collecting *c)
{
	for (size_t i = 0; i < c->rows.n; i++) {
		bool is_first = !emr_id16_is_zero(c->rows.list[i].grant);

		for (size_t k = 0; k < i && is_first; k++)
			is_first = emr_id16_is_zero(c->rows.list[k].grant) ||
				   !emr_id16_equal(c->rows.list[k].domain, c->rows.list[i].domain);
		if (is_first)
			EMR_TRY(emr_share_audit(
				c->share, c->rows.list[i].domain, note_opened, &c->rows, NULL));
	}
	return EMR_OK;
}

/* ---- order and ids ---- */

static int by_path(const void *a, const void *b)
{
	const emr_share_row *x = a, *y = b;
	int order = strcmp(x->path, y->path);

	if (order == 0)
		order = strcasecmp(x->who.called, y->who.called);
	return order != 0 ? order : memcmp(x->grant.b, y->grant.b, sizeof x->grant.b);
}

static void name_ids(emr_share_rows *rows)
{
	for (size_t i = 0; i < rows->n; i++) {
		char whole[ID_LETTERS_MAX + 2];
		size_t letters = ID_LETTERS_MIN;

		if (emr_id16_is_zero(rows->list[i].grant))
			continue;
		emr_base32(rows->list[i].grant.b, sizeof rows->list[i].grant.b, whole);
		for (size_t k = 0; k < rows->n; k++) {
			char other[ID_LETTERS_MAX + 2];

			emr_base32(rows->list[k].grant.b, sizeof rows->list[k].grant.b, other);
			while (k != i && letters < ID_LETTERS_MAX &&
				strncmp(whole, other, letters) == 0)
				letters++;
		}
		snprintf(rows->list[i].id, sizeof rows->list[i].id, "g-%.*s", (int)letters, whole);
	}
}

/* handle@organisation is compared as emr_who_find does. */
static bool is_called(const emr_share_row *row, const char *text)
{
	const char *at = strrchr(text, '@'), *theirs = strrchr(row->who.called, '@');
	char org[EMR_WHO_CALLED_MAX + 1], whole[ID_LETTERS_MAX + 2];

	if (strcasecmp(row->who.called, text) == 0)
		return true;
	if (strncasecmp(text, "g-", 2) == 0 && strlen(text) >= ID_LETTERS_MIN + 2 &&
		!emr_id16_is_zero(row->grant)) {
		emr_base32(row->grant.b, sizeof row->grant.b, whole);
		if (strncasecmp(whole, text + 2, strlen(text + 2)) == 0)
			return true;
	}
	if (at == NULL || theirs == NULL || at - text != theirs - row->who.called ||
		strncasecmp(text, row->who.called, (size_t)(at - text)) != 0)
		return false;
	emr_who_fold(at + 1, org, sizeof org);
	return strcmp(org, theirs + 1) == 0;
}

emr_status emr_shares_who(const emr_share_rows *rows, const emr_id16 *domain, const char *text,
	emr_who *out_who, char *out_ids, size_t size)
{
	const emr_who *found = NULL;
	bool are_several = false;

	out_ids[0] = '\0';
	for (size_t i = 0; i < rows->n; i++) {
		const emr_share_row *row = &rows->list[i];
		size_t at = strlen(out_ids);

		if ((domain != NULL && !emr_id16_equal(row->domain, *domain)) ||
			!is_called(row, text))
			continue;
		are_several = are_several || (found != NULL && !emr_who_is_same(found, &row->who));
		found = &row->who;
		if (at + strlen(row->id) + 3 < size)
			snprintf(out_ids + at, size - at, "%s%s", at > 0 ? ", " : "", row->id);
	}
	if (found == NULL)
		return EMR_NOT_FOUND;
	if (are_several)
		return EMR_CONFLICT;
	*out_who = *found;
	return EMR_OK;
}

#define ROUNDS 4

/* Collects standing and waiting shares of one moment: an order that became a grant between the two
 * looks would be in neither. */
static emr_status collect_rows(collecting *c, const emr_id16 *domain)
{
	emr_sharing *sharing = c->session->sharing;
	emr_status status = EMR_OK;
	bool is_of_one_moment = false;

	for (int round = 0; round < ROUNDS && status == EMR_OK && !is_of_one_moment; round++) {
		uint64_t before = sharing != NULL ? emr_sharing_changes(sharing) : 0;

		emr_shares_free(&c->rows);
		status = collect_given(c);
		if (status == EMR_OK)
			status = collect_orders(c, domain);
		is_of_one_moment = sharing == NULL || emr_sharing_changes(sharing) == before;
	}
	return status;
}

static emr_status collect_shares(
	collecting wanted, const emr_id16 *domain, bool with_opened, emr_share_rows *out_rows)
{
	__attribute__((cleanup(collecting_end))) collecting c = wanted;
	emr_session *session = c.session;

	emr_sharing_heard(session->sharing, &c.heard);
	EMR_TRY(emr_sharing_handle(session, &c.share));
	if (domain != NULL) {
		EMR_TRY(emr_buf_append(&c.domains, domain, sizeof *domain));
	} else {
		EMR_TRY(emr_replica_own_domains(session->replica, &c.domains));
		EMR_TRY(find_inner(&c));
	}
	EMR_TRY(collect_rows(&c, domain));
	if (with_opened)
		EMR_TRY(count_opened(&c));
	if (c.rows.n > 1)
		qsort(c.rows.list, c.rows.n, sizeof *c.rows.list, by_path);
	name_ids(&c.rows);
	emr_opening_look(session, c.crowd->now_unix_s, &c.rows);
	*out_rows = c.rows;
	c.rows = (emr_share_rows){0};
	return EMR_OK;
}

emr_status emr_shares_collect(emr_session *session, emr_crowd *crowd, const emr_id16 *domain,
	bool with_opened, emr_share_rows *out_rows)
{
	return collect_shares(
		(collecting){.session = session, .crowd = crowd}, domain, with_opened, out_rows);
}

emr_status emr_shares_collect_past(emr_session *session, emr_crowd *crowd, emr_share_rows *out_rows)
{
	return collect_shares((collecting){.session = session, .crowd = crowd, .with_past = true},
		NULL, true, out_rows);
}

emr_status emr_shares_collect_inner(
	emr_session *session, emr_crowd *crowd, emr_share_rows *out_rows)
{
	return collect_shares((collecting){.session = session, .crowd = crowd, .with_inner = true},
		NULL, false, out_rows);
}

/* ---- what ends with the folder ---- */

emr_status emr_shares_closed_json(emr_session *session, json_t **out_list, size_t *out_n)
{
	EMR_AUTO_CROWD crowd = {0};
	EMR_AUTO_SHARES rows = {0};
	json_auto_t *list = json_array();
	size_t n = 0;

	EMR_TRY(emr_crowd_open(session, &crowd));
	EMR_TRY(emr_shares_collect(session, &crowd, NULL, false, &rows));
	for (size_t i = 0; i < rows.n; i++) {
		const emr_share_row *row = &rows.list[i];

		if (row->opens_away || row->is_deleted || emr_rights_of_reading(row->rights) == 0 ||
			(row->state != EMR_SHARE_CONFIRMED && row->state != EMR_SHARE_ENDING) ||
			n++ >= EMR_SHARES_CLOSED_MAX)
			continue;
		if (json_array_append_new(list,
			    json_pack("{s:o, s:o, s:o, s:o}", "path", emr_json_text(row->path),
				    "who", emr_json_text(row->who.called), "name",
				    emr_json_text(row->who.name), "organisation",
				    emr_json_text(row->who.organisation))) != 0)
			return EMR_NO_MEMORY;
	}
	*out_list = json_incref(list);
	*out_n = n;
	return EMR_OK;
}

/* ---- words ---- */

void emr_share_state_text(const emr_share_row *row, char *out, size_t size)
{
	char cause[160];

	switch (row->state) {
	case EMR_SHARE_QUEUED:
		snprintf(out, size, "queued");
		return;
	case EMR_SHARE_CONFIRMED:
		snprintf(out, size, row->is_deleted ? "deleted" : "confirmed");
		return;
	case EMR_SHARE_ENDING:
		snprintf(out, size, "ending");
		return;
	case EMR_SHARE_FAILED:
		emr_sharing_cause(&row->order, cause, sizeof cause);
		snprintf(out, size, "failed %s", cause);
		return;
	case EMR_SHARE_OVER:
		snprintf(out, size, "over");
		return;
	}
}

json_t *emr_share_agents_json(emr_crowd *crowd, const emr_id32 *agents, unsigned n)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < n && list != NULL; i++) {
		emr_who who;
		bool is_known = emr_who_of(crowd, agents[i], &who) == EMR_OK;
		const char *text = !is_known			 ? "?"
				   : who.organisation[0] != '\0' ? who.organisation
								 : who.called;

		if (json_array_append_new(list, emr_json_text(text)) != 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

/* A waiting share says what was asked for. */
static const char *away_of(const emr_share_row *row)
{
	if (emr_rights_of_reading(row->rights) == 0)
		return "";
	return emr_away_word(emr_id16_is_zero(row->grant) ? emr_away_asked(row->rights)
							  : emr_away_of(row->rights, row->n));
}

json_t *emr_share_json(emr_crowd *crowd, const emr_share_row *row)
{
	char until[EMR_TEXT_BYTES], state[200], purposes[EMR_PURPOSES_TEXT_BYTES];

	emr_time_json((int64_t)row->until_unix_s, until);
	emr_share_state_text(row, state, sizeof state);
	emr_purposes_text(row->purposes, purposes);
	return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:s, s:s, s:s, s:I, s:s, s:o, s:i, "
			 "s:s, s:I, s:I, s:b, s:s}",
		"id", row->id, "path", emr_json_text(row->path), "who",
		emr_json_text(row->who.called), "name", emr_json_text(row->who.name),
		"organisation", emr_json_text(row->who.organisation), "says",
		emr_json_text(row->who.says), "rights", emr_rights_word(row->rights), "purpose",
		purposes, "until", until, "until_unix", (json_int_t)row->until_unix_s, "state",
		state, "released_by", emr_share_agents_json(crowd, row->agents, row->n), "needed",
		(int)row->t, "away", away_of(row), "opened", (json_int_t)row->opened,
		"opened_last_unix", (json_int_t)row->opened_last_unix_s, "opens_now",
		row->why_not[0] == '\0', "why_not", row->why_not);
}

bool emr_share_json_ids(const emr_session *session, const emr_share_row *row, json_t *one)
{
	static const char *const kinds[] = {[EMR_WHO_PERSON] = "person",
		[EMR_WHO_TEAM] = "team",
		[EMR_WHO_ORGANISATION] = "organisation"};
	char grant[33], folder[33], grantee[65], owner[65];

	emr_hex(row->grant.b, sizeof row->grant.b, grant);
	emr_hex(row->domain.b, sizeof row->domain.b, folder);
	emr_hex(row->who.root.b, sizeof row->who.root.b, grantee);
	emr_hex(session->identity.signer_id.b, sizeof session->identity.signer_id.b, owner);
	return json_object_update_new(
		       one, json_pack("{s:I, s:s, s:s, s:s, s:s, s:s}", "since_unix",
				    (json_int_t)row->since_unix_s, "grant_id",
				    emr_id16_is_zero(row->grant) ? "" : grant, "folder_id", folder,
				    "grantee_id", grantee, "owner_id", owner, "kind",
				    kinds[row->who.kind])) == 0;
}
