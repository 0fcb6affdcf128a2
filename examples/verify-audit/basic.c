/* These are the tools of the other files: how a check says what it was shown or that it failed,
 * numbers and hashes, trees of RFC 6962, the two kinds of signature, base64. */
#include "audit.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>

/* The first check that fails ends the program. */
void failed(const char *check, const char *format, ...)
{
	va_list arguments;

	printf("FAILED %s: ", check);
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	printf("\n");
	exit(1);
}

void shown(const char *check, const char *format, ...)
{
	va_list arguments;

	printf("ok     %-13s ", check);
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	printf("\n");
}

void no_memory(void)
{
	fprintf(stderr, "verify-audit: not enough memory\n");
	exit(2);
}

uint64_t number(const uint8_t *at, int width)
{
	uint64_t value = 0;

	for (int i = 0; i < width; i++)
		value = value << 8 | at[i];
	return value;
}

bool all_zero(const uint8_t *at, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (at[i] != 0)
			return false;
	return true;
}

bool same(bytes a, bytes b)
{
	return a.len == b.len && memcmp(a.at, b.at, a.len) == 0;
}

void hex(const uint8_t *at, size_t len, char *out)
{
	for (size_t i = 0; i < len; i++)
		sprintf(out + 2 * i, "%02x", at[i]);
}

/* LEN bytes off the front of REST; CHECK fails when they are not there. */
bytes take(bytes *rest, size_t len, const char *check, const char *what)
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
hash sha256(const bytes *pieces, size_t count)
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

hash hash_of(bytes data)
{
	return sha256(&data, 1);
}

hash labelled(const char *label, size_t label_len, bytes data)
{
	const bytes pieces[] = {{(const uint8_t *)label, label_len}, data};

	return sha256(pieces, 2);
}

hash leaf_of(bytes data)
{
	return labelled("\0", 1, data);
}

hash node_of(hash left, hash right)
{
	const bytes pieces[] = {{(const uint8_t *)"\1", 1}, {left.b, 32}, {right.b, 32}};

	return sha256(pieces, 3);
}

bool hash_equals(hash a, const uint8_t b[32])
{
	return memcmp(a.b, b, 32) == 0;
}

/* The algorithm of RFC 9162, section 2.1.3.2: the path must have exactly the length that the tree
 * has there. */
bool is_included(hash leaf, uint64_t index, uint64_t size, bytes path, const uint8_t root[32])
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

bool ed25519_fits(const uint8_t pk[32], bytes label, bytes message, const uint8_t sig[64])
{
	EVP_PKEY *public_key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, pk, 32);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t *whole = malloc(label.len + message.len);
	bool fits = false;

	if (ctx == NULL || whole == NULL)
		no_memory();
	memcpy(whole, label.at, label.len);
	memcpy(whole + label.len, message.at, message.len);
	if (public_key != NULL && ed25519_s_is_canonical(sig + 32))
		fits = EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, public_key) == 1 &&
		       EVP_DigestVerify(ctx, sig, 64, whole, label.len + message.len) == 1;
	free(whole);
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(public_key);
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

bool p256_fits(EVP_PKEY *public_key, bytes message, const uint8_t sig[64])
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
	fits = fits && EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, public_key) == 1 &&
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
bool unbase64(bytes text, uint8_t *out, size_t *out_len)
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
