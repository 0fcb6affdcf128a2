/* The checker.  Of the original it collects names, ids, dates and UIDs of four characters and more,
 * wherever they stand; then it looks for each in all bytes of the copy but native pixels, also as
 * UTF-16, without regard to case, and dates in other spellings.
 * It walks a file flatly: sequences and items are headers like others, so nesting costs nothing. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "table.h"
#include "words.h"

#define BLOCK ((size_t)128 << 10)
#define VALUE_MAX ((size_t)32 << 10) /* of one value that is looked into */
#define WORD_MIN_IN_PIXELS 8	     /* of compressed ones: 1 in 10^16 by chance */
#define OPEN_END 0xffffffffu

/* ---- a file, block by block ---- */

typedef struct file {
	int fd;
	uint64_t size, at;
	size_t len;
	uint8_t block[BLOCK];
} file;

/* LEN (to VALUE_MAX) bytes at AT; NULL: not there. */
static const uint8_t *bytes_at(file *f, uint64_t at, size_t len)
{
	ssize_t n;

	if (at > f->size || len > f->size - at)
		return NULL;
	if (at < f->at || at - f->at > f->len || len > f->len - (size_t)(at - f->at)) {
		f->at = at;
		f->len = 0;
		while (f->len < BLOCK && at + f->len < f->size) {
			n = pread(f->fd, f->block + f->len, BLOCK - f->len, (off_t)(at + f->len));
			if (n < 0 && errno == EINTR)
				continue;
			if (n <= 0)
				break;
			f->len += (size_t)n;
		}
		if (f->len < len)
			return NULL;
	}
	return f->block + (at - f->at);
}

/* ---- walking ---- */

typedef struct walk {
	file *f;
	uint64_t at;
	bool is_implicit, is_big;
	uint32_t unknown_depth; /* inside of a UN without length, which is implicit little endian */
	bool was_implicit, was_big;
} walk;

typedef struct found {
	uint32_t tag, len;
	char vr[3];
	uint64_t at;
} found;

static uint32_t two(const walk *w, const uint8_t *p)
{
	return w->is_big ? (uint32_t)p[0] << 8 | p[1] : (uint32_t)p[1] << 8 | p[0];
}

static uint32_t four(const walk *w, const uint8_t *p)
{
	return w->is_big ? two(w, p) << 16 | two(w, p + 2) : two(w, p + 2) << 16 | two(w, p);
}

static void enter_unknown(walk *w, const found *e)
{
	if (e->tag >> 16 == 0xfffe) {
		if (e->tag == 0xfffee0dd && w->unknown_depth > 0 && --w->unknown_depth == 0) {
			w->is_implicit = w->was_implicit;
			w->is_big = w->was_big;
		}
	} else if (e->len == OPEN_END && w->unknown_depth > 0) {
		w->unknown_depth++;
	} else if (e->len == OPEN_END && strcmp(e->vr, "UN") == 0 && !w->is_implicit) {
		w->was_implicit = w->is_implicit;
		w->was_big = w->is_big;
		w->is_implicit = true;
		w->is_big = false;
		w->unknown_depth = 1;
	}
}

/* The next header; what it heads is entered (sequences, items) or passed over.  False: the end, or
 * nonsense, which leaves w->at before the end. */
static bool step(walk *w, found *e)
{
	const uint8_t *p = bytes_at(w->f, w->at, 8);
	const table_row *row;
	size_t head = 8;

	if (p == NULL)
		return false;
	*e = (found){.tag = two(w, p) << 16 | two(w, p + 2)};
	if (w->is_implicit || e->tag >> 16 == 0xfffe) {
		row = dicom_row(e->tag);
		memcpy(e->vr, row != NULL ? row->vrs : "UN", 2);
		e->len = four(w, p + 4);
	} else {
		memcpy(e->vr, p + 4, 2);
		if (strstr("OB OD OF OL OV OW SQ SV UC UN UR UT UV", e->vr) != NULL) {
			if ((p = bytes_at(w->f, w->at, 12)) == NULL)
				return false;
			e->len = four(w, p + 8);
			head = 12;
		} else {
			e->len = two(w, p + 6);
		}
	}
	e->at = w->at + head;
	enter_unknown(w, e);
	if (e->len == OPEN_END || e->tag == 0xfffee000 || e->tag >> 16 == 0xfffe ||
		strcmp(e->vr, "SQ") == 0) {
		w->at = e->at;
		return true;
	}
	if (e->len > w->f->size - e->at)
		return false;
	w->at = e->at + e->len;
	return true;
}

