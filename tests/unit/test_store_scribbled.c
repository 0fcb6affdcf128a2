/* A member may write in the shared directory and abuses it: files that cannot be read, names of
 * others by the thousand, files held locked. These tests show that such files stop nobody from
 * opening, saving and reading. */
#include "store_kit.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define NOBODY 65534
#define PLANTED 10000

/* Root reads every file: these tests are about people. */
static void be_ordinary(kit *k)
{
	char command[600];

	if (geteuid() != 0)
		return;
	kit_close(k);
	(void)snprintf(command, sizeof command, "chown -R %d:%d '%s'", NOBODY, NOBODY, k->path);
	assert_int_equal(system(command), 0);
	assert_int_equal(seteuid(NOBODY), 0);
	kit_open(k);
}

static int setup(void **state)
{
	kit *k;

	if (kit_setup(state) != 0)
		return -1;
	k = *state;
	be_ordinary(k);
	k->options.segment_bytes = 4096;
	kit_close(k);
	kit_open(k);
	return 0;
}

static int teardown(void **state)
{
	if (getuid() == 0)
		assert_int_equal(seteuid(0), 0);
	return kit_teardown(state);
}

static void name_of(kit *k, const char *writer, unsigned number, char out[512])
{
	char hex[33];

	emr_hex(k->options.writer.b, 16, hex);
	snprintf(out, 512, "%s/seg-%s-%06u.car", k->path, writer != NULL ? writer : hex, number);
}

static void plant(kit *k, const char *writer, unsigned number, const char *text, mode_t mode)
{
	char path[512];
	int fd;

	name_of(k, writer, number, path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

/* Seconds of a processor: what others do on the computer meanwhile does not count. */
static double spent_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void save_and_read(kit *k, uint32_t from, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		kit_put(k, from + i, 3000);
	kit_close(k);
	kit_open(k);
	for (uint32_t i = 0; i < n; i++)
		kit_has(k, from + i, 3000);
}

TEST_IN(setup, teardown, what_cannot_be_read_is_left_out)
{
	kit *k = *state;

	save_and_read(k, 1, 2);
	kit_close(k);
	plant(k, "00112233445566778899aabbccddeeff", 1, "", 0);
	kit_open(k);
	save_and_read(k, 10, 2);
	kit_has(k, 1, 3000);
}

TEST_IN(setup, teardown, what_is_no_file_under_the_name_of_one_is_put_aside)
{
	static const char *const names[] = {
		"format", "writer-aa0102030405060708090a0b0c0d0e0f.lock"};
	kit *k = *state;

	save_and_read(k, 1, 2);
	for (unsigned i = 0; i < 6; i++) {
		char path[512];

		kit_close(k);
		snprintf(path, sizeof path, "%s/%s", k->path, names[i % 2]);
		assert_int_equal(unlink(path), 0);
		if (i < 2)
			assert_int_equal(mkdir(path, 0700), 0);
		else
			assert_int_equal(
				i < 4 ? mkfifo(path, 0600) : symlink("/dev/zero", path), 0);
		kit_open(k);
		save_and_read(k, 10 * (i + 1), 2);
		kit_has(k, 1, 3000);
	}
}

TEST_IN(setup, teardown, a_number_of_ones_own_that_cannot_be_read_is_passed_over)
{
	kit *k = *state;

	save_and_read(k, 1, 2);
	for (unsigned n = 3; n < 8; n++) {
		char path[512];

		name_of(k, NULL, n, path);
		if (access(path, F_OK) != 0)
			plant(k, NULL, n, "", 0);
	}
	save_and_read(k, 10, 6); /* rolls over them, and starts with them as the last */
	save_and_read(k, 20, 6);
	kit_has(k, 1, 3000);
	kit_has(k, 10, 3000);
}

TEST_IN(setup, teardown, thousands_of_planted_names_cost_a_moment)
{
	kit *k = *state;
	double began;

	save_and_read(k, 1, 2);
	kit_close(k);
	for (unsigned n = 0; n < PLANTED / 2; n++) {
		plant(k, "00112233445566778899aabbccddeeff", n + 1,
			n % 3 == 0 ? "" : "this is no segment, whatever it is called", 0600);
		plant(k, NULL, 1000 + n, n % 3 == 0 ? "" : "nor is this", 0600);
	}
	began = spent_s();
	kit_open(k);
	save_and_read(k, 10, 6);
	kit_has(k, 1, 3000);
	print_message("two openings and six saves beside %d planted names: %.2f s\n", PLANTED,
		spent_s() - began);
	assert_true(spent_s() - began < 20);
	for (unsigned n = 0; n < PLANTED / 2; n++) {
		char path[512];

		name_of(k, "00112233445566778899aabbccddeeff", n + 1, path);
		(void)unlink(path);
	}
}

static void plant_sparse(kit *k, const char *writer, unsigned number, bool has_prefix, bool has_end)
{
	const off_t size = (off_t)1 << 40;
	char path[512], own[512];
	uint8_t prefix[96];
	int fd;

	plant(k, writer, number, "", 0600);
	name_of(k, writer, number, path);
	name_of(k, NULL, 1, own);
	fd = open(own, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0 && pread(fd, prefix, sizeof prefix, 0) == (ssize_t)sizeof prefix);
	close(fd);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0 && ftruncate(fd, size) == 0);
	if (has_prefix)
		assert_int_equal(pwrite(fd, prefix, sizeof prefix, 0), sizeof prefix);
	if (has_end)
		assert_int_equal(pwrite(fd, "x", 1, size - 1), 1);
	close(fd);
}

/* A file that claims a terabyte and has nothing: nobody reads it, and nobody copies it away as
 * damage. */
TEST_IN(setup, teardown, a_terabyte_of_nothing_costs_nothing)
{
	kit *k = *state;
	double began;

	save_and_read(k, 1, 2);
	kit_close(k);
	for (unsigned n = 0; n < 4; n++)
		plant_sparse(k, "00112233445566778899aabbccddeeff", n + 1, n & 1, n & 2);
	plant_sparse(k, NULL, 40, true, false);
	plant_sparse(k, NULL, 41, true, true);
	began = spent_s();
	alarm(100);
	kit_open(k);
	save_and_read(k, 10, 4);
	kit_has(k, 1, 3000);
	alarm(0);
	assert_true(spent_s() - began < 20);
}

typedef void (*place_fn)(const char *path);

static void place_nothing(const char *path)
{
	assert_int_equal(chmod(path, 0), 0);
}

static void place_pipe(const char *path)
{
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
}

static void place_directory(const char *path)
{
	char inside[600];

	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	(void)snprintf(inside, sizeof inside, "%s/inside", path);
	assert_int_equal(mkdir(inside, 0700), 0);
}

static void place_link(const char *path)
{
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("/dev/zero", path), 0);
}

