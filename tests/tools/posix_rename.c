/* These tests of the POSIX suite rename every kind of thing over every other. Many programs save
 * by a rename, so a mistake here would cost a person's work. */
#include "posix_suite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum what { MISSING, A_FILE, A_LINK, AN_EMPTY_DIR, A_FULL_DIR, WHATS };

static void make(enum what what, const char *name)
{
	char below[64];

	switch (what) {
	case MISSING:
	case WHATS:
		break;
	case A_FILE:
		posix_make_file(name, 100, (uint64_t)name[0]);
		break;
	case A_LINK:
		EXPECT_OK(symlink("somewhere", name));
		break;
	case A_FULL_DIR:
	case AN_EMPTY_DIR:
		EXPECT_OK(mkdir(name, 0755));
		snprintf(below, sizeof(below), "%s/below", name);
		if (what == A_FULL_DIR)
			posix_make_file(below, 100, 9);
		break;
	}
}

static mode_t type_of(enum what what)
{
	return what == A_FILE ? S_IFREG : what == A_LINK ? S_IFLNK : S_IFDIR;
}

static void clear(const char *name)
{
	char below[64];

	snprintf(below, sizeof(below), "%s/below", name);
	unlink(below);
	unlink(name);
	rmdir(name);
	EXPECT(posix_is_gone(name));
}

static void every_kind_over_every_kind_answers_as_posix_says(void)
{
	static const int answers[WHATS][WHATS] = {
		/* to:              MISSING FILE     LINK     EMPTY   FULL */
		[MISSING] = {ENOENT, ENOENT, ENOENT, ENOENT, ENOENT},
		[A_FILE] = {0, 0, 0, EISDIR, EISDIR},
		[A_LINK] = {0, 0, 0, EISDIR, EISDIR},
		[AN_EMPTY_DIR] = {0, ENOTDIR, ENOTDIR, 0, ENOTEMPTY},
		[A_FULL_DIR] = {0, ENOTDIR, ENOTDIR, 0, ENOTEMPTY},
	};

	for (int from = 0; from < WHATS; from++) {
		for (int to = 0; to < WHATS; to++) {
			make((enum what)from, "from");
			make((enum what)to, "to");
			if (answers[from][to] == 0) {
				EXPECT_OK(rename("from", "to"));
				EXPECT(posix_is_gone("from"));
				EXPECT_EQUAL(posix_stat("to").st_mode & S_IFMT,
					type_of((enum what)from));
			} else {
				EXPECT_ERRNO(rename("from", "to"), answers[from][to]);
				EXPECT(from == MISSING || !posix_is_gone("from"));
				EXPECT(to == MISSING || !posix_is_gone("to"));
			}
			clear("from");
			clear("to");
		}
	}
}

static void a_rename_keeps_inode_times_and_bytes(void)
{
	struct timespec times[2] = {{1000, 1}, {2000, 123456789}};
	struct stat before, after;

	EXPECT_OK(mkdir("dir", 0755));
	posix_make_file("file", 70000, 1);
	EXPECT_OK(utimensat(AT_FDCWD, "file", times, 0));
	before = posix_stat("file");
	EXPECT_OK(rename("file", "dir/new name"));
	after = posix_stat("dir/new name");
	EXPECT_EQUAL(before.st_ino, after.st_ino);
	EXPECT_EQUAL(after.st_mtim.tv_sec, 2000);
	EXPECT_EQUAL(after.st_mtim.tv_nsec, 123456789);
	EXPECT_EQUAL(after.st_nlink, 1);
	posix_check_file("dir/new name", 70000, 1);
}

static void a_reader_keeps_the_file_that_was_replaced(void)
{
	unsigned char old[100], found[100];
	struct stat st;
	int fd;

	posix_make_file("old", sizeof(old), 1);
	posix_make_file("new", 200, 2);
	fd = (int)EXPECT_OK(open("old", O_RDONLY));
	EXPECT_EQUAL(pread(fd, old, sizeof(old), 0), sizeof(old));
	EXPECT_OK(rename("new", "old"));
	EXPECT_EQUAL(pread(fd, found, sizeof(found), 0), sizeof(found));
	EXPECT(memcmp(old, found, sizeof(old)) == 0);
	EXPECT_OK(fstat(fd, &st));
	EXPECT_EQUAL(st.st_nlink, 0);
	EXPECT_EQUAL(st.st_size, 100);
	EXPECT_OK(close(fd));
	posix_check_file("old", 200, 2);
}

