/* These tests make notices: each is one line whatever a file is called, old ones give way, and a
 * program that shows them is ended when it hangs. */
#include "emr_test.h"

#include <dirent.h>
#include <sys/quota.h>
#include <sys/syscall.h>
#include <time.h>

#include "sharing/notices.h"

AUTO_OF(emr_notices_free, emr_notices *)

static char *text_of(emr_notices *notices)
{
	emr_buf text = {0};

	assert_ok(emr_notices_text(notices, &text));
	assert_ok(emr_buf_append(&text, "", 1));
	return (char *)text.data;
}

/* Those of a folder, and their text. */
#define NOTICES                                                                                    \
	AUTO(auto_emr_notices_free) emr_notices *notices;                                          \
	EMR_AUTO_FREE char *text;                                                                  \
	assert_ok(emr_notices_new(NULL, &notices))

TEST(a_notice_is_one_line_whatever_the_name)
{
	NOTICES;
	emr_notices_add(notices, "bad-data", "Imaging/a\nforged line");
	text = text_of(notices);
	assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
	assert_non_null(strstr(text, " n-1 error bad-data Imaging/a?forged line: "));
}

/* The folder knows an id and a path, nothing else: its sentences must need no more. */
TEST(every_notice_of_the_folder_is_a_whole_sentence)
{
	static const char *const ids[] = {"bad-data", "missing-data", "disk-full", "bad-signature",
		"newer-format", "refused", "ledger-damaged", "two-histories"};
	NOTICES;
	for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
		emr_notices_add(notices, ids[i], "Imaging/a.dcm");
		emr_notices_add(notices, ids[i], "");
	}
	text = text_of(notices);
	assert_null(strchr(text, '?'));
}

TEST(a_notice_says_where_why_and_who)
{
	NOTICES;
	assert_ok(emr_notices_set_place(notices, "/home/ana/state/blocks"));
	emr_notices_add(notices, "bad-data", "Imaging/a.dcm");
	emr_notices_add(notices, "bad-data", "");
	emr_notices_add_with(notices, "refused", "b.txt", "your key is not in force there");
	emr_notices_add_with(notices, "conflict", "c (conflict, Ana).txt", "Paula Lima");
	text = text_of(notices);
	assert_non_null(strstr(text,
		" bad-data Imaging/a.dcm: Imaging/a.dcm: the stored data was changed or damaged "
		"(/home/ana/state/blocks). Nothing wrong was shown. Earlier versions: emrfs "
		"restore --list 'Imaging/a.dcm'. "));
	/* Of no file in particular: no command that nobody can type. */
	assert_non_null(strstr(text,
		" bad-data : What the ledger says of a record in your folder was changed or "
		"damaged: that record is not shown. emrfs verify says which.\n"));
	assert_null(strstr(text, "'Your folder'"));
	assert_non_null(strstr(text,
		"The ledger did not take b.txt: your key is not in force there. It is kept here."));
	assert_non_null(strstr(
		text, "c (conflict, Ana).txt: Paula Lima changed this file at the same time."));
}

/* ---- in another language ---- */

static bool is_translating;

WRAPPED(const char *, emr_text, const char *english)
{
	static const char *const words[][2] = {{"your key is not in force there", "a chave acabou"},
		{"no space left on the disk", "sem lugar"},
		{"another computer of yours", "outro computador seu"}, {"Paula Lima", "nobody"}};

	for (size_t i = 0; i < sizeof words / sizeof *words && is_translating; i++)
		if (strcmp(english, words[i][0]) == 0)
			return words[i][1];
	return __real_emr_text(english);
}

