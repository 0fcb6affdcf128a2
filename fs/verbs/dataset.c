/* This file is `emrfs dataset`: it shows the terms of research collections and who reads them, puts
 * a folder into one and takes it out again, and does what a steward asks for. It refuses to put
 * anything in before its terms were shown and somebody said yes. */
#include <stdio.h>
#include <string.h>

#include "kit/json.h"
#include "kit/language.h"
#include "kit/purposes.h"
#include "kit/terminal.h"
#include "kit/text.h"
#include "mount/client.h"
#include "org/datasets.h"
#include "research/research.h"
#include "verbs/cmd.h"

#include "verbs_private.h"

#define WORK_MS 300000 /* one file may take two minutes */
#define NAMES_SHOWN 3

typedef struct dataset {
	const emr_args *args;
	emr_out *out;
	emr_client client;
	emr_bureau bureau;
	bool with_copies; /* also where copies lie */
	json_t *list;	  /* what was asked for; owned */
	json_t *said;	  /* of the copies; owned */
} dataset;

static long long number_of(const json_t *object, const char *name)
{
	return json_integer_value(json_object_get(object, name));
}

/* ---- what the open folder, or the local copy of the ledger, says ---- */

static emr_status ask_folder(dataset *d, const char *name, emr_problem *out_problem)
{
	emr_request request = {.ask = EMR_ASK_DATASET, .join = d->with_copies};
	bool is_done = false;

	if (name != NULL && strlen(name) >= sizeof request.who)
		return emr_wrong_use("dataset", _("No dataset is called that."), out_problem);
	if (name != NULL)
		snprintf(request.who, sizeof request.who, "%s", name);
	EMR_TRY(emr_client_send(&d->client, &request, out_problem));
	while (!is_done) {
		json_auto_t *object = NULL;

		EMR_TRY(emr_client_receive(&d->client, WORK_MS, &object, out_problem));
		EMR_TRY(emr_dataset_take(d->list, object));
		is_done = emr_json_flag_at(object, "done");
	}
	return EMR_OK;
}

static emr_status look_here(dataset *d, const char *name, emr_problem *out_problem)
{
	const emr_session *session = &d->bureau.session;
	EMR_AUTO_CROWD crowd = {0};
	const emr_id32 root = emr_session_root(session);
	emr_team one;

	EMR_TRY(emr_crowd_open(session, &crowd));
	if (name == NULL)
		return emr_datasets_json(&crowd, root, false, d->list);
	return emr_dataset_called_json(&crowd, name, root, &one, d->list, out_problem);
}

static emr_status fetch_dataset(dataset *d, const char *name, emr_problem *out_problem)
{
	emr_problem closed;
	emr_status status = emr_client_find(d->args->values[EMR_OPT_AS], &d->client, out_problem);

	if (status == EMR_OK)
		return ask_folder(d, name, out_problem);
	if (status != EMR_NOT_FOUND)
		return status;
	closed = *out_problem;
	*out_problem = (emr_problem){0};
	status = emr_bureau_open_any(d->args, &d->bureau, out_problem);
	if (out_problem->is_set && out_problem->message == EMR_SAY_NOT_ADMIN)
		*out_problem = closed; /* who looks for calls runs no organisation */
	return status == EMR_OK ? look_here(d, name, out_problem) : status;
}

/* ---- in words ---- */

#define SHOWN_BYTES (EMR_TERMS_TEXT_MAX + 100)

static const char *shown(const char *text, char out[SHOWN_BYTES])
{
	emr_show(text, out, SHOWN_BYTES);
	return out;
}

