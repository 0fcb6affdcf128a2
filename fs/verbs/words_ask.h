/* The 24 words as a person gives them: from a file or the terminal, compared with what a ledger
 * knows. It refuses words that fit no identity there, and says which one is wrong where it can. */
#pragma once

#include "keyring/keyring.h"
#include "kit/out.h"
#include "kit/passphrase.h"

/* FILE (0600; as init wrote it, or just the words), or NULL: the terminal, in one line or several.
 */
emr_status emr_words_get(const char *file, emr_passphrase *out_text, emr_problem *out_problem);
/* The keyring of TEXT, complete: identity, device, network and certificate as the state in STATE_FD
 * (ledger and blocks) has them.  EMR_WRONG_WORDS. */
emr_status emr_words_keyring(emr_bytes text, int state_fd, const char *state_path,
	emr_keyring **out_keyring, emr_problem *out_problem);
/* After words that fit nobody (PROBLEM): where they were typed (FILE is NULL) PROBLEM is said and
 * TEXT asked for anew, twice at most, counted in *tries (0 at first).  False when it is over, with
 * *status and PROBLEM as they were, or why nothing could be asked. */
bool emr_words_again(const char *file, emr_out *out, int *tries, emr_status *status,
	emr_passphrase *text, emr_problem *problem);
/* Asks for three of the keyring's words on the terminal, three times each.  EMR_WRONG_WORDS,
 * EMR_NOT_FOUND (no terminal). */
emr_status emr_words_ask_back(const emr_keyring *keyring, emr_out *out, emr_problem *out_problem);
