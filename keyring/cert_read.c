/* This file reads and checks certificates. They are bytes from outside, so every step may
 * refuse. */
#include "keyring/cert.h"

#include <jansson.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cert_private.h"
#include "base/worker.h"
#include "crypto/hashsig.h"
#include "part_private.h"

#define ATTRS_MAX 2048 /* bytes of the attribute extension */

emr_status emr_cert_damaged(void)
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
		return emr_cert_damaged();
	*out = key;
	return EMR_OK;
}

/* The certificate at the front of REST, which is behind it then. */
static emr_status take_one(emr_bytes *rest, emr_bytes *out_der, X509 **out)
{
	__attribute__((cleanup(emr_x509_free))) X509 *cert = NULL;
	const uint8_t *at = rest->data;

	if (rest->len == 0 || rest->len > EMR_CERT_CHAIN_MAX)
		return EMR_DAMAGED;
	cert = d2i_X509(NULL, &at, (long)rest->len);
	if (cert == NULL)
		return emr_cert_damaged();
	*out_der = emr_bytes_of(rest->data, (size_t)(at - rest->data));
	if (out_der->len > EMR_CERT_MAX)
		return EMR_DAMAGED;
	*rest = emr_bytes_of(at, rest->len - out_der->len);
	*out = cert;
	cert = NULL;
	return EMR_OK;
}

emr_status emr_cert_parse(emr_bytes der, X509 **out)
{
	__attribute__((cleanup(emr_x509_free))) X509 *cert = NULL;
	emr_bytes rest = der, one;

	EMR_TRY(take_one(&rest, &one, &cert));
	if (rest.len > 0)
		return EMR_DAMAGED;
	*out = cert;
	cert = NULL;
	return EMR_OK;
}

static emr_status read_spki(const X509 *cert, uint8_t out[EMR_P256_SPKI_BYTES])
{
	const X509_PUBKEY *pubkey = X509_get_X509_PUBKEY(cert);
	uint8_t *at = out;

	if (i2d_X509_PUBKEY(pubkey, NULL) != EMR_P256_SPKI_BYTES)
		return emr_cert_damaged();
	i2d_X509_PUBKEY(pubkey, &at);
	/* Whether it is a point of the curve was seen when the certificate was read. */
	return emr_p256_is_encoded(out, EMR_P256_SPKI_BYTES) && X509_PUBKEY_get0(pubkey) != NULL
		       ? EMR_OK
		       : emr_cert_damaged();
}

static emr_status read_time(const ASN1_TIME *time, uint64_t *out)
{
	struct tm utc;
	time_t seconds;

	if (ASN1_TIME_to_tm(time, &utc) != 1)
		return emr_cert_damaged();
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
		return emr_cert_damaged();
	good = emr_cert_handle_ok((const char *)utf8, (size_t)len);
	if (good) {
		memcpy(out, utf8, (size_t)len);
		out[len] = '\0';
	}
	OPENSSL_free(utf8);
	return good ? EMR_OK : EMR_DAMAGED;
}

EMR_AUTO_CALL(json_free, json_t *, json_decref);

