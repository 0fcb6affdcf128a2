/* A reader's computer scans a copy with this file before it shows it: every element, at whatever
 * depth, must be one that a copy may have, with a value that names nobody. */
#include "scan.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "headed.h"
#include "table.h"

#define STORAGE "1.2.840.10008.5.1.4.1.1."
#define MOVED_YEARS 29 /* a copy's dates lie at least thirty years back */

#define DIGITS "0123456789"
#define CAPITALS "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define SMALL "abcdefghijklmnopqrstuvwxyz"

typedef struct scan {
	const protocol_look *rules;
	char code[65];	    /* the last (0008,0100) */
	bool awaits_scheme; /* of it, which must follow: without one it is any text */
	bool says_removed, has_pseudonym, has_class;
	bool says_private; /* that private elements stay */
	copied_samples samples;
	syntax_pixels codec;
	table_blocks blocks;
} scan;

/* One value of an element, without padding. */
typedef struct value {
	uint32_t tag;
	const char *vr, *text;
} value;

static bool consists_of(const char *text, const char *letters, size_t most)
{
	size_t len = strlen(text);

	return len <= most && strspn(text, letters) == len;
}

/* ---- which elements there may be ---- */

static const uint32_t own[] = {
	0x00100010, 0x00100020, 0x00120062, 0x00120063, 0x00120064, 0x00280303};
static const uint32_t of_patients[] = {
	0x00100040, 0x00101010, 0x00101020, 0x00101030, 0x001021a0, 0x001021c0, 0x00102203};
static const uint32_t groups[] = {0x08, 0x18, 0x20, 0x28, 0x40, 0x54, 0x62, 0x3004, 0x300c, 0x5200,
	0x7fe0}; /* about pictures */
static const uint32_t binary[] = {0x7fe00008, 0x7fe00009, 0x7fe00010};

static bool may_have_date(const scan *s, uint32_t tag)
{
	return !s->rules->rules.without_dates && dicom_is_of_visit(tag);
}

/* The part of it that Table E.1-1 leaves. */
static bool is_allowed(const scan *s, const flat_found *e, const table_row *row)
{
	const char *slash = strrchr(row->code, '/'), *code = slash != NULL ? slash + 1 : row->code;

	if (dicom_is_left_out(e->tag))
		return false;
	if (DICOM_IS_AMONG(own, e->tag) || may_have_date(s, e->tag))
		return true;
	if (DICOM_IS_AMONG(of_patients, e->tag) && s->rules->rules.with_characteristics)
		return true;
	switch (code[0]) {
	case '-':
		return DICOM_IS_AMONG(groups, e->tag >> 16) &&
		       (!dicom_has_vr("OBODOFOLOVOWUN", e->vr) || DICOM_IS_AMONG(binary, e->tag));
	case 'Z':
		return e->len == 0;
	case 'D':
		return strcmp(e->vr, "SQ") != 0 || e->len == 0;
	case 'U':
		return true;
	default:
		return false;
	}
}

/* ---- values ---- */

static bool is_pseudonym(const char *text)
{
	return strlen(text) >= 8 && consists_of(text, SMALL "234567", EMR_DEIDENTIFY_NAME_MAX);
}

static bool is_uid(const char *text)
{
	return text[0] == '\0' || dicom_uid_is_registered(text) ||
	       (strncmp(text, "2.25.", 5) == 0 && consists_of(text + 5, DIGITS, 39));
}

/* Moved, or what stands for a date that must not be empty. */
static bool is_moved(const scan *s, const value *v)
{
	uint32_t year = 0;

	if (v->text[0] == '\0' || strncmp(v->text, "18581117", 8) == 0)
		return consists_of(v->text, DIGITS, 14);
	if (!may_have_date(s, v->tag) || strspn(v->text, DIGITS) < 4 ||
		!consists_of(v->text, DIGITS ".+-", 26))
		return false;
	for (size_t i = 0; i < 4; i++)
		year = 10 * year + (uint32_t)(v->text[i] - '0');
	return year + MOVED_YEARS <= s->rules->year;
}

static bool is_age(const scan *s, const char *text)
{
	if (text[0] == '\0' || strcmp(text, "000Y") == 0)
		return true;
	return s->rules->rules.with_characteristics && strlen(text) == 4 &&
	       strspn(text, DIGITS) == 3 && strchr("DWMY", text[3]) != NULL &&
	       (text[3] != 'Y' || strcmp(text, "090Y") <= 0);
}

