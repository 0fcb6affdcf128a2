/* This fuzz target reads any bytes as the file of `device accept`: they are refused, or are the
 * bytes that would be written again. */
#include <stdlib.h>

#include "network/device_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	EMR_AUTO_BUF again = {0};
	emr_device_file file;

	if (emr_device_file_read(emr_bytes_of(data, size), &file) != EMR_OK)
		return 0;
	if (emr_device_file_write(&file, &again) != EMR_OK ||
		!emr_bytes_equal(emr_buf_view(&again), emr_bytes_of(data, size)))
		abort();
	return 0;
}
