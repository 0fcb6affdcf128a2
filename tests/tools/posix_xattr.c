/* These tests of the POSIX suite set, list and remove extended attributes, up to their limits,
 * and check that a copied grant shares nothing. */
#include "posix_suite.h"

#include "tool_kit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

static bool is_listed(const char *file, const char *name)
{
	static char list[65536];
	ssize_t size = EXPECT_OK(listxattr(file, list, sizeof(list)));

	for (const char *at = list; at < list + size; at += strlen(at) + 1)
		if (strcmp(at, name) == 0)
			return true;
	return false;
}

static void an_attribute_comes_back_as_it_was_set(void)
{
	static const size_t sizes[] = {0, 1, 100, 1000, 3000};
	char value[3000], found[4000];

	posix_make_file("file", 100, 1);
	EXPECT_OK(mkdir("dir", 0755));
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		const char *name = i % 2 == 0 ? "file" : "dir";

		emr_kit_fill(value, sizeof(value), i);
		EXPECT_OK(setxattr(name, "user.note", value, sizes[i], 0));
		EXPECT_EQUAL(getxattr(name, "user.note", found, sizeof(found)), sizes[i]);
		EXPECT(memcmp(value, found, sizes[i]) == 0);
		EXPECT_EQUAL(getxattr(name, "user.note", NULL, 0), sizes[i]);
		EXPECT(is_listed(name, "user.note"));
	}
}

static void create_and_replace_flags_are_obeyed(void)
{
	posix_make_file("file", 100, 1);
	EXPECT_ERRNO(setxattr("file", "user.a", "1", 1, XATTR_REPLACE), ENODATA);
	EXPECT_OK(setxattr("file", "user.a", "1", 1, XATTR_CREATE));
	EXPECT_ERRNO(setxattr("file", "user.a", "2", 1, XATTR_CREATE), EEXIST);
	EXPECT_OK(setxattr("file", "user.a", "3", 1, XATTR_REPLACE));
}

static void a_missing_attribute_is_ENODATA(void)
{
	char byte;

	posix_make_file("file", 100, 1);
	EXPECT_ERRNO(getxattr("file", "user.none", &byte, 1), ENODATA);
	EXPECT_ERRNO(removexattr("file", "user.none"), ENODATA);
	EXPECT_ERRNO(setxattr("file", "user.", "1", 1, 0), EINVAL);
	EXPECT_ERRNO(getxattr("file", "user.", &byte, 1), EINVAL);
	EXPECT_ERRNO(removexattr("file", "user."), EINVAL);
	EXPECT_OK(setxattr("file", "user.a", "1", 1, 0));
	EXPECT_OK(removexattr("file", "user.a"));
	EXPECT_ERRNO(getxattr("file", "user.a", &byte, 1), ENODATA);
	EXPECT(!is_listed("file", "user.a"));
}

static void a_short_buffer_is_ERANGE(void)
{
	char found[4];

	posix_make_file("file", 100, 1);
	EXPECT_OK(setxattr("file", "user.a", "12345", 5, 0));
	EXPECT_ERRNO(getxattr("file", "user.a", found, sizeof(found)), ERANGE);
	EXPECT_ERRNO(listxattr("file", found, 3), ERANGE);
	EXPECT(listxattr("file", NULL, 0) >= (ssize_t)sizeof("user.a"));
}

static void an_attribute_of_64_KiB_and_one_byte_is_E2BIG(void)
{
	char *value = emr_kit_alloc(65537);

	posix_make_file("file", 100, 1);
	EXPECT_ERRNO(setxattr("file", "user.big", value, 65537, 0), E2BIG);
	free(value);
}

static void a_name_of_256_bytes_is_ERANGE(void)
{
	char name[257] = "user.";

	posix_make_file("file", 100, 1);
	memset(name + 5, 'n', 251);
	EXPECT_ERRNO(setxattr("file", name, "1", 1, 0), ERANGE);
	name[255] = '\0';
	EXPECT_OK(setxattr("file", name, "1", 1, 0));
	EXPECT(is_listed("file", name));
}

static void attributes_follow_renames_and_writes(void)
{
	char found[8];

	posix_make_file("file", 100, 1);
	EXPECT_OK(setxattr("file", "user.a", "keep", 4, 0));
	EXPECT_OK(rename("file", "new"));
	posix_make_file("new", 5000, 2);
	EXPECT_OK(chmod("new", 0600));
	EXPECT_EQUAL(getxattr("new", "user.a", found, sizeof(found)), 4);
	EXPECT(memcmp(found, "keep", 4) == 0);
	posix_make_file("other", 100, 3);
	EXPECT_ERRNO(getxattr("other", "user.a", found, sizeof(found)), ENODATA);
}

static void attributes_are_set_through_a_descriptor(void)
{
	char found[8];
	int fd = (int)EXPECT_OK(open("file", O_RDWR | O_CREAT, 0644));

	EXPECT_OK(fsetxattr(fd, "user.a", "1", 1, 0));
	EXPECT_EQUAL(write(fd, "abc", 3), 3);
	EXPECT_EQUAL(fgetxattr(fd, "user.a", found, sizeof(found)), 1);
	EXPECT_OK(fremovexattr(fd, "user.a"));
	EXPECT_OK(close(fd));
	EXPECT(!is_listed("file", "user.a"));
}

