/* These functions copy files that begin with a header and have numbers behind it: NIfTI-1 and -2
 * (one file, .nii, .nii.gz), EDF, EDF+, BDF and BDF+, VCF (also packed by gzip), BAM and CRAM. Of
 * the header numbers stay and words that everybody knows; its texts, days and extensions go, and so
 * do the words of annotations. They refuse a file that is not as long as its header says. */
#pragma once

#include "deidentify/deidentify.h"
#include "helper/flat.h"

typedef struct headed_rules {
	unsigned with; /* bits of emr_copy_form */
	bool with_faces;
	const char *pseudonym; /* of a genome's sample; NULL: a copy has one */
} headed_rules;

/* Anything but EMR_OK is about OUT_FD.  EMR_WITHHELD_NOT_DICOM: it is none of those. */
emr_status headed_copy(
	int in_fd, uint64_t size, int out_fd, const headed_rules *rules, emr_deidentified *out);
/* The same as the scan: a copy is a file that a copy leaves as it is, of a genome to its body. */
emr_withheld headed_scan(flat_file *f, const headed_rules *rules);
/* Whether words of the original's header stand in that of the copy, or in its annotations,
 * or of a genome anywhere. */
emr_withheld headed_check(int original_fd, uint64_t original_size, int copy_fd, uint64_t copy_size);
