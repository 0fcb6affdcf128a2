/* This file reads the headers of a DICOM Part 10 file into a flat list. It has no recursion, so
 * that nesting costs no stack, and it refuses what is not exactly as PS3.5 and PS3.10 say:
 * lengths that lead out of what holds them, elements out of order, anything behind the last one. */
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

#include "dicom.h"

/* ---- bytes ---- */

static uint32_t u16(bool is_big, const uint8_t *p)
{
	return (uint32_t)(is_big ? p[0] << 8 | p[1] : p[1] << 8 | p[0]);
}

static uint32_t u32(bool is_big, const uint8_t *p)
{
	return is_big ? u16(true, p) << 16 | u16(true, p + 2)
		      : u16(false, p + 2) << 16 | u16(false, p);
}

uint16_t dicom_u16(const dicom *d, const uint8_t *p)
{
	return (uint16_t)u16(d->syntax->is_big, p);
}

uint32_t dicom_u32(const dicom *d, const uint8_t *p)
{
	return u32(d->syntax->is_big, p);
}

/* ---- headers of elements ---- */

typedef struct coding {
	bool is_implicit, is_big;
} coding;

typedef struct header {
	uint32_t tag, len;
	char vr[2];
	uint8_t size; /* of the header itself */
} header;

static emr_withheld read_header(flat_file *in, coding c, uint64_t at, uint64_t end, header *out)
{
	const uint8_t *p = end - at < 8 ? NULL : flat_bytes(in, at, 8);
	const table_row *row;

	if (p == NULL)
		return EMR_WITHHELD_DAMAGED;
	out->tag = u16(c.is_big, p) << 16 | u16(c.is_big, p + 2);
	out->size = 8;
	memcpy(out->vr, "UN", 2);
	if (c.is_implicit || out->tag >> 16 == 0xfffe) {
		row = dicom_row(out->tag);
		if (row != NULL)
			memcpy(out->vr, row->vrs, 2);
		out->len = u32(c.is_big, p + 4);
		return EMR_WITHHELD_NOT;
	}
	memcpy(out->vr, p + 4, 2);
	if (dicom_has_vr("AEASATCSDADSDTFDFLISLOLTPNSHSLSSSTTMUIULUS", out->vr)) {
		out->len = u16(c.is_big, p + 6);
		return EMR_WITHHELD_NOT;
	}
	if (!dicom_has_vr("OBODOFOLOVOWSQSVUCUNURUTUV", out->vr) || end - at < 12 ||
		(p = flat_bytes(in, at, 12)) == NULL)
		return EMR_WITHHELD_DAMAGED;
	out->len = u32(c.is_big, p + 8);
	out->size = 12;
	return EMR_WITHHELD_NOT;
}

/* ---- the list ---- */

static element *add_element(dicom *d, const header *h, element_kind kind, uint64_t at)
{
	element *more;

	if (d->count == DICOM_ELEMENTS_MAX ||
		emr_array_room(&d->elements, d->count, &d->room, sizeof *d->elements) != EMR_OK)
		return NULL;
	more = &d->elements[d->count++];
	*more = (element){
		.tag = h->tag, .end = d->count, .at = at, .len = h->len, .kind = (uint8_t)kind};
	memcpy(more->vr, h->vr, 2);
	return more;
}

/* The data set, a sequence or an item that is being read. */
typedef struct level {
	uint64_t end;	/* where it must end; with is_open where what holds it must */
	uint32_t index; /* of its element; of no use for the data set */
	uint32_t last;	/* tag of the last element in it */
	bool is_open;	/* ends with a delimiter */
	bool is_sequence;
	coding coding;
} level;

typedef struct parser {
	dicom *d;
	uint64_t at;
	level levels[2 * DICOM_DEPTH_MAX + 2];
	int depth;
} parser;

static level *top_level(parser *p)
{
	return &p->levels[p->depth];
}

static emr_withheld push_level(parser *p, const header *h, bool is_sequence, coding c)
{
	const level *outer = top_level(p);
	level inner = {
		.is_open = h->len == DICOM_UNDEFINED, .is_sequence = is_sequence, .coding = c};

	if (p->depth + 1 == sizeof p->levels / sizeof *p->levels)
		return EMR_WITHHELD_TOO_COMPLEX;
	if (!inner.is_open && h->len > outer->end - p->at)
		return EMR_WITHHELD_DAMAGED;
	if (add_element(p->d, h, is_sequence ? ELEMENT_SEQUENCE : ELEMENT_ITEM, p->at) == NULL)
		return EMR_WITHHELD_TOO_COMPLEX;
	inner.end = inner.is_open ? outer->end : p->at + h->len;
	inner.index = p->d->count - 1;
	p->levels[++p->depth] = inner;
	return EMR_WITHHELD_NOT;
}

