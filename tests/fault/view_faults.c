/* These tests take a folder from its making to its end, in which the n-th allocation, write,
 * flush, rename or SQL step fails, for every n (with strides where there are thousands): the
 * operation says so, works when it is tried again, at the latest after another start, and
 * nothing that was acknowledged is lost. */
#include "view_kit.h"

#include <sqlite3.h>
#include <sys/uio.h>

typedef enum fault { NO_FAULT, MEMORY, WRITES, FULL, FLUSHES, RENAMES, SQL } fault;

static fault armed;
static long seen;    /* calls of the armed kind in this run of the program */
static long fail_at; /* this one, from 1; 0: none */
static bool fired;

static bool fails(fault kind)
{
	if (armed == NO_FAULT || (armed != kind && !(armed == FULL && kind == WRITES)))
		return false;
	if (__atomic_add_fetch(&seen, 1, __ATOMIC_RELAXED) != fail_at)
		return false;
	fired = true;
	return true;
}

WRAPPED(void *, malloc, size_t size)
{
	return fails(MEMORY) ? NULL : __real_malloc(size);
}

WRAPPED(void *, calloc, size_t n, size_t size)
{
	return fails(MEMORY) ? NULL : __real_calloc(n, size);
}

WRAPPED(void *, realloc, void *old, size_t size)
{
	return fails(MEMORY) ? NULL : __real_realloc(old, size);
}

WRAPPED(char *, strdup, const char *text)
{
	return fails(MEMORY) ? NULL : __real_strdup(text);
}

WRAPPED(char *, strndup, const char *text, size_t n)
{
	return fails(MEMORY) ? NULL : __real_strndup(text, n);
}

static int write_error(void)
{
	errno = armed == FULL ? ENOSPC : EIO;
	return -1;
}

/* _FILE_OFFSET_BITS=64 gives this and the next their names. */
WRAPPED(ssize_t, pwrite64, int fd, const void *data, size_t len, off_t at)
{
	return fails(WRITES) ? write_error() : __real_pwrite64(fd, data, len, at);
}

WRAPPED(ssize_t, pwritev64, int fd, const struct iovec *parts, int n, off_t at)
{
	/* A disk that fills up takes some of it. */
	if (!fails(WRITES))
		return __real_pwritev64(fd, parts, n, at);
	if (armed == FULL && n > 1 && __real_pwritev64(fd, parts, 1, at) < 0)
		return -1;
	return write_error();
}

WRAPPED(int, fdatasync, int fd)
{
	return fails(FLUSHES) ? write_error() : __real_fdatasync(fd);
}

WRAPPED(int, fsync, int fd)
{
	return fails(FLUSHES) ? write_error() : __real_fsync(fd);
}

WRAPPED(int, rename, const char *from, const char *to)
{
	return fails(RENAMES) ? write_error() : __real_rename(from, to);
}

WRAPPED(int, renameat, int from_dir, const char *from, int to_dir, const char *to)
{
	return fails(RENAMES) ? write_error() : __real_renameat(from_dir, from, to_dir, to);
}

WRAPPED(int, sqlite3_step, sqlite3_stmt *statement)
{
	return fails(SQL) ? seen % 2 == 0 ? SQLITE_IOERR : SQLITE_FULL
			  : __real_sqlite3_step(statement);
}

/* ---- one life ---- */

typedef struct life {
	kit k;
	uint8_t *big, *small;
	bool is_open;
} life;

#define BIG 600000
#define SMALL 40000

static emr_status open_life(life *l)
{
	emr_status status = emr_stack_open(l->k.path, &l->k.options, &l->k.stack);

	l->is_open = status == EMR_OK;
	l->k.view = l->k.stack.view;
	return status;
}

typedef emr_status (*act)(life *l);

/* The act works, or says that it failed and works the next time, at the latest in another life of
 * the program. */
static void must(life *l, act fn, const char *what)
{
	emr_status status = l->is_open ? fn(l) : EMR_IO;

	if (status == EMR_OK)
		return;
	if (!fired)
		fail_msg("%s: %s without a fault", what, emr_status_text(status));
	if (l->is_open && fn(l) == EMR_OK)
		return;
	if (l->is_open)
		emr_stack_close(&l->k.stack);
	assert_ok(open_life(l));
	status = fn(l);
	if (status != EMR_OK)
		fail_msg("%s after a %d at %ld and another start: %s", what, (int)armed, fail_at,
			emr_status_text(status));
}

#define MUST(l, fn) must((l), (fn), #fn)

static emr_status find(life *l, const char *path, uint64_t *out_node)
{
	emr_attr attr;
	emr_status status = emr_view_find(l->k.view, path, &attr);

	if (status == EMR_OK)
		*out_node = attr.node;
	return status;
}

