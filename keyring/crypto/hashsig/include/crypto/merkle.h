/* RFC 6962 section 2.1 trees over SHA-256: roots, frontiers and inclusion proofs; libc types
 * only. It refuses proofs that are longer or shorter than the shape of the tree demands.  No
 * allocation, thread-safe. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/hashsig.h"

/* No proof is longer: trees have fewer than 2^63 leaves. */
#define EMR_MERKLE_PATH_MAX 64

typedef struct emr_merkle_hash {
	uint8_t b[32];
} emr_merkle_hash;

void emr_merkle_leaf(const void *data, size_t len, uint8_t out[32]); /* SHA-256(0x00 || data) */
/* A leaf in pieces: init, emr_sha256_update as often as wanted, emr_sha256_final. */
void emr_merkle_leaf_init(emr_sha256_ctx *ctx);
void emr_merkle_node(const uint8_t left[32], const uint8_t right[32], uint8_t out[32]);
/* Root of N leaf hashes. */
void emr_merkle_root(const emr_merkle_hash *leaves, size_t n, uint8_t out[32]);

/* ---- Frontier: a growing tree in at most 64 hashes ---- */

/* level[i] holds the complete subtree of 2^i leaves where bit i of size is 1; the others are
 * undefined. Zero-initialised is the empty tree. */
typedef struct emr_merkle_frontier {
	uint64_t size;
	emr_merkle_hash level[64];
} emr_merkle_frontier;

void emr_merkle_append(emr_merkle_frontier *frontier, const uint8_t leaf[32]);
/* Folds in a complete subtree of 2^LEVEL leaves made elsewhere; false (and nothing done) unless
 * size is a multiple of 2^LEVEL and LEVEL < 63. */
bool emr_merkle_append_subtree(
	emr_merkle_frontier *frontier, unsigned level, const uint8_t hash[32]);
void emr_merkle_frontier_root(const emr_merkle_frontier *frontier, uint8_t out[32]);
/* The hashes in use, largest subtree first; returns how many (the number of 1 bits in size). */
size_t emr_merkle_frontier_pack(const emr_merkle_frontier *frontier, emr_merkle_hash out[64]);
/* The reverse; false unless N is the number of 1 bits in SIZE and SIZE < 2^63. */
bool emr_merkle_frontier_unpack(
	uint64_t size, const emr_merkle_hash *hashes, size_t n, emr_merkle_frontier *out);

/* ---- Proofs ---- */

/* Gives the hash of the complete subtree of 2^LEVEL leaves that starts at leaf INDEX << LEVEL.
 * False = not known: at level 0 the proof then fails, above it is computed from the two halves.  A
 * source that knows only leaf hashes answers false for every level but 0. */
typedef bool (*emr_merkle_node_fn)(void *user, unsigned level, uint64_t index, uint8_t out[32]);

/* Path of leaf INDEX in the tree of SIZE leaves (RFC 6962 section 2.1.1).  False when INDEX >=
 * SIZE, SIZE >= 2^63, or the source lacks a leaf. */
bool emr_merkle_inclusion(emr_merkle_node_fn node, void *user, uint64_t index, uint64_t size,
	emr_merkle_hash path[EMR_MERKLE_PATH_MAX], size_t *out_len);
bool emr_merkle_inclusion_of(const emr_merkle_hash *leaves, size_t n, size_t index,
	emr_merkle_hash path[EMR_MERKLE_PATH_MAX], size_t *out_len);
bool emr_merkle_inclusion_verify(const uint8_t leaf[32], uint64_t index, uint64_t size,
	const emr_merkle_hash *path, size_t path_len, const uint8_t root[32]);
