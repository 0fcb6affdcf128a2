/* These tests are about a disk that once refused to flush: which files are not safe on it is
 * named truly, until it has taken all of them. */
#include "view_kit.h"

AUTO_OF(emr_view_release, emr_handle *)

#define LEN 250000
#define NAMED_MAX 8

static enum { TAKES, REFUSES_SPILLS, IS_FULL } disk;

/* A working copy in its file. */
static bool is_spill(int fd)
{
	char path[500] = "";

	return readlink(printed("/proc/self/fd/%d", fd), path, sizeof path - 1) > 0 &&
	       strstr(path, "/spill/") != NULL;
}

/* Somebody writes a byte of H and asks for it alone, and the disk refuses. */
static void refuse(emr_handle *h)
{
	assert_ok(emr_view_write(h, 9, emr_bytes_of("!", 1)));
	disk = REFUSES_SPILLS;
	assert_status(EMR_IO, emr_view_fsync(h));
	disk = TAKES;
}

static emr_handle *meanwhile; /* refused while the disk is asked for another file */

WRAPPED(int, fdatasync, int fd)
{
	emr_handle *h = meanwhile;

	if (h != NULL && is_spill(fd)) {
		meanwhile = NULL;
		refuse(h);
	}
	if (disk != REFUSES_SPILLS || !is_spill(fd))
		return __real_fdatasync(fd);
	errno = EIO;
	return -1;
}

static void (*at_the_next_spill)(void); /* a program does this while another file is handed out */

WRAPPED(ssize_t, pwrite64, int fd, const void *data, size_t len, off_t at)
{
	void (*now)(void) = at_the_next_spill;

	if (now != NULL && is_spill(fd)) {
		at_the_next_spill = NULL;
		now();
	}
	if (disk != IS_FULL || !is_spill(fd))
		return __real_pwrite64(fd, data, len, at);
	errno = ENOSPC;
	return -1;
}

/* ---- what is named ---- */

static bool is_named(kit *k, const char *path)
{
	uint64_t nodes[NAMED_MAX], node = kit_attr(k, path).node;
	size_t n = emr_view_not_safe(k->view, nodes, NAMED_MAX);

	for (size_t i = 0; i < n; i++)
		if (nodes[i] == node)
			return true;
	return false;
}

static size_t count_named(kit *k)
{
	uint64_t nodes[NAMED_MAX];
	emr_view_counts counts;
	size_t n = emr_view_not_safe(k->view, nodes, NAMED_MAX);

	emr_view_count(k->view, &counts);
	assert_int_equal(counts.not_safe, n);
	return n;
}

/* One byte inside, so that there is a working copy; closed by the caller. */
static emr_handle *change(kit *k, const char *path, uint64_t at)
{
	emr_handle *h = kit_open_file(k, path, O_RDWR);

	assert_ok(emr_view_write(h, at, emr_bytes_of("!", 1)));
	assert_ok(emr_view_flush(h));
	return h;
}

/* The working copies of a.raw and b.raw, and the rows that name them, are on the disk. */
static void begin(kit *k)
{
	EMR_AUTO_FREE uint8_t *bytes = kit_bytes(LEN, 3);

	kit_open(k);
	kit_mkdir(k, "d");
	kit_write(k, "d/a.raw", bytes, LEN);
	kit_write(k, "d/b.raw", bytes, LEN);
	kit_write(k, "d/untouched.raw", bytes, LEN);
	kit_publish_all(k);
	emr_view_release(change(k, "d/a.raw", 5));
	emr_view_release(change(k, "d/b.raw", 5));
	assert_ok(emr_view_sync(k->view));
	assert_int_equal(count_named(k), 0);
}

/* The handle stays open for writing. */
static emr_handle *refuse_b(kit *k)
{
	emr_handle *b = kit_open_file(k, "d/b.raw", O_RDWR);

	refuse(b);
	assert_status(EMR_IO, emr_view_disk(k->view));
	return b;
}

TEST(bytes_behind_a_row_that_is_safe_are_not)
{
	SCENE(kit, k, begin, kit_close);
	AUTO(auto_emr_view_release) emr_handle *b;

	emr_view_release(change(&k, "d/a.raw", 7));
	assert_int_equal(count_named(&k), 0); /* a disk that refuses nothing takes it in time */
	b = refuse_b(&k);
	assert_true(is_named(&k, "d/a.raw"));
	assert_false(is_named(&k, "d/untouched.raw"));
}

