/* The readers of formats themselves.  They belong into a process without keys: emrfs asks for them
 * by emr_header_reader, and links none of them. */
#pragma once

#include "headers/headers.h"

/* EMR_OK also for a file that is nothing of this (kind NONE) or breaks its format (what was read
 * before the break). Otherwise what the source said, or EMR_NO_MEMORY. */
emr_status emr_headers_read(const emr_header_source *source, emr_headers *out);

/* The same from bytes in memory. */
emr_status emr_headers_read_bytes(emr_bytes file, emr_headers *out);
