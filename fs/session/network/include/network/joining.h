/* `init --join` and `join` answer an invitation with these functions, and wait for the certificate.
 * They refuse an invitation that ended, that is for another network, or whose answer is not what it
 * promised. */
#pragma once

#include "keyring/invite.h"
#include "kit/message.h"
#include "network/enrolling.h"
#include "ledger/ledger.h"
#include "replica/replica.h"

/* An invitation by its code (keyring/invite.h), which waits at a host, or from a file ("-":
 * standard input, which may have a code, too), read and checked, with the directory of its network:
 * one in the state of who joins (EMR_STATE_NETWORK), which is made of what the invitation carries.
 */
typedef struct emr_joining {
	emr_buf bytes;		   /* of the invitation; secret; owned */
	emr_invitation invitation; /* borrows from them */
	const char *dir;	   /* of the network; borrowed */
	char *own_dir;		   /* the same; owned */
	emr_login login; /* of the person who joins, where an authority is asked: the person's
			    words, or nothing */
} emr_joining;

/* FROM is a code, or a file.  NAMED is what --network says, or NULL: nobody is led to a socket of
 * this computer without having named it.  STATE is the path of the state of who joins.
 * EMR_NOT_FOUND, EMR_DAMAGED, EMR_BAD_SIGNATURE, EMR_DENIED (it ended), and what a host away gives;
 * always with a problem. */
emr_status emr_joining_read(const char *from, const char *named, const char *state,
	emr_joining *out, emr_problem *out_problem);
void emr_joining_free(emr_joining *joining);
/* Makes own_dir, if the state does not stand on it already. */
emr_status emr_joining_settle_in(const emr_joining *joining, emr_problem *out_problem);
/* That the network in the invitation's directory is the one it was made for.  EMR_FORK. */
emr_status emr_joining_check(const emr_joining *joining, emr_problem *out_problem);
/* Answers the invitation, and waits for the certificate, which is KEYRING's key's. */
emr_status emr_joining_ask(const emr_joining *joining, const emr_keyring *keyring,
	const char *handle, int64_t within_ns, emr_buf *out_cert, emr_problem *out_problem);
/* KEYRING gets CERTIFICATE, and its key is registered under it.  EMR_REFUSED also where it is
 * registered already: see emr_joining_register. */
emr_status emr_joining_enter(
	const emr_joining *joining, emr_keyring *keyring, emr_bytes certificate, const char *name);

/* ---- in steps that may be interrupted ---- */

/* One that was kept in DIRFD.  With MUST_BE_FRESH its end counts.  As emr_joining_read. */
emr_status emr_joining_kept(int dirfd, const char *name, const char *state, bool must_be_fresh,
	emr_joining *out, emr_problem *out_problem);
typedef struct emr_joining_keep {
	int dirfd;
	const char *name;
} emr_joining_keep;
/* The certificate as it was kept before (KEEP; NULL: it is not), or by answering the invitation;
 * kept before it leaves the mail.  An answer that is not meant for this person, or not what the
 * invitation promised, is neither kept nor waited behind.
 */
emr_status emr_joining_certificate(const emr_joining *joining, const emr_keyring *keyring,
	const char *handle, int64_t within_ns, const emr_joining_keep *keep, emr_buf *out_cert,
	emr_problem *out_problem);
/* Registers the key, or its new certificate if it is registered; nothing when it has this one.
 * LEDGER is opened with KEYRING as submitter, REPLICA is of it.  EMR_DENIED: registered for another
 * role or organisation than the invitation's.  EMR_REFUSED: emr_joining_say_refused; also of one
 * that was revoked with this certificate. */
emr_status emr_joining_register(const emr_joining *joining, const emr_keyring *keyring,
	emr_bytes cert, const char *name, emr_ledger *ledger, emr_replica *replica);
/* Why the ledger takes no key with this certificate, and who can do something about it. */
void emr_joining_say_refused(emr_problem *out_problem);

/* ---- code.c ---- */

/* Appends the invitation of CODE; NAMED is what --network says, or NULL.  Always with a problem:
 * EMR_DENIED, EMR_DAMAGED, EMR_FORK, and what a host away gives. */
emr_status emr_code_fetch(
	const emr_code *code, const char *named, emr_buf *out, emr_problem *out_problem);
bool emr_joining_is_code(const char *text);
