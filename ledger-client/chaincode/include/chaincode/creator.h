/* These functions say whose certificate signed a transaction on Fabric, and whether it counts: as
 * the chaincode asks it before it judges a batch, and as everybody asks it again who reads blocks.
 * It reads no rows; the caller fetches the one that it names. */
#pragma once

#include "contract/rows.h"
#include "keyring/cert.h"

typedef struct emr_creator {
	emr_bytes msp;	       /* of the channel, as the transaction names it */
	emr_bytes certificate; /* DER */
	/* DER: the CA that the creator brings along, because that organisation was admitted after
	 * the beginning, or has another CA since. Empty: the one in the descriptor. */
	emr_bytes authority;
} emr_creator;

/* An organisation and the CA that would speak for it. */
typedef struct emr_creator_claim {
	emr_id16 org;
	emr_bytes ca; /* DER; borrowed from the descriptor or the creator */
} emr_creator_claim;

/* The organisation that the creator claims: by the MSP that the descriptor names (where it names
 * none, the organisation's id in hex); with an authority by the creator's certificate, and the MSP
 * must be the one that the authority names, or, where that names none, the organisation's id in
 * hex. Where the id follows from authority and MSP (emr_cert_org_of), the creator's certificate
 * need not name it. False: nobody's. */
bool emr_creator_claims(
	emr_bytes descriptor, const emr_creator *creator, emr_creator_claim *out_claim);
/* The CA that would speak for ORG: AUTHORITY, and without one that of the descriptor.  False: it
 * has none there. */
bool emr_creator_belongs(emr_bytes descriptor, const uint8_t org[16], emr_bytes authority,
	emr_creator_claim *out_claim);
/* Whether the certificate counts: it leads, at NOW, to the claim's CA, and that is the CA of ROW,
 * the M row of the claim's organisation.  Whether it is a member still, the contract asks. */
bool emr_creator_counts(const emr_creator *creator, const emr_creator_claim *claim, emr_bytes row,
	uint64_t now_unix_s, emr_cert_facts *out_facts);
