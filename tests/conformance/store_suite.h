/* These tests say what every block store must do, wherever it keeps the blocks. A second
 * implementation is put under it by one table. */
#pragma once

#include "emr_test.h"

#include "store/block_store.h"

typedef struct store_maker {
	const char *name;
	/* A fresh, empty store; *out_place is given to REOPEN and END. */
	emr_block_store *(*begin)(void **out_place);
	/* Closes and opens it again, if it keeps anything; NULL for stores that live in memory. */
	emr_block_store *(*reopen)(void *place, emr_block_store *store);
	void (*end)(void *place, emr_block_store *store);
} store_maker;

int store_suite_run(const store_maker *maker);
