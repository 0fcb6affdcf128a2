/* These tests of the POSIX suite write, read, truncate and allocate bytes, also from two
 * processes and at the limits of size. */
#include "posix_suite.h"

#include "tool_kit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

static void expect_zeros(const char *name, off_t from, off_t to)
{
	unsigned char bytes[4096];
	int fd = (int)EXPECT_OK(open(name, O_RDONLY));

	while (from < to) {
		size_t part =
			to - from < (off_t)sizeof(bytes) ? (size_t)(to - from) : sizeof(bytes);

		EXPECT_EQUAL(emr_kit_pread_all(fd, bytes, part, from), part);
		for (size_t i = 0; i < part; i++)
			EXPECT_EQUAL(bytes[i], 0);
		from += (off_t)part;
	}
	EXPECT_OK(close(fd));
}

static void every_edge_size_comes_back(void)
{
	static const size_t sizes[] = {0, 1, 15, 16, 511, 512, 4095, 4096, 4097, 16383, 16384,
		16385, 63884, 65536, 131071, 131072, 131073, 262143, 262144, 262145, 262400, 524288,
		1048575, 1048576, 1048577, 3000000};
	char name[32];

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		snprintf(name, sizeof(name), "size-%zu", sizes[i]);
		posix_make_file(name, sizes[i], i);
	}
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		snprintf(name, sizeof(name), "size-%zu", sizes[i]);
		posix_check_file(name, sizes[i], i);
		EXPECT_EQUAL(posix_stat(name).st_size, sizes[i]);
	}
}

static void reading_at_and_behind_the_end_gives_nothing(void)
{
	char bytes[100];
	int fd;

	posix_make_file("file", 1000, 1);
	fd = (int)EXPECT_OK(open("file", O_RDONLY));
	EXPECT_EQUAL(pread(fd, bytes, 100, 1000), 0);
	EXPECT_EQUAL(pread(fd, bytes, 100, 5000), 0);
	EXPECT_EQUAL(pread(fd, bytes, 100, 1LL << 40), 0);
	EXPECT_EQUAL(pread(fd, bytes, 100, 990), 10);
	EXPECT_EQUAL(lseek(fd, 5000, SEEK_SET), 5000);
	EXPECT_EQUAL(read(fd, bytes, 100), 0);
	EXPECT_ERRNO(pread(fd, bytes, 100, -1), EINVAL);
	EXPECT_ERRNO(lseek(fd, -1, SEEK_SET), EINVAL);
	EXPECT_EQUAL(lseek(fd, -1, SEEK_END), 999);
	EXPECT_OK(close(fd));
}

static void a_write_behind_the_end_leaves_zeros_between(void)
{
	int fd = (int)EXPECT_OK(open("file", O_RDWR | O_CREAT, 0644));

	EXPECT_EQUAL(pwrite(fd, "a", 1, 0), 1);
	EXPECT_EQUAL(pwrite(fd, "b", 1, 300000), 1);
	EXPECT_OK(close(fd));
	EXPECT_EQUAL(posix_stat("file").st_size, 300001);
	expect_zeros("file", 1, 300000);
}

static void truncation_down_and_up_leaves_zeros(void)
{
	posix_make_file("file", 600000, 1);
	EXPECT_OK(truncate("file", 1000));
	EXPECT_EQUAL(posix_stat("file").st_size, 1000);
	posix_check_file("file", 1000, 1);
	EXPECT_OK(truncate("file", 700000));
	EXPECT_EQUAL(posix_stat("file").st_size, 700000);
	expect_zeros("file", 1000, 700000);
	EXPECT_OK(truncate("file", 0));
	EXPECT_OK(truncate("file", 5000));
	expect_zeros("file", 0, 5000);
}

static void truncation_of_an_open_file_shows_to_its_reader(void)
{
	char bytes[100];
	int fd;

	posix_make_file("file", 100000, 1);
	fd = (int)EXPECT_OK(open("file", O_RDONLY));
	EXPECT_EQUAL(pread(fd, bytes, 100, 50000), 100);
	EXPECT_OK(truncate("file", 50010));
	EXPECT_EQUAL(pread(fd, bytes, 100, 50000), 10);
	EXPECT_OK(truncate("file", 10));
	EXPECT_EQUAL(pread(fd, bytes, 100, 50000), 0);
	EXPECT_OK(close(fd));
}

