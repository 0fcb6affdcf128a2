/* This file is `emrfs join` as a person meets it: with a keyring or without, with the folder open
 * or closed. It opens the folder of somebody who is new here, and the one that was open before. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "kit/language.h"
#include "kit/terminal.h"
#include "mount/reach.h"
#include "network/joining.h"
#include "session/session.h"
#include "verbs/cmd.h"

#include "verbs_private.h"

#define TYPED_MAX 1024 /* a code, with blanks */

/* Not in windows, where packaging/open-folder opens it next. */
static emr_status open_folder(const emr_args *args, const emr_out *out, const char *folder,
	const emr_passphrase *passphrase)
{
	const char *words[4] = {"mount", folder};
	size_t n = folder != NULL ? 2 : 1;

	if (args->given[EMR_OPT_JSON] || args->given[EMR_OPT_QUIET])
		words[n] = "--quiet";
	return passphrase->len == 0 || out->is_in_windows
		       ? EMR_OK
		       : emr_self_run(passphrase, args->values[EMR_OPT_AS], words);
}

/* Somebody who has nothing here yet gets a keyring, and a folder that is open. */
static int join_anew(const emr_args *args, emr_out *out)
{
	EMR_AUTO_MADE whole = {.state = NULL};
	emr_problem problem = {0};
	int code = emr_init_new(args, out, NULL, &whole);
	emr_status status = EMR_OK;

	if (whole.state == NULL || whole.is_agent)
		return code;
	status = open_folder(args, out, NULL, &whole.passphrase);
	return emr_out_done(out, status, &problem, "mount");
}

/* Nothing is closed for a code that leads nowhere. */
static emr_status look_at_code(
	const emr_args *args, const emr_places *places, emr_problem *out_problem)
{
	emr_joining joining = {.dir = NULL};
	emr_status status = emr_joining_read(args->operands[0], args->values[EMR_OPT_NETWORK],
		places->state, &joining, out_problem);

	emr_joining_free(&joining);
	return status;
}

/* An open folder is closed while its records go along, and opened again. */
static emr_status join_and_open(const emr_args *args, emr_out *out, emr_problem *out_problem)
{
	const char *const unmount[] = {"unmount", "--quiet", NULL};
	EMR_AUTO_PASSPHRASE passphrase = {0};
	EMR_AUTO_REACH open = EMR_REACH_CLOSED;
	EMR_AUTO_FREE char *folder = NULL;
	emr_status status = emr_reach_find(args, &open, out_problem);

	if (status == EMR_NOT_FOUND) {
		*out_problem = (emr_problem){.is_set = false};
		return emr_join_with_keyring(args, out, &passphrase, out_problem);
	}
	EMR_TRY(status);
	if (args->n_operands > 0)
		EMR_TRY(look_at_code(args, &open.places, out_problem));
	folder = open.folder;
	open.folder = NULL;
	emr_reach_close(&open);
	emr_say(out, "Your folder is closed while you join; your passphrase opens it again.\n");
	EMR_TRY(emr_self_run(NULL, args->values[EMR_OPT_AS], unmount));
	status = emr_join_with_keyring(args, out, &passphrase, out_problem);
	if (open_folder(args, out, folder, &passphrase) != EMR_OK || passphrase.len == 0)
		emr_say_to_open(out);
	return status;
}

int emr_cmd_join(const emr_args *args, emr_out *out)
{
	emr_args own = *args;
	char code[TYPED_MAX] = "";
	emr_problem problem = {0};
	emr_status status = EMR_OK;

	if (emr_at_work_as(args->values[EMR_OPT_AS], false).has_keyring)
		return emr_out_done(out, join_and_open(args, out, &problem), &problem, "join");
	if (args->n_operands == 0 && emr_terminal_there())
		status = emr_terminal_ask("The code that you were given:", code, sizeof code);
	own.values[EMR_OPT_JOIN] = args->n_operands > 0 ? args->operands[0] : code;
	if (status == EMR_OK && own.values[EMR_OPT_JOIN][0] == '\0')
		status = emr_wrong_use(
			"join", _("join needs a code, or an invitation: a file, or -."), &problem);
	if (status != EMR_OK)
		return emr_out_done(out, status, &problem, "join");
	own.given[EMR_OPT_JOIN] = true;
	return join_anew(&own, out);
}
