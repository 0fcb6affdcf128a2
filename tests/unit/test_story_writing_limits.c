/* These tests are about a writer's computer that checks nothing, and about the owner's, which does:
 * the limits hold without the ledger's help, at once and after every start. */
#include "pen_kit.h"

#include "contract/codes.h"
#include "share/write.h"
#include "shared_kit.h"
#include "writers.h"

static story s;

/* Lima writes in Imaging, or only leaves things there. */
static void begin(pen *p, bool only_leaves)
{
	emr_grant_order order = {.rights = only_leaves ? 0 : EMR_GRANT_LIST | EMR_GRANT_READ,
		.writes = only_leaves ? EMR_WRITES_DEPOSIT : EMR_WRITES_ALL,
		.purposes = only_leaves ? 0 : 1u << CONSULT,
		.not_after_unix_s = story_now(&s) + 7 * DAY};
	emr_grant_made made;

	kit_mkdir(&s.k, "Psychiatry");
	kit_save(&s.k, "Psychiatry/diary.txt", "nobody else's");
	assert_ok(story_try_share(&s, &s.lima, &order, true, &made));
	pen_open(&s, p, &s.lima, "lima");
	story_see(&s.lima);
}

static void end(pen *p)
{
	pen_close(p);
	story_end(&s);
}

static void settle_after(bool restart)
{
	if (restart)
		kit_restart(&s.k);
	kit_settle(&s.k);
}

/* ---- */

TEST(what_a_writer_places_lies_in_his_domain)
{
	const emr_id16 top = {{0}};
	emr_id16 psychiatry, lost = emr_id16_random();
	size_t others;
	AUTO(end) pen p;

	story_begin(&s);
	begin(&p, true);
	psychiatry = kit_object_id(&s.k, "Psychiatry");
	others = pen_live_in(&s, psychiatry);
	pen_file(&p, s.imaging, top, "at-top.txt", "planted", NULL);
	assert_ok(p.last.error);
	pen_file(&p, s.imaging, psychiatry, "in-psychiatry.txt", "planted", NULL);
	assert_ok(p.last.error);
	pen_file(&p, s.imaging, lost, "nowhere.txt", "planted", NULL);
	assert_ok(p.last.error);
	for (int restart = 0; restart < 2; restart++) {
		settle_after(restart);
		assert_false(kit_exists(&s.k, "at-top.txt"));
		assert_false(kit_exists(&s.k, "nowhere.txt"));
		assert_false(kit_exists(&s.k, "Psychiatry/in-psychiatry.txt"));
		assert_true(kit_exists(&s.k, "Imaging/at-top.txt"));
		assert_true(kit_exists(&s.k, "Imaging/in-psychiatry.txt"));
		assert_true(kit_exists(&s.k, "Imaging/nowhere.txt"));
		assert_int_equal(pen_live_in(&s, psychiatry), others);
	}
}

TEST(nobody_moves_her_directories_to_another_domain)
{
	emr_id16 psychiatry, old;
	size_t others;
	AUTO(end) pen p;

	story_begin(&s);
	begin(&p, false);
	psychiatry = kit_object_id(&s.k, "Psychiatry");
	old = kit_object_id(&s.k, "Imaging/Old");
	others = pen_live_in(&s, psychiatry);
	pen_describe(&p, EMR_META_DIR, s.imaging, old, psychiatry, "Old");
	assert_ok(p.last.error);
	for (int restart = 0; restart < 2; restart++) {
		settle_after(restart);
		assert_true(kit_exists(&s.k, "Imaging/Old"));
		assert_false(kit_exists(&s.k, "Psychiatry/Old"));
		assert_int_equal(kit_attr(&s.k, "Imaging/Old").mode & 07000, 0);
		assert_int_equal(pen_live_in(&s, psychiatry), others);
	}
}

