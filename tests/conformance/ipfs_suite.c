/* These tests check what the client of IPFS nodes promises, against whatever node ipfs_node.sh
 * has started: a live Kubo, and one that is written for tests, so that what the latter shows
 * elsewhere is worth something. EMR_NODE_RPC, EMR_NODE_GATEWAY: addresses; EMR_NODE_TOKEN: what
 * the node wants, if anything; EMR_NODE_BLOCKS: where the node keeps its blocks. */
#include "emr_test.h"

#include <signal.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>

#include "ipfs/node.h"
#include "node_collect.h"
#include "store/dag_pb.h"
#include "store/unixfs.h"

#define PATIENCE_MS 600000
#define LEAF EMR_UNIXFS_HOLE_BYTES
#define BLOCKS_MAX 600

/* Blocks in the order in which they are sent; every test has bytes of its own. */
typedef struct tree {
	emr_block blocks[BLOCKS_MAX];
	size_t count, at;
	emr_cid roots[BLOCKS_MAX];
	size_t root_count;
	emr_cid leaves[4];
	size_t leaf_count;
	size_t repeats; /* how many more times they are sent */
	int wake_fd;	/* written to when the second block is asked for; 0: none */
} tree;

typedef struct fixture {
	emr_ipfs *kubo, *gateway;
	tree *tree;
} fixture;

static uint64_t seed;

static emr_ipfs *open_node(emr_ipfs_kind kind, const char *variable)
{
	emr_ipfs_options options = {.kind = kind,
		.address = getenv(variable),
		.token = getenv("EMR_NODE_TOKEN"),
		.version = "0.1.0"};
	emr_ipfs *node = NULL;

	assert_non_null(options.address);
	assert_ok(emr_ipfs_open(&options, &node, NULL));
	return node;
}

static int setup(void **state)
{
	fixture *f = calloc(1, sizeof *f);

	f->tree = calloc(1, sizeof *f->tree);
	f->kubo = open_node(EMR_IPFS_KUBO, "EMR_NODE_RPC");
	f->gateway = open_node(EMR_IPFS_GATEWAY, "EMR_NODE_GATEWAY");
	*state = f;
	return 0;
}

static void drop_block(tree *t, size_t i)
{
	const void *data = t->blocks[i].data.data;

	free((void *)(uintptr_t)data);
	t->blocks[i] = t->blocks[--t->count];
}

static void empty(tree *t)
{
	while (t->count > 0)
		drop_block(t, t->count - 1);
	*t = (tree){0};
}

static int teardown(void **state)
{
	EMR_AUTO_FREE fixture *f = *state;

	empty(f->tree);
	free(f->tree);
	emr_ipfs_close(f->kubo);
	emr_ipfs_close(f->gateway);
	return 0;
}

/* ---- Trees ---- */

static void add(tree *t, emr_codec codec, emr_bytes data)
{
	uint8_t *copy = malloc(data.len + 1);

	assert_true(t->count < BLOCKS_MAX);
	memcpy(copy, data.data, data.len);
	t->blocks[t->count].data = emr_bytes_of(copy, data.len);
	t->blocks[t->count++].cid = emr_cid_of_block(codec, data);
}

/* LEN bytes that no other block of any run has. */
static void add_raw(tree *t, size_t len)
{
	EMR_AUTO_FREE uint8_t *data = malloc(len);
	uint64_t x = seed += 0x9e3779b97f4a7c15;

	for (size_t i = 0; i < len; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		data[i] = (uint8_t)x;
	}
	add(t, EMR_CODEC_RAW, emr_bytes_of(data, len));
}

static void add_root(tree *t)
{
	t->roots[t->root_count++] = t->blocks[t->count - 1].cid;
}

static emr_status keep_node(void *arg, const emr_cid *cid, emr_bytes block)
{
	(void)cid;
	add(arg, EMR_CODEC_DAG_PB, block);
	return EMR_OK;
}

