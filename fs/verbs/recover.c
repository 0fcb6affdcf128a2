/* This file is `emrfs recover`: with the 24 words it sets a new passphrase, or tests the words, or
 * lets new ones follow them. It believes words only when they fit the identity that the ledger
 * knows. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "keyring/coowned.h"
#include "keyring/words.h"
#include "kit/language.h"
#include "kit/passphrase.h"
#include "kit/terminal.h"
#include "kit/text.h"
#include "org/bureau.h"
#include "session/keys.h"
#include "session/session.h"
#include "verbs/cmd.h"

#include "verbs_private.h"

typedef struct recovering {
	const emr_args *args;
	emr_out *out;
	emr_places places;
	emr_settings settings;
	int state_fd, lock_fd;
	emr_keyring *keyring;
} recovering;

static void recovering_end(recovering *r)
{
	emr_keyring_free(r->keyring);
	if (r->lock_fd >= 0)
		close(r->lock_fd);
	if (r->state_fd >= 0)
		close(r->state_fd);
	emr_settings_free(&r->settings);
	emr_places_free(&r->places);
}

/* ---- the day it was done ---- */

/* Sealed with the name, so that nobody else can set it. */
static emr_status note_tested(recovering *r, emr_problem *out_problem)
{
	emr_profile profile = {.name = ""};
	char at[EMR_TEXT_BYTES];
	emr_status status = emr_profile_load(r->keyring, r->state_fd, &profile);

	if (status != EMR_OK && status != EMR_NOT_FOUND && status != EMR_DAMAGED)
		return EMR_PROBLEM_STATUS(out_problem, status, _("The profile"));
	profile.words_tested_unix_s = emr_clock_unix_s(emr_clock_system());
	status = emr_profile_save(r->keyring, r->state_fd, &profile);
	if (status != EMR_OK)
		return EMR_PROBLEM_STATUS(out_problem, status, _("The profile"));
	emr_time_json((int64_t)profile.words_tested_unix_s, at);
	emr_out_text(r->out, "words_tested_at", at);
	return EMR_OK;
}

static emr_status keyring_of_words(
	recovering *r, emr_keyring **out_keyring, emr_problem *out_problem)
{
	const char *file = r->args->values[EMR_OPT_WORDS_FILE];
	EMR_AUTO_PASSPHRASE words = {0};
	emr_status status;
	int tries = 0;

	EMR_TRY(emr_words_get(file, &words, out_problem));
	do
		status = emr_words_keyring(emr_passphrase_view(&words), r->state_fd,
			r->places.state, out_keyring, out_problem);
	while (emr_words_again(file, r->out, &tries, &status, &words, out_problem));
	return status;
}

/* ---- --test ---- */

/* Of a ledger with several members the words must be those of this keyring. */
static emr_status compare_all(recovering *r, emr_problem *out_problem)
{
	EMR_AUTO_KEYRING other = NULL;
	emr_public mine, theirs;
	emr_status status;

	EMR_TRY(keyring_of_words(r, &other, out_problem));
	status = emr_keyring_public(r->keyring, &mine);
	if (status == EMR_OK)
		status = emr_keyring_public(other, &theirs);
	if (status != EMR_OK)
		return EMR_PROBLEM_STATUS(out_problem, status, _("The keyring"));
	if (memcmp(mine.pk, theirs.pk, sizeof mine.pk) == 0)
		return EMR_OK;
	return EMR_PROBLEM(EMR_WRONG_WORDS, out_problem, EMR_SAY_WORDS_STRANGE, NULL);
}

static emr_status test_words(recovering *r, emr_problem *out_problem)
{
	bool has_file = r->args->values[EMR_OPT_WORDS_FILE] != NULL;

	/* Said before the passphrase is asked for. */
	if (!has_file && !emr_terminal_there())
		return EMR_PROBLEM(EMR_NOT_FOUND, out_problem, EMR_SAY_NEEDS_WORDS, NULL);
	EMR_TRY(emr_keys_open(r->state_fd, r->places.state,
		r->args->values[EMR_OPT_PASSPHRASE_FILE], &r->keyring, out_problem));
	EMR_TRY(has_file ? compare_all(r, out_problem)
			 : emr_words_ask_back(r->keyring, r->out, out_problem));
	EMR_TRY(note_tested(r, out_problem));
	emr_out_text(r->out, "state", "tested");
	emr_say(r->out, "Your words are right. Keep them where they are.\n");
	return EMR_OK;
}

