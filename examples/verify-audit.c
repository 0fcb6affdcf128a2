/* verify-audit [--network HEX] PROOF [COPY]: checks a .tlog-proof file of emrfs: that COPY is the
 * document it is about; or, for a proof of an access, who asked for what, under which grant, and
 * who gave the key.
 *
 * Made from fs/proof/FORMAT.md alone.  It shares no code with emrfs, needs OpenSSL's libcrypto and
 * nothing else, looks nothing up, and says what it has been shown.  One file on purpose: an auditor
 * should be able to read all of it.
 *
 *   cc -O2 -o verify-audit verify-audit.c -lcrypto
 *
 * Exit: 0 all of it is shown, 1 it is not (the line that begins with FAILED says which check), 2
 * wrong use or no such file. */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/bn.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

/* ---- limits, and bytes that know their length ---- */

enum {
	FILE_MAX = 1 << 20,
	EXTRA_MAX = (512 << 10) - 8192,
	NOTE_MAX = 16384,
	PATH_MAX_HASHES = 64,
	PARTS_MAX = 112,
	FIRST_PARTS_MAX = 24, /* in format 1 */
	LINKS_MAX = 4,	      /* of a certificate chain: two between the first and the CA */
	KEYS_MAX = 24,
	ANSWERS_MAX = 16,
	ADMISSIONS_MAX = 8,
	APPROVALS_MAX = 32,
	SLOTS_MAX = 1024,
	SIGS_MAX = 64,
	ITEMS_MAX = 1024,
	CERTIFICATE_MAX = 4096,
	SEGMENT = 1 << 18,
};

typedef struct bytes {
	const uint8_t *at;
	size_t len;
} bytes;

typedef struct hash {
	uint8_t b[32];
} hash;

/* The first check that fails ends the program. */
static void failed(const char *check, const char *format, ...)
	__attribute__((noreturn, format(printf, 2, 3)));

static void failed(const char *check, const char *format, ...)
{
	va_list arguments;

	printf("FAILED %s: ", check);
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	printf("\n");
	exit(1);
}

static void shown(const char *check, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void shown(const char *check, const char *format, ...)
{
	va_list arguments;

	printf("ok     %-13s ", check);
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	printf("\n");
}

static void no_memory(void)
{
	fprintf(stderr, "verify-audit: not enough memory\n");
	exit(2);
}

static uint64_t number(const uint8_t *at, int width)
{
	uint64_t value = 0;

	for (int i = 0; i < width; i++)
		value = value << 8 | at[i];
	return value;
}

static bool all_zero(const uint8_t *at, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (at[i] != 0)
			return false;
	return true;
}

static bool same(bytes a, bytes b)
{
	return a.len == b.len && memcmp(a.at, b.at, a.len) == 0;
}

static void hex(const uint8_t *at, size_t len, char *out)
{
	for (size_t i = 0; i < len; i++)
		sprintf(out + 2 * i, "%02x", at[i]);
}

/* LEN bytes off the front of REST; CHECK fails when they are not there. */
static bytes take(bytes *rest, size_t len, const char *check, const char *what)
{
	bytes taken = {rest->at, len};

	if (len > rest->len)
		failed(check, "%s is cut off", what);
	rest->at += len;
	rest->len -= len;
	return taken;
}

/* ---- hashes and trees (RFC 6962, section 2.1) ---- */

/* SHA-256 over up to five pieces. */
static hash sha256(const bytes *pieces, size_t count)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	hash out = {{0}};
	int ok = ctx != NULL && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1;

	for (size_t i = 0; ok && i < count; i++)
		ok = EVP_DigestUpdate(ctx, pieces[i].at, pieces[i].len) == 1;
	ok = ok && EVP_DigestFinal_ex(ctx, out.b, NULL) == 1;
	EVP_MD_CTX_free(ctx);
	if (!ok)
		no_memory();
	return out;
}

static hash hash_of(bytes data)
{
	return sha256(&data, 1);
}

static hash labelled(const char *label, size_t label_len, bytes data)
{
	const bytes pieces[] = {{(const uint8_t *)label, label_len}, data};

	return sha256(pieces, 2);
}

static hash leaf_of(bytes data)
{
	return labelled("\0", 1, data);
}

static hash node_of(hash left, hash right)
{
	const bytes pieces[] = {{(const uint8_t *)"\1", 1}, {left.b, 32}, {right.b, 32}};

	return sha256(pieces, 3);
}

static bool hash_equals(hash a, const uint8_t b[32])
{
	return memcmp(a.b, b, 32) == 0;
}

