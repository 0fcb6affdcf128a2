/* This file is `emrfs init --restore`: it brings everything back from a backup, opens it as
 * after a crash, and looks at it before it gets its place. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "kit/language.h"
#include "kit/terminal.h"
#include "kit/text.h"
#include "session/keys.h"
#include "session/second_copy.h"
#include "store/car_store.h"

#include "init_restore_private.h"

static void restoring_end(restoring *r)
{
	emr_restored_blocks_free(&r->blocks);
	emr_session_close(&r->session);
	if (r->own_dir_made && !r->stage.is_whole)
		(void)!emr_stage_remove_tree(r->stage.state_fd, EMR_STATE_NETWORK);
	emr_stage_end(&r->stage, r->out);
	emr_backup_manifest_free(&r->list);
	emr_passphrase_free(&r->words);
	emr_passphrase_free(&r->passphrase);
	emr_settings_free(&r->settings);
	emr_places_free(&r->places);
	free(r->dir);
}

/* ---- the files ---- */

static void show_progress(void *arg, uint64_t done, uint64_t total)
{
	const restoring *r = arg;

	if (r->is_brought)
		emr_progress_of(r->out, "Checked", EMR_PROGRESS_RECORDS, done, total);
	else
		emr_progress_of(r->out, "Restored", EMR_PROGRESS_BYTES, done, total);
}

/* The list, and whether there is room for what it names. */
static emr_status look_at_backup(restoring *r, emr_problem *out_problem)
{
	EMR_AUTO_MANIFEST list = {0};
	struct statvfs disk;
	uint64_t needed, there;
	char n[EMR_TEXT_BYTES], m[EMR_TEXT_BYTES];
	emr_status status = emr_backup_list(r->dir, &list);

	if (status == EMR_OK && fstatvfs(r->stage.state_fd, &disk) != 0)
		status = EMR_IO;
	if (status != EMR_OK) {
		init_restore_say(r, status, out_problem);
		return status;
	}
	needed = emr_backup_manifest_bytes(&list);
	there = (uint64_t)disk.f_bavail * disk.f_frsize;
	if (there >= needed)
		return EMR_OK;
	emr_size_text(needed, n);
	emr_size_text(there, m);
	return EMR_PROBLEM(EMR_NO_SPACE, out_problem, EMR_SAY_BACKUP_SPACE, "dir", r->places.state,
		"n", n, "m", m, NULL);
}

/* ---- the keys ---- */

/* On a terminal it is asked; elsewhere a file of words says it. */
static emr_status choose_keys(restoring *r, emr_problem *out_problem)
{
	const char *file = r->args->values[EMR_OPT_WORDS_FILE];
	const char *program = getenv("EMRFS_ASKPASS");
	bool may_ask = file == NULL && r->args->values[EMR_OPT_PASSPHRASE_FILE] == NULL &&
		       (program == NULL || program[0] == '\0' || emr_terminal_is_dialog()) &&
		       !r->args->given[EMR_OPT_YES] && emr_terminal_there();
	bool has_passphrase = true;
	emr_status status = EMR_OK;

	if (may_ask)
		status = emr_terminal_ask_yes(
			"Do you have the passphrase (yes), or the 24 words (no)?", &has_passphrase);
	r->by_words = file != NULL || !has_passphrase;
	if (status == EMR_OK && r->by_words)
		status = emr_words_get(file, &r->words, out_problem);
	if (status != EMR_OK && !out_problem->is_set)
		emr_problem_set_status(out_problem, status, _("The answer"));
	return status;
}

static emr_status open_keyfile(restoring *r, emr_problem *out_problem)
{
	if (faccessat(r->session.state_fd, EMR_STATE_KEYFILE, F_OK, AT_SYMLINK_NOFOLLOW) != 0)
		return EMR_PROBLEM(
			EMR_DAMAGED, out_problem, EMR_SAY_BACKUP_KEYFILE, "dir", r->dir, NULL);
	return emr_keys_open(r->session.state_fd, r->session.state_path,
		r->args->values[EMR_OPT_PASSPHRASE_FILE], &r->session.keyring, out_problem);
}

