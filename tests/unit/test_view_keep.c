/* These tests are about records that a person wants kept on this computer: the wish is remembered
 * and inherited, and the answer about what is here is true. */
#include "view_kit.h"

#include <stdatomic.h>

static const char *kept(kit *k, const char *path)
{
	return kit_attribute(k, path, "user.emrfs.keep");
}

static emr_status set(kit *k, const char *path, const char *value)
{
	return emr_view_set_attribute(k->view, kit_attr(k, path).node, "user.emrfs.keep",
		emr_bytes_of(value, strlen(value)), 0);
}

static emr_status add_line(void *arg, const emr_kept *one)
{
	char *text = arg;

	sprintf(text + strlen(text), "%s %d %s %s;", one->path, (int)one->bytes,
		one->is_wanted ? "yes" : "no", one->is_complete ? "whole" : "missing");
	return EMR_OK;
}

static const char *list(kit *k, const char *path)
{
	static char text[1000];

	text[0] = 0;
	assert_ok(emr_view_each_kept(k->view, path, add_line, text));
	return text;
}

TEST(a_wish_is_inherited_and_remembered)
{
	SCENE(kit, k, kit_open, kit_close);
	kit_mkdir(&k, "A");
	kit_mkdir(&k, "A/B");
	kit_text(&k, "A/x", "four");
	kit_text(&k, "A/B/y", "sixsix");
	assert_string_equal(kept(&k, "A/x"), "yes");
	assert_ok(set(&k, "A", "no"));
	assert_ok(set(&k, "A/B", "yes"));
	assert_string_equal(kept(&k, "A/x"), "no");
	assert_string_equal(kept(&k, "A/B/y"), "yes");
	assert_int_equal(set(&k, "A", "perhaps"), EMR_INVALID);
	kit_publish_all(&k);
	kit_restart(&k);
	assert_string_equal(kept(&k, "A/x"), "no");
	assert_string_equal(kept(&k, "A/B/y"), "yes");
	assert_string_equal(list(&k, ""), " 10 yes whole;A 10 no whole;A/B 6 yes whole;");
	assert_string_equal(list(&k, "A/x"), "A/x 4 no whole;");
	assert_ok(set(&k, "A", ""));
	assert_ok(set(&k, "A", ""));
	assert_string_equal(kept(&k, "A/x"), "yes");
	kit_rename(&k, "A/B", "B"); /* goes with it */
	kit_publish_all(&k);
	assert_string_equal(kept(&k, "B/y"), "yes");
}

/* A copy that says what is said already (rsync -X) is no change. */
TEST(saying_the_same_again_changes_nothing)
{
	SCENE(kit, k, kit_open, kit_close);
	kit_text(&k, "x", "one");
	assert_ok(set(&k, "x", "no"));
	kit_publish_all(&k);
	(void)kit_items(&k);
	assert_ok(set(&k, "x", "no"));
	kit_publishes_all(&k, "");
}

TEST(a_block_that_is_not_there_is_said)
{
	EMR_AUTO_FREE uint8_t *big = kit_bytes(300000, 7);

	SCENE(kit, k, kit_open, kit_close);
	kit_write(&k, "x", big, 300000);
	kit_publish_all(&k);
	assert_string_equal(list(&k, "x"), "x 300000 yes whole;");
	emr_stack_close(&k.stack);
	assert_int_equal(system(printed("rm %s/store/seg-*.car && rm %s/store/index.sqlite*",
				 k.path, k.path)),
		0);
	kit_start(&k);
	assert_string_equal(list(&k, "x"), "x 300000 yes missing;");
}

TEST(purging_gives_back_what_nothing_needs)
{
	EMR_AUTO_FREE uint8_t *big = kit_bytes(3000000, 5);
	emr_handle *h;
	uint64_t freed;

	SCENE(kit, k, kit_open, kit_close);
	kit_text(&k, "keep", "this");
	kit_write(&k, "gone", big, 3000000);
	h = kit_open_file(&k, "gone", O_RDWR);
	assert_ok(emr_view_fsync(h));
	emr_view_release(h);
	kit_unlink(&k, "gone"); /* never published */
	kit_publish_all(&k);
	assert_ok(emr_view_purge(k.view, &freed));
	assert_true(freed > 2900000);
	assert_ok(emr_view_purge(k.view, &freed));
	assert_true(freed < 100000);
	kit_expect_text(&k, "keep", "this");
	kit_restart_and_compare(&k);
}

