/* These tests show what a person with a right to write may try with other people's statements: to
 * bring one again as new, to say of another record that it is this one, and to describe the owner's
 * so that the owner cannot open it. */
#include "lies_kit.h"
#include "pen_kit.h"

#include "contract/codes.h"
#include "foreign_domain.h"
#include "share_private.h"

static story s;

/* ---- a writer whose computer does not look at its own rights ---- */

static bool is_reckless;

WRAPPED(emr_status, foreign_domain_may, const foreign_domain *g, const emr_change *change,
	const emr_replica_head *head)
{
	return is_reckless ? EMR_OK : __real_foreign_domain_may(g, change, head);
}

/* ---- the story ---- */

static void assert_applied(const pen *p)
{
	assert_ok(p->status);
	assert_int_equal(p->outcomes, 1);
	assert_ok(p->last.error);
	assert_int_equal(p->last.result, EMR_RESULT_APPLIED);
}

static emr_place place_of(const char *name)
{
	return story_place_called(&s, name);
}

static void owner_says(const char *path, const char *start)
{
	const char *is = kit_attribute(&s.k, path, "user.emrfs.signature");

	if (strncmp(is, start, strlen(start)) != 0)
		fail_msg("%s: \"%s\", not \"%s...\"", path, is, start);
}

static void reader_meets_a_mismatch(person *m, const emr_grant_made *made, const char *name)
{
	EMR_AUTO_BUF bytes = {0};
	emr_share_trouble trouble = {0};

	assert_status(EMR_BAD_SIGNATURE,
		story_read(&s, m, made->grant, name, all_agents, &bytes, &trouble));
}

/* Lima has said two things about two records; eve may write there, too. */
typedef struct scene {
	emr_grant_made lima_may, eve_may;
	pen lima, eve;
	emr_id16 first, second;
} scene;

static void begin(scene *c)
{
	is_reckless = false;
	story_begin(&s);
	c->lima_may = story_lets_write(&s, &s.lima, true);
	c->eve_may = story_lets_write(&s, &s.eve, true);
	pen_open(&s, &c->lima, &s.lima, "lima");
	story_see(&s.lima);
	pen_open(&s, &c->eve, &s.eve, "eve");
	story_see(&s.eve);
	lies_remember();
	pen_file(&c->lima, s.imaging, s.imaging, "biopsy-2024.txt", "2024: benign", &c->first);
	lies_end();
	pen_file(&c->lima, s.imaging, s.imaging, "biopsy-2026.txt", "2026: malignant", &c->second);
	kit_publish_all(&s.k);
	kit_expect_text(&s.k, "Imaging/biopsy-2024.txt", "2024: benign");
	kit_expect_text(&s.k, "Imaging/biopsy-2026.txt", "2026: malignant");
	story_pass(&s, 2 * DAY);
	story_see(&s.eve);
}

static void end(scene *c)
{
	lies_forget();
	pen_close(&c->lima);
	pen_close(&c->eve);
	story_end(&s);
}

static void put_over(
	pen *p, emr_id16 object, emr_id16 record, uint64_t cver, const char *name, const char *text)
{
	emr_place at = {.domain = s.imaging, .object = object, .record_id = record, .cver = cver};

	memcpy(at.r_pid, lies_r_pid(), sizeof at.r_pid);
	pen_over(p, &at, s.imaging, name, text);
}

static void bring_again(pen *p, emr_id16 object, emr_id16 record, uint64_t cver, const char *name)
{
	is_reckless = true;
	lies_bring_again();
	put_over(p, object, record, cver, name, "whatever");
	lies_end();
	is_reckless = false;
	assert_applied(p);
	kit_publish_all(&s.k);
}

TEST(what_another_once_said_is_not_brought_again_as_new)
{
	uint64_t n = 0, left_out = 0;

	SCENE(scene, c, begin, end);
	bring_again(&c.eve, c.second, c.first, 1, "biopsy-2026.txt");
	assert_status(EMR_BAD_SIGNATURE, pen_owner_reads(&s, "Imaging/biopsy-2026.txt"));
	owner_says("Imaging/biopsy-2026.txt", "mismatch by=lima.clinic");
	reader_meets_a_mismatch(&s.lima, &c.lima_may, "biopsy-2026.txt");
	/* Nor does it become good because the owner seals everything again. */
	assert_ok(emr_share_begin_epoch(begins(s.ana), s.imaging));
	assert_ok(share_hide_past(s.ana, s.imaging, &n, &left_out));
	assert_true(n > 0);
	kit_publish_all(&s.k);
	kit_restart(&s.k);
	assert_status(EMR_BAD_SIGNATURE, pen_owner_reads(&s, "Imaging/biopsy-2026.txt"));
	kit_expect_text(&s.k, "Imaging/biopsy-2024.txt", "2024: benign");
}

