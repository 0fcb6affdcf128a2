/* This fuzz target decodes one compressed image of a stranger, as the checker and readers' scan do
 * where samples are wider than the image: a first byte of codec, bits and sign, then the
 * codestream. */
#include <stdint.h>

#include "decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const syntax_pixels codecs[] = {
		PIXELS_JPEG, PIXELS_JPEG, PIXELS_JPEG_LS, PIXELS_J2K};

	if (size > 0)
		(void)decoded_fits(codecs[data[0] & 3], data + 1, size - 1,
			1u + (data[0] >> 2 & 15), (data[0] & 0x40) != 0);
	return 0;
}
