/* After a person's key was followed by another, each opening learns from the ledger which folder is
 * of which seed. This file also finishes what was begun and interrupted, and finds the folders that
 * are still to be handed over. */
#include "session/session.h"

#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "contract/codes.h"
#include "contract/rows.h"
#include "keyring/coowned.h"
#include "keyring/keyring.h"
#include "ledger/copy.h"
#include "ledger/hash.h"
#include "replica/ask.h"
#include "session/keys.h"

/* ---- finishing ---- */

/* By the ledger of a host, which NEXT follows. */
static emr_status next_at_host(
	int state_fd, const char *state_path, emr_keyring *next, emr_id32 was, emr_id32 *out_next)
{
	__attribute__((cleanup(emr_session_close))) emr_session session = EMR_SESSION_CLOSED;
	emr_problem ignored = {0};
	emr_known_person before;
	emr_status status, followed = EMR_UNSUPPORTED;

	session.state_fd = dup(state_fd);
	session.state_path = strdup(state_path);
	if (session.state_fd < 0 || session.state_path == NULL)
		return EMR_NO_MEMORY;
	session.keyring = next;
	status = emr_session_open_copy(&session, false, &followed, &ignored);
	status = status == EMR_OK ? followed : status;
	if (status == EMR_OK)
		status = emr_replica_person(session.replica, was, &before);
	if (status == EMR_OK)
		*out_next = EMR_ID32_AT(before.row.next);
	session.keyring = NULL; /* the caller's */
	return status;
}

static void write_keyfile(int state_fd, const emr_keyring *keyring, emr_bytes passphrase)
{
	const emr_kdf_cost cost = emr_keyring_cost(keyring);
	EMR_AUTO_FD lock = -1;
	emr_problem ignored = {0};
	emr_status status = emr_keys_lock(state_fd, &lock, &ignored);

	if (status == EMR_OK)
		status = emr_keyring_save(keyring, state_fd, EMR_STATE_KEYFILE, passphrase, &cost);
	if (status != EMR_OK) /* the next opening does it */
		emr_log(EMR_LOG_WARN, "keyfile of the new seed: %s", emr_status_text(status));
}

void emr_succession_finish(
	int state_fd, const char *state_path, emr_bytes passphrase, emr_keyring **keyring)
{
	EMR_AUTO_LEDGER_COPY ledger = NULL;
	EMR_AUTO_KEYRING next = NULL;
	char path[4400];
	emr_id32 was, is, said;
	emr_status status = EMR_NOT_FOUND;

	if (emr_keyring_has_next(*keyring))
		status = emr_keyring_succeed(*keyring, &next);
	if (status == EMR_OK)
		status = emr_keyring_former_id(next, 0, &is);
	if (status == EMR_OK)
		status = emr_keyring_former_id(next, 1, &was);
	snprintf(path, sizeof path, "%.4200s/%s", state_path, EMR_STATE_LEDGER);
	if (status == EMR_OK && emr_ledger_copy_open(path, &ledger) == EMR_OK)
		status = emr_ledger_copy_next_key(ledger, was, &said);
	else if (status == EMR_OK)
		status = next_at_host(state_fd, state_path, next, was, &said);
	if (status != EMR_OK || !emr_id32_equal(is, said))
		return;
	write_keyfile(state_fd, next, passphrase);
	emr_keyring_free(*keyring);
	*keyring = next;
	next = NULL;
}

/* ---- whose each folder is ---- */

emr_id32 emr_session_root(const emr_session *session)
{
	emr_known_person me;

	return emr_replica_person(session->replica, session->identity.signer_id, &me) == EMR_OK
		       ? EMR_ID32_AT(me.row.root)
		       : session->identity.signer_id; /* which is not registered yet */
}

static emr_status item_at(
	emr_replica *replica, emr_part_key at, emr_replica_item *out, emr_status if_absent)
{
	EMR_AUTO_BUF bytes = {0};
	emr_status status = emr_replica_item_get(replica, &at, &bytes, out);

	out->bytes = (emr_bytes){0};
	return status == EMR_NOT_FOUND ? if_absent : status;
}

/* The entry by which the key of seed NUMBER was followed; UINT64_MAX: it was not. */
static emr_status followed_at(const emr_session *session, size_t number, uint64_t *out_seq)
{
	emr_part_key at = {.family = EMR_FAMILY_KEY};
	emr_known_person person;
	emr_replica_item item;
	emr_id32 id;
	emr_status status;

	*out_seq = UINT64_MAX;
	EMR_TRY(emr_keyring_former_id(session->keyring, number, &id));
	status = emr_replica_person(session->replica, id, &person);
	if (status == EMR_NOT_FOUND)
		return EMR_OK;
	EMR_TRY(status);
	if (emr_id32_is_zero(EMR_ID32_AT(person.row.next)))
		return EMR_OK;
	memcpy(at.object.b, id.b, sizeof at.object.b);
	for (at.version = person.row.head.version; at.version > 0; at.version--) {
		EMR_TRY(item_at(session->replica, at, &item, EMR_MISSING_DATA));
		if (item.op != EMR_OP_KEY_ROTATE)
			continue;
		*out_seq = item.seq;
		break;
	}
	return EMR_OK;
}

