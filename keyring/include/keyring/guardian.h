/* A keyring that is another person's to use, a child's, has a passphrase that nobody knows: it is
 * sealed to each guardian, who opens the keyring by their own passphrase.  This reads and writes
 * the file of those guardians; it refuses more than EMR_GUARDIANS_MAX, and a file that is not
 * whole. All functions are thread-safe. */
#pragma once

#include <stdio.h>
#include <string.h>

#include "keyring/keyring.h"

#define EMR_GUARDIANS_MAX 4
#define EMR_GUARDIAN_AS_MAX 64
#define EMR_GUARDIAN_PASSPHRASE_MAX 254 /* of what is sealed */

typedef struct emr_guardian {
	char as[EMR_GUARDIAN_AS_MAX + 1]; /* which keyring of this account opens it; "": the usual
					     one */
	emr_id32 id;
	uint8_t x25519[32]; /* of the card */
} emr_guardian;

static inline emr_guardian emr_guardian_of(const char *as, emr_id32 id, const uint8_t x25519[32])
{
	emr_guardian made = {.id = id};

	snprintf(made.as, sizeof made.as, "%s", as != NULL ? as : "");
	memcpy(made.x25519, x25519, sizeof made.x25519);
	return made;
}

/* Appends the file: PASSPHRASE sealed to each of ALL (HPKE, RFC 9180; layout: FORMAT.md).
 * EMR_INVALID: none or too many of them, or a passphrase that is longer. */
emr_status emr_guardians_seal(
	emr_bytes passphrase, const emr_guardian *all, size_t n, emr_buf *out_file);
/* Guardian I of FILE; x25519 is not in it, and zero.  EMR_NOT_FOUND: there are fewer; EMR_DAMAGED.
 */
emr_status emr_guardians_at(emr_bytes file, size_t i, emr_guardian *out);
/* The passphrase, by KR, the keyring of guardian I or the one that followed it.  OUT has room for
 * EMR_GUARDIAN_PASSPHRASE_MAX bytes of locked memory.  EMR_NOT_FOUND; EMR_DAMAGED: it is sealed to
 * somebody else. */
emr_status emr_guardians_open(
	emr_bytes file, size_t i, const emr_keyring *kr, uint8_t *out, size_t *out_len);
