/* This file is `emrfs wallet`: the points and the credit of the person, as the own copy of the
 * ledger has them, and sending points to somebody. It keeps no sum of its own: everything is
 * counted anew from the ledger. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/codec.h"
#include "contract/codes.h"
#include "contract/pubs_share.h"
#include "contract/rows.h"
#include "kit/language.h"
#include "kit/text.h"
#include "ledger/act_send.h"
#include "org/bureau.h"
#include "people/who.h"
#include "replica/follower.h"
#include "replica/people.h"
#include "replica/points.h"
#include "session/acting.h"
#include "session/session.h"
#include "verbs/cmd.h"

#define HANDOVERS_MAX 64 /* keys of one domain in a row; more is no domain of ours */

/* From how much credit on a sentence says so. */
static const uint64_t thresholds[] = {10, 100, 1000};
#define THRESHOLDS (sizeof thresholds / sizeof *thresholds)

/* One of the keys under which the person's points lie. */
typedef struct own_account {
	emr_id32 id;
	emr_signer signer;
} own_account;

typedef struct wallet {
	const emr_args *args;
	emr_out *out;
	emr_acting acting;
	emr_session session; /* borrows from acting */
	emr_crowd crowd;
	emr_buf accounts; /* own_account */
	emr_buf ids;	  /* emr_id32, the same */
	uint64_t points;
	emr_credit own; /* of all own accounts together */
	json_t *entries, *ranking;
} wallet;

static void wallet_end(wallet *w)
{
	emr_crowd_close(&w->crowd);
	emr_acting_end(&w->acting);
	emr_buf_free(&w->accounts);
	emr_buf_free(&w->ids);
	json_decref(w->entries);
	json_decref(w->ranking);
}

/* ---- whose keys ---- */

static size_t count_of(const wallet *w)
{
	return w->ids.len / sizeof(emr_id32);
}

static const emr_id32 *ids_of(const wallet *w)
{
	return (const emr_id32 *)(const void *)w->ids.data;
}

static bool is_own(const wallet *w, emr_id32 id)
{
	for (size_t i = 0; i < count_of(w); i++)
		if (emr_id32_equal(ids_of(w)[i], id))
			return true;
	return false;
}

static emr_status add_account(wallet *w, emr_id32 id, emr_signer signer)
{
	own_account one = {.id = id, .signer = signer};
	emr_status status = EMR_OK;

	if (is_own(w, id))
		return EMR_OK;
	status = emr_buf_append(&w->accounts, &one, sizeof one);
	return status == EMR_OK ? emr_buf_append(&w->ids, &id, sizeof id) : status;
}

/* Every key that the domain has had, up to the present one: points stay where they were paid. */
static emr_status add_domain(void *arg, emr_id16 domain, bool is_mine, emr_bytes row)
{
	wallet *w = arg;
	emr_domain_public public;
	emr_row_domain known;
	emr_status status = EMR_OK;

	if (!is_mine)
		return EMR_OK;
	if (emr_row_domain_parse((emr_span){row.data, row.len}, &known) != EMR_CONTRACT_OK)
		return EMR_DAMAGED;
	for (uint32_t gen = 1; status == EMR_OK && gen <= HANDOVERS_MAX; gen++) {
		status = emr_keyring_domain_public(w->acting.keyring, domain, gen, 1, &public);
		if (status == EMR_OK)
			status = add_account(w, public.signer_id, emr_signer_domain(domain, gen));
		if (status == EMR_OK && memcmp(public.owner_pk, known.owner_pk, 32) == 0)
			break;
	}
	return status;
}

static emr_status find_accounts(wallet *w)
{
	emr_known_person me;
	emr_public public;
	emr_id32 root;
	emr_status status = emr_keyring_public(w->acting.keyring, &public);

	if (status != EMR_OK)
		return status;
	root = public.signer_id;
	status = emr_replica_person(w->acting.replica, root, &me);
	if (status == EMR_OK)
		memcpy(root.b, me.row.root, sizeof root.b);
	if (status == EMR_OK || status == EMR_NOT_FOUND)
		status = add_account(w, root, emr_signer_identity());
	return status == EMR_OK ? emr_replica_domains(w->acting.replica, add_domain, w) : status;
}

/* ---- points ---- */

static emr_status add_points(void *arg, emr_id16 token, uint64_t points)
{
	uint64_t *sum = arg;

	(void)token;
	if (points > UINT64_MAX - *sum)
		return EMR_LIMIT;
	*sum += points;
	return EMR_OK;
}

