/* This checker looks in a copy for what its original says about somebody. From the original it
 * collects names, ids, dates and UIDs of four characters and more, wherever they stand; then it
 * looks for each of them in all bytes of the copy but native pixels, also as UTF-16, without
 * regard to case, and for dates in other spellings. It walks a file flatly: sequences and items
 * are headers like others, so nesting costs nothing. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "copied.h"
#include "table.h"
#include "words.h"

#define WORD_MIN_IN_PIXELS 8 /* of compressed ones: 1 in 10^16 by chance */

/* ---- what the original says ---- */

static void take_name(words *all, const uint8_t *p, size_t len)
{
	words_add(all, p, len);
	words_add_pieces(all, p, len, "^ ", words_add);
}

static void take_uid(words *all, const uint8_t *p, size_t len)
{
	static const char root[] = "1.2.840.10008.";

	if (len >= 8 && (len < sizeof root || memcmp(p, root, sizeof root - 1) != 0))
		words_add(all, p, len);
}

/* Bytes that nobody explains: runs that look like a name with its sign, a UID, or seven digits. */
static void take_run(words *all, const uint8_t *p, size_t len)
{
	size_t digits = 0, most = 0, dots = 0;
	bool is_name = memchr(p, '^', len) != NULL;

	for (size_t i = 0; i < len; i++) {
		digits = p[i] >= '0' && p[i] <= '9' ? digits + 1 : 0;
		most = digits > most ? digits : most;
		dots += p[i] == '.';
	}
	if (is_name)
		take_name(all, p, len);
	else if (dots >= 4)
		take_uid(all, p, len);
	else if (most >= 7 && dots == 0)
		words_add(all, p, len);
}

static void take_unknown(words *all, const uint8_t *p, size_t len)
{
	size_t start = 0;

	for (size_t i = 0; i <= len; i++) {
		if (i < len && (words_is_letter_or_digit(p[i]) || p[i] == '^' || p[i] == '.' ||
				       p[i] == '-'))
			continue;
		if (i - start >= WORD_MIN)
			take_run(all, p + start, i - start);
		start = i + 1;
	}
}

static void take_words(words *all, flat_file *f, const flat_found *e)
{
	const table_row *row = (e->tag >> 16 & 1) != 0 ? NULL : dicom_row(e->tag);
	size_t len = e->len < FLAT_VALUE_MAX ? e->len : FLAT_VALUE_MAX;
	const uint8_t *p = flat_bytes(f, e->at, len);

	if (p == NULL || len < WORD_MIN)
		return;
	if (strcmp(e->vr, "PN") == 0)
		words_add_pieces(all, p, len, "\\=", take_name);
	else if (strcmp(e->vr, "DA") == 0 || strcmp(e->vr, "DT") == 0)
		words_add_pieces(all, p, len, "\\", words_add_date);
	else if (strcmp(e->vr, "UI") == 0)
		words_add_pieces(all, p, len, "\\", take_uid);
	else if (row == NULL || strcmp(e->vr, "UN") == 0)
		take_unknown(all, p, len);
	else if (row->names)
		words_add_pieces(all, p, len, "\\", words_add);
}

/* A private element with a number that the copy may have, too. */
static bool is_kept_number(
	flat_file *f, const flat_walk *w, const flat_found *e, table_blocks *blocks, unsigned with)
{
	static const char signs[] = "0123456789+-.eE \\";
	const table_private *row = NULL;
	const uint8_t *p;

	if ((e->tag >> 16 & 1) == 0)
		return false;
	if ((e->tag & 0xffff) < 0x1000)
		(void)copied_note_creator(f, e, blocks);
	else
		row = copied_private(w, e, blocks, with);
	if (row == NULL || !dicom_private_is_text(row))
		return row != NULL;
	p = flat_bytes(f, e->at, e->len);
	for (size_t i = 0; p != NULL && i < e->len; i++)
		if (memchr(signs, p[i], sizeof signs) == NULL)
			return false;
	return p != NULL;
}

typedef struct pixels {
	uint64_t at;  /* the end of the file: there are none */
	uint32_t len; /* of native ones */
	bool is_native, is_big;
	syntax_pixels codec;
	copied_samples samples; /* of a copy */
} pixels;

