/* A promise of fsync that the disk has lost is told, by a notice and by verify; the file has the
 * version before under its name, and the rest of the working copy is a file beside it. */
#include "view_kit.h"

#include <dirent.h>

static char told[2000];

static void note(void *arg, const char *id, const char *path)
{
	size_t len = strlen(told);

	(void)arg;
	snprintf(told + len, sizeof told - len, "%s %s;", id, path);
}

/* The only spill there is. */
static void spill_path(const kit *k, char out[512])
{
	char directory[300];
	const struct dirent *entry;
	DIR *dir;

	snprintf(directory, sizeof directory, "%s/spill", k->path);
	dir = opendir(directory);
	assert_non_null(dir);
	out[0] = 0;
	while ((entry = readdir(dir)) != NULL)
		if (entry->d_name[0] != '.')
			snprintf(out, 512, "%s/%.200s", directory, entry->d_name);
	closedir(dir);
	assert_true(out[0] != 0);
}

/* Published as ONE, then changed in its middle and flushed: A at one byte, later B at another. */
static void edit(kit *k, bool flushed)
{
	emr_handle *h;

	kit_text(k, "report.txt", "one, one, one");
	kit_publish_all(k);
	h = kit_open_file(k, "report.txt", O_RDWR);
	assert_ok(emr_view_write(h, 0, emr_bytes_of("A", 1)));
	if (flushed)
		assert_ok(emr_view_fsync(h));
	assert_ok(emr_view_write(h, 5, emr_bytes_of("B", 1)));
	assert_ok(flushed ? emr_view_fsync(h) : emr_view_flush(h));
	emr_view_release(h);
}

static void start(kit *k)
{
	told[0] = 0;
	k->options.notice = note;
	kit_start(k);
}

static size_t count_back(kit *k)
{
	uint64_t nodes[4];

	return emr_view_went_back(k->view, nodes, 4);
}

TEST(a_spill_that_is_whole_says_nothing)
{
	SCENE(kit, k, kit_open, kit_close);
	edit(&k, true);
	emr_stack_close(&k.stack);
	start(&k);
	kit_expect_text(&k, "report.txt", "Ane, Bne, one");
	assert_string_equal(told, "");
	assert_int_equal(count_back(&k), 0);
}

TEST(a_spill_that_is_gone_is_said)
{
	char path[512];

	SCENE(kit, k, kit_open, kit_close);
	edit(&k, true);
	emr_stack_close(&k.stack);
	spill_path(&k, path);
	assert_int_equal(unlink(path), 0);
	start(&k);
	kit_expect_text(&k, "report.txt", "one, one, one");
	assert_non_null(strstr(told, "went-back report.txt;"));
	assert_int_equal(count_back(&k), 1);
}

TEST(of_a_spill_that_is_cut_the_rest_is_beside_the_version_before)
{
	char path[512];
	struct stat st;

	SCENE(kit, k, kit_open, kit_close);
	edit(&k, true);
	emr_stack_close(&k.stack);
	spill_path(&k, path);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(truncate(path, st.st_size - 4096), 0); /* its last mark */
	start(&k);
	kit_expect_text(&k, "report.txt", "one, one, one");
	kit_expect_text(&k, "report (saved in part).txt", "Ane, one, one");
	assert_non_null(strstr(told, "went-back report.txt;"));
	assert_int_equal(count_back(&k), 1);
	kit_publish_all(&k);
	kit_restart(&k);
	kit_expect_text(&k, "report.txt", "one, one, one");
	kit_expect_text(&k, "report (saved in part).txt", "Ane, one, one");
}

/* Closed and never flushed: a power cut may take it, and that is no fault of anything. */
TEST(what_was_not_flushed_may_be_gone)
{
	char path[512], copy[256] = "/tmp/emr-promise-XXXXXX";
	kit k, killed;

	kit_open(&k);
	edit(&k, false);
	assert_non_null(mkdtemp(copy));
	kit_copy_tree(k.path, copy); /* as kill -9 leaves it: closing would flush */
	kit_adopt(&killed, copy, k.clock.unix_ns, k.clock.boot_ns);
	kit_close(&k);
	spill_path(&killed, path);
	assert_int_equal(unlink(path), 0);
	start(&killed);
	kit_expect_text(&killed, "report.txt", "one, one, one");
	assert_null(strstr(told, "went-back"));
	kit_close(&killed);
}

TESTS(NULL, NULL)
