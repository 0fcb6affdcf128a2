/* The terms of a dataset say what its records are for, which readers may see them, until when, and
 * on what conditions. They are one small JSON file, which the caller for records writes; its bytes
 * are signed and stay as they are. It refuses members that it does not know, and terms that leave
 * something out: a participant must not have to guess. */
#pragma once

#include "base/bytes.h"

#define EMR_TERMS_FILE_MAX 4096 /* bytes of the file */
#define EMR_TERMS_TEXT_MAX 600	/* bytes of each sentence */
#define EMR_TERMS_LINE_MAX 200	/* of each word of a committee */
#define EMR_TERMS_DAILY_MAX 1000000
#define EMR_AGREEMENT_MAX 16384 /* bytes of the text that readers sign */
#define EMR_DATASET_NAME_MAX 40
#define EMR_DATASET_PURPOSE 3	/* the bit of every dataset's grants: research */
#define EMR_EMERGENCY_PURPOSE 4 /* and of what was prepared for an emergency */

/* Words that a committee asks for: each is said, or "". */
enum {
	EMR_TERMS_CONTACT,
	EMR_TERMS_ETHICS,
	EMR_TERMS_LICENCE,
	EMR_TERMS_FUNDER,
	EMR_TERMS_DOI, /* that the steward has reserved for the dataset: 10.5281/zenodo.1234567 */
	EMR_TERMS_DUO,
	EMR_TERMS_AGREEMENT, /* SHA-256 of the text that each reader signs */
	EMR_TERMS_WORDS
};
/* As the file calls them. */
const char *emr_terms_word(size_t index);

typedef struct emr_terms {
	char purpose[EMR_TERMS_TEXT_MAX + 1]; /* what the records are for, a sentence */
	char who[EMR_TERMS_TEXT_MAX + 1];     /* who may be admitted, a sentence */
	char until[11];			      /* YYYY-MM-DD: the last day */
	uint64_t until_unix_s;		      /* its end: here, or of a team as the ledger has it */
	uint64_t price;			      /* points for each who joins; 0: none */
	uint32_t daily_limit; /* files that one reader opens for the first time in a day; 0: no
				 limit */
	char words[EMR_TERMS_WORDS][EMR_TERMS_LINE_MAX + 1]; /* codes of DUO: parted by ", " */
	char unknown[41]; /* a member that nobody knows, of terms that are refused */
	bool is_deidentified;
	/* Of de-identified ones; the other way is what is said of none of them. */
	bool without_dates;	   /* none stays; else they are moved */
	bool with_characteristics; /* sex, age, size and weight stay */
	bool with_faces;   /* heads in thin slices, from which a face can be drawn, are given */
	bool with_derived; /* pictures that were made from others, too: deidentify.h */
	bool with_tiles;   /* the number of tiles in a mosaic stays */
	bool with_private; /* so do private elements that the standard lists as safe */
	/* Volumes (NIfTI), signals (EDF, BDF), VCF, BAM and CRAM are given, too. */
	bool with_nifti, with_edf, with_genomes;
} emr_terms;

/* The object of JSON: "purpose", "who", "until", "data" ("identified" or "de-identified"), and, if
 * there are any, "price" and "daily-limit", "contact", "ethics", "licence" and "funder" (texts)
 * and "duo" (a list of "DUO:0000042" and the like), "agreement" (64 digits a to f and 0 to 9),
 * "doi" (^10\.\d{4,9}/[-._;()/:A-Z0-9]+$ in any case, as Crossref recommends in "DOIs and matching
 * regular expressions", and nothing before it: no "https://doi.org/", no "doi:");
 * where it is de-identified also "dates" ("moved" or "removed"), "characteristics" (true or false),
 * "faces" and "derived" ("withheld" or "kept"), "mosaic-tiles" and "safe-private" ("removed" or
 * "kept"), "nifti", "edf" and "genomes" ("withheld" or "kept").  EMR_INVALID, EMR_LIMIT: *OUT_WHAT
 * is the member that is wrong, a literal or of OUT; "" when it is no such object. */
emr_status emr_terms_parse(emr_bytes json, emr_terms *out, const char **out_what);
/* Whether TEXT is the agreement of TERMS, and can be shown as it is: lines that hide nothing. */
bool emr_agreement_ok(const emr_terms *terms, emr_bytes text);
/* Letters, digits, '-', '_' and '.', not the last first, at most EMR_DATASET_NAME_MAX. */
bool emr_dataset_name_ok(const char *name);
