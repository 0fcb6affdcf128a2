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

/* Files that were moved before stay where they are. */
static emr_status move(int from, int to, const char *name)
{
	if (renameat2(from, name, to, name, RENAME_NOREPLACE) == 0 || errno == ENOENT ||
		errno == EEXIST)
		return EMR_OK;
	return emr_status_from_errno(errno);
}

static emr_status move_copy(int from, int to)
{
	int fd = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *listing = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;
	emr_status status = EMR_OK;

	if (listing == NULL)
		return EMR_IO;
	while (status == EMR_OK && (entry = readdir(listing)) != NULL)
		if (strncmp(entry->d_name, COPY_PREFIX, strlen(COPY_PREFIX)) == 0)
			status = move(from, to, entry->d_name);
	closedir(listing);
	return status;
}

static emr_status sync_both(int a, int b)
{
	return fsync(a) == 0 && fsync(b) == 0 ? EMR_OK : emr_status_from_errno(errno);
}

/* The ledger, or what was kept of that at a host, to which nothing leads then. */
static emr_status leave_ledger(int state_fd, int joining, int annex)
{
	if (renameat(joining, EMR_JOINING_LEFT, annex, EMR_STATE_LEDGER) != 0 && errno != ENOENT)
		return emr_status_from_errno(errno);
	if (!has(annex, EMR_STATE_LEDGER))
		return move(state_fd, annex, EMR_STATE_LEDGER);
	return unlinkat(state_fd, EMR_STATE_LEDGER, 0) == 0 || errno == ENOENT
		       ? EMR_OK
		       : emr_status_from_errno(errno);
}

/* The annex is made in joining, with the one before it inside, and takes its place as a whole.
 * While it is there, nothing of the new ledger is in the state. */
static emr_status leave_old(int state_fd, int joining)
{
	EMR_AUTO_FD annex = -1;

	if (!has(joining, EMR_JOINING_JOINED) && !has(joining, EMR_STATE_ANNEX))
		return EMR_OK;
	EMR_TRY(emr_dir_make(joining, EMR_STATE_ANNEX));
	annex = openat(joining, EMR_STATE_ANNEX, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (annex < 0)
		return emr_status_from_errno(errno);
	EMR_TRY(move(state_fd, annex, EMR_STATE_ANNEX));
	EMR_TRY(leave_ledger(state_fd, joining, annex));
	EMR_TRY(move_copy(state_fd, annex));
	EMR_TRY(sync_both(annex, state_fd));
	EMR_TRY(move(joining, annex, EMR_JOINING_JOINED));
	EMR_TRY(sync_both(annex, joining));
	EMR_TRY(move(joining, state_fd, EMR_STATE_ANNEX));
	return sync_both(joining, state_fd);
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

static emr_status take_new(int state_fd, int joining)
{
	emr_status status = move(joining, state_fd, EMR_STATE_LEDGER);

	if (status == EMR_OK)
		status = move_copy(joining, state_fd);
	if (status == EMR_OK)
		status = sync_both(state_fd, joining);
	if (status == EMR_OK &&
		renameat(joining, EMR_STATE_PROFILE, state_fd, EMR_STATE_PROFILE) != 0 &&
		errno != ENOENT)
		status = emr_status_from_errno(errno);
	if (status == EMR_OK &&
		renameat(joining, EMR_STATE_KEYFILE, state_fd, EMR_STATE_KEYFILE) != 0 &&
		errno != ENOENT)
		status = emr_status_from_errno(errno);
	return status == EMR_OK ? sync_both(state_fd, joining) : status;
}

static bool is_kind(int dirfd, const char *name, mode_t kind)
{
	struct stat st;

	return fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && (st.st_mode & S_IFMT) == kind;
}

/* The blocks lay in the directory that led to a host which was left: they come into the state, in
 * one step, before it goes. */
static emr_status take_home(int state_fd)
{
	static const char *const gone[] = {EMR_STATE_NETWORK, EMR_STATE_INDEX};
	emr_status status = EMR_OK;

	if (!is_kind(state_fd, EMR_STATE_LEDGER, S_IFDIR))
		return EMR_OK;
	if (is_kind(state_fd, EMR_STATE_BLOCKS, S_IFLNK) &&
		renameat2(state_fd, EMR_STATE_BLOCKS, state_fd, NETWORK_BLOCKS, RENAME_EXCHANGE) !=
			0)
		return emr_status_from_errno(errno);
	if (fsync(state_fd) != 0 || !is_kind(state_fd, EMR_STATE_BLOCKS, S_IFDIR))
		return EMR_IO;
	for (size_t i = 0; i < sizeof gone / sizeof *gone && status == EMR_OK; i++) {
		status = emr_stage_remove_tree(state_fd, gone[i]);
		status = status == EMR_NOT_FOUND ? EMR_OK : status;
	}
	return status;
}

/* Somebody else may be at it. */
static emr_status remove_rest(int state_fd)
{
	emr_status status = emr_stage_remove_tree(state_fd, EMR_STATE_JOINING);

	return status == EMR_NOT_FOUND ? EMR_OK : status;
}

static emr_status go_on(int state_fd, int joining)
{
	EMR_TRY(leave_old(state_fd, joining));
	forget_notes(state_fd);
	EMR_TRY(take_new(state_fd, joining));
	EMR_TRY(take_home(state_fd));
	/* In this order: without an invitation no join is under way, and without a switch none is
	 * being finished. */
	(void)unlinkat(joining, EMR_JOINING_INVITATION, 0);
	(void)unlinkat(joining, EMR_JOINING_CERTIFICATE, 0);
	if (fsync(joining) != 0 || unlinkat(joining, EMR_JOINING_SWITCH, 0) != 0)
		return emr_status_from_errno(errno);
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

emr_status emr_switch_finish(int state_fd)
{
	EMR_AUTO_FD joining = openat(
		state_fd, EMR_STATE_JOINING, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	EMR_AUTO_FD marker = -1;

	if (joining < 0)
		return errno == ENOENT ? EMR_OK : emr_status_from_errno(errno);
	marker = openat(joining, EMR_JOINING_SWITCH, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (marker < 0)
		return errno == ENOENT ? EMR_OK : emr_status_from_errno(errno);
	if (flock(marker, LOCK_EX) != 0)
		return emr_status_from_errno(errno);
	/* Somebody else may have finished while we waited. */
	return has(joining, EMR_JOINING_SWITCH) ? go_on(state_fd, joining) : EMR_OK;
}
