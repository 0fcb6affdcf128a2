/* These tests are about the log's lines for people: what one person did to many files of one
 * folder within a minute is one line, and nothing else is. */
#include "emr_test.h"

#include <jansson.h>

#include "report/folding.h"

#define NOON 1795000020 /* the beginning of a minute */

static char said[20000];

static void say(void *arg, const char *line)
{
	size_t used = strlen(said);

	(void)arg;
	assert_null(strchr(line, '\n'));
	(void)snprintf(said + used, sizeof said - used, "%s\n", line);
}

static size_t lines(void)
{
	size_t n = 0;

	for (const char *c = said; *c != '\0'; c++)
		n += *c == '\n';
	return n;
}

static void says(const char *text)
{
	if (strstr(said, text) == NULL)
		fail_msg("not said: \"%s\" in:\n%s", text, said);
}

static emr_folding *begin(void)
{
	emr_folding *folding;

	said[0] = '\0';
	assert_ok(emr_folding_new(say, NULL, &folding));
	return folding;
}

/* Says whether something was folded. */
static bool end(emr_folding *folding)
{
	bool has_folded;

	assert_ok(emr_folding_end(folding));
	has_folded = emr_folding_has_folded(folding);
	emr_folding_free(folding);
	return has_folded;
}

typedef struct entry {
	const char *who, *action, *path;
	unsigned number, seconds, bytes;
	bool is_partly;
} entry;

static void add(emr_folding *folding, const entry *e)
{
	bool is_opened = strcmp(e->action, "opened") == 0;
	char tx[80];
	json_t *all;

	(void)snprintf(tx, sizeof tx, "%u:00ff", e->number);
	all = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:n, s:i, s:b, s:b, s:b, s:[s], "
			"s:s, s:i}",
		"who", e->who, "name", e->who, "organisation", "São Lucas", "team", "", "purpose",
		"treatment", "action", e->action, "type", "file", "path", e->path, "from",
		"version", 1, "whole", !e->is_partly, "software", 0, "proven", !is_opened,
		"released_by", "you", "tx", tx, "at_unix", NOON + (int)e->seconds);
	assert_non_null(all);
	assert_int_equal(
		json_object_set_new(all, "bytes", is_opened ? json_integer(e->bytes) : json_null()),
		0);
	assert_ok(emr_folding_add(folding, all));
	assert_string_equal(json_string_value(json_object_get(all, "path")),
		e->path); /* stays what it is for others */
	json_decref(all);
}

/* N files FOLDER/1.dcm and so on, all entries after the other. */
static void add_many(emr_folding *folding, entry e, const char *folder, unsigned n)
{
	char path[100];

	for (unsigned i = 1; i <= n; i++) {
		(void)snprintf(path, sizeof path, "%s%u.dcm", folder, i);
		e.path = path;
		add(folding, &e);
		e.number++;
	}
}

TEST(a_series_is_one_line)
{
	emr_folding *f = begin();

	add_many(f, (entry){.who = "Lima", .action = "opened", .number = 20, .bytes = 5},
		"Imaging/Series/", 300);
	assert_true(end(f));
	assert_int_equal(lines(), 1);
	says("Lima, São Lucas, treatment  opened 300 files in Imaging/Series (whole)   reported; "
	     "key proven, by you\n");
}

TEST(keys_that_were_released_say_from_which_entry_to_which)
{
	emr_folding *f = begin();

	add_many(f, (entry){.who = "Lima", .action = "released", .number = 20}, "Imaging/", 300);
	assert_true(end(f));
	assert_int_equal(lines(), 1);
	says("got the key of 300 files in Imaging   proven, keys by you, entry 20 to 319\n");
}

TEST(a_few_files_have_a_line_each)
{
	emr_folding *f = begin();

	add_many(f, (entry){.who = "Lima", .action = "opened", .number = 20}, "Imaging/", 5);
	assert_false(end(f));
	assert_int_equal(lines(), 5);
	says("opened Imaging/5.dcm v1 (whole)");
}

TEST(one_file_again_and_again_is_not_many_files)
{
	entry e = {.who = "Lima", .action = "opened", .path = "Imaging/MRI.txt"};
	emr_folding *f = begin();

	for (e.number = 20; e.number < 33; e.number++)
		add(f, &e);
	assert_false(end(f));
	assert_int_equal(lines(), 13);
	says("opened Imaging/MRI.txt v1 (whole)");
}

TEST(of_two_people_two_folders_two_minutes_and_two_deeds_each_has_its_line)
{
	emr_folding *f = begin();

	add_many(f, (entry){.who = "Lima", .action = "opened", .number = 20}, "A/", 10);
	add_many(f, (entry){.who = "Eve", .action = "opened", .number = 30}, "A/", 10);
	add_many(f, (entry){.who = "Lima", .action = "released", .number = 40}, "A/", 10);
	add_many(f, (entry){.who = "Lima", .action = "opened", .number = 50}, "A/B/", 10);
	add_many(f, (entry){.who = "Lima", .action = "opened", .number = 60}, "", 10);
	add_many(f,
		(entry){.who = "Lima",
			.action = "opened",
			.number = 70,
			.is_partly = true,
			.bytes = 7},
		"A/", 10);
	add_many(f, (entry){.who = "Lima", .action = "opened", .number = 80, .seconds = 60}, "A/",
		10);
	assert_true(end(f));
	assert_int_equal(lines(), 7);
	says("Eve, São Lucas, treatment  opened 10 files in A (whole)");
	says("opened 10 files at the top (whole)");
	says("opened 10 files in A (70 bytes)");
}

TEST(deeds_in_turns_are_folded_too_and_what_lies_between_keeps_its_place)
{
	const entry between = {
		.who = "Eve", .action = "opened", .path = "A/letter.txt", .number = 200};
	emr_folding *f = begin();
	char path[20];

	for (unsigned i = 0; i < 8; i++) {
		(void)snprintf(path, sizeof path, "A/%u.dcm", i);
		add(f, &(entry){
			       .who = "Lima", .action = "released", .path = path, .number = 2 * i});
		if (i == 4)
			add(f, &between);
		add(f, &(entry){.who = "Lima",
			       .action = "opened",
			       .path = path,
			       .number = 2 * i + 1});
	}
	assert_true(end(f));
	assert_int_equal(lines(), 3);
	assert_true(
		strstr(said, "got the key of 8 files in A") < strstr(said, "opened 8 files in A"));
	assert_true(strstr(said, "opened 8 files in A") < strstr(said, "A/letter.txt"));
}

TESTS(NULL, NULL)
