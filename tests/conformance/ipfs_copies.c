/* These tests use several nodes as one: the node that a block comes from, and which caller is told
 * and when (against the nodes of tests/support/fake_node.py). */
#include <pthread.h>

#include "fake_nodes.h"
#include "ipfs/copies.h"
#include "store/dag_pb.h"
#include "store/unixfs.h"

/* ---- Blocks that `good` has ---- */

typedef struct one_block {
	char text[64];
	emr_block block;
} one_block;

static void name_block(one_block *b, const char *text)
{
	snprintf(b->text, sizeof b->text, "%s of %d", text, (int)getpid());
	b->block.data = emr_bytes_of(b->text, strlen(b->text));
	b->block.cid = emr_cid_of_block(EMR_CODEC_RAW, b->block.data);
}

static void make_block(one_block *b, const char *text)
{
	name_block(b, text);
	give_good(&b->block.cid, &b->block, 1);
}

/* ---- Who is told ---- */

typedef struct told {
	pthread_mutex_t lock;
	pthread_cond_t news;
	size_t count;
	emr_copies_answer last;
	char bytes[64];
	/* For one who asks for another block when he is told. */
	emr_copies *copies;
	const emr_cid *next;
} told;

static void tell(void *arg, const emr_copies_answer *answer)
{
	told *t = arg;
	const emr_cid *next;

	pthread_mutex_lock(&t->lock);
	t->last = *answer;
	snprintf(t->bytes, sizeof t->bytes, "%.*s", (int)answer->block.len,
		answer->block.len > 0 ? (const char *)answer->block.data : "");
	t->last.block = (emr_bytes){0};
	t->count++;
	next = t->next;
	t->next = NULL;
	pthread_cond_broadcast(&t->news);
	pthread_mutex_unlock(&t->lock);
	if (next != NULL)
		assert_ok(emr_copies_fetch(t->copies, next, tell, t));
}

static void begin_told(told *t)
{
	*t = (told){.lock = PTHREAD_MUTEX_INITIALIZER, .news = PTHREAD_COND_INITIALIZER};
}

static void wait_for(told *t, size_t count)
{
	pthread_mutex_lock(&t->lock);
	while (t->count < count)
		pthread_cond_wait(&t->news, &t->lock);
	pthread_mutex_unlock(&t->lock);
}

/* ---- Scenes ---- */

typedef struct scene {
	emr_ipfs *nodes[4];
	size_t count;
	uint32_t late_ms; /* 0: 400 */
	uint32_t next_ms; /* 0: no node is asked while one before it says nothing yet */
	bool (*is_here)(void *scene, const emr_cid *cid);
	size_t looks; /* of is_here */
	emr_copies *copies;
	told told;
} scene;

/* Nodes by the names of their sockets; "NAME/" is a gateway. */
static void begin_for(
	scene *s, uint32_t fetch_ms, uint32_t want_ms, size_t count, const char *const *names)
{
	emr_copies_options options = {.nodes = s->nodes,
		.node_count = count,
		.fetch_ms = fetch_ms,
		.want_ms = want_ms,
		.late_ms = s->late_ms != 0 ? s->late_ms : 400,
		.is_here = s->is_here,
		.here_arg = s,
		.search_ms = s->next_ms != 0 ? PATIENCE_MS : 0,
		.next_ms = s->next_ms != 0 ? s->next_ms : PATIENCE_MS};

	s->count = count;
	for (size_t i = 0; i < count; i++) {
		size_t len = strlen(names[i]);
		bool is_gateway = names[i][len - 1] == '/';

		s->nodes[i] = open_node(printed("%.*s", (int)(len - is_gateway), names[i]),
			is_gateway ? EMR_IPFS_GATEWAY : EMR_IPFS_KUBO);
	}
	begin_told(&s->told);
	assert_ok(emr_copies_open(&options, &s->copies));
	s->told.copies = s->copies;
}

static void begin(scene *s, uint32_t fetch_ms, size_t count, const char *const *names)
{
	begin_for(s, fetch_ms, PATIENCE_MS, count, names);
}

