/* These tests of the POSIX suite make, list and remove directories, also large ones and ones
 * that change while they are listed. */
#include "posix_suite.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MANY = 10000 };

static void make_empty(const char *name)
{
	EXPECT_OK(close((int)EXPECT_OK(open(name, O_WRONLY | O_CREAT | O_EXCL, 0644))));
}

static void mkdir_takes_the_mode_less_the_umask(void)
{
	static const mode_t modes[] = {0, 0500, 0700, 0755, 0777};

	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		char name[32];

		snprintf(name, sizeof(name), "mode-%o", modes[i]);
		EXPECT_OK(mkdir(name, modes[i]));
		EXPECT_EQUAL(posix_stat(name).st_mode & 0777, modes[i] & ~022);
	}
	umask(077);
	EXPECT_OK(mkdir("private", 0777));
	EXPECT_EQUAL(posix_stat("private").st_mode & 0777, 0700);
}

static void mkdir_refuses_what_exists(void)
{
	posix_make_file("file", 10, 1);
	EXPECT_OK(mkdir("dir", 0755));
	EXPECT_OK(symlink("nowhere", "dangling"));
	EXPECT_ERRNO(mkdir("file", 0755), EEXIST);
	EXPECT_ERRNO(mkdir("dir", 0755), EEXIST);
	EXPECT_ERRNO(mkdir("dangling", 0755), EEXIST);
	EXPECT_ERRNO(mkdir("missing/dir", 0755), ENOENT);
}

static void rmdir_removes_only_empty_directories(void)
{
	EXPECT_OK(mkdir("dir", 0755));
	posix_make_file("dir/file", 10, 1);
	EXPECT_OK(symlink("dir", "link"));
	EXPECT_ERRNO(rmdir("dir"), ENOTEMPTY);
	EXPECT_ERRNO(rmdir("dir/file"), ENOTDIR);
	EXPECT_ERRNO(rmdir("link"), ENOTDIR);
	EXPECT_ERRNO(rmdir("missing"), ENOENT);
	EXPECT_ERRNO(unlink("dir"), EISDIR);
	EXPECT_OK(unlink("dir/file"));
	EXPECT_OK(rmdir("dir"));
	EXPECT(posix_is_gone("dir"));
}

static void a_new_directory_holds_dot_and_dot_dot(void)
{
	unsigned seen = 0;
	const struct dirent *entry;
	DIR *dir;

	EXPECT_OK(mkdir("dir", 0755));
	dir = opendir("dir");
	EXPECT(dir != NULL);
	while ((entry = readdir(dir)) != NULL) {
		EXPECT(strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0);
		seen++;
	}
	closedir(dir);
	EXPECT_EQUAL(seen, 2);
	EXPECT_EQUAL(posix_stat("dir/.").st_ino, posix_stat("dir").st_ino);
	EXPECT_EQUAL(posix_stat("dir/..").st_ino, posix_stat(".").st_ino);
}

static void a_listing_knows_types_and_inodes(void)
{
	const struct dirent *entry;
	DIR *dir;

	posix_make_file("file", 10, 1);
	EXPECT_OK(mkdir("dir", 0755));
	EXPECT_OK(symlink("x", "link"));
	dir = opendir(".");
	EXPECT(dir != NULL);
	while ((entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		EXPECT(entry->d_type == DT_UNKNOWN ||
			(mode_t)DTTOIF(entry->d_type) ==
				(posix_stat(entry->d_name).st_mode & S_IFMT));
		EXPECT_EQUAL(entry->d_ino, posix_stat(entry->d_name).st_ino);
	}
	closedir(dir);
}

static void make_many(unsigned count)
{
	char name[32];

	for (unsigned i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "record-%05u.pdf", i);
		make_empty(name);
	}
}

/* Counts in SEEN how often each record is listed; calls BETWEEN after each 1,000 entries. */
static void list_many(unsigned char *seen, void (*between)(unsigned step))
{
	DIR *dir = opendir(".");
	const struct dirent *entry;
	unsigned count = 0, index;

	EXPECT(dir != NULL);
	while ((errno = 0, entry = readdir(dir)) != NULL) {
		if (sscanf(entry->d_name, "record-%05u.pdf", &index) == 1 && index < 2 * MANY)
			seen[index]++;
		if (++count % 1000 == 0 && between != NULL)
			between(count / 1000);
	}
	EXPECT_EQUAL(errno, 0);
	closedir(dir);
}

static void ten_thousand_files_are_listed_once_each(void)
{
	static unsigned char seen[2 * MANY];

	make_many(MANY);
	list_many(seen, NULL);
	for (unsigned i = 0; i < MANY; i++)
		EXPECT_EQUAL(seen[i], 1);
}

/* Removes a tenth of the even records, and makes as many new ones. */
static void disturb(unsigned step)
{
	char name[32];

	for (unsigned i = 2 * step; i < MANY; i += 20) {
		snprintf(name, sizeof(name), "record-%05u.pdf", i);
		if (unlink(name) != 0)
			EXPECT_EQUAL(errno, ENOENT);
		snprintf(name, sizeof(name), "record-%05u.pdf", i + MANY);
		if (posix_is_gone(name))
			make_empty(name);
	}
}

static void a_changing_directory_lists_what_stays_once_each(void)
{
	static unsigned char seen[2 * MANY];

	make_many(MANY);
	list_many(seen, disturb);
	for (unsigned i = 1; i < MANY; i += 2)
		EXPECT_EQUAL(seen[i], 1);
	for (unsigned i = 0; i < 2 * MANY; i++)
		EXPECT(seen[i] <= 1);
}

