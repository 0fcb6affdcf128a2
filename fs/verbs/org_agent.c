/* This file is `org create`, and makes what an organisation that was just made needs: its agent,
 * and a hospital's rules. It runs the lines that its administrator would type (invite, init --join
 * and agent; org rules), each as a process of this program. The agent stays a process of its own
 * with a keyring of its own, which has the same passphrase. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "keyring/card.h"
#include "kit/language.h"
#include "kit/terminal.h"
#include "network/own_dir.h"
#include "verbs/cmd.h"

#include "verbs_private.h"

#define HANDLE "keys" /* in its certificate */
#define INVITATION ".invitation"
#define PASSPHRASE_FD 3
#define ARGUMENTS_MAX 16

extern char **environ;

static emr_status self_start(
	const emr_passphrase *passphrase, const char *as, const char *const *words, pid_t *out_pid)
{
	static const char *const more[] = {"--passphrase-file", "/dev/fd/3"};
	const char *argv[ARGUMENTS_MAX] = {"emrfs"};
	EMR_AUTO_FD from = -1;
	EMR_AUTO_FD to = -1;
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t ending;
	int ends[2], error;
	size_t n = 1;

	while (*words != NULL)
		argv[n++] = *words++;
	for (size_t i = 0; passphrase != NULL && i < sizeof more / sizeof *more; i++)
		argv[n++] = more[i];
	argv[n++] = as != NULL ? "--as" : NULL;
	argv[n] = as;
	if (pipe2(ends, O_CLOEXEC) != 0)
		return emr_status_from_errno(errno);
	from = ends[0];
	to = ends[1];
	/* It fits into the pipe, whose other end is closed before the child looks for the end. */
	if (passphrase != NULL &&
		write(to, passphrase->data, passphrase->len) != (ssize_t)passphrase->len)
		return EMR_IO;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, from, PASSPHRASE_FD);
	/* In a shell's background this process ignores what must end the one that invites. */
	(void)sigemptyset(&ending);
	(void)sigaddset(&ending, SIGINT);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigdefault(&attributes, &ending);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
	error = posix_spawn(out_pid, "/proc/self/exe", &actions, &attributes,
		(char *const *)(void *)argv, environ);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return error == 0 ? EMR_OK : emr_status_from_errno(error);
}

static emr_status self_await(pid_t pid)
{
	int status = 0;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return emr_status_from_errno(errno);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? EMR_OK : EMR_DENIED;
}

emr_status emr_self_run(const emr_passphrase *passphrase, const char *as, const char *const *words)
{
	pid_t pid = 0;

	fflush(NULL);
	EMR_TRY(self_start(passphrase, as, words, &pid));
	return self_await(pid);
}

/* Until INVITING has written the invitation, or has ended. */
static emr_status await_invitation(const char *file, int watch, pid_t inviting)
{
	EMR_AUTO_FD process = (int)syscall(SYS_pidfd_open, inviting, 0);
	struct pollfd polled[2] = {
		{.fd = watch, .events = POLLIN}, {.fd = process, .events = POLLIN}};
	const char *name = strrchr(file, '/') + 1;
	_Alignas(struct inotify_event) char events[4096];

	if (process < 0)
		return emr_status_from_errno(errno);
	for (;;) {
		ssize_t len, at = 0;

		polled[0].revents = polled[1].revents =
			0; /* a poll that is interrupted sets neither */
		if (poll(polled, 2, -1) < 0 && errno != EINTR)
			return emr_status_from_errno(errno);
		len = (polled[0].revents & POLLIN) != 0 ? read(watch, events, sizeof events) : 0;
		while (at < len) {
			const struct inotify_event *event = (const void *)(events + at);

			if (event->len > 0 && strcmp(event->name, name) == 0)
				return EMR_OK;
			at += (ssize_t)(sizeof *event + event->len);
		}
		if ((polled[1].revents & POLLIN) != 0)
			return EMR_DENIED;
	}
}

emr_status emr_self_invite(const emr_self_invited *who, const char *state)
{
	char file[4300];
	const char *const invite[] = {
		"invite", who->handle, "--role", who->role, "-o", file, "--wait", "--quiet", NULL};
	const char *const go_on[] = {"join", file, "--yes", "--quiet", NULL};
	const char *const join[] = {"init", "--yes", "--quiet", "--join", file,
		who->words_file != NULL ? "--words-file" : NULL, who->words_file, NULL};
	EMR_AUTO_FD watch = inotify_init1(IN_CLOEXEC);
	pid_t inviting = 0, joining = 0;
	emr_status status, invited;

	snprintf(file, sizeof file, "%.4200s/%.60s" INVITATION, state, who->handle);
	if (watch < 0 || inotify_add_watch(watch, state, IN_CLOSE_WRITE) < 0)
		return emr_status_from_errno(errno);
	(void)unlink(file); /* of a try that was ended */
	EMR_TRY(self_start(who->administrators, who->administrator, invite, &inviting));
	status = await_invitation(file, watch, inviting);
	if (status == EMR_OK)
		status = self_start(
			who->passphrase, who->as, who->has_keyring ? go_on : join, &joining);
	if (status == EMR_OK)
		status = self_await(joining);
	if (status != EMR_OK)
		(void)kill(inviting, SIGINT); /* which withdraws it */
	invited = self_await(inviting);
	(void)unlink(file); /* where an authority gives the certificate it stays */
	return status == EMR_OK ? invited : status;
}

