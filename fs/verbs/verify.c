/* This file is `emrfs verify`: it has every record, the blocks and the ledger checked again, and
 * reports each fault. It also names versions of others that are missing, and the backup that may
 * have what is lost. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kit/json.h"
#include "kit/language.h"
#include "kit/places.h"
#include "kit/text.h"
#include "mount/verify.h"
#include "people/origin.h"
#include "report/report.h"
#include "session/second_copy.h"
#include "verbs/cmd.h"

typedef struct outcome {
	emr_out *out;
	json_t *bad, *gaps;
	bool has_gaps; /* they were looked for */
	json_t *last;  /* the object with "done" */
} outcome;

static void say_bad(emr_out *out, const json_t *bad)
{
	char shown[4200];
	emr_message message;

	emr_show(emr_json_text_at(bad, "path"), shown, sizeof shown);
	if (!emr_message_find(emr_json_text_at(bad, "error"), &message))
		message = EMR_SAY_FAILED;
	emr_say(out, "  %-14s %s%s[%s]\n", emr_json_text_at(bad, "error"), shown,
		shown[0] != '\0' ? "  " : "", emr_json_text_at(bad, "where"));
}

static void show(emr_out *out, const json_t *progress)
{
	const char *part = emr_json_text_at(progress, "part");

	if (strcmp(part, "blocks") == 0)
		emr_progress(out, "Reading all blocks once more ...");
	else if (strcmp(part, "ledger") == 0)
		emr_progress(out, "Checking the ledger ...");
	else
		emr_progress_of(out, "Checked", EMR_PROGRESS_RECORDS,
			emr_json_number_at(progress, "so_far"), emr_json_number_at(progress, "of"));
}

/* Progress, faults and the end, as they come. */
static emr_status take_finding(void *arg, json_t *object)
{
	outcome *o = arg;
	const json_t *progress = json_object_get(object, "progress");
	json_t *bad = json_object_get(object, "fault"), *gap = json_object_get(object, "gap");
	emr_status status = EMR_OK;

	if (progress != NULL) {
		show(o->out, progress);
	} else if (bad != NULL) {
		say_bad(o->out, bad);
		if (json_array_append(o->bad, bad) != 0)
			status = EMR_NO_MEMORY;
	} else if (gap != NULL) {
		if (json_array_append(o->gaps, gap) != 0)
			status = EMR_NO_MEMORY;
	} else {
		json_decref(o->last);
		o->last = json_incref(object);
	}
	json_decref(object);
	return status;
}

/* Of a network on Fabric or at a host: no damage, and nothing that a backup would have. */
static void say_awaited(emr_out *out, uint64_t n)
{
	char text[EMR_TEXT_BYTES];

	if (n == 0)
		return;
	emr_number_text(n, text);
	emr_say(out,
		emr_text_of(n,
			"%s private part that the ledger names has not come yet. It is asked for "
			"again until it comes; what needs it cannot be opened before.\n",
			"%s private parts that the ledger names have not come yet. They are asked "
			"for again until they come; what needs them cannot be opened before.\n"),
		text);
}

static void say_chain(emr_out *out, const json_t *chain)
{
	EMR_AUTO_FREE char *restarts = emr_restarts_text(json_object_get(chain, "restarts"));
	char size[EMR_TEXT_BYTES];

	emr_number_text(emr_json_number_at(chain, "size"), size);
	emr_say(out, "Ledger: %s entries.\n", size);
	emr_say(out, "%s", restarts != NULL ? restarts : "");
	say_awaited(out, emr_json_number_at(chain, "awaited"));
	if (emr_json_flag_at(chain, "mended"))
		emr_say(out,
			"What was damaged of it was put right from the verified copy of it, where "
			"that has it whole. emrfs verify --chain says whether anything is left.\n");
}

/* Nothing, for what is not a file or not on the ledger. */
static void say_origin(emr_out *out, const json_t *signed_by)
{
	EMR_AUTO_FREE char *text = signed_by != NULL ? emr_origin_text(signed_by) : NULL;

	if (text != NULL)
		emr_say(out, "%s", text);
}

static void say_gaps(emr_out *out, const json_t *gaps)
{
	for (size_t i = 0; i < json_array_size(gaps); i++)
		emr_gap_say(out, json_array_get(gaps, i));
	if (json_array_size(gaps) > 0)
		emr_say(out,
			"A number that is not here was signed. Whether it was erased or "
			"removed, lies where you do not see it, or never reached the ledger, it "
			"does not say.\n");
}

static void say_brought(emr_out *out, const json_t *last)
{
	json_int_t bytes = json_integer_value(json_object_get(last, "brought_bytes"));
	char text[EMR_TEXT_BYTES];

	if (bytes == 0)
		return;
	emr_size_text((uint64_t)bytes, text);
	emr_say(out, "%s were missing on this disk and came from your IPFS node.\n", text);
}

static bool is_missing(const json_t *bad)
{
	const json_t *one;
	size_t i;

	json_array_foreach(bad, i, one)
	{
		if (strcmp(emr_json_text_at(one, "error"), "missing-data") == 0)
			return true;
	}
	return false;
}

/* Whether bytes of records, or of a ledger that was not put right, are lost or damaged: what a
 * backup can have. */
