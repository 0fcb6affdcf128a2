/* This is the program emrfs: it reads the command line and hands it to a verb. */
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kit/language.h"
#include "verbs/cmd.h"

#define OPEN_FILES_WANTED ((rlim_t)65536)

/* A verb gives the status of what it does, and the problem to be said; some say all themselves,
 * because they go on behind it or in another process, and give the exit code. */
static const struct {
	emr_status (*act)(const emr_args *args, emr_out *out, emr_problem *out_problem);
	int (*run)(const emr_args *args, emr_out *out);
} verbs[EMR_VERB_COUNT] = {
	[EMR_VERB_INIT] = {.run = emr_cmd_init},
	[EMR_VERB_JOIN] = {.run = emr_cmd_join},
	[EMR_VERB_PRACTICE] = {.run = emr_cmd_practice},
	[EMR_VERB_MOUNT] = {.run = emr_cmd_mount},
	[EMR_VERB_UNMOUNT] = {.run = emr_cmd_unmount},
	[EMR_VERB_STATUS] = {.act = emr_cmd_status},
	[EMR_VERB_RESTORE] = {.act = emr_cmd_restore},
	[EMR_VERB_MOVE] = {.act = emr_cmd_move},
	[EMR_VERB_SHARE] = {.act = emr_cmd_share},
	[EMR_VERB_REVOKE] = {.act = emr_cmd_revoke},
	[EMR_VERB_ERASE] = {.act = emr_cmd_erase},
	[EMR_VERB_KEEP] = {.act = emr_cmd_keep},
	[EMR_VERB_COPIES] = {.act = emr_cmd_copies},
	[EMR_VERB_PEOPLE] = {.act = emr_cmd_people},
	[EMR_VERB_INVITE] = {.run = emr_cmd_invite},
	[EMR_VERB_ORG] = {.run = emr_cmd_org},
	[EMR_VERB_DATASET] = {.act = emr_cmd_dataset},
	[EMR_VERB_AGENT] = {.run = emr_cmd_agent},
	[EMR_VERB_HOST] = {.run = emr_cmd_host},
	[EMR_VERB_NETWORK] = {.act = emr_cmd_network},
	[EMR_VERB_REQUEST] = {.act = emr_cmd_request},
	[EMR_VERB_APPROVE] = {.act = emr_cmd_approve},
	[EMR_VERB_DENY] = {.act = emr_cmd_deny},
	[EMR_VERB_LOG] = {.act = emr_cmd_log},
	[EMR_VERB_VERIFY] = {.act = emr_cmd_verify},
	[EMR_VERB_LEDGER] = {.act = emr_cmd_ledger},
	[EMR_VERB_WALLET] = {.act = emr_cmd_wallet},
	[EMR_VERB_EXPORT] = {.act = emr_cmd_export},
	[EMR_VERB_BACKUP] = {.act = emr_cmd_backup},
	[EMR_VERB_PASSWD] = {.act = emr_cmd_passwd},
	[EMR_VERB_WORDS] = {.act = emr_cmd_words},
	[EMR_VERB_TRUSTEES] = {.act = emr_cmd_trustees},
	[EMR_VERB_EXECUTOR] = {.act = emr_cmd_executor},
	[EMR_VERB_GUARDIAN] = {.act = emr_cmd_guardian},
	[EMR_VERB_EMERGENCY] = {.act = emr_cmd_emergency},
	[EMR_VERB_RECOVER] = {.act = emr_cmd_recover},
	[EMR_VERB_DEVICE] = {.act = emr_cmd_device},
	[EMR_VERB_CHECK] = {.act = emr_cmd_check},
	[EMR_VERB_HELP] = {.run = emr_cmd_help},
};

static int say_text(emr_out *out, const char *name, char *text)
{
	if (text == NULL) {
		emr_problem problem;

		emr_problem_set_status(&problem, EMR_NO_MEMORY, "help");
		return emr_out_fail(out, &problem);
	}
	emr_say(out, "%s", text);
	emr_out_text(out, name, text);
	free(text);
	return EMR_EXIT_DONE;
}

