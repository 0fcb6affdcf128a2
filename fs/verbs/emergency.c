/* This file is `emrfs emergency`: a patient prepares what two clinicians may read in an emergency,
 * and gets a card to carry; a clinician who has the card says why it must be opened. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "keyring/invite.h"
#include "kit/json.h"
#include "kit/language.h"
#include "kit/terminal.h"
#include "kit/text.h"
#include "mount/client.h"
#include "verbs/cmd.h"

#include "trustees.h"

#define WORK_MS 120000
#define HOUR_NS INT64_C(3600000000000)
#define YEAR_S ((uint64_t)365 * 86400)
#define ORDER_NS INT64_C(60000000000)

typedef struct preparing {
	const emr_args *args;
	emr_out *out;
	emr_client *client;
	size_t with; /* the operand between folders and organisations */
	char code[EMR_EMERGENCY_CODE_CHARS + 1];
	uint64_t until;
	int64_t open_ns; /* for so long, once two have said why */
	json_t *folders; /* what is prepared: {path, who} */
	bool is_given;	 /* the card opens something, or will */
	char organisations[160];
} preparing;

static emr_status wrong(const char *why, emr_problem *out_problem)
{
	return emr_wrong_use("emergency", why, out_problem);
}

/* Folder I of organisation K. */
static emr_status make_request(
	preparing *p, size_t i, size_t k, emr_request *out, emr_problem *out_problem)
{
	const char *who = p->args->operands[k];

	*out = (emr_request){.ask = EMR_ASK_SHARE,
		.purposes = EMR_PURPOSE_EMERGENCY,
		.until_unix_s = p->until,
		.limit = (uint32_t)(p->open_ns / HOUR_NS)};
	if (strlen(who) >= sizeof out->who)
		return wrong(_("Nobody is called that."), out_problem);
	snprintf(out->who, sizeof out->who, "%s", who);
	snprintf(out->name, sizeof out->name, "%s", p->code);
	EMR_TRY(emr_away_take(p->args, "emergency", out, out_problem));
	return emr_client_path(p->client, p->args->operands[i], out, out_problem);
}

/* Says what of one folder is opened to whom, and by which agents. */
static emr_status show(preparing *p, const emr_request *request, const json_t *look)
{
	char who[600], path[600], files[EMR_COUNT_BYTES], until[EMR_TEXT_BYTES];

	emr_show(emr_json_text_at(look, "text"), who, sizeof who);
	emr_show(request->path, path, sizeof path);
	emr_count_text(emr_json_number_at(look, "files"), "file", "files", files);
	emr_time_text((int64_t)p->until, until);
	emr_say(p->out,
		"Two clinicians of %s who have your card and say why can read %s (%s, and what "
		"comes there) for %u h. The card is good until %.11s.\n",
		who, path, files, (unsigned)request->limit, until);
	emr_say_release(p->out, look);
	if (emr_json_number_at(look, "needed") < 2)
		emr_say(p->out, "One agent alone releases it: nobody else checks with it that two "
				"have said "
				"why.\n");
	return json_array_append_new(
		       p->folders, json_pack("{s:s, s:o, s:s}", "path", request->path, "who",
					   json_incref(json_object_get(look, "who")), "shown",
					   emr_json_text_at(look, "shown"))) == 0
		       ? EMR_OK
		       : EMR_NO_MEMORY;
}

static emr_status look_at(preparing *p, size_t i, size_t k, emr_problem *out_problem)
{
	json_auto_t *look = NULL;
	emr_request request;

	EMR_TRY(make_request(p, i, k, &request, out_problem));
	request.look = true;
	EMR_TRY(emr_client_ask(p->client, &request, WORK_MS, &look, out_problem));
	if (!emr_json_flag_at(look, "two")) /* else it would be an ordinary share */
		return EMR_PROBLEM_STATUS(out_problem, EMR_UNSUPPORTED, request.path);
	if (emr_json_number_at(look, "needed") == 0)
		return EMR_PROBLEM(EMR_DENIED, out_problem, EMR_SAY_EMERGENCY_NO_AGENT, "path",
			request.path, "who", emr_json_text_at(look, "text"), NULL);
	return show(p, &request, look);
}

/* It is on the ledger when this has returned. */
static emr_status give(
	preparing *p, size_t i, size_t k, const char *shown, emr_problem *out_problem)
{
	json_auto_t *answer = NULL;
	emr_request request;
	uint64_t order;
	bool is_done = true;

	EMR_TRY(make_request(p, i, k, &request, out_problem));
	snprintf(request.shown, sizeof request.shown, "%s", shown);
	EMR_TRY(emr_client_ask(p->client, &request, WORK_MS, &answer, out_problem));
	order = emr_json_number_at(answer, "order");
	if (order != 0)
		EMR_TRY(emr_order_look(p->client, request.path, request.who, order, ORDER_NS,
			EMR_SAY_SHARE_FAILED, &is_done, out_problem));
	return is_done ? EMR_OK
		       : EMR_PROBLEM(EMR_TIMEOUT, out_problem, EMR_SAY_ORDER_UNSENT, "path",
				 request.path, NULL);
}

