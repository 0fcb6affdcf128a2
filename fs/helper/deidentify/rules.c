/* These rules say what becomes of each element of a DICOM file in a copy for research: a list of
 * what stays, and everything else goes. An element stays when its group is even, PS3.6 knows it
 * with this VR, and either Table E.1-1 of PS3.15 has no row for it and its VR has no room for a
 * name, or it stands in a list here with the words it may have. Of a choice of codes (X/Z/D) the
 * one that keeps most files readable is taken: D, then Z. A private one stays by another list. */
#include <stdio.h>
#include <string.h>

#include "copy.h"

/* Groups about the picture and how it was made.  All others are about people, orders, plans,
 * printing, storage: what Table E.1-1 does not name there goes, too. */
static const uint32_t picture_groups[] = {
	0x0008, 0x0018, 0x0020, 0x0028, 0x0040, 0x0054, 0x0062, 0x3004, 0x300c, 0x5200, 0x7fe0};

/* Option 113108, as far as it is numbers and codes. */
static const uint32_t characteristics[] = {
	0x00100040, 0x00101020, 0x00101030, 0x001021a0, 0x001021c0, 0x00102203};

/* PS3.16 annex L: what a head may be called, and what may have one.  The field is typed by hand. */
static const char heads[] =
	"|BRAIN|CAROTID|CSPINE|EAR|EYE|FACE|HEAD|HEADNECK|IAC|JAW|MANDIBLE|MAXILLA|MOUTH|NECK|"
	"NOSE|ORBIT|PAROTID|SINUS|SKULL|SPINE|THYROID|TMJ|TONGUE|WHOLEBODY|ZYGOMA|";

/* Units that stand beside numbers; UCUM lets anybody write words in braces. */
static const char units[] =
	"|1|%|[HNSF'U]|MM|CM|M|UM|MM2|CM2|MM3|CM3|ML|L|S|MS|US|MIN|H|D|HZ|KHZ|MHZ|T|MT|DEG|RAD|GY|"
	"MGY|"
	"CGY|MSV|BQ|KBQ|MBQ|BQ/ML|KBQ/ML|MBQ/ML|G/ML|MG/ML|G|KG|MG|UG|MA|KV|KEV|MM2/S|UM2/S|"
	"10-6.MM2/S|10*-6.MM2/S|/MIN|/S|ML/MIN|ML/G|G/ML{SUVBW}|{SUVBW}G/ML|{SUVLBM}G/ML|{SUVIBW}G/"
	"ML|"
	"{SUVBSA}CM2/ML|{COUNTS}|{RATIO}|{NO UNITS}|";

/* ---- elements without a row in Table E.1-1 ---- */

static deed rule_for_text(uint32_t tag, int depth)
{
	if (dicom_words(tag) != NULL)
		return DEED_WORD;
	switch (tag) {
	case 0x00080100: /* CodeValue and its scheme: of items whose code is known; at the top
			    nobody has looked at it */
	case 0x00080102:
		return depth > 0 ? DEED_CHECK : DEED_REMOVE;
	case 0x00181210: /* ConvolutionKernel: sharpness; a pattern of makers' names */
	case 0x00209056: /* StackID: digits */
		return DEED_CHECK;
	case 0x00080104:
		return depth > 0 ? DEED_MEANING : DEED_REMOVE;
	case 0x00409210: /* LUTLabel, SegmentLabel: type 1, free words */
	case 0x00620005:
		return DEED_DUMMY;
	default:
		return DEED_REMOVE;
	}
}

static deed rule_without_row(const element *e, int depth)
{
	if (!DICOM_IS_AMONG(picture_groups, e->tag >> 16))
		return DEED_REMOVE;
	if (e->tag >> 16 == 0x7fe0)
		return depth == 0 && (e->tag == TAG_PIXELS || e->tag == 0x7fe00008 ||
					     e->tag == 0x7fe00009)
			       ? DEED_PIXELS
			       : DEED_REMOVE;
	if (e->kind == ELEMENT_SEQUENCE)
		return DEED_SEQUENCE;
	if (dicom_has_vr("USSSULSLUVSVFLFDAT", e->vr))
		return DEED_COPY;
	if (dicom_has_vr("CSISDS", e->vr))
		return DEED_CHECK;
	if (dicom_has_vr("UI", e->vr))
		return DEED_UID;
	return dicom_has_vr("LOSH", e->vr) ? rule_for_text(e->tag, depth) : DEED_REMOVE;
}

