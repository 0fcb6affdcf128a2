/* This file says what the copies for a de-identified dataset are made with, and where they lie. A
 * dataset is what others take for the same: one steward, one name, one file of terms. */
#include "sharing/copies.h"

#include <stdio.h>
#include <string.h>

#include "crypto/hashsig.h"
#include "keyring/coowned.h"
#include "replica/people.h"

emr_deidentify_rules emr_copies_rules_of(const emr_terms *terms)
{
	return (emr_deidentify_rules){.without_dates = terms->without_dates,
		.with_characteristics = terms->with_characteristics,
		.with_faces = terms->with_faces,
		.with_derived = terms->with_derived,
		.with_private = (terms->with_tiles ? EMR_PRIVATE_MOSAIC : 0u) |
				(terms->with_private ? EMR_PRIVATE_SAFE : 0u),
		.with_formats = (terms->with_nifti ? 1u << EMR_COPY_NIFTI : 0u) |
				(terms->with_edf ? 1u << EMR_COPY_EDF : 0u) |
				(terms->with_genomes ? 1u << EMR_COPY_VCF : 0u)};
}

emr_id32 emr_copies_dataset_id(const emr_team *dataset)
{
	uint8_t same[32 + 32 + EMR_TEAM_NAME_MAX];
	size_t len = strlen(dataset->name);
	emr_id32 id;

	memcpy(same, dataset->row.steward, 32);
	memcpy(same + 32, dataset->terms_id.b, 32);
	memcpy(same + 64, dataset->name, len);
	emr_sha256(same, 64 + len, id.b);
	return id;
}

emr_status emr_copies_of(emr_session *session, const emr_team *dataset, emr_copies *out)
{
	EMR_AUTO_SECRET secret = {0};
	emr_known_person me;
	emr_id32 root;
	uint8_t pk[32];

	EMR_TRY(emr_keyring_person_pk(session->keyring, pk));
	emr_sha256(pk, sizeof pk, root.b);
	if (emr_replica_person(session->replica, root, &me) == EMR_OK)
		memcpy(root.b, me.row.root, sizeof root.b);
	EMR_TRY(emr_keyring_copies_secret(
		session->keyring, emr_copies_dataset_id(dataset).b, &secret));
	emr_pseudonym(secret.data, root, out->pseudonym);
	snprintf(out->path, sizeof out->path, "%s/%.*s/%s", EMR_COPIES_FOLDER, EMR_DATASET_NAME_MAX,
		dataset->name, out->pseudonym);
	out->secret = secret;
	secret = (emr_secret){0};
	return EMR_OK;
}
