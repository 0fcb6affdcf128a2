/* This file is `emrfs init --restore`: it brings everything back from a backup, opens it as
 * after a crash, and looks at it before it gets its place. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "backup/backup.h"
#include "base/file.h"
#include "contract/item.h"
#include "gateway/channel.h"
#include "kit/language.h"
#include "kit/terminal.h"
#include "kit/text.h"
#include "ledger/network.h"
#include "network/own_dir.h"
#include "replica/follower.h"
#include "served/client.h"
#include "session/keys.h"
#include "session/network_dir.h"
#include "session/restored_blocks.h"
#include "session/second_copy.h"
#include "session/stage.h"
#include "store/car_store.h"
#include "verbs/cmd.h"

#include "verbs_private.h"

#define DESCRIPTOR_MAX ((size_t)60000)

/* Everything comes into a stage first, is opened there as after a crash, and gets its place last.
 */
typedef struct restoring {
	const emr_args *args;
	emr_out *out;
	emr_places places;
	emr_settings settings;
	emr_stage stage;
	emr_session session; /* of the stage */
	emr_backup_manifest list;
	emr_passphrase words;	   /* empty: the passphrase is known */
	emr_passphrase passphrase; /* the new one, with words */
	emr_profile profile;
	emr_id32 signer_id;
	char *dir; /* owned */
	emr_restored_blocks blocks;
	emr_blocks_found found;
	uint64_t n_found;
	emr_problem keys_problem; /* of a passphrase or words that do not fit */
	bool by_words, has_second_copy;
	bool own_dir_made;  /* of the network, in the state */
	bool is_of_network; /* the ledger is the one in the network's directory, not the backup's */
} restoring;

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

	emr_progress_of(r->out, "Restored", EMR_PROGRESS_BYTES, done, total);
}

static void note_found(void *arg, const char *path, const char *what)
{
	restoring *r = arg;

	r->n_found++;
	emr_progress_end(r->out);
	emr_say(r->out, "%s: %s\n", path, what);
}

static void say_backup(const restoring *r, emr_status status, emr_problem *out_problem)
{
	char n[EMR_TEXT_BYTES];

	emr_number_text(r->n_found, n);
	if (status == EMR_NOT_FOUND || status == EMR_NOT_DIRECTORY)
		emr_problem_set(out_problem, EMR_SAY_BACKUP_NONE, "dir", r->dir, NULL);
	else if (status == EMR_DAMAGED && r->n_found > 0)
		emr_problem_set(out_problem, EMR_SAY_RESTORE_BAD, "dir", r->dir, "n", n, NULL);
	else if (status == EMR_DAMAGED)
		emr_problem_set(out_problem, EMR_SAY_BACKUP_LIST, "dir", r->dir, NULL);
	else
		emr_problem_set_status(out_problem, status, r->dir);
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
		say_backup(r, status, out_problem);
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
		emr_problem_set_status(out_problem, status, _("The keyfile"));
	return status;
}

/* ---- all of it ---- */

static emr_status bring_files(restoring *r, emr_problem *out_problem)
{
	emr_backup_options options = {.progress = show_progress,
		.found = note_found,
		.before_segments = check_keys,
		.arg = r};
	emr_status status;

	EMR_TRY(emr_stage_make(&r->stage, &r->places, &r->session, out_problem));
	status = emr_backup_restore(r->dir, r->session.state_fd, &options, &r->list);
	emr_progress_end(r->out);
	if (status != EMR_OK && r->keys_problem.is_set)
		*out_problem = r->keys_problem;
	else if (status != EMR_OK)
		say_backup(r, status, out_problem);
	return status;
}

/* ---- a member of a network goes on with its ledger, not with a copy, which would be a second one
 * ---- */

/* DIR out of what the backup says of the network's place.  EMR_NOT_FOUND: it had none but the state
 * itself. */
static emr_status named_dir(int state_fd, char **out_dir)
{
	EMR_AUTO_BUF target = {0};

	EMR_TRY(emr_file_read(state_fd, EMR_BACKUP_NETWORK_PATH, PATH_MAX - 1, &target));
	EMR_TRY(emr_buf_append_zeros(&target, 1));
	return emr_network_dir_parse((const char *)target.data, out_dir);
}

