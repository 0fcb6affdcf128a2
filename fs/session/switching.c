/* This file is the last step of a join or a leave: it exchanges the old ledger for the new one. A
 * crash in between leaves either state, and the next start finishes it. */
#include "session/annex.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "kit/places.h"
#include "session/keys.h"
#include "session/shared_blocks.h"
#include "session/stage.h"

#define NETWORK_BLOCKS EMR_STATE_NETWORK "/" EMR_NETWORK_DIR_BLOCKS
#define COPY_PREFIX "replica." /* this computer's copy of a ledger, and what belongs to it */

emr_status emr_switch_begin(int state_fd)
{
	EMR_AUTO_FD joining = openat(
		state_fd, EMR_STATE_JOINING, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	if (joining < 0)
		return emr_status_from_errno(errno);
	/* Renamed into its place only when its bytes and the names beside it are on the disk. */
	return emr_file_replace(joining, EMR_JOINING_SWITCH, emr_bytes_of("1\n", 2), 0600);
}

static bool has(int dirfd, const char *name)
{
	return faccessat(dirfd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static emr_status failed(const char *name, emr_problem *out_problem)
{
	emr_status status = emr_status_from_errno(errno);

	emr_problem_set_status(out_problem, status, name);
	return status;
}

/* Files that were moved before stay where they are. */
static emr_status move(int from, int to, const char *name, emr_problem *out_problem)
{
	if (renameat2(from, name, to, name, RENAME_NOREPLACE) == 0 || errno == ENOENT ||
		errno == EEXIST)
		return EMR_OK;
	return failed(name, out_problem);
}

static emr_status move_copy(int from, int to, emr_problem *out_problem)
{
	int fd = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *listing = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;
	emr_status status = EMR_OK;

	if (listing == NULL)
		return failed(COPY_PREFIX, out_problem);
	while (status == EMR_OK && (entry = readdir(listing)) != NULL)
		if (strncmp(entry->d_name, COPY_PREFIX, strlen(COPY_PREFIX)) == 0)
			status = move(from, to, entry->d_name, out_problem);
	closedir(listing);
	return status;
}

static emr_status sync_both(int a, int b, emr_problem *out_problem)
{
	return fsync(a) == 0 && fsync(b) == 0 ? EMR_OK : failed(EMR_STATE_JOINING, out_problem);
}

/* The annex is made in joining, with the one before it inside, and takes its place as a whole: then
 * it is not there any more. Before, nothing of the new ledger is in the state. */
static emr_status leave_old(int state_fd, int joining, emr_problem *out_problem)
{
	EMR_AUTO_FD annex = -1;

	if (!has(joining, EMR_JOINING_JOINED) && !has(joining, EMR_STATE_ANNEX))
		return EMR_OK;
	EMR_TRY(emr_dir_make(joining, EMR_STATE_ANNEX));
	annex = openat(joining, EMR_STATE_ANNEX, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (annex < 0)
		return failed(EMR_STATE_ANNEX, out_problem);
	EMR_TRY(move(state_fd, annex, EMR_STATE_ANNEX, out_problem));
	EMR_TRY(move(state_fd, annex, EMR_STATE_LEDGER, out_problem));
	/* A copy was kept there of a host's, to which the state's leads. */
	if (unlinkat(state_fd, EMR_STATE_LEDGER, 0) != 0 && errno != ENOENT)
		return failed(EMR_STATE_LEDGER, out_problem);
	EMR_TRY(move_copy(state_fd, annex, out_problem));
	EMR_TRY(sync_both(annex, state_fd, out_problem));
	EMR_TRY(move(joining, annex, EMR_JOINING_JOINED, out_problem));
	EMR_TRY(sync_both(annex, joining, out_problem));
	EMR_TRY(move(joining, state_fd, EMR_STATE_ANNEX, out_problem));
	return sync_both(joining, state_fd, out_problem);
}

/* Removes notes about the former ledger that can be made again, and what waits for it. */
static void forget_notes(int state_fd)
{
	static const char *const names[] = {"facts.cache", "facts.cache.new", EMR_STATE_SECOND_COPY,
		EMR_STATE_LEDGER_AWAY, EMR_STATE_ORDERS, "shared-keys", EMR_STATE_CERTIFICATE,
		EMR_STATE_CERTIFICATE_NEXT, EMR_STATE_CERTIFICATE_BATCH};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		(void)unlinkat(state_fd, names[i], 0);
}

static emr_status take_new(int state_fd, int joining, emr_problem *out_problem)
{
	static const char *const names[] = {EMR_STATE_PROFILE, EMR_STATE_KEYFILE};

	EMR_TRY(move(joining, state_fd, EMR_STATE_LEDGER, out_problem));
	EMR_TRY(move_copy(joining, state_fd, out_problem));
	EMR_TRY(sync_both(state_fd, joining, out_problem));
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (renameat(joining, names[i], state_fd, names[i]) != 0 && errno != ENOENT)
			return failed(names[i], out_problem);
	return sync_both(state_fd, joining, out_problem);
}

/* The blocks lay in the directory that led to a host which was left: they come into the state
 * before it goes. */
static emr_status take_home(int state_fd, emr_problem *out_problem)
{
	static const char *const gone[] = {EMR_STATE_NETWORK, EMR_STATE_INDEX};
	struct stat st;

	if (fstatat(state_fd, EMR_STATE_LEDGER, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
		S_ISLNK(st.st_mode))
		return EMR_OK; /* of a member */
	if (has(state_fd, NETWORK_BLOCKS)) {
		(void)unlinkat(state_fd, EMR_STATE_BLOCKS, 0); /* the link */
		if (renameat(state_fd, NETWORK_BLOCKS, state_fd, EMR_STATE_BLOCKS) != 0 ||
			fsync(state_fd) != 0)
			return failed(NETWORK_BLOCKS, out_problem);
	}
	for (size_t i = 0; i < sizeof gone / sizeof *gone; i++)
		if (has(state_fd, gone[i]))
			EMR_TRY(emr_stage_remove_tree(state_fd, gone[i]));
	return EMR_OK;
}

/* Somebody else may be at it. */
static emr_status remove_rest(int state_fd)
{
	emr_status status = emr_stage_remove_tree(state_fd, EMR_STATE_JOINING);

	return status == EMR_NOT_FOUND ? EMR_OK : status;
}

static emr_status go_on(int state_fd, int joining, emr_problem *out_problem)
{
	EMR_TRY(leave_old(state_fd, joining, out_problem));
	forget_notes(state_fd);
	EMR_TRY(take_new(state_fd, joining, out_problem));
	EMR_TRY(take_home(state_fd, out_problem));
	/* In this order: without an invitation no join is under way, and without a switch none is
	 * being finished. */
	(void)unlinkat(joining, EMR_JOINING_INVITATION, 0);
	(void)unlinkat(joining, EMR_JOINING_CERTIFICATE, 0);
	if (fsync(joining) != 0 || unlinkat(joining, EMR_JOINING_SWITCH, 0) != 0)
		return failed(EMR_JOINING_SWITCH, out_problem);
	return remove_rest(state_fd);
}

void emr_switch_tidy(int state_fd)
{
	EMR_AUTO_FD joining = openat(
		state_fd, EMR_STATE_JOINING, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	if (joining >= 0 && !has(joining, EMR_JOINING_INVITATION) &&
		!has(joining, EMR_JOINING_SWITCH) && remove_rest(state_fd) != EMR_OK)
		emr_log(EMR_LOG_WARN, "what a join left could not be removed");
}

emr_status emr_switch_finish(int state_fd, emr_problem *out_problem)
{
	EMR_AUTO_FD joining = openat(
		state_fd, EMR_STATE_JOINING, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	EMR_AUTO_FD marker = -1;
	emr_status status = EMR_OK;

	if (joining < 0)
		return errno == ENOENT ? EMR_OK : failed(EMR_STATE_JOINING, out_problem);
	marker = openat(joining, EMR_JOINING_SWITCH, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (marker < 0)
		return errno == ENOENT ? EMR_OK : failed(EMR_JOINING_SWITCH, out_problem);
	if (flock(marker, LOCK_EX) != 0)
		return failed(EMR_JOINING_SWITCH, out_problem);
	/* Somebody else may have finished while we waited. */
	if (has(joining, EMR_JOINING_SWITCH))
		status = go_on(state_fd, joining, out_problem);
	if (status != EMR_OK && !out_problem->is_set)
		emr_problem_set_status(out_problem, status, EMR_STATE_JOINING);
	return status;
}
