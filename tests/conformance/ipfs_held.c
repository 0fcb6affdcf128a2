/* These tests show how the background publisher counts copies, against the nodes of
 * tests/support/fake_node.py: it asks before it sends again, remembers what it was told, finds out
 * what a node has lost, and counts this computer only where the record is whole. */
#include <signal.h>
#include <sys/resource.h>

#include "publisher_kit.h"

/* ---- What this computer has little of: a few times that a thread of the publisher needs it ----
 */

static _Thread_local bool is_test;
static atomic_int memory_is_short, disk_is_bad; /* so many times */

static bool fails(atomic_int *times)
{
	int left = atomic_load(times);

	while (!is_test && left > 0 && !atomic_compare_exchange_weak(times, &left, left - 1))
		;
	return !is_test && left > 0;
}

WRAPPED(emr_status, emr_pending_reserve, void *map, size_t more)
{
	return fails(&memory_is_short) ? EMR_NO_MEMORY : __real_emr_pending_reserve(map, more);
}

WRAPPED(emr_status, emr_block_store_get_verified, emr_block_store *store, const emr_cid *cid,
	emr_buf *out)
{
	return fails(&disk_is_bad) ? EMR_IO : __real_emr_block_store_get_verified(store, cid, out);
}

/* A record that cannot be looked at just now goes on counting here: WHAT fails, which IS_SAID of
 * the record or not; also when it is looked at again, behind the node's word that it has none of
 * it. */
static void what_fails_for_a_while_is_no_loss(atomic_int *what, bool is_said, const char *name)
{
	emr_cid root;
	scene s;

	is_test = true;
	scene_begin(&s, name);
	scene_start(&s, 1, NODES("good"));
	UNTIL(atomic_load(&s.looks) != 0); /* or it may be the look that fails */
	atomic_store(what, 2);
	root = scene_save(&s, name, 0);
	UNTIL(atomic_load(what) <= 0);
	UNTIL(is_said ? scene_look(&s, 0).stuck != 0 : scene_held(&s, &root) != 1);
	assert_true(scene_held(&s, &root) >= 1);
	emr_publisher_repair(s.publisher);
	wait_held(&s, &root, 2);
	scene_end(&s);
	is_test = false;
}

TEST(memory_that_runs_short_makes_no_record_a_lost_one)
{
	what_fails_for_a_while_is_no_loss(&memory_is_short, false, "short");
}

TEST(a_disk_that_cannot_be_read_just_now_makes_no_record_a_lost_one)
{
	what_fails_for_a_while_is_no_loss(&disk_is_bad, true, "unread");
}

/* It is not looked at all of them again and again, so perhaps not at the first asking. */
static void look_until(scene *s, const emr_cid *root, unsigned wanted)
{
	while (scene_held(s, root) != wanted) {
		emr_publisher_look_here(s->publisher, INT64_C(1000000000));
		usleep(1000);
	}
}

TEST(a_record_that_is_not_whole_here_does_not_keep_back_the_others)
{
	emr_cid root, other;

	SCENE_OF(scene, s, scene_end, scene_begin, "lost");
	root = scene_save_lacking(&s);
	other = scene_save(&s, "whole", 0);
	scene_start(&s, 1, NODES("good"));
	wait_held(&s, &other, 2);
	UNTIL(scene_look(&s, 0).stuck == 1);
	look_until(&s, &root, 0);
	assert_int_equal(scene_held(&s, &other), 2);
	assert_false(emr_publisher_is_here(s.publisher, &root));
	assert_true(emr_publisher_is_here(s.publisher, &other));
	/* It comes home, and is sent without waiting for its turn, which is minutes later. */
	(void)scene_put(&s, EMR_CODEC_RAW, emr_bytes_of("lost", 4));
	assert_true(emr_publisher_is_here(s.publisher, &root));
	assert_int_equal(scene_look(&s, 0).stuck, 0);
	wait_held(&s, &root, 2);
}

static emr_publisher_totals sum_of(scene *s)
{
	emr_publisher_totals totals;

	emr_publisher_sum(s->publisher, &totals);
	return totals;
}

