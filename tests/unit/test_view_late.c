/* These tests are about two computers of one person on one ledger. The ledger names a file before
 * this computer has its description or its key: the file is shown when they come, is told once if
 * they never do, and keeps nothing else back. */
#include "two_kit.h"

#include <stdatomic.h>

#include "keyring/keyring.h"

#include "follow.h"

/* ---- what the ledger names before its bytes are here ---- */

static _Atomic bool are_bytes_late;
static unsigned told_bad;

static void count_bad(void *arg, const char *name, const char *what)
{
	(void)arg;
	(void)what;
	told_bad += strcmp(name, "bad-data") == 0;
}

WRAPPED(emr_status, emr_facts_get, emr_facts *facts, emr_id16 domain, emr_id16 object,
	emr_place *out_place, emr_buf *out_bytes, emr_meta *out_meta)
{
	return are_bytes_late ? EMR_MISSING_DATA
			      : __real_emr_facts_get(
					facts, domain, object, out_place, out_bytes, out_meta);
}

/* ---- a folder whose key comes by a letter that is late ---- */

static _Atomic bool is_key_late;
static emr_id16 keyless;

WRAPPED(emr_status, emr_coowned_pre, const emr_keyring *kr, emr_id16 domain_id, uint32_t epoch,
	bool *out_is, emr_secret *out_a)
{
	if (!is_key_late || !emr_id16_equal(domain_id, keyless))
		return __real_emr_coowned_pre(kr, domain_id, epoch, out_is, out_a);
	*out_is = true;
	return EMR_AWAITED;
}

/* ---- a domain that becomes readable when a run has just asked what is new ---- */

static _Atomic(emr_view *) to_take_in; /* NULL: none */
static emr_id16 domain_to_take_in;
static _Atomic(emr_replica *) read_on; /* NULL: none */
static _Atomic uint64_t lowest_since;  /* that was asked of it */

WRAPPED(emr_status, emr_replica_since, emr_replica *replica, uint64_t since,
	emr_replica_since_fn fn, void *arg)
{
	emr_status status = __real_emr_replica_since(replica, since, fn, arg);
	emr_view *view = atomic_exchange(&to_take_in, NULL);

	if (replica == read_on && since < lowest_since)
		lowest_since = since;
	return status == EMR_OK && view != NULL ? emr_view_take_in(view, domain_to_take_in)
						: status;
}

/* ---- sentences ---- */

TEST_IN(two_open, two_close, a_file_whose_description_comes_after_its_entry_is_shown_then)
{
	two *t = *state;

	told_bad = 0;
	t->b.options.notice = count_bad;
	kit_restart(&t->b);
	two_meet(t);
	kit_rename(&t->a, "Imaging/1", "Imaging/late");
	kit_publish_all(&t->a);
	are_bytes_late = true;
	kit_wait_ms(&t->b, 2000);
	assert_ok(emr_view_publish_now(t->b.view));
	assert_false(kit_exists(&t->b, "Imaging/late"));
	kit_wait_ms(&t->b, 2000);
	assert_ok(emr_view_publish_now(t->b.view));
	are_bytes_late = false; /* and nothing is new on the ledger */
	kit_wait_ms(&t->b, 2000);
	assert_ok(emr_view_publish_now(t->b.view));
	kit_expect_text(&t->b, "Imaging/late", "one");
	two_meet(t);
	two_expect_equal(t);
	assert_int_equal(told_bad, 0);
}

TEST_IN(two_open, two_close,
	a_description_that_never_comes_is_told_once_and_not_looked_for_any_more)
{
	two *t = *state;

	told_bad = 0;
	t->b.options.notice = count_bad;
	kit_restart(&t->b);
	two_meet(t);
	kit_rename(&t->a, "Imaging/1", "Imaging/late");
	kit_publish_all(&t->a);
	are_bytes_late = true;
	for (int i = 0; i < 40; i++) {
		kit_wait_ms(&t->b, 2000);
		assert_ok(emr_view_publish_now(t->b.view));
		assert_true(told_bad == 0 || i >= 29); /* it has a minute */
	}
	are_bytes_late = false;
	assert_int_equal(told_bad, 1);
	kit_wait_ms(&t->b, 2000);
	assert_ok(emr_view_publish_now(t->b.view));
	assert_false(kit_exists(&t->b, "Imaging/late"));
	kit_restart(&t->b);
	two_meet(t);
	kit_expect_text(&t->b, "Imaging/late", "one");
	two_expect_equal(t);
}

/* On the first computer there is something new in two folders, and one of them opens on the second
 * when its letter comes. */
