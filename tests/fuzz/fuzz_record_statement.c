/* Statements and the content that a journal row keeps: whatever decodes encodes to the same bytes.
 */
#include <stdlib.h>

#include "record/content.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t again[EMR_STATEMENT_BYTES], encoded[EMR_CONTENT_ENCODED_BYTES];
	emr_statement statement;
	emr_content content;

	if (size == EMR_STATEMENT_BYTES && emr_statement_decode(data, &statement) == EMR_OK) {
		emr_statement_encode(&statement, again);
		if (memcmp(again, data, sizeof again) != 0)
			abort();
	}
	if (emr_content_decode(emr_bytes_of(data, size), &content) == EMR_OK) {
		emr_content_encode(&content, encoded);
		if (memcmp(encoded, data, sizeof encoded) != 0)
			abort();
	}
	return 0;
}