/* No node answers at first, then one does. */
static void comes_home(scene *s, const emr_cid *root)
{
	UNTIL(atomic_load(&s->bring_asked) != 0);
	assert_int_equal(sum_of(s).coming, 1);
	assert_int_equal(sum_of(s).lacking, 1);
	atomic_store(&s->can_bring, true);
	wait_held(s, root, 2);
	assert_int_equal(sum_of(s).lacking, 0);
	assert_int_equal(sum_of(s).coming, 0);
}

TEST(what_others_left_comes_home_by_itself_and_is_said_to_be_coming_until_then)
{
	emr_cid root;

	SCENE_OF(scene, s, scene_end, scene_begin, "left");
	scene_start(&s, 1, NODES("good"));
	root = scene_save_lacking(&s);
	emr_publisher_came(s.publisher, &root);
	comes_home(&s, &root);
}

TEST(what_others_left_while_the_folder_was_closed_comes_home_too_and_nothing_else_does)
{
	emr_cid root, own = emr_cid_of_block(EMR_CODEC_RAW, emr_bytes_of("nowhere", 7));

	SCENE_OF(scene, s, scene_end, scene_begin, "absent");
	root = scene_save_lacking(&s);
	assert_ok(emr_buf_append(&s.others, &root, sizeof root));
	scene_start(&s, 1, NODES("good"));
	comes_home(&s, &root);
	scene_pin(&s, &own, false);
	look_until(&s, &own, 0);
	assert_int_equal(sum_of(&s).lacking, 1);
	assert_int_equal(sum_of(&s).coming, 0);
}