/* Of all folders and organisations, one after the other.  One that waits keeps none of the others.
 */
static emr_status each(preparing *p, bool gives, emr_problem *out_problem)
{
	emr_status status = EMR_OK, waits = EMR_OK;
	emr_problem why = {0};
	size_t n = 0;

	for (size_t i = 1; i < p->with; i++)
		for (size_t k = p->with + 1; k < p->args->n_operands && status == EMR_OK;
			k++, n++) {
			status = gives ? give(p, i, k,
						 emr_json_text_at(
							 json_array_get(p->folders, n), "shown"),
						 &why)
				       : look_at(p, i, k, &why);
			p->is_given |= gives && (status == EMR_OK || status == EMR_TIMEOUT);
			if (gives && status == EMR_TIMEOUT) {
				waits = status;
				*out_problem = why;
				status = EMR_OK;
			}
		}
	if (status != EMR_OK)
		*out_problem = why;
	return status == EMR_OK ? waits : status;
}

static emr_status write_card(preparing *p, emr_problem *out_problem)
{
	const char *file = p->args->values[EMR_OPT_CARD_FILE];
	const emr_request mine = {.ask = EMR_ASK_PEOPLE, .mine = true};
	json_auto_t *me = NULL;
	char until[EMR_TEXT_BYTES], text[2048], note[700],
		grouped[2 * EMR_EMERGENCY_CODE_CHARS] = "";
	json_auto_t *card = NULL;

	EMR_TRY(emr_client_gather(p->client, &mine, WORK_MS, p->out, NULL, &me, out_problem));
	for (size_t i = 0; p->code[i] != '\0'; i++)
		snprintf(grouped + strlen(grouped), sizeof grouped - strlen(grouped), "%s%c",
			i > 0 && i % 4 == 0 ? " " : "", p->code[i]);
	emr_time_json((int64_t)p->until, until);
	snprintf(note, sizeof note,
		_("In an emergency, for two clinicians of %s: emrfs emergency CODE --reason WHY"),
		p->organisations);
	snprintf(text, sizeof text, "%s  %s\n%s\n%s\n%.10s\n", emr_json_text_at(me, "name"),
		emr_json_text_at(me, "born"), grouped, note, until);
	card = json_pack("{s:s, s:O, s:O, s:s, s:s, s:s, s:s}", "qr", p->code, "name",
		json_object_get(me, "name"), "born", json_object_get(me, "born"), "code", grouped,
		"valid_until", until, "note", note, "card", text);
	if (card == NULL)
		return EMR_PROBLEM_STATUS(out_problem, EMR_NO_MEMORY, file);
	return verb_write_card(file, card, 0600, out_problem);
}

static emr_status prepare(const emr_args *args, emr_out *out, emr_problem *out_problem)
{
	EMR_AUTO_CLIENT client = EMR_CLIENT_CLOSED;
	json_auto_t *folders = json_array();
	preparing p = {.args = args,
		.out = out,
		.client = &client,
		.folders = folders,
		.open_ns = EMR_EMERGENCY_HOURS_MAX * HOUR_NS,
		.until = emr_clock_unix_s(emr_clock_system()) + YEAR_S};
	const char *file = args->values[EMR_OPT_CARD_FILE], *hours = args->values[EMR_OPT_FOR];
	emr_status status;
	json_t *one;
	size_t i;

	for (i = 1; i < args->n_operands && p.with == 0; i++)
		p.with = strcmp(args->operands[i], "with") == 0 ? i : 0;
	if (p.with < 2 || p.with + 1 >= args->n_operands || file == NULL ||
		args->given[EMR_OPT_REASON] ||
		(hours != NULL && emr_duration_parse(hours, &p.open_ns) != EMR_OK) ||
		p.open_ns % HOUR_NS != 0 || p.open_ns > EMR_EMERGENCY_HOURS_MAX * HOUR_NS)
		return wrong(_("emrfs emergency prepare FOLDER... with ORG... -o FILE; --for takes "
			       "whole hours, 1h to 24h."),
			out_problem);
	EMR_TRY(emr_until_take(args, "emergency", &p.until, out_problem));
	EMR_TRY(trust_is_new(file, out_problem));
	emr_emergency_code_write(emr_id16_random(), p.code);
	for (i = p.with + 1; i < args->n_operands; i++)
		emr_names_add(args->operands[i], ", ", p.organisations, sizeof p.organisations);
	EMR_TRY(emr_client_find(args->values[EMR_OPT_AS], &client, out_problem));
	EMR_TRY(each(&p, false, out_problem));
	EMR_TRY(emr_bureau_agree(args, out, _("Prepare it, and write the card (yes, no)?"),
		_("Nothing was prepared."), out_problem));
	/* First: where no card can be drawn the one before stays good. */
	EMR_TRY(write_card(&p, out_problem));
	status = each(&p, true, out_problem);
	if (!p.is_given)
		(void)unlink(file); /* a card that opens nothing is worse than none */
	EMR_TRY(p.is_given ? EMR_OK : status);
	json_array_foreach(p.folders, i, one) json_object_del(one, "shown");
	emr_out_text(out, "file", file);
	emr_out_text(out, "code", p.code);
	emr_out_number(out, "until_unix", p.until);
	emr_out_put(out, "prepared", json_incref(p.folders));
	emr_say(out,
		"The card is in %s. Print it, and carry it with you: two clinicians who see it can "
		"open what it says. Another one makes this one worthless.\n",
		file);
	return status; /* where one waits, or was refused, that is said, too */
}