static emr_status open_words(restoring *r, emr_problem *out_problem)
{
	return emr_words_keyring(emr_passphrase_view(&r->words), r->session.state_fd,
		r->session.state_path, &r->session.keyring, out_problem);
}

/* Before the segments come; then the new passphrase, too, so that nobody has to wait for the
 * question. */
static emr_status check_keys(void *arg)
{
	restoring *r = arg;
	emr_status status;
	int tries = 0;

	emr_progress_end(r->out);
	if (!r->by_words)
		return open_keyfile(r, &r->keys_problem);
	do
		status = open_words(r, &r->keys_problem);
	while (emr_words_again(r->args->values[EMR_OPT_WORDS_FILE], r->out, &tries, &status,
		&r->words, &r->keys_problem));
	if (status != EMR_OK)
		return status;
	/* Once more later: whose device this is the segments tell. */
	emr_keyring_free(r->session.keyring);
	r->session.keyring = NULL;
	return emr_passphrase_get(
		r->args->values[EMR_OPT_PASSPHRASE_FILE], true, &r->passphrase, &r->keys_problem);
}

static emr_status open_keys(restoring *r, emr_problem *out_problem)
{
	emr_status status;

	if (!r->by_words)
		return EMR_OK;
	EMR_TRY(open_words(r, out_problem));
	emr_keys_cost(r->out, r->session.keyring, &r->settings.kdf);
	status = emr_keyring_save(r->session.keyring, r->session.state_fd, EMR_STATE_KEYFILE,
		emr_passphrase_view(&r->passphrase), &r->settings.kdf);
	if (status != EMR_OK)
		return EMR_PROBLEM_STATUS(out_problem, status, _("The keyfile"));
	/* As with recover. */
	if (unlinkat(r->session.state_fd, EMR_STATE_GUARDIANS, 0) == 0)
		emr_say(r->out, "Guardians open it here no more. By older backups they do until "
				"new words are in force (emrfs words renew).\n");
	return EMR_OK;
}

/* ---- all of it ---- */

static emr_status bring_files(restoring *r, emr_problem *out_problem)
{
	emr_backup_options options = {.progress = show_progress,
		.found = init_restore_found,
		.before_segments = check_keys,
		.arg = r};
	emr_status status;

	EMR_TRY(emr_stage_make(&r->stage, &r->places, &r->session, out_problem));
	status = emr_backup_restore(r->dir, r->session.state_fd, &options, &r->list);
	emr_progress_end(r->out);
	r->is_brought = status == EMR_OK;
	if (status != EMR_OK && r->keys_problem.is_set)
		*out_problem = r->keys_problem;
	else if (status != EMR_OK)
		init_restore_say(r, status, out_problem);
	return status;
}

/* ---- what the backup said it has ---- */

/* Those that were not whole in the backup come from the network, if it answers. */
static emr_status count_missing(const restoring *r, uint64_t *out_n, uint64_t *out_first)
{
	EMR_AUTO_BUF domains = {0};
	emr_status status;

	EMR_TRY(emr_replica_missing(r->session.replica, out_n, out_first));
	if (*out_n == 0 || !r->has_copy)
		return EMR_OK;
	status = emr_replica_own_domains(r->session.replica, &domains);
	EMR_EACH (const emr_id16, domain, &domains)
		status = status == EMR_OK ? emr_replica_adopt(r->session.replica, *domain, NULL)
					  : status;
	return emr_replica_missing(r->session.replica, out_n, out_first);
}

/* Missing blocks are said here, and not when a file is opened. */
static emr_status look_for_gaps(restoring *r)
{
	uint64_t parts = 0, first = 0;
	char what[160];
	emr_status status = count_missing(r, &parts, &first);

	if (status == EMR_OK && parts > 0) {
		snprintf(what, sizeof what,
			_("the sealed data of %llu items is gone, the first of entry %llu: what "
			  "they "
			  "belong to cannot be opened"),
			(unsigned long long)parts, (unsigned long long)first);
		init_restore_found(r, "ledger/ledger.sqlite", what);
	}
	if (status == EMR_OK)
		status = emr_restored_blocks_bring(
			&r->session, &r->blocks, show_progress, r, &r->found);
	emr_progress_end(r->out);
	return status == EMR_OK ? emr_restored_blocks_done(&r->session, &r->blocks, &r->found)
				: status;
}

