/* This file is `emrfs share`: it shares a folder or file with a person, a team or an
 * organisation, for a purpose and a time, or lists what is shared. It shows what will happen and
 * asks first. */
#include "people/who.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "kit/json.h"
#include "kit/language.h"
#include "kit/passphrase.h"
#include "kit/purposes.h"
#include "kit/terminal.h"
#include "kit/text.h"
#include "mount/client.h"
#include "sharing/opening.h"
#include "verbs/cmd.h"

#include "sharing/received.h"

#include "verbs_private.h"

#define WORK_MS 120000
#define REMARKS_MOST 3u /* two: who reads many reads none; --json has all */
#define MONTH_S ((uint64_t)30 * 86400)

typedef struct sharing {
	const emr_args *args;
	emr_out *out;
	emr_client client;
	emr_request request;
	uint64_t now;
	json_t *look; /* what it would be; owned */
} sharing;

/* ---- the list ---- */

static void until_text(uint64_t until, uint64_t now, char *out, size_t size)
{
	char when[EMR_TEXT_BYTES];
	unsigned long long days = until > now ? (until - now + 86399) / 86400 : 0;

	if (until >= EMR_FOREVER_UNIX_S) {
		snprintf(out, size, _("for ever"));
		return;
	}
	emr_time_text((int64_t)until, when);
	snprintf(out, size, days > 2 ? _("until %.11s") : _("until %s"), when);
	if (days > 2)
		snprintf(out + strlen(out), size - strlen(out), _(" (%llu days)"), days);
}

static void say_grant(const sharing *s, const json_t *one)
{
	char path[300], column[340], who[EMR_WHO_TEXT_BYTES], until[80],
		opened[EMR_TEXT_BYTES + 300] = "", opening[EMR_OPENING_TEXT_BYTES];
	uint64_t times = emr_json_number_at(one, "opened");

	emr_show(emr_json_text_at(one, "path"), path, sizeof path);
	emr_who_json_text(one, "", who, sizeof who);
	until_text(emr_json_number_at(one, "until_unix"), s->now, until, sizeof until);
	if (times > 0) {
		char last[EMR_TEXT_BYTES];

		emr_time_text((int64_t)emr_json_number_at(one, "opened_last_unix"), last);
		snprintf(opened, sizeof opened,
			emr_text_of(times, "   opened %llu time, last %s",
				"   opened %llu times, last %s"),
			(unsigned long long)times, last);
	}
	emr_column_text(path, 20, column, sizeof column);
	emr_opening_text(emr_json_text_at(one, "why_not"), emr_json_text_at(one, "state"),
		emr_json_text_at(one, "who"), opening);
	if (emr_json_text_at(one, "lets")[0] != '\0')
		snprintf(opened + strlen(opened), sizeof opened - strlen(opened),
			_("   lets read: %.200s"), emr_json_text_at(one, "lets"));
	emr_say(s->out, "%-10s  %s  %s   %s   %s   %s   %s%s\n", emr_json_text_at(one, "id"),
		column, who, emr_text_word(emr_json_text_at(one, "rights")),
		emr_text_word(emr_json_text_at(one, "purpose")), until, opening, opened);
}

/* Fetches "grants", the shares that are given, and "shared_with_me"; owned by the caller. */
static emr_status fetch_shares(sharing *s, json_t **out_answer, emr_problem *out_problem)
{
	const emr_request request = {.ask = EMR_ASK_SHARE, .over = s->args->given[EMR_OPT_ALL]};

	return emr_client_gather(
		&s->client, &request, WORK_MS, s->out, NULL, out_answer, out_problem);
}

/* From "shared-with-me/OWNER/" on, whose name stands beside it. */
static const char *inside_of(const char *path)
{
	for (int names = 0; names < 2 && strchr(path, '/') != NULL; names++)
		path = strchr(path, '/') + 1;
	return path;
}

