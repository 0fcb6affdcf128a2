/* These tests go through all messages: each is a whole sentence with an exit code, names in them
 * are made harmless, and each hint names a verb that exists. */
#include "emr_test.h"

#include <libgen.h>
#include <libintl.h>
#include <limits.h>

#include "ipfs/fault.h"
#include "keyring/card.h"
#include "kit/language.h"
#include "kit/message.h"
#include "kit/verbs.h"

static const char *const names[] = {"path", "d", "side", "n", "m", "field", "file", "dir", "pid",
	"state", "what", "numbers", "index", "cause", "line", "verb", "word", "words", "program",
	"value", "folder", "since", "place", "who", "names", "terms", "time", "name", "src", "dest",
	"id", "purpose", "because", "owner", "purposes", "s", "t", "signer", "original", "used",
	"limit", "organisation", "host", "called", "dataset", "others", "reason", "why", "node",
	"said", "signed", "places", "step", "log", "own", "code", "near"};

static bool is_known(const char *name, size_t len)
{
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (strlen(names[i]) == len && memcmp(names[i], name, len) == 0)
			return true;
	}
	return false;
}

static void check_template(const char *template)
{
	while ((template = strchr(template, '{')) != NULL) {
		const char *end = strchr(template, '}');

		assert_non_null(end);
		assert_true(is_known(template + 1, (size_t)(end - template - 1)));
		template = end;
	}
}

TEST(every_message_has_an_id_a_sentence_and_known_names)
{
	for (int i = 0; i < EMR_MESSAGE_COUNT; i++) {
		const emr_message_row *row = emr_message_get((emr_message)i);

		assert_non_null(row->id);
		assert_true(strspn(row->id, "abcdefghijklmnopqrstuvwxyz-") == strlen(row->id));
		assert_true(strlen(row->sentence) > 0);
		assert_true(strcmp(row->level, "info") == 0 || strcmp(row->level, "warn") == 0 ||
			    strcmp(row->level, "error") == 0);
		check_template(row->sentence);
		check_template(row->hint);
	}
}

/* A wish of the caller, and a failure on this computer, have sentences of their own. */
TEST(every_fault_of_a_node_has_its_message)
{
	for (emr_ipfs_fault fault = EMR_IPFS_FINE + 1; fault < EMR_IPFS_FAULT_COUNT; fault++) {
		char id[64];
		emr_message message;

		if (fault == EMR_IPFS_CANCELLED || fault == EMR_IPFS_HERE)
			continue;
		snprintf(id, sizeof id, "node-%s", emr_ipfs_fault_name(fault));
		assert_true(emr_message_find(id, &message));
		assert_string_equal(emr_message_get(message)->id, id);
		assert_int_not_equal(emr_ipfs_fault_status(fault), EMR_OK);
	}
}

TEST(every_message_can_be_an_exit_code_that_means_something)
{
	for (int i = 0; i < EMR_MESSAGE_COUNT; i++) {
		assert_non_null(emr_exit_text((int)emr_message_get((emr_message)i)->exit));
		assert_int_not_equal(emr_message_get((emr_message)i)->exit, EMR_EXIT_DONE);
	}
}

TEST(one_id_has_one_errno)
{
	for (int i = 0; i < EMR_MESSAGE_COUNT; i++) {
		for (int j = 0; j < i; j++) {
			const emr_message_row *a = emr_message_get((emr_message)i),
					      *b = emr_message_get((emr_message)j);

			if (strcmp(a->id, b->id) != 0)
				continue;
			/* bad-data of a whole folder, and a dataset that a folder was taken from,
			 * are about no file */
			assert_true(strcmp(a->errno_name, b->errno_name) == 0 ||
				    a->errno_name[0] == '\0' || b->errno_name[0] == '\0');
		}
	}
}

/* ---- every hint, pasted: others choose what their folders are called ---- */

