/* This file decodes lossless JPEG (ITU T.81, process 14: frames of SOF3), of which Debian has no
 * library for other programs, as far as dcmtk and gdcm write it: one scan with all components, each
 * as large as the image. It keeps two lines and gives each sample away at once. It refuses all
 * else, and data that end early. */
#include <stdlib.h>
#include <string.h>

#include "base/codec.h"

#include "decode.h"

#define COMPONENTS_MAX 4

typedef struct code_table {
	uint16_t first[17], count[17], at[17]; /* of the codes of each length */
	uint8_t values[256];
} code_table;

typedef struct lossless {
	const uint8_t *p;
	size_t len, at;
	uint32_t bits; /* read and not used: the last HAVE of them */
	unsigned have;
	code_table tables[4];
	uint32_t precision, rows, columns, components, restart;
	uint8_t ids[COMPONENTS_MAX], table[COMPONENTS_MAX];
	unsigned predictor, shift;
	uint16_t *above, *line; /* a line of all components */
	decoded *to;
} lossless;

/* ---- bits and codes ---- */

static bool take_bits(lossless *l, unsigned n, uint32_t *out)
{
	while (l->have < n) {
		if (l->at >= l->len ||
			(l->p[l->at] == 0xff && (l->at + 1 >= l->len || l->p[l->at + 1] != 0)))
			return false; /* a marker: there are no more */
		l->bits = l->bits << 8 | l->p[l->at];
		l->at += l->p[l->at] == 0xff ? 2 : 1;
		l->have += 8;
	}
	l->have -= n;
	*out = l->bits >> l->have & ((1u << n) - 1);
	return true;
}

/* How much a sample differs from what was foreseen. */
static bool take_difference(lossless *l, const code_table *t, uint32_t *out)
{
	uint32_t code = 0, bit = 0, v = 0;
	unsigned n = 1, size;

	for (;; n++) {
		if (n > 16 || !take_bits(l, 1, &bit))
			return false;
		code = code << 1 | bit;
		if (code - t->first[n] < t->count[n])
			break;
	}
	size = t->values[t->at[n] + code - t->first[n]];
	if (size > 16 || (size < 16 && !take_bits(l, size, &v)))
		return false;
	if (size == 16)
		v = 32768;
	else if (size > 0 && v < 1u << (size - 1))
		v -= (1u << size) - 1;
	*out = v;
	return true;
}

static bool take_tables(lossless *l, const uint8_t *p, size_t len)
{
	while (len >= 17 && p[0] <= 3) {
		code_table *t = &l->tables[p[0]];
		uint32_t code = 0, n = 0;

		for (unsigned i = 1; i <= 16; i++) {
			t->first[i] = (uint16_t)code;
			t->count[i] = p[i];
			t->at[i] = (uint16_t)n;
			code += p[i];
			n += p[i];
			if (code > 1u << i || n > sizeof t->values)
				return false;
			code <<= 1;
		}
		if (17 + n > len)
			return false;
		memcpy(t->values, p + 17, n);
		p += 17 + n;
		len -= 17 + n;
	}
	return len == 0;
}

/* ---- samples ---- */

/* By what stands before sample I: in the first line that is the left one, in the first column the
 * one above. */
static uint32_t foreseen(const lossless *l, uint32_t i, bool is_first_line)
{
	const uint32_t n = l->components, above = l->above[i];
	const uint32_t left = i < n ? 0 : l->line[i - n], corner = i < n ? 0 : l->above[i - n];
	const uint32_t by[] = {0, left, above, corner, left + above - corner,
		left + (uint32_t)((int32_t)(above - corner) >> 1),
		above + (uint32_t)((int32_t)(left - corner) >> 1), (left + above) / 2};

	if (is_first_line)
		return i < n ? 1u << (l->precision - l->shift - 1) : left;
	return i < n ? above : by[l->predictor];
}

