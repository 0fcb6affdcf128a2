/* This file checks the signature of a PDF form with OpenSSL: that the file is what was signed,
 * who signed, and whether a trusted certificate vouches for the signer. */
#include "pdf_parts.h"

#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#define SIGNERS_MAX 64 /* certificates that are trusted */
#define CHAIN_MAX 8
#define STRENGTH 2 /* of OpenSSL's levels: 112 bits, no SHA-1 */

/* ---- the bytes ---- */

static int hex_value(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Checks the bytes between < and >, which are all that the signature does not cover: no room for
 * anything else. */
static bool take_signature(emr_bytes file, uint64_t from, uint64_t to, emr_buf *out)
{
	if (from >= to || to > file.len || to - from < 4 || (to - from) % 2 != 0 ||
		file.data[from] != '<' || file.data[to - 1] != '>')
		return false;
	for (uint64_t i = from + 1; i + 1 < to; i += 2) {
		int high = hex_value(file.data[i]), low = hex_value(file.data[i + 1]);
		uint8_t byte;

		if (high < 0 || low < 0)
			return false;
		byte = (uint8_t)(high << 4 | low);
		if (emr_buf_append(out, &byte, 1) != EMR_OK)
			return false;
	}
	return true;
}

/* Room was left for it, which is filled with zeros. */
static CMS_ContentInfo *read_cms(emr_bytes der)
{
	const unsigned char *at = der.data;
	CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &at, (long)der.len);

	for (; cms != NULL && at < der.data + der.len; at++)
		if (*at != 0) {
			CMS_ContentInfo_free(cms);
			return NULL;
		}
	return cms;
}

/* ---- what was signed ---- */

static bool is_kind(CMS_ContentInfo *cms)
{
	const STACK_OF(CMS_SignerInfo) * signers;

	if (OBJ_obj2nid(CMS_get0_type(cms)) != NID_pkcs7_signed || CMS_is_detached(cms) != 1)
		return false;
	signers = CMS_get0_SignerInfos(cms);
	return signers != NULL && sk_CMS_SignerInfo_num(signers) == 1 &&
	       CMS_set1_signers_certs(cms, NULL, 0) == 1;
}

/* The one who signed, whose key is strong enough; NULL. */
static X509 *signer_of(CMS_ContentInfo *cms)
{
	static const int digests[] = {
		NID_sha256, NID_sha384, NID_sha512, NID_sha3_256, NID_sha3_384, NID_sha3_512};
	CMS_SignerInfo *one = sk_CMS_SignerInfo_value(CMS_get0_SignerInfos(cms), 0);
	X509_ALGOR *digest = NULL, *signature = NULL;
	EVP_PKEY *key = NULL;
	X509 *signer = NULL;

	CMS_SignerInfo_get0_algs(one, &key, &signer, &digest, &signature);
	if (key == NULL || digest == NULL || EVP_PKEY_get_security_bits(key) < 112)
		return NULL;
	for (size_t i = 0; i < sizeof digests / sizeof *digests; i++)
		if (OBJ_obj2nid(digest->algorithm) == digests[i])
			return signer;
	return NULL;
}

/* A filter that changes nothing stands before the bytes: of a plain memory BIO CMS_verify makes
 * another one, which it loses where it does not know the digest (OpenSSL 3.0). */
static bool signature_covers(CMS_ContentInfo *cms, emr_bytes file, uint64_t from, uint64_t to)
{
	EMR_AUTO_BUF rest = {0};
	BIO *content = NULL, *filter = NULL;
	bool fits;

	if (emr_buf_append(&rest, file.data, from) != EMR_OK ||
		emr_buf_append(&rest, file.data + to, file.len - to) != EMR_OK)
		return false;
	content = BIO_new_mem_buf(rest.data, (int)rest.len);
	filter = BIO_push(BIO_new(BIO_f_null()), content);
	fits = content != NULL &&
	       CMS_verify(cms, NULL, NULL, filter, NULL,
		       CMS_DETACHED | CMS_BINARY | CMS_NO_SIGNER_CERT_VERIFY) == 1;
	BIO_free_all(filter);
	return fits;
}

/* ---- who he is ---- */

static bool is_clean(const unsigned char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (text[i] < 0x20 || text[i] == 0x7f)
			return false;
	return true;
}

/* False: it has one that cannot be said whole. */
static bool add_name(const X509_NAME *name, int nid, const char *before, const char *after,
	char out[EMR_PDF_NAME_MAX + 1])
{
	int at = X509_NAME_get_index_by_NID(name, nid, -1), len;
	unsigned char *text = NULL;
	size_t used = strlen(out);
	bool fits;

	if (at < 0)
		return true;
	len = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
	fits = len > 0 && is_clean(text, (size_t)len) &&
	       X509_NAME_get_index_by_NID(name, nid, at) < 0 &&
	       used + (size_t)len + strlen(before) + strlen(after) <= EMR_PDF_NAME_MAX;
	if (fits)
		(void)snprintf(out + used, EMR_PDF_NAME_MAX + 1 - used, "%s%.*s%s", before, len,
			(const char *)text, after);
	OPENSSL_free(text);
	return fits;
}

