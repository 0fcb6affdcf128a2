/* This file reads DICOM Part 10: preamble, file meta (group 2, always explicit little endian), then
 * the data set up to its series.  Elements stand in rising order, so the walk ends there, long
 * before any pixel. */
#include <string.h>

#include "parts.h"

#define UNDEFINED 0xffffffffu
#define DEPTH_MAX 16
#define SERIES 0x0020000eu /* the last element that is read */

typedef struct walk {
	const uint8_t *at;
	size_t left;
	bool is_implicit;
} walk;

typedef struct element {
	uint32_t tag;
	uint32_t len;	 /* UNDEFINED: up to its delimiter */
	char vr[2];	 /* "\0\0": not said */
	emr_bytes value; /* empty when the length is undefined */
} element;

static uint32_t le16(const uint8_t *p)
{
	return (uint32_t)(p[0] | p[1] << 8);
}

static uint32_t le32(const uint8_t *p)
{
	return le16(p) | le16(p + 2) << 16;
}

static bool has_long_length(const char vr[2])
{
	static const char *const longs[] = {
		"OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"};

	for (size_t i = 0; i < sizeof longs / sizeof *longs; i++)
		if (memcmp(longs[i], vr, 2) == 0)
			return true;
	return false;
}

static bool skip(walk *w, size_t n)
{
	if (n > w->left)
		return false;
	w->at += n;
	w->left -= n;
	return true;
}

static bool read_length(walk *w, element *e)
{
	bool is_delimiter = e->tag >> 16 == 0xfffe;

	if (!w->is_implicit && !is_delimiter) {
		e->vr[0] = (char)w->at[4];
		e->vr[1] = (char)w->at[5];
		if (e->vr[0] < 'A' || e->vr[0] > 'Z' || e->vr[1] < 'A' || e->vr[1] > 'Z')
			return false;
		if (!has_long_length(e->vr)) {
			e->len = le16(w->at + 6);
			return skip(w, 8);
		}
		if (w->left < 12)
			return false;
		e->len = le32(w->at + 8);
		return skip(w, 12);
	}
	e->len = le32(w->at + 4);
	return skip(w, 8);
}

/* One element's header and, where its length is known, its value.  Items are entered, whatever
 * their length. */
static bool next(walk *w, element *e)
{
	*e = (element){0};
	if (w->left < 8)
		return false;
	e->tag = le16(w->at) << 16 | le16(w->at + 2);
	if (!read_length(w, e))
		return false;
	if (e->len == UNDEFINED)
		return true;
	e->value = emr_bytes_of(w->at, e->len);
	return skip(w, e->len);
}

/* Up to the delimiter of what has an undefined length: sequences hold items, items hold elements.
 */
static bool skip_undefined(walk *w)
{
	unsigned depth = 1;
	element e;

	while (depth > 0) {
		if (!next(w, &e))
			return false;
		if (e.tag == 0xfffee00d || e.tag == 0xfffee0dd) {
			if (e.len != 0)
				return false;
			depth--;
		} else if (e.len == UNDEFINED &&
			   (memcmp(e.vr, "UN", 2) == 0 || ++depth > DEPTH_MAX)) {
			return false;
		}
	}
	return true;
}

/* ---- character sets, PS3.5 6.1 and C.12.1.1.2 ---- */

typedef enum charset { ASCII, LATIN1, UTF8, OTHER } charset;

static emr_bytes trim(emr_bytes text)
{
	while (text.len > 0 && (text.data[text.len - 1] == ' ' || text.data[text.len - 1] == 0))
		text.len--;
	while (text.len > 0 && text.data[0] == ' ')
		text = emr_bytes_of(text.data + 1, text.len - 1);
	return text;
}

static bool is_text(emr_bytes bytes, const char *text)
{
	return bytes.len == strlen(text) && memcmp(bytes.data, text, bytes.len) == 0;
}

static charset charset_of(emr_bytes value)
{
	value = trim(value);
	if (value.len == 0 || is_text(value, "ISO_IR 6"))
		return ASCII;
	if (is_text(value, "ISO_IR 100"))
		return LATIN1;
	return is_text(value, "ISO_IR 192") ? UTF8 : OTHER;
}

