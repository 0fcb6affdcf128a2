/* This file is `emrfs recover`: with the 24 words it sets a new passphrase, tests the words, or
 * cuts off a lost computer: it ends the rights of all other computers and of everybody whom they
 * let in, begins new keys, and says plainly what that cannot undo. It believes words only when they
 * fit the identity that the ledger knows. */
#include <fcntl.h>
#include <inttypes.h>
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
#include "session/acting.h"
#include "share/devices.h"
#include "verbs/cmd.h"

#include "verbs_private.h"

/* ---- a computer was lost ---- */

typedef struct cutting {
	emr_acting acting; /* places and keyring are borrowed */
	emr_out *out;
	json_t *removed, *ended;
} cutting;

static void cutting_end(cutting *c)
{
	c->acting.places = (emr_places){0};
	c->acting.session.keyring = NULL;
	emr_acting_end(&c->acting);
	json_decref(c->removed);
	json_decref(c->ended);
}

static emr_status note_removed(const cutting *c, const emr_device *device)
{
	emr_say(c->out, "%s is removed: it opens nothing of what is saved from now on.\n",
		device->name);
	return json_array_append_new(c->removed, json_string(device->name)) == 0 ? EMR_OK
										 : EMR_NO_MEMORY;
}

static emr_status note_ended(const cutting *c, const emr_stranger *s)
{
	static const char *const could[] = {
		"", N_("do in your folders what you may"), N_("write there"), N_("read there")};
	char key[17];

	emr_hex(s->who.b, 8, key);
	emr_say(c->out, "key %s could %s and was not added by you: ended.\n", key,
		emr_text(could[s->kind]));
	return json_array_append_new(c->ended, json_string(key)) == 0 ? EMR_OK : EMR_NO_MEMORY;
}

/* Also what was done before an error. */
static emr_status end_rights(const cutting *c, emr_lost *out_lost)
{
	EMR_AUTO_BUF removed = {0}, ended = {0};
	emr_status status = emr_share_cut_off(c->acting.share, &removed, &ended, out_lost);

	EMR_EACH (const emr_stranger, stranger, &ended)
		EMR_TRY(note_ended(c, stranger));
	EMR_EACH (const emr_device, device, &removed)
		EMR_TRY(note_removed(c, device));
	return status;
}

static void say_cut(const cutting *c, const emr_lost *lost)
{
	if (!lost->is_first)
		emr_say(c->out, "This is not your first computer, and only that one can remove "
				"others and begin new keys. There: emrfs recover "
				"--lost\n");
	else if (json_array_size(c->removed) == 0)
		emr_say(c->out,
			"No other computer of yours is on your ledger: there is none to remove.\n");
	if (lost->epochs > 0)
		emr_say(c->out,
			"New keys begin in %" PRIu64 " of your folders: earlier letters and "
			"fragments do not open what comes now.\n",
			lost->epochs);
	else if (lost->is_first && !lost->has_others)
		emr_say(c->out,
			"Nobody else is on your ledger: nobody has keys that would have to end.\n");
}

static void say_rest(emr_out *out)
{
	emr_say(out, "What this cannot do: whoever finds out the passphrase of what you lost sees "
		     "everything that was saved until now. From "
		     "your first computer, its disk or a backup he sees later records, too, should "
		     "he get them, because all your keys come "
		     "from the same 24 words.\n"
		     "The only full remedy is a new keyring: emrfs --as new init, then copy your "
		     "records into its folder.\n");
}

/* Removes all other computers, begins new epochs where somebody else could have keys, and says what
 * remains.  Can be repeated after any interruption. */
static emr_status cut_off(const emr_places *places, int state_fd, emr_keyring *keyring,
	emr_out *out, emr_problem *out_problem)
{
	__attribute__((cleanup(cutting_end)))
	cutting c = {.acting = {.places = *places, .session = EMR_SESSION_CLOSED},
		.out = out,
		.removed = json_array(),
		.ended = json_array()};
	emr_lost lost = {0};
	emr_status status = c.removed != NULL && c.ended != NULL ? EMR_OK : EMR_NO_MEMORY;

	c.acting.session.keyring = keyring;
	c.acting.session.state_fd = dup(state_fd);
	if (status == EMR_OK)
		status = emr_acting_open(&c.acting, out_problem);
	if (status == EMR_OK)
		status = end_rights(&c, &lost);
	if (status == EMR_OK)
		status = emr_acting_forget_opened(&c.acting);
	if (status != EMR_OK) {
		if (!out_problem->is_set)
			emr_problem_set_status(out_problem, status, _("The ledger"));
		return status;
	}
	emr_out_put(out, "removed_devices", json_incref(c.removed));
	emr_out_put(out, "ended", json_incref(c.ended));
	emr_out_number(out, "epochs", lost.epochs);
	say_cut(&c, &lost);
	say_rest(out);
	return EMR_OK;
}

