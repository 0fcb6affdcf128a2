/* Two computers of one person on one ledger: what one saves, the other shows; what both change,
 * both keep. */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

#include "emr_test.h"
#include "keyring/keyring.h"
#include "view_kit.h"

#include "base/file.h"

#include "follow.h"

/* ---- a second computer: a keyring of the same seed, the same ledger and blocks, everything else
 * its own ---- */

static void make_second(kit *b, const kit *a)
{
	static const emr_kdf_cost cheap = {.passes = 1, .memory_bytes = 8 << 20};
	EMR_AUTO_KEYRING keyring = NULL;
	EMR_AUTO_FD from = open(a->path, O_RDONLY | O_DIRECTORY);
	EMR_AUTO_FD to = -1;
	char path[256], link[300], target[300];

	assert_true(strlen(a->path) < 200);
	snprintf(path, sizeof path, "%.200s.second", a->path);
	assert_int_equal(mkdir(path, 0700), 0);
	to = open(path, O_RDONLY | O_DIRECTORY);
	assert_true(from >= 0 && to >= 0);
	assert_ok(emr_keyring_open(from, "keyfile", emr_bytes_of("test", 4), &keyring, NULL));
	emr_keyring_set_device(keyring, emr_id16_random());
	assert_ok(emr_keyring_save_new(keyring, to, "keyfile", emr_bytes_of("test", 4), &cheap));
	snprintf(link, sizeof link, "%s/network", path);
	snprintf(target, sizeof target, "%s/network", a->path);
	assert_int_equal(symlink(target, link), 0);
	snprintf(link, sizeof link, "%s/store", path);
	snprintf(target, sizeof target, "%s/store", a->path);
	assert_int_equal(symlink(target, link), 0);
	kit_adopt(b, path, a->clock.unix_ns, a->clock.boot_ns);
	kit_start(b);
}

/* ---- a domain that becomes readable when a run has just asked what is new ---- */

static _Atomic(emr_view *) to_take_in; /* NULL: none */
static emr_id16 domain_to_take_in;
static _Atomic(emr_replica *) read_on; /* NULL: none */
static _Atomic uint64_t lowest_since;  /* that was asked of it */

emr_status __real_emr_replica_since(
	emr_replica *replica, uint64_t since, emr_replica_since_fn fn, void *arg);
emr_status __wrap_emr_replica_since(
	emr_replica *replica, uint64_t since, emr_replica_since_fn fn, void *arg);

emr_status __wrap_emr_replica_since(
	emr_replica *replica, uint64_t since, emr_replica_since_fn fn, void *arg)
{
	emr_status status = __real_emr_replica_since(replica, since, fn, arg);
	emr_view *view = atomic_exchange(&to_take_in, NULL);

	if (replica == read_on && since < lowest_since)
		lowest_since = since;
	return status == EMR_OK && view != NULL ? emr_view_take_in(view, domain_to_take_in)
						: status;
}

/* ---- what others see whenever the lock of the tree is free ---- */

static _Thread_local emr_view *watched;	 /* NULL: none */
static const char *const *never_lacking; /* paths, NULL at the end */
static unsigned times_seen;

int __real_pthread_mutex_unlock(pthread_mutex_t *mutex);
int __wrap_pthread_mutex_unlock(pthread_mutex_t *mutex);

int __wrap_pthread_mutex_unlock(pthread_mutex_t *mutex)
{
	int result = __real_pthread_mutex_unlock(mutex);
	emr_view *view = watched;
	emr_attr attr;

	if (view == NULL || mutex != &view->lock)
		return result;
	watched = NULL;
	for (size_t i = 0; never_lacking[i] != NULL; i++)
		if (emr_view_find(view, never_lacking[i], &attr) != EMR_OK)
			fail_msg("%s is lacking for a moment", never_lacking[i]);
	times_seen++;
	watched = view;
	return result;
}

/* B looks at what is new, and PATHS are there all the time. */
static void look_and_watch(kit *b, const char *const *paths)
{
	never_lacking = paths;
	times_seen = 0;
	watched = b->view;
	assert_ok(emr_view_publish_now(b->view));
	watched = NULL;
	assert_true(times_seen > 3);
}

/* ---- what the ledger names before its bytes are here ---- */

static _Atomic bool are_bytes_late;
static unsigned told_bad;

static void count_bad(void *arg, const char *name, const char *what)
{
	(void)arg;
	(void)what;
	told_bad += strcmp(name, "bad-data") == 0;
}

emr_status __real_emr_facts_get(emr_facts *facts, emr_id16 domain, emr_id16 object,
	emr_place *out_place, emr_buf *out_bytes, emr_meta *out_meta);
emr_status __wrap_emr_facts_get(emr_facts *facts, emr_id16 domain, emr_id16 object,
	emr_place *out_place, emr_buf *out_bytes, emr_meta *out_meta);

emr_status __wrap_emr_facts_get(emr_facts *facts, emr_id16 domain, emr_id16 object,
	emr_place *out_place, emr_buf *out_bytes, emr_meta *out_meta)
{
	return are_bytes_late ? EMR_MISSING_DATA
			      : __real_emr_facts_get(
					facts, domain, object, out_place, out_bytes, out_meta);
}

/* ---- a folder whose key comes by a letter that is late ---- */

static _Atomic bool is_key_late;
static emr_id16 keyless;

emr_status __real_emr_coowned_pre(
	const emr_keyring *kr, emr_id16 domain_id, uint32_t epoch, bool *out_is, emr_secret *out_a);
emr_status __wrap_emr_coowned_pre(
	const emr_keyring *kr, emr_id16 domain_id, uint32_t epoch, bool *out_is, emr_secret *out_a);

emr_status __wrap_emr_coowned_pre(
	const emr_keyring *kr, emr_id16 domain_id, uint32_t epoch, bool *out_is, emr_secret *out_a)
{
	if (!is_key_late || !emr_id16_equal(domain_id, keyless))
		return __real_emr_coowned_pre(kr, domain_id, epoch, out_is, out_a);
	*out_is = true;
	return EMR_AWAITED;
}

