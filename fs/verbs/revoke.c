/* This file is `emrfs revoke`: it takes back what was shared, tells what that person opened
 * before, and names other shares through which the same files can still be read. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "kit/json.h"
#include "kit/language.h"
#include "kit/terminal.h"
#include "kit/text.h"
#include "mount/client.h"
#include "verbs/cmd.h"

#include "verbs_private.h"

#define WORK_MS 120000
#define FOLDED 5 /* more lines than this about one folder are one */
#define LOOK_NS INT64_C(5000000000)
#define LOOK_AWAY_NS                                                                               \
	INT64_C(300000000) /* without a ledger only what never reached it can be done */

typedef struct revoking {
	const emr_args *args;
	emr_out *out;
	emr_client client;
	emr_request request;
	json_t *answer;				   /* owned */
	json_t *ended, *opened, *released, *still; /* in it */
	bool names_seen;
	bool is_reached;   /* the ledger is there */
	bool is_confirmed; /* the ledger has all of it */
} revoking;

/* PATH from WHO, or --all from WHO. */
static emr_status read_line(revoking *r, emr_problem *out_problem)
{
	const emr_args *args = r->args;
	bool all = args->given[EMR_OPT_ALL];
	size_t wanted = all ? 2 : 3, len;
	int64_t wait_ns;

	if (args->n_operands != wanted || strcmp(args->operands[wanted - 2], "from") != 0)
		return emr_wrong_use(
			"revoke", _("revoke takes PATH from WHO, or --all from WHO."), out_problem);
	len = strlen(args->operands[wanted - 1]);
	if (len == 0 || len >= sizeof r->request.who)
		return emr_wrong_use("revoke", _("Nobody is called that."), out_problem);
	if (emr_order_wait_time(args, &wait_ns) != EMR_OK)
		return emr_wrong_use(
			"revoke", _("--wait takes a time such as 90s or 5min."), out_problem);
	memcpy(r->request.who, args->operands[wanted - 1], len + 1);
	return EMR_OK;
}

static emr_status ask_revoke(revoking *r, emr_problem *out_problem)
{
	json_decref(r->answer);
	r->answer = NULL;
	EMR_TRY(emr_client_gather(
		&r->client, &r->request, WORK_MS, r->out, NULL, &r->answer, out_problem));
	r->ended = emr_json_list_at(r->answer, "ended");
	r->opened = emr_json_list_at(r->answer, "openings");
	r->released = emr_json_list_at(r->answer, "released");
	r->still = emr_json_list_at(r->answer, "still");
	r->names_seen = emr_json_flag_at(r->answer, "names_seen");
	r->is_reached = emr_json_flag_at(r->answer, "reached");
	return EMR_OK;
}

static size_t folder_len(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? (size_t)(slash - path) : 0;
}

/* How many of LIST, from FIRST on, are of one folder and one kind: a series of images is one line,
 * not three hundred. */
static size_t count_alike(const json_t *list, size_t first)
{
	const json_t *one = json_array_get(list, first);
	const char *path = emr_json_text_at(one, "path");
	size_t n = 1, len = folder_len(path);

	for (; first + n < json_array_size(list); n++) {
		const json_t *next = json_array_get(list, first + n);

		if (folder_len(emr_json_text_at(next, "path")) != len ||
			strncmp(emr_json_text_at(next, "path"), path, len) != 0 ||
			emr_json_flag_at(next, "proven") != emr_json_flag_at(one, "proven"))
			break;
	}
	return n;
}

