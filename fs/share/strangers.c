/* This file finds keys that may do something in the owner's domains without belonging to the owner
 * or one of the owner's computers, for example keys that the thief of a computer has added. Only
 * the owner's key begins an epoch, adds a computer, shares, or gives a right to write: the owner's
 * other computers do none of it, so such an entry signed by one of them is somebody else's word. */
#include "share/strangers.h"

#include <string.h>

#include "contract/codes.h"
#include "contract/rows.h"
#include "keyring/coowned.h"
#include "ledger/hash.h"
#include "replica/ask.h"
#include "replica/people.h"
#include "share/domain.h"

#include "share_private.h"

static emr_id32 id_of(const uint8_t pk[32])
{
	emr_bytes bytes = emr_bytes_of(pk, 32);

	return emr_sha256_of(&bytes, 1);
}

/* ---- hers ---- */

static emr_status person_of(const emr_keyring *keyring, emr_id32 *out_person)
{
	uint8_t pk[32];

	EMR_TRY(emr_keyring_person_pk(keyring, pk));
	*out_person = id_of(pk);
	return EMR_OK;
}

static emr_status is_computer_of(
	emr_replica *replica, emr_id32 person, emr_id32 key, uint64_t now, bool *out_is)
{
	emr_known_person known;
	emr_status status;

	*out_is = emr_id32_equal(key, person);
	if (*out_is)
		return EMR_OK;
	status = emr_replica_person(replica, key, &known);
	if (status != EMR_OK)
		return status == EMR_NOT_FOUND ? EMR_OK : status;
	return known.row.head.state == EMR_KEY_ACTIVE && known.row.not_after_unix_s > now
		       ? share_is_device_of(replica, &known, person, out_is)
		       : EMR_OK;
}

emr_status emr_is_own_computer(const emr_keyring *keyring, emr_replica *replica, emr_id32 key,
	uint64_t now_unix_s, bool *out_is)
{
	emr_id32 person;

	EMR_TRY(person_of(keyring, &person));
	return is_computer_of(replica, person, key, now_unix_s, out_is);
}

static emr_status signer_of(emr_replica *replica, uint8_t family, emr_id16 domain, emr_id16 object,
	uint64_t version, emr_id32 *out)
{
	const emr_part_key at = {
		.domain = domain, .object = object, .version = version, .family = family};
	EMR_AUTO_BUF bytes = {0};
	emr_replica_item item;

	EMR_TRY(emr_replica_item_get(replica, &at, &bytes, &item));
	*out = item.signer_id;
	return EMR_OK;
}

/* ---- those who are not ---- */

/* PERSON is her identity, OWNER_PK the key of the domain that is looked at. */
typedef struct looking {
	emr_replica *replica;
	uint64_t now;
	emr_id32 person;
	const uint8_t *owner_pk;
	emr_buf *out; /* emr_stranger, ... */
} looking;

static emr_status look_at_writer(const looking *l, emr_id16 domain, const emr_row_writer *row)
{
	bool is_manager = share_is_computer(row->rights), is_known = false;
	emr_stranger s = {.domain = domain,
		.kind = is_manager ? EMR_STRANGER_MANAGER : EMR_STRANGER_WRITER,
		.who = EMR_ID32_AT(row->writer)};

	/* A manager who dates an entry back is a manager still, until an entry ends that. */
	if (row->head.state != EMR_WRITER_ACTIVE ||
		(!is_manager && row->not_after_unix_s <= l->now))
		return EMR_OK;
	EMR_TRY(signer_of(l->replica, EMR_FAMILY_WRITER, domain, EMR_ID16_AT(row->writer),
		row->head.version, &s.by));
	if (is_manager)
		EMR_TRY(is_computer_of(l->replica, l->person, s.who, l->now, &is_known));
	else
		EMR_TRY(emr_replica_was_owner(l->replica, domain, l->owner_pk, s.by, &is_known));
	return is_known ? EMR_OK : emr_buf_append(l->out, &s, sizeof s);
}

static emr_status look_at_grant(const looking *l, const emr_known_grant *grant)
{
	emr_grant_phase phase = emr_grant_phase_at(grant, l->now);
	emr_stranger s = {.kind = EMR_STRANGER_GRANT,
		.domain = grant->domain,
		.grant = grant->grant,
		.who = EMR_ID32_AT(grant->row.grantee)};
	bool is_owners = false;

	if (phase != EMR_GRANT_IN_FORCE && phase != EMR_GRANT_COMING)
		return EMR_OK;
	EMR_TRY(signer_of(l->replica, EMR_FAMILY_GRANT, grant->domain, grant->grant,
		grant->row.head.version, &s.by));
	EMR_TRY(emr_replica_was_owner(l->replica, grant->domain, l->owner_pk, s.by, &is_owners));
	return is_owners ? EMR_OK : emr_buf_append(l->out, &s, sizeof s);
}

