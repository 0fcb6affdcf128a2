/* This file writes the copy of a DICOM file for research: it makes preamble, file meta and the
 * ids of the copy new, writes sequences with delimiters, elements one by one as their rule says,
 * and pixels in pieces. It refuses to finish a copy of which something could not be read. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "copy.h"

/* This program's own, as a UID from a random UUID (PS3.7 D.3.3.2). */
#define IMPLEMENTATION_UID "2.25.216848219842318541367091870146330221953"

typedef struct copier {
	dicom in;
	const persona *who;
	const emr_deidentify_rules *rules;
	pixel_plan plan;
	table_blocks blocks;
	emr_deidentified *out;
	pen to;
	size_t own; /* how many of the added elements are written */
	emr_withheld why;
} copier;

/* ---- bytes ---- */

static void pen_flush(pen *to)
{
	if (to->status == EMR_OK)
		to->status = emr_pwrite_all(to->fd, to->buffer, to->filled, (off_t)to->at);
	to->at += to->filled;
	to->filled = 0;
}

void pen_put(pen *to, const void *data, size_t len)
{
	const uint8_t *p = data;

	while (len > 0) {
		size_t room = sizeof to->buffer - to->filled, n = len < room ? len : room;

		memcpy(to->buffer + to->filled, p, n);
		to->filled += n;
		p += n;
		len -= n;
		if (n == room)
			pen_flush(to);
	}
}

static void put_u16(copier *c, uint32_t v)
{
	const uint8_t little[] = {(uint8_t)v, (uint8_t)(v >> 8)}, big[] = {little[1], little[0]};

	pen_put(&c->to, c->in.syntax->is_big ? big : little, 2);
}

static void put_u32(copier *c, uint32_t v)
{
	put_u16(c, c->in.syntax->is_big ? v >> 16 : v & 0xffff);
	put_u16(c, c->in.syntax->is_big ? v & 0xffff : v >> 16);
}

/* LEN bytes of the original from AT, which are samples of PIXELS unless that is NULL. */
static void put_source(copier *c, uint64_t at, uint64_t len, const image *pixels)
{
	static uint8_t piece[SOURCE_PIECE];

	while (len > 0) {
		size_t n = len < SOURCE_PIECE ? (size_t)len : SOURCE_PIECE;
		const uint8_t *p = flat_bytes(&c->in.in, at, n);

		if (p == NULL) { /* it was longer a moment ago */
			c->why = EMR_WITHHELD_DAMAGED;
			return;
		}
		if (pixels != NULL) {
			memcpy(piece, p, n);
			pixels_clear(pixels, c->in.syntax->is_big, piece, n);
			p = piece;
		}
		pen_put(&c->to, p, n);
		at += n;
		len -= n;
	}
}

/* ---- elements ---- */

static void put_tag(copier *c, uint32_t tag)
{
	put_u16(c, tag >> 16);
	put_u16(c, tag & 0xffff);
}

static void put_header(copier *c, uint32_t tag, const char vr[2], uint32_t len)
{
	put_tag(c, tag);
	if (c->in.syntax->is_implicit) {
		put_u32(c, len);
		return;
	}
	pen_put(&c->to, vr, 2);
	if (dicom_has_vr("OBODOFOLOVOWSQSVUCUNURUTUV", vr)) {
		pen_put(&c->to, "\0", 2);
		put_u32(c, len);
	} else {
		put_u16(c, len);
	}
}

static void put_item(copier *c, uint32_t tag, uint32_t len)
{
	put_tag(c, tag);
	put_u32(c, len);
}

static void put_text(copier *c, uint32_t tag, const char vr[2], const char *text)
{
	size_t len = strlen(text);

	put_header(c, tag, vr, (uint32_t)(len + (len & 1)));
	pen_put(&c->to, text, len);
	if ((len & 1) != 0)
		pen_put(&c->to, memcmp(vr, "UI", 2) == 0 ? "\0" : " ", 1);
}