/* ---- how often the ledger is asked for what is new ---- */

static _Atomic unsigned looks;

emr_status __real_emr_ledger_size(emr_ledger *ledger, uint64_t *out_size);
emr_status __wrap_emr_ledger_size(emr_ledger *ledger, uint64_t *out_size);

emr_status __wrap_emr_ledger_size(emr_ledger *ledger, uint64_t *out_size)
{
	atomic_fetch_add(&looks, 1);
	return __real_emr_ledger_size(ledger, out_size);
}

typedef struct two {
	kit a, b;
} two;

/* Until neither has anything to say any more. */
static void meet(two *t)
{
	for (int i = 0; i < 5; i++) {
		kit_wait_ms(&t->a, 2000);
		kit_wait_ms(&t->b, 2000);
		assert_ok(emr_view_publish_now(t->a.view));
		assert_ok(emr_view_publish_now(t->b.view));
	}
}

static int open_two(void **state)
{
	two *t = calloc(1, sizeof *t);

	kit_open(&t->a);
	make_second(&t->b, &t->a);
	kit_mkdir(&t->a, "Imaging");
	kit_mkdir(&t->a, "Letters");
	kit_text(&t->a, "Imaging/1", "one");
	kit_text(&t->a, "Imaging/2", "two");
	meet(t);
	*state = t;
	return 0;
}

static int close_two(void **state)
{
	two *t = *state;

	kit_close(&t->b);
	kit_close(&t->a);
	free(t);
	return 0;
}

/* The picture without the numbers that each computer gives its own. */
static char *common_picture(kit *k)
{
	char *text = kit_picture(k), *from = text, *to = text;

	while (*from != 0) {
		if (strncmp(from, " ino", 4) == 0)
			from += 4 + strspn(from + 4, "0123456789");
		else
			*to++ = *from++;
	}
	*to = 0;
	return text;
}

static void expect_equal(two *t)
{
	char *a = common_picture(&t->a), *b = common_picture(&t->b);

	assert_string_equal(a, b);
	free(a);
	free(b);
	kit_restart(&t->a);
	kit_restart(&t->b);
	a = common_picture(&t->a);
	b = common_picture(&t->b);
	assert_string_equal(a, b);
	free(a);
	free(b);
}

typedef struct counting {
	unsigned n;
	char last[300];
} counting;

static bool count_conflict(void *arg, const char *name, const emr_attr *attr, uint64_t next)
{
	counting *c = arg;

	(void)attr;
	(void)next;
	if (strstr(name, "(conflict, ") != NULL) {
		c->n++;
		snprintf(c->last, sizeof c->last, "%s", name);
	}
	return true;
}

static counting conflicts_in(kit *k, const char *directory)
{
	counting c = {0};

	assert_ok(emr_view_each_entry(
		k->view, kit_attr(k, directory).node, 0, false, count_conflict, &c));
	return c;
}

static bool count_entry(void *arg, const char *name, const emr_attr *attr, uint64_t next)
{
	(void)attr;
	(void)next;
	*(unsigned *)arg += strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
	return true;
}

static unsigned entries_in(kit *k, const char *directory)
{
	unsigned n = 0;

	assert_ok(emr_view_each_entry(
		k->view, kit_attr(k, directory).node, 0, false, count_entry, &n));
	return n;
}

/* ---- sentences ---- */

static void what_one_saves_the_other_shows(void **state)
{
	two *t = *state;

	kit_mkdir(&t->a, "Imaging/CT");
	kit_mkdir(&t->a, "Imaging/CT/inner");
	kit_text(&t->a, "Imaging/CT/inner/deep", "deep");
	kit_mkdir(&t->a, "New");
	kit_text(&t->a, "New/first", "first");
	kit_text(&t->a, "top.txt", "at the top");
	kit_text(&t->b, "Letters/from b", "b");
	meet(t);
	kit_expect_text(&t->b, "Imaging/CT/inner/deep", "deep");
	kit_expect_text(&t->b, "New/first", "first");
	kit_expect_text(&t->b, "top.txt", "at the top");
	kit_expect_text(&t->a, "Letters/from b", "b");
	assert_string_equal(kit_items(&t->b), kit_items(&t->a)); /* nothing is sent twice */
	expect_equal(t);
}

static void a_new_version_replaces_the_file_and_open_readers_keep_theirs(void **state)
{
	two *t = *state;
	emr_attr before = kit_attr(&t->b, "Imaging/1"), after;
	emr_handle *h = kit_open_file(&t->b, "Imaging/1", O_RDONLY);

	kit_text(&t->a, "Imaging/1", "one, mended");
	meet(t);
	after = kit_attr(&t->b, "Imaging/1");
	assert_int_not_equal(after.node, before.node);
	assert_int_not_equal(after.ino, before.ino);
	kit_expect_text(&t->b, "Imaging/1", "one, mended");
	kit_expect_handle(h, "one", 3);
	emr_view_release(h);
	assert_string_equal(kit_attribute(&t->b, "Imaging/1", "user.emrfs.version"), "2");
	before = after;
	kit_restart(&t->b);
	assert_int_equal(kit_attr(&t->b, "Imaging/1").ino, before.ino);
	expect_equal(t);
	assert_int_equal(conflicts_in(&t->b, "Imaging").n, 0);
}

static void names_and_attributes_follow(void **state)
{
	two *t = *state;
	emr_attr wanted = {.mode = 0600};

	kit_rename(&t->a, "Imaging/1", "Imaging/uno");
	kit_rename(&t->a, "Imaging/2", "Letters/two");
	assert_ok(emr_view_set_attr(
		t->a.view, kit_attr(&t->a, "Letters/two").node, EMR_SET_MODE, &wanted, &wanted));
	meet(t);
	assert_false(kit_exists(&t->b, "Imaging/1"));
	assert_false(kit_exists(&t->b, "Imaging/2"));
	kit_expect_text(&t->b, "Imaging/uno", "one");
	kit_expect_text(&t->b, "Letters/two", "two");
	assert_int_equal(kit_attr(&t->b, "Letters/two").mode, 0600);
	kit_rename(&t->b, "Imaging", "Pictures");
	meet(t);
	kit_expect_text(&t->a, "Pictures/uno", "one");
	assert_false(kit_exists(&t->a, "Imaging"));
	expect_equal(t);
}