/* The first value; nothing when it has bytes that this character set does not explain. */
static void put_text(emr_bytes value, charset set, char out[EMR_HEADER_TEXT_MAX + 1])
{
	text_sink sink = text_begin(out);
	const uint8_t *end = value.len > 0 ? memchr(value.data, '\\', value.len) : NULL;

	if (end != NULL)
		value.len = (size_t)(end - value.data);
	value = trim(value);
	if (set == UTF8) {
		if (text_is_utf8(value) && !text_put_utf8(&sink, value))
			out[0] = '\0';
		return;
	}
	for (size_t i = 0; i < value.len; i++) {
		if (value.data[i] == 0x1b || (value.data[i] >= 0x80 && set != LATIN1)) {
			out[0] = '\0';
			return;
		}
		text_put(&sink, value.data[i]);
	}
}

/* ---- the data set ---- */

typedef struct wanted {
	char series[EMR_HEADER_TEXT_MAX + 1];
	charset set;
	emr_headers *out;
} wanted;

static void dicom_take(wanted *w, const element *e)
{
	switch (e->tag) {
	case 0x00080005:
		w->set = charset_of(e->value);
		return;
	case 0x00080016:
		put_text(e->value, ASCII, w->out->class_uid);
		return;
	case 0x00080018:
		put_text(e->value, ASCII, w->out->instance_uid);
		return;
	case 0x00080020:
		date_take(e->value, w->out->study_date);
		return;
	case 0x00080060:
		put_text(e->value, ASCII, w->out->modality);
		return;
	case 0x00080080:
		put_text(e->value, w->set, w->out->organisation);
		return;
	case 0x00081030:
		put_text(e->value, w->set, w->out->description);
		return;
	case 0x0008103e:
		put_text(e->value, w->set, w->series);
		return;
	case 0x00100010:
		put_text(e->value, w->set, w->out->patient_name);
		return;
	case 0x00100020:
		put_text(e->value, w->set, w->out->patient_id);
		return;
	case 0x0020000d:
		put_text(e->value, ASCII, w->out->study_uid);
		return;
	case SERIES:
		put_text(e->value, ASCII, w->out->series_uid);
		return;
	}
}

static void join_series(wanted *w)
{
	text_sink sink;
	char study[EMR_HEADER_TEXT_MAX + 1];

	if (w->series[0] == '\0' || strcmp(w->series, w->out->description) == 0)
		return;
	memcpy(study, w->out->description, sizeof study);
	sink = text_begin(w->out->description);
	if (study[0] != '\0' && (!text_put_utf8(&sink, emr_bytes_of(study, strlen(study))) ||
					!text_put_utf8(&sink, emr_bytes_of(", ", 2))))
		return;
	if (!text_put_utf8(&sink, emr_bytes_of(w->series, strlen(w->series))))
		w->out->description[0] = '\0';
}

static void read_data_set(walk *w, emr_headers *out)
{
	wanted found = {.out = out};
	uint32_t last = 0;
	element e;

	while (next(w, &e) && e.tag > last && e.tag <= SERIES) {
		last = e.tag;
		if (e.len != UNDEFINED)
			dicom_take(&found, &e);
		else if (memcmp(e.vr, "UN", 2) == 0 || !skip_undefined(w))
			break;
	}
	join_series(&found);
}

/* False for transfer syntaxes that are not read: deflated, big endian, and what is none. */
static bool take_syntax(emr_bytes uid, bool *out_is_implicit)
{
	static const char root[] = "1.2.840.10008.1.2";

	uid = trim(uid);
	*out_is_implicit = is_text(uid, root);
	if (*out_is_implicit)
		return true;
	return uid.len > sizeof root && memcmp(uid.data, root, sizeof root - 1) == 0 &&
	       uid.data[sizeof root - 1] == '.' && !is_text(uid, "1.2.840.10008.1.2.2") &&
	       !is_text(uid, "1.2.840.10008.1.2.1.99");
}

void dicom_read(emr_bytes head, emr_headers *out)
{
	walk w = {.at = head.data, .left = head.len}, before;
	bool is_known = false, is_implicit = false;
	element e;

	out->kind = EMR_HEADER_DICOM;
	if (!skip(&w, 132))
		return;
	for (before = w; next(&w, &e) && e.tag >> 16 == 2; before = w) {
		if (e.len == UNDEFINED)
			return;
		if (e.tag == 0x00020010)
			is_known = take_syntax(e.value, &is_implicit);
	}
	if (!is_known)
		return;
	before.is_implicit = is_implicit;
	read_data_set(&before, out);
}
