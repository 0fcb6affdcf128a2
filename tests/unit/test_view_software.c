/* These tests show what folders say about programs that read without a person. */
#include "view_kit.h"

#include "view/software.h"

#include "node.h"

static emr_status check(const char *value)
{
	return emr_software_check(emr_bytes_of(value, strlen(value)));
}

static bool admits(const char *value, const char *program)
{
	return emr_software_admits(emr_bytes_of(value, strlen(value)), program);
}

TEST(a_value_is_refuse_or_allow_or_a_list_of_names)
{
	static const char *const good[] = {
		"refuse", "allow", "tumblerd", "tumblerd,borg", "tumblerd, borg ", "a.b-c_1"};
	static const char *const bad[] = {"", ",", "tumblerd,", ",borg", "a,,b", "a b",
		"/usr/bin/borg", "a\nb", "x\x7f",
		"0123456789012345678901234567890123456789012345678901234567890123"};
	char long_list[EMR_SOFTWARE_VALUE_MAX + 2];

	for (size_t i = 0; i < sizeof good / sizeof *good; i++)
		assert_ok(check(good[i]));
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		if (check(bad[i]) != EMR_INVALID)
			fail_msg("'%s' was taken", bad[i]);
	memset(long_list, 'a', sizeof long_list);
	for (size_t i = 10; i < sizeof long_list; i += 11)
		long_list[i] = ',';
	long_list[EMR_SOFTWARE_VALUE_MAX + 1] = 0;
	assert_status(EMR_INVALID, check(long_list));
}

TEST(a_list_lets_in_whom_it_names)
{
	assert_true(admits("allow", "tumblerd"));
	assert_false(admits("refuse", "tumblerd"));
	assert_true(admits("borg, tumblerd", "tumblerd"));
	assert_true(admits("borg, tumblerd", "borg"));
	assert_false(admits("borg, tumblerd", "tumbler"));
	assert_false(admits("borg", "updatedb"));
	assert_false(admits("borg", ""));
}

typedef struct told {
	int times;
	char program[100], path[100], folder[100], value[100];
} told;

static void note(
	void *arg, const char *program, const char *path, const char *folder, const char *value)
{
	told *t = arg;

	t->times++;
	snprintf(t->program, sizeof t->program, "%s", program);
	snprintf(t->path, sizeof t->path, "%s", path);
	snprintf(t->folder, sizeof t->folder, "%s", folder);
	snprintf(t->value, sizeof t->value, "%s", value);
}

/* Imaging/CT/1 and Letters/x, and who hears of refusals. */
static void with_folders(kit *k, told *t)
{
	kit_open(k);
	*t = (told){0};
	k->view->options.software_refused = note;
	k->view->options.notice_arg = t;
	kit_mkdir(k, "Imaging");
	kit_mkdir(k, "Imaging/CT");
	kit_mkdir(k, "Letters");
	kit_text(k, "Imaging/CT/1", "slice");
	kit_text(k, "Letters/x", "text");
}

static emr_status copied(kit *k, const char *path, const char *value)
{
	return emr_view_set_attribute(k->view, kit_attr(k, path).node, "user.emrfs.software",
		emr_bytes_of(value, strlen(value)), 0);
}

/* As a person does, who has the folder's code. */
static emr_status set(kit *k, const char *path, const char *value)
{
	return copied(k, path,
		printed("%s confirm=%s", value, kit_attribute(k, path, "user.emrfs.confirm")));
}

static emr_status ask(kit *k, const char *path, const char *program)
{
	uint64_t number = kit_attr(k, path).node;
	emr_status status = emr_view_admit_software(k->view, number, program);

	if (status != EMR_OK)
		assert_true(emr_view_guards_software(k->view, number));
	return status;
}

TEST(software_reads_ones_own_records_unless_told_otherwise)
{
	told t;

	SCENE_OF(kit, k, kit_close, with_folders, &t);
	assert_false(emr_view_guards_software(k.view, kit_attr(&k, "Imaging/CT/1").node));
	assert_ok(ask(&k, "Imaging/CT/1", "tumblerd"));
	assert_string_equal(kit_attribute(&k, "Imaging", "user.emrfs.software"), "allow");
	assert_int_equal(t.times, 0);
}

TEST(what_is_below_a_folder_follows_it_until_one_says_otherwise)
{
	told t;

	SCENE_OF(kit, k, kit_close, with_folders, &t);
	assert_ok(set(&k, "", "refuse"));
	assert_status(EMR_DENIED, ask(&k, "Imaging/CT/1", "tumblerd"));
	assert_string_equal(kit_attribute(&k, "Imaging/CT", "user.emrfs.software"), "refuse");
	assert_ok(set(&k, "Imaging", "borg"));
	assert_ok(ask(&k, "Imaging/CT/1", "borg"));
	assert_status(EMR_DENIED, ask(&k, "Imaging/CT/1", "tumblerd"));
	assert_ok(set(&k, "Imaging/CT", "allow"));
	assert_ok(ask(&k, "Imaging/CT/1", "tumblerd"));
	assert_false(emr_view_guards_software(k.view, kit_attr(&k, "Imaging/CT/1").node));
	assert_status(EMR_DENIED, ask(&k, "Letters/x", "borg"));
	assert_ok(set(&k, "Imaging/CT", ""));
	assert_status(EMR_DENIED, ask(&k, "Imaging/CT/1", "tumblerd"));
}

