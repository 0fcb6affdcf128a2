/* These tests are about erasing a record for good: nothing of a record stays in the state, and
 * nothing else goes with it. */
#include "view_kit.h"

#include <dirent.h>

#include "contract/codes.h"
#include "file.h"
#include "publish.h"
#include "tree.h"

#define BIG 600000
#define NEEDLE 40

/* ---- what is made to fail ---- */

static emr_status reclaim_fails, pins_fail, journal_fails;
static bool ledger_is_away, ledger_is_full;
static void (*while_pins_are_read)(void); /* once */

WRAPPED(emr_status, emr_journal_commit, emr_journal_txn *txn, uint64_t *out_seq)
{
	if (journal_fails == EMR_OK)
		return __real_emr_journal_commit(txn, out_seq);
	emr_journal_rollback(txn);
	return journal_fails;
}

WRAPPED(emr_status, emr_store_reclaim, emr_store *store, const emr_reclaim_options *options,
	emr_reclaim_report *out)
{
	return reclaim_fails != EMR_OK ? reclaim_fails
				       : __real_emr_store_reclaim(store, options, out);
}

WRAPPED(emr_status, emr_ledger_submit, emr_ledger *ledger, emr_bytes batch,
	emr_ledger_answer *out_answer)
{
	if (ledger_is_full)
		return EMR_NO_SPACE;
	return ledger_is_away ? EMR_BUSY : __real_emr_ledger_submit(ledger, batch, out_answer);
}

WRAPPED(emr_status, emr_store_each_pin, emr_store *store, emr_pin_visit visit, void *context)
{
	void (*now)(void) = while_pins_are_read;

	while_pins_are_read = NULL;
	if (now != NULL)
		now();
	return pins_fail != EMR_OK ? pins_fail : __real_emr_store_each_pin(store, visit, context);
}

/* ---- what is on the disk ---- */

typedef struct needles {
	uint8_t (*all)[NEEDLE];
	size_t n;
} needles;

static void add_needle(needles *list, const uint8_t *bytes, size_t len)
{
	if (len < NEEDLE)
		return;
	list->all = realloc(list->all, (list->n + 1) * sizeof *list->all);
	assert_non_null(list->all);
	memcpy(list->all[list->n++], bytes, NEEDLE);
}

static uint8_t *read_file(const char *path, size_t *out_len)
{
	FILE *f = fopen(path, "rb");
	struct stat st;
	uint8_t *bytes;

	assert_non_null(f);
	assert_int_equal(fstat(fileno(f), &st), 0);
	bytes = malloc((size_t)st.st_size + 1);
	assert_non_null(bytes);
	*out_len = fread(bytes, 1, (size_t)st.st_size, f);
	fclose(f);
	return bytes;
}

typedef void (*file_fn)(void *arg, const char *path);

static void each_file(const char *path, file_fn fn, void *arg)
{
	DIR *dir = opendir(path);
	struct dirent *entry;

	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL) {
		char below[1024];
		struct stat st;

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		snprintf(below, sizeof below, "%.500s/%.400s", path, entry->d_name);
		assert_int_equal(lstat(below, &st), 0);
		if (S_ISDIR(st.st_mode))
			each_file(below, fn, arg);
		else
			fn(arg, below);
	}
	closedir(dir);
}

static void take_sections(void *arg, const char *path)
{
	size_t len, at = 96;
	uint8_t *bytes;

	if (strstr(path, "/seg-") == NULL)
		return;
	bytes = read_file(path, &len);
	while (at < len && bytes[at] != 0) {
		uint64_t section = 0;
		unsigned shift = 0;

		do {
			section |= (uint64_t)(bytes[at] & 0x7f) << shift;
			shift += 7;
		} while (bytes[at++] & 0x80);
		assert_true(at + section <= len && section >= 36);
		/* Rows that pin blocks name hashes and random ids only. */
		if (memcmp(bytes + at + 36, "EMRS", 4) != 0)
			add_needle(arg, bytes + at + 36, section - 36);
		at += section;
	}
	free(bytes);
}

/* The beginnings of all blocks and frames in the segments. */
static needles sections_of(kit *k)
{
	needles list = {0};

	each_file(k->path, take_sections, &list);
	return list;
}