static void rename_and_publish(kit *k, const char *from, const char *to, unsigned flags)
{
	const char *a, *b;
	uint64_t from_dir = kit_parent(k, from, &a), to_dir = kit_parent(k, to, &b);

	assert_ok(emr_view_rename(k->view, from_dir, a, to_dir, b, flags));
	kit_publish_all(k);
}

static void a_file_that_is_replaced_by_another_there_is_never_lacking_here(void **state)
{
	static const char *const paths[] = {"Imaging/2", NULL};
	two *t = *state;

	rename_and_publish(&t->a, "Imaging/1", "Imaging/2", 0);
	kit_wait_ms(&t->b, 2000);
	look_and_watch(&t->b, paths);
	kit_expect_text(&t->b, "Imaging/2", "one");
	assert_false(kit_exists(&t->b, "Imaging/1"));
	meet(t);
	expect_equal(t);
}

static void files_that_change_names_with_each_other_there_do_so_here(void **state)
{
	static const char *const paths[] = {"Imaging/1", "Imaging/2", NULL};
	two *t = *state;

	rename_and_publish(&t->a, "Imaging/1", "Imaging/2", EMR_RENAME_EXCHANGE);
	kit_wait_ms(&t->b, 2000);
	look_and_watch(&t->b, paths);
	kit_expect_text(&t->b, "Imaging/2", "one");
	kit_expect_text(&t->b, "Imaging/1", "two");
	meet(t);
	expect_equal(t);
}

static void a_file_whose_description_comes_after_its_entry_is_shown_then(void **state)
{
	two *t = *state;

	told_bad = 0;
	t->b.options.notice = count_bad;
	kit_restart(&t->b);
	meet(t);
	rename_and_publish(&t->a, "Imaging/1", "Imaging/late", 0);
	are_bytes_late = true;
	kit_wait_ms(&t->b, 2000);
	assert_ok(emr_view_publish_now(t->b.view));
	assert_false(kit_exists(&t->b, "Imaging/late"));
	kit_wait_ms(&t->b, 2000);
	assert_ok(emr_view_publish_now(t->b.view));
	are_bytes_late = false; /* and nothing is new on the ledger */
	kit_wait_ms(&t->b, 2000);
	assert_ok(emr_view_publish_now(t->b.view));
	kit_expect_text(&t->b, "Imaging/late", "one");
	meet(t);
	expect_equal(t);
	assert_int_equal(told_bad, 0);
}

static void a_description_that_never_comes_is_told_once_and_not_looked_for_any_more(void **state)
{
	two *t = *state;

	told_bad = 0;
	t->b.options.notice = count_bad;
	kit_restart(&t->b);
	meet(t);
	rename_and_publish(&t->a, "Imaging/1", "Imaging/late", 0);
	are_bytes_late = true;
	for (int i = 0; i < 40; i++) {
		kit_wait_ms(&t->b, 2000);
		assert_ok(emr_view_publish_now(t->b.view));
		assert_true(told_bad == 0 || i >= 29); /* it has a minute */
	}
	are_bytes_late = false;
	assert_int_equal(told_bad, 1);
	kit_wait_ms(&t->b, 2000);
	assert_ok(emr_view_publish_now(t->b.view));
	assert_false(kit_exists(&t->b, "Imaging/late"));
	kit_restart(&t->b);
	meet(t);
	kit_expect_text(&t->b, "Imaging/late", "one");
	expect_equal(t);
}

/* On the first computer there is something new in two folders, and one of them opens on the second
 * when its letter comes. */
static void save_in_both(two *t)
{
	emr_place place;

	told_bad = 0;
	t->b.options.notice = count_bad;
	kit_restart(&t->b);
	meet(t);
	assert_ok(emr_view_place(t->a.view, "Imaging/1", &place));
	keyless = place.domain;
	kit_text(&t->a, "Imaging/3", "three");
	kit_publish_all(&t->a);
	kit_text(&t->a, "Letters/3", "a third");
	kit_publish_all(&t->a);
}

static void look_without_key(kit *b)
{
	is_key_late = true;
	kit_wait_ms(b, 2000);
	assert_ok(emr_view_publish_now(b->view));
	is_key_late = false;
}

static void a_file_whose_key_comes_after_its_entry_keeps_no_other_back_and_is_shown_then(
	void **state)
{
	two *t = *state;

	save_in_both(t);
	look_without_key(&t->b);
	assert_false(kit_exists(&t->b, "Imaging/3"));
	kit_expect_text(&t->b, "Letters/3", "a third");
	kit_wait_ms(&t->b, 2000);
	assert_ok(emr_view_publish_now(t->b.view)); /* and nothing is new on the ledger */
	kit_expect_text(&t->b, "Imaging/3", "three");
	meet(t);
	expect_equal(t);
	assert_int_equal(told_bad, 0);
}

/* What waits here is as much as one look takes of what is new. */
static void however_much_is_looked_at_again_the_ledger_is_read_on_from_where_it_was(void **state)
{
	two *t = *state;
	emr_place place;
	uint64_t before;

	meet(t);
	assert_ok(emr_view_place(t->a.view, "Imaging/1", &place));
	kit_text(&t->a, "Imaging/3", "three");
	kit_publish_all(&t->a);
	before = t->b.view->followed;
	lowest_since = before;
	read_on = t->b.stack.replica;
	for (int i = 0; i < 10000; i++)
		assert_ok(emr_view_take_in(t->b.view, place.domain));
	meet(t);
	read_on = NULL;
	assert_int_equal(lowest_since, before);
	kit_expect_text(&t->b, "Imaging/3", "three");
	expect_equal(t);
}

