/* One person may use several computers: the first of them adds, lists and removes the others
 * here, and hands them the keys of the shared folders. After a theft it ends what the lost
 * computer could do, also the rights that it gave to others, and begins new keys. */
#include "share/devices.h"
#include "share/give.h"

#include <string.h>

#include "base/codec.h"
#include "keyring/coowned.h"
#include "keyring/letters.h"
#include "ledger/register.h"
#include "replica/ask.h"
#include "replica/people.h"

#include "share_private.h"

#define ROUNDS_MAX 8 /* in which those who are ended add others */
#define A_LETTER "the letter to a computer of hers"
#define RIGHTS (EMR_RIGHT_PUT | EMR_RIGHT_META | EMR_RIGHT_MKDIR | EMR_RIGHT_MANAGE | EMR_RIGHT_ANY)

/* ---- whose ---- */

/* A computer was told the key that its person had when it was added. */
static emr_status present_key_of(const emr_share *share, emr_id32 key, emr_id32 *out)
{
	emr_known_person present = {.signer_id = key};
	emr_status status = emr_replica_present(share->o.replica, key, &present);

	*out = present.signer_id;
	return status == EMR_NOT_FOUND ? EMR_OK : status;
}

static emr_status person_of(const emr_share *share, emr_id32 *out_person)
{
	uint8_t pk[32];
	emr_bytes bytes = emr_bytes_of(pk, sizeof pk);

	EMR_TRY(emr_keyring_person_pk(share->o.keyring, pk));
	return present_key_of(share, emr_sha256_of(&bytes, 1), out_person);
}

static bool is_first(const emr_share *share, emr_id32 person)
{
	return emr_id32_equal(person, share->me.signer_id);
}

/* EMR_DENIED: this is another one. */
static emr_status begin_at_first(const emr_share *share)
{
	emr_id32 person;

	EMR_TRY(person_of(share, &person));
	return is_first(share, person) ? EMR_OK : EMR_DENIED;
}

/* One that only reads goes with the key that endorsed it: new words leave it behind. */
static bool is_in_force(const emr_known_person *key, emr_id32 person)
{
	return key->row.head.state == EMR_KEY_ACTIVE &&
	       ((key->row.roles & EMR_ROLE_READER) == 0 ||
		       emr_id32_equal(EMR_ID32_AT(key->row.ref), person));
}

/* ---- the list ---- */

/* Salt, certificate, name. */
static emr_status read_name(emr_bytes part, char out[EMR_DEVICE_NAME_MAX + 1])
{
	emr_reader r = emr_reader_of(part);
	size_t len;

	(void)emr_read_bytes(&r, 32);
	(void)emr_read_bytes(&r, emr_read_u16(&r));
	len = emr_read_u8(&r);
	if (r.bad || len > EMR_DEVICE_NAME_MAX)
		return EMR_DAMAGED;
	emr_read_copy(&r, (uint8_t *)out, len);
	out[len] = '\0';
	return emr_reader_done(&r) ? EMR_OK : EMR_DAMAGED;
}

/* A save in a folder is signed with that folder's key, whichever of the computers does it; each
 * brings its own to the ledger. Entries that come by themselves (keys, answers, the beginning of a
 * new keyring's folder) are nothing that a person saved. */
static emr_status last_saved(const emr_share *share, emr_id32 computer, uint64_t *out_unix_s)
{
	emr_replica_change change;
	EMR_ASK(changes, share->o.replica, BY, .who = computer);

	while (*out_unix_s == 0 && emr_next(&changes, &change))
		if (change.result == EMR_RESULT_APPLIED && change.family == EMR_FAMILY_OBJECT &&
			change.op != EMR_OP_REWRAP && !emr_id16_equal(change.object, change.domain))
			*out_unix_s = change.ledger_time;
	return changes.status;
}

static emr_status describe(emr_share *share, const emr_known_person *key, emr_device *device)
{
	const emr_id16 none = {{0}},
		       object = EMR_ID16_AT(key->row.root); /* where it is registered */
	EMR_AUTO_BUF bytes = {0};
	emr_replica_item item;
	emr_status status;

	EMR_TRY(share_item(share, EMR_FAMILY_KEY, none, object, 1, &bytes, &item));
	device->added_unix_s = item.ledger_time;
	EMR_TRY(last_saved(share, key->signer_id, &device->seen_unix_s));
	if (device->is_first)
		return EMR_OK;
	status = share_part(share, EMR_FAMILY_KEY, none, object, 1, &bytes);
	if (status == EMR_OK && read_name(emr_buf_view(&bytes), device->name) == EMR_OK)
		return EMR_OK;
	/* The thief of a computer can erase what its key says of itself, and on Fabric that may not
	 * have come: then the computer is called by its key, and can be removed by that. */
	emr_hex(device->signer_id.b, EMR_STRANGER_KEY_BYTES, device->name);
	return status == EMR_NOT_FOUND ? EMR_OK : status;
}

