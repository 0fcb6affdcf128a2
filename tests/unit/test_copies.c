/* The copier of a record that a doctor has signed is told that the copy has no signature but the
 * copier's: once, and of nothing else. */
#include "deposit_kit.h"

#include "edit.h"

#define COPIES                                                                                     \
	DEPOSIT;                                                                                   \
	noticed[0] = 0;                                                                            \
	s.k.view->options.shared_notice = note

static char noticed[8000];

static void note(void *arg, const emr_shared_notice *n)
{
	size_t len = strlen(noticed);

	(void)arg;
	(void)snprintf(noticed + len, sizeof noticed - len, "%s %s %s %s\n", n->id, n->path,
		n->inside, n->owner);
}

static void expect_told(const story *s, const char *copy, const char *original)
{
	assert_string_equal(noticed, printed("copy-unsigned %s %s lima.clinic, org0\n", copy,
					     deposits_path(s, original)));
	noticed[0] = 0;
}

static void save(story *s, const char *path, const char *text)
{
	kit_save(&s->k, path, text);
}

TEST(a_copy_of_what_a_doctor_signed_is_told_once)
{
	COPIES;

	(void)deposit(&d, "Report.pdf", "%PDF all is well");
	deposits_arrive(&s);
	kit_expect_text(&s.k, deposits_path(&s, "Report.pdf"), "%PDF all is well");
	save(&s, "Imaging/Copy.pdf", "%PDF all is well");
	expect_told(&s, "Imaging/Copy.pdf", "Report.pdf");
	assert_int_equal(
		strncmp(kit_attribute(&s.k, "Imaging/Copy.pdf", "user.emrfs.signature"), "self", 4),
		0);
	/* Nobody tells what happens to the copy later, nor of the original's own way. */
	kit_rename(&s.k, "Imaging/Copy.pdf", "Imaging/Mine.pdf");
	kit_publish_all(&s.k);
	save(&s, "Imaging/Mine.pdf", "%PDF all is ill!");
	save(&s, "Imaging/Mine.pdf", "%PDF all is well");
	kit_rename(&s.k, deposits_path(&s, "Report.pdf"), "Imaging/Report.pdf");
	kit_publish_all(&s.k);
	assert_string_equal(noticed, "");
	/* Another copy is another one, also of what was moved. */
	kit_expect_text(&s.k, "Imaging/Report.pdf", "%PDF all is well");
	save(&s, "Imaging/Again.pdf", "%PDF all is well");
	assert_non_null(strstr(noticed, "copy-unsigned Imaging/Again.pdf Imaging/Report.pdf lima"));
	deposit_end(&s, &d);
}

TEST(what_is_no_copy_of_it_is_not_told)
{
	COPIES;

	(void)deposit(&d, "Report.pdf", "%PDF all is well");
	deposits_arrive(&s);
	/* Nobody has read it yet: who writes the same has it from elsewhere. */
	save(&s, "Imaging/Elsewhere.pdf", "%PDF all is well");
	kit_expect_text(&s.k, deposits_path(&s, "Report.pdf"), "%PDF all is well");
	save(&s, "Imaging/Other.pdf", "%PDF all is ill.");
	save(&s, "Imaging/Longer.pdf", "%PDF all is well.");
	save(&s, "Imaging/Empty.pdf", "");
	save(&s, "Imaging/.~lock.Report.odt#", "%PDF all is well");
	/* Nor is a copy of one's own. */
	kit_expect_text(&s.k, "Imaging/MRI.pdf", "%PDF a knee");
	save(&s, "Imaging/Knee.pdf", "%PDF a knee");
	assert_string_equal(noticed, "");
	/* A file that stays under a name of scratch is a record, and a copy. */
	save(&s, "Imaging/Copy.tmp", "%PDF all is well");
	expect_told(&s, "Imaging/Copy.tmp", "Report.pdf");
	/* The file that an editor puts in its place is its next version. */
	kit_text(&s.k, "Imaging/lu1a2b3c.tmp", "%PDF all is well");
	kit_rename(&s.k, "Imaging/lu1a2b3c.tmp", deposits_path(&s, "Report.pdf"));
	kit_publish_all(&s.k);
	assert_string_equal(noticed, "");
	deposit_end(&s, &d);
}

TESTS(NULL, NULL)
