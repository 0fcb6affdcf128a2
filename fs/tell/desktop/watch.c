/* This is the helper program `watch`: it closes the folder when the session is locked or the
 * computer goes to sleep. It asks logind, and needs no passphrase: closing is `emrfs unmount`,
 * which waits until work is safe and leaves a folder open that programs use. */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kit/language.h"

#include "tell.h"

#define LOGIND "org.freedesktop.login1"
#define MANAGER "/org/freedesktop/login1"
#define IN_USE 11 /* exit code of a verb: programs use the folder */
#define NOT_OPEN 10

extern char **environ;

typedef struct watcher {
	sd_bus *system;
	int inhibitor; /* delays sleep while it is open; -1 = none */
} watcher;

/* ---- closing ---- */

static int run_emrfs(const char *as)
{
	const char *named = getenv("EMRFS");
	char program[4096], as_option[] = "--as", verb[] = "unmount", quiet[] = "--quiet",
			    name[128];
	char *plain[] = {program, verb, quiet, NULL},
	     *keyed[] = {program, as_option, name, verb, quiet, NULL};
	int status = -1;
	pid_t pid;

	snprintf(program, sizeof program, "%s", named != NULL ? named : "emrfs");
	snprintf(name, sizeof name, "%s", as != NULL ? as : "");
	if (posix_spawnp(&pid, program, NULL, NULL, as != NULL ? keyed : plain, environ) != 0)
		return -1;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void say_open(const char *as)
{
	char text[512];
	sd_bus *bus = NULL;

	snprintf(text, sizeof text,
		as != NULL ? _("The folder of %s stays open: a program uses it. Close what is open "
			       "there, then: emrfs unmount")
			   : _("Your folder stays open: a program uses it. Close what is open "
			       "there, then: emrfs unmount"),
		as);
	if (sd_bus_open_user(&bus) >= 0)
		(void)tell_show(bus, _("Medical records"), text, TELL_CRITICAL);
	sd_bus_flush_close_unref(bus);
	fprintf(stderr, "%s\n", text);
}

static void close_one(const char *as)
{
	int code = run_emrfs(as);

	if (code == IN_USE)
		say_open(as);
	else if (code != 0 && code != NOT_OPEN)
		fprintf(stderr, "emrfs unmount: exit code %d\n", code);
}

/* The usual keyring, and every one with a name that has a socket. */
static void close_all(const char *why)
{
	const char *home = getenv("EMRFS_HOME"), *run = getenv("XDG_RUNTIME_DIR");
	char path[4096];
	const struct dirent *entry;
	DIR *named;

	fprintf(stderr, "%s: closing\n", why);
	close_one(NULL);
	snprintf(path, sizeof path, "%s%s",
		home != NULL  ? home
		: run != NULL ? run
			      : "/nonexistent",
		home != NULL ? "/run/as" : "/emrfs/as");
	named = opendir(path);
	while (named != NULL && (entry = readdir(named)) != NULL) {
		if (entry->d_name[0] != '.')
			close_one(entry->d_name);
	}
	if (named != NULL)
		closedir(named);
}

/* ---- logind ---- */

static void inhibit(watcher *w)
{
	sd_bus_message *answer = NULL;
	int fd, r;

	r = sd_bus_call_method(w->system, LOGIND, MANAGER, LOGIND ".Manager", "Inhibit", NULL,
		&answer, "ssss", "sleep", "emrfs", "closing the folder of medical records",
		"delay");
	if (r >= 0)
		r = sd_bus_message_read(answer, "h", &fd);
	w->inhibitor = r >= 0 ? dup(fd) : -1;
	if (r < 0)
		fprintf(stderr, "sleep cannot be delayed: %s\n", strerror(-r));
	sd_bus_message_unref(answer);
}

static int on_sleep(sd_bus_message *message, void *arg, sd_bus_error *error)
{
	watcher *w = arg;
	int begins;

	(void)error;
	if (sd_bus_message_read(message, "b", &begins) < 0)
		return 0;
	if (!begins) {
		inhibit(w);
		return 0;
	}
	close_all("sleep");
	if (w->inhibitor >= 0)
		close(w->inhibitor);
	w->inhibitor = -1;
	return 0;
}

/* Whether the object PATH is a session of this user: others' locks are not ours. */
static int is_own_session(watcher *w, const char *path)
{
	sd_bus_message *answer = NULL;
	const char *id, *at;
	int found = 0;

	if (sd_bus_get_property(w->system, LOGIND, MANAGER "/user/self", LOGIND ".User", "Sessions",
		    NULL, &answer, "a(so)") >= 0 &&
		sd_bus_message_enter_container(answer, 'a', "(so)") >= 0) {
		while (!found && sd_bus_message_read(answer, "(so)", &id, &at) > 0)
			found = strcmp(at, path) == 0;
	}
	sd_bus_message_unref(answer);
	return found;
}

static int on_lock(sd_bus_message *message, void *arg, sd_bus_error *error)
{
	(void)error;
	if (is_own_session(arg, sd_bus_message_get_path(message)))
		close_all("lock");
	return 0;
}

/* Desktops that lock by themselves say so with the property LockedHint. */
static int on_properties(sd_bus_message *message, void *arg, sd_bus_error *error)
{
	const char *interface, *name;
	int is_locked = 0;

	(void)error;
	if (sd_bus_message_read(message, "s", &interface) < 0 ||
		strcmp(interface, LOGIND ".Session") != 0 ||
		sd_bus_message_enter_container(message, 'a', "{sv}") < 0)
		return 0;
	while (sd_bus_message_enter_container(message, 'e', "sv") > 0) {
		if (sd_bus_message_read(message, "s", &name) < 0)
			return 0;
		if (strcmp(name, "LockedHint") == 0)
			(void)sd_bus_message_read(message, "v", "b", &is_locked);
		else
			(void)sd_bus_message_skip(message, "v");
		if (sd_bus_message_exit_container(message) < 0)
			return 0;
	}
	if (is_locked && is_own_session(arg, sd_bus_message_get_path(message)))
		close_all("lock");
	return 0;
}

static int listen_to(watcher *w)
{
	int r = sd_bus_match_signal(w->system, NULL, LOGIND, MANAGER, LOGIND ".Manager",
		"PrepareForSleep", on_sleep, w);

	if (r >= 0)
		r = sd_bus_match_signal(
			w->system, NULL, LOGIND, NULL, LOGIND ".Session", "Lock", on_lock, w);
	if (r >= 0)
		r = sd_bus_match_signal(w->system, NULL, LOGIND, NULL,
			"org.freedesktop.DBus.Properties", "PropertiesChanged", on_properties, w);
	return r;
}

int main(void)
{
	watcher w = {.inhibitor = -1};
	int r = sd_bus_open_system(&w.system);

	emr_language_begin();
	signal(SIGPIPE, SIG_IGN);
	if (r >= 0)
		r = listen_to(&w);
	if (r >= 0) {
		inhibit(&w);
		fputs("watching\n", stderr);
	}
	while (r >= 0) {
		r = sd_bus_process(w.system, NULL);
		if (r == 0)
			r = sd_bus_wait(w.system, UINT64_MAX);
		if (r == -EINTR)
			r = 0;
	}
	fprintf(stderr, "watch: %s\n", strerror(-r));
	return EXIT_FAILURE;
}
