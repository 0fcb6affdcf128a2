/* Some verbs must sign something themselves (inviting, adding a computer). This file opens for
 * them what they need: the keyring with its passphrase, the ledger, and this computer's copy of
 * it, without a folder; and for a folder the keyring first. */
#include "session/acting.h"

#include <string.h>

#include "kit/language.h"
#include "session/absence.h"
#include "session/keys.h"
#include "session/still.h"

void emr_acting_end(emr_acting *acting)
{
	emr_share_free(acting->share);
	emr_session_close(&acting->session);
	emr_passphrase_free(&acting->passphrase);
	emr_places_free(&acting->places);
	*acting = EMR_ACTING_NONE;
}

emr_status emr_acting_keys(emr_acting *acting, const emr_args *args, emr_problem *out_problem)
{
	emr_status status = emr_places_find(args->values[EMR_OPT_AS], &acting->places, out_problem);

	if (status == EMR_OK)
		status = emr_places_open_state(
			&acting->places, false, &acting->session.state_fd, out_problem);
	if (status == EMR_NOT_FOUND)
		emr_keys_say(acting->places.state, status, NULL, out_problem);
	if (status == EMR_OK)
		status = emr_still_refuse(acting->session.state_fd, out_problem);
	if (status == EMR_OK)
		status = emr_keys_protect(out_problem);
	return status == EMR_OK
		       ? emr_keys_open_once(acting->session.state_fd, acting->places.state,
				 args->values[EMR_OPT_PASSPHRASE_FILE], &acting->passphrase,
				 &acting->session.keyring, out_problem)
		       : status;
}

emr_status emr_acting_open(emr_acting *acting, emr_problem *out_problem)
{
	emr_session *session = &acting->session;
	emr_status status, followed;

	session->state_path = strdup(acting->places.state);
	EMR_TRY_MEMORY(session->state_path);
	EMR_TRY(emr_keyring_public(session->keyring, &session->identity));
	status = emr_session_open_copy(session, false, &followed, out_problem);
	if (status == EMR_OK)
		status = followed;
	if (status == EMR_OK)
		status = emr_share_new(&(emr_share_options){.keyring = session->keyring,
					       .ledger = session->ledger,
					       .replica = session->replica},
			&acting->share);
	if (status != EMR_OK && !out_problem->is_set &&
		!((emr_status_is_away(status) || status == EMR_DENIED) &&
			emr_absence_say_refusal(session, session->ledger, out_problem)))
		emr_problem_set_status(out_problem, status, _("The ledger"));
	return status;
}

emr_status emr_acting_forget_opened(const emr_acting *acting)
{
	return emr_replica_drop_locals(acting->session.replica);
}

emr_status emr_session_open(
	emr_session *session, const emr_session_options *options, emr_problem *out_problem)
{
	EMR_TRY(emr_keys_open(session->state_fd, session->state_path, options->passphrase_file,
		&session->keyring, out_problem));
	return emr_session_open_keyed(session, options, out_problem);
}