/* As Fabric has them: nothing in one is more than itself in JSON, or in a line of settings. */
bool emr_cert_msp_ok(const char *msp)
{
	size_t len = strlen(msp);

	return len > 0 && len <= EMR_CERT_MSP_MAX &&
	       strspn(msp, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_") ==
		       len;
}

/* Roles, organisation and MSP; other attributes (a Fabric CA adds its own) are passed over. */
static emr_status read_attribute_json(const char *text, size_t len, emr_cert_facts *facts)
{
	__attribute__((cleanup(json_free))) json_t *root =
		json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
	const json_t *attrs = json_object_get(root, "attrs");
	const json_t *roles = json_object_get(attrs, "emr.roles");
	const json_t *org = json_object_get(attrs, "emr.org");
	const json_t *msp = json_object_get(attrs, "emr.msp");

	if (!json_is_object(attrs))
		return EMR_DAMAGED;
	if (roles != NULL && (!json_is_string(roles) || emr_roles_parse(json_string_value(roles),
								&facts->roles) != EMR_OK))
		return EMR_DAMAGED;
	if (org != NULL && (!json_is_string(org) || emr_unhex(json_string_value(org), facts->org.b,
							    sizeof facts->org.b) != EMR_OK))
		return EMR_DAMAGED;
	if (msp != NULL &&
		(!facts->is_ca || !json_is_string(msp) || !emr_cert_msp_ok(json_string_value(msp))))
		return EMR_DAMAGED;
	if (msp != NULL)
		(void)snprintf(facts->msp, sizeof facts->msp, "%s", json_string_value(msp));
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
		return emr_cert_damaged();
	*out_is_ca = is_ca;
	return EMR_OK;
}

static emr_status read_facts(X509 *cert, emr_bytes der, emr_cert_facts *out)
{
	emr_cert_facts facts = {0};

	EMR_TRY(read_profile(cert, &facts.is_ca));
	EMR_TRY(read_spki(cert, facts.spki));
	EMR_TRY(read_time(X509_get0_notBefore(cert), &facts.not_before));
	EMR_TRY(read_time(X509_get0_notAfter(cert), &facts.not_after));
	EMR_TRY(emr_cert_read_handle(X509_get_subject_name(cert), facts.handle));
	EMR_TRY(read_attributes(cert, &facts));
	emr_sha256(der.data, der.len, facts.ref.b);
	*out = facts;
	return EMR_OK;
}

bool emr_cert_is_of(const emr_cert_facts *facts, const uint8_t org[16])
{
	return emr_id16_is_zero(facts->org) ? facts->roles != 0
					    : memcmp(facts->org.b, org, sizeof facts->org.b) == 0;
}

/* ---- A chain, as it was handed over ---- */

typedef struct links {
	X509 *leaf;
	STACK_OF(X509) * between; /* who certified whom, in the order of the bytes */
	emr_cert_facts facts;	  /* of the leaf */
} links;

static void links_free(links *l)
{
	X509_free(l->leaf);
	sk_X509_pop_free(l->between, X509_free);
}
#define AUTO_LINKS __attribute__((cleanup(links_free))) links

static emr_status take_authority(emr_bytes *rest, STACK_OF(X509) * between, uint64_t *out_begins)
{
	__attribute__((cleanup(emr_x509_free))) X509 *cert = NULL;
	emr_cert_facts facts;
	emr_bytes der;

	EMR_TRY(sk_X509_num(between) < EMR_CERT_BETWEEN_MAX ? take_one(rest, &der, &cert)
							    : EMR_DAMAGED);
	EMR_TRY(read_facts(cert, der, &facts));
	if (sk_X509_push(between, cert) == 0)
		EMR_TRY(emr_cert_damaged());
	*out_begins = facts.not_before;
	cert = NULL;
	return EMR_OK;
}

/* Every certificate is of our profile, and nothing stands behind the last one. */
static emr_status read_links(emr_bytes chain, links *out)
{
	emr_bytes rest = chain, der;
	emr_status status = take_one(&rest, &der, &out->leaf);

	if (status == EMR_OK)
		status = read_facts(out->leaf, der, &out->facts);
	if (status == EMR_OK && (out->between = sk_X509_new_null()) == NULL)
		status = EMR_NO_MEMORY;
	while (status == EMR_OK && rest.len > 0) { /* a CA comes alone */
		uint64_t begins = 0;

		status = out->facts.is_ca ? EMR_DAMAGED
					  : take_authority(&rest, out->between, &begins);
		if (out->facts.issuer_not_before == 0)
			out->facts.issuer_not_before = begins;
	}
	return status;
}

/* The same bytes say the same for ever, and reading them costs a quarter of a millisecond: every
 * question about a person asks for his certificate. The certificate that was read last is kept, by
 * its hash; one that could not be read is tried again. */
#define KEPT 64

static struct {
	pthread_mutex_t lock;
	struct kept_facts {
		emr_id32 hash; /* of the whole chain */
		emr_cert_facts facts;
		bool is_there;
	} at[KEPT]; /* at the first byte of hash, modulo KEPT */
} kept = {.lock = PTHREAD_MUTEX_INITIALIZER};

static bool find_kept(emr_id32 hash, emr_cert_facts *out)
{
	const struct kept_facts *at = &kept.at[hash.b[0] % KEPT];
	bool is_same;
	EMR_LOCKED(&kept.lock);

	is_same = at->is_there && emr_id32_equal(at->hash, hash);
	if (is_same)
		*out = at->facts;
	return is_same;
}

static void keep(emr_id32 hash, const emr_cert_facts *facts)
{
	struct kept_facts *at = &kept.at[hash.b[0] % KEPT];
	EMR_LOCKED(&kept.lock);

	*at = (struct kept_facts){.hash = hash, .facts = *facts, .is_there = true};
}

emr_status emr_cert_read(emr_bytes chain, emr_cert_facts *out)
{
	AUTO_LINKS l = {.leaf = NULL};
	emr_id32 hash;

	emr_sha256(chain.data, chain.len, hash.b);
	if (find_kept(hash, out))
		return EMR_OK;
	EMR_TRY(read_links(chain, &l));
	keep(hash, &l.facts);
	*out = l.facts;
	return EMR_OK;
}

/* ---- The path to the organisation's CA ---- */

/* The question to X509_verify_cert, and the findings beside its answer. */
typedef struct path {
	time_t at;
	bool is_out_of_time;
	bool is_anothers;     /* the root is not who certified it */
	uint64_t from, until; /* when all certificates of it are in force, both seconds included */
} path;

/* Dates are told apart from everything else: who has a good signature hears that it is too early or
 * too late, and who has none hears that.  OpenSSL ends a certificate with the beginning of its last
 * second; it is in force until that is over (RFC 5280, section 4.1.2.5). */
static int judge_fault(int is_good, X509_STORE_CTX *ctx)
{
	path *p = X509_STORE_CTX_get_app_data(ctx);
	const X509 *cert = X509_STORE_CTX_get_current_cert(ctx);

	if (is_good)
		return 1;
	switch (X509_STORE_CTX_get_error(ctx)) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
		if (ASN1_TIME_cmp_time_t(X509_get0_notAfter(cert), p->at) == 0)
			return 1;
		p->is_out_of_time = true;
		return 1;
	case X509_V_ERR_CERT_NOT_YET_VALID:
		p->is_out_of_time = true;
		return 1;
	}
	return 0;
}

