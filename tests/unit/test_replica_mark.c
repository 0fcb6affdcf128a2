/* These tests write and read the high-water mark of a ledger; every changed bit of it is found. */
#include "emr_test.h"

#include "crypto/sum.h"
#include "mark.h"

static high_mark sample(void)
{
	high_mark mark = {.net_id = {{1, 2, 3}}, .last_time = 1700000001};
	uint8_t leaf[32] = {0};

	for (uint8_t i = 0; i < 11; i++) {
		leaf[0] = i;
		emr_merkle_append(&mark.frontier, leaf);
	}
	emr_merkle_frontier_root(&mark.frontier, mark.root);
	mark.digest[5] = 9;
	return mark;
}

TEST(a_mark_comes_back_as_it_was_written)
{
	high_mark mark = sample();
	high_mark again;
	EMR_AUTO_BUF bytes = {0};

	assert_ok(mark_format(&mark, &bytes));
	assert_int_equal(bytes.len, 4 + 4 + 16 + 8 + 32 + 8 + 1 + 3 * 32 + 32 + 32);
	assert_ok(mark_parse(emr_buf_view(&bytes), &again));
	assert_int_equal(again.frontier.size, 11);
	assert_int_equal(again.last_time, mark.last_time);
	assert_memory_equal(again.root, mark.root, 32);
	assert_memory_equal(again.digest, mark.digest, 32);
	assert_memory_equal(again.net_id.b, mark.net_id.b, 16);
}

TEST(every_flipped_bit_of_a_mark_is_found)
{
	high_mark mark = sample();
	high_mark again;
	EMR_AUTO_BUF bytes = {0};

	assert_ok(mark_format(&mark, &bytes));
	for (size_t bit = 0; bit < bytes.len * 8; bit++) {
		emr_status status;
		bytes.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		status = mark_parse(emr_buf_view(&bytes), &again);
		assert_status(EMR_DAMAGED, status);
		bytes.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	for (size_t len = 0; len < bytes.len; len++)
		assert_status(EMR_DAMAGED, mark_parse(emr_bytes_of(bytes.data, len), &again));
}

TEST(a_mark_of_a_newer_program_is_named_so)
{
	high_mark mark = sample();
	high_mark again;
	EMR_AUTO_BUF bytes = {0};

	assert_ok(mark_format(&mark, &bytes));
	bytes.data[4] = 2;
	bytes.len -= EMR_SUM_BYTES;
	assert_ok(emr_sum_append(&bytes));
	assert_status(EMR_NEWER_FORMAT, mark_parse(emr_buf_view(&bytes), &again));
}

TESTS(NULL, NULL)