static void truncation_refuses_what_it_must(void)
{
	posix_make_file("file", 10, 1);
	EXPECT_OK(mkdir("dir", 0755));
	EXPECT_ERRNO(truncate("dir", 0), EISDIR);
	EXPECT_ERRNO(truncate("missing", 0), ENOENT);
	EXPECT_ERRNO(truncate("file", -1), EINVAL);
	EXPECT_ERRNO(truncate("file/below", 0), ENOTDIR);
	posix_check_file("file", 10, 1);
}

static void a_change_in_the_middle_keeps_the_rest(void)
{
	enum { SIZE = 1 << 20 };
	static unsigned char wanted[SIZE], found[SIZE];
	uint64_t rng = 7;
	int fd;

	posix_make_file("file", SIZE, 1);
	emr_kit_fill(wanted, SIZE, 1);
	for (int i = 0; i < 40; i++) {
		size_t at = emr_kit_below(&rng, SIZE - 20000),
		       length = 1 + emr_kit_below(&rng, 20000);

		fd = (int)EXPECT_OK(open("file", O_WRONLY));
		emr_kit_fill(wanted + at, length, (uint64_t)i + 100);
		EXPECT_EQUAL(pwrite(fd, wanted + at, length, (off_t)at), length);
		EXPECT_OK(close(fd));
	}
	fd = (int)EXPECT_OK(open("file", O_RDONLY));
	EXPECT_EQUAL(emr_kit_pread_all(fd, found, SIZE, 0), SIZE);
	EXPECT(memcmp(wanted, found, SIZE) == 0);
	EXPECT_OK(close(fd));
}

static void scattered_buffers_are_written_and_read_in_order(void)
{
	char a[3], b[5];
	struct iovec out[3] = {{"ab", 2}, {"", 0}, {"cdefgh", 6}};
	struct iovec in[2] = {{a, 3}, {b, 5}};
	int fd = (int)EXPECT_OK(open("file", O_RDWR | O_CREAT, 0644));

	EXPECT_EQUAL(writev(fd, out, 3), 8);
	EXPECT_EQUAL(preadv(fd, in, 2, 0), 8);
	EXPECT(memcmp(a, "abc", 3) == 0 && memcmp(b, "defgh", 5) == 0);
	EXPECT_EQUAL(pwritev(fd, out, 3, 100), 8);
	EXPECT_OK(close(fd));
	EXPECT_EQUAL(posix_stat("file").st_size, 108);
}

enum { RECORDS = 500, RECORD = 100 };

static void append_records(void *letter)
{
	char record[RECORD];
	int fd = (int)EXPECT_OK(open("log", O_WRONLY | O_APPEND));

	memset(record, *(const char *)letter, RECORD);
	for (int i = 0; i < RECORDS; i++)
		EXPECT_EQUAL(write(fd, record, RECORD), RECORD);
	EXPECT_OK(close(fd));
}

static void two_processes_append_without_loss(void)
{
	static char log[2 * RECORDS * RECORD + 1];
	unsigned counts[2] = {0, 0};
	pid_t a, b;
	int fd;

	posix_make_file("log", 0, 0);
	a = posix_start(append_records, "A");
	b = posix_start(append_records, "B");
	posix_join(a);
	posix_join(b);
	fd = (int)EXPECT_OK(open("log", O_RDONLY));
	EXPECT_EQUAL(emr_kit_pread_all(fd, log, sizeof(log), 0), 2 * RECORDS * RECORD);
	for (int i = 0; i < 2 * RECORDS; i++) {
		const char *record = log + i * RECORD;

		for (int k = 1; k < RECORD; k++)
			EXPECT_EQUAL(record[k], record[0]);
		counts[record[0] == 'B']++;
	}
	EXPECT(counts[0] == RECORDS && counts[1] == RECORDS);
	EXPECT_OK(close(fd));
}

static void write_every_second_piece(void *first)
{
	unsigned char piece[7000];
	int fd = (int)EXPECT_OK(open("file", O_WRONLY));

	for (int i = *(const int *)first; i < 100; i += 2) {
		emr_kit_fill(piece, sizeof(piece), (uint64_t)i);
		EXPECT_EQUAL(pwrite(fd, piece, sizeof(piece), i * 7000), sizeof(piece));
	}
	EXPECT_OK(close(fd));
}

