/* The open folder answers `emrfs share` and `emrfs approve` here: the list of what is shared, what
 * a new share would be, and the share itself. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "keyring/invite.h"
#include "kit/language.h"
#include "kit/out.h"
#include "kit/purposes.h"
#include "kit/text.h"
#include "session/absence.h"
#include "session/registered.h"
#include "share/write.h"
#include "sharing/answers.h"
#include "sharing/received.h"
#include "sharing/requests.h"
#include "sharing/shares.h"
#include "sharing/shown.h"
#include "view/walk.h"

#include "sharing_private.h"

typedef struct asking {
	emr_session *session;
	const emr_request *request;
	const emr_sink *sink;
	emr_problem *problem;
	emr_crowd crowd;
	const emr_share_row *asked; /* the request that this says yes to; NULL: none */
} asking;

/* ---- the list ---- */

static emr_status answer_list(asking *a)
{
	EMR_AUTO_SHARES rows = {0};
	json_auto_t *given = json_array();
	json_auto_t *received = NULL, *silent = NULL;

	EMR_TRY(emr_shares_collect(a->session, &a->crowd, NULL,
		EMR_SHARES_OPENED | (a->request->over ? EMR_SHARES_PAST : 0), &rows));
	for (size_t i = 0; i < rows.n; i++) {
		json_t *one = emr_share_json(&a->crowd, &rows.list[i]);

		if (json_array_append_new(given, one) != 0 ||
			(a->request->over && !emr_share_json_ids(a->session, &rows.list[i], one)))
			return EMR_NO_MEMORY;
	}
	EMR_TRY(emr_shared_with_me_json(a->session, &received));
	EMR_TRY(emr_emit_list("grants", given, a->sink));
	EMR_TRY(emr_emit_list("shared_with_me", received, a->sink));
	silent = emr_agents_silent_json(a->session);
	EMR_TRY(emr_emit_list("agents_silent", silent, a->sink));
	return emr_emit(a->sink, json_pack("{s:b, s:o}", "done", 1, "owner",
					 emr_json_text(a->session->profile.name)));
}

/* ---- what it would be ---- */

#define LOCAL_MAX 5 /* named; all are counted */

typedef struct counted {
	uint64_t files, bytes, records;
} counted;

static emr_status say_terms(const asking *a, emr_status status, const emr_who *who)
{
	char text[EMR_WHO_TEXT_BYTES];

	emr_who_text(who, text, sizeof text);
	if (status == EMR_INVALID && emr_id32_equal(who->id, a->session->identity.signer_id))
		emr_problem_set(a->problem, EMR_SAY_WRONG_USE, "what",
			_("Your own records are yours: nothing is shared with yourself."), "verb",
			"share", NULL);
	else if (status == EMR_INVALID)
		emr_problem_set(a->problem, EMR_SAY_WRONG_USE, "what",
			_("The end of a share lies ahead."), "verb", "share", NULL);
	else if (status == EMR_DENIED || status == EMR_NOT_FOUND)
		emr_problem_set(a->problem, EMR_SAY_NOT_A_MEMBER, "who", text, NULL);
	else if (status == EMR_EXISTS)
		emr_problem_set(a->problem, EMR_SAY_MAY_WRITE_ALREADY, "who", text, "path",
			a->request->path, NULL);
	else if (emr_status_is_unanswered(status) &&
		 emr_absence_say_refusal(a->session, a->session->ledger, a->problem))
		return status;
	else if (emr_status_is_unanswered(status))
		emr_problem_set(a->problem, EMR_SAY_LEDGER_NO_ANSWER, NULL);
	else if (status != EMR_READ_ONLY) /* said by the caller */
		emr_problem_set_status(a->problem, status, a->request->path);
	return status;
}

/* *OUT_MOVES: it becomes a domain of its own first.  *OUT_IS_KNOWN: false while the folder is on no
 * ledger, and that cannot be changed now. */
