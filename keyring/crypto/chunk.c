/* This file encrypts and decrypts the 16 KiB chunks of a record. Each chunk is bound to its
 * place, and no byte of it is given out before its tag was checked. */
#include "crypto/chunk.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/codec.h"
#include "base/worker.h"
#include "crypto/kdf.h"
#include "known_answer.h"

#define KEY_BYTES 32
#define NONCE_BYTES 12

typedef struct context {
	EVP_CIPHER_CTX *evp;
	EVP_CIPHER_CTX *stream; /* NULL: was not needed yet */
	struct context *next;
} context;

struct emr_chunk_cipher {
	const EVP_CIPHER *algorithm;
	const EVP_CIPHER *stream; /* what it encrypts with, without the tag */
	emr_secret material;	  /* key[32] || base_nonce[12] || com[32] */
	pthread_mutex_t lock;
	context *idle; /* protected by lock: contexts with the key set, in nobody's hands */
};

static const uint8_t *com_of(const emr_chunk_cipher *cipher)
{
	return cipher->material.data + KEY_BYTES + NONCE_BYTES;
}

/* info = "c2sp.org/chunked-encryption@v1+" || algorithm || 0 || salt || context. */
static emr_status derive(const emr_secret *k_c, const char *algorithm, const uint8_t salt[24],
	emr_bytes extra, emr_secret *out)
{
	EMR_AUTO_BUF info = {0};
	EMR_AUTO_SECRET made = {0};
	emr_writer w = emr_writer_of(&info);

	emr_write_bytes(&w, "c2sp.org/chunked-encryption@v1+", 31);
	emr_write_bytes(&w, algorithm, strlen(algorithm) + 1);
	emr_write_bytes(&w, salt, EMR_CHUNK_SALT_BYTES);
	emr_write_bytes(&w, extra.data, extra.len);
	if (w.status != EMR_OK)
		return w.status;
	EMR_TRY(emr_secret_new(KEY_BYTES + NONCE_BYTES + EMR_CHUNK_COM_BYTES, &made));
	EMR_TRY(emr_hkdf_sha512_expand(
		emr_secret_view(k_c), emr_buf_view(&info), made.data, made.len));
	*out = made;
	made = (emr_secret){0};
	return EMR_OK;
}

emr_status emr_chunk_cipher_new_in(const emr_secret *k_c, const uint8_t salt[24], unsigned suite,
	emr_bytes extra, emr_chunk_cipher **out_cipher)
{
	emr_chunk_cipher *cipher;
	const char *name;
	emr_status status;

	if (k_c->len != 32)
		return EMR_INVALID;
	if (suite != EMR_SUITE_AES_256_GCM && suite != EMR_SUITE_CHACHA20_POLY1305)
		return EMR_UNSUPPORTED;
	cipher = calloc(1, sizeof *cipher);
	if (cipher == NULL)
		return EMR_NO_MEMORY;
	name = suite == EMR_SUITE_AES_256_GCM ? "AEAD_AES_256_GCM" : "AEAD_CHACHA20_POLY1305";
	cipher->algorithm =
		suite == EMR_SUITE_AES_256_GCM ? EVP_aes_256_gcm() : EVP_chacha20_poly1305();
	cipher->stream = suite == EMR_SUITE_AES_256_GCM ? EVP_aes_256_ctr() : EVP_chacha20();
	status = derive(k_c, name, salt, extra, &cipher->material);
	if (status != EMR_OK) {
		free(cipher);
		return status;
	}
	pthread_mutex_init(&cipher->lock, NULL);
	*out_cipher = cipher;
	return EMR_OK;
}

emr_status emr_chunk_cipher_set(
	emr_chunk_cipher *cipher, const uint8_t key[32], const uint8_t base_nonce[12])
{
	if (cipher->idle != NULL)
		return EMR_BUSY;
	memcpy(cipher->material.data, key, KEY_BYTES);
	memcpy(cipher->material.data + KEY_BYTES, base_nonce, NONCE_BYTES);
	return EMR_OK;
}

emr_status emr_chunk_cipher_new(const emr_secret *k_c, const uint8_t salt[24], unsigned suite,
	emr_chunk_cipher **out_cipher)
{
	uint8_t objctx[13] = "emrfs/v1/obj";

	objctx[12] = (uint8_t)suite;
	return emr_chunk_cipher_new_in(
		k_c, salt, suite, emr_bytes_of(objctx, sizeof objctx), out_cipher);
}

