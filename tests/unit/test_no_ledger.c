/* These tests are about the folder without its ledger, and without a valid certificate: verified
 * files open and are read, changes wait and are sent later, and another file in the ledger's place
 * is not believed. */

#include "keyring/coowned.h"
#include "view_kit.h"

static kit k;
static char notices[512];
static uint8_t *bytes;
enum { LEN = 300000 };

static void note(void *arg, const char *id, const char *path)
{
	(void)arg;
	(void)path;
	if (strlen(notices) + strlen(id) + 2 < sizeof notices) {
		strcat(notices, id);
		strcat(notices, " ");
	}
}

/* WORDS with every % replaced by the state directory. */
static void run(const char *words)
{
	char command[2048];
	size_t at = 0;

	for (; *words != 0; words++)
		at += (size_t)snprintf(command + at, sizeof command - at,
			*words == '%' ? "%s" : "%.1s", *words == '%' ? k.path : words);
	assert_int_equal(system(command), 0);
}

AROUND(begin)
{
	kit_open(&k);
	k.options.notice = note;
	kit_restart(&k);
	bytes = kit_bytes(LEN, 5);
	kit_mkdir(&k, "Imaging");
	kit_write(&k, "Imaging/big", bytes, LEN);
	kit_save(&k, "letter", "one");
	kit_save(&k, "letter", "two");
	emr_stack_close(&k.stack);
	notices[0] = 0;
}

AROUND(end)
{
	kit_close(&k);
	free(bytes);
	run("rm -rf %.aside %.old");
}

static void later(void)
{
	kit_wait_ms(&k, 2000);
}

static void expect_all(void)
{
	kit_expect(&k, "Imaging/big", bytes, LEN);
	kit_expect_text(&k, "letter", "two");
}

static emr_status count_row(void *arg, emr_id16 key, emr_bytes value)
{
	(void)key;
	(void)value;
	++*(unsigned *)arg;
	return EMR_OK;
}

static unsigned batches_kept(void)
{
	unsigned n = 0;

	assert_ok(emr_journal_each(k.stack.journal, EMR_ROW_OUTBOX, count_row, &n));
	return n;
}

static uint64_t pending(void)
{
	emr_view_counts counts;

	emr_view_count(k.view, &counts);
	assert_int_equal(counts.failed, 0);
	return counts.pending;
}

/* ---- away ---- */

TEST_IN(begin, end, nothing_is_signed_for_a_ledger_that_is_away_and_it_is_said_once)
{
	run("mv %/network %.moved");
	kit_start(&k);
	later();
	assert_ok(emr_view_publish_now(k.view)); /* nothing to send: nothing is news */
	kit_text(&k, "new", "saved without the ledger");
	for (int i = 0; i < 3; i++) {
		later();
		assert_status(EMR_OFFLINE, emr_view_publish_now(k.view));
	}
	assert_string_equal(notices, "ledger-away ");
	assert_int_equal(batches_kept(), 0);
	run("mv %.moved %/network");
}

TEST_IN(begin, end, a_batch_that_was_signed_before_is_sent_once_when_the_ledger_is_back)
{
	uint64_t entries = 0, after = 0;

	kit_start(&k);
	assert_ok(emr_ledger_size(k.stack.ledger, &entries));
	kit_text(&k, "new", "text");
	/* Gone between the look and the sending is as gone as before it. */
	run("mv %/network %.moved");
	later();
	assert_status(EMR_OFFLINE, emr_view_publish_now(k.view));
	run("mv %.moved %/network");
	later();
	kit_publish_all(&k);
	later();
	kit_publish_all(&k);
	assert_ok(emr_ledger_size(k.stack.ledger, &after));
	assert_int_equal(after, entries + 1);
	assert_int_equal(pending(), 0);
}

/* ---- not the ledger ---- */