static bool has(const needles *list, const uint8_t *needle)
{
	for (size_t i = 0; i < list->n; i++)
		if (memcmp(list->all[i], needle, NEEDLE) == 0)
			return true;
	return false;
}

static void subtract(needles *from, const needles *what)
{
	size_t kept = 0;

	for (size_t i = 0; i < from->n; i++)
		if (!has(what, from->all[i]))
			memmove(from->all[kept++], from->all[i], NEEDLE);
	from->n = kept;
}

typedef struct search {
	const needles *list;
	size_t found;
} search;

static void search_file(void *arg, const char *path)
{
	search *s = arg;
	size_t len;
	EMR_AUTO_FREE uint8_t *bytes = read_file(path, &len);

	for (size_t i = 0; i < s->list->n; i++)
		s->found += memmem(bytes, len, s->list->all[i], NEEDLE) != NULL;
}

static size_t count_on_disk(kit *k, const needles *list)
{
	search s = {.list = list};

	each_file(k->path, search_file, &s);
	return s.found;
}

/* The private parts of every version of the object at PATH: wrapped keys and sealed names. */
static void add_parts(kit *k, const char *path, needles *list)
{
	const node *n = tree_by_number(k->view, kit_attr(k, path).node);
	uint64_t last = node_version(n);

	for (uint64_t version = 1; version <= last; version++) {
		emr_part_key at = {.domain = node_domain(n),
			.object = node_object(n),
			.version = version,
			.family = EMR_FAMILY_OBJECT};
		EMR_AUTO_BUF part = {0};

		if (emr_replica_part(k->stack.replica, &at, &part) == EMR_OK)
			add_needle(list, part.data + part.len - NEEDLE, NEEDLE);
	}
}

static emr_erased erase(kit *k, const char *path)
{
	const emr_erase what = {.path = path};
	emr_erased erased = {0};

	assert_ok(emr_view_erase(k->view, &what, &erased));
	return erased;
}

static emr_status try_erase(kit *k, const char *path)
{
	const emr_erase what = {.path = path};
	emr_erased erased;

	return emr_view_erase(k->view, &what, &erased);
}

static size_t rows_left(kit *k)
{
	return k->view->erasing.n;
}

/* The bytes of "A/keep", and those of "A/x" that nothing else has: of the test that runs. */
static uint8_t *kept;
static needles list;

/* "A/keep" is there, then "A/x" in two versions, with everything of it in *OUT. */
static void with_x(kit *k)
{
	needles before;
	uint8_t *big;

	reclaim_fails = pins_fail = EMR_OK;
	ledger_is_away = ledger_is_full = false;
	kit_open(k);
	kit_mkdir(k, "A");
	kept = kit_bytes(BIG, 1);
	kit_write(k, "A/keep", kept, BIG);
	kit_publish_all(k);
	before = sections_of(k);
	big = kit_bytes(BIG, 2);
	kit_write(k, "A/x", big, BIG);
	kit_publish_all(k);
	kit_text(k, "A/x", "a short one, which is a version too");
	kit_publish_all(k);
	free(big);
	list = sections_of(k);
	subtract(&list, &before);
	free(before.all);
	add_parts(k, "A/x", &list);
	assert_true(list.n > 8);
	assert_true(count_on_disk(k, &list) >= list.n);
	kit_wait_ms(k, 60000);
	(void)kit_items(k);
}

static void end(kit *k)
{
	kit_expect(k, "A/keep", kept, BIG);
	assert_int_equal(rows_left(k), 0);
	assert_int_equal(count_on_disk(k, &list), 0);
	kit_restart(k);
	kit_expect(k, "A/keep", kept, BIG);
	assert_int_equal(rows_left(k), 0);
	assert_false(kit_exists(k, "A/x"));
	kit_publish_all(k);
	assert_int_equal(count_on_disk(k, &list), 0);
	free(kept);
	free(list.all);
	kit_close(k);
}

/* ---- interrupted ---- */

