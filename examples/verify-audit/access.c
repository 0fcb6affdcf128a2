/* This file judges an access: what was asked and by whom, the grant that allowed it, and who gave
 * parts of the key. */
#include "audit.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#define OWN_AGENTS 8 /* in a grant's rights: its agents may be of the owner's organisation */

/* ---- an access: the question ---- */

static uint32_t rotated(uint32_t x, int by)
{
	return x << by | x >> (32 - by);
}

static void quarter(uint32_t *a, uint32_t *b, uint32_t *c, uint32_t *d)
{
	*a += *b;
	*d = rotated(*d ^ *a, 16);
	*c += *d;
	*b = rotated(*b ^ *c, 12);
	*a += *b;
	*d = rotated(*d ^ *a, 8);
	*c += *d;
	*b = rotated(*b ^ *c, 7);
}

static uint32_t little(const uint8_t *at)
{
	return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 |
	       (uint32_t)at[3] << 24;
}

/* HChaCha20 (draft-irtf-cfrg-xchacha-03, section 2.2): a key for ChaCha20 from K and 16 bytes of
 * the nonce. */
static void hchacha20(const uint8_t k[32], const uint8_t nonce[16], uint8_t out[32])
{
	uint32_t s[16] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};

	for (int i = 0; i < 8; i++)
		s[4 + i] = little(k + 4 * i);
	for (int i = 0; i < 4; i++)
		s[12 + i] = little(nonce + 4 * i);
	for (int i = 0; i < 10; i++) {
		for (int j = 0; j < 4; j++)
			quarter(&s[j], &s[4 + j], &s[8 + j], &s[12 + j]);
		for (int j = 0; j < 4; j++)
			quarter(&s[j], &s[4 + (j + 1) % 4], &s[8 + (j + 2) % 4],
				&s[12 + (j + 3) % 4]);
	}
	for (int i = 0; i < 8; i++) {
		uint32_t word = s[i < 4 ? i : 8 + i];

		for (int b = 0; b < 4; b++)
			out[4 * i + b] = (uint8_t)(word >> 8 * b);
	}
}

/* XChaCha20-Poly1305; SEALED ends with its tag of 16 bytes. */
static bool opens(const uint8_t k[32], const uint8_t nonce[24], const bytes aad[2], bytes sealed,
	uint8_t *out)
{
	uint8_t subkey[32], rest[12] = {0};
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int n = 0, len = (int)sealed.len - 16;
	bool fits;

	if (ctx == NULL)
		no_memory();
	hchacha20(k, nonce, subkey);
	memcpy(rest + 4, nonce + 16, 8);
	fits = EVP_DecryptInit_ex(ctx, EVP_chacha20_poly1305(), NULL, subkey, rest) == 1 &&
	       EVP_CIPHER_CTX_ctrl(
		       ctx, EVP_CTRL_AEAD_SET_TAG, 16, (void *)(uintptr_t)(sealed.at + len)) == 1 &&
	       EVP_DecryptUpdate(ctx, NULL, &n, aad[0].at, (int)aad[0].len) == 1 &&
	       EVP_DecryptUpdate(ctx, NULL, &n, aad[1].at, (int)aad[1].len) == 1 &&
	       EVP_DecryptUpdate(ctx, out, &n, sealed.at, len) == 1 &&
	       EVP_DecryptFinal_ex(ctx, out + n, &n) == 1;
	EVP_CIPHER_CTX_free(ctx);
	return fits;
}

/* purpose, reader, count, 0[4], then slots of 32, as many as the next power of two. */
static void read_body(audit *a, const uint8_t *body, size_t len)
{
	static const char *const check = "question";
	static const char *const purposes[] = {"treatment", "payment", "operations", "research",
		"emergency", "self", "public health", "legal", "family"};
	size_t count = (size_t)number(body + 2, 2), room = 1;

	while (room < count)
		room *= 2;
	if (body[0] > 8 || body[1] < 1 || body[1] > 2 || count == 0 || count > SLOTS_MAX ||
		!all_zero(body + 4, 4) || len != 8 + 32 * room ||
		count != number(a->p.item.at + 160 + 32, 2) ||
		!all_zero(body + 8 + 32 * count, 32 * (room - count)))
		failed(check, "the question cannot be read");
	a->purposes = (uint32_t)1 << body[0];
	shown(check, "for %s, by %s", purposes[body[0]], body[1] == 1 ? "a person" : "software");
	for (size_t i = 0; i < count; i++) {
		const uint8_t *slot = body + 8 + 32 * i;
		char object[33];

		if (all_zero(slot + 16, 8) || slot[24] < 1 || slot[24] > 3 ||
			!all_zero(slot + 25, 7))
			failed(check, "the question cannot be read");
		a->asks_names |= slot[24] == 2;
		a->asks_contents |= slot[24] != 2;
		hex(slot, 16, object);
		if (i < 16)
			shown(check, "%s %s",
				slot[24] == 2 ? "the names in a folder, by" : "record", object);
	}
}