static void a_folder_whose_key_never_comes_is_told_and_keeps_no_other_closed(void **state)
{
	two *t = *state;
	char cache[300];

	save_in_both(t);
	for (int i = 0; i < 40; i++) {
		look_without_key(&t->b);
		assert_true(told_bad == 0 || i >= 29); /* it has a minute */
	}
	assert_int_equal(told_bad, 1);
	/* Also without the names that this computer has kept. */
	emr_stack_close(&t->b.stack);
	snprintf(cache, sizeof cache, "%s/facts.cache", t->b.path);
	(void)unlink(cache);
	is_key_late = true;
	kit_start(&t->b);
	is_key_late = false;
	assert_int_equal(told_bad, 2);
	kit_expect_text(&t->b, "Letters/3", "a third");
	assert_false(kit_exists(&t->b, "Imaging"));
	/* As when the letter is learned after all. */
	assert_ok(emr_view_take_in(t->b.view, keyless));
	meet(t);
	kit_expect_text(&t->b, "Imaging/3", "three");
	kit_expect_text(&t->b, "Imaging/1", "one");
	expect_equal(t);
}

static void what_one_removes_is_gone_for_the_other(void **state)
{
	two *t = *state;
	emr_handle *h = kit_open_file(&t->b, "Imaging/1", O_RDONLY);

	kit_mkdir(&t->a, "Imaging/old");
	kit_text(&t->a, "Imaging/old/x", "x");
	meet(t);
	assert_true(kit_exists(&t->b, "Imaging/old/x"));
	kit_unlink(&t->a, "Imaging/old/x");
	kit_rmdir(&t->a, "Imaging/old");
	kit_unlink(&t->a, "Imaging/1");
	meet(t);
	assert_false(kit_exists(&t->b, "Imaging/1"));
	assert_false(kit_exists(&t->b, "Imaging/old"));
	kit_expect_handle(h, "one", 3);
	emr_view_release(h);
	expect_equal(t);
}

static void what_both_change_both_keep(void **state)
{
	two *t = *state;
	counting c;
	char path[400];

	kit_text(&t->a, "Imaging/1", "as a says");
	kit_text(&t->b, "Imaging/1", "as b says");
	meet(t);
	c = conflicts_in(&t->a, "Imaging");
	assert_int_equal(c.n, 1);
	kit_expect_text(&t->a, "Imaging/1", "as a says"); /* the first on the ledger has the name */
	kit_expect_text(&t->b, "Imaging/1", "as a says");
	snprintf(path, sizeof path, "Imaging/%s", c.last);
	kit_expect_text(&t->a, path, "as b says");
	kit_expect_text(&t->b, path, "as b says");
	expect_equal(t);
}

static void what_was_changed_while_away_meets_what_others_changed(void **state)
{
	two *t = *state;
	counting c;

	kit_text(&t->b, "Imaging/1", "written on the train");
	kit_rename(&t->b, "Imaging/2", "Letters/renamed on the train");
	emr_stack_close(&t->b.stack);
	kit_text(&t->a, "Imaging/1", "written at home");
	kit_text(&t->a, "Imaging/2", "two, at home");
	kit_wait_ms(&t->a, 2000);
	kit_publish_all(&t->a);
	kit_start(&t->b);
	meet(t);
	kit_expect_text(&t->b, "Imaging/1", "written at home");
	c = conflicts_in(&t->b, "Imaging");
	assert_int_equal(c.n, 1);
	kit_expect_text(&t->b, "Letters/renamed on the train", "two, at home");
	expect_equal(t);
}

static void new_bytes_beat_a_removal_on_either_side(void **state)
{
	two *t = *state;

	kit_unlink(&t->a, "Imaging/1");
	kit_text(&t->b, "Imaging/1", "still needed");
	kit_text(&t->a, "Imaging/2", "needed here");
	kit_publish_all(&t->a);
	kit_unlink(&t->b, "Imaging/2");
	meet(t);
	kit_expect_text(&t->a, "Imaging/1", "still needed");
	kit_expect_text(&t->b, "Imaging/1", "still needed");
	kit_expect_text(&t->a, "Imaging/2", "needed here");
	kit_expect_text(&t->b, "Imaging/2", "needed here");
	expect_equal(t);
}

static void a_new_name_here_and_new_bytes_there_come_together(void **state)
{
	two *t = *state;
	emr_attr saved;

	kit_rename(&t->b, "Imaging/1", "Imaging/better name");
	kit_wait_ms(&t->a, 5000);
	kit_text(&t->a, "Imaging/1", "better bytes");
	saved = kit_attr(&t->a, "Imaging/1");
	meet(t);
	assert_int_equal(kit_attr(&t->a, "Imaging/better name").mtime_ns, saved.mtime_ns);
	assert_int_equal(kit_attr(&t->b, "Imaging/better name").mtime_ns, saved.mtime_ns);
	kit_expect_text(&t->a, "Imaging/better name", "better bytes");
	kit_expect_text(&t->b, "Imaging/better name", "better bytes");
	assert_false(kit_exists(&t->b, "Imaging/1"));
	expect_equal(t);
}

static void two_new_files_of_one_name_both_live(void **state)
{
	two *t = *state;

	kit_text(&t->a, "Letters/report", "of a");
	kit_text(&t->b, "Letters/report", "of b");
	meet(t);
	kit_expect_text(&t->a, "Letters/report", "of a");
	assert_true(kit_exists(&t->b, "Letters/report"));
	kit_restart(&t->a);
	kit_restart(&t->b);
	{
		char *a = common_picture(&t->a), *b = common_picture(&t->b);

		assert_string_equal(a, b);
		assert_non_null(strstr(a, "Letters/report~"));
		free(a);
		free(b);
	}
}

