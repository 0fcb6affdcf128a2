/* This file is `emrfs request`, `approve` and `deny`: a person asks another for access, and the
 * other one says yes or no. The user sees what a yes would share before it is given. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "kit/json.h"
#include "kit/language.h"
#include "kit/purposes.h"
#include "kit/terminal.h"
#include "kit/text.h"
#include "mount/client.h"
#include "org/bureau.h"
#include "people/answers.h"
#include "sharing/shares.h"
#include "verbs/cmd.h"

#include "verbs_private.h"

#define WORK_MS 60000
#define PATH_SHOWN 120
#define REASON_SHOWN 200

typedef struct telling {
	const emr_args *args;
	emr_out *out;
	emr_client client;
	json_t *last, *requests; /* the answer, and the list in it */
} telling;

static void telling_end(telling *t)
{
	emr_client_close(&t->client);
	json_decref(t->last);
}
#define AUTO_TELLING __attribute__((cleanup(telling_end))) telling

/* The answer is in T; an earlier one is forgotten. */
static emr_status ask_request(telling *t, const emr_request *request, emr_problem *out_problem)
{
	json_decref(t->last);
	t->last = NULL;
	EMR_TRY(emr_client_gather(
		&t->client, request, WORK_MS, t->out, NULL, &t->last, out_problem));
	t->requests = emr_json_list_at(t->last, "requests");
	return EMR_OK;
}

/* ---- the list ---- */

static void show_who(const json_t *one, char *out, size_t size)
{
	emr_who_json_text(one, _("somebody"), out, size);
}

static void show_what(const json_t *one, char *out, size_t size)
{
	char path[PATH_SHOWN], reason[REASON_SHOWN], reader[PATH_SHOWN];
	const char *rights = emr_json_text_at(one, "rights");

	emr_short_text(emr_json_text_at(one, "path"), path, sizeof path);
	emr_quoted_text(emr_json_text_at(one, "reason"), reason, sizeof reason);
	emr_show(emr_json_text_at(one, "for_whom"), reader, sizeof reader);
	snprintf(out, size, "%s%s%s, %s%s%s%s%s", path[0] != '\0' ? path : _("your records"),
		reader[0] != '\0' ? _(" for ") : "", reader,
		strcmp(rights, "read") == 0    ? ""
		: strcmp(rights, "write") == 0 ? _("to read and change, ")
					       : _("to leave files there, "),
		emr_text_word(emr_json_text_at(one, "purpose")), reason[0] != '\0' ? ": \"" : "",
		reason, reason[0] != '\0' ? "\"" : "");
}

/* A Consent that lies in the folder asks for WHO, or a guardian. */
static void say_file(telling *t, const json_t *one, const char *who, const char *what)
{
	const char *id = emr_json_text_at(one, "id"), *whole = emr_json_text_at(one, "whole"),
		   *state = emr_json_text_at(one, "state");
	char file[PATH_SHOWN];

	emr_short_text(
		emr_json_text_at(one, emr_json_text_at(one, "asker")[0] != '\0' ? "asker" : "file"),
		file, sizeof file);
	if (strcmp(state, "open") == 0)
		emr_say(t->out,
			"%-9s to you      %s asks that %s may have %s     emrfs approve %s | "
			"emrfs deny %s\n",
			id, file, who, what, whole, whole);
	else
		emr_say(t->out, "%-9s to you      %s asked that %s may have %s     %s\n", id, file,
			who, what, emr_text_word(state));
}

static void say_one(telling *t, const json_t *one)
{
	const char *id = emr_json_text_at(one, "id"), *whole = emr_json_text_at(one, "whole"),
		   *state = emr_json_text_at(one, "state");
	char who[640], what[PATH_SHOWN + REASON_SHOWN + 200], answer[REASON_SHOWN];

	show_who(one, who, sizeof who);
	show_what(one, what, sizeof what);
	emr_quoted_text(emr_json_text_at(one, "answer"), answer, sizeof answer);
	if (emr_json_text_at(one, "file")[0] != '\0' || emr_json_text_at(one, "asker")[0] != '\0')
		say_file(t, one, who, what);
	else if (strcmp(emr_json_text_at(one, "direction"), "to-me") != 0)
		emr_say(t->out, "%-9s from you    to %s, for %s     %s%s%s%s\n", id, who, what,
			emr_text_word(state), answer[0] != '\0' ? ": \"" : "", answer,
			answer[0] != '\0' ? "\"" : "");
	else if (strcmp(state, "open") != 0)
		emr_say(t->out, "%-9s to you      %s asked for %s     %s\n", id, who, what,
			emr_text_word(state));
	else
		emr_say(t->out,
			"%-9s to you      %s%s asks for %s     emrfs approve %s | emrfs deny %s\n",
			id, who,
			emr_json_flag_at(one, "known") ? "" : _(" (no card of each other)"), what,
			whole, whole);
}

