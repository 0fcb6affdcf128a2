/* These functions say where the copies for a de-identified dataset lie in a participant's folder,
 * and the secret that they are made with. Both follow from the person and the dataset alone, so
 * that a participant who joins again goes on with the copies that are there, and each computer of
 * the person knows what they were made of. */
#pragma once

#include "deidentify/deidentify.h"
#include "keyring/pseudonym.h"
#include "session/session.h"
#include "share/teams.h"

#define EMR_COPIES_FOLDER "Research"
#define EMR_COPIES_PATH_BYTES                                                                      \
	(sizeof EMR_COPIES_FOLDER + EMR_DATASET_NAME_MAX + EMR_PSEUDONYM_CHARS + 2)

typedef struct emr_copies {
	emr_secret secret; /* 32 bytes, which the dataset's readers do not have */
	/* The pseudonym of the person in the copies. Readers see another pseudonym as the folder's
	 * name: that one is made with their key. */
	char pseudonym[EMR_PSEUDONYM_CHARS];
	char path[EMR_COPIES_PATH_BYTES]; /* from the top: Research/NAME/PSEUDONYM */
} emr_copies;

/* By which rules copies are made, and looked at by who reads them. */
emr_deidentify_rules emr_copies_rules_of(const emr_terms *terms);

/* Which dataset it is: of whom, called how, and with which terms.  Two may have the terms' bytes in
 * common: what was agreed to for one is not agreed to for the other. */
emr_id32 emr_copies_dataset_id(const emr_team *dataset);
/* The caller frees the secret. */
emr_status emr_copies_of(emr_session *session, const emr_team *dataset, emr_copies *out);
