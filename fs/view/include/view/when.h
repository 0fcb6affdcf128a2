/* This reads a time of the past as people name it: a day, a minute or a second. It refuses every
 * other spelling. */
#pragma once

#include <stdint.h>

#include "base/status.h"

#define EMR_WHEN_BYTES 32

/* "2026-11-20", "2026-11-20T14:05" or "2026-11-20T14:05:31" in this computer's time zone, or in UTC
 * with a "Z" at the end: its first and its last second.  EMR_INVALID. */
emr_status emr_when_parse(const char *text, uint64_t *out_from_unix_s, uint64_t *out_until_unix_s);
/* The day of UNIX_S in this computer's time zone, "2026-11-20". */
void emr_when_day(uint64_t unix_s, char out[EMR_WHEN_BYTES]);
