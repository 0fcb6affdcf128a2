/* Working copies and contents over the real block store: segments on the disk, closed and opened
 * again. */
#include "record_kit.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/car_store.h"

typedef struct disk {
	char dir[64];
	char store_dir[96];
	int spill_dirfd;
	emr_keyring *keyring;
	emr_store *store;
	emr_record_ctx *ctx;
} disk;

static void open_disk(disk *d)
{
	emr_store_options options = {.path = d->store_dir, .writer = {{7}}, .no_background = true};
	emr_record_options record = {.keyring = d->keyring, .spill_dirfd = d->spill_dirfd};

	assert_ok(emr_store_open(&options, &d->store));
	record.store = emr_store_blocks(d->store);
	assert_ok(emr_record_ctx_new(&record, &d->ctx));
}

static void close_disk(disk *d)
{
	emr_record_ctx_free(d->ctx);
	emr_store_close(d->store);
}

static int make_disk(void **state)
{
	disk *d = calloc(1, sizeof *d);

	assert_non_null(d);
	assert_ok(emr_base_init());
	assert_ok(emr_keyring_create(EMR_KEYRING_PERSON, 0, &d->keyring));
	strcpy(d->dir, "/tmp/emr-record-XXXXXX");
	assert_non_null(mkdtemp(d->dir));
	snprintf(d->store_dir, sizeof d->store_dir, "%s/store", d->dir);
	d->spill_dirfd = open(d->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	open_disk(d);
	*state = d;
	return 0;
}

static int drop_disk(void **state)
{
	disk *d = *state;
	char command[128];

	close_disk(d);
	emr_keyring_free(d->keyring);
	close(d->spill_dirfd);
	snprintf(command, sizeof command, "rm -rf %s", d->dir);
	assert_int_equal(system(command), 0);
	free(d);
	return 0;
}

static void a_file_is_read_back_after_the_store_was_closed(void **state)
{
	disk *d = *state;
	EMR_AUTO_FREE uint8_t *data = kit_bytes(7000001, 3);
	EMR_AUTO_FREE uint8_t *bytes = malloc(7000001);
	emr_bundle_facts facts = {
		.record_id = {{5}}, .cver = 1, .mime = emr_bytes_of("application/dicom", 17)};
	emr_content content;
	emr_content_key *key;
	emr_content_reader *reader;
	emr_bundle bundle;
	emr_staging *st;
	emr_cid root;
	size_t got;

	assert_ok(emr_staging_new(d->ctx, emr_id16_random(), NULL, 0, &st));
	for (size_t at = 0; at < 7000001; at += 100000)
		assert_ok(emr_staging_write(
			st, at, data + at, 7000001 - at < 100000 ? 7000001 - at : 100000));
	assert_ok(emr_staging_freeze(st, &content, &key));
	assert_ok(emr_bundle_build(d->ctx, &content, key, &facts, &root));
	emr_staging_discard(st);
	emr_content_key_free(key);
	close_disk(d);
	open_disk(d);
	assert_ok(emr_content_open_key(d->ctx, &content, &key));
	assert_ok(emr_bundle_open(d->ctx, &root, key, facts.record_id, 1, &bundle));
	assert_ok(emr_content_reader_open(d->ctx, &bundle.content, key, &reader));
	assert_ok(emr_content_reader_verify(reader));
	assert_ok(emr_content_reader_read(reader, 0, bytes, 7000001, &got));
	assert_int_equal(got, 7000001);
	assert_memory_equal(bytes, data, got);
	emr_content_reader_free(reader);
	emr_content_key_free(key);
}

static emr_status count_block(void *context, const emr_cid *cid)
{
	assert_int_equal(emr_cid_codec(cid), EMR_CODEC_RAW);
	++*(unsigned *)context;
	return EMR_OK;
}

static void a_half_written_file_comes_back_with_its_sealed_leaves(void **state)
{
	disk *d = *state;
	EMR_AUTO_FREE uint8_t *data = kit_bytes(6u << 20, 4);
	EMR_AUTO_FREE uint8_t *bytes = malloc(6u << 20);
	emr_id16 id = emr_id16_random();
	unsigned blocks = 0;
	emr_staging *st;
	size_t got;

	assert_ok(emr_staging_new(d->ctx, id, NULL, 0, &st));
	for (size_t at = 0; at < 6u << 20; at += 65536)
		assert_ok(emr_staging_write(st, at, data + at, 65536));
	assert_ok(emr_staging_spill(st, 9));
	assert_true(emr_staging_needs_store_flush(st));
	assert_ok(emr_store_flush(d->store));
	emr_staging_store_flushed(st);
	assert_ok(emr_staging_sync(st));
	emr_staging_free(st);
	close_disk(d);
	open_disk(d);
	assert_ok(emr_staging_recover(d->ctx, id, NULL, &st));
	assert_ok(emr_staging_each_block(st, count_block, &blocks));
	assert_int_equal(blocks, 8);
	assert_ok(emr_staging_read(st, 0, bytes, 6u << 20, &got));
	assert_int_equal(got, 6u << 20);
	assert_memory_equal(bytes, data, got);
	emr_staging_discard(st);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_file_is_read_back_after_the_store_was_closed, make_disk, drop_disk),
		cmocka_unit_test_setup_teardown(
			a_half_written_file_comes_back_with_its_sealed_leaves, make_disk,
			drop_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
