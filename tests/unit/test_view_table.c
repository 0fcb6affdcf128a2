/* These tests are about the table that finds the nodes of the folder's tree: the hash table
 * against a plain list, with hashes that meet, lie at the end and come again, and how much
 * memory it takes; and the slots that number what lies in them. */
#include "emr_test.h"

#include "table.h"

#define ITEMS 3000

typedef struct item {
	uint64_t hash;
	uint64_t number; /* when it is in */
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

static void assert_has_what_is_in(const table *t, const slots *of, const item *all)
{
	size_t in = 0, walked = 0;

	for (size_t i = 0; i < ITEMS; i++) {
		const item *found = table_find(t, of, all[i].hash, is_it, &all[i]);

		assert_ptr_equal(found, all[i].is_in ? &all[i] : NULL);
		in += all[i].is_in;
	}
	for (size_t i = 0; i < of->used; i++)
		walked += slots_at(of, i) != NULL;
	assert_int_equal(t->count, in);
	assert_int_equal(of->count, in);
	assert_int_equal(walked, in);
	assert_true(t->used * 4 <= t->cap * 3);
}

TEST(it_has_what_was_added_and_not_removed)
{
	EMR_AUTO_FREE item *all = calloc(ITEMS, sizeof *all);
	AUTO(slots_free) slots of = {0};
	AUTO(table_free) table t = {0};

	assert_non_null(all);
	for (size_t i = 0; i < ITEMS; i++)
		all[i].hash = some_hash(i);
	assert_has_what_is_in(&t, &of, all);
	for (size_t step = 0; step < 40000; step++) {
		item *one = &all[next() % (step < 20000 ? ITEMS : ITEMS / 4)];

		if (one->is_in) {
			table_remove(&t, one->hash, slot_of(one->number));
			slots_remove(&of, one->number);
		} else {
			assert_ok(table_reserve(&t));
			assert_ok(slots_reserve(&of));
			one->number = slots_add(&of, one);
			table_add(&t, one->hash, slot_of(one->number));
		}
		one->is_in = !one->is_in;
		if (step % 1000 == 999)
			assert_has_what_is_in(&t, &of, all);
	}
}

/* A folder of a million records has two of them: five entries of eight bytes for three items at
 * most, and four for three at least; and its slots, eight bytes each, of which one in four waits
 * for an item at most. */
TEST(they_take_little_more_than_their_items)
{
	static uint32_t items[200000];
	AUTO(slots_free) slots of = {0};
	AUTO(table_free) table t = {0};

	assert_int_equal(sizeof *t.entries + sizeof *of.all, 16);
	for (size_t i = 0; i < sizeof items / sizeof *items; i++) {
		assert_ok(table_reserve(&t));
		assert_ok(slots_reserve(&of));
		table_add(&t, next() << 11, slot_of(slots_add(&of, &items[i])));
		assert_true(t.count * 4 <= t.cap * 3);
		assert_true(t.cap <= t.count * 5 / 3 + 65);
		assert_true(of.cap <= of.used * 5 / 4 + 64);
	}
}

TEST(what_was_reserved_needs_no_more)
{
	const size_t most = 1000;
	const void *before;
	table t = {0};

	for (size_t n = 1; n <= most; n++) {
		assert_ok(table_reserve_more(&t, n));
		before = t.entries;
		for (size_t i = 0; i < n; i++) {
			assert_ok(table_reserve(&t));
			table_add(&t, next() << 11, (uint32_t)i + 1);
		}
		assert_ptr_equal(t.entries, before);
		table_free(&t);
	}
}

static int by_value(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* The kernel may ask for a node that it forgot long ago: nothing else may have its number. */
TEST(a_number_is_never_given_twice)
{
	enum { HELD = 300, ROUNDS = 60000 };
	static uint64_t held[HELD], given[ROUNDS];
	static uint32_t items[HELD];
	AUTO(slots_free) slots of = {0};

	assert_ok(slots_begin(&of, 2));
	slots_put(&of, 1, items);
	for (size_t i = 0; i < ROUNDS; i++) {
		size_t at = next() % HELD;

		if (held[at] != 0)
			slots_remove(&of, held[at]);
		assert_ok(slots_reserve(&of));
		given[i] = held[at] = slots_add(&of, &items[at]);
		assert_ptr_equal(slots_at(&of, slot_of(held[at])), &items[at]);
	}
	assert_ptr_equal(slots_at(&of, 1), items);
	assert_true(of.used <= HELD + 2);
	qsort(given, ROUNDS, sizeof *given, by_value);
	assert_true(given[0] >= 2);
	for (size_t i = 1; i < ROUNDS; i++)
		assert_true(given[i - 1] < given[i]);
}

/* A slot that was emptied more often than its numbers can say is left alone. */
TEST(who_has_had_all_its_numbers_gets_no_more)
{
	const uint64_t last = (uint64_t)INT32_MAX << 32 | 1;
	static uint32_t items[2];
	AUTO(slots_free) slots of = {0};
	uint64_t number;

	assert_ok(slots_reserve(&of));
	assert_int_equal(slots_add(&of, &items[0]), 1);
	slots_remove(&of, last - (UINT64_C(1) << 32)); /* as after 2^31 - 2 others */
	assert_ok(slots_reserve(&of));
	assert_int_equal(slots_add(&of, &items[0]), last);
	slots_remove(&of, last);
	assert_null(slots_at(&of, 1));
	assert_ok(slots_reserve(&of));
	number = slots_add(&of, &items[1]);
	assert_int_equal(number, 2);
	slots_close(&of, number);
	assert_ok(slots_reserve(&of));
	assert_int_equal(slots_add(&of, &items[1]), 3);
}

TESTS(NULL, NULL)
