/* This file computes SHA-256 over several pieces of memory. */
#include "ledger/hash.h"

#include "crypto/hashsig.h"

emr_id32 emr_sha256_of(const emr_bytes *pieces, size_t n)
{
	emr_sha256_ctx ctx;
	emr_id32 digest;

	emr_sha256_init(&ctx);
	for (size_t i = 0; i < n; i++)
		if (pieces[i].len)
			emr_sha256_update(&ctx, pieces[i].data, pieces[i].len);
	emr_sha256_final(&ctx, digest.b);
	return digest;
}
