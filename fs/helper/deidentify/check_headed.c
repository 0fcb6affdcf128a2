/* This checker looks in the copy of a file with a header of fixed layout (NIfTI, EDF, BDF) for
 * words of the original's texts. It knows where those stand by a list of its own, and nothing of
 * how the writer reads. */
#include <string.h>

#include "base/codec.h"

#include "check.h"
#include "headed.h"
#include "words.h"

/* Where texts are, by the first four bytes: of EDF and BDF, NIfTI-1 and NIfTI-2 in either order. */
static const struct {
	uint32_t start;
	uint16_t from, len;
} texts[] = {{0x30202020, 8, 168}, {0xff42494f, 8, 168}, {0x5c010000, 4, 28},
	{0x5c010000, 148, 104}, {0x5c010000, 328, 16}, {0x0000015c, 4, 28}, {0x0000015c, 148, 104},
	{0x0000015c, 328, 16}, {0x1c020000, 240, 104}, {0x1c020000, 508, 16},
	{0x0000021c, 240, 104}, {0x0000021c, 508, 16}};

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
	static flat_file original, copy;
	words *all = words_new();
	emr_withheld why = EMR_WITHHELD_DAMAGED;
	const uint8_t *p;
	size_t len = copy_size < 348 ? (size_t)copy_size : 348;

	original = (flat_file){.fd = original_fd, .size = original_size};
	copy = (flat_file){.fd = copy_fd, .size = copy_size};
	for (size_t i = 0; all != NULL && i < sizeof texts / sizeof *texts; i++) {
		p = flat_bytes(&original, 0, (size_t)texts[i].from + texts[i].len);
		if (p != NULL && emr_get_u32(p) == texts[i].start)
			take_text(all, p + texts[i].from, texts[i].len);
	}
	p = flat_bytes(&copy, 0, len);
	if (all != NULL && p != NULL)
		why = words_found(all, WORD_MIN, p, len) ? EMR_WITHHELD_FOUND_AGAIN
							 : EMR_WITHHELD_NOT;
	words_free(all);
	return why;
}
