/* Somebody may ask a person's trustees who is not that person. This look of the office's thread
 * says at once who asks, on every computer of hers, so that she can stop it. */
#include "contract/codes.h"
#include "kit/text.h"
#include "replica/ask.h"
#include "sharing/office_looks.h"
#include "sharing/sharing.h"

static bool is_of_recovery(const emr_replica_change *change)
{
	return change->family == EMR_FAMILY_RECOVERY;
}

/* A computer of hers names her key, or a former one. */
static emr_status is_mine(const emr_session *session, const emr_known_recovery *one, bool *out_is)
{
	emr_known_person me;

	EMR_TRY(emr_replica_person(session->replica, session->identity.signer_id, &me));
	return emr_replica_is_same_person(session->replica, EMR_ID32_AT(one->row.identity),
		me.row.how == EMR_HOW_DEVICE ? EMR_ID32_AT(me.row.ref) : me.signer_id, out_is);
}

static emr_status tell(emr_visit *visit, const emr_known_recovery *one)
{
	EMR_AUTO_CROWD crowd = {0};
	char who[EMR_WHO_TEXT_BYTES], until[EMR_TEXT_BYTES];
	emr_who asks;

	EMR_TRY(emr_crowd_open(visit->session, &crowd));
	EMR_TRY(emr_who_of(&crowd, EMR_ID32_AT(one->row.signer), &asks));
	emr_who_text(&asks, who, sizeof who);
	emr_time_text((int64_t)one->row.earliest_unix_s, until);
	emr_notices_add_that(
		visit->notices, "", EMR_SAY_TRUSTEES_ASKED, "who", who, "time", until, NULL);
	return emr_buf_append(visit->memory, &one->request, sizeof one->request);
}

emr_status emr_look_recovery(emr_visit *visit)
{
	EMR_AUTO_BUF all = {0};
	bool sees = false, mine;

	EMR_TRY(emr_visit_sees(visit, is_of_recovery, &sees));
	if (!sees)
		return EMR_OK;
	if (emr_visit_told(visit) == NULL)
		return EMR_NO_MEMORY;
	EMR_TRY(EMR_ASK_ALL(&all, visit->session->replica, RECOVERIES));
	EMR_EACH (const emr_known_recovery, one, &all) {
		if (one->row.head.state != EMR_RECOVERY_WAITS ||
			emr_told_has(visit->memory, one->request))
			continue;
		EMR_TRY(is_mine(visit->session, one, &mine));
		if (mine)
			EMR_TRY(tell(visit, one));
	}
	return EMR_OK;
}
