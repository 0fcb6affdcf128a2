/* When somebody's access to a folder has ended, what is written there from now on must have a
 * new key. This file sees when that is due, begins the new epoch on the ledger, and gives those
 * who may still read their part of it. */
#include "share/give.h"

#include <string.h>

#include "base/log.h"
#include "keyring/coowned.h"
#include "keyring/letters.h"
#include "replica/ask.h"
#include "share/strangers.h"

#include "share_private.h"
#include "teams_private.h"

/* ---- is one due? ---- */

typedef struct due {
	emr_share *share;
	uint64_t now, since_seq, since_time; /* of the present epoch */
	uint32_t epoch;
	bool is_due;
	emr_buf *teams; /* emr_known_grant, ...: what teams have, and is in force */
} due;

static emr_status is_later(
	due *d, uint8_t family, emr_id16 domain, emr_id16 object, uint64_t version, bool *out_is)
{
	EMR_AUTO_BUF bytes = {0};
	emr_replica_item item;

	EMR_TRY(share_item(d->share, family, domain, object, version, &bytes, &item));
	*out_is = item.seq > d->since_seq;
	return EMR_OK;
}

static bool is_noted(const due *d, emr_id16 team)
{
	emr_id32 grantee;

	emr_grantee_dataset(team.b, grantee.b);
	EMR_EACH (const emr_known_grant, grant, d->teams)
		if (memcmp(grant->row.grantee, grantee.b, sizeof grantee.b) == 0)
			return true;
	return false;
}

/* A person who left a team has the key that it had then: also while a share with that key stays,
 * new content is no longer for it. It may have been given the present epoch all the same, so that
 * who remains reads until the later key is given his. */
static emr_status team_has_another_key(due *d, const emr_known_grant *grant)
{
	uint64_t seq = 0;
	uint32_t epoch = 0;

	EMR_TRY(share_former_key_since(d->share, grant, &seq));
	if (seq != 0)
		EMR_TRY(share_fragments_epoch(d->share, grant, &epoch));
	d->is_due |= seq != 0 && (seq > d->since_seq || epoch >= d->epoch);
	return EMR_OK;
}

/* By the row alone: whoever had its key has it, whether anybody can read its terms or not. */
static emr_status team_ended_since(due *d)
{
	const emr_id16 none = {{0}};
	emr_known_team team;
	EMR_ASK(teams, d->share->o.replica, TEAMS);

	while (!d->is_due && emr_next(&teams, &team)) {
		bool is_closed = false;

		if (!is_noted(d, team.team))
			continue;
		if (team.row.head.state != EMR_DATASET_OPEN)
			EMR_TRY(is_later(d, EMR_FAMILY_DATASET, none, team.team,
				team.row.head.version, &is_closed));
		d->is_due = is_closed || (team.row.not_after_unix_s <= d->now &&
						 team.row.not_after_unix_s > d->since_time);
	}
	return teams.status;
}

/* His present key, by his first one.  EMR_NOT_FOUND: it is a team, or nobody. */
/* The grant is in force, and nobody can read by it any more: but what he was told before, names
 * for example, opens what comes until there is another key. */
static emr_status grantee_ended_since(due *d, const emr_known_grant *grant)
{
	emr_known_person person;
	bool is_revoked = false;
	emr_status status =
		emr_replica_present(d->share->o.replica, EMR_ID32_AT(grant->row.grantee), &person);

	/* A team is found among all by a hash, so they are walked once, behind the grants. */
	if (status == EMR_NOT_FOUND)
		return emr_buf_append(d->teams, grant, sizeof *grant);
	EMR_TRY(status);
	if (person.row.head.state == EMR_KEY_REVOKED)
		EMR_TRY(is_later(d, EMR_FAMILY_KEY, (emr_id16){{0}},
			EMR_ID16_AT(person.signer_id.b), person.row.head.version, &is_revoked));
	d->is_due |= is_revoked || (person.row.not_after_unix_s <= d->now &&
					   person.row.not_after_unix_s > d->since_time);
	return EMR_OK;
}

/* Did it end while this epoch was on?  (A grant that had ended before was left out of the epoch.)
 */
