/* Somebody may ask a person's trustees who is not that person. This look of the office's thread
 * says at once who asks, on every computer of hers, so that she can stop it. It also says when too
 * few are left of those whom she chose. */
#include "contract/codes.h"
#include "contract/item.h"
#include "contract/pubs_share.h"
#include "keyring/letters.h"
#include "kit/text.h"
#include "replica/ask.h"
#include "sharing/office_looks.h"
#include "sharing/sharing.h"

static bool is_of_trust(const emr_replica_change *change)
{
	return change->family == EMR_FAMILY_RECOVERY || change->family == EMR_FAMILY_TRUSTEES ||
	       change->family == EMR_FAMILY_KEY || change->family == EMR_FAMILY_ORG;
}

/* A computer of hers names her key.  Nobody gives a key any more that another followed. */
static emr_status is_mine(const emr_session *session, const emr_known_recovery *one, bool *out_is)
{
	emr_known_person me, lost;

	EMR_TRY(emr_replica_person(session->replica, EMR_ID32_AT(one->row.identity), &lost));
	*out_is = false;
	if (!emr_id32_is_zero(EMR_ID32_AT(lost.row.next)))
		return EMR_OK;
	EMR_TRY(emr_replica_person(session->replica, session->identity.signer_id, &me));
	if ((me.row.roles & EMR_ROLE_READER) != 0) /* it could stop nothing */
		return EMR_OK;
	return emr_replica_is_same_person(session->replica, EMR_ID32_AT(one->row.identity),
		me.row.how == EMR_HOW_DEVICE ? EMR_ID32_AT(me.row.ref) : me.signer_id, out_is);
}

static emr_status tell(emr_visit *visit, const emr_known_recovery *one)
{
	char who[EMR_WHO_TEXT_BYTES], until[EMR_TEXT_BYTES];

	EMR_TRY(emr_who_called(visit->session, EMR_ID32_AT(one->row.signer), who));
	emr_time_text((int64_t)one->row.earliest_unix_s, until);
	emr_notices_add_that(visit->notices, "",
		emr_trustees_is_executor(one->row.trustees) ? EMR_SAY_EXECUTOR_ASKED
							    : EMR_SAY_TRUSTEES_ASKED,
		"who", who, "time", until, NULL);
	return emr_buf_append(visit->memory, &one->request, sizeof one->request);
}

/* ---- those whom she chose ---- */

/* Those of N behind the first FROM who could answer. One who is no member has a card alone, of
 * whose end nobody hears. */
static emr_status count(emr_crowd *crowd, emr_bytes item, emr_bytes part, unsigned from, unsigned n,
	unsigned *out_n)
{
	*out_n = 0;
	for (unsigned i = from; i < from + n; i++) {
		emr_id32 id;
		emr_who who;

		EMR_TRY(emr_trustee_at(item, part, i, &id));
		EMR_TRY(emr_who_of(crowd, id, &who));
		*out_n += !who.is_registered || who.is_active;
	}
	return EMR_OK;
}

static emr_status look_at(emr_visit *visit, bool of_executor, emr_bytes item, emr_bytes part)
{
	EMR_AUTO_CROWD crowd = {0};
	emr_pub_trustee_set set;
	unsigned people, agents, executor = 1;
	char have[2][24], need[2][24];
	emr_id16 told;

	if (!emr_pub_trustee_set_parse(
		    (emr_span){item.data + EMR_ITEM_BYTES, item.len - EMR_ITEM_BYTES}, &set))
		return EMR_DAMAGED;
	memcpy(told.b, item.data + 24, sizeof told.b);
	EMR_TRY(emr_crowd_open(visit->session, &crowd));
	EMR_TRY(count(&crowd, item, part, 0, set.n, &people));
	EMR_TRY(count(&crowd, item, part, set.n, set.agents, &agents));
	if (of_executor) /* who has the file */
		EMR_TRY(count(&crowd, item, part, 0, 1, &executor));
	if ((people >= set.t && agents >= set.agents_t && executor > 0) ||
		emr_told_has(visit->memory, told))
		return EMR_OK;
	snprintf(have[0], sizeof have[0], "%u", people);
	snprintf(have[1], sizeof have[1], "%u", agents);
	snprintf(need[0], sizeof need[0], "%u", set.t);
	snprintf(need[1], sizeof need[1], "%u", set.agents_t);
	emr_notices_add_that(visit->notices, "",
		of_executor ? EMR_SAY_EXECUTOR_GONE : EMR_SAY_TRUSTEES_FEW, "n", have[0], "m",
		need[0], "s", have[1], "t", need[1], NULL);
	return emr_buf_append(visit->memory, &told, sizeof told);
}

static emr_status look_at_set(emr_visit *visit, bool of_executor)
{
	EMR_AUTO_BUF item = {0};
	EMR_AUTO_BUF part = {0};
	emr_status status = emr_replica_trustees(visit->session->replica,
		visit->session->identity.signer_id, of_executor, &item, &part);

	if (status == EMR_OK)
		status = look_at(visit, of_executor, emr_buf_view(&item), emr_buf_view(&part));
	return status == EMR_NOT_FOUND || status == EMR_MISSING_DATA ? EMR_OK : status;
}

/* ---- those who ask ---- */

/* One that cannot be told hides no other. */
static emr_status tell_all(emr_visit *visit)
{
	EMR_AUTO_BUF all = {0};
	emr_status first = EMR_OK, status;

	EMR_TRY(EMR_ASK_ALL(&all, visit->session->replica, RECOVERIES));
	EMR_EACH (const emr_known_recovery, one, &all) {
		bool mine = false;

		if (one->row.head.state != EMR_RECOVERY_WAITS ||
			emr_told_has(visit->memory, one->request))
			continue;
		status = is_mine(visit->session, one, &mine);
		if (mine)
			status = tell(visit, one);
		first = first == EMR_OK ? status : first;
	}
	return first;
}

emr_status emr_look_recovery(emr_visit *visit)
{
	bool sees = false, is_due = false;
	emr_status told = EMR_OK;

	if (emr_visit_told(visit) == NULL)
		return EMR_NO_MEMORY;
	EMR_TRY(emr_visit_sees(visit, is_of_trust, &sees));
	if (sees)
		told = tell_all(visit);
	EMR_TRY(emr_visit_is_due(visit, is_of_trust, &is_due));
	if (is_due)
		EMR_TRY(look_at_set(visit, false));
	if (is_due)
		EMR_TRY(look_at_set(visit, true));
	return told;
}
