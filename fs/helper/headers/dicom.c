/* This file reads DICOM Part 10: preamble, file meta (group 2, always explicit little endian), then
 * the data set up to its series.  Elements stand in rising order, so the walk ends there, long
 * before any pixel. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "helper/flat.h"
#include "parts.h"

#define SERIES 0x0020000eu /* the last element that is read */

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

static const struct {
	uint32_t tag;
	bool has_charset; /* else it is plain letters */
	size_t at;	  /* in emr_headers */
} texts[] = {{0x00080016, false, offsetof(emr_headers, class_uid)},
	{0x00080018, false, offsetof(emr_headers, instance_uid)},
	{0x00080060, false, offsetof(emr_headers, modality)},
	{0x00080080, true, offsetof(emr_headers, organisation)},
	{0x00081030, true, offsetof(emr_headers, description)},
	{0x00100010, true, offsetof(emr_headers, patient_name)},
	{0x00100020, true, offsetof(emr_headers, patient_id)},
	{0x0020000d, false, offsetof(emr_headers, study_uid)},
	{SERIES, false, offsetof(emr_headers, series_uid)}};

static void dicom_take(wanted *w, uint32_t tag, emr_bytes value)
{
	if (tag == 0x00080005)
		w->set = charset_of(value);
	else if (tag == 0x00080020)
		date_take(value, w->out->study_date);
	else if (tag == 0x0008103e)
		put_text(value, w->set, w->series);
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		if (texts[i].tag == tag)
			put_text(value, texts[i].has_charset ? w->set : ASCII,
				(char *)w->out + texts[i].at);
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

/* False for transfer syntaxes that are not read: deflated, big endian, and what is none. */
static bool take_syntax(emr_bytes uid, bool *out_is_implicit)
{
	static const char root[] = "1.2.840.10008.1.2";

	*out_is_implicit = is_text(uid, root);
	if (*out_is_implicit)
		return true;
	return uid.len > sizeof root && memcmp(uid.data, root, sizeof root - 1) == 0 &&
	       uid.data[sizeof root - 1] == '.' && !is_text(uid, "1.2.840.10008.1.2.2") &&
	       !is_text(uid, "1.2.840.10008.1.2.1.99");
}

static void dicom_read(flat_file *head, emr_headers *out)
{
	wanted found = {.out = out};
	char uid[FLAT_UID];
	uint32_t last = 0;
	flat_walk w;
	flat_found e;

	out->kind = EMR_HEADER_DICOM;
	if (!flat_meta(&w, head, uid) ||
		!take_syntax(emr_bytes_of(uid, strlen(uid)), &w.is_implicit))
		return;
	for (; flat_next(&w, &e) && e.tag > last && e.tag <= SERIES; last = e.tag) {
		if (!(e.len == FLAT_OPEN ? flat_pass_open(&w) : flat_pass(&w, &e)))
			break;
		if (e.len != FLAT_OPEN)
			dicom_take(
				&found, e.tag, emr_bytes_of(flat_bytes(head, e.at, e.len), e.len));
	}
	join_series(&found);
}

emr_status emr_headers_read_bytes(emr_bytes bytes, emr_headers *out)
{
	EMR_AUTO_FREE flat_file *head = NULL;

	*out = (emr_headers){0};
	if (!headers_may_be(bytes))
		return EMR_OK;
	head = calloc(1, sizeof *head);
	if (head == NULL)
		return EMR_NO_MEMORY;
	head->size = head->len = bytes.len < EMR_HEADERS_HEAD ? bytes.len : EMR_HEADERS_HEAD;
	memcpy(head->block, bytes.data, head->len);
	dicom_read(head, out);
	return EMR_OK;
}