static void say_received(const sharing *s, const json_t *one)
{
	char path[600], owner[300], until[80], opening[EMR_OPENING_TEXT_BYTES];
	const char *purpose = emr_json_text_at(one, "purpose"),
		   *state = emr_json_text_at(one, "state"), *opens = emr_json_text_at(one, "opens");
	bool is_open = strcmp(state, "open") == 0;

	emr_show(inside_of(emr_json_text_at(one, "path")), path, sizeof path);
	emr_show(emr_json_text_at(one, "owner"), owner, sizeof owner);
	if (is_open) {
		until_text(emr_json_number_at(one, "until_unix"), s->now, until, sizeof until);
	} else {
		char when[EMR_TEXT_BYTES];

		emr_time_text((int64_t)emr_json_number_at(one, "until_unix"), when);
		snprintf(until, sizeof until, _("ended %s"), when);
	}
	emr_opening_text(emr_json_text_at(one, "why_not"), state, _("you"), opening);
	emr_say(s->out, "  %-20s  %s   %s   %s%s%s%s   %s\n", path, owner,
		emr_text_word(emr_json_text_at(one, "rights")), emr_text_word(purpose),
		purpose[0] != '\0' ? "   " : "", until,
		opens[0] == '\0'		 ? ""
		: strcmp(opens, "any-time") == 0 ? _("   opens any time that agents run")
						 : _("   opens only while that folder is open"),
		opening);
}

/* These are for the lines, and for other programs (--all), alone. */
static void strip(json_t *one)
{
	static const char *const ids[] = {
		"since_unix", "grant_id", "folder_id", "grantee_id", "owner_id", "kind"};

	for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
		json_object_del(one, ids[i]);
	json_object_del(one, "until_unix");
	json_object_del(one, "opened_last_unix");
}

static emr_status list(sharing *s, emr_problem *out_problem)
{
	json_auto_t *answer = NULL;
	json_t *all, *received;

	EMR_TRY(fetch_shares(s, &answer, out_problem));
	all = emr_json_list_at(answer, "grants");
	received = emr_json_list_at(answer, "shared_with_me");
	for (size_t i = 0; i < json_array_size(all); i++)
		say_grant(s, json_array_get(all, i));
	if (json_array_size(all) == 0)
		emr_say(s->out, "You share nothing. To begin: emrfs share PATH with WHO\n");
	if (s->args->n_operands == 0 && json_array_size(received) > 0)
		emr_say(s->out, "Shared with you:\n");
	for (size_t i = 0; i < json_array_size(received) && s->args->n_operands == 0; i++)
		say_received(s, json_array_get(received, i));
	for (size_t i = 0; i < json_array_size(all) && !s->args->given[EMR_OPT_ALL]; i++)
		strip(json_array_get(all, i));
	for (size_t i = 0; i < json_array_size(received); i++)
		strip(json_array_get(received, i));
	emr_out_put(s->out, "grants", json_incref(all));
	emr_out_put(s->out, "shared_with_me", json_incref(received));
	emr_say_silent(s->out, answer);
	emr_out_put(
		s->out, "agents_silent", json_incref(emr_json_list_at(answer, "agents_silent")));
	emr_out_text(s->out, "owner", emr_json_text_at(answer, "owner"));
	emr_out_flag(s->out, "already", emr_json_flag_at(s->look, "already"));
	return EMR_OK;
}

/* ---- asking first ---- */

static void say_guardian(const sharing *s, const char *who, const char *path, const char *until)
{
	char lets[1200];

	emr_show(emr_json_text_at(s->look, "lets"), lets, sizeof lets);
	emr_say(s->out,
		"%s acts for you in %s, %s: reads and saves there, and ends what others can read. "
		"Log "
		"and notices say who did it, and nothing earlier or removed opens.\n",
		who, path[0] != '\0' ? path : _("your whole folder"), until);
	if (lets[0] != '\0')
		emr_say(s->out, "Your computer lets these read at this guardian's word: %s.\n",
			lets);
	emr_say(s->out, "For whom else a guardian asks, you say yes or no.\n");
}