static void context_free(context *ctx)
{
	EVP_CIPHER_CTX_free(ctx->evp);
	EVP_CIPHER_CTX_free(ctx->stream);
	free(ctx);
}

void emr_chunk_cipher_free(emr_chunk_cipher *cipher)
{
	if (cipher == NULL)
		return;
	while (cipher->idle != NULL) {
		context *ctx = cipher->idle;

		cipher->idle = ctx->next;
		context_free(ctx);
	}
	pthread_mutex_destroy(&cipher->lock);
	emr_secret_free(&cipher->material);
	free(cipher);
}

void emr_chunk_cipher_com(const emr_chunk_cipher *cipher, uint8_t out_com[32])
{
	memcpy(out_com, com_of(cipher), EMR_CHUNK_COM_BYTES);
}

emr_status emr_chunk_cipher_check(const emr_chunk_cipher *cipher, const uint8_t com[32])
{
	return sodium_memcmp(com, com_of(cipher), EMR_CHUNK_COM_BYTES) == 0 ? EMR_OK : EMR_DAMAGED;
}

static emr_status context_new(emr_chunk_cipher *cipher, context **out)
{
	context *ctx = calloc(1, sizeof *ctx);

	if (ctx == NULL)
		return EMR_NO_MEMORY;
	ctx->evp = EVP_CIPHER_CTX_new();
	if (ctx->evp == NULL || EVP_CipherInit_ex(ctx->evp, cipher->algorithm, NULL,
					cipher->material.data, NULL, 1) != 1) {
		context_free(ctx);
		ERR_clear_error();
		return EMR_NO_MEMORY;
	}
	*out = ctx;
	return EMR_OK;
}

/* A context for this thread alone; at most one for each thread that is inside at once is ever made.
 */
static emr_status context_take(emr_chunk_cipher *cipher, context **out)
{
	context *ctx;

	pthread_mutex_lock(&cipher->lock);
	ctx = cipher->idle;
	if (ctx != NULL)
		cipher->idle = ctx->next;
	pthread_mutex_unlock(&cipher->lock);
	if (ctx == NULL)
		return context_new(cipher, out);
	*out = ctx;
	return EMR_OK;
}

static void context_give(emr_chunk_cipher *cipher, context *ctx)
{
	EMR_LOCKED(&cipher->lock);

	ctx->next = cipher->idle;
	cipher->idle = ctx;
}

/* base_nonce XOR the chunk's index as a 96-bit number. */
static void nonce_of(
	const emr_chunk_cipher *cipher, uint64_t chunk_index, uint8_t nonce[NONCE_BYTES])
{
	const uint8_t *base = cipher->material.data + KEY_BYTES; /* the nonce of chunk 0 */
	uint8_t index[8];

	emr_put_u64(index, chunk_index);
	memcpy(nonce, base, NONCE_BYTES);
	for (int i = 0; i < 8; i++)
		nonce[4 + i] ^= index[i];
}

static bool seal_in(
	EVP_CIPHER_CTX *evp, const uint8_t *nonce, const uint8_t *plain, size_t len, uint8_t *out)
{
	int n = 0;

	return EVP_CipherInit_ex(evp, NULL, NULL, NULL, nonce, 1) == 1 &&
	       (len == 0 || EVP_CipherUpdate(evp, out, &n, plain, (int)len) == 1) &&
	       EVP_CipherFinal_ex(evp, out + n, &n) == 1 &&
	       EVP_CIPHER_CTX_ctrl(evp, EVP_CTRL_AEAD_GET_TAG, EMR_CHUNK_TAG_BYTES, out + len) == 1;
}

emr_status emr_chunk_seal(emr_chunk_cipher *cipher, uint64_t chunk_index, const uint8_t *plain,
	size_t len, uint8_t *out)
{
	uint8_t nonce[NONCE_BYTES];
	context *ctx;
	bool good;

	if (len > EMR_CHUNK_BYTES)
		return EMR_INVALID;
	EMR_TRY(context_take(cipher, &ctx));
	nonce_of(cipher, chunk_index, nonce);
	good = seal_in(ctx->evp, nonce, plain, len, out);
	context_give(cipher, ctx);
	/* With these arguments only memory can have failed. */
	return good ? EMR_OK : EMR_NO_MEMORY;
}

