/* This kit makes a person who is not on the ledger yet, with a certificate or as a device, for
 * tests of how the contract registers keys. */
#pragma once

#include "test_contract_kit.h"

#include "contract/pubs_share.h"

#define UNTIL (KIT_NOW + 100 * KIT_DAY)

/* A newcomer with a certificate of an organisation's CA, as the host would tell the contract. */
typedef struct newcomer {
	kit_world world;
	kit_signer key, cert_key;
	emr_pub_key_reg reg;
	emr_pub_key_cert renewal;
	bool commits; /* what is answered stays in the world */
} newcomer;

/* With a certificate that vouches for a clinician; newcomer_end() frees its world. */
void newcomer_make(newcomer *it);
void newcomer_end(newcomer *it);
/* BY's signature over PUB, of LEN bytes, at AT. */
void newcomer_bind(const newcomer *it, const kit_signer *by, uint8_t *pub, size_t len, size_t at);
/* The ledger's answer to one item of the newcomer's, about his key. */
int newcomer_send(newcomer *it, const char *name, uint8_t op, const uint8_t *pub, size_t pub_len,
	emr_span part);
/* KEY_REG and KEY_CERT with bind_sig by the certificate's key, or by BY: the ledger answers WANTED.
 */
void registers(newcomer *it, const char *name, int wanted);
void registers_by(newcomer *it, const char *name, const kit_signer *by, int wanted);
void renews(newcomer *it, const char *name, int wanted);
void renews_by(newcomer *it, const char *name, const kit_signer *by, int wanted);
void newcomer_put_key(newcomer *it, uint8_t how, uint8_t key_state, uint64_t not_after);

/* A device that the world's identity endorses. */
void newcomer_make_device(newcomer *it);
/* The newcomer's key is a device's that the world's identity endorsed, and named REF last. */
void newcomer_put_device(
	newcomer *it, uint8_t key_state, uint64_t not_after, const uint8_t ref[32]);
/* On Fabric, with a certificate that the host verified. */
void newcomer_make_certified_device(newcomer *it);