/* No number in it is as long as one that names somebody. */
static bool is_code_string(const char *text)
{
	size_t digits = 0;

	for (const char *at = text; *at != '\0'; at++) {
		digits = *at >= '0' && *at <= '9' ? digits + 1 : 0;
		if (digits > 4)
			return false;
	}
	return consists_of(text, CAPITALS DIGITS " _", 16);
}

static bool is_word(const char *list, const char *text)
{
	char word[80] = "|";
	size_t len = strlen(text);

	if (len == 0 || len > sizeof word - 3 || strchr(text, '|') != NULL)
		return false;
	for (size_t i = 0; i < len; i++)
		word[1 + i] = text[i] >= 'a' && text[i] <= 'z' ? (char)(text[i] - 0x20) : text[i];
	word[1 + len] = '|';
	word[2 + len] = '\0';
	return strstr(list, word) != NULL;
}

/* As codes of the schemes look that are open to all. */
static bool is_code_of(const char *scheme, const char *code)
{
	size_t letters = 0;

	if (strcmp(scheme, "SCT") == 0)
		return strlen(code) >= 6 && consists_of(code, DIGITS, 18);
	if (strcmp(scheme, "DCM") == 0)
		return code[0] == '1' && consists_of(code, DIGITS, 6);
	if (strcmp(scheme, "SRT") == 0 || strcmp(scheme, "SNM3") == 0)
		return code[0] >= 'A' && code[0] <= 'Z' && strchr(code, '-') != NULL &&
		       consists_of(code + 1, DIGITS "ABCDEF-", 8);
	if (strcmp(scheme, "LN") == 0)
		return consists_of(code, DIGITS "-", 8);
	if (strcmp(scheme, "RADLEX") == 0)
		return strncmp(code, "RID", 3) == 0 && consists_of(code + 3, DIGITS, 6);
	for (const char *at = code; *at != '\0'; at++) {
		letters = (*at | 0x20) >= 'a' && (*at | 0x20) <= 'z' ? letters + 1 : 0;
		if (letters > 6)
			return false;
	}
	return strcmp(scheme, "UCUM") == 0 && strlen(code) <= 16;
}

/* CID 7050: what was done, which each copy says, and nothing that its terms do not. */
static bool is_method(scan *s, const char *meaning)
{
	const struct {
		const char *code, *meaning;
		bool may_be;
	} methods[] = {{"113100", "Basic Application Confidentiality Profile", true},
		{"113107", "Retain Longitudinal Temporal Information Modified Dates Option",
			!s->rules->rules.without_dates},
		{"113108", "Retain Patient Characteristics Option",
			s->rules->rules.with_characteristics},
		{"113111", "Retain Safe Private Option", s->rules->rules.with_private != 0}};

	for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
		if (strcmp(methods[i].code, s->code) == 0 &&
			strcmp(methods[i].meaning, meaning) == 0) {
			s->says_private |= methods[i].may_be && i == 3;
			return methods[i].may_be;
		}
	return false;
}

static bool is_kernel(const char *text)
{
	static const char words[] = "|SOFT|STANDARD|DETAIL|BONE|BONEPLUS|EDGE|LUNG|CHST|ULTRA|";
	size_t letters = strcspn(text, DIGITS "\\");

	return is_word(words, text) ||
	       (letters <= 2 && consists_of(text, CAPITALS SMALL DIGITS, 6));
}

/* Texts: nearly all of them are empty. */
static bool is_text(scan *s, const value *v)
{
	const char *words = dicom_words(v->tag);

	if (v->tag != 0x00080102 && (v->text[0] == '\0' || strcmp(v->text, "REMOVED") == 0))
		return true;
	if (words != NULL)
		return is_word(words, v->text);
	switch (v->tag) {
	case 0x00080100:
		memcpy(s->code, v->text, strlen(v->text) + 1);
		return strlen(v->text) <= 18;
	case 0x00080102:
		return is_code_of(v->text, s->code);
	case 0x00080104:
		return strcmp(v->text, s->code) == 0 || is_method(s, v->text);
	case 0x00100020:
		s->has_pseudonym = true;
		return is_pseudonym(v->text);
	case 0x00120063:
		return strcmp(v->text, "emrfs: DICOM PS3.15 2026c Table E.1-1") == 0;
	case 0x00181210:
		return is_kernel(v->text);
	case 0x00209056:
		return consists_of(v->text, DIGITS, 3);
	default:
		return false;
	}
}

