/* These tests are for faults of the view that a reviewer found: each of these went wrong once. */
#include "view_kit.h"

#include <dirent.h>
#include <pthread.h>

#define KIT SCENE(kit, k, kit_open, kit_close)

/* The state as a kill leaves it, opened in place of the one that goes on. */
static void kill_and_restart(kit *k, char copy[300])
{
	kit dead = *k;

	snprintf(copy, 300, "%s-killed", k->path);
	kit_copy_tree(k->path, copy);
	snprintf(k->path, sizeof k->path, "%s", copy);
	k->options.clock = &k->clock.clock;
	assert_ok(emr_stack_open(k->path, &k->options, &k->stack));
	k->view = k->stack.view;
	dead.options.clock = &dead.clock.clock;
	snprintf(copy, 300, "%s", dead.path);
	(void)dead;
}

TEST(a_size_that_was_never_handed_out_is_not_there_after_a_kill)
{
	EMR_AUTO_FREE uint8_t *more = kit_bytes(5000, 1);
	emr_attr wanted = {.mode = 0600}, attr;
	emr_handle *h;
	emr_stack alive;
	char first[300];
	KIT;

	kit_mkdir(&k, "d");
	kit_save(&k, "d/x", "old bytes");
	h = kit_open_file(&k, "d/x", O_WRONLY);
	assert_ok(emr_view_write(h, 0, emr_bytes_of(more, 5000)));
	attr = kit_attr(&k, "d/x");
	assert_ok(emr_view_set_attr(k.view, attr.node, EMR_SET_MODE, &wanted, &attr));
	alive = k.stack;
	kill_and_restart(&k, first);
	kit_expect_text(&k, "d/x", "old bytes");
	assert_int_equal(kit_attr(&k, "d/x").mode, 0600);
	kit_publish_all(&k);
	kit_expect_text(&k, "d/x", "old bytes");
	emr_view_release(h);
	emr_stack_close(&alive);
	kit_remove_state(first);
}

/* ---- readers ---- */

typedef struct reading {
	emr_view *view;
	uint64_t node;
	int wrong;
} reading;

static void *open_read_close(void *arg)
{
	reading *r = arg;

	for (int i = 0; i < 4000; i++) {
		char text[100];
		emr_handle *h;
		size_t got = 0;

		if (emr_view_open_file(r->view, r->node, O_RDONLY, &h) != EMR_OK)
			r->wrong++;
		else {
			if (emr_view_read(h, 0, text, sizeof text, &got) != EMR_OK || got != 9)
				r->wrong++;
			emr_view_release(h);
		}
	}
	return NULL;
}

TEST(a_reader_that_closes_gives_no_early_end_to_another)
{
	pthread_t threads[4];
	reading readings[4];
	KIT;

	kit_mkdir(&k, "d");
	kit_save(&k, "d/x", "old bytes");
	for (int i = 0; i < 4; i++) {
		readings[i] = (reading){.view = k.view, .node = kit_attr(&k, "d/x").node};
		assert_int_equal(
			pthread_create(&threads[i], NULL, open_read_close, &readings[i]), 0);
	}
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < 4; i++)
		assert_int_equal(readings[i].wrong, 0);
}

/* ---- damage ---- */

/* Flips one bit in the middle of every large block of the store: the record's, and nobody else's.
 */
static void damage_segments(const char *path)
{
	char dir[400];
	struct dirent *entry;
	DIR *d;

	snprintf(dir, sizeof dir, "%s/store", path);
	d = opendir(dir);
	assert_non_null(d);
	while ((entry = readdir(d)) != NULL) {
		struct stat st;
		uint8_t byte;
		int fd;

		if (strstr(entry->d_name, ".car") == NULL)
			continue;
		fd = open(printed("%s/%s", dir, entry->d_name), O_RDWR | O_CLOEXEC);
		assert_true(fd >= 0);
		assert_int_equal(fstat(fd, &st), 0);
		if (st.st_size > 200000) {
			assert_int_equal(pread(fd, &byte, 1, st.st_size / 2), 1);
			byte ^= 1;
			assert_int_equal(pwrite(fd, &byte, 1, st.st_size / 2), 1);
		}
		close(fd);
	}
	closedir(d);
}

