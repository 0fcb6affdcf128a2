/* These tests write and read keyfiles: byte for byte as the second model does, and each changed,
 * cut or added byte is refused with its cause. */
#include "test_dir.h"
#include "keyring_kit.h"

#include <sodium.h>

#include "crypto/sum.h"

static const emr_kdf_cost cheap = {.passes = 1, .memory_bytes = (uint64_t)8 << 20};

static bool same_person(const emr_keyring *a, const emr_keyring *b)
{
	emr_public pa;
	emr_public pb;

	assert_ok(emr_keyring_public(a, &pa));
	assert_ok(emr_keyring_public(b, &pb));
	return memcmp(&pa, &pb, sizeof pa) == 0;
}

TEST_IN(test_dir_make, test_dir_remove, keyfiles_match_the_second_model_byte_for_byte)
{
	const test_dir *here = *state;
	AUTO(auto_json_decref) json_t *root = vectors_open("keyfile.json");
	const json_t *file;
	size_t i;

	json_array_foreach(vectors_get(root, "files"), i, file)
	{
		EMR_AUTO_KEYRING kr = NULL;
		EMR_AUTO_BUF want = {0};
		EMR_AUTO_BUF got = {0};
		EMR_AUTO_BUF passphrase = {0};
		uint8_t salt[16], nonce[24], seed[32];
		emr_id16 device;
		const emr_kdf_cost cost = {
			(uint32_t)vectors_u64(file, "t"), vectors_u64(file, "m_bytes")};

		vectors_hex(file, "keyfile", &want);
		vectors_hex(file, "passphrase_hex", &passphrase);
		vectors_fixed(file, "salt", salt, 16);
		vectors_fixed(file, "nonce", nonce, 24);
		vectors_fixed(file, "seed", seed, 32);
		vectors_fixed(file, "device_id", device.b, 16);
		assert_ok(emr_file_create(
			here->fd, vectors_text(file, "name"), emr_buf_view(&want), 0600));
		assert_ok(emr_keyring_open(here->fd, vectors_text(file, "name"),
			emr_buf_view(&passphrase), &kr, NULL));
		assert_int_equal(kr->kind, vectors_u64(file, "kind"));
		assert_int_equal(kr->gen, vectors_u64(file, "gen"));
		assert_true(kr->created_unix_s == vectors_u64(file, "created"));
		assert_true(emr_id16_equal(kr->device_id, device));
		assert_memory_equal(kr->seed.data, seed, 32);
		assert_int_equal(kr->nfacts, json_array_size(vectors_get(file, "tlvs")));
		assert_ok(
			emr_keyfile_make(kr, emr_buf_view(&passphrase), &cost, salt, nonce, &got));
		assert_true(emr_bytes_equal(emr_buf_view(&got), emr_buf_view(&want)));
	}
	assert_true(i > 0);
}