static void end(scene *s)
{
	emr_copies_close(s->copies);
	for (size_t i = 0; i < s->count; i++)
		emr_ipfs_close(s->nodes[i]);
}

static void fetch_count(scene *s, const emr_cid *cid, size_t count)
{
	assert_ok(emr_copies_fetch(s->copies, cid, tell, &s->told));
	wait_for(&s->told, count);
}

static void fetch_one(scene *s, const emr_cid *cid)
{
	fetch_count(s, cid, 1);
}

TEST(a_block_comes_from_the_first_node_that_has_it)
{
	one_block b;
	AUTO(end) scene s = {0};

	make_block(&b, "first");
	begin(&s, PATIENCE_MS, 3, NODES("lacks", "good/", "good"));
	fetch_one(&s, &b.block.cid);
	assert_status(EMR_OK, s.told.last.status);
	assert_int_equal(s.told.last.node, 1);
	assert_string_equal(s.told.bytes, b.text);
}

TEST(nodes_that_lie_or_hang_are_passed_over)
{
	one_block b;
	AUTO(end) scene s = {0};

	make_block(&b, "honest");
	begin(&s, 5000, 4, NODES("wrong-bytes", "hangs", "nothing-is-here", "good"));
	fetch_one(&s, &b.block.cid);
	assert_status(EMR_OK, s.told.last.status);
	assert_int_equal(s.told.last.node, 3);
}

TEST(what_nobody_has_is_told_from_what_nobody_could_say)
{
	static const char *const nobody[] = {"lacks", "good/"};
	static const char *const unsaid[] = {"lacks", "error", "lacks"};
	static const char *const lied[] = {"wrong-bytes", "error", "nothing-is-here", "three-mib"};
	one_block b;
	scene s = {0};

	name_block(&b, "nowhere");
	begin(&s, PATIENCE_MS, 2, nobody);
	fetch_one(&s, &b.block.cid);
	assert_status(EMR_NOT_FOUND, s.told.last.status);
	assert_int_equal(s.told.last.node, 2);
	end(&s);
	begin(&s, PATIENCE_MS, 3, unsaid);
	fetch_one(&s, &b.block.cid);
	assert_status(EMR_IO, s.told.last.status);
	assert_int_equal(s.told.last.fault, EMR_IPFS_ERROR);
	assert_int_equal(s.told.last.node, 1);
	end(&s);
	begin(&s, PATIENCE_MS, 4, lied); /* who could not say may have it, whoever lied before */
	fetch_one(&s, &b.block.cid);
	assert_status(EMR_IO, s.told.last.status);
	assert_int_equal(s.told.last.node, 1);
	end(&s);
}

/* ---- One request for many, and none for nobody ---- */

TEST(a_block_that_is_on_its_way_is_asked_for_once_and_all_are_told)
{
	one_block b;
	AUTO(end) scene s = {0};

	make_block(&b, "popular");
	gate_is(false);
	begin(&s, PATIENCE_MS, 1, NODES("gate"));
	for (size_t i = 0; i < 5; i++)
		assert_ok(emr_copies_fetch(s.copies, &b.block.cid, tell, &s.told));
	UNTIL(asked_of(&b.block.cid) != 0);
	assert_ok(emr_copies_fetch(s.copies, &b.block.cid, tell, &s.told));
	gate_is(true);
	wait_for(&s.told, 6);
	assert_int_equal(asked_of(&b.block.cid), 1);
	assert_status(EMR_OK, s.told.last.status);
}

TEST(to_close_tells_everybody_and_waits_for_no_node)
{
	one_block blocks[12];
	scene s = {0};

	begin(&s, PATIENCE_MS, 1, NODES("hangs"));
	for (size_t i = 0; i < 12; i++) {
		name_block(&blocks[i], printed("number %zu", i));
		assert_ok(emr_copies_fetch(s.copies, &blocks[i].block.cid, tell, &s.told));
	}
	end(&s);
	assert_int_equal(s.told.count, 12);
	assert_status(EMR_INTERRUPTED, s.told.last.status);
}

