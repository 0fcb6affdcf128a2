/* This file lists what an owner has given to whom, and takes it back. Taking back ends the right
 * to read and the right to write together, because a person sees them as one share. */
#include "share/give.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"

#include "share_private.h"
#include "teams_private.h"

/* ---- revoking ---- */

emr_status share_revoke(emr_share *share, const emr_known_grant *grant, uint8_t reason)
{
	emr_id32 root = EMR_ID32_AT(grant->row.grantee);

	return share_end(share, grant->domain, root, &grant->grant, 1, false, reason, NULL);
}

typedef struct seeking {
	emr_share *share;
	emr_id16 name;
	emr_id32 writer;
	bool is_there, is_over;
} seeking;

static emr_status seek_deposit(void *arg, const known_writer *writer)
{
	seeking *s = arg;

	if (memcmp(writer->adds[writer->n - 1].item_id.b, s->name.b, sizeof s->name.b) != 0)
		return EMR_OK;
	s->writer = writer->writer;
	s->is_there = true;
	s->is_over = !known_writer_is_alive(writer, share_now(s->share));
	return EMR_OK;
}

static emr_status end_deposit(emr_share *share, emr_id16 domain, emr_id16 name)
{
	seeking s = {.share = share, .name = name};
	AUTO_PARCEL p = {0};
	emr_act act;

	EMR_TRY(share_known_writers(share, domain, NULL, seek_deposit, &s));
	if (!s.is_there || s.is_over)
		return s.is_there ? EMR_DENIED : EMR_NOT_FOUND;
	act = emr_act_writer_del(domain, s.writer);
	EMR_TRY(parcel_begin(share, emr_signer_domain(domain, SHARE_GEN), &p));
	EMR_TRY(parcel_prepare(&p, &act));
	EMR_TRY(parcel_add(&p, &act, NULL));
	return parcel_send(&p);
}