static void say_rules(const dataset *d, const json_t *one)
{
	static const struct {
		const char *name, *sentence;
	} kept[] = {{"faces", N_("Pictures of heads are given, too, also where a face can be drawn "
				 "from them.")},
		{"derived", N_("Pictures that a device made from others are given, too, although "
			       "text may be drawn in them.")},
		{"mosaic_tiles", N_("Of pictures that are mosaics (MR of Siemens) the number of "
				    "tiles stays.")},
		{"safe_private",
			N_("Numbers and codes of a maker's own stay, too, where the DICOM standard "
			   "lists them as safe; the makers do not promise that they are.")},
		{"nifti", N_("Volumes of numbers (NIfTI) are given, too, without the texts of "
			     "their headers.")},
		{"edf", N_("Recordings of signals (EDF, BDF) are given, too, without names, dates "
			   "and notes.")},
		{"genomes",
			N_("Genomes (VCF, BAM, CRAM) are given, too, without names in what they "
			   "begin with; a genome can tell whose it is.")}};

	if (strcmp(emr_json_text_at(one, "data"), "identified") == 0)
		return;
	emr_say(d->out, "  Dates: %s\n",
		strcmp(emr_json_text_at(one, "dates"), "removed") == 0
			? _("none stays")
			: _("moved into the past, all of one person by the same time"));
	if (emr_json_flag_at(one, "characteristics"))
		emr_say(d->out, "  Sex, age (to 90), size and weight stay.\n");
	for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
		if (strcmp(emr_json_text_at(one, kept[i].name), "kept") == 0)
			emr_say(d->out, "  %s\n", _(kept[i].sentence));
}

/* The folders that copies are made of, and how many files have none. */
static void say_sources(const dataset *d, const json_t *one)
{
	const json_t *sources = json_object_get(one, "sources");

	for (size_t i = 0; i < json_array_size(sources); i++) {
		const json_t *row = json_array_get(sources, i);
		char path[SHOWN_BYTES], copies[EMR_COUNT_BYTES];

		emr_count_text(emr_json_number_at(row, "copies"), "copy", "copies", copies);
		emr_say(d->out,
			"  Of what is in %s: %s, %lld without. To copy what is new: emrfs dataset "
			"update\n",
			shown(emr_json_text_at(row, "path"), path), copies,
			number_of(row, "without"));
	}
}

static void say_one(const dataset *d, const json_t *one)
{
	const json_t *joined = json_object_get(one, "joined"),
		     *readers = json_object_get(one, "readers"),
		     *former = json_object_get(one, "former");
	char until[EMR_TEXT_BYTES], count[EMR_COUNT_BYTES], text[SHOWN_BYTES];
	bool is_plain = strcmp(emr_json_text_at(one, "data"), "identified") == 0;
	const char *closed = emr_json_text_at(one, "closed");

	emr_say(d->out, "%s, of %s\n", emr_json_text_at(one, "name"),
		shown(emr_json_text_at(one, "organisation"), text));
	emr_moment_text(closed, until);
	if (closed[0] != '\0')
		emr_say(d->out, "  Closed %s: nobody joins or reads it any more.\n", until);
	emr_say(d->out, "  For: %s\n", shown(emr_json_text_at(one, "purpose"), text));
	emr_say(d->out, "  Read by: %s\n", shown(emr_json_text_at(one, "who"), text));
	emr_day_text(emr_json_text_at(one, "until"), until);
	emr_say(d->out, "  Until: %s\n", until);
	dataset_say_words(d->out, one);
	emr_say(d->out, "  Records: %s\n",
		is_plain ? _("as they are, with names and dates in them")
			 : _("de-identified, by the computer of who takes part"));
	emr_say(d->out, "  Names: pseudonyms, which hide people from strangers alone: who has "
			"somebody's card, as a hospital has, can find out which folder is whose\n");
	say_rules(d, one);
	if (number_of(one, "price") > 0)
		emr_say(d->out, "  Each who takes part gets %lld points.\n",
			number_of(one, "price"));
	if (number_of(one, "daily_limit") > 0)
		emr_say(d->out,
			"  A reader opens at most %lld files for the first time in a day.\n",
			number_of(one, "daily_limit"));
	emr_count_text(emr_json_number_at(one, "participants"), "folder is", "folders are", count);
	emr_say(d->out, "  %s in it.  Terms: %.16s\n", count, emr_json_text_at(one, "terms"));
	if (number_of(one, "withheld") > 0) {
		emr_count_text(emr_json_number_at(one, "withheld"), "file that was opened here is",
			"files that were opened here are", count);
		emr_say(d->out, "  %s no copies as the terms ask for, and withheld.\n", count);
	}
	if (json_array_size(readers) == 0 && closed[0] == '\0')
		emr_say(d->out, json_array_size(former) == 0 ? N_("  Nobody reads it yet.\n")
							     : N_("  Nobody reads it now.\n"));
	dataset_say_readers(d->out, readers);
	dataset_say_readers(d->out, former);
	for (size_t i = 0; i < json_array_size(joined); i++)
		emr_say(d->out, "  Yours in it: %s\n",
			shown(json_string_value(json_array_get(joined, i)), text));
	say_sources(d, one);
}

