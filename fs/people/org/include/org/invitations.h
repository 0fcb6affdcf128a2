/* Invitations that wait at a network's host (`emrfs host`): made once, with the passphrase, and
 * kept sealed in the administrator's state until somebody came, the end, or a revocation. The
 * invited leaves a reply at the host, and gets a certificate when something of the administrator's
 * runs next: an open folder, or `emrfs invite`. It says what was invited, for one key: handle
 * and role. The host can make no reply and answer none. This refuses replies that do not know the
 * invitation's secret, and a second key. */
#pragma once

#include "keyring/invite.h"
#include "org/bureau.h"
#include "session/answer.h"

#define EMR_INVITATIONS_MAX 1000

/* INVITATION waits from here on, its secret sealed in the state, and SEALED (emr_code_seal) at the
 * host, which takes a reply until its end.  EMR_LIMIT: too many do, here or at the host;
 * EMR_OFFLINE and others: nothing is kept. */
emr_status emr_invitations_keep(const emr_bureau *bureau, const emr_invitation *invitation,
	const char *whom, emr_bytes sealed);
/* Makes one that waits, for WHOM to come as ROLES until EXPIRES (Unix seconds), and the code that
 * leads to it; both are secret.  EMR_NOT_FOUND: no host serves the network. */
emr_status emr_invitations_make(const emr_bureau *bureau, const char *whom, uint16_t roles,
	uint64_t expires, char out_code[EMR_CODE_CHARS_MAX + 1], emr_invitation *out,
	emr_problem *out_problem);
/* The same by an administrator's open folder, for `who` as `name` until `until`: {"done":true,
 * "join","id","away","organisation"}; "join" is "" where it cannot.  Without `who` it lets in who
 * came, and emits what emr_invitations_run has as {"invitations":[...]}; away: the host is. */
emr_answer_fn emr_answer_invite;
/* The key that came by the one for WHOM, until its end: a patient is called by a code elsewhere.
 * EMR_NOT_FOUND, EMR_CONFLICT: several. */
emr_status emr_invitations_given(const emr_bureau *bureau, const char *whom, emr_id32 *out);
/* Nobody can use those for WHOM any more; who comes is told.  EMR_NOT_FOUND: none waits. */
emr_status emr_invitations_withdraw(emr_bureau *bureau, const char *whom);

/* Answers who came, and gives all as a list of {"id","handle","role","expires","state","code",
 * "given"}; state: waits, let-in (has a certificate, and is not registered yet), came (and is
 * registered: once), told (of that, to another process), ended (by its date, unused; forgotten
 * then), taken (somebody else has that handle: the same). Does not wait. EMR_OFFLINE and others:
 * the host is away. */
emr_status emr_invitations_run(emr_bureau *bureau, json_t **out_list, emr_problem *out_problem);

/* HANDLE is given again after its bearer was revoked: certificates of it count that end behind
 * THROUGH, which are no earlier ones where the authority is the organisation's own. */
emr_status emr_invitations_give_again(
	emr_bureau *bureau, const char *handle, uint64_t through_unix_s, emr_problem *out_problem);