static emr_status count_points(wallet *w)
{
	emr_status status = EMR_OK;

	w->points = 0;
	for (size_t i = 0; status == EMR_OK && i < count_of(w); i++)
		status =
			emr_replica_tokens(w->acting.replica, ids_of(w)[i], add_points, &w->points);
	return status;
}

static const char *why_of(emr_movement_kind kind)
{
	switch (kind) {
	case EMR_MOVEMENT_MADE:
		return "made";
	case EMR_MOVEMENT_RECEIVED:
		return "received";
	case EMR_MOVEMENT_SENT:
		return "sent";
	case EMR_MOVEMENT_JOINED:
		return "joined";
	case EMR_MOVEMENT_FUNDED:
		return "funded";
	case EMR_MOVEMENT_REFUNDED:
		return "refunded";
	}
	return "";
}

static void words_for(emr_movement_kind kind, const char *who, char *out, size_t size)
{
	switch (kind) {
	case EMR_MOVEMENT_MADE:
		snprintf(out, size, "%s", _("made for you by the organisations"));
		break;
	case EMR_MOVEMENT_RECEIVED:
		snprintf(out, size, _("from %s"), who);
		break;
	case EMR_MOVEMENT_SENT:
		snprintf(out, size, _("to %s"), who);
		break;
	case EMR_MOVEMENT_JOINED:
		snprintf(out, size, "%s", _("for joining a research dataset"));
		break;
	case EMR_MOVEMENT_FUNDED:
		snprintf(out, size, "%s", _("put by for a research dataset"));
		break;
	case EMR_MOVEMENT_REFUNDED:
		snprintf(out, size, "%s", _("back from a research dataset"));
		break;
	}
}

static emr_status name_of(wallet *w, emr_id32 account, char *out, size_t size)
{
	emr_who who;
	emr_status status = emr_who_of(&w->crowd, account, &who);

	if (status == EMR_OK)
		emr_who_text(&who, out, size);
	return status;
}

static emr_status note_movement(void *arg, const emr_movement *m)
{
	wallet *w = arg;
	char at[EMR_TEXT_BYTES], when[EMR_TEXT_BYTES], points[EMR_TEXT_BYTES], tx[65],
		who[600] = "";
	bool has_other = m->kind == EMR_MOVEMENT_RECEIVED || m->kind == EMR_MOVEMENT_SENT;
	bool has_dataset = !has_other && m->kind != EMR_MOVEMENT_MADE;
	char dataset[33] = "", why[700] = "";
	json_t *entry;

	if (m->points > INT64_MAX)
		return EMR_LIMIT;
	if (has_other && name_of(w, m->other, who, sizeof who) != EMR_OK)
		return EMR_IO;
	if (has_dataset)
		emr_hex(m->dataset.b, sizeof m->dataset.b, dataset);
	emr_hex(m->batch_id.b, sizeof m->batch_id.b, tx);
	emr_time_json((int64_t)m->at_unix_s, at);
	emr_time_text((int64_t)m->at_unix_s, when);
	emr_number_text(m->points, points);
	words_for(m->kind, who, why, sizeof why);
	emr_say(w->out, "%-20s %c%-12s %-50s %.16s\n", when, m->is_out ? '-' : '+', points, why,
		tx);
	entry = json_pack("{s:s, s:I, s:s, s:s, s:o, s:o}", "at", at, "amount",
		m->is_out ? -(json_int_t)m->points : (json_int_t)m->points, "why", why_of(m->kind),
		"tx", tx, "who", has_other ? emr_json_text(who) : json_null(), "dataset",
		has_dataset ? json_string(dataset) : json_null());
	return json_array_append_new(w->entries, entry) == 0 ? EMR_OK : EMR_NO_MEMORY;
}

/* ---- credit ---- */

static emr_status note_credit(void *arg, const emr_credit *credit)
{
	wallet *w = arg;
	char who[600];

	if (is_own(w, credit->account)) {
		w->own.patient += credit->patient;
		w->own.agent += credit->agent;
		w->own.hospital += credit->hospital;
	}
	/* Who has only what his folders brought him is nobody whom the ledger could name. */
	if (credit->agent + credit->hospital == 0)
		return EMR_OK;
	if (name_of(w, credit->account, who, sizeof who) != EMR_OK)
		return EMR_IO;
	return json_array_append_new(w->ranking,
		       json_pack("{s:o, s:I, s:I, s:I}", "who", emr_json_text(who), "patient",
			       (json_int_t)credit->patient, "agent", (json_int_t)credit->agent,
			       "hospital", (json_int_t)credit->hospital)) == 0
		       ? EMR_OK
		       : EMR_NO_MEMORY;
}