static void speak_portuguese(void)
{
	char program[PATH_MAX] = "", *catalogues, locales[] = "/tmp/emr-locales-XXXXXX";

	/* A locale of its own, because the C library of Debian 13 translates nothing in C.UTF-8. */
	assert_non_null(mkdtemp(locales));
	setenv("LOCPATH", locales, 1);
	assert_int_equal(system("cd \"$LOCPATH\" && { localedef -i pt_PT -f UTF-8 ./pt_PT.UTF-8 "
				"2>/dev/null; test -d pt_PT.UTF-8; }"),
		0); /* a warning is a failure to localedef */
	assert_true(readlink("/proc/self/exe", program, sizeof program - 1) > 0);
	assert_true(asprintf(&catalogues, "%s/../../share/locale", dirname(program)) > 0);
	setenv("LC_ALL", "pt_PT.UTF-8", 1);
	emr_language_all_english(false);
	emr_language_begin();
	assert_int_equal(system("rm -r \"$LOCPATH\""), 0);
	assert_non_null(bindtextdomain("emrfs", catalogues));
	free(catalogues);
	assert_string_equal(emr_language_now(), "pt");
}

/* Names that a stranger may have, or give to a file: N0 and E0 are where the name begins and ends.
 * A shell that runs a part of it makes the file "ran". */
static const char *const hostile[] = {"N0 ;>ran $(>ran) `>ran` |>ran &>ran\t>ran #>ran E0",
	"N0';>ran;'E0 '$(>ran)'\"", "N0\";>ran;\" $(>ran) E0", "N0\n>ran\r;>ran E0\\",
	"-N0 && >ran; * ? ~ [E0", "~N0)>ran;(E0{a,b}", "!N0<(>ran) ${x:=>ran}\xe2\x80\xa8 E0",
	"$(>ran)N0\\'; >ran; E0'"};

/* HINT as a person may take it: all of it, or from one of its commands on. */
static void put_pasted(FILE *to, const char *hint, const char *name)
{
	static const char *const commands[] = {"emrfs ", "setfattr ", "rm ", "chmod ", "mkdir ",
		"fuser ", "fusermount3 ", "ipfs "};

	fprintf(to, "%s\n%s\n", name, hint);
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
		for (const char *at = strstr(hint, commands[i]); at != NULL;
			at = strstr(at + 1, commands[i]))
			fprintf(to, "%s\n%s\n", name, at);
}

static void put_hint(FILE *to, emr_message message, const char *value)
{
	const char *at = emr_message_get(message)->hint;
	char found[8][24] = {"", "", "", "", "", "", "", ""}, shown[200];
	const char *given[8] = {NULL};
	emr_problem p = {0};
	size_t n = 0;

	for (at = strchr(at, '{'); at != NULL; at = strchr(at + 1, '{')) {
		size_t len = strcspn(at + 1, "}");

		if (len == 4 && memcmp(at + 1, "step", 4) == 0) /* a sentence of emrfs */
			continue;
		assert_true(n < 8 && len < sizeof found[0]);
		snprintf(found[n], sizeof found[n], "%.*s", (int)len, at + 1);
		given[n] = found[n];
		n++;
	}
	emr_problem_set(&p, message, given[0], value, given[1], value, given[2], value, given[3],
		value, given[4], value, given[5], value, given[6], value, given[7], value, NULL);
	emr_show(value, shown, sizeof shown);
	if (n > 0)
		put_pasted(to, p.hint, shown);
}

