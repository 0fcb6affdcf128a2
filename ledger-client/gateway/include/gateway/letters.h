/* Letters that the two sides of an invitation leave each other in a network's channel, where they
 * have no directory in common.  They lie in a private collection, so blocks have their hashes only;
 * whoever may read the channel's private data and knows an invitation's id can read them, and
 * nothing secret is in them.  Whether a letter is genuine is for whoever reads it to verify.
 *
 * Threads: one at a time. */
#pragma once

#include "base/id.h"
#include "gateway/channel.h"

#define EMR_LETTER_MAX 12288 /* bytes */

typedef enum emr_letter_kind {
	EMR_LETTER_REPLY = 1, /* of the invited; may be replaced until it is answered */
	EMR_LETTER_ANSWER,    /* of who invites: once, then the invitation is used */
} emr_letter_kind;

typedef struct emr_letters emr_letters;

/* By the settings in DIR (channel.h); KEYRING, whose certificate must be one of the channel's,
 * speaks, is borrowed and must live as long.  CAUSE as emr_channel_read. */
emr_status emr_letters_open(const char *dir, const emr_keyring *keyring, emr_letters **out,
	char *cause, size_t cause_size);
void emr_letters_close(emr_letters *letters); /* NULL is fine */
/* On the ledger when it returns EMR_OK.  EMR_EXISTS: the invitation was answered before.
 * EMR_DENIED: the channel does not know the certificate, or it has ended. */
emr_status emr_letters_leave(
	emr_letters *letters, emr_id16 invitation, emr_letter_kind kind, emr_bytes letter);
/* Appends the letter.  EMR_NOT_FOUND: there is none, or the peer that was asked has not got it
 * yet. */
emr_status emr_letters_find(
	emr_letters *letters, emr_id16 invitation, emr_letter_kind kind, emr_buf *out);
/* What the gateway said of the last call that failed; "" when it said nothing.  Not to be
 * believed. */
const char *emr_letters_said(const emr_letters *letters);