/* A file of two whole leaves and a short one, its root the last block. */
static void add_file(tree *t)
{
	EMR_AUTO_UNIXFS_BUILDER builder = NULL;
	emr_unixfs_link root;

	assert_ok(emr_unixfs_builder_new(keep_node, t, &builder));
	for (size_t i = 0; i < 3; i++) {
		emr_unixfs_link link;
		size_t len = i < 2 ? LEAF : 1000;

		add_raw(t, len);
		link = (emr_unixfs_link){
			.cid = t->blocks[t->count - 1].cid, .file_bytes = len, .tsize = len};
		t->leaves[t->leaf_count++] = link.cid;
		assert_ok(emr_unixfs_builder_add(builder, &link));
	}
	assert_ok(emr_unixfs_builder_finish(builder, &root));
	add_root(t);
	assert_true(emr_cid_equal(&root.cid, &t->roots[0]));
}

static emr_status next_block(void *arg, bool *out_more, emr_block *out_block)
{
	tree *t = arg;

	*out_more = t->at < t->count * (1 + t->repeats);
	if (*out_more)
		*out_block = t->blocks[t->at++ % t->count];
	if (t->at == 2 && t->wake_fd > 0)
		assert_int_equal(eventfd_write(t->wake_fd, 1), 0);
	return EMR_OK;
}

static emr_status push(emr_ipfs *node, emr_ipfs_call *call, tree *t)
{
	emr_ipfs_parcel parcel = {
		.roots = t->roots, .root_count = t->root_count, .next = next_block, .arg = t};

	t->at = 0;
	return emr_ipfs_push(node, call, &parcel);
}

/* 24 leaves of 1 MiB below one node, the last block. */
static void add_large(tree *t)
{
	EMR_AUTO_BUF node = {0};

	for (size_t i = 0; i < 24; i++) {
		add_raw(t, 1 << 20);
		assert_ok(emr_dag_pb_write_link(
			&node, &t->blocks[t->count - 1].cid, (emr_bytes){0}, 1 << 20));
	}
	assert_ok(emr_dag_pb_write_data(&node, emr_bytes_of("\x08\x01", 2)));
	add(t, EMR_CODEC_DAG_PB, emr_buf_view(&node));
	add_root(t);
}

static emr_ipfs_holding holding_of(emr_ipfs *node, const emr_cid *root)
{
	emr_ipfs_call call = emr_ipfs_call_of(PATIENCE_MS, -1);
	emr_ipfs_holding holding = {0};

	assert_ok(emr_ipfs_holds(node, &call, root, &holding));
	assert_int_equal(call.fault, EMR_IPFS_FINE);
	return holding;
}

static void assert_fault(const emr_ipfs_call *call, emr_ipfs_fault wanted)
{
	if (call->fault != wanted)
		print_message("said: %s\n", call->said);
	assert_string_equal(emr_ipfs_fault_name(call->fault), emr_ipfs_fault_name(wanted));
}

/* ---- What is promised ---- */

TEST_IN(setup, teardown, a_node_says_its_version)
{
	fixture *f = *state;
	emr_ipfs_call call = emr_ipfs_call_of(PATIENCE_MS, -1);
	char version[EMR_IPFS_VERSION_BYTES];

	assert_ok(emr_ipfs_version(f->kubo, &call, version));
	assert_string_equal(version, "0.43.1");
	assert_ok(emr_ipfs_version(f->gateway, &call, version));
	assert_string_equal(version, "");
}

TEST_IN(setup, teardown, what_is_pushed_is_held_whole_and_comes_back)
{
	fixture *f = *state;
	emr_ipfs_call call = emr_ipfs_call_of(PATIENCE_MS, -1);
	emr_ipfs_holding holding;

	add_file(f->tree);
	assert_false(holding_of(f->kubo, &f->tree->roots[0]).is_pinned);
	assert_ok(push(f->kubo, &call, f->tree));
	holding = holding_of(f->kubo, &f->tree->roots[0]);
	assert_true(holding.is_pinned && holding.is_whole);
	assert_int_equal(holding.blocks, 4);
	for (size_t i = 0; i < f->tree->count; i++) {
		EMR_AUTO_BUF one = {0}, other = {0};

		assert_ok(emr_ipfs_block(f->kubo, &call, &f->tree->blocks[i].cid, false, &one));
		assert_ok(
			emr_ipfs_block(f->gateway, &call, &f->tree->blocks[i].cid, false, &other));
		assert_true(emr_bytes_equal(emr_buf_view(&one), f->tree->blocks[i].data));
		assert_true(emr_bytes_equal(emr_buf_view(&other), f->tree->blocks[i].data));
	}
}

