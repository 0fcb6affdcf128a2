/* The background publisher against the nodes of tests/support/fake_node.py: what reaches them, what
 * is asked before it is sent, and what becomes of it when they fail, lie, come late or let go. */
#include "emr_test.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "publisher/publisher.h"
#include "store/dag_pb.h"

#define PATIENCE_MS 600000
#define PLACES_MAX 4
#define LEAF_BYTES 262400

typedef struct scene {
	char path[512];
	int state_fd;
	emr_store *store;
	emr_publisher *publisher;
	const char *names[PLACES_MAX];
	size_t count;
	uint32_t import_ms;
	uint64_t first_bytes;
	uint32_t patience_ms;
	bool has_programs; /* that work in the folder */
	_Atomic bool are_at_work;
	_Atomic size_t gave_way; /* how often it was asked while they are */
	pthread_mutex_t lock;
	emr_buf leaving; /* emr_cid, as the journal would have them */
	size_t said;	 /* how often a place was said to fail */
	emr_ipfs_fault last;
} scene;

/* ---- The other side of the publisher ---- */

static emr_status each_leaving(void *arg, emr_cid_visit visit, void *visit_arg)
{
	scene *s = arg;
	emr_status status = EMR_OK;

	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; status == EMR_OK && i < s->leaving.len / sizeof(emr_cid); i++)
		status = visit(visit_arg, (const emr_cid *)(const void *)s->leaving.data + i);
	pthread_mutex_unlock(&s->lock);
	return status;
}

static emr_status left(void *arg, const emr_cid *root)
{
	scene *s = arg;
	emr_cid *all = (void *)s->leaving.data;

	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; i < s->leaving.len / sizeof *all; i++) {
		if (!emr_cid_equal(&all[i], root))
			continue;
		all[i] = all[s->leaving.len / sizeof *all - 1];
		s->leaving.len -= sizeof *all;
	}
	pthread_mutex_unlock(&s->lock);
	return EMR_OK;
}

static size_t leaving_count(scene *s)
{
	size_t n;

	pthread_mutex_lock(&s->lock);
	n = s->leaving.len / sizeof(emr_cid);
	pthread_mutex_unlock(&s->lock);
	return n;
}

static void say(void *arg, const emr_publisher_place *place)
{
	scene *s = arg;

	pthread_mutex_lock(&s->lock);
	s->said++;
	s->last = place->fault;
	pthread_mutex_unlock(&s->lock);
}

static int64_t quiet_ns(void *arg)
{
	scene *s = arg;

	if (!atomic_load(&s->are_at_work))
		return INT64_MAX;
	atomic_fetch_add(&s->gave_way, 1);
	return 0;
}

/* ---- A store, and places by the names of their sockets ---- */

static emr_ipfs *open_place(const char *name)
{
	char address[600];
	emr_ipfs_options options = {.kind = EMR_IPFS_KUBO, .address = address, .version = "0.1.0"};
	emr_ipfs *node = NULL;

	snprintf(address, sizeof address, "unix:%s/%s.sock", getenv("EMR_NODE_DIR"), name);
	assert_ok(emr_ipfs_open(&options, &node, NULL));
	return node;
}

static void begin(scene *s, const char *name)
{
	emr_store_options options = {.path = s->path, .writer = {{7}}, .index_delay_ms = 1};

	*s = (scene){.lock = PTHREAD_MUTEX_INITIALIZER};
	snprintf(s->path, sizeof s->path, "%s/state-%s", getenv("EMR_NODE_DIR"), name);
	assert_ok(emr_dir_open(s->path, &s->state_fd));
	assert_ok(emr_store_open(&options, &s->store));
	assert_ok(emr_store_pins_complete(s->store, NULL, 0));
}

static void start(scene *s, size_t count, const char *const *names)
{
	emr_publisher_options options = {.store = s->store,
		.state_dirfd = s->state_fd,
		.say = say,
		.each_leaving = each_leaving,
		.left = left,
		.import_ms = s->import_ms,
		.first_bytes = s->first_bytes,
		.quiet_ns = s->has_programs ? quiet_ns : NULL,
		.patience_ms = s->patience_ms,
		.arg = s};
	emr_ipfs *nodes[PLACES_MAX];

	s->count = count;
	for (size_t i = 0; i < count; i++)
		nodes[i] = open_place(names[i]);
	assert_ok(emr_publisher_new(nodes, count, &s->publisher));
	assert_ok(emr_publisher_start(s->publisher, &options));
}

static void stop(scene *s)
{
	emr_publisher_stop(s->publisher);
	emr_publisher_free(s->publisher);
	s->publisher = NULL;
}

static void end(scene *s)
{
	stop(s);
	emr_store_close(s->store);
	close(s->state_fd);
	emr_buf_free(&s->leaving);
}

static emr_cid put(scene *s, emr_codec codec, emr_bytes bytes)
{
	emr_block block = {.cid = emr_cid_of_block(codec, bytes), .data = bytes};

	assert_ok(emr_store_append(s->store, &block, 1, NULL));
	return block.cid;
}