static emr_status list(telling *t, emr_problem *out_problem)
{
	const emr_request request = {.ask = EMR_ASK_REQUEST};
	json_int_t held;

	EMR_TRY(ask_request(t, &request, out_problem));
	for (size_t i = 0; i < json_array_size(t->requests); i++)
		say_one(t, json_array_get(t->requests, i));
	held = json_integer_value(json_object_get(t->last, "held_back"));
	if (json_array_size(t->requests) == 0)
		emr_say(t->out, "No requests.\n");
	if (held > 0)
		emr_say(t->out,
			emr_text_of((uint64_t)held,
				"%lld older one is not shown: of one asker the five newest are.\n",
				"%lld older ones are not shown: of one asker the five newest "
				"are.\n"),
			(long long)held);
	emr_out_put(t->out, "requests", json_incref(t->requests));
	emr_out_number(t->out, "held_back", (uint64_t)held);
	return EMR_OK;
}

/* ---- asking ---- */

static emr_status take_reason(
	const telling *t, const char *verb, emr_request *request, emr_problem *out_problem)
{
	const char *reason = t->args->values[EMR_OPT_REASON];

	if (reason == NULL)
		return EMR_OK;
	if (strlen(reason) >= sizeof request->reason)
		return emr_wrong_use(verb, _("--reason takes at most 1,023 bytes."), out_problem);
	memcpy(request->reason, reason, strlen(reason) + 1);
	return EMR_OK;
}

emr_status emr_until_take(
	const emr_args *args, const char *verb, uint64_t *io_unix_s, emr_problem *out_problem)
{
	const char *text = args->values[EMR_OPT_UNTIL], *why;
	char what[400];

	if (text == NULL || emr_until_read(text, emr_clock_unix_s(emr_clock_system()), io_unix_s,
				    &why) == EMR_OK)
		return EMR_OK;
	snprintf(what, sizeof what, _("--until is not taken: %s."), emr_text(why));
	return emr_wrong_use(verb, what, out_problem);
}

emr_status emr_purposes_take(
	const emr_args *args, const char *verb, uint32_t *io_bits, emr_problem *out_problem)
{
	const char *text = args->values[EMR_OPT_PURPOSE];

	return text == NULL || emr_purposes_parse(text, io_bits)
		       ? EMR_OK
		       : emr_wrong_use(verb,
				 _("--purpose takes treatment, emergency, research, payment, "
				   "family, self or legal."),
				 out_problem);
}

/* Where OWNER ends in OWNER[:PATH]: behind the code in brackets, and own words in brackets of their
 * own, if it is called as below shared-with-me; else at the first colon. */
static size_t owner_len(const char *text)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

	for (const char *at = strstr(text, " ("); at != NULL; at = strstr(at + 1, " (")) {
		size_t code = strspn(at + 2, digits);
		const char *end = at + 3 + code, *words;

		if (code < EMR_KEY_CODE_SHOWN || at[2 + code] != ')')
			continue;
		words = strncmp(end, " [", 2) == 0 ? strchr(end, ']') : NULL;
		end = words != NULL ? words + 1 : end;
		if (*end == ':' || *end == '\0')
			return (size_t)(end - text);
	}
	return strcspn(text, ":");
}

static emr_status take_owner(const telling *t, emr_request *request, emr_problem *out_problem)
{
	const char *text = t->args->operands[0];
	size_t len = strncmp(text, EMR_DATASET_PREFIX, strlen(EMR_DATASET_PREFIX)) == 0
			     ? strlen(text)
			     : owner_len(text);
	const char *path = text[len] == ':' ? text + len + 1 : "";

	if (len == 0 || len > EMR_ASK_WHO_MAX || strlen(path) > EMR_ASK_PATH_MAX)
		return emr_wrong_use(
			"request", _("request takes OWNER or OWNER:PATH."), out_problem);
	memcpy(request->who, text, len);
	request->who[len] = '\0';
	request->has_path = path[0] != '\0';
	memcpy(request->path, path, strlen(path) + 1);
	return EMR_OK;
}

/* The answer was the agreement of a dataset: it is shown, and asked again with its hash once the
 * reader has said yes to it. */
