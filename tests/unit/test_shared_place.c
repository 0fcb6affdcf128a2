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
	assert_ok(emr_share_tie(begins(s->ana), tree, n, NULL));
}

static const char *in(viewer *v, const char *path)
{
	return viewer_list(v, viewer_at(v, path), owner_answers);
}

static const char *beside(viewer *v)
{
	return viewer_list(v, v->owner, owner_answers);
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

/* A program that opens a file there is told that nobody answers, and not that there is none. */
TEST(what_lies_in_a_share_inside_whose_names_nobody_releases_is_awaited)
{
	LIMAS_FOLDER;
	emr_attr attr;

	(void)story_share(&s, &s.lima, 0, false);
	viewer_run(&v, NULL, 0);
	viewer_learn(&v);
	assert_string_equal(in(&v, "Imaging"), "MRI.pdf,Old");
	(void)ana_makes_domain(&s, "Imaging/Old");
	tie(&s);
	assert_ok(emr_store_index_now(s.k.stack.store));
	viewer_run(&v, NULL, 0);
	assert_status(
		EMR_TIMEOUT, viewer_find(&v, viewer_at(&v, "Imaging/Old/CT.pdf"), NULL, &attr));
	assert_non_null(strstr(v.notices, "no-release "));
	/* A known name waits for nobody, and a list is made without the other. */
	assert_ok(viewer_find(&v, viewer_at(&v, "Imaging"), NULL, &attr));
	assert_ok(emr_view_await(v.view, attr.node, EMR_NEED_NAMES, "MRI.pdf", NULL, NULL));
	assert_string_equal(viewer_list(&v, viewer_at(&v, "Imaging"), NULL), "MRI.pdf");
	assert_string_equal(in(&v, "Imaging"), "MRI.pdf,Old");
	assert_ok(emr_view_await(v.view, attr.node, EMR_NEED_NAMES, "none", NULL, NULL));
	assert_string_equal(in(&v, "Imaging/Old"), "CT.pdf");
}

TESTS(NULL, NULL)