static void two_processes_write_side_by_side(void)
{
	unsigned char wanted[7000], found[7000];
	int zero = 0, one = 1, fd;
	pid_t a, b;

	posix_make_file("file", 0, 0);
	a = posix_start(write_every_second_piece, &zero);
	b = posix_start(write_every_second_piece, &one);
	posix_join(a);
	posix_join(b);
	fd = (int)EXPECT_OK(open("file", O_RDONLY));
	for (int i = 0; i < 100; i++) {
		emr_kit_fill(wanted, sizeof(wanted), (uint64_t)i);
		EXPECT_EQUAL(emr_kit_pread_all(fd, found, sizeof(found), i * 7000), sizeof(found));
		EXPECT(memcmp(wanted, found, sizeof(found)) == 0);
	}
	EXPECT_OK(close(fd));
}

static void flushing_is_accepted_in_every_form(void)
{
	int fd = (int)EXPECT_OK(open("file", O_RDWR | O_CREAT, 0644));
	int reader = (int)EXPECT_OK(open("file", O_RDONLY));
	int dir = (int)EXPECT_OK(open(".", O_RDONLY | O_DIRECTORY));

	EXPECT_EQUAL(write(fd, "abc", 3), 3);
	EXPECT_OK(fdatasync(fd));
	EXPECT_OK(fsync(fd));
	EXPECT_OK(fsync(reader));
	EXPECT_OK(fsync(dir));
	EXPECT_OK(fdatasync(dir));
	EXPECT_OK(syncfs(fd));
	EXPECT_OK(sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE));
	EXPECT_OK(close(fd));
	EXPECT_OK(close(reader));
	EXPECT_OK(close(dir));
	fd = (int)EXPECT_OK(open("file", O_WRONLY | O_SYNC | O_APPEND));
	EXPECT_EQUAL(write(fd, "def", 3), 3);
	EXPECT_OK(close(fd));
	EXPECT_EQUAL(posix_stat("file").st_size, 6);
}

static void allocation_moves_mtime_and_ctime(void)
{
	static const struct {
		int mode;
		off_t at;
	} ways[] = {{0, 0}, {FALLOC_FL_KEEP_SIZE, 5000}, {0, 5000}};
	int fd;

	posix_make_file("file", 1000, 1);
	fd = (int)EXPECT_OK(open("file", O_RDWR));
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		struct stat before = posix_stat("file"), after;

		posix_let_time_pass();
		EXPECT_OK(fallocate(fd, ways[i].mode, ways[i].at, 500));
		after = posix_stat("file");
		EXPECT(posix_is_before(before.st_mtim, after.st_mtim));
		EXPECT(posix_is_before(before.st_ctim, after.st_ctim));
	}
	EXPECT_OK(close(fd));
}

static void allocation_grows_with_zeros_or_keeps_the_size(void)
{
	int fd;

	posix_make_file("file", 1000, 1);
	fd = (int)EXPECT_OK(open("file", O_RDWR));
	EXPECT_OK(fallocate(fd, 0, 0, 500));
	EXPECT_EQUAL(posix_stat("file").st_size, 1000);
	posix_check_file("file", 1000, 1);
	EXPECT_OK(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 50000));
	EXPECT_EQUAL(posix_stat("file").st_size, 1000);
	EXPECT_OK(fallocate(fd, 0, 900, 100000));
	EXPECT_EQUAL(posix_stat("file").st_size, 100900);
	EXPECT_OK(close(fd));
	expect_zeros("file", 1000, 100900);
	EXPECT_OK(truncate("file", 1000));
	posix_check_file("file", 1000, 1);
}

static void a_hole_is_punched_right_or_not_at_all(void)
{
	int fd;

	posix_make_file("file", 100000, 1);
	fd = (int)EXPECT_OK(open("file", O_RDWR));
	if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 10000, 20000) == 0) {
		expect_zeros("file", 10000, 30000);
	} else {
		EXPECT_EQUAL(errno, EOPNOTSUPP);
		posix_check_file("file", 100000, 1);
	}
	EXPECT_OK(close(fd));
	EXPECT_EQUAL(posix_stat("file").st_size, 100000);
}

static void data_and_holes_cover_the_file(void)
{
	int fd = (int)EXPECT_OK(open("file", O_RDWR | O_CREAT, 0644));

	EXPECT_EQUAL(pwrite(fd, "abc", 3, 200000), 3);
	EXPECT(lseek(fd, 200000, SEEK_DATA) == 200000);
	EXPECT_EQUAL(lseek(fd, 200001, SEEK_HOLE), 200003);
	EXPECT(lseek(fd, 0, SEEK_DATA) >= 0 && lseek(fd, 0, SEEK_DATA) <= 200000);
	EXPECT_ERRNO(lseek(fd, 200003, SEEK_DATA), ENXIO);
	EXPECT_OK(close(fd));
}

