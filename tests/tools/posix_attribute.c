/* These tests of the POSIX suite ask for modes, times, link counts and inode numbers of files
 * and directories. */
#include "posix_suite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static void chmod_changes_the_bits_and_ctime_only(void)
{
	struct stat before, after;

	posix_make_file("file", 100, 1);
	for (mode_t mode = 0; mode <= 0777; mode += 0111) {
		EXPECT_OK(chmod("file", mode));
		EXPECT_EQUAL(posix_stat("file").st_mode, S_IFREG | mode);
	}
	before = posix_stat("file");
	posix_let_time_pass();
	EXPECT_OK(chmod("file", 0640));
	after = posix_stat("file");
	EXPECT(posix_is_before(before.st_ctim, after.st_ctim));
	EXPECT(!posix_is_before(before.st_mtim, after.st_mtim));
	posix_check_file("file", 100, 1);
}

static void chmod_works_on_directories_and_descriptors(void)
{
	int fd;

	EXPECT_OK(mkdir("dir", 0755));
	EXPECT_OK(chmod("dir", 0710));
	EXPECT_EQUAL(posix_stat("dir").st_mode & 0777, 0710);
	fd = (int)EXPECT_OK(open("dir", O_RDONLY | O_DIRECTORY));
	EXPECT_OK(fchmod(fd, 0700));
	EXPECT_EQUAL(posix_stat("dir").st_mode & 0777, 0700);
	EXPECT_OK(close(fd));
	EXPECT_ERRNO(chmod("missing", 0644), ENOENT);
}

static void set_user_id_bits_are_never_kept_on_files(void)
{
	posix_make_file("file", 100, 1);
	EXPECT_OK(chmod("file", 06755));
	EXPECT_EQUAL(posix_stat("file").st_mode & 07777, 0755);
	EXPECT_OK(close((int)EXPECT_OK(open("new", O_WRONLY | O_CREAT, 06755))));
	EXPECT_EQUAL(posix_stat("new").st_mode & 06000, 0);
}

static void times_are_kept_to_the_nanosecond(void)
{
	static const struct timespec moments[] = {
		{1, 1}, {1000000000, 999999999}, {1700000000, 123456789}, {4000000000, 7}, {0, 0}};

	posix_make_file("file", 100, 1);
	EXPECT_OK(mkdir("dir", 0755));
	EXPECT_OK(symlink("nowhere", "link"));
	for (size_t i = 0; i < sizeof(moments) / sizeof(moments[0]); i++) {
		struct timespec times[2] = {{5, 5}, moments[i]};
		static const char *const names[] = {"file", "dir", "link"};

		for (int n = 0; n < 3; n++) {
			struct stat st;

			EXPECT_OK(utimensat(AT_FDCWD, names[n], times, AT_SYMLINK_NOFOLLOW));
			st = posix_stat(names[n]);
			EXPECT_EQUAL(st.st_mtim.tv_sec, moments[i].tv_sec);
			EXPECT_EQUAL(st.st_mtim.tv_nsec, moments[i].tv_nsec);
		}
	}
}

/* Records have nanoseconds in 64 bits; Windows counts from 1601. */
static void a_time_beyond_1677_and_2262_is_the_nearest(void)
{
	static const struct {
		time_t asked, kept;
	} moments[] = {{-11644473600, -9223372037}, {253402300799, 9223372036},
		{-8520336000, -8520336000}, {9214646400, 9214646400}, {INT64_MIN / 2, -9223372037},
		{INT64_MAX / 2, 9223372036}};

	posix_make_file("file", 100, 1);
	for (size_t i = 0; i < sizeof(moments) / sizeof(moments[0]); i++) {
		struct timespec times[2] = {{5, 5}, {moments[i].asked, 0}};

		EXPECT_OK(utimensat(AT_FDCWD, "file", times, 0));
		EXPECT_EQUAL(posix_stat("file").st_mtim.tv_sec, moments[i].kept);
	}
}

static void a_directory_has_a_link_for_each_one_in_it(void)
{
	EXPECT_OK(mkdir("dir", 0755));
	EXPECT_EQUAL(posix_stat("dir").st_nlink, 2);
	EXPECT_OK(mkdir("dir/a", 0755));
	EXPECT_OK(mkdir("dir/b", 0755));
	EXPECT_OK(symlink("a", "dir/link"));
	posix_make_file("dir/file", 100, 1);
	EXPECT_EQUAL(posix_stat("dir").st_nlink, 4);
	EXPECT_OK(rename("dir/a", "dir/b"));
	EXPECT_EQUAL(posix_stat("dir").st_nlink, 3);
	EXPECT_OK(rename("dir/b", "elsewhere"));
	EXPECT_EQUAL(posix_stat("dir").st_nlink, 2);
	EXPECT_OK(rename("elsewhere", "dir/c"));
	EXPECT_EQUAL(posix_stat("dir").st_nlink, 3);
	EXPECT_OK(rmdir("dir/c"));
	EXPECT_EQUAL(posix_stat("dir").st_nlink, 2);
}

