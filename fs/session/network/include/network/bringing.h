/* A person's records on their way into a network, or out of one: everything is prepared in the
 * state's directory "joining", beside the old ledger, which stays the truth until one last step
 * (switching.h).  An interrupted move goes on where it was: the certificate is kept as soon as it
 * comes, and the new ledger itself says which records are there. It refuses to take along what is
 * not on the old ledger, or cannot be read. */
#pragma once

#include "kit/out.h"
#include "kit/passphrase.h"
#include "network/joining.h"
#include "session/session.h"
#include "settle/takeover.h"

typedef struct emr_bringing {
	emr_session *session; /* the old one, open for writing, its view closed; borrowed */
	emr_joining *joining; /* borrowed; NULL: out of one, to a ledger of one's own */
	emr_out *out;
	int dir_fd;	    /* of joining; -1: not open */
	emr_ledger *ledger; /* of the network, and this computer's new copy of it */
	emr_replica *replica;
	emr_facts *facts;
	emr_takeover_tally tally;
	uint64_t at_unix_s;
} emr_bringing;

#define EMR_BRINGING_NONE ((emr_bringing){.dir_fd = -1})

/* An earlier try that was interrupted left an invitation in the state. */
bool emr_bringing_is_begun(int state_fd);
/* The invitation of that try.  *OUT_IS_CERTIFIED: it was used already, so that its end does not
 * matter. */
emr_status emr_bringing_kept(int state_fd, const char *state, emr_joining *out,
	bool *out_is_certified, emr_problem *out_problem);

/* Keeps the invitation; SESSION's own network must be another one. */
emr_status emr_bringing_begin(emr_bringing *bringing, emr_problem *out_problem);
/* Certificate, registration, and the new copy of the ledger; out of a network, a ledger of one's
 * own, where HANDLE is the owner's. */
emr_status emr_bringing_register(
	emr_bringing *bringing, const char *handle, int64_t within_ns, emr_problem *out_problem);
/* Every record. */
emr_status emr_bringing_records(emr_bringing *bringing, emr_problem *out_problem);
/* For a member: a new certificate of the same key, SESSION being open on that network; nothing else
 * changes. */
emr_status emr_bringing_renew(emr_bringing *bringing, const char *handle, int64_t within_ns,
	const emr_passphrase *passphrase, const emr_kdf_cost *kdf, emr_problem *out_problem);
/* The keyfile of the new network, under the same passphrase; then everything is closed, SESSION
 * too, and takes its place. */
emr_status emr_bringing_finish(emr_bringing *bringing, const emr_passphrase *passphrase,
	const emr_kdf_cost *kdf, emr_problem *out_problem);
void emr_bringing_end(emr_bringing *bringing);
