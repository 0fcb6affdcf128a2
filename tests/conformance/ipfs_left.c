/* Erased records are let go of by every node (tests/support/fake_node.py), however often it has to
 * be told, and no others are. */
#include "publisher_kit.h"

TEST(what_is_erased_is_told_until_every_node_lets_go)
{
	static const char *const names[] = {"gate", "good"};
	emr_cid root, other;

	SCENE_OF(scene, s, scene_end, scene_begin, "erased");
	gate_is(true);
	scene_start(&s, 2, names);
	root = scene_save(&s, "erased", 0);
	other = scene_save(&s, "stays", 1);
	wait_held(&s, &root, 3);
	wait_held(&s, &other, 3);
	gate_is(false);
	forget_asked();
	scene_erase(&s, &root);
	UNTIL(asked("pin/rm") != 0);
	UNTIL(scene_look(&s, 1).leaving == 0 && !is_kept(&root));
	assert_int_equal(leaving_count(&s), 1); /* `gate` has not said it yet */
	scene_stop(&s);
	assert_int_equal(unlinkat(s.state_fd, "copies", 0), 0); /* nothing hangs on the file */
	gate_is(true);
	scene_start(&s, 2, names);
	UNTIL(leaving_count(&s) == 0);
	wait_held(&s, &other, 3);
	assert_false(is_kept(&root));
	assert_true(is_kept(&other));
}

/* Or it would never have room again. */
TEST(a_full_node_is_told_what_was_erased_before_it_is_given_more)
{
	emr_cid erased[20], next;

	SCENE_OF(scene, s, scene_end, scene_begin, "full");
	scene_start(&s, 1, NODES("fills"));
	scene_save_all(&s, "erased", 20, erased);
	wait_all_held(&s, erased, 20, 2);
	make_node_file("full");
	next = scene_save(&s, "next", 0);
	UNTIL(scene_look(&s, 0).fault == EMR_IPFS_FULL);
	for (size_t i = 0; i < 20; i++)
		scene_erase(&s, &erased[i]);
	UNTIL(leaving_count(&s) == 0);
	for (size_t i = 0; i < 20; i++)
		assert_false(is_kept(&erased[i]));
	assert_int_equal(scene_held(&s, &next), 1);
	assert_int_equal(scene_look(&s, 0).stuck, 0);
	remove_node_file("full");
	wait_held(&s, &next, 2);
}

TEST(what_is_pinned_again_meanwhile_is_not_let_go)
{
	emr_cid root;

	SCENE_OF(scene, s, scene_end, scene_begin, "again");
	root = scene_save(&s, "again", 0);
	assert_ok(emr_buf_append(&s.leaving, &root, sizeof root));
	scene_start(&s, 1, NODES("good"));
	wait_held(&s, &root, 2);
	emr_publisher_repair(s.publisher);
	emr_publisher_wake(s.publisher);
	wait_held(&s, &root, 2);
	assert_true(is_kept(&root));
	assert_int_equal(scene_look(&s, 0).leaving, 0);
}

TEST(one_record_that_a_node_cannot_say_anything_of_does_not_keep_back_the_others)
{
	static const char *const names[] = {"rotten"};
	emr_cid rotten, rooted, erased[20], others[20];

	SCENE_OF(scene, s, scene_end, scene_begin, "rotten");
	scene_start(&s, 1, names);
	rotten = scene_save(&s, "rotten", 0);
	rooted = scene_save(&s, "rooted", 0);
	scene_save_all(&s, "erased", 20, erased);
	wait_held(&s, &rotten, 2);
	wait_held(&s, &rooted, 2);
	wait_all_held(&s, erased, 20, 2);
	scene_stop(&s);
	assert_int_equal(unlinkat(s.state_fd, "copies", 0), 0); /* each is asked for now */
	scene_save_all(&s, "other", 20, others);
	scene_erase(&s, &rooted);
	for (size_t i = 0; i < 20; i++)
		scene_erase(&s, &erased[i]);
	scene_start(&s, 1, names);
	wait_all_held(&s, others, 20, 2);
	UNTIL(scene_look(&s, 0).stuck == 1 && scene_look(&s, 0).leaving == 1);
	for (size_t i = 0; i < 20; i++)
		assert_false(is_kept(&erased[i]));
	assert_int_equal(scene_held(&s, &rotten), 1);
	UNTIL(leaving_count(&s) <= 1);		/* noted a moment after the node has said it */
	assert_int_equal(leaving_count(&s), 1); /* it is still to be told */
}

