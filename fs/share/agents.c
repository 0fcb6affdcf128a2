/* This file chooses the agents for a grant by its owner's rule, says who is left out and why, and
 * tells whether those of an older grant still fit. Nobody who could also read becomes an agent, and
 * no agent of an organisation where somebody could; but for one of the owner's own organisation,
 * where its owner has said so and fewer than two others fit.
 *
 * Where there are more than a grant takes, no agent may choose itself: a key can be made again and
 * again until its id is the lowest.  So the order is one that only the owner's computer can tell,
 * of organisations first, so that many agents of one are no more than one. */
#include "share_private.h"

#include <string.h>

#include "crypto/hpke.h"
#include "replica/ask.h"
#include "share/give.h"
#include "teams_private.h"

#define AGENTS_CHOSEN 3u /* of which two must answer */

_Static_assert((int)EMR_AWAY_OWN == (int)EMR_GRANT_OWN_AGENTS, "a rule is bits of rights");

typedef struct choice {
	emr_share *share;
	uint16_t rule;	  /* bits of emr_away */
	bool takes_mine;  /* fewer than two others fit, and the rule allows it */
	uint8_t mine[16]; /* organisation */
	emr_buf readers;  /* organisations: whoever could read */
	uint8_t orgs[AGENTS_CHOSEN][16];
	emr_id32 *agents;
	unsigned n;
	uint64_t now;
	emr_buf *left_out; /* emr_left_out, ...; may be NULL */
} choice;

static void choice_end(choice *c)
{
	emr_buf_free(&c->readers);
}
#define AUTO_CHOICE __attribute__((cleanup(choice_end))) choice

static bool is_of_chosen(const choice *c, const emr_known_person *person)
{
	for (unsigned i = 0; i < c->n; i++)
		if (memcmp(person->row.org, c->orgs[i], 16) == 0)
			return true;
	return false;
}

/* A person who could also read is no agent. */
static emr_status judge_agent(
	const choice *c, const emr_known_person *person, emr_left_out_why *out_why)
{
	bool is_active = false;
	emr_status status =
		emr_replica_person_is_active(c->share->o.replica, person, c->now, &is_active);

	bool is_mine = memcmp(person->row.org, c->mine, 16) == 0;

	*out_why = !is_active ? EMR_LEFT_OUT_OVER
		   : (person->row.roles & ~(EMR_ROLE_AGENT | EMR_ROLE_GATEWAY)) != 0
			   ? EMR_LEFT_OUT_ALSO_A_PERSON
		   : !emr_hpke_takes(person->row.x25519) ? EMR_LEFT_OUT_NO_LETTER
		   : is_mine && !c->takes_mine		 ? EMR_LEFT_OUT_YOURS
		   : !is_mine && share_is_near(&c->readers, person->row.org) ? EMR_LEFT_OUT_THEIRS
		   : is_of_chosen(c, person)				     ? EMR_LEFT_OUT_TWICE
		   : c->n == AGENTS_CHOSEN				     ? EMR_LEFT_OUT_ENOUGH
									     : EMR_LEFT_OUT_NOT;
	return status;
}

static emr_status consider_person(choice *c, const emr_known_person *person)
{
	emr_left_out left = {.agent = person->signer_id};

	EMR_TRY(judge_agent(c, person, &left.why));
	if (left.why != EMR_LEFT_OUT_NOT)
		return c->left_out != NULL ? emr_buf_append(c->left_out, &left, sizeof left)
					   : EMR_OK;
	memcpy(c->orgs[c->n], person->row.org, 16);
	c->agents[c->n++] = person->signer_id;
	return EMR_OK;
}

/* ---- in which order ---- */

typedef struct candidate {
	emr_id32 org_rank, rank;
	emr_known_person person;
} candidate;

/* A signature of the owner's that is shown to nobody: the same whenever she is asked about this
 * grantee, so that what she was told before she shared is what is done. */
static emr_status make_secret(
	const emr_share *share, const emr_known_person *grantee, emr_id32 *out)
{
	static const char label[] = "emrfs/v1/agents";
	const emr_bytes about[2] = {emr_bytes_of(label, sizeof label),
		emr_bytes_of(grantee->row.root, sizeof grantee->row.root)};
	emr_id32 message = emr_sha256_of(about, 2);
	uint8_t sig[64];
	const emr_bytes signature = emr_bytes_of(sig, sizeof sig);
	emr_status status = emr_keyring_sign(share->o.keyring, emr_signer_identity(),
		EMR_SIGN_SUBMIT, emr_bytes_of(message.b, sizeof message.b), sig);

	if (status == EMR_OK)
		*out = emr_sha256_of(&signature, 1);
	emr_wipe(sig, sizeof sig);
	return status;
}

