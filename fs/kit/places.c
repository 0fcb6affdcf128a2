/* This file finds the directories of a keyring (state, settings, runtime) by the XDG rules, and
 * opens them. It refuses a directory that other accounts can enter. */
#include "kit/paths.h"
#include "kit/places.h"

#include "base/disk.h"
#include "kit/language.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void emr_places_free(emr_places *places)
{
	free(places->home);
	free(places->state);
	free(places->config);
	free(places->cache);
	free(places->run);
	*places = (emr_places){0};
}

static bool name_is_fine(const char *name)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
	size_t len = strlen(name);

	return len >= 1 && len <= 64 && strchr(letters, name[0]) != NULL &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") ==
		       len;
}

/* BASE/REST or BASE/REST/as/NAME. */
static char *join(const char *base, const char *rest, const char *as)
{
	char *path = NULL;
	int n = as != NULL ? asprintf(&path, "%s/%s/as/%s", base, rest, as)
			   : asprintf(&path, "%s/%s", base, rest);

	return n < 0 ? NULL : path;
}

/* OWN or OWN/as/NAME. */
static char *own_config(const char *own, const char *as)
{
	char *path = NULL;

	return asprintf(&path, "%s%s%s", own, as != NULL ? "/as/" : "", as != NULL ? as : "") < 0
		       ? NULL
		       : path;
}

static const char *environment(const char *name)
{
	const char *value = getenv(name);

	return value != NULL && value[0] != '\0' ? value : NULL;
}

static char *home_of_user(void)
{
	const char *home = environment("HOME");
	const struct passwd *user;

	if (home != NULL && home[0] == '/')
		return strdup(home);
	user = getpwuid(getuid());
	return strdup(user != NULL && user->pw_dir[0] == '/' ? user->pw_dir : "/");
}

/* $NAME/emrfs, or HOME/USUAL/emrfs.  A relative value is ignored, as the XDG rules ask. */
static char *xdg(const char *name, const char *home, const char *usual, const char *as)
{
	const char *value = environment(name);
	char *base = NULL, *path;

	if (value != NULL && value[0] == '/')
		return join(value, "emrfs", as);
	if (asprintf(&base, "%s/%s", home, usual) < 0)
		return NULL;
	path = join(base, "emrfs", as);
	free(base);
	return path;
}

/* Without XDG_RUNTIME_DIR, and with that of another account (su and runuser leave it in the
 * environment), systemd's place if it is there and ours.  False: there is none. */
static bool runtime_base(char *out, size_t size)
{
	const char *value = environment("XDG_RUNTIME_DIR");
	struct stat st;

	if (value != NULL && value[0] == '/' && (stat(value, &st) != 0 || st.st_uid == getuid()))
		return snprintf(out, size, "%s", value) < (int)size;
	snprintf(out, size, "/run/user/%u", (unsigned)getuid());
	return stat(out, &st) == 0 && st.st_uid == getuid() && (st.st_mode & 077) == 0;
}

/* The runtime directory, else one in the state. */
static char *run_place(const emr_places *places, const char *as)
{
	char base[PATH_MAX];

	return runtime_base(base, sizeof base) ? join(base, "emrfs", as)
					       : join(places->state, "run", NULL);
}

/* Not by the environment, which differs from one log-in, service or `su` to the next, and in no
 * place that ends with the log-in or that is cleaned: all programs of the account must find one. */
char *emr_places_writers(void)
{
	const struct passwd *user = getpwuid(geteuid());
	char *path = NULL;

	return asprintf(&path, "%s/.local/state/emrfs/writers",
		       user != NULL && user->pw_dir[0] == '/' ? user->pw_dir : "") < 0
		       ? NULL
		       : path;
}

/* In /tmp it lies at the top, where nobody else can rename it. */
char *emr_places_elsewhere(int state_fd)
{
	char base[PATH_MAX], name[80];
	bool has_base = runtime_base(base, sizeof base);
	struct stat st;
	char *path = NULL;

	if (fstat(state_fd, &st) != 0)
		return NULL;
	snprintf(name, sizeof name, "still-%llx-%llx", (unsigned long long)st.st_dev,
		(unsigned long long)st.st_ino);
	if ((has_base ? asprintf(&path, "%s/emrfs/%s", base, name)
		      : asprintf(&path, "/tmp/emrfs-%u-%s", (unsigned)getuid(), name)) < 0)
		return NULL;
	return path;
}