/* WORDS: what is known of each.  Returns how many of them the line is about. */
static size_t say_seen(const revoking *r, const json_t *list, size_t first, const char *words)
{
	const json_t *one = json_array_get(list, first);
	size_t n = count_alike(list, first), len = folder_len(emr_json_text_at(one, "path"));
	char path[300], word[300], when[EMR_TEXT_BYTES], whole[EMR_ASK_PATH_MAX + 1];
	bool is_folded = n > FOLDED;

	snprintf(whole, sizeof whole, "%.*s", is_folded ? (int)len : EMR_ASK_PATH_MAX,
		emr_json_text_at(one, "path"));
	emr_show(whole, path, sizeof path);
	emr_shell_word(whole, word, sizeof word);
	emr_time_text(json_integer_value(json_object_get(one, "at_unix")), when);
	if (!is_folded) {
		emr_say(r->out, "  %s   %s   %s\n", when, path, words);
		return 1;
	}
	emr_say(r->out, "  %s   %zu files of %s   %s   (each: emrfs log --all%s%s)\n", when, n,
		len > 0 ? path : _("your folder"), words, len > 0 ? " " : "", len > 0 ? word : "");
	return n;
}

static void say_opened(const revoking *r)
{
	size_t opened = json_array_size(r->opened), released = json_array_size(r->released);

	if (opened > 0)
		emr_say(r->out, "What was opened cannot be un-seen:\n");
	for (size_t i = 0; i < opened;)
		i += say_seen(r, r->opened, i,
			emr_json_flag_at(json_array_get(r->opened, i), "proven")
				? _("opened: reported; its key was released: proven")
				: _("opened: reported"));
	if (released > 0)
		emr_say(r->out, "Could have been opened, and nobody reports that it was:\n");
	for (size_t i = 0; i < released;)
		i += say_seen(r, r->released, i, _("its key was released: proven"));
	/* A guardian, who is not told, has no id of what ended. */
	if (opened + released == 0 && !r->names_seen &&
		emr_json_text_at(json_array_get(r->ended, 0), "id")[0] != '\0')
		emr_say(r->out, "Nothing was opened by what has ended.\n");
}

static void strip(json_t *list, bool is_proven)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		json_object_del(json_array_get(list, i), "at_unix");
		if (is_proven) /* all of them */
			json_object_del(json_array_get(list, i), "proven");
	}
}

static void say_all(revoking *r)
{
	for (size_t i = 0; i < json_array_size(r->ended); i++) {
		const json_t *one = json_array_get(r->ended, i);
		char path[300];

		emr_show(emr_json_text_at(one, "path"), path, sizeof path);
		emr_say(r->out, "%s: %s   %s\n",
			r->is_confirmed ? _("Ended") : _("Will end as soon as the ledger answers"),
			path, emr_json_text_at(one, "id"));
	}
	if (r->names_seen)
		emr_say(r->out, "The names of what lies there were seen.\n");
	say_opened(r);
	strip(r->opened, false);
	strip(r->released, true);
	emr_out_put(r->out, "ended", json_incref(r->ended));
	emr_out_put(r->out, "openings", json_incref(r->opened));
	emr_out_put(r->out, "released", json_incref(r->released));
	emr_out_put(r->out, "still", json_incref(r->still));
	emr_out_flag(r->out, "names_seen", r->names_seen);
	emr_out_text(r->out, "state", r->is_confirmed ? "confirmed" : "queued");
}

/* Each other share by which he reads it, with the command that ends it; the last one is the error.
 */
static emr_status say_still(const revoking *r, emr_problem *out_problem)
{
	size_t n = json_array_size(r->still);

	for (size_t i = 0; i < n; i++) {
		const json_t *way = json_array_get(r->still, i);
		emr_problem remark = {0};

		emr_problem_set(&remark, EMR_SAY_STILL_READS, "who", r->request.who, "path",
			emr_json_text_at(way, "path"), "called", emr_json_text_at(way, "via"),
			NULL);
		if (i + 1 < n)
			emr_remark(r->out, &remark);
		else
			*out_problem = remark;
	}
	return n > 0 ? EMR_DENIED : EMR_OK;
}

