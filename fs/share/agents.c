#include "share_private.h"

#include <string.h>

#define AGENTS_CHOSEN 3u /* of which two must answer */

typedef struct choice {
	emr_share *share;
	const uint8_t *not_these[2]; /* organisations */
	uint8_t orgs[AGENTS_CHOSEN][16];
	emr_id32 *agents;
	unsigned n;
	uint64_t now;
} choice;

static emr_status consider(void *arg, const emr_known_person *person)
{
	choice *c = arg;
	bool is_active = false;
	emr_status status;

	/* Who could also read is no agent. */
	if ((person->row.roles & EMR_ROLE_AGENT) == 0 ||
		(person->row.roles & ~(EMR_ROLE_AGENT | EMR_ROLE_GATEWAY)) != 0 ||
		c->n == AGENTS_CHOSEN)
		return EMR_OK;
	for (int i = 0; i < 2; i++)
		if (memcmp(person->row.org, c->not_these[i], 16) == 0)
			return EMR_OK;
	for (unsigned i = 0; i < c->n; i++)
		if (memcmp(person->row.org, c->orgs[i], 16) == 0)
			return EMR_OK;
	status = emr_replica_person_is_active(c->share->o.replica, person, c->now, &is_active);
	if (status != EMR_OK || !is_active)
		return status;
	memcpy(c->orgs[c->n], person->row.org, 16);
	c->agents[c->n++] = person->signer_id;
	return EMR_OK;
}

emr_status share_choose_agents(emr_share *share, const emr_known_person *grantee,
	emr_id32 out_agents[EMR_AGENTS_MAX], unsigned *out_n)
{
	choice c = {.share = share, .agents = out_agents, .now = share_now(share)};
	emr_known_person me;
	emr_status status = emr_replica_person(share->o.replica, share->me.signer_id, &me);

	if (status != EMR_OK)
		return status;
	c.not_these[0] = me.row.org;
	c.not_these[1] = grantee->row.org;
	status = emr_replica_people(share->o.replica, consider, &c);
	if (status == EMR_OK)
		*out_n = c.n;
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