static void pin(scene *s, const emr_cid *root, bool unpin)
{
	emr_pin_change change = {
		.pin = {.root = *root, .owner = {{1}}, .state = EMR_PIN_REGISTERED},
		.unpin = unpin};

	assert_ok(emr_store_pin(s->store, &change, 1));
	if (s->publisher != NULL)
		emr_publisher_wake(s->publisher);
}

/* A record of a raw block below a node. */
static emr_cid save(scene *s, const char *text, size_t number)
{
	EMR_AUTO_BUF node = {0};
	char leaf[700];
	emr_cid root;

	snprintf(leaf, sizeof leaf, "%s %zu of %s", text, number, s->path);
	root = put(s, EMR_CODEC_RAW, emr_bytes_of(leaf, strlen(leaf)));
	assert_ok(emr_dag_pb_write_link(&node, &root, (emr_bytes){0}, strlen(leaf)));
	assert_ok(emr_dag_pb_write_data(&node, emr_bytes_of("\x08\x01", 2)));
	root = put(s, EMR_CODEC_DAG_PB, emr_buf_view(&node));
	pin(s, &root, false);
	return root;
}

static void erase(scene *s, const emr_cid *root)
{
	pthread_mutex_lock(&s->lock);
	assert_ok(emr_buf_append(&s->leaving, root, sizeof *root));
	pthread_mutex_unlock(&s->lock);
	pin(s, root, true);
}

static unsigned held(scene *s, const emr_cid *root)
{
	unsigned n = 0, wanted = 0;

	emr_publisher_count(s->publisher, root, &n, &wanted);
	assert_int_equal(wanted, s->count + 1);
	return n;
}

static void wait_held(scene *s, const emr_cid *root, unsigned wanted)
{
	while (held(s, root) != wanted)
		usleep(1000);
}

static emr_publisher_place look(scene *s, size_t place)
{
	emr_publisher_place found;

	emr_publisher_look(s->publisher, place, &found);
	return found;
}

static uint64_t short_of(scene *s)
{
	emr_publisher_totals totals;

	emr_publisher_sum(s->publisher, &totals);
	return totals.records - totals.pinned;
}

/* What `good` says itself. */
static bool is_kept(const emr_cid *root)
{
	emr_ipfs_call call = emr_ipfs_call_of(PATIENCE_MS, -1);
	EMR_AUTO_IPFS good = open_place("good");
	emr_ipfs_holding holding = {0};

	assert_ok(emr_ipfs_holds(good, &call, root, &holding));
	return holding.is_pinned && holding.is_whole;
}

static emr_status count_pin(void *arg, const emr_cid *root)
{
	(void)root;
	++*(size_t *)arg;
	return EMR_OK;
}

static size_t pins_of_good(void)
{
	emr_ipfs_call call = emr_ipfs_call_of(PATIENCE_MS, -1);
	EMR_AUTO_IPFS good = open_place("good");
	size_t n = 0;

	assert_ok(emr_ipfs_each_pin(good, &call, count_pin, &n));
	return n;
}

/* ---- What `gate` was asked ---- */

static void node_file(const char *name, char *out, size_t size)
{
	snprintf(out, size, "%s/%s", getenv("EMR_NODE_DIR"), name);
}

static void forget_asked(void)
{
	char path[512];

	node_file("asked", path, sizeof path);
	unlink(path);
}

static size_t asked(const char *words)
{
	char path[512], line[1024];
	size_t n = 0;
	FILE *file;

	node_file("asked", path, sizeof path);
	file = fopen(path, "re");
	while (file != NULL && fgets(line, sizeof line, file) != NULL)
		n += strstr(line, words) != NULL;
	if (file != NULL)
		fclose(file);
	return n;
}

static void make_node_file(const char *name)
{
	char path[512];

	node_file(name, path, sizeof path);
	close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}

static void gate_is(bool is_open)
{
	char path[512];

	node_file("open", path, sizeof path);
	if (is_open)
		make_node_file("open");
	else
		unlink(path);
}

/* ---- Scenes ---- */

static void what_is_registered_reaches_every_place_in_batches(void **state)
{
	static const char *const names[] = {"good", "gate"};
	emr_cid roots[1200];
	scene s;

	(void)state;
	begin(&s, "batches");
	gate_is(true);
	forget_asked();
	for (size_t i = 0; i < 600; i++)
		roots[i] = save(&s, "before", i);
	start(&s, 2, names);
	for (size_t i = 600; i < 1200; i++)
		roots[i] = save(&s, "after", i);
	for (size_t i = 0; i < 1200; i++) {
		wait_held(&s, &roots[i], 3);
		assert_true(is_kept(&roots[i]));
	}
	assert_true(asked("dag/import") < 100);
	assert_int_equal(look(&s, 0).held, 1200);
	assert_int_equal(short_of(&s), 0);
	end(&s);
}