static void a_file_that_is_open_for_writing_waits_until_it_is_closed(void **state)
{
	two *t = *state;
	emr_handle *h = kit_open_file(&t->b, "Imaging/1", O_RDWR);

	kit_text(&t->a, "Imaging/1", "from a");
	meet(t);
	assert_ok(emr_view_write(h, 0, emr_bytes_of("ONE", 3)));
	meet(t);
	kit_expect_text(&t->b, "Imaging/1", "ONE");
	assert_ok(emr_view_flush(h));
	emr_view_release(h);
	meet(t);
	kit_expect_text(&t->b, "Imaging/1", "from a");
	assert_int_equal(conflicts_in(&t->b, "Imaging").n, 1);
	expect_equal(t);
}

static void a_directory_that_was_removed_elsewhere_lives_with_what_was_put_into_it(void **state)
{
	two *t = *state;

	kit_mkdir(&t->a, "Imaging/CT");
	meet(t);
	kit_rmdir(&t->a, "Imaging/CT");
	kit_text(&t->b, "Imaging/CT/late", "late");
	meet(t);
	kit_expect_text(&t->b, "Imaging/CT/late", "late");
	kit_restart(&t->a);
	kit_restart(&t->b);
	{
		char *a = common_picture(&t->a), *b = common_picture(&t->b);

		assert_string_equal(a, b);
		assert_non_null(strstr(a, "Imaging/CT/late"));
		free(a);
		free(b);
	}
	meet(t);
	kit_expect_text(&t->a, "Imaging/CT/late", "late");
	expect_equal(t);
}

/* ---- one is quicker than the other ---- */

static two *racing; /* whose a saves while b looks */

/* What b tells the kernel of, it has looked at: now a is quicker with something else. */
static void a_is_quicker(void *arg, uint64_t number, const char *name)
{
	two *t = racing;

	(void)arg;
	(void)number;
	(void)name;
	if (t == NULL)
		return;
	racing = NULL;
	kit_text(&t->a, "Imaging/1", "a was quicker");
	kit_wait_ms(&t->a, 2000);
	assert_ok(emr_view_publish_now(t->a.view));
}

static void prepare_race(two *t)
{
	t->b.options.changed = a_is_quicker;
	kit_restart(&t->b);
	kit_text(&t->a, "Letters/x", "something for b to look at");
	kit_wait_ms(&t->a, 2000);
	assert_ok(emr_view_publish_now(t->a.view));
}

static void race(two *t)
{
	kit_wait_ms(&t->b, 2000);
	racing = t;
	assert_ok(emr_view_publish_now(t->b.view));
	assert_null(racing);
	meet(t);
}

static void who_saves_over_what_he_has_not_seen_makes_a_conflict(void **state)
{
	two *t = *state;

	prepare_race(t);
	kit_text(&t->b, "Imaging/1", "b was slower");
	race(t);
	kit_expect_text(&t->a, "Imaging/1", "a was quicker");
	assert_int_equal(conflicts_in(&t->a, "Imaging").n, 1);
	assert_string_equal(kit_attribute(&t->b, "Imaging/1", "user.emrfs.version"), "2");
	expect_equal(t);
}

static void who_removes_what_he_has_not_seen_does_not_remove_it(void **state)
{
	two *t = *state;

	prepare_race(t);
	kit_unlink(&t->b, "Imaging/1");
	race(t);
	kit_expect_text(&t->a, "Imaging/1", "a was quicker");
	expect_equal(t);
}

/* ---- away, and what others removed meanwhile ---- */

static void what_was_renamed_away_and_removed_there_is_gone(void **state)
{
	two *t = *state;

	kit_rename(&t->b, "Imaging/1", "Imaging/uno");
	kit_rename(&t->b, "Imaging/2", "Letters/two");
	emr_stack_close(&t->b.stack);
	kit_unlink(&t->a, "Imaging/1");
	kit_unlink(&t->a, "Imaging/2");
	kit_wait_ms(&t->a, 2000);
	kit_publish_all(&t->a);
	kit_start(&t->b);
	meet(t);
	assert_false(kit_exists(&t->b, "Imaging/uno"));
	assert_false(kit_exists(&t->b, "Letters/two"));
	expect_equal(t);
}

static void what_was_written_away_and_erased_there_is_a_record_of_its_own(void **state)
{
	two *t = *state;
	emr_erase what = {.path = "Imaging/1"};
	emr_view_counts counts;
	emr_erased erased;

	kit_text(&t->b, "Imaging/1", "written on the train");
	emr_stack_close(&t->b.stack);
	assert_ok(emr_view_erase(t->a.view, &what, &erased));
	kit_wait_ms(&t->a, 2000);
	kit_publish_all(&t->a);
	kit_start(&t->b);
	meet(t);
	emr_view_count(t->b.view, &counts);
	assert_int_equal(counts.failed + counts.pending, 0);
	kit_expect_text(&t->a, "Imaging/1", "written on the train");
	expect_equal(t);
}

typedef struct pins {
	emr_id16 owner;
	unsigned n;
} pins;

static emr_status count_pin(void *arg, const emr_pin *pin)
{
	pins *p = arg;

	p->n += emr_id16_equal(pin->owner, p->owner);
	return EMR_OK;
}

static unsigned pins_of(kit *k, emr_id16 owner)
{
	pins p = {.owner = owner};

	assert_ok(emr_store_each_pin(k->stack.store, count_pin, &p));
	return p.n;
}

static void id_of(kit *k, const char *path, emr_id16 *out_id)
{
	assert_ok(emr_unhex(kit_attribute(k, path, "user.emrfs.id"), out_id->b, sizeof out_id->b));
}

