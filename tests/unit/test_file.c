/* These tests replace and read small files: a failed replace leaves the old file, nothing is
 * overwritten by mistake, and what others can touch is told. */
#include "test_dir.h"

#include <limits.h>
#include <sys/xattr.h>

/* How many entries the directory has. */
static int entries(const test_dir *here)
{
	DIR *dir = opendir(here->path);
	int n = -2;

	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n;
}

static emr_bytes text(const char *words)
{
	return emr_bytes_of(words, strlen(words));
}

static void assert_holds(const test_dir *here, const char *name, const char *words)
{
	EMR_AUTO_BUF got = {0};

	assert_ok(emr_file_read(here->fd, name, 100, &got));
	assert_true(emr_bytes_equal(emr_buf_view(&got), text(words)));
}

TEST_IN(test_dir_make, test_dir_remove, replacing_leaves_the_new_file_and_nothing_else)
{
	const test_dir *here = *state;
	struct stat st;

	umask(0077);
	assert_ok(emr_file_replace(here->fd, "a", text("one"), 0640));
	assert_ok(emr_file_replace(here->fd, "a", text("second"), 0640));
	assert_holds(here, "a", "second");
	assert_int_equal(fstatat(here->fd, "a", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(entries(here), 1);
	assert_ok(emr_file_replace(here->fd, "empty", text(""), 0600));
	assert_holds(here, "empty", "");
}

TEST_IN(test_dir_make, test_dir_remove, creating_never_overwrites)
{
	const test_dir *here = *state;

	assert_ok(emr_file_create(here->fd, "a", text("one"), 0600));
	assert_status(EMR_EXISTS, emr_file_create(here->fd, "a", text("two"), 0600));
	assert_holds(here, "a", "one");
	assert_int_equal(symlinkat("nowhere", here->fd, "link"), 0);
	assert_status(EMR_EXISTS, emr_file_create(here->fd, "link", text("two"), 0600));
	assert_int_equal(entries(here), 2);
}

TEST_IN(test_dir_make, test_dir_remove, a_failed_replace_leaves_the_old_file)
{
	const test_dir *here = *state;

	/* A directory of that name cannot be renamed over. */
	assert_int_equal(mkdirat(here->fd, "d", 0700), 0);
	assert_int_not_equal(emr_file_replace(here->fd, "d", text("x"), 0600), EMR_OK);
	assert_int_equal(entries(here), 1);
	assert_status(EMR_BAD_NAME, emr_file_replace(here->fd, "", text("x"), 0600));
	assert_status(EMR_BAD_NAME, emr_file_replace(here->fd, "d/x", text("x"), 0600));
	assert_int_equal(entries(here), 1);
}

TEST_IN(test_dir_make, test_dir_remove, reading_refuses_what_is_not_a_small_plain_file)
{
	const test_dir *here = *state;
	EMR_AUTO_BUF got = {0};

	assert_ok(emr_file_create(here->fd, "a", text("12345"), 0600));
	assert_int_equal(symlinkat("a", here->fd, "link"), 0);
	assert_int_equal(mkfifoat(here->fd, "fifo", 0600), 0);
	assert_int_equal(mkdirat(here->fd, "dir", 0700), 0);
	assert_status(EMR_NOT_FOUND, emr_file_read(here->fd, "none", 10, &got));
	assert_status(EMR_LIMIT, emr_file_read(here->fd, "a", 4, &got));
	assert_status(EMR_IO, emr_file_read(here->fd, "link", 10, &got));
	assert_status(EMR_IO, emr_file_read(here->fd, "fifo", 10, &got));
	assert_status(EMR_IO, emr_file_read(here->fd, "dir", 10000, &got));
	assert_int_equal(got.len, 0);
	assert_ok(emr_file_read(here->fd, "a", 5, &got));
	assert_int_equal(got.len, 5);
}

TEST_IN(test_dir_make, test_dir_remove, a_file_that_others_can_touch_is_exposed)
{
	static const mode_t bad[] = {0640, 0620, 0610, 0604, 0602, 0601, 0666};
	const test_dir *here = *state;

	assert_ok(emr_file_create(here->fd, "a", text("x"), 0600));
	assert_ok(emr_file_check_private(here->fd, "a"));
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		assert_int_equal(fchmodat(here->fd, "a", bad[i], 0), 0);
		assert_status(EMR_EXPOSED, emr_file_check_private(here->fd, "a"));
	}
	assert_status(EMR_NOT_FOUND, emr_file_check_private(here->fd, "b"));
	if (geteuid() == 0) {
		assert_int_equal(fchmodat(here->fd, "a", 0600, 0), 0);
		assert_int_equal(fchownat(here->fd, "a", 1, (gid_t)-1, 0), 0);
		assert_status(EMR_EXPOSED, emr_file_check_private(here->fd, "a"));
	}
}

static emr_status own(const test_dir *here, const char *name)
{
	EMR_AUTO_BUF got = {0};
	emr_status status = emr_file_read_own(here->fd, name, 10, &got);

	assert_int_equal(got.len, status == EMR_OK ? 1 : 0);
	return status;
}

TEST_IN(test_dir_make, test_dir_remove, a_file_that_others_can_change_is_not_ones_own)
{
	static const mode_t bad[] = {0602, 0606, 0646, 0666}, good[] = {0600, 0640, 0644, 0755};
	const test_dir *here = *state;

	assert_status(EMR_NOT_FOUND, own(here, "a"));
	assert_ok(emr_file_create(here->fd, "a", text("x"), 0600));
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		assert_int_equal(fchmodat(here->fd, "a", bad[i], 0), 0);
		assert_status(EMR_EXPOSED, own(here, "a"));
	}
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		assert_int_equal(fchmodat(here->fd, "a", good[i], 0), 0);
		assert_ok(own(here, "a"));
	}
	if (geteuid() != 0)
		return;
	assert_int_equal(fchownat(here->fd, "a", 0, 1, 0), 0);
	assert_ok(own(here, "a"));
	assert_int_equal(fchmodat(here->fd, "a", 0664, 0), 0);
	assert_status(EMR_EXPOSED, own(here, "a"));
	assert_int_equal(fchmodat(here->fd, "a", 0600, 0), 0);
	assert_int_equal(fchownat(here->fd, "a", 1, (gid_t)-1, 0), 0);
	assert_status(EMR_EXPOSED, own(here, "a"));
}