TEST(what_it_refused_is_named_while_somebody_writes_on)
{
	SCENE(kit, k, begin, kit_close);
	AUTO(auto_emr_view_release) emr_handle *b;

	b = refuse_b(&k);
	assert_true(is_named(&k, "d/b.raw"));
	assert_int_equal(count_named(&k), 1);
}

/* A program that syncs everything asked for B before it was refused, and is told that all is
 * well. */
TEST(what_it_refused_while_it_took_everything_else_is_named)
{
	SCENE(kit, k, begin, kit_close);
	AUTO(auto_emr_view_release) emr_handle *b;

	emr_view_release(change(&k, "d/a.raw", 7));
	b = kit_open_file(&k, "d/b.raw", O_RDWR);
	meanwhile = b;
	assert_ok(emr_view_sync(k.view));
	assert_null(meanwhile);
	assert_true(is_named(&k, "d/b.raw"));
	assert_int_equal(count_named(&k), 1);
	assert_status(EMR_IO, emr_view_disk(k.view)); /* why: not for want of room, nor of time */
	assert_ok(emr_view_sync(k.view));
	assert_int_equal(count_named(&k), 0);
	assert_ok(emr_view_disk(k.view));
}

TEST(once_it_has_taken_all_of_it_nothing_is_named)
{
	SCENE(kit, k, begin, kit_close);
	AUTO(auto_emr_view_release) emr_handle *b;

	emr_view_release(change(&k, "d/a.raw", 7));
	b = refuse_b(&k);
	assert_ok(emr_view_sync(k.view)); /* B as it is now, though it is open */
	assert_ok(emr_view_disk(k.view));
	assert_int_equal(count_named(&k), 0);
}

/* Bytes that had no room are in the process only, and a sync of everything else does not change
 * that. */
TEST(it_stays_full_as_long_as_something_has_no_room)
{
	emr_handle *a;

	SCENE(kit, k, begin, kit_close);
	a = kit_open_file(&k, "d/a.raw", O_RDWR);
	assert_ok(emr_view_write(a, 7, emr_bytes_of("!", 1)));
	disk = IS_FULL;
	assert_status(EMR_NO_SPACE, emr_view_flush(a));
	emr_view_release(a);
	assert_ok(emr_view_sync(k.view));
	assert_status(EMR_NO_SPACE, emr_view_disk(k.view));
	assert_true(is_named(&k, "d/a.raw"));
	assert_int_equal(count_named(&k), 1);
	disk = TAKES;
	assert_ok(emr_view_secure(k.view, false));
	assert_ok(emr_view_disk(k.view));
	assert_int_equal(count_named(&k), 0);
}

/* One byte that finds no room, and its program goes. */
static void find_no_room(kit *k, const char *path)
{
	emr_handle *h = kit_open_file(k, path, O_RDWR);

	assert_ok(emr_view_write(h, 7, emr_bytes_of("!", 1)));
	disk = IS_FULL;
	assert_status(EMR_NO_SPACE, emr_view_flush(h));
	emr_view_release(h);
	disk = TAKES;
}

static kit *writing_in;
static emr_handle *writing;

static void write_half(void)
{
	writing = kit_open_file(writing_in, "d/b.raw", O_RDWR);
	assert_ok(emr_view_write(writing, 20, emr_bytes_of("HALF", 4)));
}

/* The folder is to close, and B was chosen when nobody wrote to it. */
TEST(what_a_program_has_just_begun_to_write_is_not_handed_out)
{
	EMR_AUTO_FREE uint8_t *bytes = kit_bytes(LEN, 3);
	char copy[256];
	kit k, killed;

	begin(&k);
	find_no_room(&k, "d/a.raw");
	find_no_room(&k, "d/b.raw");
	writing_in = &k;
	writing = NULL;
	at_the_next_spill = write_half;
	assert_ok(emr_view_secure(k.view, false));
	assert_non_null(writing);
	kit_copy_to_new(k.path, copy); /* as kill -9 leaves it */
	kit_adopt(&killed, copy, k.clock.unix_ns, k.clock.boot_ns);
	kit_start(&killed);
	bytes[5] = '!';
	kit_expect(&killed, "d/b.raw", bytes, LEN);
	bytes[7] = '!';
	kit_expect(&killed, "d/a.raw", bytes, LEN);
	kit_close(&killed);
	emr_view_release(writing);
	kit_close(&k);
}

TESTS(NULL, NULL)