static emr_status take_leaf(void *arg, size_t leaf, emr_buf *block)
{
	tree *t = arg;

	assert_int_equal(leaf, t->at);
	assert_true(emr_cid_verify(&t->leaves[1 + t->at++], emr_buf_view(block)) == EMR_OK);
	return EMR_OK;
}

/* The last two of three. */
TEST_IN(setup, teardown, leaves_of_a_file_come_in_one_request)
{
	fixture *f = *state;
	emr_ipfs_call call = emr_ipfs_call_of(PATIENCE_MS, -1);
	emr_unixfs_run run = {.at = LEAF, .count = 2, .leaf_bytes = LEAF, .last_bytes = 1000};
	emr_ipfs_window window = {.run = &run, .take = take_leaf, .arg = f->tree};

	add_file(f->tree);
	run.root = f->tree->roots[0];
	memcpy(run.leaves, f->tree->leaves + 1, 2 * sizeof *run.leaves);
	assert_int_equal(emr_ipfs_read_window(f->kubo, &call, &window), EMR_NOT_FOUND);
	assert_fault(&call, EMR_IPFS_MISSING);
	assert_ok(push(f->kubo, &call, f->tree));
	f->tree->at = 0;
	assert_ok(emr_ipfs_read_window(f->kubo, &call, &window));
	assert_int_equal(f->tree->at, 2);
	assert_int_equal(emr_ipfs_read_window(f->gateway, &call, &window), EMR_UNSUPPORTED);
}

TEST_IN(setup, teardown, five_hundred_roots_go_at_once_and_not_one_more)
{
	fixture *f = *state;
	emr_ipfs_call call = emr_ipfs_call_of(PATIENCE_MS, -1);

	for (size_t i = 0; i < EMR_IPFS_ROOTS_MAX; i++) {
		add_raw(f->tree, 100);
		add_root(f->tree);
	}
	assert_ok(push(f->kubo, &call, f->tree));
	assert_true(holding_of(f->kubo, &f->tree->roots[0]).is_whole);
	assert_true(holding_of(f->kubo, &f->tree->roots[499]).is_whole);
	add_raw(f->tree, 100);
	add_root(f->tree);
	assert_status(EMR_LIMIT, push(f->kubo, &call, f->tree));
	assert_false(holding_of(f->kubo, &f->tree->roots[500]).is_pinned);
}

TEST_IN(setup, teardown, one_root_twice_is_refused_before_anything_is_sent)
{
	fixture *f = *state;
	emr_ipfs_call call = emr_ipfs_call_of(PATIENCE_MS, -1);

	add_raw(f->tree, 100);
	add_root(f->tree);
	add_root(f->tree);
	assert_status(EMR_INVALID, push(f->kubo, &call, f->tree));
	assert_int_equal(f->tree->at, 0);
}

TEST_IN(setup, teardown, blocks_up_to_two_mib_go_and_larger_ones_are_not_sent)
{
	fixture *f = *state;
	emr_ipfs_call call = emr_ipfs_call_of(PATIENCE_MS, -1);
	EMR_AUTO_BUF back = {0};

	add_raw(f->tree, EMR_BLOCK_MAX);
	add_root(f->tree);
	assert_ok(push(f->kubo, &call, f->tree));
	assert_ok(emr_ipfs_block(f->kubo, &call, &f->tree->roots[0], false, &back));
	assert_int_equal(back.len, EMR_BLOCK_MAX);
	empty(f->tree);
	add_raw(f->tree, 3 << 20);
	add_root(f->tree);
	assert_status(EMR_LIMIT, push(f->kubo, &call, f->tree));
	assert_fault(&call, EMR_IPFS_TOO_LARGE);
	assert_false(holding_of(f->kubo, &f->tree->roots[0]).is_pinned);
}

