/* These tests are about the processes that read strangers' files: what they have and have not,
 * and that whatever becomes of them no copy is left but a clean one. This program is its own bad
 * helper: started as one, it does what the first byte of the file asks for. */
#include "emr_test.h"

#include <dirent.h>
#include <signal.h>
#include <sys/wait.h>

#include "deidentify_kit.h"
#include "helper/inside.h"
#include "protocol.h"

extern char **environ;

/* ---- the bad helper ---- */

/* "fd 0 1 2 3 ...; env N; key N" into the copy. */
static void tell_all(const protocol_file *file, int fd)
{
	char text[512];
	int len = snprintf(text, sizeof text, "fd"), names = 0, key = 0;
	struct dirent *entry;
	DIR *dir = opendir("/proc/self/fd");

	while (dir != NULL && (entry = readdir(dir)) != NULL)
		if (entry->d_name[0] != '.' && atoi(entry->d_name) != dirfd(dir))
			len += snprintf(
				text + len, sizeof text - (size_t)len, " %s", entry->d_name);
	for (size_t i = 0; i < sizeof file->key; i++)
		key |= file->key[i];
	for (char **name = environ; name != NULL && *name != NULL; name++)
		names++;
	snprintf(text + len, sizeof text - (size_t)len, "; env %d; key %d", names, key != 0);
	(void)!pwrite(fd, text, strlen(text), 0);
}

static void do_as_asked(
	char what, const protocol_file *file, const int fds[2], protocol_result *result)
{
	static const emr_deidentified good = {.modality = "CT",
		.study_uid = "2.25.1",
		.series_uid = "2.25.2",
		.instance_uid = "2.25.3"};
	struct stat st = {0};

	result->kind = PROTOCOL_RESULT;
	result->what = good;
	(void)!pwrite(fds[1], "half a copy", 11, 0);
	if (what == 'd')
		raise(SIGSEGV);
	if (what == 'k')
		raise(SIGKILL);
	if (what == 'q')
		_exit(0);
	if (what == 'p')
		pause();
	if (what == 'n')
		result->what.withheld = (emr_withheld)4711;
	if (what == 'm')
		memset(result->what.modality, 'A', sizeof result->what.modality);
	if (what == 'u')
		strcpy(result->what.study_uid, "../../etc/passwd");
	if (what == 't')
		tell_all(file, fds[1]);
	(void)fstat(fds[1], &st);
	result->what.size = (uint64_t)st.st_size + (what == 'z');
}

/* The year of a scan says what it does. */
static int be_scanner(void)
{
	protocol_result result = {.kind = PROTOCOL_RESULT};
	uint8_t piece[PROTOCOL_PIECE];
	protocol_look look;
	size_t got;

	(void)emr_inside_ready_tell(PROTOCOL_VERSION);
	for (uint32_t served = 0; emr_inside_hear(&look, sizeof look, &got, NULL, 0); served++) {
		const protocol_want want = {
			.kind = PROTOCOL_WANT, .len = 1, .at = look.year == 'b' ? look.size : 0};

		if (look.year == 'p')
			pause();
		if (look.year == 'd' || (look.year == 'o' && served > 0))
			raise(SIGKILL);
		if (!emr_inside_tell(&want, sizeof want) ||
			!emr_inside_hear(piece, sizeof piece, &got, NULL, 0))
			_exit(0);
		result.what.withheld = look.year == 's' ? EMR_WITHHELD_STOPPED : EMR_WITHHELD_NOT;
		(void)emr_inside_tell(&result, sizeof result);
	}
	return 0;
}

static int be_helper(const char *role)
{
	protocol_result result;
	protocol_file file;
	uint32_t served = 0;
	size_t got;
	int fds[2];

	(void)emr_inside_ready_tell(PROTOCOL_VERSION);
	while (emr_inside_hear(&file, sizeof file, &got, fds, 2)) {
		char what = 0;

		(void)!pread(fds[0], &what, 1, 0);
		result = (protocol_result){.kind = PROTOCOL_RESULT};
		if (strcmp(role, PROTOCOL_WRITE) == 0)
			do_as_asked(what, &file, fds, &result);
		else if (what == 'c')
			raise(SIGSEGV);
		else if (what == 'w' && pwrite(fds[1], "changed", 7, 0) == 7)
			_exit(0);
		result.what.elements_kept = ++served;
		close(fds[0]);
		close(fds[1]);
		(void)emr_inside_tell(&result, sizeof result);
	}
	return 0;
}