/* PERSON's present key, and the computers that any of her keys has endorsed. */
static emr_status computers_of(emr_share *share, emr_id32 person, emr_buf *out)
{
	EMR_AUTO_BUF keys = {0};
	EMR_AUTO_BUF found = {0};
	emr_status status = emr_replica_keys_of(share->o.replica, person, &keys);

	if (status == EMR_NOT_FOUND)
		return EMR_OK;
	EMR_TRY(status);
	EMR_EACH (const emr_known_person, key, &keys)
		EMR_TRY(EMR_ASK_ALL(&found, share->o.replica, COMPUTERS, .who = key->signer_id));
	EMR_EACH (const emr_known_person, one, &found)
		if ((one->row.roles & EMR_ROLE_DEVICE) != 0 ||
			emr_id32_equal(one->signer_id, person))
			EMR_TRY(emr_buf_append(out, one, sizeof *one));
	return EMR_OK;
}

emr_status emr_share_devices(emr_share *share, emr_buf *out_devices)
{
	EMR_AUTO_BUF keys = {0};
	emr_id32 person;

	EMR_TRY(person_of(share, &person));
	EMR_TRY(computers_of(share, person, &keys));
	EMR_EACH (const emr_known_person, key, &keys) {
		emr_device device = {.signer_id = key->signer_id,
			.is_first = emr_id32_equal(key->signer_id, person),
			.is_this = is_first(share, key->signer_id),
			.is_active = is_in_force(key, person),
			.only_reads = (key->row.roles & EMR_ROLE_READER) != 0};

		EMR_TRY(describe(share, key, &device));
		EMR_TRY(emr_buf_append(out_devices, &device, sizeof device));
	}
	return EMR_OK;
}

/* ---- one's own domains ---- */

/* emr_id16, ..., appended to OUT. */
static emr_status find_domains(emr_share *share, emr_buf *out)
{
	EMR_AUTO_BUF mine = {0};

	EMR_TRY(emr_replica_own_domains(share->o.replica, &mine));
	EMR_EACH (const emr_id16, domain, &mine) {
		emr_domain_public public;
		emr_row_domain row;
		emr_status status = share_own_domain(share, *domain, &row, &public);

		if (status == EMR_DENIED) /* it is shared with me */
			continue;
		EMR_TRY(status);
		EMR_TRY(emr_buf_append(out, domain, sizeof *domain));
	}
	return EMR_OK;
}

/* ---- passing on ---- */

static emr_status seq_of(emr_share *share, uint8_t family, emr_id16 domain, emr_id16 object,
	uint64_t version, uint64_t *out)
{
	EMR_AUTO_BUF bytes = {0};
	emr_replica_item item;

	EMR_TRY(share_item(share, family, domain, object, version, &bytes, &item));
	*out = item.seq;
	return EMR_OK;
}

/* No letter yet, or one from before the present epoch. */
static emr_status lacks_letter(
	emr_share *share, emr_id16 domain, emr_id32 device, const emr_row_domain *row, bool *out)
{
	emr_row_writer writer;
	uint64_t written = 0, begun = 0;
	emr_status status = share_writer_row(share, domain, device, &writer);

	*out = status == EMR_NOT_FOUND;
	if (status != EMR_OK)
		return status == EMR_NOT_FOUND ? EMR_OK : status;
	*out = writer.head.state != EMR_WRITER_ACTIVE;
	if (*out)
		return EMR_OK;
	EMR_TRY(seq_of(share, EMR_FAMILY_WRITER, domain, EMR_ID16_AT(device.b), writer.head.version,
		&written));
	EMR_TRY(seq_of(share, EMR_FAMILY_DOMAIN, domain, domain, row->head.version, &begun));
	*out = written < begun;
	return EMR_OK;
}

static emr_status seal_letter(parcel *p, emr_id16 domain, uint32_t epoch, const uint8_t x25519[32])
{
	emr_epoch_key *keys[EMR_WRITER_KEYS_MAX];
	emr_writer_letter letter = {.card_len = 0};
	uint32_t from = epoch > EMR_WRITER_KEYS_MAX ? epoch - EMR_WRITER_KEYS_MAX + 1 : 1;
	emr_status status = EMR_OK;
	size_t n = 0;

	for (uint32_t e = from; e <= epoch && status == EMR_OK; e++) {
		status = emr_keyring_epoch_key(p->share->o.keyring, domain, e, &keys[n]);
		n += status == EMR_OK;
	}
	if (status == EMR_OK)
		status = emr_writer_part_seal(emr_buf_view(&p->item), x25519, &letter,
			(const emr_epoch_key *const *)keys, n, &p->part);
	for (size_t i = 0; i < n; i++)
		emr_epoch_key_free(keys[i]);
	return status;
}