/* ---- what is written afresh ---- */

static void put_code(copier *c, const char *value, const char *meaning)
{
	put_item(c, TAG_ITEM, DICOM_UNDEFINED);
	put_text(c, 0x00080100, "SH", value);
	put_text(c, 0x00080102, "SH", "DCM");
	put_text(c, 0x00080104, "LO", meaning);
	put_item(c, TAG_ITEM_END, 0);
}

/* PS3.16 CID 7050. */
static void put_methods(copier *c)
{
	put_header(c, 0x00120064, "SQ", DICOM_UNDEFINED);
	put_code(c, "113100", "Basic Application Confidentiality Profile");
	if (!c->rules->without_dates)
		put_code(c, "113107",
			"Retain Longitudinal Temporal Information Modified Dates Option");
	if (c->rules->with_characteristics)
		put_code(c, "113108", "Retain Patient Characteristics Option");
	if (c->rules->with_private != 0)
		put_code(c, "113111", "Retain Safe Private Option");
	put_item(c, TAG_SEQUENCE_END, 0);
}

/* Those of the added elements that stand before TAG. */
static void put_own(copier *c, uint32_t tag)
{
	const struct {
		uint32_t tag;
		const char *vr, *text; /* NULL: the methods */
	} own[] = {{0x00100010, "PN", c->who->pseudonym}, {0x00100020, "LO", c->who->pseudonym},
		{0x00120062, "CS", "YES"},
		{0x00120063, "LO", "emrfs: DICOM PS3.15 2026c Table E.1-1"},
		{0x00120064, "SQ", NULL},
		{0x00280303, "CS", c->rules->without_dates ? "REMOVED" : "MODIFIED"}};

	for (; c->own < sizeof own / sizeof *own && own[c->own].tag < tag; c->own++) {
		if (own[c->own].text == NULL)
			put_methods(c);
		else
			put_text(c, own[c->own].tag, own[c->own].vr, own[c->own].text);
	}
}

static void put_meta_text(copier *c, uint16_t number, const char *text, uint32_t *length)
{
	put_text(c, 0x00020000u | number, "UI", text);
	*length += 8 + (uint32_t)(strlen(text) + 1) / 2 * 2;
}

static void put_meta(copier *c, const char *class_uid, const char *instance_uid)
{
	static const syntax explicit_little = {.uid = "1.2.840.10008.1.2.1"};
	const syntax *said = c->in.syntax;
	uint8_t preamble[128] = {0};
	uint32_t length = 14 + 14; /* of the two that are no UIDs */
	size_t length_at;

	c->in.syntax = &explicit_little; /* file meta always is, PS3.10 7.1 */
	pen_put(&c->to, preamble, sizeof preamble);
	pen_put(&c->to, "DICM", 4);
	put_header(c, 0x00020000, "UL", 4);
	length_at = c->to.filled;
	put_u32(c, 0);
	put_header(c, 0x00020001, "OB", 2);
	pen_put(&c->to, "\0\1", 2);
	put_meta_text(c, 0x0002, class_uid, &length);
	put_meta_text(c, 0x0003, instance_uid, &length);
	put_meta_text(c, 0x0010, said->uid, &length);
	put_meta_text(c, 0x0012, IMPLEMENTATION_UID, &length);
	put_text(c, 0x00020013, "SH", "EMRFS");
	for (int i = 0; i < 4; i++) /* the buffer was empty, and still holds all of it */
		c->to.buffer[length_at + (size_t)i] = (uint8_t)(length >> (8 * i));
	c->in.syntax = said;
}

/* ---- values ---- */

/* One value of several, without padding: its start moves on behind the next bar. */
static bool next_value(const char **at, char *out, size_t size)
{
	size_t len;

	if (*at == NULL)
		return false;
	len = strcspn(*at, "\\");
	snprintf(out, size, "%.*s", (int)len, *at + strspn(*at, " ") < *at + len ? *at : "");
	*at = (*at)[len] == '\\' ? *at + len + 1 : NULL;
	for (len = strlen(out); len > 0 && out[len - 1] == ' '; len--)
		out[len - 1] = '\0';
	return true;
}

