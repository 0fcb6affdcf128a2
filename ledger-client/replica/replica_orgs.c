/* This file says who people and organisations are, by what the members approved: the name and the
 * certificate authority of an organisation, and the certificate under which a key was registered.
 * A name that nobody approved does not count. */
#include "replica/ask.h"

#include "replica_private.h"

#include <string.h>

#include "base/codec.h"
#include "contract/codes.h"
#include "ledger/hash.h"

void emr_known_organisation_free(emr_known_organisation *org)
{
	emr_buf_free(&org->ca);
}

static bool has_hash(emr_bytes bytes, const uint8_t hash[32])
{
	emr_id32 found = emr_sha256_of(&bytes, 1);

	return bytes.len > 0 && memcmp(found.b, hash, 32) == 0;
}

static void take_name(emr_bytes name, char out[EMR_ORG_NAME_MAX + 1])
{
	if (name.len > EMR_ORG_NAME_MAX || memchr(name.data, '\0', name.len) != NULL)
		return;
	memcpy(out, name.data, name.len);
	out[name.len] = '\0';
}

/* ---- organisations ---- */

static emr_status from_descriptor(
	emr_bytes bytes, const uint8_t org[16], emr_known_organisation *out)
{
	emr_descriptor descriptor;
	emr_descriptor_org one;
	emr_bytes ca;

	if (emr_descriptor_parse(emr_span_of(bytes), &descriptor) != EMR_CONTRACT_OK)
		return EMR_DAMAGED;
	if (!emr_descriptor_find(&descriptor, org, &one))
		return EMR_OK;
	take_name(emr_bytes_of(one.name.data, one.name.len), out->name);
	ca = emr_bytes_of(one.ca_der.data, one.ca_der.len);
	return has_hash(ca, out->row.ca_hash) ? emr_buf_append(&out->ca, ca.data, ca.len) : EMR_OK;
}

/* The newest admission that the members approved, with the CA that holds; EMR_NOT_FOUND. Anybody
 * may propose anything: only what was carried counts. */
static emr_status newest_admission(
	emr_replica *replica, const emr_known_org *of, emr_id16 *out_proposal)
{
	EMR_AUTO_BUF bytes = {0};
	emr_known_proposal p;
	emr_replica_item item, newest = {.seq = 0};
	EMR_ASK(asked, replica, PROPOSALS);

	while (emr_next(&asked, &p)) {
		const emr_part_key approved = {
			.family = EMR_FAMILY_APPROVAL, .object = p.proposal, .version = 1};

		if (p.row.kind != EMR_PROPOSAL_ADMIT || p.row.head.state != EMR_PROPOSAL_DONE ||
			memcmp(p.row.org, of->org.b, 16) != 0 ||
			memcmp(p.row.aux, of->row.ca_hash, 32) != 0)
			continue;
		EMR_TRY(emr_required(emr_replica_item_get(replica, &approved, &bytes, &item)));
		if (item.seq < newest.seq || (item.seq == newest.seq && item.index < newest.index))
			continue;
		*out_proposal = p.proposal;
		newest = item;
	}
	EMR_TRY(asked.status);
	return newest.seq > 0 ? EMR_OK : EMR_NOT_FOUND;
}

static emr_status from_admission(
	emr_replica *replica, emr_id16 proposal, emr_known_organisation *out)
{
	const emr_part_key key = {.family = EMR_FAMILY_ORG, .object = proposal, .version = 1};
	EMR_AUTO_BUF part = {0};
	emr_bytes name, ca;
	emr_status status = emr_replica_part(replica, &key, &part);

	if (status != EMR_OK)
		return status == EMR_NOT_FOUND || status == EMR_MISSING_DATA ? EMR_OK : status;
	/* Its author wrote it; that the members meant it shows in the CA that they approved. */
	if (emr_proposal_admit_read(emr_buf_view(&part), &name, &ca) != EMR_OK ||
		!has_hash(ca, out->row.ca_hash))
		return EMR_OK;
	take_name(name, out->name);
	return emr_buf_append(&out->ca, ca.data, ca.len);
}

emr_status emr_replica_organisation(emr_replica *replica, emr_bytes descriptor,
	const uint8_t org[16], emr_known_organisation *out)
{
	emr_known_org of = {.org = EMR_ID16_AT(org)};
	emr_id16 proposal;
	emr_key_text key;
	emr_status status;

	emr_buf_clear(&out->ca);
	out->name[0] = '\0';
	emr_key_org(org, &key);
	EMR_TRY(REPLICA_ROW(replica, key.text, org, &of.row));
	out->row = of.row;
	status = newest_admission(replica, &of, &proposal);
	if (status == EMR_NOT_FOUND)
		return from_descriptor(descriptor, org, out);
	return status == EMR_OK ? from_admission(replica, proposal, out) : status;
}

