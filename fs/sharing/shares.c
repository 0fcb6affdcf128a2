/* This file lists what is shared with whom: grants on the ledger together with orders that still
 * wait, each once, with the names of people and with who opened what. Requests, which are shares
 * that wait for a yes, come from the same orders and from the ledger. */
#include "sharing/shares.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/array.h"
#include "contract/codes.h"
#include "contract/pubs_share.h"
#include "kit/out.h"
#include "org/datasets.h"
#include "share/audit.h"
#include "share/write.h"
#include "sharing/opening.h"
#include "sharing/requests.h"

#include "sharing_private.h"

#define CLOCKS_DIFFER_S 600u /* what the ledger allows */

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
	emr_share *own;	  /* a handle; NULL: SHARE is the caller's */
	emr_share *share; /* the one that is used */
	emr_orders orders;
	emr_share_rows rows;
	size_t cap;
	emr_buf inner; /* emr_id16, ...: grants that are listed with the share they belong to */
	emr_heard heard;
	unsigned with;
	bool is_asked; /* what waits for a yes, and nothing else */
} collecting;

static void collecting_end(collecting *c)
{
	emr_share_free(c->own);
	emr_orders_free(&c->orders);
	emr_buf_free(&c->inner);
	emr_shares_free(&c->rows);
}

