/* A share can go on in place of another one: its team got another key, or other agents give it. The
 * former one may stay beside it for a while, for what is only read by it. This file tells which one
 * goes on for which, because what is former gets no keys of what is written from then on: whoever
 * left the team has its former key. */
#include <string.h>

#include "share/strangers.h"

#include "teams_private.h"

/* Two teams are keys of one when the same team is in their place now, and of these the one that
 * stands later on the ledger is the later key, whichever was given something later. */
emr_status share_goes_on(
	emr_share *share, const uint8_t former[32], const uint8_t other[32], bool *out_does)
{
	const uint8_t *grantees[2] = {former, other};
	emr_team teams[2], present[2];
	emr_status status = EMR_OK;

	*out_does = memcmp(former, other, 32) == 0;
	if (*out_does)
		return EMR_OK;
	for (int i = 0; i < 2 && status == EMR_OK; i++) {
		emr_id32 grantee;

		memcpy(grantee.b, grantees[i], sizeof grantee.b);
		status = emr_team_of_grantee(share->o.replica, grantee, &teams[i]);
		if (status == EMR_OK)
			status = emr_team_present(share->o.replica, &teams[i], &present[i]);
	}
	if (status == EMR_OK && emr_id16_equal(present[0].id, present[1].id))
		status = emr_team_stands_before(
			share->o.replica, teams[0].id, teams[1].id, out_does);
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
	uint64_t seq, now;   /* of the former one; the time */
	bool is_team;	     /* so it is: a person has one key, whatever follows it in the chain */
	bool is_another_key; /* only what is to a later key counts */
	uint64_t found;	     /* since when the first that follows does; 0: none does */
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

/* What has the same key follows what stands before it; a later key follows from the moment that
 * both are there, also where the former one was given last.  The notes come before the teams: for
 * those all teams are walked. */
static emr_status compare(void *arg, const emr_known_grant *grant)
{
	seeking *s = arg;
	const bool is_same_key = memcmp(s->former->row.grantee, grant->row.grantee, 32) == 0;
	belonging of = {.is_known = false};
	bool is_it = false;
	uint64_t seq = 0, since;
	emr_status status;

	if (!is_alive(s, grant) || emr_id16_equal(grant->grant, s->former->grant) ||
		(is_same_key ? s->is_another_key : !s->is_team))
		return EMR_OK;
	status = share_grant_seq(s->share, grant, &seq);
	since = seq > s->seq ? seq : s->seq;
	if (status != EMR_OK || (is_same_key && seq <= s->seq) ||
		(s->found != 0 && since >= s->found))
		return status;
	status = look_where_it_belongs(s, grant, &of);
	if (status != EMR_OK || !may_follow(s, grant, &of))
		return status;
	status = emr_grant_is_owners(s->share->o.replica, grant, &is_it);
	if (status == EMR_OK && is_it)
		status =
			share_goes_on(s->share, s->former->row.grantee, grant->row.grantee, &is_it);
	if (status == EMR_OK && is_it)
		s->found = since;
	return status;
}

static emr_status look_who_reads(seeking *s)
{
	emr_known_person person;
	emr_id32 root;
	emr_status status;

	memcpy(root.b, s->former->row.grantee, sizeof root.b);
	status = emr_replica_person(s->share->o.replica, root, &person);
	s->is_team = status == EMR_NOT_FOUND;
	return s->is_team ? EMR_OK : status;
}

static emr_status seek(seeking *s)
{
	emr_share *share = s->share;
	emr_status status = look_who_reads(s);

	if (status != EMR_OK || (s->is_another_key && !s->is_team))
		return status;
	s->now = share_now(share);
	status = emr_box_key_domain(share->o.keyring, s->former->domain, &s->box);
	if (status == EMR_OK)
		status = look_where_it_belongs(s, s->former, &s->of);
	if (status == EMR_OK)
		status = share_grant_seq(share, s->former, &s->seq);
	if (status == EMR_OK)
		status = emr_replica_grants(share->o.replica, s->former->domain, compare, s);
	emr_box_key_free(s->box);
	return status;
}

emr_status share_followed_since(emr_share *share, const emr_known_grant *grant, uint64_t *out_seq)
{
	seeking s = {.share = share, .former = grant};
	emr_status status = seek(&s);

	*out_seq = status == EMR_OK ? s.found : 0;
	return status;
}

emr_status share_has_former_key(emr_share *share, const emr_known_grant *grant, bool *out_has)
{
	seeking s = {.share = share, .former = grant, .is_another_key = true};
	emr_status status = seek(&s);

	*out_has = status == EMR_OK && s.found != 0;
	return status;
}
