/* Headers are read by a process that a hostile file may break, delay or take over: what that costs,
 * and that nothing else is lost.  This program is its own bad helper: started as one, it does what
 * the title of a file asks for. */
#include "emr_test.h"

#include <dirent.h>
#include <signal.h>
#include <sys/wait.h>

#include "helper/inside.h"
#include "parts.h"
#include "protocol.h"

AUTO_OF(emr_header_reader_free, emr_header_reader *)

static const uint8_t ana[16] = {1}, rui[16] = {2};

/* ---- the bad helper ---- */

static protocol_message message;

static bool is_asked_to(const char *word)
{
	return memmem(message.bytes, message.len, word, strlen(word)) != NULL;
}

static void say(uint32_t kind, uint32_t len, size_t size)
{
	message.kind = kind;
	message.status = EMR_OK;
	message.len = len;
	(void)emr_inside_tell(&message, size);
}

/* A modality, as it is kept. */
static void find(const char *text)
{
	size_t len = strlen(text);
	const uint8_t start[] = {1, EMR_HEADER_DICOM, 1, (uint8_t)len};

	memcpy(message.bytes, start, sizeof start);
	memcpy(message.bytes + sizeof start, text, len);
	say(PROTOCOL_FOUND, (uint32_t)(sizeof start + len), protocol_size(4 + (uint32_t)len));
}

static int be_helper(void)
{
	size_t got;

	(void)emr_inside_ready_tell(PROTOCOL_VERSION);
	for (int n = 1; emr_inside_hear(&message, sizeof message, &got, NULL, 0); n++) {
		if (is_asked_to("die"))
			raise(SIGSEGV);
		if (is_asked_to("hang"))
			pause();
		if (is_asked_to("quit"))
			return 0;
		if (is_asked_to("control"))
			find("\x1b[2J");
		else if (is_asked_to("long"))
			say(PROTOCOL_FOUND, EMR_HEADERS_HEAD + 1, protocol_size(0));
		else if (is_asked_to("short"))
			say(PROTOCOL_FOUND, 100, protocol_size(3));
		else if (is_asked_to("other"))
			say(4711, 0, protocol_size(0));
		else {
			find(printed("%d", n));
		}
	}
	return 0;
}

/* ---- callers ---- */

/* A file that looks like DICOM, with TEXT behind that. */
static emr_status ask(
	emr_header_reader *r, const uint8_t whose[16], const char *text, emr_headers *out)
{
	char file[1000] = "";

	memcpy(file + 128, "DICM", 4);
	snprintf(file + 132, sizeof file - 132, "%s", text);
	return emr_header_reader_read(r, whose, emr_bytes_of(file, 132 + strlen(text)), out);
}

static emr_header_reader *open_reader(const char *program, uint32_t file_ms)
{
	emr_header_reader *r = NULL;

	assert_ok(emr_header_reader_new(program, file_ms, &r));
	return r;
}

/* How many files the process has seen that reads TEXT, this one counted. */
static const char *served(emr_header_reader *r, const uint8_t whose[16], const char *text)
{
	static emr_headers found;

	assert_ok(ask(r, whose, text, &found));
	return found.modality;
}

TEST(a_file_that_breaks_its_reader_costs_its_headers_and_no_others)
{
	static const char *const files[] = {"die", "quit", "control", "long", "short", "other"};
	emr_header_reader *r = open_reader("/proc/self/exe", 0);
	emr_headers found = {0};

	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		assert_status(EMR_IO, ask(r, ana, files[i], &found));
		assert_int_equal(found.kind, EMR_HEADER_NONE);
		assert_string_equal(served(r, ana, ""), "1");
	}
	emr_header_reader_free(r);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* and nobody is left */
	assert_int_equal(errno, ECHILD);
}

TEST(a_file_that_takes_too_long_is_ended)
{
	emr_header_reader *r = open_reader("/proc/self/exe", 100);
	emr_headers found = {0};

	assert_status(EMR_TIMEOUT, ask(r, ana, "hang", &found));
	emr_header_reader_free(r);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

TEST(no_process_sees_the_files_of_two_folders)
{
	AUTO(auto_emr_header_reader_free) emr_header_reader *r = open_reader("/proc/self/exe", 0);

	assert_string_equal(served(r, ana, ""), "1");
	assert_string_equal(served(r, ana, ""), "2");
	assert_string_equal(served(r, rui, ""), "1");
	assert_string_equal(served(r, ana, ""), "1");
}

TEST(what_is_of_no_format_costs_no_process)
{
	AUTO(auto_emr_header_reader_free) emr_header_reader *r = open_reader("/proc/self/exe", 0);

	emr_headers found = {.kind = EMR_HEADER_DICOM};

	assert_ok(emr_header_reader_read(r, ana, emr_bytes_of("just words, die", 15), &found));
	assert_int_equal(found.kind, EMR_HEADER_NONE);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* nobody was started */
}

TEST(without_a_helper_there_are_no_headers)
{
	static const char *const programs[] = {"/nonexistent", "/bin/false", "/etc/passwd"};
	emr_headers found = {0};

	for (size_t i = 0; i < sizeof programs / sizeof *programs; i++) {
		emr_header_reader *r = open_reader(programs[i], 0);

		for (int j = 0; j < 2; j++) /* the second time it is not tried */
			assert_status(EMR_IO, ask(r, ana, "", &found));
		emr_header_reader_free(r);
	}
}

/* ---- the real helper ---- */

static void compare_with_the_parser(emr_header_reader *r, emr_bytes file)
{
	emr_headers there = {0}, here = {0};

	assert_ok(emr_header_reader_read(r, ana, file, &there));
	assert_ok(emr_headers_read_bytes(file, &here));
	assert_int_equal(there.kind, here.kind);
	assert_string_equal(there.modality, here.modality);
	assert_string_equal(there.study_date, here.study_date);
	assert_string_equal(there.description, here.description);
	assert_string_equal(there.organisation, here.organisation);
}

/* All that the parser meets: none of it asks for what the sandbox has not. */
TEST(every_kept_file_says_in_the_sandbox_what_it_says_outside)
{
	static uint8_t bytes[1 << 20];
	AUTO(auto_emr_header_reader_free) emr_header_reader *r = open_reader(EMR_READ_HEADERS, 0);
	DIR *corpus = opendir(EMR_HEADERS_CORPUS);
	struct dirent *entry;
	int files = 0;

	assert_non_null(corpus);
	while ((entry = readdir(corpus)) != NULL) {
		FILE *file;

		file = entry->d_name[0] != '.'
			       ? fopen(printed("%s/%s", EMR_HEADERS_CORPUS, entry->d_name), "rb")
			       : NULL;
		if (file == NULL)
			continue;
		compare_with_the_parser(
			r, emr_bytes_of(bytes, fread(bytes, 1, sizeof bytes, file)));
		(void)fclose(file);
		files++;
	}
	(void)closedir(corpus);
	assert_true(files > 3);
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], PROTOCOL_ROLE) == 0)
		return be_helper();
	return emr_tests_run(NULL, NULL);
}
