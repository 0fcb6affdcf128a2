/* A share can go on in place of another one: its team got another key, or other agents give it. The
 * former one may stay beside it for a while, for what is only read by it. This file tells which one
 * goes on for which, because a former share gets no keys of later records: a person who left the
 * team has its former key. */
#include <string.h>

#include "replica/ask.h"
#include "share/give.h"
#include "share/strangers.h"

#include "teams_private.h"

/* Which key stands later on the ledger decides, and not which was given something later. */
emr_status share_goes_on(
	emr_share *share, const uint8_t former[32], const uint8_t other[32], bool *out_does)
{
	emr_team first, later;
	emr_status status;

	*out_does = memcmp(former, other, 32) == 0;
	if (*out_does)
		return EMR_OK;
	status = emr_team_of_grantee(share->o.replica, EMR_ID32_AT(former), &first);
	if (status == EMR_OK)
		status = emr_team_of_grantee(share->o.replica, EMR_ID32_AT(other), &later);
	if (status == EMR_OK)
		status = emr_team_follows(share->o.replica, &later, &first, out_does);
	return status == EMR_NOT_FOUND ? EMR_OK : status; /* a person, or nobody */
}

/* The teams of all leaders are walked for a grant to one: a person is found by his key. */
emr_status share_former_key_since(emr_share *share, const emr_known_grant *grant, uint64_t *out_seq)
{
	const emr_id32 root = EMR_ID32_AT(grant->row.grantee);
	emr_known_person person;
	emr_team team;
	bool is_given_on = false;
	emr_status status = emr_replica_person(share->o.replica, root, &person);

	*out_seq = 0;
	if (status != EMR_NOT_FOUND)
		return status;
	status = emr_team_of_grantee(share->o.replica, root, &team);
	if (status == EMR_OK && !emr_id32_is_zero(share->gives_to) &&
		!emr_id32_equal(share->gives_to, root))
		status = share_goes_on(share, root.b, share->gives_to.b, &is_given_on);
	if (status == EMR_OK && !is_given_on)
		status = emr_team_followed_in(share->o.replica, &team, out_seq);
	return status == EMR_NOT_FOUND ? EMR_OK : status;
}

/* ---- given again to the same reader ---- */

/* A note that is damaged, or gone, is so for good: nobody knows what its grant belongs to (zero),
 * and it follows nothing.  The reader is the same, so nobody was let out. */
static emr_status find_share(
	emr_share *share, const emr_box_key *box, const emr_known_grant *grant, emr_id16 *out)
{
	emr_grant_note note;
	emr_status status = share_grant_note(share, box, grant, &note);

	*out = status == EMR_OK ? note.share_id : (emr_id16){{0}};
	return emr_status_may_pass(status) ? status : EMR_OK;
}

/* SHARE_ID: of FORMER. */
static emr_status follows(emr_share *share, const emr_box_key *box, const emr_known_grant *former,
	emr_id16 share_id, const emr_known_grant *grant, bool *out_does)
{
	emr_id16 other;

	if (grant->seq <= former->seq ||
		!emr_phase_stands(emr_grant_phase_at(grant, share_now(share))) ||
		memcmp(former->row.grantee, grant->row.grantee, 32) != 0)
		return EMR_OK;
	EMR_TRY(find_share(share, box, grant, &other));
	return emr_id16_equal(other, share_id)
		       ? emr_grant_is_owners(share->o.replica, grant, out_does)
		       : EMR_OK;
}

emr_status share_is_given_anew(emr_share *share, const emr_known_grant *grant, bool *out_is)
{
	EMR_AUTO_BUF all = {0};
	AUTO_BOX_KEY box = NULL;
	emr_id16 share_id;

	*out_is = false;
	EMR_TRY(emr_box_key_domain(share->o.keyring, grant->domain, &box));
	EMR_TRY(find_share(share, box, grant, &share_id));
	if (emr_id16_is_zero(share_id))
		return EMR_OK;
	EMR_TRY(EMR_ASK_ALL(&all, share->o.replica, GRANTS, .domain = grant->domain));
	EMR_EACH (const emr_known_grant, other, &all)
		if (!*out_is)
			EMR_TRY(follows(share, box, grant, share_id, other, out_is));
	return EMR_OK;
}