TEST_IN(begin, end, what_is_not_the_ledger_makes_the_folder_read_only_and_nothing_worse)
{
	static const char *const ways[] = {
		": >%/network/ledger.sqlite",
		"head -c 50000 /dev/urandom >%/network/ledger.sqlite",
		"printf X | dd of=%/network/ledger.sqlite conv=notrunc status=none",
		"printf X | dd of=%/network/descriptor bs=1 seek=9 conv=notrunc status=none",
		"rm %/network/descriptor",
		("printf '\\000\\000\\000\\011' | dd of=%/network/ledger.sqlite bs=1 seek=60 "
		 "conv=notrunc "
		 "status=none"), /* user_version 9 */
		"truncate -s 5000 %/network/ledger.sqlite",
		"rm %/network/ledger.sqlite* && mkdir %/network/ledger.sqlite",
	};
	emr_attr attr;
	bool is_newer;

	run("cp -a %/network %.aside");
	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
		notices[0] = 0;
		run(ways[i]);
		kit_start(&k);
		expect_all();
		is_newer = strstr(ways[i], "seek=60") != NULL;
		assert_string_equal(notices, is_newer ? "newer-format " : "ledger-damaged ");
		assert_status(
			is_newer ? EMR_NEWER_FORMAT : EMR_DAMAGED, emr_view_stopped_by(k.view));
		assert_status(
			EMR_READ_ONLY, emr_view_mkdir(k.view, EMR_ROOT_NODE, "no", 0700, &attr));
		emr_stack_close(&k.stack);
		run("rm -rf %/network && cp -a %.aside %/network");
		kit_start(&k);
		expect_all();
		kit_text(&k, "again", "x");
		kit_unlink(&k, "again");
		emr_stack_close(&k.stack);
	}
	kit_start(&k);
}

/* All of ledger, copy and mark were put back, and then the ledger taken away: only the journal can
 * tell. */
TEST_IN(begin, end, a_copy_older_than_the_journal_remembers_takes_no_changes)
{
	emr_attr attr;

	run("cp -a % %.old");
	kit_start(&k);
	kit_save(&k, "letter", "three");
	emr_stack_close(&k.stack);
	run("rm -rf %/network %/replica.*; cp -a %.old/replica.* %/");
	kit_start(&k);
	assert_non_null(strstr(notices, "rollback"));
	assert_status(EMR_READ_ONLY, emr_view_mkdir(k.view, EMR_ROOT_NODE, "no", 0700, &attr));
	kit_expect(&k, "Imaging/big", bytes, LEN);
}

/* ---- not the ledger ---- */

TEST_IN(begin, end, a_key_that_has_not_come_is_not_a_ledger_that_is_away)
{
	const emr_keyring *keyring;
	emr_id16 domain;

	kit_start(&k);
	keyring = k.stack.keyring;
	assert_ok(emr_view_make_domain(k.view, "Imaging", &domain));
	assert_ok(emr_keyring_coown(keyring, domain)); /* as a device that waits for the letter */
	kit_text(&k, "Imaging/new", "waits for a key");
	later();
	assert_status(EMR_AWAITED, emr_view_publish_now(k.view));
	assert_string_equal(notices, "");
	assert_string_equal(kit_attribute(&k, "Imaging/new", "user.emrfs.state"), "pending");
	emr_keyring_coown_end(keyring, domain);
	kit_publish_all(&k);
	assert_string_equal(kit_attribute(&k, "Imaging/new", "user.emrfs.state"), "confirmed 1/1");
}

/* ---- certificates ---- */

TEST_IN(begin, end, an_ended_certificate_stops_neither_opening_nor_reading_nor_keeping)
{
	const int64_t years_ns = INT64_C(60) * 365 * 86400 * 1000000000;

	k.clock.unix_ns += years_ns;
	kit_start(&k);
	expect_all();
	kit_text(&k, "new", "after the end");
	later();
	(void)emr_view_publish_now(k.view);
	kit_restart(&k);
	expect_all();
	kit_expect_text(&k, "new", "after the end");
	assert_string_not_equal(kit_attribute(&k, "new", "user.emrfs.state"), "confirmed 1/1");
}

/* The certificate is a private part of the key's registration: gone from ledger and copy. */
TEST_IN(begin, end, a_certificate_that_is_gone_stops_nothing)
{
	run("for f in network/ledger replica; do sqlite3 %/$f.sqlite "
	    "\"DELETE FROM parts WHERE domain = zeroblob(16)\"; done");
	kit_start(&k);
	expect_all();
	emr_stack_close(&k.stack);
	run("rm -rf %/network");
	kit_start(&k);
	expect_all();
}

TESTS(NULL, NULL)
