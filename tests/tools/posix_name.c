/* These tests of the POSIX suite use names and paths of every length and with every byte. */
#include "posix_suite.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *long_name(size_t length, char letter)
{
	static char names[4][PATH_MAX + 2];
	static unsigned next;
	char *name = names[next++ % 4];

	memset(name, letter, length);
	name[length] = '\0';
	return name;
}

static bool is_listed(const char *name)
{
	DIR *dir = opendir(".");
	const struct dirent *entry;
	bool found = false;

	EXPECT(dir != NULL);
	while ((entry = readdir(dir)) != NULL)
		found = found || strcmp(entry->d_name, name) == 0;
	closedir(dir);
	return found;
}

static void a_name_has_up_to_255_bytes(void)
{
	posix_make_file(long_name(255, 'f'), 100, 1);
	posix_check_file(long_name(255, 'f'), 100, 1);
	EXPECT(is_listed(long_name(255, 'f')));
	EXPECT_OK(rename(long_name(255, 'f'), long_name(255, 'g')));
	posix_check_file(long_name(255, 'g'), 100, 1);
	EXPECT_OK(mkdir(long_name(255, 'd'), 0755));
	EXPECT_OK(symlink("x", long_name(255, 's')));
	EXPECT_OK(rmdir(long_name(255, 'd')));
	EXPECT_OK(unlink(long_name(255, 's')));
	EXPECT_OK(unlink(long_name(255, 'g')));
}

static void a_name_of_256_bytes_is_ENAMETOOLONG(void)
{
	const char *name = long_name(256, 'n');
	struct stat st;

	posix_make_file("file", 10, 1);
	EXPECT_ERRNO(open(name, O_RDONLY), ENAMETOOLONG);
	EXPECT_ERRNO(open(name, O_WRONLY | O_CREAT, 0644), ENAMETOOLONG);
	EXPECT_ERRNO(mkdir(name, 0755), ENAMETOOLONG);
	EXPECT_ERRNO(rmdir(name), ENAMETOOLONG);
	EXPECT_ERRNO(unlink(name), ENAMETOOLONG);
	EXPECT_ERRNO(symlink("x", name), ENAMETOOLONG);
	EXPECT_ERRNO(rename("file", name), ENAMETOOLONG);
	EXPECT_ERRNO(rename(name, "file"), ENAMETOOLONG);
	EXPECT_ERRNO(stat(name, &st), ENAMETOOLONG);
	EXPECT_ERRNO(chmod(name, 0644), ENAMETOOLONG);
	EXPECT_ERRNO(truncate(name, 0), ENAMETOOLONG);
}

static void every_byte_but_slash_may_be_in_a_name(void)
{
	for (int byte = 1; byte < 256; byte++) {
		char name[] = {'n', (char)byte, '\0'};

		if (byte == '/')
			continue;
		posix_make_file(name, 3, (uint64_t)byte);
	}
	for (int byte = 1; byte < 256; byte++) {
		char name[] = {'n', (char)byte, '\0'};

		if (byte == '/')
			continue;
		posix_check_file(name, 3, (uint64_t)byte);
		EXPECT(is_listed(name));
	}
}

static void names_that_look_alike_are_different(void)
{
	static const char *const names[] = {"Report", "report", "\xc3\xa9", "e\xcc\x81", "x", "x ",
		"x.", " x", "x\n", "\xff\xfe", "...", "-rf", "~", "*"};
	enum { COUNT = sizeof(names) / sizeof(names[0]) };

	for (size_t i = 0; i < COUNT; i++)
		posix_make_file(names[i], 50, i);
	for (size_t i = 0; i < COUNT; i++)
		posix_check_file(names[i], 50, i);
}

static void dot_and_dot_dot_cannot_be_made_or_removed(void)
{
	EXPECT_ERRNO(mkdir(".", 0755), EEXIST);
	EXPECT_ERRNO(mkdir("..", 0755), EEXIST);
	EXPECT_ERRNO(rmdir("."), EINVAL);
	EXPECT_ERRNO(rmdir(".."), ENOTEMPTY);
	EXPECT_ERRNO(unlink("."), EISDIR);
	EXPECT_ERRNO(symlink("x", "."), EEXIST);
}

static void a_path_has_up_to_4095_bytes(void)
{
	char path[PATH_MAX + 16] = "";
	size_t used = 0;

	while (used < PATH_MAX - 260) { /* directories of 255 bytes each */
		memset(path + used, 'd', 255);
		path[used + 255] = '\0';
		EXPECT_OK(mkdir(path, 0755));
		path[used + 255] = '/';
		used += 256;
	}
	memset(path + used, 'f', PATH_MAX - 1 - used);
	path[PATH_MAX - 1] = '\0';
	posix_make_file(path, 100, 1);
	posix_check_file(path, 100, 1);
	EXPECT_OK(unlink(path));
	path[PATH_MAX - 1] = 'f';
	path[PATH_MAX] = '\0';
	EXPECT_ERRNO(open(path, O_WRONLY | O_CREAT, 0644), ENAMETOOLONG);
}

static void a_hundred_levels_are_no_matter(void)
{
	for (int i = 0; i < 100; i++) {
		EXPECT_OK(mkdir("level", 0755));
		EXPECT_OK(chdir("level"));
	}
	posix_make_file("bottom", 100, 1);
	posix_check_file("bottom", 100, 1);
	for (int i = 0; i < 100; i++)
		EXPECT_OK(chdir(".."));
	EXPECT_EQUAL(posix_stat("level").st_mode & S_IFMT, S_IFDIR);
}

static void a_link_has_a_text_of_1_to_4095_bytes(void)
{
	static const size_t lengths[] = {1, 2, 59, 60, 61, 255, 256, 1000, 4000, 4094, 4095};
	char found[PATH_MAX + 1];

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		const char *text = long_name(lengths[i], 't');

		EXPECT_OK(symlink(text, "link"));
		EXPECT_EQUAL(readlink("link", found, sizeof(found)), lengths[i]);
		EXPECT(memcmp(found, text, lengths[i]) == 0);
		EXPECT_EQUAL(posix_stat("link").st_size, lengths[i]);
		EXPECT_OK(unlink("link"));
	}
	EXPECT_ERRNO(symlink(long_name(4096, 't'), "link"), ENAMETOOLONG);
	EXPECT_ERRNO(symlink("", "link"), ENOENT);
}

const struct posix_test posix_name_tests[] = {
	POSIX_TEST(a_name_has_up_to_255_bytes),
	POSIX_TEST(a_name_of_256_bytes_is_ENAMETOOLONG),
	POSIX_TEST(every_byte_but_slash_may_be_in_a_name),
	POSIX_TEST(names_that_look_alike_are_different),
	POSIX_TEST(dot_and_dot_dot_cannot_be_made_or_removed),
	POSIX_TEST(a_path_has_up_to_4095_bytes),
	POSIX_TEST(a_hundred_levels_are_no_matter),
	POSIX_TEST(a_link_has_a_text_of_1_to_4095_bytes),
	{0},
};
