/* These tests draw the line of progress: pace, words and width are right, a name in it cannot
 * control the terminal, and nothing is drawn where nobody looks. */
#include "emr_test.h"

#include <pty.h>
#include <sys/ioctl.h>

#include "kit/out.h"
#include "kit/text.h"
#include "mount/client.h"

#define SECOND INT64_C(1000000000)

static const char *text_of(const char *doing, emr_progress_unit unit, uint64_t done, uint64_t total,
	uint64_t per_second)
{
	static char text[200];
	const emr_progress_at at = {doing, unit, done, total, per_second};

	emr_progress_text(&at, text, sizeof text);
	return text;
}

TEST(the_line_says_how_much_of_how_much_and_how_fast)
{
	assert_string_equal(text_of("Copied", EMR_PROGRESS_BYTES, 1290000000, 5000000000, 85300000),
		"Copied 1.2 GB of 5.0 GB (25%), 85.3 MB a second ...");
	assert_string_equal(text_of("Checked", EMR_PROGRESS_RECORDS, 120, 3400, 0),
		"Checked 120 of 3,400 records (3%) ...");
	assert_string_equal(text_of("Sent", EMR_PROGRESS_CHANGES, 12, 46, 5),
		"Sent 12 of 46 changes (26%), 34 to go, 5 a second ...");
	assert_string_equal(text_of("Read", EMR_PROGRESS_RECORDS, 1, 0, 0), "Read 1 record ...");
	/* More is there than was counted: never above all of it. */
	assert_string_equal(text_of("Copied", EMR_PROGRESS_BYTES, 2000, 1000, 0),
		"Copied 2.0 kB of 2.0 kB (100%) ...");
	assert_string_equal(
		text_of("Copied", EMR_PROGRESS_BYTES, UINT64_MAX, UINT64_MAX, UINT64_MAX),
		"Copied 18.4 EB of 18.4 EB (100%), 18.4 EB a second ...");
}

TEST(sizes_that_grow_are_cut_not_rounded)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} cases[] = {{0, "0 bytes"}, {999, "999 bytes"}, {1000, "1.0 kB"}, {63884, "63.8 kB"},
		{99999, "99.9 kB"}, {164900000, "164 MB"}, {999999999, "999 MB"}};
	char text[EMR_TEXT_BYTES];

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		emr_size_fine_text(cases[i].bytes, text);
		assert_string_equal(text, cases[i].text);
	}
}

TEST(the_pace_is_that_of_the_last_seconds)
{
	emr_pace pace = {0};
	uint64_t found = 0;

	assert_int_equal(emr_pace_note(&pace, 5 * SECOND, 100), 0);
	assert_int_equal(emr_pace_note(&pace, 5 * SECOND + SECOND / 2, 150), 0);
	assert_int_equal(emr_pace_note(&pace, 7 * SECOND, 300), 100);
	/* Ten a second from here on: the quick beginning is forgotten. */
	for (int64_t s = 8; s < 30; s++)
		found = emr_pace_note(&pace, s * SECOND, 300 + 10 * (uint64_t)(s - 7));
	assert_int_equal(found, 10);
	/* Nothing moves. */
	for (int64_t s = 30; s < 50; s++)
		found = emr_pace_note(&pace, s * SECOND, 520);
	assert_int_equal(found, 0);
	/* It began again. */
	assert_int_equal(emr_pace_note(&pace, 50 * SECOND, 3), 0);
	assert_int_equal(emr_pace_note(&pace, 52 * SECOND, 7), 2);
}

TEST(a_long_line_is_cut_to_the_terminal)
{
	char line[64];

	assert_int_equal(emr_progress_fit("Copied 1 of 2", 40, line, sizeof line), 13);
	assert_string_equal(line, "Copied 1 of 2");
	assert_int_equal(emr_progress_fit("Copied 1 of 2", 13, line, sizeof line), 13);
	assert_string_equal(line, "Copied 1 of 2");
	assert_int_equal(emr_progress_fit("Copied 1 of 2", 12, line, sizeof line), 12);
	assert_string_equal(line, "Copied 1 ...");
	assert_int_equal(emr_progress_fit("Copied 1 of 2", 3, line, sizeof line), 0);
	assert_string_equal(line, "");
	assert_int_equal(emr_progress_fit("", 0, line, sizeof line), 0);
	/* The buffer is a border too. */
	assert_int_equal(emr_progress_fit("Copied 1 of 2", 40, line, 8), 7);
	assert_string_equal(line, "Copi...");
}

TEST(wide_letters_count_as_two_and_marks_as_none)
{
	char line[64];

	assert_int_equal(emr_progress_fit("胸部レントゲン", 14, line, sizeof line), 14);
	assert_string_equal(line, "胸部レントゲン");
	/* Half a wide letter has no place. */
	assert_int_equal(emr_progress_fit("胸部レントゲン", 12, line, sizeof line), 11);
	assert_string_equal(line, "胸部レン...");
	/* e and a combining acute */
	assert_int_equal(emr_progress_fit("cafe\u0301", 4, line, sizeof line), 4);
	assert_string_equal(line, "cafe\u0301");
}

