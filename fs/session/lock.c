/* This file lets only one process at a time hold a folder, and one replace the keyfile: it takes
 * the lock of a state, says in it who holds it, and waits for one that will soon let go. */
#include "session/session.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/disk.h"
#include "base/log.h"
#include "kit/language.h"
#include "session/annex.h"
#include "session/keys.h"
#include "session/stage.h"
#include "session/still.h"

#define LOG_BYTES_MAX ((off_t)4 << 20)
#define LOCK_TEXT_MAX 8600 /* two paths */
#define ASKED_MOMENT_NS 5000000
#define ASKED_MOMENTS 1000
#define ENDING_NS INT64_C(30000000000) /* what a killed process has open goes with its memory */
#define VERB_NS INT64_C(10000000000)
#define LOOK_NS 20000000

/* ---- what the lock says: "pid N\nrun DIR\nfolder DIR\n" ---- */

/* The lock of a state on a disk that takes nothing may never have been made; the keyfile is always
 * there. The writer that locks it for a moment to replace it has a file of its own. */
static int open_lock(int state_fd)
{
	int fd = openat(state_fd, EMR_STATE_LOCK, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	return fd >= 0 || errno != ENOENT || !emr_disk_takes_nothing(state_fd)
		       ? fd
		       : openat(state_fd, EMR_STATE_KEYFILE, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
}

static emr_status read_lock(int state_fd, int lock_fd, char text[LOCK_TEXT_MAX + 1])
{
	EMR_AUTO_BUF note = {0};
	ssize_t n;

	if (emr_still_read(state_fd, LOCK_TEXT_MAX, &note) == EMR_OK && note.len > 0) {
		memcpy(text, note.data, note.len);
		text[note.len] = '\0';
		return EMR_OK;
	}
	n = pread(lock_fd, text, LOCK_TEXT_MAX, 0);
	if (n < 0)
		return emr_status_from_errno(errno);
	text[n] = '\0';
	return EMR_OK;
}

static emr_status read_holder(
	int state_fd, int lock_fd, char *out_folder, size_t size, int *out_pid)
{
	char text[LOCK_TEXT_MAX + 1];
	char *folder;

	EMR_TRY(read_lock(state_fd, lock_fd, text));
	if (sscanf(text, "pid %d\n", out_pid) != 1)
		*out_pid = 0;
	folder = strstr(text, "\nfolder ");
	out_folder[0] = '\0';
	if (folder != NULL) {
		folder += strlen("\nfolder ");
		if (strlen(folder) > 0 && folder[strlen(folder) - 1] == '\n')
			folder[strlen(folder) - 1] = '\0';
		snprintf(out_folder, size, "%s", folder);
	}
	return EMR_OK;
}

emr_status emr_session_holder(int state_fd, char *out_folder, size_t size, int *out_pid)
{
	EMR_AUTO_FD fd = open_lock(state_fd);

	if (fd < 0)
		return emr_status_from_errno(errno);
	if (flock(fd, LOCK_SH | LOCK_NB) == 0)
		return EMR_NOT_FOUND;
	return read_holder(state_fd, fd, out_folder, size, out_pid);
}

emr_status emr_session_run_place(int state_fd, char **out_dir)
{
	EMR_AUTO_FD fd = open_lock(state_fd);
	char text[LOCK_TEXT_MAX + 1];
	char *run, *end;

	EMR_TRY(fd >= 0 ? read_lock(state_fd, fd, text) : emr_status_from_errno(errno));
	run = strstr(text, "\nrun ");
	end = run != NULL ? strchr(run + 1, '\n') : NULL;
	if (end == NULL)
		return EMR_NOT_FOUND;
	run += strlen("\nrun ");
	*out_dir = strndup(run, (size_t)(end - run));
	return *out_dir != NULL ? EMR_OK : EMR_NO_MEMORY;
}

static emr_status say_in_use(const emr_session *session, emr_problem *out_problem)
{
	char folder[LOCK_TEXT_MAX + 1] = "", number[16];
	int pid = 0;
	emr_status status =
		read_holder(session->state_fd, session->lock_fd, folder, sizeof folder, &pid);

	if (status != EMR_OK)
		emr_log(EMR_LOG_WARN, "lock: %s", emr_status_text(status));
	snprintf(number, sizeof number, "%d", pid);
	emr_problem_set(out_problem, folder[0] != '\0' ? EMR_SAY_IN_USE : EMR_SAY_IN_USE_UNKNOWN,
		"dir", folder, "pid", number, NULL);
	return EMR_BUSY;
}

/* Before the first byte is written: on a full disk everything that follows needs this room.  A file
 * system that can put nothing aside is used without. */
static void open_reserve(emr_session *session, bool read_only)
{
	emr_status status;

	if (read_only)
		return;
	status = emr_reserve_open(session->state_fd, 0, &session->reserve);
	if (status != EMR_OK)
		emr_log(EMR_LOG_WARN, "nothing is put aside for a full disk: %s",
			emr_status_text(status));
}

/* A caller of emr_session_holder holds the lock for a moment, beside other callers: the folder is
 * not in use because of that. */
static bool lock_alone(int fd)
{
	const struct timespec moment = {.tv_nsec = ASKED_MOMENT_NS};

	for (int i = 0; flock(fd, LOCK_EX | LOCK_NB) != 0; i++) {
		if (i == ASKED_MOMENTS || flock(fd, LOCK_SH | LOCK_NB) != 0)
			return false;
		flock(fd, LOCK_UN);
		nanosleep(&moment, NULL);
	}
	return true;
}

/* Whether process PID was killed or is leaving: its first thread has ended, or a SIGKILL is on its
 * way.  Not of one that is gone. */
static bool is_ending(int pid)
{
	char path[64], line[256];
	unsigned long long pending;
	bool is = false;
	FILE *file;

	snprintf(path, sizeof path, "/proc/%d/status", pid);
	file = fopen(path, "re");
	while (file != NULL && !is && fgets(line, sizeof line, file) != NULL)
		is = strncmp(line, "State:\tZ", 8) == 0 || strncmp(line, "State:\tX", 8) == 0 ||
		     ((sscanf(line, "SigPnd: %llx", &pending) == 1 ||
			      sscanf(line, "ShdPnd: %llx", &pending) == 1) &&
			     (pending & 1ULL << (SIGKILL - 1)) != 0);
	if (file != NULL)
		fclose(file);
	return is;
}

static bool is_there(int pid)
{
	return pid > 0 && (kill(pid, 0) == 0 || errno != ESRCH);
}

/* How long whoever holds the lock is awaited, and nobody is told to try again. A process that was
 * killed holds it until the kernel has put away the last of its threads; a verb that works on the
 * closed folder is soon done as a rule; an open folder and an agent are there to stay. The lock may
 * still name a process that is gone, because the present holder has not written over it yet. */
static int64_t patience_ns(const emr_session *session, bool is_agent)
{
	char folder[LOCK_TEXT_MAX + 1];
	int pid = 0;

	if (read_holder(session->state_fd, session->lock_fd, folder, sizeof folder, &pid) != EMR_OK)
		return 0;
	if (pid > 0 && is_ending(pid))
		return ENDING_NS;
	return is_agent || (folder[0] != '\0' && is_there(pid)) ? 0 : VERB_NS;
}

static bool lock_in_time(const emr_session *session, bool is_agent)
{
	const struct timespec moment = {.tv_nsec = LOOK_NS};
	const int64_t begun_ns = emr_clock_boot_ns(emr_clock_system());
	bool is_locked = lock_alone(session->lock_fd);

	while (!is_locked &&
		emr_clock_boot_ns(emr_clock_system()) - begun_ns < patience_ns(session, is_agent)) {
		nanosleep(&moment, NULL);
		is_locked = lock_alone(session->lock_fd);
	}
	/* A holder that was not found any more has let go in between. */
	return is_locked || lock_alone(session->lock_fd);
}

static emr_status lock_text(const emr_session_options *options, char *out, size_t size)
{
	const char *folder = options->folder;
	int len = snprintf(out, size, "pid %d\nrun %s\n%s%s%s", (int)getpid(), options->places->run,
		folder != NULL ? "folder " : "", folder != NULL ? folder : "",
		folder != NULL ? "\n" : "");

	return len >= 0 && (size_t)len < size ? EMR_OK : EMR_LIMIT;
}

void emr_session_give_up_disk(emr_session *session)
{
	emr_disk_give_up(session->state_fd);
	emr_reserve_close(session->reserve);
	session->reserve = NULL;
	session->is_still = true;
}

static emr_status put_lock(const emr_session *session, const char *text)
{
	EMR_TRY(emr_pwrite_all(session->lock_fd, text, strlen(text) + 1, 0));
	return fdatasync(session->lock_fd) != 0 ? emr_status_from_errno(errno) : EMR_OK;
}

/* The first that is written, and the only one that finds out whether this disk takes anything: what
 * is refused here is not tried again by any part.  In place, to the zero byte at which readers
 * stop: whoever cuts a file first has its block given back and taken again. */
static emr_status write_lock(emr_session *session, const char *text)
{
	emr_status status = put_lock(session, text);

	while (emr_status_is_full(status) && emr_reserve_release(session->reserve))
		status = put_lock(session, text);
	if (status == EMR_IO || status == EMR_READ_ONLY || emr_status_is_full(status)) {
		emr_session_give_up_disk(session);
		return EMR_OK;
	}
	if (status == EMR_OK)
		emr_still_forget(session->state_fd); /* from when it took nothing */
	return status;
}

/* Where there is none, and no room for one, the disk is taken as it is. */
static emr_status open_or_make_lock(emr_session *session)
{
	session->is_still = emr_disk_takes_nothing(session->state_fd);
	if (!session->is_still) {
		session->lock_fd = openat(session->state_fd, EMR_STATE_LOCK,
			O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (session->lock_fd < 0 && emr_status_is_full(emr_status_from_errno(errno)))
			emr_session_give_up_disk(session);
	}
	if (session->is_still)
		session->lock_fd = open_lock(session->state_fd);
	return session->lock_fd >= 0 ? EMR_OK : emr_status_from_errno(errno);
}

static emr_status take_lock(
	emr_session *session, const emr_session_options *options, emr_problem *out_problem)
{
	char text[LOCK_TEXT_MAX];
	emr_status status = lock_text(options, text, sizeof text);

	if (status == EMR_OK)
		status = open_or_make_lock(session);
	if (status == EMR_OK && !lock_in_time(session, options->is_agent))
		return say_in_use(session, out_problem);
	if (status == EMR_OK && !session->is_still) {
		open_reserve(session, options->read_only);
		status = write_lock(session, text);
	}
	if (status == EMR_OK && session->is_still && !options->may_be_still) {
		emr_still_say(session->state_fd, out_problem);
		return EMR_READ_ONLY;
	}
	/* Without the note the folder works, too; nobody finds its socket. */
	if (status == EMR_OK && session->is_still)
		session->is_noted = emr_still_note(session->state_fd, text) == EMR_OK;
	if (status == EMR_OK && session->is_still && !session->is_noted)
		emr_log(EMR_LOG_WARN, "who has the folder open could not be noted anywhere");
	if (status != EMR_OK)
		emr_problem_set_status(out_problem, status, _("the lock file"));
	return status;
}

/* The log grows to 4 MiB; then it becomes log.1 and begins again. */
static void open_log(emr_session *session)
{
	struct stat st;

	if (session->is_still)
		return;
	if (fstatat(session->state_fd, EMR_STATE_LOG, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		st.st_size > LOG_BYTES_MAX)
		(void)renameat(
			session->state_fd, EMR_STATE_LOG, session->state_fd, EMR_STATE_LOG ".1");
	session->log_fd = openat(session->state_fd, EMR_STATE_LOG,
		O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	/* Without a log the folder works all the same. */
	emr_log_open(session->log_fd, EMR_LOG_INFO);
}

/* An agent keeps no records, and a person is no agent. */
static emr_status check_kind(
	const emr_session *session, const emr_session_options *options, emr_problem *out_problem)
{
	bool is_agent =
		faccessat(session->state_fd, EMR_STATE_AGENT, F_OK, AT_SYMLINK_NOFOLLOW) == 0;

	if (is_agent == options->is_agent)
		return EMR_OK;
	emr_problem_set(out_problem, is_agent ? EMR_SAY_IS_AGENT : EMR_SAY_NO_AGENT, NULL);
	return EMR_DENIED;
}

emr_status emr_session_lock(
	emr_session *session, const emr_session_options *options, emr_problem *out_problem)
{
	emr_status status =
		emr_places_open_state(options->places, false, &session->state_fd, out_problem);

	if (status != EMR_OK)
		return status;
	session->read_only = options->read_only;
	session->state_path = strdup(options->places->state);
	session->folder = options->folder != NULL ? strdup(options->folder) : NULL;
	if (session->state_path == NULL || (options->folder != NULL && session->folder == NULL)) {
		emr_problem_set_status(out_problem, EMR_NO_MEMORY, "emrfs");
		return EMR_NO_MEMORY;
	}
	status = emr_stage_go_on(session->state_fd);
	if (status != EMR_OK && status != EMR_BUSY) {
		emr_problem_set_status(out_problem, status, options->places->state);
		return status;
	}
	if (faccessat(session->state_fd, EMR_STATE_KEYFILE, F_OK, AT_SYMLINK_NOFOLLOW) != 0) {
		emr_problem_set(
			out_problem, EMR_SAY_NO_KEYRING, "state", options->places->state, NULL);
		return EMR_NOT_FOUND;
	}
	EMR_TRY(check_kind(session, options, out_problem));
	EMR_TRY(take_lock(session, options, out_problem));
	session->read_only |= session->is_still;
	open_log(session);
	EMR_TRY(emr_switch_finish(session->state_fd, out_problem));
	if (!session->is_still)
		emr_switch_tidy(session->state_fd);
	return EMR_OK;
}

/* ---- the keyfile ---- */

emr_status emr_keys_lock(int state_fd, int *out_fd, emr_problem *out_problem)
{
	EMR_AUTO_FD fd = -1;

	if (emr_still_refuse(state_fd, out_problem) != EMR_OK)
		return EMR_READ_ONLY;
	fd = openat(
		state_fd, EMR_STATE_KEYFILE_LOCK, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0) {
		emr_status status = emr_status_from_errno(errno);

		emr_problem_set_status(out_problem, status, _("The lock of the keyfile"));
		return status;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		emr_problem_set(out_problem, EMR_SAY_KEYFILE_BUSY, NULL);
		return EMR_BUSY;
	}
	/* A join's last step replaces it: first that one, then the next. */
	EMR_TRY(emr_switch_finish(state_fd, out_problem));
	*out_fd = fd;
	fd = -1;
	return EMR_OK;
}