TEST_IN(setup, teardown, more_than_512_mib_are_not_sent_at_once)
{
	fixture *f = *state;
	emr_ipfs_call call = emr_ipfs_call_of(PATIENCE_MS, -1);

	add_raw(f->tree, EMR_BLOCK_MAX);
	add_root(f->tree);
	f->tree->repeats = 256;
	assert_status(EMR_LIMIT, push(f->kubo, &call, f->tree));
	assert_int_equal(f->tree->at, 256); /* a head each makes the last one too much */
	assert_fault(&call, EMR_IPFS_TOO_LARGE);
	assert_false(holding_of(f->kubo, &f->tree->roots[0]).is_pinned);
}

TEST_IN(setup, teardown, a_block_with_another_hash_is_refused_and_nothing_is_kept)
{
	fixture *f = *state;
	emr_ipfs_call call = emr_ipfs_call_of(PATIENCE_MS, -1);

	add_file(f->tree);
	f->tree->blocks[1].cid = f->tree->blocks[0].cid;
	assert_status(EMR_DAMAGED, push(f->kubo, &call, f->tree));
	assert_fault(&call, EMR_IPFS_BAD_CAR);
	assert_false(holding_of(f->kubo, &f->tree->roots[0]).is_pinned);
}

TEST_IN(setup, teardown, a_tree_without_one_of_its_leaves_is_not_taken_for_kept)
{
	fixture *f = *state;
	emr_ipfs_call call = emr_ipfs_call_of(5000, -1);
	emr_status status;

	add_file(f->tree);
	drop_block(f->tree, 1);
	status = push(f->kubo, &call, f->tree);
	assert_true(status == EMR_MISSING_DATA || status == EMR_TIMEOUT);
	assert_true(call.fault == EMR_IPFS_NOT_KEPT || call.fault == EMR_IPFS_SLOW);
	assert_false(holding_of(f->kubo, &f->tree->roots[0]).is_pinned);
}

TEST_IN(setup, teardown, what_nobody_has_is_missing_and_not_an_error)
{
	fixture *f = *state;
	emr_ipfs_call call = emr_ipfs_call_of(PATIENCE_MS, -1);
	EMR_AUTO_BUF back = {0};

	add_raw(f->tree, 100);
	add_root(f->tree);
	assert_status(
		EMR_NOT_FOUND, emr_ipfs_block(f->kubo, &call, &f->tree->roots[0], false, &back));
	assert_fault(&call, EMR_IPFS_MISSING);
	assert_status(
		EMR_NOT_FOUND, emr_ipfs_block(f->gateway, &call, &f->tree->roots[0], false, &back));
	assert_fault(&call, EMR_IPFS_MISSING);
	assert_int_equal(back.len, 0);
	assert_false(holding_of(f->kubo, &f->tree->roots[0]).is_pinned);
	if (getenv("EMR_NODE_BLOCKS") == NULL) /* a node of ours asks nobody */
		return;
	call.timeout_ms = 500; /* asked online, it is waited for */
	assert_status(EMR_TIMEOUT, emr_ipfs_block(f->kubo, &call, &f->tree->roots[0], true, &back));
	assert_fault(&call, EMR_IPFS_SLOW);
}

TEST_IN(setup, teardown, what_is_let_go_is_not_held_and_may_be_let_go_again)
{
	fixture *f = *state;
	emr_ipfs_call call = emr_ipfs_call_of(PATIENCE_MS, -1);

	add_file(f->tree);
	assert_ok(push(f->kubo, &call, f->tree));
	for (size_t i = 0; i < 2; i++) {
		assert_ok(emr_ipfs_let_go(f->kubo, &call, &f->tree->roots[0]));
		assert_int_equal(call.fault, EMR_IPFS_FINE);
		assert_false(holding_of(f->kubo, &f->tree->roots[0]).is_pinned);
	}
}

