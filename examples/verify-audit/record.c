/* This file goes from the item to the document: the content's blocks, the signed statement, whose
 * it is, and a copy of it. */
#define _POSIX_C_SOURCE 200809L
#include "audit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/x509.h>

/* ---- from the item to the statement ---- */

static bool is_cid(const uint8_t cid[36], uint8_t codec)
{
	return cid[0] == 1 && cid[1] == codec && cid[2] == 0x12 && cid[3] == 0x20;
}

static unsigned log2_of(uint64_t x)
{
	unsigned e = 0;

	while ((x >>= 1) != 0)
		e++;
	return e;
}

static uint64_t padded(uint64_t n, bool pow2)
{
	uint64_t x = n + 1, mask, power = 1 << 14;
	unsigned e, s;

	if (pow2) {
		while (power <= n)
			power <<= 1;
		return power - 1;
	}
	if (n <= 16383)
		return 16383;
	e = log2_of(x);
	s = log2_of(e) + 1;
	mask = ((uint64_t)1 << (e - s)) - 1;
	return ((x + mask) & ~mask) - 1;
}

/* Some length is padded to L: padding again changes nothing. */
static bool is_padded(uint64_t l)
{
	return l < (uint64_t)1 << 43 && (padded(l, false) == l || padded(l, true) == l);
}

void check_private_part(audit *a)
{
	const uint8_t *item = a->p.item.at;
	bytes priv = a->p.priv;

	if (priv.len != number(item + 124, 4) ||
		!hash_equals(labelled("emrfs/v1/priv", 13, priv), item + 128))
		failed("private-part", "the private part is not the one that the item commits to");
	if (priv.len < 300 + 512 + 16 || (priv.len - 316) % 512 != 0 || priv.len > 316 + 32 * 512 ||
		!is_cid(priv.at + 32, 0x70) || !is_padded(number(priv.at + 68, 8)))
		failed("private-part", "the private part cannot be read");
	shown("private-part", "what the item commits to is here");
}

static bool is_block(const uint8_t cid[36], bytes block)
{
	return hash_equals(hash_of(block), cid + 4);
}

/* One link of the directory, NAME of one letter: 12 len { 0a 24 CID | 12 01 NAME | 18 varint }. */
static const uint8_t *read_link(bytes *rest, char name)
{
	bytes head = take(rest, 2, "content", "the directory"), body;

	if (head.at[0] != 0x12 || head.at[1] < 43 || head.at[1] > 51)
		failed("content", "the directory cannot be read");
	body = take(rest, head.at[1], "content", "the directory");
	if (body.at[0] != 0x0a || body.at[1] != 0x24 || memcmp(body.at + 38, "\x12\x01", 2) != 0 ||
		body.at[40] != (uint8_t)name || body.at[41] != 0x18)
		failed("content", "the directory cannot be read");
	return body.at + 2;
}

void check_content(audit *a)
{
	static const char *const check = "content";
	const uint8_t *priv = a->p.priv.at, *root = priv + 32, *c, *m_cid;
	bytes directory = part_of(&a->p, 12, 0), m = part_of(&a->p, 13, 0), rest = directory;
	uint64_t n = number(a->statement + 168, 8);
	uint8_t head[17 + 2 + 8];
	hash content;

	if (!is_block(root, directory))
		failed(check, "the directory is not the item's");
	c = read_link(&rest, 'c');
	m_cid = read_link(&rest, 'm');
	if (rest.len != 4 || memcmp(rest.at, "\x0a\x02\x08\x01", 4) != 0)
		failed(check, "the directory cannot be read");
	if ((!is_cid(c, 0x55) && !is_cid(c, 0x70)) || !is_cid(m_cid, 0x55) || !is_block(m_cid, m))
		failed(check, "the manifest is not the item's");
	if (m.len != 100 + 1040 || memcmp(m.at, "EMRF", 4) != 0 || m.at[7] > 3 ||
		m.at[4] != ((m.at[7] & 2) != 0 ? 2 : 1) || number(m.at + 96, 4) != 1040 ||
		m.at[5] < 1 || m.at[5] > 2 || m.at[6] != 18)
		failed(check, "the manifest's head cannot be read");
	if (memcmp(m.at + 8, priv + 68, 8) != 0)
		failed(check, "the lengths differ");
	if (memcmp(a->statement, "emrfs-stmt-v1", 14) != 0 || a->statement[14] < 1 ||
		a->statement[14] > 2 || a->statement[15] < 1 || a->statement[15] > 4 ||
		n > (uint64_t)1 << 42)
		failed("statement", "the statement cannot be read");
	memcpy(head, "emrfs/v1/content\0", 17);
	memcpy(head + 17, m.at + 5, 2);
	memcpy(head + 19, m.at + 8, 8);
	content = sha256((const bytes[]){{head, sizeof head}, {c, 36}}, 2);
	if (!hash_equals(content, a->statement + 256) ||
		memcmp(m.at + 40, a->statement + 288, 32) != 0)
		failed(check, "the statement is about another encrypted content");
	if (padded(n, (m.at[7] & 1) != 0) != number(m.at + 8, 8))
		failed(check, "the signed length does not fit the content");
	shown(check, "the encrypted content that the ledger names is the one that was signed");
}