/* acl(5) in the kernel's form: the owner, a user, the group, the mask, others. */
static int give_list(const test_dir *here, const char *name, uint16_t users, uint16_t mask)
{
	const struct {
		uint16_t tag, rights;
		uint32_t id;
	} entries[] = {{1, 6, UINT32_MAX}, {2, users, 12345}, {4, 4, UINT32_MAX},
		{16, mask, UINT32_MAX}, {32, 4, UINT32_MAX}};
	const uint32_t version = 2;
	uint8_t bytes[sizeof version + sizeof entries];
	EMR_AUTO_FD fd = openat(here->fd, name, O_RDONLY);

	memcpy(bytes, &version, sizeof version);
	memcpy(bytes + sizeof version, entries, sizeof entries);
	return fsetxattr(fd, "system.posix_acl_access", bytes, sizeof bytes, 0);
}

TEST_IN(test_dir_make, test_dir_remove, a_file_that_a_list_lets_others_change_is_not_ones_own)
{
	const test_dir *here = *state;

	assert_ok(emr_file_create(here->fd, "a", text("x"), 0644));
	if (give_list(here, "a", 6, 6) != 0) {
		assert_int_equal(errno, EOPNOTSUPP);
		skip();
	}
	assert_status(EMR_EXPOSED, own(here, "a"));
	assert_int_equal(give_list(here, "a", 6, 4), 0); /* the mask takes it away again */
	assert_ok(own(here, "a"));
}

/* The file whose name is looked at first and the file that is read then are one, whoever looks. */
TEST_IN(test_dir_make, test_dir_remove, what_is_no_private_file_is_not_read_as_one)
{
	const test_dir *here = *state;
	EMR_AUTO_BUF got = {0};

	assert_ok(emr_file_create(here->fd, "a", text("x"), 0600));
	assert_int_equal(symlinkat("a", here->fd, "link"), 0);
	assert_status(EMR_IO, emr_file_read_private(here->fd, "link", 10, &got));
	assert_int_equal(fchmodat(here->fd, "a", 0640, 0), 0);
	assert_status(EMR_EXPOSED, emr_file_read_private(here->fd, "a", 10, &got));
	assert_status(EMR_LIMIT,
		(fchmodat(here->fd, "a", 0600, 0), emr_file_read_private(here->fd, "a", 0, &got)));
	assert_int_equal(got.len, 0);
	assert_ok(emr_file_read_private(here->fd, "a", 10, &got));
	assert_int_equal(got.len, 1);
}

