/* These tests show that people are told what programs were refused, but not without end. */
#include "view_kit.h"

typedef struct heard {
	unsigned count;
	char id[32], path[64];
} heard;

static void hear(void *arg, const char *id, const char *path)
{
	heard *h = arg;

	h->count++;
	snprintf(h->id, sizeof h->id, "%s", id);
	snprintf(h->path, sizeof h->path, "%s", path);
}

/* A folder whose notices go to *H. */
static void open_hearing(kit *k, heard *h)
{
	kit_open(k);
	*h = (heard){0};
	k->options.notice = hear;
	k->options.notice_arg = h;
	kit_restart(k);
}

TEST(a_refusal_that_an_errno_does_not_explain_is_told_with_its_path)
{
	heard h;

	SCENE_OF(kit, k, kit_close, open_hearing, &h);
	kit_mkdir(&k, "Imaging");
	kit_text(&k, "Imaging/a.txt", "a");
	assert_status(EMR_NO_HARD_LINKS,
		emr_view_refuse(k.view, kit_attr(&k, "Imaging").node, "second", EMR_NO_HARD_LINKS));
	assert_string_equal(h.id, "no-hard-links");
	assert_string_equal(h.path, "Imaging/second");
	assert_status(EMR_TOO_BIG,
		emr_view_refuse(k.view, kit_attr(&k, "Imaging/a.txt").node, NULL, EMR_TOO_BIG));
	assert_string_equal(h.id, "too-big");
	assert_string_equal(h.path, "Imaging/a.txt");
	assert_status(EMR_RESERVED_NAME,
		emr_view_refuse(k.view, kit_attr(&k, "").node, "datasets", EMR_RESERVED_NAME));
	assert_string_equal(h.path, "datasets");
	assert_int_equal(h.count, 3);
}

TEST(ordinary_answers_are_not_told)
{
	heard h;

	SCENE_OF(kit, k, kit_close, open_hearing, &h);
	for (int status = EMR_OK; status < EMR_STATUS_COUNT; status++) {
		if (status == EMR_TOO_BIG || status == EMR_RESERVED_NAME ||
			status == EMR_NO_HARD_LINKS || status == EMR_IO)
			continue;
		assert_int_equal(status,
			emr_view_refuse(k.view, kit_attr(&k, "").node, "x", (emr_status)status));
	}
	assert_int_equal(h.count, 0);
	assert_status(EMR_TOO_BIG, emr_view_refuse(k.view, UINT64_MAX, NULL, EMR_TOO_BIG));
	assert_int_equal(h.count, 0);
	/* An error of the disk is everybody's business. */
	assert_status(EMR_IO, emr_view_refuse(k.view, kit_attr(&k, "").node, "x", EMR_IO));
	assert_int_equal(h.count, 1);
	assert_string_equal(h.id, "disk-refuses");
}

TEST(twenty_a_minute_of_one_kind_are_told)
{
	uint64_t top;
	heard h;

	SCENE_OF(kit, k, kit_close, open_hearing, &h);
	top = kit_attr(&k, "").node;
	for (int i = 0; i < 1000; i++)
		assert_status(
			EMR_NO_HARD_LINKS, emr_view_refuse(k.view, top, "x", EMR_NO_HARD_LINKS));
	assert_int_equal(h.count, 20);
	assert_status(EMR_RESERVED_NAME, emr_view_refuse(k.view, top, "x", EMR_RESERVED_NAME));
	assert_int_equal(h.count, 21);
	kit_wait_ms(&k, 60001);
	assert_status(EMR_NO_HARD_LINKS, emr_view_refuse(k.view, top, "x", EMR_NO_HARD_LINKS));
	assert_int_equal(h.count, 22);
}

TESTS(NULL, NULL)