/* The algorithm of RFC 9162, section 2.1.3.2: the path must have exactly the length that the tree
 * has there. */
static bool is_included(
	hash leaf, uint64_t index, uint64_t size, bytes path, const uint8_t root[32])
{
	uint64_t fn = index, sn = size - 1;
	hash r = leaf;

	if (index >= size || path.len % 32 != 0)
		return false;
	for (size_t at = 0; at < path.len; at += 32) {
		hash p;

		memcpy(p.b, path.at + at, 32);
		if (sn == 0)
			return false;
		if ((fn & 1) != 0 || fn == sn) {
			r = node_of(p, r);
			while ((fn & 1) == 0 && fn != 0) {
				fn >>= 1;
				sn >>= 1;
			}
		} else {
			r = node_of(r, p);
		}
		fn >>= 1;
		sn >>= 1;
	}
	return sn == 0 && hash_equals(r, root);
}

/* ---- signatures ---- */

/* s < L, little-endian, as RFC 8032 wants it. */
static bool ed25519_s_is_canonical(const uint8_t s[32])
{
	static const uint8_t order[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6,
		0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		0, 0x10};

	for (int i = 31; i >= 0; i--)
		if (s[i] != order[i])
			return s[i] < order[i];
	return false;
}

static bool ed25519_fits(const uint8_t pk[32], bytes label, bytes message, const uint8_t sig[64])
{
	EVP_PKEY *key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, pk, 32);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t *whole = malloc(label.len + message.len);
	bool fits = false;

	if (ctx == NULL || whole == NULL)
		no_memory();
	memcpy(whole, label.at, label.len);
	memcpy(whole + label.len, message.at, message.len);
	if (key != NULL && ed25519_s_is_canonical(sig + 32))
		fits = EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, key) == 1 &&
		       EVP_DigestVerify(ctx, sig, 64, whole, label.len + message.len) == 1;
	free(whole);
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
	return fits;
}

/* r and s of a P-256 signature; s at most n/2. */
static bool is_low(const BIGNUM *s)
{
	BIGNUM *half = NULL;
	bool low;

	if (BN_hex2bn(&half, "7FFFFFFF800000007FFFFFFFFFFFFFFFDE737D56D38BCF4279DCE5617E3192A8") ==
		0)
		no_memory();
	low = BN_cmp(s, half) <= 0;
	BN_free(half);
	return low;
}

static bool p256_fits(EVP_PKEY *key, bytes message, const uint8_t sig[64])
{
	ECDSA_SIG *pair = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(sig, 32, NULL), *s = BN_bin2bn(sig + 32, 32, NULL);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t *der = NULL;
	int len;
	bool fits;

	if (pair == NULL || r == NULL || s == NULL || ctx == NULL)
		no_memory();
	fits = is_low(s);
	if (ECDSA_SIG_set0(pair, r, s) != 1 || (len = i2d_ECDSA_SIG(pair, &der)) <= 0)
		no_memory();
	fits = fits && EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
	       EVP_DigestVerify(ctx, der, (size_t)len, message.at, message.len) == 1;
	OPENSSL_free(der);
	ECDSA_SIG_free(pair);
	EVP_MD_CTX_free(ctx);
	return fits;
}

/* ---- base64: with padding, no blanks, no unused bits set ---- */

static int digit_of(uint8_t c)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c != 0 ? strchr(digits, c) : NULL;

	return at != NULL ? (int)(at - digits) : -1;
}

/* OUT has room for TEXT.len / 4 * 3 bytes. */
static bool unbase64(bytes text, uint8_t *out, size_t *out_len)
{
	size_t n = 0;

	if (text.len % 4 != 0)
		return false;
	for (size_t i = 0; i < text.len; i += 4) {
		int padding = i + 4 < text.len	      ? 0
			      : text.at[i + 2] == '=' ? 2
			      : text.at[i + 3] == '=' ? 1
						      : 0;
		uint32_t value = 0;

		for (int j = 0; j < 4; j++) {
			int digit = j >= 4 - padding ? 0 : digit_of(text.at[i + j]);

			if (digit < 0 || (j >= 4 - padding && text.at[i + j] != '='))
				return false;
			value = value << 6 | (uint32_t)digit;
		}
		if ((padding == 1 && (value & 0xff) != 0) ||
			(padding == 2 && (value & 0xffff) != 0))
			return false;
		out[n++] = (uint8_t)(value >> 16);
		if (padding < 2)
			out[n++] = (uint8_t)(value >> 8);
		if (padding < 1)
			out[n++] = (uint8_t)value;
	}
	*out_len = n;
	return true;
}

