/* This file finds out whether a program reads on its own (a thumbnailer, an indexer, a backup)
 * and not because a person opened a file. It looks at the process behind a request and at its
 * parents, by the names of their programs. */
#include "caller.h"

#include <fcntl.h>
#include <fnmatch.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

#define ANCESTORS_MAX 3 /* a thumbnailer may start converters, these another program */
#define COMM_BYTES 15	/* the kernel keeps no more of a process's name */

/* Programs that read records which nobody opened, as fnmatch(3) patterns of their file's name. */
static const char *const patterns[] = {
	"tumblerd", /* Xfce */
	"*-thumbnailer",
	"*thumbnailer", /* GNOME (evince, totem, gdk-pixbuf, gsf-office), ffmpegthumbnailer */
	"gnome-thumbnail-font",
	"thumbnail.so", /* KDE's worker calls itself so */
	"tracker-extract*",
	"tracker-miner-*",
	"localsearch*", /* GNOME's index */
	"baloo_file",
	"baloo_file_extractor",
	"baloorunner", /* KDE's index */
	"updatedb",
	"updatedb.*",
	"plocate",
	"mlocate",
	"recollindex",
	"zeitgeist-*",
	"beagled",
	"clamscan",
	"clamd",
	"freshclam",
	"borg",
	"restic",
	"duplicity",
	"deja-dup",
	"rdiff-backup",
	"rsnapshot",
	"bacula-fd",
	"duplicati*",
	"nextcloud",
	"dropbox",
	"rclone",
	"syncthing",
	"insync",
	"onedrive",
	"megasync",
};

/* A script's own name stands in its arguments. */
static const char *const interpreters[] = {
	"python*",
	"perl*",
	"ruby*",
	"node",
	"gjs*",
	"bash",
	"sh",
	"dash",
};

static bool matches(const char *const *list, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (fnmatch(list[i], name, 0) == 0)
			return true;
	return false;
}

#define MATCHES(list, name) matches(list, sizeof(list) / sizeof((list)[0]), name)

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

static bool take(const char *name, char out_name[CALLER_NAME_BYTES])
{
	if (!MATCHES(patterns, name))
		return false;
	snprintf(out_name, CALLER_NAME_BYTES, "%s", name);
	return true;
}

/* KDE's workers are one program for many tasks, the first argument says which; interpreters run
 * scripts. */
static bool arguments_name_software(
	const char *exe, const char *arguments, size_t n, char out_name[CALLER_NAME_BYTES])
{
	bool runs_scripts = MATCHES(interpreters, exe),
	     is_worker = fnmatch("kio*", exe, 0) == 0 || fnmatch("kdeinit*", exe, 0) == 0;
	const char *at = arguments, *end = arguments + n;

	if (!runs_scripts && !is_worker)
		return false;
	at += at < end ? strnlen(at, (size_t)(end - at)) + 1 : 0;
	while (at < end && *at == '-')
		at += strnlen(at, (size_t)(end - at)) + 1;
	return at < end && memchr(at, 0, (size_t)(end - at)) != NULL &&
	       take(last_part(at), out_name);
}

bool caller_names_software(const char *exe, const char *comm, const char *arguments, size_t n,
	char out_name[CALLER_NAME_BYTES])
{
	if (take(last_part(exe), out_name) ||
		arguments_name_software(last_part(exe), arguments, n, out_name))
		return true;
	/* A script called by its own name, or a program whose file another user may not see. */
	return strlen(comm) <= COMM_BYTES && take(comm, out_name);
}

/* ---- /proc */

static size_t read_proc(pid_t pid, const char *what, char *out, size_t size)
{
	char path[64];
	ssize_t got;
	int fd;

	snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, what);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	got = fd >= 0 ? read(fd, out, size - 1) : -1;
	if (fd >= 0)
		close(fd);
	out[got > 0 ? got : 0] = 0;
	return got > 0 ? (size_t)got : 0;
}

/* A number of /proc/PID/status; 0 when it is not there. */
static pid_t number_of(const char *status, const char *field)
{
	const char *line = strstr(status, field);

	return line != NULL ? (pid_t)atoi(line + strlen(field)) : 0;
}

/* False: it is not shown to this user, or longer than SIZE. */
static bool read_exe(pid_t pid, char *out, size_t size)
{
	char link[64];
	ssize_t len;

	snprintf(link, sizeof link, "/proc/%d/exe", (int)pid);
	len = readlink(link, out, size);
	out[len > 0 && (size_t)len < size ? len : 0] = 0;
	return out[0] != 0;
}

