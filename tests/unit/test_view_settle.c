/* These tests show what a save means on the ledger: which saves keep the record, what is a version,
 * what is never told. */
#include "view_kit.h"

/* "Imaging" exists and is confirmed, and so is Imaging/x with the text "one". */
static void with_x(kit *k)
{
	kit_open(k);
	kit_mkdir(k, "Imaging");
	kit_text(k, "Imaging/x", "one");
	kit_publish(k);
	(void)kit_items(k);
	assert_string_equal(kit_attribute(k, "Imaging/x", "user.emrfs.state"), "confirmed 1/1");
}

static void finish(kit *k)
{
	kit_publish_all(k);
	kit_restart_and_compare(k);
	(void)kit_items(k);
	kit_publishes_all(k, "");
	kit_close(k);
}

TEST(a_record_with_an_heir_does_not_come_out_of_the_trash_as_well)
{
	SCENE(kit, k, with_x, finish);
	kit_mkdir(&k, ".Trash-1000");
	kit_rename(&k, "Imaging/x", ".Trash-1000/x");
	kit_save(&k, "Imaging/x", "two");
	assert_string_equal(kit_items(&k), "PUT");
	assert_string_equal(kit_attribute(&k, "Imaging/x", "user.emrfs.version"), "2");
	kit_rename(&k, ".Trash-1000/x", "Imaging/y");
	kit_publishes_all(&k, "PUT");
	assert_string_equal(kit_attribute(&k, "Imaging/y", "user.emrfs.version"), "1");
	kit_expect_text(&k, "Imaging/x", "two");
	kit_expect_text(&k, "Imaging/y", "one");
}

/* More files than one batch takes, and more than one run takes. */
TEST(a_big_directory_moves_between_domains_whole)
{
#ifdef __SANITIZE_THREAD__
	enum { FILES = 230 }; /* what is asked here is asked of one thread */
#else
	enum { FILES = 2300 };
#endif
	AUTO(kit_close) kit k;

	kit_open(&k);
	kit_mkdir(&k, "A");
	kit_mkdir(&k, "B");
	kit_mkdir(&k, "A/d");
	for (int i = 0; i < FILES; i++) {
		kit_text(&k, printed("A/d/f%d", i), printed("bytes of %d", i));
	}
	kit_publish_all(&k);
	kit_rename(&k, "A/d", "B/d");
	kit_publish(&k);
	kit_restart(&k); /* half way */
	assert_int_equal(kit_attr(&k, "B/d").type, EMR_META_DIR);
	for (int i = 0; i < FILES; i += 7) {
		kit_expect_text(&k, printed("B/d/f%d", i), printed("bytes of %d", i));
	}
	assert_false(kit_exists(&k, "f1"));
	kit_publish_all(&k);
	kit_restart_and_compare(&k);
	for (int i = 0; i < FILES; i++) {
		assert_string_equal(kit_attribute(&k, printed("B/d/f%d", i), "user.emrfs.state"),
			"confirmed 1/1");
	}
}

TESTS(NULL, NULL)
