/* This file carries out one order to give or to take back. It first looks what the ledger has
 * already, so that an order which a crash interrupted is not done twice, and ends an older grant
 * only after the new one stands: nobody is without access in between. A yes to a request is a grant
 * that has the request's id, and so exists once, and then the word that it answers the request. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "contract/codes.h"
#include "fetch/fetch.h"
#include "replica/replica.h"
#include "session/fetching.h"
#include "share/give.h"
#include "share/request.h"
#include "share/teams.h"
#include "share/write.h"
#include "sharing/sharing.h"

#include "sharing_private.h"

#define CLOCKS_DIFFER_S 600u /* what the ledger allows */

bool clerk_is_momentary(emr_status status, uint8_t code)
{
	if (status == EMR_REFUSED)
		return code == EMR_RESULT_TIME_AHEAD || code == EMR_RESULT_EXPIRED_BATCH ||
		       code == EMR_RESULT_CONFLICT || code == EMR_RESULT_EPOCH ||
		       code == EMR_RESULT_FUNDS; /* others were paid meanwhile */
	/* A part that is missing may come back: others have it, too. */
	return emr_status_may_pass(status) || emr_status_is_moved(status) ||
	       status == EMR_MISSING_DATA;
}

typedef struct comparing {
	emr_share *share;
	const emr_order *order;
	bool is_there;
	emr_id16 grant; /* that is what the order wants, and since when */
	uint64_t ledger_time;
} comparing;

/* The request of such an order is the word of a card. */
static bool is_for_two(const emr_order *order)
{
	return (order->rights & EMR_GRANT_TWO) != 0;
}

static emr_status compare_grant(comparing *c, const emr_given *given)
{
	const emr_row_grant *row = &given->grant.row;
	/* A deposit lasts as long as the longest that was asked for. */
	const bool may_last = emr_rights_of_reading(c->order->rights) == 0 && !c->order->replaces;
	const uint64_t end = row->not_after_unix_s, asked = c->order->until_unix_s;
	bool fits = false;

	if (!emr_order_has_rule(c->order) && memcmp(row->grantee, c->order->root.b, 32) == 0 &&
		emr_phase_stands(given->phase) && emr_rights_alike(row->rights, c->order->rights) &&
		(!is_for_two(c->order) || emr_id16_equal(given->share_id, c->order->request)) &&
		emr_rights_shown(row->rights) == emr_rights_shown(c->order->rights) &&
		given->writes == emr_rights_of_writing(c->order->rights) &&
		row->purposes == c->order->purposes &&
		(end == asked || (may_last && end > asked)) &&
		given->grant.ledger_time + CLOCKS_DIFFER_S >= c->order->asked_unix_s)
		EMR_TRY(emr_share_agents_fit(
			c->share, c->order->grantee, c->order->rights, given, &fits));
	if (fits) {
		c->is_there = true;
		c->grant = given->grant.grant;
		c->ledger_time = given->grant.ledger_time;
	}
	return EMR_OK;
}

/* The grant THERE, which is called as a request, stands or is to come, and is its answer. It was
 * answered otherwise meanwhile, with no or with another folder, or taken back by who asked: one
 * request has one answer, so what was ordered here goes again (UNDO): EMR_CONFLICT. */
static emr_status answer(emr_share *share, const emr_known_grant *there, bool undo)
{
	/* Afterwards: one that was given this second has begun; one that is coming was given by a
	 * clock that is ahead of this one. */
	emr_grant_phase phase = emr_grant_phase_at(there, emr_clock_unix_s(emr_clock_system()));
	emr_status status = EMR_OK;

	if (!emr_phase_stands(phase))
		return EMR_OK;
	status = emr_share_request_approve(share, there->grant, there->domain, there->grant);
	if (status == EMR_CONFLICT && undo) {
		status = emr_share_revoke(share, there->domain, there->grant);
		emr_log(EMR_LOG_INFO, "a share that no request waits for any more was ended: %s",
			emr_status_text(status));
		return status == EMR_OK || status == EMR_DENIED ? EMR_CONFLICT : status;
	}
	/* A Consent asked, which is no request on the ledger; or it is over, and somebody was
	 * quicker. */
	return status == EMR_NOT_FOUND || status == EMR_DENIED || status == EMR_CONFLICT ? EMR_OK
											 : status;
}

/* The grant that answers a request is called as the request is: there is one, whichever of her
 * computers was quicker, and this one knows it again after a crash. EMR_EXISTS: it is on other
 * terms, or somebody else's, which answers nobody. */
