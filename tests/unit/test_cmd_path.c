/* These tests turn typed paths into paths inside the folder: none can climb out, and a directory
 * with a similar name is not inside. */
#include "emr_test.h"

#include <sys/resource.h>

#include "kit/paths.h"
#include "mount/mountpoint.h"

TEST(a_path_is_cleaned)
{
	static const struct {
		const char *typed, *clean;
	} cases[] = {
		{"", ""},
		{".", ""},
		{"/", ""},
		{"a", "a"},
		{"/a/b/", "a/b"},
		{"a//b/./c", "a/b/c"},
		{"a/../b", "b"},
		{"a/b/../..", ""},
		{"a/b/..", "a"},
		{"..x/.y", "..x/.y"},
	};
	char out[64];

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		assert_ok(emr_path_clean(cases[i].typed, out, sizeof out));
		assert_string_equal(out, cases[i].clean);
	}
}

TEST(a_path_cannot_climb_out)
{
	static const char *const wrong[] = {"..", "../a", "a/../..", "/.."};
	char out[64];

	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		assert_status(EMR_NOT_FOUND, emr_path_clean(wrong[i], out, sizeof out));
}

TEST(a_path_that_does_not_fit_is_refused)
{
	char out[8];

	assert_ok(emr_path_clean("abcdef", out, sizeof out));
	assert_status(EMR_LIMIT, emr_path_clean("abcdefg/h", out, sizeof out));
}

TEST(a_path_is_looked_up_from_inside_or_from_the_top)
{
	char folder[] = "/tmp/emrfs-path-XXXXXX", typed[128], out[128];

	assert_non_null(mkdtemp(folder));
	assert_int_equal(chdir("/"), 0);
	assert_ok(emr_path_in_folder(folder, "Imaging/a", out, sizeof out));
	assert_string_equal(out, "Imaging/a");
	assert_ok(emr_path_in_folder(folder, "/Imaging/a", out, sizeof out));
	assert_string_equal(out, "Imaging/a");
	snprintf(typed, sizeof typed, "%s/Imaging", folder);
	assert_ok(emr_path_in_folder(folder, typed, out, sizeof out));
	assert_string_equal(out, "Imaging");
	assert_int_equal(mkdir(typed, 0700), 0);
	assert_int_equal(chdir(typed), 0);
	assert_ok(emr_path_in_folder(folder, "a", out, sizeof out));
	assert_string_equal(out, "Imaging/a");
	assert_ok(emr_path_in_folder(folder, "../b", out, sizeof out));
	assert_string_equal(out, "b");
	assert_status(EMR_NOT_FOUND, emr_path_in_folder(folder, "../../b", out, sizeof out));
	assert_int_equal(chdir("/"), 0);
	assert_int_equal(rmdir(typed), 0);
	assert_int_equal(rmdir(folder), 0);
}

TEST(a_directory_whose_name_begins_like_the_folder_is_not_inside)
{
	char out[128];

	assert_int_equal(chdir("/"), 0);
	assert_ok(emr_path_in_folder("/tmp/Health", "/tmp/Health2/a", out, sizeof out));
	assert_string_equal(out, "tmp/Health2/a");
}

TEST(another_file_system_is_seen_in_the_kernels_list)
{
	assert_int_equal(emr_mountpoint_look("/proc"), EMR_MOUNT_OTHER);
	assert_int_equal(emr_mountpoint_look("/proc/self"), EMR_MOUNT_NONE);
	assert_int_equal(emr_mountpoint_look("/nowhere at all"), EMR_MOUNT_NONE);
}

