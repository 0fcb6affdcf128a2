/* This file reads and checks certificates. They are bytes from outside, so every step may
 * refuse. */
#include "keyring/cert.h"

#include <jansson.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "cert_private.h"
#include "crypto/hashsig.h"
#include "part_private.h"

#define ATTRS_MAX 2048 /* bytes of the attribute extension */

/* What OpenSSL could not read is damaged, unless it says that it only lacked memory. */
static emr_status damaged(void)
{
	emr_status status = EMR_DAMAGED;
	unsigned long error;

	while ((error = ERR_get_error()) != 0) {
		if (ERR_GET_REASON(error) == ERR_R_MALLOC_FAILURE)
			status = EMR_NO_MEMORY;
	}
	return status;
}

/* ---- Roles ---- */

static const char *const role_words[EMR_ROLES] = {
	"patient",
	"clinician",
	"hospital",
	"researcher",
	"auditor",
	"agent",
	"admin",
	"device",
	"gateway",
	"pharmacist",
	"insurer",
	"authority",
	"registrar",
};

void emr_roles_text(uint16_t roles, char out[EMR_ROLES_TEXT_MAX])
{
	size_t at = 0;

	/* All words together are 119 bytes with blanks. */
	for (int i = 0; i < EMR_ROLES; i++) {
		size_t len = strlen(role_words[i]);

		if ((roles >> i & 1) == 0)
			continue;
		if (at > 0)
			out[at++] = ' ';
		memcpy(out + at, role_words[i], len);
		at += len;
	}
	out[at] = '\0';
}

static int role_index(const char *word, size_t len)
{
	for (int i = 0; i < EMR_ROLES; i++) {
		if (strlen(role_words[i]) == len && memcmp(role_words[i], word, len) == 0)
			return i;
	}
	return -1;
}

emr_status emr_roles_parse(const char *text, uint16_t *out_roles)
{
	uint16_t roles = 0;

	while (*text != '\0') {
		size_t len = strcspn(text, " ");
		int index = role_index(text, len);

		if (index < 0 || (roles >> index & 1) != 0)
			return EMR_INVALID;
		roles |= (uint16_t)(1u << index);
		text += len;
		if (*text == ' ' && *++text == '\0')
			return EMR_INVALID;
	}
	*out_roles = roles;
	return EMR_OK;
}

/* ---- Pieces ---- */

bool emr_cert_handle_ok(const char *handle, size_t len)
{
	const uint8_t *at = (const uint8_t *)handle;

	if (len == 0 || len > EMR_CERT_HANDLE_MAX)
		return false;
	for (size_t n; len > 0; at += n, len -= n) {
		n = emr_utf8_len(at, len);
		/* C0, DEL and C1 controls. */
		if (n == 0 || at[0] < 0x20 || at[0] == 0x7f || (at[0] == 0xc2 && at[1] < 0xa0))
			return false;
	}
	return true;
}

emr_status emr_cert_key_of(emr_bytes spki, EVP_PKEY **out)
{
	const uint8_t *at = spki.data;
	EVP_PKEY *key;

	if (!emr_p256_is_encoded(spki.data, spki.len))
		return EMR_DAMAGED;
	key = d2i_PUBKEY(NULL, &at, (long)spki.len);
	if (key == NULL)
		return damaged();
	*out = key;
	return EMR_OK;
}

emr_status emr_cert_parse(emr_bytes der, X509 **out)
{
	const uint8_t *at = der.data;
	X509 *cert;

	if (der.len == 0 || der.len > EMR_CERT_MAX)
		return EMR_DAMAGED;
	cert = d2i_X509(NULL, &at, (long)der.len);
	if (cert == NULL)
		return damaged();
	if (at != der.data + der.len) {
		X509_free(cert);
		return EMR_DAMAGED;
	}
	*out = cert;
	return EMR_OK;
}

static emr_status read_spki(const X509 *cert, uint8_t out[EMR_P256_SPKI_BYTES])
{
	__attribute__((cleanup(emr_pkey_free))) EVP_PKEY *key = NULL;
	const X509_PUBKEY *pubkey = X509_get_X509_PUBKEY(cert);
	uint8_t *at = out;

	if (i2d_X509_PUBKEY(pubkey, NULL) != EMR_P256_SPKI_BYTES)
		return damaged();
	i2d_X509_PUBKEY(pubkey, &at);
	return emr_cert_key_of(emr_bytes_of(out, EMR_P256_SPKI_BYTES), &key);
}