/* A shell reads what a person pastes, with programs that only look at their words. */
static const char pasting[] =
	"cd \"$1\" || exit 2\nPATH=/nowhere\n"
	"look() { local a; for a; do case $a in *\"$NAME\"*) >whole;; *N0*|*E0*) >split;; esac; "
	"done; }\n"
	"run() { local a last=; for a; do [ \"$a\" != -- ] || break; case $last$a in -*N0*) "
	">option; esac; last=; "
	"[ \"$a\" != -v ] || last=v; done; look \"$@\"; }\n"
	"command_not_found_handle() { look \"$@\"; }\n"
	"for c in emrfs setfattr getfattr rm chmod mkdir fuser fusermount3 ipfs; do\n"
	"eval \"$c() { run \\\"\\$@\\\"; }\"; done\nn=0\n"
	"while IFS= read -r NAME && IFS= read -r PASTED; do\n"
	"( eval \"$PASTED\" ) >/dev/null 2>&1 </dev/null\n"
	"[ ! -e ran ] && [ ! -e split ] && [ ! -e option ] || { printf '%s\\n' \"$PASTED\"; exit "
	"1; }\n"
	"[ -e whole ] && n=$((n + 1))\ndone <hints\n[ $n -gt 1 ]\n";

TEST(a_hint_that_is_pasted_runs_and_splits_nobody_s_name)
{
	const char *temporary = getenv("TMPDIR");
	char dir[500], path[600];
	FILE *to;

	snprintf(dir, sizeof dir, "%s/emr-hints-XXXXXX", temporary != NULL ? temporary : "/tmp");
	assert_non_null(mkdtemp(dir));
	to = fopen(printed("%s/hints", dir), "w");
	assert_non_null(to);
	for (int language = 0; language < 2; language++) {
		if (language == 1)
			speak_portuguese();
		for (int i = 0; i < EMR_MESSAGE_COUNT; i++)
			for (size_t h = 0; h < sizeof hostile / sizeof *hostile; h++)
				put_hint(to, (emr_message)i, hostile[h]);
		emr_language_all_english(true);
	}
	assert_int_equal(fclose(to), 0);
	snprintf(path, sizeof path, "%s/paste", dir);
	to = fopen(path, "w");
	assert_non_null(to);
	fputs(pasting, to);
	assert_int_equal(fclose(to), 0);
	assert_int_equal(system(printed("bash '%s' '%s'", path, dir)), 0);
	assert_int_equal(system(printed("rm -r '%s'", dir)), 0);
}

/* A hint that sends people to a verb that is not there helps nobody. */
TEST(every_hint_names_a_verb_that_exists)
{
	for (int i = 0; i < EMR_MESSAGE_COUNT; i++) {
		const char *hint = emr_message_get((emr_message)i)->hint;

		while ((hint = strstr(hint, "emrfs ")) != NULL) {
			char word[32];
			emr_verb verb;

			hint += strlen("emrfs ");
			if (strncmp(hint, "--as ", 5) == 0)
				hint = strchr(hint + 5, ' ') + 1;
			assert_int_equal(sscanf(hint, "%31[a-z]", word), 1);
			assert_true(emr_verb_find(word, &verb));
		}
	}
}

TEST(names_are_filled_in)
{
	emr_problem problem;

	emr_problem_set(&problem, EMR_SAY_IN_USE, "dir", "/home/ana/Health", "pid", "42", NULL);
	assert_string_equal(problem.text, "This folder is open at /home/ana/Health, or waits there "
					  "for the passphrase (process 42).");
	emr_problem_set(&problem, EMR_SAY_BAD_DATA, "path", "a\nb", NULL);
	assert_non_null(strstr(problem.text, "a?b: the stored data"));
	assert_string_equal(problem.path, "a?b");
}

static size_t words_of(const char *text)
{
	size_t n = 0;

	for (const char *at = text + strspn(text, " "); *at != 0; at += strspn(at, " ")) {
		n++;
		at += strcspn(at, " ");
	}
	return n;
}

/* They are read before a yes is said, or not at all. */
TEST(what_a_share_warns_of_is_short)
{
	static const emr_message warnings[] = {EMR_SAY_LOG_APART, EMR_SAY_REPLACES,
		EMR_SAY_AGENT_SILENT, EMR_SAY_NO_THRESHOLD, EMR_SAY_OWN_RELEASES,
		EMR_SAY_NOBODY_RELEASES, EMR_SAY_OWN_COULD_RELEASE, EMR_SAY_ONLY_WHILE_OPEN,
		EMR_SAY_NOT_COMPARED};

	for (size_t i = 0; i < sizeof warnings / sizeof *warnings; i++) {
		const emr_message_row *row = emr_message_get(warnings[i]);

		assert_true(words_of(row->sentence) + words_of(row->hint) <= 30);
	}
}

