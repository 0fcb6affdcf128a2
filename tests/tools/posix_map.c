/* These tests of the POSIX suite read and write files through memory mappings, alone and between
 * two processes. */
#include "posix_suite.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static char *map(const char *name, size_t size, int protection, int flags)
{
	int fd = (int)EXPECT_OK(open(name, protection & PROT_WRITE ? O_RDWR : O_RDONLY));
	char *bytes = mmap(NULL, size, protection, flags, fd, 0);

	EXPECT(bytes != MAP_FAILED);
	EXPECT_OK(close(fd));
	return bytes;
}

static void a_mapping_shows_the_bytes_of_the_file(void)
{
	static unsigned char read_bytes[300000];
	char *bytes;
	int fd;

	posix_make_file("file", sizeof(read_bytes), 1);
	fd = (int)EXPECT_OK(open("file", O_RDONLY));
	bytes = map("file", sizeof(read_bytes), PROT_READ, MAP_PRIVATE);
	EXPECT_EQUAL(pread(fd, read_bytes, sizeof(read_bytes), 0), sizeof(read_bytes));
	EXPECT(memcmp(bytes, read_bytes, sizeof(read_bytes)) == 0);
	EXPECT_OK(munmap(bytes, sizeof(read_bytes)));
	EXPECT_OK(close(fd));
}

static void a_store_in_a_shared_mapping_is_read_and_stays(void)
{
	char found[6] = "";
	char *bytes;
	int fd;

	posix_make_file("file", 100000, 1);
	fd = (int)EXPECT_OK(open("file", O_RDONLY));
	bytes = map("file", 100000, PROT_READ | PROT_WRITE, MAP_SHARED);
	memcpy(bytes + 70000, "hello", 5);
	EXPECT_EQUAL(pread(fd, found, 5, 70000), 5);
	EXPECT(strcmp(found, "hello") == 0);
	EXPECT_OK(msync(bytes, 100000, MS_SYNC));
	memcpy(bytes + 30000, "later", 5);
	EXPECT_OK(munmap(bytes, 100000));
	EXPECT_EQUAL(pread(fd, found, 5, 30000), 5);
	EXPECT(strcmp(found, "later") == 0);
	EXPECT_OK(close(fd));
}

static void a_store_in_a_private_mapping_stays_private(void)
{
	char *bytes;

	posix_make_file("file", 5000, 1);
	bytes = map("file", 5000, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	memset(bytes, 'x', 5000);
	EXPECT_OK(munmap(bytes, 5000));
	posix_check_file("file", 5000, 1);
}

static void a_write_shows_in_the_mapping(void)
{
	char *bytes;
	int fd;

	posix_make_file("file", 10000, 1);
	bytes = map("file", 10000, PROT_READ, MAP_SHARED);
	fd = (int)EXPECT_OK(open("file", O_WRONLY));
	EXPECT_EQUAL(pwrite(fd, "hello", 5, 5000), 5);
	EXPECT(memcmp(bytes + 5000, "hello", 5) == 0);
	EXPECT_OK(close(fd));
	EXPECT_OK(munmap(bytes, 10000));
}

/* The two processes pass a counter to and fro through the file's own pages. */
static void answer_counts(void *unused)
{
	volatile char *bytes = map("file", 8192, PROT_READ | PROT_WRITE, MAP_SHARED);

	(void)unused;
	for (char turn = 1; turn <= 100; turn++) {
		while (bytes[0] != turn)
			usleep(50);
		bytes[4096] = turn;
	}
}

static void two_processes_share_a_mapping(void)
{
	volatile char *bytes;
	pid_t other;

	posix_make_file("file", 8192, 1);
	EXPECT_OK(truncate("file", 0));
	EXPECT_OK(truncate("file", 8192));
	bytes = map("file", 8192, PROT_READ | PROT_WRITE, MAP_SHARED);
	other = posix_start(answer_counts, NULL);
	for (char turn = 1; turn <= 100; turn++) {
		bytes[0] = turn;
		while (bytes[4096] != turn)
			usleep(50);
	}
	posix_join(other);
}

static sigjmp_buf back;

static void jump_back(int signal_number)
{
	siglongjmp(back, signal_number);
}

static void touching_a_page_behind_the_end_is_SIGBUS(void)
{
	volatile char *bytes;

	posix_make_file("file", 100, 1);
	bytes = map("file", 8192, PROT_READ, MAP_SHARED);
	signal(SIGBUS, jump_back);
	EXPECT_EQUAL(bytes[100], 0);
	EXPECT_EQUAL(bytes[4095], 0);
	if (sigsetjmp(back, 1) == 0) {
		(void)bytes[4096];
		EXPECT(!"the page behind the end was readable");
	}
}

static void a_mapping_outlives_close_and_unlink(void)
{
	char *bytes;

	posix_make_file("file", 10000, 1);
	bytes = map("file", 10000, PROT_READ | PROT_WRITE, MAP_SHARED);
	EXPECT_OK(unlink("file"));
	bytes[9999] = 'x';
	EXPECT_OK(msync(bytes, 10000, MS_SYNC));
	EXPECT_EQUAL(bytes[9999], 'x');
	EXPECT_OK(munmap(bytes, 10000));
}

static void a_shared_writable_mapping_needs_a_writable_descriptor(void)
{
	int fd;

	posix_make_file("file", 5000, 1);
	fd = (int)EXPECT_OK(open("file", O_RDONLY));
	EXPECT(mmap(NULL, 5000, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED);
	EXPECT_EQUAL(errno, EACCES);
	EXPECT_OK(close(fd));
}

static void a_mapped_store_moves_the_time_of_modification(void)
{
	struct timespec old[2] = {{1000, 0}, {1000, 0}};
	char *bytes;

	posix_make_file("file", 5000, 1);
	EXPECT_OK(utimensat(AT_FDCWD, "file", old, 0));
	bytes = map("file", 5000, PROT_READ | PROT_WRITE, MAP_SHARED);
	bytes[10] = 'x';
	EXPECT_OK(msync(bytes, 5000, MS_SYNC));
	EXPECT_OK(munmap(bytes, 5000));
	EXPECT(posix_stat("file").st_mtim.tv_sec > 1000);
}

const struct posix_test posix_map_tests[] = {
	POSIX_TEST(a_mapping_shows_the_bytes_of_the_file),
	POSIX_TEST(a_store_in_a_shared_mapping_is_read_and_stays),
	POSIX_TEST(a_store_in_a_private_mapping_stays_private),
	POSIX_TEST(a_write_shows_in_the_mapping),
	POSIX_TEST(two_processes_share_a_mapping),
	POSIX_TEST(touching_a_page_behind_the_end_is_SIGBUS),
	POSIX_TEST(a_mapping_outlives_close_and_unlink),
	POSIX_TEST(a_shared_writable_mapping_needs_a_writable_descriptor),
	POSIX_TEST(a_mapped_store_moves_the_time_of_modification),
	{0},
};
