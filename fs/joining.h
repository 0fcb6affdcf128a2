/* The half of `init --join` that speaks with the inviting organisation. */
#pragma once

#include "cmd/message.h"
#include "keyring/invite.h"
#include "ledger/ledger.h"

/* An invitation from a file ("-": standard input), read and checked, with the directory of its network. */
typedef struct emr_joining {
	emr_buf bytes;		   /* of the invitation; secret; owned */
	emr_invitation invitation; /* borrows from them */
	const char *dir;	   /* of the network; borrowed */
} emr_joining;

/* EMR_NOT_FOUND, EMR_DAMAGED, EMR_BAD_SIGNATURE, EMR_DENIED (it ended), always with a problem. */
emr_status emr_joining_read(const char *from, emr_joining *out, emr_problem *out_problem);
void emr_joining_free(emr_joining *joining);
/* Answers the invitation, waits for the certificate, and registers KEYRING's key.  The certificate is appended for the keyring. */
emr_status emr_joining_do(const emr_joining *joining, const emr_keyring *keyring, const char *handle, const char *name,
	int64_t within_ns, emr_buf *out_cert, emr_problem *out_problem);
