/* These tests are about blocks that are brought from nodes for a caller who misses them: the
 * caller's answer and its time, that nothing is believed, and that nobody is held up (against the
 * nodes of tests/support/fake_node.py). */
#include "fake_nodes.h"
#include "store_kit.h"

#include <pthread.h>

#include "fetch/fetch.h"
#include "store/dag_pb.h"

typedef struct scene {
	kit *store;
	emr_ipfs *node;
	emr_fetcher *fetcher;
	emr_block_store *blocks;
	pthread_mutex_t lock;
	pthread_cond_t news;
	size_t told;
	emr_status last;
} scene;

static void begin_with(scene *s, const char *name, uint32_t fetch_ms, emr_block_cache *cache)
{
	emr_fetcher_options all = {.cache = cache,
		.nodes = &s->node,
		.node_count = 1,
		.clock = emr_clock_system(),
		.fetch_ms = fetch_ms};

	*s = (scene){.lock = PTHREAD_MUTEX_INITIALIZER, .news = PTHREAD_COND_INITIALIZER};
	kit_setup((void **)&s->store);
	s->node = open_node(name, EMR_IPFS_KUBO);
	all.store = emr_store_blocks(s->store->store);
	assert_ok(emr_fetcher_open(&all, &s->fetcher));
	s->blocks = emr_fetcher_blocks(s->fetcher);
}

static void begin(scene *s, const char *name, uint32_t fetch_ms)
{
	begin_with(s, name, fetch_ms, NULL);
}

static void end(scene *s)
{
	emr_fetcher_close(s->fetcher);
	emr_ipfs_close(s->node);
	kit_teardown((void **)&s->store);
}

static void tell(void *arg, emr_status status)
{
	scene *s = arg;

	pthread_mutex_lock(&s->lock);
	s->told++;
	s->last = status;
	pthread_cond_broadcast(&s->news);
	pthread_mutex_unlock(&s->lock);
}

static emr_status await(scene *s, size_t count)
{
	emr_status last;

	pthread_mutex_lock(&s->lock);
	while (s->told < count)
		pthread_cond_wait(&s->news, &s->lock);
	last = s->last;
	pthread_mutex_unlock(&s->lock);
	return last;
}

/* It comes, as the COUNTth answer. */
static void bring(scene *s, const emr_cid *cid, size_t count)
{
	assert_ok(emr_fetcher_bring(s->fetcher, cid, tell, s));
	assert_ok(await(s, count));
}

/* A block of `good`. */
static emr_block give_node(uint32_t seed)
{
	emr_block block = kit_block((uint32_t)getpid() * 512 + seed, 5000);

	give_good(&block.cid, &block, 1);
	return block;
}

static bool is_home(scene *s, const emr_cid *cid)
{
	return emr_block_store_has(emr_store_blocks(s->store->store), cid);
}

static emr_status read_block(scene *s, const emr_cid *cid)
{
	EMR_AUTO_BUF out = {0};
	emr_cid missed;
	emr_status status;

	emr_fetcher_begin(s->fetcher);
	status = emr_block_store_get_verified(s->blocks, cid, &out);
	assert_int_equal(emr_fetcher_missed(s->fetcher, &missed), status == EMR_NOT_FOUND);
	if (status == EMR_NOT_FOUND)
		assert_true(emr_cid_equal(&missed, cid));
	return status;
}

TEST(what_is_missing_is_named_brought_and_there_then)
{
	AUTO(kit_block_free) emr_block block = give_node(1);

	SCENE_OF(scene, s, end, begin, "good", PATIENCE_MS);
	assert_status(EMR_NOT_FOUND, read_block(&s, &block.cid));
	bring(&s, &block.cid, 1);
	assert_ok(read_block(&s, &block.cid));
}

static emr_block_cache *open_cache(const char *name, bool is_held)
{
	const emr_block_cache_options options = {.path = node_file(name),
		.max_bytes = 1 << 20,
		.max_days = 1,
		.is_held = is_held,
		.clock = emr_clock_system()};
	emr_block_cache *cache = NULL;

	assert_ok(emr_block_cache_open(&options, &cache));
	return cache;
}

/* The caller that had it brought needs neither the cache's file nor another hash; a later caller
 * does, and a changed file is not believed. */
