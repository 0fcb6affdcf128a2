/* These tests of the POSIX suite open and create files with every flag, and go on with files
 * whose names are gone. */
#include "posix_suite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void opening_a_missing_name_is_ENOENT(void)
{
	EXPECT_ERRNO(open("missing", O_RDONLY), ENOENT);
	EXPECT_ERRNO(open("missing", O_RDWR), ENOENT);
	EXPECT_ERRNO(open("missing/file", O_WRONLY | O_CREAT, 0644), ENOENT);
	EXPECT_ERRNO(open("", O_RDONLY), ENOENT);
}

static void a_file_is_no_directory_on_the_way(void)
{
	posix_make_file("file", 10, 1);
	EXPECT_ERRNO(open("file/below", O_RDONLY), ENOTDIR);
	EXPECT_ERRNO(open("file/below", O_WRONLY | O_CREAT, 0644), ENOTDIR);
	EXPECT_ERRNO(mkdir("file/below", 0755), ENOTDIR);
	EXPECT_ERRNO(open("file/", O_RDONLY), ENOTDIR);
}

static void exclusive_creation_refuses_what_exists(void)
{
	posix_make_file("file", 10, 1);
	EXPECT_OK(mkdir("dir", 0755));
	EXPECT_OK(symlink("nowhere", "dangling"));
	EXPECT_ERRNO(open("file", O_WRONLY | O_CREAT | O_EXCL, 0644), EEXIST);
	EXPECT_ERRNO(open("dir", O_RDONLY | O_CREAT | O_EXCL, 0644), EEXIST);
	EXPECT_ERRNO(open("dangling", O_WRONLY | O_CREAT | O_EXCL, 0644), EEXIST);
	posix_check_file("file", 10, 1);
	EXPECT(posix_is_gone("nowhere"));
}

static void creation_of_an_existing_file_opens_it(void)
{
	posix_make_file("file", 5000, 1);
	EXPECT_OK(close((int)EXPECT_OK(open("file", O_WRONLY | O_CREAT, 0600))));
	posix_check_file("file", 5000, 1);
	EXPECT_EQUAL(posix_stat("file").st_mode & 0777, 0644);
}

static void truncation_at_open_empties_the_file(void)
{
	int fd;

	posix_make_file("file", 300000, 1);
	fd = (int)EXPECT_OK(open("file", O_WRONLY | O_TRUNC));
	EXPECT_EQUAL(posix_stat("file").st_size, 0);
	EXPECT_OK(close(fd));
	posix_check_file("file", 0, 0);
}

static void append_writes_at_the_end_wherever_the_position_is(void)
{
	char found[7] = "";
	int fd = (int)EXPECT_OK(open("file", O_RDWR | O_CREAT | O_APPEND, 0644));

	EXPECT_EQUAL(write(fd, "abc", 3), 3);
	EXPECT_EQUAL(lseek(fd, 0, SEEK_SET), 0);
	EXPECT_EQUAL(write(fd, "def", 3), 3);
	EXPECT_EQUAL(lseek(fd, 0, SEEK_CUR), 6);
	EXPECT_EQUAL(pread(fd, found, 6, 0), 6);
	EXPECT(strcmp(found, "abcdef") == 0);
	EXPECT_OK(close(fd));
}

static void nofollow_refuses_a_link_at_the_end_only(void)
{
	EXPECT_OK(mkdir("dir", 0755));
	posix_make_file("dir/file", 10, 1);
	EXPECT_OK(symlink("dir/file", "to_file"));
	EXPECT_OK(symlink("dir", "to_dir"));
	EXPECT_ERRNO(open("to_file", O_RDONLY | O_NOFOLLOW), ELOOP);
	EXPECT_OK(close((int)EXPECT_OK(open("to_dir/file", O_RDONLY | O_NOFOLLOW))));
}

static void directory_only_refuses_files(void)
{
	posix_make_file("file", 10, 1);
	EXPECT_OK(mkdir("dir", 0755));
	EXPECT_ERRNO(open("file", O_RDONLY | O_DIRECTORY), ENOTDIR);
	EXPECT_OK(close((int)EXPECT_OK(open("dir", O_RDONLY | O_DIRECTORY))));
}

static void a_directory_is_not_opened_for_writing(void)
{
	char byte;
	int fd;

	EXPECT_OK(mkdir("dir", 0755));
	EXPECT_ERRNO(open("dir", O_WRONLY), EISDIR);
	EXPECT_ERRNO(open("dir", O_RDWR), EISDIR);
	fd = (int)EXPECT_OK(open("dir", O_RDONLY));
	EXPECT_ERRNO(read(fd, &byte, 1), EISDIR);
	EXPECT_OK(close(fd));
}

static void a_descriptor_does_only_what_it_was_opened_for(void)
{
	char byte = 'x';
	int fd;

	posix_make_file("file", 10, 1);
	fd = (int)EXPECT_OK(open("file", O_RDONLY));
	EXPECT_ERRNO(write(fd, &byte, 1), EBADF);
	EXPECT_ERRNO(ftruncate(fd, 0), EINVAL);
	EXPECT_OK(close(fd));
	fd = (int)EXPECT_OK(open("file", O_WRONLY));
	EXPECT_ERRNO(read(fd, &byte, 1), EBADF);
	EXPECT_OK(close(fd));
	posix_check_file("file", 10, 1);
}