static void say_line(const dataset *d, const json_t *one)
{
	char until[EMR_TEXT_BYTES], count[EMR_COUNT_BYTES], called[300], column[340];

	emr_show(emr_json_text_at(one, "called"), called, sizeof called);
	emr_column_text(called, 28, column, sizeof column);
	emr_day_text(emr_json_text_at(one, "until"), until);
	emr_count_text(emr_json_number_at(one, "participants"), "folder", "folders", count);
	emr_say(d->out, "%s  %s   %s   %s%s%s%s\n", column, count,
		emr_text_word(emr_json_text_at(one, "data")), until,
		emr_json_flag_at(one, "steward") ? _("   yours") : "",
		emr_json_flag_at(one, "reader") ? _("   you read it") : "",
		json_array_size(json_object_get(one, "joined")) > 0 ? _("   you take part") : "");
}

static void say_frozen(const dataset *d, const json_t *one)
{
	const json_t *frozen = json_object_get(one, "frozen"), *state;
	char at[EMR_TEXT_BYTES], count[EMR_COUNT_BYTES];
	size_t i;

	if (json_array_size(frozen) == 0)
		emr_say(d->out, "No state of it was frozen.\n");
	json_array_foreach(frozen, i, state)
	{
		emr_moment_text(emr_json_text_at(state, "at"), at);
		emr_count_text(emr_json_number_at(state, "versions"), "version", "versions", count);
		emr_say(d->out, "%s@%.8s  %s  %s\n", emr_json_text_at(one, "name"),
			emr_json_text_at(state, "snapshot"), at, count);
	}
}

static void strip(json_t *list)
{
	for (size_t i = 0; i < json_array_size(list); i++)
		json_object_del(json_array_get(list, i), "until_unix");
}

static emr_status show(dataset *d, const char *name, emr_problem *out_problem)
{
	EMR_TRY(fetch_dataset(d, name, out_problem));
	if (name == NULL && json_array_size(d->list) == 0)
		emr_say(d->out, "There is no dataset in your network.\n");
	for (size_t i = 0; i < json_array_size(d->list); i++)
		(name == NULL				 ? say_line
			: d->args->given[EMR_OPT_FROZEN] ? say_frozen
							 : say_one)(d, json_array_get(d->list, i));
	strip(d->list);
	emr_out_put(d->out, "datasets", json_incref(d->list));
	return EMR_OK;
}

/* ---- join ---- */

/* The open folder's answer about the copies. */
typedef struct copies {
	const char *dataset; /* as people call it */
	const char *from, *to, *pseudonym;
	uint64_t n, added;
	bool is_agreed;
	char shown[80]; /* the word for what would be given (sharing/shown.h) */
} copies;

static void say_copies_are_read(
	const dataset *d, const copies *c, const char *organisation, const char *until)
{
	char from[SHOWN_BYTES];

	emr_say(d->out,
		"To join is to let all whom %s admits, now and later, read copies of %s, which are "
		"made now and lie in %s: without\nnames, ids and texts, for "
		"research only, until %s. What a picture itself shows stays in it. What you put "
		"into that folder\nyourself is shown to nobody.\n",
		organisation, shown(c->from, from), c->to, until);
	emr_say(d->out,
		"This is for what lies in %s now and for what comes there later: new and changed "
		"files are copied in the same\nway, without another question, when you open your "
		"folder, and by: emrfs dataset update\nWhat you remove there, move away or change "
		"takes its copy out at once.\n",
		from);
}

