/* Letters of people who have no key on the ledger yet, in a network's channel: those that the two
 * sides of an invitation leave each other where they have no directory in common, and applications
 * of organisations that want to be admitted.  They lie in a private collection, so blocks have
 * their hashes only; a member who may read the channel's private data and knows an invitation's id
 * can read them, and nothing secret is in them.  The reader of a letter must verify that it is
 * genuine.
 *
 * Threads: one at a time. */
#pragma once

#include "base/id.h"
#include "gateway/channel.h"

#define EMR_LETTER_MAX 12288 /* bytes */

typedef enum emr_letter_kind {
	EMR_LETTER_REPLY = 1,	/* of the invited; may be replaced until it is answered */
	EMR_LETTER_ANSWER,	/* of who invites: once, then the invitation is used */
	EMR_LETTER_APPLICATION, /* of an organisation, by its id: the first one stays */
} emr_letter_kind;

typedef struct emr_letters emr_letters;

/* By the settings in DIR (channel.h); KEYRING, whose certificate must be one of the channel's,
 * speaks, is borrowed and must live as long.  CAUSE as emr_channel_read. */
emr_status emr_letters_open(const char *dir, const emr_keyring *keyring, emr_letters **out,
	char *cause, size_t cause_size);
void emr_letters_close(emr_letters *letters); /* NULL is fine */
/* How long each call may take from now on (a minute, unless it is said), and what ends it before
 * when it is readable (EMR_INTERRUPTED); -1: nothing. */
void emr_letters_bound(emr_letters *letters, uint32_t timeout_ms, int cancel_fd);
/* ID is the invitation's, or the organisation's.  On the ledger when it returns EMR_OK. EMR_EXISTS:
 * the invitation was answered before, or the organisation has another application.
 * EMR_LETTERS_SPENT: as many were left today by this name as may be (contract/quota.h).
 * EMR_DENIED: the channel does not know the certificate, or it has ended. */
emr_status emr_letters_leave(
	emr_letters *letters, emr_id16 id, emr_letter_kind kind, emr_bytes letter);
/* Appends the letter.  EMR_NOT_FOUND: there is none, or the peer that was asked has not got it
 * yet. */
emr_status emr_letters_find(
	emr_letters *letters, emr_id16 invitation, emr_letter_kind kind, emr_buf *out);
typedef emr_status (*emr_letters_fn)(void *arg, emr_bytes letter);
#define EMR_LETTERS_APPLICATIONS_MAX 4096
/* The applications that lie there, the first of so many at most.  Not EMR_OK ends it. */
emr_status emr_letters_applications(emr_letters *letters, emr_letters_fn fn, void *arg);
