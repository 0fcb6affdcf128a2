/* Verbs that sign for the person beside an open folder, which signs for nobody: keyring by
 * passphrase, ledger and own copy opened once more, a handle for sharing. It refuses a keyring of
 * another network than the ledger that is there. */
#pragma once

#include "kit/out.h"
#include "kit/passphrase.h"
#include "kit/places.h"
#include "kit/verbs.h"
#include "session/session.h"
#include "share/share.h"

typedef struct emr_acting {
	emr_places places;
	emr_passphrase passphrase;
	emr_session session;
	emr_share *share;
} emr_acting;

#define EMR_ACTING_NONE ((emr_acting){.session = EMR_SESSION_CLOSED})

/* The state and the keyring; asks for the passphrase. */
emr_status emr_acting_keys(emr_acting *acting, const emr_args *args, emr_problem *out_problem);
/* Then identity, ledger, own copy (followed to its end) and handle.  It asks for nothing, and needs
 * places, state and keyring alone. */
emr_status emr_acting_open(emr_acting *acting, emr_problem *out_problem);
/* A computer was cut off: what this one keeps of keys, to open records sooner, is made again from
 * what counts now. */
emr_status emr_acting_forget_opened(const emr_acting *acting);
void emr_acting_end(emr_acting *acting);