/* ---- the file ---- */

typedef struct part {
	uint8_t type;
	bytes data;
} part;

typedef struct proof {
	uint64_t index;
	bytes note;
	uint8_t log_path[PATH_MAX_HASHES * 32];
	size_t log_path_len;
	uint16_t item_index;
	bytes entry, item, item_path, priv;
	size_t n_parts;
	part parts[PARTS_MAX];
	struct proof *next; /* of those that are kept */
} proof;

/* A line without its newline. */
static bytes take_line(bytes *rest, const char *check)
{
	const uint8_t *end = rest->len > 0 ? memchr(rest->at, '\n', rest->len) : NULL;
	bytes line;

	if (end == NULL)
		failed(check, "a line is missing or has no end");
	line = (bytes){rest->at, (size_t)(end - rest->at)};
	rest->at = end + 1;
	rest->len -= line.len + 1;
	return line;
}

static bool starts_with(bytes *line, const char *word)
{
	size_t len = strlen(word);

	if (line->len < len || memcmp(line->at, word, len) != 0)
		return false;
	line->at += len;
	line->len -= len;
	return true;
}

static uint64_t decimal(bytes text, size_t digits_max, const char *check)
{
	uint64_t value = 0;

	if (text.len == 0 || text.len > digits_max || (text.len > 1 && text.at[0] == '0'))
		failed(check, "a number is spelled wrong");
	for (size_t i = 0; i < text.len; i++) {
		if (text.at[i] < '0' || text.at[i] > '9')
			failed(check, "a number is spelled wrong");
		value = value * 10 + (uint64_t)(text.at[i] - '0');
	}
	return value;
}

/* How many parts of a type may stand in a file of that format; 0: none. */
static size_t most_of(uint8_t type, int format)
{
	switch (type) {
	case 2:
	case 6:
		return format == 1 ? 4 : KEYS_MAX;
	case 10:
		return 4;
	case 5:
	case 14:
	case 18:
		return format == 1 ? 0 : 1;
	case 15:
		return format == 1 ? 0 : ANSWERS_MAX;
	case 16:
		return format == 1 ? 0 : ADMISSIONS_MAX;
	case 17:
		return format == 1 ? 0 : APPROVALS_MAX;
	default:
		return (type >= 1 && type <= 4) || (type >= 9 && type <= 13) ? 1 : 0;
	}
}

static bool parts_fit(const proof *p, int format)
{
	size_t repeats = 0;

	for (size_t i = 0; i < p->n_parts; i++) {
		uint8_t type = p->parts[i].type, before = i > 0 ? p->parts[i - 1].type : 0;

		repeats = type == before ? repeats + 1 : 1;
		if (type < before || repeats > most_of(type, format))
			return false;
	}
	return p->n_parts <= (format == 1 ? FIRST_PARTS_MAX : PARTS_MAX);
}

/* FORMAT 2 is for what format 1 has no room for, and for nothing else. */
static void read_parts(proof *p, bytes rest, uint8_t count, int format, const char *check)
{
	if (count > PARTS_MAX)
		failed(check, "too many parts");
	for (uint8_t i = 0; i < count; i++) {
		bytes head = take(&rest, 5, check, "a part");

		p->parts[i] = (part){
			head.at[0], take(&rest, (size_t)number(head.at + 1, 4), check, "a part")};
	}
	p->n_parts = count;
	if (!parts_fit(p, format) || (format == 2 && parts_fit(p, 1)))
		failed(check, "there are parts that may not stand there");
	if (rest.len != 0)
		failed(check, "bytes behind the last part");
}

static void read_extra(proof *p, bytes extra, const char *check)
{
	bytes head = take(&extra, 24, check, "the extra line");
	size_t entry_len = (size_t)number(head.at + 8, 4),
	       item_len = (size_t)number(head.at + 12, 4);
	size_t priv_len = (size_t)number(head.at + 16, 4);

	if (memcmp(head.at, "EMPF", 4) != 0 || head.at[4] < 1 || head.at[4] > 2 ||
		head.at[5] != 0 || number(head.at + 22, 2) != 0)
		failed(check, "not a proof of format 1 or 2");
	if (head.at[20] > PATH_MAX_HASHES)
		failed(check, "the item's path is too long");
	p->item_index = (uint16_t)number(head.at + 6, 2);
	p->entry = take(&extra, entry_len, check, "the entry");
	p->item = take(&extra, item_len, check, "the item");
	p->item_path = take(&extra, (size_t)head.at[20] * 32, check, "the item's path");
	p->priv = take(&extra, priv_len, check, "the private part");
	read_parts(p, extra, head.at[21], head.at[4], check);
}

