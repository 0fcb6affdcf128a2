/* These tests look at the encrypted spill of a working copy on the disk: it goes when it is to go,
 * stays small, and gives back what was flushed and nothing else, whatever became of its end. */
#include "record_kit.h"

AUTO_OF(emr_staging_discard, emr_staging *)

static void assert_holds(emr_staging *st, const uint8_t *expected, size_t size)
{
	EMR_AUTO_FREE uint8_t *bytes = malloc(size + 1);
	size_t got;

	assert_int_equal(emr_staging_size(st), size);
	assert_ok(emr_staging_read(st, 0, bytes, size + 1, &got));
	assert_int_equal(got, size);
	assert_memory_equal(bytes, expected, size);
}

static off_t file_size(const char *path)
{
	struct stat info;

	return stat(path, &info) == 0 ? info.st_size : -1;
}

TEST(a_discarded_spill_leaves_no_file)
{
	emr_id16 id = emr_id16_random();
	char path[160];
	emr_staging *st;

	SCENE_OF(kit, k, kit_close, kit_open, 0, 0);
	kit_spill_path(&k, id, path);
	assert_ok(emr_staging_new(k.ctx, id, NULL, 0, &st));
	assert_ok(emr_staging_write(st, 0, "secret diagnosis", 16));
	assert_int_equal(file_size(path), -1);
	assert_ok(emr_staging_spill(st, 0));
	assert_true(file_size(path) > 0);
	emr_staging_discard(st);
	assert_int_equal(file_size(path), -1);
	assert_status(EMR_NOT_FOUND, emr_staging_recover(k.ctx, id, NULL, &st));
	assert_ok(emr_staging_remove(k.ctx, id));
}

TEST(a_spill_that_is_half_dead_is_written_anew)
{
	EMR_AUTO_FREE uint8_t *data = kit_bytes(100000, 2);
	emr_id16 id = emr_id16_random();
	off_t largest = 0;
	char path[160];

	SCENE_OF(kit, k, kit_close, kit_open, 0, 0);
	AUTO(auto_emr_staging_discard) emr_staging *st;

	kit_spill_path(&k, id, path);
	assert_ok(emr_staging_new(k.ctx, id, NULL, 0, &st));
	assert_ok(emr_staging_write(st, 0, data, 100000));
	for (int i = 0; i < 600; i++) {
		data[i * 150] ^= 1;
		assert_ok(emr_staging_write(st, (uint64_t)i * 150, data + i * 150, 100));
		assert_ok(emr_staging_spill(st, i));
		if (file_size(path) > largest)
			largest = file_size(path);
	}
	assert_true(largest < 3 << 20);
	assert_holds(st, data, 100000);
	emr_staging_free(st);
	assert_ok(emr_staging_recover(k.ctx, id, NULL, &st));
	assert_holds(st, data, 100000);
}

TEST(recovery_wants_the_base_it_was_written_over)
{
	emr_content content;
	emr_content_key *key;
	emr_content_reader *base, *other;
	emr_id16 id = emr_id16_random();
	emr_staging *st;

	SCENE_OF(kit, k, kit_close, kit_open, 0, 0);
	base = kit_reader_of(&k, (const uint8_t *)"base", 4, &content, &key);
	emr_content_key_free(key);
	other = kit_reader_of(&k, (const uint8_t *)"other", 5, &content, &key);
	emr_content_key_free(key);
	assert_ok(emr_staging_new(k.ctx, id, base, 4, &st));
	assert_ok(emr_staging_write(st, 1, "A", 1));
	assert_ok(emr_staging_spill(st, 0));
	emr_staging_free(st);
	assert_status(EMR_CONFLICT, emr_staging_recover(k.ctx, id, other, &st));
	assert_status(EMR_CONFLICT, emr_staging_recover(k.ctx, id, NULL, &st));
	assert_ok(emr_staging_recover(k.ctx, id, base, &st));
	emr_staging_discard(st);
	emr_content_reader_free(base);
	emr_content_reader_free(other);
}

/* After the last flush sectors may be lost, torn or left over; what was flushed must come back. */
TEST(a_torn_tail_never_costs_what_was_synced)
{
	SCENE_OF(kit, k, kit_close, kit_open, EMR_RECORD_NO_WORKERS, 0);
	for (uint32_t round = 1; round <= 60; round++) {
		uint32_t random = round * 2654435761u;
		uint8_t *data = kit_bytes(200000, round);
		emr_id16 id = emr_id16_random();
		char path[160];
		off_t synced, end;
		emr_staging *st;
		uint8_t *got_bytes = malloc(200000);
		size_t got;
		int fd;

		assert_ok(emr_staging_new(k.ctx, id, NULL, 0, &st));
		kit_spill_path(&k, id, path);
		assert_ok(emr_staging_write(st, 0, data, 100000));
		assert_ok(emr_staging_spill(st, 1));
		assert_ok(emr_staging_sync(st));
		synced = file_size(path);
		for (int i = 2; i < 6; i++) {
			assert_ok(emr_staging_write(
				st, 100000 + (uint64_t)i * 1000, data + 100000 + i * 1000, 1000));
			assert_ok(emr_staging_spill(st, i));
		}
		end = file_size(path);
		emr_staging_free(st);
		fd = open(path, O_RDWR);
		for (int hits = 0; hits < 3; hits++) {
			off_t at = synced +
				   (off_t)(kit_random(&random) % (uint32_t)((end - synced) / 512)) *
					   512;
			uint8_t sector[512] = {0};

			if (kit_random(&random) % 4 == 0)
				assert_int_equal(ftruncate(fd, at), 0);
			else
				assert_int_equal(pwrite(fd, sector, 512, at), 512);
			end = file_size(path);
			if (end <= synced)
				break;
		}
		close(fd);
		assert_ok(emr_staging_recover(k.ctx, id, NULL, &st));
		assert_true(emr_staging_mtime_ns(st) >= 1);
		assert_ok(emr_staging_read(st, 0, got_bytes, 100000, &got));
		assert_int_equal(got, 100000);
		assert_memory_equal(got_bytes, data, 100000);
		assert_int_equal(emr_staging_size(st),
			emr_staging_mtime_ns(st) == 1
				? 100000
				: 101000 + (uint64_t)emr_staging_mtime_ns(st) * 1000);
		/* Records behind the mark never come back, even when they line up again. */
		assert_ok(emr_staging_write(st, 5, "new life", 8));
		assert_ok(emr_staging_spill(st, 100));
		emr_staging_free(st);
		assert_ok(emr_staging_recover(k.ctx, id, NULL, &st));
		assert_int_equal(emr_staging_mtime_ns(st), 100);
		emr_staging_discard(st);
		free(data);
		free(got_bytes);
	}
}

