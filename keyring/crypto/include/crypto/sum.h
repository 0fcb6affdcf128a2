/* Small files end with the SHA-256 of all that is before it, so that rot is told from a wrong key
 * and from a newer format, also without a key. It protects against nobody: an attacker who changes
 * the file can change the sum. */
#pragma once

#include "base/bytes.h"

#define EMR_SUM_BYTES 32

/* Hashes the present content of FILE, to its end. EMR_NO_MEMORY. */
emr_status emr_sum_append(emr_buf *file);
/* Whether FILE, with its sum, is as it was written. */
bool emr_sum_fits(emr_bytes file);