/* ---- callers ---- */

static emr_secret key;

AROUND(make_key)
{
	assert_ok(emr_base_init());
	assert_ok(emr_secret_new(EMR_DEIDENTIFY_KEY_BYTES, &key));
	memset(key.data, 'k', key.len);
}

static emr_deidentifier *open_helper_for(const char *program, uint32_t deadline_ms)
{
	const emr_deidentify_rules rules = {.deadline_ms = deadline_ms};
	emr_deidentifier *d = NULL;

	assert_ok(emr_deidentifier_open(program, &rules, &d));
	return d;
}

static emr_deidentifier *open_helper(const char *program)
{
	return open_helper_for(program, 0);
}

/* Returns what becomes of BYTES, and the copy in *OUT. */
static const char *copied(emr_deidentifier *d, emr_bytes bytes, emr_buf *out)
{
	int in = made_memory(bytes), copy = made_memory(emr_bytes_of("", 0));
	emr_deidentified what = {0};

	assert_ok(emr_deidentify_file(d, &key, "p-1", in, copy, &what));
	emr_buf_clear(out);
	assert_ok(emr_buf_append_zeros(out, (size_t)lseek(copy, 0, SEEK_END)));
	assert_int_equal(pread(copy, out->data, out->len, 0), (ssize_t)out->len);
	close(in);
	close(copy);
	return emr_withheld_text(what.withheld);
}

TEST(a_helper_that_dies_or_lies_leaves_no_copy)
{
	emr_deidentifier *d = open_helper("/proc/self/exe");
	EMR_AUTO_BUF out = {0};

	for (const char *what = "dkqnmuzcw"; *what != '\0'; what++) {
		const char *why = copied(d, emr_bytes_of(what, 1), &out);

		assert_string_equal(why, *what == 'w' ? "" : "stopped");
		if (*what == 'w')
			assert_memory_equal(out.data, "half a copy", 11);
		else
			assert_int_equal(out.len, 0);
	}
	assert_string_equal(copied(d, emr_bytes_of("g", 1), &out), ""); /* and the next is served */
	emr_deidentifier_close(d);
}

TEST(a_helper_has_no_other_descriptor_no_environment_and_the_one_key)
{
	emr_deidentifier *d = open_helper("/proc/self/exe");
	EMR_AUTO_FD secret = fcntl(0, F_DUPFD, 50); /* not closed by an exec */
	emr_buf out = {0};

	assert_true(secret > 3);
	assert_string_equal(copied(d, emr_bytes_of("t", 1), &out), "");
	assert_ok(emr_buf_append(&out, "", 1));
	assert_string_equal((const char *)out.data, "fd 0 1 2 3 4 5; env 0; key 1");
	emr_buf_free(&out);
	emr_deidentifier_close(d);
}

TEST(a_helper_that_does_not_come_to_an_end_is_stopped)
{
	emr_deidentifier *d = open_helper_for("/proc/self/exe", 100);
	emr_buf out = {0};

	assert_string_equal(copied(d, emr_bytes_of("p", 1), &out), "late");
	assert_int_equal(out.len, 0);
	emr_buf_free(&out);
	emr_deidentifier_close(d);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* and nobody is left */
	assert_int_equal(errno, ECHILD);
}

static uint32_t served_before(emr_deidentifier *d, const emr_secret *whose)
{
	int in = made_memory(emr_bytes_of("g", 1)), copy = made_memory(emr_bytes_of("", 0));
	emr_deidentified what = {0};

	assert_ok(emr_deidentify_file(d, whose, "p-1", in, copy, &what));
	close(in);
	close(copy);
	return what.elements_kept;
}