/* The time is the caller's.  A certificate that says what it is for must be for signing what people
 * read; that of a web server, for example, vouches for nobody. */
static bool set_rules(X509_STORE_CTX *ctx, path *p)
{
	X509_VERIFY_PARAM *rules = X509_STORE_CTX_get0_param(ctx);

	X509_VERIFY_PARAM_set_time(rules, p->at);
	X509_VERIFY_PARAM_set_depth(rules, EMR_CERT_BETWEEN_MAX);
	X509_STORE_CTX_set_verify_cb(ctx, judge_fault);
	return X509_VERIFY_PARAM_set_purpose(rules, X509_PURPOSE_SMIME_SIGN) == 1 &&
	       X509_VERIFY_PARAM_set_flags(
		       rules, X509_V_FLAG_CHECK_SS_SIGNATURE | X509_V_FLAG_POLICY_CHECK) == 1 &&
	       X509_STORE_CTX_set_app_data(ctx, p) == 1;
}

EMR_AUTO_CALL(store_free, X509_STORE *, X509_STORE_free);

EMR_AUTO_CALL(store_ctx_free, X509_STORE_CTX *, X509_STORE_CTX_free);

/* When everything in CHAIN is in force. */
static emr_status read_force(const STACK_OF(X509) * chain, path *p)
{
	uint64_t from = 0, until = UINT64_MAX;

	p->from = 0;
	p->until = UINT64_MAX;
	for (int i = 0; i < sk_X509_num(chain); i++) {
		EMR_TRY(read_time(X509_get0_notBefore(sk_X509_value(chain, i)), &from));
		EMR_TRY(read_time(X509_get0_notAfter(sk_X509_value(chain, i)), &until));
		if (from > p->from)
			p->from = from;
		if (until < p->until)
			p->until = until;
	}
	return EMR_OK;
}

/* From L's leaf over all that are between to ROOT, which signed itself.  EMR_BAD_SIGNATURE. */
static emr_status follow(const links *l, X509 *root, path *p)
{
	__attribute__((cleanup(store_free))) X509_STORE *store = X509_STORE_new();
	__attribute__((cleanup(store_ctx_free))) X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	int error;

	if (store == NULL || ctx == NULL || X509_STORE_add_cert(store, root) != 1 ||
		X509_STORE_CTX_init(ctx, store, l->leaf, l->between) != 1 || !set_rules(ctx, p)) {
		ERR_clear_error();
		return EMR_NO_MEMORY;
	}
	if (X509_verify_cert(ctx) != 1) {
		error = X509_STORE_CTX_get_error(ctx);
		p->is_anothers = error == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY;
		ERR_clear_error();
		return error == X509_V_ERR_OUT_OF_MEM ? EMR_NO_MEMORY : EMR_BAD_SIGNATURE;
	}
	/* Nobody is his own authority, and nobody is handed over for nothing. */
	return sk_X509_num(X509_STORE_CTX_get0_chain(ctx)) == sk_X509_num(l->between) + 2
		       ? read_force(X509_STORE_CTX_get0_chain(ctx), p)
		       : EMR_BAD_SIGNATURE;
}

/* Which way leads to which CA never changes, and looking costs two milliseconds: a ledger, and each
 * copy of it, asks for every member, and of every organisation. The last way is kept, with when
 * it is in force; so is that a way ends at somebody else. Everything else is tried again. */
static struct {
	pthread_mutex_t lock;
	struct kept_way {
		emr_id32 chain, ca; /* hashes */
		emr_cert_facts facts;
		uint64_t from, until;
		bool is_there, is_anothers;
	} at[KEPT];
} ways = {.lock = PTHREAD_MUTEX_INITIALIZER};

