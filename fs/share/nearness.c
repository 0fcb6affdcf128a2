/* This file tells which organisations could read what is granted to somebody: a person's, or those
 * of everybody who ever had a team's key, its leader included. Whoever chooses agents, cuts
 * fragments, keeps or uses them leaves out the agents of these, each by his own copy. */
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "contract/codes.h"

#include "teams_private.h"

typedef struct nearness {
	emr_replica *replica;
	emr_id32 grantee;
	uint8_t (*roots)[32]; /* first keys, sorted before they are looked for; owned */
	size_t n, cap;
	emr_buf *orgs;
} nearness;

static void nearness_end(nearness *all)
{
	free(all->roots);
}

static emr_status note_root(nearness *all, const uint8_t root[32])
{
	if (emr_array_room(&all->roots, all->n, &all->cap, sizeof *all->roots) != EMR_OK)
		return EMR_NO_MEMORY;
	memcpy(all->roots[all->n++], root, 32);
	return EMR_OK;
}

static int by_bytes(const void *a, const void *b)
{
	return memcmp(a, b, 32);
}

static emr_status note_member(void *arg, const emr_row_member *row)
{
	return note_root(arg, row->member);
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
	status = note_root(all, row->steward);
	return status == EMR_OK ? emr_replica_members(all->replica, id, note_member, all) : status;
}

/* A steward's row has the key that he signed with, which may be a later one of his. */
static emr_status note_org(void *arg, const emr_known_person *person)
{
	nearness *all = arg;
	const uint8_t *org = person->row.org;
	bool is_one = bsearch(person->row.root, all->roots, all->n, 32, by_bytes) != NULL ||
		      bsearch(person->signer_id.b, all->roots, all->n, 32, by_bytes) != NULL;

	return !is_one || share_is_near(all->orgs, org)
		       ? EMR_OK
		       : emr_buf_append(all->orgs, org, sizeof person->row.org);
}

bool share_is_near(const emr_buf *orgs, const uint8_t org[16])
{
	for (size_t at = 0; at < orgs->len; at += 16)
		if (memcmp(orgs->data + at, org, 16) == 0)
			return true;
	return false;
}

emr_status share_near(emr_share *share, emr_id32 grantee, emr_buf *out_orgs)
{
	__attribute__((cleanup(nearness_end)))
	nearness all = {.replica = share->o.replica, .grantee = grantee, .orgs = out_orgs};
	emr_status status = note_root(&all, grantee.b);

	if (status == EMR_OK)
		status = emr_replica_teams(share->o.replica, note_team, &all);
	if (status != EMR_OK)
		return status;
	qsort(all.roots, all.n, sizeof *all.roots, by_bytes);
	return emr_replica_people(share->o.replica, note_org, &all);
}
