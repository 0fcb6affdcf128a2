/* Tags of the units of a sealed leaf, under a key that never leaves one computer: what it found
 * when the whole leaf fitted its hash is known again later, unit by unit, without the rest of the
 * leaf. A chunk's own tag does not serve: a person with the content's key can make it fit other
 * bytes.
 *
 * A unit is a quarter of a chunk, the last one with the chunk's tag.  Each leaf has a key of its
 * own, HMAC-SHA-256(key, SHA-256 of the leaf), and a unit's tag is AES-256-GCM's of the unit as
 * additional data, with the unit's number as nonce (96 bits): the hash says what the unit is, so no
 * nonce ever serves two messages.  It refuses leaves that are not whole.  Thread-safe. */
#pragma once

#include "crypto/chunk.h"

#define EMR_UNIT_BYTES 4096 /* of plaintext */
#define EMR_UNIT_TAG_BYTES 16
#define EMR_UNITS_PER_CHUNK (EMR_CHUNK_BYTES / EMR_UNIT_BYTES)
#define EMR_UNIT_LEAF_BYTES 262400 /* the only length of a leaf that has tags: 16 chunks */
#define EMR_UNITS_PER_LEAF 64

typedef struct emr_unit_key emr_unit_key;

/* Units FIRST..FIRST+COUNT of a leaf, COUNT not 0. */
typedef struct emr_units {
	unsigned first, count;
} emr_units;

/* KEY is 32 bytes. */
emr_status emr_unit_key_new(const emr_secret *key, emr_unit_key **out_key);
void emr_unit_key_free(emr_unit_key *key); /* NULL is fine; no call may be running */

bool emr_units_fit(emr_units units); /* there are such units */
/* Where they stand in the leaf. */
size_t emr_units_at(emr_units units);
size_t emr_units_len(emr_units units);

/* BYTES are UNITS of the leaf whose SHA-256 is DIGEST; OUT gets a tag for each.  EMR_NO_MEMORY. */
emr_status emr_unit_tags(emr_unit_key *key, const uint8_t digest[32], emr_units units,
	const uint8_t *bytes, uint8_t *out);
/* EMR_DAMAGED: not all of TAGS fit. */
emr_status emr_unit_tags_check(emr_unit_key *key, const uint8_t digest[32], emr_units units,
	const uint8_t *bytes, const uint8_t *tags);
