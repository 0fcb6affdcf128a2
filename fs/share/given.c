/* This file lists what an owner has given to whom, and takes it back. Taking back ends the right
 * to read and the right to write together, because a person sees them as one share. */
#include "share/give.h"

#include <string.h>

#include "base/log.h"
#include "replica/ask.h"

#include "share_private.h"
#include "teams_private.h"

/* ---- revoking ---- */

emr_status share_revoke(emr_share *share, const emr_known_grant *grant, uint8_t reason)
{
	return share_end(share, grant->domain, EMR_ID32_AT(grant->row.grantee), &grant->grant, 1,
		false, reason, NULL);
}

static emr_status end_deposit(emr_share *share, emr_id16 domain, emr_id16 name)
{
	EMR_AUTO_BUF writers = {0};
	emr_act act;
	bool is_there = false, is_over = false;

	EMR_TRY(share_known_writers(share, domain, NULL, &writers));
	EMR_EACH (const known_writer, writer, &writers) {
		if (memcmp(writer->item_id.b, name.b, sizeof name.b) != 0)
			continue;
		act = emr_act_writer_del(domain, writer->writer);
		is_there = true;
		is_over = !known_writer_is_alive(writer, share_now(share));
	}
	if (!is_there || is_over)
		return is_there ? EMR_DENIED : EMR_NOT_FOUND;
	return parcel_send_one(share, emr_signer_domain(domain, SHARE_GEN), &act);
}

emr_status emr_share_revoke(emr_share *share, emr_id16 domain, emr_id16 grant)
{
	emr_row_domain row;
	emr_domain_public public;
	emr_known_grant known;
	emr_status status;

	EMR_TRY(share_own_domain(share, domain, &row, &public));
	status = emr_replica_grant(share->o.replica, domain, grant, &known);
	if (status == EMR_NOT_FOUND)
		return end_deposit(share, domain, grant);
	if (status == EMR_OK && known.row.head.state == EMR_GRANT_REVOKED)
		return EMR_DENIED;
	return status == EMR_OK ? share_revoke(share, &known, 0) : status;
}

emr_status emr_share_revoke_person(
	emr_share *share, emr_id16 domain, emr_id32 grantee, size_t *out_n)
{
	EMR_AUTO_BUF grants = {0};
	emr_row_domain row;
	emr_domain_public public;
	emr_known_person person;
	EMR_AUTO_BUF all = {0};
	size_t n, writers = 0;

	EMR_TRY(share_party(share, grantee, &person, NULL));
	EMR_TRY(share_own_domain(share, domain, &row, &public));
	EMR_TRY(EMR_ASK_ALL(&all, share->o.replica, GRANTS, .domain = domain));
	EMR_EACH (const emr_known_grant, grant, &all)
		if (memcmp(grant->row.grantee, person.row.root, 32) == 0 &&
			emr_phase_stands(emr_grant_phase_at(grant, share_now(share))))
			EMR_TRY(emr_buf_append(&grants, &grant->grant, sizeof grant->grant));
	n = grants.len / sizeof(emr_id16);
	EMR_TRY(share_end(share, domain, EMR_ID32_AT(person.row.root),
		(const emr_id16 *)(void *)grants.data, n, true, 0, &writers));
	*out_n = n > 0 ? n : writers;
	return EMR_OK;
}

/* ---- the list ---- */

typedef struct listing {
	emr_share *share;
	emr_id16 domain;
	emr_box_key *box;
	uint64_t now;
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

	if (emr_phase_stands(given->phase))
		status = share_key_end(l->share, key, &ended_unix_s);
	if (ended_unix_s != 0) {
		given->phase = EMR_GRANT_IS_REVOKED;
		given->grant.ledger_time = ended_unix_s;
	}
	return status == EMR_NOT_FOUND ? EMR_OK : status;
}

/* ---- what is given without a GRANT ---- */

static emr_status list_deposit(
	const listing *l, const emr_buf *grants, const known_writer *writer, emr_buf *out)
{
	emr_given given = {.grant = {.domain = l->domain, .ledger_time = writer->ledger_time},
		.writes = writer->row.rights};
	emr_row_grant *row = &given.grant.row;

	if ((writer->row.rights & EMR_RIGHT_META) != 0) /* came with a grant */
		return EMR_OK;
	EMR_EACH (const emr_known_grant, grant, grants)
		if (grant->seq == writer->seq &&
			memcmp(grant->row.grantee, writer->root.b, 32) == 0)
			return EMR_OK;
	memcpy(given.grant.grant.b, writer->item_id.b, sizeof given.grant.grant.b);
	memcpy(row->grantee, writer->root.b, 32);
	row->not_before_unix_s = writer->ledger_time;
	row->not_after_unix_s = writer->row.not_after_unix_s;
	row->head.state = known_writer_was_ended(writer) ? EMR_GRANT_REVOKED : EMR_GRANT_ACTIVE;
	given.phase = known_writer_was_ended(writer)	       ? EMR_GRANT_IS_REVOKED
		      : !known_writer_is_alive(writer, l->now) ? EMR_GRANT_IS_OVER
							       : EMR_GRANT_IN_FORCE;
	EMR_TRY(look_at_grantee(l, writer->writer, &given));
	if (given.phase != EMR_GRANT_IN_FORCE)
		given.writes = 0;
	return emr_buf_append(out, &given, sizeof given);
}

emr_status emr_share_given(emr_share *share, emr_id16 domain, emr_buf *out_given)
{
	listing l = {.share = share, .domain = domain, .now = share_now(share)};
	emr_row_domain row;
	emr_domain_public public;
	EMR_AUTO_BUF grants = {0};
	EMR_AUTO_BUF writers = {0};
	AUTO_BOX_KEY box = NULL;

	EMR_TRY(share_own_domain(share, domain, &row, &public));
	EMR_TRY(emr_box_key_domain(share->o.keyring, domain, &box));
	l.box = box;
	EMR_TRY(EMR_ASK_ALL(&grants, share->o.replica, GRANTS, .domain = domain));
	EMR_EACH (const emr_known_grant, grant, &grants) {
		emr_given given = {.grant = *grant, .phase = emr_grant_phase_at(grant, l.now)};

		EMR_TRY(look_at_grantee(&l, EMR_ID32_AT(grant->row.grantee), &given));
		read_note(&l, &given);
		EMR_TRY(share_writes_of(share, grant, &given.writes));
		EMR_TRY(emr_buf_append(out_given, &given, sizeof given));
	}
	EMR_TRY(share_known_writers(share, domain, NULL, &writers));
	EMR_EACH (const known_writer, writer, &writers)
		EMR_TRY(list_deposit(&l, &grants, writer, out_given));
	return EMR_OK;
}

emr_status emr_share_given_everywhere(emr_share *share, emr_buf *out_given)
{
	EMR_AUTO_BUF domains = {0};

	EMR_TRY(emr_replica_own_domains(share->o.replica, &domains));
	EMR_EACH (const emr_id16, domain, &domains) {
		emr_status status = emr_share_given(share, *domain, out_given);

		EMR_TRY(status == EMR_NOT_FOUND || status == EMR_DENIED ? EMR_OK : status);
	}
	return EMR_OK;
}
