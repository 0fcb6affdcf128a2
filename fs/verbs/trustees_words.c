/* This file is `emrfs trustees words`: it puts the 24 words together out of the answers of enough
 * trustees, and of agents where they have a part, or says how many are missing. */
#include "trustees.h"

#include <stdio.h>
#include <string.h>

#include "keyring/words.h"
#include "kit/language.h"
#include "kit/passphrase.h"
#include "kit/terminal.h"
#include "session/keys.h"

static emr_status add_share(const json_t *text, const trust_request *r, const emr_box_key *box,
	emr_trustee_shares *shares)
{
	EMR_AUTO_BUF sealed = {0};
	emr_status status = trust_bytes(text, &sealed);

	if (status == EMR_OK)
		status = emr_trustee_shares_add(shares, box, emr_buf_view(&r->item),
			emr_buf_view(&r->part), r->about, emr_buf_view(&sealed));
	return status == EMR_EXISTS ? EMR_OK : status;
}

static emr_status add_answer(const char *file, const trust_request *r, const emr_box_key *box,
	emr_trustee_shares *shares, emr_problem *out_problem)
{
	json_auto_t *object = NULL;
	json_t *one;
	size_t i;
	emr_status status = trust_read(file, &object);

	if (status == EMR_OK)
		status = add_share(json_object_get(object, "answer"), r, box, shares);
	/* Any agent may say something: what is no answer to this is passed over. */
	json_array_foreach(json_object_get(object, "agents"), i, one) if (status == EMR_OK)
	{
		status = add_share(one, r, box, shares);
		if (status == EMR_DAMAGED)
			status = EMR_OK;
	}
	if (status == EMR_DAMAGED)
		return EMR_PROBLEM(
			EMR_DAMAGED, out_problem, EMR_SAY_ANSWER_WRONG, "file", file, NULL);
	return status == EMR_OK ? EMR_OK : EMR_PROBLEM_STATUS(out_problem, status, file);
}

static emr_status open_shares(const emr_args *args, const trust_request *r,
	emr_trustee_shares *shares, emr_problem *out_problem)
{
	AUTO_TRUST_BOX box = NULL;
	EMR_AUTO_KEYRING keyring = NULL;
	emr_status status;

	EMR_TRY(trust_keyring(args, args->operands[1], &keyring, out_problem));
	status = emr_box_key_identity(keyring, &box);
	if (status != EMR_OK)
		return EMR_PROBLEM_STATUS(out_problem, status, args->operands[1]);
	for (size_t i = 2; i < args->n_operands; i++)
		EMR_TRY(add_answer(args->operands[i], r, box, shares, out_problem));
	return EMR_OK;
}

static emr_status count_shares(const trust_request *r, const emr_trustee_shares *shares,
	emr_out *out, emr_problem *out_problem)
{
	unsigned people = emr_trustee_shares_count(shares, false),
		 agents = emr_trustee_shares_count(shares, true);
	char have[24], need[24];

	emr_out_number(out, "answers", people);
	emr_out_number(out, "agents", agents);
	snprintf(have, sizeof have, "%u", people < r->terms.t ? people : agents);
	snprintf(need, sizeof need, "%u", people < r->terms.t ? r->terms.t : r->terms.agents_t);
	if (people < r->terms.t)
		return EMR_PROBLEM(EMR_NOT_FOUND, out_problem, EMR_SAY_ANSWERS_FEW, "n", have, "m",
			need, NULL);
	if (agents < r->terms.agents_t)
		return EMR_PROBLEM(
			EMR_NOT_FOUND, out_problem, EMR_SAY_AGENTS_FEW, "n", have, "m", need, NULL);
	return EMR_OK;
}

emr_status trust_phrase(const emr_keyring *keyring, emr_passphrase *out)
{
	EMR_AUTO_PASSPHRASE words = {0};
	char(*word)[EMR_WORD_CHARS];

	EMR_TRY(emr_passphrase_new(&words));
	EMR_TRY(emr_passphrase_new(out));
	word = (void *)words.data;
	EMR_TRY(emr_keyring_words(keyring, word));
	for (size_t i = 0; i < EMR_WORDS; i++)
		out->len += (size_t)snprintf((char *)out->data + out->len,
			EMR_PASSPHRASE_MAX - out->len, "%s%s", i > 0 ? " " : "", word[i]);
	return EMR_OK;
}