TEST(one_damaged_record_does_not_end_the_publishing_of_others)
{
	EMR_AUTO_FREE uint8_t *bytes = kit_bytes(700000, 2);
	emr_handle *h;
	KIT;

	kit_mkdir(&k, "d");
	kit_write(&k, "d/x", bytes, 700000);
	kit_publish_all(&k);
	damage_segments(k.path);
	kit_restart(&k); /* what was read stays in memory, whole */
	h = kit_open_file(&k, "d/x", O_RDWR);
	assert_ok(emr_view_write(h, 5, emr_bytes_of("!", 1)));
	kit_close_file(h);
	(void)!emr_view_publish_now(k.view);
	kit_text(&k, "d/y", "another");
	(void)!emr_view_publish_now(k.view);
	assert_string_equal(kit_attribute(&k, "d/y", "user.emrfs.state"), "confirmed 1/1");
	assert_memory_equal(kit_attribute(&k, "d/x", "user.emrfs.state"), "failed", 6);
}

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

/* One byte of every spill below PATH. */
static void damage_spills(const char *path)
{
	char dir[400];
	struct dirent *entry;
	int n = 0;
	DIR *d;

	snprintf(dir, sizeof dir, "%s/spill", path);
	d = opendir(dir);
	assert_non_null(d);
	while ((entry = readdir(d)) != NULL) {
		uint8_t byte;
		int fd;

		if (entry->d_name[0] == '.')
			continue;
		fd = open(printed("%s/%s", dir, entry->d_name), O_RDWR | O_CLOEXEC);
		assert_int_equal(pread(fd, &byte, 1, 0), 1);
		byte ^= 1;
		assert_int_equal(pwrite(fd, &byte, 1, 0), 1);
		close(fd);
		n++;
	}
	closedir(d);
	assert_int_equal(n, 1);
}

static int notices;

static void count_notice(void *arg, const char *id, const char *path)
{
	(void)arg;
	(void)id;
	notices += strcmp(path, "d/x") == 0;
}

TEST(a_working_copy_that_cannot_be_read_is_told_and_kept)
{
	EMR_AUTO_FREE uint8_t *bytes = kit_bytes(250000, 3);
	emr_attr wanted = {.mode = 0600}, attr;
	emr_handle *h;
	emr_stack alive;
	char first[300];
	KIT;

	k.options.notice = count_notice;
	kit_mkdir(&k, "d");
	kit_write(&k, "d/x", bytes, 250000);
	kit_publish_all(&k);
	h = kit_open_file(&k, "d/x", O_RDWR);
	assert_ok(emr_view_write(h, 5, emr_bytes_of("!", 1)));
	assert_ok(emr_view_fsync(h));
	alive = k.stack;
	kill_and_restart(&k, first);
	emr_stack_close(&k.stack);
	damage_spills(k.path);
	assert_ok(emr_stack_open(k.path, &k.options, &k.stack));
	k.view = k.stack.view;
	assert_int_equal(
		notices, 2); /* that it cannot be read, and that what fsync promised is not there */
	assert_memory_equal(kit_attribute(&k, "d/x", "user.emrfs.state"), "failed", 6);
	kit_expect(&k, "d/x", bytes, 250000); /* the version before it */
	attr = kit_attr(&k, "d/x");
	assert_ok(emr_view_set_attr(k.view, attr.node, EMR_SET_MODE, &wanted, &attr));
	kit_publish(&k);
	emr_stack_close(&k.stack);
	damage_spills(k.path); /* the same bit again */
	assert_ok(emr_stack_open(k.path, &k.options, &k.stack));
	k.view = k.stack.view;
	bytes[5] = '!';
	kit_expect(&k, "d/x", bytes, 250000);
	kit_publish_all(&k);
	kit_restart_and_compare(&k);
	emr_view_release(h);
	emr_stack_close(&alive);
	kit_remove_state(first);
}

