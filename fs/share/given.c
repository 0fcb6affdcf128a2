#include "share/give.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"

#include "share_private.h"

/* ---- revoking ---- */

static emr_status send_revoke(emr_share *share, emr_id16 domain, emr_id16 grant)
{
	emr_act act = emr_act_revoke(domain, grant, 0);
	AUTO_PARCEL p = {0};
	emr_status status = parcel_begin(share, emr_signer_domain(domain, SHARE_GEN), &p);

	if (status == EMR_OK)
		status = parcel_prepare(&p, &act);
	if (status == EMR_OK)
		status = parcel_add(&p, &act, NULL);
	return status == EMR_OK ? parcel_send(&p) : status;
}

emr_status emr_share_revoke(emr_share *share, emr_id16 domain, emr_id16 grant)
{
	emr_row_domain row;
	emr_domain_public public;
	emr_known_grant known;
	emr_status status = share_catch_up(share);

	if (status == EMR_OK)
		status = share_own_domain(share, domain, &row, &public);
	if (status == EMR_OK)
		status = emr_replica_grant(share->o.replica, domain, grant, &known);
	if (status != EMR_OK)
		return status;
	if (known.row.head.state == EMR_GRANT_REVOKED)
		return EMR_DENIED;
	return send_revoke(share, domain, grant);
}

typedef struct of_person {
	emr_id32 grantee;
	uint64_t now;
	emr_id16 *grants;
	size_t n;
} of_person;

static emr_status note_grant(void *arg, const emr_known_grant *grant)
{
	of_person *o = arg;
	emr_grant_phase phase = emr_grant_phase_at(grant, o->now);
	emr_id16 *grown;

	if (memcmp(grant->row.grantee, o->grantee.b, 32) != 0 ||
		(phase != EMR_GRANT_IN_FORCE && phase != EMR_GRANT_COMING))
		return EMR_OK;
	grown = realloc(o->grants, (o->n + 1) * sizeof *grown);
	if (grown == NULL)
		return EMR_NO_MEMORY;
	o->grants = grown;
	o->grants[o->n++] = grant->grant;
	return EMR_OK;
}

emr_status emr_share_revoke_person(
	emr_share *share, emr_id16 domain, emr_id32 grantee, size_t *out_n)
{
	of_person o = {.now = share_now(share)};
	emr_known_person person;
	emr_status status = share_catch_up(share);

	if (status == EMR_OK)
		status = emr_replica_person(share->o.replica, grantee, &person);
	if (status != EMR_OK)
		return status;
	memcpy(o.grantee.b, person.row.root, 32);
	status = emr_replica_grants(share->o.replica, domain, note_grant, &o);
	for (size_t i = 0; i < o.n && status == EMR_OK; i++)
		status = emr_share_revoke(share, domain, o.grants[i]);
	free(o.grants);
	if (status == EMR_OK)
		*out_n = o.n;
	return status;
}

/* ---- the list ---- */

typedef struct listing {
	emr_share *share;
	emr_box_key *box;
	uint64_t now;
	emr_given_fn fn;
	void *arg;
} listing;

static void read_note(const listing *l, emr_given *given)
{
	AUTO_GRANT_FACTS facts = {0};
	emr_grant_note note;
	emr_status status =
		share_grant_facts(l->share, given->grant.domain, given->grant.grant, &facts);

	if (status == EMR_OK) {
		given->agents_count = facts.read.n;
		memcpy(given->agents, facts.read.agents, facts.read.n * sizeof *given->agents);
		status = emr_grant_note_open(l->box, emr_buf_view(&facts.item), &facts.read, &note);
	}
	if (status != EMR_OK) {
		emr_log(EMR_LOG_WARN, "the note of a grant could not be read: %s",
			emr_status_text(status));
		return; /* it is still a grant, and can be taken back */
	}
	given->share_id = note.share_id;
	memcpy(given->label, note.label, sizeof given->label);
}

static emr_status list_one(void *arg, const emr_known_grant *grant)
{
	const listing *l = arg;
	emr_given given = {.grant = *grant, .phase = emr_grant_phase_at(grant, l->now)};

	read_note(l, &given);
	return l->fn(l->arg, &given);
}

emr_status emr_share_given(emr_share *share, emr_id16 domain, emr_given_fn fn, void *arg)
{
	listing l = {.share = share, .now = share_now(share), .fn = fn, .arg = arg};
	emr_row_domain row;
	emr_domain_public public;
	emr_status status = share_own_domain(share, domain, &row, &public);

	if (status == EMR_OK)
		status = emr_box_key_domain(share->o.keyring, domain, &l.box);
	if (status == EMR_OK)
		status = emr_replica_grants(share->o.replica, domain, list_one, &l);
	emr_box_key_free(l.box);
	return status;
}
