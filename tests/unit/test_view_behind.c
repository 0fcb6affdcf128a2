/* A closed folder whose journal lost its end: an earlier save is not shown under today's name,
 * nothing is registered above what this computer has registered itself, the folder says so, and
 * what is saved afterwards is registered. */
#include "view_kit.h"

#include <glob.h>
#include <sys/stat.h>

static char told[2000];

static void note(void *arg, const char *id, const char *path)
{
	size_t len = strlen(told);

	(void)arg;
	snprintf(told + len, sizeof told - len, "%s %s;", id, path);
}

/* The log as it was, with the copy of the ledger as it is. */
static void cut(kit *k, emr_log_place place, bool keeps_index)
{
	char pattern[400];
	glob_t found;

	emr_stack_close(&k->stack);
	snprintf(pattern, sizeof pattern, "%s/store/seg-*-%06llu.car", k->path,
		(unsigned long long)place.number);
	assert_int_equal(glob(pattern, 0, NULL, &found), 0);
	assert_int_equal(found.gl_pathc, 1);
	assert_int_equal(truncate(found.gl_pathv[0], (off_t)place.offset), 0);
	globfree(&found);
	snprintf(pattern, sizeof pattern, "%s/store/index.sqlite*", k->path);
	assert_int_equal(glob(pattern, 0, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc && !keeps_index; i++)
		assert_int_equal(unlink(found.gl_pathv[i]), 0);
	globfree(&found);
	told[0] = '\0';
	k->options.notice = note;
	kit_start(k);
}

static emr_log_place now(const kit *k)
{
	return emr_store_log_end(k->stack.store);
}

/* No earlier row is registered, and a new save is. */
static void goes_on(kit *k, const char *path)
{
	assert_non_null(strstr(told, "older-journal"));
	kit_settle(k);
	kit_publishes_all(k, "");
	kit_text(k, "after.txt", "after");
	kit_publishes_all(k, "PUT");
	if (path != NULL) {
		kit_text(k, path, "saved again");
		kit_publishes_all(k, "PUT");
	}
	kit_restart(k);
	kit_expect_text(k, "after.txt", "after");
	told[0] = '\0';
	kit_restart_and_compare(k);
	assert_null(strstr(told, "older-journal"));
}

/* Its last save is gone with the end, and is not replaced by one before. */
static void is_last(kit *k, const char *path, size_t len)
{
	emr_handle *h = NULL;
	size_t got = 0;
	uint8_t out[64];

	assert_int_equal(kit_attr(k, path).size_bytes, len);
	h = kit_open_file(k, path, O_RDONLY);
	assert_true(emr_view_read(h, 0, out, sizeof out, &got) != EMR_OK);
	emr_view_release(h);
}

static void save_again(bool keeps_index)
{
	emr_log_place place;
	SCENE(kit, k, kit_open, kit_close);

	kit_save(&k, "report.txt", "first");
	kit_text(&k, "report.txt", "second.");
	place = now(&k);
	kit_publish_all(&k);
	kit_save(&k, "report.txt", "the third");
	kit_items(&k);
	cut(&k, place, keeps_index);
	is_last(&k, "report.txt", strlen("the third"));
	goes_on(&k, "report.txt");
}

TEST(an_earlier_save_does_not_come_back_when_the_end_of_the_journal_is_missing)
{
	save_again(false);
}

TEST(an_earlier_save_does_not_come_back_either_beside_an_index_that_knows_more)
{
	save_again(true);
}

static bool note_beside(void *arg, const char *name, const emr_attr *attr, uint64_t next)
{
	(void)attr;
	(void)next;
	if (strstr(name, "(conflict, ") != NULL)
		(void)snprintf(arg, 256, "%s", name);
	return true;
}

/* Its bytes are nowhere else. */
TEST(a_save_that_was_never_registered_lies_beside_the_last_one)
{
	char beside[256] = "";
	emr_log_place place;
	SCENE(kit, k, kit_open, kit_close);

	kit_save(&k, "report.txt", "first");
	kit_text(&k, "report.txt", "between");
	place = now(&k);
	kit_save(&k, "report.txt", "the third");
	kit_items(&k);
	cut(&k, place, false);
	kit_settle(&k);
	kit_publish_all(&k);
	kit_restart(&k);
	is_last(&k, "report.txt", strlen("the third"));
	assert_ok(
		emr_view_each_entry(k.view, kit_attr(&k, "").node, 0, false, note_beside, beside));
	kit_expect_text(&k, beside, "between");
}

TEST(a_new_file_that_was_registered_since_is_as_it_was_registered)
{
	emr_log_place place;
	SCENE(kit, k, kit_open, kit_close);

	kit_save(&k, "other.txt", "other");
	kit_text(&k, "report.txt", "first");
	place = now(&k);
	kit_publish_all(&k);
	kit_save(&k, "report.txt", "the second");
	kit_items(&k);
	cut(&k, place, false);
	is_last(&k, "report.txt", strlen("the second"));
	kit_expect_text(&k, "other.txt", "other");
	goes_on(&k, "report.txt");
}

TEST(what_was_removed_since_does_not_come_back)
{
	emr_log_place place;
	SCENE(kit, k, kit_open, kit_close);

	kit_save(&k, "old.txt", "old");
	kit_text(&k, "old.txt", "old, changed");
	kit_text(&k, "new.txt", "new");
	place = now(&k);
	kit_publish_all(&k);
	kit_unlink(&k, "old.txt");
	kit_unlink(&k, "new.txt");
	kit_settle(&k);
	kit_publish_all(&k);
	kit_items(&k);
	cut(&k, place, false);
	assert_false(kit_exists(&k, "old.txt"));
	assert_false(kit_exists(&k, "new.txt"));
	goes_on(&k, NULL);
	assert_false(kit_exists(&k, "old.txt"));
	assert_false(kit_exists(&k, "new.txt"));
}

TEST(a_name_that_was_given_since_stays)
{
	emr_log_place place;
	SCENE(kit, k, kit_open, kit_close);

	kit_save(&k, "a.txt", "the same");
	kit_mkdir(&k, "folder");
	kit_publish_all(&k);
	kit_rename(&k, "a.txt", "b.txt");
	place = now(&k);
	kit_publish_all(&k);
	kit_rename(&k, "b.txt", "c.txt");
	kit_publish_all(&k);
	kit_items(&k);
	cut(&k, place, false);
	kit_expect_text(&k, "c.txt", "the same");
	assert_false(kit_exists(&k, "b.txt"));
	goes_on(&k, NULL);
}

/* ---- every end ---- */

typedef struct ends {
	emr_log_place all[200];
	size_t n;
} ends;

static emr_status note_end(void *arg, const emr_log_section *section)
{
	ends *e = arg;

	if (e->n < sizeof e->all / sizeof e->all[0])
		e->all[e->n++] = section->place;
	return EMR_OK;
}

/* Whether PATH reads as TEXT; else it does not open, and is no other save. */
static bool reads(kit *k, const char *path, const char *text)
{
	emr_handle *h = kit_open_file(k, path, O_RDONLY);
	size_t got = 0;
	uint8_t out[64];
	emr_status status = emr_view_read(h, 0, out, sizeof out, &got);

	emr_view_release(h);
	if (status == EMR_OK) {
		assert_int_equal(got, strlen(text));
		assert_memory_equal(out, text, got);
	}
	return status == EMR_OK;
}

/* A batch that was sent is in the journal, and its answer may be lost in a cut: that is nothing
 * that the journal does not know. */
TEST(no_end_of_the_journal_brings_an_earlier_save_back)
{
	size_t whole = 0, unnamed = 0;
	ends e = {.n = 0};
	emr_log_place from;
	SCENE(kit, k, kit_open, kit_close);

	kit_save(&k, "report.txt", "first");
	from = now(&k);
	kit_save(&k, "report.txt", "second.");
	kit_save(&k, "report.txt", "the third");
	assert_ok(emr_store_each_frame(k.stack.store, from, "EMRJ", 4, note_end, &e));
	assert_true(e.n >= 6);
	emr_stack_close(&k.stack);
	for (size_t i = 0; i < e.n; i++) {
		kit c;
		char path[256];

		kit_copy_to_new(k.path, path);
		kit_adopt(&c, path, k.clock.unix_ns, k.clock.boot_ns);
		kit_start(&c);
		kit_items(&c);
		cut(&c, e.all[i], i % 2 == 0);
		whole += reads(&c, "report.txt", "the third");
		unnamed += strstr(told, "older-journal") == NULL;
		kit_settle(&c);
		kit_publishes_all(&c, "");
		emr_stack_close(&c.stack);
		kit_remove_state(path);
	}
	kit_start(&k);
	assert_true(whole > 0 && whole < e.n);
	assert_true(unnamed > 0 && unnamed < e.n);
}

TESTS(NULL, NULL)