/* In as many words: what is read, by whom, for what, and what cannot be taken back. A pseudonym
 * hides who it is from the readers' folder, and from nobody who looks into the ledger.  C: NULL,
 * where PATH itself is read. */
static void say_join(const dataset *d, const char *path, const copies *c)
{
	const json_t *one = json_array_get(d->list, 0);
	char folder[SHOWN_BYTES], organisation[SHOWN_BYTES], until[EMR_TEXT_BYTES],
		word[SHOWN_BYTES];

	say_one(d, one);
	shown(emr_json_text_at(one, "organisation"), organisation);
	emr_day_text(emr_json_text_at(one, "until"), until);
	if (c != NULL)
		say_copies_are_read(d, c, organisation, until);
	else
		emr_say(d->out,
			"To join is to let all whom %s admits, now and later, read %s itself: the "
			"files as they are, with your name\nwhere it stands in them, and what "
			"comes there later. For research only, until %s. They see it under a "
			"pseudonym;\nfiles that name you do so all the same.\n",
			organisation, shown(path, folder), until);
	if (d->args->given[EMR_OPT_AWAY] && strcmp(d->args->values[EMR_OPT_AWAY], "own") == 0)
		emr_say(d->out,
			"While your folder is closed, the agent of your own organisation may give "
			"its keys to these readers, too: that\nprotects you from readers, not from "
			"your organisation.\n");
	emr_say(d->out,
		"A state that the steward freezes keeps what it names for these readers, also "
		"when you change or remove it,\nuntil you leave or erase it: emrfs erase\n");
	emr_say(d->out, "That you take part is no secret in your network: every member's copy of "
			"the ledger says that your key, which is on your card, joined, and when.\n"
			"Researchers who have your card, and your hospital, can find out which "
			"folder is yours.\n");
	if (number_of(one, "price") > 0)
		emr_say(d->out, "The payment shows every member your account of points, too.\n");
	emr_shell_name(emr_json_text_at(one, "name"), word, sizeof word);
	emr_say(d->out,
		"You can leave at any time: emrfs dataset leave %s\nWhat was worked out from "
		"your records before stays.\n",
		word);
}

/* ---- join with copies ---- */

/* Those of LIST that were withheld for WHY; of DATASET, or "". */
static void say_withheld(
	const dataset *d, const json_t *list, const char *of_dataset, const char *why)
{
	char names[1000] = "", count[EMR_COUNT_BYTES], one[300];
	size_t n = 0;

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *file = json_array_get(list, i);

		if (strcmp(emr_json_text_at(file, "why"), why) != 0 ||
			strcmp(emr_json_text_at(file, "called"), of_dataset) != 0 ||
			n++ >= NAMES_SHOWN)
			continue;
		emr_show(emr_json_text_at(file, "path"), one, sizeof one);
		snprintf(names + strlen(names), sizeof names - strlen(names), "%s%s",
			n > 1 ? ", " : "", one);
	}
	if (n == 0)
		return;
	emr_count_text(n, "file is", "files are", count);
	emr_say(d->out, "  %s withheld, %s: %s%s\n", count, _(emr_withheld_sentence(why)), names,
		n > NAMES_SHOWN ? ", ..." : "");
}

static void say_all_withheld(const dataset *d, const json_t *list, const char *of_dataset)
{
	const char *why;

	for (size_t i = 0; (why = emr_withheld_word(i)) != NULL; i++)
		say_withheld(d, list, of_dataset, why);
}

static void say_copies(const dataset *d, const copies *c)
{
	char count[EMR_COUNT_BYTES];

	emr_count_text(c->n, "copy", "copies", count);
	emr_say(d->out,
		"%s for it, under the name %s: %llu elements emptied or changed, %llu "
		"removed.\n",
		count, c->pseudonym, (unsigned long long)emr_json_number_at(d->said, "changed"),
		(unsigned long long)emr_json_number_at(d->said, "removed"));
	if (c->added < c->n) {
		emr_count_text(c->n - c->added, "of them lies", "of them lie", count);
		emr_say(d->out, "  %s in %s already.\n", count, c->to);
	}
	say_all_withheld(d, json_object_get(d->said, "withheld_files"), "");
}

