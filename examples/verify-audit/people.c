/* This file finds out whose keys there are: entries and items that name keys, organisations that
 * were admitted later, and the certificates that lead from a key to an organisation. */
#include "audit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

/* ---- entry, header, item ---- */

const char *entry_trouble(bytes entry)
{
	const uint8_t *e = entry.at, *h = entry.at + 104;
	size_t count;

	if (entry.len < 376 || memcmp(e, "EMTE\2", 5) != 0)
		return "the ledger entry cannot be read";
	count = (size_t)number(e + 6, 2);
	if (count == 0 || count > ITEMS_MAX || entry.len != 376 + count || e[5] > 1 ||
		!all_zero(e + 68, 4))
		return "the ledger entry cannot be read";
	if (memcmp(h, "EMTB\1\0", 6) != 0 || number(h + 6, 2) != count ||
		(all_zero(h + 72, 8) && !all_zero(h + 80, 32)))
		return "the batch's header cannot be read";
	return NULL;
}

const char *item_trouble(bytes item)
{
	return item.len < 160 || memcmp(item.at, "EMTX\1", 5) != 0
		       ? "the ledger item cannot be read"
		       : NULL;
}

bool entry_is_in_log(const proof *p, const checkpoint *c)
{
	return number(p->entry.at + 8, 8) == p->index &&
	       is_included(leaf_of(p->entry), p->index, c->size,
		       (bytes){p->log_path, p->log_path_len}, c->root);
}

bool item_is_in_batch(const proof *p)
{
	const uint8_t *h = p->entry.at + 104;

	return is_included(
		leaf_of(p->item), p->item_index, number(h + 6, 2), p->item_path, h + 112);
}

bool batch_is_signed(const proof *p)
{
	const uint8_t *h = p->entry.at + 104;

	return ed25519_fits(
		h + 8, (bytes){(const uint8_t *)"emrfs/v1/batch", 15}, (bytes){h, 144}, h + 144);
}

/* ---- keys and certificates ---- */

key *key_of(audit *a, const uint8_t id[32])
{
	for (size_t i = 0; i < a->n_keys; i++)
		if (hash_equals(a->keys[i].id, id))
			return &a->keys[i];
	return NULL;
}

/* The proof of one item inside this one: of operation OP with a public part of PUB bytes, under the
 * same checkpoint, accepted, and signed by whom it names. */
proof *check_nested(
	audit *a, bytes file, uint8_t op, size_t pub, const char *check, const char *what)
{
	proof *p = malloc(sizeof *p);
	const uint8_t *h;

	if (p == NULL)
		no_memory();
	read_proof(file, p, check);
	p->next = a->nested;
	a->nested = p;
	if (p->n_parts != 0 || !same(p->note, a->p.note))
		failed(check, "%s is not under the same checkpoint", what);
	if (entry_trouble(p->entry) != NULL || item_trouble(p->item) != NULL ||
		p->item.len != 160 + pub)
		failed(check, "%s cannot be read", what);
	h = p->entry.at + 104;
	if (memcmp(h + 40, a->head.net, 16) != 0 || !entry_is_in_log(p, &a->head) ||
		!item_is_in_batch(p) || !batch_is_signed(p))
		failed(check, "%s is not on this ledger", what);
	if (p->item.at[5] != op || !hash_equals(hash_of((bytes){h + 8, 32}), p->item.at + 80) ||
		p->entry.at[376 + p->item_index] > 1)
		failed(check, "%s is another operation, or was not accepted", what);
	return p;
}

/* The one behind those that are known. */
static void add_key(audit *a, uint64_t seq)
{
	if (key_of(a, a->keys[a->n_keys].id.b) != NULL)
		failed("key", "a key is shown twice");
	a->key_seqs[a->n_keys++] = seq;
}

