/* This file reads the title and the day of creation of a PDF file, from the information
 * dictionary or else from an XMP packet. It finds the information dictionary through the
 * cross-reference table, or, where that is a stream, by its number in the first and last 64 KiB.
 * It does not read encrypted files, and dictionaries inside object streams. */
#include <stdlib.h>
#include <string.h>

#include "pdf_lex.h"

#define PIECE ((size_t)8192)
#define SECTIONS_MAX 4 /* cross-reference sections that are followed back */
#define SUBSECTIONS_MAX 64
#define READS_MAX 160

typedef struct pdf {
	const emr_header_source *source;
	emr_headers *out;
	uint8_t *piece; /* PIECE bytes */
	unsigned reads;
	emr_status status; /* of the source */
	bool has_info, is_encrypted;
	uint64_t info; /* object number */
} pdf;

static emr_bytes read_at(pdf *p, uint64_t at, uint8_t *into, size_t len)
{
	size_t got = 0;

	if (p->status != EMR_OK || at >= p->source->size || p->reads++ >= READS_MAX)
		return (emr_bytes){0};
	if (len > p->source->size - at)
		len = (size_t)(p->source->size - at);
	p->status = p->source->read(p->source->arg, at, into, len, &got);
	return p->status == EMR_OK ? emr_bytes_of(into, got) : (emr_bytes){0};
}

/* ---- the information dictionary ---- */

/* BYTES begin with "N G obj". */
static bool take_info(pdf *p, emr_bytes bytes, uint64_t number)
{
	pdf_lexer l = pdf_lexer_of(bytes);
	pdf_token t[4], key, value;
	bool is_reference;

	for (int i = 0; i < 4; i++)
		pdf_next(&l, &t[i]);
	if (t[0].kind != PDF_NUMBER || t[0].number != number || t[1].kind != PDF_NUMBER ||
		!pdf_token_is(&t[2], PDF_WORD, "obj") || !pdf_token_is(&t[3], PDF_OPEN, "<<"))
		return false;
	while (pdf_next_entry(&l, &key, &value, &is_reference)) {
		char date[EMR_HEADER_TEXT_MAX + 1];

		if (pdf_token_is(&key, PDF_NAME, "Title"))
			pdf_text(&value, p->out->description);
		if (!pdf_token_is(&key, PDF_NAME, "CreationDate"))
			continue;
		pdf_text(&value, date);
		date_take(emr_bytes_of(date, strlen(date)), p->out->study_date);
	}
	return true;
}

/* "\nN G obj" somewhere in BYTES. */
static bool find_info(pdf *p, emr_bytes bytes)
{
	const uint8_t *at = bytes.data, *end;

	if (bytes.len == 0)
		return false;
	end = bytes.data + bytes.len;
	while (at != NULL && at < end) {
		emr_bytes rest = emr_bytes_of(at, (size_t)(end - at));
		pdf_lexer l = pdf_lexer_of(emr_bytes_of(rest.data, rest.len < 24 ? rest.len : 24));
		pdf_token first;

		if (*at >= '0' && *at <= '9') {
			pdf_next(&l, &first);
			if (first.kind == PDF_NUMBER && first.number == p->info &&
				take_info(p, rest, p->info))
				return true;
		}
		at = memchr(at, '\n', rest.len);
		at = at != NULL ? at + 1 : NULL;
	}
	return false;
}

/* ---- trailer and cross-reference table ---- */

/* LEXER is inside the trailer's dictionary. Facts from newer sections stay. */
static uint64_t take_trailer(pdf *p, pdf_lexer *l)
{
	pdf_token key, value;
	bool is_reference;
	uint64_t previous = 0;

	while (pdf_next_entry(l, &key, &value, &is_reference)) {
		if (pdf_token_is(&key, PDF_NAME, "Encrypt"))
			p->is_encrypted = true;
		if (pdf_token_is(&key, PDF_NAME, "Prev") && value.kind == PDF_NUMBER)
			previous = value.number;
		if (pdf_token_is(&key, PDF_NAME, "Info") && is_reference && !p->has_info) {
			p->has_info = true;
			p->info = value.number;
		}
	}
	return previous;
}

/* Goes through the table at AT.  *OUT_ENTRY: offset of object WANTED, if the table has it;
 * *OUT_PREVIOUS as the trailer says.  False when there is no table; then, if it is a stream, its
 * dictionary was read as a trailer. */
