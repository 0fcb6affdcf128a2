/* These functions read files that are packed by gzip, whole or in blocks (BGZF), and write the
 * latter. They refuse to unpack more than 8 GiB. */
#pragma once

#define ZLIB_CONST
#include <zlib.h>

#include "base/bytes.h"
#include "helper/flat.h"

/* Writes V with its lowest byte first. */
static inline void bgzf_number(uint8_t p[4], uint32_t v)
{
	for (int i = 0; i < 4; i++, v >>= 8)
		p[i] = (uint8_t)v;
}

/* FILE itself where it is not packed. Else what it is without that, until the next call; its size
 * is not known.  IS_COPY: its blocks must be as those of a copy. */
flat_file *bgzf_open(flat_file *file, bool is_copy);
/* Finds the size of PLAIN, one of those; false: it is cut off or broken somewhere, or too large. */
bool bgzf_count(flat_file *plain);

/* Zero at first but for FD. */
typedef struct bgzf_out {
	int fd;
	uint64_t at; /* bytes that are written */
	size_t len;
	uint8_t plain[0xff00];
} bgzf_out;

/* Writes LEN bytes more in blocks; IS_LAST: and the end. */
emr_status bgzf_put(bgzf_out *to, const uint8_t *bytes, size_t len, bool is_last);
