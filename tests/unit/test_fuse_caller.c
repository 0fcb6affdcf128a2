/* Whether a program reads on its own is told by its names, and found out for a process that runs.
 */
#include "emr_test.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "../../fs/fuse/caller.h"

typedef struct program {
	const char *exe, *comm, *arguments;
	size_t n;
	const char *name; /* NULL: a person's */
} program;

#define ARGUMENTS(text) text, sizeof(text)

TEST(programs_that_nobody_opened_are_known_by_name)
{
	static const program programs[] = {
		{"/usr/lib/x86_64-linux-gnu/tumbler-1/tumblerd", "tumblerd", ARGUMENTS("tumblerd"),
			"tumblerd"},
		{"/usr/bin/evince-thumbnailer", "evince-thumbnai",
			ARGUMENTS("evince-thumbnailer\0-s"), "evince-thumbnailer"},
		{"/usr/bin/gdk-pixbuf-thumbnailer", "gdk-pixbuf-thum", ARGUMENTS("x"),
			"gdk-pixbuf-thumbnailer"},
		{"/usr/bin/ffmpegthumbnailer", "ffmpegthumbnail", ARGUMENTS("x"),
			"ffmpegthumbnailer"},
		{"/usr/libexec/tracker-extract-3", "tracker-extract", ARGUMENTS("x"),
			"tracker-extract-3"},
		{"/usr/libexec/localsearch-extractor-3", "pool", ARGUMENTS("x"),
			"localsearch-extractor-3"},
		{"/usr/bin/baloo_file_extractor", "baloo_file_extr", ARGUMENTS("x"),
			"baloo_file_extractor"},
		{"", "updatedb", ARGUMENTS("updatedb"),
			"updatedb"}, /* root's: its file is not shown */
		{"/usr/lib/x86_64-linux-gnu/libexec/kf5/kioslave5", "kioslave5",
			ARGUMENTS(
				"kioslave5\0/usr/lib/qt5/plugins/kf5/kio/thumbnail.so\0thumbnail"),
			"thumbnail.so"},
		{"/usr/bin/python3.11", "python3", ARGUMENTS("python3\0-u\0/opt/dicom-thumbnailer"),
			"dicom-thumbnailer"},
		{"/usr/bin/python3.11", "borg",
			ARGUMENTS("/usr/bin/python3\0/usr/bin/borg\0create"), "borg"},
		{"/usr/bin/restic", "restic", ARGUMENTS("restic"), "restic"},
	};

	for (size_t i = 0; i < sizeof programs / sizeof *programs; i++) {
		char name[CALLER_NAME_BYTES] = "";

		if (!caller_names_software(programs[i].exe, programs[i].comm, programs[i].arguments,
			    programs[i].n, name))
			fail_msg("%s is software", programs[i].name);
		assert_string_equal(name, programs[i].name);
	}
}

TEST(programs_of_a_person_are_not)
{
	static const program programs[] = {
		{"/usr/bin/evince", "evince", ARGUMENTS("evince\0tumblerd.pdf"), NULL},
		{"/usr/bin/thunar", "Thunar", ARGUMENTS("thunar"), NULL},
		{"/usr/bin/kioslave5", "kioslave5",
			ARGUMENTS("kioslave5\0/usr/lib/kio/file.so\0file"), NULL},
		{"/usr/bin/bash", "bash", ARGUMENTS("bash"), NULL},
		{"/usr/bin/cp", "cp", ARGUMENTS("cp\0tumblerd\0x"), NULL},
		{"/usr/bin/python3.11", "python3", ARGUMENTS("python3\0-c\0print()\0borg"), NULL},
		{"/usr/bin/python3.11", "python3", "python3\0borg", 12, NULL}, /* cut off: no NUL */
		{"", "", ARGUMENTS(""), NULL},
		{"", "", "", 0, NULL},
	};

	for (size_t i = 0; i < sizeof programs / sizeof *programs; i++) {
		char name[CALLER_NAME_BYTES] = "";

		if (caller_names_software(programs[i].exe, programs[i].comm, programs[i].arguments,
			    programs[i].n, name))
			fail_msg("%s is a person's program, not %s", programs[i].exe, name);
	}
}

