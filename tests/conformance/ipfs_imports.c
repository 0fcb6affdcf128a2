/* These tests show how records travel to a node (tests/support/fake_node.py): several imports at
 * a time, large records in pieces or as two imports side by side, giving way to programs; and
 * what becomes of a record when a node collects its blocks, dies or stands still in the middle, and
 * how what is sent finds out that a node lost what it had. */
#include "node_collect.h"
#include "publisher_kit.h"

/* A record of 75 MiB. */
static emr_cid save_large(scene *s, size_t number)
{
	return scene_save_leaves(s, number, 300);
}

TEST(a_record_that_is_too_large_for_one_import_goes_in_pieces)
{
	size_t before;
	emr_cid root;

	SCENE_OF(scene, s, scene_end, scene_begin, "pieces");
	s.first_bytes = (uint64_t)63 << 20;
	root = save_large(&s, 0);
	before = pins_of_good();
	scene_start(&s, 1, NODES("good"));
	/* No piece is called erased, on its way or while the node has still to let it go. */
	while (scene_held(&s, &root) < 2 || pins_of_good() != before + 1) {
		assert_int_equal(scene_look(&s, 0).leaving, 0);
		usleep(1000);
	}
	assert_true(is_kept(&root));
}

/* Without the file it is asked for first, and that it is not there says nothing of the line. */
TEST(the_first_record_that_a_near_node_ever_gets_goes_whole)
{
	emr_cid root;

	SCENE_OF(scene, s, scene_end, scene_begin, "whole");
	gate_is(true);
	forget_asked();
	root = scene_save_leaves(&s, 20, 330);
	scene_start(&s, 1, NODES("gate"));
	wait_held(&s, &root, 2);
	/* Its halves at the same time, below one pin. */
	assert_int_equal(asked("dag/import?pin-roots=true"), 1);
	assert_int_equal(asked("dag/import?pin-roots=false"), 1);
	assert_true(is_kept(&root));
}

/* The proxy takes 70 MiB; any time is short enough. */
TEST(a_fast_node_gets_a_record_whole_until_that_is_too_much_for_it)
{
	emr_cid root;

	SCENE_OF(scene, s, scene_end, scene_begin, "limited");
	forget_asked();
	s.import_ms = UINT32_MAX;
	s.first_bytes = (uint64_t)63 << 20;
	scene_start(&s, 1, NODES("limited"));
	root = save_large(&s, 1); /* nobody knows yet how fast it is */
	wait_held(&s, &root, 2);
	assert_int_equal(asked("import of "), 2);
	assert_int_equal(asked("too large"), 0);
	for (size_t i = 2; i < 4; i++) {
		root = save_large(&s, i);
		wait_held(&s, &root, 2);
		assert_int_equal(asked("too large"), 1);
		assert_int_equal(asked("import of "), 1 + 2 * i);
		assert_true(is_kept(&root));
		assert_int_equal(scene_look(&s, 0).stuck, 0);
	}
}

TEST(what_is_on_its_way_is_counted_while_it_is)
{
	emr_cid second;

	SCENE_OF(scene, s, scene_end, scene_begin, "way");
	gate_is(true);
	scene_start(&s, 1, NODES("gate"));
	(void)scene_save_held(&s, "first", 0);
	assert_int_equal(scene_look(&s, 0).sending_of, 0);
	gate_is(false);
	second = scene_save(&s, "second", 0);
	UNTIL(scene_look(&s, 0).sending != 0);
	assert_true(scene_look(&s, 0).sending <= scene_look(&s, 0).sending_of);
	assert_int_equal(scene_held(&s, &second), 1);
	gate_is(true);
	wait_held(&s, &second, 2);
	assert_int_equal(scene_look(&s, 0).sending, 0);
	assert_int_equal(scene_look(&s, 0).sending_of, 0);
}

/* It gives way to programs that work, for PATIENCE_MS at the most. */
static void begin_beside_programs(scene *s, const char *name, uint32_t patience_ms)
{
	scene_begin(s, name);
	s->has_programs = true;
	s->patience_ms = patience_ms;
}

/* Until it has asked twice whether they rest, or sent nevertheless. */
static void wait_gave_way(scene *s, const emr_cid *root)
{
	const size_t from = atomic_load(&s->gave_way);

	UNTIL(atomic_load(&s->gave_way) >= from + 2 || scene_held(s, root) != 1);
	assert_int_equal(scene_held(s, root), 1);
}