typedef struct pin_look {
	emr_cid wanted;
	size_t found;
} pin_look;

static emr_status look_at_pin(void *arg, const emr_cid *root)
{
	pin_look *look = arg;

	look->found += emr_cid_equal(root, &look->wanted);
	return EMR_OK;
}

TEST_IN(setup, teardown, every_pin_is_listed_once)
{
	fixture *f = *state;
	emr_ipfs_call call = emr_ipfs_call_of(PATIENCE_MS, -1);
	pin_look look = {0};

	add_file(f->tree);
	assert_ok(push(f->kubo, &call, f->tree));
	look.wanted = f->tree->roots[0];
	assert_ok(emr_ipfs_each_pin(f->kubo, &call, look_at_pin, &look));
	assert_int_equal(look.found, 1);
	assert_ok(emr_ipfs_let_go(f->kubo, &call, &f->tree->roots[0]));
	look.found = 0;
	assert_ok(emr_ipfs_each_pin(f->kubo, &call, look_at_pin, &look));
	assert_int_equal(look.found, 0);
}

/* Where flatfs keeps it: upper-case base32 of the multihash. */
static void block_path(const emr_cid *cid, char *out, size_t size)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
	char name[64];
	uint32_t bits = 0;
	size_t n = 0, have = 0;

	for (size_t i = 2; i < EMR_CID_BYTES; i++) {
		bits = bits << 8 | cid->b[i];
		for (have += 8; have >= 5; have -= 5)
			name[n++] = digits[bits >> (have - 5) & 31];
	}
	if (have > 0)
		name[n++] = digits[bits << (5 - have) & 31];
	name[n] = '\0';
	snprintf(out, size, "%s/%.2s/%s.data", getenv("EMR_NODE_BLOCKS"), name + n - 3, name);
}

TEST_IN(setup, teardown, a_root_whose_leaf_was_lost_is_not_held_though_it_is_pinned)
{
	fixture *f = *state;
	emr_ipfs_call call = emr_ipfs_call_of(PATIENCE_MS, -1);
	emr_ipfs_holding holding;
	char path[4096];

	if (getenv("EMR_NODE_BLOCKS") == NULL) /* its store has no file for each block */
		skip();
	add_file(f->tree);
	assert_ok(push(f->kubo, &call, f->tree));
	assert_true(holding_of(f->kubo, &f->tree->roots[0]).is_whole);
	block_path(&f->tree->leaves[1], path, sizeof path);
	assert_int_equal(unlink(path), 0);
	holding = holding_of(f->kubo, &f->tree->roots[0]);
	assert_true(holding.is_pinned);
	assert_false(holding.is_whole);
}

TEST_IN(setup, teardown, a_push_ends_in_the_middle_when_the_caller_gives_up)
{
	fixture *f = *state;
	int wake = eventfd(0, EFD_CLOEXEC);
	emr_ipfs_call call = emr_ipfs_call_of(PATIENCE_MS, wake);

	for (size_t i = 0; i < 30; i++)
		add_raw(f->tree, EMR_BLOCK_MAX);
	add_root(f->tree);
	f->tree->wake_fd = wake;
	assert_status(EMR_INTERRUPTED, push(f->kubo, &call, f->tree));
	assert_fault(&call, EMR_IPFS_CANCELLED);
	assert_true(f->tree->at < 30);
	close(wake);
	assert_false(holding_of(f->kubo, &f->tree->roots[0]).is_pinned);
}

TEST_IN(setup, teardown, a_call_that_waits_ends_when_the_caller_gives_up)
{
	fixture *f = *state;
	struct itimerspec soon = {.it_value = {.tv_nsec = 200000000}};
	EMR_AUTO_FD timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	emr_ipfs_call call = emr_ipfs_call_of(PATIENCE_MS, timer);
	EMR_AUTO_BUF back = {0};

	if (getenv("EMR_NODE_BLOCKS") == NULL) /* a node of ours asks nobody, so nobody waits */
		skip();
	add_raw(f->tree, 100);
	add_root(f->tree);
	assert_int_equal(timerfd_settime(timer, 0, &soon, NULL), 0);
	assert_status(
		EMR_INTERRUPTED, emr_ipfs_block(f->kubo, &call, &f->tree->roots[0], true, &back));
	assert_fault(&call, EMR_IPFS_CANCELLED);
}