static void an_open_file_follows_its_rename(void)
{
	int fd = (int)EXPECT_OK(open("one", O_RDWR | O_CREAT, 0644));

	EXPECT_EQUAL(write(fd, "abc", 3), 3);
	EXPECT_OK(rename("one", "two"));
	EXPECT_EQUAL(write(fd, "def", 3), 3);
	EXPECT_OK(fsync(fd));
	EXPECT_OK(close(fd));
	EXPECT_EQUAL(posix_stat("two").st_size, 6);
	EXPECT(posix_is_gone("one"));
}

static void a_directory_moves_with_all_that_is_below(void)
{
	char cwd[4096];
	int dir, fd;

	EXPECT_OK(mkdir("a", 0755));
	EXPECT_OK(mkdir("a/deep", 0755));
	EXPECT_OK(mkdir("b", 0755));
	posix_make_file("a/deep/file", 5000, 1);
	fd = (int)EXPECT_OK(open("a/deep/file", O_RDONLY));
	dir = (int)EXPECT_OK(open("a/deep", O_RDONLY | O_DIRECTORY));
	EXPECT_OK(rename("a", "b/c"));
	posix_check_file("b/c/deep/file", 5000, 1);
	EXPECT_OK(fchdir(dir));
	EXPECT(getcwd(cwd, sizeof(cwd)) != NULL);
	EXPECT(strlen(cwd) > 9 && strcmp(cwd + strlen(cwd) - 9, "/b/c/deep") == 0);
	EXPECT_OK(chdir("../.."));
	posix_check_file("c/deep/file", 5000, 1);
	EXPECT_OK(close(fd));
	EXPECT_OK(close(dir));
}

static void a_directory_does_not_move_into_itself(void)
{
	EXPECT_OK(mkdir("a", 0755));
	EXPECT_OK(mkdir("a/b", 0755));
	EXPECT_ERRNO(rename("a", "a/c"), EINVAL);
	EXPECT_ERRNO(rename("a", "a/b/c"), EINVAL);
	EXPECT_ERRNO(rename("a/b", "a"), ENOTEMPTY);
	EXPECT(!posix_is_gone("a/b"));
}

static void a_rename_to_itself_does_nothing(void)
{
	posix_make_file("file", 100, 1);
	EXPECT_OK(rename("file", "file"));
	EXPECT_OK(rename("file", "./file"));
	posix_check_file("file", 100, 1);
}

static void noreplace_refuses_only_what_exists(void)
{
	posix_make_file("a", 100, 1);
	posix_make_file("b", 100, 2);
	EXPECT_ERRNO(renameat2(AT_FDCWD, "a", AT_FDCWD, "b", RENAME_NOREPLACE), EEXIST);
	posix_check_file("a", 100, 1);
	posix_check_file("b", 100, 2);
	EXPECT_OK(renameat2(AT_FDCWD, "a", AT_FDCWD, "c", RENAME_NOREPLACE));
	posix_check_file("c", 100, 1);
	EXPECT_ERRNO(renameat2(AT_FDCWD, "a", AT_FDCWD, "d", RENAME_NOREPLACE), ENOENT);
}

