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

#define BLOCK ((size_t)128 << 10)
#define VALUE_MAX ((size_t)32 << 10) /* of one value that is looked into */
#define WORD_MAX 96		     /* a longer one is known by its first bytes */
#define WORD_MIN 4
#define WORD_MIN_IN_PIXELS 8 /* of compressed ones: 1 in 10^16 by chance */
#define WORDS_MAX 100000
#define ROOTS 65536
#define OPEN_END 0xffffffffu

/* ---- words that must not come back ---- */

typedef struct word {
	uint32_t next; /* with the same root; 0: none */
	uint8_t len;
	bool is_whole; /* counts only where no letter or digit stands beside it */
	char text[WORD_MAX];
} word;

typedef struct words {
	uint32_t roots[ROOTS]; /* of the first three bytes; 0: none */
	word *list;	       /* from 1 */
	uint32_t count, room;
	bool is_full;
} words;

static uint8_t fold(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

static uint32_t root_of(const uint8_t *p)
{
	return ((uint32_t)fold(p[0]) * 40503u ^ (uint32_t)fold(p[1]) * 2654435761u >> 8 ^
		       (uint32_t)fold(p[2]) * 97u << 5) %
	       ROOTS;
}

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter_or_digit(uint8_t c)
{
	return is_digit(c) || (fold(c) >= 'a' && fold(c) <= 'z') || c >= 0x80;
}

static bool is_same(const word *w, const uint8_t *p)
{
	for (size_t i = 0; i < w->len; i++)
		if ((uint8_t)w->text[i] != fold(p[i]))
			return false;
	return true;
}

/* Zeros and a repeated sign ("00000000", "----") name nobody, and neither does what a copy says
 * instead of a value: a copy may be copied again. */
static bool says_nothing(const uint8_t *p, size_t len)
{
	if ((len == 7 && memcmp(p, "REMOVED", 7) == 0) ||
		(len == 8 && memcmp(p, "18581117", 8) == 0))
		return true;
	for (size_t i = 1; i < len; i++)
		if (p[i] != p[0])
			return false;
	return true;
}

static void add_word(words *all, const uint8_t *p, size_t len)
{
	word *w;
	uint32_t root;
	bool is_number = true;

	while (len > 0 && (p[len - 1] == ' ' || p[len - 1] == '\0'))
		len--;
	while (len > 0 && *p == ' ') {
		p++;
		len--;
	}
	if (len > WORD_MAX)
		len = WORD_MAX;
	if (len < WORD_MIN || says_nothing(p, len))
		return;
	root = root_of(p);
	for (uint32_t i = all->roots[root]; i != 0; i = all->list[i].next)
		if (all->list[i].len == len && is_same(&all->list[i], p))
			return;
	if (all->count + 1 >= all->room) {
		uint32_t room = all->room == 0 ? 256 : all->room * 2;
		word *more = room > 2 * WORDS_MAX ? NULL : realloc(all->list, room * sizeof *more);

		if (more == NULL) {
			all->is_full = true;
			return;
		}
		all->list = more;
		all->room = room;
	}
	w = &all->list[++all->count];
	*w = (word){.next = all->roots[root], .len = (uint8_t)len};
	for (size_t i = 0; i < len; i++) {
		w->text[i] = (char)fold(p[i]);
		is_number = is_number && is_digit(p[i]);
	}
	w->is_whole = len < (is_number ? 8 : 6);
	all->roots[root] = all->count;
}

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
		row = table_find(e->tag);
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

/* ---- what the original says ---- */

/* Calls for each piece of P between the signs of SEPARATORS. */
static void each_piece(words *all, const uint8_t *p, size_t len, const char *separators,
	void (*call)(words *all, const uint8_t *p, size_t len))
{
	size_t start = 0;

	for (size_t i = 0; i <= len; i++) {
		if (i < len && (p[i] == '\0' || strchr(separators, p[i]) == NULL))
			continue;
		call(all, p + start, i - start);
		start = i + 1;
	}
}

static void take_name(words *all, const uint8_t *p, size_t len)
{
	add_word(all, p, len);
	each_piece(all, p, len, "^ ", add_word);
}

static void take_uid(words *all, const uint8_t *p, size_t len)
{
	static const char root[] = "1.2.840.10008.";

	if (len >= 8 && (len < sizeof root || memcmp(p, root, sizeof root - 1) != 0))
		add_word(all, p, len);
}

/* 20040119, 2004-01-19, 2004.01.19, 19.01.2004, 19012004. */
static void take_date(words *all, const uint8_t *p, size_t len)
{
	static const char *const spellings[] = {
		"yyyymmdd", "yyyy-mm-dd", "yyyy.mm.dd", "dd.mm.yyyy", "ddmmyyyy"};
	uint8_t plain[8], out[10];
	size_t n = 0;

	for (size_t i = 0; i < len && n < 8; i++) {
		if (is_digit(p[i]))
			plain[n++] = p[i];
		else if (p[i] != '.' && p[i] != '-')
			break;
	}
	if (n < 8)
		return;
	for (size_t s = 0; s < sizeof spellings / sizeof *spellings; s++) {
		size_t year = 0, month = 4, day = 6, at = 0;

		for (const char *c = spellings[s]; *c != '\0'; c++)
			out[at++] = *c == 'y'	? plain[year++]
				    : *c == 'm' ? plain[month++]
				    : *c == 'd' ? plain[day++]
						: (uint8_t)*c;
		add_word(all, out, at);
	}
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
		add_word(all, p, len);
}

static void take_unknown(words *all, const uint8_t *p, size_t len)
{
	size_t start = 0;

	for (size_t i = 0; i <= len; i++) {
		if (i < len &&
			(is_letter_or_digit(p[i]) || p[i] == '^' || p[i] == '.' || p[i] == '-'))
			continue;
		if (i - start >= WORD_MIN)
			take_run(all, p + start, i - start);
		start = i + 1;
	}
}

static void take(words *all, file *f, const found *e)
{
	const table_row *row = (e->tag >> 16 & 1) != 0 ? NULL : table_find(e->tag);
	size_t len = e->len < VALUE_MAX ? e->len : VALUE_MAX;
	const uint8_t *p = bytes_at(f, e->at, len);

	if (p == NULL || len < WORD_MIN)
		return;
	if (strcmp(e->vr, "PN") == 0)
		each_piece(all, p, len, "\\=", take_name);
	else if (strcmp(e->vr, "DA") == 0 || strcmp(e->vr, "DT") == 0)
		each_piece(all, p, len, "\\", take_date);
	else if (strcmp(e->vr, "UI") == 0)
		each_piece(all, p, len, "\\", take_uid);
	else if (row == NULL || strcmp(e->vr, "UN") == 0)
		take_unknown(all, p, len);
	else if (row->names)
		each_piece(all, p, len, "\\", add_word);
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
	return !all->is_full;
}

/* ---- looking ---- */

static bool stands_alone(const word *w, const uint8_t *p, const uint8_t *start, const uint8_t *end)
{
	uint8_t before = p > start ? p[-1] : 0, after = p + w->len < end ? p[w->len] : 0;
	bool is_number = is_digit((uint8_t)w->text[0]) && is_digit((uint8_t)w->text[w->len - 1]);

	if (is_letter_or_digit(before) || is_letter_or_digit(after))
		return false;
	return !is_number || (before != '.' && before != '-' && before != '+' && after != '.');
}

/* Of at least LEAST characters. */
static bool has_word(
	const words *all, size_t least, const uint8_t *p, const uint8_t *start, const uint8_t *end)
{
	for (uint32_t i = all->roots[root_of(p)]; i != 0; i = all->list[i].next) {
		const word *w = &all->list[i];

		if (w->len >= least && w->len <= end - p && is_same(w, p) &&
			(!w->is_whole || stands_alone(w, p, start, end)))
			return true;
	}
	return false;
}

static bool has_any(const words *all, size_t least, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i + WORD_MIN <= len; i++)
		if (all->roots[root_of(p + i)] != 0 && has_word(all, least, p + i, p, p + len))
			return true;
	return false;
}