static void a_time_before_1970_is_kept(void)
{
	struct timespec times[2] = {{-86400, 0}, {-86400, 250000000}};

	posix_make_file("file", 100, 1);
	EXPECT_OK(utimensat(AT_FDCWD, "file", times, 0));
	EXPECT_EQUAL(posix_stat("file").st_mtim.tv_sec, -86400);
	EXPECT_EQUAL(posix_stat("file").st_mtim.tv_nsec, 250000000);
}

static void omit_and_now_mean_what_they_say(void)
{
	struct timespec set[2] = {{1000, 1}, {2000, 2}};
	struct timespec omit[2] = {{0, UTIME_OMIT}, {0, UTIME_OMIT}};
	struct timespec now[2] = {{0, UTIME_OMIT}, {0, UTIME_NOW}};
	struct timespec clock;

	posix_make_file("file", 100, 1);
	EXPECT_OK(utimensat(AT_FDCWD, "file", set, 0));
	EXPECT_OK(utimensat(AT_FDCWD, "file", omit, 0));
	EXPECT_EQUAL(posix_stat("file").st_mtim.tv_sec, 2000);
	EXPECT_OK(utimensat(AT_FDCWD, "file", now, 0));
	clock_gettime(CLOCK_REALTIME, &clock);
	EXPECT(clock.tv_sec - posix_stat("file").st_mtim.tv_sec <= 5);
	EXPECT_OK(utimensat(AT_FDCWD, "file", NULL, 0));
	EXPECT(clock.tv_sec - posix_stat("file").st_mtim.tv_sec <= 5);
}

static void setting_times_moves_ctime(void)
{
	struct timespec times[2] = {{1000, 0}, {1000, 0}};
	struct stat before;

	posix_make_file("file", 100, 1);
	before = posix_stat("file");
	posix_let_time_pass();
	EXPECT_OK(utimensat(AT_FDCWD, "file", times, 0));
	EXPECT(posix_is_before(before.st_ctim, posix_stat("file").st_ctim));
}

/* Programs such as cp -p, tar and rsync do this. */
static void times_set_after_writing_survive_the_close(void)
{
	struct timespec times[2] = {{1000, 0}, {1234567, 890}};
	int fd = (int)EXPECT_OK(open("file", O_WRONLY | O_CREAT, 0644));

	for (int i = 0; i < 30; i++)
		EXPECT_EQUAL(write(fd, "some bytes", 10), 10);
	EXPECT_OK(futimens(fd, times));
	EXPECT_OK(close(fd));
	EXPECT_EQUAL(posix_stat("file").st_mtim.tv_sec, 1234567);
	EXPECT_EQUAL(posix_stat("file").st_mtim.tv_nsec, 890);
	fd = (int)EXPECT_OK(open("file", O_RDONLY));
	EXPECT_OK(fsync(fd));
	EXPECT_OK(close(fd));
	EXPECT_EQUAL(posix_stat("file").st_mtim.tv_sec, 1234567);
}

static void expect_moved(const char *name, struct stat before, bool is_expected)
{
	struct stat after = posix_stat(name);

	EXPECT_EQUAL(posix_is_before(before.st_mtim, after.st_mtim), is_expected);
	EXPECT_EQUAL(posix_is_before(before.st_ctim, after.st_ctim), is_expected);
}

static void writing_and_truncating_move_mtime_and_ctime(void)
{
	struct stat before;
	int fd;

	posix_make_file("file", 10000, 1);
	before = posix_stat("file");
	posix_let_time_pass();
	fd = (int)EXPECT_OK(open("file", O_WRONLY));
	expect_moved("file", before, false);
	EXPECT_EQUAL(write(fd, "x", 1), 1);
	EXPECT_OK(close(fd));
	expect_moved("file", before, true);
	before = posix_stat("file");
	posix_let_time_pass();
	EXPECT_OK(truncate("file", 500));
	expect_moved("file", before, true);
	before = posix_stat("file");
	posix_let_time_pass();
	EXPECT_OK(close((int)EXPECT_OK(open("file", O_WRONLY | O_TRUNC))));
	expect_moved("file", before, true);
}

