/* This file is the part of `emrfs invite` for a network that a host serves: invitations wait there
 * by themselves, their codes are handed out, and a person who came is let in by this verb, or by
 * the administrator's open folder. */
#include <errno.h>
#include <fcntl.h>
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

static void say_came(emr_out *out, const emr_bureau *bureau, const emr_invited *invited)
{
	char id[65], code[EMR_KEY_CODE_MAX + 1], role[EMR_ROLES_TEXT_MAX], shown[300];

	emr_key_code(invited->given, EMR_KEY_CODE_NAMES, code);
	emr_hex(invited->given.b, sizeof invited->given.b, id);
	emr_roles_text(invited->roles, role);
	emr_show(invited->whom, shown, sizeof shown);
	emr_out_text(out, "code", code);
	emr_out_text(out, "id", id);
	emr_say(out, "%s has a certificate of %s now, as %s (%s).\n", shown, bureau->name, role,
		code);
}

/* Meanwhile the follower takes in what comes. */
static emr_status rest(const emr_bureau *bureau)
{
	uint64_t never = UINT64_MAX;
	emr_status status = emr_follow_wait(bureau->session.replica, &never, PAUSE_MS);

	return emr_status_is_away(status) ? EMR_OK : status;
}

/* ---- one that was just made ---- */

typedef struct awaiting {
	emr_out *out;
	const emr_bureau *bureau;
	emr_id16 id;
	bool is_over;
	emr_invited_news news;
} awaiting;

/* News of others is told, too: each is told once. */
static emr_status note_news(void *arg, const emr_invited *invited, emr_invited_news news)
{
	awaiting *a = arg;
	const bool is_ours = emr_id16_equal(invited->id, a->id);

	if (news == EMR_INVITED_TOLD && is_ours) /* by the open folder */
		news = EMR_INVITED_CAME;
	if (news == EMR_INVITED_CAME)
		say_came(a->out, a->bureau, invited);
	if (is_ours && news != EMR_INVITED_WAITS) {
		a->is_over = true;
		a->news = news;
	}
	return EMR_OK;
}

static emr_status say_end(const awaiting *a, const char *whom, emr_problem *out_problem)
{
	if (a->is_over && a->news == EMR_INVITED_CAME)
		return EMR_OK;
	emr_problem_set(out_problem,
		!a->is_over		       ? EMR_SAY_INVITATION_WAITS
		: a->news == EMR_INVITED_TAKEN ? EMR_SAY_HANDLE_TAKEN
					       : EMR_SAY_NOBODY_CAME,
		"what", whom, NULL);
	return a->is_over ? EMR_DENIED : EMR_AWAITED;
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
static emr_status await_invited(
	const emr_args *args, awaiting *a, emr_bureau *bureau, int64_t ns, emr_problem *out_problem)
{
	const emr_clock *clock = emr_clock_system();
	int64_t until = 0;
	emr_status status = find_end(args, ns, &until, out_problem);

	EMR_TRY(status);
	emr_progress(a->out, "Waiting until it is used (emrfs join CODE) ...");
	while (status == EMR_OK && !a->is_over && emr_clock_boot_ns(clock) < until) {
		status = emr_invitations_run(bureau, note_news, a, out_problem);
		if (emr_status_may_pass(status))
			status = EMR_OK;
		if (status == EMR_OK && !a->is_over)
			status = rest(bureau);
	}
	emr_progress_end(a->out);
	*out_problem = status == EMR_OK ? (emr_problem){.is_set = false} : *out_problem;
	return status == EMR_OK ? say_end(a, args->operands[0], out_problem) : status;
}

emr_status org_host_await(const emr_args *args, emr_out *out, emr_bureau *bureau,
	const emr_invitation *invitation, int64_t within_ns, emr_problem *out_problem)
{
	awaiting a = {.out = out, .bureau = bureau, .id = invitation->id};

	fflush(stdout); /* the code is needed now, while this waits */
	return await_invited(args, &a, bureau, within_ns, out_problem);
}

/* ---- codes ---- */

emr_status org_host_write(const char *file, emr_bytes bytes, emr_problem *out_problem)
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
	if (isatty(STDOUT_FILENO) &&
		emr_qr_draw(code, emr_terminal_columns(), &(unsigned){0}, &drawn) == EMR_OK)
		emr_say(out, "%.*s\n", (int)drawn.len, (const char *)drawn.data);
	emr_say(out, "%s\n", code);
	emr_say(out,
		"With this code %s joins, once, from any computer that reaches the host, until %s: "
		"emrfs join CODE\nWhoever has it can: hand it over in private. Your open folder "
		"lets in who comes; with the folder closed: emrfs invite. To withdraw it: emrfs "
		"org revoke %s\n",
		who, until, word);
	return file != NULL ? org_host_write(file, emr_bytes_of(code, strlen(code)), out_problem)
			    : EMR_OK;
}