TEST(who_is_told_may_ask_again_also_for_the_same)
{
	one_block b;
	scene s = {0};

	name_block(&b, "again");
	begin(&s, PATIENCE_MS, 1, NODES("lacks"));
	s.told.next = &b.block.cid;
	fetch_one(&s, &b.block.cid);
	wait_for(&s.told, 2);
	assert_status(EMR_NOT_FOUND, s.told.last.status);
	end(&s);
	assert_int_equal(s.told.count, 2);
}

TEST(what_a_node_has_just_lacked_one_of_is_sought_at_once)
{
	one_block b[5];
	scene s = {0};

	for (size_t i = 0; i < 5; i++) {
		char text[16];

		snprintf(text, sizeof text, "seek %zu", i);
		make_block(&b[i], text);
	}
	begin(&s, PATIENCE_MS, 1, NODES("seeks"));
	for (size_t i = 0; i < 3; i++) {
		fetch_count(&s, &b[i].block.cid, i + 1);
		assert_ok(s.told.last.status);
		assert_string_equal(b[i].text, s.told.bytes);
		assert_int_equal(asked_of(&b[i].block.cid), i == 0 ? 2 : 1);
	}
	end(&s);
	begin(&s, PATIENCE_MS, 2,
		NODES("seeks", "good/")); /* which is asked first: nobody else sees what it has */
	for (size_t i = 3; i < 5; i++) {
		fetch_count(&s, &b[i].block.cid, i - 2);
		assert_int_equal(s.told.last.node, 1);
	}
	end(&s);
}

/* ---- Several leaves at a time ---- */

#define LEAVES 6
#define LEAF 1000 /* the last one has half of it */

typedef struct leafy {
	uint8_t bytes[LEAVES * LEAF];
	emr_unixfs_run run; /* all of them */
	emr_buf root;
	emr_block blocks[LEAVES + 1];
} leafy;

static void free_leaves(leafy *f)
{
	emr_buf_free(&f->root);
}

/* Leaves that no other run of this program has, below a root of their own. */
static void name_leaves(leafy *f, const char *text)
{
	*f = (leafy){.run = {.count = LEAVES, .leaf_bytes = LEAF, .last_bytes = LEAF / 2}};
	for (size_t i = 0; i < LEAVES; i++) {
		uint8_t *leaf = f->bytes + i * LEAF;
		emr_bytes bytes = emr_bytes_of(leaf, emr_unixfs_run_bytes(&f->run, i));

		snprintf((char *)leaf, LEAF, "leaf %zu %s of %d", i, text, (int)getpid());
		f->run.leaves[i] = emr_cid_of_block(EMR_CODEC_RAW, bytes);
		f->blocks[i] = (emr_block){.cid = f->run.leaves[i], .data = bytes};
		assert_ok(emr_dag_pb_write_link(
			&f->root, &f->run.leaves[i], (emr_bytes){0}, bytes.len));
	}
	assert_ok(emr_dag_pb_write_data(&f->root, emr_bytes_of("\x08\x02", 2)));
	f->run.root = emr_cid_of_block(EMR_CODEC_DAG_PB, emr_buf_view(&f->root));
	f->blocks[LEAVES] = (emr_block){.cid = f->run.root, .data = emr_buf_view(&f->root)};
}

static void make_leaves(leafy *f, const char *text)
{
	name_leaves(f, text);
	give_good(&f->run.root, f->blocks, LEAVES + 1);
}

/* The caller that waits for one of them. */
typedef struct one_leaf {
	told *told;
	const emr_block *block;
	size_t count, wrong;
	emr_status status;
} one_leaf;

static void tell_leaf(void *arg, const emr_copies_answer *answer)
{
	one_leaf *one = arg;

	one->count++;
	one->status = answer->status;
	one->wrong += answer->status == EMR_OK && !emr_bytes_equal(answer->block, one->block->data);
	tell(one->told, answer);
}