static emr_status add_letter(
	parcel *p, emr_id16 domain, uint32_t epoch, const emr_known_person *device)
{
	bool only_reads = (device->row.roles & EMR_ROLE_READER) != 0;
	emr_act act = emr_act_writer_add(
		domain, device->signer_id, only_reads ? 0 : RIGHTS, device->row.not_after_unix_s);

	EMR_TRY(parcel_prepare(p, &act));
	EMR_TRY(seal_letter(p, domain, epoch, device->row.x25519));
	return parcel_add(p, &act, NULL);
}

static emr_status pass_one(
	emr_share *share, emr_id16 domain, const emr_known_person *device, uint64_t *n)
{
	AUTO_PARCEL p = {0};
	emr_domain_public public;
	emr_row_domain row;
	bool lacks = false;
	emr_status status;

	EMR_TRY(share_own_domain(share, domain, &row, &public));
	EMR_TRY(lacks_letter(share, domain, device->signer_id, &row, &lacks));
	if (!lacks)
		return EMR_OK;
	status = parcel_begin(share, emr_keyring_signer_of(share->o.keyring, domain), &p);
	if (status == EMR_OK)
		status = add_letter(&p, domain, row.head.epoch, device);
	if (status == EMR_OK)
		status = parcel_send(&p);
	*n += status == EMR_OK;
	return share_pass_over(status, A_LETTER);
}

/* Those in force but the first: emr_known_person, ... */
static emr_status find_devices(emr_share *share, emr_id32 person, emr_buf *out)
{
	EMR_AUTO_BUF keys = {0};

	EMR_TRY(computers_of(share, person, &keys));
	EMR_EACH (const emr_known_person, key, &keys)
		if (!emr_id32_equal(key->signer_id, person) && is_in_force(key, person) &&
			key->row.not_after_unix_s > share_now(share))
			EMR_TRY(emr_buf_append(out, key, sizeof *key));
	return EMR_OK;
}

/* In the batch that begins EPOCH: a device must not meet records whose key it has not. */
emr_status share_add_device_letters(parcel *p, emr_id16 domain, uint32_t epoch)
{
	EMR_AUTO_BUF devices = {0};
	emr_id32 person;

	EMR_TRY(person_of(p->share, &person));
	EMR_TRY(find_devices(p->share, person, &devices));
	EMR_EACH (const emr_known_person, device, &devices)
		EMR_TRY(share_pass_over(add_letter(p, domain, epoch, device), A_LETTER));
	return EMR_OK;
}

emr_status emr_share_pass_on(emr_share *share, uint64_t *out_n)
{
	EMR_AUTO_BUF devices = {0};
	EMR_AUTO_BUF domains = {0};
	emr_id32 person;
	uint64_t n = 0;

	EMR_TRY(person_of(share, &person));
	if (!is_first(share, person))
		return EMR_OK;
	EMR_TRY(find_devices(share, person, &devices));
	if (devices.len > 0)
		EMR_TRY(find_domains(share, &domains));
	EMR_EACH (const emr_known_person, device, &devices)
		EMR_EACH (const emr_id16, domain, &domains)
			EMR_TRY(pass_one(share, *domain, device, &n));
	if (out_n != NULL)
		*out_n = n;
	return EMR_OK;
}

/* ---- adding ---- */

static emr_status own_org(emr_share *share, emr_id16 *out_org)
{
	emr_known_person me;

	EMR_TRY(emr_replica_person(share->o.replica, share->me.signer_id, &me));
	memcpy(out_org->b, me.row.org, sizeof out_org->b);
	return EMR_OK;
}

/* Signed by the device's key, endorsed by this person's, submitted by this computer. */
static emr_status register_key(emr_share *share, emr_keyring *device, const char *name,
	uint16_t roles, uint64_t not_after_unix_s)
{
	emr_share as_device = *share;
	emr_register who = {
		.keyring = device, .net_id = share->net_id, .roles = roles, .name = name};
	AUTO_PARCEL p = {0};
	emr_act act;
	emr_status status = own_org(share, &who.org);

	as_device.o.keyring = device;
	if (status == EMR_OK)
		status = parcel_begin(&as_device, emr_signer_identity(), &p);
	if (status == EMR_OK)
		status = emr_register_device(
			&who, share->o.keyring, not_after_unix_s, &act, &p.part);
	if (status == EMR_OK)
		status = parcel_add(&p, &act, NULL);
	if (status == EMR_OK)
		status = parcel_send(&p);
	share->refusal = as_device.refusal;
	return status;
}

#define ROUNDS 5

/* The open folder sees the new key and passes on, too, and may begin an epoch at the same moment:
 * what it did is there with the answer. */