static void what_is_not_registered_is_nobodys(void **state)
{
	static const char *const names[] = {"good"};
	emr_pin_change written = {.pin = {.owner = {{2}}, .state = EMR_PIN_WRITTEN}};
	emr_cid root;
	scene s;

	(void)state;
	begin(&s, "written");
	written.pin.root = put(&s, EMR_CODEC_RAW, emr_bytes_of("a draft", 7));
	assert_ok(emr_store_pin(s.store, &written, 1));
	start(&s, 1, names);
	root = save(&s, "a record", 0);
	wait_held(&s, &root, 2);
	assert_false(is_kept(&written.pin.root));
	end(&s);
}

static void a_place_that_is_away_holds_up_nobody_and_gets_all_when_it_comes(void **state)
{
	static const char *const names[] = {"later", "good"};
	char from[512], to[512];
	emr_cid root;
	scene s;

	(void)state;
	begin(&s, "away");
	start(&s, 2, names);
	root = save(&s, "away", 0);
	wait_held(&s, &root, 2);
	while (look(&s, 0).fault != EMR_IPFS_NO_ANSWER)
		usleep(1000);
	node_file("good.sock", from, sizeof from);
	node_file("later.sock", to, sizeof to);
	assert_int_equal(symlink(from, to), 0);
	wait_held(&s, &root, 3);
	while (look(&s, 0).fault != EMR_IPFS_FINE)
		usleep(1000);
	assert_int_equal(s.said, 1); /* however often it was tried */
	end(&s);
}

static void places_that_fail_or_lie_never_count(void **state)
{
	static const char *const names[][3] = {
		{"root-missing", "stats-wrong", "not-pinned"}, {"token", "full", "html"}};
	static const emr_ipfs_fault faults[][3] = {
		{EMR_IPFS_BROKEN_OFF, EMR_IPFS_OTHER_ANSWER, EMR_IPFS_NOT_KEPT},
		{EMR_IPFS_TOKEN, EMR_IPFS_FULL, EMR_IPFS_STRANGE}};
	emr_cid root;
	scene s;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		begin(&s, i == 0 ? "lie" : "fail");
		start(&s, 3, names[i]);
		root = save(&s, "never", i);
		for (size_t place = 0; place < 3; place++) {
			while (look(&s, place).fault == EMR_IPFS_FINE)
				usleep(1000);
			assert_int_equal(look(&s, place).fault, faults[i][place]);
		}
		while (short_of(&s) != 1)
			usleep(1000);
		assert_int_equal(held(&s, &root), 1);
		end(&s);
	}
}

static void one_record_that_a_place_refuses_does_not_keep_back_the_others(void **state)
{
	static const char *const names[] = {"picky"};
	emr_cid poison, last, others[20];
	scene s;

	(void)state;
	begin(&s, "picky");
	poison = save(&s, "poison", 0);
	for (size_t i = 0; i < 20; i++)
		others[i] = save(&s, "other", i);
	start(&s, 1, names);
	for (size_t i = 0; i < 20; i++)
		wait_held(&s, &others[i], 2);
	while (look(&s, 0).stuck != 1)
		usleep(1000);
	assert_int_equal(held(&s, &poison), 1);
	/* Why stays to be seen while others are taken. */
	last = save(&s, "after it", 0);
	wait_held(&s, &last, 2);
	assert_int_equal(look(&s, 0).stuck, 1);
	assert_int_equal(look(&s, 0).fault, EMR_IPFS_ERROR);
	assert_string_equal(look(&s, 0).said, "something broke");
	end(&s);
}

/* It is not looked at all of them again and again, so perhaps not at the first asking. */
static void look_until(scene *s, const emr_cid *root, unsigned wanted)
{
	while (held(s, root) != wanted) {
		emr_publisher_look_here(s->publisher, INT64_C(1000000000));
		usleep(1000);
	}
}

static void a_record_that_is_not_whole_here_does_not_keep_back_the_others(void **state)
{
	static const char *const names[] = {"good"};
	EMR_AUTO_BUF node = {0};
	emr_cid lost = emr_cid_of_block(EMR_CODEC_RAW, emr_bytes_of("lost", 4)), root, other;
	scene s;

	(void)state;
	begin(&s, "lost");
	assert_ok(emr_dag_pb_write_link(&node, &lost, (emr_bytes){0}, 4));
	assert_ok(emr_dag_pb_write_data(&node, emr_bytes_of("\x08\x01", 2)));
	root = put(&s, EMR_CODEC_DAG_PB, emr_buf_view(&node));
	pin(&s, &root, false);
	other = save(&s, "whole", 0);
	start(&s, 1, names);
	wait_held(&s, &other, 2);
	while (look(&s, 0).stuck != 1)
		usleep(1000);
	look_until(&s, &root, 0);
	assert_int_equal(held(&s, &other), 2);
	assert_false(emr_publisher_is_here(s.publisher, &root));
	assert_true(emr_publisher_is_here(s.publisher, &other));
	end(&s);
}

