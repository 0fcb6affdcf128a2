/* The hash table of the folder's tree against a plain list, with hashes that meet, lie at the end
 * and come again; and how much memory it takes. */
#include "emr_test.h"

#include <stdlib.h>

#include "table.h"

#define ITEMS 3000

typedef struct item {
	uint64_t hash;
	bool is_in;
} item;

static uint64_t state_of_random = 1;

static uint64_t next(void)
{
	state_of_random = state_of_random * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return state_of_random >> 11;
}

/* Half of them lie where there is nothing behind, so that searches go on from the beginning. */
static uint64_t some_hash(size_t i)
{
	return i % 2 == 0 ? UINT64_MAX - next() % 40 * (UINT64_C(1) << 32) : next() << 11;
}

static bool is_it(const void *one, const void *key)
{
	return one == key;
}

static void assert_has_what_is_in(const table *t, const item *all)
{
	size_t in = 0, walked = 0;

	for (size_t i = 0; i < ITEMS; i++) {
		const item *found = table_find(t, all[i].hash, is_it, &all[i]);

		assert_ptr_equal(found, all[i].is_in ? &all[i] : NULL);
		in += all[i].is_in;
	}
	for (size_t i = 0; i < t->cap; i++)
		walked += table_at(t, i) != NULL;
	assert_int_equal(t->count, in);
	assert_int_equal(walked, in);
	assert_true(t->used * 4 <= t->cap * 3);
}

static void it_has_what_was_added_and_not_removed(void **state)
{
	item *all = calloc(ITEMS, sizeof *all);
	table t = {0};

	(void)state;
	assert_non_null(all);
	for (size_t i = 0; i < ITEMS; i++)
		all[i].hash = some_hash(i);
	assert_has_what_is_in(&t, all);
	for (size_t step = 0; step < 40000; step++) {
		item *one = &all[next() % (step < 20000 ? ITEMS : ITEMS / 4)];

		if (one->is_in)
			table_remove(&t, one->hash, one);
		else {
			assert_ok(table_reserve(&t));
			table_add(&t, one->hash, one);
		}
		one->is_in = !one->is_in;
		if (step % 1000 == 999)
			assert_has_what_is_in(&t, all);
	}
	table_free(&t);
	free(all);
}

/* A folder of a million records has three of them: five slots for three items at most, and
 * four for three at least. */
static void it_takes_little_more_than_its_items(void **state)
{
	static char items[200000];
	table t = {0};

	(void)state;
	for (size_t i = 0; i < sizeof items; i++) {
		assert_ok(table_reserve(&t));
		table_add(&t, next() << 11, &items[i]);
		assert_true(t.count * 4 <= t.cap * 3);
		assert_true(t.cap <= t.count * 5 / 3 + 65);
	}
	table_free(&t);
}

static void what_was_reserved_needs_no_more(void **state)
{
	static char items[1000];
	const void *before;
	table t = {0};

	(void)state;
	for (size_t n = 1; n <= sizeof items; n++) {
		assert_ok(table_reserve_more(&t, n));
		before = t.items;
		for (size_t i = 0; i < n; i++) {
			assert_ok(table_reserve(&t));
			table_add(&t, next() << 11, &items[i]);
		}
		assert_ptr_equal(t.items, before);
		table_free(&t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_has_what_was_added_and_not_removed),
		cmocka_unit_test(it_takes_little_more_than_its_items),
		cmocka_unit_test(what_was_reserved_needs_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
