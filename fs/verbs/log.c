/* This file is `emrfs log`: it tells who saved, changed, shared, received or opened what and
 * when, as lines or as JSON. */
#include <string.h>

#include "base/clock.h"
#include "kit/json.h"
#include "kit/language.h"
#include "kit/text.h"
#include "report/deeds.h"
#include "report/folding.h"
#include "mount/reach.h"
#include "verbs/cmd.h"

typedef struct telling {
	emr_out *out;
	json_t *all;	      /* with --json */
	emr_folding *folding; /* NULL: every line is said */
	uint64_t n;
} telling;

static void say_line(void *arg, const char *line)
{
	emr_say(arg, "%s\n", line);
}

static emr_status say_entry(const telling *t, const json_t *entry)
{
	EMR_AUTO_FREE char *line = NULL;

	if (t->folding != NULL)
		return emr_folding_add(t->folding, entry);
	line = emr_deed_line(entry);
	if (line == NULL)
		return EMR_NO_MEMORY;
	say_line(t->out, line);
	return EMR_OK;
}

static emr_status take_entry(telling *t, json_t *entry)
{
	emr_status said;

	t->n++;
	said = say_entry(t, entry);
	if (said != EMR_OK || !t->out->is_json)
		return said;
	emr_deed_strip(entry);
	return json_array_append(t->all, entry) == 0 ? EMR_OK : EMR_NO_MEMORY;
}

static emr_status take_deed(void *arg, json_t *object)
{
	telling *t = arg;
	json_t *portion = json_object_get(object, "entries");
	emr_status status = EMR_OK;

	for (size_t i = 0; i < json_array_size(portion) && status == EMR_OK; i++)
		status = take_entry(t, json_array_get(portion, i));
	emr_out_text(t->out, "owner", emr_json_text_at(object, "owner"));
	json_decref(object);
	return status;
}

/* "7d" (ago), "2026-11-20" (its beginning), "2026-11-20T14:05". */
static emr_status read_since(const emr_args *args, uint64_t *out_unix_s, emr_problem *out_problem)
{
	const char *text = args->values[EMR_OPT_SINCE];
	emr_day_span span;

	if (text == NULL)
		return EMR_OK;
	if (emr_past_read(text, emr_clock_unix_s(emr_clock_system()), &span) != EMR_OK)
		return emr_wrong_use("log",
			_("--since takes a time: 7d, 2026-11-20 or 2026-11-20T14:05."),
			out_problem);
	*out_unix_s = span.first_unix_s;
	return EMR_OK;
}

static emr_status read_choice(const emr_args *args, emr_request *request, emr_problem *out_problem)
{
	const char *who = args->values[EMR_OPT_WHO];

	if (who != NULL && (who[0] == '\0' || strlen(who) > EMR_ASK_WHO_MAX))
		return emr_wrong_use("log", _("Nobody is called that."), out_problem);
	if (who != NULL)
		memcpy(request->who, who, strlen(who) + 1);
	EMR_TRY(emr_purposes_take(args, "log", &request->purposes, out_problem));
	request->software = args->given[EMR_OPT_SOFTWARE];
	request->staff = args->given[EMR_OPT_STAFF];
	if (request->staff && args->n_operands > 0)
		return emr_wrong_use("log",
			_("--staff lists what the staff asked for, whatever it is called: "
			  "without PATH."),
			out_problem);
	return EMR_OK;
}

static void telling_end(telling *t)
{
	emr_folding_free(t->folding);
	json_decref(t->all);
}

emr_status emr_cmd_log(const emr_args *args, emr_out *out, emr_problem *out_problem)
{
	EMR_AUTO_REACH reach = EMR_REACH_CLOSED;
	emr_request request = {.ask = EMR_ASK_LOG};
	__attribute__((cleanup(telling_end))) telling t = {.out = out, .all = json_array()};

	EMR_TRY(read_since(args, &request.since_unix_s, out_problem));
	if (!args->given[EMR_OPT_ALL] && !out->is_json)
		EMR_TRY(emr_folding_new(say_line, out, &t.folding));
	EMR_TRY(read_choice(args, &request, out_problem));
	EMR_TRY(emr_reach_open(args, &reach, out_problem));
	EMR_TRY(emr_reach_path(&reach, args, &request, out_problem));
	EMR_TRY(emr_reach_ask(&reach, &request, &(emr_sink){take_deed, &t}, out_problem));
	if (t.folding != NULL)
		EMR_TRY(emr_folding_end(t.folding));
	if (t.folding != NULL && emr_folding_has_folded(t.folding))
		emr_say(out, "Many files of one folder in one minute are one line; each "
			     "has its own with --all.\n");
	if (t.n > 0)
		emr_say(out, "%s\n", emr_text(EMR_DEEDS_LEGEND));
	else
		emr_say(out, "Nothing in that time.\n");
	emr_out_put(out, "entries", json_incref(t.all));
	return EMR_OK;
}