/* Takes ROW's path; NULL: no memory was left for it. */
static emr_status add_row(collecting *c, const emr_share_row *row)
{
	if (row->path == NULL ||
		emr_array_room(&c->rows.list, c->rows.n, &c->cap, sizeof *row) != EMR_OK) {
		free(row->path);
		return EMR_NO_MEMORY;
	}
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

static emr_status note_given(collecting *c, const emr_given *given)
{
	const emr_row_grant *g = &given->grant.row;
	emr_emergency e;
	emr_share_row row = {.domain = given->grant.domain,
		.grant = given->grant.grant,
		.rights = (uint16_t)(g->rights | given->writes << 8),
		.purposes = g->purposes,
		.since_unix_s = g->not_before_unix_s,
		.until_unix_s = g->not_after_unix_s,
		.state = EMR_SHARE_CONFIRMED,
		.t = g->t,
		.n = (uint8_t)given->agents_count};

	if (!emr_phase_stands(given->phase)) {
		if ((c->with & EMR_SHARES_PAST) == 0)
			return EMR_OK;
		row.state = EMR_SHARE_OVER;
		row.why_not = given->phase == EMR_GRANT_IS_REVOKED ? "revoked" : "expired";
	}
	if (row.why_not == NULL && (g->rights & EMR_GRANT_TWO) != 0 &&
		(emr_emergency_of(c->share, &given->grant, &e) != EMR_OK ||
			emr_emergency_state_at(&e, c->crowd->now_unix_s) != EMR_EMERGENCY_OPEN))
		row.why_not = "emergency";
	row.is_inner = emr_buf_has(&c->inner, emr_bytes_of(&row.grant, sizeof row.grant));
	if (row.is_inner && (c->with & EMR_SHARES_INNER) == 0)
		return EMR_OK;
	row.is_deleted = is_deleted(c->session, row.domain);
	memcpy(row.agents, given->agents, given->agents_count * sizeof *row.agents);
	EMR_TRY(emr_share_opens_away(
		c->share, &given->grant, given->agents, given->agents_count, &row.opens_away));
	row.opens_away =
		row.opens_away && given->agents_count - emr_heard_silent(&c->heard, given->agents,
								given->agents_count) >=
					  g->t;
	EMR_TRY(emr_who_of(c->crowd, EMR_ID32_AT(g->grantee), &row.who));
	row.path = emr_sharing_path(c->session, row.domain, given->label);
	if ((g->rights & EMR_GRANT_GUARDIAN) != 0)
		EMR_TRY(emr_guardian_row_rule(c->share, c->crowd, &given->grant, &row));
	return add_row(c, &row);
}

static emr_status collect_given(collecting *c, const emr_id16 *domain)
{
	EMR_AUTO_BUF all = {0};
	emr_status status = domain == NULL ? emr_share_given_everywhere(c->share, &all)
					   : emr_share_given(c->share, *domain, &all);

	/* Not there yet, or of a key that is not mine any more. */
	EMR_TRY(status == EMR_NOT_FOUND || status == EMR_DENIED ? EMR_OK : status);
	EMR_EACH (const emr_given, given, &all)
		EMR_TRY(note_given(c, given));
	return EMR_OK;
}

/* ---- what waits ---- */

static emr_share_row row_of(const emr_order *o, emr_share_state state)
{
	return (emr_share_row){.domain = o->domain,
		.order = *o,
		.rights = o->rights,
		.purposes = o->purposes,
		.until_unix_s = o->until_unix_s,
		.last_at = o->asked_unix_s,
		.state = state};
}

static emr_status add_order(collecting *c, const emr_order *o, emr_share_state state)
{
	emr_share_row row = row_of(o, state);

	EMR_TRY(emr_who_of(c->crowd, o->grantee, &row.who));
	row.path = o->kind < EMR_ORDER_WAITS ? emr_sharing_path(c->session, o->domain, o->label)
					     : strdup(o->path);
	return add_row(c, &row);
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
	for (size_t i = 0; i < c->orders.n; i++) {
		const emr_order *o = &c->orders.list[i];

		if (domain != NULL && !emr_id16_equal(*domain, o->domain))
			continue;
		if (o->kind == EMR_ORDER_GRANT)
			EMR_TRY(add_order(
				c, o, o->has_failed ? EMR_SHARE_FAILED : EMR_SHARE_QUEUED));
		else if (o->kind == EMR_ORDER_REVOKE)
			mark_ending(c, o);
	}
	return EMR_OK;
}

/* ---- what waits for a yes ---- */

/* Where neither the book nor the ledger has anything of the asker: what the card says is the
 * asker's own word. */
static void name_asker(const emr_share_request *p, emr_who *who)
{
	if (who->name[0] != '\0' || who->says[0] != '\0' || !p->has_card)
		return;
	emr_name_says(
		emr_bytes_of(p->card.name, strlen(p->card.name)), "", who->says, sizeof who->says);
	snprintf(who->born, sizeof who->born, "%s", p->card.born);
}

static bool is_answer(const emr_writing *writing, const emr_order *asked)
{
	return writing->phase == EMR_WRITING_IN_FORCE && !emr_writing_may_change(writing) &&
	       emr_id32_equal(writing->card.signer_id, asked->grantee) &&
	       writing->since_unix_s + CLOCKS_DIFFER_S >= asked->asked_unix_s;
}

/* The ledger's word of a yes names a grant, and a right only to leave things has none: KEPT has the
 * yes that was said here, and for the asker the right itself is the answer. */
static bool has_yes(const collecting *c, const emr_order *kept)
{
	EMR_AUTO_BUF writings = {0};

	if (kept->kind == EMR_ORDER_WAITS)
		return kept->told == EMR_SHARE_REQUEST_APPROVED;
	if (kept->rights != EMR_RIGHTS_DEPOSIT ||
		emr_share_writings(c->share, &writings, NULL) != EMR_OK)
		return false;
	EMR_EACH (const emr_writing, writing, &writings)
		if (is_answer(writing, kept))
			return true;
	return false;
}

/* The asker, who wants to read a dataset, was let in since: of that the ledger has the admission.
 */
static bool is_admitted(const collecting *c, const emr_share_request *p, const char *path)
{
	emr_part_key key = {.family = EMR_FAMILY_MEMBER};
	EMR_AUTO_BUF bytes = {0};
	emr_replica_item item;
	emr_known_person asker;
	emr_membership m;
	emr_team dataset;
	char names[600];

	if (strncmp(path, EMR_DATASET_PREFIX, strlen(EMR_DATASET_PREFIX)) != 0 ||
		emr_dataset_find(c->crowd, path + strlen(EMR_DATASET_PREFIX), &dataset, names,
			sizeof names) != EMR_OK ||
		emr_replica_person(c->session->replica, p->from, &asker) != EMR_OK ||
		emr_team_reader(c->session->replica, &dataset, EMR_ID32_AT(asker.row.root), &m) !=
			EMR_OK ||
		!emr_membership_is_on(&m, c->crowd->now_unix_s))
		return false;
	emr_object_member(dataset.id.b, asker.row.root, key.object.b);
	key.version = m.row.head.version;
	return emr_replica_item_get(c->session->replica, &key, &bytes, &item) == EMR_OK &&
	       item.seq > p->seq;
}

static emr_share_state state_of(
	const collecting *c, const emr_order *asked, emr_share_request_state state)
{
	if (state == EMR_SHARE_REQUEST_OPEN)
		return asked->rights != 0 && asked->until_unix_s <= c->crowd->now_unix_s
			       ? EMR_SHARE_LATE
			       : EMR_SHARE_ASKED;
	return state == EMR_SHARE_REQUEST_APPROVED ? EMR_SHARE_APPROVED : EMR_SHARE_DENIED;
}

static emr_status note_request(collecting *c, const emr_share_request *p)
{
	const emr_order *kept = emr_orders_asked(&c->orders, p->request);
	emr_order asked = {.kind = p->is_mine ? EMR_ORDER_ASKED : EMR_ORDER_WAITS,
		.grantee = p->from,
		.request = p->request,
		.asked_unix_s = p->asked_at,
		.rights = p->rights,
		.purposes = p->purposes,
		.until_unix_s = p->until_unix_s};
	emr_share_request_state state = p->state;
	emr_share_row row;

	memcpy(asked.path, p->path, sizeof asked.path);
	if (p->is_mine && kept != NULL)
		asked = *kept;
	if (state == EMR_SHARE_REQUEST_OPEN &&
		((kept != NULL && has_yes(c, kept)) || is_admitted(c, p, asked.path)))
		state = EMR_SHARE_REQUEST_APPROVED;
	row = row_of(&asked, state_of(c, &asked, state));
	row.seq = p->seq;
	row.last_at = p->ledger_time;
	memcpy(row.words, p->reason, sizeof row.words);
	if (!p->is_mine && !emr_id32_is_zero(p->reader)) {
		EMR_AUTO_FREE char *folder = emr_sharing_path(c->session, p->domain, "?");

		EMR_TRY(emr_guardian_row_asked(c->crowd, folder, p, &row));
		return add_row(c, &row);
	}
	if (!p->is_mine)
		EMR_TRY(emr_who_at(c->crowd, p->from, p->seq, &row.who));
	else if (kept != NULL)
		EMR_TRY(emr_who_of(c->crowd, kept->grantee, &row.who));
	name_asker(p, &row.who);
	row.path = strdup(asked.path);
	return add_row(c, &row);
}

static bool is_listed(const collecting *c, emr_id16 request)
{
	for (size_t i = 0; i < c->rows.n; i++)
		if (emr_id16_equal(c->rows.list[i].order.request, request))
			return true;
	return false;
}

/* Known here only: what became of a request that a right answered, and that was taken back then. */
static bool is_closed(const collecting *c, const emr_order *o)
{
	return o->kind == EMR_ORDER_ASKED && o->rights == EMR_RIGHTS_DEPOSIT &&
	       o->told == EMR_SHARE_REQUEST_APPROVED &&
	       o->asked_unix_s + EMR_SHARE_REQUEST_ANSWERED_S > c->crowd->now_unix_s &&
	       !is_listed(c, o->request);
}

/* Also files of one's own that ask for somebody. */
static emr_status collect_asked(collecting *c)
{
	EMR_AUTO_BUF all = {0};
	emr_share_request_tally tally = {0};

	EMR_TRY(emr_share_requests(c->share, &all, &tally));
	EMR_EACH (const emr_share_request, request, &all)
		EMR_TRY(note_request(c, request));
	c->rows.held_back = tally.held_back;
	for (size_t i = 0; i < c->orders.n; i++) {
		const emr_order *o = &c->orders.list[i];

		if (emr_order_is_of_consent(o) || is_closed(c, o))
			EMR_TRY(add_order(c, o, state_of(c, o, (emr_share_request_state)o->told)));
	}
	return EMR_OK;
}

/* ---- who opened what ---- */

static void note_opened(emr_share_rows *rows, const emr_audit_entry *entry)
{
	for (size_t i = 0; i < rows->n && entry->kind == EMR_AUDIT_OPENED; i++) {
		emr_share_row *row = &rows->list[i];

		if (!emr_id16_equal(row->grant, entry->grant))
			continue;
		row->opened++;
		if (entry->ledger_time > row->opened_last_unix_s)
			row->opened_last_unix_s = entry->ledger_time;
	}
}

/* The grants of a domain stand together still, before all orders. */
static emr_status count_opened(collecting *c)
{
	const emr_share_row *former = NULL;

	for (size_t i = 0; i < c->rows.n; i++) {
		const emr_share_row *row = &c->rows.list[i];
		EMR_AUTO_BUF entries = {0};

		if (emr_id16_is_zero(row->grant))
			break;
		if (former == NULL || !emr_id16_equal(former->domain, row->domain))
			EMR_TRY(emr_share_audit(c->share, row->domain, &entries, NULL));
		EMR_EACH (const emr_audit_entry, entry, &entries)
			note_opened(&c->rows, entry);
		former = row;
	}
	return EMR_OK;
}

/* ---- all of it ---- */

/* Files ask without an entry. */
static int by_age(const emr_share_row *x, const emr_share_row *y)
{
	if (x->seq != y->seq)
		return x->seq < y->seq ? -1 : 1;
	if (x->order.asked_unix_s != y->order.asked_unix_s)
		return x->order.asked_unix_s < y->order.asked_unix_s ? -1 : 1;
	return memcmp(x->order.request.b, y->order.request.b, sizeof x->order.request.b);
}

static int in_order(const void *a, const void *b)
{
	const emr_share_row *x = a, *y = b;
	int order;

	if (x->order.kind >= EMR_ORDER_WAITS)
		return by_age(x, y);
	order = strcmp(x->path, y->path);
	if (order == 0)
		order = strcasecmp(x->who.called, y->who.called);
	return order != 0 ? order : memcmp(x->grant.b, y->grant.b, sizeof x->grant.b);
}

#define ROUNDS 4

/* Collects standing and waiting shares of one moment: an order that became a grant between the two
 * looks would be in neither. */
static emr_status collect_rows(collecting *c, const emr_id16 *domain)
{
	emr_sharing *sharing = c->session->sharing;
	bool is_of_one_moment = false;

	for (int round = 0; round < ROUNDS && !is_of_one_moment; round++) {
		uint64_t before = emr_sharing_changes(sharing);

		emr_shares_free(&c->rows);
		c->cap = 0;
		emr_orders_free(&c->orders);
		if (!c->is_asked)
			EMR_TRY(collect_given(c, domain));
		if (sharing != NULL)
			EMR_TRY(emr_sharing_orders(sharing, &c->orders));
		else if (c->is_asked) /* says what is wrong with the file of orders */
			EMR_TRY(emr_orders_load(
				c->session->keyring, c->session->state_fd, &c->orders));
		EMR_TRY(c->is_asked ? collect_asked(c) : collect_orders(c, domain));
		is_of_one_moment = emr_sharing_changes(sharing) == before;
	}
	return EMR_OK;
}

/* C's session, crowd and SHARE are set. */
static emr_status collect(collecting *c, const emr_id16 *domain, emr_share_rows *out_rows)
{
	emr_session *session = c->session;
	EMR_AUTO_FREE emr_nested *tree = NULL;
	size_t n = 0;

	emr_sharing_heard(session->sharing, &c->heard);
	if (c->share == NULL)
		EMR_TRY(emr_sharing_handle(session, &c->own));
	if (c->share == NULL)
		c->share = c->own;
	if (domain == NULL && !c->is_asked) { /* one share is listed once, where it begins */
		EMR_TRY(emr_view_inner_tree(session->view, &tree, &n));
		EMR_TRY(emr_share_inner_grants(c->share, tree, n, &c->inner));
	}
	EMR_TRY(collect_rows(c, domain));
	if ((c->with & EMR_SHARES_OPENED) != 0)
		EMR_TRY(count_opened(c));
	EMR_SORT(c->rows.list, c->rows.n, in_order);
	emr_shares_name(&c->rows);
	if (!c->is_asked)
		emr_opening_look(session, c->crowd->now_unix_s, &c->rows);
	*out_rows = c->rows;
	c->rows = (emr_share_rows){0};
	return EMR_OK;
}

emr_status emr_shares_collect(emr_session *session, emr_crowd *crowd, const emr_id16 *domain,
	unsigned with, emr_share_rows *out_rows)
{
	__attribute__((cleanup(collecting_end)))
	collecting c = {.session = session, .crowd = crowd, .with = with};

	return collect(&c, domain, out_rows);
}

emr_status emr_shares_asked(emr_session *session, emr_share *share, emr_share_rows *out_rows)
{
	EMR_AUTO_CROWD crowd = {0};
	__attribute__((cleanup(collecting_end)))
	collecting c = {.session = session, .crowd = &crowd, .share = share, .is_asked = true};

	EMR_TRY(emr_crowd_open(session, &crowd));
	return collect(&c, NULL, out_rows);
}

/* ---- what ends with the folder ---- */

emr_status emr_shares_closed_json(emr_session *session, json_t **out_list, size_t *out_n)
{
	EMR_AUTO_CROWD crowd = {0};
	EMR_AUTO_SHARES rows = {0};
	json_auto_t *list = json_array();
	size_t n = 0;

	EMR_TRY(emr_crowd_open(session, &crowd));
	EMR_TRY(emr_shares_collect(session, &crowd, NULL, 0, &rows));
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
