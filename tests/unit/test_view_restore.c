/* These tests are about bringing back earlier versions and deleted files: under the old number,
 * never at the cost of what is there. */
#include "view_kit.h"

#include "settle/history.h"

#include "node.h"

#define BIG 700000

static bool ledger_is_away;

WRAPPED(emr_status, emr_ledger_submit, emr_ledger *ledger, emr_bytes batch,
	emr_ledger_answer *out_answer)
{
	return ledger_is_away ? EMR_BUSY : __real_emr_ledger_submit(ledger, batch, out_answer);
}

/* Publishes, and goes on to another minute.  The second that it was. */
static uint64_t settle(kit *k)
{
	uint64_t then;

	kit_publish_all(k);
	then = (uint64_t)(k->clock.unix_ns / 1000000000);
	kit_wait_ms(k, 60000);
	return then;
}

static emr_status bring(kit *k, const char *path, uint64_t until, uint64_t cver, const char *to)
{
	const emr_restore what = {.path = path, .until_unix_s = until, .cver = cver, .to = to};
	emr_restored restored;
	emr_status status = emr_view_restore(k->view, &what, &restored);

	kit_wait_ms(k, 60000);
	return status;
}

static emr_status count(
	void *arg, const char *path, emr_status status, const emr_restored *restored)
{
	unsigned *n = arg;

	(void)path;
	n[restored->is_directory]++;
	return status;
}

/* "2+1": two files and an empty folder came back. */
static const char *bring_folder(kit *k, const char *path, uint64_t until)
{
	static char text[60];
	const emr_restore what = {.path = path, .until_unix_s = until};
	unsigned n[2] = {0};
	emr_status status = emr_view_restore_folder(k->view, &what, count, n);

	snprintf(text, sizeof text, status == EMR_OK ? "%u+%u" : "%u+%u not found", n[0], n[1]);
	assert_true(status == EMR_OK || status == EMR_NOT_FOUND);
	kit_wait_ms(k, 60000);
	return text;
}

static const char *versions(kit *k, const char *path)
{
	static char text[2000];
	EMR_AUTO_BUF all = {0};

	text[0] = 0;
	assert_ok(emr_view_versions(k->view, path, &all));
	EMR_EACH (const emr_file_version, v, &all)
		sprintf(text + strlen(text), "%s%s%d=%d%s", text[0] != 0 ? " " : "",
			v->is_deletion ? "gone" : "v", (int)v->cver, (int)v->bytes,
			v->is_current ? "*" : "");
	return text;
}

static void expect_version(kit *k, const char *path, const char *version)
{
	assert_string_equal(kit_attribute(k, path, "user.emrfs.version"), version);
	assert_string_equal(kit_attribute(k, path, "user.emrfs.state"), "confirmed 1/1");
}

/* "A/x": "one" and "two!" and then BIG bytes, each published. */
static uint64_t with_three(kit *k, uint8_t **out_big)
{
	uint64_t first;

	kit_open(k);
	kit_mkdir(k, "A");
	kit_text(k, "A/x", "one");
	first = settle(k);
	kit_text(k, "A/x", "two!");
	settle(k);
	*out_big = kit_bytes(BIG, 3);
	kit_write(k, "A/x", *out_big, BIG);
	settle(k);
	(void)kit_items(k);
	return first;
}

static void finish(kit *k, uint8_t *big)
{
	free(big);
	kit_publish_all(k);
	kit_restart_and_compare(k);
	(void)kit_items(k);
	kit_publishes_all(k, "");
	kit_close(k);
}

/* ---- deleted files ---- */

TEST(a_deleted_file_comes_back_into_a_directory_that_was_made_again)
{
	uint8_t *big;
	kit k;

	with_three(&k, &big);
	kit_unlink(&k, "A/x");
	kit_rmdir(&k, "A");
	settle(&k);
	kit_mkdir(&k, "A"); /* another domain */
	settle(&k);
	assert_ok(bring(&k, "A/x", 0, 0, NULL));
	kit_publish_all(&k);
	kit_expect(&k, "A/x", big, BIG);
	expect_version(&k, "A/x", "3");
	assert_string_equal(versions(&k, "A/x"), "v1=3 v2=4 v3=700000 gone3=700000 v3=700000*");
	finish(&k, big);
}