/* ---- what the open folder does of it ---- */

static emr_status ask_copies(dataset *d, copies *c, bool look, bool drop, emr_problem *out_problem)
{
	emr_request request = {
		.ask = EMR_ASK_DATASET, .join = true, .look = look, .drop = drop, .has_path = true};

	snprintf(request.who, sizeof request.who, "%s", c->dataset);
	snprintf(request.path, sizeof request.path, "%s", c->from);
	if (!look)
		snprintf(request.shown, sizeof request.shown, "%s", c->shown);
	json_decref(d->said);
	d->said = NULL;
	EMR_TRY(emr_client_gather(&d->client, &request, WORK_MS, d->out,
		look ? N_("Looked at") : N_("Copied"), &d->said, out_problem));
	snprintf(c->shown, sizeof c->shown, "%s", emr_json_text_at(d->said, "shown"));
	c->n = emr_json_number_at(d->said, "copies");
	c->added = emr_json_number_at(d->said, "added");
	c->is_agreed = emr_json_flag_at(d->said, "is_agreed");
	return EMR_OK;
}

static bool is_joined(const json_t *one, const char *path)
{
	const json_t *joined = json_object_get(one, "joined");

	for (size_t i = 0; i < json_array_size(joined); i++)
		if (strcmp(json_string_value(json_array_get(joined, i)), path) == 0)
			return true;
	return false;
}

static emr_status ask_yes(dataset *d, const copies *c, emr_problem *out_problem)
{
	char count[EMR_COUNT_BYTES];
	if (d->args->given[EMR_OPT_YES] ||
		(!d->args->given[EMR_OPT_JSON] && emr_terminal_there() &&
			emr_terminal_says_yes(N_("Give these copies, and copies of what "
						 "comes later (yes or no)?"))))
		return EMR_OK;
	emr_count_text(c->n, "copy", "copies", count);
	return EMR_PROBLEM(EMR_DENIED, out_problem, EMR_SAY_SHARE_NEEDS_YES, "names", c->dataset,
		"n", count, NULL);
}

/* A refusal before anything is asked for leaves no copies; later the folder may be granted already,
 * and stays. */
static emr_status give_copies(dataset *d, const copies *c, const emr_request *asked,
	bool *out_is_asked, emr_problem *out_problem)
{
	emr_args args = *d->args;
	emr_request request = *asked;
	json_auto_t *answer = NULL;
	json_t *grant = NULL;
	bool is_changed = false;

	snprintf(request.path, sizeof request.path, "%s", c->to);
	request.look = true;
	EMR_TRY(emr_client_ask(&d->client, &request, WORK_MS, &answer, out_problem));
	if (request.away[0] == '\0')
		EMR_TRY(emr_offer_own(&args, d->out, &d->client, answer, &is_changed, out_problem));
	request.look = false;
	*out_is_asked = true;
	args.given[EMR_OPT_YES] = true;
	EMR_TRY(emr_share_as_asked(&args, d->out, &d->client, &request, &grant, out_problem));
	emr_out_put(d->out, "grant", grant);
	return EMR_OK;
}

static emr_status write_and_give(
	dataset *d, copies *c, const emr_request *request, bool is_in, emr_problem *out_problem)
{
	char count[EMR_COUNT_BYTES];
	copies undone = {.dataset = c->dataset, .from = c->from};
	emr_problem ignored = {0};
	bool is_asked = false;
	emr_status status = ask_copies(d, c, false, false, out_problem);

	emr_count_text(c->added, "copy is", "copies are", count);
	emr_out_number(d->out, "added", c->added);
	if (status == EMR_OK && !is_in)
		status = give_copies(d, c, request, &is_asked, out_problem);
	if (status == EMR_OK)
		emr_say(d->out, "%s new in %s\n", count, c->to);
	/* A refusal is said, whatever becomes of the copies. */
	else if (!is_asked && !is_in &&
		 (ask_copies(d, &undone, false, true, &ignored) != EMR_OK ||
			 !emr_json_flag_at(d->said, "gone")))
		emr_say(d->out, "The copies that were made stay in %s\n", c->to);
	return status;
}

