/* This program puts the block store of a folder whose blocks may lie elsewhere, under the suite
 * of block stores: over CAR segments, with a cache beside them. */
#include "store_kit.h"
#include "store_suite.h"

#include "fetch/fetch.h"

static kit *store_kit;
static emr_block_cache *cache;
static emr_fetcher *fetcher;

static emr_block_store *open_face(void)
{
	char path[512];
	const emr_block_cache_options options = {.path = path,
		.max_bytes = (uint64_t)64 << 20,
		.max_days = 30,
		.clock = emr_clock_system()};
	emr_fetcher_options all = {
		.store = emr_store_blocks(store_kit->store), .clock = emr_clock_system()};

	snprintf(path, sizeof path, "%s/cache", store_kit->path);
	assert_ok(emr_block_cache_open(&options, &cache));
	all.cache = cache;
	assert_ok(emr_fetcher_open(&all, &fetcher));
	return emr_fetcher_blocks(fetcher);
}

static void close_face(void)
{
	emr_fetcher_close(fetcher);
	emr_block_cache_close(cache);
}

static emr_block_store *begin(void **out_place)
{
	kit_setup(out_place);
	store_kit = *out_place;
	return open_face();
}

static emr_block_store *reopen(void *place, emr_block_store *store)
{
	(void)place;
	(void)store;
	close_face();
	kit_close(store_kit);
	kit_open(store_kit);
	return open_face();
}

static void end(void *place, emr_block_store *store)
{
	(void)store;
	close_face();
	kit_teardown(&place);
}

int main(void)
{
	static const store_maker fetched = {
		"block store: with others behind it", begin, reopen, end};

	return store_suite_run(&fetched);
}