TEST(a_program_is_told_of_once_with_what_would_let_it_in)
{
	told t;

	SCENE_OF(kit, k, kit_close, with_folders, &t);
	assert_ok(set(&k, "Imaging", "borg"));
	assert_status(EMR_DENIED, ask(&k, "Imaging/CT/1", "tumblerd"));
	assert_status(EMR_DENIED, ask(&k, "Imaging/CT/1", "tumblerd"));
	assert_int_equal(t.times, 1);
	assert_string_equal(t.program, "tumblerd");
	assert_string_equal(t.path, "Imaging/CT/1");
	assert_string_equal(t.folder, "Imaging");
	assert_string_equal(t.value, "borg,tumblerd");
	assert_ok(set(&k, "", "refuse"));
	assert_status(EMR_DENIED, ask(&k, "Letters/x", "updatedb"));
	assert_int_equal(t.times, 2);
	assert_string_equal(t.folder, "");
	assert_string_equal(t.value, "updatedb");
}

TEST(it_is_kept_and_registered_like_any_attribute)
{
	told t;

	SCENE_OF(kit, k, kit_close, with_folders, &t);
	kit_publish_all(&k);
	(void)kit_items(&k);
	assert_ok(set(&k, "Imaging", "refuse"));
	kit_publishes_all(&k, "META");
	kit_restart_and_compare(&k);
	assert_status(EMR_DENIED, ask(&k, "Imaging/CT/1", "tumblerd"));
	/* The folder itself has no name, but attributes. */
	assert_ok(set(&k, "", "refuse"));
	kit_publish_all(&k);
	kit_restart_and_compare(&k);
	assert_string_equal(kit_attribute(&k, "", "user.emrfs.software"), "refuse");
}

TEST(nonsense_is_refused_and_files_have_none)
{
	told t;

	SCENE_OF(kit, k, kit_close, with_folders, &t);
	assert_status(EMR_INVALID, set(&k, "Imaging", "a b"));
	assert_string_equal(kit_attribute(&k, "Imaging", "user.emrfs.software"), "allow");
	assert_ok(set(&k, "Letters/x", "refuse"));
	assert_ok(ask(&k, "Letters/x", "tumblerd"));
	assert_string_equal(kit_attribute(&k, "Letters/x", "user.emrfs.software"), "");
	assert_ok(set(&k, "Letters", ""));
}

/* rsync -aX removes attributes that its source lacks. */
TEST(a_copy_does_not_open_a_folder)
{
	told t;

	SCENE_OF(kit, k, kit_close, with_folders, &t);
	assert_ok(set(&k, "Imaging", "refuse"));
	assert_ok(emr_view_remove_attribute(
		k.view, kit_attr(&k, "Imaging").node, "user.emrfs.software"));
	assert_status(EMR_DENIED, ask(&k, "Imaging/CT/1", "tumblerd"));
}

TEST(earlier_versions_and_deleted_files_follow_the_folder_of_today)
{
	emr_attr top, day, folder, slice;
	told t;

	SCENE_OF(kit, k, kit_close, with_folders, &t);
	kit_publish_all(&k);
	kit_unlink(&k, "Imaging/CT/1");
	kit_publish_all(&k);
	assert_ok(set(&k, "Imaging", "refuse"));
	assert_ok(emr_view_lookup(k.view, EMR_ROOT_NODE, ".emrfs", &top));
	assert_ok(emr_view_lookup(k.view, top.node, "deleted", &day));
	assert_ok(emr_view_lookup(k.view, day.node, "Imaging", &folder));
	assert_ok(emr_view_lookup(k.view, folder.node, "CT", &folder));
	assert_ok(emr_view_lookup(k.view, folder.node, "1", &slice));
	assert_true(emr_view_guards_software(k.view, slice.node));
	assert_status(EMR_DENIED, emr_view_admit_software(k.view, slice.node, "tumblerd"));
	assert_string_equal(t.path, ".emrfs/deleted/Imaging/CT/1");
	assert_string_equal(t.folder, "Imaging");
}

static void note_unconfirmed(void *arg, const char *folder, const char *value)
{
	told *t = arg;

	t->times++;
	snprintf(t->folder, sizeof t->folder, "%s", folder);
	snprintf(t->value, sizeof t->value, "%s", value);
}

