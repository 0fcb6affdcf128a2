/* These tests of the POSIX suite make symbolic links, hard links and special files. An emrfs
 * folder refuses the last two by design, and they test that it says so. */
#include "posix_suite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

static void hard_links_are_EPERM(void)
{
	posix_make_file("file", 100, 1);
	EXPECT_ERRNO(link("file", "second"), EPERM);
	EXPECT(posix_is_gone("second"));
	EXPECT_ERRNO(link("missing", "second"), ENOENT);
	EXPECT_EQUAL(posix_stat("file").st_nlink, 1);
}

static void hard_links_share_one_file(void)
{
	posix_make_file("file", 100, 1);
	EXPECT_OK(link("file", "second"));
	EXPECT_EQUAL(posix_stat("file").st_nlink, 2);
	EXPECT_EQUAL(posix_stat("file").st_ino, posix_stat("second").st_ino);
	EXPECT_OK(unlink("file"));
	posix_check_file("second", 100, 1);
}

static void pipes_sockets_and_devices_are_EPERM(void)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "socket"};
	int fd = (int)EXPECT_OK(socket(AF_UNIX, SOCK_STREAM, 0));

	EXPECT_ERRNO(mkfifo("pipe", 0644), EPERM);
	EXPECT_ERRNO(mknod("char", S_IFCHR | 0644, makedev(1, 3)), EPERM);
	EXPECT_ERRNO(mknod("block", S_IFBLK | 0644, makedev(7, 0)), EPERM);
	EXPECT_ERRNO(mknod("sock", S_IFSOCK | 0644, 0), EPERM);
	EXPECT_ERRNO(bind(fd, (struct sockaddr *)&name, sizeof(name)), EPERM);
	EXPECT(posix_is_gone("pipe") && posix_is_gone("char") && posix_is_gone("socket"));
	EXPECT_OK(close(fd));
}

static void pipes_are_made(void)
{
	EXPECT_OK(mkfifo("pipe", 0644));
	EXPECT_EQUAL(posix_stat("pipe").st_mode & S_IFMT, S_IFIFO);
}

static void mknod_makes_a_plain_file(void)
{
	EXPECT_OK(mknod("file", S_IFREG | 0640, 0));
	EXPECT_EQUAL(posix_stat("file").st_mode, S_IFREG | 0640);
	EXPECT_EQUAL(posix_stat("file").st_size, 0);
	EXPECT_ERRNO(mknod("file", S_IFREG | 0640, 0), EEXIST);
}

static void a_link_is_followed_and_read(void)
{
	struct stat st;
	char text[16];

	EXPECT_OK(mkdir("dir", 0755));
	posix_make_file("dir/file", 100, 1);
	EXPECT_OK(symlink("dir/file", "link"));
	posix_check_file("link", 100, 1);
	EXPECT_OK(stat("link", &st));
	EXPECT_EQUAL(st.st_ino, posix_stat("dir/file").st_ino);
	EXPECT_EQUAL(posix_stat("link").st_mode & S_IFMT, S_IFLNK);
	EXPECT_EQUAL(posix_stat("link").st_size, 8);
	EXPECT_EQUAL(readlink("link", text, 3), 3);
	EXPECT_ERRNO(readlink("dir/file", text, sizeof(text)), EINVAL);
	EXPECT_ERRNO(readlink("dir", text, sizeof(text)), EINVAL);
	EXPECT_ERRNO(readlink("missing", text, sizeof(text)), ENOENT);
}

static void removing_a_link_leaves_its_target(void)
{
	posix_make_file("file", 100, 1);
	EXPECT_OK(symlink("file", "link"));
	EXPECT_OK(unlink("link"));
	posix_check_file("file", 100, 1);
	EXPECT_ERRNO(symlink("x", "file"), EEXIST);
}

static void creating_through_a_dangling_link_makes_its_target(void)
{
	EXPECT_OK(symlink("target", "link"));
	EXPECT_ERRNO(open("link", O_RDONLY), ENOENT);
	posix_make_file("link", 100, 1);
	posix_check_file("target", 100, 1);
}

static void a_circle_of_links_is_ELOOP(void)
{
	struct stat st;

	EXPECT_OK(symlink("b", "a"));
	EXPECT_OK(symlink("a", "b"));
	EXPECT_ERRNO(open("a", O_RDONLY), ELOOP);
	EXPECT_ERRNO(stat("a/below", &st), ELOOP);
	EXPECT_ERRNO(chmod("a", 0644), ELOOP);
	EXPECT_ERRNO(truncate("a", 0), ELOOP);
	EXPECT_OK(unlink("a"));
}

static void a_link_may_point_anywhere(void)
{
	static const char *const texts[] = {
		"/", "/etc/passwd", "..", "../..", "no such thing", "\xff\xfe\n", "."};
	char found[64];

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		EXPECT_OK(symlink(texts[i], "link"));
		EXPECT_EQUAL(readlink("link", found, sizeof(found)), strlen(texts[i]));
		EXPECT(memcmp(found, texts[i], strlen(texts[i])) == 0);
		EXPECT_OK(unlink("link"));
	}
}

const struct posix_test posix_link_tests[] = {
	POSIX_TEST_FOR(POSIX_EMRFS, hard_links_are_EPERM),
	POSIX_TEST_FOR(POSIX_PLAIN, hard_links_share_one_file),
	POSIX_TEST_FOR(POSIX_EMRFS, pipes_sockets_and_devices_are_EPERM),
	POSIX_TEST_FOR(POSIX_PLAIN, pipes_are_made),
	POSIX_TEST(mknod_makes_a_plain_file),
	POSIX_TEST(a_link_is_followed_and_read),
	POSIX_TEST(removing_a_link_leaves_its_target),
	POSIX_TEST(creating_through_a_dangling_link_makes_its_target),
	POSIX_TEST(a_circle_of_links_is_ELOOP),
	POSIX_TEST(a_link_may_point_anywhere),
	{0},
};