TEST(the_directory_must_be_there_and_empty)
{
	char place[] = "/tmp/emrfs-point-XXXXXX", inner[64], state_dir[64], run_dir[64];
	emr_places places = {.home = place,
		.state = state_dir,
		.config = state_dir,
		.cache = run_dir,
		.run = run_dir};
	emr_problem problem = {0};
	emr_closed closed = EMR_CLOSED_NONE;

	assert_non_null(mkdtemp(place));
	snprintf(inner, sizeof inner, "%s/inner", place);
	snprintf(state_dir, sizeof state_dir, "%s/state", place);
	snprintf(run_dir, sizeof run_dir, "%s/run", place);
	assert_ok(emr_mountpoint_prepare(&places, place, &closed, &problem));
	emr_closed_free(&closed);
	assert_status(EMR_INVALID, emr_mountpoint_prepare(&places, inner, &closed, &problem));
	assert_int_equal(problem.message, EMR_SAY_MOUNTPOINT_GONE);
	assert_int_equal(mkdir(inner, 0700), 0);
	assert_status(EMR_NOT_EMPTY, emr_mountpoint_prepare(&places, place, &closed, &problem));
	assert_int_equal(problem.message, EMR_SAY_MOUNTPOINT_NOT_EMPTY);
	emr_closed_free(&closed);
	places.state = inner;
	assert_status(EMR_INVALID, emr_mountpoint_prepare(&places, inner, &closed, &problem));
	assert_int_equal(problem.message, EMR_SAY_MOUNTPOINT_INSIDE);
	assert_status(EMR_INVALID, emr_mountpoint_prepare(&places, "/proc", &closed, &problem));
	assert_int_equal(problem.message, EMR_SAY_MOUNTPOINT_BUSY);
	emr_closed_free(&closed);
	assert_int_equal(rmdir(inner), 0);
	assert_int_equal(rmdir(place), 0);
}

static unsigned mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return (unsigned)(st.st_mode & 07777);
}

/* As root may open a folder on it, whatever its mode, and another may have made it for others. */
TEST(a_directory_of_another_mode_than_emrfs_gives_is_left_as_it_is)
{
	static const struct {
		mode_t mode, meanwhile, after;
	} cases[] = {{0700, 0700, 0700}, {0555, 0555, 0555}, {0575, 0575, 0575}, {0, 0300, 0},
		{0300, 0300, 0}, {0500, 0500, 0500}};
	char place[] = "/tmp/emrfs-point-XXXXXX";
	emr_places places = {.home = place, .state = "/nowhere/state"};
	emr_problem problem = {0};
	emr_closed closed = EMR_CLOSED_NONE;

	assert_non_null(mkdtemp(place));
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		assert_int_equal(chmod(place, cases[i].mode), 0);
		assert_ok(emr_closed_take_out(&places, place, &closed, &problem));
		assert_int_equal(mode_of(place), cases[i].meanwhile);
		emr_closed_hide(&closed); /* and the folder does not open */
		assert_int_equal(mode_of(place), 0300);
		emr_closed_free(&closed);
		assert_int_equal(mode_of(place), cases[i].after);
	}
	assert_int_equal(rmdir(place), 0);
}

/* A folder that is opened on files would hide them. */
TEST(a_directory_that_cannot_be_listed_is_not_taken_for_empty)
{
	char place[] = "/tmp/emrfs-point-XXXXXX", file[64];
	emr_places places = {.home = place, .state = "/nowhere/state"};
	emr_problem problem = {0};
	emr_closed closed = EMR_CLOSED_NONE;
	struct rlimit before, narrow;
	emr_status status;
	int fd;

	assert_non_null(mkdtemp(place));
	snprintf(file, sizeof file, "%s/file", place);
	fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(chmod(place, 0500), 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	narrow = before;
	narrow.rlim_cur = (rlim_t)fd + 1; /* enough for the directory, not to list it */
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &narrow), 0);
	status = emr_closed_take_out(&places, place, &closed, &problem);
	emr_closed_free(&closed);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_not_equal(status, EMR_OK);
	assert_true(problem.is_set);
	assert_int_equal(mode_of(place), 0500);
	/* One that can be listed is found to be full, and closed as it was. */
	assert_int_equal(chmod(place, 0), 0);
	problem = (emr_problem){0};
	assert_status(EMR_NOT_EMPTY, emr_closed_take_out(&places, place, &closed, &problem));
	emr_closed_free(&closed);
	assert_int_equal(problem.message, EMR_SAY_MOUNTPOINT_NOT_EMPTY);
	assert_int_equal(mode_of(place), 0);
	assert_int_equal(chmod(place, 0700), 0);
	assert_int_equal(unlink(file), 0);
	assert_int_equal(rmdir(place), 0);
}

TESTS(NULL, NULL)
