/* This file makes the report page `.emrfs/report.html`: the page of page.html, which is a part of
 * the program, with what is here, whether it is safe, who can see it, and what happened as JSON
 * in it. */
#include "special_private.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "kit/json.h"
#include "kit/language.h"
#include "kit/message.h"
#include "kit/out.h"
#include "report/report.h"

#include "page_parts.h"

static const char template[] = {
#include "page_html.inc"
};

/* The sentences and words of the page's script, which looks each up by its English. */
static const char *const words[] = {N_("Health of {who}"), N_("Health folder {who}"),
	N_("As of {time}. Made on your own computer; this page asks no network for anything."),
	N_("Records"), N_("signed and on the ledger"), N_("second copy"),
	N_("the 24 recovery words"), N_("Is it safe?"), N_("The folder is open for reading only."),
	N_("{path} is superseded: somebody else has signed a newer version, and you put this one "
	   "back on top of it."),
	N_("{path} amends a version that is not here any more. Ask who signed it."),
	N_("More such files: "), N_("Who can see what"), N_("Nobody but you."),
	N_("Further ones: "), N_("Folder"), N_("Person"), N_("May"), N_("For"), N_("Until"),
	N_("Now"), N_("for ever"), N_("the team {name}"), N_("everybody of {name}"),
	N_(" (gives the name {name})"), N_(", for {team}"), N_("you"),
	N_("somebody whose card is not here"), N_("reads it, since"), N_("read it, since"),
	N_("signed the agreement"), N_("Who opened what"),
	N_("Keys: proven, on the ledger before they were given. Openings: told by the readers' own "
	   "computers. The strip is the last 90 days, today at its end."),
	N_("Openings"), N_("Keys"), N_("Last"), N_("Days"),
	N_("days with openings in the last {days} days"), N_("no opening reported"),
	N_("saw the names and opened nothing"), N_("was refused"), N_("asked and got nothing"),
	N_("Lately"), N_("What is here"), N_("By kind"), N_("By folder"),
	N_("By year of the examination or letter"), N_("Files"), N_("Size"),
	N_("Nothing yet. Copy what hospitals gave you into the folder."), N_("How it grew"),
	N_("Number of files over time"), N_("Size over time"), N_("Date"), N_("Record"),
	N_("Place"), N_("Top of the folder"), N_("others"), N_("These are the newest. "),
	N_("Every file with its facts: "),
	N_("Dates are those of the examination where the file tells it, else the file's own."),
	N_("Versions"), N_("Saved versions: {versions}. Every one of them can come back."),
	N_("Last saved"), N_("What happened lately"), N_("Nothing yet."), N_("When"), N_("Deed"),
	N_("With"), N_(", whole"), N_(" in {folder}"), N_("a file (its name cannot be read)"),
	N_("a request"), N_("a record that was erased"), N_("folder "), N_("; another goes on"),
	N_("shared"), N_("ended"), N_("left"), N_("opened")};

static json_t *words_json(void)
{
	json_t *all = json_pack("{s:s, s:s, s:s, s:s}", "All", emr_text_as("all records", "All"),
		"None yet", emr_text_as("copy", "None yet"), "Tested",
		emr_text_as("words", "Tested"), "Not tested", emr_text_as("words", "Not tested"));
	const char *word;
	int failed = all == NULL;

	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		failed |= json_object_set_new(all, words[i], json_string(emr_text(words[i])));
	for (size_t i = 0; (word = emr_text_word_known(i)) != NULL; i++)
		failed |= json_object_set_new(all, word, json_string(emr_text_word(word)));
	return failed == 0 ? all : (json_decref(all), NULL);
}

/* The sentences that name a command, a line each: it is called otherwise where emrfs is started
 * otherwise.  Owned by the caller; NULL without memory. */