static void ask_for_leaves(scene *s, leafy *f, one_leaf *ones)
{
	void *args[LEAVES];

	for (size_t i = 0; i < LEAVES; i++) {
		ones[i] = (one_leaf){.told = &s->told, .block = &f->blocks[i]};
		args[i] = &ones[i];
	}
	assert_int_equal(emr_copies_fetch_run(s->copies, &f->run, tell_leaf, args), LEAVES);
}

static void assert_all_came(const one_leaf *ones)
{
	for (size_t i = 0; i < LEAVES; i++) {
		assert_int_equal(ones[i].count, 1);
		assert_status(EMR_OK, ones[i].status);
		assert_int_equal(ones[i].wrong, 0);
	}
}

static void bring_leaves(scene *s, leafy *f)
{
	one_leaf ones[LEAVES];

	ask_for_leaves(s, f, ones);
	wait_for(&s->told, LEAVES);
	assert_all_came(ones);
}

TEST(leaves_of_one_file_come_in_one_request)
{
	AUTO(end) scene s = {0};
	AUTO(free_leaves) leafy f;

	make_leaves(&f, "in one request");
	begin(&s, PATIENCE_MS, 1, NODES("window"));
	bring_leaves(&s, &f);
	assert_int_equal(asked_of(&f.run.root), 1);
	for (size_t i = 0; i < LEAVES; i++)
		assert_int_equal(asked_of(&f.run.leaves[i]), 0);
}

/* How many of the first leaves each node gives before it breaks its promise. */
TEST(what_is_right_of_several_leaves_is_kept_and_the_rest_asked_for_one_by_one)
{
	static const struct {
		const char *name;
		size_t right;
	} nodes[] = {{"window-short", 1}, {"window-cut", 1}, {"window-error", 1},
		{"window-long", LEAVES}, {"window-wrong", 1}, {"window-still", 1},
		{"window-endless", 1}, {"window-refused", 0}};

	for (size_t p = 0; p < sizeof nodes / sizeof *nodes; p++) {
		one_leaf ones[LEAVES];
		scene s = {0};
		leafy f, again;

		make_leaves(&f, nodes[p].name);
		begin(&s, 600, 1, &nodes[p].name);
		bring_leaves(&s, &f);
		assert_int_equal(asked_of(&f.run.root), 1);
		for (size_t i = 0; i < LEAVES; i++)
			assert_int_equal(asked_of(&f.run.leaves[i]), i < nodes[p].right ? 0 : 1);
		/* For a while it is asked for no more than one at a time. */
		make_leaves(&again, nodes[p].name + 1); /* other ones */
		ask_for_leaves(&s, &again, ones);
		wait_for(&s.told, 2 * LEAVES);
		assert_all_came(ones);
		if (nodes[p].right < LEAVES) /* or they were all there before it was heard */
			assert_int_equal(asked_of(&again.run.root), 0);
		end(&s);
		emr_buf_free(&f.root);
		emr_buf_free(&again.root);
	}
}

TEST(leaves_that_a_node_lacks_are_sought_at_others_side_by_side)
{
	AUTO(end) scene s = {0};
	AUTO(free_leaves) leafy f;

	make_leaves(&f, "at others");
	begin(&s, PATIENCE_MS, 1, NODES("seeks"));
	bring_leaves(&s, &f);
	assert_int_equal(asked_of(&f.run.root), 1);
	for (size_t i = 0; i < LEAVES; i++)
		assert_int_equal(asked_of(&f.run.leaves[i]), 1);
}

TEST(leaves_come_from_the_node_that_has_them_also_if_it_is_a_gateway)
{
	static const char *const second[] = {"lacks", "window"}, *const gateway[] = {
									 "lacks", "good/"};
	leafy f, other;
	scene s = {0};

	make_leaves(&f, "from the second");
	begin(&s, PATIENCE_MS, 2, second);
	bring_leaves(&s, &f);
	assert_int_equal(asked_of(&f.run.root), 1);
	end(&s);
	make_leaves(&other, "from a gateway");
	begin(&s, PATIENCE_MS, 2, gateway);
	bring_leaves(&s, &other);
	end(&s);
	emr_buf_free(&f.root);
	emr_buf_free(&other.root);
}