static bool walk_table(
	pdf *p, uint64_t at, const uint64_t *wanted, uint64_t *out_entry, uint64_t *out_previous)
{
	emr_bytes bytes = read_at(p, at, p->piece, PIECE);
	pdf_lexer l = pdf_lexer_of(bytes);
	pdf_token t, count;

	pdf_next(&l, &t);
	if (t.kind == PDF_NUMBER) {
		for (int i = 0; i < 3; i++)
			pdf_next(&l, &t);
		if (pdf_token_is(&t, PDF_OPEN, "<<"))
			*out_previous = take_trailer(p, &l);
		return false;
	}
	if (!pdf_token_is(&t, PDF_WORD, "xref"))
		return false;
	for (unsigned i = 0; i < SUBSECTIONS_MAX; i++) {
		pdf_next(&l, &t);
		if (pdf_token_is(&t, PDF_WORD, "trailer")) {
			pdf_next(&l, &t);
			if (pdf_token_is(&t, PDF_OPEN, "<<"))
				*out_previous = take_trailer(p, &l);
			return true;
		}
		pdf_next(&l, &count);
		if (t.kind != PDF_NUMBER || count.kind != PDF_NUMBER ||
			count.number > (uint64_t)1 << 32)
			return true;
		while (l.left > 0 && (*l.at < '0' || *l.at > '9') && *l.at != 't') {
			l.at++;
			l.left--;
		}
		at += (uint64_t)(l.at - bytes.data);
		if (wanted != NULL && *wanted >= t.number && *wanted - t.number < count.number) {
			uint8_t entry[20];
			emr_bytes row =
				read_at(p, at + 20 * (*wanted - t.number), entry, sizeof entry);
			pdf_lexer e = pdf_lexer_of(row);

			pdf_next(&e, &t);
			if (t.kind == PDF_NUMBER)
				*out_entry = t.number;
		}
		at += 20 * count.number;
		bytes = read_at(p, at, p->piece, PIECE);
		l = pdf_lexer_of(bytes);
	}
	return true;
}

/* Newest section first: the first that has an Info names it, the first that has its entry places
 * it. */
static void follow_tables(pdf *p, uint64_t at)
{
	uint64_t first = at, previous, entry = 0;
	bool is_table = true;

	for (int i = 0; i < SECTIONS_MAX && at != 0 && is_table && !p->has_info && !p->is_encrypted;
		i++) {
		previous = 0;
		is_table = walk_table(p, at, NULL, &entry, &previous);
		at = previous;
	}
	at = first;
	for (int i = 0;
		i < SECTIONS_MAX && at != 0 && p->has_info && !p->is_encrypted && entry == 0; i++) {
		previous = 0;
		if (!walk_table(p, at, &p->info, &entry, &previous))
			break;
		at = previous;
	}
	if (entry != 0 && !p->is_encrypted)
		p->has_info = !take_info(p, read_at(p, entry, p->piece, PIECE), p->info);
}

/* The bytes behind the last WORD in TAIL; empty when it is not there. */
static pdf_lexer after_last(emr_bytes tail, const char *word)
{
	size_t len = strlen(word);

	for (size_t i = tail.len < len ? 0 : tail.len - len + 1; i-- > 0;)
		if (memcmp(tail.data + i, word, len) == 0)
			return pdf_lexer_of(emr_bytes_of(tail.data + i + len, tail.len - i - len));
	return (pdf_lexer){0};
}

static uint64_t startxref_of(emr_bytes tail)
{
	pdf_lexer l = after_last(tail, "startxref");
	pdf_token t;

	pdf_next(&l, &t);
	return t.kind == PDF_NUMBER ? t.number : 0;
}

/* The table is not where it should be: the last trailer is believed without it. */
static void take_last_trailer(pdf *p, emr_bytes tail)
{
	pdf_lexer l = after_last(tail, "trailer");
	pdf_token t;

	pdf_next(&l, &t);
	if (pdf_token_is(&t, PDF_OPEN, "<<"))
		(void)take_trailer(p, &l);
}

static void find_xmp(pdf *p, emr_bytes bytes)
{
	static const char start[] = "<x:xmpmeta";
	const uint8_t *found =
		bytes.len > 0 ? memmem(bytes.data, bytes.len, start, sizeof start - 1) : NULL;

	if (found != NULL && p->status == EMR_OK)
		p->status = xmp_read(
			emr_bytes_of(found, bytes.len - (size_t)(found - bytes.data)), p->out);
}

static bool is_complete(const pdf *p)
{
	return p->out->description[0] != '\0' && p->out->study_date[0] != '\0';
}

emr_status pdf_read(const emr_header_source *source, emr_headers *out)
{
	EMR_AUTO_FREE uint8_t *memory = malloc(HEAD_BYTES + PIECE);
	pdf p = {.source = source, .out = out};
	uint64_t tail_at = source->size > HEAD_BYTES ? source->size - HEAD_BYTES : 0;
	emr_bytes ends[2];

	if (memory == NULL)
		return EMR_NO_MEMORY;
	out->kind = EMR_HEADER_PDF;
	p.piece = memory + HEAD_BYTES;
	ends[0] = read_at(&p, tail_at, memory, HEAD_BYTES);
	follow_tables(&p, startxref_of(ends[0]));
	if (!p.has_info && !is_complete(&p))
		take_last_trailer(&p, ends[0]);
	for (int i = 0; i < 2 && !p.is_encrypted && !is_complete(&p); i++) {
		if (i == 1)
			ends[i] = tail_at > 0 ? read_at(&p, 0, memory, HEAD_BYTES) : (emr_bytes){0};
		if (p.has_info && find_info(&p, ends[i]))
			p.has_info = false;
		find_xmp(&p, ends[i]);
	}
	return p.status;
}
