/* This fuzz target reads any bytes as the code to an invitation, and as what waits for a code: a
 * code that is read is written again as it was. */
#include "share_input.h"

#include "keyring/invite.h"

/* A card's code that is read is written again as one that says the same. */
static void card(emr_bytes bytes)
{
	char text[64] = {0}, written[EMR_EMERGENCY_CODE_CHARS + 1];
	emr_id16 word, again;

	memcpy(text, bytes.data, bytes.len < sizeof text ? bytes.len : sizeof text - 1);
	if (emr_emergency_code_read(text, &word) != EMR_OK)
		return;
	emr_emergency_code_write(word, written);
	if (emr_emergency_code_read(written, &again) != EMR_OK || !emr_id16_equal(word, again))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	share_input in = share_input_of(data, size);
	emr_code code = {.way = EMR_CODE_SOCKET, .roles = 2}, again;
	char text[EMR_CODE_CHARS_MAX + 1];
	EMR_AUTO_BUF out = {0};

	card(in.bytes);
	if (in.which % 2 == 1) {
		if (emr_code_open(&code, in.bytes, &out) == EMR_OK)
			abort();
	} else if (emr_code_read(in.bytes, &code) == EMR_OK) {
		if (emr_code_write(&code, text) != EMR_OK ||
			emr_code_read(emr_bytes_of(text, strlen(text)), &again) != EMR_OK ||
			memcmp(&code, &again, sizeof code) != 0)
			abort();
	}
	return 0;
}
