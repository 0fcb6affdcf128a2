/* This file computes Merkle trees as RFC 6962 defines them: the root over a batch or the ledger,
 * also step by step while leaves are added. */
#include "crypto/merkle.h"

#include <string.h>

void emr_merkle_leaf_init(emr_sha256_ctx *ctx)
{
	static const uint8_t prefix = 0x00;

	emr_sha256_init(ctx);
	emr_sha256_update(ctx, &prefix, 1);
}

void emr_merkle_leaf(const void *data, size_t len, uint8_t out[32])
{
	emr_sha256_ctx ctx;

	emr_merkle_leaf_init(&ctx);
	emr_sha256_update(&ctx, data, len);
	emr_sha256_final(&ctx, out);
}

void emr_merkle_node(const uint8_t left[32], const uint8_t right[32], uint8_t out[32])
{
	uint8_t both[65];

	both[0] = 0x01;
	memcpy(both + 1, left, 32);
	memcpy(both + 33, right, 32);
	emr_sha256(both, sizeof both, out);
}

void emr_merkle_root(const emr_merkle_hash *leaves, size_t n, uint8_t out[32])
{
	emr_merkle_frontier frontier;

	frontier.size = 0;
	for (size_t i = 0; i < n; i++)
		emr_merkle_append(&frontier, leaves[i].b);
	emr_merkle_frontier_root(&frontier, out);
}

void emr_merkle_append(emr_merkle_frontier *frontier, const uint8_t leaf[32])
{
	(void)emr_merkle_append_subtree(frontier, 0, leaf);
}

bool emr_merkle_append_subtree(
	emr_merkle_frontier *frontier, unsigned level, const uint8_t hash[32])
{
	emr_merkle_hash carry;

	if (level >= 63 || (frontier->size & (((uint64_t)1 << level) - 1)) != 0 ||
		frontier->size >> 63 != 0)
		return false;
	memcpy(carry.b, hash, 32);
	/* Two complete subtrees of one height become one of the next, as a carry runs through a
	 * sum. */
	for (unsigned i = level; i < 64; i++) {
		if ((frontier->size >> i & 1) == 0) {
			frontier->level[i] = carry;
			break;
		}
		emr_merkle_node(frontier->level[i].b, carry.b, carry.b);
	}
	frontier->size += (uint64_t)1 << level;
	return true;
}

void emr_merkle_frontier_root(const emr_merkle_frontier *frontier, uint8_t out[32])
{
	bool started = false;

	/* Smallest subtree first: each larger one is the left neighbour of all before it. */
	for (unsigned i = 0; i < 64; i++) {
		if ((frontier->size >> i & 1) == 0)
			continue;
		if (started)
			emr_merkle_node(frontier->level[i].b, out, out);
		else
			memcpy(out, frontier->level[i].b, 32);
		started = true;
	}
	if (!started)
		emr_sha256("", 0, out); /* the root of no leaves */
}

size_t emr_merkle_frontier_pack(const emr_merkle_frontier *frontier, emr_merkle_hash out[64])
{
	size_t n = 0;

	for (unsigned i = 64; i-- > 0;) {
		if ((frontier->size >> i & 1) != 0)
			out[n++] = frontier->level[i];
	}
	return n;
}

bool emr_merkle_frontier_unpack(
	uint64_t size, const emr_merkle_hash *hashes, size_t n, emr_merkle_frontier *out)
{
	size_t at = 0;

	if (size >> 63 != 0 || n != (size_t)__builtin_popcountll(size))
		return false;
	*out = (emr_merkle_frontier){.size = size};
	for (unsigned i = 64; i-- > 0;) {
		if ((size >> i & 1) != 0)
			out->level[i] = hashes[at++];
	}
	return true;
}