TEST(leaves_that_are_on_their_way_are_not_asked_for_again)
{
	static const char *const names[] = {"gate"};
	one_leaf ones[LEAVES];
	scene s = {0};
	leafy f;

	make_leaves(&f, "on their way");
	gate_is(false);
	begin(&s, PATIENCE_MS, 1, names);
	ask_for_leaves(&s, &f, ones);
	UNTIL(asked_of(&f.run.root) != 0);
	assert_ok(emr_copies_fetch(s.copies, &f.run.leaves[3], tell, &s.told));
	gate_is(true);
	wait_for(&s.told, LEAVES + 1);
	assert_all_came(ones);
	assert_int_equal(asked_of(&f.run.leaves[3]), 0);
	end(&s);
	/* Nor is one that was asked for by itself. */
	emr_buf_free(&f.root);
	make_leaves(&f, "one by itself");
	gate_is(false);
	begin(&s, PATIENCE_MS, 1, names);
	assert_ok(emr_copies_fetch(s.copies, &f.run.leaves[3], tell, &s.told));
	UNTIL(asked_of(&f.run.leaves[3]) != 0);
	ask_for_leaves(&s, &f, ones);
	UNTIL(asked_of(&f.run.root) >= 2); /* those before it, and those behind it */
	gate_is(true);
	wait_for(&s.told, LEAVES + 1);
	assert_all_came(ones);
	assert_int_equal(asked_of(&f.run.leaves[3]), 1);
	end(&s);
	emr_buf_free(&f.root);
}

TEST(to_close_ends_a_request_for_leaves_at_once)
{
	static const char *const names[] = {"window-still"};
	one_leaf ones[LEAVES];
	scene s = {0};
	AUTO(free_leaves) leafy f;

	make_leaves(&f, "closed");
	begin_for(&s, PATIENCE_MS, PATIENCE_MS, 1, names);
	ask_for_leaves(&s, &f, ones);
	wait_for(&s.told, 1);
	end(&s);
	assert_int_equal(s.told.count, LEAVES);
	for (size_t i = 1; i < LEAVES; i++)
		assert_status(EMR_INTERRUPTED, ones[i].status);
}

/* Each file is one request; what a person waits for still has a line to the node. */
TEST(requests_for_leaves_leave_half_of_a_node_to_who_waits_for_one)
{
	static leafy f[EMR_COPIES_THREADS + 1];
	one_leaf ones[EMR_COPIES_THREADS + 1][LEAVES];
	size_t asked = 0;
	one_block b;
	AUTO(end) scene s = {0};

	make_block(&b, "beside leaves");
	gate_is(false);
	begin(&s, PATIENCE_MS, 1, NODES("gate"));
	for (size_t i = 0; i <= EMR_COPIES_THREADS; i++) {
		make_leaves(&f[i], printed("file %zu", i));
		ask_for_leaves(&s, &f[i], ones[i]);
	}
	assert_ok(emr_copies_fetch(s.copies, &b.block.cid, tell, &s.told));
	UNTIL(asked_of(&b.block.cid) != 0);
	for (size_t i = 0; i <= EMR_COPIES_THREADS; i++)
		asked += asked_of(&f[i].run.root);
	assert_true(asked <= EMR_COPIES_THREADS / 2);
	gate_is(true);
	wait_for(&s.told, (EMR_COPIES_THREADS + 1) * LEAVES + 1);
	for (size_t i = 0; i <= EMR_COPIES_THREADS; i++) {
		assert_all_came(ones[i]);
		emr_buf_free(&f[i].root);
	}
}

