/* These functions read the texts with which genomes begin, VCF, BAM and CRAM 3, and say what of
 * them may stay: sizes, kinds, numbers and short names, and of the sample its pseudonym. They
 * refuse texts of more than 4 MiB and, of CRAM, those that are packed otherwise than by gzip. */
#pragma once

#include "deidentify/deidentify.h"
#include "helper/flat.h"

typedef struct genome {
	emr_copy_form form;
	uint8_t minor;	  /* of CRAM 3 */
	const char *text; /* until the next one is read */
	size_t len;
	uint64_t body; /* what follows the text */
} genome;

/* EMR_WITHHELD_NOT_DICOM: it is none. */
emr_withheld genome_read(flat_file *f, genome *out);
/* How a copy begins, to its body; until the next call.  PSEUDONYM: of its sample; NULL: it is
 * called by one already.  EMR_WITHHELD_PEOPLE: it is of several. */
emr_withheld genome_clean(const genome *g, const char *pseudonym, emr_bytes *out);