TEST(the_folder_itself_is_the_owners_to_name)
{
	emr_id16 psychiatry;
	pen p;

	for (int away = 0; away < 2; away++) { /* she was there, or starts afterwards */
		story_begin(&s);
		begin(&p, false);
		psychiatry = kit_object_id(&s.k, "Psychiatry");
		assert_ok(emr_view_set_attribute(s.k.view, kit_attr(&s.k, "Imaging").node,
			"user.emrfs.keep", emr_bytes_of("no", 2), 0));
		kit_publish_all(&s.k);
		story_see(&s.lima);
		pen_describe(&p, EMR_META_DIR, s.imaging, s.imaging, psychiatry, "Pwned");
		for (int restart = away; restart < 2; restart++) {
			settle_after(restart);
			assert_true(kit_exists(&s.k, "Imaging/MRI.pdf"));
			assert_false(kit_exists(&s.k, "Psychiatry/Pwned"));
			assert_false(kit_exists(&s.k, "Pwned"));
			assert_string_equal(
				kit_attribute(&s.k, "Imaging", "user.emrfs.keep"), "no");
		}
		story_see(&s.lima);
		pen_unlink(&p, s.imaging, s.imaging);
		for (int restart = away; restart < 2; restart++) {
			settle_after(restart);
			assert_true(kit_exists(&s.k, "Imaging/MRI.pdf"));
		}
		end(&p);
	}
}

static unsigned told_damaged;

static void count_damage(void *arg, const char *name, const char *path)
{
	(void)arg;
	(void)path;
	told_damaged += strcmp(name, "bad-data") == 0;
}

TEST(what_emrfs_goes_by_is_not_a_writers_to_say)
{
	const emr_id16 top = {{0}};
	emr_id16 old;
	pen p;

	told_damaged = 0;
	for (int away = 0; away < 2; away++) {
		story_begin(&s);
		begin(&p, false);
		s.k.options.notice = count_damage; /* from the next start on */
		old = kit_object_id(&s.k, "Imaging/Old");
		assert_ok(emr_view_set_attribute(s.k.view, kit_attr(&s.k, "Imaging/Old").node,
			"user.emrfs.keep", emr_bytes_of("no", 2), 0));
		kit_publish_all(&s.k);
		story_see(&s.lima);
		pen_describe(&p, EMR_META_DIR, s.imaging, old, s.imaging, "Old");
		pen_link(&p, s.imaging, s.imaging, "passwd", "/etc/passwd", NULL);
		pen_link(&p, s.imaging, s.imaging, "up", "Old/../../Psychiatry/diary.txt", NULL);
		pen_link(&p, s.imaging, s.imaging, "fine", "Old", NULL);
		pen_link(&p, s.imaging, top, ".emrfs", "Old", NULL);
		assert_ok(p.last.error);
		for (int restart = away; restart < 2; restart++) {
			settle_after(restart);
			assert_string_equal(
				kit_attribute(&s.k, "Imaging/Old", "user.emrfs.keep"), "no");
			assert_int_equal(kit_attr(&s.k, "Imaging/Old").mode & 07000, 0);
			assert_false(kit_exists(&s.k, "Imaging/passwd"));
			assert_false(kit_exists(&s.k, "Imaging/up"));
			assert_true(kit_exists(&s.k, "Imaging/fine"));
			assert_true(kit_exists(&s.k, "Imaging/_emrfs"));
			assert_int_equal(told_damaged, 0); /* links that are kept out are whole */
		}
		end(&p);
	}
}

TEST(what_something_is_and_how_long_is_not_his_to_say)
{
	emr_id16 scan, old;
	AUTO(end) pen p;

	story_begin(&s);
	begin(&p, false);
	scan = kit_object_id(&s.k, "Imaging/MRI.pdf");
	old = kit_object_id(&s.k, "Imaging/Old");
	pen_rename_blindly(&p, s.imaging, scan, s.imaging, "MRI.pdf"); /* and no byte long */
	assert_ok(p.last.error);
	for (int restart = 0; restart < 2; restart++) {
		settle_after(restart);
		kit_expect_text(&s.k, "Imaging/MRI.pdf", "%PDF a knee");
	}
	pen_describe_as_link(&p, s.imaging, scan, s.imaging, "MRI.pdf", "Old");
	assert_ok(p.last.error);
	pen_describe_as_link(&p, s.imaging, old, s.imaging, "Old", "MRI.pdf");
	assert_ok(p.last.error);
	pen_describe(&p, EMR_META_FILE, s.imaging, emr_id16_random(), s.imaging, "empty.txt");
	for (int restart = 0; restart < 2; restart++) {
		settle_after(restart);
		kit_expect_text(&s.k, "Imaging/MRI.pdf", "%PDF a knee");
		assert_true(kit_exists(&s.k, "Imaging/Old/CT.pdf"));
		assert_false(kit_exists(&s.k, "Imaging/empty.txt"));
	}
}