static emr_status join_with_copies(dataset *d, const emr_request *request, emr_problem *out_problem)
{
	const json_t *one = json_array_get(d->list, 0), *where = json_object_get(one, "copies");
	copies c = {.dataset = emr_json_text_at(one, "called"),
		.from = request->path,
		.to = emr_json_text_at(where, "path"),
		.pseudonym = emr_json_text_at(where, "pseudonym")};
	bool is_in = is_joined(one, c.to);

	say_join(d, c.from, &c);
	EMR_TRY(ask_copies(d, &c, true, false, out_problem));
	say_copies(d, &c);
	emr_out_text(d->out, "folder", c.to);
	emr_out_number(d->out, "cleaned", c.n);
	emr_out_number(d->out, "changed", emr_json_number_at(d->said, "changed"));
	emr_out_number(d->out, "removed", emr_json_number_at(d->said, "removed"));
	emr_out_put(d->out, "withheld_files",
		json_deep_copy(emr_json_list_at(d->said, "withheld_files")));
	if (c.n == 0)
		return EMR_PROBLEM(EMR_NOT_FOUND, out_problem, EMR_SAY_NOTHING_CLEAN, "path",
			c.from, "what", c.dataset, NULL);
	if (is_in && c.added == 0 && c.is_agreed) {
		emr_out_number(d->out, "added", 0);
		emr_say(d->out, "Nothing of it is new; nothing was changed.\n");
		return EMR_OK;
	}
	EMR_TRY(ask_yes(d, &c, out_problem));
	return write_and_give(d, &c, request, is_in, out_problem);
}

/* ---- join and leave, both kinds ---- */

static emr_status join(dataset *d, emr_problem *out_problem)
{
	emr_request request = {
		.ask = EMR_ASK_SHARE, .join = true, .purposes = 1u << EMR_DATASET_PURPOSE};
	json_t *one, *grant = NULL;

	EMR_TRY(emr_client_find(d->args->values[EMR_OPT_AS], &d->client, out_problem));
	d->with_copies = true;
	if (d->args->given[EMR_OPT_AWAY])
		snprintf(request.away, sizeof request.away, "%s", d->args->values[EMR_OPT_AWAY]);
	EMR_TRY(ask_folder(d, d->args->operands[1], out_problem));
	EMR_TRY(emr_client_path(&d->client, d->args->operands[2], &request, out_problem));
	one = json_array_get(d->list, 0);
	request.until_unix_s = emr_json_number_at(one, "until_unix");
	snprintf(
		request.who, sizeof request.who, "dataset:%.200s", emr_json_text_at(one, "called"));
	snprintf(request.name, sizeof request.name, "%s", emr_json_text_at(one, "terms"));
	if (json_object_get(one, "copies") != NULL)
		return join_with_copies(d, &request, out_problem);
	say_join(d, request.path, NULL);
	EMR_TRY(emr_share_as_asked(d->args, d->out, &d->client, &request, &grant, out_problem));
	emr_out_put(d->out, "grant", grant);
	return EMR_OK;
}

/* ---- what came since ---- */

static void say_updated(const dataset *d, const json_t *one, const json_t *withheld)
{
	char count[EMR_COUNT_BYTES], name[SHOWN_BYTES];
	const char *called = emr_json_text_at(one, "called");

	emr_count_text(emr_json_number_at(one, "copies"), "copy", "copies", count);
	emr_say(d->out, "%s: %s, of which %lld new and %lld changed; %lld taken back\n",
		shown(called, name), count, number_of(one, "new"), number_of(one, "changed"),
		number_of(one, "taken_back"));
	say_all_withheld(d, withheld, called);
}