static void exchange_swaps_any_two_things(void)
{
	posix_make_file("file", 100, 1);
	posix_make_file("other", 100, 2);
	EXPECT_OK(mkdir("dir", 0755));
	posix_make_file("dir/below", 100, 3);
	EXPECT_OK(renameat2(AT_FDCWD, "file", AT_FDCWD, "other", RENAME_EXCHANGE));
	posix_check_file("file", 100, 2);
	posix_check_file("other", 100, 1);
	EXPECT_OK(renameat2(AT_FDCWD, "file", AT_FDCWD, "dir", RENAME_EXCHANGE));
	posix_check_file("dir", 100, 2);
	posix_check_file("file/below", 100, 3);
	EXPECT_ERRNO(renameat2(AT_FDCWD, "dir", AT_FDCWD, "no", RENAME_EXCHANGE), ENOENT);
	EXPECT_ERRNO(renameat2(AT_FDCWD, "file", AT_FDCWD, "file/below", RENAME_EXCHANGE), EINVAL);
}

static void an_unknown_flag_is_EINVAL(void)
{
	posix_make_file("a", 100, 1);
	EXPECT_ERRNO(renameat2(AT_FDCWD, "a", AT_FDCWD, "b", 1U << 10), EINVAL);
	EXPECT_ERRNO(renameat2(AT_FDCWD, "a", AT_FDCWD, "b", RENAME_NOREPLACE | RENAME_EXCHANGE),
		EINVAL);
	posix_check_file("a", 100, 1);
}

static void whiteout_is_EINVAL(void)
{
	posix_make_file("a", 100, 1);
	EXPECT_ERRNO(renameat2(AT_FDCWD, "a", AT_FDCWD, "b", RENAME_WHITEOUT), EINVAL);
	posix_check_file("a", 100, 1);
}

static void dot_and_slash_endings_are_refused(void)
{
	posix_make_file("file", 10, 1);
	EXPECT_OK(mkdir("dir", 0755));
	EXPECT_ERRNO(rename("file", "new/"), ENOTDIR);
	EXPECT_ERRNO(rename("dir/.", "new"), EBUSY);
	EXPECT_ERRNO(rename("dir", "dir/.."), EBUSY);
	EXPECT_OK(rename("dir", "new/"));
	EXPECT_EQUAL(posix_stat("new").st_mode & S_IFMT, S_IFDIR);
}

static void both_parents_get_new_times(void)
{
	struct stat a, b;

	EXPECT_OK(mkdir("a", 0755));
	EXPECT_OK(mkdir("b", 0755));
	posix_make_file("a/file", 10, 1);
	a = posix_stat("a");
	b = posix_stat("b");
	posix_let_time_pass();
	EXPECT_OK(rename("a/file", "b/file"));
	EXPECT(posix_is_before(a.st_mtim, posix_stat("a").st_mtim));
	EXPECT(posix_is_before(b.st_mtim, posix_stat("b").st_mtim));
	EXPECT(posix_is_before(a.st_ctim, posix_stat("a").st_ctim));
	EXPECT(posix_is_before(b.st_ctim, posix_stat("b").st_ctim));
}

static void saving_by_rename_works_a_thousand_times(void)
{
	for (unsigned i = 0; i < 1000; i++) {
		posix_make_file("report.new", 500 + i, i);
		EXPECT_OK(rename("report.new", "report"));
	}
	posix_check_file("report", 1499, 999);
	EXPECT(posix_is_gone("report.new"));
}

const struct posix_test posix_rename_tests[] = {
	POSIX_TEST(every_kind_over_every_kind_answers_as_posix_says),
	POSIX_TEST(a_rename_keeps_inode_times_and_bytes),
	POSIX_TEST(a_reader_keeps_the_file_that_was_replaced),
	POSIX_TEST(an_open_file_follows_its_rename),
	POSIX_TEST(a_directory_moves_with_all_that_is_below),
	POSIX_TEST(a_directory_does_not_move_into_itself),
	POSIX_TEST(a_rename_to_itself_does_nothing),
	POSIX_TEST(noreplace_refuses_only_what_exists),
	POSIX_TEST(exchange_swaps_any_two_things),
	POSIX_TEST(an_unknown_flag_is_EINVAL),
	POSIX_TEST_FOR(POSIX_EMRFS, whiteout_is_EINVAL),
	POSIX_TEST(dot_and_slash_endings_are_refused),
	POSIX_TEST(both_parents_get_new_times),
	POSIX_TEST(saving_by_rename_works_a_thousand_times),
	{0},
};
