/* This file is the part of `emrfs invite` for a network that a host serves: invitations wait there
 * by themselves, their codes are handed out, and a person who came is let in by this verb, or by
 * the administrator's open folder. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "kit/json.h"
#include "kit/language.h"
#include "kit/terminal.h"
#include "kit/text.h"
#include "mount/client.h"
#include "org/invitations.h"
#include "people/qr.h"
#include "replica/follower.h"
#include "replica/names.h"

#include "verbs_private.h"

#define PAUSE_MS 500
#define ASK_MS 60000
#define REGISTERED_LOOKS 20 /* a pause between two, for who just got a certificate */

static void say_came(emr_out *out, const org_desk *desk, const json_t *row)
{
	char shown[300];

	emr_show(emr_json_text_at(row, "handle"), shown, sizeof shown);
	emr_out_text(out, "code", emr_json_text_at(row, "code"));
	emr_out_text(out, "id", emr_json_text_at(row, "signer"));
	emr_say(out, "%s has a certificate of %s now, as %s (%s).\n", shown, desk->name,
		emr_json_text_at(row, "role"), emr_json_text_at(row, "code"));
}

static bool is_state(const json_t *row, const char *state)
{
	return strcmp(emr_json_text_at(row, "state"), state) == 0;
}

/* Lets in who came, here or by the open folder. */
static emr_status look(org_desk *desk, json_t **out_list, emr_problem *out_problem)
{
	const emr_request request = {.ask = EMR_ASK_INVITE};
	json_auto_t *whole = NULL;
	emr_out silent = {.is_quiet = true};

	if (desk->bureau != NULL) {
		snprintf(desk->name, sizeof desk->name, "%s", desk->bureau->name);
		return emr_invitations_run(desk->bureau, out_list, out_problem);
	}
	EMR_TRY(emr_client_gather(
		desk->client, &request, ASK_MS, &silent, NULL, &whole, out_problem));
	snprintf(desk->name, sizeof desk->name, "%s", emr_json_text_at(whole, "organisation"));
	*out_list = json_incref(json_object_get(whole, "invitations"));
	return emr_json_flag_at(whole, "host_away") ? EMR_OFFLINE : EMR_OK;
}

/* Meanwhile the follower takes in what comes. */
static emr_status rest(const org_desk *desk)
{
	uint64_t never = UINT64_MAX;
	emr_status status = EMR_OK;

	if (desk->bureau != NULL)
		status = emr_follow_wait(desk->bureau->session.replica, &never, PAUSE_MS);
	else
		(void)poll(NULL, 0, PAUSE_MS);
	return emr_status_is_away(status) ? EMR_OK : status;
}

/* ---- one that was just made ---- */

/* News of others is told, too: each is told once. *OUT_END: how ours ended; "" it waits. */
static void say_news(emr_out *out, const org_desk *desk, const char *id, const json_t *list,
	const char **out_end)
{
	const json_t *row;
	size_t i;

	json_array_foreach(list, i, row)
	{
		const bool is_ours = strcmp(emr_json_text_at(row, "id"), id) == 0;
		/* By the open folder, whose owner we tell. */
		const bool has_come = is_state(row, "came") || (is_ours && is_state(row, "told"));

		if (has_come)
			say_came(out, desk, row);
		if (is_ours && !is_state(row, "waits") && !is_state(row, "let-in"))
			*out_end = has_come ? "came" : is_state(row, "taken") ? "taken" : "ended";
	}
}

static emr_status say_end(const char *end, const char *whom, emr_problem *out_problem)
{
	if (strcmp(end, "came") == 0)
		return EMR_OK;
	emr_problem_set(out_problem,
		end[0] == '\0'		    ? EMR_SAY_INVITATION_WAITS
		: strcmp(end, "taken") == 0 ? EMR_SAY_HANDLE_TAKEN
					    : EMR_SAY_NOBODY_CAME,
		"what", whom, NULL);
	return end[0] == '\0' ? EMR_AWAITED : EMR_DENIED;
}

