/* A share of something that was deleted is in force again as soon as it comes back. This look of
 * the office's thread tells the owner so, once. */
#include <string.h>

#include "contract/codes.h"
#include "sharing/office_looks.h"
#include "sharing/shares.h"

/* The object that a domain begins with has gone. */
static bool is_of_deletion(const emr_replica_change *change)
{
	return change->family == EMR_FAMILY_OBJECT &&
	       emr_id16_equal(change->domain, change->object) &&
	       (change->op == EMR_OP_UNLINK || change->op == EMR_OP_ERASE);
}

static emr_status look_at_shares(const emr_visit *visit)
{
	EMR_AUTO_SHARES rows = {0};
	EMR_AUTO_CROWD crowd = {0};
	char who[900];

	EMR_TRY(emr_crowd_open(visit->session, &crowd));
	EMR_TRY(emr_shares_collect(visit->session, &crowd, NULL, 0, &rows));
	for (size_t i = 0; i < rows.n; i++) {
		const emr_share_row *row = &rows.list[i];

		if (!row->is_deleted || row->state != EMR_SHARE_CONFIRMED ||
			emr_told_has(visit->memory, row->grant))
			continue;
		emr_who_text(&row->who, who, sizeof who);
		emr_notices_add_that(visit->notices, row->path, EMR_SAY_SHARED_DELETED, "path",
			row->path, "who", who, "called", row->who.called, NULL);
		EMR_TRY(emr_buf_append(visit->memory, &row->grant, sizeof row->grant));
	}
	return EMR_OK;
}

emr_status emr_look_deleted(emr_visit *visit)
{
	bool is_due = false;
	emr_status status = emr_visit_is_due(visit, is_of_deletion, &is_due);

	if (status != EMR_OK || !is_due)
		return status;
	return emr_visit_told(visit) != NULL ? look_at_shares(visit) : EMR_NO_MEMORY;
}
