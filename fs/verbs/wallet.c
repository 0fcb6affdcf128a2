/* This file is `emrfs wallet`: it shows the points and the credit of the person, as the open folder
 * counts them (or, where none is open, this program), and sends points to somebody. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mount/points.h"
#include "base/clock.h"
#include "contract/codes.h"
#include "contract/pubs_share.h"
#include "kit/json.h"
#include "kit/language.h"
#include "kit/text.h"
#include "ledger/act_send.h"
#include "mount/client.h"
#include "org/bureau.h"
#include "people/who.h"
#include "replica/follower.h"
#include "replica/ask.h"
#include "session/acting.h"
#include "verbs/cmd.h"

#define WORK_MS 600000 /* every entry of the ledger is looked at */

/* From how much credit on a sentence says so. */
static const uint64_t thresholds[] = {10, 100, 1000};
#define THRESHOLDS (sizeof thresholds / sizeof *thresholds)

typedef struct wallet {
	const emr_args *args;
	emr_out *out;
	emr_acting acting;
	json_t *last;	 /* the answer; owned */
	emr_crowd crowd; /* these three: to send */
	emr_id32 account;
	uint64_t points;
} wallet;

static void wallet_end(wallet *w)
{
	emr_crowd_close(&w->crowd);
	emr_acting_end(&w->acting);
	json_decref(w->last);
}

static emr_status open_here(wallet *w, emr_problem *out_problem)
{
	emr_status status = emr_acting_keys(&w->acting, w->args, out_problem);

	return status == EMR_OK ? emr_acting_open(&w->acting, out_problem) : status;
}

/* ---- what there is ---- */

static emr_status look(wallet *w, emr_problem *out_problem)
{
	const emr_request request = {.ask = EMR_ASK_WALLET};
	EMR_AUTO_PLACES places = {0};
	EMR_AUTO_CLIENT client = EMR_CLIENT_CLOSED;
	emr_problem closed = {0};
	emr_status status;

	EMR_TRY(emr_places_find(w->args->values[EMR_OPT_AS], &places, out_problem));
	if (emr_client_open(&places, &client, &closed) == EMR_OK)
		return emr_client_gather(
			&client, &request, WORK_MS, w->out, NULL, &w->last, out_problem);
	status = open_here(w, out_problem);
	/* The copy has all of it; the ledger was asked only for what is new. */
	if (emr_status_may_pass(status) && w->acting.session.replica != NULL) {
		*out_problem = (emr_problem){.is_set = false};
		status = EMR_OK;
	}
	return status == EMR_OK ? emr_answer_wallet(&w->acting.session, &request,
					  &(emr_sink){emr_client_add, &w->last}, out_problem)
				: status;
}

static void words_for(const char *why, const char *who, char *out, size_t size)
{
	if (strcmp(why, "made") == 0)
		snprintf(out, size, "%s", _("made for you by the organisations"));
	else if (strcmp(why, "received") == 0)
		snprintf(out, size, _("from %s"), who);
	else if (strcmp(why, "sent") == 0)
		snprintf(out, size, _("to %s"), who);
	else if (strcmp(why, "joined") == 0)
		snprintf(out, size, "%s", _("for joining a research dataset"));
	else if (strcmp(why, "funded") == 0)
		snprintf(out, size, "%s", _("put by for a research dataset"));
	else
		snprintf(out, size, "%s", _("back from a research dataset"));
}

static void say_entry(const wallet *w, const json_t *entry)
{
	json_int_t amount = json_integer_value(json_object_get(entry, "amount"));
	char when[EMR_TEXT_BYTES], points[EMR_TEXT_BYTES], why[700] = "";

	emr_moment_text(emr_json_text_at(entry, "at"), when);
	emr_number_text((uint64_t)(amount < 0 ? -amount : amount), points);
	words_for(emr_json_text_at(entry, "why"), emr_json_text_at(entry, "who"), why, sizeof why);
	emr_say(w->out, "%-20s %c%-12s %s%s%s\n", when, amount < 0 ? '-' : '+', points, why,
		w->args->given[EMR_OPT_DETAILS] ? "   " : "",
		w->args->given[EMR_OPT_DETAILS] ? emr_json_text_at(entry, "tx") : "");
}

