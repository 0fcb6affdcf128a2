/* These functions bring a new member into a network: the letters between the invited person and the
 * organisation's administrator (keyring/invite.h has the bytes), and the registration that follows.
 * They refuse replies that do not know the invitation's secret and certificates that are not what
 * was promised; it sends nothing, the caller carries the bytes. */
#pragma once

#include "base/clock.h"
#include "keyring/cert.h"
#include "keyring/invite.h"
#include "ledger/act.h"
#include "ledger/ledger.h"

/* For a person elsewhere: the invitation carries PLACE, the way to the network. */
typedef struct emr_welcome_away {
	emr_bytes place;
	emr_id16 id; /* of the invitation; zeros: a random one */
} emr_welcome_away;
/* Administrator of organisation ORG: an invitation to the network of DESCRIPTOR, for ROLES until
 * EXPIRES; URL says where the ledger is, AWAY may be NULL.  Appends its bytes; *OUT has its facts
 * (descriptor borrowed from DESCRIPTOR); wipe both.  That ORG was admitted with ADMIN's key is the
 * caller's to know. */
emr_status emr_welcome_invite(const emr_keyring *admin, emr_id16 org, emr_bytes descriptor,
	const char *url, const emr_welcome_away *away, uint16_t roles, uint64_t expires_unix_s,
	emr_buf *out_bytes, emr_invitation *out);
/* The invited: an answer, with a request for a certificate of HANDLE. */
emr_status emr_welcome_reply(const emr_keyring *invited, const emr_invitation *invitation,
	const char *handle, emr_buf *out_reply);
/* Administrator: a certificate for who answers INVITATION, in force for VALID_S, by the CA that the
 * organisation was admitted with.  HANDLE: NULL = the one that was asked for.  EMR_DAMAGED,
 * EMR_BAD_SIGNATURE: not an answer to it. */
emr_status emr_welcome_certify(const emr_keyring *admin, emr_bytes ca_der,
	const emr_invitation *invitation, emr_bytes reply, const char *handle, uint64_t now_unix_s,
	uint64_t valid_s, emr_buf *out_cert, emr_id32 *out_signer_id);
/* The invited: that CERT is for the invited key, of the inviting organisation, for the roles that
 * were promised, and in force. EMR_DAMAGED, EMR_BAD_SIGNATURE, EMR_DENIED (dates). */
emr_status emr_welcome_check(const emr_keyring *invited, const emr_invitation *invitation,
	emr_bytes cert, const emr_clock *clock);
/* The invited: that CERT is for the invited key, of the inviting organisation, and for the roles
 * that were promised; then registers the key with LEDGER, opened with the invited person's keyring
 * as submitter. Of an organisation that was admitted later the ledger knows the CA, and refuses
 * what it did not sign. NAME: how others know the person; a patient's is "". EMR_DAMAGED,
 * EMR_BAD_SIGNATURE, EMR_DENIED (dates), EMR_FORK: the ledger is another than the invitation's,
 * EMR_REFUSED. */
emr_status emr_welcome_register(const emr_keyring *invited, const emr_invitation *invitation,
	emr_bytes cert, const char *name, emr_ledger *ledger, const emr_clock *clock);
/* The invited, when the key is registered already: the same checks, then KEY_CERT with its part, to
 * be sent behind the key's row.  Roles and organisation are those of the row, or the ledger refuses
 * it. */
emr_status emr_welcome_renewal(const emr_keyring *invited, const emr_invitation *invitation,
	emr_bytes cert, const char *name, const emr_clock *clock, emr_act *out_act,
	emr_buf *out_part);