static void a_record_that_is_not_whole_here_counts_where_it_is(void **state)
{
	static const char *const names[] = {"good"};
	emr_cid lost = emr_cid_of_block(EMR_CODEC_RAW, emr_bytes_of("nowhere", 7)), root, first;
	scene there, here;

	(void)state;
	begin(&there, "there");
	start(&there, 1, names);
	root = save(&there, "of another computer", 0);
	wait_held(&there, &root, 2);
	begin(&here, "here");
	start(&here, 1, names);
	first = save(&here, "of this one", 0);
	wait_held(&here, &first, 2);
	pin(&here, &root, false);
	pin(&here, &lost, false);
	while (!emr_publisher_holds(here.publisher, 0, &root))
		usleep(1000);
	while (look(&here, 0).stuck != 1)
		usleep(1000);
	look_until(&here, &root, 1);
	look_until(&here, &lost, 0);
	end(&here);
	end(&there);
}

static void who_was_killed_while_sending_asks_before_sending_again(void **state)
{
	static const char *const names[] = {"gate"};
	emr_cid root;
	scene s;

	(void)state;
	begin(&s, "killed");
	gate_is(true);
	start(&s, 1, names);
	root = save(&s, "first", 0);
	wait_held(&s, &root, 2);
	gate_is(false);
	forget_asked();
	root = save(&s, "second", 1);
	while (asked("dag/import") == 0)
		usleep(1000);
	stop(&s); /* at once, in the middle */
	assert_false(is_kept(&root));
	gate_is(true);
	while (!is_kept(&root)) /* it has taken it all the same, and nobody was told */
		usleep(1000);
	forget_asked();
	start(&s, 1, names);
	wait_held(&s, &root, 2);
	assert_int_equal(asked("pin/ls"), 1);
	assert_int_equal(asked("dag/import"), 0);
	end(&s);
}

static void the_file_can_be_lost_or_torn_and_nothing_is_sent_twice(void **state)
{
	static const char *const names[] = {"gate"};
	emr_cid roots[20];
	scene s;

	(void)state;
	begin(&s, "forgotten");
	gate_is(true);
	start(&s, 1, names);
	for (size_t i = 0; i < 20; i++)
		roots[i] = save(&s, "known", i);
	for (size_t i = 0; i < 20; i++)
		wait_held(&s, &roots[i], 2);
	for (size_t round = 0; round < 3; round++) {
		struct stat st;

		stop(&s);
		forget_asked();
		if (round == 0)
			assert_int_equal(unlinkat(s.state_fd, "copies", 0), 0);
		assert_true(round == 0 || fstatat(s.state_fd, "copies", &st, 0) == 0);
		if (round == 1) {
			char path[600];

			snprintf(path, sizeof path, "%s/copies", s.path);
			assert_int_equal(truncate(path, st.st_size - 10), 0);
		}
		start(&s, 1, names);
		for (size_t i = 0; i < 20; i++)
			wait_held(&s, &roots[i], 2);
		assert_int_equal(asked("dag/import"), 0);
		assert_int_equal(asked("pin/ls"), round == 0 ? 20 : round == 1 ? 1 : 0);
	}
	end(&s);
}

static void without_the_file_a_place_is_asked_for_one_list_of_what_it_has(void **state)
{
	static const char *const names[] = {"gate"};
	emr_cid roots[61];
	scene s;

	(void)state;
	begin(&s, "list");
	gate_is(true);
	for (size_t round = 0; round < 2; round++) {
		forget_asked();
		for (size_t i = 60 * round; i < 60 + round; i++)
			roots[i] = save(&s, "listed", i);
		start(&s, 1, names);
		for (size_t i = 0; i < 60 + round; i++)
			wait_held(&s, &roots[i], 2);
		assert_int_equal(asked("pin/ls?type=recursive&stream=true"), 1);
		/* What is on it is asked for, and only what is not is sent. */
		assert_int_equal(asked("pin/ls?arg="), 60 * round);
		assert_int_equal(asked("dag/stat"), 60 * round);
		assert_true(round == 0 || asked("dag/import") == 1);
		for (size_t i = 0; i < 60 + round; i++)
			assert_true(is_kept(&roots[i]));
		stop(&s);
		assert_int_equal(unlinkat(s.state_fd, "copies", 0), 0);
	}
	end(&s);
}

static void what_is_erased_is_told_until_every_place_lets_go(void **state)
{
	static const char *const names[] = {"gate", "good"};
	emr_cid root, other;
	scene s;

	(void)state;
	begin(&s, "erased");
	gate_is(true);
	start(&s, 2, names);
	root = save(&s, "erased", 0);
	other = save(&s, "stays", 1);
	wait_held(&s, &root, 3);
	wait_held(&s, &other, 3);
	gate_is(false);
	forget_asked();
	erase(&s, &root);
	while (asked("pin/rm") == 0)
		usleep(1000);
	while (look(&s, 1).leaving != 0 || is_kept(&root))
		usleep(1000);
	assert_int_equal(leaving_count(&s), 1); /* `gate` has not said it yet */
	stop(&s);
	assert_int_equal(unlinkat(s.state_fd, "copies", 0), 0); /* nothing hangs on the file */
	gate_is(true);
	start(&s, 2, names);
	while (leaving_count(&s) != 0)
		usleep(1000);
	wait_held(&s, &other, 3);
	assert_false(is_kept(&root));
	assert_true(is_kept(&other));
	end(&s);
}

