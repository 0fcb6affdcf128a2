/* This file says, before a share is made, who releases its keys while its owner is away and whom
 * that trusts with what, and changes the rule: `emrfs share --away RULE`; and afterwards, whether
 * it can be opened elsewhere. It refuses to take an
 * agent of the owner's own organisation without a yes to that. */
#include <stdio.h>
#include <string.h>

#include "kit/json.h"
#include "kit/language.h"
#include "kit/passphrase.h"
#include "kit/purposes.h"
#include "kit/terminal.h"
#include "kit/text.h"
#include "mount/client.h"
#include "verbs/cmd.h"

#include "verbs_private.h"

#define WORK_MS 120000

void emr_say_shared(emr_out *out, const json_t *answer, bool is_done)
{
	if (is_done)
		emr_say(out, "Shared.\n");
	else
		emr_say(out, emr_json_flag_at(answer, "reached")
				     ? _("It is being shared. How far that is: emrfs share\n")
				     : _("It will be shared as soon as the ledger answers: emrfs "
					 "share\n"));
}

static void names_of(const json_t *list, char *out, size_t size)
{
	size_t at = 0;

	out[0] = '\0';
	for (size_t i = 0; i < json_array_size(list) && at + 1 < size; i++) {
		char shown[300];

		emr_show(json_string_value(json_array_get(list, i)), shown, sizeof shown);
		snprintf(out + at, size - at, "%s%s", i > 0 ? ", " : "", shown);
		at = strlen(out);
	}
}

/* Agents that are there and do not count. */
static void say_left_out(emr_out *out, const json_t *look)
{
	const json_t *all = json_object_get(look, "left_out");

	for (size_t i = 0; i < json_array_size(all); i++) {
		const json_t *one = json_array_get(all, i);
		char name[300];

		emr_show(emr_json_text_at(one, "name"), name, sizeof name);
		emr_say(out, "  The agent of %s is left out: %s.\n", name,
			emr_json_text_at(one, "why"));
	}
}

/* Says what one agent alone, or none, means. */
static emr_message message_of(const json_t *look, size_t n)
{
	bool is_own = strcmp(emr_json_text_at(look, "away"), "own") == 0;

	if (n == 0 && strcmp(emr_json_text_at(look, "rule"), "nobody") == 0)
		return EMR_SAY_NOBODY_RELEASES;
	if (n == 0)
		return emr_json_text_at(look, "own_agent")[0] != '\0' ? EMR_SAY_OWN_COULD_RELEASE
								      : EMR_SAY_ONLY_WHILE_OPEN;
	return is_own ? EMR_SAY_OWN_RELEASES : EMR_SAY_NO_THRESHOLD;
}

void emr_say_silent(emr_out *out, const json_t *answer)
{
	const json_t *all = json_object_get(answer, "agents_silent");

	for (size_t i = 0; i < json_array_size(all); i++) {
		const json_t *one = json_array_get(all, i);
		char since[EMR_TEXT_BYTES];

		emr_time_text((int64_t)emr_json_number_at(one, "since_unix"), since);
		emr_remark_that(out, EMR_SAY_AGENT_SILENT, "name", emr_json_text_at(one, "name"),
			"time", since, NULL);
	}
}

void emr_say_release(emr_out *out, const json_t *look)
{
	const json_t *by = json_object_get(look, "released_by");
	const size_t n = json_array_size(by), needed = emr_json_number_at(look, "needed");
	char names[600], who[600], own[300];

	if (!json_is_array(by)) {
		emr_say(out, "The folder is on its way to the ledger. When it is there, emrfs "
			     "share says whether it opens while this computer is off.\n");
		return;
	}
	emr_say_silent(out, look);
	names_of(by, names, sizeof names);
	emr_show(emr_json_text_at(look, "text"), who, sizeof who);
	emr_show(emr_json_text_at(look, "own_agent"), own, sizeof own);
	if (n >= 2) {
		emr_say(out, "Keys are released by %s: %s.\n", names,
			needed == 1   ? _("either is enough, and one is your own organisation")
			: n == 2      ? _("both needed")
			: needed == 2 ? _("any two needed")
				      : _("all needed"));
		return;
	}
	emr_remark_that(out, message_of(look, n), "name", names, "who", who, "own", own, NULL);
	say_left_out(out, look);
}

/* The settings have the answer from then on. */
static bool was_answered(const emr_args *args, emr_problem *out_problem, emr_status *out_status)
{
	EMR_AUTO_PLACES places = {0};
	EMR_AUTO_SETTINGS settings = {0};

	*out_status = emr_places_find(args->values[EMR_OPT_AS], &places, out_problem);
	if (*out_status == EMR_OK)
		*out_status = emr_settings_read(&places, &settings, out_problem);
	return *out_status == EMR_OK && settings.is_away_said;
}

/* Nobody else could release its keys, and the owner's own organisation may not yet. */
static bool is_question(const json_t *look)
{
	return emr_json_text_at(look, "own_agent")[0] != '\0' &&
	       strcmp(emr_json_text_at(look, "rule"), "others") == 0 &&
	       !emr_json_flag_at(look, "already");
}

