/* These tests are about the folder of another day, and what was deleted: the same bytes, and
 * nothing can be changed there. */
#include "view_paths.h"

#include <pthread.h>
#include <time.h>

#include "past.h"
#include "tree.h"

/* ---- paths below .emrfs: looked up as the kernel does, each with its reference ---- */

/* The node, held: forget it. */
static emr_attr held(kit *k, const char *path)
{
	emr_attr attr;

	assert_ok(kit_look_up(k, path, &attr));
	return attr;
}

static void drop(kit *k, emr_attr attr)
{
	emr_view_forget(k->view, attr.node, 1);
}

static void expect_text(kit *k, const char *path, const char *text)
{
	emr_attr attr = held(k, path);
	emr_handle *h;

	assert_int_equal(attr.size_bytes, strlen(text));
	assert_ok(emr_view_open_file(k->view, attr.node, O_RDONLY, &h));
	kit_expect_handle(h, text, strlen(text));
	assert_ok(emr_view_fsync(h)); /* sync FILE; no row of the journal waits for that: */
	assert_int_equal(node_row_seq(tree_by_number(k->view, attr.node)), 0);
	emr_view_release(h);
	drop(k, attr);
}

static void expect_none(kit *k, const char *path)
{
	emr_attr attr;

	assert_status(EMR_NOT_FOUND, kit_look_up(k, path, &attr));
}

/* ---- listings ---- */

typedef struct names {
	char names[200][300];
	size_t n;
} names;

static bool note_name(void *arg, const char *name, const emr_attr *attr, uint64_t next)
{
	names *l = arg;

	(void)attr;
	(void)next;
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return true;
	assert_true(l->n < 200);
	snprintf(l->names[l->n++], 300, "%s", name);
	return true;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void names_in(kit *k, uint64_t number, names *out)
{
	out->n = 0;
	assert_ok(emr_view_each_entry(k->view, number, 0, false, note_name, out));
	qsort(out->names, out->n, sizeof out->names[0], by_text);
}

static const char *list(kit *k, const char *path)
{
	static char text[8000];
	EMR_AUTO_FREE names *l = calloc(1, sizeof *l);
	emr_attr attr = held(k, path);

	assert_non_null(l);
	names_in(k, attr.node, l);
	drop(k, attr);
	text[0] = 0;
	for (size_t i = 0; i < l->n; i++)
		snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s", i > 0 ? " " : "",
			l->names[i]);
	return text;
}

/* ---- time ---- */

/* Publishes; ".emrfs/at/SECOND" of that moment.  The next change is another minute's. */
static const char *moment(kit *k)
{
	static char text[8][60];
	static int turn;
	struct tm tm;
	time_t at;

	kit_publish_all(k);
	at = (time_t)(k->clock.unix_ns / 1000000000);
	gmtime_r(&at, &tm);
	turn = (turn + 1) % 8;
	strcpy(text[turn], ".emrfs/at/");
	strftime(text[turn] + 10, 50, "%Y-%m-%dT%H:%M:%S", &tm);
	kit_wait_ms(k, 60000);
	return text[turn];
}

static void open_at_noon(kit *k)
{
	int64_t noon;

	kit_open(k);
	noon = (k->clock.unix_ns / INT64_C(86400000000000) + 1) * INT64_C(86400000000000) +
	       INT64_C(43200000000000);
	kit_wait_ms(k, (noon - k->clock.unix_ns) / 1000000);
}

static void day_at(time_t at, char out[60])
{
	struct tm tm;

	gmtime_r(&at, &tm);
	strftime(out, 60, ".emrfs/at/%Y-%m-%d", &tm);
}

static void day_of(const kit *k, int days_ago, char out[60])
{
	day_at((time_t)(k->clock.unix_ns / 1000000000 - days_ago * 86400), out);
}

static size_t count_trees(const kit *k)
{
	size_t n = 0;

	for (const past *p = k->view->past->trees; p != NULL; p = p->next)
		n += p->tree != NULL;
	return n;
}

/* ---- tests ---- */

TEST(a_day_ends_at_midnight_and_a_minute_with_its_last_second)
{
	char today[60], yesterday[60], minute[60];

	SCENE(kit, k, open_at_noon, kit_close);
	kit_text(&k, "x", "one");
	snprintf(minute, 27, "%s", moment(&k));
	kit_text(&k, "x", "evening");
	(void)moment(&k);
	kit_wait_ms(&k, 86400000);
	kit_save(&k, "x", "next day");
	day_of(&k, 0, today);
	day_of(&k, 1, yesterday);
	strcat(today, "/x");
	strcat(yesterday, "/x");
	strcat(minute, "/x");
	expect_text(&k, yesterday, "evening");
	expect_text(&k, today, "next day");
	expect_text(&k, minute, "one");
}