/* "for treatment, until ...": what a deposit does not have is not said. */
static void say_terms(const sharing *s, const char *who, const char *path)
{
	char size[EMR_TEXT_BYTES], files[EMR_COUNT_BYTES], until[80], bits[EMR_PURPOSES_TEXT_BYTES],
		purposes[2 * EMR_PURPOSES_TEXT_BYTES];

	emr_count_text(emr_json_number_at(s->look, "files"), "file", "files", files);
	emr_size_text(emr_json_number_at(s->look, "bytes"), size);
	emr_purposes_text(s->request.purposes, bits);
	emr_text_words(bits, purposes, sizeof purposes);
	until_text(s->request.until_unix_s, s->now, until, sizeof until);
	if (emr_request_is_guardians(&s->request)) {
		say_guardian(s, who, path, until);
		return;
	}
	if (s->request.deposit)
		emr_say(s->out, "%s can leave new files in %s, and sees nothing of it, %s.\n", who,
			path, until);
	else
		emr_say(s->out,
			s->request.write
				? _("%s can read and change %s (%s, %s, and what comes there), for "
				    "%s, %s.\n")
				: _("%s can read %s (%s, %s, and what comes there), for %s, %s.\n"),
			who, path, files, size, purposes, until);
	if (!s->args->given[EMR_OPT_PURPOSE] && !s->args->given[EMR_OPT_UNTIL] &&
		s->request.purposes != 0 && s->request.id[0] == '\0')
		emr_say(s->out, "That purpose and end are the usual ones; to say others: "
				"--purpose PURPOSE, --until TIME\n");
	if (s->request.write)
		emr_say(s->out, "That is to add, change, rename and remove; earlier versions and "
				"what was removed stay yours.\n");
}

/* Says which shares end by it, with their terms. */
static void say_replaced(const sharing *s)
{
	const json_t *all = json_object_get(s->look, "replaced");
	char terms[600] = "", until[80];

	for (size_t i = 0; i < json_array_size(all); i++) {
		const json_t *one = json_array_get(all, i);
		const char *purpose = emr_json_text_at(one, "purpose");
		size_t at = strlen(terms);

		until_text(emr_json_number_at(one, "until_unix"), s->now, until, sizeof until);
		snprintf(terms + at, sizeof terms - at, "%s%s%s%s, %s", i > 0 ? "; " : "",
			emr_text_word(emr_json_text_at(one, "rights")),
			purpose[0] != '\0' ? ", " : "", emr_text_word(purpose), until);
	}
	if (terms[0] == '\0')
		return;
	emr_remark_that(s->out, EMR_SAY_REPLACES, "who", emr_json_text_at(s->look, "text"), "path",
		s->request.path, "terms", terms, NULL);
}

static void say_look(sharing *s)
{
	char who[600], path[EMR_ASK_PATH_MAX + 1], count[EMR_COUNT_BYTES];

	s->out->remarks_left = REMARKS_MOST;
	emr_show(emr_json_text_at(s->look, "text"), who, sizeof who);
	emr_show(s->request.path, path, sizeof path);
	say_terms(s, who, path);
	emr_say_kept_out(s->out, s->look, s->request.path);
	say_replaced(s);
	if (emr_json_number_at(s->look, "wrapped") > 0) {
		emr_count_text(
			emr_json_number_at(s->look, "wrapped"), "record is", "records are", count);
		emr_say(s->out,
			"So that earlier versions and what was deleted stay hidden, %s wrapped "
			"again.\n",
			count);
	}
	if (emr_json_number_at(s->look, "moved") > 0) {
		emr_count_text(emr_json_number_at(s->look, "moved"),
			"file or folder gets a key of its", "files and folders get keys of their",
			count);
		emr_say(s->out,
			"It is shared by itself for the first time: %s own first, in the "
			"background.\n",
			count);
	}
	if (s->request.write || !s->request.deposit) /* there is no key to be released */
		emr_say_release(s->out, s->look);
	if (!emr_json_flag_at(s->look, "compared") && emr_json_flag_at(s->look, "known"))
		emr_remark_that(s->out, EMR_SAY_NOT_COMPARED, "who",
			emr_json_text_at(s->look, "who"), NULL);
	s->out->remarks_left = 0;
}