void check_key(audit *a, bytes file)
{
	static const char *const check = "key";
	const proof *p = check_nested(a, file, 0x01, 288, check, "a key's registration");
	key *k = &a->keys[a->n_keys];

	k->pk = p->entry.at + 104 + 8;
	k->pub = p->item.at + 160;
	k->id = hash_of((bytes){k->pk, 32});
	if (p->priv.len != 0 || memcmp(p->item.at + 24, k->id.b, 16) != 0)
		failed(check, "what should register a key does not");
	if (k->pub[2] != 1)
		failed(check, "a key is not vouched for by a certificate");
	k->log_pk = k->pub + 152;
	add_key(a, p->index);
}

const key *first_of(const key *k)
{
	while (k->before != NULL)
		k = k->before;
	return k;
}

/* A key names the one that follows it, which agrees: what it signs covers the rest of the public
 * part. */
void check_followed(audit *a, bytes file)
{
	static const char *const check = "key";
	const proof *p = check_nested(a, file, 0x02, 256, check, "a key's registration");
	const uint8_t *pub = p->item.at + 160;
	key *k = &a->keys[a->n_keys], *before = key_of(a, p->item.at + 80);
	hash rest = sha256((const bytes[]){{pub, 32}, {pub + 96, 160}}, 2);
	uint8_t message[16 + 32 + 32];

	if (p->priv.len != 0)
		failed(check, "what should name the key that follows does not");
	if (before == NULL)
		failed(check, "a key that was followed is not shown before the one that follows");
	memcpy(message, a->head.net, 16);
	memcpy(message + 16, p->item.at + 80, 32);
	memcpy(message + 48, rest.b, 32);
	if (!ed25519_fits(pub, (bytes){(const uint8_t *)"emrfs/v1/rotate", 16},
		    (bytes){message, sizeof message}, pub + 32))
		failed(check, "a key that follows another did not agree");
	*k = *before;
	k->before = before;
	k->pk = pub;
	k->log_pk = pub + 224;
	k->id = hash_of((bytes){k->pk, 32});
	add_key(a, p->index);
}

/* The length of the DER value at the front, or 0. */
static size_t der_len(bytes rest)
{
	size_t len;

	if (rest.len < 4 || rest.at[0] != 0x30)
		return 0;
	if (rest.at[1] < 0x80)
		len = (size_t)rest.at[1] + 2;
	else if (rest.at[1] == 0x81)
		len = (size_t)rest.at[2] + 3;
	else if (rest.at[1] == 0x82)
		len = (size_t)number(rest.at + 2, 2) + 4;
	else
		return 0;
	return len <= rest.len && len <= CERTIFICATE_MAX ? len : 0;
}

/* The CA of organisation ORG in the descriptor, and its name. */
bytes ca_of(bytes descriptor, const uint8_t org[16], bytes *out_name)
{
	static const char *const check = "network";
	bytes rest = descriptor, head = take(&rest, 33, check, "the descriptor"), found = {NULL, 0};

	if (memcmp(head.at, "EMNW\1", 5) != 0 || head.at[5] == 0 || head.at[7] != 0)
		failed(check, "the network's description cannot be read");
	take(&rest, head.at[32], check, "the descriptor");
	for (int i = 0; i < head.at[5]; i++) {
		bytes row = take(&rest, 49, check, "the descriptor"), ca, name;

		name = take(&rest, row.at[48], check, "the descriptor");
		take(&rest, take(&rest, 1, check, "the descriptor").at[0], check, "the descriptor");
		ca = take(&rest, 2, check, "the descriptor");
		ca = take(&rest, (size_t)number(ca.at, 2), check, "the descriptor");
		if (org != NULL && memcmp(row.at, org, 16) == 0) {
			found = ca;
			*out_name = name;
		}
	}
	if (rest.len != 0)
		failed(check, "bytes behind the network's description");
	return found;
}

/* The first organisation names its members' provider in a channel. */
bool is_of_channel(bytes descriptor)
{
	bytes rest = descriptor, head = take(&rest, 33, "network", "the descriptor"), row;

	take(&rest, head.at[32], "network", "the descriptor");
	row = take(&rest, 49, "network", "the descriptor");
	take(&rest, row.at[48], "network", "the descriptor");
	return take(&rest, 1, "network", "the descriptor").at[0] > 0;
}

/* ---- organisations that were admitted later ---- */