TEST(no_helper_sees_the_files_of_two_participants)
{
	emr_deidentifier *d = open_helper("/proc/self/exe");
	EMR_AUTO_SECRET other = {0};

	assert_ok(emr_secret_new(EMR_DEIDENTIFY_KEY_BYTES, &other));
	assert_int_equal(served_before(d, &key), 1);
	assert_int_equal(served_before(d, &key), 2);
	assert_int_equal(served_before(d, &other), 1);
	assert_int_equal(served_before(d, &key), 1);
	emr_deidentifier_close(d);
}

/* ---- what others call copies ---- */

static emr_status give_or_fail(void *arg, uint64_t at, void *out, size_t len)
{
	(void)at;
	memset(out, 0, len);
	return *(const emr_status *)arg;
}

static const char *scanned(emr_deidentifier *d, unsigned year)
{
	emr_status fine = EMR_OK;
	emr_withheld why;

	assert_ok(emr_deidentify_scan(d, 1000, year, give_or_fail, &fine, &why));
	return emr_withheld_text(why);
}

TEST(a_scanner_that_dies_or_lies_calls_nothing_a_copy)
{
	emr_deidentifier *d = open_helper_for("/proc/self/exe", 2000);

	assert_string_equal(scanned(d, 'g'), "");
	for (const char *what = "dbs"; *what != '\0'; what++) {
		assert_string_equal(scanned(d, (unsigned)*what), "stopped");
		assert_string_equal(scanned(d, 'g'), "");
	}
	emr_deidentifier_close(d);
	d = open_helper_for("/proc/self/exe", 100);
	assert_string_equal(scanned(d, 'p'), "late");
	emr_deidentifier_close(d);
}

TEST(a_scanner_that_ends_by_itself_is_no_fault_of_the_file)
{
	emr_deidentifier *d = open_helper("/proc/self/exe");

	for (int i = 0; i < 3; i++)
		assert_string_equal(scanned(d, 'o'), "");
	emr_deidentifier_close(d);
}

TEST(what_reading_a_file_says_is_no_finding_of_a_scan)
{
	static const emr_status failures[] = {
		EMR_IO, EMR_TIMEOUT, EMR_INVALID, EMR_MISSING_DATA, EMR_DAMAGED};
	emr_deidentifier *d = open_helper(EMR_DEIDENTIFY_HELPER);
	emr_withheld why;

	for (size_t i = 0; i < sizeof failures / sizeof *failures; i++) {
		emr_status fails = failures[i];

		assert_status(
			fails, emr_deidentify_scan(d, 1000, 2026, give_or_fail, &fails, &why));
		assert_string_equal(scanned(d, 2026), "not-dicom");
	}
	emr_deidentifier_close(d);
}

TEST(the_real_helper_copies_and_withholds_one_after_the_other)
{
	emr_deidentifier *d = open_helper(EMR_DEIDENTIFY_HELPER);
	emr_buf out = {0};
	made m;

	made_ct(&m, MADE_EXPLICIT);
	for (int i = 0; i < 3; i++) {
		assert_string_equal(copied(d, emr_buf_view(&m.bytes), &out), "");
		assert_true(out.len > 0);
		assert_string_equal(
			copied(d, emr_bytes_of(m.bytes.data, m.bytes.len - 3), &out), "damaged");
		assert_int_equal(out.len, 0);
		assert_string_equal(copied(d, emr_bytes_of("no", 2), &out), "not-dicom");
	}
	emr_buf_free(&out);
	emr_buf_free(&m.bytes);
	emr_deidentifier_close(d);
}