static emr_status preview(const asking *a, const emr_order *order, emr_grant_made *out,
	bool *out_is_known, bool *out_moves)
{
	emr_grant_order terms = {.domain = order->domain,
		.grantee = order->grantee,
		.rights = emr_rights_of_reading(order->rights),
		.writes = emr_rights_of_writing(order->rights),
		.replaces = order->replaces,
		.purposes = order->purposes,
		.not_after_unix_s = order->until_unix_s,
		.hours = (unsigned)strtoul(order->reason, NULL, 10),
		.label = order->label};
	EMR_AUTO_SHARE share = NULL;
	emr_path_domain d;
	emr_status status = emr_view_publish_now(a->session->view);

	if (status != EMR_OK)
		emr_log(EMR_LOG_INFO, "before sharing: %s", emr_status_text(status));
	EMR_TRY(emr_view_domain_of(a->session->view, a->request->path, &d));
	*out_moves = !d.is_root;
	if (!d.is_root) { /* as the one around it; a new domain has no past that is hidden */
		terms.domain = d.domain;
		terms.replaces =
			true; /* what may be written in the one around it does not matter */
	}
	status = emr_sharing_handle(a->session, &share);
	if (status == EMR_OK)
		status = emr_share_preview(share, &terms, out);
	if (status == EMR_OK && d.is_root && terms.rights != 0)
		status = emr_share_count_past(share, terms.domain, &out->wrapped_again);
	/* The person is known; the folder is not, until the ledger is there. */
	*out_is_known = status != EMR_NOT_FOUND;
	return status == EMR_NOT_FOUND ? EMR_OK : status;
}

/* Lists the grants that end when ORDER stands: an array of what emr_share_json gives; empty where
 * it only adds. */
static emr_status find_replaced(asking *a, const emr_order *order, json_t *out)
{
	EMR_AUTO_SHARES rows = {0};

	EMR_TRY(order->replaces
			? emr_shares_collect(a->session, &a->crowd, &order->domain, 0, &rows)
			: EMR_OK);
	for (size_t i = 0; i < rows.n; i++) {
		if (rows.list[i].state == EMR_SHARE_CONFIRMED &&
			emr_rights_alike(rows.list[i].rights, order->rights) &&
			emr_id32_equal(rows.list[i].who.root, order->root) &&
			json_array_append_new(out, emr_share_json(&a->crowd, &rows.list[i])) != 0)
			return EMR_NO_MEMORY;
	}
	return EMR_OK;
}

/* *OUT_OWN, in OUT: whose agent is left out only because the owner is of it. */
static emr_status add_left_out(
	asking *a, const emr_left_out *left, json_t *out, const char **out_own)
{
	static const char *const words[] = {
		[EMR_LEFT_OUT_NOT] = "",
		[EMR_LEFT_OUT_YOURS] = N_("your own organisation"),
		[EMR_LEFT_OUT_THEIRS] = N_("somebody of its organisation would read"),
		[EMR_LEFT_OUT_ALSO_A_PERSON] = N_("its key is a person's, too, who could read"),
		[EMR_LEFT_OUT_OVER] = N_("its key is in force no more"),
		[EMR_LEFT_OUT_NO_LETTER] = N_("nothing can be sent to its key"),
		[EMR_LEFT_OUT_TWICE] = N_("another agent of its organisation does it"),
		[EMR_LEFT_OUT_ENOUGH] = N_("three others do it"),
	};
	emr_who who;
	emr_status status = emr_who_of(&a->crowd, left->agent, &who);
	const char *name = status != EMR_OK		 ? "?"
			   : who.organisation[0] != '\0' ? who.organisation
							 : who.called;
	json_t *one = json_pack(
		"{s:o, s:s}", "name", emr_json_text(name), "why", emr_text(words[left->why]));

	if (json_array_append_new(out, one) != 0)
		return EMR_NO_MEMORY;
	if (left->why == EMR_LEFT_OUT_YOURS)
		*out_own = json_string_value(json_object_get(one, "name"));
	return EMR_OK;
}

/* An owner who reads that nobody releases must see why the agents that were set up do not. */
static emr_status find_left_out(
	asking *a, const emr_order *order, json_t *out, const char **out_own)
{
	EMR_AUTO_BUF left_out = {0};
	EMR_AUTO_SHARE share = NULL;

	*out_own = "";
	EMR_TRY(emr_sharing_handle(a->session, &share));
	EMR_TRY(emr_share_agents_left_out(share, order->grantee, order->rights, &left_out));
	EMR_EACH (const emr_left_out, left, &left_out)
		EMR_TRY(add_left_out(a, left, out, out_own));
	return EMR_OK;
}

typedef struct looking {
	emr_grant_made made;
	counted c;
	json_t *replaced, *left_out, *local; /* owned */
	uint64_t local_files;
	const char *own; /* whose agent would do by the rule own; in left_out */
	bool is_known, moves, is_given;
} looking;

