/* These tests find directories, read settings and passphrases: a file that others can enter or read
 * is refused. */
#include "emr_test.h"

#include "kit/passphrase.h"
#include "kit/places.h"

static char root[64];
static emr_problem problem;

static int enter(void **state)
{
	(void)state;
	snprintf(root, sizeof root, "/tmp/emrfs-places-XXXXXX");
	if (mkdtemp(root) == NULL || chdir(root) != 0)
		return -1;
	setenv("HOME", root, 1);
	unsetenv("EMRFS_HOME");
	unsetenv("XDG_DATA_HOME");
	unsetenv("XDG_CONFIG_HOME");
	unsetenv("XDG_RUNTIME_DIR");
	unsetenv("EMRFS_ASKPASS");
	unsetenv("CREDENTIALS_DIRECTORY");
	problem = (emr_problem){0};
	return 0;
}

static int leave(void **state)
{
	(void)state;
	return chdir("/") == 0 && system(printed("rm -rf '%s'", root)) == 0 ? 0 : -1;
}

static void write_file(const char *name, const char *text, mode_t mode)
{
	EMR_AUTO_FD fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(fchmod(fd, mode), 0);
}

static const char *at(const char *rest)
{
	static char path[256];

	snprintf(path, sizeof path, "%s/%s", root, rest);
	return path;
}

/* ---- places ---- */

TEST_IN(enter, leave, the_usual_places_follow_xdg)
{
	EMR_AUTO_PLACES places = {0};
	EMR_AUTO_PLACES child = {0};

	assert_ok(emr_places_find(NULL, &places, &problem));
	assert_string_equal(places.state, at(".local/share/emrfs"));
	assert_string_equal(places.config, at(".config/emrfs"));
	setenv("XDG_DATA_HOME", "/data", 1);
	setenv("XDG_CONFIG_HOME", "relative", 1);
	setenv("XDG_RUNTIME_DIR", "/run/me", 1);
	assert_ok(emr_places_find("child", &child, &problem));
	assert_string_equal(child.state, "/data/emrfs/as/child");
	assert_string_equal(child.config, at(".config/emrfs/as/child"));
	assert_string_equal(child.run, "/run/me/emrfs/as/child");
}

TEST_IN(enter, leave, a_runtime_directory_of_another_account_is_not_used)
{
	EMR_AUTO_PLACES places = {0};

	/* runuser leaves root's in the environment; /sys is of another account for everybody but
	 * root. */
	setenv("XDG_RUNTIME_DIR", geteuid() == 0 ? at("of-another") : "/sys", 1);
	if (geteuid() == 0)
		assert_int_equal(
			mkdir(at("of-another"), 0700) | chown(at("of-another"), 12345, 12345), 0);
	assert_ok(emr_places_find(NULL, &places, &problem));
	assert_ptr_equal(strstr(places.run, getenv("XDG_RUNTIME_DIR")), NULL);
}

TEST_IN(enter, leave, emrfs_home_moves_them_all)
{
	EMR_AUTO_PLACES places = {0};

	setenv("EMRFS_HOME", "/demo", 1);
	setenv("XDG_DATA_HOME", "/data", 1);
	assert_ok(emr_places_find(NULL, &places, &problem));
	assert_string_equal(places.state, "/demo/state");
	assert_string_equal(places.config, "/demo");
	assert_string_equal(places.run, "/demo/run");
}

TEST_IN(enter, leave, a_name_that_could_climb_is_refused)
{
	static const char *const wrong[] = {"", ".", "..", "../x", "a/b", ".hidden", "a b", "-x",
		"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"};
	EMR_AUTO_PLACES places = {0};

	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		assert_status(EMR_INVALID, emr_places_find(wrong[i], &places, &problem));
	setenv("EMRFS_HOME", "relative", 1);
	assert_status(EMR_INVALID, emr_places_find(NULL, &places, &problem));
}

TEST_IN(enter, leave, a_state_that_others_can_enter_is_refused)
{
	EMR_AUTO_PLACES places = {0};
	EMR_AUTO_FD fd = -1;

	setenv("EMRFS_HOME", root, 1);
	assert_ok(emr_places_find(NULL, &places, &problem));
	assert_status(EMR_NOT_FOUND, emr_places_open_state(&places, false, &fd, &problem));
	assert_int_equal(problem.message, EMR_SAY_NO_KEYRING);
	assert_ok(emr_places_open_state(&places, true, &fd, &problem));
	close(fd);
	fd = -1;
	assert_int_equal(chmod(places.state, 0710), 0);
	assert_status(EMR_EXPOSED, emr_places_open_state(&places, false, &fd, &problem));
	assert_int_equal(problem.message, EMR_SAY_EXPOSED);
	assert_int_equal(chmod(places.state, 0700), 0);
	assert_ok(emr_places_open_state(&places, false, &fd, &problem));
}