TEST(what_came_just_now_is_read_from_memory_once)
{
	AUTO(kit_block_free) emr_block block = give_node(8);
	char file[700];
	emr_block_cache *cache = NULL;
	scene s;

	cache = open_cache("once", false);
	begin_with(&s, "good", PATIENCE_MS, cache);
	bring(&s, &block.cid, 1);
	snprintf(file, sizeof file, "%s/", node_file("once"));
	emr_hex(emr_cid_digest(&block.cid), 32, file + strlen(file));
	assert_int_equal(truncate(file, 100), 0);
	assert_ok(read_block(&s, &block.cid));
	assert_status(EMR_NOT_FOUND, read_block(&s, &block.cid));
	bring(&s, &block.cid, 2);
	emr_fetcher_forget(s.fetcher, INT64_MAX);
	assert_status(EMR_NOT_FOUND, read_block(&s, &block.cid));
	end(&s);
	emr_block_cache_close(cache);
}

/* Its node and its leaf lie in the cache alone. */
TEST(the_last_copy_of_an_own_leaf_goes_home_and_is_not_forgotten)
{
	AUTO(kit_block_free) emr_block leaf = give_node(20);
	EMR_AUTO_BUF bytes = {0};
	emr_block_cache *cache = NULL;
	emr_block node;
	scene s;

	assert_ok(emr_dag_pb_write_link(&bytes, &leaf.cid, (emr_bytes){0}, leaf.data.len));
	assert_ok(emr_dag_pb_write_data(&bytes, emr_bytes_of("\x08\x01", 2)));
	node = (emr_block){.cid = emr_cid_of_block(EMR_CODEC_DAG_PB, emr_buf_view(&bytes)),
		.data = emr_buf_view(&bytes)};
	cache = open_cache("last", true);
	begin_with(&s, "good", PATIENCE_MS, cache);
	assert_ok(emr_block_cache_put(cache, &node.cid, node.data));
	bring(&s, &leaf.cid, 1);
	emr_fetcher_forget(s.fetcher, INT64_MAX);
	assert_ok(emr_fetcher_save(s.fetcher, &node.cid));
	emr_fetcher_looked(s.fetcher);
	assert_int_equal(emr_block_cache_bytes(cache), 0);
	assert_ok(read_block(&s, &leaf.cid));
	assert_true(is_home(&s, &leaf.cid));
	assert_true(is_home(&s, &node.cid));
	end(&s);
	emr_block_cache_close(cache);
}

TEST(who_may_wait_gets_it_from_the_store_itself)
{
	AUTO(kit_block_free) emr_block block = give_node(2);
	EMR_AUTO_BUF out = {0};

	SCENE_OF(scene, s, end, begin, "good", PATIENCE_MS);
	emr_fetcher_wait_begin(s.fetcher, false);
	assert_ok(emr_block_store_get_verified(s.blocks, &block.cid, &out));
	assert_int_equal(emr_fetcher_wait_end(s.fetcher).bytes, 5000);
	assert_int_equal(out.len, 5000);
	assert_false(is_home(&s, &block.cid));
	emr_buf_clear(&out);
	emr_fetcher_wait_begin(s.fetcher, true);
	assert_ok(emr_block_store_get_verified(s.blocks, &block.cid, &out));
	assert_int_equal(emr_fetcher_wait_end(s.fetcher).bytes, 0);
	assert_true(is_home(&s, &block.cid));
}

TEST(a_bad_block_of_ones_own_is_brought_whole)
{
	AUTO(kit_block_free) emr_block block = give_node(3);
	EMR_AUTO_BUF out = {0};
	emr_store_position at;
	char file[512];
	emr_cid missed;
	int fd;

	SCENE_OF(scene, s, end, begin, "good", PATIENCE_MS);
	assert_ok(emr_block_store_put(s.blocks, &block, 1));
	assert_ok(emr_store_locate(s.store->store, &block.cid, &at));
	kit_file(s.store, "seg-1", file);
	fd = open(file, O_WRONLY | O_CLOEXEC);
	assert_int_equal(pwrite(fd, "bad", 3, (off_t)at.offset + 100), 3);
	close(fd);
	emr_fetcher_begin(s.fetcher);
	assert_status(EMR_DAMAGED, emr_block_store_get_verified(s.blocks, &block.cid, &out));
	assert_true(emr_fetcher_missed(s.fetcher, &missed));
	bring(&s, &missed, 1);
	assert_ok(emr_block_store_get_verified(s.blocks, &block.cid, &out));
	assert_memory_equal(out.data, block.data.data, 5000);
	emr_fetcher_wait_begin(s.fetcher, true);
	emr_buf_clear(&out);
	assert_ok(emr_block_store_get_verified(s.blocks, &block.cid, &out));
	(void)emr_fetcher_wait_end(s.fetcher);
	kit_has(s.store, (uint32_t)getpid() * 512 + 3, 5000);
}

