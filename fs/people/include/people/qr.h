/* A QR code (ISO/IEC 18004, error correction L) as text for a terminal: two rows of modules a line.
 * It refuses what does not fit into one code. */
#pragma once

#include "base/bytes.h"

/* Appends lines of block characters (UTF-8), black on white by escape sequences, with the quiet
 * zone of four modules; no NUL. *out_columns is how wide they are; when that is more than COLUMNS,
 * nothing is appended and the answer is EMR_RANGE. EMR_LIMIT: too long for any code, with
 * *out_columns 0; EMR_NO_MEMORY. */
emr_status emr_qr_draw(const char *text, unsigned columns, unsigned *out_columns, emr_buf *out);