typedef struct range { /* of an item's elements, or of the whole data set */
	uint32_t first, end;
	int depth;
} range;

/* The text of the sibling TAG, unless it is of another kind than the standard's: then it is not
 * copied, and nothing may rest upon it. */
static void sibling_text(copier *c, range among, uint32_t tag, char *out, size_t size)
{
	uint32_t i = tag == 0 ? among.end : dicom_find(&c->in, among.first, among.end, tag);
	const table_row *row = dicom_row(tag);

	out[0] = '\0';
	if (i < among.end && row != NULL && dicom_row_has_vr(row, c->in.elements[i].vr))
		dicom_text(&c->in, &c->in.elements[i], out, size);
}

/* UIDs, dates and ages, of which an element may have several.  More text than a value is looked
 * into for goes as a whole. */
static void put_changed(copier *c, const element *e, deed how, range among)
{
	static char text[DICOM_TEXT_MAX], changed[2 * DICOM_TEXT_MAX];
	char times[1024], one[128], time[64], new_one[EMR_DICOM_UID_SIZE];
	const char *at = text, *time_at = times;
	bool is_first = true;
	size_t len = 0;

	/* The times of study, series, acquisition and content stand in the order of their dates. */
	sibling_text(c, among, e->tag >= 0x00080020 && e->tag <= 0x00080023 ? e->tag + 0x10 : 0,
		times, sizeof times);
	dicom_text(&c->in, e, text, e->len < sizeof text ? sizeof text : 1);
	changed[0] = '\0';
	while (next_value(&at, one, sizeof one)) {
		time[0] = '\0';
		(void)next_value(&time_at, time, sizeof time);
		value_change(c->who, &c->in, e, how, one, time, new_one);
		if (len + strlen(new_one) + 2 > sizeof changed)
			break;
		len += (size_t)snprintf(
			changed + len, sizeof changed - len, "%s%s", is_first ? "" : "\\", new_one);
		is_first = false;
	}
	put_text(c, e->tag, e->vr, changed);
	c->out->elements_changed++;
}

static void put_checked(copier *c, const element *e, deed how)
{
	char text[DICOM_TEXT_MAX];

	dicom_text(&c->in, e, text, e->len < sizeof text ? sizeof text : 1);
	if (rule_takes_text(e->tag, e->vr, text) && strlen(text) <= e->len) {
		put_text(c, e->tag, e->vr, text);
		c->out->elements_kept++;
	} else if (how == DEED_WORD) {
		put_header(c, e->tag, e->vr, 0);
		c->out->elements_changed++;
	} else {
		c->out->elements_removed++;
	}
}

static void put_dummy(copier *c, const element *e)
{
	const char *text = value_dummy(e->vr);
	static const uint8_t zeros[8];

	c->out->elements_changed++;
	if (memcmp(e->vr, "UI", 2) == 0) {
		put_changed(c, e, DEED_UID, (range){0});
	} else if (text != NULL) {
		put_text(c, e->tag, e->vr, text);
	} else { /* numbers of one to eight bytes, and runs of bytes */
		put_header(c, e->tag, e->vr, sizeof zeros);
		pen_put(&c->to, zeros, sizeof zeros);
	}
}

/* ---- pixels ---- */

/* How long the image that begins at fragment *INDEX is in the copy: without cuts, and even. Both
 * *INDEX and *AT, which is the next cut, move on to the next image. */
static uint32_t next_image(const copier *c, uint32_t *index, uint32_t *at)
{
	uint32_t len = 0;

	do {
		len += c->in.fragments[*index].len;
		for (; *at < c->plan.count && c->plan.cuts[*at].fragment == *index; ++*at)
			len -= c->plan.cuts[*at].len;
	} while (++*index < c->in.fragment_count && !c->in.fragments[*index].begins_image);
	return len + (len & 1);
}

