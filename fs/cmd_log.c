#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#include "cmd.h"
#include "cmd/text.h"
#include "deeds.h"
#include "reach.h"
#include "view/when.h"

typedef struct telling {
	emr_out *out;
	json_t *all; /* with --json */
	uint64_t n;
} telling;

static emr_status take_entry(telling *t, json_t *entry)
{
	EMR_AUTO_FREE char *line = emr_deed_line(entry);

	if (line == NULL)
		return EMR_NO_MEMORY;
	t->n++;
	emr_say(t->out, "%s\n", line);
	if (!t->out->is_json)
		return EMR_OK;
	json_object_del(entry, "at_unix");
	return json_array_append(t->all, entry) == 0 ? EMR_OK : EMR_NO_MEMORY;
}

static emr_status take(void *arg, json_t *object)
{
	telling *t = arg;
	json_t *portion = json_object_get(object, "entries");
	emr_status status = EMR_OK;

	for (size_t i = 0; i < json_array_size(portion) && status == EMR_OK; i++)
		status = take_entry(t, json_array_get(portion, i));
	json_decref(object);
	return status;
}

/* "7d" (ago), "2026-11-20" (its beginning), "2026-11-20T14:05". */
static emr_status read_since(const emr_args *args, emr_request *request, emr_problem *out_problem)
{
	const char *text = args->values[EMR_OPT_SINCE];
	uint64_t until, now = (uint64_t)emr_clock_unix_s(emr_clock_system());
	int64_t ago_ns;

	if (text == NULL || emr_when_parse(text, &request->since_unix_s, &until) == EMR_OK)
		return EMR_OK;
	if (emr_duration_parse(text, &ago_ns) == EMR_OK) {
		uint64_t ago = (uint64_t)(ago_ns / 1000000000);

		request->since_unix_s = ago < now ? now - ago : 1;
		return EMR_OK;
	}
	emr_problem_set(out_problem, EMR_SAY_WRONG_USE, "what",
		"--since takes a time: 7d, 2026-11-20 or 2026-11-20T14:05.", "verb", "log", NULL);
	return EMR_INVALID;
}

int emr_cmd_log(const emr_args *args, emr_out *out)
{
	EMR_AUTO_REACH reach = EMR_REACH_CLOSED;
	emr_problem problem = {0};
	emr_request request = {.ask = EMR_ASK_LOG};
	telling t = {.out = out, .all = json_array()};
	emr_status status = read_since(args, &request, &problem);

	if (status == EMR_OK)
		status = emr_reach_open(args, &reach, &problem);
	if (status == EMR_OK)
		status = emr_reach_path(&reach, args, &request, &problem);
	if (status == EMR_OK)
		status = emr_reach_ask(&reach, &request, take, &t, &problem);
	if (status == EMR_OK) {
		emr_say(out, "%s", t.n > 0 ? EMR_DEEDS_LEGEND "\n" : "Nothing in that time.\n");
		emr_out_put(out, "entries", json_incref(t.all));
	}
	json_decref(t.all);
	return status == EMR_OK ? EMR_EXIT_DONE : emr_out_fail(out, &problem);
}
