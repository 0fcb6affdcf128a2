/* A dateTime of FHIR as seconds.  It refuses what means more than one moment: a time without a
 * zone, a month, a year. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* A day alone is its first second in UTC, or with IS_END its last. */
bool moment_read(const char *text, bool is_end, uint64_t *out_unix_s);