static void say_thresholds(const wallet *w, uint64_t credit)
{
	json_t *list = json_array();
	char number[EMR_TEXT_BYTES] = "";

	for (size_t i = 0; i < THRESHOLDS; i++) {
		json_array_append_new(
			list, json_pack("{s:I, s:b}", "credit", (json_int_t)thresholds[i],
				      "reached", credit >= thresholds[i]));
		if (credit >= thresholds[i])
			emr_number_text(thresholds[i], number);
	}
	emr_out_put(w->out, "thresholds", list);
	if (number[0] != '\0')
		emr_say(w->out,
			_("Your credit has reached %s. What that is worth is for the organisations "
			  "to say.\n"),
			number);
}

static void explain(const wallet *w)
{
	const json_t *counted = json_object_get(w->last, "counted");
	json_t *ranking = emr_json_list_at(w->last, "ranking");
	char shared[EMR_TEXT_BYTES], released[EMR_TEXT_BYTES], left[EMR_TEXT_BYTES];

	emr_number_text(emr_json_number_at(counted, "patient"), shared);
	emr_number_text(emr_json_number_at(counted, "agent"), released);
	emr_number_text(emr_json_number_at(counted, "hospital"), left);
	emr_say(w->out,
		_("\nYour credit: %s for people of other organisations whom you let read, and for "
		  "datasets that you joined;\n%s for records whose key you helped to release; %s "
		  "for records that you left with others.\n"),
		shared, released, left);
	emr_say(w->out,
		_("Credit is counted from the ledger, and anybody who counts gets the same. It "
		  "cannot be sent or spent.\nWhat an organisation gives for it is for the "
		  "organisation to say; emrfs itself treats nobody better.\n"));
	for (size_t i = 0; i < json_array_size(ranking); i++) {
		const json_t *row = json_array_get(ranking, i);

		emr_say(w->out, "%3zu.  %-40s %lld\n", i + 1, emr_json_text_at(row, "who"),
			(long long)(json_integer_value(json_object_get(row, "agent")) +
				    json_integer_value(json_object_get(row, "hospital"))));
	}
	emr_out_put(w->out, "counted", json_deep_copy(counted));
	emr_out_put(w->out, "ranking", json_incref(ranking));
}

static emr_status show(wallet *w, emr_problem *out_problem)
{
	char points[EMR_TEXT_BYTES], credit[EMR_TEXT_BYTES];
	json_t *entries;

	EMR_TRY(look(w, out_problem));
	entries = emr_json_list_at(w->last, "entries");
	emr_number_text(emr_json_number_at(w->last, "points"), points);
	emr_number_text(emr_json_number_at(w->last, "credit"), credit);
	emr_say(w->out, _("Points: %s.  Credit: %s.\n"), points, credit);
	emr_out_number(w->out, "points", emr_json_number_at(w->last, "points"));
	emr_out_number(w->out, "credit", emr_json_number_at(w->last, "credit"));
	for (size_t i = 0; i < json_array_size(entries); i++)
		say_entry(w, json_array_get(entries, i));
	emr_out_put(w->out, "entries", json_incref(entries));
	say_thresholds(w, emr_json_number_at(w->last, "credit"));
	emr_out_text(w->out, "account", emr_json_text_at(w->last, "account"));
	if (w->args->given[EMR_OPT_EXPLAIN])
		explain(w);
	return EMR_OK;
}

/* ---- sending ---- */