/* As --wait says, or NS from now. */
static emr_status find_end(
	const emr_args *args, int64_t ns, int64_t *out_until_boot_ns, emr_problem *out_problem)
{
	const char *wait = args->values[EMR_OPT_WAIT];

	if (wait != NULL && emr_duration_parse(wait, &ns) != EMR_OK)
		return emr_wrong_use(
			"invite", _("--wait takes a time: 90s, 10min, 2h."), out_problem);
	*out_until_boot_ns = emr_clock_boot_ns(emr_clock_system()) + ns;
	return EMR_OK;
}

/* Ended before, the invitation waits all the same; a host that is away ends nothing. */
emr_status org_host_await(const emr_args *args, emr_out *out, org_desk *desk, const char *id,
	int64_t within_ns, emr_problem *out_problem)
{
	const emr_clock *clock = emr_clock_system();
	const char *end = "";
	int64_t until = 0;
	emr_status status = find_end(args, within_ns, &until, out_problem);

	EMR_TRY(status);
	fflush(stdout); /* the code is needed now, while this waits */
	emr_progress(out, "Waiting until it is used (emrfs join CODE) ...");
	while (status == EMR_OK && end[0] == '\0' && emr_clock_boot_ns(clock) < until) {
		json_auto_t *list = NULL;

		status = look(desk, &list, out_problem);
		if (emr_status_may_pass(status))
			status = EMR_OK;
		say_news(out, desk, id, list, &end);
		if (status == EMR_OK && end[0] == '\0')
			status = rest(desk);
	}
	emr_progress_end(out);
	*out_problem = status == EMR_OK ? (emr_problem){.is_set = false} : *out_problem;
	return status == EMR_OK ? say_end(end, args->operands[0], out_problem) : status;
}

/* ---- codes ---- */

emr_status verb_write_new(const char *file, emr_bytes bytes, emr_problem *out_problem)
{
	EMR_AUTO_FD fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	emr_status status = fd < 0 ? emr_status_from_errno(errno) : EMR_OK;

	if (status == EMR_OK)
		status = emr_pwrite_all(fd, bytes.data, bytes.len, 0);
	if (status == EMR_OK && fsync(fd) != 0)
		status = emr_status_from_errno(errno);
	if (status != EMR_OK)
		emr_problem_set(out_problem, EMR_SAY_CARD_FILE, "file", file, "cause",
			emr_text(emr_status_text(status)), NULL);
	return status;
}

emr_status org_host_hand_out(const emr_args *args, emr_out *out, const char *code,
	const char *organisation, uint64_t expires, emr_problem *out_problem)
{
	const char *file = args->values[EMR_OPT_CARD_FILE], *who = args->operands[0];
	char until[EMR_TEXT_BYTES], word[4 * EMR_CERT_HANDLE_MAX + 8];
	EMR_AUTO_BUF drawn = {0};

	emr_shell_name(who, word, sizeof word);
	emr_time_text((int64_t)expires, until);
	emr_out_text(out, "handle", who);
	emr_out_text(out, "role", args->values[EMR_OPT_ROLE]);
	emr_out_text(out, "organisation", organisation);
	emr_out_text(out, "join", code);
	if ((isatty(STDOUT_FILENO) || out->is_in_windows) &&
		emr_qr_draw(code, emr_terminal_columns(), &(unsigned){0}, &drawn) == EMR_OK)
		emr_say(out, "%.*s\n", (int)drawn.len, (const char *)drawn.data);
	emr_say(out, "%s\n", code);
	emr_say(out,
		"With this code %s joins, once, from any computer that reaches the host, until %s: "
		"emrfs join CODE\nIt lets in the first who uses it: hand it over in private. Your "
		"open folder answers who comes; with the folder closed: emrfs invite. To withdraw "
		"it: emrfs org revoke %s\n",
		who, until, word);
	return file != NULL ? verb_write_new(file, emr_bytes_of(code, strlen(code)), out_problem)
			    : EMR_OK;
}

