/* This file is `emrfs practice begin`: it makes all that a small organisation needs to let others
 * in, by the verbs that do each part. It refuses an address at which this computer cannot listen
 * before anything is made. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "keyring/card.h"
#include "kit/language.h"
#include "kit/terminal.h"
#include "kit/text.h"
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
} practice;

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
	if (typed[0] == '\0' || strlen(typed) + sizeof PORT > sizeof p->address)
		return emr_wrong_use("practice",
			_("practice begin needs a name, and an address that the others reach."),
			out_problem);
	snprintf(p->address, sizeof p->address, "%s%s", typed,
		strchr(typed, ':') == NULL ? PORT : "");
	fd = host_listen(p->address, &cause);
	if (fd < 0)
		return EMR_PROBLEM(EMR_INVALID, out_problem, EMR_SAY_HOST_ADDRESS, "node",
			p->address, "cause", cause, NULL);
	(void)close(fd);
	return EMR_OK;
}

static emr_status choose_dir(practice *p, emr_problem *out_problem)
{
	EMR_AUTO_PLACES places = {0};
	const char *named = p->args.values[EMR_OPT_NETWORK];

	EMR_TRY(emr_places_find(p->args.values[EMR_OPT_AS], &places, out_problem));
	if (named != NULL)
		p->dir = strdup(named);
	else if (asprintf(&p->dir, "%s-network", places.state) < 0)
		p->dir = NULL;
	p->args.given[EMR_OPT_NETWORK] = true;
	p->args.values[EMR_OPT_NETWORK] = p->dir;
	return p->dir != NULL ? EMR_OK : EMR_NO_MEMORY;
}

static emr_status prepare(practice *p, emr_problem *out_problem)
{
	const char *name = p->args.n_operands > 1 ? p->args.operands[1] : "";

	if (p->args.n_operands < 2 || strcmp(p->args.operands[0], "begin") != 0 ||
		!emr_card_name_ok(name) || name[0] == '\0' || strstr(name, "  ") != NULL)
		return emr_wrong_use("practice",
			_("practice begin needs a name, and an address that the others reach."),
			out_problem);
	EMR_TRY(take_address(p, p->args.n_operands > 2 ? p->args.operands[2] : NULL, out_problem));
	return choose_dir(p, out_problem);
}

/* Each part says by itself what is wrong with it. */
static emr_status run_parts(practice *p, emr_problem *out_problem)
{
	const char *const host[] = {"host", p->dir, p->address, "--quiet", NULL};
	const char *const mount[] = {"mount", p->args.given[EMR_OPT_JSON] ? "--quiet" : NULL, NULL};
	const char *as = p->args.values[EMR_OPT_AS];

	if (emr_self_run(NULL, NULL, host) != EMR_OK)
		return EMR_PROBLEM(EMR_DENIED, out_problem, EMR_SAY_NETWORK_DIR, "dir", p->dir,
			"cause", _("its host does not run: emrfs host"), NULL);
	emr_out_text(p->out, "host", p->address);
	if (emr_org_agent(&p->args, p->out, &p->whole.passphrase, p->whole.state) != EMR_EXIT_DONE)
		return EMR_DENIED;
	if (emr_self_run(&p->whole.passphrase, as, mount) != EMR_OK)
		return EMR_PROBLEM(EMR_DENIED, out_problem, EMR_SAY_NETWORK_DIR, "dir", p->dir,
			"cause", _("the folder is not open: emrfs mount"), NULL);
	emr_say(p->out,
		"All is ready; the network is in %s. Invite somebody: emrfs invite WHO --role "
		"ROLE\n",
		p->dir);
	return EMR_OK;
}

int emr_cmd_practice(const emr_args *args, emr_out *out)
{
	practice p = {.args = *args, .out = out};
	emr_problem problem = {0};
	emr_status status = prepare(&p, &problem);
	int code = EMR_EXIT_FAILED;

	if (status == EMR_OK)
		code = emr_init_new(&p.args, out, p.args.operands[1], &p.whole);
	if (p.whole.state != NULL)
		status = run_parts(&p, &problem);
	if (status != EMR_OK && out->problem.is_set)
		code = EMR_EXIT_FAILED; /* the agent has said it */
	else if (p.whole.state != NULL || status != EMR_OK)
		code = emr_out_done(out, status, &problem, "practice");
	emr_made_end(&p.whole);
	free(p.dir);
	return code;
}