/* Returns how many approvals the description asks of the members that it names. */
static size_t approvals_at_least(const audit *a)
{
	const uint8_t *d = part_of(&a->p, 4, 0).at;
	size_t norg = d[5], quorum = d[6];

	return quorum == 0 ? norg / 2 + 1 : quorum < norg ? quorum : norg;
}

/* salt, name, address, CA: the private part of what was proposed. */
static void read_admission(bytes priv, const uint8_t *pub, admission *out)
{
	static const char *const check = "admission", *const what = "an admission";
	bytes rest = priv;

	take(&rest, 32, check, what);
	out->name = take(&rest, take(&rest, 1, check, what).at[0], check, what);
	take(&rest, (size_t)number(take(&rest, 2, check, what).at, 2), check, what);
	out->ca = take(&rest, (size_t)number(take(&rest, 2, check, what).at, 2), check, what);
	out->org = pub + 16;
	if (rest.len != 0 || pub[0] != 1 || !hash_equals(hash_of(out->ca), pub + 64))
		failed(check, "an admission cannot be read, or is not what was proposed");
}

static void count_approvals(audit *a, const proof *proposal, admission *out)
{
	static const char *const check = "admission";
	const uint8_t *orgs[APPROVALS_MAX];
	size_t n = 0;
	bytes file;

	out->seq = proposal->index;
	for (size_t i = 0; (file = part_of(&a->p, 17, i)).at != NULL; i++) {
		const proof *p = check_nested(a, file, 0x05, 16, check, "an approval");

		if (p->priv.len != 0)
			failed(check, "an approval has a private part");
		if (memcmp(p->item.at + 24, proposal->item.at + 24, 16) != 0)
			continue;
		for (size_t k = 0; k < n; k++)
			if (memcmp(orgs[k], p->item.at + 160, 16) == 0)
				failed(check, "an organisation is counted twice");
		if (p->index < proposal->index)
			failed(check, "an approval is older than what it approves");
		if (p->index > out->seq)
			out->seq = p->index;
		orgs[n++] = p->item.at + 160;
	}
	if (n < approvals_at_least(a))
		failed(check, "an admission has not the approvals that the network asks for");
	shown(check, "an organisation came in with %zu approval%s", n, n == 1 ? "" : "s");
}

void check_admissions(audit *a)
{
	static const char *const check = "admission";
	bytes file;

	if (part_of(&a->p, 16, 0).at == NULL && part_of(&a->p, 17, 0).at != NULL)
		failed(check, "there are approvals of nothing");
	for (; (file = part_of(&a->p, 16, a->n_admissions)).at != NULL; a->n_admissions++) {
		const proof *p = check_nested(a, file, 0x04, 96, check, "an admission");

		if (p->priv.len != number(p->item.at + 124, 4) ||
			!hash_equals(labelled("emrfs/v1/priv", 13, p->priv), p->item.at + 128))
			failed(check, "an admission is not what was proposed");
		read_admission(p->priv, p->item.at + 160, &a->admissions[a->n_admissions]);
		count_approvals(a, p, &a->admissions[a->n_admissions]);
	}
}

/* ISSUER is a CA of K's organisation: of the description, or of an admission before entry SEQ. */
static bool is_ca_of(const audit *a, bytes issuer, key *k, uint64_t seq)
{
	const uint8_t *org = k->pub + 8;
	bytes name, ca = ca_of(part_of(&a->p, 4, 0), org, &name);

	if (ca.at != NULL && same(ca, issuer))
		return true;
	for (size_t i = 0; i < a->n_admissions; i++)
		if (memcmp(a->admissions[i].org, org, 16) == 0 && a->admissions[i].seq <= seq &&
			same(a->admissions[i].ca, issuer)) {
			k->by = &a->admissions[i];
			return true;
		}
	return false;
}

/* How the network calls K's organisation, as it came in with the CA that vouches for K. Characters
 * that could move a cursor or turn a line round are shown as '?'. */
