/* The blocks of who is in a network lie in its directory, where a host serves them. This file moves
 * a person's blocks there and puts a link in their old place; it can be interrupted at any moment
 * and goes on at the next start. */
#include "session/shared_blocks.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "kit/language.h"
#include "kit/places.h"
#include "session/network_dir.h"
#include "session/session.h"
#include "session/stage.h"
#include "store/segment_file.h"

#define MOVED EMR_STATE_BLOCKS ".moved" /* the old place, from the moment the link is to stand */
#define QUARANTINE "quarantine"
#define COPY_BYTES ((size_t)1 << 20)

typedef struct sharing {
	int state_fd, from_fd, to_fd, aside_fd;
	const char *dir;
	char device[33];
	char marker[64]; /* in DIR/blocks while the state's are being moved: then the state's are
			    the true ones */
	emr_problem *problem;
} sharing;

static void sharing_end(sharing *s)
{
	if (s->from_fd >= 0)
		close(s->from_fd);
	if (s->to_fd >= 0)
		close(s->to_fd);
	if (s->aside_fd >= 0)
		close(s->aside_fd);
}

static emr_status say_failed(const sharing *s, emr_status status)
{
	if (status != EMR_OK && s->problem != NULL && !s->problem->is_set)
		emr_problem_set(s->problem, EMR_SAY_NETWORK_DIR, "dir", s->dir, "cause",
			emr_text(emr_status_text(status)), NULL);
	return status;
}

/* ---- one file ---- */

