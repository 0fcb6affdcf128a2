/* These functions count what is in a dataset: the figures that each participant's computer states
 * of the folder to the steward (keyring/counts.h seals them), and the table that the steward makes
 * of them for those who may see the call. They refuse figures that are out of bounds and tables
 * that tell of fewer than EMR_COUNTS_FLOOR people: small cells name somebody. Layouts: FORMAT.md.
 */
#pragma once

#include "keyring/counts.h"
#include "share/frozen.h"
#include "share/share.h"

#define EMR_COUNTS_FLOOR 5u	      /* people; each figure of a table is a multiple of it */
#define EMR_COUNTS_FILES_MAX 1000000u /* files of one kind that one person may state */
#define EMR_COUNTS_PEOPLE_MAX 10000000u
#define EMR_COUNTS_TABLE_BYTES 352 /* with its salt: the part of a DATASET_SNAPSHOT */
#define EMR_COUNTS_AGAIN_S                                                                         \
	86400u /* what was stated is stated again after a day, if it has changed                   \
		*/

#define EMR_COUNTS_BANDS 5	 /* of age; the first: not said */
#define EMR_COUNTS_KINDS 6	 /* the last: others */
#define EMR_COUNTS_MODALITIES 16 /* of DICOM and FHIR; the last: others, or not said */

typedef struct emr_counts {
	emr_id16 who; /* the same for all folders of one person in this dataset, and in no other */
	uint8_t band;
	uint32_t kinds[EMR_COUNTS_KINDS]; /* files; sum of MODALITIES at most that of all kinds */
	uint32_t modalities[EMR_COUNTS_MODALITIES];
} emr_counts; /* with no band and no file: what was stated is taken back, and counts for nobody */

typedef struct emr_counts_cell {
	uint32_t people; /* who have any; 0: none, or too few to be told */
	uint64_t files;	 /* of all of them */
} emr_counts_cell;

typedef struct emr_counts_table {
	uint32_t people; /* who have stated something; 0: there is no table */
	uint32_t bands[EMR_COUNTS_BANDS];
	emr_counts_cell kinds[EMR_COUNTS_KINDS];
	emr_counts_cell modalities[EMR_COUNTS_MODALITIES];
} emr_counts_table;

/* "0-17", "18-39", "40-64", "65+"; "" for what was not said. */
const char *emr_counts_band_text(size_t band);
/* "dicom", "csv", "pdf", "fhir", "cda", "other". */
const char *emr_counts_kind_text(size_t kind);
/* "CT" and so on, "other". */
const char *emr_counts_modality_text(size_t modality);
/* Of somebody who was BORN (YYYY-MM-DD; anything else: not said), at NOW. */
uint8_t emr_counts_band(const char *born, uint64_t now_unix_s);
/* One more file.  KIND and MODALITY as above, in any case, or unknown words, or "". */
void emr_counts_add(emr_counts *counts, const char *kind, const char *modality);

/* Neither a band nor a file. */
bool emr_counts_say_nothing(const emr_counts *counts);
void emr_counts_encode(const emr_counts *counts, uint8_t out[EMR_COUNTS_PLAIN_BYTES]);
/* EMR_DAMAGED: not as emr_counts_encode makes it, or out of bounds. */
emr_status emr_counts_decode(const uint8_t plain[EMR_COUNTS_PLAIN_BYTES], emr_counts *out);
/* The table of ALL, which is sorted: folders of one person are one.  Whatever fewer than
 * EMR_COUNTS_FLOOR people have is left out, all else rounded down. */
void emr_counts_sum(emr_counts *all, size_t n, emr_counts_table *out);
/* Appends the part. */
emr_status emr_counts_table_encode(const emr_counts_table *table, emr_buf *out_part);
/* EMR_DAMAGED: also a table with a figure that is no multiple of the floor. */
emr_status emr_counts_table_decode(emr_bytes part, emr_counts_table *out);

/* ---- on the ledger ---- */

/* Whether DOMAIN is in the dataset that GRANTEE names, and what it holds was not stated yet, or at
 * least EMR_COUNTS_AGAIN_S ago; *OUT_IS_STATED: it was. */
emr_status emr_share_counts_due(
	emr_share *share, emr_id16 domain, emr_id32 grantee, bool *out_is_due, bool *out_is_stated);
/* Whether it ever was, also before DOMAIN left and came back, or in what took the dataset's place
 * or had it before. */
emr_status emr_share_counts_ever(
	emr_share *share, emr_id16 domain, emr_id32 grantee, bool *out_was_stated);
/* States what it holds; nothing is sent where the same stands there (*OUT_IS_SENT, may be NULL).
 * EMR_NOT_FOUND: it is in no such dataset. */
emr_status emr_share_state_counts(emr_share *share, emr_id16 domain, emr_id32 grantee,
	const uint8_t mark_key[EMR_COUNTS_MARK_KEY_BYTES], const emr_counts *counts,
	bool *out_is_sent);
/* The table of what participants have stated of what is in DATASET now. BOX is its steward's
 * identity's. A statement that does not open, or is out of bounds, is not counted. */
emr_status emr_counts_collect(emr_replica *replica, emr_ledger *ledger, const emr_team *dataset,
	const emr_box_key *box, uint64_t now_unix_s, emr_counts_table *out);
/* The newest table that the steward of DATASET signed with a frozen state, and that state.
 * EMR_NOT_FOUND; EMR_MISSING_DATA: the part of a newer one has not come yet. */
emr_status emr_counts_newest(emr_replica *replica, const emr_team *dataset, emr_counts_table *out,
	emr_frozen *out_state);
/* Whether TABLE beside BEFORE, which everybody has, would tell what a few people hold who came
 * between them: it would not when those are the greater part of it. */
bool emr_counts_would_tell(const emr_counts_table *before, const emr_counts_table *table);
