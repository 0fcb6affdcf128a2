/* A directory inside another, or a single file, becomes a domain of its own, so that it can be
 * shared. */
#include "view_kit.h"

static emr_id16 make_domain(kit *k, const char *path)
{
	emr_id16 domain;

	assert_ok(emr_view_make_domain(k->view, path, &domain));
	return domain;
}

static emr_path_domain domain_of(kit *k, const char *path)
{
	emr_path_domain d;

	assert_ok(emr_view_domain_of(k->view, path, &d));
	return d;
}

/* Until nothing waits: the moves, the old places, the old directories. */
static void settle(kit *k)
{
	for (int i = 0; i < 4; i++)
		kit_publish_all(k);
}

static int open_kit(void **state)
{
	kit *k = calloc(1, sizeof *k);

	kit_open(k);
	kit_mkdir(k, "Imaging");
	kit_mkdir(k, "Imaging/heart");
	kit_mkdir(k, "Imaging/heart/2024");
	kit_text(k, "Imaging/knee", "a knee");
	kit_text(k, "Imaging/heart/echo", "first");
	kit_text(k, "Imaging/heart/2024/mri", "large");
	settle(k);
	*state = k;
	return 0;
}

static int close_kit(void **state)
{
	kit_close(*state);
	free(*state);
	return 0;
}

TEST_IN(open_kit, close_kit, what_cannot_be_one_is_refused)
{
	kit *k = *state;
	emr_id16 domain;
	emr_attr attr;

	assert_int_equal(emr_view_make_domain(k->view, "Imaging/none", &domain), EMR_NOT_FOUND);
	assert_ok(emr_view_symlink(k->view, kit_attr(k, "Imaging").node, "link", "knee", &attr));
	emr_view_forget(k->view, attr.node, 1);
	assert_int_equal(emr_view_make_domain(k->view, "Imaging/link", &domain), EMR_INVALID);
	kit_text(k, "Imaging/Thumbs.db", "half");
	assert_int_equal(
		emr_view_make_domain(k->view, "Imaging/Thumbs.db", &domain), EMR_UNSUPPORTED);
	assert_memory_equal(make_domain(k, "Imaging").b, domain_of(k, "Imaging").domain.b, 16);
	settle(k);
	assert_int_equal(emr_view_domain_state(k->view, emr_id16_random(), &(emr_domain_state){0}),
		EMR_NOT_FOUND);
}

TEST_IN(open_kit, close_kit, domains_are_listed_with_what_they_hang_in)
{
	kit *k = *state;
	emr_id16 imaging = domain_of(k, "Imaging").domain;
	EMR_AUTO_BUF list = {0};
	const emr_inner_domain *d;
	char *path;

	make_domain(k, "Imaging/heart/2024");
	make_domain(k, "Imaging/heart");
	assert_ok(emr_view_domains_below(k->view, imaging, &list));
	assert_int_equal(list.len, 3 * sizeof *d);
	d = (const emr_inner_domain *)(const void *)list.data;
	assert_memory_equal(d[0].domain.b, imaging.b, 16);
	assert_memory_equal(d[1].outer.b, imaging.b, 16);
	assert_memory_equal(d[2].outer.b, d[1].domain.b, 16);
	assert_ok(emr_view_domain_path(k->view, d[2].domain, &path));
	assert_string_equal(path, "Imaging/heart/2024");
	free(path);
	settle(k);
	assert_ok(emr_view_domain_path(k->view, d[2].domain, &path));
	assert_string_equal(path, "Imaging/heart/2024");
	free(path);
}

TESTS(NULL, NULL)
