/* This file makes the key and the certificate of a host that is known by its key, and computes the
 * hash of the key by which its clients know it (RFC 7469). */
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "ledger/hash.h"
#include "served/server.h"

#define YEARS_S (100L * 365 * 86400) /* nobody looks at the certificate's end */

EMR_AUTO_CALL(free_key, EVP_PKEY *, EVP_PKEY_free);
EMR_AUTO_CALL(free_certificate, X509 *, X509_free);
EMR_AUTO_CALL(free_bio, BIO *, BIO_free);
#define AUTO_KEY __attribute__((cleanup(free_key))) EVP_PKEY *
#define AUTO_BIO __attribute__((cleanup(free_bio))) BIO *
#define AUTO_CERTIFICATE __attribute__((cleanup(free_certificate))) X509 *

static emr_status failed(void)
{
	ERR_clear_error();
	return EMR_NO_MEMORY;
}

static emr_status take_text(BIO *bio, emr_buf *out)
{
	char *text;
	long len = BIO_get_mem_data(bio, &text);

	EMR_TRY(len > 0 ? emr_buf_append(out, text, (size_t)len) : EMR_NO_MEMORY);
	return emr_buf_append(out, "", 1);
}

static emr_status pin_of(X509 *certificate, emr_id32 *out_pin)
{
	uint8_t *der = NULL;
	int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
	emr_bytes spki = emr_bytes_of(der, len > 0 ? (size_t)len : 0);

	if (len <= 0)
		return failed();
	*out_pin = emr_sha256_of(&spki, 1);
	OPENSSL_free(der);
	return EMR_OK;
}

static bool fill(X509 *certificate, EVP_PKEY *key)
{
	X509_NAME *name = X509_get_subject_name(certificate);

	return X509_set_version(certificate, X509_VERSION_3) == 1 &&
	       ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1) == 1 &&
	       X509_gmtime_adj(X509_getm_notBefore(certificate), -86400) != NULL &&
	       X509_gmtime_adj(X509_getm_notAfter(certificate), YEARS_S) != NULL &&
	       X509_NAME_add_entry_by_txt(
		       name, "CN", MBSTRING_UTF8, (const uint8_t *)"emrfs host", -1, -1, 0) == 1 &&
	       X509_set_issuer_name(certificate, name) == 1 &&
	       X509_set_pubkey(certificate, key) == 1 &&
	       X509_sign(certificate, key, EVP_sha256()) > 0;
}

emr_status emr_served_make_key(emr_buf *out_key)
{
	AUTO_KEY key = EVP_EC_gen("P-256");
	AUTO_BIO text = BIO_new(BIO_s_secmem());

	if (key == NULL || text == NULL ||
		PEM_write_bio_PKCS8PrivateKey(text, key, NULL, NULL, 0, NULL, NULL) != 1)
		return failed();
	return take_text(text, out_key);
}

emr_status emr_served_make_certificate(const char *key, emr_buf *out_certificate)
{
	AUTO_BIO key_text = BIO_new_mem_buf(key, -1);
	AUTO_KEY pair = key_text ? PEM_read_bio_PrivateKey(key_text, NULL, NULL, NULL) : NULL;
	AUTO_CERTIFICATE certificate = X509_new();
	AUTO_BIO text = BIO_new(BIO_s_mem());

	if (pair == NULL || certificate == NULL || text == NULL || !fill(certificate, pair) ||
		PEM_write_bio_X509(text, certificate) != 1)
		return failed();
	return take_text(text, out_certificate);
}

emr_status emr_served_pin(const char *text, emr_id32 *out_pin)
{
	AUTO_BIO bio = BIO_new_mem_buf(text, -1);
	AUTO_CERTIFICATE certificate = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;

	if (certificate == NULL) {
		ERR_clear_error();
		return EMR_DAMAGED;
	}
	return pin_of(certificate, out_pin);
}