TEST(where_a_node_has_enough_requests_for_leaves_the_next_one_is_asked)
{
	static leafy f[EMR_COPIES_THREADS / 2 + 1];
	one_leaf ones[EMR_COPIES_THREADS / 2 + 1][LEAVES];
	const size_t last = EMR_COPIES_THREADS / 2;
	scene s = {.late_ms = PATIENCE_MS};

	gate_is(false);
	/* No leaf is late: the request at the gate has all its time. */
	begin(&s, PATIENCE_MS, 2, NODES("gate", "window"));
	for (size_t i = 0; i <= last; i++) {
		make_leaves(&f[i], printed("one of many %zu", i));
		ask_for_leaves(&s, &f[i], ones[i]);
		if (i < last) {
			UNTIL(asked_of(&f[i].run.root) != 0);
		}
	}
	wait_for(&s.told, LEAVES);
	assert_all_came(ones[last]);
	assert_int_equal(s.told.last.node, 1);
	gate_is(true);
	wait_for(&s.told, (last + 1) * LEAVES);
	end(&s);
	for (size_t i = 0; i <= last; i++)
		emr_buf_free(&f[i].root);
}

/* Leaf after leaf in its time, and all of them long after another would have given them. */
TEST(a_node_that_gives_leaves_slowly_is_overtaken_by_the_next)
{
	static const char *const names[] = {"window-slow", "good"};
	scene s = {.next_ms = 20};
	leafy f;

	make_leaves(&f, "slowly");
	begin(&s, PATIENCE_MS, 2, names);
	bring_leaves(&s, &f);
	assert_int_equal(asked_of(&f.run.root), 1);
	assert_int_equal(s.told.last.node, 1);
	end(&s);
	/* One that has nobody beside it goes on at its pace. */
	emr_buf_free(&f.root);
	make_leaves(&f, "slowly and alone");
	begin(&s, PATIENCE_MS, 1, names);
	bring_leaves(&s, &f);
	assert_int_equal(asked_of(&f.run.leaves[LEAVES - 1]), 0);
	end(&s);
	emr_buf_free(&f.root);
}

/* ---- A node that gives no answer ---- */

TEST(a_node_that_gave_no_answer_is_asked_after_the_others)
{
	one_block first, second;
	AUTO(end) scene s = {0};

	make_block(&first, "waited for");
	make_block(&second, "not waited for");
	gate_is(false);
	begin(&s, 5000, 2, NODES("gate", "good"));
	fetch_one(&s, &first.block.cid);
	assert_int_equal(asked_of(&first.block.cid), 1);
	fetch_count(&s, &second.block.cid, 2);
	assert_status(EMR_OK, s.told.last.status);
	assert_int_equal(s.told.last.node, 1);
	assert_int_equal(asked_of(&second.block.cid), 0);
	gate_is(true);
}

TEST(who_stood_in_the_queue_for_too_long_is_told_and_costs_no_node_anything)
{
	static const char *const names[] = {"gate"};
	one_block blocks[EMR_COPIES_THREADS + 1];
	AUTO(end) scene s = {0};

	gate_is(false);
	begin_for(&s, 3000, 1000, 1, names);
	for (size_t i = 0; i <= EMR_COPIES_THREADS; i++) {
		name_block(&blocks[i], printed("queued %zu", i));
		assert_ok(emr_copies_fetch(s.copies, &blocks[i].block.cid, tell, &s.told));
	}
	wait_for(&s.told, EMR_COPIES_THREADS + 1);
	assert_status(EMR_TIMEOUT, s.told.last.status);
	assert_int_equal(asked_of(&blocks[0].block.cid), 1);
	assert_int_equal(asked_of(&blocks[EMR_COPIES_THREADS].block.cid), 0);
	gate_is(true);
}

TEST(a_node_whose_answer_came_late_makes_no_other_late)
{
	one_block first, second;
	AUTO(end) scene s = {0};

	make_block(&first, "half a second and more");
	make_block(&second, "none of it");
	begin(&s, PATIENCE_MS, 2, NODES("slow", "good"));
	fetch_one(&s, &first.block.cid);
	assert_int_equal(s.told.last.node, 0);
	fetch_count(&s, &second.block.cid, 2);
	assert_status(EMR_OK, s.told.last.status);
	assert_int_equal(s.told.last.node, 1);
}