static void what_another_computer_erases_is_erased_here(void **state)
{
	two *t = *state;
	emr_erase what = {.path = "Imaging/1"};
	emr_erased erased;
	emr_handle *h;
	emr_id16 id;
	char bytes[8];
	size_t got;

	kit_text(&t->b, "Imaging/1", "written on b");
	meet(t);
	h = kit_open_file(&t->b, "Imaging/1", O_RDONLY);
	assert_ok(emr_unhex(kit_attribute(&t->b, "Imaging/1", "user.emrfs.id"), id.b, sizeof id.b));
	assert_true(pins_of(&t->b, id) > 0);
	assert_ok(emr_view_read(h, 0, bytes, sizeof bytes, &got));
	assert_ok(emr_view_erase(t->a.view, &what, &erased));
	meet(t);
	assert_false(kit_exists(&t->b, "Imaging/1"));
	assert_status(EMR_MISSING_DATA, emr_view_read(h, 0, bytes, sizeof bytes, &got));
	emr_view_release(h);
	kit_wait_ms(&t->b, 40000);
	meet(t);
	expect_equal(t); /* opens both again: each sees what the other has let go of */
	assert_int_equal(pins_of(&t->b, id), 0);
	assert_int_equal(pins_of(&t->a, id), 0);
}

/* One file that B had, and one that it had deleted. */
static void what_was_erased_while_a_computer_was_away_leaves_its_segments(void **state)
{
	two *t = *state;
	emr_erase shown = {.path = "Imaging/1"}, all = {0};
	emr_erased erased;
	emr_id16 shown_id, gone_id, kept_id;

	kit_text(&t->b, "Imaging/1", "written on b");
	kit_text(&t->b, "Imaging/gone", "deleted before");
	kit_text(&t->b, "Imaging/kept", "which stays");
	meet(t);
	id_of(&t->b, "Imaging/1", &shown_id);
	id_of(&t->b, "Imaging/gone", &gone_id);
	id_of(&t->b, "Imaging/kept", &kept_id);
	kit_unlink(&t->b, "Imaging/gone");
	meet(t);
	emr_stack_close(&t->b.stack);
	assert_ok(emr_view_erase(t->a.view, &shown, &erased));
	assert_ok(emr_view_erase(t->a.view, &all, &erased));
	assert_int_equal(erased.deleted, 1);
	kit_wait_ms(&t->a, 40000);
	assert_ok(emr_view_publish_now(t->a.view));
	kit_start(&t->b);
	assert_false(kit_exists(&t->b, "Imaging/1"));
	assert_true(pins_of(&t->b, shown_id) > 0 && pins_of(&t->b, gone_id) > 0);
	kit_wait_ms(&t->b, 40000);
	meet(t);
	kit_expect_text(&t->b, "Imaging/kept", "which stays");
	expect_equal(t); /* opens both again: each sees what the other has let go of */
	assert_int_equal(pins_of(&t->b, shown_id), 0);
	assert_int_equal(pins_of(&t->b, gone_id), 0);
	assert_true(pins_of(&t->b, kept_id) > 0);
}

/* ---- a journal that refuses ---- */

emr_status __real_emr_journal_commit(emr_journal_txn *txn, uint64_t *out_seq);
emr_status __wrap_emr_journal_commit(emr_journal_txn *txn, uint64_t *out_seq);

static long commits_left = -1; /* until one is refused; negative: none */

emr_status __wrap_emr_journal_commit(emr_journal_txn *txn, uint64_t *out_seq)
{
	if (commits_left >= 0 && commits_left-- == 0) {
		emr_journal_rollback(txn);
		return EMR_NO_SPACE;
	}
	return __real_emr_journal_commit(txn, out_seq);
}

/* An object of which the look was put off lies before what is read anew: only a note remembers it.
 */
static void a_look_that_the_journal_refuses_is_not_forgotten(void **state)
{
	two *t = *state;

	for (long refused = 0; refused < 6; refused++) {
		unsigned before = conflicts_in(&t->a, "Imaging").n;
		char text[32];
		emr_handle *h = kit_open_file(&t->b, "Imaging/1", O_RDWR);

		snprintf(text, sizeof text, "from a, %ld", refused);
		kit_text(&t->a, "Imaging/1", text);
		meet(t);
		assert_ok(emr_view_write(h, 0, emr_bytes_of("ONE", 3)));
		assert_ok(emr_view_flush(h));
		emr_view_release(h);
		kit_wait_ms(&t->b, 3000);
		commits_left = refused;
		(void)emr_view_publish_now(t->b.view);
		commits_left = -1;
		for (int i = 0; i < 3; i++)
			meet(t);
		kit_expect_text(&t->b, "Imaging/1", text);
		assert_int_equal(conflicts_in(&t->a, "Imaging").n, before + 1);
		expect_equal(t);
		kit_wait_ms(&t->a, 60000); /* the next copy has another name */
		kit_wait_ms(&t->b, 60000);
	}
}

static void an_erasure_that_the_journal_refuses_in_the_middle_goes_on(void **state)
{
	two *t = *state;
	emr_erase what = {.path = "Imaging"};
	emr_erased erased = {0};

	commits_left = 2; /* the rows, and the first name, are in */
	assert_ok(emr_view_erase(t->a.view, &what, &erased));
	commits_left = -1;
	for (int i = 0; i < 4; i++) {
		kit_wait_ms(&t->a, 40000);
		(void)emr_view_publish_now(t->a.view);
	}
	assert_false(kit_exists(&t->a, "Imaging"));
	meet(t);
	expect_equal(t);
}

/* ---- with the threads of a mount ---- */

typedef struct told {
	pthread_mutex_t lock;
	unsigned entries;
} told;

static void note_told(void *arg, uint64_t number, const char *name)
{
	told *t = arg;

	(void)number;
	pthread_mutex_lock(&t->lock);
	t->entries += name != NULL;
	pthread_mutex_unlock(&t->lock);
}

static unsigned entries_told(told *t)
{
	unsigned entries;

	pthread_mutex_lock(&t->lock);
	entries = t->entries;
	pthread_mutex_unlock(&t->lock);
	return entries;
}

/* Looks every few milliseconds, for at most a minute. */
static void await_file(kit *k, const char *path)
{
	for (int i = 0; i < 6000 && !kit_exists(k, path); i++)
		usleep(10000);
	assert_true(kit_exists(k, path));
}

