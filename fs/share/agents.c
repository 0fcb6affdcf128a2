/* This file chooses the agents for a grant, says who is left out and why, and tells whether
 * those of an older grant still fit. Nobody who could also read becomes an agent. */
#include "share_private.h"

#include <string.h>

#include "share/give.h"
#include "teams_private.h"

#define AGENTS_CHOSEN 3u /* of which two must answer */

typedef struct choice {
	emr_share *share;
	const uint8_t *mine, *grantees; /* organisations */
	uint8_t orgs[AGENTS_CHOSEN][16];
	emr_id32 *agents;
	unsigned n;
	uint64_t now;
	emr_left_out_fn fn; /* may be NULL */
	void *arg;
} choice;

static bool is_of_chosen(const choice *c, const emr_known_person *person)
{
	for (unsigned i = 0; i < c->n; i++)
		if (memcmp(person->row.org, c->orgs[i], 16) == 0)
			return true;
	return false;
}

/* Who could also read is no agent. */
static emr_status judge(const choice *c, const emr_known_person *person, emr_left_out_why *out_why)
{
	bool is_active = false;
	emr_status status =
		emr_replica_person_is_active(c->share->o.replica, person, c->now, &is_active);

	*out_why = !is_active ? EMR_LEFT_OUT_OVER
		   : (person->row.roles & ~(EMR_ROLE_AGENT | EMR_ROLE_GATEWAY)) != 0
			   ? EMR_LEFT_OUT_ALSO_A_PERSON
		   : memcmp(person->row.org, c->mine, 16) == 0	   ? EMR_LEFT_OUT_YOURS
		   : memcmp(person->row.org, c->grantees, 16) == 0 ? EMR_LEFT_OUT_THEIRS
		   : is_of_chosen(c, person)			   ? EMR_LEFT_OUT_TWICE
		   : c->n == AGENTS_CHOSEN			   ? EMR_LEFT_OUT_ENOUGH
								   : EMR_LEFT_OUT_NOT;
	return status;
}

static emr_status consider(void *arg, const emr_known_person *person)
{
	choice *c = arg;
	emr_left_out_why why;
	emr_status status;

	if ((person->row.roles & EMR_ROLE_AGENT) == 0)
		return EMR_OK;
	status = judge(c, person, &why);
	if (status != EMR_OK)
		return status;
	if (why != EMR_LEFT_OUT_NOT)
		return c->fn != NULL ? c->fn(c->arg, person->signer_id, why) : EMR_OK;
	memcpy(c->orgs[c->n], person->row.org, 16);
	c->agents[c->n++] = person->signer_id;
	return EMR_OK;
}

static emr_status choose(choice *c, const emr_known_person *grantee)
{
	emr_known_person me;
	emr_status status = emr_replica_person(c->share->o.replica, c->share->me.signer_id, &me);

	if (status != EMR_OK)
		return status;
	c->now = share_now(c->share);
	c->mine = me.row.org;
	c->grantees = grantee->row.org;
	return emr_replica_people(c->share->o.replica, consider, c);
}

emr_status share_choose_agents(emr_share *share, const emr_known_person *grantee,
	emr_id32 out_agents[EMR_AGENTS_MAX], unsigned *out_n)
{
	choice c = {.share = share, .agents = out_agents};
	emr_status status = choose(&c, grantee);

	if (status == EMR_OK)
		*out_n = c.n;
	return status;
}

emr_status emr_share_agents_left_out(
	emr_share *share, emr_id32 grantee, emr_left_out_fn fn, void *arg)
{
	emr_id32 agents[EMR_AGENTS_MAX];
	choice c = {.share = share, .agents = agents, .fn = fn, .arg = arg};
	emr_known_person person;
	emr_status status = share_party(share, grantee, &person, NULL);

	return status == EMR_OK ? choose(&c, &person) : status;
}

emr_status emr_share_agents_fit(
	emr_share *share, emr_id32 grantee, const emr_given *given, bool *out_fit)
{
	emr_id32 agents[EMR_AGENTS_MAX];
	emr_known_person person;
	unsigned n = 0;
	emr_status status = share_party(share, grantee, &person, NULL);

	*out_fit = true;
	if (emr_given_is_deposit(given))
		return EMR_OK;
	if (status == EMR_OK)
		status = share_choose_agents(share, &person, agents, &n);
	*out_fit = given->agents_count >= n;
	for (unsigned i = 0; i < given->agents_count && status == EMR_OK && *out_fit; i++) {
		status = emr_replica_person(share->o.replica, given->agents[i], &person);
		if (status == EMR_OK)
			status = emr_replica_person_is_active(
				share->o.replica, &person, share_now(share), out_fit);
		if (status == EMR_NOT_FOUND) {
			*out_fit = false;
			status = EMR_OK;
		}
	}
	return status;
}

emr_status share_agents(
	emr_share *share, const emr_id32 *ids, unsigned n, emr_agent out[EMR_AGENTS_MAX])
{
	emr_known_person person;
	emr_status status = n <= EMR_AGENTS_MAX ? EMR_OK : EMR_INVALID;

	for (unsigned i = 0; i < n && status == EMR_OK; i++) {
		status = emr_replica_person(share->o.replica, ids[i], &person);
		if (status != EMR_OK)
			break;
		if ((person.row.roles & EMR_ROLE_AGENT) == 0)
			return EMR_INVALID;
		out[i].id = ids[i];
		memcpy(out[i].x25519, person.row.x25519, 32);
	}
	return status;
}