static void save_in_both(two *t)
{
	emr_place place;

	told_bad = 0;
	t->b.options.notice = count_bad;
	kit_restart(&t->b);
	two_meet(t);
	assert_ok(emr_view_place(t->a.view, "Imaging/1", &place));
	keyless = place.domain;
	kit_save(&t->a, "Imaging/3", "three");
	kit_save(&t->a, "Letters/3", "a third");
}

static void look_without_key(kit *b)
{
	is_key_late = true;
	kit_wait_ms(b, 2000);
	assert_ok(emr_view_publish_now(b->view));
	is_key_late = false;
}

TEST_IN(two_open, two_close,
	a_file_whose_key_comes_after_its_entry_keeps_no_other_back_and_is_shown_then)
{
	two *t = *state;

	save_in_both(t);
	look_without_key(&t->b);
	assert_false(kit_exists(&t->b, "Imaging/3"));
	kit_expect_text(&t->b, "Letters/3", "a third");
	kit_wait_ms(&t->b, 2000);
	assert_ok(emr_view_publish_now(t->b.view)); /* and nothing is new on the ledger */
	kit_expect_text(&t->b, "Imaging/3", "three");
	two_meet(t);
	two_expect_equal(t);
	assert_int_equal(told_bad, 0);
}

TEST_IN(two_open, two_close, a_folder_whose_key_never_comes_is_told_and_keeps_no_other_closed)
{
	two *t = *state;

	save_in_both(t);
	for (int i = 0; i < 40; i++) {
		look_without_key(&t->b);
		assert_true(told_bad == 0 || i >= 29); /* it has a minute */
	}
	assert_int_equal(told_bad, 1);
	/* Also without the names that this computer has kept. */
	emr_stack_close(&t->b.stack);
	(void)unlink(printed("%s/facts.cache", t->b.path));
	is_key_late = true;
	kit_start(&t->b);
	is_key_late = false;
	assert_int_equal(told_bad, 2);
	kit_expect_text(&t->b, "Letters/3", "a third");
	assert_false(kit_exists(&t->b, "Imaging"));
	/* As when the letter is learned after all. */
	assert_ok(emr_view_take_in(t->b.view, keyless));
	two_meet(t);
	kit_expect_text(&t->b, "Imaging/3", "three");
	kit_expect_text(&t->b, "Imaging/1", "one");
	two_expect_equal(t);
}

/* Objects that wait here are as many as one look takes of what is new. */
TEST_IN(two_open, two_close,
	however_much_is_looked_at_again_the_ledger_is_read_on_from_where_it_was)
{
	two *t = *state;
	emr_place place;
	uint64_t before;

	two_meet(t);
	assert_ok(emr_view_place(t->a.view, "Imaging/1", &place));
	kit_save(&t->a, "Imaging/3", "three");
	before = t->b.view->followed;
	lowest_since = before;
	read_on = t->b.stack.replica;
	for (int i = 0; i < 10000; i++)
		assert_ok(emr_view_take_in(t->b.view, place.domain));
	two_meet(t);
	read_on = NULL;
	assert_int_equal(lowest_since, before);
	kit_expect_text(&t->b, "Imaging/3", "three");
	two_expect_equal(t);
}

TEST_IN(two_open, two_close, what_becomes_readable_while_a_run_looks_is_looked_at_at_once)
{
	two *t = *state;
	emr_path_domain d;

	assert_ok(emr_view_domain_of(t->b.view, "Imaging", &d));
	domain_to_take_in = d.own;
	kit_text(&t->a, "Imaging/3", "three");
	kit_wait_ms(&t->a, 2000);
	assert_ok(emr_view_publish_now(t->a.view));
	atomic_store(&to_take_in, t->b.view);
	assert_ok(emr_view_publish_now(t->b.view));
	assert_null(atomic_load(&to_take_in));
	kit_expect_text(&t->b, "Imaging/3", "three");
	assert_int_equal(follow_due(t->b.view), 0);
	assert_ok(emr_view_publish_now(t->b.view));
	assert_int_equal(follow_due(t->b.view), INT64_MAX);
}

TEST_IN(two_open, two_close, news_is_taken_in_within_the_quiet_time)
{
	two *t = *state;
	emr_place place;

	assert_ok(emr_view_start(t->b.view));
	assert_ok(emr_view_publish_now(t->b.view)); /* the next run has to wait for a while */
	kit_save(&t->a, "Imaging/3", "three");
	kit_wait_ms(&t->b, t->b.view->options.quiet_ns / 50000000);
	while (emr_view_place(t->b.view, "Imaging/3", &place) != EMR_OK)
		usleep(1000);
	kit_expect_text(&t->b, "Imaging/3", "three");
}

TESTS(NULL, NULL)
