/* These functions look in a file that another computer calls a copy for data that no copy has.
 * There is no original to compare with: they know the same table as the writer, and nothing of how
 * the writer reads. They look into headers, not into pixels. */
#pragma once

#include "deidentify/deidentify.h"

#include "copied.h"
#include "protocol.h"

/* EMR_WITHHELD_NOT: nothing stands there that must not.
 * EMR_WITHHELD_FOUND_AGAIN: something does. EMR_WITHHELD_NOT_DICOM, EMR_WITHHELD_DAMAGED,
 * EMR_WITHHELD_UNKNOWN_KIND. */
emr_withheld scan_dicom(flat_file *f, const protocol_look *rules);
/* The same of whatever a copy may be, also one of headed.h. */
emr_withheld scan_file(flat_file *f, const protocol_look *rules);