static void place_text(const char *path)
{
	int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);

	assert_true(fd >= 0 && write(fd, "this is no index", 16) == 16);
	close(fd);
}

TEST_IN(setup, teardown, what_stands_in_the_place_of_the_index_is_put_aside)
{
	static const place_fn places[] = {
		place_nothing, place_pipe, place_directory, place_link, place_text};
	kit *k = *state;
	uint32_t saved = 1;

	save_and_read(k, saved, 2);
	for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
		char path[512];

		kit_close(k);
		(void)snprintf(path, sizeof path, "%s/index.sqlite", k->path);
		places[i](path);
		alarm(100);
		kit_open(k);
		alarm(0);
		kit_has(k, 1, 3000);
		save_and_read(k, saved += 10, 2);
	}
}

TEST_IN(setup, teardown, nobody_who_holds_the_lock_of_the_index_stops_others)
{
	kit *k = *state;
	char path[512];
	int fd;

	save_and_read(k, 1, 2);
	kit_close(k);
	snprintf(path, sizeof path, "%s/index.lock", k->path);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0 && flock(fd, LOCK_EX) == 0);
	alarm(100);
	kit_open(k);
	kit_has(k, 1, 3000);
	kit_put(k, 10, 3000);
	kit_has(k, 10, 3000);
	alarm(0);
	close(fd);
}

/* ---- where others write, too ---- */

/* The parts of her store that are in places of her own. */
typedef struct own {
	char root[300], index[320], lock[320];
} own;

static void keep_own(kit *k, own *o, const char *name)
{
	(void)snprintf(o->root, sizeof o->root, "%s.%s", k->path, name);
	(void)snprintf(o->index, sizeof o->index, "%s/index", o->root);
	(void)snprintf(o->lock, sizeof o->lock, "%s.account/writers", k->path);
	k->options.index_path = o->index;
	k->options.lock_path = o->lock;
}

