/* These tests show which blocks of a folder reach its IPFS nodes in the background: all that is
 * registered, and nothing else, whatever one of the nodes or one of the records does. The nodes are
 * those of tests/support/fake_node.py; imports, held copies and released copies have tests of their
 * own (ipfs_imports.c, ipfs_held.c, ipfs_left.c). */
#include <sys/resource.h>
#include <time.h>

#include "publisher_kit.h"

TEST(what_is_registered_reaches_every_node_in_batches)
{
	emr_cid roots[1200];

	SCENE_OF(scene, s, scene_end, scene_begin, "batches");
	gate_is(true);
	forget_asked();
	scene_save_all(&s, "before", 600, roots);
	scene_start(&s, 2, NODES("good", "gate"));
	for (size_t i = 600; i < 1200; i++)
		roots[i] = scene_save(&s, "after", i);
	for (size_t i = 0; i < 1200; i++) {
		wait_held(&s, &roots[i], 3);
		assert_true(is_kept(&roots[i]));
	}
	assert_true(asked("dag/import") < 100);
	assert_int_equal(scene_look(&s, 0).held, 1200);
	assert_int_equal(short_of(&s), 0);
}

TEST(what_the_ledger_waits_for_steps_back_for_nobody_and_is_told_before_it_is_written_down)
{
	SCENE_OF(scene, s, scene_end, scene_begin, "awaited");
	s.is_awaited = true;
	scene_start(&s, 1, NODES("good"));
	(void)scene_save(&s, "awaited", 0);
	UNTIL(atomic_load(&s.copied) != 0);
	assert_int_equal(s.niceness, getpriority(PRIO_PROCESS, 0));
	assert_false(s.was_written);
}

TEST(what_is_not_registered_is_nobodys)
{
	emr_pin_change written = {.pin = {.owner = {{2}}, .state = EMR_PIN_WRITTEN}};

	SCENE_OF(scene, s, scene_end, scene_begin, "written");
	written.pin.root = scene_put(&s, EMR_CODEC_RAW, emr_bytes_of("a draft", 7));
	assert_ok(emr_store_pin(s.store, &written, 1));
	scene_start(&s, 1, NODES("good"));
	(void)scene_save_held(&s, "a record", 0);
	assert_false(is_kept(&written.pin.root));
}

TEST(a_node_that_is_away_holds_up_nobody_and_gets_all_when_it_comes)
{
	emr_cid root;

	SCENE_OF(scene, s, scene_end, scene_begin, "away");
	scene_start(&s, 2, NODES("later", "good"));
	root = scene_save(&s, "away", 0);
	wait_held(&s, &root, 2);
	UNTIL(scene_look(&s, 0).fault == EMR_IPFS_NO_ANSWER);
	assert_int_equal(symlink(node_file("good.sock"), node_file("later.sock")), 0);
	wait_held(&s, &root, 3);
	UNTIL(scene_look(&s, 0).fault == EMR_IPFS_FINE);
	assert_int_equal(s.said, 1); /* however often it was tried */
}

TEST(nodes_that_fail_or_lie_never_count)
{
	static const char *const names[][3] = {
		{"root-missing", "stats-wrong", "not-pinned"}, {"token", "full", "html"}};
	static const emr_ipfs_fault faults[][3] = {
		{EMR_IPFS_BROKEN_OFF, EMR_IPFS_OTHER_ANSWER, EMR_IPFS_NOT_KEPT},
		{EMR_IPFS_TOKEN, EMR_IPFS_FULL, EMR_IPFS_STRANGE}};
	emr_cid root;
	scene s;

	for (size_t i = 0; i < 2; i++) {
		scene_begin(&s, i == 0 ? "lie" : "fail");
		scene_start(&s, 3, names[i]);
		root = scene_save(&s, "never", i);
		for (size_t node = 0; node < 3; node++) {
			UNTIL(scene_look(&s, node).fault != EMR_IPFS_FINE);
			assert_int_equal(scene_look(&s, node).fault, faults[i][node]);
		}
		UNTIL(short_of(&s) == 1);
		assert_int_equal(scene_held(&s, &root), 1);
		scene_end(&s);
	}
}

