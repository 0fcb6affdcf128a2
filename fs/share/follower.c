/* A share can go on in place of another one: its team got another key, or other agents give it. The
 * former one may stay beside it for a while, for what is only read by it. This file tells which one
 * goes on for which, because what is former gets no keys of what is written from then on: whoever
 * left the team has its former key. */
#include <string.h>

#include "share/strangers.h"

#include "teams_private.h"

/* Two teams are keys of one when the same team is in their place now; which was first, the places
 * of grants say. */
emr_status share_is_one_reader(
	emr_share *share, const uint8_t a[32], const uint8_t b[32], bool *out_is)
{
	const uint8_t *grantees[2] = {a, b};
	emr_team present[2];
	emr_status status = EMR_OK;

	*out_is = memcmp(a, b, 32) == 0;
	for (int i = 0; i < 2 && status == EMR_OK && !*out_is; i++) {
		emr_id32 grantee;
		emr_team team;

		memcpy(grantee.b, grantees[i], sizeof grantee.b);
		status = emr_team_of_grantee(share->o.replica, grantee, &team);
		if (status == EMR_OK)
			status = emr_team_present(share->o.replica, &team, &present[i]);
	}
	if (status == EMR_OK && !*out_is)
		*out_is = emr_id16_equal(present[0].id, present[1].id);
	return status == EMR_NOT_FOUND ? EMR_OK : status; /* a person, or nobody */
}

/* Of which share a grant is, as its note says. */
typedef struct belonging {
	emr_id16 share_id;
	bool is_known;
} belonging;

typedef struct seeking {
	emr_share *share;
	const emr_known_grant *former;
	emr_box_key *box;
	belonging of;
	uint64_t seq, now; /* of the former one; the time */
	uint64_t found;	   /* where the first that follows stands; 0: none does */
} seeking;

static bool is_alive(const seeking *s, const emr_known_grant *grant)
{
	emr_grant_phase phase = emr_grant_phase_at(grant, s->now);

	return phase == EMR_GRANT_IN_FORCE || phase == EMR_GRANT_COMING;
}

/* A note that is damaged, or gone, is so for good: nobody knows what its grant belongs to. */
static emr_status look_where_it_belongs(
	const seeking *s, const emr_known_grant *grant, belonging *out)
{
	emr_grant_note note;
	emr_status status = share_grant_note(s->share, s->box, grant, &note);

	if (emr_status_may_pass(status))
		return status;
	*out = (belonging){.is_known = status == EMR_OK};
	if (status == EMR_OK)
		out->share_id = note.share_id;
	return EMR_OK;
}

/* What is known to be another share follows nothing.  Where that cannot be known, a grant to
 * another key of the same team is taken for the one that follows: the former key may be with who
 * was let out, and what is withheld from it is in the later one.  A grant to the same key has no
 * such danger. */
static bool may_follow(const seeking *s, const emr_known_grant *grant, const belonging *of)
{
	return s->of.is_known && of->is_known
		       ? emr_id16_equal(s->of.share_id, of->share_id)
		       : memcmp(s->former->row.grantee, grant->row.grantee, 32) != 0;
}

/* The notes come before the teams: for those all teams are walked. */
static emr_status compare(void *arg, const emr_known_grant *grant)
{
	seeking *s = arg;
	belonging of = {.is_known = false};
	bool is_it = false;
	uint64_t seq = 0;
	emr_status status;

	if (!is_alive(s, grant) || emr_id16_equal(grant->grant, s->former->grant))
		return EMR_OK;
	status = share_grant_seq(s->share, grant, &seq);
	if (status != EMR_OK || seq <= s->seq || (s->found != 0 && seq > s->found))
		return status;
	status = look_where_it_belongs(s, grant, &of);
	if (status != EMR_OK || !may_follow(s, grant, &of))
		return status;
	status = emr_grant_is_owners(s->share->o.replica, grant, &is_it);
	if (status == EMR_OK && is_it)
		status = share_is_one_reader(
			s->share, s->former->row.grantee, grant->row.grantee, &is_it);
	if (status == EMR_OK && is_it)
		s->found = seq;
	return status;
}

emr_status share_followed_since(emr_share *share, const emr_known_grant *grant, uint64_t *out_seq)
{
	seeking s = {.share = share, .former = grant, .now = share_now(share)};
	emr_status status = emr_box_key_domain(share->o.keyring, grant->domain, &s.box);

	*out_seq = 0;
	if (status == EMR_OK)
		status = look_where_it_belongs(&s, grant, &s.of);
	if (status == EMR_OK)
		status = share_grant_seq(share, grant, &s.seq);
	if (status == EMR_OK)
		status = emr_replica_grants(share->o.replica, grant->domain, compare, &s);
	emr_box_key_free(s.box);
	if (status == EMR_OK)
		*out_seq = s.found;
	return status;
}
