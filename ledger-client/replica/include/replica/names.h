/* The holder of a key is called by the certificate that the organisation's authority gave, as it
 * was at the time of each deed. The bearer's words beside it are kept apart as the bearer's own,
 * and stand nowhere in the place of a name. It refuses to call two alike: a name that another
 * person of the organisation has or had, or could be taken for, is followed by the code of the key.
 * A code never changes by what others register later.
 *
 * Any thread. The compared names are read once and again when keys or organisations have changed:
 * about 0.1 ms for each certificate that the ledger knows. */
#pragma once

#include <string.h>

#include "keyring/card.h"
#include "keyring/cert.h"
#include "replica/people.h"

/* At least so many name somebody to whom something is given or from whom it is taken: 130 bits.
 * A key that begins like another's takes 2^40 attempts for eight letters, which is days of one
 * computer, and here 2^130 divided by the number of keys that would do: more than it takes to forge
 * the signature of an Ed25519 key, so the code is never the weaker of the two. */
#define EMR_KEY_CODE_NAMES 26

#define EMR_KNOWN_NAME_MAX (EMR_CERT_HANDLE_MAX + EMR_KEY_CODE_MAX + 3)

/* A patient's certificate says no name: only this, and the beginning of her key's code. */
static inline bool emr_handle_names_nobody(const char *handle)
{
	return strncmp(handle, "patient-", 8) == 0 && strlen(handle) == 8 + EMR_KEY_CODE_SHOWN;
}

typedef struct emr_known_name {
	char handle[EMR_CERT_HANDLE_MAX + 1]; /* the certificate's common name, to be compared */
	char shown[EMR_KNOWN_NAME_MAX + 1]; /* the shown name, "lima" or "lima (I7Z4KQ2M)"; "" when
					       no certificate of the key is here */
	char says[256];	 /* the holder's own words, as they can be shown; "" when they say nothing
			    else */
	bool is_alone;	 /* nobody else of the organisation can be meant by `handle` */
	unsigned number; /* 1: nobody of the network was called so before; 2 and more: others were.
			    It never changes by what comes later. 0: the name does not tell whose it
			    is, also with a number (another script, a word of emrfs) */
	uint64_t from_seq;  /* it is so for entries from this one on */
	uint64_t until_seq; /* and before this one */
} emr_known_name;

/* Of the key SIGNER by the certificate that counted in entry SEQ (UINT64_MAX: the newest); after a
 * change of keys also one of those before.  A computer is called by its own certificate, if it has
 * one.  EMR_NOT_FOUND: the ledger does not know the key; EMR_NO_MEMORY, EMR_IO, EMR_DAMAGED. */
emr_status emr_replica_name(
	emr_replica *replica, emr_id32 signer, uint64_t seq, emr_known_name *out);
/* The code of the key ID that people see: EMR_KEY_CODE_SHOWN letters, and more only where a key
 * that was registered before it begins so, too. */
emr_status emr_replica_code(emr_replica *replica, emr_id32 id, char out[EMR_KEY_CODE_MAX + 1]);
/* Whether TEXT is that, in either case, and long enough to name somebody. */
bool emr_key_code_names(emr_id32 id, const char *text);

/* Letters and digits of TEXT, in lower case and without accents of Latin-1; at most SIZE - 1 bytes.
 */
void emr_name_fold(const char *text, char *out, size_t size);
/* Writes a bearer's own words, or "" when they are not fit to be shown or repeat NAME; brackets,
 * which mark such words, become "_". At most SIZE - 1 bytes. */
void emr_name_says(emr_bytes word, const char *name, char *out, size_t size);
