/* A directory inside another, or a single file, becomes a domain of its own, so that it can be
 * shared. */
#include "view_kit.h"

#include "contract/codes.h"

#include "publish.h"
#include "tree.h"

static emr_id16 make_domain(kit *k, const char *path)
{
	emr_id16 domain;

	assert_ok(emr_view_make_domain(k->view, path, &domain));
	return domain;
}

static emr_domain_state state_of(kit *k, emr_id16 domain)
{
	emr_domain_state state;

	assert_ok(emr_view_domain_state(k->view, domain, &state));
	return state;
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

typedef struct living {
	emr_id16 domain;
	size_t n;
} living;

static emr_status count_living(void *arg, const emr_replica_head *head)
{
	living *l = arg;

	l->n += head->state == EMR_OBJECT_LIVE;
	return EMR_OK;
}

/* Objects that the ledger has alive in DOMAIN. */
static size_t living_in(kit *k, emr_id16 domain)
{
	living l = {.domain = domain};

	assert_ok(emr_replica_each_head(k->stack.replica, &domain, count_living, &l));
	return l.n;
}

static void expect_whole(kit *k, const char *path, size_t records)
{
	emr_path_domain d = domain_of(k, path);
	emr_domain_state state = state_of(k, d.domain);

	assert_true(d.is_root);
	assert_true(state.is_whole);
	assert_int_equal(state.left, 0);
	assert_int_equal(state.records, records);
	assert_int_equal(living_in(k, d.domain), records);
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

TEST_IN(open_kit, close_kit, an_inner_directory_becomes_a_domain_by_wraps_only)
{
	kit *k = *state;
	emr_id16 outer = domain_of(k, "Imaging/heart").domain, inner;
	uint64_t ino = kit_attr(k, "Imaging/heart/echo").ino;
	size_t before = living_in(k, outer);
	EMR_AUTO_FREE char *picture = kit_picture(k), *after;

	kit_items(k);
	inner = make_domain(k, "Imaging/heart");
	assert_memory_not_equal(inner.b, outer.b, 16);
	assert_false(state_of(k, inner).is_whole);
	assert_int_equal(state_of(k, inner).left, 4);
	settle(k);
	assert_null(strstr(kit_items(k), "PUT"));
	expect_whole(k, "Imaging/heart", 4);
	assert_int_equal(living_in(k, outer), before - 4);
	after = kit_picture(k);
	assert_string_equal(after, picture);
	assert_int_equal(kit_attr(k, "Imaging/heart/echo").ino, ino);
	kit_restart_and_compare(k);
	expect_whole(k, "Imaging/heart", 4);
	settle(k);
	assert_string_equal(kit_items(k), "");
	assert_memory_equal(
		make_domain(k, "Imaging/heart").b, inner.b, 16); /* asked again: nothing */
	settle(k);
	assert_string_equal(kit_items(k), "");
}

/* Several batches, keys wrapped by two threads, and a restart between the wraps and the removal of
 * the old places. */
TEST_IN(open_kit, close_kit, more_records_than_a_batch_takes_move_and_leave_nothing_behind)
{
	kit *k = *state;
	emr_id16 outer = domain_of(k, "Imaging/heart").domain;
	EMR_AUTO_FREE char *picture, *after;

	for (int i = 0; i < 1100; i++) {
		kit_text(k, printed("Imaging/heart/%04d", i), printed("slice %d", i));
	}
	settle(k);
	picture = kit_picture(k);
	make_domain(k, "Imaging/heart");
	kit_publish(k);
	assert_int_equal(state_of(k, domain_of(k, "Imaging/heart").domain).left, 0);
	assert_true(living_in(k, outer) > 1000);
	kit_restart(k);
	settle(k);
	expect_whole(k, "Imaging/heart", 1104);
	assert_int_equal(living_in(k, outer), 2); /* Imaging and the knee */
	after = kit_picture(k);
	assert_string_equal(after, picture);
}

TEST_IN(open_kit, close_kit, what_is_new_goes_to_the_new_domain_at_once)
{
	kit *k = *state;
	emr_id16 outer = domain_of(k, "Imaging").domain, inner = make_domain(k, "Imaging/heart");
	size_t before = living_in(k, outer);

	kit_text(k, "Imaging/heart/new", "new");
	kit_mkdir(k, "Imaging/heart/2025");
	kit_text(k, "Imaging/heart/2025/newer", "newer");
	assert_memory_equal(domain_of(k, "Imaging/heart/2025/newer").domain.b, inner.b, 16);
	settle(k);
	expect_whole(k, "Imaging/heart", 7);
	assert_int_equal(living_in(k, outer), before - 4);
	kit_restart_and_compare(k);
}

static emr_status count_version(void *arg, const emr_file_version *version)
{
	*(unsigned *)arg += !version->is_deletion;
	return EMR_OK;
}

static unsigned versions_of(kit *k, const char *path)
{
	unsigned n = 0;

	assert_ok(emr_view_each_version(k->view, path, count_version, &n));
	return n;
}

TEST_IN(open_kit, close_kit, versions_and_deleted_files_of_before_stay_within_reach)
{
	kit *k = *state;
	emr_restore first = {.path = "Imaging/heart/echo", .cver = 1},
		    gone = {.path = "Imaging/heart/2024/ct"};
	emr_restored restored;

	kit_text(k, "Imaging/heart/2024/ct", "deleted before");
	settle(k);
	kit_unlink(k, "Imaging/heart/2024/ct");
	kit_text(k, "Imaging/heart/echo", "second");
	settle(k);
	make_domain(k, "Imaging/heart");
	settle(k);
	kit_text(k, "Imaging/heart/echo", "third");
	settle(k);
	assert_int_equal(versions_of(k, "Imaging/heart/echo"), 3);
	assert_ok(emr_view_restore(k->view, &first, &restored));
	kit_expect_text(k, "Imaging/heart/echo", "first");
	assert_ok(emr_view_restore(k->view, &gone, &restored));
	kit_expect_text(k, "Imaging/heart/2024/ct", "deleted before");
	settle(k);
	expect_whole(k, "Imaging/heart", 5);
	kit_restart_and_compare(k);
}

TEST_IN(open_kit, close_kit, a_save_in_the_middle_is_a_version_of_the_same_record)
{
	kit *k = *state;

	make_domain(k, "Imaging/heart");
	/* As editors do: another file takes the name, before and while the record moves. */
	kit_text(k, "Imaging/heart/.tmp", "second");
	kit_rename(k, "Imaging/heart/.tmp", "Imaging/heart/echo");
	assert_ok(emr_view_publish_now(k->view));
	kit_text(k, "Imaging/heart/.tmp", "third");
	kit_rename(k, "Imaging/heart/.tmp", "Imaging/heart/echo");
	settle(k);
	kit_expect_text(k, "Imaging/heart/echo", "third");
	assert_int_equal(versions_of(k, "Imaging/heart/echo"), 3);
	expect_whole(k, "Imaging/heart", 4);
	kit_restart_and_compare(k);
}

TEST_IN(open_kit, close_kit, a_single_file_is_a_domain_and_stays_one)
{
	kit *k = *state;
	emr_id16 inner = make_domain(k, "Imaging/knee");

	assert_int_equal(state_of(k, inner).records, 1);
	settle(k);
	expect_whole(k, "Imaging/knee", 1);
	kit_restart_and_compare(k);
	/* A rename-over is its next version, written in place, too. */
	kit_text(k, "Imaging/.knee.swp", "a better knee");
	kit_rename(k, "Imaging/.knee.swp", "Imaging/knee");
	settle(k);
	assert_memory_equal(domain_of(k, "Imaging/knee").domain.b, inner.b, 16);
	kit_text(k, "Imaging/knee", "the best knee");
	settle(k);
	assert_int_equal(versions_of(k, "Imaging/knee"), 3);
	/* Moved, also out of the top-level folder and to the top, it stays what it is. */
	kit_mkdir(k, "Letters");
	kit_rename(k, "Imaging/knee", "Letters/my knee");
	settle(k);
	assert_memory_equal(domain_of(k, "Letters/my knee").domain.b, inner.b, 16);
	kit_rename(k, "Letters/my knee", "knee at the top");
	settle(k);
	kit_restart_and_compare(k);
	assert_memory_equal(domain_of(k, "knee at the top").domain.b, inner.b, 16);
	kit_expect_text(k, "knee at the top", "the best knee");
	expect_whole(k, "knee at the top", 1);
	kit_unlink(k, "knee at the top");
	settle(k);
	assert_int_equal(living_in(k, inner), 0);
	kit_restart_and_compare(k);
}

TEST_IN(open_kit, close_kit,
	a_new_file_and_a_new_directory_can_be_asked_for_before_they_are_published)
{
	kit *k = *state;
	emr_id16 one, directory;

	kit_text(k, "Imaging/fresh", "fresh");
	kit_mkdir(k, "Imaging/box");
	kit_text(k, "Imaging/box/in it", "in it");
	one = make_domain(k, "Imaging/fresh");
	directory = make_domain(k, "Imaging/box");
	kit_restart_and_compare(k);
	kit_rename(k, "Imaging/box", "Imaging/heart/box");
	settle(k);
	assert_memory_equal(domain_of(k, "Imaging/fresh").domain.b, one.b, 16);
	assert_memory_equal(domain_of(k, "Imaging/heart/box").domain.b, directory.b, 16);
	expect_whole(k, "Imaging/fresh", 1);
	expect_whole(k, "Imaging/heart/box", 2);
	kit_restart_and_compare(k);
}

TEST_IN(open_kit, close_kit, domains_lie_in_domains_and_move_with_them)
{
	kit *k = *state;
	emr_id16 heart, year, mri;

	year = make_domain(k, "Imaging/heart/2024");
	settle(k);
	heart = make_domain(k, "Imaging/heart");
	settle(k);
	mri = make_domain(k, "Imaging/heart/2024/mri");
	settle(k);
	expect_whole(k, "Imaging/heart", 2);
	expect_whole(k, "Imaging/heart/2024", 1);
	expect_whole(k, "Imaging/heart/2024/mri", 1);
	kit_restart_and_compare(k);
	kit_mkdir(k, "Letters");
	kit_mkdir(k, "Imaging/plain");
	kit_rename(k, "Imaging/heart", "Imaging/plain/heart");
	settle(k);
	kit_rename(k, "Imaging/plain", "Letters/plain"); /* changes its domain and its id */
	settle(k);
	assert_memory_equal(domain_of(k, "Letters/plain/heart").domain.b, heart.b, 16);
	assert_memory_equal(domain_of(k, "Letters/plain/heart/2024").domain.b, year.b, 16);
	assert_memory_equal(domain_of(k, "Letters/plain/heart/2024/mri").domain.b, mri.b, 16);
	kit_expect_text(k, "Letters/plain/heart/2024/mri", "large");
	kit_restart_and_compare(k);
	kit_rename(k, "Letters/plain/heart", "heart");
	settle(k);
	expect_whole(k, "heart", 2);
	kit_restart_and_compare(k);
}

TEST_IN(open_kit, close_kit, a_file_moved_in_or_out_changes_its_domain)
{
	kit *k = *state;

	make_domain(k, "Imaging/heart");
	settle(k);
	kit_rename(k, "Imaging/heart/echo", "Imaging/echo");
	kit_rename(k, "Imaging/knee", "Imaging/heart/knee");
	settle(k);
	expect_whole(k, "Imaging/heart", 4);
	assert_memory_equal(
		domain_of(k, "Imaging/echo").domain.b, domain_of(k, "Imaging").domain.b, 16);
	kit_expect_text(k, "Imaging/echo", "first");
	kit_expect_text(k, "Imaging/heart/knee", "a knee");
	kit_restart_and_compare(k);
}

/* A run of the publisher, which looks at what is due only. */
static void tick(kit *k)
{
	kit_wait_ms(k, 3000);
	assert_ok(publish_run(k->view, false));
}

static uint64_t pending(kit *k)
{
	emr_view_counts c;

	emr_view_count(k->view, &c);
	return c.pending;
}

TEST_IN(open_kit, close_kit, a_directory_is_held_by_what_cannot_move_whatever_else_is_saved)
{
	kit *k = *state;
	node *echo = tree_by_number(k->view, kit_attr(k, "Imaging/heart/echo").node);

	make_domain(k, "Imaging/heart");
	pthread_mutex_lock(&k->view->lock);
	echo->failure = EMR_REFUSED;
	pthread_mutex_unlock(&k->view->lock);
	for (int i = 0; i < 5; i++)
		tick(k);
	assert_int_equal(pending(k), 0);
	kit_text(k, "Letters", "another");
	tick(k);
	assert_int_equal(pending(k), 0);
	assert_true(publish_is_idle(k->view));
	/* A person who asks is heard at once. */
	settle(k);
	expect_whole(k, "Imaging/heart", 4);
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