/* Whole or not at all: half a name is another's, the visitor's of a hospital the hospital's. */
static void name_signer(X509 *signer, char out[EMR_PDF_NAME_MAX + 1])
{
	const X509_NAME *name = X509_get_subject_name(signer);

	if (!add_name(name, NID_commonName, "", "", out) ||
		!add_name(name, NID_organizationName, out[0] != '\0' ? " (" : "",
			out[0] != '\0' ? ")" : "", out))
		out[0] = '\0';
}

/* It is for documents or mail, or says nothing of what it is for. */
static bool is_for_documents(X509 *certificate)
{
	static const char *const uses[] = {"1.3.6.1.5.5.7.3.36" /* documents, RFC 9336 */,
		"1.3.6.1.5.5.7.3.4" /* mail */, "1.2.840.113583.1.1.5" /* PDF */,
		"1.3.6.1.4.1.311.10.3.12" /* documents */, "2.5.29.37.0" /* any */};
	EXTENDED_KEY_USAGE *said;
	bool is = false;

	if (X509_get_ext_by_NID(certificate, NID_ext_key_usage, -1) < 0)
		return true;
	said = X509_get_ext_d2i(certificate, NID_ext_key_usage, NULL, NULL);
	for (int i = 0; i < sk_ASN1_OBJECT_num(said); i++)
		for (size_t j = 0; j < sizeof uses / sizeof *uses; j++) {
			char text[80];

			(void)OBJ_obj2txt(text, sizeof text, sk_ASN1_OBJECT_value(said, i), 1);
			is = is || strcmp(text, uses[j]) == 0;
		}
	EXTENDED_KEY_USAGE_free(said);
	return is;
}

/* No certificate of a server, nor of an authority, that the same authority made. */
static bool may_sign(X509 *signer)
{
	return (X509_get_key_usage(signer) & (KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION)) != 0 &&
	       is_for_documents(signer);
}

/* Nor do authorities in between vouch for documents that are for servers; the last one is trusted
 * as it is. */
static bool may_vouch(const STACK_OF(X509) * path)
{
	for (int i = 1; i + 1 < sk_X509_num(path); i++)
		if (!is_for_documents(sk_X509_value(path, i)))
			return false;
	return true;
}

static X509_STORE *store_of(emr_bytes signers)
{
	BIO *text = BIO_new_mem_buf(signers.data, (int)signers.len);
	X509_STORE *store = X509_STORE_new();
	X509 *one;

	for (int i = 0; i < SIGNERS_MAX && text != NULL && store != NULL &&
			(one = PEM_read_bio_X509(text, NULL, NULL, NULL)) != NULL;
		i++) {
		(void)X509_STORE_add_cert(store, one);
		X509_free(one);
	}
	BIO_free(text);
	return store;
}

/* NOW 0: whatever the time is. */
static bool leads_to(X509_STORE *store, CMS_ContentInfo *cms, X509 *signer, uint64_t now)
{
	STACK_OF(X509) *others = CMS_get1_certs(cms);
	X509_STORE_CTX *path = X509_STORE_CTX_new();
	X509_VERIFY_PARAM *param;
	bool leads = false;

	if (path != NULL && X509_STORE_CTX_init(path, store, signer, others) == 1) {
		param = X509_STORE_CTX_get0_param(path);
		X509_VERIFY_PARAM_set_auth_level(param, STRENGTH);
		X509_VERIFY_PARAM_set_depth(param, CHAIN_MAX);
		(void)X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
		if (now != 0)
			X509_VERIFY_PARAM_set_time(param, (time_t)now);
		else
			(void)X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_NO_CHECK_TIME);
		leads = X509_verify_cert(path) == 1 && may_vouch(X509_STORE_CTX_get0_chain(path));
	}
	X509_STORE_CTX_free(path);
	sk_X509_pop_free(others, X509_free);
	return leads;
}

static emr_pdf_signature judge_signer(
	CMS_ContentInfo *cms, X509 *signer, emr_bytes signers, uint64_t now)
{
	X509_STORE *store = signers.len > 0 && may_sign(signer) ? store_of(signers) : NULL;
	emr_pdf_signature found = EMR_PDF_SIGNER_UNKNOWN;

	if (store != NULL && leads_to(store, cms, signer, now))
		found = EMR_PDF_SIGNER_TRUSTED;
	else if (store != NULL && leads_to(store, cms, signer, 0))
		found = EMR_PDF_SIGNER_LATE;
	X509_STORE_free(store);
	return found;
}

void pdf_check(emr_bytes file, emr_bytes signers, const pdf_question *question, pdf_answer *out)
{
	EMR_AUTO_BUF der = {0};
	CMS_ContentInfo *cms = NULL;
	X509 *signer = NULL;

	out->fault = EMR_PDF_SIGNED_PARTLY;
	if (take_signature(file, question->from, question->to, &der)) {
		out->fault = EMR_PDF_SIGNED_OTHERWISE;
		cms = read_cms(emr_buf_view(&der));
	}
	if (cms != NULL && is_kind(cms))
		signer = signer_of(cms);
	if (signer != NULL) {
		out->fault = signature_covers(cms, file, question->from, question->to)
				     ? EMR_PDF_FINE
				     : EMR_PDF_CHANGED;
		name_signer(signer, out->signer);
	}
	if (out->fault == EMR_PDF_FINE)
		out->signature = judge_signer(cms, signer, signers, question->now);
	CMS_ContentInfo_free(cms);
	ERR_clear_error();
}
