/* This file signs as Fabric wants it, with the keyring's certificate key. It signs nothing that
 * could be a message of another kind. */
#include "identity_private.h"

#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

#include "fields.h"
#include "proto.h"

#define DER_SIGNATURE_MAX 80

static void certificate_free(X509 **certificate)
{
	X509_free(*certificate);
}
static void signature_free(ECDSA_SIG **signature)
{
	ECDSA_SIG_free(*signature);
}
static void bio_free(BIO **bio)
{
	(void)BIO_free(*bio);
}
#define AUTO(kind, free_it) __attribute__((cleanup(free_it))) kind *

static emr_status out_of_memory(void)
{
	ERR_clear_error();
	return EMR_NO_MEMORY;
}

void emr_gateway_identity_free(emr_gateway_identity *identity)
{
	if (identity == NULL)
		return;
	EVP_PKEY_free(identity->key);
	emr_buf_free(&identity->creator);
	free(identity);
}

emr_bytes emr_gateway_identity_creator(const emr_gateway_identity *identity)
{
	return emr_buf_view(&identity->creator);
}

/* ---- Making one ---- */

/* One certificate and nothing beside it: the chaincode takes no other form. */
static emr_status write_creator(const char *msp_id, X509 *certificate, emr_buf *out)
{
	AUTO(BIO, bio_free) bio = BIO_new(BIO_s_mem());
	proto_writer w = proto_writer_of(out);
	char *pem = NULL;
	long len;

	if (bio == NULL || PEM_write_bio_X509(bio, certificate) != 1)
		return out_of_memory();
	len = BIO_get_mem_data(bio, &pem);
	proto_put_text(&w, SERIALIZED_IDENTITY_MSPID, msp_id);
	proto_put_bytes(&w, SERIALIZED_IDENTITY_ID_BYTES, emr_bytes_of(pem, (size_t)len));
	return w.status;
}

emr_status gateway_identity_new(const char *msp_id, X509 *certificate, emr_gateway_identity **out)
{
	emr_gateway_identity *identity = NULL;
	emr_status status;

	if (msp_id == NULL || msp_id[0] == '\0' || strlen(msp_id) > EMR_GATEWAY_MSP_ID_MAX)
		return EMR_INVALID;
	identity = calloc(1, sizeof *identity);
	if (identity == NULL)
		return EMR_NO_MEMORY;
	status = write_creator(msp_id, certificate, &identity->creator);
	if (status != EMR_OK) {
		emr_gateway_identity_free(identity);
		return status;
	}
	*out = identity;
	return EMR_OK;
}

static bool is_of_keyring(X509 *certificate, const emr_keyring *keyring)
{
	uint8_t spki[EMR_P256_SPKI_BYTES], *at = spki;
	emr_public facts;
	X509_PUBKEY *key = X509_get_X509_PUBKEY(certificate);

	return emr_keyring_public(keyring, &facts) == EMR_OK &&
	       i2d_X509_PUBKEY(key, NULL) == (int)sizeof spki &&
	       i2d_X509_PUBKEY(key, &at) == (int)sizeof spki &&
	       memcmp(spki, facts.p256_spki, sizeof spki) == 0;
}

/* ---- Signing ---- */

static emr_status append_der(const ECDSA_SIG *signature, emr_buf *out)
{
	uint8_t der[DER_SIGNATURE_MAX], *at = der;
	int len = i2d_ECDSA_SIG(signature, NULL);

	if (len <= 0 || len > (int)sizeof der || i2d_ECDSA_SIG(signature, &at) != len)
		return out_of_memory();
	return emr_buf_append(out, der, (size_t)len);
}

/* The keyring's signatures are low-S: Fabric takes no other. */
static emr_status sign_by_keyring(
	const emr_gateway_identity *identity, emr_bytes message, emr_buf *out)
{
	AUTO(ECDSA_SIG, signature_free) signature = ECDSA_SIG_new();
	uint8_t raw[64];
	BIGNUM *r, *s;

	EMR_TRY(emr_keyring_sign(
		identity->keyring, emr_signer_certificate(), EMR_SIGN_FABRIC, message, raw));
	r = BN_bin2bn(raw, 32, NULL);
	s = BN_bin2bn(raw + 32, 32, NULL);
	if (signature == NULL || r == NULL || s == NULL || ECDSA_SIG_set0(signature, r, s) != 1) {
		BN_free(r);
		BN_free(s);
		return out_of_memory();
	}
	return append_der(signature, out);
}

emr_status emr_gateway_identity_sign(
	const emr_gateway_identity *identity, emr_bytes message, emr_buf *out_signature)
{
	return identity->sign(identity, message, out_signature);
}

emr_status emr_gateway_identity_of_keyring(const emr_keyring *keyring, const char *msp_id,
	emr_bytes certificate, emr_gateway_identity **out_identity)
{
	const uint8_t *at = certificate.data;
	AUTO(X509, certificate_free) x509 = d2i_X509(NULL, &at, (long)certificate.len);

	ERR_clear_error();
	if (x509 == NULL || at != certificate.data + certificate.len ||
		!is_of_keyring(x509, keyring))
		return EMR_INVALID;
	EMR_TRY(gateway_identity_new(msp_id, x509, out_identity));
	(*out_identity)->keyring = keyring;
	(*out_identity)->sign = sign_by_keyring;
	return EMR_OK;
}