/* ---- a new passphrase ---- */

/* With r->keyring. */
static emr_status replace_passphrase(recovering *r, emr_problem *out_problem)
{
	EMR_AUTO_PASSPHRASE passphrase = {0};
	emr_profile profile = {.name = ""};
	emr_status status;

	(void)!emr_profile_load(r->keyring, r->state_fd, &profile);
	emr_passphrase_is_of(profile.name, profile.born);
	EMR_TRY(emr_passphrase_get_replacement(
		r->args->values[EMR_OPT_NEW_PASSPHRASE_FILE], &passphrase, out_problem));
	emr_keys_cost(r->out, r->keyring, &r->settings.kdf);
	status = emr_keyring_save(r->keyring, r->state_fd, EMR_STATE_KEYFILE,
		emr_passphrase_view(&passphrase), &r->settings.kdf);
	if (status != EMR_OK)
		return EMR_PROBLEM_STATUS(out_problem, status, _("The keyfile"));
	/* Those who have the words have the keyring. */
	if (unlinkat(r->state_fd, EMR_STATE_GUARDIANS, 0) == 0)
		emr_say(r->out, "Guardians open it here no more. By older backups they do until "
				"new words are in force (emrfs words renew).\n");
	emr_say(r->out, "Your keyring has a new passphrase.\n");
	if (r->args->given[EMR_OPT_LOST])
		return EMR_OK;
	EMR_TRY(note_tested(r, out_problem));
	emr_out_text(r->out, "state", "recovered");
	emr_say(r->out, "Your 24 words stay the same.\n");
	emr_keys_say_backups(r->out, r->state_fd);
	return EMR_OK;
}

static emr_status recover(recovering *r, emr_problem *out_problem)
{
	EMR_TRY(keyring_of_words(r, &r->keyring, out_problem));
	return replace_passphrase(r, out_problem);
}

/* A computer is in other hands: what it has is to open nothing new. */
static emr_status recover_lost(recovering *r, emr_problem *out_problem)
{
	emr_args renewal = *r->args;

	renewal.values[EMR_OPT_PASSPHRASE_FILE] = r->args->values[EMR_OPT_NEW_PASSPHRASE_FILE];
	renewal.values[EMR_OPT_WORDS_FILE] = r->args->values[EMR_OPT_CARD_FILE];
	EMR_TRY(emr_words_may_renew(renewal.values[EMR_OPT_WORDS_FILE], r->state_fd, out_problem));
	EMR_TRY(recover(r, out_problem));
	close(r->lock_fd);
	r->lock_fd = -1;
	return emr_words_renew(&renewal, r->out, out_problem);
}

static emr_status prepare(recovering *r, emr_problem *out_problem)
{
	EMR_TRY(emr_places_find(r->args->values[EMR_OPT_AS], &r->places, out_problem));
	EMR_TRY(emr_settings_read(&r->places, &r->settings, out_problem));
	EMR_TRY(emr_keys_protect(out_problem));
	EMR_TRY(emr_places_open_state(&r->places, false, &r->state_fd, out_problem));
	/* The keyfile may be lost: the ledger is what words are compared with. */
	if (faccessat(r->state_fd, EMR_STATE_LEDGER, F_OK, AT_SYMLINK_NOFOLLOW) != 0 &&
		faccessat(r->state_fd, EMR_STATE_OWN_COPY, F_OK, AT_SYMLINK_NOFOLLOW) != 0)
		return EMR_PROBLEM(EMR_NOT_FOUND, out_problem, EMR_SAY_NO_KEYRING, "state",
			r->places.state, NULL);
	return emr_keys_lock(r->state_fd, &r->lock_fd, out_problem);
}

emr_status emr_cmd_recover(const emr_args *args, emr_out *out, emr_problem *out_problem)
{
	__attribute__((cleanup(recovering_end)))
	recovering r = {.args = args, .out = out, .state_fd = -1, .lock_fd = -1};

	EMR_TRY(prepare(&r, out_problem));
	return args->given[EMR_OPT_TEST]   ? test_words(&r, out_problem)
	       : args->given[EMR_OPT_LOST] ? recover_lost(&r, out_problem)
					   : recover(&r, out_problem);
}