static emr_status read_time(const ASN1_TIME *time, uint64_t *out)
{
	struct tm utc;
	time_t seconds;

	if (ASN1_TIME_to_tm(time, &utc) != 1)
		return damaged();
	seconds = timegm(&utc);
	if (seconds < 0)
		return EMR_DAMAGED;
	*out = (uint64_t)seconds;
	return EMR_OK;
}

emr_status emr_cert_read_handle(const X509_NAME *name, char out[EMR_CERT_HANDLE_MAX + 1])
{
	int index = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
	uint8_t *utf8 = NULL;
	int len;
	bool good;

	if (index < 0 || X509_NAME_get_index_by_NID(name, NID_commonName, index) >= 0)
		return EMR_DAMAGED;
	len = ASN1_STRING_to_UTF8(
		&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, index)));
	if (len < 0)
		return damaged();
	good = emr_cert_handle_ok((const char *)utf8, (size_t)len);
	if (good) {
		memcpy(out, utf8, (size_t)len);
		out[len] = '\0';
	}
	OPENSSL_free(utf8);
	return good ? EMR_OK : EMR_DAMAGED;
}

static void json_free(json_t **json)
{
	json_decref(*json);
}

/* Roles and organisation; other attributes (a Fabric CA adds its own) are passed over. */
static emr_status read_attribute_json(const char *text, size_t len, emr_cert_facts *facts)
{
	__attribute__((cleanup(json_free))) json_t *root =
		json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
	const json_t *attrs = json_object_get(root, "attrs");
	const json_t *roles = json_object_get(attrs, "emr.roles");
	const json_t *org = json_object_get(attrs, "emr.org");

	if (!json_is_object(attrs))
		return EMR_DAMAGED;
	if (roles != NULL && (!json_is_string(roles) || emr_roles_parse(json_string_value(roles),
								&facts->roles) != EMR_OK))
		return EMR_DAMAGED;
	if (org != NULL && (!json_is_string(org) || emr_unhex(json_string_value(org), facts->org.b,
							    sizeof facts->org.b) != EMR_OK))
		return EMR_DAMAGED;
	return EMR_OK;
}

static emr_status read_attributes(const X509 *cert, emr_cert_facts *facts)
{
	__attribute__((cleanup(emr_asn1_object_free))) ASN1_OBJECT *oid =
		OBJ_txt2obj(EMR_CERT_ATTRS_OID, 1);
	const ASN1_OCTET_STRING *octets;
	int index;

	if (oid == NULL)
		return EMR_NO_MEMORY;
	index = X509_get_ext_by_OBJ(cert, oid, -1);
	if (index < 0)
		return EMR_OK;
	if (X509_get_ext_by_OBJ(cert, oid, index) >= 0)
		return EMR_DAMAGED;
	octets = X509_EXTENSION_get_data(X509_get_ext(cert, index));
	if (ASN1_STRING_length(octets) > ATTRS_MAX)
		return EMR_DAMAGED;
	return read_attribute_json((const char *)ASN1_STRING_get0_data(octets),
		(size_t)ASN1_STRING_length(octets), facts);
}

/* Version 3, our hash, extensions that OpenSSL understands; says whether it is a CA. */
static emr_status read_profile(X509 *cert, bool *out_is_ca)
{
	uint32_t flags = X509_get_extension_flags(cert);
	uint32_t usage = X509_get_key_usage(cert);
	bool is_ca = (flags & EXFLAG_CA) != 0;

	if (X509_get_version(cert) != X509_VERSION_3 ||
		(flags & (EXFLAG_INVALID | EXFLAG_CRITICAL)) != 0 ||
		X509_get_signature_nid(cert) != NID_ecdsa_with_SHA256 ||
		(usage & (is_ca ? KU_KEY_CERT_SIGN : KU_DIGITAL_SIGNATURE)) == 0)
		return damaged();
	*out_is_ca = is_ca;
	return EMR_OK;
}

