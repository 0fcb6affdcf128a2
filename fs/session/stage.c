/* A new keyring (init, restore) is first made in a directory aside and moved into its place
 * last. This file makes, moves and removes that directory, so that a crash leaves either nothing
 * or a whole keyring: from one rename on the move goes on at the next start. An existing keyring is
 * never touched. */
#include "session/stage.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define STAGE_PREFIX ".init-"
#define WHOLE ".whole" /* a stage that is whole, and gets its places */

static emr_status remove_entries(int fd)
{
	DIR *directory = fdopendir(fd); /* takes fd */
	const struct dirent *entry;
	emr_status status = EMR_OK;

	if (directory == NULL) {
		close(fd);
		return EMR_IO;
	}
	while (status == EMR_OK && (entry = readdir(directory)) != NULL) {
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			status = emr_stage_remove_tree(fd, entry->d_name);
	}
	closedir(directory);
	return status;
}

emr_status emr_stage_remove_tree(int dirfd, const char *name)
{
	int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return unlinkat(dirfd, name, 0) == 0 ? EMR_OK : emr_status_from_errno(errno);
	EMR_TRY(remove_entries(fd));
	if (unlinkat(dirfd, name, AT_REMOVEDIR) != 0)
		EMR_TRY(emr_status_from_errno(errno));
	return EMR_OK;
}

emr_status emr_stage_remove_all(int state_fd, const char *prefix)
{
	int fd = openat(state_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;
	emr_status status = EMR_OK;

	if (directory == NULL)
		return EMR_IO;
	while (status == EMR_OK && (entry = readdir(directory)) != NULL) {
		if (strncmp(entry->d_name, prefix, strlen(prefix)) == 0)
			status = emr_stage_remove_tree(state_fd, entry->d_name);
	}
	closedir(directory);
	return status;
}

void emr_stage_end(emr_stage *stage, emr_out *out)
{
	emr_problem problem;

	if (stage->name[0] != '\0' &&
		emr_stage_remove_tree(stage->state_fd, stage->name) != EMR_OK) {
		emr_problem_set(&problem, EMR_SAY_FAILED, "what", stage->path, "cause",
			"could not be removed", NULL);
		emr_remark(out, &problem);
	}
	free(stage->path);
	if (stage->lock_fd >= 0)
		close(stage->lock_fd);
	if (stage->state_fd >= 0)
		close(stage->state_fd);
	*stage = EMR_STAGE_NONE;
}

/* ---- the move ---- */

/* The keyfile last, for it makes the rest a keyring. */
static emr_status move_parts(int from, int state_fd, DIR *listing)
{
	const struct dirent *entry;

	while ((entry = readdir(listing)) != NULL)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
			strcmp(entry->d_name, EMR_STATE_KEYFILE) != 0 &&
			renameat(from, entry->d_name, state_fd, entry->d_name) != 0)
			return emr_status_from_errno(errno);
	if (fsync(state_fd) != 0 ||
		(renameat(from, EMR_STATE_KEYFILE, state_fd, EMR_STATE_KEYFILE) != 0 &&
			errno != ENOENT) ||
		fsync(state_fd) != 0 || unlinkat(state_fd, WHOLE, AT_REMOVEDIR) != 0)
		return emr_status_from_errno(errno);
	return EMR_OK;
}

/* Under the lock of the state. */
static emr_status move_whole(int state_fd)
{
	int fd = openat(state_fd, WHOLE, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	DIR *listing;
	emr_status status;

	if (fd < 0)
		return errno == ENOENT ? EMR_OK : emr_status_from_errno(errno);
	listing = fdopendir(fd); /* takes fd */
	if (listing == NULL) {
		close(fd);
		return EMR_IO;
	}
	status = move_parts(fd, state_fd, listing);
	closedir(listing);
	return status;
}

static int lock_state(int state_fd)
{
	int fd = openat(state_fd, EMR_STATE_LOCK, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) == 0)
		return fd;
	close(fd);
	return -1;
}

emr_status emr_stage_go_on(int state_fd)
{
	EMR_AUTO_FD lock = -1;

	if (faccessat(state_fd, WHOLE, F_OK, AT_SYMLINK_NOFOLLOW) != 0)
		return EMR_OK;
	lock = lock_state(state_fd);
	return lock >= 0 ? move_whole(state_fd) : EMR_BUSY;
}

emr_status emr_stage_move_in(emr_stage *stage)
{
	/* Names in the directories of the stage, too: a file that was flushed is lost with the name
	 * that leads to it. */
	if (syncfs(stage->state_fd) != 0 ||
		renameat(stage->state_fd, stage->name, stage->state_fd, WHOLE) != 0)
		return emr_status_from_errno(errno);
	stage->name[0] = '\0';
	stage->is_whole = true;
	if (fsync(stage->state_fd) != 0)
		return emr_status_from_errno(errno);
	return move_whole(stage->state_fd);
}

/* ---- the stage ---- */

/* Our own lock against a second init; a keyring or what is left of one is never touched. */
emr_status emr_stage_claim(emr_stage *stage, const emr_places *places, emr_problem *out_problem)
{
	static const char *const parts[] = {EMR_STATE_KEYFILE, EMR_STATE_LEDGER, EMR_STATE_BLOCKS};
	emr_status status;

	EMR_TRY(emr_places_open_state(places, true, &stage->state_fd, out_problem));
	stage->lock_fd = lock_state(stage->state_fd);
	if (stage->lock_fd < 0) {
		emr_problem_set(out_problem, EMR_SAY_HAS_KEYRING, "state", places->state, NULL);
		return EMR_BUSY;
	}
	status = move_whole(stage->state_fd);
	if (status != EMR_OK) {
		emr_problem_set_status(out_problem, status, places->state);
		return status;
	}
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		if (faccessat(stage->state_fd, parts[i], F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
			emr_problem_set(
				out_problem, EMR_SAY_HAS_KEYRING, "state", places->state, NULL);
			return EMR_EXISTS;
		}
	}
	return emr_stage_remove_all(stage->state_fd, STAGE_PREFIX);
}

emr_status emr_stage_make(
	emr_stage *stage, const emr_places *places, emr_session *session, emr_problem *out_problem)
{
	char random[33];
	emr_id16 id = emr_id16_random();
	emr_status status;

	emr_hex(id.b, 8, random);
	snprintf(stage->name, sizeof stage->name, STAGE_PREFIX "%.16s", random);
	if (asprintf(&stage->path, "%s/%s", places->state, stage->name) < 0)
		stage->path = NULL;
	status =
		stage->path != NULL ? emr_dir_open(stage->path, &session->state_fd) : EMR_NO_MEMORY;
	session->state_path = stage->path != NULL ? strdup(stage->path) : NULL;
	if (status == EMR_OK && session->state_path == NULL)
		status = EMR_NO_MEMORY;
	if (status != EMR_OK) {
		stage->name[0] = '\0';
		emr_problem_set_status(out_problem, status, places->state);
	}
	return status;
}
