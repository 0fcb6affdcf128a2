/* A person's own ledger becomes the ledger of a network in a directory here. At no moment
 * does the keyring have no ledger, or two. */
#include "network/network_adopt.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "kit/language.h"
#include "kit/places.h"
#include "ledger/network.h"
#include "session/network_dir.h"
#include "session/shared_blocks.h"
#include "session/stage.h"

#define MARKER ".becoming"		 /* in DIR: this move is under way */
#define LINK_NEW EMR_STATE_LEDGER ".new" /* the link before, the old ledger after the exchange */

/* Hard links, or copies on another disk; those of an earlier try give way. */
static emr_status give_ledger(int state_fd, int dir_fd)
{
	static const char *const names[] = {
		EMR_NETWORK_DESCRIPTOR, EMR_NETWORK_LEDGER, EMR_NETWORK_LEDGER "-wal"};
	EMR_AUTO_FD from =
		openat(state_fd, EMR_STATE_LEDGER, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	EMR_AUTO_FD to = -1;

	if (from < 0)
		return emr_status_from_errno(errno);
	EMR_TRY(emr_dir_make(dir_fd, EMR_NETWORK_DIR_LEDGER));
	to = openat(
		dir_fd, EMR_NETWORK_DIR_LEDGER, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (to < 0)
		return emr_status_from_errno(errno);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (faccessat(from, names[i], F_OK, AT_SYMLINK_NOFOLLOW) == 0)
			EMR_TRY(emr_blocks_give_file(from, to, names[i]));
		else if (unlinkat(to, names[i], 0) != 0 && errno != ENOENT)
			EMR_TRY(emr_status_from_errno(errno));
	}
	return fsync(to) != 0 ? emr_status_from_errno(errno) : EMR_OK;
}

/* In one step: at no moment has the state no ledger, or two. */
static emr_status exchange_link(int state_fd, const char *dir)
{
	char target[PATH_MAX];

	if (snprintf(target, sizeof target, "%s/" EMR_NETWORK_DIR_LEDGER, dir) >=
		(int)sizeof target)
		return EMR_INVALID;
	(void)unlinkat(state_fd, LINK_NEW, 0);
	if (symlinkat(target, state_fd, LINK_NEW) != 0 ||
		renameat2(state_fd, LINK_NEW, state_fd, EMR_STATE_LEDGER, RENAME_EXCHANGE) != 0 ||
		fsync(state_fd) != 0)
		return emr_status_from_errno(errno);
	return EMR_OK;
}

/* Also what an interrupted move left. */
static void clear_away(int state_fd, int dir_fd)
{
	struct stat st;

	if (fstatat(state_fd, LINK_NEW, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		emr_stage_remove_tree(state_fd, LINK_NEW) != EMR_OK)
		emr_log(EMR_LOG_WARN, "network: the old ledger's directory could not be removed");
	(void)unlinkat(dir_fd, MARKER, 0);
}

static emr_status adopt(int state_fd, const char *dir, emr_id16 device, emr_problem *out_problem)
{
	EMR_AUTO_FREE char *there = NULL;
	EMR_AUTO_FD dir_fd = -1;
	emr_status status = emr_network_dir_of(state_fd, &there);
	bool is_linked = status == EMR_OK && strcmp(there, dir) == 0;

	if (status == EMR_OK && !is_linked)
		return EMR_EXISTS;
	if (status != EMR_OK && status != EMR_NOT_FOUND)
		return status;
	if (!is_linked)
		EMR_TRY(emr_network_dir_begin(dir, MARKER, &dir_fd, out_problem));
	if (!is_linked)
		EMR_TRY(give_ledger(state_fd, dir_fd));
	if (!is_linked)
		EMR_TRY(exchange_link(state_fd, dir));
	EMR_TRY(emr_blocks_share(state_fd, dir, device, out_problem));
	if (dir_fd < 0)
		dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir_fd >= 0)
		clear_away(state_fd, dir_fd);
	return EMR_OK;
}

emr_status emr_network_adopt(
	int state_fd, const char *dir, emr_id16 device, emr_problem *out_problem)
{
	emr_status status = adopt(state_fd, dir, device, out_problem);

	if (status != EMR_OK && !out_problem->is_set)
		emr_problem_set(out_problem, EMR_SAY_NETWORK_DIR, "dir", dir, "cause",
			status == EMR_EXISTS ? _("your ledger is in another directory already")
					     : emr_text(emr_status_text(status)),
			NULL);
	return status;
}
