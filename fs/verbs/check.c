/* This file is `emrfs check`: it looks whether this computer has what emrfs needs (FUSE, memory
 * that can be locked, disk space, a right clock ...) and says for each fault how to mend it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/disk.h"
#include "base/secret.h"
#include "kit/language.h"
#include "kit/places.h"
#include "kit/text.h"
#include "ledger/network.h"
#include "session/absence.h"
#include "verbs/cmd.h"

#include "served/client.h"
#include "verbs_private.h"

#define SPACE_WANTED ((uint64_t)1 << 30)
#define CLOCK_EARLIEST INT64_C(1704067200) /* 2024-01-01: before any emrfs */
#define CLOCK_SLACK_S 600

static void check_kernel(emr_checker *c)
{
	struct utsname name;
	unsigned major = 0, minor = 0;

	if (uname(&name) != 0 || sscanf(name.release, "%u.%u", &major, &minor) != 2)
		emr_check_note(c, "kernel", false, _("use Linux 5.10 or newer"),
			_("the kernel does not say its version"));
	else
		emr_check_note(c, "kernel", major > 5 || (major == 5 && minor >= 10),
			_("use Linux 5.10 or newer"), "%s %s", name.sysname, name.release);
}

/* Why this account can open no folder, and the cure; NULL: it can. */
static const char *find_fault(void)
{
	EMR_AUTO_FD fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);

	return fd >= 0		 ? NULL
	       : errno == ENOENT ? _("/dev/fuse is missing (as root: modprobe fuse)")
				 : _("this account may not use /dev/fuse (as root: chmod 666 "
				     "/dev/fuse)");
}

emr_status emr_check_may_mount(emr_out *warn, emr_problem *out_problem)
{
	const char *fault = find_fault();

	if (fault == NULL)
		return EMR_OK;
	emr_problem_set(out_problem, EMR_SAY_NO_FUSE, "what", fault, NULL);
	if (warn == NULL)
		return EMR_DENIED;
	emr_remark(warn, out_problem);
	out_problem->is_set = false;
	return EMR_OK;
}

static void check_fuse_device(emr_checker *c)
{
	const char *fault = find_fault();
	struct stat device;

	if (fault == NULL && stat("/dev/fuse", &device) == 0 && (device.st_mode & 0006) != 0006)
		emr_check_warn(c, "fuse", _("chmod 666 /dev/fuse, as root"),
			_("this account can open /dev/fuse, and others cannot (mode %04o)"),
			device.st_mode & 0777);
	else
		emr_check_note(c, "fuse", fault == NULL, "", "%s",
			fault == NULL ? _("/dev/fuse can be opened") : fault);
}

/* In PATH; not needed by root, who mounts by himself. */
static void check_helper(emr_checker *c)
{
	const char *path = getenv("PATH");
	EMR_AUTO_FREE char *copy = strdup(path != NULL ? path : "/usr/bin:/bin");
	char *save = NULL;

	for (char *directory = copy != NULL ? strtok_r(copy, ":", &save) : NULL; directory != NULL;
		directory = strtok_r(NULL, ":", &save)) {
		char file[4096];
		struct stat st;

		snprintf(file, sizeof file, "%.4000s/fusermount3", directory);
		if (stat(file, &st) != 0)
			continue;
		emr_check_note(c, "fusermount3", geteuid() == 0 || (st.st_mode & S_ISUID) != 0,
			"apt reinstall fuse3", "%s%s", file,
			(st.st_mode & S_ISUID) != 0 ? "" : _(" (not set-user-id)"));
		return;
	}
	emr_check_note(c, "fusermount3", geteuid() == 0, "apt install fuse3",
		_("fusermount3 is not installed"));
}

static void check_memory(emr_checker *c)
{
	bool is_locked = emr_base_init() == EMR_OK && emr_secret_is_locked();

	emr_check_note(c, "memory", is_locked,
		_("ulimit -l 8192 (or LimitMEMLOCK=8M), so that keys never reach the swap"),
		is_locked ? _("keys are locked in memory") : _("keys could be swapped out"));
}

