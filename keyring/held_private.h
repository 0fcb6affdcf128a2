/* These are the insides of keys that others hold by handle, for the files of this folder that
 * seal and open with them. */
#pragma once

#include "keyring/held.h"

struct emr_box_key {
	emr_secret sk;
	struct emr_box_key *former; /* that a person's or a domain's letters went to before */
};
struct emr_epoch_key {
	emr_secret a;
	emr_id16 domain_id;
	uint32_t epoch;
	uint8_t A[32];
};
struct emr_grantee_key {
	emr_secret b;
	uint8_t B[32];
};
struct emr_kem_key {
	emr_secret k;
};

/* Each takes the secret over, also when it fails. */
emr_status emr_box_key_from(emr_secret *take_sk, emr_box_key **out);
/* EMR_DAMAGED when it is no canonical scalar other than zero. */
emr_status emr_epoch_key_from(
	emr_secret *take_a, emr_id16 domain_id, uint32_t epoch, emr_epoch_key **out);
emr_status emr_grantee_key_from(emr_secret *take_b, emr_grantee_key **out);
emr_status emr_kem_key_from(emr_secret *take_k, emr_kem_key **out);

/* Opens a letter to KEY, or to the key that it was before. */
emr_status emr_box_key_hpke_open(
	const emr_box_key *key, emr_bytes info, emr_bytes aad, emr_bytes letter, uint8_t *out);