/* The facts that are stated once for the whole file. */
static bool is_said(scan *s, const value *v)
{
	static const char classes[] = "|1|1.1|1.1.1|1.2|1.2.1|1.3|1.3.1|13.1.3|2|2.1|2.2|20|30|4|"
				      "4.1|4.3|4.4|128|128.1|130|481.2|66.4|";

	switch (v->tag) {
	case 0x00080016:
		s->has_class = true;
		return strncmp(v->text, STORAGE, strlen(STORAGE)) == 0 &&
		       is_word(classes, v->text + strlen(STORAGE));
	case 0x00120062:
		s->says_removed = strcmp(v->text, "YES") == 0;
		return s->says_removed;
	case 0x00280301:
		return v->text[0] == '\0' || strcmp(v->text, "NO") == 0;
	default:
		return true;
	}
}

static bool is_value(scan *s, const value *v)
{
	const char *vr = v->vr;

	if (!is_said(s, v))
		return false;
	if (dicom_has_vr("UI", vr))
		return is_uid(v->text);
	if (dicom_has_vr("DADT", vr))
		return is_moved(s, v);
	if (dicom_has_vr("TM", vr))
		return consists_of(v->text, DIGITS ".", 16) &&
		       (may_have_date(s, v->tag) || consists_of(v->text, "0", 6));
	if (dicom_has_vr("PN", vr))
		return v->text[0] == '\0' || strcmp(v->text, "REMOVED") == 0 ||
		       (v->tag == 0x00100010 && is_pseudonym(v->text));
	if (dicom_has_vr("AS", vr))
		return is_age(s, v->text);
	if (dicom_has_vr("CS", vr))
		return is_code_string(v->text);
	if (dicom_has_vr("ISDS", vr))
		return consists_of(v->text, DIGITS "+-.eE ", 16);
	return is_text(s, v);
}

/* Each of the values that bars part. */
static bool are_values(scan *s, const flat_found *e, const uint8_t *p)
{
	char text[129];

	for (size_t from = 0, to; from <= e->len; from = to + 1) {
		size_t len;

		for (to = from; to < e->len && p[to] != '\\'; to++)
			if (p[to] == 0 && to + 1 < e->len)
				return false;
		for (len = to - from;
			len > 0 && (p[from + len - 1] == ' ' || p[from + len - 1] == 0); len--)
			;
		while (len > 0 && p[from] == ' ')
			from++, len--;
		if (len >= (e->tag == 0x00080100 ? sizeof s->code : sizeof text))
			return false;
		memcpy(text, p + from, len);
		text[len] = '\0';
		if (!is_value(s, &(value){e->tag, e->vr, text}))
			return false;
	}
	return true;
}

/* ---- all of it ---- */

/* Zeros, which stand for bytes that must be there. */
static bool is_dummy(flat_file *f, const flat_found *e)
{
	const uint8_t *p = e->len <= FLAT_VALUE_MAX ? flat_bytes(f, e->at, e->len) : NULL;
	size_t at = 0;

	while (p != NULL && at < e->len && p[at] == 0)
		at++;
	return at == e->len;
}

/* Pixels without anything that no copy has: comments, bits that are not the image's. */
static bool are_pixels(const scan *s, flat_file *f, const flat_walk *w, const flat_found *e)
{
	const coding c = {s->codec, s->samples.said[1], s->samples.said[3] == 1};

	if (!copied_samples_ok(&s->samples))
		return false;
	if (e->len == FLAT_OPEN)
		return check_pixels(f, e->at, f, e->at, &c) == EMR_WITHHELD_NOT;
	return s->samples.said[0] == s->samples.said[1] ||
	       check_native(f, e->at, f, e->at, e->len, &s->samples, w->is_big);
}

/* Private elements stand only at the top of a copy that says so. */
static bool is_private(scan *s, flat_file *f, const flat_walk *w, const flat_found *e)
{
	flat_found as = *e;
	const table_private *row;
	const uint8_t *p;
	size_t blanks = 0;

	if (!s->says_private || s->samples.depth != 0 || s->samples.is_odd)
		return false;
	if ((e->tag & 0xffff) < 0x1000)
		return strcmp(e->vr, w->is_implicit ? "UN" : "LO") == 0 &&
		       copied_note_creator(f, e, &s->blocks);
	row = copied_private(w, e, &s->blocks, s->rules->rules.with_private);
	if (row == NULL || !dicom_private_is_text(row))
		return row != NULL;
	memcpy(as.vr, row->vr, sizeof as.vr);
	p = flat_bytes(f, e->at, e->len);
	while (p != NULL && blanks < e->len && p[blanks] == ' ')
		blanks++;
	return p != NULL && blanks < e->len && are_values(s, &as, p);
}