/* salt[32], epk[32], n u8, 0[7], kcom[32], nonce[24], n x 112, body. */
static void open_question(audit *a)
{
	static const char *const check = "question";
	bytes priv = a->p.priv, k = part_of(&a->p, 5, 0);
	const bytes aad[2] = {{a->p.item.at, 124}, {a->p.item.at + 160, 40}};
	size_t n = priv.len > 128 ? priv.at[64] : 0, start = 128 + 112 * n;
	uint8_t *body;

	if (n < 1 || n > 32 || !all_zero(priv.at + 65, 7) || priv.len < start + 8 + 32 + 16 ||
		priv.len > start + 8 + 32 * SLOTS_MAX + 16)
		failed(check, "the question cannot be read");
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < i; j++)
			if (memcmp(priv.at + 128 + 112 * i, priv.at + 128 + 112 * j, 32) == 0)
				failed(check, "the question cannot be read");
	body = malloc(priv.len);
	if (body == NULL)
		no_memory();
	if (!hash_equals(labelled("emrfs/v1/mbox", 14, k), priv.at + 72) ||
		!opens(k.at, priv.at + 104, aad, (bytes){priv.at + start, priv.len - start}, body))
		failed(check, "the key that is shown does not open the question");
	read_body(a, body, priv.len - start - 16);
	free(body);
}

static void check_question(audit *a)
{
	static const char *const check = "question";
	const uint8_t *item = a->p.item.at;
	unsigned count;
	char name[256];

	if (a->p.item.len != 160 + 40 || !all_zero(item + 160 + 36, 4))
		failed(check, "the question cannot be read");
	count = (unsigned)number(item + 160 + 32, 2);
	if (count == 0 || count > SLOTS_MAX || number(item + 160 + 34, 2) > count)
		failed(check, "the question cannot be read");
	a->asker = key_of(a, item + 80);
	if (a->asker == NULL)
		failed(check, "the key that asked is not shown");
	name_of(a, a->asker, name);
	shown(check, "%s, %s, asked for the keys of %u record%s", a->asker->name, name, count,
		count == 1 ? "" : "s");
	if (a->p.priv.len == 0)
		return;
	if (a->p.priv.len != number(item + 124, 4) ||
		!hash_equals(labelled("emrfs/v1/priv", 13, a->p.priv), item + 128))
		failed("private-part", "the private part is not the one that the item commits to");
	open_question(a);
}

/* ---- the grant ---- */

/* Behind the letter: nothing, or outer domain id[16], signature[64] and zeros to 512. */
static bool tail_fits(bytes tail, const uint8_t *domain)
{
	return tail.len == 0 ||
	       (tail.len == 512 && !all_zero(tail.at, 16) && memcmp(tail.at, domain, 16) != 0 &&
		       all_zero(tail.at + 80, tail.len - 80));
}

/* salt[32], B[32], n x agent id[32], note[96], u16, letter, tail. */
static const uint8_t *agents_of(const proof *p, const char *check)
{
	const uint8_t *g = p->item.at + 160;
	size_t n = g[63], end = 64 + 32 * n + 96, letter;
	bytes priv = p->priv;

	if (priv.len == 0)
		return NULL;
	if (priv.len != number(p->item.at + 124, 4) ||
		!hash_equals(labelled("emrfs/v1/priv", 13, priv), p->item.at + 128) || n > 16 ||
		priv.len < end + 2)
		failed(check, "the private part of the grant is not the one that it commits to");
	letter = number(priv.at + end, 2);
	end += 2 + letter;
	if (letter < 512 + 48 || letter > 1024 + 48 || priv.len < end ||
		!tail_fits((bytes){priv.at + end, priv.len - end}, p->item.at + 8))
		failed(check, "the private part of the grant is not the one that it commits to");
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < i; j++)
			if (memcmp(priv.at + 64 + 32 * i, priv.at + 64 + 32 * j, 32) == 0)
				failed(check, "the grant names an agent twice");
	return priv.at + 64;
}

static void check_grant(audit *a)
{
	static const char *const check = "grant";
	const proof *p = check_nested(a, part_of(&a->p, 14, 0), 0x30, 64, check, "the grant");
	const uint8_t *item = a->p.item.at, *g = p->item.at + 160;
	hash team = labelled("emrfs/v1/dataset\0", 17, (bytes){item + 160 + 16, 16});
	uint32_t purposes = (uint32_t)number(g + 56, 4);
	uint16_t rights = (uint16_t)number(g + 60, 2);
	char id[33], from[32], until[32];

	if (memcmp(p->item.at + 8, item + 8, 16) != 0 ||
		memcmp(p->item.at + 24, item + 160, 16) != 0)
		failed(check, "it is another grant than the one that was asked under");
	if (p->index > a->p.index)
		failed(check, "the grant is younger than the question");
	if (a->ledger_time < number(g + 32, 8) || a->ledger_time >= number(g + 40, 8))
		failed(check, "the grant was not in force when it was asked under");
	if (memcmp(g, item + 80, 32) != 0 && !hash_equals(team, g))
		failed(check, "the grant is for somebody else");
	if ((a->purposes & ~purposes) != 0)
		failed(check, "the grant is not for that purpose");
	if ((a->asks_names && (rights & 1) == 0) || (a->asks_contents && (rights & 2) == 0))
		failed(check, "the grant does not give that right");
	a->agents = agents_of(p, check);
	a->grant = g;
	a->grant_signer = p->item.at + 80;
	hex(p->item.at + 24, 16, id);
	say_time(number(g + 32, 8), from);
	say_time(number(g + 40, 8), until);
	shown(check, "under grant %s, from %s to %s%s%s", id, from, until,
		hash_equals(team, g) ? ", to a team of which the ledger knew the asker as a member"
				     : "",
		(rights & OWN_AGENTS) != 0 ? "; its agents may be of the owner's own organisation"
					   : "");
}