/* Where what was verified of it came along, a network is asked nothing: the mount follows it, and
 * knows before that what to keep of it.  The entries before a damaged one open, for reading only,
 * where they are more than the owner's key.
 */
static emr_status follow(restoring *r)
{
	emr_replica_trouble trouble = {0};
	emr_problem ignored = {0};
	emr_status status = EMR_OK;

	if (!r->has_copy)
		(void)!emr_session_begin(&r->session, &status, &ignored);
	emr_replica_last_trouble(r->session.replica, &trouble);
	if (status != EMR_DAMAGED || r->is_of_network || r->n_found == 0 || trouble.seq < 2)
		return status;
	emr_say(r->out,
		"ledger/ledger.sqlite: what entry %llu and later ones say is not known, and the "
		"folder opens for reading only\n",
		(unsigned long long)trouble.seq);
	return EMR_OK;
}

/* As a mount would; the ledger is followed and verified from its first entry. */
static emr_status prove(restoring *r, emr_problem *out_problem)
{
	emr_public identity;
	emr_status status;

	status = emr_session_open_parts(&r->session, out_problem);
	if (status != EMR_OK && r->is_of_network)
		return status;
	if (status == EMR_OK)
		status = follow(r);
	if (status == EMR_OK)
		status = look_for_gaps(r);
	if (status == EMR_OK)
		status = emr_keyring_public(r->session.keyring, &identity);
	if (status != EMR_OK && r->is_of_network)
		return EMR_PROBLEM_STATUS(out_problem, status, _("The ledger of your network"));
	if (status != EMR_OK) /* another sentence would name a directory that is gone by then */
		return EMR_PROBLEM(status, out_problem, EMR_SAY_RESTORE_UNOPENED, "dir", r->dir,
			"cause", emr_text(emr_status_text(status)), NULL);
	r->signer_id = identity.signer_id;
	/* A lost profile costs a name on the screen, not the records. */
	(void)!emr_profile_load(r->session.keyring, r->session.state_fd, &r->profile);
	return EMR_OK;
}

static emr_status finish(restoring *r, emr_problem *out_problem)
{
	emr_second_copy note = {
		.is_known = true, .made_unix_s = r->list.made_unix_s, .entries = r->list.entries};
	emr_status status = EMR_OK;

	strncat(note.dir, r->dir, sizeof note.dir - 1);
	if (r->by_words) {
		r->profile.words_tested_unix_s = emr_clock_unix_s(emr_clock_system());
		status = emr_profile_save(r->session.keyring, r->session.state_fd, &r->profile);
	}
	if (status == EMR_OK && r->n_found == 0) /* a damaged one is no second copy */
		status = emr_second_copy_write(r->session.state_fd, &note);
	if (status == EMR_OK) {
		emr_second_copy_read(r->session.state_fd, &note);
		r->has_second_copy = note.is_known;
	}
	/* Everything is closed before it moves. */
	emr_session_close(&r->session);
	if (status == EMR_OK)
		status = emr_stage_move_in(&r->stage);
	if (status != EMR_OK)
		emr_problem_set_status(out_problem, status, r->places.state);
	return status;
}

/* Faults found in the copy and blocks that are nowhere are two things: the first may be whole here.
 */
static int say_damage(restoring *r)
{
	emr_problem damage = {0};
	char n[EMR_TEXT_BYTES], m[EMR_TEXT_BYTES];

	if (r->n_found == 0 && r->found.lacking == 0)
		return EMR_EXIT_DONE;
	emr_number_text(r->n_found, n);
	if (r->n_found > 0)
		emr_problem_set(&damage, EMR_SAY_RESTORE_DAMAGE, "n", n, "dir", r->dir, NULL);
	if (r->found.lacking == 0)
		return emr_out_fail(r->out, &damage);
	if (damage.is_set)
		emr_remark(r->out, &damage);
	emr_number_text(r->found.lacking, n);
	emr_number_text(r->found.versions + r->found.others, m);
	damage = (emr_problem){.is_set = false};
	emr_problem_set(&damage, EMR_SAY_RESTORE_LACKS, "n", n, "m", m, "dir", r->dir, NULL);
	return emr_out_fail(r->out, &damage);
}