static void pop_level(parser *p)
{
	p->d->elements[top_level(p)->index].end = p->d->count;
	p->depth--;
}

/* Compressed pixels: items of bytes up to the delimiter. Those of a picture inside the file (an
 * icon) are passed over: no copy has it. */
static emr_withheld read_fragments(parser *p, const header *h)
{
	uint64_t end = top_level(p)->end;
	dicom *d = p->d;
	header item;
	emr_withheld why;

	if (add_element(p->d, h, ELEMENT_FRAGMENTS, p->at) == NULL)
		return EMR_WITHHELD_TOO_COMPLEX;
	for (;;) {
		why = read_header(&p->d->in, top_level(p)->coding, p->at, end, &item);
		if (why != EMR_WITHHELD_NOT)
			return why;
		p->at += 8;
		if (item.tag == TAG_SEQUENCE_END)
			return item.len == 0 ? EMR_WITHHELD_NOT : EMR_WITHHELD_DAMAGED;
		if (item.tag != TAG_ITEM || item.len > end - p->at || (item.len & 1) != 0)
			return EMR_WITHHELD_DAMAGED;
		if (p->depth == 0 &&
			(d->fragment_count == DICOM_FRAGMENTS_MAX ||
				emr_array_room(&d->fragments, d->fragment_count, &d->fragment_room,
					sizeof *d->fragments) != EMR_OK))
			return EMR_WITHHELD_TOO_COMPLEX;
		if (p->depth == 0)
			d->fragments[d->fragment_count++] =
				(fragment){.at = p->at, .len = item.len};
		p->at += item.len;
	}
}

static emr_withheld read_item(parser *p)
{
	header h;
	emr_withheld why =
		read_header(&p->d->in, top_level(p)->coding, p->at, top_level(p)->end, &h);

	if (why != EMR_WITHHELD_NOT)
		return why;
	p->at += 8;
	if (h.tag == TAG_SEQUENCE_END && top_level(p)->is_open && h.len == 0) {
		pop_level(p);
		return EMR_WITHHELD_NOT;
	}
	if (h.tag != TAG_ITEM)
		return EMR_WITHHELD_DAMAGED;
	return push_level(p, &h, false, top_level(p)->coding);
}

static emr_withheld read_value(parser *p, const header *h)
{
	coding inner = top_level(p)->coding;
	bool is_unknown = memcmp(h->vr, "UN", 2) == 0;

	if (memcmp(h->vr, "SQ", 2) == 0)
		return push_level(p, h, true, inner);
	if (h->len == DICOM_UNDEFINED && is_unknown) {
		inner = (coding){.is_implicit = true};
		return push_level(
			p, h, true, inner); /* PS3.5 6.2.2: implicit little endian inside */
	}
	if (h->len == DICOM_UNDEFINED && h->tag == TAG_PIXELS &&
		p->d->syntax->pixels != PIXELS_NATIVE)
		return read_fragments(p, h);
	if (h->len > top_level(p)->end - p->at || (h->len & 1) != 0)
		return EMR_WITHHELD_DAMAGED; /* no other has an undefined length */
	if (add_element(p->d, h, ELEMENT_VALUE, p->at) == NULL)
		return EMR_WITHHELD_TOO_COMPLEX;
	p->at += h->len;
	return EMR_WITHHELD_NOT;
}

static emr_withheld read_element(parser *p)
{
	header h;
	emr_withheld why =
		read_header(&p->d->in, top_level(p)->coding, p->at, top_level(p)->end, &h);

	if (why != EMR_WITHHELD_NOT)
		return why;
	p->at += h.size;
	if (h.tag == TAG_ITEM_END && p->depth > 0 && top_level(p)->is_open && h.len == 0) {
		pop_level(p);
		return EMR_WITHHELD_NOT;
	}
	if (h.tag <= top_level(p)->last || h.tag >> 16 < 4 || h.tag >> 16 == 0xfffe)
		return EMR_WITHHELD_DAMAGED;
	top_level(p)->last = h.tag;
	return read_value(p, &h);
}