/* ---- whose ---- */

/* The card that gives domain key DOM_ID to an identity; NULL when there is none. */
static const uint8_t *card_of(audit *a, const uint8_t dom_id[32])
{
	bytes card;

	for (size_t i = 0; (card = part_of(&a->p, 10, i)).at != NULL; i++) {
		if (card.len != 313 || memcmp(card.at, "EMCD\1\2\0", 8) != 0 || card.at[184] != 0)
			failed("owner", "a domain card cannot be read");
		if (!hash_equals(hash_of((bytes){card.at + 136, 32}), dom_id))
			continue;
		if (memcmp(card.at + 8, a->head.net, 16) != 0)
			failed("owner", "a domain card is of another network");
		if (!ed25519_fits(card.at + 24, (bytes){(const uint8_t *)"emrfs/v1/card", 14},
			    (bytes){card.at, 185}, card.at + 185) ||
			!ed25519_fits(card.at + 136,
				(bytes){(const uint8_t *)"emrfs/v1/card-dom", 18},
				(bytes){card.at, 185}, card.at + 249))
			failed("owner", "a signature of a domain card does not fit");
		return card.at;
	}
	return NULL;
}

key *owner_of(audit *a, const uint8_t dom_id[32], const uint8_t **out_card)
{
	key *k;

	*out_card = card_of(a, dom_id);
	if (*out_card == NULL)
		failed("owner", "no card shows whose domain key signed");
	k = key_of(a, hash_of((bytes){*out_card + 24, 32}).b);
	if (k == NULL)
		failed("owner", "the identity of a domain card is not registered here");
	return k;
}

/* The identity that has the certificate's P-256 key with this SHA-256. */
static key *certificate_key_of(audit *a, const uint8_t id[32])
{
	for (size_t i = 0; i < a->n_keys; i++) {
		uint8_t *spki = NULL;
		int len = i2d_PUBKEY(X509_get0_pubkey(a->keys[i].certificate), &spki);
		bool fits = len > 0 && hash_equals(hash_of((bytes){spki, (size_t)len}), id);

		OPENSSL_free(spki);
		if (fits)
			return &a->keys[i];
	}
	return NULL;
}

static bool issuer_signed(audit *a, key **out_issuer)
{
	const uint8_t *s = a->statement, *card;
	const bytes empty = {(const uint8_t *)"", 0}, text = {s, 320};

	if (s[14] == 2) {
		*out_issuer = certificate_key_of(a, s + 16);
		if (*out_issuer == NULL)
			failed("owner", "no card shows whose domain key signed");
		return p256_fits(X509_get0_pubkey((*out_issuer)->certificate), text, s + 320);
	}
	*out_issuer = key_of(a, s + 16);
	if (*out_issuer != NULL)
		return ed25519_fits((*out_issuer)->pk, empty, text, s + 320);
	*out_issuer = owner_of(a, s + 16, &card);
	return ed25519_fits(card + 136, empty, text, s + 320);
}