/* PATH, or the directory above it that is there. */
static int open_nearest(const char *path)
{
	char nearest[PATH_MAX];
	char *slash;
	int fd = -1;

	if (snprintf(nearest, sizeof nearest, "%s", path) >= (int)sizeof nearest)
		return -1;
	while ((fd = open(nearest, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0 && errno == ENOENT &&
		(slash = strrchr(nearest, '/')) != NULL && slash != nearest)
		*slash = '\0';
	return fd;
}

/* Where no socket can be made it is elsewhere. */
static void choose_run(emr_places *places)
{
	EMR_AUTO_FD there = open_nearest(places->run);
	EMR_AUTO_FD state_fd = open(places->state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char *elsewhere;

	if (there < 0 || state_fd < 0 || !emr_disk_takes_nothing(there))
		return;
	elsewhere = emr_places_elsewhere(state_fd);
	if (elsewhere == NULL)
		return;
	free(places->run);
	places->run = elsewhere;
	places->run_flags = O_NOFOLLOW;
}

emr_status emr_places_find(const char *as, emr_places *out_places, emr_problem *out_problem)
{
	EMR_AUTO_PLACES places = {.home = home_of_user()};
	const char *own = environment("EMRFS_HOME");

	if (as != NULL && !name_is_fine(as)) {
		return emr_wrong_use("",
			_("--as takes a name of letters, digits, dot, dash and underscore."),
			out_problem);
	}
	if (own != NULL && own[0] != '/') {
		return emr_wrong_use("", _("EMRFS_HOME must be an absolute path."), out_problem);
	}
	if (places.home != NULL && own != NULL) {
		places.state = join(own, "state", as);
		places.config = own_config(own, as);
		places.cache = join(own, "cache", as);
		places.run = join(own, "run", as);
	} else if (places.home != NULL) {
		places.state = xdg("XDG_DATA_HOME", places.home, ".local/share", as);
		places.config = xdg("XDG_CONFIG_HOME", places.home, ".config", as);
		places.cache = xdg("XDG_CACHE_HOME", places.home, ".cache", as);
		places.run = places.state != NULL ? run_place(&places, as) : NULL;
	}
	if (places.state == NULL || places.config == NULL || places.cache == NULL ||
		places.run == NULL)
		return EMR_PROBLEM_STATUS(out_problem, EMR_NO_MEMORY, "emrfs");
	choose_run(&places);
	*out_places = places;
	places = (emr_places){0};
	return EMR_OK;
}

/* An existing directory, ours alone.  FLAGS: O_NOFOLLOW, where others could put a link. */
static emr_status open_private(const char *path, int flags, int *out_fd)
{
	EMR_AUTO_FD fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | flags);
	struct stat st;

	if (fd < 0)
		return errno == ENOTDIR ? EMR_NOT_DIRECTORY : emr_status_from_errno(errno);
	if (fstat(fd, &st) != 0)
		return emr_status_from_errno(errno);
	if (st.st_uid != geteuid() || (st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
		return EMR_EXPOSED;
	*out_fd = fd;
	fd = -1;
	return EMR_OK;
}

static emr_status open_or_make(const char *path, int flags, bool may_create, int *out_fd)
{
	int made = -1;
	emr_status status = open_private(path, flags, out_fd);

	if (status != EMR_NOT_FOUND || !may_create)
		return status;
	EMR_TRY(emr_dir_open(path, &made));
	close(made);
	return open_private(path, flags, out_fd);
}

emr_status emr_places_open_state(
	const emr_places *places, bool may_create, int *out_fd, emr_problem *out_problem)
{
	emr_status status = open_or_make(places->state, 0, may_create, out_fd);

	if (status == EMR_NOT_FOUND)
		emr_problem_set(out_problem, EMR_SAY_NO_KEYRING, "state", places->state, NULL);
	else if (status != EMR_OK)
		emr_problem_set_status(out_problem, status, places->state);
	return status;
}

emr_status emr_places_open_elsewhere(int state_fd, bool may_create, int *out_fd)
{
	EMR_AUTO_FREE char *path = emr_places_elsewhere(state_fd);

	return path != NULL ? open_or_make(path, O_NOFOLLOW, may_create, out_fd) : EMR_NO_MEMORY;
}

emr_status emr_places_open_run(const emr_places *places, int *out_fd, emr_problem *out_problem)
{
	emr_status status = open_or_make(places->run, places->run_flags, true, out_fd);

	if (status != EMR_OK)
		emr_problem_set_status(out_problem, status, places->run);
	return status;
}

char *emr_path_real(const char *path)
{
	EMR_AUTO_FREE char *start = NULL;
	char *real = realpath(path, NULL);
	char *slash, *parent, *whole = NULL;

	if (real != NULL || errno == ENOMEM)
		return real;
	/* A path that is not there yet, or does not answer, is looked up by its parent; the rest
	 * stays as it is written. */
	start = strdup(path);
	if (start == NULL)
		return NULL;
	for (size_t n = strlen(start); n > 1 && start[n - 1] == '/'; n--)
		start[n - 1] = '\0';
	slash = strrchr(start, '/');
	if (slash == NULL) {
		parent = getcwd(NULL, 0);
	} else if (slash == start) {
		return strdup(start);
	} else {
		*slash = '\0';
		parent = emr_path_real(start);
	}
	if (parent == NULL ||
		asprintf(&whole, "%s/%s", parent, slash != NULL ? slash + 1 : start) < 0)
		whole = NULL;
	free(parent);
	return whole;
}

static bool is_inside(const char *path, const char *directory)
{
	EMR_AUTO_FREE char *real = emr_path_real(directory);

	return real != NULL && emr_path_below(real, path) != NULL;
}

bool emr_places_contain(const emr_places *places, const char *path)
{
	EMR_AUTO_FREE char *real = emr_path_real(path);

	return real == NULL || is_inside(real, places->state) || is_inside(real, places->cache) ||
	       is_inside(real, places->run);
}