TEST(one_record_that_a_node_refuses_does_not_keep_back_the_others)
{
	emr_cid poison, others[20];
	time_t since_s;
	AUTO(scene_end) scene s;

	remove_node_file("cured");
	scene_begin(&s, "picky");
	poison = scene_save(&s, "poison", 0);
	scene_save_all(&s, "other", 20, others);
	scene_start(&s, 1, NODES("picky"));
	wait_all_held(&s, others, 20, 2);
	UNTIL(scene_look(&s, 0).stuck == 1);
	assert_int_equal(scene_held(&s, &poison), 1);
	/* Why stays to be seen while others are taken. */
	(void)scene_save_held(&s, "after it", 0);
	assert_int_equal(scene_look(&s, 0).stuck, 1);
	assert_int_equal(scene_look(&s, 0).fault, EMR_IPFS_ERROR);
	assert_string_equal(scene_look(&s, 0).said, "something broke");
	make_node_file("cured");
	since_s = time(NULL);
	wait_held(&s, &poison, 2);
	assert_true(time(NULL) - since_s < 300); /* pauses of 5, 10, 20 s */
}

TEST(to_stop_waits_for_no_node)
{
	emr_cid root;
	scene s;

	scene_begin(&s, "stop");
	gate_is(false);
	forget_asked();
	scene_start(&s, 3, NODES("hangs", "endless", "gate"));
	root = scene_save(&s, "stop", 0);
	UNTIL(asked("version") != 0);
	assert_int_equal(scene_held(&s, &root), 1);
	scene_end(&s);
	gate_is(true);
}

TEST(without_nodes_there_is_one_copy)
{
	emr_cid root;

	SCENE_OF(scene, s, scene_end, scene_begin, "none");
	scene_start(&s, 0, NULL);
	root = scene_save(&s, "alone", 0);
	assert_int_equal(scene_held(&s, &root), 1);
	assert_int_equal(faccessat(s.state_fd, "copies", F_OK, 0), -1);
}

TEST(a_host_that_has_another_store_of_blocks_is_counted_for_what_it_still_has)
{
	emr_cid kept, lost;

	SCENE_OF(scene, s, scene_end, scene_begin, "burnt");
	kit_store_ms = 10;
	gate_is(true);
	store_is("00112233445566778899aabbccddeeff");
	scene_start(&s, 1, NODES("gate"));
	kept = scene_save(&s, "kept", 0);
	lost = scene_save(&s, "lost", 1);
	wait_held(&s, &kept, 2);
	wait_held(&s, &lost, 2);
	good_loses(&lost);
	assert_int_equal(scene_held(&s, &lost), 2); /* nobody could know */
	forget_asked();
	store_is("ffeeddccbbaa99887766554433221100");
	wait_sent_again(&s, &lost);
	wait_held(&s, &kept, 2);
	assert_int_equal(asked("pin/ls?arg="), 2); /* for both, and one of them is sent */
	assert_int_equal(asked("dag/import"), 1);
	scene_stop(&s); /* it is remembered whose blocks they are */
	forget_asked();
	store_is("00112233445566778899aabbccddeeff");
	scene_start(&s, 1, NODES("gate"));
	UNTIL(asked("pin/ls?arg=") >= 2);
	wait_held(&s, &kept, 2);
	remove_node_file("store");
}

TEST(a_node_that_does_not_answer_a_repair_counts_as_no_copy)
{
	emr_cid root;

	SCENE_OF(scene, s, scene_end, scene_begin, "silent");
	scene_start(&s, 1, NODES("leaves"));
	root = scene_save_held(&s, "silent", 0);
	make_node_file("away");
	emr_publisher_repair(s.publisher);
	emr_publisher_await_asked(s.publisher);
	assert_int_equal(scene_held(&s, &root), 1);
	remove_node_file("away");
	wait_held(&s, &root, 2); /* it was there all the time */
}

TESTS(NULL, NULL)