static char *hints_text(void)
{
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	if (to == NULL)
		return NULL;
	emr_hint_print(to, "Both: emrfs restore --list PATH\n");
	emr_hint_print(to, "All of them: emrfs share\n");
	emr_hint_print(to, "Earlier versions: emrfs restore --list PATH, or the folder as it was "
			   "on a day: .emrfs/at\n");
	emr_hint_print(to, "All of it, with the ledger's entries: emrfs log, or\n");
	return fclose(to) == 0 ? text : (free(text), NULL);
}

static emr_status make_data(emr_session *session, emr_notices *notices, json_t *page)
{
	uint64_t now = (uint64_t)emr_clock_unix_s(emr_clock_system());
	json_auto_t *report = emr_report_folder(session, notices);
	EMR_AUTO_FREE char *hints = hints_text(),
			   *safety = report != NULL ? emr_report_text(report) : NULL;
	EMR_AUTO_DEEDS deeds = {0};

	/* Its first line says whose folder it is, and where it is open. */
	if (hints == NULL || safety == NULL ||
		json_object_update_new(page,
			json_pack("{s:s, s:o, s:o, s:I, s:o, s:b, s:o}", "language",
				emr_language_now(), "words", words_json(), "hints",
				emr_json_text(hints), "now", (json_int_t)now, "status",
				page_pick(report, "owner code files bytes pending failed confirmed "
						  "second_copy backup_unix words_tested_at "
						  "not_safe_files read_only"),
				"needs_copy", emr_report_needs_copy(report), "safety",
				emr_json_text(safety + strcspn(safety, "\n")))) != 0)
		return EMR_NO_MEMORY;
	EMR_TRY(emr_deeds_collect(session, &(emr_deeds_wish){0}, &deeds));
	EMR_TRY(page_facts(session, &deeds, now, page));
	EMR_TRY(page_people(session, &deeds, now, page));
	return page_log(session, &deeds, page);
}

/* ---- into the page ---- */

#define HASH_BYTES 64

/* As a policy names the content between the tags <TAG>. */
static void hash_of(const char *begin, const char *end, char out[HASH_BYTES])
{
	const char *from = strstr(template, begin) + strlen(begin);
	unsigned char sum[crypto_hash_sha256_BYTES];

	crypto_hash_sha256(sum, (const unsigned char *)from, (size_t)(strstr(from, end) - from));
	(void)sodium_bin2base64(out, HASH_BYTES, sum, sizeof sum, sodium_base64_VARIANT_ORIGINAL);
}

/* TEXT, which is JSON in ASCII alone or has no "<": nothing in it ends the element that it stands
 * in. */
static emr_status put_text(const char *text, emr_buf *out)
{
	while (*text != '\0') {
		size_t len = strcspn(text, "<");

		EMR_TRY(emr_buf_append(out, text, len));
		text += len;
		if (*text == '<')
			EMR_TRY(emr_buf_append(out, "\\u003c", 6));
		text += *text == '<';
	}
	return EMR_OK;
}

emr_status emr_page_html(emr_session *session, emr_notices *notices, emr_buf *out)
{
	json_auto_t *page = json_object();
	EMR_AUTO_FREE char *data = NULL;
	char style[HASH_BYTES], script[HASH_BYTES];
	const char *at = template;
	emr_status status = make_data(session, notices, page);

	if (status == EMR_OK)
		data = json_dumps(page, JSON_COMPACT | JSON_ENSURE_ASCII);
	if (data == NULL)
		return status != EMR_OK ? status : EMR_NO_MEMORY;
	hash_of("<style>", "</style>", style);
	hash_of("<script>", "</script>", script);
	/* As the page has places for them. */
	const char *const texts[] = {emr_language_now(), style, script,
		_("This page needs scripts, which this program does not run. The files "
		  "status.txt, log and index.csv beside it say the same."),
		data};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		const char *mark = strstr(at, "{{}}");

		EMR_TRY(emr_buf_append(out, at, (size_t)(mark - at)));
		EMR_TRY(put_text(texts[i], out));
		at = mark + 4;
	}
	return emr_buf_append(out, at, strlen(at));
}