/* ---- people ---- */

/* salt, certificate, name. */
static bool read_registration(emr_bytes part, emr_bytes *out_der, emr_bytes *out_name)
{
	emr_reader r = emr_reader_of(part);

	(void)emr_read_bytes(&r, 32);
	*out_der = emr_read_bytes(&r, emr_read_u16(&r));
	*out_name = emr_read_bytes(&r, emr_read_u8(&r));
	return !r.bad;
}

emr_status replica_certificate_at(emr_replica *replica, const emr_part_key *key,
	const uint8_t ref[32], emr_buf *out_part, emr_bytes *out_der, emr_bytes *out_name)
{
	emr_status status = emr_replica_part(replica, key, out_part);

	if (status == EMR_MISSING_DATA)
		return EMR_NOT_FOUND;
	if (status != EMR_OK)
		return status;
	return read_registration(emr_buf_view(out_part), out_der, out_name) &&
			       has_hash(*out_der, ref)
		       ? EMR_OK
		       : EMR_NOT_FOUND;
}

/* *KEY: the version of the row that named the certificate REF; others moved it without one. */
static emr_status find_in_row(emr_replica *replica, const emr_known_person *person,
	const uint8_t ref[32], emr_part_key *key, emr_buf *out_part, emr_bytes *out_der,
	emr_bytes *out_name)
{
	emr_status status = EMR_NOT_FOUND;

	*key = (emr_part_key){.family = EMR_FAMILY_KEY, .version = person->row.head.version};
	memcpy(key->object.b, person->signer_id.b, 16);
	for (; key->version > 0 && status == EMR_NOT_FOUND; key->version--) {
		status = replica_certificate_at(replica, key, ref, out_part, out_der, out_name);
		if (status != EMR_NOT_FOUND)
			return status;
	}
	return status;
}

/* A key that followed another keeps the certificate, which stands with one before it. */
static emr_status find_registration(emr_replica *replica, const emr_known_person *person,
	const uint8_t ref[32], emr_part_key *key, emr_buf *out_part, emr_bytes *out_der,
	emr_bytes *out_name)
{
	EMR_AUTO_BUF keys = {0};
	emr_status status = find_in_row(replica, person, ref, key, out_part, out_der, out_name);

	if (status == EMR_NOT_FOUND && memcmp(person->row.root, person->signer_id.b, 32) != 0)
		EMR_TRY(emr_replica_keys_of(replica, person->signer_id, &keys));
	EMR_EACH (const emr_known_person, before, &keys)
		if (status == EMR_NOT_FOUND)
			status =
				find_in_row(replica, before, ref, key, out_part, out_der, out_name);
	return status;
}

emr_status emr_replica_registration(emr_replica *replica, const emr_known_person *person,
	emr_buf *out_part, emr_bytes *out_der, emr_bytes *out_name)
{
	emr_part_key key;

	return person->row.how == EMR_HOW_CERTIFICATE
		       ? find_registration(replica, person, person->row.ref, &key, out_part,
				 out_der, out_name)
		       : EMR_NOT_FOUND;
}

emr_status emr_replica_device_certificate(emr_replica *replica, const emr_known_person *device,
	emr_buf *out_part, emr_bytes *out_der, emr_bytes *out_name)
{
	emr_part_key key;

	return device->row.how == EMR_HOW_DEVICE && device->row.head.state != EMR_KEY_ROTATED
		       ? find_registration(replica, device, device->row.next, &key, out_part,
				 out_der, out_name)
		       : EMR_NOT_FOUND;
}

emr_status emr_replica_certificate_since(
	emr_replica *replica, const emr_known_person *person, uint64_t *out_unix_s)
{
	EMR_AUTO_BUF part = {0}, bytes = {0};
	const uint8_t *ref = person->row.how == EMR_HOW_DEVICE ? person->row.next : person->row.ref;
	emr_replica_item item;
	emr_part_key key;
	emr_bytes der, name;

	EMR_TRY(find_registration(replica, person, ref, &key, &part, &der, &name));
	EMR_TRY(emr_replica_item_get(replica, &key, &bytes, &item));
	*out_unix_s = item.ledger_time;
	return EMR_OK;
}
