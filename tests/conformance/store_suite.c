/* Every block store must pass these tests, whatever it is built on: what was put comes back,
 * limits are refused, pins are kept, and threads do not disturb each other. */
#include "store_suite.h"

#include <pthread.h>

static const store_maker *maker;

typedef struct fixture {
	void *place;
	emr_block_store *store;
} fixture;

static int setup(void **state)
{
	fixture *f = calloc(1, sizeof *f);

	f->store = maker->begin(&f->place);
	*state = f;
	return f->store == NULL;
}

static int teardown(void **state)
{
	EMR_AUTO_FREE fixture *f = *state;

	maker->end(f->place, f->store);
	return 0;
}

static emr_block make_block(uint32_t seed, size_t len)
{
	uint8_t *data = malloc(len + 1);
	emr_block block;

	for (size_t i = 0; i < len; i++)
		data[i] = (uint8_t)(i * 31 + seed + (i >> 8) * 7);
	block.data = emr_bytes_of(data, len);
	block.cid = emr_cid_of_block(EMR_CODEC_RAW, block.data);
	return block;
}

static void free_block(emr_block *block)
{
	free((void *)(uintptr_t)block->data.data);
}

static emr_status check(emr_block_store *store, const emr_block *block)
{
	EMR_AUTO_BUF out = {0};
	emr_status status = emr_block_store_get_verified(store, &block->cid, &out);

	if (status == EMR_OK && !emr_bytes_equal(emr_buf_view(&out), block->data))
		status = EMR_DAMAGED;
	return status;
}

TEST_IN(setup, teardown, what_was_put_comes_back)
{
	fixture *f = *state;
	static const size_t sizes[] = {0, 1, 100, 16399, 262400, EMR_BLOCK_MAX};

	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		emr_block block = make_block(7, sizes[i]);
		uint64_t size;

		assert_false(i > 0 && emr_block_store_has(f->store, &block.cid));
		assert_ok(emr_block_store_put(f->store, &block, 1));
		assert_true(emr_block_store_has(f->store, &block.cid));
		assert_ok(emr_block_store_size(f->store, &block.cid, &size));
		assert_int_equal(size, sizes[i]);
		assert_ok(check(f->store, &block));
		free_block(&block);
	}
}

TEST_IN(setup, teardown, many_blocks_go_in_one_call)
{
	fixture *f = *state;
	emr_block blocks[3000];

	for (uint32_t i = 0; i < 3000; i++)
		blocks[i] = make_block(i, 40 + i % 500);
	assert_ok(emr_block_store_put(f->store, blocks, 3000));
	for (uint32_t i = 0; i < 3000; i++) {
		assert_ok(check(f->store, &blocks[i]));
		free_block(&blocks[i]);
	}
	assert_ok(emr_block_store_put(f->store, NULL, 0));
}

TEST_IN(setup, teardown, putting_again_is_fine)
{
	fixture *f = *state;
	AUTO(free_block) emr_block block = make_block(1, 1000);

	assert_ok(emr_block_store_put(f->store, &block, 1));
	assert_ok(emr_block_store_put(f->store, &block, 1));
	assert_ok(check(f->store, &block));
}

TEST_IN(setup, teardown, an_unknown_block_is_not_found_and_outputs_stay)
{
	fixture *f = *state;
	AUTO(free_block) emr_block block = make_block(4, 10);
	uint64_t size = 77;
	emr_buf buf = {0};

	assert_status(EMR_NOT_FOUND, emr_block_store_size(f->store, &block.cid, &size));
	assert_status(EMR_NOT_FOUND, emr_block_store_get_verified(f->store, &block.cid, &buf));
	assert_int_equal(size, 77);
	assert_int_equal(buf.len, 0);
}

TEST_IN(setup, teardown, a_block_over_the_limit_is_refused_with_all_of_its_call)
{
	fixture *f = *state;
	emr_block blocks[2] = {make_block(5, 10), make_block(6, EMR_BLOCK_MAX + 1)};

	assert_status(EMR_LIMIT, emr_block_store_put(f->store, blocks, 2));
	assert_false(emr_block_store_has(f->store, &blocks[0].cid));
	free_block(&blocks[0]);
	free_block(&blocks[1]);
}

TEST_IN(setup, teardown, verified_reading_appends)
{
	fixture *f = *state;
	AUTO(free_block) emr_block block = make_block(8, 10);
	EMR_AUTO_BUF buf = {0};

	assert_ok(emr_buf_append(&buf, "abc", 3));
	assert_ok(emr_block_store_put(f->store, &block, 1));
	assert_ok(emr_block_store_get_verified(f->store, &block.cid, &buf));
	assert_int_equal(buf.len, 13);
	assert_memory_equal(buf.data, "abc", 3);
}

typedef struct pin_list {
	emr_pin pins[16];
	size_t count;
} pin_list;