emr_status emr_share_revoke(emr_share *share, emr_id16 domain, emr_id16 grant)
{
	emr_row_domain row;
	emr_domain_public public;
	emr_known_grant known;
	emr_status status;

	EMR_TRY(share_catch_up(share));
	EMR_TRY(share_own_domain(share, domain, &row, &public));
	status = emr_replica_grant(share->o.replica, domain, grant, &known);
	if (status == EMR_NOT_FOUND)
		return end_deposit(share, domain, grant);
	if (status == EMR_OK && known.row.head.state == EMR_GRANT_REVOKED)
		return EMR_DENIED;
	return status == EMR_OK ? share_revoke(share, &known, 0) : status;
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
	emr_row_domain row;
	emr_domain_public public;
	emr_known_person person;
	size_t writers = 0;
	emr_status status;

	EMR_TRY(share_catch_up(share));
	EMR_TRY(share_party(share, grantee, &person, NULL));
	EMR_TRY(share_own_domain(share, domain, &row, &public));
	memcpy(o.grantee.b, person.row.root, 32);
	status = emr_replica_grants(share->o.replica, domain, note_grant, &o);
	if (status == EMR_OK)
		status = share_end(share, domain, o.grantee, o.grants, o.n, true, 0, &writers);
	free(o.grants);
	if (status == EMR_OK)
		*out_n = o.n > 0 ? o.n : writers;
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

/* A grantee reads and writes no more when the grantee's key was ended. */
static emr_status look_at_grantee(const listing *l, emr_id32 key, emr_given *given)
{
	uint64_t ended_unix_s = 0;
	emr_status status = EMR_OK;

	if (given->phase == EMR_GRANT_IN_FORCE || given->phase == EMR_GRANT_COMING)
		status = share_key_end(l->share, key, &ended_unix_s);
	if (ended_unix_s != 0) {
		given->phase = EMR_GRANT_IS_REVOKED;
		given->grant.ledger_time = ended_unix_s;
	}
	return status == EMR_NOT_FOUND ? EMR_OK : status;
}

static emr_status list_one(void *arg, const emr_known_grant *grant)
{
	const listing *l = arg;
	emr_given given = {.grant = *grant, .phase = emr_grant_phase_at(grant, l->now)};
	uint64_t seq = 0;
	emr_id32 grantee;
	emr_status status = share_grant_seq(l->share, grant, &seq);

	memcpy(grantee.b, grant->row.grantee, sizeof grantee.b);
	if (status == EMR_OK)
		status = look_at_grantee(l, grantee, &given);
	read_note(l, &given);
	if (status == EMR_OK)
		status = share_writes_of(l->share, grant, seq, &given.writes);
	return status == EMR_OK ? l->fn(l->arg, &given) : status;
}

/* ---- what is given without a GRANT ---- */

typedef struct unpaired {
	const listing *l;
	emr_id16 domain;
	const known_writer *writer;
	bool has_grant;
} unpaired;

static emr_status compare_entry(void *arg, const emr_known_grant *grant)
{
	unpaired *u = arg;
	uint64_t seq = 0;
	emr_status status;

	if (memcmp(grant->row.grantee, u->writer->root.b, 32) != 0)
		return EMR_OK;
	status = share_grant_seq(u->l->share, grant, &seq);
	u->has_grant =
		u->has_grant || (status == EMR_OK && seq == u->writer->adds[u->writer->n - 1].seq);
	return status;
}

static emr_status list_deposit(void *arg, const known_writer *writer)
{
	unpaired *u = arg;
	const writer_add *add = &writer->adds[writer->n - 1];
	emr_given given = {.grant = {.domain = u->domain, .ledger_time = add->ledger_time},
		.writes = writer->row.rights};
	emr_row_grant *row = &given.grant.row;
	emr_status status;

	if ((writer->row.rights & EMR_RIGHT_META) != 0)
		return EMR_OK; /* came with one */
	u->writer = writer;
	u->has_grant = false;
	EMR_TRY(emr_replica_grants(u->l->share->o.replica, u->domain, compare_entry, u));
	if (u->has_grant)
		return EMR_OK;
	memcpy(given.grant.grant.b, add->item_id.b, sizeof given.grant.grant.b);
	memcpy(row->grantee, writer->root.b, 32);
	row->not_before_unix_s = add->ledger_time;
	row->not_after_unix_s = writer->row.not_after_unix_s;
	row->head.state = known_writer_was_ended(writer) ? EMR_GRANT_REVOKED : EMR_GRANT_ACTIVE;
	given.phase = known_writer_was_ended(writer)		  ? EMR_GRANT_IS_REVOKED
		      : !known_writer_is_alive(writer, u->l->now) ? EMR_GRANT_IS_OVER
								  : EMR_GRANT_IN_FORCE;
	status = look_at_grantee(u->l, writer->writer, &given);
	if (given.phase != EMR_GRANT_IN_FORCE)
		given.writes = 0;
	return status == EMR_OK ? u->l->fn(u->l->arg, &given) : status;
}

emr_status emr_share_given(emr_share *share, emr_id16 domain, emr_given_fn fn, void *arg)
{
	listing l = {.share = share, .now = share_now(share), .fn = fn, .arg = arg};
	unpaired u = {.l = &l, .domain = domain};
	emr_row_domain row;
	emr_domain_public public;
	AUTO_BOX_KEY box = NULL;

	EMR_TRY(share_own_domain(share, domain, &row, &public));
	EMR_TRY(emr_box_key_domain(share->o.keyring, domain, &box));
	l.box = box;
	EMR_TRY(emr_replica_grants(share->o.replica, domain, list_one, &l));
	return share_known_writers(share, domain, NULL, list_deposit, &u);
}

emr_status emr_share_own_domains(emr_share *share, emr_buf *out_domains)
{
	return emr_replica_own_domains(share->o.replica, out_domains);
}

emr_status emr_share_given_everywhere(emr_share *share, emr_given_fn fn, void *arg)
{
	EMR_AUTO_BUF domains = {0};

	EMR_TRY(emr_share_own_domains(share, &domains));
	EMR_EACH (const emr_id16, domain, &domains) {
		emr_status status = emr_share_given(share, *domain, fn, arg);

		EMR_TRY(status == EMR_NOT_FOUND || status == EMR_DENIED ? EMR_OK : status);
	}
	return EMR_OK;
}
