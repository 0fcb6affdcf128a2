/* This file is `emrfs agent`: it runs the service of an organisation that helps to release keys,
 * or tells with --status how it is doing. */
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "kit/json.h"
#include "kit/language.h"
#include "kit/text.h"
#include "mount/attendant.h"
#include "mount/client.h"
#include "mount/service.h"
#include "network/renewing.h"
#include "replica/restart.h"
#include "session/keys.h"
#include "session/registered.h"
#include "verbs/cmd.h"

typedef struct agent {
	const emr_args *args;
	emr_out *out;
	emr_places places;
	emr_session session;
	emr_attendant *attendant;
	emr_server *server;
	emr_cert_watch *cert_watch; /* NULL: nobody renews it */
	bool has_tried_renewing;
	int report_fd; /* to the waiting parent; -1 in the foreground */
} agent;

static void agent_end(agent *a)
{
	emr_cert_watch_stop(a->cert_watch);
	emr_cert_watch_free(a->cert_watch);
	emr_server_stop(a->server);
	emr_attendant_free(a->attendant);
	emr_session_close(&a->session);
	emr_places_free(&a->places);
}

/* ---- --status ---- */

static void say_report(emr_out *out, const json_t *report)
{
	const char *key = json_string_value(json_object_get(report, "key_made_at"));
	const char *witnessed = json_string_value(json_object_get(report, "witnessed_at"));
	const char *error = json_string_value(json_object_get(report, "error"));
	char ended[EMR_COUNT_BYTES];

	emr_count_text(emr_json_number_at(report, "destroyed"), "grant", "grants", ended);
	emr_say(out,
		"The agent runs (process %lld) since %s: %lld served, %lld refused, %s ended.\n",
		(long long)json_integer_value(json_object_get(report, "pid")),
		json_string_value(json_object_get(report, "started_at")),
		(long long)json_integer_value(json_object_get(report, "served")),
		(long long)json_integer_value(json_object_get(report, "refused")), ended);
	emr_say(out, "  Holds %lld fragments of %lld grants.  Left to others first: %zu.\n",
		(long long)json_integer_value(json_object_get(report, "fragments")),
		(long long)json_integer_value(json_object_get(report, "grants_held")),
		json_array_size(json_object_get(report, "questions")));
	emr_say(out, "  Receiving key of %s.  Head of the ledger signed: %s.\n",
		key != NULL ? key : "-", witnessed != NULL ? witnessed : _("not yet"));
	if (!emr_json_flag_at(report, "in_force"))
		emr_say(out,
			"  The ledger takes nothing from it: revoked, or its certificate ended.\n");
	if (error != NULL)
		emr_say(out, "  At the moment: %s\n", error);
}

static emr_status ask_report(
	const emr_places *places, json_t **out_report, emr_problem *out_problem)
{
	const emr_request request = {.ask = EMR_ASK_AGENT};
	EMR_AUTO_CLIENT client = EMR_CLIENT_CLOSED;
	emr_status status = emr_client_open(places, &client, out_problem);

	if (status == EMR_NOT_FOUND && out_problem->is_set &&
		out_problem->message == EMR_SAY_NOT_OPEN)
		emr_problem_set(out_problem, EMR_SAY_AGENT_STOPPED, NULL);
	return status == EMR_OK ? emr_client_ask(&client, &request, EMR_CLIENT_REPORT_MS,
					  out_report, out_problem)
				: status;
}

static int say_status(const emr_args *args, emr_out *out)
{
	EMR_AUTO_PLACES places = {0};
	emr_problem problem = {0};
	json_t *report = NULL, *value;
	const char *name;
	emr_status status = emr_places_find(args->values[EMR_OPT_AS], &places, &problem);

	if (status == EMR_OK)
		status = ask_report(&places, &report, &problem);
	if (status != EMR_OK)
		return emr_out_fail(out, &problem);
	say_report(out, report);
	(void)json_object_del(report, "ok");
	json_object_foreach(report, name, value) emr_out_put(out, name, json_incref(value));
	json_decref(report);
	return EMR_EXIT_DONE;
}

/* ---- the service ---- */

/* For the signal handler, which any thread may run; set before it is, and cleared after. */
static _Atomic(emr_attendant *) at_work;

static void end_in_order(int number)
{
	emr_attendant *attendant = atomic_load(&at_work);

	(void)number;
	if (attendant != NULL)
		emr_attendant_stop(attendant);
}

static void take_signals(emr_attendant *attendant)
{
	const int numbers[] = {SIGTERM, SIGINT, SIGHUP};
	struct sigaction action = {.sa_handler = attendant != NULL ? end_in_order : SIG_IGN};

	if (attendant != NULL)
		atomic_store(&at_work, attendant);
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		(void)sigaction(numbers[i], &action, NULL);
	atomic_store(&at_work, attendant);
}