static bool take_line(lossless *l, bool is_first)
{
	uint16_t *done = l->above;

	for (uint32_t i = 0; i < l->columns * l->components; i++) {
		uint32_t v;

		if (!take_difference(l, &l->tables[l->table[i % l->components]], &v))
			return false;
		l->line[i] = (uint16_t)(foreseen(l, i, is_first) + v);
		decoded_take(l->to, (uint32_t)l->line[i] << l->shift, l->precision);
	}
	l->above = l->line;
	l->line = done;
	return true;
}

/* Whole lines, as many between two marks of restart as the image says. */
static bool take_lines(lossless *l)
{
	const uint32_t between = l->restart / l->columns;

	if (l->restart % l->columns != 0)
		return false;
	for (uint32_t y = 0; y < l->rows; y++) {
		bool is_first = y == 0 || (between != 0 && y % between == 0);

		if (is_first && y != 0) {
			l->have = 0;
			if (l->len - l->at < 2 || l->p[l->at] != 0xff ||
				(l->p[l->at + 1] & 0xf8) != 0xd0)
				return false;
			l->at += 2;
		}
		if (!take_line(l, is_first))
			return false;
	}
	return true;
}

/* ---- headers ---- */

static bool take_frame(lossless *l, const uint8_t *p, size_t len)
{
	if (l->components != 0 || len < 6 || p[5] < 1 || p[5] > COMPONENTS_MAX ||
		len != 6 + 3 * (size_t)p[5])
		return false;
	l->precision = p[0];
	l->rows = emr_get_u16(p + 1);
	l->columns = emr_get_u16(p + 3);
	l->components = p[5];
	for (uint32_t i = 0; i < l->components; i++) {
		l->ids[i] = p[6 + 3 * i];
		if (l->components > 1 && p[7 + 3 * i] != 0x11)
			return false;
	}
	return l->precision >= l->to->stored && l->precision >= 2 && l->precision <= 16 &&
	       l->rows > 0 && l->columns > 0 &&
	       decoded_is_size(l->to, l->rows, l->columns, l->components);
}

static bool take_scan(lossless *l, const uint8_t *p, size_t len)
{
	const size_t end = 1 + 2 * (size_t)l->components;

	if (l->components == 0 || len != end + 3 || p[0] != l->components)
		return false;
	for (uint32_t i = 0; i < l->components; i++) {
		l->table[i] = p[2 + 2 * i] >> 4;
		if (p[1 + 2 * i] != l->ids[i] || l->table[i] > 3)
			return false;
	}
	l->predictor = p[end];
	l->shift = p[end + 2];
	return l->predictor >= 1 && l->predictor <= 7 && l->shift < l->precision;
}

/* To the data of the scan, which are all that follows. */
static bool take_headers(lossless *l)
{
	if (l->len < 2 || l->p[0] != 0xff || l->p[1] != 0xd8)
		return false;
	for (l->at = 2; l->len - l->at >= 4;) {
		const uint8_t *p = l->p + l->at;
		size_t len = emr_get_u16(p + 2);

		if (p[0] != 0xff || len < 2 || len > l->len - l->at - 2)
			return false;
		l->at += 2 + len;
		if (p[1] == 0xda)
			return take_scan(l, p + 4, len - 2);
		if ((p[1] == 0xc3 && !take_frame(l, p + 4, len - 2)) ||
			(p[1] == 0xc4 && !take_tables(l, p + 4, len - 2)) ||
			(p[1] == 0xdd && len != 4))
			return false;
		if (p[1] == 0xdd)
			l->restart = emr_get_u16(p + 4);
	}
	return false;
}

bool lossless_decode(const uint8_t *p, size_t len, decoded *to)
{
	lossless l = {.p = p, .len = len, .to = to};
	uint16_t *lines;
	bool is_whole = false;

	if (!take_headers(&l))
		return false;
	lines = calloc(2 * (size_t)l.columns * l.components, sizeof *lines);
	if (lines != NULL) {
		l.above = lines;
		l.line = lines + (size_t)l.columns * l.components;
		is_whole = take_lines(&l);
	}
	free(lines);
	return is_whole;
}