static emr_status pass_on_beside_others(emr_share *share)
{
	emr_status status = emr_share_pass_on(share, NULL);

	for (int round = 1; round < ROUNDS && (status == EMR_CONFLICT || status == EMR_EPOCH);
		round++)
		status = emr_share_pass_on(share, NULL);
	return status;
}

emr_status emr_share_device_add(emr_share *share, emr_keyring *device, const char *name,
	bool only_reads, uint64_t not_after_unix_s)
{
	EMR_AUTO_BUF devices = {0};
	size_t len = strlen(name);

	if (len == 0 || len > EMR_DEVICE_NAME_MAX)
		return EMR_INVALID;
	EMR_TRY(begin_at_first(share));
	EMR_TRY(emr_share_devices(share, &devices));
	EMR_EACH (const emr_device, other, &devices)
		if (other->is_active && strcmp(other->name, name) == 0)
			return EMR_EXISTS;
	EMR_TRY(register_key(share, device, name,
		EMR_ROLE_DEVICE | (only_reads ? EMR_ROLE_READER : 0), not_after_unix_s));
	return pass_on_beside_others(share);
}

/* ---- removing ---- */

static emr_status revoke_key(emr_share *share, const emr_known_person *device)
{
	emr_act act = emr_act_device_revoke(device->signer_id, &device->row, share_now(share));

	if (device->row.head.state != EMR_KEY_ACTIVE)
		return EMR_OK;
	return parcel_send_one(share, emr_signer_identity(), &act);
}

static emr_status end_stranger(emr_share *share, const emr_stranger *s)
{
	emr_act act = emr_act_writer_del(s->domain, s->who);
	emr_status status;

	/* A writer that ended its own right meanwhile is refused; whether it did is looked at
	 * again. */
	if (s->kind != EMR_STRANGER_GRANT) {
		status = parcel_send_one(
			share, emr_keyring_signer_of(share->o.keyring, s->domain), &act);
		return status == EMR_REFUSED ? EMR_OK : status;
	}
	status = emr_share_revoke(share, s->domain, s->grant);
	return status == EMR_DENIED ? EMR_OK : status; /* it has ended meanwhile */
}

/* Until nobody is left: whoever sees that he is being ended may add another one meanwhile.  Then
 * the key that they have had is of no more use: the ledger tells whether there is such a one, also
 * when they ended their rights themselves, or an earlier call was interrupted here. */
static emr_status end_strangers_in(emr_share *share, emr_id16 domain, emr_buf *out_ended)
{
	bool is_done = false, is_due = false;

	for (int round = 0; round < ROUNDS_MAX && !is_done; round++) {
		EMR_AUTO_BUF found = {0};

		EMR_TRY(emr_strangers_in(
			share->o.keyring, share->o.replica, domain, share_now(share), &found));
		is_done = found.len == 0;
		EMR_EACH (const emr_stranger, s, &found) {
			EMR_TRY(end_stranger(share, s));
			EMR_TRY(emr_buf_append(out_ended, s, sizeof *s));
		}
	}
	if (!is_done)
		return EMR_CONFLICT;
	EMR_TRY(emr_share_epoch_is_due(share, domain, &is_due));
	return is_due ? emr_share_begin_epoch(share, domain) : EMR_OK;
}

static emr_status end_strangers(emr_share *share, emr_buf *out_ended)
{
	EMR_AUTO_BUF domains = {0};

	EMR_TRY(find_domains(share, &domains));
	EMR_EACH (const emr_id16, domain, &domains)
		EMR_TRY(end_strangers_in(share, *domain, out_ended));
	return EMR_OK;
}

emr_status emr_share_end_strangers(emr_share *share, emr_buf *out_ended)
{
	EMR_TRY(begin_at_first(share));
	return end_strangers(share, out_ended);
}

/* With the device's key revoked its own rows are a stranger's, too. */
emr_status emr_share_device_remove(emr_share *share, emr_id32 device, emr_buf *out_ended)
{
	EMR_AUTO_BUF ended = {0};
	emr_known_person key;
	bool is_hers = false;
	emr_status status;

	EMR_TRY(begin_at_first(share));
	EMR_TRY(emr_replica_person(share->o.replica, device, &key));
	EMR_TRY(share_is_device_of(share->o.replica, &key, share->me.signer_id, &is_hers));
	if (!is_hers)
		return EMR_NOT_FOUND;
	EMR_TRY(revoke_key(share, &key));
	status = end_strangers(share, &ended);
	EMR_EACH (const emr_stranger, s, &ended) {
		bool is_it = s->kind == EMR_STRANGER_MANAGER && emr_id32_equal(s->who, device);

		if (!is_it && out_ended != NULL)
			EMR_TRY(emr_buf_append(out_ended, s, sizeof *s));
	}
	return status == EMR_OK ? emr_share_pass_on(share, NULL) : status;
}