/* Somebody who may write there could give another record the name while its owner says yes. */
TEST(another_record_that_took_the_name_since_the_look_is_not_erased)
{
	emr_erase what = {.path = "A/x", .only_look = true};
	emr_erased erased;

	SCENE(kit, k, with_x, end);
	kit_save(&k, "A/biopsy", "the only one");
	assert_ok(emr_view_erase(k.view, &what, &erased));
	assert_int_equal(erased.live, 1);
	what = (emr_erase){.path = "A/x", .objects = erased.objects};
	kit_rename(&k, "A/x", "A/aside");
	kit_rename(&k, "A/biopsy", "A/x");
	assert_status(EMR_CONFLICT, emr_view_erase(k.view, &what, &erased));
	kit_expect_text(&k, "A/x", "the only one");
	kit_rename(&k, "A/x", "A/biopsy");
	kit_rename(&k, "A/aside", "A/x");
	assert_ok(emr_view_erase(k.view, &what, &erased));
	assert_int_equal(erased.live, 1);
	kit_expect_text(&k, "A/biopsy", "the only one");
	assert_false(kit_exists(&k, "A/x"));
}

TEST(a_crash_after_the_ledger_is_made_good_at_the_next_start)
{
	emr_erased erased;

	SCENE(kit, k, with_x, end);
	reclaim_fails = EMR_IO;
	erased = erase(&k, "A/x");
	assert_false(erased.is_finished);
	assert_string_equal(kit_items(&k), "UNLINK ERASE");
	assert_true(count_on_disk(&k, &list) > 0);
	kit_restart(&k);
	reclaim_fails = EMR_OK;
	assert_int_equal(rows_left(&k), 1);
	assert_false(kit_exists(&k, "A/x"));
	kit_publish(&k);
}

TEST(a_crash_after_the_blocks_are_gone_is_made_good_at_the_next_start)
{
	emr_reclaim_report report;

	SCENE(kit, k, with_x, end);
	kit_unlink(&k, "A/x");
	kit_publish_all(&k);
	ledger_is_away = true; /* rows E are there, and no more */
	assert_int_equal(erase(&k, ".emrfs/deleted/A/x").is_finished, false);
	ledger_is_away = false;
	kit_restart(&k);
	assert_int_equal(rows_left(&k), 1);
	kit_publish(&k);
	assert_int_equal(rows_left(&k), 0);
	/* And a reclaim of every day finds all its roots. */
	assert_ok(emr_stack_reclaim(k.view, 100, &report));
	assert_int_equal(report.missing_nodes, 0);
}

TEST(a_crash_before_the_ledger_leaves_no_name)
{
	SCENE(kit, k, with_x, end);
	ledger_is_away = true;
	assert_int_equal(erase(&k, "A/x").is_finished, false);
	assert_string_equal(kit_items(&k), "");
	kit_restart(&k);
	assert_false(kit_exists(&k, "A/x"));
	kit_text(&k, "A/x", "a new file of the same name");
	ledger_is_away = false;
	kit_publish_all(&k);
	kit_expect_text(&k, "A/x", "a new file of the same name");
	assert_string_equal(kit_attribute(&k, "A/x", "user.emrfs.version"), "1");
	assert_string_equal(kit_attribute(&k, "A/x", "user.emrfs.state"), "confirmed 1/1");
	kit_unlink(&k, "A/x");
	kit_publish_all(&k);
}

TEST(pins_that_stay_behind_are_found_again)
{
	SCENE(kit, k, with_x, end);
	kit_unlink(&k, "A/x");
	kit_publish_all(&k);
	pins_fail = EMR_IO;
	assert_int_equal(erase(&k, ".emrfs/deleted/A/x").is_finished, false);
	pins_fail = EMR_OK;
	kit_restart(&k);
	kit_publish(&k);
}

/* ---- what goes with it, and what does not ---- */

TEST(a_directory_goes_with_everything_that_ever_was_in_it)
{
	emr_erased erased;

	SCENE(kit, k, with_x, end);
	kit_mkdir(&k, "B");
	kit_mkdir(&k, "B/C");
	kit_rename(&k, "A/x", "B/C/x"); /* its first object stays in A's domain */
	kit_text(&k, "B/old", "deleted long ago");
	kit_save(&k, "B/.~lock.x#", "left by a program");
	kit_unlink(&k, "B/old");
	kit_publish_all(&k);
	erased = erase(&k, "B");
	assert_true(erased.is_finished);
	assert_int_equal(erased.live, 2);
	assert_int_equal(erased.deleted, 1);
	assert_int_equal(erased.directories, 2);
	assert_false(kit_exists(&k, "B"));
	assert_int_equal(try_erase(&k, "B"), EMR_NOT_FOUND);
}

