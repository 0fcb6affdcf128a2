/* This file is `emrfs practice begin`: it makes all that a small organisation needs to let others
 * in, by the verbs that do each part; after a try that failed the same line does what is left. It
 * refuses an account that can open no folder, and an address at which this computer cannot listen,
 * before anything is asked or made. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "keyring/card.h"
#include "kit/language.h"
#include "kit/terminal.h"
#include "kit/text.h"
#include "session/acting.h"
#include "session/keys.h"
#include "session/network_dir.h"
#include "session/session.h"
#include "verbs/cmd.h"

#include "verbs_private.h"

#define PORT ":7443"
#define ADDRESS_MAX 256

typedef struct practice {
	emr_args args; /* as org create has them */
	emr_out *out;
	char address[ADDRESS_MAX];
	char *dir; /* of the network; owned */
	emr_made whole;
	emr_at_work found;  /* of an earlier try */
	emr_acting founder; /* of a family: the keyring alone */
} practice;

void emr_practice_say_left(emr_out *out, const char *as)
{
	int host = emr_at_work_as(as, false).host_pid, agent = emr_at_work_as(as, true).pid;

	if (host != 0)
		emr_say(out, "The host of your network goes on; kill %d stops it.\n", host);
	if (agent != 0)
		emr_say(out, "The agent goes on; kill %d stops it.\n", agent);
}

static emr_status take_address(practice *p, const char *typed, emr_problem *out_problem)
{
	char line[ADDRESS_MAX] = "";
	const char *cause = NULL;
	int fd;

	if (typed == NULL && emr_terminal_there())
		EMR_TRY(emr_terminal_ask("The address of this computer that the others reach, as "
					 "192.168.0.7:",
			line, sizeof line));
	typed = typed != NULL ? typed : line;
	snprintf(p->address, sizeof p->address, "%s%s", typed,
		strchr(typed, ':') == NULL ? PORT : "");
	fd = host_listen(p->address, &cause);
	if (fd < 0)
		return EMR_PROBLEM(EMR_INVALID, out_problem, EMR_SAY_HOST_ADDRESS, "node",
			p->address, "cause", cause, NULL);
	(void)close(fd);
	return EMR_OK;
}

/* The keyring that is here may be this practice's, of an earlier try; what one that was ended
 * before its keyring left in a directory stays there. */
static emr_status look(practice *p, const char *name, emr_problem *out_problem)
{
	EMR_AUTO_PLACES places = {0};
	EMR_AUTO_FREE char *usual = NULL;
	const char *named = p->args.values[EMR_OPT_NETWORK], *as = p->args.values[EMR_OPT_AS];

	EMR_TRY(emr_places_find(as, &places, out_problem));
	p->found = emr_at_work_as(as, false);
	if (p->found.has_keyring && strcmp(p->found.network, name) != 0)
		return EMR_PROBLEM(
			EMR_EXISTS, out_problem, EMR_SAY_HAS_KEYRING, "state", places.state, NULL);
	if (p->found.has_keyring)
		p->whole.state = strdup(places.state);
	named = p->found.has_keyring ? p->found.dir : named;
	if (asprintf(&usual, "%s-network", places.state) < 0)
		usual = NULL;
	else if (named != NULL || !emr_network_dir_is(usual))
		p->dir = strdup(named != NULL ? named : usual);
	else if (asprintf(&p->dir, "%s-%d", usual, (int)getpid()) < 0)
		p->dir = NULL;
	p->args.given[EMR_OPT_NETWORK] = true;
	p->args.values[EMR_OPT_NETWORK] = p->dir;
	return p->dir != NULL ? EMR_OK : EMR_NO_MEMORY;
}

static emr_status prepare(practice *p, emr_problem *out_problem)
{
	const char *name = p->args.n_operands > 1 ? p->args.operands[1] : "";

	if (p->args.n_operands < 2 || strcmp(p->args.operands[0], "begin") != 0 ||
		!emr_card_name_ok(name) || name[0] == '\0' || strstr(name, "  ") != NULL ||
		(p->args.n_operands < 3 && !emr_terminal_there()))
		return emr_wrong_use("practice",
			_("practice begin needs a name, and an address that the others reach."),
			out_problem);
	if (p->args.given[EMR_OPT_FAMILY]) {
		p->args.given[EMR_OPT_AS] = true;
		p->args.values[EMR_OPT_AS] = EMR_FAMILY_AS;
	}
	EMR_TRY(look(p, name, out_problem));
	EMR_TRY(emr_check_may_mount(NULL, out_problem));
	return p->found.host_pid != 0
		       ? EMR_OK
		       : take_address(p, p->args.n_operands > 2 ? p->args.operands[2] : NULL,
				 out_problem);
}

/* ---- a family: nobody keeps words of it ---- */

