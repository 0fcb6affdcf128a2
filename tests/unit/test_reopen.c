/* A record that was saved or opened here opens again without a key of the folder: only as itself,
 * only on this computer, and never after it was erased. */
#include "view_kit.h"

#include <sqlite3.h>

#include "keyring/content.h"
#include "keyring/coowned.h"
#include "settle/reopen.h"
#include "settle/whose.h"

/* Each is curves that a person waits for. */
static unsigned unwrapped;

WRAPPED(emr_status, emr_content_key_unwrap, const emr_keyring *kr, emr_id16 domain_id,
	uint32_t epoch, const uint8_t ctx[32], const uint8_t capsule[EMR_CAPSULE_BYTES],
	const uint8_t wdek[EMR_WDEK_BYTES], emr_content_key **out)
{
	unwrapped++;
	return __real_emr_content_key_unwrap(kr, domain_id, epoch, ctx, capsule, wdek, out);
}

/* A block that is not here is brought from a node, one after the other, while a person waits. */
static bool has_no_blocks;
static unsigned missed;

WRAPPED(emr_status, emr_block_store_get_verified, emr_block_store *store, const emr_cid *cid,
	emr_buf *out)
{
	if (!has_no_blocks)
		return __real_emr_block_store_get_verified(store, cid, out);
	missed++;
	return EMR_NOT_FOUND;
}

/* ---- the table, as somebody with the disk sees it ---- */

static sqlite3 *database(const kit *k)
{
	sqlite3 *db = NULL;

	assert_int_equal(sqlite3_open(printed("%s/replica.sqlite", k->path), &db), SQLITE_OK);
	return db;
}