TEST(a_copy_is_another_record)
{
	const emr_restore what = {.path = "A/x", .cver = 1, .to = "A/copy"};
	emr_restored restored;
	EMR_AUTO_FREE uint8_t *big = kit_bytes(BIG, 2);

	SCENE(kit, k, with_x, end);
	assert_ok(emr_view_restore(k.view, &what, &restored));
	kit_wait_ms(&k, 60000);
	kit_publish_all(&k);
	assert_true(erase(&k, "A/x").is_finished);
	kit_expect(&k, "A/copy", big, BIG);
	kit_restart(&k);
	kit_expect(&k, "A/copy", big, BIG);
	assert_true(erase(&k, "A/copy").is_finished);
}

TEST(what_was_deleted_later_stays)
{
	emr_erase what = {0};
	emr_erased erased;

	SCENE(kit, k, with_x, end);
	kit_save(&k, "A/later", "deleted an hour later");
	kit_unlink(&k, "A/x");
	kit_publish_all(&k);
	kit_wait_ms(&k, 60000);
	what.until_unix_s = (uint64_t)(k.clock.unix_ns / 1000000000);
	kit_wait_ms(&k, 3600000);
	kit_unlink(&k, "A/later");
	kit_publish_all(&k);
	assert_ok(emr_view_erase(k.view, &what, &erased));
	assert_int_equal(erased.deleted, 1);
	what.until_unix_s = 0;
	what.only_look = true;
	assert_ok(emr_view_erase(k.view, &what, &erased));
	assert_int_equal(erased.deleted, 1);
}

TEST(an_object_with_hundreds_of_versions_goes_in_ranges)
{
	emr_attr attr;

	SCENE(kit, k, with_x, end);
	for (unsigned i = 0; i < 300; i++) {
		const emr_attr wanted = {.mode = i % 2 == 0 ? 0600 : 0640};

		assert_ok(emr_view_set_attr(
			k.view, kit_attr(&k, "A/x").node, EMR_SET_MODE, &wanted, &attr));
		kit_publish(&k);
	}
	add_parts(&k, "A/x", &list);
	(void)kit_items(&k);
	assert_true(erase(&k, "A/x").is_finished);
	assert_string_equal(kit_items(&k), "UNLINK ERASE ERASE");
}

/* ---- who stands in the way ---- */

TEST(who_has_it_open_reads_no_more)
{
	uint8_t byte[8];
	emr_handle *h;
	size_t len;

	SCENE(kit, k, with_x, end);
	h = kit_open_file(&k, "A/x", O_RDONLY);
	assert_ok(emr_view_read(h, 0, byte, sizeof byte, &len));
	assert_true(erase(&k, "A/x").is_finished);
	assert_int_not_equal(emr_view_read(h, 0, byte, sizeof byte, &len), EMR_OK);
	emr_view_release(h);
}

TEST(what_is_being_written_is_not_erased)
{
	emr_handle *h;

	SCENE(kit, k, with_x, end);
	h = kit_open_file(&k, "A/x", O_RDWR);
	assert_int_equal(try_erase(&k, "A/x"), EMR_BUSY);
	assert_int_equal(try_erase(&k, "A"), EMR_BUSY);
	emr_view_release(h);
	assert_int_equal(try_erase(&k, "Inbox"), EMR_DENIED);
	assert_int_equal(try_erase(&k, ""), EMR_DENIED);
	assert_int_equal(try_erase(&k, "A/none"), EMR_NOT_FOUND);
	ledger_is_away = true;
	kit_text(&k, "A/new", "waits for the ledger");
	assert_int_equal(try_erase(&k, "A/x"), EMR_TIMEOUT);
	ledger_is_away = false;
	assert_true(kit_exists(&k, "A/x"));
	assert_true(erase(&k, "A/x").is_finished);
}

TEST(what_was_sent_and_has_no_answer_is_kept)
{
	emr_reclaim_report report;

	SCENE(kit, k, with_x, end);
	kit_text(&k, "A/new", "waits for the ledger");
	ledger_is_away = true;
	assert_status(EMR_BUSY, emr_view_publish_now(k.view));
	assert_ok(emr_view_purge(k.view, &(uint64_t){0}));
	assert_ok(emr_stack_reclaim(k.view, 100, &report));
	ledger_is_away = false;
	kit_publish_all(&k);
	kit_restart(&k);
	kit_expect_text(&k, "A/new", "waits for the ledger");
	assert_true(erase(&k, "A/x").is_finished);
}

