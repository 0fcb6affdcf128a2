/* This file tells which organisations could read a grant: those of the person, or of everybody who
 * ever had the team's key, its leader included. Each computer that chooses agents, or cuts, keeps
 * or uses fragments, leaves out the agents of these organisations, by its own copy of the ledger.
 */
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
	emr_id32 key = EMR_ID32_AT(id);

	EMR_TRY(emr_replica_person(all->replica, key, &person));
	if (share_is_near(all->orgs, person.row.org))
		return EMR_OK;
	return emr_buf_append(all->orgs, person.row.org, sizeof person.row.org);
}

/* By the rows alone: terms that nobody can read make nobody a stranger. A former member had the
 * team's key, and may have kept it. */
static emr_status note_team(const nearness *all)
{
	emr_known_team team;
	EMR_ASK(teams, all->replica, TEAMS);

	while (emr_next(&teams, &team)) {
		emr_row_member member;
		emr_id32 grantee;

		emr_grantee_dataset(team.team.b, grantee.b);
		if (!emr_id32_equal(grantee, all->grantee))
			continue;
		EMR_TRY(note_person(all, team.row.steward));
		EMR_ASK(members, all->replica, MEMBERS, .team = team.team);
		while (emr_next(&members, &member))
			EMR_TRY(note_person(all, member.member));
		return members.status;
	}
	return teams.status;
}

/* ---- what was found before ---- */

typedef struct near_one {
	emr_id32 grantee;
	uint8_t org[16];
} near_one;

/* The remembered facts are of this state of the ledger, or there are none. */
static emr_status begin_memory(emr_share *share)
{
	near_teams *known = &share->near_teams;
	emr_replica_position at;

	EMR_TRY(emr_replica_at(share->o.replica, &at));
	if (at.size != known->size) {
		emr_buf_free(&known->all);
		known->size = at.size;
	}
	return EMR_OK;
}

/* Appended to OUT_ORGS.  EMR_NOT_FOUND: GRANTEE was not looked for (each team has a leader). */
static emr_status recall(const near_teams *known, emr_id32 grantee, emr_buf *out_orgs)
{
	bool is_known = false;

	EMR_EACH (const near_one, one, &known->all) {
		if (!emr_id32_equal(one->grantee, grantee))
			continue;
		is_known = true;
		if (!share_is_near(out_orgs, one->org))
			EMR_TRY(emr_buf_append(out_orgs, one->org, sizeof one->org));
	}
	return !is_known ? EMR_NOT_FOUND : EMR_OK;
}

static emr_status remember(near_teams *known, emr_id32 grantee, const emr_buf *orgs)
{
	emr_status status = EMR_OK;

	for (size_t at = 0; at < orgs->len && status == EMR_OK; at += 16) {
		near_one one = {.grantee = grantee};

		memcpy(one.org, orgs->data + at, sizeof one.org);
		status = emr_buf_append(&known->all, &one, sizeof one);
	}
	if (status != EMR_OK) /* half of it would be as good as all */
		emr_buf_free(&known->all);
	return status;
}

static emr_status near_team(emr_share *share, nearness *all)
{
	near_teams *known = &share->near_teams;
	emr_status status = begin_memory(share);

	if (status == EMR_OK)
		status = recall(known, all->grantee, all->orgs);
	if (status != EMR_NOT_FOUND)
		return status;
	status = note_team(all);
	if (status == EMR_NOT_FOUND) /* a member without a key */
		return EMR_DAMAGED;
	return status == EMR_OK ? remember(known, all->grantee, all->orgs) : status;
}

emr_status share_near(emr_share *share, emr_id32 grantee, emr_buf *out_orgs)
{
	EMR_AUTO_BUF found = {0};
	nearness all = {.replica = share->o.replica, .grantee = grantee, .orgs = &found};
	emr_status status = note_person(&all, grantee.b);

	if (status == EMR_NOT_FOUND)
		status = near_team(share, &all);
	return status == EMR_OK ? emr_buf_append(out_orgs, found.data, found.len) : status;
}