/* ---- under another name, and names that were somebody else's ---- */

TEST(a_name_that_was_another_records_then_gets_its_bytes_back)
{
	uint8_t *big;
	uint64_t first;
	kit k;

	first = with_three(&k, &big);
	kit_rename(&k, "A/x", "A/y");
	settle(&k);
	/* Nobody is called A/x now: the record lives on as A/y, so this is a copy. */
	assert_ok(bring(&k, "A/x", first, 0, NULL));
	kit_expect_text(&k, "A/x", "one");
	kit_expect(&k, "A/y", big, BIG);
	expect_version(&k, "A/y", "3");
	expect_version(&k, "A/x", "1");
	kit_text(&k, "A/x", "mine");
	settle(&k);
	/* The A/x of now is younger than the time asked for. */
	assert_ok(bring(&k, "A/x", first, 0, NULL));
	kit_expect_text(&k, "A/x", "one");
	expect_version(&k, "A/x", "3");
	assert_string_equal(versions(&k, "A/x"), "v1=3 v2=4 v3=3*");
	finish(&k, big);
}

/* Returns the text of .emrfs/deleted/PATH; NULL: it is not there. */
static const char *deleted(kit *k, const char *path)
{
	static char text[100];
	uint64_t held[8] = {0};
	size_t depth = 0, got = 0;
	char whole[200], *rest = whole, *name;
	emr_attr attr = {.node = EMR_ROOT_NODE};
	emr_status status = EMR_OK;
	emr_handle *h;

	snprintf(whole, sizeof whole, ".emrfs/deleted/%s", path);
	while (status == EMR_OK && (name = strsep(&rest, "/")) != NULL) {
		status = emr_view_lookup(k->view, attr.node, name, &attr);
		if (status == EMR_OK)
			held[depth++] = attr.node;
	}
	if (status == EMR_OK) {
		assert_ok(emr_view_open_file(k->view, attr.node, O_RDONLY, &h));
		assert_ok(emr_view_read(h, 0, text, sizeof text - 1, &got));
		text[got] = 0;
		emr_view_release(h);
	} else {
		assert_status(EMR_NOT_FOUND, status);
	}
	while (depth-- > 0)
		emr_view_forget(k->view, held[depth], 1);
	return status == EMR_OK ? text : NULL;
}

TEST(what_was_deleted_comes_back_before_the_ledger_hears_of_it)
{
	SCENE(kit, k, kit_open, kit_close);
	kit_mkdir(&k, "A");
	kit_mkdir(&k, "A/deep");
	kit_text(&k, "A/deep/x", "one");
	kit_text(&k, "A/y", "of y");
	settle(&k);
	kit_text(&k, "A/deep/x", "two!");
	settle(&k);
	ledger_is_away = true;
	kit_text(&k, "A/y", "of y, again"); /* a program that saves: nothing is gone */
	kit_text(&k, "A/new", "of y");
	kit_rename(&k, "A/new", "A/y");
	assert_null(deleted(&k, "A/y"));
	kit_unlink(&k, "A/deep/x");
	kit_rmdir(&k, "A/deep");
	assert_string_equal(deleted(&k, "A/deep/x"), "two!");
	kit_restart(&k);
	assert_string_equal(deleted(&k, "A/deep/x"), "two!");
	assert_ok(bring(&k, "A/deep/x", 0, 0, NULL));
	kit_expect_text(&k, "A/deep/x", "two!");
	assert_null(deleted(&k, "A/deep/x"));
	kit_restart(&k);
	kit_expect_text(&k, "A/deep/x", "two!");
	assert_null(deleted(&k, "A/deep/x"));
	ledger_is_away = false;
	settle(&k);
	settle(&k);
	kit_restart_and_compare(&k);
	kit_expect_text(&k, "A/deep/x", "two!");
	assert_non_null(strstr(versions(&k, "A/deep/x"), "v1=3"));
}

