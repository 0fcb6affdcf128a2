/* This fuzz target reads any bytes as what arrives on the socket: they give a request or a
 * refusal, and a request can be said again. */
#include <stdlib.h>
#include <string.h>

#include "kit/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static emr_request first, second;
	json_auto_t *object = NULL, *again = NULL;
	size_t len;

	if (size < 4)
		return 0;
	if (emr_frame_length(data, &len) == EMR_OK && len > EMR_FRAME_MAX)
		abort();
	object = json_loadb((const char *)data + 4, size - 4, JSON_REJECT_DUPLICATES, NULL);
	if (object == NULL || emr_request_parse(object, &first) != EMR_OK)
		return 0;
	again = emr_request_make(&first);
	if (again == NULL || emr_request_parse(again, &second) != EMR_OK)
		abort();
	if (first.ask != second.ask || strcmp(first.path, second.path) != 0 ||
		first.limit != second.limit || first.now != second.now ||
		first.timeout_ms != second.timeout_ms)
		abort();
	return 0;
}
