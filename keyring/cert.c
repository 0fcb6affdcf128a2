/* This file makes certificates: those of an organisation's authority and those of its people.
 * Which fields they have stands in FORMAT.md. It refuses a name that is no clean UTF-8. */
#include "keyring/cert.h"

#include <openssl/asn1.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "cert_private.h"
#include "crypto/hashsig.h"
#include "keyring_private.h"

static emr_status failed(void)
{
	ERR_clear_error();
	return EMR_NO_MEMORY;
}

/* 126 random bits: positive, not zero, and of one length. */
static bool set_serial(X509 *cert)
{
	__attribute__((cleanup(emr_bn_free))) BIGNUM *number = NULL;
	uint8_t serial[16];

	randombytes_buf(serial, sizeof serial);
	serial[0] = (serial[0] & 0x3f) | 0x40;
	number = BN_bin2bn(serial, sizeof serial, NULL);
	return number != NULL && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert)) != NULL;
}

/* In a Fabric channel the unit says what somebody is there: whoever has none is nobody. */
static bool set_subject(X509 *cert, const emr_cert_subject *subject)
{
	X509_NAME *name = X509_get_subject_name(cert);
	bool is_ca = subject->roles == 0 && emr_id16_is_zero(subject->org);

	return (is_ca || X509_NAME_add_entry_by_NID(name, NID_organizationalUnitName, MBSTRING_UTF8,
				 (const uint8_t *)"client", -1, -1, 0) == 1) &&
	       X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8,
		       (const uint8_t *)subject->handle, (int)strlen(subject->handle), -1, 0) == 1;
}

static bool set_dates(X509 *cert, const emr_cert_subject *subject)
{
	return ASN1_TIME_set(X509_getm_notBefore(cert), (time_t)subject->not_before) != NULL &&
	       ASN1_TIME_set(X509_getm_notAfter(cert), (time_t)subject->not_after) != NULL;
}

static bool add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
	__attribute__((cleanup(emr_x509_ext_free))) X509_EXTENSION *extension = NULL;
	X509V3_CTX context;

	X509V3_set_ctx_nodb(&context);
	X509V3_set_ctx(&context, issuer, cert, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	return extension != NULL && X509_add_ext(cert, extension, -1) == 1;
}

/* As Fabric's attribute manager reads them: bare JSON in the octets. */
static bool add_attributes(X509 *cert, const char *json)
{
	__attribute__((cleanup(emr_x509_ext_free))) X509_EXTENSION *extension = NULL;
	__attribute__((cleanup(emr_asn1_string_free))) ASN1_OCTET_STRING *octets =
		ASN1_OCTET_STRING_new();
	__attribute__((cleanup(emr_asn1_object_free))) ASN1_OBJECT *oid =
		OBJ_txt2obj(EMR_CERT_ATTRS_OID, 1);

	if (octets == NULL || oid == NULL ||
		ASN1_OCTET_STRING_set(octets, (const uint8_t *)json, (int)strlen(json)) != 1)
		return false;
	extension = X509_EXTENSION_create_by_OBJ(NULL, oid, 0, octets);
	return extension != NULL && X509_add_ext(cert, extension, -1) == 1;
}

/* {"attrs":{"emr.org":"...","emr.roles":"..."}} */
static bool add_person(X509 *cert, const emr_cert_subject *subject)
{
	char roles[EMR_ROLES_TEXT_MAX];
	char org[33] = "";
	char json[256];

	emr_roles_text(subject->roles, roles);
	if (!emr_id16_is_zero(subject->org))
		emr_hex(subject->org.b, sizeof subject->org.b, org);
	(void)snprintf(json, sizeof json, "{\"attrs\":{%s%s%s\"emr.roles\":\"%s\"}}",
		org[0] != '\0' ? "\"emr.org\":\"" : "", org, org[0] != '\0' ? "\"," : "", roles);
	return add_attributes(cert, json);
}

static bool add_msp(X509 *cert, const char *msp)
{
	char json[128];

	if (msp == NULL)
		return true;
	(void)snprintf(json, sizeof json, "{\"attrs\":{\"emr.msp\":\"%s\"}}", msp);
	return add_attributes(cert, json);
}