/* ---- all elements ---- */

/* Written afresh at the top of each copy, whatever stands there. */
static const uint32_t own[] = {
	0x00100010, 0x00100020, 0x00120062, 0x00120063, 0x00120064, 0x00280303};

deed rule_for(const element *e, int depth, const emr_deidentify_rules *rules)
{
	const table_row *row = (e->tag >> 16 & 1) != 0 ? NULL : dicom_row(e->tag);
	const char *code;

	if (row == NULL || !dicom_row_has_vr(row, e->vr) || DICOM_IS_AMONG(own, e->tag) ||
		dicom_is_left_out(e->tag))
		return DEED_REMOVE;
	code = strrchr(row->code, '/') != NULL ? strrchr(row->code, '/') + 1 : row->code;
	if (code[0] == '-')
		return rule_without_row(e, depth);
	if (rules->with_characteristics && e->tag == 0x00101010)
		return DEED_AGE;
	if (rules->with_characteristics && DICOM_IS_AMONG(characteristics, e->tag))
		return dicom_has_vr("US", e->vr) ? DEED_COPY : DEED_CHECK;
	if (!rules->without_dates && dicom_is_of_visit(e->tag))
		return DEED_DATE;
	switch (code[0]) {
	case 'Z':
		return DEED_EMPTY;
	case 'D':
		return e->kind == ELEMENT_SEQUENCE ? DEED_EMPTY : DEED_DUMMY;
	case 'U':
		return e->kind == ELEMENT_SEQUENCE ? DEED_SEQUENCE : DEED_UID;
	default:
		return DEED_REMOVE;
	}
}

/* ---- texts ---- */

/* Capital letters, digits, blanks, underscores; no number as long as one that names somebody. */
static bool is_code_string(const char *text)
{
	size_t len = 0, digits = 0;

	for (; *text != '\0'; text++) {
		bool is_digit = *text >= '0' && *text <= '9';

		len = *text == '\\' ? 0 : len + 1;
		digits = is_digit ? digits + 1 : 0;
		if (len > 16 || digits > 4 ||
			(!is_digit && *text != ' ' && *text != '_' && *text != '\\' &&
				(*text < 'A' || *text > 'Z')))
			return false;
	}
	return true;
}

static bool is_number(const char *text, bool is_whole)
{
	return text[strspn(text, is_whole ? "0123456789+- \\" : "0123456789+-.eE \\")] == '\0';
}

/* B30f, I31s\3, FC08, STANDARD: two letters and two digits and a letter, or a word of a list. */
static bool is_kernel(const char *text)
{
	static const char words[] =
		"|SOFT|STANDARD|DETAIL|BONE|BONEPLUS|EDGE|LUNG|CHST|ULTRA|A|B|C|D|E|"
		"YA|YB|YC|YD|YE|";
	size_t letters = strcspn(text, "0123456789"), digits = strspn(text + letters, "0123456789");
	const char *rest = text + letters + digits;

	if (rule_is_word(words, text, strlen(text)))
		return true;
	if (letters < 1 || letters > 2 || digits < 2 || digits > 2)
		return false;
	for (size_t i = 0; i < letters; i++)
		if ((text[i] | 0x20) < 'a' || (text[i] | 0x20) > 'z')
			return false;
	if (*rest >= 'a' && *rest <= 'z')
		rest++;
	if (rest[0] == '\\' && rest[1] >= '1' && rest[1] <= '5')
		rest += 2;
	return *rest == '\0';
}

bool rule_is_word(const char *list, const char *text, size_t len)
{
	char word[80];

	if (len == 0 || len > sizeof word - 3 || memchr(text, '|', len) != NULL ||
		memchr(text, 0, len) != NULL)
		return false;
	snprintf(word, sizeof word, "|%.*s|", (int)len, text);
	return strcasestr(list, word) != NULL;
}