static void what_becomes_readable_while_a_run_looks_is_looked_at_at_once(void **state)
{
	two *t = *state;
	emr_path_domain d;

	assert_ok(emr_view_domain_of(t->b.view, "Imaging", &d));
	domain_to_take_in = d.own;
	kit_text(&t->a, "Imaging/3", "three");
	kit_wait_ms(&t->a, 2000);
	assert_ok(emr_view_publish_now(t->a.view));
	atomic_store(&to_take_in, t->b.view);
	assert_ok(emr_view_publish_now(t->b.view));
	assert_null(atomic_load(&to_take_in));
	kit_expect_text(&t->b, "Imaging/3", "three");
	assert_int_equal(follow_due(t->b.view), 0);
	assert_ok(emr_view_publish_now(t->b.view));
	assert_int_equal(follow_due(t->b.view), INT64_MAX);
}

static void with_threads_nobody_has_to_ask(void **state)
{
	two *t = *state;
	emr_stack_options options = {.threads = true, .quiet_ns = 20000000};
	static told seen = {
		.lock = PTHREAD_MUTEX_INITIALIZER}; /* the threads end after this test */
	char path[64];

	emr_stack_close(&t->a.stack);
	emr_stack_close(&t->b.stack);
	assert_ok(emr_stack_open(t->a.path, &options, &t->a.stack));
	options.changed = note_told;
	options.changed_arg = &seen;
	assert_ok(emr_stack_open(t->b.path, &options, &t->b.stack));
	t->a.view = t->a.stack.view;
	t->b.view = t->b.stack.view;
	for (int i = 0; i < 20; i++) {
		snprintf(path, sizeof path, "Letters/%d", i);
		kit_text(i % 2 == 0 ? &t->a : &t->b, path, path);
		await_file(i % 2 == 0 ? &t->b : &t->a, path);
		kit_expect_text(i % 2 == 0 ? &t->b : &t->a, path, path);
	}
	for (int i = 0; i < 6000 && entries_told(&seen) < 10; i++) /* told after it can be seen */
		usleep(10000);
	assert_true(entries_told(&seen) >= 10);
}

/* ---- at random ---- */

static emr_domain_state domain_state(kit *k, const char *path)
{
	emr_path_domain d;
	emr_domain_state state;

	assert_ok(emr_view_domain_of(k->view, path, &d));
	assert_true(d.is_root);
	assert_ok(emr_view_domain_state(k->view, d.domain, &state));
	return state;
}

/* One makes a directory a domain while the other changes what lies in it: no copies, no second
 * directory. */
static void a_domain_made_here_is_the_same_directory_there(void **state)
{
	two *t = *state;
	emr_attr before;
	emr_handle *h;
	emr_id16 domain;

	kit_mkdir(&t->a, "Imaging/sub");
	kit_text(&t->a, "Imaging/sub/1", "one");
	kit_text(&t->a, "Imaging/sub/2", "two");
	kit_text(&t->a, "Imaging/sub/3", "three");
	meet(t);
	before = kit_attr(&t->b, "Imaging/sub/2");
	h = kit_open_file(&t->b, "Imaging/sub/2", O_RDONLY);
	kit_text(&t->b, "Imaging/sub/1", "one, by b");
	kit_text(&t->b, "Imaging/sub/new", "new, by b");
	kit_rename(&t->b, "Imaging/sub/3", "Imaging/sub/three");
	assert_ok(emr_view_make_domain(t->a.view, "Imaging/sub", &domain));
	kit_text(&t->a, "Imaging/sub/mine", "new, by a");
	meet(t);
	assert_int_equal(kit_attr(&t->b, "Imaging/sub/2").node, before.node);
	kit_expect_handle(h, "two", 3);
	emr_view_release(h);
	assert_int_equal(conflicts_in(&t->a, "Imaging/sub").n, 0);
	assert_int_equal(entries_in(&t->a, "Imaging/sub"), 5);
	kit_expect_text(&t->a, "Imaging/sub/1", "one, by b");
	kit_expect_text(&t->a, "Imaging/sub/three", "three");
	kit_expect_text(&t->a, "Imaging/sub/new", "new, by b");
	assert_true(domain_state(&t->a, "Imaging/sub").is_whole);
	assert_true(domain_state(&t->b, "Imaging/sub").is_whole);
	expect_equal(t);
}

static void a_domain_made_on_both_sides_is_one(void **state)
{
	two *t = *state;
	emr_id16 a, b;

	kit_mkdir(&t->a, "Imaging/sub");
	kit_text(&t->a, "Imaging/sub/x", "x");
	meet(t);
	assert_ok(emr_view_make_domain(t->a.view, "Imaging/sub", &a));
	assert_ok(emr_view_make_domain(t->b.view, "Imaging/sub", &b));
	assert_memory_equal(a.b, b.b, 16);
	assert_ok(emr_view_make_domain(t->b.view, "Imaging/1", &b));
	assert_ok(emr_view_make_domain(t->a.view, "Imaging/1", &a));
	assert_memory_equal(a.b, b.b, 16);
	meet(t);
	assert_int_equal(entries_in(&t->a, "Imaging"), 3);
	assert_true(domain_state(&t->a, "Imaging/1").is_whole);
	expect_equal(t);
}

static void what_one_moves_elsewhere_and_the_other_removes_stays_removed(void **state)
{
	two *t = *state;

	kit_rename(&t->a, "Imaging/1", "Letters/1");
	kit_unlink(&t->b, "Imaging/1");
	kit_rename(&t->a, "Imaging/2", "Letters/2");
	kit_text(&t->b, "Imaging/2", "two, by b");
	meet(t);
	assert_false(kit_exists(&t->a, "Letters/1"));
	kit_expect_text(&t->a, "Letters/2", "two, by b");
	assert_int_equal(entries_in(&t->a, "Imaging"), 0);
	expect_equal(t);
}