/* Or it would never have room again. */
static void a_full_place_is_told_what_was_erased_before_it_is_given_more(void **state)
{
	static const char *const names[] = {"fills"};
	emr_cid erased[20], next;
	char path[512];
	scene s;

	(void)state;
	begin(&s, "full");
	start(&s, 1, names);
	for (size_t i = 0; i < 20; i++)
		erased[i] = save(&s, "erased", i);
	for (size_t i = 0; i < 20; i++)
		wait_held(&s, &erased[i], 2);
	make_node_file("full");
	next = save(&s, "next", 0);
	while (look(&s, 0).fault != EMR_IPFS_FULL)
		usleep(1000);
	for (size_t i = 0; i < 20; i++)
		erase(&s, &erased[i]);
	while (leaving_count(&s) != 0)
		usleep(1000);
	for (size_t i = 0; i < 20; i++)
		assert_false(is_kept(&erased[i]));
	assert_int_equal(held(&s, &next), 1);
	assert_int_equal(look(&s, 0).stuck, 0);
	node_file("full", path, sizeof path);
	unlink(path);
	wait_held(&s, &next, 2);
	end(&s);
}

static void what_is_pinned_again_meanwhile_is_not_let_go(void **state)
{
	static const char *const names[] = {"good"};
	emr_cid root;
	scene s;

	(void)state;
	begin(&s, "again");
	root = save(&s, "again", 0);
	assert_ok(emr_buf_append(&s.leaving, &root, sizeof root));
	start(&s, 1, names);
	wait_held(&s, &root, 2);
	emr_publisher_repair(s.publisher);
	emr_publisher_wake(s.publisher);
	wait_held(&s, &root, 2);
	assert_true(is_kept(&root));
	assert_int_equal(look(&s, 0).leaving, 0);
	end(&s);
}

static void a_copy_that_a_place_lost_is_found_out_and_sent_again(void **state)
{
	static const char *const names[] = {"good"};
	emr_ipfs_call call = emr_ipfs_call_of(PATIENCE_MS, -1);
	EMR_AUTO_IPFS good = open_place("good");
	emr_cid root;
	scene s;

	(void)state;
	begin(&s, "lose");
	start(&s, 1, names);
	root = save(&s, "lose", 0);
	wait_held(&s, &root, 2);
	assert_ok(emr_ipfs_let_go(good, &call, &root));
	assert_int_equal(held(&s, &root), 2); /* nobody could know */
	emr_publisher_repair(s.publisher);
	while (!is_kept(&root))
		usleep(1000);
	wait_held(&s, &root, 2);
	end(&s);
}

static void one_record_that_a_place_cannot_say_anything_of_does_not_keep_back_the_others(
	void **state)
{
	static const char *const names[] = {"rotten"};
	emr_cid rotten, rooted, erased[20], others[20];
	scene s;

	(void)state;
	begin(&s, "rotten");
	start(&s, 1, names);
	rotten = save(&s, "rotten", 0);
	rooted = save(&s, "rooted", 0);
	for (size_t i = 0; i < 20; i++)
		erased[i] = save(&s, "erased", i);
	wait_held(&s, &rotten, 2);
	wait_held(&s, &rooted, 2);
	for (size_t i = 0; i < 20; i++)
		wait_held(&s, &erased[i], 2);
	stop(&s);
	assert_int_equal(unlinkat(s.state_fd, "copies", 0), 0); /* each is asked for now */
	for (size_t i = 0; i < 20; i++)
		others[i] = save(&s, "other", i);
	erase(&s, &rooted);
	for (size_t i = 0; i < 20; i++)
		erase(&s, &erased[i]);
	start(&s, 1, names);
	for (size_t i = 0; i < 20; i++)
		wait_held(&s, &others[i], 2);
	while (look(&s, 0).stuck != 1 || look(&s, 0).leaving != 1)
		usleep(1000);
	for (size_t i = 0; i < 20; i++)
		assert_false(is_kept(&erased[i]));
	assert_int_equal(held(&s, &rotten), 1);
	while (leaving_count(&s) > 1) /* noted a moment after the place has said it */
		usleep(1000);
	assert_int_equal(leaving_count(&s), 1); /* it is still to be told */
	end(&s);
}

static void a_lost_copy_is_found_out_behind_a_record_that_the_place_cannot_say_anything_of(
	void **state)
{
	static const char *const names[] = {"rotten"};
	emr_ipfs_call call = emr_ipfs_call_of(PATIENCE_MS, -1);
	EMR_AUTO_IPFS good = open_place("good");
	emr_cid rotten, others[20];
	scene s;

	(void)state;
	begin(&s, "behind");
	start(&s, 1, names);
	rotten = save(&s, "rotten", 0);
	for (size_t i = 0; i < 20; i++)
		others[i] = save(&s, "lost", i);
	wait_held(&s, &rotten, 2);
	for (size_t i = 0; i < 20; i++)
		wait_held(&s, &others[i], 2);
	for (size_t i = 0; i < 20; i++)
		assert_ok(emr_ipfs_let_go(good, &call, &others[i]));
	emr_publisher_repair(s.publisher);
	for (size_t i = 0; i < 20; i++) {
		while (!is_kept(&others[i]))
			usleep(1000);
	}
	wait_held(&s, &rotten, 1); /* nobody says any more that it is there */
	end(&s);
}

