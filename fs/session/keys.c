/* This file opens the keyfile with the passphrase. Everything that can be refused without a
 * passphrase is said before one is asked for. */
#include "session/keys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/secret.h"
#include "keyring/cert.h"
#include "keyring/letters.h"
#include "kit/language.h"
#include "kit/passphrase.h"
#include "kit/terminal.h"
#include "session/annex.h"
#include "session/second_copy.h"
#include "session/session.h"

#define GUARDIANS_FILE_MAX 4096
#define TRIES 3 /* of a person; each takes the time of a key derivation */

emr_status emr_keys_protect(emr_problem *out_problem)
{
	emr_status status = emr_base_init();

	if (status == EMR_OK)
		status = emr_process_harden();
	if (status != EMR_OK)
		emr_problem_set_status(out_problem, status, _("Protecting the process"));
	return status;
}

void emr_keys_say(
	const char *state_path, emr_status status, const char *field, emr_problem *out_problem)
{
	char file[4200];

	snprintf(file, sizeof file, "%.4000s/%s", state_path, EMR_STATE_KEYFILE);
	if (status == EMR_EXPOSED)
		emr_problem_set(out_problem, EMR_SAY_KEYFILE_EXPOSED, "file", file, NULL);
	else if (status == EMR_DAMAGED)
		emr_problem_set(out_problem, EMR_SAY_KEYFILE_DAMAGED, "field",
			field != NULL ? field : "size", "file", file, NULL);
	else if (status == EMR_NOT_FOUND)
		emr_problem_set(out_problem, EMR_SAY_NO_KEYRING, "state", state_path, NULL);
	else
		emr_problem_set_status(out_problem, status, _("The keyfile"));
}

/* KEYRING has the certificate that came (EMR_STATE_CERTIFICATE) from here on, if it is of its key
 * and ends later than its own. */
static void take_newest_certificate(int state_fd, emr_keyring *keyring)
{
	EMR_AUTO_BUF found = {0}, own = {0};
	emr_cert_facts before, facts;
	emr_public public;

	if (emr_file_read(state_fd, EMR_STATE_CERTIFICATE, EMR_CERT_CHAIN_MAX, &found) == EMR_OK &&
		emr_keyring_tlv_get(keyring, EMR_KEYRING_CERTIFICATE, &own) == EMR_OK &&
		emr_cert_read(emr_buf_view(&own), &before) == EMR_OK &&
		emr_cert_read(emr_buf_view(&found), &facts) == EMR_OK &&
		emr_keyring_public(keyring, &public) == EMR_OK &&
		facts.not_after > before.not_after &&
		memcmp(facts.spki, public.p256_spki, sizeof facts.spki) == 0)
		(void)!emr_keyring_tlv_set(keyring, EMR_KEYRING_CERTIFICATE, emr_buf_view(&found));
}

/* The keyring of a guardian, by the passphrase that was typed. */
static emr_status open_guardians(
	const emr_guardian *guardian, emr_bytes passphrase, emr_keyring **out)
{
	EMR_AUTO_PLACES places = {0};
	EMR_AUTO_FD fd = -1;
	emr_problem unsaid = {0};
	const char *field = NULL;

	EMR_TRY(emr_places_find(guardian->as[0] != '\0' ? guardian->as : NULL, &places, &unsaid));
	EMR_TRY(emr_places_open_state(&places, false, &fd, &unsaid));
	return emr_keyring_open(fd, EMR_STATE_KEYFILE, passphrase, out, &field);
}

/* A keyring that has guardians is opened by the passphrase of one of them: IO becomes its own.  As
 * it is where there are none, or it is nobody's: then it may be the keyring's own. */
static emr_status take_guardians(
	int state_fd, const char *state_path, emr_passphrase *io, emr_problem *out_problem)
{
	EMR_AUTO_BUF file = {0};
	emr_status status = emr_file_read(state_fd, EMR_STATE_GUARDIANS, GUARDIANS_FILE_MAX, &file);
	emr_guardian guardian;

	for (size_t i = 0; status == EMR_OK; i++) {
		EMR_AUTO_KEYRING keyring = NULL;

		status = emr_guardians_at(emr_buf_view(&file), i, &guardian);
		if (status == EMR_OK &&
			open_guardians(&guardian, emr_passphrase_view(io), &keyring) == EMR_OK &&
			emr_guardians_open(emr_buf_view(&file), i, keyring, io->data, &io->len) ==
				EMR_OK)
			return EMR_OK;
	}
	if (status == EMR_NOT_FOUND)
		return EMR_OK;
	return EMR_PROBLEM(
		EMR_DAMAGED, out_problem, EMR_SAY_GUARDIANS_DAMAGED, "file", state_path, NULL);
}