static void reading_and_failing_move_nothing(void)
{
	struct stat before;
	char byte;
	int fd;

	posix_make_file("file", 10000, 1);
	before = posix_stat("file");
	posix_let_time_pass();
	fd = (int)EXPECT_OK(open("file", O_RDWR));
	EXPECT_EQUAL(read(fd, &byte, 1), 1);
	EXPECT_EQUAL(write(fd, &byte, 0), 0);
	EXPECT_ERRNO(ftruncate(fd, -1), EINVAL);
	EXPECT_OK(close(fd));
	expect_moved("file", before, false);
}

static void a_new_file_has_times_of_now_and_one_link(void)
{
	struct timespec clock;
	struct stat st;

	posix_make_file("file", 100, 1);
	st = posix_stat("file");
	clock_gettime(CLOCK_REALTIME, &clock);
	EXPECT(clock.tv_sec - st.st_mtim.tv_sec <= 5 && clock.tv_sec >= st.st_mtim.tv_sec);
	EXPECT(clock.tv_sec - st.st_ctim.tv_sec <= 5);
	EXPECT(clock.tv_sec - st.st_atim.tv_sec <= 5);
	EXPECT_EQUAL(st.st_nlink, 1);
	EXPECT_EQUAL(st.st_uid, geteuid());
	EXPECT(st.st_blksize >= 512);
}

static void inodes_are_different_and_stay(void)
{
	struct stat a, b;
	int fd;

	posix_make_file("a", 100, 1);
	posix_make_file("b", 100, 2);
	a = posix_stat("a");
	b = posix_stat("b");
	EXPECT(a.st_ino != b.st_ino);
	EXPECT_EQUAL(a.st_dev, b.st_dev);
	fd = (int)EXPECT_OK(open("a", O_RDWR | O_TRUNC));
	EXPECT_EQUAL(write(fd, "x", 1), 1);
	EXPECT_OK(close(fd));
	EXPECT_EQUAL(posix_stat("a").st_ino, a.st_ino);
}

static void giving_a_file_to_its_owner_changes_nothing(void)
{
	posix_make_file("file", 100, 1);
	EXPECT_OK(chown("file", geteuid(), getegid()));
	EXPECT_OK(chown("file", (uid_t)-1, (gid_t)-1));
	EXPECT_EQUAL(posix_stat("file").st_uid, geteuid());
}

static void access_answers_by_the_bits(void)
{
	posix_make_file("file", 100, 1);
	EXPECT_OK(access("file", F_OK));
	EXPECT_OK(access("file", R_OK | W_OK));
	EXPECT_ERRNO(access("file", X_OK), EACCES);
	EXPECT_OK(chmod("file", 0755));
	EXPECT_OK(access("file", X_OK));
	EXPECT_ERRNO(access("missing", F_OK), ENOENT);
}

static void blocks_count_roughly_what_is_held(void)
{
	int fd;

	posix_make_file("file", 1 << 20, 1);
	fd = (int)EXPECT_OK(open("file", O_RDONLY));
	EXPECT_OK(fsync(fd));
	EXPECT_OK(close(fd));
	EXPECT(posix_stat("file").st_blocks >= 2048 / 2);
	EXPECT(posix_stat("file").st_blocks <= 2048 * 2);
}

const struct posix_test posix_attribute_tests[] = {
	POSIX_TEST(chmod_changes_the_bits_and_ctime_only),
	POSIX_TEST(chmod_works_on_directories_and_descriptors),
	POSIX_TEST_FOR(POSIX_EMRFS, set_user_id_bits_are_never_kept_on_files),
	POSIX_TEST(times_are_kept_to_the_nanosecond),
	POSIX_TEST(a_time_before_1970_is_kept),
	POSIX_TEST_FOR(POSIX_EMRFS, a_time_beyond_1677_and_2262_is_the_nearest),
	POSIX_TEST(a_directory_has_a_link_for_each_one_in_it),
	POSIX_TEST(omit_and_now_mean_what_they_say),
	POSIX_TEST(setting_times_moves_ctime),
	POSIX_TEST(times_set_after_writing_survive_the_close),
	POSIX_TEST(writing_and_truncating_move_mtime_and_ctime),
	POSIX_TEST(reading_and_failing_move_nothing),
	POSIX_TEST(a_new_file_has_times_of_now_and_one_link),
	POSIX_TEST(inodes_are_different_and_stay),
	POSIX_TEST(giving_a_file_to_its_owner_changes_nothing),
	POSIX_TEST(access_answers_by_the_bits),
	POSIX_TEST(blocks_count_roughly_what_is_held),
	{0},
};