/* The founder's passphrase opens the family's keyring and its agent's, as their guardian. */
static emr_status begin_family(practice *p, const emr_args *args, emr_problem *out_problem)
{
	static const char *const both[] = {EMR_FAMILY_AS "-agent", EMR_FAMILY_AS};
	const emr_session *own = &p->founder.session;
	EMR_AUTO_FREE char *dir = NULL;
	emr_public public = {0};
	emr_guardian guardian;
	emr_status status;

	EMR_TRY(emr_acting_keys(&p->founder, args, out_problem));
	if (p->found.has_keyring)
		return EMR_OK;
	/* A guardian is opened by a passphrase that somebody knows. */
	EMR_TRY(emr_keys_refuse_guardians(own->state_fd, "practice", out_problem));
	if (emr_network_dir_of(own->state_fd, &dir) == EMR_OK)
		return emr_wrong_use("practice",
			_("Your keyring is in a network already: emrfs network leave, or begin "
			  "the family with --as NAME."),
			out_problem);
	status = emr_keyring_public(own->keyring, &public);
	guardian = emr_guardian_of(args->values[EMR_OPT_AS], public.signer_id, public.x25519);
	for (size_t i = 0; status == EMR_OK && i < sizeof both / sizeof *both; i++) {
		EMR_AUTO_PLACES places = {0};
		EMR_AUTO_FD fd = -1;

		EMR_TRY(emr_places_find(both[i], &places, out_problem));
		EMR_TRY(emr_places_open_state(&places, true, &fd, out_problem));
		status = emr_guardians_settle(fd, own->keyring, &guardian, 1, &p->whole.passphrase);
	}
	p->whole.has_guardians = true;
	return status == EMR_OK ? EMR_OK
				: EMR_PROBLEM_STATUS(out_problem, status, _("The guardian"));
}

/* The founder is a member like all others, and brings the records that are there. */
static emr_status join_family(practice *p, const emr_args *args, emr_problem *out_problem)
{
	const emr_self_invited who = {.administrators = &p->founder.passphrase,
		.administrator = EMR_FAMILY_AS,
		.passphrase = &p->founder.passphrase,
		.as = args->values[EMR_OPT_AS],
		.handle = "founder",
		.role = "patient",
		.has_keyring = true};
	EMR_AUTO_FREE char *dir = NULL;

	/* An earlier try may have got so far. */
	if (emr_network_dir_of(p->founder.session.state_fd, &dir) != EMR_OK &&
		emr_self_invite(&who, p->whole.state) != EMR_OK)
		return EMR_PROBLEM_STATUS(out_problem, EMR_DENIED, _("Your own keyring"));
	emr_say(p->out, "The family is ready. Next: emrfs --as family invite NAME, or emrfs "
			"guardian make NAME for a child.\n");
	return EMR_OK;
}

/* Each part says by itself what is wrong with it. */
static emr_status run_parts(practice *p, emr_problem *out_problem)
{
	const char *const host[] = {"host", p->dir, p->address, "--quiet", NULL};
	const char *const mount[] = {"mount", p->args.given[EMR_OPT_JSON] ? "--quiet" : NULL, NULL};
	const char *const rules[] = {"org", "contract", "2", "--yes", "--quiet", NULL};
	const char *as = p->args.values[EMR_OPT_AS];
	const bool has_agent = emr_at_work_as(as, true).pid != 0;

	if (p->found.has_keyring && !(has_agent && p->found.pid != 0)) {
		EMR_AUTO_FD state_fd = open(p->whole.state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		EMR_AUTO_KEYRING keyring = NULL;

		EMR_TRY(emr_keys_open_once(state_fd, p->whole.state,
			p->args.values[EMR_OPT_PASSPHRASE_FILE], &p->whole.passphrase, &keyring,
			out_problem));
	}
	if (p->found.host_pid == 0 && emr_self_run(NULL, NULL, host) != EMR_OK)
		return EMR_PROBLEM_STATUS(out_problem, EMR_DENIED, _("The host does not run"));
	emr_out_text(p->out, "host", p->address);
	if (!has_agent && emr_org_agent(&p->args, p->out, &p->whole.passphrase, p->whole.state) !=
				  EMR_EXIT_DONE)
		return EMR_DENIED;
	/* Nobody with an older program is in it yet. */
	if (p->found.pid == 0 && emr_self_run(&p->whole.passphrase, as, rules) != EMR_OK)
		return EMR_PROBLEM_STATUS(out_problem, EMR_DENIED, _("The rules of the network"));
	if (p->found.pid == 0 && emr_self_run(&p->whole.passphrase, as, mount) != EMR_OK)
		return EMR_PROBLEM_STATUS(out_problem, EMR_DENIED, _("The folder is not open"));
	if (p->args.given[EMR_OPT_FAMILY])
		return EMR_OK;
	emr_say(p->out, "The practice is ready. Next: emrfs invite NAME --role clinician\n");
	return EMR_OK;
}

int emr_cmd_practice(const emr_args *args, emr_out *out)
{
	practice p = {.args = *args, .out = out, .founder = EMR_ACTING_NONE};
	emr_problem problem = {0};
	emr_status status = prepare(&p, &problem);
	int code = EMR_EXIT_FAILED;

	if (status == EMR_OK && p.args.given[EMR_OPT_FAMILY])
		status = begin_family(&p, args, &problem);
	if (status == EMR_OK && !p.found.has_keyring)
		code = emr_init_new(&p.args, out, p.args.operands[1], &p.whole);
	if (status == EMR_OK && p.whole.state != NULL)
		status = run_parts(&p, &problem);
	if (status == EMR_OK && p.whole.state != NULL && args->given[EMR_OPT_FAMILY])
		status = join_family(&p, args, &problem);
	if (status != EMR_OK && p.whole.state != NULL)
		emr_say(out, "Give the same command again: it goes on with what is left.\n");
	if (status != EMR_OK && out->problem.is_set)
		code = EMR_EXIT_FAILED; /* the agent has said it */
	else if (p.whole.state != NULL || status != EMR_OK)
		code = emr_out_done(out, status, &problem, "practice");
	emr_acting_end(&p.founder);
	emr_made_end(&p.whole);
	free(p.dir);
	return code;
}