static void removing_while_listing_leaves_nothing(void)
{
	const struct dirent *entry;
	unsigned removed = 0;
	DIR *dir;

	make_many(3000);
	dir = opendir(".");
	EXPECT(dir != NULL);
	while ((entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		EXPECT_OK(unlink(entry->d_name));
		removed++;
	}
	closedir(dir);
	EXPECT_EQUAL(removed, 3000);
}

static void a_listing_goes_on_from_where_telldir_was(void)
{
	char names[100][NAME_MAX + 1];
	long places[100];
	const struct dirent *entry;
	int count = 0;
	DIR *dir;

	make_many(60);
	dir = opendir(".");
	EXPECT(dir != NULL);
	while (places[count] = telldir(dir), (entry = readdir(dir)) != NULL && count < 99)
		snprintf(names[count++], sizeof(names[0]), "%s", entry->d_name);
	EXPECT_EQUAL(count, 62);
	for (int i = count - 1; i >= 0; i -= 7) {
		seekdir(dir, places[i]);
		entry = readdir(dir);
		EXPECT(entry != NULL && strcmp(entry->d_name, names[i]) == 0);
	}
	make_empty("one more");
	rewinddir(dir);
	for (count = 0; readdir(dir) != NULL;)
		count++;
	EXPECT_EQUAL(count, 63);
	closedir(dir);
}

static void a_removed_current_directory_holds_nothing_and_takes_nothing(void)
{
	char cwd[4096];

	EXPECT_OK(mkdir("dir", 0755));
	EXPECT_OK(chdir("dir"));
	EXPECT_OK(rmdir("../dir"));
	EXPECT_ERRNO(open("file", O_WRONLY | O_CREAT, 0644), ENOENT);
	EXPECT_ERRNO(mkdir("below", 0755), ENOENT);
	EXPECT(getcwd(cwd, sizeof(cwd)) == NULL && errno == ENOENT);
	EXPECT_OK(chdir(".."));
}

static void a_directory_descriptor_follows_its_rename(void)
{
	int dir;

	EXPECT_OK(mkdir("one", 0755));
	dir = (int)EXPECT_OK(open("one", O_RDONLY | O_DIRECTORY));
	EXPECT_OK(rename("one", "two"));
	EXPECT_OK(mkdirat(dir, "below", 0755));
	EXPECT_EQUAL(posix_stat("two/below").st_mode & S_IFMT, S_IFDIR);
	EXPECT_OK(fsync(dir));
	EXPECT_OK(close(dir));
}

static void every_change_of_entries_moves_the_directorys_times(void)
{
	struct stat before;

	EXPECT_OK(mkdir("dir", 0755));
	for (int what = 0; what < 5; what++) {
		before = posix_stat("dir");
		posix_let_time_pass();
		if (what == 0)
			make_empty("dir/file");
		else if (what == 1)
			EXPECT_OK(mkdir("dir/sub", 0755));
		else if (what == 2)
			EXPECT_OK(symlink("x", "dir/link"));
		else if (what == 3)
			EXPECT_OK(unlink("dir/file"));
		else
			EXPECT_OK(rmdir("dir/sub"));
		EXPECT(posix_is_before(before.st_mtim, posix_stat("dir").st_mtim));
		EXPECT(posix_is_before(before.st_ctim, posix_stat("dir").st_ctim));
	}
}

static void writing_a_file_leaves_the_directorys_times(void)
{
	struct stat before;

	EXPECT_OK(mkdir("dir", 0755));
	make_empty("dir/file");
	before = posix_stat("dir");
	posix_let_time_pass();
	posix_make_file("dir/file", 5000, 1);
	EXPECT(!posix_is_before(before.st_mtim, posix_stat("dir").st_mtim));
}

static void a_directory_counts_its_subdirectories_or_says_one(void)
{
	nlink_t links;

	EXPECT_OK(mkdir("dir", 0755));
	links = posix_stat("dir").st_nlink;
	EXPECT(links == 2 || links == 1);
	EXPECT_OK(mkdir("dir/a", 0755));
	EXPECT_OK(mkdir("dir/b", 0755));
	make_empty("dir/file");
	EXPECT(posix_stat("dir").st_nlink == links + 2 || posix_stat("dir").st_nlink == links);
}

const struct posix_test posix_directory_tests[] = {
	POSIX_TEST(mkdir_takes_the_mode_less_the_umask),
	POSIX_TEST(mkdir_refuses_what_exists),
	POSIX_TEST(rmdir_removes_only_empty_directories),
	POSIX_TEST(a_new_directory_holds_dot_and_dot_dot),
	POSIX_TEST(a_listing_knows_types_and_inodes),
	POSIX_TEST(ten_thousand_files_are_listed_once_each),
	POSIX_TEST(a_changing_directory_lists_what_stays_once_each),
	POSIX_TEST(removing_while_listing_leaves_nothing),
	POSIX_TEST(a_listing_goes_on_from_where_telldir_was),
	POSIX_TEST(a_removed_current_directory_holds_nothing_and_takes_nothing),
	POSIX_TEST(a_directory_descriptor_follows_its_rename),
	POSIX_TEST(every_change_of_entries_moves_the_directorys_times),
	POSIX_TEST(writing_a_file_leaves_the_directorys_times),
	POSIX_TEST(a_directory_counts_its_subdirectories_or_says_one),
	{0},
};