static emr_status put(life *l, const char *directory, const char *name, const uint8_t *bytes,
	size_t len, bool synced)
{
	uint64_t parent, node;
	emr_handle *h;
	emr_attr attr;
	char path[100];
	emr_status status = find(l, directory, &parent);

	snprintf(path, sizeof path, "%s/%s", directory, name);
	if (status != EMR_OK)
		return status;
	status = find(l, path, &node);
	if (status == EMR_OK)
		status = emr_view_open_file(l->k.view, node, O_RDWR | O_TRUNC, &h);
	else
		status = emr_view_create(l->k.view, parent, name, 0644, O_RDWR, &attr, &h);
	if (status != EMR_OK)
		return status;
	for (size_t at = 0; at < len && status == EMR_OK; at += 131072)
		status = emr_view_write(
			h, at, emr_bytes_of(bytes + at, len - at < 131072 ? len - at : 131072));
	if (status == EMR_OK)
		status = synced ? emr_view_fsync(h) : emr_view_flush(h);
	emr_view_release(h);
	return status;
}

static emr_status make(life *l, const char *directory, const char *name)
{
	uint64_t parent;
	emr_attr attr;
	emr_status status = find(l, directory, &parent);

	return status == EMR_OK ? emr_view_mkdir(l->k.view, parent, name, 0755, &attr) : status;
}

static emr_status move(life *l, const char *directory, const char *name, const char *to,
	const char *new_name, unsigned flags)
{
	uint64_t from_dir, to_dir;
	emr_status status = find(l, directory, &from_dir);

	if (status == EMR_OK)
		status = find(l, to, &to_dir);
	return status == EMR_OK
		       ? emr_view_rename(l->k.view, from_dir, name, to_dir, new_name, flags)
		       : status;
}

static emr_status make_a(life *l)
{
	return make(l, "", "A");
}
static emr_status make_b(life *l)
{
	return make(l, "", "B");
}
static emr_status make_inner(life *l)
{
	return make(l, "A", "in");
}
static emr_status put_x(life *l)
{
	return put(l, "A", "x", l->small, SMALL, false);
}
static emr_status put_big(life *l)
{
	return put(l, "A", "big", l->big, BIG, true);
}
static emr_status put_inner(life *l)
{
	return put(l, "A/in", "f", l->small, 100, false);
}
static emr_status put_new(life *l)
{
	return put(l, "A", "new", l->big, SMALL, false);
}
static emr_status move_new_over_x(life *l)
{
	return move(l, "A", "new", "A", "x", 0);
}
static emr_status move_inner_to_b(life *l)
{
	return move(l, "A", "in", "B", "in", 0);
}
static emr_status exchange_x_and_big(life *l)
{
	return move(l, "A", "x", "A", "big", EMR_RENAME_EXCHANGE);
}

static emr_status write_inside_x(life *l)
{
	uint64_t node;
	emr_handle *h;
	emr_status status = find(l, "A/x", &node);

	if (status == EMR_OK)
		status = emr_view_open_file(l->k.view, node, O_RDWR, &h);
	if (status != EMR_OK)
		return status;
	status = emr_view_write(h, 1000, emr_bytes_of(l->small, 5000));
	if (status == EMR_OK)
		status = emr_view_fsync(h);
	if (status == EMR_OK)
		status = emr_view_write(h, 30000, emr_bytes_of(l->small, 200));
	if (status == EMR_OK)
		status = emr_view_flush(h);
	emr_view_release(h);
	return status;
}

static emr_status set_x(life *l)
{
	emr_attr want = {.mode = 0600, .mtime_ns = 99}, got;
	uint64_t node;
	emr_status status = find(l, "A/x", &node);

	if (status == EMR_OK)
		status = emr_view_set_attr(
			l->k.view, node, EMR_SET_MODE | EMR_SET_MTIME, &want, &got);
	return status == EMR_OK
		       ? emr_view_set_attribute(l->k.view, node, "user.k", emr_bytes_of("v", 1), 0)
		       : status;
}

static emr_status link_s(life *l)
{
	uint64_t parent;
	emr_attr attr;
	emr_status status = find(l, "A", &parent);

	return status == EMR_OK ? emr_view_symlink(l->k.view, parent, "s", "../target", &attr)
				: status;
}

static emr_status remove_x(life *l)
{
	uint64_t parent;
	emr_status status = find(l, "A", &parent);

	return status == EMR_OK ? emr_view_unlink(l->k.view, parent, "x") : status;
}

static emr_status publish(life *l)
{
	emr_view_counts counts;
	emr_status status = emr_view_publish_now(l->k.view);

	kit_wait_ms(&l->k, 10000);
	emr_view_count(l->k.view, &counts);
	return status == EMR_OK && counts.failed > 0 ? EMR_IO : status;
}

static emr_status sync_all(life *l)
{
	return emr_view_sync(l->k.view);
}

static emr_status reopen(life *l)
{
	if (l->is_open)
		emr_stack_close(&l->k.stack);
	l->is_open = false;
	return open_life(l);
}

static void read_and_compare(life *l, const char *path, const uint8_t *want, size_t len)
{
	EMR_AUTO_FREE uint8_t *got = __real_malloc(len + 10);
	emr_handle *h;
	uint64_t node;
	size_t n = 0;
	emr_status status = find(l, path, &node);

	if (status == EMR_OK)
		status = emr_view_open_file(l->k.view, node, O_RDONLY, &h);
	if (status == EMR_OK) {
		status = emr_view_read(h, 0, got, len + 10, &n);
		emr_view_release(h);
	}
	if (status != EMR_OK) {
		if (!fired)
			fail_msg("%s: %s", path, emr_status_text(status));
	} else {
		assert_int_equal(n, len);
		assert_memory_equal(got, want, len);
	}
}

