/* On the owner's computer this file says yes to a guardian's request, where the owner's rule allows
 * it, and no where that person acts for the owner no more. All others the owner is asked. */
#include "sharing/requests.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "kit/language.h"
#include "kit/paths.h"
#include "kit/text.h"
#include "share/write.h"
#include "sharing/answers.h"
#include "sharing/sharing.h"

#include "sharing_private.h"

/* Whether GUARDIAN is one of everything that a share of PATH gives: of the folder in which it lies,
 * and of all with keys of their own below. */
static emr_status reaches(
	emr_session *session, emr_share *share, const char *path, emr_id32 guardian, bool *out_does)
{
	EMR_AUTO_FREE emr_nested *tree = NULL;
	EMR_AUTO_FREE emr_guardian_grant *g = malloc(sizeof *g);
	emr_path_domain d;
	size_t n = 0;
	emr_status status = g != NULL ? emr_view_domain_of(session->view, path, &d) : EMR_NO_MEMORY;

	*out_does = false;
	if (status == EMR_OK)
		status = emr_share_guardian_of(share, d.is_root ? d.own : d.domain, guardian, 0, g);
	if (status == EMR_OK)
		status = emr_view_inner_tree(session->view, &tree, &n);
	for (size_t i = 0; i < n && status == EMR_OK; i++) {
		EMR_AUTO_FREE char *inner = emr_sharing_path(session, tree[i].domain, "?");

		EMR_TRY_MEMORY(inner);
		if (emr_path_below(path, inner) != NULL)
			status = emr_share_guardian_of(share, tree[i].domain, guardian, 0, g);
	}
	*out_does = status == EMR_OK;
	return status == EMR_NOT_FOUND || status == EMR_DENIED ? EMR_OK : status;
}

/* The owner's rule alone says it: for whom else, how long, to read, for what and until when the
 * guardian may. G: who asks is one now. */
static emr_status allows(
	emr_visit *visit, const emr_share_row *row, const emr_guardian_grant *g, bool *out_allows)
{
	emr_known_person reader;
	emr_status status;

	*out_allows = false;
	if (row->state != EMR_SHARE_ASKED || row->rights != EMR_RIGHTS_READ ||
		emr_id32_equal(row->who.root, row->guardian) ||
		(row->purposes & ~g->grant.row.purposes) != 0 ||
		row->until_unix_s > g->grant.row.not_after_unix_s)
		return EMR_OK;
	status = emr_replica_person(visit->session->replica, row->who.id, &reader);
	if (status != EMR_OK)
		return status == EMR_NOT_FOUND ? EMR_OK : status;
	if (!emr_guardian_allows(g->rule, &reader, row->order.asked_unix_s, row->until_unix_s))
		return EMR_OK;
	return reaches(visit->session, visit->share, row->path, row->guardian, out_allows);
}

/* An order for it that has failed is not tried again by itself. */
static emr_status has_failed(emr_session *session, emr_id16 request, bool *out_has)
{
	EMR_AUTO_ORDERS orders = {0};

	*out_has = false;
	EMR_TRY(emr_sharing_orders(session->sharing, &orders));
	for (size_t i = 0; i < orders.n; i++)
		*out_has |= orders.list[i].kind == EMR_ORDER_GRANT && orders.list[i].has_failed &&
			    emr_id16_equal(orders.list[i].request, request);
	return EMR_OK;
}

static emr_status say_yes(emr_visit *visit, const emr_share_row *row, bool *out_answered)
{
	EMR_AUTO_FREE emr_request *yes = calloc(1, sizeof *yes);
	char guardian[EMR_WHO_TEXT_BYTES], reader[EMR_WHO_TEXT_BYTES], until[EMR_TEXT_BYTES];
	emr_problem problem = {0};
	emr_status status;

	EMR_TRY_MEMORY(yes);
	yes->ask = EMR_ASK_SHARE;
	yes->until_unix_s = row->until_unix_s;
	snprintf(yes->id, sizeof yes->id, "%s", row->whole);
	snprintf(yes->name, sizeof yes->name, "rule");
	status = emr_answer_share(visit->session, yes, NULL, &problem);
	*out_answered = status == EMR_OK || status == EMR_CONFLICT; /* it is on its way */
	if (status != EMR_OK && !*out_answered)			    /* the owner is asked */
		emr_log(EMR_LOG_WARN, "a guardian's request: %s", emr_status_text(status));
	if (status != EMR_OK)
		return emr_status_may_pass(status) ? status : EMR_OK;
	emr_who_text(&row->asker, guardian, sizeof guardian);
	emr_who_text(&row->who, reader, sizeof reader);
	emr_time_text((int64_t)row->until_unix_s, until);
	emr_notices_add_that(visit->notices, row->path, EMR_SAY_GUARDIAN_OPENED, "who", guardian,
		"called", reader, "path", row->path, "time", until, NULL);
	return EMR_OK;
}

/* Whether the key that asked is that of a guardian now, and neither ended nor followed by another.
 */
static emr_status is_guardian(
	emr_visit *visit, const emr_share_row *row, emr_guardian_grant *g, bool *out_is)
{
	emr_known_person asker;
	emr_status status = emr_replica_person(visit->session->replica, row->order.grantee, &asker);

	*out_is = false;
	if (status == EMR_OK && emr_id32_is_zero(EMR_ID32_AT(asker.row.next)))
		status = emr_replica_person_is_active(visit->session->replica, &asker,
			emr_clock_unix_s(emr_clock_system()), out_is);
	if (status == EMR_OK && *out_is)
		status =
			emr_share_guardian_of(visit->share, row->order.domain, row->guardian, 0, g);
	*out_is = *out_is && status == EMR_OK;
	return status == EMR_NOT_FOUND ? EMR_OK : status;
}

emr_status emr_guardian_answer(emr_visit *visit, const emr_share_row *row, bool *out_answered)
{
	EMR_AUTO_FREE emr_guardian_grant *g = malloc(sizeof *g);
	bool is_one = false, may = false;
	emr_status status;

	*out_answered = false;
	if (emr_id32_is_zero(row->guardian) || !emr_share_waits(row) || visit->session->read_only ||
		emr_keyring_kind_of(visit->session->keyring) == EMR_KEYRING_DEVICE)
		return EMR_OK;
	EMR_TRY_MEMORY(g);
	EMR_TRY(is_guardian(visit, row, g, &is_one));
	if (!is_one || row->path[0] == '\0') {
		status = emr_share_request_deny(visit->share, row->order.request,
			is_one ? _("The whole folder is never shared.")
			       : _("You act for this person no more."));
		*out_answered = status == EMR_OK || status == EMR_CONFLICT;
		return *out_answered ? EMR_OK : status;
	}
	EMR_TRY(allows(visit, row, g, &may));
	if (may)
		EMR_TRY(has_failed(visit->session, row->order.request, &is_one));
	return may && !is_one ? say_yes(visit, row, out_answered) : EMR_OK;
}
