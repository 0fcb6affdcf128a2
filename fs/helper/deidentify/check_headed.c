/* This checker looks in the copy of a file with a header (NIfTI, EDF, BDF, genomes) for words of
 * the original's texts. It knows where those stand by a list of its own, and nothing of how the
 * writer reads, but for where a genome's text is and how it is packed. */
#include <string.h>

#include "base/codec.h"

#include "check.h"
#include "genome.h"
#include "headed.h"
#include "bgzf.h"
#include "words.h"

#define BODY_MIN 5 /* of what is no text: a shorter word stands there by chance */

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

/* Adds P where it looks like an id or a day. */
static void take_token(words *all, const uint8_t *p, size_t len)
{
	size_t digits = 0, most = 0, all_digits = 0;

	for (size_t i = 0; i < len; i++) {
		bool is_digit = p[i] >= '0' && p[i] <= '9';

		digits = is_digit ? digits + 1 : 0;
		most = digits > most ? digits : most;
		all_digits += is_digit;
	}
	if (memchr(p, '@', len) != NULL || memchr(p, '^', len) != NULL || most >= 7)
		words_add(all, p, len);
	if (all_digits >= 8 && len >= 10 && (p[2] == '.' || p[2] == '-') && p[5] == p[2]) {
		const uint8_t turned[] = {p[6], p[7], p[8], p[9], p[3], p[4], p[0], p[1]};

		words_add_date(all, turned, sizeof turned); /* 19.01.2024 */
	} else if (all_digits >= 8) {
		words_add_date(all, p, len);
	}
}

/* A genome's sample and what else a line says of people; of all other lines what looks like an id
 * or a day. */
static void take_line(words *all, const uint8_t *p, size_t len)
{
	static const char people[] = "|SM|LB|PU|CN|DS|BC|";
	char sought[5] = "|..|";

	if (len < 8)
		return;
	if (memcmp(p, "#CHROM", 6) == 0) {
		for (size_t i = 0, columns = 0; i < len; i++)
			if (p[i] == '\t' && ++columns == 9)
				words_add_pieces(all, p + i + 1, len - i - 1, "\t", words_add);
		return;
	}
	for (size_t i = 0, start = 0; i <= len; i++) {
		if (i < len && p[i] != '\t')
			continue;
		memcpy(sought + 1, i - start > 3 ? p + start : (const uint8_t *)"  ", 2);
		if (memcmp(p, "@RG", 3) == 0 && strstr(people, sought) != NULL) {
			words_add(all, p + start + 3, i - start - 3);
			take_text(all, p + start + 3, i - start - 3);
		}
		start = i + 1;
	}
	if (memcmp(p, "@SQ", 3) != 0 && memcmp(p, "##contig", 8) != 0) /* lengths */
		words_add_pieces(all, p, len, " \t\r,:=<>\"'/", take_token);
}

static emr_withheld check_genome(words *all, const genome *g, flat_file *copy)
{
	genome copied;
	emr_withheld why;

	words_add_pieces(all, (const uint8_t *)g->text, g->len, "\n", take_line);
	copy = bgzf_open(copy, false);
	why = genome_read(copy, &copied);
	if (why != EMR_WITHHELD_NOT || copied.form != g->form || !bgzf_count(copy))
		return EMR_WITHHELD_FOUND_AGAIN;
	if (words_are_full(all))
		return EMR_WITHHELD_TOO_COMPLEX;
	return words_found(all, WORD_MIN, (const uint8_t *)copied.text, copied.len) ||
			       check_found(all, g->form == EMR_COPY_VCF ? WORD_MIN : BODY_MIN, copy,
				       copied.body, copy->size)
		       ? EMR_WITHHELD_FOUND_AGAIN
		       : EMR_WITHHELD_NOT;
}

emr_withheld headed_check(int original_fd, uint64_t original_size, int copy_fd, uint64_t copy_size)
{
	static flat_file original, copy;
	flat_file *plain = &original;
	words *all = words_new();
	emr_withheld why = EMR_WITHHELD_DAMAGED;
	genome g;
	const uint8_t *p;
	size_t len = 348;

	original = (flat_file){.fd = original_fd, .size = original_size};
	copy = (flat_file){.fd = copy_fd, .size = copy_size};
	plain = bgzf_open(&original, false);
	for (size_t i = 0; all != NULL && i < sizeof texts / sizeof *texts; i++) {
		p = flat_bytes(plain, 0, (size_t)texts[i].from + texts[i].len);
		if (p != NULL && emr_get_u32(p) == texts[i].start)
			take_text(all, p + texts[i].from, texts[i].len);
	}
	if (all != NULL && genome_read(plain, &g) == EMR_WITHHELD_NOT) {
		why = check_genome(all, &g, &copy);
	} else if (all != NULL) {
		plain = bgzf_open(&copy, false);
		len = plain->size < len ? (size_t)plain->size : len;
		p = flat_bytes(plain, 0, len);
		if (p != NULL)
			why = words_found(all, WORD_MIN, p, len) ? EMR_WITHHELD_FOUND_AGAIN
								 : EMR_WITHHELD_NOT;
	}
	words_free(all);
	return why;
}
