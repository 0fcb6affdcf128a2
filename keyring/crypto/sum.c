/* This file ends small files with a sum, and compares it. */
#include "crypto/sum.h"

#include <string.h>

#include "crypto/hashsig.h"

emr_status emr_sum_append(emr_buf *file)
{
	uint8_t sum[EMR_SUM_BYTES];

	emr_sha256(file->data, file->len, sum);
	return emr_buf_append(file, sum, sizeof sum);
}

bool emr_sum_fits(emr_bytes file)
{
	uint8_t sum[EMR_SUM_BYTES];

	if (file.len < sizeof sum)
		return false;
	emr_sha256(file.data, file.len - sizeof sum, sum);
	return memcmp(sum, file.data + file.len - sizeof sum, sizeof sum) == 0;
}