/* Returns the exposed part, "" where there is none, of PATH below HERE. */
static emr_status way_of(const test_dir *here, const char *path, const char *exposed)
{
	char want[PATH_MAX];
	EMR_AUTO_BUF where = {0};
	EMR_AUTO_FD fd = -1;
	emr_status status;

	snprintf(want, sizeof want, "%s/%s", here->path, exposed);
	status = emr_dir_open_own(printed("%s/%s", here->path, path), &where, &fd);
	assert_true((status == EMR_OK) == (fd >= 0));
	if (status == EMR_EXPOSED && path[0] != '\0')
		assert_string_equal((const char *)where.data, want);
	return status;
}

TEST_IN(test_dir_make, test_dir_remove, a_directory_that_others_can_lead_elsewhere_is_not_ones_own)
{
	const test_dir *here = *state;
	const char *const parts[] = {"x", "x/y", "x/y/z"};

	for (size_t i = 0; i < 3; i++)
		assert_int_equal(mkdirat(here->fd, parts[i], 0755), 0);
	if (way_of(here, "", "") == EMR_EXPOSED) /* where tests may write, others may */
		skip();
	assert_ok(way_of(here, "x/y/z", ""));
	assert_ok(way_of(here, "x/y/../y/./z/", ""));
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(fchmodat(here->fd, parts[i], 0777, 0), 0);
		assert_status(EMR_EXPOSED, way_of(here, "x/y/z", parts[i]));
		/* Nobody takes away what is hers in a sticky one; but puts things there. */
		assert_int_equal(fchmodat(here->fd, parts[i], 01777, 0), 0);
		if (i < 2)
			assert_ok(way_of(here, "x/y/z", ""));
		else
			assert_status(EMR_EXPOSED, way_of(here, "x/y/z", parts[i]));
		assert_int_equal(fchmodat(here->fd, parts[i], 0755, 0), 0);
	}
	assert_int_equal(fchmodat(here->fd, "x", 0777, 0), 0);
	assert_status(EMR_NOT_FOUND, way_of(here, "x/none", ""));
	/* A link leads there, and is not what makes it her own. */
	assert_int_equal(symlinkat("x/y", here->fd, "link"), 0);
	assert_status(EMR_EXPOSED, way_of(here, "link/z", "x"));
	assert_int_equal(fchmodat(here->fd, "x", 0755, 0), 0);
	assert_ok(way_of(here, "link/z", ""));
	assert_int_equal(symlinkat("around", here->fd, "around"), 0);
	assert_status(EMR_IO, way_of(here, "around/z", ""));
	if (geteuid() == 0) {
		assert_int_equal(fchownat(here->fd, "link", 1, (gid_t)-1, AT_SYMLINK_NOFOLLOW), 0);
		assert_status(EMR_EXPOSED, way_of(here, "link/z", "link"));
		assert_int_equal(fchownat(here->fd, "x/y", 1, (gid_t)-1, 0), 0);
		assert_status(EMR_EXPOSED, way_of(here, "x/y/z", "x/y"));
	}
	for (size_t i = 3; i-- > 0;)
		assert_int_equal(unlinkat(here->fd, parts[i], AT_REMOVEDIR), 0);
}

TEST_IN(test_dir_make, test_dir_remove, a_directory_is_made_with_its_parents)
{
	const test_dir *here = *state;
	char path[128];
	struct stat st;
	int fd = -1;

	snprintf(path, sizeof path, "%s/x/y", here->path);
	assert_ok(emr_dir_open(path, &fd));
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
	close(fd);
	assert_ok(emr_dir_open(path, &fd));
	close(fd);
	assert_ok(emr_file_create(here->fd, "plain", text("x"), 0600));
	assert_status(EMR_NOT_DIRECTORY, emr_dir_open(printed("%s/plain", here->path), &fd));
	assert_status(EMR_BAD_NAME, emr_dir_open("", &fd));
	rmdir(printed("%s/x/y", here->path));
}

TEST_IN(test_dir_make, test_dir_remove, a_short_read_is_damage)
{
	const test_dir *here = *state;
	char got[8];
	EMR_AUTO_FD fd = openat(here->fd, "a", O_RDWR | O_CREAT, 0600);

	assert_true(fd >= 0);
	assert_ok(emr_pwrite_all(fd, "abcdef", 6, 2));
	assert_ok(emr_pread_all(fd, got, 8, 0));
	assert_memory_equal(got, "\0\0abcdef", 8);
	assert_status(EMR_DAMAGED, emr_pread_all(fd, got, 8, 1));
	assert_status(EMR_IO, emr_pread_all(-1, got, 1, 0));
}

TESTS(NULL, NULL)