static emr_status copy_bytes(int from, int to)
{
	EMR_AUTO_FREE uint8_t *buffer = malloc(COPY_BYTES);
	off_t at = 0;

	if (buffer == NULL)
		return EMR_NO_MEMORY;
	for (;;) {
		ssize_t n = pread(from, buffer, COPY_BYTES, at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n == 0 ? EMR_OK : emr_status_from_errno(errno);
		EMR_TRY(emr_pwrite_all(to, buffer, (size_t)n, at));
		at += n;
	}
}

/* To another disk: whole and on it before it has its name. */
static emr_status copy_file(int from_fd, int to_fd, const char *name)
{
	char temporary[NAME_MAX + 8];
	EMR_AUTO_FD from = -1;
	EMR_AUTO_FD to = -1;
	emr_status status = emr_segment_file_open(from_fd, name, O_RDONLY, &from);

	if (status != EMR_OK)
		return status == EMR_INVALID ? EMR_IO : status;
	snprintf(temporary, sizeof temporary, ".tmp-%.*s", NAME_MAX - 8, name);
	to = openat(to_fd, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (to < 0)
		return emr_status_from_errno(errno);
	status = copy_bytes(from, to);
	if (status == EMR_OK && (fsync(to) != 0 || renameat(to_fd, temporary, to_fd, name) != 0))
		status = emr_status_from_errno(errno);
	if (status != EMR_OK)
		(void)unlinkat(to_fd, temporary, 0);
	return status;
}

static bool is_same_file(int from_fd, int to_fd, const char *name)
{
	struct stat a, b;

	return fstatat(from_fd, name, &a, AT_SYMLINK_NOFOLLOW) == 0 &&
	       fstatat(to_fd, name, &b, AT_SYMLINK_NOFOLLOW) == 0 && a.st_dev == b.st_dev &&
	       a.st_ino == b.st_ino;
}

emr_status emr_blocks_give_file(int from_fd, int to_fd, const char *name)
{
	if (is_same_file(from_fd, to_fd, name))
		return EMR_OK;
	if (unlinkat(to_fd, name, 0) != 0 && errno != ENOENT)
		return emr_status_from_errno(errno);
	if (linkat(from_fd, name, to_fd, name, 0) == 0)
		return EMR_OK;
	return copy_file(from_fd, to_fd, name);
}

/* ---- which ---- */

typedef emr_status (*name_fn)(sharing *s, int from_fd, int to_fd, const char *name);

static emr_status each_name(sharing *s, int from_fd, int to_fd, name_fn fn)
{
	int fd = openat(from_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *listing = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;
	emr_status status = EMR_OK;

	if (listing == NULL) {
		if (fd >= 0)
			close(fd);
		return EMR_IO;
	}
	while (status == EMR_OK && (entry = readdir(listing)) != NULL)
		status = fn(s, from_fd, to_fd, entry->d_name);
	closedir(listing);
	return status;
}

static bool is_of(const char *name, const char *prefix, const char *writer)
{
	size_t n = strlen(prefix);

	return strncmp(name, prefix, n) == 0 && strncmp(name + n, writer, 32) == 0;
}

typedef struct looking {
	sharing s; /* first */
	const char *writer;
	bool has_some;
} looking;

static emr_status note_writer(sharing *s, int from_fd, int to_fd, const char *name)
{
	looking *l = (looking *)s;

	(void)from_fd;
	(void)to_fd;
	l->has_some |= is_of(name, "seg-", l->writer);
	return EMR_OK;
}

/* Whether DIR has segments of WRITER. */
static emr_status is_there(const sharing *s, const char *writer, bool *out_is)
{
	looking l = {.s = *s, .writer = writer};
	emr_status status = each_name(&l.s, s->to_fd, s->to_fd, note_writer);

	*out_is = l.has_some;
	return status;
}

/* Segments of others, which a backup brought along, only where all of theirs are lost. */
static emr_status give_foreign(sharing *s, int from_fd, int to_fd, const char *name)
{
	emr_id16 writer;
	uint64_t number;
	char hex[33];
	bool is = true;

	if (is_of(name, "seg-", s->device) || !emr_segment_file_parse(name, &writer, &number))
		return EMR_OK;
	emr_hex(writer.b, sizeof writer.b, hex);
	EMR_TRY(is_there(s, hex, &is));
	return !is ? emr_blocks_give_file(from_fd, to_fd, name) : EMR_OK;
}

static emr_status give_own(sharing *s, int from_fd, int to_fd, const char *name)
{
	return is_of(name, "seg-", s->device) || is_of(name, "journal-", s->device)
		       ? emr_blocks_give_file(from_fd, to_fd, name)
		       : EMR_OK;
}

/* Of an earlier try, and reclaimed since: the state, which is THERE, has it no more. */
static emr_status drop_stale(sharing *s, int here, int there, const char *name)
{
	if (!is_of(name, "seg-", s->device) ||
		faccessat(there, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return EMR_OK;
	return unlinkat(here, name, 0) == 0 ? EMR_OK : emr_status_from_errno(errno);
}

static emr_status give_quarantined(sharing *s, int from_fd, int to_fd, const char *name)
{
	(void)s;
	return name[0] == '.' ? EMR_OK : emr_blocks_give_file(from_fd, to_fd, name);
}

static emr_status give_quarantine(sharing *s)
{
	EMR_AUTO_FD from =
		openat(s->from_fd, QUARANTINE, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	EMR_AUTO_FD to = -1;

	if (from < 0)
		return errno == ENOENT ? EMR_OK : emr_status_from_errno(errno);
	EMR_TRY(emr_dir_make(s->to_fd, QUARANTINE));
	to = openat(s->to_fd, QUARANTINE, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	return to >= 0 ? each_name(s, from, to, give_quarantined) : emr_status_from_errno(errno);
}

/* ---- the move ---- */

static emr_status begin_move(sharing *s)
{
	EMR_AUTO_FD fd =
		openat(s->to_fd, s->marker, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	return fd >= 0 && fsync(s->to_fd) == 0 ? EMR_OK : emr_status_from_errno(errno);
}

static emr_status move_files(sharing *s)
{
	bool is_going_on = faccessat(s->to_fd, s->marker, F_OK, AT_SYMLINK_NOFOLLOW) == 0,
	     has_mine = false;

	EMR_TRY(is_there(s, s->device, &has_mine));
	EMR_TRY(each_name(s, s->from_fd, s->to_fd, give_foreign));
	if (has_mine && !is_going_on)
		return EMR_OK;
	EMR_TRY(begin_move(s));
	EMR_TRY(each_name(s, s->to_fd, s->from_fd, drop_stale));
	EMR_TRY(each_name(s, s->from_fd, s->to_fd, give_own));
	EMR_TRY(give_quarantine(s));
	if (fsync(s->to_fd) != 0)
		EMR_TRY(emr_status_from_errno(errno));
	return EMR_OK;
}

/* The blocks of the state, if it has any, are in OLD_PLACE of it then. */
static emr_status put_link(const sharing *s, const char *old_place)
{
	char target[PATH_MAX];

	if (snprintf(target, sizeof target, "%s/" EMR_NETWORK_DIR_BLOCKS, s->dir) >=
		(int)sizeof target)
		return EMR_INVALID;
	if (renameat(s->state_fd, EMR_STATE_BLOCKS, s->state_fd, old_place) != 0 && errno != ENOENT)
		return emr_status_from_errno(errno);
	if (symlinkat(target, s->state_fd, EMR_STATE_BLOCKS) != 0 || fsync(s->state_fd) != 0)
		return emr_status_from_errno(errno);
	return EMR_OK;
}

/* Files that are left over can be removed now, or at the next start. */
static void clear_away(sharing *s)
{
	struct stat st;

	if (fstatat(s->state_fd, MOVED, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		emr_stage_remove_tree(s->state_fd, MOVED) != EMR_OK)
		emr_log(EMR_LOG_WARN, "blocks: the old place could not be removed");
	(void)unlinkat(s->to_fd, s->marker, 0);
}

static emr_status note_device(const sharing *s)
{
	char text[EMR_WRITER_TEXT_BYTES + 1];
	const emr_bytes now = emr_bytes_of(text, EMR_WRITER_TEXT_BYTES);
	EMR_AUTO_BUF old = {0};
	emr_id16 device;

	EMR_TRY(emr_unhex(s->device, device.b, sizeof device.b));
	emr_writer_text(device, text);
	if (emr_file_read(s->state_fd, EMR_STATE_DEVICE, sizeof text, &old) == EMR_OK &&
		emr_bytes_equal(emr_buf_view(&old), now))
		return EMR_OK;
	return emr_file_replace(s->state_fd, EMR_STATE_DEVICE, now, 0600);
}

static emr_status open_target(sharing *s)
{
	EMR_AUTO_FD dir = open(s->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0 || (mkdirat(dir, EMR_NETWORK_DIR_BLOCKS, 0700) != 0 && errno != EEXIST))
		return emr_status_from_errno(errno);
	s->to_fd = openat(
		dir, EMR_NETWORK_DIR_BLOCKS, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	return s->to_fd >= 0 && fsync(dir) == 0 ? EMR_OK : emr_status_from_errno(errno);
}

static emr_status share(sharing *s, bool is_link)
{
	EMR_TRY(open_target(s));
	EMR_TRY(note_device(s));
	if (!is_link) {
		s->from_fd = openat(s->state_fd, EMR_STATE_BLOCKS,
			O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
		if (s->from_fd < 0 && errno != ENOENT)
			return emr_status_from_errno(errno);
		if (s->from_fd >= 0)
			EMR_TRY(move_files(s));
		EMR_TRY(put_link(s, MOVED));
	}
	clear_away(s);
	return EMR_OK;
}

emr_status emr_blocks_share(
	int state_fd, const char *dir, emr_id16 device, emr_problem *out_problem)
{
	__attribute__((cleanup(sharing_end))) sharing s = {.state_fd = state_fd,
		.from_fd = -1,
		.to_fd = -1,
		.aside_fd = -1,
		.dir = dir,
		.problem = out_problem};
	struct stat st;
	bool is_link = fstatat(state_fd, EMR_STATE_BLOCKS, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		       S_ISLNK(st.st_mode);

	emr_hex(device.b, sizeof device.b, s.device);
	snprintf(s.marker, sizeof s.marker, ".moving-%s", s.device);
	return say_failed(&s, share(&s, is_link));
}

/* ---- a state that came back from a second copy ---- */

/* Under a name that nobody can have taken before, and away again when nothing came there. */
static emr_status make_aside(sharing *s, char out_name[EMR_BLOCKS_ASIDE_MAX])
{
	emr_id16 random = emr_id16_random();
	char hex[33];

	emr_hex(random.b, sizeof random.b, hex);
	snprintf(out_name, EMR_BLOCKS_ASIDE_MAX, "before-restore-%s", hex);
	if (mkdirat(s->to_fd, out_name, 0700) != 0)
		return emr_status_from_errno(errno);
	s->aside_fd = openat(s->to_fd, out_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	return s->aside_fd >= 0 ? EMR_OK : emr_status_from_errno(errno);
}

static emr_status put_aside(sharing *s, int from_fd, int aside_fd, const char *name)
{
	if (!is_of(name, "seg-", s->device) && !is_of(name, "journal-", s->device))
		return EMR_OK;
	return renameat(from_fd, name, aside_fd, name) == 0 ? EMR_OK : emr_status_from_errno(errno);
}

static emr_status give_restored(sharing *s, bool wins, char out_aside[EMR_BLOCKS_ASIDE_MAX])
{
	EMR_TRY(each_name(s, s->from_fd, s->to_fd, give_foreign));
	if (!wins)
		return EMR_OK;
	EMR_TRY(make_aside(s, out_aside));
	EMR_TRY(each_name(s, s->to_fd, s->aside_fd, put_aside));
	if (fsync(s->aside_fd) != 0)
		EMR_TRY(emr_status_from_errno(errno));
	EMR_TRY(each_name(s, s->from_fd, s->to_fd, give_own));
	if (fsync(s->to_fd) != 0)
		EMR_TRY(emr_status_from_errno(errno));
	if (unlinkat(s->to_fd, out_aside, AT_REMOVEDIR) == 0)
		out_aside[0] = '\0';
	return EMR_OK;
}

static emr_status share_restored(sharing *s, bool wins, char out_aside[EMR_BLOCKS_ASIDE_MAX])
{
	EMR_TRY(open_target(s));
	EMR_TRY(note_device(s));
	s->from_fd = openat(
		s->state_fd, EMR_STATE_BLOCKS, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (s->from_fd < 0)
		return emr_status_from_errno(errno);
	EMR_TRY(give_restored(s, wins, out_aside));
	return put_link(s, EMR_STATE_BLOCKS_COPIED);
}

emr_status emr_blocks_share_restored(int state_fd, const char *dir, emr_id16 device, bool wins,
	char out_aside[EMR_BLOCKS_ASIDE_MAX], emr_problem *out_problem)
{
	__attribute__((cleanup(sharing_end))) sharing s = {.state_fd = state_fd,
		.from_fd = -1,
		.to_fd = -1,
		.aside_fd = -1,
		.dir = dir,
		.problem = out_problem};

	out_aside[0] = '\0';
	emr_hex(device.b, sizeof device.b, s.device);
	return say_failed(&s, share_restored(&s, wins, out_aside));
}

emr_status emr_blocks_follow_network(int state_fd, emr_id16 device, emr_problem *out_problem)
{
	EMR_AUTO_FREE char *dir = NULL;
	emr_status status = emr_network_dir_of(state_fd, &dir);
	struct stat st;

	if (status != EMR_OK)
		return status == EMR_NOT_FOUND ? EMR_OK : status;
	if (fstatat(state_fd, EMR_STATE_BLOCKS, &st, AT_SYMLINK_NOFOLLOW) != 0 &&
		fstatat(state_fd, MOVED, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return EMR_OK;
	/* Not now, then: blocks that are still the state's own open without the network's
	 * directory. */
	if (access(dir, F_OK) != 0)
		return EMR_OK;
	return emr_blocks_share(state_fd, dir, device, out_problem);
}

emr_status emr_blocks_check(int state_fd, emr_problem *out_problem)
{
	EMR_AUTO_FREE char *dir = NULL;
	EMR_AUTO_FD fd = -1;
	struct stat st;

	if (fstatat(state_fd, EMR_STATE_BLOCKS, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
		!S_ISLNK(st.st_mode))
		return EMR_OK;
	fd = openat(state_fd, EMR_STATE_BLOCKS, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0)
		return EMR_OK;
	if (emr_network_dir_of(state_fd, &dir) != EMR_OK)
		dir = NULL;
	emr_problem_set(out_problem, EMR_SAY_NETWORK_DIR, "dir",
		dir != NULL ? dir : EMR_STATE_BLOCKS, "cause",
		_("it is away, and the blocks of this folder with it; nothing is lost when it "
		  "comes "
		  "back"),
		NULL);
	return EMR_OFFLINE;
}

void emr_blocks_place(int state_fd, const char *state_path, char *out, size_t size)
{
	EMR_AUTO_FREE char *network = NULL;

	if (emr_network_dir_of(state_fd, &network) == EMR_OK)
		snprintf(out, size, "%s/%s", network, EMR_NETWORK_DIR_BLOCKS);
	else
		snprintf(out, size, "%s/%s", state_path, EMR_STATE_BLOCKS);
}