TEST(what_is_too_new_says_by_how_much_once)
{
	emr_problem problem = {0};

	emr_problem_set_status(&problem, emr_newer_format(9, 2), "The ledger");
	assert_string_equal(problem.text,
		"The ledger has a format that this emrfs does not know: version 9, and it reads up "
		"to 2.");
	emr_problem_set_status(&problem, EMR_NEWER_FORMAT, "The ledger");
	assert_string_equal(problem.text, "The ledger has a format that this emrfs does not know.");
}

TEST(a_name_that_is_not_given_is_a_question_mark)
{
	emr_problem problem;

	emr_problem_set(&problem, EMR_SAY_IN_USE, "dir", "/x", NULL);
	assert_string_equal(problem.text,
		"This folder is open at /x, or waits there for the passphrase (process ?).");
	assert_string_equal(problem.path, "");
}

TEST(a_name_is_not_a_template)
{
	emr_problem problem;

	emr_problem_set(&problem, EMR_SAY_NO_SUCH_PATH, "path", "{path}%s%n", NULL);
	assert_string_equal(problem.text, "{path}%s%n is not in your folder.");
}

TEST(a_long_name_is_cut_not_overrun)
{
	char path[5000];
	emr_problem problem;

	memset(path, 'x', sizeof path - 1);
	path[sizeof path - 1] = '\0';
	emr_problem_set(&problem, EMR_SAY_BAD_DATA, "path", path, NULL);
	assert_int_equal(strlen(problem.text), EMR_PROBLEM_TEXT_BYTES - 1);
	assert_int_equal(strlen(problem.path), EMR_PROBLEM_TEXT_BYTES - 1);
}

/* Here in Portuguese, which has letters of two bytes. */
TEST(what_does_not_fit_is_cut_between_letters)
{
	char path[EMR_PROBLEM_TEXT_BYTES], shown[2000];
	emr_problem problem;

	speak_portuguese();
	for (size_t n = 900; n < sizeof path; n++) {
		memset(path, 'x', n);
		path[n] = '\0';
		emr_problem_set(&problem, EMR_SAY_BAD_DATA, "path", path, NULL);
		emr_show(problem.text, shown, sizeof shown);
		assert_string_equal(shown, problem.text);
	}
	emr_language_all_english(true);
}

TEST(control_characters_and_broken_letters_are_shown_as_question_marks)
{
	static const struct {
		const char *text, *shown;
	} cases[] = {
		{"Befund.pdf", "Befund.pdf"},
		{"Clínica São João", "Clínica São João"},
		{"\xf0\x9f\x8f\xa5", "\xf0\x9f\x8f\xa5"},
		{"a\033[31mb", "a?[31mb"},
		{"\x7f", "?"},
		{"\xc2\x9b"
		 "31m",
			"?31m"},	      /* C1: CSI in one letter */
		{"\xc0\xaf", "??"},	      /* overlong */
		{"\xed\xa0\x80", "???"},      /* surrogate */
		{"\xf4\x90\x80\x80", "????"}, /* beyond Unicode */
		{"\xe2\x82", "??"},	      /* cut */
		{"a\xe2\x80\xaegpj.exe", "a?gpj.exe"},
		{"\xe2\x81\xa6x\xd8\x9c", "?x?"},
		{"a\xe2\x80\xa8"
		 "b",
			"a?b"},
		{"\xef\xbb\xbfx\xe2\x80\x8b", "?x?"},
		{"\xe2\x80\x8d", "\xe2\x80\x8d"},
	};
	char shown[64];

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		emr_show(cases[i].text, shown, sizeof shown);
		assert_string_equal(shown, cases[i].shown);
	}
	emr_show("ab\xc3\xa3", shown, 4); /* room for "ab" and half a letter */
	assert_string_equal(shown, "ab");
}