void name_of(const audit *a, const key *k, char out[256])
{
	bytes name = {NULL, 0};
	size_t n = 0;

	(void)ca_of(part_of(&a->p, 4, 0), k->pub + 8, &name);
	if (name.len == 0 && k->by != NULL)
		name = k->by->name;
	for (size_t i = 0; i < name.len; i++) {
		bool is_plain = name.at[i] >= 0x20 && name.at[i] < 0x7f;
		/* Letters of two bytes, from U+00C0 on; no marks of direction are among them below
		 * U+0590. */
		bool is_letter = name.at[i] >= 0xc3 && name.at[i] < 0xd6 && i + 1 < name.len &&
				 (name.at[i + 1] & 0xc0) == 0x80;

		if (is_letter)
			out[n++] = (char)name.at[i++];
		out[n++] = is_plain || is_letter ? (char)name.at[i] : '?';
	}
	out[n] = '\0';
}

/* ---- certificates ---- */

static X509 *read_certificate(bytes der)
{
	const unsigned char *at = der.at;
	X509 *certificate = d2i_X509(NULL, &at, (long)der.len);

	if (certificate == NULL || at != der.at + der.len)
		failed("certificate", "a certificate cannot be read");
	return certificate;
}

/* Dates are judged apart: RFC 5280 counts the last second, OpenSSL does not. */
static bool in_force(const X509 *certificate, uint64_t at)
{
	time_t t = (time_t)at;

	return ASN1_TIME_cmp_time_t(X509_get0_notBefore(certificate), t) <= 0 &&
	       ASN1_TIME_cmp_time_t(X509_get0_notAfter(certificate), t) >= 0;
}

/* From LEAF over all of BETWEEN to AUTHORITY, as RFC 5280 has it, whatever the time is. */
static bool leads_to(X509 *leaf, STACK_OF(X509) * between, X509 *authority)
{
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	bool leads;

	if (store == NULL || ctx == NULL || X509_STORE_add_cert(store, authority) != 1 ||
		X509_STORE_CTX_init(ctx, store, leaf, between) != 1 ||
		X509_STORE_CTX_set_purpose(ctx, X509_PURPOSE_SMIME_SIGN) != 1)
		no_memory();
	X509_STORE_CTX_set_flags(ctx, X509_V_FLAG_NO_CHECK_TIME | X509_V_FLAG_CHECK_SS_SIGNATURE |
					      X509_V_FLAG_POLICY_CHECK);
	leads = X509_verify_cert(ctx) == 1 &&
		sk_X509_num(X509_STORE_CTX_get0_chain(ctx)) == sk_X509_num(between) + 2;
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	return leads;
}

/* bind_sig: the certificate's key vouches for this registration. */
static bool is_bound(const audit *a, const key *k)
{
	hash pub = sha256((const bytes[]){{k->pub, 216}, {k->pub + 280, 8}}, 2);
	uint8_t message[14 + 16 + 32 + 32];

	memcpy(message, "emrfs/v1/bind\0", 14);
	memcpy(message + 14, a->head.net, 16);
	memcpy(message + 30, k->id.b, 32);
	memcpy(message + 62, pub.b, 32);
	return p256_fits(
		X509_get0_pubkey(k->certificate), (bytes){message, sizeof message}, k->pub + 216);
}

/* Where WORD ends in TEXT; NULL: it is not there. */
static const uint8_t *behind(bytes text, const char *word)
{
	size_t len = strlen(word);

	for (size_t at = 0; at + len <= text.len; at++)
		if (memcmp(text.at + at, word, len) == 0)
			return text.at + at + len;
	return NULL;
}

/* Given for emrfs there: it names ORG, or no organisation and a role (keyring/FORMAT.md). A person
 * who was only invited has the same CA's certificate, and so has a peer. An unescaped quotation
 * mark stands in no value, so these words are members of the attributes wherever they stand. */
