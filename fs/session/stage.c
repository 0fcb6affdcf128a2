/* A new keyring (init, restore) is first made in a directory aside and moved into its place
 * last. This file makes, moves and removes that directory, so that a crash leaves either nothing
 * or a whole keyring; an existing keyring is never touched. */
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

/* Our own lock against a second init; a keyring or what is left of one is never touched. */
emr_status emr_stage_claim(emr_stage *stage, const emr_places *places, emr_problem *out_problem)
{
	static const char *const parts[] = {EMR_STATE_KEYFILE, EMR_STATE_LEDGER, EMR_STATE_BLOCKS};

	EMR_TRY(emr_places_open_state(places, true, &stage->state_fd, out_problem));
	stage->lock_fd = openat(
		stage->state_fd, EMR_STATE_LOCK, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (stage->lock_fd < 0 || flock(stage->lock_fd, LOCK_EX | LOCK_NB) != 0) {
		emr_problem_set(out_problem, EMR_SAY_HAS_KEYRING, "state", places->state, NULL);
		return EMR_BUSY;
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

/* Each part gets its place in the state; the keyfile last, for it makes the rest a keyring. */
emr_status emr_stage_move_in(const emr_stage *stage)
{
	int fd = openat(stage->state_fd, stage->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;
	emr_status status = EMR_OK;

	if (directory == NULL)
		return EMR_IO;
	/* Names in the directories of the stage, too: a file that was flushed is lost with the name
	 * that leads to it. */
	if (syncfs(stage->state_fd) != 0)
		status = emr_status_from_errno(errno);
	while (status == EMR_OK && (entry = readdir(directory)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
			strcmp(entry->d_name, EMR_STATE_KEYFILE) == 0)
			continue;
		if (renameat(fd, entry->d_name, stage->state_fd, entry->d_name) != 0)
			status = emr_status_from_errno(errno);
	}
	if (status == EMR_OK && fsync(stage->state_fd) != 0)
		status = emr_status_from_errno(errno);
	if (status == EMR_OK &&
		renameat(fd, EMR_STATE_KEYFILE, stage->state_fd, EMR_STATE_KEYFILE) != 0)
		status = emr_status_from_errno(errno);
	if (status == EMR_OK && fsync(stage->state_fd) != 0)
		status = emr_status_from_errno(errno);
	closedir(directory);
	return status;
}