/* The passphrase of the executor's file, in one line. */
static emr_status hand_out_phrase(
	const emr_args *args, const emr_keyring *keyring, emr_out *out, emr_problem *out_problem)
{
	const char *file = args->values[EMR_OPT_WORDS_FILE];
	EMR_AUTO_PASSPHRASE phrase = {0};
	emr_status status = trust_phrase(keyring, &phrase);

	emr_say(out, "The executor's file has a passphrase of 24 words, with blanks between: "
		     "emrfs --as NAME device accept FILE, and then emrfs --as NAME passwd.\n");
	if (status == EMR_OK && file != NULL)
		return verb_write_new(file, emr_passphrase_view(&phrase), out_problem);
	if (status == EMR_OK) {
		snprintf((char *)phrase.data + phrase.len, EMR_PASSPHRASE_MAX - phrase.len, "%s",
			_("\nThen press Enter, and they leave the screen.\n"));
		status = emr_terminal_show_page((const char *)phrase.data);
	}
	return status == EMR_OK ? EMR_OK : EMR_PROBLEM_STATUS(out_problem, status, _("The words"));
}

static emr_status hand_out(
	const emr_args *args, const emr_keyring *keyring, emr_out *out, emr_problem *out_problem)
{
	const char *file = args->values[EMR_OPT_WORDS_FILE];
	emr_status status = EMR_OK;

	if (file != NULL)
		EMR_TRY(emr_words_write(keyring, file, out_problem));
	else
		status = emr_words_show(
			keyring, _("\nThen press Enter, and they leave the screen.\n"));
	if (status != EMR_OK)
		return EMR_PROBLEM_STATUS(out_problem, status, _("The words"));
	emr_say(out, "With these words: emrfs recover --lost, or at a new computer emrfs init "
		     "--restore DIR and then emrfs words renew: whoever helped could use them, "
		     "too. Then choose trustees again, and make a backup.\n");
	return EMR_OK;
}

/* For `emrfs status`, where the words are those of the keyring here. */
static emr_status note_tested(const emr_args *args, const emr_keyring *found)
{
	EMR_AUTO_PLACES places = {0};
	EMR_AUTO_FD state_fd = -1;
	EMR_AUTO_KEYRING keyring = NULL;
	EMR_AUTO_PASSPHRASE phrase = {0};
	emr_profile profile = {.name = ""};
	emr_problem unsaid = {0};

	EMR_TRY(emr_places_find(args->values[EMR_OPT_AS], &places, &unsaid));
	EMR_TRY(emr_places_open_state(&places, false, &state_fd, &unsaid));
	EMR_TRY(trust_phrase(found, &phrase));
	EMR_TRY(emr_words_keyring(
		emr_passphrase_view(&phrase), state_fd, places.state, &keyring, &unsaid));
	EMR_TRY(emr_profile_load(keyring, state_fd, &profile));
	profile.trustees_tested_unix_s = emr_clock_unix_s(emr_clock_system());
	return emr_profile_save(keyring, state_fd, &profile);
}

emr_status trust_words(const emr_args *args, emr_out *out, emr_problem *out_problem)
{
	__attribute__((cleanup(emr_trustee_shares_free))) emr_trustee_shares shares = {.n = 0};
	EMR_AUTO_KEYRING keyring = NULL;
	AUTO_TRUST_REQUEST r = {.card = {0}};
	emr_status status;

	if (args->n_operands < 3)
		return trust_wrong(_("emrfs trustees words REQUEST ANSWER..."), out_problem);
	if (args->values[EMR_OPT_WORDS_FILE] == NULL && !args->given[EMR_OPT_TEST] &&
		!emr_terminal_there())
		return EMR_PROBLEM(EMR_NOT_FOUND, out_problem, EMR_SAY_NEEDS_WORDS_FILE, NULL);
	EMR_TRY(emr_keys_protect(out_problem));
	EMR_TRY(trust_request_read(args->operands[1], &r, out_problem));
	EMR_TRY(open_shares(args, &r, &shares, out_problem));
	EMR_TRY(count_shares(&r, &shares, out, out_problem));
	status = emr_trustees_recover(&shares, emr_buf_view(&r.item), emr_buf_view(&r.part),
		emr_clock_unix_s(emr_clock_system()), &keyring);
	if (status != EMR_OK)
		return EMR_PROBLEM_STATUS(out_problem, status, args->operands[1]);
	if (!args->given[EMR_OPT_TEST])
		EMR_TRY(emr_trustees_is_executor(r.trustees.b)
				? hand_out_phrase(args, keyring, out, out_problem)
				: hand_out(args, keyring, out, out_problem));
	else
		emr_say(out,
			note_tested(args, keyring) == EMR_OK
				? N_("Enough have answered, and truly: the words are found. emrfs "
				     "status says that they were tested.\n")
				: N_("Enough have answered, and truly: the words are found.\n"));
	emr_say(out, "Delete the request, %s%s and the answers now: together they are the words.\n",
		args->operands[1], TRUSTEES_KEYRING);
	return EMR_OK;
}