TEST(nothing_in_a_name_drives_the_terminal)
{
	char line[64];

	assert_int_equal(emr_progress_fit("a\x1b[2Jb\nc\td\x7f", 40, line, sizeof line), 11);
	assert_string_equal(line, "a?[2Jb?c?d?");
	assert_int_equal(emr_progress_fit("x\xff\xe2\x82y\xe2\x82", 40, line, sizeof line), 7);
	assert_string_equal(line, "x???y??");
}

/* ---- on a terminal ---- */

typedef struct screen {
	int master, saved;
} screen;

static screen screen_begin(unsigned short columns)
{
	struct winsize size = {.ws_row = 24, .ws_col = columns};
	screen s;
	EMR_AUTO_FD slave;

	assert_int_equal(openpty(&s.master, &slave, NULL, NULL, &size), 0);
	fflush(stderr);
	s.saved = dup(STDERR_FILENO);
	assert_true(s.saved >= 0);
	assert_int_equal(dup2(slave, STDERR_FILENO), STDERR_FILENO);
	return s;
}

static const char *screen_end(screen *s)
{
	static char seen[2000];
	size_t at = 0;
	ssize_t n;

	/* With its other end closed the master gives the rest, and then EIO. */
	assert_int_equal(dup2(s->saved, STDERR_FILENO), STDERR_FILENO);
	close(s->saved);
	while ((n = read(s->master, seen + at, sizeof seen - 1 - at)) > 0)
		at += (size_t)n;
	seen[at] = '\0';
	close(s->master);
	return seen;
}

TEST(a_line_fits_the_terminal_and_is_erased_at_the_end)
{
	emr_out out = {.is_json = false};
	screen s;

	assert_int_equal(setenv("TERM", "xterm", 1), 0);
	s = screen_begin(21);
	emr_progress(&out, "Reading the very long name of it");
	assert_true(out.progress_shown);
	emr_progress_end(&out);
	emr_progress_end(&out);
	assert_string_equal(screen_end(&s), "\rReading the very ...\033[K\r\033[K");
}

TEST(quick_work_is_not_drawn_again_and_again)
{
	emr_out out = {.is_json = false};
	static const char copied[] = "Copied", read[] = "Read";
	screen s = screen_begin(0);

	emr_progress_of(&out, copied, EMR_PROGRESS_RECORDS, 1, 9);
	out.drawn_ns = INT64_MAX / 2; /* just now, however slow this machine is */
	emr_progress_of(&out, copied, EMR_PROGRESS_RECORDS, 2, 9);
	emr_progress_of(&out, read, EMR_PROGRESS_RECORDS, 1, 9);
	emr_progress_end(&out);
	assert_string_equal(screen_end(&s), "\rCopied 1 of 9 records (11%) ...\033[K\rRead 1 of 9 "
					    "records (11%) ...\033[K\r\033[K");
}

TEST(json_quiet_and_a_dumb_terminal_see_nothing)
{
	emr_out json = {.is_json = true}, quiet = {.is_quiet = true}, plain = {.is_json = false};
	screen s = screen_begin(80);

	emr_progress(&json, "x");
	emr_progress_of(&quiet, "x", EMR_PROGRESS_BYTES, 1, 2);
	setenv("TERM", "dumb", 1);
	emr_progress(&plain, "x");
	setenv("TERM", "xterm", 1);
	emr_progress_end(&json);
	emr_progress_end(&quiet);
	emr_progress_end(&plain);
	assert_string_equal(screen_end(&s), "");
}

TEST(waiting_for_the_ledger_counts_down)
{
	static const struct {
		int pending, writing, bytes;
	} answers[] = {
		{46, 1, 0}, {34, 0, 0}, {36, 2, 0}, {2, 2, 3100000}, {1, 1, 4000000}, {0, 0, 0}};
	emr_out out = {.is_json = false};
	emr_sending sending = {0};
	screen s = screen_begin(0);

	for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
		json_t *answer = json_pack("{s:i, s:i, s:i}", "pending", answers[i].pending,
			"writing_files", answers[i].writing, "writing_bytes", answers[i].bytes);

		out.drawn_ns = 0;
		emr_sending_show(&sending, answer, &out);
		json_decref(answer);
	}
	emr_progress_end(&out);
	/* Changes that came meanwhile are more to send, not less that was sent. */
	assert_string_equal(screen_end(&s),
		"\rSent 0 of 46 changes (0%), 46 to go ...\033[K"
		"\rSent 12 of 46 changes (26%), 34 to go ...\033[K"
		"\rSent 12 of 48 changes (25%), 36 to go ...\033[K"
		"\r2 files are being written, 3.1 MB so far ...\033[K"
		"\r1 file is being written, 4.0 MB so far ...\033[K\r\033[K");
	assert_int_equal(sending.sent, 48);
}

TESTS(NULL, NULL)