static int64_t number(const kit *k, const char *text)
{
	sqlite3 *db = database(k);
	sqlite3_stmt *s = NULL;
	int64_t value;

	assert_int_equal(sqlite3_prepare_v2(db, text, -1, &s, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(s), SQLITE_ROW);
	value = sqlite3_column_int64(s, 0);
	sqlite3_finalize(s);
	sqlite3_close(db);
	return value;
}

static int64_t copies(const kit *k)
{
	return number(k, "SELECT count(*) FROM locals");
}

/* While the folder is closed. */
static void change(kit *k, const char *text)
{
	sqlite3 *db;

	emr_stack_close(&k->stack);
	db = database(k);
	assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
	assert_true(sqlite3_changes(db) > 0);
	sqlite3_close(db);
	kit_start(k);
}

/* ---- a folder of two records ---- */

static void begin(kit *k)
{
	kit_open(k);
	kit_mkdir(k, "A");
	kit_text(k, "A/x", "one");
	kit_save(k, "A/y", "another");
	kit_restart(k);
	unwrapped = 0;
}

static void read_both(kit *k)
{
	kit_expect_text(k, "A/x", "one");
	kit_expect_text(k, "A/y", "another");
}

static emr_place place_of(kit *k, const char *path)
{
	emr_place place = {0};

	assert_ok(emr_view_place(k->view, path, &place));
	return place;
}

/* ---- sentences ---- */

TEST(what_was_saved_here_is_opened_without_curves)
{
	SCENE(kit, k, begin, kit_close);
	read_both(&k);
	assert_int_equal(unwrapped, 0);
	kit_save(&k, "A/x", "two");
	kit_restart(&k);
	kit_expect_text(&k, "A/x", "two");
	assert_int_equal(unwrapped, 0);
}

TEST(what_was_opened_here_once_is_opened_without_curves_again)
{
	SCENE(kit, k, begin, kit_close);
	assert_ok(emr_replica_drop_locals(k.stack.replica));
	assert_int_equal(copies(&k), 0);
	read_both(&k);
	assert_int_equal(unwrapped, 2);
	kit_publish(&k); /* whoever opens does not wait for the writing */
	assert_int_equal(copies(&k), 2);
	kit_restart(&k);
	read_both(&k);
	assert_int_equal(unwrapped, 2);
}

TEST(of_what_only_nodes_have_no_more_is_missed_than_its_bytes)
{
	emr_handle *h = NULL;
	char byte;
	size_t got;

	SCENE(kit, k, begin, kit_close);
	h = kit_open_file(&k, "A/x", O_RDONLY);
	has_no_blocks = true;
	missed = 0;
	assert_status(EMR_MISSING_DATA, emr_view_read(h, 0, &byte, 1, &got));
	has_no_blocks = false;
	assert_int_equal(missed, 1);
	assert_int_equal(unwrapped, 0);
	emr_view_release(h);
	read_both(&k);
}

TEST(a_copy_that_was_changed_is_not_believed)
{
	/* Another byte than the one that stands there, whichever that is. */
	static const char *const forgeries[] = {
		"UPDATE locals SET sealed=iif(substr(sealed, 1, 1) = x'00', x'01', x'00') || "
		"substr(sealed, 2)",
		"UPDATE locals SET sealed=substr(sealed, 1, 320) || "
		"iif(substr(sealed, 321) = x'5a', x'5b', x'5a')",
		"UPDATE locals SET sealed=substr(sealed, 1, 30) || "
		"iif(substr(sealed, 31, 1) = x'5a', x'5b', x'5a') || substr(sealed, 32)",
		"UPDATE locals SET sealed=substr(sealed, 1, 100)",
		"UPDATE locals SET sealed=sealed || x'00'",
		"UPDATE locals SET sealed=x''",
		"UPDATE locals SET sealed=zeroblob(321)",
	};

	SCENE(kit, k, begin, kit_close);
	for (size_t i = 0; i < sizeof forgeries / sizeof *forgeries; i++) {
		change(&k, forgeries[i]);
		unwrapped = 0;
		read_both(&k);
		assert_int_equal(unwrapped, 2);
		kit_publish(&k);
		kit_restart(&k); /* and it was put right */
		read_both(&k);
		assert_int_equal(unwrapped, 2);
	}
}

TEST(the_copy_of_another_record_is_not_believed)
{
	SCENE(kit, k, begin, kit_close);
	change(&k, "UPDATE locals SET sealed=(SELECT sealed FROM locals o WHERE"
		   " o.object<>locals.object)");
	read_both(&k);
	assert_true(unwrapped > 0);
}

TEST(the_copy_of_an_earlier_version_is_not_believed)
{
	SCENE(kit, k, begin, kit_close);
	kit_save(&k, "A/x", "two");
	assert_int_equal(copies(&k), 3);
	change(&k, "UPDATE locals SET sealed=(SELECT sealed FROM locals o WHERE"
		   " o.object=locals.object ORDER BY version LIMIT 1)");
	kit_expect_text(&k, "A/x", "two");
	assert_int_equal(unwrapped, 1);
}

/* Its key as well as whose content it is. */
TEST(of_what_was_erased_no_copy_is_left)
{
	const emr_erase what = {.path = "A/x"};
	uint8_t sealed[321], *bytes;
	emr_opened one = {.place = {.version = 0}};
	emr_erased erased = {0};
	emr_content_key *key = NULL;
	emr_whose whose;
	EMR_AUTO_BUF copy = {0};
	emr_part_key at;

	SCENE(kit, k, begin, kit_close);
	one.place = place_of(&k, "A/x");
	at = (emr_part_key){.domain = one.place.domain,
		.object = one.place.object,
		.version = one.place.pversion,
		.family = 0x20};
	assert_ok(emr_replica_local_get(k.stack.replica, &at, &copy));
	assert_int_equal(copy.len, sizeof sealed);
	memcpy(sealed, copy.data, sizeof sealed);
	assert_ok(emr_facts_open_signed(k.stack.facts, emr_ledger_descriptor(k.stack.ledger),
		&one.place, &one.content, &key, &whose));
	assert_ok(emr_content_keep_key(k.stack.records, &one.content, key));
	emr_content_key_free(key);
	assert_ok(emr_view_erase(k.view, &what, &erased));
	assert_true(erased.is_finished);
	emr_facts_note_opened(k.stack.facts, &one); /* somebody had it open until now */
	assert_ok(emr_facts_keep_noted(k.stack.facts));
	assert_int_equal(copies(&k), 1);
	assert_status(EMR_NOT_FOUND, emr_replica_local_get(k.stack.replica, &at, &copy));
	for (int i = 0; i < 2; i++) {
		static const char *const names[] = {"replica.sqlite", "replica.sqlite-wal"};
		EMR_AUTO_BUF file = {0};

		if (emr_file_read(k.stack.state_dirfd, names[i], (size_t)1 << 26, &file) !=
				EMR_OK ||
			file.len == 0)
			continue; /* there is no log, or it is empty */
		bytes = memmem(file.data, file.len, sealed + 30, 40);
		assert_null(bytes);
	}
	kit_expect_text(&k, "A/y", "another");
}

/* A removed computer must not open what its letters opened. */
TEST(of_a_folder_whose_keys_came_by_letter_no_copy_is_kept)
{
	emr_opened one = {.place = {.version = 0}};
	emr_content_key *key = NULL;
	emr_whose whose;

	SCENE(kit, k, begin, kit_close);
	one.place = place_of(&k, "A/x");
	assert_ok(emr_facts_open_signed(k.stack.facts, emr_ledger_descriptor(k.stack.ledger),
		&one.place, &one.content, &key, &whose));
	assert_ok(emr_content_keep_key(k.stack.records, &one.content, key));
	emr_content_key_free(key);
	assert_ok(emr_replica_drop_locals(k.stack.replica));
	assert_ok(emr_keyring_coown(k.stack.keyring, one.place.domain));
	assert_ok(emr_facts_keep_opened(k.stack.facts, &one, 1));
	assert_int_equal(copies(&k), 0);
	emr_keyring_coown_end(k.stack.keyring, one.place.domain);
	assert_ok(emr_facts_keep_opened(k.stack.facts, &one, 1));
	assert_int_equal(copies(&k), 1);
}

TESTS(NULL, NULL)
