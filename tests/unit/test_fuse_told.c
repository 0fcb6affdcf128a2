/* These tests show the answer to a program that was told the size of an attribute: the value that
 * was measured, once. */

#include "emr_test.h"
#include "told.h"

#define SECOND INT64_C(1000000000)

static told_key key_of(uint64_t node, int32_t thread, const char *name)
{
	return (told_key){.node = node, .thread = thread, .name = name};
}

static void keep(told_key key, const char *value, int64_t now_ns)
{
	told_keep(key, emr_bytes_of(value, strlen(value)), now_ns);
}

static void expect(told_key key, const char *value, int64_t now_ns)
{
	EMR_AUTO_BUF out = {0};

	assert_true(told_take(key, strlen(value), now_ns, &out));
	assert_int_equal(out.len, strlen(value));
	assert_memory_equal(out.data, value, out.len);
}

static void expect_nothing(told_key key, size_t size, int64_t now_ns)
{
	EMR_AUTO_BUF out = {0};

	assert_false(told_take(key, size, now_ns, &out));
	assert_int_equal(out.len, 0);
}

AROUND_BY(end, told_clear())

TEST_IN(NULL, end, what_was_measured_is_answered_once)
{
	told_key key = key_of(7, 100, "user.emrfs.state");

	keep(key, "pending", 0);
	expect(key, "pending", SECOND);
	expect_nothing(key, 7, SECOND);
}

TEST_IN(NULL, end, another_size_is_another_question)
{
	told_key key = key_of(7, 100, "user.emrfs.state");

	keep(key, "pending", 0);
	expect_nothing(key, 64, SECOND);
	expect_nothing(key, 7, SECOND);
}

TEST_IN(NULL, end, others_are_not_answered_with_it)
{
	told_key key = key_of(7, 100, "user.emrfs.state");

	keep(key, "pending", 0);
	expect_nothing(key_of(8, 100, "user.emrfs.state"), 7, 0);
	expect_nothing(key_of(7, 101, "user.emrfs.state"), 7, 0);
	expect_nothing(key_of(7, 100, "user.emrfs.stats"), 7, 0);
	expect(key, "pending", 0);
}

TEST_IN(NULL, end, the_last_measure_counts)
{
	told_key key = key_of(7, 100, "user.emrfs.state");

	keep(key, "local", 0);
	keep(key, "pending", 1);
	expect_nothing(key, 5, 2);
	keep(key, "local", 3);
	keep(key, "pending", 4);
	expect(key, "pending", 5);
}

TEST_IN(NULL, end, after_half_a_minute_it_is_forgotten)
{
	told_key key = key_of(7, 100, "user.emrfs.state");

	keep(key, "pending", SECOND);
	expect_nothing(key, 7, SECOND + TOLD_NS + 1);
}

TEST_IN(NULL, end, setting_an_attribute_ends_it)
{
	told_key key = key_of(7, 100, "user.note"), other = key_of(8, 100, "user.note");

	keep(key, "one", 0);
	keep(other, "two", 0);
	told_forget(7);
	expect_nothing(key, 3, 0);
	expect(other, "two", 0);
}

TEST_IN(NULL, end, many_at_once_push_out_the_oldest)
{
	char value[16];

	for (int32_t i = 0; i < TOLD_MAX + 3; i++) {
		snprintf(value, sizeof value, "value %d", i);
		keep(key_of(7, i, "user.note"), value, i);
	}
	expect_nothing(key_of(7, 2, "user.note"), strlen("value 2"), TOLD_MAX);
	for (int32_t i = 3; i < TOLD_MAX + 3; i++) {
		expect(key_of(7, i, "user.note"), printed("value %d", i), TOLD_MAX + 3);
	}
}

TEST_IN(NULL, end, an_empty_or_a_huge_value_is_not_answered_wrongly)
{
	static const char huge[TOLD_VALUE_MAX + 1];
	told_key key = key_of(7, 100, "user.note");

	keep(key, "", 0);
	expect_nothing(key, 3, 0);
	keep(key, "small", 0);
	told_keep(key, emr_bytes_of(huge, sizeof huge), 1);
	expect_nothing(key, sizeof huge, 1);
	expect_nothing(key, 5, 1);
}

TESTS(NULL, NULL)