static emr_withheld read_data_set(dicom *d, uint64_t at)
{
	parser p = {.d = d, .at = at};
	emr_withheld why = EMR_WITHHELD_NOT;

	p.levels[0] =
		(level){.end = d->in.size, .coding = {d->syntax->is_implicit, d->syntax->is_big}};
	while (why == EMR_WITHHELD_NOT) {
		if (!top_level(&p)->is_open && p.at == top_level(&p)->end) {
			if (p.depth == 0)
				return EMR_WITHHELD_NOT;
			pop_level(&p);
		} else {
			why = top_level(&p)->is_sequence ? read_item(&p) : read_element(&p);
		}
	}
	return why;
}

/* ---- preamble and file meta ---- */

static emr_withheld read_meta(dicom *d, uint64_t *out_at)
{
	const coding c = {false, false};
	uint32_t last = 0;
	uint64_t at = 132;
	char uid[EMR_DICOM_UID_SIZE] = "";
	const uint8_t *p = flat_bytes(&d->in, 128, 8);
	header h;

	if (p == NULL || memcmp(p, "DICM\2\0", 6) != 0)
		return EMR_WITHHELD_NOT_DICOM;
	for (; at < d->in.size; at += h.size + (uint64_t)h.len, last = h.tag) {
		p = d->in.size - at < 2 ? NULL : flat_bytes(&d->in, at, 2);
		if (p == NULL || p[0] != 2 || p[1] != 0)
			break; /* the data set: in big endian its tags look otherwise */
		if (read_header(&d->in, c, at, d->in.size, &h) != EMR_WITHHELD_NOT ||
			h.tag <= last || h.len > d->in.size - at - h.size)
			return EMR_WITHHELD_DAMAGED;
		if (h.tag != 0x00020010)
			continue;
		p = h.len >= sizeof uid ? NULL : flat_bytes(&d->in, at + h.size, h.len);
		if (p == NULL)
			return EMR_WITHHELD_DAMAGED;
		memcpy(uid, p, h.len);
		uid[h.len] = '\0';
	}
	for (size_t end = strlen(uid); end > 0 && uid[end - 1] == ' '; end--)
		uid[end - 1] = '\0';
	if (uid[0] == '\0')
		return EMR_WITHHELD_DAMAGED;
	d->syntax = dicom_syntax(uid);
	*out_at = at;
	return d->syntax != NULL ? EMR_WITHHELD_NOT : EMR_WITHHELD_COMPRESSION;
}

emr_withheld dicom_parse(dicom *d)
{
	uint64_t at = 0;
	emr_withheld why = read_meta(d, &at);

	return why == EMR_WITHHELD_NOT ? read_data_set(d, at) : why;
}

void dicom_free(dicom *d)
{
	free(d->elements);
	free(d->fragments);
	d->elements = NULL;
	d->fragments = NULL;
	d->count = d->fragment_count = 0;
}

/* ---- looking things up ---- */

uint32_t dicom_find(const dicom *d, uint32_t first, uint32_t end, uint32_t tag)
{
	uint32_t i = first;

	while (i < end && d->elements[i].tag < tag)
		i = d->elements[i].end;
	return i < end && d->elements[i].tag == tag ? i : end;
}

void dicom_text(dicom *d, const element *e, char *out, size_t size)
{
	size_t len = e->len < size - 1 ? e->len : size - 1;
	const uint8_t *p = e->kind == ELEMENT_VALUE ? flat_bytes(&d->in, e->at, len) : NULL;

	out[0] = '\0';
	if (p == NULL)
		return;
	memcpy(out, p, len);
	while (len > 0 && (out[len - 1] == ' ' || out[len - 1] == '\0'))
		len--;
	out[len] = '\0';
}

void dicom_text_of(dicom *d, uint32_t tag, char *out, size_t size)
{
	uint32_t i = dicom_find(d, 0, d->count, tag);

	out[0] = '\0';
	if (i < d->count && dicom_row_has_vr(dicom_row(tag), d->elements[i].vr))
		dicom_text(d, &d->elements[i], out, size);
}

uint32_t dicom_number_of(dicom *d, uint32_t tag, uint32_t fallback)
{
	uint32_t i = dicom_find(d, 0, d->count, tag);
	const uint8_t *p;

	if (i == d->count || d->elements[i].kind != ELEMENT_VALUE || d->elements[i].len < 2 ||
		memcmp(d->elements[i].vr, "US", 2) != 0)
		return fallback;
	p = flat_bytes(&d->in, d->elements[i].at, 2);
	return p != NULL ? dicom_u16(d, p) : fallback;
}