static void kernel_copies_are_right(void)
{
	off_t from = 0, at = 0;
	int in, out;

	posix_make_file("in", 500000, 1);
	in = (int)EXPECT_OK(open("in", O_RDONLY));
	out = (int)EXPECT_OK(open("out", O_RDWR | O_CREAT, 0644));
	while (copy_file_range(in, &from, out, &at, 500000, 0) > 0)
		;
	if (from == 0) /* not offered between these two: the plain way must do */
		EXPECT_EQUAL(sendfile(out, in, NULL, 500000), 500000);
	EXPECT_OK(close(out));
	posix_check_file("out", 500000, 1);
	EXPECT_OK(unlink("out"));
	from = 0;
	out = (int)EXPECT_OK(open("out", O_RDWR | O_CREAT, 0644));
	while (sendfile(out, in, &from, 500000) > 0)
		;
	EXPECT_OK(close(out));
	posix_check_file("out", 500000, 1);
	EXPECT_OK(close(in));
}

static void the_space_left_is_told_sanely(void)
{
	struct statvfs fs;

	EXPECT_OK(statvfs(".", &fs));
	EXPECT(fs.f_bsize >= 512 && fs.f_frsize >= 512 && fs.f_frsize <= 1 << 20);
	EXPECT(fs.f_blocks > 0 && fs.f_bfree <= fs.f_blocks && fs.f_bavail <= fs.f_bfree);
	EXPECT(fs.f_bavail > 0);
	EXPECT_EQUAL(fs.f_namemax, 255);
}

static void a_file_over_4_GiB_keeps_both_ends(void)
{
	char found[4] = "";
	off_t end = (4LL << 30) + 12345;
	int fd = (int)EXPECT_OK(open("file", O_RDWR | O_CREAT, 0644));

	EXPECT_EQUAL(pwrite(fd, "beg", 3, 0), 3);
	EXPECT_EQUAL(pwrite(fd, "end", 3, end), 3);
	EXPECT_OK(close(fd));
	EXPECT_EQUAL(posix_stat("file").st_size, end + 3);
	fd = (int)EXPECT_OK(open("file", O_RDONLY));
	EXPECT_EQUAL(pread(fd, found, 3, end), 3);
	EXPECT(strcmp(found, "end") == 0);
	EXPECT_EQUAL(pread(fd, found, 3, 0), 3);
	EXPECT(strcmp(found, "beg") == 0);
	EXPECT_OK(close(fd));
}

static void a_file_over_4_TiB_is_EFBIG(void)
{
	int fd = (int)EXPECT_OK(open("file", O_RDWR | O_CREAT, 0644));

	EXPECT_ERRNO(ftruncate(fd, (4LL << 40) + 1), EFBIG);
	EXPECT_OK(close(fd));
	EXPECT_EQUAL(posix_stat("file").st_size, 0);
}

const struct posix_test posix_data_tests[] = {
	POSIX_TEST(every_edge_size_comes_back),
	POSIX_TEST(reading_at_and_behind_the_end_gives_nothing),
	POSIX_TEST(a_write_behind_the_end_leaves_zeros_between),
	POSIX_TEST(truncation_down_and_up_leaves_zeros),
	POSIX_TEST(truncation_of_an_open_file_shows_to_its_reader),
	POSIX_TEST(truncation_refuses_what_it_must),
	POSIX_TEST(a_change_in_the_middle_keeps_the_rest),
	POSIX_TEST(scattered_buffers_are_written_and_read_in_order),
	POSIX_TEST(two_processes_append_without_loss),
	POSIX_TEST(two_processes_write_side_by_side),
	POSIX_TEST(flushing_is_accepted_in_every_form),
	POSIX_TEST(allocation_grows_with_zeros_or_keeps_the_size),
	POSIX_TEST(allocation_moves_mtime_and_ctime),
	POSIX_TEST(a_hole_is_punched_right_or_not_at_all),
	POSIX_TEST(data_and_holes_cover_the_file),
	POSIX_TEST(kernel_copies_are_right),
	POSIX_TEST(the_space_left_is_told_sanely),
	POSIX_TEST_FOR(POSIX_SLOW, a_file_over_4_GiB_keeps_both_ends),
	POSIX_TEST_FOR(POSIX_EMRFS, a_file_over_4_TiB_is_EFBIG),
	{0},
};
