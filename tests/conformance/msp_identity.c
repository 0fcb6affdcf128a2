/* This file signs with a key of an MSP directory, as peers and the network of examples have one. */
#include "msp_identity.h"

#include <glob.h>
#include <openssl/ecdsa.h>
#include <openssl/pem.h>
#include <stdio.h>

#include "identity_private.h"

static FILE *only_file(const char *dir, const char *below)
{
	char pattern[600];
	glob_t found = {0};
	FILE *file = NULL;

	(void)snprintf(pattern, sizeof pattern, "%s/%s/*", dir, below);
	if (glob(pattern, 0, NULL, &found) == 0 && found.gl_pathc == 1)
		file = fopen(found.gl_pathv[0], "re");
	globfree(&found);
	return file;
}

/* s or n - s, whichever is not above n/2: Fabric takes no other. */
static emr_status append_low(const EVP_PKEY *key, ECDSA_SIG *signature, emr_buf *out)
{
	BIGNUM *order = NULL, *half = BN_new();
	BIGNUM *r = BN_dup(ECDSA_SIG_get0_r(signature)), *s = BN_dup(ECDSA_SIG_get0_s(signature));
	uint8_t der[80], *at = der;
	int len;

	(void)EVP_PKEY_get_bn_param(key, "order", &order);
	(void)BN_rshift1(half, order);
	if (BN_cmp(s, half) > 0)
		(void)BN_sub(s, order, s);
	(void)ECDSA_SIG_set0(signature, r, s);
	BN_free(order);
	BN_free(half);
	len = i2d_ECDSA_SIG(signature, &at);
	return emr_buf_append(out, der, (size_t)len);
}

static emr_status sign(const emr_gateway_identity *identity, emr_bytes message, emr_buf *out)
{
	const bool is_ec = EVP_PKEY_get_base_id(identity->key) == EVP_PKEY_EC;
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	ECDSA_SIG *signature;
	uint8_t bytes[80];
	const uint8_t *at = bytes;
	size_t len = sizeof bytes;
	emr_status status = EMR_INVALID;

	if (EVP_DigestSignInit(context, NULL, is_ec ? EVP_sha256() : NULL, NULL, identity->key) ==
			1 &&
		EVP_DigestSign(context, bytes, &len, message.data, message.len) == 1)
		status = EMR_OK;
	EVP_MD_CTX_free(context);
	if (status != EMR_OK || !is_ec)
		return status == EMR_OK ? emr_buf_append(out, bytes, len) : status;
	signature = d2i_ECDSA_SIG(NULL, &at, (long)len);
	status = append_low(identity->key, signature, out);
	ECDSA_SIG_free(signature);
	return status;
}

emr_status msp_identity(const char *dir, const char *msp_id, emr_gateway_identity **out_identity)
{
	FILE *cert = only_file(dir, "signcerts"), *secret = only_file(dir, "keystore");
	X509 *certificate = cert != NULL ? PEM_read_X509(cert, NULL, NULL, NULL) : NULL;
	EVP_PKEY *key = secret != NULL ? PEM_read_PrivateKey(secret, NULL, NULL, NULL) : NULL;
	emr_status status = certificate != NULL && key != NULL
				    ? gateway_identity_new(msp_id, certificate, out_identity)
				    : EMR_NOT_FOUND;

	if (cert != NULL)
		(void)fclose(cert);
	if (secret != NULL)
		(void)fclose(secret);
	X509_free(certificate);
	if (status == EMR_OK) {
		(*out_identity)->key = key;
		(*out_identity)->sign = sign;
	} else {
		EVP_PKEY_free(key);
	}
	return status;
}
