/* This fuzz target reads any bytes as the high-water mark file. The fuzzer cannot guess its
 * checksum, so it is put right first. */
#include <stdlib.h>
#include <string.h>

#include "ledger/hash.h"
#include "mark.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	EMR_AUTO_BUF bytes = {0};
	EMR_AUTO_BUF again = {0};
	high_mark mark;
	emr_id32 check;

	if (emr_buf_append(&bytes, data, size) != EMR_OK)
		return 0;
	if (size >= 32) {
		check = emr_sha256_of((emr_bytes[]){emr_bytes_of(data, size - 32)}, 1);
		memcpy(bytes.data + size - 32, check.b, 32);
	}
	if (mark_parse(emr_buf_view(&bytes), &mark) != EMR_OK)
		return 0;
	if (mark_format(&mark, &again) != EMR_OK ||
		!emr_bytes_equal(emr_buf_view(&again), emr_buf_view(&bytes)))
		abort();
	return 0;
}
