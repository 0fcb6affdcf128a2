/* A file of the state keeps what somebody has made who waits, perhaps for days: an organisation
 * until a channel's people take its CA and its members admit it, an invited person until the
 * administrator signs and the words are on paper. It is the keyring, sealed with the passphrase,
 * with what goes with it. The same line goes on with it; nothing else opens it, and it is no
 * keyring of a folder. Each invitation has a file of its own, so one that nothing comes of is in
 * nobody's way. */
#pragma once

#include "keyring/keyring.h"
#include "kit/message.h"

#define EMR_STATE_BEGUN "begun"

/* In the state: begun, or begun-HASH with the SHA-256 of an invitation. */
typedef struct emr_begun_file {
	char name[sizeof EMR_STATE_BEGUN + 65];
} emr_begun_file;

typedef struct emr_begun {
	int state_fd;		/* borrowed, as all but what */
	const char *state_path; /* for people */
	emr_begun_file file;
	emr_bytes passphrase;
	const emr_kdf_cost *kdf;
	emr_buf what; /* what was found or kept: the description of the network that it founds, or
			 its application; empty: nothing */
} emr_begun;

/* For somebody alone, in place of an invitation. */
#define EMR_BEGUN_ALONE emr_bytes_of("alone", 5)
/* Of an organisation where INVITATION, the bytes of one, is empty. */
void emr_begun_name(emr_bytes invitation, emr_begun_file *out);
bool emr_begun_is_there(int state_fd, const emr_begun_file *file);
/* The keyring, and begun->what.  EMR_WRONG_PASSPHRASE, EMR_DAMAGED, EMR_EXPOSED. */
emr_status emr_begun_open(emr_begun *begun, emr_keyring **out_keyring);
/* KEYRING gets CERTIFICATE and WHAT, and is safe on the disk behind this; before others hear of it.
 */
emr_status emr_begun_keep(
	emr_begun *begun, emr_keyring *keyring, emr_bytes certificate, emr_bytes what);
/* FILE goes, or all of them where it is NULL: the keyfile is in their place. */
emr_status emr_begun_forget(int state_fd, const emr_begun_file *file);
/* That something else was begun than what is asked for now: EMR_EXISTS. */
emr_status emr_begun_say_other(const emr_begun *begun, const char *name, emr_problem *out_problem);