/* ---- names ---- */

TEST(what_lies_in_a_directory_of_scratch_stays_there)
{
	emr_handle *h;
	KIT;

	kit_mkdir(&k, "d");
	kit_mkdir(&k, "d/e");
	kit_text(&k, "d/e/x", "one");
	kit_save(&k, "d/e/y", "two");
	h = kit_open_file(&k, "d/e/x", O_RDWR);
	kit_rename(&k, "d/e", "d/e.bak");
	kit_publish(&k);
	emr_view_release(h);
	kit_restart(&k);
	kit_expect_text(&k, "d/e.bak/x", "one");
	kit_expect_text(&k, "d/e.bak/y", "two");
	assert_false(kit_exists(&k, "x"));
	kit_publish_all(&k);
	kit_restart(&k);
	kit_expect_text(&k, "d/e.bak/x", "one");
	assert_false(kit_exists(&k, "x"));
}

typedef struct told {
	emr_id16 e, parent_of_x;
} told;

static emr_status note_told(void *arg, const emr_place *place, const emr_meta *meta)
{
	told *t = arg;

	if (meta->name.len == 1 && meta->name.data[0] == 'e')
		t->e = place->object;
	if (meta->name.len == 1 && meta->name.data[0] == 'x')
		t->parent_of_x = meta->parent;
	return EMR_OK;
}

/* The directory is another record now; others must find there what lies in it. */
static void expect_x_in_e_on_the_ledger(kit *k)
{
	uint64_t damaged;
	told t = {0};

	assert_ok(emr_facts_each(k->stack.facts, note_told, &t, &damaged));
	assert_false(emr_id16_is_zero(t.e));
	assert_memory_equal(t.parent_of_x.b, t.e.b, sizeof t.e.b);
}

TEST(a_directory_that_comes_back_from_scratch_has_its_files_on_the_ledger)
{
	for (int with_restart = 0; with_restart < 2; with_restart++) {
		emr_handle *h;
		KIT;

		kit_mkdir(&k, "d");
		kit_mkdir(&k, "d/e");
		kit_save(&k, "d/e/x", "one");
		h = kit_open_file(&k, "d/e/x", O_RDWR);
		kit_rename(&k, "d/e", "d/e.bak");
		kit_publish(&k);
		if (with_restart) {
			emr_view_release(h);
			kit_restart(&k);
		}
		kit_rename(&k, "d/e.bak", "d/e");
		if (!with_restart)
			emr_view_release(h);
		kit_publish_all(&k);
		expect_x_in_e_on_the_ledger(&k);
		kit_restart_and_compare(&k);
	}
}

/* More bytes of rows than one frame of the journal takes. */
TEST(a_directory_with_much_in_it_moves_to_another_domain)
{
	EMR_AUTO_FREE uint8_t *bytes = kit_bytes(15000, 4);
	char name[40];
	KIT;

	kit_mkdir(&k, "a");
	kit_mkdir(&k, "b");
	kit_mkdir(&k, "a/s");
	for (int i = 0; i < 160; i++) {
		snprintf(name, sizeof name, "a/s/%d", i);
		kit_text(&k, name, name);
		assert_ok(emr_view_set_attribute(k.view, kit_attr(&k, name).node, "user.note",
			emr_bytes_of(bytes, 15000), 0));
	}
	kit_publish_all(&k);
	kit_rename(&k, "a/s", "b/s");
	kit_publish(&k);
	kit_restart_and_compare(&k);
	kit_publish_all(&k);
	kit_restart_and_compare(&k);
	kit_restart_and_compare(&k);
	assert_false(kit_exists(&k, "a/s"));
	kit_expect_text(&k, "b/s/159", "a/s/159");
}