static emr_status look_at_domain(looking *l, emr_id16 domain, const uint8_t owner_pk[32])
{
	emr_known_writer writer;
	emr_known_grant grant;
	EMR_ASK(writers, l->replica, WRITERS, .domain = domain);
	EMR_ASK(grants, l->replica, GRANTS, .domain = domain);

	l->owner_pk = owner_pk;
	while (emr_next(&writers, &writer))
		EMR_TRY(look_at_writer(l, domain, &writer.row));
	EMR_TRY(writers.status);
	while (emr_next(&grants, &grant))
		EMR_TRY(look_at_grant(l, &grant));
	return grants.status;
}

emr_status emr_strangers_in(const emr_keyring *keyring, emr_replica *replica, emr_id16 domain,
	uint64_t now_unix_s, emr_buf *out_strangers)
{
	looking l = {.replica = replica, .now = now_unix_s, .out = out_strangers};
	emr_row_domain row;

	EMR_TRY(person_of(keyring, &l.person));
	EMR_TRY(emr_domain_row(replica, domain, &row));
	return look_at_domain(&l, domain, row.owner_pk);
}

emr_status emr_strangers(const emr_keyring *keyring, emr_replica *replica, uint64_t now_unix_s,
	emr_buf *out_strangers)
{
	looking l = {.replica = replica, .now = now_unix_s, .out = out_strangers};
	emr_known_domain known;
	EMR_ASK(domains, replica, DOMAINS);

	EMR_TRY(person_of(keyring, &l.person));
	while (emr_next(&domains, &known)) /* another's may be kept here, too */
		if (known.is_mine && emr_keyring_owns(keyring, known.domain, known.row.owner_pk))
			EMR_TRY(look_at_domain(&l, known.domain, known.row.owner_pk));
	return domains.status;
}

/* ---- whose word a right is ---- */

static emr_status is_owners_word(emr_replica *replica, uint8_t family, emr_id16 domain,
	emr_id16 object, uint64_t version, bool *out_is)
{
	emr_row_domain row;
	emr_id32 signer;

	EMR_TRY(emr_domain_row(replica, domain, &row));
	EMR_TRY(signer_of(replica, family, domain, object, version, &signer));
	return emr_replica_was_owner(replica, domain, row.owner_pk, signer, out_is);
}

/* A REVOKE is the row's last version: the terms are one before. */
emr_status emr_grant_is_owners(emr_replica *replica, const emr_known_grant *grant, bool *out_is)
{
	const emr_row_head *head = &grant->row.head;

	return is_owners_word(replica, EMR_FAMILY_GRANT, grant->domain, grant->grant,
		head->version - (head->state == EMR_GRANT_REVOKED), out_is);
}

emr_status emr_writer_is_owners(
	emr_replica *replica, emr_id16 domain, const emr_row_writer *row, bool *out_is)
{
	emr_id16 object = EMR_ID16_AT(row->writer);

	return is_owners_word(
		replica, EMR_FAMILY_WRITER, domain, object, row->head.version, out_is);
}

/* ---- epochs ---- */

/* The owner's key is in no row of writers, whichever key of hers it was: the ledger takes an epoch
 * from her or from somebody with MANAGE, and such a one has a row, also when his right is over. */
emr_status emr_epoch_is_owners(emr_replica *replica, emr_id16 domain, uint32_t epoch, bool *out_is)
{
	EMR_AUTO_BUF bytes = {0};
	EMR_AUTO_BUF writer = {0};
	EMR_AUTO_BUF owners = {0};
	emr_row_epoch row;
	emr_key_text key;
	emr_id32 signer;
	emr_status status;

	emr_key_epoch(domain.b, epoch, &key);
	EMR_TRY(emr_replica_state_get(replica, key.text, &bytes));
	if (emr_row_epoch_parse((emr_span){bytes.data, bytes.len}, &row) != EMR_CONTRACT_OK)
		return EMR_DAMAGED;
	EMR_TRY(signer_of(replica, EMR_FAMILY_DOMAIN, domain, domain, row.head.version, &signer));
	emr_key_in_domain("W", domain.b, signer.b, &key);
	status = emr_replica_state_get(replica, key.text, &writer);
	*out_is = status == EMR_NOT_FOUND;
	/* One that began with another key of the owner's is hers, by whichever key it came. */
	if (status == EMR_OK)
		EMR_TRY(emr_replica_owners_of(replica, domain, &owners));
	EMR_EACH (const emr_known_owner, owner, &owners)
		*out_is |= owner->owned.from == epoch;
	return status == EMR_NOT_FOUND ? EMR_OK : status;
}
