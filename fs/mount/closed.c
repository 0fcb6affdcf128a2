/* A program may save into the folder's directory while the folder is closed, and the mount would
 * then hide it; and a program that mirrors the folder would take an empty directory for the truth.
 * This file closes that directory to everybody while the folder is closed, and moves what was saved
 * there all the same into a directory beside it. */
#include "kit/language.h"
#include "mount/closed.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/day.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"

#define STATE_FOLDER "folder" /* NOTE_HEAD, the folder's path, a line feed */
#define NOTE_HEAD "emrfs folder 1\n"
#define NAMES_TRIED 100 /* for the directory that takes what was saved */
#define MODE_CLOSED 0
/* Nobody can list it, and fusermount3 mounts on it: that wants to enter it, and to write there. */
#define MODE_OPENING 0300

void emr_closed_free(emr_closed *closed)
{
	if (closed->fd >= 0 && closed->is_hidden)
		(void)fchmod(closed->fd, closed->mode);
	if (closed->fd >= 0)
		close(closed->fd);
	closed->fd = -1;
}

void emr_closed_hide(emr_closed *closed)
{
	closed->is_hidden = fchmod(closed->fd, MODE_OPENING) == 0;
}

/* ---- whose directory it is ---- */

static emr_status make_note(const char *path, emr_buf *out_note)
{
	EMR_TRY(emr_buf_append(out_note, NOTE_HEAD, sizeof NOTE_HEAD - 1));
	EMR_TRY(emr_buf_append(out_note, path, strlen(path)));
	return emr_buf_append(out_note, "\n", 1);
}

