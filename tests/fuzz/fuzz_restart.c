/* This fuzz target reads a restart as a host gives it, and a head as a member brings it: what is
 * accepted must come out as the same bytes. */
#include <stdlib.h>

#include "ledger/restart.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static emr_restart restart;
	EMR_AUTO_BUF again = {0};
	emr_reader reader = emr_reader_of(emr_bytes_of(data, size));
	emr_restart_head head;

	(void)!emr_restart_head_read(&reader, &head);
	reader = emr_reader_of(emr_bytes_of(data, size));
	if (emr_restart_read(&reader, &restart) != EMR_OK || reader.left > 0)
		return 0;
	if (emr_restart_write(&restart, &again) != EMR_OK ||
		!emr_bytes_equal(emr_buf_view(&again), emr_bytes_of(data, size)))
		abort();
	return 0;
}