static void live(life *l)
{
	MUST(l, reopen);
	MUST(l, make_a);
	MUST(l, make_b);
	MUST(l, make_inner);
	MUST(l, put_x);
	MUST(l, put_big);
	MUST(l, put_inner);
	MUST(l, link_s);
	MUST(l, publish);
	read_and_compare(l, "A/x", l->small, SMALL);
	MUST(l, put_new);
	MUST(l, move_new_over_x);
	MUST(l, set_x);
	MUST(l, publish);
	MUST(l, write_inside_x);
	memcpy(l->big + BIG, l->big, SMALL); /* what x is now */
	memcpy(l->big + BIG + 1000, l->small, 5000);
	memcpy(l->big + BIG + 30000, l->small, 200);
	read_and_compare(l, "A/x", l->big + BIG, SMALL);
	MUST(l, move_inner_to_b);
	MUST(l, sync_all);
	MUST(l, reopen);
	MUST(l, publish);
	MUST(l, exchange_x_and_big);
	MUST(l, publish);
	MUST(l, remove_x);
	MUST(l, publish);
	MUST(l, reopen);
}

static void look(life *l)
{
	emr_replica_trouble trouble;
	uint64_t checked;

	assert_ok(reopen(l));
	for (int i = 0; i < 3; i++) {
		kit_wait_ms(&l->k, 10000);
		assert_ok(emr_view_publish_now(l->k.view));
	}
	kit_expect(&l->k, "A/big", l->big + BIG, SMALL);
	kit_expect(&l->k, "B/in/f", l->small, 100);
	assert_false(kit_exists(&l->k, "A/x"));
	assert_false(kit_exists(&l->k, "A/in"));
	assert_false(kit_exists(&l->k, "A/new"));
	assert_int_equal(kit_attr(&l->k, "A/big").mode, 0600);
	assert_string_equal(kit_attribute(&l->k, "A/big", "user.k"), "v");
	assert_string_equal(kit_attribute(&l->k, "A/big", "user.emrfs.state"), "confirmed 1/1");
	assert_string_equal(kit_attribute(&l->k, "B/in/f", "user.emrfs.state"), "confirmed 1/1");
	assert_false(emr_journal_state_get(l->k.stack.journal).read_only);
	assert_ok(emr_replica_verify_chain(l->k.stack.replica, &trouble, &checked));
	assert_ok(emr_store_mend(l->k.stack.store, NULL));
	kit_restart_and_compare(&l->k);
}

/* False: the life ended before the N-th call. */
static bool one_life(fault kind, long n)
{
	life l = {0};
	bool was_fired;

	armed = NO_FAULT;
	kit_open(&l.k);
	l.is_open = true;
	l.big = kit_bytes(BIG + SMALL, 7);
	l.small = kit_bytes(SMALL, 8);
	fired = false;
	seen = 0;
	fail_at = n;
	armed = kind;
	live(&l);
	armed = NO_FAULT;
	look(&l);
	was_fired = fired;
	kit_close(&l.k);
	free(l.big);
	free(l.small);
	return was_fired;
}

/* About LIVES lives, evenly over all calls; a third of them where AddressSanitizer looks, and those
 * between the others. */
static void every_nth(fault kind, long lives)
{
	const char *only = getenv("EMR_FAULT_ONLY");
	long total, stride, first = 1;

	assert_false(one_life(kind, 0));
	total = seen;
#ifdef __SANITIZE_ADDRESS__
	lives = lives / 3 + 1;
#endif
	if (getenv("EMR_FAULT_LIVES") != NULL) /* for a long run */
		lives = strtol(getenv("EMR_FAULT_LIVES"), NULL, 10);
	stride = total <= lives ? 1 : total / lives;
#ifdef __SANITIZE_ADDRESS__
	first = 1 + stride / 2;
#endif
	for (long n = only != NULL ? strtol(only, NULL, 10) : first; n <= total; n += stride) {
		if (getenv("EMR_FAULT_SAY") != NULL)
			fprintf(stderr, "fault %d at %ld of %ld\n", (int)kind, n, total);
		(void)one_life(kind, n);
		if (only != NULL)
			break;
	}
	assert_true(total > 0);
}

TEST(no_failed_allocation_loses_anything)
{
	every_nth(MEMORY, 90);
}

TEST(no_failed_write_loses_anything)
{
	every_nth(WRITES, 40);
}

TEST(no_full_disk_loses_anything)
{
	every_nth(FULL, 40);
}

TEST(no_failed_flush_loses_anything)
{
	every_nth(FLUSHES, 30);
}

TEST(no_failed_rename_loses_anything)
{
	every_nth(RENAMES, 20);
}

TEST(no_failed_sql_step_loses_anything)
{
	every_nth(SQL, 60);
}

TESTS(NULL, NULL)
