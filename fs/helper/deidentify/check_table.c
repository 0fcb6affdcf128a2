/* This checker looks in the copy of a table for what the original says about somebody. It does
 * not know rows: from the original it takes whatever looks like an id, a date, or a name with
 * its sign, wherever it stands; and each cell of the copy below the first line must be a number,
 * a date or a short code. */
#include <string.h>

#include "check.h"
#include "words.h"

#define BLOCK ((size_t)64 << 10)
#define EDGE 256 /* bytes that are looked at again with the next block: a word stands across */

/* All that is there from AT, to BLOCK. */
static const uint8_t *block_at(flat_file *f, uint64_t at, size_t *out_len)
{
	*out_len = f->size - at < BLOCK ? (size_t)(f->size - at) : BLOCK;
	return flat_bytes(f, at, *out_len);
}

void check_token(words *all, const uint8_t *p, size_t len)
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

static bool collect_words(words *all, flat_file *f)
{
	size_t len;

	for (uint64_t at = 0; at < f->size;) {
		const uint8_t *p = block_at(f, at, &len);
		size_t start = 0;

		if (p == NULL)
			return false;
		for (size_t i = 0; i <= len; i++) {
			uint8_t c = i < len ? p[i] : 0;

			if (words_is_letter_or_digit(c) || (c != 0 && strchr("@^.-", c) != NULL))
				continue;
			check_token(all, p + start, i - start);
			start = i + 1;
		}
		at += len > EDGE && at + len < f->size ? len - EDGE : len;
	}
	return true;
}

/* A number, date or code has no blanks, is short, and no more than six digits in a row. */
static bool is_cell(const uint8_t *p, size_t len)
{
	size_t digits = 0;

	if (len > 32)
		return false;
	for (size_t i = 0; i < len; i++) {
		bool is_digit = p[i] >= '0' && p[i] <= '9';

		digits = is_digit ? digits + 1 : 0;
		if (digits > 6 ||
			(!is_digit && ((p[i] | 0x20) < 'a' || (p[i] | 0x20) > 'z') &&
				strchr("._%/+-:<>=", p[i]) == NULL) ||
			p[i] == 0)
			return false;
	}
	return true;
}

static bool is_clean(const words *all, flat_file *f)
{
	bool is_first_line = true;
	size_t len;

	for (uint64_t at = 0; at < f->size;) {
		const uint8_t *p = block_at(f, at, &len);
		size_t start = 0, whole = 0;

		if (p == NULL || words_found(all, WORD_MIN, p, len))
			return false;
		for (size_t i = 0; i < len; i++) {
			if (strchr(",;\t\n", p[i]) == NULL || p[i] == 0)
				continue;
			if (!is_first_line && !is_cell(p + start, i - start))
				return false;
			is_first_line = is_first_line && p[i] != '\n';
			start = whole = i + 1;
		}
		if (whole == 0)
			return false; /* a cell as long as a block, or a last line without its end
				       */
		at += whole;
	}
	return !is_first_line;
}

emr_withheld check_table(int original_fd, uint64_t original_size, int copy_fd, uint64_t copy_size)
{
	static flat_file f;
	words *all = words_new();
	emr_withheld why = EMR_WITHHELD_DAMAGED;

	f = (flat_file){.fd = original_fd, .size = original_size};
	if (all != NULL && collect_words(all, &f)) {
		f = (flat_file){.fd = copy_fd, .size = copy_size};
		why = words_are_full(all) ? EMR_WITHHELD_TOO_COMPLEX
		      : is_clean(all, &f) ? EMR_WITHHELD_NOT
					  : EMR_WITHHELD_FOUND_AGAIN;
	}
	words_free(all);
	return why;
}
