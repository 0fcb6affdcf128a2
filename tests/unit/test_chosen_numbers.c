/* A record is known by a sealed number, which the writer of its content chooses, as well as its
 * version: neither makes it part of another record, whatever is done to either of them, nor does it
 * end what the owner can say. */
#include "pen_kit.h"

#include "contract/codes.h"
#include "share_private.h"

static story s;

static void begin(pen *p)
{
	story_begin(&s);
	kit_mkdir(&s.k, "Psychiatry");
	kit_text(&s.k, "Psychiatry/diary.txt", "first day");
	kit_settle(&s.k);
	kit_text(&s.k, "Psychiatry/diary.txt", "second day");
	kit_settle(&s.k);
	(void)pen_writes(&s, p, &s.lima, "lima");
}

static void end(pen *p)
{
	pen_close(p);
	story_end(&s);
}

/* Lima writes NAME in Imaging, OBJECT or something new, with the number of RECORD. */
static emr_id16 write_as(pen *p, emr_id16 object, emr_id16 record, uint64_t cver, const char *name)
{
	const emr_place at = {.domain = s.imaging,
		.object = emr_id16_is_zero(object) ? emr_id16_random() : object,
		.record_id = record,
		.cver = cver};

	pen_over(p, &at, s.imaging, name, "planted");
	assert_ok(p->status);
	assert_int_equal(p->last.result, EMR_RESULT_APPLIED);
	return at.object;
}

static void erase(const char *path)
{
	const emr_erase what = {.path = path};
	emr_erased erased;

	assert_ok(emr_view_erase(s.k.view, &what, &erased));
	kit_settle(&s.k);
	assert_false(kit_exists(&s.k, path));
}

static emr_status restore(const char *path, uint64_t cver)
{
	const emr_restore what = {.path = path, .cver = cver};
	emr_restored restored;
	emr_status status = emr_view_restore(s.k.view, &what, &restored);

	kit_settle(&s.k);
	return status;
}

TEST(what_is_erased_takes_nothing_else_with_it)
{
	pen p;

	for (int restart = 0; restart < 2; restart++) {
		begin(&p);
		(void)write_as(&p, (emr_id16){{0}}, kit_object_id(&s.k, "Psychiatry/diary.txt"), 3,
			"virus.pdf");
		kit_settle(&s.k);
		if (restart)
			kit_restart(&s.k);
		erase("Imaging/virus.pdf");
		kit_expect_text(&s.k, "Psychiatry/diary.txt", "second day");
		kit_restart(&s.k);
		kit_expect_text(&s.k, "Psychiatry/diary.txt", "second day");
		assert_ok(restore("Psychiatry/diary.txt", 1));
		kit_expect_text(&s.k, "Psychiatry/diary.txt", "first day");
		end(&p);
	}
}

TEST(nor_what_was_deleted)
{
	SCENE(pen, p, begin, end);
	(void)write_as(
		&p, (emr_id16){{0}}, kit_object_id(&s.k, "Psychiatry/diary.txt"), 3, "virus.pdf");
	kit_unlink(&s.k, "Psychiatry/diary.txt");
	kit_settle(&s.k);
	erase("Imaging/virus.pdf");
	assert_ok(restore("Psychiatry/diary.txt", 0));
	kit_expect_text(&s.k, "Psychiatry/diary.txt", "second day");
	assert_ok(restore("Psychiatry/diary.txt", 1));
	kit_expect_text(&s.k, "Psychiatry/diary.txt", "first day");
}

/* Nor when the owner has sealed it again, or saved on top of it. */
TEST(nor_when_she_has_had_it_in_hand)
{
	uint64_t n = 0, left_out = 0;

	SCENE(pen, p, begin, end);
	(void)write_as(
		&p, (emr_id16){{0}}, kit_object_id(&s.k, "Psychiatry/diary.txt"), 3, "virus.pdf");
	kit_settle(&s.k);
	assert_ok(emr_share_begin_epoch(begins(s.ana), s.imaging));
	assert_ok(share_hide_past(s.ana, s.imaging, &n, &left_out));
	kit_settle(&s.k);
	kit_text(&s.k, "Imaging/virus.pdf", "emptied");
	kit_settle(&s.k);
	erase("Imaging/virus.pdf");
	kit_expect_text(&s.k, "Psychiatry/diary.txt", "second day");
	kit_restart(&s.k);
	kit_expect_text(&s.k, "Psychiatry/diary.txt", "second day");
}

TEST(what_was_deleted_comes_back_as_it_was)
{
	emr_id16 diary;

	SCENE(pen, p, begin, end);
	diary = kit_object_id(&s.k, "Psychiatry/diary.txt");
	(void)write_as(&p, (emr_id16){{0}}, diary, 2, "a.pdf");
	(void)write_as(&p, (emr_id16){{0}}, diary, 1, "b.pdf");
	kit_settle(&s.k);
	kit_unlink(&s.k, "Psychiatry/diary.txt");
	kit_settle(&s.k);
	assert_true(kit_exists(&s.k, "Imaging/a.pdf"));
	assert_ok(restore("Psychiatry/diary.txt", 0));
	kit_expect_text(&s.k, "Psychiatry/diary.txt", "second day");
	assert_ok(restore("Psychiatry/diary.txt", 1));
	kit_expect_text(&s.k, "Psychiatry/diary.txt", "first day");
	assert_true(emr_id16_equal(kit_object_id(&s.k, "Psychiatry/diary.txt"), diary));
}

TEST(no_version_is_the_last)
{
	emr_id16 scan;

	SCENE(pen, p, begin, end);
	scan = kit_object_id(&s.k, "Imaging/MRI.pdf");
	(void)write_as(&p, scan, scan, UINT64_MAX, "MRI.pdf");
	kit_settle(&s.k);
	kit_text(&s.k, "Imaging/MRI.pdf", "hers again");
	kit_settle(&s.k);
	assert_string_equal(
		kit_attribute(&s.k, "Imaging/MRI.pdf", "user.emrfs.state"), "confirmed 1/1");
	assert_string_equal(kit_attribute(&s.k, "Imaging/MRI.pdf", "user.emrfs.version"), "2");
	kit_restart(&s.k);
	kit_expect_text(&s.k, "Imaging/MRI.pdf", "hers again");
	kit_text(&s.k, "Imaging/MRI.pdf", "and again");
	kit_settle(&s.k);
	assert_string_equal(
		kit_attribute(&s.k, "Imaging/MRI.pdf", "user.emrfs.state"), "confirmed 1/1");
	kit_expect_text(&s.k, "Imaging/MRI.pdf", "and again");
	/* Each of hers has a number of its own, by which it can be asked for. */
	assert_string_equal(kit_attribute(&s.k, "Imaging/MRI.pdf", "user.emrfs.version"), "3");
	assert_ok(restore("Imaging/MRI.pdf", 2));
	kit_expect_text(&s.k, "Imaging/MRI.pdf", "hers again");
}

TESTS(NULL, NULL)