/* ---- the answers ---- */

static bool is_of_grant(const audit *a, const uint8_t id[32])
{
	for (size_t i = 0; a->agents != NULL && i < a->grant[63]; i++)
		if (memcmp(a->agents + 32 * i, id, 32) == 0)
			return true;
	return a->agents == NULL;
}

/* Returns 0 for a refusal, 1 for an agent, 2 for the owner. */
static int judge_answer(audit *a, const proof *p)
{
	static const char *const check = "release";
	const uint8_t *pub = p->item.at + 160, *item = a->p.item.at;
	unsigned count = (unsigned)number(pub + 50, 2);
	key *agent = key_of(a, p->item.at + 80);
	char name[256], at[32];

	if (p->priv.len != 0 || pub[48] < 1 || pub[48] > 3 || !all_zero(pub + 52, 4))
		failed(check, "an answer cannot be read");
	if (!hash_equals(hash_of(a->p.item), pub) || memcmp(pub + 32, item + 24, 16) != 0 ||
		memcmp(p->item.at + 8, item + 8, 16) != 0)
		failed(check, "an answer is to another question");
	if (p->index < a->p.index || count > number(item + 160 + 32, 2))
		failed(check, "an answer does not follow from the question");
	if (pub[48] == 3 || count == 0)
		return 0;
	say_time(number(p->entry.at + 16, 8), at);
	if (pub[48] == 2) {
		if (memcmp(p->item.at + 80, a->grant_signer, 32) != 0)
			failed(check, "an answer of the owner is not by who granted");
		shown(check, "the owner gave the keys of %u, at %s", count, at);
		return 2;
	}
	if (agent == NULL || (number(agent->pub, 2) & 32) == 0)
		failed(check, "a key that answered is not shown to be an agent's");
	if (!is_of_grant(a, p->item.at + 80))
		failed(check, "an agent that answered is none of the grant's");
	if (memcmp(agent->pub + 8, a->asker->pub + 8, 16) == 0 &&
		(number(a->grant + 60, 2) & OWN_AGENTS) == 0)
		failed(check, "an agent of the asker's organisation answered, which the grant does "
			      "not allow");
	name_of(a, agent, name);
	shown(check,
		a->agents != NULL
			? "%s, %s, gave its part of the keys of %u, at %s"
			: "%s, %s, is said to have given its part of the keys of %u, at %s",
		name, agent->name, count, at);
	return 1;
}

static void check_release(audit *a)
{
	static const char *const check = "release";
	const uint8_t *signers[ANSWERS_MAX];
	const uint8_t *organisations[ANSWERS_MAX]; /* each once */
	size_t n = 0, agents = 0, owners = 0, needed = a->grant[62];
	bytes file;

	for (; (file = part_of(&a->p, 15, n)).at != NULL; n++) {
		const proof *p = check_nested(a, file, 0x49, 56, check, "an answer");
		int kind;

		for (size_t i = 0; i < n; i++)
			if (memcmp(signers[i], p->item.at + 80, 32) == 0)
				failed(check, "somebody is counted twice");
		signers[n] = p->item.at + 80;
		kind = judge_answer(a, p);
		if (kind == 1) {
			const uint8_t *org = key_of(a, p->item.at + 80)->pub + 8;
			size_t k = 0;

			while (k < agents && memcmp(organisations[k], org, 16) != 0)
				k++;
			organisations[k] = org;
			agents += k == agents;
		}
		owners += kind == 2;
	}
	if (owners == 0 && (needed == 0 || agents < needed))
		failed(check, "not enough answers gave the key");
	if (agents > 0)
		shown(check, "parts of %zu organisations, of which the grant asks for %zu%s",
			agents, needed,
			a->agents != NULL
				? ""
				: "; whom the grant names as agents, the file does not show");
}

static void check_access_owner(audit *a)
{
	const uint8_t *card;
	char domain[33];
	key *owner;

	hex(a->p.item.at + 8, 16, domain);
	if (part_of(&a->p, 10, 0).at == NULL) {
		shown("owner", "of folder %s; whose it is, the file does not say", domain);
		return;
	}
	owner = owner_of(a, a->grant_signer, &card);
	if (memcmp(card + 120, a->p.item.at + 8, 16) != 0)
		failed("owner", "the card is of another domain");
	shown("owner", "of folder %s of %s", domain, owner->name);
}

void check_access(audit *a)
{
	check_question(a);
	check_grant(a);
	check_release(a);
	check_access_owner(a);
}