/* Three million bytes on the disk that no record needs. */
static void make_dead(kit *k)
{
	EMR_AUTO_FREE uint8_t *big = kit_bytes(3000000, 6);
	emr_handle *h;

	kit_write(k, "gone", big, 3000000);
	h = kit_open_file(k, "gone", O_RDWR);
	assert_ok(emr_view_fsync(h));
	emr_view_release(h);
	kit_unlink(k, "gone");
	kit_publish_all(k);
}

static emr_pin pin_of_missing(void)
{
	return (emr_pin){.root = emr_cid_of_block(EMR_CODEC_DAG_PB, emr_bytes_of("away", 4)),
		.owner = {{9}},
		.state = EMR_PIN_REGISTERED};
}

/* A tree whose node nobody gives: of no block that is dead it can be said that it is not below. */
TEST(what_may_be_below_a_part_that_is_away_stays_until_it_is_back)
{
	const emr_pin pin = pin_of_missing();
	emr_view_counts counts;
	uint64_t freed;

	SCENE(kit, k, kit_open, kit_close);
	kit_text(&k, "keep", "this");
	make_dead(&k);
	assert_ok(emr_block_store_pin(emr_store_blocks(k.stack.store), &pin, 1));
	assert_ok(emr_view_purge(k.view, &freed));
	assert_true(freed < 100000);
	emr_view_count(k.view, &counts);
	assert_true(counts.spared_bytes > 2900000);
	assert_ok(emr_block_store_unpin(emr_store_blocks(k.stack.store), &pin, 1));
	assert_ok(emr_view_purge(k.view, &freed));
	assert_true(freed > 2900000);
	emr_view_count(k.view, &counts);
	assert_int_equal(counts.spared_bytes, 0);
	kit_restart_and_compare(&k);
}

/* Nobody asks: ten minutes later, and as soon as the part is no more wanted or there. */
TEST(what_was_spared_is_looked_at_again_by_itself)
{
	const emr_pin pin = pin_of_missing();
	emr_view_counts counts;
	uint64_t freed;

	SCENE(kit, k, kit_open, kit_close);
	make_dead(&k);
	k.options.threads = true;
	kit_restart(&k);
	assert_ok(emr_block_store_pin(emr_store_blocks(k.stack.store), &pin, 1));
	assert_ok(emr_view_purge(k.view, &freed));
	emr_view_count(k.view, &counts);
	assert_true(counts.spared_bytes > 2900000);
	assert_ok(emr_block_store_unpin(emr_store_blocks(k.stack.store), &pin, 1));
	kit_wait_ms(&k, 600001);
	do {
		assert_ok(emr_view_publish_now(k.view)); /* its threads look at the clock */
		usleep(1000);
		emr_view_count(k.view, &counts);
	} while (counts.spared_bytes > 0);
	assert_ok(emr_view_purge(k.view, &freed));
	assert_true(freed < 100000);
}

static emr_status note_registered(void *arg, const emr_pin *pin)
{
	if (pin->state == EMR_PIN_REGISTERED)
		*(emr_pin *)arg = *pin;
	return EMR_OK;
}

#define MINUTE_NS INT64_C(60000000000)

/* A caller that waits for something is late at its next look. */
static int64_t hasty_ns(const emr_clock *clock)
{
	static _Atomic int64_t now = INT64_C(2000000000000);

	(void)clock;
	return atomic_fetch_add(&now, MINUTE_NS) + MINUTE_NS;
}

TEST(a_pin_that_is_lost_is_said_again)
{
	emr_pin pin = {.state = EMR_PIN_WRITTEN}, found = {.state = EMR_PIN_WRITTEN};
	uint64_t freed;

	SCENE(kit, k, kit_open, kit_close);
	kit_save(&k, "x", "this");
	assert_ok(emr_store_each_pin(k.stack.store, note_registered, &pin));
	assert_int_equal(pin.state, EMR_PIN_REGISTERED);
	k.options.has_nodes = true;
	k.clock.clock.boot_ns = hasty_ns;
	kit_restart(&k);
	assert_ok(emr_block_store_unpin(emr_store_blocks(k.stack.store), &pin, 1));
	assert_ok(emr_store_each_pin(k.stack.store, note_registered, &found));
	assert_int_equal(found.state, EMR_PIN_WRITTEN);
	assert_status(EMR_BUSY, emr_view_purge(k.view, &freed)); /* it would cost the file */
	assert_ok(emr_view_pins_lost(k.view, &pin.root, 1));
	assert_ok(emr_store_each_pin(k.stack.store, note_registered, &found));
	assert_true(
		emr_cid_equal(&found.root, &pin.root) && emr_id16_equal(found.owner, pin.owner));
	assert_ok(emr_view_purge(k.view, &freed));
	kit_expect_text(&k, "x", "this");
	kit_restart_and_compare(&k);
}

TESTS(NULL, NULL)