static emr_status list_pin(void *context, const emr_pin *pin)
{
	pin_list *list = context;

	list->pins[list->count++] = *pin;
	return EMR_OK;
}

static pin_list pins_of(emr_block_store *store)
{
	pin_list list = {.count = 0};

	assert_ok(emr_block_store_each_pin(store, list_pin, &list));
	return list;
}

TEST_IN(setup, teardown, pins_are_kept_by_root_and_owner)
{
	fixture *f = *state;
	AUTO(free_block) emr_block block = make_block(9, 10);
	emr_pin pins[2] = {{block.cid, {{1}}, EMR_PIN_WRITTEN}, {block.cid, {{2}}, EMR_PIN_KEPT}};
	pin_list list;

	assert_ok(emr_block_store_pin(f->store, pins, 2)); /* the block is not there yet */
	assert_int_equal(pins_of(f->store).count, 2);
	pins[0].state = EMR_PIN_REGISTERED;
	assert_ok(emr_block_store_pin(f->store, pins, 1));
	assert_int_equal(pins_of(f->store).count, 2);
	assert_ok(emr_block_store_unpin(f->store, &pins[1], 1));
	assert_ok(emr_block_store_unpin(f->store, &pins[1], 1));
	list = pins_of(f->store);
	assert_int_equal(list.count, 1);
	assert_int_equal(list.pins[0].state, EMR_PIN_REGISTERED);
	assert_true(emr_id16_equal(list.pins[0].owner, pins[0].owner));
	assert_true(emr_cid_equal(&list.pins[0].root, &block.cid));
}

static emr_status stop(void *context, const emr_pin *pin)
{
	(void)context;
	(void)pin;
	return EMR_INTERRUPTED;
}

TEST_IN(setup, teardown, a_visitor_can_stop_the_walk)
{
	fixture *f = *state;
	emr_pin pin = {
		emr_cid_of_block(EMR_CODEC_RAW, emr_bytes_of("x", 1)), {{1}}, EMR_PIN_WRITTEN};

	assert_ok(emr_block_store_pin(f->store, &pin, 1));
	assert_status(EMR_INTERRUPTED, emr_block_store_each_pin(f->store, stop, NULL));
}

TEST_IN(setup, teardown, blocks_and_pins_survive_reopening)
{
	fixture *f = *state;
	emr_block block = make_block(10, 5000);
	emr_pin pin = {block.cid, {{1}}, EMR_PIN_WRITTEN};

	if (maker->reopen == NULL) {
		free_block(&block);
		skip();
	}
	assert_ok(emr_block_store_put(f->store, &block, 1));
	assert_ok(emr_block_store_pin(f->store, &pin, 1));
	assert_ok(emr_block_store_sync(f->store));
	f->store = maker->reopen(f->place, f->store);
	assert_non_null(f->store);
	assert_ok(check(f->store, &block));
	assert_int_equal(pins_of(f->store).count, 1);
	free_block(&block);
}

TEST_IN(setup, teardown, stats_count_blocks_and_pins)
{
	fixture *f = *state;
	emr_block blocks[2] = {make_block(1, 100), make_block(2, 200)};
	emr_pin pin = {blocks[0].cid, {{1}}, EMR_PIN_WRITTEN};
	emr_store_stats stats;

	assert_ok(emr_block_store_put(f->store, blocks, 2));
	assert_ok(emr_block_store_pin(f->store, &pin, 1));
	assert_ok(emr_block_store_stats(f->store, &stats));
	assert_int_equal(stats.blocks, 2);
	assert_int_equal(stats.block_bytes, 300);
	assert_int_equal(stats.pins, 1);
	free_block(&blocks[0]);
	free_block(&blocks[1]);
}

typedef struct worker {
	emr_block_store *store;
	uint32_t base;
	emr_status failed;
} worker;

static void *put_and_check(void *argument)
{
	worker *w = argument;

	for (uint32_t i = 0; i < 200 && w->failed == EMR_OK; i++) {
		emr_block block = make_block(w->base + i, 300);

		w->failed = emr_block_store_put(w->store, &block, 1);
		if (w->failed == EMR_OK)
			w->failed = check(w->store, &block);
		if (w->failed == EMR_OK && i % 50 == 0)
			w->failed = emr_block_store_sync(w->store);
		free_block(&block);
	}
	return NULL;
}

TEST_IN(setup, teardown, threads_do_not_disturb_each_other)
{
	fixture *f = *state;
	worker workers[4];
	pthread_t threads[4];

	for (uint32_t i = 0; i < 4; i++) {
		workers[i] = (worker){f->store, i * 1000, EMR_OK};
		assert_int_equal(pthread_create(&threads[i], NULL, put_and_check, &workers[i]), 0);
	}
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < 4; i++)
		assert_ok(workers[i].failed);
}

int store_suite_run(const store_maker *which)
{
	maker = which;
	return emr_tests_run_named(which->name, NULL, NULL);
}