static emr_status restore(kit *k, const char *path)
{
	const emr_restore back = {.path = path};
	emr_restored restored;

	return emr_view_restore(k->view, &back, &restored);
}

/* How many of the list must be there in each state. */
static void expect_needed(kit *k, unsigned written, unsigned sent, unsigned registered)
{
	EMR_AUTO_BUF needed = {0};
	unsigned of[EMR_PIN_KEPT + 1] = {0};

	assert_ok(emr_store_needed(k->stack.store, true, &needed));
	EMR_EACH (const emr_pin, pin, &needed)
		of[pin->state]++;
	assert_int_equal(of[EMR_PIN_WRITTEN], written);
	assert_int_equal(of[EMR_PIN_SENT], sent);
	assert_int_equal(of[EMR_PIN_REGISTERED], registered);
}

TEST(what_is_removed_on_its_way_must_be_there_until_it_is_answered_and_after)
{
	SCENE(kit, k, kit_open, kit_close);
	kit_mkdir(&k, "A");
	kit_save(&k, "A/kept", "kept");
	expect_needed(&k, 0, 0, 1);
	kit_text(&k, "A/x", "removed while the ledger is asked");
	ledger_is_away = true;
	assert_status(EMR_BUSY, emr_view_publish_now(k.view));
	expect_needed(&k, 1, 1, 1);
	kit_unlink(&k, "A/x");
	expect_needed(&k, 0, 1, 1);
	assert_ok(emr_view_purge(k.view, &(uint64_t){0}));
	kit_restart(&k);
	expect_needed(&k, 0, 1, 1);
	ledger_is_away = false;
	kit_publish_all(&k);
	expect_needed(&k, 0, 0, 2);
	assert_ok(restore(&k, "A/x"));
	kit_publish_all(&k);
	expect_needed(&k, 0, 0, 2);
	kit_expect_text(&k, "A/x", "removed while the ledger is asked");
	assert_true(erase(&k, "A/x").is_finished);
	expect_needed(&k, 0, 0, 1);
	kit_expect_text(&k, "A/kept", "kept");
}

/* ---- the same bytes under another name ---- */

typedef struct paths {
	char text[1000];
} paths;

static void note_path(void *arg, const char *path)
{
	paths *p = arg;

	snprintf(p->text + strlen(p->text), sizeof p->text - strlen(p->text), "%s\n", path);
}

static emr_erased erase_and_tell(kit *k, const char *path, paths *out)
{
	const emr_erase what = {.path = path, .stays = note_path, .arg = out};
	emr_erased erased = {0};

	*out = (paths){.text = ""};
	assert_ok(emr_view_erase(k->view, &what, &erased));
	assert_true(erased.is_finished);
	return erased;
}

/* x of with_x lies in the trash, as a file manager puts it there. */
static void throw_x_away(kit *k)
{
	kit_mkdir(k, ".Trash-1000");
	kit_mkdir(k, ".Trash-1000/files");
	kit_mkdir(k, ".Trash-1000/info");
	kit_text(k, ".Trash-1000/info/x.2.trashinfo", "[Trash Info]\nPath=A/x\n");
	kit_rename(k, "A/x", ".Trash-1000/files/x.2");
	kit_publish_all(k);
}

TEST(what_lies_in_the_trash_is_erased_with_its_record)
{
	for (int which = 0; which < 2; which++) {
		paths stays;
		emr_erased erased;

		SCENE(kit, k, with_x, end);
		throw_x_away(&k);
		if (which == 1)
			kit_restart(&k);
		erased = erase_and_tell(&k, which == 0 ? NULL : "A/x", &stays);
		assert_int_equal(erased.live + erased.deleted, 1);
		assert_int_equal(erased.scratch, 1);
		assert_string_equal(stays.text, "");
		assert_int_equal(count_on_disk(&k, &list), 0);
		assert_status(EMR_NOT_FOUND,
			emr_view_find(k.view, ".Trash-1000/files/x.2", &(emr_attr){0}));
		assert_status(EMR_NOT_FOUND,
			emr_view_find(k.view, ".Trash-1000/info/x.2.trashinfo", &(emr_attr){0}));
		kit_restart(&k);
	}
}

