/* Some verbs must sign something themselves (inviting, adding a computer). This file opens for
 * them what they need: the keyring with its passphrase, the ledger, and this computer's copy of
 * it. It opens no folder. */
#include "session/acting.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "gateway/channel.h"
#include "kit/language.h"
#include "session/absence.h"
#include "session/keys.h"
#include "session/session.h"
#include "session/still.h"
#include "share/devices.h"

void emr_acting_end(emr_acting *acting)
{
	emr_share_free(acting->share);
	emr_replica_close(acting->replica);
	emr_ledger_close(acting->ledger);
	emr_keyring_free(acting->keyring);
	emr_passphrase_free(&acting->passphrase);
	if (acting->state_fd >= 0)
		close(acting->state_fd);
	emr_places_free(&acting->places);
	*acting = EMR_ACTING_NONE;
}

emr_status emr_acting_keys(emr_acting *acting, const emr_args *args, emr_problem *out_problem)
{
	emr_status status = emr_places_find(args->values[EMR_OPT_AS], &acting->places, out_problem);

	if (status == EMR_OK)
		status = emr_places_open_state(
			&acting->places, false, &acting->state_fd, out_problem);
	if (status == EMR_NOT_FOUND)
		emr_keys_say(acting->places.state, status, NULL, out_problem);
	if (status == EMR_OK)
		status = emr_still_refuse(acting->state_fd, out_problem);
	if (status == EMR_OK)
		status = emr_keys_protect(out_problem);
	return status == EMR_OK ? emr_keys_open_once(acting->state_fd, acting->places.state,
					  args->values[EMR_OPT_PASSPHRASE_FILE],
					  &acting->passphrase, &acting->keyring, out_problem)
				: status;
}

static emr_status open_ledger(emr_acting *acting)
{
	EMR_AUTO_BUF known = {0};
	emr_id32 network;
	char path[4400], own[4400];
	emr_ledger_options options = {
		.path = path, .own = own, .submitter = acting->keyring, .known_hash = &network};
	emr_status status =
		emr_keyring_tlv_get(acting->keyring, EMR_KEYRING_NET_DESCRIPTOR, &known);

	if (status != EMR_OK || known.len != sizeof network.b)
		return status == EMR_OK ? EMR_DAMAGED : status;
	memcpy(network.b, known.data, sizeof network.b);
	snprintf(path, sizeof path, "%.4000s/" EMR_STATE_LEDGER, acting->places.state);
	snprintf(own, sizeof own, "%.4000s/" EMR_STATE_FABRIC, acting->places.state);
	return emr_channel_open(&options, &acting->ledger);
}

static void say_why_not(const emr_acting *acting, emr_status status, emr_problem *out_problem)
{
	emr_session here = EMR_SESSION_CLOSED;

	if (out_problem->is_set)
		return;
	here.keyring = acting->keyring;
	here.state_fd = acting->state_fd;
	here.state_path = acting->places.state;
	here.replica = acting->replica;
	if (!emr_status_is_away(status) ||
		!emr_absence_say_refusal(&here, acting->ledger, out_problem))
		emr_problem_set_status(out_problem, status, _("The ledger"));
}

emr_status emr_acting_open(emr_acting *acting, emr_problem *out_problem)
{
	emr_replica_options replica = {.state_dirfd = acting->state_fd,
		.is_mine = emr_session_is_mine,
		.is_mine_arg = acting->keyring};
	emr_share_options share = {.keyring = acting->keyring};
	emr_status status = open_ledger(acting), followed = EMR_OK;

	replica.ledger = share.ledger = acting->ledger;
	if (status == EMR_OK)
		status = emr_replica_open(&replica, &acting->replica);
	share.replica = acting->replica;
	if (status == EMR_OK)
		status = emr_share_new(&share, &acting->share);
	if (status == EMR_OK)
		status = emr_share_begin(acting->share, &followed);
	if (status == EMR_OK)
		status = followed;
	if (status != EMR_OK)
		say_why_not(acting, status, out_problem);
	return status;
}

emr_status emr_acting_forget_opened(const emr_acting *acting)
{
	return emr_replica_drop_locals(acting->replica);
}