static emr_status count_refused(
	void *arg, const char *path, emr_status status, const emr_restored *restored)
{
	unsigned *n = arg;

	(void)path;
	(void)restored;
	assert_true(status == EMR_OK || status == EMR_LIMIT);
	n[status == EMR_LIMIT]++;
	return EMR_OK;
}

/* No path of a program's leads there, so nothing brings it back; the rest comes. */
TEST(a_path_that_is_too_long_keeps_nothing_else_away)
{
	const emr_restore what = {.path = "A"};
	uint64_t above[20];
	unsigned n[2] = {0};
	char name[EMR_NAME_MAX + 1];
	emr_handle *h;
	emr_attr attr;

	SCENE(kit, k, kit_open, kit_close);
	kit_mkdir(&k, "A");
	memset(name, 'd', sizeof name - 1);
	name[sizeof name - 1] = 0;
	attr = kit_attr(&k, "A");
	for (int i = 0; i < 20; i++) {
		above[i] = attr.node;
		assert_ok(emr_view_mkdir(k.view, above[i], name, 0700, &attr));
	}
	assert_ok(emr_view_create(k.view, attr.node, "deep", 0600, O_WRONLY, &attr, &h));
	emr_view_release(h);
	kit_text(&k, "A/x", "one");
	settle(&k);
	assert_ok(emr_view_lookup(k.view, above[19], name, &attr));
	assert_ok(emr_view_unlink(k.view, attr.node, "deep"));
	for (int i = 19; i >= 0; i--)
		assert_ok(emr_view_rmdir(k.view, above[i], name));
	kit_unlink(&k, "A/x");
	kit_rmdir(&k, "A");
	settle(&k);
	assert_ok(emr_view_restore_folder(k.view, &what, count_refused, n));
	kit_expect_text(&k, "A/x", "one");
	assert_true(n[0] >= 1 && n[1] >= 1);
}

TEST(a_folder_comes_back_with_those_that_were_empty)
{
	uint64_t before;

	SCENE(kit, k, kit_open, kit_close);
	kit_mkdir(&k, "A");
	kit_mkdir(&k, "A/moved away");
	kit_mkdir(&k, "B");
	kit_text(&k, "A/x", "one");
	before = settle(&k);
	kit_rename(&k, "A/moved away", "B/here");
	kit_mkdir(&k, "A/empty");
	kit_mkdir(&k, "A/empty/deep");
	kit_mkdir(&k, "Nothing");
	settle(&k);
	kit_rmdir(&k, "A/empty/deep");
	kit_rmdir(&k, "A/empty");
	kit_unlink(&k, "A/x");
	kit_rmdir(&k, "A");
	kit_rmdir(&k, "Nothing");
	settle(&k);
	assert_string_equal(bring_folder(&k, "A", before), "1+0");
	assert_false(kit_exists(&k, "A/empty"));
	kit_unlink(&k, "A/x");
	kit_rmdir(&k, "A");
	settle(&k);
	assert_string_equal(bring_folder(&k, "A", 0), "1+1");
	kit_expect_text(&k, "A/x", "one");
	assert_true(kit_exists(&k, "A/empty/deep"));
	assert_false(kit_exists(&k, "A/moved away"));
	assert_string_equal(bring_folder(&k, "Nothing", 0), "0+1");
	assert_true(kit_exists(&k, "Nothing"));
	assert_string_equal(bring_folder(&k, "Never", 0), "0+0 not found");
	settle(&k);
	kit_restart(&k);
	assert_true(kit_exists(&k, "A/empty/deep"));
	assert_true(kit_exists(&k, "Nothing"));
	kit_text(&k, "A/empty/deep/y", "two");
	settle(&k);
	kit_expect_text(&k, "A/empty/deep/y", "two");
}

TESTS(NULL, NULL)
