/* These tests read and write the list of a backup: its text is the documented one, every changed
 * byte is seen, and a name that leads elsewhere is refused. */
#include "emr_test.h"

#include "backup/manifest.h"
#include "crypto/hashsig.h"

#define SEGMENT "blocks/seg-00112233445566778899aabbccddeeff-000001.car"

static emr_backup_file file_of(const char *path, const char *stored, uint64_t bytes)
{
	emr_backup_file file = {.bytes = bytes};

	snprintf(file.path, sizeof file.path, "%s", path);
	snprintf(file.stored, sizeof file.stored, "%s", stored);
	memset(file.sha256, 0x5a, sizeof file.sha256);
	return file;
}

static void write_one(const char *path, const char *stored, emr_buf *out)
{
	EMR_AUTO_MANIFEST list = {.made_unix_s = 1700000000, .entries = 7, .records = 2};
	emr_backup_file file = file_of(path, stored, 96);

	assert_ok(emr_backup_manifest_add(&list, &file));
	assert_ok(emr_backup_manifest_write(&list, out));
}

TEST(what_is_written_is_read_again)
{
	EMR_AUTO_MANIFEST list = {.made_unix_s = 1700000000, .entries = 7, .records = UINT64_MAX};
	EMR_AUTO_MANIFEST again = {0};
	EMR_AUTO_BUF text = {0};
	emr_backup_file files[] = {file_of("keyfile", "keyfile.5a5a", 884),
		file_of(SEGMENT, "seg-1.car.b", UINT64_MAX),
		file_of("spill/00112233445566778899aabbccddeeff", "s", 0)};

	memset(list.net_id.b, 3, sizeof list.net_id.b);
	memset(list.root, 0x9f, sizeof list.root);
	for (size_t i = 0; i < 3; i++)
		assert_ok(emr_backup_manifest_add(&list, &files[i]));
	assert_ok(emr_backup_manifest_write(&list, &text));
	assert_ok(emr_backup_manifest_read(emr_buf_view(&text), &again));
	assert_int_equal(again.n, 3);
	assert_int_equal(again.made_unix_s, 1700000000);
	assert_int_equal(again.entries, 7);
	assert_true(again.records == UINT64_MAX);
	assert_true(emr_id16_equal(again.net_id, list.net_id));
	assert_memory_equal(again.root, list.root, sizeof list.root);
	assert_string_equal(again.files[1].path, SEGMENT);
	assert_string_equal(again.files[1].stored, "seg-1.car.b");
	assert_true(again.files[1].bytes == UINT64_MAX);
	assert_memory_equal(again.files[2].sha256, files[2].sha256, 32);
	assert_non_null(emr_backup_manifest_find(&again, "keyfile"));
	assert_null(emr_backup_manifest_find(&again, "profile"));
}

/* The text of format 2, with its sum computed by sha256sum. */
TEST(the_text_is_the_documented_one)
{
	static const char known[] =
		"emrfs backup 2\n"
		"network 00000000000000000000000000000000\n"
		"made 1700000000\n"
		"entries 7\n"
		"root 0000000000000000000000000000000000000000000000000000000000000000\n"
		"records 2\n"
		"file 96 5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a "
		"profile.5a profile\n"
		"sum 18f44c160af7cd7a2983cc30bac7b6914d4509c18f159c131ccc839a193a0dfd\n";
	EMR_AUTO_BUF text = {0};

	write_one("profile", "profile.5a", &text);
	assert_int_equal(text.len, sizeof known - 1);
	assert_memory_equal(text.data, known, text.len);
}

TEST(every_changed_byte_is_seen)
{
	EMR_AUTO_BUF text = {0};

	write_one("keyfile", "keyfile.5a", &text);
	for (size_t i = 0; i < text.len; i++) {
		emr_backup_manifest read = {0};

		text.data[i] ^= 1;
		assert_int_not_equal(emr_backup_manifest_read(emr_buf_view(&text), &read), EMR_OK);
		text.data[i] ^= 1;
		assert_int_not_equal(
			emr_backup_manifest_read(emr_bytes_of(text.data, i), &read), EMR_OK);
		assert_null(read.files);
	}
}

/* Its sum is right: only the names speak against it. */
TEST(a_name_that_leads_elsewhere_is_refused)
{
	static const char *const paths[] = {"../keyfile", "/etc/passwd", "lock", "log", "keyfile2",
		"spill/short", "blocks/../keyfile", "blocks/index.sqlite",
		"ledger/ledger.sqlite-wal", "spill/",
		"blocks/seg-00112233445566778899aabbccddeeff-1.car",
		"spill/00112233445566778899aabbccddeeff.new"};
	static const char *const stored[] = {"../x", ".hidden", "a/b", "lock", "partial", "UPPER"};

	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
		EMR_AUTO_BUF text = {0};
		emr_backup_manifest read = {0};

		write_one(paths[i], "x", &text);
		assert_status(EMR_DAMAGED, emr_backup_manifest_read(emr_buf_view(&text), &read));
	}
	for (size_t i = 0; i < sizeof stored / sizeof *stored; i++) {
		EMR_AUTO_BUF text = {0};
		emr_backup_manifest read = {0};

		write_one("keyfile", stored[i], &text);
		assert_status(EMR_DAMAGED, emr_backup_manifest_read(emr_buf_view(&text), &read));
	}
}

TEST(a_later_format_is_not_called_damage)
{
	static const char later[] = "emrfs backup 3\nwhatever comes\n";
	uint8_t sum[32];
	char text[sizeof later + 70], hex[65];
	emr_backup_manifest read = {0};
	int n;

	emr_sha256(later, sizeof later - 1, sum);
	emr_hex(sum, sizeof sum, hex);
	n = snprintf(text, sizeof text, "%ssum %s\n", later, hex);
	assert_status(EMR_NEWER_FORMAT,
		emr_backup_manifest_read(emr_bytes_of((const uint8_t *)text, (size_t)n), &read));
	text[13] = '2'; /* rot, and nobody is told to get a newer program */
	assert_status(EMR_DAMAGED,
		emr_backup_manifest_read(emr_bytes_of((const uint8_t *)text, (size_t)n), &read));
}

TESTS(NULL, NULL)
