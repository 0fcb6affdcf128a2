/*
 * posix_suite - what programs may expect of a directory, as a table of sentences.
 *
 *   posix_suite --dir D [--profile plain|emrfs] [--only TEXT] [--skip NAME]... [--slow] [--list]
 *
 * Prints TAP.  --only runs the tests whose group or name contains TEXT.  Profile plain (default)
 * leaves out what only emrfs promises; profile emrfs leaves out what emrfs refuses by design and
 * tests the refusals instead.  Status 0: all passed; 1: a failure; 2: wrong use.
 */
#include "posix_suite.h"

#include "tool_kit.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LIMIT_S = 300, SKIPPED = 77, SKIPS_MAX = 64 };

static const struct posix_group groups[] = {
	{"open", posix_open_tests},
	{"rename", posix_rename_tests},
	{"name", posix_name_tests},
	{"directory", posix_directory_tests},
	{"data", posix_data_tests},
	{"map", posix_map_tests},
	{"attribute", posix_attribute_tests},
	{"xattr", posix_xattr_tests},
	{"link", posix_link_tests},
	{"lock", posix_lock_tests},
	{"permission", posix_permission_tests},
};
enum { GROUPS = sizeof(groups) / sizeof(groups[0]) };

/* Tests that do not apply somewhere, each with its reason; printed as TAP skips. */
static const struct {
	enum posix_where profile;
	const char *name, *reason;
} not_applicable[] = {
	{POSIX_PLAIN, "an_attribute_of_64_KiB_and_one_byte_is_E2BIG",
		"ext4 answers by its own, smaller limit"},
	{POSIX_EMRFS, "a_file_made_by_another_user_belongs_to_that_user",
		"every file of the folder belongs to the one who mounted it"},
	{POSIX_EMRFS, "in_a_sticky_directory_others_do_not_remove_your_file",
		"every file of the folder belongs to the one who mounted it"},
};

static struct {
	const char *dir, *only, *skips[SKIPS_MAX];
	size_t skip_count;
	enum posix_where profile;
	bool slow, list;
} opt = {.profile = POSIX_PLAIN};

static unsigned number, failures, skipped;

static const char *reason_to_skip(const struct posix_test *test)
{
	for (size_t i = 0; i < opt.skip_count; i++)
		if (strcmp(opt.skips[i], test->name) == 0)
			return "asked for with --skip";
	for (size_t i = 0; i < sizeof(not_applicable) / sizeof(not_applicable[0]); i++)
		if (not_applicable[i].profile == opt.profile &&
			strcmp(not_applicable[i].name, test->name) == 0)
			return not_applicable[i].reason;
	if (test->where == POSIX_SLOW && !opt.slow)
		return "slow; asked for with --slow";
	return NULL;
}

static bool is_wanted(const struct posix_group *group, const struct posix_test *test)
{
	if ((test->where == POSIX_PLAIN || test->where == POSIX_EMRFS) &&
		test->where != opt.profile)
		return false;
	return opt.only == NULL || strstr(group->name, opt.only) != NULL ||
	       strstr(test->name, opt.only) != NULL;
}

static _Noreturn void run_here(const struct posix_test *test, const char *dir)
{
	if (chdir(dir) != 0)
		emr_kit_die("cannot enter %s", dir);
	umask(022);
	setpgid(0, 0);
	alarm(LIMIT_S);
	test->run();
	fflush(stdout);
	_exit(0);
}

static int run_in_child(const struct posix_test *test, const char *dir)
{
	pid_t pid;
	int status;

	fflush(stdout);
	pid = fork();
	if (pid < 0)
		emr_kit_die("cannot fork");
	if (pid == 0)
		run_here(test, dir);
	if (waitpid(pid, &status, 0) != pid)
		emr_kit_die("cannot wait");
	kill(-pid, SIGKILL); /* second processes that a failed test left behind */
	if (WIFSIGNALED(status))
		printf("# killed by signal %d%s\n", WTERMSIG(status),
			WTERMSIG(status) == SIGALRM ? " (too slow)" : "");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static void run_test(const struct posix_group *group, const struct posix_test *test)
{
	const char *reason = reason_to_skip(test);
	char dir[4096];
	int status;

	number++;
	if (reason != NULL) {
		skipped++;
		printf("ok %u - %s: %s # SKIP %s\n", number, group->name, test->name, reason);
		return;
	}
	snprintf(dir, sizeof(dir), "%s/posix-%u", opt.dir, number);
	if (mkdir(dir, 0755) != 0)
		emr_kit_die("cannot make %s", dir);
	status = run_in_child(test, dir);
	failures += status != 0 && status != SKIPPED;
	skipped += status == SKIPPED;
	printf("%s %u - %s: %s%s\n", status == 0 || status == SKIPPED ? "ok" : "not ok", number,
		group->name, test->name, status == SKIPPED ? " # SKIP see above" : "");
	emr_kit_remove_tree(dir);
}

static void each_test(void (*visit)(const struct posix_group *, const struct posix_test *))
{
	for (size_t g = 0; g < GROUPS; g++)
		for (const struct posix_test *test = groups[g].tests; test->name != NULL; test++)
			if (is_wanted(&groups[g], test))
				visit(&groups[g], test);
}

static void list_test(const struct posix_group *group, const struct posix_test *test)
{
	const char *reason = reason_to_skip(test);

	printf("%s: %s%s%s\n", group->name, test->name, reason == NULL ? "" : " # SKIP ",
		reason == NULL ? "" : reason);
}

static void count_test(const struct posix_group *group, const struct posix_test *test)
{
	(void)group;
	(void)test;
	number++;
}

static _Noreturn void usage(void)
{
	errno = 0;
	emr_kit_die("usage: posix_suite --dir D [options], see the head of posix_suite.c");
}

static void parse(int argc, char **argv)
{
	static const struct option names[] = {{"dir", 1, NULL, 'd'}, {"profile", 1, NULL, 'p'},
		{"only", 1, NULL, 'o'}, {"skip", 1, NULL, 's'}, {"slow", 0, NULL, 'S'},
		{"list", 0, NULL, 'l'}, {NULL, 0, NULL, 0}};
	int c;

	while ((c = getopt_long(argc, argv, "", names, NULL)) != -1) {
		switch (c) {
		case 'd':
			opt.dir = optarg;
			break;
		case 'p':
			if (strcmp(optarg, "plain") != 0 && strcmp(optarg, "emrfs") != 0)
				usage();
			opt.profile = optarg[0] == 'e' ? POSIX_EMRFS : POSIX_PLAIN;
			break;
		case 'o':
			opt.only = optarg;
			break;
		case 's':
			if (opt.skip_count < SKIPS_MAX)
				opt.skips[opt.skip_count++] = optarg;
			break;
		case 'S':
			opt.slow = true;
			break;
		case 'l':
			opt.list = true;
			break;
		default:
			usage();
		}
	}
	if (optind != argc || (opt.dir == NULL && !opt.list))
		usage();
}

int main(int argc, char **argv)
{
	parse(argc, argv);
	if (opt.list) {
		each_test(list_test);
		return 0;
	}
	each_test(count_test);
	printf("TAP version 13\n1..%u\n", number);
	number = 0;
	each_test(run_test);
	printf("# %u tests, %u failed, %u skipped\n", number, failures, skipped);
	return failures == 0 ? 0 : 1;
}
