/* This file holds the key of a participant, from which all new values in the copies of that
 * participant's files are made, and the short words for why a file is withheld. */
#include "crypto/kdf.h"

#include "deidentify/deidentify.h"

emr_status emr_deidentify_key(const emr_secret *secret, emr_bytes participant, emr_secret *out_key)
{
	if (secret->len != EMR_DEIDENTIFY_KEY_BYTES || participant.len == 0)
		return EMR_INVALID;
	return emr_hkdf_secret(
		"emrfs/v1/deidentify", secret, participant, EMR_DEIDENTIFY_KEY_BYTES, out_key);
}

const char *emr_withheld_text(emr_withheld reason)
{
	static const char *const texts[] = {"", "not-dicom", "damaged", "too-complex",
		"compression", "unknown-kind", "screenshot", "photograph", "burned-in", "document",
		"report", "presentation", "waveform", "treatment", "directory", "face",
		"hidden-graphics", "found-again", "stopped", "late", "people"};

	_Static_assert(sizeof texts / sizeof *texts == EMR_WITHHELD_COUNT, "in their order");
	return (unsigned)reason < EMR_WITHHELD_COUNT ? texts[reason] : "";
}
