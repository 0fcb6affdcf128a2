/* These tests read and write the file that carries a keyring to another computer; a shorter,
 * longer or newer one is refused. */
#include "emr_test.h"

#include "network/device_file.h"

static emr_device_file some(void)
{
	return (emr_device_file){.dir = emr_bytes_of("/srv/health", 11),
		.keyfile = emr_bytes_of("keyfile", 7),
		.profile = emr_bytes_of("profile", 7)};
}

TEST(a_device_file_comes_back)
{
	EMR_AUTO_BUF bytes = {0};
	emr_device_file file = some(), again;

	assert_ok(emr_device_file_write(&file, &bytes));
	assert_int_equal(bytes.len, 8 + 2 + 11 + 4 + 7 + 4 + 7 + 4 + 4);
	assert_ok(emr_device_file_read(emr_buf_view(&bytes), &again));
	assert_true(emr_bytes_equal(again.dir, file.dir));
	assert_true(emr_bytes_equal(again.keyfile, file.keyfile));
	assert_true(emr_bytes_equal(again.profile, file.profile));
	assert_int_equal(again.channel.len, 0);
	file.channel = emr_bytes_of("the way", 7);
	file.descriptor = emr_bytes_of("the network", 11);
	emr_buf_clear(&bytes);
	assert_ok(emr_device_file_write(&file, &bytes));
	assert_ok(emr_device_file_read(emr_buf_view(&bytes), &again));
	assert_true(emr_bytes_equal(again.channel, file.channel));
	assert_true(emr_bytes_equal(again.descriptor, file.descriptor));
}

TEST(no_shorter_longer_or_newer_file_is_one)
{
	EMR_AUTO_BUF bytes = {0};
	emr_device_file file = some(), again;

	assert_ok(emr_device_file_write(&file, &bytes));
	for (size_t len = 0; len < bytes.len; len++)
		assert_status(
			EMR_DAMAGED, emr_device_file_read(emr_bytes_of(bytes.data, len), &again));
	assert_ok(emr_buf_append_zeros(&bytes, 1));
	assert_status(EMR_DAMAGED, emr_device_file_read(emr_buf_view(&bytes), &again));
	bytes.len--;
	bytes.data[4] = 2;
	assert_status(EMR_NEWER_FORMAT, emr_device_file_read(emr_buf_view(&bytes), &again));
	bytes.data[4] = 1;
	bytes.data[10] = 'x'; /* the directory is not absolute any more */
	assert_status(EMR_DAMAGED, emr_device_file_read(emr_buf_view(&bytes), &again));
}

TEST(what_could_not_be_read_is_not_written)
{
	EMR_AUTO_BUF bytes = {0};
	emr_device_file file = some();

	file.dir = emr_bytes_of("srv", 3);
	assert_status(EMR_INVALID, emr_device_file_write(&file, &bytes));
	file.dir = emr_bytes_of("/a\0b", 4);
	assert_status(EMR_INVALID, emr_device_file_write(&file, &bytes));
	file = some();
	file.keyfile.len = 0;
	assert_status(EMR_INVALID, emr_device_file_write(&file, &bytes));
	file = some();
	file.channel = emr_bytes_of("a way to what", 13);
	assert_status(EMR_INVALID, emr_device_file_write(&file, &bytes));
	assert_int_equal(bytes.len, 0);
}

TESTS(NULL, NULL)