static json_int_t credit_in(const json_t *row)
{
	return json_integer_value(json_object_get(row, "agent")) +
	       json_integer_value(json_object_get(row, "hospital"));
}

static int by_credit(const void *a, const void *b)
{
	const json_t *x = *(json_t *const *)a, *y = *(json_t *const *)b;
	json_int_t more = credit_in(x), less = credit_in(y);

	if (more != less)
		return more > less ? -1 : 1;
	return strcmp(json_string_value(json_object_get(x, "who")),
		json_string_value(json_object_get(y, "who")));
}

/* Most first; those who have the same by name, so that everybody gets the same list. */
static emr_status rank(wallet *w)
{
	size_t n = json_array_size(w->ranking);
	json_t *sorted = json_array();
	json_t **rows = calloc(n + 1, sizeof *rows);
	emr_status status = sorted != NULL && rows != NULL ? EMR_OK : EMR_NO_MEMORY;

	for (size_t i = 0; status == EMR_OK && i < n; i++)
		rows[i] = json_array_get(w->ranking, i);
	if (status == EMR_OK && n > 1)
		qsort(rows, n, sizeof *rows, by_credit);
	for (size_t i = 0; status == EMR_OK && i < n; i++)
		if (json_array_append(sorted, rows[i]) != 0)
			status = EMR_NO_MEMORY;
	free(rows);
	if (status != EMR_OK) {
		json_decref(sorted);
		return status;
	}
	json_decref(w->ranking);
	w->ranking = sorted;
	return EMR_OK;
}

static uint64_t own_credit(const wallet *w)
{
	return w->own.patient + w->own.agent + w->own.hospital;
}

static void say_thresholds(const wallet *w)
{
	uint64_t credit = own_credit(w), next = 0;
	json_t *list = json_array();
	char number[EMR_TEXT_BYTES], has[EMR_TEXT_BYTES];

	for (size_t i = 0; i < THRESHOLDS; i++) {
		json_array_append_new(
			list, json_pack("{s:I, s:b}", "credit", (json_int_t)thresholds[i],
				      "reached", credit >= thresholds[i]));
		emr_number_text(thresholds[i], number);
		emr_number_text(credit, has);
		if (credit >= thresholds[i])
			emr_say(w->out, _("Your credit has reached %s.\n"), number);
		else if (next == 0)
			next = thresholds[i];
	}
	emr_out_put(w->out, "thresholds", list);
	if (next > 0) {
		emr_number_text(next - credit, number);
		emr_number_text(next, has);
		emr_say(w->out, _("%s more, and it reaches %s.\n"), number, has);
	}
}

static void explain(wallet *w)
{
	char shared[EMR_TEXT_BYTES], released[EMR_TEXT_BYTES], left[EMR_TEXT_BYTES];

	emr_number_text(w->own.patient, shared);
	emr_number_text(w->own.agent, released);
	emr_number_text(w->own.hospital, left);
	emr_say(w->out,
		_("\nYour credit: %s for people of other organisations whom you let read, and for "
		  "datasets that you joined;\n%s for records whose key you helped to release; %s "
		  "for records that you left with others.\n"),
		shared, released, left);
	emr_say(w->out,
		_("Credit is counted from the ledger, and anybody who counts gets the same. It "
		  "cannot be sent or spent.\nWhat an organisation gives for it is for the "
		  "organisation to say; emrfs itself treats nobody better.\n"));
	for (size_t i = 0; i < json_array_size(w->ranking); i++) {
		const json_t *row = json_array_get(w->ranking, i);

		emr_say(w->out, "%3zu.  %-40s %lld\n", i + 1,
			json_string_value(json_object_get(row, "who")), (long long)credit_in(row));
	}
	emr_out_put(w->out, "counted",
		json_pack("{s:I, s:I, s:I}", "patient", (json_int_t)w->own.patient, "agent",
			(json_int_t)w->own.agent, "hospital", (json_int_t)w->own.hospital));
	emr_out_put(w->out, "ranking", json_incref(w->ranking));
}

/* Whoever counts for himself needs to know which ones are his. */
static emr_status put_accounts(const wallet *w)
{
	json_t *list = json_array();
	char hex[65];

	for (size_t i = 0; i < count_of(w); i++) {
		emr_hex(ids_of(w)[i].b, sizeof ids_of(w)[i].b, hex);
		if (json_array_append_new(list, json_string(hex)) != 0) {
			json_decref(list);
			return EMR_NO_MEMORY;
		}
	}
	emr_out_put(w->out, "accounts", list);
	return EMR_OK;
}

