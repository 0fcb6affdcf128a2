/* An organisation's name and certificate authority: the founders' stand in the network's
 * description, those of later ones behind the proposal that admitted them. */
#include <string.h>

#include "base/codec.h"
#include "contract/codes.h"
#include "contract/item.h"
#include "crypto/hashsig.h"
#include "share/signed.h"

static bool is_authority(emr_bytes der, const uint8_t hash[32])
{
	uint8_t got[32];

	emr_sha256(der.data, der.len, got);
	return der.len > 0 && memcmp(got, hash, 32) == 0;
}

static void take_name(emr_bytes name, char out[256])
{
	if (name.len > 255 || memchr(name.data, '\0', name.len) != NULL)
		return;
	memcpy(out, name.data, name.len);
	out[name.len] = '\0';
}

static emr_status from_descriptor(emr_bytes bytes, const emr_row_org *row, const uint8_t org[16],
	char out_name[256], emr_buf *out_ca, bool *out_found)
{
	emr_descriptor descriptor;
	emr_descriptor_org one;

	if (emr_descriptor_parse((emr_span){bytes.data, bytes.len}, &descriptor) != EMR_CONTRACT_OK)
		return EMR_OK;
	for (size_t i = 0; i < descriptor.norg; i++) {
		emr_bytes ca;

		if (emr_descriptor_org_at(&descriptor, i, &one) != EMR_CONTRACT_OK ||
			memcmp(one.org, org, 16) != 0)
			continue;
		*out_found = true;
		take_name(emr_bytes_of(one.name.data, one.name.len), out_name);
		ca = emr_bytes_of(one.ca_der.data, one.ca_der.len);
		return is_authority(ca, row->ca_hash) ? emr_buf_append(out_ca, ca.data, ca.len)
						      : EMR_OK;
	}
	return EMR_OK;
}

/* ---- one that was admitted ---- */

typedef struct admission {
	const uint8_t *org, *ca_hash;
	emr_id16 proposal;
	bool is_found;
} admission;

static emr_status note_proposal(void *arg, emr_id16 proposal, const emr_row_proposal *row)
{
	admission *a = arg;

	if (memcmp(row->org, a->org, 16) != 0 || memcmp(row->aux, a->ca_hash, 32) != 0)
		return EMR_OK;
	a->proposal = proposal;
	a->is_found = true;
	return EMR_OK;
}

/* Salt, name, address, authority. */
static emr_status from_part(
	emr_bytes part, const emr_row_org *row, char out_name[256], emr_buf *out_ca)
{
	emr_reader r = emr_reader_of(part);
	emr_bytes name, ca;

	(void)emr_read_bytes(&r, 32);
	name = emr_read_bytes(&r, emr_read_u8(&r));
	(void)emr_read_bytes(&r, emr_read_u16(&r));
	ca = emr_read_bytes(&r, emr_read_u16(&r));
	if (r.bad)
		return EMR_OK;
	take_name(name, out_name);
	return is_authority(ca, row->ca_hash) ? emr_buf_append(out_ca, ca.data, ca.len) : EMR_OK;
}

emr_status emr_signed_organisation(emr_replica *replica, emr_bytes descriptor,
	const uint8_t org[16], char out_name[256], emr_buf *out_ca)
{
	EMR_AUTO_BUF bytes = {0};
	EMR_AUTO_BUF part = {0};
	emr_part_key at = {.family = EMR_FAMILY_ORG, .version = 1};
	bool is_founder = false;
	admission a = {.org = org};
	emr_row_org row;
	emr_key_text key;
	emr_status status;

	out_name[0] = '\0';
	emr_key_org(org, &key);
	status = emr_replica_state_get(replica, key.text, &bytes);
	if (status == EMR_OK &&
		emr_row_org_parse((emr_span){bytes.data, bytes.len}, &row) != EMR_CONTRACT_OK)
		status = EMR_DAMAGED;
	if (status != EMR_OK)
		return status == EMR_NOT_FOUND ? EMR_OK : status;
	status = from_descriptor(descriptor, &row, org, out_name, out_ca, &is_founder);
	if (status != EMR_OK || is_founder)
		return status;
	a.ca_hash = row.ca_hash;
	status = emr_replica_proposals(replica, note_proposal, &a);
	if (status != EMR_OK || !a.is_found)
		return status;
	at.object = a.proposal;
	status = emr_replica_part(replica, &at, &part);
	if (status == EMR_OK)
		return from_part(emr_buf_view(&part), &row, out_name, out_ca);
	return status == EMR_NOT_FOUND || status == EMR_MISSING_DATA ? EMR_OK : status;
}