/* The first 128 bytes of a DICOM file may be the head of a program, too. */
TEST(no_program_is_in_a_copy)
{
	emr_deidentifier *d = open_helper(EMR_DEIDENTIFY_HELPER);
	const uint8_t nothing[128] = {0};
	emr_buf out = {0};
	made m;

	made_ct(&m, MADE_EXPLICIT);
	memcpy(m.bytes.data, "#!/bin/sh\nid\nexit\n", 18);
	assert_string_equal(copied(d, emr_buf_view(&m.bytes), &out), "");
	assert_memory_equal(out.data, nothing, sizeof nothing);
	assert_string_equal(copied(d, emr_bytes_of("\177ELF", 4), &out), "not-dicom");
	assert_string_equal(copied(d, emr_bytes_of("name,age\nAna,61\n", 16), &out), "not-dicom");
	emr_buf_free(&out);
	emr_buf_free(&m.bytes);
	emr_deidentifier_close(d);
}

TEST(without_a_helper_nothing_is_copied)
{
	static const char *const programs[] = {"/nonexistent", "/bin/false", "/etc/passwd"};
	made m;

	made_ct(&m, MADE_EXPLICIT);
	for (size_t i = 0; i < sizeof programs / sizeof *programs; i++) {
		emr_deidentifier *d = open_helper(programs[i]);
		int in = made_memory(emr_buf_view(&m.bytes)),
		    copy = made_memory(emr_bytes_of("", 0));
		emr_deidentified what = {0};

		assert_status(EMR_IO, emr_deidentify_file(d, &key, "p-1", in, copy, &what));
		assert_int_equal(lseek(copy, 0, SEEK_END), 0);
		close(in);
		close(copy);
		emr_deidentifier_close(d);
	}
	emr_buf_free(&m.bytes);
}

TEST(wrong_files_and_names_are_refused)
{
	emr_deidentifier *d = open_helper(EMR_DEIDENTIFY_HELPER);
	EMR_AUTO_FD full = made_memory(emr_bytes_of("full", 4)), null = open("/dev/null", O_RDWR);
	EMR_AUTO_FD self = open("/proc/self/exe", O_RDONLY),
		    empty = made_memory(emr_bytes_of("", 0));
	static const char *const names[] = {"", "Ana Silva", "a\\b", "../x",
		"a-name-of-more-than-sixty-three-letters-is-no-name-of-a-participant"};
	emr_deidentified what = {0};

	assert_status(EMR_INVALID, emr_deidentify_file(d, &key, "p-1", full, full, &what));
	assert_status(EMR_INVALID, emr_deidentify_file(d, &key, "p-1", full, null, &what));
	assert_status(EMR_INVALID, emr_deidentify_file(d, &key, "p-1", null, full, &what));
	assert_status(EMR_INVALID, emr_deidentify_file(d, &key, "p-1", full, self, &what));
	assert_status(EMR_INVALID, emr_deidentify_file(d, &key, "p-1", -1, full, &what));
	assert_int_equal(lseek(full, 0, SEEK_END), 4);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		assert_status(
			EMR_INVALID, emr_deidentify_file(d, &key, names[i], full, empty, &what));
	emr_deidentifier_close(d);
}

/* ---- keys ---- */

TEST(keys_of_datasets_and_participants_have_nothing_in_common)
{
	EMR_AUTO_SECRET set = {0}, a = {0}, again = {0}, b = {0}, other = {0};

	assert_ok(emr_secret_new(EMR_DEIDENTIFY_KEY_BYTES, &set));
	memset(set.data, 's', set.len);
	assert_ok(emr_deidentify_key(&set, emr_bytes_of("ana", 3), &a));
	assert_ok(emr_deidentify_key(&set, emr_bytes_of("ana", 3), &again));
	assert_ok(emr_deidentify_key(&set, emr_bytes_of("rui", 3), &b));
	set.data[0] = 't';
	assert_ok(emr_deidentify_key(&set, emr_bytes_of("ana", 3), &other));
	assert_memory_equal(a.data, again.data, a.len);
	assert_memory_not_equal(a.data, b.data, a.len);
	assert_memory_not_equal(a.data, other.data, a.len);
}

int main(int argc, char **argv)
{
	if (argc == 2)
		return strcmp(argv[1], PROTOCOL_SCAN) == 0 ? be_scanner() : be_helper(argv[1]);
	return emr_tests_run(make_key, NULL);
}