/* The open folder has the keys, and is asked for no passphrase. */
emr_status org_host_by_folder(const emr_args *args, emr_out *out, uint64_t expires,
	int64_t within_ns, bool *out_is_done, emr_problem *out_problem)
{
	emr_client client __attribute__((cleanup(emr_client_close))) = EMR_CLIENT_CLOSED;
	org_desk desk = {.client = &client};
	emr_request request = {.ask = EMR_ASK_INVITE, .until_unix_s = expires};
	json_auto_t *answer = NULL;
	const char *code;
	emr_status status = emr_client_find(args->values[EMR_OPT_AS], &client, out_problem);

	if (status == EMR_NOT_FOUND) {
		*out_problem = (emr_problem){.is_set = false};
		return EMR_OK;
	}
	snprintf(request.who, sizeof request.who, "%s", args->operands[0]);
	snprintf(request.name, sizeof request.name, "%s", args->values[EMR_OPT_ROLE]);
	if (status == EMR_OK)
		status = emr_client_ask(&client, &request, ASK_MS, &answer, out_problem);
	EMR_TRY(status);
	code = emr_json_text_at(answer, "join");
	*out_is_done = code[0] != '\0';
	if (!*out_is_done)
		return EMR_OK;
	EMR_TRY(org_host_hand_out(
		args, out, code, emr_json_text_at(answer, "organisation"), expires, out_problem));
	return args->given[EMR_OPT_WAIT]
		       ? org_host_await(args, out, &desk, emr_json_text_at(answer, "id"), within_ns,
				 out_problem)
		       : EMR_OK;
}

/* ---- all of them ---- */

typedef struct listing {
	emr_out *out;
	org_desk *desk;
	json_t *list;
	size_t waiting, coming; /* of these, who have a certificate, and are not registered yet */
	char first[EMR_CERT_HANDLE_MAX + 1]; /* of those who wait */
	bool is_last;
} listing;

static emr_status list_invited(listing *l, const json_t *row)
{
	const char *handle = emr_json_text_at(row, "handle"), *role = emr_json_text_at(row, "role");
	const int64_t expires = (int64_t)emr_json_number_at(row, "expires");
	const bool is_let_in = is_state(row, "let-in");
	char until[EMR_TEXT_BYTES], day[EMR_TEXT_BYTES], shown[300];

	if (is_let_in || is_state(row, "waits")) {
		l->waiting++;
		l->coming += is_let_in;
		snprintf(l->first, sizeof l->first, "%s", handle);
		if (!l->is_last)
			return EMR_OK;
	}
	emr_time_json(expires, until);
	emr_time_text(expires, day);
	emr_show(handle, shown, sizeof shown);
	if (is_state(row, "told"))
		return EMR_OK;
	if (is_state(row, "came"))
		say_came(l->out, l->desk, row);
	else if (is_let_in)
		emr_say(l->out,
			"%s (%s) came and is let in: the same emrfs init --join goes on there, "
			"until %s\n",
			shown, role, day);
	else if (is_state(row, "waits"))
		emr_say(l->out, "%s (%s): nobody came yet; until %s\n", shown, role, day);
	else if (is_state(row, "ended"))
		emr_say(l->out, "%s (%s): nobody came; it ended on %s\n", shown, role, day);
	else
		emr_say(l->out, "%s (%s): somebody else has that name; it is over\n", shown, role);
	return json_array_append_new(l->list,
		       json_pack("{s:s, s:s, s:s, s:O}", "handle", handle, "role", role, "until",
			       until, "state", json_object_get(row, "state"))) == 0
		       ? EMR_OK
		       : EMR_NO_MEMORY;
}

