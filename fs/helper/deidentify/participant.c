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
	static const char *const texts[EMR_WITHHELD_COUNT] = {
		[EMR_WITHHELD_NOT] = "",
		[EMR_WITHHELD_NOT_DICOM] = "not-dicom",
		[EMR_WITHHELD_DAMAGED] = "damaged",
		[EMR_WITHHELD_TOO_COMPLEX] = "too-complex",
		[EMR_WITHHELD_COMPRESSION] = "compression",
		[EMR_WITHHELD_UNKNOWN_KIND] = "unknown-kind",
		[EMR_WITHHELD_SCREENSHOT] = "screenshot",
		[EMR_WITHHELD_PHOTOGRAPH] = "photograph",
		[EMR_WITHHELD_BURNED_IN] = "burned-in",
		[EMR_WITHHELD_DOCUMENT] = "document",
		[EMR_WITHHELD_REPORT] = "report",
		[EMR_WITHHELD_PRESENTATION] = "presentation",
		[EMR_WITHHELD_WAVEFORM] = "waveform",
		[EMR_WITHHELD_TREATMENT] = "treatment",
		[EMR_WITHHELD_DIRECTORY] = "directory",
		[EMR_WITHHELD_FACE] = "face",
		[EMR_WITHHELD_HIDDEN_GRAPHICS] = "hidden-graphics",
		[EMR_WITHHELD_FOUND_AGAIN] = "found-again",
		[EMR_WITHHELD_STOPPED] = "stopped",
		[EMR_WITHHELD_LATE] = "late",
		[EMR_WITHHELD_NO_COLUMN] = "no-column",
		[EMR_WITHHELD_LARGE_TABLE] = "large-table",
	};

	return (unsigned)reason < EMR_WITHHELD_COUNT ? texts[reason] : "";
}