TEST(today_goes_on_and_a_day_that_is_over_does_not)
{
	char today[60], yesterday[60];
	emr_attr old, day, again;
	emr_handle *h;

	SCENE(kit, k, open_at_noon, kit_close);
	kit_save(&k, "x", "one");
	kit_wait_ms(&k, 86400000);
	kit_save(&k, "x", "two!");
	day_of(&k, 0, today);
	day_of(&k, 1, yesterday);
	day = held(&k, yesterday);
	strcat(today, "/x");
	old = held(&k, today);
	assert_ok(emr_view_open_file(k.view, old.node, O_RDONLY, &h));
	kit_save(&k, "x", "three");
	expect_text(&k, today, "three");
	kit_expect_handle(h, "two!", 4); /* who has it open goes on with it */
	emr_view_release(h);
	drop(&k, old);
	again = held(&k, yesterday);
	assert_int_equal(again.node, day.node);
	drop(&k, again);
	drop(&k, day);
}

TEST(before_there_was_a_folder_it_was_empty)
{
	SCENE(kit, k, open_at_noon, kit_close);
	assert_string_equal(list(&k, ".emrfs/at/2001-01-01"), "");
	expect_none(&k, ".emrfs/at/2001-01-01/x");
}

TEST(the_days_with_changes_are_listed)
{
	static const char *const folders[] = {"A", "B", "C", "D"};
	char made[60], first[60], third[60], wanted[300];
	emr_replica_position at;

	SCENE(kit, k, open_at_noon, kit_close);
	assert_ok(emr_replica_at(k.stack.replica, &at));
	day_at((time_t)at.last_time, made); /* the folder itself */
	kit_text(&k, "x", "one");
	for (size_t i = 0; i < 4; i++) /* each is a domain of its own, in no order of time */
		kit_mkdir(&k, folders[i]);
	kit_publish_all(&k);
	day_of(&k, 0, first);
	kit_wait_ms(&k, 2 * 86400000);
	kit_text(&k, "x", "two");
	kit_text(&k, "y", "two");
	kit_save(&k, "B/b", "two");
	day_of(&k, 0, third);
	snprintf(wanted, sizeof wanted, "%s %s %s", made + 10, first + 10, third + 10);
	assert_string_equal(list(&k, ".emrfs/at"), wanted);
	assert_string_equal(list(&k, ".emrfs/at"), wanted);
	kit_wait_ms(&k, 86400000);
	kit_unlink(&k, "y");
	kit_publish_all(&k);
	day_of(&k, 0, third);
	strcat(strcat(wanted, " "), third + 10);
	assert_string_equal(list(&k, ".emrfs/at"), wanted);
}

/* On a second computer, whose keys come by letter: the ledger says nothing more of it then. */
TEST(days_of_a_folder_that_comes_later_are_listed)
{
	char first[60], second[60], all[200];
	emr_id16 awaited = {{0}}, folder;

	SCENE(kit, k, open_at_noon, kit_close);
	kit_mkdir(&k, "A");
	kit_publish_all(&k);
	assert_ok(emr_unhex(kit_attribute(&k, "A", "user.emrfs.id"), folder.b, sizeof folder.b));
	kit_wait_ms(&k, 2 * 86400000);
	kit_save(&k, "A/x", "one");
	day_of(&k, 0, first);
	snprintf(all, sizeof all, "%s", list(&k, ".emrfs/at"));
	assert_non_null(strstr(all, first + 10));
	kit_wait_ms(&k, 86400000);
	kit_save(&k, "y", "two");
	day_of(&k, 0, second);
	k.options.own_parts = true;
	k.options.awaited = &awaited;
	kit_restart(&k);
	awaited = folder;
	assert_null(strstr(printed("%s", list(&k, ".emrfs/at")), first + 10));
	awaited = (emr_id16){{0}};
	assert_ok(emr_view_take_in(k.view, folder));
	kit_publish_all(&k);
	assert_string_equal(list(&k, ".emrfs/at"), printed("%s %s", all, second + 10));
}

TEST(a_deleted_file_lies_where_its_directory_is_now)
{
	SCENE(kit, k, open_at_noon, kit_close);
	kit_mkdir(&k, "A");
	kit_mkdir(&k, "A/in");
	kit_text(&k, "A/in/x", "last words");
	kit_publish_all(&k);
	kit_unlink(&k, "A/in/x");
	kit_rename(&k, "A/in", "A/inner");
	kit_publish_all(&k);
	assert_string_equal(list(&k, ".emrfs/deleted/A"), "inner");
	kit_restart(&k);
	expect_text(&k, ".emrfs/deleted/A/inner/x", "last words");
}