/* A child with this name, that has a child itself when DEEPER; it ends when the pipe does. */
static pid_t start(const char *name, int deeper, int wait_fd, int tell_fd)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		char byte;
		pid_t me;

		prctl(PR_SET_NAME, name);
		if (deeper > 0 && fork() == 0) {
			prctl(PR_SET_NAME, "convert");
			me = getpid();
			_exit(write(tell_fd, &me, sizeof me) != sizeof me ||
				read(wait_fd, &byte, 1) != 0);
		}
		me = getpid();
		if (deeper == 0 && write(tell_fd, &me, sizeof me) != sizeof me)
			_exit(1);
		_exit(read(wait_fd, &byte, 1) != 0);
	}
	return pid;
}

static bool is_software(const char *name, int deeper, char out_name[CALLER_NAME_BYTES])
{
	int wait_pipe[2], tell_pipe[2];
	pid_t child, asked;
	bool is;

	assert_int_equal(pipe(wait_pipe), 0);
	assert_int_equal(pipe(tell_pipe), 0);
	fflush(NULL);
	child = fork();
	if (child == 0) {
		close(wait_pipe[1]);
		_exit(waitpid(start(name, deeper, wait_pipe[0], tell_pipe[1]), NULL, 0) < 0);
	}
	assert_int_equal(read(tell_pipe[0], &asked, sizeof asked), sizeof asked);
	is = caller_is_software(asked, out_name);
	close(wait_pipe[1]);
	waitpid(child, NULL, 0);
	close(wait_pipe[0]);
	close(tell_pipe[0]);
	close(tell_pipe[1]);
	return is;
}

TEST(a_running_process_is_recognised)
{
	char name[CALLER_NAME_BYTES] = "";

	assert_true(is_software("tumblerd", 0, name));
	assert_string_equal(name, "tumblerd");
	assert_false(is_software("gimp", 0, name));
}

TEST(what_a_thumbnailer_starts_reads_for_it)
{
	char name[CALLER_NAME_BYTES] = "";

	assert_true(is_software("tumblerd", 1, name));
	assert_string_equal(name, "tumblerd");
	assert_false(is_software("nautilus", 1, name));
}

/* The judgement is kept for the program that was judged. */
TEST(a_viewer_that_becomes_a_thumbnailer_is_judged_again)
{
	char name[CALLER_NAME_BYTES] = "", path[64] = "/tmp/emrfs-caller-XXXXXX", byte = 0;
	int wait_pipe[2], tell_pipe[2];
	pid_t child;

	assert_non_null(mkdtemp(path));
	assert_int_equal(chdir(path), 0);
	assert_int_equal(symlink("/bin/cat", "tumblerd"), 0);
	assert_int_equal(pipe2(wait_pipe, O_CLOEXEC), 0);
	assert_int_equal(pipe2(tell_pipe, O_CLOEXEC), 0);
	fflush(NULL);
	child = fork();
	if (child == 0) {
		dup2(wait_pipe[0], 0);
		dup2(tell_pipe[1], 1);
		prctl(PR_SET_NAME, "gimp");
		if (write(1, &byte, 1) == 1 && read(0, &byte, 1) == 1)
			execl("./tumblerd", "viewer", (char *)NULL);
		_exit(1);
	}
	assert_int_equal(read(tell_pipe[0], &byte, 1), 1);
	for (int i = 0; i < 2; i++)
		assert_false(caller_is_software(child, name));
	assert_int_equal(write(wait_pipe[1], "ab", 2), 2);
	assert_int_equal(read(tell_pipe[0], &byte, 1), 1); /* cat says what is behind */
	for (int i = 0; i < 2; i++)
		assert_true(caller_is_software(child, name));
	assert_string_equal(name, "tumblerd");
	close(wait_pipe[1]);
	waitpid(child, NULL, 0);
	close(wait_pipe[0]);
	close(tell_pipe[0]);
	close(tell_pipe[1]);
	unlink("tumblerd");
	rmdir(path);
}

TEST(a_process_that_is_not_there_is_nobody)
{
	char name[CALLER_NAME_BYTES];

	assert_false(caller_is_software(0, name));
	assert_false(caller_is_software(-1, name));
	assert_false(caller_is_software(0x7ffffff0, name));
}

TESTS(NULL, NULL)