static bool process_is_software(pid_t pid, char out_name[CALLER_NAME_BYTES])
{
	char exe[4096], comm[64], arguments[1024];
	size_t n;

	(void)read_exe(pid, exe, sizeof exe);
	n = strlen(exe);
	if (n > 10 && strcmp(exe + n - 10, " (deleted)") == 0)
		exe[n - 10] = 0;
	read_proc(pid, "comm", comm, sizeof comm);
	comm[strcspn(comm, "\n")] = 0;
	n = read_proc(pid, "cmdline", arguments, sizeof arguments);
	return caller_names_software(exe, comm, arguments, n, out_name);
}

static bool look_upwards(pid_t thread, char out_name[CALLER_NAME_BYTES])
{
	char status[2048];
	pid_t pid;

	read_proc(thread, "status", status, sizeof status);
	pid = number_of(status, "\nTgid:\t");
	for (int i = 0; i <= ANCESTORS_MAX && pid > 1; i++) {
		if (process_is_software(pid, out_name))
			return true;
		read_proc(pid, "status", status, sizeof status);
		pid = number_of(status, "\nPPid:\t");
	}
	return false;
}

/* ---- what was judged before */

#define JUDGED_MAX 64
#define JUDGED_NS INT64_C(10000000000)
#define SKIP_3 " %*s %*s %*s"
#define SKIP_9 SKIP_3 SKIP_3 SKIP_3

/* A thread that has executed no other program since, nor got another name or parent: then its file,
 * its beginning, or where its stack and arguments lie, would be others (proc(5), fields 2, 4, 22,
 * 28 and 48 of /proc/PID/stat). */
typedef struct judged {
	pid_t thread; /* 0: none */
	unsigned long long parent, began, stack, arguments;
	char exe[256], comm[COMM_BYTES + 1];
	bool is_software; /* from here on not compared */
	char name[CALLER_NAME_BYTES];
	int64_t at_ns; /* the processes above may become others */
} judged;

static pthread_mutex_t judged_lock = PTHREAD_MUTEX_INITIALIZER;
static judged all_judged[JUDGED_MAX]; /* one for each remainder of a thread's number */

/* False: not all of that is shown to this user. */
static bool identify(pid_t thread, judged *out)
{
	char stat[1024], *end;

	memset(out, 0, sizeof *out); /* they are compared as bytes */
	out->thread = thread;
	read_proc(thread, "stat", stat, sizeof stat);
	end = strrchr(stat, ')'); /* behind the name, which may have anything in it */
	if (end == NULL || !read_exe(thread, out->exe, sizeof out->exe))
		return false;
	*end = 0;
	snprintf(out->comm, sizeof out->comm, "%s", strchr(stat, '(') + 1);
	return sscanf(end + 1,
		       " %*c %llu"			    /* the 4th field */
		       SKIP_9 SKIP_3 SKIP_3 " %*s %*s %llu" /* 22 */
		       SKIP_3 " %*s %*s %llu"		    /* 28 */
		       SKIP_9 SKIP_9 " %*s %llu",	    /* 48 */
		       &out->parent, &out->began, &out->stack, &out->arguments) == 4 &&
	       out->stack != 0 && out->arguments != 0;
}

static bool is_same(const judged *a, const judged *b)
{
	return memcmp(a, b, offsetof(judged, is_software)) == 0;
}

bool caller_is_software(pid_t thread, char out_name[CALLER_NAME_BYTES])
{
	judged *known = &all_judged[(unsigned)thread % JUDGED_MAX], one, after;
	const int64_t now = emr_clock_boot_ns(emr_clock_system());
	bool is_known;

	if (!identify(thread, &one))
		return look_upwards(thread, out_name);
	pthread_mutex_lock(&judged_lock);
	is_known = is_same(known, &one) && now - known->at_ns < JUDGED_NS;
	if (is_known)
		one = *known;
	pthread_mutex_unlock(&judged_lock);
	if (!is_known) {
		one.is_software = look_upwards(thread, one.name);
		one.at_ns = now;
		/* Another thread of the process may execute a program meanwhile. */
		is_known = identify(thread, &after) && is_same(&after, &one);
		pthread_mutex_lock(&judged_lock);
		if (is_known)
			*known = one;
		pthread_mutex_unlock(&judged_lock);
	}
	if (one.is_software)
		memcpy(out_name, one.name, sizeof one.name);
	return one.is_software;
}