void say_time(uint64_t unix_s, char out[32])
{
	time_t t = (time_t)unix_s;
	struct tm tm;

	if (unix_s > 253402300799 || gmtime_r(&t, &tm) == NULL ||
		strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		snprintf(out, 32, "a time out of range");
}

void check_statement(audit *a)
{
	static const char *const check = "statement";
	const uint8_t *s = a->statement, *priv = a->p.priv.at;
	key *issuer;
	char issued[32];

	if (memcmp(s + 80, priv + 76, 16) != 0 || memcmp(s + 96, priv + 92, 8) != 0)
		failed(check, "the statement is about another record or version");
	if (!issuer_signed(a, &issuer))
		failed(check, "the statement's signature does not fit");
	if (!all_zero(s + 224, 32) && !hash_equals(issuer->ref, s + 224))
		failed(check, "the statement names another certificate");
	/* A right to write is none to bring again what somebody else once said. */
	if (part_of(&a->p, 18, 0).at != NULL && !hash_equals(issuer->id, a->p.item.at + 80))
		failed(check, "neither who signed it nor the owner put it there");
	say_time(number(s + 208, 8), issued);
	shown(check, "%s signed version %llu, %llu bytes, at %s by their clock", issuer->name,
		(unsigned long long)number(s + 96, 8), (unsigned long long)number(s + 168, 8),
		issued);
}

/* Somebody else wrote there, as the ledger allowed him: whose domain it is says the item that began
 * it. */
static const uint8_t *begun_by(audit *a)
{
	const proof *p = check_nested(
		a, part_of(&a->p, 18, 0), 0x10, 64, "owner", "the beginning of the domain");
	key *writer = key_of(a, a->p.item.at + 80);

	if (p->priv.len != 0 || memcmp(p->item.at + 24, a->p.item.at + 8, 16) != 0)
		failed("owner", "it is the beginning of another domain");
	if (writer == NULL)
		failed("owner", "the key that wrote there is not shown");
	shown("owner", "written there by %s", writer->name);
	return p->item.at + 80;
}

void check_owner_and_patient(audit *a)
{
	const uint8_t *card,
		*dom_id = part_of(&a->p, 18, 0).at != NULL ? begun_by(a) : a->p.item.at + 80;
	key *owner = owner_of(a, dom_id, &card);
	bool is_about = false;

	if (memcmp(card + 120, a->p.item.at + 8, 16) != 0)
		failed("owner", "the card is of another domain");
	shown("owner", "it lies in a domain of %s", owner->name);
	/* By any key of that person: they follow one another. */
	for (size_t i = 0; i < a->n_keys; i++)
		is_about |=
			first_of(&a->keys[i]) == first_of(owner) &&
			hash_equals(sha256((const bytes[]){{(const uint8_t *)"emrfs/v1/pid", 12},
						   part_of(&a->p, 11, 0), {a->keys[i].pk, 32}},
					    3),
				a->statement + 48);
	if (!is_about)
		failed("patient",
			"the statement is about another person than the owner of the domain");
	shown("patient", "and is about that person");
}

void check_type(audit *a)
{
	bytes text = part_of(&a->p, 9, 0), rest = text, mime;
	size_t doc;

	mime = take(&rest, take(&rest, 1, "type", "the type").at[0], "type", "the type");
	doc = take(&rest, 1, "type", "the type").at[0];
	if (doc != rest.len)
		failed("type", "the type cannot be read");
	if (!hash_equals(hash_of(text), a->statement + 176))
		failed("type", "the type is not the signed one");
	for (size_t i = 0; i < mime.len; i++)
		if (mime.at[i] < 0x20 || mime.at[i] > 0x7e)
			mime.len = 0;
	shown("type", "media type %.*s", mime.len > 0 ? (int)mime.len : 7,
		mime.len > 0 ? (const char *)mime.at : "unknown");
}

/* ---- a copy of the document ---- */

static void append(tree *t, hash h)
{
	unsigned level = 0;

	for (uint64_t bits = t->size; (bits & 1) != 0; bits >>= 1)
		h = node_of(t->level[level++], h);
	t->level[level] = h;
	t->size++;
}

static hash root_of(const tree *t)
{
	hash root = hash_of((bytes){(const uint8_t *)"", 0});
	bool any = false;

	for (unsigned level = 0; level < 64; level++)
		if ((t->size >> level & 1) != 0) {
			root = any ? node_of(t->level[level], root) : t->level[level];
			any = true;
		}
	return root;
}

static bool is_zeros(const uint8_t *at, size_t len)
{
	return at[0] == 0 && memcmp(at, at + 1, len - 1) == 0;
}

void check_copy(audit *a, const char *path)
{
	FILE *file = fopen(path, "rb");
	uint8_t *segment = malloc(SEGMENT);
	uint64_t n = 0, signed_n = number(a->statement + 168, 8);
	bool has_holes = (part_of(&a->p, 13, 0).at[7] & 2) != 0;
	bytes hk = part_of(&a->p, 3, 0);
	tree t = {0};
	size_t got;

	if (file == NULL || segment == NULL) {
		fprintf(stderr, "verify-audit: %s: %s\n", path, strerror(errno));
		exit(2);
	}
	while (n <= signed_n && (got = fread(segment, 1, SEGMENT, file)) > 0) {
		uint8_t index[8];

		for (int i = 0; i < 8; i++)
			index[i] = (uint8_t)(t.size >> (56 - 8 * i));
		/* Where a content has holes, no segment of zeros is told from another. */
		append(&t, sha256((const bytes[]){{(const uint8_t *)"", 1}, hk, {index, 8},
					  {segment, got}},
				   has_holes && is_zeros(segment, got) ? 2 : 4));
		n += got;
	}
	if (ferror(file)) {
		fprintf(stderr, "verify-audit: %s: %s\n", path, strerror(errno));
		exit(2);
	}
	fclose(file);
	free(segment);
	if (n != signed_n)
		failed("copy", "the copy has another length");
	if (!hash_equals(root_of(&t), a->statement + 136))
		failed("copy", "the copy is not what was signed");
	shown("copy", "it is the signed document, byte for byte");
}