/* The behaviour of a node, and the answer to a caller that waits. */
TEST(each_node_that_does_not_give_it_is_told_by_its_reason)
{
	static const struct {
		const char *name;
		emr_status status;
	} nodes[] = {{"lacks", EMR_MISSING_DATA}, {"wrong-bytes", EMR_MISSING_DATA},
		{"three-mib", EMR_MISSING_DATA}, {"endless", EMR_MISSING_DATA},
		{"html", EMR_MISSING_DATA}, {"error", EMR_OFFLINE}, {"short", EMR_OFFLINE},
		{"hangs-up", EMR_OFFLINE}, {"token", EMR_OFFLINE}, {"not-allowed", EMR_OFFLINE},
		{"busy", EMR_OFFLINE}, {"conflict", EMR_OFFLINE}, {"nothing-is-here", EMR_OFFLINE},
		{"unavailable", EMR_OFFLINE}, {"hangs", EMR_TIMEOUT}};
	AUTO(kit_block_free) emr_block block = kit_block(77, 5000);

	for (size_t i = 0; i < sizeof nodes / sizeof *nodes; i++) {
		scene s;

		begin(&s, nodes[i].name, strcmp(nodes[i].name, "hangs") == 0 ? 300 : PATIENCE_MS);
		assert_status(EMR_NOT_FOUND, read_block(&s, &block.cid));
		assert_ok(emr_fetcher_bring(s.fetcher, &block.cid, tell, &s));
		assert_status(nodes[i].status, await(&s, 1));
		assert_status(EMR_NOT_FOUND, read_block(&s, &block.cid));
		/* The same answer at once, for a moment. */
		assert_status(nodes[i].status, emr_fetcher_bring(s.fetcher, &block.cid, tell, &s));
		assert_int_equal(s.told, 1);
		end(&s);
	}
}

TEST(to_stop_tells_everybody_and_nothing_is_begun_after_it)
{
	emr_unixfs_run run = {.count = 8, .leaf_bytes = 50, .last_bytes = 50};
	emr_block blocks[8];
	scene s;

	begin(&s, "hangs", PATIENCE_MS);
	for (uint32_t i = 0; i < 8; i++) {
		blocks[i] = kit_block(100 + i, 50);
		run.leaves[i] = blocks[i].cid;
		assert_ok(emr_fetcher_bring(s.fetcher, &blocks[i].cid, tell, &s));
		assert_ok(emr_fetcher_bring(s.fetcher, &blocks[i].cid, tell, &s)); /* told once */
	}
	emr_fetcher_bring_ahead(s.fetcher, &run, 0);
	emr_fetcher_stop(s.fetcher);
	assert_int_equal(s.told, 8);
	assert_status(EMR_INTERRUPTED, s.last);
	assert_status(EMR_INTERRUPTED, emr_fetcher_bring(s.fetcher, &blocks[0].cid, tell, &s));
	emr_fetcher_stop(s.fetcher);
	end(&s);
	for (size_t i = 0; i < 8; i++)
		kit_block_free(&blocks[i]);
}

TEST(what_is_brought_ahead_is_there_when_it_is_wanted)
{
	AUTO(kit_block_free) emr_block block = give_node(4);
	const emr_unixfs_run run = {.root = block.cid,
		.leaves = {block.cid},
		.count = 1,
		.leaf_bytes = 5000,
		.last_bytes = 5000};

	SCENE_OF(scene, s, end, begin, "leaves", PATIENCE_MS);
	emr_fetcher_bring_ahead(s.fetcher, &run, 0);
	emr_fetcher_bring_ahead(s.fetcher, &run, 0);
	UNTIL(read_block(&s, &block.cid) == EMR_OK);
	assert_int_equal(asked_of(&block.cid), 1);
}

/* A caller that missed it a moment before it came asks all the same. */
TEST(what_came_for_somebody_else_is_not_asked_for_again)
{
	AUTO(kit_block_free) emr_block block = give_node(7);

	SCENE_OF(scene, s, end, begin, "leaves", PATIENCE_MS);
	bring(&s, &block.cid, 1);
	bring(&s, &block.cid, 2);
	assert_ok(read_block(&s, &block.cid));
	assert_int_equal(asked_of(&block.cid), 1);
}

