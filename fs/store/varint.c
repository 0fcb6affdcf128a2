/* This file reads and writes varints, the numbers of variable length in CAR and IPFS. It refuses
 * a number that is not in its shortest form. */
#include "store/varint.h"

size_t emr_varint_put(uint8_t out[EMR_VARINT_MAX], uint64_t value)
{
	size_t n = 0;

	while (value >= 0x80) {
		out[n++] = (uint8_t)(value | 0x80);
		value >>= 7;
	}
	out[n++] = (uint8_t)value;
	return n;
}

size_t emr_varint_len(uint64_t value)
{
	size_t n = 1;

	while (value >= 0x80) {
		value >>= 7;
		n++;
	}
	return n;
}

size_t emr_varint_get(const uint8_t *data, size_t len, uint64_t *out_value)
{
	uint64_t value = 0;

	for (size_t n = 0; n < len && n < EMR_VARINT_MAX; n++) {
		value |= (uint64_t)(data[n] & 0x7f) << (7 * n);
		if (data[n] & 0x80)
			continue;
		if (data[n] == 0 && n > 0)
			return 0;
		*out_value = value;
		return n + 1;
	}
	return 0;
}