/* In /tmp anybody can put a link. */
TEST_IN(enter, leave, a_place_elsewhere_that_is_a_link_is_refused)
{
	EMR_AUTO_FD state_fd = -1;
	EMR_AUTO_FD fd = -1;
	EMR_AUTO_FREE char *elsewhere = NULL;

	assert_int_equal(mkdir("state", 0700), 0);
	assert_int_equal(mkdir("other", 0700), 0);
	state_fd = open("state", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(state_fd >= 0);
	elsewhere = emr_places_elsewhere(state_fd);
	assert_non_null(elsewhere);
	assert_int_equal(symlinkat(root, AT_FDCWD, elsewhere), 0);
	assert_status(EMR_NOT_DIRECTORY, emr_places_open_elsewhere(state_fd, true, &fd));
	assert_int_equal(unlink(elsewhere), 0);
	assert_ok(emr_places_open_elsewhere(state_fd, true, &fd));
	assert_int_equal(rmdir(elsewhere), 0);
}

TEST_IN(enter, leave, a_place_inside_is_found_through_links_and_when_it_is_not_there_yet)
{
	EMR_AUTO_PLACES places = {0};
	EMR_AUTO_FD fd = -1;

	setenv("EMRFS_HOME", root, 1);
	assert_ok(emr_places_find(NULL, &places, &problem));
	assert_ok(emr_places_open_state(&places, true, &fd, &problem));
	assert_int_equal(symlink(places.state, "disguise"), 0);
	assert_true(emr_places_contain(&places, places.state));
	assert_true(emr_places_contain(&places, at("state/new")));
	assert_true(emr_places_contain(&places, at("disguise")));
	assert_true(emr_places_contain(&places, "disguise/../state/x"));
	assert_false(emr_places_contain(&places, at("state2")));
	assert_false(emr_places_contain(&places, root));
}

/* ---- settings ---- */

static emr_status parse(const char *text, emr_settings *out)
{
	return emr_settings_parse("settings", emr_bytes_of(text, strlen(text)), out, &problem);
}

TEST_IN(enter, leave, settings_have_defaults)
{
	EMR_AUTO_SETTINGS settings = {0};

	assert_ok(parse("", &settings));
	assert_int_equal(settings.kdf.memory_bytes, (uint64_t)256 << 20);
	assert_int_equal(settings.kdf.passes, 3);
	assert_int_equal(settings.idle_ns, 0);
	assert_null(settings.notify);
	assert_false(settings.no_notify);
}

TEST_IN(enter, leave, settings_are_read)
{
	EMR_AUTO_SETTINGS settings = {0};

	assert_ok(parse(
		"# mine\r\n\n  kdf=8,1\nidle =\t30min \nnotify = /usr/bin/notify\nnotify = /b",
		&settings));
	assert_int_equal(settings.kdf.memory_bytes, (uint64_t)8 << 20);
	assert_int_equal(settings.kdf.passes, 1);
	assert_int_equal(settings.idle_ns / 1000000000, 1800);
	assert_string_equal(settings.notify, "/b");
}

TEST_IN(enter, leave, a_cluster_goes_with_the_node_above_it)
{
	EMR_AUTO_SETTINGS settings = {0};

	assert_ok(parse("node = unix:/a\nnode = unix:/b\ncluster = http://127.0.0.1:9094\n"
			"cluster-copies = 3\ncluster-token = /t\ncluster-ca = /c\n"
			"node = unix:/c\ncluster = unix:/d",
		&settings));
	assert_int_equal(settings.node_count, 3);
	assert_null(settings.nodes[0].cluster);
	assert_string_equal(settings.nodes[1].cluster, "http://127.0.0.1:9094");
	assert_int_equal(settings.nodes[1].cluster_copies, 3);
	assert_string_equal(settings.nodes[1].cluster_token, "/t");
	assert_string_equal(settings.nodes[1].cluster_ca, "/c");
	assert_int_equal(settings.nodes[2].cluster_copies, 2);
	assert_null(settings.nodes[2].cluster_token);
}

TEST_IN(enter, leave, a_wrong_setting_names_its_line)
{
	static const struct {
		const char *text, *said;
	} cases[] = {
		{"\nkdf = 4,1", "settings, line 2: kdf takes 8 to 1024"},
		{"kdf = 8", "line 1: kdf is"},
		{"kdf = 8,1x", "line 1: kdf is"},
		{"kdf = 8,17", "line 1: kdf takes"},
		{"idle = often", "line 1: idle is"},
		{"cluster = unix:/a", "line 1: cluster stands below"},
		{"gateway = unix:/a\ncluster = unix:/b", "line 2: cluster stands below"},
		{"node = unix:/a\ncluster-copies = 2", "line 2: cluster-copies stands below"},
		{"node = unix:/a\ncluster-token = /t", "line 2: cluster-token stands below"},
		{"node = unix:/a\ncluster-ca = /t", "line 2: cluster-ca stands below"},
		{"node = unix:/a\ncluster =", "line 2: cluster is an address"},
		{"node = unix:/a\ncluster = unix:/b\ncluster-copies = 0",
			"line 3: cluster-copies is"},
		{"node = unix:/a\ncluster = unix:/b\ncluster-copies = 16",
			"line 3: cluster-copies is"},
		{"node = unix:/a\ncluster = unix:/b\ncluster-token = t",
			"line 3: cluster-token is"},
		{"notify = beep", "line 1: notify is"},
		{"colour = blue", "line 1: there is no such setting"},
		{"kdf", "line 1: a line is"},
	};
	EMR_AUTO_SETTINGS settings = {0};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		assert_status(EMR_INVALID, parse(cases[i].text, &settings));
		assert_non_null(strstr(problem.text, cases[i].said));
	}
}

