/* The owner's rule says which agents may release keys while the owner's folder is closed. This file
 * puts the rule into new shares, and gives older shares again when the rule is changed. */
#include <stdio.h>
#include <string.h>

#include "kit/purposes.h"
#include "kit/text.h"
#include "share/write.h"
#include "sharing/answers.h"
#include "sharing/shares.h"

#include "sharing_private.h"

uint16_t emr_sharing_by_rule(const emr_session *session, uint16_t rights)
{
	return emr_rights_shown(rights) != 0 ? (uint16_t)(rights | session->away) : rights;
}

uint16_t emr_rights_asked(const emr_request *request)
{
	return emr_request_is_guardians(request) ? EMR_RIGHTS_GUARDIAN
	       : request->deposit		 ? EMR_RIGHTS_DEPOSIT
	       : request->write			 ? EMR_RIGHTS_WRITE
						 : EMR_RIGHTS_READ;
}

emr_status emr_rights_by_rule(
	const emr_session *session, const emr_request *request, uint16_t *out_rights)
{
	uint16_t rights = emr_rights_asked(request);
	emr_away away;

	if (request->away[0] == '\0' || emr_rights_shown(rights) == 0) {
		*out_rights = emr_sharing_by_rule(session, rights);
		return EMR_OK;
	}
	if (!emr_away_parse(request->away, &away))
		return EMR_INVALID;
	*out_rights = (uint16_t)(rights | away);
	return EMR_OK;
}

/* A standing share is given again, as it is, where RULE names other agents than those that release
 * it. */
static emr_status give_again(
	emr_session *session, const emr_share_row *row, emr_away rule, bool *out_given)
{
	emr_order order = {.kind = EMR_ORDER_GRANT,
		.domain = row->domain,
		.grantee = row->who.id,
		.root = row->who.root,
		.asked_unix_s = emr_clock_unix_s(emr_clock_system()),
		.rights = (uint16_t)((row->rights & ~EMR_AWAY_OWN) | rule),
		.purposes = row->purposes,
		.until_unix_s = row->until_unix_s,
		.replaces = true};
	const char *slash = strrchr(row->path, '/');
	uint64_t number = 0;
	emr_status status;

	*out_given = false;
	if (row->state != EMR_SHARE_CONFIRMED || emr_rights_shown(row->rights) == 0 ||
		(row->rights & EMR_GRANT_TWO) != 0 || !row->who.is_active)
		return EMR_OK;
	emr_show(slash != NULL		? slash + 1
		 : row->path[0] != '\0' ? row->path
					: EMR_EVERYTHING,
		order.label, sizeof order.label);
	snprintf(order.who, sizeof order.who, "%s", row->who.called);
	status = emr_sharing_give(session->sharing, &order, &number);
	*out_given = status == EMR_OK && number != 0;
	return status;
}

emr_status emr_answer_rule(
	emr_session *session, emr_crowd *crowd, const emr_request *request, const emr_sink *sink)
{
	EMR_AUTO_SHARES rows = {0};
	emr_away rule;
	json_int_t given = 0;
	emr_status failed = EMR_OK;

	if (!emr_away_parse(request->away, &rule))
		return EMR_INVALID;
	if (session->sharing == NULL || session->read_only)
		return EMR_READ_ONLY;
	EMR_TRY(emr_shares_collect(session, crowd, NULL, 0, &rows));
	session->away = rule;
	/* One share that cannot be given again keeps no other from the rule. */
	for (size_t i = 0; i < rows.n; i++) {
		bool is_given = false;
		emr_status one = give_again(session, &rows.list[i], rule, &is_given);

		failed = failed == EMR_OK ? one : failed;
		given += is_given;
	}
	EMR_TRY(failed);
	return emr_emit(sink, json_pack("{s:b, s:I}", "done", 1, "given", given));
}