TEST(who_waits_is_not_kept_from_what_a_node_has_by_what_it_searches)
{
	AUTO(kit_block_free) emr_block block = give_node(5), nowhere = kit_block(78, 5000);
	EMR_AUTO_BUF out = {0};

	SCENE_OF(scene, s, end, begin, "good", 5000);
	emr_fetcher_wait_begin(s.fetcher, false);
	assert_status(EMR_NOT_FOUND, emr_block_store_get_verified(s.blocks, &nowhere.cid, &out));
	assert_status(EMR_MISSING_DATA,
		emr_fetcher_bring(s.fetcher, &nowhere.cid, tell, &s)); /* just now */
	assert_ok(emr_block_store_get_verified(s.blocks, &block.cid, &out));
	assert_int_equal(emr_fetcher_wait_end(s.fetcher).blocks, 1);
}

TEST(what_was_brought_before_is_taken_home)
{
	AUTO(kit_block_free) emr_block block = give_node(6), other = kit_block(79, 5000);

	SCENE_OF(scene, s, end, begin, "good", PATIENCE_MS);
	bring(&s, &block.cid, 1);
	assert_false(is_home(&s, &block.cid));
	assert_int_equal(emr_fetcher_take_home(s.fetcher, &block.cid), EMR_OK);
	assert_int_equal(emr_fetcher_take_home(s.fetcher, &other.cid), EMR_NOT_FOUND);
	assert_true(is_home(&s, &block.cid));
}

TEST(many_are_waited_for_together_and_go_home)
{
	const emr_fetch_patience patience = {.quiet_ns = (int64_t)PATIENCE_MS * 1000000,
		.all_ns = (int64_t)PATIENCE_MS * 1000000};
	emr_block blocks[40];
	emr_cid cids[41];
	size_t came = 0;
	AUTO(end) scene s;

	for (uint32_t i = 0; i < 40; i++) {
		blocks[i] = give_node(200 + i);
		cids[i] = blocks[i].cid;
	}
	begin(&s, "good", PATIENCE_MS);
	cids[40] = cids[39]; /* two trees may lack the same */
	assert_true(emr_fetcher_bring_together(s.fetcher, cids, 41, &patience, &came));
	assert_int_equal(came, 41);
	for (size_t i = 0; i < 40; i++) {
		assert_true(is_home(&s, &blocks[i].cid));
		kit_block_free(&blocks[i]);
	}
}

TEST(of_a_node_that_hangs_all_are_given_up_at_one_time)
{
	const emr_fetch_patience patience = {
		.quiet_ns = 300000000, .all_ns = (int64_t)PATIENCE_MS * 1000000};
	const emr_fetch_patience over = {
		.quiet_ns = (int64_t)PATIENCE_MS * 1000000, .all_ns = 300000000};
	emr_cid cids[40];
	size_t came = 1;
	AUTO(end) scene s;

	for (uint32_t i = 0; i < 40; i++) {
		emr_block block = kit_block(300 + i, 50);

		cids[i] = block.cid;
		kit_block_free(&block);
	}
	/* One after the other, or each for its own time, this would never end. */
	begin(&s, "hangs", PATIENCE_MS);
	assert_false(emr_fetcher_bring_together(s.fetcher, cids, 40, &patience, &came));
	assert_int_equal(came, 0);
	assert_false(emr_fetcher_bring_together(s.fetcher, cids, 40, &over, &came));
}

static void *stop_soon(void *arg)
{
	scene *s = arg;

	emr_fetcher_stop(s->fetcher);
	return NULL;
}

TEST(who_waits_for_many_is_told_when_the_folder_closes)
{
	const emr_fetch_patience patience = {.quiet_ns = (int64_t)PATIENCE_MS * 1000000,
		.all_ns = (int64_t)PATIENCE_MS * 1000000};
	AUTO(kit_block_free) emr_block block = kit_block(400, 50);
	pthread_t stopper;
	size_t came = 1;

	SCENE_OF(scene, s, end, begin, "hangs", PATIENCE_MS);
	assert_int_equal(pthread_create(&stopper, NULL, stop_soon, &s), 0);
	assert_true(emr_fetcher_bring_together(s.fetcher, &block.cid, 1, &patience, &came));
	assert_int_equal(came, 0);
	assert_int_equal(pthread_join(stopper, NULL), 0);
}

TESTS(NULL, NULL)