/* ---- recover ---- */

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
	EMR_TRY(note_tested(r, out_problem));
	emr_out_text(r->out, "state", "recovered");
	emr_say(r->out, "Your keyring has a new passphrase. Your 24 words stay the same.\n");
	emr_keys_say_backups(r->out, r->state_fd);
	return EMR_OK;
}

static emr_status recover(recovering *r, emr_problem *out_problem)
{
	EMR_TRY(keyring_of_words(r, &r->keyring, out_problem));
	return replace_passphrase(r, out_problem);
}

/* ---- --lost ---- */

/* The words are the person's, the keyring here is that of a later computer, which the passphrase
 * opens and no words do. */
static bool is_device_of(const emr_keyring *device, const emr_keyring *person)
{
	emr_public of_words;
	uint8_t owner[32];

	return emr_keyring_kind_of(device) == EMR_KEYRING_DEVICE &&
	       emr_keyring_public(person, &of_words) == EMR_OK &&
	       emr_keyring_person_pk(device, owner) == EMR_OK &&
	       memcmp(of_words.pk, owner, sizeof owner) == 0;
}

static emr_status open_device(recovering *r, emr_bytes words, emr_problem *out_problem)
{
	EMR_AUTO_KEYRING person = NULL;
	EMR_AUTO_KEYRING device = NULL;
	emr_words_problem fault = {.fault = EMR_WORDS_FINE};
	emr_problem why = {0};
	emr_status status = emr_keyring_from_words(
		words, EMR_KEYRING_PERSON, emr_clock_unix_s(emr_clock_system()), &fault, &person);

	emr_wipe(&fault, sizeof fault);
	if (status == EMR_OK)
		status = emr_keys_open(r->state_fd, r->places.state,
			r->args->values[EMR_OPT_PASSPHRASE_FILE], &device, &why);
	if (status == EMR_WRONG_PASSPHRASE) {
		*out_problem = why;
		return status;
	}
	if (status != EMR_OK || !is_device_of(device, person))
		return EMR_WRONG_WORDS;
	*out_problem = (emr_problem){0};
	r->keyring = device;
	device = NULL;
	return EMR_OK;
}

static emr_status believe_words(recovering *r, emr_problem *out_problem)
{
	const char *file = r->args->values[EMR_OPT_WORDS_FILE];
	EMR_AUTO_PASSPHRASE words = {0};
	emr_status status;
	int tries = 0;

	EMR_TRY(emr_words_get(file, &words, out_problem));
	do {
		status = emr_words_keyring(emr_passphrase_view(&words), r->state_fd,
			r->places.state, &r->keyring, out_problem);
		if (status == EMR_WRONG_WORDS)
			status = open_device(r, emr_passphrase_view(&words), out_problem);
	} while (emr_words_again(file, r->out, &tries, &status, &words, out_problem));
	return status;
}

static emr_status cut_off_lost(recovering *r, emr_problem *out_problem)
{
	const emr_session_options options = {.places = &r->places};
	EMR_AUTO_SESSION session = EMR_SESSION_CLOSED;

	if (r->args->given[EMR_OPT_TEST]) {
		return emr_wrong_use(
			"recover", _("recover takes --test or --lost, not both."), out_problem);
	}
	EMR_TRY(emr_session_lock(&session, &options, out_problem));
	EMR_TRY(emr_bureau_agree(r->args, r->out,
		_("Your passphrase is replaced, and all your other computers are removed. "
		  "Go "
		  "on (yes, no)?"),
		_("Your passphrase would be replaced, and all your other computers "
		  "removed. "
		  "Nothing was done."),
		out_problem));
	EMR_TRY(believe_words(r, out_problem));
	EMR_TRY(replace_passphrase(r, out_problem));
	return cut_off(&r->places, r->state_fd, r->keyring, r->out, out_problem);
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
	return args->given[EMR_OPT_LOST]   ? cut_off_lost(&r, out_problem)
	       : args->given[EMR_OPT_TEST] ? test_words(&r, out_problem)
					   : recover(&r, out_problem);
}