bool emr_closed_was_ours(const emr_places *places, const char *path)
{
	EMR_AUTO_FD state = open(places->state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	EMR_AUTO_BUF wanted = {0};
	EMR_AUTO_BUF found = {0};

	return state >= 0 && make_note(path, &wanted) == EMR_OK &&
	       emr_file_read(state, STATE_FOLDER, wanted.len, &found) == EMR_OK &&
	       found.len == wanted.len && memcmp(found.data, wanted.data, wanted.len) == 0;
}

static emr_status remember(const emr_places *places, const char *path)
{
	EMR_AUTO_FD state = open(places->state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	EMR_AUTO_BUF note = {0};

	EMR_TRY(state < 0 ? emr_status_from_errno(errno) : make_note(path, &note));
	return emr_file_replace(state, STATE_FOLDER, emr_buf_view(&note), 0600);
}

/* ---- what was saved there ---- */

static bool is_entry(const struct dirent *entry)
{
	return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

/* From its first entry, with a descriptor of its own.  No second one is opened: nobody could while
 * the directory is hidden. */
static DIR *list_again(int fd)
{
	int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	DIR *directory = own >= 0 ? fdopendir(own) : NULL;
	int error = errno;

	if (directory != NULL)
		rewinddir(directory);
	else if (own >= 0)
		close(own);
	errno = error;
	return directory;
}

/* -1, with errno: it cannot be listed, so nobody knows that it is empty. */
static int count_entries(int fd)
{
	DIR *directory = list_again(fd);
	const struct dirent *entry;
	int error, n = 0;

	if (directory == NULL)
		return -1;
	errno = 0;
	while ((entry = readdir(directory)) != NULL)
		n += is_entry(entry);
	error = errno;
	closedir(directory);
	errno = error;
	return error == 0 ? n : -1;
}

/* A directory that is closed already: emrfs made it and nobody has opened it yet, or closed it for
 * a keyring that is gone, as when all was lost and came back from a second copy.  One of any other
 * mode was closed by somebody else, and is left so. */
static bool looks_closed(const struct stat *st)
{
	mode_t mode = st->st_mode & 0777;

	return st->st_uid == geteuid() && (mode == MODE_CLOSED || mode == MODE_OPENING);
}

/* PLACE, which was opened by name alone, to be listed.  Only its owner's own permission may be
 * missing, and there is it for the moment in which it is opened; it is hidden then. */
static int open_hidden(int place, emr_closed *closed)
{
	char name[32];
	int error;

	snprintf(name, sizeof name, "/proc/self/fd/%d", place);
	closed->is_hidden = chmod(name, 0700) == 0;
	closed->fd = openat(place, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	error = errno;
	if (closed->is_hidden)
		(void)chmod(name, closed->fd >= 0 ? MODE_OPENING : closed->mode);
	errno = error;
	return closed->fd;
}

/* "PATH (saved while closed 2026-11-21)", with a number behind the day where that is taken. */
static int make_beside(const char *path, char out[PATH_MAX])
{
	char day[EMR_DAY_BYTES], number[16] = "";

	emr_day_of(emr_clock_unix_s(emr_clock_system()), day);
	for (int i = 1; i <= NAMES_TRIED; i++) {
		if (i > 1)
			snprintf(number, sizeof number, ", %d", i);
		if (snprintf(out, PATH_MAX, "%s (saved while closed %s%s)", path, day, number) >=
			PATH_MAX) {
			errno = ENAMETOOLONG;
			return -1;
		}
		if (mkdir(out, 0700) == 0)
			return open(out, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
		if (errno != EEXIST)
			return -1;
	}
	return -1;
}

/* Every entry of FROM into TO; 0, or an errno with the rest left where it is. */
static int move_entries(int from, int to, unsigned *out_moved)
{
	DIR *directory = list_again(from);
	const struct dirent *entry;
	int error = directory != NULL ? 0 : errno;

	if (directory == NULL)
		return error;
	while (error == 0) {
		errno = 0; /* the end, or the rest cannot be listed and would be hidden */
		entry = readdir(directory);
		if (entry == NULL) {
			error = errno;
			break;
		}
		if (!is_entry(entry))
			continue;
		if (renameat(from, entry->d_name, to, entry->d_name) != 0)
			error = errno;
		else
			++*out_moved;
	}
	closedir(directory);
	return error;
}

static emr_status take_out(const char *path, emr_closed *closed, emr_problem *out_problem)
{
	EMR_AUTO_FD to = make_beside(path, closed->to);
	int error = to < 0 ? errno : move_entries(closed->fd, to, &closed->moved);

	if (error == 0 && fsync(to) == 0 && fsync(closed->fd) == 0)
		return EMR_OK;
	return EMR_PROBLEM(EMR_NOT_EMPTY, out_problem, EMR_SAY_MOUNTPOINT_HAS_FILES, "dir", path,
		"dest", closed->to, "cause", emr_text_errno(error != 0 ? error : errno), NULL);
}

emr_status emr_closed_take_out(const emr_places *places, const char *path, emr_closed *out_closed,
	emr_problem *out_problem)
{
	bool was_ours = emr_closed_was_ours(places, path), is_closed;
	EMR_AUTO_FD place = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct stat st;
	int entries;

	if (place < 0 || fstat(place, &st) != 0)
		return EMR_PROBLEM(
			EMR_INVALID, out_problem, EMR_SAY_MOUNTPOINT_GONE, "dir", path, NULL);
	out_closed->mode = st.st_mode & 07777;
	is_closed = was_ours || looks_closed(&st);
	if (is_closed)
		(void)open_hidden(place, out_closed);
	else
		out_closed->fd = openat(place, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	entries = out_closed->fd >= 0 ? count_entries(out_closed->fd) : -1;
	if (entries < 0)
		return EMR_PROBLEM(EMR_IO, out_problem, EMR_SAY_FAILED, "what", path, "cause",
			emr_text_errno(errno), NULL);
	if (is_closed && (was_ours || entries == 0))
		out_closed->mode = MODE_CLOSED; /* also when opening fails */
	if (entries == 0)
		return EMR_OK;
	if (was_ours)
		return take_out(path, out_closed, out_problem);
	emr_problem_set(out_problem, EMR_SAY_MOUNTPOINT_NOT_EMPTY, "dir", path, NULL);
	return EMR_NOT_EMPTY;
}

bool emr_closed_elsewhere(const emr_places *places, const char *path, char out[PATH_MAX])
{
	EMR_AUTO_FD state = open(places->state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const size_t head = sizeof NOTE_HEAD - 1;
	EMR_AUTO_BUF note = {0};
	struct stat st;

	if (state < 0 || emr_file_read(state, STATE_FOLDER, head + PATH_MAX, &note) != EMR_OK ||
		note.len < head + 2 || memcmp(note.data, NOTE_HEAD, head) != 0)
		return false;
	snprintf(out, PATH_MAX, "%.*s", (int)(note.len - head - 1), (char *)note.data + head);
	return strcmp(out, path) != 0 && lstat(out, &st) == 0 && S_ISDIR(st.st_mode) &&
	       looks_closed(&st);
}

void emr_closed_seal(const emr_places *places, const char *path, emr_closed *closed)
{
	emr_status status = emr_closed_was_ours(places, path) ? EMR_OK : remember(places, path);

	if (status != EMR_OK)
		emr_log(EMR_LOG_WARN, "nobody knows later where the folder was open: %s",
			emr_status_text(status));
	if (fchmod(closed->fd, MODE_CLOSED) != 0)
		emr_log(EMR_LOG_WARN, "the directory below the folder stays open: %s",
			emr_status_text(emr_status_from_errno(errno)));
	closed->is_hidden = false;
	emr_closed_free(closed);
}