static emr_status find_answer(const emr_session *session, comparing *c)
{
	emr_known_grant there;
	bool is_ordered;
	emr_status status =
		emr_replica_grant(session->replica, c->order->domain, c->order->request, &there);

	if (status != EMR_OK)
		return status == EMR_NOT_FOUND ? EMR_OK : status;
	if (memcmp(there.row.grantee, c->order->root.b, 32) != 0)
		return EMR_EXISTS;
	is_ordered = emr_rights_shown(there.row.rights) == emr_rights_shown(c->order->rights) &&
		     there.row.purposes == c->order->purposes &&
		     there.row.not_after_unix_s == c->order->until_unix_s;
	c->is_there = true;
	c->grant = there.grant;
	c->ledger_time = there.ledger_time;
	EMR_TRY(answer(c->share, &there, is_ordered));
	return is_ordered ? EMR_OK : EMR_EXISTS;
}

/* Nothing is given for a request that has its answer, or that who asked took back. */
static bool is_answered(emr_share *share, const emr_order *order)
{
	EMR_AUTO_FREE emr_share_request *asked = malloc(sizeof *asked);

	return !emr_id16_is_zero(order->request) && asked != NULL &&
	       emr_share_request_get(share, order->request, asked) == EMR_OK &&
	       asked->state != EMR_SHARE_REQUEST_OPEN;
}

/* A right to leave things has no grant: it is one for a person and a folder in any case. */
static bool has_name(const emr_order *order)
{
	return !emr_id16_is_zero(order->request) && emr_rights_of_reading(order->rights) != 0 &&
	       !is_for_two(order);
}

/* Shared is what lies inside, too. An order that the ledger refused there is told in the log, and
 * tried again at a start. */
static emr_status tie(emr_session *session, emr_share *share)
{
	EMR_AUTO_FREE emr_nested *tree = NULL;
	size_t n = 0;
	emr_status status = emr_view_inner_tree(session->view, &tree, &n);

	if (status == EMR_OK)
		status = emr_share_tie(share, tree, n, NULL);
	if (status == EMR_OK || clerk_is_momentary(status, emr_share_refusal(share)))
		return status;
	/* The share itself stands. */
	emr_log(EMR_LOG_ERROR, "a share was not carried to the folders inside it: %s",
		emr_status_text(status));
	return EMR_OK;
}

/* Those that stood before the one that is there now. Only now: nobody is without access in
 * between. */
static emr_status end_older(const comparing *c)
{
	EMR_AUTO_BUF all = {0};

	EMR_TRY(emr_share_given(c->share, c->order->domain, &all));
	EMR_EACH (const emr_given, given, &all) {
		emr_status status = EMR_OK;

		if (memcmp(given->grant.row.grantee, c->order->root.b, 32) == 0 &&
			emr_phase_stands(given->phase) &&
			emr_rights_alike(given->grant.row.rights, c->order->rights) &&
			!emr_id16_equal(given->grant.grant, c->grant) &&
			given->grant.ledger_time <= c->ledger_time)
			status = emr_share_revoke(c->share, c->order->domain, given->grant.grant);
		EMR_TRY(status == EMR_DENIED ? EMR_OK : status); /* over meanwhile */
	}
	return EMR_OK;
}

/* Granted to a dataset and not in it: of the batch the ledger took half, and we were stopped before
 * that was taken back. */
static emr_status end_half(emr_session *session, emr_share *share, comparing *c)
{
	emr_known_grant half;
	emr_team dataset;
	bool is_in = false;
	emr_status status = emr_team_of_grantee(session->replica, c->order->root, &dataset);

	if (status != EMR_OK || dataset.kind != EMR_TEAM_DATASET)
		return status == EMR_NOT_FOUND ? EMR_OK : status;
	EMR_TRY(emr_replica_grant(session->replica, c->order->domain, c->grant, &half));
	EMR_TRY(emr_dataset_has(session->replica, &dataset, &half, &is_in));
	if (is_in)
		return EMR_OK;
	c->is_there = false;
	status = emr_share_revoke(share, c->order->domain, c->grant);
	return status == EMR_DENIED ? EMR_OK : status; /* another computer of hers was quicker */
}