static emr_status update(dataset *d, emr_problem *out_problem)
{
	const emr_request request = {.ask = EMR_ASK_DATASET, .update = true};
	json_auto_t *answer = NULL;
	const json_t *all, *withheld;

	EMR_TRY(emr_client_find(d->args->values[EMR_OPT_AS], &d->client, out_problem));
	EMR_TRY(emr_client_gather(
		&d->client, &request, WORK_MS, d->out, N_("Looked at"), &answer, out_problem));
	all = emr_json_list_at(answer, "updated");
	withheld = emr_json_list_at(answer, "withheld_files");
	if (json_array_size(all) == 0)
		emr_say(d->out, "No copies of your files are in a dataset.\n");
	for (size_t i = 0; i < json_array_size(all); i++)
		say_updated(d, json_array_get(all, i), withheld);
	emr_out_put(d->out, "updated", json_deep_copy(all));
	emr_out_put(d->out, "withheld_files", json_deep_copy(withheld));
	return EMR_OK;
}

static emr_status leave(dataset *d, emr_problem *out_problem)
{
	const char *name = d->args->operands[1];
	char who[EMR_ASK_WHO_MAX + 1];
	json_t *one;
	const char *place;

	EMR_TRY(emr_client_find(d->args->values[EMR_OPT_AS], &d->client, out_problem));
	d->with_copies = true;
	/* A whole name is that of what was given: it ends whatever the steward has made of it. */
	if (strchr(name, '@') == NULL)
		EMR_TRY(ask_folder(d, name, out_problem));
	one = json_array_get(d->list, 0);
	place = emr_json_text_at(json_object_get(one, "copies"), "path");
	if (one != NULL && json_array_size(json_object_get(one, "joined")) == 0)
		return EMR_PROBLEM(EMR_NOT_FOUND, out_problem, EMR_SAY_NOT_JOINED, "what",
			emr_json_text_at(one, "called"), NULL);
	snprintf(who, sizeof who, "dataset:%.200s",
		one != NULL ? emr_json_text_at(one, "called") : name);
	EMR_TRY(emr_revoke_all_from(d->args, d->out, &d->client, who, out_problem));
	emr_say(d->out, "What was worked out from your records before stays.\n");
	if (place[0] != '\0' && is_joined(one, place))
		emr_say(d->out, "The copies stay in your folder, in %s\n", place);
	return EMR_OK;
}

/* ---- the steward ---- */

static emr_status steward(dataset *d, emr_problem *out_problem)
{
	const char *deed = d->args->operands[0], *name = d->args->operands[1];
	uint64_t until_unix_s = 0;

	EMR_TRY(emr_until_take(d->args, "dataset", &until_unix_s, out_problem));
	EMR_TRY(emr_bureau_open(d->args, &d->bureau, out_problem));
	if (strcmp(deed, "create") == 0)
		EMR_TRY(emr_dataset_create(d->args, &d->bureau, out_problem));
	else if (strcmp(deed, "admit") == 0)
		EMR_TRY(emr_dataset_admit(
			&d->bureau, name, d->args->operands[2], until_unix_s, out_problem));
	else if (strcmp(deed, "drop") == 0)
		EMR_TRY(emr_dataset_drop(d->args, &d->bureau, out_problem));
	else if (strcmp(deed, "fund") == 0)
		EMR_TRY(emr_dataset_fund(d->args, d->out, &d->bureau, out_problem));
	else
		EMR_TRY(emr_dataset_close(d->args, d->out, &d->bureau, out_problem));
	if (strcmp(deed, "close") == 0) {
		emr_say(d->out, "%s is closed.\n", name);
		return EMR_OK;
	}
	EMR_TRY(look_here(d, name, out_problem));
	say_one(d, json_array_get(d->list, 0));
	strip(d->list);
	emr_out_put(d->out, "datasets", json_incref(d->list));
	return EMR_OK;
}