/* The folder itself says reasons and who wrote in English. */
TEST(what_a_notice_says_of_reasons_is_translated_and_a_name_is_not)
{
	NOTICES;
	emr_notices_add_with(notices, "refused", "a.txt", "your key is not in force there");
	emr_notices_add_with(notices, "refused", "b.txt", "no space left on the disk");
	emr_notices_add_with(notices, "conflict", "c.txt", "another computer of yours");
	emr_notices_add_with(notices, "conflict", "d.txt", "Paula Lima");
	is_translating = true;
	text = text_of(notices);
	is_translating = false;
	assert_non_null(strstr(text, "did not take a.txt: a chave acabou. "));
	assert_non_null(strstr(text, "did not take b.txt: sem lugar. "));
	assert_non_null(strstr(text, "c.txt: outro computador seu changed "));
	assert_non_null(strstr(text, "d.txt: Paula Lima changed "));
}

/* ---- limits of storage ---- */

static struct dqblk of_user, of_group; /* as the kernel has them; all zero: no limits there */

long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);

/* No file system that can be made here has limits.  It reads six arguments, whatever the caller
 * gave, which AddressSanitizer of clang would report. */
#ifdef __clang__
__attribute__((no_sanitize("address")))
#endif
long __wrap_syscall(long number, ...)
{
	long a[6];
	va_list all;

	va_start(all, number);
	for (size_t i = 0; i < sizeof a / sizeof *a; i++)
		a[i] = va_arg(all, long);
	va_end(all);
	if (number != SYS_quotactl_fd)
		return __real_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
	*(struct dqblk *)a[3] =
		(int)a[1] == (int)QCMD((unsigned)Q_GETQUOTA, USRQUOTA) ? of_user : of_group;
	return 0;
}

static void expect_quota(struct dqblk user, struct dqblk group, const char *said)
{
	AUTO(auto_emr_notices_free) emr_notices *notices;
	EMR_AUTO_FREE char *text;

	of_user = user;
	of_group = group;
	assert_ok(emr_notices_new(NULL, &notices));
	assert_ok(emr_notices_set_place(notices, "/tmp"));
	emr_notices_add(notices, "quota", "Imaging/a.dcm");
	of_user = of_group = (struct dqblk){0};
	text = text_of(notices);
	if (strstr(text, said) == NULL)
		fail_msg("%s", text);
}

TEST(a_limit_of_storage_is_told_with_how_much_is_used)
{
	expect_quota((struct dqblk){.dqb_bhardlimit = 2000000, .dqb_curspace = 2047900000},
		(struct dqblk){.dqb_bhardlimit = 9000000, .dqb_curspace = 2047900000},
		" quota Imaging/a.dcm: Your account may store no more on this disk (2 GB of 2 GB); "
		"Imaging/a.dcm was not saved. Ask whoever");
	/* The group's is the one that is reached. */
	expect_quota((struct dqblk){.dqb_bhardlimit = 2000000, .dqb_curspace = 5000000},
		(struct dqblk){.dqb_bhardlimit = 9000, .dqb_curspace = 9216000}, "(9 MB of 9 MB)");
	/* The lower one counts once its time is over, and alone. */
	expect_quota((struct dqblk){.dqb_bhardlimit = 9000000,
			     .dqb_bsoftlimit = 5000000,
			     .dqb_curspace = 6000000000,
			     .dqb_btime = 1000},
		(struct dqblk){0}, "(6 GB of 5 GB)");
	expect_quota((struct dqblk){.dqb_ihardlimit = 1000, .dqb_curinodes = 1000},
		(struct dqblk){0}, "(1,000 of 1,000 files)");
}

TEST(where_nothing_is_known_of_a_limit_that_is_said)
{
	AUTO(auto_emr_notices_free) emr_notices *notices;
	EMR_AUTO_FREE char *text;

	expect_quota((struct dqblk){.dqb_curspace = 5000000}, (struct dqblk){0},
		"which does not say how much its limit is; Imaging/a.dcm was not saved.");
	assert_ok(emr_notices_new(NULL, &notices));
	emr_notices_add(notices, "quota", "b.txt"); /* and no place either */
	text = text_of(notices);
	assert_non_null(strstr(text, "which does not say how much its limit is; b.txt was not"));
}

TEST(an_unknown_id_is_not_a_notice)
{
	NOTICES;
	emr_notices_add(notices, "no-such-id", "x");
	text = text_of(notices);
	assert_string_equal(text, "");
}

