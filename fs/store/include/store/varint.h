/* This reads and writes unsigned LEB128 as multiformats has it: at most 9 bytes, in the shortest
 * form. It refuses padded spellings. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define EMR_VARINT_MAX 9

/* Bytes written, 1..9; VALUE < 2^63. */
size_t emr_varint_put(uint8_t out[EMR_VARINT_MAX], uint64_t value);
size_t emr_varint_len(uint64_t value);
/* Bytes read, or 0 when DATA does not begin with a shortest-form varint. */
size_t emr_varint_get(const uint8_t *data, size_t len, uint64_t *out_value);