static bool add_extensions(X509 *cert, X509 *issuer, const emr_cert_subject *subject, bool is_ca)
{
	if (is_ca)
		return add_extension(
			       cert, issuer, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
		       add_extension(cert, issuer, NID_key_usage, "critical,keyCertSign,cRLSign") &&
		       add_extension(cert, issuer, NID_subject_key_identifier, "hash") &&
		       add_msp(cert, subject->msp);
	return add_extension(cert, issuer, NID_basic_constraints, "critical,CA:FALSE") &&
	       add_extension(cert, issuer, NID_key_usage, "critical,digitalSignature") &&
	       add_extension(cert, issuer, NID_subject_key_identifier, "hash") &&
	       add_extension(cert, issuer, NID_authority_key_identifier, "keyid:always") &&
	       add_person(cert, subject);
}

/* Signs CERT and appends its DER. */
static emr_status finish(X509 *cert, EVP_PKEY *ca_key, emr_buf *out_der)
{
	int len;
	uint8_t *at;

	if (X509_sign(cert, ca_key, EVP_sha256()) <= 0)
		return failed();
	len = i2d_X509(cert, NULL);
	if (len <= 0)
		return failed();
	if (len > EMR_CERT_MAX)
		return EMR_LIMIT;
	EMR_TRY(emr_buf_reserve(out_der, (size_t)len));
	at = out_der->data + out_der->len;
	i2d_X509(cert, &at);
	out_der->len += (size_t)len;
	return EMR_OK;
}

/* Everything but issuer, extensions and signature. */
static emr_status begin(const emr_cert_subject *subject, EVP_PKEY *key, X509 **out)
{
	__attribute__((cleanup(emr_x509_free))) X509 *cert = X509_new();

	if (cert == NULL || X509_set_version(cert, X509_VERSION_3) != 1 || !set_serial(cert) ||
		!set_subject(cert, subject) || !set_dates(cert, subject) ||
		X509_set_pubkey(cert, key) != 1)
		return failed();
	*out = cert;
	cert = NULL;
	return EMR_OK;
}

static bool subject_ok(const emr_cert_subject *subject)
{
	return emr_cert_handle_ok(subject->handle, strlen(subject->handle)) &&
	       subject->not_before < subject->not_after &&
	       subject->not_after <= EMR_CERT_LAST_DATE && subject->roles < 1u << EMR_ROLES;
}

emr_status emr_cert_make_ca(
	const emr_keyring *kr, const emr_cert_subject *subject, emr_buf *out_der)
{
	__attribute__((cleanup(emr_pkey_free))) EVP_PKEY *key = NULL;
	__attribute__((cleanup(emr_x509_free))) X509 *cert = NULL;

	if (!subject_ok(subject) || subject->roles != 0 || !emr_id16_is_zero(subject->org) ||
		(subject->msp != NULL && !emr_cert_msp_ok(subject->msp)))
		return EMR_INVALID;
	EMR_TRY(emr_p256_key(kr, EMR_P256_CA, &key));
	EMR_TRY(begin(subject, key, &cert));
	if (X509_set_issuer_name(cert, X509_get_subject_name(cert)) != 1 ||
		!add_extensions(cert, cert, subject, true))
		return failed();
	return finish(cert, key, out_der);
}

/* The CA certificate CA_DER belongs to this keyring's CA key and covers the subject's dates. */
static emr_status check_ca(const emr_keyring *kr, emr_bytes ca_der, const emr_cert_subject *subject)
{
	uint8_t spki[EMR_P256_SPKI_BYTES];
	emr_cert_facts ca;

	EMR_TRY(emr_cert_read(ca_der, &ca));
	EMR_TRY(emr_p256_spki(kr, EMR_P256_CA, spki));
	if (!ca.is_ca || memcmp(ca.spki, spki, sizeof spki) != 0 ||
		subject->not_before < ca.not_before || subject->not_after > ca.not_after)
		return EMR_INVALID;
	return EMR_OK;
}

emr_status emr_cert_issue(const emr_keyring *kr, emr_bytes ca_der, const emr_cert_subject *subject,
	emr_bytes spki, emr_buf *out_der)
{
	__attribute__((cleanup(emr_pkey_free))) EVP_PKEY *ca_key = NULL;
	__attribute__((cleanup(emr_pkey_free))) EVP_PKEY *key = NULL;
	__attribute__((cleanup(emr_x509_free))) X509 *ca = NULL;
	__attribute__((cleanup(emr_x509_free))) X509 *cert = NULL;
	emr_status status;

	if (!subject_ok(subject))
		return EMR_INVALID;
	status = emr_cert_key_of(spki, &key);
	if (status != EMR_OK)
		return status == EMR_DAMAGED ? EMR_INVALID : status;
	EMR_TRY(check_ca(kr, ca_der, subject));
	EMR_TRY(emr_cert_parse(ca_der, &ca));
	EMR_TRY(emr_p256_key(kr, EMR_P256_CA, &ca_key));
	EMR_TRY(begin(subject, key, &cert));
	if (X509_set_issuer_name(cert, X509_get_subject_name(ca)) != 1 ||
		!add_extensions(cert, ca, subject, false))
		return failed();
	return finish(cert, ca_key, out_der);
}

emr_id16 emr_cert_org_of(emr_bytes ca_der, emr_bytes msp)
{
	static const char label[] = "emrfs/v1/org-msp";
	emr_sha256_ctx hash;
	uint8_t ca[32], all[32];
	emr_id16 org;

	emr_sha256(ca_der.data, ca_der.len, ca);
	emr_sha256_init(&hash);
	emr_sha256_update(&hash, label, sizeof label);
	emr_sha256_update(&hash, ca, sizeof ca);
	emr_sha256_update(&hash, msp.data, msp.len);
	emr_sha256_final(&hash, all);
	memcpy(org.b, all, sizeof org.b);
	return org;
}
