/* Domains that another of one person's computers made: a device has a seed of its own, is a writer
 * there with the right to manage, and gets the epochs' keys by letter (keyring/letters.h).  From
 * then on everything that opens or wraps in such a domain works as for its owner; the device's
 * identity signs. It refuses to sign as an owner that it is not, and to open an epoch whose key
 * never came.
 *
 * All functions are thread-safe, also beside every other use of the keyring.  Nothing of this is in
 * the keyfile: the letters are on the ledger. */
#pragma once

#include "keyring/held.h"

#define EMR_COOWNED_MAX 4096 /* domains of one keyring; EMR_LIMIT */

/* DOMAIN is co-owned from here on, whether or not a key has come. */
emr_status emr_keyring_coown(const emr_keyring *kr, emr_id16 domain_id);
/* A copy of KEY, whose domain is co-owned then; a second one of the same epoch replaces the first.
 */
emr_status emr_keyring_coown_key(const emr_keyring *kr, const emr_epoch_key *key);
/* The keys are wiped; the domain is a stranger's. */
void emr_keyring_coown_end(const emr_keyring *kr, emr_id16 domain_id);
bool emr_keyring_coowns(const emr_keyring *kr, emr_id16 domain_id);
/* The signer there: the identity where the domain is co-owned, else the domain's key of
 * generation 1. */
emr_signer emr_keyring_signer_of(const emr_keyring *kr, emr_id16 domain_id);
/* The person's identity key: of a device the one it was told (EMR_KEYRING_OWNER), else one's own.
 */
emr_status emr_keyring_person_pk(const emr_keyring *kr, uint8_t out_pk[32]);