static bool is_any_lost(const json_t *bad, bool is_mended)
{
	for (size_t i = 0; i < json_array_size(bad); i++) {
		const char *error = emr_json_text_at(json_array_get(bad, i), "error");

		if (strcmp(error, "missing-data") == 0 || strcmp(error, "bad-data") == 0 ||
			(strcmp(error, "ledger-damaged") == 0 && !is_mended))
			return true;
	}
	return false;
}

/* The way back that she prepared herself: the newest backup that is not seen to be gone. */
static void say_backup(const emr_args *args, emr_out *out, const json_t *bad, bool is_mended)
{
	EMR_AUTO_FREE emr_second_copy *all = calloc(EMR_SECOND_COPIES_MAX, sizeof *all);
	EMR_AUTO_PLACES places = {0};
	emr_problem ignored = {0};
	char made[EMR_TEXT_BYTES], at[EMR_TEXT_BYTES], dir[4200], state[4200];
	size_t n = 0, i = 0;
	int state_fd;

	if (all == NULL || !is_any_lost(bad, is_mended) ||
		emr_places_find(args->values[EMR_OPT_AS], &places, &ignored) != EMR_OK ||
		emr_places_open_state(&places, false, &state_fd, &ignored) != EMR_OK)
		return;
	n = emr_second_copies_read(state_fd, all, EMR_SECOND_COPIES_MAX);
	close(state_fd);
	while (i < n && all[i].is_gone)
		i++;
	if (i == n)
		return;
	emr_time_text((int64_t)all[i].made_unix_s, made);
	emr_time_json((int64_t)all[i].made_unix_s, at);
	emr_shell_word(all[i].dir, dir, sizeof dir);
	emr_shell_word(places.state, state, sizeof state);
	emr_out_put(out, "backup", json_pack("{s:s, s:s}", "dir", all[i].dir, "at", at));
	emr_say(out,
		"The backup of %s in %s may have what is lost here, and nothing that was saved "
		"since. To go back to it: move %s away, then: emrfs init --restore %s\n",
		made, dir, state, dir);
}

static emr_status conclude(
	const emr_args *args, emr_out *out, const outcome *o, emr_problem *out_problem)
{
	json_int_t checked = json_integer_value(json_object_get(o->last, "checked"));
	json_int_t failed = json_integer_value(json_object_get(o->last, "bad_count"));
	const json_t *chain = json_object_get(o->last, "chain");
	char n[EMR_TEXT_BYTES], m[EMR_TEXT_BYTES];
	static const char *const passed[] = {
		"checked", "versions", "chain", "signer", "time", "tx", "signed", "brought_bytes"};

	for (size_t i = 0; i < sizeof passed / sizeof *passed; i++) {
		json_t *value = json_object_get(o->last, passed[i]);

		if (value != NULL)
			emr_out_put(out, passed[i], json_incref(value));
	}
	emr_out_put(out, "bad", json_incref(o->bad));
	if (o->has_gaps)
		emr_out_put(out, "gaps", json_incref(o->gaps));
	if (chain != NULL)
		say_chain(out, chain);
	say_gaps(out, o->gaps);
	say_brought(out, o->last);
	emr_number_text((uint64_t)failed, n);
	emr_number_text((uint64_t)checked, m);
	if (failed == 0 && chain != NULL && json_is_false(json_object_get(chain, "reached")))
		return EMR_PROBLEM(
			EMR_MISSING_DATA, out_problem, EMR_SAY_LEDGER_AWAY_CHECKED, "m", m, NULL);
	if (failed == 0) {
		emr_say(out,
			emr_text_of((uint64_t)checked, "%s check, nothing wrong.\n",
				"%s checks, nothing wrong.\n"),
			m);
		say_origin(out, json_object_get(o->last, "signed"));
		return EMR_OK;
	}
	say_backup(args, out, o->bad, emr_json_flag_at(chain, "mended"));
	return EMR_PROBLEM(EMR_DAMAGED, out_problem,
		is_missing(o->bad) ? EMR_SAY_VERIFY_MISSING : EMR_SAY_VERIFY_BAD, "n", n, "m", m,
		NULL);
}

static void outcome_end(outcome *o)
{
	json_decref(o->bad);
	json_decref(o->gaps);
	json_decref(o->last);
}

emr_status emr_cmd_verify(const emr_args *args, emr_out *out, emr_problem *out_problem)
{
	EMR_AUTO_REACH reach = EMR_REACH_CLOSED;
	emr_request request = {.ask = EMR_ASK_VERIFY,
		.quick = args->given[EMR_OPT_QUICK],
		.chain = args->given[EMR_OPT_CHAIN]};
	__attribute__((cleanup(outcome_end)))
	outcome o = {.out = out, .bad = json_array(), .gaps = json_array()};

	if (args->given[EMR_OPT_PROOF])
		return emr_verify_proof(args, out, out_problem);
	EMR_TRY(emr_reach_open(args, &reach, out_problem));
	EMR_TRY(emr_reach_path(&reach, args, &request, out_problem));
	EMR_TRY(emr_verify_own(&reach, &request, out_problem));
	o.has_gaps = !request.chain && request.path[0] == '\0';
	EMR_TRY(emr_reach_ask(&reach, &request, &(emr_sink){take_finding, &o}, out_problem));
	if (reach.is_study)
		emr_say(out,
			"Only your own records were checked. Those of the dataset are checked "
			"each time one is read, copies also by: sha256sum -c MANIFEST.sha256\n");
	return conclude(args, out, &o, out_problem);
}
