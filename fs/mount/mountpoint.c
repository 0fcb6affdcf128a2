/* This file looks what is at the place of a folder (a living mount, a dead one, an ordinary
 * directory), prepares it, and unmounts. It refuses a place where something is mounted already,
 * and one inside emrfs's own directories. */
#include "kit/language.h"
#include "mount/mountpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* Octal escapes of /proc/self/mountinfo (blank, tab, newline, backslash), in place. */
static void unescape(char *text)
{
	char *to = text;

	for (const char *at = text; *at != '\0';) {
		if (at[0] == '\\' && at[1] >= '0' && at[1] <= '3' && at[2] >= '0' && at[2] <= '7' &&
			at[3] >= '0' && at[3] <= '7') {
			*to++ = (char)((at[1] - '0') << 6 | (at[2] - '0') << 3 | (at[3] - '0'));
			at += 4;
		} else {
			*to++ = *at++;
		}
	}
	*to = '\0';
}

/* `ID PARENT MAJ:MIN ROOT POINT OPTIONS... - TYPE SOURCE OPTIONS`: the type, when POINT is PATH. */
static const char *type_at(char *line, const char *path)
{
	char *save = NULL, *field = strtok_r(line, " ", &save);

	for (int i = 0; i < 4 && field != NULL; i++)
		field = strtok_r(NULL, " ", &save);
	if (field == NULL)
		return NULL;
	unescape(field);
	if (strcmp(field, path) != 0)
		return NULL;
	while (field != NULL && strcmp(field, "-") != 0)
		field = strtok_r(NULL, " ", &save);
	return field != NULL ? strtok_r(NULL, " ", &save) : NULL;
}

/* statfs always asks the process behind the mount; the kernel answers stat from memory, also for a
 * dead one. */
static bool answers(const char *path)
{
	struct statfs disk;

	return statfs(path, &disk) == 0 || (errno != ENOTCONN && errno != ECONNABORTED);
}

emr_mount_kind emr_mountpoint_listed(const char *path)
{
	emr_mount_kind kind = EMR_MOUNT_NONE;
	FILE *list = fopen("/proc/self/mountinfo", "re");
	char *line = NULL;
	size_t size = 0;

	if (list == NULL)
		return EMR_MOUNT_NONE;
	/* The last one is on top. */
	while (getline(&line, &size, list) > 0) {
		const char *type = type_at(line, path);

		if (type != NULL)
			kind = strcmp(type, "fuse.emrfs") == 0 ? EMR_MOUNT_LIVE : EMR_MOUNT_OTHER;
	}
	free(line);
	fclose(list);
	return kind;
}

emr_mount_kind emr_mountpoint_look(const char *path)
{
	emr_mount_kind kind = emr_mountpoint_listed(path);

	return kind == EMR_MOUNT_LIVE && !answers(path) ? EMR_MOUNT_DEAD : kind;
}

/* Runs fusermount3; what it says goes to SAID. */
static int run_fusermount(const char *path, bool lazy, char *said, size_t size)
{
	char program[] = "fusermount3", unmount[] = "-u", detach[] = "-uz", end[] = "--";
	EMR_AUTO_FREE char *where = strdup(path);
	char *argv[] = {program, lazy ? detach : unmount, end, where, NULL};
	posix_spawn_file_actions_t actions;
	int ends[2], exit_status = -1;
	size_t len = 0;
	ssize_t n;
	pid_t pid;

	said[0] = '\0';
	if (where == NULL || pipe2(ends, O_CLOEXEC) != 0)
		return -1;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);
	if (posix_spawnp(&pid, program, &actions, NULL, argv, environ) != 0)
		pid = 0;
	posix_spawn_file_actions_destroy(&actions);
	close(ends[1]);
	while (pid > 0 && len + 1 < size && (n = read(ends[0], said + len, size - 1 - len)) != 0) {
		if (n < 0 && errno != EINTR)
			break;
		len += n > 0 ? (size_t)n : 0;
	}
	said[len] = '\0';
	close(ends[0]);
	while (pid > 0 && waitpid(pid, &exit_status, 0) < 0 && errno == EINTR)
		;
	return exit_status;
}

static emr_status say_end(int error, const char *path, emr_problem *out_problem)
{
	if (error == EBUSY)
		return EMR_PROBLEM(EMR_BUSY, out_problem, EMR_SAY_FOLDER_BUSY, "dir", path, NULL);
	emr_problem_set(
		out_problem, EMR_SAY_FAILED, "what", path, "cause", emr_text_errno(error), NULL);
	return emr_status_from_errno(error);
}