/* Its index is gone, and of what it would be made of again the second half is not readable. */
static void damage_store(scene *s)
{
	static const char *const suffixes[] = {"", "-wal", "-shm"};
	const off_t end = (off_t)emr_store_appended(s->store);
	char path[700], name[EMR_SEGMENT_NAME_MAX];
	EMR_AUTO_FD fd = -1;

	emr_store_segment_name(s->store, 1, name);
	snprintf(path, sizeof path, "%s/%s", s->path, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	for (off_t at = end / 2; at < end; at++)
		assert_ok(emr_pwrite_all(fd, "\xff", 1, at));
	for (size_t i = 0; i < 3; i++) {
		snprintf(path, sizeof path, "%s/index.sqlite%s", s->path, suffixes[i]);
		assert_true(unlink(path) == 0 || errno == ENOENT);
	}
}

static void half_a_list_of_what_is_to_be_kept_lets_nothing_go(void **state)
{
	static const char *const names[] = {"gate"};
	emr_pin keep[20];
	emr_cid last;
	scene s;

	(void)state;
	begin(&s, "half");
	gate_is(true);
	forget_asked();
	start(&s, 1, names);
	/* The next look at what is whole here is in a day, and does not meet the damage. */
	emr_publisher_look_here(s.publisher, INT64_C(60000000000));
	for (size_t i = 0; i < 20; i++)
		keep[i] = (emr_pin){
			.root = save(&s, "kept", i), .owner = {{1}}, .state = EMR_PIN_REGISTERED};
	for (size_t i = 0; i < 20; i++)
		wait_held(&s, &keep[i].root, 2);
	assert_ok(emr_store_index_now(s.store));
	damage_store(&s);
	emr_publisher_wake(s.publisher);
	while (!emr_store_pins_incomplete(s.store)) /* who lists the pins has found out */
		usleep(1000);
	assert_ok(emr_store_pins_complete(s.store, keep, 20)); /* as the next opening does */
	last = save(&s, "last", 0);
	wait_held(&s, &last, 2);
	assert_int_equal(asked("pin/rm"), 0);
	for (size_t i = 0; i < 20; i++)
		assert_int_equal(held(&s, &keep[i].root), 2);
	end(&s);
}

/* Those of other numbers have other bytes. */
static emr_cid save_leaves(scene *s, size_t number, size_t leaves)
{
	EMR_AUTO_FREE uint8_t *leaf = calloc(1, LEAF_BYTES);
	EMR_AUTO_BUF node = {0};
	emr_cid root;

	assert_non_null(leaf);
	for (size_t i = 0; i < leaves; i++) {
		const size_t seed = number * 1000 + i;

		memcpy(leaf, &seed, sizeof seed);
		root = put(s, EMR_CODEC_RAW, emr_bytes_of(leaf, LEAF_BYTES));
		assert_ok(emr_dag_pb_write_link(&node, &root, (emr_bytes){0}, LEAF_BYTES));
	}
	assert_ok(emr_dag_pb_write_data(&node, emr_bytes_of("\x08\x01", 2)));
	root = put(s, EMR_CODEC_DAG_PB, emr_buf_view(&node));
	pin(s, &root, false);
	return root;
}

/* A record of 75 MiB. */
static emr_cid save_large(scene *s, size_t number)
{
	return save_leaves(s, number, 300);
}

static void a_record_that_is_too_large_for_one_import_goes_in_pieces(void **state)
{
	static const char *const names[] = {"good"};
	size_t before;
	emr_cid root;
	scene s;

	(void)state;
	begin(&s, "pieces");
	s.first_bytes = (uint64_t)63 << 20;
	root = save_large(&s, 0);
	before = pins_of_good();
	start(&s, 1, names);
	wait_held(&s, &root, 2);
	assert_true(is_kept(&root));
	while (look(&s, 0).leaving != 0)
		usleep(1000);
	assert_int_equal(pins_of_good(), before + 1);
	end(&s);
}

/* Without the file it is asked for first, and that it is not there says nothing of the line. */
static void the_first_record_that_a_near_place_ever_gets_goes_whole(void **state)
{
	static const char *const names[] = {"gate"};
	emr_cid root;
	scene s;

	(void)state;
	begin(&s, "whole");
	gate_is(true);
	forget_asked();
	root = save_leaves(&s, 20, 330);
	start(&s, 1, names);
	wait_held(&s, &root, 2);
	/* Its halves at the same time, below one pin. */
	assert_int_equal(asked("dag/import?pin-roots=true"), 1);
	assert_int_equal(asked("dag/import?pin-roots=false"), 1);
	assert_true(is_kept(&root));
	end(&s);
}

/* The proxy takes 70 MiB; any time is short enough. */
static void a_fast_place_gets_a_record_whole_until_that_is_too_much_for_it(void **state)
{
	static const char *const names[] = {"limited"};
	emr_cid root;
	scene s;

	(void)state;
	begin(&s, "limited");
	forget_asked();
	s.import_ms = UINT32_MAX;
	s.first_bytes = (uint64_t)63 << 20;
	start(&s, 1, names);
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
		assert_int_equal(look(&s, 0).stuck, 0);
	}
	end(&s);
}

