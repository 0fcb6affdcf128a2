/* This file tells which organisations could read what is granted to somebody: a person's, or those
 * of everybody who ever had a team's key, its leader included. Whoever chooses agents, cuts
 * fragments, keeps or uses them leaves out the agents of these, each by his own copy. */
#include <string.h>

#include "contract/codes.h"

#include "teams_private.h"

typedef struct nearness {
	emr_replica *replica;
	emr_id32 grantee;
	emr_buf *orgs;
} nearness;

bool share_is_near(const emr_buf *orgs, const uint8_t org[16])
{
	for (size_t at = 0; at < orgs->len; at += 16)
		if (memcmp(orgs->data + at, org, 16) == 0)
			return true;
	return false;
}

/* A key stays in its organisation, and so do those that come after it. */
static emr_status note_person(const nearness *all, const uint8_t id[32])
{
	emr_known_person person;
	emr_id32 key;
	emr_status status;

	memcpy(key.b, id, sizeof key.b);
	status = emr_replica_person(all->replica, key, &person);
	if (status != EMR_OK || share_is_near(all->orgs, person.row.org))
		return status;
	return emr_buf_append(all->orgs, person.row.org, sizeof person.row.org);
}

static emr_status note_member(void *arg, const emr_row_member *row)
{
	return note_person(arg, row->member);
}

/* By the rows alone: terms that nobody can read make nobody a stranger.  Who is out had the team's
 * key, and may have kept it. */
static emr_status note_team(void *arg, emr_id16 id, const emr_row_dataset *row)
{
	nearness *all = arg;
	emr_id32 grantee;
	emr_status status;

	emr_grantee_dataset(id.b, grantee.b);
	if (!emr_id32_equal(grantee, all->grantee))
		return EMR_OK;
	status = note_person(all, row->steward);
	return status == EMR_OK ? emr_replica_members(all->replica, id, note_member, all) : status;
}

emr_status share_near(emr_share *share, emr_id32 grantee, emr_buf *out_orgs)
{
	nearness all = {.replica = share->o.replica, .grantee = grantee, .orgs = out_orgs};
	emr_status status = note_person(&all, grantee.b);

	if (status != EMR_NOT_FOUND)
		return status;
	status = emr_replica_teams(share->o.replica, note_team, &all);
	return status == EMR_NOT_FOUND ? EMR_DAMAGED : status; /* a member without a key */
}
