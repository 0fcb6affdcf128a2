/* This program puts the CAR store under the suite of block stores. */
#include "store_kit.h"
#include "store_suite.h"

static emr_block_store *begin(void **out_place)
{
	kit_setup(out_place);
	return emr_store_blocks(((kit *)*out_place)->store);
}

static emr_block_store *reopen(void *place, emr_block_store *store)
{
	kit *k = place;

	(void)store;
	emr_store_close(k->store);
	kit_open(k);
	return emr_store_blocks(k->store);
}

static void end(void *place, emr_block_store *store)
{
	(void)store;
	kit_teardown(&place);
}

int main(void)
{
	static const store_maker car = {"block store: CAR segments", begin, reopen, end};

	return store_suite_run(&car);
}