static bool cpu_has(const char *flags, const char *wanted)
{
	size_t len = strlen(wanted);

	for (const char *at = flags; (at = strstr(at, wanted)) != NULL; at += len) {
		if ((at == flags || at[-1] == ' ') &&
			(at[len] == ' ' || at[len] == '\0' || at[len] == '\n'))
			return true;
	}
	return false;
}

/* Without them all works, slower: said, not counted as a fault. */
static void check_processor(emr_checker *c)
{
	FILE *file = fopen("/proc/cpuinfo", "re");
	char *line = NULL;
	size_t size = 0;
	bool aes = false, sha = false;

	while (file != NULL && getline(&line, &size, file) > 0) {
		if (strncmp(line, "flags", 5) != 0 && strncmp(line, "Features", 8) != 0)
			continue;
		aes = cpu_has(line, "aes");
		sha = cpu_has(line, "sha_ni") || cpu_has(line, "sha2");
		break;
	}
	free(line);
	if (file != NULL)
		fclose(file);
	emr_check_note(c, "processor", true, "", _("AES instructions: %s, SHA instructions: %s"),
		aes ? _("yes") : _("no (slower)"), sha ? _("yes") : _("no (slower)"));
}

/* Against what is certain: emrfs is younger than 2024, and our own files are not from the future.
 */
static void check_clock(emr_checker *c)
{
	int64_t now = (int64_t)emr_clock_unix_s(emr_clock_system());
	struct stat st;
	char text[EMR_TEXT_BYTES];

	emr_time_json(now, text);
	if (now < CLOCK_EARLIEST)
		emr_check_note(c, "clock", false, "timedatectl set-ntp true",
			_("it says %s, which is long past"), text);
	else if (c->state_fd >= 0 && fstatat(c->state_fd, EMR_STATE_LOCK, &st, 0) == 0 &&
		 (int64_t)st.st_mtime > now + CLOCK_SLACK_S)
		emr_check_note(c, "clock", false, "timedatectl set-ntp true",
			_("it says %s, but the folder was used later"), text);
	else
		emr_check_note(c, "clock", true, "", "%s", text);
}

static void check_state(emr_checker *c, emr_status status, const emr_problem *problem)
{
	emr_status place = c->state_fd >= 0 ? emr_network_check_place(c->state_fd) : EMR_OK;

	if (status == EMR_NOT_FOUND)
		emr_check_note(c, "state", false, "emrfs init",
			_("there is no keyring here yet (%s)"), c->places->state);
	else if (status != EMR_OK)
		emr_check_note(c, "state", false, problem->hint, "%s", problem->text);
	else if (place != EMR_OK)
		emr_check_note(c, "state", false, _("keep the state on a disk of this computer"),
			_("%s lies on a file system of another computer or program"),
			c->places->state);
	else
		emr_check_note(c, "state", true, "", _("%s, only yours"), c->places->state);
}

static void check_keyfile(emr_checker *c)
{
	const char *field = NULL;
	char file[4200], word[4200], mend[4300];
	emr_status status;

	if (c->state_fd < 0)
		return;
	status = emr_keyring_check_file(c->state_fd, EMR_STATE_KEYFILE, &field);
	snprintf(file, sizeof file, "%.4000s/%s", c->places->state, EMR_STATE_KEYFILE);
	emr_shell_word(file, word, sizeof word);
	snprintf(mend, sizeof mend, "chmod 600 %s", word);
	if (status == EMR_NOT_FOUND)
		emr_check_note(
			c, "keyfile", false, "emrfs init", _("there is no keyring here yet"));
	else if (status == EMR_EXPOSED)
		emr_check_note(c, "keyfile", false, mend, _("the keyfile can be read by others"));
	else if (status != EMR_OK)
		emr_check_note(c, "keyfile", false, _("put back a copy of it"),
			_("the keyfile is damaged (%s)"),
			field != NULL ? field : emr_text(emr_status_text(status)));
	else
		emr_check_note(c, "keyfile", true, "", _("whole, and only yours"));
}

emr_status emr_check_open_ledger(const emr_places *places, emr_ledger **out_ledger)
{
	EMR_AUTO_FREE char *path = NULL;
	emr_ledger_options options = {0};

	if (asprintf(&path, "%s/%s", places->state, EMR_STATE_LEDGER) < 0)
		path = NULL;
	if (path == NULL)
		return EMR_NO_MEMORY;
	options.path = path;
	return emr_served_open_place(&options, out_ledger);
}