TEST(every_status_becomes_a_message)
{
	for (int status = EMR_OK; status < EMR_STATUS_COUNT; status++) {
		emr_problem problem = {0};

		emr_problem_set_status(&problem, (emr_status)status, "The store");
		assert_true(problem.is_set);
		assert_true(strlen(problem.text) > 0);
	}
}

TEST(in_a_window_a_hint_names_what_the_menus_have)
{
	static const struct {
		const char *format, *shown;
	} rows[] = {
		{"Second copy: emrfs backup DIR\n",
			"Second copy: \"Make a second copy\" in the menu\n"},
		{"Your own card: emrfs people card. Somebody's: emrfs people add CARD\n",
			"Your own card: \"My card, to hand out\" in the menu. Somebody's: "
			"\"Medical Records: Take a Card\" in the menu\n"},
		{"To be sure: emrfs recover --test\n", "To be sure: emrfs recover --test\n"},
		{"To another disk: <code>emrfs backup DIR</code></span>",
			"To another disk: <code>\"Make a second copy\" in the menu</code></span>"},
		{"emrfs backup DIR --verify", "emrfs backup DIR --verify"},
		{"emrfs mount opens it; emrfs unmount", "\"Medical Records\" in the menu opens it; "
							"\"Close the folder\" in the menu"},
	};

	setenv("EMRFS_DIALOG", "/bin/true", 1);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char written_out[200] = "";
		FILE *to = fmemopen(written_out, sizeof written_out, "w");

		assert_non_null(to);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-security"
		emr_hint_print(to, rows[i].format);
#pragma GCC diagnostic pop
		fclose(to);
		assert_string_equal(written_out, rows[i].shown);
	}
	{
		emr_problem problem = {0};

		emr_problem_set(&problem, EMR_SAY_WRONG_USE, "what", "It takes more.", "verb",
			"init", NULL);
		assert_string_equal(problem.hint, "");
		emr_problem_set(&problem, EMR_SAY_WRONG_PASSPHRASE, NULL);
		assert_string_equal(
			problem.hint, "Forgotten: \"Medical Records: New Passphrase\" in the menu");
	}
	unsetenv("EMRFS_DIALOG");
}

/* The last one: it stays so for the process. */
TEST(a_hint_leads_to_the_keyring_that_was_picked)
{
	char written_out[200] = "";
	emr_problem problem = {0};
	FILE *to = fmemopen(written_out, sizeof written_out, "w");

	emr_hints_as("child");
	emr_problem_set(&problem, EMR_SAY_NO_KEYRING, "state", "emrfs init", NULL);
	assert_string_equal(problem.text, "There is no keyring here yet (emrfs init).");
	assert_string_equal(problem.hint,
		"emrfs --as child init; from a backup: emrfs --as child init --restore DIR");
	assert_non_null(to);
	emr_hint_print(to, "Open %s: emrfs mount; what emrfs knows", "emrfs mount");
	fclose(to);
	assert_string_equal(
		written_out, "Open emrfs mount: emrfs --as child mount; what emrfs knows");
}

/* One list for cards and for the screen (keyring/text.c). */
TEST(what_no_card_may_have_no_screen_shows)
{
	for (uint32_t c = 1; c <= 0x10ffff; c++) {
		char text[5] = "", shown[8];
		size_t len = (size_t)(c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4);

		for (size_t i = len; i-- > 1;)
			text[i] = (char)(0x80 | (c >> 6 * (len - 1 - i) & 0x3f));
		text[0] = (char)(len == 1 ? c : (0xf00u >> len & 0xff) | c >> 6 * (len - 1));
		emr_show(text, shown, sizeof shown);
		if ((strcmp(shown, text) == 0) != emr_text_ok(text, len))
			fail_msg("U+%04X is shown as %s", (unsigned)c, shown);
	}
}

TESTS(NULL, NULL)