static emr_id32 rank_of(const emr_id32 *secret, const uint8_t *id, size_t len)
{
	const emr_bytes parts[2] = {
		emr_bytes_of(secret->b, sizeof secret->b), emr_bytes_of(id, len)};

	return emr_sha256_of(parts, 2);
}

static int by_rank(const void *a, const void *b)
{
	const candidate *one = a, *other = b;
	int order = memcmp(one->org_rank.b, other->org_rank.b, sizeof one->org_rank.b);

	return order != 0 ? order : memcmp(one->rank.b, other->rank.b, sizeof one->rank.b);
}

/* Every agent as a candidate, ..., in the order that SECRET makes. */
static emr_status line_up(const emr_share *share, const emr_id32 *secret, emr_buf *out)
{
	candidate one;
	EMR_ASK(agents, share->o.replica, AGENTS);

	while (emr_next(&agents, &one.person)) {
		one.org_rank = rank_of(secret, one.person.row.org, sizeof one.person.row.org);
		one.rank = rank_of(secret, one.person.signer_id.b, sizeof(emr_id32));
		EMR_TRY(emr_buf_append(out, &one, sizeof one));
	}
	emr_buf_sort(out, sizeof one, by_rank);
	return agents.status;
}

/* One's own organisation's is taken beside one other, or none: two others are enough. */
static emr_status choose_by_rule(choice *c, const emr_buf *all)
{
	emr_buf *left_out = c->left_out;

	c->left_out = NULL;
	EMR_EACH (const candidate, one, all)
		EMR_TRY(consider_person(c, &one->person));
	c->takes_mine = c->n < 2 && (c->rule & EMR_AWAY_OWN) != 0;
	c->n = 0;
	c->left_out = left_out;
	EMR_EACH (const candidate, one, all)
		EMR_TRY(consider_person(c, &one->person));
	return EMR_OK;
}

static emr_status choose_agents(choice *c, const emr_known_person *grantee)
{
	EMR_AUTO_BUF all = {0};
	emr_known_person me;
	emr_id32 secret;
	emr_status status;

	EMR_TRY(emr_replica_person(c->share->o.replica, c->share->me.signer_id, &me));
	EMR_TRY(share_near(c->share, EMR_ID32_AT(grantee->row.root), &c->readers));
	EMR_TRY(make_secret(c->share, grantee, &secret));
	status = line_up(c->share, &secret, &all);
	emr_wipe(&secret, sizeof secret);
	EMR_TRY(status);
	c->now = share_now(c->share);
	memcpy(c->mine, me.row.org, sizeof c->mine);
	return choose_by_rule(c, &all);
}

emr_status share_choose_agents(emr_share *share, const emr_known_person *grantee, uint16_t rule,
	emr_id32 out_agents[EMR_AGENTS_MAX], unsigned *out_n, bool *out_are_own)
{
	AUTO_CHOICE c = {.share = share, .rule = rule, .agents = out_agents};

	if ((rule & EMR_AWAY_NOBODY) == 0)
		EMR_TRY(choose_agents(&c, grantee));
	*out_n = c.n;
	*out_are_own = false;
	for (unsigned i = 0; c.takes_mine && i < c.n; i++)
		*out_are_own = *out_are_own || memcmp(c.orgs[i], c.mine, sizeof c.mine) == 0;
	return EMR_OK;
}

emr_status emr_share_agents_left_out(
	emr_share *share, emr_id32 grantee, uint16_t rule, emr_buf *out)
{
	emr_id32 agents[EMR_AGENTS_MAX];
	AUTO_CHOICE c = {.share = share, .rule = rule, .agents = agents, .left_out = out};
	emr_known_person person;

	EMR_TRY(share_party(share, grantee, &person, NULL));
	return choose_agents(&c, &person);
}

/* In force, and takes letters. */
static emr_status is_in_force(emr_share *share, emr_id32 agent, bool *out_is)
{
	emr_known_person person;
	emr_status status = emr_replica_person(share->o.replica, agent, &person);

	*out_is = false;
	if (status == EMR_OK)
		status = emr_replica_person_is_active(
			share->o.replica, &person, share_now(share), out_is);
	if (status == EMR_OK)
		*out_is = *out_is && emr_hpke_takes(person.row.x25519);
	return status == EMR_NOT_FOUND ? EMR_OK : status;
}

