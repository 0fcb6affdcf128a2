/* This file makes and reads certificate requests: an invited person sends one so that an
 * organisation's authority can certify the key. It refuses a request that its own key did not sign.
 */
#include <openssl/err.h>
#include <openssl/x509.h>
#include <string.h>

#include "cert_private.h"
#include "keyring/invite.h"
#include "keyring_private.h"

EMR_AUTO_CALL(csr_free, X509_REQ *, X509_REQ_free);
#define AUTO_CSR __attribute__((cleanup(csr_free))) X509_REQ

static emr_status failed(void)
{
	ERR_clear_error();
	return EMR_NO_MEMORY;
}

emr_status emr_csr_make(const emr_keyring *kr, const char *handle, emr_buf *out_der)
{
	__attribute__((cleanup(emr_pkey_free))) EVP_PKEY *key = NULL;
	AUTO_CSR *csr = NULL;
	uint8_t *at;
	int len;

	if (!emr_cert_handle_ok(handle, strlen(handle)))
		return EMR_INVALID;
	EMR_TRY(emr_p256_key(kr, EMR_P256_OWNER, &key));
	csr = X509_REQ_new();
	if (csr == NULL || X509_REQ_set_version(csr, X509_REQ_VERSION_1) != 1 ||
		X509_NAME_add_entry_by_NID(X509_REQ_get_subject_name(csr), NID_commonName,
			MBSTRING_UTF8, (const uint8_t *)handle, (int)strlen(handle), -1, 0) != 1 ||
		X509_REQ_set_pubkey(csr, key) != 1 || X509_REQ_sign(csr, key, EVP_sha256()) <= 0)
		return failed();
	len = i2d_X509_REQ(csr, NULL);
	if (len <= 0)
		return failed();
	if (len > EMR_INVITE_CSR_MAX)
		return EMR_LIMIT;
	EMR_TRY(emr_buf_reserve(out_der, (size_t)len));
	at = out_der->data + out_der->len;
	i2d_X509_REQ(csr, &at);
	out_der->len += (size_t)len;
	return EMR_OK;
}

static emr_status parse(emr_bytes der, X509_REQ **out)
{
	const uint8_t *at = der.data;
	X509_REQ *csr;

	if (der.len == 0 || der.len > EMR_INVITE_CSR_MAX)
		return EMR_DAMAGED;
	csr = d2i_X509_REQ(NULL, &at, (long)der.len);
	if (csr == NULL)
		return emr_cert_damaged();
	if (at != der.data + der.len) {
		X509_REQ_free(csr);
		return EMR_DAMAGED;
	}
	*out = csr;
	return EMR_OK;
}

static emr_status read_spki(X509_REQ *csr, uint8_t out[EMR_P256_SPKI_BYTES])
{
	__attribute__((cleanup(emr_pkey_free))) EVP_PKEY *key = NULL;
	const X509_PUBKEY *pubkey = X509_REQ_get_X509_PUBKEY(csr);
	uint8_t *at = out;

	if (i2d_X509_PUBKEY(pubkey, NULL) != EMR_P256_SPKI_BYTES)
		return emr_cert_damaged();
	i2d_X509_PUBKEY(pubkey, &at);
	return emr_cert_key_of(emr_bytes_of(out, EMR_P256_SPKI_BYTES), &key);
}

emr_status emr_csr_read(emr_bytes der, char out_handle[EMR_CERT_HANDLE_MAX + 1],
	uint8_t out_spki[EMR_P256_SPKI_BYTES])
{
	AUTO_CSR *csr = NULL;
	char handle[EMR_CERT_HANDLE_MAX + 1] = "";
	uint8_t spki[EMR_P256_SPKI_BYTES];

	EMR_TRY(parse(der, &csr));
	if (X509_REQ_get_version(csr) != X509_REQ_VERSION_1 || X509_REQ_get_attr_count(csr) > 0 ||
		X509_REQ_get_signature_nid(csr) != NID_ecdsa_with_SHA256 ||
		X509_NAME_entry_count(X509_REQ_get_subject_name(csr)) != 1)
		return emr_cert_damaged();
	EMR_TRY(emr_cert_read_handle(X509_REQ_get_subject_name(csr), handle));
	EMR_TRY(read_spki(csr, spki));
	if (X509_REQ_verify(csr, X509_REQ_get0_pubkey(csr)) != 1) {
		ERR_clear_error();
		return EMR_BAD_SIGNATURE;
	}
	memcpy(out_handle, handle, sizeof handle);
	memcpy(out_spki, spki, sizeof spki);
	return EMR_OK;
}
