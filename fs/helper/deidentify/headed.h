/* These functions copy files that begin with a header of fixed layout and have numbers behind it:
 * NIfTI-1 and -2 (one file, .nii), EDF, EDF+, BDF and BDF+. Of the header numbers stay and words
 * that everybody knows; its texts, days and extensions go, and so do the words of annotations. They
 * refuse a file that is not as long as its header says. */
#pragma once

#include "deidentify/deidentify.h"
#include "helper/flat.h"

/* WITH: bits of emr_copy_form.  Anything but EMR_OK is about OUT_FD.  EMR_WITHHELD_NOT_DICOM: it is
 * none of those. */
emr_status headed_copy(int in_fd, uint64_t size, int out_fd, unsigned with, bool with_faces,
	emr_deidentified *out);
/* The same as the scan: a copy is a file that a copy leaves as it is. */
emr_withheld headed_scan(flat_file *f, unsigned with, bool with_faces);
/* Whether words of the original's header stand in that of the copy, or in its annotations. */
emr_withheld headed_check(int original_fd, uint64_t original_size, int copy_fd, uint64_t copy_size);
