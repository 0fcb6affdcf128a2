/* These tests of the POSIX suite act as another user, and must get no more than the permissions
 * of files and directories allow. */
#include "posix_suite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

enum { NOBODY = 65534 };

static void read_what_is_open_to_all(void *unused)
{
	(void)unused;
	posix_check_file("open", 100, 1);
	EXPECT_ERRNO(open("private", O_RDONLY), EACCES);
	EXPECT_ERRNO(open("open", O_WRONLY), EACCES);
	EXPECT_ERRNO(open("open", O_RDWR), EACCES);
	EXPECT_ERRNO(truncate("open", 0), EACCES);
	EXPECT_ERRNO(access("private", R_OK), EACCES);
}

static void others_read_and_write_by_the_bits(void)
{
	posix_make_file("open", 100, 1);
	posix_make_file("private", 100, 2);
	EXPECT_OK(chmod("private", 0600));
	posix_as_nobody(read_what_is_open_to_all, NULL);
	posix_check_file("open", 100, 1);
}

static void change_nothing_here(void *unused)
{
	(void)unused;
	EXPECT_ERRNO(open("new", O_WRONLY | O_CREAT, 0644), EACCES);
	EXPECT_ERRNO(mkdir("new", 0755), EACCES);
	EXPECT_ERRNO(unlink("file"), EACCES);
	EXPECT_ERRNO(rmdir("dir"), EACCES);
	EXPECT_ERRNO(rename("file", "new"), EACCES);
	EXPECT_ERRNO(rename("file", "dir/file"), EACCES);
	EXPECT_ERRNO(symlink("x", "new"), EACCES);
}

static void others_change_no_entries_without_write_permission(void)
{
	posix_make_file("file", 100, 1);
	EXPECT_OK(mkdir("dir", 0777));
	posix_as_nobody(change_nothing_here, NULL);
	posix_check_file("file", 100, 1);
}

static void own_nothing(void *unused)
{
	struct timespec times[2] = {{1, 0}, {1, 0}};

	(void)unused;
	EXPECT_ERRNO(chmod("file", 0777), EPERM);
	EXPECT_ERRNO(chown("file", NOBODY, NOBODY), EPERM);
	EXPECT_ERRNO(utimensat(AT_FDCWD, "file", times, 0), EPERM);
	EXPECT_ERRNO(utimensat(AT_FDCWD, "shut", NULL, 0), EACCES);
	EXPECT_OK(utimensat(AT_FDCWD, "file", NULL, 0)); /* now: write permission is enough */
}

static void others_do_not_change_what_they_do_not_own(void)
{
	posix_make_file("file", 100, 1);
	posix_make_file("shut", 100, 1);
	EXPECT_OK(chmod("file", 0666));
	posix_as_nobody(own_nothing, NULL);
	EXPECT_EQUAL(posix_stat("file").st_mode & 0777, 0666);
}

static void pass_but_do_not_look(void *unused)
{
	struct stat st;

	(void)unused;
	posix_check_file("passage/file", 100, 1);
	EXPECT_ERRNO(open("passage", O_RDONLY | O_DIRECTORY), EACCES);
	EXPECT_ERRNO(stat("listing/file", &st), EACCES);
	EXPECT_OK(close((int)EXPECT_OK(open("listing", O_RDONLY | O_DIRECTORY))));
	EXPECT_ERRNO(stat("closed/file", &st), EACCES);
}

static void searching_and_listing_are_separate(void)
{
	static const struct {
		const char *name, *file;
		mode_t mode;
	} dirs[] = {{"passage", "passage/file", 0711}, {"listing", "listing/file", 0744},
		{"closed", "closed/file", 0700}};

	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		EXPECT_OK(mkdir(dirs[i].name, 0755));
		posix_make_file(dirs[i].file, 100, 1);
		EXPECT_OK(chmod(dirs[i].name, dirs[i].mode));
	}
	posix_as_nobody(pass_but_do_not_look, NULL);
}

static void make_in_the_open_directory(void *unused)
{
	(void)unused;
	posix_make_file("open/file", 100, 1);
	EXPECT_OK(mkdir("open/dir", 0755));
}

static void a_file_made_by_another_user_belongs_to_that_user(void)
{
	EXPECT_OK(mkdir("open", 0755));
	EXPECT_OK(chmod("open", 0777));
	posix_as_nobody(make_in_the_open_directory, NULL);
	EXPECT_EQUAL(posix_stat("open/file").st_uid, NOBODY);
	EXPECT_EQUAL(posix_stat("open/dir").st_uid, NOBODY);
}

static void remove_from_sticky(void *unused)
{
	(void)unused;
	EXPECT_ERRNO(unlink("sticky/file"), EPERM);
	EXPECT_ERRNO(rename("sticky/file", "sticky/new"), EPERM);
}

static void in_a_sticky_directory_others_do_not_remove_your_file(void)
{
	EXPECT_OK(mkdir("sticky", 0755));
	EXPECT_OK(chmod("sticky", 01777));
	posix_make_file("sticky/file", 100, 1);
	posix_as_nobody(remove_from_sticky, NULL);
	posix_check_file("sticky/file", 100, 1);
}

static void use_open_descriptor(void *fd)
{
	char byte;

	EXPECT_EQUAL(pread(*(const int *)fd, &byte, 1, 0), 1);
}

static void a_descriptor_opened_before_goes_on(void)
{
	int fd;

	posix_make_file("file", 100, 1);
	fd = (int)EXPECT_OK(open("file", O_RDONLY));
	EXPECT_OK(chmod("file", 0));
	posix_as_nobody(use_open_descriptor, &fd);
}

const struct posix_test posix_permission_tests[] = {
	POSIX_TEST(others_read_and_write_by_the_bits),
	POSIX_TEST(others_change_no_entries_without_write_permission),
	POSIX_TEST(others_do_not_change_what_they_do_not_own),
	POSIX_TEST(searching_and_listing_are_separate),
	POSIX_TEST(a_file_made_by_another_user_belongs_to_that_user),
	POSIX_TEST(in_a_sticky_directory_others_do_not_remove_your_file),
	POSIX_TEST(a_descriptor_opened_before_goes_on),
	{0},
};