static const char *some_path(uint64_t *seed, char who, char out[64])
{
	static const char *const directories[] = {"Imaging", "Letters", "Imaging/sub"};

	snprintf(out, 64, "%s/%c%u", directories[kit_random(seed) % 3],
		kit_random(seed) % 3 == 0 ? 's' : who, (unsigned)(kit_random(seed) % 6));
	return out;
}

static void do_something(kit *k, uint64_t *seed, char who)
{
	char path[64], other[64], text[64];

	some_path(seed, who, path);
	switch (kit_random(seed) % 11) {
	case 10: /* what lies there becomes a domain of its own */
		if (kit_random(seed) % 4 == 0)
			snprintf(path, sizeof path, "Imaging/sub");
		if (kit_exists(k, path)) {
			emr_id16 domain;

			assert_ok(emr_view_make_domain(k->view, path, &domain));
		}
		return;
	case 0:
	case 1:
	case 2:
	case 3:
		if (path[strlen(path) - 2] == 's' && !kit_exists(k, path))
			return; /* new names are each one's own */
		snprintf(text, sizeof text, "%c %llu", who, (unsigned long long)kit_random(seed));
		kit_text(k, path, text);
		return;
	case 4:
		if (kit_exists(k, path))
			kit_unlink(k, path);
		return;
	case 5:
	case 6:
		some_path(seed, who, other);
		if (kit_exists(k, path) && !kit_exists(k, other) && other[strlen(other) - 2] == who)
			kit_rename(k, path, other);
		return;
	case 7:
		kit_restart(k);
		return;
	default:
		kit_wait_ms(k, 2000);
		kit_publish_all(k);
	}
}

static void whatever_two_computers_do_they_end_with_the_same_folder(void **state)
{
	two *t = *state;
	char path[64];

	kit_mkdir(&t->a, "Imaging/sub");
	for (int i = 0; i < 6; i++) {
		snprintf(path, sizeof path, "%s/s%d", i % 2 == 0 ? "Imaging" : "Imaging/sub", i);
		kit_text(&t->a, path, path);
	}
	meet(t);
	for (uint64_t round = 0; round < 12; round++) {
		uint64_t seed = 1000 + round;

		for (int step = 0; step < 40; step++) {
			bool is_a = kit_random(&seed) % 2 == 0;

			do_something(is_a ? &t->a : &t->b, &seed, is_a ? 'a' : 'b');
		}
		meet(t);
		expect_equal(t);
	}
}

/* Before it, for the folder and for what is sent, and once for the entry that it became. */
static void a_save_asks_the_ledger_three_times_and_nothing_else_asks(void **state)
{
	two *t = *state;

	kit_text(&t->a, "Imaging/3", "three");
	kit_wait_ms(&t->a, 2000);
	looks = 0;
	assert_ok(emr_view_publish_now(t->a.view));
	assert_int_equal(looks, 3);
	assert_string_equal(kit_attribute(&t->a, "Imaging/3", "user.emrfs.state"), "confirmed 1/1");
	looks = 0;
	kit_wait_ms(&t->a, 100);
	assert_ok(emr_view_publish_now(t->a.view));
	assert_int_equal(looks, 1);
}

#define WITH_TWO(test) cmocka_unit_test_setup_teardown(test, open_two, close_two)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		WITH_TWO(what_one_saves_the_other_shows),
		WITH_TWO(a_new_version_replaces_the_file_and_open_readers_keep_theirs),
		WITH_TWO(names_and_attributes_follow),
		WITH_TWO(a_file_that_is_replaced_by_another_there_is_never_lacking_here),
		WITH_TWO(files_that_change_names_with_each_other_there_do_so_here),
		WITH_TWO(a_file_whose_description_comes_after_its_entry_is_shown_then),
		WITH_TWO(a_description_that_never_comes_is_told_once_and_not_looked_for_any_more),
		WITH_TWO(
			a_file_whose_key_comes_after_its_entry_keeps_no_other_back_and_is_shown_then),
		WITH_TWO(a_folder_whose_key_never_comes_is_told_and_keeps_no_other_closed),
		WITH_TWO(however_much_is_looked_at_again_the_ledger_is_read_on_from_where_it_was),
		WITH_TWO(what_one_removes_is_gone_for_the_other),
		WITH_TWO(what_both_change_both_keep),
		WITH_TWO(what_was_changed_while_away_meets_what_others_changed),
		WITH_TWO(new_bytes_beat_a_removal_on_either_side),
		WITH_TWO(a_new_name_here_and_new_bytes_there_come_together),
		WITH_TWO(two_new_files_of_one_name_both_live),
		WITH_TWO(a_file_that_is_open_for_writing_waits_until_it_is_closed),
		WITH_TWO(a_directory_that_was_removed_elsewhere_lives_with_what_was_put_into_it),
		WITH_TWO(who_saves_over_what_he_has_not_seen_makes_a_conflict),
		WITH_TWO(who_removes_what_he_has_not_seen_does_not_remove_it),
		WITH_TWO(what_was_renamed_away_and_removed_there_is_gone),
		WITH_TWO(what_was_written_away_and_erased_there_is_a_record_of_its_own),
		WITH_TWO(what_another_computer_erases_is_erased_here),
		WITH_TWO(what_was_erased_while_a_computer_was_away_leaves_its_segments),
		WITH_TWO(a_look_that_the_journal_refuses_is_not_forgotten),
		WITH_TWO(an_erasure_that_the_journal_refuses_in_the_middle_goes_on),
		WITH_TWO(a_domain_made_here_is_the_same_directory_there),
		WITH_TWO(a_domain_made_on_both_sides_is_one),
		WITH_TWO(what_one_moves_elsewhere_and_the_other_removes_stays_removed),
		WITH_TWO(what_becomes_readable_while_a_run_looks_is_looked_at_at_once),
		WITH_TWO(with_threads_nobody_has_to_ask),
		WITH_TWO(a_save_asks_the_ledger_three_times_and_nothing_else_asks),
		WITH_TWO(whatever_two_computers_do_they_end_with_the_same_folder),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