TEST_IN(test_dir_make, test_dir_remove, a_keyring_is_saved_once_and_replaced_whole)
{
	const test_dir *here = *state;
	EMR_AUTO_KEYRING kr = kit_keyring();
	EMR_AUTO_KEYRING got = NULL;
	EMR_AUTO_KEYRING changed = NULL;
	emr_keyring *none = NULL;
	EMR_AUTO_BUF fact = {0};
	struct stat st;

	umask(0);
	assert_ok(emr_keyring_save_new(kr, here->fd, "keyring", kit_text("first"), &cheap));
	assert_int_equal(fstatat(here->fd, "keyring", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_status(EMR_EXISTS,
		emr_keyring_save_new(kr, here->fd, "keyring", kit_text("other"), &cheap));
	assert_ok(emr_keyring_open(here->fd, "keyring", kit_text("first"), &got, NULL));
	assert_true(same_person(kr, got));
	assert_ok(emr_keyring_tlv_set(
		kr, EMR_KEYRING_NET_DESCRIPTOR, kit_text("descriptor hash of 32 bytes long.")));
	assert_ok(emr_keyring_save(kr, here->fd, "keyring", kit_text("second"), &cheap));
	assert_status(EMR_WRONG_PASSPHRASE,
		emr_keyring_open(here->fd, "keyring", kit_text("first"), &none, NULL));
	assert_ok(emr_keyring_open(here->fd, "keyring", kit_text("second"), &changed, NULL));
	assert_true(same_person(kr, changed));
	assert_ok(emr_keyring_tlv_get(changed, EMR_KEYRING_NET_DESCRIPTOR, &fact));
	assert_int_equal(fact.len, 33);
	assert_null(none);
}

TEST_IN(test_dir_make, test_dir_remove, a_keyfile_that_others_can_read_is_refused)
{
	const test_dir *here = *state;
	EMR_AUTO_KEYRING kr = kit_keyring();
	emr_keyring *none = NULL;

	assert_ok(emr_keyring_save_new(kr, here->fd, "keyring", kit_text("p"), &cheap));
	assert_ok(emr_keyring_check_file(here->fd, "keyring", NULL));
	assert_int_equal(fchmodat(here->fd, "keyring", 0640, 0), 0);
	assert_status(
		EMR_EXPOSED, emr_keyring_open(here->fd, "keyring", kit_text("p"), &none, NULL));
	assert_status(EMR_EXPOSED, emr_keyring_check_file(here->fd, "keyring", NULL));
	assert_status(
		EMR_NOT_FOUND, emr_keyring_open(here->fd, "nothing", kit_text("p"), &none, NULL));
	assert_null(none);
}

TEST_IN(test_dir_make, test_dir_remove, a_passphrase_has_1_to_1024_bytes)
{
	const test_dir *here = *state;
	EMR_AUTO_KEYRING kr = kit_keyring();
	EMR_AUTO_KEYRING got = NULL;
	static uint8_t longest[EMR_PASSPHRASE_MAX + 1];

	memset(longest, 'p', sizeof longest);
	assert_status(EMR_INVALID, emr_keyring_save_new(kr, here->fd, "k", (emr_bytes){0}, &cheap));
	assert_status(EMR_INVALID,
		emr_keyring_save_new(kr, here->fd, "k", emr_bytes_of(longest, 1025), &cheap));
	assert_status(EMR_NOT_FOUND, emr_keyring_check_file(here->fd, "k", NULL));
	assert_ok(emr_keyring_save_new(kr, here->fd, "k", emr_bytes_of(longest, 1024), &cheap));
	assert_ok(emr_keyring_open(here->fd, "k", emr_bytes_of(longest, 1024), &got, NULL));
	assert_status(EMR_LIMIT,
		emr_keyring_save(kr, here->fd, "k", kit_text("p"), &(emr_kdf_cost){1, 1 << 20}));
	assert_status(EMR_LIMIT,
		emr_keyring_save(kr, here->fd, "k", kit_text("p"), &(emr_kdf_cost){0, 8 << 20}));
}

/* The status of a flip at byte AT. Salt, cost within its limits, and commitment decide what the
 * passphrase gives; that the passphrase is right the sum at the end says. */
static void assert_flip(size_t at, emr_status status, const char *field)
{
	if (at < 4)
		assert_string_equal(field, "start");
	else if (at == 4)
		assert_string_equal(field, "version");
	else if (at == 5)
		assert_string_equal(field, "method");
	else if (at < 24 && strcmp(field, "checksum") != 0)
		assert_string_equal(field, "cost");
	else if (at >= 24 && at < 40)
		assert_string_equal(field, "checksum");
	else if (at >= 40 && at < 64)
		assert_string_equal(field, "contents"); /* the nonce */
	else if (at >= 64 && at < 96)
		assert_string_equal(field, "checksum");
	else if (at >= 96 && at < 100)
		assert_string_equal(field, "length");
	else if (at >= 100)
		assert_string_equal(field, "contents");
	assert_status(EMR_DAMAGED, status);
}

TEST_IN(test_dir_make, test_dir_remove, every_flipped_byte_is_refused_with_its_cause)
{
	const test_dir *here = *state;
	EMR_AUTO_KEYRING kr = kit_keyring();
	EMR_AUTO_BUF file = {0};

	assert_ok(emr_keyring_save_new(kr, here->fd, "keyring", kit_text("p"), &cheap));
	assert_ok(emr_file_read(here->fd, "keyring", 4096, &file));
	assert_int_equal(file.len, 372 + EMR_SUM_BYTES);
	assert_true(emr_keyring_is_whole(emr_buf_view(&file)));
	for (size_t at = 0; at < file.len; at++) {
		emr_keyring *none = NULL;
		const char *field = "";
		emr_status status;

		/* 6: version 1 becomes 7, not 0. */
		file.data[at] ^= 6;
		assert_false(emr_keyring_is_whole(emr_buf_view(&file)));
		assert_ok(emr_file_replace(here->fd, "flipped", emr_buf_view(&file), 0600));
		status = emr_keyring_open(here->fd, "flipped", kit_text("p"), &none, &field);
		if (at < 372) {
			assert_null(none);
			assert_flip(at, status, field);
		} else {
			assert_ok(status); /* the sum alone: nothing that is needed */
			emr_keyring_free(none);
		}
		file.data[at] ^= 6;
	}
	/* As earlier programs wrote it. */
	file.len -= EMR_SUM_BYTES;
	assert_true(emr_keyring_is_whole(emr_buf_view(&file)));
	assert_ok(emr_file_replace(here->fd, "older", emr_buf_view(&file), 0600));
	assert_ok(emr_keyring_check_file(here->fd, "older", NULL));
}

TEST_IN(test_dir_make, test_dir_remove, every_cut_and_every_addition_is_refused)
{
	const test_dir *here = *state;
	EMR_AUTO_KEYRING kr = kit_keyring();
	EMR_AUTO_BUF file = {0};
	const char *field = "";
	emr_keyfile_header header;

	assert_ok(emr_keyring_save_new(kr, here->fd, "keyring", kit_text("p"), &cheap));
	assert_ok(emr_file_read(here->fd, "keyring", 4096, &file));
	file.len -= EMR_SUM_BYTES;
	for (size_t len = 0; len < file.len; len++)
		assert_status(EMR_DAMAGED,
			emr_keyfile_parse(emr_bytes_of(file.data, len), &header, &field));
	assert_ok(emr_keyfile_parse(emr_buf_view(&file), &header, &field));
	assert_ok(emr_buf_append_zeros(&file, 1));
	assert_status(EMR_DAMAGED, emr_keyfile_parse(emr_buf_view(&file), &header, &field));
	assert_string_equal(field, "length");
	file.data[4] = 2;
	assert_status(EMR_NEWER_FORMAT, emr_keyfile_parse(emr_buf_view(&file), &header, &field));
	file.data[4] = 0;
	assert_status(EMR_DAMAGED, emr_keyfile_parse(emr_buf_view(&file), &header, &field));
	/* Larger than any keyfile is. */
	assert_ok(emr_buf_append_zeros(&file, 200000));
	assert_ok(emr_file_replace(here->fd, "big", emr_buf_view(&file), 0600));
	assert_status(EMR_DAMAGED, emr_keyring_check_file(here->fd, "big", &field));
	assert_string_equal(field, "length");
}

/* Sets bytes of a good payload and parses it. */
static emr_status with_bytes(size_t at, const char *bytes, size_t n, const char **field)
{
	AUTO(auto_json_decref) json_t *root = vectors_open("keyfile.json");
	const json_t *file = json_array_get(vectors_get(root, "files"), 1);
	EMR_AUTO_KEYRING kr = NULL;
	EMR_AUTO_BUF payload = {0};
	emr_status status;

	vectors_hex(file, "payload", &payload);
	memcpy(payload.data + at, bytes, n);
	status = emr_keyfile_parse_payload(emr_buf_view(&payload), &kr, field);
	return status;
}

TEST(a_payload_is_parsed_strictly)
{
	const char *field = "";

	assert_ok(with_bytes(0, "E", 1, &field));
	assert_status(EMR_DAMAGED, with_bytes(0, "X", 1, &field));
	assert_string_equal(field, "start");
	assert_status(EMR_NEWER_FORMAT, with_bytes(4, "\2", 1, &field));
	assert_status(EMR_DAMAGED, with_bytes(5, "\0", 1, &field));
	assert_string_equal(field, "contents");
	assert_status(EMR_DAMAGED, with_bytes(5, "\4", 1, &field));
	assert_status(EMR_DAMAGED, with_bytes(6, "\1", 1, &field));
	assert_status(EMR_DAMAGED, with_bytes(8, "\0\0\0\0", 4, &field)); /* gen 0 */
	assert_status(EMR_DAMAGED, with_bytes(12, "\1", 1, &field));
	assert_status(EMR_DAMAGED,
		with_bytes(72, "\0\1", 2, &field)); /* one fact fewer: its bytes are no padding */
	assert_string_equal(field, "padding");
	assert_status(EMR_DAMAGED, with_bytes(72, "\0\3", 2, &field));
	assert_string_equal(field, "facts");
	assert_status(EMR_DAMAGED, with_bytes(72, "\xff\xff", 2, &field));
	assert_status(EMR_DAMAGED, with_bytes(75, "\xff\xff", 2, &field));
	assert_status(EMR_DAMAGED, with_bytes(74, "\2", 1, &field)); /* the same type twice */
	assert_string_equal(field, "facts");
	assert_status(EMR_DAMAGED, with_bytes(255, "\1", 1, &field));
	assert_string_equal(field, "padding");
}

/* "passes MiB" of the file. */
static void expect_cost(const test_dir *here, const char *name, uint32_t passes, uint64_t mib)
{
	EMR_AUTO_BUF file = {0};
	emr_keyfile_header header;

	assert_ok(emr_file_read(here->fd, name, 100000, &file));
	file.len -= EMR_SUM_BYTES;
	assert_ok(emr_keyfile_parse(emr_buf_view(&file), &header, NULL));
	assert_int_equal(header.passes, passes);
	assert_int_equal(header.memory_bytes, mib << 20);
}

/* A person who may write the settings, where the cost comes from, need not be able to open it. */
TEST_IN(test_dir_make, test_dir_remove, a_keyfile_costs_no_less_than_the_one_before)
{
	const test_dir *here = *state;
	const emr_kdf_cost first = {.passes = 2, .memory_bytes = (uint64_t)10 << 20};
	const emr_kdf_cost wider = {.passes = 1, .memory_bytes = (uint64_t)12 << 20};
	EMR_AUTO_KEYRING kr = kit_keyring();
	EMR_AUTO_KEYRING opened = NULL;

	assert_ok(emr_keyring_save_new(kr, here->fd, "keyring", kit_text("first"), &first));
	assert_ok(emr_keyring_open(here->fd, "keyring", kit_text("first"), &opened, NULL));
	assert_ok(emr_keyring_save(opened, here->fd, "keyring", kit_text("first"), &cheap));
	expect_cost(here, "keyring", 2, 10);
	assert_ok(emr_keyring_save_new(opened, here->fd, "another", kit_text("first"), &cheap));
	expect_cost(here, "another", 2, 10);
	assert_ok(emr_keyring_save(opened, here->fd, "keyring", kit_text("first"), &wider));
	expect_cost(here, "keyring", 2, 12);
	/* A keyring that came out of no file costs what is said of it. */
	emr_keyring_cost_at_least(kr, &first);
	emr_keyring_cost_at_least(kr, &cheap);
	assert_ok(emr_keyring_save(kr, here->fd, "keyring", kit_text("first"), &cheap));
	expect_cost(here, "keyring", 2, 10);
}

TESTS(NULL, NULL)