static void setting_an_attribute_moves_ctime_only(void)
{
	struct stat before, after;

	posix_make_file("file", 100, 1);
	before = posix_stat("file");
	posix_let_time_pass();
	EXPECT_OK(setxattr("file", "user.a", "1", 1, 0));
	after = posix_stat("file");
	EXPECT(posix_is_before(before.st_ctim, after.st_ctim));
	EXPECT(!posix_is_before(before.st_mtim, after.st_mtim));
}

/* Programs that copy take along what is listed, and fail at what they cannot read or set elsewhere.
 * Of links no program may read user.*. */
static void what_is_listed_is_what_was_set(void)
{
	char list[64];

	posix_make_file("file", 100, 1);
	EXPECT_OK(mkdir("dir", 0755));
	EXPECT_OK(symlink("file", "link"));
	EXPECT(listxattr("file", list, sizeof(list)) == 0);
	EXPECT_OK(setxattr("file", "user.a", "1", 1, 0));
	EXPECT(listxattr("file", list, sizeof(list)) == sizeof("user.a"));
	EXPECT(strcmp(list, "user.a") == 0);
	EXPECT(listxattr("dir", list, sizeof(list)) == 0);
	EXPECT(llistxattr("link", list, sizeof(list)) == 0);
}

static void other_namespaces_are_not_supported(void)
{
	char byte;

	posix_make_file("file", 100, 1);
	EXPECT_ERRNO(getxattr("file", "security.capability", &byte, 1), EOPNOTSUPP);
	EXPECT_ERRNO(setxattr("file", "trusted.a", "1", 1, 0), EOPNOTSUPP);
	EXPECT_ERRNO(getxattr("file", "trusted.a", &byte, 1), EOPNOTSUPP);
	EXPECT_ERRNO(setxattr("file", "security.a", "1", 1, 0), EOPNOTSUPP);
}

static void more_than_about_15_KiB_of_attributes_is_ENOSPC(void)
{
	char *value = emr_kit_alloc(20000);

	posix_make_file("file", 100, 1);
	EXPECT_OK(setxattr("file", "user.a", value, 10000, 0));
	EXPECT_ERRNO(setxattr("file", "user.big", value, 20000, 0), ENOSPC);
	EXPECT(!is_listed("file", "user.big"));
	EXPECT_EQUAL(getxattr("file", "user.a", value, 20000), 10000);
	free(value);
}

static void computed_attributes_are_answered_only(void)
{
	char before[256] = "", after[256] = "";

	posix_make_file("file", 100, 1);
	EXPECT(getxattr("file", "user.emrfs.id", before, sizeof(before) - 1) == 32);
	EXPECT(getxattr("file", "user.emrfs.state", NULL, 0) > 0);
	EXPECT_OK(setxattr("file", "user.emrfs.id", "other", 5, 0));
	EXPECT_OK(removexattr("file", "user.emrfs.id"));
	EXPECT(getxattr("file", "user.emrfs.id", after, sizeof(after) - 1) == 32);
	EXPECT(strcmp(before, after) == 0);
	EXPECT(listxattr("file", NULL, 0) == 0);
	EXPECT_ERRNO(getxattr("file", "system.emrfs.id", NULL, 0), EOPNOTSUPP);
}

static void a_copied_grant_is_ignored(void)
{
	posix_make_file("file", 100, 1);
	EXPECT_OK(setxattr("file", "user.emrfs.grant.nobody@nowhere", "read grant=x state=queued",
		strlen("read grant=x state=queued"), 0));
	EXPECT(!is_listed("file", "user.emrfs.grant.nobody@nowhere"));
}

const struct posix_test posix_xattr_tests[] = {
	POSIX_TEST(an_attribute_comes_back_as_it_was_set),
	POSIX_TEST(create_and_replace_flags_are_obeyed),
	POSIX_TEST(a_missing_attribute_is_ENODATA),
	POSIX_TEST(a_short_buffer_is_ERANGE),
	POSIX_TEST(an_attribute_of_64_KiB_and_one_byte_is_E2BIG),
	POSIX_TEST(a_name_of_256_bytes_is_ERANGE),
	POSIX_TEST(attributes_follow_renames_and_writes),
	POSIX_TEST(attributes_are_set_through_a_descriptor),
	POSIX_TEST(setting_an_attribute_moves_ctime_only),
	POSIX_TEST(what_is_listed_is_what_was_set),
	POSIX_TEST_FOR(POSIX_EMRFS, other_namespaces_are_not_supported),
	POSIX_TEST_FOR(POSIX_EMRFS, more_than_about_15_KiB_of_attributes_is_ENOSPC),
	POSIX_TEST_FOR(POSIX_EMRFS, computed_attributes_are_answered_only),
	POSIX_TEST_FOR(POSIX_EMRFS, a_copied_grant_is_ignored),
	{0},
};