TEST(of_two_deleted_files_of_one_name_the_last_keeps_it)
{
	char listed[300];

	SCENE(kit, k, open_at_noon, kit_close);
	for (int i = 0; i < 2; i++) {
		kit_save(&k, "x.txt", i == 0 ? "older" : "newer");
		kit_unlink(&k, "x.txt");
		kit_publish_all(&k);
	}
	snprintf(listed, sizeof listed, "%s", list(&k, ".emrfs/deleted"));
	expect_text(&k, ".emrfs/deleted/x.txt", "newer");
	assert_int_equal(strlen(listed), strlen("x.txt x~1234.txt"));
	assert_memory_equal(listed, "x.txt x~", 8);
	expect_text(&k, printed(".emrfs/deleted/%s", list(&k, ".emrfs/deleted") + 6), "older");
}

static unsigned parted;

static void count_parted(void *arg, uint64_t number, const char *name)
{
	(void)arg;
	(void)number;
	assert_non_null(name);
	parted++;
}

TEST(trees_that_nobody_uses_are_dropped)
{
	char path[60];
	emr_attr kept[20];

	SCENE(kit, k, open_at_noon, kit_close);
	k.view->options.changed = count_parted;
	for (int i = 0; i < 20; i++) {
		char text[20];

		snprintf(text, sizeof text, "day %d", i);
		kit_save(&k, "x", text);
		kit_wait_ms(&k, 86400000);
	}
	for (int i = 20; i > 0; i--) {
		day_of(&k, i, path);
		strcat(path, "/x");
		kept[i - 1] = held(&k, path);
		assert_true(count_trees(&k) <= PAST_KEPT_MAX);
	}
	/* The kernel is asked to let go; what it still holds works. */
	assert_true(parted >= 20 - PAST_KEPT_MAX);
	for (int i = 20; i > 0; i--) {
		char text[20];
		emr_handle *h;

		snprintf(text, sizeof text, "day %d", 20 - i);
		assert_ok(emr_view_open_file(k.view, kept[i - 1].node, O_RDONLY, &h));
		kit_expect_handle(h, text, strlen(text));
		emr_view_release(h);
		drop(&k, kept[i - 1]);
		assert_status(EMR_NOT_FOUND, emr_view_attr(k.view, kept[i - 1].node, &kept[i - 1]));
	}
}

/* ---- the living folder meanwhile ---- */

typedef struct onlooker {
	kit *k;
	bool stop;
	unsigned looks;
	char today[60];
} onlooker;

static bool any_day(void *arg, const char *name, const emr_attr *attr, uint64_t next)
{
	(void)arg;
	(void)name;
	(void)attr;
	(void)next;
	return true;
}

static void *look(void *arg)
{
	onlooker *o = arg;

	while (!__atomic_load_n(&o->stop, __ATOMIC_RELAXED)) {
		emr_attr attr;
		emr_handle *h;
		char got[20];
		size_t n;

		assert_ok(kit_look_up(o->k, o->today, &attr));
		assert_ok(emr_view_open_file(o->k->view, attr.node, O_RDONLY, &h));
		assert_ok(emr_view_read(h, 0, got, sizeof got, &n));
		assert_int_equal(n, attr.size_bytes);
		assert_memory_equal(got, "take", 4);
		emr_view_release(h);
		drop(o->k, attr);
		assert_ok(kit_look_up(o->k, ".emrfs/at", &attr));
		assert_ok(emr_view_each_entry(o->k->view, attr.node, 2, false, any_day, NULL));
		drop(o->k, attr);
		__atomic_add_fetch(&o->looks, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

TEST(the_past_is_looked_at_while_the_present_goes_on)
{
	onlooker o = {.k = NULL};
	pthread_t threads[3];

	SCENE(kit, k, open_at_noon, kit_close);
	kit_save(&k, "x", "take 0");
	o.k = &k;
	day_of(&k, 0, o.today);
	strcat(o.today, "/x");
	for (int i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, look, &o), 0);
	for (int i = 0; i < 20 || __atomic_load_n(&o.looks, __ATOMIC_RELAXED) < 6; i++) {
		kit_text(&k, "x", printed("take %d", i));
		kit_publish(&k);
	}
	__atomic_store_n(&o.stop, true, __ATOMIC_RELAXED);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
}

int main(void)
{
	setenv("TZ", "UTC0", 1);
	tzset();
	return emr_tests_run(NULL, NULL);
}