emr_status emr_away_take(
	const emr_args *args, const char *verb, emr_request *request, emr_problem *out_problem)
{
	const char *away = args->values[EMR_OPT_AWAY];
	emr_away rule;

	if (away == NULL)
		return EMR_OK;
	if (!emr_away_parse(away, &rule))
		return emr_wrong_use(verb, _("--away takes others, own or nobody."), out_problem);
	snprintf(request->away, sizeof request->away, "%s", away);
	return EMR_OK;
}

emr_status emr_offer_own(const emr_args *args, emr_out *out, emr_client *client, const json_t *look,
	bool *out_is_changed, emr_problem *out_problem)
{
	const char *own = emr_json_text_at(look, "own_agent");
	char name[300], who[600], question[1400];
	bool says_yes;
	emr_status status = EMR_OK;

	*out_is_changed = false;
	if (!is_question(look) || was_answered(args, out_problem, &status) || status != EMR_OK)
		return status;
	emr_show(own, name, sizeof name);
	emr_show(emr_json_text_at(look, "text"), who, sizeof who);
	snprintf(question, sizeof question,
		_("May %s, your own organisation, open what you share to its readers while this "
		  "computer is off? It can read nothing alone.\n  yes: readers open it at any "
		  "time; that protects you from %s, not from %s\n  no: only while your folder is "
		  "open\nYes or no?"),
		name, who, name);
	says_yes = !args->given[EMR_OPT_YES] && !args->given[EMR_OPT_JSON] &&
		   emr_terminal_there() && emr_terminal_says_yes(question);
	if (!says_yes && !emr_terminal_said_no())
		return EMR_PROBLEM(EMR_DENIED, out_problem, EMR_SAY_AWAY_UNSAID, "own", name, NULL);
	status = emr_share_by_rule(args, out, client, says_yes ? "own" : "others", out_problem);
	*out_is_changed = status == EMR_OK && says_yes;
	return status;
}

static const char *meaning_of(emr_away rule)
{
	return rule == EMR_AWAY_NOBODY
		       ? _("From now on nobody releases keys while your folder is closed.\n")
	       : rule == EMR_AWAY_OWN
		       ? _("From now on what you share opens while your folder is closed, too: by "
			   "agents of two other organisations, or else by your own "
			   "organisation's. That protects you from readers, not from your "
			   "organisation.\n")
		       : _("From now on only agents of other organisations release keys while your "
			   "folder is closed.\n");
}

emr_status emr_share_by_rule(const emr_args *args, emr_out *out, emr_client *client,
	const char *word, emr_problem *out_problem)
{
	EMR_AUTO_PLACES places = {0};
	emr_request request = {.ask = EMR_ASK_SHARE};
	emr_away rule = EMR_AWAY_OTHERS;
	json_t *answer = NULL;
	uint64_t given;
	emr_status status = emr_places_find(args->values[EMR_OPT_AS], &places, out_problem);

	(void)emr_away_parse(word, &rule);
	snprintf(request.away, sizeof request.away, "%s", word);
	if (status == EMR_OK) /* the next folder has it, whatever becomes of this one's shares */
		status = emr_settings_write(&places, "away", word, out_problem);
	if (status == EMR_OK)
		status = emr_client_ask(client, &request, WORK_MS, &answer, out_problem);
	given = emr_json_number_at(answer, "given");
	json_decref(answer);
	if (status != EMR_OK)
		return status;
	emr_say(out, "%s", meaning_of(rule));
	if (given > 0)
		emr_say(out,
			emr_text_of(given,
				"%llu share changes to that; until the ledger has it, emrfs share "
				"lists both.\n",
				"%llu shares change to that; until the ledger has it, emrfs share "
				"lists both.\n"),
			(unsigned long long)given);
	emr_out_number(out, "given", given);
	return EMR_OK;
}

emr_status emr_away_answers(const emr_args *args, emr_client *client, const emr_request *request,
	bool *out_it_does, emr_problem *out_problem)
{
	emr_request plain = *request;
	json_auto_t *look = NULL;
	emr_status status = EMR_OK;

	*out_it_does = false;
	if ((strcmp(request->away, "own") != 0 && strcmp(request->away, "others") != 0) ||
		was_answered(args, out_problem, &status) || status != EMR_OK)
		return status;
	plain.away[0] = '\0';
	plain.look = true;
	EMR_TRY(emr_client_ask(client, &plain, WORK_MS, &look, out_problem));
	*out_it_does = is_question(look);
	return EMR_OK;
}

void emr_say_kept_out(emr_out *out, json_t *look, const char *path)
{
	json_t *local = emr_json_list_at(look, "local");
	size_t of = emr_json_number_at(look, "local_files"), n = json_array_size(local);
	char names[1200];

	names_of(local, names, sizeof names);
	if (n > 0 && of > n)
		emr_say(out,
			"Not shared, because programs keep it for themselves: %s, and %zu more.\n",
			names, of - n);
	else if (n > 0)
		emr_say(out, "Not shared, because programs keep it for themselves: %s.\n", names);
	if (emr_json_flag_at(look, "log_apart"))
		emr_remark_that(out, EMR_SAY_LOG_APART, "path", path, NULL);
	emr_out_put(out, "local", json_incref(local));
	emr_out_number(out, "local_files", of);
	emr_out_flag(out, "log_apart", emr_json_flag_at(look, "log_apart"));
}
