/* This checker looks in the copy of a file with a header of fixed layout (NIfTI, EDF, BDF) for
 * words of the original's texts. It knows where those stand by a list of its own, and nothing of
 * how the writer reads. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "headed.h"
#include "words.h"

static const struct {
	const char *start;
	uint8_t start_len;
	uint16_t from, len; /* of texts */
} texts[] = {{"0       ", 8, 8, 168},
	{"\xff"
	 "BIOSEMI",
		8, 8, 168},
	{"\x5c\1\0\0", 4, 4, 28}, {"\x5c\1\0\0", 4, 148, 104}, {"\x5c\1\0\0", 4, 328, 16},
	{"\0\0\1\x5c", 4, 4, 28}, {"\0\0\1\x5c", 4, 148, 104}, {"\0\0\1\x5c", 4, 328, 16},
	{"\x1c\2\0\0", 4, 240, 104}, {"\x1c\2\0\0", 4, 508, 16}, {"\0\0\2\x1c", 4, 240, 104},
	{"\0\0\2\x1c", 4, 508, 16}};

static void take_text(words *all, const uint8_t *p, size_t len)
{
	size_t start = 0;

	for (size_t i = 0; i <= len; i++) {
		if (i < len && words_is_letter_or_digit(p[i]))
			continue;
		if (i - start >= WORD_MIN &&
			(i - start != 9 || memcmp(p + start, "Startdate", 9) != 0))
			words_add(all, p + start, i - start);
		start = i + 1;
	}
}

emr_withheld headed_check(int original_fd, uint64_t original_size, int copy_fd, uint64_t copy_size)
{
	flat_file *files = calloc(2, sizeof *files);
	words *all = words_new();
	emr_withheld why = EMR_WITHHELD_DAMAGED;
	const uint8_t *p;
	size_t len = copy_size < 348 ? (size_t)copy_size : 348;

	if (files != NULL && all != NULL) {
		files[0] = (flat_file){.fd = original_fd, .size = original_size};
		files[1] = (flat_file){.fd = copy_fd, .size = copy_size};
		for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
			p = flat_bytes(files, 0, (size_t)texts[i].from + texts[i].len);
			if (p != NULL && memcmp(p, texts[i].start, texts[i].start_len) == 0)
				take_text(all, p + texts[i].from, texts[i].len);
		}
		p = flat_bytes(files + 1, 0, len);
		why = p == NULL				   ? EMR_WITHHELD_DAMAGED
		      : words_found(all, WORD_MIN, p, len) ? EMR_WITHHELD_FOUND_AGAIN
							   : EMR_WITHHELD_NOT;
	}
	words_free(all);
	free(files);
	return why;
}
