/* This tells whether all is here that others have signed for a patient: each signer numbers the
 * statements for one patient, 1, 2, 3, ... over all folders of the patient (`issuer_seq`), so that
 * a number which is not among those that are here was signed, and was erased, taken out, never
 * taken by the ledger, or is kept where one does not see it. Which of these, a number does not say.
 */
#pragma once

#include "settle/facts.h"
#include "share/signed.h"

#define EMR_ISSUED_TEXT_BYTES 400

typedef struct emr_issued_gap {
	uint64_t here;			     /* different numbers that are here */
	uint64_t last;			     /* the highest of them */
	uint64_t missing;		     /* below it: LAST - HERE */
	char numbers[EMR_ISSUED_TEXT_BYTES]; /* of these: "3, 5-6"; of very many the first ones and
						", ..." */
} emr_issued_gap;

/* Sorts NUMBERS, of which 0 is none and one may be there twice: two computers that count for one
 * signer, or a journal that was lost. */
void emr_issued_compare(uint64_t *numbers, size_t n, emr_issued_gap *out);

/* The records that one signer has left and written on this ledger for the owner of FACTS. */
typedef struct emr_issued {
	emr_id32 issuer;
	char by[EMR_SIGNED_BY_BYTES], organisation[256]; /* as emr_signed has them; "" when nothing
							    of the signer's can be read */
	emr_issued_gap gap;
	uint64_t unread; /* versions of the signer's that the ledger shows, and that were erased or
			    cannot be read: their numbers are not known */
} emr_issued;

/* Appends an emr_issued for each signer of whose numbers some are not here, over every version of
 * everything in the owner's domains, also of what was unlinked or moved.  Only a statement that the
 * signer of the item made counts: nobody counts for another.  Opens each such version (not its
 * content); reads the replica and blocks, from any thread.  DESCRIPTOR is the network's. */
emr_status emr_issued_gaps(emr_facts *facts, emr_bytes descriptor, emr_buf *out_issued);