TEST(what_is_sent_gives_way_to_programs_in_the_folder)
{
	emr_cid root;

	SCENE_OF(scene, s, scene_end, begin_beside_programs, "lull", UINT32_MAX);
	atomic_store(&s.are_at_work, true);
	root = save_large(&s, 11);
	scene_start(&s, 1, NODES("good"));
	wait_gave_way(&s, &root); /* nothing is begun */
	assert_int_equal(scene_look(&s, 0).sending_of, 0);
	atomic_store(&s.are_at_work, false);
	UNTIL(scene_look(&s, 0).sending != 0);
	atomic_store(&s.are_at_work, true);
	wait_gave_way(&s, &root); /* nor gone on with */
	atomic_store(&s.are_at_work, false);
	wait_held(&s, &root, 2);
}

/* A record that is erased while it is sent is let go of when all of it is there, and not before. */
TEST(a_node_that_takes_one_import_is_given_several_at_a_time)
{
	emr_cid roots[100], first;

	SCENE_OF(scene, s, scene_end, scene_begin, "lanes");
	gate_is(true);
	scene_start(&s, 1, NODES("gate"));
	first = scene_save_held(&s, "first", 0);
	gate_is(false);
	forget_asked();
	scene_save_all(&s, "lane", 100, roots);
	UNTIL(asked("dag/import") >= 3);
	for (size_t i = 0; i < 100; i++)
		scene_erase(&s, &roots[i]);
	UNTIL(scene_look(&s, 0).leaving != 0);
	assert_int_equal(asked("pin/rm"), 0);
	gate_is(true);
	UNTIL(leaving_count(&s) == 0);
	for (size_t i = 0; i < 100; i++)
		assert_false(is_kept(&roots[i]));
	assert_int_equal(scene_held(&s, &first), 2);
}

/* A record that has no room in one import goes with the next, and in no third one while that is
 * under way: pinning again would take away the pin first. */
TEST(what_one_of_several_imports_carries_is_in_no_other)
{
	emr_cid roots[7];

	SCENE_OF(scene, s, scene_end, begin_beside_programs, "once", UINT32_MAX);
	s.first_bytes = 10 * LEAF_BYTES; /* two records of four leaves */
	gate_is(true);
	scene_start(&s, 1, NODES("gate"));
	roots[6] = scene_save(&s, "first", 0);
	wait_held(&s, &roots[6], 2);
	gate_is(false);
	forget_asked();
	atomic_store(&s.are_at_work, true);
	for (size_t i = 0; i < 6; i++)
		roots[i] = scene_save_leaves(&s, 40 + i, 4);
	UNTIL(scene_look(&s, 0).records == 7);
	atomic_store(&s.are_at_work, false);
	UNTIL(asked("dag/import") >= 3);
	make_node_file("one");
	UNTIL(scene_look(&s, 0).held == 3);
	roots[6] = scene_save(&s, "last", 0);
	UNTIL(asked("dag/import") >= 4 || asked("pin/ls") != 0);
	gate_is(true);
	wait_all_held(&s, roots, 7, 2);
	assert_int_equal(asked("pin/ls"), 0);
	assert_int_equal(asked("dag/import"), 4);
}

/* Behind a slow line, or in a folder that is never open for long, it would begin again for ever. */
TEST(an_import_that_was_cut_off_goes_on_in_pieces)
{
	static const char *const names[] = {"limited"};
	emr_cid root;

	SCENE_OF(scene, s, scene_end, begin_beside_programs, "cut", UINT32_MAX);
	root = save_large(&s, 12);
	scene_start(&s, 1, names);
	UNTIL(scene_look(&s, 0).sending != 0);
	atomic_store(&s.are_at_work, true);
	wait_gave_way(&s, &root);
	scene_stop(&s); /* in the middle; programs that go on working do not hold it up */
	atomic_store(&s.are_at_work, false);
	forget_asked();
	scene_start(&s, 1, names);
	wait_held(&s, &root, 2);
	assert_int_equal(asked("import of "), 2);
	assert_int_equal(asked("too large"), 0);
}

TEST(programs_that_never_rest_keep_nothing_back_for_ever)
{
	emr_cid root;

	SCENE_OF(scene, s, scene_end, begin_beside_programs, "noise", 100);
	atomic_store(&s.are_at_work, true);
	root = scene_save(&s, "noise", 0);
	scene_start(&s, 1, NODES("good"));
	wait_held(&s, &root, 2);
	assert_true(atomic_load(&s.gave_way) > 0);
}

/* ---- What a node does between the two imports of a large record ---- */

