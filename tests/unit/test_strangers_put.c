/* What somebody puts into folders that ana shares, with a stolen computer of hers: by a word about
 * what is hers, which her own computer could carry out in her name, and by himself. Everything here
 * is signed by the stolen computer's own key and taken by the ledger. */
#include "pen_kit.h"
#include "strangers_kit.h"

#include "share/devices.h"

static void settle(void)
{
	for (int i = 0; i < 4; i++)
		kit_publish_all(&s.k);
}

static emr_place place_of(const char *path)
{
	emr_place place;

	assert_ok(emr_view_place(s.k.view, path, &place));
	return place;
}

typedef struct sought {
	const char *name;
	emr_place place;
	bool is_found;
} sought;

static emr_status note_fact(void *arg, const emr_place *place, const emr_meta *meta)
{
	sought *w = arg;

	if (meta->name.len == strlen(w->name) &&
		memcmp(meta->name.data, w->name, meta->name.len) == 0) {
		w->place = *place;
		w->is_found = true;
	}
	return EMR_OK;
}

/* Of the only directory that is called so. */
static emr_place directory_called(const char *name)
{
	sought w = {.name = name};
	uint64_t damaged = 0;

	assert_ok(emr_facts_each(s.k.stack.facts, note_fact, &w, &damaged));
	assert_true(w.is_found);
	return w.place;
}

static pen his;
static emr_place letters, court;

/* Private/Letters/court.txt is hers alone; Imaging is shared. */
static int begin(void **state)
{
	bool some;

	(void)strangers_begin(state);
	kit_mkdir(&s.k, "Private");
	kit_mkdir(&s.k, "Private/Letters");
	kit_text(&s.k, "Private/Letters/court.txt", "not for him");
	settle();
	letters = directory_called("Letters");
	court = place_of("Private/Letters/court.txt");
	(void)story_share(&s, &s.lima, 0, true);
	assert_ok(emr_share_pass_on(s.ana, NULL));
	story_see(&laptop);
	assert_ok(emr_share_learn(laptop.share, &some));
	story_see(&laptop);
	pen_open(&s, &his, &laptop, "laptop");
	his.says_n = strlen("not for him");
	return 0;
}

static int end(void **state)
{
	pen_close(&his);
	return strangers_end(state);
}

static void taken(void)
{
	assert_ok(his.status);
	assert_int_equal(his.last.result, EMR_RESULT_APPLIED);
}

/* OBJECT of DOMAIN is, as he says, a folder of that number in PARENT. */
static void says_it_lies(
	emr_id16 domain, emr_id16 object, emr_meta_type type, const emr_place *as, emr_id16 parent)
{
	emr_meta meta = {.type = type, .mode = 0755, .n = 11, .mtime_ns = s.k.clock.unix_ns};
	const emr_shared_record record = {.object = object, .meta = &meta};

	memcpy(meta.r_pid, as->r_pid, sizeof meta.r_pid);
	pen_rename(&his, &record, domain, parent, type == EMR_META_DIR ? "Letters" : "court.txt");
	taken();
}

static emr_status note_object(void *arg, emr_id16 domain, emr_id16 object)
{
	(void)object;
	*(bool *)arg |= emr_id16_equal(domain, s.imaging);
	return EMR_OK;
}

/* Whether Imaging has, or had, the keys of court.txt. */
static bool court_is_in_imaging(void)
{
	bool is_there = false;

	assert_ok(emr_replica_catch_up(s.k.stack.replica, NULL, NULL, NULL));
	assert_ok(emr_replica_each_naming(
		s.k.stack.replica, court.record_id, note_object, &is_there));
	return is_there;
}

/* ---- by a word ---- */

static void a_folder_that_he_says_lies_in_a_share_is_not_put_there(void **state)
{
	(void)state;
	says_it_lies(letters.domain, letters.object, EMR_META_DIR, &letters, s.imaging);
	settle();
	assert_false(kit_exists(&s.k, "Imaging/Letters"));
	kit_expect_text(&s.k, "Private/Letters/court.txt", "not for him");
	assert_false(court_is_in_imaging());
	/* The ledger has heard from her where it lies. */
	kit_restart_and_compare(&s.k);
	assert_false(kit_exists(&s.k, "Imaging/Letters"));
}

static void nor_is_it_when_her_folder_was_closed_meanwhile(void **state)
{
	(void)state;
	says_it_lies(letters.domain, letters.object, EMR_META_DIR, &letters, s.imaging);
	kit_restart(&s.k);
	settle();
	assert_false(kit_exists(&s.k, "Imaging/Letters"));
	kit_expect_text(&s.k, "Private/Letters/court.txt", "not for him");
	assert_false(court_is_in_imaging());
}

static void nor_is_a_single_file(void **state)
{
	(void)state;
	says_it_lies(court.domain, court.object, EMR_META_FILE, &court, s.imaging);
	settle();
	assert_false(kit_exists(&s.k, "Imaging/court.txt"));
	kit_expect_text(&s.k, "Private/Letters/court.txt", "not for him");
	assert_false(court_is_in_imaging());
}

/* As its own would be after a move, only that he moved nothing. */
static void a_folder_that_he_says_is_one_inside_a_share_stays_what_it_is(void **state)
{
	(void)state;
	says_it_lies(s.imaging, emr_id16_random(), EMR_META_DIR, &letters, s.imaging);
	pen_unlink(&his, letters.domain, letters.object);
	taken();
	settle();
	assert_false(kit_exists(&s.k, "Imaging/Letters/court.txt"));
	kit_expect_text(&s.k, "Private/Letters/court.txt", "not for him");
	assert_false(court_is_in_imaging());
	kit_restart(&s.k);
	settle();
	kit_expect_text(&s.k, "Private/Letters/court.txt", "not for him");
	assert_false(court_is_in_imaging());
}

/* ---- what an honest computer of hers does ---- */

static void what_another_computer_has_wrapped_itself_comes(void **state)
{
	emr_id16 object = emr_id16_random();

	(void)state;
	says_it_lies(s.imaging, object, EMR_META_DIR, &letters, s.imaging);
	pen_move(&his, &court, s.imaging, object, "court.txt");
	taken();
	settle();
	pen_unlink(&his, court.domain, court.object);
	taken();
	pen_unlink(&his, letters.domain, letters.object);
	taken();
	settle();
	kit_expect_text(&s.k, "Imaging/Letters/court.txt", "not for him");
	assert_false(kit_exists(&s.k, "Private/Letters"));
	kit_restart_and_compare(&s.k);
}

/* Where nobody else sees it, her computer follows as before. */
static void a_word_about_what_nobody_sees_is_followed(void **state)
{
	(void)state;
	kit_mkdir(&s.k, "Notes");
	settle();
	says_it_lies(letters.domain, letters.object, EMR_META_DIR, &letters,
		directory_called("Notes").object);
	settle();
	kit_expect_text(&s.k, "Notes/Letters/court.txt", "not for him");
	assert_false(court_is_in_imaging());
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_folder_that_he_says_lies_in_a_share_is_not_put_there),
		TEST(nor_is_it_when_her_folder_was_closed_meanwhile),
		TEST(nor_is_a_single_file),
		TEST(a_folder_that_he_says_is_one_inside_a_share_stays_what_it_is),
		TEST(what_another_computer_has_wrapped_itself_comes),
		TEST(a_word_about_what_nobody_sees_is_followed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