static void creation_takes_the_mode_less_the_umask(void)
{
	static const mode_t modes[] = {0, 0400, 0600, 0644, 0666, 0755, 0777};

	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		char name[32];

		snprintf(name, sizeof(name), "mode-%o", modes[i]);
		EXPECT_OK(close((int)EXPECT_OK(open(name, O_WRONLY | O_CREAT, modes[i]))));
		EXPECT_EQUAL(posix_stat(name).st_mode & 07777, modes[i] & ~022);
	}
	umask(077);
	EXPECT_OK(close((int)EXPECT_OK(open("private", O_WRONLY | O_CREAT, 0666))));
	EXPECT_EQUAL(posix_stat("private").st_mode & 07777, 0600);
}

static void a_file_created_without_write_permission_is_written_by_its_creator(void)
{
	int fd = (int)EXPECT_OK(open("file", O_RDWR | O_CREAT | O_EXCL, 0400));

	EXPECT_EQUAL(write(fd, "abc", 3), 3);
	EXPECT_OK(close(fd));
	EXPECT_EQUAL(posix_stat("file").st_size, 3);
	EXPECT_EQUAL(posix_stat("file").st_mode & 0777, 0400);
}

static void an_unlinked_open_file_goes_on(void)
{
	char found[4] = "";
	struct stat st;
	int fd;

	posix_make_file("file", 100000, 1);
	fd = (int)EXPECT_OK(open("file", O_RDWR));
	EXPECT_OK(unlink("file"));
	EXPECT(posix_is_gone("file"));
	EXPECT_EQUAL(pwrite(fd, "new", 3, 70000), 3);
	EXPECT_EQUAL(pread(fd, found, 3, 70000), 3);
	EXPECT(strcmp(found, "new") == 0);
	EXPECT_OK(fsync(fd));
	EXPECT_OK(fdatasync(fd));
	EXPECT_OK(ftruncate(fd, 5));
	EXPECT_OK(fstat(fd, &st));
	EXPECT_EQUAL(st.st_nlink, 0);
	EXPECT_EQUAL(st.st_size, 5);
	EXPECT_OK(fchmod(fd, 0600));
	EXPECT_OK(close(fd));
}

static void an_unlinked_name_is_free_for_a_new_file(void)
{
	unsigned char old[100], found[100];
	int fd;

	posix_make_file("file", sizeof(old), 1);
	fd = (int)EXPECT_OK(open("file", O_RDONLY));
	EXPECT_EQUAL(pread(fd, old, sizeof(old), 0), sizeof(old));
	EXPECT_OK(unlink("file"));
	posix_make_file("file", 5000, 2);
	EXPECT_EQUAL(pread(fd, found, sizeof(found), 0), sizeof(found));
	EXPECT(memcmp(old, found, sizeof(old)) == 0);
	EXPECT_OK(close(fd));
	posix_check_file("file", 5000, 2);
}

static void a_duplicate_shares_the_position(void)
{
	char byte;
	int fd, twin;

	posix_make_file("file", 100, 1);
	fd = (int)EXPECT_OK(open("file", O_RDONLY));
	twin = (int)EXPECT_OK(dup(fd));
	EXPECT_EQUAL(lseek(fd, 50, SEEK_SET), 50);
	EXPECT_EQUAL(read(twin, &byte, 1), 1);
	EXPECT_EQUAL(lseek(fd, 0, SEEK_CUR), 51);
	EXPECT_OK(close(fd));
	EXPECT_EQUAL(read(twin, &byte, 1), 1);
	EXPECT_OK(close(twin));
}

static void a_descriptor_is_opened_again_through_proc(void)
{
	char path[64];
	int fd, again;

	posix_make_file("file", 100, 1);
	fd = (int)EXPECT_OK(open("file", O_RDONLY));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	again = (int)EXPECT_OK(open(path, O_RDWR));
	EXPECT_EQUAL(write(again, "x", 1), 1);
	EXPECT_OK(close(again));
	EXPECT_OK(close(fd));
}

static void two_openings_see_each_other_at_once(void)
{
	char found[6] = "";
	int writer = (int)EXPECT_OK(open("file", O_WRONLY | O_CREAT, 0644));
	int reader = (int)EXPECT_OK(open("file", O_RDONLY));

	for (int i = 0; i < 100; i++) {
		EXPECT_EQUAL(pwrite(writer, "hello", 5, i * 1000), 5);
		EXPECT_EQUAL(pread(reader, found, 5, i * 1000), 5);
		EXPECT(memcmp(found, "hello", 5) == 0);
		EXPECT_EQUAL(posix_stat("file").st_size, i * 1000 + 5);
	}
	EXPECT_OK(close(writer));
	EXPECT_OK(close(reader));
}

const struct posix_test posix_open_tests[] = {
	POSIX_TEST(opening_a_missing_name_is_ENOENT),
	POSIX_TEST(a_file_is_no_directory_on_the_way),
	POSIX_TEST(exclusive_creation_refuses_what_exists),
	POSIX_TEST(creation_of_an_existing_file_opens_it),
	POSIX_TEST(truncation_at_open_empties_the_file),
	POSIX_TEST(append_writes_at_the_end_wherever_the_position_is),
	POSIX_TEST(nofollow_refuses_a_link_at_the_end_only),
	POSIX_TEST(directory_only_refuses_files),
	POSIX_TEST(a_directory_is_not_opened_for_writing),
	POSIX_TEST(a_descriptor_does_only_what_it_was_opened_for),
	POSIX_TEST(creation_takes_the_mode_less_the_umask),
	POSIX_TEST(a_file_created_without_write_permission_is_written_by_its_creator),
	POSIX_TEST(an_unlinked_open_file_goes_on),
	POSIX_TEST(an_unlinked_name_is_free_for_a_new_file),
	POSIX_TEST(a_duplicate_shares_the_position),
	POSIX_TEST(a_descriptor_is_opened_again_through_proc),
	POSIX_TEST(two_openings_see_each_other_at_once),
	{0},
};
