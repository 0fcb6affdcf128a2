/* This file tells which organisations could read a grant: those of the person, or of everybody who
 * ever had the team's key, its leader included. Each computer that chooses agents, or cuts, keeps
 * or uses fragments, leaves out the agents of these organisations, by its own copy of the ledger.
 */
#include <string.h>

#include "teams_private.h"

bool share_is_near(const emr_buf *orgs, const uint8_t org[16])
{
	for (size_t at = 0; at < orgs->len; at += 16)
		if (memcmp(orgs->data + at, org, 16) == 0)
			return true;
	return false;
}

/* By the rows alone: terms that nobody can read make nobody a stranger. A former member had the
 * team's key, and may have kept it. A key stays in its organisation, and so do those that come
 * after it. */
emr_status share_near(emr_share *share, emr_id32 grantee, emr_buf *out_orgs)
{
	near_team *known = &share->near_team;
	emr_known_person person;
	emr_replica_position at;

	EMR_TRY(emr_replica_at(share->o.replica, &at));
	if (at.size != known->size || !emr_id32_equal(grantee, known->grantee)) {
		EMR_ASK(readers, share->o.replica, READERS, .who = grantee);

		known->size = 0;
		emr_buf_clear(&known->orgs);
		while (emr_next(&readers, &person))
			if (!share_is_near(&known->orgs, person.row.org))
				EMR_TRY(emr_buf_append(
					&known->orgs, person.row.org, sizeof person.row.org));
		EMR_TRY(readers.status);
		known->grantee = grantee;
		known->size = at.size;
	}
	return emr_buf_append(out_orgs, known->orgs.data, known->orgs.len);
}

emr_status share_lets_near(emr_share *share, uint16_t rights, const emr_known_grant *grant,
	const uint8_t org[16], bool *out_lets)
{
	emr_replica_item item = {.submitter_id = share->me.signer_id};
	EMR_AUTO_BUF bytes = {0};
	emr_known_person owner;

	*out_lets = false;
	if (!share_may_be_near(rights))
		return EMR_OK;
	if (grant != NULL)
		EMR_TRY(share_item(share, EMR_FAMILY_GRANT, grant->domain, grant->grant,
			grant->row.head.version - (grant->row.head.state == EMR_GRANT_REVOKED),
			&bytes, &item));
	EMR_TRY(emr_replica_person(share->o.replica, item.submitter_id, &owner));
	*out_lets = memcmp(owner.row.org, org, sizeof owner.row.org) == 0;
	return EMR_OK;
}