static emr_status fails_at_once(void *arg, bool *out_more, emr_block *out_block)
{
	tree *t = arg;
	emr_status status = next_block(arg, out_more, out_block);

	return t->at == 3 ? EMR_MISSING_DATA : status;
}

TEST_IN(setup, teardown, a_failure_of_who_gives_the_blocks_is_his_and_nothing_is_kept)
{
	fixture *f = *state;
	emr_ipfs_call call = emr_ipfs_call_of(PATIENCE_MS, -1);
	emr_ipfs_parcel parcel = {.next = fails_at_once, .arg = f->tree};

	add_file(f->tree);
	parcel.roots = f->tree->roots;
	parcel.root_count = 1;
	assert_status(EMR_MISSING_DATA, emr_ipfs_push(f->kubo, &call, &parcel));
	assert_fault(&call, EMR_IPFS_HERE);
	assert_false(holding_of(f->kubo, &f->tree->roots[0]).is_pinned);
}

/* It goes as two imports, which matters to nobody. */
TEST_IN(setup, teardown, a_large_tree_that_was_pushed_is_pinned_and_whole)
{
	fixture *f = *state;
	emr_ipfs_call call = emr_ipfs_call_of(PATIENCE_MS, -1);
	emr_ipfs_parcel parcel = {
		.root_count = 1, .next = next_block, .arg = f->tree, .bytes = (uint64_t)100 << 20};
	emr_ipfs_holding holding;

	add_large(f->tree);
	parcel.roots = f->tree->roots;
	assert_ok(emr_ipfs_push(f->kubo, &call, &parcel));
	holding = holding_of(f->kubo, &f->tree->roots[0]);
	assert_true(holding.is_pinned && holding.is_whole);
	assert_int_equal(holding.blocks, 25);
}

typedef struct asker {
	pthread_t thread;
	fixture *f;
	size_t fine;
} asker;

static void *ask_often(void *arg)
{
	asker *a = arg;

	for (size_t i = 0; i < 40; i++) {
		emr_ipfs_call call = emr_ipfs_call_of(PATIENCE_MS, -1);
		const emr_block *block = &a->f->tree->blocks[i % 4];
		emr_ipfs *node = i % 8 < 4 ? a->f->kubo : a->f->gateway;
		EMR_AUTO_BUF out = {0};

		a->fine += emr_ipfs_block(node, &call, &block->cid, false, &out) == EMR_OK &&
			   emr_bytes_equal(emr_buf_view(&out), block->data);
	}
	return NULL;
}

TEST_IN(setup, teardown, eight_threads_ask_at_once_and_each_gets_its_own_answer)
{
	fixture *f = *state;
	emr_ipfs_call call = emr_ipfs_call_of(PATIENCE_MS, -1);
	asker askers[8];

	add_file(f->tree);
	assert_ok(push(f->kubo, &call, f->tree));
	for (size_t i = 0; i < 8; i++) {
		askers[i] = (asker){.f = f};
		assert_int_equal(pthread_create(&askers[i].thread, NULL, ask_often, &askers[i]), 0);
	}
	for (size_t i = 0; i < 8; i++) {
		pthread_join(askers[i].thread, NULL);
		assert_int_equal(askers[i].fine, 40);
	}
}

TEST_IN(setup, teardown, a_gateway_only_reads)
{
	fixture *f = *state;
	emr_ipfs_call call = emr_ipfs_call_of(PATIENCE_MS, -1);
	emr_ipfs_holding holding;

	add_file(f->tree);
	assert_status(EMR_UNSUPPORTED, push(f->gateway, &call, f->tree));
	assert_status(
		EMR_UNSUPPORTED, emr_ipfs_holds(f->gateway, &call, &f->tree->roots[0], &holding));
	assert_status(EMR_UNSUPPORTED, emr_ipfs_let_go(f->gateway, &call, &f->tree->roots[0]));
}

