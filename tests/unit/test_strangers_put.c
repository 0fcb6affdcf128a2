/* These tests show what a thief does in folders that ana shares, with a stolen computer of ana's:
 * by a word about a record of ana's, which ana's own computer could carry out. The stolen
 * computer's own key signs everything here, and the ledger takes it. */
#include "pen_kit.h"
#include "strangers_kit.h"

#include "share_private.h"

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
	letters = story_place_called(&s, "Letters");
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

/* OBJECT of DOMAIN is, as WHO says, a folder of that number in PARENT. */
static void tell(pen *who, emr_id16 domain, emr_id16 object, emr_meta_type type,
	const emr_place *as, emr_id16 parent)
{
	emr_meta meta = {.type = type, .mode = 0755, .n = 11, .mtime_ns = s.k.clock.unix_ns};
	const emr_shared_record record = {.object = object, .meta = &meta};

	memcpy(meta.r_pid, as->r_pid, sizeof meta.r_pid);
	pen_rename(who, &record, domain, parent, type == EMR_META_DIR ? "Letters" : "court.txt");
	assert_ok(who->status);
	assert_int_equal(who->outcomes, 1);
	assert_int_equal(who->last.result, EMR_RESULT_APPLIED);
}

static void says_it_lies(
	emr_id16 domain, emr_id16 object, emr_meta_type type, const emr_place *as, emr_id16 parent)
{
	tell(&his, domain, object, type, as, parent);
}

/* Whether Imaging has the keys of court.txt. */
static bool court_is_in_imaging(void)
{
	bool is_there = false;
	emr_replica_listing one;
	emr_replica_head head;

	assert_ok(emr_replica_catch_up(s.k.stack.replica, NULL, NULL, NULL));
	EMR_ASK(asked, s.k.stack.replica, NAMING, .object = court.record_id);
	while (emr_next(&asked, &one))
		if (emr_id16_equal(one.domain, s.imaging) &&
			emr_replica_head_get(s.k.stack.replica, one.domain, one.object, &head) ==
				EMR_OK)
			is_there |= head.state == EMR_OBJECT_LIVE;
	assert_ok(asked.status);
	return is_there;
}

/* As her own computer gives it, with a part that opens for nobody. */
static void ana_lets(const person *whom)
{
	emr_act act = emr_act_writer_add(
		s.imaging, whom->public.signer_id, EVERYTHING, story_now(&s) + DAY);
	AUTO_PARCEL p = {0};

	assert_ok(emr_replica_catch_up(s.k.stack.replica, NULL, NULL, NULL));
	assert_ok(parcel_begin(s.ana, emr_signer_domain(s.imaging, SHARE_GEN), &p));
	assert_ok(parcel_prepare(&p, &act));
	assert_ok(emr_buf_append_zeros(&p.part, SEALED));
	assert_ok(parcel_add(&p, &act, NULL));
	assert_ok(parcel_send(&p));
}

/* ---- by a word ---- */

TEST_IN(begin, end, a_folder_that_he_says_lies_in_a_share_is_not_put_there)
{
	says_it_lies(letters.domain, letters.object, EMR_META_DIR, &letters, s.imaging);
	settle();
	assert_false(kit_exists(&s.k, "Imaging/Letters"));
	kit_expect_text(&s.k, "Private/Letters/court.txt", "not for him");
	assert_false(court_is_in_imaging());
	/* The ledger has heard from her where it lies. */
	kit_restart_and_compare(&s.k);
	assert_false(kit_exists(&s.k, "Imaging/Letters"));
}

TEST_IN(begin, end, nor_is_it_when_her_folder_was_closed_meanwhile)
{
	says_it_lies(letters.domain, letters.object, EMR_META_DIR, &letters, s.imaging);
	kit_restart(&s.k);
	settle();
	assert_false(kit_exists(&s.k, "Imaging/Letters"));
	kit_expect_text(&s.k, "Private/Letters/court.txt", "not for him");
	assert_false(court_is_in_imaging());
}

TEST_IN(begin, end, nor_is_a_single_file)
{
	says_it_lies(court.domain, court.object, EMR_META_FILE, &court, s.imaging);
	settle();
	assert_false(kit_exists(&s.k, "Imaging/court.txt"));
	kit_expect_text(&s.k, "Private/Letters/court.txt", "not for him");
	assert_false(court_is_in_imaging());
}

/* A folder of hers that she moves into the share; her program is closed before it has said so. */
static emr_place moves_plans(void)
{
	emr_place plans;

	kit_mkdir(&s.k, "Private/Plans");
	kit_mkdir(&s.k, "Private/Plans/More");
	kit_text(&s.k, "Private/Plans/own.txt", "for him");
	kit_text(&s.k, "Private/Plans/More/own.txt", "for him, too");
	settle();
	plans = story_place_called(&s, "Plans");
	kit_rename(&s.k, "Private/Plans", "Imaging/Plans");
	return plans;
}

