/* These tests remember when and where backups were made: each disk counts, a deleted backup does
 * not, and a path cannot forge a line. */
#include "emr_test.h"

#include "kit/places.h"
#include "session/second_copy.h"

static char directory[] = "/tmp/emr-second-copy-XXXXXX";
static char other[] = "/dev/shm/emr-second-copy-XXXXXX"; /* in memory: another disk */
static int fd;

static int begin(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(directory));
	assert_non_null(mkdtemp(other));
	fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd >= 0 ? 0 : -1;
}

static int end(void **state)
{
	(void)state;
	unlinkat(fd, EMR_STATE_SECOND_COPY, 0);
	close(fd);
	return rmdir(other) == 0 ? rmdir(directory) : -1;
}

static emr_second_copy read_text(const char *text)
{
	emr_second_copy copy;

	assert_ok(emr_file_replace(fd, EMR_STATE_SECOND_COPY,
		emr_bytes_of((const uint8_t *)text, strlen(text)), 0600));
	emr_second_copy_read(fd, &copy);
	return copy;
}

TEST(what_is_noted_is_known_until_it_is_forgotten)
{
	emr_second_copy copy = {
		.is_known = true, .made_unix_s = 1700000000, .entries = 12, .dir = "/media/a b"};
	emr_second_copy again;

	emr_second_copy_read(fd, &again);
	assert_false(again.is_known);
	assert_ok(emr_second_copy_write(fd, &copy));
	emr_second_copy_read(fd, &again);
	assert_true(again.is_known);
	assert_int_equal(again.made_unix_s, 1700000000);
	assert_int_equal(again.entries, 12);
	assert_string_equal(again.dir, "/media/a b");
	assert_ok(emr_second_copy_forget(fd, "/media/a b"));
	assert_ok(emr_second_copy_forget(fd, "/media/a b"));
	emr_second_copy_read(fd, &again);
	assert_false(again.is_known);
}

/* A copy that is lost together with the records is remembered, and is no second copy. */
TEST(a_copy_on_the_same_disk_does_not_count)
{
	emr_second_copy copy = {.is_known = true, .made_unix_s = 9}, newest;
	char list[140];
	int file;

	snprintf(list, sizeof list, "%s/emrfs-backup", other);
	file = open(list, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	assert_true(file >= 0);
	close(file);
	snprintf(copy.dir, sizeof copy.dir, "%s", other);
	assert_ok(emr_second_copy_write(fd, &copy));
	copy.made_unix_s++;
	snprintf(copy.dir, sizeof copy.dir, "%s", directory);
	assert_ok(emr_second_copy_write(fd, &copy));
	assert_int_equal(emr_second_copies_read(fd, &newest, 1), 1);
	assert_true(newest.is_same_disk);
	emr_second_copy_read(fd, &newest);
	assert_true(newest.is_known);
	assert_string_equal(newest.dir, other);
	assert_int_equal(newest.made_unix_s, 9);
	assert_ok(emr_second_copy_forget(fd, other));
	emr_second_copy_read(fd, &newest);
	assert_false(newest.is_known);
	assert_ok(emr_second_copy_forget(fd, directory));
	assert_int_equal(unlink(list), 0);
}

TEST(a_copy_on_the_same_disk_does_not_count_once_its_file_system_is_away)
{
	assert_true(read_text("emrfs second-copy 3\nmade 5\nentries 6\ndisk 7\nsame 0\ndir /x/y\n")
			    .is_known);
	assert_false(read_text("emrfs second-copy 3\nmade 5\nentries 6\ndisk 7\nsame 1\ndir /x/y\n")
			     .is_known);
	assert_ok(emr_second_copy_forget(fd, "/x/y"));
}

/* Two sticks are two backups; one that is deleted while its disk is there is one no more. */
TEST(every_disk_is_remembered_and_a_deleted_backup_is_not_counted)
{
	emr_second_copy all[EMR_SECOND_COPIES_MAX], copy = {.is_known = true, .made_unix_s = 5};
	emr_second_copy newest;
	char one[100], two[100], list[140];
	int file;

	snprintf(one, sizeof one, "%s/one", other);
	snprintf(two, sizeof two, "%s/two", other);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(mkdir(i == 0 ? one : two, 0700), 0);
		snprintf(list, sizeof list, "%s/emrfs-backup", i == 0 ? one : two);
		file = open(list, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
		assert_true(file >= 0);
		close(file);
		snprintf(copy.dir, sizeof copy.dir, "%s", i == 0 ? one : two);
		copy.made_unix_s++;
		assert_ok(emr_second_copy_write(fd, &copy));
		assert_ok(emr_second_copy_write(fd, &copy));
	}
	assert_int_equal(emr_second_copies_read(fd, all, EMR_SECOND_COPIES_MAX), 2);
	assert_string_equal(all[0].dir, two);
	assert_string_equal(all[1].dir, one);
	assert_int_equal(unlink(list), 0);
	assert_int_equal(rmdir(two), 0);
	assert_int_equal(emr_second_copies_read(fd, all, EMR_SECOND_COPIES_MAX), 2);
	assert_true(all[0].is_gone);
	assert_false(all[1].is_gone);
	emr_second_copy_read(fd, &newest);
	assert_string_equal(newest.dir, one);
	assert_int_equal(unlink(printed("%s/emrfs-backup", one)), 0);
	emr_second_copy_read(fd, &newest);
	assert_false(newest.is_known);
	assert_int_equal(rmdir(one), 0);
}

TEST(a_path_cannot_forge_a_line)
{
	emr_second_copy copy = {
		.is_known = true, .made_unix_s = 1, .entries = 1, .dir = "/a\nmade 9\x1b[2J"};
	emr_second_copy again;

	assert_ok(emr_second_copy_write(fd, &copy));
	emr_second_copy_read(fd, &again);
	assert_string_equal(again.dir, "/a?made 9?[2J");
}

TEST(what_cannot_be_read_is_no_copy)
{
	assert_true(read_text("emrfs second-copy 3\nmade 5\nentries 6\ndisk 7\nsame 0\ndir /x\n")
			    .is_known);
	assert_false(read_text("").is_known);
	assert_false(read_text("emrfs second-copy 3\nmade 5\nentries 6\ndisk 7\nsame 0\ndir /x")
			     .is_known);
	assert_false(read_text("emrfs second-copy 3\nmade 5\nentries 6\ndisk 7\nsame 0\ndir \n")
			     .is_known);
	assert_false(read_text("emrfs second-copy 4\nmade 5\nentries 6\ndisk 7\nsame 0\ndir /x\n")
			     .is_known);
	assert_false(read_text("emrfs second-copy 1\nmade x\nentries 6\ndir /x\n").is_known);
}

TESTS(begin, end)