/* Compressed pixels: to behind their delimiter. */
static bool pass_fragments(walk *w)
{
	for (;;) {
		const uint8_t *p = bytes_at(w->f, w->at, 8);
		uint32_t tag, len;

		if (p == NULL)
			return false;
		tag = two(w, p) << 16 | two(w, p + 2);
		len = four(w, p + 4);
		if ((tag != 0xfffee000 && tag != 0xfffee0dd) || len > w->f->size - w->at - 8)
			return false;
		w->at += 8 + (uint64_t)len;
		if (tag == 0xfffee0dd)
			return true;
	}
}

/* From behind file meta, which says how all that follows is written. */
static bool begin(walk *w, file *f)
{
	static const char implicit[] = "1.2.840.10008.1.2", big[] = "1.2.840.10008.1.2.2";
	char uid[66] = "";
	found e;

	*w = (walk){.f = f, .at = 132};
	for (;;) {
		const uint8_t *p = bytes_at(f, w->at, 2);

		if (p == NULL)
			return false;
		if (p[0] != 2 || p[1] != 0)
			break;
		if (!step(w, &e))
			return false;
		p = e.tag == 0x00020010 && e.len < sizeof uid ? bytes_at(f, e.at, e.len) : NULL;
		if (p != NULL)
			memcpy(uid, p, e.len);
	}
	for (size_t len = strlen(uid); len > 0 && uid[len - 1] == ' '; len--)
		uid[len - 1] = '\0';
	w->is_implicit = strcmp(uid, implicit) == 0;
	w->is_big = strcmp(uid, big) == 0;
	return uid[0] != '\0';
}

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

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
		digits = is_digit(p[i]) ? digits + 1 : 0;
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

static void take(words *all, file *f, const found *e)
{
	const table_row *row = (e->tag >> 16 & 1) != 0 ? NULL : dicom_row(e->tag);
	size_t len = e->len < VALUE_MAX ? e->len : VALUE_MAX;
	const uint8_t *p = bytes_at(f, e->at, len);

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

static bool collect(words *all, file *f)
{
	walk w;
	found e;

	if (!begin(&w, f))
		return false;
	while (w.at < f->size) {
		if (!step(&w, &e))
			return false;
		if (e.tag == 0x7fe00010 && e.len == OPEN_END) {
			if (!pass_fragments(&w))
				return false;
		} else if (e.tag >> 16 != 0xfffe && e.len != OPEN_END && e.tag >> 16 != 0x7fe0 &&
			   strcmp(e.vr, "SQ") != 0) {
			take(all, f, &e);
		}
	}
	return true;
}

/* ---- looking ---- */

/* The copy from FROM to END, as it is and with all zero bytes left out, which is what UTF-16 of
 * plain letters is. */
static bool is_found(const words *all, size_t least, file *f, uint64_t from, uint64_t end)
{
	static uint8_t squeezed[VALUE_MAX];

	while (from < end) {
		size_t len = end - from < VALUE_MAX ? (size_t)(end - from) : VALUE_MAX, n = 0;
		const uint8_t *p = bytes_at(f, from, len);

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

typedef struct pixels {
	uint64_t at; /* the end of the copy: there are none at its end */
	bool is_native;
} pixels;

static bool find_pixels(file *f, pixels *out)
{
	walk w;
	found e = {0};

	if (!begin(&w, f))
		return false;
	while (w.at < f->size) {
		if (!step(&w, &e))
			return false;
		if (e.tag == 0x7fe00010 && e.len == OPEN_END && !pass_fragments(&w))
			return false;
	}
	*out = (pixels){e.tag >> 16 == 0x7fe0 ? e.at : f->size, e.len != OPEN_END};
	return true;
}

/* Native pixels are not looked into: they are numbers, and exactly as many as the image has.  In
 * compressed ones short words stand by chance. */
static bool has_anything(const words *all, file *copy)
{
	pixels p;

	return !find_pixels(copy, &p) || is_found(all, WORD_MIN, copy, 0, p.at) ||
	       (!p.is_native && is_found(all, WORD_MIN_IN_PIXELS, copy, p.at, copy->size));
}

emr_withheld check_dicom(int original_fd, uint64_t original_size, int copy_fd, uint64_t copy_size)
{
	words *all = words_new();
	file *f = malloc(sizeof *f);
	emr_withheld why = EMR_WITHHELD_DAMAGED;

	if (all != NULL && f != NULL) {
		*f = (file){.fd = original_fd, .size = original_size};
		if (collect(all, f)) {
			f->fd = copy_fd;
			f->size = copy_size;
			f->at = f->len = 0;
			why = words_are_full(all)    ? EMR_WITHHELD_TOO_COMPLEX
			      : has_anything(all, f) ? EMR_WITHHELD_FOUND_AGAIN
						     : EMR_WITHHELD_NOT;
		}
	}
	words_free(all);
	free(f);
	return why;
}