TEST(what_an_editor_kept_is_erased_or_named)
{
	paths stays;

	SCENE(kit, k, with_x, end);
	kit_rename(&k, "A/x", "A/x~"); /* vim: the same sealed bytes, and nothing says of what */
	kit_save(&k, "A/x", "new bytes");
	kit_text(&k, "A/.x.swp", "a part of it, and more");
	kit_text(&k, "A/.other.swp", "of another file");
	assert_int_equal(erase_and_tell(&k, "A/x", &stays).scratch, 1);
	assert_string_equal(stays.text, "A/.x.swp\n");
	assert_status(EMR_NOT_FOUND, emr_view_find(k.view, "A/x~", &(emr_attr){0}));
	kit_expect_text(&k, "A/.x.swp", "a part of it, and more");
	assert_int_equal(count_on_disk(&k, &list), 0);
}

static kit *open_kit;

static void write_the_editors_copy(void)
{
	kit_text(open_kit, "A/x~", "written while the pins were read");
}

/* It was compared, and has other bytes before the first row is written. */
TEST(what_an_editor_writes_while_it_is_asked_for_is_not_erased)
{
	paths stays;

	SCENE(kit, k, with_x, end);
	kit_rename(&k, "A/x", "A/x~");
	kit_save(&k, "A/x", "new bytes");
	open_kit = &k;
	while_pins_are_read = write_the_editors_copy;
	assert_int_equal(erase_and_tell(&k, "A/x", &stays).scratch, 0);
	assert_string_equal(stays.text, "A/x~\n");
	kit_expect_text(&k, "A/x~", "written while the pins were read");
	assert_status(EMR_NOT_FOUND, emr_view_find(k.view, "A/x", &(emr_attr){0}));
}

/* An editor saved A/x again, and those bytes cannot be sealed yet: the record waits for them. */
static void with_heir(kit *k)
{
	with_x(k);
	kit_text(k, "A/new", "saved by a rename");
	kit_rename(k, "A/new", "A/x");
	tree_by_number(k->view, kit_attr(k, "A/x").node)->file->keep_spill = true;
}

TEST(what_waits_for_an_heir_is_erased_with_its_name)
{
	kit k;

	with_heir(&k);
	assert_true(erase(&k, "A/x").is_finished);
	assert_int_equal(count_on_disk(&k, &list), 0);
	assert_status(EMR_NOT_FOUND, restore(&k, "A/x"));
	end(&k);
	with_heir(&k);
	kit_rename(&k, "A/keep", "keep");
	assert_true(erase(&k, "A").is_finished);
	assert_int_equal(count_on_disk(&k, &list), 0);
	assert_status(EMR_NOT_FOUND, restore(&k, "A/x"));
	kit_mkdir(&k, "A");
	kit_rename(&k, "keep", "A/keep");
	end(&k);
}

TEST(a_new_file_is_no_heir_of_what_is_erased)
{
	SCENE(kit, k, with_heir, end);
	ledger_is_full = true;
	assert_false(erase(&k, "A/x").is_finished);
	kit_text(&k, "A/x", "another thing altogether");
	ledger_is_full = false;
	for (int i = 0; i < 2; i++) {
		kit_wait_ms(&k, 60000);
		kit_publish_all(&k);
	}
	assert_int_equal(rows_left(&k), 0);
	kit_expect_text(&k, "A/x", "another thing altogether");
	assert_string_equal(kit_attribute(&k, "A/x", "user.emrfs.version"), "1");
	kit_unlink(&k, "A/x");
}

TEST(what_the_ledger_cannot_take_as_deleted_is_erased_as_deleted)
{
	emr_erase what = {.path = ".emrfs/deleted/A/x", .only_look = true};
	emr_erased erased;

	SCENE(kit, k, with_x, end);
	ledger_is_full = true;
	kit_unlink(&k, "A/x");
	assert_ok(emr_view_erase(k.view, &what, &erased));
	assert_int_equal(erased.deleted, 1);
	/* deleted before a time that has passed: it was not */
	what.until_unix_s = (uint64_t)(emr_clock_unix_ns(k.view->options.clock) / 1000000000 - 30);
	assert_ok(emr_view_erase(k.view, &what, &erased));
	assert_int_equal(erased.deleted, 0);
	ledger_is_full = false;
	what = (emr_erase){.path = ".emrfs/deleted/A/x"};
	assert_ok(emr_view_erase(k.view, &what, &erased));
	assert_true(erased.is_finished);
}