static emr_status sign_first(telling *t, emr_request *request, emr_problem *out_problem)
{
	const char *hash = emr_json_text_at(t->last, "agreement"),
		   *agreed = t->args->values[EMR_OPT_AGREE];

	if (agreed == NULL || strcmp(agreed, hash) != 0) {
		emr_say(t->out,
			"%s\n\nThe text above is the agreement of %s, %s. Your key signs it "
			"with this request, and everybody is told.\n",
			emr_json_text_at(t->last, "text"), emr_json_text_at(t->last, "what"), hash);
		if (agreed != NULL || t->args->given[EMR_OPT_JSON] || !emr_terminal_there() ||
			!emr_terminal_says_yes(N_("Sign this agreement (yes or no)?")))
			return EMR_PROBLEM(EMR_DENIED, out_problem, EMR_SAY_SIGN_FIRST, "what",
				emr_json_text_at(t->last, "what"), "id", hash, NULL);
	}
	snprintf(request->shown, sizeof request->shown, "%s", hash);
	return ask_request(t, request, out_problem);
}

static void say_asked(telling *t)
{
	char who[640], what[PATH_SHOWN + REASON_SHOWN + 200];

	show_who(json_array_get(t->requests, 0), who, sizeof who);
	show_what(json_array_get(t->requests, 0), what, sizeof what);
	emr_say(t->out,
		"Asked: %s, for %s. The answer comes as a notice, and shows in emrfs request "
		"(%s).\n",
		who, what, emr_json_text_at(json_array_get(t->requests, 0), "id"));
	emr_out_put(t->out, "requests", json_incref(t->requests));
}

static emr_status send_request(telling *t, emr_problem *out_problem)
{
	emr_request request = {.ask = EMR_ASK_REQUEST,
		.purposes = 1,
		.write = t->args->given[EMR_OPT_WRITE],
		.deposit = t->args->given[EMR_OPT_DEPOSIT]};

	EMR_TRY(take_owner(t, &request, out_problem));
	if (request.write && request.deposit)
		EMR_TRY(emr_wrong_use(
			"request", _("It is --write or --deposit, not both."), out_problem));
	EMR_TRY(emr_purposes_take(t->args, "request", &request.purposes, out_problem));
	EMR_TRY(take_reason(t, "request", &request, out_problem));
	EMR_TRY(emr_until_take(t->args, "request", &request.until_unix_s, out_problem));
	EMR_TRY(ask_request(t, &request, out_problem));
	if (json_array_size(t->requests) == 0)
		EMR_TRY(sign_first(t, &request, out_problem));
	say_asked(t);
	return EMR_OK;
}

emr_status emr_ask_for_another(const emr_args *args, emr_out *out, emr_client *client,
	emr_request *request, emr_problem *out_problem)
{
	telling t = {.args = args, .out = out, .client = *client};
	emr_status status;

	request->ask = EMR_ASK_REQUEST;
	status = ask_request(&t, request, out_problem);
	if (status == EMR_OK)
		say_asked(&t);
	json_decref(t.last);
	return status;
}

emr_status emr_cmd_request(const emr_args *args, emr_out *out, emr_problem *out_problem)
{
	AUTO_TELLING t = {.args = args, .out = out, .client = EMR_CLIENT_CLOSED};
	bool has_terms = args->given[EMR_OPT_REASON] || args->given[EMR_OPT_PURPOSE] ||
			 args->given[EMR_OPT_UNTIL] || args->given[EMR_OPT_WRITE] ||
			 args->given[EMR_OPT_DEPOSIT];
	bool asks = args->n_operands > 0;

	if (!asks && has_terms)
		return emr_wrong_use("request",
			_("request needs whom you ask: OWNER or OWNER:PATH."), out_problem);
	EMR_TRY(emr_client_find(args->values[EMR_OPT_AS], &t.client, out_problem));
	return asks ? send_request(&t, out_problem) : list(&t, out_problem);
}

/* ---- yes and no ---- */

static emr_status take_id(
	const telling *t, const char *verb, emr_request *request, emr_problem *out_problem)
{
	if (t->args->n_operands != 1 || strlen(t->args->operands[0]) > EMR_ASK_WHO_MAX ||
		t->args->operands[0][0] == '\0')
		return emr_wrong_use(verb,
			_("It takes the id of one request; emrfs request lists them."),
			out_problem);
	memcpy(request->id, t->args->operands[0], strlen(t->args->operands[0]) + 1);
	return EMR_OK;
}

