/* The share of the second model's share.json: its people as keyrings, its items with their parts,
 * and a builder of items for shares that a test makes itself. */
#pragma once

#include "keyring_kit.h"

#include "crypto/hashsig.h"
#include "base/codec.h"
#include "keyring/access.h"
#include "keyring/content.h"
#include "keyring/letters.h"

typedef struct share_part {
	emr_buf item;
	emr_buf part;
	emr_id32 id;
	const json_t *letters;
} share_part;

static inline share_part share_part_of(const json_t *root, const char *name)
{
	const json_t *one;
	share_part made = {0};
	size_t i;

	json_array_foreach(vectors_get(root, "parts"), i, one)
	{
		if (strcmp(vectors_text(one, "name"), name) != 0)
			continue;
		vectors_hex(one, "item", &made.item);
		vectors_hex(one, "part", &made.part);
		vectors_fixed(one, "id", made.id.b, 32);
		made.letters = vectors_get(one, "letters");
		return made;
	}
	vectors_die(name);
	return made;
}

static inline void share_part_free(share_part *part)
{
	emr_buf_free(&part->item);
	emr_buf_free(&part->part);
}
#define AUTO_PART __attribute__((cleanup(share_part_free))) share_part

/* The letter LABEL of PART in the clear. */
static inline emr_bytes share_plain(const share_part *part, const char *label, emr_buf *buf)
{
	const json_t *one;
	size_t i;

	json_array_foreach(part->letters, i, one)
	{
		if (strcmp(vectors_text(one, "label"), label) == 0)
			return vectors_hex(one, "plain", buf);
	}
	vectors_die(label);
	return (emr_bytes){0};
}

static inline const json_t *share_person(const json_t *root, const char *name)
{
	const json_t *one;
	size_t i;

	json_array_foreach(vectors_get(root, "people"), i, one)
	{
		if (strcmp(vectors_text(one, "name"), name) == 0)
			return one;
	}
	vectors_die(name);
	return NULL;
}

/* The keyring of one of its people, device f0..ff. */
static inline emr_keyring *share_keyring(const json_t *root, const char *name)
{
	uint8_t seed[32];
	emr_id16 device;

	vectors_fixed(share_person(root, name), "seed", seed, 32);
	vectors_fixed(root, "device_id", device.b, 16);
	return kit_keyring_of(seed, device, 1700000000);
}

/* ---- Items of a test's own ---- */

typedef struct share_item {
	uint8_t op;
	emr_id16 domain_id, object_id;
	emr_id32 signer_id;
	uint32_t epoch;
	emr_bytes pub;
} share_item;

/* The encoded item, and its id once the part is set. */
static inline void share_item_encode(const share_item *facts, emr_bytes part, emr_buf *out)
{
	static const char label[] = "emrfs/v1/priv";
	uint8_t head[160] = "EMTX\1";
	emr_sha256_ctx hash;

	head[5] = facts->op;
	memcpy(head + 8, facts->domain_id.b, 16);
	memcpy(head + 24, facts->object_id.b, 16);
	emr_put_u64(head + 40, 1);
	memcpy(head + 80, facts->signer_id.b, 32);
	emr_put_u64(head + 112, 1700000000);
	emr_put_u32(head + 120, facts->epoch);
	if (part.len > 0) {
		emr_put_u32(head + 124, (uint32_t)part.len);
		emr_sha256_init(&hash);
		emr_sha256_update(&hash, label, sizeof label - 1);
		emr_sha256_update(&hash, part.data, part.len);
		emr_sha256_final(&hash, head + 128);
	}
	emr_buf_clear(out);
	assert_ok(emr_buf_append(out, head, sizeof head));
	assert_ok(emr_buf_append(out, facts->pub.data, facts->pub.len));
}

static inline emr_id32 share_item_id(const emr_buf *item)
{
	emr_id32 id;

	emr_sha256(item->data, item->len, id.b);
	return id;
}
