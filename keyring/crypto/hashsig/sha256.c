/* The one-shot SHA256_* calls of OpenSSL are marked deprecated since 3.0, but their state is a
 * plain struct: no allocation, no provider look-up (DESIGN.md has the numbers).  The suppression is
 * for this file alone. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "crypto/hashsig.h"

#include <openssl/sha.h>

_Static_assert(sizeof(SHA256_CTX) <= sizeof(emr_sha256_ctx), "OpenSSL's state must fit into ours");
_Static_assert(_Alignof(SHA256_CTX) <= _Alignof(emr_sha256_ctx), "and be aligned there");

static SHA256_CTX *inner(emr_sha256_ctx *ctx)
{
	return (SHA256_CTX *)(void *)ctx->state;
}

void emr_sha256_init(emr_sha256_ctx *ctx)
{
	SHA256_Init(inner(ctx));
}

void emr_sha256_update(emr_sha256_ctx *ctx, const void *data, size_t len)
{
	if (len > 0)
		SHA256_Update(inner(ctx), data, len);
}

void emr_sha256_final(emr_sha256_ctx *ctx, uint8_t out[32])
{
	SHA256_Final(out, inner(ctx));
}

void emr_sha256(const void *data, size_t len, uint8_t out[32])
{
	emr_sha256_ctx ctx;

	emr_sha256_init(&ctx);
	emr_sha256_update(&ctx, data, len);
	emr_sha256_final(&ctx, out);
}