TEST(the_newest_thousand_stay)
{
	AUTO(auto_emr_notices_free) emr_notices *notices;
	char *text;

	assert_ok(emr_notices_new(NULL, &notices));
	for (int i = 1; i <= 1200; i++) {
		emr_notices_add(notices, "refused", printed("file-%d", i));
	}
	text = text_of(notices);
	assert_null(strstr(text, " file-200: "));
	assert_non_null(strstr(text, " n-201 error refused file-201: "));
	assert_non_null(strstr(text, " n-1200 error refused file-1200: "));
	free(text);
}

TEST(errors_are_the_newest_of_one_path_and_no_mere_information)
{
	AUTO(auto_emr_notices_free) emr_notices *notices;
	json_t *errors;

	assert_ok(emr_notices_new(NULL, &notices));
	emr_notices_add(notices, "left-local", "a");
	emr_notices_add(notices, "refused", "a");
	emr_notices_add(notices, "bad-data", "b");
	emr_notices_add(notices, "bad-data", "a");
	errors = emr_notices_errors(notices, "a", 10);
	assert_int_equal(json_array_size(errors), 2);
	assert_string_equal(
		json_string_value(json_object_get(json_array_get(errors, 0), "error")), "refused");
	assert_string_equal(
		json_string_value(json_object_get(json_array_get(errors, 1), "error")), "bad-data");
	json_decref(errors);
	errors = emr_notices_errors(notices, NULL, 1);
	assert_int_equal(json_array_size(errors), 1);
	json_decref(errors);
}

static long moved_s; /* the clock is so far ahead */

WRAPPED(int, clock_gettime, clockid_t clock, struct timespec *out)
{
	int result = __real_clock_gettime(clock, out);

	out->tv_sec += moved_s;
	return result;
}

static size_t count_of(emr_notices *notices)
{
	EMR_AUTO_FREE char *text = text_of(notices);
	size_t n = 0;

	for (const char *at = text; (at = strchr(at, '\n')) != NULL; at++)
		n++;
	return n;
}

/* A program that saves on a full disk is refused by write, flush and release: that is one thing. */
TEST(what_is_met_several_times_in_a_moment_is_said_once)
{
	AUTO(auto_emr_notices_free) emr_notices *notices;

	assert_ok(emr_notices_new(NULL, &notices));
	for (size_t i = 0; i < 3; i++) {
		emr_notices_add(notices, "disk-full", "a");
		emr_notices_add(notices, "disk-full", "b");
	}
	assert_int_equal(count_of(notices), 2);
	emr_notices_add_with(notices, "refused", "a", "no");
	emr_notices_add_with(notices, "refused", "a", "another reason");
	emr_notices_add_with(notices, "refused", "a", "no");
	assert_int_equal(count_of(notices), 4);
	moved_s += 60; /* and is met again: who has forgotten it hears of it */
	emr_notices_add(notices, "disk-full", "a");
	assert_int_equal(count_of(notices), 5);
	moved_s -= 120; /* a clock that was set back silences nothing */
	emr_notices_add(notices, "disk-full", "a");
	assert_int_equal(count_of(notices), 6);
	moved_s = 0;
}

/* The list is a part of one frame of the socket. */
TEST(a_list_of_errors_stays_small)
{
	AUTO(auto_emr_notices_free) emr_notices *notices;
	json_t *errors;
	char path[4001], *text;

	memset(path, 'x', sizeof path - 1);
	path[sizeof path - 1] = '\0';
	assert_ok(emr_notices_new(NULL, &notices));
	for (int i = 0; i < 100; i++)
		emr_notices_add(notices, "bad-data", path);
	errors = emr_notices_errors(notices, NULL, 100);
	text = json_dumps(errors, JSON_COMPACT);
	assert_true(json_array_size(errors) >= 1);
	assert_true(strlen(text) < 40000);
	free(text);
	json_decref(errors);
}