static void expect_plans_came(void)
{
	kit_expect_text(&s.k, "Imaging/Plans/own.txt", "for him");
	kit_expect_text(&s.k, "Imaging/Plans/More/own.txt", "for him, too");
}

TEST_IN(begin, end, nor_is_a_file_that_he_says_lies_in_what_she_moves_there)
{
	const emr_place plans = moves_plans();

	says_it_lies(court.domain, court.object, EMR_META_FILE, &court, plans.object);
	kit_restart(&s.k);
	settle();
	expect_plans_came();
	assert_false(kit_exists(&s.k, "Imaging/Plans/court.txt"));
	kit_expect_text(&s.k, "Private/court.txt", "not for him");
	assert_false(court_is_in_imaging());
	kit_restart_and_compare(&s.k);
}

TEST_IN(begin, end, nor_is_a_folder_that_he_says_lies_in_what_she_moves_there)
{
	const emr_place plans = moves_plans();

	says_it_lies(letters.domain, letters.object, EMR_META_DIR, &letters, plans.object);
	kit_restart(&s.k);
	settle();
	expect_plans_came();
	assert_false(kit_exists(&s.k, "Imaging/Plans/Letters"));
	kit_expect_text(&s.k, "Private/Letters/court.txt", "not for him");
	assert_false(court_is_in_imaging());
	kit_restart_and_compare(&s.k);
}

/* The stolen computer says besides that Letters is over. */
static void expect_it_stays_hers(void)
{
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

/* As its own would be after a move, only that he moved nothing. */
TEST_IN(begin, end, a_folder_that_he_says_is_one_inside_a_share_stays_what_it_is)
{
	says_it_lies(s.imaging, emr_id16_random(), EMR_META_DIR, &letters, s.imaging);
	expect_it_stays_hers();
}

/* Nor does a writer's word, who is nobody of hers, though she lets him write there. */
TEST_IN(begin, end, nor_is_one_that_a_writer_says_it_is)
{
	pen hers;

	ana_lets(&s.lima);
	story_see(&s.lima);
	pen_open(&s, &hers, &s.lima, "lima");
	tell(&hers, s.imaging, emr_id16_random(), EMR_META_DIR, &letters, s.imaging);
	pen_close(&hers);
	expect_it_stays_hers();
}

/* A computer that writes with her own key repeats the number that was said before. */
TEST_IN(begin, end, nor_is_one_that_her_own_hand_described_after_him)
{
	person ana = {.keyring = s.k.stack.keyring,
		.ledger = s.k.stack.ledger,
		.replica = s.k.stack.replica,
		.records = s.k.stack.records};
	const emr_id16 object = emr_id16_random();
	pen own;

	says_it_lies(s.imaging, object, EMR_META_DIR, &letters, s.imaging);
	assert_ok(emr_replica_catch_up(s.k.stack.replica, NULL, NULL, NULL));
	pen_open(&s, &own, &ana, "ana");
	tell(&own, s.imaging, object, EMR_META_DIR, &letters, s.imaging);
	pen_close(&own);
	expect_it_stays_hers();
}

/* The same directory, said by nobody but her. */
TEST_IN(begin, end, one_that_only_her_own_hand_described_is_followed)
{
	person ana = {.keyring = s.k.stack.keyring,
		.ledger = s.k.stack.ledger,
		.replica = s.k.stack.replica,
		.records = s.k.stack.records};
	pen own;

	pen_open(&s, &own, &ana, "ana");
	tell(&own, s.imaging, emr_id16_random(), EMR_META_DIR, &letters, s.imaging);
	pen_unlink(&own, letters.domain, letters.object);
	assert_ok(own.status);
	pen_close(&own);
	settle();
	kit_expect_text(&s.k, "Imaging/Letters/court.txt", "not for him");
	assert_true(court_is_in_imaging());
}

/* ---- what an honest computer of hers does ---- */

TEST_IN(begin, end, what_another_computer_has_wrapped_itself_comes)
{
	emr_id16 object = emr_id16_random();

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
TEST_IN(begin, end, a_word_about_what_nobody_sees_is_followed)
{
	kit_mkdir(&s.k, "Notes");
	settle();
	says_it_lies(letters.domain, letters.object, EMR_META_DIR, &letters,
		story_place_called(&s, "Notes").object);
	settle();
	kit_expect_text(&s.k, "Notes/Letters/court.txt", "not for him");
	assert_false(court_is_in_imaging());
}

TESTS(NULL, NULL)