/* ---- What the node does in the middle of two imports ---- */

#define IN_THE_MIDDLE 18 /* of the blocks of a large tree: both imports run */

typedef struct middle {
	tree *t;
	void (*deed)(struct middle *m);
	pthread_t collection;
} middle;

static emr_status next_or_deed(void *arg, bool *out_more, emr_block *out_block)
{
	middle *m = arg;

	if (m->t->at == IN_THE_MIDDLE)
		m->deed(m);
	return next_block(m->t, out_more, out_block);
}

static emr_status push_with_deed(emr_ipfs *node, emr_ipfs_call *call, middle *m)
{
	emr_ipfs_parcel parcel = {.roots = m->t->roots,
		.root_count = 1,
		.next = next_or_deed,
		.arg = m,
		.bytes = (uint64_t)100 << 20};

	m->t->at = 0;
	return emr_ipfs_push(node, call, &parcel);
}

static void assert_held_with_all_blocks(emr_ipfs *node, const emr_cid *root)
{
	emr_ipfs_holding holding = holding_of(node, root);

	assert_true(holding.is_pinned && holding.is_whole);
	assert_int_equal(holding.blocks, 25);
}

static void have_it_collect(middle *m)
{
	m->collection = node_collect_beside();
}

/* A token for emrfs lets nobody collect, and a node of ours collects by itself. */
TEST_IN(setup, teardown, a_collection_beside_a_large_push_takes_nothing_of_it)
{
	fixture *f = *state;
	emr_ipfs_call call = emr_ipfs_call_of(PATIENCE_MS, -1);
	middle m = {.t = f->tree, .deed = have_it_collect};

	if (getenv("EMR_NODE_TOKEN") != NULL || getenv("EMR_NODE_BLOCKS") == NULL)
		skip();
	add_large(f->tree);
	assert_ok(push_with_deed(f->kubo, &call, &m));
	assert_int_equal(pthread_join(m.collection, NULL), 0);
	assert_held_with_all_blocks(f->kubo, &f->tree->roots[0]);
	(void)node_collect(false);
	assert_held_with_all_blocks(f->kubo, &f->tree->roots[0]);
}

static void kill_it(middle *m)
{
	FILE *file = fopen(getenv("EMR_NODE_PROCESS"), "re");
	int pid = 0;

	(void)m;
	assert_non_null(file);
	assert_int_equal(fscanf(file, "%d", &pid), 1);
	fclose(file);
	assert_true(pid > 1);
	assert_int_equal(kill(pid, SIGKILL), 0);
}

static void start_it_again(void)
{
	pid_t child = fork();
	int status = -1;

	if (child == 0) {
		execl("/bin/bash", "bash", getenv("EMR_NODE_NETWORK"), "up",
			getenv("EMR_NODE_NET_DIR"), (char *)NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

/* A live one. */
TEST_IN(setup, teardown,
	a_node_that_is_killed_in_a_large_push_holds_nothing_of_it_until_it_is_given_again)
{
	fixture *f = *state;
	emr_ipfs_call call = emr_ipfs_call_of(PATIENCE_MS, -1);
	middle m = {.t = f->tree, .deed = kill_it};

	if (getenv("EMR_NODE_NETWORK") == NULL)
		skip();
	add_large(f->tree);
	assert_int_not_equal(push_with_deed(f->kubo, &call, &m), EMR_OK);
	/* The second may not have reached it yet. */
	assert_true(call.fault == EMR_IPFS_BROKEN_OFF || call.fault == EMR_IPFS_NO_ANSWER);
	start_it_again();
	assert_false(holding_of(f->kubo, &f->tree->roots[0]).is_pinned);
	(void)node_collect(false);
	assert_ok(push(f->kubo, &call, f->tree));
	assert_held_with_all_blocks(f->kubo, &f->tree->roots[0]);
}

int main(void)
{
	seed = (uint64_t)getpid() << 32 | (uint64_t)time(NULL);
	return emr_tests_run(NULL, NULL);
}