static void what_is_on_its_way_is_counted_while_it_is(void **state)
{
	static const char *const names[] = {"gate"};
	emr_cid first, second;
	scene s;

	(void)state;
	begin(&s, "way");
	gate_is(true);
	start(&s, 1, names);
	first = save(&s, "first", 0);
	wait_held(&s, &first, 2);
	assert_int_equal(look(&s, 0).sending_of, 0);
	gate_is(false);
	second = save(&s, "second", 0);
	while (look(&s, 0).sending == 0)
		usleep(1000);
	assert_true(look(&s, 0).sending <= look(&s, 0).sending_of);
	assert_int_equal(held(&s, &second), 1);
	gate_is(true);
	wait_held(&s, &second, 2);
	assert_int_equal(look(&s, 0).sending, 0);
	assert_int_equal(look(&s, 0).sending_of, 0);
	end(&s);
}

/* Until it has asked twice whether they rest, or sent nevertheless. */
static void wait_gave_way(scene *s, const emr_cid *root)
{
	const size_t from = atomic_load(&s->gave_way);

	while (atomic_load(&s->gave_way) < from + 2 && held(s, root) == 1)
		usleep(1000);
	assert_int_equal(held(s, root), 1);
}

static void what_is_sent_gives_way_to_programs_in_the_folder(void **state)
{
	static const char *const names[] = {"good"};
	emr_cid root;
	scene s;

	(void)state;
	begin(&s, "lull");
	s.has_programs = true;
	s.patience_ms = UINT32_MAX;
	atomic_store(&s.are_at_work, true);
	root = save_large(&s, 11);
	start(&s, 1, names);
	wait_gave_way(&s, &root); /* nothing is begun */
	assert_int_equal(look(&s, 0).sending_of, 0);
	atomic_store(&s.are_at_work, false);
	while (look(&s, 0).sending == 0)
		usleep(1000);
	atomic_store(&s.are_at_work, true);
	wait_gave_way(&s, &root); /* nor gone on with */
	atomic_store(&s.are_at_work, false);
	wait_held(&s, &root, 2);
	end(&s);
}

/* What is erased while it is sent is let go of when all of it is there, and not before. */
static void a_place_that_takes_one_import_is_given_several_at_a_time(void **state)
{
	static const char *const names[] = {"gate"};
	emr_cid roots[100], first;
	scene s;

	(void)state;
	begin(&s, "lanes");
	gate_is(true);
	start(&s, 1, names);
	first = save(&s, "first", 0);
	wait_held(&s, &first, 2);
	gate_is(false);
	forget_asked();
	for (size_t i = 0; i < 100; i++)
		roots[i] = save(&s, "lane", i);
	while (asked("dag/import") < 3)
		usleep(1000);
	for (size_t i = 0; i < 100; i++)
		erase(&s, &roots[i]);
	while (look(&s, 0).leaving == 0)
		usleep(1000);
	assert_int_equal(asked("pin/rm"), 0);
	gate_is(true);
	while (leaving_count(&s) != 0)
		usleep(1000);
	for (size_t i = 0; i < 100; i++)
		assert_false(is_kept(&roots[i]));
	assert_int_equal(held(&s, &first), 2);
	end(&s);
}

/* What has no room in one import goes with the next, and in no third one while that is under way:
 * pinning again would take away the pin first. */
static void what_one_of_several_imports_carries_is_in_no_other(void **state)
{
	static const char *const names[] = {"gate"};
	emr_cid roots[7];
	scene s;

	(void)state;
	begin(&s, "once");
	s.has_programs = true;
	s.patience_ms = UINT32_MAX;
	s.first_bytes = 10 * LEAF_BYTES; /* two records of four leaves */
	gate_is(true);
	start(&s, 1, names);
	roots[6] = save(&s, "first", 0);
	wait_held(&s, &roots[6], 2);
	gate_is(false);
	forget_asked();
	atomic_store(&s.are_at_work, true);
	for (size_t i = 0; i < 6; i++)
		roots[i] = save_leaves(&s, 40 + i, 4);
	while (look(&s, 0).records != 7)
		usleep(1000);
	atomic_store(&s.are_at_work, false);
	while (asked("dag/import") < 3)
		usleep(1000);
	make_node_file("one");
	while (look(&s, 0).held != 3)
		usleep(1000);
	roots[6] = save(&s, "last", 0);
	while (asked("dag/import") < 4 && asked("pin/ls") == 0)
		usleep(1000);
	gate_is(true);
	for (size_t i = 0; i < 7; i++)
		wait_held(&s, &roots[i], 2);
	assert_int_equal(asked("pin/ls"), 0);
	assert_int_equal(asked("dag/import"), 4);
	end(&s);
}