/* All that the request asks for; the yes to it names the whole id of what was shown. */
static void take_asked(sharing *s)
{
	emr_request *r = &s->request;

	snprintf(r->path, sizeof r->path, "%s", emr_json_text_at(s->look, "path"));
	snprintf(r->who, sizeof r->who, "%s", emr_json_text_at(s->look, "who"));
	snprintf(r->id, sizeof r->id, "%s", emr_json_text_at(s->look, "whole"));
	r->write = strcmp(emr_json_text_at(s->look, "rights"), "write") == 0;
	r->deposit = strcmp(emr_json_text_at(s->look, "rights"), "deposit") == 0;
	r->purposes = (uint32_t)emr_json_number_at(s->look, "purposes");
	r->until_unix_s = emr_json_number_at(s->look, "until_unix");
}

static bool says_yes(const sharing *s)
{
	return s->args->given[EMR_OPT_YES] ||
	       (!s->args->given[EMR_OPT_JSON] && emr_terminal_there() &&
		       emr_terminal_says_yes("Share it (yes or no)?"));
}

/* ---- sharing ---- */

/* Shows the share; and by another rule, where the owner says yes to it. */
static emr_status look(sharing *s, emr_problem *out_problem)
{
	bool is_changed = false;

	s->request.look = true;
	EMR_TRY(emr_client_ask(&s->client, &s->request, WORK_MS, &s->look, out_problem));
	if (s->request.id[0] != '\0')
		take_asked(s);
	if (s->request.away[0] == '\0' && (s->request.write || !s->request.deposit))
		EMR_TRY(emr_offer_own(
			s->args, s->out, &s->client, s->look, &is_changed, out_problem));
	if (!is_changed)
		return EMR_OK;
	json_decref(s->look);
	s->look = NULL;
	return emr_client_ask(&s->client, &s->request, WORK_MS, &s->look, out_problem);
}

static emr_status share(sharing *s, emr_problem *out_problem)
{
	char number[EMR_COUNT_BYTES];
	json_auto_t *answer = NULL;
	uint64_t order;
	bool answers = false;

	EMR_TRY(look(s, out_problem));
	if (emr_json_flag_at(s->look, "already")) {
		emr_say(s->out, "It is shared so already; nothing was changed.\n");
		return EMR_OK;
	}
	say_look(s);
	if (!says_yes(s)) {
		emr_count_text(emr_json_number_at(s->look, "files"), "file", "files", number);
		return EMR_PROBLEM(EMR_DENIED, out_problem,
			s->request.deposit && !s->request.write ? EMR_SAY_DEPOSIT_NEEDS_YES
								: EMR_SAY_SHARE_NEEDS_YES,
			"names", emr_json_text_at(s->look, "text"), "n", number, "path",
			s->request.path, NULL);
	}
	EMR_TRY(emr_away_answers(s->args, &s->client, &s->request, &answers, out_problem));
	s->request.look = false;
	snprintf(s->request.shown, sizeof s->request.shown, "%s",
		emr_json_text_at(s->look, "shown"));
	EMR_TRY(emr_client_ask(&s->client, &s->request, WORK_MS, &answer, out_problem));
	order = emr_json_number_at(answer, "order");
	if (order != 0) /* 0: somebody shared it so meanwhile */
		EMR_TRY(emr_order_wait(&s->client, s->args, s->request.path,
			emr_json_text_at(s->look, "text"), order, EMR_SAY_SHARE_FAILED,
			out_problem));
	emr_say_shared(s->out, answer, s->args->given[EMR_OPT_WAIT]);
	return answers ? emr_share_by_rule(
				 s->args, s->out, &s->client, s->request.away, out_problem)
		       : EMR_OK;
}

/* The newest row of the list that is for the same person, path and end. */
static emr_status find_row(sharing *s, json_t **out_grant, emr_problem *out_problem)
{
	json_auto_t *answer = NULL;
	json_t *one, *found = NULL;
	size_t i;

	EMR_TRY(fetch_shares(s, &answer, out_problem));
	json_array_foreach(json_object_get(answer, "grants"), i, one)
	{
		if (strcmp(emr_json_text_at(one, "path"),
			    s->request.path[0] != '\0' ? s->request.path : "/") == 0 &&
			strcmp(emr_json_text_at(one, "who"), s->request.who) == 0 &&
			emr_json_number_at(one, "until_unix") == s->request.until_unix_s)
			found = one;
	}
	if (found != NULL)
		strip(found);
	*out_grant = found != NULL ? json_incref(found) : json_null();
	return EMR_OK;
}

