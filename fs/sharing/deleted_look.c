/* A share of something that was deleted is in force again as soon as it comes back. This look of
 * the office's thread tells the owner so, once. */
#include <stdlib.h>
#include <string.h>

#include "contract/codes.h"
#include "sharing/office_looks.h"
#include "sharing/shares.h"

/* Any other status ends the walk: what a domain begins with has gone. */
static emr_status is_of_deletion(void *arg, const emr_replica_change *change)
{
	bool is_root = change->family == EMR_FAMILY_OBJECT &&
		       emr_id16_equal(change->domain, change->object);

	(void)arg;
	return is_root && (change->op == EMR_OP_UNLINK || change->op == EMR_OP_ERASE) ? EMR_EXISTS
										      : EMR_OK;
}

static bool was_told(const emr_buf *told, emr_id16 grant)
{
	for (size_t at = 0; at < told->len; at += sizeof grant)
		if (memcmp(told->data + at, grant.b, sizeof grant) == 0)
			return true;
	return false;
}

static emr_status tell_deleted(const emr_visit *visit, const emr_share_row *row)
{
	emr_problem problem = {0};
	char who[900];

	emr_who_text(&row->who, who, sizeof who);
	emr_problem_set(&problem, EMR_SAY_SHARED_DELETED, "path", row->path, "who", who, "called",
		row->who.called, NULL);
	if (visit->notices != NULL)
		emr_notices_add_problem(visit->notices, &problem, row->path);
	return emr_buf_append(visit->memory, &row->grant, sizeof row->grant);
}

static emr_status look_at_shares(const emr_visit *visit)
{
	EMR_AUTO_SHARES rows = {0};
	EMR_AUTO_CROWD crowd = {0};
	emr_status status = emr_crowd_open(visit->session, &crowd);

	if (status == EMR_OK)
		status = emr_shares_collect(visit->session, &crowd, NULL, false, &rows);
	for (size_t i = 0; i < rows.n && status == EMR_OK; i++)
		if (rows.list[i].is_deleted && rows.list[i].state == EMR_SHARE_CONFIRMED &&
			!was_told(visit->memory, rows.list[i].grant))
			status = tell_deleted(visit, &rows.list[i]);
	return status;
}

emr_status emr_look_deleted(emr_visit *visit)
{
	emr_status status = visit->from == 0 ? EMR_EXISTS
					     : emr_replica_since(visit->session->replica,
						       visit->from, is_of_deletion, NULL);

	if (status != EMR_EXISTS)
		return status;
	if (visit->session->read_only ||
		emr_keyring_kind_of(visit->session->keyring) == EMR_KEYRING_DEVICE)
		return EMR_OK;
	if (visit->memory == NULL)
		visit->memory = calloc(1, sizeof(emr_buf));
	return visit->memory != NULL ? look_at_shares(visit) : EMR_NO_MEMORY;
}

void emr_look_deleted_end(void *memory)
{
	if (memory == NULL)
		return;
	emr_buf_free(memory);
	free(memory);
}