/* Of his own file it is; but then it is not what he has signed. */
TEST(who_says_another_length_has_signed_something_else)
{
	static const uint64_t lies[] = {1, UINT64_C(1) << 40};
	AUTO(end) pen p;

	story_begin(&s);
	begin(&p, false);
	for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
		p.says_n = lies[i];
		pen_file(&p, s.imaging, s.imaging, i == 0 ? "short.txt" : "long.txt",
			"what was signed", NULL);
		assert_int_equal(p.last.result, EMR_RESULT_APPLIED);
	}
	settle_after(false);
	assert_status(EMR_DAMAGED, pen_owner_reads(&s, "Imaging/short.txt"));
	assert_status(EMR_DAMAGED, pen_owner_reads(&s, "Imaging/long.txt"));
}

/* "Imaging" and N directories "d", one in the other, in a static buffer. */
static const char *deep(size_t n)
{
	static char path[2000];

	strcpy(path, "Imaging");
	for (size_t i = 0; i < n; i++)
		strcat(path, "/d");
	return path;
}

TEST(what_he_lays_deep_has_an_end)
{
	emr_id16 at;
	AUTO(end) pen p;

	story_begin(&s);
	begin(&p, false);
	at = s.imaging;
	for (size_t i = 0; i < WRITERS_DEPTH_MAX + 20; i++) {
		pen_dir(&p, s.imaging, at, "d", &at);
		assert_int_equal(p.last.result, EMR_RESULT_APPLIED);
	}
	pen_file(&p, s.imaging, at, "bottom.txt", "here", NULL);
	for (int restart = 0; restart < 2; restart++) {
		settle_after(restart);
		assert_true(kit_exists(&s.k, deep(WRITERS_DEPTH_MAX - 2)));
		assert_false(kit_exists(&s.k, deep(WRITERS_DEPTH_MAX + 2)));
	}
}

TEST(other_readers_believe_no_more_than_the_owner)
{
	emr_id16 old;
	emr_attr attr;
	viewer v;
	pen p;

	story_begin(&s);
	assert_ok(emr_store_index_now(s.k.stack.store));
	viewer_open(&v, &s, &s.lima, "lima-folder", CONSULT);
	(void)story_share(&s, &s.lima, 0, false);
	(void)story_lets_write(&s, &s.eve, false);
	pen_open(&s, &p, &s.eve, "eve");
	story_see(&s.eve);
	old = kit_object_id(&s.k, "Imaging/Old");
	pen_describe(&p, EMR_META_DIR, s.imaging, old, s.imaging, "Old");
	assert_ok(p.last.error);
	pen_link(&p, s.imaging, s.imaging, "passwd", "/etc/passwd", NULL);
	pen_link(&p, s.imaging, s.imaging, "fine", "Old", NULL);
	pen_describe(&p, EMR_META_DIR, s.imaging, s.imaging, old, "Pwned");
	/* her computer has said nothing of it yet */
	viewer_run(&v, NULL, 0);
	viewer_learn_owner(&v);
	viewer_lists(&v, "Imaging", owner_answers, "MRI.pdf,Old,fine");
	assert_ok(viewer_find(&v, viewer_at(&v, "Imaging/Old"), owner_answers, &attr));
	assert_int_equal(attr.mode & 07000, 0);
	pen_close(&p);
	viewer_close(&v);
	story_end(&s);
}

/* Whom she shares with next must not see what is past: all of it is wrapped for a new epoch, under
 * her own signature. */