/* By the organisation's own authority, before anybody is served, where the ledger takes nothing
 * from it any more; one that counts is renewed meanwhile. */
static emr_status renew_ended(agent *a, emr_status followed)
{
	emr_problem problem = {0};
	bool is_new = false;

	a->has_tried_renewing =
		emr_own_cert_end(&a->session) < emr_clock_unix_s(emr_clock_system());
	if (!a->has_tried_renewing)
		return followed;
	if (emr_renewing_do(&a->session, &is_new, &problem) != EMR_OK)
		emr_remark(a->out, &problem);
	if (!is_new)
		return followed;
	emr_say(a->out, "Your certificate was renewed.\n");
	return EMR_OK; /* the copy has the answer */
}

/* Entries that the host of the ledger lost are made good before anybody is served. */
static emr_status open_copy(agent *a, emr_status *out_followed, emr_problem *out_problem)
{
	EMR_TRY(emr_session_open_copy(&a->session, true, out_followed, out_problem));
	if (!emr_session_must_reopen(&a->session))
		return EMR_OK;
	emr_session_close_copy(&a->session);
	return emr_session_open_copy(&a->session, true, out_followed, out_problem);
}

static emr_status open_all(agent *a, emr_problem *out_problem)
{
	const emr_session_options options = {.places = &a->places,
		.is_agent = true,
		.passphrase_file = a->args->values[EMR_OPT_PASSPHRASE_FILE]};
	emr_status followed;

	EMR_TRY(emr_session_lock(&a->session, &options, out_problem));
	EMR_TRY(emr_keys_open(a->session.state_fd, a->session.state_path, options.passphrase_file,
		&a->session.keyring, out_problem));
	EMR_TRY(open_copy(a, &followed, out_problem));
	followed = renew_ended(a, followed);
	EMR_TRY(emr_attendant_new(&a->session, followed, &a->attendant, out_problem));
	return emr_server_start(
		&a->places, &a->session, NULL, a->attendant, &a->server, out_problem);
}

static void say_ready(agent *a)
{
	int code;

	emr_out_number(a->out, "pid", (uint64_t)getpid());
	emr_say(a->out, "The agent runs (process %d).  What it has done: emrfs agent --status\n",
		(int)getpid());
	code = emr_out_end(a->out, EMR_EXIT_DONE);
	emr_ready_tell("The agent runs.");
	emr_behind_let_go(&a->report_fd, code, true);
	emr_language_all_english(false); /* what follows is for people, whatever has started it */
}

static int serve(agent *a)
{
	emr_problem problem = {0};
	emr_status status = emr_keys_protect(&problem);

	if (status != EMR_OK)
		return emr_out_fail(a->out, &problem);
	status = open_all(a, &problem);
	if (status != EMR_OK)
		return emr_out_fail(a->out, &problem);
	if (a->report_fd >= 0)
		(void)setsid();
	if (chdir("/") != 0)
		emr_log(EMR_LOG_WARN, "chdir to / failed");
	take_signals(a->attendant);
	if (emr_cert_watch_start(&a->session, NULL, a->has_tried_renewing, &a->cert_watch) !=
		EMR_OK)
		emr_log(EMR_LOG_ERROR, "certificate: not renewed while this agent runs");
	emr_log(EMR_LOG_INFO, "agent: at work");
	say_ready(a);
	emr_attendant_run(a->attendant);
	take_signals(NULL);
	/* Entries of its copy are gone: the next start makes that good. */
	return emr_replica_must_go_on(a->session.replica) ? EMR_EXIT_UNREACHABLE : EMR_EXIT_DONE;
}

static int run_here(void *arg, int report_fd)
{
	agent *a = arg;
	int code;

	a->report_fd = report_fd;
	code = emr_out_end(a->out, serve(a));
	emr_behind_let_go(&a->report_fd, code, false);
	return code;
}

int emr_cmd_agent(const emr_args *args, emr_out *out)
{
	agent a = {.args = args, .out = out, .report_fd = -1, .session = EMR_SESSION_CLOSED};
	emr_problem problem = {0};
	emr_status status;
	int code;

	if (args->given[EMR_OPT_AGENT_STATUS])
		return say_status(args, out);
	status = emr_places_find(args->values[EMR_OPT_AS], &a.places, &problem);
	if (status != EMR_OK)
		code = emr_out_fail(out, &problem);
	else
		code = args->given[EMR_OPT_FOREGROUND]
			       ? run_here(&a, -1)
			       : emr_behind_run(out, _("Starting the agent"), run_here, &a);
	agent_end(&a);
	return code;
}
