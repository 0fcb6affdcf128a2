/* These tests look at segments as files: where the last whole block ends, what is damaged, and
 * files with such names that somebody else has put there. */
#include "store_kit.h"

#include "store/segment_file.h"

static int open_segment(kit *k)
{
	char path[512];
	int fd;

	kit_file(k, "seg-1", path);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

static emr_segment_extent extent_of(kit *k, uint64_t from)
{
	emr_segment_extent extent;
	EMR_AUTO_FD fd = open_segment(k);

	assert_ok(emr_segment_file_extent(fd, from, &extent));
	return extent;
}

TEST(only_our_own_names_are_segments)
{
	emr_id16 writer;
	uint64_t number;

	assert_true(emr_segment_file_parse(
		"seg-00112233445566778899aabbccddeeff-000012.car", &writer, &number));
	assert_int_equal(number, 12);
	assert_int_equal(writer.b[1], 0x11);
	assert_false(emr_segment_file_parse(
		"seg-00112233445566778899aabbccddeeff-12.car", &writer, &number));
	assert_false(emr_segment_file_parse(
		"seg-00112233445566778899aabbccddeeff-000000.car", &writer, &number));
	assert_false(emr_segment_file_parse(
		"seg-00112233445566778899aabbccddeeff-000012.car.x", &writer, &number));
	assert_true(emr_segment_file_parse(
		"seg-00112233445566778899aabbccddeeff-1000000000000.car", &writer, &number));
	assert_false(emr_segment_file_parse(
		"seg-00112233445566778899aabbccddeeff-1000000000001.car", &writer, &number));
	assert_false(emr_segment_file_parse(
		"seg-00112233445566778899aabbccddeeff-999999999999999999.car", &writer, &number));
}

TEST_IN(kit_setup, kit_teardown, the_end_is_that_of_the_last_section_also_while_it_is_written)
{
	kit *k = *state;
	emr_segment_extent first, second;

	kit_put(k, 1, 1000);
	first = extent_of(k, 0);
	assert_int_equal(first.end, 96 + 2 + 36 + 1000);
	assert_int_equal(first.damaged, 0);
	assert_ok(emr_store_flush(k->store));
	kit_put(k, 2, 5000);
	second = extent_of(k, first.end);
	/* The store itself says in a frame how far the disk has it. */
	assert_true(second.end >= first.end + 2 + 36 + 5000);
	assert_int_equal(extent_of(k, second.end).end, second.end);
	assert_int_equal(extent_of(k, 0).end, second.end);
}

TEST_IN(kit_setup, kit_teardown, a_torn_end_does_not_count)
{
	kit *k = *state;
	uint64_t end;

	kit_put(k, 1, 1000);
	end = extent_of(k, 0).end;
	kit_put(k, 2, 5000);
	kit_close(k);
	kit_truncate(k, "seg-1", end + 4000);
	assert_int_equal(extent_of(k, 0).end, end);
	assert_int_equal(extent_of(k, 0).damaged, 0);
	kit_truncate(k, "seg-1", 50);
	assert_int_equal(extent_of(k, 0).end, 0);
	kit_truncate(k, "seg-1", 0);
	assert_int_equal(extent_of(k, 0).end, 0);
}

TEST_IN(kit_setup, kit_teardown, damage_with_whole_sections_behind_it_is_counted_and_passed)
{
	kit *k = *state;
	uint64_t end;

	kit_put(k, 1, 1000);
	kit_put(k, 2, 1000);
	kit_put(k, 3, 1000);
	kit_close(k);
	end = extent_of(k, 0).end;
	kit_flip(k, "seg-1", 96 + 1038 + 500, 1);
	assert_int_equal(extent_of(k, 0).end, end);
	assert_int_equal(extent_of(k, 0).damaged, 1);
	assert_int_equal(extent_of(k, 96 + 2 * 1038).damaged, 0);
}

TEST_IN(kit_setup, kit_teardown, what_is_no_segment_is_damaged)
{
	kit *k = *state;
	emr_segment_extent extent;
	EMR_AUTO_FD fd = -1;

	kit_put(k, 1, 1000);
	kit_close(k);
	kit_flip(k, "seg-1", 10, 1);
	fd = open_segment(k);
	assert_status(EMR_DAMAGED, emr_segment_file_extent(fd, 0, &extent));
}

static void note(void *arg, uint64_t offset, uint64_t len)
{
	uint64_t *sum = arg;

	sum[0]++;
	sum[1] = offset;
	sum[2] = len;
}

static emr_status check(kit *k, uint64_t end, uint64_t found[3])
{
	EMR_AUTO_FD fd = open_segment(k);

	memset(found, 0, 3 * sizeof *found);
	return emr_segment_file_check(fd, end, note, found);
}

TEST_IN(kit_setup, kit_teardown, a_check_looks_at_the_first_bytes_only_and_at_all_of_them)
{
	kit *k = *state;
	uint64_t end, found[3];

	kit_put(k, 1, 1000);
	kit_put(k, 2, 1000);
	end = extent_of(k, 0).end;
	kit_put(k, 3, 1000);
	kit_close(k);
	assert_ok(check(k, end, found));
	assert_ok(check(k, end + 1038, found));
	assert_int_equal(found[0], 0);
	assert_status(EMR_DAMAGED, check(k, end - 5, found));
	assert_status(EMR_DAMAGED, check(k, end + 1039, found));
	assert_int_equal(found[1], end + 1038);
	kit_flip(k, "seg-1", end + 600, 1);
	assert_ok(check(k, end, found));
	assert_status(EMR_DAMAGED, check(k, end + 1038, found));
	assert_int_equal(found[1], end);
	kit_flip(k, "seg-1", 96 + 600, 1);
	assert_status(EMR_DAMAGED, check(k, end, found));
	assert_int_equal(found[0], 1);
	assert_int_equal(found[1], 96);
}

/* A name of this kit's writer. */
static void planted_name(kit *k, const char *number, char out[512])
{
	char hex[33];

	emr_hex(k->options.writer.b, 16, hex);
	snprintf(out, 512, "%s/seg-%s-%s.car", k->path, hex, number);
}

static void plant_empty(kit *k, const char *number)
{
	char path[512];
	EMR_AUTO_FD fd;

	planted_name(k, number, path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
}

TEST_IN(kit_setup, kit_teardown, a_number_that_is_taken_is_passed_over)
{
	kit *k = *state;

	kit_close(k);
	k->options.segment_bytes = 4096;
	kit_open(k);
	plant_empty(k, "000002");
	plant_empty(k, "000003");
	for (uint32_t i = 0; i < 4; i++)
		kit_put(k, 1 + i, 3000);
	assert_true(kit_size(k, "seg-4") > 3000);
	kit_close(k);
	kit_open(k);
	for (uint32_t i = 0; i < 4; i++)
		kit_has(k, 1 + i, 3000);
}

TEST_IN(kit_setup, kit_teardown, what_is_no_file_is_left_out)
{
	kit *k = *state;
	char path[512];
	int fd = -1;

	kit_put(k, 1, 1000);
	kit_close(k);
	planted_name(k, "000002", path);
	assert_int_equal(mkfifo(path, 0600), 0);
	planted_name(k, "000003", path);
	assert_int_equal(mkdir(path, 0700), 0);
	planted_name(k, "000004", path);
	assert_int_equal(symlink("/dev/zero", path), 0);
	snprintf(path, sizeof path, "%s/seg-00112233445566778899aabbccddeeff-000001.car", k->path);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_status(EMR_INVALID, emr_segment_file_open(AT_FDCWD, path, O_RDONLY, &fd));
	alarm(100); /* whoever waits for the FIFO waits for ever */
	kit_open(k);
	kit_has(k, 1, 1000);
	kit_put(k, 2, 1000);
	assert_ok(emr_store_close_segment(k->store));
	kit_put(k, 3, 1000);
	kit_close(k);
	kit_open(k);
	kit_has(k, 2, 1000);
	kit_has(k, 3, 1000);
	alarm(0);
}

/* Between the listing and the first look at it. */
TEST_IN(kit_setup, kit_teardown, a_segment_that_becomes_a_fifo_is_left_out)
{
	kit *k = *state;
	kit other = *k;
	char path[512];

	other.options.writer.b[15] ^= 1;
	other.store = NULL;
	kit_open(&other);
	kit_put(&other, 7, 1000);
	kit_close(&other);
	kit_close(k);
	kit_open(k);
	kit_close(&other);
	kit_file(&other, "seg-1", path);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	alarm(100);
	(void)kit_try(k, 7, 1000);
	kit_put(k, 8, 1000);
	kit_has(k, 8, 1000);
	kit_close(k);
	kit_open(k);
	kit_has(k, 8, 1000);
	alarm(0);
}

TESTS(NULL, NULL)
