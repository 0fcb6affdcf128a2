/* Organisations that want to be admitted leave an application with these functions, and members
 * find it: files in the network's directory, or letters in its channel. Whether what is found is
 * genuine is for whoever reads it to judge. */
#pragma once

#include "gateway/letters.h"
#include "kit/message.h"

typedef struct emr_applications {
	const char *dir;      /* of the network; borrowed */
	emr_letters *letters; /* NULL: files */
} emr_applications;
#define EMR_AUTO_APPLICATIONS __attribute__((cleanup(emr_applications_close))) emr_applications

/* Of the network in DIR; KEYRING speaks in its channel.  Both are borrowed. */
emr_status emr_applications_open(const char *dir, const emr_keyring *keyring, emr_applications *out,
	emr_problem *out_problem);
void emr_applications_close(emr_applications *applications);
/* For ORG, whose id nobody else knows before.  EMR_EXISTS: somebody did. */
emr_status emr_applications_put(emr_applications *applications, emr_id16 org, emr_bytes bytes);
/* Every one; in a channel also those that are over. */
emr_status emr_applications_each(emr_applications *applications, emr_letters_fn fn, void *arg);
/* Files only: letters stay, and end by what is in them. */
void emr_applications_remove(const emr_applications *applications, emr_id16 org);