static emr_status read_facts(X509 *cert, emr_bytes der, emr_cert_facts *out)
{
	emr_cert_facts facts = {0};
	emr_status status = read_profile(cert, &facts.is_ca);

	if (status == EMR_OK)
		status = read_spki(cert, facts.spki);
	if (status == EMR_OK)
		status = read_time(X509_get0_notBefore(cert), &facts.not_before);
	if (status == EMR_OK)
		status = read_time(X509_get0_notAfter(cert), &facts.not_after);
	if (status == EMR_OK)
		status = emr_cert_read_handle(X509_get_subject_name(cert), facts.handle);
	if (status == EMR_OK)
		status = read_attributes(cert, &facts);
	if (status != EMR_OK)
		return status;
	emr_sha256(der.data, der.len, facts.ref.b);
	*out = facts;
	return EMR_OK;
}

/* The same bytes say the same for ever, and reading them costs a quarter of a millisecond: every
 * question about a person asks for his certificate.  What was read last is kept, by its hash; what
 * could not be read is tried again. */
#define KEPT 64

static struct {
	pthread_mutex_t lock;
	emr_cert_facts facts[KEPT]; /* at the first byte of ref, modulo KEPT */
	bool is_there[KEPT];
} kept = {.lock = PTHREAD_MUTEX_INITIALIZER};

static bool find_kept(emr_id32 ref, emr_cert_facts *out)
{
	size_t at = ref.b[0] % KEPT;
	bool is_same;

	(void)pthread_mutex_lock(&kept.lock);
	is_same = kept.is_there[at] && emr_id32_equal(kept.facts[at].ref, ref);
	if (is_same)
		*out = kept.facts[at];
	(void)pthread_mutex_unlock(&kept.lock);
	return is_same;
}

static void keep(const emr_cert_facts *facts)
{
	size_t at = facts->ref.b[0] % KEPT;

	(void)pthread_mutex_lock(&kept.lock);
	kept.facts[at] = *facts;
	kept.is_there[at] = true;
	(void)pthread_mutex_unlock(&kept.lock);
}

emr_status emr_cert_read(emr_bytes der, emr_cert_facts *out)
{
	__attribute__((cleanup(emr_x509_free))) X509 *cert = NULL;
	emr_id32 ref;
	emr_status status;

	emr_sha256(der.data, der.len, ref.b);
	if (find_kept(ref, out))
		return EMR_OK;
	status = emr_cert_parse(der, &cert);
	if (status == EMR_OK)
		status = read_facts(cert, der, out);
	if (status == EMR_OK)
		keep(out);
	return status;
}

/* ---- Chain ---- */

static bool signed_by(X509 *cert, X509 *ca)
{
	bool good = X509_check_issued(ca, cert) == X509_V_OK &&
		    X509_verify(cert, X509_get0_pubkey(ca)) == 1;

	if (!good)
		ERR_clear_error();
	return good;
}

emr_status emr_cert_verify(
	emr_bytes der, emr_bytes ca_der, uint64_t now_unix_s, emr_cert_facts *out)
{
	__attribute__((cleanup(emr_x509_free))) X509 *cert = NULL;
	__attribute__((cleanup(emr_x509_free))) X509 *ca = NULL;
	emr_cert_facts facts;
	emr_cert_facts ca_facts;
	emr_status status = emr_cert_parse(der, &cert);

	if (status == EMR_OK)
		status = emr_cert_parse(ca_der, &ca);
	if (status == EMR_OK)
		status = read_facts(cert, der, &facts);
	if (status == EMR_OK)
		status = read_facts(ca, ca_der, &ca_facts);
	if (status != EMR_OK)
		return status;
	/* A chain has two links: the CA itself, or somebody who is not one. */
	if (!ca_facts.is_ca || (facts.is_ca && !emr_bytes_equal(der, ca_der)) ||
		!signed_by(ca, ca) || !signed_by(cert, ca))
		return EMR_BAD_SIGNATURE;
	if (now_unix_s < facts.not_before || now_unix_s > facts.not_after ||
		now_unix_s < ca_facts.not_before || now_unix_s > ca_facts.not_after)
		return EMR_DENIED;
	*out = facts;
	return EMR_OK;
}
