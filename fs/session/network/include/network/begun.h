/* This file of the state keeps what an organisation on Fabric has made while it waits, perhaps
 * for days, until a channel's people take its CA and its members admit it: its keyring, sealed
 * with the passphrase, with certificate and description, in one file of the state. The same line
 * goes on with it; nothing else opens it, and it is no keyring of a folder. */
#pragma once

#include "keyring/keyring.h"
#include "kit/message.h"

#define EMR_STATE_BEGUN "begun"

typedef struct emr_begun {
	int state_fd;		/* borrowed, as all but what */
	const char *state_path; /* for people */
	emr_bytes passphrase;
	const emr_kdf_cost *kdf;
	emr_buf what; /* what was found or kept: the description of the network that it founds, or
			 its application; empty: nothing */
} emr_begun;

bool emr_begun_is_there(int state_fd);
/* The keyring, and begun->what.  EMR_WRONG_PASSPHRASE, EMR_DAMAGED, EMR_EXPOSED. */
emr_status emr_begun_open(emr_begun *begun, emr_keyring **out_keyring);
/* KEYRING gets CERTIFICATE and WHAT, and is safe on the disk behind this; before others hear of it.
 */
emr_status emr_begun_keep(
	emr_begun *begun, emr_keyring *keyring, emr_bytes certificate, emr_bytes what);
/* The file goes: the keyfile is in its place. */
emr_status emr_begun_forget(int state_fd);
/* That something else was begun than what is asked for now: EMR_EXISTS. */
emr_status emr_begun_say_other(const emr_begun *begun, const char *name, emr_problem *out_problem);