/* The copy from FROM to END, as it is and with all zero bytes left out, which is what UTF-16 of
 * plain letters is. */
static bool is_found(const words *all, size_t least, file *f, uint64_t from, uint64_t end)
{
	static uint8_t squeezed[VALUE_MAX];

	while (from < end) {
		size_t len = end - from < VALUE_MAX ? (size_t)(end - from) : VALUE_MAX, n = 0;
		const uint8_t *p = bytes_at(f, from, len);

		if (p == NULL || has_any(all, least, p, len))
			return true;
		for (size_t i = 0; i < len; i++)
			if (p[i] != 0)
				squeezed[n++] = p[i];
		if (has_any(all, least, squeezed, n))
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

emr_withheld check_copy(int original_fd, uint64_t original_size, int copy_fd, uint64_t copy_size)
{
	words *all = calloc(1, sizeof *all);
	file *f = malloc(sizeof *f);
	emr_withheld why = EMR_WITHHELD_DAMAGED;

	if (all != NULL && f != NULL) {
		*f = (file){.fd = original_fd, .size = original_size};
		if (collect(all, f)) {
			f->fd = copy_fd;
			f->size = copy_size;
			f->at = f->len = 0;
			why = has_anything(all, f) ? EMR_WITHHELD_FOUND_AGAIN : EMR_WITHHELD_NOT;
		}
	}
	if (all != NULL)
		free(all->list);
	free(all);
	free(f);
	return why;
}
