/* A share that lies in another share is shown at its place there, and beside it only where that one
 * is not shared. */
#include "shared_kit.h"

#include "shared.h"

/* ---- ana's side ---- */

static void tie(story *s)
{
	EMR_AUTO_BUF list = {0};
	emr_nested tree[16];
	emr_inner_domain d;
	size_t n;

	for (int i = 0; i < 4; i++)
		kit_publish_all(&s->k);
	assert_ok(emr_view_domains_below(s->k.view, (emr_id16){{0}}, &list));
	n = list.len / sizeof d;
	assert_true(n <= 16);
	for (size_t i = 0; i < n; i++) {
		memcpy(&d, list.data + i * sizeof d, sizeof d);
		tree[i] = (emr_nested){.domain = d.domain, .outer = d.outer};
	}
	assert_ok(emr_share_tie(s->ana, tree, n, NULL));
}

static const char *in(viewer *v, const char *path)
{
	return viewer_list(v, viewer_at(v, path), owner_answers);
}

static const char *beside(viewer *v)
{
	return viewer_list(v, v->owner, owner_answers);
}

static void look(story *s, viewer *v)
{
	(void)s;
	for (int i = 0; i < 4; i++) {
		viewer_run(v, owner_answers, 6);
		story_pass(v->s, 2);
	}
}

/* ---- the tests ---- */

TEST(a_folder_that_became_a_share_of_its_own_stays_at_its_place)
{
	LIMAS_FOLDER;

	(void)story_share(&s, &s.lima, 0, false);
	(void)ana_makes_domain(&s, "Imaging/Old");
	tie(&s);
	viewer_run(&v, NULL, 0);
	viewer_learn(&v);
	/* Before anybody has asked for a name, and at once when somebody lists. */
	assert_string_equal(beside(&v), "Imaging");
	assert_string_equal(in(&v, "Imaging"), "MRI.pdf,Old");
	assert_string_equal(beside(&v), "Imaging");
	assert_string_equal(in(&v, "Imaging/Old"), "CT.pdf");
	viewer_reads(&v, "Imaging/Old/CT.pdf", owner_answers, "%PDF a head");
	assert_string_equal(v.notices, "");
}

TEST(it_follows_its_folder)
{
	LIMAS_FOLDER;

	(void)story_share(&s, &s.lima, 0, false);
	(void)ana_makes_domain(&s, "Imaging/Old");
	tie(&s);
	viewer_run(&v, NULL, 0);
	viewer_learn(&v);
	assert_string_equal(in(&v, "Imaging"), "MRI.pdf,Old");
	kit_mkdir(&s.k, "Imaging/Series");
	kit_rename(&s.k, "Imaging/Old", "Imaging/Series/Older");
	tie(&s);
	look(&s, &v);
	assert_string_equal(in(&v, "Imaging"), "MRI.pdf,Series");
	assert_string_equal(in(&v, "Imaging/Series"), "Older");
	assert_string_equal(
		viewer_text(&v, viewer_at(&v, "Imaging/Series/Older/CT.pdf"), owner_answers),
		"%PDF a head");
}

TEST(it_ends_with_the_share_around_it)
{
	LIMAS_FOLDER;
	size_t n = 0;

	(void)story_share(&s, &s.lima, 0, false);
	(void)ana_makes_domain(&s, "Imaging/Old");
	tie(&s);
	viewer_run(&v, NULL, 0);
	viewer_learn(&v);
	assert_string_equal(in(&v, "Imaging"), "MRI.pdf,Old");
	assert_ok(emr_share_revoke_person(s.ana, s.imaging, s.lima.public.signer_id, &n));
	tie(&s);
	look(&s, &v);
	assert_non_null(strstr(beside(&v), "Imaging - access ended "));
	assert_null(strstr(beside(&v), "Old"));
}

TEST(alone_it_stands_beside)
{
	LIMAS_FOLDER;
	emr_id16 inner = ana_makes_domain(&s, "Imaging/Old");

	ana_shares_domain(&s, inner, "Old");
	viewer_run(&v, NULL, 0);
	viewer_learn(&v);
	assert_string_equal(beside(&v), "Old");
	assert_string_equal(in(&v, "Old"), "CT.pdf");
	/* The folder around it comes: it is there. */
	(void)story_share(&s, &s.lima, 0, false);
	tie(&s);
	look(&s, &v);
	assert_string_equal(in(&v, "Imaging"), "MRI.pdf,Old");
	assert_string_equal(beside(&v), "Imaging");
}

TEST(its_own_share_outlives_the_one_around_it)
{
	LIMAS_FOLDER;
	emr_id16 inner = ana_makes_domain(&s, "Imaging/Old");
	size_t n = 0;

	ana_shares_domain(&s, inner, "Old");
	(void)story_share(&s, &s.lima, 0, false);
	tie(&s);
	viewer_run(&v, NULL, 0);
	viewer_learn(&v);
	assert_string_equal(in(&v, "Imaging"), "MRI.pdf,Old");
	assert_ok(emr_share_revoke_person(s.ana, s.imaging, s.lima.public.signer_id, &n));
	tie(&s);
	look(&s, &v);
	assert_non_null(strstr(beside(&v), "Old"));
	viewer_reads(&v, "Old/CT.pdf", owner_answers, "%PDF a head");
}

TEST(shares_in_shares_in_shares)
{
	LIMAS_FOLDER;

	kit_mkdir(&s.k, "Imaging/Old/Older");
	kit_save(&s.k, "Imaging/Old/Older/US.pdf", "%PDF a heart");
	(void)story_share(&s, &s.lima, 0, false);
	(void)ana_makes_domain(&s, "Imaging/Old/Older");
	(void)ana_makes_domain(&s, "Imaging/Old");
	tie(&s);
	assert_ok(emr_store_index_now(s.k.stack.store));
	viewer_run(&v, NULL, 0);
	viewer_learn(&v);
	assert_string_equal(in(&v, "Imaging"), "MRI.pdf,Old");
	assert_string_equal(in(&v, "Imaging/Old"), "CT.pdf,Older");
	assert_string_equal(
		viewer_text(&v, viewer_at(&v, "Imaging/Old/Older/US.pdf"), owner_answers),
		"%PDF a heart");
	assert_string_equal(beside(&v), "Imaging");
}

TEST(a_file_of_its_own_too)
{
	LIMAS_FOLDER;

	(void)story_share(&s, &s.lima, 0, false);
	(void)ana_makes_domain(&s, "Imaging/MRI.pdf");
	tie(&s);
	viewer_run(&v, NULL, 0);
	viewer_learn(&v);
	assert_string_equal(
		in(&v, "Imaging"), "Old,MRI.pdf"); /* what is a share of its own is listed last */
	viewer_reads(&v, "Imaging/MRI.pdf", owner_answers, "%PDF a knee");
	assert_string_equal(beside(&v), "Imaging");
}

TESTS(NULL, NULL)