/* Where each image begins. The original's table is not believed: the images were found. */
static void put_offsets(copier *c)
{
	uint32_t images = 0, offset = 0, index = 1, at = 0;

	for (uint32_t i = 1; i < c->in.fragment_count; i++)
		images += c->in.fragments[i].begins_image;
	put_item(c, TAG_ITEM, images * 4);
	while (index < c->in.fragment_count) {
		put_u32(c, offset);
		offset += 8 + next_image(c, &index, &at);
	}
}

/* Fragment INDEX but for its cuts, from *AT on; how many bytes those are. */
static uint32_t put_fragment(copier *c, uint32_t index, uint32_t *at)
{
	const fragment *f = &c->in.fragments[index];
	uint32_t done = 0, sent = 0;

	for (; *at < c->plan.count && c->plan.cuts[*at].fragment == index; ++*at) {
		const cut *out = &c->plan.cuts[*at];

		put_source(c, f->at + done, out->at - done, NULL);
		sent += out->at - done;
		done = out->at + out->len;
	}
	put_source(c, f->at + done, f->len - done, NULL);
	return sent + f->len - done;
}

/* Each image is one fragment of the copy, because only its end may be padded (PS3.5 A.4): a byte
 * between two fragments would be one of the codestream. */
static void put_fragments(copier *c, const element *e)
{
	uint32_t index = 1, at = 0, ahead = 0;

	put_header(c, e->tag, "OB", DICOM_UNDEFINED);
	put_offsets(c);
	for (uint32_t end = 1; index < c->in.fragment_count;) {
		uint32_t len = next_image(c, &end, &ahead);

		put_item(c, TAG_ITEM, len);
		for (; index < end; index++)
			len -= put_fragment(c, index, &at);
		pen_put(&c->to, "\0", len);
	}
	put_item(c, TAG_SEQUENCE_END, 0);
}

static void put_pixels(copier *c, const element *e)
{
	image i;
	bool is_whole = pixels_image(&c->in, &i) && e->tag == TAG_PIXELS;

	c->out->elements_kept++;
	if (e->kind == ELEMENT_FRAGMENTS) {
		put_fragments(c, e);
	} else {
		put_header(c, e->tag, e->vr, e->len);
		put_source(c, e->at, e->len, is_whole ? &i : NULL);
	}
}

/* ---- all of it ---- */

/* May this item stay?  One that is a code only if everybody may know it. */
static bool is_item_known(copier *c, range item)
{
	static const uint32_t marks[] = {
		0x00080100, 0x00080101, 0x00080102, 0x00080104, 0x00080119, 0x00080120};
	char scheme[20], value[20];
	bool is_code = false;

	for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
		is_code |= dicom_find(&c->in, item.first, item.end, marks[i]) < item.end;
	sibling_text(c, item, 0x00080102, scheme, sizeof scheme);
	sibling_text(c, item, 0x00080100, value, sizeof value);
	return !is_code || rule_knows_code(scheme, value);
}

static void put_one(copier *c, uint32_t index, deed how, range among)
{
	const element *e = &c->in.elements[index];
	char text[20];

	switch (how) {
	case DEED_REMOVE:
	case DEED_SEQUENCE:
		c->out->elements_removed++;
		break;
	case DEED_COPY:
		put_header(c, e->tag, e->vr, e->len);
		put_source(c, e->at, e->len, NULL);
		c->out->elements_kept++;
		break;
	case DEED_CHECK:
	case DEED_WORD:
		put_checked(c, e, how);
		break;
	case DEED_EMPTY:
		put_header(c, e->tag, e->vr, 0);
		c->out->elements_changed++;
		break;
	case DEED_DUMMY:
		put_dummy(c, e);
		break;
	case DEED_MEANING:
		sibling_text(c, among, 0x00080100, text, sizeof text);
		put_text(c, e->tag, e->vr, text);
		c->out->elements_changed++;
		break;
	case DEED_UID:
	case DEED_DATE:
	case DEED_AGE:
		put_changed(c, e, how, among);
		break;
	case DEED_PIXELS:
		put_pixels(c, e);
		break;
	}
}

