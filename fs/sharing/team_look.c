/* This file is the look at teams of the office's thread: when a team got a new key, or its
 * members changed, the owner's shares with that team follow; and so do the rights to write of
 * people who go on under another key. */
#include "base/log.h"
#include "contract/codes.h"
#include "org/team_care.h"
#include "share/give.h"
#include "sharing/office_looks.h"

#include "sharing_private.h"

/* Keys or teams, or who is in them, have changed. */
static bool is_of_teams(const emr_replica_change *change)
{
	return change->family == EMR_FAMILY_KEY || change->family == EMR_FAMILY_DATASET ||
	       change->family == EMR_FAMILY_MEMBER;
}

emr_status emr_look_teams(emr_visit *visit)
{
	EMR_AUTO_FREE emr_nested *tree = NULL;
	bool is_due = false;
	uint64_t changes = 0;
	size_t n = 0;
	emr_status status = emr_visit_is_due(visit, is_of_teams, &is_due), tended = EMR_OK,
		   followed = EMR_OK;

	if (status != EMR_OK || !is_due)
		return status;
	status = emr_view_inner_tree(visit->session->view, &tree, &n);
	if (status == EMR_OK)
		status = emr_share_follow_teams(visit->share, tree, n, &changes);
	if (status == EMR_OK || status == EMR_MISSING_DATA)
		followed = emr_share_follow_writers(visit->share, NULL);
	if (changes > 0)
		emr_log(EMR_LOG_INFO, "office: %llu shares follow their team's new key",
			(unsigned long long)changes);
	/* A file that another person left in a folder, with data that is nowhere, stops no team of
	 * the owner. */
	if (status == EMR_OK || status == EMR_MISSING_DATA)
		tended = emr_teams_tend_session(visit->session);
	status = status == EMR_OK ? followed : status;
	return status == EMR_OK ? tended : status;
}