static emr_status ended_since(due *d, const emr_known_grant *grant)
{
	emr_grant_phase phase = emr_grant_phase_at(grant, d->now);

	if (phase == EMR_GRANT_COMING && grant->row.head.version == 1)
		return EMR_OK;
	if (phase == EMR_GRANT_IN_FORCE)
		return grantee_ended_since(d, grant);
	/* The dates of an entry are those of whoever brought it, its place is not: terms that came
	 * behind the epoch were in force in it, whatever they say. */
	d->is_due |= grant->last_seq > d->since_seq ||
		     (phase == EMR_GRANT_IS_OVER && grant->row.not_after_unix_s > d->since_time);
	return EMR_OK;
}

/* A manager that was added since this epoch began has its key, by letter or from another manager.
 * The present row does not count: the holder of a stolen computer ends that right, or replaces it
 * by one that is over in seconds. So its entries are read, and he must be a computer of hers
 * still. */
static emr_status managed_since(due *d, const emr_known_writer *writer)
{
	const emr_row_writer *row = &writer->row;
	EMR_AUTO_BUF bytes = {0};
	emr_pub_writer_add pub;
	emr_replica_item item;
	bool has_key = false, is_hers = true;

	for (uint64_t v = row->head.version; v > 0 && !has_key; v--) {
		EMR_TRY(share_item(d->share, EMR_FAMILY_WRITER, writer->domain,
			EMR_ID16_AT(row->writer), v, &bytes, &item));
		if (item.seq < d->since_seq)
			break;
		if (item.op != EMR_OP_WRITER_ADD)
			continue;
		if (!emr_pub_writer_add_parse(
			    (emr_span){bytes.data + EMR_ITEM_BYTES, bytes.len - EMR_ITEM_BYTES},
			    &pub))
			return EMR_DAMAGED;
		has_key = share_is_computer(pub.rights);
	}
	if (has_key)
		EMR_TRY(emr_is_own_computer(d->share->o.keyring, d->share->o.replica,
			EMR_ID32_AT(row->writer), d->now, &is_hers));
	d->is_due |= !is_hers;
	return EMR_OK;
}

emr_status emr_share_epoch_is_due(emr_share *share, emr_id16 domain, bool *out_is_due)
{
	EMR_AUTO_BUF teams = {0};
	due d = {.share = share, .now = share_now(share), .teams = &teams};
	EMR_AUTO_BUF bytes = {0};
	EMR_AUTO_BUF grants = {0};
	EMR_AUTO_BUF writers = {0};
	emr_replica_item item;
	emr_domain_public public;
	emr_row_domain row;

	EMR_TRY(share_own_domain(share, domain, &row, &public));
	/* the row's last item began the epoch; so does one that hands the domain over */
	EMR_TRY(share_item(
		share, EMR_FAMILY_DOMAIN, domain, domain, row.head.version, &bytes, &item));
	d.since_seq = item.seq;
	d.since_time = item.ledger_time;
	d.epoch = row.head.epoch;
	/* Somebody else began the present one: what is sealed for it would not open here. */
	d.is_due = memcmp(public.A, row.A, sizeof row.A) != 0;
	EMR_TRY(EMR_ASK_ALL(&writers, share->o.replica, WRITERS, .domain = domain));
	EMR_EACH (const emr_known_writer, writer, &writers)
		if (!d.is_due)
			EMR_TRY(managed_since(&d, writer));
	EMR_TRY(EMR_ASK_ALL(&grants, share->o.replica, GRANTS, .domain = domain));
	EMR_EACH (const emr_known_grant, grant, &grants)
		if (!d.is_due)
			EMR_TRY(ended_since(&d, grant));
	if (teams.len > 0)
		EMR_TRY(team_ended_since(&d));
	EMR_EACH (const emr_known_grant, grant, &teams)
		if (!d.is_due)
			EMR_TRY(team_has_another_key(&d, grant));
	*out_is_due = d.is_due;
	return EMR_OK;
}

/* ---- one more ---- */