static void looking_end(looking *l)
{
	json_decref(l->replaced);
	json_decref(l->left_out);
	json_decref(l->local);
}

/* A file that a program keeps for itself: nobody gets it. */
static bool note_local(void *arg, const char *path, uint64_t size_bytes, bool is_local)
{
	looking *l = arg;

	if (!is_local)
		return true;
	l->c.files--;
	l->c.bytes -= size_bytes;
	return ++l->local_files > LOCAL_MAX ||
	       json_array_append_new(l->local, emr_json_text(path)) == 0;
}

/* PATH, a file, is a database whose newest changes lie beside it. */
static bool has_log(const asking *a)
{
	static const char *const endings[] = {"-wal", "-journal"};
	bool has = false;

	for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
		char path[EMR_ASK_PATH_MAX + 16];
		emr_attr attr;

		snprintf(path, sizeof path, "%s%s", a->request->path, endings[i]);
		has |= emr_view_find(a->session->view, path, &attr) == EMR_OK &&
		       attr.type == EMR_META_FILE && attr.size_bytes > 0;
	}
	return has;
}

static emr_status look_at_shares(asking *a, const emr_order *order, looking *l)
{
	EMR_WALK(walk, a->session->view, a->request->path);

	while (emr_walk_next(&walk)) {
		l->c.records++;
		l->c.files += walk.attr.type == EMR_META_FILE;
		l->c.bytes += walk.attr.type == EMR_META_FILE ? walk.attr.size_bytes : 0;
	}
	EMR_TRY(walk.status);
	EMR_TRY(emr_view_each_unsent(a->session->view, a->request->path, note_local, l));
	EMR_TRY(emr_sharing_is_given(a->session->sharing, order, &l->is_given));
	EMR_TRY(find_replaced(a, order, l->replaced));
	if (l->made.n < 2 && emr_rights_of_reading(order->rights) != 0 &&
		(order->rights & EMR_AWAY_NOBODY) == 0)
		EMR_TRY(find_left_out(a, order, l->left_out, &l->own));
	return EMR_OK;
}

/* WHOLE is what the yes names then: the beginning of an id that somebody typed may be another's
 * request by the time that the person has read what this one asks for. */
static int put_asked(json_t *answer, const asking *a, const emr_order *order)
{
	return a->asked == NULL
		       ? 0
		       : json_object_update_new(answer,
				 json_pack("{s:s, s:s, s:s, s:I, s:I}", "id", a->asked->id, "whole",
					 a->asked->whole, "rights", emr_rights_word(order->rights),
					 "purposes", (json_int_t)a->request->purposes, "until_unix",
					 (json_int_t)order->until_unix_s));
}

static emr_status answer_look(
	asking *a, const emr_order *order, const emr_who *who, const char *text, const char *shown)
{
	json_t *answer;
	__attribute__((cleanup(looking_end))) looking l = {.replaced = json_array(),
		.left_out = json_array(),
		.local = json_array(),
		.own = ""};
	char lets[EMR_REQUEST_REASON_MAX + 1] = ""; /* a guardian */
	emr_status status = preview(a, order, &l.made, &l.is_known, &l.moves);

	if (status != EMR_OK)
		return say_terms(a, status, who);
	EMR_TRY(look_at_shares(a, order, &l));
	if (emr_rights_are_guardians(order->rights))
		emr_who_rule_text(&a->crowd, order->reason, lets, sizeof lets);
	answer = json_pack("{s:b, s:s, s:o, s:o, s:s, s:b, s:b, s:I, s:I, s:I, s:I, s:o, s:i, s:b, "
			   "s:O, s:O, "
			   "s:s, s:s, s:s, s:O, s:I, s:b, s:o}",
		"done", 1, "shown", shown, "path", emr_json_text(a->request->path), "who",
		emr_json_text(who->called), "text", text, "compared", who->is_compared, "known",
		who->kind == EMR_WHO_PERSON, "files", (json_int_t)l.c.files, "bytes",
		(json_int_t)l.c.bytes, "wrapped", (json_int_t)l.made.wrapped_again, "moved",
		(json_int_t)(l.moves ? l.c.records : 0), "released_by",
		l.is_known ? emr_share_agents_json(&a->crowd, l.made.agents, l.made.n)
			   : json_null(),
		"needed", (int)l.made.t, "already", l.is_given, "replaced", l.replaced, "left_out",
		l.left_out, "away", emr_away_word(l.made.away), "rule",
		emr_away_word(emr_away_asked(order->rights)), "own_agent",
		l.made.n == 0 ? l.own : "", "local", l.local, "local_files",
		(json_int_t)l.local_files, "log_apart", has_log(a), "agents_silent",
		emr_agents_silent_json(a->session));
	if (answer != NULL &&
		(put_asked(answer, a, order) != 0 ||
			json_object_set_new(answer, "lets", emr_json_text(lets)) != 0 ||
			json_object_set_new(answer, "two",
				json_boolean((order->rights & EMR_GRANT_TWO) != 0)) != 0)) {
		json_decref(answer);
		return EMR_NO_MEMORY;
	}
	return emr_emit(a->sink, answer);
}

