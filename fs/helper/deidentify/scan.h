/* These functions look in a file that another computer calls a copy for data that no copy has.
 * There is no original to compare with: they know the same table as the writer, and nothing of how
 * the writer reads. They look into headers, not into pixels; of a table into each cell. */
#pragma once

#include "deidentify/deidentify.h"

#include "copied.h"
#include "protocol.h"

#define MOVED_YEARS 29 /* a copy's dates lie at least thirty years back */

/* RULES with no columns: no table is a copy.  EMR_WITHHELD_NOT: nothing stands there that must not.
 * EMR_WITHHELD_FOUND_AGAIN: something does. EMR_WITHHELD_NOT_DICOM, EMR_WITHHELD_DAMAGED,
 * EMR_WITHHELD_UNKNOWN_KIND. */
emr_withheld scan_dicom(flat_file *f, const protocol_look *rules);
/* The same of a table (scan_table.c), to its last byte. */
emr_withheld scan_table(flat_file *f, const protocol_look *rules);
/* Any of those, and of headed.h: tables with columns; without them it must be DICOM. */
emr_withheld scan_file(flat_file *f, const protocol_look *rules);