TEST(sharing_with_one_more_does_not_make_his_words_hers)
{
	EMR_AUTO_BUF attributes = {0};
	EMR_AUTO_BUF bytes = {0};
	emr_id16 psychiatry;
	size_t others;
	emr_place at;
	emr_meta meta, said;
	AUTO(end) pen p;

	story_begin(&s);
	begin(&p, false);
	psychiatry = kit_object_id(&s.k, "Psychiatry");
	others = pen_live_in(&s, psychiatry);
	at = (emr_place){.domain = s.imaging, .object = emr_id16_random(), .cver = 1};
	at.record_id = at.object;
	meta = (emr_meta){.type = EMR_META_FILE,
		.mode = 06777,
		.mtime_ns = s.k.clock.unix_ns,
		.parent = psychiatry,
		.name = emr_bytes_of("planted.txt", 11)};
	memcpy(meta.r_pid, emr_id32_random().b, sizeof meta.r_pid);
	assert_ok(emr_xattr_change((emr_bytes){0}, emr_bytes_of("user.emrfs.keep", 15),
		emr_bytes_of("no", 2), false, &attributes, &meta.xattr_count));
	meta.xattrs = emr_buf_view(&attributes);
	for (at.cver = 1; at.cver <= 2; at.cver++) {
		pen_claim(&p, &at, &meta, "his bytes", false);
		assert_ok(p.last.error);
		assert_int_equal(p.last.result, EMR_RESULT_APPLIED);
	}
	pen_link(&p, s.imaging, s.imaging, "passwd", "/etc/passwd", NULL);
	assert_int_equal(p.last.result, EMR_RESULT_APPLIED);
	/* and content of a file of hers, which he calls a directory */
	assert_ok(emr_facts_get(s.k.stack.facts, s.imaging, kit_object_id(&s.k, "Imaging/MRI.pdf"),
		&at, &bytes, &said));
	at.cver++;
	meta = (emr_meta){.type = EMR_META_DIR,
		.mode = 0755,
		.mtime_ns = s.k.clock.unix_ns,
		.parent = s.imaging,
		.name = emr_bytes_of("MRI.pdf", 7)};
	memcpy(meta.r_pid, at.r_pid, sizeof meta.r_pid);
	pen_claim(&p, &at, &meta, "no directory", false);
	assert_int_equal(p.last.result, EMR_RESULT_APPLIED);
	kit_settle(&s.k);
	kit_expect_text(&s.k, "Imaging/MRI.pdf", "no directory");
	(void)story_share(&s, &s.eve, 0, true);
	for (int restart = 0; restart < 2; restart++) {
		char *target = NULL;
		emr_attr attr;

		settle_after(restart);
		kit_expect_text(&s.k, "Imaging/planted.txt", "his bytes");
		kit_expect_text(&s.k, "Imaging/MRI.pdf", "no directory");
		assert_int_equal(kit_attr(&s.k, "Imaging/planted.txt").mode & 07111, 0);
		assert_string_equal(
			kit_attribute(&s.k, "Imaging/planted.txt", "user.emrfs.keep"), "yes");
		assert_int_equal(pen_live_in(&s, psychiatry), others);
		if (emr_view_find(s.k.view, "Imaging/passwd", &attr) != EMR_OK)
			continue;
		assert_ok(emr_view_read_link(s.k.view, attr.node, &target));
		assert_int_not_equal(target[0], '/');
		free(target);
	}
}

static void link_to(const char *path, const char *target)
{
	const char *name;
	uint64_t parent = kit_parent(&s.k, path, &name);
	emr_attr attr;

	assert_ok(emr_view_symlink(s.k.view, parent, name, target, &attr));
}

/* The other way round: her links are followed on his computer. */
TEST(who_shares_leads_nobody_out_of_the_share)
{
	viewer v;

	story_begin(&s);
	assert_ok(emr_store_index_now(s.k.stack.store));
	viewer_open(&v, &s, &s.lima, "lima-folder", CONSULT);
	link_to("Imaging/passwd", "/etc/passwd");
	link_to("Imaging/out", "../Private/own.txt");
	link_to("Imaging/Old/out", "../../Private/own.txt");
	link_to("Imaging/Old/round", "../Old/../../own.txt");
	link_to("Imaging/Old/up", "../MRI.pdf");
	link_to("Imaging/down", "Old/CT.pdf");
	kit_publish_all(&s.k);
	(void)story_share(&s, &s.lima, 0, false);
	viewer_run(&v, NULL, 0);
	viewer_learn_owner(&v);
	viewer_lists(&v, "Imaging", owner_answers, "MRI.pdf,Old,down");
	viewer_lists(&v, "Imaging/Old", owner_answers, "CT.pdf,up");
	/* Her own folder is hers. */
	assert_true(kit_exists(&s.k, "Imaging/out"));
	viewer_close(&v);
	story_end(&s);
}

TESTS(NULL, NULL)
