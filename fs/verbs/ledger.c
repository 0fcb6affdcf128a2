/* This file is `emrfs ledger`: it lists entries of the ledger, and prints the head of the ledger
 * as this computer has verified and signed it. It changes nothing. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kit/json.h"
#include "kit/text.h"
#include "mount/reach.h"
#include "kit/language.h"
#include "verbs/cmd.h"

typedef struct entries {
	emr_out *out;
	json_t *all; /* with --json */
	json_t *checkpoint;
	uint64_t n;
	bool is_away; /* these are what this computer has verified */
} entries;

static void entries_end(entries *e)
{
	json_decref(e->all);
	json_decref(e->checkpoint);
}

static void say_entry(entries *e, const json_t *entry)
{
	char when[EMR_TEXT_BYTES];

	emr_moment_text(emr_json_text_at(entry, "at"), when);
	if (e->n++ == 0)
		emr_say(e->out, "%-7s %-20s  %-10s %-4s %-8s  %-16s  %-16s\n", "entry", "time",
			"what", "no.", "object", _("item before"), "item");
	emr_say(e->out, "%-7lld %-20s  %-10s %-4lld %.8s  %.16s%*s  %.16s%s%s\n",
		(long long)json_integer_value(json_object_get(entry, "index")), when,
		emr_json_text_at(entry, "op"),
		(long long)json_integer_value(json_object_get(entry, "version")),
		emr_json_text_at(entry, "object"),
		emr_json_text_at(entry, "before")[0] != '\0' ? emr_json_text_at(entry, "before")
							     : "-",
		emr_json_text_at(entry, "before")[0] != '\0' ? 0 : 15, "",
		emr_json_text_at(entry, "after"),
		strcmp(emr_json_text_at(entry, "result"), "applied") == 0 ? "" : _("  refused: "),
		strcmp(emr_json_text_at(entry, "result"), "applied") == 0
			? ""
			: emr_json_text_at(entry, "result"));
}

static emr_status take_entry(void *arg, json_t *object)
{
	entries *e = arg;
	json_t *portion = json_object_get(object, "entries");
	emr_status status = EMR_OK;

	for (size_t i = 0; i < json_array_size(portion); i++)
		say_entry(e, json_array_get(portion, i));
	if (e->out->is_json && portion != NULL && json_array_extend(e->all, portion) != 0)
		status = EMR_NO_MEMORY;
	if (json_is_string(json_object_get(object, "checkpoint"))) {
		json_decref(e->checkpoint);
		e->checkpoint = json_incref(json_object_get(object, "checkpoint"));
	}
	if (json_is_false(json_object_get(object, "reached")))
		e->is_away = true;
	json_decref(object);
	return status;
}

static emr_status read_limit(const emr_args *args, emr_request *request, emr_problem *out_problem)
{
	const char *text = args->values[EMR_OPT_LIMIT];
	unsigned long limit;
	char *end;

	if (text == NULL)
		return EMR_OK;
	limit = strtoul(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end != '\0' || limit == 0 ||
		limit > EMR_ASK_LIMIT_MAX) {
		return emr_wrong_use(
			"ledger", _("--limit takes a number from 1 to 1000000."), out_problem);
	}
	request->limit = (uint32_t)limit;
	return EMR_OK;
}

static void conclude(emr_out *out, entries *e)
{
	if (json_is_string(e->checkpoint))
		emr_say(out, "%s%s", e->n > 0 ? "\n" : "", json_string_value(e->checkpoint));
	if (e->is_away)
		emr_remark_that(out, EMR_SAY_LEDGER_AWAY_LISTED, NULL);
	emr_out_flag(out, "reached", !e->is_away);
	emr_out_put(out, "entries", json_incref(e->all));
	emr_out_put(out, "checkpoint",
		e->checkpoint != NULL ? json_incref(e->checkpoint) : json_null());
}

emr_status emr_cmd_ledger(const emr_args *args, emr_out *out, emr_problem *out_problem)
{
	EMR_AUTO_REACH reach = EMR_REACH_CLOSED;
	emr_request request = {
		.ask = EMR_ASK_LEDGER, .checkpoint = args->given[EMR_OPT_CHECKPOINT]};
	__attribute__((cleanup(entries_end))) entries e = {.out = out, .all = json_array()};

	EMR_TRY(read_limit(args, &request, out_problem));
	EMR_TRY(emr_reach_open(args, &reach, out_problem));
	EMR_TRY(emr_reach_path(&reach, args, &request, out_problem));
	EMR_TRY(emr_reach_ask(&reach, &request, &(emr_sink){take_entry, &e}, out_problem));
	conclude(out, &e);
	return EMR_OK;
}