static emr_status show(wallet *w)
{
	emr_status status = count_points(w);
	char points[EMR_TEXT_BYTES], credit[EMR_TEXT_BYTES];

	if (status == EMR_OK)
		status = emr_replica_credits(w->acting.replica, note_credit, w);
	if (status == EMR_OK)
		status = rank(w);
	if (status != EMR_OK)
		return status;
	emr_number_text(w->points, points);
	emr_number_text(own_credit(w), credit);
	emr_say(w->out, _("Points: %s.  Credit: %s.\n"), points, credit);
	emr_out_number(w->out, "points", w->points);
	emr_out_number(w->out, "credit", own_credit(w));
	status = emr_replica_movements(w->acting.replica, ids_of(w), count_of(w), note_movement, w);
	if (status != EMR_OK)
		return status;
	emr_out_put(w->out, "entries", json_incref(w->entries));
	say_thresholds(w);
	status = put_accounts(w);
	if (status != EMR_OK)
		return status;
	if (w->args->given[EMR_OPT_EXPLAIN])
		explain(w);
	return EMR_OK;
}

/* ---- sending ---- */

/* Sends it, and waits until the own copy has it. */
static emr_status send_transfer(
	wallet *w, emr_signer who, const emr_pub_transfer *what, emr_problem *out_problem)
{
	EMR_AUTO_FREE emr_ledger_answer *answer = malloc(sizeof *answer);
	emr_act act = emr_act_transfer(what);
	emr_status status = answer == NULL
				    ? EMR_NO_MEMORY
				    : emr_act_send_as(w->acting.keyring, who, w->acting.ledger,
					      &act, (emr_bytes){0}, NULL, answer);
	uint8_t code;

	if (status != EMR_OK)
		return status;
	code = answer->refusal != 0 ? answer->refusal : answer->results[0];
	if (code != EMR_RESULT_APPLIED) {
		emr_problem_set(
			out_problem, EMR_SAY_LEDGER_REFUSED, "cause", emr_result_text(code), NULL);
		return EMR_REFUSED;
	}
	return emr_follow_answer(w->acting.replica, answer);
}

/* Pays as much of REST as four tokens of one account hold. */
static emr_status pay_some(wallet *w, const own_account *from, emr_id32 to, uint64_t *io_rest,
	emr_problem *out_problem)
{
	emr_purse p;
	emr_pub_transfer pub = {.out = {{.amount = 0}}};
	uint64_t sum = 0;
	emr_status status = emr_replica_purse(w->acting.replica, from->id, &p);

	for (size_t i = 0; status == EMR_OK && i < p.n && sum < *io_rest; i++) {
		memcpy(pub.tokens[i], p.tokens[i], 16);
		status = add_points(&sum, (emr_id16){{0}}, p.points[i]);
	}
	if (status != EMR_OK || sum == 0)
		return status == EMR_OK ? EMR_NOT_FOUND : status;
	pub.out[0].amount = sum < *io_rest ? sum : *io_rest;
	memcpy(pub.out[0].account, to.b, 32);
	pub.out[1].amount = sum - pub.out[0].amount;
	if (pub.out[1].amount > 0)
		memcpy(pub.out[1].account, from->id.b, 32);
	status = send_transfer(w, from->signer, &pub, out_problem);
	if (status == EMR_OK)
		*io_rest -= pub.out[0].amount;
	return status;
}

/* From one's own key first, and only then from those of folders, which say more. */
static emr_status pay(wallet *w, emr_id32 to, uint64_t points, emr_problem *out_problem)
{
	const own_account *all = (const own_account *)(const void *)w->accounts.data;
	size_t n = w->accounts.len / sizeof *all;
	uint64_t rest = points;
	char number[EMR_TEXT_BYTES];
	emr_status status = EMR_OK;

	for (size_t i = 0; i < n && rest > 0 && status == EMR_OK;) {
		status = pay_some(w, &all[i], to, &rest, out_problem);
		if (status == EMR_NOT_FOUND) {
			status = EMR_OK;
			i++;
		}
	}
	emr_out_number(w->out, "sent", points - rest);
	if (status == EMR_OK && rest > 0)
		status = EMR_CONFLICT; /* another program of ours spent them meanwhile */
	emr_number_text(points - rest, number);
	if (status != EMR_OK && rest < points)
		emr_say(w->out, _("%s of them have gone.\n"), number);
	return status;
}