/* The open folder has the keys, and is asked for no passphrase. */
emr_status org_host_by_folder(const emr_args *args, emr_out *out, uint64_t expires,
	bool *out_is_done, emr_problem *out_problem)
{
	EMR_AUTO_PLACES places = {0};
	emr_client client = EMR_CLIENT_CLOSED;
	emr_request request = {.ask = EMR_ASK_INVITE, .until_unix_s = expires};
	json_auto_t *answer = NULL;
	const char *code;
	emr_status status;

	EMR_TRY(emr_places_find(args->values[EMR_OPT_AS], &places, out_problem));
	status = emr_client_open(&places, &client, out_problem);
	snprintf(request.who, sizeof request.who, "%s", args->operands[0]);
	snprintf(request.name, sizeof request.name, "%s", args->values[EMR_OPT_ROLE]);
	if (status == EMR_NOT_FOUND) {
		*out_problem = (emr_problem){.is_set = false};
		return EMR_OK;
	}
	if (status == EMR_OK)
		status = emr_client_ask(&client, &request, ASK_MS, &answer, out_problem);
	emr_client_close(&client);
	EMR_TRY(status);
	code = emr_json_text_at(answer, "join");
	*out_is_done = code[0] != '\0';
	return *out_is_done
		       ? org_host_hand_out(args, out, code,
				 emr_json_text_at(answer, "organisation"), expires, out_problem)
		       : EMR_OK;
}

/* ---- all of them ---- */

typedef struct listing {
	emr_out *out;
	const emr_bureau *bureau;
	json_t *list;
	size_t waiting, coming; /* of these, who have a certificate, and are not registered yet */
	char first[EMR_CERT_HANDLE_MAX + 1]; /* of those who wait */
	bool is_last;
} listing;

static emr_status list_invited(void *arg, const emr_invited *invited, emr_invited_news news)
{
	static const char *const states[] = {"waits", "came", "came", "ended", "taken"};
	listing *l = arg;
	bool is_let_in = news == EMR_INVITED_WAITS && invited->is_answered;
	char role[EMR_ROLES_TEXT_MAX], until[EMR_TEXT_BYTES], day[EMR_TEXT_BYTES], shown[300];

	if (news == EMR_INVITED_WAITS) {
		l->waiting++;
		l->coming += is_let_in;
		snprintf(l->first, sizeof l->first, "%s", invited->whom);
		if (!l->is_last)
			return EMR_OK;
	}
	emr_roles_text(invited->roles, role);
	emr_time_json((int64_t)invited->expires, until);
	emr_time_text((int64_t)invited->expires, day);
	emr_show(invited->whom, shown, sizeof shown);
	if (news == EMR_INVITED_TOLD)
		return EMR_OK;
	if (news == EMR_INVITED_CAME)
		say_came(l->out, l->bureau, invited);
	else if (is_let_in)
		emr_say(l->out,
			"%s (%s) came and is let in: the same emrfs init --join goes on there, "
			"until %s\n",
			shown, role, day);
	else if (news == EMR_INVITED_WAITS)
		emr_say(l->out, "%s (%s): nobody came yet; until %s\n", shown, role, day);
	else if (news == EMR_INVITED_ENDED)
		emr_say(l->out, "%s (%s): nobody came; it ended on %s\n", shown, role, day);
	else
		emr_say(l->out, "%s (%s): somebody else has that name; it is over\n", shown, role);
	return json_array_append_new(
		       l->list, json_pack("{s:o, s:s, s:s, s:s}", "handle",
					emr_json_text(invited->whom), "role", role, "until", until,
					"state", is_let_in ? "let-in" : states[news])) == 0
		       ? EMR_OK
		       : EMR_NO_MEMORY;
}

/* Those who just got a certificate are waited for a moment, and with --wait everybody. */
emr_status org_host_answer(
	const emr_args *args, emr_out *out, emr_bureau *bureau, emr_problem *out_problem)
{
	const bool waits = args->given[EMR_OPT_WAIT];
	listing l = {.out = out, .bureau = bureau, .list = json_array()};
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
		l.waiting = l.coming = 0;
		status = emr_invitations_run(bureau, list_invited, &l, out_problem);
		if (waits && !l.is_last && emr_status_may_pass(status)) {
			status = EMR_OK;
			l.waiting = 1; /* the host is away: nobody knows */
		}
		if (status == EMR_OK && !l.is_last && (waits ? l.waiting : l.coming) > 0)
			status = rest(bureau);
	}
	if (waits)
		emr_progress_end(out);
	emr_out_put(out, "invitations", l.list);
	if (status != EMR_OK || !waits || l.waiting == l.coming)
		return status;
	emr_problem_set(out_problem, EMR_SAY_INVITATION_WAITS, "what", l.first, NULL);
	return EMR_AWAITED;
}
