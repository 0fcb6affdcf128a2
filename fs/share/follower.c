/* A share can go on in place of another one: its team got another key, or other agents give it. The
 * former one may stay beside it for a while, for what is only read by it. This file tells which one
 * goes on for which, because a former share gets no keys of later records: a person who left the
 * team has its former key. */
#include <string.h>

#include "share/strangers.h"

#include "teams_private.h"

static emr_status team_of(emr_share *share, const uint8_t grantee[32], emr_team *out)
{
	emr_id32 id = EMR_ID32_AT(grantee);

	return emr_team_of_grantee(share->o.replica, id, out);
}

/* Which key stands later on the ledger decides, and not which was given something later. */
emr_status share_goes_on(
	emr_share *share, const uint8_t former[32], const uint8_t other[32], bool *out_does)
{
	emr_team first, later;
	emr_status status;

	*out_does = memcmp(former, other, 32) == 0;
	if (*out_does)
		return EMR_OK;
	status = team_of(share, former, &first);
	if (status == EMR_OK)
		status = team_of(share, other, &later);
	if (status == EMR_OK)
		status = emr_team_follows(share->o.replica, &later, &first, out_does);
	return status == EMR_NOT_FOUND ? EMR_OK : status; /* a person, or nobody */
}

/* The teams of all leaders are walked for a grant to one: a person is found by his key. */
emr_status share_former_key_since(emr_share *share, const emr_known_grant *grant, uint64_t *out_seq)
{
	emr_known_person person;
	emr_id32 root;
	emr_team team;
	bool is_given_on = false;
	emr_status status;

	*out_seq = 0;
	memcpy(root.b, grant->row.grantee, sizeof root.b);
	status = emr_replica_person(share->o.replica, root, &person);
	if (status != EMR_NOT_FOUND)
		return status;
	status = team_of(share, root.b, &team);
	if (status == EMR_OK && !emr_id32_is_zero(share->gives_to) &&
		!emr_id32_equal(share->gives_to, root))
		status = share_goes_on(share, root.b, share->gives_to.b, &is_given_on);
	if (status == EMR_OK && !is_given_on)
		status = emr_team_followed_in(share->o.replica, &team, out_seq);
	return status == EMR_NOT_FOUND ? EMR_OK : status;
}

/* ---- given again to the same reader ---- */

typedef struct seeking {
	emr_share *share;
	const emr_known_grant *former;
	emr_box_key *box;
	emr_id16 share_id; /* of the former one */
	uint64_t seq, now; /* of the former one; the time */
	bool is_found;
} seeking;

/* A note that is damaged, or gone, is so for good: nobody knows what its grant belongs to, and it
 * follows nothing.  The reader is the same, so nobody was let out. */
static emr_status look_where_it_belongs(
	const seeking *s, const emr_known_grant *grant, emr_id16 *out_share, bool *out_is_known)
{
	emr_grant_note note;
	emr_status status = share_grant_note(s->share, s->box, grant, &note);

	if (emr_status_may_pass(status))
		return status;
	*out_is_known = status == EMR_OK;
	if (status == EMR_OK)
		*out_share = note.share_id;
	return EMR_OK;
}

static emr_status compare(void *arg, const emr_known_grant *grant)
{
	seeking *s = arg;
	emr_grant_phase phase = emr_grant_phase_at(grant, s->now);
	bool is_known = false, is_hers = false;
	uint64_t seq = 0;
	emr_id16 share_id;
	emr_status status;

	if (s->is_found || (phase != EMR_GRANT_IN_FORCE && phase != EMR_GRANT_COMING) ||
		memcmp(s->former->row.grantee, grant->row.grantee, 32) != 0)
		return EMR_OK;
	EMR_TRY(share_grant_seq(s->share, grant, &seq));
	if (seq <= s->seq)
		return EMR_OK;
	status = look_where_it_belongs(s, grant, &share_id, &is_known);
	if (status == EMR_OK && is_known && emr_id16_equal(share_id, s->share_id))
		status = emr_grant_is_owners(s->share->o.replica, grant, &is_hers);
	s->is_found = status == EMR_OK && is_hers;
	return status;
}

emr_status share_is_given_anew(emr_share *share, const emr_known_grant *grant, bool *out_is)
{
	seeking s = {.share = share, .former = grant, .now = share_now(share)};
	bool is_known = false;
	AUTO_BOX_KEY box = NULL;

	*out_is = false;
	EMR_TRY(emr_box_key_domain(share->o.keyring, grant->domain, &box));
	s.box = box;
	EMR_TRY(look_where_it_belongs(&s, grant, &s.share_id, &is_known));
	if (!is_known)
		return EMR_OK;
	EMR_TRY(share_grant_seq(share, grant, &s.seq));
	EMR_TRY(emr_replica_grants(share->o.replica, grant->domain, compare, &s));
	*out_is = s.is_found;
	return EMR_OK;
}