static emr_status read_beginning(int state_fd, emr_buf *out)
{
	EMR_AUTO_FD ledger =
		openat(state_fd, EMR_STATE_LEDGER, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	return ledger >= 0 ? emr_file_read(ledger, EMR_NETWORK_DESCRIPTOR, DESCRIPTOR_MAX, out)
			   : emr_status_from_errno(errno);
}

/* The words bring back what was sealed under them, and no keyfile: without the profile nothing says
 * which channel is the owner's but what whoever had the copy may have written there.  (A host has
 * the network that the keyring knows, or none that is followed.) */
static emr_status check_channel_known(const restoring *r, emr_bytes place, emr_problem *out_problem)
{
	EMR_AUTO_BUF known = {0};
	emr_status status =
		r->by_words && !emr_network_place_is_host(place)
			? emr_keyring_tlv_get(r->session.keyring, EMR_KEYRING_CHANNEL, &known)
			: EMR_OK;

	if (status != EMR_NOT_FOUND)
		return status;
	return EMR_PROBLEM(EMR_DAMAGED, out_problem, EMR_SAY_RESTORE_CHANNEL, "dir", r->dir, NULL);
}

/* The way to the network, as the backup has it. Where that is damaged, --network says where a host
 * is; the settings of a channel come from nowhere else. */
static emr_status read_way(
	restoring *r, emr_bytes descriptor, emr_buf *out, emr_problem *out_problem)
{
	const emr_span network = {descriptor.data, descriptor.len};
	const char *named = r->args->values[EMR_OPT_NETWORK];
	emr_served_at at;
	emr_status status = emr_file_read(
		r->session.state_fd, EMR_BACKUP_CHANNEL_PATH, EMR_CHANNEL_CARRIED_MAX, out);

	if (status != EMR_NOT_FOUND ||
		emr_backup_manifest_find(&r->list, EMR_BACKUP_CHANNEL_PATH) == NULL)
		return status;
	if (emr_descriptor_host(network) == EMR_HOST_FABRIC) {
		note_found(r, EMR_BACKUP_CHANNEL_PATH,
			_("it is damaged, and nothing can be restored without it"));
		say_backup(r, EMR_DAMAGED, out_problem);
		return EMR_DAMAGED;
	}
	note_found(r, EMR_BACKUP_CHANNEL_PATH,
		_("it is damaged: where the host of your network is must be said"));
	if (emr_own_dir_is_address(named) && emr_served_address_read(named, &at) == EMR_OK)
		return emr_served_at_write(&at, out);
	return EMR_PROBLEM(EMR_DAMAGED, out_problem, EMR_SAY_RESTORE_HOST, "dir", r->dir, NULL);
}

static emr_status find_network(restoring *r, char **out_dir, emr_problem *out_problem)
{
	int state_fd = r->session.state_fd;
	EMR_AUTO_BUF channel = {0};
	EMR_AUTO_BUF descriptor = {0};
	emr_status named = named_dir(state_fd, out_dir);
	emr_status began = read_beginning(state_fd, &descriptor);
	emr_status carried = read_way(r, emr_buf_view(&descriptor), &channel, out_problem);

	EMR_TRY(named == EMR_NOT_FOUND ? carried : named);
	if (carried != EMR_NOT_FOUND)
		EMR_TRY(carried);
	EMR_TRY(began);
	if (carried == EMR_OK)
		EMR_TRY(check_channel_known(r, emr_buf_view(&channel), out_problem));
	if (carried == EMR_OK && r->by_words) /* nothing says that it is the owner's */
		EMR_TRY(emr_own_dir_allow(emr_buf_view(&channel), r->args->values[EMR_OPT_NETWORK],
			r->out, out_problem));
	/* The way elsewhere came along, and needs no previous directory; one in a state that led
	 * to a host is that state's. */
	if (carried == EMR_OK &&
		(*out_dir == NULL || emr_network_dir_is_served(*out_dir) ||
			!emr_network_dir_has(*out_dir, emr_buf_view(&descriptor)))) {
		free(*out_dir);
		*out_dir = NULL;
		r->own_dir_made = true;
		return emr_own_dir_make(r->stage.state_fd, r->places.state, emr_buf_view(&channel),
			emr_buf_view(&descriptor), out_dir, out_problem);
	}
	EMR_TRY(emr_network_dir_check(*out_dir, out_problem));
	if (emr_network_dir_has(*out_dir, emr_buf_view(&descriptor)))
		return EMR_OK;
	return EMR_PROBLEM(EMR_FORK, out_problem, EMR_SAY_NETWORK_DIR, "dir", *out_dir, "cause",
		_("another network is there"), NULL);
}

static emr_status remove_file(int dirfd, const char *name)
{
	return unlinkat(dirfd, name, 0) == 0 || errno == ENOENT ? EMR_OK
								: emr_status_from_errno(errno);
}

static emr_status return_to_network(restoring *r, emr_problem *out_problem)
{
	EMR_AUTO_FREE char *dir = NULL;
	emr_status status = find_network(r, &dir, out_problem);

	if (status == EMR_NOT_FOUND && dir == NULL)
		return EMR_OK; /* the ledger was one's own */
	if (status == EMR_OK)
		status = emr_stage_remove_tree(r->session.state_fd, EMR_STATE_LEDGER);
	if (status == EMR_OK)
		status = emr_network_dir_link(r->session.state_fd, dir);
	if (status == EMR_OK)
		status = emr_restored_blocks_settle(&r->session, dir, &r->blocks, out_problem);
	r->is_of_network = status == EMR_OK;
	if (status == EMR_OK)
		status = emr_own_dir_await(dir, r->out, out_problem);
	if (status == EMR_OK)
		status = remove_file(r->session.state_fd, EMR_BACKUP_NETWORK_PATH);
	if (status == EMR_OK)
		status = remove_file(r->session.state_fd, EMR_BACKUP_CHANNEL_PATH);
	if (status != EMR_OK && !out_problem->is_set)
		emr_problem_set_status(out_problem, status, _("The network of these records"));
	return status;
}

/* ---- the whole ---- */

/* ---- what the backup said it has ---- */

static void show_looking(void *arg, uint64_t done, uint64_t of)
{
	const restoring *r = arg;

	emr_progress_of(r->out, "Checked", EMR_PROGRESS_RECORDS, done, of);
}

/* Missing blocks are said here, and not when a file is opened. */
static emr_status look_for_gaps(restoring *r)
{
	uint64_t parts = 0, first = 0;
	char what[160];
	emr_status status = emr_replica_missing(r->session.replica, &parts, &first);

	if (status == EMR_OK && parts > 0) {
		snprintf(what, sizeof what,
			_("the sealed data of %llu items is gone, the first of entry %llu: what "
			  "they "
			  "belong to cannot be opened"),
			(unsigned long long)parts, (unsigned long long)first);
		note_found(r, "ledger/ledger.sqlite", what);
	}
	if (status == EMR_OK)
		status = emr_restored_blocks_bring(
			&r->session, &r->blocks, show_looking, r, &r->found);
	emr_progress_end(r->out);
	return status == EMR_OK ? emr_restored_blocks_done(&r->session, &r->blocks, &r->found)
				: status;
}

/* As a mount would; the ledger is followed and verified from its first entry. */
static emr_status prove(restoring *r, emr_problem *out_problem)
{
	emr_public identity;
	emr_status status;

	status = emr_session_open_parts(&r->session, out_problem);
	/* Its own sentence names a directory that is gone by then. */
	if (status == EMR_DAMAGED || status == EMR_MISSING_DATA)
		emr_problem_set(out_problem, EMR_SAY_RESTORE_UNOPENED, "dir", r->dir, "cause",
			emr_text(emr_status_text(status)), NULL);
	if (status != EMR_OK)
		return status;
	status = emr_follow_now(r->session.replica);
	if (status == EMR_OK)
		status = look_for_gaps(r);
	if (status == EMR_OK)
		status = emr_keyring_public(r->session.keyring, &identity);
	if (status != EMR_OK)
		return EMR_PROBLEM_STATUS(out_problem, status,
			r->is_of_network ? _("The ledger of your network")
					 : _("The ledger in this backup"));
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
	if (status == EMR_OK)
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
		status = return_to_network(&r, &problem);
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
