/* This file makes random ids and spells bytes as hexadecimal digits and base32. It refuses other
 * lengths and other signs. */
#include "base/id.h"

#include <sodium.h>

emr_id16 emr_id16_random(void)
{
	emr_id16 id;

	randombytes_buf(id.b, sizeof id.b);
	return id;
}

emr_id32 emr_id32_random(void)
{
	emr_id32 id;

	randombytes_buf(id.b, sizeof id.b);
	return id;
}

void emr_hex(const void *data, size_t len, char *out)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *bytes = data;

	for (size_t i = 0; i < len; i++) {
		out[2 * i] = digits[bytes[i] >> 4];
		out[2 * i + 1] = digits[bytes[i] & 15];
	}
	out[2 * len] = '\0';
}

/* The value of a hex digit, -1 for anything else. */
static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

emr_status emr_unhex(const char *text, void *out, size_t len)
{
	uint8_t *bytes = out;

	if (strlen(text) != 2 * len)
		return EMR_INVALID;
	for (size_t i = 0; i < len; i++) {
		int high = hex_digit(text[2 * i]), low = hex_digit(text[2 * i + 1]);

		if ((high | low) < 0)
			return EMR_INVALID;
		bytes[i] = (uint8_t)(high << 4 | low);
	}
	return EMR_OK;
}

void emr_base32(const void *data, size_t len, char *out)
{
	static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";
	const uint8_t *bytes = data;
	uint32_t window = 0;
	unsigned bits = 0;

	for (size_t i = 0; i < len; i++) {
		window = window << 8 | bytes[i];
		bits += 8;
		while (bits >= 5) {
			bits -= 5;
			*out++ = digits[window >> bits & 31];
		}
	}
	if (bits > 0)
		*out++ = digits[window << (5 - bits) & 31];
	*out = '\0';
}
