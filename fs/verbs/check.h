/* This header declares what the parts of `emrfs check` share. They refuse to change what they
 * look at. */
#pragma once

#include "kit/out.h"
#include "kit/places.h"
#include "kit/verbs.h"

typedef struct emr_checker {
	emr_out *out;
	const emr_places *places;
	int state_fd; /* -1 = no state yet */
	json_t *checks;
	unsigned n, failed;
} emr_checker;

/* One line: MEND is for when it is not ok. */
void emr_check_note(emr_checker *c, const char *name, bool ok, const char *mend, const char *format,
	...) __attribute__((format(printf, 5, 6)));

/* One line of what nobody can see from here, or could be better: a person looks, nothing has
 * failed. */
void emr_check_warn(emr_checker *c, const char *name, const char *mend, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* check --network: the IPFS nodes of the settings, and the channel of a network on Fabric, which
 * the keyring asks. */
void emr_check_node(emr_checker *c);
void emr_check_channel(emr_checker *c, const emr_args *args);