TEST(an_older_version_of_the_record_itself_is_not_either)
{
	SCENE(scene, c, begin, end);
	put_over(&c.lima, c.first, c.first, 2, "biopsy-2024.txt", "2024: corrected");
	assert_applied(&c.lima);
	kit_publish_all(&s.k);
	kit_expect_text(&s.k, "Imaging/biopsy-2024.txt", "2024: corrected");
	story_see(&s.eve);
	bring_again(&c.eve, c.first, c.first, 1, "biopsy-2024.txt");
	assert_status(EMR_BAD_SIGNATURE, pen_owner_reads(&s, "Imaging/biopsy-2024.txt"));
	reader_meets_a_mismatch(&s.lima, &c.lima_may, "biopsy-2024.txt");
}

TEST(not_even_by_who_said_it)
{
	SCENE(scene, c, begin, end);
	put_over(&c.lima, c.first, c.first, 2, "biopsy-2024.txt", "2024: corrected");
	assert_applied(&c.lima);
	kit_publish_all(&s.k);
	bring_again(&c.lima, c.first, c.first, 1, "biopsy-2024.txt");
	assert_status(EMR_BAD_SIGNATURE, pen_owner_reads(&s, "Imaging/biopsy-2024.txt"));
	reader_meets_a_mismatch(&s.eve, &c.eve_may, "biopsy-2024.txt");
}

/* Something lower in between does not make an older version the next one. */
TEST(nor_in_two_steps)
{
	scene c;

	for (int owner_seals_again = 0; owner_seals_again < 2; owner_seals_again++) {
		uint64_t n, left_out;

		begin(&c);
		lies_remember();
		put_over(&c.lima, c.first, c.first, 2, "biopsy-2024.txt", "2024: second opinion");
		lies_end();
		put_over(&c.lima, c.first, c.first, 3, "biopsy-2024.txt", "2024: corrected");
		assert_applied(&c.lima);
		kit_publish_all(&s.k);
		kit_expect_text(&s.k, "Imaging/biopsy-2024.txt", "2024: corrected");
		is_reckless = true;
		put_over(&c.lima, c.first, c.first, 1, "biopsy-2024.txt", "nothing that counts");
		assert_applied(&c.lima);
		is_reckless = false;
		kit_publish_all(&s.k);
		assert_status(EMR_BAD_SIGNATURE, pen_owner_reads(&s, "Imaging/biopsy-2024.txt"));
		if (owner_seals_again) {
			assert_ok(emr_share_begin_epoch(begins(s.ana), s.imaging));
			assert_ok(share_hide_past(s.ana, s.imaging, &n, &left_out));
			kit_publish_all(&s.k);
		}
		story_see(&s.lima);
		c.lima.says_n = strlen("2024: second opinion");
		bring_again(&c.lima, c.first, c.first, 2, "biopsy-2024.txt");
		assert_status(EMR_BAD_SIGNATURE, pen_owner_reads(&s, "Imaging/biopsy-2024.txt"));
		owner_says("Imaging/biopsy-2024.txt", "mismatch by=lima.clinic");
		if (!owner_seals_again)
			reader_meets_a_mismatch(&s.eve, &c.eve_may, "biopsy-2024.txt");
		end(&c);
	}
}

/* Whom a record is about, its content says, which is signed. */
TEST(who_renames_the_owners_record_does_not_close_it)
{
	EMR_AUTO_BUF bytes = {0};
	emr_share_trouble trouble = {0};
	emr_place before, after;

	SCENE(scene, c, begin, end);
	before = place_of("MRI.pdf");
	is_reckless = true;
	pen_rename_blindly(&c.eve, s.imaging, before.object, s.imaging,
		"MRI.pdf"); /* with a number of its own making */
	is_reckless = false;
	assert_applied(&c.eve);
	kit_publish_all(&s.k);
	after = place_of("MRI.pdf");
	assert_int_not_equal(after.version, before.version);
	assert_memory_equal(after.r_pid, before.r_pid, sizeof before.r_pid);
	assert_ok(pen_owner_reads(&s, "Imaging/MRI.pdf"));
	kit_expect_text(&s.k, "Imaging/MRI.pdf", "%PDF a knee"); /* how long it is, too */
	owner_says("Imaging/MRI.pdf", "self");
	assert_ok(
		story_read(&s, &s.lima, c.lima_may.grant, "MRI.pdf", all_agents, &bytes, &trouble));
	kit_restart(&s.k);
	assert_ok(pen_owner_reads(&s, "Imaging/MRI.pdf"));
	/* The owner's later words about it concern the same. */
	kit_rename(&s.k, "Imaging/MRI.pdf", "Imaging/head.pdf");
	kit_publish_all(&s.k);
	after = place_of("head.pdf");
	assert_memory_equal(after.r_pid, before.r_pid, sizeof before.r_pid);
	kit_restart(&s.k);
	assert_ok(pen_owner_reads(&s, "Imaging/head.pdf"));
	owner_says("Imaging/head.pdf", "self");
}

TESTS(NULL, NULL)