/* Decrypts into PLAIN, private to the caller, and says whether the tag verified. */
static bool open_in(EVP_CIPHER_CTX *evp, const uint8_t *nonce, const uint8_t *sealed, size_t len,
	uint8_t *plain)
{
	uint8_t tag[EMR_CHUNK_TAG_BYTES];
	int n = 0;

	memcpy(tag, sealed + len, sizeof tag);
	return EVP_CipherInit_ex(evp, NULL, NULL, NULL, nonce, 0) == 1 &&
	       EVP_CIPHER_CTX_ctrl(evp, EVP_CTRL_AEAD_SET_TAG, EMR_CHUNK_TAG_BYTES, tag) == 1 &&
	       (len == 0 || EVP_CipherUpdate(evp, plain, &n, sealed, (int)len) == 1) &&
	       EVP_CipherFinal_ex(evp, plain + n, &n) == 1;
}

emr_status emr_chunk_open(emr_chunk_cipher *cipher, uint64_t chunk_index, const uint8_t *sealed,
	size_t sealed_len, uint8_t *out)
{
	/* OUT may be memory that others can see: it gets nothing before the tag verified. */
	uint8_t plain[EMR_CHUNK_BYTES];
	uint8_t nonce[NONCE_BYTES];
	context *ctx;
	size_t len;
	bool good;

	if (sealed_len < EMR_CHUNK_TAG_BYTES || sealed_len > EMR_CHUNK_SEALED_BYTES)
		return EMR_DAMAGED;
	len = sealed_len - EMR_CHUNK_TAG_BYTES;
	EMR_TRY(context_take(cipher, &ctx));
	nonce_of(cipher, chunk_index, nonce);
	good = open_in(ctx->evp, nonce, sealed, len, plain);
	context_give(cipher, ctx);
	if (good && len > 0)
		memcpy(out, plain, len);
	else if (!good)
		ERR_clear_error();
	sodium_memzero(plain, len);
	return good ? EMR_OK : EMR_DAMAGED;
}

static bool set_stream(emr_chunk_cipher *cipher, context *ctx)
{
	if (ctx->stream != NULL)
		return true;
	ctx->stream = EVP_CIPHER_CTX_new();
	if (ctx->stream != NULL && EVP_CipherInit_ex(ctx->stream, cipher->stream, NULL,
					   cipher->material.data, NULL, 0) == 1)
		return true;
	EVP_CIPHER_CTX_free(ctx->stream);
	ctx->stream = NULL;
	ERR_clear_error();
	return false;
}

/* Where the key stream of a chunk's byte FROM begins.  The block before the first is the tag's, in
 * both: GCM counts 16 bytes from 1 behind the nonce (big-endian), ChaCha20 64 bytes from 0 in front
 * of it (little-endian). */
static void stream_start(
	const emr_chunk_cipher *cipher, uint64_t chunk_index, size_t from, uint8_t start[16])
{
	if (cipher->stream == EVP_aes_256_ctr()) {
		nonce_of(cipher, chunk_index, start);
		emr_put_u32(start + NONCE_BYTES, (uint32_t)(2 + from / 16));
		return;
	}
	nonce_of(cipher, chunk_index, start + 4);
	for (unsigned i = 0; i < 4; i++)
		start[i] = (uint8_t)((1 + from / 64) >> 8 * i);
}

emr_status emr_chunk_open_known(
	emr_chunk_cipher *cipher, uint64_t chunk_index, size_t from, emr_bytes sealed, uint8_t *out)
{
	uint8_t start[16];
	context *ctx;
	bool good;
	int n = 0;

	if (from % 64 != 0 || from > EMR_CHUNK_BYTES || sealed.len > EMR_CHUNK_BYTES - from)
		return EMR_INVALID;
	EMR_TRY(context_take(cipher, &ctx));
	stream_start(cipher, chunk_index, from, start);
	good = set_stream(cipher, ctx) &&
	       EVP_CipherInit_ex(ctx->stream, NULL, NULL, NULL, start, 0) == 1 &&
	       EVP_CipherUpdate(ctx->stream, out, &n, sealed.data, (int)sealed.len) == 1;
	context_give(cipher, ctx);
	/* With these arguments only memory can have failed. */
	return good ? EMR_OK : EMR_NO_MEMORY;
}
