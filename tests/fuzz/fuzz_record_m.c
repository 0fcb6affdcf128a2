/* This fuzz target reads header of m and manifest: whatever decodes encodes to the same bytes. */
#include <stdlib.h>

#include "record/format.h"

static void try_header(emr_bytes bytes)
{
	uint8_t again[EMR_M_HEADER_BYTES];
	emr_m_header header;
	emr_bytes sealed;

	if (emr_m_header_decode(bytes, &header, &sealed) != EMR_OK)
		return;
	emr_m_header_encode(&header, again);
	if (memcmp(again, bytes.data, sizeof again) != 0 ||
		sealed.data + sealed.len != bytes.data + bytes.len)
		abort();
}

static void try_manifest(emr_bytes bytes)
{
	uint8_t again[EMR_MANIFEST_BYTES];
	emr_manifest manifest;
	emr_statement statement;

	if (emr_manifest_decode(bytes, &manifest) != EMR_OK)
		return;
	if (emr_manifest_encode(&manifest, again) != EMR_OK ||
		memcmp(again, bytes.data, sizeof again) != 0)
		abort();
	if (manifest.has_statement)
		(void)!emr_statement_decode(manifest.statement, &statement);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	try_header(emr_bytes_of(data, size));
	try_manifest(emr_bytes_of(data, size));
	return 0;
}
