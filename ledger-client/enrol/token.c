/* This file makes the token that proves to Fabric CA who asks: the certificate, and a signature of
 * its key over the request. It signs nothing that does not begin as such a request. */
#include <openssl/ecdsa.h>
#include <sodium.h>
#include <string.h>

#include "enrol_private.h"

#define LINE_CHARS 64 /* of base64 in PEM */
#define SIGNATURE_MAX 80

emr_status ca_base64(emr_bytes bytes, emr_buf *out)
{
	size_t len = sodium_base64_ENCODED_LEN(bytes.len, sodium_base64_VARIANT_ORIGINAL);

	EMR_TRY(emr_buf_reserve(out, len));
	sodium_bin2base64((char *)out->data + out->len, len, bytes.data, bytes.len,
		sodium_base64_VARIANT_ORIGINAL);
	out->len += len - 1;
	return EMR_OK;
}

static emr_status add_text(emr_buf *out, const char *text)
{
	return emr_buf_append(out, text, strlen(text));
}

emr_status ca_pem(emr_bytes der, const char *what, emr_buf *out)
{
	EMR_AUTO_BUF text = {0};

	EMR_TRY(ca_base64(der, &text));
	EMR_TRY(add_text(out, "-----BEGIN "));
	EMR_TRY(add_text(out, what));
	EMR_TRY(add_text(out, "-----\n"));
	for (size_t at = 0; at < text.len; at += LINE_CHARS) {
		size_t n = text.len - at < LINE_CHARS ? text.len - at : LINE_CHARS;

		EMR_TRY(emr_buf_append(out, text.data + at, n));
		EMR_TRY(add_text(out, "\n"));
	}
	EMR_TRY(add_text(out, "-----END "));
	EMR_TRY(add_text(out, what));
	return add_text(out, "-----\n");
}

/* The first certificate of CHAIN: its length stands in front. */
static emr_bytes first_of(emr_bytes chain)
{
	size_t len;

	if (chain.len < 4 || chain.data[0] != 0x30 || chain.data[1] != 0x82)
		return chain;
	len = 4 + ((size_t)chain.data[2] << 8 | chain.data[3]);
	return emr_bytes_of(chain.data, len <= chain.len ? len : chain.len);
}

static emr_status append_signature(const uint8_t raw[64], emr_buf *out)
{
	ECDSA_SIG *signature = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(raw, 32, NULL), *s = BN_bin2bn(raw + 32, 32, NULL);
	uint8_t der[SIGNATURE_MAX], *at = der;
	int len = 0;

	if (signature == NULL || r == NULL || s == NULL || ECDSA_SIG_set0(signature, r, s) != 1) {
		BN_free(r);
		BN_free(s);
	} else {
		len = i2d_ECDSA_SIG(signature, NULL);
		len = len > 0 && len <= SIGNATURE_MAX ? i2d_ECDSA_SIG(signature, &at) : 0;
	}
	ECDSA_SIG_free(signature);
	return len > 0 ? ca_base64(emr_bytes_of(der, (size_t)len), out) : EMR_NO_MEMORY;
}

emr_status ca_token(const emr_keyring *keyring, emr_bytes chain, const char *method,
	const char *uri, emr_bytes body, emr_buf *out)
{
	EMR_AUTO_BUF pem = {0};
	EMR_AUTO_BUF certificate = {0};
	EMR_AUTO_BUF message = {0};
	uint8_t raw[64];

	EMR_TRY(ca_pem(first_of(chain), "CERTIFICATE", &pem));
	EMR_TRY(ca_base64(emr_buf_view(&pem), &certificate));
	EMR_TRY(add_text(&message, method));
	EMR_TRY(add_text(&message, "."));
	EMR_TRY(ca_base64(emr_bytes_of(uri, strlen(uri)), &message));
	EMR_TRY(add_text(&message, "."));
	EMR_TRY(ca_base64(body, &message));
	EMR_TRY(add_text(&message, "."));
	EMR_TRY(emr_buf_append(&message, certificate.data, certificate.len));
	EMR_TRY(emr_keyring_sign(keyring, emr_signer_certificate(), EMR_SIGN_FABRIC_CA,
		emr_buf_view(&message), raw));
	EMR_TRY(emr_buf_append(out, certificate.data, certificate.len));
	EMR_TRY(add_text(out, "."));
	EMR_TRY(append_signature(raw, out));
	return emr_buf_append(out, "", 1);
}
