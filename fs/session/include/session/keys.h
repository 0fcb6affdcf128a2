/* The keyfile as verbs meet it: opened with a passphrase, replaced by one process at a time.
 * It refuses to ask for a passphrase before everything is said that needs none. */
#pragma once

#include "kit/out.h"
#include "kit/passphrase.h"
#include "kit/places.h"

/* Before the first secret of a process: memory that neither a core file nor a debugger of the same
 * user reads. */
emr_status emr_keys_protect(emr_problem *out_problem);
/* The problem that says STATUS of the keyfile best; FIELD is what is damaged, or NULL. */
void emr_keys_say(
	const char *state_path, emr_status status, const char *field, emr_problem *out_problem);
/* Asks for the passphrase once, as emr_keys_open does, and leaves the keyring's, also where a
 * guardian's was typed, to the caller, who saves the keyfile again. */
emr_status emr_keys_open_once(int state_fd, const char *state_path, const char *passphrase_file,
	emr_passphrase *out_passphrase, emr_keyring **out_keyring, emr_problem *out_problem);
/* Asks (see emr_passphrase_get) and opens.  A person who gave a wrong one is told, and asked again,
 * three times in all: the next line that is typed must not go to the shell.  EMR_EXPOSED,
 * EMR_DAMAGED, EMR_NEWER_FORMAT, EMR_WRONG_PASSPHRASE, and what asking gives; always with a
 * problem. */
emr_status emr_keys_open(int state_fd, const char *state_path, const char *passphrase_file,
	emr_keyring **out_keyring, emr_problem *out_problem);
/* VERB needs a passphrase that somebody knows.  EMR_INVALID: guardians open this keyring. */
emr_status emr_keys_refuse_guardians(int state_fd, const char *verb, emr_problem *out_problem);
/* A certificate that came while nobody gave a passphrase lies beside the keyfile, and is nothing
 * secret.  The keyring gets it when it is opened, if it is of its key and ends later than its own.
 */
#define EMR_STATE_CERTIFICATE "certificate"
/* A newer one of which nobody knows whether the ledger has it, and the batch that tells the ledger.
 */
#define EMR_STATE_CERTIFICATE_NEXT EMR_STATE_CERTIFICATE ".next"
#define EMR_STATE_CERTIFICATE_BATCH EMR_STATE_CERTIFICATE ".batch"
/* Before replacing the keyfile: EMR_BUSY while another process does.  Closing *out_fd lets go. */
emr_status emr_keys_lock(int state_fd, int *out_fd, emr_problem *out_problem);
/* Before it is replaced: WANTED, of the settings, becomes part of the keyring's cost, and it is
 * said when that is more than WANTED.  It never becomes less. */
void emr_keys_cost(emr_out *out, emr_keyring *keyring, const emr_kdf_cost *wanted);
/* After it was replaced: a remark for each backup that is not seen to be gone, which keeps the old
 * one. */
void emr_keys_say_backups(emr_out *out, int state_fd);