/* Waits for a file, for at most a minute; what makes it is another process. */
static bool appears(const char *path)
{
	for (int i = 0; i < 6000; i++) {
		const struct timespec pause = {.tv_nsec = 10000000};
		struct stat st;

		if (stat(path, &st) == 0 && st.st_size > 0)
			return true;
		nanosleep(&pause, NULL);
	}
	return false;
}

/* Notices that a program shows: SCRIPT, which becomes the file PROGRAM. */
static emr_notices *told_by(const char *program, const char *script)
{
	emr_notices *notices = NULL;
	int fd = open(program, O_WRONLY | O_CREAT | O_CLOEXEC, 0700);

	assert_int_equal(write(fd, script, strlen(script)), strlen(script));
	close(fd);
	assert_ok(emr_notices_new(program, &notices));
	return notices;
}

TEST(a_program_gets_each_notice_as_json)
{
	char place[] = "/tmp/emrfs-notify-XXXXXX", program[64], result[64], script[256];
	json_t *object;
	emr_notices *notices;

	assert_non_null(mkdtemp(place));
	snprintf(program, sizeof program, "%s/program", place);
	snprintf(result, sizeof result, "%s/result", place);
	snprintf(script, sizeof script, "#!/bin/sh\ncat >'%s.part' && mv '%s.part' '%s'\n", result,
		result, result);
	notices = told_by(program, script);
	emr_notices_add(notices, "refused", "Imaging/a.dcm");
	assert_true(appears(result));
	object = json_load_file(result, 0, NULL);
	assert_non_null(object);
	assert_string_equal(json_string_value(json_object_get(object, "path")), "Imaging/a.dcm");
	json_decref(object);
	emr_notices_free(notices);
	assert_int_equal(unlink(program) + unlink(result) + rmdir(place), 0);
}

/* As one whose last letter was cut in two. */
TEST(a_notice_that_cannot_be_told_keeps_no_other_back)
{
	char place[] = "/tmp/emrfs-notify-XXXXXX", program[64], result[64], go[64], script[256];
	emr_problem cut = {.message = EMR_SAY_REFUSED, .text = "n\xc3"};
	emr_notices *notices;
	int fd;

	assert_non_null(mkdtemp(place));
	snprintf(program, sizeof program, "%s/program", place);
	snprintf(result, sizeof result, "%s/result", place);
	snprintf(go, sizeof go, "%s/go", place);
	snprintf(script, sizeof script,
		"#!/bin/sh\nif grep -q last; then echo told >'%s'; else read go <'%s'; fi\n",
		result, go);
	assert_int_equal(mkfifo(go, 0600), 0);
	notices = told_by(program, script);
	emr_notices_add(notices, "refused", "first");
	emr_notices_add_problem(notices, &cut, "a");
	emr_notices_add_problem(notices, &cut, "b");
	emr_notices_add(notices, "refused", "last");
	fd = open(go, O_WRONLY | O_CLOEXEC); /* once the program has the first */
	assert_true(fd >= 0);
	close(fd);
	assert_true(appears(result));
	emr_notices_free(notices);
	assert_int_equal(unlink(program) + unlink(result) + unlink(go) + rmdir(place), 0);
}

TEST(a_program_that_does_not_end_is_ended_with_the_mount)
{
	emr_notices *notices;
	char place[] = "/tmp/emrfs-notify-XXXXXX", program[64], begun[64], script[256];

	assert_non_null(mkdtemp(place));
	snprintf(program, sizeof program, "%s/program", place);
	snprintf(begun, sizeof begun, "%s/begun", place);
	snprintf(script, sizeof script, "#!/bin/sh\necho $$ >'%s'\nexec sleep 600\n", begun);
	notices = told_by(program, script);
	emr_notices_add(notices, "refused", "x");
	assert_true(appears(begun));
	emr_notices_free(notices); /* returns: the program is gone */
	assert_int_equal(unlink(program) + unlink(begun) + rmdir(place), 0);
}

/* The program of a request hears by a pipe that it waits no more; what was answered before it was
 * told is not told at all. */
