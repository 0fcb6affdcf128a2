/* Pseudonyms of people in a dataset: each dataset has a random key, which its readers get sealed to
 * the dataset's receiving key, and a person's name in it is a keyed hash of the person's id.  A
 * holder of the key can tell whether a known person is meant; nobody else can tell anything.
 *
 * All functions are thread-safe. */
#pragma once

#include "base/id.h"
#include "keyring/held.h"

#define EMR_PSEUDONYM_KEY_BYTES 32
#define EMR_PSEUDONYM_SEALED_BYTES 80
#define EMR_PSEUDONYM_CHARS 13 /* with its NUL: 60 bits in base32 */

/* To the receiving key X25519 of a dataset that is called NAME. */
emr_status emr_pseudonym_key_seal(const uint8_t x25519[32], const char *name,
	const uint8_t key[EMR_PSEUDONYM_KEY_BYTES], uint8_t out[EMR_PSEUDONYM_SEALED_BYTES]);
/* The caller wipes it.  EMR_DAMAGED. */
emr_status emr_pseudonym_key_open(const emr_box_key *box, const char *name,
	const uint8_t sealed[EMR_PSEUDONYM_SEALED_BYTES], uint8_t out_key[EMR_PSEUDONYM_KEY_BYTES]);
/* The pseudonym of OWNER, a signer id. */
void emr_pseudonym(
	const uint8_t key[EMR_PSEUDONYM_KEY_BYTES], emr_id32 owner, char out[EMR_PSEUDONYM_CHARS]);
/* The same for all datasets of one key on the terms TERMS (the hash of their file), and for no
 * other: a steward who uses the key for other terms calls another dataset. */
emr_id16 emr_pseudonym_line(const uint8_t key[EMR_PSEUDONYM_KEY_BYTES], emr_id32 terms);
