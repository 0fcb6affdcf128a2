/* These tests are about a directory in which several programs of an account write. None of them is
 * stopped by what another holds or says there, and two copies of one keyring do not write in the
 * same files of blocks. */
#include "store_kit.h"

#include <sys/file.h>
#include <time.h>

static int setup(void **state)
{
	kit *k;

	if (kit_setup(state) != 0)
		return -1;
	k = *state;
	k->options.segment_bytes = 4096;
	kit_close(k);
	kit_open(k);
	return 0;
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
	kit_close(k);
	assert_int_equal(system(printed("rm -rf '%s'.*", k->path)), 0);
	k->options.index_path = k->options.lock_path = NULL;
	kit_open(k);
}

static void write_text(kit *k, const char *name, const char *text)
{
	FILE *file;

	file = fopen(printed("%s/%s", k->path, name), "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

/* For ever: no other computer of hers is meant by it. */
TEST_IN(setup, kit_teardown, nobody_who_holds_a_lock_in_the_directory_keeps_her_folder_shut)
{
	kit *k = *state;
	char hex[33];
	own hers;
	int fd;

	save_and_read(k, 1, 2);
	kit_close(k);
	keep_own(k, &hers, "hers");
	emr_hex(k->options.writer.b, 16, hex);
	fd = open(printed("%s/writer-%s.lock", k->path, hex), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0 && flock(fd, LOCK_EX) == 0);
	kit_open(k);
	save_and_read(k, 10, 2);
	kit_has(k, 1, 3000);
	close(fd);
	remove_own(k);
}

TEST_IN(setup, kit_teardown, nobody_says_in_the_directory_that_her_segments_are_of_a_newer_program)
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
TEST_IN(setup, kit_teardown, a_copy_of_her_keyring_does_not_write_in_her_segments)
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
TEST_IN(setup, kit_teardown, a_copy_does_not_write_where_the_account_has_no_place_for_a_lock)
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

TEST_IN(setup, kit_teardown, a_format_of_her_own_that_is_damaged_is_made_anew)
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