static void spoil_segment(scene *s, off_t at)
{
	char name[EMR_SEGMENT_NAME_MAX];
	uint8_t byte = 0;
	EMR_AUTO_FD fd = -1;

	emr_store_segment_name(s->store, 1, name);
	fd = open(printed("%s/%s", s->path, name), O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_ok(emr_pread_all(fd, &byte, 1, at));
	byte ^= 1;
	assert_ok(emr_pwrite_all(fd, &byte, 1, at));
}

/* It was right when its tags were made. */
TEST(a_leaf_that_went_bad_behind_its_tags_is_not_sent)
{
	emr_cid whole, root;
	off_t at;

	SCENE_OF(scene, s, scene_end, scene_begin, "tagged");
	whole = scene_save_leaves(&s, 77, 2);
	at = (off_t)emr_store_appended(s.store) + LEAF_BYTES / 2;
	root = scene_save_leaves(&s, 78, 1);
	spoil_segment(&s, at);
	scene_start(&s, 1, NODES("good"));
	wait_held(&s, &whole, 2);
	UNTIL(scene_look(&s, 0).stuck == 1);
	/* It was found here, and not by the node. */
	assert_int_equal(scene_look(&s, 0).fault, EMR_IPFS_HERE);
	assert_false(is_kept(&root));
	spoil_segment(&s, at);
	emr_publisher_repair(s.publisher);
	wait_held(&s, &root, 2);
}

TEST(a_record_that_is_not_whole_here_counts_where_it_is)
{
	static const char *const names[] = {"good"};
	emr_cid lost = emr_cid_of_block(EMR_CODEC_RAW, emr_bytes_of("nowhere", 7)), root, first;
	AUTO(scene_end) scene there, here;

	scene_begin(&there, "there");
	scene_start(&there, 1, names);
	root = scene_save(&there, "of another computer", 0);
	wait_held(&there, &root, 2);
	scene_begin(&here, "here");
	scene_start(&here, 1, names);
	first = scene_save(&here, "of this one", 0);
	wait_held(&here, &first, 2);
	scene_pin(&here, &root, false);
	scene_pin(&here, &lost, false);
	UNTIL(emr_publisher_holds(here.publisher, 0, &root));
	UNTIL(scene_look(&here, 0).stuck == 1);
	look_until(&here, &root, 1);
	look_until(&here, &lost, 0);
}

TEST(who_was_killed_while_sending_asks_before_sending_again)
{
	static const char *const names[] = {"gate"};
	emr_cid root;

	SCENE_OF(scene, s, scene_end, scene_begin, "killed");
	gate_is(true);
	scene_start(&s, 1, names);
	root = scene_save_held(&s, "first", 0);
	gate_is(false);
	forget_asked();
	root = scene_save(&s, "second", 1);
	UNTIL(asked("dag/import") != 0);
	scene_stop(&s); /* at once, in the middle */
	assert_false(is_kept(&root));
	gate_is(true);
	UNTIL(is_kept(&root)); /* it has taken it all the same, and nobody was told */
	forget_asked();
	scene_start(&s, 1, names);
	wait_held(&s, &root, 2);
	assert_int_equal(asked("pin/ls"), 1);
	assert_int_equal(asked("dag/import"), 0);
}

TEST(the_file_can_be_lost_or_torn_and_nothing_is_sent_twice)
{
	static const char *const names[] = {"gate"};
	emr_cid roots[20];

	SCENE_OF(scene, s, scene_end, scene_begin, "forgotten");
	gate_is(true);
	scene_start(&s, 1, names);
	scene_save_all(&s, "known", 20, roots);
	wait_all_held(&s, roots, 20, 2);
	for (size_t round = 0; round < 3; round++) {
		struct stat st;

		scene_stop(&s);
		forget_asked();
		if (round == 0)
			assert_int_equal(unlinkat(s.state_fd, "copies", 0), 0);
		assert_true(round == 0 || fstatat(s.state_fd, "copies", &st, 0) == 0);
		if (round == 1) {
			assert_int_equal(
				truncate(printed("%s/copies", s.path), st.st_size - 10), 0);
		}
		scene_start(&s, 1, names);
		wait_all_held(&s, roots, 20, 2);
		assert_int_equal(asked("dag/import"), 0);
		assert_int_equal(asked("pin/ls"), round == 0 ? 20 : round == 1 ? 1 : 0);
	}
}

TEST(without_the_file_a_node_is_asked_for_one_list_of_what_it_has)
{
	emr_cid roots[61];

	SCENE_OF(scene, s, scene_end, scene_begin, "list");
	gate_is(true);
	for (size_t round = 0; round < 2; round++) {
		forget_asked();
		for (size_t i = 60 * round; i < 60 + round; i++)
			roots[i] = scene_save(&s, "listed", i);
		scene_start(&s, 1, NODES("gate"));
		for (size_t i = 0; i < 60 + round; i++)
			wait_held(&s, &roots[i], 2);
		assert_int_equal(asked("pin/ls?type=recursive&stream=true"), 1);
		/* Roots on it are asked for, and only those that are not are sent. */
		assert_int_equal(asked("pin/ls?arg="), 60 * round);
		assert_int_equal(asked("dag/stat"), 60 * round);
		assert_true(round == 0 || asked("dag/import") == 1);
		for (size_t i = 0; i < 60 + round; i++)
			assert_true(is_kept(&roots[i]));
		scene_stop(&s);
		assert_int_equal(unlinkat(s.state_fd, "copies", 0), 0);
	}
}

TEST(a_copy_that_a_node_lost_is_found_out_and_sent_again)
{
	emr_cid root;

	SCENE_OF(scene, s, scene_end, scene_begin, "lose");
	scene_start(&s, 1, NODES("good"));
	root = scene_save_held(&s, "lose", 0);
	good_loses(&root);
	assert_int_equal(scene_held(&s, &root), 2); /* nobody could know */
	emr_publisher_repair(s.publisher);
	wait_sent_again(&s, &root);
}

/* The first look at all that a node has is over, and the next one a day away. */
TEST(what_a_node_lost_while_it_was_away_is_found_out_when_it_comes_back)
{
	emr_cid roots[60], meanwhile;

	SCENE_OF(scene, s, scene_end, scene_begin, "leaves");
	scene_start(&s, 1, NODES("leaves"));
	scene_save_all(&s, "leaves", 60, roots);
	wait_all_held(&s, roots, 60, 2);
	forget_asked();
	emr_publisher_repair(s.publisher);
	UNTIL(asked("dag/stat") >= 60);
	make_node_file("away");
	meanwhile = scene_save(&s, "meanwhile", 0);
	UNTIL(scene_look(&s, 0).fault == EMR_IPFS_BROKEN_OFF);
	for (size_t i = 0; i < 60; i++)
		good_loses(&roots[i]);
	forget_asked();
	remove_node_file("away");
	for (size_t i = 0; i < 60; i++) {
		wait_sent_again(&s, &roots[i]);
	}
	wait_held(&s, &meanwhile, 2);
	/* One list said it of all of them, and they went together. */
	assert_int_equal(asked("pin/ls?type=recursive&stream=true"), 1);
	assert_true(asked("dag/import") < 12);
}

/* It hangs up once, as its fault says. */
static void go_away(scene *s, const char *name)
{
	make_node_file("away");
	(void)scene_save(s, name, 0);
	UNTIL(scene_look(s, 0).fault == EMR_IPFS_BROKEN_OFF);
}

TEST(a_node_that_comes_and_goes_is_asked_for_all_of_it_once_in_a_while)
{
	emr_cid root;

	SCENE_OF(scene, s, scene_end, scene_begin, "flaps");
	scene_start(&s, 1, NODES("leaves"));
	root = scene_save_held(&s, "flaps", 0);
	for (size_t round = 0; round < 3; round++) {
		go_away(&s, round == 0 ? "first" : round == 1 ? "second" : "third");
		good_loses(&root);
		remove_node_file("away");
		if (round == 0) { /* it is found out at once, and sent again */
			wait_sent_again(&s, &root);
		}
	}
	assert_false(is_kept(&root));
	for (size_t i = 0; i < 5; i++) { /* each time there is nothing else to do for it */
		(void)scene_save_held(&s, "meanwhile", i);
	}
	assert_false(is_kept(&root));
	emr_publisher_repair(s.publisher); /* who wants to know it is told at once */
	wait_sent_again(&s, &root);
}

/* It is asked for one record after the other, hangs up at the first, and for a while, which is
 * longer than the rest takes, that is no reason to begin again. */
TEST(what_a_node_lost_when_it_was_away_again_is_found_out_after_that_while)
{
	emr_cid root;

	SCENE_OF(scene, s, scene_end, scene_begin, "again");
	s.back_ms = 10000;
	scene_start(&s, 1, NODES("leaves"));
	root = scene_save_held(&s, "again", 0);
	go_away(&s, "away before again");
	forget_asked();
	make_node_file("falter");
	remove_node_file("away");
	UNTIL(asked("dag/stat") >= 2); /* both records; when it hung up is not among them */
	good_loses(&root);
	wait_sent_again(&s, &root);
}

/* That a person asks for everything is no return.  That it hangs up meanwhile and answers again
 * is. */
TEST(a_node_that_goes_while_a_person_asks_for_all_of_it_has_come_back_once)
{
	emr_cid root;

	SCENE_OF(scene, s, scene_end, scene_begin, "hurry");
	scene_start(&s, 1, NODES("leaves"));
	root = scene_save_held(&s, "hurry", 0);
	forget_asked();
	make_node_file("falter");
	emr_publisher_repair(s.publisher);
	UNTIL(asked("dag/stat") != 0); /* it has hung up before */
	go_away(&s, "away after hurry");
	good_loses(&root);
	remove_node_file("away");
	for (size_t i = 0; i < 5; i++) { /* each time there is nothing else to do for it */
		(void)scene_save_held(&s, "after hurry", i);
	}
	assert_false(is_kept(&root));
}

/* It was away for longer than it is waited for, and came back empty. */
TEST(what_a_node_lost_while_its_time_was_over_is_found_out_when_it_comes_back)
{
	emr_cid root;

	SCENE_OF(scene, s, scene_end, scene_begin, "late");
	scene_start(&s, 1, NODES("leaves"));
	root = scene_save_held(&s, "late", 0);
	forget_asked();
	emr_publisher_repair(s.publisher);
	UNTIL(asked("dag/stat") != 0);
	make_node_file("late");
	(void)scene_save(&s, "meanwhile", 0);
	UNTIL(scene_look(&s, 0).fault == EMR_IPFS_SLOW);
	forget_asked();
	UNTIL(asked("/version") >= 2); /* it has failed at the first one */
	good_loses(&root);
	remove_node_file("late");
	wait_sent_again(&s, &root);
}

/* Its line breaks off again and again, each time before all was asked for. */
TEST(a_lost_copy_is_found_out_over_a_line_that_breaks_off_again_and_again)
{
	emr_cid root, last = {{0}};

	SCENE_OF(scene, s, scene_end, scene_begin, "breaks");
	scene_start(&s, 1, NODES("breaks"));
	for (size_t i = 0; i < 4; i++) {
		root = scene_save_held(&s, "breaks", i);
		if (memcmp(&root, &last, sizeof root) > 0) /* they are asked for in this order */
			last = root;
	}
	make_node_file("breaks");
	good_loses(&last);
	emr_publisher_repair(s.publisher);
	UNTIL(is_kept(&last));
	remove_node_file("breaks");
	wait_held(&s, &last, 2);
}

/* ---- What its disk may lose ---- */

/* Until what is asked behind its configuration was asked of it. */
static void ask_all_again(scene *s)
{
	forget_asked();
	emr_publisher_repair(s->publisher);
	UNTIL(asked("config/show") != 0);
	forget_asked(); /* a look may have been under way */
	emr_publisher_repair(s->publisher);
	UNTIL(asked("dag/stat") != 0);
}

static void begin_unsynced(scene *s, const char *name, emr_cid *out_root)
{
	/* Files that another test left when it failed. */
	remove_node_file("mute");
	remove_node_file("strange");
	remove_node_file("hidden");
	make_node_file("unsynced");
	scene_begin(s, name);
	scene_start(s, 1, NODES("settings"));
	*out_root = scene_save(s, name, 0);
	UNTIL(emr_publisher_holds(s->publisher, 0, out_root) && atomic_load(&s->said) != 0);
	assert_int_equal(scene_held(s, out_root), 1);
}

TEST(what_may_lose_it_is_no_copy_while_it_does_not_say_what_it_does)
{
	emr_cid root;

	SCENE_OF(scene, s, scene_end, begin_unsynced, "mute", &root);
	make_node_file("mute");
	ask_all_again(&s);
	assert_int_equal(scene_held(&s, &root), 1);
	remove_node_file("mute");
	remove_node_file("unsynced");
	emr_publisher_repair(s.publisher);
	wait_held(&s, &root, 2);
}

/* Its disk may lose it whether or not the folder was closed meanwhile. */
TEST(what_may_lose_it_is_no_copy_after_a_new_start_either)
{
	static const char *const names[] = {"settings"};
	emr_cid root;

	SCENE_OF(scene, s, scene_end, begin_unsynced, "again", &root);
	scene_stop(&s);
	make_node_file("mute");
	forget_asked();
	scene_start(&s, 1, names);
	assert_int_equal(scene_held(&s, &root), 1);
	UNTIL(asked("config/show") != 0);
	assert_true(emr_publisher_holds(s.publisher, 0, &root));
	assert_int_equal(scene_held(&s, &root), 1);
	remove_node_file("mute");
	remove_node_file("unsynced");
	emr_publisher_repair(s.publisher);
	wait_held(&s, &root, 2);
	scene_stop(&s);
	make_node_file("mute");
	scene_start(&s, 1, names);
	assert_int_equal(scene_held(&s, &root), 2);
	remove_node_file("mute");
}

/* Nobody knows what an answer means that cannot be read. A node that has no configuration goes by
 * its word. */
TEST(an_answer_that_cannot_be_read_does_not_make_it_a_copy)
{
	emr_cid root;

	SCENE_OF(scene, s, scene_end, begin_unsynced, "strange", &root);
	make_node_file("strange");
	ask_all_again(&s);
	assert_int_equal(scene_held(&s, &root), 1);
	remove_node_file("strange");
	make_node_file("hidden");
	emr_publisher_repair(s.publisher);
	wait_held(&s, &root, 2);
	remove_node_file("hidden");
	remove_node_file("unsynced");
}

TEST(of_what_only_such_a_node_has_the_last_copy_is_kept_here)
{
	emr_cid root;
	size_t said;

	SCENE_OF(scene, s, scene_end, begin_unsynced, "last", &root);
	said = unheld_count(&s, &root);
	assert_ok(emr_publisher_save(s.publisher));
	assert_true(unheld_count(&s, &root) > said);
	remove_node_file("unsynced");
}

TEST(a_node_that_was_mended_is_heard_by_who_waits_for_copies_and_named_when_it_breaks_again)
{
	size_t copied, said;
	emr_cid root;

	SCENE_OF(scene, s, scene_end, begin_unsynced, "mended", &root);
	copied = atomic_load(&s.copied);
	said = atomic_load(&s.said);
	remove_node_file("unsynced");
	emr_publisher_repair(s.publisher);
	UNTIL(atomic_load(&s.copied) != copied);
	wait_held(&s, &root, 2);
	make_node_file("unsynced");
	emr_publisher_repair(s.publisher); /* it is asked at once, though it was well */
	wait_held(&s, &root, 1);
	UNTIL(atomic_load(&s.said) != said);
	remove_node_file("unsynced");
}

TEST(a_lost_copy_is_found_out_behind_a_record_that_the_node_cannot_say_anything_of)
{
	emr_cid rotten, others[20];

	SCENE_OF(scene, s, scene_end, scene_begin, "behind");
	scene_start(&s, 1, NODES("rotten"));
	rotten = scene_save(&s, "rotten", 0);
	scene_save_all(&s, "lost", 20, others);
	wait_held(&s, &rotten, 2);
	wait_all_held(&s, others, 20, 2);
	for (size_t i = 0; i < 20; i++)
		good_loses(&others[i]);
	emr_publisher_repair(s.publisher);
	for (size_t i = 0; i < 20; i++) {
		UNTIL(is_kept(&others[i]));
	}
	wait_held(&s, &rotten, 1); /* nobody says any more that it is there */
}

/* A computer that has blocks of it keeps them from then on. */
TEST(what_no_node_is_known_to_hold_is_said)
{
	size_t of_kept, of_lost;
	emr_cid kept, lost;

	SCENE_OF(scene, s, scene_end, scene_begin, "unheld");
	scene_start(&s, 1, NODES("good"));
	kept = scene_save(&s, "kept", 0);
	lost = scene_save(&s, "let go", 0);
	wait_held(&s, &kept, 2);
	wait_held(&s, &lost, 2);
	UNTIL(atomic_load(&s.looks) != 0); /* by itself, perhaps before it was held */
	of_kept = unheld_count(&s, &kept);
	of_lost = unheld_count(&s, &lost);
	assert_ok(emr_publisher_save(s.publisher));
	assert_int_equal(atomic_load(&s.looks), 2);
	assert_int_equal(unheld_count(&s, &kept), of_kept);
	assert_int_equal(unheld_count(&s, &lost), of_lost);
	good_loses(&lost);
	emr_publisher_repair(s.publisher);
	UNTIL(unheld_count(&s, &lost) != of_lost);
	assert_int_equal(unheld_count(&s, &kept), of_kept);
}

TEST(without_a_node_each_record_is_said_to_be_held_by_none)
{
	emr_cid root;

	SCENE_OF(scene, s, scene_end, scene_begin, "alone");
	scene_start(&s, 0, NULL);
	root = scene_save(&s, "alone", 0);
	assert_ok(emr_publisher_save(s.publisher));
	assert_int_equal(unheld_count(&s, &root), 1);
}

/* As on a disk that takes nothing.  Nobody knows then what the nodes have. */
TEST(when_the_file_cannot_be_begun_each_record_is_said_to_be_held_by_none)
{
	struct rlimit before, none;
	emr_status status;
	emr_cid root;
	size_t said;

	SCENE_OF(scene, s, scene_end, scene_begin, "full");
	scene_start(&s, 1, NODES("good"));
	root = scene_save_held(&s, "full", 0);
	scene_stop(&s);
	said = unheld_count(&s, &root);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	none = (struct rlimit){.rlim_cur = 0, .rlim_max = before.rlim_max};
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
	status = scene_try_start(&s, 1, NODES("other"));
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_not_equal(status, EMR_OK);
	assert_ok(emr_publisher_save(s.publisher));
	assert_int_equal(unheld_count(&s, &root), said + 1);
}

static void *save_often(void *arg)
{
	scene *s = arg;

	for (int i = 0; i < 200; i++)
		assert_ok(emr_publisher_save(s->publisher));
	return NULL;
}

/* The findings of one look are forgotten with the end of the next one, which has said them
 * again. */
TEST(one_look_is_over_before_the_next_one_begins)
{
	pthread_t others[3];

	SCENE_OF(scene, s, scene_end, scene_begin, "looks");
	scene_start(&s, 0, NULL);
	for (size_t i = 0; i < 8; i++)
		(void)scene_save(&s, "looked at", i);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&others[i], NULL, save_often, &s), 0);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(pthread_join(others[i], NULL), 0);
	scene_stop(&s);
	assert_int_equal(s.mixed, 0);
}

TESTS(NULL, NULL)
