/* This fuzz target reads statements, the content that a journal row keeps, and what a copy for
 * research says of its rules: whatever decodes encodes to the same bytes. */
#include <stdlib.h>

#include "record/content.h"
#include "record/derived.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t again[EMR_STATEMENT_BYTES], encoded[EMR_CONTENT_ENCODED_BYTES];
	emr_statement statement;
	emr_content content;
	emr_derivation from;
	uint8_t mark[EMR_DERIVED_MARK_BYTES];
	char doc[EMR_DERIVED_DOC_BYTES + 1];

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
	if (emr_derived_doc_read(emr_bytes_of(data, size), from.rules)) {
		emr_derived_doc(from.rules, doc);
		if (size != EMR_DERIVED_DOC_BYTES || memcmp(doc, data, size) != 0)
			abort();
	}
	if (emr_derived_mark_read(emr_bytes_of(data, size), 0, &from)) {
		emr_derived_mark(&from, 0, mark);
		if (memmem(data, size, mark, sizeof mark) == NULL)
			abort();
	}
	return 0;
}