emr_status share_agents_gone(emr_share *share, const emr_known_grant *grant, const emr_id32 *ids,
	unsigned n, emr_id32 out[EMR_AGENTS_MAX], unsigned *out_n)
{
	unsigned gone;

	EMR_TRY(share_agents_near(share, EMR_ID32_AT(grant->row.grantee), grant->row.rights, grant,
		ids, n, out, &gone));
	for (unsigned i = 0; i < n; i++) {
		bool is_left = false, is_near = false;

		for (unsigned k = 0; k < gone; k++)
			is_near = is_near || emr_id32_equal(out[k], ids[i]);
		if (!is_near)
			EMR_TRY(is_in_force(share, ids[i], &is_left));
		if (!is_near && !is_left)
			out[gone++] = ids[i];
	}
	*out_n = gone;
	return EMR_OK;
}

emr_status emr_share_opens_away(emr_share *share, const emr_known_grant *grant,
	const emr_id32 *agents, unsigned n, bool *out_opens)
{
	emr_id32 gone[EMR_AGENTS_MAX];
	unsigned gone_n = 0;

	EMR_TRY(share_agents_gone(share, grant, agents, n, gone, &gone_n));
	*out_opens = n > 0 && n - gone_n >= grant->row.t;
	return EMR_OK;
}

emr_status emr_share_agents_fit(
	emr_share *share, emr_id32 grantee, uint16_t rule, const emr_given *given, bool *out_fit)
{
	emr_id32 agents[EMR_AGENTS_MAX];
	emr_known_person person;
	unsigned n = 0, gone = 0;
	bool are_own = false;

	*out_fit = emr_given_is_deposit(given);
	if (*out_fit)
		return EMR_OK;
	EMR_TRY(share_party(share, grantee, &person, NULL));
	EMR_TRY(share_choose_agents(share, &person, rule, agents, &n, &are_own));
	EMR_TRY(share_agents_gone(
		share, &given->grant, given->agents, given->agents_count, agents, &gone));
	*out_fit = given->agents_count >= n && gone == 0 &&
		   (given->agents_count == 0 || (rule & EMR_AWAY_NOBODY) == 0) &&
		   are_own == share_may_be_near(given->grant.row.rights);
	return EMR_OK;
}

emr_status share_agents_near(emr_share *share, emr_id32 grantee, uint16_t rights,
	const emr_known_grant *grant, const emr_id32 *ids, unsigned n, emr_id32 out[EMR_AGENTS_MAX],
	unsigned *out_n)
{
	EMR_AUTO_BUF readers = {0};
	unsigned near = 0;

	if (n > EMR_AGENTS_MAX)
		return EMR_INVALID;
	if (n > 0)
		EMR_TRY(share_near(share, grantee, &readers));
	for (unsigned i = 0; i < n; i++) {
		emr_known_person agent;
		bool is_let = false;
		emr_status status = emr_replica_person(share->o.replica, ids[i], &agent);

		if (status != EMR_OK && status != EMR_NOT_FOUND)
			return status;
		if (status == EMR_NOT_FOUND || !share_is_near(&readers, agent.row.org))
			continue;
		/* The owner has said so, of an organisation whose reader is in it, too. */
		EMR_TRY(share_lets_near(share, rights, grant, agent.row.org, &is_let));
		if (out != NULL && !is_let)
			out[near] = ids[i];
		near += !is_let;
	}
	*out_n = near;
	return EMR_OK;
}

/* How many fragments there are the grant says: what such an agent would have is cut all the same,
 * and sealed to bytes that are no one's key.  So is that of an agent whose key takes no letter: the
 * others get theirs. */
static void seal_to_nobody(const emr_id32 *near, unsigned n, emr_agent *one)
{
	bool gets_none = !emr_hpke_takes(one->x25519);

	for (unsigned i = 0; i < n; i++)
		gets_none = gets_none || emr_id32_equal(near[i], one->id);
	if (gets_none)
		memcpy(one->x25519, emr_id32_random().b, sizeof one->x25519);
}

emr_status share_agents(emr_share *share, emr_id32 grantee, uint16_t rights, const emr_id32 *ids,
	unsigned n, emr_agent out[EMR_AGENTS_MAX])
{
	emr_known_person person;
	emr_id32 near[EMR_AGENTS_MAX];
	unsigned near_n = 0;

	EMR_TRY(share_agents_near(share, grantee, rights, NULL, ids, n, near, &near_n));
	for (unsigned i = 0; i < n; i++) {
		EMR_TRY(emr_replica_person(share->o.replica, ids[i], &person));
		if ((person.row.roles & EMR_ROLE_AGENT) == 0)
			return EMR_INVALID;
		out[i].id = ids[i];
		memcpy(out[i].x25519, person.row.x25519, 32);
		seal_to_nobody(near, near_n, &out[i]);
	}
	return EMR_OK;
}