/* ---- passphrases ---- */

TEST_IN(enter, leave, a_passphrase_file_loses_one_newline)
{
	EMR_AUTO_PASSPHRASE passphrase = {0};

	write_file("pass", "two words\n\n", 0600);
	assert_ok(emr_passphrase_read_file("pass", &passphrase, &problem));
	assert_int_equal(passphrase.len, 10);
	assert_memory_equal(passphrase.data, "two words\n", 10);
}

TEST_IN(enter, leave, a_passphrase_file_that_others_can_read_is_refused)
{
	static const mode_t wrong[] = {0640, 0604, 0601, 0620, 0644};
	EMR_AUTO_PASSPHRASE passphrase = {0};

	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		write_file("pass", "secret\n", wrong[i]);
		assert_status(EMR_EXPOSED, emr_passphrase_read_file("pass", &passphrase, &problem));
		assert_null(strstr(problem.text, "secret"));
	}
	write_file("pass", "secret\n", 0400);
	assert_ok(emr_passphrase_read_file("pass", &passphrase, &problem));
}

TEST_IN(enter, leave, an_empty_or_endless_passphrase_is_refused)
{
	char text[EMR_PASSPHRASE_MAX + 3];
	EMR_AUTO_PASSPHRASE passphrase = {0};

	write_file("pass", "", 0600);
	assert_status(EMR_INVALID, emr_passphrase_read_file("pass", &passphrase, &problem));
	write_file("pass", "\n", 0600);
	assert_status(EMR_INVALID, emr_passphrase_read_file("pass", &passphrase, &problem));
	memset(text, 'x', sizeof text);
	text[EMR_PASSPHRASE_MAX + 1] = '\0';
	write_file("pass", text, 0600);
	assert_status(EMR_INVALID, emr_passphrase_read_file("pass", &passphrase, &problem));
	text[EMR_PASSPHRASE_MAX] = '\n';
	write_file("pass", text, 0600);
	assert_ok(emr_passphrase_read_file("pass", &passphrase, &problem));
	assert_int_equal(passphrase.len, EMR_PASSPHRASE_MAX);
}

TEST_IN(enter, leave, a_program_is_asked_and_a_new_passphrase_twice)
{
	EMR_AUTO_PASSPHRASE once = {0};
	EMR_AUTO_PASSPHRASE twice = {0};
	EMR_AUTO_PASSPHRASE differs = {0};

	write_file(
		"ask", "#!/bin/sh\necho \"$1\" >>asked\necho 'open sesame and close it'\n", 0700);
	setenv("EMRFS_ASKPASS", at("ask"), 1);
	assert_ok(emr_passphrase_get(NULL, false, &once, &problem));
	assert_int_equal(once.len, 24);
	assert_ok(emr_passphrase_get(NULL, true, &twice, &problem));
	assert_memory_equal(twice.data, "open sesame and close it", 24);
	write_file("ask", "#!/bin/sh\necho sesame\n", 0700);
	assert_status(EMR_INVALID, emr_passphrase_get(NULL, true, &differs, &problem));
	assert_int_equal(problem.message, EMR_SAY_PASSPHRASE_WEAK);
	write_file("ask", "#!/bin/sh\necho \"$1, and nobody knows it\"\n", 0700);
	assert_status(EMR_INVALID, emr_passphrase_get(NULL, true, &differs, &problem));
	assert_int_equal(problem.message, EMR_SAY_PASSPHRASE_DIFFERS);
	write_file("ask", "#!/bin/sh\nexit 1\n", 0700);
	assert_status(EMR_IO, emr_passphrase_get(NULL, false, &differs, &problem));
	setenv("EMRFS_ASKPASS", at("none"), 1);
	assert_status(EMR_IO, emr_passphrase_get(NULL, false, &differs, &problem));
}

TEST_IN(enter, leave, a_credential_comes_after_the_program)
{
	EMR_AUTO_PASSPHRASE passphrase = {0};

	setenv("CREDENTIALS_DIRECTORY", root, 1);
	write_file("emrfs.passphrase", "from the system of hers\n", 0400);
	assert_ok(emr_passphrase_get(NULL, true, &passphrase, &problem));
	assert_memory_equal(passphrase.data, "from the system of hers", passphrase.len);
}

TESTS(NULL, NULL)
