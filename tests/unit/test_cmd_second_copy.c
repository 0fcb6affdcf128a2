#include "emr_test.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "kit/places.h"
#include "session/second_copy.h"

static char directory[] = "/tmp/emr-second-copy-XXXXXX";
static int fd;

static int begin(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(directory));
	fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd >= 0 ? 0 : -1;
}

static int end(void **state)
{
	(void)state;
	unlinkat(fd, EMR_STATE_SECOND_COPY, 0);
	close(fd);
	return rmdir(directory);
}

static emr_second_copy read_text(const char *text)
{
	emr_second_copy copy;

	assert_ok(emr_file_replace(fd, EMR_STATE_SECOND_COPY,
		emr_bytes_of((const uint8_t *)text, strlen(text)), 0600));
	emr_second_copy_read(fd, &copy);
	return copy;
}

static void what_is_noted_is_known_until_it_is_forgotten(void **state)
{
	emr_second_copy copy = {
		.is_known = true, .made_unix_s = 1700000000, .entries = 12, .dir = "/media/a b"};
	emr_second_copy again;

	(void)state;
	emr_second_copy_read(fd, &again);
	assert_false(again.is_known);
	assert_ok(emr_second_copy_write(fd, &copy));
	emr_second_copy_read(fd, &again);
	assert_true(again.is_known);
	assert_int_equal(again.made_unix_s, 1700000000);
	assert_int_equal(again.entries, 12);
	assert_string_equal(again.dir, "/media/a b");
	assert_ok(emr_second_copy_forget(fd));
	assert_ok(emr_second_copy_forget(fd));
	emr_second_copy_read(fd, &again);
	assert_false(again.is_known);
}

static void a_path_cannot_forge_a_line(void **state)
{
	emr_second_copy copy = {
		.is_known = true, .made_unix_s = 1, .entries = 1, .dir = "/a\nmade 9\x1b[2J"};
	emr_second_copy again;

	(void)state;
	assert_ok(emr_second_copy_write(fd, &copy));
	emr_second_copy_read(fd, &again);
	assert_string_equal(again.dir, "/a?made 9?[2J");
}

static void what_cannot_be_read_is_no_copy(void **state)
{
	(void)state;
	assert_true(read_text("emrfs second-copy 1\nmade 5\nentries 6\ndir /x\n").is_known);
	assert_false(read_text("").is_known);
	assert_false(read_text("emrfs second-copy 1\nmade 5\nentries 6\ndir /x").is_known);
	assert_false(read_text("emrfs second-copy 1\nmade 5\nentries 6\ndir \n").is_known);
	assert_false(read_text("emrfs second-copy 2\nmade 5\nentries 6\ndir /x\n").is_known);
	assert_false(read_text("emrfs second-copy 1\nmade x\nentries 6\ndir /x\n").is_known);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_noted_is_known_until_it_is_forgotten),
		cmocka_unit_test(a_path_cannot_forge_a_line),
		cmocka_unit_test(what_cannot_be_read_is_no_copy),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