/* Behind a slow line, or in a folder that is never open for long, it would begin anew for ever. */
static void an_import_that_was_cut_off_goes_on_in_pieces(void **state)
{
	static const char *const names[] = {"limited"};
	emr_cid root;
	scene s;

	(void)state;
	begin(&s, "cut");
	s.has_programs = true;
	s.patience_ms = UINT32_MAX;
	root = save_large(&s, 12);
	start(&s, 1, names);
	while (look(&s, 0).sending == 0)
		usleep(1000);
	atomic_store(&s.are_at_work, true);
	wait_gave_way(&s, &root);
	stop(&s); /* in the middle; programs that go on working do not hold it up */
	atomic_store(&s.are_at_work, false);
	forget_asked();
	start(&s, 1, names);
	wait_held(&s, &root, 2);
	assert_int_equal(asked("import of "), 2);
	assert_int_equal(asked("too large"), 0);
	end(&s);
}

static void programs_that_never_rest_keep_nothing_back_for_ever(void **state)
{
	static const char *const names[] = {"good"};
	emr_cid root;
	scene s;

	(void)state;
	begin(&s, "noise");
	s.has_programs = true;
	s.patience_ms = 100;
	atomic_store(&s.are_at_work, true);
	root = save(&s, "noise", 0);
	start(&s, 1, names);
	wait_held(&s, &root, 2);
	assert_true(atomic_load(&s.gave_way) > 0);
	end(&s);
}

static void to_stop_waits_for_no_node(void **state)
{
	static const char *const names[] = {"hangs", "endless", "gate"};
	emr_cid root;
	scene s;

	(void)state;
	begin(&s, "stop");
	gate_is(false);
	forget_asked();
	start(&s, 3, names);
	root = save(&s, "stop", 0);
	while (asked("version") == 0)
		usleep(1000);
	assert_int_equal(held(&s, &root), 1);
	end(&s);
	gate_is(true);
}

static void without_places_there_is_one_copy(void **state)
{
	emr_cid root;
	scene s;

	(void)state;
	begin(&s, "none");
	start(&s, 0, NULL);
	root = save(&s, "alone", 0);
	assert_int_equal(held(&s, &root), 1);
	assert_int_equal(faccessat(s.state_fd, "copies", F_OK, 0), -1);
	end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_registered_reaches_every_place_in_batches),
		cmocka_unit_test(what_is_not_registered_is_nobodys),
		cmocka_unit_test(a_place_that_is_away_holds_up_nobody_and_gets_all_when_it_comes),
		cmocka_unit_test(places_that_fail_or_lie_never_count),
		cmocka_unit_test(one_record_that_a_place_refuses_does_not_keep_back_the_others),
		cmocka_unit_test(a_record_that_is_not_whole_here_does_not_keep_back_the_others),
		cmocka_unit_test(a_record_that_is_not_whole_here_counts_where_it_is),
		cmocka_unit_test(who_was_killed_while_sending_asks_before_sending_again),
		cmocka_unit_test(the_file_can_be_lost_or_torn_and_nothing_is_sent_twice),
		cmocka_unit_test(without_the_file_a_place_is_asked_for_one_list_of_what_it_has),
		cmocka_unit_test(what_is_erased_is_told_until_every_place_lets_go),
		cmocka_unit_test(a_full_place_is_told_what_was_erased_before_it_is_given_more),
		cmocka_unit_test(what_is_pinned_again_meanwhile_is_not_let_go),
		cmocka_unit_test(a_copy_that_a_place_lost_is_found_out_and_sent_again),
		cmocka_unit_test(
			one_record_that_a_place_cannot_say_anything_of_does_not_keep_back_the_others),
		cmocka_unit_test(
			a_lost_copy_is_found_out_behind_a_record_that_the_place_cannot_say_anything_of),
		cmocka_unit_test(half_a_list_of_what_is_to_be_kept_lets_nothing_go),
		cmocka_unit_test(a_record_that_is_too_large_for_one_import_goes_in_pieces),
		cmocka_unit_test(the_first_record_that_a_near_place_ever_gets_goes_whole),
		cmocka_unit_test(a_fast_place_gets_a_record_whole_until_that_is_too_much_for_it),
		cmocka_unit_test(what_is_on_its_way_is_counted_while_it_is),
		cmocka_unit_test(what_is_sent_gives_way_to_programs_in_the_folder),
		cmocka_unit_test(a_place_that_takes_one_import_is_given_several_at_a_time),
		cmocka_unit_test(what_one_of_several_imports_carries_is_in_no_other),
		cmocka_unit_test(an_import_that_was_cut_off_goes_on_in_pieces),
		cmocka_unit_test(programs_that_never_rest_keep_nothing_back_for_ever),
		cmocka_unit_test(to_stop_waits_for_no_node),
		cmocka_unit_test(without_places_there_is_one_copy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