/* ---- sharing ---- */

/* The request's name is the code of a card, which two clinicians of WHO need; its limit are the
 * hours that it opens. */
static emr_status take_card(const asking *a, const emr_who *who, emr_order *order)
{
	emr_row_network network;

	if (a->request->join || a->asked != NULL || a->request->name[0] == '\0')
		return EMR_OK;
	if (who->kind == EMR_WHO_PERSON)
		return EMR_PROBLEM(
			EMR_DENIED, a->problem, EMR_SAY_EMERGENCY_PERSON, "who", who->called, NULL);
	EMR_TRY(emr_replica_network(a->session->replica, &network));
	if (network.contract < emr_op_since(EMR_OP_EMERGENCY))
		return EMR_PROBLEM(EMR_DENIED, a->problem, EMR_SAY_LATER_RULES, NULL);
	order->rights |= EMR_GRANT_TWO;
	snprintf(order->reason, sizeof order->reason, "%u", (unsigned)a->request->limit);
	return emr_emergency_code_read(a->request->name, &order->request);
}

/* WHO acts for this person, and has opened to others by the rule that the request says. */
static emr_status take_guardian(asking *a, const emr_who *who, emr_order *order)
{
	const char *at = a->request->reason;
	emr_row_network network;
	char name[EMR_ASK_WHO_MAX + 1], hex[65];
	bool is_person;
	emr_who reader;

	if (!emr_request_is_guardians(a->request))
		return EMR_OK;
	EMR_TRY(emr_replica_network(a->session->replica, &network));
	if (network.contract < emr_op_since(EMR_OP_EMERGENCY))
		return EMR_PROBLEM(EMR_DENIED, a->problem, EMR_SAY_LATER_RULES, NULL);
	if (who->kind != EMR_WHO_PERSON)
		return EMR_PROBLEM(
			EMR_DENIED, a->problem, EMR_SAY_GUARDIAN_PERSON, "who", who->called, NULL);
	snprintf(order->reason, sizeof order->reason, "%u", (unsigned)a->request->limit * 60);
	for (; *at != '\0'; at += *at == '\n') {
		const size_t len = strcspn(at, "\n"), used = strlen(order->reason);

		snprintf(name, sizeof name, "%.*s", (int)len, at);
		at += len;
		EMR_TRY(emr_who_find_or_say(&a->crowd, name, &reader, a->problem));
		if (reader.kind == EMR_WHO_TEAM)
			return EMR_PROBLEM(EMR_DENIED, a->problem, EMR_SAY_SHARE_WITH_PERSON, "who",
				reader.called, NULL);
		is_person = reader.kind == EMR_WHO_PERSON;
		emr_hex(is_person ? reader.root.b : reader.org.b, is_person ? 32 : 16, hex);
		if (used + 1 + strlen(hex) > EMR_GRANT_RULE_MAX)
			return EMR_LIMIT;
		snprintf(order->reason + used, sizeof order->reason - used, " %s", hex);
	}
	return EMR_OK;
}