static int say_done(restoring *r)
{
	char id[65], records[EMR_COUNT_BYTES], when[EMR_TEXT_BYTES], shown[512], n[EMR_TEXT_BYTES];

	emr_hex(r->signer_id.b, sizeof r->signer_id.b, id);
	emr_show(r->profile.name, shown, sizeof shown);
	emr_count_text(r->list.records, "record", "records", records);
	emr_time_text((int64_t)r->list.made_unix_s, when);
	emr_out_text(r->out, "id", id);
	emr_out_text(r->out, "name", r->profile.name);
	emr_out_text(r->out, "born", r->profile.born);
	emr_out_text(r->out, "folder", r->places.state);
	emr_out_flag(r->out, "words_checked", r->by_words);
	emr_out_flag(r->out, "second_copy", r->has_second_copy);
	emr_out_number(r->out, "records", r->list.records);
	emr_out_number(r->out, "versions", r->found.versions);
	emr_out_number(r->out, "others", r->found.others);
	emr_out_number(r->out, "lacking", r->found.lacking);
	emr_say(r->out,
		shown[0] != '\0' ? _("%4$s, your keyring is in %1$s, with %2$s as of %3$s.\n")
				 : _("Your keyring is in %1$s, with %2$s as of %3$s.\n"),
		r->places.state, records, when, shown);
	if (r->found.lacking == 0 && r->found.versions > 0) {
		emr_number_text(r->found.versions, n);
		emr_say(r->out, "Each block of %s versions was looked at: whole.\n", n);
	}
	if (r->found.lacking == 0 && r->found.others > 0) {
		emr_number_text(r->found.others, n);
		emr_say(r->out,
			"So are those of %s more that were not sent to the ledger: it was not "
			"reached before the backup, or a crash left them.\n",
			n);
	}
	emr_say(r->out,
		"Do not go on with the "
		"computer "
		"that this backup is of: two that do go different ways, and neither sees what the "
		"other saves.  For a second computer: emrfs device add\n");
	emr_say_to_open(r->out);
	if (r->has_no_way)
		emr_remark_that(r->out, EMR_SAY_RESTORE_WHERE, "dir", r->dir, "state",
			r->places.state, NULL);
	return say_damage(r);
}

static emr_status prepare(restoring *r, emr_problem *out_problem)
{
	EMR_TRY(emr_places_find(r->args->values[EMR_OPT_AS], &r->places, out_problem));
	EMR_TRY(emr_settings_read(&r->places, &r->settings, out_problem));
	EMR_TRY(emr_keys_protect(out_problem));
	r->dir = emr_path_real(r->args->values[EMR_OPT_RESTORE]);
	if (r->dir == NULL)
		return EMR_NO_MEMORY;
	EMR_TRY(emr_stage_claim(&r->stage, &r->places, out_problem));
	return look_at_backup(r, out_problem);
}

int emr_init_restore(const emr_args *args, emr_out *out)
{
	__attribute__((cleanup(restoring_end))) restoring r = {.args = args,
		.out = out,
		.stage = EMR_STAGE_NONE,
		.session = EMR_SESSION_CLOSED,
		.blocks = EMR_RESTORED_BLOCKS_NONE};
	emr_problem problem = {0};
	emr_status status = prepare(&r, &problem);

	if (status == EMR_OK)
		status = choose_keys(&r, &problem);
	if (status == EMR_OK)
		status = bring_files(&r, &problem);
	if (status == EMR_OK)
		status = open_keys(&r, &problem);
	if (status == EMR_OK)
		status = init_restore_network(&r, &problem);
	if (status == EMR_OK)
		status = prove(&r, &problem);
	if (status == EMR_OK)
		status = finish(&r, &problem);
	if (status == EMR_OK)
		return say_done(&r);
	if (!problem.is_set)
		emr_problem_set_status(&problem, status, "init");
	return emr_out_fail(out, &problem);
}
