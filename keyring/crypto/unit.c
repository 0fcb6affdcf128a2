/* This file computes the tags by which one computer knows pieces of an encrypted leaf again that
 * it has once found to be right. Nobody without its key makes such a tag. */
#include "crypto/unit.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/codec.h"
#include "base/worker.h"
#include "crypto/kdf.h"

#define NONCE_BYTES 12

typedef struct context {
	EVP_CIPHER_CTX *evp;
	struct context *next;
} context;

struct emr_unit_key {
	emr_secret key;
	pthread_mutex_t lock;
	context *idle; /* protected by lock: in nobody's hands */
};

emr_status emr_unit_key_new(const emr_secret *key, emr_unit_key **out_key)
{
	emr_unit_key *made;
	emr_status status;

	if (key->len != 32)
		return EMR_INVALID;
	made = calloc(1, sizeof *made);
	if (made == NULL)
		return EMR_NO_MEMORY;
	status = emr_secret_new(key->len, &made->key);
	if (status != EMR_OK) {
		free(made);
		return status;
	}
	memcpy(made->key.data, key->data, key->len);
	pthread_mutex_init(&made->lock, NULL);
	*out_key = made;
	return EMR_OK;
}

static void context_free(context *ctx)
{
	EVP_CIPHER_CTX_free(ctx->evp);
	free(ctx);
}

void emr_unit_key_free(emr_unit_key *key)
{
	if (key == NULL)
		return;
	while (key->idle != NULL) {
		context *ctx = key->idle;

		key->idle = ctx->next;
		context_free(ctx);
	}
	pthread_mutex_destroy(&key->lock);
	emr_secret_free(&key->key);
	free(key);
}

/* For this thread alone; at most one for each that is inside at once is ever made. */
static context *context_take(emr_unit_key *key)
{
	context *ctx;

	pthread_mutex_lock(&key->lock);
	ctx = key->idle;
	if (ctx != NULL)
		key->idle = ctx->next;
	pthread_mutex_unlock(&key->lock);
	if (ctx != NULL)
		return ctx;
	ctx = calloc(1, sizeof *ctx);
	if (ctx == NULL)
		return NULL;
	ctx->evp = EVP_CIPHER_CTX_new();
	if (ctx->evp == NULL ||
		EVP_CipherInit_ex(ctx->evp, EVP_aes_256_gcm(), NULL, NULL, NULL, 1) != 1) {
		context_free(ctx);
		ERR_clear_error();
		return NULL;
	}
	return ctx;
}

static void context_give(emr_unit_key *key, context *ctx)
{
	EMR_LOCKED(&key->lock);

	ctx->next = key->idle;
	key->idle = ctx;
}

bool emr_units_fit(emr_units units)
{
	return units.count > 0 && units.first < EMR_UNITS_PER_LEAF &&
	       units.count <= EMR_UNITS_PER_LEAF - units.first;
}

static size_t unit_at(unsigned unit)
{
	return (size_t)unit * EMR_UNIT_BYTES +
	       (size_t)(unit / EMR_UNITS_PER_CHUNK) * EMR_CHUNK_TAG_BYTES;
}

size_t emr_units_at(emr_units units)
{
	return unit_at(units.first);
}

size_t emr_units_len(emr_units units)
{
	return unit_at(units.first + units.count) - unit_at(units.first);
}

static bool tag_of(EVP_CIPHER_CTX *evp, unsigned unit, emr_bytes bytes, uint8_t *out)
{
	uint8_t nonce[NONCE_BYTES] = {0};
	int n = 0;

	emr_put_u64(nonce + NONCE_BYTES - 8, unit);
	return EVP_CipherInit_ex(evp, NULL, NULL, NULL, nonce, 1) == 1 &&
	       EVP_CipherUpdate(evp, NULL, &n, bytes.data, (int)bytes.len) == 1 &&
	       EVP_CipherFinal_ex(evp, out, &n) == 1 &&
	       EVP_CIPHER_CTX_ctrl(evp, EVP_CTRL_AEAD_GET_TAG, EMR_UNIT_TAG_BYTES, out) == 1;
}

emr_status emr_unit_tags(emr_unit_key *key, const uint8_t digest[32], emr_units units,
	const uint8_t *bytes, uint8_t *out)
{
	context *ctx = context_take(key);
	uint8_t leaf_key[32];
	bool good;

	if (ctx == NULL)
		return EMR_NO_MEMORY;
	emr_hmac_sha256(emr_secret_view(&key->key), emr_bytes_of(digest, 32), leaf_key);
	good = EVP_CipherInit_ex(ctx->evp, NULL, NULL, leaf_key, NULL, 1) == 1;
	for (unsigned i = 0; i < units.count && good; i++) {
		const emr_units one = {units.first + i, 1};

		good = tag_of(ctx->evp, one.first,
			emr_bytes_of(bytes + emr_units_at(one) - emr_units_at(units),
				emr_units_len(one)),
			out + (size_t)i * EMR_UNIT_TAG_BYTES);
	}
	emr_wipe(leaf_key, sizeof leaf_key);
	context_give(key, ctx);
	/* With these arguments only memory can have failed. */
	return good ? EMR_OK : EMR_NO_MEMORY;
}

emr_status emr_unit_tags_check(emr_unit_key *key, const uint8_t digest[32], emr_units units,
	const uint8_t *bytes, const uint8_t *tags)
{
	uint8_t made[EMR_UNITS_PER_LEAF * EMR_UNIT_TAG_BYTES];

	EMR_TRY(emr_unit_tags(key, digest, units, bytes, made));
	return CRYPTO_memcmp(made, tags, (size_t)units.count * EMR_UNIT_TAG_BYTES) == 0
		       ? EMR_OK
		       : EMR_DAMAGED;
}