static bool is_of(const X509 *certificate, const uint8_t org[16])
{
	ASN1_OBJECT *oid = OBJ_txt2obj("1.2.3.4.5.6.7.8.1", 1);
	int index = oid != NULL ? X509_get_ext_by_OBJ(certificate, oid, -1) : -1;
	const ASN1_OCTET_STRING *octets =
		index >= 0 ? X509_EXTENSION_get_data(X509_get_ext(certificate, index)) : NULL;
	bytes text = {0};
	const uint8_t *named, *roles;
	char hex[33];

	ASN1_OBJECT_free(oid);
	if (octets != NULL)
		text = (bytes){ASN1_STRING_get0_data(octets), (size_t)ASN1_STRING_length(octets)};
	named = behind(text, "\"emr.org\":\"");
	roles = behind(text, "\"emr.roles\":\"");
	if (named == NULL)
		return roles != NULL && roles < text.at + text.len && *roles != '"';
	for (int i = 0; i < 16; i++)
		(void)snprintf(hex + 2 * i, 3, "%02x", org[i]);
	return (size_t)(text.at + text.len - named) > 32 && memcmp(named, hex, 32) == 0 &&
	       named[32] == '"';
}

/* LINKS are the DER of the key's certificate, of those between, and of the network's CA. */
static void check_chain(audit *a, key *k, const bytes *links, size_t n)
{
	static const char *const check = "certificate";
	STACK_OF(X509) *between = sk_X509_new_null();
	X509 *authority = read_certificate(links[n - 1]);
	bool is_in_force;

	if (between == NULL)
		no_memory();
	if (!is_ca_of(a, links[n - 1], k, a->key_seqs[k - a->keys]))
		failed(check, "the certificate is from a CA that is not this network's");
	k->certificate = read_certificate(links[0]);
	is_in_force = in_force(k->certificate, a->ledger_time) &&
		      in_force(authority, a->ledger_time) &&
		      number(k->pub + 280, 8) > a->ledger_time;
	for (size_t i = 1; i + 1 < n; i++) {
		X509 *link = read_certificate(links[i]);

		is_in_force = is_in_force && in_force(link, a->ledger_time);
		if (sk_X509_push(between, link) == 0)
			no_memory();
	}
	if (X509_check_ca(k->certificate) == 1 ||
		EVP_PKEY_get_bits(X509_get0_pubkey(authority)) != 256 ||
		!leads_to(k->certificate, between, authority))
		failed(check, "the certificate is not signed by the network's CA");
	if (!is_in_force)
		failed(check, "the certificate was not in force when the entry was made");
	if (!is_of(k->certificate, k->pub + 8))
		failed(check, "the certificate was not given for this organisation");
	if (EVP_PKEY_get_base_id(X509_get0_pubkey(k->certificate)) != EVP_PKEY_EC ||
		!is_bound(a, k))
		failed(check, "the certificate's key does not vouch for the key on the ledger");
	X509_NAME_get_text_by_NID(
		X509_get_subject_name(k->certificate), NID_commonName, k->name, sizeof k->name);
	/* A name that moves the cursor could write over what is printed beside it. */
	for (const unsigned char *c = (const unsigned char *)k->name; *c != 0; c++)
		if (*c < 0x20 || *c >= 0x7f)
			failed(check,
				"the certificate's name holds characters that do not belong there");
	sk_X509_pop_free(between, X509_free);
	X509_free(authority);
}

void check_certificate(audit *a, key *k)
{
	bytes rest;

	if (k->before != NULL) { /* judged before it */
		k->certificate = k->before->certificate;
		k->by = k->before->by;
		k->ref = k->before->ref;
		memcpy(k->name, k->before->name, sizeof k->name);
		return;
	}
	for (size_t i = 0; (rest = part_of(&a->p, 2, i)).at != NULL; i++) {
		bytes links[LINKS_MAX];
		size_t n = 0;

		for (; rest.len > 0 && n < LINKS_MAX; n++) {
			links[n] = (bytes){rest.at, der_len(rest)};
			if (links[n].len == 0)
				break;
			rest = (bytes){rest.at + links[n].len, rest.len - links[n].len};
		}
		if (n < 2 || rest.len > 0)
			failed("certificate", "a certificate cannot be read");
		k->ref = hash_of(links[0]);
		if (hash_equals(k->ref, k->pub + 184)) {
			check_chain(a, k, links, n);
			return;
		}
	}
	failed("certificate", "the certificate that the registration names is not shown");
}
