/* These functions carry what the two sides of an invitation leave each other: letters at the host
 * that serves the network. The reader of a letter must verify that it is genuine. */
#pragma once

#include "base/bytes.h"
#include "base/id.h"
#include "keyring/keyring.h"

typedef enum emr_letter_kind {
	EMR_LETTER_REPLY = 1, /* of the invited; may be replaced until it is answered */
	EMR_LETTER_ANSWER,    /* of who invites: once, then the invitation is used */
} emr_letter_kind;

typedef struct emr_post {
	const char *dir;	    /* of the network; borrowed */
	emr_id16 id;		    /* of the invitation */
	const emr_keyring *admin;   /* who speaks there; NULL: the invited, whom it asks nothing */
	int64_t asked_ns, pause_ns; /* the host is asked more and more seldom */
} emr_post;

/* For INVITATION of the network in DIR.  ADMIN speaks for who invites; NULL: the invited.  Both are
 * borrowed. */
emr_post emr_post_of(const char *dir, emr_id16 invitation, const emr_keyring *admin);
/* By ADMIN: from here on until EXPIRES (Unix seconds) a host gives SEALED (emr_code_seal), and
 * takes a reply until its answer.  EMR_LIMIT: the host has as many invitations as it takes. */
emr_status emr_post_invite(emr_post *post, uint64_t expires, emr_bytes sealed);
/* An answer takes invitation and reply away.  EMR_EXISTS: the invitation has its answer, or its end
 * at a host, so it was used, or withdrawn. */
emr_status emr_post_put(emr_post *post, emr_letter_kind kind, emr_bytes bytes);
/* Waits for it, up to MAX bytes, and leaves it there.  EMR_TIMEOUT; EMR_LIMIT: over MAX. */
emr_status emr_post_look(
	emr_post *post, emr_letter_kind kind, size_t max, int64_t within_ns, emr_buf *out);