/* Those who just got a certificate are waited for a moment, and with --wait everybody. */
static emr_status answer(
	const emr_args *args, emr_out *out, org_desk *desk, emr_problem *out_problem)
{
	const bool waits = args->given[EMR_OPT_WAIT];
	listing l = {.out = out, .desk = desk, .list = json_array()};
	int64_t until = 0;
	emr_status status = l.list != NULL ? EMR_OK : EMR_NO_MEMORY;

	if (status == EMR_OK)
		status = find_end(args, waits ? EMR_JOIN_WITHIN_NS : 0, &until, out_problem);
	if (waits && status == EMR_OK)
		emr_progress(out, "Waiting until they come (emrfs join CODE) ...");
	for (int n = 0; status == EMR_OK && !l.is_last; n++) {
		l.is_last = n > 0 &&
			    (l.waiting == 0 || (emr_clock_boot_ns(emr_clock_system()) >= until &&
						       (l.coming == 0 || n >= REGISTERED_LOOKS)));
		json_auto_t *rows = NULL;
		emr_status looked = look(desk, &rows, out_problem);

		l.waiting = l.coming = 0;
		for (size_t i = 0; status == EMR_OK && i < json_array_size(rows); i++)
			status = list_invited(&l, json_array_get(rows, i));
		status = status == EMR_OK ? looked : status;
		if (waits && !l.is_last && emr_status_may_pass(status)) {
			status = EMR_OK;
			l.waiting = 1; /* the host is away: nobody knows */
		}
		if (status == EMR_OK && !l.is_last && (waits ? l.waiting : l.coming) > 0)
			status = rest(desk);
	}
	if (waits)
		emr_progress_end(out);
	emr_out_put(out, "invitations", l.list);
	if (status != EMR_OK || !waits || l.waiting == l.coming)
		return status;
	emr_problem_set(out_problem, EMR_SAY_INVITATION_WAITS, "what", l.first, NULL);
	return EMR_AWAITED;
}

int org_host_invited(const emr_args *args, emr_out *out)
{
	emr_client client __attribute__((cleanup(emr_client_close))) = EMR_CLIENT_CLOSED;
	EMR_AUTO_BUREAU bureau = EMR_BUREAU_CLOSED;
	org_desk desk = {.client = &client};
	emr_problem problem = {0};
	emr_status status = emr_client_find(args->values[EMR_OPT_AS], &client, &problem);

	if (status == EMR_NOT_FOUND) {
		problem = (emr_problem){.is_set = false};
		desk.bureau = &bureau;
		status = emr_bureau_open(args, &bureau, &problem);
	}
	if (status == EMR_OK)
		status = answer(args, out, &desk, &problem);
	return emr_bureau_end(out, status, &problem);
}

/* ---- what the folder says of the organisation ---- */

emr_status org_host_look(
	const emr_args *args, emr_out *out, bool *out_is_done, emr_problem *out_problem)
{
	emr_client client __attribute__((cleanup(emr_client_close))) = EMR_CLIENT_CLOSED;
	emr_request request = {.ask = EMR_ASK_ORG};
	json_auto_t *whole = NULL;
	const char *name;
	json_t *value;
	size_t i;
	emr_status status = emr_client_find(args->values[EMR_OPT_AS], &client, out_problem);

	snprintf(request.name, sizeof request.name, "%s", args->operands[0]);
	if (args->n_operands > 1)
		snprintf(request.who, sizeof request.who, "%s", args->operands[1]);
	if (status == EMR_OK)
		status = emr_client_gather(
			&client, &request, ASK_MS, out, NULL, &whole, out_problem);
	*out_is_done =
		status == EMR_REFUSED || (status == EMR_OK && !emr_json_flag_at(whole, "is_cut"));
	if (status != EMR_OK || !*out_is_done) {
		*out_problem = *out_is_done ? *out_problem : (emr_problem){.is_set = false};
		return *out_is_done ? status : EMR_OK;
	}
	json_array_foreach(json_object_get(whole, "said"), i, value)
		emr_say(out, "%s", json_string_value(value));
	json_object_foreach(whole, name,
		value) if (strcmp(name, "said") != 0 && strcmp(name, "done") != 0 &&
			   strcmp(name, "ok") != 0) emr_out_put(out, name, json_incref(value));
	return EMR_OK;
}
