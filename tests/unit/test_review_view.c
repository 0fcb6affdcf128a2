/* These tests are for faults of the view that a reviewer found: each of these went wrong once. */
#include "view_kit.h"

#include <dirent.h>
#include <pthread.h>

#define KIT SCENE(kit, k, kit_open, kit_close)

/* ---- damage ---- */

TEST(an_outbox_row_that_cannot_be_read_does_not_end_publishing)
{
	emr_journal_txn *txn;
	KIT;

	kit_mkdir(&k, "d");
	assert_ok(emr_journal_begin(k.stack.journal, &txn));
	assert_ok(emr_journal_put(
		txn, EMR_ROW_OUTBOX, emr_id16_random(), emr_bytes_of("\x01gone", 5)));
	assert_ok(emr_journal_commit(txn, NULL));
	kit_text(&k, "d/y", "another");
	(void)!emr_view_publish_now(k.view);
	kit_publish_all(&k);
	assert_string_equal(kit_attribute(&k, "d/y", "user.emrfs.state"), "confirmed 1/1");
	kit_restart(&k);
	kit_save(&k, "d/z", "and another");
}

/* ---- the disk says no ---- */

/* From now on fdatasync of the spill that is open fails. */
static void spoil_spills(void)
{
	DIR *d = opendir("/proc/self/fd");
	struct dirent *entry;
	int pipes[2], n = 0;

	assert_non_null(d);
	assert_int_equal(pipe(pipes), 0);
	while ((entry = readdir(d)) != NULL) {
		char path[500] = "";

		if (readlink(printed("/proc/self/fd/%s", entry->d_name), path, sizeof path - 1) >
				0 &&
			strstr(path, "/spill/") != NULL) {
			assert_true(dup2(pipes[0], atoi(entry->d_name)) >= 0);
			n++;
		}
	}
	closedir(d);
	assert_true(n > 0);
	close(pipes[0]);
	close(pipes[1]);
}

TEST(a_spill_that_cannot_be_synced_keeps_nothing_else_from_the_disk)
{
	EMR_AUTO_FREE uint8_t *bytes = kit_bytes(250000, 3);
	emr_handle *h;
	KIT;

	kit_mkdir(&k, "d");
	kit_write(&k, "d/x", bytes, 250000);
	kit_publish_all(&k);
	h = kit_open_file(&k, "d/x", O_RDWR);
	assert_ok(emr_view_write(h, 5, emr_bytes_of("!", 1)));
	assert_ok(emr_view_flush(h));
	spoil_spills();
	kit_text(&k, "d/y", "closed");
	assert_status(EMR_IO, emr_view_sync(k.view) == EMR_OK ? EMR_OK : EMR_IO);
	assert_true(
		emr_journal_synced_seq(k.stack.journal) == emr_journal_last_seq(k.stack.journal));
	emr_view_release(h);
}

TESTS(NULL, NULL)
