/* A program of somebody's own puts names on the ledger that ours would never take: "..", "a/b", "".
 * Here such a program is ours with its look at names switched off. A reader of them, as a share or
 * as one's own folder, is led nowhere, and loses no file. */

#include "shared_kit.h"
#include "view/names.h"

static bool is_forging;

WRAPPED(emr_status, emr_name_check, const char *name)
{
	return is_forging ? EMR_OK : __real_emr_name_check(name);
}

static const char *const bad[] = {"..", ".", "a/b", "../../etc/passwd", "/", "/etc"};
#define BAD (sizeof bad / sizeof bad[0])

static void forge(kit *k, const char *directory)
{
	emr_attr attr;
	emr_handle *h = NULL;

	is_forging = true;
	for (size_t i = 0; i < BAD; i++) {
		assert_ok(emr_view_make(k->view, kit_attr(k, directory).node, bad[i], 0600, &attr));
		assert_ok(emr_view_open_file(k->view, attr.node, O_WRONLY, &h));
		assert_ok(emr_view_write(h, 0, emr_bytes_of(bad[i], strlen(bad[i]))));
		kit_close_file(h);
	}
	assert_ok(emr_view_mkdir(k->view, kit_attr(k, directory).node, "up/and/away", 0700, &attr));
	kit_publish_all(k);
	is_forging = false;
}

/* NAMES with commas between, as a directory of one of them and files of all BAD: nothing that leads
 * away, and every content once. */
static void expect_all(
	const char *names, const char *(*text_of)(void *arg, const char *name), void *arg)
{
	char copy[4096], *save = NULL;
	bool seen[BAD] = {false};
	size_t count = 0, others = 0;

	(void)snprintf(copy, sizeof copy, "%s", names);
	for (char *name = strtok_r(copy, ",", &save); name != NULL;
		name = strtok_r(NULL, ",", &save)) {
		const char *text;

		assert_ok(__real_emr_name_check(name));
		if (strncmp(name, "unnamed", 7) != 0)
			continue;
		count++;
		text = text_of(arg, name);
		for (size_t i = 0; i < BAD; i++) {
			if (strcmp(text, bad[i]) != 0)
				continue;
			assert_false(seen[i]);
			seen[i] = true;
			others++;
		}
	}
	assert_int_equal(count, BAD + 1);
	assert_int_equal(others, BAD);
}

static const char *text_at_viewer(void *arg, const char *name)
{
	return viewer_text(arg, viewer_at(arg, printed("Imaging/%s", name)), owner_answers);
}

TEST(in_a_share_such_names_lead_nowhere)
{
	SCENE(story, s, story_begin, story_end);
	AUTO(viewer_close) viewer v;

	forge(&s.k, "Imaging");
	assert_ok(emr_store_index_now(s.k.stack.store));
	viewer_open(&v, &s, &s.lima, "lima-folder", CONSULT);
	(void)story_share(&s, &s.lima, 0, false);
	viewer_run(&v, owner_answers, 2);
	viewer_learn_owner(&v);
	expect_all(viewer_list(&v, viewer_at(&v, "Imaging"), owner_answers), text_at_viewer, &v);
}

static char listed[4096];

static bool add_name(void *arg, const char *name, const emr_attr *attr, uint64_t next)
{
	size_t len = strlen(listed);

	(void)arg, (void)attr, (void)next;
	if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0)
		(void)snprintf(listed + len, sizeof listed - len, "%s%s", len > 0 ? "," : "", name);
	return true;
}

static const char *text_at_home(void *arg, const char *name)
{
	static char text[64];
	kit *k = arg;
	char path[300];
	emr_handle *h = NULL;
	size_t got = 0;

	(void)snprintf(path, sizeof path, "Imaging/%s", name);
	if (kit_attr(k, path).type == EMR_META_DIR)
		return "";
	assert_ok(emr_view_open_file(k->view, kit_attr(k, path).node, O_RDONLY, &h));
	assert_ok(emr_view_read(h, 0, text, sizeof text - 1, &got));
	emr_view_release(h);
	text[got] = 0;
	return text;
}

/* As another computer or a writer of hers may have put them there. */
TEST(in_the_own_folder_such_names_lead_nowhere)
{
	SCENE(kit, k, kit_open, kit_close);
	kit_mkdir(&k, "Imaging");
	forge(&k, "Imaging");
	kit_restart(&k);
	listed[0] = 0;
	assert_ok(emr_view_each_entry(
		k.view, kit_attr(&k, "Imaging").node, 0, false, add_name, NULL));
	expect_all(listed, text_at_home, &k);
}

TESTS(NULL, NULL)
