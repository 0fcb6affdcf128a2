/* Big-endian reading and writing with limits.  Refuses to read past its end: a reader that ran out
 * stays bad. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/bytes.h"

static inline uint16_t emr_get_u16(const uint8_t *p)
{
	return (uint16_t)((uint16_t)p[0] << 8 | p[1]);
}
static inline uint32_t emr_get_u32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}
static inline uint64_t emr_get_u64(const uint8_t *p)
{
	return (uint64_t)emr_get_u32(p) << 32 | emr_get_u32(p + 4);
}
static inline void emr_put_u16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}
static inline void emr_put_u32(uint8_t *p, uint32_t v)
{
	emr_put_u16(p, (uint16_t)(v >> 16));
	emr_put_u16(p + 2, (uint16_t)v);
}
static inline void emr_put_u64(uint8_t *p, uint64_t v)
{
	emr_put_u32(p, (uint32_t)(v >> 32));
	emr_put_u32(p + 4, (uint32_t)v);
}

typedef struct emr_reader {
	const uint8_t *at;
	size_t left;
	bool bad; /* ran out, or a check failed; every later read gives zeros */
} emr_reader;

static inline emr_reader emr_reader_of(emr_bytes bytes)
{
	return (emr_reader){.at = bytes.data, .left = bytes.len};
}
uint8_t emr_read_u8(emr_reader *r);
uint16_t emr_read_u16(emr_reader *r);
uint32_t emr_read_u32(emr_reader *r);
uint64_t emr_read_u64(emr_reader *r);
/* LEN bytes inside the input; {NULL, 0} when bad. */
emr_bytes emr_read_bytes(emr_reader *r, size_t len);
void emr_read_copy(emr_reader *r, void *out, size_t len); /* zeros when bad */
/* Marks the reader bad unless the next LEN bytes are all zero. */
void emr_read_zeros(emr_reader *r, size_t len);
/* Marks the reader bad unless the next bytes are MAGIC (a string without its NUL). */
void emr_read_magic(emr_reader *r, const char *magic);
/* True when everything was read and nothing was bad. */
bool emr_reader_done(const emr_reader *r);

/* Writes at the end of a buffer; the first failure is kept and later writes do nothing. */
typedef struct emr_writer {
	emr_buf *buf;
	emr_status status;
} emr_writer;

static inline emr_writer emr_writer_of(emr_buf *buf)
{
	return (emr_writer){.buf = buf, .status = EMR_OK};
}
void emr_write_u8(emr_writer *w, uint8_t v);
void emr_write_u16(emr_writer *w, uint16_t v);
void emr_write_u32(emr_writer *w, uint32_t v);
void emr_write_u64(emr_writer *w, uint64_t v);
void emr_write_bytes(emr_writer *w, const void *data, size_t len);
void emr_write_zeros(emr_writer *w, size_t len);
