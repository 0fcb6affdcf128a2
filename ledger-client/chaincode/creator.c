/* This file finds the organisation behind the certificate that signed a transaction, and judges
 * whether that certificate counts for it. */
#include "chaincode/creator.h"

#include <string.h>

#include "contract/item.h"
#include "crypto/hashsig.h"

/* An organisation that the descriptor gives no MSP, as those of networks that began in a directory,
 * has the MSP that is called like its id. */
static bool is_msp_of(const emr_descriptor_org *org, emr_bytes msp)
{
	char id[33];

	if (org->msp.len > 0)
		return emr_bytes_equal(emr_bytes_of(org->msp.data, org->msp.len), msp);
	emr_hex(org->org, sizeof org->org, id);
	return emr_bytes_equal(emr_bytes_of(id, 32), msp);
}

static bool claims_by_descriptor(emr_bytes descriptor, emr_bytes msp, emr_creator_claim *out)
{
	emr_descriptor network;
	emr_descriptor_org org;

	if (emr_descriptor_parse((emr_span){descriptor.data, descriptor.len}, &network) !=
		EMR_CONTRACT_OK)
		return false;
	for (size_t i = 0; i < network.norg; i++) {
		if (emr_descriptor_org_at(&network, i, &org) != EMR_CONTRACT_OK ||
			!is_msp_of(&org, msp))
			continue;
		memcpy(out->org.b, org.org, sizeof out->org.b);
		out->ca = emr_bytes_of(org.ca_der.data, org.ca_der.len);
		return true;
	}
	return false;
}

/* An authority that names no MSP, as those that were admitted in a directory, certifies members of
 * the one that is called like the organisation; or the organisation is called after both, and then
 * OWN, which certificates by a Fabric CA's own administrator lack, is that or zero. */
static bool is_authority_for(
	const emr_cert_facts *ca, const emr_creator *creator, emr_id16 own, emr_id16 *out_org)
{
	char id[33];

	*out_org = own;
	if (ca->msp[0] != '\0')
		return !emr_id16_is_zero(own) &&
		       emr_bytes_equal(emr_bytes_of(ca->msp, strlen(ca->msp)), creator->msp);
	emr_hex(own.b, sizeof own.b, id);
	if (!emr_id16_is_zero(own) && emr_bytes_equal(emr_bytes_of(id, 32), creator->msp))
		return true;
	*out_org = emr_cert_org_of(creator->authority, creator->msp);
	return emr_id16_is_zero(own) || emr_id16_equal(own, *out_org);
}

bool emr_creator_belongs(
	emr_bytes descriptor, const uint8_t org[16], emr_bytes authority, emr_creator_claim *out)
{
	emr_descriptor network;
	emr_descriptor_org one;

	memcpy(out->org.b, org, sizeof out->org.b);
	out->ca = authority;
	if (authority.len > 0)
		return true;
	if (emr_descriptor_parse((emr_span){descriptor.data, descriptor.len}, &network) !=
			EMR_CONTRACT_OK ||
		!emr_descriptor_find(&network, org, &one))
		return false;
	out->ca = emr_bytes_of(one.ca_der.data, one.ca_der.len);
	return true;
}

bool emr_creator_claims(
	emr_bytes descriptor, const emr_creator *creator, emr_creator_claim *out_claim)
{
	emr_cert_facts own, ca;
	emr_id16 org;

	if (creator->authority.len == 0)
		return claims_by_descriptor(descriptor, creator->msp, out_claim);
	if (emr_cert_read(creator->certificate, &own) != EMR_OK ||
		emr_cert_read(creator->authority, &ca) != EMR_OK ||
		!is_authority_for(&ca, creator, own.org, &org))
		return false;
	*out_claim = (emr_creator_claim){.org = org, .ca = creator->authority};
	return true;
}

static bool is_ca_of(emr_bytes row, emr_bytes ca)
{
	emr_row_org parsed;
	uint8_t hash[32];

	if (emr_row_org_parse((emr_span){row.data, row.len}, &parsed) != EMR_CONTRACT_OK)
		return false;
	emr_sha256(ca.data, ca.len, hash);
	return memcmp(hash, parsed.ca_hash, sizeof hash) == 0;
}

bool emr_creator_counts(const emr_creator *creator, const emr_creator_claim *claim, emr_bytes row,
	uint64_t now_unix_s, emr_cert_facts *out_facts)
{
	return is_ca_of(row, claim->ca) &&
	       emr_cert_verify(creator->certificate, claim->ca, now_unix_s, out_facts) == EMR_OK &&
	       emr_cert_is_of(out_facts, claim->org.b);
}