/* A record that goes as two; the blocks of the second are at the node, which stands still. */
static emr_cid begin_between(scene *s, const char *name, size_t number, uint32_t still_ms)
{
	emr_cid root;

	scene_begin(s, name);
	s->still_ms = still_ms;
	gate_is(false);
	forget_asked();
	root = scene_save_leaves(s, number, 330);
	scene_start(s, 1, NODES("between"));
	UNTIL(asked("the second is here") != 0);
	assert_int_equal(scene_held(s, &root), 1);
	return root;
}

/* Nobody says that the node has it until it does. */
static void end_between(scene *s, const emr_cid *root)
{
	wait_held(s, root, 2);
	assert_true(is_kept(root));
	assert_int_equal(short_of(s), 0);
	scene_end(s);
	gate_is(true);
}

TEST(a_collection_waits_for_both_imports_of_a_record)
{
	pthread_t collection;
	emr_cid root;
	scene s;

	root = begin_between(&s, "collected", 60, 0);
	collection = node_collect_beside();
	UNTIL(asked("repo/gc") != 0);
	gate_is(true);
	wait_held(&s, &root, 2);
	assert_int_equal(pthread_join(collection, NULL), 0);
	assert_int_equal(asked("the second is here"), 1); /* nothing had to be sent again */
	(void)node_collect(false);
	end_between(&s, &root);
}

/* As if the lock of the first had come too late. */
TEST(a_record_that_lost_leaves_between_its_imports_does_not_count_and_is_given_again)
{
	emr_cid root;
	scene s;

	root = begin_between(&s, "too-late", 61, 0);
	assert_true(node_collect(true));
	gate_is(true);
	UNTIL(scene_look(&s, 0).fault != EMR_IPFS_FINE);
	assert_int_equal(scene_look(&s, 0).fault, EMR_IPFS_NOT_KEPT);
	end_between(&s, &root);
}

/* A node that starts again may collect before it is spoken to. */
TEST(a_node_that_is_killed_between_two_imports_is_given_all_of_it_again)
{
	emr_cid root;
	scene s;

	root = begin_between(&s, "node-killed", 62, 0);
	make_node_file("killed");
	gate_is(true);
	UNTIL(scene_look(&s, 0).fault != EMR_IPFS_FINE);
	assert_int_equal(scene_held(&s, &root), 1);
	assert_false(is_kept(&root));
	assert_true(node_collect(false));
	remove_node_file("killed");
	end_between(&s, &root);
}

/* It may be writing to a slow disk, as behind an import that is sent alone. */
TEST(a_node_that_has_all_of_the_second_import_has_the_time_of_the_push)
{
	emr_cid root;
	scene s;

	root = begin_between(&s, "writes", 64, 200);
	usleep(1500000); /* many times as long as it may stand still */
	assert_int_equal(scene_look(&s, 0).fault, EMR_IPFS_FINE);
	gate_is(true);
	wait_held(&s, &root, 2);
	assert_int_equal(asked("the second is here"), 1);
	end_between(&s, &root);
}

/* The collection waits for the first, which waits for the second; not for as long as a push of so
 * many bytes may take. */
TEST(a_second_import_that_stands_still_does_not_keep_a_collection_away)
{
	pthread_t collection;
	emr_cid root;
	scene s;

	scene_begin(&s, "still");
	s.still_ms = 1000;
	forget_asked();
	root = scene_save_leaves(&s, 63, 330);
	scene_start(&s, 1, NODES("beside-stands"));
	UNTIL(scene_look(&s, 0).sending != 0);
	collection = node_collect_beside();
	UNTIL(scene_look(&s, 0).fault != EMR_IPFS_FINE);
	assert_int_equal(scene_look(&s, 0).fault, EMR_IPFS_SLOW);
	assert_int_equal(pthread_join(collection, NULL), 0);
	end_between(&s, &root); /* in pieces, over one connection */
}

/* The node goes on answering, and nobody asks for all that it has. */
TEST(an_emptied_node_is_found_out_by_what_it_is_sent_and_that_asks_for_one_root_not_each)
{
	emr_cid roots[12];

	SCENE_OF(scene, s, scene_end, scene_begin, "emptied");
	kit_store_ms = 1;
	scene_start(&s, 1, NODES("leaves"));
	kit_store_ms = 0;
	for (size_t i = 0; i < 12; i++) {
		if (i == 10)
			forget_asked();
		roots[i] = scene_save_held(&s, "emptied", i);
	}
	UNTIL(asked("dag/stat") != 0);
	assert_true(asked("dag/stat") <= 3); /* one each, and one of before */
	for (size_t i = 0; i < 12; i++)
		good_loses(&roots[i]);
	(void)scene_save_held(&s, "behind it", 0);
	for (size_t i = 0; i < 12; i++)
		wait_sent_again(&s, &roots[i]);
}

TESTS(NULL, NULL)