TEST(what_was_answered_is_taken_away)
{
	static const emr_id16 ids[3] = {{{1}}, {{2}}, {{3}}};
	static const char *const names[3] = {"r-one", "r-two", "r-three"};
	char place[] = "/tmp/emrfs-notify-XXXXXX", program[64], result[64], ended[64], script[512];
	emr_problem asked = {.message = EMR_SAY_ASKED, .text = "asks"};
	emr_notices *notices;
	struct stat st;
	int fd;

	assert_non_null(mkdtemp(place));
	snprintf(program, sizeof program, "%s/program", place);
	snprintf(script, sizeof script,
		"#!/bin/sh\nid=$(sed 's/.*\"request\":\"\\([a-z-]*\\)\".*\"ends_fd\":3.*/\\1/')\n"
		"{ cat <&3; echo over >'%s/'$id-ended; } &\n"
		"exec 3<&-\n"
		"[ $id != r-one ] || read go <'%s/go'\n"
		"echo told >'%s/'$id\n",
		place, place, place);
	snprintf(result, sizeof result, "%s/go", place);
	assert_int_equal(mkfifo(result, 0600), 0);
	notices = told_by(program, script);
	for (size_t i = 0; i < 3; i++)
		emr_notices_add_request(notices, &asked, "", ids[i], names[i]);
	fd = open(result, O_WRONLY | O_CLOEXEC); /* the first is being told, the others are not */
	assert_true(fd >= 0);
	emr_notices_answered(notices, (emr_id16[]){ids[0], ids[2]}, 2);
	close(fd);
	unlink(result);
	snprintf(result, sizeof result, "%s/r-three", place);
	assert_true(appears(result));
	unlink(result);
	snprintf(result, sizeof result, "%s/r-two", place);
	assert_int_not_equal(stat(result, &st), 0);
	snprintf(result, sizeof result, "%s/r-one", place);
	assert_true(appears(result));
	unlink(result);
	snprintf(ended, sizeof ended, "%s/r-one-ended", place);
	assert_int_not_equal(stat(ended, &st), 0);
	emr_notices_answered(notices, &ids[2], 1);
	assert_true(appears(ended));
	unlink(ended);
	snprintf(ended, sizeof ended, "%s/r-three-ended", place);
	assert_int_not_equal(stat(ended, &st), 0);
	emr_notices_free(notices); /* the folder is closed: nobody can answer */
	assert_true(appears(ended));
	assert_int_equal(unlink(ended) + unlink(program) + rmdir(place), 0);
}

static size_t pipes_held(void)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *entry;
	size_t n = 0;

	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL) {
		struct stat st;

		n += fstatat(dirfd(dir), entry->d_name, &st, 0) == 0 && S_ISFIFO(st.st_mode);
	}
	closedir(dir);
	return n;
}

/* A person who may ask may ask often: the mount has other use of its descriptors. */
TEST(many_requests_hold_few_pipes)
{
	char place[] = "/tmp/emrfs-notify-XXXXXX", program[64], result[64], script[256], name[20];
	emr_problem asked = {.message = EMR_SAY_ASKED, .text = "asks"};
	size_t before = pipes_held();
	emr_notices *notices;

	assert_non_null(mkdtemp(place));
	snprintf(program, sizeof program, "%s/program", place);
	snprintf(result, sizeof result, "%s/result", place);
	snprintf(script, sizeof script, "#!/bin/sh\n! grep -q r-29 || echo told >'%s'\n", result);
	notices = told_by(program, script);
	for (uint8_t i = 0; i < 30; i++) {
		snprintf(name, sizeof name, "r-%u", i);
		emr_notices_add_request(notices, &asked, "", (emr_id16){{i}}, name);
	}
	assert_true(appears(result));
	assert_in_range(pipes_held() - before, 1, 21); /* of the last perhaps both ends */
	emr_notices_free(notices);
	assert_int_equal(pipes_held(), before);
	assert_int_equal(unlink(result) + unlink(program) + rmdir(place), 0);
}

TESTS(NULL, NULL)
