/* The words of others come into the owner's history, too: into the log, and into the folder as it
 * was. A person who has no part in the folder adds nothing to it, and a writer neither hides a deed
 * nor leaves there what the folder of today would not show. */
#include "pen_kit.h"

#include <time.h>

#include "contract/codes.h"
#include "settle/chronicle.h"

static story s;

static void begin(pen *p, bool may_write)
{
	story_begin(&s);
	kit_mkdir(&s.k, "Psychiatry");
	kit_text(&s.k, "Psychiatry/diary.txt", "nobody else's");
	kit_settle(&s.k);
	if (may_write)
		(void)story_lets_write(&s, &s.lima, true);
	pen_open(&s, p, &s.lima, "lima");
	story_see(&s.lima);
}

static void end(pen *p)
{
	pen_close(p);
	story_end(&s);
}

/* ---- the log ---- */

static void tell(emr_chronicle *c, char text[4096])
{
	EMR_AUTO_EVENTS events = emr_chronicle_events(c);
	emr_event e;

	while (emr_events_next(&events, &e)) {
		size_t len = strlen(text);

		(void)snprintf(
			text + len, 4096 - len, "%d %s\n", e.deed, e.path != NULL ? e.path : "?");
	}
}

/* "DEED PATH\n", ..., in a static buffer. */
static const char *history(void)
{
	static char text[4096];
	emr_chronicle *c;
	uint64_t damaged;

	text[0] = '\0';
	assert_ok(emr_chronicle_new(s.k.stack.facts, s.k.stack.replica, &c));
	assert_ok(emr_chronicle_catch_up(c, &damaged));
	assert_int_equal(damaged, 0);
	tell(c, text);
	emr_chronicle_free(c);
	return text;
}

TEST(nobody_else_adds_to_the_log)
{
	const emr_id16 elsewhere = emr_id16_random();
	emr_place at = {.domain = elsewhere, .cver = 1};
	EMR_AUTO_FREE char *before;

	SCENE_OF(pen, p, end, begin, false);
	before = strdup(history());
	at.object = at.record_id = kit_object_id(&s.k, "Psychiatry/diary.txt");
	pen_over(&p, &at, elsewhere, "diary.txt", "lima's, in a folder of her own");
	assert_ok(p.last.error);
	at.cver = 2;
	pen_over(&p, &at, elsewhere, "diary.txt", "and again");
	pen_unlink(&p, elsewhere, at.object);
	assert_int_equal(p.last.result, EMR_RESULT_APPLIED);
	kit_settle(&s.k);
	assert_string_equal(history(), before);
	/* Her deeds are told as ever. */
	kit_rename(&s.k, "Psychiatry/diary.txt", "Psychiatry/old.txt");
	kit_settle(&s.k);
	assert_non_null(strstr(history(), "3 Psychiatry/old.txt\n"));
	kit_unlink(&s.k, "Psychiatry/old.txt");
	kit_settle(&s.k);
	assert_non_null(strstr(history(), "5 Psychiatry/old.txt\n"));
}

TEST(nobody_is_left_out_of_the_log_for_having_no_name)
{
	const emr_id16 top = {{0}};

	SCENE_OF(pen, p, end, begin, true);
	pen_file(&p, s.imaging, top, "", "planted", NULL);
	assert_int_equal(p.last.result, EMR_RESULT_APPLIED);
	kit_settle(&s.k);
	assert_true(kit_exists(&s.k, "Imaging/unnamed"));
	assert_non_null(strstr(history(), "2 Imaging/unnamed\n"));
}

TEST(the_log_has_no_place_for_him_but_the_shared_one)
{
	SCENE_OF(pen, p, end, begin, true);
	pen_file(&p, s.imaging, kit_object_id(&s.k, "Psychiatry"), "letter.txt", "planted", NULL);
	assert_int_equal(p.last.result, EMR_RESULT_APPLIED);
	kit_settle(&s.k);
	assert_null(strstr(history(), "Psychiatry/letter.txt"));
	assert_non_null(strstr(history(), "2 Imaging/letter.txt\n"));
}

/* ---- the folder as it was ---- */

static emr_status restore(const char *path)
{
	const emr_restore what = {.path = path};
	emr_restored restored;
	emr_status status = emr_view_restore(s.k.view, &what, &restored);

	kit_settle(&s.k);
	return status;
}

/* PATH in the folder as it is at this moment of the ledger. */
static bool was_there(const char *inside)
{
	char path[200];
	time_t at = (time_t)(s.k.clock.unix_ns / 1000000000);
	uint64_t number = EMR_ROOT_NODE;
	struct tm tm;
	bool is_there = true;

	gmtime_r(&at, &tm);
	strftime(path, 40, ".emrfs/at/%Y-%m-%dT%H:%M:%SZ/", &tm);
	(void)snprintf(path + strlen(path), sizeof path - strlen(path), "%s", inside);
	for (char *name = strtok(path, "/"); name != NULL && is_there; name = strtok(NULL, "/")) {
		emr_attr attr;

		is_there = emr_view_lookup(s.k.view, number, name, &attr) == EMR_OK;
		number = attr.node;
	}
	return is_there;
}

TEST(what_the_folder_does_not_show_is_not_in_its_past)
{
	emr_id16 link;

	SCENE_OF(pen, p, end, begin, true);
	pen_link(&p, s.imaging, s.imaging, "passwd", "/etc/passwd", &link);
	pen_link(&p, s.imaging, s.imaging, "fine", "Old", NULL);
	pen_file(&p, s.imaging, kit_object_id(&s.k, "Psychiatry"), "letter.txt", "planted", NULL);
	kit_settle(&s.k);
	assert_true(was_there("Imaging/fine"));
	assert_true(was_there("Imaging/letter.txt"));
	assert_false(was_there("Psychiatry/letter.txt"));
	assert_false(was_there("Imaging/passwd"));
	/* Nor does it come back by her own hand. */
	pen_unlink(&p, s.imaging, link);
	kit_settle(&s.k);
	assert_int_not_equal(restore("Imaging/passwd"), EMR_OK);
	assert_false(kit_exists(&s.k, "Imaging/passwd"));
}

TESTS(NULL, NULL)