/* A request to read a dataset is shown, and lets in after a yes.  *OUT_IS: it was one. */
static emr_status admit(telling *t, emr_request request, bool *out_is, emr_problem *out_problem)
{
	emr_request look = {.ask = EMR_ASK_DENY, .look = true};
	const json_t *one;

	memcpy(look.id, request.id, sizeof look.id);
	EMR_TRY(ask_request(t, &look, out_problem));
	one = json_array_get(t->requests, 0);
	*out_is = emr_json_text_at(one, "file")[0] == '\0' &&
		  strncmp(emr_json_text_at(one, "path"), EMR_DATASET_PREFIX,
			  strlen(EMR_DATASET_PREFIX)) == 0;
	if (!*out_is)
		return EMR_OK;
	say_one(t, one);
	EMR_TRY(emr_bureau_agree(t->args, t->out,
		_("Everybody is told of each reader. Admit this one (yes, no)?"),
		_("Nobody was admitted."), out_problem));
	request.ask = EMR_ASK_REQUEST;
	EMR_TRY(ask_request(t, &request, out_problem));
	emr_out_put(t->out, "requests", json_incref(t->requests));
	return EMR_OK;
}

/* The share that it asks for is shown, asked about and given as by `share`. */
emr_status emr_cmd_approve(const emr_args *args, emr_out *out, emr_problem *out_problem)
{
	AUTO_TELLING t = {.args = args, .out = out, .client = EMR_CLIENT_CLOSED};
	emr_request request = {.ask = EMR_ASK_SHARE};
	json_t *grant = NULL;
	bool is_reading = false;

	EMR_TRY(take_id(&t, "approve", &request, out_problem));
	EMR_TRY(emr_until_take(args, "approve", &request.until_unix_s, out_problem));
	EMR_TRY(emr_away_take(args, "approve", &request, out_problem));
	EMR_TRY(emr_client_find(args->values[EMR_OPT_AS], &t.client, out_problem));
	EMR_TRY(admit(&t, request, &is_reading, out_problem));
	if (is_reading)
		return EMR_OK;
	EMR_TRY(emr_share_as_asked(args, out, &t.client, &request, &grant, out_problem));
	emr_out_put(out, "grant", grant);
	return EMR_OK;
}

/* A person sees which one is meant before he says no to it, and no to nothing else: its whole id
 * goes along. */
static emr_status ask_no(telling *t, emr_request *request, emr_problem *out_problem)
{
	const json_t *one;
	emr_status status;

	if (!emr_terminal_asks(t->args->given[EMR_OPT_YES] || t->args->given[EMR_OPT_JSON]))
		return EMR_OK;
	request->look = true;
	status = ask_request(t, request, out_problem);
	request->look = false;
	if (status != EMR_OK)
		return status;
	one = json_array_get(t->requests, 0);
	say_one(t, one);
	snprintf(request->id, sizeof request->id, "%s", emr_json_text_at(one, "whole"));
	if (emr_terminal_says_yes(strcmp(emr_json_text_at(one, "direction"), "to-me") == 0
					  ? N_("Say no to it (yes or no)?")
					  : N_("Take it back (yes or no)?")))
		return EMR_OK;
	return EMR_PROBLEM(EMR_DENIED, out_problem, EMR_SAY_NO_YES, "what",
		_("The request is as it was."), NULL);
}

emr_status emr_cmd_deny(const emr_args *args, emr_out *out, emr_problem *out_problem)
{
	AUTO_TELLING t = {.args = args, .out = out, .client = EMR_CLIENT_CLOSED};
	emr_request request = {.ask = EMR_ASK_DENY};
	bool is_own;

	EMR_TRY(take_id(&t, "deny", &request, out_problem));
	EMR_TRY(take_reason(&t, "deny", &request, out_problem));
	EMR_TRY(emr_client_find(args->values[EMR_OPT_AS], &t.client, out_problem));
	EMR_TRY(ask_no(&t, &request, out_problem));
	EMR_TRY(ask_request(&t, &request, out_problem));
	is_own = emr_json_flag_at(t.last, "was_own");
	emr_say(out,
		is_own ? _("Request %s was yours: it is taken back.\n")
		: emr_json_flag_at(t.last, "of_file")
			? _("You said no to %s. The file stays, and nobody is told.\n")
			: _("You said no to %s. Whoever asked is told, and nobody else.\n"),
		emr_json_text_at(t.last, "id"));
	emr_out_text(out, "id", emr_json_text_at(t.last, "id"));
	return EMR_OK;
}