/* Depth is that of the parser, which is limited; a walk over the flat list would need a stack of
 * its own for the delimiters. */
static void put_range(copier *c, range among)
{
	for (uint32_t i = among.first;
		i < among.end && c->to.status == EMR_OK && c->why == EMR_WITHHELD_NOT;
		i = c->in.elements[i].end) {
		const element *e = &c->in.elements[i];
		deed how = among.depth == 0 && (e->tag >> 16 & 1) != 0
				   ? rule_for_private(&c->in, i, &c->blocks, c->rules->with_private)
				   : rule_for(e, among.depth, c->rules);

		if (among.depth == 0)
			put_own(c, e->tag);
		if (how != DEED_SEQUENCE) {
			put_one(c, i, how, among);
			continue;
		}
		put_header(c, e->tag, "SQ", DICOM_UNDEFINED);
		c->out->elements_kept++;
		for (uint32_t item = i + 1; item < e->end; item = c->in.elements[item].end) {
			range inside = {item + 1, c->in.elements[item].end, among.depth + 1};

			if (!is_item_known(c, inside))
				continue;
			put_item(c, TAG_ITEM, DICOM_UNDEFINED);
			put_range(c, inside);
			put_item(c, TAG_ITEM_END, 0);
		}
		put_item(c, TAG_SEQUENCE_END, 0);
	}
}

/* The bytes that name the copy; false: it has no name. */
static bool name_copy(copier *c)
{
	static const uint32_t tags[] = {0x00080018, 0x0020000d, 0x0020000e};
	char *const uids[] = {c->out->instance_uid, c->out->study_uid, c->out->series_uid};
	char old[EMR_DICOM_UID_SIZE], number[10];

	for (size_t i = 0; i < 3; i++) {
		dicom_text_of(&c->in, tags[i], old, sizeof old);
		if (old[0] == '\0' || strchr(old, '\\') != NULL)
			return false;
		value_uid(c->who, old, uids[i]);
	}
	dicom_text_of(&c->in, 0x00080060, c->out->modality, sizeof c->out->modality);
	dicom_text_of(&c->in, 0x00200013, number, sizeof number);
	if (number[strspn(number, "0123456789")] == '\0')
		c->out->instance_number = (uint32_t)strtoul(number, NULL, 10);
	return true;
}

emr_status copy_file(int in_fd, uint64_t size, int out_fd, const persona *who,
	const emr_deidentify_rules *rules, emr_deidentified *out)
{
	static copier c;
	char class_uid[EMR_DICOM_UID_SIZE];

	c = (copier){.in = {.in = {.fd = in_fd, .size = size}},
		.who = who,
		.rules = rules,
		.out = out,
		.to.fd = out_fd};
	*out = (emr_deidentified){0};
	c.why = dicom_parse(&c.in);
	if (c.why == EMR_WITHHELD_NOT)
		c.why = kind_of(&c.in, rules);
	if (c.why == EMR_WITHHELD_NOT)
		c.why = pixels_look(&c.in, &c.plan);
	if (c.why == EMR_WITHHELD_NOT && !name_copy(&c))
		c.why = EMR_WITHHELD_DAMAGED;
	if (c.why == EMR_WITHHELD_NOT) {
		dicom_text_of(&c.in, 0x00080016, class_uid, sizeof class_uid);
		put_meta(&c, class_uid, out->instance_uid);
		put_range(&c, (range){0, c.in.count, 0});
		pen_flush(&c.to);
		out->size = c.to.at;
	}
	dicom_free(&c.in);
	pixels_free(&c.plan);
	if (c.why != EMR_WITHHELD_NOT)
		*out = (emr_deidentified){.withheld = c.why};
	return c.to.status;
}