static struct kept_way *place_of(const struct kept_way *way)
{
	return &ways.at[(way->chain.b[0] ^ way->ca.b[0]) % KEPT];
}

static bool find_way(struct kept_way *way)
{
	const struct kept_way *at = place_of(way);
	bool is_same;
	EMR_LOCKED(&ways.lock);

	is_same = at->is_there && emr_id32_equal(at->chain, way->chain) &&
		  emr_id32_equal(at->ca, way->ca);
	if (is_same)
		*way = *at;
	return is_same;
}

static void keep_way(const struct kept_way *way)
{
	EMR_LOCKED(&ways.lock);

	*place_of(way) = *way;
}

/* Each member of an organisation is new once, and its CA is the same for all of them: the CAs that
 * were asked for last stay parsed. Each certificate is judged each time. */
#define ROOTS_KEPT 16

static struct {
	pthread_mutex_t lock;
	struct kept_root {
		emr_id32 hash;
		X509 *cert; /* one reference; NULL: none */
	} at[ROOTS_KEPT];
} roots = {.lock = PTHREAD_MUTEX_INITIALIZER};

static X509 *find_root(emr_id32 hash)
{
	const struct kept_root *at = &roots.at[hash.b[0] % ROOTS_KEPT];
	X509 *found = NULL;
	EMR_LOCKED(&roots.lock);

	if (at->cert != NULL && emr_id32_equal(at->hash, hash) && X509_up_ref(at->cert) == 1)
		found = at->cert;
	return found;
}

static void keep_root(emr_id32 hash, X509 *cert)
{
	struct kept_root *at = &roots.at[hash.b[0] % ROOTS_KEPT];
	EMR_LOCKED(&roots.lock);

	if (X509_up_ref(cert) == 1) {
		X509_free(at->cert);
		*at = (struct kept_root){.hash = hash, .cert = cert};
	}
}

/* Only a CA is kept. */
static emr_status take_root(emr_bytes der, emr_id32 hash, X509 **out)
{
	__attribute__((cleanup(emr_x509_free))) X509 *cert = find_root(hash);
	emr_cert_facts facts;

	if (cert == NULL) {
		EMR_TRY(emr_cert_parse(der, &cert));
		EMR_TRY(read_facts(cert, der, &facts));
		if (!facts.is_ca)
			return EMR_BAD_SIGNATURE;
		keep_root(hash, cert);
	}
	*out = cert;
	cert = NULL;
	return EMR_OK;
}

/* The way from CHAIN to CA_DER, found again; IS_OUT_OF_TIME as of NOW_UNIX_S. */
static emr_status find_anew(emr_bytes chain, emr_bytes ca_der, uint64_t now_unix_s,
	struct kept_way *way, bool *is_out_of_time)
{
	__attribute__((cleanup(emr_x509_free))) X509 *root = NULL;
	AUTO_LINKS l = {.leaf = NULL};
	/* No certificate has a date beyond the last, and OpenSSL cannot compare with one. */
	path p = {.at = (time_t)(now_unix_s < EMR_CERT_LAST_DATE ? now_unix_s : EMR_CERT_LAST_DATE),
		.is_out_of_time = now_unix_s > EMR_CERT_LAST_DATE};
	emr_status status = read_links(chain, &l);

	if (status == EMR_OK)
		status = take_root(ca_der, way->ca, &root);
	if (status == EMR_OK)
		status = l.facts.is_ca ? EMR_BAD_SIGNATURE : follow(&l, root, &p);
	way->is_there = status == EMR_OK || p.is_anothers;
	way->is_anothers = p.is_anothers;
	if (status != EMR_OK)
		return status;
	way->facts = l.facts;
	way->from = p.from;
	way->until = p.until < EMR_CERT_LAST_DATE ? p.until : EMR_CERT_LAST_DATE;
	*is_out_of_time = p.is_out_of_time;
	return EMR_OK;
}

emr_status emr_cert_verify(
	emr_bytes chain, emr_bytes ca_der, uint64_t now_unix_s, emr_cert_facts *out)
{
	struct kept_way way = {.is_there = false};
	bool is_out_of_time = false;
	emr_status status;

	emr_sha256(chain.data, chain.len, way.chain.b);
	emr_sha256(ca_der.data, ca_der.len, way.ca.b);
	if (find_way(&way)) {
		if (way.is_anothers)
			return EMR_BAD_SIGNATURE;
		is_out_of_time = now_unix_s < way.from || now_unix_s > way.until;
	} else {
		status = find_anew(chain, ca_der, now_unix_s, &way, &is_out_of_time);
		if (way.is_there)
			keep_way(&way);
		if (status != EMR_OK)
			return status;
	}
	if (is_out_of_time)
		return EMR_DENIED;
	*out = way.facts;
	return EMR_OK;
}