/* What is decoded here stays until the program ends. */
static void read_proof(bytes file, proof *p, const char *check)
{
	bytes line = take_line(&file, check);
	uint8_t *extra, hash_text[33];
	size_t len = 0;

	memset(p, 0, sizeof *p);
	if (!starts_with(&line, "c2sp.org/tlog-proof@v1") || line.len != 0)
		failed(check, "the first line is not that of a proof");
	line = take_line(&file, check);
	if (!starts_with(&line, "extra "))
		failed(check, "there is no extra line");
	extra = malloc(line.len / 4 * 3 + 1);
	if (extra == NULL)
		no_memory();
	if (!unbase64(line, extra, &len))
		failed(check, "the extra line is not base64");
	if (len > EXTRA_MAX)
		failed(check, "the extra line is too long");
	read_extra(p, (bytes){extra, len}, check);
	line = take_line(&file, check);
	if (!starts_with(&line, "index "))
		failed(check, "there is no index line");
	p->index = decimal(line, 18, check);
	while ((line = take_line(&file, check)).len != 0) {
		if (p->log_path_len == sizeof p->log_path)
			failed(check, "the entry's path is too long");
		if (line.len != 44 || !unbase64(line, hash_text, &len) || len != 32)
			failed(check, "a hash is spelled wrong");
		memcpy(p->log_path + p->log_path_len, hash_text, 32);
		p->log_path_len += 32;
	}
	p->note = file;
}

/* The N-th part of that type; at NULL when there is none. */
static bytes part_of(const proof *p, uint8_t type, size_t n)
{
	for (size_t i = 0; i < p->n_parts; i++)
		if (p->parts[i].type == type && n-- == 0)
			return p->parts[i].data;
	return (bytes){NULL, 0};
}

/* ---- checkpoint ---- */

typedef struct signature {
	char name[17];
	uint8_t bytes[76]; /* key id, time, signature */
} signature;

typedef struct checkpoint {
	uint8_t net[16];
	char net_text[33];
	uint64_t size;
	uint8_t root[32];
	bytes body; /* its first three lines, as they were signed */
	size_t n_sigs;
	signature sigs[SIGS_MAX];
} checkpoint;