TEST(a_node_that_hangs_has_its_time_again_after_the_others)
{
	one_block b;
	AUTO(end) scene s = {0};

	make_block(&b, "comes when the gate opens");
	gate_is(false);
	begin(&s, PATIENCE_MS, 2, NODES("gate", "lacks"));
	assert_ok(emr_copies_fetch(s.copies, &b.block.cid, tell, &s.told));
	UNTIL(asked_of(&b.block.cid) >= 2);
	gate_is(true);
	wait_for(&s.told, 1);
	assert_status(EMR_OK, s.told.last.status);
	assert_int_equal(s.told.last.node, 0);
}

static size_t told_count(told *t)
{
	size_t count;

	pthread_mutex_lock(&t->lock);
	count = t->count;
	pthread_mutex_unlock(&t->lock);
	return count;
}

/* Not only the first one that gave no block, whatever that one said. */
TEST(a_node_behind_one_that_fails_has_its_time_again_too)
{
	one_block b;
	AUTO(end) scene s = {0};

	make_block(&b, "comes at the second time");
	gate_is(false);
	begin(&s, PATIENCE_MS, 2, NODES("error/", "gate/"));
	assert_ok(emr_copies_fetch(s.copies, &b.block.cid, tell, &s.told));
	UNTIL(asked_of(&b.block.cid) >= 2 || told_count(&s.told) != 0);
	gate_is(true);
	wait_for(&s.told, 1);
	assert_status(EMR_OK, s.told.last.status);
	assert_int_equal(s.told.last.node, 1);
}

TEST(a_node_that_says_nothing_keeps_nobody_from_the_next)
{
	one_block b[EMR_COPIES_THREADS];
	AUTO(end) scene s = {.next_ms = 20};

	gate_is(false);
	for (size_t i = 0; i < EMR_COPIES_THREADS; i++) {
		make_block(&b[i], printed("behind a closed gate %zu", i));
	}
	/* Nobody gives up either: every block comes by the third meanwhile. */
	begin(&s, PATIENCE_MS, 3, NODES("gate", "gate/", "good"));
	for (size_t i = 0; i < EMR_COPIES_THREADS; i++)
		assert_ok(emr_copies_fetch(s.copies, &b[i].block.cid, tell, &s.told));
	wait_for(&s.told, EMR_COPIES_THREADS);
	assert_status(EMR_OK, s.told.last.status);
	assert_int_equal(s.told.last.node, 2);
	gate_is(true);
}

TEST(a_node_that_was_overtaken_is_asked_after_the_one_that_was_faster)
{
	one_block first, second;
	AUTO(end) scene s = {.next_ms = 20};

	make_block(&first, "overtaken");
	make_block(&second, "from the faster one");
	gate_is(false);
	begin(&s, PATIENCE_MS, 2, NODES("gate", "good"));
	fetch_one(&s, &first.block.cid);
	assert_int_equal(s.told.last.node, 1);
	gate_is(true); /* as fast as the other now, and asked after it all the same */
	fetch_count(&s, &second.block.cid, 2);
	assert_int_equal(s.told.last.node, 1);
}

static bool is_here_at_the_second_look(void *scene_of, const emr_cid *cid)
{
	scene *s = scene_of;

	(void)cid;
	return __atomic_add_fetch(&s->looks, 1, __ATOMIC_RELAXED) == 2;
}

/* Nobody was faster than the node that is asked. */
TEST(what_came_for_somebody_else_makes_no_node_late)
{
	one_block first, second;
	AUTO(end) scene s = {.next_ms = 2000, .is_here = is_here_at_the_second_look};

	make_block(&first, "for somebody else");
	make_block(&second, "from who was not late");
	gate_is(false);
	begin(&s, PATIENCE_MS, 2, NODES("gate", "seeks"));
	fetch_one(&s, &first.block.cid);
	assert_ok(s.told.last.status);
	assert_int_equal(s.told.last.node, 2); /* of nobody */
	gate_is(true);
	fetch_count(&s, &second.block.cid, 2);
	assert_int_equal(s.told.last.node, 0);
	assert_int_equal(asked_of(&second.block.cid), 1); /* of the first node alone */
}

TESTS(NULL, NULL)