emr_status emr_mountpoint_end(const char *path, bool lazy, emr_problem *out_problem)
{
	char said[512];

	if (umount2(path, UMOUNT_NOFOLLOW | (lazy ? MNT_DETACH : 0)) == 0)
		return EMR_OK;
	if (errno != EPERM)
		return say_end(errno == EINVAL ? ENOENT : errno, path, out_problem);
	/* As an ordinary user: the helper that mounted it. */
	if (run_fusermount(path, lazy, said, sizeof said) == 0)
		return EMR_OK;
	said[strcspn(said, "\n")] = '\0';
	if (said[0] == '\0' || strstr(said, "busy") != NULL)
		return say_end(said[0] != '\0' ? EBUSY : EPERM, path, out_problem);
	/* Its words name the cause: no /etc/mtab, not ours, ... */
	emr_problem_set(out_problem, EMR_SAY_FAILED, "what", path, "cause", said, NULL);
	return EMR_DENIED;
}

/* Each keyring of an account (--as NAME) has a folder of its own. */
static char *usual_place(const emr_places *places)
{
	const char *name = strrchr(places->state, '/');
	const bool has_name =
		name != NULL && name - places->state >= 3 && strncmp(name - 3, "/as", 3) == 0;
	char *path;

	return asprintf(&path, "%s/Health%s%s", places->home, has_name ? "-" : "",
		       has_name ? name + 1 : "") < 0
		       ? NULL
		       : path;
}

emr_status emr_mountpoint_make_usual(const emr_places *places, emr_problem *out_problem)
{
	EMR_AUTO_FREE char *usual = usual_place(places);
	emr_status status = EMR_OK;

	/* Closed to programs until it is first opened: emr_closed_take_out. */
	if (usual == NULL)
		status = EMR_NO_MEMORY;
	else if (mkdir(usual, 0) != 0 && errno != EEXIST)
		status = emr_status_from_errno(errno);
	if (status != EMR_OK)
		emr_problem_set_status(out_problem, status, usual != NULL ? usual : "emrfs");
	return status;
}

emr_status emr_mountpoint_find(
	const emr_places *places, const char *dir, char **out_path, emr_problem *out_problem)
{
	EMR_AUTO_FREE char *usual = dir == NULL ? usual_place(places) : NULL;
	char *path;

	dir = dir == NULL ? usual : dir;
	path = dir != NULL ? emr_path_real(dir) : NULL;
	if (path == NULL)
		return EMR_PROBLEM_STATUS(out_problem, EMR_NO_MEMORY, "emrfs");
	*out_path = path;
	return EMR_OK;
}

/* Commands and the folder's process name it to each other in JSON, which is UTF-8. */
static bool can_be_named(const char *path)
{
	char shown[PATH_MAX];

	emr_show(path, shown, sizeof shown);
	return strcmp(path, shown) == 0;
}

static emr_status refuse(
	emr_problem *out_problem, emr_message message, const emr_places *places, const char *path)
{
	emr_problem_set(out_problem, message, "dir", path, "state", places->state, NULL);
	return EMR_INVALID;
}

emr_status emr_mountpoint_prepare(const emr_places *places, const char *path,
	emr_closed *out_closed, emr_problem *out_problem)
{
	emr_mount_kind kind;
	emr_problem ignored = {0};

	if (!can_be_named(path))
		return emr_wrong_use("mount",
			_("The path of the folder is no UTF-8, or has characters that hide or turn "
			  "text: no command could name it. Open it at another path."),
			out_problem);
	kind = emr_mountpoint_look(path);

	if (kind == EMR_MOUNT_DEAD) {
		if (emr_mountpoint_end(path, true, &ignored) != EMR_OK)
			return refuse(out_problem, EMR_SAY_MOUNTPOINT_DEAD, places, path);
		kind = emr_mountpoint_look(path);
	}
	if (kind != EMR_MOUNT_NONE)
		return refuse(out_problem, EMR_SAY_MOUNTPOINT_BUSY, places, path);
	if (emr_places_contain(places, path))
		return refuse(out_problem, EMR_SAY_MOUNTPOINT_INSIDE, places, path);
	return emr_closed_take_out(places, path, out_closed, out_problem);
}
