/* This is the inside of folders of which this computer has the keys by letter, for the
 * derivations of this folder only. */
#pragma once

#include "keyring_private.h"

typedef struct emr_coowned emr_coowned;

emr_coowned *emr_coowned_new(void); /* NULL without memory */
void emr_coowned_free(emr_coowned *coowned);
/* A copy of a of that epoch.  *out_is: the domain is co-owned.  EMR_AWAITED: its key has not come.
 */
emr_status emr_coowned_pre(
	const emr_keyring *kr, emr_id16 domain_id, uint32_t epoch, bool *out_is, emr_secret *out_a);
