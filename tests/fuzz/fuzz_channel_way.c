/* This fuzz target reads any bytes as the way to a network that an invitation carries: what is
 * accepted becomes settings that are read again, with the same numbers of gateways and
 * organisations, unless one stands there twice. */
#include "fuzz_dir.h"
#include "gateway/channel.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	emr_bytes bytes = emr_bytes_of(data, size);
	EMR_AUTO_CHANNEL channel = {0};
	char cause[256];

	if (emr_channel_carried_check(bytes) != EMR_OK)
		return 0;
	if (emr_channel_settle_in(bytes, fuzz_dir_empty_fd()) != EMR_OK)
		abort();
	if (emr_channel_read(fuzz_dir, &channel, cause, sizeof cause) != EMR_OK &&
		strstr(cause, "it stands there twice") == NULL)
		abort();
	return 0;
}