static int hex_digit(uint8_t c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool unhex(const uint8_t *text, size_t digits, uint8_t *out)
{
	for (size_t i = 0; i < digits; i += 2) {
		int high = hex_digit(text[i]), low = hex_digit(text[i + 1]);

		if (high < 0 || low < 0)
			return false;
		out[i / 2] = (uint8_t)(high << 4 | low);
	}
	return true;
}

static void read_signature(checkpoint *c, bytes line)
{
	signature *s = &c->sigs[c->n_sigs];
	uint8_t name[8];
	size_t len = 0;

	if (c->n_sigs == SIGS_MAX)
		failed("format", "the checkpoint has too many signatures");
	if (!starts_with(&line, "\xe2\x80\x94 emrfs/") || line.len != 32 + 1 + 16 + 1 + 104 ||
		memcmp(line.at, c->net_text, 32) != 0 || line.at[32] != '/' ||
		!unhex(line.at + 33, 16, name) || line.at[49] != ' ' ||
		!unbase64((bytes){line.at + 50, 104}, (uint8_t[78]){0}, &len) || len != 76)
		failed("format", "a signature line of the checkpoint is spelled wrong");
	memcpy(s->name, line.at + 33, 16);
	unbase64((bytes){line.at + 50, 104}, s->bytes, &len);
	c->n_sigs++;
}

static void read_checkpoint(bytes note, checkpoint *c)
{
	bytes rest = note, line = take_line(&rest, "format");
	uint8_t root[33];
	size_t len = 0;

	if (note.len > NOTE_MAX)
		failed("format", "the checkpoint is too long");
	memset(c, 0, sizeof *c);
	if (!starts_with(&line, "emrfs/") || line.len != 32 || !unhex(line.at, 32, c->net))
		failed("format", "the checkpoint's origin is spelled wrong");
	memcpy(c->net_text, line.at, 32);
	c->size = decimal(take_line(&rest, "format"), 19, "format");
	line = take_line(&rest, "format");
	if (line.len != 44 || !unbase64(line, root, &len) || len != 32)
		failed("format", "the checkpoint's root is spelled wrong");
	memcpy(c->root, root, 32);
	c->body = (bytes){note.at, (size_t)(rest.at - note.at)};
	if (take_line(&rest, "format").len != 0)
		failed("format", "the checkpoint has lines that are not known");
	while (rest.len > 0)
		read_signature(c, take_line(&rest, "format"));
}

/* ---- entry, header, item ---- */

static const char *entry_trouble(bytes entry)
{
	const uint8_t *e = entry.at, *h = entry.at + 104;
	size_t count;

	if (entry.len < 376 || memcmp(e, "EMTE\1", 5) != 0)
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

static const char *item_trouble(bytes item)
{
	return item.len < 160 || memcmp(item.at, "EMTX\1", 5) != 0
		       ? "the ledger item cannot be read"
		       : NULL;
}

static bool entry_is_in_log(const proof *p, const checkpoint *c)
{
	return number(p->entry.at + 8, 8) == p->index &&
	       is_included(leaf_of(p->entry), p->index, c->size,
		       (bytes){p->log_path, p->log_path_len}, c->root);
}

static bool item_is_in_batch(const proof *p)
{
	const uint8_t *h = p->entry.at + 104;

	return is_included(
		leaf_of(p->item), p->item_index, number(h + 6, 2), p->item_path, h + 112);
}

static bool batch_is_signed(const proof *p)
{
	const uint8_t *h = p->entry.at + 104;

	return ed25519_fits(
		h + 8, (bytes){(const uint8_t *)"emrfs/v1/batch", 15}, (bytes){h, 144}, h + 144);
}

/* ---- keys and certificates ---- */

typedef struct key {
	hash id; /* SHA-256 of pk */
	const uint8_t *pk;
	const uint8_t *pub; /* KEY_REG's public part, 288 bytes */
	X509 *certificate;
	char name[65];
	hash ref;
} key;

/* An organisation that came in later. */
typedef struct admission {
	const uint8_t *org;
	uint64_t seq; /* of the last approval */
	bytes ca, name;
} admission;

typedef struct audit {
	proof p;
	proof *nested; /* all that were read; they stay until the program ends */
	bool is_access;
	checkpoint head;
	uint64_t ledger_time;
	key keys[KEYS_MAX];
	size_t n_keys;
	uint64_t key_seqs[KEYS_MAX];
	admission admissions[ADMISSIONS_MAX];
	size_t n_admissions;
	const uint8_t *statement; /* 320 bytes and 64 */
	/* Of an access: */
	key *asker;
	const uint8_t *grant, *grant_signer; /* public part; signer id */
	const uint8_t *agents; /* ids of 32 bytes, as many as the grant says; NULL: not shown */
	uint32_t purposes;     /* one bit, 0: not shown */
	bool asks_names, asks_contents;
} audit;

static key *key_of(audit *a, const uint8_t id[32])
{
	for (size_t i = 0; i < a->n_keys; i++)
		if (hash_equals(a->keys[i].id, id))
			return &a->keys[i];
	return NULL;
}

/* The proof of one item inside this one: of operation OP with a public part of PUB bytes, under the
 * same checkpoint, accepted, and signed by whom it names. */
static proof *check_nested(
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

static void check_key(audit *a, bytes file)
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
	if (key_of(a, k->id.b) != NULL)
		failed(check, "a key is shown twice");
	a->key_seqs[a->n_keys++] = p->index;
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
static bytes ca_of(bytes descriptor, const uint8_t org[16], bytes *out_name)
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

/* ---- organisations that were admitted later ---- */

/* What the description asks of those that it names. */
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

static void check_admissions(audit *a)
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

/* ISSUER is a CA of ORG: of the description, or of an admission before entry SEQ. */
static bool is_ca_of(const audit *a, bytes issuer, const uint8_t org[16], uint64_t seq)
{
	bytes name, ca = ca_of(part_of(&a->p, 4, 0), org, &name);

	if (ca.at != NULL && same(ca, issuer))
		return true;
	for (size_t i = 0; i < a->n_admissions; i++)
		if (memcmp(a->admissions[i].org, org, 16) == 0 && a->admissions[i].seq <= seq &&
			same(a->admissions[i].ca, issuer))
			return true;
	return false;
}

/* How the network calls ORG.  What could move a cursor or turn a line round is shown as '?'. */
static void name_of(const audit *a, const uint8_t org[16], char out[256])
{
	bytes name = {NULL, 0};
	size_t n = 0;

	(void)ca_of(part_of(&a->p, 4, 0), org, &name);
	for (size_t i = 0; i < a->n_admissions && name.len == 0; i++)
		if (memcmp(a->admissions[i].org, org, 16) == 0)
			name = a->admissions[i].name;
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

/* LINKS are the DER of the key's certificate, of those between, and of the network's CA. */
static void check_chain(audit *a, key *k, const bytes *links, size_t n)
{
	static const char *const check = "certificate";
	STACK_OF(X509) *between = sk_X509_new_null();
	X509 *authority = read_certificate(links[n - 1]);
	bool is_in_force;

	if (between == NULL)
		no_memory();
	if (!is_ca_of(a, links[n - 1], k->pub + 8, a->key_seqs[k - a->keys]))
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

static void check_certificate(audit *a, key *k)
{
	bytes rest;

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

/* ---- the checks on the ledger's side ---- */

static void need_parts(
	const audit *a, const uint8_t *needed, size_t n, const uint8_t *foreign, size_t n_foreign)
{
	for (size_t i = 0; i < n; i++)
		if (part_of(&a->p, needed[i], 0).at == NULL)
			failed("format", "the part of type %u is missing", needed[i]);
	for (size_t i = 0; i < n_foreign; i++)
		if (part_of(&a->p, foreign[i], 0).at != NULL)
			failed("format", "the part of type %u does not belong there", foreign[i]);
}

static void check_content_parts(audit *a)
{
	static const uint8_t needed[] = {1, 2, 3, 4, 6, 9, 10, 11, 12, 13}, foreign[] = {5, 14, 15};

	need_parts(a, needed, sizeof needed, foreign, sizeof foreign);
	if (a->p.priv.len == 0)
		failed("format", "the private part is missing");
	if (part_of(&a->p, 1, 0).len != 384 || part_of(&a->p, 3, 0).len != 32 ||
		part_of(&a->p, 11, 0).len != 32)
		failed("format", "a part has a wrong length");
	a->statement = part_of(&a->p, 1, 0).at;
}

static void check_access_parts(audit *a)
{
	static const uint8_t needed[] = {2, 4, 6, 14, 15}, foreign[] = {1, 3, 9, 11, 12, 13, 18};
	bytes k = part_of(&a->p, 5, 0);

	need_parts(a, needed, sizeof needed, foreign, sizeof foreign);
	if (part_of(&a->p, 10, 1).at != NULL)
		failed("format", "a second card does not belong to an access");
	if ((k.at == NULL) != (a->p.priv.len == 0) || (k.at != NULL && k.len != 32))
		failed("format", "the question and its key are shown together, or neither");
}

static void check_format(audit *a)
{
	const char *why;

	a->is_access = a->p.item.len > 5 && a->p.item.at[5] == 0x48;
	if (a->is_access)
		check_access_parts(a);
	else
		check_content_parts(a);
	read_checkpoint(a->p.note, &a->head);
	why = entry_trouble(a->p.entry);
	if (why == NULL)
		why = item_trouble(a->p.item);
	if (why != NULL)
		failed("format", "%s", why);
	a->ledger_time = number(a->p.entry.at + 16, 8);
	shown("format", "a proof file of %s, whole and spelled in the one way",
		a->is_access ? "an access" : "a content");
}

static void check_network(audit *a, const char *wanted)
{
	bytes descriptor = part_of(&a->p, 4, 0);
	hash net = labelled("emrfs/v1/net", 13, descriptor);

	(void)ca_of(descriptor, NULL, NULL);
	if (memcmp(net.b, a->head.net, 16) != 0)
		failed("network", "the checkpoint is of another network");
	if (memcmp(net.b, a->p.entry.at + 104 + 40, 16) != 0)
		failed("network", "the batch is of another network");
	if (wanted != NULL && strcmp(wanted, a->head.net_text) != 0)
		failed("network", "it is not the network that was asked for");
	shown("network", "network %s%s", a->head.net_text,
		wanted != NULL ? ", as asked for" : ": compare it with what the signer gives you");
}

static void check_log_path(audit *a)
{
	char root[65];

	if (!entry_is_in_log(&a->p, &a->head))
		failed("log-path", "the entry is not in the tree that the checkpoint names");
	hex(a->head.root, 32, root);
	shown("log-path", "entry %llu stands in the ledger of %llu entries with root %s",
		(unsigned long long)a->p.index, (unsigned long long)a->head.size, root);
}

static void check_keys(audit *a)
{
	bytes file;
	char ref[65];

	for (size_t i = 0; (file = part_of(&a->p, 6, i)).at != NULL; i++)
		check_key(a, file);
	shown("key", "%zu key%s registered on the same ledger", a->n_keys,
		a->n_keys == 1 ? " is" : "s are");
	check_admissions(a);
	for (size_t i = 0; i < a->n_keys; i++)
		check_certificate(a, &a->keys[i]);
	for (size_t i = 0; i < a->n_keys; i++) {
		hex(a->keys[i].ref.b, 32, ref);
		shown("certificate", "%s, in force then, by the network's CA; SHA-256 %s",
			a->keys[i].name, ref);
	}
}

static bool cosignature_fits(const audit *a, const key *k, const signature *s)
{
	char name[64], time_line[40];
	uint8_t *message = malloc(40 + a->head.body.len);
	hash id;
	size_t len;
	bool fits;

	if (message == NULL)
		no_memory();
	snprintf(name, sizeof name, "emrfs/%s/%s\n\x04", a->head.net_text, s->name);
	id = labelled(name, strlen(name), (bytes){k->pub + 152, 32});
	len = (size_t)snprintf(time_line, sizeof time_line, "time %llu\n",
		(unsigned long long)number(s->bytes + 4, 8));
	memcpy(message, time_line, len);
	memcpy(message + len, a->head.body.at, a->head.body.len);
	fits = memcmp(id.b, s->bytes, 4) == 0 &&
	       ed25519_fits(k->pub + 152, (bytes){(const uint8_t *)"cosignature/v1\n", 15},
		       (bytes){message, len + a->head.body.len}, s->bytes + 12);
	free(message);
	return fits;
}

static void check_checkpoint(audit *a)
{
	size_t good = 0;

	for (size_t i = 0; i < a->n_keys; i++) {
		char name[17];

		hex(a->keys[i].id.b, 8, name);
		for (size_t j = 0; j < a->head.n_sigs; j++) {
			if (strcmp(name, a->head.sigs[j].name) != 0)
				continue;
			if (!cosignature_fits(a, &a->keys[i], &a->head.sigs[j]))
				failed("checkpoint", "a signature of the checkpoint does not fit");
			good++;
			break;
		}
	}
	if (good == 0)
		failed("checkpoint", "no key in the file has signed the checkpoint");
	shown("checkpoint", "%zu good signature%s on it, %zu by keys that are not in the file",
		good, good == 1 ? "" : "s", a->head.n_sigs - good);
}

static void check_entry_and_batch(audit *a)
{
	const uint8_t *e = a->p.entry.at;
	bytes results = {e + 376, a->p.entry.len - 376};
	key *submitter = key_of(a, e + 24);
	hash digest = sha256((const bytes[]){{e, 312}, results}, 2);

	if (e[5] != 0)
		failed("entry", "this kind of ledger is not known here");
	if (submitter == NULL)
		failed("entry", "the key that appended the entry is not shown");
	if (!ed25519_fits(submitter->pk, (bytes){(const uint8_t *)"emrfs/v1/submit", 16},
		    (bytes){digest.b, 32}, e + 312))
		failed("entry", "the entry is not signed by who appended it");
	shown("entry", "appended by %s", submitter->name);
	if (!batch_is_signed(&a->p))
		failed("batch", "the batch's signature does not fit");
	shown("batch", "the batch of %u item%s is signed", (unsigned)results.len,
		results.len == 1 ? "" : "s");
}

static void check_item(audit *a)
{
	const uint8_t *item = a->p.item.at;
	uint8_t result;

	if (!item_is_in_batch(&a->p))
		failed("item", "the item is not in the signed batch");
	if (!hash_equals(hash_of((bytes){a->p.entry.at + 104 + 8, 32}), item + 80))
		failed("item", "the item names another signer than its batch");
	if (!a->is_access && item[5] != 0x20 && item[5] != 0x22)
		failed("item", "the item does not save a content");
	shown("item", "item %u of it %s", a->p.item_index,
		a->is_access ? "asks for keys" : "saves a content");
	result = a->p.entry.at[376 + a->p.item_index];
	if (result > 1)
		failed("result", "the ledger has it, and refused it (code %u)", result);
	shown("result", "the ledger accepted it");
}

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

static void check_private_part(audit *a)
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

static void check_content(audit *a)
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

static key *owner_of(audit *a, const uint8_t dom_id[32], const uint8_t **out_card)
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

static void say_time(uint64_t unix_s, char out[32])
{
	time_t t = (time_t)unix_s;
	struct tm tm;

	if (unix_s > 253402300799 || gmtime_r(&t, &tm) == NULL ||
		strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		snprintf(out, 32, "a time out of range");
}

static void check_statement(audit *a)
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

static void check_owner_and_patient(audit *a)
{
	const uint8_t *card,
		*dom_id = part_of(&a->p, 18, 0).at != NULL ? begun_by(a) : a->p.item.at + 80;
	key *owner = owner_of(a, dom_id, &card);
	hash commitment;

	if (memcmp(card + 120, a->p.item.at + 8, 16) != 0)
		failed("owner", "the card is of another domain");
	shown("owner", "it lies in a domain of %s", owner->name);
	commitment = sha256((const bytes[]){{(const uint8_t *)"emrfs/v1/pid", 12},
				    part_of(&a->p, 11, 0), {owner->pk, 32}},
		3);
	if (!hash_equals(commitment, a->statement + 48))
		failed("patient",
			"the statement is about another person than the owner of the domain");
	shown("patient", "and is about that person");
}

static void check_type(audit *a)
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

typedef struct tree {
	uint64_t size;
	hash level[64]; /* complete subtrees, where a bit of size is 1 */
} tree;

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

static void check_copy(audit *a, const char *path)
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

	if (a->p.item.len != 160 + 40 || !all_zero(item + 160 + 34, 6))
		failed(check, "the question cannot be read");
	count = (unsigned)number(item + 160 + 32, 2);
	if (count == 0 || count > SLOTS_MAX)
		failed(check, "the question cannot be read");
	a->asker = key_of(a, item + 80);
	if (a->asker == NULL)
		failed(check, "the key that asked is not shown");
	name_of(a, a->asker->pub + 8, name);
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

/* salt[32], B[32], n x agent id[32], note[96], u16, letter. */
static const uint8_t *agents_of(const proof *p, const char *check)
{
	const uint8_t *g = p->item.at + 160;
	size_t n = g[63], end = 64 + 32 * n + 96;
	bytes priv = p->priv;

	if (priv.len == 0)
		return NULL;
	if (priv.len != number(p->item.at + 124, 4) ||
		!hash_equals(labelled("emrfs/v1/priv", 13, priv), p->item.at + 128) || n > 16 ||
		priv.len < end + 2 || priv.len != end + 2 + number(priv.at + end, 2) ||
		priv.len < end + 2 + 512 + 48 || priv.len > end + 2 + 1024 + 48)
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
	shown(check, "under grant %s, from %s to %s%s", id, from, until,
		hash_equals(team, g) ? ", to a team of which the ledger knew the asker as a member"
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
	name_of(a, agent->pub + 8, name);
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

static void check_access(audit *a)
{
	check_question(a);
	check_grant(a);
	check_release(a);
	check_access_owner(a);
}

/* ---- */

static bytes read_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	uint8_t *data = malloc(FILE_MAX + 1);
	size_t len;

	if (file == NULL || data == NULL) {
		fprintf(stderr, "verify-audit: %s: %s\n", path, strerror(errno));
		exit(2);
	}
	len = fread(data, 1, FILE_MAX + 1, file);
	if (ferror(file)) {
		fprintf(stderr, "verify-audit: %s: %s\n", path, strerror(errno));
		exit(2);
	}
	fclose(file);
	if (len > FILE_MAX)
		failed("format", "the file is too long");
	return (bytes){data, len};
}

int main(int argc, char **argv)
{
	const char *wanted = NULL;
	static audit a;
	char at[32];

	if (argc >= 3 && strcmp(argv[1], "--network") == 0) {
		wanted = argv[2];
		argc -= 2;
		argv += 2;
	}
	if (argc < 2 || argc > 3 || argv[1][0] == '-') {
		fprintf(stderr, "verify-audit [--network HEX] PROOF [COPY]\n");
		return 2;
	}
	read_proof(read_file(argv[1]), &a.p, "format");
	check_format(&a);
	check_network(&a, wanted);
	check_log_path(&a);
	check_keys(&a);
	check_checkpoint(&a);
	check_entry_and_batch(&a);
	check_item(&a);
	say_time(a.ledger_time, at);
	if (a.is_access) {
		check_access(&a);
		if (argc == 3)
			failed("copy", "an access has no copy");
		printf("\nGenuine, and on the ledger since %s, by the clock of who appended it, "
		       "before the key was given.\n",
			at);
		return 0;
	}
	check_private_part(&a);
	check_content(&a);
	check_statement(&a);
	check_owner_and_patient(&a);
	check_type(&a);
	if (argc == 3)
		check_copy(&a, argv[2]);
	printf("\nGenuine and on the ledger since %s, by the clock of who appended it.%s\n", at,
		argc == 3 ? "" : "\nNo copy was compared: give the document as the second file.");
	return 0;
}
