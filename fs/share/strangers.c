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
#include "replica/people.h"
#include "share/domain.h"

typedef struct looking {
	emr_replica *replica;
	uint64_t now;
	emr_id32 person, owner; /* her identity; the key of the domain that is looked at */
	emr_id16 domain;
	emr_stranger_fn fn;
	void *arg;
} looking;

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
	*out_is = (known.row.roles & EMR_ROLE_DEVICE) != 0 &&
		  memcmp(known.row.ref, person.b, 32) == 0 &&
		  known.row.head.state == EMR_KEY_ACTIVE && known.row.not_after_unix_s > now;
	return EMR_OK;
}

emr_status emr_is_own_computer(const emr_keyring *keyring, emr_replica *replica, emr_id32 key,
	uint64_t now_unix_s, bool *out_is)
{
	emr_id32 person;

	EMR_TRY(person_of(keyring, &person));
	return is_computer_of(replica, person, key, now_unix_s, out_is);
}

static emr_status signer_of(
	const looking *l, uint8_t family, emr_id16 object, uint64_t version, emr_id32 *out)
{
	const emr_part_key at = {
		.domain = l->domain, .object = object, .version = version, .family = family};
	EMR_AUTO_BUF bytes = {0};
	emr_replica_item item;

	EMR_TRY(emr_replica_item_get(l->replica, &at, &bytes, &item));
	*out = item.signer_id;
	return EMR_OK;
}

/* ---- writers ---- */

static emr_status look_at_writer(void *arg, emr_id16 domain, const emr_row_writer *row)
{
	const looking *l = arg;
	emr_stranger s = {.domain = domain};
	bool is_manager = (row->rights & EMR_RIGHT_MANAGE) != 0, is_known = false;
	emr_id16 object;
	emr_status status;

	/* A manager who dates an entry back is a manager still, until an entry ends that. */
	if (row->head.state != EMR_WRITER_ACTIVE ||
		(!is_manager && row->not_after_unix_s <= l->now))
		return EMR_OK;
	memcpy(s.who.b, row->writer, sizeof s.who.b);
	memcpy(object.b, row->writer, sizeof object.b);
	status = signer_of(l, EMR_FAMILY_WRITER, object, row->head.version, &s.by);
	s.kind = is_manager ? EMR_STRANGER_MANAGER : EMR_STRANGER_WRITER;
	if (status == EMR_OK && is_manager)
		status = is_computer_of(l->replica, l->person, s.who, l->now, &is_known);
	else if (status == EMR_OK)
		is_known = emr_id32_equal(s.by, l->owner);
	return status == EMR_OK && !is_known ? l->fn(l->arg, &s) : status;
}

/* ---- grants ---- */

static emr_status look_at_grant(void *arg, const emr_known_grant *grant)
{
	const looking *l = arg;
	emr_grant_phase phase = emr_grant_phase_at(grant, l->now);
	emr_stranger s = {
		.kind = EMR_STRANGER_GRANT, .domain = grant->domain, .grant = grant->grant};
	emr_status status;

	if (phase != EMR_GRANT_IN_FORCE && phase != EMR_GRANT_COMING)
		return EMR_OK;
	memcpy(s.who.b, grant->row.grantee, sizeof s.who.b);
	status = signer_of(l, EMR_FAMILY_GRANT, grant->grant, grant->row.head.version, &s.by);
	return status == EMR_OK && !emr_id32_equal(s.by, l->owner) ? l->fn(l->arg, &s) : status;
}

/* ---- domains ---- */

static emr_status look_at_domain(looking *l, emr_id16 domain, const uint8_t owner_pk[32])
{
	l->domain = domain;
	l->owner = id_of(owner_pk);
	EMR_TRY(emr_replica_writers(l->replica, domain, look_at_writer, l));
	return emr_replica_grants(l->replica, domain, look_at_grant, l);
}

emr_status emr_strangers_in(const emr_keyring *keyring, emr_replica *replica, emr_id16 domain,
	uint64_t now_unix_s, emr_stranger_fn fn, void *arg)
{
	looking l = {.replica = replica, .now = now_unix_s, .fn = fn, .arg = arg};
	emr_row_domain row;

	EMR_TRY(person_of(keyring, &l.person));
	EMR_TRY(emr_domain_row(replica, domain, &row));
	return look_at_domain(&l, domain, row.owner_pk);
}

typedef struct walk {
	looking l;
	const emr_keyring *keyring;
} walk;

static emr_status one_domain(void *arg, emr_id16 domain, bool is_mine, emr_bytes bytes)
{
	walk *w = arg;
	emr_row_domain row;

	if (!is_mine ||
		emr_row_domain_parse((emr_span){bytes.data, bytes.len}, &row) != EMR_CONTRACT_OK)
		return EMR_OK;
	if (!emr_keyring_owns(w->keyring, domain, row.owner_pk))
		return EMR_OK; /* it is shared with this person */
	return look_at_domain(&w->l, domain, row.owner_pk);
}

emr_status emr_strangers(const emr_keyring *keyring, emr_replica *replica, uint64_t now_unix_s,
	emr_stranger_fn fn, void *arg)
{
	walk w = {.l = {.replica = replica, .now = now_unix_s, .fn = fn, .arg = arg},
		.keyring = keyring};

	EMR_TRY(person_of(keyring, &w.l.person));
	return emr_replica_domains(replica, one_domain, &w);
}

/* ---- whose word a right is ---- */

static emr_status is_owners_word(emr_replica *replica, uint8_t family, emr_id16 domain,
	emr_id16 object, uint64_t version, bool *out_is)
{
	looking l = {.replica = replica, .domain = domain};
	emr_row_domain row;
	emr_id32 signer;

	EMR_TRY(emr_domain_row(replica, domain, &row));
	EMR_TRY(signer_of(&l, family, object, version, &signer));
	*out_is = emr_id32_equal(signer, id_of(row.owner_pk));
	return EMR_OK;
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
	looking l = {.replica = replica, .domain = domain};
	EMR_AUTO_BUF bytes = {0};
	EMR_AUTO_BUF writer = {0};
	emr_row_epoch row;
	emr_key_text key;
	emr_id32 signer;
	emr_id16 object;
	emr_status status;

	emr_key_epoch(domain.b, epoch, &key);
	EMR_TRY(emr_replica_state_get(replica, key.text, &bytes));
	if (emr_row_epoch_parse((emr_span){bytes.data, bytes.len}, &row) != EMR_CONTRACT_OK)
		return EMR_DAMAGED;
	EMR_TRY(signer_of(&l, EMR_FAMILY_DOMAIN, domain, row.head.version, &signer));
	memcpy(object.b, signer.b, sizeof object.b);
	emr_key_in_domain("W", domain.b, object.b, &key);
	status = emr_replica_state_get(replica, key.text, &writer);
	*out_is = status == EMR_NOT_FOUND;
	return status == EMR_NOT_FOUND ? EMR_OK : status;
}
