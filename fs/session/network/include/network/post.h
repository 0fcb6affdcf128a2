/* These functions carry what the two sides of an invitation leave each other: letters at
 * the host that serves the network, or in the channel of one on Fabric. The reader of a letter must
 * verify that it is genuine. */
#pragma once

#include "gateway/letters.h"
#include "keyring/invite.h"
#include "kit/message.h"

typedef struct emr_post {
	const char *dir;	    /* of the network; borrowed */
	emr_id16 id;		    /* of the invitation */
	emr_letters *letters;	    /* NULL: a host has them */
	const emr_keyring *admin;   /* who speaks there; NULL: the invited, whom it asks nothing */
	emr_keyring *guest;	    /* who speaks for the invited in a channel */
	int64_t asked_ns, pause_ns; /* the channel is asked more and more seldom */
} emr_post;
#define EMR_AUTO_POST __attribute__((cleanup(emr_post_close))) emr_post

/* For INVITATION of the network in DIR.  ADMIN speaks for who invites; NULL: the guest of the
 * invitation.  Both are borrowed. */
emr_status emr_post_open(const char *dir, const emr_invitation *invitation,
	const emr_keyring *admin, emr_post *out, emr_problem *out_problem);
void emr_post_close(emr_post *post);
/* By ADMIN: from here on until EXPIRES (Unix seconds) a host gives SEALED (emr_code_seal), and
 * takes a reply until its answer.  EMR_LIMIT: the host has as many invitations as it takes. */
emr_status emr_post_invite(emr_post *post, uint64_t expires, emr_bytes sealed);
/* An answer takes invitation and reply away.  EMR_EXISTS: the invitation has its answer, or its end
 * at a host, so it was used, or withdrawn. */
emr_status emr_post_put(emr_post *post, emr_letter_kind kind, emr_bytes bytes);
/* Waits for it, up to MAX bytes, and leaves it there.  EMR_TIMEOUT; EMR_LIMIT: over MAX. */
emr_status emr_post_look(
	emr_post *post, emr_letter_kind kind, size_t max, int64_t within_ns, emr_buf *out);
/* The reply counts no more: in its place comes an empty one, which who invites passes over (one
 * byte).  EMR_EXISTS: it has been answered at the last moment. */
emr_status emr_post_take_back(emr_post *post);