TEST(truncating_while_opening_for_reading_is_handed_out_at_close)
{
	emr_handle *h;
	emr_stack alive;
	char first[300];
	KIT;

	kit_mkdir(&k, "d");
	kit_save(&k, "d/x", "old bytes");
	h = kit_open_file(&k, "d/x", O_RDONLY | O_TRUNC);
	kit_close_file(h);
	alive = k.stack;
	kill_and_restart(&k, first);
	kit_expect_text(&k, "d/x", "");
	emr_stack_close(&alive);
	kit_remove_state(first);
}

/* ---- writing while a version is on its way ---- */

/* The notice about a damaged record comes between choosing and describing, the question for the
 * time (without a lock) between describing and sending: there somebody saves x. */
static struct {
	kit *k;
	emr_handle *h;
	bool is_armed;
} saving;

static void open_and_write(void *arg, const char *id, const char *path)
{
	(void)arg;
	(void)id;
	(void)path;
	if (saving.k == NULL || saving.h != NULL)
		return;
	saving.h = kit_open_file(saving.k, "d/x", O_WRONLY | O_TRUNC);
	assert_ok(emr_view_write(saving.h, 0, emr_bytes_of("the newest", 10)));
	saving.is_armed = true;
}

static int64_t close_when_asked_for_the_time(const emr_clock *clock)
{
	if (saving.is_armed) {
		saving.is_armed = false;
		assert_ok(emr_view_flush(saving.h));
		emr_view_release(saving.h);
	}
	return ((const kit_clock *)clock)->unix_ns;
}

TEST(what_is_saved_while_a_version_is_on_its_way_is_kept)
{
	EMR_AUTO_FREE uint8_t *bytes = kit_bytes(700000, 9);
	emr_handle *h;
	KIT;

	k.options.notice = open_and_write;
	k.clock.clock.unix_ns = close_when_asked_for_the_time;
	kit_restart(&k);
	kit_mkdir(&k, "d");
	kit_write(&k, "d/bad", bytes, 700000);
	kit_save(&k, "d/x", "old");
	damage_segments(k.path);
	kit_restart(&k); /* what was read stays in memory, whole */
	h = kit_open_file(&k, "d/bad", O_RDWR);
	assert_ok(emr_view_write(h, 5, emr_bytes_of("!", 1)));
	emr_view_release(h);
	kit_text(&k, "d/x", "newer");
	kit_text(&k, "d/y", "so that there is something to send");
	saving.k = &k;
	(void)!emr_view_publish_now(k.view);
	saving.k = NULL;
	assert_non_null(saving.h);
	assert_false(saving.is_armed);
	kit_expect_text(&k, "d/x", "the newest");
	kit_restart(&k);
	kit_expect_text(&k, "d/x", "the newest");
	(void)!emr_view_publish_now(k.view);
	kit_restart(&k);
	kit_expect_text(&k, "d/x", "the newest");
	assert_string_equal(kit_attribute(&k, "d/x", "user.emrfs.state"), "confirmed 1/1");
}

TEST(a_clock_that_jumps_stops_nothing_for_ever)
{
	static const int64_t jumps_days[] = {1, -1, -1, 366, -366, -400, 400, 3650, -3650};
	char name[20];
	KIT;

	kit_mkdir(&k, "d");
	for (size_t i = 0; i < sizeof jumps_days / sizeof jumps_days[0]; i++) {
		k.clock.unix_ns += jumps_days[i] * 86400 * INT64_C(1000000000);
		snprintf(name, sizeof name, "d/%zu", i);
		kit_text(&k, name, name);
		(void)!emr_view_publish_now(k.view);
		kit_expect_text(&k, name, name);
		kit_restart_and_compare(&k);
	}
	kit_publish_all(&k);
	for (size_t i = 0; i < sizeof jumps_days / sizeof jumps_days[0]; i++) {
		assert_string_equal(kit_attribute(&k, printed("d/%zu", i), "user.emrfs.state"),
			"confirmed 1/1");
	}
}

TESTS(NULL, NULL)