TEST(only_the_code_of_the_folder_lets_more_programs_in)
{
	char text[64];
	told t;

	SCENE_OF(kit, k, kit_close, with_folders, &t);
	k.view->options.software_unconfirmed = note_unconfirmed;
	assert_ok(set(&k, "Imaging", "borg,tumblerd"));
	assert_ok(copied(&k, "Imaging", "borg"));
	assert_int_equal(t.times, 0);
	assert_status(EMR_FORBIDDEN, copied(&k, "Imaging", "borg,updatedb"));
	assert_int_equal(t.times, 1);
	assert_string_equal(t.folder, "Imaging");
	assert_string_equal(t.value, "borg,updatedb");
	assert_status(EMR_FORBIDDEN, copied(&k, "Imaging", "allow"));
	assert_status(EMR_FORBIDDEN, copied(&k, "Imaging", ""));
	assert_status(EMR_FORBIDDEN, copied(&k, "Imaging/CT", "allow"));
	assert_status(EMR_FORBIDDEN, copied(&k, "Imaging/CT", "allow confirm=abcdefgh"));
	assert_status(EMR_FORBIDDEN, copied(&k, "Imaging/CT", "allow confirm="));
	assert_status(EMR_FORBIDDEN,
		copied(&k, "Imaging/CT",
			printed("allow confirm=%s",
				kit_attribute(&k, "Imaging", "user.emrfs.confirm"))));
	/* One guess a value. */
	assert_status(EMR_FORBIDDEN,
		copied(&k, "Imaging/CT",
			printed("allow confirm=abcdefgh confirm=%s",
				kit_attribute(&k, "Imaging/CT", "user.emrfs.confirm"))));
	snprintf(text, sizeof text, "allow confirm=%s",
		kit_attribute(&k, "Imaging", "user.emrfs.confirm"));
	assert_status(EMR_DENIED, ask(&k, "Imaging/CT/1", "tumblerd"));
	assert_ok(copied(&k, "Imaging", text));
	assert_string_equal(kit_attribute(&k, "Imaging", "user.emrfs.software"), "allow");
	/* Nothing is let in by taking back what a folder in a guarded one says. */
	assert_ok(copied(&k, "", "refuse"));
	assert_ok(copied(&k, "Imaging", ""));
	assert_status(EMR_DENIED, ask(&k, "Imaging/CT/1", "tumblerd"));
}

/* Where all may read it lets nobody in; it would as soon as the folder around it is closed. */
TEST(what_a_copy_says_of_an_open_folder_does_not_outlive_its_being_closed)
{
	static const char *const planted[] = {"allow", "tumblerd,borg"};
	told t;

	SCENE_OF(kit, k, kit_close, with_folders, &t);
	k.view->options.software_unconfirmed = note_unconfirmed;
	for (size_t i = 0; i < sizeof planted / sizeof planted[0]; i++) {
		assert_status(EMR_FORBIDDEN, copied(&k, "Imaging/CT", planted[i]));
		assert_string_equal(t.folder, "Imaging/CT");
		assert_string_equal(t.value, planted[i]);
	}
	assert_ok(ask(&k, "Imaging/CT/1", "tumblerd"));
	assert_ok(copied(&k, "Imaging", "refuse"));
	assert_status(EMR_DENIED, ask(&k, "Imaging/CT/1", "tumblerd"));
	/* A person who has the code may, and the folder's present word may be said again. */
	assert_ok(set(&k, "Imaging/CT", "tumblerd"));
	assert_ok(copied(&k, "Imaging/CT", "tumblerd"));
	assert_ok(ask(&k, "Imaging/CT/1", "tumblerd"));
	assert_status(EMR_FORBIDDEN, copied(&k, "Imaging/CT", "tumblerd,borg"));
}

TEST(a_code_is_of_one_folder_and_one_opening_and_is_not_listed)
{
	EMR_AUTO_BUF names = {0};
	char before[16], other[16];
	told t;

	SCENE_OF(kit, k, kit_close, with_folders, &t);
	snprintf(before, sizeof before, "%s", kit_attribute(&k, "Imaging", "user.emrfs.confirm"));
	snprintf(other, sizeof other, "%s", kit_attribute(&k, "Letters", "user.emrfs.confirm"));
	assert_int_equal(strlen(before), 8);
	assert_string_not_equal(before, other);
	assert_string_equal(kit_attribute(&k, "Imaging", "user.emrfs.confirm"), before);
	assert_ok(emr_view_list_attributes(k.view, kit_attr(&k, "Imaging").node, &names));
	assert_int_equal(names.len, 0); /* what emrfs says is in no list */
	kit_publish_all(&k);
	kit_restart_and_compare(&k);
	assert_string_not_equal(kit_attribute(&k, "Imaging", "user.emrfs.confirm"), before);
}

TESTS(NULL, NULL)
