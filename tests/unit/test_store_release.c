/* These tests are about a store and journal written by format version 1, kept in tests/releases:
 * every later program must read them. `test_store_release make DIR` writes a new one; only a new
 * format version needs that. */
#include "store_kit.h"

#include "journal/journal.h"

#define BLOCKS 10
#define PASSPHRASE emr_bytes_of("release test", 12)

static const char *const files[] = {
	"format",
	"index.sqlite",
	"journal-aa0102030405060708090a0b0c0d0e0f.head",
	"keyfile",
	"seg-aa0102030405060708090a0b0c0d0e0f-000001.car",
	"seg-aa0102030405060708090a0b0c0d0e0f-000002.car",
};

static void copy(const char *from, const char *to, const char *name)
{
	EMR_AUTO_FREE uint8_t *bytes = malloc(1 << 20);
	FILE *file;
	size_t len;
	EMR_AUTO_FD fd;

	file = fopen(printed("%s/%s", from, name), "rb");
	assert_non_null(file);
	len = fread(bytes, 1, 1 << 20, file);
	fclose(file);
	fd = open(printed("%s/%s", to, name), O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_int_equal(write(fd, bytes, len), (ssize_t)len);
}

static void check_content(kit *k)
{
	int dir = open(k->path, O_RDONLY | O_DIRECTORY);
	emr_id16 key = {{42}};
	AUTO(emr_keyring_auto_free) emr_keyring *keyring;
	emr_journal *journal;
	EMR_AUTO_BUF value = {0};
	emr_store_stats stats;

	for (uint32_t i = 0; i < BLOCKS; i++)
		kit_has(k, i, 1000 * i);
	assert_ok(emr_store_stats_get(k->store, &stats));
	assert_int_equal(stats.pins, 2);
	assert_int_equal(stats.quarantined, 0);
	assert_ok(emr_keyring_open(dir, "keyfile", PASSPHRASE, &keyring, NULL));
	close(dir);
	assert_ok(emr_journal_open(k->store, keyring, &journal));
	assert_false(emr_journal_state_get(journal).read_only);
	assert_int_equal(emr_journal_last_seq(journal), 4);
	assert_int_equal(emr_journal_state_get(journal).rows, 2);
	assert_ok(emr_journal_get(journal, 3, key, &value));
	assert_memory_equal(value.data, "after the snapshot", 18);
	emr_journal_close(journal);
}

TEST_IN(kit_setup, kit_teardown, version_1_is_read_with_and_without_its_index)
{
	kit *k = *state;

	kit_close(k);
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
		copy(EMR_RELEASE_DIR "/store-v1", k->path, files[i]);
	kit_open(k);
	check_content(k);
	kit_close(k);
	kit_lose_index(k);
	kit_open(k);
	check_content(k);
	assert_ok(emr_store_mend(k->store, NULL));
}

/* ---- Making one ---- */

static void put_row(emr_journal *journal, uint8_t n, const char *value, const emr_cid *pin_root)
{
	emr_id16 key = {{n}};
	emr_journal_txn *txn;

	assert_ok(emr_journal_begin(journal, &txn));
	assert_ok(emr_journal_put(txn, 3, key, emr_bytes_of(value, strlen(value))));
	if (pin_root != NULL) {
		emr_pin pin = kit_pin(pin_root, n);

		assert_ok(emr_journal_pin(txn, &pin));
	}
	assert_ok(emr_journal_commit(txn, NULL));
}

static int make(const char *path)
{
	const emr_kdf_cost cheap = {.passes = 1, .memory_bytes = 8 << 20};
	AUTO(kit_close)
	kit k = {.options = {.path = path,
			 .writer = kit_writer_id(),
			 .no_background = true,
			 .segment_bytes = 40000}};
	AUTO(emr_keyring_auto_free) emr_keyring *keyring;
	emr_journal *journal;
	emr_cid cid = {{0}};
	int dir;

	assert_ok(emr_base_init());
	kit_open(&k);
	dir = emr_store_directory(k.store);
	assert_ok(emr_keyring_create(EMR_KEYRING_PERSON, 1700000000, &keyring));
	assert_ok(emr_keyring_save_new(keyring, dir, "keyfile", PASSPHRASE, &cheap));
	assert_ok(emr_journal_open(k.store, keyring, &journal));
	put_row(journal, 1, "first", NULL);
	for (uint32_t i = 0; i < BLOCKS; i++)
		cid = kit_put(&k, i, 1000 * i);
	put_row(journal, 1, "changed", &cid);
	put_row(journal, 42, "before the snapshot", &cid);
	assert_ok(emr_journal_snapshot(journal));
	put_row(journal, 42, "after the snapshot", NULL);
	emr_journal_close(journal);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "make") == 0)
		return make(argv[2]);
	return emr_tests_run(NULL, NULL);
}
