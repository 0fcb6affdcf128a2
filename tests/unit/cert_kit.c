/* This kit makes certificates as other authorities make them, with OpenSSL alone: with any
 * extensions that a test wants. */
#include "cert_kit.h"

#include <openssl/ec.h>
#include <openssl/x509v3.h>

#define ATTRS_OID "1.2.3.4.5.6.7.8.1"
#define UNKNOWN_OID "1.2.3.4.5.6.7.8.99"
#define YEAR UINT64_C(31536000)

cert_wish cert_authority_wish(const char *handle, uint64_t from)
{
	return (cert_wish){.handle = handle,
		.from = from,
		.until = from + 10 * YEAR,
		.basic = "critical,CA:TRUE",
		.usage = "critical,keyCertSign,cRLSign"};
}

cert_wish cert_person_wish(const char *handle, uint64_t from)
{
	return (cert_wish){.handle = handle,
		.from = from,
		.until = from + YEAR,
		.basic = "critical,CA:FALSE",
		.usage = "critical,digitalSignature"};
}

static void add(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509_EXTENSION *extension;
	X509V3_CTX context;

	if (value == NULL)
		return;
	X509V3_set_ctx_nodb(&context);
	X509V3_set_ctx(&context, issuer, cert, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	assert_non_null(extension);
	assert_int_equal(X509_add_ext(cert, extension, -1), 1);
	X509_EXTENSION_free(extension);
}

static void add_bytes(X509 *cert, const char *oid_text, bool is_critical, const char *bytes)
{
	ASN1_OBJECT *oid = OBJ_txt2obj(oid_text, 1);
	ASN1_OCTET_STRING *octets = ASN1_OCTET_STRING_new();
	X509_EXTENSION *extension;

	assert_int_equal(
		ASN1_OCTET_STRING_set(octets, (const uint8_t *)bytes, (int)strlen(bytes)), 1);
	extension = X509_EXTENSION_create_by_OBJ(NULL, oid, is_critical, octets);
	assert_non_null(extension);
	assert_int_equal(X509_add_ext(cert, extension, -1), 1);
	X509_EXTENSION_free(extension);
	ASN1_OCTET_STRING_free(octets);
	ASN1_OBJECT_free(oid);
}

static void add_extensions(X509 *cert, X509 *issuer, const cert_wish *wish)
{
	add(cert, issuer, NID_basic_constraints, wish->basic);
	add(cert, issuer, NID_key_usage, wish->usage);
	add(cert, issuer, NID_ext_key_usage, wish->purpose);
	add(cert, issuer, NID_name_constraints, wish->names);
	add(cert, issuer, NID_subject_alt_name, wish->mail);
	add(cert, issuer, NID_policy_constraints, wish->policies);
	add(cert, issuer, NID_subject_key_identifier, "hash");
	if (issuer != cert)
		add(cert, issuer, NID_authority_key_identifier, "keyid:always");
	if (wish->has_unknown)
		add_bytes(cert, UNKNOWN_OID, true, "?");
	if (wish->attrs != NULL)
		add_bytes(cert, ATTRS_OID, false, wish->attrs);
}

static void add_name(X509 *cert, int nid, const char *text)
{
	assert_int_equal(X509_NAME_add_entry_by_NID(X509_get_subject_name(cert), nid, MBSTRING_UTF8,
				 (const uint8_t *)text, (int)strlen(text), -1, 0),
		1);
}

static X509 *make(const cert_wish *wish, EVP_PKEY *key, X509 *issuer, EVP_PKEY *issuer_key)
{
	static long serial = 1;
	X509 *cert = X509_new();

	assert_non_null(cert);
	assert_int_equal(X509_set_version(cert, X509_VERSION_3), 1);
	assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(cert), ++serial), 1);
	if (wish->unit != NULL)
		add_name(cert, NID_organizationalUnitName, wish->unit);
	add_name(cert, NID_commonName, wish->handle);
	assert_int_equal(
		X509_set_issuer_name(cert, X509_get_subject_name(issuer != NULL ? issuer : cert)),
		1);
	assert_non_null(ASN1_TIME_set(X509_getm_notBefore(cert), (time_t)wish->from));
	assert_non_null(ASN1_TIME_set(X509_getm_notAfter(cert), (time_t)wish->until));
	assert_int_equal(X509_set_pubkey(cert, key), 1);
	add_extensions(cert, issuer != NULL ? issuer : cert, wish);
	assert_true(X509_sign(cert, issuer_key, EVP_sha256()) > 0);
	return cert;
}

static void append_der(X509 *cert, emr_buf *out)
{
	uint8_t *der = NULL;
	int len = i2d_X509(cert, &der);

	assert_true(len > 0);
	assert_ok(emr_buf_append(out, der, (size_t)len));
	OPENSSL_free(der);
}

void cert_begin(cert_authority *a, const cert_wish *wish, const cert_authority *issuer)
{
	*a = (cert_authority){.key = EVP_EC_gen(wish->curve != NULL ? wish->curve : "P-256")};
	assert_non_null(a->key);
	a->cert = make(wish, a->key, issuer != NULL ? issuer->cert : NULL,
		issuer != NULL ? issuer->key : a->key);
	append_der(a->cert, &a->der);
}

void cert_end(cert_authority *a)
{
	EVP_PKEY_free(a->key);
	X509_free(a->cert);
	emr_buf_free(&a->der);
}

void cert_certify(
	const cert_authority *issuer, const cert_wish *wish, const uint8_t *spki, emr_buf *out)
{
	const uint8_t *at = spki;
	EVP_PKEY *key = d2i_PUBKEY(NULL, &at, EMR_P256_SPKI_BYTES);
	X509 *cert;

	assert_non_null(key);
	cert = make(wish, key, issuer->cert, issuer->key);
	append_der(cert, out);
	X509_free(cert);
	EVP_PKEY_free(key);
}