emr_status emr_keys_open_once(int state_fd, const char *state_path, const char *passphrase_file,
	emr_passphrase *out_passphrase, emr_keyring **out_keyring, emr_problem *out_problem)
{
	const char *field = NULL;
	emr_status status = emr_keyring_check_file(state_fd, EMR_STATE_KEYFILE, &field);

	/* Faults that need no passphrase are told before one is asked for. */
	if (status == EMR_OK)
		status = emr_passphrase_get(passphrase_file, false, out_passphrase, out_problem);
	if (status != EMR_OK && out_problem->is_set)
		return status;
	if (status == EMR_OK)
		EMR_TRY(take_guardians(state_fd, state_path, out_passphrase, out_problem));
	if (status == EMR_OK)
		status = emr_keyring_open(state_fd, EMR_STATE_KEYFILE,
			emr_passphrase_view(out_passphrase), out_keyring, &field);
	if (status == EMR_OK)
		emr_succession_finish(
			state_fd, state_path, emr_passphrase_view(out_passphrase), out_keyring);
	if (status == EMR_OK)
		take_newest_certificate(state_fd, *out_keyring);
	if (status != EMR_OK)
		emr_keys_say(state_path, status, field, out_problem);
	return status;
}

emr_status emr_keys_refuse_guardians(int state_fd, const char *verb, emr_problem *out_problem)
{
	if (faccessat(state_fd, EMR_STATE_GUARDIANS, F_OK, AT_SYMLINK_NOFOLLOW) != 0)
		return EMR_OK;
	return emr_wrong_use(verb,
		_("Guardians open this keyring, each by their own passphrase. Its own person takes "
		  "it over with the 24 words: emrfs recover --lost."),
		out_problem);
}

/* Every program of its owner may ask an open folder for something, and none for all.  A window asks
 * for one thing at a time. */
static void say_why(int state_fd, const char *passphrase_file)
{
	char folder[4200];
	emr_problem problem = {0};
	int pid = 0;

	if (!emr_passphrase_is_asked(passphrase_file) || emr_terminal_is_dialog() ||
		emr_session_holder(state_fd, folder, sizeof folder, &pid) != EMR_OK ||
		folder[0] == '\0' || pid == getpid())
		return;
	snprintf(problem.text, sizeof problem.text, "%s",
		_("This asks for your passphrase although your folder is open: your open folder "
		  "obeys every program of yours, and no program may do this alone."));
	emr_terminal_say(&problem);
}

emr_status emr_keys_open(int state_fd, const char *state_path, const char *passphrase_file,
	emr_keyring **out_keyring, emr_problem *out_problem)
{
	say_why(state_fd, passphrase_file);
	for (int tries = 1;; tries++) {
		EMR_AUTO_PASSPHRASE passphrase = {0};
		emr_status status = emr_keys_open_once(state_fd, state_path, passphrase_file,
			&passphrase, out_keyring, out_problem);

		if (status != EMR_WRONG_PASSPHRASE || tries == TRIES ||
			!emr_passphrase_is_asked(passphrase_file))
			return status;
		emr_terminal_say(out_problem);
		*out_problem = (emr_problem){0};
	}
}

void emr_keys_cost(emr_out *out, emr_keyring *keyring, const emr_kdf_cost *wanted)
{
	emr_kdf_cost cost;

	emr_keyring_cost_at_least(keyring, wanted);
	cost = emr_keyring_cost(keyring);
	if (cost.passes > wanted->passes || cost.memory_bytes > wanted->memory_bytes)
		emr_say(out,
			"A guess of the passphrase costs %u MiB and %u passes. The settings (kdf) "
			"ask for less, and cannot make it less.\n",
			(unsigned)(cost.memory_bytes >> 20), (unsigned)cost.passes);
}

void emr_keys_say_backups(emr_out *out, int state_fd)
{
	EMR_AUTO_FREE emr_second_copy *all = calloc(EMR_SECOND_COPIES_MAX, sizeof *all);
	size_t n = all != NULL ? emr_second_copies_read(state_fd, all, EMR_SECOND_COPIES_MAX) : 0;

	for (size_t i = 0; i < n; i++) {
		emr_problem remark = {0};

		if (all[i].is_gone)
			continue;
		emr_problem_set(&remark, EMR_SAY_BACKUP_OLD_KEYFILE, "dir", all[i].dir, NULL);
		emr_remark(out, &remark);
	}
}