int emr_cmd_help(const emr_args *args, emr_out *out)
{
	emr_problem problem = {0};
	emr_verb verb;

	if (args->n_operands == 0)
		return say_text(out, "text", emr_help_overview(args->given[EMR_OPT_ALL]));
	if (emr_verb_find(args->operands[0], &verb))
		return say_text(out, "text", emr_help_verb(verb));
	(void)!emr_args_unknown_verb(args->operands[0], &problem);
	return emr_out_fail(out, &problem);
}

static int run(const emr_args *args, emr_out *out)
{
	emr_problem problem = {0};

	if (args->given[EMR_OPT_VERSION]) {
		emr_say(out, "emrfs %s\n", EMRFS_VERSION);
		emr_out_text(out, "release", EMRFS_VERSION);
		return EMR_EXIT_DONE;
	}
	if (args->given[EMR_OPT_HELP])
		return say_text(out, "text",
			args->verb == EMR_VERB_HELP ? emr_help_overview(false)
						    : emr_help_verb(args->verb));
	if (verbs[args->verb].run != NULL)
		return verbs[args->verb].run(args, out);
	return emr_out_done(out, verbs[args->verb].act(args, out, &problem), &problem,
		emr_verb_get(args->verb)->name);
}

/* A program may start us with its standard descriptors closed: files of ours would get their
 * numbers, and what is said to a person would go into them. */
static void open_standard(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd > STDERR_FILENO)
		(void)close(fd);
}

/* Limits that may be raised are raised: an open folder, or a backup, has many files, some of them
 * large.  Where that is not enough a call fails; the signal would end the process. */
static void raise_limit(int kind, rlim_t most)
{
	struct rlimit limit;

	if (getrlimit(kind, &limit) != 0 || limit.rlim_cur >= most)
		return;
	limit.rlim_cur = limit.rlim_max < most ? limit.rlim_max : most;
	/* A refusal shows where it matters: a file that cannot be opened. */
	(void)setrlimit(kind, &limit);
}

/* Every account of a computer reads what a process was called with: who is asked for what, and why.
 * So the words are taken out of there, but for the verb, before anything waits. */
static char **take_arguments(int argc, char **argv)
{
	static char **own; /* until the process ends */
	emr_verb verb;

	own = calloc((size_t)argc + 1, sizeof *own);
	for (int i = 0; own != NULL && i < argc; i++)
		if ((own[i] = strdup(argv[i])) == NULL)
			return NULL;
	for (int i = 1; own != NULL && i < argc; i++)
		if (i > 1 || !emr_verb_find(argv[i], &verb))
			memset(argv[i], 0, strlen(argv[i]));
	return own;
}

int main(int argc, char **argv)
{
	emr_problem problem = {0};
	emr_args_input input = {.argc = 0};
	emr_args args = {.verb = EMR_VERB_HELP};
	emr_out out;
	emr_status status = EMR_OK;
	int code;

	argv = take_arguments(argc, argv);
	if (argv == NULL)
		return EMR_EXIT_FAILED;
	open_standard();
	raise_limit(RLIMIT_NOFILE, OPEN_FILES_WANTED);
	raise_limit(RLIMIT_FSIZE, RLIM_INFINITY);
	signal(SIGXFSZ, SIG_IGN);
	umask(077); /* whatever we make is private unless it says otherwise */
	setlocale(LC_TIME, "C");
	emr_language_begin();
	if (argc == 2 && strcmp(argv[1], EMR_ARGS_ON_INPUT) == 0) {
		status = emr_args_from_input(STDIN_FILENO, argv[0], &input);
		argc = input.argc;
		argv = input.argv;
	}
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--json") == 0)
			emr_language_all_english(true); /* programs read it */
	}
	signal(SIGPIPE, SIG_IGN);
	if (status == EMR_OK)
		status = emr_args_parse(argc, argv, &args, &problem);
	else
		emr_problem_set_status(&problem, status, EMR_ARGS_ON_INPUT);
	emr_hints_as(args.values[EMR_OPT_AS]);
	if (emr_out_begin(&args, &out) != EMR_OK)
		return EMR_EXIT_FAILED;
	code = status == EMR_OK ? run(&args, &out) : emr_out_fail(&out, &problem);
	code = emr_out_end(&out, code);
	emr_buf_free(&input.bytes);
	return code;
}
