/* These tests show that nothing of a writer's configures a program in ana's folder, at once and
 * after every start: neither a name that the writer chose, nor a file that the writer saves under a
 * name or in a directory of ana's. */
#include "pen_kit.h"

static story s;

static void settle_after(bool restart)
{
	if (restart)
		kit_restart(&s.k);
	kit_settle(&s.k);
}

/* git, vim and Windows look for such names and do what stands there. */
TEST(what_a_writer_names_configures_no_program)
{
	static const char *const names[][2] = {{".vimrc", "_vimrc"}, {"..data", "_.data"},
		{"Desktop.ini", "_Desktop.ini"}, {"AUTORUN.INF", "_AUTORUN.INF"}, {"HEAD", "_HEAD"},
		{"head", "_head"}, {"commondir", "_commondir"}, {"gitdir", "_gitdir"},
		{"config.worktree", "_config.worktree"}, {"a.LNK", "a_LNK"}, {".b.url", "_b_url"},
		{"c.scf. ", "c_scf. "}, {"desktop.ini .", "_desktop.ini ."},
		{"d.library-ms", "d_library-ms"}, {".bidsignore.", "_bidsignore."}};
	EMR_AUTO_BUF bytes = {0};
	char path[80];
	emr_meta said;
	emr_place at;
	emr_id16 git;
	pen p;

	story_begin(&s);
	kit_save(&s.k, "Imaging/.own", "hers");
	(void)pen_writes(&s, &p, &s.lima, "lima");
	pen_dir(&p, s.imaging, s.imaging, ".git", &git);
	pen_file(&p, s.imaging, git, "config", "[core] fsmonitor = >ran", NULL);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		pen_file(&p, s.imaging, s.imaging, names[i][0], "his", NULL);
	pen_dir(&p, s.imaging, git, "HEAD", NULL); /* of a body, perhaps */
	pen_dir(&p, s.imaging, git, "e.{ED7BA470-8E54-465E-825C-99712043E01C}", NULL);
	assert_ok(emr_facts_get(s.k.stack.facts, s.imaging, kit_object_id(&s.k, "Imaging/.own"),
		&at, &bytes, &said));
	at.cver++;
	pen_over(&p, &at, s.imaging, ".own", "his");
	assert_ok(p.last.error);
	for (int restart = 0; restart < 3; restart++) {
		settle_after(restart);
		kit_expect_text(&s.k, "Imaging/_git/config", "[core] fsmonitor = >ran");
		assert_false(kit_exists(&s.k, "Imaging/.git"));
		assert_true(kit_exists(&s.k, "Imaging/_git/HEAD"));
		assert_true(
			kit_exists(&s.k, "Imaging/_git/e_{ED7BA470-8E54-465E-825C-99712043E01C}"));
		for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
			snprintf(path, sizeof path, "Imaging/%s", names[i][1]);
			kit_expect_text(&s.k, path, "his");
			assert_int_equal(kit_attr(&s.k, path).mode & 0111, 0);
			assert_false(kit_exists(&s.k, printed("Imaging/%s", names[i][0])));
		}
		kit_expect_text(&s.k, "Imaging/_own", "his"); /* her name was for her bytes */
		assert_false(kit_exists(&s.k, "Imaging/.own"));
		if (restart > 0)
			continue;
		/* what she signs again for somebody else is her word from then on */
		(void)story_share(&s, &s.eve, 0, true);
	}
	pen_close(&p);
	story_end(&s);
}

/* Her own repository: two new versions, a new file and a directory of his inside. */
TEST(what_a_writer_saves_in_her_repository_lies_outside_of_it)
{
	EMR_AUTO_BUF config = {0};
	EMR_AUTO_BUF head = {0};
	emr_id16 git, hooks, his;
	emr_place at[2];
	emr_meta said;
	pen p;

	story_begin(&s);
	kit_mkdir(&s.k, "Imaging/.git");
	kit_mkdir(&s.k, "Imaging/.git/hooks");
	kit_text(&s.k, "Imaging/.git/config", "hers");
	kit_text(&s.k, "Imaging/.git/HEAD", "hers");
	kit_save(&s.k, "Imaging/.git/description", "hers");
	git = kit_object_id(&s.k, "Imaging/.git");
	hooks = kit_object_id(&s.k, "Imaging/.git/hooks");
	(void)pen_writes(&s, &p, &s.lima, "lima");
	assert_ok(emr_facts_get(s.k.stack.facts, s.imaging,
		kit_object_id(&s.k, "Imaging/.git/config"), &at[0], &config, &said));
	assert_ok(emr_facts_get(s.k.stack.facts, s.imaging,
		kit_object_id(&s.k, "Imaging/.git/HEAD"), &at[1], &head, &said));
	for (size_t i = 0; i < 2; i++)
		at[i].cver++;
	pen_over(&p, &at[0], git, "config", "[core] fsmonitor = >ran");
	pen_over(&p, &at[1], git, "HEAD", "his");
	assert_ok(p.last.error);
	pen_file(&p, s.imaging, hooks, "post-checkout", ">ran", NULL);
	pen_dir(&p, s.imaging, git, "refs", &his);
	pen_file(&p, s.imaging, his, "HEAD", "his", NULL);
	for (int restart = 0; restart < 3; restart++) {
		settle_after(restart);
		assert_false(kit_exists(&s.k, "Imaging/.git/config"));
		assert_false(kit_exists(&s.k, "Imaging/.git/HEAD"));
		assert_false(kit_exists(&s.k, "Imaging/.git/refs"));
		assert_false(kit_exists(&s.k, "Imaging/.git/hooks/post-checkout"));
		assert_true(kit_exists(&s.k, "Imaging/.git/hooks"));
		kit_expect_text(&s.k, "Imaging/.git/description", "hers");
		kit_expect_text(&s.k, "Imaging/config", "[core] fsmonitor = >ran");
		kit_expect_text(&s.k, "Imaging/_HEAD", "his");
		kit_expect_text(&s.k, "Imaging/post-checkout", ">ran");
		kit_expect_text(&s.k, "Imaging/refs/_HEAD", "his");
		if (restart > 0)
			continue;
		/* what she signs again for somebody else is her word from then on */
		(void)story_share(&s, &s.eve, 0, true);
	}
	pen_close(&p);
	story_end(&s);
}

TESTS(NULL, NULL)
