/* This looks in a copy for what the original says about somebody. It shares no reading code with
 * the writer, so that a mistake there is not made twice, and believes neither file. */
#pragma once

#include "deidentify/deidentify.h"

/* Of a table: numbers of seven digits and more, dates, and words with @ or ^ of the original; and
 * cells of the copy that are neither number nor date nor code, below its first row. */
emr_withheld check_table(int original_fd, uint64_t original_size, int copy_fd, uint64_t copy_size);

/* EMR_WITHHELD_NOT: nothing was found.  EMR_WITHHELD_FOUND_AGAIN: something was.  Else why it
 * cannot say. */
emr_withheld check_dicom(int original_fd, uint64_t original_size, int copy_fd, uint64_t copy_size);