static bool collect_words(words *all, flat_file *f, unsigned with, pixels *out)
{
	table_blocks blocks = {0};
	syntax_pixels codec;
	flat_walk w;
	flat_found e;

	*out = (pixels){.at = f->size, .is_native = true};
	if (!copied_begin(&w, f, &codec))
		return false;
	while (w.at < f->size) {
		if (!copied_step(&w, &e))
			return false;
		if (e.tag == 0x7fe00010 && e.len == FLAT_OPEN) {
			*out = (pixels){.at = e.at};
			if (!copied_pass_fragments(&w))
				return false;
		} else if (e.tag >> 16 == 0x7fe0) {
			out->at = e.at;
			out->len = e.len;
		} else if (e.tag >> 16 != 0xfffe && e.len != FLAT_OPEN && strcmp(e.vr, "SQ") != 0 &&
			   !is_kept_number(f, &w, &e, &blocks, with)) {
			take_words(all, f, &e);
		}
	}
	return true;
}

/* ---- looking ---- */

bool check_found(const words *all, size_t least, flat_file *f, uint64_t from, uint64_t end)
{
	static uint8_t squeezed[FLAT_VALUE_MAX];

	while (from < end) {
		size_t len = end - from < FLAT_VALUE_MAX ? (size_t)(end - from) : FLAT_VALUE_MAX,
		       n = 0;
		const uint8_t *p = flat_bytes(f, from, len);

		if (p == NULL || words_found(all, least, p, len))
			return true;
		for (size_t i = 0; i < len; i++)
			if (p[i] != 0)
				squeezed[n++] = p[i];
		if (words_found(all, least, squeezed, n))
			return true;
		if (len == end - from)
			break;
		from += len - 2 * WORD_MAX - 2; /* a word may stand across */
	}
	return false;
}

static bool find_pixels(flat_file *f, pixels *out)
{
	flat_walk w;
	flat_found e = {0};

	*out = (pixels){.at = f->size, .is_native = true};
	if (!copied_begin(&w, f, &out->codec))
		return false;
	while (w.at < f->size) {
		if (!copied_step(&w, &e))
			return false;
		copied_note_samples(&out->samples, &w, &e);
		if (e.tag == 0x7fe00010 && e.len == FLAT_OPEN && !copied_pass_fragments(&w))
			return false;
	}
	if (e.tag >> 16 == 0x7fe0) {
		out->at = e.at;
		out->len = e.len;
		out->is_native = e.len != FLAT_OPEN;
	}
	out->is_big = w.is_big;
	return true;
}

static emr_withheld compare_pictures(
	flat_file *original, const pixels *old, flat_file *copy, const pixels *new)
{
	const coding c = {new->codec, new->samples.said[1], new->samples.said[3] == 1};

	if (old->is_native != new->is_native || !copied_samples_ok(&new->samples))
		return EMR_WITHHELD_COMPRESSION;
	if (!new->is_native)
		return check_pixels(original, old->at, copy, new->at, &c);
	return old->len == new->len &&check_native(original, old->at, copy, new->at, new->len,
				   &new->samples, new->is_big)
		       ? EMR_WITHHELD_NOT
		       : EMR_WITHHELD_COMPRESSION;
}

emr_withheld check_dicom(
	int original_fd, uint64_t original_size, int copy_fd, uint64_t copy_size, unsigned with)
{
	words *all = words_new();
	flat_file *files = calloc(2, sizeof *files), *original = files, *copy = files + 1;
	emr_withheld why = EMR_WITHHELD_DAMAGED;
	pixels old, new;

	if (all != NULL && files != NULL) {
		*original = (flat_file){.fd = original_fd, .size = original_size};
		*copy = (flat_file){.fd = copy_fd, .size = copy_size};
		if (!collect_words(all, original, with, &old))
			why = EMR_WITHHELD_DAMAGED;
		else if (words_are_full(all))
			why = EMR_WITHHELD_TOO_COMPLEX;
		/* Native pixels are not looked into: they are numbers, and exactly as many as the
		 * image has.  In compressed ones short words stand by chance. */
		else if (!find_pixels(copy, &new) || check_found(all, WORD_MIN, copy, 0, new.at) ||
			 (!new.is_native &&check_found(
				 all, WORD_MIN_IN_PIXELS, copy, new.at, copy->size)))
			why = EMR_WITHHELD_FOUND_AGAIN;
		else
			why = compare_pictures(original, &old, copy, &new);
	}
	words_free(all);
	free(files);
	return why;
}