static emr_status add_epoch(
	parcel *p, emr_id16 domain, const emr_domain_public *next, uint32_t epoch)
{
	emr_act act = {.op = EMR_OP_EPOCH, .domain = domain, .object = domain, .epoch = epoch};

	memcpy(act.pub, next->A, 32);
	EMR_TRY(parcel_prepare(p, &act));
	EMR_TRY(emr_epoch_part_seal(emr_buf_view(&p->item), &p->part));
	return parcel_add(p, &act, NULL);
}

emr_status share_add_list_key(parcel *p, emr_id16 domain, uint32_t epoch)
{
	const emr_keyring *keyring = p->share->o.keyring;
	emr_act act = {.op = EMR_OP_LISTKEY, .domain = domain, .epoch = epoch};
	uint8_t bytes[EMR_LISTKEY_PART_BYTES];
	emr_list_key *key = NULL;
	emr_listkey_part part;
	emr_domain_public public;

	EMR_TRY(emr_keyring_domain_public(keyring, domain, SHARE_GEN, epoch, &public));
	emr_object_listkey(p->signer.b, epoch, act.object.b);
	EMR_TRY(parcel_prepare(p, &act));
	if (act.version != 1)
		return EMR_OK;
	memcpy(part.salt, emr_id32_random().b, sizeof part.salt);
	EMR_TRY(emr_list_key_publish(
		keyring, domain, epoch, public.A, p->signer, part.capsule, part.kcheck, &key));
	emr_list_key_free(key);
	emr_listkey_part_encode(&part, bytes);
	EMR_TRY(emr_buf_append(&p->part, bytes, sizeof bytes));
	return parcel_add(p, &act, NULL);
}

emr_status share_add_fragments(parcel *p, const emr_grant_terms *terms, const uint8_t B[32],
	const emr_agent *agents, uint32_t epoch, uint64_t *version, emr_id32 *prev)
{
	emr_act act = emr_act_kfrags(terms->domain_id, terms->grant_id, epoch);
	emr_epoch_key *key = NULL;
	emr_status status;

	EMR_TRY(emr_keyring_epoch_key(p->share->o.keyring, terms->domain_id, epoch, &key));
	act.version = *version + 1;
	act.prev = *prev;
	status = parcel_item(p, &act);
	if (status == EMR_OK)
		status = emr_kfrags_part_seal(p->share->o.keyring,
			emr_signer_domain(terms->domain_id, SHARE_GEN), key, terms, B, agents,
			&p->part);
	emr_epoch_key_free(key);
	if (status == EMR_OK)
		status = parcel_add(p, &act, prev);
	if (status == EMR_OK)
		*version = act.version;
	return status;
}

emr_status share_fragments_epoch(
	emr_share *share, const emr_known_grant *grant, uint32_t *out_epoch)
{
	EMR_AUTO_BUF bytes = {0};
	emr_replica_item item;

	*out_epoch = 0;
	if (grant->row.kver == 0)
		return EMR_OK;
	EMR_TRY(share_item(share, EMR_FAMILY_KFRAGS, grant->domain, grant->grant, grant->row.kver,
		&bytes, &item));
	*out_epoch = item.epoch;
	return EMR_OK;
}

/* With her key behind it another's word would be hers; and whose key was revoked reads no more. */
static emr_status is_hers_and_read(emr_share *share, const emr_known_grant *grant, bool *out_is)
{
	emr_known_person person = {.row.head.state = EMR_KEY_ACTIVE};
	emr_status status =
		emr_replica_present(share->o.replica, EMR_ID32_AT(grant->row.grantee), &person);

	if (status == EMR_OK || status == EMR_NOT_FOUND)
		status = emr_grant_is_owners(share->o.replica, grant, out_is);
	if (status == EMR_OK)
		*out_is &= person.row.head.state != EMR_KEY_REVOKED;
	return status;
}

