/* These tests are about two computers of one person on one ledger. The ledger names a file before
 * this computer has its key: the file is shown when it comes, is told once if it never does, and
 * keeps nothing else back. */
#include "two_kit.h"

#include <stdatomic.h>

#include "keyring/keyring.h"

#include "follow.h"

static unsigned told_bad;

static void count_bad(void *arg, const char *name, const char *what)
{
	(void)arg;
	(void)what;
	told_bad += strcmp(name, "bad-data") == 0;
}

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

TESTS(NULL, NULL)