static void check_ledger(emr_checker *c)
{
	EMR_AUTO_LEDGER ledger = NULL;
	emr_problem why = {0};
	uint64_t size = 0, since;
	emr_status status;

	if (c->state_fd < 0 ||
		faccessat(c->state_fd, EMR_STATE_KEYFILE, F_OK, AT_SYMLINK_NOFOLLOW) != 0)
		return;
	if (emr_check_host(c))
		return; /* who reads there needs the keyring */
	status = emr_check_open_ledger(c->places, &ledger);
	if (status == EMR_OK)
		status = emr_ledger_size(ledger, &size);
	since = emr_absence_read(c->state_fd);
	emr_absence_say_status(status, since > 0 ? since : emr_clock_unix_s(emr_clock_system()),
		c->places->state, &why);
	if (status == EMR_OK)
		emr_check_note(c, "ledger", true, "", _("%llu entries"), (unsigned long long)size);
	else
		emr_check_note(c, "ledger", false, why.hint, "%s", why.text);
}

static void check_space(emr_checker *c)
{
	struct statvfs disk;
	char text[EMR_TEXT_BYTES];
	uint64_t free_bytes;

	if (c->state_fd < 0 || fstatvfs(c->state_fd, &disk) != 0)
		return;
	if (emr_disk_takes_nothing(c->state_fd)) {
		emr_check_note(c, "disk", false,
			_("copy your records to another disk: emrfs backup DIR"), "%s",
			_("takes no changes"));
		return;
	}
	free_bytes = (uint64_t)disk.f_bavail * disk.f_frsize;
	emr_size_text(free_bytes, text);
	emr_check_note(
		c, "disk", free_bytes >= SPACE_WANTED, _("free some space"), _("%s free"), text);
}

static void check_settings(emr_checker *c)
{
	EMR_AUTO_SETTINGS settings = {0};
	emr_problem problem = {0};
	emr_status status = emr_settings_read(c->places, &settings, &problem);

	if (status == EMR_OK)
		emr_check_note(c, "settings", true, "", "%s/settings", c->places->config);
	else
		emr_check_note(c, "settings", false,
			problem.hint[0] != '\0' ? problem.hint : _("correct that line"), "%s",
			problem.text);
}

static void check_run(emr_checker *c)
{
	EMR_AUTO_FD fd = -1;
	emr_problem problem = {0};
	emr_status status = emr_places_open_run(c->places, &fd, &problem);

	if (status == EMR_OK)
		emr_check_note(c, "socket", true, "", _("%s, only yours"), c->places->run);
	else
		emr_check_note(c, "socket", false, problem.hint, "%s", problem.text);
}

emr_status emr_cmd_check(const emr_args *args, emr_out *out, emr_problem *out_problem)
{
	EMR_AUTO_PLACES places = {0};
	EMR_AUTO_FD state_fd = -1;
	emr_checker c = {.out = out, .places = &places};
	char n[EMR_TEXT_BYTES], m[EMR_TEXT_BYTES];
	emr_status status;

	EMR_TRY(emr_places_find(args->values[EMR_OPT_AS], &places, out_problem));
	c.checks = json_array();
	status = emr_places_open_state(&places, false, &state_fd, out_problem);
	c.state_fd = state_fd;
	check_kernel(&c);
	check_fuse_device(&c);
	check_helper(&c);
	check_memory(&c);
	check_processor(&c);
	check_clock(&c);
	check_state(&c, status, out_problem);
	check_keyfile(&c);
	check_ledger(&c);
	check_space(&c);
	check_settings(&c);
	if (status == EMR_OK)
		check_run(&c);
	if (args->given[EMR_OPT_NODE]) {
		emr_check_node(&c);
		emr_check_agents(&c);
		emr_check_channel(&c);
	}
	emr_out_put(out, "checks", c.checks);
	if (c.failed == 0)
		return EMR_OK;
	emr_number_text(c.failed, n);
	emr_number_text(c.n, m);
	return EMR_PROBLEM(EMR_UNSUPPORTED, out_problem, EMR_SAY_NOT_READY, "n", n, "m", m, NULL);
}