static bool is_fit(scan *s, flat_file *f, const flat_walk *w, const flat_found *e)
{
	const table_row *row = dicom_row(e->tag);
	const uint8_t *p;

	if (s->awaits_scheme && e->tag != 0x00080102)
		return false;
	s->awaits_scheme = e->tag == 0x00080100;
	if (e->tag >> 16 == 0xfffe)
		return e->tag <= 0xfffee0dd;
	if ((e->tag >> 16 & 1) != 0)
		return is_private(s, f, w, e);
	if (row == NULL || !dicom_row_has_vr(row, e->vr) || !is_allowed(s, e, row))
		return false;
	if (e->len == 0 && e->tag == 0x00080102)
		return false;
	if (e->len > 0 && row->code[0] != '-' && dicom_has_vr("OBODOFOLOVOW", e->vr))
		return is_dummy(f, e);
	if (e->len == 0 || dicom_has_vr("SQUSSSULSLUVSVFLFDATOBODOFOLOVOW", e->vr))
		return e->len != FLAT_OPEN || dicom_has_vr("SQ", e->vr) || e->tag == 0x7fe00010;
	p = e->len <= FLAT_VALUE_MAX ? flat_bytes(f, e->at, e->len) : NULL;
	if (strcmp(e->vr, "UN") == 0)
		return is_dummy(f, e);
	/* The scheme that follows is of one code. */
	if (p != NULL && e->tag == 0x00080100 && memchr(p, '\\', e->len) != NULL)
		return false;
	return p != NULL && are_values(s, e, p);
}

/* Preamble and file meta; the walk is behind them afterwards. */
static emr_withheld look_at_meta(flat_file *f, flat_walk *w, syntax_pixels *out_codec)
{
	static const uint32_t known[] = {
		0x00020000, 0x00020001, 0x00020002, 0x00020003, 0x00020010, 0x00020012, 0x00020013};
	const uint8_t *p = flat_bytes(f, 0, 132);
	flat_walk at = {.f = f, .at = 132};
	flat_found e;
	char text[65];

	if (p == NULL || memcmp(p + 128, "DICM", 4) != 0)
		return EMR_WITHHELD_NOT_DICOM;
	for (size_t i = 0; i < 128; i++)
		if (p[i] != 0)
			return EMR_WITHHELD_FOUND_AGAIN;
	if (!copied_begin(w, f, out_codec))
		return EMR_WITHHELD_DAMAGED;
	while (at.at < w->at) {
		if (!copied_step(&at, &e))
			return EMR_WITHHELD_DAMAGED;
		p = e.len < sizeof text ? flat_bytes(f, e.at, e.len) : NULL;
		if (!DICOM_IS_AMONG(known, e.tag) || p == NULL)
			return EMR_WITHHELD_FOUND_AGAIN;
		memcpy(text, p, e.len);
		text[e.len] = '\0';
		if ((strcmp(e.vr, "UI") == 0 && !is_uid(text)) ||
			(e.tag == 0x00020013 && strncmp(text, "EMRFS", 5) != 0))
			return EMR_WITHHELD_FOUND_AGAIN;
	}
	return EMR_WITHHELD_NOT;
}

emr_withheld scan_dicom(flat_file *f, const protocol_look *rules)
{
	scan s = {.rules = rules};
	flat_walk w;
	flat_found e;
	emr_withheld why = look_at_meta(f, &w, &s.codec);

	while (why == EMR_WITHHELD_NOT && w.at < f->size) {
		if (!copied_step(&w, &e))
			return EMR_WITHHELD_DAMAGED;
		copied_note_samples(&s.samples, &w, &e);
		if (!is_fit(&s, f, &w, &e))
			why = EMR_WITHHELD_FOUND_AGAIN;
		else if (e.tag == 0x7fe00010 && e.len == FLAT_OPEN && !copied_pass_fragments(&w))
			why = EMR_WITHHELD_DAMAGED;
		else if (e.tag == 0x7fe00010 && !are_pixels(&s, f, &w, &e))
			why = EMR_WITHHELD_FOUND_AGAIN;
	}
	if (why == EMR_WITHHELD_NOT && !s.has_class)
		why = EMR_WITHHELD_UNKNOWN_KIND;
	if (why == EMR_WITHHELD_NOT && (s.awaits_scheme || !s.says_removed || !s.has_pseudonym))
		why = EMR_WITHHELD_FOUND_AGAIN;
	return why;
}

emr_withheld scan_file(flat_file *f, const protocol_look *rules)
{
	emr_withheld why = headed_scan(
		f, &(headed_rules){rules->rules.with_formats, rules->rules.with_faces, NULL});

	return why != EMR_WITHHELD_NOT_DICOM ? why : scan_dicom(f, rules);
}
