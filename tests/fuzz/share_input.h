/* How the fuzz targets of sharing split their input: the first byte chooses what is read, the rest
 * is the bytes from outside; and an item that a part belongs to. */
#pragma once

#include <stdlib.h>
#include <string.h>

#include "base/codec.h"
#include "base/secret.h"
#include "crypto/hashsig.h"
#include "keyring/held.h"

typedef struct share_input {
	unsigned which;
	emr_bytes bytes;
	emr_box_key *box; /* for which nothing was sealed; share_input_read makes it */
} share_input;

static inline share_input share_input_of(const uint8_t *data, size_t size)
{
	if (emr_base_init() != EMR_OK)
		abort();
	if (size == 0)
		return (share_input){.bytes = {data, 0}};
	return (share_input){.which = data[0], .bytes = emr_bytes_of(data + 1, size - 1)};
}

/* An item of OP whose length and hash are those of PART; PUB follows. */
static inline void share_input_item(uint8_t op, emr_bytes pub, emr_bytes part, emr_buf *out)
{
	static const char label[] = "emrfs/v1/priv";
	uint8_t head[160] = "EMTX\1";
	emr_sha256_ctx hash;

	head[5] = op;
	emr_put_u32(head + 120, 1);
	emr_put_u32(head + 124, (uint32_t)part.len);
	emr_sha256_init(&hash);
	emr_sha256_update(&hash, label, sizeof label - 1);
	emr_sha256_update(&hash, part.data, part.len);
	emr_sha256_final(&hash, head + 128);
	if (emr_buf_append(out, head, sizeof head) != EMR_OK ||
		emr_buf_append(out, pub.data, pub.len) != EMR_OK)
		abort();
}

static inline void share_input_same(const emr_buf *again, emr_bytes bytes)
{
	if (!emr_bytes_equal(emr_buf_view(again), bytes))
		abort();
}

typedef void share_reader(const share_input *in);

/* One of N readers, whose place is `which` then. */
static inline int share_input_read(
	const uint8_t *data, size_t size, share_reader *const *readers, size_t n)
{
	share_input in = share_input_of(data, size);

	if (emr_box_key_new(&in.box) != EMR_OK)
		abort();
	in.which %= (unsigned)n;
	readers[in.which](&in);
	emr_box_key_free(in.box);
	return 0;
}