/* ---- a clinician's ---- */

static void say_state(emr_out *out, const json_t *answer)
{
	const json_t *folders = json_object_get(answer, "open_folders");
	const uint64_t until = emr_json_number_at(answer, "until_unix");
	char when[EMR_TEXT_BYTES], patient[300], names[900] = "", name[300];

	emr_time_text((int64_t)until, when);
	if (strcmp(emr_json_text_at(answer, "state"), "open") != 0) {
		emr_say(out,
			"Nothing is open yet: a second clinician of your organisation must say "
			"why, "
			"before %s: emrfs emergency second --reason TEXT\n",
			when);
		return;
	}
	for (size_t i = 0; i < json_array_size(folders); i++) {
		emr_show(json_string_value(json_array_get(folders, i)), name, sizeof name);
		emr_names_add(name, ", ", names, sizeof names);
	}
	emr_show(emr_json_text_at(answer, "owner"), patient, sizeof patient);
	emr_say(out,
		"Open until %s, to read: %s of %s, below shared-with-me. The patient hears who "
		"said "
		"so, and why.\n",
		when, names, patient);
}

/* OUT_REQUEST gets the code of what is agreed to. */
static emr_status agree_to_second(const emr_args *args, emr_out *out, emr_client *client,
	emr_request *out_request, emr_problem *out_problem)
{
	const emr_request request = {.ask = EMR_ASK_EMERGENCY, .look = true};
	json_auto_t *first = NULL;
	char who[600], at[EMR_TEXT_BYTES], question[900];

	EMR_TRY(emr_client_ask(client, &request, WORK_MS, &first, out_problem));
	snprintf(
		out_request->name, sizeof out_request->name, "%s", emr_json_text_at(first, "code"));
	emr_show(emr_json_text_at(first, "who"), who, sizeof who);
	emr_time_text((int64_t)emr_json_number_at(first, "at_unix"), at);
	snprintf(question, sizeof question,
		_("%s said on %s why a patient's records must be opened. Is it about the same "
		  "patient, and do you agree (yes, no)?"),
		who, at);
	return emr_bureau_agree(args, out, question, _("Nothing was opened."), out_problem);
}

static emr_status say_why(const emr_args *args, emr_out *out, emr_problem *out_problem)
{
	const char *reason = args->values[EMR_OPT_REASON];
	const bool is_second = strcmp(args->operands[0], "second") == 0;
	emr_request request = {.ask = EMR_ASK_EMERGENCY};
	EMR_AUTO_CLIENT client = EMR_CLIENT_CLOSED;
	json_auto_t *answer = NULL;

	if (reason == NULL || reason[0] == '\0' || strlen(reason) > EMR_EMERGENCY_REASON_MAX)
		return EMR_PROBLEM(EMR_INVALID, out_problem, EMR_SAY_EMERGENCY_REASON, NULL);
	if (args->given[EMR_OPT_UNTIL] || args->given[EMR_OPT_CARD_FILE] ||
		args->given[EMR_OPT_AWAY] || args->given[EMR_OPT_FOR] ||
		(is_second && args->n_operands > 1))
		return wrong(_("emrfs emergency CARD --reason TEXT"), out_problem);
	for (size_t i = 0; i < args->n_operands && !is_second; i++) /* in groups, as on the card */
		snprintf(request.name + strlen(request.name),
			sizeof request.name - strlen(request.name), "%s", args->operands[i]);
	memcpy(request.reason, reason, strlen(reason) + 1);
	EMR_TRY(emr_client_find(args->values[EMR_OPT_AS], &client, out_problem));
	if (is_second)
		EMR_TRY(agree_to_second(args, out, &client, &request, out_problem));
	EMR_TRY(emr_client_ask(&client, &request, WORK_MS, &answer, out_problem));
	emr_out_text(out, "state", emr_json_text_at(answer, "state"));
	emr_out_number(out, "until_unix", emr_json_number_at(answer, "until_unix"));
	emr_out_put(out, "open_folders", json_incref(json_object_get(answer, "open_folders")));
	emr_out_text(out, "owner", emr_json_text_at(answer, "owner"));
	say_state(out, answer);
	return EMR_OK;
}

emr_status emr_cmd_emergency(const emr_args *args, emr_out *out, emr_problem *out_problem)
{
	if (args->n_operands > 0 && strcmp(args->operands[0], "prepare") == 0)
		return prepare(args, out, out_problem);
	if (args->n_operands > 0)
		return say_why(args, out, out_problem);
	return wrong(
		_("emergency takes prepare FOLDER... with ORG..., CARD, or second."), out_problem);
}
