/* Proofs are made from ranges [start, start + n) as RFC 6962 defines them, and checked bottom-up as
 * RFC 9162 section 2.1.3.2 describes. */
#include "crypto/merkle.h"

#include <string.h>

typedef struct source {
	emr_merkle_node_fn node;
	void *user;
} source;

typedef struct path_out {
	emr_merkle_hash *hashes;
	size_t len;
} path_out;

/* The largest power of two smaller than N, for N >= 2. */
static uint64_t split(uint64_t n)
{
	return (uint64_t)1 << (63 - __builtin_clzll(n - 1));
}

/* Root of the range; depth at most 63.  A complete, aligned range is asked for whole first. */
static bool range_root(const source *from, uint64_t start, uint64_t n, uint8_t out[32])
{
	uint8_t left[32];
	uint8_t right[32];
	uint64_t k;

	if ((n & (n - 1)) == 0) {
		unsigned level = (unsigned)__builtin_ctzll(n);

		if (from->node(from->user, level, start >> level, out))
			return true;
		if (level == 0)
			return false;
	}
	k = split(n);
	if (!range_root(from, start, k, left) || !range_root(from, start + k, n - k, right))
		return false;
	emr_merkle_node(left, right, out);
	return true;
}

static bool push_range(const source *from, path_out *path, uint64_t start, uint64_t n)
{
	return path->len < EMR_MERKLE_PATH_MAX &&
	       range_root(from, start, n, path->hashes[path->len++].b);
}

static void reverse(path_out *path)
{
	for (size_t i = 0; i < path->len / 2; i++) {
		emr_merkle_hash swap = path->hashes[i];

		path->hashes[i] = path->hashes[path->len - 1 - i];
		path->hashes[path->len - 1 - i] = swap;
	}
}

bool emr_merkle_inclusion(emr_merkle_node_fn node, void *user, uint64_t index, uint64_t size,
	emr_merkle_hash path[EMR_MERKLE_PATH_MAX], size_t *out_len)
{
	const source from = {node, user};
	path_out out = {path, 0};
	uint64_t start = 0;
	uint64_t n = size;

	if (index >= size || size >> 63 != 0)
		return false;
	/* From the root down, noting the sibling range at each step; the wire order is leaf first.
	 */
	while (n > 1) {
		uint64_t k = split(n);
		bool right = index - start >= k;

		if (!push_range(&from, &out, right ? start : start + k, right ? k : n - k))
			return false;
		start = right ? start + k : start;
		n = right ? n - k : k;
	}
	reverse(&out);
	*out_len = out.len;
	return true;
}

typedef struct leaf_array {
	const emr_merkle_hash *leaves;
	size_t n;
} leaf_array;

static bool array_node(void *user, unsigned level, uint64_t index, uint8_t out[32])
{
	const leaf_array *array = user;

	if (level != 0 || index >= array->n)
		return false;
	memcpy(out, array->leaves[index].b, 32);
	return true;
}

bool emr_merkle_inclusion_of(const emr_merkle_hash *leaves, size_t n, size_t index,
	emr_merkle_hash path[EMR_MERKLE_PATH_MAX], size_t *out_len)
{
	leaf_array array = {leaves, n};

	return emr_merkle_inclusion(array_node, &array, index, n, path, out_len);
}

bool emr_merkle_inclusion_verify(const uint8_t leaf[32], uint64_t index, uint64_t size,
	const emr_merkle_hash *path, size_t path_len, const uint8_t root[32])
{
	uint64_t at = index;
	uint64_t last = size - 1;
	uint8_t hash[32];

	if (index >= size || size >> 63 != 0)
		return false;
	memcpy(hash, leaf, 32);
	for (size_t i = 0; i < path_len; i++) {
		if (last == 0)
			return false;
		if ((at & 1) != 0 || at == last) {
			emr_merkle_node(path[i].b, hash, hash);
			/* A lone right edge has no sibling on these levels. */
			while ((at & 1) == 0 && at != 0) {
				at >>= 1;
				last >>= 1;
			}
		} else {
			emr_merkle_node(hash, path[i].b, hash);
		}
		at >>= 1;
		last >>= 1;
	}
	return last == 0 && memcmp(hash, root, 32) == 0;
}