TEST(old_records_behind_a_new_mark_do_not_come_back)
{
	uint8_t old_tail[65536];
	emr_id16 id = emr_id16_random();
	char path[160];
	off_t first_mark;
	ssize_t tail;
	uint8_t byte;
	size_t got;
	int fd;

	SCENE_OF(kit, k, kit_close, kit_open, 0, 0);
	AUTO(auto_emr_staging_discard) emr_staging *st;

	kit_spill_path(&k, id, path);
	assert_ok(emr_staging_new(k.ctx, id, NULL, 0, &st));
	assert_ok(emr_staging_write(st, 0, "a", 1));
	assert_ok(emr_staging_spill(st, 1));
	first_mark = file_size(path);
	assert_ok(emr_staging_write(st, 0, "b", 1));
	assert_ok(emr_staging_spill(st, 2));
	assert_ok(emr_staging_write(st, 0, "c", 1));
	assert_ok(emr_staging_spill(st, 3));
	emr_staging_free(st);
	fd = open(path, O_RDWR);
	tail = pread(fd, old_tail, sizeof old_tail, first_mark);
	assert_true(tail > 8192);
	assert_int_equal(ftruncate(fd, first_mark), 0);
	assert_ok(emr_staging_recover(k.ctx, id, NULL, &st));
	assert_ok(emr_staging_write(st, 0, "d", 1));
	assert_ok(emr_staging_spill(st, 4));
	emr_staging_free(st);
	/* The truncation was lost with the power: old records follow where the new ones end. */
	assert_int_equal(
		pwrite(fd, old_tail + 8192, (size_t)tail - 8192, first_mark + 8192), tail - 8192);
	close(fd);
	assert_ok(emr_staging_recover(k.ctx, id, NULL, &st));
	assert_int_equal(emr_staging_mtime_ns(st), 4);
	assert_ok(emr_staging_read(st, 0, &byte, 1, &got));
	assert_int_equal(byte, 'd');
}

TEST(a_flipped_bit_in_the_spill_is_never_read_as_data)
{
	EMR_AUTO_FREE uint8_t *data = kit_bytes(20000, 11);
	emr_id16 id = emr_id16_random();
	char path[160];
	off_t size;
	EMR_AUTO_FD fd;

	SCENE_OF(kit, k, kit_close, kit_open, 0, 0);
	AUTO(auto_emr_staging_discard) emr_staging *st;

	kit_spill_path(&k, id, path);
	assert_ok(emr_staging_new(k.ctx, id, NULL, 0, &st));
	assert_ok(emr_staging_write(st, 0, data, 20000));
	assert_ok(emr_staging_spill(st, 1));
	size = file_size(path);
	fd = open(path, O_RDWR);
	/* Header (magic, version, reserved, key half), then head, nonce, text and tag of the
	 * records. */
	for (off_t at = 0; at < size; at += at < 64 ? 1 : at % 4096 < 60 ? 7 : 509) {
		uint8_t was, is, bytes[20000];
		emr_staging *again;
		size_t got;
		emr_status status;

		assert_int_equal(pread(fd, &was, 1, at), 1);
		is = was ^ 0x10;
		assert_int_equal(pwrite(fd, &is, 1, at), 1);
		emr_status read = emr_staging_read(st, 0, bytes, sizeof bytes, &got);
		if (read == EMR_OK)
			assert_memory_equal(bytes, data, 20000);
		else
			assert_status(EMR_DAMAGED, read);
		status = emr_staging_recover(k.ctx, id, NULL, &again);
		if (status == EMR_OK) {
			assert_ok(emr_staging_read(again, 0, bytes, sizeof bytes, &got));
			assert_int_equal(got, 20000);
			assert_memory_equal(bytes, data, 20000);
			emr_staging_free(again);
		} else {
			assert_true(status == EMR_NOT_FOUND || status == EMR_DAMAGED ||
				    status == EMR_NEWER_FORMAT);
		}
		assert_int_equal(pwrite(fd, &was, 1, at), 1);
	}
}

TESTS(NULL, NULL)