/* Its index is gone, and of what it would be made of again the second half is not readable. */
static void damage_store(scene *s)
{
	static const char *const suffixes[] = {"", "-wal", "-shm"};
	const off_t end = (off_t)emr_store_appended(s->store);
	char name[EMR_SEGMENT_NAME_MAX];
	EMR_AUTO_FD fd = -1;

	emr_store_segment_name(s->store, 1, name);
	fd = open(printed("%s/%s", s->path, name), O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	for (off_t at = end / 2; at < end; at++)
		assert_ok(emr_pwrite_all(fd, "\xff", 1, at));
	for (size_t i = 0; i < 3; i++) {
		assert_true(unlink(printed("%s/index.sqlite%s", s->path, suffixes[i])) == 0 ||
			    errno == ENOENT);
	}
}

TEST(half_a_list_of_what_is_to_be_kept_lets_nothing_go)
{
	emr_pin keep[20];

	SCENE_OF(scene, s, scene_end, scene_begin, "half");
	gate_is(true);
	forget_asked();
	scene_start(&s, 1, NODES("gate"));
	/* The next look at what is whole here is in a day, and does not meet the damage. */
	emr_publisher_look_here(s.publisher, INT64_C(60000000000));
	for (size_t i = 0; i < 20; i++)
		keep[i] = (emr_pin){.root = scene_save(&s, "kept", i),
			.owner = {{1}},
			.state = EMR_PIN_REGISTERED};
	for (size_t i = 0; i < 20; i++)
		wait_held(&s, &keep[i].root, 2);
	assert_ok(emr_store_index_now(s.store));
	damage_store(&s);
	emr_publisher_wake(s.publisher);
	UNTIL(emr_store_pins_incomplete(s.store)); /* who lists the pins has found out */
	assert_ok(emr_store_pins_complete(s.store, keep, 20)); /* as the next opening does */
	(void)scene_save_held(&s, "last", 0);
	assert_int_equal(asked("pin/rm"), 0);
	for (size_t i = 0; i < 20; i++)
		assert_int_equal(scene_held(&s, &keep[i].root), 2);
}

/* The roots that go behind each loss show that the node was told all that it was to be told by
 * then. */
TEST(a_pin_that_is_lost_here_lets_nothing_go_that_the_ledger_has)
{
	emr_cid living, never, erased[2];

	SCENE_OF(scene, s, scene_end, scene_begin, "lost");
	scene_start(&s, 1, NODES("good"));
	living = scene_save(&s, "living", 0);
	never = scene_save(&s, "never registered", 0);
	scene_save_all(&s, "erased", 2, erased);
	wait_held(&s, &living, 2);
	wait_held(&s, &never, 2);
	wait_all_held(&s, erased, 2, 2);
	s.is_ledger_away = true;
	scene_lose_pin(&s, &living);
	scene_pin(&s, &never, true);
	scene_erase(&s, &erased[0]);
	UNTIL(leaving_count(&s) == 0);
	/* Nobody says what they are. */
	assert_int_equal(scene_look(&s, 0).leaving, 0);
	assert_true(is_kept(&living));
	assert_true(is_kept(&never));
	s.is_ledger_away = false;
	scene_erase(&s, &erased[1]);
	UNTIL(leaving_count(&s) == 0 && scene_look(&s, 0).leaving == 0 && !is_kept(&never));
	assert_true(is_kept(&living));
	assert_int_equal(scene_held(&s, &living), 2);
	assert_int_not_equal(s.lost, 0); /* so that somebody may pin it again */
}

/* A root that the node has and nobody names is wanted until the ledger says otherwise: the count is
 * what is known. */
TEST(a_disk_that_takes_nothing_is_counted_while_the_ledger_is_away)
{
	static const char *const names[] = {"good"};
	uint64_t copies_short = 7;

	SCENE_OF(scene, s, scene_end, scene_begin, "still");
	scene_start(&s, 1, names);
	(void)scene_save_held(&s, "lost", 0);
	scene_stop(&s);
	assert_ok(emr_store_pins_complete(s.store, NULL, 0));
	s.is_still = true;
	s.is_ledger_away = true;
	scene_start(&s, 1, names);
	assert_true(emr_publisher_short(s.publisher, 0, &copies_short));
	assert_int_equal(copies_short, 0);
}

TESTS(NULL, NULL)