static emr_status add_for_grant(parcel *p, uint32_t epoch, const emr_known_grant *grant)
{
	emr_share *share = p->share;
	AUTO_GRANT_FACTS facts = {0};
	emr_agent agents[EMR_AGENTS_MAX];
	uint64_t version = grant->row.kver;
	emr_id32 prev = EMR_ID32_AT(grant->row.kitem);
	uint32_t newest = 0;
	bool is_read = false, is_anew = false;
	uint64_t former_since = 0;

	if (grant->row.n == 0 || !emr_phase_stands(emr_grant_phase_at(grant, p->now)))
		return EMR_OK;
	EMR_TRY(share_fragments_epoch(share, grant, &newest));
	if (newest < epoch)
		EMR_TRY(is_hers_and_read(share, grant, &is_read));
	if (is_read)
		EMR_TRY(share_is_given_anew(share, grant, &is_anew));
	if (is_read)
		EMR_TRY(share_former_key_since(share, grant, &former_since));
	if (!is_read || is_anew || former_since != 0)
		return EMR_OK;
	EMR_TRY(share_grant_facts(share, grant->domain, grant->grant, &facts));
	EMR_TRY(share_agents(share, facts.terms.grantee, facts.terms.rights, facts.read.agents,
		facts.read.n, agents));
	return share_add_fragments(p, &facts.terms, facts.read.B, agents, epoch, &version, &prev);
}

emr_status share_pass_over(emr_status status, const char *what)
{
	if (status != EMR_INVALID && status != EMR_DAMAGED && status != EMR_MISSING_DATA &&
		status != EMR_NOT_FOUND)
		return status;
	emr_log(EMR_LOG_ERROR, "%s cannot be made: %s", what, emr_status_text(status));
	return EMR_OK;
}

static emr_status add_for_all(parcel *p, emr_id16 domain, uint32_t epoch)
{
	EMR_AUTO_BUF grants = {0};

	EMR_TRY(EMR_ASK_ALL(&grants, p->share->o.replica, GRANTS, .domain = domain));
	EMR_EACH (const emr_known_grant, grant, &grants)
		EMR_TRY(share_pass_over(
			add_for_grant(p, epoch, grant), "the fragments of a share"));
	return EMR_OK;
}

/* Fragments of EPOCH for everybody who has none, in as many batches as it takes; P is the first and
 * may hold something already. */
static emr_status issue(parcel *p, emr_id16 domain, uint32_t epoch)
{
	bool is_full;

	do {
		emr_status status = add_for_all(p, domain, epoch);
		emr_share *share = p->share;

		is_full = status == EMR_LIMIT && emr_batch_count(p->batch) > 0;
		EMR_TRY(is_full ? EMR_OK : status);
		if (emr_batch_count(p->batch) > 0)
			EMR_TRY(parcel_send(p));
		if (is_full) {
			parcel_end(p);
			EMR_TRY(parcel_begin(share, emr_signer_domain(domain, SHARE_GEN), p));
		}
	} while (is_full);
	return EMR_OK;
}

emr_status emr_share_begin_epoch(emr_share *share, emr_id16 domain)
{
	emr_domain_public public, next;
	emr_row_domain row;
	AUTO_PARCEL p = {0};
	uint32_t epoch = 0;

	EMR_TRY(share_own_domain(share, domain, &row, &public));
	epoch = row.head.epoch + 1;
	EMR_TRY(emr_keyring_domain_public(share->o.keyring, domain, SHARE_GEN, epoch, &next));
	EMR_TRY(parcel_begin(share, emr_signer_domain(domain, SHARE_GEN), &p));
	EMR_TRY(add_epoch(&p, domain, &next, epoch));
	EMR_TRY(share_add_list_key(&p, domain, epoch));
	EMR_TRY(share_add_device_letters(&p, domain, epoch));
	return issue(&p, domain, epoch);
}

emr_status emr_share_renew(emr_share *share, emr_id16 domain)
{
	emr_row_domain row;
	emr_domain_public public;
	bool is_due = false;
	AUTO_PARCEL p = {0};
	emr_status status;

	/* A device begins none: the first computer does, and sends the key. */
	if (emr_keyring_coowns(share->o.keyring, domain))
		return EMR_OK;
	status = emr_share_epoch_is_due(share, domain, &is_due);
	if (status != EMR_OK)
		return status == EMR_NOT_FOUND ? EMR_OK : status;
	EMR_TRY(share_own_domain(share, domain, &row, &public));
	if (is_due)
		return emr_share_begin_epoch(share, domain);
	/* An epoch of more than one batch may have been interrupted. */
	EMR_TRY(parcel_begin(share, emr_signer_domain(domain, SHARE_GEN), &p));
	return issue(&p, domain, row.head.epoch);
}