static emr_status freeze(dataset *d, emr_problem *out_problem)
{
	const char *name = d->args->operands[1];
	char id[33], root[65], number[EMR_COUNT_BYTES], shown_name[SHOWN_BYTES], word[SHOWN_BYTES];
	emr_frozen made;

	EMR_TRY(emr_bureau_open(d->args, &d->bureau, out_problem));
	EMR_TRY(emr_dataset_freeze(d->args, &d->bureau, &made, out_problem));
	emr_hex(made.id.b, sizeof made.id.b, id);
	emr_hex(made.root.b, sizeof made.root.b, root);
	emr_count_text(made.n, "version is", "versions are", number);
	emr_shell_word(name, word, sizeof word);
	emr_say(d->out, "%s fixed as %s@%.8s: emrfs mount DIR --dataset %s@%.8s\n", number,
		shown(name, shown_name), id, word, id);
	emr_out_text(d->out, "snapshot", id);
	emr_out_text(d->out, "root", root);
	emr_out_number(d->out, "versions", made.n);
	emr_out_number(d->out, "ledger_entries", made.log_size);
	return EMR_OK;
}

static const struct {
	const char *name;
	size_t operands;
	bool takes_terms, waits;
	emr_status (*run)(dataset *d, emr_problem *out_problem);
} deeds[] = {{"create", 2, true, false, steward}, {"admit", 3, false, false, steward},
	{"drop", 3, false, false, steward}, {"close", 2, false, false, steward},
	{"fund", 3, false, false, steward}, {"freeze", 2, false, false, freeze},
	{"join", 3, false, true, join}, {"update", 1, false, true, update},
	{"leave", 2, false, true, leave}};

#define DEEDS (sizeof deeds / sizeof *deeds)

static emr_status run(dataset *d, emr_problem *out_problem)
{
	const emr_args *args = d->args;
	int64_t wait_ns;
	emr_away away;
	size_t i = 0;

	if (emr_order_wait_time(args, &wait_ns) != EMR_OK)
		return emr_wrong_use(
			"dataset", _("--wait takes a time such as 90s or 5min."), out_problem);
	while (i < DEEDS && (args->n_operands < 1 || strcmp(args->operands[0], deeds[i].name) != 0))
		i++;
	if ((i < DEEDS && args->n_operands != deeds[i].operands) ||
		(i == DEEDS && args->n_operands > 1))
		return emr_wrong_use("dataset",
			_("dataset takes NAME, create NAME, admit NAME WHO, drop NAME WHO, "
			  "freeze NAME, fund NAME N, close NAME, join NAME PATH, update or "
			  "leave NAME."),
			out_problem);
	if (((args->given[EMR_OPT_TERMS] || args->given[EMR_OPT_AGREEMENT]) &&
		    (i == DEEDS || !deeds[i].takes_terms)) ||
		(args->given[EMR_OPT_UNTIL] && (i == DEEDS || strcmp(deeds[i].name, "admit") != 0)))
		return emr_wrong_use("dataset",
			_("--terms and --agreement are for create, and --until is for admit."),
			out_problem);
	if (args->given[EMR_OPT_FROZEN] && (i < DEEDS || args->n_operands == 0))
		return emr_wrong_use("dataset",
			_("--frozen takes one name: emrfs dataset NAME --frozen."), out_problem);
	if (args->given[EMR_OPT_AWAY] &&
		(i == DEEDS || deeds[i].run != join ||
			!emr_away_parse(args->values[EMR_OPT_AWAY], &away)))
		return emr_wrong_use("dataset",
			_("--away is for join, and takes others, own or nobody."), out_problem);
	if (args->given[EMR_OPT_WAIT] && (i == DEEDS || !deeds[i].waits))
		return emr_wrong_use("dataset", _("--wait is for join and leave."), out_problem);
	return i < DEEDS ? deeds[i].run(d, out_problem)
			 : show(d, d->args->n_operands == 1 ? d->args->operands[0] : NULL,
				   out_problem);
}

static void dataset_end(dataset *d)
{
	emr_client_close(&d->client);
	emr_bureau_close(&d->bureau);
	json_decref(d->list);
	json_decref(d->said);
}

emr_status emr_cmd_dataset(const emr_args *args, emr_out *out, emr_problem *out_problem)
{
	__attribute__((cleanup(dataset_end))) dataset d = {.args = args,
		.out = out,
		.client = EMR_CLIENT_CLOSED,
		.bureau = EMR_BUREAU_CLOSED,
		.list = json_array()};

	return run(&d, out_problem);
}