static emr_status grant(emr_session *session, emr_share *share, const emr_order *order,
	uint64_t kept_out, uint64_t *out_left_out)
{
	comparing c = {.share = share, .order = order};
	emr_grant_made made = {0};
	emr_grant_order terms = {.domain = order->domain,
		.grantee = order->grantee,
		.rights = emr_rights_of_reading(order->rights),
		.writes = emr_rights_of_writing(order->rights),
		.replaces = order->replaces,
		.purposes = order->purposes,
		.not_after_unix_s = order->until_unix_s,
		.label = order->label,
		.rule = emr_order_has_rule(order) ? order->reason : NULL,
		.grant = has_name(order) ? order->request : (emr_id16){{0}},
		/* By a guardian's word and her rule: the log knows it by that. */
		.share_id = is_for_two(order) || (has_name(order) && order->reason[0] != '\0')
				    ? order->request
				    : (emr_id16){{0}},
		.hours = (unsigned)strtoul(order->reason, NULL, 10)};
	struct emr_fetcher *fetcher = emr_session_fetcher(session);
	EMR_AUTO_BUF all = {0};
	emr_status status = EMR_OK;

	EMR_TRY(has_name(order) ? find_answer(session, &c)
				: emr_share_given(share, order->domain, &all));
	EMR_EACH (const emr_given, given, &all)
		EMR_TRY(compare_grant(&c, given));
	if (c.is_there)
		EMR_TRY(end_half(session, share, &c));
	if (c.is_there && !order->replaces)
		return tie(session, share);
	if (!c.is_there && is_answered(share, order))
		return EMR_CONFLICT;
	if (!c.is_there) {
		/* Files that others left there are judged first, and their descriptions may be
		 * elsewhere. */
		emr_fetcher_wait_begin(fetcher, true);
		status = emr_share_grant(share, &terms, &made);
		(void)emr_fetcher_wait_end(fetcher);
		if (has_name(order) && (status == EMR_OK || status == EMR_EXISTS))
			status = find_answer(session, &c); /* or one that came since we looked */
		c.grant = made.grant;
		*out_left_out = made.left_out + kept_out;
		c.ledger_time = UINT64_MAX;
	}
	if (status == EMR_OK && order->replaces)
		status = end_older(&c);
	return status == EMR_OK ? tie(session, share) : status;
}

/* ORDER has the domain's present name afterwards. */
static emr_status await_and_grant(
	emr_session *session, emr_share *share, emr_order *order, uint64_t *out_left_out)
{
	uint64_t kept_out = 0;

	EMR_TRY(emr_inner_await(session, order->domain, &kept_out));
	order->domain = emr_view_domain_now(session->view, order->domain);
	return grant(session, share, order, kept_out, out_left_out);
}

static emr_status revoke_from(
	emr_share *share, const emr_nested *tree, size_t nodes, emr_id16 domain, emr_id32 root)
{
	size_t n = 0;
	emr_status status = emr_share_revoke_below(share, tree, nodes, domain, root, &n);

	/* The folder is gone, its grants are not; or the ledger knows no such person, who has
	 * nothing then. */
	if (status == EMR_NOT_FOUND)
		status = emr_share_revoke_person(share, domain, root, &n);
	return status == EMR_NOT_FOUND ? EMR_OK : status;
}

/* FOLLOWED: to take back something that the ledger never got needs no ledger; for all else the copy
 * must be of now, because a grant that it does not know would stand. */
static emr_status revoke(
	emr_session *session, emr_share *share, const emr_order *order, emr_status followed)
{
	char key[40] = "D/";
	EMR_AUTO_BUF row = {0};
	EMR_AUTO_FREE emr_nested *tree = NULL;
	size_t nodes = 0;
	emr_team team;
	emr_status status;

	emr_hex(order->domain.b, sizeof order->domain.b, key + 2);
	status = emr_replica_state_get(session->replica, key, &row);
	if (status == EMR_NOT_FOUND)
		return EMR_OK;
	if (status == EMR_OK)
		status = followed;
	if (status == EMR_OK)
		status = emr_view_inner_tree(session->view, &tree, &nodes);
	if (status == EMR_OK)
		status = revoke_from(share, tree, nodes, order->domain, order->root);
	/* A team may have got another key since, and the share with it. */
	if (status == EMR_OK)
		status = emr_team_of_grantee(session->replica, order->root, &team);
	if (status == EMR_OK)
		status = emr_team_present(session->replica, &team, &team);
	if (status == EMR_OK && !emr_id32_equal(team.grantee, order->root))
		status = revoke_from(share, tree, nodes, order->domain, team.grantee);
	if (status != EMR_OK && status != EMR_NOT_FOUND)
		return status;
	/* A folder inside that became a domain of its own since the tree was looked at has got the
	 * share, and keeps it no longer. */
	emr_view_tie(session->view);
	return EMR_OK;
}

clerk_result clerk_do(emr_session *session, const emr_order *given)
{
	clerk_result result = {.status = EMR_OK};
	emr_share *share = NULL;
	emr_order order = *given;

	/* After a crash, or an answer that was lost: what the ledger has of it by now. */
	result.status = emr_sharing_begin(session, &share);
	if (share != NULL && given->kind != EMR_ORDER_GRANT)
		result.status = revoke(session, share, given, result.status);
	else if (result.status == EMR_OK)
		result.status = await_and_grant(session, share, &order, &result.left_out);
	if (share != NULL)
		result.code = emr_share_refusal(share);
	emr_share_free(share);
	result.is_momentary = clerk_is_momentary(result.status, result.code);
	if (result.status != EMR_OK)
		emr_log(EMR_LOG_WARN, "order %llu: %s", (unsigned long long)given->number,
			emr_status_text(result.status));
	return result;
}