static emr_status answer_give(asking *a)
{
	const emr_request *request = a->request;
	emr_order order = {.kind = EMR_ORDER_GRANT,
		.asked_unix_s = emr_clock_unix_s(emr_clock_system()),
		.purposes = request->deposit && !request->write ? 0 : request->purposes,
		.until_unix_s = request->until_unix_s,
		.replaces = a->asked == NULL}; /* a yes must not take away what its asker has */
	char text[EMR_WHO_TEXT_BYTES], shown[EMR_SHOWN_CHARS];
	uint64_t number = 0;
	emr_who who;
	emr_status status;

	EMR_TRY(emr_rights_by_rule(a->session, request, &order.rights));
	EMR_TRY(emr_sharing_place(a->session, request->path, emr_request_is_guardians(request),
		&order.domain, order.label, a->problem));
	EMR_TRY(emr_who_find_or_say(&a->crowd, request->who, &who, a->problem));
	if (a->asked != NULL) { /* the name must mean who asked, and nobody else */
		EMR_TRY(emr_id32_equal(who.id, a->asked->who.id) ? EMR_OK : EMR_CONFLICT);
		order.request = a->asked->order.request;
		snprintf(order.reason, sizeof order.reason, "%s", request->name);
	}
	EMR_TRY(request->join ? emr_sharing_may_join(a->session, request->path, &who, request->name,
					&order, a->problem)
			      : emr_sharing_may_have(&who, a->problem));
	EMR_TRY(emr_sharing_may_do(a->session, request->path, &who, order.rights, a->problem));
	EMR_TRY(take_card(a, &who, &order));
	EMR_TRY(take_guardian(a, &who, &order));
	if (emr_own_key_is_revoked(a->session, a->problem))
		return EMR_DENIED;
	if (a->session->sharing == NULL || a->session->read_only)
		return say_terms(a, EMR_READ_ONLY, &who);
	order.grantee = who.id;
	order.root = who.root;
	snprintf(order.who, sizeof order.who, "%s", who.called);
	emr_who_text(&who, text, sizeof text);
	emr_shown_share(&order, request->path, text, shown);
	if (request->look)
		return answer_look(a, &order, &who, text, shown);
	EMR_TRY(emr_shown_check(request, shown, a->problem));
	status = emr_view_make_domain(a->session->view, request->path, &order.domain);
	if (status == EMR_OK)
		status = emr_sharing_give(a->session->sharing, &order, &number);
	if (status == EMR_CONFLICT && a->asked != NULL)
		return status;
	if (status != EMR_OK)
		return say_terms(a, status, &who);
	return emr_emit(a->sink,
		json_pack("{s:b, s:I, s:b, s:b}", "done", 1, "order", (json_int_t)number, "already",
			number == 0, "reached", emr_sharing_reaches_ledger(a->session)));
}

static emr_status answer_yes(asking *a)
{
	EMR_AUTO_FREE emr_request *share = malloc(sizeof *share);
	EMR_AUTO_SHARES rows = {0};
	const emr_request *request = a->request;
	emr_status status = EMR_NO_MEMORY;

	if (share != NULL)
		status = emr_requests_as_share(
			a->session, request, share, &rows, &a->asked, a->problem);
	if (status == EMR_OK) {
		a->request = share;
		status = answer_give(a);
	}
	if (status != EMR_OK && !a->problem->is_set)
		emr_requests_say(a->session, status, request, a->problem);
	return status;
}

static emr_status answer_order(asking *a)
{
	int64_t deadline =
		emr_clock_boot_ns(emr_clock_system()) + (int64_t)a->request->timeout_ms * 1000000;
	char cause[200] = "";
	emr_order failed;
	emr_status status = a->session->sharing != NULL
				    ? emr_sharing_wait(a->session->sharing, a->request->order,
					      deadline, &failed)
				    : EMR_OK;

	if (status == EMR_REFUSED)
		emr_sharing_cause(&failed, cause, sizeof cause);
	return emr_emit(a->sink, json_pack("{s:b, s:s, s:s}", "done", 1, "state",
					 status == EMR_OK	 ? "confirmed"
					 : status == EMR_REFUSED ? "failed"
								 : "queued",
					 "cause", cause));
}

emr_status emr_answer_share(emr_session *session, const emr_request *request, const emr_sink *sink,
	emr_problem *out_problem)
{
	asking a = {.session = session, .request = request, .sink = sink, .problem = out_problem};
	emr_status status;

	if (request->order != 0)
		return answer_order(&a);
	status = emr_crowd_open(session, &a.crowd);
	if (status == EMR_OK)
		status = request->id[0] != '\0' ? answer_yes(&a)
			 : request->has_path	? answer_give(&a)
			 : request->away[0] != '\0'
				 ? emr_answer_rule(session, &a.crowd, request, sink)
				 : answer_list(&a);
	emr_crowd_close(&a.crowd);
	if (status == EMR_READ_ONLY && !out_problem->is_set)
		emr_problem_set(out_problem, EMR_SAY_READ_ONLY, "path", _("Your folder"), NULL);
	if (status != EMR_OK && !out_problem->is_set)
		emr_problem_set_status(out_problem, status, "share");
	return status;
}