/* No host leads to a new directory. */
static bool may_have_agent(const emr_args *args)
{
	const char *network = args->values[EMR_OPT_NETWORK];

	return network == NULL || emr_own_dir_is_address(network);
}

static bool has_role(const emr_args *args, const char *role)
{
	return args->values[EMR_OPT_ROLE] != NULL && strcmp(args->values[EMR_OPT_ROLE], role) == 0;
}

static bool is_wanted(const emr_args *args, emr_out *out)
{
	if (has_role(args, "agent"))
		return true;
	if (out->is_json || args->given[EMR_OPT_YES] || !emr_terminal_there())
		return false;
	emr_say(out, "An agent releases keys of shares while their owners' computers are off.  It "
		     "can read nothing itself.\nWithout one, what patients share with another "
		     "organisation may open only while their folders are open.\n");
	return emr_terminal_says_yes(
		"Run one on this computer now, with the same passphrase (yes, no)?");
}

/* A script that says so has said yes. */
static bool allows_studies(const emr_args *args, emr_out *out)
{
	if (!has_role(args, "hospital"))
		return false;
	if (out->is_json || args->given[EMR_OPT_YES] || !emr_terminal_there())
		return true;
	emr_say(out, "A CT may have 1,500 images.  Where nothing else is agreed on, an Inbox takes "
		     "200 deposits a day from one sender.\n");
	return emr_terminal_says_yes("Propose 10,000 to the network (yes, no)?");
}

static int set_rules(const emr_args *args, emr_out *out, const emr_passphrase *passphrase)
{
	const char *const words[] = {
		"org", "rules", "--role", "hospital", "--yes", "--quiet", NULL};
	emr_problem problem = {0};
	emr_status status;

	if (!allows_studies(args, out))
		return EMR_EXIT_DONE;
	status = emr_self_run(passphrase, args->values[EMR_OPT_AS], words);
	if (status != EMR_OK) {
		emr_problem_set_status(&problem, status, _("The deposits of a day"));
		return emr_out_fail(out, &problem);
	}
	emr_say(out, "Proposed: 10,000 deposits a day of one sender in an Inbox.  Whether it holds "
		     "already: emrfs org rules\n");
	return EMR_EXIT_DONE;
}

int emr_org_agent(
	const emr_args *args, emr_out *out, const emr_passphrase *passphrase, const char *state)
{
	const char *const agent[] = {"agent", "--quiet", NULL};
	const char *const again[] = {"org", "revoke", HANDLE, "--yes", "--quiet", NULL};
	const char *admin = args->values[EMR_OPT_AS];
	char name[128], file[4300];
	const emr_self_invited who = {.administrators = passphrase,
		.administrator = admin,
		.passphrase = passphrase,
		.as = name,
		.handle = HANDLE,
		.role = "agent"};
	emr_problem problem = {0};
	bool has_keyring;
	emr_status status;

	snprintf(name, sizeof name, EMR_AGENT_NAME(admin));
	snprintf(file, sizeof file, "%.4200s/" HANDLE INVITATION, state);
	emr_progress(out, "Making the agent ...");
	fflush(NULL);
	has_keyring = emr_at_work_as(admin, true).has_keyring;
	if (unlink(file) == 0 && !has_keyring) /* killed before: that key is nobody's */
		(void)!emr_self_run(passphrase, admin, again);
	status = has_keyring ? EMR_OK : emr_self_invite(&who, state);
	if (status == EMR_OK)
		status = emr_self_run(passphrase, name, agent);
	emr_progress_end(out);
	if (status != EMR_OK) {
		emr_problem_set(&problem, EMR_SAY_AGENT_NOT_MADE, "name", name, NULL);
		return emr_out_fail(out, &problem);
	}
	emr_out_text(out, "agent_keyring", name);
	emr_say(out,
		"The agent runs.  What it has done: emrfs --as %s agent --status\n"
		"To begin with the computer: systemctl --user enable emrfs-agent\n",
		name);
	return EMR_EXIT_DONE;
}

int emr_init_network(const emr_args *args, emr_out *out)
{
	const char *name = args->n_operands == 2 ? args->operands[1] : "";
	EMR_AUTO_MADE whole = {.state = NULL};
	emr_problem problem = {0};
	int code;

	if (args->values[EMR_OPT_ROLE] != NULL && !has_role(args, "hospital") &&
		!(has_role(args, "agent") && may_have_agent(args))) {
		(void)!emr_wrong_use("org",
			_("org create takes the role hospital, or agent, but not for a new "
			  "directory: an agent comes over a host."),
			&problem);
		return emr_out_fail(out, &problem);
	}
	/* Whom a terminal shows otherwise, as with one blank for two, no member admits. */
	if (args->given[EMR_OPT_NETWORK] && name[0] != '\0' && emr_card_name_ok(name) &&
		strstr(name, "  ") == NULL) {
		code = emr_init_new(args, out, name, &whole);
		if (whole.state == NULL)
			return code;
		code = set_rules(args, out, &whole.passphrase);
		emr_out_put(out, "agent_keyring", json_null());
		return code == EMR_EXIT_DONE && may_have_agent(args) && is_wanted(args, out)
			       ? emr_org_agent(args, out, &whole.passphrase, whole.state)
			       : code;
	}
	(void)!emr_wrong_use("org",
		_("org create needs a name of 1 to 53 bytes, and --network DIR or "
		  "https://HOST:PORT."),
		&problem);
	return emr_out_fail(out, &problem);
}