/* The seed of this keyring that made DOMAIN; one more than there are: none.  *OUT_PLANTED: that
 * seed had been followed, so that a thief made it. */
static emr_status maker_of(
	const emr_session *session, emr_id16 domain, size_t *out_number, bool *out_planted)
{
	const emr_part_key first = {
		.family = EMR_FAMILY_DOMAIN, .domain = domain, .object = domain, .version = 1};
	const size_t n = emr_keyring_former_count(session->keyring);
	emr_replica_item made;
	uint8_t own[32];
	const emr_bytes pk = emr_bytes_of(own, sizeof own);
	uint64_t seq = UINT64_MAX;
	size_t i = 0;

	EMR_TRY(item_at(session->replica, first, &made, EMR_MISSING_DATA));
	for (; i <= n; i++) {
		EMR_TRY(emr_keyring_domain_owner(session->keyring, domain, i, own));
		if (emr_id32_equal(emr_sha256_of(&pk, 1), made.signer_id))
			break;
	}
	if (i > 0 && i <= n)
		EMR_TRY(followed_at(session, i, &seq));
	*out_number = i;
	*out_planted = made.seq > seq;
	return EMR_OK;
}

/* The seed whose key of DOMAIN OWNER_PK is; more than there are: none. */
static emr_status number_of(
	const emr_keyring *keyring, emr_id16 domain, const uint8_t owner_pk[32], size_t *out_number)
{
	const size_t n = emr_keyring_former_count(keyring);
	uint8_t own[32];
	size_t i = 0;

	for (; i <= n; i++) {
		EMR_TRY(emr_keyring_domain_owner(keyring, domain, i, own));
		if (memcmp(own, owner_pk, sizeof own) == 0)
			break;
	}
	*out_number = i;
	return EMR_OK;
}

static emr_status settle_one(const emr_session *session, const emr_known_domain *known)
{
	const emr_keyring *keyring = session->keyring;
	EMR_AUTO_BUF owners = {0};
	bool planted = false;
	size_t number, maker, n = 0;

	EMR_TRY(number_of(keyring, known->domain, known->row.owner_pk, &number));
	if (number > emr_keyring_former_count(keyring))
		return EMR_OK; /* another's, who shares it */
	if (number > 0)
		EMR_TRY(maker_of(session, known->domain, &maker, &planted));
	if (planted)
		return EMR_OK;
	EMR_TRY(emr_replica_owners_of(session->replica, known->domain, &owners));
	EMR_EACH (emr_known_owner, owner, &owners)
		((emr_domain_owned *)(void *)owners.data)[n++] = owner->owned;
	return emr_keyring_settle(keyring, known->domain, (const void *)owners.data, n);
}

emr_status emr_session_settle(const emr_session *session)
{
	emr_known_domain known;

	if (emr_keyring_former_count(session->keyring) == 0)
		return EMR_OK;
	EMR_ASK(domains, session->replica, DOMAINS);
	while (emr_next(&domains, &known))
		if (known.is_mine)
			EMR_TRY(settle_one(session, &known));
	EMR_TRY(domains.status);
	emr_keyring_settled(session->keyring);
	return EMR_OK;
}

/* ---- what is still to be handed over ---- */

/* Made by a key of this keyring, and another's by now. */
static emr_status is_taken(const emr_session *session, const emr_known_domain *known, bool *out)
{
	bool planted;
	size_t maker;
	emr_status status;

	*out = false;
	if (known->row.head.version == 1)
		return EMR_OK;
	status = maker_of(session, known->domain, &maker, &planted);
	if (status == EMR_OK)
		*out = maker <= emr_keyring_former_count(session->keyring) && !planted;
	return status == EMR_MISSING_DATA ? EMR_OK : status;
}

emr_status emr_session_unmoved(const emr_session *session, emr_buf *out, uint64_t *out_taken)
{
	EMR_AUTO_BUF alone = {0};
	emr_known_domain known;
	uint64_t taken = 0;

	if (emr_keyring_former_count(session->keyring) == 0)
		return EMR_OK;
	EMR_ASK(domains, session->replica, DOMAINS);
	while (emr_next(&domains, &known)) {
		EMR_AUTO_BUF grants = {0};
		bool shared = false, is = false;

		if (!known.is_mine && out_taken != NULL) {
			EMR_TRY(is_taken(session, &known, &is));
			taken += is;
		}
		if (!known.is_mine || emr_keyring_coowns(session->keyring, known.domain) ||
			emr_keyring_owner_of(session->keyring, known.domain) == 0)
			continue;
		EMR_TRY(EMR_ASK_ALL(&grants, session->replica, GRANTS, .domain = known.domain));
		EMR_EACH (const emr_known_grant, grant, &grants)
			shared |= grant->row.head.state == EMR_GRANT_ACTIVE;
		EMR_TRY(emr_buf_append(
			shared ? out : &alone, known.domain.b, sizeof known.domain.b));
	}
	EMR_TRY(domains.status);
	if (out_taken != NULL)
		*out_taken = taken;
	return emr_buf_append(out, alone.data, alone.len);
}