/* Sends it, and waits until the local copy has it. */
static emr_status pay(wallet *w, emr_id32 to, uint64_t points, emr_problem *out_problem)
{
	EMR_AUTO_FREE emr_ledger_answer *answer = malloc(sizeof *answer);
	emr_act act = emr_act_transfer(w->account, to, points);
	uint8_t code;

	EMR_TRY(emr_replica_follow(w->acting.session.replica, w->account, &act));
	EMR_TRY(answer == NULL
			? EMR_NO_MEMORY
			: emr_act_send_as(w->acting.session.keyring, emr_signer_identity(),
				  w->acting.session.ledger, &act, (emr_bytes){0}, NULL, answer));
	code = answer->refusal != 0 ? answer->refusal : answer->results[0];
	if (code != EMR_RESULT_APPLIED)
		return EMR_PROBLEM(EMR_REFUSED, out_problem, EMR_SAY_LEDGER_REFUSED, "cause",
			emr_result_text(code), NULL);
	return emr_follow_answer(w->acting.session.replica, (emr_bytes){0}, answer);
}

static emr_status send(wallet *w, emr_problem *out_problem)
{
	char left[EMR_TEXT_BYTES], who[EMR_WHO_TEXT_BYTES], number[EMR_TEXT_BYTES], question[1200];
	uint64_t points = 0;
	emr_who to;

	if (emr_points_parse(w->args->operands[2], &points) != EMR_OK)
		return emr_wrong_use(
			"wallet", _("Points are a whole number from 1 on."), out_problem);
	/* A payment is signed, which the open folder does for nobody. */
	EMR_TRY(open_here(w, out_problem));
	EMR_TRY(emr_crowd_open(&w->acting.session, &w->crowd));
	EMR_TRY(emr_account(&w->acting.session, &w->account));
	EMR_TRY(emr_replica_points(w->acting.session.replica, w->account, &w->points));
	EMR_TRY(emr_who_find_or_say(&w->crowd, w->args->operands[1], &to, out_problem));
	if (to.kind != EMR_WHO_PERSON || !to.is_registered || emr_id32_equal(to.root, w->account))
		return emr_wrong_use("wallet",
			_("Points go to another person whom the ledger knows."), out_problem);
	if (w->points < points) {
		char takes[EMR_TEXT_BYTES], has[EMR_TEXT_BYTES];

		emr_number_text(points, takes);
		emr_number_text(w->points, has);
		return EMR_PROBLEM(EMR_DENIED, out_problem, EMR_SAY_TOO_FEW_POINTS, "n", takes, "m",
			has, NULL);
	}
	emr_who_text(&to, who, sizeof who);
	emr_number_text(points, number);
	snprintf(question, sizeof question,
		_("Send %s points to %s? They cannot be called back (yes, no)."), number, who);
	EMR_TRY(emr_bureau_agree(w->args, w->out, question, _("Nothing was sent."), out_problem));
	EMR_TRY(pay(w, to.root, points, out_problem));
	emr_out_number(w->out, "sent", points);
	emr_out_text(w->out, "who", to.called);
	emr_out_number(w->out, "points", w->points - points);
	emr_number_text(w->points - points, left);
	emr_say(w->out, _("Sent.  Points left: %s.\n"), left);
	return EMR_OK;
}

/* ---- the verb ---- */

emr_status emr_cmd_wallet(const emr_args *args, emr_out *out, emr_problem *out_problem)
{
	bool is_sending = args->n_operands == 3 && strcmp(args->operands[0], "send") == 0;
	__attribute__((cleanup(wallet_end)))
	wallet w = {.args = args, .out = out, .acting = EMR_ACTING_NONE};
	emr_status status;

	if (!is_sending && args->n_operands > 0)
		return emr_wrong_use(
			"wallet", _("wallet takes nothing, or send WHO POINTS."), out_problem);
	if (is_sending && args->given[EMR_OPT_EXPLAIN])
		return emr_wrong_use("wallet", _("wallet send takes no --explain."), out_problem);
	status = is_sending ? send(&w, out_problem) : show(&w, out_problem);
	if (status != EMR_OK && !out_problem->is_set)
		emr_problem_set_status(out_problem, status, _("The wallet"));
	return status;
}