static emr_status ask_payment(
	const wallet *w, const emr_who *to, uint64_t points, emr_problem *out_problem)
{
	char who[600], number[EMR_TEXT_BYTES], question[1200];
	uint64_t own = 0;
	emr_status status = emr_replica_tokens(w->acting.replica, ids_of(w)[0], add_points, &own);

	if (status != EMR_OK)
		return status;
	emr_who_text(to, who, sizeof who);
	emr_number_text(points, number);
	snprintf(question, sizeof question,
		own >= points ? _("Send %s points to %s? They cannot be called back (yes, no).")
			      : _("Send %s points to %s? They cannot be called back, and some of "
				  "them lie under "
				  "keys of your folders: whoever reads the ledger sees that these "
				  "folders' "
				  "owner knows who gets them (yes, no)."),
		number, who);
	return emr_bureau_agree(w->args, w->out, question, _("Nothing was sent."), out_problem);
}

static emr_status send(wallet *w, emr_problem *out_problem)
{
	char left[EMR_TEXT_BYTES];
	uint64_t points = 0;
	emr_who to;
	emr_status status;

	if (emr_points_parse(w->args->operands[2], &points) != EMR_OK)
		return emr_wrong_use(
			"wallet", _("Points are a whole number from 1 on."), out_problem);
	status = emr_who_find_or_say(&w->crowd, w->args->operands[1], &to, out_problem);
	if (status == EMR_OK && (to.kind != EMR_WHO_PERSON || !to.is_registered))
		return emr_wrong_use(
			"wallet", _("Points are for a person whom the ledger knows."), out_problem);
	if (status == EMR_OK)
		status = count_points(w);
	if (status == EMR_OK && w->points < points) {
		char takes[EMR_TEXT_BYTES], has[EMR_TEXT_BYTES];

		emr_number_text(points, takes);
		emr_number_text(w->points, has);
		emr_problem_set(out_problem, EMR_SAY_TOO_FEW_POINTS, "n", takes, "m", has, NULL);
		return EMR_DENIED;
	}
	if (status == EMR_OK)
		status = ask_payment(w, &to, points, out_problem);
	if (status == EMR_OK)
		status = pay(w, to.root, points, out_problem);
	if (status != EMR_OK)
		return status;
	emr_out_text(w->out, "who", to.called);
	emr_out_number(w->out, "points", w->points - points);
	emr_number_text(w->points - points, left);
	emr_say(w->out, _("Sent.  Points left: %s.\n"), left);
	return EMR_OK;
}

/* ---- the verb ---- */

static emr_status open_wallet(wallet *w, emr_problem *out_problem)
{
	emr_status status = emr_acting_keys(&w->acting, w->args, out_problem);

	if (status == EMR_OK)
		status = emr_acting_open(&w->acting, out_problem);
	if (status != EMR_OK)
		return status;
	w->session.keyring = w->acting.keyring;
	w->session.state_fd = w->acting.state_fd;
	w->session.ledger = w->acting.ledger;
	w->session.replica = w->acting.replica;
	status = emr_crowd_open(&w->session, &w->crowd);
	return status == EMR_OK ? find_accounts(w) : status;
}

int emr_cmd_wallet(const emr_args *args, emr_out *out)
{
	bool is_sending = args->n_operands == 3 && strcmp(args->operands[0], "send") == 0;
	wallet w = {.args = args,
		.out = out,
		.acting = EMR_ACTING_NONE,
		.session = EMR_SESSION_CLOSED,
		.entries = json_array(),
		.ranking = json_array()};
	emr_problem problem = {0};
	emr_status status =
		is_sending || args->n_operands == 0
			? EMR_OK
			: emr_wrong_use("wallet", _("wallet takes nothing, or send WHO POINTS."),
				  &problem);

	if (status == EMR_OK && is_sending && args->given[EMR_OPT_EXPLAIN])
		status = emr_wrong_use("wallet", _("wallet send takes no --explain."), &problem);
	if (status == EMR_OK)
		status = open_wallet(&w, &problem);
	if (status == EMR_OK)
		status = is_sending ? send(&w, &problem) : show(&w);
	if (status != EMR_OK && !problem.is_set)
		emr_problem_set_status(&problem, status, _("The wallet"));
	wallet_end(&w);
	return status == EMR_OK ? EMR_EXIT_DONE : emr_out_fail(out, &problem);
}
