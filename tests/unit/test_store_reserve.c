/* These tests fill a disk whose free space the test decides, and look at the space that is kept
 * aside. */
#include "emr_test.h"

#include <sys/statvfs.h>

#include "store/reserve.h"

#define MIB ((uint64_t)1 << 20)
#define BYTES (8 * MIB)

static uint64_t others; /* bytes of everybody else; the disk has 20 MiB */
static char path[] = "/tmp/emr-reserve-XXXXXX";
static int dirfd_;

static uint64_t size_of_file(void)
{
	struct stat st;

	return fstatat(dirfd_, EMR_RESERVE_NAME, &st, 0) == 0 ? (uint64_t)st.st_size : 0;
}

static uint64_t free_now(void)
{
	return 20 * MIB - others - size_of_file();
}

WRAPPED(int, fstatvfs64, int fd, struct statvfs *out)
{
	(void)fd;
	*out = (struct statvfs){.f_frsize = 1, .f_bfree = free_now(), .f_bavail = free_now()};
	return 0;
}

WRAPPED(int, posix_fallocate64, int fd, off_t offset, off_t len)
{
	return (uint64_t)(offset + len) - size_of_file() > free_now()
		       ? ENOSPC
		       : __real_posix_fallocate64(fd, offset, len);
}

static emr_reserve *opened(uint64_t others_have)
{
	emr_reserve *reserve = NULL;

	others = others_have;
	assert_int_equal(emr_reserve_open(dirfd_, BYTES, &reserve), EMR_OK);
	return reserve;
}

static void start(void)
{
	(void)unlinkat(dirfd_, EMR_RESERVE_NAME, 0);
}

TEST(room_is_put_aside_and_given_in_parts)
{
	emr_reserve *r;

	start();
	r = opened(MIB);
	assert_int_equal(size_of_file(), BYTES);
	assert_false(emr_reserve_is_out(r));
	others = 12 * MIB; /* nothing is free */
	assert_false(emr_reserve_is_out(r));
	assert_true(emr_reserve_release(r));
	assert_int_equal(size_of_file(), 6 * MIB);
	assert_true(emr_reserve_is_out(r));
	assert_int_equal(emr_reserve_left(r, free_now()), 0);
	others += 2 * MIB; /* somebody took it */
	emr_reserve_check(r);
	assert_int_equal(size_of_file(), 4 * MIB);
	assert_true(emr_reserve_release(r));
	assert_true(emr_reserve_release(r));
	assert_false(emr_reserve_release(r));
	emr_reserve_close(r);
}

TEST(it_comes_back_by_itself)
{
	emr_reserve *r;

	start();
	r = opened(0);
	others = 12 * MIB;
	emr_reserve_check(r);
	assert_true(emr_reserve_is_out(r));
	others = 11 * MIB;
	assert_true(emr_reserve_is_out(r)); /* but what there is was taken */
	assert_int_equal(size_of_file(), 7 * MIB);
	others = 8 * MIB;
	assert_false(emr_reserve_is_out(r));
	assert_int_equal(size_of_file(), BYTES);
	emr_reserve_close(r);
}

TEST(what_is_lent_is_not_taken_meanwhile)
{
	emr_reserve *r;

	start();
	r = opened(0);
	emr_reserve_lend(r);
	assert_int_equal(size_of_file(), BYTES); /* the disk is not full */
	emr_reserve_take_back(r);
	others = 12 * MIB;
	emr_reserve_check(r);
	emr_reserve_lend(r);
	assert_int_equal(size_of_file(), 0);
	others = 0;
	assert_true(emr_reserve_is_out(r));
	assert_int_equal(size_of_file(), 0);
	emr_reserve_take_back(r);
	assert_int_equal(size_of_file(), BYTES);
	assert_false(emr_reserve_is_out(r));
	emr_reserve_close(r);
}

TEST(a_full_disk_gets_room_at_the_next_start)
{
	emr_reserve *r;

	start();
	r = opened(0);
	others = 12 * MIB;
	emr_reserve_close(r);
	assert_int_equal(size_of_file(), BYTES);
	r = opened(12 * MIB);
	assert_int_equal(size_of_file(), 6 * MIB);
	others = 13 * MIB;
	emr_reserve_close(r); /* all there is, for the start after this */
	assert_int_equal(size_of_file(), 7 * MIB);
}

TEST(no_reserve_is_fine)
{
	assert_false(emr_reserve_is_out(NULL));
	assert_false(emr_reserve_release(NULL));
	emr_reserve_check(NULL);
	emr_reserve_lend(NULL);
	emr_reserve_take_back(NULL);
	assert_int_equal(emr_reserve_left(NULL, 5), 5);
	emr_reserve_close(NULL);
}

/* A file with holes has put nothing aside. */
/* Made for a larger disk, or made larger by somebody: it must not take the whole disk. */
TEST(a_file_that_is_too_large_is_cut)
{
	emr_reserve *reserve;
	int fd;

	start();
	fd = openat(dirfd_, EMR_RESERVE_NAME, O_RDWR | O_CREAT, 0600);
	assert_true(fd >= 0);
	assert_int_equal(__real_posix_fallocate64(fd, 0, (off_t)(BYTES + 4 * MIB)), 0);
	close(fd);
	reserve = opened(0);
	assert_int_equal(size_of_file(), BYTES);
	emr_reserve_close(reserve);
	assert_int_equal(size_of_file(), BYTES);
}

TEST(a_file_with_holes_does_not_count)
{
	emr_reserve *r;
	struct stat st;
	EMR_AUTO_FD fd;

	start();
	fd = openat(dirfd_, EMR_RESERVE_NAME, O_RDWR | O_CREAT | O_EXCL, 0600);
	assert_true(fd >= 0 && ftruncate(fd, (off_t)BYTES) == 0);
	r = opened(0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_true((uint64_t)st.st_blocks * 512 >= BYTES);
	emr_reserve_close(r);
}

int main(void)
{
	int failed;

	assert_non_null(mkdtemp(path));
	dirfd_ = open(path, O_RDONLY | O_DIRECTORY);
	assert_true(dirfd_ >= 0);
	failed = emr_tests_run(NULL, NULL);
	start();
	close(dirfd_);
	rmdir(path);
	return failed;
}