emr_status emr_share_as_asked(const emr_args *args, emr_out *out, emr_client *client,
	const emr_request *request, json_t **out_grant, emr_problem *out_problem)
{
	sharing s = {.args = args,
		.out = out,
		.client = *client,
		.request = *request,
		.now = emr_clock_unix_s(emr_clock_system())};
	emr_status status = share(&s, out_problem);

	if (status == EMR_OK)
		status = find_row(&s, out_grant, out_problem);
	json_decref(s.look);
	return status;
}

/* ---- the line ---- */

static emr_status read_terms(sharing *s, emr_problem *out_problem)
{
	size_t len = strlen(s->args->operands[2]);

	if (strcmp(s->args->operands[1], "with") != 0)
		return emr_wrong_use("share",
			_("share needs a path, the word with, and somebody: emrfs share "
			  "Imaging with lima@saolucas"),
			out_problem);
	if (len == 0 || len >= sizeof s->request.who)
		return emr_wrong_use("share", _("Nobody is called that."), out_problem);
	memcpy(s->request.who, s->args->operands[2], len + 1);
	s->request.until_unix_s = s->now + MONTH_S;
	EMR_TRY(emr_until_take(s->args, "share", &s->request.until_unix_s, out_problem));
	return emr_purposes_take(s->args, "share", &s->request.purposes, out_problem);
}

static emr_status read_line(sharing *s, emr_problem *out_problem)
{
	static const emr_option only_with_path[] = {
		EMR_OPT_UNTIL, EMR_OPT_PURPOSE, EMR_OPT_WAIT, EMR_OPT_WRITE, EMR_OPT_DEPOSIT};
	int64_t wait_ns;

	EMR_TRY(emr_away_take(s->args, "share", &s->request, out_problem));
	if (s->args->n_operands == 0) {
		for (size_t i = 0; i < sizeof only_with_path / sizeof *only_with_path; i++)
			if (s->args->given[only_with_path[i]])
				return emr_wrong_use("share", _("That option needs PATH with WHO."),
					out_problem);
		return EMR_OK;
	}
	if (s->args->given[EMR_OPT_WRITE] && s->args->given[EMR_OPT_DEPOSIT])
		return emr_wrong_use(
			"share", _("It is --write or --deposit, not both."), out_problem);
	if (s->args->n_operands != 3)
		return emr_wrong_use(
			"share", _("share takes PATH with WHO, or nothing."), out_problem);
	if (emr_order_wait_time(s->args, &wait_ns) != EMR_OK)
		return emr_wrong_use(
			"share", _("--wait takes a time such as 90s or 5min."), out_problem);
	return read_terms(s, out_problem);
}

static void sharing_end(sharing *s)
{
	emr_client_close(&s->client);
	json_decref(s->look);
}

emr_status emr_cmd_share(const emr_args *args, emr_out *out, emr_problem *out_problem)
{
	__attribute__((cleanup(sharing_end))) sharing s = {.args = args,
		.out = out,
		.client = EMR_CLIENT_CLOSED,
		.request = {.ask = EMR_ASK_SHARE,
			.purposes = 1,
			.write = args->given[EMR_OPT_WRITE],
			.deposit = args->given[EMR_OPT_DEPOSIT]},
		.now = emr_clock_unix_s(emr_clock_system())};

	EMR_TRY(read_line(&s, out_problem));
	EMR_TRY(emr_client_find(args->values[EMR_OPT_AS], &s.client, out_problem));
	EMR_TRY(emr_client_path(&s.client, args->operands[0], &s.request, out_problem));
	if (args->n_operands > 0 && emr_path_is_shared(s.request.path))
		return emr_ask_for_another(args, out, &s.client, &s.request, out_problem);
	if (args->n_operands > 0)
		EMR_TRY(share(&s, out_problem));
	else if (s.request.away[0] != '\0')
		EMR_TRY(emr_share_by_rule(args, out, &s.client, s.request.away, out_problem));
	return list(&s, out_problem);
}