/* How long the answer waits for the ledger when nobody said --wait. */
static emr_status look_for_orders(revoking *r, emr_problem *out_problem)
{
	const json_t *orders = json_object_get(r->answer, "orders");
	const char *path = r->request.has_path ? r->request.path : _("Everything");
	int64_t wait_ns = r->is_reached ? LOOK_NS : LOOK_AWAY_NS, deadline;
	bool is_done;
	emr_status status =
		r->args->given[EMR_OPT_WAIT] ? emr_order_wait_time(r->args, &wait_ns) : EMR_OK;

	r->is_confirmed = true;
	deadline = emr_clock_boot_ns(emr_clock_system()) + wait_ns;
	for (size_t i = 0; i < json_array_size(orders) && status == EMR_OK; i++) {
		status = emr_order_look(&r->client, path, r->request.who,
			(uint64_t)json_integer_value(json_array_get(orders, i)),
			deadline - emr_clock_boot_ns(emr_clock_system()), EMR_SAY_REVOKE_FAILED,
			&is_done, out_problem);
		r->is_confirmed = r->is_confirmed && status == EMR_OK && is_done;
	}
	return status;
}

/* A person sees what would end, and for whom, before it does, and nothing else does then. */
static emr_status ask_first(revoking *r, emr_problem *out_problem)
{
	emr_status status;

	if (!emr_terminal_asks(r->args->given[EMR_OPT_YES] || r->args->given[EMR_OPT_JSON]))
		return EMR_OK;
	r->request.look = true;
	status = ask_revoke(r, out_problem);
	r->request.look = false;
	snprintf(r->request.shown, sizeof r->request.shown, "%s",
		emr_json_text_at(r->answer, "shown"));
	if (status == EMR_OK && json_array_size(r->ended) > 0)
		emr_say(r->out, "This ends, for %s:\n", emr_json_text_at(r->answer, "text"));
	for (size_t i = 0; i < json_array_size(r->ended) && status == EMR_OK; i++) {
		const json_t *one = json_array_get(r->ended, i);
		char path[300];

		emr_show(emr_json_text_at(one, "path"), path, sizeof path);
		emr_say(r->out, "  %s   %s\n", path, emr_json_text_at(one, "id"));
	}
	if (status != EMR_OK || json_array_size(r->ended) == 0 ||
		emr_terminal_says_yes("End it (yes or no)?"))
		return status;
	return EMR_PROBLEM(
		EMR_DENIED, out_problem, EMR_SAY_NO_YES, "what", _("Nothing was ended."), NULL);
}

static emr_status revoke(revoking *r, emr_problem *out_problem)
{
	EMR_TRY(ask_first(r, out_problem));
	EMR_TRY(ask_revoke(r, out_problem));
	EMR_TRY(look_for_orders(r, out_problem));
	say_all(r);
	if (r->is_confirmed || !r->args->given[EMR_OPT_WAIT])
		return say_still(r, out_problem);
	return EMR_PROBLEM(EMR_TIMEOUT, out_problem, EMR_SAY_ORDER_UNSENT, "path",
		r->request.has_path ? r->request.path : _("Everything"), NULL);
}

emr_status emr_revoke_all_from(const emr_args *args, emr_out *out, emr_client *client,
	const char *who, emr_problem *out_problem)
{
	revoking r = {
		.args = args, .out = out, .client = *client, .request = {.ask = EMR_ASK_REVOKE}};
	emr_status status;

	snprintf(r.request.who, sizeof r.request.who, "%s", who);
	status = revoke(&r, out_problem);
	json_decref(r.answer);
	return status;
}

static void revoking_end(revoking *r)
{
	emr_client_close(&r->client);
	json_decref(r->answer);
}

emr_status emr_cmd_revoke(const emr_args *args, emr_out *out, emr_problem *out_problem)
{
	__attribute__((cleanup(revoking_end))) revoking r = {.args = args,
		.out = out,
		.client = EMR_CLIENT_CLOSED,
		.request = {.ask = EMR_ASK_REVOKE}};

	EMR_TRY(read_line(&r, out_problem));
	EMR_TRY(emr_client_find(args->values[EMR_OPT_AS], &r.client, out_problem));
	if (!args->given[EMR_OPT_ALL])
		EMR_TRY(emr_client_path(&r.client, args->operands[0], &r.request, out_problem));
	return revoke(&r, out_problem);
}