bool rule_takes_text(uint32_t tag, const char vr[2], const char *text)
{
	const char *words = dicom_words(tag);

	if (words != NULL)
		return rule_is_word(words, text, strlen(text));
	if (tag == 0x00080100 || tag == 0x00080102)
		return true; /* the item was looked at */
	if (tag == 0x00180015)
		return rule_is_word(heads, text, strlen(text)) || kind_is_without_head(text);
	if (tag == 0x00181210)
		return is_kernel(text);
	if (tag == 0x00209056)
		return strlen(text) <= 3 && is_number(text, true);
	if (memcmp(vr, "CS", 2) == 0)
		return is_code_string(text);
	return is_number(text, memcmp(vr, "IS", 2) == 0);
}

/* ---- private elements ---- */

/* The row by which E stays, with a value that it may have. */
static const table_private *row_that_stays(
	dicom *d, const element *e, const table_blocks *blocks, unsigned with)
{
	const table_private *row = dicom_private(blocks, e->tag, with);
	char text[80];

	if (row == NULL || e->kind != ELEMENT_VALUE || !dicom_private_fits(row, e->len) ||
		memcmp(e->vr, d->syntax->is_implicit ? "UN" : row->vr, 2) != 0)
		return NULL;
	if (!dicom_private_is_text(row))
		return row;
	dicom_text(d, e, text, sizeof text);
	return text[0] != '\0' && rule_takes_text(e->tag, row->vr, text) ? row : NULL;
}

/* E names a creator, and something of its block stays. */
static bool is_creator_that_stays(dicom *d, const element *e, table_blocks *blocks, unsigned with)
{
	uint32_t block = e->tag & 0xffff;
	char text[80];

	dicom_text(d, e, text, sizeof text);
	if (e->len > strlen(text) + 1 ||
		memcmp(e->vr, d->syntax->is_implicit ? "UN" : "LO", 2) != 0)
		text[0] = '\0'; /* nobody's */
	if (!dicom_note_creator(blocks, e->tag, text))
		return false;
	for (uint32_t i = e->end; i < d->count; i = d->elements[i].end) {
		const element *next = &d->elements[i];

		if (next->tag >> 16 != e->tag >> 16)
			break;
		if ((next->tag >> 8 & 0xff) == block &&
			row_that_stays(d, next, blocks, with) != NULL)
			return true;
	}
	return false;
}

deed rule_for_private(dicom *d, uint32_t index, table_blocks *blocks, unsigned with)
{
	element *e = &d->elements[index];
	const table_private *row;

	if (with == 0)
		return DEED_REMOVE;
	if ((e->tag & 0xffff) < 0x1000)
		return is_creator_that_stays(d, e, blocks, with) ? DEED_COPY : DEED_REMOVE;
	row = row_that_stays(d, e, blocks, with);
	if (row == NULL)
		return DEED_REMOVE;
	memcpy(e->vr, row->vr, 2);
	return dicom_private_is_text(row) ? DEED_CHECK : DEED_COPY;
}

/* ---- codes ---- */

static bool is_made_of(const char *text, const char *letters, size_t least, size_t most)
{
	size_t len = strlen(text);

	return len >= least && len <= most && strspn(text, letters) == len;
}

bool rule_knows_code(const char *scheme, const char *value)
{
	static const char digits[] = "0123456789";
	const char *dash = strchr(value, '-');

	if (strcmp(scheme, "SCT") == 0)
		return is_made_of(value, digits, 6, 18);
	if (strcmp(scheme, "DCM") == 0)
		return is_made_of(value, digits, 6, 6) && value[0] == '1';
	if (strcmp(scheme, "SRT") == 0 || strcmp(scheme, "SNM3") == 0)
		return dash != NULL && value[0] >= 'A' && value[0] <= 'Z' &&
		       strspn(value + 1, digits) == (size_t)(dash - value - 1) &&
		       dash - value <= 2 && is_made_of(dash + 1, "0123456789ABCDEF", 4, 5);
	if (strcmp(scheme, "LN") == 0)
		return dash != NULL && dash - value <= 6 && is_made_of(dash + 1, digits, 1, 1) &&
		       strspn(value, digits) == (size_t)(dash - value);
	if (strcmp(scheme, "UCUM") == 0)
		return rule_is_word(units, value, strlen(value));
	if (strcmp(scheme, "RADLEX") == 0)
		return strncmp(value, "RID", 3) == 0 && is_made_of(value + 3, digits, 1, 6);
	return false;
}