/* Its bytes lie beside those of X, and are known one by one. */
TEST(another_file_that_is_being_written_does_not_delay_it)
{
	emr_erased erased;
	emr_handle *h;

	SCENE(kit, k, with_x, end);
	kit_text(&k, "A/doc", "begin");
	h = kit_open_file(&k, "A/doc", O_RDWR);
	assert_ok(emr_view_write(h, 0, emr_bytes_of("BEGIN", 5)));
	erased = erase(&k, "A/x");
	assert_true(erased.is_finished);
	kit_close_file(h);
	kit_publish_all(&k);
	kit_wait_ms(&k, 60000);
	kit_publish_all(&k);
	kit_expect_text(&k, "A/doc", "BEGIN");
}

/* The folder was opened for writing: it is the disk that a person has to look at. */
TEST(a_disk_that_became_read_only_is_told_as_a_disk)
{
	emr_erase what = {.path = "A/x"};
	emr_erased erased;

	SCENE(kit, k, with_x, end);
	journal_fails = EMR_READ_ONLY;
	assert_status(EMR_IO, emr_view_erase(k.view, &what, &erased));
	journal_fails = EMR_OK;
	assert_true(kit_exists(&k, "A/x"));
	assert_true(erase(&k, "A/x").is_finished);
}

static emr_status take_registered(void *arg, const emr_pin *pin)
{
	if (pin->state == EMR_PIN_REGISTERED)
		*(emr_pin *)arg = *pin;
	return EMR_OK;
}

/* A second copy brings pins of batches that were answered since. */
TEST(what_no_batch_brings_any_more_is_a_version_or_nothing)
{
	emr_pin_change sent[2] = {{.unpin = false}};

	SCENE(kit, k, kit_open, kit_close);
	kit_mkdir(&k, "A");
	kit_save(&k, "A/x", "on the ledger");
	kit_text(&k, "A/y", "on its way");
	ledger_is_away = true;
	assert_status(EMR_BUSY, emr_view_publish_now(k.view));
	expect_needed(&k, 1, 1, 1);
	assert_ok(emr_store_each_pin(k.stack.store, take_registered, &sent[0].pin));
	sent[0].pin.state = EMR_PIN_SENT;
	sent[1] = sent[0];
	sent[1].pin.owner = emr_id16_random();
	sent[1].pin.root.b[EMR_CID_BYTES - 1] ^= 1;
	assert_ok(emr_store_pin(k.stack.store, sent, 2));
	expect_needed(&k, 1, 3, 0);
	kit_restart(&k);
	expect_needed(&k, 1, 1, 1);
	ledger_is_away = false;
	kit_publish_all(&k);
	expect_needed(&k, 0, 0, 2);
}

static emr_status count_pin(void *arg, const emr_pin *pin)
{
	emr_pin *of = arg; /* its state counts */

	of->state += emr_id16_equal(pin->owner, of->owner) ? 1 : 0;
	return EMR_OK;
}

/* The next start sends an earlier batch again, and that is answered. */
TEST(an_answer_that_comes_late_pins_nothing_that_was_erased)
{
	emr_change_outcome late = {.kind = EMR_CHANGE_PUT, .node = emr_id16_random()};
	emr_journal_txn *txn = NULL;
	emr_pin pins = {.state = 0};

	SCENE(kit, k, kit_open, kit_close);
	kit_mkdir(&k, "A");
	kit_save(&k, "A/x", "to be erased");
	assert_ok(emr_view_place(k.view, "A/x", &late.place));
	assert_true(erase(&k, "A/x").is_finished);
	kit_restart(&k);
	assert_ok(emr_journal_begin(k.stack.journal, &txn));
	assert_ok(load_outcomes(k.view, txn, &late, 1));
	pins.owner = late.place.object;
	assert_ok(emr_store_each_pin(k.stack.store, count_pin, &pins));
	assert_int_equal(pins.state, 0);
}

TESTS(NULL, NULL)
