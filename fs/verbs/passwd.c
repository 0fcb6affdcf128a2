/* This file is `emrfs passwd`: it gives the keyring a new passphrase. The old keyfile stays in
 * force until the new one is whole on the disk. */
#include <unistd.h>

#include "kit/passphrase.h"
#include "kit/language.h"
#include "network/begun.h"
#include "session/keys.h"
#include "session/session.h"
#include "verbs/cmd.h"

/* The state's own lock is not needed: the keyfile is replaced in one step, and whoever has the
 * folder open does not read it again. */
static emr_status change(const emr_args *args, emr_out *out, const emr_places *places,
	const emr_settings *settings, emr_problem *out_problem)
{
	EMR_AUTO_FD state_fd = -1;
	EMR_AUTO_FD lock_fd = -1;
	EMR_AUTO_KEYRING keyring = NULL;
	EMR_AUTO_PASSPHRASE passphrase = {0};
	emr_profile profile = {.name = ""};
	emr_status status, loaded;

	EMR_TRY(emr_places_open_state(places, false, &state_fd, out_problem));
	EMR_TRY(emr_keys_refuse_guardians(state_fd, "passwd", out_problem));
	EMR_TRY(emr_keys_lock(state_fd, &lock_fd, out_problem));
	EMR_TRY(emr_keys_open(state_fd, places->state, args->values[EMR_OPT_PASSPHRASE_FILE],
		&keyring, out_problem));
	loaded = emr_profile_load(keyring, state_fd, &profile);
	emr_passphrase_is_of(profile.name, profile.born);
	EMR_TRY(emr_passphrase_get_replacement(
		args->values[EMR_OPT_NEW_PASSPHRASE_FILE], &passphrase, out_problem));
	emr_keys_cost(out, keyring, &settings->kdf);
	status = emr_keyring_save(keyring, state_fd, EMR_STATE_KEYFILE,
		emr_passphrase_view(&passphrase), &settings->kdf);
	if (status != EMR_OK)
		emr_problem_set_status(out_problem, status, _("The keyfile"));
	else
		emr_keys_say_backups(out, state_fd);
	/* It has the cost, too.  Where there is none that opens, words will make it the usual one.
	 */
	if (status == EMR_OK && loaded == EMR_OK)
		(void)!emr_profile_save(keyring, state_fd, &profile);
	/* Of an organisation that was made while the computer lost its power: the old passphrase
	 * opens it, too. */
	if (status == EMR_OK)
		(void)!emr_begun_forget(state_fd, NULL);
	return status;
}

emr_status emr_cmd_passwd(const emr_args *args, emr_out *out, emr_problem *out_problem)
{
	EMR_AUTO_PLACES places = {0};
	EMR_AUTO_SETTINGS settings = {0};

	EMR_TRY(emr_places_find(args->values[EMR_OPT_AS], &places, out_problem));
	EMR_TRY(emr_settings_read(&places, &settings, out_problem));
	EMR_TRY(emr_keys_protect(out_problem));
	EMR_TRY(change(args, out, &places, &settings, out_problem));
	emr_say(out, "The passphrase is changed. Your 24 words stay the same.\n");
	return EMR_OK;
}