static void remove_own(kit *k)
{
	char command[600];

	kit_close(k);
	(void)snprintf(command, sizeof command, "rm -rf '%s'.*", k->path);
	assert_int_equal(system(command), 0);
	k->options.index_path = k->options.lock_path = NULL;
	kit_open(k);
}

static void write_text(kit *k, const char *name, const char *text)
{
	char path[512];
	FILE *file;

	(void)snprintf(path, sizeof path, "%s/%s", k->path, name);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

/* For ever: no other computer of hers is meant by it. */
TEST_IN(setup, teardown, nobody_who_holds_a_lock_in_the_directory_keeps_her_folder_shut)
{
	kit *k = *state;
	char path[512], hex[33];
	own hers;
	int fd;

	save_and_read(k, 1, 2);
	kit_close(k);
	keep_own(k, &hers, "hers");
	emr_hex(k->options.writer.b, 16, hex);
	(void)snprintf(path, sizeof path, "%s/writer-%s.lock", k->path, hex);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0 && flock(fd, LOCK_EX) == 0);
	kit_open(k);
	save_and_read(k, 10, 2);
	kit_has(k, 1, 3000);
	close(fd);
	remove_own(k);
}

TEST_IN(setup, teardown, nobody_says_in_the_directory_that_her_segments_are_of_a_newer_program)
{
	static const char *const texts[] = {"emrfs store 2\n", "junk"};
	kit *k = *state;
	own hers;

	kit_close(k);
	keep_own(k, &hers, "hers");
	for (unsigned i = 0; i < 2; i++) {
		write_text(k, "format", texts[i]);
		kit_open(k);
		save_and_read(k, 10 * (i + 1), 2);
		kit_close(k);
	}
	write_text(k, "format", "emrfs store 1\n");
	kit_open(k);
	remove_own(k);
}

/* The lock in the directory was for this: two who have one keyring by mistake. */
TEST_IN(setup, teardown, a_copy_of_her_keyring_does_not_write_in_her_segments)
{
	kit *k = *state;
	own hers, of_copy;
	emr_store_options options;
	emr_store *copy;

	kit_close(k);
	keep_own(k, &of_copy, "copy");
	options = k->options;
	keep_own(k, &hers, "hers");
	kit_open(k);
	assert_status(EMR_BUSY, emr_store_open(&options, &copy));
	save_and_read(k, 1, 2);
	kit_close(k);
	assert_ok(emr_store_open(&options, &copy));
	assert_status(EMR_BUSY, emr_store_open(&k->options, &k->store));
	emr_store_close(copy);
	kit_open(k);
	kit_has(k, 1, 3000);
	remove_own(k);
}

/* Where the account has no place for the lock it lies beside the segments: nobody writes without.
 */
TEST_IN(setup, teardown, a_copy_does_not_write_where_the_account_has_no_place_for_a_lock)
{
	kit *k = *state;
	own hers, of_copy;
	emr_store_options options;
	emr_store *copy;

	write_text(k, "file", "no directory");
	kit_close(k);
	keep_own(k, &of_copy, "copy");
	(void)snprintf(of_copy.lock, sizeof of_copy.lock, "%s/file/writers", k->path);
	options = k->options;
	keep_own(k, &hers, "hers");
	k->options.lock_path = of_copy.lock;
	kit_open(k);
	assert_status(EMR_BUSY, emr_store_open(&options, &copy));
	save_and_read(k, 1, 2);
	remove_own(k);
}

TEST_IN(setup, teardown, a_format_of_her_own_that_is_damaged_is_made_anew)
{
	static const char *const texts[] = {"", "emrfs stpre 1\n"};
	kit *k = *state;
	own hers;
	char path[400];

	kit_close(k);
	keep_own(k, &hers, "hers");
	kit_open(k);
	save_and_read(k, 1, 2);
	(void)snprintf(path, sizeof path, "../%s.hers/index/format", strrchr(k->path, '/') + 1);
	for (unsigned i = 0; i < 2; i++) {
		kit_close(k);
		write_text(k, path, texts[i]);
		kit_open(k);
		kit_has(k, 1, 3000);
	}
	kit_close(k);
	write_text(k, path, "emrfs store 2\nand more\n");
	assert_status(EMR_NEWER_FORMAT, emr_store_open(&k->options, &k->store));
	write_text(k, path, "emrfs store 1\n");
	kit_open(k);
	remove_own(k);
}

TESTS(NULL, NULL)
