/* Random identifiers and digests by value.  They are public: never put a key in one. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/status.h"

typedef struct emr_id16 {
	uint8_t b[16];
} emr_id16;

typedef struct emr_id32 {
	uint8_t b[32];
} emr_id32;

/* The one that begins at BYTES. */
#define EMR_ID16_AT(bytes) (*(const emr_id16 *)(const void *)(bytes))
#define EMR_ID32_AT(bytes) (*(const emr_id32 *)(const void *)(bytes))
static inline bool emr_id16_equal(emr_id16 x, emr_id16 y)
{
	return memcmp(x.b, y.b, sizeof x.b) == 0;
}
static inline bool emr_id32_equal(emr_id32 x, emr_id32 y)
{
	return memcmp(x.b, y.b, sizeof x.b) == 0;
}
static inline bool emr_id16_is_zero(emr_id16 x)
{
	return emr_id16_equal(x, (emr_id16){{0}});
}
static inline bool emr_id32_is_zero(emr_id32 x)
{
	return emr_id32_equal(x, (emr_id32){{0}});
}

/* Fresh from the operating system's generator (libsodium's randombytes, which cannot fail after
 * emr_base_init). */
emr_id16 emr_id16_random(void);
emr_id32 emr_id32_random(void);

/* Lower-case hex with a final NUL: OUT holds 2 * LEN + 1 bytes. */
void emr_hex(const void *data, size_t len, char *out);
/* Strict: exactly 2 * LEN hex digits (either case) and the end; EMR_INVALID otherwise. */
emr_status emr_unhex(const char *text, void *out, size_t len);
/* RFC 4648 base32, lower case, no padding, final NUL: OUT holds (LEN * 8 + 4) / 5 + 1 bytes. */
void emr_base32(const void *data, size_t len, char *out);
